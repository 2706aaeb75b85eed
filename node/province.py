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
from ledger.table import Reader, Store, Writer, log_key
from node import heads
from node.bank import BANK_ORDERS
from node.command import PROVINCE_ORDERS, Order
from node.daybook import DAY_ORDERS, Daybook
from node.dayrows import answer_day
from node.desk import CLAIM_ORDERS, Desk
from node.directory import INSTITUTION_ORDERS
from node.effect import Answered, Asked, Send
from node.erasure import ERASURE_ORDERS
from node.insurer import Insurer, switches_of
from node.keyring import Keys
from node.message import (
    MAX_CASES,
    Answer,
    AskClaims,
    AskDay,
    AskDayDetail,
    AskResult,
    DeliverCases,
    DeliverNotices,
    Message,
)
from node.notices import Notices
from node.pending import Pending, settled
from node.registry import REGISTRY_ORDERS
from node.role import Role
from node.turn import Turn
from node.vault import Vault
from settlement import batch as batches
from settlement import cut as cuts
from settlement import lookup, state, totals
from settlement.batch import Batch
from settlement.casefile import CaseRow, check_case, decode_case
from settlement.party import CENTRE, province_of
from settlement.period import parse_time, shanghai_day
from settlement.policy import Policy
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
from settlement.registration import Switches
from settlement.roster import Roster
from settlement.stage import case_of

_log = structlog.get_logger("province")

ACCEPT_EVERY_MS = 1_000
ACCEPTING = frozenset({"accept", "accept-determined"})
MISSING, CANCELLED = "NO_FILE", "CANCELLED"


@dataclass(frozen=True)
class Checked:
    """What checking a newly covered range of another log came to."""

    log: str
    size: int
    owed: int
    exceptions: list[Exempt]
    missing: list[int]  # indexes whose case file has not arrived
    passed: list[CaseRow]  # of reversals, and of what this node has determined itself


class Province(Role):
    """See the module's text."""

    orders: ClassVar[Mapping[str, Order]] = {
        **PROVINCE_ORDERS,
        **BANK_ORDERS,
        **CLAIM_ORDERS,
        **DAY_ORDERS,
        **INSTITUTION_ORDERS,
        **{verb: settled(order) for verb, order in (REGISTRY_ORDERS | ERASURE_ORDERS).items()},
    }

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
        policy: Policy | None = None,
        recover: bool = False,
    ) -> None:
        super().__init__(
            code, founding, keys, store, signer, admission, today=today, recover=recover
        )
        self.vault = vault
        self.desk = Desk(self)
        self.insurer = Insurer(self, policy)
        self.automatic = automatic
        self.random = random
        self.switches = switches_of(policy) if policy else Switches()
        self.pending = Pending(self)
        self.notices = Notices(self)
        self.outgoing = vault.waiting()
        self.unchecked = set(self.roster.participants)  # logs that may owe us a look
        self._not_before: dict[str, int] = {}  # when to look into a log again
        self.daybook = Daybook(self)
        self.documents: dict[bytes, bytes | None] = {}
        self._wanted_documents: set[bytes] = set()

    def draw(self, count: int) -> bytes:
        """Return random bytes, for salts, tokens and ids."""
        assert self.random is not None
        return self.random(count)

    # --- case files ------------------------------------------------------------------------------

    def asked(self, turn: Turn, event: Asked) -> Answer | None:
        """Answer another participant; the sender is who signed the request."""
        if event.sender not in self.roster.participants or event.sender == self.code:
            return Answer(403, b"only other participants may ask this\n")
        match event.message:
            case DeliverCases():
                return self._cases_delivered(turn, event.sender, event.message)
            case AskClaims():
                return self.insurer.asked(turn, event, event.message)
            case DeliverNotices():
                return self.notices.delivered(turn.writer, event)
        return Answer(404)

    def keep(self, turn: Turn) -> None:
        """Carry out what claims of this turn do to the vault, in one transaction.

        It is durable before the entries of the turn are.
        """
        if turn.book:

            def change(writer: Writer) -> None:
                for act in turn.book:
                    act(writer)

            self.vault.store.transact(change)

    def _cases_delivered(self, turn: Turn, sender: str, message: DeliverCases) -> Answer:
        new = [case for case in message.cases if self.insurer.takes(sender, case.setl_id)]
        days = self.vault.receive(sender, new)
        self.daybook.arrived(sender, days, turn.now_ms)
        self.unchecked.add(sender)
        return Answer(200)

    def answer_privately(self, sender: str | None, message: Message) -> Answer:
        """Return what the sender owes for a day; any thread may call."""
        return answer_day(self, sender, message)

    def answered(self, turn: Turn, event: Answered) -> None:
        """Note what others took over, decided, or said about a day."""
        if isinstance(event.message, AskClaims):
            self.desk.answered(turn, event)
        elif isinstance(event.message, AskDay | AskDayDetail):
            self.daybook.answered(turn, event)
        elif isinstance(event.message, DeliverCases) and event.answer.ok:
            insured = event.slot[1]
            self.vault.delivered(insured, [case.setl_id for case in event.message.cases])
            self.outgoing = self.vault.waiting()
        elif isinstance(event.message, DeliverNotices):
            self.notices.answered(event)
        elif isinstance(event.message, AskResult):
            answer = event.answer
            if answer.status in (200, 404, 422):
                self.documents[event.message.hash] = answer.body if answer.ok else None
                self._wanted_documents.discard(event.message.hash)

    def sends(self, reader: Reader, now_ms: int) -> list[Send]:
        """Put questions, deliver what waits, fetch a result document that is wanted."""
        sends = self.desk.sends(now_ms) + self.notices.sends(now_ms)
        sends += self.daybook.sends(reader, now_ms)
        for code in self.unchecked & self._not_before.keys():
            if self._not_before[code] > now_ms and ACCEPTING & self.automatic:
                self.slots.want(self._not_before[code])
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
        """Drive on what is open; accept, release and attest as far as the configuration lets it."""
        self.pending.settle(turn)
        self.desk.wake(turn)
        self.daybook.act(turn)
        if ACCEPTING & self.automatic:
            self._look(turn)
        if "attest" in self.automatic:
            act = partial(self.attest_open, turn)
            self._try(turn, partial(self.by_itself, turn, "attest", {}, act))

    def _look(self, turn: Turn) -> None:
        # At a busy counter of the other side, one acceptance a second covers all of that second.
        self.unchecked |= turn.heads | turn.grown
        due = {c for c in self.unchecked if self._not_before.get(c, 0) <= turn.now_ms}
        for code in sorted(due & set(self.roster.participants) - {self.code}):
            if "accept" in self.automatic:
                self._try(turn, partial(self.accept, turn, code, wait=True))
                self._try(turn, partial(self.release, turn, code))
            else:
                self._try(turn, partial(self.accept_determined, turn, code))
        turn.flush()
        turn.learned.append(lambda: self._looked(due, turn.now_ms + ACCEPT_EVERY_MS))

    def _looked(self, codes: set[str], not_before: int) -> None:
        self.unchecked -= codes
        self._not_before |= dict.fromkeys(codes, not_before)

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
            return Checked(code, size, 0, [], [], [])
        owed, missing, passed = 0, list[int](), list[CaseRow]()
        exceptions: dict[int, Exempt] = {}
        for index, leaf in enumerate(log.leaves(reader, key, start, size), start):
            record = self._owed(reader, code, index, leaf)
            if record is None:
                continue
            owed += 1
            case = self.vault.received(code, record.setl_id)
            if case is None:
                fault = self._missing(code, record.setl_id)
            elif (found := check_case(record, case.case, case.salt)) is not None:
                fault = found
            else:
                if isinstance(record, Reversal) or self.vault.determined(code, record.setl_id):
                    passed.append(decode_case(case.case))
                continue
            # A reversal has no state of its own: what is wrong with it is said of its original.
            at = index
            if isinstance(record, Reversal):
                at = lookup.find_settlement(reader, code, record.original_id) or 0
            if fault == MISSING:
                missing.append(at)
            if at >= start:
                exceptions.setdefault(at, Exempt(at, fault))
        listed = [exceptions[i] for i in sorted(exceptions)]
        return Checked(code, size, owed, listed, missing, passed)

    def _missing(self, code: str, setl_id: str) -> str:
        decision = self.insurer.decided(code, setl_id)
        return CANCELLED if decision is not None and decision.cancelled else MISSING

    def _owes(self, reader: Reader, code: str, start: int) -> bool:
        # Totals answer without a scan whether anything was added since the last acceptance.
        now = totals.load_running(reader, log_key(code), self.code)
        if start == 0:
            return bool(now)
        return now != state.total_at(reader, code, self.code, start)

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
        for row in checked.passed:
            if row.is_refund:
                self.insurer.taken_back(code, row)
        # What was determined here had no file that arrived: its day is looked at now.
        days = {parse_time(row.setl_time).strftime("%Y-%m-%d") for row in checked.passed}
        turn.learned.append(partial(self.daybook.arrived, code, days, turn.now_ms))
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
