"""Real roles in virtual time under any orders, crashes and cut links; the oracle watches.

Invariants 1 to 6 and 8 to 10 of the design are the oracle's (`node.simulation.oracle`); here the
order of deeds is whatever hypothesis finds, sensible or not, and in the end everybody agrees.
"""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from ledger.errors import LedgerError
from node.simulation.oracle import Oracle
from node.simulation.world import CrashError
from settlement import lookup
from settlement.batch import latest_batch
from settlement.casefile import CaseRow
from settlement.party import CENTRE
from settlement.period import next_month
from settlement.report import month_report
from tests.network import QINGHAI, SICHUAN, case_row, refund_of
from tests.node.world import MONTH, quiet, settled

CODES = [SICHUAN, QINGHAI]
ALL = [CENTRE, *CODES]
MEMBERS = st.sampled_from(ALL)


class Network(RuleBasedStateMachine):
    """Two provinces and the centre."""

    def __init__(self) -> None:
        super().__init__()
        self.world, self.oracle = quiet(codes=CODES), Oracle()
        self.world.after_step = self.oracle.check
        self.rows: list[CaseRow] = []

    @property
    def month(self) -> str:
        """The month after the last one that the centre has confirmed."""
        last = lookup.last_confirmed(self.world.nodes[CENTRE].store)
        return MONTH if last is None else next_month(last)

    def order(self, code: str, verb: str, **arguments: Any) -> Any:
        """Give an order; None if it is refused, or its node is or goes down."""
        if self.world.nodes[code].role is None:
            return None
        try:
            return self.world.ask(code, verb, **arguments)
        except (LedgerError, CrashError):
            return None

    @rule(day=st.integers(1, 28))
    def settle(self, day: int) -> None:
        """Sichuan records a case of Qinghai."""
        row = case_row(
            setl_id=f"A{len(self.rows)}", setl_time=f"{self.month}-{day:02d}T10:00:00+08:00"
        )
        if self.order(SICHUAN, "import", rows=[row]) is not None:
            self.rows.append(row)

    @precondition(lambda self: self.rows)
    @rule(pick=st.integers(0, 99))
    def take_back(self, pick: int) -> None:
        """A refund, the second one of a case included."""
        row = self.rows[pick % len(self.rows)]
        time = f"{self.month}-28T11:00:00+08:00"
        refund = refund_of(row, setl_id=f"R{pick}", setl_time=time)
        self.order(SICHUAN, "import", rows=[refund])

    @rule(code=MEMBERS)
    def crash(self, code: str) -> None:
        """A node dies and comes back."""
        self.world.crash(code)

    @rule(steps=st.integers(0, 12))
    def crash_soon(self, steps: int) -> None:
        """Whoever takes so many durable steps more dies after the last one."""
        self.world.faults.dies_after = steps

    @rule(a=MEMBERS, b=MEMBERS)
    def cut(self, a: str, b: str) -> None:
        """Nothing gets from one to the other."""
        self.world.faults.cut.add((a, b))

    @rule()
    def heal(self) -> None:
        """All links work again."""
        self.world.faults.cut.clear()

    @rule(ms=st.sampled_from([50, 2_000, 60_000]))
    def wait(self, ms: int) -> None:
        """Time passes."""
        settled(self.world, ms)

    @rule()
    def close(self) -> None:
        """The centre proposes."""
        self.order(CENTRE, "close", month=self.month)

    @rule()
    def withdraw(self) -> None:
        """The centre takes a proposal back, if one stands open."""
        self.order(CENTRE, "withdraw", month=self.month, reason="again")

    @rule(code=MEMBERS, leg=st.integers(1, 3), verb=st.sampled_from(["paid", "received"]))
    def money(self, code: str, leg: int, verb: str) -> None:
        """Somebody says that money moved; refused before there is a confirmation he can count."""
        month = lookup.last_confirmed(self.world.nodes[CENTRE].store) or MONTH
        money = {"month": month, "leg": leg, "reference": f"B{leg}", "date": f"{month}-28"}
        self.order(code, verb, **money)

    @rule(day=st.integers(1, 28), ends=st.booleans())
    def go_on(self, day: int, ends: bool) -> None:
        """A month as it should be, as far as the faults let it; chance alone hardly gets there."""
        self.settle(day)
        self.wait(60_000)
        month = self.month
        self.close()
        self.wait(60_000)
        for leg, payer, payee in ((1, QINGHAI, CENTRE), (2, CENTRE, SICHUAN)) if ends else ():
            for code, verb in ((payer, "paid"), (payee, "received")):
                money = {"leg": leg, "reference": f"B{leg}", "date": f"{month}-28"}
                self.order(code, verb, month=month, **money)
                self.wait(2_000)

    def teardown(self) -> None:
        """Once faults stop, a month more is enough for everybody to hold and compute the same."""
        world = self.world
        world.faults.dies_after = None
        world.faults.cut.clear()
        settled(world, 120_000)
        month = self.month
        self.order(CENTRE, "close", month=month)
        settled(world, 120_000)
        found = latest_batch(world.nodes[CENTRE].store, world.founding, month)
        assert found is not None
        assert found.state in ("CONFIRMED", "FINAL")
        reports = [month_report(n.store, world.founding, month) for n in world.nodes.values()]
        assert all(report == reports[0] for report in reports)
        self.oracle.finish(world)


TestNetwork = Network.TestCase
TestNetwork.settings = settings(max_examples=15, stateful_step_count=25)
