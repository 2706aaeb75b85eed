"""Where the settlement or reversal with a case id stands: the ids of one log, in groups.

There is one place for every case that ever was, so a place has to be small. Ids that differ in
their last three characters alone share one value of up to FULL sorted rows; what comes then goes to
the group of the ids that differ in the last two, then in the last one. So ids that follow each
other cost ten bytes each, and no group grows without bound, however ids are chosen.

    K + kind + id without its last n characters + u8 n    rows of n characters and index (48 bits)
"""

from bisect import bisect_left

from ledger.errors import DamageError
from ledger.table import DERIVED, Reader, Writer
from settlement.record import Settlement

FAMILY = b"K" + bytes([Settlement.kind])  # settlements and reversals share their ids
FULL = 1_000
HELD = 1_000_000  # rows that one transaction keeps in memory before it writes them
_INDEX = 6
_CUTS = tuple((cut, bytes([cut])) for cut in (3, 2, 1))


def find(reader: Reader, key: bytes, case_id: str) -> int | None:
    """Return the index of the valid settlement or reversal with that id in a log, or None."""
    return CaseIds(reader, key).find(case_id)


class CaseIds:
    """The case ids of one log while entries are applied to it in one transaction.

    New ones stay in memory until `write`, so ids that follow each other cost one write together.
    """

    def __init__(self, reader: Reader, key: bytes) -> None:
        self._reader, self._key = reader, key + FAMILY
        self._groups: dict[bytes, _Group] = {}
        self._held = 0

    def find(self, case_id: str) -> int | None:
        """Return the index of the entry with that id, or None."""
        return self.claim(case_id, None)

    def claim(self, case_id: str, index: int | None) -> int | None:
        """Give an id that nobody has to the entry at `index`; return the index that has it."""
        text = case_id.encode()
        for cut, mark in _CUTS:
            place = text[:-cut] + mark
            group = self._groups.get(place) or self._load(place, cut)
            last = text[-cut:].rjust(cut, b"\x00")
            if last in group.added or last <= group.greatest:
                found = group.search(last)
                if found is not None:
                    return found
            if len(group.added) < group.room:
                break
        if index is not None:
            group.added[last] = index
        return None

    def write(self, writer: Writer) -> None:
        """Write what is still in memory."""
        for place, group in sorted(self._groups.items()):
            if group.added:
                writer.put(DERIVED, self._key + place, group.encode())
        self._groups.clear()
        self._held = 0

    @property
    def many(self) -> bool:
        """Whether so much is in memory that it should be written."""
        return self._held > HELD

    def _load(self, place: bytes, cut: int) -> "_Group":
        group = _Group(self._reader.get(DERIVED, self._key + place) or b"", cut)
        self._groups[place] = group
        self._held += FULL - group.room + 1
        return group


class _Group:
    """The rows of one value, and those that come to them."""

    def __init__(self, value: bytes, cut: int) -> None:
        self._value, self._cut, self._width = value, cut, cut + _INDEX
        if len(value) % self._width:
            raise DamageError("case ids", f"rows of {self._width} bytes", value)
        self.greatest = value[-self._width : -_INDEX]
        self.room = FULL - len(value) // self._width
        self.added: dict[bytes, int] = {}

    def search(self, last: bytes) -> int | None:
        """Return the index in the row of these last characters, or None."""
        if last in self.added:
            return self.added[last]
        value, cut, width = self._value, self._cut, self._width
        starts = range(0, len(value), width)
        at = width * bisect_left(starts, last, key=lambda start: value[start : start + cut])
        found = value[at : at + width]
        return int.from_bytes(found[cut:], "big") if found.startswith(last) else None

    def encode(self) -> bytes:
        """Return all rows, sorted."""
        value, width = self._value, self._width
        rows = [last + index.to_bytes(_INDEX, "big") for last, index in self.added.items()]
        rows.sort()
        if rows[0] < self.greatest:
            rows = sorted([*(value[at : at + width] for at in range(0, len(value), width)), *rows])
            value = b""
        return value + b"".join(rows)
