"""The people who prepay in a simulated network: the centre demands, money moves or does not.

Debtors pay in one sum, in parts, again after a return, late, or never; creditors give back what a
new year's quota no longer asks for, unless it was drawn meanwhile.
"""

from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

from node.simulation.agents import Clerk
from node.simulation.world import World
from settlement.lookup import applied_size, demands
from settlement.money import format_yuan
from settlement.party import CENTRE
from settlement.record import DemandRow

FIRST_MONTH = "2017-12"  # a first year's quotas by hand, the second's from a batch
STARTS_MS = 1_531_500_000_000  # in July 2018, when legs of those months are overdue
DUE = "2018-12-31"
_HOW = ("whole", "whole", "whole", "parts", "returned", "late", "never")
_DONE = ("NOTHING_LEFT", "EXCEEDS")  # EXCEEDS: what should go back was drawn


class Prepayer:
    """Lets prepayments be fixed, demanded, paid, received and given back; draws apart."""

    def __init__(self, world: World, clerk: Clerk, codes: list[str], random: Random) -> None:
        self._world, self._clerk, self._codes, self._random = world, clerk, codes, random
        self._year = ""
        world.now_ms = STARTS_MS
        self._moving: set[tuple[str, int]] = set()

    def month(self, month: str) -> None:
        """Start a year if the month lies in a new one; else let somebody ask for more."""
        if month[:4] == self._year:
            return
        given = {} if self._year else {"given": self._quotas(), "reason": "a first year"}
        self._year = month[:4]
        year = int(self._year)
        self._clerk.insist(
            CENTRE, "prepay-quota", lambda _: self._demand(year), ("DUPLICATE",), year=year, **given
        )

    def more(self, month: str) -> None:
        """Let every province ask for more of somebody, whether or not an alert stands."""
        for creditor in self._codes:
            debtor = self._random.choice([code for code in self._codes if code != creditor])
            fen = self._random.randint(1, 100_000)
            asked = {"month": month, "debtor": debtor, "fen": fen}
            answer = partial(self._answer, month, creditor, debtor, fen)
            self._clerk.insist(creditor, "prepay-increase", answer, _NO_USE, **asked)

    def _quotas(self) -> str:
        lines = [
            f"{debtor},{creditor},{format_yuan(self._random.randint(1, 1_500_000))}\n"
            for debtor in self._codes
            for creditor in self._codes
            if debtor != creditor
        ]
        return "debtor,creditor,amount\n" + "".join(lines)

    def _demand(self, year: int) -> None:
        # STATE: it is made, and the answer was lost in a crash.
        self._clerk.insist(
            CENTRE, "prepay-demand", lambda _: self._move(), ("STATE", "NOTHING_LEFT"),
            year=year, due=DUE,
        )  # fmt: skip

    def _answer(self, month: str, creditor: str, debtor: str, fen: int, value: Any) -> None:
        if isinstance(value, Exception):
            return  # no red alert stands
        amount = self._random.choice((fen, fen // 2, 0))
        self._clerk.insist(
            CENTRE, "prepay-urgent", lambda _: self._move(), ("DUPLICATE",), month=month,
            creditor=creditor, debtor=debtor, due=DUE, fen=amount, reason="so far",
        )  # fmt: skip

    def _move(self) -> None:
        # Rows are read from the log: the answer to an order may have been lost in a crash.
        store = self._world.nodes[CENTRE].store
        for _, demand in demands(store, applied_size(store, CENTRE)):
            for row in demand.rows:
                name = demand.month, row.number
                if row.fen and name not in self._moving:
                    self._moving.add(name)
                    self._row(demand.month, row)

    def _row(self, month: str, row: DemandRow) -> None:
        payer, payee = row.debtor, row.creditor
        if row.fen < 0:
            payer, payee = payee, payer
        payment = _Payment(self._clerk, month, row.number, payer, payee)
        how, fen = self._random.choice(_HOW), abs(row.fen)
        first = self._random.randint(1, fen)
        delay_ms = self._random.randint(10_000, 200_000)
        if how == "parts" and first < fen:
            payment.send("B1", fen=first, then=partial(payment.send, "B2"))
        elif how == "returned":
            payment.bounce()
        elif how == "late":
            self._world.later(delay_ms, partial(payment.send, "B1"))
        elif how != "never":
            payment.send("B1")


class _Payment:
    """Both sides of the money of one row of a demand."""

    def __init__(self, clerk: Clerk, month: str, row: int, payer: str, payee: str) -> None:
        self._clerk, self._month, self._row = clerk, month, row
        self._payer, self._payee = payer, payee

    def send(
        self, name: str, *, arrives: bool = True, then: Callable[[], None] = lambda: None,
        **more: int,
    ) -> None:  # fmt: skip
        def sent(value: Any) -> None:
            if isinstance(value, Exception):
                return  # nothing is left of it, or nothing to give back
            if arrives:
                self._order(self._payee, "prepay-received", f"R{name}")
            then()

        self._order(self._payer, "prepay-paid", name, sent, **more)

    def bounce(self) -> None:
        again = partial(self.send, "B2")
        back = partial(
            self._order, self._payer, "prepay-returned", "X1", lambda _: again(), reason="closed",
            attempt=1,
        )  # fmt: skip
        self.send("B1", arrives=False, then=back)

    def _order(
        self, code: str, verb: str, name: str, done: Any = lambda _: None, **more: Any
    ) -> None:
        month, row = self._month, self._row
        given = {"month": month, "row": row, "reference": f"{name}-{month}-{row}", **more}
        self._clerk.insist(code, verb, done, _DONE, date=f"{month}-28", **given)


_NO_USE = ("STATE", "DUPLICATE", "RULESET")
