"""Disputes: every rule once as a sentence, then every small world completely."""

from collections.abc import Iterator
from itertools import combinations_with_replacement, product
from typing import Any

import pytest

from ledger import log
from ledger.encoding import pack, unpack
from ledger.entry import make_entry
from ledger.table import log_key
from node.run import default_ruleset
from settlement import batch as batches
from settlement import lookup, obligation
from settlement.close import Close, closes_to, confirmed_closes
from settlement.dispute import report, status_of, statuses, view_of
from settlement.life import case_life
from settlement.lookup import Contested
from settlement.outcome import DISPUTE, EXCEPTION, LATE, RULED
from settlement.party import CENTRE
from settlement.recheck import check_store
from settlement.record import (
    Acceptance,
    Dispute,
    DisputeAnswer,
    DisputeRuling,
    Escalation,
    Exempt,
    Lines,
    Net,
    Proposal,
    Record,
    Release,
    RuleSet,
)
from settlement.ruleset import Disputes, parse_ruleset
from settlement.stage import Case, Stage, course
from tests.network import AT_MS, QINGHAI, SICHUAN, TIBET, Logs, reversal, seed, settlement
from tests.published import close

NONE = Lines(0, 0, 0, 0)
MONTHS = ["2017-03", "2017-04", "2017-05", "2017-06", "2017-07"]
PAIR = (QINGHAI, SICHUAN)


def dispute(original: int = 0, reason: str = "PRICE", code: str = SICHUAN) -> Dispute:
    return Dispute(code, original, reason, b"", [])


def answer(original: int = 0, insured: str = QINGHAI) -> DisputeAnswer:
    return DisputeAnswer(insured, original, bytes(32), "the price was allowed", [])


def escalation(original: int = 0, code: str = SICHUAN, insured: str = QINGHAI) -> Escalation:
    return Escalation(code, insured, original, "we do not agree")


def ruling(outcome: str, upheld: Lines = NONE, original: int = 0) -> DisputeRuling:
    return DisputeRuling(SICHUAN, QINGHAI, original, outcome, upheld, "as the contract says", [])


@pytest.fixture
def logs() -> Logs:
    """Return logs in which Qinghai excepts A1 of Sichuan and accepts A2."""
    return excepted()


def excepted() -> Logs:
    logs = Logs()
    logs.add(SICHUAN, settlement("A1"), settlement("A2", 70))
    logs.accept(QINGHAI, SICHUAN, 0)
    return logs


def cleared(logs: Logs, *months: str) -> list[int]:
    """Close months; return what each clears between Qinghai and Sichuan, in fen."""
    found = []
    for month in months:
        close(logs, month)
        result = batches.result_of(logs.store, logs.roster, month, 1)
        found.append(result.pairs[PAIR].fen if PAIR in result.pairs else 0)
    return found


def state(logs: Logs, setl_id: str = "A1") -> str:
    """Return the state of a dispute as people are told now."""
    life = case_life(logs.store, logs.roster, setl_id)
    assert life is not None
    return str(life["dispute"]["state"])


# --- silence -------------------------------------------------------------------------------------


def test_an_exception_that_is_not_answered_within_two_closes_is_upheld_for_good(
    logs: Logs,
) -> None:
    assert cleared(logs, "2017-03", "2017-04") == [70, 0]
    assert state(logs) == "upheld"
    logs.add(SICHUAN, answer())
    assert cleared(logs, *MONTHS[2:]) == [0, 0, 0]
    assert state(logs) == "upheld"


def test_an_answer_below_the_second_cut_is_in_time(logs: Logs) -> None:
    cleared(logs, "2017-03")
    logs.add(SICHUAN, answer())
    assert state(logs) == "answered"
    assert cleared(logs, "2017-04") == [0]
    assert state(logs) == "answered"


def test_an_answer_that_the_insured_province_lets_stand_for_two_closes_makes_it_bind(
    logs: Logs,
) -> None:
    logs.add(SICHUAN, answer())
    assert cleared(logs, *MONTHS[:4]) == [70, 1_000, 0, 0]
    assert state(logs) == "lapsed"
    assert case_life(logs.store, logs.roster, "A1")["batch"] == "2017-04"  # type: ignore[index]


def test_an_answer_given_before_anybody_asked_counts_from_the_close_that_holds_the_dispute() -> (
    None
):
    logs = Logs()
    logs.add(SICHUAN, settlement("A0", 70), settlement("A1", month="2017-05"), answer(1))
    logs.accept(QINGHAI, SICHUAN)
    assert cleared(logs, "2017-03", "2017-04") == [70, 0]
    logs.add(QINGHAI, dispute(1))
    assert cleared(logs, *MONTHS[2:]) == [0, 1_000, 0]  # May is the first of the two


def test_a_rule_set_without_windows_lets_silence_never_count() -> None:
    old = default_ruleset().split(b"\n# How many monthly closes")[0] + b"\n"
    steps = default_ruleset()[default_ruleset().index(b"[[step]]") :]
    assert parse_ruleset(old + steps).dispute == Disputes()
    logs = Logs(ruleset=old + steps)
    logs.add(SICHUAN, settlement("A1"), settlement("A2"), answer(1))
    logs.accept(QINGHAI, SICHUAN, 0, 1)
    assert cleared(logs, *MONTHS) == [0] * 5
    assert (state(logs, "A1"), state(logs, "A2")) == ("open", "answered")


def test_a_later_rule_set_changes_nothing_of_what_silence_has_decided(logs: Logs) -> None:
    logs.add(SICHUAN, answer(), settlement("A3", 5))
    logs.add(QINGHAI, acceptance(logs, 4, 3))
    assert cleared(logs, "2017-03", "2017-04") == [70, 1_000]
    for windows in (b"_windows = 9", b"_windows = 0"):
        text = default_ruleset().replace(b"_windows = 2", windows)
        assert logs.add(CENTRE, RuleSet("interprovince-net", text, [])) is None
        logs.add(SICHUAN, answer(3))
        assert cleared(logs, MONTHS[len(confirmed_closes(logs.store))]) == [0]
        assert (state(logs, "A1"), state(logs, "A3")) == ("lapsed", "upheld")


def acceptance(logs: Logs, size: int, *exceptions: int) -> Acceptance:
    named = [Exempt(index, "AMOUNT") for index in exceptions]
    return Acceptance(SICHUAN, size, logs.head(SICHUAN, size).root, named, [])


# --- what people say -----------------------------------------------------------------------------


def test_a_release_lifts_also_what_was_upheld(logs: Logs) -> None:
    cleared(logs, "2017-03", "2017-04")
    logs.add(QINGHAI, Release(SICHUAN, [0], []))
    assert cleared(logs, "2017-05", "2017-06") == [1_000, 0]


def test_what_is_escalated_is_held_until_the_centre_rules(logs: Logs) -> None:
    logs.add(SICHUAN, answer())
    cleared(logs, "2017-03")
    logs.add(QINGHAI, escalation())
    assert cleared(logs, "2017-04", "2017-05") == [0, 0]
    assert state(logs) == "escalated"
    logs.add(CENTRE, ruling("release"))
    assert cleared(logs, "2017-06", "2017-07") == [1_000, 0]


def test_the_treatment_province_may_escalate_too_and_then_its_silence_does_not_count(
    logs: Logs,
) -> None:
    logs.add(SICHUAN, escalation())
    assert cleared(logs, *MONTHS[:3]) == [70, 0, 0]
    assert state(logs) == "escalated"


def test_an_escalation_after_it_was_let_stand_comes_too_late(logs: Logs) -> None:
    logs.add(SICHUAN, answer())
    cleared(logs, "2017-03", "2017-04")
    logs.add(QINGHAI, escalation())
    logs.add(CENTRE, ruling("uphold"))
    assert cleared(logs, "2017-05") == [0]  # nothing is taken back
    assert state(logs) == "lapsed"


def test_an_escalation_of_what_was_upheld_leads_to_a_ruling(logs: Logs) -> None:
    cleared(logs, "2017-03", "2017-04")
    logs.add(SICHUAN, escalation())
    assert state(logs) == "escalated"
    logs.add(CENTRE, ruling("release"))
    assert cleared(logs, "2017-05") == [1_000]


def test_what_the_centre_upholds_stays_out_unless_the_insured_province_releases_it(
    logs: Logs,
) -> None:
    logs.add(QINGHAI, escalation())
    logs.add(CENTRE, ruling("uphold"))
    assert cleared(logs, *MONTHS[:3]) == [70, 0, 0]
    logs.add(QINGHAI, Release(SICHUAN, [0], []))
    assert cleared(logs, "2017-06") == [1_000]


def test_a_ruling_counts_at_the_close_whose_proposal_follows_it(logs: Logs) -> None:
    logs.add(QINGHAI, escalation())
    closes = logs.closes("2017-03")
    logs.add(CENTRE, ruling("release"))
    before = obligation.at_cut(logs.store, logs.roster, closes)
    after = obligation.at_cut(logs.store, logs.roster, logs.closes("2017-03"))
    assert (before[PAIR].fen, after[PAIR].fen) == (70, 1_070)


def test_of_a_split_only_what_is_not_owed_is_held_line_by_line() -> None:
    logs = Logs()
    record = settlement("A1")
    logs.add(SICHUAN, record.__class__(*_with_lines(record, Lines(1_000, 0, 50, 0))))
    logs.accept(QINGHAI, SICHUAN, 0)
    logs.add(QINGHAI, escalation())
    logs.add(CENTRE, ruling("split", Lines(300, 7, 60, 0)))
    close(logs, "2017-03")
    pairs = batches.result_of(logs.store, logs.roster, "2017-03", 1).pairs
    assert pairs[PAIR].lines == Lines(700, 0, 0, 0)  # never more than there is
    assert pairs[PAIR].entries == 1
    assert case_life(logs.store, logs.roster, "A1")["state"] == "cleared"  # type: ignore[index]
    logs.add(QINGHAI, Release(SICHUAN, [0], []))
    close(logs, "2017-04")
    pairs = batches.result_of(logs.store, logs.roster, "2017-04", 1).pairs
    assert (pairs[PAIR].lines, pairs[PAIR].entries) == (Lines(300, 0, 50, 0), 0)


def _with_lines(record: Any, lines: Lines) -> list[Any]:
    values = [getattr(record, name) for name in record.__struct_fields__]
    values[record.__struct_fields__.index("lines")] = lines
    return values


def test_a_reversal_of_what_is_split_takes_from_what_binds_until_nothing_does(logs: Logs) -> None:
    logs.add(QINGHAI, escalation())
    logs.add(CENTRE, ruling("split", Lines(300, 0, 0, 0)))
    assert cleared(logs, "2017-03") == [70 + 700]
    for number, (fen, month, effect) in enumerate(
        [(-500, "2017-04", -500), (-400, "2017-05", -200), (-100, "2017-06", 0)]
    ):
        logs.add(SICHUAN, reversal(f"R{number}", "A1", fen, month=month))
        logs.accept(QINGHAI, SICHUAN)
        assert cleared(logs, month) == [effect]
    assert case_life(logs.store, logs.roster, "A1")["state"] == "reversed"  # type: ignore[index]


def test_a_split_by_agreement_is_a_partial_reversal_and_a_release(logs: Logs) -> None:
    cleared(logs, "2017-03")
    logs.add(SICHUAN, answer(), reversal("R1", "A1", -400, month="2017-04"))
    logs.accept(QINGHAI, SICHUAN)
    logs.add(QINGHAI, Release(SICHUAN, [0], []))
    assert cleared(logs, "2017-04", "2017-05") == [600, 0]


# --- disputes of what was accepted before --------------------------------------------------------


def test_what_was_accepted_can_be_contested_until_a_batch_has_cleared_it() -> None:
    logs = Logs()
    logs.add(SICHUAN, settlement("A1"), settlement("A2", 70, month="2017-04"))
    logs.accept(QINGHAI, SICHUAN)
    logs.add(QINGHAI, dispute(0))
    assert cleared(logs, "2017-03") == [0]
    logs.add(QINGHAI, dispute(1))  # accepted, but not due in March: nothing had cleared it
    assert cleared(logs, "2017-04") == [0]
    assert state(logs, "A2") == "open"


def test_what_a_batch_has_cleared_is_paid_now_and_argued_about_later() -> None:
    logs = Logs()
    logs.add(SICHUAN, settlement("A1"))
    logs.accept(QINGHAI, SICHUAN)
    cleared(logs, "2017-03")
    logs.add(QINGHAI, dispute(), escalation())
    logs.add(CENTRE, ruling("uphold"))
    assert cleared(logs, "2017-04", "2017-05") == [0, 0]
    life = case_life(logs.store, logs.roster, "A1")
    assert life is not None
    assert (life["state"], life["batch"], life["reason"]) == ("cleared", "2017-03", None)
    assert life["note"]["en"] == LATE.en
    assert (life["dispute"]["late"], life["dispute"]["holds"]) == (True, False)
    logs.add(SICHUAN, reversal("R1", "A1", month="2017-06"))
    logs.accept(QINGHAI, SICHUAN)
    assert cleared(logs, "2017-06") == [-1_000]


def test_a_dispute_of_somebody_elses_entry_or_of_an_acceptance_of_another_log_holds_nothing() -> (
    None
):
    logs = Logs()
    logs.add(SICHUAN, settlement("A1"), settlement("T1", 700, insured="540100"))
    logs.accept(QINGHAI, SICHUAN)
    logs.accept(TIBET, SICHUAN)
    logs.add(QINGHAI, dispute(1))
    result = batches.compute(logs.store, logs.roster, "2017-03", logs.cut(), logs.size(CENTRE))
    assert {pair: amounts.fen for pair, amounts in result.pairs.items()} == {
        PAIR: 1_000, (TIBET, SICHUAN): 700,
    }  # fmt: skip
    assert list(statuses(logs.store, logs.codes, QINGHAI)) == []
    forked = Logs()
    forked.add(SICHUAN, settlement("A1"), settlement("A2"))
    forked.add(QINGHAI, Acceptance(SICHUAN, 1, bytes(32), [Exempt(0, "AMOUNT")], []))
    forked.accept(QINGHAI, SICHUAN)
    assert cleared(forked, "2017-03") == [2_000]
    assert list(statuses(forked.store, forked.codes, QINGHAI)) == []


# --- void ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "record", "expected"),
    [
        (QINGHAI, dispute(0), "EXCEPTION"),
        (QINGHAI, dispute(1, "OTHER"), "DUPLICATE"),
        (QINGHAI, dispute(3), "ORDER"),
        (QINGHAI, dispute(0, code=TIBET), "ORDER"),
        (QINGHAI, dispute(0, code=QINGHAI), "PAIR"),
        (QINGHAI, dispute(0, code=CENTRE), "PAIR"),
        (CENTRE, dispute(0), "ROLE"),
        (SICHUAN, answer(0), "DUPLICATE"),
        (SICHUAN, answer(0, TIBET), "ORIGINAL"),
        (SICHUAN, answer(2), "ORIGINAL"),
        (SICHUAN, answer(3), "ORIGINAL"),
        (SICHUAN, answer(99), "ORIGINAL"),
        (SICHUAN, answer(6), "ORIGINAL"),
        (CENTRE, answer(0), "ROLE"),
        (SICHUAN, escalation(99), "ORIGINAL"),
        (SICHUAN, escalation(2), "ORIGINAL"),
        (QINGHAI, escalation(2), "EXCEPTION"),
        (QINGHAI, escalation(0, code=CENTRE), "PAIR"),
        (TIBET, escalation(0), "PAIR"),
        (CENTRE, escalation(0), "ROLE"),
        (CENTRE, ruling("uphold"), "DUPLICATE"),
        (CENTRE, ruling("split", original=1), "SUM"),
        (CENTRE, ruling("release", Lines(1, 0, 0, 0), 1), "SUM"),
        (CENTRE, ruling("uphold", Lines(0, 0, 0, 1), 1), "SUM"),
        (CENTRE, ruling("split", Lines(2, -1, 0, 0), 1), "SIGN"),
        (CENTRE, DisputeRuling(SICHUAN, SICHUAN, 1, "uphold", NONE, "", []), "PAIR"),
        (CENTRE, DisputeRuling(CENTRE, QINGHAI, 1, "uphold", NONE, "", []), "PAIR"),
        (QINGHAI, ruling("uphold", original=1), "ROLE"),
        (QINGHAI, Release(SICHUAN, [2], []), "EXCEPTION"),
    ],
)
def test_what_makes_an_entry_about_a_dispute_void(code: str, record: Record, expected: str) -> None:
    logs = excepted()
    logs.add(SICHUAN, reversal("R1", "A1", -1), settlement("A1"), answer(), settlement("A4", 5))
    logs.add(QINGHAI, acceptance(logs, 3), dispute(1))
    logs.add(CENTRE, ruling("release"))
    assert logs.add(code, record) == expected


def test_an_escalation_of_what_is_released_is_void(logs: Logs) -> None:
    logs.add(QINGHAI, Release(SICHUAN, [0], []))
    assert logs.add(QINGHAI, escalation()) == "EXCEPTION"
    assert logs.add(QINGHAI, dispute()) == "EXCEPTION"


@pytest.mark.parametrize(
    ("record", "place", "value"),
    [
        (dispute(), 3, bytes(31)),
        (dispute(), 3, bytes(33)),
        (dispute(), 2, "two words"),
        (answer(), 2, b"\x01"),
        (answer(), 3, "x" * 501),
        (ruling("uphold"), 3, "halve"),
        (ruling("uphold"), 4, [0, 0, 0]),
        (escalation(), 2, -1),
    ],
)
def test_another_form_is_no_entry_of_this_kind(record: Record, place: int, value: Any) -> None:
    logs = excepted()
    fields = unpack(record.encode())
    fields[place] = value
    code = {15: SICHUAN, 58: CENTRE}.get(record.kind, QINGHAI)
    leaf = make_entry(
        seed(code, "entry"), logs.roster.network_id, logs.roster.origin(code), logs.size(code),
        record.kind, AT_MS, pack(fields),
    )  # fmt: skip
    assert logs.add_leaves(code, [leaf]) == ["KIND"]


def test_every_code_has_two_texts_and_every_ruling_a_meaning() -> None:
    for table in (DISPUTE, EXCEPTION, RULED):
        assert all(text.en and text.zh for text in table.values())
    assert {"NO_FILE", "PRICE", "FEE_CHECK", "OTHER"} <= EXCEPTION.keys()


# --- for people ----------------------------------------------------------------------------------


def told(logs: Logs, original: int = 0) -> tuple[str, str | None, int | None, str | None]:
    view = view_of(logs.store, logs.codes)
    contested = lookup.exception_at(logs.store, QINGHAI, SICHUAN, original)
    assert contested is not None
    status = status_of(logs.store, view, QINGHAI, SICHUAN, contested)
    assert status is not None
    return status.stage.state, status.turn, status.closes_left, status.until


def test_everybody_is_told_whose_turn_it_is_and_until_which_close(logs: Logs) -> None:
    assert told(logs) == ("open", SICHUAN, 2, None)  # no month was proposed yet
    close(logs, "2017-03")
    assert told(logs) == ("open", SICHUAN, 1, "2017-04")
    logs.add(SICHUAN, answer())
    assert told(logs) == ("answered", QINGHAI, 2, "2017-05")
    close(logs, "2017-04")
    assert told(logs) == ("answered", QINGHAI, 1, "2017-05")
    logs.add(QINGHAI, escalation())
    assert told(logs) == ("escalated", CENTRE, None, None)
    logs.add(CENTRE, ruling("uphold"))
    assert told(logs) == ("ruled", None, None, None)
    logs.add(QINGHAI, Release(SICHUAN, [0], []))
    assert told(logs) == ("released", None, None, None)


def test_the_deadline_is_the_close_at_which_silence_counts() -> None:
    for answered, deadline, then in [(False, "2017-05", "upheld"), (True, "2017-06", "lapsed")]:
        logs = Logs()
        logs.add(SICHUAN, settlement("A1", month="2017-09"))
        logs.accept(QINGHAI, SICHUAN)
        close(logs, "2017-03")
        logs.add(QINGHAI, dispute())
        assert told(logs)[2:] == (2, "2017-05")
        if answered:
            close(logs, "2017-04")
            logs.add(SICHUAN, answer())
        assert told(logs)[3] == deadline
        while confirmed_closes(logs.store)[-1].month < deadline:
            assert told(logs)[0] == ("answered" if answered else "open")
            close(logs, MONTHS[len(confirmed_closes(logs.store))])
        assert told(logs)[0] == then


def test_a_cut_that_is_drawn_leaves_no_time(logs: Logs) -> None:
    close(logs, "2017-03")
    result = batches.compute(logs.store, logs.roster, "2017-04", logs.cut(), logs.size(CENTRE))
    propose(logs, "2017-04", result)
    assert told(logs) == ("open", SICHUAN, 0, "2017-04")
    logs.add(SICHUAN, answer())
    assert told(logs) == ("answered", QINGHAI, 0, "2017-04")  # it is not below that cut
    life = case_life(logs.store, logs.roster, "A1")
    assert life is not None
    assert "the cut of 2017-04 is drawn" in life["next"]["en"]


def propose(logs: Logs, month: str, result: batches.Result) -> None:
    nets = [Net(code, fen) for code, fen in sorted(result.nets.items())]
    record = Proposal(month, 1, logs.cut(), result.ruleset_hash, nets, result.hash, [])
    assert logs.add(CENTRE, record) is None


def test_a_dispute_drawn_after_the_open_cut_has_both_closes_still(logs: Logs) -> None:
    result = batches.compute(logs.store, logs.roster, "2017-03", logs.cut(), logs.size(CENTRE))
    propose(logs, "2017-03", result)
    logs.add(QINGHAI, dispute(1))
    assert told(logs, 0) == ("open", SICHUAN, 1, "2017-04")
    assert told(logs, 1) == ("open", SICHUAN, 2, "2017-05")


def test_the_life_of_a_contested_case_names_reason_and_next_step(logs: Logs) -> None:
    life = case_life(logs.store, logs.roster, "A1")
    assert life is not None
    assert (life["reason"], life["dispute"]["kind"]) == ("NO_FILE", "exception")
    assert life["next"]["en"] == f"{SICHUAN} answers until close 2 from now"
    words = {}
    for said in (answer(), escalation(), ruling("uphold")):
        logs.add({15: SICHUAN, 58: CENTRE}.get(said.kind, QINGHAI), said)
        life = case_life(logs.store, logs.roster, "A1")
        assert life is not None
        words[life["dispute"]["state"]] = life["next"]["en"].split()[0]
    assert words == {"answered": QINGHAI, "escalated": CENTRE, "ruled": "nothing,"}
    logs.add(QINGHAI, Release(SICHUAN, [0], []))
    close(logs, "2017-03")
    life = case_life(logs.store, logs.roster, "A1")
    assert life is not None
    assert (life["state"], life["reason"]) == ("cleared", None)


def test_each_side_and_the_centre_see_the_disputes_that_concern_them(logs: Logs) -> None:
    seen = {
        code: [report(status)["setl_id"] for status in statuses(logs.store, logs.codes, code)]
        for code in (CENTRE, SICHUAN, TIBET, QINGHAI)
    }
    assert seen == {CENTRE: ["A1"], SICHUAN: ["A1"], TIBET: [], QINGHAI: ["A1"]}


def test_a_copy_that_does_not_reach_the_original_yet_says_nothing_of_its_dispute() -> None:
    whole, behind = excepted(), Logs()
    for code in (QINGHAI,):
        behind.add_leaves(code, list(leaves(whole, code)))
    assert list(statuses(behind.store, behind.codes, QINGHAI)) == []


# --- small worlds --------------------------------------------------------------------------------

NEVER = 9
UPHELD = Lines(300, 0, 0, 0)
CLOSES = 4


def leaves(logs: Logs, code: str) -> Iterator[bytes]:
    return log.leaves(logs.store, log_key(code), 0, logs.size(code))


def held_by_definition(
    at: int, windows: tuple[int, int], said: dict[str, int], outcome: str
) -> Lines | bool:
    """Return whether a dispute holds its original at a close, as the protocol says it.

    `said` has the number of the first close whose cut holds each statement. False: nothing is held.
    """
    start = said["dispute"]
    if start > at:
        return False
    if any(held_by_definition(before, windows, said, outcome) is False
           for before in range(start, at)):  # fmt: skip
        return False  # what binds once binds for good
    if said["release"] <= at:
        return False
    if said["ruling"] <= at:
        return {"release": False, "uphold": True, "split": UPHELD}[outcome]
    if min(said["escalation"], said["their escalation"]) <= at:
        return True
    to_answer, to_decide = (number or NEVER * NEVER for number in windows)
    if said["answer"] > min(at, start + to_answer - 1):
        return True
    return at < max(start, said["answer"]) + to_decide - 1


STATEMENTS = ("dispute", "answer", "escalation", "their escalation", "release", "ruling")


def stages_of(windows: tuple[int, int], said: dict[str, int], outcome: str) -> list[Stage | None]:
    """Return the stages at four closes if each statement is first seen at the given one."""
    rules = Disputes(answer_windows=windows[0], decision_windows=windows[1])
    mine = sorted(("dispute", "escalation", "release"), key=said.__getitem__)
    theirs = sorted(("answer", "their escalation"), key=said.__getitem__)
    closes = [
        Close(
            month,
            {
                QINGHAI: sum(said[name] <= at for name in mine),
                SICHUAN: sum(said[name] <= at for name in theirs),
            },
            int(said["ruling"] <= at),
            rules,
        )
        for at, month in enumerate(MONTHS[:CLOSES], 1)
    ]
    contested = Contested(0, mine.index("dispute"), "PRICE", mine.index("release"), None)
    asked = {QINGHAI: mine.index("escalation"), SICHUAN: theirs.index("their escalation")}
    case = Case(
        QINGHAI, SICHUAN, contested, theirs.index("answer"), asked, 0, ruling(outcome, UPHELD)
    )
    return list(course(case, closes))


def worlds() -> Iterator[dict[str, int]]:
    """Yield when each statement is first seen; nothing is released or asked before it began."""
    for times in product([*range(1, CLOSES + 1), NEVER], repeat=len(STATEMENTS)):
        said = dict(zip(STATEMENTS, times, strict=True))
        if said["dispute"] <= min(said["escalation"], said["release"]):
            yield said


@pytest.mark.parametrize("windows", [(2, 2), (1, 1), (1, 2), (0, 2), (2, 0), (3, 1)])
def test_every_order_of_statements_over_four_closes_holds_what_the_protocol_says(
    windows: tuple[int, int],
) -> None:
    count = 0
    for said in worlds():
        for outcome in ("release", "uphold", "split") if said["ruling"] <= CLOSES else ("split",):
            expected = [
                held_by_definition(at, windows, said, outcome) for at in range(1, CLOSES + 1)
            ]
            found = [
                False if stage is None or stage.binds else stage.upheld or True
                for stage in stages_of(windows, said, outcome)
            ]
            assert found == expected, (said, outcome)
            count += 1
    assert count > 10_000


MINE = {  # what Qinghai says, after it has accepted the prefix that holds the original
    "an exception": [escalation(), Release(SICHUAN, [0], [])],
    "an exception, released": [Release(SICHUAN, [0], [])],
    "a dispute": [dispute(), escalation(), Release(SICHUAN, [0], [])],
    "a dispute, released": [dispute(), Release(SICHUAN, [0], [])],
}
THEIRS = {
    "answers": [answer(), reversal("R1", "A1", -400)],
    "takes back": [reversal("R1", "A1", -400), answer()],
    "escalates": [escalation(), reversal("R1", "A1", -400)],
}


def written(mine: str, theirs: str, outcome: str) -> Logs:
    logs = Logs(codes=(SICHUAN, QINGHAI))
    logs.add(SICHUAN, settlement("A1"))
    logs.accept(QINGHAI, SICHUAN, *([0] if "exception" in mine else []))
    for record in THEIRS[theirs]:
        assert logs.add(SICHUAN, record) is None
    for record in MINE[mine]:
        assert logs.add(QINGHAI, record) is None
    assert logs.add(CENTRE, ruling(outcome, UPHELD if outcome == "split" else NONE)) is None
    assert logs.accept(QINGHAI, SICHUAN) is None  # the reversal, too
    return logs


def small_worlds(logs: Logs, rules: Disputes) -> Iterator[list[Close]]:
    """Yield every way in which four closes can see the logs."""
    mine, theirs = logs.size(QINGHAI), logs.size(SICHUAN)
    ruled = logs.size(CENTRE) - 1
    for sizes in combinations_with_replacement(range(1, mine + 1), CLOSES):
        for other in combinations_with_replacement(range(1, theirs + 1), CLOSES):
            for first in range(1, CLOSES + 2):
                yield [
                    Close(
                        MONTHS[number],
                        {QINGHAI: sizes[number], SICHUAN: other[number]},
                        ruled + (number + 1 >= first),
                        rules,
                    )
                    for number in range(CLOSES)
                ]


@pytest.mark.parametrize("mine", MINE)
@pytest.mark.parametrize("theirs", THEIRS)
def test_in_every_small_world_an_original_is_cleared_once_and_has_one_state(
    mine: str, theirs: str
) -> None:
    for outcome in ("release", "uphold", "split"):
        logs = written(mine, theirs, outcome)
        for closes in small_worlds(logs, Disputes(answer_windows=2, decision_windows=2)):
            check_world(logs, closes)


def check_world(logs: Logs, closes: list[Close]) -> None:
    pairs = obligation.pairs_at_all(logs.store, closes, QINGHAI, SICHUAN)
    reversed_at = lookup.find_settlement(logs.store, SICHUAN, "R1")
    assert reversed_at is not None
    before, taken, counted = 0, 0, False
    for pair in pairs:
        where = obligation.state_in(logs.store, pair, SICHUAN, 0)
        assert where in ("cleared", "carried", "disputed")
        taken_now = 400 * (reversed_at < pair.accepted)
        part = pair.held.get(0, NONE)
        held = 1_000 if part is None else part.employee
        owed = max(1_000 - taken_now - held, 0) if pair.accepted else 0
        # Once cleared, for ever cleared; less is owed only by what was reversed since.
        assert not counted or where == "cleared"
        assert (where == "cleared") == (owed > 0)
        assert owed >= before - (taken_now - taken)
        before, taken, counted = owed, taken_now, where == "cleared"


def first_seen(closes: list[Close], code: str, logs: Logs, kind: type[Record]) -> int:
    """Return the number of the first close whose cut holds an entry of a kind; NEVER if none."""
    found = [
        index
        for index in range(logs.size(code))
        if isinstance(lookup.entry_at(logs.store, code, index)[1], kind)
    ]
    sizes = [c.centre if code == CENTRE else c.sizes[code] for c in closes]
    return next((n for n, size in enumerate(sizes, 1) if found and found[0] < size), NEVER)


@pytest.mark.parametrize("mine", MINE)
def test_what_all_batches_clear_together_is_what_the_protocol_says(mine: str) -> None:
    windows = (1, 2)
    for theirs, outcome in product(("answers", "escalates"), ("split", "uphold")):
        logs = written(mine, theirs, outcome)
        for number, closes in enumerate(small_worlds(logs, Disputes(*windows))):
            if number % 11:
                continue  # each close from scratch: an eleventh of all worlds is enough
            first = Acceptance if "exception" in mine else Dispute
            said = {
                "dispute": first_seen(closes, QINGHAI, logs, first),
                "answer": first_seen(closes, SICHUAN, logs, DisputeAnswer),
                "escalation": first_seen(closes, QINGHAI, logs, Escalation),
                "their escalation": first_seen(closes, SICHUAN, logs, Escalation),
                "release": first_seen(closes, QINGHAI, logs, Release),
                "ruling": first_seen(closes, CENTRE, logs, DisputeRuling),
            }
            check_sums(logs, closes, windows, said, outcome)


def check_sums(
    logs: Logs, closes: list[Close], windows: tuple[int, int], said: dict[str, int], outcome: str
) -> None:
    total = batches.NOTHING
    late = said["dispute"] > 1 and "Dispute" in named(logs)
    before = batches.NOTHING
    for at in range(1, CLOSES + 1):
        now = obligation.cleared_pair(logs.store, logs.roster, closes[:at], QINGHAI, SICHUAN)
        accepted = obligation.pair_at(logs.store, closes[:at], QINGHAI, SICHUAN).accepted
        taken = 400 if accepted > 1 else 0
        held = False if late else held_by_definition(at, windows, said, outcome)
        part = 1_000 if held is True else 0 if held is False else UPHELD.employee
        assert now.fen == max(1_000 - taken - part, 0), (closes, at)
        step = now.minus(before)
        assert step.entries >= 0
        total, before = total.plus(step), now
    assert total == before
    assert total.entries <= 2


def named(logs: Logs) -> set[str]:
    return {
        type(lookup.entry_at(logs.store, QINGHAI, index)[1]).__name__
        for index in range(logs.size(QINGHAI))
    }


def test_the_order_in_which_logs_arrive_changes_nothing() -> None:
    logs = excepted()
    logs.add(SICHUAN, answer(), reversal("R1", "A1", -100, month="2017-04"))
    close(logs, "2017-03")
    logs.add(QINGHAI, dispute(1), escalation())
    logs.add(CENTRE, ruling("split", UPHELD))
    close(logs, "2017-04")
    copies = []
    for order in ([CENTRE, QINGHAI, SICHUAN, TIBET], [TIBET, SICHUAN, QINGHAI, CENTRE]):
        copy = Logs()
        for code in order:
            done = copy.size(code)
            copy.add_leaves(code, list(leaves(logs, code))[done:])
        assert check_store(copy.store, copy.roster) == []
        copies.append(
            [
                batches.result_of(copy.store, copy.roster, month, 1).encode()
                for month in ("2017-03", "2017-04")
            ]
        )
    assert copies[0] == copies[1]
    assert batches.result_of(logs.store, logs.roster, "2017-04", 1).encode() == copies[0][1]


def test_what_lies_above_a_cut_says_nothing_below_it(logs: Logs) -> None:
    cut, size = logs.cut(), logs.size(CENTRE)
    closes = closes_to(logs.store, "2017-03", cut, size)
    before = obligation.at_cut(logs.store, logs.roster, closes)
    logs.add(SICHUAN, answer(), escalation())
    logs.add(QINGHAI, dispute(1), escalation(), Release(SICHUAN, [0], []))
    logs.add(CENTRE, ruling("release"))
    assert obligation.at_cut(logs.store, logs.roster, closes) == before
