"""Drafts at a node: what waits for two signatures, what becomes of it, and what survives."""

from dataclasses import replace
from typing import Any

import pytest

from ledger.errors import FormError, RefusedError
from ledger.signature import sign
from node.drafts import MAX_ENDED, MAX_WAITING
from node.duty import duties
from node.province import Province
from node.simulation.world import World
from settlement import approval, lookup
from settlement.party import CENTRE
from settlement.record import Attestation, Confirmation, Paid, Proposal
from tests.network import QINGHAI, SICHUAN, TIBET
from tests.node.operators import (
    ADA,
    BO,
    CUI,
    approve,
    both,
    drafts,
    key_of,
    register,
    reject,
    secret,
)
from tests.node.world import ALL, CODES, MONTH, batch, imported, kinds, quiet, settled


@pytest.fixture
def world() -> World:
    """Return a network that has its month's settlements and two operators at the centre."""
    made = imported(quiet())
    register(made, CENTRE)
    return settled(made)


def restart(world: World, code: str) -> None:
    world.crash(code)
    settled(world)


def refused(code: str, act: Any, *arguments: Any, **named: Any) -> str:
    with pytest.raises(RefusedError) as caught:
        act(*arguments, **named)
    assert caught.value.code == code
    return str(caught.value)


def size(world: World, code: str) -> int:
    return lookup.applied_size(world.nodes[code].store, code)


# --- a month signed by two -----------------------------------------------------------------------


def test_an_order_that_decides_leaves_a_draft_and_two_signatures_enter_it(world: World) -> None:
    before = size(world, CENTRE)
    draft = world.ask(CENTRE, "close", month=MONTH)
    assert (draft["kind"], draft["needed"], draft["signed"]) == ("Proposal", 2, [])
    assert draft["en"].startswith("propose 2017-03 r1: 3 logs")
    assert draft["zh"].startswith("提出 2017-03 第 1 版批次")
    assert size(world, CENTRE) == before
    assert approve(world, CENTRE, draft, ADA)["signed"] == [ADA]
    assert size(world, CENTRE) == before
    value = approve(world, CENTRE, draft, BO)
    assert (value["index"], value["approved_by"]) == (before, [ADA, BO])
    assert (value["month"], value["revision"]) == (MONTH, 1)  # what the order would have answered
    record = lookup.entry_at(world.nodes[CENTRE].store, CENTRE, before)[1]
    assert isinstance(record, Proposal)
    named = approval.approvers(world.nodes[CENTRE].store, CENTRE, record)
    assert sorted(named) == [ADA, BO]
    settled(world)
    assert batch(world, QINGHAI).state == "ATTESTED"
    assert drafts(world, CENTRE, ended=True)[0]["state"] == "entered"


def test_a_whole_month_goes_through_four_eyes_at_every_node() -> None:
    world = imported(quiet())
    register(world, CENTRE, *CODES)
    settled(world)
    both(world, CENTRE, world.ask(CENTRE, "close", month=MONTH))
    settled(world)
    both(world, CENTRE, world.ask(CENTRE, "confirm", month=MONTH))
    settled(world)
    for number, (payer, payee) in enumerate([(QINGHAI, CENTRE), (CENTRE, SICHUAN)], 1):
        given = {"month": MONTH, "leg": number, "reference": f"B{number}", "date": "2017-04-10"}
        for code, verb in ((payer, "paid"), (payee, "received")):
            both(world, code, world.ask(code, verb, **given))
            again = world.ask(code, verb, **given)  # the same order is done
            assert "pending" not in again
            settled(world)
    assert batch(world).state == "FINAL"
    for code in (CENTRE, QINGHAI, SICHUAN):
        assert not drafts(world, code)
    store = world.nodes[TIBET].store
    for kind in (Confirmation, Paid):
        for _, index in lookup.places(store, kind, CENTRE):
            record = lookup.entry_at(store, CENTRE, index)[1]
            assert sorted(approval.approvers(store, CENTRE, record)) == [ADA, BO]


def test_the_centre_makes_the_draft_of_a_confirmation_once_and_waits(world: World) -> None:
    both(world, CENTRE, world.ask(CENTRE, "close", month=MONTH))
    settled(world)
    [draft] = drafts(world, CENTRE)
    assert (draft["kind"], draft["by_node"]) == ("Confirmation", True)
    settled(world, 60_000)
    assert [d["hash"] for d in drafts(world, CENTRE)] == [draft["hash"]]
    assert batch(world).state == "ATTESTED"
    approve(world, CENTRE, draft, BO)
    restart(world, CENTRE)
    [waits] = drafts(world, CENTRE)
    assert waits["signed"] == [BO]
    approve(world, CENTRE, waits, ADA)
    assert batch(world).state == "CONFIRMED"


def test_what_the_node_drew_up_and_people_rejected_it_does_not_draw_up_again(world: World) -> None:
    both(world, CENTRE, world.ask(CENTRE, "close", month=MONTH))
    settled(world)
    [draft] = drafts(world, CENTRE)
    reject(world, CENTRE, draft, ADA, "the minister is away")
    settled(world, 60_000)
    assert drafts(world, CENTRE) == []
    [*_, last] = drafts(world, CENTRE, ended=True)
    assert (last["state"], last["end"]["by"]) == ("rejected", ADA)
    assert last["end"]["reason"] == "the minister is away"
    refused("STATE", approve, world, CENTRE, draft, BO)
    again = world.ask(CENTRE, "confirm", month=MONTH)  # a person may
    both(world, CENTRE, again)
    assert batch(world).state == "CONFIRMED"


# --- who may sign --------------------------------------------------------------------------------


def test_maker_and_checker_are_two_people(world: World) -> None:
    draft = world.ask(CENTRE, "close", month=MONTH)
    approve(world, CENTRE, draft, ADA)
    text = refused("APPROVAL", approve, world, CENTRE, draft, ADA)
    assert "the checker must be somebody else" in text
    assert "not by the key of bo" in refused("APPROVAL", approve, world, CENTRE, draft, BO, key=ADA)
    assert "no active operator" in refused("APPROVAL", approve, world, CENTRE, draft, "eve")
    [waits] = drafts(world, CENTRE)
    assert waits["signed"] == [ADA]


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"hash": "00" * 32}, RefusedError),
        ({"hash": "00"}, FormError),
        ({"hash": 7}, FormError),
        ({"signature": "zz"}, FormError),
        ({"signature": "00" * 64}, RefusedError),
        ({"operator": "张三"}, RefusedError),
        ({"operator": None}, RefusedError),
    ],
)
def test_a_signature_that_is_none_is_refused(
    world: World, given: dict[str, Any], error: type[Exception]
) -> None:
    draft = world.ask(CENTRE, "close", month=MONTH)
    good = {
        "hash": draft["hash"],
        "operator": ADA,
        "signature": sign(secret(CENTRE, ADA), bytes.fromhex(draft["message"])).hex(),
    }
    with pytest.raises(error):
        world.ask(CENTRE, "approve", **{**good, **given})
    assert drafts(world, CENTRE)[0]["signed"] == []
    assert world.ask(CENTRE, "approve", **good)["signed"] == [ADA]


def test_who_is_removed_loses_the_signature_on_what_waits(world: World) -> None:
    register(world, CENTRE, names=(CUI,))
    draft = world.ask(CENTRE, "close", month=MONTH)
    approve(world, CENTRE, draft, CUI)
    both(world, CENTRE, world.ask(CENTRE, "operator", name=CUI, status="removed"))
    waits = next(d for d in drafts(world, CENTRE) if d["hash"] == draft["hash"])
    assert (waits["signed"], waits["lost"]) == ([], [CUI])
    refused("APPROVAL", approve, world, CENTRE, draft, CUI)
    assert "pending" in approve(world, CENTRE, draft, ADA)
    assert "entered" in approve(world, CENTRE, draft, BO)


def test_a_change_of_operators_is_signed_by_two_and_leaves_two(world: World) -> None:
    before = size(world, CENTRE)
    draft = world.ask(CENTRE, "operator", name=CUI, public=key_of(CENTRE, CUI))
    assert draft["kind"] == "Operator"
    assert size(world, CENTRE) == before
    assert both(world, CENTRE, draft)["index"] == before
    same = world.ask(CENTRE, "operator", name=CUI, public=key_of(CENTRE, CUI))
    assert same["index"] == before
    both(world, CENTRE, world.ask(CENTRE, "operator", name=CUI, status="removed"))
    refused("STATE", world.ask, CENTRE, "operator", name=BO, status="removed")
    refused("STATE", world.ask, CENTRE, "operator", name=CUI, status="removed")
    refused("KEY", world.ask, CENTRE, "operator", name="dan", public=key_of(CENTRE, ADA))


def test_with_fewer_than_two_operators_all_is_as_before() -> None:
    world = imported(quiet())
    register(world, CENTRE, names=(ADA,))
    world.ask(CENTRE, "close", month=MONTH)
    settled(world)
    assert batch(world).state == "CONFIRMED"


def test_who_wants_to_sign_may_where_nobody_has_to(world: World) -> None:
    register(world, QINGHAI, names=(ADA,))
    both(world, CENTRE, world.ask(CENTRE, "close", month=MONTH))
    settled(world)
    both(world, CENTRE, world.ask(CENTRE, "confirm", month=MONTH))
    settled(world)
    given = {"month": MONTH, "leg": 1, "reference": "B1", "date": "2017-04-10"}
    draft = world.ask(QINGHAI, "paid", sign=True, **given)
    assert draft["needed"] == 1
    assert approve(world, QINGHAI, draft, ADA)["approved_by"] == [ADA]


# --- what becomes of a draft ---------------------------------------------------------------------


def test_an_order_that_comes_to_another_content_by_now_is_dropped(world: World) -> None:
    draft = world.ask(CENTRE, "close", month=MONTH)
    approve(world, CENTRE, draft, ADA)
    rules = world.ruleset.replace(b'model = "net_hub"', b'model = "net_pair"')
    both(world, CENTRE, world.ask(CENTRE, "ruleset", text=rules))
    before = size(world, CENTRE)
    assert "by now" in refused("CHANGED", approve, world, CENTRE, draft, BO)
    assert size(world, CENTRE) == before
    assert drafts(world, CENTRE) == []
    ended = {d["hash"]: d for d in drafts(world, CENTRE, ended=True)}[draft["hash"]]
    assert (ended["state"], ended["end"]["code"]) == ("refused", "CHANGED")
    restart(world, CENTRE)
    assert "refused" in refused("STATE", approve, world, CENTRE, draft, BO)


def test_what_a_draft_draws_the_line_through_stays_while_logs_grow(world: World) -> None:
    draft = world.ask(CENTRE, "close", month=MONTH)
    register(world, QINGHAI)
    settled(world)
    both(world, CENTRE, draft)
    store = world.nodes[CENTRE].store
    found = lookup.proposal_of(store, MONTH, 1)
    assert found is not None
    cut = {head.code: head.size for head in found[0].cut}
    assert cut[QINGHAI] < size(world, QINGHAI)


def test_what_is_refused_when_it_is_entered_has_ended_and_says_why(world: World) -> None:
    both(world, CENTRE, world.ask(CENTRE, "close", month=MONTH))
    settled(world)
    confirm = world.ask(CENTRE, "confirm", month=MONTH)
    withdraw = world.ask(CENTRE, "withdraw", month=MONTH, reason="a log was late")
    both(world, CENTRE, withdraw)
    approve(world, CENTRE, confirm, ADA)
    refused("STATE", approve, world, CENTRE, confirm, BO)
    ended = {d["hash"]: d for d in drafts(world, CENTRE, ended=True)}[confirm["hash"]]
    assert (ended["state"], ended["end"]["code"]) == ("refused", "STATE")


def test_the_same_order_is_the_same_draft_and_another_content_has_to_wait(world: World) -> None:
    draft = world.ask(CENTRE, "close", month=MONTH)
    assert world.ask(CENTRE, "close", month=MONTH)["pending"] == draft["pending"]
    register(world, QINGHAI)
    settled(world)  # the cut is another one by now
    assert draft["pending"] in refused("DUPLICATE", world.ask, CENTRE, "close", month=MONTH)
    reject(world, CENTRE, draft, BO)
    assert world.ask(CENTRE, "close", month=MONTH)["pending"] != draft["pending"]


def test_a_draft_that_can_come_to_nothing_makes_way(world: World) -> None:
    both(world, CENTRE, world.ask(CENTRE, "close", month=MONTH))
    settled(world)
    [stale] = drafts(world, CENTRE)  # the node's confirmation of r1
    both(world, CENTRE, world.ask(CENTRE, "withdraw", month=MONTH, reason="late"))
    both(world, CENTRE, world.ask(CENTRE, "close", month=MONTH))
    settled(world)
    [waits] = drafts(world, CENTRE)
    assert (waits["content"]["revision"], waits["kind"]) == (2, "Confirmation")
    ended = {d["hash"]: d for d in drafts(world, CENTRE, ended=True)}[stale["hash"]]
    assert (ended["state"], ended["end"]["code"]) == ("replaced", "STATE")


def test_too_many_drafts_are_refused_and_only_the_last_ended_are_kept(world: World) -> None:
    texts = [world.ruleset + f"\n# {n}\n".encode() for n in range(MAX_WAITING)]
    made = [world.ask(CENTRE, "ruleset", text=text) for text in texts]
    assert len(drafts(world, CENTRE)) == MAX_WAITING
    refused("LIMIT", world.ask, CENTRE, "ruleset", text=world.ruleset + b"\n# one more\n")
    for draft in made:
        reject(world, CENTRE, draft, ADA)
    extra = world.ask(CENTRE, "ruleset", text=world.ruleset + b"\n# one more\n")
    reject(world, CENTRE, extra, ADA)
    kept = drafts(world, CENTRE, ended=True)
    assert len(kept) == MAX_ENDED
    assert extra["hash"] in {draft["hash"] for draft in kept}


# --- attestations --------------------------------------------------------------------------------


class Shifty(Province):
    """A province that computes one fen more than everybody."""

    def result(self, reader: Any, found: Any) -> Any:
        mine = super().result(reader, found)
        code = next(iter(mine.nets))
        return replace(mine, nets={**mine.nets, code: mine.nets[code] + 1})


def test_a_node_attests_a_match_by_itself_but_a_mismatch_is_for_two_people() -> None:
    world = imported(quiet())
    register(world, QINGHAI, SICHUAN)
    settled(world)
    node = world.nodes[QINGHAI].role
    assert node is not None
    node.__class__ = Shifty
    world.ask(CENTRE, "close", month=MONTH)
    settled(world)
    assert SICHUAN in batch(world).matches
    assert QINGHAI in batch(world).missing
    [draft] = drafts(world, QINGHAI)
    assert (draft["kind"], draft["by_node"]) == ("Attestation", True)
    assert "amounts differ" in draft["en"]
    value = both(world, QINGHAI, draft)
    assert value["match"] is False
    settled(world)
    assert QINGHAI in batch(world).mismatches
    record = lookup.entry_at(world.nodes[QINGHAI].store, QINGHAI, value["index"])[1]
    assert isinstance(record, Attestation)
    assert len(record.approvals) == 2


def test_a_match_that_is_attested_by_hand_is_signed_by_two() -> None:
    world = imported(quiet(ALL - {"attest"}))
    register(world, QINGHAI)
    settled(world)
    world.ask(CENTRE, "close", month=MONTH)
    settled(world)
    draft = world.ask(QINGHAI, "attest")
    assert (draft["kind"], draft["en"][:21]) == ("Attestation", "attest 2017-03 r1: ma")
    assert both(world, QINGHAI, draft)["match"] is True
    assert world.ask(SICHUAN, "attest")["match"] is True  # nobody is registered there


# --- what a rule set asks for --------------------------------------------------------------------


def test_a_rule_set_that_asks_for_two_is_heeded_by_every_node() -> None:
    world = imported(quiet())
    text = world.ruleset.replace(b"required = 0", b"required = 2")
    assert text != world.ruleset
    world.ask(CENTRE, "ruleset", text=text)
    settled(world)
    message = refused("APPROVAL", world.ask, CENTRE, "close", month=MONTH)
    assert "2 operators must sign, this log has 0" in message
    found = _duties(world, CENTRE)
    assert "gongzhang key operator add NAME" in [d["command"] for d in found]
    register(world, CENTRE, names=(ADA,))
    refused("APPROVAL", world.ask, CENTRE, "close", month=MONTH)
    register(world, CENTRE, names=(BO,))
    both(world, CENTRE, world.ask(CENTRE, "close", month=MONTH))
    settled(world)
    assert batch(world).state == "ATTESTED"  # the provinces have no operators: a match needs none


def test_duties_list_what_waits_for_a_signature(world: World) -> None:
    draft = world.ask(CENTRE, "close", month=MONTH)
    approve(world, CENTRE, draft, ADA)
    [duty] = [d for d in _duties(world, CENTRE) if d["what"] == "sign"]
    assert "propose 2017-03" in duty["en"]
    assert "signed by ada" in duty["en"]
    assert "已签：ada" in duty["zh"]
    assert duty["command"] == f"gongzhang approval sign {draft['hash'][:12]}"
    approve(world, CENTRE, draft, BO)
    assert "sign" not in {d["what"] for d in _duties(world, CENTRE) if "propose" in d["en"]}


def _duties(world: World, code: str) -> list[dict[str, str]]:
    node = world.nodes[code]
    with node.store.read() as reader:
        found: list[dict[str, str]] = duties(reader, world.founding, code, node.vault)["duties"]
    return found


# --- crashes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", range(8))
def test_a_crash_at_any_step_loses_no_signature_that_was_acknowledged(steps: int) -> None:
    world = imported(quiet())
    register(world, CENTRE)
    settled(world)
    world.faults.dies_after = steps
    told: list[Any] = []
    for _ in range(20):
        for name in (ADA, BO):
            if world.nodes[CENTRE].role is None:
                settled(world)
            value: list[Any] = []
            world.order(CENTRE, "close", value.append, month=MONTH)
            if not value or not isinstance(value[0], dict):
                continue
            draft = value[0]
            signature = sign(secret(CENTRE, name), bytes.fromhex(draft["message"])).hex()
            given = {"hash": draft["hash"], "operator": name, "signature": signature}
            if world.nodes[CENTRE].role is not None:
                world.order(CENTRE, "approve", told.append, **given)
        settled(world)
        if any(isinstance(t, dict) and "entered" in t for t in told) or "Proposal" in kinds(
            world, CENTRE
        ):
            break
    world.faults.dies_after = None
    settled(world, 60_000)
    assert kinds(world, CENTRE).count("Proposal") == 1
    assert [d["kind"] for d in drafts(world, CENTRE)] in ([], ["Confirmation"])
