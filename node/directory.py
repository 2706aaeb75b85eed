"""Orders about a province's institutions, and files of them against what the log holds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from ledger.errors import FormError, RefusedError
from ledger.table import Reader
from node.turn import Turn
from settlement import field as fields
from settlement import lookup
from settlement.csvfile import MAX_FAULTS, LineFault, read_csv
from settlement.directory import (
    COLUMNS,
    FAULTS,
    Row,
    check_institution,
    read_row,
    same,
    shown,
)
from settlement.record import Institution

if TYPE_CHECKING:
    from node.province import Province

Order = Callable[..., Any]
SLICE = 500
_LONGEST = 500


def institution_put(
    role: "Province",
    turn: Turn,
    code: str,
    name: str,
    level: int,
    area: str,
    services: Sequence[str],
    state: str = "open",
    reason: str = "",
    *,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Put an institution into the directory, or its next revision if anything is different.

    Raises:
        FormError: A field is not what it must be, or of another province.
    """
    record = Institution(code, 1, name, level, area, services, state, reason)  # type: ignore[arg-type]
    return _put(turn, check_institution(record, role.code), dry_run=dry_run)


def institutions_put(role: "Province", turn: Turn, rows: Sequence[Any]) -> dict[str, Any]:
    """Put one slice of a file into the directory; see `plan_directory`.

    Raises:
        FormError: More than 500 rows, or a row that is no institution; nothing is changed.
    """
    put = []
    for number, row in enumerate(fields.listed("rows", rows, SLICE), 1):
        if not isinstance(row, dict) or row.keys() != set(COLUMNS):
            raise FormError(f"row {number}", ", ".join(COLUMNS), row)
        record = check_institution(Institution(revision=1, **row), role.code)
        put.append(_put(turn, record))
    return {"entered": sum(row["changed"] for row in put)}


def institution_suspend(
    role: "Province", turn: Turn, code: str, reason: str, *, dry_run: bool = False
) -> dict[str, Any]:
    """Suspend an institution: it settles nothing directly until it is resumed.

    Raises:
        RefusedError: This province has no such institution (INSTITUTION_UNKNOWN).
    """
    changed = msgspec.structs.replace(_now(turn, code), state="suspended", reason=reason)
    return _put(turn, check_institution(changed, role.code), dry_run=dry_run)


def institution_resume(
    role: "Province", turn: Turn, code: str, *, dry_run: bool = False
) -> dict[str, Any]:
    """Open a suspended institution again.

    Raises:
        RefusedError: This province has no such institution (INSTITUTION_UNKNOWN).
    """
    changed = msgspec.structs.replace(_now(turn, code), state="open", reason="")
    return _put(turn, changed, dry_run=dry_run)


def _now(turn: Turn, code: str) -> Institution:
    found = lookup.institution(turn.writer, turn.code, fields.name("code", code))
    if found is None:
        raise RefusedError("INSTITUTION_UNKNOWN", f"{code} is not in this province's directory")
    return found


def _put(turn: Turn, record: Institution, *, dry_run: bool = False) -> dict[str, Any]:
    before = lookup.institution(turn.writer, turn.code, record.code)
    changed = before is None or not same(before, record)
    last = before.revision if before else 0
    record = msgspec.structs.replace(record, revision=last + 1 if changed else last)
    if changed and not dry_run:
        turn.append(record)
    return {**shown(record), "changed": changed, "new": before is None}


INSTITUTION_ORDERS: dict[str, Order] = {
    "institution_put": institution_put,
    "institutions_put": institutions_put,
    "institution_suspend": institution_suspend,
    "institution_resume": institution_resume,
}


# --- files ---------------------------------------------------------------------------------------


@dataclass
class DirectoryPlan:
    """What a file of institutions comes to, or why it does nothing."""

    rows: list[dict[str, Any]] = field(default_factory=list)  # those that change something
    new: int = 0
    known: int = 0  # rows that change nothing
    encoding: str = "utf-8"
    faults: list[LineFault] = field(default_factory=list)

    def report(self) -> dict[str, Any]:
        """Return it for people and programs."""
        return {
            "encoding": self.encoding,
            "new": self.new,
            "changed": len(self.rows) - self.new,
            "known": self.known,
            "faults": [
                {"line": f.line, "column": f.column, "code": f.code, "en": f.text.en,
                 "zh": f.text.zh, "value": f.value}
                for f in self.faults
            ],
        }  # fmt: skip


def plan_directory(reader: Reader, province: str, data: bytes) -> DirectoryPlan:
    """Return what a file of institutions would change; nothing if anything in it is wrong.

    Institutions that are not in the file stay as they are.
    """
    sheet = read_csv(data, COLUMNS, _LONGEST, Row)
    plan = DirectoryPlan(encoding=sheet.encoding, faults=sheet.faults)
    held = {record.code: record for record in lookup.institutions(reader, province)}
    seen: dict[str, Institution] = {}
    for line, row in sheet.rows:
        record, wrong = read_row(row, province)
        for column in wrong:
            _fault(plan, line, column, column.upper(), getattr(row, column))
        if record is None:
            continue
        before = seen.setdefault(record.code, record)
        if before is not record and not same(before, record):
            _fault(plan, line, "code", "TWICE", record.code)
        elif before is not record or (record.code in held and same(held[record.code], record)):
            plan.known += 1
        else:
            plan.new += record.code not in held
            plan.rows.append({c: getattr(record, c) for c in COLUMNS})
    if plan.faults:
        plan.rows, plan.new = [], 0
        plan.faults.sort(key=lambda fault: (fault.line, fault.column))
        del plan.faults[MAX_FAULTS:]
    return plan


def _fault(plan: DirectoryPlan, line: int, column: str, code: str, value: str) -> None:
    plan.faults.append(LineFault(line, column, code, FAULTS[code.lower()], value))
