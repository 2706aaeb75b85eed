"""Throughput as a ratio to raw signature verification in the same run.

    python -m tests.benchmarks [--entries 20000] [--rounds 5] [--only append] [--json FILE]

Every round measures everything once, the baseline among them, in CPU seconds of this process, so a
busy machine slows all of them alike. Reported are the median and the range over the rounds. What
counts is the ratio: one signature verified by the product against one verified by libsodium alone.
What other processes take of the cores is shown, because it is not the same to all: a commit
waits for the disk, and whoever gets the core then leaves its caches cold; the baseline never waits.
*Quiet* are the rounds in which that was below a tenth.
Parts of the audit are measured by themselves, too, so that `apply` (rules, ids, totals) can be told
apart from reading, verifying and hashing.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

import aiohttp
from aiohttp import web
from nacl.bindings import crypto_sign_open
from rich.console import Console
from rich.table import Table

from cli.localnet import free_ports
from cli.source import HomeSource
from cli.trust import auditor_policy
from cli.verifiers import SLICE
from cli.verify import Audit
from ledger import log, tree
from ledger.entry import signature_item
from ledger.hashing import leaf_hashes
from ledger.memory import MemoryStore
from ledger.policy import parse_policy
from ledger.proof import verify_consistency
from ledger.signature import SIGNATURE_BYTES
from ledger.store import LmdbStore
from ledger.table import Writer, log_key
from node import heads
from node.message import MAX_PULL, PULLED, Pull, decode_message
from node.serve import serve
from node.server import listen
from settlement import batch as batches
from settlement import lookup, state
from settlement.party import CENTRE
from settlement.record import Head
from settlement.state import Verdicts
from tests.network import QINGHAI, SICHUAN, TIBET, Logs, settlement

GROUP = 100
HTTP_GROUP = 1_000
CODES = (SICHUAN, TIBET, QINGHAI)
QUIET = 0.1  # of the cores, for everybody else
Round = tuple[int, float, float, float]


@dataclass
class Series:
    """The rounds of one measurement.

    A round is (signatures verified, CPU seconds, wall seconds, share of the cores others took).
    """

    name: str
    aim: float | None
    rounds: list[Round] = field(default_factory=list)

    def rate(self, number: int) -> float:
        """Return signatures per CPU second in a round."""
        count, cpu, *_ = self.rounds[number]
        return count / cpu


class Bench:
    """The data of a run and what is measured with it."""

    def __init__(self, entries: int, folder: Path) -> None:
        self.folder = folder
        self.logs = Logs(CODES)
        insured = ("630100", "540100")
        for start in range(0, entries, 1_000):
            stop = min(start + 1_000, entries)
            self.logs.add_leaves(
                SICHUAN, [self._leaf(n, insured[n % 2]) for n in range(start, stop)]
            )
        for code in (QINGHAI, TIBET):
            self.logs.accept(code, SICHUAN)
        key = log_key(SICHUAN)
        self.leaves = list(log.leaves(self.logs.store, key, 0, entries))
        network, public = self.logs.roster.network_id, self.logs.roster.members[SICHUAN].entry_key
        items = [signature_item(leaf, network, public) for leaf in self.leaves]
        self.signed = [signature + message for _, message, signature in items]
        self.public = public
        self.full = self._store("full")
        self._fill(self.full)
        self._made = 0

    def _leaf(self, number: int, insured: str) -> bytes:
        record = settlement(f"A5101001703{number:09d}", 100_000 + number, insured=insured)
        return self.logs.leaf(SICHUAN, record, index=number)

    def _store(self, name: str) -> LmdbStore:
        return LmdbStore.create(self.folder / name, self.logs.roster.network_id, QINGHAI)

    def _fill(self, store: LmdbStore) -> None:
        roster = self.logs.roster
        for code in (CENTRE, *CODES):
            key, size = log_key(code), self.logs.size(code)
            leaves = list(log.leaves(self.logs.store, key, 0, size))
            note = self.logs.checkpoint(code) if size else b""
            store.transact(partial(self._copy, code, leaves, note))
        assert roster.head_quorum == 2

    def _copy(self, code: str, leaves: list[bytes], note: bytes, writer: Writer) -> None:
        log.append(writer, log_key(code), leaves, 0)
        state.apply(writer, self.logs.roster, code, leaves)
        if leaves:
            root = tree.root_at(writer, log_key(code), len(leaves))
            heads.save(writer, code, heads.KnownHead(len(leaves), root, note))

    # --- what is measured: each returns how many signatures it verified -------------------------

    def raw(self) -> int:
        """libsodium alone, over the very same messages."""
        for message in self.signed:
            crypto_sign_open(message, self.public)
        return len(self.signed)

    def append(self) -> int:
        """Signed entries, checked, applied and made durable in groups of 100."""
        store = self._fresh()
        for start in range(0, len(self.leaves), GROUP):
            store.transact(partial(self._enter, self.leaves[start : start + GROUP], start))
        self._check(store)
        return len(self.leaves)

    def _enter(self, leaves: list[bytes], start: int, writer: Writer) -> None:
        log.append(writer, log_key(SICHUAN), leaves, start)
        assert not any(state.apply(writer, self.logs.roster, SICHUAN, leaves))

    def replicate(self) -> int:
        """A copy from another node's store: served, decoded, proved, checked, made durable."""
        store, size = self._fresh(), len(self.leaves)
        target = self.logs.head(SICHUAN)
        at = 0
        while at < size:
            with self.full.read() as reader:
                answer = serve(reader, Pull(SICHUAN, at, min(at + MAX_PULL, size), size))
            pulled = PULLED.decode(answer.body)
            store.transact(partial(self._take, pulled.leaves, pulled.proof, at, target))
            at += len(pulled.leaves)
        self._check(store)
        return size

    def _take(
        self, leaves: list[bytes], proof: list[bytes], at: int, target: Head, writer: Writer
    ) -> None:
        key = log_key(SICHUAN)
        stop = log.append(writer, key, leaves, at)
        root = tree.root_at(writer, key, stop)
        if stop == target.size:
            assert root == target.root
        else:
            verify_consistency(stop, root, target.size, target.root, proof)
        assert not any(state.apply(writer, self.logs.roster, SICHUAN, leaves))

    def over_http(self) -> int:
        """The same in groups of 1,000 over HTTP on loopback; both sides count."""
        return asyncio.run(self._over_http())

    async def _over_http(self) -> int:
        async def answer(request: web.Request) -> web.Response:
            message = decode_message(Pull.path, await request.read())
            with self.full.read() as reader:
                return web.Response(body=serve(reader, message).body)

        app = web.Application()
        app.router.add_post(Pull.path, answer)
        (port,) = free_ports(1)
        runner = await listen(app, address=("127.0.0.1", port))
        store, size, target = self._fresh(), len(self.leaves), self.logs.head(SICHUAN)
        async with aiohttp.ClientSession() as session:
            for at in range(0, size, HTTP_GROUP):
                wanted = Pull(SICHUAN, at, min(at + HTTP_GROUP, size), size)
                url = f"http://127.0.0.1:{port}{Pull.path}"
                async with session.post(url, data=wanted.encode()) as response:
                    pulled = PULLED.decode(await response.read())
                take = partial(self._take, pulled.leaves, pulled.proof, at, target)
                await asyncio.to_thread(store.transact, take)
        await runner.cleanup()
        self._check(store)
        return size

    def audit(self) -> int:
        """Everything recomputed from a node's store, trusting a policy file."""
        policy = parse_policy(auditor_policy(self.logs.roster.genesis).encode())
        with (
            self.full.read() as reader,
            Audit(HomeSource(reader), policy, workers=1) as audit,
        ):
            report = audit.run()
        assert report.exit_code == 0, report.findings
        return report.signatures_verified

    def decode(self) -> int:
        """Part of an audit: header and body of every entry, with the canonical check."""
        for leaf in self.leaves:
            assert state.SETTLEMENTS.decode(leaf[SIGNATURE_BYTES:]) is not None
        return len(self.leaves)

    def hash(self) -> int:
        """Part of an audit: leaf hashes and tree."""
        store = MemoryStore()
        for start in range(0, len(self.leaves), SLICE):
            hashes = leaf_hashes(self.leaves[start : start + SLICE])
            store.transact(partial(self._grow, hashes, start))
        return len(self.leaves)

    def _grow(self, hashes: list[bytes], start: int, writer: Writer) -> None:
        tree.append_hashes(writer, log_key(SICHUAN), start, hashes)

    def apply(self) -> int:
        """Part of an audit: decoding and what follows from the entries, verdicts given."""
        store = MemoryStore()
        for start in range(0, len(self.leaves), SLICE):
            store.transact(partial(self._apply, self.leaves[start : start + SLICE]))
        return len(self.leaves)

    def _apply(self, leaves: list[bytes], writer: Writer) -> None:
        good = Verdicts(None, frozenset())
        assert not any(state.apply(writer, self.logs.roster, SICHUAN, leaves, good))

    def close_month(self) -> int:
        """The result of a month from the totals: no signature, so it counts as one operation."""
        with self.full.read() as reader:
            size = lookup.applied_size(reader, CENTRE)
            result = batches.compute(reader, self.logs.roster, "2017-03", self.logs.cut(), size)
        assert result.entries == len(self.leaves)
        return 1

    def _fresh(self) -> LmdbStore:
        self._made += 1
        return self._store(f"round-{self._made}")

    def _check(self, store: LmdbStore) -> None:
        with store.read() as reader:
            head = self.logs.head(SICHUAN)
            assert tree.root_at(reader, log_key(SICHUAN), head.size) == head.root
        store.close()


def measure(act: Callable[[], int]) -> Round:
    """Return what `act` counted, the CPU and wall seconds it took, and the share of others."""
    cpu, wall, busy = process_time(), perf_counter(), _busy()
    count = act()
    cpu, wall, busy = process_time() - cpu, perf_counter() - wall, _busy() - busy
    return count, cpu, wall, max(busy - cpu, 0.0) / wall / (os.cpu_count() or 1)


def _busy() -> float:
    """Return the CPU seconds of all processes since the machine started."""
    first = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0]
    user, nice, system, _idle, _iowait, irq, soft, *_ = map(int, first.split()[1:])
    return (user + nice + system + irq + soft) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure, print a table, write the JSON file."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("--entries", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=("append", "replicate", "over_http"))
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gongzhang-bench-") as name:
        bench = Bench(given.entries, Path(name))
        report = (
            run_one(bench, given.only, given.rounds) if given.only else run(bench, given.rounds)
        )
    report = {"entries": given.entries, **report}
    show(report)
    if given.json:
        given.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


SERIES = {
    "raw": ("raw libsodium verification", None),
    "append": ("signed durable append, groups of 100", 0.85),
    "replicate": ("verified replication", 0.85),
    "over_http": ("the same over HTTP, groups of 1,000", 0.75),
    "audit": ("full audit, everything counted", None),
}
PARTS = ("decode", "hash", "apply")


def run_one(bench: Bench, only: str, rounds: int) -> dict[str, Any]:
    """Measure one thing and the baseline."""
    measured = {name: Series(*SERIES[name]) for name in ("raw", only)}
    for _ in range(rounds):
        for name, series in measured.items():
            series.rounds.append(measure(getattr(bench, name)))
    return summary(list(measured.values()))


def run(bench: Bench, rounds: int) -> dict[str, Any]:
    """Measure everything."""
    measured = {name: Series(*of) for name, of in SERIES.items()}
    parts = {name: Series(name, None) for name in PARTS}
    close = Series("close of a month", None)
    for _ in range(rounds):
        for name, series in (measured | parts).items():
            series.rounds.append(measure(getattr(bench, name)))
        close.rounds.append(measure(bench.close_month))
    shown = [*measured.values(), apart(measured["audit"], *parts.values())]
    return summary(shown) | shares(measured["raw"], list(parts.values()), close)


def apart(audit: Series, decode: Series, _hash: Series, apply: Series) -> Series:
    """Return the audit without what `apply` does beyond decoding."""
    result = Series("full audit, apply apart", 0.93)
    for whole, read, applied in zip(audit.rounds, decode.rounds, apply.rounds, strict=True):
        cpu = whole[1] - (applied[1] - read[1])
        result.rounds.append((whole[0], cpu, whole[2], whole[3]))
    return result


def summary(measured: list[Series]) -> dict[str, Any]:
    """Return medians and ranges; ratios are taken round by round."""
    raw = measured[0]
    rows = []
    for series in measured:
        numbers = range(len(series.rounds))
        ratios = [series.rate(n) / raw.rate(n) for n in numbers]
        quiet = [
            ratio for ratio, done in zip(ratios, series.rounds, strict=True) if done[3] < QUIET
        ]
        rows.append(
            {
                "name": series.name,
                "aim": series.aim,
                "per_cpu_second": _spread([series.rate(n) for n in numbers]),
                "ratio": _spread(ratios),
                "others": _spread([done[3] for done in series.rounds]),
                "quiet": {"rounds": len(quiet), **(_spread(quiet) if quiet else {})},
            }
        )
    return {"rounds": len(raw.rounds), "series": rows}


def shares(raw: Series, parts: list[Series], close: Series) -> dict[str, Any]:
    """Return what the parts of an audit and the close of a month take of a verification."""
    numbers = range(len(raw.rounds))
    micros = [cpu * 1e6 for _, cpu, *_ in close.rounds]
    return {
        "shares_of_a_verification": {
            series.name: _spread([raw.rate(n) / series.rate(n) for n in numbers])
            for series in parts
        },
        "close": {
            "microseconds": _spread(micros),
            "verifications": _spread([micros[n] * raw.rate(n) / 1e6 for n in numbers]),
        },
    }


def _spread(values: list[float]) -> dict[str, float]:
    return {"median": median(values), "min": min(values), "max": max(values)}


def show(report: dict[str, Any]) -> None:
    """Print the report as a table."""
    table = Table(title=f"{report['entries']} entries, {report['rounds']} interleaved rounds")
    headings = ("", "signatures per CPU second", "ratio to raw", "quiet rounds", "others", "aim")
    for heading in headings:
        table.add_column(heading, justify="left" if not heading else "right")
    for row in report["series"]:
        quiet = row["quiet"]
        table.add_row(
            row["name"],
            _cell(row["per_cpu_second"], ",.0f"),
            _cell(row["ratio"], ".3f"),
            f"{quiet['rounds']}: {_cell(quiet, '.3f')}" if quiet["rounds"] else "none",
            f"{row['others']['median']:.0%}",
            f"{row['aim']:.2f}" if row["aim"] else "",
        )
    console = Console(file=sys.stdout, width=130)
    console.print(table)
    if "close" in report:
        show_shares(report, console)


def show_shares(report: dict[str, Any], console: Console) -> None:
    """Print what the parts of an audit and the close of a month take."""
    shares = report["shares_of_a_verification"]
    decode, hashed, applied = (shares[name]["median"] for name in PARTS)
    close = report["close"]
    console.print(
        f"of one verification: decoding and canonical check {decode:.1%}, leaf hash and tree "
        f"{hashed:.1%} (together at most 8 %); rules, ids and totals {applied - decode:.1%}"
    )
    console.print(
        f"close of a month: {_cell(close['microseconds'], ',.0f')} µs"
        f" = {close['verifications']['median']:.0f} verifications, whatever the number of entries"
    )


def _cell(spread: dict[str, float], form: str) -> str:
    low, middle, high = (format(spread[name], form) for name in ("min", "median", "max"))
    return f"{middle} [{low}, {high}]"


if __name__ == "__main__":
    main()
