"""A document of finance staff as values: what is on it, nothing of how it looks.

Every table and notice of a month is one `Document`. Its JSON is canonical (sorted keys, one
spelling), so the SHA-256 of the file is the *content hash* that stands on the paper, in the
workbook and in the QR code, whatever the language of the print. Amounts are fen; participants stand
by their codes; a total is a value like any other, because what is signed is what is shown.
What the QR code says of a document: see `tag`.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Annotated, Literal, NamedTuple

import msgspec

from ledger.errors import FormError
from ledger.hashing import hash_bytes
from settlement.record import MAX_FEN, Code, Name

MAX_BYTES = 4 * 1024 * 1024
LINE_KINDS = ("employee", "resident", "other", "account")
TABLE_KINDS = ("clearing", "payable", "receivable", *LINE_KINDS, "deductions")
NOTICE_KINDS = ("payment-notice", "receipt-notice")
KINDS = (*TABLE_KINDS, *NOTICE_KINDS)  # of a month's batch
DEMAND_KINDS = tuple(
    f"{money}-{kind}" for money in ("prepayment", "return") for kind in NOTICE_KINDS
)
EVERY_KIND = (*KINDS, *DEMAND_KINDS)

AMOUNTS = ("employee_fen", "resident_fen", "other_fen", "account_fen", "total_fen")

Value = str | int | None
Hex = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
Period = Annotated[str, msgspec.Meta(pattern=r"^20[0-9]{2}(-(0[1-9]|1[0-2]))?\Z")]


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Table(_Part, frozen=True):
    """One table: columns by name, rows in order, and a total for every row of amounts."""

    name: Name
    columns: tuple[Name, ...]
    rows: tuple[tuple[Value, ...], ...]
    total: tuple[Value, ...]

    def __post_init__(self) -> None:
        """Check the width; a decoder reports a ValueError as bad form."""
        if any(len(row) != len(self.columns) for row in (*self.rows, self.total)):
            raise ValueError(f"table {self.name}: every row as wide as the columns")


class Document(_Part, frozen=True):
    """One document. `state` is `draft` as long as its batch is not confirmed."""

    kind: str
    party: Code
    period: Period  # a month; a year for what is asked for a year
    revision: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    state: Literal["draft", "confirmed"]
    network: Hex
    result_hash: Hex  # of the batch, or of what else the amounts follow from
    model: str
    ruleset: Name
    ruleset_hash: Hex
    total_fen: Annotated[int, msgspec.Meta(ge=-MAX_FEN, le=MAX_FEN)]
    fields: dict[Name, Value]
    tables: tuple[Table, ...]
    format: Literal["gongzhang document 1"] = "gongzhang document 1"

    def __post_init__(self) -> None:
        """Check the kind; a decoder reports a ValueError as bad form."""
        if self.kind not in EVERY_KIND:
            raise ValueError(f"kind: one of {', '.join(EVERY_KIND)}")

    def encode(self) -> bytes:
        """Return the canonical JSON."""
        value = msgspec.to_builtins(self)
        text = json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1)
        return text.encode("utf-8") + b"\n"

    @property
    def hash(self) -> bytes:
        """The content hash: SHA-256 of the canonical JSON."""
        return hash_bytes(self.encode())

    @property
    def is_notice(self) -> bool:
        """Whether it asks for money, or announces some."""
        return self.kind.endswith("-notice")

    @property
    def name(self) -> str:
        """What its files are called, without the ending."""
        draft = "-draft" if self.state == "draft" else ""
        return f"{self.period}-r{self.revision}-{self.party}-{self.kind}{draft}"


def parse_document(data: bytes) -> Document:
    """Return the document of a JSON file, canonical or not.

    Raises:
        FormError: Too large, or another form; the message names the place.
    """
    if len(data) > MAX_BYTES:
        raise FormError("document", f"at most {MAX_BYTES} bytes", len(data))
    try:
        return msgspec.json.decode(data, type=Document)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise FormError("document", "a document in JSON", str(error)) from None


# --- how one is made ---------------------------------------------------------------------------


class Head(NamedTuple):
    """What every document of one origin says at its top."""

    period: str
    revision: int
    state: str
    network: str
    result_hash: str
    model: str
    ruleset: str
    ruleset_hash: str


def made(
    head: Head, kind: str, party: str, total: int, fields: dict[str, Value], *tables: Table
) -> Document:
    """Return a document under a head."""
    return Document(
        kind=kind, party=party, total_fen=total, fields=fields, tables=tables, **head._asdict()
    )


ADDED = ("_fen", "entries", "cases")


def totalled(name: str, columns: tuple[str, ...], rows: Sequence[tuple[Value, ...]]) -> Table:
    """Return a table with the total of its amounts and counts; a column without any has none."""
    total: list[Value] = []
    for place, column in enumerate(columns):
        values = [row[place] for row in rows]
        known = [value for value in values if isinstance(value, int)]
        adds = column.endswith(ADDED) and (known or not rows)
        total.append(sum(known) if adds else None)
    return Table(name, columns, tuple(rows), tuple(total))


# --- two documents side by side ------------------------------------------------------------------


class Difference(NamedTuple):
    """One place at which a document is not what the logs give."""

    place: str
    found: Value
    expected: Value


def differences(found: Document, expected: Document) -> Iterator[Difference]:
    """Yield where two documents differ, the head first, then cell by cell."""
    for name in Document.__struct_fields__:
        if name not in ("fields", "tables"):
            yield from _differ(name, getattr(found, name), getattr(expected, name))
    for name in sorted(found.fields.keys() | expected.fields.keys()):
        yield from _differ(name, found.fields.get(name), expected.fields.get(name))
    ours, theirs = ({table.name: table for table in d.tables} for d in (expected, found))
    yield from _differ("tables", " ".join(theirs), " ".join(ours))
    for name in ours if list(ours) == list(theirs) else ():
        yield from _in_table(theirs[name], ours[name])


def _in_table(found: Table, expected: Table) -> Iterator[Difference]:
    if found.columns != expected.columns:
        yield from _differ(found.name, " ".join(found.columns), " ".join(expected.columns))
        return
    yield from _differ(f"{found.name}, rows", len(found.rows), len(expected.rows))
    pairs = [*zip(found.rows, expected.rows, strict=False), (found.total, expected.total)]
    for number, (theirs, ours) in enumerate(pairs, 1):
        last = number == len(pairs)
        for column, a, b in zip(found.columns, theirs, ours, strict=True):
            row = "total" if last else f"row {number} ({ours[0]})"
            yield from _differ(f"{found.name}, {row}, {column}", a, b)


def _differ(place: str, found: Value, expected: Value) -> Iterator[Difference]:
    if found != expected or type(found) is not type(expected):
        yield Difference(place, found, expected)
