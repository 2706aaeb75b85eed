"""How long a patient waits: claims at a steady rate through the hospitals' door.

    python -m tests.benchmarks.claims [--rate 50] [--seconds 20] [--json FILE]

Three nodes (the centre, the treatment province, the insured province) run as processes of their own
on this machine, with real stores and synced disks. Requests start at their time whether earlier
ones have been answered or not, and a request's time counts from when it should have started. The
machine's own sync and an empty HTTP request to the same node are measured in the same run.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import quantiles
from typing import Any

import aiohttp
from rich.console import Console
from rich.table import Table

from cli.counterload import CounterLoad
from cli.localnet import LocalNet, found, free_ports
from node.config import format_config, load_config
from node.hospital import TOKENS, Tokens
from node.orders import order
from settlement.party import CENTRE

TREATMENT, INSURED = "510000", "630000"
TIME = "2017-03-05T10:00:00+08:00"
LIMIT_MS = 50


async def prepare(folder: Path, people: int) -> tuple[LocalNet, CounterLoad, dict[str, str], str]:
    """Return a running network, a stream of claims, a token per institution, and the door."""
    found(folder, [TREATMENT, INSURED], business_date="2017-03-05")
    door = f"http://127.0.0.1:{free_ports(1)[0]}"
    set_up(folder / TREATMENT, hospitals=door)
    set_up(folder / INSURED, policy="qinghai-example")
    net = LocalNet(folder)
    await net.start([CENTRE, TREATMENT, INSURED])
    await net.unlocked([CENTRE, TREATMENT, INSURED])
    load = CounterLoad(1, "510100", "630100")
    tokens = Tokens(folder / TREATMENT / TOKENS)
    issued = {}
    for institution in load.institutions():
        await order(folder / TREATMENT, "institution_put", **institution)
        issued[institution["code"]] = tokens.issue(institution["code"])
    for person, wish in load.people(people):
        token = (await order(folder / INSURED, "person_add", **person))["token"]
        await order(folder / INSURED, "register", token=token, begins="2017-01-01", **wish)
        load.registered(token)
    return net, load, issued, door


def set_up(home: Path, **changes: Any) -> None:
    """Change the configuration of a home."""
    (home / "node.toml").write_text(format_config(replace(load_config(home), **changes)))


async def steady(
    session: aiohttp.ClientSession, load: CounterLoad, issued: dict[str, str], door: str,
    verb: str, rate: int, seconds: int,
) -> tuple[list[float], dict[str, int]]:  # fmt: skip
    """Return the milliseconds of every request, and how often each outcome came."""
    took: list[float] = []
    outcomes: dict[str, int] = {}

    async def one(start: float, claim: dict[str, Any]) -> None:
        headers = {"Authorization": f"Bearer {issued[claim['institution']]}"}
        async with session.post(f"{door}/api/v1/claims:{verb}", json=claim, headers=headers) as r:
            value = await r.json()
        took.append((time.perf_counter() - start) * 1_000)
        outcome = value.get("state") or value["code"]
        outcomes[outcome] = outcomes.get(outcome, 0) + 1

    begin = time.perf_counter() + 0.1
    tasks = []
    for number in range(rate * seconds):
        start = begin + number / rate
        await asyncio.sleep(max(start - time.perf_counter(), 0))
        tasks.append(asyncio.create_task(one(start, load.claim(TIME)[1])))
    await asyncio.gather(*tasks)
    return took, outcomes


async def empty(session: aiohttp.ClientSession, door: str, count: int) -> list[float]:
    """Return the milliseconds of requests that ask for nothing."""
    took = []
    for _ in range(count):
        start = time.perf_counter()
        async with session.get(f"{door}/healthz") as response:
            await response.read()
        took.append((time.perf_counter() - start) * 1_000)
    return took


def syncs(folder: Path, count: int) -> list[float]:
    """Return the milliseconds of writing a page and syncing it."""
    took = []
    with (folder / "probe").open("wb") as file:
        for _ in range(count):
            start = time.perf_counter()
            file.write(bytes(4096))
            file.flush()
            os.fdatasync(file.fileno())
            took.append((time.perf_counter() - start) * 1_000)
    return took


def percentiles(took: list[float]) -> dict[str, float]:
    """Return the median and the 99th percentile."""
    cuts = quantiles(took, n=100)
    return {"p50_ms": round(cuts[49], 2), "p99_ms": round(cuts[98], 2), "count": len(took)}


async def run(rate: int, seconds: int, people: int) -> dict[str, Any]:
    """Measure everything once."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        net, load, issued, door = await prepare(folder / "net", people)
        try:
            async with aiohttp.ClientSession() as session:
                await steady(session, load, issued, door, "settle", rate, 2)  # warm
                settle, outcomes = await steady(
                    session, load, issued, door, "settle", rate, seconds
                )
                presettle, _ = await steady(session, load, issued, door, "presettle", rate, seconds)
                health = await empty(session, door, 300)
        finally:
            await net.stop()
        return {
            "rate": rate,
            "settle": percentiles(settle),
            "presettle": percentiles(presettle),
            "empty request": percentiles(health),
            "sync": percentiles(syncs(folder, 300)),
            "outcomes": outcomes,
        }


def main() -> None:
    """Run the benchmark and print what it found."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=int, default=50)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found_ = asyncio.run(run(options.rate, options.seconds, options.people))
    table = Table(title=f"claims, {options.rate} a second (aim for settle: p99 {LIMIT_MS} ms)")
    for heading in ("what", "p50 ms", "p99 ms", "count"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    for name in ("settle", "presettle", "empty request", "sync"):
        table.add_row(name, *map(str, found_[name].values()))
    Console(file=sys.stdout).print(table)
    print(found_["outcomes"])
    if options.json:
        options.json.write_text(json.dumps(found_, indent=2))


if __name__ == "__main__":
    main()
