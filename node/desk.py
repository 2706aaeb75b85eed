"""The desk: a treatment province's side of claims, for the hospitals at its counter.

    presettle   asks the insured province what it would pay; nothing is kept
    settle      keeps the claim (durable), asks, keeps the determination, enters the settlement
    cancel      keeps the wish, asks, enters the reversal of what is left
    claim       says how far a claim is

Every step can be the last before a crash: what is open is found again at the next start and driven
on, and the insured province answers the same question the same way. Claims for one province gather
while a message is under way, so a busy counter needs no more messages than a quiet one.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from ledger.errors import FormError, LedgerError, RefusedError, VerificationError
from ledger.table import Reader, Writer
from node import claimbook
from node.claimbook import Held
from node.effect import Answered, Reply, Send
from node.message import MAX_CLAIMS, VERDICTS, AskClaims, Case, ClaimAsked, Verdict, Verdicts
from node.refusal import OutcomeUnknownError, refused
from node.role import LATER
from node.turn import Turn
from node.vault import own_case, put_own
from settlement import lookup
from settlement.casefile import MONEY_COLUMNS, CaseRow, check_row, decode_case, record_of
from settlement.claim import Claim, bears_out, check_claim, refund_of
from settlement.determination import Cancellation, Determined, check
from settlement.money import format_yuan, parse_fen
from settlement.period import parse_time
from settlement.record import Reversal, Settlement
from settlement.registration import allowed
from settlement.state import next_entry_key

if TYPE_CHECKING:
    from node.province import Province

_log = structlog.get_logger("desk")

MAX_WAITING = 1_000
SLOT = "claims"


@dataclass
class Ask:
    """One question to an insured province, and who waits for what comes of it."""

    question: ClaimAsked | Cancellation
    tickets: list[int] = field(default_factory=list)

    @property
    def kept(self) -> bool:
        """Whether it is in the book and has to come to an end even if nobody waits."""
        return isinstance(self.question, Cancellation) or self.question.settle

    @property
    def setl_id(self) -> str:
        """The claim it is about."""
        question = self.question
        return question.setl_id if isinstance(question, Cancellation) else question.claim.setl_id


class Desk:
    """See the module's text."""

    def __init__(self, role: "Province") -> None:
        self._role = role
        self._book = role.vault.store
        self._waiting: dict[str, list[Ask]] = {}
        self._under_way: dict[str, list[Ask]] = {}
        self._awake = False
        self._entered: set[str] = set()  # in the log for good, but not yet closed in the book

    # --- orders: what hospitals ask --------------------------------------------------------------

    def presettle(self, turn: Turn, claim: Claim) -> object:
        """Ask what the insured province would pay; nothing is kept."""
        self._admit(turn, claim)
        self._ask(turn, claim.insured, Ask(ClaimAsked(False, claim), [turn.ticket]))
        return LATER

    def settle(self, turn: Turn, claim: Claim) -> object:
        """Settle a claim, once: the same id with the same content gives the same answer.

        Replies with the claim, or with
            RefusedError: The id stands for another content (OTHER_BODY) or an imported entry
                (DUPLICATE_ID), the institution may not settle this, or the insured node cannot be
                reached (UNREACHABLE): then nothing was sent.
        """
        return self._with_book(turn, lambda book, ticket: self._settle(turn, book, ticket, claim))

    def _settle(self, turn: Turn, book: Writer, ticket: int, claim: Claim) -> object:
        known = claimbook.held(book, claim.setl_id)
        if known is not None:
            if known.form != claim.hash:
                raise refused("OTHER_BODY", claim.setl_id)
            if known.state != "asked":
                return self.view(turn.writer, known)
            self._join(turn, ticket, known.claim)
            return LATER
        if lookup.find_settlement(turn.writer, self._role.code, claim.setl_id) is not None:
            raise refused("DUPLICATE_ID", claim.setl_id)
        self._admit(turn, claim)
        claimbook.hold(book, Held("asked", claim.hash, claim))
        self._ask(turn, claim.insured, Ask(ClaimAsked(True, claim), [ticket]))
        return LATER

    def cancel(self, turn: Turn, setl_id: str, cancel_id: str, setl_time: str) -> object:
        """Take back what is left of a settlement, or a claim whose outcome is not known.

        Replies with the claim, or with
            RefusedError: There is no such claim (UNKNOWN_CLAIM), another cancellation stands
                (ALREADY_CANCELLED), the id is taken (DUPLICATE_ID), or nothing is left of it
                (NOTHING_LEFT).
        """
        wish = Cancellation(setl_id, cancel_id, setl_time, False)
        return self._with_book(turn, lambda book, ticket: self._cancel(turn, book, ticket, wish))

    def _cancel(self, turn: Turn, book: Writer, ticket: int, asked: Cancellation) -> object:
        known = claimbook.held(book, asked.setl_id)
        if known is None:
            raise refused("UNKNOWN_CLAIM", asked.setl_id)
        wish = known.cancellation
        if wish is not None:
            if wish.cancel_id != asked.cancel_id:
                raise refused("ALREADY_CANCELLED", wish.cancel_id)
            if wish.setl_time != asked.setl_time:
                raise refused("OTHER_BODY", wish.cancel_id)
            if known.state == "cancelled":
                return self.view(turn.writer, known)
            self._join(turn, ticket, known.claim, wish)
            return LATER
        if parse_time(asked.setl_time).strftime("%Y-%m-%d") > self._role.today(turn.now_ms):
            raise refused("FUTURE", asked.setl_time)
        if asked.cancel_id == asked.setl_id or self._taken(turn.writer, book, asked.cancel_id):
            raise refused("DUPLICATE_ID", asked.cancel_id)
        wish = msgspec.structs.replace(asked, entered=known.state == "determined")
        if wish.entered:
            self._check_refund(turn, book, known, wish)
        claimbook.hold(book, Held("cancelling", known.form, known.claim, known.determined, wish))
        self._ask(turn, known.claim.insured, Ask(wish, [ticket]))
        return LATER

    def claim(self, turn: Turn, setl_id: str) -> object:
        """Return how far a claim is; replies with RefusedError (UNKNOWN_CLAIM) if there is none."""

        def show(book: Writer, _ticket: int) -> object:
            known = claimbook.held(book, setl_id)
            if known is None:
                raise refused("UNKNOWN_CLAIM", setl_id)
            return self.view(turn.writer, known)

        return self._with_book(turn, show)

    def _with_book(self, turn: Turn, act: Callable[[Writer, int], object]) -> object:
        # All claims of a turn share one transaction of the vault, and each sees those before it.
        ticket = turn.ticket

        def run(book: Writer) -> None:
            try:
                value = act(book, ticket)
            except (RefusedError, FormError, OutcomeUnknownError) as error:
                value = error
            if value is not LATER:
                turn.reply(ticket, value)

        turn.book.append(run)
        return LATER

    def view(self, reader: Reader, item: Held) -> dict[str, Any]:
        """Return a claim as hospitals are shown it."""
        index = lookup.find_settlement(reader, self._role.code, item.claim.setl_id)
        state = item.state
        if state == "determined":
            state = "settled"
        value: dict[str, Any] = {
            "setl_id": item.claim.setl_id,
            "institution": item.claim.institution,
            "state": state,
            "index": index,
        }
        if item.determined is not None:
            value |= shown(item.determined)
        if item.cancellation is not None:
            wish = item.cancellation
            value["cancel_id"] = wish.cancel_id
            value["cancel_index"] = lookup.find_settlement(reader, self._role.code, wish.cancel_id)
        return value

    def _admit(self, turn: Turn, claim: Claim) -> None:
        check_claim(claim)
        known = lookup.institution(turn.writer, self._role.code, claim.institution)
        allowed(known, claim.service)
        assert known is not None
        if claim.treatment_area != known.area:
            raise FormError("claim: treatment area", known.area, claim.treatment_area)
        if not self._reachable(claim.insured, turn.now_ms):
            raise refused("UNREACHABLE", claim.insured)
        if len(self._waiting.get(claim.insured, ())) >= MAX_WAITING:
            raise OutcomeUnknownError(f"{claim.insured}: too many claims wait for its node")

    def _reachable(self, insured: str, now_ms: int) -> bool:
        # After a failure one question at a time finds out whether the others answer again.
        slots, slot = self._role.slots, (SLOT, insured)
        silent = slots.failures.get(slot, 0) > 0
        trying = slot in slots.busy or slots.not_before.get(slot, 0) > now_ms
        return insured in self._role.roster.members and not (silent and trying)

    def _taken(self, reader: Reader, book: Reader, setl_id: str) -> bool:
        if claimbook.held(book, setl_id) is not None:
            return True
        return lookup.find_settlement(reader, self._role.code, setl_id) is not None

    # --- the queue -------------------------------------------------------------------------------

    def _ask(self, turn: Turn, insured: str, ask: Ask) -> None:
        # After the commit: a turn may be run twice, a question is put once.
        turn.learned.append(lambda: self._waiting.setdefault(insured, []).append(ask))

    def _join(
        self, turn: Turn, ticket: int, claim: Claim, wish: Cancellation | None = None
    ) -> None:
        def join() -> None:
            waiting = self._waiting.setdefault(claim.insured, [])
            for ask in [*waiting, *self._under_way.get(claim.insured, [])]:
                if ask.setl_id == claim.setl_id and ask.kept:
                    ask.tickets.append(ticket)
                    return
            waiting.append(Ask(wish or ClaimAsked(True, claim), [ticket]))

        turn.learned.append(join)

    def sends(self, now_ms: int) -> list[Send]:
        """Return one message for each province that has questions and no message under way."""
        found = []
        for insured in sorted(code for code, asks in self._waiting.items() if asks):
            if self._role.slots.take((SLOT, insured), now_ms):
                asks = self._waiting[insured][:MAX_CLAIMS]
                self._waiting[insured] = self._waiting[insured][MAX_CLAIMS:]
                # Verdicts come in two lists, so the questions are kept in that order, too.
                asks.sort(key=lambda ask: isinstance(ask.question, Cancellation))
                self._under_way[insured] = asks
                questions = [ask.question for ask in asks]
                message = AskClaims(
                    [q for q in questions if isinstance(q, ClaimAsked)],
                    [q for q in questions if isinstance(q, Cancellation)],
                )
                found.append(Send((SLOT, insured), insured, message))
        return found

    # --- answers ---------------------------------------------------------------------------------

    def answered(self, turn: Turn, event: Answered) -> None:
        """Take in what an insured province has decided, or that it did not answer."""
        insured = event.slot[1]
        asks = self._under_way.get(insured, [])
        turn.learned.append(lambda: self._under_way.pop(insured, None))
        verdicts = self._verdicts(event, asks)
        if verdicts is None:
            self._again(turn, insured, asks)
            return

        def decide(book: Writer) -> None:
            for setl_id in sorted(self._entered):
                claimbook.close(book, setl_id)
            turn.learned.append(partial(self._entered.difference_update, set(self._entered)))
            for ask, verdict in zip(asks, verdicts, strict=True):
                self._take(turn, book, insured, ask, verdict)

        turn.book.append(decide)

    def _verdicts(self, event: Answered, asks: list[Ask]) -> list[Verdict] | None:
        if not event.answer.ok:
            return None
        try:
            found: Verdicts = VERDICTS.decode(event.answer.body)
        except FormError as error:
            _log.error("an answer nobody can read", to=event.slot[1], error=str(error))
            return None
        claims = sum(isinstance(ask.question, ClaimAsked) for ask in asks)
        if len(found.claims) != claims or len(found.cancellations) != len(asks) - claims:
            _log.error("an answer to something else", to=event.slot[1])
            return None
        return [*found.claims, *found.cancellations]

    def _again(self, turn: Turn, insured: str, asks: list[Ask]) -> None:
        # What was kept may have been decided: it is asked again until it is known. Who waits is
        # told, for a patient stands at the counter.
        for ask in asks:
            error: LedgerError = (
                OutcomeUnknownError(f"{insured} has not answered; ask again with the same id")
                if ask.kept
                else refused("UNREACHABLE", insured)
            )
            for ticket in ask.tickets:
                turn.effects.append(Reply(ticket, error))
        kept = [Ask(ask.question) for ask in asks if ask.kept]

        def put_back() -> None:
            self._waiting[insured] = kept + self._waiting.get(insured, [])

        turn.learned.append(put_back)

    def _take(self, turn: Turn, book: Writer, insured: str, ask: Ask, verdict: Verdict) -> None:
        """Keep what follows from one verdict, enter what is to be entered, reply."""
        value: Any
        try:
            value = self._decided(turn, book, insured, ask.question, verdict)
        except RefusedError as error:
            value = error
        except (VerificationError, FormError) as error:
            # An answer that does not hold decides nothing: what is kept is asked again.
            _log.error("a determination does not hold", setl_id=ask.setl_id, error=str(error))
            if ask.kept:
                self._ask(turn, insured, Ask(ask.question))
            value = OutcomeUnknownError(f"{insured}: {error}")
        for ticket in ask.tickets:
            turn.reply(ticket, value)

    def _decided(
        self,
        turn: Turn,
        book: Writer,
        insured: str,
        question: ClaimAsked | Cancellation,
        verdict: Verdict,
    ) -> Any:
        if isinstance(question, ClaimAsked) and not question.settle:
            return self._computed(question.claim, verdict)
        cancels = isinstance(question, Cancellation)
        setl_id = question.setl_id if isinstance(question, Cancellation) else question.claim.setl_id
        item = claimbook.held(book, setl_id)
        if item is None:
            raise refused("UNKNOWN_CLAIM", setl_id)
        act = self._cancelled if cancels else self._settled
        record, done = act(turn, book, insured, item, verdict)
        if record is not None:
            self._enter(turn, setl_id, record)
        return self.view(turn.writer, done)

    def _computed(self, claim: Claim, verdict: Verdict) -> dict[str, Any]:
        if verdict.determined is None:
            raise refused(verdict.code, verdict.detail)
        self._check_bears_out(claim, verdict.determined)  # not signed: it obliges nobody
        return {
            "setl_id": claim.setl_id, "state": "computed", "index": None,
            **shown(verdict.determined),
        }  # fmt: skip

    def _settled(
        self, turn: Turn, book: Writer, insured: str, item: Held, verdict: Verdict
    ) -> tuple[Settlement | Reversal | None, Held]:
        if item.state != "asked":  # a cancellation came first; its own answer decides
            return None, item
        setl_id = item.claim.setl_id
        if verdict.determined is None:
            claimbook.forget(book, setl_id)
            raise refused(verdict.code, verdict.detail)
        found = verdict.determined
        self._check(turn, insured, setl_id, item.claim.hash, found)
        row = self._check_bears_out(item.claim, found)
        done = Held("determined", item.form, item.claim, found)
        claimbook.hold(book, done)
        put_own(book, Case(setl_id, found.case, found.salt))
        return record_of(row, found.salt), done

    def _cancelled(
        self, turn: Turn, book: Writer, insured: str, item: Held, verdict: Verdict
    ) -> tuple[Settlement | Reversal | None, Held]:
        wish = item.cancellation
        if item.state != "cancelling" or wish is None:
            return None, item
        found = verdict.determined
        if verdict.code or (found is None) == wish.entered:
            # Refused: the settlement stands as it did, or is asked for again.
            state = "determined" if wish.entered else "asked"
            claimbook.hold(book, Held(state, item.form, item.claim, item.determined))
            if not wish.entered:
                self._ask(turn, insured, Ask(ClaimAsked(True, item.claim)))
            raise refused(verdict.code or "UNKNOWN_CLAIM", verdict.detail)
        done = Held("cancelled", item.form, item.claim, item.determined, wish, found)
        if found is None:
            claimbook.hold(book, done)
            claimbook.close(book, item.claim.setl_id)
            return None, done
        self._check(turn, insured, wish.cancel_id, wish.hash, found)
        row = decode_case(found.case)
        if row != self._refund(turn.writer, book, item, wish) or check_row(row):
            raise VerificationError(f"refund {wish.cancel_id}: not what is left of {wish.setl_id}")
        claimbook.hold(book, done)
        put_own(book, Case(wish.cancel_id, found.case, found.salt))
        return record_of(row, found.salt), done

    def _enter(self, turn: Turn, setl_id: str, record: Settlement | Reversal) -> None:
        try:
            turn.append(record)
        except RefusedError as error:
            # Decided, but not to be entered: somebody has to look. It stays open in the book.
            _log.error("a determined claim cannot be entered", setl_id=setl_id, error=str(error))
            raise
        turn.learned.append(lambda: self._entered.add(setl_id))

    # --- what must hold --------------------------------------------------------------------------

    def _check(
        self, turn: Turn, insured: str, setl_id: str, asked: bytes, found: Determined
    ) -> None:
        if found.claim_hash != asked:
            raise VerificationError(f"determination of {setl_id}: of another claim")
        roster = self._role.roster
        # The key after a rotation that the roster does not know yet is in the copy of that log.
        keys = {*roster.generation(insured).keys("entry")}
        keys.add(next_entry_key(turn.writer, roster, insured))
        check(found, roster.network_id, self._role.code, insured, setl_id, sorted(keys))

    def _check_bears_out(self, claim: Claim, found: Determined) -> CaseRow:
        row = decode_case(found.case)
        if not bears_out(claim, row) or check_row(row):
            raise VerificationError(f"determination of {claim.setl_id}: of another bill")
        return row

    def _refund(self, reader: Reader, book: Reader, item: Held, wish: Cancellation) -> CaseRow:
        """Return the row that takes back what is left, from the case files of what stands."""
        assert item.determined is not None
        rows = [decode_case(item.determined.case)]
        index = lookup.find_settlement(reader, self._role.code, item.claim.setl_id)
        before = [] if index is None else lookup.reversals_of(reader, self._role.code, index)
        for at, _, _ in before:
            record = lookup.entry_at(reader, self._role.code, at)[1]
            assert isinstance(record, Reversal)
            case = own_case(book, record.setl_id)
            if case is not None:
                rows.append(decode_case(case.case))
        return refund_of(rows, wish.cancel_id, wish.setl_time)

    def _check_refund(self, turn: Turn, book: Reader, item: Held, wish: Cancellation) -> None:
        row = self._refund(turn.writer, book, item, wish)
        if parse_fen(row.medfee_sumamt) == 0:
            raise refused("NOTHING_LEFT", item.claim.setl_id)
        faults = check_row(row)
        if faults:
            raise FormError(f"cancellation: {faults[0].column}", faults[0].text.en, faults[0].value)

    # --- after a start ---------------------------------------------------------------------------

    def wake(self, turn: Turn) -> None:
        """Drive on what a crash or a lost answer left open."""
        if self._awake:
            return
        turn.learned.append(self._woke)
        with self._book.read() as reader:
            found = claimbook.open_claims(reader)
        for item in found:
            if item.state == "asked":
                self._ask(turn, item.claim.insured, Ask(ClaimAsked(True, item.claim)))
            elif item.state == "cancelling":
                assert item.cancellation is not None
                self._ask(turn, item.claim.insured, Ask(item.cancellation))
            for part in (item.determined, item.refund):
                if part is not None and item.state in ("determined", "cancelled", "cancelling"):
                    self._enter_again(turn, item, part)

    def _woke(self) -> None:
        self._awake = True

    def _enter_again(self, turn: Turn, item: Held, found: Determined) -> None:
        wish = item.cancellation
        if wish is not None and not wish.entered:
            return  # cancelled before it was in the log: it stays out of it
        with suppress(RefusedError):
            self._enter(turn, item.claim.setl_id, record_of(decode_case(found.case), found.salt))


def shown(found: Determined) -> dict[str, Any]:
    """Return a determination as people and hospital systems are shown it; amounts in yuan."""
    row = decode_case(found.case)
    return {
        "bill": {column: getattr(row, column) for column in MONEY_COLUMNS},
        "funds": [{"code": fund.code, "yuan": format_yuan(fund.fen)} for fund in found.funds],
        "steps": [
            {
                "step": step.step, "yuan": format_yuan(step.fen), "en": step.en, "zh": step.zh,
                "parameter": step.parameter, "source": step.source, "certainty": step.certainty,
                "fund": step.fund,
            }
            for step in found.steps
        ],
        "row": row._asdict(),
        "determination": {
            "claim_hash": found.claim_hash.hex(), "index": found.index,
            "signature": found.signature.hex(), "commitment": found.commitment.hex(),
        },
    }  # fmt: skip


def _presettle(role: "Province", turn: Turn, claim: Claim) -> object:
    return role.desk.presettle(turn, claim)


def _settle(role: "Province", turn: Turn, claim: Claim) -> object:
    return role.desk.settle(turn, claim)


def _cancel(role: "Province", turn: Turn, setl_id: str, cancel_id: str, setl_time: str) -> object:
    return role.desk.cancel(turn, setl_id, cancel_id, setl_time)


def _claim(role: "Province", turn: Turn, setl_id: str) -> object:
    return role.desk.claim(turn, setl_id)


CLAIM_ORDERS: dict[str, Callable[..., Any]] = {
    "presettle": _presettle, "settle": _settle, "cancel": _cancel, "claim": _claim,
}  # fmt: skip
