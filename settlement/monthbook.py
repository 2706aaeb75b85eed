"""A month as documents see it: its batch, what that comes to, and the closes it rests on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from ledger.errors import RefusedError, UncheckableError, VerificationError
from ledger.table import Reader
from settlement import batch as batches
from settlement.basis import Basis, basis_at
from settlement.batch import Batch, Result
from settlement.close import Close, closes_to
from settlement.cut import contradicted, missing
from settlement.lookup import applied_size, entry_at
from settlement.membership import roster_at
from settlement.party import CENTRE
from settlement.period import shanghai_day
from settlement.roster import Roster
from settlement.schedule import Due, month_schedule

# Whose payment which step of the calendar is; the centre pays out what the others remitted.
REMIT, DISTRIBUTE = "remit", "distribute"


@dataclass(frozen=True)
class MonthBook:
    """One revision of a month, recomputed, as of a size of the centre's log."""

    reader: Reader
    network: bytes
    participants: Sequence[str]
    batch: Batch
    result: Result
    closes: Sequence[Close]  # confirmed before, and the batch's own, last
    basis: Basis

    @property
    def confirmed(self) -> bool:
        """Whether money may move by it."""
        return self.batch.confirmation_index is not None

    def as_draft(self) -> "MonthBook":
        """Return the month as it was before its confirmation, as drafts made then show it."""
        return replace(self, batch=replace(self.batch, confirmation_index=None))

    def due(self, payer: str) -> Due | None:
        """Return until when `payer` pays its legs; None if the rules or the holidays do not say."""
        if self.batch.confirmation_index is None:
            return None
        entry = entry_at(self.reader, CENTRE, self.batch.confirmation_index)[0]
        notice = date.fromisoformat(shanghai_day(entry.at_ms))
        wanted = DISTRIBUTE if payer == CENTRE else REMIT
        try:
            steps = month_schedule(self.basis.rules, self.batch.month, self.basis.workdays, notice)
        except RefusedError:  # the holidays of the year are not known: nobody can count its days
            return None
        return next((due for due in steps if due.step.event == wanted), None)


def open_month(
    reader: Reader, founding: Roster, month: str, size: int, revision: int | None = None
) -> MonthBook:
    """Return a month as the centre's log below `size` has it.

    Args:
        size: Of the centre's log; nothing above a quorum-cosigned head has effect.
        revision: Default: the confirmed one, else the newest.

    Raises:
        RefusedError: No such proposal (STATE), or it was withdrawn (WITHDRAWN).
        UncheckableError: The logs end below its cut.
        VerificationError: The logs give another result than the batch says.
    """
    size = min(size, applied_size(reader, CENTRE))
    batch = (
        batches.latest_batch(reader, founding, month, size)
        if revision is None
        else batches.batch_of(reader, founding, month, revision, size)
    )
    which = month if revision is None else f"{month} r{revision}"
    if batch is None:
        raise RefusedError("STATE", f"{which} has not been proposed below a cosigned head")
    if batch.state == "WITHDRAWN":
        raise RefusedError("WITHDRAWN", f"{month} r{batch.revision} was withdrawn")
    behind = missing(reader, batch.proposal.cut)
    if behind:
        raise UncheckableError(f"{which}: the log of {behind[0].code} ends below the cut")
    other = contradicted(reader, batch.proposal.cut)
    if other:
        raise VerificationError(f"{which}: the cut names another root of {other[0].code}")
    result = batches.result_of(reader, founding, month, batch.revision)
    if result.hash != batch.proposal.result_hash:
        raise VerificationError(f"{which}: result", batch.proposal.result_hash, result.hash)
    index, confirmation = batch.proposal_index, batch.confirmation_index
    return MonthBook(
        reader=reader,
        network=founding.network_id,
        participants=roster_at(reader, founding, index).participants,
        batch=batch,
        result=result,
        closes=closes_to(reader, month, batch.proposal.cut, index),
        basis=basis_at(reader, month, index + 1 if confirmation is None else confirmation + 1),
    )
