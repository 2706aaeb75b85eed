"""The cities of a province in a month: what each owes and is owed, as a document that is signed.

The document is canonical: whoever has the logs computes the same bytes (see `subclearing`), and the
province signs their SHA-256 in its own log (`CityStatement`). It says nothing that is not in the
logs: codes of areas, no names.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated

import msgspec

from ledger.encoding import Codec
from ledger.errors import FormError
from ledger.hashing import hash_bytes
from ledger.table import Reader
from settlement.lookup import entry_at, find, month_key, places
from settlement.party import city_of, province_of
from settlement.record import CityStatement, Code, Fen, Hash, Lines, Month, Number, Part
from settlement.totals import NOTHING, Amounts, add_all

VERSION = 1
MAX_DOCUMENT = 8 * 1024 * 1024

Sums = dict[tuple[str, str], Amounts]
"""(city, counterpart province) -> what the month comes to; no zero cells."""


class CityRow(Part, frozen=True):
    """One city with one counterpart province, in one direction."""

    city: Code
    counterpart: Code
    entries: Annotated[int, msgspec.Meta(ge=0, le=2**53)]
    lines: Lines


class CityNet(Part, frozen=True):
    """What a city receives of its province; negative if it pays."""

    city: Code
    fen: Fen


class CityDocument(Part, frozen=True):
    """The canonical document whose SHA-256 a `CityStatement` holds."""

    version: Annotated[int, msgspec.Meta(ge=VERSION, le=VERSION)]
    province: Code
    month: Month
    revision: Number
    result_hash: Hash  # of the confirmed batch
    owes: list[CityRow]  # by city, then counterpart
    owed: list[CityRow]
    nets: list[CityNet]  # by city


_CODEC = Codec(CityDocument)


@dataclass(frozen=True)
class Cities:
    """What a confirmed month comes to among the cities of a province."""

    province: str
    month: str
    revision: int
    result_hash: bytes
    owes: Sums = field(default_factory=dict)  # for own people treated elsewhere
    owed: Sums = field(default_factory=dict)  # for other people treated here

    @cached_property
    def codes(self) -> list[str]:
        """The cities, ascending."""
        return sorted({city for city, _ in (*self.owes, *self.owed)})

    def of(self, sums: Sums, city: str) -> Amounts:
        """Return what one city owes, or is owed, with all counterparts together."""
        return add_all(amounts for (code, _), amounts in sums.items() if code == city)

    @cached_property
    def nets(self) -> dict[str, int]:
        """What each city receives of its province (negative: pays), by city."""
        return {c: self.of(self.owed, c).fen - self.of(self.owes, c).fen for c in self.codes}

    @cached_property
    def document(self) -> bytes:
        """The canonical city document."""
        nets = [CityNet(city, fen) for city, fen in self.nets.items()]
        head = VERSION, self.province, self.month, self.revision, self.result_hash
        return Codec.encode(CityDocument(*head, _rows(self.owes), _rows(self.owed), nets))

    @property
    def hash(self) -> bytes:
        """SHA-256 of the city document."""
        return hash_bytes(self.document)

    def record(self) -> CityStatement:
        """Return the record that signs this document."""
        return CityStatement(self.month, self.revision, len(self.codes), self.hash, [])


def _rows(sums: Sums) -> list[CityRow]:
    return [
        CityRow(city, counterpart, amounts.entries, amounts.lines)
        for (city, counterpart), amounts in sorted(sums.items())
    ]


def read_document(data: bytes) -> Cities:
    """Return what a city document says.

    Raises:
        FormError: Too long, not canonical, a row twice or out of order, a city that does not lie in
            the province, the province as its own counterpart, or nets that do not follow.
    """
    if len(data) > MAX_DOCUMENT:
        raise FormError("city document", f"at most {MAX_DOCUMENT} bytes", len(data))
    found = _CODEC.decode(data)
    sums: list[Sums] = []
    for rows in (found.owes, found.owed):
        for row in rows:
            if province_of(row.city) != found.province or city_of(row.city) != row.city:
                raise FormError("city document", f"a city of {found.province}", row.city)
            if province_of(row.counterpart) != row.counterpart or row.counterpart == found.province:
                raise FormError("city document", "another province", row.counterpart)
        sums.append({(r.city, r.counterpart): _amounts(r) for r in rows})
    head = found.province, found.month, found.revision, found.result_hash
    cities = Cities(*head, sums[0], sums[1])
    if cities.document != data or NOTHING in (*cities.owes.values(), *cities.owed.values()):
        raise FormError("city document", "each row once, in order, not zero, and its nets")
    return cities


def _amounts(row: CityRow) -> Amounts:
    lines = row.lines
    return Amounts(row.entries, lines.employee, lines.resident, lines.other, lines.account)


# --- what was signed ------------------------------------------------------------------------------


def signed_by(reader: Reader, code: str, month: str) -> tuple[int, CityStatement] | None:
    """Return the index and the record by which the log of `code` signs a month's cities."""
    index = find(reader, code, CityStatement, month_key(month))
    return None if index is None else (index, _statement(reader, code, index))


def statements(reader: Reader, codes: Sequence[str]) -> dict[str, dict[str, int]]:
    """Return all valid statements of cities: month -> province -> index in its log."""
    found: dict[str, dict[str, int]] = {}
    for code in codes:
        for key, index in places(reader, CityStatement, code):
            found.setdefault(key[:7].decode(), {})[code] = index
    return dict(sorted(found.items()))


def _statement(reader: Reader, code: str, index: int) -> CityStatement:
    record = entry_at(reader, code, index)[1]
    assert isinstance(record, CityStatement)
    return record
