"""A world for roles: virtual time, a bad network, nodes that crash.

Everything that happens is drawn from one seeded generator and happens in one order, so a seed is a
history: the same seed gives the same trace, byte for byte.
"""

import hashlib
import heapq
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from ledger.errors import LedgerError
from ledger.memory import MemoryStore
from ledger.signer import Change, SignerMemory
from ledger.table import T, Writer
from node.centre import Centre
from node.config import PROVINCE_CHOICES
from node.effect import Answered, Asked, Effect, Event, Ordered, Reply, Send, Started, WakeAt, Woken
from node.keyring import Keys
from node.message import NO_ANSWER, Answer
from node.province import Province
from node.role import Role
from node.sealed import SealedStore
from node.serve import serve
from node.vault import Vault
from settlement.party import CENTRE
from settlement.policy import Policy
from settlement.record import Admission, Member
from settlement.roster import PURPOSES, Roster, make_genesis

TIMEOUT_MS = 8_000


class CrashError(BaseException):
    """The process dies here."""


@dataclass
class Faults:
    """How bad the network and the machines are; all zero is a quiet world."""

    loss: float = 0.0
    duplicate: float = 0.0
    slowest_ms: int = 20
    crash: float = 0.0  # chance that a durable step is the last thing a process does
    dies_after: int | None = None  # so many durable steps, then whoever takes one more dies
    cut: set[tuple[str, str]] = field(default_factory=set)  # (from, to) that hears nothing


class SimStore(MemoryStore):
    """A store whose process may die right after a commit."""

    def __init__(self, dies: Callable[[], bool]) -> None:
        super().__init__()
        self._dies = dies

    def transact(self, change: Callable[[Writer], T]) -> T:
        result = super().transact(change)
        if self._dies():
            raise CrashError
        return result


class SimSigner(SignerMemory):
    """A signer state whose process may die right after it was stored."""

    def __init__(self, dies: Callable[[], bool]) -> None:
        super().__init__()
        self._dies = dies

    def advance(self, changes: Any) -> None:
        super().advance(changes)
        if self._dies():
            raise CrashError

    def _store(self, changes: "list[Change] | Any") -> None:
        """Memory is this world's disk."""


@dataclass
class SimNode:
    """One participant: what its disk holds, and the role while it is up."""

    code: str
    keys: Keys
    store: SimStore
    vault: Vault
    signer: SimSigner
    role: Role | None = None
    life: int = 0  # how often it was started; answers to an earlier life are lost
    wake_ms: int | None = None
    admission: Admission | None = None  # if the genesis does not name its keys


@dataclass
class Waiting:
    """A message under way and who waits for its answer."""

    send: Send
    sender: str
    life: int
    answered: bool = False


class World:
    """Nodes, network and time."""

    def __init__(
        self,
        seed: int,
        codes: list[str],
        ruleset: bytes,
        automatic: frozenset[str] = frozenset({"accept", "attest", "confirm", "final"}),
        policies: Mapping[str, Policy] | None = None,
    ) -> None:
        self.random = Random(seed)
        self.faults = Faults()
        self.now_ms = 1_500_000_000_000
        self.ruleset = ruleset
        self.automatic = automatic
        self.policies = policies or {}  # benefits, by insured province
        self._queue: list[tuple[int, int, Callable[[], None]]] = []
        self._order = 0
        self._ticket = 0
        self._replies: dict[int, Callable[[Any], None]] = {}
        self._trace = hashlib.sha256()
        self.steps = 0
        self.crashes = 0
        self.after_step: Callable[[World, str], None] = lambda _world, _code: None
        self.heads_seen: dict[tuple[str, int], bytes] = {}
        self.nodes = {code: self._node(code) for code in [CENTRE, *codes]}
        members = [self._member(node) for node in self.nodes.values()]
        self.governance = self.random.randbytes(32)
        self.founding = Roster.found(make_genesis(1, [_public(self.governance)], members))
        for code in self.nodes:
            self.start(code)

    def _node(self, code: str) -> SimNode:
        seeds = [self.random.randbytes(32) for _ in PURPOSES]
        keys = Keys(seeds[0], seeds[1], seeds[2], seeds[3])
        return SimNode(
            code,
            keys,
            SimStore(self._dies),
            Vault(SealedStore(SimStore(self._dies), self.random.randbytes(32))),
            SimSigner(self._dies),
        )

    def _member(self, node: SimNode) -> Member:
        seeds = node.keys
        return Member(
            node.code,
            *(_public(s) for s in (seeds.entry, seeds.checkpoint, seeds.witness, seeds.transport)),
        )

    def _dies(self) -> bool:
        if self.faults.dies_after is not None:
            self.faults.dies_after -= 1
            if self.faults.dies_after < 0:
                self.faults.dies_after = None
                return True
        return self.faults.crash > 0 and self.random.random() < self.faults.crash

    # --- life and death --------------------------------------------------------------------------

    def start(self, code: str) -> None:
        """Start a node from what its disk holds."""
        node = self.nodes[code]
        node.life += 1
        node.wake_ms = None
        node.role = self._role(node)
        self.note("start", code)
        self._later(0, lambda: self._give(code, [Started()]))

    def _role(self, node: SimNode) -> Role:
        if node.code == CENTRE:
            chosen = self.automatic & {"confirm", "final"}
            return Centre(
                self.founding, node.keys, node.store, node.signer, node.vault, chosen, self.ruleset
            )
        return Province(
            node.code,
            self.founding,
            node.keys,
            node.store,
            node.signer,
            node.vault,
            self.automatic & PROVINCE_CHOICES,
            self.random.randbytes,
            node.admission,
            policy=self.policies.get(node.code),
        )

    def crash(self, code: str, restart_ms: int = 1_000) -> None:
        """Kill a node; it starts again after a while."""
        node = self.nodes[code]
        if node.role is None:
            return
        node.role = None
        self.crashes += 1
        self.note("crash", code)
        self._later(restart_ms, lambda: self.start(code))

    def rotate(self, code: str, purposes: list[str]) -> None:
        """Prepare keys that follow, one for each purpose at most once, and restart the node."""
        node = self.nodes[code]
        new = {p: self.random.randbytes(32) for p in purposes if p not in node.keys.following}
        node.keys = replace(node.keys, following={**node.keys.following, **new})
        self.note("rotate", code, sorted(new))
        self.crash(code)

    def _give(self, code: str, events: list[Event]) -> None:
        node = self.nodes[code]
        if node.role is None:
            return
        try:
            effects = node.role.handle(events, self.now_ms)
        except CrashError:
            self.crash(code, self.random.randint(100, 3_000))
            self._observe(code)
            return
        self._perform(code, effects)
        self._observe(code)

    def _observe(self, code: str) -> None:
        self.steps += 1
        self.after_step(self, code)

    # --- effects ---------------------------------------------------------------------------------

    def _perform(self, code: str, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send():
                    self._send(code, effect)
                case Reply(ticket, value):
                    answer = self._replies.pop(ticket, None)
                    if answer is not None:
                        answer(value)
                case WakeAt(at_ms):
                    self._wake(code, at_ms)

    def _wake(self, code: str, at_ms: int) -> None:
        node = self.nodes[code]
        if node.wake_ms is not None and node.wake_ms <= at_ms and node.wake_ms > self.now_ms:
            return
        node.wake_ms = at_ms
        life = node.life

        def ring() -> None:
            if node.life == life and node.wake_ms == at_ms:
                node.wake_ms = None
                self._give(code, [Woken()])

        self._later(max(at_ms - self.now_ms, 0), ring)

    def _send(self, sender: str, send: Send) -> None:
        waiting = Waiting(send, sender, self.nodes[sender].life)
        self.note("send", sender, send.to, type(send.message).__name__, send.message.encode())
        self._later(TIMEOUT_MS, lambda: self._answer(waiting, NO_ANSWER))
        copies = 2 if self.random.random() < self.faults.duplicate else 1
        for _ in range(copies):
            if not self._lost(sender, send.to):
                self._later(self._delay(), lambda: self._arrive(waiting))

    def _arrive(self, waiting: Waiting) -> None:
        node = self.nodes[waiting.send.to]
        message = waiting.send.message
        if node.role is None:
            return
        if message.private:
            self._return(waiting, node.role.answer_privately(waiting.sender, message))
            return
        if not message.changes:
            with node.store.read() as reader:
                self._return(waiting, serve(reader, message))
            return
        self._ticket += 1
        self._replies[self._ticket] = lambda answer: self._return(waiting, answer)
        self._give(node.code, [Asked(self._ticket, waiting.sender, message)])

    def _return(self, waiting: Waiting, answer: Answer) -> None:
        if not self._lost(waiting.send.to, waiting.sender):
            self._later(self._delay(), lambda: self._answer(waiting, answer))

    def _answer(self, waiting: Waiting, answer: Answer) -> None:
        node = self.nodes[waiting.sender]
        if waiting.answered or node.life != waiting.life:
            return
        waiting.answered = True
        self._give(node.code, [Answered(waiting.send.slot, waiting.send.message, answer)])

    def _lost(self, sender: str, to: str) -> bool:
        return (sender, to) in self.faults.cut or self.random.random() < self.faults.loss

    def _delay(self) -> int:
        return self.random.randint(1, max(1, self.faults.slowest_ms))

    # --- orders and time -------------------------------------------------------------------------

    def order(
        self,
        code: str,
        verb: str,
        then: Callable[[Any], None] = lambda _: None,
        /,
        **arguments: Any,
    ) -> None:
        """Give an operator's order to a node that is up; `then` gets its value or its refusal."""
        self._ticket += 1
        self._replies[self._ticket] = then
        self._give(code, [Ordered(self._ticket, verb, arguments)])

    def ask(self, code: str, verb: str, /, **arguments: Any) -> Any:
        """Return the value of an order that is carried out at once.

        Raises:
            LedgerError: It was refused.
        """
        values: list[Any] = []
        self.order(code, verb, values.append, **arguments)
        if not values:
            raise CrashError
        if isinstance(values[0], LedgerError):
            raise values[0]
        return values[0]

    def run(self, until: Callable[[], bool], limit_ms: int = 600_000) -> bool:
        """Let time pass until `until` holds; return whether it did within `limit_ms`."""
        end = self.now_ms + limit_ms
        while not until():
            if not self._queue or self._queue[0][0] > end:
                return False
            at_ms, _, act = heapq.heappop(self._queue)
            self.now_ms = max(self.now_ms, at_ms)
            act()
        return True

    def _later(self, delay_ms: int, act: Callable[[], None]) -> None:
        self._order += 1
        heapq.heappush(self._queue, (self.now_ms + delay_ms, self._order, act))

    def later(self, delay_ms: int, act: Callable[[], None]) -> None:
        """Do something after a while."""
        self._later(delay_ms, act)

    def note(self, *facts: object) -> None:
        """Add a line to the trace."""
        self._trace.update(repr((self.now_ms, *facts)).encode() + b"\n")

    @property
    def trace(self) -> str:
        """The hash of everything that happened so far."""
        return self._trace.hexdigest()


def _public(seed: bytes) -> bytes:
    from ledger.signature import public_key

    return public_key(seed)
