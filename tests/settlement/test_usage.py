"""Usage of prepayments and its alerts, month by month."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement import shipped
from settlement.cleared import cleared_months
from settlement.party import CENTRE
from settlement.prepayment import holdings
from settlement.prepayreport import usage_of, usage_report
from settlement.record import RuleSet
from settlement.ruleset import Prepayment, parse_ruleset
from settlement.usage import POOL, Usage, level_after, red_pairs, usages
from tests.network import QINGHAI, SICHUAN, TIBET, Logs, reversal, settlement
from tests.prepaid import came, demand_of, drawn, give_quotas, prepay, sent
from tests.published import close


def rules() -> Prepayment:
    found = parse_ruleset(shipped.ruleset("national-2022")).prepayment
    assert found is not None
    return found


RULES = rules()
LEVELS = ("green", "yellow", "red", "none")


# Of 1,000 fen held; yellow from 700 until below 650, red from 900 until below 850.
@pytest.mark.parametrize(
    ("cleared", "green", "yellow", "red"),
    [
        (0, "green", "green", "green"),
        (649, "green", "green", "green"),
        (650, "green", "yellow", "yellow"),
        (699, "green", "yellow", "yellow"),
        (700, "yellow", "yellow", "yellow"),
        (849, "yellow", "yellow", "yellow"),
        (850, "yellow", "yellow", "red"),
        (899, "yellow", "yellow", "red"),
        (900, "red", "red", "red"),
        (1_000, "red", "red", "red"),
        (5_000, "red", "red", "red"),
        (-300, "green", "green", "green"),
    ],
)
def test_the_level_of_a_month_after_each_level(
    cleared: int, green: str, yellow: str, red: str
) -> None:
    assert level_after("green", cleared, 1_000, RULES) == green
    assert level_after("none", cleared, 1_000, RULES) == green
    assert level_after("yellow", cleared, 1_000, RULES) == yellow
    assert level_after("red", cleared, 1_000, RULES) == red


def test_with_nothing_held_no_alert_stands() -> None:
    for before in LEVELS:
        assert level_after(before, 1, 0, RULES) == "none"
        assert level_after(before, 0, 0, RULES) == "green"
        assert level_after(before, -1, 0, RULES) == "green"


@given(st.sampled_from(LEVELS), st.integers(0, 10**15), st.integers(1, 10**15), st.integers(1, 99))
def test_levels_are_exact_at_any_size_and_do_not_depend_on_it(
    before: str, cleared: int, held: int, times: int
) -> None:
    level = level_after(before, cleared, held, RULES)
    assert level == level_after(before, cleared * times, held * times, RULES)
    usage = Fraction(cleared, held)
    if usage >= Fraction(9, 10):
        assert level == "red"
    elif usage < Fraction(65, 100):
        assert level == "green"
    else:
        assert (level == "red") == (before == "red" and usage >= Fraction(85, 100))
        if level != "red":
            alert = usage >= Fraction(7, 10) or before in ("yellow", "red")
            assert level == ("yellow" if alert else "green")


# --- in the logs of a network --------------------------------------------------------------------


def walked(logs: Logs) -> list[dict[tuple[str, str], tuple[int, int, str]]]:
    """Return (cleared, held, level) by (debtor, creditor) of every confirmed month."""
    months = list(cleared_months(logs.store, logs.roster, logs.size(CENTRE)))
    held = {code: holdings(logs.store, code) for code in logs.codes}
    return [
        {(u.debtor, u.creditor): (u.cleared_fen, u.held_fen, u.level) for u in found}
        for found in usages(logs.store, months, held)
    ]


def cleared(logs: Logs, month: str, fen: int, name: str = "") -> None:
    """Let a month clear an amount that Qinghai owes Sichuan."""
    logs.add(SICHUAN, settlement(f"A{month}{name}", fen, month=month))
    logs.accept(QINGHAI, SICHUAN)
    close(logs, month)


def test_an_alert_is_walked_month_by_month() -> None:
    logs = Logs()
    prepay(logs, QINGHAI, SICHUAN, 1_000)
    table = [
        ("2017-03", 500, "green"), ("2017-04", 690, "green"), ("2017-05", 700, "yellow"),
        ("2017-06", 660, "yellow"), ("2017-07", 900, "red"), ("2017-08", 850, "red"),
        ("2017-09", 849, "yellow"), ("2017-10", 649, "green"), ("2017-11", 699, "green"),
    ]  # fmt: skip
    for month, fen, _ in table:
        cleared(logs, month, fen)
    pairs = [found[QINGHAI, SICHUAN] for found in walked(logs)]
    assert pairs == [(fen, 1_000, level) for _, fen, level in table]


def test_what_is_held_counts_as_of_the_cut() -> None:
    logs = Logs()
    prepay(logs, QINGHAI, SICHUAN, 1_000)
    cleared(logs, "2017-03", 600)
    logs.add(SICHUAN, drawn("2017-03", 1, QINGHAI, 400))  # below the cut of April, not of March
    cleared(logs, "2017-04", 560)
    logs.add(SICHUAN, came("clearing", "2017-03", 1, QINGHAI, 400))
    cleared(logs, "2017-05", 560)
    assert [found[QINGHAI, SICHUAN] for found in walked(logs)] == [
        (600, 1_000, "green"), (560, 600, "red"), (560, 1_000, "green"),
    ]  # fmt: skip


def test_a_province_has_all_prepayments_as_one_pool() -> None:
    logs = Logs()
    pairs = {(QINGHAI, SICHUAN): 1_000, (TIBET, SICHUAN): 3_000}
    assert give_quotas(logs, pairs) is None
    assert logs.add(CENTRE, demand_of(logs, "2017-01", pairs)) is None
    for number, (debtor, _) in enumerate(sorted(pairs), 1):
        fen = pairs[debtor, SICHUAN]
        assert logs.add(debtor, sent("prepayment", "2017-01", number, SICHUAN, fen)) is None
        assert logs.add(SICHUAN, came("prepayment", "2017-01", number, debtor, fen)) is None
    logs.add(SICHUAN, settlement("T1", 300, insured="540100"))
    logs.accept(TIBET, SICHUAN)
    cleared(logs, "2017-03", 950)
    found = walked(logs)[0]
    assert found[QINGHAI, SICHUAN] == (950, 1_000, "red")
    assert found[TIBET, SICHUAN] == (300, 3_000, "green")
    assert found[POOL, SICHUAN] == (1_250, 4_000, "green")
    usage = usage_of(logs.store, logs.roster, logs.size(CENTRE))["2017-03"]
    assert red_pairs(usage) == [(QINGHAI, SICHUAN)]
    pool = next(row for row in usage_report(usage) if row["debtor"] is None)
    assert pool["usage_hundredths_percent"] == 3_125


def test_a_red_pool_lets_its_province_ask_everybody_who_had_cases() -> None:
    month = [
        Usage("2017-03", QINGHAI, SICHUAN, 80, 100, "yellow"),
        Usage("2017-03", TIBET, SICHUAN, 150, 150, "red"),
        Usage("2017-03", "610000", SICHUAN, 0, 1, "green"),
        Usage("2017-03", "620000", SICHUAN, 5, 0, "none"),
        Usage("2017-03", POOL, SICHUAN, 235, 251, "red"),
        Usage("2017-03", QINGHAI, TIBET, 80, 100, "yellow"),
        Usage("2017-03", POOL, TIBET, 80, 100, "yellow"),
    ]
    assert red_pairs(month) == [(TIBET, SICHUAN), ("620000", SICHUAN), (QINGHAI, SICHUAN)]


def test_cleared_with_nothing_held_is_told_apart() -> None:
    logs = Logs()
    cleared(logs, "2017-03", 700)
    assert walked(logs)[0][QINGHAI, SICHUAN] == (700, 0, "none")
    usage = usage_of(logs.store, logs.roster, logs.size(CENTRE))["2017-03"]
    assert red_pairs(usage) == []
    assert [row["usage_hundredths_percent"] for row in usage_report(usage)] == [None, None]


def test_money_taken_back_lowers_the_month_of_the_reversal() -> None:
    logs = Logs()
    prepay(logs, QINGHAI, SICHUAN, 1_000)
    cleared(logs, "2017-03", 950)
    logs.add(SICHUAN, reversal("R1", "A2017-03", -950, month="2017-04"))
    cleared(logs, "2017-04", 900)
    assert [found[QINGHAI, SICHUAN] for found in walked(logs)] == [
        (950, 1_000, "red"), (-50, 1_000, "green"),
    ]  # fmt: skip


def test_rules_without_prepayment_end_an_alert() -> None:
    logs = Logs()
    prepay(logs, QINGHAI, SICHUAN, 1_000)
    cleared(logs, "2017-03", 950)
    logs.add(CENTRE, RuleSet("jiangsu-2017", shipped.ruleset("jiangsu-2017"), []))
    cleared(logs, "2017-04", 950)
    logs.add(CENTRE, RuleSet("national-2022", shipped.ruleset("national-2022"), []))
    cleared(logs, "2017-05", 860)
    found = walked(logs)
    assert found[0][QINGHAI, SICHUAN][2] == "red"
    assert found[1] == {}
    assert found[2][QINGHAI, SICHUAN][2] == "yellow"
