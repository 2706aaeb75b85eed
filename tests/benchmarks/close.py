"""How long a month takes from its last entry to the proposal, whatever the number of entries.

    python -m tests.benchmarks.close [--entries 50000 5000000] [--disputes 0 10000] [--json FILE]

32 logs in one store, as a node holds them: half of the entries are of a month that is confirmed,
the other half of the month that is closed, everything accepted by everybody, and so many disputes
open. A round is: the last entry and its acceptance are committed, the centre's role draws the cut
and proposes (timed: from before the last entry's commit until the proposal is durable); a
province's role, started anew and knowing nothing, recomputes and attests (timed: its whole turn).
Then the proposal is withdrawn. The stores sync; replication and cosignatures in between are the
network's and not here. Entries that nobody verifies here have random bytes for signatures.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

from nacl.bindings import crypto_sign_open
from rich.console import Console
from rich.table import Table

from ledger import log, tree
from ledger.checkpoint import Checkpoint, sign_checkpoint
from ledger.encoding import encode_header
from ledger.entry import FORMAT, make_entry, signature_item
from ledger.errors import LedgerError
from ledger.signature import SIGNATURE_BYTES
from ledger.signer import SignerState
from ledger.store import LmdbStore
from ledger.table import Writer, log_key
from node import heads
from node.centre import Centre
from node.effect import Ordered, Reply
from node.keyring import Keys
from node.province import Province
from node.role import Role
from node.run import default_ruleset
from node.sealed import SealedStore
from node.vault import TABLES as VAULT_TABLES
from node.vault import Vault
from settlement import batch as batches
from settlement.party import CENTRE
from settlement.record import (
    Acceptance,
    Confirmation,
    Dispute,
    Genesis,
    Head,
    Net,
    Proposal,
    Record,
    RuleSet,
)
from tests.benchmarks.disk import Logs
from tests.network import AT_MS, PURPOSES, seed, settlement

GROUP = 1_000
RAW = 20_000
BEFORE, MONTH = "2017-03", "2017-04"


class Closing(Logs):
    """The logs of 32 participants before a close."""

    def __init__(self, folder: Path, entries: int) -> None:
        super().__init__(folder, "dense")
        self.folder, self.entries, self.disputes, self.done = folder, entries, 0, 0
        self.size = dict.fromkeys((CENTRE, *self.codes), 0)
        self.add(CENTRE, [Genesis(self.roster.genesis), self._rules()])
        each = entries // len(self.codes) // 2
        self._fill(each)
        self._confirm()
        self.month = MONTH
        self._first = dict(self.size)
        self._fill(each)
        self.signers = {
            code: SignerState.create(folder / f"signer-{code}") for code in (CENTRE, self.codes[0])
        }
        self.vault = LmdbStore.create(
            folder / "vault", self.roster.network_id, self.codes[0], VAULT_TABLES
        )
        self.store.close()
        self.store = LmdbStore.open(folder / "data")

    def _rules(self) -> Record:
        return RuleSet("interprovince-net", default_ruleset(), [])

    def add(self, code: str, records: list[Record]) -> None:
        """Add records that nobody will verify to a log."""
        origin, start = self.roster.origin(code), self.size[code]
        leaves = [
            self._chance.randbytes(SIGNATURE_BYTES)
            + encode_header(FORMAT, origin, index, record.kind, AT_MS)
            + record.encode()
            for index, record in enumerate(records, start)
        ]
        self.store.transact(partial(self._add, code, leaves, start))
        self.size[code] += len(records)

    def _fill(self, each: int) -> None:
        done = 0
        while done < each:
            count = min(GROUP, each - done)
            for code in self.codes:
                self.grow(code, self.size[code], self.size[code] + count)
                self.size[code] += count
            done += count
            sys.stderr.write(f"\r{sum(self.size.values()):,} entries")
        for code in self.codes:
            self.add(code, [self._acceptance(other) for other in self.codes if other != code])

    def _acceptance(self, code: str) -> Record:
        head = self.head(code)
        return Acceptance(code, head.size, head.root, [], [])

    def head(self, code: str) -> Head:
        """Return the head of a log as it is."""
        with self.store.read() as reader:
            key = log_key(code)
            size = log.size(reader, key)
            return Head(code, size, tree.root_at(reader, key, size))

    def _confirm(self) -> None:
        cut = [self.head(code) for code in sorted(self.codes)]
        with self.store.read() as reader:
            found = batches.compute(reader, self.roster, BEFORE, cut, self.size[CENTRE])
        nets = [Net(code, fen) for code, fen in sorted(found.nets.items())]
        self.add(CENTRE, [Proposal(BEFORE, 1, cut, found.ruleset_hash, nets, found.hash, [])])
        with self.store.read() as reader:
            batch = batches.latest_batch(reader, self.roster, BEFORE)
        assert batch is not None
        self.add(CENTRE, [Confirmation(BEFORE, 1, batch.proposal_hash, found.hash, [], [], [], [])])

    def dispute(self, count: int) -> None:
        """Contest the first originals of the open month, `count` in all, spread over the pairs."""
        records: dict[str, list[Record]] = {code: [] for code in self.codes}
        for number in range(self.disputes, count):
            row, place = divmod(number, len(self.codes))
            code = self.codes[place]
            others = [other for other in self.codes if other != code]
            index = self._first[code] + row
            debtor = others[index % len(others)]
            records[debtor].append(Dispute(code, index, "PRICE", b"", []))
        for code, some in records.items():
            self.add(code, some)
        self.disputes = count

    # --- a round ---------------------------------------------------------------------------------

    def keys(self, code: str) -> Keys:
        """Return the secrets of a participant."""
        return Keys(*(seed(code, purpose) for purpose in PURPOSES))

    def centre(self) -> Role:
        """Return the centre's role, as if it had just been started and unlocked."""
        keys, signer = self.keys(CENTRE), self.signers[CENTRE]
        return _unlocked(Centre(self.roster, keys, self.store, signer, self._vault()))

    def province(self) -> Role:
        """Return a province's role, as if it had just been started and unlocked."""
        code = self.codes[0]
        keys, signer = self.keys(code), self.signers[code]
        return _unlocked(Province(code, self.roster, keys, self.store, signer, self._vault()))

    def _vault(self) -> Vault:
        return Vault(SealedStore(self.vault, bytes(32)))

    def cosigned(self, codes: list[str]) -> None:
        """Let the heads of some logs count as cosigned."""
        known = {}
        for code in codes:
            head, origin = self.head(code), self.roster.origin(code)
            note = sign_checkpoint(
                Checkpoint(origin, head.size, head.root), seed(code, "checkpoint")
            )
            known[code] = heads.KnownHead(head.size, head.root, note)

        def change(writer: Writer) -> None:
            for code, head in known.items():
                heads.save(writer, code, head)

        self.store.transact(change)

    def rounds(self, count: int) -> dict[str, list[tuple[float, float]]]:
        """Return CPU and wall milliseconds of every round."""
        took: dict[str, list[tuple[float, float]]] = {"proposal": [], "attestation": []}
        creditor, debtor = self.codes[1], self.codes[2]
        for number in range(self.done, self.done + count):
            centre = self.centre()
            self.cosigned([CENTRE, *self.codes])
            begun = time.process_time(), time.perf_counter()
            last = settlement(
                f"LAST{number}", month=MONTH, treated=creditor[:2] + "0100",
                insured=debtor[:2] + "0100",
            )  # fmt: skip
            self.add(creditor, [last])
            self.add(debtor, [self._acceptance(creditor)])
            self.cosigned([creditor, debtor])
            proposed = _order(centre, "close", month=MONTH)
            took["proposal"].append(_since(begun))
            self.cosigned([CENTRE])
            province = self.province()
            begun = time.process_time(), time.perf_counter()
            attested = _order(province, "attest")
            took["attestation"].append(_since(begun))
            assert attested["match"], attested
            assert proposed["revision"] == number + 1
            self.size[self.codes[0]] += 1
            _order(self.centre(), "withdraw", month=MONTH, reason="measured")
        self.done += count
        with self.store.read() as reader:
            batch = batches.latest_batch(reader, self.roster, MONTH)
            assert batch is not None
            result = batches.result_of(reader, self.roster, MONTH, batch.revision)
        half = self.entries // len(self.codes) // 2 * len(self.codes)
        assert result.entries == half + self.done - self.disputes
        return took

    def raw(self) -> float:
        """Return the CPU microseconds of one bare verification by libsodium."""
        code = self.codes[0]
        items = [
            signature_item(_signed(self, code, n), self.roster.network_id, b"") for n in range(RAW)
        ]
        public = self.roster.members[code].entry_key
        signed = [signature + message for _, message, signature in items]
        begun = time.process_time()
        for message in signed:
            crypto_sign_open(message, public)
        return (time.process_time() - begun) * 1e6 / RAW


def _signed(logs: Closing, code: str, index: int) -> bytes:
    record = settlement(f"R{index}", 1_000 + index)
    return make_entry(
        seed(code, "entry"), logs.roster.network_id, logs.roster.origin(code), index, record.kind,
        AT_MS, record.encode(),
    )  # fmt: skip


def _unlocked(role: Role) -> Role:
    role.lock._unlocked = True  # nobody else is here who could say what he saw
    return role


def _order(role: Role, verb: str, **arguments: Any) -> Any:
    effects = role.handle([Ordered(1, verb, arguments)], AT_MS)
    value = next(e.value for e in effects if isinstance(e, Reply))
    if isinstance(value, LedgerError):
        raise value
    return value


def _since(begun: tuple[float, float]) -> tuple[float, float]:
    return (time.process_time() - begun[0]) * 1e3, (time.perf_counter() - begun[1]) * 1e3


def _spread(values: list[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def measured(entries: int, disputes: list[int], rounds: int) -> list[dict[str, Any]]:
    """Build one network, measure with more and more disputes, remove it."""
    report = []
    with tempfile.TemporaryDirectory(prefix="gongzhang-close-") as name:
        closing = Closing(Path(name), entries)
        for count in sorted(disputes):
            closing.dispute(count)
            raw = [closing.raw()]
            took = closing.rounds(rounds)
            raw.append(closing.raw())
            one = statistics.mean(raw)
            row: dict[str, Any] = {"entries": entries, "disputes": count, "raw_us": one}
            for what, times in took.items():
                cpu = _spread([cpu for cpu, _ in times])
                row[what] = {
                    "cpu_ms": cpu,
                    "wall_ms": _spread([wall for _, wall in times]),
                    "verifications": cpu["median"] * 1e3 / one,
                }
            report.append(row)
        closing.store.close()
        closing.vault.close()
    return report


def main() -> None:
    """Measure every combination, print a table, write the JSON file."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.close")
    parser.add_argument("--entries", type=int, nargs="+", default=[50_000, 5_000_000])
    parser.add_argument("--disputes", type=int, nargs="+", default=[0, 10_000])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    report = []
    for entries in given.entries:
        report += measured(entries, given.disputes, given.rounds)
    sys.stderr.write("\n")
    title = f"close of a month, 32 logs, {given.rounds} rounds: median (smallest, largest)"
    table = Table(title=title)
    for heading in ("entries", "open disputes", "", "CPU ms", "wall ms", "raw verifications"):
        table.add_column(heading, justify="right")
    for row in report:
        for what in ("proposal", "attestation"):
            cells = [_text(row[what][clock]) for clock in ("cpu_ms", "wall_ms")]
            table.add_row(
                f"{row['entries']:,}", f"{row['disputes']:,}", what, *cells,
                f"{row[what]['verifications']:,.0f}",
            )  # fmt: skip
    Console(file=sys.stdout, width=110).print(table)
    if given.json:
        given.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def _text(spread: dict[str, float]) -> str:
    return f"{spread['median']:,.0f} ({spread['min']:,.0f}, {spread['max']:,.0f})"


if __name__ == "__main__":
    main()
