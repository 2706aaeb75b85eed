"""One log of millions of entries: memory, disk, start-up, proofs, and the audit on all cores.

    python -m tests.benchmarks.large --entries 5000000 [--folder DIR] [--json FILE]

Builds a network of four whose Sichuan log has that many signed settlements (about half a minute a
million), then measures what a user would notice. Nothing here is part of the tests.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from nacl.bindings import crypto_sign_open

from cli.localnet import found
from ledger import log, tree
from ledger.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from ledger.cosignature import cosign, merge_signatures, witness_name
from ledger.entry import make_entry, signature_item
from ledger.store import LmdbStore
from ledger.table import DERIVED, HASH, HEAD, LEAF, Writer, log_key
from node import heads
from node.home import founding_roster, load_keys
from node.keyring import Keys
from node.run import default_ruleset
from settlement import state
from settlement.party import CENTRE
from settlement.record import Acceptance, Genesis, Record, RuleSet
from settlement.roster import Roster
from settlement.state import Verdicts
from tests.network import QINGHAI, SICHUAN, TIBET, settlement

CHUNK = 20_000
RAW = 20_000


class Large:
    """A network on disk with one large log."""

    def __init__(self, folder: Path, entries: int) -> None:
        self.folder, self.entries = folder, entries
        if not folder.exists():
            found(folder, [SICHUAN, TIBET, QINGHAI])
        self.home = folder / SICHUAN
        self.roster: Roster = founding_roster(self.home)
        self.keys: dict[str, Keys] = {
            code: load_keys(folder / code, lambda: None) for code in self.roster.codes
        }
        self.store = LmdbStore.open(self.home / "data")

    def fill(self) -> None:
        """Write the logs, and heads that everybody has cosigned."""
        self.add(CENTRE, [Genesis(self.roster.genesis), *self._rules()])
        for start in range(self._size(SICHUAN), self.entries, CHUNK):
            stop = min(start + CHUNK, self.entries)
            self.add(SICHUAN, [self._settlement(n) for n in range(start, stop)])
            sys.stderr.write(f"\r{stop:,} entries")
        for code in (QINGHAI, TIBET):
            with self.store.read() as reader:
                size = log.size(reader, log_key(SICHUAN))
                root = tree.root_at(reader, log_key(SICHUAN), size)
            self.add(code, [Acceptance(SICHUAN, size, root, [], [])])
        for code in self.roster.codes:
            self._head(code)
        sys.stderr.write("\n")

    def _rules(self) -> list[Record]:
        return [RuleSet("interprovince-net", default_ruleset(), [])]

    def _settlement(self, number: int) -> Record:
        insured = ("630100", "540100")[number % 2]
        return settlement(f"A5101001703{number:09d}", 100_000 + number % 999, insured=insured)

    def _size(self, code: str) -> int:
        with self.store.read() as reader:
            return log.size(reader, log_key(code))

    def add(self, code: str, records: list[Record]) -> None:
        """Add signed records to a log."""
        start, keys = self._size(code), self.keys[code]
        network, origin = self.roster.network_id, self.roster.origin(code)
        leaves = [
            make_entry(keys.entry, network, origin, index, r.kind, 1, r.encode())
            for index, r in enumerate(records, start)
        ]

        def change(writer: Writer) -> None:
            log.append(writer, log_key(code), leaves, start)
            good = Verdicts(None, frozenset())
            assert not any(state.apply(writer, self.roster, code, leaves, good))

        self.store.transact(change)

    def _head(self, code: str) -> None:
        with self.store.read() as reader:
            size = log.size(reader, log_key(code))
            root = tree.root_at(reader, log_key(code), size)
        origin = self.roster.origin(code)
        note = sign_checkpoint(Checkpoint(origin, size, root), self.keys[code].checkpoint)
        text = open_checkpoint(note, origin, self.roster.members[code].checkpoint_key).note.text
        lines = [
            cosign(text, witness_name(self.roster.origin(other)), self.keys[other].witness, 1)
            for other in self.roster.codes
            if other != code
        ]
        known = heads.KnownHead(size, root, merge_signatures(note, lines))
        self.store.transact(lambda writer: heads.save(writer, code, known))

    # --- what is measured ------------------------------------------------------------------------

    def disk(self) -> dict[str, float]:
        """Bytes of entries and of everything beside them, from LMDB's own page counts."""
        pages: dict[str, int] = {}
        env = self.store._env
        for name, database in self.store._databases.items():
            with env.begin() as txn:
                stat = txn.stat(database)
            used = stat["branch_pages"] + stat["leaf_pages"] + stat["overflow_pages"]
            pages[name] = used * env.stat()["psize"]
        with self.store.read() as reader:
            bare = sum(len(leaf) for leaf in log.leaves(reader, log_key(SICHUAN), 0, CHUNK))
        bare = bare * self.entries // min(CHUNK, self.entries)
        return {
            "entry_bytes": bare / self.entries,
            "entries_and_tree": (pages[LEAF] + pages[HASH]) / bare,
            "indexes_and_totals": (pages[DERIVED] + pages[HEAD]) / bare,
        }

    def proofs(self, count: int = 20_000) -> dict[str, float]:
        """Milliseconds of inclusion and consistency proofs at the full size, warm."""
        key, size, chance = log_key(SICHUAN), self.entries, random.Random(1)
        result = {}
        with self.store.read() as reader:
            for name, act in (
                ("inclusion", lambda n: tree.inclusion_proof(reader, key, n, size)),
                ("consistency", lambda n: tree.consistency_proof(reader, key, n + 1, size)),
            ):
                places = [chance.randrange(size - 1) for _ in range(count)]
                for place in places:
                    act(place)
                times = []
                for place in places:
                    begun = time.perf_counter()
                    act(place)
                    times.append((time.perf_counter() - begun) * 1e3)
                cuts = statistics.quantiles(times, n=100)
                result |= {f"{name}_p50_ms": cuts[49], f"{name}_p99_ms": cuts[98]}
        return result

    def audit(self, jobs: int) -> dict[str, float]:
        """A whole audit as a user runs it: seconds, and the largest private memory of a process."""
        command = [
            sys.executable, "-c", "from cli.main import main; main()", "audit", "verify",
            str(self.home), "--policy", str(self.folder / "auditor.policy"), "--jobs", str(jobs),
            "--json",
        ]  # fmt: skip
        begun, peak = time.perf_counter(), 0
        before = os.times()
        with tempfile.TemporaryFile() as printed:
            child = subprocess.Popen(command, stdout=printed)
            while child.poll() is None:
                peak = max([peak, *(private(pid) for pid in family(child.pid))])
                time.sleep(0.1)
            printed.seek(0)
            report = json.loads(printed.read())
        after = os.times()
        assert report["ok"], report["findings"]
        cpu = after.children_user + after.children_system
        cpu -= before.children_user + before.children_system
        wall = time.perf_counter() - begun
        return {
            "wall_s": wall, "cpu_s": cpu, "signatures": report["signatures_verified"],
            "peak_private_mb": peak / 1e6,
        }  # fmt: skip

    def raw(self, processes: int) -> float:
        """Wall seconds per signature of libsodium alone in so many processes."""
        with self.store.read() as reader:
            leaves = list(log.leaves(reader, log_key(SICHUAN), 0, min(RAW, self.entries)))
        key = self.roster.members[SICHUAN].entry_key
        items = [signature_item(leaf, self.roster.network_id, key) for leaf in leaves]
        signed = [signature + message for _, message, signature in items]
        with ProcessPoolExecutor(processes) as pool:
            list(pool.map(partial(_open_all, key), [signed[:10]] * processes))
            begun = time.perf_counter()
            list(pool.map(partial(_open_all, key), [signed] * processes))
            return (time.perf_counter() - begun) / (len(signed) * processes)

    def start_up(self) -> dict[str, float]:
        """Seconds from the start of the process to the first answer over HTTP."""
        import urllib.request

        from node.config import load_config

        self.store.close()
        url = load_config(self.home).url + "/healthz"
        begun = time.perf_counter()
        node = subprocess.Popen(
            [sys.executable, "-m", "node", str(self.home)], stderr=subprocess.DEVNULL
        )
        try:
            while True:
                try:
                    urllib.request.urlopen(url, timeout=1).read()
                    return {"first_answer_s": time.perf_counter() - begun}
                except OSError:
                    time.sleep(0.005)
        finally:
            node.terminate()
            node.wait()
            self.store = LmdbStore.open(self.home / "data")


def _open_all(key: bytes, signed: list[bytes]) -> None:
    for message in signed:
        crypto_sign_open(message, key)


def family(pid: int) -> list[int]:
    """Return a process and its children, as far as they live."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:
        return [pid]
    return [pid, *(other for child in text.split() for other in family(int(child)))]


def private(pid: int) -> int:
    """Return the private memory of a process in bytes: not what it maps of files."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(x.split()[1]) * 1024 for x in lines if x.startswith("RssAnon")), 0)


def main() -> None:
    """Build, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.large")
    parser.add_argument("--entries", type=int, default=500_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gongzhang-large-") as name:
        large = Large(given.folder or Path(name) / "net", given.entries)
        if large._size(SICHUAN) < given.entries:
            large.fill()
        report: dict[str, Any] = {"entries": given.entries}
        report["disk"] = large.disk()
        report["proofs"] = large.proofs()
        report["start_up"] = min(
            (large.start_up() for _ in range(3)), key=lambda found: found["first_answer_s"]
        )
        for jobs in (1, os.cpu_count() or 1):
            raw = large.raw(jobs)
            found_here = large.audit(jobs)
            ratio = raw / (found_here["wall_s"] / found_here["signatures"])
            report[f"audit_{jobs}"] = {**found_here, "wall_ratio_to_raw": ratio}
        large.store.close()
    text = json.dumps(report, indent=2)
    sys.stdout.write(text + "\n")
    if given.json:
        given.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
