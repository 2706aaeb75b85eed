"""A month's acts in a simulated world, for tests that disturb it: each is insisted on."""

from collections.abc import Callable
from typing import Any

from ledger.errors import LedgerError
from node.simulation.world import CrashError, World
from settlement import batch as batches
from settlement import leg as legs
from settlement.leg import Leg
from settlement.netting import LegDue
from settlement.party import CENTRE
from tests.node.world import MONTH, batch, settled

NOT_YET = ("STATE", "ORDER", "BEHIND", "LOCKED")


def insist(world: World, code: str, verb: str, /, done: str | None = None, **arguments: Any) -> Any:
    """Give an order until it is carried out: the node may be down, locked or behind for a while.

    A refusal with the code `done` says that it was carried out before, and its answer was lost.
    """
    for _ in range(60):
        if world.nodes[code].role is not None:
            try:
                return world.ask(code, verb, **arguments)
            except CrashError:
                pass
            except LedgerError as error:
                if error.code == done:
                    return None
                if error.code not in NOT_YET:
                    raise
        settled(world, 60_000)  # farther than the next thing that waits
    raise AssertionError(f"{code} never came to {verb}")


def due(world: World, month: str = MONTH) -> list[LegDue]:
    """Return what the confirmed batch of a month asks to be moved."""
    found = batch(world, CENTRE, month)
    store = world.nodes[CENTRE].store
    return batches.result_of(store, world.founding, month, found.revision).legs


def month_legs(world: World, month: str = MONTH, code: str = CENTRE) -> list[Leg]:
    """Return the legs of a month as a node sees them."""
    store = world.nodes[code].store
    found = batch(world, code, month)
    return legs.legs_of(store, batches.result_of(store, world.founding, month, found.revision))


def move(world: World, leg: LegDue, month: str = MONTH, *, arrives: bool = True) -> None:
    """Pay a leg in full and, unless told otherwise, receive it."""
    money = {
        "month": month,
        "leg": leg.number,
        "reference": f"B{leg.number}",
        "date": f"{month}-28",
    }
    insist(world, leg.payer, "paid", **money)
    if arrives:
        insist(world, leg.payee, "received", **money)


def confirmed(world: World, month: str = MONTH) -> None:
    """Close a month and wait until it is confirmed."""
    insist(world, CENTRE, "close", done="MONTH", month=month)
    came(world, lambda: batch(world, CENTRE, month).confirmation_index is not None)


def final(world: World, month: str = MONTH) -> None:
    """Close a month, move all its money, and wait for the certificate."""
    confirmed(world, month)
    for leg in due(world, month):
        move(world, leg, month)
    came(world, lambda: batch(world, CENTRE, month).state == "FINAL")


def came(world: World, holds: Callable[[], bool]) -> None:
    """Let time pass until something holds; fails after an hour of virtual time."""
    assert world.run(holds, 3_600_000)


def nets(world: World, month: str = MONTH, code: str = CENTRE) -> dict[str, int]:
    """Return the net vector of a month's newest proposal, without zeros."""
    return {net.code: net.fen for net in batch(world, code, month).proposal.nets if net.fen}
