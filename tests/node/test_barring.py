"""Barring and restoring, reimbursing by hand, and the directory of institutions."""

import pytest

from ledger.errors import FormError, RefusedError
from node import persons
from node.directory import plan_directory
from node.message import BarringNotice
from node.simulation.world import CrashError, World
from node.vault import BARRED, NOTICE
from settlement import lookup
from settlement.party import CENTRE
from settlement.person import token_commitment
from settlement.record import Barring, Reimbursement
from tests.network import QINGHAI, SICHUAN, TIBET
from tests.node.register import (
    Once,
    added,
    barred,
    paid,
    put,
    said,
    told,
    vault_of,
)
from tests.node.world import batch, kinds, quiet, settled
from tests.registry import HOSPITAL


@pytest.fixture
def world() -> World:
    return quiet()


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
