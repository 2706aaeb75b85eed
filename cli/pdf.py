"""Documents as PDF: A4 landscape, Chinese text that can be searched, the same bytes everywhere.

Nothing is compressed: what a compressor makes of the same data differs between its versions, and a
page of text with its part of a font is small. No time is written but the first day of the period.
"""

import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import segno
from fpdf import FPDF
from fpdf.enums import TextMode, XPos, YPos
from fpdf.fonts import FontFace
from fpdf.output import OutputProducer
from fpdf.syntax import PDFContentStream

from cli.font import font_path
from cli.layout import Grid, Page, page_of
from settlement.document import Document
from settlement.money import format_yuan

FONT = "noto"
MARGIN = 12.0
QR_SIDE = 30.0
LINE = 5.2
GREY = 110


def render_pdf(document: Document, language: str) -> bytes:
    """Return a document as PDF.

    Raises:
        FormError: The font is not installed.
    """
    return draw_pdf(page_of(document, language))


def draw_pdf(page: Page) -> bytes:
    """Return a page layout as PDF; raises as `render_pdf`."""
    paper = _Paper(page)
    paper.set_title(f"{page.title} {page.period} {page.party}")
    paper.set_subject(page.tag)
    paper.set_keywords(page.content_hash)
    paper.set_creation_date(_first_day(page.period))
    paper.draw()
    return bytes(paper.output(output_producer_class=_Plain))


def _first_day(period: str) -> datetime:
    year, _, month = period.partition("-")
    return datetime(int(year), int(month or 1), 1, tzinfo=UTC)


class _Plain(OutputProducer):
    """Writes every stream as it is."""

    def _add_pdf_obj(self, pdf_obj: Any, trace_label: str | None = None) -> int:
        if isinstance(pdf_obj, PDFContentStream) and pdf_obj.filter == "FlateDecode":
            pdf_obj._contents = zlib.decompress(pdf_obj._contents)
            pdf_obj.filter = None
            pdf_obj.length = len(pdf_obj._contents)
        return super()._add_pdf_obj(pdf_obj, trace_label)


class _Paper(FPDF):
    def __init__(self, page: Page) -> None:
        super().__init__(orientation="landscape", unit="mm", format="A4")
        self.page_, self.below = page, 0.0  # where the QR code ends
        self.set_compression(False)
        self.set_lang("zh-CN" if page.language == "zh" else "en")
        self.set_creator("gongzhang")
        self.set_producer("fpdf2")
        self.set_margins(MARGIN, MARGIN, MARGIN)
        self.set_auto_page_break(True, margin=20)
        self.add_font(FONT, fname=str(font_path()))
        self.set_font(FONT, size=9)
        self.alias_nb_pages("{pages}")

    def draw(self) -> None:
        self.add_page()
        self._head()
        self._facts()
        if self.page_.amount:
            self._amount(self.page_.amount)
        for grid in self.page_.grids:
            self._grid(grid)
        self._proof()

    # --- what every page has ---------------------------------------------------------------------

    def header(self) -> None:
        if self.page_.draft:
            mark = self.page_.draft.split("：")[0].split(":")[0]
            middle = self.w / 2, self.h / 2
            with self.local_context(font_size_pt=120, text_color=225), self.rotation(30, *middle):
                width = self.get_string_width(mark)
                self.text(middle[0] - width / 2, middle[1] + 20, mark)
            self.set_text_color(170, 0, 0)
            self.cell(0, LINE, self.page_.draft, align="C", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
            self.set_text_color(0)

    def footer(self) -> None:
        self.set_y(-15)
        self.set_font(FONT, size=6)
        self.set_text_color(GREY)
        self.cell(0, 3, self.page_.tag, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.cell(200, 3, self.page_.remark)
        here = f"{self.page_no()} / {{pages}}"
        self.cell(0, 3, here, align="R")
        self.set_text_color(0)
        self.set_font(FONT, size=9)

    # --- the first page --------------------------------------------------------------------------

    def _head(self) -> None:
        top = self.get_y()
        self.below = top + QR_SIDE + 1
        self._qr(self.w - MARGIN - QR_SIDE, top)
        with self.local_context(font_size_pt=18):
            self._bold(self.page_.title, 11, self.w - 2 * (MARGIN + QR_SIDE), MARGIN + QR_SIDE)

    def _bold(self, text: str, height: float, width: float, left: float) -> None:
        # One face is embedded; a heading is filled and outlined with it.
        self.set_x(left)
        with self.local_context(text_mode=TextMode.FILL_STROKE, line_width=0.15):
            self.cell(width, height, text, align="C", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _qr(self, left: float, top: float) -> None:
        matrix = segno.make(self.page_.tag, error="m", micro=False, boost_error=False).matrix
        side = QR_SIDE / len(matrix)
        self.set_fill_color(0)
        for row, bits in enumerate(matrix):
            for start, stop in _runs(bits):
                self.rect(
                    left + start * side, top + row * side, (stop - start) * side, side, style="F"
                )

    def _facts(self) -> None:
        width = (self.w - 2 * MARGIN - QR_SIDE - 6) / 3
        for number, (label, text) in enumerate(self.page_.facts):
            last = number % 3 == 2 or number == len(self.page_.facts) - 1
            move = (XPos.LMARGIN, YPos.NEXT) if last else (XPos.RIGHT, YPos.TOP)
            self.cell(width, LINE + 0.8, f"{label}{_colon(self.page_)}{text}",
                      new_x=move[0], new_y=move[1])  # fmt: skip
        self.set_y(max(self.get_y(), self.below))
        self.cell(0, LINE, self.page_.unit, align="R", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _amount(self, amount: tuple[tuple[str, str], tuple[str, str]]) -> None:
        for label, text in amount:
            with self.local_context(font_size_pt=13):
                self.cell(48, 9, label, border=1)
                self.cell(0, 9, text, border=1, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(3)

    def _grid(self, grid: Grid) -> None:
        if grid.title:
            if self.get_y() > self.h - 50:
                self.add_page()
            self.cell(0, 7, grid.title, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        with self.table(
            col_widths=tuple(column.width for column in grid.columns),
            text_align=tuple("LEFT" if c.kind == "text" else "RIGHT" for c in grid.columns),
            line_height=LINE,
            padding=(0.4, 1.2),
            headings_style=FontFace(fill_color=(230, 236, 242)),
        ) as table:
            table.row([column.heading for column in grid.columns])
            for values in grid.rows:
                table.row(_texts(grid, values))
            table.row(_texts(grid, grid.total), style=FontFace(fill_color=(242, 242, 242)))
        self.ln(3)

    def _proof(self) -> None:
        if self.get_y() > self.h - 46:
            self.add_page()
        with self.local_context(font_size_pt=7, text_color=GREY):
            for label, text in self.page_.proof:
                self.cell(0, 3.6, f"{label}{_colon(self.page_)}{text}",
                          new_x=XPos.LMARGIN, new_y=YPos.NEXT)  # fmt: skip
        self.ln(4)
        width = (self.w - 2 * MARGIN) / len(self.page_.signing)
        for label in self.page_.signing:
            self.cell(width, LINE, f"{label}{_colon(self.page_)}")


def _texts(grid: Grid, values: Any) -> list[str]:
    return [
        "" if value is None
        else format_yuan(value, grouped=True) if column.kind == "yuan" and isinstance(value, int)
        else f"{value:,}" if column.kind == "count" and isinstance(value, int)
        else str(value)
        for column, value in zip(grid.columns, values, strict=True)
    ]  # fmt: skip


def _colon(page: Page) -> str:
    return "：" if page.language == "zh" else ": "


def _runs(bits: Any) -> Iterator[tuple[int, int]]:
    """Yield (start, stop) of the dark stretches of a row."""
    start = None
    for place, bit in enumerate((*bits, 0)):
        if bit and start is None:
            start = place
        elif not bit and start is not None:
            yield start, place
            start = None
