"""The treasurers of a simulated network: they pay in parts, again after a return, late, never."""

from functools import partial
from typing import Any

from node.simulation.agents import Clerk
from node.simulation.world import World
from settlement.netting import LegDue
from settlement.party import CENTRE

_DONE = ("NOTHING_LEFT",)


class Treasurer:
    """Moves the money of a month, with the mishaps of real banks and empty tills."""

    def __init__(self, world: World, clerk: Clerk) -> None:
        self._world, self._clerk = world, clerk

    def month(self, month: str, legs: list[LegDue], trouble: float) -> None:
        """Let every leg of a month come to some end; `trouble` is the chance of a mishap."""
        for leg in legs:
            self._leg(month, leg, self._mishap(leg, trouble))

    def _mishap(self, leg: LegDue, trouble: float) -> str:
        random = self._world.random
        if random.random() >= trouble:
            return "whole"
        if leg.payer == CENTRE:
            return random.choice(("whole", "returned"))
        return random.choice(("parts", "returned", "never", "never"))

    def _leg(self, month: str, leg: LegDue, how: str) -> None:
        if how == "never":
            self._give_up(month, leg)
        elif how == "parts" and leg.fen > 1:
            first = self._world.random.randint(1, leg.fen - 1)
            rest = partial(self._pay, month, leg, "B2")
            self._pay(month, leg, "B1", fen=first, then=lambda _: rest())
        elif how == "returned":
            self._pay(month, leg, "B1", then=lambda _: self._again(month, leg), arrives=False)
        else:
            self._pay(month, leg, "B1")

    def _pay(
        self, month: str, leg: LegDue, name: str, *, arrives: bool = True, then: Any = None,
        **more: Any,
    ) -> None:  # fmt: skip
        def sent(value: Any) -> None:
            if isinstance(value, Exception):
                return  # nothing is left to pay: others bear it
            if arrives:
                self._order(leg.payee, "received", month, leg.number, f"R{name}")
            if then is not None:
                then(value)

        self._order(leg.payer, "paid", month, leg.number, name, sent, _DONE, **more)

    def _again(self, month: str, leg: LegDue) -> None:
        def back(_: Any) -> None:
            self._pay(month, leg, "B2")

        self._order(
            leg.payer, "returned", month, leg.number, "X1", back, reason="closed", attempt=1
        )

    def _give_up(self, month: str, leg: LegDue) -> None:
        if leg.payee != CENTRE:
            self._draw(month, leg, leg.payee)
            return

        def shared(value: Any) -> None:
            for code in sorted(value["shares"]):
                self._draw(month, leg, code)

        self._clerk.insist(CENTRE, "shortfall", shared, month=month, leg=leg.number)

    def _draw(self, month: str, leg: LegDue, bearer: str) -> None:
        repents = self._world.random.random() < 0.5

        def drawn(_: Any) -> None:
            if repents:
                late = leg._replace(payee=bearer)
                self._pay(month, late, f"L{bearer}", payee=bearer)

        self._clerk.insist(bearer, "draw", drawn, month=month, leg=leg.number)

    def _order(
        self, code: str, verb: str, month: str, leg: int, name: str, done: Any = None,
        give_up: tuple[str, ...] = (), **more: Any,
    ) -> None:  # fmt: skip
        given = {"month": month, "leg": leg, "reference": f"{name}-{month}-{leg}", **more}
        given["date"] = f"{month}-28"
        self._clerk.insist(code, verb, done or (lambda _: None), give_up, **given)
