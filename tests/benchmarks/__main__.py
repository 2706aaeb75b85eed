"""Throughput as a ratio to raw signature verification in the same run.

    python -m tests.benchmarks [--entries 20000] [--rounds 5] [--json FILE]

Every round measures everything once, the baseline among them, in CPU seconds of this process, so a
busy machine slows all of them alike. Reported are the median and the range over the rounds. What
counts is the ratio: one signature verified by the product against one verified by libsodium alone.
Parts of the audit are measured by themselves, too, so that `apply` (rules, ids, totals) can be told
apart from reading, verifying and hashing.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

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


@dataclass
class Series:
    """The rounds of one measurement: (signatures verified, CPU seconds, wall seconds)."""

    name: str
    aim: float | None
    rounds: list[tuple[int, float, float]] = field(default_factory=list)

    def rate(self, number: int) -> float:
        """Return signatures per CPU second in a round."""
        count, cpu, _ = self.rounds[number]
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


def measure(act: Callable[[], int]) -> tuple[int, float, float]:
    """Return what `act` counted and the CPU and wall seconds it took."""
    cpu, wall = process_time(), perf_counter()
    count = act()
    return count, process_time() - cpu, perf_counter() - wall


def main() -> None:
    """Measure, print a table, write the JSON file."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("--entries", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gongzhang-bench-") as name:
        bench = Bench(given.entries, Path(name))
        all_series = [
            (Series("raw libsodium verification", None), bench.raw),
            (Series("signed durable append, groups of 100", 0.85), bench.append),
            (Series("verified replication", 0.85), bench.replicate),
            (Series("the same over HTTP, groups of 1,000", 0.75), bench.over_http),
            (Series("full audit, everything counted", None), bench.audit),
        ]
        parts = [
            (Series("decode", None), bench.decode),
            (Series("hash", None), bench.hash),
            (Series("apply", None), bench.apply),
        ]
        close = Series("close of a month", None)
        for _ in range(given.rounds):
            for series, act in (*all_series, *parts):
                series.rounds.append(measure(act))
            close.rounds.append(measure(bench.close_month))
        measured = [series for series, _ in all_series]
        shown = [*measured, apart(measured[-1], *(series for series, _ in parts))]
        report = summary(shown, [series for series, _ in parts], close, given.entries)
    show(report)
    if given.json:
        given.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def apart(audit: Series, decode: Series, _hash: Series, apply: Series) -> Series:
    """Return the audit without what `apply` does beyond decoding."""
    result = Series("full audit, apply apart", 0.93)
    for whole, read, applied in zip(audit.rounds, decode.rounds, apply.rounds, strict=True):
        result.rounds.append((whole[0], whole[1] - (applied[1] - read[1]), whole[2]))
    return result


def summary(
    measured: list[Series], parts: list[Series], close: Series, entries: int
) -> dict[str, object]:
    """Return medians and ranges; ratios are taken round by round."""
    raw = measured[0]
    shares = {
        series.name: _spread([raw.rate(n) / series.rate(n) for n in range(len(raw.rounds))])
        for series in parts
    }
    rows = []
    for series in measured:
        numbers = range(len(series.rounds))
        ratios = [series.rate(n) / raw.rate(n) for n in numbers]
        rates = [series.rate(n) for n in numbers]
        rows.append(
            {
                "name": series.name,
                "aim": series.aim,
                "per_cpu_second": _spread(rates),
                "ratio": _spread(ratios),
            }
        )
    micros = [cpu * 1e6 for _, cpu, _ in close.rounds]
    one = [1e6 / raw.rate(n) for n in range(len(raw.rounds))]
    return {
        "entries": entries,
        "rounds": len(raw.rounds),
        "series": rows,
        "shares_of_a_verification": shares,
        "close": {
            "microseconds": _spread(micros),
            "verifications": _spread([a / b for a, b in zip(micros, one, strict=True)]),
        },
    }


def _spread(values: list[float]) -> dict[str, float]:
    return {"median": median(values), "min": min(values), "max": max(values)}


def show(report: dict) -> None:  # type: ignore[type-arg]
    """Print the report as a table."""
    table = Table(title=f"{report['entries']} entries, {report['rounds']} interleaved rounds")
    for heading in ("", "signatures per CPU second", "ratio to raw", "aim"):
        table.add_column(heading, justify="left" if not heading else "right")
    for row in report["series"]:
        rate, ratio = row["per_cpu_second"], row["ratio"]
        table.add_row(
            row["name"],
            f"{rate['median']:,.0f} [{rate['min']:,.0f}, {rate['max']:,.0f}]",
            f"{ratio['median']:.2f} [{ratio['min']:.2f}, {ratio['max']:.2f}]",
            f"{row['aim']:.2f}" if row["aim"] else "",
        )
    shares = report["shares_of_a_verification"]
    decode, hashed, applied = (shares[name]["median"] for name in ("decode", "hash", "apply"))
    close = report["close"]
    micros, units = close["microseconds"], close["verifications"]
    console = Console(file=sys.stdout, width=110)
    console.print(table)
    console.print(
        f"of one verification: decoding and canonical check {decode:.1%}, leaf hash and tree "
        f"{hashed:.1%} (together at most 8 %); rules, ids and totals {applied - decode:.1%}"
    )
    console.print(
        f"close of a month: {micros['median']:,.0f} µs [{micros['min']:,.0f}, {micros['max']:,.0f}]"
        f" = {units['median']:.0f} verifications, whatever the number of entries"
    )


if __name__ == "__main__":
    main()
