"""Copies: nothing that contradicts a signed root is kept; an old store is not served."""

from typing import Any

import pytest

from ledger import log, tree
from ledger.errors import RewoundError
from ledger.memory import MemoryStore
from ledger.table import log_key
from node import heads
from node.message import Answer, Pull
from node.serve import serve
from node.simulation.world import World
from settlement.party import CENTRE
from tests.network import QINGHAI, SICHUAN, TIBET, case_row
from tests.node.world import CODES, quiet, settled


def recorded(world: World, count: int = 3) -> World:
    rows = [case_row(setl_id=f"A{n}") for n in range(count)]
    world.ask(SICHUAN, "import", rows=rows)
    return settled(world, 60_000)


def test_every_node_holds_every_log_with_the_same_root() -> None:
    world = recorded(quiet())
    for code in [CENTRE, *CODES]:
        sizes = {log.size(n.store, log_key(code)) for n in world.nodes.values()}
        assert len(sizes) == 1
        (size,) = sizes
        roots = {tree.root_at(n.store, log_key(code), size) for n in world.nodes.values()}
        assert len(roots) == 1
        assert {heads.size_of(n.store, code) for n in world.nodes.values()} == {size}


def test_a_source_that_lies_is_left_for_another_and_nothing_of_it_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = quiet()
    world.crash(QINGHAI, restart_ms=30_000)
    world.ask(SICHUAN, "import", rows=[case_row(setl_id=f"A{n}") for n in range(600)])
    lies = []

    def lying(reader: Any, message: Any) -> Answer:
        answer = serve(reader, message)
        if isinstance(message, Pull) and message.log == SICHUAN and len(lies) < 3:
            lies.append(message)
            return Answer(200, answer.body.replace(b"A17", b"A18"))
        return answer

    monkeypatch.setattr("node.simulation.world.serve", lying)
    settled(world, 200_000)
    assert len(lies) == 3
    held = world.nodes[QINGHAI].store
    assert log.size(held, log_key(SICHUAN)) == 600
    own = world.nodes[SICHUAN].store
    assert tree.root_at(held, log_key(SICHUAN), 600) == tree.root_at(own, log_key(SICHUAN), 600)


@pytest.mark.parametrize("damage", [b"", b"\x00", b"\x92\x90\x90", b"\xff" * 100])
def test_nonsense_instead_of_entries_is_refused(
    monkeypatch: pytest.MonkeyPatch, damage: bytes
) -> None:
    world = quiet()
    world.crash(QINGHAI, restart_ms=30_000)
    world.ask(SICHUAN, "import", rows=[case_row(setl_id=f"A{n}") for n in range(600)])
    answered = []

    def broken(reader: Any, message: Any) -> Answer:
        if isinstance(message, Pull) and not answered:
            answered.append(message)
            return Answer(200, damage)
        return serve(reader, message)

    monkeypatch.setattr("node.simulation.world.serve", broken)
    settled(world, 200_000)
    assert answered
    assert log.size(world.nodes[QINGHAI].store, log_key(SICHUAN)) == 600


def test_a_store_older_than_what_was_signed_from_it_is_not_served() -> None:
    world = recorded(quiet())
    node = world.nodes[SICHUAN]
    node.role = None
    node.store = type(node.store)(lambda: False)
    with pytest.raises(RewoundError, match="was signed"):
        world._role(node)


def test_a_copy_older_than_what_was_cosigned_is_not_served() -> None:
    world = recorded(quiet())
    node = world.nodes[QINGHAI]
    node.role = None
    node.store = type(node.store)(lambda: False)
    with pytest.raises(RewoundError):
        world._role(node)


def test_what_is_served_is_held_and_within_bounds() -> None:
    world = recorded(quiet())
    store = world.nodes[TIBET].store
    assert serve(store, Pull(SICHUAN, 0, 3, 3)).status == 200
    for pull in (Pull(SICHUAN, 0, 4, 4), Pull(SICHUAN, 3, 3, 3), Pull(SICHUAN, 2, 1, 3)):
        assert serve(store, pull).status == 404
    assert serve(MemoryStore(), Pull(SICHUAN, 0, 1, 1)).status == 404
