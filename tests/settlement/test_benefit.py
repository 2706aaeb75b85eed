"""The benefit computation: worked examples as sentences, then what holds for every bill."""

from itertools import product
from typing import Any

import msgspec
import pytest

from ledger.errors import FormError, RefusedError
from settlement.benefit import split_bill
from settlement.bill import MAX_FEES, Bill, Columns, Fee, Visit, YearSoFar
from settlement.casefile import MONEY_COLUMNS
from settlement.money import format_yuan, round_thousandths
from settlement.piece import cut
from settlement.policy import Policy
from settlement.provision import (
    CATEGORIES,
    LEVELS,
    SERVICES,
    Band,
)
from settlement.record import MAX_FEN
from settlement.steps import STEPS
from tests.benefits import POLICIES, check_bill, fee, patient, split, visit

WORKED = visit(fee(class_a=21_500_00, self_paid=2_000_00, over_limit=500_00))
PROVINCIAL = patient(65, "provincial_employee", account_fen=1_000_00, use_account=True)


# --- examples ---------------------------------------------------------------------------------


def test_of_24000_yuan_the_fund_pays_18128_and_the_person_5872() -> None:
    bill = split("zhengzhou-example", WORKED, PROVINCIAL)
    assert bill.funds == [("310100", 18_128_00)]
    assert bill.columns.medfee_sumamt == 24_000_00
    assert (bill.columns.inscp_amt, bill.columns.act_pay_dedc) == (21_500_00, 900_00)
    assert (bill.columns.psn_pay, bill.columns.acct_pay) == (5_872_00, 1_000_00)
    assert bill.columns.cash_payamt == 4_872_00


def test_the_second_admission_of_the_year_halves_the_deductible() -> None:
    first = split("zhengzhou-example", WORKED, PROVINCIAL)
    second = split("zhengzhou-example", WORKED, PROVINCIAL, first.used)
    assert second.columns.act_pay_dedc == 450_00
    assert second.funds == [("310100", 18_524_00)]


def test_of_class_b_100_yuan_80_enter_the_base() -> None:
    bill = split("zhengzhou-example", visit(fee(class_b=100_00), service="outpatient"))
    assert (bill.columns.preselfpay_amt, bill.columns.inscp_amt) == (20_00, 80_00)


def test_a_bill_says_what_it_adds_to_the_year() -> None:
    who = patient(50, "civil_servant")
    first = split("qinghai-example", visit(fee(class_a=10_900_00)), who)
    assert first.used == YearSoFar(
        1, {"inpatient": 900_00}, {"inpatient": 8_500_00}, {"320100": 1_680_00}
    )
    visit_later = visit(fee(class_a=250_00), service="outpatient")
    second = split("qinghai-example", visit_later, who, first.used)
    assert first.used.plus(second.used) == YearSoFar(
        1,
        {"inpatient": 900_00, "outpatient": 50_00},
        {"inpatient": 8_500_00, "outpatient": 100_00},
        {"320100": 1_785_00},
    )


def test_a_threshold_of_the_year_is_borne_once() -> None:
    who, what = patient(40), visit(fee(class_a=5_600_00), insutype="390")
    first = split("qinghai-example", what, who)
    assert (first.columns.hifmi_pay, first.used.thresholds) == (0, {"390200": 2_850_00})
    second = split("qinghai-example", what, who, first.used)
    assert second.used.thresholds == {"390200": 2_150_00}
    # Deductible 420.00, pool 2,849.00; of the 2,751.00 left 601.00 lie above the threshold.
    assert second.columns.hifmi_pay == 480_80
    third = split("qinghai-example", what, who, first.used.plus(second.used))
    assert third.used.thresholds == {}


def test_each_fund_stands_in_its_column() -> None:
    who = patient(50, "civil_servant", "disabled_soldier", "veteran", "medical_aid", "enterprise")
    year = YearSoFar(pool_fen={"inpatient": 99_000_00})
    columns = split("qinghai-example", visit(fee(class_a=10_900_00)), who, year).columns
    assert (columns.hifp_pay, columns.hifob_pay) == (1_000_00, 6_750_00)
    assert (columns.cvlserv_pay, columns.othfund_pay) == (2_205_00, 945_00)
    year = YearSoFar(pool_fen={"inpatient": 400_000_00})
    columns = split("sichuan-example", visit(fee(class_a=10_800_00), level=2), who, year).columns
    assert columns.hifes_pay > 0
    assert columns.maf_pay > 0
    assert columns.hifmi_pay == 0


def test_two_funds_of_one_column_are_added_there_and_apart_in_the_list() -> None:
    half = [
        msgspec.structs.replace(layer, bands=[Band(per_mille=500)])
        if layer.fund == "350100"
        else layer
        for layer in POLICIES["qinghai-example"].layer
    ]
    policy = msgspec.structs.replace(POLICIES["qinghai-example"], layer=half)
    who = patient(50, "disabled_soldier", "veteran")
    bill = split_bill(policy, visit(fee(class_a=10_900_00)), who, YearSoFar())
    assert bill.funds[1:] == [("350100", 1_200_00), ("610200", 600_00)]
    assert bill.columns.othfund_pay == 1_800_00


def with_layers(*changes: dict[str, Any]) -> Policy:
    """Return the Qinghai example with layers for all employees; each change is one of them."""
    first = POLICIES["qinghai-example"].layer[0]
    layers = [msgspec.structs.replace(first, cap="none", **change) for change in changes]
    return msgspec.structs.replace(POLICIES["qinghai-example"], layer=layers)


def test_of_what_went_over_the_limit_a_second_fund_gets_what_the_first_left() -> None:
    policy = with_layers({"bands": [Band(per_mille=400)]}, {"fund": "999901"})
    year = YearSoFar(pool_fen={"inpatient": 95_000_00})
    bill = split_bill(policy, visit(fee(class_a=10_900_00)), patient(50), year)
    # 8,500.00 - 5,000.00 went over; 40 % of 3,500.00, then 90 % of the 2,100.00 that remain.
    assert bill.funds == [("310100", 5_000_00), ("330100", 1_400_00), ("999901", 1_890_00)]


def test_a_fund_with_two_layers_has_one_threshold_and_one_limit_of_the_year() -> None:
    yearly = {"base": "left", "threshold": "3000.00", "threshold_per": "year"}
    policy = with_layers(yearly, yearly)
    bill = split_bill(policy, visit(fee(class_a=10_900_00)), patient(50), YearSoFar())
    # 2,400.00 are left, all below the threshold; the second layer's is 600.00 of them.
    assert bill.used.thresholds == {"330100": 3_000_00}
    assert bill.funds == [("310100", 8_500_00), ("330100", 1_620_00)]
    again = split_bill(policy, visit(fee(class_a=10_900_00)), patient(50), bill.used)
    assert again.used.thresholds == {}


def test_an_amount_is_cut_at_the_ends_of_the_bands_without_empty_pieces() -> None:
    bands = [
        Band(per_mille=850, up_to="10.00"),
        Band(per_mille=900, up_to="20.00"),
        Band(per_mille=950),
    ]
    assert cut(0, bands) == []
    assert cut(1_000, bands) == [(1_000, 850)]
    assert cut(2_001, bands) == [(1_000, 850), (1_000, 900), (1, 950)]


def test_an_insurance_the_policy_does_not_speak_of_is_refused() -> None:
    with pytest.raises(
        RefusedError, match="zhengzhou-example does not speak of insurance 340"
    ) as e:
        split("zhengzhou-example", visit(insutype="340"))
    assert e.value.code == "INSUTYPE"


def test_half_a_fen_is_rounded_up_and_less_is_dropped() -> None:
    assert [round_thousandths(n) for n in (0, 499, 500, 1_499, 1_500)] == [0, 0, 1, 1, 2]
    big = MAX_FEN * 1000 + 500
    assert round_thousandths(big) == MAX_FEN + 1


# --- the basis ----------------------------------------------------------------------------------


def test_every_step_of_the_worked_example_can_be_read_out() -> None:
    year = YearSoFar(admissions=1)
    bill = split("zhengzhou-example", WORKED, PROVINCIAL, year)
    said = [(step.code, format_yuan(step.fen), step.parameter) for step in bill.steps]
    assert said == [
        ("TOTAL", "24000.00", ""),
        ("SELF_PAID", "2000.00", ""),
        ("OVER_LIMIT", "500.00", ""),
        ("CLASS_B", "0.00", "0.00 x 20.0 %"),
        ("IN_SCOPE", "21500.00", "24000.00 - 2000.00 - 500.00 - 0.00"),
        ("DEDUCTIBLE_STANDARD", "900.00", "900.00"),
        ("DEDUCTIBLE_LATER", "450.00", "900.00 x 1/2"),
        ("DEDUCTIBLE", "450.00", "min(450.00, 21500.00)"),
        ("BASE", "21050.00", "21500.00 - 450.00"),
        ("AGE_RATIO", "21050.00", "min(75.0 % + 65 x 0.2 %, 100.0 %) = 88.0 %"),
        ("REDUCTION", "21050.00", "0.0 %"),
        ("POOL_SHARE", "18524.00", "21050.00 x 88.0 %"),
        ("POOL", "18524.00", "none"),
        ("FUNDS", "18524.00", "18524.00"),
        ("PERSON", "5476.00", "24000.00 - 18524.00"),
        ("ACCOUNT", "1000.00", "min(1000.00, 5476.00)"),
        ("CASH", "4476.00", "5476.00 - 1000.00"),
    ]


def test_a_number_of_the_policy_is_shown_with_its_source_and_how_sure_it_is() -> None:
    bill = split("zhengzhou-example", WORKED, PROVINCIAL, YearSoFar(admissions=1))
    basis = {step.code: (step.source, step.certainty) for step in bill.steps}
    assert basis["DEDUCTIBLE_STANDARD"] == ("R55: provincial employee", "seed")
    assert basis["DEDUCTIBLE_LATER"] == ("R55: the second admission halves it", "seed")
    assert basis["AGE_RATIO"] == ("R54: (75 + age x 0.2) %", "seed")
    assert basis["REDUCTION"][1] == "memory"
    assert basis["TOTAL"] == ("", None)
    third = split("zhengzhou-example", WORKED, PROVINCIAL, YearSoFar(admissions=2))
    assert [s.certainty for s in third.steps if s.code == "DEDUCTIBLE_LATER"] == ["choice"]


def test_the_steps_of_a_fund_bear_its_name_and_code() -> None:
    year = YearSoFar(pool_fen={"inpatient": 95_000_00}, layers={"330100": 299_000_00})
    bill = split("qinghai-example", visit(fee(class_a=10_900_00)), patient(50), year)
    steps = [step for step in bill.steps if step.fund == "330100"]
    assert [(step.code, step.fen, step.parameter) for step in steps] == [
        ("LAYER_BASE_OVER_CAP", 3_500_00, ""),
        ("LAYER_SHARE", 3_150_00, "3500.00 x 90.0 %"),
        ("LAYER_LEFT", 1_000_00, "300000.00 - 299000.00"),
        ("LAYER", 1_000_00, ""),
    ]
    assert steps[-1].text == ("large-amount subsidy: paid by this fund",
                              "大额医疗费用补助：该基金支付")  # fmt: skip
    pool = [step for step in bill.steps if step.fund == "310100"]
    assert [step.parameter for step in pool] == ["100000.00 - 95000.00", "min(8500.00, 5000.00)"]


def test_every_step_has_a_text_in_both_languages() -> None:
    for text in STEPS.values():
        assert text.en.isascii()
        assert any("一" <= sign <= "鿿" for sign in text.zh)


# --- input from outside -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"visit": {"insutype": "330"}}, "visit insutype"),
        ({"visit": {"service": "dental"}}, "visit service"),
        ({"visit": {"level": 4}}, "visit level"),
        ({"visit": {"category": "tourist"}}, "visit category"),
        ({"visit": {"fees": [fee()] * (MAX_FEES + 1)}}, "visit fees"),
        ({"visit": {"fees": [fee(), fee(class_a=-1)]}}, r"visit fees\[1\].class_a"),
        ({"visit": {"fees": [fee(class_b=-1)]}}, r"visit fees\[0\].class_b"),
        ({"visit": {"fees": [fee(self_paid=-1)]}}, r"visit fees\[0\].self_paid"),
        ({"visit": {"fees": [fee(over_limit=MAX_FEN + 1)]}}, r"visit fees\[0\].over_limit"),
        ({"visit": {"fees": [fee(class_a=1.5)]}}, r"visit fees\[0\].class_a"),  # type: ignore[arg-type]
        ({"visit": {"fees": [fee(class_a=True)]}}, r"visit fees\[0\].class_a"),
        ({"visit": {"fees": [Fee("15", 1, 0, 0, 0)]}}, r"visit fees\[0\].category"),
        ({"visit": {"fees": [fee(class_a=MAX_FEN), fee(class_b=1)]}}, "visit fees: .* together"),
        ({"patient": {"age": -1}}, "patient age"),
        ({"patient": {"age": 131}}, "patient age"),
        ({"patient": {"flags": frozenset({"Civil Servant"})}}, "patient flags"),
        ({"patient": {"account_fen": -1}}, "patient account_fen"),
        ({"patient": {"use_account": 1}}, "patient use_account"),
        ({"year": {"admissions": -1}}, "year admissions"),
        ({"year": {"deductible_fen": {"inpatient": -1}}}, "year .*deductible_fen"),
        ({"year": {"pool_fen": {"dental": 1}}}, "year .*pool_fen"),
        ({"year": {"layers": {"32": 1}}}, "year .*layers"),
        ({"year": {"thresholds": {"390200": -1}}}, "year .*thresholds"),
    ],
)
def test_a_value_out_of_range_is_named(changes: dict[str, dict[str, Any]], place: str) -> None:
    what = msgspec.structs.replace(visit(fee(100_00)), **changes.get("visit", {}))
    who = msgspec.structs.replace(patient(), **changes.get("patient", {}))
    year = msgspec.structs.replace(YearSoFar(), **changes.get("year", {}))
    with pytest.raises(FormError, match=place):
        split("qinghai-example", what, who, year)


def test_the_largest_bill_is_computed_exactly() -> None:
    what = visit(fee(class_a=MAX_FEN))
    bill = split("zhengzhou-example", what, patient(65))
    check_bill(bill, what)
    assert bill.columns.hifp_pay == ((MAX_FEN - 600_00) * 880 + 500) // 1000


# --- every situation ----------------------------------------------------------------------------


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_in_every_situation_of_every_policy_the_bill_adds_up(policy: Policy) -> None:
    fees = [fee(1_23, 4_57, 8_90, 12), fee(7_654_32, 1_111_11)]
    every = patient(77, *flags_of(policy), account_fen=100_00, use_account=True)
    year = YearSoFar(3, pool_fen={"inpatient": 79_990_00, "outpatient": 199_99})
    for situation in product(sorted(policy.insutypes), SERVICES, LEVELS, CATEGORIES):
        what = Visit(*situation, fees)
        for who, so_far in ((patient(77), YearSoFar()), (every, year)):
            check_bill(split_bill(policy, what, who, so_far), what)


def flags_of(policy: Policy) -> list[str]:
    rows = [*policy.deductible, *policy.ratio, *policy.cap, *policy.layer]
    return sorted({flag for row in rows for flag in row.flags or ()})


def test_the_columns_are_those_of_the_case_row() -> None:
    assert Columns._fields == MONEY_COLUMNS


# --- what is not a law --------------------------------------------------------------------------


def paid_by(bill: Bill, fund: str) -> int:
    return dict(bill.funds).get(fund, 0)


def test_a_higher_ratio_of_the_pool_lowers_what_a_later_fund_pays() -> None:
    what, servant = visit(fee(class_a=10_900_00)), patient(50, "civil_servant")
    retired = patient(50, "civil_servant", "retired")
    low, high = split("qinghai-example", what, servant), split("qinghai-example", what, retired)
    assert paid_by(high, "310100") > paid_by(low, "310100")
    assert paid_by(high, "320100") < paid_by(low, "320100")


def test_a_flag_can_be_a_disadvantage() -> None:
    provincial = split("zhengzhou-example", WORKED, patient(65, "provincial_employee"))
    city = split("zhengzhou-example", WORKED, patient(65))
    assert provincial.columns.fund_pay_sumamt < city.columns.fund_pay_sumamt


def test_one_bill_in_two_parts_is_another_bill() -> None:
    whole = split("zhengzhou-example", visit(fee(class_a=2_000_00)))
    half = visit(fee(class_a=1_000_00))
    first = split("zhengzhou-example", half)
    second = split("zhengzhou-example", half, year=first.used)
    parts = first.columns.fund_pay_sumamt + second.columns.fund_pay_sumamt
    assert parts < whole.columns.fund_pay_sumamt
