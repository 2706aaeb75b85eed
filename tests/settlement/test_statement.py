"""A day between two provinces: totals, what differs, and cases that were settled twice."""

import csv
import io
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.casefile import CaseRow
from settlement.money import format_yuan
from settlement.statement import (
    DIFFERENCE,
    Cell,
    CellDifference,
    Difference,
    Row,
    as_marked,
    compare_details,
    compare_totals,
    row_of,
    same_visits,
    taken_back,
    totals_of,
)
from tests.network import case_row, refund_of

EXAMPLE = resources.files("configs").joinpath("examples/qinghai-2017.csv").read_text("utf-8")


def row(setl_id: str = "A1", medfee_fen: int = 10_000, **changes: object) -> Row:
    return row_of(case_row(setl_id=setl_id))._replace(medfee_fen=medfee_fen, **changes)  # type: ignore[arg-type]


def refund(setl_id: str, original_id: str, medfee_fen: int = -10_000) -> Row:
    return row(setl_id, medfee_fen, state="refund", original_id=original_id)


def kinds(found: list[Difference]) -> list[tuple[str, str]]:
    return [(d.kind, d.setl_id) for d in found]


# --- examples ------------------------------------------------------------------------------------


def test_a_case_file_becomes_a_row_in_fen() -> None:
    made = row_of(case_row())
    assert (made.medfee_fen, made.fund_fen, made.account_fen) == (10_000, 7_100, 900)
    assert (made.state, row_of(refund_of(case_row())).state) == ("settled", "refund")


def test_a_day_counts_persons_and_amounts_by_insurance_and_clearing_type() -> None:
    rows = [
        row("A1", 10_000), row("A2", 2_500), refund("R1", "A1"),
        row("A3", 500, insutype="390"), row("A4", 300, clr_type="11"),
    ]  # fmt: skip
    found = totals_of(rows)
    assert list(found) == [("310", "11"), ("310", "21"), ("390", "21")]
    assert found["310", "21"] == Cell(2, 1, 2_500, 3 * 7_100, 3 * 900)
    assert found["310", "21"].person_times == 1


def test_what_is_void_or_marked_as_taken_back_counts_nowhere() -> None:
    assert totals_of([row(state="void"), row("A2", state="reversed")]) == {}


def test_sixty_one_yuan_over_six_days_are_found_in_one_row() -> None:
    # A hospital's books had 171,239.20 and the insurer's 171,178.20.
    days = [f"2017-03-{day:02d}" for day in range(1, 7)]
    amounts = [2_853_987, 2_853_987, 2_853_987, 2_853_987, 2_853_987, 2_853_985]
    hospital = [row(f"A{day}", fen) for day, fen in zip(days, amounts, strict=True)]
    insurer = [r._replace(medfee_fen=r.medfee_fen - 6_100) if i == 3 else r
               for i, r in enumerate(hospital)]  # fmt: skip
    mine, other = totals_of(hospital), totals_of(insurer)
    assert format_yuan(mine["310", "21"].medfee_fen, grouped=True) == "171,239.20"
    assert format_yuan(other["310", "21"].medfee_fen, grouped=True) == "171,178.20"
    (cell,) = compare_totals(mine, other)
    assert cell.ours.medfee_fen - cell.theirs.medfee_fen == 6_100
    assert compare_details(hospital, insurer) == [
        Difference("AMOUNT", "A2017-03-04", (("medfee_sumamt", "28539.87", "28478.87"),))
    ]


def test_a_refund_of_25_yuan_that_only_the_insurer_has_is_one_sided() -> None:
    hospital = [row("A1", 2_500, fund_fen=2_500, account_fen=0)]
    one_sided = row("R1", -2_500, fund_fen=-2_500, account_fen=0, state="refund", original_id="A1")
    insurer = [*hospital, one_sided]
    (cell,) = compare_totals(totals_of(hospital), totals_of(insurer))
    assert cell == CellDifference("310", "21", Cell(1, 0, 2_500, 2_500, 0), Cell(1, 1, 0, 0, 0))
    (found,) = compare_details(hospital, insurer)
    assert (found.kind, found.setl_id) == ("ONLY_THEIRS", "R1")
    assert ("medfee_sumamt", "", "-25.00") in found.columns


def test_each_kind_of_difference_is_named() -> None:
    ours = [row("A1"), row("A2"), row("A3"), row("A4"), row("A4"), row("A5"), row("A7")]
    theirs = [
        row("A2", 9_000, fund_fen=1), refund("A3", "A9"), row("A4"), row("A5", insutype="390"),
        row("A6"), row("A7"),
    ]  # fmt: skip
    found = compare_details(ours, theirs)
    assert kinds(found) == [
        ("ONLY_OURS", "A1"), ("AMOUNT", "A2"), ("STATUS", "A3"), ("AMOUNT", "A3"),
        ("DUPLICATE", "A4"), ("FIELDS", "A5"), ("ONLY_THEIRS", "A6"),
    ]  # fmt: skip
    assert found[1].columns == (
        ("medfee_sumamt", "100.00", "90.00"), ("fund_pay_sumamt", "71.00", "0.01"),
    )  # fmt: skip
    assert found[2].columns == (("state", "settled", "refund"),)
    assert found[4].columns == (("rows", "2", "1"),)


def test_what_one_side_does_not_say_is_not_compared() -> None:
    brief = row(mdtrt_id="", psn_no="", insutype="", clr_type="", fixmedins_code="")
    assert compare_details([row()], [brief]) == []
    assert kinds(compare_details([row()], [brief._replace(account_fen=1)])) == [("AMOUNT", "A1")]


def test_two_cells_that_make_up_for_each_other_still_differ() -> None:
    ours, theirs = [row("A1", insutype="310")], [row("A1", insutype="390")]
    assert [c.insutype for c in compare_totals(totals_of(ours), totals_of(theirs))] == [
        "310", "390",
    ]  # fmt: skip


def test_every_kind_has_both_languages() -> None:
    assert all(text.en and text.zh and text.en != text.zh for text in DIFFERENCE.values())


# --- refunds, in two manners ---------------------------------------------------------------------


def test_a_settlement_is_taken_back_when_its_refunds_add_up_to_it() -> None:
    half = refund("R1", "A1", -5_000)
    assert taken_back([row("A1"), half]) == set()
    assert taken_back([row("A1"), half, half._replace(setl_id="R2")]) == {"A1"}
    assert taken_back([half]) == set()  # the original is not among them


def test_books_that_mark_a_settlement_and_books_that_enter_a_refund_agree() -> None:
    ours = [row("A1"), refund("R1", "A1"), row("A2")]
    for state in ("reversed", "void"):
        theirs = [row("A1", state=state), row("A2")]
        assert compare_details(as_marked(ours, theirs, {"A1"}), theirs) == []
    # Not taken back here: then the mark is a difference.
    found = compare_details(as_marked([row("A1")], [row("A1", state="void")], set()),
                            [row("A1", state="void")])  # fmt: skip
    assert kinds(found) == [("STATUS", "A1")]
    # Books that enter refunds are compared row by row, and so is a refund that is in both.
    assert as_marked(ours, ours, {"A1"}) == ours


# --- cases settled twice -------------------------------------------------------------------------


def test_one_visit_with_one_amount_under_two_ids_is_pointed_at() -> None:
    (found,) = same_visits([row("A1"), row("A2"), row("A3", mdtrt_id="V3", psn_no="P3")])
    assert (found.setl_ids, found.standing, found.open) == (("A1", "A2"), ("A1", "A2"), True)


def test_the_same_person_hospital_and_dates_are_enough_and_another_amount_is_not() -> None:
    same_stay = [row("A1", mdtrt_id="V1"), row("A2", mdtrt_id="V2")]
    assert len(same_visits(same_stay)) == 1
    assert same_visits([row("A1"), row("A2", 9_999)]) == []
    assert same_visits([row("A1"), row("A2", mdtrt_id="V2", psn_no="P2")]) == []


def test_groups_that_touch_are_one_group() -> None:
    visit = row("A1", psn_no="")
    both = row("A2")
    stay = row("A3", mdtrt_id="V9")
    for rows in ([visit, both, stay], [stay, visit, both], [visit, stay, both]):
        (found,) = same_visits(rows)
        assert found.setl_ids == ("A1", "A2", "A3")


def test_a_double_case_that_was_taken_back_stands_no_more() -> None:
    (found,) = same_visits([row("A1"), row("A2"), refund("R1", "A2")])
    assert (found.setl_ids, found.standing, found.open) == (("A1", "A2"), ("A1",), False)
    assert same_visits([row("A1"), row("A2", state="void")]) == []


def test_the_year_of_qinghai_has_35_cases_settled_twice_all_taken_back_since() -> None:
    rows = [row_of(CaseRow(**r)) for r in csv.DictReader(io.StringIO(EXAMPLE))]
    found = same_visits(rows)
    assert len(found) == 35
    assert {len(group.setl_ids) for group in found} == {2}
    assert not any(group.open for group in found)
    mistaken = {i for group in found for i in set(group.setl_ids) - set(group.standing)}
    assert mistaken == {r.original_id for r in rows if r.state == "refund"}
    # Before the refunds came, all of them would have been pointed at.
    assert sum(group.open for group in same_visits(r for r in rows if r.state == "settled")) == 35


# --- laws ----------------------------------------------------------------------------------------

ROWS = st.lists(
    st.builds(
        row,
        setl_id=st.sampled_from([f"A{n}" for n in range(8)]),
        medfee_fen=st.integers(-5, 5),
        fund_fen=st.integers(-5, 5),
        account_fen=st.integers(0, 2),
        state=st.sampled_from(["settled", "refund", "reversed", "void"]),
        insutype=st.sampled_from(["310", "390"]),
        clr_type=st.sampled_from(["11", "21"]),
        original_id=st.sampled_from(["", "A1"]),
        mdtrt_id=st.sampled_from(["V1", "V2"]),
    ),
    max_size=8,
)


@given(ROWS)
def test_nothing_differs_from_itself(rows: list[Row]) -> None:
    assert compare_totals(totals_of(rows), totals_of(rows)) == []
    once = list({r.setl_id: r for r in rows}.values())
    assert compare_details(once, once) == []


@given(ROWS, ROWS)
def test_swapping_the_sides_swaps_what_is_only_here_and_only_there(
    ours: list[Row], theirs: list[Row]
) -> None:
    there = compare_details(theirs, ours)
    assert [d.swapped() for d in compare_details(ours, theirs)] == there
    assert [CellDifference(d.insutype, d.clr_type, d.theirs, d.ours)
            for d in compare_totals(totals_of(ours), totals_of(theirs))] == (
        compare_totals(totals_of(theirs), totals_of(ours))
    )  # fmt: skip


@given(ROWS, ROWS)
def test_the_totals_of_two_parts_add_up_to_the_whole(one: list[Row], two: list[Row]) -> None:
    whole, first, second = totals_of(one + two), totals_of(one), totals_of(two)
    for key in first.keys() | second.keys():
        cells = zip(first.get(key, Cell()), second.get(key, Cell()), strict=True)
        assert whole[key] == Cell(*(a + b for a, b in cells))
    assert whole.keys() == first.keys() | second.keys()


@given(ROWS, ROWS)
def test_if_no_row_differs_no_total_differs(ours: list[Row], theirs: list[Row]) -> None:
    if not compare_details(ours, theirs):
        assert compare_totals(totals_of(ours), totals_of(theirs)) == []


MUTATIONS = [
    ("setl_id", "B1"), ("original_id", "A7"), ("mdtrt_id", "V9"), ("insutype", "510"),
    ("clr_type", "41"), ("state", "another"), ("medfee_fen", 99), ("fund_fen", 99),
    ("account_fen", 99),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), MUTATIONS)
@given(rows=ROWS.filter(bool), at=st.integers(0, 7))
def test_a_change_of_one_field_is_found(name: str, value: object, rows: list[Row], at: int) -> None:
    ours = list({r.setl_id: r._replace(original_id="A0") for r in rows}.values())
    at %= len(ours)
    changed = ours[at]._replace(**{name: value})
    found = compare_details(ours, [*ours[:at], changed, *ours[at + 1 :]])
    assert {d.setl_id for d in found} == {ours[at].setl_id, changed.setl_id}


@given(ROWS)
def test_the_order_of_rows_changes_nothing(rows: list[Row]) -> None:
    once = list({r.setl_id: r for r in rows}.values())
    assert totals_of(once) == totals_of(once[::-1])
    assert same_visits(once) == same_visits(once[::-1])
    assert compare_details(once[::-1], once) == []


@given(ROWS)
def test_nobody_is_in_two_groups_and_who_stands_is_in_the_group(rows: list[Row]) -> None:
    found = same_visits(rows)
    listed = [i for group in found for i in group.setl_ids]
    assert len(listed) == len(set(listed))
    assert all(set(g.standing) <= set(g.setl_ids) and len(g.setl_ids) > 1 for g in found)
