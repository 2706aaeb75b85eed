"""Working days: the holidays of each year, the weekend days worked for them, and counting."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import FormError, RefusedError
from settlement import shipped
from settlement.workdays import DAY, MAX_TEXT, Workdays, parse_holidays

WORKDAYS = Workdays(shipped.holidays())

TABLE = """
name = "example-2017"
year = 2017
source = "nobody"
certainty = "choice"
[[holiday]]
name_zh = "国庆节"
name_en = "National Day"
first = 2017-10-01
last = 2017-10-08
worked = [2017-09-30]
[[holiday]]
name_zh = "元旦"
name_en = "New Year"
first = 2017-01-01
last = 2017-01-02
"""


def day(text: str) -> date:
    return date.fromisoformat(text)


# --- examples ------------------------------------------------------------------------------------


def test_the_saturday_before_national_day_2017_is_worked_and_then_eight_days_are_off() -> None:
    assert day("2017-09-30").weekday() == 5
    assert WORKDAYS.works(day("2017-09-30"))
    assert not any(WORKDAYS.works(date(2017, 10, n)) for n in range(1, 9))
    assert WORKDAYS.add(day("2017-09-29"), 1) == day("2017-09-30")
    assert WORKDAYS.add(day("2017-09-29"), 2) == day("2017-10-09")
    holiday = WORKDAYS.holiday_on(day("2017-10-04"))
    assert holiday is not None
    assert holiday.name_zh == "中秋节、国庆节"


def test_five_working_days_around_spring_festival_2018_take_twelve_days() -> None:
    # 12, 13, 14 February, the festival from the 15th to the 21st, 22 and 23.
    assert WORKDAYS.add(day("2018-02-11"), 5) == day("2018-02-23")
    assert WORKDAYS.works(day("2018-02-11"))  # a Sunday
    assert WORKDAYS.add(day("2018-02-23"), 1) == day("2018-02-24")  # a Saturday


def test_counting_crosses_new_year() -> None:
    assert WORKDAYS.add(day("2017-12-29"), 1) == day("2018-01-02")
    assert WORKDAYS.add(day("2018-12-28"), 1) == day("2018-12-29")  # Saturday, for 31 December
    assert WORKDAYS.add(day("2018-12-29"), 1) == day("2019-01-02")


def test_spring_festival_2020_was_prolonged_and_took_its_worked_saturday_back() -> None:
    assert not WORKDAYS.works(day("2020-01-31"))
    assert not WORKDAYS.works(day("2020-02-01"))
    assert WORKDAYS.on_or_after(day("2020-01-24")) == day("2020-02-03")


def test_an_ordinary_weekend_has_no_holiday() -> None:
    assert not WORKDAYS.works(day("2017-03-04"))
    assert WORKDAYS.holiday_on(day("2017-03-04")) is None
    assert WORKDAYS.on_or_after(day("2017-03-04")) == day("2017-03-06")


@pytest.mark.parametrize(
    ("year", "weekdays_off", "weekend_days_worked"),
    [
        (2016, 17, 6), (2017, 16, 5), (2018, 18, 7), (2019, 17, 6), (2020, 19, 6), (2021, 18, 7),
        (2022, 18, 7), (2023, 18, 7), (2024, 19, 8), (2025, 18, 5), (2026, 19, 6),
    ],
)  # fmt: skip
def test_every_year_has_the_days_that_were_counted_elsewhere(
    year: int, weekdays_off: int, weekend_days_worked: int
) -> None:
    table = shipped.holidays()[year]
    assert sum(off.weekday() < 5 for off in table.off) == weekdays_off
    assert len(table.worked) == weekend_days_worked
    assert table.name == f"china-{year}"
    assert "国办发明电" in table.source
    assert table.certainty in ("official", "corroborated")


def test_a_year_without_a_table_is_refused_and_never_guessed() -> None:
    for act in (
        lambda: WORKDAYS.works(day("2015-12-31")),
        lambda: WORKDAYS.add(day("2026-12-31"), 1),
        lambda: Workdays({2017: shipped.holidays()[2017]}).on_or_after(day("2017-12-30")),
    ):
        with pytest.raises(RefusedError, match=r"201[58]|2027") as refused:
            act()
        assert refused.value.code == "NO_HOLIDAYS"


# --- the form of a table -------------------------------------------------------------------------


def test_a_table_says_what_is_off_and_what_is_worked() -> None:
    table = parse_holidays(TABLE.encode())
    assert (len(table.off), table.worked) == (10, {day("2017-09-30")})


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('name = "example-2017"', "", "name"),
        ("year = 2017", "year = 1999", "year"),
        ("year = 2017", "year = 2018", "2018"),
        ('certainty = "choice"', 'certainty = "sure"', "certainty"),
        ('source = "nobody"', "", "source"),
        ("last = 2017-10-08", "last = 2017-09-30", "first, last"),
        ("last = 2017-10-08", "last = 2017-11-20", "first, last"),
        ("last = 2017-10-08", 'last = "soon"', "last"),
        ("last = 2017-10-08", "last = 2017-10-08T00:00:00", "last"),
        ("worked = [2017-09-30]", "worked = [2017-09-29]", "worked"),
        ("worked = [2017-09-30]", "worked = [2017-10-07]", "2017-10-07"),
        ("worked = [2017-09-30]", "worked = [2018-09-30]", "2017"),
        ("worked = [2017-09-30]", "worked = [2017-09-30, 2017-09-30]", "2017-09-30"),
        ("last = 2017-01-02", "last = 2017-01-02\nmoon = 1", "moon"),
        ("first = 2017-01-01", "first = 2017-02-30", "TOML"),
        ("[[holiday]]", "[[holiday", "TOML"),
    ],
)
def test_one_fault_is_refused_by_name(old: str, new: str, named: str) -> None:
    assert old in TABLE
    with pytest.raises(FormError, match=named):
        parse_holidays(TABLE.replace(old, new, 1).encode())


def test_a_table_has_a_largest_size_and_is_text() -> None:
    with pytest.raises(FormError, match="bytes"):
        parse_holidays(b"#" * (MAX_TEXT + 1))
    with pytest.raises(FormError, match="UTF-8"):
        parse_holidays(b"\xff")
    many = "".join(
        f'[[holiday]]\nname_zh = "日"\nname_en = "day"\nfirst = 2017-03-{n:02d}\n'
        f"last = 2017-03-{n:02d}\n"
        for n in range(1, 32)
    )
    with pytest.raises(FormError, match="holiday"):
        parse_holidays(TABLE.split("[[")[0].encode() + many.encode())


# --- laws ----------------------------------------------------------------------------------------

DAYS = st.dates(date(2016, 1, 1), date(2025, 6, 30))
COUNTS = st.integers(0, 60)


@given(DAYS, COUNTS)
def test_the_nth_working_day_is_worked_and_n_are_worked_on_the_way(start: date, n: int) -> None:
    found = WORKDAYS.add(start, n)
    assert WORKDAYS.works(found)
    between = [start + k * DAY for k in range(1, (found - start).days + 1)]
    if n:
        assert sum(WORKDAYS.works(passed) for passed in between) == n
    else:
        assert not any(WORKDAYS.works(passed) for passed in [start, *between[:-1]][: len(between)])


@given(DAYS, COUNTS)
def test_one_more_working_day_is_later(start: date, n: int) -> None:
    assert WORKDAYS.add(start, n) <= WORKDAYS.add(start, n + 1) - DAY * (n > 0)
    assert WORKDAYS.add(start, n) <= WORKDAYS.add(start + timedelta(days=1), n)


@given(DAYS)
def test_adding_nothing_moves_only_off_days_off(start: date) -> None:
    moved = WORKDAYS.add(start, 0)
    assert moved == WORKDAYS.on_or_after(start) >= start
    assert (moved == start) == WORKDAYS.works(start)


@given(DAYS, st.integers(1, 30), COUNTS)
def test_counting_in_two_goes_is_counting_once(start: date, first: int, then: int) -> None:
    assert WORKDAYS.add(WORKDAYS.add(start, first), then) == WORKDAYS.add(start, first + then)
