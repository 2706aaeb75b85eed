"""Documents as workbooks: one sheet, set up for A4 landscape, the same bytes everywhere.

Totals are values, not formulas: what is signed is what is shown. xlsxwriter packs its parts with a
compressor whose output differs between versions, so the parts are packed again as they are.
"""

import io
import math
import zipfile
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import segno
import xlsxwriter
from PIL import Image
from rich.cells import cell_len

from cli.layout import Column, Grid, Page, page_of
from settlement.document import Document
from settlement.money import format_yuan

TAG_PROPERTY = "Gongzhang"
HASH_PROPERTY = "Content hash"
EXACT_FEN = 10**15  # from here on a spreadsheet would round: such an amount is written as text
A4 = 9
ROW = 16
NORMAL, BIG = 10, 13  # points: text, and the amount of a notice
NARROW, MIN_WIDTH, MAX_WIDTH = 18, 12, 56
FULL_WIDTH = 138  # of a printed line
MODULE = 3  # pixels of a module of the QR code
QR_ROWS = 9  # that it covers
GAP = 14
_PACKED_AT = (1980, 1, 1, 0, 0, 0)


def render_xlsx(document: Document, language: str) -> bytes:
    """Return a document as a workbook."""
    return draw_xlsx(page_of(document, language))


def draw_xlsx(page: Page) -> bytes:
    """Return a page layout as a workbook."""
    data = io.BytesIO()
    with xlsxwriter.Workbook(data, {"in_memory": True}) as book:
        year, _, month = page.period.partition("-")
        book.set_properties(
            {
                "title": page.title,
                "subject": f"{page.period} {page.party}",
                "author": "gongzhang",
                "created": datetime(int(year), int(month or 1), 1),  # noqa: DTZ001
            }
        )
        book.set_custom_property(TAG_PROPERTY, page.tag, "text")
        book.set_custom_property(HASH_PROPERTY, page.content_hash, "text")
        _Sheet(book, page).draw()
    return _packed(data.getvalue())


def _packed(data: bytes) -> bytes:
    """Return a zip file with the same parts, none of them compressed, none of them dated."""
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(result, "w") as new:
        for name in sorted(old.namelist(), key=_place):
            part = zipfile.ZipInfo(name, _PACKED_AT)
            part.create_system = 0  # else it is the one of this machine
            new.writestr(part, old.read(name), zipfile.ZIP_STORED)
    return result.getvalue()


def _place(name: str) -> tuple[bool, str]:
    # What says of the parts which is which comes first.
    return name != "[Content_Types].xml", name


class _Sheet:
    def __init__(self, book: Any, page: Page) -> None:
        self.page = page
        self.sheet = book.add_worksheet("清算文书" if page.language == "zh" else "Document")
        font = {"font_name": "宋体" if page.language == "zh" else "Arial", "font_size": NORMAL}
        line = {**font, "border": 1, "valign": "vcenter"}
        made = book.add_format
        self.plain = made({**font, "align": "left"})
        self.small = made({**font, "font_size": 8, "font_color": "#666666", "text_wrap": True,
                           "align": "left", "valign": "top"})  # fmt: skip
        self.title = made({**font, "font_size": 16, "bold": True, "align": "center"})
        self.red = made({**font, "bold": True, "font_color": "#AA0000", "align": "center"})
        self.right = made({**font, "align": "right"})
        self.big = made({**line, "font_size": BIG})
        self.head = made({**line, "bold": True, "bg_color": "#E6ECF2", "text_wrap": True,
                          "align": "center"})  # fmt: skip
        shade = {"bold": True, "bg_color": "#F2F2F2"}
        shapes: dict[str, dict[str, Any]] = {
            "text": {"align": "left"},
            "count": {"align": "right", "num_format": "#,##0"},
            "yuan": {"align": "right", "num_format": "#,##0.00"},
        }
        self.cell = {kind: made({**line, **shape}) for kind, shape in shapes.items()}
        self.sum = {kind: made({**line, **shape, **shade}) for kind, shape in shapes.items()}
        self.widths = _widths(page)
        self.columns, self.width = len(self.widths), sum(self.widths)
        self.colon = "：" if page.language == "zh" else ": "
        self.row = 0

    def draw(self) -> None:
        self._set_up()
        if self.page.draft:
            self._across(self.page.draft, self.red)
        self._across(self.page.title, self.title, 26)
        self._facts()
        if self.page.amount:
            for label, text in self.page.amount:
                self.sheet.set_row(self.row, 22)
                self.sheet.write_string(self.row, 0, label, self.big)
                self._merged(self.row, 1, self.columns - 1, text, self.big)
                self.row += 1
            self.row += 1
        first = self.row
        for grid in self.page.grids:
            self._grid(grid)
        if len(self.page.grids) == 1:
            self.sheet.repeat_rows(first)
        self._foot()
        self.sheet.print_area(0, 0, self.row, self.columns - 1)

    def _set_up(self) -> None:
        sheet = self.sheet
        sheet.set_landscape()
        sheet.set_paper(A4)
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.7)
        sheet.set_footer("&C&P / &N")
        if self.page.draft:
            sheet.set_header(f'&C&"Bold"{self.page.draft.split("：")[0].split(":")[0]}')
        sheet.center_horizontally()
        sheet.hide_gridlines(2)
        for place, width in enumerate(self.widths):
            sheet.set_column(place, place, width)

    def _across(self, text: str, shape: Any, height: float | None = None) -> None:
        self._merged(self.row, 0, self.columns - 1, text, shape)
        if height:
            self.sheet.set_row(self.row, height)
        self.row += 1

    def _merged(self, row: int, first: int, last: int, text: str, shape: Any) -> None:
        if first < last:
            self.sheet.merge_range(row, first, row, last, "", shape)
        self.sheet.write_string(row, first, text, shape)

    def _facts(self) -> None:
        first = self.row
        self._picture()
        for label, text in self.page.facts:
            self.sheet.write_string(self.row, 0, label, self.plain)
            self._merged(self.row, 1, self.columns - 1, text, self.plain)
            self.row += 1
        self.row = max(self.row, first + QR_ROWS)
        self.sheet.write_string(self.row, self.columns - 1, self.page.unit, self.right)
        self.row += 1

    def _picture(self) -> None:
        # As far to the right as the picture fits into the columns that are printed. Its rows have
        # a height that is said: other programs would fit them to their fonts, and the picture.
        for row in range(self.row, self.row + QR_ROWS):
            self.sheet.set_row(row, ROW)
        data, side = _qr(self.page.tag)
        place = self.columns
        left = 0
        while left < side and place:
            place -= 1
            left += round(self.widths[place] * 7 + 5)
        options = {"image_data": io.BytesIO(data), "object_position": 3, "x_offset": left - side}
        self.sheet.insert_image(self.row, place, "qr.bmp", options)

    def _grid(self, grid: Grid) -> None:
        if grid.title:
            self.sheet.write_string(self.row, 0, grid.title, self.plain)
            self.row += 1
        for place, column in enumerate(grid.columns):
            self.sheet.write_string(self.row, place, column.heading, self.head)
        self.row += 1
        for values in grid.rows:
            self._values(grid.columns, values, self.cell)
        self._values(grid.columns, grid.total, self.sum)
        self.row += 1

    def _values(self, columns: Sequence[Column], values: Sequence[Any], shapes: Any) -> None:
        for place, (column, value) in enumerate(zip(columns, values, strict=True)):
            shape = shapes[column.kind]
            if value is None:
                self.sheet.write_blank(self.row, place, None, shape)
            elif isinstance(value, str):
                self.sheet.write_string(self.row, place, value, shape)
            elif column.kind == "yuan" and abs(value) >= EXACT_FEN:
                text = format_yuan(value, grouped=True)
                self.sheet.write_string(self.row, place, text, shape)
            else:
                number = Decimal(value).scaleb(-2) if column.kind == "yuan" else value
                self.sheet.write_number(self.row, place, number, shape)
        self.row += 1

    def _foot(self) -> None:
        last = self.columns - 1
        for label, text in self.page.proof:
            self._merged(self.row, 0, last, f"{label}{self.colon}{text}", self.small)
            self.row += 1
        self.sheet.set_row(self.row, 12 * (1 + 2 * len(self.page.tag) // self.width))
        self._merged(self.row, 0, last, self.page.tag, self.small)
        self._merged(self.row + 1, 0, last, self.page.remark, self.small)
        signing = (" " * GAP).join(f"{label}{self.colon}" for label in self.page.signing)
        self._merged(self.row + 3, 0, last, signing, self.plain)
        self.row += 4


def _widths(page: Page) -> list[int]:
    """Return the widths of the columns, in characters: no figure is cut, few lines are broken."""
    widths = [NARROW] + [MIN_WIDTH] * (max(len(grid.columns) for grid in page.grids) - 1)
    for grid in page.grids:
        for place, column in enumerate(grid.columns):
            shown = [_shown(column, row[place]) for row in (*grid.rows, grid.total)]
            longest = max(map(cell_len, [column.heading, *shown])) + 2
            widths[place] = max(widths[place], min(longest, MAX_WIDTH))
    for label, _ in page.amount or ():  # set in larger type, beside what is merged to its right
        widths[0] = max(widths[0], math.ceil(cell_len(label) * BIG / NORMAL) + 2)
    missing = max(0, FULL_WIDTH - sum(widths))
    return [width + missing // len(widths) for width in widths]


def _shown(column: Column, value: str | int | None) -> str:
    if isinstance(value, int):
        return format_yuan(value, grouped=True) if column.kind == "yuan" else f"{value:,}"
    return value or ""


def _qr(text: str) -> tuple[bytes, int]:
    """Return a QR code as BMP, the one picture format without any compressor, and its side."""
    matrix = segno.make(text, error="m", micro=False, boost_error=False).matrix_iter(MODULE, 4)
    rows = [bytes(0 if dark else 255 for dark in row) for row in matrix]
    picture = Image.frombytes("L", (len(rows[0]), len(rows)), b"".join(rows)).convert("1")
    data = io.BytesIO()
    picture.save(data, "BMP")
    return data.getvalue(), len(rows)
