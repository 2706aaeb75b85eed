"""The life of one case out of verified logs: entry, second signature, batch, money.

Everything comes from a `Holding`, so from the policy file alone. A case is named by its settlement
id; an id is unique in one log only, so other entries under the same id are named too.
"""

from dataclasses import dataclass, field
from typing import Any

from cli.holding import Holding, Spot, Witnessed, case_record
from ledger import tree
from ledger.note import base64_of
from ledger.table import log_key
from settlement import batch as batches
from settlement import leg as legs
from settlement.approval import approvers
from settlement.leg import Leg
from settlement.life import life_at, original_of
from settlement.lookup import acceptance_below, entry_at, exception_at, reversals_of
from settlement.money import format_yuan
from settlement.party import CENTRE, province_of
from settlement.record import (
    Acceptance,
    Dispute,
    DisputeAnswer,
    DisputeRuling,
    Escalation,
    Paid,
    Place,
    Received,
    Reversal,
    Settlement,
)
from settlement.report import state_of
from settlement.stage import case_of

UNJUDGED = ("FORM", "PLACE", "SIGNATURE")  # of these the author's signature is not known to hold
PARTS = (
    "entry", "debtor", "creditor", "original", "reversals", "acceptance", "exception", "dispute",
    "state", "batch", "legs",
)  # fmt: skip


@dataclass
class Case:
    """What is known of a case, and the proofs that can be handed on."""

    found: dict[str, Any]
    proofs: list[Witnessed] = field(default_factory=list)


def case_at(holding: Holding, spot: Spot) -> Case:
    """Return the life of the case at one place; of a void entry only what it says.

    State and batch are None, and no legs are named, if the audit as a whole has findings.

    Raises:
        VerificationError: A proof does not hold.
    """
    entry = holding.witnessed(spot.code, spot.index)
    read = case_record(entry.leaf)
    assert read is not None
    record = read[1]
    case = Case(dict.fromkeys(PARTS), [entry])
    case.found |= {"entry": _entry(entry, *read, spot.void), "reversals": [], "legs": []}
    if spot.void is not None:
        case.found["state"] = "void"
        return case
    insured = province_of(record.insured_area)
    original = original_of(holding.reader, spot.code, spot.index, record)
    case.found |= {
        "debtor": insured,
        "creditor": spot.code,
        "original": _brief(holding, spot.code, original),
        "reversals": [
            _brief(holding, spot.code, index)
            for index, _, _ in reversals_of(holding.reader, spot.code, original)
        ],
        "exception": _exception(holding, insured, spot.code, original),
    }
    accepted = covering(holding, insured, spot.code, spot.index)
    if accepted is not None:
        second = holding.witnessed(insured, accepted)
        case.proofs.append(second)
        case.found["acceptance"] = _acceptance(second, holding)
    case.found |= _standing(holding, spot, insured)
    return case


def covering(holding: Holding, insured: str, code: str, index: int) -> int | None:
    """Return the index of the first acceptance by `insured` that covers an entry of `code`.

    An acceptance counts only if it names the root that the log has at the size it names.
    """
    if insured not in holding.sizes:
        return None
    key = log_key(code)
    below, found = holding.sizes[code] + 1, None
    while (row := acceptance_below(holding.reader, insured, code, below)) is not None:
        size, place, root = row
        if size <= index:
            break
        if tree.root_at(holding.reader, key, size) == root:
            found = place
        below = size
    return found


def _entry(
    entry: Witnessed, at_ms: int, record: Settlement | Reversal, void: str | None
) -> dict[str, Any]:
    lines = {name: getattr(record.lines, name) for name in record.lines.__struct_fields__}
    fields = {
        name: getattr(record, name)
        for name in record.__struct_fields__
        if name not in ("lines", "commitment")
    }
    return {
        "log": entry.code,
        "index": entry.index,
        "kind": type(record).__name__.lower(),
        "void": void,
        "at_ms": at_ms,
        "fields": fields,
        "lines_fen": lines,
        "lines_yuan": {name: format_yuan(fen) for name, fen in lines.items()},
        "total_fen": sum(lines.values()),
        "total_yuan": format_yuan(sum(lines.values())),
        "commitment": record.commitment.hex(),
        "leaf_hash": entry.leaf_hash.hex(),
        "signature": void not in UNJUDGED,  # the audit judged every one when it read the log
        "proof": _proof(entry),
    }


def _proof(entry: Witnessed) -> dict[str, Any]:
    point = entry.proven.checkpoint
    return {
        "origin": point.origin,
        "size": point.size,
        "root": point.root.hex(),
        "path": [base64_of(item) for item in entry.proof.path],
        "cosigners": dict(sorted(entry.proven.cosigners.items())),
    }


def _brief(holding: Holding, code: str, index: int) -> dict[str, Any]:
    record = entry_at(holding.reader, code, index)[1]
    assert isinstance(record, Settlement | Reversal)
    fen = sum(getattr(record.lines, name) for name in record.lines.__struct_fields__)
    return {"index": index, "setl_id": record.setl_id, "month": record.month, "fen": fen}


def _acceptance(second: Witnessed, holding: Holding) -> dict[str, Any]:
    entry, record = entry_at(holding.reader, second.code, second.index)
    assert isinstance(record, Acceptance)
    return {
        "log": second.code,
        "index": second.index,
        "at_ms": entry.at_ms,
        "covers_below": record.size,
        "covers_root": record.root.hex(),
        "leaf_hash": second.leaf_hash.hex(),
        "signature": True,  # only a valid entry is found as an acceptance
        "proof": _proof(second),
    }


def _exception(holding: Holding, insured: str, code: str, original: int) -> dict[str, Any] | None:
    """Return the exception or dispute, and what the verified logs say to it."""
    if insured not in holding.sizes:
        return None
    reader = holding.reader
    contested = exception_at(reader, insured, code, original)
    if contested is None:
        return None
    case = case_of(reader, insured, code, contested)
    asked = [_said(holding, who, index) for who, index in sorted(case.escalations.items())]
    return {
        **_said(holding, insured, contested.since),
        "code": contested.code,
        "kind": "dispute" if contested.size is None else "exception",
        "answer": None if case.answer is None else _said(holding, code, case.answer),
        "escalations": asked,
        "ruling": None if case.ruling is None else _said(holding, CENTRE, case.ruling),
        "release": None
        if contested.release is None
        else _said(holding, insured, contested.release),
    }


def _said(holding: Holding, code: str, index: int) -> dict[str, Any]:
    entry, record = entry_at(holding.reader, code, index)
    found: dict[str, Any] = {"log": code, "index": index, "at_ms": entry.at_ms}
    match record:
        case Dispute(evidence=evidence):
            found["evidence"] = evidence.hex()
        case DisputeAnswer(evidence=evidence, text=text):
            found |= {"evidence": evidence.hex(), "text": text}
        case Escalation(reason=reason):
            found["reason"] = reason
        case DisputeRuling(outcome=outcome, upheld=upheld, reason=reason):
            lines = {name: getattr(upheld, name) for name in upheld.__struct_fields__}
            found |= {"outcome": outcome, "upheld_fen": lines, "reason": reason}
            found["approved_by"] = approvers(holding.reader, code, record)
    return found


def _standing(holding: Holding, spot: Spot, insured: str) -> dict[str, Any]:
    if holding.report.findings or not {insured, CENTRE} <= holding.sizes.keys():
        return {"state": None, "dispute": None, "batch": None, "legs": []}
    life = life_at(holding.reader, spot.code, spot.index)
    month = life["batch"]
    known = {"state": life["state"], "dispute": life["dispute"]}
    if month is None:
        return {**known, "batch": None, "legs": []}
    revision = next(p.revision for m, p in holding.months if m == month)
    batch = batches.batch_of(holding.reader, holding.founding, month, revision)
    assert batch is not None
    result = batches.result_of(holding.reader, holding.founding, month, revision)
    due = legs.legs_of(holding.reader, result)
    shown = {
        "month": month,
        "revision": revision,
        "state": state_of(batch, due),
        "proposal_index": batch.proposal_index,
        "confirmation_index": batch.confirmation_index,
        "certificate_index": batch.certificate_index,
        "result_hash": result.hash.hex(),
        "approved_by": {
            "proposal": _approved(holding, CENTRE, batch.proposal_index),
            "confirmation": _approved(holding, CENTRE, batch.confirmation_index),
        },
    }
    # Of the pair: between the two themselves, or of one of them with the centre as the hub.
    ends = {insured, spot.code, CENTRE}
    mine = [leg_view(holding, leg) for leg in due if {leg.due.payer, leg.due.payee} <= ends]
    return {**known, "batch": shown, "legs": mine}


def _approved(holding: Holding, code: str, index: int | None) -> list[str]:
    """Return who approved an entry, by name; the audit has judged the signatures."""
    if index is None:
        return []
    return approvers(holding.reader, code, entry_at(holding.reader, code, index)[1])


def leg_view(holding: Holding, leg: Leg) -> dict[str, Any]:
    """Return a leg with the entries of payer and payee that speak of it."""
    return {
        "leg": leg.due.number,
        "payer": leg.due.payer,
        "payee": leg.due.payee,
        "fen": leg.due.fen,
        "state": leg.state,
        "paid": _end(holding, leg.paid),
        "received": _end(holding, leg.received),
        "drawn_fen": leg.drawn_fen,
        "arrears_fen": leg.arrears_fen,
        "shared_fen": leg.shared_fen,
        "repaid_fen": leg.repaid_fen,
    }


def _end(holding: Holding, place: Place | None) -> dict[str, Any] | None:
    if place is None:
        return None
    record = entry_at(holding.reader, place.code, place.index)[1]
    assert isinstance(record, Paid | Received)
    named = {"reference": record.reference, "date": record.date}
    by = approvers(holding.reader, place.code, record)
    return {"log": place.code, "index": place.index, **named, "approved_by": by}
