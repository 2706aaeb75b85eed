"""A province's own business export, read so that it can be compared with what a node holds.

CSV (UTF-8 with or without a byte order mark, GB18030) or the first sheet of an xlsx file. The
header has the national field names or the usual Chinese ones, in any order; other columns are
ignored. Amounts are yuan with up to two decimals, as text or as numbers, and become fen exactly: a
third decimal is a fault, never rounded. Either every row is read, or every fault is named.
"""

import csv
import io
import re
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ledger.errors import FormError
from settlement.casefile import MAX_FIELD
from settlement.exportvalue import (
    ValueFaultError,
    amount_of,
    area_of,
    day_of,
    flag_of,
    id_of,
    optional_id_of,
    text_of,
)
from settlement.outcome import Text
from settlement.statement import Row, State
from settlement.workbook import Formula, Value, cell_name, read_sheet

MAX_FILE = 256 * 1024 * 1024
MAX_ROWS = 2_000_000
MAX_COLUMNS = 1_000
MAX_FAULTS = 1_000

REQUIRED = ("setl_id", "medfee_sumamt", "fund_pay_sumamt", "acct_pay")
COLUMNS: dict[str, tuple[str, ...]] = {
    "setl_id": ("结算ID", "结算编号", "结算号", "结算流水号"),
    "init_setl_id": ("原结算ID", "原结算编号", "原结算号"),
    "mdtrt_id": ("就诊ID", "就诊编号", "就诊号"),
    "psn_no": ("人员编号", "个人编号"),
    "fixmedins_code": ("定点医药机构编号", "定点医疗机构编号", "医疗机构编码", "医疗机构代码"),
    "mdtrtarea_admvs": ("就医地医保区划", "就医地区划", "就医地"),
    "insuplc_admdvs": ("参保地医保区划", "参保地区划", "参保地"),
    "insutype": ("险种类型", "险种"),
    "clr_type": ("清算类别",),
    "begndate": ("开始日期", "入院日期"),
    "enddate": ("结束日期", "出院日期"),
    "setl_time": ("结算时间", "结算日期"),
    "medfee_sumamt": ("医疗费总额", "医疗费用总额", "医疗总费用", "总费用"),
    "fund_pay_sumamt": ("基金支付总额", "基金支付合计", "基金支付"),
    "acct_pay": ("个人账户支付", "个人账户支出", "账户支付"),
    "refd_setl_flag": ("退费结算标志", "退费标志"),
    "vali_flag": ("有效标志",),
}

FAULTS: dict[str, Text] = {
    "SIZE": Text(f"the file has more than {MAX_FILE} bytes or {MAX_ROWS} rows",
                 f"文件超过 {MAX_FILE} 字节或 {MAX_ROWS} 行"),
    "ENCODING": Text("the file is neither UTF-8 nor GB18030", "文件编码既非 UTF-8 也非 GB18030"),
    "XLS": Text("an old .xls workbook; save it as .xlsx or CSV",
                "旧版 .xls 文件，请另存为 .xlsx 或 CSV"),
    "WORKBOOK": Text("the workbook cannot be read", "工作簿无法读取"),
    "EMPTY": Text("the file has no header", "文件没有表头"),
    "HEADER": Text(f"the header must name {', '.join(REQUIRED)}, and every known column once",
                   f"表头必须包含 {'、'.join(REQUIRED)}，且每个已知字段只出现一次"),
    "COLUMNS": Text(f"more than {MAX_COLUMNS} columns", f"超过 {MAX_COLUMNS} 列"),
    "FIELDS": Text("the line has another number of fields than the header", "该行字段数与表头不符"),
    "QUOTE": Text("a quotation mark is not closed, or a field never ends", "引号未闭合或字段过长"),
    "LENGTH": Text(f"more than {MAX_FIELD} characters", f"超过 {MAX_FIELD} 个字符"),
    "ID": Text("expected 1 to 64 letters, digits, dot, dash or underscore",
               "应为 1 至 64 位字母、数字、点、横线或下划线"),
    "DIGITS": Text("a number of more than 15 digits is not kept exactly in a workbook; make the "
                   "column text", "超过 15 位的数字在工作簿中会失真，请将该列设为文本"),
    "FORMULA": Text("computed cells; save the values instead", "单元格为公式，请保存为数值"),
    "AMOUNT": Text("expected yuan such as 61 or 171239.20", "应为元金额，例如 61 或 171239.20"),
    "DECIMALS": Text("more than two decimals", "小数超过两位"),
    "FLAG": Text("expected 0 or 1", "应为 0 或 1"),
    "DATE": Text("expected a date such as 2017-03-05", "应为日期，例如 2017-03-05"),
    "AREA": Text("expected a six-digit area", "应为六位行政区划代码"),
}  # fmt: skip

_UNIT = re.compile(r"[(（]元[)）]$")


class ExportFault(NamedTuple):
    """One fault. `line` counts from 1 with the header; `cell` is empty for CSV."""

    line: int
    cell: str
    column: str
    code: str
    value: str


class ExportRow(NamedTuple):
    """One row of an export; what the file does not say is empty."""

    line: int
    row: Row
    treatment: str  # six-digit areas
    insured: str
    day: str  # of the settlement


@dataclass
class Export:
    """An export: its rows, or its faults."""

    rows: list[ExportRow] = field(default_factory=list)
    faults: list[ExportFault] = field(default_factory=list)
    form: str = "csv"
    encoding: str = ""


def read_export(data: bytes) -> Export:
    """Return what an export says; its rows are empty if anything is wrong.

    A file made for it can end the process that reads a workbook: see `node.reading`.
    """
    export = Export()
    reading = _Reading(export)
    if len(data) > MAX_FILE:
        reading.fault(1, "", "SIZE", f"{len(data)} bytes")
    elif data.startswith(b"\xd0\xcf\x11\xe0"):
        reading.fault(1, "", "XLS", "")
    elif data.startswith(b"PK\x03\x04"):
        export.form = "xlsx"
        _read_workbook(data, reading)
    else:
        _read_csv(data, reading)
    if export.faults:
        export.rows = []
        export.faults.sort()
        del export.faults[MAX_FAULTS:]
    return export


def _read_workbook(data: bytes, reading: "_Reading") -> None:
    try:
        sheet = read_sheet(data)
    except FormError as error:
        reading.fault(1, "", "WORKBOOK", str(error))
        return
    reading.first_column = sheet.first_column
    reading.formulas = sheet.formulas
    reading.table(sheet.rows)


def _read_csv(data: bytes, reading: "_Reading") -> None:
    encoding = _encoding(data)
    if encoding is None:
        reading.fault(1, "", "ENCODING", "")
        return
    reading.export.encoding = encoding
    text = io.TextIOWrapper(io.BytesIO(data), encoding, newline="")
    lines = csv.reader(text, strict=True)
    try:
        reading.table(_numbered(lines), ragged=False)
    except csv.Error as error:
        reading.fault(max(lines.line_num, 1), "", "QUOTE", str(error))


def _numbered(lines: Any) -> Iterator[tuple[int, Sequence[Value]]]:
    line = 1
    for fields in lines:
        yield line, fields
        line = lines.line_num + 1


def _encoding(data: bytes) -> str | None:
    if b"\x00" in data[:4096]:  # UTF-16, or no text at all
        return None
    for name in ("utf-8-sig", "gb18030"):
        decoder = getincrementaldecoder(name)()
        try:
            for start in range(0, len(data), 1 << 20):
                decoder.decode(data[start : start + (1 << 20)])
            decoder.decode(b"", True)
        except UnicodeDecodeError:
            continue
        return name
    return None


class _Reading:
    """The rows of one table, read by its header."""

    def __init__(self, export: Export) -> None:
        self.export = export
        self.first_column = 0
        self.formulas: dict[int, Formula] = {}
        self._at: dict[str, int] = {}

    def fault(self, line: int, column: str, code: str, value: object) -> None:
        """Add a fault; after `MAX_FAULTS` nobody wants to see more."""
        if len(self.export.faults) < 2 * MAX_FAULTS:
            at = self._at.get(column)
            xlsx = self.export.form == "xlsx" and at is not None
            cell = cell_name(line, self.first_column + (at or 0)) if xlsx else ""
            shown = str(value)
            shown = shown if len(shown) <= 200 else shown[:200] + "…"
            self.export.faults.append(ExportFault(line, cell, column, code, shown))

    def table(self, rows: Iterable[tuple[int, Sequence[Value]]], *, ragged: bool = True) -> None:
        """Read a table: the header is the first row that is not empty."""
        width, count = 0, 0
        for line, values in rows:
            if not any(value not in ("", None) for value in values):
                continue
            if not width:
                width = len(values)
                if not self._header(line, values):
                    return
                continue
            count += 1
            if count > MAX_ROWS:
                self.fault(line, "", "SIZE", f"more than {MAX_ROWS} rows")
                return
            if len(values) != width and not ragged:
                self.fault(line, "", "FIELDS", f"{len(values)}, not {width}")
            elif len(self.export.faults) < MAX_FAULTS:
                self._row(line, values)
        if not width:
            self.fault(1, "", "EMPTY", "")

    def _header(self, line: int, values: Sequence[Value]) -> bool:
        if len(values) > MAX_COLUMNS:
            self.fault(line, "", "COLUMNS", len(values))
            return False
        for at, value in enumerate(values):
            name = NAMES.get(_plain(str(value)))
            if name is None:
                continue
            if name in self._at:
                self.fault(line, name, "HEADER", "twice")
            self._at[name] = at
        for name in REQUIRED:
            if name not in self._at:
                self.fault(line, name, "HEADER", "missing")
        for name, at in self._at.items():
            formula = self.formulas.get(self.first_column + at)
            if formula is not None:
                self.fault(formula.row, name, "FORMULA", f"{formula.cells} cells")
        return not self.export.faults

    def _row(self, line: int, values: Sequence[Value]) -> None:
        read: dict[str, str] = {}
        fen: dict[str, int] = {}
        for name, at in self._at.items():
            value = values[at] if at < len(values) else ""
            try:
                if name in _AMOUNTS:
                    fen[name] = amount_of(value)
                else:
                    read[name] = _READ[name](value)
            except ValueFaultError as error:
                self.fault(line, name, error.code, value)
        if len(read) + len(fen) == len(self._at):
            self.export.rows.append(_export_row(line, read, fen))


def _export_row(line: int, read: dict[str, str], fen: dict[str, int]) -> ExportRow:
    total = fen["medfee_sumamt"]
    row = Row(
        setl_id=read["setl_id"],
        original_id=read.get("init_setl_id", ""),
        mdtrt_id=read.get("mdtrt_id", ""),
        psn_no=read.get("psn_no", ""),
        fixmedins_code=read.get("fixmedins_code", ""),
        begndate=read.get("begndate", ""),
        enddate=read.get("enddate", ""),
        insutype=read.get("insutype", ""),
        clr_type=read.get("clr_type", ""),
        state=_state(read, total),
        medfee_fen=total,
        fund_fen=fen["fund_pay_sumamt"],
        account_fen=fen["acct_pay"],
    )
    areas = read.get("mdtrtarea_admvs", ""), read.get("insuplc_admdvs", "")
    return ExportRow(line, row, *areas, read.get("setl_time", ""))


def _state(read: dict[str, str], total_fen: int) -> State:
    if read.get("vali_flag") == "0":
        return "void"
    if read.get("init_setl_id") or (read.get("refd_setl_flag") == "1" and total_fen < 0):
        return "refund"
    return "reversed" if read.get("refd_setl_flag") == "1" else "settled"


def _plain(name: str) -> str:
    return _UNIT.sub("", name.strip().lstrip("\ufeff").strip()).strip().casefold()


NAMES = {
    _plain(alias): name for name, aliases in COLUMNS.items() for alias in (name, *aliases)
}  # what a header may say, without case and unit
_AMOUNTS = ("medfee_sumamt", "fund_pay_sumamt", "acct_pay")
_READ: dict[str, Callable[[Value], str]] = {
    "setl_id": id_of,
    "init_setl_id": optional_id_of,
    "mdtrt_id": optional_id_of,
    "psn_no": text_of,
    "fixmedins_code": text_of,
    "mdtrtarea_admvs": area_of,
    "insuplc_admdvs": area_of,
    "insutype": optional_id_of,
    "clr_type": optional_id_of,
    "begndate": day_of,
    "enddate": day_of,
    "setl_time": day_of,
    "refd_setl_flag": flag_of,
    "vali_flag": flag_of,
}
