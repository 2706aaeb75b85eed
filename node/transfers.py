"""Recording what the bank has done: payments sent and received, each of them once.

The same order again gives the same entry: the bank's number and date tell payments apart. Legs of
a batch and rows of a demand for prepayment are recorded alike; their purpose tells them apart.
"""

from typing import Any, NamedTuple

from ledger.errors import FormError, RefusedError
from node.turn import Turn
from settlement import lookup
from settlement.record import Paid, Received, Returned

_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")


class Transfer(NamedTuple):
    """What a payment of this node's side is for, and with whom."""

    purpose: str
    month: str
    number: int
    other: str

    def known(self, turn: Turn, kind: type[Paid | Received]) -> list[tuple[int, Any]]:
        """Return what this node has recorded of it: (index, record), by attempt."""
        return lookup.transfers(
            turn.writer, turn.code, kind, self.purpose, self.month, self.number, self.other
        )

    def sent(self, turn: Turn, reference: str, date: str) -> tuple[int, Paid] | None:
        """Return the payment that was recorded under this number of the bank, or None.

        Raises:
            RefusedError: It was recorded with another date (DUPLICATE).
        """
        for index, record in self.known(turn, Paid):
            if record.reference == reference:
                if record.date != date:
                    raise RefusedError(
                        "DUPLICATE", f"{reference} is entered with date {record.date}"
                    )
                return index, record
        return None

    def arrived(
        self, turn: Turn, reference: str, date: str, attempt: int | None = None
    ) -> tuple[int, Received] | None:
        """Return what was recorded as received under this number and date, or None.

        Args:
            attempt: Only if it is this one.
        """
        for index, record in self.known(turn, Received):
            same = attempt in (None, record.attempt)
            if same and record.reference == reference and record.date == date:
                return index, record
        return None

    def paying(self, turn: Turn, fen: int, reference: str, date: str) -> Paid:
        """Return the record of the next attempt to pay."""
        attempt = len(self.known(turn, Paid)) + 1
        return Paid(
            self.purpose, self.month, self.number, attempt, self.other, fen, reference, date, []
        )

    def receiving(self, attempt: int, fen: int, reference: str, date: str) -> Received:
        """Return the record that an attempt has arrived."""
        return Received(
            self.purpose, self.month, self.number, attempt, self.other, fen, reference, date, []
        )

    def returning(self, attempt: int, reference: str, date: str, reason: str) -> Returned:
        """Return the record that the bank has sent an attempt back."""
        return Returned(
            self.purpose, self.month, self.number, attempt, self.other, reference, date, reason, []
        )


def check_reference(reference: str) -> str:
    """Return a bank's number if it can stand in an entry.

    Raises:
        FormError: Empty, too long, or another character.
    """
    if not 1 <= len(reference) <= 64 or not set(reference) <= _LETTERS:
        raise FormError("reference", "1 to 64 letters, digits, dot, dash or underscore", reference)
    return reference
