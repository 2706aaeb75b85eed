"""The calendar of a month: its dates by hand, and who did what when."""

from collections.abc import Iterable
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import log
from ledger.errors import FormError, RefusedError, UncheckableError
from ledger.table import log_key
from settlement import batch as batches
from settlement import leg as legs
from settlement import lookup, shipped
from settlement.basis import Basis, basis_at
from settlement.party import CENTRE
from settlement.record import (
    Certificate,
    Holidays,
    Net,
    Paid,
    Proposal,
    Received,
    RuleSet,
    Silence,
    Withdrawal,
)
from settlement.ruleset import parse_ruleset
from settlement.schedule import Due, month_schedule
from settlement.timeliness import Lateness, Progress, due_days, lateness, month_progress
from settlement.workdays import Workdays
from tests.network import QINGHAI, SICHUAN, TIBET, Logs, settlement

WORKDAYS = Workdays(shipped.holidays())
FIVE = ("110000", "120000", SICHUAN, TIBET, QINGHAI)


def schedule(name: str, month: str = "2017-12", notice: str | None = None) -> list[Due]:
    given = None if notice is None else date.fromisoformat(notice)
    return month_schedule(parse_ruleset(shipped.ruleset(name)), month, WORKDAYS, given)


def dated(found: Iterable[Due]) -> list[str]:
    """Return `day event` of the steps with a date; the date of the rule after `for`."""
    return [
        f"{due.day} {due.step.event}" + (f" for {due.moved_from}" if due.moved_from else "")
        for due in found
        if due.day is not None
    ]


# --- the calendar of December 2017, worked out by hand -------------------------------------------
#
#   January 2018: the 1st is off; the 6th, 7th, 13th, 14th, 20th, 21st, 27th, 28th are weekends.
#   February: Sunday the 11th and Saturday the 24th are worked, the 15th to the 21st are off.

JANUARY_BY_THE_JIANGSU_DAYS = [
    "2018-01-02 propose",
    "2018-01-05 attest",
    "2018-01-10 confirm",
    "2018-01-15 remit",
    "2018-01-22 distribute for 2018-01-20",  # a Saturday
]


def test_december_2017_by_the_jiangsu_rules() -> None:
    found = schedule("jiangsu-2017")
    assert dated(found) == JANUARY_BY_THE_JIANGSU_DAYS
    assert [due.step.event for due in found if due.day is None] == [
        "register", "download", "record", "day_file", "accept",
    ]  # fmt: skip


def test_december_2017_by_the_default_rules() -> None:
    assert dated(schedule("interprovince-net")) == [
        *JANUARY_BY_THE_JIANGSU_DAYS,
        "2018-01-31 final",
    ]


def test_december_2017_by_the_national_rules_of_2016() -> None:
    assert dated(schedule("national-2016")) == [
        "2018-01-22 reconcile for 2018-01-20",
        "2018-01-22 propose for 2018-01-21",
        "2018-01-25 attest",
        "2018-01-31 confirm",
        "2018-01-31 quota",
        "2018-02-07 apply",  # 1, 2, 5, 6, 7 February
        "2018-02-26 remit",  # 8, 9, 11, 12, 13, 14, 22, 23, 24, 26 February
    ]


def test_december_2017_by_the_national_rules_of_2022() -> None:
    assert dated(schedule("national-2022")) == [
        "2018-01-03 accept_month",
        "2018-01-22 declare for 2018-01-20",
        "2018-01-22 propose for 2018-01-21",
        "2018-01-25 attest",
        "2018-01-30 request",  # 26, 29, 30 January
        "2018-01-31 confirm",
        "2018-01-31 quota",
        "2018-02-07 apply",
        "2018-02-26 remit",
        "2018-03-05 enter",  # 27, 28 February, 1, 2, 5 March
    ]


def test_what_is_counted_from_the_notice_is_planned_until_there_is_one() -> None:
    planned = {due.step.event: due.planned for due in schedule("national-2022")}
    assert {event for event, is_planned in planned.items() if is_planned} == {
        "apply", "remit", "enter",
    }  # fmt: skip
    known = schedule("national-2022", notice="2018-01-26")  # five days early
    assert not any(due.planned for due in known)
    assert "2018-02-02 apply" in dated(known)  # 29, 30, 31 January, 1, 2 February


def test_the_steps_of_the_year_stand_with_the_month_that_is_cleared_then() -> None:
    def yearly(month: str) -> list[tuple[str, str]]:
        return [
            (due.step.event, due.about)
            for due in schedule("national-2022", month)
            if due.step.anchor in ("year", "next_year")
        ]

    assert yearly("2017-12") == [("quota", "2018")]
    assert yearly("2018-01") == [("quota_pay", "2018")]
    assert yearly("2018-02") == [("year_close", "2017")]
    assert yearly("2018-03") == []


def test_a_date_in_the_week_of_national_day_moves_behind_it_and_names_it() -> None:
    due = next(d for d in schedule("jiangsu-2017", "2017-09") if d.step.event == "propose")
    assert (str(due.day), str(due.moved_from)) == ("2017-10-09", "2017-10-02")
    assert due.holiday is not None
    assert due.holiday.name_zh == "中秋节、国庆节"


def test_a_rule_set_that_leaves_dates_where_they_are_needs_no_holidays() -> None:
    text = shipped.ruleset("jiangsu-2017").replace(b'"next_working_day"', b'"stay"')
    found = month_schedule(parse_ruleset(text), "2031-03", Workdays({}))
    assert "2031-04-20 distribute" in dated(found)


def test_a_year_whose_holidays_nobody_knows_is_refused() -> None:
    with pytest.raises(RefusedError, match="2027") as refused:
        schedule("national-2016", "2026-12")
    assert refused.value.code == "NO_HOLIDAYS"


@pytest.mark.parametrize(
    ("rule", "month", "day"),
    [
        (
            '"service_month"\noffset = 1\nunit = "month_end"',
            "2020-02",
            "2020-03-02",
        ),  # for Saturday
        ('"service_month"\noffset = 28\nunit = "day"', "2019-02", "2019-02-28"),
        ('"next_month"\noffset = 1\nunit = "working_day"', "2017-09", "2017-10-09"),
        ('"next_month"\noffset = 5\nunit = "working_day"', "2018-01", "2018-02-07"),
        ('"next_month"\noffset = 2\nunit = "month_end"', "2017-11", "2018-01-31"),
        ('"notice"\noffset = 2\nunit = "month_end"', "2017-12", "2018-02-28"),
        ('"notice"\noffset = 10\nunit = "day"', "2017-12", "2018-02-11"),  # a worked Sunday
        ('"year"\noffset = 33\nunit = "day"', "2018-01", "2018-02-02"),
        ('"year"\noffset = 23\nunit = "working_day"', "2018-01", "2018-02-01"),
        (
            '"next_year"\noffset = 12\nunit = "month_end"',
            "2018-11",
            "2019-01-02",
        ),  # the 31st is off
    ],
)
def test_every_way_to_count(rule: str, month: str, day: str) -> None:
    text = shipped.ruleset("national-2016").decode()
    step = f'\n[[step]]\nevent = "mine"\nanchor = {rule}\nactor = "all"\nsource = "x"\n'
    rules = parse_ruleset((text + step + 'certainty = "choice"\n').encode())
    found = {due.step.event: due for due in month_schedule(rules, month, WORKDAYS)}
    assert str(found["mine"].day) == day


YEARS = st.integers(2016, 2024)


@given(st.sampled_from(shipped.rulesets()), YEARS)
def test_in_a_year_every_step_of_the_month_comes_twelve_times_and_of_the_year_once(
    name: str, year: int
) -> None:
    count: dict[str, int] = {}
    for month in range(1, 13):
        for due in schedule(name, f"{year}-{month:02d}"):
            count[due.step.event] = count.get(due.step.event, 0) + 1
            if due.day is not None:
                assert WORKDAYS.works(due.day)
                assert due.moved_from is None or not WORKDAYS.works(due.moved_from)
    for step in parse_ruleset(shipped.ruleset(name)).step:
        assert count[step.event] == (1 if step.anchor in ("year", "next_year") else 12)


# --- a month in the logs -------------------------------------------------------------------------


class Month(Logs):
    """Logs whose entries are written on named days, at noon in Shanghai."""

    month = "2017-12"

    def on(self, day: str) -> "Month":
        moment = datetime.fromisoformat(f"{day}T04:00:00").replace(tzinfo=UTC)
        self.at_ms = int(moment.timestamp() * 1000)
        return self

    def record(self) -> "Month":
        self.add(SICHUAN, settlement("A1", 1_000, month=self.month))
        self.add(
            TIBET,
            settlement("B1", 400, month=self.month, treated="540100", insured="510100"),
            settlement("B2", 50, month=self.month, treated="540100"),
        )
        for debtor, creditor in ((QINGHAI, SICHUAN), (SICHUAN, TIBET), (QINGHAI, TIBET)):
            assert self.accept(debtor, creditor) is None
        return self

    def propose(self) -> None:
        size = self.size(CENTRE)
        result = batches.compute(self.store, self.roster, self.month, self.cut(), size)
        nets = [Net(code, fen) for code, fen in sorted(result.nets.items())]
        revision = batches.next_revision(self.store, self.month)
        record = Proposal(
            self.month, revision, self.cut(), result.ruleset_hash, nets, result.hash, []
        )
        assert self.add(CENTRE, record) is None

    @property
    def batch(self) -> batches.Batch:
        found = batches.latest_batch(self.store, self.roster, self.month)
        assert found is not None
        return found

    def attest(self, *codes: str) -> None:
        batch = self.batch
        mine = batches.result_of(self.store, self.roster, self.month, batch.revision)
        leaf = log.leaf(self.store, log_key(CENTRE), batch.proposal_index)
        for code in codes:
            assert self.add(code, batches.attest(batch.proposal, leaf, mine, None)) is None

    def confirm(self) -> None:
        record = batches.confirm(self.store, self.roster, self.batch)
        assert self.add(CENTRE, record) is None

    def legs(self) -> list[legs.Leg]:
        result = batches.result_of(self.store, self.roster, self.month, self.batch.revision)
        return legs.legs_of(self.store, result)

    def pay(self, number: int, *, receive: bool = True) -> None:
        due = self.legs()[number - 1].due
        paid = Paid(
            "clearing", self.month, number, 1, due.payee, due.fen, f"B{number}", "2018-01-15", []
        )
        assert self.add(due.payer, paid) is None
        if receive:
            self.receive(number)

    def receive(self, number: int) -> None:
        due = self.legs()[number - 1].due
        came = Received(
            "clearing", self.month, number, 1, due.payer, due.fen, f"B{number}", "2018-01-15", []
        )
        assert self.add(due.payee, came) is None

    def certify(self) -> None:
        batch = self.batch
        assert batch.confirmation_index is not None
        record = legs.certificate(
            self.store, self.month, batch.revision, batch.confirmation_index, self.legs()
        )
        assert isinstance(record, Certificate)
        assert self.add(CENTRE, record) is None

    def progress(self, today: str, size: int | None = None) -> dict[str, Progress]:
        at = self.size(CENTRE) if size is None else size
        basis = basis_at(self.store, self.month, at)
        day = date.fromisoformat(today)
        found = month_progress(self.store, self.roster, self.month, day, basis, at)
        return {step.due.step.event: step for step in found}

    def states(self, today: str) -> dict[str, str]:
        found = self.progress(today)
        return {event: step.state for event, step in found.items() if step.due.day is not None}

    def late(self, today: str) -> list[Lateness]:
        return lateness(self.progress(today).values())


def month(codes: tuple[str, ...] = (SICHUAN, TIBET, QINGHAI), rules: str = "") -> Month:
    made = Month(codes)
    made.on("2017-12-31")
    if rules:
        made.add(CENTRE, RuleSet(rules, shipped.ruleset(rules), []))
    return made.record()


def test_before_anything_is_due_only_the_proposal_is_open_and_nobody_is_late() -> None:
    made = month()
    assert made.states("2018-01-02") == {
        "propose": "open", "attest": "waiting", "confirm": "waiting", "remit": "waiting",
        "distribute": "waiting", "final": "waiting",
    }  # fmt: skip
    assert made.progress("2018-01-02")["propose"].owing == (CENTRE,)
    assert made.late("2018-01-02") == []
    assert made.progress("2018-01-02")["accept"].state == "unseen"


def test_a_month_in_time_from_the_proposal_to_the_certificate() -> None:
    made = month()
    made.on("2018-01-02").propose()
    made.on("2018-01-05").attest(SICHUAN, TIBET, QINGHAI)
    made.on("2018-01-10").confirm()
    made.on("2018-01-15").pay(1)
    made.on("2018-01-22").pay(2)
    made.pay(3)
    made.on("2018-01-31").certify()
    steps = made.progress("2018-03-01")
    assert set(made.states("2018-03-01").values()) == {"done"}
    assert made.late("2018-03-01") == []
    assert [str(done.day) for done in steps["attest"].done] == ["2018-01-05"] * 3
    assert [done.place.code for done in steps["attest"].done] == sorted((SICHUAN, TIBET, QINGHAI))
    assert [done.place.code for done in steps["distribute"].done] == [CENTRE]
    assert [done.place.code for done in steps["remit"].done] == [QINGHAI]


def test_a_centre_that_proposes_late_is_late_on_record_and_the_provinces_are_not() -> None:
    made = month()
    assert made.late("2018-01-05") == [Lateness("propose", CENTRE, 3, False)]
    assert made.progress("2018-01-08")["attest"].days_late == 3  # overdue, but nobody's fault
    made.on("2018-01-08").propose()
    assert made.late("2018-01-08") == [
        Lateness("propose", CENTRE, 6, True),
        Lateness("attest", SICHUAN, 3, False),
        Lateness("attest", TIBET, 3, False),
        Lateness("attest", QINGHAI, 3, False),
    ]


def test_a_payer_that_is_late_is_named_until_it_pays_and_afterwards() -> None:
    made = month()
    made.on("2018-01-02").propose()
    made.attest(SICHUAN, TIBET, QINGHAI)
    made.confirm()
    steps = made.progress("2018-01-18")
    assert (steps["remit"].state, steps["remit"].owing, steps["remit"].days_late) == (
        "open", (QINGHAI,), 3,
    )  # fmt: skip
    assert (steps["distribute"].state, steps["distribute"].waits_for) == ("waiting", "remit")
    made.on("2018-01-19").pay(1, receive=False)
    assert made.late("2018-01-19") == [Lateness("remit", QINGHAI, 4, True)]
    assert made.progress("2018-01-24")["distribute"].owing == (CENTRE,)
    assert Lateness("distribute", CENTRE, 2, False) in made.late("2018-01-24")


def test_the_certificate_waits_for_the_money_and_then_the_centre_owes_it() -> None:
    made = month()
    made.on("2018-01-02").propose()
    made.attest(SICHUAN, TIBET, QINGHAI)
    made.confirm()
    assert made.progress("2018-01-02")["final"].waits_for == "pay"
    made.pay(1)
    made.pay(2)
    made.pay(3, receive=False)
    assert made.progress("2018-01-02")["final"].waits_for == "receive"
    made.receive(3)
    assert made.progress("2018-01-02")["final"].owing == (CENTRE,)


def test_a_confirmation_waits_for_the_quorum_and_then_the_centre_owes_it() -> None:
    made = month()
    made.on("2018-01-02").propose()
    made.attest(SICHUAN)
    steps = made.progress("2018-01-12")
    assert (steps["confirm"].state, steps["confirm"].waits_for) == ("waiting", "attest")
    assert steps["attest"].owing == (TIBET, QINGHAI)
    made.attest(TIBET, QINGHAI)
    assert Lateness("confirm", CENTRE, 2, False) in made.late("2018-01-12")


def test_a_withdrawn_proposal_is_none() -> None:
    made = month()
    made.on("2018-01-02").propose()
    made.add(CENTRE, Withdrawal(made.month, 1, made.batch.proposal_hash, "wrong", []))
    assert made.states("2018-01-04")["propose"] == "open"
    assert made.late("2018-01-04") == [Lateness("propose", CENTRE, 2, False)]
    made.on("2018-01-04").propose()
    assert made.late("2018-01-04") == [Lateness("propose", CENTRE, 2, True)]


def test_who_was_silent_has_missed_it_and_is_late_only_if_it_was_due() -> None:
    for confirmed, late in (("2018-01-04", []), ("2018-01-09", [4])):
        made = month(FIVE)
        made.on("2018-01-02").propose()
        made.attest(*FIVE[:3], QINGHAI)
        for code in FIVE[:3]:
            made.add(code, Silence(made.month, 1, made.batch.proposal_hash, TIBET, []))
        made.on(confirmed).confirm()
        attest = made.progress("2018-06-01")["attest"]
        assert (attest.state, attest.missed, attest.owing) == ("done", (TIBET,), ())
        found = lateness([attest])
        assert [(item.code, item.days, item.done) for item in found] == [
            (TIBET, days, False) for days in late
        ]


def test_in_the_gross_model_every_payer_pays_and_the_notice_sets_the_date() -> None:
    made = month(rules="national-2016")
    made.on("2018-01-22").propose()
    made.on("2018-01-25").attest(SICHUAN, TIBET, QINGHAI)
    made.on("2018-02-02").confirm()  # a Friday, two days late
    steps = made.progress("2018-02-02")
    # 5 to 9, 11 to 14 February, 22, 23, 24, 26, 27, 28
    assert (str(steps["remit"].due.day), steps["remit"].due.planned) == ("2018-02-28", False)
    assert steps["remit"].owing == (SICHUAN, QINGHAI)
    assert made.late("2018-02-02") == [
        Lateness("confirm", CENTRE, 2, True),
        Lateness("quota", CENTRE, 2, False),  # due on 31 January, too, and waited for December
    ]
    owed = {leg.due.payer: leg.due.number for leg in made.legs()}
    assert len(made.legs()) == 3
    made.on("2018-02-28").pay(owed[SICHUAN])
    made.pay(owed[QINGHAI])
    assert made.progress("2018-02-28")["remit"].owing == (QINGHAI,)  # one of its two legs
    first = next(leg.due.number for leg in made.legs() if leg.state == "DUE")
    made.on("2018-03-01").pay(first)
    assert Lateness("remit", QINGHAI, 1, True) in made.late("2018-03-01")


def test_the_day_of_an_entry_is_the_one_in_shanghai() -> None:
    made = month()
    made.at_ms = int(datetime(2018, 1, 2, 16, 30, tzinfo=UTC).timestamp() * 1000)
    made.propose()
    assert made.late("2018-01-03") == [
        Lateness("propose", CENTRE, 1, True),
    ]


def test_a_time_stamp_beyond_all_years_is_late_and_breaks_nothing() -> None:
    made = month()
    made.at_ms = 2**53
    made.propose()
    assert str(made.progress("2018-01-03")["propose"].done[0].day) == "2099-12-31"


def test_only_what_lies_below_the_head_counts() -> None:
    made = month()
    made.on("2018-01-02").propose()
    size = made.size(CENTRE)
    assert made.progress("2018-01-03", size)["propose"].state == "done"
    assert made.progress("2018-01-03", size - 1)["propose"].state == "open"


def closed(made: Month) -> Month:
    made.on("2018-01-02").propose()
    made.attest(SICHUAN, TIBET, QINGHAI)
    made.confirm()
    return made


def test_a_month_before_the_first_asks_nothing_and_one_after_the_next_waits() -> None:
    made = closed(month())
    made.month = "2017-11"
    assert set(made.states("2018-06-01").values()) == {"none"}
    made.month = "2018-01"
    assert made.late("2018-06-01")[0].event == "propose"
    made.month = "2018-02"
    assert made.progress("2018-06-01")["propose"].waits_for == "before"
    # Its calendar holds the closing of 2017, which the centre owes on its own.
    assert [(item.event, item.code) for item in made.late("2018-06-01")] == [("year_close", CENTRE)]


def test_a_node_that_lacks_a_log_of_the_cut_says_so() -> None:
    made, other = closed(month()), Month()
    for code in (CENTRE, QINGHAI):
        first = 0 if code == QINGHAI else 2
        leaves = list(log.leaves(made.store, log_key(code), first, made.size(code)))
        other.add_leaves(code, leaves)
    with pytest.raises(UncheckableError, match=SICHUAN):
        other.progress("2018-06-01")


# --- what it is computed from --------------------------------------------------------------------


def test_a_proposed_month_keeps_its_rules_and_a_later_one_has_the_new_ones() -> None:
    made = month()
    assert basis_at(made.store, "2017-12", made.size(CENTRE)).rules_index == 1
    made.on("2018-01-02").propose()
    made.add(CENTRE, RuleSet("jiangsu-2017", shipped.ruleset("jiangsu-2017"), []))
    size = made.size(CENTRE)
    assert basis_at(made.store, "2017-12", size).rules.name == "interprovince-net"
    assert basis_at(made.store, "2018-01", size).rules.name == "jiangsu-2017"
    assert basis_at(made.store, "2018-01", size - 1).rules.name == "interprovince-net"
    made.add(CENTRE, Withdrawal(made.month, 1, made.batch.proposal_hash, "wrong", []))
    assert basis_at(made.store, "2017-12", size).rules.name == "interprovince-net"
    assert basis_at(made.store, "2017-12", size + 1).rules.name == "jiangsu-2017"
    mine = parse_ruleset(shipped.ruleset("national-2016"))
    assert basis_at(made.store, "2017-12", size, mine) == Basis(mine)
    with pytest.raises(FormError, match="rule set"):
        basis_at(made.store, "2017-12", 1)


def table(name: str, off: str) -> bytes:
    head = f'name = "{name}"\nyear = 2018\nsource = "a test"\ncertainty = "choice"\n'
    day = f'name_zh = "试"\nname_en = "Trial"\nfirst = {off}\nlast = {off}\n'
    return f"{head}[[holiday]]\n{day}".encode()


def test_the_newest_table_below_the_head_counts_and_others_stay_the_programs() -> None:
    made = month()
    size = made.size(CENTRE)
    assert basis_at(made.store, made.month, size).recorded == {}
    for name, off in (("first", "2018-01-02"), ("second", "2018-01-05")):
        assert made.add(CENTRE, Holidays(name, 2018, table(name, off), [])) is None

    def dates(at: int) -> tuple[str, str]:
        steps = made.progress("2018-01-01", at)
        return str(steps["propose"].due.day), str(steps["attest"].due.day)

    assert dates(size) == ("2018-01-02", "2018-01-05")
    assert dates(size + 1) == ("2018-01-03", "2018-01-05")
    assert dates(size + 2) == ("2018-01-02", "2018-01-08")
    basis = basis_at(made.store, made.month, size + 2)
    assert {year: index for year, (index, _) in basis.recorded.items()} == {2018: size + 1}
    assert basis.tables[2017] == shipped.holidays()[2017]


def test_a_table_that_cannot_be_read_or_is_of_another_year_is_void() -> None:
    made = month()
    good = table("mine", "2018-01-02")
    for record in (
        Holidays("mine", 2019, good, []),
        Holidays("other", 2018, good, []),
        Holidays("mine", 2018, good + b"[", []),
    ):
        assert made.add(CENTRE, record) == "HOLIDAYS"
    assert made.add(CENTRE, Holidays("mine", 2018, good, [])) is None
    assert made.add(CENTRE, Holidays("mine", 2018, good, [])) == "DUPLICATE"
    assert made.add(SICHUAN, Holidays("mine", 2018, good, [])) == "ROLE"
    assert list(lookup.holidays_at(made.store, made.size(CENTRE))) == [2018]


def test_duties_are_told_their_days() -> None:
    made = month()
    days = due_days(made.store, made.roster, made.month, made.size(CENTRE))
    assert {event: str(day) for event, day in days.items()} == {
        "propose": "2018-01-02", "attest": "2018-01-05", "confirm": "2018-01-10",
        "remit": "2018-01-15", "distribute": "2018-01-22", "final": "2018-01-31",
    }  # fmt: skip
