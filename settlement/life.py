"""The life of one case: where it stands, in which batch, and what comes next."""

from collections.abc import Sequence
from typing import Any

from ledger.table import Reader
from settlement import obligation
from settlement.close import Close, accepted_size, confirmed_closes
from settlement.dispute import Status, report, status_of, view_of, whose_turn
from settlement.lookup import accepted_before, entry_at, exception_at, find_settlement, reversals_of
from settlement.outcome import DISPUTE, EXCEPTION, LATE, RULED, STATE, VOID
from settlement.party import CENTRE, province_of
from settlement.record import Reversal, Settlement
from settlement.roster import Roster


def find_case(reader: Reader, roster: Roster, setl_id: str) -> tuple[str, int] | None:
    """Return the log and index of a settlement or reversal, or None if no log here has it."""
    for code in roster.participants:
        index = find_settlement(reader, code, setl_id)
        if index is not None:
            return code, index
    return None


def case_life(reader: Reader, roster: Roster, setl_id: str) -> dict[str, Any] | None:
    """Return what is known of a case, or None if no log here has it."""
    place = find_case(reader, roster, setl_id)
    return None if place is None else life_at(reader, *place)


def life_at(reader: Reader, code: str, index: int) -> dict[str, Any]:
    """Return what is known of the valid settlement or reversal at one place."""
    entry, record = entry_at(reader, code, index)
    assert isinstance(record, Settlement | Reversal)
    original = original_of(reader, code, index, record)
    insured = province_of(record.insured_area)
    state, batch = _state(reader, code, original, index)
    found = dispute_of(reader, insured, code, original)
    return {
        "setl_id": record.setl_id,
        "kind": "reversal" if isinstance(record, Reversal) else "settlement",
        "original": record.original_id if isinstance(record, Reversal) else None,
        "log": code,
        "index": index,
        "at_ms": entry.at_ms,
        "month": record.month,
        "debtor": insured,
        "creditor": code,
        "lines_fen": {
            "employee": record.lines.employee,
            "resident": record.lines.resident,
            "other": record.lines.other,
            "account": record.lines.account,
        },
        "reversals": [i for i, _, _ in reversals_of(reader, code, original)],
        "accepted": original < accepted_before(reader, insured, code),
        "state": state,
        "batch": batch,
        "reason": found.case.contested.code if found and found.holds else None,
        "dispute": None if found is None else report(found),
        "note": {"en": LATE.en, "zh": LATE.zh} if found and found.late else None,
        "next": _next(reader, state, found, insured, code, original),
    }


def dispute_of(reader: Reader, debtor: str, creditor: str, original: int) -> Status | None:
    """Return where the dispute about an original is now, or None if nobody contests it."""
    contested = exception_at(reader, debtor, creditor, original)
    if contested is None:
        return None
    view = view_of(reader, (debtor, creditor))
    return status_of(reader, view, debtor, creditor, contested)


def original_of(reader: Reader, code: str, index: int, record: Settlement | Reversal) -> int:
    """Return the index of what a valid reversal takes back; a settlement is its own original."""
    if isinstance(record, Settlement):
        return index
    found = find_settlement(reader, code, record.original_id)
    return index if found is None else found


def _state(reader: Reader, code: str, original: int, index: int) -> tuple[str, str | None]:
    closes = confirmed_closes(reader)
    if not closes:
        return "not_due", None
    state = obligation.original_state(reader, closes, code, original)
    if state not in ("cleared", "reversed"):
        return state, None
    for number in range(1, len(closes) + 1):
        if _cleared_at(reader, closes[:number], code, original, index):
            return state, closes[number - 1].month
    # The original is cleared, this reversal of it is not: it follows with the next batch.
    return "carried", None


def _cleared_at(
    reader: Reader, closes: Sequence[Close], code: str, original: int, index: int
) -> bool:
    if obligation.original_state(reader, closes, code, original) not in ("cleared", "reversed"):
        return False
    record = entry_at(reader, code, index)[1]
    assert isinstance(record, Settlement | Reversal)
    accepted = accepted_size(reader, closes[-1], province_of(record.insured_area), code)
    return index < accepted and record.month <= closes[-1].month


def _next(
    reader: Reader, state: str, found: Status | None, insured: str, code: str, original: int
) -> dict[str, str]:
    """Say what has to happen next, in both languages."""
    if state in ("cleared", "reversed"):
        return {"en": "nothing; see the legs of the batch", "zh": "无需处理；资金划拨见该批次"}
    if found is not None and found.holds:
        return whose_turn(found)
    if original >= accepted_before(reader, insured, code):
        return {
            "en": f"{insured} checks the case file and accepts",
            "zh": f"由 {insured} 核对病例文件并确认",
        }
    return {
        "en": f"{CENTRE} closes the month; the next cut includes it",
        "zh": f"由 {CENTRE} 关闭当月；将进入下一次清算",
    }


def explain(code: str) -> dict[str, str]:
    """Return the text of a state, exception or void code in both languages."""
    tables = (STATE, EXCEPTION, VOID, DISPUTE, RULED)
    text = next((table[code] for table in tables if code in table), None)
    return {"en": text.en, "zh": text.zh} if text else {"en": code, "zh": code}
