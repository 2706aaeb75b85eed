"""The registrations that other provinces sent here: whom this province may have to treat.

    guest   insured + registration id   [content, salt, revision, status]

One that names this province no more, or whose person was erased, stays as an empty place: without
content and salt, so that a late or repeated notice does not bring it back.
"""

from collections.abc import Iterator
from typing import NamedTuple

from ledger import encoding
from ledger.table import Reader, Writer
from node.message import GuestNotice
from node.vault import GUEST
from settlement.lookup import latest_revision
from settlement.record import Registration
from settlement.registration import Content, commitment, decode_content, encode_content

GONE = "gone"
LAST_REVISION = 1_000_000


class Guest(NamedTuple):
    """A registration that another province sent, or the place where one was."""

    insured: str
    registration_id: str
    revision: int
    status: str
    content: Content | None  # None: gone
    salt: bytes


def guest(reader: Reader, insured: str, registration_id: str) -> Guest | None:
    """Return what `insured` sent of a registration, or None."""
    value = reader.get(GUEST, insured.encode() + registration_id.encode())
    return None if value is None else _guest(insured, registration_id, value)


def guests(reader: Reader, insured: str = "", after: str = "") -> Iterator[Guest]:
    """Yield the registrations that other provinces sent, or one of them, and that are not gone.

    Args:
        after: Province code and registration id of the last one seen.
    """
    prefix = insured.encode()
    start = after.encode() + b"\x00" if after > insured else prefix
    for key, value in reader.scan(GUEST, start, prefix + b"\xff"):
        found = _guest(key[:6].decode(), key[6:].decode(), value)
        if found.content is not None:
            yield found


def guest_state(log: Reader, found: Guest) -> str:
    """Return how a guest stands to the copy of the sender's log here.

    confirmed: the newest revision there is this one. waiting: the log or the notice is not here
    yet. false: the log says something else under this revision.
    """
    last = latest_revision(log, found.insured, Registration, found.registration_id)
    if not isinstance(last, Registration) or last.revision != found.revision:
        return "waiting"
    data = b"" if found.content is None else encode_content(found.content)
    good = commitment(data, found.salt) == last.commitment and found.status == last.status
    return "confirmed" if good else "false"


def put_guest(writer: Writer, insured: str, notice: GuestNotice) -> None:
    """Store what a province sent, unless something as new or newer is here."""
    before = guest(writer, insured, notice.registration_id)
    if before is None or notice.revision > before.revision:
        value = [notice.content, notice.salt, notice.revision, notice.status]
        key = insured.encode() + notice.registration_id.encode()
        writer.put(GUEST, key, encoding.pack(value))


def erase_guest(writer: Writer, insured: str, registration_id: str) -> None:
    """Erase a registration; what stays says that no revision of it must come back."""
    value = encoding.pack([b"", b"", LAST_REVISION, GONE])
    writer.put(GUEST, insured.encode() + registration_id.encode(), value)


def _guest(insured: str, registration_id: str, value: bytes) -> Guest:
    data, salt, revision, status = encoding.unpack(value)
    content = decode_content(data) if data else None
    return Guest(insured, registration_id, revision, status, content, salt)
