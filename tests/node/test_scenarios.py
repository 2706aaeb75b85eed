"""Months in which something goes wrong that a network must bear: what is on record, who is owed."""

from collections import Counter
from typing import Any

import pytest

from ledger import log
from ledger.errors import RefusedError, VerificationError
from ledger.table import Reader, log_key
from node.duty import duties
from node.province import Province
from node.simulation.oracle import Oracle
from node.simulation.world import World
from settlement import batch as batches
from settlement import lookup, obligation
from settlement.batch import Batch, Result
from settlement.casefile import CaseRow
from settlement.close import Close, confirmed_closes
from settlement.obligation import original_state
from settlement.party import CENTRE
from settlement.record import Attestation, Certificate, Settlement
from settlement.roster import PURPOSES
from settlement.year import compute_year
from tests.network import QINGHAI, SICHUAN, TIBET, case_row, refund_of
from tests.node.months import came, confirmed, due, final, insist, month_legs, move, nets
from tests.node.world import CODES, MONTH, batch, imported, kinds, quiet, settled

APRIL, MAY = "2017-04", "2017-05"
FIVE = ["110000", "120000", SICHUAN, TIBET, QINGHAI]
FEN = 8_000  # what one case of `case_row` moves


def entered(world: World, *ids: str, month: str = MONTH) -> None:
    """Let Sichuan record cases of Qinghai."""
    rows = [case_row(setl_id=name, setl_time=f"{month}-05T10:00:00+08:00") for name in ids]
    insist(world, SICHUAN, "import", rows=rows)


def cleared_in(world: World, code: str = CENTRE) -> Counter[str]:
    """Return how many originals of Sichuan each confirmed month has cleared, one by one."""
    store = world.nodes[code].store
    closes = confirmed_closes(store)
    found: Counter[str] = Counter()
    for index in range(log.size(store, log_key(SICHUAN))):
        if isinstance(lookup.entry_at(store, SICHUAN, index)[1], Settlement):
            found[_first(store, closes, index)] += 1
    return found


def _first(reader: Reader, closes: list[Close], index: int) -> str:
    for at, close in enumerate(closes, 1):
        if original_state(reader, closes[:at], SICHUAN, index) == "cleared":
            return close.month
    return "never"


# --- entries race the cut ------------------------------------------------------------------------


@pytest.mark.parametrize("every_ms", [3, 17, 120])
def test_entries_that_race_the_cut_are_cleared_once_each_and_none_is_lost(every_ms: int) -> None:
    world, oracle = quiet(), Oracle()
    world.after_step = oracle.check
    count, raced = 0, 0

    def another() -> None:
        nonlocal count
        if count < 60:
            count += 1
            row = case_row(setl_id=f"A{count}")
            world.order(SICHUAN, "import", rows=[row])
            world.later(every_ms, another)

    another()
    for month in (MONTH, APRIL, MAY):
        settled(world, every_ms * 12)
        confirmed(world, month)
        cut = next(h.size for h in batch(world, CENTRE, month).proposal.cut if h.code == SICHUAN)
        index = lookup.find(
            world.nodes[CENTRE].store, SICHUAN, Attestation, lookup.month_key(month, 1)
        )
        assert index is not None
        raced += index - cut
    settled(world, 120_000)
    confirmed(world, "2017-06")
    assert count == 60
    assert raced > 0  # entries stand between a cut and the attestation of it
    found = cleared_in(world)
    assert "never" not in found
    assert found.total() == 60
    sums = [
        sum(a.fen for a in batches.result_of(world.nodes[CENTRE].store, world.founding, m, 1)
            .pairs.values())
        for m in (MONTH, APRIL, MAY, "2017-06")
    ]  # fmt: skip
    assert sum(sums) == 60 * FEN
    assert [found[m] * FEN for m in (MONTH, APRIL, MAY, "2017-06")] == sums
    oracle.finish(world)


def test_an_empty_month_closes_and_the_next_one_follows() -> None:
    world = quiet()
    confirmed(world)
    came(world, lambda: batch(world).state == "FINAL")
    assert (due(world), nets(world)) == ([], {})
    entered(world, "A1", month=APRIL)
    settled(world)
    final(world, APRIL)
    assert nets(world, APRIL) == {SICHUAN: FEN, QINGHAI: -FEN}


# --- somebody is silent, or shows only what he likes ----------------------------------------------


def silenced(world: World, code: str, month: str = MONTH) -> None:
    """Close a month without `code`: three others record its silence, the centre confirms."""
    insist(world, CENTRE, "close", month=month)
    came(world, lambda: batch(world, CENTRE, month).missing == (code,))
    for other in [c for c in FIVE if c != code][:3]:
        insist(world, other, "silence", code=code)
    settled(world)
    insist(world, CENTRE, "confirm", month=month)
    settled(world)


@pytest.mark.parametrize("shown_to", [[], [QINGHAI]])
def test_entries_that_are_withheld_wait_for_the_month_in_which_they_are_shown(
    shown_to: list[str],
) -> None:
    world = quiet(frozenset({"accept", "attest"}), FIVE)
    entered(world, "A1")
    settled(world)
    hidden_from = [c for c in (CENTRE, *FIVE) if c not in (SICHUAN, *shown_to)]
    world.faults.cut |= {(SICHUAN, other) for other in hidden_from}
    entered(world, "A2", "A3")
    settled(world, 60_000)
    silenced(world, SICHUAN)
    assert nets(world) == {SICHUAN: FEN, QINGHAI: -FEN}
    first = batches.result_of(world.nodes[CENTRE].store, world.founding, MONTH, 1).hash
    world.faults.cut.clear()
    settled(world, 60_000)
    insist(world, CENTRE, "close", month=APRIL)
    came(world, lambda: batch(world, CENTRE, APRIL).state == "ATTESTED")
    settled(world)
    insist(world, CENTRE, "confirm", month=APRIL)
    assert nets(world, APRIL) == {SICHUAN: 2 * FEN, QINGHAI: -2 * FEN}
    assert cleared_in(world) == {MONTH: 1, APRIL: 2}
    assert batches.result_of(world.nodes[CENTRE].store, world.founding, MONTH, 1).hash == first


def test_a_silent_province_stays_at_its_last_cut_and_is_owed_all_of_it_later() -> None:
    world = quiet(frozenset({"accept", "attest"}), FIVE)
    entered(world, "A1")
    settled(world)
    world.crash(QINGHAI, restart_ms=3_600_000)  # it has accepted the first case
    entered(world, "A2")
    settled(world)
    silenced(world, QINGHAI)
    report = batch(world)
    assert (report.state, report.missing) == ("CONFIRMED", (QINGHAI,))
    assert nets(world) == {SICHUAN: FEN, QINGHAI: -FEN}
    store = world.nodes[TIBET].store
    size = lookup.applied_size(store, CENTRE)
    closes = confirmed_closes(store, size)
    position = obligation.at_cut(store, world.founding, closes)
    assert obligation.carried(
        store, world.founding, report.proposal.cut, MONTH, position
    ) == 1  # fmt: skip
    world.start(QINGHAI)
    settled(world, 60_000)
    insist(world, CENTRE, "close", month=APRIL)
    came(world, lambda: batch(world, CENTRE, APRIL).state == "ATTESTED")
    assert nets(world, APRIL) == {SICHUAN: FEN, QINGHAI: -FEN}


def test_a_silent_centre_delays_everybody_and_loses_nothing() -> None:
    world = quiet()
    world.crash(CENTRE, restart_ms=1_800_000)
    entered(world, "A1")
    settled(world, 60_000)
    assert kinds(world, QINGHAI) == ["Acceptance"]  # the provinces are a quorum without it
    with pytest.raises(RefusedError, match="not confirmed"):
        world.ask(QINGHAI, "paid", month=MONTH, leg=1, reference="B1", date="2017-04-15")
    came(world, lambda: world.nodes[CENTRE].role is not None)
    final(world)
    assert nets(world) == {SICHUAN: FEN, QINGHAI: -FEN}


def test_a_payer_who_is_silent_holds_up_what_the_centre_pays_out_and_not_the_next_month() -> None:
    world = imported(quiet())
    confirmed(world)
    settled(world)
    assert due(world)[0].payer == QINGHAI
    with pytest.raises(RefusedError, match=r"ORDER|pays out"):
        world.ask(CENTRE, "paid", month=MONTH, leg=2, reference="B2", date="2017-04-15")
    node = world.nodes[QINGHAI]
    asked = [d["what"] for d in duties(node.store, world.founding, QINGHAI, node.vault)["duties"]]
    assert "pay" in asked
    entered(world, "N1", month=APRIL)
    settled(world)
    confirmed(world, APRIL)  # never netted again: the old leg stays what it was
    assert nets(world, APRIL) == {SICHUAN: FEN, QINGHAI: -FEN}
    assert [leg.state for leg in month_legs(world)] == ["DUE"] * len(due(world))
    assert batch(world).state == "CONFIRMED"
    for leg in due(world):
        move(world, leg)
    came(world, lambda: batch(world).state == "FINAL")
    assert batch(world, CENTRE, APRIL).state == "CONFIRMED"  # months end in any order


def test_a_payee_who_is_silent_leaves_the_leg_paid_and_the_month_without_certificate() -> None:
    world = imported(quiet())
    confirmed(world)
    settled(world)
    legs = due(world)
    for leg in legs[:-1]:
        move(world, leg)
    move(world, legs[-1], arrives=False)
    settled(world)
    assert month_legs(world)[-1].state == "PAID"
    with pytest.raises(RefusedError) as refused:
        world.ask(CENTRE, "final", month=MONTH)
    assert refused.value.code == "OPEN"
    assert str(legs[-1].number) in str(refused.value)
    confirmed(world, APRIL)
    assert lookup.find(
        world.nodes[CENTRE].store, CENTRE, Certificate, lookup.month_key(MONTH)
    ) is None  # fmt: skip
    insist(
        world, legs[-1].payee, "received",
        month=MONTH, leg=legs[-1].number, reference="B9", date="2017-05-02",
    )  # fmt: skip
    came(world, lambda: batch(world).state == "FINAL")


# --- two nodes one fen apart ----------------------------------------------------------------------


class Miscounts(Province):
    """Finds one fen more than everybody else in what Qinghai owes Sichuan."""

    def result(self, reader: Reader, batch: Batch) -> Result:
        """Return the true result with one fen too much."""
        true = super().result(reader, batch)
        pairs, sums = dict(true.pairs), dict(true.nets)
        cell = pairs[QINGHAI, SICHUAN]
        pairs[QINGHAI, SICHUAN] = cell._replace(employee=cell.employee + 1)
        sums[QINGHAI] -= 1
        sums[SICHUAN] += 1
        return Result(true.month, true.model, true.ruleset_hash, pairs, sums, true.legs)


def apart() -> World:
    """A month that stands open, contested by Qinghai alone."""
    world = quiet(frozenset({"accept", "attest"}), FIVE)
    entered(world, "A1")
    settled(world)
    world.nodes[QINGHAI].role.__class__ = Miscounts  # type: ignore[assignment]
    insist(world, CENTRE, "close", month=MONTH)
    came(world, lambda: batch(world).missing == ())
    return world


def test_two_nodes_one_fen_apart_name_the_pair_and_the_fen() -> None:
    world = apart()
    found = batch(world)
    assert (found.state, sorted(found.mismatches)) == ("CONTESTED", [QINGHAI])
    place = found.mismatches[QINGHAI]
    record: Any = lookup.entry_at(world.nodes[CENTRE].store, QINGHAI, place.index)[1]
    cells = [(c.debtor, c.creditor, c.line, c.proposed_fen, c.computed_fen) for c in record.cells]
    assert cells == [
        (QINGHAI, SICHUAN, "employee", 5_000, 5_001),
        (SICHUAN, SICHUAN, "net", FEN, FEN + 1),
        (QINGHAI, QINGHAI, "net", -FEN, -FEN - 1),
    ]  # fmt: skip
    with pytest.raises(VerificationError, match=QINGHAI):
        world.ask(CENTRE, "confirm", month=MONTH)


def test_a_mismatch_that_is_ruled_on_holds_up_the_month_no_longer_but_its_author_pays_nothing() -> (
    None
):
    world = apart()
    insist(world, CENTRE, "dismiss", month=MONTH, code=QINGHAI, reason="their program is old")
    insist(world, CENTRE, "confirm", month=MONTH)
    settled(world)
    leg = due(world)[0]
    money = {"month": MONTH, "leg": leg.number, "reference": "B1", "date": "2017-04-15"}
    with pytest.raises(RefusedError, match="not what this node computes"):
        world.ask(QINGHAI, "paid", **money)
    world.crash(QINGHAI)  # it starts again with the program the others have
    settled(world, 60_000)
    for leg in due(world):
        move(world, leg)
    settled(world)
    insist(world, CENTRE, "final", month=MONTH)


# --- withdrawn and proposed again -----------------------------------------------------------------


def test_what_comes_between_two_revisions_is_in_the_second_and_nobody_signs_the_first_again() -> (
    None
):
    world = quiet(frozenset({"accept", "attest"}))
    entered(world, "A1")
    settled(world)
    insist(world, CENTRE, "close", month=MONTH)
    came(world, lambda: batch(world).state == "ATTESTED")
    entered(world, "A2")
    insist(world, CENTRE, "withdraw", month=MONTH, reason="an export came late")
    settled(world)
    with pytest.raises(RefusedError, match="no proposal"):
        world.ask(QINGHAI, "attest")
    with pytest.raises(RefusedError, match="WITHDRAWN"):
        world.ask(CENTRE, "confirm", month=MONTH)
    insist(world, CENTRE, "close", month=MONTH)
    second = batch(world)
    assert (second.revision, second.state, second.matches) == (2, "PROPOSED", {})
    assert nets(world) == {SICHUAN: 2 * FEN, QINGHAI: -2 * FEN}
    came(world, lambda: batch(world).missing == ())
    insist(world, CENTRE, "confirm", month=MONTH)
    store = world.nodes[CENTRE].store
    first = batches.batch_of(store, world.founding, MONTH, 1)
    assert first is not None
    assert first.state == "WITHDRAWN"
    assert cleared_in(world) == {MONTH: 2}


def test_a_second_revision_is_not_attested_before_the_withdrawal_of_the_first_is_cosigned() -> None:
    world = quiet(frozenset({"accept", "attest"}))
    entered(world, "A1")
    settled(world)
    insist(world, CENTRE, "close", month=MONTH)
    came(world, lambda: batch(world).state == "ATTESTED")
    members = [CENTRE, *CODES]
    world.faults.cut |= {(c, CENTRE) for c in members} | {(CENTRE, c) for c in members}
    insist(world, CENTRE, "withdraw", month=MONTH, reason="again")
    insist(world, CENTRE, "close", month=MONTH)
    settled(world, 60_000)
    for code in CODES:
        assert kinds(world, code).count("Attestation") == 1
    world.faults.cut.clear()
    came(world, lambda: batch(world).state == "ATTESTED")
    assert batch(world).revision == 2


# --- last year's case -----------------------------------------------------------------------------


def test_a_refund_of_last_years_case_runs_backwards_through_this_year() -> None:
    world = quiet()
    row = case_row(setl_id="A1", setl_time="2017-12-05T10:00:00+08:00")
    insist(world, SICHUAN, "import", rows=[row])
    settled(world)
    final(world, "2017-12")
    store = world.nodes[CENTRE].store
    before = compute_year(store, world.founding, 2017, lookup.applied_size(store, CENTRE))
    refund: CaseRow = refund_of(row, setl_time="2018-01-09T10:00:00+08:00")
    insist(world, SICHUAN, "import", rows=[refund])
    settled(world)
    final(world, "2018-01")
    assert nets(world, "2018-01") == {SICHUAN: -FEN, QINGHAI: FEN}
    assert [(leg.payer, leg.payee, leg.fen) for leg in due(world, "2018-01")] == [
        (SICHUAN, CENTRE, FEN), (CENTRE, QINGHAI, FEN),
    ]  # fmt: skip
    closes = confirmed_closes(store)
    assert original_state(store, closes[:1], SICHUAN, 0) == "cleared"
    assert original_state(store, closes, SICHUAN, 0) == "reversed"
    after = compute_year(store, world.founding, 2017, lookup.applied_size(store, CENTRE))
    assert after.pairs == before.pairs
    assert after.nets == {SICHUAN: FEN, TIBET: 0, QINGHAI: -FEN}


# --- keys change in mid-month ---------------------------------------------------------------------

STEPS = 8


@pytest.mark.parametrize("code", [CENTRE, SICHUAN, QINGHAI])
@pytest.mark.parametrize("at", range(STEPS))
def test_keys_may_change_between_any_two_steps_of_a_month(at: int, code: str) -> None:
    world = quiet()
    done = 0

    def between() -> None:
        nonlocal done
        if done == at:
            world.rotate(code, list(PURPOSES))
        done += 1

    between()
    entered(world, "A1")
    between()
    settled(world, 30_000)
    between()
    insist(world, CENTRE, "close", month=MONTH)
    between()
    came(world, lambda: batch(world).confirmation_index is not None)
    for leg in due(world):
        between()
        move(world, leg, arrives=False)
        between()
        insist(
            world, leg.payee, "received",
            month=MONTH, leg=leg.number, reference=f"B{leg.number}", date="2017-04-28",
        )  # fmt: skip
    assert done == STEPS
    came(world, lambda: batch(world).state == "FINAL")
    assert nets(world) == {SICHUAN: FEN, QINGHAI: -FEN}
    settled(world, 120_000)
    assert kinds(world, code).count("Rotation") == len(PURPOSES)
