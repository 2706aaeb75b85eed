"""Registrations, institutions, barrings and reimbursements in a log: every way to be void."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import FormError
from settlement import lookup
from settlement.party import CENTRE
from settlement.recheck import check_store
from settlement.record import (
    Barring,
    Institution,
    Lines,
    Registration,
    Reimbursement,
    decode_body,
)
from settlement.reimbursement import (
    Refunded,
    check_refunded,
    commitment,
    decode_refunded,
    encode_refunded,
    lines_of,
    record_of,
)
from settlement.state import total_at
from tests.network import QINGHAI, SICHUAN, TIBET, Logs
from tests.registry import TOKEN, institution


@pytest.fixture
def logs() -> Logs:
    return Logs()


def registration(revision: int = 1, status: str = "active", name: str = "R1") -> Registration:
    return Registration(name, revision, status, bytes(32))


def barring(state: str = "barred", name: str = "B1", **changes: Any) -> Barring:
    values = {"insured": QINGHAI, "reason": "lent the card", "commitment": bytes(32), **changes}
    return Barring(barring_id=name, state=state, **values)


def reimbursement(**changes: Any) -> Reimbursement:
    values = {
        "reimbursement_id": "M1", "month": "2017-03", "treatment_area": "510100",
        "insured_area": "630100", "insutype": "310", "clr_type": "21",
        "lines": Lines(1_000, 0, 0, 0), "commitment": bytes(32), **changes,
    }  # fmt: skip
    return Reimbursement(**values)


# --- registrations -------------------------------------------------------------------------------


def test_a_registration_is_filed_changed_suspended_resumed_and_ended(logs: Logs) -> None:
    steps = ["active", "active", "suspended", "active", "terminated"]
    for revision, status in enumerate(steps, 1):
        assert logs.add(QINGHAI, registration(revision, status)) is None
        last = lookup.latest_revision(logs.store, QINGHAI, Registration, "R1")
        assert isinstance(last, Registration)
        assert (last.revision, last.status) == (revision, status)
    assert check_store(logs.store, logs.roster) == []


@pytest.mark.parametrize(
    ("before", "record", "code"),
    [
        ([], registration(2), "ORDER"),
        (["active"], registration(1), "DUPLICATE"),
        (["active"], registration(3), "ORDER"),
        ([], registration(1, "suspended"), "STATE"),
        ([], registration(1, "terminated"), "STATE"),
        (["active", "suspended"], registration(3, "suspended"), "STATE"),
        (["active", "terminated"], registration(3, "active"), "STATE"),
        (["active", "terminated"], registration(3, "suspended"), "STATE"),
        (["active", "terminated"], registration(3, "terminated"), "STATE"),
    ],
)
def test_a_registration_goes_on_by_its_revisions_and_never_comes_back(
    logs: Logs, before: list[str], record: Registration, code: str
) -> None:
    for revision, status in enumerate(before, 1):
        assert logs.add(QINGHAI, registration(revision, status)) is None
    assert logs.add(QINGHAI, record) == code


@given(st.lists(st.sampled_from(["active", "suspended", "terminated"]), max_size=8))
def test_whatever_is_tried_nothing_follows_the_end(tried: list[str]) -> None:
    logs = Logs()
    counted: list[str] = []
    for status in tried:
        if logs.add(QINGHAI, registration(len(counted) + 1, status)) is None:
            counted.append(status)
    assert "terminated" not in counted[:-1]
    assert counted[:1] in ([], ["active"])
    assert all(a != b or a == "active" for a, b in pairwise(counted))


# --- institutions --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "code"),
    [
        (institution(area="540102"), "PAIR"),
        (institution(area="990100"), "PAIR"),
        (institution(code="H54010000001"), "PAIR"),
        (institution(code="H99010000001"), "PAIR"),
        (institution(revision=2), "ORDER"),
        (institution(services=["outpatient", "inpatient"]), "ORDER"),
        (institution(services=["inpatient", "inpatient"]), "ORDER"),
    ],
)
def test_an_institution_stands_in_the_log_of_its_province(
    logs: Logs, record: Institution, code: str
) -> None:
    assert logs.add(SICHUAN, record) == code
    assert lookup.institutions(logs.store, SICHUAN) == []
    assert list(lookup.directory(logs.store, SICHUAN)) == []


def test_revisions_of_an_institution_follow_one_by_one(logs: Logs) -> None:
    moved = institution(revision=2, area="510700", name="成都第一医院（新址）")
    assert logs.add(SICHUAN, institution(), moved) is None
    assert logs.add(SICHUAN, institution()) == "DUPLICATE"
    assert logs.add(SICHUAN, institution(revision=4)) == "ORDER"
    assert lookup.institution(logs.store, SICHUAN, moved.code) == moved
    assert lookup.institutions(logs.store, SICHUAN) == [moved]
    places = [place for place, _ in lookup.directory(logs.store, SICHUAN)]
    assert places == [f"510700{moved.code}"]  # and no longer where it was
    assert check_store(logs.store, logs.roster) == []


@pytest.mark.parametrize("name", ["İ̱stanbul", "ẞ", "Å", "医院", "HOSPITAL"])
def test_no_name_brings_a_replica_down(logs: Logs, name: str) -> None:
    assert logs.add(SICHUAN, institution(name=name)) in (None, "KIND")


# --- persons who are barred ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "code"),
    [
        (barring(name="B2", insured=SICHUAN), "PAIR"),
        (barring(name="B2", insured=CENTRE), "PAIR"),
        (barring(), "DUPLICATE"),
        (barring("restored", "B9"), "STATE"),
        (barring("restored", commitment=bytes([1]) * 32), "STATE"),
        (barring("restored", insured=TIBET), "PAIR"),
    ],
)
def test_a_barring_is_of_a_person_insured_elsewhere_and_taken_back_as_it_was_said(
    logs: Logs, record: Barring, code: str
) -> None:
    assert logs.add(SICHUAN, barring()) is None
    assert logs.add(SICHUAN, record) == code
    assert logs.add(SICHUAN, barring("restored")) is None
    assert logs.add(SICHUAN, barring("restored")) == "DUPLICATE"


# --- manual reimbursement ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "code"),
    [
        (reimbursement(insured_area="510100", treatment_area="630100"), "PAIR"),
        (reimbursement(treatment_area="630200"), "PAIR"),
        (reimbursement(treatment_area="990100"), "PAIR"),
        (reimbursement(lines=Lines(0, -1, 5, 0)), "SIGN"),
        (reimbursement(reimbursement_id="M0"), "DUPLICATE"),
    ],
)
def test_a_reimbursement_is_the_insured_provinces_and_not_below_zero(
    logs: Logs, record: Reimbursement, code: str
) -> None:
    assert logs.add(QINGHAI, reimbursement(reimbursement_id="M0")) is None
    assert logs.add(QINGHAI, record) == code


def test_a_reimbursement_owes_nobody_anything(logs: Logs) -> None:
    logs.add(QINGHAI, reimbursement())
    for code in (SICHUAN, TIBET):
        assert total_at(logs.store, QINGHAI, code, 1) == {}


def test_the_centre_writes_none_of_these(logs: Logs) -> None:
    for record in (registration(), institution(), barring(), reimbursement()):
        assert logs.add(CENTRE, record) == "ROLE"


@pytest.mark.parametrize(
    "record",
    [
        registration(status="lost"), registration(0), institution(level=4),
        institution(services=["dental"]), institution(state="closed"), institution(name=""),
        institution(code="H5101"), barring("lifted"), reimbursement(insutype="x"),
    ],
)  # fmt: skip
def test_a_field_out_of_its_set_is_no_record(record: Any) -> None:
    with pytest.raises(FormError):
        decode_body(record.kind, record.encode())


def refunded(**changes: Any) -> Refunded:
    values = {
        "reimbursement_id": "M1", "token": TOKEN, "psn_no": "P1", "insutype": "310",
        "insured_area": "630100", "treatment_area": "510104", "clr_type": "21",
        "paid_on": "2017-04-02", "bill_fen": 5_000, "lines": Lines(1_000, 0, 200, 0), **changes,
    }  # fmt: skip
    return Refunded(**values)


def test_a_reimbursement_says_month_areas_and_lines_and_commits_to_the_rest() -> None:
    content = encode_refunded(refunded())
    record = record_of(refunded(), bytes(32))
    assert (record.month, record.lines) == ("2017-04", Lines(1_000, 0, 200, 0))
    assert record.commitment == commitment(content, bytes(32)) != commitment(content, b"x" * 32)
    assert b"P1" not in record.encode()
    assert decode_refunded(content) == check_refunded(refunded())


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"reimbursement_id": ""}, "reimbursement_id"), ({"clr_type": "51"}, "clr_type"),
        ({"treatment_area": "630200"}, "treatment_area"), ({"paid_on": "2017-4-2"}, "paid_on"),
        ({"bill_fen": 1_199}, "lines"), ({"lines": Lines(0, 0, 0, 0)}, "lines"),
        ({"lines": Lines(-1, 0, 2, 0)}, "employee"), ({"insutype": "1"}, "insutype"),
    ],
)  # fmt: skip
def test_a_wrong_field_of_a_reimbursement_is_named(changes: dict[str, Any], place: str) -> None:
    with pytest.raises(FormError) as error:
        check_refunded(refunded(**changes))
    assert error.value.place == place


def test_fund_lines_are_named() -> None:
    assert lines_of({"employee": 5}) == Lines(5, 0, 0, 0)
    for wrong in ({"pool": 5}, [5], None):
        with pytest.raises(FormError):
            lines_of(wrong)
