"""The newest quorum-cosigned head of every log, as this node knows it."""

from collections.abc import Sequence
from dataclasses import dataclass

from ledger import encoding, log
from ledger.errors import FormError, RefusedError
from ledger.hashing import EMPTY_ROOT
from ledger.table import HEAD, Reader, Writer, log_key, u64
from settlement.record import Head
from settlement.roster import Roster


@dataclass(frozen=True)
class KnownHead:
    """A head that a quorum has cosigned, with the note that shows it."""

    size: int
    root: bytes
    note: bytes


def load(reader: Reader, code: str) -> KnownHead | None:
    """Return the newest quorum-cosigned head of a log, or None."""
    value = reader.get(HEAD, log_key(code) + b"cosigned")
    return None if value is None else KnownHead(*encoding.unpack(value))


def size_of(reader: Reader, code: str) -> int:
    """Return the size of the newest quorum-cosigned head; 0 if there is none."""
    head = load(reader, code)
    return 0 if head is None else head.size


def cut_now(reader: Reader, codes: Sequence[str]) -> list[Head]:
    """Return the newest quorum-cosigned head of every log of `codes`; size 0 if there is none.

    Raises:
        RefusedError: A log is not held that far (BEHIND).
    """
    result = []
    for code in codes:
        known = load(reader, code)
        size, root = (known.size, known.root) if known else (0, EMPTY_ROOT)
        if log.size(reader, log_key(code)) < size:
            raise RefusedError("BEHIND", f"the copy of {code} ends below its cosigned head")
        result.append(Head(code, size, root))
    return result


def save(writer: Writer, code: str, head: KnownHead, *, again: bool = False) -> bool:
    """Store a head if it is newer than what is known; return whether it was.

    With `again` a head of the same size replaces the known one: it has other cosignatures.
    """
    if head.size < size_of(writer, code) + (0 if again else 1):
        return False
    writer.put(HEAD, log_key(code) + b"cosigned", encoding.pack([head.size, head.root, head.note]))
    return True


def save_turn(writer: Writer, code: str, head: KnownHead) -> None:
    """Keep a head that ends with a rotation: whoever is behind needs it to know the next key."""
    writer.put(HEAD, log_key(code) + b"turn" + u64(head.size), head.note)


def next_turn(reader: Reader, code: str, size: int) -> bytes | None:
    """Return the first kept head above `size` that ends with a rotation, or None."""
    prefix = log_key(code) + b"turn"
    found = next(iter(reader.scan(HEAD, prefix + u64(size + 1), prefix + b"\xff" * 9)), None)
    return None if found is None else found[1]


def owner(roster: Roster, note: bytes) -> str:
    """Return the code of the member whose log a checkpoint claims to be of.

    Raises:
        FormError: It begins with the origin of no log of this network.
    """
    origin = note.split(b"\n", 1)[0].decode("utf-8", "replace")
    code = roster.owner(origin)
    if code is None:
        raise FormError("checkpoint origin", "a log of this network", origin)
    return code
