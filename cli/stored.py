"""A node's own tables, held against what its entries make of them."""

from collections.abc import Iterable, Iterator

from ledger import log
from ledger.fsck import check_log
from ledger.store import place_of
from ledger.table import DERIVED, HASH, Reader, log_key

# Totals at sizes that acceptances named, and requests for them: they depend on when a copy learnt
# of what, and nothing is computed from them that is not also computed without.
_PASSING = (b"N", b"T")

Difference = tuple[str, str]
"""A place, and what is wrong there."""


def differences(stored: Reader, computed: Reader, codes: Iterable[str]) -> Iterator[Difference]:
    """Yield where a node's stored trees and derived tables are not what the entries make them.

    Both must go equally far; a log that is shorter in the store is compared by its own tree.
    """
    for code in codes:
        key = log_key(code)
        if log.size(stored, key) == log.size(computed, key):
            yield from _same(stored, computed, HASH, key, code)
            yield from _same(stored, computed, DERIVED, key, code)
            continue
        for found in check_log(stored, key):
            yield found.place, f"expected {found.expected}, found {found.found}"


def _same(
    stored: Reader, computed: Reader, table: str, key: bytes, code: str
) -> Iterator[Difference]:
    # Both in order, side by side: memory does not grow with the log.
    wrong = "not what the entries make it"
    mine = computed.scan(table, key, key + b"\xff" * 80)
    theirs = stored.scan(table, key, key + b"\xff" * 80)
    ours, other = next(mine, None), next(theirs, None)
    while ours is not None or other is not None:
        if other is None or (ours is not None and ours[0] < other[0]):
            assert ours is not None
            if ours[0][8:9] not in _PASSING:
                yield f"{table} {code} {ours[0][8:]!r}", "is missing"
            ours = next(mine, None)
        elif ours is None or other[0] < ours[0]:
            if other[0][8:9] not in _PASSING:
                yield place_of(table, other[0]), wrong
            other = next(theirs, None)
        else:
            if ours[1] != other[1]:
                yield place_of(table, ours[0]), wrong
            ours, other = next(mine, None), next(theirs, None)
