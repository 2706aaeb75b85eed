"""Rule sets and holidays: recorded by the centre, known to every node, with the days of duties."""

import pytest

from ledger.errors import FormError, RefusedError
from node import heads
from node.duty import duties
from node.simulation.world import World
from settlement import shipped
from settlement.basis import Basis, basis_at
from settlement.party import CENTRE
from tests.network import QINGHAI, SICHUAN
from tests.node.world import MONTH, imported, kinds, quiet, settled
from tests.settlement.test_calendar import table

TABLE = table("trial", "2018-01-02")


def basis(world: World, code: str) -> Basis:
    store = world.nodes[code].store
    return basis_at(store, MONTH, heads.size_of(store, CENTRE))


def test_holidays_recorded_by_the_centre_count_at_every_node() -> None:
    world = quiet()
    assert basis(world, QINGHAI).recorded == {}
    value = world.ask(CENTRE, "holidays", text=TABLE)
    assert value == {"name": "trial", "year": 2018, "index": 2}
    settled(world)
    for code in (CENTRE, QINGHAI, SICHUAN):
        assert basis(world, code).tables[2018].name == "trial"
        assert basis(world, code).tables[2017] == shipped.holidays()[2017]
    assert world.ask(CENTRE, "holidays", text=TABLE)["index"] == 2  # the same again
    assert kinds(world, CENTRE) == ["Genesis", "RuleSet", "Holidays"]


def test_a_rule_set_comes_into_force_at_every_node() -> None:
    world = quiet()
    text = shipped.ruleset("national-2022")
    assert world.ask(CENTRE, "ruleset", text=text) == {"name": "national-2022", "index": 2}
    settled(world)
    assert basis(world, QINGHAI).rules.name == "national-2022"


@pytest.mark.parametrize(
    ("verb", "first", "second"),
    [
        ("holidays", TABLE, table("other", "2018-01-03")),
        ("ruleset", shipped.ruleset(), shipped.ruleset("national-2016")),
    ],
)
def test_a_text_that_another_one_replaced_is_not_silently_in_force_again(
    verb: str, first: bytes, second: bytes
) -> None:
    world = quiet()
    world.ask(CENTRE, verb, text=first)
    world.ask(CENTRE, verb, text=second)
    size = len(kinds(world, CENTRE))
    with pytest.raises(RefusedError, match="comment"):
        world.ask(CENTRE, verb, text=first)
    assert len(kinds(world, CENTRE)) == size
    assert world.ask(CENTRE, verb, text=first + b"# again\n")["index"] == size


def test_only_the_centre_records_them_and_only_what_can_be_read() -> None:
    world = quiet()
    with pytest.raises(RefusedError, match="holidays"):
        world.ask(QINGHAI, "holidays", text=TABLE)
    for verb in ("holidays", "ruleset"):
        with pytest.raises(FormError, match="TOML"):
            world.ask(CENTRE, verb, text=b"year = ")
    assert kinds(world, CENTRE) == ["Genesis", "RuleSet"]


def due(world: World, code: str) -> dict[str, str]:
    node = world.nodes[code]
    found = duties(node.store, world.founding, code, node.vault)["duties"]
    return {duty["what"]: duty["due"] for duty in found if duty["due"]}


def test_duties_show_until_when() -> None:
    world = imported(quiet(frozenset({"accept"})))
    settled(world)
    world.ask(CENTRE, "close", month=MONTH)
    settled(world)
    assert due(world, QINGHAI) == {"attest": "2017-04-05"}
    assert due(world, CENTRE) == {"wait": "2017-04-05"}
    for code in world.founding.participants:
        world.ask(code, "attest")
    settled(world)
    assert due(world, CENTRE) == {"confirm": "2017-04-10"}
    world.ask(CENTRE, "confirm", month=MONTH)
    settled(world)
    assert due(world, QINGHAI) == {"pay": "2017-04-17"}  # the 15th is a Saturday


def test_a_duty_whose_day_takes_unknown_holidays_is_still_shown() -> None:
    world = imported(quiet(frozenset({"accept"})))
    settled(world)
    world.ask(CENTRE, "close", month="2040-03")
    settled(world)
    node = world.nodes[QINGHAI]
    found = duties(node.store, world.founding, QINGHAI, node.vault)["duties"]
    assert [(duty["what"], duty["due"]) for duty in found] == [("attest", "")]
