"""Prepayments in the logs: what is void, what is held, and that both ends tell the same."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ledger.errors import RefusedError
from settlement import lookup
from settlement.demand import Row, days_late, may_pay, may_receive, may_return, numbered, rows
from settlement.pairstatement import PairStatement, statement
from settlement.party import CENTRE
from settlement.prepaycheck import check_prepayments
from settlement.prepayment import Account, holdings
from settlement.record import Demand, DemandRow, Increase, Place
from settlement.state import rebuild
from tests.network import QINGHAI, SICHUAN, TIBET, Logs, settlement
from tests.prepaid import (
    DUE,
    back,
    came,
    demand_of,
    drawn,
    give_quotas,
    prepay,
    sent,
    urgent,
)
from tests.published import close

PAIR = (QINGHAI, SICHUAN)
JANUARY = "2017-01"


def network() -> Logs:
    """Return a network with quotas for 2017 and one confirmed month."""
    logs = Logs()
    assert give_quotas(logs, {PAIR: 5_000, (TIBET, SICHUAN): 700}) is None
    logs.add(SICHUAN, settlement("A1", 4_900))
    logs.accept(QINGHAI, SICHUAN)
    close(logs, "2017-03")
    return logs


def held(logs: Logs, debtor: str = QINGHAI, creditor: str = SICHUAN) -> int:
    return lookup.held_prepayment(logs.store, creditor, debtor)


# --- what the log of the centre itself says about a demand ----------------------------------------


def test_demands_and_what_makes_them_void() -> None:
    logs = network()
    good = demand_of(logs, JANUARY, {PAIR: 5_000, (TIBET, SICHUAN): -7})
    row = good.rows[0]
    table: list[tuple[dict[str, Any], str]] = [
        ({"rows": [DemandRow(2, *row_of(row))]}, "ORDER"),  # numbers begin with 1
        ({"rows": [row, DemandRow(3, TIBET, SICHUAN, 1)]}, "ORDER"),
        ({"rows": [row, DemandRow(2, *row_of(row))]}, "ORDER"),  # a pair once
        ({"rows": [DemandRow(1, QINGHAI, QINGHAI, 1)]}, "PAIR"),
        ({"rows": [DemandRow(1, CENTRE, QINGHAI, 1)]}, "PAIR"),
        ({"rows": [row, DemandRow(2, *PAIR, 0)]}, "SIGN"),
        ({"heads": []}, "ORDER"),
        ({"heads": good.heads[::-1]}, "ORDER"),
        ({"month": "2017-02"}, "MONTH"),
        ({"month": "2018-01"}, "STATE"),  # no quotas
        ({"cause": "urgent"}, "ORDER"),
    ]
    for changes, code in table:
        assert logs.add(CENTRE, changed(good, **changes)) == code, changes
    assert logs.add(CENTRE, good) is None
    assert logs.add(CENTRE, good) == "DUPLICATE"
    assert logs.add(CENTRE, demand_of(logs, JANUARY, {PAIR: 1})) == "STATE"  # once a year
    assert logs.add(SICHUAN, good) == "ROLE"


def row_of(row: DemandRow) -> tuple[str, str, int]:
    return row.debtor, row.creditor, row.fen


def changed(demand: Demand, **changes: Any) -> Demand:
    names = ("month", "cause", "rows", "due", "heads", "reason", "approvals")
    return Demand(**{**{name: getattr(demand, name) for name in names}, **changes})


def test_urgent_demands_answer_a_pair_once_a_month_and_numbers_go_on() -> None:
    logs = network()
    assert logs.add(CENTRE, urgent(logs, "2017-04", *PAIR, 100)) == "STATE"  # not confirmed
    assert logs.add(CENTRE, urgent(logs, "2017-03", *PAIR, -1)) == "SIGN"
    two = urgent(logs, "2017-03", *PAIR, 100)
    two = changed(two, rows=[*two.rows, DemandRow(2, TIBET, SICHUAN, 5)])
    assert logs.add(CENTRE, two) == "ORDER"
    assert logs.add(CENTRE, urgent(logs, "2017-03", *PAIR, 100)) is None
    assert logs.add(CENTRE, urgent(logs, "2017-03", *PAIR, 50)) == "STATE"
    with pytest.raises(ValueError, match="why nothing"):
        urgent(logs, "2017-03", TIBET, SICHUAN, 0)
    assert logs.add(CENTRE, urgent(logs, "2017-03", TIBET, SICHUAN, 0, "no cover")) is None
    assert [(row.number, row.state) for row in rows(logs.store, logs.size(CENTRE))] == [
        (1, "DUE"), (2, "DECLINED"),
    ]  # fmt: skip


def test_a_request_is_made_once_a_month_and_never_of_oneself() -> None:
    logs = network()
    assert logs.add(SICHUAN, Increase("2017-03", SICHUAN, 5, [])) == "PAIR"
    assert logs.add(SICHUAN, Increase("2017-03", CENTRE, 5, [])) == "PAIR"
    assert logs.add(SICHUAN, Increase("2017-03", QINGHAI, 0, [])) == "SIGN"
    assert logs.add(SICHUAN, Increase("2017-03", QINGHAI, 5, [])) is None
    assert logs.add(SICHUAN, Increase("2017-03", QINGHAI, 6, [])) == "DUPLICATE"
    assert logs.add(CENTRE, Increase("2017-03", QINGHAI, 6, [])) == "ROLE"


# --- a row, from demanded to received ------------------------------------------------------------


def only(logs: Logs) -> Row:
    [row] = rows(logs.store, logs.size(CENTRE))
    return row


def test_the_states_of_a_row_that_is_paid_in_parts() -> None:
    logs = network()
    logs.add(CENTRE, demand_of(logs, JANUARY, {PAIR: 5_000}))
    steps = [
        (QINGHAI, sent("prepayment", JANUARY, 1, SICHUAN, 2_000), "PARTIAL", 0),
        (QINGHAI, back("prepayment", JANUARY, 1, SICHUAN), "RETURNED", 0),
        (QINGHAI, sent("prepayment", JANUARY, 1, SICHUAN, 3_000, 2), "PARTIAL", 0),
        (SICHUAN, came("prepayment", JANUARY, 1, QINGHAI, 3_000, 2), "PARTIAL", 3_000),
        (QINGHAI, sent("prepayment", JANUARY, 1, SICHUAN, 2_000, 3), "PAID", 3_000),
        (SICHUAN, came("prepayment", JANUARY, 1, QINGHAI, 2_000, 3), "RECEIVED", 5_000),
    ]
    assert only(logs).state == "DUE"
    for code, record, state, holds in steps:
        assert logs.add(code, record) is None
        assert (only(logs).state, held(logs)) == (state, holds)
    assert only(logs).note is None


def test_who_may_record_what_of_a_row() -> None:
    logs = network()
    logs.add(CENTRE, demand_of(logs, JANUARY, {PAIR: -500}))
    row = only(logs)
    assert (row.payer, row.payee, row.purpose) == (SICHUAN, QINGHAI, "prepayment_return")
    found = rows(logs.store, logs.size(CENTRE))
    for refused, code in (
        (lambda: numbered(found, JANUARY, 2), "ROW"),
        (lambda: numbered(found, "2017-02", 1), "ROW"),
        (lambda: may_pay(row, QINGHAI), "ROLE"),
        (lambda: may_receive(row, SICHUAN), "ROLE"),
        (lambda: may_receive(row, QINGHAI), "ORDER"),
        (lambda: may_return(row, QINGHAI, 1), "ROLE"),
        (lambda: may_return(row, SICHUAN, 1), "STATE"),
    ):
        with pytest.raises(RefusedError) as error:
            refused()
        assert error.value.code == code
    assert may_pay(row, SICHUAN) == 500


def test_nobody_gives_back_more_than_is_held() -> None:
    logs = network()
    back_500 = sent("prepayment_return", JANUARY, 1, QINGHAI, 500)
    assert logs.add(SICHUAN, back_500) == "EXCEEDS"
    logs.add(SICHUAN, came("prepayment", JANUARY, 7, QINGHAI, 400))
    assert logs.add(SICHUAN, back_500) == "EXCEEDS"
    assert logs.add(SICHUAN, sent("prepayment_return", JANUARY, 1, QINGHAI, 400)) is None
    assert held(logs) == 0
    assert logs.add(SICHUAN, back("prepayment_return", JANUARY, 1, QINGHAI)) is None
    assert held(logs) == 400


def test_how_late_a_row_is_stays_on_record() -> None:
    logs = network()  # its entries are of 14 July 2017
    logs.add(CENTRE, demand_of(logs, JANUARY, {PAIR: 5_000}, "2017-07-10"))
    assert days_late(logs.store, only(logs), date(2017, 7, 10)) == 0
    assert days_late(logs.store, only(logs), date(2017, 7, 13)) == 3
    assert days_late(logs.store, only(logs), None) == 0
    logs.add(QINGHAI, sent("prepayment", JANUARY, 1, SICHUAN, 5_000))
    assert days_late(logs.store, only(logs), date(2018, 1, 1)) == 4  # paid on the 14th
    logs.add(SICHUAN, came("prepayment", JANUARY, 1, QINGHAI, 5_000))
    assert days_late(logs.store, only(logs), None) == 4


# --- what is held, and by which entries -----------------------------------------------------------


def test_every_movement_of_an_account_in_order() -> None:
    logs = network()
    prepay_row = came("prepayment", JANUARY, 1, QINGHAI, 5_000)
    logs.add(SICHUAN, came("clearing", "2017-03", 1, QINGHAI, 100))  # in time: no movement
    logs.add(SICHUAN, prepay_row)
    logs.add(SICHUAN, drawn("2017-03", 2, QINGHAI, 5_000, 300))
    logs.add(SICHUAN, came("clearing", "2017-03", 2, QINGHAI, 2_000))
    logs.add(SICHUAN, came("clearing", "2017-03", 2, QINGHAI, 3_100, 2))
    logs.add(SICHUAN, sent("prepayment_return", "2018-01", 1, QINGHAI, 800))
    found = holdings(logs.store, SICHUAN)
    assert [(m.what, m.fen, m.after.held_fen, m.after.arrears_fen) for m in found.movements] == [
        ("received", 5_000, 5_000, 0),
        ("drawn", -5_000, 0, 300),
        ("refilled", 2_000, 2_000, 300),
        ("refilled", 3_000, 5_000, 200),  # a hundred of it pays arrears
        ("given_back", -800, 4_200, 200),
    ]
    account = found.accounts()[QINGHAI]
    assert account == Account(5_000, 800, 5_000, 5_000, 200)
    assert (account.held_fen, account.to_refill_fen) == (4_200, 0)
    second = found.movements[1].place.index
    assert found.at(second) == {QINGHAI: 5_000}  # below the draw
    assert found.at(second + 1) == {QINGHAI: 0}
    assert found.at(0) == {}


# --- both ends -----------------------------------------------------------------------------------


def told(logs: Logs, debtor: str = QINGHAI, creditor: str = SICHUAN) -> PairStatement:
    found = rows(logs.store, logs.size(CENTRE))
    return statement(logs.store, debtor, creditor, holdings(logs.store, creditor), found)


def test_a_statement_names_every_entry_and_what_is_under_way() -> None:
    logs = network()
    logs.add(CENTRE, demand_of(logs, JANUARY, {PAIR: 5_000}))
    logs.add(QINGHAI, sent("prepayment", JANUARY, 1, SICHUAN, 3_000))
    logs.at_ms += 1
    logs.add(SICHUAN, came("prepayment", JANUARY, 1, QINGHAI, 3_000))
    logs.at_ms += 1
    logs.add(QINGHAI, sent("prepayment", JANUARY, 1, SICHUAN, 2_000, 2))
    found = told(logs)
    assert [
        (x.what, x.fen, x.debtor_balance_fen, x.creditor_balance_fen) for x in found.lines
    ] == [
        ("sent", 3_000, 3_000, 0), ("received", 3_000, 3_000, 3_000), ("sent", 2_000, 5_000, 3_000),
    ]  # fmt: skip
    assert (found.debtor_fen, found.creditor_fen, found.difference_fen) == (5_000, 3_000, 0)
    [item] = found.transit
    assert (item.place, item.fen, item.back) == (
        Place(QINGHAI, logs.size(QINGHAI) - 1),
        2_000,
        False,
    )
    assert (found.faults, found.unsent) == ((), ())


def test_what_the_two_ends_do_not_agree_on_is_named() -> None:
    def made() -> Logs:
        logs = network()
        logs.add(CENTRE, demand_of(logs, JANUARY, {PAIR: 5_000}))
        logs.add(QINGHAI, sent("prepayment", JANUARY, 1, SICHUAN, 3_000))
        return logs

    other = made()
    other.add(SICHUAN, came("prepayment", JANUARY, 1, QINGHAI, 2_999))
    assert [text.split(" names ")[1] for text in told(other).faults] == [
        f"another amount than {QINGHAI} #{other.size(QINGHAI) - 1}"
    ]
    assert told(other).difference_fen == 1

    nothing = made()
    nothing.add(SICHUAN, came("prepayment", JANUARY, 1, QINGHAI, 3_000))
    nothing.add(SICHUAN, came("prepayment", JANUARY, 1, QINGHAI, 10, 2))
    assert len(told(nothing).unsent) == 1
    assert told(nothing).difference_fen == -10

    both = made()
    both.add(SICHUAN, came("prepayment", JANUARY, 1, QINGHAI, 3_000))
    both.add(QINGHAI, back("prepayment", JANUARY, 1, SICHUAN))
    assert "was returned" in told(both).faults[0]
    assert told(both).difference_fen == -3_000
    both.add(QINGHAI, sent("prepayment", JANUARY, 1, SICHUAN, 3_000, 2))  # again: that one arrived
    assert (told(both).faults, told(both).transit, told(both).difference_fen) == ((), (), 0)
    assert only(both).received_fen == 3_000

    more = made()
    more.add(QINGHAI, sent("prepayment", JANUARY, 1, SICHUAN, 2_001, 2))
    assert any("sends more than the row asks for" in text for text in told(more).faults)

    undemanded = made()
    undemanded.add(QINGHAI, sent("prepayment", JANUARY, 9, SICHUAN, 5))
    assert any("no demand has row 9" in text for text in told(undemanded).faults)
    kinds = {fault.kind for fault in check_prepayments(undemanded.store, undemanded.roster)}
    assert kinds == {"false"}


def test_the_audit_finds_a_request_without_an_alert_and_a_demand_without_a_request() -> None:
    logs = network()
    logs.add(SICHUAN, Increase("2017-03", QINGHAI, 100, []))  # nothing was held: no alert
    logs.add(CENTRE, urgent(logs, "2017-03", QINGHAI, SICHUAN, 101))
    logs.add(CENTRE, urgent(logs, "2017-03", TIBET, SICHUAN, 1))
    found = [(f.kind, f.place, f.text) for f in check_prepayments(logs.store, logs.roster)]
    assert found == [
        ("false", "demand 2017-03 row 1", "more than 510000 asked for"),
        ("unchecked", "demand 2017-03 row 2", "no request of 510000 is in its log as held here"),
        ("false", f"{SICHUAN} #{logs.size(SICHUAN) - 1}",
         "no red alert stood for 630000 in 2017-03"),
    ]  # fmt: skip


def test_the_audit_computes_the_rows_of_a_yearly_demand_again() -> None:
    logs = network()
    assert logs.add(CENTRE, demand_of(logs, JANUARY, {PAIR: 5_001, (TIBET, SICHUAN): 700})) is None
    [found] = check_prepayments(logs.store, logs.roster)
    assert found.place == "demand 2017-01"
    assert "630000 to 510000: 50.01 yuan" in found.text


# --- laws, against a naive model -----------------------------------------------------------------

ROWS = {1: (QINGHAI, SICHUAN, 900), 2: (TIBET, SICHUAN, -400), 3: (SICHUAN, TIBET, 500)}


@dataclass
class Naive:
    """What everybody would write on paper."""

    held: dict[tuple[str, str], int] = field(default_factory=dict)
    under_way: dict[tuple[str, str], int] = field(default_factory=dict)

    def add(self, where: str, pair: tuple[str, str], fen: int) -> None:
        book = getattr(self, where)
        book[pair] = book.get(pair, 0) + fen


class Prepaying(RuleBasedStateMachine):
    """Three provinces pay, receive, return, give back, draw and refill in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.logs = Logs()
        self.naive = Naive()
        self.attempts: dict[int, int] = {}
        self.open: list[tuple[int, int, int]] = []  # row, attempt, fen: sent and not arrived
        self.draws: list[list[int]] = []  # number of the leg, to refill, arrears
        self.legs = 0
        give_quotas(self.logs, {PAIR: 900})
        pairs = {(d, c): fen for d, c, fen in ROWS.values()}
        record = demand_of(self.logs, JANUARY, pairs)
        numbers = {(row.debtor, row.creditor): row.number for row in record.rows}
        self.rows = {numbers[d, c]: (d, c, fen) for d, c, fen in ROWS.values()}
        assert self.logs.add(CENTRE, record) is None

    def ends(self, number: int) -> tuple[str, str, str, tuple[str, str]]:
        debtor, creditor, fen = self.rows[number]
        if fen > 0:
            return debtor, creditor, "prepayment", (debtor, creditor)
        return creditor, debtor, "prepayment_return", (debtor, creditor)

    @rule(number=st.sampled_from([1, 2, 3]), fen=st.integers(1, 400))
    def send(self, number: int, fen: int) -> None:
        payer, payee, purpose, pair = self.ends(number)
        done = sum(f for row, _, f in self.open if row == number) + self.arrived(number)
        if done + fen > abs(self.rows[number][2]):
            return
        attempt = self.attempts.get(number, 0) + 1
        outcome = self.logs.add(payer, sent(purpose, JANUARY, number, payee, fen, attempt))
        if purpose == "prepayment_return" and fen > self.naive.held.get(pair, 0):
            assert outcome == "EXCEEDS"
            return
        assert outcome is None
        self.attempts[number] = attempt
        self.open.append((number, attempt, fen))
        self.naive.add("under_way", pair, fen)
        if purpose == "prepayment_return":
            self.naive.add("held", pair, -fen)

    def arrived(self, number: int) -> int:
        found = rows(self.logs.store, self.logs.size(CENTRE))
        return next(row for row in found if row.number == number).received_fen

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def receive(self, data: st.DataObject) -> None:
        number, attempt, fen = self.open.pop(data.draw(st.integers(0, len(self.open) - 1)))
        payer, payee, purpose, pair = self.ends(number)
        assert self.logs.add(payee, came(purpose, JANUARY, number, payer, fen, attempt)) is None
        self.naive.add("under_way", pair, -fen)
        if purpose == "prepayment":
            self.naive.add("held", pair, fen)

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        number, attempt, fen = self.open.pop(data.draw(st.integers(0, len(self.open) - 1)))
        payer, payee, purpose, pair = self.ends(number)
        assert self.logs.add(payer, back(purpose, JANUARY, number, payee, attempt)) is None
        self.naive.add("under_way", pair, -fen)
        if purpose == "prepayment_return":
            self.naive.add("held", pair, fen)

    @rule(missing=st.integers(1, 600), wrong=st.booleans())
    def draw(self, missing: int, wrong: bool) -> None:
        holds = self.naive.held.get(PAIR, 0)
        take = min(missing, holds)
        self.legs += 1
        if wrong:
            record = drawn("2017-03", self.legs, QINGHAI, holds + 1, 0)
            assert self.logs.add(SICHUAN, record) == "EXCEEDS"
            return
        record = drawn("2017-03", self.legs, QINGHAI, take, missing - take)
        assert self.logs.add(SICHUAN, record) is None
        self.draws.append([self.legs, take, missing - take, 0])
        self.naive.add("held", PAIR, -take)

    @precondition(lambda self: self.draws)
    @rule(data=st.data(), fen=st.integers(1, 700))
    def repay(self, data: st.DataObject, fen: int) -> None:
        draw = data.draw(st.sampled_from(self.draws))
        draw[3] += 1
        record = came("clearing", "2017-03", draw[0], QINGHAI, fen, draw[3])
        outcome = self.logs.add(SICHUAN, record)
        if fen > draw[1] + draw[2]:
            assert outcome == "EXCEEDS"
            return
        assert outcome is None
        refill = min(fen, draw[1])
        draw[1] -= refill
        draw[2] -= fen - refill
        self.naive.add("held", PAIR, refill)

    @invariant()
    def what_is_held_is_what_the_paper_says_and_never_below_zero(self) -> None:
        for code in self.logs.codes:
            found = holdings(self.logs.store, code)
            for debtor, account in found.accounts().items():
                assert account.held_fen == held(self.logs, debtor, code) >= 0
                assert account.held_fen == self.naive.held.get((debtor, code), 0)
                assert account.to_refill_fen >= 0
                assert account.arrears_fen >= 0
        left = sum(draw[2] for draw in self.draws)
        account = holdings(self.logs.store, SICHUAN).accounts().get(QINGHAI, Account())
        assert account.arrears_fen == left

    @invariant()
    def both_ends_mirror_each_other_less_what_is_under_way(self) -> None:
        for debtor, creditor, _ in ROWS.values():
            found = told(self.logs, debtor, creditor)
            assert found.difference_fen == 0
            assert (found.faults, found.unsent) == ((), ())
            assert found.transit_fen == self.naive.under_way.get((debtor, creditor), 0)
            assert found.creditor_fen == self.naive.held.get((debtor, creditor), 0)

    def teardown(self) -> None:
        before = [held(self.logs, d, c) for d, c, _ in ROWS.values()]
        for code in self.logs.codes:
            self.logs.store.transact(lambda w, c=code: rebuild(w, self.logs.roster, c))
        assert [held(self.logs, d, c) for d, c, _ in ROWS.values()] == before


Prepaying.TestCase.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
TestPrepaying = Prepaying.TestCase


def test_a_prepayment_in_one_direction_is_not_the_one_in_the_other() -> None:
    logs = Logs()
    prepay(logs, QINGHAI, SICHUAN, 5_000)
    assert held(logs) == 5_000
    assert held(logs, SICHUAN, QINGHAI) == 0
    assert logs.add(QINGHAI, drawn("2017-03", 1, SICHUAN, 1)) == "EXCEEDS"
    assert DUE in {row.due for row in rows(logs.store, logs.size(CENTRE))}
