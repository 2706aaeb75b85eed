"""A province's node: records its cases, checks those it owes, recomputes and attests each month.

What it does by itself, where its configuration says so:

- `accept`: accept the prefix of another log as far as it is quorum-cosigned and every covered case
  file has arrived; a case that does not pass becomes an exception, a missing file makes it wait.
- `attest`: recompute a proposal that stands below a quorum-cosigned head of the centre and write
  down what came out, match or mismatch.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog

from ledger import log, tree
from ledger.entry import decode_entry
from ledger.errors import FormError, LedgerError, RefusedError
from ledger.signer import Signer
from ledger.table import Reader, Store, log_key
from node import heads
from node.command import PROVINCE_ORDERS
from node.effect import Answered, Asked, Send
from node.keyring import Keys
from node.message import MAX_CASES, Answer, AskResult, DeliverCases
from node.role import Role
from node.turn import Turn
from node.vault import Vault
from settlement import batch as batches
from settlement import cut as cuts
from settlement import lookup, state, totals
from settlement.batch import Batch
from settlement.casefile import check_case
from settlement.party import CENTRE, province_of
from settlement.record import (
    Acceptance,
    Admission,
    Attestation,
    Cell,
    Exempt,
    Release,
    Reversal,
    Settlement,
    decode_body,
)
from settlement.roster import Roster
from settlement.stage import case_of

_log = structlog.get_logger("province")

MISSING = "NO_FILE"


@dataclass(frozen=True)
class Checked:
    """What checking a newly covered range of another log came to."""

    log: str
    size: int
    owed: int
    exceptions: list[Exempt]
    missing: list[int]  # indexes whose case file has not arrived


class Province(Role):
    """See the module's text."""

    orders = PROVINCE_ORDERS

    def __init__(
        self,
        code: str,
        founding: Roster,
        keys: Keys,
        store: Store,
        signer: Signer,
        vault: Vault,
        automatic: frozenset[str] = frozenset(),
        random: Callable[[int], bytes] | None = None,
        admission: Admission | None = None,
        *,
        recover: bool = False,
    ) -> None:
        super().__init__(code, founding, keys, store, signer, admission, recover=recover)
        self.vault = vault
        self.automatic = automatic
        self.random = random
        self.outgoing = vault.waiting()
        self.unchecked = set(self.roster.participants)  # logs that may owe us a look
        self.documents: dict[bytes, bytes | None] = {}
        self._wanted_documents: set[bytes] = set()

    # --- case files ------------------------------------------------------------------------------

    def cases_delivered(self, event: Asked) -> Answer:
        """Store delivered case files; the sender is who signed the request."""
        assert isinstance(event.message, DeliverCases)
        if event.sender not in self.roster.participants:
            return Answer(403, b"only participants deliver case files\n")
        self.vault.receive(event.sender, event.message.cases)
        self.unchecked.add(event.sender)
        return Answer(200)

    def answered(self, turn: Turn, event: Answered) -> None:
        """Note delivered case files and fetched result documents."""
        if isinstance(event.message, DeliverCases) and event.answer.ok:
            insured = event.slot[1]
            self.vault.delivered(insured, [case.setl_id for case in event.message.cases])
            self.outgoing = self.vault.waiting()
        elif isinstance(event.message, AskResult):
            answer = event.answer
            if answer.status in (200, 404, 422):
                self.documents[event.message.hash] = answer.body if answer.ok else None
                self._wanted_documents.discard(event.message.hash)

    def sends(self, reader: Reader, now_ms: int) -> list[Send]:
        """Deliver case files that wait; fetch a result document that is wanted."""
        sends = []
        for insured in sorted(self.outgoing):
            slot = ("cases", insured)
            if insured in self.roster.members and self.slots.take(slot, now_ms):
                cases = self.vault.outgoing(insured, MAX_CASES)
                sends.append(Send(slot, insured, DeliverCases(cases)))
        for digest in sorted(self._wanted_documents):
            slot = ("result", CENTRE)
            if self.slots.take(slot, now_ms):
                sends.append(Send(slot, CENTRE, AskResult(digest)))
        return sends

    # --- acceptance ------------------------------------------------------------------------------

    def act(self, turn: Turn) -> None:
        """Accept, release and attest as far as the configuration lets the node do it alone."""
        if "accept" in self.automatic:
            self.unchecked |= turn.heads | turn.grown
            for code in sorted(self.unchecked & set(self.roster.participants) - {self.code}):
                self._try(turn, partial(self.accept, turn, code, wait=True))
                self._try(turn, partial(self.release, turn, code))
            turn.flush()
            turn.learned.append(self.unchecked.clear)
        if "attest" in self.automatic:
            self._try(turn, partial(self.attest_open, turn))

    def _try(self, turn: Turn, act: Callable[[], Any]) -> None:
        try:
            act()
        except LedgerError as error:
            if not isinstance(error, RefusedError | FormError):
                raise
            _log.info("not yet", error=str(error))

    def check(self, reader: Reader, code: str) -> Checked:
        """Check what the log of `code` says this province owes above the last acceptance.

        Goes as far as the newest quorum-cosigned head, the copy held here, and nothing further.
        """
        key = log_key(code)
        start = lookup.accepted_before(reader, self.code, code)
        head = heads.load(reader, code)
        size = 0 if head is None else head.size
        if size > log.size(reader, key) or size <= start or not self._owes(reader, code, start):
            return Checked(code, size, 0, [], [])
        owed, missing = 0, list[int]()
        exceptions: dict[int, Exempt] = {}
        for index, leaf in enumerate(log.leaves(reader, key, start, size), start):
            record = self._owed(reader, code, index, leaf)
            if record is None:
                continue
            owed += 1
            case = self.vault.received(code, record.setl_id)
            fault = MISSING if case is None else check_case(record, case.case, case.salt)
            if fault is None:
                continue
            # A reversal has no state of its own: what is wrong with it is said of its original.
            at = index
            if isinstance(record, Reversal):
                at = lookup.find_settlement(reader, code, record.original_id) or 0
            if fault == MISSING:
                missing.append(at)
            if at >= start:
                exceptions.setdefault(at, Exempt(at, fault))
        return Checked(code, size, owed, [exceptions[i] for i in sorted(exceptions)], missing)

    def _owes(self, reader: Reader, code: str, start: int) -> bool:
        # Totals answer without a scan whether anything was added since the last acceptance.
        now = totals.load_running(reader, log_key(code), self.code)
        if start == 0:
            return bool(now)
        return now != state.total_at(reader, self.roster, code, self.code, start)

    def _owed(
        self, reader: Reader, code: str, index: int, leaf: bytes
    ) -> Settlement | Reversal | None:
        if lookup.void_code(reader, code, index) is not None:
            return None
        entry = decode_entry(leaf)
        if entry.kind not in (Settlement.kind, Reversal.kind):
            return None
        record = decode_body(entry.kind, entry.body)
        assert isinstance(record, Settlement | Reversal)
        return record if province_of(record.insured_area) == self.code else None

    def accept(self, turn: Turn, code: str, *, wait: bool) -> int | None:
        """Accept what the log of `code` newly says this province owes; return the entry's index.

        With `wait`, nothing is accepted while a case file is missing; without, such cases become
        exceptions. Returns None if there is nothing to accept.
        """
        checked = self.check(turn.writer, code)
        if checked.owed == 0 or (wait and checked.missing):
            return None
        root = tree.root_at(turn.writer, log_key(code), checked.size)
        return turn.append(Acceptance(code, checked.size, root, checked.exceptions, []))

    def release(self, turn: Turn, code: str) -> int | None:
        """Lift the exceptions for lack of a case file whose file has arrived since and passes."""
        ready = []
        for found in lookup.exceptions(turn.writer, self.code, code):
            if self._missed(turn.writer, code, found) and self._passes(
                turn.writer, code, found.original
            ):
                ready.append(found.original)
        return turn.append(Release(code, ready, [])) if ready else None

    def _missed(self, reader: Reader, code: str, found: lookup.Contested) -> bool:
        # What people contest, and what the centre has ruled on, is not for the node to release.
        by_itself = found.size is not None and found.code == MISSING and found.release is None
        return by_itself and case_of(reader, self.code, code, found).ruling is None

    def _passes(self, reader: Reader, code: str, original: int) -> bool:
        leaf = log.leaf(reader, log_key(code), original)
        record = self._owed(reader, code, original, leaf)
        case = record and self.vault.received(code, record.setl_id)
        return bool(case and record and check_case(record, case.case, case.salt) is None)

    # --- attestation -----------------------------------------------------------------------------

    def open_batch(self, reader: Reader) -> Batch | None:
        """Return the batch that stands below a quorum-cosigned head of the centre and is open."""
        size = min(heads.size_of(reader, CENTRE), log.size(reader, log_key(CENTRE)))
        for month in lookup.open_months(reader):
            found = batches.latest_batch(reader, self.founding, month, size)
            if found is not None and found.confirmation_index is None:
                return found
        return None

    def attest_open(self, turn: Turn) -> int | None:
        """Attest the open batch, if there is one and this node has not; return the entry's index.

        Raises:
            RefusedError: Something needed is not here yet (BEHIND).
        """
        found = self.open_batch(turn.writer)
        if found is None or found.state == "WITHDRAWN":
            return None
        if self.code in found.matches or self.code in found.mismatches:
            return None
        return turn.append(self.attestation(turn.writer, found))

    def attestation(self, reader: Reader, found: Batch) -> Attestation:
        """Return what this node has to say about a batch.

        Raises:
            RefusedError: A log of the cut is not held, or not known to be quorum-cosigned, that
                far; or the result document that would show the difference is on its way (BEHIND).
        """
        proposal = found.proposal
        leaf = log.leaf(reader, log_key(CENTRE), found.proposal_index)
        behind = [
            head.code for head in proposal.cut if not self._covered(reader, head.code, head.size)
        ]
        if behind or cuts.missing(reader, proposal.cut):
            for code in set(behind) - {self.code}:  # its author may tell us another story
                self.follow.asking |= {(code, code), (code, CENTRE)}
            raise RefusedError("BEHIND", f"not all logs of the cut are here: {behind}")
        wrong = cuts.contradicted(reader, proposal.cut)
        if wrong:
            # Two heads of one log, both with a quorum: the centre's copy is the evidence.
            self.follow.asking |= {(head.code, CENTRE) for head in wrong}
            return self._contradiction(found, [head.code for head in wrong])
        mine = self.result(reader, found)
        matches = mine.hash == proposal.result_hash and batches.nets_of(proposal) == mine.nets
        document = None
        if not matches:
            if proposal.result_hash not in self.documents:
                self._wanted_documents.add(proposal.result_hash)
                raise RefusedError("BEHIND", "the proposal differs: fetching its result document")
            document = self.documents[proposal.result_hash]
        return batches.attest(proposal, leaf, mine, document)

    def _covered(self, reader: Reader, code: str, size: int) -> bool:
        return size == 0 or heads.size_of(reader, code) >= size

    def _contradiction(self, found: Batch, codes: list[str]) -> Attestation:
        return Attestation(
            month=found.month,
            revision=found.revision,
            proposal_hash=found.proposal_hash,
            cut_hash=cuts.cut_hash(found.proposal.cut),
            result_hash=bytes(32),
            cells=[Cell(code, code, "cut", 0, 0) for code in codes],
            approvals=[],
        )
