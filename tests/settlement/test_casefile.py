"""The case file: what must hold in one row, one fault at a time; commitments."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import FormError
from settlement.casefile import (
    FAULTS,
    check_case,
    check_row,
    commitment,
    decode_case,
    encode_case,
    lines_of,
    record_of,
)
from settlement.record import Lines, Reversal, Settlement
from tests.network import case_row, refund_of

SALT = bytes(range(32))

ONE_FAULT: list[tuple[dict[str, str], str, str]] = [
    ({"setl_id": ""}, "setl_id", "ID"),
    ({"setl_id": "A 1"}, "setl_id", "ID"),
    ({"psn_no": "张三"}, "psn_no", "ID"),
    ({"mdtrtarea_admvs": "990000"}, "mdtrtarea_admvs", "AREA"),
    ({"insuplc_admdvs": "63010"}, "insuplc_admdvs", "AREA"),
    ({"insuplc_admdvs": "510700"}, "insuplc_admdvs", "SAME_PLACE"),
    ({"insutype": "999"}, "insutype", "CODE"),
    ({"clr_type": "99"}, "clr_type", "CODE"),
    ({"med_type": "11"}, "med_type", "CODE"),
    ({"refd_setl_flag": "2"}, "refd_setl_flag", "CODE"),
    ({"begndate": "2017-3-01"}, "begndate", "DATE"),
    ({"enddate": "2017-03-32"}, "enddate", "DATE"),
    ({"enddate": "2017-02-28"}, "enddate", "DATE_ORDER"),
    ({"setl_time": "2017-03-04T10:00:00+08:00"}, "enddate", "DATE_ORDER"),
    ({"setl_time": "2017-03-05 10:00:00"}, "setl_time", "TIME"),
    ({"cash_payamt": "20"}, "cash_payamt", "AMOUNT"),
    ({"othfund_pay": "6,00"}, "othfund_pay", "AMOUNT"),
    ({"preselfpay_amt": "-3.00"}, "preselfpay_amt", "SIGN"),
    ({"medfee_sumamt": "100.01"}, "medfee_sumamt", "SUM_TOTAL"),
    ({"acct_pay": "9.01"}, "psn_pay", "SUM_PERSON"),
    ({"hifp_pay": "50.01"}, "fund_pay_sumamt", "SUM_FUND"),
    ({"refd_setl_flag": "1"}, "refd_setl_flag", "REFUND"),
]


def test_a_row_in_which_everything_adds_up_has_no_fault() -> None:
    assert check_row(case_row()) == []
    assert check_row(refund_of(case_row())) == []


@pytest.mark.parametrize(("changes", "column", "code"), ONE_FAULT)
def test_each_single_fault_is_named_with_its_column(
    changes: dict[str, str], column: str, code: str
) -> None:
    found = check_row(case_row(**changes))
    assert [(f.column, f.code) for f in found] == [(column, code)]
    assert found[0].text == FAULTS[code]


def test_a_refund_without_its_flag_and_one_of_itself_are_named() -> None:
    refund = refund_of(case_row())
    assert [f.code for f in check_row(refund._replace(refd_setl_flag="0"))] == ["REFUND"]
    assert [f.code for f in check_row(refund._replace(setl_id="A1"))] == ["REFUND"]
    assert "SIGN" in [f.code for f in check_row(refund._replace(cash_payamt="20.00"))]


def test_every_fault_of_a_row_is_reported_at_once() -> None:
    found = check_row(case_row(setl_id="", insutype="1", medfee_sumamt="1.00"))
    assert [f.code for f in found] == ["ID", "CODE", "SUM_TOTAL"]


def test_the_pool_is_the_employees_or_the_residents_line_by_insurance() -> None:
    assert lines_of(case_row()) == Lines(5_000, 0, 2_100, 900)
    assert lines_of(case_row(insutype="390")) == Lines(0, 5_000, 2_100, 900)


def test_the_record_of_a_row_says_what_the_row_says() -> None:
    record = record_of(case_row(), SALT)
    assert isinstance(record, Settlement)
    assert (record.month, record.lines) == ("2017-03", Lines(5_000, 0, 2_100, 900))
    refund = record_of(refund_of(case_row()), SALT)
    assert isinstance(refund, Reversal)
    assert (refund.original_id, refund.lines) == ("A1", Lines(-5_000, 0, -2_100, -900))


def test_the_same_case_with_another_salt_is_another_commitment() -> None:
    case = encode_case(case_row())
    assert commitment(case, SALT) != commitment(case, bytes(32))
    assert commitment(case, SALT) == record_of(case_row(), SALT).commitment


def test_the_insured_province_finds_each_kind_of_difference() -> None:
    row = case_row()
    record = record_of(row, SALT)
    case = encode_case(row)
    assert check_case(record, case, SALT) is None
    assert check_case(record, encode_case(row._replace(psn_no="P2")), SALT) == "COMMITMENT"
    assert check_case(record, case, bytes(32)) == "COMMITMENT"
    wrong_sum = encode_case(row._replace(medfee_sumamt="1.00"))
    assert check_case(_committed(record, wrong_sum), wrong_sum, SALT) == "ROW"
    assert check_case(_committed(record, b"\x00"), b"\x00", SALT) == "ROW"
    dearer = encode_case(row._replace(acct_pay="10.00", cash_payamt="19.00"))
    assert check_case(_committed(record, dearer), dearer, SALT) == "AMOUNT"
    elsewhere = encode_case(row._replace(mdtrtarea_admvs="510700"))
    assert check_case(_committed(record, elsewhere), elsewhere, SALT) == "FIELDS"


def _committed(record: Any, case: bytes) -> Any:
    values = {name: getattr(record, name) for name in record.__struct_fields__}
    return type(record)(**{**values, "commitment": commitment(case, SALT)})


@given(st.integers(0, 30), st.text(max_size=64))
def test_a_case_file_survives_its_bytes(column: int, value: str) -> None:
    row = case_row(**{case_row()._fields[column]: value})
    assert decode_case(encode_case(row)) == row


@given(st.binary(max_size=80))
def test_no_bytes_bring_the_case_reader_down(data: bytes) -> None:
    with pytest.raises(FormError):
        decode_case(data)
