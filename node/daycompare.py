"""A province's own business export against what its node holds, for a day or a month."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from ledger.errors import FormError, RefusedError
from ledger.table import Reader
from node.dayrows import held_rows, treated_rows
from node.province import Province
from node.role import Role
from node.statements import difference_value, visit_value
from node.vault import INBOX_SIDE, OWN_SIDE, days_with
from settlement.business import FAULTS, Export, ExportRow
from settlement.lookup import applied_size, find_settlement, reversals_of
from settlement.netting import total_fen
from settlement.party import province_of
from settlement.period import check_day, check_month
from settlement.statement import Row, as_marked, compare_details, same_visits, totals_of

SIDES = ("insured", "treatment")
MAX_SHOWN = 100_000


class Span(NamedTuple):
    """The days that are compared, both included."""

    first: str
    last: str


def span_of(day: str | None, month: str | None) -> Span:
    """Return the days of a day or month; raises FormError unless exactly one is given."""
    if (day is None) == (month is None):
        raise FormError("day, month", "one of the two")
    if day is not None:
        return Span(check_day(day), day)
    return Span(f"{check_month(month or '')}-01", f"{month}-31")


def check_side(side: str) -> str:
    """Return `insured` or `treatment`; raises FormError for any other."""
    if side not in SIDES:
        raise FormError("side", " or ".join(SIDES), side)
    return side


def compare_export(role: Role, export: Export, span: Span, side: str) -> dict[str, Any]:
    """Return on which rows an export and the node differ: `ours` is the node, `theirs` the file.

    Rows of other days or provinces and of patients treated at home are left out, and counted.

    Raises:
        RefusedError: This node is no province (ROLE).
    """
    if not isinstance(role, Province):
        raise RefusedError("ROLE", "only a province's node has a business to compare")
    others = {"", *role.roster.participants} - {role.code}
    theirs = [
        r.row
        for r in export.rows
        if _in(span, r) and _ends(r, side)[0] in ("", role.code) and _ends(r, side)[1] in others
    ]
    with role.store.read() as logs, role.vault.store.read() as vault:
        held = list(_held(role, logs, vault, span, side))
        gone = {row.setl_id for log, row in held if _taken_back(logs, log, row)}
    everybody = [row for _, row in held]
    ours = as_marked(everybody, theirs, gone)
    found = compare_details(ours, theirs)
    visits = sorted({*same_visits(theirs), *same_visits(ours)})
    return {
        "code": role.code,
        "side": side,
        "first": span.first,
        "last": span.last,
        "form": export.form,
        "encoding": export.encoding,
        "rows": {"node": len(everybody), "file": len(theirs),
                 "left_out": len(export.rows) - len(theirs)},
        "totals": {"node": _totals(everybody), "file": _totals(theirs)},
        "counts": _counts(d.kind for d in found),
        "differences": [difference_value(d) for d in found[:MAX_SHOWN]],
        "same_visits": [visit_value(visit) for visit in visits[:MAX_SHOWN]],
        "match": not found,
    }  # fmt: skip


def faults_value(export: Export) -> dict[str, Any]:
    """Return the faults of an export for people and programs."""
    faults = [
        {**fault._asdict(), "en": FAULTS[fault.code].en, "zh": FAULTS[fault.code].zh}
        for fault in export.faults
    ]
    return {"code": "FAULTS", "detail": "the file cannot be compared", "faults": faults}


def _in(span: Span, row: ExportRow) -> bool:
    return not row.day or span.first <= row.day <= span.last


def _ends(row: ExportRow, side: str) -> tuple[str, str]:
    """Return this province and the other one as a row has them; empty where it does not say."""
    insured, treated = _province(row.insured), _province(row.treatment)
    return (insured, treated) if side == "insured" else (treated, insured)


def _province(area: str) -> str:
    try:
        return province_of(area) if area else ""
    except FormError:
        return area  # of nobody in this network


def _held(
    role: Province, logs: Reader, vault: Reader, span: Span, side: str
) -> Iterator[tuple[str, Row]]:
    """Yield (whose log, row) of the days as this node has them."""
    letter = INBOX_SIDE if side == "insured" else OWN_SIDE
    for other in role.roster.participants:
        for day in days_with(vault, letter, other, span.first, span.last):
            if side == "insured":
                size = applied_size(logs, other)
                yield from ((other, row) for row in held_rows(logs, vault, other, day, size))
            else:
                rows = treated_rows(logs, vault, role.code, other, day)
                yield from ((role.code, row) for _, row in rows)


def _taken_back(logs: Reader, code: str, row: Row) -> bool:
    """Return whether the log takes all of a settlement back, on whatever day."""
    index = find_settlement(logs, code, row.setl_id) if row.state == "settled" else None
    if index is None:
        return False
    taken = [total_fen(lines) for _, _, lines in reversals_of(logs, code, index)]
    return bool(taken) and sum(taken) == -(row.fund_fen + row.account_fen)


def _totals(rows: list[Row]) -> list[dict[str, Any]]:
    return [
        {"insutype": key[0], "clr_type": key[1], **cell._asdict()}
        for key, cell in totals_of(rows).items()
    ]


def _counts(kinds: Iterator[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for kind in kinds:
        counts[kind] = counts.get(kind, 0) + 1
    return counts
