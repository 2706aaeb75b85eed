"""Usage of prepayment (预付金使用率): what a month cleared by what is held, and its alerts.

    green ──► yellow ──► red          at the limits of the rule set (70 %, 90 %)
    green ◄── yellow ◄── red          below its lower limits (65 %, 85 %)

An alert that stands ends only below its lower limit, so it does not come and go from month to
month. `none` says that something was cleared and nothing is held: no usage can be computed, and no
alert stands. What is held counts as of the cut of the month, in the creditor's own log.

Every pair has a usage, and so has every treatment province: it may use the prepayments of all
provinces as one pool (L16). L9 does not say which of the two is meant; both are shown, and a red
alert of either lets the treatment province ask for an increase.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ledger.table import Reader
from settlement.cleared import ClearedMonth
from settlement.lookup import ruleset_at
from settlement.prepayment import Holdings
from settlement.ruleset import Prepayment, RuleSet, parse_ruleset

_parsed = lru_cache(16)(parse_ruleset)

ALERTS = ("yellow", "red")
POOL = ""
"""The debtor of a pool: all of them."""


@dataclass(frozen=True)
class Usage:
    """One pair, or one treatment province with all its prepayments, in one month."""

    month: str
    debtor: str  # POOL: all together
    creditor: str
    cleared_fen: int
    held_fen: int
    level: str  # green, yellow, red, none

    @property
    def hundredths(self) -> int | None:
        """The usage in hundredths of a per cent, rounded down; None if nothing is held."""
        return None if self.held_fen == 0 else self.cleared_fen * 10_000 // self.held_fen


def level_after(before: str, cleared_fen: int, held_fen: int, rules: Prepayment) -> str:
    """Return the level of a month, given the level of the month before; exact, without fractions.

    Example (yellow from 70 % to below 65 %, red from 90 % to below 85 %):
        >>> from settlement.shipped import ruleset
        >>> rules = parse_ruleset(ruleset("national-2022")).prepayment
        >>> [level_after("red", fen, 100, rules) for fen in (85, 84, 66, 64)]
        ['red', 'yellow', 'yellow', 'green']

    Source: L9 (limits), L10 (usage); the lower limits are a choice of this project.
    """
    if held_fen <= 0:
        return "none" if cleared_fen > 0 else "green"

    def reaches(percent: int) -> bool:
        return cleared_fen * 100 >= percent * held_fen

    if reaches(rules.alert.red_percent):
        return "red"
    if before == "red" and reaches(rules.hysteresis.red_off_percent):
        return "red"
    if reaches(rules.alert.yellow_percent):
        return "yellow"
    if before in ALERTS and reaches(rules.hysteresis.yellow_off_percent):
        return "yellow"
    return "green"


def usages(
    reader: Reader, months: Sequence[ClearedMonth], holdings: Mapping[str, Holdings]
) -> Iterator[list[Usage]]:
    """Yield the usages of each month: the pairs by creditor and debtor, each pool behind its pairs.

    A month whose rule set knows no prepayment yields nothing, and alerts do not outlive it.

    Args:
        months: From the first confirmed month on: an alert depends on all before it.
        holdings: What each creditor holds, see `prepayment.holdings`.
    """
    levels: dict[tuple[str, str], str] = {}
    for month in months:
        rules = _rules(reader, month.proposal_index)
        if rules.prepayment is None:
            levels = {}
            yield []
            continue
        found = []
        sizes = month.sizes()
        for creditor in sorted(sizes):
            held = holdings[creditor].at(sizes[creditor])
            cleared = {d: fen for (d, c), fen in month.pairs.items() if c == creditor}
            both = {debtor: (cleared.get(debtor, 0), held.get(debtor, 0)) for debtor in
                    sorted(cleared.keys() | held.keys())}  # fmt: skip
            both[POOL] = sum(cleared.values()), sum(held.values())
            for debtor, (fen, held_fen) in both.items():
                before = levels.get((debtor, creditor), "green")
                level = level_after(before, fen, held_fen, rules.prepayment)
                levels[debtor, creditor] = level
                if fen or held_fen:
                    found.append(Usage(month.month, debtor, creditor, fen, held_fen, level))
        yield found


def _rules(reader: Reader, size: int) -> RuleSet:
    in_force = ruleset_at(reader, size)
    assert in_force is not None  # else nothing could have been proposed
    return _parsed(in_force.text)


def red_pairs(month: Sequence[Usage]) -> list[tuple[str, str]]:
    """Return the (debtor, creditor) whose increase may be asked for in a month, ascending.

    Those with a red alert of their own; of a province whose pool is red, all with a case cleared.
    """
    pools = {usage.creditor for usage in month if usage.debtor == POOL and usage.level == "red"}
    return sorted(
        (usage.debtor, usage.creditor)
        for usage in month
        if usage.debtor != POOL
        and (usage.level == "red" or (usage.creditor in pools and usage.cleared_fen > 0))
    )
