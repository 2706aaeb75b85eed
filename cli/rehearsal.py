"""A rehearsal: the months of a file run by real nodes, with this program as their operators.

It does what clerks and treasurers would do by hand: import, close, confirm, pay, receive.
Accepting, attesting and certifying is left to the nodes. Every node has two operators, and both
sign whatever decides or moves money; their keys are in the nodes' homes, where no real ones should
be.
"""

import asyncio
import csv
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

from cli.localnet import LocalNet
from cli.operator import FOLDER
from ledger.errors import FormError, RefusedError, UncheckableError, VerificationError
from ledger.hashing import hash_bytes
from ledger.keyfile import create_key, load_key
from ledger.signature import sign
from ledger.store import LmdbStore
from ledger.table import Reader
from node import heads
from node.orders import call, check, order
from settlement import obligation
from settlement.batch import latest_batch
from settlement.casefile import COLUMNS, CaseRow
from settlement.close import closes_to
from settlement.importing import ImportPlan, read_records
from settlement.lookup import applied_size
from settlement.netting import LegDue
from settlement.party import CENTRE, province_of
from settlement.period import months_between, next_month, service_month
from settlement.record import Head
from settlement.report import month_report
from settlement.roster import Roster

PATIENCE_SECONDS = 180
NOT_YET = ("STATE", "ORDER", "BEHIND")
OPERATORS = ("maker", "checker")

Progress = Callable[[str, str], None]
"""Called with a month and what is being done."""


@dataclass
class Book:
    """The rows of a file by service month, and those left out."""

    rows: dict[str, list[CaseRow]] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)

    @property
    def months(self) -> list[str]:
        """Return all months from the file's first to its last."""
        named = sorted(self.rows.keys() | self.left_out.keys())
        return months_between(named[0], named[-1]) if named else []


def read_book(plan: ImportPlan, parties: Sequence[str] | None) -> Book:
    """Return the rows of a plan whose both ends are in `parties` (None: all), by service month."""
    book = Book()
    for _, row in plan.rows:
        month = service_month(row.setl_time)
        ends = {province_of(row.mdtrtarea_admvs), province_of(row.insuplc_admdvs)}
        if parties is None or ends <= set(parties):
            book.rows.setdefault(month, []).append(row)
        else:
            book.left_out[month] = book.left_out.get(month, 0) + 1
    return book


def read_file(path: Path) -> ImportPlan:
    """Return the plan of a file; raises FormError if it cannot be read at all."""
    try:
        return read_records(path.read_bytes())
    except OSError as error:
        raise FormError(str(path), "a readable file", error.strerror) from None


def to_csv(rows: Sequence[CaseRow]) -> bytes:
    """Return rows as a file in the national format."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    return text.getvalue().encode()


class Rehearsal:
    """Months on a network whose nodes run."""

    def __init__(self, net: LocalNet, codes: Sequence[str], progress: Progress) -> None:
        self._net = net
        self._codes = list(codes)
        self._progress = progress
        self._founding = Roster.found((net.folder / "network.genesis").read_bytes())
        self._entered = 0
        self._hands: dict[str, dict[str, bytes]] = {}  # secrets of the operators, by node

    async def month(self, month: str, rows: Sequence[CaseRow]) -> dict[str, Any]:
        """Run one month from the import to the final certificate; return its figures.

        Raises:
            UncheckableError: A step did not come about in three minutes.
            RefusedError: A step was refused for good.
        """
        self._progress(month, "import")
        await self._import(rows)
        self._progress(month, "accept")
        await self._until(
            month, "every entry accepted", lambda reader: self._accepted(reader, month)
        )
        self._progress(month, "propose")
        await asyncio.gather(*(self._register(code) for code in [CENTRE, *self._codes]))
        await self._decide(CENTRE, "close", month=month)
        self._progress(month, "attest")
        await self._until(month, "every attestation", lambda reader: self._attested(reader, month))
        await self._decide(CENTRE, "confirm", month=month)
        await self._until(month, "a confirmation", lambda reader: self._decided(reader, month))
        self._progress(month, "pay")
        await self._pay(month)
        self._progress(month, "final")
        await self._until(
            month, "the certificate", lambda reader: self._state(reader, month) == "FINAL"
        )
        with self._centre() as reader:
            report = month_report(reader, self._founding, month)
        assert report is not None
        return report

    async def held(self, month: str) -> None:
        """Wait until every node holds all logs as far as the centre does, to the certificate.

        Raises:
            UncheckableError: It did not come about in three minutes.
        """
        with self._centre() as reader:
            wanted = {code: applied_size(reader, code) for code in (CENTRE, *self._codes)}
        for code in self._codes:

            def holds(_: Reader, code: str = code) -> bool:
                with self._reading(code) as reader:
                    return all(applied_size(reader, c) >= size for c, size in wanted.items())

            await self._until(month, f"the copies of {code}", holds)

    def _home(self, code: str) -> Path:
        return self._net.folder / code

    async def _register(self, code: str) -> None:
        if code in self._hands:
            return
        folder, home = self._home(code) / FOLDER, self._home(code)
        folder.mkdir(mode=0o700, exist_ok=True)
        hands = {}
        for name in OPERATORS:
            path = folder / f"{name}.key"
            public = create_key(path, "operator")
            hands[name] = load_key(path, "operator")
            await order(home, "operator", name=name, public=public.hex())
        self._hands[code] = hands

    async def _decide(self, code: str, verb: str, **arguments: Any) -> None:
        """Give an order that two people have to sign, and let both sign it."""
        home = self._home(code)
        value = await order(home, verb, **arguments)
        message = bytes.fromhex(value["message"])
        digest = value["pending"]
        if hash_bytes(message).hex() != digest:
            raise VerificationError(f"{code}: the hash of a draft", digest, hash_bytes(message))
        await asyncio.gather(
            *(
                order(home, "approve", hash=digest, operator=name,
                      signature=sign(seed, message).hex())
                for name, seed in self._hands[code].items()
            )
        )  # fmt: skip

    async def _import(self, rows: Sequence[CaseRow]) -> None:
        by_province: dict[str, list[CaseRow]] = {}
        for row in rows:
            by_province.setdefault(province_of(row.mdtrtarea_admvs), []).append(row)
        for code, mine in sorted(by_province.items()):
            status, value = await call(self._home(code), "/api/v1/import", to_csv(mine))
            check(status, value)
            self._entered += value["entered"]

    async def _pay(self, month: str) -> None:
        due = self._legs(month)
        incoming = [leg for leg in due if leg.payee == CENTRE]
        outgoing = [leg for leg in due if leg.payee != CENTRE]
        for legs in (incoming, outgoing):
            await asyncio.gather(*(self._move(month, leg) for leg in legs))

    async def _move(self, month: str, leg: LegDue) -> None:
        reference = f"{month.replace('-', '')}-{leg.number:03d}"
        for code, verb in ((leg.payer, "paid"), (leg.payee, "received")):
            await self._insist(code, verb, month, leg.number, reference)

    async def _insist(self, code: str, verb: str, month: str, leg: int, reference: str) -> None:
        end = monotonic() + PATIENCE_SECONDS
        while True:
            try:
                date = f"{next_month(month)}-15"
                arguments = {"month": month, "leg": leg, "reference": reference, "date": date}
                await self._decide(code, verb, **arguments)
                return
            except RefusedError as error:
                if error.code not in NOT_YET or monotonic() > end:
                    raise
            await asyncio.sleep(0.05)

    def _legs(self, month: str) -> list[LegDue]:
        with self._centre() as reader:
            report = month_report(reader, self._founding, month)
        assert report is not None
        return [
            LegDue(leg["leg"], leg["payer"], leg["payee"], leg["fen"]) for leg in report["legs"]
        ]

    async def _until(self, month: str, what: str, holds: Callable[[Reader], bool]) -> None:
        end = monotonic() + PATIENCE_SECONDS
        while True:
            with self._centre() as reader:
                if holds(reader):
                    return
            for code, process in self._net.processes.items():
                if process.returncode is not None:
                    raise UncheckableError(f"{month}: the node of {code} ended; see its node.log")
            if monotonic() > end:
                raise UncheckableError(f"{month}: waited in vain for {what}")
            await asyncio.sleep(0.1)

    def _accepted(self, reader: Reader, month: str) -> bool:
        cut = []
        for code in self._founding.participants:
            known = heads.load(reader, code)
            if known is not None:
                cut.append(Head(code, known.size, known.root))
        closes = closes_to(reader, month, cut, applied_size(reader, CENTRE))
        position = obligation.at_cut(reader, self._founding, closes)
        return sum(amounts.entries for amounts in position.values()) >= self._entered

    def _attested(self, reader: Reader, month: str) -> bool:
        batch = latest_batch(reader, self._founding, month)
        if batch is not None and batch.state == "CONTESTED" and not batch.missing:
            raise RefusedError("CONTESTED", f"{month}: {', '.join(batch.mismatches)} disagree")
        return batch is not None and not batch.missing

    def _decided(self, reader: Reader, month: str) -> bool:
        batch = latest_batch(reader, self._founding, month)
        confirmed = batch is not None and batch.confirmation_index
        return bool(confirmed) and heads.size_of(reader, CENTRE) > int(confirmed or 0)

    def _state(self, reader: Reader, month: str) -> str | None:
        batch = latest_batch(reader, self._founding, month)
        return None if batch is None else batch.state

    def _centre(self) -> AbstractContextManager[Reader]:
        return self._reading(CENTRE)

    @contextmanager
    def _reading(self, code: str) -> Iterator[Reader]:
        store = LmdbStore.open(self._home(code) / "data", readonly=True)
        try:
            with store.read() as reader:
                yield reader
        finally:
            store.close()
