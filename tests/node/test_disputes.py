"""A dispute through the orders of three nodes, to the batch in which the undisputed part clears."""

import hashlib
from typing import Any

import pytest

from ledger.errors import FormError, LedgerError
from node.duty import duties
from node.simulation.world import World
from settlement.batch import result_of
from settlement.dispute import report, statuses
from settlement.life import case_life
from settlement.lookup import confirmed_months
from settlement.party import CENTRE
from settlement.totals import Amounts
from tests.network import QINGHAI, SICHUAN, TIBET, case_row, refund_of
from tests.node.test_month import withheld
from tests.node.world import ALL, CODES, MONTH, kinds, quiet, settled, until

PAIR = (QINGHAI, SICHUAN)
A1 = {"log": SICHUAN, "setl_id": "A1"}
EVIDENCE = hashlib.sha256(b"a letter").hexdigest()
DEAR = {"cash_payamt": "40000.00", "psn_pay": "40009.00", "medfee_sumamt": "40080.00"}


def accepted(automatic: frozenset[str] = ALL) -> World:
    """Return a world in which Qinghai has accepted A1 and A2 of Sichuan."""
    world = quiet(automatic)
    rows = [case_row(setl_id="A1"), case_row(setl_id="A2", **DEAR)]
    world.ask(SICHUAN, "import", rows=rows)
    settled(world)
    if "accept" not in automatic:
        world.ask(QINGHAI, "accept")
        settled(world)
    return world


def ordered(world: World, code: str, verb: str, **arguments: Any) -> dict[str, Any]:
    """Return what an order says of the dispute, once everybody has heard of it."""
    value = world.ask(code, verb, **arguments)
    settled(world)
    found: dict[str, Any] = value["dispute"]
    return found


def close(world: World, month: str) -> Amounts:
    """Close a month; return what it clears between Qinghai and Sichuan."""
    world.ask(CENTRE, "close", month=month)
    nodes = [world.nodes[code].store for code in (CENTRE, *CODES)]
    until(world, lambda: all(month in dict(confirmed_months(store)) for store in nodes))
    pairs = [result_of(store, world.founding, month, 1).pairs for store in nodes]
    assert all(found == pairs[0] for found in pairs)
    return pairs[0].get(PAIR, Amounts())


def words(world: World, code: str) -> dict[str, str]:
    """Return the duties of a node by their word."""
    node = world.nodes[code]
    found = duties(node.store, world.founding, code, node.vault)["duties"]
    return {duty["what"]: duty["en"] for duty in found}


def test_a_dispute_goes_through_all_hands_and_the_undisputed_part_clears() -> None:
    world = accepted()
    found = ordered(world, QINGHAI, "dispute", **A1, reason="PRICE", evidence=EVIDENCE)
    assert (found["state"], found["turn"], found["holds"]) == ("open", SICHUAN, True)
    assert words(world, SICHUAN)["answer"] == f"{QINGHAI} contests 1 entries: answer"
    assert close(world, MONTH).fen == 8_000  # A2 alone
    assert words(world, SICHUAN)["answer"].endswith("until the cut of 2017-04")
    found = ordered(world, SICHUAN, "answer", setl_id="A1", text="按合同价格", evidence=EVIDENCE)
    assert (found["state"], found["turn"], found["until"]) == ("answered", QINGHAI, "2017-05")
    assert "decide until the cut of 2017-05" in words(world, QINGHAI)["decide"]
    assert close(world, "2017-04").fen == 0
    found = ordered(world, QINGHAI, "escalate", setl_id="A1", reason="we see it otherwise")
    assert found["turn"] == CENTRE
    assert words(world, CENTRE)["rule"] == f"1 disputes of {QINGHAI}: rule"
    given = {"insured": QINGHAI, "setl_id": "A1", "outcome": "split", "reason": "half"}
    found = ordered(world, CENTRE, "rule", **given, upheld={"employee": 3_000})
    assert (found["state"], found["ruling"]["upheld_fen"]["employee"]) == ("ruled", 3_000)
    assert close(world, "2017-05") == Amounts(1, 2_000, 0, 2_100, 900)
    for code in (QINGHAI, SICHUAN, CENTRE):
        assert not {"answer", "decide", "rule"} & words(world, code).keys()
        life = case_life(world.nodes[code].store, world.founding, "A1")
        assert life is not None
        assert (life["state"], life["batch"]) == ("cleared", "2017-05")
    value = world.ask(QINGHAI, "release", log=SICHUAN, setl_id="A1")
    assert value["released"] == [found["original"]]
    settled(world)
    assert close(world, "2017-06") == Amounts(0, 3_000, 0, 0, 0)


def test_an_order_given_twice_finds_its_work_done() -> None:
    world = accepted()
    orders: list[tuple[str, str, dict[str, Any]]] = [
        (QINGHAI, "dispute", {**A1, "reason": "PRICE"}),
        (SICHUAN, "answer", {"setl_id": "A1", "text": "no"}),
        (QINGHAI, "escalate", {"setl_id": "A1", "reason": "x"}),
        (SICHUAN, "escalate", {"setl_id": "A1", "reason": "y"}),
        (CENTRE, "rule", {"creditor": SICHUAN, "original": 0, "insured": QINGHAI,
                          "outcome": "uphold", "reason": "z"}),
        (QINGHAI, "release", {"log": SICHUAN, "setl_id": ["A1"]}),
    ]  # fmt: skip
    for code, verb, arguments in orders:
        first = world.ask(code, verb, **arguments)
        assert world.ask(code, verb, **arguments) == first, verb
        settled(world)
        size = len(kinds(world, code))
        assert world.ask(code, verb, **arguments)["index"] == first["index"], verb
        assert len(kinds(world, code)) == size


def refused(world: World, code: str, verb: str, **arguments: Any) -> str:
    """Return the code with which an order is refused; nothing may have been written."""
    before = {c: len(kinds(world, c)) for c in (CENTRE, *CODES)}
    with pytest.raises(LedgerError) as error:
        world.ask(code, verb, **arguments)
    assert {c: len(kinds(world, c)) for c in (CENTRE, *CODES)} == before
    return str(error.value.code)


RULE = {"insured": QINGHAI, "setl_id": "A1", "reason": ""}


@pytest.mark.parametrize(
    ("code", "verb", "arguments", "expected"),
    [
        (QINGHAI, "dispute", {**A1, "setl_id": "A9", "reason": "PRICE"}, "ORIGINAL"),
        (QINGHAI, "dispute", {**A1, "setl_id": "R3", "reason": "PRICE"}, "ORIGINAL"),
        (QINGHAI, "dispute", {**A1, "setl_id": "T1", "reason": "PRICE"}, "PAIR"),
        (QINGHAI, "dispute", {**A1, "setl_id": "A2", "reason": "ANGER"}, "FORM"),
        (QINGHAI, "dispute", {**A1, "setl_id": "A2", "reason": ["PRICE"]}, "FORM"),
        (QINGHAI, "dispute", {**A1, "setl_id": 5, "reason": "PRICE"}, "FORM"),
        (QINGHAI, "dispute", {**A1, "setl_id": "A2", "reason": "PRICE", "evidence": "ab"}, "FORM"),
        (QINGHAI, "dispute", {**A1, "setl_id": "A2", "reason": "PRICE", "evidence": 5}, "FORM"),
        (QINGHAI, "dispute", {**A1, "reason": "OTHER"}, "DUPLICATE"),
        (QINGHAI, "answer", {"setl_id": "A1", "text": ""}, "ORIGINAL"),
        (SICHUAN, "answer", {"setl_id": "A2", "text": ""}, "EXCEPTION"),
        (SICHUAN, "answer", {"setl_id": "A1", "text": "x" * 501}, "FORM"),
        (SICHUAN, "answer", {"setl_id": "A1", "text": 7}, "FORM"),
        (SICHUAN, "answer", {"setl_id": "A1", "text": "\udcff"}, "FORM"),
        (SICHUAN, "answer", {"setl_id": "中", "text": ""}, "FORM"),
        (QINGHAI, "release", {"log": SICHUAN, "setl_id": "A2"}, "EXCEPTION"),
        (QINGHAI, "release", {"log": SICHUAN, "setl_id": []}, "FORM"),
        (QINGHAI, "release", {"log": SICHUAN, "setl_id": {"A1": 1}}, "FORM"),
        (QINGHAI, "release", {"log": SICHUAN, "setl_id": ["A1"] * 1_001}, "FORM"),
        (QINGHAI, "escalate", {"setl_id": "A2", "reason": ""}, "EXCEPTION"),
        (QINGHAI, "escalate", {"setl_id": "A9", "reason": ""}, "ORIGINAL"),
        (TIBET, "escalate", {"setl_id": "A1", "reason": ""}, "ORIGINAL"),
        (TIBET, "escalate", {"setl_id": "A1", "reason": "", "log": SICHUAN}, "PAIR"),
        (QINGHAI, "escalate", {"setl_id": "A1", "reason": "x" * 501}, "FORM"),
        (QINGHAI, "rule", {**RULE, "outcome": "uphold"}, "VERB"),
        (CENTRE, "rule", {**RULE, "outcome": "uphold"}, "STATE"),
        (CENTRE, "rule", {**RULE, "outcome": "halve"}, "FORM"),
        (CENTRE, "rule", {**RULE, "outcome": []}, "FORM"),
        (CENTRE, "rule", {**RULE, "insured": 5, "outcome": "uphold"}, "FORM"),
        (CENTRE, "rule", {**RULE, "creditor": [], "outcome": "uphold"}, "FORM"),
        (QINGHAI, "escalate", {"setl_id": "A1", "reason": "", "log": "中"}, "FORM"),
        (QINGHAI, "dispute", {**A1, "log": "9", "reason": "PRICE"}, "FORM"),
        (QINGHAI, "release", {"log": "9", "setl_id": "A1"}, "FORM"),
        (CENTRE, "rule", {**RULE, "setl_id": "A2", "outcome": "uphold"}, "EXCEPTION"),
        (CENTRE, "rule", {**RULE, "insured": TIBET, "outcome": "uphold"}, "ORIGINAL"),
        (CENTRE, "rule", {**RULE, "setl_id": None, "outcome": "uphold"}, "FORM"),
        (CENTRE, "rule", {**RULE, "setl_id": None, "outcome": "uphold", "creditor": SICHUAN,
                          "original": True}, "FORM"),
        (CENTRE, "rule", {**RULE, "setl_id": None, "outcome": "uphold", "creditor": SICHUAN,
                          "original": 99}, "EXCEPTION"),
    ],
)  # fmt: skip
def test_orders_about_disputes_that_make_no_sense_are_refused(
    code: str, verb: str, arguments: dict[str, Any], expected: str
) -> None:
    world = accepted()
    more = [case_row(setl_id="T1", insuplc_admdvs="540100"), case_row(setl_id="A3")]
    world.ask(SICHUAN, "import", rows=more)
    world.ask(SICHUAN, "import", rows=[refund_of(case_row(setl_id="A3"), setl_id="R3")])
    settled(world)
    ordered(world, QINGHAI, "dispute", **A1, reason="PRICE")
    assert refused(world, code, verb, **arguments) == expected


@pytest.mark.parametrize(
    ("outcome", "upheld", "expected"),
    [
        ("split", None, "FORM"),
        ("split", {"employee": 0}, "FORM"),
        ("split", {"employee": -1}, "FORM"),
        ("split", {"employee": True}, "FORM"),
        ("split", {"wages": 1}, "FORM"),
        ("split", [1, 0, 0, 0], "FORM"),
        ("uphold", {"employee": 1}, "FORM"),
        ("split", {"employee": 5_001}, "EXCEEDS"),
        ("split", {"resident": 1}, "EXCEEDS"),
    ],
)
def test_a_ruling_names_what_is_not_owed_and_no_more_than_is_left(
    outcome: str, upheld: Any, expected: str
) -> None:
    world = accepted()
    ordered(world, QINGHAI, "dispute", **A1, reason="PRICE")
    ordered(world, SICHUAN, "escalate", setl_id="A1", reason="rule, please")
    assert refused(world, CENTRE, "rule", **RULE, outcome=outcome, upheld=upheld) == expected


def test_a_fee_check_is_for_totals_above_the_threshold() -> None:
    world = accepted()
    assert refused(world, QINGHAI, "dispute", **A1, reason="FEE_CHECK") == "FEE_CHECK"
    dear = {"log": SICHUAN, "setl_id": "A2", "reason": "FEE_CHECK"}
    assert ordered(world, QINGHAI, "dispute", **dear)["state"] == "open"
    case = world.nodes[QINGHAI].vault.received(SICHUAN, "A2")
    assert case is not None
    lost = quiet(frozenset())
    withheld(lost, [case_row(setl_id="A2", **DEAR)])
    lost.ask(QINGHAI, "accept")
    assert refused(lost, QINGHAI, "dispute", **dear) == "NO_FILE"


def test_an_id_that_two_logs_have_needs_the_log() -> None:
    world = accepted()
    other = case_row(setl_id="A1", mdtrtarea_admvs="540100")
    world.ask(TIBET, "import", rows=[other])
    settled(world)
    for log in (SICHUAN, TIBET):
        ordered(world, QINGHAI, "dispute", log=log, setl_id="A1", reason="PRICE")
    assert refused(world, QINGHAI, "escalate", setl_id="A1", reason="") == "LOG"
    found = ordered(world, QINGHAI, "escalate", setl_id="A1", reason="", log=TIBET)
    assert found["creditor"] == TIBET
    assert refused(world, CENTRE, "rule", **RULE, outcome="uphold") == "LOG"
    found = ordered(world, CENTRE, "rule", **RULE, outcome="uphold", creditor=TIBET)
    assert (found["creditor"], found["holds"]) == (TIBET, True)


def test_an_answer_that_would_not_count_is_refused() -> None:
    world = accepted()
    ordered(world, QINGHAI, "dispute", **A1, reason="PRICE")
    close(world, MONTH)
    close(world, "2017-04")
    assert refused(world, SICHUAN, "answer", setl_id="A1", text="late") == "STATE"
    ordered(world, SICHUAN, "escalate", setl_id="A1", reason="we were asleep")
    assert ordered(world, SICHUAN, "answer", setl_id="A1", text="late")["state"] == "escalated"


def test_what_was_let_stand_can_be_neither_escalated_nor_ruled_on() -> None:
    world = accepted()
    ordered(world, QINGHAI, "dispute", **A1, reason="PRICE")
    ordered(world, SICHUAN, "answer", setl_id="A1", text="as agreed")
    assert [close(world, month).fen for month in (MONTH, "2017-04")] == [8_000, 8_000]
    for code in (QINGHAI, SICHUAN):
        assert refused(world, code, "escalate", setl_id="A1", reason="") == "STATE"
    assert refused(world, CENTRE, "rule", **RULE, outcome="uphold") == "STATE"


def test_a_fee_check_of_what_was_cleared_holds_nothing_and_says_so() -> None:
    world = accepted()
    assert close(world, MONTH).fen == 16_000
    found = ordered(world, QINGHAI, "dispute", log=SICHUAN, setl_id="A2", reason="FEE_CHECK")
    assert (found["late"], found["holds"], found["turn"]) == (True, False, SICHUAN)
    assert close(world, "2017-04").fen == 0


def test_a_missing_file_that_arrives_releases_unless_the_centre_has_ruled() -> None:
    for ruled, expected in ((False, ["Acceptance", "Release"]), (True, ["Acceptance"])):
        world = quiet(frozenset())
        held_back = withheld(world, [case_row(setl_id="A1")])
        world.ask(QINGHAI, "accept", log=SICHUAN)
        settled(world)
        if ruled:
            ordered(world, SICHUAN, "escalate", setl_id="A1", reason="it was sent")
            ordered(world, CENTRE, "rule", **RULE, outcome="uphold")
        world.nodes[SICHUAN].vault.keep(held_back)
        world.crash(SICHUAN)
        settled(world, 60_000)
        world.ask(QINGHAI, "accept", log=SICHUAN)
        assert kinds(world, QINGHAI) == expected


def test_a_dispute_made_by_people_is_released_by_people() -> None:
    world = accepted(frozenset())
    ordered(world, QINGHAI, "dispute", **A1, reason="NO_FILE")
    world.ask(QINGHAI, "accept", log=SICHUAN)
    assert kinds(world, QINGHAI) == ["Acceptance", "Dispute"]


def test_everybody_sees_the_same_dispute() -> None:
    world = accepted()
    ordered(world, QINGHAI, "dispute", **A1, reason="PRICE")
    ordered(world, SICHUAN, "answer", setl_id="A1", text="no")
    seen = [
        [report(status) for status in statuses(world.nodes[code].store, CODES, code)]
        for code in (CENTRE, SICHUAN, QINGHAI)
    ]
    assert seen[0] == seen[1] == seen[2] != []


def test_a_text_that_others_could_not_read_is_never_written() -> None:
    world = accepted()
    world.ask(CENTRE, "close", month=MONTH)
    for reason in ("x" * 501, "e\u0301", "\ud800"):
        with pytest.raises(FormError):
            world.ask(CENTRE, "withdraw", month=MONTH, reason=reason)
    assert "Withdrawal" not in kinds(world, CENTRE)
