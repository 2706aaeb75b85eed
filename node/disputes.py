"""Orders about disputes: contest, answer, release, ask for a ruling, rule.

The log of each side takes what it can judge by itself; an order also looks at the other logs as
they are held here, and refuses what would be said to nothing or too late.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ledger.errors import FormError, RefusedError
from ledger.table import Reader
from node.turn import Turn
from settlement import lookup
from settlement.casefile import decode_case
from settlement.close import disputes_at
from settlement.dispute import Status, report, status_of, view_of
from settlement.money import format_yuan, parse_fen
from settlement.outcome import DISPUTE, EXCEPTION, RULED
from settlement.party import CENTRE, parties, province_of
from settlement.record import (
    MAX_FEN,
    Dispute,
    DisputeAnswer,
    DisputeRuling,
    Escalation,
    Lines,
    Release,
    Settlement,
)

if TYPE_CHECKING:
    from node.centre import Centre
    from node.province import Province

MAX_RELEASED = 1_000
FEE_CHECK = "FEE_CHECK"
NO_LINES = Lines(0, 0, 0, 0)


def dispute(
    role: "Province", turn: Turn, log: str, setl_id: str, reason: str, evidence: str | None = None
) -> dict[str, Any]:
    """Contest a settlement in the log of `log` that this province has accepted.

    Args:
        evidence: SHA-256 of a file kept outside, in hex.

    Raises:
        RefusedError: It is not there (ORIGINAL), not this province's (PAIR), not accepted yet
            (ORDER), contested already (EXCEPTION, DUPLICATE); or a fee check is asked for a case
            whose file is not here (NO_FILE) or whose total is not above the threshold (FEE_CHECK).
    """
    original = _found(turn.writer, log, setl_id)
    if _debtor(turn.writer, log, original) != role.code:
        raise RefusedError("PAIR", f"{setl_id} of {log} is not owed by {role.code}")
    if reason not in tuple(EXCEPTION):
        raise FormError("reason", " or ".join(EXCEPTION), reason)
    if reason == FEE_CHECK:
        _check_fees(role, turn.writer, log, setl_id)
    record = Dispute(log, original, reason, _evidence(evidence), [])
    return _told(turn, turn.append(record), role.code, log, original)


def _check_fees(role: "Province", reader: Reader, log: str, setl_id: str) -> None:
    case = role.vault.received(log, setl_id)
    if case is None:
        raise RefusedError("NO_FILE", f"the case file of {setl_id} is not here: no total is known")
    total = parse_fen(decode_case(case.case).medfee_sumamt)
    least = disputes_at(reader, lookup.applied_size(reader, CENTRE)).fee_check.above_fen
    if total <= least:
        raise RefusedError(
            FEE_CHECK, f"a fee check is for totals above {format_yuan(least)} yuan; "
            f"{setl_id} has {format_yuan(total)}"
        )  # fmt: skip


def answer(
    role: "Province", turn: Turn, setl_id: str, text: str, evidence: str | None = None
) -> dict[str, Any]:
    """Answer the contesting of a settlement in this province's log.

    Raises:
        RefusedError: It is not there (ORIGINAL), nobody contests it (EXCEPTION), the answer would
            no longer count (STATE), or another one was given (DUPLICATE).
    """
    original = _found(turn.writer, role.code, setl_id)
    debtor = _debtor(turn.writer, role.code, original)
    status = _status(turn.writer, debtor, role.code, original, setl_id)
    if status.case.answer is None and status.stage.state not in ("open", "escalated"):
        raise RefusedError("STATE", f"{setl_id}: {DISPUTE[status.stage.state].en}")
    record = DisputeAnswer(debtor, original, _evidence(evidence), text, [])
    return _told(turn, turn.append(record), debtor, role.code, original)


def release(role: "Province", turn: Turn, log: str, setl_id: str | Sequence[str]) -> dict[str, Any]:
    """Lift this province's exceptions and disputes: these settlements of `log` bind from here on.

    Raises:
        RefusedError: One is not there (ORIGINAL), or not contested any more (EXCEPTION).
    """
    names = [setl_id] if isinstance(setl_id, str) else setl_id
    if not isinstance(names, list) or not 1 <= len(names) <= MAX_RELEASED:
        raise FormError("setl_id", f"an id, or a list of 1 to {MAX_RELEASED}", type(names).__name__)
    indexes = sorted({_found(turn.writer, log, name) for name in names})
    index = turn.append(Release(log, indexes, []))
    return {"index": index, "log": log, "released": indexes}


def escalate(
    role: "Province", turn: Turn, setl_id: str, reason: str, log: str | None = None
) -> dict[str, Any]:
    """Ask the centre to rule on a contested settlement; either side may.

    Args:
        log: Whose settlement, if several logs have one with this id.

    Raises:
        RefusedError: It is not there (ORIGINAL) or in several logs (LOG), nobody contests it
            (EXCEPTION), this province has no part in it (PAIR), or it is settled (STATE).
    """
    creditor, original, debtor = _mine(role, turn.writer, setl_id, log)
    if role.code not in (creditor, debtor):
        raise RefusedError("PAIR", f"{setl_id} is between {debtor} and {creditor}")
    status = _status(turn.writer, debtor, creditor, original, setl_id)
    if status.stage.binds or status.stage.state == "ruled":
        raise RefusedError("STATE", f"{setl_id}: {DISPUTE[status.stage.state].en}")
    record = Escalation(creditor, debtor, original, reason)
    return _told(turn, turn.append(record), debtor, creditor, original)


def rule(
    role: "Centre",
    turn: Turn,
    insured: str,
    outcome: str,
    reason: str,
    setl_id: str | None = None,
    creditor: str | None = None,
    original: int | None = None,
    upheld: dict[str, int] | None = None,
) -> dict[str, Any]:
    """Rule on a settlement that `insured` contests, named by its id or by log and index.

    Args:
        outcome: release, uphold or split.
        upheld: With split: what is not owed, in fen by fund line.

    Raises:
        RefusedError: It is not there (ORIGINAL) or in several logs (LOG), nobody contests it
            (EXCEPTION), neither side has asked for a ruling or it is settled (STATE), or more is
            upheld than is left of it (EXCEEDS).
    """
    if outcome not in tuple(RULED):
        raise FormError("outcome", " or ".join(RULED), outcome)
    if insured not in role.roster.participants:
        raise FormError("insured", "a participant", insured)
    creditor, original = _named(role, turn.writer, insured, setl_id, creditor, original)
    status = _status(turn.writer, insured, creditor, original, setl_id or f"#{original}")
    if status.case.ruling is None and status.stage.state != "escalated":
        raise RefusedError("STATE", f"nobody waits for a ruling: {DISPUTE[status.stage.state].en}")
    lines = _lines(outcome, upheld)
    if any(a > b for a, b in zip(_amounts(lines), _left(turn.writer, status), strict=True)):
        raise RefusedError("EXCEEDS", "more is upheld than is left of the settlement")
    record = DisputeRuling(creditor, insured, original, outcome, lines, reason, [])
    return _told(turn, turn.append(record), insured, creditor, original)


# --- what the orders share -----------------------------------------------------------------------


def _found(reader: Reader, log: str, setl_id: object) -> int:
    known = isinstance(log, str) and log in parties()
    if not known or not isinstance(setl_id, str) or not setl_id.isascii():
        raise FormError("order", "a participant's code and a settlement's id", ascii(setl_id))
    index = lookup.find_settlement(reader, log, setl_id)
    if index is None:
        raise RefusedError("ORIGINAL", f"the log of {log} has no {setl_id}")
    record = lookup.entry_at(reader, log, index)[1]
    if not isinstance(record, Settlement):
        raise RefusedError("ORIGINAL", f"{setl_id} of {log} takes another one back: name that one")
    return index


def _debtor(reader: Reader, log: str, original: int) -> str:
    record = lookup.entry_at(reader, log, original)[1]
    assert isinstance(record, Settlement)
    return province_of(record.insured_area)


def _mine(role: "Province", reader: Reader, setl_id: str, log: str | None) -> tuple[str, int, str]:
    logs = role.roster.participants if log is None else [log]
    places = [(code, at) for code in logs if (at := _place(reader, code, setl_id)) is not None]
    found = [(code, at, _debtor(reader, code, at)) for code, at in places]
    return _one([place for place in found if log or role.code in (place[0], place[2])], setl_id)


def _place(reader: Reader, code: str, setl_id: str) -> int | None:
    try:
        return _found(reader, code, setl_id)
    except RefusedError:
        return None


def _one(places: list[tuple[str, int, str]], setl_id: str) -> tuple[str, int, str]:
    if not places:
        raise RefusedError("ORIGINAL", f"no log here has a settlement {setl_id} of this kind")
    if len(places) > 1:
        codes = ", ".join(code for code, _, _ in places)
        raise RefusedError("LOG", f"several logs have {setl_id}, name one: {codes}")
    return places[0]


def _named(
    role: "Centre",
    reader: Reader,
    insured: str,
    setl_id: str | None,
    creditor: str | None,
    original: int | None,
) -> tuple[str, int]:
    if setl_id is None:
        good = creditor in role.roster.participants and type(original) is int and original >= 0
        if not good:
            raise FormError("order", "setl_id, or creditor and original", f"{creditor} {original}")
        assert creditor is not None
        assert original is not None
        return creditor, original
    logs = role.roster.participants if creditor is None else (creditor,)
    places = [(code, at) for code in logs if (at := _place(reader, code, setl_id)) is not None]
    owed = [(code, at, insured) for code, at in places if _debtor(reader, code, at) == insured]
    return _one(owed, setl_id)[:2]


def _status(reader: Reader, debtor: str, creditor: str, original: int, name: str) -> Status:
    contested = lookup.exception_at(reader, debtor, creditor, original)
    view = view_of(reader, (debtor, creditor))
    status = contested and status_of(reader, view, debtor, creditor, contested)
    if not status:
        raise RefusedError("EXCEPTION", f"{debtor} does not contest {name} of {creditor}")
    return status


def _told(turn: Turn, index: int, debtor: str, creditor: str, original: int) -> dict[str, Any]:
    turn.flush()
    status = _status(turn.writer, debtor, creditor, original, f"#{original}")
    return {"index": index, "dispute": report(status)}


def _evidence(text: str | None) -> bytes:
    try:
        evidence = bytes.fromhex(text or "")
    except (TypeError, ValueError):
        evidence = b"?"
    if len(evidence) not in (0, 32):
        raise FormError("evidence", "a SHA-256 in hex", text)
    return evidence


def _lines(outcome: str, upheld: dict[str, int] | None) -> Lines:
    given = {} if upheld is None else upheld
    names = Lines.__struct_fields__
    good = isinstance(given, dict) and all(
        name in names and type(fen) is int and 0 <= fen <= MAX_FEN for name, fen in given.items()
    )
    if not good or any(given.values()) != (outcome == "split"):
        raise FormError("upheld", f"with split alone, fen of {', '.join(names)}", upheld)
    return Lines(*(given.get(name, 0) for name in names))


def _left(reader: Reader, status: Status) -> list[int]:
    case, left = status.case, list(_amounts(status.original.lines))
    for _, _, lines in lookup.reversals_of(reader, case.creditor, case.contested.original):
        left = [a + b for a, b in zip(left, _amounts(lines), strict=True)]
    return left


def _amounts(lines: Lines) -> tuple[int, int, int, int]:
    return lines.employee, lines.resident, lines.other, lines.account
