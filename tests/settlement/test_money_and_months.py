"""Fen, service months, participants."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import FormError
from settlement.money import format_yuan, parse_fen
from settlement.party import CENTRE, parties, party, province_of
from settlement.period import (
    check_day,
    check_month,
    days_between,
    months_between,
    next_month,
    previous_month,
    service_month,
    shanghai_day,
    shanghai_midnight,
    shift_day,
)
from settlement.record import MAX_FEN


@given(st.integers(-MAX_FEN, MAX_FEN))
def test_an_amount_survives_the_way_to_yuan_and_back(fen: int) -> None:
    assert parse_fen(format_yuan(fen)) == fen


@pytest.mark.parametrize(
    "text",
    ["", "1", "1.2", "1.234", "+1.00", "01.00", "-0.00", "1,000.00", " 1.00", "1.00\n", "１.00",
     "1e5.00", ".50", "NaN", "90071992547409.92"],
)  # fmt: skip
def test_an_amount_has_one_spelling(text: str) -> None:
    with pytest.raises(FormError, match="amount"):
        parse_fen(text)


def test_the_largest_amount_is_the_largest_exact_one() -> None:
    assert parse_fen("90071992547409.91") == MAX_FEN


@pytest.mark.parametrize(
    ("time", "month"),
    [
        ("2017-03-31T23:59:59+08:00", "2017-03"),
        ("2017-03-31T16:00:00+00:00", "2017-04"),
        ("2017-04-01T00:00:00+09:00", "2017-03"),
        ("2017-12-31T16:00:00Z", "2018-01"),
    ],
)
def test_the_service_month_is_the_shanghai_date(time: str, month: str) -> None:
    assert service_month(time) == month


@pytest.mark.parametrize(
    "time", ["2017-03-01", "2017-03-01T10:00:00", "2017-13-01T10:00:00Z", "1999-01-01T00:00:00Z",
             "2017-03-01 10:00:00+08:00", "2017-03-01T10:00:00.5+08:00", "x"]
)  # fmt: skip
def test_a_time_needs_an_offset_and_a_plausible_year(time: str) -> None:
    with pytest.raises(FormError, match="time"):
        service_month(time)


def test_months_follow_each_other_over_the_year() -> None:
    assert next_month("2017-12") == "2018-01"
    assert previous_month("2018-01") == "2017-12"
    assert months_between("2017-11", "2018-02") == ["2017-11", "2017-12", "2018-01", "2018-02"]
    assert months_between("2018-01", "2017-12") == []


@pytest.mark.parametrize(
    "month", ["2017-1", "2017-00", "2017-13", "201701", "2017/01", "１２３４-01"]
)
def test_a_month_has_one_spelling(month: str) -> None:
    with pytest.raises(FormError, match="month"):
        check_month(month)


def test_a_moment_before_midnight_utc_is_the_next_day_in_shanghai() -> None:
    assert shanghai_day(1_512_057_600_000) == "2017-12-01"  # 2017-11-30T16:00:00Z
    assert shanghai_day(2**53) == shanghai_day(4_102_415_999_999) == "2099-12-31"


def test_there_are_32_participants_and_the_centre() -> None:
    assert len(parties()) == 33
    assert party(CENTRE).role == "centre"
    assert {p.role for p in parties().values()} == {"province", "centre"}
    assert all(p.name_zh and p.name_en for p in parties().values())


def test_an_area_belongs_to_its_province_and_the_corps_is_one() -> None:
    assert province_of("630121") == "630000"
    assert province_of("660100") == "660000"


@pytest.mark.parametrize(
    "area", ["", "63", "990000", "100000", "63010a", "６３０１００", "6301000"]
)
def test_an_area_of_nobody_is_refused(area: str) -> None:
    with pytest.raises(FormError, match="area"):
        province_of(area)


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_a_moment_that_has_no_shanghai_date_is_no_time(time: str) -> None:
    with pytest.raises(FormError, match="2000 to 2099"):
        service_month(time)


@given(st.integers(946_684_800_000, 4_000_000_000_000))
def test_the_next_midnight_is_the_first_moment_of_another_day(at_ms: int) -> None:
    midnight = shanghai_midnight(at_ms)
    assert 0 < midnight - at_ms <= 86_400_000
    assert shanghai_day(midnight - 1) == shanghai_day(at_ms)
    assert shanghai_day(midnight) == shift_day(shanghai_day(at_ms), 1)


def test_days_run_over_the_ends_of_months_and_years() -> None:
    assert days_between("2016-02-28", "2016-03-01") == ["2016-02-28", "2016-02-29", "2016-03-01"]
    assert days_between("2017-12-31", "2018-01-01") == ["2017-12-31", "2018-01-01"]
    assert days_between("2017-01-02", "2017-01-01") == []


@pytest.mark.parametrize(
    "text", ["", "2017-3-01", "2017-02-29", "20170301", "1999-12-31", "2100-01-01", "2017-W09-3"]
)
def test_a_day_has_one_spelling(text: str) -> None:
    assert check_day("2016-02-29") == "2016-02-29"
    with pytest.raises(FormError, match="YYYY-MM-DD"):
        check_day(text)
