"""Persons, registrations, institutions and barrings between nodes, in quiet and in bad worlds."""

import contextlib
from random import Random
from typing import Any

import pytest
from msgspec import structs

from ledger import encoding
from ledger.errors import FormError, LedgerError, RefusedError
from ledger.table import u64
from node import claimbook, notices, persons
from node.directory import plan_directory
from node.duty import duties
from node.effect import Asked, Ordered, Reply
from node.erasure import _sliced
from node.message import (
    MAX_NOTICES,
    Answer,
    BarringNotice,
    DeliverNotices,
    ErasureNotice,
    GuestNotice,
)
from node.notices import MAX_BYTES
from node.province import Province
from node.simulation.world import CrashError, World
from node.vault import (
    BARRED,
    CLAIM,
    HISTORY,
    INBOX,
    NOTICE,
    OPEN,
    OWN,
    PENDING,
    STATEMENT,
    TABLES,
    put_received,
)
from settlement import lookup
from settlement.determination import Cancellation, Determined
from settlement.party import CENTRE
from settlement.person import token_commitment, token_hash
from settlement.recheck import check_store
from settlement.record import Barring, Registration, Reimbursement
from settlement.registration import Filed, Switches, commitment, encode_content
from tests.network import QINGHAI, SICHUAN, TIBET, case_row, refund_of
from tests.node.claims import claim_of
from tests.node.world import MONTH, batch, kinds, quiet, settled, until
from tests.registry import HOSPITAL, content, institution, wanted


@pytest.fixture
def world() -> World:
    return quiet()


def role_of(world: World, code: str) -> Province:
    role = world.nodes[code].role
    assert isinstance(role, Province)
    return role


def added(world: World, **changes: Any) -> str:
    return str(world.ask(QINGHAI, "person_add", **wanted(**changes))["token"])


def filed(world: World, token: str, **changes: Any) -> dict[str, Any]:
    wish = {"category": "resettled", "destination": "510100", **changes}
    return dict(world.ask(QINGHAI, "register", token=token, **wish))


def guest(world: World, registration_id: str, code: str = SICHUAN) -> persons.Guest | None:
    with world.nodes[code].vault.store.read() as vault:
        return persons.guest(vault, QINGHAI, registration_id)


def entry(world: World, registration_id: str, code: str = SICHUAN) -> Registration | None:
    store = world.nodes[code].store
    found = lookup.latest_revision(store, QINGHAI, Registration, registration_id)
    assert found is None or isinstance(found, Registration)
    return found


def said(world: World, sender: str | None, to: str, message: DeliverNotices) -> Answer:
    """Return what a node answers to a message that another one is known to have sent."""
    role = role_of(world, to)
    effects = role.handle([Asked(1, sender, message)], world.now_ms)
    return next(e.value for e in effects if getattr(e, "ticket", None) == 1)  # type: ignore[union-attr]


def told(
    guests: list[GuestNotice] | None = None,
    barrings: list[BarringNotice] | None = None,
    erasures: list[ErasureNotice] | None = None,
) -> DeliverNotices:
    return DeliverNotices(guests or [], barrings or [], erasures or [])


# --- persons -------------------------------------------------------------------------------------


def test_the_same_person_has_one_token_and_another_content_is_refused(world: World) -> None:
    first = world.ask(QINGHAI, "person_add", **wanted())
    again = world.ask(QINGHAI, "person_add", **wanted())
    assert first["new"]
    assert again == {"token": first["token"], "new": False}
    assert first["token"].startswith("630100-")
    with pytest.raises(RefusedError) as error:
        added(world, name="李四")
    assert error.value.code == "DUPLICATE"
    assert added(world, psn_no="P2") != first["token"]
    assert kinds(world, QINGHAI) == []  # the log says nothing of persons


def test_a_person_who_was_changed_since_is_still_the_same(world: World) -> None:
    token = added(world)
    changed = world.ask(QINGHAI, "person_change", token=token, lock="ARREARS", flags=["veteran"])
    assert (changed["lock"], changed["flags"], changed["changed"]) == ("ARREARS", ["veteran"], True)
    assert added(world) == token
    unlocked = world.ask(QINGHAI, "person_change", token=token, lock="")
    assert (unlocked["lock"], unlocked["flags"]) == ("", ["veteran"])


def test_a_credit_is_booked_once(world: World) -> None:
    token = added(world)
    credit = {"token": token, "credit_fen": 1_000, "reference": "2017-03"}
    assert world.ask(QINGHAI, "person_change", **credit)["account_fen"] == 51_000
    assert world.ask(QINGHAI, "person_change", **credit)["account_fen"] == 51_000
    for wrong, code in [
        ({**credit, "credit_fen": 5}, "DUPLICATE"),
        ({"token": token, "credit_fen": -51_001, "reference": "X"}, "SIGN"),
        ({"token": token, "credit_fen": 5}, "FORM"),
        ({"token": token}, "FORM"),
        ({"token": token, "lock": "no"}, "FORM"),
    ]:
        with pytest.raises((RefusedError, FormError)) as error:
            world.ask(QINGHAI, "person_change", **wrong)
        assert error.value.code == code
    spent = world.ask(
        QINGHAI, "person_change", token=token, credit_fen=-51_000, reference="correction"
    )
    assert spent["account_fen"] == 0


@pytest.mark.parametrize(
    ("verb", "arguments", "code"),
    [
        ("person_add", wanted(insured_area="510100"), "PAIR"),
        ("person_add", wanted(birth="1950-13-01"), "FORM"),
        ("person_add", {**wanted(), "sex": "1"}, "ARGUMENTS"),
        ("person_change", {"token": "630100-" + "A" * 26, "lock": ""}, "PERSON_UNKNOWN"),
        ("person_change", {"token": "nobody", "lock": ""}, "FORM"),
        ("register_suspend", {"registration_id": "R9"}, "REGISTRATION_UNKNOWN"),
        ("register_change", {"registration_id": "R9", "ends": ""}, "REGISTRATION_UNKNOWN"),
        ("register_change", {"registration_id": "R9", "token": "x"}, "FORM"),
        ("register_change", {"registration_id": "R9"}, "FORM"),
        ("restore", {"barring_id": "B9", "reason": "x"}, "BARRING_UNKNOWN"),
        ("bar", {"token": "630100-" + "A" * 26, "reason": "x"}, "PAIR"),
        ("bar", {"token": "510100-" + "A" * 26, "reason": ""}, "FORM"),
        ("institution_resume", {"code": HOSPITAL}, "INSTITUTION_UNKNOWN"),
        ("institutions_put", {"rows": [{}]}, "FORM"),
        ("institutions_put", {"rows": [{}] * 501}, "FORM"),
        ("erase", {"token": "630100-" + "A" * 26}, "PERSON_UNKNOWN"),
    ],
)
def test_orders_that_make_no_sense_are_refused_and_change_nothing(
    world: World, verb: str, arguments: dict[str, Any], code: str
) -> None:
    before = vault_of(world, QINGHAI)
    with pytest.raises((RefusedError, FormError)) as error:
        world.ask(QINGHAI, verb, **arguments)
    assert error.value.code == code
    assert vault_of(world, QINGHAI) == before
    assert kinds(world, QINGHAI) == []


def test_the_centre_keeps_no_register(world: World) -> None:
    with pytest.raises(RefusedError) as error:
        world.ask(CENTRE, "person_add", **wanted())
    assert error.value.code == "VERB"
    assert said(world, SICHUAN, QINGHAI, told()).ok
    centre = world.nodes[CENTRE].role
    assert centre is not None
    effects = centre.handle([Asked(1, SICHUAN, told())], world.now_ms)
    assert Answer(404) in [getattr(e, "value", None) for e in effects]


def test_a_dry_run_leaves_nothing(world: World) -> None:
    token = added(world)
    registration = filed(world, token)["registration_id"]
    settled(world)
    before, size = vault_of(world, QINGHAI), len(kinds(world, QINGHAI))
    for verb, arguments in [
        ("person_add", wanted(psn_no="P2")),
        ("person_change", {"token": token, "lock": "ARREARS"}),
        ("register", {"token": token, "category": "stationed", "destination": "540000"}),
        ("register_change", {"registration_id": registration, "ends": "2030-01-01"}),
        ("register_suspend", {"registration_id": registration}),
        ("register_terminate", {"registration_id": registration}),
        ("reimburse", paid(token)),
        ("bar", {"token": "510100-" + "A" * 26, "reason": "lent the card"}),
        ("erase", {"token": token}),
    ]:
        assert world.ask(QINGHAI, verb, dry_run=True, **arguments)
    assert (vault_of(world, QINGHAI), len(kinds(world, QINGHAI))) == (before, size)


def vault_of(world: World, code: str) -> dict[str, dict[bytes, bytes]]:
    """Return everything a node's vault holds, opened."""
    with world.nodes[code].vault.store.read() as vault:
        return {table: dict(vault.scan(table, b"", b"\xff" * 80)) for table in TABLES}


# --- registrations -------------------------------------------------------------------------------


def test_a_registration_reaches_its_province_and_no_other(world: World) -> None:
    token = added(world)
    made = filed(world, token)
    assert (made["revision"], made["status"], made["begins"], made["ends"]) == (
        1, "active", "2017-07-14", "",
    )  # fmt: skip
    settled(world)
    here = guest(world, made["registration_id"])
    assert here is not None
    assert here.content is not None
    assert here.content.token == token
    record = entry(world, made["registration_id"])
    assert record is not None
    assert commitment(encode_content(here.content), here.salt) == record.commitment
    assert guest(world, made["registration_id"], TIBET) is None
    empty = {table: rows for table, rows in vault_of(world, TIBET).items() if table != STATEMENT}
    assert all(not rows for rows in empty.values())
    assert vault_of(world, QINGHAI)[NOTICE].keys() == {b"next" + SICHUAN.encode()}


def test_every_change_of_a_registration_reaches_its_province(world: World) -> None:
    name = filed(world, added(world))["registration_id"]
    for revision, (verb, changes, status) in enumerate(
        [
            ("register_suspend", {}, "suspended"),
            ("register_resume", {}, "active"),
            ("register_change", {"institutions": [HOSPITAL]}, "active"),
            ("register_terminate", {}, "terminated"),
        ],
        2,
    ):
        value = world.ask(QINGHAI, verb, registration_id=name, **changes)
        assert (value["revision"], value["status"]) == (revision, status)
        again = world.ask(QINGHAI, verb, registration_id=name, **changes)
        assert again == value  # the same answer, no second entry
        settled(world)
        here = guest(world, name)
        assert here is not None
        assert (here.revision, here.status) == (revision, status)
        assert persons_state(world, here) == "confirmed"
    assert kinds(world, QINGHAI) == ["Registration"] * 5
    assert here.content is not None
    assert here.content.institutions == (HOSPITAL,)


def persons_state(world: World, here: persons.Guest, code: str = SICHUAN) -> str:
    return persons.guest_state(world.nodes[code].store, here)


@pytest.mark.parametrize(
    ("states", "verb", "changes"),
    [
        (["register_suspend"], "register_change", {"ends": "2030-01-01"}),
        (["register_terminate"], "register_resume", {}),
        (["register_terminate"], "register_suspend", {}),
        (["register_terminate"], "register_change", {"ends": "2030-01-01"}),
    ],
)
def test_what_has_ended_or_rests_is_not_changed(
    world: World, states: list[str], verb: str, changes: dict[str, str]
) -> None:
    name = filed(world, added(world))["registration_id"]
    for step in states:
        world.ask(QINGHAI, step, registration_id=name)
    with pytest.raises(RefusedError) as error:
        world.ask(QINGHAI, verb, registration_id=name, **changes)
    assert error.value.code == "STATE"


def test_the_same_wish_is_one_registration_until_it_has_ended(world: World) -> None:
    token = added(world)
    first = filed(world, token)
    world.now_ms += 3 * 86_400_000
    assert filed(world, token) == first  # three days later, without a day
    assert filed(world, token, begins="2017-07-15")["registration_id"] != first["registration_id"]
    assert filed(world, token, destination="510000")["index"] == 2
    world.ask(QINGHAI, "register_terminate", registration_id=first["registration_id"])
    assert filed(world, token)["registration_id"] != first["registration_id"]


def test_a_temporary_registration_that_is_over_does_not_stand_in_for_a_new_one(
    world: World,
) -> None:
    token = added(world)
    wish = {"category": "referral", "institutions": [HOSPITAL]}
    old = filed(world, token, begins="2016-01-01", **wish)
    assert old["ends"] == "2016-07-01"
    assert filed(world, token, **wish)["registration_id"] != old["registration_id"]


def test_an_id_that_is_given_is_the_registrations_own(world: World) -> None:
    token, other = added(world), added(world, psn_no="P2")
    made = filed(world, token, registration_id="2017-001")
    assert filed(world, token, registration_id="2017-001") == made
    for wrong in ({"destination": "540000"}, {"begins": "2017-01-01"}):
        with pytest.raises(RefusedError, match="another registration"):
            filed(world, token, registration_id="2017-001", **wrong)
    with pytest.raises(RefusedError, match="another registration"):
        filed(world, other, registration_id="2017-001")


def test_switches_limit_what_is_filed(world: World) -> None:
    token = added(world)
    role_of(world, QINGHAI).switches = Switches(choose_institutions=1, temporary_months=3)
    made = filed(world, token, category="emergency", begins="2017-07-01")
    assert made["ends"] == "2017-10-01"
    with pytest.raises(FormError, match="at most 1"):
        filed(world, token, institutions=[HOSPITAL, "H51010000002"])


def test_an_institution_that_nobody_has_listed_is_pointed_out(world: World) -> None:
    token = added(world)
    assert filed(world, token, institutions=[HOSPITAL])["unlisted"] == [HOSPITAL]
    put(world)
    settled(world)
    assert filed(world, token, institutions=[HOSPITAL])["unlisted"] == []


def test_a_registration_within_the_province_stays_there(world: World) -> None:
    made = filed(world, added(world), destination="632800")
    settled(world)
    assert entry(world, made["registration_id"]) is not None
    assert vault_of(world, QINGHAI)[NOTICE] == {}


def test_a_registration_that_moves_to_another_province_is_gone_from_the_first(
    world: World,
) -> None:
    name = filed(world, added(world))["registration_id"]
    settled(world)
    world.ask(QINGHAI, "register_change", registration_id=name, destination="540000")
    settled(world)
    moved, left = guest(world, name, TIBET), guest(world, name)
    assert moved is not None
    assert (moved.revision, moved.status) == (2, "active")
    assert left is not None
    assert (left.revision, left.status, left.content) == (2, persons.GONE, None)
    with world.nodes[SICHUAN].vault.store.read() as vault:
        assert list(persons.guests(vault)) == []
    world.ask(QINGHAI, "register_change", registration_id=name, destination="510700")
    settled(world)
    back = guest(world, name)
    assert back is not None
    assert back.content is not None
    assert back.content.destination == "510700"


def test_a_change_of_category_has_its_own_last_day(world: World) -> None:
    name = filed(world, added(world))["registration_id"]
    changed = world.ask(
        QINGHAI, "register_change", registration_id=name, category="other_temporary"
    )
    assert changed["ends"] == "2018-01-14"
    back = world.ask(QINGHAI, "register_change", registration_id=name, category="stationed")
    assert back["ends"] == ""


def test_a_guest_is_waiting_until_the_entry_is_here_and_false_if_it_says_otherwise(
    world: World,
) -> None:
    world.faults.cut |= {(QINGHAI, SICHUAN), (SICHUAN, QINGHAI)}
    token = added(world)
    name = filed(world, token)["registration_id"]
    with world.nodes[QINGHAI].vault.store.read() as vault:
        ((_, notice),) = notices.next_ones(vault, SICHUAN)
    assert isinstance(notice, GuestNotice)
    assert said(world, QINGHAI, SICHUAN, told([notice])).ok
    here = guest(world, name)
    assert here is not None
    assert persons_state(world, here) == "waiting"
    world.faults.cut.clear()
    settled(world, 60_000)
    assert persons_state(world, here) == "confirmed"
    assert persons_state(world, here._replace(salt=bytes(32))) == "false"
    assert persons_state(world, here._replace(status="suspended")) == "false"


# --- crashes and cut lines -----------------------------------------------------------------------


class Once:
    """A process that dies at its n-th durable step from now on."""

    def __init__(self, world: World, step: int) -> None:
        self.left = step
        world._dies = self.dies  # type: ignore[method-assign]
        for node in world.nodes.values():
            node.store._dies = self.dies
            node.vault.store._inner._dies = self.dies  # type: ignore[attr-defined]

    def dies(self) -> bool:
        self.left -= 1
        return self.left == 0


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


def logged(world: World, token: str) -> list[Filed]:
    node = world.nodes[QINGHAI]
    with node.vault.store.read() as vault:
        return persons.registrations_logged(node.store, vault, QINGHAI, token)


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


def duties_of(world: World, code: str) -> list[str]:
    node = world.nodes[code]
    found = duties(node.store, world.founding, code, node.vault)["duties"]
    return [duty["what"] for duty in found]


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

GOOD = content()
SALT = bytes(32)


def guest_notice(revision: int = 1, status: str = "active", **changes: Any) -> GuestNotice:
    made = content(**changes)
    return GuestNotice(made.registration_id, revision, status, encode_content(made), SALT)


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
    for revision, expected in [(2, 2), (1, 2), (2, 2), (4, 4), (3, 4)]:
        notice = guest_notice(revision, begins=f"2017-01-0{revision}")
        assert said(world, QINGHAI, SICHUAN, told([notice])).ok
        here = guest(world, "R1")
        assert here is not None
        assert here.content is not None
        assert (here.revision, here.content.begins) == (expected, f"2017-01-0{expected}")


# --- institutions --------------------------------------------------------------------------------


def test_a_suspended_institution_is_seen_in_the_other_province(world: World) -> None:
    first = put(world)
    assert (first["revision"], first["changed"], first["new"]) == (1, True, True)
    assert put(world)["changed"] is False
    world.ask(SICHUAN, "institution_suspend", code=HOSPITAL, reason="overcharging")
    settled(world)
    seen = lookup.institution(world.nodes[QINGHAI].store, SICHUAN, HOSPITAL)
    assert seen is not None
    assert (seen.state, seen.reason, seen.revision) == ("suspended", "overcharging", 2)
    again = world.ask(SICHUAN, "institution_suspend", code=HOSPITAL, reason="overcharging")
    assert not again["changed"]
    assert world.ask(SICHUAN, "institution_resume", code=HOSPITAL)["revision"] == 3
    assert kinds(world, SICHUAN) == ["Institution"] * 3
    with pytest.raises(FormError, match="area of 510000"):
        put(world, area="540102")


def test_a_file_of_institutions_is_planned_against_the_log(world: World) -> None:
    put(world)
    put(world, code="H51010000002", name="旧名")
    rows = [
        "code,name,level,area,services,state,reason",
        f"{HOSPITAL},成都第一医院,3,510104,outpatient|inpatient,open,",
        "H51010000002,新名,3,510104,inpatient,open,",
        "H51010000003,成都第三医院,3,510104,inpatient,suspended,超标收费",
        "H51010000003,成都第三医院,3,510104,inpatient,suspended,超标收费",
    ]
    store = world.nodes[SICHUAN].store
    for encoding_ in ("utf-8", "utf-8-sig", "gb18030"):
        plan = plan_directory(store, SICHUAN, ("\n".join(rows) + "\n").encode(encoding_))
        report = plan.report()
        assert (report["new"], report["changed"], report["known"], report["faults"]) == (
            1,
            1,
            2,
            [],
        )
    assert world.ask(SICHUAN, "institutions_put", rows=plan.rows)["entered"] == 2
    assert plan_directory(store, SICHUAN, ("\n".join(rows) + "\n").encode()).rows == []
    named = lookup.institution(store, SICHUAN, "H51010000002")
    assert named is not None
    assert (named.name, named.revision) == ("新名", 2)


def test_a_file_with_faults_names_them_all_and_plans_nothing(world: World) -> None:
    rows = [
        "code,name,level,area,services,state,reason",
        f"{HOSPITAL},医院,9,540102,inpatient,open,",
        "H51010000002,甲,3,510104,inpatient,open,",
        "H51010000002,乙,3,510104,inpatient,open,",
        "H51010000003,医院,3,510104,inpatient,open",
    ]
    plan = plan_directory(world.nodes[SICHUAN].store, SICHUAN, "\n".join(rows).encode())
    found = [(f.line, f.column, f.code) for f in plan.faults]
    assert found == [
        (2, "area", "AREA"), (2, "level", "LEVEL"), (4, "code", "TWICE"), (5, "", "FIELDS"),
        (5, "", "TRUNCATED"),
    ]  # fmt: skip
    assert plan.rows == []
    assert plan.report()["new"] == 0


# --- persons who are barred ----------------------------------------------------------------------


def barred(world: World, token: str, code: str = QINGHAI) -> list[tuple[str, str, str]]:
    with world.nodes[code].vault.store.read() as vault:
        return persons.barred(vault, token)


def test_a_barring_reaches_the_insured_province_and_so_does_its_end(world: World) -> None:
    token = added(world)
    first = world.ask(SICHUAN, "bar", token=token, reason="lent the card")
    assert world.ask(SICHUAN, "bar", token=token, reason="lent the card") == first
    settled(world)
    name = first["barring_id"]
    assert barred(world, token) == [(SICHUAN, name, "lent the card")]
    with world.nodes[QINGHAI].vault.store.read() as vault:
        (row,) = persons.barrings(vault, token)
    record = lookup.barring(world.nodes[QINGHAI].store, SICHUAN, name)
    assert isinstance(record, Barring)
    assert record.commitment == token_commitment(token, row.salt)
    assert token.encode() not in record.encode()
    for _ in range(2):
        value = world.ask(SICHUAN, "restore", barring_id=name, reason="three months are over")
        assert value["state"] == "restored"
    settled(world)
    assert barred(world, token) == []
    assert kinds(world, SICHUAN) == ["Barring", "Barring"]
    late = BarringNotice(name, "barred", token, row.salt, "lent the card")
    assert said(world, SICHUAN, QINGHAI, told([], [late])).ok
    assert barred(world, token) == []  # what was taken back stays taken back
    assert world.ask(SICHUAN, "bar", token=token, reason="again")["barring_id"] != name


def test_two_provinces_bar_for_themselves(world: World) -> None:
    token = added(world)
    world.ask(SICHUAN, "bar", token=token, reason="a", barring_id="B1")
    world.ask(TIBET, "bar", token=token, reason="b", barring_id="B1")
    settled(world)
    assert barred(world, token) == [(SICHUAN, "B1", "a"), (TIBET, "B1", "b")]
    world.ask(SICHUAN, "restore", barring_id="B1", reason="over")
    settled(world)
    assert barred(world, token) == [(TIBET, "B1", "b")]


def test_a_barring_of_nobody_who_is_insured_here_is_not_kept(world: World) -> None:
    stranger = "630100-" + "A" * 26
    world.ask(SICHUAN, "bar", token=stranger, reason="x")
    settled(world)
    assert vault_of(world, QINGHAI)[BARRED] == {}
    assert vault_of(world, SICHUAN)[NOTICE].keys() == {b"next" + QINGHAI.encode()}


@pytest.mark.parametrize("verb", ["bar", "restore"])
def test_a_crash_between_vault_and_log_is_healed_for_barrings_too(verb: str) -> None:
    world = quiet()
    token = added(world)
    if verb == "restore":
        world.ask(SICHUAN, "bar", token=token, reason="x", barring_id="B1")
    settled(world)
    Once(world, 1)
    given = {"barring_id": "B1", "reason": "x", **({"token": token} if verb == "bar" else {})}
    with pytest.raises(CrashError):
        world.ask(SICHUAN, verb, **given)
    settled(world, 60_000)
    states = ["barred"] if verb == "bar" else []
    assert [name for _, name, _ in barred(world, token)] == ["B1"] * len(states)
    assert kinds(world, SICHUAN) == ["Barring"] * (1 if verb == "bar" else 2)


# --- manual reimbursement ------------------------------------------------------------------------


def test_a_reimbursement_is_recorded_once_and_owes_nobody_anything(world: World) -> None:
    token = added(world)
    first = world.ask(QINGHAI, "reimburse", **paid(token))
    world.now_ms += 40 * 86_400_000
    assert world.ask(QINGHAI, "reimburse", **paid(token)) == first
    assert (first["month"], first["paid_fen"]) == ("2017-07", 1_000)
    for wrong in ({"bill_fen": 6_000}, {"lines": {"employee": 999}}):
        with pytest.raises(RefusedError) as error:
            world.ask(QINGHAI, "reimburse", **paid(token, **wrong))
        assert error.value.code == "DUPLICATE"
    with pytest.raises(RefusedError) as error:
        world.ask(QINGHAI, "reimburse", **paid(added(world, psn_no="P2")))
    assert error.value.code == "DUPLICATE"
    assert kinds(world, QINGHAI) == ["Reimbursement"]
    record = lookup.entry_at(world.nodes[QINGHAI].store, QINGHAI, 0)[1]
    assert isinstance(record, Reimbursement)
    assert world.ask(CENTRE, "close", month="2017-07")["index"]
    settled(world)
    assert set(batch(world, month="2017-07").proposal.nets[0].__struct_fields__) == {"code", "fen"}
    assert all(net.fen == 0 for net in batch(world, month="2017-07").proposal.nets)


# --- erasing -------------------------------------------------------------------------------------


def treated(world: World) -> str:
    """Return a person with a registration, a barring, a reimbursement and two cases in Sichuan."""
    token = added(world)
    name = filed(world, token)["registration_id"]
    filed(world, token, category="referral", destination="540000", institutions=["H54010000001"])
    world.ask(QINGHAI, "register_suspend", registration_id=name)
    world.ask(QINGHAI, "reimburse", **paid(token))
    world.ask(QINGHAI, "person_change", token=token, credit_fen=5, reference="X")
    bar = world.ask(SICHUAN, "bar", token=token, reason="lent the card")
    world.ask(SICHUAN, "restore", barring_id=bar["barring_id"], reason="over")
    rows = [case_row(setl_id="A1"), case_row(setl_id="A2"), refund_of(case_row(setl_id="A2"))]
    others = [case_row(setl_id="O1", psn_no="P9")]
    world.ask(SICHUAN, "import", rows=[*rows, *others])

    own = world.nodes[SICHUAN].vault.own("A1")
    assert own is not None
    found = Determined(own.case, own.salt, bytes(32), 0, bytes(64), [], [])
    item = claimbook.Decision(bytes(32), token, "310", "2017", [], found)

    def decided(writer: Any) -> None:  # what settling at once leaves here
        claimbook.decide(writer, SICHUAN, "A1", item)
        put_received(writer, SICHUAN, own)

    world.nodes[QINGHAI].vault.store.transact(decided)
    wish = Cancellation("A1", "A1R", "2017-03-06T10:00:00+08:00", False)
    held = claimbook.Held("cancelled", bytes(32), claim_of(token, "A1"), None, wish)
    world.nodes[SICHUAN].vault.store.transact(lambda writer: claimbook.hold(writer, held))
    return token


def cleared(world: World) -> None:
    settled(world)
    world.ask(CENTRE, "close", month=MONTH)
    until(world, lambda: batch(world).state == "CONFIRMED")
    settled(world)


def traces(world: World, token: str, code: str) -> list[str]:
    """Return the tables of a vault in which the person can still be found."""
    marks = [token.encode(), token_hash(token), b"P1", "张三".encode()]
    return sorted(
        {
            table
            for table, rows in vault_of(world, code).items()
            for key, value in rows.items()
            if any(mark in key or mark in value for mark in marks)
        }
    )


def test_an_erased_person_is_nowhere_and_the_logs_still_verify(world: World) -> None:
    token = treated(world)
    cleared(world)
    assert traces(world, token, QINGHAI)
    assert traces(world, token, SICHUAN)
    value = world.ask(QINGHAI, "erase", token=token)
    assert (value["registrations"], value["ended"], value["cases"]) == (2, 2, 3)
    assert value["told"] == [SICHUAN, TIBET]
    settled(world)
    for code in (QINGHAI, SICHUAN, TIBET):
        assert traces(world, token, code) == [], code
        assert check_store(world.nodes[code].store, world.founding) == []
    assert world.nodes[SICHUAN].vault.own("O1") is not None  # other people's files stay
    assert world.nodes[QINGHAI].vault.received(SICHUAN, "O1") is not None
    with pytest.raises(RefusedError) as error:
        world.ask(QINGHAI, "erase", token=token)
    assert error.value.code == "PERSON_UNKNOWN"
    assert batch(world, QINGHAI).state == "CONFIRMED"
    assert added(world) != token  # and may come back as somebody new


def test_what_comes_late_does_not_bring_an_erased_person_back(world: World) -> None:
    token = treated(world)
    cleared(world)
    with world.nodes[QINGHAI].vault.store.read() as vault:
        first = persons.registrations_of(vault, token)[0]
        case = world.nodes[QINGHAI].vault.received(SICHUAN, "A1")
        (row,) = persons.barrings(vault, token)
    assert case is not None
    world.ask(QINGHAI, "erase", token=token)
    settled(world)
    late = GuestNotice(
        first.content.registration_id, 1, "active", encode_content(first.content), first.salt
    )
    assert said(world, QINGHAI, SICHUAN, told([late])).ok
    world.nodes[QINGHAI].vault.receive(SICHUAN, [case])
    barring = BarringNotice(row.barring_id, "barred", token, row.salt, "x")
    assert said(world, SICHUAN, QINGHAI, told([], [barring])).ok
    for code in (QINGHAI, SICHUAN):
        assert traces(world, token, code) == []


@pytest.mark.parametrize("when", ["not accepted", "not cleared", "excepted", "without an entry"])
def test_nobody_is_erased_whose_cases_are_not_through(when: str) -> None:
    world = quiet(frozenset({"attest", "confirm"}))
    token = treated(world)
    settled(world)
    if when == "excepted":
        vault = world.nodes[QINGHAI].vault
        vault.store.transact(lambda writer: writer.delete(INBOX, SICHUAN.encode() + b"A1"))
    if when != "not accepted":
        world.ask(QINGHAI, "accept")
    if when in ("excepted", "without an entry"):
        cleared(world)
    if when == "without an entry":
        world.nodes[QINGHAI].vault.store.transact(
            lambda writer: writer.put(
                HISTORY, token_hash(token) + u64(7), encoding.pack([SICHUAN, "A7"])
            )
        )
    before = vault_of(world, QINGHAI)
    with pytest.raises(RefusedError) as error:
        world.ask(QINGHAI, "erase", token=token)
    assert error.value.code == "OPEN"
    assert vault_of(world, QINGHAI) == before


def test_a_treatment_province_keeps_its_proof_until_it_knows_the_month_is_confirmed() -> None:
    world = quiet()
    token = treated(world)
    settled(world)
    early = told([], [], [ErasureNotice([], ["A1"], [])])
    assert said(world, QINGHAI, SICHUAN, early).status == 503
    assert world.nodes[SICHUAN].vault.own("A1") is not None
    cleared(world)
    assert said(world, TIBET, SICHUAN, early).status == 403  # not its insured
    assert world.nodes[SICHUAN].vault.own("A1") is not None
    assert said(world, QINGHAI, SICHUAN, early).ok
    assert world.nodes[SICHUAN].vault.own("A1") is None
    assert traces(world, token, SICHUAN) != []


def test_what_has_no_entry_is_not_erased_for_another_province(world: World) -> None:
    vault = world.nodes[SICHUAN].vault.store
    vault.transact(lambda writer: [writer.put(t, b"X1", b"x") for t in (OWN, CLAIM, OPEN)])
    erasure = ErasureNotice(["R1"], ["X1"], ["B1"])
    world.ask(SICHUAN, "bar", token="540100-" + "A" * 26, reason="x", barring_id="B1")
    assert said(world, QINGHAI, SICHUAN, told([], [], [erasure])).ok
    found = vault_of(world, SICHUAN)
    assert [found[t].keys() for t in (OWN, CLAIM, OPEN)] == [{b"X1"}] * 3
    assert len(found[BARRED]) == 1


def test_an_erasure_that_meets_a_cut_line_and_a_crash_is_carried_out(world: World) -> None:
    token = treated(world)
    cleared(world)
    world.faults.cut |= {(QINGHAI, SICHUAN), (QINGHAI, TIBET)}
    filed(world, token, destination="510000")  # never told before the person is erased
    Once(world, 1)
    with pytest.raises(CrashError):
        world.ask(QINGHAI, "erase", token=token)
    settled(world, 60_000)
    assert traces(world, token, QINGHAI) == []
    assert traces(world, token, SICHUAN) != []
    world.faults.cut.clear()
    settled(world, 120_000)
    for code in (QINGHAI, SICHUAN, TIBET):
        assert traces(world, token, code) == [], code
    last = [r for r in kinds(world, QINGHAI) if r == "Registration"]
    assert len(last) == 3 + 1 + 3  # filed, suspended once, and all three ended


def test_a_province_that_restored_an_old_vault_is_told_again(world: World) -> None:
    token = treated(world)
    cleared(world)
    before = vault_of(world, SICHUAN)
    other = added(world, psn_no="P2")
    kept = filed(world, other)["registration_id"]
    world.ask(QINGHAI, "erase", token=token)
    settled(world)
    restored = world.nodes[SICHUAN].vault.store

    def change(writer: Any) -> None:
        for table, rows in before.items():
            for key, value in rows.items():
                writer.put(table, key, value)

    restored.transact(change)
    assert traces(world, token, SICHUAN)
    value = world.ask(QINGHAI, "erase_again", province=SICHUAN)
    assert value == {"province": SICHUAN, "registrations": 2, "cases": 3, "barrings": 1}
    settled(world)
    assert traces(world, token, SICHUAN) == []
    here = guest(world, kept)
    assert here is not None
    assert here.content is not None
    for wrong in (QINGHAI, CENTRE, "110000"):
        with pytest.raises(FormError):
            world.ask(QINGHAI, "erase_again", province=wrong)
    assert world.ask(QINGHAI, "erase_again", province=SICHUAN, dry_run=True) == value


def test_many_ids_of_one_person_go_in_several_notices() -> None:
    sliced = list(_sliced([], [f"A{n}" for n in range(1_100)], ["B1"]))
    assert [len(notice.setl_ids) for notice in sliced] == [500, 500, 100]
    assert [len(notice.barring_ids) for notice in sliced] == [1, 0, 0]


def put(world: World, **changes: Any) -> dict[str, Any]:
    record = institution(**changes)
    return dict(
        world.ask(
            SICHUAN, "institution_put", code=record.code, name=record.name, level=record.level,
            area=record.area, services=record.services, state=record.state, reason=record.reason,
        )
    )  # fmt: skip


def paid(token: str, **changes: Any) -> dict[str, Any]:
    return {
        "token": token, "reimbursement_id": "M1", "treatment_area": "510104", "clr_type": "21",
        "bill_fen": 5_000, "lines": {"employee": 1_000}, **changes,
    }  # fmt: skip
