"""A province that shows two faces: convicted on the spot, halted everywhere, until a ruling."""

import pytest

from cli.trust import auditor_policy
from ledger import log
from ledger.errors import RefusedError
from ledger.evidence import format_evidence, parse_evidence
from ledger.policy import parse_policy
from ledger.table import log_key
from node.docket import halted, stored
from node.message import TellEvidence
from node.simulation.world import World
from settlement.keychain import judge
from settlement.party import CENTRE
from settlement.record import Report
from tests.network import QINGHAI, SICHUAN, TIBET
from tests.node.test_witness import Author, ask, offer
from tests.node.world import kinds, quiet, settled

OTHERS = (CENTRE, TIBET, QINGHAI)


@pytest.fixture
def world() -> World:
    """Return a world in which Sichuan is cut off, so that the test speaks for it."""
    world = quiet()
    world.faults.cut = {(SICHUAN, other) for other in OTHERS}
    return world


def forked(world: World) -> World:
    """Let Sichuan show Qinghai two logs of one size."""
    one, two = Author(world), Author(world)
    assert offer(world, one, 0, one.leaves("A1", "A2")) == 200
    two.leaves("A1", "B2")
    assert offer(world, two, 2, []) == 422
    return settled(world, 60_000)


def test_the_evidence_reaches_everybody_and_convicts_offline(world: World) -> None:
    forked(world)
    policy = parse_policy(auditor_policy(world.founding.genesis).encode())
    for code in OTHERS:
        (evidence,) = stored(world.nodes[code].store, SICHUAN)
        verdict = judge(parse_evidence(format_evidence(evidence)), policy)
        assert verdict.origin.endswith(SICHUAN)
        assert verdict.kind == "two-heads"
        assert halted(world.nodes[code].store, SICHUAN)
        assert stored(world.nodes[code].store, TIBET) == []


def test_whoever_saw_it_says_so_in_the_own_log(world: World) -> None:
    forked(world)
    assert Report.__name__ in kinds(world, QINGHAI)
    assert Report.__name__ not in kinds(world, TIBET)


def test_a_shorter_head_that_the_longer_log_does_not_begin_with_convicts_too(world: World) -> None:
    one, two = Author(world), Author(world)
    assert offer(world, one, 0, one.leaves("A1", "A2", "A3", "A4", "A5")) == 200
    two.leaves("A1", "A2", "B3")
    assert offer(world, two, 0, []) == 409
    (evidence,) = stored(world.nodes[QINGHAI].store, SICHUAN)
    assert evidence.kind == "rewritten"


def test_an_older_head_of_the_same_log_convicts_nobody(world: World) -> None:
    author = Author(world)
    assert offer(world, author, 0, author.leaves("A1", "A2", "A3")) == 200
    older = Author(world)
    older.leaves("A1", "A2")
    assert offer(world, older, 0, []) == 409
    assert stored(world.nodes[QINGHAI].store, SICHUAN) == []


def test_nothing_more_of_a_halted_log_is_cosigned_or_copied(world: World) -> None:
    forked(world)
    author = Author(world)
    author.leaves("A1", "A2")
    more = author.leaves("A3")
    for code in (QINGHAI, TIBET):
        before = log.size(world.nodes[code].store, log_key(SICHUAN))
        assert offer(world, author, before, more, author.proof(2)) == 403
        assert log.size(world.nodes[code].store, log_key(SICHUAN)) == before


def test_the_halt_survives_a_restart_and_lost_memory(world: World) -> None:
    forked(world)
    world.crash(QINGHAI)
    settled(world)
    assert halted(world.nodes[QINGHAI].store, SICHUAN)
    author = Author(world)
    author.leaves("A1", "A2")
    assert offer(world, author, 2, []) == 403


def test_a_ruling_of_the_centre_lifts_the_halt_once_it_is_cosigned(world: World) -> None:
    forked(world)
    with pytest.raises(RefusedError, match="no evidence"):
        world.ask(CENTRE, "lift", code=TIBET, reason="none")
    world.ask(CENTRE, "lift", code=SICHUAN, reason="restored from an old backup, see minutes")
    settled(world)
    for code in OTHERS:
        assert not halted(world.nodes[code].store, SICHUAN)
        assert len(stored(world.nodes[code].store, SICHUAN)) == 1  # it is lifted, not forgotten
    author = Author(world)
    author.leaves("A1", "A2")
    more = author.leaves("A3")
    assert offer(world, author, 2, more, author.proof(2)) == 200


def test_evidence_that_does_not_convict_is_refused_and_halts_nobody(world: World) -> None:
    forked(world)
    (evidence,) = stored(world.nodes[QINGHAI].store, SICHUAN)
    good = format_evidence(evidence)
    fresh = quiet(seed=2)
    for file in (b"", b"nonsense", good, good.replace(b"two-heads", b"rewritten")):
        answer = ask(fresh, TellEvidence(file))
        assert answer is None or answer.status == 422
        assert not halted(fresh.nodes[QINGHAI].store, SICHUAN)


def test_the_same_evidence_twice_is_kept_once(world: World) -> None:
    forked(world)
    (evidence,) = stored(world.nodes[QINGHAI].store, SICHUAN)
    answer = ask(world, TellEvidence(format_evidence(evidence)))
    assert answer is not None
    assert answer.status == 200
    assert len(stored(world.nodes[QINGHAI].store, SICHUAN)) == 1
