"""What a batch deducts (审核扣款): held at its cut, lifted into it, not owed by a ruling.

Everything follows from the logs below two cuts, the batch's own and the one before. Of a pair

    cleared = declared - added + lifted + reversed

where *declared* is what the insured province newly accepted and is due, *added* what exceptions and
disputes keep out of it from this cut on, *lifted* what was held at the cut before and is cleared
now, and *reversed* what the treatment province took back of it while it was held. What was held
before, plus added, less lifted and reversed, is held at this cut.
"""

from collections.abc import Sequence
from typing import NamedTuple

from ledger.table import Reader
from settlement import obligation, totals
from settlement.close import Close
from settlement.lookup import exception_at
from settlement.obligation import Pair
from settlement.stage import case_of, course
from settlement.state import total_at
from settlement.totals import NOTHING, Amounts


class Deduction(NamedTuple):
    """One contested original; amounts by fund line, none below zero."""

    original: int
    reason: str
    status: str  # open, answered, escalated, upheld, released, lapsed, ruled-release, -split, -…
    before: Amounts
    added: Amounts
    lifted: Amounts
    reversed: Amounts
    held: Amounts

    @property
    def fens(self) -> tuple[int, int, int, int, int]:
        """The five amounts, all fund lines together."""
        return (
            self.before.fen,
            self.added.fen,
            self.lifted.fen,
            self.reversed.fen,
            self.held.fen,
        )


def deductions(
    reader: Reader, closes: Sequence[Close], debtor: str, creditor: str
) -> list[Deduction]:
    """Return what of a pair was held at the last cut or the one before it, by original."""
    now = obligation.pair_at(reader, closes, debtor, creditor)
    before = _before(reader, closes, debtor, creditor)
    found = []
    for original in sorted(now.held.keys() | before.held.keys()):
        held, free = _split(reader, creditor, original, now)
        was_held, was_free = _split(reader, creditor, original, before)
        known = original in before.held
        added = NOTHING if known else held
        lifted = _above(free, was_free) if known else NOTHING
        left = was_held.plus(added).minus(lifted)
        item = Deduction(
            original,
            *_why(reader, closes, debtor, creditor, original),
            before=was_held,
            added=added,
            lifted=lifted,
            reversed=left.minus(held),
            held=held,
        )
        if any(item.fens):
            found.append(item)
    return found


def declared(reader: Reader, closes: Sequence[Close], debtor: str, creditor: str) -> Amounts:
    """Return what the debtor newly accepted of a pair's entries and is due, held or not."""
    now = obligation.pair_at(reader, closes, debtor, creditor)
    before = _before(reader, closes, debtor, creditor)
    return _accepted(reader, now, debtor, creditor).minus(
        _accepted(reader, before, debtor, creditor)
    )


def _before(reader: Reader, closes: Sequence[Close], debtor: str, creditor: str) -> Pair:
    if len(closes) < 2:
        return Pair("", False, 0, {})
    return obligation.pair_at(reader, closes[:-1], debtor, creditor)


def _accepted(reader: Reader, pair: Pair, debtor: str, creditor: str) -> Amounts:
    if pair.accepted == 0:
        return NOTHING
    return totals.up_to(total_at(reader, creditor, debtor, pair.accepted), pair.month)


def _split(reader: Reader, creditor: str, original: int, pair: Pair) -> tuple[Amounts, Amounts]:
    """Return what of an original a close holds, and what it does not."""
    if original >= pair.accepted:
        return NOTHING, NOTHING
    left = obligation.remainder(reader, creditor, original, pair.accepted, pair.month)
    held = NOTHING
    if original in pair.held:
        held = obligation.withheld(left, pair.held[original])
    return _money(held), _money(left.minus(held))


def _money(amounts: Amounts) -> Amounts:
    # Cases are counted by original; the entries of one are no further cases.
    return amounts._replace(entries=0)


def _above(now: Amounts, before: Amounts) -> Amounts:
    # A reversal of what was never held is no lifting backwards.
    return Amounts(*(max(a - b, 0) for a, b in zip(now, before, strict=True)))


def _why(
    reader: Reader, closes: Sequence[Close], debtor: str, creditor: str, original: int
) -> tuple[str, str]:
    contested = exception_at(reader, debtor, creditor, original)
    assert contested is not None
    stage = list(course(case_of(reader, debtor, creditor, contested), closes))[-1]
    assert stage is not None
    ruled = stage.ruled
    return contested.code, stage.state if ruled is None else f"ruled-{ruled.outcome}"
