"""The lock: nothing is signed before enough others have said what they last saw of this log.

A node that comes back from an old backup, or from an old snapshot of its whole machine, cannot know
it by itself: store and journal agree, only they are old. So after every start it asks the others
for the newest head of its log that they went along with. With n others of whom k make a quorum,
n − k + 1 answers suffice: among them is at least one of every quorum that has ever cosigned a head.
"None seen" is an answer, a refused connection is not; a locked node answers, too, so all nodes
may start at once.

If others know a newer head, signed with this log's own key, the entries are copied back from
whoever holds them, checked up to that head, and a `Restore` entry says so. Until then orders get
503, and nothing is cosigned.
"""

from typing import TYPE_CHECKING

import structlog

from ledger import log, tree
from ledger.checkpoint import SignedCheckpoint, open_checkpoint
from ledger.errors import RewoundError, UncheckableError
from ledger.note import parse_note
from ledger.table import Reader, log_key
from node.effect import Answered, Effect, Send
from node.message import AskSeen
from node.turn import Turn
from settlement.membership import claimed
from settlement.record import Restore
from settlement.roster import checkpoint_key

if TYPE_CHECKING:
    from node.role import Role

_log = structlog.get_logger("lock")


class LockedError(UncheckableError):
    """The node does not know yet whether its log is the newest one."""

    code = "LOCKED"


class Lock:
    """Whether this node may sign."""

    def __init__(self, role: "Role") -> None:
        self.role = role
        self._unlocked = False
        self.answers: set[str] = set()
        self.newest: SignedCheckpoint | None = None  # the newest own head that others have seen
        self.began: int | None = None  # the size at the start, once something has to come back

    @property
    def open(self) -> bool:
        """Whether anything may be signed: enough was heard, and the roster has this node's keys."""
        return self._unlocked and self.role.seated

    @property
    def needed(self) -> int:
        """How many answers open the lock."""
        others = len(self.role.others)
        return others - self.role.roster.head_quorum + 1

    def check(self) -> None:
        """Raise LockedError while the lock is closed."""
        if self._unlocked and not self.open:
            raise LockedError("this log is frozen, or goes on with other keys than this node's")
        if not self.open:
            raise LockedError(
                f"{len(self.answers)} of {self.needed} others have said what they saw of this log; "
                "nothing is signed before"
            )

    def answered(self, turn: Turn, event: Answered) -> None:
        """Take in what another node has seen of this log.

        Raises:
            RewoundError: It has seen a head signed with this log's key that the store contradicts.
        """
        if self._unlocked or not event.answer.ok:
            return
        if event.answer.body:
            self._seen(turn, event.answer.body)
        # Not only after the commit: this very turn may be the last one for a while, and what
        # somebody has said stays said, whatever becomes of the turn.
        self.answers.add(event.slot[1])

    def _seen(self, turn: Turn, note: bytes) -> None:
        role = self.role
        if note.split(b"\n", 1)[0] != role.origin.encode():
            return  # of a generation that has ended
        key = checkpoint_key(role.roster.generation(role.code), note)
        head = open_checkpoint(note, role.origin, key)
        point, own = head.checkpoint, log_key(role.code)
        held = log.size(turn.writer, own)
        if 0 < point.size <= held and tree.root_at(turn.writer, own, point.size) != point.root:
            raise RewoundError(
                f"others hold a head of size {point.size} signed for this log that it contradicts"
            )
        if self.newest is None or point.size > self.newest.checkpoint.size:
            self._take(head, held)

    def _take(self, head: SignedCheckpoint, held: int) -> None:
        self.newest = head
        if head.checkpoint.size > held:
            if self.began is None:
                self.began = held
                _log.warning("behind", held=held, seen=head.checkpoint.size)
            self.role.follow.want(self.role.code, head)

    def settle(self, turn: Turn) -> bool:
        """Return whether the node may sign from here on; notes in the log what came back."""
        if self._unlocked:
            return self.open
        if not self.role.seated or self._lacks_what_was_frozen(turn):
            return False
        size = log.size(turn.writer, log_key(self.role.code))
        signed = self.role.signer.head(self.role.origin)
        newest = self.newest.checkpoint.size if self.newest else 0
        behind = size < max(newest, signed[0] if signed else 0)
        if behind or len(self.answers) < self.needed:
            return False
        if signed and tree.root_at(turn.writer, log_key(self.role.code), signed[0]) != signed[1]:
            raise RewoundError(f"at size {signed[0]} another root was signed than came back")
        if self.began is not None and self.began < size:
            turn.append(Restore(self.began, size))
        turn.learned.append(self._opened)
        return True

    def _lacks_what_was_frozen(self, turn: Turn) -> bool:
        # A successor goes on where the frozen log ended: first it needs all of that.
        generation = self.role.roster.generation(self.role.code)
        if log.size(turn.writer, log_key(self.role.code)) >= generation.start:
            return False
        note = self.role.roster.generations[self.role.code][generation.number - 2].note
        head = SignedCheckpoint(claimed(note), parse_note(note))
        turn.learned.append(lambda: self.role.follow.want(self.role.code, head))
        return True

    def _opened(self) -> None:
        self._unlocked = True

    def sends(self, reader: Reader, now_ms: int) -> list[Effect]:
        """Return the questions to those who have not answered yet."""
        if self._unlocked:
            return []
        return [
            Send(("seen", member), member, AskSeen(self.role.code))
            for member in self.role.others
            if member not in self.answers and self.role.slots.take(("seen", member), now_ms)
        ]
