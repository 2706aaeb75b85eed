"""Telling other provinces what they have to know of persons: an outbox that survives crashes.

    notice    to + number    [kind, the notice]; ascending numbers are the order of telling
              next + to      the number after the last one ever given

A registration goes to the province it names, a barring to the insured province, an erasure to
whoever keeps something of the person. One message per province is under way at a time; what it
carried leaves the outbox when the other side has it durably. Everything may come twice.

A receiver takes from a sender only what that sender may say: registrations of its own insured for
this province, barrings of persons insured here, erasures of ids that are the sender's. One notice
that is not refuses the whole message, so nothing is stored by halves.
"""

from typing import TYPE_CHECKING

import structlog

from ledger import encoding
from ledger.encoding import Codec
from ledger.errors import FormError
from ledger.table import Reader, Writer, u64
from node import guests, persons, vault
from node.effect import Answered, Asked, Send
from node.message import (
    MAX_NOTICES,
    Answer,
    BarringNotice,
    DeliverNotices,
    ErasureNotice,
    GuestNotice,
)
from node.vault import NOTICE
from settlement import lookup
from settlement.life import life_at
from settlement.party import parties, province_of
from settlement.person import insured_province
from settlement.record import Reversal, Settlement
from settlement.registration import decode_content

if TYPE_CHECKING:
    from node.province import Province

_log = structlog.get_logger("notices")

MAX_BYTES = 1024 * 1024
Notice = GuestNotice | BarringNotice | ErasureNotice
_KINDS: tuple[type[Notice], ...] = (GuestNotice, BarringNotice, ErasureNotice)
_CODECS = tuple(Codec(kind) for kind in _KINDS)


def put(writer: Writer, to: str, notice: Notice) -> None:
    """Put a notice into the outbox, in the transaction that makes it true."""
    counter = b"next" + to.encode()
    value = writer.get(NOTICE, counter)
    # A number is never given again: an answer that is under way must not take away a later notice.
    number = 0 if value is None else int.from_bytes(value, "big")
    writer.put(NOTICE, counter, u64(number + 1))
    packed = encoding.pack([_KINDS.index(type(notice)), Codec.encode(notice)])
    writer.put(NOTICE, to.encode() + u64(number), packed)


def waiting(reader: Reader) -> set[str]:
    """Return the provinces that have not been told everything."""
    return {to for to in parties() if reader.last(NOTICE, to.encode(), to.encode() + b"\xff" * 9)}


def next_ones(reader: Reader, to: str) -> list[tuple[bytes, Notice]]:
    """Return the oldest notices for a province, as many as go into one message, with their keys."""
    found: list[tuple[bytes, Notice]] = []
    room = MAX_BYTES
    for key, value in reader.scan(NOTICE, to.encode(), to.encode() + b"\xff" * 9):
        kind, data = encoding.unpack(value)
        room -= len(data)
        if found and (room < 0 or len(found) == MAX_NOTICES):
            break
        found.append((key, _CODECS[kind].decode(data)))
    return found


def forget_guests(writer: Writer, to: str, registration_ids: set[str]) -> None:
    """Take the content of registrations out of the outbox; that they are gone is still told."""
    for key, value in list(writer.scan(NOTICE, to.encode(), to.encode() + b"\xff" * 9)):
        kind, data = encoding.unpack(value)
        notice = _CODECS[kind].decode(data)
        guest = isinstance(notice, GuestNotice) and notice.registration_id in registration_ids
        if guest and notice.status != guests.GONE:
            writer.delete(NOTICE, key)


class Notices:
    """The outbox of one province's node, and what it takes from the others."""

    def __init__(self, role: "Province") -> None:
        self._role = role
        self._under_way: dict[str, list[bytes]] = {}  # the keys of what was sent, by province
        self.outgoing: set[str] = set()
        self.look()

    def look(self) -> None:
        """Read again from the vault who has to be told something."""
        with self._role.vault.store.read() as reader:
            self.outgoing = waiting(reader)

    def sends(self, now_ms: int) -> list[Send]:
        """Return the messages to send now."""
        sends = []
        for to in sorted(self.outgoing & set(self._role.roster.members)):
            slot = ("notices", to)
            if self._role.slots.take(slot, now_ms):
                with self._role.vault.store.read() as reader:
                    found = next_ones(reader, to)
                self._under_way[to] = [key for key, _ in found]
                sends.append(Send(slot, to, _message([notice for _, notice in found])))
        return sends

    def answered(self, event: Answered) -> None:
        """Take out of the outbox what the other side has."""
        keys = self._under_way.pop(event.slot[1], [])
        if event.answer.ok:
            self._role.vault.store.transact(lambda writer: _delete(writer, keys))
            self.look()
        elif event.answer.status:
            why = event.answer.body[:200].decode("utf-8", "replace")
            _log.warning("not taken", to=event.slot[1], status=event.answer.status, why=why)

    # --- the receiver ----------------------------------------------------------------------------

    def delivered(self, reader: Reader, event: Asked) -> Answer:
        """Check what another province says and store it; the sender is who signed the request."""
        message, sender = event.message, event.sender
        assert isinstance(message, DeliverNotices)
        if sender not in self._role.roster.participants or sender == self._role.code:
            return Answer(403, b"only other participants deliver notices\n")
        count = len(message.guests) + len(message.barrings) + len(message.erasures)
        if count > MAX_NOTICES:
            return Answer(422, f"at most {MAX_NOTICES} notices\n".encode())
        wrong = self._wrong(reader, sender, message)
        if wrong is None:
            # An id without an entry is nobody's yet: what stands under it is not the sender's.
            code = self._role.code
            ids = [i for erasure in message.erasures for i in erasure.setl_ids]
            settled = [i for i in ids if lookup.find_settlement(reader, code, i) is not None]
            self._role.vault.store.transact(lambda w: self._store(w, sender, message, settled))
        return wrong or Answer(200)

    def _wrong(self, reader: Reader, sender: str, message: DeliverNotices) -> Answer | None:
        for guest in message.guests:
            try:
                good = self._may_register(sender, guest)
            except FormError as error:
                return Answer(422, f"{error}\n".encode())
            if not good:
                return Answer(403, f"{guest.registration_id}: not yours, or not for us\n".encode())
        for barring in message.barrings:
            if insured_province(barring.token) != self._role.code:
                return Answer(403, f"{barring.barring_id}: insured elsewhere\n".encode())
        for erasure in message.erasures:
            for setl_id in erasure.setl_ids:
                wrong = self._may_erase(reader, sender, setl_id)
                if wrong is not None:
                    return wrong
        return None

    def _may_register(self, sender: str, guest: GuestNotice) -> bool:
        if guest.status == guests.GONE:
            return not guest.content and not guest.salt
        content = decode_content(guest.content)
        return (
            len(guest.salt) == 32
            and content.registration_id == guest.registration_id
            and province_of(content.insured_area) == sender
            and province_of(content.destination) == self._role.code
        )

    def _may_erase(self, reader: Reader, sender: str, setl_id: str) -> Answer | None:
        index = lookup.find_settlement(reader, self._role.code, setl_id)
        if index is None:
            return None
        record = lookup.entry_at(reader, self._role.code, index)[1]
        assert isinstance(record, Settlement | Reversal)
        if province_of(record.insured_area) != sender:
            return Answer(403, f"{setl_id}: not yours\n".encode())
        # Until it is cleared the case file is this province's proof of what it is owed.
        if life_at(reader, self._role.code, index)["batch"] is None:
            return Answer(503, f"{setl_id}: not cleared yet, as far as known here\n".encode())
        return None

    def _store(
        self, writer: Writer, sender: str, message: DeliverNotices, settled: list[str]
    ) -> None:
        for guest in message.guests:
            guests.put_guest(writer, sender, guest)
        for barring in message.barrings:
            if persons.load(writer, barring.token) is not None:  # else erased, or never insured
                persons.put_barring(writer, sender, barring)
        for setl_id in settled:
            vault.erase_own(writer, sender, setl_id)
        for erasure in message.erasures:
            for registration_id in erasure.registration_ids:
                guests.erase_guest(writer, sender, registration_id)
            for barring_id in erasure.barring_ids:
                row = persons.barring_by_id(writer, self._role.code, barring_id)
                if row is not None and insured_province(row.token) == sender:
                    persons.drop_barring(writer, row)


def _delete(writer: Writer, keys: list[bytes]) -> None:
    for key in keys:
        writer.delete(NOTICE, key)


def _message(notices: list[Notice]) -> DeliverNotices:
    return DeliverNotices(
        [n for n in notices if isinstance(n, GuestNotice)],
        [n for n in notices if isinstance(n, BarringNotice)],
        [n for n in notices if isinstance(n, ErasureNotice)],
    )
