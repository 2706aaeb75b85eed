"""The cut: the size and root of every participant's log that a month is computed from."""

from collections.abc import Sequence

from ledger import encoding, log, tree
from ledger.hashing import hash_bytes
from ledger.table import Reader, log_key
from settlement.record import Head


def cut_hash(cut: Sequence[Head]) -> bytes:
    """Return the SHA-256 of the canonical cut, as attestations name it."""
    return hash_bytes(encoding.pack([[head.code, head.size, head.root] for head in cut]))


def missing(reader: Reader, cut: Sequence[Head]) -> list[Head]:
    """Return the heads of `cut` that this replica does not hold completely."""
    return [head for head in cut if log.size(reader, log_key(head.code)) < head.size]


def contradicted(reader: Reader, cut: Sequence[Head]) -> list[Head]:
    """Return the heads of `cut` whose root is not the root of the same prefix held here.

    Every head must be held: see `missing`.
    """
    return [
        head for head in cut if tree.root_at(reader, log_key(head.code), head.size) != head.root
    ]
