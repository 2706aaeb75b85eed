"""Signing the cities of a month at a province's node, and who is reminded of it."""

from datetime import date

import pytest

from ledger.errors import FormError, RefusedError, VerificationError
from node import heads
from node.cities import duties
from node.run import default_ruleset
from node.simulation.world import World
from settlement.basis import basis_at
from settlement.city import Cities, signed_by
from settlement.party import CENTRE
from settlement.subclearing import cities_of
from settlement.timeliness import month_progress
from settlement.totals import Amounts
from tests.network import QINGHAI, SICHUAN, TIBET, Logs, settlement
from tests.node.world import MONTH, imported, quiet, settled
from tests.published import close

STEP = b"""
[[step]]
event = "cities"
anchor = "next_month"
offset = 25
unit = "day"
actor = "all"
source = "this test"
certainty = "choice"
"""


@pytest.fixture
def world() -> World:
    """Return a network that has confirmed its first month."""
    world = imported(quiet())
    world.ask(CENTRE, "close", month=MONTH)
    return settled(world)


def computed(world: World, code: str) -> Cities:
    return cities_of(world.nodes[code].store, world.founding, MONTH, code)[0]


def test_a_province_signs_what_it_has_computed_and_everybody_sees_it(world: World) -> None:
    cities = computed(world, SICHUAN)
    assert sorted(cities.nets.items()) == [("510100", 3 * 8_000 - 8_000)]
    value = world.ask(SICHUAN, "cities", document=cities.document)
    assert value["hash"] == cities.hash.hex()
    settled(world)
    for code in (CENTRE, QINGHAI):
        found = signed_by(world.nodes[code].store, SICHUAN, MONTH)
        assert found == (value["index"], cities.record())
    again = world.ask(SICHUAN, "cities", document=cities.document)
    assert again["index"] == value["index"]


def test_a_document_that_does_not_tie_out_is_not_signed(world: World) -> None:
    good = computed(world, QINGHAI)
    sums = {place: a.plus(Amounts(0, 1, 0, 0, 0)) for place, a in good.owes.items()}
    wrong = Cities(QINGHAI, MONTH, 1, good.result_hash, sums, good.owed)
    with pytest.raises(VerificationError, match="cities of 630000 owe 510000 in 2017-03: employee"):
        world.ask(QINGHAI, "cities", document=wrong.document)
    later = Cities(QINGHAI, MONTH, 2, good.result_hash, good.owes, good.owed)
    with pytest.raises(RefusedError, match="revision 1 is confirmed, not 2"):
        world.ask(QINGHAI, "cities", document=later.document)
    other = Cities(QINGHAI, MONTH, 1, bytes(32), good.owes, good.owed)
    with pytest.raises(VerificationError, match="another batch"):
        world.ask(QINGHAI, "cities", document=other.document)
    with pytest.raises(RefusedError, match="about cities of 510000"):
        world.ask(QINGHAI, "cities", document=computed(world, SICHUAN).document)
    with pytest.raises(FormError):
        world.ask(QINGHAI, "cities", document=b"\xc0")
    assert signed_by(world.nodes[QINGHAI].store, QINGHAI, MONTH) is None


def test_a_month_that_is_not_confirmed_is_not_signed() -> None:
    world = imported(quiet(frozenset({"accept", "attest"})))
    world.ask(CENTRE, "close", month=MONTH)
    settled(world)
    with pytest.raises(RefusedError, match="2017-03 is not confirmed"):
        world.ask(QINGHAI, "cities", document=Cities(QINGHAI, MONTH, 1, bytes(32)).document)


def test_the_centre_has_no_such_order(world: World) -> None:
    with pytest.raises(RefusedError, match="no order 'cities'"):
        world.ask(CENTRE, "cities", document=computed(world, QINGHAI).document)


# --- reminders -----------------------------------------------------------------------------------


def months(logs: Logs, *names: str) -> None:
    """Close months with one case each; every head is cosigned."""
    for name in names:
        logs.add(SICHUAN, settlement(f"A{name}", month=name))
        logs.accept(QINGHAI, SICHUAN)
        close(logs, name)
    head = logs.head(CENTRE)
    known = heads.KnownHead(head.size, head.root, b"")
    logs.store.transact(lambda writer: heads.save(writer, CENTRE, known))


def reminded(logs: Logs, code: str) -> list[tuple[str, str]]:
    found = duties(logs.store, logs.roster, code)
    return [(duty["command"], duty["due"]) for duty in found]


def sign(logs: Logs, code: str, month: str) -> None:
    record = cities_of(logs.store, logs.roster, month, code)[0].record()
    assert logs.add(code, record) is None


def test_nobody_is_reminded_who_has_never_signed_cities() -> None:
    logs = Logs()
    months(logs, "2017-03", "2017-04")
    assert reminded(logs, QINGHAI) == []


def test_who_has_signed_a_month_is_reminded_of_the_later_ones() -> None:
    logs = Logs()
    months(logs, "2017-03", "2017-04")
    sign(logs, QINGHAI, "2017-04")
    assert reminded(logs, QINGHAI) == []  # not of what came before the first
    months(logs, "2017-05")
    assert reminded(logs, QINGHAI) == [("gongzhang city sign 2017-05", "")]
    assert reminded(logs, SICHUAN) == reminded(logs, CENTRE) == []
    sign(logs, QINGHAI, "2017-05")
    assert reminded(logs, QINGHAI) == []


def test_what_no_quorum_has_cosigned_reminds_nobody() -> None:
    logs = Logs(ruleset=default_ruleset() + STEP)
    logs.add(SICHUAN, settlement("A1"))
    logs.accept(QINGHAI, SICHUAN)
    close(logs, "2017-03")
    assert reminded(logs, QINGHAI) == []


def test_a_rule_set_with_a_step_for_it_asks_everybody_and_says_until_when() -> None:
    logs = Logs(ruleset=default_ruleset() + STEP)
    months(logs, "2017-03")
    expected = [("gongzhang city sign 2017-03", "2017-04-25")]
    assert reminded(logs, QINGHAI) == reminded(logs, TIBET) == expected
    sign(logs, QINGHAI, "2017-03")
    assert reminded(logs, QINGHAI) == []
    size = logs.size(CENTRE)
    basis = basis_at(logs.store, "2017-03", size)
    steps = month_progress(logs.store, logs.roster, "2017-03", date(2017, 4, 28), basis, size)
    step = next(step for step in steps if step.due.step.event == "cities")
    assert (step.state, step.owing, step.days_late) == ("open", (SICHUAN, TIBET), 3)
    assert [done.place.code for done in step.done] == [QINGHAI]
