"""The newest quorum-cosigned head of every log, as this node knows it."""

from dataclasses import dataclass

from ledger import encoding
from ledger.checkpoint import CosignedCheckpoint
from ledger.cosignature import open_cosigned
from ledger.errors import FormError
from ledger.table import HEAD, Reader, Writer, log_key
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


def save(writer: Writer, code: str, head: KnownHead, *, again: bool = False) -> bool:
    """Store a head if it is newer than what is known; return whether it was.

    With `again` a head of the same size replaces the known one: it has other cosignatures.
    """
    if head.size < size_of(writer, code) + (0 if again else 1):
        return False
    writer.put(HEAD, log_key(code) + b"cosigned", encoding.pack([head.size, head.root, head.note]))
    return True


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


def claimed_size(note: bytes) -> int:
    """Return the size a checkpoint claims; raises FormError if it claims none."""
    line = note.split(b"\n", 2)[1:2]
    if not line or not line[0].isdigit() or len(line[0]) > 16:
        raise FormError("checkpoint size", "a number", line)
    return int(line[0])


def open_head(roster: Roster, code: str, note: bytes) -> CosignedCheckpoint:
    """Return a head of the log of `code`, with its signature and its quorum verified.

    Raises:
        FormError: Malformed.
        VerificationError: The log's signature, a cosignature or the quorum does not hold.
    """
    key = roster.members[code].checkpoint_key
    witnesses = roster.witnesses(code)
    return open_cosigned(note, roster.origin(code), key, witnesses, roster.head_quorum)
