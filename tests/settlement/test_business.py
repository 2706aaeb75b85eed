"""A province's own export: encodings, exact amounts, every fault by line or cell and column."""

import csv
import io
import zipfile
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from importlib import resources
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from settlement import business, workbook
from settlement.business import COLUMNS, FAULTS, Export, read_export
from settlement.casefile import CaseRow
from settlement.statement import row_of
from settlement.workbook import cell_name

EXAMPLE = resources.files("configs").joinpath("examples/qinghai-2017.csv").read_bytes()
HEADER = ["setl_id", "medfee_sumamt", "fund_pay_sumamt", "acct_pay"]
LINE = ["A1", "100.00", "71", "9.5"]


def csv_of(
    *lines: Sequence[object], header: Sequence[str] = HEADER, encoding: str = "utf-8"
) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([header, *lines])
    return text.getvalue().encode(encoding)


def xlsx_of(*lines: Sequence[Any], header: Sequence[str] = HEADER, **format_: str) -> bytes:
    def fill(book: Any, sheet: Any) -> None:
        shown = book.add_format(format_)
        for at, line in enumerate([header, *lines]):
            for column, value in enumerate(line):
                if isinstance(value, datetime | date):
                    sheet.write_datetime(at, column, value, shown)
                elif isinstance(value, str):
                    sheet.write_string(at, column, value)
                else:
                    sheet.write(at, column, value)

    return made(fill)


def made(fill: Callable[[Any, Any], None]) -> bytes:
    data = io.BytesIO()
    with xlsxwriter.Workbook(data, {"in_memory": True}) as book:
        fill(book, book.add_worksheet())
    return data.getvalue()


def faults(data: bytes) -> list[tuple[int, str, str, str]]:
    export = read_export(data)
    assert not export.faults or not export.rows  # all or nothing
    return [(f.line, f.cell, f.column, f.code) for f in export.faults]


def only(export: Export) -> business.ExportRow:
    assert export.faults == []
    (row,) = export.rows
    return row


# --- what is read --------------------------------------------------------------------------------


def test_the_national_file_reads_as_its_own_export() -> None:
    export = read_export(EXAMPLE)
    assert export.faults == []
    cases = [CaseRow(**r) for r in csv.DictReader(io.StringIO(EXAMPLE.decode()))]
    assert [r.row for r in export.rows] == [row_of(case) for case in cases]
    first = export.rows[0]
    assert (first.line, first.day, first.treatment, first.insured) == (
        2, "2017-03-02", "360100", "630100",
    )  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_chinese_headers_units_and_columns_nobody_asked_for_are_understood(encoding: str) -> None:
    header = [
        "姓名",
        "结算ID",
        "医疗费总额（元）",
        "基金支付总额(元)",
        "个人账户支付",
        "险种",
        "备注",
    ]
    line = ["张三", "A1", "100", "71.0", "9.00", "310", "，"]
    export = read_export(csv_of(line, header=header, encoding=encoding))
    row = only(export).row
    assert (row.setl_id, row.medfee_fen, row.fund_fen, row.account_fen, row.insutype) == (
        "A1", 10_000, 7_100, 900, "310",
    )  # fmt: skip
    assert export.encoding == ("gb18030" if encoding == "gb18030" else "utf-8-sig")


def test_headers_in_capitals_and_any_order_are_the_same_columns() -> None:
    data = csv_of(LINE[::-1], header=[name.upper() for name in HEADER[::-1]])
    assert only(read_export(data)).row == only(read_export(csv_of(LINE))).row


@pytest.mark.parametrize(
    ("text", "fen"),
    [
        ("61", 6_100), ("61.0", 6_100), ("61.00", 6_100), ("0.1", 10), ("-25.00", -2_500),
        ("0", 0), ("-0.00", 0), (" 7.50 ", 750), ("90071992547409.91", 2**53 - 1),
    ],
)  # fmt: skip
def test_yuan_with_up_to_two_decimals_are_fen(text: str, fen: int) -> None:
    assert only(read_export(csv_of(["A1", text, "0", "0"]))).row.medfee_fen == fen


@pytest.mark.parametrize(
    ("number", "fen"),
    [(61, 6_100), (171239.2, 17_123_920), (0.1, 10), (1.1, 110), (-25.0, -2_500), (0.29, 29)],
)
def test_a_workbooks_number_is_the_decimal_it_stands_for(number: float, fen: int) -> None:
    assert only(read_export(xlsx_of(["A1", number, 0, 0]))).row.medfee_fen == fen


def test_seventeen_digits_that_mean_one_tenth_are_one_tenth() -> None:
    # Spreadsheets store 1.1 as 1.1000000000000001.
    data = edited(xlsx_of(["A1", 1.5, 0, 0]), b"<v>1.5</v>", b"<v>1.1000000000000001</v>")
    assert only(read_export(data)).row.medfee_fen == 110


@pytest.mark.parametrize(
    ("values", "day"),
    [
        ("2017-03-05", "2017-03-05"), ("2017/3/5", "2017-03-05"), ("20170305", "2017-03-05"),
        ("2017-03-05 10:00:00", "2017-03-05"), ("20170305101500", "2017-03-05"),
        ("2017-03-05T16:30:00+00:00", "2017-03-06"), ("", ""), (20170305, "2017-03-05"),
        (datetime(2017, 3, 5, 23, 59), "2017-03-05"), (date(2017, 3, 5), "2017-03-05"),
    ],
)  # fmt: skip
def test_a_day_may_be_written_in_many_ways(values: Any, day: str) -> None:
    header = [*HEADER, "结算时间"]
    data = xlsx_of([*LINE, values], header=header, num_format="yyyy-mm-dd hh:mm")
    assert only(read_export(data)).day == day
    if isinstance(values, str):
        assert only(read_export(csv_of([*LINE, values], header=header))).day == day


def test_cells_typed_as_numbers_are_the_codes_they_show() -> None:
    header = [*HEADER, "insutype", "clr_type", "insuplc_admdvs", "refd_setl_flag", "vali_flag"]
    found = only(read_export(xlsx_of([12345, 1, 1, 1, 310, 21, 630100, 0, True], header=header)))
    assert (found.row.setl_id, found.row.insutype, found.row.clr_type) == ("12345", "310", "21")
    assert (found.insured, found.row.state) == ("630100", "settled")


@pytest.mark.parametrize(
    ("total", "flag", "original", "valid", "state"),
    [
        ("100", "0", "", "1", "settled"), ("100", "", "", "", "settled"),
        ("-100", "1", "A0", "1", "refund"), ("-100", "1", "", "1", "refund"),
        ("100", "1", "", "1", "reversed"), ("100", "0", "", "0", "void"),
    ],
)  # fmt: skip
def test_the_flags_say_what_became_of_a_row(
    total: str, flag: str, original: str, valid: str, state: str
) -> None:
    header = [*HEADER, "refd_setl_flag", "init_setl_id", "vali_flag"]
    data = csv_of(["A1", total, "0", "0", flag, original, valid], header=header)
    assert only(read_export(data)).row.state == state


def test_a_sheet_may_begin_lower_and_further_right() -> None:
    def fill(_book: Any, sheet: Any) -> None:
        sheet.write_row(3, 2, HEADER)
        sheet.write_row(4, 2, LINE)
        sheet.write_row(6, 2, ["A2", "x", 1, 1])

    assert faults(made(fill)) == [(7, "D7", "medfee_sumamt", "AMOUNT")]


def test_empty_rows_are_no_rows() -> None:
    assert len(read_export(csv_of(LINE, [""] * 4, ["A2", "1", "1", "1"])).rows) == 2
    assert len(read_export(csv_of(LINE) + b"\r\n\r\n").rows) == 1
    assert len(read_export(csv_of(LINE).rstrip()).rows) == 1  # many systems end so


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("setl_id", "", "ID"), ("setl_id", "张三", "ID"), ("setl_id", "A 1", "ID"),
        ("setl_id", "A" * 65, "LENGTH"), ("medfee_sumamt", "", "AMOUNT"),
        ("medfee_sumamt", "1,234.00", "AMOUNT"), ("medfee_sumamt", "100.001", "DECIMALS"),
        ("fund_pay_sumamt", "1e3", "AMOUNT"), ("acct_pay", "+1", "AMOUNT"),
        ("acct_pay", "０.１", "AMOUNT"), ("medfee_sumamt", "90071992547409.92", "AMOUNT"),
        ("medfee_sumamt", "=1+1", "AMOUNT"), ("setl_time", "2017-02-30", "DATE"),
        ("setl_time", "2017305", "DATE"), ("setl_time", "1017-03-05", "DATE"),
        ("setl_time", "0001-01-01T00:00:00+23:59", "DATE"), ("refd_setl_flag", "2", "FLAG"),
        ("vali_flag", "是", "FLAG"), ("insuplc_admdvs", "63010", "AREA"), ("mdtrt_id", "V 1", "ID"),
    ],
)  # fmt: skip
def test_each_single_fault_is_named_with_line_and_column(
    column: str, value: str, code: str
) -> None:
    header = [*HEADER, "setl_time", "refd_setl_flag", "vali_flag", "insuplc_admdvs", "mdtrt_id"]
    good = [*LINE, "2017-03-05", "0", "1", "630100", "V1"]
    bad = [value if name == column else v for name, v in zip(header, good, strict=True)]
    assert faults(csv_of(good, bad, header=header)) == [(3, "", column, code)]
    at = cell_name(3, header.index(column))
    assert faults(xlsx_of(good, bad, header=header)) == [(3, at, column, code)]


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("medfee_sumamt", 0.1 + 0.2, "DECIMALS"), ("medfee_sumamt", 100.001, "DECIMALS"),
        ("medfee_sumamt", 1e16, "AMOUNT"), ("medfee_sumamt", True, "AMOUNT"),
        ("setl_id", 123456789012345678, "DIGITS"), ("setl_id", True, "ID"),
        ("fund_pay_sumamt", datetime(2017, 3, 5), "AMOUNT"),
    ],
)  # fmt: skip
def test_a_number_that_is_not_exact_is_a_fault_at_its_cell(
    column: str, value: Any, code: str
) -> None:
    line = [value if name == column else v for name, v in zip(HEADER, LINE, strict=True)]
    data = xlsx_of(line, num_format="yyyy-mm-dd")
    if value == 0.1 + 0.2:  # the writer would round it to 0.3
        data = edited(xlsx_of(["A1", 0.5, "1", "1"]), b"<v>0.5</v>", b"<v>%r</v>" % value)
    assert faults(data) == [(2, cell_name(2, HEADER.index(column)), column, code)]


def test_every_fault_of_a_file_is_named_at_once_up_to_a_limit() -> None:
    assert [f[2:] for f in faults(csv_of(["", "x", "1.999", "1"]))] == [
        ("fund_pay_sumamt", "DECIMALS"), ("medfee_sumamt", "AMOUNT"), ("setl_id", "ID"),
    ]  # fmt: skip
    assert len(faults(csv_of(*[["", "x", "y", "z"]] * 2_000))) == business.MAX_FAULTS


def test_the_header_names_what_is_missing_or_twice() -> None:
    assert faults(csv_of(header=["setl_id", "医疗费总额", "结算ID"])) == [
        (1, "", "acct_pay", "HEADER"), (1, "", "fund_pay_sumamt", "HEADER"),
        (1, "", "setl_id", "HEADER"),
    ]  # fmt: skip
    assert faults(b"") == [(1, "", "", "EMPTY")]
    assert faults(xlsx_of(header=[])) == [(1, "", "", "EMPTY")]


def test_a_line_with_another_number_of_fields_and_an_open_quotation_mark_are_named() -> None:
    assert faults(csv_of(LINE, LINE[:-1])) == [(3, "", "", "FIELDS")]
    assert faults(csv_of(LINE) + b'"A2,1,1,1') == [(3, "", "", "QUOTE")]
    assert faults(csv_of(["A\n1", "x", "1", "1"], ["A2", "x", "1", "1"])) == [
        (2, "", "medfee_sumamt", "AMOUNT"), (2, "", "setl_id", "ID"),
        (4, "", "medfee_sumamt", "AMOUNT"),  # the line a row begins on
    ]  # fmt: skip


def test_what_is_no_table_is_refused_as_a_whole() -> None:
    assert faults(csv_of(LINE, encoding="utf-16")) == [(1, "", "", "ENCODING")]
    assert faults(b"\xff\xff\xfe,\x81") == [(1, "", "", "ENCODING")]
    assert faults(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") == [(1, "", "", "XLS")]
    assert faults(b"PK\x03\x04 and nothing more") == [(1, "", "", "WORKBOOK")]


def test_computed_cells_are_refused_in_columns_that_count_and_nowhere_else() -> None:
    def fill(column: int) -> Callable[[Any, Any], None]:
        def act(_book: Any, sheet: Any) -> None:
            sheet.write_row(0, 0, [*HEADER, "check"])
            for line in (1, 2):
                sheet.write_row(line, 0, [f"A{line}", 1, 1, 1, 1])
                sheet.write_formula(line, column, "=1+1", None, 2)

        return act

    assert faults(made(fill(1))) == [(2, "B2", "medfee_sumamt", "FORMULA")]
    assert len(read_export(made(fill(4))).rows) == 2


def test_every_fault_has_both_languages_and_every_name_one_column() -> None:
    assert all(text.en and text.zh and text.en != text.zh for text in FAULTS.values())
    assert len(business.NAMES) == sum(1 + len(aliases) for aliases in COLUMNS.values())
    assert set(COLUMNS) <= {*CaseRow._fields, "vali_flag"}


# --- hostile files -------------------------------------------------------------------------------


def edited(data: bytes, old: bytes, new: bytes, part: str = "xl/worksheets/sheet1.xml") -> bytes:
    """Return a workbook with one of its parts changed."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(target, "w") as archive:
        for member in source.infolist():
            content = source.read(member)
            if member.filename == part:
                assert old in content
                content = content.replace(old, new)
            archive.writestr(member, content)
    return target.getvalue()


def bomb(size: int) -> bytes:
    target = io.BytesIO(xlsx_of(LINE))
    with zipfile.ZipFile(target, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/large.xml", b"0" * size)
    return target.getvalue()


def refused(data: bytes, about: str) -> None:
    export = read_export(data)
    assert [f.code for f in export.faults] == ["WORKBOOK"]
    assert about in export.faults[0].value


def test_a_small_file_that_inflates_without_end_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workbook, "MAX_INFLATED", 1_000_000)
    data = bomb(10_000_000)
    assert len(data) < 30_000
    refused(data, "when inflated")
    # What the file says of itself does not help it.
    at = data.rindex(b"PK\x01\x02") + 24
    refused(data[:at] + (100).to_bytes(4, "little") + data[at + 4 :], "intact part")
    assert len(read_export(bomb(10_000)).rows) == 1


def test_two_cells_far_apart_do_not_ask_for_the_memory_between_them() -> None:
    def fill(_book: Any, sheet: Any) -> None:
        sheet.write_row(0, 0, HEADER)
        sheet.write_string(1_000_000, 16_000, "z")

    refused(made(fill), "between the first and the last")


def test_a_header_of_a_million_columns_is_refused() -> None:
    assert faults(b",".join(b"c%d" % n for n in range(10**6)) + b"\n1\n") == [
        (1, "", "", "COLUMNS")
    ]
    assert faults(xlsx_of(header=[*HEADER, *(f"c{n}" for n in range(1_500))]))[0][3] == "COLUMNS"


def test_more_rows_parts_sheets_or_bytes_than_allowed_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(business, "MAX_ROWS", 3)
    assert faults(csv_of(*[[f"A{n}", "1", "1", "1"] for n in range(4)])) == [(5, "", "", "SIZE")]
    monkeypatch.setattr(workbook, "MAX_PARTS", 5)
    refused(xlsx_of(LINE), "parts")
    monkeypatch.undo()
    monkeypatch.setattr(workbook, "MAX_SHEETS", 1)
    refused(made(lambda book, _sheet: book.add_worksheet()), "1 to 1 sheets")
    monkeypatch.setattr(business, "MAX_FILE", 10)
    assert faults(csv_of(LINE)) == [(1, "", "", "SIZE")]


def test_no_beginning_of_a_workbook_passes_for_it() -> None:
    data = xlsx_of(LINE)
    for stop in range(4, len(data), 97):
        assert [f[3] for f in faults(data[:stop])] == ["WORKBOOK"]


def test_a_workbook_without_its_sheet_or_with_a_part_twice_is_refused() -> None:
    refused(edited(xlsx_of(LINE), b'Target="worksheets', b'Target="elsewhere',
                   "xl/_rels/workbook.xml.rels"), "first sheet")  # fmt: skip
    target = io.BytesIO(xlsx_of(LINE))
    with zipfile.ZipFile(target, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("xl/workbook.xml", b"<x/>")
    refused(target.getvalue(), "each once")


@given(st.binary(max_size=200), st.sampled_from([b"", b"PK\x03\x04", b"setl_id,", b"\xef\xbb\xbf"]))
def test_no_bytes_bring_the_reader_down(data: bytes, start: bytes) -> None:
    assert read_export(start + data).faults


@given(st.integers(0, 10_000), st.binary(min_size=1, max_size=3))
def test_a_damaged_workbook_reads_as_it_was_or_not_at_all(at: int, noise: bytes) -> None:
    data = xlsx_of(LINE)
    spot = at % len(data)
    export = read_export(data[:spot] + noise + data[spot + len(noise) :])
    # Names and times of parts carry no checksum; what they hold does.
    assert export.faults or export.rows == read_export(data).rows


@given(st.integers(-(10**11), 10**11))
def test_no_amount_changes_on_its_way_through_a_workbook(fen: int) -> None:
    yuan = Decimal(fen) / 100
    for written in (float(yuan), str(yuan)):
        assert only(read_export(xlsx_of(["A1", written, 0, 0]))).row.medfee_fen == fen
