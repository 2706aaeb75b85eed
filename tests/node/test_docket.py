"""A province that shows two faces: convicted on the spot, halted everywhere, until a ruling."""

import pytest
from msgspec.structs import replace

from cli.trust import auditor_policy
from ledger import log
from ledger.entry import make_entry
from ledger.errors import RefusedError
from ledger.evidence import format_evidence, parse_evidence
from ledger.policy import parse_policy
from ledger.table import log_key
from node.addcheckpoint import format_request
from node.docket import halted, stored
from node.effect import Woken
from node.message import Offer, TellEvidence
from node.simulation.world import World
from settlement import state
from settlement.keychain import judge
from settlement.lookup import entry_at
from settlement.party import CENTRE
from settlement.record import Proposal, Report
from tests.network import QINGHAI, SICHUAN, TIBET
from tests.node.test_witness import Author, ask, offer
from tests.node.world import CODES, imported, kinds, quiet, settled

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


# --- a larger head that does not continue what is held -------------------------------------------


def larger_fork(world: World, *, holder: bool) -> tuple[Author, Author]:
    """Show Qinghai one log and, with `holder`, Tibet a longer one that begins otherwise."""
    one, two = Author(world), Author(world)
    assert offer(world, one, 0, one.leaves("A1", "A2", "A3")) == 200
    world.faults.cut |= {(QINGHAI, TIBET), (TIBET, QINGHAI)}
    leaves = two.leaves("A1", "B2", "B3", "B4", "B5")
    if holder:
        answer = ask(world, Offer(format_request(0, [], two.note()), leaves), TIBET)
        assert answer is not None
        assert answer.status == 200
    world.faults.cut -= {(QINGHAI, TIBET), (TIBET, QINGHAI)}
    return one, two


def test_a_longer_log_with_another_beginning_convicts_once_somebody_holds_it(world: World) -> None:
    _, two = larger_fork(world, holder=True)
    assert offer(world, two, 3, [], two.proof(3)) == 422
    settled(world, 60_000)
    for code in (CENTRE, TIBET, QINGHAI):
        found = stored(world.nodes[code].store, SICHUAN)
        assert {item.kind for item in found} == {"rewritten"}
        assert halted(world.nodes[code].store, SICHUAN)
    policy = parse_policy(auditor_policy(world.founding.genesis).encode())
    (evidence,) = stored(world.nodes[QINGHAI].store, SICHUAN)
    assert "does not begin" in judge(evidence, policy).text


def test_a_wrong_proof_of_an_honest_log_convicts_nobody(world: World) -> None:
    author = Author(world)
    assert offer(world, author, 0, author.leaves("A1", "A2", "A3")) == 200
    more = author.leaves("A4", "A5")
    assert offer(world, author, 3, [], [bytes(32)] * 3) == 422
    role = world.nodes[QINGHAI].role
    assert role is not None
    assert SICHUAN in role.docket.doubts
    settled(world, 120_000)
    assert role.docket.doubts == {}  # nobody holds such a log
    assert stored(world.nodes[QINGHAI].store, SICHUAN) == []
    assert offer(world, author, 3, more, author.proof(3)) == 200


def test_who_holds_an_honest_larger_log_ends_the_doubt(world: World) -> None:
    author = Author(world)
    leaves = author.leaves("A1", "A2", "A3")
    assert offer(world, author, 0, leaves) == 200
    more = author.leaves("A4", "A5")
    world.faults.cut |= {(TIBET, QINGHAI)}
    ask(world, Offer(format_request(0, [], author.note()), [*leaves, *more]), TIBET)
    world.faults.cut -= {(TIBET, QINGHAI)}
    assert offer(world, author, 3, [], [bytes(32)] * 3) == 422
    settled(world, 60_000)
    role = world.nodes[QINGHAI].role
    assert role is not None
    assert role.docket.doubts == {}
    assert all(stored(world.nodes[code].store, SICHUAN) == [] for code in OTHERS)


# --- two statements of which one may be made -----------------------------------------------------


def test_a_centre_that_proposes_twice_in_one_log_convicts_itself() -> None:
    world = imported(quiet(frozenset({"accept"})))
    world.ask(CENTRE, "close", month="2017-03")
    settled(world)
    node = world.nodes[CENTRE]
    key = log_key(CENTRE)
    index = kinds(world, CENTRE).index("Proposal")
    proposal = entry_at(node.store, CENTRE, index)[1]
    assert isinstance(proposal, Proposal)
    other = replace(proposal, ruleset_hash=bytes(32))
    size = log.size(node.store, key)
    origin = world.founding.origin(CENTRE)
    leaf = make_entry(
        node.keys.entry, world.founding.network_id, origin, size, 50, 1, other.encode()
    )

    def change(writer: object) -> None:
        log.append(writer, key, [leaf], size)  # type: ignore[arg-type]
        state.apply(writer, world.founding, CENTRE, [leaf])  # type: ignore[arg-type]

    node.store.transact(change)
    world._give(CENTRE, [Woken()])
    settled(world, 120_000)
    policy = parse_policy(auditor_policy(world.founding.genesis).encode())
    for code in CODES:
        (evidence,) = stored(world.nodes[code].store, CENTRE)
        assert evidence.kind == "two-entries"
        assert judge(evidence, policy).origin == origin
        assert halted(world.nodes[code].store, CENTRE)
