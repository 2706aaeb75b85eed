"""Feeding: bringing this node's own head to its witnesses, and the cosigned head to everybody.

One head at a time: until a quorum has cosigned it, a newer one waits. A witness that is away never
stalls the log; a quorum that is away is shown, and the head is offered again, each time later.
"""

from typing import TYPE_CHECKING

import structlog

from ledger import log, tree
from ledger.checkpoint import SignedCheckpoint
from ledger.cosignature import merge_signatures, verify_cosignature
from ledger.errors import FormError, RewoundError, VerificationError
from ledger.note import NoteSignature, parse_signature
from ledger.table import Reader, log_key
from node import heads
from node.addcheckpoint import format_request
from node.effect import Answered, Effect, Send
from node.message import MAX_OFFER, MAX_OFFER_BYTES, Offer, TellHead
from node.turn import Turn

if TYPE_CHECKING:
    from node.role import Role

_log = structlog.get_logger("feed")


class Feed:
    """The head on its way round, and who has it."""

    def __init__(self, role: "Role") -> None:
        self.role = role
        self.newest: SignedCheckpoint | None = None
        self.current: SignedCheckpoint | None = None
        self.lines: dict[str, NoteSignature] = {}  # who cosigned `current`
        self.known: dict[str, int] = {}  # the size each witness cosigned last
        self.told: dict[str, int] = {}  # the size of the cosigned head each member has from us

    def renew(self) -> None:
        """Begin again with everybody: a larger roster may ask for more cosignatures."""
        self.current, self.lines, self.told = None, {}, {}

    def answered(self, turn: Turn, event: Answered) -> None:
        """Take in a witness's answer, or the thanks for a head."""
        member = event.slot[1]
        if isinstance(event.message, TellHead):
            if event.answer.ok:
                self.told[member] = max(self.told.get(member, 0), self._size_told(event))
            return
        assert isinstance(event.message, Offer)
        if event.answer.status == 409:
            self._learn_size(member, event.answer.body)
        elif event.answer.ok and self.current is not None:
            self._take_line(turn, member, event)

    def _size_told(self, event: Answered) -> int:
        assert isinstance(event.message, TellHead)
        return int(event.message.note.split(b"\n", 2)[1])

    def _learn_size(self, member: str, body: bytes) -> None:
        text = body.strip()
        size = int(text) if text.isdigit() and len(text) < 20 else 0
        if self.newest is not None and size > self.newest.checkpoint.size:
            raise RewoundError(
                f"{member} cosigned this log at size {size}, but the store ends at "
                f"{self.newest.checkpoint.size}: it is older than what was signed from it"
            )
        self.known[member] = size

    def _take_line(self, turn: Turn, member: str, event: Answered) -> None:
        current = self.current
        assert current is not None
        assert isinstance(event.message, Offer)
        note = event.message.body.partition(b"\n\n")[2]
        self.known[member] = int(note.split(b"\n", 2)[1])
        if note != current.encode():
            return
        line = parse_signature(event.answer.body.decode("utf-8").splitlines()[0])
        self._verify(turn, member, current, line)
        self.lines[member] = line
        if len(self.lines) >= turn.roster.head_quorum:
            full = merge_signatures(current.encode(), list(self.lines.values()))
            point = current.checkpoint
            known = heads.KnownHead(point.size, point.root, full)
            heads.save(turn.writer, self.role.code, known, again=True)
            if point.size in self.role.turns(turn.writer):
                heads.save_turn(turn.writer, self.role.code, known)

    def _verify(
        self, turn: Turn, member: str, current: SignedCheckpoint, line: NoteSignature
    ) -> None:
        for key in turn.roster.witness_keys(member):
            if key.key_id == line.key_id:
                verify_cosignature(current.note.text, key, line)
                return
        raise VerificationError(f"cosignature of {member}: by a key that is not its own")

    def refused(self, event: Answered, error: FormError | VerificationError) -> None:
        """Note that a witness answered nonsense."""
        _log.error("bad cosignature", witness=event.slot[1], error=str(error))

    def sends(self, reader: Reader, now_ms: int) -> list[Effect]:
        """Return the heads to offer and to tell now."""
        effects: list[Effect] = []
        cosigned = heads.load(reader, self.role.code)
        if self.newest is not None and self.role.lock.open:
            self._choose(cosigned.size if cosigned else 0)
            effects += self._offers(reader, now_ms)
        if cosigned is not None:
            effects += self._news(cosigned, now_ms)
        return effects

    def _choose(self, cosigned: int) -> None:
        assert self.newest is not None
        done = self.current is None or cosigned >= self.current.checkpoint.size
        if done and self.current != self.newest:
            self.current, self.lines = self.newest, {}

    def _offers(self, reader: Reader, now_ms: int) -> list[Effect]:
        assert self.current is not None
        effects: list[Effect] = []
        point = self.current.checkpoint
        for member in self.role.others:
            if member in self.lines or self.role.roster.frozen(member):
                continue
            if not self.role.slots.take(("feed", member), now_ms):
                continue
            old = self.known.get(member, 0)
            proof = (
                tree.consistency_proof(reader, log_key(self.role.code), old, point.size)
                if 0 < old < point.size
                else []
            )
            body = format_request(old, proof, self.current.encode())
            leaves = self._leaves(reader, old, point.size)
            effects.append(Send(("feed", member), member, Offer(body, leaves)))
        return effects

    def _leaves(self, reader: Reader, old: int, size: int) -> list[bytes]:
        # A witness that is far behind fetches by itself, in slices it can bear.
        if size - old > MAX_OFFER:
            return []
        leaves = list(log.leaves(reader, log_key(self.role.code), old, size))
        return leaves if sum(map(len, leaves)) <= MAX_OFFER_BYTES else []

    def _news(self, cosigned: heads.KnownHead, now_ms: int) -> list[Effect]:
        return [
            Send(("tell", member), member, TellHead(cosigned.note))
            for member in self.role.others
            if self.told.get(member, 0) < cosigned.size
            and self.role.slots.take(("tell", member), now_ms)
        ]
