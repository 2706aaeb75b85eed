"""Where every entry stands at the last confirmed batch: what `life` says of one, for millions.

What depends on a pair of logs alone (how much was accepted at each cut, what an exception holds) is
computed once per pair, so that an entry costs one read of its reversals.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from ledger.table import Reader
from settlement import obligation
from settlement.life import original_of
from settlement.lookup import entry_at, reversals_of
from settlement.party import province_of
from settlement.record import Proposal, Reversal, Settlement

PAIRS = 4096


class Stand(NamedTuple):
    """The state of an entry (see `outcome.STATE`) and the month of the batch that cleared it."""

    state: str
    batch: str | None


class _Cut(NamedTuple):
    """What one confirmed cut says about one pair."""

    month: str
    known: bool  # both were members at this cut
    accepted: int
    held: frozenset[int]


class Standing:
    """Answers for valid settlements and reversals; `months` as `batch.confirmed` returns them."""

    def __init__(self, reader: Reader, months: Sequence[tuple[str, Proposal]]) -> None:
        self._reader = reader
        self._months = months
        self._pair = lru_cache(PAIRS)(self._cuts)

    def of(self, code: str, index: int, record: Settlement | Reversal) -> Stand:
        """Return where the valid entry at `index` of the log of `code` stands."""
        cuts = self._pair(code, province_of(record.insured_area))
        if not cuts:
            return Stand("not_due", None)
        original, due = index, record.month
        if isinstance(record, Reversal):
            original = original_of(self._reader, code, index, record)
            due = entry_at(self._reader, code, original)[1].month  # type: ignore[attr-defined]
        state = self._original(cuts[-1], code, original, due)
        if state not in ("cleared", "reversed"):
            return Stand(state, None)
        for cut in cuts:
            counted = index < cut.accepted and record.month <= cut.month and due <= cut.month
            if counted and original not in cut.held:
                return Stand(state, cut.month)
        # The original is cleared, this reversal of it is not: it follows with the next batch.
        return Stand("carried", None)

    def _original(self, cut: _Cut, code: str, index: int, due: str) -> str:
        if not cut.known or due > cut.month:
            return "not_due"
        if index >= cut.accepted:
            return "carried"
        if index in cut.held:
            return "disputed"
        if not reversals_of(self._reader, code, index):
            return "cleared"
        left = obligation.remainder(self._reader, code, index, cut.accepted, cut.month)
        return "reversed" if left.entries > 1 and not any(left[1:]) else "cleared"

    def _cuts(self, code: str, insured: str) -> list[_Cut]:
        return [self._cut(month, proposal, code, insured) for month, proposal in self._months]

    def _cut(self, month: str, proposal: Proposal, code: str, insured: str) -> _Cut:
        heads = {head.code: head for head in proposal.cut}
        if code not in heads or insured not in heads:
            return _Cut(month, False, 0, frozenset())
        below = heads[insured].size
        accepted = obligation.accepted_size(self._reader, insured, heads[code], below)
        held = obligation.held(self._reader, insured, code, accepted, below)
        return _Cut(month, True, accepted, frozenset(held))
