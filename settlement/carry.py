"""What was entered and is not cleared yet, by pair and service month.

An entry is behind because the insured province has not accepted it, or contests it. A rule set may
say how many batches later than its own month an entry may still be cleared (`late.closes`, L22).
What lies behind longer is named and counted here; it is cleared all the same when it binds. A debt
does not end because somebody was late: no text that says so has been seen.
"""

from collections.abc import Sequence

from ledger.table import Reader
from settlement import obligation, totals
from settlement.close import Close
from settlement.lookup import entry_at, reversals_of
from settlement.period import months_between
from settlement.record import Lines, Settlement
from settlement.state import totals_at
from settlement.totals import NOTHING, Total

Carried = dict[tuple[str, str], Total]
"""(debtor, creditor) -> service month -> what is not cleared; no zero cells."""


def carried_at(reader: Reader, closes: Sequence[Close], *, later: bool = False) -> Carried:
    """Return what lies below the last cut and is not cleared by its close.

    Args:
        later: Also entries of service months that the close does not clear yet.
    """
    close = closes[-1]
    found: Carried = {}
    for creditor, size in close.sizes.items():
        debtors = [code for code in close.sizes if code != creditor]
        for debtor, entered in totals_at(reader, creditor, debtors, size).items():
            cleared = cleared_by_month(reader, closes, debtor, creditor)
            left = {
                month: amounts.minus(cleared.get(month, NOTHING))
                for month, amounts in sorted(entered.items())
                if later or month <= close.month
            }
            left = {month: amounts for month, amounts in left.items() if amounts != NOTHING}
            if left:
                found[debtor, creditor] = left
    return found


def cleared_by_month(reader: Reader, closes: Sequence[Close], debtor: str, creditor: str) -> Total:
    """Return what `debtor` owes `creditor` in all batches to the last close, by service month."""
    pair = obligation.pair_at(reader, closes, debtor, creditor)
    if pair.accepted == 0:
        return {}
    accepted = totals_at(reader, creditor, [debtor], pair.accepted)[debtor]
    cleared = {month: amounts for month, amounts in accepted.items() if month <= pair.month}
    for original, part in pair.held.items():
        for month, amounts in _held(reader, creditor, original, pair, part).items():
            cleared[month] = cleared.get(month, NOTHING).minus(amounts)
    return cleared


def _held(
    reader: Reader, code: str, original: int, pair: obligation.Pair, part: Lines | None
) -> Total:
    # An original that is held as a whole keeps its reversals back, each in its own month.
    record = entry_at(reader, code, original)[1]
    assert isinstance(record, Settlement)
    if record.month > pair.month:
        return {}
    if part is not None:
        left = obligation.remainder(reader, code, original, pair.accepted, pair.month)
        return {record.month: obligation.withheld(left, part)}
    held = {record.month: totals.of_lines(record.lines)}
    for index, month, lines in reversals_of(reader, code, original):
        if index < pair.accepted and month <= pair.month:
            held[month] = held.get(month, NOTHING).plus(totals.of_lines(lines))
    return held


def closes_late(service_month: str, close_month: str) -> int:
    """Return how many batches after its own an entry would be cleared by the batch of a month.

    Example:
        >>> closes_late("2017-10", "2017-12")
        2
    """
    return len(months_between(service_month, close_month)) - 1


def beyond(carried: Carried, close_month: str, limit: int) -> Carried:
    """Return what the next batch would clear more than `limit` batches late."""
    found = {
        pair: {m: a for m, a in total.items() if closes_late(m, close_month) >= limit}
        for pair, total in carried.items()
    }
    return {pair: total for pair, total in found.items() if total}
