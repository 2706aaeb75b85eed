"""What a calendar is computed from: a rule set, and the holidays of each year."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ledger.errors import FormError
from ledger.table import Reader
from settlement import lookup, shipped
from settlement.record import Withdrawal
from settlement.ruleset import RuleSet, parse_ruleset
from settlement.workdays import Holidays, Workdays, parse_holidays


@dataclass(frozen=True)
class Basis:
    """What a calendar is computed from."""

    rules: RuleSet
    rules_index: int | None = None  # of the entry in the centre's log; None: given by hand
    recorded: Mapping[int, tuple[int, Holidays]] = field(default_factory=dict)  # index, table

    @property
    def tables(self) -> dict[int, Holidays]:
        """The table of each year: the one recorded, else the one that comes with the program."""
        return {**shipped.holidays(), **{year: table for year, (_, table) in self.recorded.items()}}

    @property
    def workdays(self) -> Workdays:
        """The working days by these tables."""
        return Workdays(self.tables)


def basis_at(reader: Reader, month: str, size: int, rules: RuleSet | None = None) -> Basis:
    """Return the rules of `month` and the holidays, as the centre's log below `size` has them.

    A month with a proposal that stands has its rule set, any other the one in force. Of each year
    counts the newest table recorded, else the one that comes with the program.

    Args:
        rules: Take these rules instead.

    Raises:
        FormError: No rule set is in force.
    """
    recorded = {
        year: (index, parse_holidays(record.text))
        for year, (index, record) in lookup.holidays_at(reader, size).items()
    }
    if rules is not None:
        return Basis(rules, None, recorded)
    withdrawn = {key for key, index in lookup.places(reader, Withdrawal) if index < size}
    proposed = [
        index
        for m, revision, index in lookup.proposals(reader)
        if m == month and index < size and lookup.month_key(m, revision) not in withdrawn
    ]
    below = max(proposed, default=size)
    index, in_force = lookup.ruleset_index(reader, below), lookup.ruleset_at(reader, below)
    if in_force is None:
        raise FormError("rule set", "one in force below a quorum-cosigned head of the centre")
    return Basis(parse_ruleset(in_force.text), index, recorded)
