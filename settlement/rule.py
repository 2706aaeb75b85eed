"""The rules of each kind of entry: the code that speaks against a record, or None.

A rule looks at the tables of the log it stands in and at nothing else, and changes nothing.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ledger import log
from ledger.errors import FormError, RefusedError
from ledger.hashing import hash_bytes, leaf_hash
from ledger.table import log_key
from settlement import approval, membership
from settlement.lookup import (
    accepted_before,
    barring,
    confirmed_months,
    demand_for,
    entry_at,
    exception_at,
    find,
    held_prepayment,
    instructed,
    last_confirmed,
    last_cut,
    last_row,
    latest_revision,
    month_key,
    open_months,
    original_at,
    owed_on,
    proposal_of,
    quota_of,
    reversals_of,
    ruleset_at,
    transfer_key,
    transfers,
)
from settlement.party import CENTRE, province_of
from settlement.period import months_between, next_month
from settlement.quota import basis_months, quota_hash
from settlement.record import (
    Acceptance,
    Admission,
    Attestation,
    Barring,
    Breach,
    Certificate,
    CityStatement,
    Confirmation,
    Continuation,
    Demand,
    Dispute,
    DisputeAnswer,
    DisputeRuling,
    Draw,
    Escalation,
    Freeze,
    Genesis,
    Holidays,
    Increase,
    Institution,
    Instruction,
    KeyChange,
    Lift,
    Lines,
    Operator,
    Paid,
    Proposal,
    Quota,
    Received,
    Record,
    Registration,
    Reimbursement,
    Release,
    Returned,
    Reversal,
    Rotation,
    RuleSet,
    Ruling,
    Settlement,
    Shortfall,
    Silence,
    Withdrawal,
    YearClose,
)
from settlement.ruleset import parse_ruleset
from settlement.workdays import parse_holidays

if TYPE_CHECKING:
    from settlement.state import Fold

CENTRE_ONLY: frozenset[type[Record]] = frozenset(
    (
        Proposal, Withdrawal, Ruling, Confirmation, Certificate, Lift, DisputeRuling,
        Genesis, Admission, RuleSet, KeyChange, Freeze, Holidays, Shortfall, Quota,
        Demand,
    )
)  # fmt: skip
PROVINCE_ONLY: frozenset[type[Record]] = frozenset(
    (
        Settlement, Reversal, Acceptance, Release, Attestation, Silence, Continuation,
        Registration, Institution, Barring, Reimbursement,
        Dispute, DisputeAnswer, Escalation, Breach, CityStatement, Draw, Increase,
    )
)  # fmt: skip


def _settlement_rule(fold: "Fold", _index: int, record: Settlement) -> str | None:
    if not _lie_in(fold.code, record.treatment_area, record.insured_area):
        return "PAIR"
    lines = record.lines
    negative = lines.employee < 0 or lines.resident < 0 or lines.other < 0 or lines.account < 0
    return "SIGN" if negative else None


@lru_cache(4096)  # asked for every entry, and there are few answers
def _lie_in(code: str, treatment_area: str, insured_area: str) -> bool:
    try:
        treatment, insured = province_of(treatment_area), province_of(insured_area)
    except FormError:
        return False
    return treatment == code and insured != treatment and insured != CENTRE


def _reversal_rule(fold: "Fold", _index: int, record: Reversal) -> str | None:
    if not _lie_in(fold.code, record.treatment_area, record.insured_area):
        return "PAIR"
    if max(_amounts(record.lines)) > 0:
        return "SIGN"
    index = fold.cases.find(record.original_id)
    if index is None:
        return "ORIGINAL"
    original = entry_at(fold.writer, fold.code, index)[1]
    if not isinstance(original, Settlement):
        return "ORIGINAL"
    if _pair(original) != _pair(record):
        return "PAIR"
    if record.month < original.month:
        return "MONTH"
    left = list(_amounts(original.lines))
    for _, _, lines in reversals_of(fold.writer, fold.code, index):
        left = [a + b for a, b in zip(left, _amounts(lines), strict=True)]
    after = [a + b for a, b in zip(left, _amounts(record.lines), strict=True)]
    return "EXCEEDS" if min(after) < 0 else None


def _acceptance_rule(fold: "Fold", _index: int, record: Acceptance) -> str | None:
    if record.log in (fold.code, CENTRE):
        return "PAIR"
    before = accepted_before(fold.writer, fold.code, record.log)
    if record.size <= before:
        return "ORDER"
    indexes = [item.index for item in record.exceptions]
    if indexes != sorted(set(indexes)):
        return "ORDER"
    if indexes and not before <= indexes[0] <= indexes[-1] < record.size:
        return "ORDER"
    return None


def _release_rule(fold: "Fold", _index: int, record: Release) -> str | None:
    if not record.indexes or record.indexes != sorted(set(record.indexes)):
        return "ORDER"
    for original in record.indexes:
        found = exception_at(fold.writer, fold.code, record.log, original)
        if found is None or found.release is not None:
            return "EXCEPTION"
    return None


# From which status a registration may come into another; the first revision comes from None.
_STATUS = {
    "active": (None, "active", "suspended"),  # filed, changed, resumed
    "suspended": ("active",),
    "terminated": ("active", "suspended"),
}


def _registration_rule(fold: "Fold", _index: int, record: Registration) -> str | None:
    last = latest_revision(fold.writer, fold.code, Registration, record.registration_id)
    assert last is None or isinstance(last, Registration)
    if record.revision != (last.revision if last else 0) + 1:
        return "ORDER"
    before = last.status if last else None
    return None if before in _STATUS[record.status] else "STATE"


def _institution_rule(fold: "Fold", _index: int, record: Institution) -> str | None:
    try:
        places = {province_of(record.area), province_of(record.code[1:7])}
    except FormError:
        return "PAIR"
    if places != {fold.code}:
        return "PAIR"
    last = latest_revision(fold.writer, fold.code, Institution, record.code)
    assert last is None or isinstance(last, Institution)
    if record.revision != (last.revision if last else 0) + 1:
        return "ORDER"
    return None if record.services == sorted(set(record.services)) else "ORDER"


def _barring_rule(fold: "Fold", _index: int, record: Barring) -> str | None:
    if record.insured in (fold.code, CENTRE):
        return "PAIR"
    if record.state == "barred":
        return None
    found = barring(fold.writer, fold.code, record.barring_id)
    if found is None or found.commitment != record.commitment:
        return "STATE"
    return None if found.insured == record.insured else "PAIR"


def _reimbursement_rule(fold: "Fold", _index: int, record: Reimbursement) -> str | None:
    try:
        treatment, insured = province_of(record.treatment_area), province_of(record.insured_area)
    except FormError:
        return "PAIR"
    if insured != fold.code or treatment == insured:
        return "PAIR"
    return "SIGN" if min(_amounts(record.lines)) < 0 else None


def _dispute_rule(fold: "Fold", _index: int, record: Dispute) -> str | None:
    if record.log in (fold.code, CENTRE):
        return "PAIR"
    if record.original >= accepted_before(fold.writer, fold.code, record.log):
        return "ORDER"  # what is not accepted yet needs no dispute: the acceptance excepts it
    found = exception_at(fold.writer, fold.code, record.log, record.original)
    return None if found is None else "EXCEPTION"


def _answer_rule(fold: "Fold", index: int, record: DisputeAnswer) -> str | None:
    return _own_original_rule(fold, index, record.original, record.insured)


def _own_original_rule(fold: "Fold", index: int, original: int, insured: str) -> str | None:
    # Whether it is contested stands in another log: an answer to nothing changes nothing.
    below = original < index
    found = below and original_at(fold.writer, fold.code, original, insured)
    return None if found else "ORIGINAL"


def _escalation_rule(fold: "Fold", index: int, record: Escalation) -> str | None:
    if record.log == fold.code:
        return _own_original_rule(fold, index, record.original, record.insured)
    if record.insured != fold.code or record.log == CENTRE:
        return "PAIR"
    found = exception_at(fold.writer, fold.code, record.log, record.original)
    return "EXCEPTION" if found is None or found.release is not None else None


def _dispute_ruling_rule(_fold: "Fold", _index: int, record: DisputeRuling) -> str | None:
    if record.creditor == record.insured or CENTRE in (record.creditor, record.insured):
        return "PAIR"
    if min(_amounts(record.upheld)) < 0:
        return "SIGN"
    return None if any(_amounts(record.upheld)) == (record.outcome == "split") else "SUM"


def _proposal_rule(fold: "Fold", _index: int, record: Proposal) -> str | None:
    last = last_confirmed(fold.writer)
    if last is not None and record.month != next_month(last):
        return "MONTH"
    if record.revision > 1:
        earlier = month_key(record.month, record.revision - 1)
        if find(fold.writer, CENTRE, Withdrawal, earlier) is None:
            return "STATE"
    if any(open_month != record.month for open_month in open_months(fold.writer)):
        return "STATE"
    codes = [head.code for head in record.cut]
    if codes != sorted(set(codes)) or CENTRE in codes:
        return "ORDER"
    before = {head.code: head.size for head in last_cut(fold.writer)}
    if not before.keys() <= set(codes):
        return "ORDER"
    if any(head.size < before.get(head.code, 0) for head in record.cut):
        return "ORDER"
    net_codes = [net.code for net in record.nets]
    if net_codes != codes or sum(net.fen for net in record.nets) != 0:
        return "SUM"
    return None


def _revision_rule(fold: "Fold", _index: int, record: Withdrawal | Confirmation) -> str | None:
    found = proposal_of(fold.writer, record.month, record.revision)
    if found is None or found[1] != record.proposal_hash:
        return "STATE"
    if find(fold.writer, CENTRE, Confirmation, month_key(record.month)) is not None:
        return "STATE"
    key = month_key(record.month, record.revision)
    if find(fold.writer, CENTRE, Withdrawal, key) is not None:
        return "STATE"
    return None


def _ruling_rule(fold: "Fold", _index: int, record: Ruling) -> str | None:
    return None if proposal_of(fold.writer, record.month, record.revision) else "STATE"


def _certificate_rule(fold: "Fold", _index: int, record: Certificate) -> str | None:
    index = find(fold.writer, CENTRE, Confirmation, month_key(record.month))
    if index is None:
        return "STATE"
    leaf = log.leaf(fold.writer, log_key(CENTRE), index)
    return None if leaf_hash(leaf) == record.confirmation_hash else "STATE"


def _paid_rule(fold: "Fold", _index: int, record: Paid) -> str | None:
    if record.fen <= 0:
        return "SIGN"
    if record.payee == fold.code:
        return "PAIR"
    before = transfers(
        fold.writer, fold.code, Paid, record.purpose, record.month, record.number, record.payee
    )
    if record.attempt != len(before) + 1:
        return "ORDER"
    if record.purpose != "prepayment_return":
        return None
    return "EXCEEDS" if record.fen > held_prepayment(fold.writer, fold.code, record.payee) else None


def _received_rule(fold: "Fold", _index: int, record: Received) -> str | None:
    if record.fen <= 0:
        return "SIGN"
    if record.payer == fold.code:
        return "PAIR"
    if record.purpose != "clearing":
        return None
    owed = owed_on(fold.writer, fold.code, record.month, record.number)
    late = owed is not None and record.fen > owed.drawn_fen + owed.arrears_fen
    return "EXCEEDS" if late else None


def _returned_rule(fold: "Fold", _index: int, record: Returned) -> str | None:
    key = transfer_key(record.purpose, record.month, record.number, record.payee, record.attempt)
    return "ORIGINAL" if find(fold.writer, fold.code, Paid, key) is None else None


def _instruction_rule(fold: "Fold", _index: int, record: Instruction) -> str | None:
    keys = [transfer_key(p.purpose, p.month, p.number, p.payee, p.attempt) for p in record.payments]
    if keys != sorted(set(keys)):
        return "ORDER"
    if min(payment.fen for payment in record.payments) <= 0:
        return "SIGN"
    if any(payment.payee == fold.code for payment in record.payments):
        return "PAIR"
    again = any(instructed(fold.writer, fold.code, key) is not None for key in keys)
    return "DUPLICATE" if again else None


def _draw_rule(fold: "Fold", _index: int, record: Draw) -> str | None:
    if record.debtor in (fold.code, CENTRE):
        return "PAIR"
    if min(record.drawn_fen, record.arrears_fen) < 0 or record.drawn_fen + record.arrears_fen <= 0:
        return "SIGN"
    if record.due >= record.seen:
        return "ORDER"
    held = held_prepayment(fold.writer, fold.code, record.debtor)
    if record.drawn_fen > held:
        return "EXCEEDS"
    return "SUM" if record.arrears_fen and record.drawn_fen < held else None


def _shortfall_rule(fold: "Fold", _index: int, record: Shortfall) -> str | None:
    codes = [share.code for share in record.shares]
    if codes != sorted(set(codes)) or CENTRE in codes or record.due >= record.seen:
        return "ORDER"
    if not codes or min(share.fen for share in record.shares) <= 0:
        return "SIGN"
    if sum(share.fen for share in record.shares) != record.fen:
        return "SUM"
    confirmed = find(fold.writer, CENTRE, Confirmation, month_key(record.month))
    return None if confirmed is not None else "STATE"


def _quota_rule(fold: "Fold", index: int, record: Quota) -> str | None:
    in_force = ruleset_at(fold.writer, index)
    if in_force is None or hash_bytes(in_force.text) != record.ruleset_hash:
        return "RULESET"
    rules = parse_ruleset(in_force.text).prepayment
    if rules is None:
        return "RULESET"
    confirmed = [month for month, _ in confirmed_months(fold.writer)]
    try:
        months = basis_months(confirmed, record.year, rules.quota.basis)
    except RefusedError:
        return "MONTH"
    if record.months != months:
        return "MONTH"
    pairs = [(row.debtor, row.creditor) for row in record.rows]
    if pairs != sorted(set(pairs)) or not (pairs or months):
        return "ORDER"
    if any(debtor == creditor or CENTRE in (debtor, creditor) for debtor, creditor in pairs):
        return "PAIR"
    if any(row.fen <= 0 for row in record.rows):
        return "SIGN"
    digest = quota_hash(record.year, record.ruleset_hash, months, record.rows)
    return None if digest == record.result_hash else "SUM"


def _demand_rule(fold: "Fold", _index: int, record: Demand) -> str | None:
    first = last_row(fold.writer, record.month) + 1
    if [row.number for row in record.rows] != [*range(first, first + len(record.rows))]:
        return "ORDER"
    pairs = [(row.debtor, row.creditor) for row in record.rows]
    if pairs != sorted(set(pairs)):
        return "ORDER"
    if any(debtor == creditor or CENTRE in (debtor, creditor) for debtor, creditor in pairs):
        return "PAIR"
    codes = [head.code for head in record.heads]
    if codes != sorted(set(codes)) or CENTRE in codes or bool(codes) != (record.cause == "yearly"):
        return "ORDER"
    if record.cause == "yearly":
        if record.month[5:] != "01":
            return "MONTH"
        if not all(row.fen for row in record.rows):
            return "SIGN"
        fixed = quota_of(fold.writer, int(record.month[:4]))
        return None if fixed and demand_for(fold.writer, record.month) is None else "STATE"
    if len(pairs) != 1:
        return "ORDER"
    if record.rows[0].fen < 0:
        return "SIGN"
    confirmed = find(fold.writer, CENTRE, Confirmation, month_key(record.month))
    answered = demand_for(fold.writer, record.month, *pairs[0])
    return None if confirmed is not None and answered is None else "STATE"


def _increase_rule(fold: "Fold", _index: int, record: Increase) -> str | None:
    # Whether an alert stood is in other logs: a request without one is answered by nobody.
    if record.debtor in (fold.code, CENTRE):
        return "PAIR"
    return None if record.fen > 0 else "SIGN"


def _genesis_rule(fold: "Fold", index: int, record: Genesis) -> str | None:
    return None if index == 0 and record.genesis == fold.roster.genesis else "STATE"


def _ruleset_rule(_fold: "Fold", _index: int, record: RuleSet) -> str | None:
    try:
        return None if parse_ruleset(record.text).name == record.name else "RULESET"
    except FormError:
        return "RULESET"


def _holidays_rule(_fold: "Fold", _index: int, record: Holidays) -> str | None:
    try:
        table = parse_holidays(record.text)
    except FormError:
        return "HOLIDAYS"
    return None if (table.name, table.year) == (record.name, record.year) else "HOLIDAYS"


def _breach_rule(_fold: "Fold", _index: int, record: Breach) -> str | None:
    return None if record.due < record.seen else "ORDER"


def _year_rule(_fold: "Fold", _index: int, record: YearClose) -> str | None:
    names = [closed.month for closed in record.months]
    if names != months_between(names[0], f"{record.year}-12") if names else True:
        return "MONTH"
    return "MONTH" if names[0][:4] != str(record.year) or record.through < names[-1] else None


RULES: dict[type[Record], Callable[[Any, int, Any], str | None]] = {
    Settlement: _settlement_rule,
    Reversal: _reversal_rule,
    Acceptance: _acceptance_rule,
    Release: _release_rule,
    Registration: _registration_rule,
    Institution: _institution_rule,
    Barring: _barring_rule,
    Reimbursement: _reimbursement_rule,
    Dispute: _dispute_rule,
    DisputeAnswer: _answer_rule,
    Escalation: _escalation_rule,
    DisputeRuling: _dispute_ruling_rule,
    Proposal: _proposal_rule,
    Withdrawal: _revision_rule,
    Confirmation: _revision_rule,
    Ruling: _ruling_rule,
    Certificate: _certificate_rule,
    Paid: _paid_rule,
    Received: _received_rule,
    Returned: _returned_rule,
    Instruction: _instruction_rule,
    Draw: _draw_rule,
    Shortfall: _shortfall_rule,
    Quota: _quota_rule,
    Demand: _demand_rule,
    Increase: _increase_rule,
    Genesis: _genesis_rule,
    Admission: membership.admission_rule,
    Rotation: membership.rotation_rule,
    KeyChange: membership.key_change_rule,
    Freeze: membership.freeze_rule,
    Continuation: membership.continuation_rule,
    Operator: approval.operator_rule,
    Breach: _breach_rule,
    YearClose: _year_rule,
    RuleSet: _ruleset_rule,
    Holidays: _holidays_rule,
}


def _pair(record: Settlement | Reversal) -> tuple[str, str]:
    return record.treatment_area, record.insured_area


def _amounts(lines: Lines) -> tuple[int, int, int, int]:
    return lines.employee, lines.resident, lines.other, lines.account
