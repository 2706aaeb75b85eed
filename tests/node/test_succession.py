"""Keys over a lifetime: rotations, a frozen log, and the successor that goes on from it."""

from dataclasses import replace
from typing import Any

import pytest

from cli.trust import auditor_policy
from ledger import log, tree
from ledger.errors import LedgerError, RefusedError
from ledger.memory import MemoryStore
from ledger.policy import parse_policy
from ledger.signature import public_key
from ledger.table import log_key
from node import heads
from node.keyring import Keys
from node.lock import LockedError
from node.province import Province
from node.simulation.world import SimNode, SimSigner, SimStore, World
from settlement import lookup, membership
from settlement.membership import approve_admission, approve_freeze
from settlement.party import CENTRE
from settlement.recheck import check_store
from settlement.record import Admission, Freeze, Member
from settlement.roster import PURPOSES
from tests.network import QINGHAI, SICHUAN, TIBET, case_row, seed
from tests.node.world import CODES, batch, imported, kinds, quiet, settled, until

ALL = [CENTRE, *CODES]


def recorded(world: World, *ids: str) -> World:
    world.ask(SICHUAN, "import", rows=[case_row(setl_id=name) for name in ids])
    return settled(world, 60_000)


def restarted(world: World, code: str, keys: Keys, **how: Any) -> SimNode:
    """Stop a node and start it with other secrets."""
    node = world.nodes[code]
    node.role, node.keys = None, keys
    world.crash(code)
    world.start(code)
    return node


def rotated(world: World, code: str, *purposes: str) -> dict[str, bytes]:
    """Let a node rotate keys; return the secrets that follow."""
    following = {p: seed(code, f"second {p}") for p in purposes}
    restarted(world, code, replace(world.nodes[code].keys, following=following))
    settled(world, 60_000)
    return following


def one_log_everywhere(world: World) -> None:
    for code in ALL:
        sizes = {log.size(n.store, log_key(code)) for n in world.nodes.values() if n.role}
        assert len(sizes) == 1
        roots = {
            tree.root_at(n.store, log_key(code), min(sizes)) for n in world.nodes.values() if n.role
        }
        assert len(roots) == 1
        for node in world.nodes.values():
            if node.role:
                assert heads.size_of(node.store, code) == min(sizes)


def roster_of(world: World, at: str) -> Any:
    store = world.nodes[at].store
    return membership.roster_at(store, world.founding, lookup.applied_size(store, CENTRE))


@pytest.mark.parametrize("purposes", [(p,) for p in PURPOSES] + [PURPOSES])
@pytest.mark.parametrize("code", [SICHUAN, CENTRE])
def test_a_rotated_key_is_known_to_all_and_the_old_one_can_go(
    code: str, purposes: tuple[str, ...]
) -> None:
    world = recorded(quiet(), "A1")
    following = rotated(world, code, *purposes)
    assert kinds(world, code).count("Rotation") == len(purposes)
    for at in ALL:
        member = roster_of(world, at).members[code]
        for purpose, secret in following.items():
            assert getattr(member, f"{purpose}_key") == public_key(secret)
    recorded(world, "A2")
    one_log_everywhere(world)
    # The old secrets are gone for good, as after a restart that has retired them.
    restarted(world, code, replace(world.nodes[code].keys, **following, following={}))
    recorded(settled(world, 60_000), "A3")
    one_log_everywhere(world)
    assert kinds(world, code).count("Rotation") == len(purposes)
    for node in world.nodes.values():
        assert check_store(node.store, world.founding) == []


@pytest.mark.parametrize("code", [SICHUAN, CENTRE])
def test_who_slept_through_a_rotation_catches_up(code: str) -> None:
    world = recorded(quiet(), "A1")
    world.nodes[QINGHAI].role = None  # down, without a restart
    following = rotated(world, code, *PURPOSES)
    recorded(world, "A2", "A3")
    restarted(world, code, replace(world.nodes[code].keys, **following, following={}))
    recorded(settled(world, 60_000), "A4")
    world.start(QINGHAI)
    recorded(settled(world, 240_000), "A5")
    settled(world, 120_000)
    one_log_everywhere(world)


def test_entries_of_the_old_key_above_a_rotation_are_void() -> None:
    world = recorded(quiet(), "A1")
    rotated(world, SICHUAN, "entry")
    node = world.nodes[SICHUAN]
    leaves = list(
        log.leaves(node.store, log_key(SICHUAN), 0, log.size(node.store, log_key(SICHUAN)))
    )
    index = kinds(world, SICHUAN).index("Rotation")
    from ledger.entry import decode_entry, make_entry
    from settlement import state

    entry = decode_entry(leaves[0])
    origin = world.founding.origin(SICHUAN)
    forged = make_entry(
        node.keys.entry, world.founding.network_id, origin, index + 1, entry.kind, 1, entry.body
    )
    copy = MemoryStore()

    def change(writer: Any) -> list[str | None]:
        log.append(writer, log_key(SICHUAN), [*leaves[: index + 1], forged], 0)
        return state.apply(writer, world.founding, SICHUAN, [*leaves[: index + 1], forged])

    assert copy.transact(change)[-1] == "SIGNATURE"


def test_a_month_goes_through_rotations_of_everybody() -> None:
    world = imported(quiet())
    for code in ALL:
        rotated(world, code, *PURPOSES)
    settled(world, 120_000)
    world.ask(CENTRE, "close", month="2017-03")
    until(world, lambda: batch(world, CENTRE).confirmation_index is not None)
    one_log_everywhere(settled(world, 60_000))


# --- freeze and succession ------------------------------------------------------------------------


def governor(world: World) -> bytes:
    """Return the one governance seed of a simulated world."""
    return world.governance


def frozen(world: World, code: str) -> Freeze:
    """Freeze the log of `code` at the newest head the centre knows."""
    head = heads.load(world.nodes[CENTRE].store, code)
    assert head is not None
    number = roster_of(world, CENTRE).generation(code).number
    freeze = Freeze(code, number, head.note, "keys were stolen", [])
    approval = approve_freeze(governor(world), world.founding.network_id, freeze)
    signed = Freeze(code, number, head.note, "keys were stolen", [approval])
    world.ask(CENTRE, "freeze", freeze=signed.encode())
    settled(world, 60_000)
    return signed


def succeeded(world: World, code: str, tag: str = "two") -> SimNode:
    """Admit a successor with new keys on an empty machine, and start it."""
    seeds = {p: seed(code, f"{tag} {p}") for p in PURPOSES}
    member = Member(code, *(public_key(seeds[p]) for p in PURPOSES))
    approval = approve_admission(governor(world), world.founding.network_id, member)
    admission = Admission(member, [approval])
    world.ask(CENTRE, "admit", admission=admission.encode())
    old = world.nodes[code]
    old.role = None
    node = world.nodes[code] = SimNode(
        code, Keys(**seeds), SimStore(lambda: False), old.vault, SimSigner(lambda: False)
    )
    node.admission = admission
    node.life = old.life
    world.start(code)
    settled(world, 120_000)
    return node


def test_a_frozen_log_takes_nothing_more_from_its_old_keys() -> None:
    world = recorded(quiet(), "A1", "A2")
    size = log.size(world.nodes[SICHUAN].store, log_key(SICHUAN))
    frozen(world, SICHUAN)
    with pytest.raises(LockedError, match="frozen"):
        world.ask(SICHUAN, "import", rows=[case_row(setl_id="A3")])
    settled(world, 60_000)
    for node in world.nodes.values():
        assert log.size(node.store, log_key(SICHUAN)) == size
        assert roster_of(world, node.code).frozen(SICHUAN)


def test_the_successor_goes_on_from_the_frozen_head_with_the_same_leaves() -> None:
    world = recorded(quiet(), "A1", "A2")
    size = log.size(world.nodes[SICHUAN].store, log_key(SICHUAN))
    root = tree.root_at(world.nodes[SICHUAN].store, log_key(SICHUAN), size)
    frozen(world, SICHUAN)
    node = succeeded(world, SICHUAN)
    assert tree.root_at(node.store, log_key(SICHUAN), size) == root
    assert kinds(world, SICHUAN)[size] == "Continuation"
    recorded(world, "A3")
    assert node.role is not None
    assert node.role.origin.endswith("/510000/2")
    one_log_everywhere(world)
    for other in world.nodes.values():
        assert check_store(other.store, world.founding) == []


def test_what_lies_above_the_freeze_is_cut_off_and_may_be_entered_again() -> None:
    world = recorded(quiet(), "A1", "A2")
    head = heads.load(world.nodes[CENTRE].store, SICHUAN)
    recorded(world, "A3", "A4")
    assert head is not None
    freeze = Freeze(SICHUAN, 1, head.note, "stolen", [])
    approval = approve_freeze(governor(world), world.founding.network_id, freeze)
    order = Freeze(SICHUAN, 1, head.note, "stolen", [approval])
    world.ask(CENTRE, "freeze", freeze=order.encode())
    settled(world, 60_000)
    for code in (CENTRE, TIBET, QINGHAI):
        store = world.nodes[code].store
        assert log.size(store, log_key(SICHUAN)) == head.size
        assert heads.size_of(store, SICHUAN) == head.size
        assert log.stored_end(store, log_key(SICHUAN)) == head.size
        assert check_store(store, world.founding) == []
    succeeded(world, SICHUAN)
    recorded(world, "A3", "A5")
    assert kinds(world, SICHUAN)[-2:] == ["Settlement", "Settlement"]
    one_log_everywhere(world)
    world.ask(CENTRE, "close", month="2017-03")
    until(world, lambda: batch(world, CENTRE).confirmation_index is not None)
    from settlement.batch import result_of

    cleared = result_of(world.nodes[QINGHAI].store, world.founding, "2017-03", 1)
    assert cleared.entries == 4  # A1, A2, and again A3 with A5; A4 was never entered again


def test_a_freeze_needs_governance_a_quorum_head_and_takes_back_nothing_counted() -> None:
    world = imported(quiet())
    early = heads.load(world.nodes[CENTRE].store, SICHUAN)
    assert early is not None
    network = world.founding.network_id
    unsigned = Freeze(SICHUAN, 1, early.note, "x", [])
    stranger = approve_freeze(seed("a", "b"), network, unsigned)
    for bad in (unsigned, Freeze(SICHUAN, 1, early.note, "x", [stranger])):
        with pytest.raises(LedgerError):
            world.ask(CENTRE, "freeze", freeze=bad.encode())
    bare = early.note.split(b"\n\n")[0] + b"\n\n" + early.note.split(b"\n\n")[1].split(b"\n")[0]
    for note, generation in ((bare + b"\n", 1), (early.note, 2)):
        wrong = Freeze(SICHUAN, generation, note, "x", [])
        approval = approve_freeze(governor(world), network, wrong)
        with pytest.raises(LedgerError):
            world.ask(
                CENTRE, "freeze", freeze=Freeze(SICHUAN, generation, note, "x", [approval]).encode()
            )
    world.ask(CENTRE, "close", month="2017-03")
    until(world, lambda: batch(world, CENTRE).confirmation_index is not None)
    settled(world, 60_000)
    approval = approve_freeze(governor(world), network, unsigned)
    late = Freeze(SICHUAN, 1, early.note, "x", [approval])
    with pytest.raises(RefusedError) as refused:  # the attestation that was counted lies above
        world.ask(CENTRE, "freeze", freeze=late.encode())
    assert refused.value.code == "ORDER"


def test_a_month_closes_without_a_frozen_participant() -> None:
    world = imported(quiet(codes=[*CODES, "110000", "120000"]))
    frozen(world, TIBET)
    world.nodes[TIBET].role = None
    world.ask(CENTRE, "close", month="2017-03")
    settled(world, 60_000)
    for code in (SICHUAN, QINGHAI, "110000"):
        world.ask(code, "silence", code=TIBET)
    until(world, lambda: batch(world, CENTRE).confirmation_index is not None)
    assert TIBET in batch(world, CENTRE).missing


def test_a_second_theft_ends_in_a_third_generation() -> None:
    world = recorded(quiet(), "A1")
    frozen(world, SICHUAN)
    succeeded(world, SICHUAN)
    recorded(world, "A2")
    frozen(world, SICHUAN)
    node = succeeded(world, SICHUAN, "three")
    recorded(world, "A3")
    assert node.role is not None
    assert node.role.origin.endswith("/510000/3")
    one_log_everywhere(world)


def test_a_thief_with_the_old_keys_finds_no_witness() -> None:
    world = recorded(quiet(), "A1")
    thief = world.nodes[SICHUAN]
    copy = SimNode(SICHUAN, thief.keys, thief.store, thief.vault, thief.signer)
    frozen(world, SICHUAN)
    succeeded(world, SICHUAN)
    recorded(world, "A2")
    role = Province(
        SICHUAN, world.founding, copy.keys, copy.store, copy.signer, copy.vault,
        frozenset(), world.random.randbytes,
    )  # fmt: skip
    assert role.seated in (True, False)
    from tests.node.test_witness import Author, offer

    author = Author(world)  # signs with the old keys
    author.leaves("A1", "X9")
    assert offer(world, author, 1, []) in (403, 404)
    one_log_everywhere(world)


def test_policies_follow_the_keys() -> None:
    world = recorded(quiet(), "A1")
    rotated(world, CENTRE, "checkpoint")
    recorded(world, "A2")
    old = parse_policy(auditor_policy(world.founding.genesis).encode())
    from cli.trust import log_policy

    new = parse_policy(log_policy(roster_of(world, QINGHAI), CENTRE).encode())
    assert set(old.log_keys(world.founding.origin(CENTRE))) < set(
        new.log_keys(world.founding.origin(CENTRE))
    )
