"""A province's own books against the ledger: what one has and the other has not, or differs."""

from collections.abc import Iterator
from typing import NamedTuple

from ledger import log
from ledger.table import Reader, log_key
from settlement import lookup
from settlement.casefile import CaseRow, lines_of
from settlement.importing import ImportPlan
from settlement.party import province_of
from settlement.period import service_month
from settlement.record import Reversal, Settlement
from settlement.roster import Roster

MAX_DIFFERENCES = 1_000


class BookDifference(NamedTuple):
    """One case on which books and ledger differ. `what`: NO_ENTRY, NO_ROW, or a field's name."""

    setl_id: str
    what: str
    book: str
    ledger: str


def against(reader: Reader, roster: Roster, plan: ImportPlan) -> list[BookDifference]:
    """Return the differences between a file of settlement records and the logs.

    Looks at the cases whose two places are members of the network. A case of a log that the file
    never mentions counts as missing only if the file has other cases of that log and that month.
    """
    rows = {
        row.setl_id: row
        for _, row in plan.rows
        if _treatment(row) in roster.members and _insured(row) in roster.members
    }
    known = {(_treatment(row), service_month(row.setl_time)) for row in rows.values()}
    found = list(_differences(reader, roster, rows, known))
    return sorted(found)[:MAX_DIFFERENCES]


def _differences(
    reader: Reader, roster: Roster, rows: dict[str, CaseRow], known: set[tuple[str, str]]
) -> Iterator[BookDifference]:
    seen = set()
    for code in roster.participants:
        for index in range(log.size(reader, log_key(code))):
            record = _record(reader, code, index)
            if record is None:
                continue
            row = rows.get(record.setl_id)
            if row is not None and _treatment(row) == code:
                seen.add(record.setl_id)
                yield from _fields(row, record)
            elif (code, record.month) in known:
                place = f"{code} #{index}"
                yield BookDifference(record.setl_id, "NO_ROW", "", place)
    for setl_id in rows.keys() - seen:
        yield BookDifference(setl_id, "NO_ENTRY", _treatment(rows[setl_id]), "")


def _record(reader: Reader, code: str, index: int) -> Settlement | Reversal | None:
    if lookup.void_code(reader, code, index) is not None:
        return None
    record = lookup.entry_at(reader, code, index)[1]
    return record if isinstance(record, Settlement | Reversal) else None


def _fields(row: CaseRow, record: Settlement | Reversal) -> Iterator[BookDifference]:
    lines = lines_of(row)
    original = record.original_id if isinstance(record, Reversal) else ""
    for what, book, ledger in (
        ("month", service_month(row.setl_time), record.month),
        ("mdtrtarea_admvs", row.mdtrtarea_admvs, record.treatment_area),
        ("insuplc_admdvs", row.insuplc_admdvs, record.insured_area),
        ("insutype", row.insutype, record.insutype),
        ("clr_type", row.clr_type, record.clr_type),
        ("init_setl_id", row.init_setl_id, original),
        ("employee_fen", lines.employee, record.lines.employee),
        ("resident_fen", lines.resident, record.lines.resident),
        ("other_fen", lines.other, record.lines.other),
        ("account_fen", lines.account, record.lines.account),
    ):
        if book != ledger:
            yield BookDifference(record.setl_id, what, str(book), str(ledger))


def _treatment(row: CaseRow) -> str:
    return province_of(row.mdtrtarea_admvs)


def _insured(row: CaseRow) -> str:
    return province_of(row.insuplc_admdvs)
