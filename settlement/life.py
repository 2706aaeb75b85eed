"""The life of one case: where it stands, in which batch, and what comes next."""

from typing import Any

from ledger.table import Reader
from settlement import obligation
from settlement.batch import confirmed
from settlement.lookup import accepted_before, entry_at, exception_at, find_settlement, reversals_of
from settlement.outcome import EXCEPTION, STATE, VOID
from settlement.party import CENTRE, province_of
from settlement.record import Head, Reversal, Settlement
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
    exception = exception_at(reader, insured, code, original)
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
        "reason": exception[1] if exception and exception[2] is None else None,
        "next": _next(reader, state, insured, code, original),
    }


def original_of(reader: Reader, code: str, index: int, record: Settlement | Reversal) -> int:
    """Return the index of what a valid reversal takes back; a settlement is its own original."""
    if isinstance(record, Settlement):
        return index
    found = find_settlement(reader, code, record.original_id)
    return index if found is None else found


def _state(reader: Reader, code: str, original: int, index: int) -> tuple[str, str | None]:
    months = confirmed(reader)
    for month, proposal in months:
        if _cleared_at(reader, proposal.cut, month, code, original, index):
            last_month, last = months[-1]
            state = obligation.original_state(reader, last.cut, last_month, code, original)
            return state, month
    if not months:
        return "not_due", None
    month, proposal = months[-1]
    state = obligation.original_state(reader, proposal.cut, month, code, original)
    # The original is cleared, this reversal of it is not: it follows with the next batch.
    return ("carried" if state in ("cleared", "reversed") else state), None


def _cleared_at(
    reader: Reader, cut: list[Head], month: str, code: str, original: int, index: int
) -> bool:
    state = obligation.original_state(reader, cut, month, code, original)
    if state not in ("cleared", "reversed"):
        return False
    record = entry_at(reader, code, index)[1]
    assert isinstance(record, Settlement | Reversal)
    heads = {head.code: head for head in cut}
    insured = province_of(record.insured_area)
    accepted = obligation.accepted_size(reader, insured, heads[code], heads[insured].size)
    return index < accepted and record.month <= month


def _next(reader: Reader, state: str, insured: str, code: str, original: int) -> dict[str, str]:
    """Say what has to happen next, in both languages."""
    if state in ("cleared", "reversed"):
        return {"en": "nothing; see the legs of the batch", "zh": "无需处理；资金划拨见该批次"}
    if state == "disputed":
        return {
            "en": f"{insured} releases the exception, or the case stays out",
            "zh": f"由 {insured} 解除例外，否则不予清算",
        }
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
    text = STATE.get(code) or EXCEPTION.get(code) or VOID.get(code)
    return {"en": text.en, "zh": text.zh} if text else {"en": code, "zh": code}
