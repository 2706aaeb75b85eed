"""Following: this node's verified copy of every other log.

A copy grows only towards a head that the log's own key has signed. Entries are fetched in slices;
after each slice the copy's own root must be consistent with that head, else nothing of the slice is
kept. Every entry's form and signature is checked in the same transaction: what is bad is stored as
void and counts nowhere, because a replica refuses only what contradicts a signed root.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import structlog

from ledger import log, tree
from ledger.checkpoint import Checkpoint, SignedCheckpoint, open_checkpoint, parse_checkpoint
from ledger.errors import LedgerError, VerificationError
from ledger.note import parse_note
from ledger.proof import verify_consistency
from ledger.table import Reader, log_key
from node import heads
from node.effect import Answered, Effect, Send
from node.message import MAX_PULL, PULLED, AskHead, Pull
from node.turn import Turn
from settlement import state
from settlement.roster import checkpoint_key, claimed_size

if TYPE_CHECKING:
    from node.role import Role

_log = structlog.get_logger("follow")


class Follow:
    """What this node still wants to copy, and from whom."""

    def __init__(self, role: "Role") -> None:
        self.role = role
        self.targets: dict[str, SignedCheckpoint] = {}
        self.asking: set[tuple[str, str]] = set()  # (log, whom): heads to be asked for
        self._turn_away: dict[str, int] = {}  # how many sources in a row gave nothing

    def want(self, code: str, head: SignedCheckpoint) -> None:
        """Note that the log of `code` is known to have at least this head."""
        known = self.targets.get(code)
        if known is None or known.checkpoint.size < head.checkpoint.size:
            self.targets[code] = head

    def told(self, turn: Turn, note: bytes) -> None:
        """Take in a quorum-cosigned head of another log.

        Raises:
            FormError, VerificationError: It is not one; or the entries held here contradict it.
        """
        code = heads.owner(turn.roster, note)
        if code == self.role.code or self._known(turn, code, note):
            return
        point = turn.roster.open_head(code, note)
        head = SignedCheckpoint(point, parse_note(note))
        if self.role.docket.suspect(turn, code, head):
            return
        key = log_key(code)
        if log.size(turn.writer, key) >= point.size:
            root = tree.root_at(turn.writer, key, point.size)
            if root != point.root:
                raise VerificationError(f"log of {code} at {point.size}", point.root, root)
        heads.save(turn.writer, code, heads.KnownHead(point.size, point.root, note))
        self.want(code, head)
        turn.heads.add(code)

    def _led(self, turn: Turn, code: str, member: str, note: bytes) -> None:
        # Cosigners may have signed with keys that stand in the very entries that are missing here.
        # The author's own signature leads as far as an offer would; then the question is put again.
        try:
            self.told(turn, note)
        except VerificationError as error:
            origin, generation = turn.roster.origin(code), turn.roster.generation(code)
            head = open_checkpoint(note, origin, checkpoint_key(generation, note))
            held = log.size(turn.writer, log_key(code))
            if generation.end is not None or head.checkpoint.size <= held:
                raise
            _log.info("led by the author alone", log=code, error=str(error))
            if not self.role.docket.suspect(turn, code, head):
                self.want(code, head)
                self.asking.add((code, member))

    def _known(self, turn: Turn, code: str, note: bytes) -> bool:
        # Nothing new, and nothing else than what is held: most heads that come are of this kind.
        size, key = claimed_size(note), log_key(code)
        if size > min(heads.size_of(turn.writer, code), log.size(turn.writer, key)):
            return False
        root = parse_checkpoint(parse_note(note).text).root
        return size == 0 or tree.root_at(turn.writer, key, size) == root

    def forget(self, code: str) -> None:
        """Want nothing more of a log: it has ended, or begins again."""
        self.targets.pop(code, None)

    def answered(self, turn: Turn, event: Answered) -> None:
        """Take in what came back for a `Pull` or an `AskHead`."""
        message = event.message
        if isinstance(message, AskHead):
            if event.answer.ok:
                self.asking.discard((message.log, event.slot[1]))
                if event.answer.body:
                    self._led(turn, message.log, event.slot[1], event.answer.body)
            elif event.answer.status == 404:
                self.asking.discard((message.log, event.slot[1]))
            return
        assert isinstance(message, Pull)
        if not event.answer.ok:
            self._turn_away[message.log] = self._turn_away.get(message.log, 0) + 1
            return
        self._copy(turn, message, event.answer.body)
        self._turn_away.pop(message.log, None)

    def take_along(
        self, turn: Turn, code: str, head: SignedCheckpoint, start: int, leaves: Sequence[bytes]
    ) -> None:
        """Take in entries that came with a head, if what is missing here is among them.

        Raises:
            VerificationError: They do not lead to the head.
        """
        point = head.checkpoint
        held = log.size(turn.writer, log_key(code))  # a crash may have left more than was cosigned
        if start <= held < point.size == start + len(leaves):
            self._grow(turn, code, held, leaves[held - start :], point, [])

    def _copy(self, turn: Turn, message: Pull, body: bytes) -> None:
        pulled = PULLED.decode(body)
        code, key = message.log, log_key(message.log)
        wanted = self.targets.get(code)
        if wanted is None:
            return
        target, start = wanted.checkpoint, log.size(turn.writer, key)
        if start != message.start or message.size != target.size or not pulled.leaves:
            return  # overtaken: the copy has grown or wants a newer head by now
        self._grow(turn, code, start, pulled.leaves, target, pulled.proof)

    def _grow(
        self,
        turn: Turn,
        code: str,
        start: int,
        leaves: Sequence[bytes],
        target: Checkpoint,
        proof: Sequence[bytes],
    ) -> None:
        key = log_key(code)
        stop = log.append(turn.writer, key, leaves, start)
        root = tree.root_at(turn.writer, key, stop)
        if stop == target.size:
            if root != target.root:
                raise VerificationError(f"log of {code} at {stop}", target.root, root)
        else:
            verify_consistency(stop, root, target.size, target.root, proof)
        outcomes = state.apply(turn.writer, turn.roster, code, leaves)
        turn.grown.add(code)
        for index, outcome in enumerate(outcomes, start):
            if outcome is not None:
                _log.warning("void entry", log=code, index=index, code=outcome)
            if outcome == "DUPLICATE":
                self.role.docket.twice(turn, code, index)

    def refused(self, event: Answered, error: LedgerError) -> None:
        """Remember that a source gave something that does not hold; ask another one next."""
        message = event.message
        if isinstance(message, Pull):
            self._turn_away[message.log] = self._turn_away.get(message.log, 0) + 1
            head = self.targets.get(message.log)
            if head is not None and isinstance(error, VerificationError):
                with self.role.store.read() as reader:
                    self.role.docket.doubt(reader, message.log, head)
        _log.error("refused", slot=event.slot, error=str(error), kind=type(error).__name__)

    def sends(self, reader: Reader, now_ms: int) -> list[Effect]:
        """Return the requests for what is still missing."""
        effects: list[Effect] = []
        for code in sorted(self.targets):
            target = self.targets[code].checkpoint
            size = log.size(reader, log_key(code))
            slot = ("pull", code)
            if size < target.size and self.role.slots.take(slot, now_ms):
                stop = min(size + MAX_PULL, target.size)
                effects.append(Send(slot, self._source(code), Pull(code, size, stop, target.size)))
        for code, member in sorted(self.asking):
            slot = ("ask", member)
            if self.role.slots.take(slot, now_ms):
                held = log.size(reader, log_key(code))
                effects.append(Send(slot, member, AskHead(code, held)))
        return effects

    def _source(self, code: str) -> str:
        # The log itself first; after a failure the others, who hold what they cosigned.
        turned_away = self._turn_away.get(code, 0)
        others = [c for c in self.role.roster.codes if c not in (self.role.code, code)]
        sources = others if code == self.role.code else [code, *others]
        return sources[turned_away % len(sources)]
