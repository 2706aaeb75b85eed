"""The audit: everything recomputed from the entries, trusting a policy file and nothing else.

The chain: policy file → the centre's checkpoint and its witnesses → entry 0, the genesis → every
participant's keys → every log's head and its quorum → every entry's signature → what the entries
say: acceptances, batches, confirmations, payments. Imports nothing from `node`.
"""

from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

from cli.against import against
from cli.cityaudit import check_month, signed_months
from cli.findings import Finding, LogAudit, Report
from cli.since import Known, Since
from cli.source import Source
from cli.stored import Difference, differences
from cli.verifiers import SLICE, verifiers
from cli.workspace import workspace
from ledger import log, tree
from ledger.checkpoint import Checkpoint, SignedCheckpoint, open_checkpoint
from ledger.cosignature import cosigners_of
from ledger.entry import decode_entry
from ledger.errors import (
    DamageError,
    LedgerError,
    UncheckableError,
    VerificationError,
)
from ledger.note import parse_note
from ledger.policy import Policy
from ledger.proof import verify_consistency
from ledger.table import Reader, Writer, log_key
from settlement import batch as batches
from settlement import leg as legs
from settlement import lookup, membership, state
from settlement.batch import Batch, Result
from settlement.cut import contradicted, missing
from settlement.importing import ImportPlan
from settlement.outcome import VOID
from settlement.party import CENTRE
from settlement.prepaycheck import check_prepayments
from settlement.prepayreport import summary
from settlement.record import (
    Attestation,
    Certificate,
    Confirmation,
    Genesis,
    Place,
    YearClose,
    decode_body,
)
from settlement.report import figures, leg_report
from settlement.roster import Roster, claimed_size
from settlement.state import Verdicts
from settlement.year import signatures

Progress = Callable[[str, int, int], None]


class _TakenBackError(Exception):
    """Ends a transaction whose changes nobody wants."""


class Audit:
    """One audit of one source under one policy."""

    def __init__(
        self,
        source: Source,
        policy: Policy,
        progress: Progress | None = None,
        *,
        path: Path | None = None,
        since: Since | None = None,
        workers: int | None = None,
    ) -> None:
        """Prepare an audit.

        Args:
            path: Where the source is, so that other processes can read it, too.
            since: What was verified before; signatures below are not verified again.
            workers: How many processes verify signatures; default: the cores, if it is worth it.
        """
        self.source = source
        self.policy = policy
        self._since = since or Since()
        self._path, self._workers = path, workers
        self.report = Report(policy=policy.fingerprint, withstands=policy.withstood)
        self._progress = progress or (lambda _code, _done, _size: None)
        self._open = ExitStack()
        self._views = ExitStack()  # the one view that is read from, until something is written
        self._view: Reader | None = None
        self._roster: Roster | None = None
        total = sum(_claimed(source, code) for code in source.codes())
        self._space = self._open.enter_context(workspace(source, total))
        self._verifiers = self._open.enter_context(verifiers(path, total, workers))

    def __enter__(self) -> "Audit":
        """Return the audit; leaving the block removes its tables and processes."""
        return self

    def __exit__(self, *_: object) -> None:
        self._views.close()
        self._open.close()

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
        self._guard("cities", lambda: self._cities(only))
        if only is None:
            self._guard("years", self._years)
            self._guard("prepayment", self._prepayments)
        stored = self.source.stored()
        if stored is not None:
            self._guard("store", lambda: self._compare(stored, roster))
        return self.report

    def run_centre(self) -> Roster:
        """Verify the centre's log alone; return the roster that it gives.

        Raises:
            LedgerError: It does not hold, or could not be checked.
        """
        self._roster = self._centre()
        return self._roster

    @property
    def reader(self) -> Reader:
        """The logs as they were read, and what follows from them; see the report for which hold."""
        return self._reader()

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
        self.founding = founding
        self._verifiers.network_id = founding.network_id
        if self._since.network not in ("", self.report.network):
            raise UncheckableError(f"what was verified before is of network {self._since.network}")
        known = self._since.logs.get(CENTRE)
        if self._since.note is not None:
            if not self._since.note.startswith(point.origin.encode() + b"\n"):
                raise UncheckableError("what was verified before is no head of the centre's log")
            before = self._open_by_policy(self._since.note)[0].checkpoint
            known = Known(before.size, before.root)
        self._entries(founding, CENTRE, point, sorted(cosigners), known)
        reader = self._reader()
        roster = membership.roster_at(reader, founding, lookup.applied_size(reader, CENTRE))
        named = {key.key for key in roster.log_keys(CENTRE)}
        if not named >= set(self.policy.log_keys(point.origin)):
            raise VerificationError("the policy names a key for the centre that its log does not")
        return roster

    def _open_by_policy(self, note: bytes) -> tuple[SignedCheckpoint, dict[str, int]]:
        origin = note.split(b"\n", 1)[0].decode("utf-8", "replace")
        keys = self.policy.log_keys(origin)
        if not keys:
            raise VerificationError(f"the policy trusts no log {origin!r}")
        signed = open_checkpoint(note, origin, *keys)
        cosigners = cosigners_of(signed, self.policy.cosigners)
        if not self.policy.satisfied_by(cosigners):
            raise UncheckableError(
                f"the centre's head has {len(cosigners)} cosignatures by witnesses of the policy, "
                "which asks for more; a witness may have a new key since it was made"
            )
        return signed, cosigners

    def _log(self, roster: Roster, code: str) -> None:
        note = self.source.checkpoint(code)
        point = roster.open_head(code, note)
        cosigners = cosigners_of(SignedCheckpoint(point, parse_note(note)), roster.witnesses(code))
        known = self._since.logs.get(code)
        if self._since.note is not None:
            known = self._known_by_cut(self._since.note, code)
        ended = roster.ended_at(code)
        if known is not None and ended is not None and known.size > ended:
            known = None  # a freeze has taken some of it back since
        self._entries(roster, code, point, sorted(cosigners), known)

    def _known_by_cut(self, note: bytes, code: str) -> Known | None:
        # The last month confirmed below the checkpoint: its cut names every participant's log.
        size, found = claimed_size(note), None
        reader = self._reader()
        for _, index in sorted(lookup.confirmed_months(reader), key=lambda place: place[1]):
            if index < size:
                found = lookup.entry_at(reader, CENTRE, index)[1]
        if not isinstance(found, Confirmation):
            return None
        proposal = lookup.proposal_of(reader, found.month, found.revision)
        heads = {} if proposal is None else {head.code: head for head in proposal[0].cut}
        return Known(heads[code].size, heads[code].root) if code in heads else None

    def _entries(
        self,
        roster: Roster,
        code: str,
        point: Checkpoint,
        witnesses: list[str],
        known: Known | None,
    ) -> None:
        audit = LogAudit(code, point.size, point.root.hex(), witnesses)
        key, done, before = log_key(code), 0, known.size if known else 0
        part = self.source.prefix(code)
        size = min(part[0], point.size) if part else point.size
        if before > size:
            raise VerificationError(f"log of {code}: {before} were verified, {size} are here")
        while done < size:
            stop = min(done + SLICE, before if done < before else size)
            outcomes = self._take(roster, code, done, stop, size, known)
            audit.void += [(i, c) for i, c in enumerate(outcomes, done) if c is not None]
            if done >= before:
                self.report.entries_verified += stop - done
                self.report.signatures_verified += sum(c != "SIGNATURE" for c in outcomes)
            done = stop
            if known is not None and done == before:
                self._continues(code, known)
            self._progress(code, done, size)
        root = tree.root_at(self._reader(), key, done)
        if part is not None and size < point.size:
            verify_consistency(size, root, point.size, point.root, part[1])
            audit.size, audit.root = size, root.hex()
        elif root != point.root:
            raise VerificationError(f"log of {code} at size {point.size}: root", point.root, root)
        self.report.entries_known += before
        self.report.signatures_verified += 1 + len(witnesses)
        self.report.logs.append(audit)

    def _continues(self, code: str, known: Known) -> None:
        root = tree.root_at(self._reader(), log_key(code), known.size)
        if root != known.root:
            raise VerificationError(
                f"log of {code} does not continue what was verified at {known.size}",
                known.root,
                root,
            )

    def _take(
        self, roster: Roster, code: str, start: int, stop: int, size: int, known: Known | None
    ) -> list[str | None]:
        if known is not None and start < known.size:
            bad = frozenset(index - start for index in known.bad if start <= index < stop)
            verdicts: Verdicts | None = Verdicts(None, bad)
        else:
            key = state.next_entry_key(self._reader(), roster, code)
            verdicts = self._verifiers.verdicts(code, start, size, key)
        chunk = list(self.source.leaves(code, start, stop))
        if len(chunk) != stop - start:
            raise DamageError(f"{code} leaf {start + len(chunk)}", "a leaf", "none")

        def change(writer: Writer) -> list[str | None]:
            log.append(writer, log_key(code), chunk, start)
            return state.apply(writer, roster, code, chunk, verdicts)

        self._views.close()
        self._view = None
        return self._space.transact(change)

    # --- months ------------------------------------------------------------------------------

    def _months(self, only: str | None) -> None:
        reader = self._reader()
        for month, revision, _ in lookup.proposals(reader):
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
        month_legs = legs.legs_of(reader, result)
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
        standing = batch.state in ("PROPOSED", "ATTESTED", "CONTESTED")
        if standing and (not agrees or batches.nets_of(batch.proposal) != result.nets):
            self._add("false", f"{month} r{revision}", "proposes another result than the logs give")
        self._statements(reader, batch, result.hash)
        if batch.confirmation_index is not None:
            confirmation = lookup.entry_at(reader, CENTRE, batch.confirmation_index)[1]
            assert isinstance(confirmation, Confirmation)
            batches.check_confirmation(reader, self.founding, confirmation)
        if batch.certificate_index is not None:
            self._certificate(reader, batch, result)

    def _statements(self, reader: Reader, batch: Batch, digest: bytes) -> None:
        for code, place in {**batch.matches, **batch.mismatches}.items():
            record = lookup.entry_at(reader, code, place.index)[1]
            assert isinstance(record, Attestation)
            if record.result_hash != digest:
                self._add(
                    "false", f"{code} #{place.index}", "attests another result than its logs give"
                )

    def _certificate(self, reader: Reader, batch: Batch, result: Result) -> None:
        assert batch.certificate_index is not None
        record = lookup.entry_at(reader, CENTRE, batch.certificate_index)[1]
        assert isinstance(record, Certificate)
        # Of what it names alone: what came late is said afterwards, and changes no certificate.
        named = frozenset(place for end in record.legs for place in end.entries)
        self._held(reader, named)
        held = legs.legs_of(reader, result, named)
        if any(leg.open_fen for leg in held) or [leg.end() for leg in held] != record.legs:
            raise VerificationError(f"{batch.month}: the certificate names other ends of legs")

    def _held(self, reader: Reader, named: frozenset[Place]) -> None:
        for place in sorted(named, key=lambda place: (place.code, place.index)):
            if place.index >= log.size(reader, log_key(place.code)):
                raise UncheckableError(f"{place.code} #{place.index} is not in these logs")

    def _cities(self, only: str | None) -> None:
        assert self._roster is not None
        reader = self._reader()
        for month, signed in signed_months(reader, self._roster, only).items():
            self._guard(f"{month} cities", partial(self._city_month, reader, month, signed))

    def _city_month(self, reader: Reader, month: str, signed: dict[str, int]) -> None:
        for found in check_month(reader, self.founding, month, signed, self._read):
            place = f"{found.province} #{found.place}"
            if found.cities is not None:
                self.report.cities.append(
                    {
                        "province": found.province,
                        "month": month,
                        "index": found.place,
                        "cities": len(found.cities.codes),
                        "hash": found.cities.hash.hex(),
                    }
                )
            if found.fault is not None:
                self._add("false", place, str(found.fault))

    def _read(self, code: str) -> None:
        self._progress(code, 1, 1)

    def _years(self) -> None:
        reader = self._reader()
        for _, index in lookup.places(reader, YearClose):
            year = lookup.entry_at(reader, CENTRE, index)[1].year  # type: ignore[attr-defined]
            self._guard(str(year), partial(self._year, reader, year))

    def _year(self, reader: Reader, year: int) -> None:
        _, _, other = signatures(reader, self.founding, year)
        for code, place in other.items():
            text = f"closes {year} with another result than the logs give"
            self._add("false", f"{code} #{place.index}", text)

    def _prepayments(self) -> None:
        for fault in check_prepayments(self._reader(), self.founding):
            self._add(fault.kind, fault.place, fault.text)
        self.report.prepayment = summary(self._reader(), self.founding)

    def _compare(self, stored: Reader, roster: Roster) -> None:
        for code in roster.codes:
            held, done = (log.size(r, log_key(code)) for r in (stored, self._reader()))
            if held <= done:
                found = list(differences(stored, self._reader(), [code]))
            else:
                found = self._compare_beyond(stored, roster, code, done, held)
            for place, text in found:
                self._add("damaged", place, text)

    def _compare_beyond(
        self, stored: Reader, roster: Roster, code: str, start: int, stop: int
    ) -> list[Difference]:
        # The copy goes beyond its cosigned head, and so do its tables: folded for the comparison
        # only, in a transaction that is taken back.
        found: list[Difference] = []

        def change(writer: Writer) -> None:
            for first in range(start, stop, SLICE):
                last = min(first + SLICE, stop)
                leaves = list(log.leaves(stored, log_key(code), first, last))
                log.append(writer, log_key(code), leaves, first)
                state.apply(writer, roster, code, leaves)
            found.extend(differences(stored, writer, [code]))
            raise _TakenBackError

        self._views.close()
        self._view = None
        with suppress(_TakenBackError):
            self._space.transact(change)
        return found

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
        if self._view is None:
            self._view = self._views.enter_context(self._space.read())
        return self._view


def _claimed(source: Source, code: str) -> int:
    # Only to choose where the tables lie and how many processes help.
    try:
        return claimed_size(source.checkpoint(code))
    except LedgerError:
        return 0


def void_text(code: str, language: str) -> str:
    """Return why an entry is void, in `zh` or English."""
    text = VOID[code]
    return text.zh if language == "zh" else text.en
