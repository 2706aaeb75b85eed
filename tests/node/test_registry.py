"""The register of an insured province: persons, registrations, and who is a guest of whom."""

from typing import Any

import pytest

from ledger.errors import FormError, RefusedError
from node import guests, notices
from node.effect import Asked
from node.message import Answer, GuestNotice
from node.simulation.world import World
from node.vault import NOTICE, STATEMENT
from settlement.party import CENTRE
from settlement.registration import Switches, commitment, encode_content
from tests.network import QINGHAI, SICHUAN, TIBET
from tests.node.register import (
    added,
    entry,
    filed,
    guest,
    paid,
    persons_state,
    put,
    role_of,
    said,
    told,
    vault_of,
)
from tests.node.world import kinds, quiet, settled
from tests.registry import HOSPITAL, wanted


@pytest.fixture
def world() -> World:
    return quiet()


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
    elsewhere = vault_of(world, TIBET)
    assert not any(rows for table, rows in elsewhere.items() if table != STATEMENT)
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
    assert (left.revision, left.status, left.content) == (2, guests.GONE, None)
    with world.nodes[SICHUAN].vault.store.read() as vault:
        assert list(guests.guests(vault)) == []
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
