"""A province's own export against its node: both sides, days and months, refunds in two manners."""

from typing import Any

import pytest

from ledger.errors import FormError, RefusedError
from node.daycompare import Span, check_side, compare_export, faults_value, span_of
from node.simulation.world import World
from settlement.business import read_export
from settlement.casefile import COLUMNS, FUND_COLUMNS, CaseRow
from settlement.party import CENTRE
from tests.network import QINGHAI, SICHUAN, case_row, refund_of
from tests.node.world import quiet, settled
from tests.settlement.test_business import csv_of
from tests.settlement.test_importing import file_of

MARCH = Span("2017-03-01", "2017-03-31")


def row(setl_id: str, day: str = "2017-03-05", **changes: str) -> CaseRow:
    return case_row(setl_id=setl_id, mdtrt_id=f"V{setl_id}", psn_no=f"P{setl_id}", begndate=day,
                    enddate=day, setl_time=f"{day}T09:00:00+08:00", **changes)  # fmt: skip


ROWS = [row("A1"), row("A2"), row("A3", "2017-03-06"), row("A4", insuplc_admdvs="540100")]


def holding(*rows: CaseRow) -> World:
    world = quiet()
    world.ask(SICHUAN, "import", rows=list(rows))
    return settled(world)


def compared(
    world: World, data: bytes, span: Span = MARCH, side: str = "insured", code: str = QINGHAI
) -> dict[str, Any]:
    role = world.nodes[code].role
    assert role is not None
    export = read_export(data)
    assert export.faults == []
    return compare_export(role, export, span, side)


def kinds(value: dict[str, Any]) -> list[tuple[str, str]]:
    return [(d["kind"], d["setl_id"]) for d in value["differences"]]


def test_both_provinces_compare_their_own_rows() -> None:
    world = holding(*ROWS)
    insured = compared(world, file_of(*ROWS[:3]))
    assert (insured["match"], insured["rows"]) == (True, {"node": 3, "file": 3, "left_out": 0})
    treatment = compared(world, file_of(*ROWS), side="treatment", code=SICHUAN)
    assert (treatment["match"], treatment["rows"]["node"]) == (True, 4)
    assert treatment["totals"]["node"] == treatment["totals"]["file"]
    assert treatment["totals"]["node"][0]["settlements"] == 4


def test_rows_of_other_days_and_provinces_and_of_patients_at_home_are_left_out() -> None:
    world = holding(*ROWS)
    strange = [
        row("H1", mdtrtarea_admvs="630200"), row("C1", mdtrtarea_admvs="999999"),
        row("D1", mdtrtarea_admvs="110100"),  # Beijing is not in this network
    ]  # fmt: skip
    value = compared(world, file_of(*ROWS, *strange), Span("2017-03-05", "2017-03-05"))
    assert (value["match"], value["rows"]) == (True, {"node": 2, "file": 2, "left_out": 5})


def test_an_export_that_names_no_day_and_no_place_is_taken_as_it_is() -> None:
    world = holding(*ROWS)
    lines = [["A1", "100.00", "71", "9"], ["A2", "100", "71.00", "9.00"], ["A9", "1", "1", "0"]]
    value = compared(world, csv_of(*lines), Span("2017-03-05", "2017-03-05"))
    assert kinds(value) == [("ONLY_THEIRS", "A9")]


def test_each_difference_is_named_with_both_values() -> None:
    world = holding(*ROWS[:3])
    other = [
        row("A1", medfee_sumamt="39.00"), row("A1", medfee_sumamt="39.00"),
        refund_of(row("A2"), setl_id="A2", init_setl_id="A0"), row("A9"),
    ]  # fmt: skip
    value = compared(world, file_of(*other))
    assert kinds(value) == [
        ("DUPLICATE", "A1"), ("AMOUNT", "A1"), ("STATUS", "A2"), ("AMOUNT", "A2"),
        ("ONLY_OURS", "A3"), ("ONLY_THEIRS", "A9"),
    ]  # fmt: skip
    assert value["differences"][1]["columns"] == [
        {"column": "medfee_sumamt", "ours": "100.00", "theirs": "39.00"}
    ]
    assert value["counts"]["AMOUNT"] == 2
    assert all(d["en"] and d["zh"] for d in value["differences"])


def test_a_settlement_that_is_marked_and_one_that_is_refunded_are_the_same() -> None:
    refund = refund_of(row("A1", "2017-03-09"), setl_id="R1")
    world = holding(*ROWS[:2], refund)
    header = [*COLUMNS, "vali_flag"]
    for flag, valid in (("1", "1"), ("0", "0")):
        marked = [*ROWS[0]._replace(refd_setl_flag=flag), valid]
        data = csv_of(marked, [*ROWS[1], "1"], header=header)
        assert compared(world, data)["match"]
        # Also when the refund was entered on a day that is not compared.
        assert compared(world, data, Span("2017-03-05", "2017-03-05"))["match"]
    # A mark for a case that stands in the log is a difference.
    data = csv_of([*ROWS[0]._replace(refd_setl_flag="1"), "1"],
                  [*ROWS[1]._replace(refd_setl_flag="1"), "1"], header=header)  # fmt: skip
    assert kinds(compared(world, data)) == [("STATUS", "A2")]
    assert compared(world, file_of(*ROWS[:2], refund))["match"]


def test_a_case_that_no_fund_paid_for_is_taken_back_only_by_a_refund() -> None:
    nothing = dict.fromkeys((*FUND_COLUMNS, "fund_pay_sumamt", "acct_pay"), "0.00")
    private = row("A1", **nothing, psn_pay="100.00", cash_payamt="100.00")
    marked = csv_of([*private._replace(refd_setl_flag="1")], header=COLUMNS)
    assert kinds(compared(holding(private), marked)) == [("STATUS", "A1")]
    assert compared(holding(private, refund_of(private)), marked)["match"]


def test_a_case_that_is_here_twice_is_a_warning_and_no_difference() -> None:
    twice = [row("A1"), row("A2")._replace(mdtrt_id="VA1")]
    value = compared(holding(*twice), file_of(*twice))
    assert value["match"]
    assert [v["setl_ids"] for v in value["same_visits"] if v["open"]] == [["A1", "A2"]]
    # One case under one id here and another there is two rows without a partner, not a double case.
    value = compared(holding(row("A1")), file_of(row("A1")._replace(setl_id="A2")))
    assert (kinds(value), value["same_visits"]) == (
        [("ONLY_OURS", "A1"), ("ONLY_THEIRS", "A2")], [],
    )  # fmt: skip


def test_only_a_province_has_a_side_of_its_own_and_one_span() -> None:
    world = holding()
    with pytest.raises(RefusedError, match="province"):
        compared(world, csv_of(), code=CENTRE)
    assert [check_side(side) for side in ("insured", "treatment")] == ["insured", "treatment"]
    with pytest.raises(FormError, match="insured or treatment"):
        check_side("both")
    assert span_of(None, "2017-02") == ("2017-02-01", "2017-02-31")
    assert span_of("2017-02-28", None) == ("2017-02-28", "2017-02-28")
    for day, month in [(None, None), ("2017-02-28", "2017-02"), ("2017-02-29", None), (None, "x")]:
        with pytest.raises(FormError):
            span_of(day, month)


def test_faults_are_told_in_both_languages() -> None:
    (fault,) = faults_value(read_export(csv_of(["A1", "x", "1", "1"])))["faults"]
    assert (fault["line"], fault["column"], fault["code"]) == (2, "medfee_sumamt", "AMOUNT")
    assert fault["en"] != fault["zh"]
