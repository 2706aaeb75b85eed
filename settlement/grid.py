"""A table as other programs write it: CSV or the first sheet of an xlsx file, as rows of values.

UTF-8 with or without a byte order mark and GB18030 are understood. What the columns mean is the
business of whoever reads the rows.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ledger.errors import FormError
from settlement.workbook import Formula, Value, cell_name, read_sheet

MAX_FILE = 64 * 1024 * 1024


class Grid(NamedTuple):
    """A table: where it came from, and its rows with the line or row number each stands on."""

    form: str  # csv, xlsx
    rows: Iterator[tuple[int, Sequence[Value]]]
    first_column: int = 0
    formulas: dict[int, Formula] = {}  # noqa: RUF012  read only

    def place(self, line: int, column: int) -> str:
        """Return where a value stands: a cell's name, or line and field."""
        if self.form == "xlsx":
            return cell_name(line, self.first_column + column)
        return f"line {line} field {column + 1}"


def read_grid(data: bytes) -> Grid:
    """Return the table in a file. A workbook made for it can end the process: `node.reading`.

    Raises:
        FormError: Neither text nor a workbook, too large, or damaged. While the rows of a CSV file
            are read: a quotation mark that is not closed.
    """
    if len(data) > MAX_FILE:
        raise FormError("file", f"at most {MAX_FILE} bytes", len(data))
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise FormError("file", "an .xlsx workbook or CSV", "an old .xls workbook")
    if data.startswith(b"PK\x03\x04"):
        sheet = read_sheet(data)
        return Grid("xlsx", iter(sheet.rows), sheet.first_column, sheet.formulas)
    return Grid("csv", _csv_rows(_text(data)))


def _text(data: bytes) -> str:
    if b"\x00" not in data[:4096]:
        for name in ("utf-8-sig", "gb18030"):
            try:
                return data.decode(name).removeprefix("\ufeff")
            except UnicodeDecodeError:
                continue
    raise FormError("file", "UTF-8 or GB18030 text", "another encoding")


def _csv_rows(text: str) -> Iterator[tuple[int, Sequence[Value]]]:
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    number = 1
    try:
        for fields in lines:
            if fields:
                yield number, fields
            number = lines.line_num + 1
    except csv.Error as error:
        raise FormError(f"line {max(lines.line_num, 1)}", "closed quotes", str(error)) from None
