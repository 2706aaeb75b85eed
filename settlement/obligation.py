"""What is owed at a close: the states of all logs joined.

The logs are folded one by one (`state`); here an acceptance in the insured province's log meets the
settlements in the treatment province's log. Everything is a function of the entries below the cut
and of what was confirmed before: no clock decides, and the order in which entries reached this
replica does not matter.

An original binds when the insured province has accepted a prefix that holds it and no dispute holds
it (see `stage`). It is *cleared* by the first batch whose month is its service month or later. A
reversal counts when its original does, once it lies below the accepted size and its month is due.

`closes` are the ones confirmed before and the one that is asked about, last (`close.closes_to`).
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ledger.table import Reader
from settlement import stage as stages
from settlement import totals
from settlement.close import Close, Roots, accepted_size
from settlement.lookup import (
    Contested,
    entry_at,
    exception_at,
    exceptions,
    reversals_of,
    void_code,
)
from settlement.party import province_of
from settlement.record import Head, Lines, Settlement
from settlement.roster import Roster
from settlement.state import total_at, totals_at
from settlement.totals import NOTHING, Amounts

Position = dict[tuple[str, str], Amounts]
"""(debtor, creditor) -> everything cleared up to and including a month; no zero cells."""

Held = dict[int, Lines | None]
"""original -> the part of it that a dispute holds, line by line; None: all of it."""


class Pair(NamedTuple):
    """What a close says of what one participant owes another."""

    month: str
    known: bool  # both were members at this close
    accepted: int
    held: Held

    def counts(self, index: int, month: str) -> bool:
        """Return whether a valid entry of the creditor's log is accepted and due at this close.

        What a dispute holds of it is another question: see `held`.
        """
        return index < self.accepted and month <= self.month


BEFORE_ALL = Pair("", known=False, accepted=0, held={})
"""What the close before the first one says."""


def pair_at(
    reader: Reader, closes: Sequence[Close], debtor: str, creditor: str, only: int | None = None
) -> Pair:
    """Return what the last close says of a pair.

    Args:
        only: Look at disputes of this original alone.
    """
    return _pairs(reader, closes, 1, debtor, creditor, only, {})[0]


def pairs_at_all(
    reader: Reader, closes: Sequence[Close], debtor: str, creditor: str, only: int | None = None
) -> list[Pair]:
    """Return what every close says of a pair, in one walk."""
    return _pairs(reader, closes, len(closes), debtor, creditor, only, {})


def step_of(
    reader: Reader, closes: Sequence[Close], debtor: str, creditor: str
) -> tuple[Pair, Pair]:
    """Return what the last close but one says of a pair, and what the last one does."""
    if len(closes) == 1:
        return BEFORE_ALL, pair_at(reader, closes, debtor, creditor)
    before, now = _pairs(reader, closes, 2, debtor, creditor, None, {})
    return before, now


def _pairs(
    reader: Reader, closes: Sequence[Close], last: int, debtor: str, creditor: str,
    only: int | None, roots: Roots,
) -> list[Pair]:  # fmt: skip
    pairs = [
        Pair(
            close.month,
            debtor in close.sizes and creditor in close.sizes,
            accepted_size(reader, close, debtor, creditor, roots),
            {},
        )
        for close in closes[len(closes) - last :]
    ]
    largest = pairs[-1].accepted if pairs else 0
    for contested in _contested(reader, debtor, creditor, only) if largest else ():
        # Most were released long ago, and what is not accepted needs not be held.
        released = closes[-last].has(debtor, contested.release)
        if not released and contested.reach <= largest:
            _hold(reader, closes, pairs, debtor, creditor, contested, roots)
    return pairs


def _contested(reader: Reader, debtor: str, creditor: str, only: int | None) -> list[Contested]:
    if only is None:
        return exceptions(reader, debtor, creditor)
    found = exception_at(reader, debtor, creditor, only)
    return [] if found is None else [found]


def _hold(
    reader: Reader,
    closes: Sequence[Close],
    pairs: Sequence[Pair],
    debtor: str,
    creditor: str,
    contested: Contested,
    roots: Roots,
) -> None:
    original = stages.original_of(reader, debtor, creditor, contested)
    if original is None:
        return
    if stages.late(reader, closes, debtor, creditor, contested, original, roots):
        return
    course = list(stages.course(stages.case_of(reader, debtor, creditor, contested), closes))
    for pair, stage in zip(pairs, course[-len(pairs) :], strict=True):
        covered = contested.reach <= pair.accepted
        if covered and stage is not None and not stage.binds:
            pair.held[contested.original] = stage.upheld


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


def withheld(left: Amounts, part: Lines | None) -> Amounts:
    """Return what a dispute keeps out of the remainder `left`: all of it, or at most `part`.

    Of an original that is held in part, every entry counts as cleared.
    """
    if part is None:
        return left
    return Amounts(
        0,
        min(left.employee, part.employee),
        min(left.resident, part.resident),
        min(left.other, part.other),
        min(left.account, part.account),
    )


def kept_back(reader: Reader, creditor: str, pair: Pair) -> Iterator[tuple[int, Amounts]]:
    """Yield (original, what its dispute keeps out of the pair's sum) at a close."""
    for original, part in pair.held.items():
        left = remainder(reader, creditor, original, pair.accepted, pair.month)
        yield original, withheld(left, part)


def cleared_original(reader: Reader, creditor: str, pair: Pair, original: int) -> Amounts:
    """Return what all batches to a close have cleared of one original and its reversals.

    These add up to `cleared_pair` over all originals that the debtor owes the creditor.
    """
    if original >= pair.accepted:
        return NOTHING
    left = remainder(reader, creditor, original, pair.accepted, pair.month)
    if original not in pair.held:
        return left
    return left.minus(withheld(left, pair.held[original]))


def cleared_pair(
    reader: Reader,
    roster: Roster,
    closes: Sequence[Close],
    debtor: str,
    creditor: str,
    roots: Roots | None = None,
) -> Amounts:
    """Return what `debtor` owes `creditor` in all batches to the last close together."""
    known: Roots = {} if roots is None else roots
    pair = _pairs(reader, closes, 1, debtor, creditor, None, known)[0]
    if pair.accepted == 0:
        return NOTHING
    total = total_at(reader, creditor, debtor, pair.accepted)
    amounts = totals.up_to(total, pair.month)
    for _, kept in kept_back(reader, creditor, pair):
        amounts = amounts.minus(kept)
    return amounts


def at_cut(reader: Reader, roster: Roster, closes: Sequence[Close]) -> Position:
    """Return what every participant owes every other one, cumulative, at the last close.

    Costs participants squared reads, the disputes that are not released, and for each pair at most
    one chunk of entries; never a scan of a log.
    """
    codes = closes[-1].sizes
    position: Position = {}
    roots: Roots = {}
    for creditor in codes:
        for debtor in codes:
            if debtor != creditor:
                amounts = cleared_pair(reader, roster, closes, debtor, creditor, roots)
                if amounts != NOTHING:
                    position[debtor, creditor] = amounts
    return position


def carried(
    reader: Reader, roster: Roster, cut: Sequence[Head], month: str, position: Position
) -> int:
    """Return how many entries due by `month` lie below the cut and are not cleared by it."""
    due = 0
    for head in cut:
        debtors = [other.code for other in cut if other.code != head.code]
        for total in totals_at(reader, head.code, debtors, head.size).values():
            due += totals.up_to(total, month).entries
    return due - sum(amounts.entries for amounts in position.values())


def original_state(reader: Reader, closes: Sequence[Close], code: str, index: int) -> str:
    """Return the one state of an original at the last of `closes`, all of them confirmed.

    One of cleared, reversed, disputed, not_due, carried, void. An original that a ruling has split
    is cleared: its entries are, but for the part that is not owed.
    """
    if void_code(reader, code, index) is not None:
        return "void"
    record = entry_at(reader, code, index)[1]
    assert isinstance(record, Settlement)
    if not closes or record.month > closes[-1].month:
        return "not_due"
    pair = pair_at(reader, closes, province_of(record.insured_area), code, index)
    return state_in(reader, pair, code, index)


def state_in(reader: Reader, pair: Pair, code: str, index: int) -> str:
    """Return the state of a valid original, due by the month of `pair`, at that close."""
    if not pair.known:
        return "not_due"
    if index >= pair.accepted:
        return "carried"
    if index in pair.held and pair.held[index] is None:
        return "disputed"
    if not reversals_of(reader, code, index):
        return "cleared"
    left = remainder(reader, code, index, pair.accepted, pair.month)
    return "reversed" if left.entries > 1 and not any(left[1:]) else "cleared"
