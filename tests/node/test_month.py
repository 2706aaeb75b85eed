"""Two or three provinces and the centre in one process: a month from import to certificate."""

import pytest

from ledger.errors import LedgerError, RefusedError
from node.message import Case
from node.simulation.world import World
from settlement.casefile import CaseRow
from settlement.party import CENTRE
from settlement.record import Acceptance
from settlement.report import month_report
from tests.network import QINGHAI, SICHUAN, TIBET, case_row, refund_of
from tests.node.world import CODES, MONTH, batch, imported, kinds, quiet, settled, until

NETS = {SICHUAN: 3 * 8_000 - 8_000, TIBET: 8_000 - 8_000, QINGHAI: -2 * 8_000}


def test_a_month_goes_from_import_to_certificate() -> None:
    world = imported(quiet())
    world.ask(CENTRE, "close", month=MONTH)
    settled(world)
    assert batch(world, QINGHAI).state == "CONFIRMED"
    report = month_report(world.nodes[QINGHAI].store, world.founding, MONTH)
    assert report is not None
    assert report["nets_fen"] == NETS
    assert report["attestations"] == 3
    paid = {"month": MONTH, "reference": "B1", "date": "2017-04-15"}
    for leg in report["legs"]:
        world.ask(leg["payer"], "paid", leg=leg["leg"], **paid)
        settled(world)
        world.ask(leg["payee"], "received", leg=leg["leg"], **paid)
        settled(world)
    for code in [CENTRE, *CODES]:
        assert batch(world, code).state == "FINAL"
    results = {
        month_report(world.nodes[c].store, world.founding, MONTH)["result_hash"]  # type: ignore[index]
        for c in CODES
    }
    assert len(results) == 1


def test_by_hand_nothing_happens_until_somebody_orders_it() -> None:
    world = imported(quiet(frozenset()))
    assert kinds(world, QINGHAI) == []
    assert world.ask(QINGHAI, "accept")["accepted"][0]["entries"] == 2
    world.ask(TIBET, "accept")
    world.ask(SICHUAN, "accept")
    settled(world)
    world.ask(CENTRE, "close", month=MONTH)
    settled(world)
    assert batch(world).state == "PROPOSED"
    for code in CODES:
        assert world.ask(code, "attest")["match"]
        assert world.ask(code, "attest")["match"]  # again: the same answer, no second entry
    settled(world)
    assert kinds(world, QINGHAI) == ["Acceptance", "Attestation"]
    world.ask(CENTRE, "confirm", month=MONTH)
    with pytest.raises(RefusedError, match="cosigned"):
        world.ask(QINGHAI, "paid", month=MONTH, leg=1, reference="B1", date="2017-04-15")
    settled(world)
    world.ask(QINGHAI, "paid", month=MONTH, leg=1, reference="B1", date="2017-04-15")


def test_importing_again_changes_nothing_and_other_content_is_refused() -> None:
    world = imported(quiet())
    size = len(kinds(world, SICHUAN))
    assert world.ask(SICHUAN, "import", rows=[case_row(setl_id="A1")])["entered"] == 0
    assert len(kinds(world, SICHUAN)) == size
    with pytest.raises(RefusedError, match="business id"):
        world.ask(
            SICHUAN, "import", rows=[case_row(setl_id="A9"), case_row(setl_id="A1", psn_no="X")]
        )
    assert len(kinds(world, SICHUAN)) == size  # all or nothing


def test_a_case_file_that_never_came_becomes_an_exception_and_is_released_when_it_comes() -> None:
    world = quiet(frozenset())
    held_back = withheld(world, [case_row(setl_id="A1"), case_row(setl_id="A2")])
    accepted = world.ask(QINGHAI, "accept", log=SICHUAN)["accepted"][0]
    assert [(e["index"], e["code"]) for e in accepted["exceptions"]] == [
        (0, "NO_FILE"),
        (1, "NO_FILE"),
    ]
    world.nodes[SICHUAN].vault.keep(held_back)
    world.crash(SICHUAN)  # a start looks into the outbox
    settled(world, 60_000)
    world.ask(QINGHAI, "accept", log=SICHUAN)
    assert kinds(world, QINGHAI) == ["Acceptance", "Release"]


def test_an_automatic_node_waits_for_missing_case_files() -> None:
    world = quiet(frozenset({"accept"}))
    held_back = withheld(world, [case_row(setl_id="A1")])
    assert kinds(world, QINGHAI) == []
    world.nodes[SICHUAN].vault.keep(held_back)
    world.crash(SICHUAN)
    settled(world, 60_000)
    assert kinds(world, QINGHAI) == ["Acceptance"]


def withheld(world: World, rows: list[CaseRow]) -> list[tuple[str, Case]]:
    """Record rows in Sichuan, let the entries reach Qinghai and lose the outbox."""
    world.faults.cut.add((SICHUAN, QINGHAI))
    world.ask(SICHUAN, "import", rows=rows)
    vault = world.nodes[SICHUAN].vault
    cases = vault.outgoing(QINGHAI, 100)
    vault.delivered(QINGHAI, [case.setl_id for case in cases])
    world.crash(SICHUAN)
    world.faults.cut.clear()
    settled(world, 60_000)
    return [(QINGHAI, case) for case in cases]


def test_a_case_file_with_other_money_becomes_an_exception_with_its_code() -> None:
    world = quiet(frozenset())
    row = case_row(setl_id="A1")
    world.faults.cut.add((SICHUAN, QINGHAI))
    world.ask(SICHUAN, "import", rows=[row, case_row(setl_id="A2")])
    vault = world.nodes[SICHUAN].vault
    own = vault.own("A1")
    assert own is not None
    forged = own.__class__("A1", own.case.replace(b"P1", b"P9"), own.salt)
    vault.keep([(QINGHAI, forged)])
    world.faults.cut.clear()
    settled(world, 60_000)
    accepted = world.ask(QINGHAI, "accept")["accepted"][0]
    assert [(e["index"], e["code"]) for e in accepted["exceptions"]] == [(0, "COMMITMENT")]


def test_a_wrong_reversal_is_held_against_its_original() -> None:
    world = quiet(frozenset())
    row = case_row(setl_id="A1")
    world.faults.cut.add((SICHUAN, QINGHAI))
    world.ask(SICHUAN, "import", rows=[row])
    world.ask(SICHUAN, "import", rows=[refund_of(row)])
    vault = world.nodes[SICHUAN].vault
    own = vault.own("R1")
    assert own is not None
    vault.keep([(QINGHAI, own.__class__("R1", own.case, bytes(32)))])
    world.faults.cut.clear()
    settled(world, 60_000)
    accepted = world.ask(QINGHAI, "accept")["accepted"][0]
    assert [(e["index"], e["code"]) for e in accepted["exceptions"]] == [(0, "COMMITMENT")]


@pytest.mark.parametrize(
    ("code", "verb", "arguments", "expected"),
    [
        (QINGHAI, "close", {"month": MONTH}, "VERB"),
        (CENTRE, "accept", {}, "VERB"),
        (CENTRE, "close", {}, "ARGUMENTS"),
        (CENTRE, "close", {"month": MONTH, "force": True}, "ARGUMENTS"),
        (QINGHAI, "attest", {}, "STATE"),
        (QINGHAI, "silence", {"code": TIBET}, "STATE"),
        (CENTRE, "confirm", {"month": MONTH}, "STATE"),
        (CENTRE, "final", {"month": MONTH}, "STATE"),
        (CENTRE, "withdraw", {"month": MONTH, "reason": "x"}, "STATE"),
        (
            QINGHAI,
            "paid",
            {"month": MONTH, "leg": 1, "reference": "B", "date": "2017-04-01"},
            "STATE",
        ),
    ],
)
def test_orders_that_make_no_sense_are_refused_with_a_code(
    code: str, verb: str, arguments: dict[str, object], expected: str
) -> None:
    world = quiet()
    before = {c: len(kinds(world, c)) for c in CODES}
    with pytest.raises(RefusedError) as error:
        world.ask(code, verb, **arguments)
    assert error.value.code == expected
    assert {c: len(kinds(world, c)) for c in CODES} == before


def test_two_proposals_do_not_stand_open_and_a_withdrawn_one_gives_way() -> None:
    world = imported(quiet(frozenset({"accept", "attest"})))
    world.ask(CENTRE, "close", month=MONTH)
    with pytest.raises(RefusedError):
        world.ask(CENTRE, "close", month=MONTH)
    world.ask(CENTRE, "withdraw", month=MONTH, reason="too early")
    settled(world)
    assert world.ask(CENTRE, "close", month=MONTH)["revision"] == 2
    until(world, lambda: batch(world).state == "ATTESTED")


def test_a_node_that_was_down_all_month_catches_up_and_attests() -> None:
    world = quiet()
    world.crash(TIBET, restart_ms=300_000)
    for code, mine in {SICHUAN: [case_row(setl_id="A1")]}.items():
        world.ask(code, "import", rows=mine)
    settled(world)
    world.ask(CENTRE, "close", month=MONTH)
    settled(world)
    assert batch(world).missing == (TIBET,)
    until(world, lambda: batch(world).state == "CONFIRMED")


def test_silence_of_a_node_that_stays_down_needs_three_others() -> None:
    codes = ["110000", "120000", SICHUAN, TIBET, QINGHAI]
    world = quiet(frozenset({"accept", "attest"}), codes)
    world.crash(TIBET, restart_ms=3_600_000)
    world.ask(SICHUAN, "import", rows=[case_row(setl_id="A1")])
    settled(world)
    world.ask(CENTRE, "close", month=MONTH)
    settled(world)
    with pytest.raises(Exception, match=TIBET):
        world.ask(CENTRE, "confirm", month=MONTH)
    for code in ("110000", "120000", SICHUAN):
        world.ask(code, "silence", code=TIBET)
    settled(world)
    world.ask(CENTRE, "confirm", month=MONTH)
    assert batch(world).state == "CONFIRMED"


def test_acceptances_name_the_root_they_saw() -> None:
    world = imported(quiet())
    assert kinds(world, QINGHAI) == [Acceptance.__name__]


def test_an_order_with_values_of_another_type_is_refused_and_the_node_goes_on() -> None:
    world = quiet(frozenset())
    for verb, arguments in (
        ("import", {"rows": [1]}),
        ("accept", {"log": 5}),
        ("erase", {"token": []}),
    ):
        with pytest.raises(LedgerError):
            world.ask(QINGHAI, verb, **arguments)
    assert kinds(world, QINGHAI) == []
    assert world.ask(QINGHAI, "accept")["accepted"] == []
