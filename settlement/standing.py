"""Where every entry stands at the last confirmed batch: what `life` says of one, for millions.

What depends on a pair of logs alone (how much was accepted at each close, what a dispute holds) is
computed once per pair, so that an entry costs one read of its reversals.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from ledger.table import Reader
from settlement import obligation
from settlement.close import Close
from settlement.life import original_of
from settlement.lookup import entry_at
from settlement.obligation import Pair
from settlement.party import province_of
from settlement.record import Reversal, Settlement

PAIRS = 4096


class Stand(NamedTuple):
    """The state of an entry (see `outcome.STATE`) and the month of the batch that cleared it."""

    state: str
    batch: str | None


class Standing:
    """Answers for valid settlements and reversals; see `close.confirmed_closes`."""

    def __init__(self, reader: Reader, closes: Sequence[Close]) -> None:
        self._reader = reader
        self._closes = closes
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
        if due > cuts[-1].month:
            return Stand("not_due", None)
        state = obligation.state_in(self._reader, cuts[-1], code, original)
        if state not in ("cleared", "reversed"):
            return Stand(state, None)
        for cut in cuts:
            counted = index < cut.accepted and record.month <= cut.month and due <= cut.month
            whole = original in cut.held and cut.held[original] is None
            if counted and not whole:
                return Stand(state, cut.month)
        # The original is cleared, this reversal of it is not: it follows with the next batch.
        return Stand("carried", None)

    def _cuts(self, code: str, insured: str) -> list[Pair]:
        return obligation.pairs_at_all(self._reader, self._closes, insured, code)
