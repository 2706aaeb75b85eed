"""What each confirmed batch cleared between two participants, month by month, in one walk.

A batch clears the cumulative position at its cut less the position before; the months of a network
follow each other without a gap, so several of them together are the last position less the first.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ledger.errors import UncheckableError
from ledger.table import Reader
from settlement import obligation
from settlement.batch import difference
from settlement.close import close_of
from settlement.cut import missing
from settlement.lookup import confirmed_proposals
from settlement.membership import roster_at
from settlement.obligation import Position
from settlement.record import Proposal
from settlement.roster import Roster


@dataclass(frozen=True)
class ClearedMonth:
    """One confirmed month: what it cleared per (debtor, creditor), all fund lines, in fen."""

    month: str
    proposal: Proposal
    proposal_index: int
    confirmation_index: int
    pairs: dict[tuple[str, str], int]

    def sizes(self) -> dict[str, int]:
        """How far each participant's log counted."""
        return {head.code: head.size for head in self.proposal.cut}


def cleared_months(reader: Reader, founding: Roster, size: int) -> Iterator[ClearedMonth]:
    """Yield the months confirmed below `size` of the centre's log, ascending.

    Raises:
        UncheckableError: A log of a cut is not held here that far.
    """
    closes = []
    before: Position = {}
    for proposal, index, confirmation in confirmed_proposals(reader):
        if confirmation >= size:
            break
        for head in missing(reader, proposal.cut):
            raise UncheckableError(f"the log of {head.code} is not held here up to {head.size}")
        closes.append(close_of(reader, proposal.month, proposal.cut, index))
        now = obligation.at_cut(reader, roster_at(reader, founding, index), closes)
        pairs = {pair: amounts.fen for pair, amounts in difference(now, before).items()}
        yield ClearedMonth(proposal.month, proposal, index, confirmation, pairs)
        before = now


def added(months: Iterable[ClearedMonth], wanted: Iterable[str]) -> dict[tuple[str, str], int]:
    """Return what the batches of the `wanted` months cleared together, per pair, in fen."""
    names = frozenset(wanted)
    total: dict[tuple[str, str], int] = {}
    for month in months:
        for pair, fen in month.pairs.items() if month.month in names else ():
            total[pair] = total.get(pair, 0) + fen
    return total
