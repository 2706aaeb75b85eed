"""What one batch clears, entry by entry: the parts that a pair's sum consists of.

A pair sum is the difference of two totals (see `obligation`), which costs no scan and says nothing
about single entries. Here the entries themselves are read, under the same rules: a *share* is what
one entry adds to the pair's sum of a month. An original about which a dispute came or went has one
share for itself and its reversals together: what is cleared of it now, less what was before.

The shares of a pair always add up to its sum, which `subclearing` checks against the totals.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ledger import log
from ledger.signature import SIGNATURE_BYTES
from ledger.table import Reader, log_key
from settlement import totals
from settlement.close import Close
from settlement.lookup import entry_at, find_settlement, void_code
from settlement.obligation import Pair, cleared_original, step_of
from settlement.record import Reversal, Settlement
from settlement.state import SETTLEMENTS, case_of
from settlement.totals import NOTHING, Amounts, Total


class Share(NamedTuple):
    """What one entry of a creditor's log adds to the sum of a pair in a month."""

    place: int  # its index
    debtor: str
    record: Settlement | Reversal
    amounts: Amounts


Steps = Mapping[str, tuple[Pair, Pair]]
"""debtor -> what the close before and this one say of it and the creditor."""


def shares(
    reader: Reader, closes: Sequence[Close], creditor: str, debtors: Iterable[str]
) -> Iterator[Share]:
    """Yield what the last close clears in the log of `creditor` and none before it has cleared.

    Reads the stretches of the log in which something newly binds, once, however many debtors there
    are, and a few thousand entries at a time.
    """
    steps = {debtor: step_of(reader, closes, debtor, creditor) for debtor in debtors}
    touched = {
        debtor: before.held.keys() | now.held.keys() for debtor, (before, now) in steps.items()
    }
    for start, stop in _stretches(reader, creditor, steps):
        leaves = log.leaves(reader, log_key(creditor), start, stop)
        for index, leaf in enumerate(leaves, start):
            record = _case(reader, creditor, index, leaf)
            if record is None:
                continue
            debtor = _debtor(record, steps)
            if debtor is None or not _binds(steps[debtor], index, record.month):
                continue
            if void_code(reader, creditor, index) is not None:
                continue
            if touched[debtor] and _original(reader, creditor, index, record) in touched[debtor]:
                continue
            yield Share(index, debtor, record, totals.of_lines(record.lines))
    for debtor, originals in touched.items():
        for original in sorted(originals):
            yield from _contested(reader, creditor, debtor, original, steps[debtor])


def _case(reader: Reader, creditor: str, index: int, leaf: bytes) -> Settlement | Reversal | None:
    # Most are settlements, and read in one go. Of anything else that is void nothing can be read.
    entry = SETTLEMENTS.decode(leaf[SIGNATURE_BYTES:])
    if entry is not None:
        return entry.body  # type: ignore[no-any-return]
    return None if void_code(reader, creditor, index) is not None else case_of(leaf)


def _debtor(record: Settlement | Reversal, steps: Steps) -> str | None:
    # What a void entry names may lie anywhere; whether it is void is asked later, if it matters.
    debtor = record.insured_area[:2] + "0000"
    return debtor if debtor in steps else None


def _binds(step: tuple[Pair, Pair], index: int, month: str) -> bool:
    before, now = step
    return now.counts(index, month) and not before.counts(index, month)


def _original(
    reader: Reader, creditor: str, index: int, record: Settlement | Reversal
) -> int | None:
    if isinstance(record, Reversal):
        return find_settlement(reader, creditor, record.original_id)
    return index


def _contested(
    reader: Reader, creditor: str, debtor: str, original: int, step: tuple[Pair, Pair]
) -> Iterator[Share]:
    before, now = (cleared_original(reader, creditor, pair, original) for pair in step)
    amounts = now.minus(before)
    if amounts != NOTHING:
        record = entry_at(reader, creditor, original)[1]
        assert isinstance(record, Settlement)
        yield Share(original, debtor, record, amounts)


# --- where something newly binds -----------------------------------------------------------------


def _stretches(reader: Reader, creditor: str, steps: Steps) -> list[tuple[int, int]]:
    """Return the parts of a log that must be read, ascending and apart."""
    key = log_key(creditor)
    wanted = sorted(
        (start, stop)
        for debtor, (before, now) in steps.items()
        for start, stop, at_start, at_stop in totals.stretches(reader, key, debtor, now.accepted)
        if at_stop is None or _grew(at_start, at_stop, stop, before, now)
    )
    found: list[tuple[int, int]] = []
    for start, stop in wanted:
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(stop, found[-1][1])
        else:
            found.append((start, stop))
    return found


def _grew(at_start: Total, at_stop: Total, stop: int, before: Pair, now: Pair) -> bool:
    # Below what was accepted before, only service months that have come due since bind newly.
    after = before.month if stop <= before.accepted else ""
    return any(
        amounts.entries > at_start.get(month, NOTHING).entries
        for month, amounts in at_stop.items()
        if after < month <= now.month
    )
