"""The life of a dispute, from the exception to the ruling, as the logs below each close tell it.

    open ──► answered ──► lapsed                 binds: silence of the insured province
     │  └──► upheld                              held: silence of the treatment province
     └──┴──► escalated ──► ruled                 binds, held, or in part
    from everywhere ──► released                 binds

Theory of operation. The insured province contests an original (an exception of its acceptance, or a
`Dispute`); the treatment province answers; the insured province releases it, lets the answer stand,
or one of the two asks the centre. Each log is written without waiting for the others, so nothing is
earlier or later than anything else but by closes: what a cut holds has been said at that close.
Silence counts after a number of closes (`ruleset.Disputes`), the first that holds what is to be
answered among them. The stages are walked close by close, each under its own rule set, so that a
later rule set changes nothing of what has been cleared.

What binds once binds for good: whatever is said afterwards, a pair's sum never takes it back. That
is also why a dispute of what a confirmed batch has cleared holds nothing (*late*).
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ledger import tree
from ledger.table import Reader, log_key, u64
from settlement.close import Close, Roots, accepted_size
from settlement.lookup import Contested, acceptance_below, entry_at, find, original_at
from settlement.party import CENTRE
from settlement.record import DisputeAnswer, DisputeRuling, Escalation, Lines, Settlement


class Case(NamedTuple):
    """Everything the logs say of one contested original."""

    debtor: str
    creditor: str
    contested: Contested
    answer: int | None  # index in the creditor's log
    escalations: Mapping[str, int]  # who asked for a ruling: index in their own log
    ruling: int | None  # index in the centre's log
    ruled: DisputeRuling | None


class Stage(NamedTuple):
    """How far a dispute is at a close."""

    state: str  # see `outcome.DISPUTE`
    opened: int  # closes so far whose cut holds the dispute
    answered: int  # closes so far whose cut holds its answer, too
    ruled: DisputeRuling | None = None

    @property
    def binds(self) -> bool:
        """Whether nothing of the original is held any more, and never will be."""
        released = self.ruled is not None and self.ruled.outcome == "release"
        return self.state in ("released", "lapsed") or released

    @property
    def upheld(self) -> Lines | None:
        """The part that is held, line by line; None: all of it."""
        split = self.ruled is not None and self.ruled.outcome == "split"
        return self.ruled.upheld if split and self.ruled else None


def case_of(reader: Reader, debtor: str, creditor: str, contested: Contested) -> Case:
    """Return what the logs as they are held here say of a contested original."""
    at = u64(contested.original)
    escalations = {
        code: index
        for code in (debtor, creditor)
        if (index := find(reader, code, Escalation, _pair(creditor, debtor) + at)) is not None
    }
    ruling = find(reader, CENTRE, DisputeRuling, _pair(creditor, debtor) + at)
    ruled = None if ruling is None else entry_at(reader, CENTRE, ruling)[1]
    assert ruled is None or isinstance(ruled, DisputeRuling)
    answer = find(reader, creditor, DisputeAnswer, debtor.encode() + at)
    return Case(debtor, creditor, contested, answer, escalations, ruling, ruled)


def _pair(creditor: str, debtor: str) -> bytes:
    return creditor.encode() + debtor.encode()


def course(case: Case, closes: Sequence[Close]) -> Iterator[Stage | None]:
    """Yield the stage at every close; None as long as the cut does not hold the dispute."""
    stage: Stage | None = None
    for close in closes:
        stage = after(stage, case, close)
        yield stage


def after(before: Stage | None, case: Case, close: Close) -> Stage | None:
    """Return the stage at the close that follows the one of `before`."""
    if before is not None and before.binds:
        return before
    if not close.has(case.debtor, case.contested.since):
        return None
    heard = close.has(case.creditor, case.answer)
    opened = (before.opened if before else 0) + 1
    answered = (before.answered if before else 0) + heard
    if close.has(case.debtor, case.contested.release):
        return Stage("released", opened, answered)
    if case.ruling is not None and case.ruling < close.centre:
        return Stage("ruled", opened, answered, case.ruled)
    if any(close.has(code, index) for code, index in case.escalations.items()):
        return Stage("escalated", opened, answered)
    if before is not None and before.state == "upheld":
        return Stage("upheld", opened, answered)
    if not heard:
        return Stage(_silent("open", "upheld", opened, close.rules.answer_windows), opened, 0)
    state = _silent("answered", "lapsed", answered, close.rules.decision_windows)
    return Stage(state, opened, answered)


def _silent(waits: str, over: str, closes: int, windows: int) -> str:
    return over if 0 < windows <= closes else waits


# --- what a dispute is about ---------------------------------------------------------------------


def original_of(
    reader: Reader, debtor: str, creditor: str, contested: Contested
) -> Settlement | None:
    """Return the original a dispute is about, or None if it is about nothing.

    It must be a valid settlement that `debtor` owes. An acceptance of a prefix that the log does
    not have says nothing about its entries. The copy of the creditor's log must go that far.
    """
    if contested.size is not None and not _stands(reader, debtor, creditor, contested.size):
        return None
    return original_at(reader, creditor, contested.original, debtor)


def _stands(reader: Reader, debtor: str, creditor: str, size: int) -> bool:
    found = acceptance_below(reader, debtor, creditor, size + 1)
    key = log_key(creditor)
    return found is not None and found[0] == size and tree.root_at(reader, key, size) == found[2]


def late(
    reader: Reader,
    closes: Sequence[Close],
    debtor: str,
    creditor: str,
    contested: Contested,
    original: Settlement,
    roots: Roots | None = None,
) -> bool:
    """Return whether a batch had cleared the original before it was contested.

    Asks the last close whose cut does not hold the dispute. An exception never is: nothing had
    been accepted before.
    """
    if contested.size is not None:
        return False
    # A log never shrinks from one cut to the next.
    sizes = [close.sizes.get(debtor, 0) for close in closes]
    before = bisect_right(sizes, contested.since)
    if before == 0 or original.month > closes[before - 1].month:
        return False
    return contested.original < accepted_size(reader, closes[before - 1], debtor, creditor, roots)
