"""The double-entry books of all participants, as they follow from the logs at a position.

A position is a size of every log. Books are a function of the entries below it and of nothing else:
not of the order in which they came, nor of the node. Nobody writes into them. A demand for
prepayment and a quota move no money and change no claim, so they are not posted; what is paid
for a demand is.

Theory of operation. The batches confirmed at the position give what is owed (`recognition`);
`leg.legs_of` says of every entry about money what it means for a leg; what the bank did is read
from both logs (`transfer`). Every event is booked at once with everybody whom it concerns. What one
log claims and the other does not bear out is booked with its author alone, and `mirror` lists it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ledger.errors import FormError, RefusedError
from ledger.table import Reader
from settlement.bookkeeper import Bookkeeper
from settlement.dealings import Dealings
from settlement.journal import Journal
from settlement.lookup import applied_size, confirmed_proposals
from settlement.membership import roster_at
from settlement.party import CENTRE
from settlement.roster import Roster
from settlement.transfer import Below


@dataclass(frozen=True)
class Books:
    """Everybody's journal at a position, and the dealings they were made from."""

    sizes: Mapping[str, int]
    journals: Mapping[str, Journal]
    dealings: Dealings

    def of(self, code: str) -> Journal:
        """Return the journal of a participant or the centre; raises FormError for anybody else."""
        if code not in self.journals:
            raise FormError("participant", f"one of {', '.join(self.journals)}", code)
        return self.journals[code]


def all_here(reader: Reader, founding: Roster) -> dict[str, int]:
    """Return the position of all entries that are here, the centre first."""
    size = applied_size(reader, CENTRE)
    codes = roster_at(reader, founding, size).codes
    return {code: applied_size(reader, code) for code in codes}


def at_confirmation(reader: Reader, sizes: Mapping[str, int], month: str) -> dict[str, int]:
    """Return the position at which a month was confirmed: its cut, and the centre's confirmation.

    Raises:
        RefusedError: The month is not confirmed below `sizes` (STATE).
    """
    for proposal, _, confirmation in confirmed_proposals(reader):
        if proposal.month == month and confirmation < sizes[CENTRE]:
            heads = {head.code: head.size for head in proposal.cut}
            cut = {code: heads.get(code, 0) for code in sizes if code != CENTRE}
            return {CENTRE: confirmation + 1, **cut}
    raise RefusedError("STATE", f"{month} is not confirmed here")


def books_at(reader: Reader, founding: Roster, sizes: Mapping[str, int] | None = None) -> Books:
    """Return everybody's books at a position (default: all that is here).

    Args:
        sizes: How far each log counts; one that is not named counts from its beginning to its end
            here.

    Raises:
        UncheckableError: A confirmed batch rests on logs that are not here.
        VerificationError: A confirmed result is not what the logs give.
    """
    here = all_here(reader, founding)
    position = {code: min(size, (sizes or {}).get(code, size)) for code, size in here.items()}
    codes = list(position)
    dealings = Dealings(reader, founding, codes, Below(position))
    return Books(position, Bookkeeper(codes).keep(dealings), dealings)
