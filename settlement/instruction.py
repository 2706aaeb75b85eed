"""Which payments of a month a payment file may hold: asked for, not sent, and in no other file."""

from collections.abc import Container, Iterator, Sequence
from typing import Any, NamedTuple

from ledger.errors import RefusedError
from ledger.table import Reader
from settlement import leg as legs
from settlement.leg import Leg
from settlement.lookup import entry_at, instructed, places, transfers
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
        RefusedError: One is in another file (DUPLICATE), or is not what the batch asks for (STATE).
    """
    filed = {payment_key(payment): index for payment, index in found.filed}
    for payment in payments:
        index = filed.get(payment_key(payment))
        if index is not None:
            raise RefusedError("DUPLICATE", f"leg {payment.number} is in the file of entry {index}")
        if payment not in found.fresh:
            raise RefusedError(
                "STATE",
                f"{payment.month} leg {payment.number} asks for no such payment to {payment.payee}",
            )
