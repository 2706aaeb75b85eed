"""Policies, patients and bills that tests of the benefit computation share."""

from importlib import resources
from typing import Any

from settlement.benefit import split_bill
from settlement.bill import Bill, Fee, Patient, Visit, YearSoFar
from settlement.casefile import check_row
from settlement.money import format_yuan
from settlement.policy import Policy, parse_policy
from settlement.provision import POOL_FUNDS, SERVICES
from tests.network import case_row

FILES = {
    path.name.removesuffix(".toml"): path.read_bytes()
    for path in resources.files("configs").joinpath("policies").iterdir()
    if path.name.endswith(".toml")
}
POLICIES: dict[str, Policy] = {name: parse_policy(text) for name, text in FILES.items()}
CLEARING = {"inpatient": ("21", "21"), "outpatient": ("11", "11"),
            "chronic": ("14", "11"), "pharmacy": ("41", "41")}  # fmt: skip


def fee(class_a: int = 0, class_b: int = 0, self_paid: int = 0, over_limit: int = 0) -> Fee:
    """Return one fee line of western medicine."""
    return Fee("09", class_a, class_b, self_paid, over_limit)


def visit(*fees: Fee, **changes: Any) -> Visit:
    """Return a tertiary stay of a resettled employee, with some parts changed."""
    given = {
        "insutype": "310", "service": "inpatient", "level": 3, "category": "resettled",
    }  # fmt: skip
    return Visit(**{**given, **changes}, fees=fees)


def patient(age: int = 65, *flags: str, account_fen: int = 0, use_account: bool = False) -> Patient:
    """Return a patient."""
    return Patient(age, frozenset(flags), account_fen, use_account)


def split(
    name: str, what: Visit, who: Patient | None = None, year: YearSoFar | None = None
) -> Bill:
    """Return the bill by a policy that comes with the program."""
    return split_bill(POLICIES[name], what, who or patient(), year or YearSoFar())


def check_bill(bill: Bill, what: Visit) -> None:
    """Assert everything that must hold in any bill; the case row has rules of its own."""
    columns = bill.columns
    med_type, clr_type = CLEARING[what.service]
    row = case_row(
        insutype=what.insutype,
        med_type=med_type,
        clr_type=clr_type,
        **{column: format_yuan(fen) for column, fen in columns._asdict().items()},
    )
    assert check_row(row) == []
    funds = dict(bill.funds)
    assert len(funds) == len(bill.funds)
    assert min(funds.values(), default=1) > 0
    assert sum(funds.values()) == columns.fund_pay_sumamt
    assert columns.medfee_sumamt == sum(funds.values()) + columns.acct_pay + columns.cash_payamt
    assert columns.medfee_sumamt == sum(
        line.class_a + line.class_b + line.self_paid + line.over_limit for line in what.fees
    )
    outside = columns.fulamt_ownpay_amt + columns.overlmt_selfpay + columns.preselfpay_amt
    assert columns.inscp_amt == columns.medfee_sumamt - outside
    assert columns.act_pay_dedc <= columns.inscp_amt
    assert columns.fund_pay_sumamt <= columns.inscp_amt
    pool = funds.pop(POOL_FUNDS[what.insutype], 0)
    assert columns.hifp_pay == pool == sum(bill.used.pool_fen.values())
    assert funds == bill.used.layers
    assert columns.act_pay_dedc == sum(bill.used.deductible_fen.values())
    assert set(bill.used.pool_fen) | set(bill.used.deductible_fen) <= {what.service} < {*SERVICES}
    assert bill.used.admissions == (what.service == "inpatient")
    assert [step.fen for step in bill.steps if step.code == "CASH"] == [columns.cash_payamt]
