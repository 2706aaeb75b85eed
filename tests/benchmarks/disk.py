"""What millions of entries in 32 logs take on disk, and how fast one is found among them.

    python -m tests.benchmarks.disk [--entries 5000000] [--ids dense|gaps|random] [--group 1000]

The logs grow in turns, a group at a time, as they do in a node that follows all of them. Nobody
verifies anything here, so the signatures are random bytes. The three kinds of case ids: each the
next number; numbers with gaps of 1 to 99, as in a province's own sequence of which only some cases
are of other provinces; and 24 random characters, which nobody's system makes.
"""

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from ledger import log, tree
from ledger.encoding import encode_header
from ledger.entry import FORMAT
from ledger.signature import SIGNATURE_BYTES
from ledger.store import LmdbStore
from ledger.table import DERIVED, HASH, HEAD, LEAF, Reader, Writer, log_key
from settlement import lookup, state
from settlement.party import CENTRE, parties
from settlement.record import Settlement
from settlement.state import Verdicts
from tests.network import AT_MS, roster_of, settlement

STEPS: dict[str, Callable[[random.Random], int]] = {
    "dense": lambda _: 1,
    "gaps": lambda chance: chance.randrange(1, 100),
}


class Logs:
    """The logs of 32 participants in one store."""

    def __init__(self, folder: Path, ids: str) -> None:
        self.codes = [code for code in parties() if code != CENTRE]
        self.roster = roster_of(*self.codes)
        self.store = LmdbStore.create(
            folder / "data", self.roster.network_id, self.codes[0], durable=False
        )
        self.bare = 0  # bytes of all entries
        self.last = ""
        self.month = "2017-03"  # of the entries from here on
        self._ids, self._chance = ids, random.Random(1)
        self._number = dict.fromkeys(self.codes, 0)

    def grow(self, code: str, start: int, stop: int) -> None:
        """Add entries to one log, in one transaction."""
        leaves = [self._leaf(code, index) for index in range(start, stop)]
        self.bare += sum(map(len, leaves))
        self.store.transact(partial(self._add, code, leaves, start))

    def _add(self, code: str, leaves: list[bytes], start: int, writer: Writer) -> None:
        log.append(writer, log_key(code), leaves, start)
        good = Verdicts(None, frozenset())
        assert not any(state.apply(writer, self.roster, code, leaves, good))

    def _leaf(self, code: str, index: int) -> bytes:
        others = [other for other in self.codes if other != code]
        insured = others[index % len(others)][:2] + "0100"
        record = settlement(
            self._id(code), 100_000 + index % 999, month=self.month, treated=code[:2] + "0100",
            insured=insured,
        )  # fmt: skip
        header = encode_header(FORMAT, self.roster.origin(code), index, Settlement.kind, AT_MS)
        return self._chance.randbytes(SIGNATURE_BYTES) + header + record.encode()

    def _id(self, code: str) -> str:
        if self._ids == "random":
            self.last = self._chance.randbytes(12).hex()
        else:
            self._number[code] += STEPS[self._ids](self._chance)
            self.last = f"A{code[:4]}001703{self._number[code]:09d}"
        return self.last

    def disk(self) -> dict[str, float]:
        """Pages as multiples of the entries' bytes, from LMDB's own counts."""
        env = self.store._env
        pages = {}
        with env.begin() as txn:
            for name, database in self.store._databases.items():
                stat = txn.stat(database)
                pages[name] = stat["branch_pages"] + stat["leaf_pages"] + stat["overflow_pages"]
        shares = {name: count * env.stat()["psize"] / self.bare for name, count in pages.items()}
        return {
            **{name: shares[name] for name in (LEAF, HASH, DERIVED, HEAD)},
            "entries_and_tree": shares[LEAF] + shares[HASH],
            "indexes_and_totals": shares[DERIVED] + shares[HEAD],
        }

    def reads(self, size: int, count: int = 5_000) -> dict[str, float]:
        """Microseconds of single reads at random places, warm: median and p99."""
        code, result = self.codes[-1], {}
        acts: dict[str, Callable[[Reader, int], object]] = {
            "entry": lambda reader, n: log.leaf(reader, log_key(code), n),
            "inclusion proof": lambda r, n: tree.inclusion_proof(r, log_key(code), n, size),
            "case id": lambda reader, _: lookup.find_settlement(reader, code, self.last),
        }
        with self.store.read() as reader:
            for name, act in acts.items():
                places = [self._chance.randrange(size) for _ in range(count)]
                for place in places:
                    act(reader, place)
                times = [_timed(act, reader, place) for place in places]
                cuts = statistics.quantiles(times, n=100)
                result |= {f"{name} p50": cuts[49], f"{name} p99": cuts[98]}
        return result


def _timed(act: Callable[[Reader, int], object], reader: Reader, place: int) -> float:
    begun = time.perf_counter()
    act(reader, place)
    return (time.perf_counter() - begun) * 1e6


def main() -> None:
    """Fill, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.disk")
    parser.add_argument("--entries", type=int, default=5_000_000)
    parser.add_argument("--ids", choices=("dense", "gaps", "random"), default="dense")
    parser.add_argument("--group", type=int, default=1_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gongzhang-disk-") as name:
        logs = Logs(Path(name), given.ids)
        size = given.entries // len(logs.codes)
        for start in range(0, size, given.group):
            for code in logs.codes:
                logs.grow(code, start, min(start + given.group, size))
            sys.stderr.write(f"\r{start * len(logs.codes):,} entries")
        sys.stderr.write("\n")
        report = {
            "entries": size * len(logs.codes),
            "entry_bytes": logs.bare / (size * len(logs.codes)),
            "disk": logs.disk(),
            "microseconds": logs.reads(size),
        }
        logs.store.close()
    sys.stdout.write(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
