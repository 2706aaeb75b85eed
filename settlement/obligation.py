"""What is owed at a cut: the states of all logs joined.

The logs are folded one by one (`state`); here an acceptance in the insured province's log meets the
settlements in the treatment province's log. Everything is a function of the entries below the cut:
no clock decides, and the order in which entries reached this replica does not matter.

An original binds when the insured province has accepted a prefix that holds it and has no open
exception to it. It is *cleared* by the first batch whose month is its service month or later. A
reversal counts when its original does, once it lies below the accepted size and its month is due.
"""

from collections.abc import Sequence

from ledger import tree
from ledger.table import Reader, log_key
from settlement import totals
from settlement.lookup import acceptance_below, entry_at, exceptions, reversals_of, void_code
from settlement.party import province_of
from settlement.record import Head, Settlement
from settlement.roster import Roster
from settlement.state import total_at
from settlement.totals import NOTHING, Amounts

Position = dict[tuple[str, str], Amounts]
"""(debtor, creditor) -> everything cleared up to and including a month; no zero cells."""


def accepted_size(reader: Reader, insured: str, target: Head, insured_size: int) -> int:
    """Return the largest size of `target` that `insured` had accepted at the cut; 0 if none.

    An acceptance counts if it lies below `insured_size` in the insured province's log, names a
    size not above the cut of `target`, and names the root that log has at this size.
    """
    below = target.size + 1
    while (found := acceptance_below(reader, insured, target.code, below)) is not None:
        size, index, root = found
        if index < insured_size and tree.root_at(reader, log_key(target.code), size) == root:
            return size
        below = size
    return 0


def held(
    reader: Reader, insured: str, creditor: str, accepted: int, insured_size: int
) -> list[int]:
    """Return the originals below `accepted` that an open exception holds at the cut, ascending.

    `insured_size` is the size of the insured province's log at the cut. An exception that names
    no valid original owed by `insured` holds nothing.
    """
    result = []
    stands: dict[int, bool] = {}
    for original, size, _code, release in exceptions(reader, insured, creditor):
        released = release is not None and release < insured_size
        covered = size <= accepted and original < accepted and not released
        if covered and size not in stands:
            stands[size] = _stands(reader, insured, creditor, size)
        if covered and stands[size] and _original(reader, creditor, original, insured) is not None:
            result.append(original)
    return result


def _stands(reader: Reader, insured: str, creditor: str, size: int) -> bool:
    # An acceptance of a prefix that this log does not have says nothing about its entries.
    found = acceptance_below(reader, insured, creditor, size + 1)
    key = log_key(creditor)
    return found is not None and found[0] == size and tree.root_at(reader, key, size) == found[2]


def remainder(reader: Reader, code: str, original: int, accepted: int, month: str) -> Amounts:
    """Return what the due part of an original and its reversals below `accepted` amounts to."""
    record = entry_at(reader, code, original)[1]
    assert isinstance(record, Settlement)
    if record.month > month:
        return NOTHING
    due = [
        totals.of_lines(lines)
        for index, reversed_in, lines in reversals_of(reader, code, original)
        if index < accepted and reversed_in <= month
    ]
    return totals.add_all([totals.of_lines(record.lines), *due])


def cleared_pair(
    reader: Reader, roster: Roster, cut: dict[str, Head], debtor: str, creditor: str, month: str
) -> Amounts:
    """Return what `debtor` owes `creditor` in all batches up to `month` together, at this cut."""
    insured_size = cut[debtor].size
    accepted = accepted_size(reader, debtor, cut[creditor], insured_size)
    if accepted == 0:
        return NOTHING
    amounts = totals.up_to(total_at(reader, roster, creditor, debtor, accepted), month)
    for original in held(reader, debtor, creditor, accepted, insured_size):
        amounts = amounts.minus(remainder(reader, creditor, original, accepted, month))
    return amounts


def at_cut(reader: Reader, roster: Roster, cut: Sequence[Head], month: str) -> Position:
    """Return what every participant owes every other one, cumulative, at a cut.

    Costs participants squared reads, the open exceptions, and for each pair at most one chunk of
    entries; never a scan of a log.
    """
    heads = {head.code: head for head in cut}
    position: Position = {}
    for creditor in heads:
        for debtor in heads:
            if debtor != creditor:
                amounts = cleared_pair(reader, roster, heads, debtor, creditor, month)
                if amounts != NOTHING:
                    position[debtor, creditor] = amounts
    return position


def carried(
    reader: Reader, roster: Roster, cut: Sequence[Head], month: str, position: Position
) -> int:
    """Return how many entries due by `month` lie below the cut and are not cleared by it."""
    due = 0
    for head in cut:
        for debtor in (other.code for other in cut if other.code != head.code):
            total = total_at(reader, roster, head.code, debtor, head.size)
            due += totals.up_to(total, month).entries
    return due - sum(amounts.entries for amounts in position.values())


def original_state(
    reader: Reader, cut: Sequence[Head], month: str | None, code: str, index: int
) -> str:
    """Return the one state of an original at a cut, all batches up to `month` confirmed.

    One of cleared, reversed, disputed, not_due, carried, void. `month` None: no batch yet.
    """
    if void_code(reader, code, index) is not None:
        return "void"
    heads = {head.code: head for head in cut}
    record = entry_at(reader, code, index)[1]
    assert isinstance(record, Settlement)
    insured = province_of(record.insured_area)
    if insured not in heads or code not in heads or month is None or record.month > month:
        return "not_due"
    accepted = accepted_size(reader, insured, heads[code], heads[insured].size)
    if index >= accepted:
        return "carried"
    if index in held(reader, insured, code, accepted, heads[insured].size):
        return "disputed"
    left = remainder(reader, code, index, accepted, month)
    return "reversed" if left.entries > 1 and not any(left[1:]) else "cleared"


def _original(reader: Reader, code: str, index: int, insured: str) -> Settlement | None:
    if void_code(reader, code, index) is not None:
        return None
    record = entry_at(reader, code, index)[1]
    good = isinstance(record, Settlement) and province_of(record.insured_area) == insured
    return record if good else None  # type: ignore[return-value]
