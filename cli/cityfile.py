"""City statements as files for finance staff, and the names of cities that a province gives.

CSV as everywhere here: UTF-8 with a byte order mark, amounts in yuan as plain numbers. The workbook
has one sheet of cities and one of every city with every counterpart. The same statement always
makes the same bytes.
"""

import csv
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

import xlsxwriter

from cli.output import say
from cli.sheet import cell
from ledger.errors import FormError
from settlement.city import Cities
from settlement.csvfile import read_csv
from settlement.money import format_yuan
from settlement.party import city_of, parties, province_of

MAX_NAMES_FILE = 1024 * 1024
MAX_NAME = 50
LINES = ("employee", "resident", "other", "account")
HEADER = (
    "month", "province", "city", "name", "direction", "counterpart", "counterpart_name", "entries",
    "employee_yuan", "resident_yuan", "other_yuan", "account_yuan", "total_yuan",
)  # fmt: skip
TEXTS = 7  # so many columns of HEADER are text

Names = Mapping[str, str]
Row = tuple[str | int, ...]


def read_names(path: Path, province: str) -> dict[str, str]:
    """Return the names of cities by code, as a CSV file with the columns city and name gives them.

    Raises:
        FormError: The file cannot be read or is too large, or names the line that has no city of
            the province, a city a second time, or no name of at most 50 characters.
    """
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= MAX_NAMES_FILE else b""
    except OSError as error:
        raise FormError(str(path), "a readable file", error.strerror) from None
    if size > MAX_NAMES_FILE:
        raise FormError(str(path), f"at most {MAX_NAMES_FILE} bytes", size)
    sheet = read_csv(data, ("city", "name"), MAX_NAME, lambda city, name: (city, name))
    for fault in sheet.faults:
        place = f"{path} line {fault.line} {fault.column}".rstrip()
        raise FormError(place, f"CSV with the columns city,name ({fault.text.en})", fault.value)
    names: dict[str, str] = {}
    for line, (code, name) in sheet.rows:
        if not _is_city(code, province) or code in names:
            raise FormError(f"{path} line {line} city", f"a city of {province}, once", code)
        if not name.isprintable() or not name:
            raise FormError(f"{path} line {line} name", "a name in printable characters", name)
        names[code] = name
    return names


def _is_city(code: str, province: str) -> bool:
    try:
        return province_of(code) == province and city_of(code) == code
    except FormError:
        return False


def check_target(path: Path, ending: str, option: str) -> None:
    """Check that a file can be written; raises FormError for another ending, or if it exists."""
    if path.suffix.lower() != ending:
        raise FormError(option, f"a file name that ends with {ending}", path.name)
    if path.exists():
        raise FormError(str(path), "a file that does not exist yet")
    if not path.parent.is_dir():
        raise FormError(str(path.parent), "a folder")


def rows_of(found: Cities, names: Names) -> Iterator[Row]:
    """Yield every city with every counterpart, in both directions; amounts in fen, see HEADER."""
    for city in found.codes:
        for direction, sums in (("owes", found.owes), ("owed", found.owed)):
            for (code, other), amounts in sorted(sums.items()):
                if code == city:
                    yield (
                        found.month, found.province, city, names.get(city, ""), direction, other,
                        parties()[other].name_zh, *amounts, amounts.fen,
                    )  # fmt: skip


def write_cities(path: Path, found: Cities, names: Names) -> None:
    """Write a statement to a new file: a workbook if its name ends with .xlsx, else CSV."""
    if path.suffix.lower() == ".xlsx":
        _write_workbook(path, found, names)
        return
    with path.open("x", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(HEADER)
        for row in rows_of(found, names):
            texts, amounts = row[:TEXTS], row[TEXTS + 1 :]
            yuan = [format_yuan(int(fen)) for fen in amounts]
            writer.writerow([*map(cell, texts), row[TEXTS], *yuan])


def _write_workbook(path: Path, found: Cities, names: Names) -> None:
    with xlsxwriter.Workbook(path) as book:
        year, month = map(int, found.month.split("-"))
        book.set_properties({"created": datetime(year, month, 1)})  # noqa: DTZ001
        head = book.add_format({"bold": True, "bottom": 1})
        money = book.add_format({"num_format": "#,##0.00"})
        sheet = book.add_worksheet(say("cities", "各市"))
        sheet.set_column(0, 1, 14)
        sheet.set_column(2, 4, 18)
        titles = (
            say("city", "市代码"), say("name", "名称"), say("owes, yuan", "应付（元）"),
            say("is owed, yuan", "应收（元）"), say("net, yuan", "净额（元）"),
        )  # fmt: skip
        _put(sheet, 0, titles, 5, head)
        for at, city in enumerate(found.codes, 1):
            fen = found.of(found.owes, city).fen, found.of(found.owed, city).fen, found.nets[city]
            _put(sheet, at, (city, names.get(city, "")), 2, None)
            _put_money(sheet, at, 2, fen, money)
        detail = book.add_worksheet(say("counterparts", "分省明细"))
        detail.set_column(0, TEXTS, 14)
        detail.set_column(TEXTS + 1, len(HEADER) - 1, 18)
        _put(detail, 0, _detail_titles(), len(HEADER), head)
        for at, row in enumerate(rows_of(found, names), 1):
            _put(detail, at, (*row[:4], _direction(str(row[4])), *row[5:TEXTS]), TEXTS, None)
            detail.write_number(at, TEXTS, row[TEXTS])
            _put_money(detail, at, TEXTS + 1, row[TEXTS + 1 :], money)


def _detail_titles() -> tuple[str, ...]:
    return (
        say("month", "月份"), say("province", "省"), say("city", "市代码"), say("name", "名称"),
        say("direction", "方向"), say("counterpart", "对方省代码"),
        say("counterpart's name", "对方省"), say("entries", "记录数"),
        say("employee fund, yuan", "职工基金（元）"), say("resident fund, yuan", "居民基金（元）"),
        say("other funds, yuan", "其他基金（元）"), say("personal account, yuan", "个人账户（元）"),
        say("together, yuan", "合计（元）"),
    )  # fmt: skip


def _direction(name: str) -> str:
    return {"owes": say("owes", "应付"), "owed": say("is owed", "应收")}[name]


def _put(sheet: object, row: int, values: tuple[str | int, ...], count: int, form: object) -> None:
    # As text: codes keep their digits, and nothing that somebody has named runs as a formula.
    for column, value in enumerate(values[:count]):
        sheet.write_string(row, column, str(value), form)  # type: ignore[attr-defined]


def _put_money(
    sheet: object, row: int, first: int, fen: tuple[str | int, ...], form: object
) -> None:
    for column, amount in enumerate(fen, first):
        sheet.write_number(row, column, int(amount) / 100, form)  # type: ignore[attr-defined]
