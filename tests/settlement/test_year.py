"""A year closed: the months add up, everybody signs the same, what is left is named."""

from typing import Any

import pytest
from hypothesis import given, settings

from ledger.errors import RefusedError
from settlement import batch as batches
from settlement import leg as legs
from settlement import lookup, obligation
from settlement.carry import beyond, carried_at, closes_late
from settlement.close import confirmed_closes
from settlement.party import CENTRE
from settlement.period import months_between
from settlement.record import Breach, MonthClosed, YearClose
from settlement.totals import add_all
from settlement.year import compute_year, signatures
from tests.network import QINGHAI, SICHUAN, TIBET, Logs, reversal, settlement
from tests.published import close, pay
from tests.settlement.test_obligation import DEEDS, play

YEAR = months_between("2017-10", "2017-12")


def certified(logs: Logs, month: str) -> None:
    """Close a month, let all its money move, and certify it."""
    close(logs, month)
    batch = batches.latest_batch(logs.store, logs.roster, month)
    assert batch is not None
    assert batch.confirmation_index is not None
    result = batches.result_of(logs.store, logs.roster, month, 1)
    for leg in result.legs:
        pay(logs, month, leg.number, f"B{leg.number}", due=leg)
    done = legs.legs_of(logs.store, result)
    record = legs.certificate(logs.store, month, 1, batch.confirmation_index, done)
    assert logs.add(CENTRE, record) is None


def cleared_year() -> Logs:
    logs = Logs()
    for number, month in enumerate(YEAR):
        logs.add(SICHUAN, settlement(f"A{number}", 1_000 + number, month=month))
        logs.add(TIBET, settlement(f"B{number}", 300, month=month, treated="540100"))
        logs.accept(QINGHAI, SICHUAN)
        logs.accept(QINGHAI, TIBET)
        certified(logs, month)
    return logs


def test_the_months_of_a_year_add_up() -> None:
    logs = cleared_year()
    result = compute_year(logs.store, logs.roster, 2017, logs.size(CENTRE))
    assert [closed.month for closed in result.months] == YEAR
    assert {pair: amounts.fen for pair, amounts in result.pairs.items()} == {
        (QINGHAI, SICHUAN): 3_003, (QINGHAI, TIBET): 900,
    }  # fmt: skip
    assert result.nets == {SICHUAN: 3_003, TIBET: 900, QINGHAI: -3_903}
    assert result.open == {}


def test_a_year_with_a_month_that_is_not_certified_stays_open() -> None:
    logs = Logs()
    logs.add(SICHUAN, settlement("A1", month="2017-11"))
    logs.accept(QINGHAI, SICHUAN)
    with pytest.raises(RefusedError, match="no month of 2017"):
        compute_year(logs.store, logs.roster, 2017, logs.size(CENTRE))
    certified(logs, "2017-11")
    close(logs, "2017-12")
    with pytest.raises(RefusedError, match="not certified yet: 2017-12"):
        compute_year(logs.store, logs.roster, 2017, logs.size(CENTRE))


def test_what_is_left_of_a_year_is_named_until_a_batch_of_the_next_clears_it() -> None:
    logs = cleared_year()
    logs.add(SICHUAN, settlement("L1", 77, month="2017-12"))  # entered after the last cut
    assert compute_year(logs.store, logs.roster, 2017, logs.size(CENTRE)).open == {}
    close(logs, "2018-01")
    result = compute_year(logs.store, logs.roster, 2017, logs.size(CENTRE))
    assert (result.through, result.open[QINGHAI, SICHUAN].fen) == ("2018-01", 77)
    logs.accept(QINGHAI, SICHUAN)
    close(logs, "2018-02")
    assert compute_year(logs.store, logs.roster, 2017, logs.size(CENTRE)).open == {}


def test_everybody_signs_the_same_year_and_another_one_is_seen() -> None:
    logs = cleared_year()
    assert signatures(logs.store, logs.roster, 2017) == (None, {}, {})
    record = compute_year(logs.store, logs.roster, 2017, logs.size(CENTRE)).record()
    assert logs.add(CENTRE, record) is None
    assert logs.add(QINGHAI, record) is None
    wrong = YearClose(2017, record.through, record.months, bytes(32), [])
    assert logs.add(TIBET, wrong) is None
    result, same, other = signatures(logs.store, logs.roster, 2017)
    assert result is not None
    assert sorted(same) == [CENTRE, QINGHAI]
    assert sorted(other) == [TIBET]


def test_a_year_is_closed_once_and_names_its_months_without_a_gap() -> None:
    logs = cleared_year()
    record = compute_year(logs.store, logs.roster, 2017, logs.size(CENTRE)).record()
    nothing = bytes(32)

    def named(*months: str, year: int = 2017, through: str = "2017-12") -> YearClose:
        closed = [MonthClosed(month, nothing, nothing) for month in months]
        return YearClose(year, through, closed, nothing, [])

    for wrong in (
        named(), named("2017-12", through="2017-11"), named("2017-10", "2017-12"),
        named("2017-11"), named("2018-12"), named("2016-12", *months_between("2017-01", "2017-12")),
    ):  # fmt: skip
        assert logs.add(QINGHAI, wrong) == "MONTH"
    assert logs.add(QINGHAI, record) is None
    assert logs.add(QINGHAI, record) == "DUPLICATE"


def test_a_breach_names_a_day_after_the_due_day_and_once() -> None:
    logs = Logs()
    assert logs.add(QINGHAI, Breach("2017-03", "propose", "2017-04-03", "2017-04-03")) == "ORDER"
    assert logs.add(QINGHAI, Breach("2017-03", "propose", "2017-04-03", "2017-04-05")) is None
    assert (
        logs.add(QINGHAI, Breach("2017-03", "propose", "2017-04-03", "2017-04-09")) == "DUPLICATE"
    )
    assert logs.add(CENTRE, Breach("2017-03", "propose", "2017-04-03", "2017-04-05")) == "ROLE"


def test_what_lies_behind_longer_than_the_limit_is_named() -> None:
    logs = Logs()
    logs.add(SICHUAN, settlement("A1", month="2017-10"), settlement("A2", month="2017-12"))
    logs.add(SICHUAN, reversal("R1", "A1", -300, month="2017-11"))
    logs.accept(QINGHAI, SICHUAN, 0)
    close(logs, "2017-12")
    carried = carried_at(logs.store, confirmed_closes(logs.store))
    assert {m: a.fen for m, a in carried[QINGHAI, SICHUAN].items()} == {
        "2017-10": 1_000, "2017-11": -300,
    }  # fmt: skip
    assert closes_late("2017-10", "2017-12") == 2
    assert list(beyond(carried, "2017-12", 2)[QINGHAI, SICHUAN]) == ["2017-10"]
    assert beyond(carried, "2017-12", 3) == {}


@settings(max_examples=40)
@given(DEEDS, DEEDS)
def test_what_is_carried_by_month_adds_up_to_what_is_not_cleared(a: Any, b: Any) -> None:
    logs = Logs()
    play(logs, a)
    close(logs, "2017-03")
    play(logs, b, 100)
    close(logs, "2017-04")
    closes = confirmed_closes(logs.store)
    position = obligation.at_cut(logs.store, logs.roster, closes)
    by_month = carried_at(logs.store, closes)
    entries = add_all(amounts for total in by_month.values() for amounts in total.values()).entries
    cut = lookup.last_cut(logs.store)
    assert entries == obligation.carried(logs.store, logs.roster, cut, "2017-04", position)
