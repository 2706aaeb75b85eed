"""Erasing a person: nowhere to be found, and every log still verifies."""

from typing import Any

import pytest

from ledger import encoding
from ledger.errors import FormError, RefusedError
from ledger.table import u64
from node import claimbook, persons
from node.erasure import _sliced
from node.message import (
    BarringNotice,
    ErasureNotice,
    GuestNotice,
)
from node.simulation.world import CrashError, World
from node.vault import (
    BARRED,
    CLAIM,
    GUEST,
    HISTORY,
    INBOX,
    OPEN,
    OWN,
    put_received,
)
from settlement.determination import Cancellation, Determined
from settlement.party import CENTRE
from settlement.person import token_hash
from settlement.recheck import check_store
from settlement.registration import encode_content
from tests.network import QINGHAI, SICHUAN, TIBET, case_row, refund_of
from tests.node.claims import claim_of
from tests.node.register import (
    Once,
    added,
    filed,
    guest,
    paid,
    said,
    told,
    vault_of,
)
from tests.node.world import MONTH, batch, kinds, quiet, settled, until


@pytest.fixture
def world() -> World:
    return quiet()


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


def test_a_province_that_a_registration_has_left_is_rid_of_the_erased_person_too(
    world: World,
) -> None:
    token = added(world)
    name = filed(world, token)["registration_id"]
    settled(world)
    assert traces(world, token, SICHUAN) == [GUEST]
    world.faults.cut.add((QINGHAI, SICHUAN))
    world.ask(QINGHAI, "register_change", registration_id=name, destination="540000")
    world.ask(QINGHAI, "erase", token=token)
    world.faults.cut.clear()
    settled(world, 60_000)
    assert traces(world, token, SICHUAN) == traces(world, token, TIBET) == []


def test_the_reversals_of_a_case_go_with_it(world: World) -> None:
    token = treated(world)
    cleared(world)
    given = {"token": token, "cases": [[SICHUAN, "A2"]], "dry_run": True}
    assert world.ask(QINGHAI, "erase", **given)["cases"] == 2


def test_many_ids_of_one_person_go_in_several_notices() -> None:
    sliced = list(_sliced([], [f"A{n}" for n in range(1_100)], ["B1"]))
    assert [len(notice.setl_ids) for notice in sliced] == [500, 500, 100]
    assert [len(notice.barring_ids) for notice in sliced] == [1, 0, 0]
