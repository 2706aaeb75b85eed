"""Real nodes killed at any point of a month: the month ends with the same result."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from cli.localnet import LocalNet, found
from cli.rehearsal import read_book, read_file, to_csv
from ledger.errors import LedgerError, RefusedError, UncheckableError
from ledger.store import LmdbStore
from node.orders import call, check, order
from settlement.party import CENTRE, province_of
from settlement.report import month_report
from settlement.roster import Roster
from tests.cleared import PARTIES, Cleared
from tests.commands import EXAMPLE, gongzhang

CODES = PARTIES.split(",")
MONTH = "2017-03"
PATIENCE_SECONDS = 120


class Trouble:
    """Kills nodes with -9 and starts them again, for as long as it is on."""

    def __init__(self, net: LocalNet, seed: int) -> None:
        self.net = net
        self.chance = random.Random(seed)
        self.kills = 0
        self.killed = asyncio.Event()
        self.on = True

    async def another(self) -> None:
        """Wait until one more node has been killed, so that every step has its trouble."""
        self.killed.clear()
        await self.killed.wait()

    async def run(self) -> None:
        while self.on:
            await asyncio.sleep(self.chance.uniform(0.02, 0.3))
            code = self.chance.choice([CENTRE, *CODES])
            self.net.kill(code)
            self.kills += 1
            self.killed.set()
            await self.net.processes[code].wait()
            await asyncio.sleep(self.chance.uniform(0.0, 0.1))
            await self.net.start([code])


async def insist(act: Callable[[], Awaitable[Any]], done: tuple[str, ...] = ()) -> None:
    """Do something until it works; codes in `done` mean that it already has."""
    for _ in range(PATIENCE_SECONDS * 5):
        try:
            await act()
        except RefusedError as error:
            if error.code in done:
                return
        except (UncheckableError, LedgerError):
            pass
        else:
            return
        await asyncio.sleep(0.2)
    raise AssertionError("it never worked")


def report(folder: Path) -> dict[str, Any] | None:
    founding = Roster.found((folder / "network.genesis").read_bytes())
    store = LmdbStore.open(folder / CENTRE / "data", readonly=True)
    try:
        with store.read() as reader:
            return month_report(reader, founding, MONTH)
    finally:
        store.close()


async def reached(folder: Path, states: tuple[str, ...]) -> dict[str, Any]:
    for _ in range(PATIENCE_SECONDS * 5):
        found = report(folder)
        if found is not None and found["state"] in states:
            return found
        await asyncio.sleep(0.2)
    raise AssertionError(f"the month is {found and found['state']}, not one of {states}")


async def month(folder: Path, trouble: Trouble) -> dict[str, Any]:
    """Run a month while nodes are being killed; return its figures."""
    book = read_book(read_file(EXAMPLE), CODES)
    rows: dict[str, list[Any]] = {}
    for row in book.rows[MONTH]:
        rows.setdefault(province_of(row.mdtrtarea_admvs), []).append(row)

    async def enter(code: str) -> None:
        status, value = await call(folder / code, "/api/v1/import", to_csv(rows[code]))
        check(status, value)

    for code in sorted(rows):
        await insist(lambda c=code: enter(c))
    await trouble.another()
    await everything_accepted(folder, len(book.rows[MONTH]))
    await insist(lambda: order(folder / CENTRE, "close", month=MONTH), ("STATE", "DUPLICATE"))
    await trouble.another()
    found = await reached(folder, ("CONFIRMED", "SETTLED", "FINAL"))
    await trouble.another()
    for leg in found["legs"]:
        paid = {"month": MONTH, "leg": leg["leg"], "reference": f"B{leg['leg']}"}
        payer, payee = folder / leg["payer"], folder / leg["payee"]
        await insist(lambda h=payer, p=paid: order(h, "paid", **p, date="2017-04-15"))
        await insist(lambda h=payee, p=paid: order(h, "received", **p, date="2017-04-15"))
    trouble.on = False
    return await reached(folder, ("FINAL",))


async def everything_accepted(folder: Path, entries: int) -> None:
    for _ in range(PATIENCE_SECONDS * 5):
        done = await asyncio.to_thread(
            gongzhang, "batch", "close", MONTH, "--dry-run", "--json", "--home", folder / CENTRE
        )
        if f'"entries": {entries},' in done.stdout:
            return
        await asyncio.sleep(0.2)
    raise AssertionError("not everything was accepted")


async def play(folder: Path, seed: int) -> tuple[dict[str, Any], int]:
    found(folder, CODES)
    net = LocalNet(folder)
    await net.start([CENTRE, *CODES])
    trouble = Trouble(net, seed)
    task = asyncio.create_task(trouble.run())
    try:
        result = await month(folder, trouble)
        await task
        await asyncio.sleep(1)
    finally:
        trouble.on = False
        await asyncio.gather(task, return_exceptions=True)
        await net.stop()
    return result, trouble.kills


@pytest.mark.parametrize("seed", range(3))
def test_nodes_killed_all_through_a_month_come_to_the_same_result(
    tmp_path: Path, cleared: Cleared, seed: int
) -> None:
    quiet = cleared.report["months"][0]
    result, kills = asyncio.run(play(tmp_path, seed))
    assert kills >= 3
    for name in ("state", "entries", "pairs_fen", "nets_fen", "result_hash", "carried"):
        assert result[name] == quiet[name], name
    for code in (CENTRE, *CODES):
        done = gongzhang(
            "audit", "verify", tmp_path / code, "--policy", tmp_path / "auditor.policy"
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert gongzhang("log", "fsck", "--home", tmp_path / code).returncode == 0
