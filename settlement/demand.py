"""Demands for prepayment, row by row: who pays whom how much until when, and how far it is.

    DUE ──► PARTIAL ──► PAID ──► RECEIVED          DECLINED: a request that the centre did not grant
     ▲────── RETURNED ◄──┘

A row above zero is paid by the debtor (purpose `prepayment`), one below zero is given back by the
creditor (`prepayment_return`). A row has effect below a quorum-cosigned head of the centre. What is
not paid after its day is *overdue*; nothing becomes void because of it, but it is on record: the
days stand in the entries' own dates.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from ledger.errors import RefusedError
from ledger.table import Reader
from settlement.lookup import demands, entry_at
from settlement.party import CENTRE
from settlement.payment import Payment, Payments, received_fen, sent_fen
from settlement.period import shanghai_day
from settlement.record import Place


@dataclass(frozen=True)
class Row:
    """One row of a demand and how far it has come."""

    month: str
    number: int
    cause: str  # yearly, urgent
    debtor: str
    creditor: str
    fen: int  # below zero: the creditor gives back
    due: str
    demand: Place
    reason: str = ""
    payments: tuple[Payment, ...] = ()
    note: str | None = None

    @property
    def payer(self) -> str:
        """Who sends the money."""
        return self.debtor if self.fen >= 0 else self.creditor

    @property
    def payee(self) -> str:
        """Who gets it."""
        return self.creditor if self.fen >= 0 else self.debtor

    @property
    def purpose(self) -> str:
        """What the money is for, as its entries name it (L19)."""
        return "prepayment" if self.fen >= 0 else "prepayment_return"

    @property
    def received_fen(self) -> int:
        """What arrived."""
        return received_fen(self.payments)

    @property
    def payable_fen(self) -> int:
        """What the payer has still to send."""
        return abs(self.fen) - sent_fen(self.payments)

    @property
    def open_fen(self) -> int:
        """What has not arrived."""
        return abs(self.fen) - self.received_fen

    @property
    def state(self) -> str:
        """DUE, PARTIAL, PAID, RETURNED, RECEIVED or DECLINED."""
        if self.fen == 0:
            return "DECLINED"
        if self.open_fen == 0:
            return "RECEIVED"
        if sent_fen(self.payments) == 0:
            return "RETURNED" if self.payments else "DUE"
        return "PAID" if self.payable_fen == 0 else "PARTIAL"


def rows(reader: Reader, size: int) -> list[Row]:
    """Return all rows demanded below `size` of the centre's log, by month and number."""
    found = []
    for index, demand in demands(reader, size):
        for item in demand.rows:
            place = Place(CENTRE, index)
            row = Row(
                demand.month, item.number, demand.cause, item.debtor, item.creditor, item.fen,
                demand.due, place, demand.reason,
            )  # fmt: skip
            payments, note = Payments(reader, row.purpose, row.month).between(
                row.payer, row.payee, row.number, abs(row.fen), "row"
            )
            found.append(replace(row, payments=payments, note=note))
    return found


def days_late(reader: Reader, row: Row, today: date | None) -> int:
    """Return how many days after its due day a row was paid, or has been open until `today`.

    Args:
        today: The business date; without it what is still to be paid is not called late.
    """
    due = date.fromisoformat(row.due)
    if row.payable_fen > 0:
        return max(0, (today - due).days) if today is not None else 0
    sent = [payment.paid for payment in row.payments if payment.returned is None]
    days = [shanghai_day(entry_at(reader, p.code, p.index)[0].at_ms) for p in sent]
    return max(0, (date.fromisoformat(max(days)) - due).days) if days else 0


def numbered(found: Sequence[Row], month: str, number: int) -> Row:
    """Return a row by month and number; raises RefusedError (ROW) if there is none."""
    for row in found:
        if (row.month, row.number) == (month, number):
            return row
    numbers = [row.number for row in found if row.month == month]
    there = f"rows 1 to {max(numbers)}" if numbers else "no demand with effect"
    raise RefusedError("ROW", f"{month} has {there}, not {number}")


def may_pay(row: Row, payer: str) -> int:
    """Return what `payer` may still send of a row, in fen.

    Raises:
        RefusedError: It is another's to pay (ROLE), or nothing is left to pay (NOTHING_LEFT).
    """
    if row.payer != payer:
        raise RefusedError("ROLE", f"row {row.number} is paid by {row.payer}, not by {payer}")
    if row.payable_fen <= 0:
        raise RefusedError("NOTHING_LEFT", f"row {row.number}: nothing is left to pay")
    return row.payable_fen


def may_receive(row: Row, payee: str, attempt: int | None = None) -> Payment:
    """Return the oldest payment of a row that `payee` may record as received.

    Args:
        attempt: Which payment arrived, if that is known.

    Raises:
        RefusedError: It is another's to receive (ROLE), or nothing is under way (ORDER).
    """
    if row.payee != payee:
        raise RefusedError("ROLE", f"row {row.number} is received by {row.payee}, not by {payee}")
    for payment in row.payments:
        if payment.under_way and attempt in (None, payment.attempt):
            return payment
    what = "nothing" if attempt is None else f"no attempt {attempt}"
    raise RefusedError("ORDER", f"row {row.number}: {what} of {row.payer} is on its way")


def may_return(row: Row, payer: str, attempt: int) -> Payment:
    """Return the payment that `payer` may record as returned by the bank.

    Raises:
        RefusedError: It is another's to pay (ROLE), there is no such payment (STATE), or it has
            arrived (ORDER).
    """
    if row.payer != payer:
        raise RefusedError("ROLE", f"row {row.number} is paid by {row.payer}, not by {payer}")
    for payment in row.payments:
        if payment.attempt == attempt:
            if payment.received is not None:
                raise RefusedError("ORDER", f"{row.payee} has received attempt {attempt}")
            return payment
    raise RefusedError("STATE", f"row {row.number}: {payer} has sent no attempt {attempt}")
