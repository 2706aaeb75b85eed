"""Notices between provinces: crashes, cut lines, and who may say what."""

import contextlib
from random import Random
from typing import Any

import pytest
from msgspec import structs

from ledger import encoding
from ledger.errors import LedgerError, RefusedError
from ledger.table import u64
from node import notices, persons
from node.effect import Ordered, Reply
from node.message import (
    MAX_NOTICES,
    BarringNotice,
    DeliverNotices,
    ErasureNotice,
    GuestNotice,
)
from node.notices import MAX_BYTES
from node.simulation.world import CrashError, World
from node.vault import NOTICE, PENDING
from settlement.party import CENTRE
from settlement.registration import encode_content
from tests.network import QINGHAI, SICHUAN, TIBET
from tests.node.register import (
    GOOD,
    SALT,
    Once,
    added,
    barred,
    duties_of,
    entry,
    filed,
    guest,
    guest_notice,
    logged,
    persons_state,
    role_of,
    said,
    told,
    vault_of,
)
from tests.node.world import kinds, quiet, settled


@pytest.fixture
def world() -> World:
    return quiet()


# --- crashes and cut lines -----------------------------------------------------------------------


@pytest.mark.parametrize("again", [False, True])
def test_a_crash_between_vault_and_log_is_healed_with_or_without_the_order_again(
    again: bool,
) -> None:
    world = quiet()
    token = added(world)
    settled(world)
    Once(world, 1)  # the vault is written, then the process dies: the log has nothing
    with pytest.raises(CrashError):
        filed(world, token)
    assert kinds(world, QINGHAI) == []
    settled(world)
    if again:
        filed(world, token)
        settled(world)
    assert kinds(world, QINGHAI) == ["Registration"]
    with world.nodes[QINGHAI].vault.store.read() as vault:
        (mine,) = persons.registrations_of(vault, token)
    here = guest(world, mine.content.registration_id)
    assert here is not None
    assert persons_state(world, here) == "confirmed"


def test_several_entries_that_a_crash_left_out_are_entered_in_their_order(world: World) -> None:
    name = filed(world, added(world))["registration_id"]
    settled(world)
    with world.nodes[QINGHAI].vault.store.read() as vault:
        first = persons.registration(vault, name)
    assert first is not None
    missing = [
        persons.entry_of(first._replace(revision=revision, status=status))
        for revision, status in [(2, "suspended"), (3, "active"), (4, "terminated")]
    ]

    def change(writer: Any) -> None:
        for number, record in enumerate(missing, 10):
            writer.put(PENDING, u64(number), encoding.pack([record.kind, record.encode()]))
        persons.put_registration(writer, first._replace(revision=4, status="terminated"))

    world.nodes[QINGHAI].vault.store.transact(change)
    world.crash(QINGHAI)
    settled(world, 60_000)
    last = entry(world, name, QINGHAI)
    assert last is not None
    assert (last.revision, last.status) == (4, "terminated")
    assert kinds(world, QINGHAI) == ["Registration"] * 4
    filed(world, added(world))  # the notes go with the next order
    settled(world)
    assert len(vault_of(world, QINGHAI)[PENDING]) == 1


def test_orders_of_a_turn_that_runs_again_are_carried_out_again(world: World) -> None:
    name = filed(world, added(world))["registration_id"]
    settled(world)
    events = [
        Ordered(1, "register_suspend", {"registration_id": name}),
        Ordered(2, "register_resume", {"registration_id": name}),
        Ordered(3, "register_suspend", {"registration_id": "R9"}),  # refused: all of it again
    ]
    effects = role_of(world, QINGHAI).handle(events, world.now_ms)
    values = {e.ticket: e.value for e in effects if isinstance(e, Reply)}
    assert values[1]["status"] == "suspended"
    assert values[2]["status"] == "active"
    assert isinstance(values[3], RefusedError)
    last = entry(world, name, QINGHAI)
    with world.nodes[QINGHAI].vault.store.read() as vault:
        mine = persons.registration(vault, name)
    assert last is not None
    assert mine is not None
    assert (last.status, last.revision) == (mine.status, mine.revision)
    assert persons.entry_of(mine) == last


def test_a_vault_from_an_old_backup_follows_the_log(world: World) -> None:
    name = filed(world, added(world))["registration_id"]
    vault = world.nodes[QINGHAI].vault.store
    with vault.read() as reader:
        old = persons.registration(reader, name)
    world.ask(QINGHAI, "register_suspend", registration_id=name)
    assert old is not None
    vault.transact(lambda writer: persons.put_registration(writer, old))
    assert logged(world, old.content.token) == [old._replace(revision=2, status="suspended")]
    assert world.ask(QINGHAI, "register_suspend", registration_id=name)["revision"] == 2
    with vault.read() as reader:
        assert persons.registration(reader, name) == old._replace(revision=2, status="suspended")
    assert world.ask(QINGHAI, "register_resume", registration_id=name)["revision"] == 3
    assert kinds(world, QINGHAI) == ["Registration"] * 3


def test_a_claim_rests_on_what_the_log_bears_out(world: World) -> None:
    token = added(world)
    name = filed(world, token)["registration_id"]
    (mine,) = logged(world, token)
    vault = world.nodes[QINGHAI].vault.store
    for other in (
        mine._replace(content=structs.replace(mine.content, ends="2030-01-01")),
        mine._replace(revision=2),  # an entry that is not in the log
        mine._replace(salt=bytes(32)),
    ):
        vault.transact(lambda writer, other=other: persons.put_registration(writer, other))
        assert logged(world, token) == []
    vault.transact(lambda writer: persons.put_registration(writer, mine))
    world.ask(QINGHAI, "register_terminate", registration_id=name)
    assert [f.status for f in logged(world, token)] == ["terminated"]


def test_notices_survive_a_crash_and_a_cut_line(world: World) -> None:
    world.faults.cut |= {(QINGHAI, SICHUAN), (SICHUAN, QINGHAI)}
    token = added(world)
    names = [filed(world, token, begins=f"2017-01-0{n}")["registration_id"] for n in (1, 2, 3)]
    world.ask(QINGHAI, "register_terminate", registration_id=names[0])
    settled(world, 60_000)
    assert guest(world, names[0]) is None
    assert "notify" in duties_of(world, QINGHAI)
    world.crash(QINGHAI)
    settled(world, 60_000)
    world.faults.cut.clear()
    settled(world, 120_000)
    found = [guest(world, name) for name in names]
    assert [g and g.status for g in found] == ["terminated", "active", "active"]
    assert "notify" not in duties_of(world, QINGHAI)
    assert len(vault_of(world, QINGHAI)[NOTICE]) == 1  # the number that comes next


def test_a_lost_answer_is_a_repeated_message_and_changes_nothing(world: World) -> None:
    world.faults.cut.add((SICHUAN, QINGHAI))  # Sichuan hears, its answers are lost
    name = filed(world, added(world))["registration_id"]
    settled(world, 60_000)
    first = guest(world, name)
    assert first is not None
    assert vault_of(world, QINGHAI)[NOTICE].keys() > {b"next" + SICHUAN.encode()}
    world.faults.cut.clear()
    settled(world, 120_000)
    assert guest(world, name) == first
    assert vault_of(world, QINGHAI)[NOTICE].keys() == {b"next" + SICHUAN.encode()}


def test_many_notices_go_in_messages_of_bounded_size(world: World) -> None:
    vault = world.nodes[QINGHAI].vault.store
    notice = GuestNotice("R1", 1, "active", bytes(4_000), bytes(32))

    def change(writer: Any) -> None:
        for _ in range(MAX_NOTICES + 100):
            notices.put(writer, TIBET, notice)
        for number in range(MAX_NOTICES + 100):
            notices.put(writer, SICHUAN, ErasureNotice([f"R{number}"], [], []))

    vault.transact(change)
    with vault.read() as reader:
        assert notices.waiting(reader) == {SICHUAN, TIBET}
        by_count = [n for _, n in notices.next_ones(reader, SICHUAN)]
        by_size = [n for _, n in notices.next_ones(reader, TIBET)]
    assert [n.registration_ids for n in by_count if isinstance(n, ErasureNotice)] == [
        [f"R{n}"] for n in range(MAX_NOTICES)
    ]
    sizes = [len(n.content) for n in by_size if isinstance(n, GuestNotice)]
    assert 0.95 * MAX_BYTES < sum(sizes) <= MAX_BYTES


def test_a_number_in_the_outbox_is_given_once(world: World) -> None:
    vault = world.nodes[QINGHAI].vault.store
    notice = ErasureNotice(["R1"], [], [])
    vault.transact(lambda writer: notices.put(writer, SICHUAN, notice))
    with vault.read() as reader:
        ((first, _),) = notices.next_ones(reader, SICHUAN)
    vault.transact(lambda writer: writer.delete(NOTICE, first))
    vault.transact(lambda writer: notices.put(writer, SICHUAN, notice))
    with vault.read() as reader:
        ((second, _),) = notices.next_ones(reader, SICHUAN)
    assert second > first


@pytest.mark.parametrize("seed", range(20))
def test_whatever_breaks_on_the_way_both_provinces_agree_in_the_end(seed: int) -> None:
    world = quiet(seed=seed)
    random = Random(seed)
    tokens = [added(world, psn_no=f"P{n}") for n in range(3)]
    settled(world)
    world.faults.loss, world.faults.duplicate, world.faults.crash = 0.2, 0.3, 0.03
    world.faults.slowest_ms = 4_000
    for _ in range(40):
        act = random.choice(["file", "suspend", "resume", "move", "end", "bar", "restore"])
        with contextlib.suppress(LedgerError, CrashError):
            tried(world, random, act, random.choice(tokens))
        settled(world, random.randint(0, 5_000))
    world.faults.loss = world.faults.duplicate = world.faults.crash = 0
    settled(world, 200_000)
    with world.nodes[QINGHAI].vault.store.read() as vault:
        mine = list(persons.registrations(vault))
    assert mine
    for held in mine:
        name = held.content.registration_id
        assert persons.entry_of(held) == entry(world, name, QINGHAI) == entry(world, name)
        for code in (SICHUAN, TIBET):
            here = guest(world, name, code)
            if held.content.destination[:2] == code[:2]:
                assert here is not None
                assert (here.content, here.status) == (held.content, held.status)
                assert persons_state(world, here, code) == "confirmed"
            else:
                assert here is None or here.content is None
    for token in tokens:
        assert barred(world, token) == barred(world, token, SICHUAN)
    assert all(len(vault_of(world, code)[NOTICE]) <= 2 for code in (QINGHAI, SICHUAN))
    assert all(len(vault_of(world, code)[PENDING]) <= 1 for code in (QINGHAI, SICHUAN))


def tried(world: World, random: Random, act: str, token: str) -> None:
    """Give one order of some kind about a person."""
    with world.nodes[QINGHAI].vault.store.read() as vault:
        names = [f.content.registration_id for f in persons.registrations_of(vault, token)]
    to = random.choice(["510100", "510000", "540100"])
    if act == "file" or (not names and act not in ("bar", "restore")):
        filed(world, token, destination=to, begins=f"2017-01-{random.randint(10, 28)}")
    elif act == "bar":
        world.ask(SICHUAN, "bar", token=token, reason="x")
    elif act == "restore":
        for _, name, _ in barred(world, token, SICHUAN):
            world.ask(SICHUAN, "restore", barring_id=name, reason="x")
    elif act == "move":
        world.ask(QINGHAI, "register_change", registration_id=names[-1], destination=to)
    else:
        verb = {"suspend": "register_suspend", "resume": "register_resume"}.get(act)
        verb = verb or "register_terminate"
        world.ask(QINGHAI, verb, registration_id=names[-1])


# --- who may say what ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sender", "message", "status"),
    [
        (None, told(), 403),
        (CENTRE, told(), 403),
        (SICHUAN, told(), 403),  # to itself
        (TIBET, told([guest_notice()]), 403),  # another's insured
        (QINGHAI, told([guest_notice(destination="540000")]), 403),  # for another province
        (QINGHAI, told([guest_notice()] * (MAX_NOTICES + 1)), 422),
        (QINGHAI, told([GuestNotice("R1", 1, "active", b"x", SALT)]), 422),
        (QINGHAI, told([GuestNotice("R2", 1, "active", encode_content(GOOD), SALT)]), 403),
        (QINGHAI, told([GuestNotice("R1", 1, "active", encode_content(GOOD), b"")]), 403),
        (QINGHAI, told([GuestNotice("R1", 1, "gone", encode_content(GOOD), SALT)]), 403),
        (QINGHAI, told([], [BarringNotice("B1", "barred", GOOD.token, SALT, "x")]), 403),
        (QINGHAI, told([guest_notice()]), 200),
    ],
)
def test_a_province_says_only_what_is_its_own_to_say(
    world: World, sender: str | None, message: DeliverNotices, status: int
) -> None:
    before = vault_of(world, SICHUAN)
    assert said(world, sender, SICHUAN, message).status == status
    assert (vault_of(world, SICHUAN) == before) == (status != 200)


def test_one_wrong_notice_keeps_the_others_out(world: World) -> None:
    wrong = told([guest_notice(), guest_notice(registration_id="R2", destination="540000")])
    assert said(world, QINGHAI, SICHUAN, wrong).status == 403
    assert guest(world, "R1") is None


def test_an_older_revision_never_replaces_a_newer_one(world: World) -> None:
    other = guest_notice(2, begins="2017-01-09")  # the log decides which of the two is false
    for revision, expected in [(2, 2), (1, 2), (2, 2), (4, 4), (3, 4)]:
        notice = guest_notice(revision, begins=f"2017-01-0{revision}")
        assert said(world, QINGHAI, SICHUAN, told([notice])).ok
        here = guest(world, "R1")
        assert here is not None
        assert here.content is not None
        assert (here.revision, here.content.begins) == (expected, f"2017-01-0{expected}")
        assert said(world, QINGHAI, SICHUAN, told([other])).ok
        assert guest(world, "R1") == here
