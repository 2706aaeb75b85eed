"""What a hospital sends is read strictly; a row says what was claimed, and nothing else passes."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import FormError, VerificationError
from ledger.signature import public_key
from settlement.casefile import MONEY_COLUMNS, CaseRow, check_row, encode_case
from settlement.claim import CLAIM, Fee, bears_out, read_claim, refund_of, row_of, total_of
from settlement.determination import Determined, check, determine
from tests.network import QINGHAI, SICHUAN, seed

TOKEN = "630100-ABCDEFGHIJKLMNOPQRSTUVWX23"
GOOD: dict[str, Any] = {
    "setl_id": "C1", "mdtrt_id": "V1", "person": TOKEN, "institution": "H51010000059",
    "med_type": "21", "begndate": "2017-03-01", "enddate": "2017-03-05",
    "setl_time": "2017-03-05T10:00:00+08:00",
    "fees": [
        {"category": "09", "class_a": "100.00", "class_b": "50.50", "self_paid": "7.00"},
        {"category": "01", "over_limit": "0.05"},
    ],
}  # fmt: skip


def read(**changes: Any) -> Any:
    return read_claim(json.dumps({**GOOD, **changes}).encode())


def test_a_claim_is_read_and_comes_back_from_its_bytes() -> None:
    claim = read()
    assert claim.fees == [Fee("09", 10_000, 5_050, 700, 0), Fee("01", 0, 0, 0, 5)]
    assert (claim.insured, claim.service, claim.treatment_area) == ("630000", "inpatient", "510100")
    assert CLAIM.decode(CLAIM.encode(claim)) == claim


def test_the_directory_says_in_which_area_an_institution_is() -> None:
    assert read_claim(json.dumps(GOOD).encode(), lambda _: "510104").treatment_area == "510104"


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"setl_id": "A 1"}, "setl_id"), ({"setl_id": "x" * 65}, "setl_id"),
        ({"person": "630100-abc"}, "person"), ({"person": "990100" + TOKEN[6:]}, "area"),
        ({"person": "510100" + TOKEN[6:]}, "person"), ({"institution": "H5101"}, "institution"),
        ({"med_type": "99"}, "med_type"), ({"med_type": 21}, "med_type"),
        ({"begndate": "2017-03-06"}, "enddate"), ({"enddate": "2017-03-32"}, "enddate"),
        ({"setl_time": "2017-03-05"}, "time"),
        ({"setl_time": "2017-03-04T10:00:00+08:00"}, "enddate"),
        ({"fees": []}, "fees"), ({"fees": [{"category": "15"}]}, "category"),
        ({"fees": [{"category": "01"}]}, "above zero"),
        ({"fees": [{"category": "01", "class_a": "1.00"}] * 2}, "once"),
        ({"fees": [{"category": "01", "class_a": "1"}]}, "fees[0].class_a"),
        ({"fees": [{"category": "01", "class_a": "-1.00"}]}, "fees[0].class_a"),
        ({"fees": [{"category": "01", "class_a": 1.0}]}, "class_a"),
        ({"fees": [{"category": "01", "class_a": "1000000000.01"}]}, "fees[0].class_a"),
        ({"fees": [{"category": "01", "class_d": "1.00"}]}, "class_d"),
        ({"name": "Zhang San"}, "name"), ({"emergency": "yes"}, "emergency"),
    ],
)  # fmt: skip
def test_one_fault_is_refused_and_named(changes: dict[str, Any], place: str) -> None:
    with pytest.raises(FormError) as refused:
        read(**changes)
    assert place in str(refused.value)


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"\xff", b"null", b'{"setl_id":"A"}', b"x" * 70_000]
)
def test_what_is_no_claim_is_refused(data: bytes) -> None:
    with pytest.raises(FormError):
        read_claim(data)


def amounts(total: int, fund: int) -> dict[str, int]:
    given = dict.fromkeys(MONEY_COLUMNS, 0)
    own = total - fund
    return given | {
        "medfee_sumamt": total, "inscp_amt": total, "hifp_pay": fund, "fund_pay_sumamt": fund,
        "psn_pay": own, "cash_payamt": own,
    }  # fmt: skip


def row() -> CaseRow:
    claim = read()
    return row_of(claim, "P1", "310", amounts(sum(map(total_of, claim.fees)), 5_000))


def test_the_row_of_a_claim_passes_and_bears_it_out() -> None:
    assert check_row(row()) == []
    assert bears_out(read(), row())


@pytest.mark.parametrize(
    "changes",
    [
        {"setl_id": "C2"}, {"mdtrt_id": "V2"}, {"medfee_sumamt": "157.54"}, {"med_type": "22"},
        {"fixmedins_code": "H51010000060"}, {"setl_time": "2017-03-06T10:00:00+08:00"},
        {"insuplc_admdvs": "630200"}, {"refd_setl_flag": "1"}, {"enddate": "2017-03-04"},
    ],
)  # fmt: skip
def test_a_row_about_anything_else_does_not(changes: dict[str, str]) -> None:
    assert not bears_out(read(), row()._replace(**changes))


@given(st.lists(st.integers(1, 900), max_size=4))
def test_a_refund_takes_back_exactly_what_is_left(parts: list[int]) -> None:
    original = row()
    rows = [original]
    for number, fen in enumerate(parts):
        taken = row_of(read(), "P1", "310", {c: -v for c, v in amounts(fen, fen).items()})
        rows.append(taken._replace(setl_id=f"R{number}", init_setl_id="C1", refd_setl_flag="1"))
    refund = refund_of(rows, "RX", "2017-04-01T10:00:00+08:00")
    assert check_row(refund) == []
    for column in MONEY_COLUMNS:
        cents = [int(getattr(r, column).replace(".", "")) for r in [*rows, refund]]
        assert sum(cents) == 0


def test_a_determination_holds_for_its_claim_and_its_row_alone() -> None:
    key, network, case = seed(QINGHAI, "entry"), bytes(32), encode_case(row())
    claim_hash = read().hash
    signature = determine(key, network, SICHUAN, QINGHAI, "C1", claim_hash, case, 7)
    found = Determined(case, bytes(32), claim_hash, 7, signature, [], [])
    check(
        found,
        network,
        SICHUAN,
        QINGHAI,
        "C1",
        [public_key(seed(SICHUAN, "entry")), public_key(key)],
    )
    other = encode_case(row()._replace(psn_no="P2"))
    for wrong in (
        Determined(other, bytes(32), claim_hash, 7, signature, [], []),
        Determined(case, bytes(32), bytes(32), 7, signature, [], []),
        Determined(case, bytes(32), claim_hash, 8, signature, [], []),
    ):
        with pytest.raises(VerificationError, match="not by 630000"):
            check(wrong, network, SICHUAN, QINGHAI, "C1", [public_key(key)])
    for setl_id, treatment, net in (
        ("C2", SICHUAN, network),
        ("C1", "540000", network),
        ("C1", SICHUAN, b"\x01" * 32),
    ):
        with pytest.raises(VerificationError):
            check(found, net, treatment, QINGHAI, setl_id, [public_key(key)])
