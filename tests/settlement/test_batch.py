"""A month's batch: attestation, confirmation, legs, certificate."""

from dataclasses import replace
from typing import Any

import pytest

from ledger import log
from ledger.errors import FormError, RefusedError, UncheckableError, VerificationError
from ledger.table import log_key
from settlement import batch as batches
from settlement import leg as legs
from settlement import lookup
from settlement.cut import contradicted, cut_hash, missing
from settlement.netting import LegDue
from settlement.party import CENTRE
from settlement.record import (
    Attestation,
    Certificate,
    Net,
    Paid,
    Place,
    Proposal,
    Received,
    Ruling,
    Silence,
)
from settlement.report import month_report
from tests.network import QINGHAI, SICHUAN, TIBET, Logs, reversal, settlement

MONTH = "2017-03"
FIVE = ("110000", "120000", SICHUAN, TIBET, QINGHAI)


def made(codes: tuple[str, ...] = (SICHUAN, TIBET, QINGHAI)) -> Logs:
    logs = Logs(codes)
    logs.add(SICHUAN, settlement("A1", 1_000), settlement("T1", 300, insured="540100"))
    logs.add(TIBET, settlement("B1", 450, treated="540100", insured="510100"))
    logs.accept(QINGHAI, SICHUAN)
    logs.accept(TIBET, SICHUAN)
    logs.accept(SICHUAN, TIBET)
    return logs


def compute(logs: Logs, month: str = MONTH) -> batches.Result:
    size = logs.size(CENTRE)
    return batches.compute(logs.store, logs.roster, month, logs.cut(), size)


def propose(logs: Logs, month: str = MONTH, result: batches.Result | None = None) -> Proposal:
    found = result or compute(logs, month)
    nets = [Net(code, fen) for code, fen in sorted(found.nets.items())]
    revision = batches.next_revision(logs.store, month)
    proposal = Proposal(month, revision, logs.cut(), found.ruleset_hash, nets, found.hash, [])
    assert logs.add(CENTRE, proposal) is None
    return proposal


def attestation(logs: Logs, document: bytes | None = None, month: str = MONTH) -> Attestation:
    found = batches.latest_batch(logs.store, logs.roster, month)
    assert found is not None
    mine = batches.result_of(logs.store, logs.roster, month, found.revision)
    leaf = log.leaf(logs.store, log_key(CENTRE), found.proposal_index)
    return batches.attest(found.proposal, leaf, mine, document)


def batch(logs: Logs, month: str = MONTH) -> batches.Batch:
    found = batches.latest_batch(logs.store, logs.roster, month)
    assert found is not None
    return found


def tampered(result: batches.Result, **pairs: int) -> batches.Result:
    """Return a result whose pair sums are shifted by some fen, its nets made to fit."""
    cells = dict(result.pairs)
    nets = dict(result.nets)
    for name, fen in pairs.items():
        debtor, creditor = name[1:7], name[8:]
        cell = cells[debtor, creditor]
        cells[debtor, creditor] = cell._replace(employee=cell.employee + fen)
        nets[debtor] -= fen
        nets[creditor] += fen
    return replace(result, pairs=cells, nets=nets)


def test_a_month_nets_through_the_centre() -> None:
    result = compute(made())
    assert result.nets == {SICHUAN: 850, TIBET: 150, QINGHAI: -1_000}
    assert (result.entries, result.gross_fen) == (3, 1_750)
    assert [tuple(leg) for leg in result.legs] == [
        (1, QINGHAI, CENTRE, 1_000), (2, CENTRE, SICHUAN, 850), (3, CENTRE, TIBET, 150),
    ]  # fmt: skip


def test_a_month_without_a_rule_set_cannot_be_computed() -> None:
    logs = made()
    with pytest.raises(FormError, match="rule set"):
        batches.compute(logs.store, logs.roster, MONTH, logs.cut(), 1)


def test_the_same_result_is_a_match_that_names_the_cut() -> None:
    logs = made()
    proposal = propose(logs)
    mine = attestation(logs)
    assert mine.cells == []
    assert mine.result_hash == proposal.result_hash
    assert mine.cut_hash == cut_hash(proposal.cut)


def test_one_fen_shifted_between_two_provinces_is_named_with_both_amounts() -> None:
    logs = made()
    false = tampered(compute(logs), **{f"_{QINGHAI}_{SICHUAN}": 1})
    propose(logs, result=false)
    cells = attestation(logs, false.encode()).cells
    assert [(c.debtor, c.creditor, c.line, c.proposed_fen, c.computed_fen) for c in cells] == [
        (QINGHAI, SICHUAN, "employee", 1_001, 1_000),
        (SICHUAN, SICHUAN, "net", 851, 850),
        (QINGHAI, QINGHAI, "net", -1_001, -1_000),
    ]


def test_a_shift_that_leaves_all_nets_alone_is_found_too() -> None:
    logs = made()
    ring = {f"_{TIBET}_{SICHUAN}": 5, f"_{SICHUAN}_{TIBET}": 5}
    false = tampered(compute(logs), **ring)
    assert false.nets == compute(logs).nets
    propose(logs, result=false)
    cells = attestation(logs, false.encode()).cells
    assert {(c.debtor, c.creditor) for c in cells} == {(TIBET, SICHUAN), (SICHUAN, TIBET)}


def test_without_its_document_a_false_proposal_is_still_a_mismatch() -> None:
    logs = made()
    false = tampered(compute(logs), **{f"_{QINGHAI}_{SICHUAN}": 1})
    propose(logs, result=false)
    assert {c.line for c in attestation(logs).cells} == {"net"}
    assert {c.line for c in attestation(logs, b"another document").cells} == {"net"}


def test_a_hash_of_nothing_is_a_mismatch_even_if_all_amounts_agree() -> None:
    logs = made()
    propose(logs)
    found = batch(logs)
    leaf = log.leaf(logs.store, log_key(CENTRE), found.proposal_index)
    other = replace(compute(logs), ruleset_hash=bytes(32))
    assert batches.attest(found.proposal, leaf, other, None).cells != []


def test_a_batch_goes_from_proposed_over_attested_to_confirmed() -> None:
    logs = made()
    propose(logs)
    assert batch(logs).state == "PROPOSED"
    for code in (SICHUAN, TIBET, QINGHAI):
        logs.add(code, attestation(logs))
    assert batch(logs).state == "ATTESTED"
    confirmation = batches.confirm(logs.store, logs.roster, batch(logs))
    assert [place.code for place in confirmation.matches] == [SICHUAN, TIBET, QINGHAI]
    assert logs.add(CENTRE, confirmation) is None
    assert batch(logs).state == "CONFIRMED"


def test_a_confirmation_is_as_old_as_its_place_in_the_centres_log() -> None:
    logs = confirmed()
    size = logs.size(CENTRE)
    found = batches.latest_batch(logs.store, logs.roster, MONTH, size - 1)
    assert found is not None
    assert found.state == "ATTESTED"
    assert batches.latest_batch(logs.store, logs.roster, MONTH, 2) is None


def test_one_mismatch_holds_the_batch_until_it_is_dismissed_with_a_reason() -> None:
    logs = made(FIVE)
    propose(logs)
    for code in FIVE[:4]:
        logs.add(code, attestation(logs))
    false = attestation(logs)
    cells = [batches.Cell(QINGHAI, SICHUAN, "employee", 1, 2)]
    logs.add(QINGHAI, _with(false, cells=cells))
    assert batch(logs).state == "CONTESTED"
    with pytest.raises(VerificationError, match=QINGHAI):
        batches.confirm(logs.store, logs.roster, batch(logs))
    logs.add(CENTRE, Ruling(MONTH, 1, batch(logs).mismatches[QINGHAI], "their copy is old", []))
    confirmation = batches.confirm(logs.store, logs.roster, batch(logs))
    assert [d.mismatch.code for d in confirmation.dismissed] == [QINGHAI]


def test_a_silent_participant_needs_three_others_who_say_so() -> None:
    logs = made(FIVE)
    propose(logs)
    for code in FIVE[:4]:
        logs.add(code, attestation(logs))
    digest = batch(logs).proposal_hash
    logs.add(QINGHAI, Silence(MONTH, 1, digest, QINGHAI, []))  # about oneself: counts nothing
    for number, code in enumerate(FIVE[:3]):
        with pytest.raises(VerificationError, match=QINGHAI):
            batches.confirm(logs.store, logs.roster, batch(logs))
        logs.add(code, Silence(MONTH, 1, digest, QINGHAI, []))
        found = batches.silences(logs.store, logs.roster, batch(logs), QINGHAI)
        assert len(found) == number + 1
    confirmation = batches.confirm(logs.store, logs.roster, batch(logs))
    assert [s.code for s in confirmation.silent] == [QINGHAI]


def test_too_few_matches_are_no_quorum_whatever_else_is_listed() -> None:
    logs = made(FIVE)
    propose(logs)
    digest = batch(logs).proposal_hash
    for code in FIVE[:3]:
        logs.add(code, attestation(logs))
        logs.add(code, Silence(MONTH, 1, digest, TIBET, []), Silence(MONTH, 1, digest, QINGHAI, []))
    with pytest.raises(VerificationError, match="matches"):
        batches.confirm(logs.store, logs.roster, batch(logs))


def _with(record: Any, **changes: Any) -> Any:
    values = {name: getattr(record, name) for name in record.__struct_fields__}
    return type(record)(**{**values, **changes})


def confirmed() -> Logs:
    logs = made()
    propose(logs)
    for code in (SICHUAN, TIBET, QINGHAI):
        logs.add(code, attestation(logs))
    logs.add(CENTRE, batches.confirm(logs.store, logs.roster, batch(logs)))
    return logs


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"proposal_hash": bytes(32)}, "no proposal"),
        ({"result_hash": bytes(32)}, "result"),
        ({"matches": []}, "not accounted"),
        ({"matches": [Place(SICHUAN, 0)] * 3}, "no match"),
        ({"revision": 2}, "no proposal"),
    ],
)
def test_a_confirmation_is_counted_again_by_whoever_reads_it(
    changes: dict[str, Any], named: str
) -> None:
    logs = confirmed()
    index = lookup.find(logs.store, CENTRE, batches.Confirmation, lookup.month_key(MONTH))
    assert index is not None
    record: Any = lookup.entry_at(logs.store, CENTRE, index)[1]
    batches.check_confirmation(logs.store, logs.roster, record)
    with pytest.raises(VerificationError, match=named):
        batches.check_confirmation(logs.store, logs.roster, _with(record, **changes))


def test_listing_one_match_twice_accounts_for_nobody_else() -> None:
    logs = confirmed()
    record: Any = lookup.entry_at(logs.store, CENTRE, logs.size(CENTRE) - 1)[1]
    twice = _with(record, matches=[record.matches[0], *record.matches[:2]])
    with pytest.raises(VerificationError, match="once"):
        batches.check_confirmation(logs.store, logs.roster, twice)


def test_a_place_that_is_not_held_cannot_be_checked_yet() -> None:
    logs = confirmed()
    record: Any = lookup.entry_at(logs.store, CENTRE, logs.size(CENTRE) - 1)[1]
    ahead = _with(record, matches=[Place(SICHUAN, 99)])
    with pytest.raises(UncheckableError, match="99"):
        batches.check_confirmation(logs.store, logs.roster, ahead)


def test_a_cut_is_missing_or_contradicted_by_code() -> None:
    logs = made()
    cut = logs.cut()
    assert (missing(logs.store, cut), contradicted(logs.store, cut)) == ([], [])
    ahead = [_with(head, size=head.size + 1) if head.code == TIBET else head for head in cut]
    assert [head.code for head in missing(logs.store, ahead)] == [TIBET]
    other = [_with(head, root=bytes(32)) if head.code == TIBET else head for head in cut]
    assert [head.code for head in contradicted(logs.store, other)] == [TIBET]


def test_the_next_month_clears_only_what_is_new() -> None:
    logs = confirmed()
    logs.add(
        SICHUAN, settlement("A2", 70, month="2017-04"), reversal("R1", "A1", -100, month="2017-04")
    )
    logs.add(SICHUAN, settlement("A0", 9, month="2017-02"))  # late: carried into this batch
    logs.accept(QINGHAI, SICHUAN)
    result = compute(logs, "2017-04")
    assert {pair: a.fen for pair, a in result.pairs.items()} == {(QINGHAI, SICHUAN): -21}
    assert [tuple(leg) for leg in result.legs] == [
        (1, SICHUAN, CENTRE, 21), (2, CENTRE, QINGHAI, 21),
    ]  # fmt: skip


# --- legs ----------------------------------------------------------------------------------------


def month_legs(logs: Logs) -> list[legs.Leg]:
    return legs.legs_of(logs.store, compute_confirmed(logs))


def compute_confirmed(logs: Logs) -> batches.Result:
    return batches.result_of(logs.store, logs.roster, MONTH, 1)


def pay(logs: Logs, number: int, fen: int | None = None) -> None:
    due = month_legs(logs)[number - 1].due
    amount = due.fen if fen is None else fen
    logs.add(
        due.payer, Paid("clearing", MONTH, number, 1, due.payee, amount, "B1", "2017-04-15", [])
    )


def receive(logs: Logs, number: int) -> None:
    due = month_legs(logs)[number - 1].due
    logs.add(
        due.payee,
        Received("clearing", MONTH, number, 1, due.payer, due.fen, "B1", "2017-04-15", []),
    )


def test_money_goes_in_before_it_goes_out_and_ends_in_a_certificate() -> None:
    logs = confirmed()
    with pytest.raises(RefusedError, match="pays out after"):
        legs.may_pay(month_legs(logs), 2, CENTRE)
    for number in (1, 2, 3):
        legs.may_pay(month_legs(logs), number, month_legs(logs)[number - 1].due.payer)
        pay(logs, number)
        assert month_legs(logs)[number - 1].state == "PAID"
        receive(logs, number)
    assert {leg.state for leg in month_legs(logs)} == {"RECEIVED"}
    found = batch(logs)
    assert found.confirmation_index is not None
    certificate = legs.certificate(logs.store, MONTH, 1, found.confirmation_index, month_legs(logs))
    assert logs.add(CENTRE, certificate) is None
    assert batch(logs).state == "FINAL"
    report = month_report(logs.store, logs.roster, MONTH)
    assert report is not None
    assert (report["state"], report["gross_fen"]) == ("FINAL", 1_750)


def test_a_leg_is_paid_by_its_payer_received_by_its_payee_and_exists() -> None:
    found = month_legs(confirmed())
    for act, number, who, code in [
        (legs.may_pay, 1, SICHUAN, "ROLE"),
        (legs.may_receive, 1, QINGHAI, "ROLE"),
        (legs.may_receive, 1, CENTRE, "ORDER"),
        (legs.may_pay, 0, QINGHAI, "LEG"),
        (legs.may_pay, 4, QINGHAI, "LEG"),
    ]:
        with pytest.raises(RefusedError) as error:
            act(found, number, who)
        assert error.value.code == code


def test_a_payment_of_more_than_the_leg_moves_nothing_and_is_noted() -> None:
    logs = confirmed()
    pay(logs, 1, month_legs(logs)[0].due.fen + 1)
    leg = month_legs(logs)[0]
    assert leg.state == "DUE"
    assert "more than the leg asks for" in (leg.note or "")


def test_nothing_is_received_that_was_not_paid() -> None:
    logs = confirmed()
    receive(logs, 1)
    leg = month_legs(logs)[0]
    assert (leg.state, leg.note) == ("DUE", f"{CENTRE} #4: nothing of this amount was sent")
    pay(logs, 1)
    assert month_legs(logs)[0].state == "RECEIVED"


def test_no_certificate_while_a_leg_is_open() -> None:
    logs = confirmed()
    with pytest.raises(RefusedError, match=r"\[1, 2, 3\]"):
        legs.certificate(logs.store, MONTH, 1, 5, month_legs(logs))


def test_a_month_in_which_nobody_owes_has_no_legs_and_is_certified_at_once() -> None:
    logs = Logs()
    propose(logs)
    for code in logs.codes:
        logs.add(code, attestation(logs))
    logs.add(CENTRE, batches.confirm(logs.store, logs.roster, batch(logs)))
    assert month_legs(logs) == []
    index = batch(logs).confirmation_index
    assert index is not None
    assert isinstance(legs.certificate(logs.store, MONTH, 1, index, []), Certificate)


def test_a_leg_is_a_number_two_parties_and_an_amount() -> None:
    assert LegDue(1, QINGHAI, CENTRE, 5)._fields == ("number", "payer", "payee", "fen")
