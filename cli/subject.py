"""What a document file says of itself, and where it is not what it should be.

A file may come from anywhere. Of each format this module says which parts it compared: identical
bytes are everything; else the values of JSON, the cells and properties of a workbook, or the text
and metadata of a PDF. What was drawn is only vouched for by identical bytes.
"""

import io
import re
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from python_calamine import CalamineWorkbook

from cli.render import LANGUAGES, Job, render
from ledger.errors import FormError, UncheckableError
from settlement.document import Difference, Document, differences, parse_document
from settlement.outcome import Text
from settlement.tag import Tag, find_tag, parse_tag, tag_of
from settlement.workbook import cell_name, read_sheet

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument

MAX_BYTES = 8 * 1024 * 1024
MAX_PAGES = 500
SPACE = re.compile(r"\s+")
_CUSTOM = "docProps/custom.xml"


class Subject(NamedTuple):
    """A file, or the text of a QR code, that says it is a document."""

    form: str  # json, xlsx, pdf or qr
    tag: Tag
    data: bytes


class Verdict(NamedTuple):
    """Where a document differs from what the logs give, and what was compared."""

    compared: Text
    differences: list[Difference]


def form_of(data: bytes) -> str | None:
    """Return which format of a document a file has by its first bytes, or None."""
    if data.startswith(b"%PDF-"):
        return "pdf"
    if data.startswith(b"PK\x03\x04"):
        return "xlsx"
    return "json" if data.lstrip()[:1] == b"{" else None


def read_subject(path: Path) -> Subject:
    """Return what a file says it is.

    Raises:
        FormError: It cannot be read, is too large, or is no JSON, xlsx or PDF.
        UncheckableError: It does not say which document it is.
    """
    try:
        data = path.read_bytes() if path.stat().st_size <= MAX_BYTES else None
    except OSError as error:
        raise FormError(str(path), "a readable file", error.strerror) from None
    if data is None:
        raise FormError(str(path), f"at most {MAX_BYTES} bytes", path.stat().st_size)
    form = form_of(data)
    if form is None:
        raise FormError(str(path), "a document as JSON, xlsx or PDF")
    if form == "json":
        return Subject(form, tag_of(parse_document(data)), data)
    said = "\n".join(_cells(data).values()) if form == "xlsx" else _subject_line(data)
    tag = find_tag(said)
    if tag is None:
        raise UncheckableError(f"{path}: nothing in it says which document it is (GZ1 …)")
    return Subject(form, tag, data)


def read_qr(text: str) -> Subject:
    """Return what the text of a QR code says it is; raises FormError for another form."""
    return Subject("qr", parse_tag(text.strip()), b"")


def compare(subject: Subject, expected: Document) -> Verdict:
    """Return where a subject differs from the document that the logs give.

    Raises:
        UncheckableError: A PDF cannot be read.
    """
    if subject.form == "qr":
        compared = Text(
            "the QR text: hashes and total; not what is printed around it",
            "二维码文本：哈希与总额；未比对纸面其他内容",
        )
        return Verdict(compared, list(_tags(subject.tag, tag_of(expected))))
    prints = []
    for language in LANGUAGES:
        prints.append(render(Job(expected, subject.form, language)))
        if subject.data == prints[-1]:
            return Verdict(_SAME, [])
    if subject.form == "json":
        wrong = list(differences(parse_document(subject.data), expected))
        return Verdict(Text("every value", "全部数值"), wrong)
    by_form = _in_workbook if subject.form == "xlsx" else _in_pdf
    # In whichever language it is printed: the one that fits it better.
    found_in = [list(by_form(subject.data, made)) for made in prints]
    wrong = [*_tags(subject.tag, tag_of(expected)), *min(found_in, key=len)]
    return Verdict(_COMPARED[subject.form], wrong)


_SAME = Text(
    "the whole file: it is the same, byte for byte, as made from the logs",
    "整个文件：与由日志重新生成者逐字节相同",
)
_COMPARED = {
    "xlsx": Text(
        "every cell of the sheet, the QR text and the properties; the file was saved again, so "
        "pictures and formats were not compared",
        "工作表全部单元格、二维码文本与文件属性；文件曾另行保存，未比对图片与格式",
    ),
    "pdf": Text(
        "the text of every page and the metadata; the file is not the one that was made, so what "
        "is drawn was not compared",
        "各页文字与元数据；文件并非原始生成文件，未比对图形",
    ),
}


def _tags(found: Tag, expected: Tag) -> Iterator[Difference]:
    for name in Tag._fields:
        a, b = getattr(found, name), getattr(expected, name)
        if a != b:
            yield Difference(f"QR {name}", a, b)


# --- workbooks ------------------------------------------------------------------------------------


def _cells(data: bytes) -> dict[str, str]:
    """Return what stands in the cells of the first sheet, by name."""
    sheet = read_sheet(data)
    found = {}
    for row, values in sheet.rows:
        for column, value in enumerate(values, sheet.first_column):
            if value not in ("", None):
                found[cell_name(row, column)] = _shown(value)
    return found


def _shown(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:.4f}".rstrip("0").rstrip(".")


def _in_workbook(data: bytes, made: bytes) -> Iterator[Difference]:
    ours, theirs = _cells(made), _cells(data)
    for name in sorted(ours.keys() | theirs.keys(), key=_by_row):
        yield from _unequal(f"cell {name}", theirs.get(name), ours.get(name))
    for column, formula in sorted(read_sheet(data).formulas.items()):
        yield Difference(f"cell {cell_name(formula.row, column)}", "a formula", "a value")
    sheets = CalamineWorkbook.from_filelike(io.BytesIO(data)).sheet_names  # `_cells` looked before
    yield from _unequal("sheets", str(len(sheets)), "1")
    ours_said, theirs_said = _property(made), _property(data)
    if theirs_said is not None:  # other programs may drop it; what stands there must be true
        yield from _unequal("property Gongzhang", theirs_said, ours_said)


def _by_row(name: str) -> tuple[int, int, str]:
    letters = name.rstrip("0123456789")
    return int(name[len(letters) :]), len(letters), letters


def _property(data: bytes) -> str | None:
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        if _CUSTOM not in parts.namelist():
            return None
        tag = find_tag(parts.read(_CUSTOM).decode("utf-8", "replace"))
    return None if tag is None else tag.format()


# --- PDF ------------------------------------------------------------------------------------------


@contextmanager
def _opened(data: bytes) -> Iterator["PdfDocument"]:
    from pypdfium2 import PdfDocument, PdfiumError  # only a check of a PDF waits for it

    try:
        with closing(PdfDocument(data)) as opened:
            if len(opened) > MAX_PAGES:
                raise UncheckableError(f"PDF: more than {MAX_PAGES} pages")
            yield opened
    except PdfiumError as error:
        raise UncheckableError(f"PDF: cannot be read: {error}") from None


def _subject_line(data: bytes) -> str:
    with _opened(data) as opened:
        said = opened.get_metadata_dict().get("Subject", "")
    return said if find_tag(said) else " ".join(line for page in _lines(data) for line in page)


def _lines(data: bytes) -> list[list[str]]:
    """Return the lines of text by page, without any spaces: how wide they are is drawing."""
    with _opened(data) as opened:
        texts = [page.get_textpage().get_text_range() for page in opened]
    lines = [[SPACE.sub("", line) for line in text.splitlines()] for text in texts]
    return [[line for line in page if line] for page in lines]


def _in_pdf(data: bytes, made: bytes) -> Iterator[Difference]:
    ours, theirs = _lines(made), _lines(data)
    yield from _unequal("pages", str(len(theirs)), str(len(ours)))
    for page, (a, b) in enumerate(zip(theirs, ours, strict=False), 1):
        for number, (found, expected) in enumerate(zip_longest(a, b), 1):
            yield from _unequal(f"page {page}, line {number}", found, expected)
    said = find_tag(_subject_line(data))
    expected_tag = find_tag(_subject_line(made))
    assert expected_tag is not None
    yield from _unequal("metadata", None if said is None else said.format(), expected_tag.format())


def _unequal(place: str, found: str | None, expected: str | None) -> Iterator[Difference]:
    if found != expected:
        yield Difference(place, found, expected)
