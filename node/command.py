"""What operators may order: the verbs behind `gongzhang day|batch|leg|entry|roster` and the API.

An order runs inside a turn of the role. It either does all of what it says or raises RefusedError
(or VerificationError) and nothing of it stays. Its value is what the operator is shown.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ledger.encoding import Codec
from ledger.errors import RefusedError
from node import cities, disputes, docket, instruct, money, years
from node.approvals import OPERATOR_ORDERS
from node.message import Case
from node.pending import settled
from node.prepay import CENTRE_PREPAY, PROVINCE_PREPAY
from node.turn import Turn
from settlement import batch as batches
from settlement import lookup
from settlement.casefile import CaseRow, encode_case, record_of
from settlement.membership import claimed
from settlement.party import province_of
from settlement.record import (
    Admission,
    Freeze,
    Holidays,
    Lift,
    Place,
    RuleSet,
    Ruling,
    Silence,
    Withdrawal,
)
from settlement.ruleset import parse_ruleset
from settlement.workdays import parse_holidays

if TYPE_CHECKING:
    from node.centre import Centre
    from node.province import Province

Order = Callable[..., Any]
_ADMISSION = Codec(Admission)
_FREEZE = Codec(Freeze)


# --- provinces ---


def import_cases(role: "Province", turn: Turn, rows: list[CaseRow]) -> dict[str, Any]:
    """Enter settlements and reversals; keep their case files and put them out for delivery.

    A row whose entry exists with the same content changes nothing.

    Raises:
        RefusedError: An entry would be void, or a setl_id exists with other content (DUPLICATE).
    """
    assert role.random is not None
    before = _size(turn)
    kept = []
    for row in rows:
        data = encode_case(row)
        own = role.vault.own(row.setl_id)
        salt = own.salt if own is not None and own.case == data else role.random(32)
        record = record_of(row, salt)
        turn.append(record)
        kept.append((province_of(record.insured_area), Case(row.setl_id, data, salt)))
    # The vault is durable before the entries are: an entry whose case file is lost could never be
    # accepted, a case file without an entry is found again by the next import.
    role.vault.keep(kept)
    role.outgoing |= {insured for insured, _ in kept}
    turn.flush()
    return {"rows": len(rows), "entered": _size(turn) - before, "size": _size(turn)}


def _size(turn: Turn) -> int:
    return lookup.applied_size(turn.writer, turn.code)


def accept(role: "Province", turn: Turn, log: str | None = None) -> dict[str, Any]:
    """Accept what other provinces' logs say this one owes; missing files become exceptions."""
    accepted = []
    for code in [log] if log else role.roster.participants:
        if code == role.code:
            continue
        role.release(turn, code)
        checked = role.check(turn.writer, code)
        index = role.accept(turn, code, wait=False)
        if index is not None:
            accepted.append(
                {
                    "log": code,
                    "size": checked.size,
                    "entries": checked.owed,
                    "exceptions": [{"index": e.index, "code": e.code} for e in checked.exceptions],
                    "index": index,
                }
            )
    return {"accepted": accepted}


def attest(role: "Province", turn: Turn) -> dict[str, Any]:
    """Recompute the open batch and attest what came out.

    Raises:
        RefusedError: No batch is open under a quorum-cosigned head (STATE), or something needed to
            recompute it has not arrived (BEHIND).
    """
    found = role.open_batch(turn.writer)
    if found is None:
        raise RefusedError("STATE", "no proposal stands open below a quorum-cosigned head")
    own = found.matches.get(role.code) or found.mismatches.get(role.code)
    index = own.index if own else turn.append(role.attestation(turn.writer, found))
    turn.flush()
    record = lookup.entry_at(turn.writer, role.code, index)[1]
    cells = [[c.debtor, c.creditor, c.line, c.proposed_fen, c.computed_fen] for c in record.cells]  # type: ignore[attr-defined]
    return {
        "month": found.month,
        "revision": found.revision,
        "match": not cells,
        "cells": cells,
        "index": index,
    }


def silence(role: "Province", turn: Turn, code: str) -> dict[str, Any]:
    """Record that `code` has not attested the open batch.

    Raises:
        RefusedError: No batch is open, or that participant's attestation is here (STATE).
    """
    found = role.open_batch(turn.writer)
    if found is None or code not in found.missing or code == role.code:
        raise RefusedError("STATE", f"no open batch lacks an attestation of {code}")
    record = Silence(found.month, found.revision, found.proposal_hash, code, [])
    return {"month": found.month, "code": code, "index": turn.append(record)}


# --- the centre ---


def close(role: "Centre", turn: Turn, month: str) -> dict[str, Any]:
    """Draw the cut and propose the batch of a month.

    Raises:
        RefusedError: The month does not follow the last confirmed one (MONTH), a proposal is open
            (STATE), or a copy is behind its cosigned head (BEHIND).
    """
    index = role.propose(turn, month)
    turn.flush()
    found = batches.latest_batch(turn.writer, role.founding, month)
    assert found is not None
    return {"month": month, "revision": found.revision, "index": index}


def withdraw(role: "Centre", turn: Turn, month: str, reason: str) -> dict[str, Any]:
    """Take the open proposal of a month back."""
    found = _open_batch(role, turn, month)
    record = Withdrawal(month, found.revision, found.proposal_hash, reason, [])
    return {"month": month, "revision": found.revision, "index": turn.append(record)}


def dismiss(role: "Centre", turn: Turn, month: str, code: str, reason: str) -> dict[str, Any]:
    """Rule that the mismatch of `code` does not hold up the month."""
    found = _open_batch(role, turn, month)
    if code not in found.mismatches:
        raise RefusedError("STATE", f"{code} has attested no mismatch for {month}")
    place = found.mismatches[code]
    ruling = Ruling(month, found.revision, Place(code, place.index), reason, [])
    return {"month": month, "code": code, "index": turn.append(ruling)}


def confirm(role: "Centre", turn: Turn, month: str) -> dict[str, Any]:
    """Confirm the open batch of a month, if it has what it needs."""
    found = _open_batch(role, turn, month)
    index = role.confirm(turn, found)
    return {"month": month, "revision": found.revision, "index": index}


def _open_batch(role: "Centre", turn: Turn, month: str) -> batches.Batch:
    found = batches.latest_batch(turn.writer, role.founding, month)
    if found is None or found.state in ("WITHDRAWN", "CONFIRMED", "FINAL"):
        state_now = found.state if found else "not proposed"
        raise RefusedError("STATE", f"{month} is {state_now}")
    return found


def final(role: "Centre", turn: Turn, month: str) -> dict[str, Any]:
    """Write the final certificate of a month."""
    return {"month": month, "index": role.certify(turn, month)}


def lift(role: "Centre", turn: Turn, code: str, reason: str) -> dict[str, Any]:
    """Rule that the halt of a log ends, as far as the evidence held here goes.

    Raises:
        RefusedError: No evidence against that member stands here (STATE).
    """
    number = role.roster.generation(code).number if code in role.roster.members else 0
    found = docket.stored(turn.writer, code, number)
    if not found or not docket.halted(turn.writer, code, number):
        raise RefusedError("STATE", f"no evidence stands against {code}")
    indexes = [turn.append(Lift(code, evidence.id, reason, [])) for evidence in found]
    return {"code": code, "index": indexes[-1], "evidence": [e.id.hex() for e in found]}


def admit(role: "Centre", turn: Turn, admission: bytes) -> dict[str, Any]:
    """Admit a participant, as the governance keys decided."""
    record = _ADMISSION.decode(admission)
    return {"code": record.member.code, "index": turn.append(record)}


def freeze(role: "Centre", turn: Turn, freeze: bytes) -> dict[str, Any]:
    """End a log at a head, as the governance keys decided."""
    record = _FREEZE.decode(freeze)
    size = claimed(record.checkpoint).size
    return {"code": record.log, "size": size, "index": turn.append(record)}


def ruleset(role: "Centre", turn: Turn, text: bytes) -> dict[str, Any]:
    """Put a rule set into force from here on.

    Raises:
        FormError: It cannot be read.
        RefusedError: The same text was in force before another one (DUPLICATE).
    """
    name = parse_ruleset(text).name
    index = turn.append(RuleSet(name, text, []))
    turn.flush()
    in_force = lookup.ruleset_at(turn.writer, _size(turn))
    _check_newest(text, in_force.text if in_force else b"")
    return {"name": name, "index": index}


def holidays(role: "Centre", turn: Turn, text: bytes) -> dict[str, Any]:
    """Record the holidays of a year; calendars use the newest table of each year.

    Raises:
        FormError: It cannot be read.
        RefusedError: The same text was in force before another one (DUPLICATE).
    """
    table = parse_holidays(text)
    index = turn.append(Holidays(table.name, table.year, text, []))
    turn.flush()
    _check_newest(text, lookup.holidays_at(turn.writer, _size(turn))[table.year][1].text)
    return {"name": table.name, "year": table.year, "index": index}


def _check_newest(text: bytes, newest: bytes) -> None:
    # The business id is the hash of the text, so the entry that exists would stay the older one.
    if text != newest:
        raise RefusedError("DUPLICATE", "this text was in force before; change its name or comment")


PROVINCE_ORDERS: dict[str, Order] = {
    "import": import_cases,
    "accept": accept,
    "attest": attest,
    "silence": silence,
    "dispute": disputes.dispute,
    "answer": disputes.answer,
    "release": disputes.release,
    "escalate": disputes.escalate,
    "breach": years.breach,
    "year": years.close_year,
    "cities": cities.sign_cities,
    "paid": settled(money.paid),
    "received": settled(money.received),
    "returned": settled(money.returned),
    "instruct": instruct.instruct,
    "draw": money.draw,
    **OPERATOR_ORDERS,
    **PROVINCE_PREPAY,
}
CENTRE_ORDERS: dict[str, Order] = {
    "close": close,
    "withdraw": withdraw,
    "dismiss": dismiss,
    "confirm": confirm,
    "final": final,
    "rule": disputes.rule,
    "year": years.close_year,
    "lift": lift,
    "admit": admit,
    "freeze": freeze,
    "ruleset": ruleset,
    "holidays": holidays,
    "paid": settled(money.paid),
    "received": settled(money.received),
    "returned": settled(money.returned),
    "instruct": instruct.instruct,
    "shortfall": money.shortfall,
    **OPERATOR_ORDERS,
    **CENTRE_PREPAY,
}
