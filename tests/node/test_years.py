"""Years and lateness: closed by the centre, signed by all; a centre that is late is on record."""

from datetime import date

import pytest

from ledger.errors import LedgerError, RefusedError
from node.duty import duties
from node.simulation.world import World
from node.years import late_steps
from settlement.party import CENTRE
from settlement.report import month_report
from settlement.year import closed_by
from tests.network import QINGHAI, SICHUAN, case_row
from tests.node.world import CODES, MONTH, imported, quiet, settled

DECEMBER = "2017-12"


def certified() -> World:
    """Return a network whose first month was December, and everything of it is paid."""
    world = quiet()
    row = case_row(setl_id="A1", setl_time="2017-12-05T10:00:00+08:00")
    world.ask(SICHUAN, "import", rows=[row])
    settled(world)
    world.ask(CENTRE, "close", month=DECEMBER)
    settled(world)
    report = month_report(world.nodes[CENTRE].store, world.founding, DECEMBER)
    assert report is not None
    for leg in report["legs"]:
        money = {"month": DECEMBER, "leg": leg["leg"], "reference": "B1", "date": "2018-01-15"}
        world.ask(leg["payer"], "paid", **money)
        settled(world)
        world.ask(leg["payee"], "received", **money)
        settled(world)
    return world


def asked(world: World, code: str, today: str | None = None) -> list[tuple[str, str]]:
    node = world.nodes[code]
    found = duties(node.store, world.founding, code, node.vault, today)["duties"]
    return [(duty["what"], duty["command"]) for duty in found if duty["what"] in ("year", "breach")]


def test_a_year_is_closed_by_the_centre_and_signed_by_everybody() -> None:
    world = certified()
    assert asked(world, QINGHAI) == []
    with pytest.raises(RefusedError, match="the centre has not closed 2017"):
        world.ask(QINGHAI, "year", year=2017)
    assert asked(world, CENTRE) == [("year", "gongzhang year close 2017")]
    digest = world.ask(CENTRE, "year", year=2017)["hash"]
    settled(world)
    assert asked(world, CENTRE) == []
    for code in CODES:
        assert asked(world, code) == [("year", "gongzhang year close 2017")]
        assert world.ask(code, "year", year=2017)["hash"] == digest
    settled(world)
    for code in (CENTRE, *CODES):
        assert closed_by(world.nodes[QINGHAI].store, code, 2017) is not None
        assert asked(world, code) == []
        with pytest.raises(RefusedError, match="has closed 2017"):
            world.ask(code, "year", year=2017)


def test_a_year_with_nothing_certified_is_not_closed() -> None:
    world = imported(quiet())
    with pytest.raises(RefusedError, match="no month of 2017 is confirmed"):
        world.ask(CENTRE, "year", year=2017)


def test_a_centre_that_is_late_is_on_record_once_for_every_province_that_saw_it() -> None:
    world = imported(quiet())
    world.ask(CENTRE, "close", month=MONTH)
    settled(world)  # attested and confirmed at once; nobody has paid in, so nothing is owed yet
    april = "2017-04"
    assert asked(world, QINGHAI, "2017-05-02") == []
    assert asked(world, QINGHAI, "2017-05-05") == [
        ("breach", "gongzhang batch breach 2017-04 propose")
    ]
    with pytest.raises(RefusedError, match="not late with confirm"):
        world.ask(QINGHAI, "breach", month=april, event="confirm")
    with pytest.raises(LedgerError, match=r"expected one of register.*got proposal"):
        world.ask(QINGHAI, "breach", month=april, event="proposal")
    told = world.ask(QINGHAI, "breach", month=april, event="propose")
    settled(world)
    assert told["due"] == "2017-05-02"
    assert told["days"] > 0
    assert asked(world, QINGHAI, "2017-05-05") == []
    assert asked(world, SICHUAN, "2017-05-05") != []
    steps = late_steps(world.nodes[SICHUAN].store, world.founding, april, date(2017, 5, 5))
    assert [step.due.step.event for step in steps] == ["propose"]
