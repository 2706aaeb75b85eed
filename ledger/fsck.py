"""fsck: recompute a log from its leaves and say where the store differs.

Shares nothing with the code that wrote: leaves are hashed again, every stored level is built again
from the one below, and each stored hash is compared.
"""

from collections.abc import Iterator
from typing import NamedTuple

from ledger import log, tree
from ledger.errors import DamageError
from ledger.hashing import leaf_hash, node_hash
from ledger.table import Reader

SLICE = 4096


class Finding(NamedTuple):
    """One place where the store is not what its leaves make it."""

    place: str
    expected: str
    found: str


def check_log(reader: Reader, key: bytes) -> Iterator[Finding]:
    """Yield every difference between the stored tree of a log and the one its leaves make.

    Constant memory: leaves and nodes are read in slices.
    """
    code = key[:6].decode("ascii", "replace")
    size = log.size(reader, key)
    yield from _check_level(reader, key, f"tree {code} level 0", 0, size)
    level = tree.STRIDE
    while size >> level:
        yield from _check_level(reader, key, f"tree {code} level {level}", level, size >> level)
        level += tree.STRIDE
    try:
        end = log.stored_end(reader, key)
    except DamageError as error:
        yield Finding(error.place, str(error.expected), str(error.found))
        return
    if end > size:
        yield Finding(f"leaf {code} #{end - 1}", f"nothing at or above size {size}", "a leaf")


def _check_level(
    reader: Reader, key: bytes, place: str, level: int, count: int
) -> Iterator[Finding]:
    for start in range(0, count, SLICE):
        stop = min(start + SLICE, count)
        try:
            expected = _expected(reader, key, level, start, stop)
            found = tree.nodes_at(reader, key, level, start, stop)
        except DamageError as error:
            yield Finding(error.place, str(error.expected), str(error.found))
            continue
        for index, (a, b) in enumerate(zip(expected, found, strict=True), start):
            if a != b:
                yield Finding(f"{place} node {index}", a.hex(), b.hex())


def _expected(reader: Reader, key: bytes, level: int, start: int, stop: int) -> list[bytes]:
    if level == 0:
        return [leaf_hash(leaf) for leaf in log.leaves(reader, key, start, stop)]
    below = tree.nodes_at(reader, key, level - 2, 4 * start, 4 * stop)
    return [
        node_hash(node_hash(a, b), node_hash(c, d))
        for a, b, c, d in zip(*(below[n::4] for n in range(4)), strict=True)
    ]
