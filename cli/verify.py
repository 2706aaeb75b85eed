"""The audit: everything recomputed from the entries, trusting a policy file and nothing else.

The chain: policy file → the centre's checkpoint and its witnesses → entry 0, the genesis → every
participant's keys → every log's head and its quorum → every entry's signature → what the entries
say: acceptances, batches, confirmations, payments. Imports nothing from `node`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any

from cli.against import against
from cli.source import Source
from ledger import log, tree
from ledger.checkpoint import SignedCheckpoint, open_checkpoint
from ledger.cosignature import cosigners_of, open_cosigned
from ledger.entry import decode_entry
from ledger.errors import (
    DamageError,
    LedgerError,
    UncheckableError,
    VerificationError,
)
from ledger.fsck import check_log
from ledger.memory import MemoryStore
from ledger.policy import Policy
from ledger.store import place_of
from ledger.table import DERIVED, HASH, Reader, Writer, log_key
from settlement import batch as batches
from settlement import leg as legs
from settlement import state
from settlement.batch import Batch
from settlement.cut import contradicted, missing
from settlement.importing import ImportPlan
from settlement.outcome import VOID
from settlement.party import CENTRE
from settlement.record import Attestation, Certificate, Confirmation, Genesis, decode_body
from settlement.report import figures, leg_report
from settlement.roster import Roster

SLICE = 4096
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Finding:
    """Something that is not as it must be. `kind`: false, unchecked or damaged."""

    kind: str
    place: str
    text: str


@dataclass
class LogAudit:
    """What was verified of one log."""

    code: str
    size: int = 0
    root: str = ""
    witnesses: list[str] = field(default_factory=list)
    void: list[tuple[int, str]] = field(default_factory=list)


@dataclass
class Report:
    """What an audit found."""

    network: str = ""
    policy: str = ""
    logs: list[LogAudit] = field(default_factory=list)
    months: list[dict[str, Any]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    entries_verified: int = 0
    signatures_verified: int = 0

    @property
    def exit_code(self) -> int:
        """0 all true, 1 something is false, 3 something could not be checked, 4 damage."""
        kinds = {finding.kind for finding in self.findings}
        for kind, code in (("damaged", 4), ("false", 1), ("unchecked", 3)):
            if kind in kinds:
                return code
        return 0

    def as_json(self) -> dict[str, Any]:
        """Return the report for programs."""
        return {
            "ok": not self.findings,
            "network": self.network,
            "policy": self.policy,
            "logs": len(self.logs),
            "entries_verified": self.entries_verified,
            "signatures_verified": self.signatures_verified,
            "void": [
                {"log": item.code, "index": index, "code": code}
                for item in self.logs
                for index, code in item.void
            ],
            "heads": {item.code: {"size": item.size, "root": item.root} for item in self.logs},
            "months": self.months,
            "findings": [vars(finding) for finding in self.findings],
        }


class Audit:
    """One audit of one source under one policy."""

    def __init__(self, source: Source, policy: Policy, progress: Progress | None = None) -> None:
        self.source = source
        self.policy = policy
        self.report = Report(policy=policy.fingerprint)
        self._progress = progress or (lambda _code, _done, _size: None)
        self._store = MemoryStore()
        self._roster: Roster | None = None

    def run(self, only: str | None = None) -> Report:
        """Verify everything; return what was found.

        Args:
            only: Recompute the batch of this month alone; logs are verified as a whole always.
        """
        try:
            roster = self._centre()
        except LedgerError as error:
            self._note(error, CENTRE)
            return self.report
        self._roster = roster
        held = set(self.source.codes())
        for code in roster.participants:
            if code in held:
                self._guard(code, partial(self._log, roster, code))
            else:
                self._progress(code, 0, 0)
        self._guard("months", lambda: self._months(only))
        stored = self.source.stored()
        if stored is not None:
            self._guard("store", lambda: self._compare(stored, roster))
        return self.report

    @property
    def reader(self) -> Reader:
        """The logs as they were read, and what follows from them; see the report for which hold."""
        return self._store

    @property
    def roster(self) -> Roster | None:
        """The members with their keys, or None if the centre's log did not hold."""
        return self._roster

    def against(self, plan: ImportPlan) -> None:
        """Hold a province's own records against what was verified; differences become findings."""
        if self._roster is None:
            return
        for found in against(self._reader(), self._roster, plan):
            text = {
                "NO_ENTRY": f"in the book of {found.book}, in no log",
                "NO_ROW": f"in the log ({found.ledger}), not in the book",
            }.get(found.what, f"{found.what}: the book has {found.book}, the log {found.ledger}")
            self._add("false", f"case {found.setl_id}", text)

    # --- logs --------------------------------------------------------------------------------

    def _centre(self) -> Roster:
        signed, cosigners = self._open_by_policy(self.source.checkpoint(CENTRE))
        point = signed.checkpoint
        first = next(iter(self.source.leaves(CENTRE, 0, 1)), b"")
        entry = decode_entry(first)
        record = decode_body(entry.kind, entry.body)
        if not isinstance(record, Genesis):
            raise VerificationError("entry 0 of the centre's log is not the genesis")
        founding = Roster.found(record.genesis)
        self.report.network = founding.network_id.hex()
        if founding.origin(CENTRE) != point.origin:
            raise VerificationError(
                "the genesis is another network's", point.origin, founding.origin(CENTRE)
            )
        if founding.log_key(CENTRE).key not in [key.key for key in self.policy.logs]:
            raise VerificationError("the genesis names another key for the centre than the policy")
        self.founding = founding
        self._entries(founding, CENTRE, signed, sorted(cosigners))
        reader = self._reader()
        return state.roster_at(reader, founding, state.applied_size(reader, CENTRE))

    def _open_by_policy(self, note: bytes) -> tuple[SignedCheckpoint, dict[str, int]]:
        origin = note.split(b"\n", 1)[0].decode("utf-8", "replace")
        keys = [key for key in self.policy.logs if key.name == origin]
        if not keys:
            raise VerificationError(f"the policy trusts no log {origin!r}")
        signed = open_checkpoint(note, origin, keys[0].key)
        cosigners = cosigners_of(signed, self.policy.witnesses)
        if not self.policy.satisfied_by(cosigners):
            raise UncheckableError(
                f"the centre's head has {len(cosigners)} cosignatures; the policy asks for more"
            )
        return signed, cosigners

    def _log(self, roster: Roster, code: str) -> None:
        member = roster.members[code]
        note = self.source.checkpoint(code)
        origin = roster.origin(code)
        head = open_cosigned(
            note, origin, member.checkpoint_key, roster.witnesses(code), roster.head_quorum
        )
        signed = open_checkpoint(note, origin, member.checkpoint_key)
        self._entries(roster, code, signed, sorted(head.cosigners))

    def _entries(
        self, roster: Roster, code: str, signed: SignedCheckpoint, witnesses: list[str]
    ) -> None:
        point = signed.checkpoint
        audit = LogAudit(code, point.size, point.root.hex(), witnesses)
        key = log_key(code)
        leaves = self.source.leaves(code, 0, point.size)
        done = 0
        while chunk := list(islice(leaves, SLICE)):
            outcomes = self._take(roster, code, chunk, done)
            audit.void += [(i, c) for i, c in enumerate(outcomes, done) if c is not None]
            done += len(chunk)
            self.report.entries_verified += len(chunk)
            self.report.signatures_verified += sum(c != "SIGNATURE" for c in outcomes)
            self._progress(code, done, point.size)
        root = tree.root_at(self._reader(), key, done)
        if done != point.size or root != point.root:
            raise VerificationError(f"log of {code} at size {point.size}: root", point.root, root)
        self.report.signatures_verified += 1 + len(witnesses)
        self.report.logs.append(audit)

    def _take(self, roster: Roster, code: str, chunk: list[bytes], start: int) -> list[str | None]:
        def change(writer: Writer) -> list[str | None]:
            log.append(writer, log_key(code), chunk, start)
            return state.apply(writer, roster, code, chunk)

        return self._store.transact(change)

    # --- months ------------------------------------------------------------------------------

    def _months(self, only: str | None) -> None:
        reader = self._reader()
        for month, revision, _ in state.proposals(reader):
            if only is None or month == only:
                place = f"{month} r{revision}"
                self._guard(place, partial(self._batch, reader, month, revision))
        if only is not None and not self.report.months and not self.report.findings:
            raise UncheckableError(f"no batch of {only} is in these logs")

    def _batch(self, reader: Reader, month: str, revision: int) -> None:
        batch = batches.batch_of(reader, self.founding, month, revision)
        assert batch is not None
        behind = missing(reader, batch.proposal.cut)
        if behind:
            names = ", ".join(f"{head.code} below {head.size}" for head in behind)
            raise UncheckableError(f"the cut needs logs that are not here: {names}")
        wrong = contradicted(reader, batch.proposal.cut)
        if wrong:
            raise VerificationError(
                f"the cut names other roots than the logs have: {wrong[0].code}"
            )
        result = batches.result_of(reader, self.founding, month, revision)
        month_legs = legs.legs_of(reader, month, result.legs)
        self.report.months.append(
            {
                "month": month,
                "revision": revision,
                "state": batch.state,
                **figures(result),
                "result_hash": result.hash.hex(),
                "attestations": len(batch.matches) + len(batch.mismatches),
                "legs": [leg_report(leg) for leg in month_legs],
            }
        )
        agrees = result.hash == batch.proposal.result_hash
        if not agrees and batch.confirmation_index is not None:
            raise VerificationError(
                f"{month}: the confirmed result", result.hash, batch.proposal.result_hash
            )
        self._statements(reader, batch, result.hash)
        if batch.confirmation_index is not None:
            confirmation = state.entry_at(reader, CENTRE, batch.confirmation_index)[1]
            assert isinstance(confirmation, Confirmation)
            batches.check_confirmation(reader, self.founding, confirmation)
        if batch.certificate_index is not None:
            self._certificate(reader, batch, month_legs)

    def _statements(self, reader: Reader, batch: Batch, digest: bytes) -> None:
        for code, place in {**batch.matches, **batch.mismatches}.items():
            record = state.entry_at(reader, code, place.index)[1]
            assert isinstance(record, Attestation)
            if record.result_hash != digest:
                self._add(
                    "false", f"{code} #{place.index}", "attests another result than its logs give"
                )

    def _certificate(self, reader: Reader, batch: Batch, month_legs: list[legs.Leg]) -> None:
        assert batch.certificate_index is not None
        record = state.entry_at(reader, CENTRE, batch.certificate_index)[1]
        assert isinstance(record, Certificate)
        ends = {end.number: (end.paid, end.received) for end in record.legs}
        held = {leg.due.number: (leg.paid, leg.received) for leg in month_legs}
        if ends != held:
            raise VerificationError(f"{batch.month}: the certificate names other ends of legs")

    # --- the node's own tables ----------------------------------------------------------------

    def _compare(self, stored: Reader, roster: Roster) -> None:
        mine = self._reader()
        for code in roster.codes:
            key = log_key(code)
            if log.size(stored, key) == log.size(mine, key):
                self._same(stored, HASH, key, code)
                self._same(stored, DERIVED, key, code)
                continue
            # The copy goes beyond its cosigned head: its tables say more than ours.
            for found in check_log(stored, key):
                self._add("damaged", found.place, f"expected {found.expected}, found {found.found}")

    def _same(self, stored: Reader, table: str, key: bytes, code: str) -> None:
        mine = dict(self._reader().scan(table, key, _after(key)))
        for place, value in stored.scan(table, key, _after(key)):
            ours = mine.pop(place, None)
            if ours != value and (ours is not None or place[8:9] not in _PASSING):
                self._add("damaged", place_of(table, place), "not what the entries make it")
        for place in mine:
            if place[8:9] not in _PASSING:
                self._add("damaged", f"{table} {code} {place[8:]!r}", "is missing")

    # --- findings -----------------------------------------------------------------------------

    def _guard(self, place: str, act: Callable[[], None]) -> None:
        try:
            act()
        except LedgerError as error:
            self._note(error, place)

    def _note(self, error: LedgerError, place: str) -> None:
        if isinstance(error, DamageError):
            self._add("damaged", error.place, str(error))
        elif isinstance(error, UncheckableError):
            self._add("unchecked", place, str(error))
        else:
            self._add("false", place, str(error))

    def _add(self, kind: str, place: str, text: str) -> None:
        self.report.findings.append(Finding(kind, place, text))

    def _reader(self) -> Reader:
        return self._store


# Totals at sizes that acceptances named, and requests for them: they depend on when a copy learnt
# of what, and nothing is computed from them that is not also computed without.
_PASSING = (b"N", b"T")


def _after(key: bytes) -> bytes:
    return key + b"\xff" * 80


def void_text(code: str, language: str) -> str:
    """Return why an entry is void, in `zh` or English."""
    text = VOID[code]
    return text.zh if language == "zh" else text.en
