"""Transfers: one payment between two participants, as both their logs tell of it.

The payer writes `Paid` and, if the bank sends it back, `Returned`; the payee writes `Received`.
What both call by the same purpose, month, number and attempt is one transfer. This is about money
at the bank alone; what a leg makes of it, see `leg`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from ledger.table import Reader
from settlement.lookup import entry_at, places
from settlement.payment import Payment, arrived_as
from settlement.record import Paid, Place, Received, Record, Returned

R = TypeVar("R", bound=Record)


class Said(NamedTuple, Generic[R]):
    """An entry with its place and time stamp."""

    place: Place
    at_ms: int
    record: R


class Below:
    """The entries below some sizes of the logs: the position that books are asked about."""

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self.sizes = sizes

    def __contains__(self, place: object) -> bool:
        """Return whether an entry lies below its log's size."""
        return isinstance(place, Place) and place.index < self.sizes.get(place.code, 0)


class Key(NamedTuple):
    """What two participants call one payment."""

    sender: str
    receiver: str
    purpose: str
    month: str
    number: int
    attempt: int


@dataclass
class Transfer:
    """One payment, as far as it is told of at a position."""

    key: Key
    paid: Said[Paid] | None = None
    returned: Said[Returned] | None = None
    received: Said[Received] | None = None

    @property
    def arrived(self) -> bool:
        """Whether both say so: what was received is what was sent, and it did not come back."""
        return self.paid is not None and self.received is not None

    @property
    def under_way(self) -> bool:
        """Whether it was sent, and nobody has said what became of it."""
        return self.paid is not None and self.returned is None and self.received is None

    @property
    def places(self) -> tuple[Place, ...]:
        """Every entry that speaks of it."""
        said = (self.paid, self.returned, self.received)
        return tuple(item.place for item in said if item is not None)


def said(reader: Reader, code: str, kind: type[R], below: Below) -> Iterator[Said[R]]:
    """Yield the valid entries of a kind in a log at a position, by index."""
    for index in sorted(index for _, index in places(reader, kind, code)):
        if index < below.sizes.get(code, 0):
            entry, record = entry_at(reader, code, index)
            assert isinstance(record, kind)
            yield Said(Place(code, index), entry.at_ms, record)


def transfers_at(reader: Reader, codes: Sequence[str], below: Below) -> list[Transfer]:
    """Return all transfers that the logs of `codes` tell of at a position, by key.

    An arrival that names another attempt than it is of (see `payment.arrived_as`) is with the one
    it is of; one of nothing that was sent stands alone, under the key it names.
    """
    sent: dict[Key, Transfer] = {}
    came: list[tuple[Key, Said[Received]]] = []
    for code in codes:
        for paid in said(reader, code, Paid, below):
            key = _key(code, paid.record.payee, paid.record)
            sent[key] = Transfer(key, paid)
        for returned in said(reader, code, Returned, below):
            sent[_key(code, returned.record.payee, returned.record)].returned = returned
        for received in said(reader, code, Received, below):
            came.append((_key(received.record.payer, code, received.record), received))
    groups: dict[Key, list[Transfer]] = {}
    for key in sorted(sent):
        groups.setdefault(key._replace(attempt=0), []).append(sent[key])
    stray: list[Transfer] = []
    for key, received in sorted(came, key=lambda item: item[0]):
        group = groups.get(key._replace(attempt=0), [])
        position = arrived_as([_payment(t) for t in group], key.attempt, received.record.fen)
        if position is None:
            stray.append(Transfer(key, received=received))
        else:
            group[position].received = received
    return sorted([*sent.values(), *stray], key=lambda transfer: transfer.key)


def _payment(transfer: Transfer) -> Payment:
    assert transfer.paid is not None
    returned, received = transfer.returned, transfer.received
    return Payment(
        transfer.key.attempt, transfer.paid.record.fen, transfer.paid.place,
        None if returned is None else returned.place, None if received is None else received.place,
    )  # fmt: skip


def _key(sender: str, receiver: str, record: Paid | Received | Returned) -> Key:
    return Key(sender, receiver, record.purpose, record.month, record.number, record.attempt)
