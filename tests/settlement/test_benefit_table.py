"""The table of benefits: every amount of every line, and the arithmetic of its note."""

import csv
import re
from decimal import ROUND_HALF_UP, Decimal
from itertools import product

import pytest

from settlement.bill import Bill, Fee, Visit, YearSoFar
from settlement.money import format_yuan, parse_fen
from settlement.provision import CATEGORIES, LEVELS, POOL_FUNDS, SERVICES, Situation
from settlement.steps import STEPS
from tests.benefits import POLICIES, check_bill, patient, split
from tests.commands import ROOT

with (ROOT / "tests" / "tables" / "benefits.csv").open(encoding="utf-8-sig", newline="") as _file:
    TABLE = list(csv.DictReader(_file))

INSURANCE = {"employee": "310", "resident": "390", "retired cadre": "340", "maternity": "510"}
RESULT = {
    "first self-pay": "preselfpay_amt", "in scope": "inscp_amt", "deductible": "act_pay_dedc",
    "pool": "hifp_pay", "all funds": "fund_pay_sumamt", "person pays": "psn_pay",
    "from account": "acct_pay", "cash": "cash_payamt",
}  # fmt: skip
WHAT = "|".join(["total", r"fund \d{6}", *RESULT])
CLAUSE = re.compile(rf"({WHAT}) ([0-9.%+\-x(), ]|min|max)+ = ([0-9]+\.[0-9]{{2}})")


def name(line: dict[str, str]) -> str:
    return f"{line['policy']}: {line['case']}"


def items(text: str) -> list[str]:
    return [item for item in text.split("; ") if item]


def visit_of(line: dict[str, str]) -> Visit:
    shares = (parse_fen(line[c]) for c in ("class A", "class B", "self-paid", "over limit"))
    return Visit(
        INSURANCE[line["insurance"]],  # type: ignore[arg-type]
        line["service"],  # type: ignore[arg-type]
        int(line["level"]),  # type: ignore[arg-type]
        line["registration"],  # type: ignore[arg-type]
        [Fee("09", *shares)],
    )


def year_of(line: dict[str, str]) -> YearSoFar:
    used: dict[str, dict[str, int]] = {"pool": {}, "deductible": {}, "fund": {}, "threshold": {}}
    for item in items(line["used before"]):
        what, key, yuan = item.split(" ")
        assert key not in used[what]
        used[what][key] = parse_fen(yuan)
    return YearSoFar(
        int(line["admissions before"]),
        used["deductible"],  # type: ignore[arg-type]
        used["pool"],  # type: ignore[arg-type]
        used["fund"],
        used["threshold"],
    )


def bill_of(line: dict[str, str]) -> Bill:
    assert line["use account"] in ("yes", "no")
    who = patient(
        int(line["age"]),
        *items(line["flags"]),
        account_fen=parse_fen(line["account"]),
        use_account=line["use account"] == "yes",
    )
    return split(line["policy"], visit_of(line), who, year_of(line))


def worked_out(expression: str) -> str:
    """Return the amount of a note's expression, by decimal numbers and nothing of the program."""
    percents = re.sub(r"([0-9.]+)%", r"(\1 / 100)", expression)
    decimals = re.sub(r"[0-9.]+", lambda number: f"Decimal('{number[0]}')", percents)
    value = eval(decimals.replace(" x ", " * "), {"Decimal": Decimal, "min": min, "max": max})
    return str(Decimal(value).quantize(Decimal("0.01"), ROUND_HALF_UP))


@pytest.mark.parametrize("line", TABLE, ids=name)
def test_every_amount_is_what_the_table_says(line: dict[str, str]) -> None:
    bill = bill_of(line)
    assert {key: format_yuan(getattr(bill.columns, RESULT[key])) for key in RESULT} == {
        key: line[key] for key in RESULT
    }
    others = [share for share in bill.funds if share.fund != POOL_FUNDS[visit_of(line).insutype]]
    assert "; ".join(f"{fund} {format_yuan(fen)}" for fund, fen in others) == line["other funds"]
    check_bill(bill, visit_of(line))


@pytest.mark.parametrize("line", TABLE, ids=name)
def test_the_arithmetic_of_every_note_is_right_and_is_the_columns(line: dict[str, str]) -> None:
    shares = (line[column] for column in ("class A", "class B", "self-paid", "over limit"))
    known = {"total": str(sum(map(Decimal, shares))), **{key: line[key] for key in RESULT}}
    known |= {f"fund {item[:6]}": item[7:] for item in items(line["other funds"])}
    said = set()
    for clause in line["note"].split("; "):
        match = CLAUSE.fullmatch(clause)
        assert match, clause
        what, amount = match[1], match[3]
        expression = clause.removeprefix(what + " ").removesuffix(f" = {amount}")
        assert worked_out(expression) == amount, clause
        assert known.get(what, "0.00") == amount, clause
        said.add(what)
    assert said >= {"pool", "person pays"} | {what for what in known if what.startswith("fund ")}


def test_no_two_lines_are_alike() -> None:
    assert len({name(line) for line in TABLE}) == len(TABLE)


def test_the_table_meets_every_service_of_every_insurance_and_every_category_and_level() -> None:
    met = {(line["policy"], INSURANCE[line["insurance"]], line["service"]) for line in TABLE}
    assert met == {
        (policy.name, insutype, service)
        for policy in POLICIES.values()
        for insutype, service in product(policy.insutypes, SERVICES)
    }
    by_policy = {(line["policy"], line["registration"]) for line in TABLE}
    assert by_policy == set(product(POLICIES, CATEGORIES))
    assert {(line["policy"], line["level"]) for line in TABLE} == set(
        product(POLICIES, map(str, LEVELS))
    )


def test_the_table_meets_every_row_of_every_policy() -> None:
    for policy in POLICIES.values():
        met = []
        for line in TABLE:
            if line["policy"] == policy.name:
                what = visit_of(line)
                situation = Situation(what.insutype, what.service, what.level, what.category)
                flags = frozenset(items(line["flags"]))
                *single, layers = policy.provisions(
                    situation, flags, int(line["admissions before"]) + 1
                )
                met += [*single, *layers]
        for table in (
            policy.deductible, policy.later, policy.class_b, policy.ratio, policy.reduction,
            policy.cap, policy.account, policy.layer,
        ):  # fmt: skip
            assert [row for row in table if row not in met] == []


def test_the_table_meets_every_step() -> None:
    assert {step.code for line in TABLE for step in bill_of(line).steps} == set(STEPS)
