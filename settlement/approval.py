"""Maker and checker: which entries two people must sign, and whether they have.

An operator is a named person with a key of their own, registered in the log they sign for by an
`Operator` entry. From the index on at which a log has two active operators its *four eyes* are on
(双人复核): what decides or moves money then counts only with the approvals of two of them. It stays
so: a change of operators is signed by two as well and leaves at least two. A later generation of
the log begins without operators.

An approval is a signature over

    "gongzhang/approval/v1\\n" || network id || canonical [origin, kind, content hash]

where the content hash is SHA-256 of the canonical body with an empty list of approvals. What is
shown to people as the hash of a draft is SHA-256 of all of these bytes, so it names network, log,
kind and content. Everything here is judged by the entry's own log below its index.
"""

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from ledger import encoding
from ledger.errors import FormError, VerificationError
from ledger.hashing import hash_bytes
from ledger.signature import check_public_key, public_key, sign, verify
from ledger.table import DERIVED, Reader
from settlement import lookup
from settlement.record import (
    RECORDS,
    Acceptance,
    Admission,
    Approval,
    Attestation,
    Certificate,
    CityStatement,
    Confirmation,
    Demand,
    Dispute,
    DisputeAnswer,
    DisputeRuling,
    Draw,
    Freeze,
    Holidays,
    Increase,
    Instruction,
    Lift,
    Operator,
    Paid,
    Proposal,
    Quota,
    Received,
    Record,
    Release,
    Returned,
    Rotation,
    RuleSet,
    Ruling,
    Shortfall,
    Silence,
    Withdrawal,
    YearClose,
)
from settlement.roster import member_keys
from settlement.ruleset import parse_ruleset

if TYPE_CHECKING:
    from settlement.state import Fold

FOUR_EYES = 2

# What decides or moves money. Of attestations, those that claim a mismatch: see `decides`.
DECIDING: frozenset[type[Record]] = frozenset(
    (
        Proposal, Withdrawal, Confirmation, Ruling, DisputeRuling, Lift, RuleSet, Holidays,
        Paid, Received, Returned, Instruction, Draw, Shortfall, Operator,
        Quota, Demand, Increase,
    )
)  # fmt: skip
# What a node may say by itself, or what says nothing that others do not compute as well. An
# approval is not needed; one that is there must hold.
FREE: frozenset[type[Record]] = frozenset(
    (
        Acceptance, Release, Dispute, DisputeAnswer, Silence, Attestation, Certificate, YearClose,
        CityStatement,
    )
)  # fmt: skip
# Governance keys approve these, see `membership`.
GOVERNED: frozenset[type[Record]] = frozenset((Admission, Freeze))
APPROVED: frozenset[type[Record]] = (
    frozenset(kind for kind in RECORDS.values() if "approvals" in kind.__struct_fields__) - GOVERNED
)


def decides(record: Record) -> bool:
    """Return whether a record needs two approvals where four eyes are on.

    An attestation that matches does not: a node may compute and sign it by itself.
    """
    if isinstance(record, Attestation):
        return bool(record.cells)
    return type(record) in DECIDING


def by_hand(record: Record) -> bool:
    """Return whether a record needs the approvals if a person orders it, not the node itself."""
    return decides(record) or isinstance(record, Attestation)


def required(reader: Reader, size: int) -> int:
    """Return how many operators the rule set in force below `size` of the centre's log asks for.

    A node heeds it; no entry is void for it, because it stands in another log than most.
    """
    in_force = lookup.ruleset_at(reader, size)
    return 0 if in_force is None else _parsed(in_force.text).approvals.required


_parsed = lru_cache(16)(parse_ruleset)


# --- what is signed ------------------------------------------------------------------------------


def bare(record: Record) -> Record:
    """Return a record with its approvals taken off."""
    return with_approvals(record, [])


def with_approvals(record: Record, approvals: list[Approval]) -> Record:
    """Return a record with these approvals in place of the ones it has."""
    return msgspec.structs.replace(record, approvals=approvals)


def content_hash(record: Record) -> bytes:
    """Return the SHA-256 of the canonical body without its approvals."""
    return hash_bytes(bare(record).encode())


def message(network_id: bytes, origin: str, record: Record) -> bytes:
    """Return the bytes that an operator signs to approve a record as an entry of a log."""
    content = encoding.pack([origin, record.kind, content_hash(record)])
    return b"gongzhang/approval/v1\n" + network_id + content


def digest(network_id: bytes, origin: str, record: Record) -> bytes:
    """Return the hash people see: SHA-256 of what they sign."""
    return hash_bytes(message(network_id, origin, record))


def approve(seed: bytes, network_id: bytes, origin: str, record: Record) -> Approval:
    """Return the approval of a record by the operator whose secret this is."""
    return Approval(public_key(seed), sign(seed, message(network_id, origin, record)))


def rejection_message(network_id: bytes, origin: str, draft: bytes, reason: str) -> bytes:
    """Return the bytes that an operator signs to reject the draft with this hash."""
    content = encoding.pack([origin, draft, reason])
    return b"gongzhang/rejection/v1\n" + network_id + content


# --- who may sign --------------------------------------------------------------------------------


def signer(reader: Reader, code: str, start: int, key: bytes) -> str | None:
    """Return the name of the active operator of the log of `code` whose key this is, or None.

    Args:
        start: Where the generation of the log begins.
    """
    name = lookup.operator_of(reader, code, key)
    found = None if name is None else lookup.operator(reader, code, name, start)
    if found is None or found[1].status != "active" or found[1].key != key:
        return None
    return name


def check(
    reader: Reader, network_id: bytes, origin: str, place: tuple[str, int], record: Record
) -> list[str]:
    """Return who approved a record; each one once, in the order of the record.

    Args:
        place: The code of the log, and where its generation begins.

    Raises:
        VerificationError: An approval is not by an active operator, two are by one, or a signature
            does not hold.
    """
    code, start = place
    names: list[str] = []
    approvals: list[Approval] = record.approvals  # type: ignore[attr-defined]
    signed = message(network_id, origin, record) if approvals else b""
    for given in approvals:
        name = signer(reader, code, start, given.key)
        if name is None:
            raise VerificationError("approval: not by an active operator of this log")
        if name in names:
            raise VerificationError(f"approval: two of them by {name}")
        verify(given.key, signed, given.signature)
        names.append(name)
    return names


def approvers(reader: Reader, code: str, record: Record) -> list[str]:
    """Return by whom a valid entry of the log of `code` says it was approved, by name."""
    if type(record) not in APPROVED:
        return []
    approvals: list[Approval] = record.approvals  # type: ignore[attr-defined]
    return [lookup.operator_of(reader, code, a.key) or a.key.hex()[:16] for a in approvals]


# --- the rules, see `rule` -----------------------------------------------------------------------


def approvals_rule(fold: "Fold", record: Record) -> str | None:
    """Judge the approvals of any record that may have some."""
    if not record.approvals and not decides(record):  # type: ignore[attr-defined]
        return None
    place = fold.code, fold.generation.start
    try:
        names = check(fold.writer, fold.roster.network_id, fold.origin, place, record)
    except VerificationError:
        return "APPROVAL"
    needed = FOUR_EYES if decides(record) and _active(fold) >= FOUR_EYES else 0
    return "APPROVAL" if len(names) < needed else None


def operator_rule(fold: "Fold", _index: int, record: Operator) -> str | None:
    """Judge a change of operators: revisions without a gap, a key that is nobody else's."""
    last = lookup.operator(fold.writer, fold.code, record.name)
    if record.revision != (last[1].revision if last else 0) + 1:
        return "ORDER"
    now = last if last and last[0] >= fold.generation.start else None
    active = now is not None and now[1].status == "active"
    if record.status == "removed":
        if not active:
            return "STATE"
        # Two can only be replaced: somebody new comes first.
        if _active(fold) == FOUR_EYES:
            return "STATE"
    same = last is not None and last[1].key == record.key
    if same:
        return None
    return "KEY" if record.status == "removed" or not _fresh(fold, record.key) else None


def _fresh(fold: "Fold", key: bytes) -> bool:
    try:
        check_public_key(key)
    except FormError:
        return False
    known = lookup.operator_of(fold.writer, fold.code, key) is not None
    return not (known or _member_key(fold, key))


def _member_key(fold: "Fold", key: bytes) -> bool:
    # Those of the log itself, as it was admitted and as rotations in it have made them.
    generations = fold.roster.generations[fold.code][: fold.generation.number]
    if any(key in member_keys(generation.admitted) for generation in generations):
        return True
    return lookup.find(fold.writer, fold.code, Rotation, key) is not None


def _active(fold: "Fold") -> int:
    return lookup.operators_active(fold.writer, fold.code, fold.generation.number)


def enter_operator(fold: "Fold", _index: int, record: Operator) -> None:
    """Note whose key it is and how many operators are active from here on."""
    before = _before(fold, record)
    was = before is not None and before.status == "active"
    count = _active(fold) + int(record.status == "active") - int(was)
    row = encoding.pack([fold.generation.number, count])
    fold.writer.put(DERIVED, fold.key + b"O", row)
    fold.writer.put(DERIVED, fold.key + b"O" + record.key, record.name.encode())


def _before(fold: "Fold", record: Operator) -> Any:
    place = lookup.revision_key(record.name, record.revision - 1)
    index = lookup.find(fold.writer, fold.code, Operator, place)
    if index is None or index < fold.generation.start:
        return None
    return lookup.entry_at(fold.writer, fold.code, index)[1]
