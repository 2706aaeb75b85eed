"""A province's node: records its cases, checks those it owes, recomputes and attests each month.

What it does by itself, where its configuration says so:

- `accept`: accept the prefix of another log as far as it is quorum-cosigned and every covered case
  file has arrived; a case that does not pass becomes an exception, a missing file makes it wait.
- `accept-determined`: the same, but only as far as this node has determined every case itself; the
  rest is a clerk's to accept.
- `attest`: recompute a proposal that stands below a quorum-cosigned head of the centre and write
  down what came out, match or mismatch.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import structlog

from ledger import log, tree
from ledger.entry import decode_entry
from ledger.errors import FormError, LedgerError, RefusedError
from ledger.signer import Signer
from ledger.table import Reader, Store, log_key
from node import heads
from node.command import PROVINCE_ORDERS
from node.daybook import DAY_ORDERS, Daybook
from node.dayrows import answer_day
from node.effect import Answered, Asked, Send
from node.keyring import Keys
from node.message import (
    MAX_CASES,
    Answer,
    AskDay,
    AskDayDetail,
    AskResult,
    DeliverCases,
    Message,
)
from node.role import Role
from node.turn import Turn
from node.vault import Vault
from settlement import batch as batches
from settlement import cut as cuts
from settlement import lookup, state, totals
from settlement.batch import Batch
from settlement.casefile import check_case
from settlement.party import CENTRE, province_of
from settlement.period import shanghai_day
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

    orders: ClassVar[Mapping[str, Callable[..., Any]]] = {**PROVINCE_ORDERS, **DAY_ORDERS}

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
        today: Callable[[int], str] = shanghai_day,
        recover: bool = False,
    ) -> None:
        super().__init__(code, founding, keys, store, signer, admission, recover=recover)
        self.vault = vault
        self.today = today  # the business date at a time in POSIX milliseconds
        self.automatic = automatic
        self.random = random
        self.outgoing = vault.waiting()
        self.unchecked = set(self.roster.participants)  # logs that may owe us a look
        self.daybook = Daybook(self)
        self.documents: dict[bytes, bytes | None] = {}
        self._wanted_documents: set[bytes] = set()

    # --- case files ------------------------------------------------------------------------------

    def cases_delivered(self, event: Asked, now_ms: int) -> Answer:
        """Store delivered case files; the sender is who signed the request."""
        assert isinstance(event.message, DeliverCases)
        if event.sender not in self.roster.participants:
            return Answer(403, b"only participants deliver case files\n")
        days = self.vault.receive(event.sender, event.message.cases)
        self.daybook.arrived(event.sender, days, now_ms)
        self.unchecked.add(event.sender)
        return Answer(200)

    def answer_privately(self, sender: str | None, message: Message) -> Answer:
        """Return what the sender owes for a day; any thread may call."""
        return answer_day(self, sender, message)

    def answered(self, turn: Turn, event: Answered) -> None:
        """Note delivered case files, fetched result documents and what was said about a day."""
        if isinstance(event.message, AskDay | AskDayDetail):
            self.daybook.answered(turn, event)
        elif isinstance(event.message, DeliverCases) and event.answer.ok:
            insured = event.slot[1]
            self.vault.delivered(insured, [case.setl_id for case in event.message.cases])
            self.outgoing = self.vault.waiting()
        elif isinstance(event.message, AskResult):
            answer = event.answer
            if answer.status in (200, 404, 422):
                self.documents[event.message.hash] = answer.body if answer.ok else None
                self._wanted_documents.discard(event.message.hash)

    def sends(self, reader: Reader, now_ms: int) -> list[Send]:
        """Deliver case files that wait; ask about days; fetch a result document that is wanted."""
        sends = self.daybook.sends(reader, now_ms)
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
        self.daybook.act(turn)
        if {"accept", "accept-determined"} & self.automatic:
            self.unchecked |= turn.heads | turn.grown
            for code in sorted(self.unchecked & set(self.roster.participants) - {self.code}):
                if "accept" in self.automatic:
                    self._try(turn, partial(self.accept, turn, code, wait=True))
                    self._try(turn, partial(self.release, turn, code))
                else:
                    self._try(turn, partial(self.accept_determined, turn, code))
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

    def accept_determined(self, turn: Turn, code: str) -> int | None:
        """Accept the log of `code` up to the first case that this node has not determined itself.

        So far every file must be here and pass: nothing becomes an exception without a clerk.
        """
        key = log_key(code)
        start = lookup.accepted_before(turn.writer, self.code, code)
        head = heads.size_of(turn.writer, code)
        size, owed = head, 0
        if head > log.size(turn.writer, key) or head <= start:
            return None
        if not self._owes(turn.writer, code, start):
            return None
        for index, leaf in enumerate(log.leaves(turn.writer, key, start, head), start):
            record = self._owed(turn.writer, code, index, leaf)
            if record is None:
                continue
            case = self.vault.received(code, record.setl_id)
            passes = case and check_case(record, case.case, case.salt) is None
            if not passes or not self.vault.determined(code, record.setl_id):
                size = index
                break
            owed += 1
        if owed == 0:
            return None
        root = tree.root_at(turn.writer, key, size)
        return turn.append(Acceptance(code, size, root, [], []))

    def release(self, turn: Turn, code: str) -> int | None:
        """Lift the exceptions for lack of a case file whose file has arrived since and passes."""
        ready = []
        for original, _size, fault, released in lookup.exceptions(turn.writer, self.code, code):
            if fault == MISSING and released is None and self._passes(turn.writer, code, original):
                ready.append(original)
        return turn.append(Release(code, ready, [])) if ready else None

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
