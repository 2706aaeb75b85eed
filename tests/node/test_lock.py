"""A node that comes back from an old copy: it asks, takes back its own, and never forks."""

from typing import Any

import pytest

from ledger import log, tree
from ledger.errors import RewoundError
from ledger.table import log_key
from node.docket import stored
from node.effect import Answered, Send, Started
from node.lock import LockedError
from node.message import AskSeen
from node.province import Province
from node.serve import serve
from node.simulation.world import SimNode, World
from settlement.party import CENTRE
from tests.network import QINGHAI, SICHUAN, TIBET, case_row
from tests.node.world import CODES, kinds, quiet, settled


def recorded(world: World, *ids: str) -> World:
    world.ask(SICHUAN, "import", rows=[case_row(setl_id=name) for name in ids])
    return settled(world, 60_000)


def snapshot(node: SimNode) -> Any:
    return node.store.snapshot(), dict(node.signer.state)


def put_back(node: SimNode, copy: Any, *, journal: bool = True) -> None:
    """Bring a machine back as it was; with `journal` False only its store."""
    node.role = None
    contents, state = copy
    fresh = type(node.store)(lambda: False)
    for table, values in contents.items():
        fresh.transact(lambda w, t=table, v=values: [w.put(t, k, x) for k, x in v.items()])
    node.store = fresh
    if journal:
        node.signer.state = dict(state)


def root(world: World, code: str, at: str, size: int) -> bytes:
    return tree.root_at(world.nodes[at].store, log_key(code), size)


def one_log_everywhere(world: World) -> None:
    for code in [CENTRE, *CODES]:
        size = min(log.size(n.store, log_key(code)) for n in world.nodes.values())
        assert len({root(world, code, at, size) for at in world.nodes}) == 1
        assert all(stored(node.store, code) == [] for node in world.nodes.values())


def test_an_old_snapshot_of_the_whole_machine_takes_back_its_log_and_goes_on() -> None:
    world = recorded(quiet(), "A1", "A2")
    node = world.nodes[SICHUAN]
    old = snapshot(node)
    recorded(world, "A3", "A4", "A5")
    size = log.size(node.store, log_key(SICHUAN))
    before = root(world, SICHUAN, SICHUAN, size)
    put_back(node, old)
    assert log.size(node.store, log_key(SICHUAN)) < size
    world.start(SICHUAN)
    with pytest.raises(LockedError):  # nothing is recorded on top of the old copy
        world.ask(SICHUAN, "import", rows=[case_row(setl_id="X1")])
    settled(world, 60_000)
    assert root(world, SICHUAN, SICHUAN, size) == before
    assert kinds(world, SICHUAN)[size] == "Restore"
    recorded(world, "A6")
    one_log_everywhere(world)


def test_an_empty_store_is_filled_again_by_recover_and_not_by_run() -> None:
    world = recorded(quiet(), "A1", "A2", "A3")
    node = world.nodes[SICHUAN]
    size = log.size(node.store, log_key(SICHUAN))
    before = root(world, SICHUAN, SICHUAN, size)
    put_back(node, ({}, {}), journal=False)
    with pytest.raises(RewoundError):
        world._role(node)
    node.life += 1
    node.role = Province(
        SICHUAN, world.founding, node.keys, node.store, node.signer, node.vault,
        frozenset({"accept", "attest"}), world.random.randbytes, recover=True,
    )  # fmt: skip
    world.later(0, lambda: world._give(SICHUAN, [Started()]))
    settled(world, 120_000)
    assert root(world, SICHUAN, SICHUAN, size) == before
    assert kinds(world, SICHUAN)[size] == "Restore"
    recorded(world, "A4")
    one_log_everywhere(world)


def test_too_few_answers_keep_it_locked_and_enough_open_it() -> None:
    world = recorded(quiet(), "A1")
    world.faults.cut = {(other, SICHUAN) for other in (CENTRE, TIBET)}
    world.crash(SICHUAN)
    settled(world, 60_000)
    with pytest.raises(LockedError, match="1 of 2"):
        world.ask(SICHUAN, "import", rows=[case_row(setl_id="A2")])
    world.faults.cut.clear()
    recorded(settled(world, 60_000), "A2")
    one_log_everywhere(world)


def test_all_nodes_starting_at_once_come_back() -> None:
    world = recorded(quiet(), "A1")
    for code in [CENTRE, *CODES]:
        world.crash(code)
    recorded(settled(world, 60_000), "A2")
    assert all(node.role is not None and node.role.lock.open for node in world.nodes.values())


def test_a_witness_that_has_just_started_signs_nothing() -> None:
    world = recorded(quiet(), "A1")
    world.faults.cut = {(other, QINGHAI) for other in (CENTRE, TIBET, SICHUAN)}
    world.crash(QINGHAI)
    settled(world, 20_000)
    signer = world.nodes[QINGHAI].signer
    seen = dict(signer.state)
    world.faults.cut = {(other, QINGHAI) for other in (CENTRE, TIBET)}
    recorded(world, "A2")  # Sichuan offers its new head; one answer is not enough
    assert signer.state == seen


def test_a_restart_of_a_node_that_is_up_to_date_writes_nothing() -> None:
    world = recorded(quiet(), "A1")
    before = kinds(world, SICHUAN)
    world.crash(SICHUAN)
    settled(world, 60_000)
    assert kinds(world, SICHUAN) == before


@pytest.mark.parametrize("months_ago", range(1, 6))
def test_however_old_the_copy_is_no_two_faces_come_of_it(months_ago: int) -> None:
    world = quiet(seed=months_ago)
    copies = []
    for number in range(6):
        copies.append(snapshot(world.nodes[SICHUAN]))
        recorded(world, *[f"M{number}-{n}" for n in range(3)])
    put_back(world.nodes[SICHUAN], copies[-months_ago])
    world.start(SICHUAN)
    world.order(SICHUAN, "import", rows=[case_row(setl_id="X1")])
    settled(world, 60_000)
    recorded(world, "X2")
    one_log_everywhere(world)


def test_the_turn_with_the_last_answer_opens_the_lock() -> None:
    # Nothing else may happen for a long time after it.
    world = recorded(quiet(), "A1")
    node = world.nodes[SICHUAN]
    node.role = world._role(node)
    role = node.role
    effects = role.handle([Started()], world.now_ms)
    asked = [e for e in effects if isinstance(e, Send) and isinstance(e.message, AskSeen)]
    for send in asked[: role.lock.needed]:
        assert not role.lock.open
        with world.nodes[send.to].store.read() as reader:
            answer = serve(reader, send.message)
        role.handle([Answered(send.slot, send.message, answer)], world.now_ms)
    assert role.lock.open
    assert role.head is not None
