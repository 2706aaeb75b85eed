"""A document of finance staff as values: what is on it, nothing of how it looks.

Every table and notice of a month is one `Document`. Its JSON is canonical (sorted keys, one
spelling), so the SHA-256 of the file is the *content hash* that stands on the paper, in the
workbook and in the QR code, whatever the language of the print. Amounts are fen; participants stand
by their codes; a total is a value like any other, because what is signed is what is shown.

The line of the QR code (`tag`) is for scanners and for `gongzhang audit document`:

    GZ1 <network 16> <KIND> <party> <period> R<revision> <result hash> <content hash> <total fen>

in capitals, so that a QR code takes it as alphanumeric text.
"""

import json
import re
from collections.abc import Iterator
from typing import Annotated, Literal, NamedTuple

import msgspec

from ledger.errors import FormError
from ledger.hashing import hash_bytes
from settlement.record import MAX_FEN, Code, Name

MAX_BYTES = 4 * 1024 * 1024
LINE_KINDS = ("employee", "resident", "other", "account")
TABLE_KINDS = ("clearing", "payable", "receivable", *LINE_KINDS, "deductions")
NOTICE_KINDS = ("payment-notice", "receipt-notice")
KINDS = (*TABLE_KINDS, *NOTICE_KINDS)

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
        if self.kind not in KINDS:
            raise ValueError(f"kind: one of {', '.join(KINDS)}")

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


# --- the line of the QR code ---------------------------------------------------------------------

_TAG = re.compile(
    r"GZ1 ([0-9A-F]{16}) ([A-Z-]{1,20}) ([1-9][0-9]{5}) (20[0-9]{2}(?:-[0-9]{2})?)"
    r" (R|D)([1-9][0-9]{0,6}) ([0-9A-F]{64}) ([0-9A-F]{64}) (-?(?:0|[1-9][0-9]{0,15}))"
)


class Tag(NamedTuple):
    """What a QR code says of its document; `D` before the revision marks a draft."""

    network: str  # the first 16 digits
    kind: str
    party: str
    period: str
    state: str
    revision: int
    result_hash: str
    content_hash: str
    total_fen: int

    def format(self) -> str:
        """Return the line."""
        mark = "D" if self.state == "draft" else "R"
        text = (
            f"GZ1 {self.network} {self.kind} {self.party} {self.period} {mark}{self.revision}"
            f" {self.result_hash} {self.content_hash} {self.total_fen}"
        )
        return text.upper()


def tag_of(document: Document) -> Tag:
    """Return what the QR code of a document says."""
    return Tag(
        document.network[:16],
        document.kind,
        document.party,
        document.period,
        document.state,
        document.revision,
        document.result_hash,
        document.hash.hex(),
        document.total_fen,
    )


def parse_tag(text: str) -> Tag:
    """Return what the line of a QR code says.

    Raises:
        FormError: Another form.
    """
    match = _TAG.fullmatch(text)
    if match is None or match[2].lower() not in KINDS:
        raise FormError("QR text", "GZ1 network KIND party period Rn hash hash fen", text[:250])
    network, kind, party, period, mark, revision, result, content, total = match.groups()
    state = "draft" if mark == "D" else "confirmed"
    return Tag(
        network.lower(), kind.lower(), party, period, state, int(revision),
        result.lower(), content.lower(), int(total),
    )  # fmt: skip


def find_tag(text: str) -> Tag | None:
    """Return the first line of a QR code that a text holds, or None."""
    match = _TAG.search(text)
    try:
        return None if match is None else parse_tag(match[0])
    except FormError:
        return None


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
