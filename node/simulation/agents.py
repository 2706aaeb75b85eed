"""The people of a simulated network: clerks, treasurers and the centre's operator.

They repeat what did not work, click twice, and do things in a bad order; nodes must bear it.
"""

from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

from ledger.errors import LedgerError
from ledger.signature import public_key, sign
from node.simulation.oracle import Oracle
from node.simulation.world import World
from settlement.approval import rejection_message
from settlement.casefile import CaseRow
from settlement.money import format_yuan
from settlement.party import CENTRE

RETRY_MS = 2_000


class Clerk:
    """Somebody who gives one order until it has worked."""

    def __init__(self, world: World, oracle: Oracle) -> None:
        self._world = world
        self._oracle = oracle
        self.open = 0  # orders that have not worked yet

    def insist(
        self,
        code: str,
        verb: str,
        done: Callable[[Any], None] = lambda _: None,
        give_up: tuple[str, ...] = (),
        **arguments: Any,
    ) -> None:
        """Give an order again and again; `done` gets its value once."""
        self.open += 1
        finished = False

        def answered(value: Any) -> None:
            nonlocal finished
            if finished:
                return
            if isinstance(value, LedgerError) and value.code not in give_up:
                return
            if isinstance(value, dict) and "pending" in value:
                return  # a draft: it is done once others have signed it
            finished = True
            self.open -= 1
            if not isinstance(value, LedgerError):
                self._oracle.acknowledge(self._world, code)
            done(value)

        def attempt() -> None:
            if finished:
                return
            # Sometimes twice at once: the second must find the work done.
            for _ in range(2 if self._world.random.random() < 0.1 else 1):
                if self._world.nodes[code].role is not None:
                    self._world.order(code, verb, answered, **arguments)
            self._world.later(RETRY_MS, attempt)

        attempt()


class Ward:
    """Makes up settlements and refunds between provinces."""

    def __init__(self, random: Random, codes: list[str]) -> None:
        self._random = random
        self._codes = codes
        self._count = 0
        self._refundable: list[CaseRow] = []
        self.settled: list[CaseRow] = []

    def month(self, month: str, count: int) -> dict[str, list[CaseRow]]:
        """Return rows of a month by the province that treated the patient."""
        rows: dict[str, list[CaseRow]] = {}
        for _ in range(count):
            refund = self._refundable and self._random.random() < 0.2
            row = self._refund(month) if refund else self._settlement(month)
            rows.setdefault(row.mdtrtarea_admvs[:2] + "0000", []).append(row)
        return rows

    def _settlement(self, month: str) -> CaseRow:
        treated, insured = self._random.sample(self._codes, 2)
        fund, other, account, cash = (self._random.randint(0, 500_000) for _ in range(4))
        self._count += 1
        day = f"{month}-{self._random.randint(1, 28):02d}"
        row = CaseRow(
            setl_id=f"S{self._count:06d}", init_setl_id="", mdtrt_id=f"V{self._count:06d}",
            psn_no=f"P{self._random.randint(1, 99):04d}", fixmedins_code=f"H{treated}00001",
            mdtrtarea_admvs=treated[:2] + "0100", insuplc_admdvs=insured[:2] + "0100",
            insutype=self._random.choice(["310", "390"]), med_type="21", clr_type="21",
            begndate=day, enddate=day, setl_time=f"{day}T09:00:00+08:00",
            medfee_sumamt=format_yuan(fund + other + account + cash), fulamt_ownpay_amt="0.00",
            overlmt_selfpay="0.00", preselfpay_amt="0.00", inscp_amt="0.00", act_pay_dedc="0.00",
            hifp_pay=format_yuan(fund), cvlserv_pay=format_yuan(other), hifes_pay="0.00",
            hifmi_pay="0.00", hifob_pay="0.00", maf_pay="0.00", othfund_pay="0.00",
            fund_pay_sumamt=format_yuan(fund + other), psn_pay=format_yuan(account + cash),
            acct_pay=format_yuan(account), cash_payamt=format_yuan(cash), refd_setl_flag="0",
        )  # fmt: skip
        self._refundable.append(row)
        self.settled.append(row)
        return row

    def _refund(self, month: str) -> CaseRow:
        place = self._random.randrange(len(self._refundable))
        original = self._refundable.pop(place)
        self._count += 1
        money = {
            column: f"-{value}" if value != "0.00" else value
            for column, value in original._asdict().items()
            if column.endswith(("_pay", "amt", "_amt", "_dedc", "selfpay"))
        }
        changes = {
            "setl_id": f"S{self._count:06d}",
            "init_setl_id": original.setl_id,
            "setl_time": f"{month}-28T10:00:00+08:00",
            "refd_setl_flag": "1",
            **money,
        }
        return original._replace(**changes)


class Quarrel:
    """Two provinces and the centre about settlements: contested, answered or not, released, ruled.

    Nobody keeps an order: things are said too early, too late, or never.
    """

    def __init__(self, world: World, clerk: Clerk, ward: Ward) -> None:
        self._world, self._clerk, self._ward = world, clerk, ward
        self._contested: list[CaseRow] = []

    def month(self, chance: float) -> None:
        """Let some of what has been settled be contested, and some be said to what is."""
        random = self._world.random
        for row in self._ward.settled[-6:]:
            if random.random() < chance:
                log, insured = _province(row.mdtrtarea_admvs), _province(row.insuplc_admdvs)
                self._clerk.insist(
                    insured,
                    "dispute",
                    give_up=("DUPLICATE", "EXCEPTION"),
                    log=log,
                    setl_id=row.setl_id,
                    reason="PRICE",
                )
                self._contested.append(row)
        for row in self._contested[-12:]:
            if random.random() < chance:
                self._say(row, random.choice(_VERBS))

    def _say(self, row: CaseRow, verb: str) -> None:
        random, insist = self._world.random, self._clerk.insist
        log, insured = _province(row.mdtrtarea_admvs), _province(row.insuplc_admdvs)
        if verb == "answer":
            insist(log, verb, give_up=_NO_USE, setl_id=row.setl_id, text="it is as it is")
        elif verb == "release":
            insist(insured, verb, give_up=_NO_USE, log=log, setl_id=row.setl_id)
        else:
            code = random.choice((log, insured))
            insist(code, verb, give_up=_NO_USE, setl_id=row.setl_id, reason="hear us")
            self._world.later(random.randint(1_000, 200_000), lambda: self._rule(row))

    def _rule(self, row: CaseRow) -> None:
        random = self._world.random
        outcome = random.choice(("release", "uphold", "split"))
        part = {random.choice(("employee", "resident", "account")): 9_999}
        self._clerk.insist(
            CENTRE,
            "rule",
            give_up=_NO_USE,
            setl_id=row.setl_id,
            insured=_province(row.insuplc_admdvs),
            outcome=outcome,
            reason="heard both",
            upheld=part if outcome == "split" else None,
        )


_VERBS = ("answer", "answer", "release", "escalate", "escalate")
_NO_USE = ("DUPLICATE", "EXCEEDS", "EXCEPTION", "ORIGINAL", "PAIR", "STATE")


class Operators:
    """Two or three people at every node who sign what waits, in any order; some reject.

    Now and then somebody leaves, comes back or has another key.
    """

    def __init__(self, world: World, clerk: Clerk, codes: list[str], random: Random) -> None:
        self._world, self._clerk, self._random = world, clerk, random
        self._codes = codes
        self._seeds: dict[tuple[str, str], bytes] = {}

    def start(self) -> None:
        """Register them, and let them look at what waits from now on."""
        for code in self._codes:
            for name in _NAMES[: self._random.choice((2, 3))]:
                self._register(code, name)
        self._look()

    def month(self) -> None:
        """Change one of the operators somewhere."""
        code, name = self._random.choice(self._codes), self._random.choice(_NAMES)
        if self._random.random() < 0.5:
            self._clerk.insist(code, "operator", give_up=_NO_CHANGE, name=name, status="removed")
        else:
            self._register(code, name)

    def _register(self, code: str, name: str) -> None:
        seed = self._random.randbytes(32)

        def done(value: Any) -> None:
            if not isinstance(value, LedgerError):
                self._seeds[code, name] = seed

        public = public_key(seed).hex()
        self._clerk.insist(code, "operator", done, give_up=_NO_CHANGE, name=name, public=public)

    def _look(self) -> None:
        for code in self._codes:
            if self._world.nodes[code].role is not None:
                self._world.order(code, "approvals", partial(self._sign, code))
        self._world.later(self._random.randint(1_000, 15_000), self._look)

    def _sign(self, code: str, value: Any) -> None:
        if isinstance(value, LedgerError):
            return
        for draft in value["drafts"]:
            name = self._random.choice(_NAMES)
            seed = self._seeds.get((code, name))
            if seed is None or self._world.nodes[code].role is None:
                continue
            given = {"hash": draft["hash"], "operator": name}
            if not draft["by_node"] and self._random.random() < 0.02:
                message = self._rejection(code, draft["hash"])
                given |= {"reason": "not so", "signature": sign(seed, message).hex()}
                self._world.order(code, "reject", **given)
            else:
                given["signature"] = sign(seed, bytes.fromhex(draft["message"])).hex()
                self._world.order(code, "approve", **given)

    def _rejection(self, code: str, digest: str) -> bytes:
        founding = self._world.founding
        return rejection_message(
            founding.network_id, founding.origin(code), bytes.fromhex(digest), "not so"
        )


_NAMES = ("ada", "bo", "cui")
_NO_CHANGE = ("STATE", "KEY", "DUPLICATE")


def _province(area: str) -> str:
    return area[:2] + "0000"


def saboteur(world: World, codes: list[str], cuts: bool) -> None:
    """Let links fail and heal for as long as the world's faults are on."""
    members = [CENTRE, *codes]

    def strike() -> None:
        world.faults.cut.clear()
        if cuts and world.random.random() < 0.5:
            victim = world.random.choice(members)
            for other in members:
                if other != victim:
                    world.faults.cut.add((victim, other))
                    if world.random.random() < 0.5:
                        world.faults.cut.add((other, victim))
        if cuts:
            world.later(world.random.randint(2_000, 20_000), strike)

    strike()
