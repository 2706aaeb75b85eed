"""What is owed at a cut: examples, then the laws every batch must obey."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement import batch as batches
from settlement import lookup, obligation
from settlement.close import accepted_size
from settlement.life import case_life
from settlement.party import CENTRE, province_of
from settlement.record import (
    Acceptance,
    Dispute,
    DisputeAnswer,
    DisputeRuling,
    Escalation,
    Exempt,
    Lines,
    Release,
    Settlement,
)
from settlement.totals import add_all
from tests.network import QINGHAI, SICHUAN, TIBET, Logs, reversal, settlement


@pytest.fixture
def logs() -> Logs:
    return Logs()


def owes(logs: Logs, month: str = "2017-03") -> dict[tuple[str, str], int]:
    position = obligation.at_cut(logs.store, logs.roster, logs.closes(month))
    return {pair: amounts.fen for pair, amounts in position.items() if amounts.fen}


def test_nothing_is_owed_before_it_is_accepted(logs: Logs) -> None:
    logs.add(SICHUAN, settlement("A1"))
    assert owes(logs) == {}
    logs.accept(QINGHAI, SICHUAN)
    assert owes(logs) == {(QINGHAI, SICHUAN): 1_000}


def test_what_came_after_the_accepted_prefix_waits(logs: Logs) -> None:
    logs.add(SICHUAN, settlement("A1"), settlement("A2", 500))
    logs.accept(QINGHAI, SICHUAN, size=1)
    assert owes(logs) == {(QINGHAI, SICHUAN): 1_000}


def test_a_settlement_of_a_later_month_is_not_due(logs: Logs) -> None:
    logs.add(SICHUAN, settlement("A1", month="2017-04"))
    logs.accept(QINGHAI, SICHUAN)
    assert owes(logs, "2017-03") == {}
    assert owes(logs, "2017-04") == {(QINGHAI, SICHUAN): 1_000}


def test_an_exception_holds_its_original_and_its_reversals_until_released(logs: Logs) -> None:
    logs.add(SICHUAN, settlement("A1"), settlement("A2", 500), reversal("R1", "A1", -300))
    logs.accept(QINGHAI, SICHUAN, 0)
    assert owes(logs) == {(QINGHAI, SICHUAN): 500}
    logs.add(QINGHAI, Release(SICHUAN, [0], []))
    assert owes(logs) == {(QINGHAI, SICHUAN): 1_200}


def test_an_exception_to_somebody_elses_entry_holds_nothing(logs: Logs) -> None:
    logs.add(SICHUAN, settlement("A1"), settlement("T1", 700, insured="540100"))
    logs.accept(QINGHAI, SICHUAN, 1)
    assert owes(logs) == {(QINGHAI, SICHUAN): 1_000}


def test_a_refund_in_a_later_month_makes_that_month_negative(logs: Logs) -> None:
    logs.add(SICHUAN, settlement("A1"), reversal("R1", "A1", month="2017-04"))
    logs.accept(QINGHAI, SICHUAN)
    march = obligation.at_cut(logs.store, logs.roster, logs.closes("2017-03"))
    april = obligation.at_cut(logs.store, logs.roster, logs.closes("2017-04"))
    assert batches.difference(march, {})[QINGHAI, SICHUAN].fen == 1_000
    assert batches.difference(april, march)[QINGHAI, SICHUAN].fen == -1_000


def test_an_acceptance_of_another_root_counts_for_nothing(logs: Logs) -> None:
    logs.add(SICHUAN, settlement("A1"), settlement("A2", 500))
    logs.add(QINGHAI, Acceptance(SICHUAN, 2, bytes(32), [], []))
    assert owes(logs) == {}


def test_the_last_acceptance_with_the_right_root_counts(logs: Logs) -> None:
    logs.add(SICHUAN, settlement("A1"), settlement("A2", 500))
    logs.accept(QINGHAI, SICHUAN, size=1)
    logs.add(QINGHAI, Acceptance(SICHUAN, 2, bytes(32), [Exempt(1, "NO_FILE")], []))
    assert owes(logs) == {(QINGHAI, SICHUAN): 1_000}


def test_void_entries_are_owed_by_nobody(logs: Logs) -> None:
    logs.add(SICHUAN, settlement("A1"), settlement("A1", 777), settlement("A2", -5))
    logs.accept(QINGHAI, SICHUAN)
    assert owes(logs) == {(QINGHAI, SICHUAN): 1_000}


def test_every_original_has_one_of_six_states(logs: Logs) -> None:
    logs.add(
        SICHUAN, settlement("A1"), settlement("A2"), settlement("A3"), reversal("R3", "A3"),
        settlement("A4", month="2017-04"), settlement("A1"), settlement("A5"),
    )  # fmt: skip
    logs.accept(QINGHAI, SICHUAN, 1, size=6)
    closes = logs.closes("2017-03")
    assert [
        obligation.original_state(logs.store, closes, SICHUAN, index)
        for index in (0, 1, 2, 4, 5, 6)
    ] == ["cleared", "disputed", "reversed", "not_due", "void", "carried"]
    assert obligation.original_state(logs.store, [], SICHUAN, 0) == "not_due"


def test_the_life_of_a_case_says_what_comes_next(logs: Logs) -> None:
    logs.add(SICHUAN, settlement("A1"))
    life = case_life(logs.store, logs.roster, "A1")
    assert life is not None
    assert (life["state"], life["accepted"]) == ("not_due", False)
    assert "accepts" in life["next"]["en"]
    assert QINGHAI in life["next"]["zh"]
    logs.accept(QINGHAI, SICHUAN)
    life = case_life(logs.store, logs.roster, "A1")
    assert life is not None
    assert "closes the month" in life["next"]["en"]
    assert case_life(logs.store, logs.roster, "A9") is None


# --- laws ----------------------------------------------------------------------------------------

KINDS = (
    "settle", "settle", "reverse", "accept", "except", "release", "dispute", "answer", "escalate",
    "rule",
)  # fmt: skip
DEEDS = st.lists(
    st.tuples(
        st.sampled_from(KINDS),
        st.integers(0, 5),  # which pair of places
        st.integers(0, 30),  # which original, which size
        st.integers(1, 900),
        st.sampled_from(["2017-03", "2017-04", "2017-05"]),
    ),
    max_size=40,
)
CODES = (SICHUAN, TIBET, QINGHAI)
NONE = Lines(0, 0, 0, 0)
PAIRS = [(t, i) for t in CODES for i in CODES if t != i]
MONTHS = ["2017-03", "2017-04", "2017-05", "2017-06"]


def play(logs: Logs, deeds: Any, start: int = 0) -> None:
    for number, (deed, pair, which, fen, month) in enumerate(deeds, start):
        treated, insured = PAIRS[pair]
        places = {"treated": treated[:2] + "0100", "insured": insured[:2] + "0100", "month": month}
        size = logs.size(treated)
        if deed == "settle":
            logs.add(treated, settlement(f"A{number}", fen, **places))
        elif deed == "reverse":
            logs.add(treated, reversal(f"R{number}", f"A{which}", -fen, **places))
        elif deed == "accept":
            logs.accept(insured, treated, size=min(size, which))
        elif deed == "except":
            before = lookup.accepted_before(logs.store, insured, treated)
            if before < size:
                logs.accept(insured, treated, before + which % (size - before))
        elif deed == "release":
            logs.add(insured, Release(treated, [which % max(size, 1)], []))
        else:
            argue(logs, deed, treated, insured, which % max(size, 1), fen)


def argue(logs: Logs, deed: str, treated: str, insured: str, original: int, fen: int) -> None:
    if deed == "dispute":
        logs.add(insured, Dispute(treated, original, "PRICE", b"", []))
    elif deed == "answer":
        logs.add(treated, DisputeAnswer(insured, original, b"", "", []))
    elif deed == "escalate":
        logs.add((treated, insured)[fen % 2], Escalation(treated, insured, original, ""))
    else:
        outcome = ("release", "uphold", "split")[fen % 3]
        upheld = Lines(fen if outcome == "split" else 0, 0, 0, 0)
        logs.add(CENTRE, DisputeRuling(treated, insured, original, outcome, upheld, "", []))


def slow_position(logs: Logs, cut: Any, month: str) -> dict[tuple[str, str], int]:
    """Return what is owed, computed entry by entry from the definition."""
    result: dict[tuple[str, str], int] = {}
    heads = {head.code: head for head in cut}
    closes = logs.closes(month, cut)
    pairs = {(d, c): obligation.pair_at(logs.store, closes, d, c)[2:] for c in CODES for d in CODES}
    for creditor in CODES:
        for index in range(heads[creditor].size):
            if lookup.void_code(logs.store, creditor, index) is not None:
                continue
            record: Any = lookup.entry_at(logs.store, creditor, index)[1]
            if not hasattr(record, "setl_id"):
                continue
            debtor = province_of(record.insured_area)
            accepted, held = pairs[debtor, creditor]
            original = index
            if not isinstance(record, Settlement):
                found = lookup.find_settlement(logs.store, creditor, record.original_id)
                assert found is not None
                original = found
            if index < accepted and held.get(original, NONE) and record.month <= month:
                pair = (debtor, creditor)
                result[pair] = result.get(pair, 0) + sum(
                    (
                        record.lines.employee,
                        record.lines.resident,
                        record.lines.other,
                        record.lines.account,
                    )
                )
                if index == original:
                    left = obligation.remainder(logs.store, creditor, index, accepted, month)
                    result[pair] -= obligation.withheld(left, held.get(index, NONE)).fen
    return {pair: fen for pair, fen in result.items() if fen}


@given(DEEDS)
def test_totals_come_to_what_adding_entry_by_entry_comes_to(deeds: Any) -> None:
    logs = Logs()
    play(logs, deeds)
    cut = logs.cut()
    for month in MONTHS:
        position = obligation.at_cut(logs.store, logs.roster, logs.closes(month, cut))
        assert {p: a.fen for p, a in position.items() if a.fen} == slow_position(logs, cut, month)


@given(DEEDS)
def test_every_original_has_exactly_one_state_and_cleared_ones_make_the_sum(deeds: Any) -> None:
    logs = Logs()
    play(logs, deeds)
    cut = logs.cut()
    for month in MONTHS:
        cleared: dict[tuple[str, str], list[Any]] = {}
        for code in CODES:
            for index in range(logs.size(code)):
                if lookup.void_code(logs.store, code, index) is not None:
                    continue
                record = lookup.entry_at(logs.store, code, index)[1]
                if not isinstance(record, Settlement):
                    continue
                insured = province_of(record.insured_area)
                closes = logs.closes(month, cut)
                found = obligation.original_state(logs.store, closes, code, index)
                assert found in ("cleared", "reversed", "disputed", "carried", "not_due")
                if found in ("cleared", "reversed"):
                    accepted = accepted_size(logs.store, closes[-1], insured, code)
                    left = obligation.remainder(logs.store, code, index, accepted, month)
                    held = obligation.pair_at(logs.store, closes, insured, code).held
                    part = obligation.withheld(left, held.get(index, NONE))
                    cleared.setdefault((insured, code), []).append(left.minus(part))
        position = obligation.at_cut(logs.store, logs.roster, logs.closes(month, cut))
        assert {p: add_all(parts) for p, parts in cleared.items()} == dict(position)


@given(DEEDS, DEEDS, DEEDS)
def test_the_batches_of_all_months_add_up_to_what_binds_in_the_end(a: Any, b: Any, c: Any) -> None:
    # However late something is entered, accepted or released: it is cleared once.
    logs = Logs()
    before: obligation.Position = {}
    total: dict[tuple[str, str], int] = {}
    cut = logs.cut()
    for number, (deeds, month) in enumerate(zip((a, b, c, []), MONTHS, strict=True)):
        play(logs, deeds, number * 100)
        cut = logs.cut()
        now = obligation.at_cut(logs.store, logs.roster, logs.closes(month, cut))
        for pair, amounts in batches.difference(now, before).items():
            total[pair] = total.get(pair, 0) + amounts.fen
        before = now
    assert {p: f for p, f in total.items() if f} == slow_position(logs, cut, MONTHS[-1])


@given(DEEDS)
def test_entries_carried_are_due_entries_that_are_not_cleared(deeds: Any) -> None:
    logs = Logs()
    play(logs, deeds)
    for month in MONTHS:
        position = obligation.at_cut(logs.store, logs.roster, logs.closes(month))
        assert obligation.carried(logs.store, logs.roster, logs.cut(), month, position) >= 0
