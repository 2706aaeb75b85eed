"""Where the settlement or reversal with a case id stands: the ids of one log, in groups.

There is one place for every case that ever was, so a place has to be small. Ids that differ in
their last three characters alone share one value, row after row in the order of entry. A group
takes FULL rows; what comes then goes to the group of the ids that differ in the last two, then in
the last one. So ids that follow each other cost ten bytes each, and no group grows without bound,
however ids are chosen.

    K + kind + id without its last n characters + u8 n    rows of n characters and index (48 bits)
"""

import struct

from ledger.errors import DamageError
from ledger.table import DERIVED, Reader, Writer
from settlement.record import Settlement

FAMILY = b"K" + bytes([Settlement.kind])  # settlements and reversals share their ids
FULL = 1_000
HELD = 100_000  # rows that one transaction keeps in memory before it writes them
_INDEX = 6
_CUTS = (3, 2, 1)
_ROWS = {cut: struct.Struct(f"{cut}s{_INDEX}s").iter_unpack for cut in _CUTS}


def find(reader: Reader, key: bytes, case_id: bytes) -> int | None:
    """Return the index of the valid settlement or reversal with that id in a log, or None."""
    for cut in _CUTS:
        value = reader.get(DERIVED, key + FAMILY + _group(case_id, cut)) or b""
        last, width = _last(case_id, cut), cut + _INDEX
        at = value.find(last)
        while at > 0 and at % width:
            at = value.find(last, at + 1)
        if at >= 0:
            return int.from_bytes(value[at + cut : at + width], "big")
        if len(value) < FULL * width:
            return None
    return None


class CaseIds:
    """The case ids of one log while entries are applied to it in one transaction.

    New ones stay in memory until `write`, so ids that follow each other cost one write together.
    """

    def __init__(self, writer: Writer, key: bytes) -> None:
        self._writer, self._key = writer, key
        self._groups: dict[bytes, _Group] = {}
        self._held = 0
        self._place: tuple[bytes, _Group, bytes] | None = None  # asked for last: is entered next

    def find(self, case_id: bytes) -> int | None:
        """Return the index of the entry with that id, or None."""
        _, group, last = self._placed(case_id)
        found = group.rows.get(last)
        return None if found is None else int.from_bytes(found, "big")

    def add(self, case_id: bytes, index: int) -> None:
        """Enter an id that `find` does not know."""
        _, group, last = self._placed(case_id)
        row = index.to_bytes(_INDEX, "big")
        group.rows[last] = row
        group.added += last + row
        self._held += 1

    def write(self) -> None:
        """Write what is still in memory."""
        for place, group in sorted(self._groups.items()):
            if group.added:
                self._writer.put(DERIVED, self._key + FAMILY + place, group.value + group.added)
        self._groups.clear()
        self._held, self._place = 0, None

    def _placed(self, case_id: bytes) -> "tuple[bytes, _Group, bytes]":
        if self._place is None or self._place[0] != case_id:
            self._place = self._look(case_id)
        return self._place

    def _look(self, case_id: bytes) -> "tuple[bytes, _Group, bytes]":
        for cut in _CUTS:
            place, last = _group(case_id, cut), _last(case_id, cut)
            group = self._groups.get(place) or self._load(place, cut)
            if last in group.rows or len(group.rows) < FULL:
                break
        return case_id, group, last

    def _load(self, place: bytes, cut: int) -> "_Group":
        if self._held > HELD:
            self.write()
        group = _Group(self._writer.get(DERIVED, self._key + FAMILY + place) or b"", cut)
        self._groups[place] = group
        self._held += len(group.rows)
        return group


class _Group:
    def __init__(self, value: bytes, cut: int) -> None:
        self.value, self.added = value, bytearray()
        try:
            self.rows: dict[bytes, bytes] = dict(_ROWS[cut](value))
        except struct.error as error:
            raise DamageError("case ids", f"rows of {cut + _INDEX} bytes", error) from None


def _group(case_id: bytes, cut: int) -> bytes:
    return case_id[:-cut] + bytes((cut,))


def _last(case_id: bytes, cut: int) -> bytes:
    return case_id[-cut:].rjust(cut, b"\x00")
