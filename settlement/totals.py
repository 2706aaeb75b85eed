"""Running totals of one log: what each insured province owes, per service month and fund line.

A *total* is `{month: Amounts}`: how many counted entries and how much per fund line, cumulative
from index 0. Kept in the log's derived tables:

    C + insured        the total at the size applied so far
    T + insured + size the total at that size: at every multiple of 1,024 at which it had changed,
                       and at every size an acceptance names, so a close never scans a log
    N + size + insured an acceptance names a size this replica has not reached yet
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ledger import encoding
from ledger.errors import DamageError, FormError
from ledger.table import DERIVED, Reader, Writer, u64
from settlement.record import Lines

CHUNK = 1024
_ROWS = encoding.Codec(list[tuple[str, int, int, int, int, int]])


class Amounts(NamedTuple):
    """A count of entries and the four fund lines in fen; can be added and subtracted."""

    entries: int = 0
    employee: int = 0
    resident: int = 0
    other: int = 0
    account: int = 0

    def plus(self, other: "Amounts") -> "Amounts":
        """Return the sum, field by field."""
        return Amounts(*(a + b for a, b in zip(self, other, strict=True)))

    def minus(self, other: "Amounts") -> "Amounts":
        """Return the difference, field by field."""
        return Amounts(*(a - b for a, b in zip(self, other, strict=True)))

    @property
    def fen(self) -> int:
        """All four fund lines together."""
        return self.employee + self.resident + self.other + self.account

    @property
    def lines(self) -> Lines:
        """The fund lines without the count."""
        return Lines(self.employee, self.resident, self.other, self.account)


NOTHING = Amounts()
Total = dict[str, Amounts]


def of_lines(lines: Lines) -> Amounts:
    """Return the amounts of one entry."""
    return Amounts(1, lines.employee, lines.resident, lines.other, lines.account)


def up_to(total: Total, month: str) -> Amounts:
    """Return the sum of all months of `total` that are `month` or earlier."""
    return add_all(amounts for due, amounts in total.items() if due <= month)


def add_all(amounts: Iterable[Amounts]) -> Amounts:
    """Return the sum; nothing gives zero."""
    result = NOTHING
    for item in amounts:
        result = result.plus(item)
    return result


def load_running(reader: Reader, key: bytes, insured: str) -> Total:
    """Return the total of `insured` at the applied size of the log."""
    return _decode(reader.get(DERIVED, key + b"C" + insured.encode()))


def save_running(writer: Writer, key: bytes, insured: str, total: Total) -> None:
    """Store the total of `insured` at the applied size of the log."""
    writer.put(DERIVED, key + b"C" + insured.encode(), _encode(total))


def save_at(writer: Writer, key: bytes, insured: str, size: int, total: Total) -> None:
    """Store the total of `insured` at `size`."""
    writer.put(DERIVED, key + b"T" + insured.encode() + u64(size), _encode(total))


def nearest(reader: Reader, key: bytes, insured: str, size: int) -> tuple[int, Total]:
    """Return the size from which entries must still be added to know the total at `size`.

    The total that comes with it holds at that size. At most CHUNK entries lie between.
    """
    prefix = key + b"T" + insured.encode()
    boundary = size // CHUNK * CHUNK
    found = reader.last(DERIVED, prefix, prefix + u64(size + 1))
    if found is None:
        return boundary, {}
    at = int.from_bytes(found[0][-8:], "big")
    return max(at, boundary), _decode(found[1])


def stretches(
    reader: Reader, key: bytes, insured: str, size: int
) -> Iterator[tuple[int, int, Total, Total | None]]:
    """Yield where the total of `insured` changed below `size`, at most CHUNK entries at a time.

    Each is (start, stop, total at start, total at stop); the last total is None if it is not kept.
    No entry outside of these stretches is owed by `insured`.
    """
    prefix = key + b"T" + insured.encode()
    at, total = 0, Total()
    for place, value in reader.scan(DERIVED, prefix, prefix + u64(size + 1)):
        stop, after = int.from_bytes(place[-8:], "big"), _decode(value)
        # A change in an earlier chunk would have left a total at the end of that chunk.
        start = max(at, (stop - 1) // CHUNK * CHUNK)
        if start < stop:
            yield start, stop, total, after
        at, total = stop, after
    if at < size:
        yield max(at, size // CHUNK * CHUNK), size, total, None


def ask_for(writer: Writer, key: bytes, insured: str, size: int) -> None:
    """Note that the total of `insured` at `size` is wanted as soon as the log reaches it."""
    writer.put(DERIVED, key + b"N" + u64(size) + insured.encode(), b"")


def asked_for(reader: Reader, key: bytes, size: int) -> list[tuple[int, str]]:
    """Return the (size, insured) asked for and not above `size`, ascending."""
    prefix = key + b"N"
    found = reader.scan(DERIVED, prefix, prefix + u64(size + 1))
    return [(int.from_bytes(k[9:17], "big"), k[17:].decode()) for k, _ in found]


def answered(writer: Writer, key: bytes, insured: str, size: int) -> None:
    """Remove the note of `ask_for`."""
    writer.delete(DERIVED, key + b"N" + u64(size) + insured.encode())


def _encode(total: Total) -> bytes:
    return encoding.pack_plain([(month, *total[month]) for month in sorted(total)])


def _decode(value: bytes | None) -> Total:
    if value is None:
        return {}
    try:
        return {row[0]: Amounts(*row[1:]) for row in _ROWS.decode(value)}
    except FormError as error:
        raise DamageError("running totals", "rows of amounts", error) from None
