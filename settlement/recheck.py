"""Recomputing everything a store derives from its entries, to compare: the other half of fsck.

Nothing is shared with what was stored but the entries themselves and the code of `apply`.
"""

from collections.abc import Iterator
from functools import partial

from ledger import log
from ledger.fsck import Finding, check_log
from ledger.memory import MemoryStore
from ledger.table import DERIVED, Reader, Writer, log_key
from settlement import lookup, membership, state
from settlement.party import CENTRE
from settlement.roster import Roster

SLICE = 4096


def check_store(reader: Reader, founding: Roster) -> list[Finding]:
    """Return every place where trees or derived tables are not what the entries make them.

    The derived tables are looked at only if leaves and trees are whole.
    """
    roster = founding
    found = list(check_log(reader, log_key(CENTRE)))
    if not found:
        roster = membership.roster_at(reader, founding, lookup.applied_size(reader, CENTRE))
    for code in roster.participants:
        found += check_log(reader, log_key(code))
    return found or list(_check_derived(reader, roster))


def _check_derived(reader: Reader, roster: Roster) -> Iterator[Finding]:
    fresh = MemoryStore()
    for code in roster.codes:
        key = log_key(code)
        size = log.size(reader, key)
        for start in range(0, size, SLICE):
            chunk = list(log.leaves(reader, key, start, min(start + SLICE, size)))
            fresh.transact(partial(_fold, roster, code, chunk, start))
    for code in roster.codes:
        yield from _differences(reader, fresh, code)


def _fold(roster: Roster, code: str, chunk: list[bytes], start: int, writer: Writer) -> None:
    log.append(writer, log_key(code), chunk, start)
    state.apply(writer, roster, code, chunk)


def _differences(reader: Reader, fresh: Reader, code: str) -> Iterator[Finding]:
    key = log_key(code)
    stored = dict(reader.scan(DERIVED, key, key + b"\xff" * 80))
    expected = dict(fresh.scan(DERIVED, key, key + b"\xff" * 80))
    for place in sorted(stored.keys() | expected.keys()):
        want, have = expected.get(place), stored.get(place)
        if want != have:
            yield Finding(f"derived {code} {place[8:]!r}", _hex(want), _hex(have))


def _hex(value: bytes | None) -> str:
    return "nothing" if value is None else value.hex()[:80]
