"""One payment between two participants: what its sender says of it, and what its receiver says.

Legs of a batch and rows of a demand for prepayment are both paid in parts, returned by a bank, paid
again. The sender's log has `Paid` and `Returned`, the receiver's `Received`; the purpose, month,
number and attempt bring them together.
"""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ledger.table import Reader
from settlement.lookup import find, transfer_key, transfers
from settlement.record import Paid, Place, Received, Returned

Among = Container[Place] | None
"""The entries to look at; None: all there are."""


class Payment(NamedTuple):
    """One attempt to pay; the places are None until the entries exist."""

    attempt: int
    fen: int
    paid: Place
    returned: Place | None
    received: Place | None

    @property
    def places(self) -> list[Place]:
        """Every entry that speaks of it."""
        return [place for place in self[2:] if place is not None]

    @property
    def under_way(self) -> bool:
        """Whether it was sent, has not arrived and was not returned."""
        return self.received is None and self.returned is None

    @property
    def state(self) -> str:
        """SENT, RECEIVED or RETURNED."""
        if self.returned is not None:
            return "RETURNED"
        return "SENT" if self.received is None else "RECEIVED"


def sent_fen(payments: Iterable[Payment]) -> int:
    """Return what was sent and not returned by the bank, in fen."""
    return sum(payment.fen for payment in payments if payment.returned is None)


def received_fen(payments: Iterable[Payment]) -> int:
    """Return what arrived, in fen."""
    return sum(payment.fen for payment in payments if payment.received is not None)


def arrived_as(sent: Sequence[Payment], attempt: int, fen: int) -> int | None:
    """Return the position of the payment that arrived, or None if nothing of this amount was sent.

    The attempt it names; or, if that one was returned, the next one of the same amount: its author
    had not heard of the return when the money came that was sent again.
    """
    for position, payment in enumerate(sent):
        if payment.under_way and payment.attempt >= attempt and payment.fen == fen:
            exact = payment.attempt == attempt
            known = next((p for p in sent if p.attempt == attempt), None)
            if exact or (known is not None and known.returned is not None):
                return position
    return None


@dataclass(frozen=True)
class Payments:
    """The payments of one month for one purpose, as the logs of both sides tell them."""

    reader: Reader
    purpose: str
    month: str
    among: Among = None

    def between(
        self, payer: str, payee: str, number: int, most_fen: int, what: str
    ) -> tuple[tuple[Payment, ...], str | None]:
        """Return the attempts to pay what has this number, and what is wrong with them, or None.

        An entry whose amount is not right moves nothing: it is named.

        Args:
            most_fen: What may be under way or have arrived at once.
            what: The word for what is paid: a leg, a row.
        """
        found: list[Payment] = []
        note, left = None, most_fen
        for index, record in self._of(payer, Paid, number, payee):
            key = transfer_key(self.purpose, self.month, number, payee, record.attempt)
            returned = self._place(payer, Returned, key)
            if returned is None and record.fen > left:
                note = f"{payer} #{index} sends more than the {what} asks for"
                continue
            left -= record.fen if returned is None else 0
            found.append(Payment(record.attempt, record.fen, Place(payer, index), returned, None))
        for index, record in self._of(payee, Received, number, payer):
            position = arrived_as(found, record.attempt, record.fen)
            if position is None:
                note = note or f"{payee} #{index}: nothing of this amount was sent"
            else:
                found[position] = found[position]._replace(received=Place(payee, index))
        return tuple(found), note

    def counts(self, code: str, index: int) -> bool:
        """Return whether an entry is among those that are looked at."""
        return self.among is None or Place(code, index) in self.among

    def _of(
        self, code: str, kind: type[Paid | Received], number: int, other: str
    ) -> list[tuple[int, Paid | Received]]:
        found = transfers(self.reader, code, kind, self.purpose, self.month, number, other)
        return [(index, record) for index, record in found if self.counts(code, index)]

    def _place(self, code: str, kind: type[Returned], key: bytes) -> Place | None:
        index = find(self.reader, code, kind, key)
        return Place(code, index) if index is not None and self.counts(code, index) else None
