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
_CUTS = tuple((cut, bytes([cut])) for cut in (3, 2, 1))


def find(reader: Reader, key: bytes, case_id: str) -> int | None:
    """Return the index of the valid settlement or reversal with that id in a log, or None."""
    text = case_id.encode()
    for cut, mark in _CUTS:
        value = reader.get(DERIVED, key + FAMILY + text[:-cut] + mark) or b""
        last, width = text[-cut:].rjust(cut, b"\x00"), cut + _INDEX
        at = value.find(last)
        while at > 0 and at % width:
            at = value.find(last, at + 1)
        if at >= 0:
            return int.from_bytes(value[at + cut : at + width], "big")
        if len(value) < FULL * width:
            break
    return None


class CaseIds:
    """The case ids of one log while entries are applied to it in one transaction.

    New ones stay in memory until `write`, so ids that follow each other cost one write together.
    """

    def __init__(self, writer: Writer, key: bytes) -> None:
        self._writer, self._key = writer, key
        self._groups: dict[bytes, _Group] = {}
        self._held = 0

    def find(self, case_id: str) -> int | None:
        """Return the index of the entry with that id, or None."""
        return self._enter(case_id, None)

    def claim(self, case_id: str, index: int) -> int | None:
        """Give the id to the entry at `index`; return the index that has it, if one does."""
        return self._enter(case_id, index)

    def _enter(self, case_id: str, index: int | None) -> int | None:
        text = case_id.encode()
        for cut, mark in _CUTS:
            place = text[:-cut] + mark
            group = self._groups.get(place) or self._load(place, cut)
            last = text[-cut:].rjust(cut, b"\x00")
            found = group.rows.get(last)
            if found is not None:
                return int.from_bytes(found, "big")
            if len(group.rows) < FULL:
                break
        if index is not None:
            group.rows[last] = row = index.to_bytes(_INDEX, "big")
            group.added += last + row
            self._held += 1
        return None

    def write(self) -> None:
        """Write what is still in memory."""
        for place, group in sorted(self._groups.items()):
            if group.added:
                self._writer.put(DERIVED, self._key + FAMILY + place, group.value + group.added)
        self._groups.clear()
        self._held = 0

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
            self.rows: dict[bytes, bytes] = dict(struct.iter_unpack(f"{cut}s{_INDEX}s", value))
        except struct.error as error:
            raise DamageError("case ids", f"rows of {cut + _INDEX} bytes", error) from None
