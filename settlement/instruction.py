"""Which payments of a month a payment file may hold: asked for, not sent, and in no other file.

Legs of a confirmed batch and rows of demands for prepayment have files alike; what is given back is
paid by the creditor.
"""

from collections.abc import Container, Iterator, Sequence
from typing import Any, NamedTuple

from ledger.errors import RefusedError
from ledger.table import Reader
from settlement import leg as legs
from settlement.demand import Row
from settlement.leg import Leg
from settlement.lookup import entry_at, held_prepayment, instructed, places, transfers
from settlement.money import format_yuan
from settlement.party import CENTRE
from settlement.paymentfile import payment_key
from settlement.record import Instruction, Paid, Payment


class Payable(NamedTuple):
    """The payments of a month that its payer has still to send."""

    fresh: tuple[Payment, ...]  # in no file yet
    filed: tuple[tuple[Payment, int], ...]  # in the file of the entry at that index


def payable(
    reader: Reader, month_legs: Sequence[Leg], month: str, code: str, numbers: Container[int] = ()
) -> Payable:
    """Return what `code` has to send of a confirmed month, what is late included.

    Args:
        numbers: Only of these legs; all if empty.

    Raises:
        RefusedError: The centre would pay out before everything is paid in or shared out (ORDER).
    """
    fresh, filed = [], []
    for leg in month_legs:
        if numbers and leg.due.number not in numbers:
            continue
        for payee, fen in _asked(month_legs, leg, code):
            sent = transfers(reader, code, Paid, "clearing", month, leg.due.number, payee)
            payment = Payment("clearing", month, leg.due.number, len(sent) + 1, payee, fen)
            index = instructed(reader, code, payment_key(payment))
            if index is None:
                fresh.append(payment)
            else:
                filed.append((payment, index))
    return Payable(tuple(fresh), tuple(filed))


def _asked(month_legs: Sequence[Leg], leg: Leg, code: str) -> Iterator[tuple[str, int]]:
    """Yield (payee, fen) of what `code` may send for a leg: the leg itself, and what is late."""
    if leg.due.payer == code and leg.payable_fen > 0:
        yield leg.due.payee, legs.may_pay(month_legs, leg.due.number, code).payable_fen
    if code not in (leg.due.payer, CENTRE):
        return
    room = leg.owed_late_fen if code == leg.due.payer else _passing_on_fen(leg)
    for bearer in leg.bearers:
        fen = min(legs.late_fen(bearer), room) if bearer.draw is not None else 0
        if fen > 0:
            room -= fen
            yield bearer.code, fen


def _passing_on_fen(leg: Leg) -> int:
    # What came to the centre after it had shared the leg out, and has not been passed on.
    came = sum(p.fen for p in leg.after if p.received is not None)
    passed = [p for b in leg.bearers for p in b.late if p.paid.code == CENTRE]
    return came - sum(p.fen for p in passed if p.returned is None)


# --- rows of demands -----------------------------------------------------------------------------

ROW_PURPOSES = ("prepayment", "prepayment_return")


def next_payment(reader: Reader, row: Row) -> tuple[Payment, int | None]:
    """Return what the payer of a row would send now, and the entry whose file holds it, or None."""
    sent = transfers(reader, row.payer, Paid, row.purpose, row.month, row.number, row.payee)
    attempt = len(sent) + 1
    payment = Payment(row.purpose, row.month, row.number, attempt, row.payee, row.payable_fen)
    return payment, instructed(reader, row.payer, payment_key(payment))


def payable_rows(
    reader: Reader, rows: Sequence[Row], month: str, code: str, numbers: Container[int] = ()
) -> Payable:
    """Return what `code` has to send of the rows demanded in a month.

    Args:
        rows: All rows of all demands: what is given back is never more than is held.
        numbers: Only of these rows; all if empty.

    Raises:
        RefusedError: More would be given back than is held and in no other file (EXCEEDS).
    """
    fresh, filed, leaving = [], [], dict[str, int]()
    for row in rows:
        if row.payer != code or row.payable_fen <= 0:
            continue
        payment, index = next_payment(reader, row)
        if index is not None and row.purpose == "prepayment_return":
            leaving[row.payee] = leaving.get(row.payee, 0) + payment.fen
        if row.month != month or (numbers and row.number not in numbers):
            continue
        if index is None:
            fresh.append(payment)
        else:
            filed.append((payment, index))
    for payment in fresh:
        if payment.purpose == "prepayment_return":
            _check_held(reader, code, payment, leaving)
    return Payable(tuple(fresh), tuple(filed))


def _check_held(reader: Reader, code: str, payment: Payment, leaving: dict[str, int]) -> None:
    room = held_prepayment(reader, code, payment.payee) - leaving.get(payment.payee, 0)
    if payment.fen > room:
        raise RefusedError(
            "EXCEEDS",
            f"{payment.month} row {payment.number}: {format_yuan(room)} yuan of {payment.payee} "
            f"are held and in no other file, not {format_yuan(payment.fen)}",
        )
    leaving[payment.payee] = leaving.get(payment.payee, 0) + payment.fen


# --- files ---------------------------------------------------------------------------------------


def instructions(reader: Reader, code: str) -> list[tuple[int, Instruction]]:
    """Return the payment files of a participant, newest first, with their index in its log."""
    found = []
    for _, index in places(reader, Instruction, code):
        record = entry_at(reader, code, index)[1]
        assert isinstance(record, Instruction)
        found.append((index, record))
    return sorted(found, key=lambda item: -item[0])


def files_of(reader: Reader, code: str, month: str, number: int) -> list[dict[str, Any]]:
    """Return the payment files of a participant that hold payments of a leg, newest first."""
    return [
        {
            "index": index, "format": record.format, "digest": record.digest.hex(),
            "attempt": payment.attempt, "payee": payment.payee, "fen": payment.fen,
        }
        for index, record in instructions(reader, code)
        for payment in record.payments
        if (payment.purpose, payment.month, payment.number) == ("clearing", month, number)
    ]  # fmt: skip


def check_fresh(found: Payable, payments: Sequence[Payment]) -> None:
    """Check that payments are ones that a file may hold now.

    Raises:
        RefusedError: One is in another file (DUPLICATE), or is not asked for (STATE).
    """
    filed = {payment_key(payment): index for payment, index in found.filed}
    for payment in payments:
        index = filed.get(payment_key(payment))
        if index is not None:
            raise RefusedError("DUPLICATE", f"{named(payment)} is in the file of entry {index}")
        if payment not in found.fresh:
            raise RefusedError(
                "STATE",
                f"{named(payment)} asks for no such payment to {payment.payee}",
            )


def named(payment: Payment) -> str:
    """Return what a payment is for, as messages call it.

    Example:
        >>> named(Payment("prepayment_return", "2018-01", 3, 1, "630000", 5))
        '2018-01 row 3'
    """
    what = "leg" if payment.purpose == "clearing" else "row"
    return f"{payment.month} {what} {payment.number}"
