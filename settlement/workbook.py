"""The first sheet of an xlsx file, under limits.

Sizes are taken by inflating, never from what the file says of itself. The library that reads the
cells is quick, but keeps the whole rectangle between the first and the last cell in memory, and a
file made for it can end the process: a node reads other people's files in a process of their own
(`node.reading`).
"""

import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

from python_calamine import CalamineError, CalamineWorkbook

from ledger.errors import FormError

MAX_PARTS = 1_000
MAX_SHEETS = 64
MAX_INFLATED = 512 * 1024 * 1024
MAX_CELLS = 16_000_000  # of the rectangle that holds all cells of a sheet

Value = str | int | float | bool | date | datetime | time | timedelta

_PLACE = "workbook"
_CELL = re.compile(rb'<(?:\w+:)?c\s[^>]*?\br="([A-Z]{1,5})([0-9]{1,9})"[^>]*>(<(?:\w+:)?f\b)?')
_SHEET = re.compile(rb"<(?:\w+:)?sheet\s[^>]*>")
_ID = re.compile(rb'\w+:id="([^"]*)"')
_RELATION = re.compile(rb"<(?:\w+:)?Relationship\s[^>]*>")
# RuntimeError also stands for what the zip reader has not got: encryption, other compressions.
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, OSError, ValueError)


class Formula(NamedTuple):
    """The computed cells of one column: how many, and the row of the first."""

    cells: int
    row: int


class Sheet(NamedTuple):
    """The first sheet; `rows` are (number from 1, values from column `first_column`)."""

    first_column: int  # from 0
    rows: Iterator[tuple[int, list[Value]]]
    formulas: dict[int, Formula]  # by column, from 0


def read_sheet(data: bytes) -> Sheet:
    """Return the first sheet of an xlsx file.

    Raises:
        FormError: Not xlsx, damaged, encrypted, too large when inflated, or with too many parts,
            sheets or cells.
    """
    parts = _inflate(data)
    sheets = _SHEET.findall(parts.get("xl/workbook.xml", b""))
    if not 1 <= len(sheets) <= MAX_SHEETS:
        raise FormError(_PLACE, f"1 to {MAX_SHEETS} sheets", len(sheets))
    formulas = _scan(parts.get(_part_of(sheets[0], parts), b""))
    parts.clear()
    source = io.BytesIO(data)
    sheet = _guarded(lambda: CalamineWorkbook.from_filelike(source).get_sheet_by_index(0))
    start = sheet.start
    rows: Iterator[tuple[int, list[Value]]] = enumerate(sheet.iter_rows() if start else (), 1)
    return Sheet(start[1] if start else 0, rows, formulas)


def cell_name(row: int, column: int) -> str:
    """Return what a spreadsheet calls the cell in row `row` (from 1) and column `column` (from 0).

    Example:
        >>> cell_name(12, 0), cell_name(1, 27)
        ('A12', 'AB1')
    """
    letters = ""
    column += 1
    while column:
        column, digit = divmod(column - 1, 26)
        letters = chr(65 + digit) + letters
    return f"{letters}{row}"


def _inflate(data: bytes) -> dict[str, bytes]:
    """Return the parts by name."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        members = archive.infolist()
    except _BROKEN as error:
        raise FormError(_PLACE, "an xlsx file", str(error)) from None
    if len(members) > MAX_PARTS or len({member.filename for member in members}) < len(members):
        raise FormError(_PLACE, f"at most {MAX_PARTS} parts, each once", len(members))
    parts: dict[str, bytes] = {}
    room = MAX_INFLATED
    for member in members:
        try:
            with archive.open(member) as stream:
                content = stream.read(room + 1)
        except _BROKEN as error:
            raise FormError(_PLACE, f"an intact part {member.filename}", str(error)) from None
        room -= len(content)
        if room < 0:
            raise FormError(_PLACE, f"at most {MAX_INFLATED} bytes when inflated")
        parts[member.filename] = content
    return parts


def _part_of(sheet: bytes, parts: dict[str, bytes]) -> str:
    found = _ID.search(sheet)
    wanted = b'Id="' + (found[1] if found else b"") + b'"'
    for relation in _RELATION.findall(parts.get("xl/_rels/workbook.xml.rels", b"")):
        target = re.search(rb'\bTarget="([^"]*)"', relation)
        if wanted in relation and target is not None:
            name = target[1].decode(errors="replace")
            return name.lstrip("/") if name.startswith("/") else f"xl/{name}"
    return ""


def _scan(sheet: bytes) -> dict[int, Formula]:
    """Return the columns with computed cells; raises FormError if the rectangle is too large."""
    columns: dict[bytes, int] = {}
    formulas: dict[int, Formula] = {}
    top, bottom = 10**9, 0
    for match in _CELL.finditer(sheet):
        letters, row = match[1], int(match[2])
        column = columns.get(letters)
        if column is None:
            column = columns[letters] = _column(letters)
        if row < top:
            top = row
        if row > bottom:
            bottom = row
        if match[3] is not None:
            known = formulas.get(column, Formula(0, row))
            formulas[column] = Formula(known.cells + 1, known.row)
    width = max(columns.values(), default=0) - min(columns.values(), default=0) + 1
    if bottom and (bottom - top + 1) * width > MAX_CELLS:
        area = (bottom - top + 1) * width
        raise FormError(_PLACE, f"at most {MAX_CELLS} cells between the first and the last", area)
    return formulas


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1


def _guarded(act: Callable[[], Any]) -> Any:
    try:
        return act()
    except (CalamineError, *_BROKEN) as error:
        raise FormError(_PLACE, "a workbook with a first sheet", str(error)) from None
    except BaseException as error:
        # A panic inside the library is no `Exception`; it leaves nothing behind.
        if type(error).__name__ != "PanicException":
            raise
        raise FormError(_PLACE, "a workbook with a first sheet", str(error)) from None
