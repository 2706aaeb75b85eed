"""The daily reconciliation in a quiet world: the morning, what differs, and who does not answer."""

from collections import Counter
from typing import Any

import pytest

from ledger.errors import FormError, RefusedError
from node import statements
from node.dayrows import held_rows
from node.duty import duties
from node.effect import Send, WakeAt, Woken
from node.message import (
    DAY_ROWS,
    DAY_TOTALS,
    Answer,
    AskDay,
    AskDayDetail,
    Case,
    DayCell,
    DayRow,
    DayRows,
    DayTotals,
    Message,
)
from node.province import Province
from node.simulation.world import World
from node.statements import Statement
from node.vault import put_own, put_received, remove_received
from settlement.casefile import CaseRow, encode_case
from settlement.party import CENTRE
from settlement.period import shanghai_midnight, shift_day
from settlement.statement import Cell
from tests.network import QINGHAI, SICHUAN, TIBET, case_row, refund_of
from tests.node.world import quiet, settled

TODAY = "2017-07-14"  # on which worlds begin
HOUR = 3_600_000


def on(day: str, setl_id: str, **changes: str) -> CaseRow:
    """Return a row that was settled on a day."""
    at = f"{day}T09:00:00+08:00"
    return case_row(setl_id=setl_id, mdtrt_id=f"V{setl_id}", psn_no=f"P{setl_id}", begndate=day,
                    enddate=day, setl_time=at, **changes)  # fmt: skip


def night(world: World) -> World:
    """Let time pass until the next morning."""
    return settled(world, shanghai_midnight(world.now_ms) - world.now_ms + 60_000)


def province(world: World, code: str = QINGHAI) -> Province:
    role = world.nodes[code].role
    assert isinstance(role, Province)
    return role


def stored(
    world: World, day: str = TODAY, code: str = SICHUAN, home: str = QINGHAI
) -> Statement | None:
    with world.nodes[home].vault.store.read() as reader:
        return statements.load(reader, code, day)


def found(world: World, day: str = TODAY, code: str = SICHUAN) -> list[tuple[str, str]]:
    statement = stored(world, day, code)
    assert statement is not None
    assert statement.state == "differs"
    return [(d.kind, d.setl_id) for d in statement.differences]


def state(world: World, day: str = TODAY, code: str = SICHUAN) -> str | None:
    statement = stored(world, day, code)
    return None if statement is None else statement.shown_state


def questions(world: World) -> Counter[tuple[str, str, str]]:
    """Count from now on who asks whom about a day, by kind of question."""
    counted: Counter[tuple[str, str, str]] = Counter()
    send = world._send

    def counting(sender: str, message: Send) -> None:
        if isinstance(message.message, AskDay | AskDayDetail):
            counted[sender, message.to, type(message.message).__name__] += 1
        send(sender, message)

    world._send = counting  # type: ignore[method-assign]
    return counted


def lose(world: World, setl_id: str) -> None:
    """Let Qinghai lose a case file that Sichuan has delivered."""
    store = world.nodes[QINGHAI].vault.store
    store.transact(lambda writer: remove_received(writer, SICHUAN, setl_id))


def make_up(world: World, row: CaseRow, treatment: str = SICHUAN) -> None:
    """Let Qinghai hold a case file that nobody delivered."""
    case = Case(row.setl_id, encode_case(row), bytes(32))
    store = world.nodes[QINGHAI].vault.store
    store.transact(lambda writer: put_received(writer, treatment, case))


# --- the morning ---------------------------------------------------------------------------------


def test_each_morning_a_quiet_node_asks_for_the_day_before_and_finds_that_it_matches() -> None:
    world = quiet()
    asked = questions(world)
    rows = [on(TODAY, "A1"), on(TODAY, "A2", insutype="390"), refund_of(on(TODAY, "A1"))]
    world.ask(SICHUAN, "import", rows=rows)
    settled(world)
    assert not asked
    assert stored(world) is None
    night(world)
    statement = stored(world)
    assert statement is not None
    assert (statement.state, statement.differences) == ("match", ())
    assert statement.ours == statement.theirs == {
        ("310", "21"): Cell(1, 1, 0, 0, 0), ("390", "21"): Cell(1, 0, 10_000, 7_100, 900),
    }  # fmt: skip
    # Totals that are equal need no rows; who owes nothing is not asked; nobody asks twice.
    assert asked == {(QINGHAI, SICHUAN, "AskDay"): 1}
    assert stored(world, code=TIBET) is None


def test_a_day_without_anything_leaves_no_statement() -> None:
    world = night(quiet())
    asked = questions(world)
    night(world)
    assert not asked
    assert duties_of(world) == []


def test_everybody_who_owes_asks_for_himself() -> None:
    world = quiet()
    world.ask(SICHUAN, "import", rows=[on(TODAY, "A1")])
    tibetan = on(TODAY, "B1", mdtrtarea_admvs="540100", insuplc_admdvs="510100")
    world.ask(TIBET, "import", rows=[tibetan])
    night(world)
    assert stored(world, home=SICHUAN, code=TIBET) is not None
    assert stored(world, home=TIBET, code=SICHUAN) is None
    assert state(world) == "match"


def test_the_next_morning_asks_for_the_next_day_only() -> None:
    world = quiet()
    world.ask(SICHUAN, "import", rows=[on(TODAY, "A1")])
    night(world)
    asked = questions(world)
    world.ask(SICHUAN, "import", rows=[on("2017-07-15", "A2")])
    night(world)
    night(world)
    assert asked == {(QINGHAI, SICHUAN, "AskDay"): 1}
    assert state(world, "2017-07-15") == "match"


# --- what differs --------------------------------------------------------------------------------


def test_a_case_file_that_is_missing_is_named() -> None:
    world = quiet()
    asked = questions(world)
    world.ask(SICHUAN, "import", rows=[on(TODAY, "A1"), on(TODAY, "A2")])
    settled(world)
    lose(world, "A2")
    night(world)
    assert found(world) == [("ONLY_THEIRS", "A2")]
    assert asked == {(QINGHAI, SICHUAN, "AskDay"): 1, (QINGHAI, SICHUAN, "AskDayDetail"): 1}


def test_a_case_that_was_never_entered_there_is_only_here() -> None:
    world = quiet()
    world.ask(SICHUAN, "import", rows=[on(TODAY, "A1")])
    make_up(world, on(TODAY, "A9"))
    make_up(world, on(TODAY, "B9", mdtrtarea_admvs="540100"), TIBET)
    night(world)
    assert found(world) == [("ONLY_OURS", "A9")]
    assert found(world, code=TIBET) == [("ONLY_OURS", "B9")]


def test_other_money_is_named_with_both_amounts() -> None:
    world = quiet()
    world.ask(SICHUAN, "import", rows=[on(TODAY, "A1"), on(TODAY, "A2")])
    settled(world)
    dearer = {"medfee_sumamt": "161.00", "psn_pay": "90.00", "cash_payamt": "81.00"}
    make_up(world, on(TODAY, "A1", **dearer))
    night(world)
    statement = stored(world)
    assert statement is not None
    (difference,) = statement.differences
    assert (difference.kind, difference.columns) == (
        "AMOUNT", (("medfee_sumamt", "161.00", "100.00"),),
    )  # fmt: skip


def test_a_case_in_another_cell_is_one_difference_and_not_two() -> None:
    world = quiet()
    world.ask(SICHUAN, "import", rows=[on(TODAY, "A1"), on(TODAY, "A2", insutype="390")])
    settled(world)
    make_up(world, on(TODAY, "A1", insutype="390"))
    night(world)
    assert found(world) == [("FIELDS", "A1")]


def test_rows_come_in_pages_and_only_of_cells_that_differ() -> None:
    world = quiet()
    asked = questions(world)
    rows = [on(TODAY, f"A{n:04d}") for n in range(1_200)]
    rows += [on(TODAY, f"B{n}", insutype="390") for n in range(3)]
    world.ask(SICHUAN, "import", rows=rows)
    settled(world)
    for setl_id in ("A0000", "A0700", "A1199"):
        lose(world, setl_id)
    night(world)
    assert found(world) == [("ONLY_THEIRS", i) for i in ("A0000", "A0700", "A1199")]
    assert asked[QINGHAI, SICHUAN, "AskDayDetail"] == 3


def test_a_case_file_that_is_lost_while_rows_are_read_is_found_too() -> None:
    world = quiet()
    rows = [on(TODAY, i) for i in ("A1", "A2")]
    rows += [on(TODAY, i, insutype="390") for i in ("B1", "B2")]
    world.ask(SICHUAN, "import", rows=rows)
    settled(world)
    lose(world, "A2")
    role = province(world, SICHUAN)
    answer = role.answer_privately

    def answering(sender: str | None, message: Message) -> Answer:
        if isinstance(message, AskDayDetail):
            lose(world, "B1")
        return answer(sender, message)

    role.answer_privately = answering  # type: ignore[method-assign]
    night(world)
    assert found(world) == [("ONLY_THEIRS", "A2"), ("ONLY_THEIRS", "B1")]


def test_a_file_that_comes_while_rows_are_read_begins_the_questions_anew() -> None:
    world = quiet()
    asked = questions(world)
    world.ask(SICHUAN, "import", rows=[on(TODAY, f"A{n}") for n in range(3)])
    settled(world)
    lose(world, "A2")
    role = province(world, SICHUAN)
    answer, came = role.answer_privately, []

    def answering(sender: str | None, message: Message) -> Answer:
        if isinstance(message, AskDayDetail) and not came:
            came.append(province(world).daybook.arrived(SICHUAN, [TODAY], world.now_ms))
        return answer(sender, message)

    role.answer_privately = answering  # type: ignore[method-assign]
    night(world)
    assert found(world) == [("ONLY_THEIRS", "A2")]
    assert asked[QINGHAI, SICHUAN, "AskDay"] == 2


def test_a_node_with_a_fixed_date_is_not_woken_at_midnight() -> None:
    world = quiet()
    role = province(world)
    midnight = WakeAt(shanghai_midnight(world.now_ms))
    assert midnight in role.handle([Woken()], world.now_ms)
    role.today = lambda _: "2018-01-15"
    assert midnight not in role.handle([Woken()], world.now_ms)


def test_case_files_of_entries_that_were_not_asked_about_are_left_out() -> None:
    world = quiet()
    world.ask(SICHUAN, "import", rows=[on(TODAY, "A1"), on(TODAY, "A2")])
    settled(world)
    make_up(world, on(TODAY, "A9"))
    node = world.nodes[QINGHAI]
    with node.vault.store.read() as vault:
        held = {
            size: [r.setl_id for r in held_rows(node.store, vault, SICHUAN, TODAY, size)]
            for size in (0, 1, 2)
        }
    assert held == {0: ["A9"], 1: ["A1", "A9"], 2: ["A1", "A2", "A9"]}


def test_a_statement_keeps_a_limited_number_of_differences(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.daybook.MAX_DIFFERENCES", 2)
    world = quiet()
    world.ask(SICHUAN, "import", rows=[on(TODAY, f"A{n}") for n in range(5)])
    settled(world)
    for n in range(5):
        lose(world, f"A{n}")
    night(world)
    assert found(world) == [("ONLY_THEIRS", "A0"), ("ONLY_THEIRS", "A1")]
    statement = stored(world)
    assert statement is not None
    assert statement.left_out == 3


def test_two_visits_that_look_alike_are_pointed_at_and_do_not_spoil_the_match() -> None:
    world = quiet()
    twice = [on(TODAY, i)._replace(mdtrt_id="V1") for i in ("A1", "A2")]
    world.ask(SICHUAN, "import", rows=twice)
    night(world)
    statement = stored(world)
    assert statement is not None
    assert statement.state == "match"
    assert [visit.setl_ids for visit in statement.visits] == [("A1", "A2")]


def test_a_file_whose_entry_is_not_in_the_log_counts_for_nobody_there() -> None:
    world = quiet()
    world.ask(SICHUAN, "import", rows=[on(TODAY, "A1")])
    made = Case("A2", encode_case(on(TODAY, "A2")), bytes(32))
    world.nodes[SICHUAN].vault.store.transact(lambda writer: put_own(writer, made))
    night(world)
    assert state(world) == "match"


def test_what_strangers_make_up_does_no_harm() -> None:
    world = quiet()
    world.ask(SICHUAN, "import", rows=[on(TODAY, "A1")])
    settled(world)
    for number, case in enumerate(
        [
            b"\xff",
            encode_case(on(TODAY, "X1")),  # another id than it is filed under
            encode_case(on(TODAY, "Y2")._replace(setl_time="0001-01-01T00:00:00+23:59")),
            encode_case(on(TODAY, "Y3", mdtrtarea_admvs="540100")),
            encode_case(on(TODAY, "Y4", medfee_sumamt="much")),
        ]
    ):  # fmt: skip
        store = world.nodes[QINGHAI].vault.store
        made = Case(f"Y{number}", case, bytes(32))
        store.transact(lambda writer, made=made: put_received(writer, SICHUAN, made))  # type: ignore[misc]
    night(world)
    assert state(world) == "match"


# --- who is away, and what comes late ------------------------------------------------------------


def test_days_on_which_the_node_was_down_are_caught_up_once() -> None:
    world = quiet()
    world.crash(QINGHAI, restart_ms=shanghai_midnight(world.now_ms) - world.now_ms + 26 * HOUR)
    for number in range(2):
        day = shift_day(TODAY, number)
        world.ask(SICHUAN, "import", rows=[on(day, f"A{number}")])
        night(world)
    asked = questions(world)
    settled(world, 6 * HOUR)
    assert [state(world, shift_day(TODAY, n)) for n in range(2)] == ["match"] * 2
    assert asked[QINGHAI, SICHUAN, "AskDay"] >= 2
    world.crash(QINGHAI)
    asked.clear()
    settled(world, HOUR)
    assert not asked  # a restart neither repeats nor forgets


def test_a_restart_in_the_middle_of_the_questions_goes_on_with_them() -> None:
    world = quiet()
    world.ask(SICHUAN, "import", rows=[on(TODAY, "A1"), on(TODAY, "A2")])
    settled(world)
    lose(world, "A2")
    world.faults.cut.add((SICHUAN, QINGHAI))
    night(world)
    assert state(world) == "waiting"
    world.crash(QINGHAI)
    world.faults.cut.clear()
    settled(world, 120_000)
    assert found(world) == [("ONLY_THEIRS", "A2")]


def test_no_more_than_sixty_days_are_caught_up() -> None:
    world = quiet()
    world.ask(SICHUAN, "import", rows=[on(TODAY, "A1")])
    settled(world)
    province(world).today = lambda _: "2017-12-31"
    effects = province(world).handle([Woken()], world.now_ms)
    (asked,) = [e.message for e in effects if isinstance(e, Send) and isinstance(e.message, AskDay)]
    assert asked.day == "2017-11-01"
    with world.nodes[QINGHAI].vault.store.read() as reader:
        days = [day for day, _, _ in statements.open_statements(reader)]
    assert (len(days), days[0], days[-1]) == (60, "2017-11-01", "2017-12-30")


def test_a_date_that_is_set_back_is_followed_and_nothing_is_asked_twice() -> None:
    world = quiet()
    world.ask(SICHUAN, "import", rows=[on(TODAY, "A1")])
    night(world)
    asked = questions(world)
    for today in ("2017-07-14", "2017-07-15", "2017-07-16"):
        province(world).today = lambda _, today=today: today  # type: ignore[misc]
        settled_by_hand(world)
    assert not asked
    assert state(world) == "match"


def settled_by_hand(world: World) -> None:
    world._give(QINGHAI, [Woken()])
    settled(world)


def test_a_province_out_of_reach_is_waited_for_until_it_is_back() -> None:
    world = quiet()
    world.ask(SICHUAN, "import", rows=[on(TODAY, "A1")])
    settled(world)
    world.faults.cut.add((QINGHAI, SICHUAN))
    night(world)
    waits = stored(world)
    assert waits is not None
    assert (waits.state, waits.reason) == ("waiting", "NO_ANSWER")
    assert [d["what"] for d in duties_of(world)] == ["day-waiting"]
    world.faults.cut.clear()
    settled(world, 60_000)
    assert state(world) == "match"


def test_rows_that_are_still_on_their_way_are_waited_for() -> None:
    world = quiet()
    world.ask(SICHUAN, "import", rows=[on(TODAY, "A1")])
    settled(world)
    own = world.nodes[SICHUAN].vault.own("A1")
    assert own is not None
    world.nodes[SICHUAN].vault.keep([(QINGHAI, own)])  # in the outbox, and nobody takes it out
    lose(world, "A1")
    night(world)
    waits = stored(world)
    assert waits is not None
    assert (waits.state, waits.reason) == ("waiting", "UNSEEN")
    world.crash(SICHUAN)  # a start looks into the outbox
    settled(world, 120_000)
    assert state(world) == "match"


def test_a_file_that_comes_after_the_morning_asks_again_for_its_day() -> None:
    world = quiet()
    world.ask(SICHUAN, "import", rows=[on(TODAY, "A1")])
    night(world)
    world.ask(QINGHAI, "confirm-day", day=TODAY)
    assert state(world) == "confirmed"
    world.ask(SICHUAN, "import", rows=[on(TODAY, "A2")])
    settled(world)
    statement = stored(world)
    assert statement is not None
    assert (statement.shown_state, statement.ours["310", "21"].settlements) == ("match", 2)
    # A file of a day that had no statement brings one; one from long ago does not.
    world.ask(SICHUAN, "import", rows=[on("2017-07-01", "A3"), on("2017-03-01", "A4")])
    settled(world)
    assert state(world, "2017-07-01") == "match"
    assert state(world, "2017-03-01") is None


# --- who may ask, and who lies -------------------------------------------------------------------


def test_nobody_reads_the_rows_of_another() -> None:
    world = quiet()
    tibetan = on(TODAY, "T1", insuplc_admdvs="540100")
    world.ask(SICHUAN, "import", rows=[on(TODAY, "A1"), on(TODAY, "A2"), tibetan])
    role = province(world, SICHUAN)
    totals = AskDay(TODAY, 100)
    rows = AskDayDetail(TODAY, 100, "310", "21", "")

    def counts(code: str) -> int:
        cells = DAY_TOTALS.decode(role.answer_privately(code, totals).body).cells
        return sum(cell.settlements for cell in cells)

    def ids(code: str) -> list[str]:
        return [r.setl_id for r in DAY_ROWS.decode(role.answer_privately(code, rows).body).rows]

    settled(world)
    assert (counts(QINGHAI), counts(TIBET)) == (2, 1)
    assert (ids(QINGHAI), ids(TIBET)) == (["A1", "A2"], ["T1"])
    for stranger in (None, CENTRE, SICHUAN, "650000"):
        for question in (totals, rows):
            assert role.answer_privately(stranger, question).status == 403
    centre = world.nodes[CENTRE].role
    assert centre is not None
    assert centre.answer_privately(QINGHAI, totals).status == 404


def test_only_what_the_asker_can_have_is_told() -> None:
    world = quiet()
    world.ask(SICHUAN, "import", rows=[on(TODAY, "A1")])
    world.ask(SICHUAN, "import", rows=[on(TODAY, "A2")])
    settled(world)
    role = province(world, SICHUAN)
    for size, seen in ((0, 0), (1, 1), (2, 2)):
        answer = DAY_TOTALS.decode(role.answer_privately(QINGHAI, AskDay(TODAY, size)).body)
        assert (sum(c.settlements for c in answer.cells), answer.unseen) == (seen, 2 - seen)
        rows = role.answer_privately(QINGHAI, AskDayDetail(TODAY, size, "310", "21", ""))
        assert len(DAY_ROWS.decode(rows.body).rows) == seen


class Liar(Province):
    """A treatment province that says something else than it has."""

    lie = "rows"

    def answer_privately(self, sender: str | None, message: Message) -> Answer:
        honest = super().answer_privately(sender, message)
        if self.lie == "noise":
            return Answer(200, b"\xc1")
        if self.lie == "old":
            return Answer(404)
        if isinstance(message, AskDay):
            cells = DAY_TOTALS.decode(honest.body).cells
            if self.lie == "many":
                cells = [DayCell(kind, "21", 150_000, 0, 1, 1, 1) for kind in ("310", "390")]
            return Answer(200, DAY_TOTALS.encode(DayTotals(cells * (1 + (self.lie == "twice")), 0)))
        rows = DAY_ROWS.decode(honest.body).rows
        if self.lie == "more":
            made = [DayRow(f"Z{n}", "V", False, 1, 1, 1) for n in range(5)]
            return Answer(200, DAY_ROWS.encode(DayRows(made, True)))
        if self.lie == "back":
            return Answer(200, DAY_ROWS.encode(DayRows(rows[::-1], False)))
        if self.lie == "empty":
            return Answer(200, DAY_ROWS.encode(DayRows([], True)))
        return Answer(200, DAY_ROWS.encode(DayRows(rows[:1], False)))


@pytest.mark.parametrize("lie", ["noise", "twice", "many", "more", "back", "empty", "rows", "old"])
def test_an_answer_that_is_not_in_order_changes_nothing_and_is_asked_for_with_patience(
    lie: str,
) -> None:
    world = quiet()
    world.ask(SICHUAN, "import", rows=[on(TODAY, "A1"), on(TODAY, "A2"), on(TODAY, "A3")])
    settled(world)
    lose(world, "A2")
    liar = province(world, SICHUAN)
    liar.__class__ = Liar
    liar.lie = lie  # type: ignore[attr-defined]
    night(world)
    asked = questions(world)
    settled(world, 300_000)
    waits = stored(world)
    assert waits is not None
    assert waits.state == "waiting"
    assert waits.reason == ("NO_ANSWER" if lie == "old" else "FORM")
    assert 0 < sum(asked.values()) < 60
    liar.__class__ = Province
    settled(world, 60_000)
    assert found(world) == [("ONLY_THEIRS", "A2")]


# --- orders and duties ---------------------------------------------------------------------------


def duties_of(world: World) -> list[dict[str, str]]:
    node = world.nodes[QINGHAI]
    value = duties(node.store, world.founding, QINGHAI, node.vault)
    return [d for d in value["duties"] if d["what"].startswith("day-")]


def test_a_clerk_confirms_what_matches_and_says_why_if_it_does_not() -> None:
    world = quiet()
    world.ask(SICHUAN, "import", rows=[on(TODAY, "A1"), on(TODAY, "A2")])
    settled(world)
    make_up(world, on(TODAY, "B9", mdtrtarea_admvs="540100"), TIBET)
    night(world)
    assert [d["what"] for d in duties_of(world)] == ["day-differs", "day-match"]
    with pytest.raises(RefusedError, match=f"{TIBET} differs"):
        world.ask(QINGHAI, "confirm-day", day=TODAY)
    assert state(world) == "match"  # all or nothing
    assert world.ask(QINGHAI, "confirm-day", day=TODAY, code=SICHUAN)["confirmed"] == [SICHUAN]
    assert world.ask(QINGHAI, "confirm-day", day=TODAY, code=SICHUAN)["confirmed"] == []
    note = "settled by telephone, case follows"
    assert world.ask(QINGHAI, "confirm-day", day=TODAY, note=note)["confirmed"] == [TIBET]
    assert duties_of(world) == []
    settled(world, HOUR)
    world.crash(QINGHAI)
    settled(world, HOUR)
    assert (state(world), state(world, code=TIBET)) == ("confirmed", "confirmed")
    value = province(world).daybook.value(TODAY, TIBET, world.now_ms)["statements"][0]
    assert value["confirmed"]["note"] == note
    assert [d["setl_id"] for d in value["differences"]] == ["B9"]


def test_a_statement_is_made_again_by_order() -> None:
    world = quiet()
    world.ask(SICHUAN, "import", rows=[on(TODAY, "A1")])
    settled(world)
    night(world)
    world.ask(QINGHAI, "confirm-day", day=TODAY)
    asked = questions(world)
    assert world.ask(QINGHAI, "statement", day=TODAY) == {"day": TODAY, "with": [SICHUAN]}
    settled(world)
    assert asked == {(QINGHAI, SICHUAN, "AskDay"): 1}
    assert state(world) == "confirmed"  # nothing has changed
    lose(world, "A1")
    world.ask(QINGHAI, "statement", day=TODAY, code=SICHUAN)
    settled(world)
    assert found(world) == [("ONLY_THEIRS", "A1")]
    assert world.ask(QINGHAI, "statement", day=TODAY, code=TIBET)["with"] == [TIBET]
    settled(world)
    assert stored(world, code=TIBET) is None  # nothing on either side


@pytest.mark.parametrize(
    ("verb", "arguments", "code"),
    [
        ("statement", {"day": "2017-07-14"}, "DAY"),
        ("statement", {"day": "2017-02-30"}, "FORM"),
        ("statement", {"day": "2017-07-13", "code": QINGHAI}, "WITH"),
        ("statement", {"day": "2017-07-13", "code": CENTRE}, "WITH"),
        ("confirm-day", {"day": "2017-07-13"}, "STATE"),
        ("confirm-day", {"day": "2017-07-14"}, "DAY"),
        ("confirm-day", {"day": "2017-07-13", "code": "x"}, "WITH"),
        ("confirm-day", {"day": "2017-07-13", "note": "x" * 501}, "FORM"),
        ("confirm-day", {}, "ARGUMENTS"),
        ("confirm-day", {"day": 5}, "FORM"),
        ("confirm-day", {"day": "2017-07-13", "note": ["x"]}, "FORM"),
        ("confirm-day", {"day": "2017-07-13", "note": "two\nlines"}, "FORM"),
        ("statement", {"day": "2017-07-13", "code": 5}, "FORM"),
        ("statement", {"day": None}, "FORM"),
    ],
)
def test_orders_that_make_no_sense_are_refused(
    verb: str, arguments: dict[str, Any], code: str
) -> None:
    world = quiet()
    with pytest.raises((RefusedError, FormError)) as error:
        world.ask(QINGHAI, verb, **arguments)
    assert error.value.code == code
    with pytest.raises(RefusedError):
        world.ask(CENTRE, verb, **arguments)


def test_duties_name_the_newest_day_and_count_the_others() -> None:
    world = quiet()
    for number in range(3):
        world.ask(SICHUAN, "import", rows=[on(shift_day(TODAY, number), f"A{number}")])
        night(world)
    (duty,) = duties_of(world)
    assert duty["en"] == "2017-07-16 matches and is not confirmed (and 2 other days)"
    assert duty["command"] == "gongzhang day confirm 2017-07-16"
    assert duty["zh"].endswith("（另有 2 天）")
