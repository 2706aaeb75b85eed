"""Reading a file of settlement records: all of it or none, with every fault named.

The file is CSV (see `csvfile`) with the national field names as header. A row that is already known
with the same content changes nothing. Refunds may stand before the row they take back.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from settlement import csvfile
from settlement.casefile import COLUMNS, MAX_FIELD, CaseRow, check_row, encode_case, lines_of
from settlement.csvfile import MAX_FAULTS, LineFault, read_csv
from settlement.outcome import Text
from settlement.party import province_of
from settlement.period import service_month
from settlement.record import Lines


class KnownRecord(NamedTuple):
    """What the importing node already holds under a settlement id."""

    case: bytes | None  # the case file, if it is in the vault
    is_refund: bool
    treatment: str
    insured: str
    insutype: str
    month: str
    left: Lines  # what is left of it after the reversals in the log


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
    **csvfile.FAULTS,
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
    sheet = read_csv(data, COLUMNS, MAX_FIELD, CaseRow)
    plan = ImportPlan(faults=sheet.faults, encoding=sheet.encoding)
    rows = [NumberedRow(*numbered) for numbered in sheet.rows]
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
