"""`gongzhang claim simulate`: a counter as busy as you like, at running nodes, to watch."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from typing import Annotated, Any

import aiohttp
import typer
from rich.live import Live
from rich.table import Table

from cli.counterload import KINDS, CounterLoad
from cli.homes import Home, Json
from cli.output import emit, guarded, out, say, table, talk, yuan
from ledger.errors import FormError
from node.clock import BusinessCalendar
from node.config import load_config
from node.orders import NodeDownError, order, session

KIND_NAMES = {
    "inpatient": ("inpatient", "住院"), "outpatient": ("ordinary outpatient", "普通门诊"),
    "chronic": ("chronic outpatient", "门诊慢特病"), "pharmacy": ("pharmacy", "药店购药"),
}  # fmt: skip
MAX_WAITING = 500
CITY = {"110000": "110100", "120000": "120100", "310000": "310100", "500000": "500100"}


@dataclass
class Tally:
    """What has come of the claims of one kind so far."""

    outcomes: Counter[str] = field(default_factory=Counter)
    took_ms: list[float] = field(default_factory=list)
    funds_fen: int = 0

    def percentile(self, part: int) -> float:
        """Return a percentile of the waiting times in milliseconds; 0 if there are too few."""
        return quantiles(self.took_ms, n=100)[part - 1] if len(self.took_ms) > 1 else 0.0


def simulate(
    home: Home,
    insured_home: Annotated[
        Path, typer.Option("--insured-home", help="the home of the insured province's node")
    ],
    rate: Annotated[float, typer.Option("--rate", min=0.1, max=500, help="claims a second")] = 10,
    seconds: Annotated[int, typer.Option("--seconds", min=1, help="how long")] = 30,
    people: Annotated[
        int, typer.Option("--people", min=1, max=5_000, help="how many insured")
    ] = 50,
    seed: Annotated[int, typer.Option("--seed", min=0, max=999_999, help="of the stream")] = 1,
    as_json: Json = False,
) -> None:
    """Send a stream of claims to running nodes: kinds and amounts as published, people made up.

    Registers made-up persons at the insured province and three made-up institutions at the
    treatment province: for rehearsals, never on a network whose months count.
    """

    def act() -> dict[str, Any]:
        treatment, insured = load_config(home), load_config(insured_home)
        if treatment.code == insured.code:
            raise FormError("--insured-home", "the home of another province", insured.code)
        load = CounterLoad(seed, _area(treatment.code), _area(insured.code))
        day = BusinessCalendar.parse(treatment.business_date).today()
        run = _Run(home, insured_home, load, f"{day}T12:00:00+08:00", as_json=as_json)
        return asyncio.run(run.all(rate, seconds, people))

    value = guarded(act, as_json=as_json)
    if as_json:
        emit({"ok": True, **value})


def _area(code: str) -> str:
    return CITY.get(code, code[:2] + "0100")


class _Run:
    def __init__(
        self, home: Path, insured_home: Path, load: CounterLoad, at: str, *, as_json: bool
    ) -> None:
        self._home, self._insured_home = home, insured_home
        self._load, self._at = load, at
        self._quiet = as_json
        self._tallies = {kind.name: Tally() for kind in KINDS}
        self._began = 0.0
        self._waiting = 0

    async def all(self, rate: float, seconds: int, people: int) -> dict[str, Any]:
        for institution in self._load.institutions():
            await order(self._home, "institution_put", **institution)
        for person, wish in self._load.people(people):
            token = (await order(self._insured_home, "person_add", **person))["token"]
            begins = f"{self._at[:4]}-01-01"
            await order(self._insured_home, "register", token=token, begins=begins, **wish)
            self._load.registered(token)
        async with session(self._home) as opened:
            await self._known_there(opened)
            with _live(self.shown, quiet=self._quiet) as live:
                await self._stream(opened, rate, seconds, live)
        if not self._quiet:
            out().print(self.shown())
        return self.figures()

    async def _known_there(self, opened: aiohttp.ClientSession) -> None:
        # The insured province judges by its copy of the directory: it has to have come there first.
        _, claim = self._load.claim(self._at)
        for _ in range(200):
            async with opened.post("http://node/api/v1/claims:presettle", json=claim) as response:
                value = await response.json()
            if value.get("code") not in ("INSTITUTION_UNKNOWN", "UNREACHABLE", "LOCKED"):
                return
            await asyncio.sleep(0.1)

    async def _stream(
        self, opened: aiohttp.ClientSession, rate: float, seconds: int, live: Any
    ) -> None:
        self._began = time.perf_counter()
        tasks = []
        for number in range(int(rate * seconds)):
            start = self._began + number / rate
            await asyncio.sleep(max(start - time.perf_counter(), 0))
            if self._waiting < MAX_WAITING:
                tasks.append(asyncio.create_task(self._one(opened, start)))
            if live is not None:
                live.update(self.shown())
        await asyncio.gather(*tasks)

    async def _one(self, opened: aiohttp.ClientSession, start: float) -> None:
        kind, claim = self._load.claim(self._at)
        tally = self._tallies[kind.name]
        self._waiting += 1
        try:
            value = await self._post(opened, "settle", claim)
        finally:
            self._waiting -= 1
        tally.took_ms.append((time.perf_counter() - start) * 1_000)
        outcome = str(value.get("state") or value.get("code"))
        tally.outcomes[outcome] += 1
        if outcome == "settled":
            tally.funds_fen += int(value["bill"]["fund_pay_sumamt"].replace(".", ""))
            if self._load.takes_back():
                wish = {
                    "setl_id": claim["setl_id"], "cancel_id": claim["setl_id"] + "R",
                    "setl_time": self._at,
                }  # fmt: skip
                back = await self._post(opened, "cancel", wish)
                tally.outcomes[str(back.get("state") or back.get("code"))] += 1

    async def _post(self, opened: aiohttp.ClientSession, verb: str, body: Any) -> dict[str, Any]:
        try:
            async with opened.post(f"http://node/api/v1/claims:{verb}", json=body) as response:
                return dict(await response.json())
        except (aiohttp.ClientError, OSError) as error:
            raise NodeDownError(f"the node in {self._home} does not answer: {error}") from None

    def shown(self) -> Table:
        spent = max(time.perf_counter() - self._began, 0.001)
        columns = [
            (say("kind", "类别"), "left"), (say("claims", "笔数"), "right"),
            (say("a second", "每秒"), "right"), (say("settled", "已结算"), "right"),
            (say("cancelled", "已撤销"), "right"), (say("refused", "未结算"), "left"),
            (say("funds, yuan", "基金支付（元）"), "right"), ("p50 ms", "right"),
            ("p99 ms", "right"),
        ]  # fmt: skip
        rows = []
        for name, tally in self._tallies.items():
            count = len(tally.took_ms)
            refused = {
                code: n
                for code, n in sorted(tally.outcomes.items())
                if code not in ("settled", "cancelled")
            }
            rows.append([
                say(*KIND_NAMES[name]), str(count), f"{count / spent:.1f}",
                str(tally.outcomes["settled"]), str(tally.outcomes["cancelled"]),
                ", ".join(f"{code} {n}" for code, n in refused.items()) or "-",
                yuan(tally.funds_fen), f"{tally.percentile(50):.1f}",
                f"{tally.percentile(99):.1f}",
            ])  # fmt: skip
        title = say(f"At the counter, {spent:.0f} s", f"就医结算，已运行 {spent:.0f} 秒")
        return table(title, columns, rows)

    def figures(self) -> dict[str, Any]:
        return {
            "seconds": round(time.perf_counter() - self._began, 1),
            "kinds": {
                name: {
                    "claims": len(tally.took_ms),
                    "outcomes": dict(sorted(tally.outcomes.items())),
                    "funds_fen": tally.funds_fen,
                    "p50_ms": round(tally.percentile(50), 1),
                    "p99_ms": round(tally.percentile(99), 1),
                }
                for name, tally in self._tallies.items()
            },
        }


def _live(shown: Callable[[], Table], *, quiet: bool) -> Any:
    console = talk()
    if quiet or not console.is_terminal:
        return nullcontext()
    return Live(shown(), console=console, refresh_per_second=4, transient=True)
