"""Reading a file of settlement records: all of it or none, with every fault named.

The file is CSV with the national field names as header, in any order. UTF-8 (with or without a byte
order mark) and GB18030, as a Chinese Excel writes it, are understood. A row that is already known
with the same content changes nothing. Refunds may stand before the row they take back.
"""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from settlement.casefile import COLUMNS, MAX_FIELD, CaseRow, check_row, encode_case, lines_of
from settlement.outcome import Text
from settlement.party import province_of
from settlement.period import service_month
from settlement.record import Lines

MAX_FILE = 256 * 1024 * 1024
MAX_ROWS = 2_000_000
MAX_FAULTS = 1_000


class KnownRecord(NamedTuple):
    """What the importing node already holds under a settlement id."""

    case: bytes | None  # the case file, if it is in the vault
    is_refund: bool
    treatment: str
    insured: str
    insutype: str
    month: str
    left: Lines  # what is left of it after the reversals in the log


class LineFault(NamedTuple):
    """One fault of a file. Line 1 is the header; `column` is empty if the whole line is meant."""

    line: int
    column: str
    code: str
    text: Text
    value: str


class NumberedRow(NamedTuple):
    """A row and the line it begins on."""

    line: int
    row: CaseRow


@dataclass
class ImportPlan:
    """What a file comes to: rows to enter (originals before their refunds), or its faults."""

    rows: list[NumberedRow] = field(default_factory=list)
    known: int = 0  # rows that are here already, with the same content
    faults: list[LineFault] = field(default_factory=list)
    encoding: str = "utf-8"


FAULTS: dict[str, Text] = {
    "ENCODING": Text("the file is neither UTF-8 nor GB18030", "文件编码既非 UTF-8 也非 GB18030"),
    "SIZE": Text("the file is too large", "文件过大"),
    "EMPTY": Text("the file has no header", "文件没有表头"),
    "HEADER": Text("the header must name the national columns, each once",
                   "表头必须包含国家标准字段，且每个只出现一次"),
    "FIELDS": Text("the line has another number of fields than the header", "该行字段数与表头不符"),
    "TRUNCATED": Text("the file ends in the middle of a line", "文件在行中间被截断"),
    "QUOTE": Text("a quotation mark is not closed", "引号未闭合"),
    "LENGTH": Text(f"a field is longer than {MAX_FIELD} characters",
                   f"字段超过 {MAX_FIELD} 个字符"),
    "DUPLICATE": Text("this setl_id stands for another content", "同一结算编号对应不同内容"),
    "ORIGINAL": Text("no original with this id is here or in the file",
                     "文件和日志中都没有该原结算记录"),
    "ORIGINAL_KIND": Text("a refund cannot be refunded", "退费记录不能再退费"),
    "ORIGINAL_PAIR": Text("the original has other places or another insurance",
                          "原记录的地区或险种不同"),
    "ORIGINAL_MONTH": Text("a refund cannot be earlier than its original", "退费不得早于原记录"),
    "EXCEEDS": Text("refunds exceed what is left of the original", "退费金额超过原记录余额"),
}  # fmt: skip


def read_records(
    data: bytes, known: Callable[[str], KnownRecord | None] = lambda _: None
) -> ImportPlan:
    """Return the plan of a file; its rows are empty if anything is wrong.

    Args:
        data: The file's bytes.
        known: What the node holds under a settlement id.
    """
    plan = ImportPlan()
    text = _decode(data, plan)
    rows = _rows(text, plan) if text is not None else []
    for numbered in rows:
        for fault in check_row(numbered.row):
            plan.faults.append(LineFault(numbered.line, *fault))
    if not plan.faults:
        _relate(rows, known, plan)
    if plan.faults:
        plan.rows = []
        plan.faults.sort(key=lambda fault: (fault.line, fault.column))
        del plan.faults[MAX_FAULTS:]
    return plan


def _decode(data: bytes, plan: ImportPlan) -> str | None:
    if len(data) > MAX_FILE:
        _add(plan, 1, "", "SIZE", f"{len(data)} bytes")
        return None
    if b"\x00" in data[:4096]:
        _add(plan, 1, "", "ENCODING", "UTF-16 or binary")
        return None
    for name in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(name)
        except UnicodeDecodeError:
            continue
        bom = data.startswith(b"\xef\xbb\xbf")
        plan.encoding = name if bom or name == "gb18030" else "utf-8"
        return text.removeprefix("\ufeff")
    _add(plan, 1, "", "ENCODING", "")
    return None


def _rows(text: str, plan: ImportPlan) -> list[NumberedRow]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, None)
        if not header:
            _add(plan, 1, "", "EMPTY", "")
            return []
        order = _header(header, plan)
        return _body(reader, text, order, plan) if order else []
    except csv.Error as error:
        _add(plan, max(reader.line_num, 1), "", "QUOTE", str(error))
        return []


def _header(header: list[str], plan: ImportPlan) -> list[int] | None:
    names = [name.strip() for name in header]
    missing = [name for name in COLUMNS if name not in names]
    unknown = [name for name in names if name not in COLUMNS]
    twice = sorted({name for name in names if names.count(name) > 1} - set(unknown))
    for what, columns in (("missing", missing), ("unknown", unknown), ("twice", twice)):
        for name in columns:
            _add(plan, 1, name, "HEADER", what)
    return None if plan.faults else [names.index(name) for name in COLUMNS]


def _body(
    reader: Iterable[list[str]], text: str, order: list[int], plan: ImportPlan
) -> list[NumberedRow]:
    rows: list[NumberedRow] = []
    for line, fields in enumerate(reader, 2):
        if not fields:
            continue
        if len(rows) >= MAX_ROWS:
            _add(plan, line, "", "SIZE", f"more than {MAX_ROWS} rows")
            break
        if len(fields) != len(order):
            _add(plan, line, "", "FIELDS", f"{len(fields)}, not {len(order)}")
            continue
        row = CaseRow(*(fields[i].strip() for i in order))
        too_long = [c for c, value in zip(COLUMNS, row, strict=True) if len(value) > MAX_FIELD]
        for column in too_long:
            _add(plan, line, column, "LENGTH", getattr(row, column)[:20] + "…")
        if not too_long:
            rows.append(NumberedRow(line, row))
    if not text.endswith(("\n", "\r")):
        # A whole last line without its end is what a cut-off transfer looks like, too.
        _add(plan, text.count("\n") + 1, "", "TRUNCATED", text[-40:].rpartition("\n")[2])
    return rows


def _relate(
    rows: Sequence[NumberedRow], known: Callable[[str], KnownRecord | None], plan: ImportPlan
) -> None:
    new: dict[str, NumberedRow] = {}
    for numbered in rows:
        setl_id = numbered.row.setl_id
        before = new.get(setl_id)
        held = known(setl_id)
        if before is not None or held is not None:
            same = (
                before.row == numbered.row
                if before is not None
                else held is not None and held.case == encode_case(numbered.row)
            )
            if same:
                plan.known += 1
            else:
                where = f"line {before.line}" if before is not None else "the log"
                _add(plan, numbered.line, "setl_id", "DUPLICATE", f"{setl_id} ({where})")
            continue
        new[setl_id] = numbered
    left: dict[str, list[int]] = {}
    for numbered in new.values():
        if numbered.row.is_refund:
            _check_refund(numbered, new, known, left, plan)
    originals = [n for n in new.values() if not n.row.is_refund]
    plan.rows = originals + [n for n in new.values() if n.row.is_refund]


def _check_refund(
    numbered: NumberedRow,
    new: dict[str, NumberedRow],
    known: Callable[[str], KnownRecord | None],
    left: dict[str, list[int]],
    plan: ImportPlan,
) -> None:
    line, row = numbered
    original = _original(row.init_setl_id, new, known)
    mine = _known(row)
    if original is None:
        code = "ORIGINAL"
    elif original.is_refund:
        code = "ORIGINAL_KIND"
    elif (original.treatment, original.insured, original.insutype) != (
        mine.treatment,
        mine.insured,
        mine.insutype,
    ):
        code = "ORIGINAL_PAIR"
    elif mine.month < original.month:
        code = "ORIGINAL_MONTH"
    else:
        remaining = left.setdefault(row.init_setl_id, _amounts(original.left))
        after = [a + b for a, b in zip(remaining, _amounts(mine.left), strict=True)]
        if min(after) >= 0:
            left[row.init_setl_id] = after
            return
        code = "EXCEEDS"
    _add(plan, line, "init_setl_id", code, row.init_setl_id)


def _original(
    setl_id: str, new: dict[str, NumberedRow], known: Callable[[str], KnownRecord | None]
) -> KnownRecord | None:
    return _known(new[setl_id].row) if setl_id in new else known(setl_id)


def _known(row: CaseRow) -> KnownRecord:
    return KnownRecord(
        case=None,
        is_refund=row.is_refund,
        treatment=row.mdtrtarea_admvs,
        insured=row.insuplc_admdvs,
        insutype=row.insutype,
        month=service_month(row.setl_time),
        left=lines_of(row),
    )


def _amounts(lines: Lines) -> list[int]:
    return [lines.employee, lines.resident, lines.other, lines.account]


def _add(plan: ImportPlan, line: int, column: str, code: str, value: str) -> None:
    plan.faults.append(LineFault(line, column, code, FAULTS[code], value))


def only_of(plan: ImportPlan, code: str) -> tuple[list[CaseRow], int]:
    """Return the rows treated in the province `code`, and how many others there are."""
    mine = [n.row for n in plan.rows if province_of(n.row.mdtrtarea_admvs) == code]
    return mine, len(plan.rows) - len(mine)
