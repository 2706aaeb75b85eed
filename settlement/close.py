"""One close of a month as computations see it, and those confirmed before it.

A close is all the time there is in clearing: what lies below its cut has been said by then, what
lies above has not. Windows of disputes are counted in closes and in nothing else.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from ledger import tree
from ledger.table import Reader, log_key
from settlement.lookup import acceptance_below, confirmed_proposals, ruleset_at
from settlement.record import Head
from settlement.ruleset import Disputes, parse_ruleset

_parsed = lru_cache(16)(parse_ruleset)  # every close of years has one of a few


class Close(NamedTuple):
    """A month and how far each log counts for it."""

    month: str
    sizes: Mapping[str, int]  # of the participants' logs, by code, at the cut
    centre: int  # of the centre's log: the index of the proposal
    rules: Disputes  # of the rule set in force for this month

    def has(self, code: str, index: int | None) -> bool:
        """Return whether the entry at an index of a participant's log lies below the cut."""
        return index is not None and index < self.sizes.get(code, 0)


def close_of(reader: Reader, month: str, cut: Sequence[Head], size: int) -> Close:
    """Return a cut as a close; `size` of the centre's log, below which its entries count."""
    return Close(month, {head.code: head.size for head in cut}, size, disputes_at(reader, size))


def disputes_at(reader: Reader, size: int) -> Disputes:
    """Return what the rule set in force below `size` of the centre's log says of disputes."""
    in_force = ruleset_at(reader, size)
    return Disputes() if in_force is None else _parsed(in_force.text).dispute


def confirmed_closes(reader: Reader, size: int | None = None) -> list[Close]:
    """Return the closes confirmed below `size` of the centre's log (default: all), by month."""
    return [
        close_of(reader, proposal.month, proposal.cut, index)
        for proposal, index, confirmation in confirmed_proposals(reader)
        if size is None or confirmation < size
    ]


def closes_to(reader: Reader, month: str, cut: Sequence[Head], size: int) -> list[Close]:
    """Return the closes confirmed before a month, and the one of `cut` last.

    Args:
        size: Of the centre's log: the index of the proposal, or all of it if there is none yet.
    """
    before = [close for close in confirmed_closes(reader, size) if close.month < month]
    return [*before, close_of(reader, month, cut, size)]


Roots = dict[tuple[str, int], bytes]
"""(log, size) -> root, as far as one computation has needed them: 31 acceptances may name one."""


def accepted_size(
    reader: Reader, close: Close, insured: str, target: str, roots: Roots | None = None
) -> int:
    """Return the largest size of `target` that `insured` had accepted at a close; 0 if none.

    An acceptance counts if it lies below the cut in the insured province's log, names a size not
    above the cut of `target`, and names the root that log has at this size.
    """
    below = close.sizes.get(target, 0) + 1
    while (found := acceptance_below(reader, insured, target, below)) is not None:
        size, index, root = found
        if close.has(insured, index) and _root(reader, target, size, roots) == root:
            return size
        below = size
    return 0


def _root(reader: Reader, code: str, size: int, roots: Roots | None) -> bytes:
    known = {} if roots is None else roots
    if (code, size) not in known:
        known[code, size] = tree.root_at(reader, log_key(code), size)
    return known[code, size]
