"""A node that accepts by itself only what it has determined itself."""

import pytest

from ledger.table import Writer
from node import claimbook
from node.simulation.world import World
from node.vault import put_received
from settlement import lookup
from settlement.determination import Determined
from settlement.record import Acceptance
from tests.network import QINGHAI, SICHUAN, case_row, refund_of
from tests.node.world import kinds, quiet, settled


def determine(world: World, *setl_ids: str) -> None:
    """Let Qinghai have determined these cases of Sichuan; what it noted of them is its own."""

    def change(writer: Writer) -> None:
        for setl_id in setl_ids:
            found = Determined(b"", bytes(32), bytes(32), 0, bytes(64), [], [])
            item = claimbook.Decision(bytes(32), "T", "310", "2017", [], found)
            claimbook.decide(writer, SICHUAN, setl_id, item)

    world.nodes[QINGHAI].vault.store.transact(change)


def accepted(world: World) -> list[int]:
    return lookup.accepted_sizes(world.nodes[QINGHAI].store, QINGHAI, SICHUAN)


def determined_only() -> World:
    return quiet(frozenset({"accept-determined"}))


def test_a_prefix_ends_at_the_first_case_that_somebody_else_determined() -> None:
    world = determined_only()
    determine(world, "A1", "A2", "A4")
    rows = [case_row(setl_id=f"A{n}") for n in (1, 2, 3, 4)]
    rows[1:1] = [case_row(setl_id="T1", insuplc_admdvs="540100")]  # owed by others: no matter
    world.ask(SICHUAN, "import", rows=rows)
    settled(world)
    assert accepted(world) == [3]  # A1, T1, A2
    world.ask(SICHUAN, "import", rows=[case_row(setl_id="A5")])
    settled(world)
    assert accepted(world) == [3]
    # A clerk's acceptance takes the rest.
    world.ask(QINGHAI, "accept", log=SICHUAN)
    assert accepted(world) == [3, 6]
    # And what comes after is again the node's own.
    determine(world, "A6")
    world.ask(SICHUAN, "import", rows=[case_row(setl_id="A6")])
    settled(world)
    assert accepted(world) == [3, 6, 7]


def test_nothing_is_accepted_if_nothing_was_determined() -> None:
    world = determined_only()
    world.ask(SICHUAN, "import", rows=[case_row(setl_id="A1")])
    settled(world)
    assert kinds(world, QINGHAI) == []


def test_a_refund_needs_its_own_determination() -> None:
    world = determined_only()
    determine(world, "A1")
    world.ask(SICHUAN, "import", rows=[case_row(setl_id="A1"), refund_of(case_row())])
    settled(world)
    assert accepted(world) == [1]


def test_a_determined_case_whose_file_does_not_pass_is_left_to_a_clerk() -> None:
    world = determined_only()
    determine(world, "A1", "A2")
    world.faults.cut.add((SICHUAN, QINGHAI))
    world.ask(SICHUAN, "import", rows=[case_row(setl_id="A1"), case_row(setl_id="A2")])
    vault = world.nodes[SICHUAN].vault
    own = vault.own("A2")
    assert own is not None
    forged = own.__class__("A2", own.case.replace(b"P1", b"P9"), own.salt)
    vault.keep([(QINGHAI, forged)])
    world.faults.cut.clear()
    settled(world, 60_000)
    assert accepted(world) == [1]
    world.ask(QINGHAI, "accept")
    store = world.nodes[QINGHAI].store
    record = lookup.entry_at(store, QINGHAI, 1)[1]
    assert isinstance(record, Acceptance)
    assert [(e.index, e.code) for e in record.exceptions] == [(1, "COMMITMENT")]


@pytest.mark.parametrize("missing", ["A1", "A2"])
def test_a_determined_case_without_its_file_waits_for_it(missing: str) -> None:
    world = determined_only()
    determine(world, "A1", "A2")
    world.faults.cut.add((SICHUAN, QINGHAI))
    world.ask(SICHUAN, "import", rows=[case_row(setl_id="A1"), case_row(setl_id="A2")])
    vault = world.nodes[SICHUAN].vault
    case = vault.own(missing)
    assert case is not None
    vault.delivered(QINGHAI, [missing])
    world.crash(SICHUAN)
    world.faults.cut.clear()
    settled(world, 60_000)
    assert accepted(world) == ([] if missing == "A1" else [1])
    inbox = world.nodes[QINGHAI].vault.store
    inbox.transact(lambda writer: put_received(writer, SICHUAN, case))
    world.ask(SICHUAN, "import", rows=[case_row(setl_id="A3")])  # something happens
    settled(world)
    assert accepted(world)[-1] == 2
