"""What every node does: one writer, a witness, verified copies of the other logs, a fed head.

One call of `handle` is one turn: events in, one transaction, effects out. In this order:

1. The events are taken in and the automatic acts follow, all in one transaction. A crash before its
   commit leaves nothing; after it, entries are durable and nobody has been told.
2. The signer state is advanced (own head, cosignatures) and stored. A crash after that leaves a
   state that is not ahead of the store; the signatures can be made again.
3. Heads and cosignatures are signed, and the effects are handed to the driver.
"""

from collections.abc import Callable, Mapping, Sequence
from inspect import signature
from typing import Any, ClassVar

import structlog

from ledger import log, tree
from ledger.checkpoint import Checkpoint, SignedCheckpoint, open_checkpoint, sign_checkpoint
from ledger.errors import LedgerError, RefusedError, RewoundError, StoreError
from ledger.note import Note, format_note, parse_note
from ledger.signer import HEAD, Signer
from ledger.table import Reader, Store, Writer, log_key
from node import approvals, heads
from node.approvals import DraftEndedError
from node.docket import Docket
from node.effect import (
    Answered,
    Asked,
    Effect,
    Event,
    Ordered,
    Reply,
    Send,
    Started,
    WakeAt,
    Woken,
)
from node.feed import Feed
from node.follow import Follow
from node.keyring import Keys
from node.lock import Lock
from node.message import (
    AddCheckpoint,
    Answer,
    Message,
    Offer,
    TellEvidence,
    TellHead,
)
from node.slots import Slots
from node.succession import cut_back, go_on
from node.turn import Given, Turn, UnsignedError
from node.witness import Witness
from settlement import lookup
from settlement.batch import Batch, Result, result_of
from settlement.lookup import applied_size
from settlement.membership import roster_at
from settlement.party import CENTRE
from settlement.period import shanghai_day
from settlement.record import Admission
from settlement.roster import Roster

_log = structlog.get_logger("role")

LATER = object()
"""The value of an order that is replied to by other means than its value."""


class EventRefusedError(Exception):
    """One event of a turn cannot be taken in; the turn is run again without it."""

    def __init__(self, event: Event, error: LedgerError) -> None:
        self.event, self.error = event, error
        super().__init__(str(error))


class Role:
    """The common part of province and centre. See the module's text for the order of a turn."""

    orders: ClassVar[Mapping[str, Callable[..., Any]]] = {}

    def __init__(
        self,
        code: str,
        founding: Roster,
        keys: Keys,
        store: Store,
        signer: Signer,
        admission: Admission | None = None,
        *,
        today: Callable[[int], str] = shanghai_day,
        recover: bool = False,
    ) -> None:
        self.code = code
        self.today = today  # the business date at a time in POSIX milliseconds
        self.founding = founding
        self.keys = keys
        self.store = store
        self.signer = signer
        self.admission = admission  # how this node knows itself before it has the centre's log
        self.slots = Slots()
        self._results: dict[bytes, Result] = {}
        self._ended: dict[bytes, DraftEndedError] = {}  # drafts that were refused, to be dropped
        self._gone_on = False
        self._seat = False
        self.seated = False  # whether the roster, as far as known here, has this node's keys
        self.roster: Roster = founding
        self.witness = Witness(self)
        self.follow = Follow(self)
        self.feed = Feed(self)
        self.docket = Docket(self)
        self.lock = Lock(self)
        with store.read() as reader:
            self._take_roster(self._read_roster(reader))
            if not recover:
                self._check_signer(reader)
        self._check_keys()

    # --- the turn ------------------------------------------------------------------------------

    def handle(self, events: Sequence[Event], now_ms: int) -> list[Effect]:
        """Take in events; return what is to be done now that everything is durable.

        Raises:
            StoreError: The store or the signer state cannot go on; the process must stop.
        """
        waiting = list(events)
        effects: list[Effect] = []
        for event in waiting:
            if isinstance(event, Answered):
                self.slots.done(event.slot, event.answer.status in (200, 409, 404), now_ms)
        while True:
            try:
                turn = self.store.transact(lambda writer: self._turn(writer, waiting, now_ms))
                break
            except EventRefusedError as refused:
                waiting.remove(refused.event)
                effects += self._refused(refused.event, refused.error, now_ms)
        return effects + self._after(turn, now_ms)

    def _turn(self, writer: Writer, events: Sequence[Event], now_ms: int) -> Turn:
        turn = Turn(writer, self.roster, self.code, self.keys, now_ms)
        cut_back(self, turn)
        if self._ended:
            approvals.drop_ended(turn, self._ended)
            turn.learned.append(self._ended.clear)
        for event in events:
            try:
                self._take(turn, event)
            except StoreError:
                raise
            except LedgerError as error:
                raise EventRefusedError(event, error) from error
        self.keep(turn)
        turn.flush()
        if self.lock.settle(turn):
            # An empty log begins with what founds it, not with a rotation.
            if not self._gone_on and log.size(writer, log_key(self.code)):
                go_on(self, turn)
                turn.learned.append(self._went_on)
            self.act(turn)
        turn.flush()
        self.witness.settle(turn)
        return turn

    def _take(self, turn: Turn, event: Event) -> None:
        match event:
            case Started():
                self.follow.asking |= {(code, code) for code in self.others}
            case Woken():
                pass
            case Asked(message=AddCheckpoint(body=body)):
                self.witness.asked(turn, event, body)
            case Asked(message=Offer(body=body, leaves=leaves)):
                self.witness.asked(turn, event, body, leaves)
            case Asked(message=TellHead(note=note)):
                self.follow.told(turn, note)
                turn.reply(event.ticket, Answer(200))
            case Asked(message=TellEvidence(file=file)):
                turn.reply(event.ticket, self.docket.handed(turn, file))
            case Asked():
                answer = self.asked(turn, event)
                if answer is not None:
                    turn.reply(event.ticket, answer)
            case Answered(slot=("feed" | "tell", _)):
                self.feed.answered(turn, event)
            case Answered(slot=("pull" | "ask", _)):
                self.follow.answered(turn, event)
            case Answered(slot=("seen", _)):
                self.lock.answered(turn, event)
            case Answered(slot=("split", _)):
                self.docket.told_of_split(turn, event)
            case Answered(slot=("evidence", _)):
                self.docket.answered(event)
            case Answered():
                self.answered(turn, event)
            case Ordered():
                value = self._order(turn, event)
                if value is not LATER:
                    turn.reply(event.ticket, value)

    def _order(self, turn: Turn, event: Ordered) -> Any:
        self.lock.check()
        turn.ticket = event.ticket
        order = self.orders.get(event.verb)
        if order is None:
            other = "a province's" if self.code == CENTRE else "the centre's"
            text = f"{self.code} has no order {event.verb!r}; is it one for {other} node?"
            raise RefusedError("VERB", text)
        arguments = dict(event.arguments)
        # `sign`: whoever gives it wants to sign it, also where that is not asked for.
        given = turn.order = Given(
            event.verb, arguments, least=int(arguments.pop("sign", 0) is True)
        )
        try:
            bound = signature(order).bind(self, turn, **arguments)
        except TypeError as error:
            raise RefusedError("ARGUMENTS", f"{event.verb}: {error}") from None
        try:
            return order(*bound.args, **bound.kwargs)
        except UnsignedError as unsigned:
            return approvals.make(self, turn, given, unsigned)
        except (TypeError, ValueError, AttributeError) as error:
            # A value of another type than the order takes: refused, not the end of the node. What
            # it wrote is undone with the event. A mistake of the program's own is in the log.
            _log.exception("an order failed", verb=event.verb)
            raise RefusedError("ARGUMENTS", f"{event.verb}: {error}") from error
        finally:
            turn.order = None

    def by_itself(
        self, turn: Turn, verb: str, arguments: dict[str, Any], act: Callable[[], Any]
    ) -> None:
        """Do what an order would do, without one; if people must sign it, leave a draft, once."""
        given = turn.order = Given(verb, arguments, by_node=True)
        try:
            act()
        except UnsignedError as unsigned:
            approvals.make(self, turn, given, unsigned)
        finally:
            turn.order = None

    def _refused(self, event: Event, error: LedgerError, now_ms: int) -> list[Effect]:
        match event:
            case Asked(message=TellHead(), sender=sender) if sender is not None:
                self.follow.asking.add(
                    (sender, sender)
                )  # perhaps its key has changed below that head
                return [Reply(event.ticket, Answer(422, f"{error.code}: {error}\n".encode()))]
            case Asked():
                return [Reply(event.ticket, Answer(422, f"{error.code}: {error}\n".encode()))]
            case Ordered():
                if isinstance(error, DraftEndedError):
                    self._ended[error.hash] = error
                return [Reply(event.ticket, error)]
            case Answered(slot=("pull" | "ask", _)):
                self.follow.refused(event, error)
            case Answered(slot=slot) if slot[0] == "feed":
                self.slots.done(slot, False, now_ms)  # a key nobody knows yet: again, but later
            case _:
                _log.error("refused", slot=getattr(event, "slot", None), error=str(error))
        return []

    def _after(self, turn: Turn, now_ms: int) -> list[Effect]:
        for learn in turn.learned:
            learn()
        with self.store.read() as reader:
            if CENTRE in turn.grown:
                self._take_roster(self._read_roster(reader))
            self._sign_head(reader)
            answers = self.witness.signed(turn.cosign, now_ms)
            effects = turn.effects + [Reply(ticket, a) for ticket, a in answers.items()]
            return effects + self._sends(reader, now_ms)

    def _sends(self, reader: Reader, now_ms: int) -> list[Effect]:
        self.slots.wanted_ms = None
        sends: list[Effect] = [
            *self.follow.sends(reader, now_ms),
            *self.feed.sends(reader, now_ms),
            *self.docket.sends(reader, now_ms),
            *self.lock.sends(reader, now_ms),
            *self.sends(reader, now_ms),
        ]
        wakes = [parked.until_ms for parked in self.witness.parked]
        if self.slots.wanted_ms is not None:
            wakes.append(self.slots.wanted_ms)
        return [*sends, WakeAt(min(wakes))] if wakes else sends

    def _read_roster(self, reader: Reader) -> Roster:
        roster = roster_at(reader, self.founding, applied_size(reader, CENTRE))
        new = None if self.admission is None else self.admission.member
        known = [g.admitted for g in roster.generations.get(self.code, ())]
        # A successor that has not heard of the freeze yet signs nothing: it may not sit down.
        self._seat = not known or new is None or new in known
        return roster if new is None or new in known else roster.with_member(new)

    def _take_roster(self, roster: Roster) -> None:
        self.seated = (
            self._seat
            and self.code in roster.members
            and not roster.frozen(self.code)
            and self.keys.fit(roster.members[self.code])
        )
        if roster.generations != self.roster.generations:
            self.feed.renew()
        self.roster = roster

    # --- heads ---------------------------------------------------------------------------------

    def _sign_head(self, reader: Reader) -> None:
        if not self.lock.open:
            return
        size = self._head_size(reader)
        if size == 0 or (self.feed.newest and self.feed.newest.checkpoint.size == size):
            return
        root = tree.root_at(reader, log_key(self.code), size)
        self.signer.advance([(HEAD, self.origin, size, root, 0)])
        key = self.roster.generation(self.code).at(size - 1).checkpoint_key
        note = self._signed_before(reader, size)
        if note is None:
            seed = self.keys.seed("checkpoint", key)
            note = sign_checkpoint(Checkpoint(self.origin, size, root), seed)
        self.feed.newest = open_checkpoint(note, self.origin, key)

    def _signed_before(self, reader: Reader, size: int) -> bytes | None:
        # The key that signed the last head before a rotation may be gone by now.
        known = heads.load(reader, self.code)
        if known is None or known.size != size:
            return None
        note = parse_note(known.note)
        return format_note(Note(note.text, note.signatures[:1]))

    def _head_size(self, reader: Reader) -> int:
        """Return the size of the next head to sign.

        A head that ends with a rotation of the checkpoint key is the last one under the old key. It
        goes round before any later one: who holds it knows the next key.
        """
        size = log.size(reader, log_key(self.code))
        known = {turn.start for turn in self.roster.generation(self.code).turns}
        for turn in sorted(self.turns(reader)):
            if turn < size and (turn not in known or heads.size_of(reader, self.code) < turn):
                return turn
        return size

    def turns(self, reader: Reader) -> set[int]:
        """Return the sizes at which this log ends with a rotation of its checkpoint key."""
        found = lookup.rotations(reader, self.code)
        return {index + 1 for index, record in found if record.purpose == "checkpoint"}

    @property
    def origin(self) -> str:
        """The origin of this node's log as it goes on now."""
        return self.roster.origin(self.code)

    @property
    def witness_seed(self) -> bytes:
        """The secret that the roster's newest witness key for this node belongs to."""
        return self.keys.seed("witness", self.roster.members[self.code].witness_key)

    @property
    def transport_seed(self) -> bytes:
        """The secret that the roster's newest transport key for this node belongs to."""
        return self.keys.seed("transport", self.roster.members[self.code].transport_key)

    def _check_signer(self, reader: Reader) -> None:
        signed = self.signer.head(self.origin)
        size = log.size(reader, log_key(self.code))
        if signed and signed[0] > size:
            raise RewoundError(f"the log ends at {size}; a head of size {signed[0]} was signed")
        if signed and tree.root_at(reader, log_key(self.code), signed[0]) != signed[1]:
            raise RewoundError(f"at size {signed[0]} another root was signed than is stored")
        for code in self.others:
            seen = self.signer.cosigned(self.roster.origin(code))
            held = log.size(reader, log_key(code))
            if seen and seen[0] > held and not self.roster.frozen(code):
                raise RewoundError(
                    f"the copy of {code} ends at {held}; its head of size {seen[0]} was cosigned"
                )

    def _check_keys(self) -> None:
        member = self.roster.members.get(self.code)
        if member is None:
            raise RefusedError("ROLE", f"{self.code} is no member; join with its admission file")
        if not self.keys.fit(member):
            raise RefusedError("KEY", f"the keys here are not the roster's for {self.code}")

    def _went_on(self) -> None:
        self._gone_on = True

    def result(self, reader: Reader, batch: Batch) -> Result:
        """Return what this node computes for a batch; a proposal's result never changes."""
        if batch.proposal_hash not in self._results:
            found = result_of(reader, self.founding, batch.month, batch.revision)
            self._results[batch.proposal_hash] = found
        return self._results[batch.proposal_hash]

    @property
    def others(self) -> tuple[str, ...]:
        """The codes of all other members."""
        return tuple(code for code in self.roster.codes if code != self.code)

    @property
    def head(self) -> SignedCheckpoint | None:
        """The newest head this node has signed for its own log."""
        return self.feed.newest

    # --- what province and centre add ------------------------------------------------------------

    def act(self, turn: Turn) -> None:
        """Do what follows from the state of the logs without being asked."""

    def answered(self, turn: Turn, event: Answered) -> None:
        """Take in an answer in one of the role's own conversations."""

    def asked(self, turn: Turn, event: Asked) -> Answer | None:
        """Answer a message of the role's own conversations; None: what is in `turn.book` does."""
        return Answer(404)

    def keep(self, turn: Turn) -> None:
        """Carry out what is in `turn.book`."""

    def sends(self, reader: Reader, now_ms: int) -> list[Send]:
        """Return messages of the role's own conversations."""
        return []

    def answer_privately(self, _sender: str | None, _message: Message) -> Answer:
        """Return what is stored for the sender alone; called beside turns, from any thread."""
        return Answer(404)
