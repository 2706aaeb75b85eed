"""The oracle reads the books of every node: what they contradict is noticed."""

import pytest

from node.centre import Centre
from node.simulation.oracle import InvariantError, Oracle
from node.turn import Turn
from settlement.party import CENTRE
from settlement.record import Received
from tests.network import QINGHAI
from tests.node.world import MONTH, batch, imported, quiet, settled, until


def test_a_receipt_of_another_amount_than_was_sent_is_noticed() -> None:
    world = imported(quiet())
    world.ask(CENTRE, "close", month=MONTH)
    until(world, lambda: batch(world).state == "CONFIRMED")
    settled(world)
    paid = {"month": MONTH, "leg": 1, "reference": "B1", "date": "2017-04-15"}
    fen = world.ask(QINGHAI, "paid", **paid)["fen"]
    settled(world)
    Oracle().finish(world)  # under way, and nothing wrong with it
    role = world.nodes[CENTRE].role
    assert role is not None

    def short(_role: object, turn: Turn) -> int:
        return turn.append(
            Received("clearing", MONTH, 1, 1, QINGHAI, fen - 1, "B1", "2017-04-15", [])
        )

    role.__class__ = type("Short", (Centre,), {"orders": {"received": short}})
    world.ask(CENTRE, "received")
    with pytest.raises(InvariantError) as error:
        Oracle().finish(world)
    assert error.value.number == 7
    assert "books" in str(error.value)
