"""Payments a bank statement may show: asked for, under way, or entered without their line."""

from collections.abc import Callable, Iterator

from ledger.errors import RefusedError
from ledger.table import Reader
from settlement import batch as batches
from settlement import leg as legs
from settlement.batch import Batch, Result
from settlement.demand import rows
from settlement.instruction import next_payment, payable
from settlement.leg import Leg
from settlement.lookup import (
    confirmed_months,
    entry_at,
    find,
    held_prepayment,
    month_key,
    places,
    transfer_key,
)
from settlement.matching import Expected
from settlement.party import CENTRE
from settlement.payment import Payment
from settlement.record import Certificate, Paid, Received, Returned
from settlement.roster import Roster

ResultOf = Callable[[Reader, Batch], Result]


def expected(
    reader: Reader, founding: Roster, code: str, size: int, result_of: ResultOf
) -> list[Expected]:
    """Return what may be on the statements of a participant, every payment once.

    Args:
        size: How much of the centre's log counts: what is quorum-cosigned.
        result_of: What a batch comes to.
    """
    found = {item.id: item for item in _of_months(reader, founding, code, size, result_of)}
    found |= {item.id: item for item in _of_demands(reader, code, size)}
    found |= {item.id: item for item in entered(reader, code)}
    return [found[key] for key in sorted(found)]


def entered(reader: Reader, code: str) -> Iterator[Expected]:
    """Yield the payments that the log of `code` says were sent, arrived or came back."""
    for kind in (Paid, Received, Returned):
        for _, index in places(reader, kind, code):
            record = entry_at(reader, code, index)[1]
            if isinstance(record, Paid):
                yield Expected(
                    "out", record.purpose, record.month, record.number, record.attempt,
                    record.payee, record.fen, record.reference, index,
                )  # fmt: skip
            elif isinstance(record, Received):
                yield Expected(
                    "in", record.purpose, record.month, record.number, record.attempt,
                    record.payer, record.fen, record.reference, index,
                )  # fmt: skip
            elif isinstance(record, Returned):
                yield Expected(
                    "back", record.purpose, record.month, record.number, record.attempt,
                    record.payee, _sent_fen(reader, code, record), record.reference, index,
                )  # fmt: skip


def _sent_fen(reader: Reader, code: str, record: Returned) -> int:
    key = transfer_key(record.purpose, record.month, record.number, record.payee, record.attempt)
    index = find(reader, code, Paid, key)
    assert index is not None  # the rule of `Returned` asks for it
    paid = entry_at(reader, code, index)[1]
    assert isinstance(paid, Paid)
    return paid.fen


def _of_months(
    reader: Reader, founding: Roster, code: str, size: int, result_of: ResultOf
) -> Iterator[Expected]:
    for month, index in confirmed_months(reader):
        batch = batches.latest_batch(reader, founding, month, size)
        if index >= size or batch is None or _over(reader, month):
            continue
        month_legs = legs.legs_of(reader, result_of(reader, batch))
        for leg in month_legs:
            yield from _to_send(reader, month_legs, leg, month, code)
            for payee, payment in _under_way(leg):
                yield from _moving("clearing", month, leg.due.number, payee, payment, code)


def _of_demands(reader: Reader, code: str, size: int) -> Iterator[Expected]:
    """Yield what the rows of demands ask of a participant or have on its way from or to it."""
    for row in rows(reader, size):
        if row.payer == code and row.payable_fen > 0:
            payment, _ = next_payment(reader, row)
            back = row.purpose == "prepayment_return"  # never more than is held
            ready = not back or payment.fen <= held_prepayment(reader, code, row.payee)
            yield Expected(
                "out", row.purpose, row.month, row.number, payment.attempt, row.payee, payment.fen,
                ready=ready,
            )  # fmt: skip
        if code in (row.payer, row.payee):
            for sent in row.payments:
                if sent.under_way:
                    yield from _moving(row.purpose, row.month, row.number, row.payee, sent, code)


def _over(reader: Reader, month: str) -> bool:
    """Return whether nothing more of a month can move: every leg received, none of it drawn."""
    index = find(reader, CENTRE, Certificate, month_key(month))
    if index is None:
        return False
    record = entry_at(reader, CENTRE, index)[1]
    assert isinstance(record, Certificate)
    return not any(end.drawn_fen or end.arrears_fen or end.shared_fen for end in record.legs)


def _to_send(
    reader: Reader, month_legs: list[Leg], leg: Leg, month: str, code: str
) -> Iterator[Expected]:
    number = leg.due.number
    try:
        found = payable(reader, month_legs, month, code, {number})
    except RefusedError:  # the centre before everything is paid in
        fen = leg.payable_fen
        yield Expected("out", "clearing", month, number, 1, leg.due.payee, fen, ready=False)
        return
    for payment in (*found.fresh, *(payment for payment, _ in found.filed)):
        yield Expected(
            "out", payment.purpose, month, number, payment.attempt, payment.payee, payment.fen
        )


def _under_way(leg: Leg) -> Iterator[tuple[str, Payment]]:
    """Yield (payee, payment) of everything that was sent for a leg and has no end yet."""
    known = [(leg.due.payee, payment) for payment in (*leg.payments, *leg.after)]
    known += [(bearer.code, payment) for bearer in leg.bearers for payment in bearer.late]
    for payee, payment in known:
        if payment.received is None and payment.returned is None:
            yield payee, payment


def _moving(
    purpose: str, month: str, number: int, payee: str, payment: Payment, code: str
) -> Iterator[Expected]:
    sender = payment.paid.code
    if payee == code:
        yield Expected("in", purpose, month, number, payment.attempt, sender, payment.fen)
    elif sender == code:
        yield Expected("back", purpose, month, number, payment.attempt, payee, payment.fen)
