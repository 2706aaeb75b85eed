"""Files with a header and rows, as people send them: CSV, every fault named by line and column.

UTF-8 (with or without a byte order mark) and GB18030, as a Chinese Excel writes it, are understood.
The columns may stand in any order. What the fields mean is the business of whoever reads the rows.
"""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from settlement.outcome import Text

MAX_FILE = 256 * 1024 * 1024
MAX_ROWS = 2_000_000
MAX_FAULTS = 1_000

T = TypeVar("T")


class LineFault(NamedTuple):
    """One fault of a file. Line 1 is the header; `column` is empty if the whole line is meant."""

    line: int
    column: str
    code: str
    text: Text
    value: str


FAULTS: dict[str, Text] = {
    "ENCODING": Text("the file is neither UTF-8 nor GB18030", "文件编码既非 UTF-8 也非 GB18030"),
    "SIZE": Text("the file is too large", "文件过大"),
    "EMPTY": Text("the file has no header", "文件没有表头"),
    "HEADER": Text("the header must name the expected columns, each once",
                   "表头必须包含规定字段，且每个只出现一次"),
    "FIELDS": Text("the line has another number of fields than the header", "该行字段数与表头不符"),
    "TRUNCATED": Text("the file ends in the middle of a line", "文件在行中间被截断"),
    "QUOTE": Text("a quotation mark is not closed", "引号未闭合"),
    "LENGTH": Text("a field is too long", "字段过长"),
}  # fmt: skip


@dataclass
class Sheet(Generic[T]):
    """What a file says: its rows with the line each begins on, and its faults so far."""

    rows: list[tuple[int, T]] = field(default_factory=list)
    faults: list[LineFault] = field(default_factory=list)
    encoding: str = "utf-8"

    def add(self, line: int, column: str, code: str, value: str) -> None:
        """Note a fault of the file itself."""
        self.faults.append(LineFault(line, column, code, FAULTS[code], value))


def read_csv(data: bytes, columns: Sequence[str], longest: int, make: Callable[..., T]) -> Sheet[T]:
    """Return the rows of a file; `make` is called with the fields in the order of `columns`.

    Args:
        longest: How many characters a field may have.
    """
    sheet: Sheet[T] = Sheet()
    text = _decode(data, sheet)
    if text is None:
        return sheet
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, None)
        if not header:
            sheet.add(1, "", "EMPTY", "")
            return sheet
        order = _header(header, columns, sheet)
        if order:
            _body(reader, order, columns, longest, make, sheet)
            if not text.endswith(("\n", "\r")):
                # A whole last line without its end is what a cut-off transfer looks like, too.
                last = text[-40:].rpartition("\n")[2]
                sheet.add(text.count("\n") + 1, "", "TRUNCATED", last)
    except csv.Error as error:
        sheet.add(max(reader.line_num, 1), "", "QUOTE", str(error))
        sheet.rows = []
    return sheet


def _decode(data: bytes, sheet: Sheet[T]) -> str | None:
    if len(data) > MAX_FILE:
        sheet.add(1, "", "SIZE", f"{len(data)} bytes")
        return None
    if b"\x00" in data[:4096]:
        sheet.add(1, "", "ENCODING", "UTF-16 or binary")
        return None
    for name in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(name)
        except UnicodeDecodeError:
            continue
        bom = data.startswith(b"\xef\xbb\xbf")
        sheet.encoding = name if bom or name == "gb18030" else "utf-8"
        return text.removeprefix("\ufeff")
    sheet.add(1, "", "ENCODING", "")
    return None


def _header(header: list[str], columns: Sequence[str], sheet: Sheet[T]) -> list[int] | None:
    names = [name.strip() for name in header]
    missing = [name for name in columns if name not in names]
    unknown = [name for name in names if name not in columns]
    twice = sorted({name for name in names if names.count(name) > 1} - set(unknown))
    for what, wrong in (("missing", missing), ("unknown", unknown), ("twice", twice)):
        for name in wrong:
            sheet.add(1, name, "HEADER", what)
    return None if sheet.faults else [names.index(name) for name in columns]


def _body(
    reader: Iterable[list[str]],
    order: list[int],
    columns: Sequence[str],
    longest: int,
    make: Callable[..., T],
    sheet: Sheet[T],
) -> None:
    for line, fields in enumerate(reader, 2):
        if not fields:
            continue
        if len(sheet.rows) >= MAX_ROWS:
            sheet.add(line, "", "SIZE", f"more than {MAX_ROWS} rows")
            break
        if len(fields) != len(order):
            sheet.add(line, "", "FIELDS", f"{len(fields)}, not {len(order)}")
            continue
        values = [fields[i].strip() for i in order]
        too_long = [c for c, value in zip(columns, values, strict=True) if len(value) > longest]
        for column in too_long:
            begin = values[list(columns).index(column)][:20]
            sheet.add(line, column, "LENGTH", f"{begin}… (more than {longest})")
        if not too_long:
            sheet.rows.append((line, make(*values)))
