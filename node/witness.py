"""Cosigning: what this node answers when a log asks it to witness a head.

For a log of the roster one more thing must hold than the specification asks (see `addcheckpoint`):
the node has the entries. Until they have arrived the request is parked, for a while, and then
refused with 503. Logs outside the network may be listed in the configuration; they are cosigned
under a name and key of their own, and nothing of them is held.

A crash between storing the signer state and sending the answer leaves a cosignature that nobody
has: the log asks again, gets it for the same size and root.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ledger import log, tree
from ledger.checkpoint import SignedCheckpoint, open_checkpoint, parse_checkpoint
from ledger.cosignature import cosign, merge_signatures, witness_name
from ledger.errors import FormError, RefusedError, VerificationError
from ledger.hashing import EMPTY_ROOT, hash_bytes
from ledger.note import NoteSignature, VerifierKey, format_signature, parse_note
from ledger.signer import COSIGNED
from ledger.table import HEAD, Reader, log_key
from node.addcheckpoint import Request, parse_request, refusal
from node.docket import halted
from node.effect import Asked
from node.message import Answer
from node.turn import Turn
from settlement.roster import checkpoint_key

if TYPE_CHECKING:
    from node.role import Role


def foreign_place(origin: str) -> bytes:
    """Return the key under which the newest cosigned head of a foreign log is kept."""
    return b"foreign/" + hash_bytes(origin.encode())


PARK_MS = 5_000
MAX_PARKED = 512


@dataclass(frozen=True)
class Foreign:
    """Logs outside the network that this node witnesses, under a name and key of their own."""

    name: str
    seed: bytes = field(repr=False)
    logs: Mapping[str, VerifierKey] = field(default_factory=dict)  # by origin


@dataclass(frozen=True)
class Parked:
    """A request whose entries are still on their way."""

    ticket: int
    code: str
    head: SignedCheckpoint
    until_ms: int


class Witness:
    """The witness of one node."""

    def __init__(self, role: "Role") -> None:
        self.role = role
        self.parked: list[Parked] = []
        self.foreign: Foreign | None = None

    def asked(self, turn: Turn, event: Asked, body: bytes, leaves: Sequence[bytes] = ()) -> None:
        """Answer an add-checkpoint request, or park it until its entries have arrived.

        Args:
            leaves: The entries from `old` up to the head, if the log sent them along.

        Raises:
            VerificationError: The entries that came along do not lead to the head.
        """
        if not self.role.lock.open:
            turn.reply(event.ticket, Answer(503, b"this witness has just started\n"))
            return
        try:
            request = parse_request(body)
            parse_note(request.note)
        except FormError as error:
            turn.reply(event.ticket, Answer(400, str(error).encode()))
            return
        origin = request.note.split(b"\n", 1)[0].decode("utf-8", "replace")
        if self.foreign is not None and origin in self.foreign.logs:
            self._foreign(turn, event.ticket, self.foreign.logs[origin], request)
            return
        code = turn.roster.owner(origin)
        if code is None or code == self.role.code:
            turn.reply(event.ticket, Answer(404, b"unknown origin\n"))
            return
        answer = self._check(turn, code, request)
        if isinstance(answer, Answer):
            turn.reply(event.ticket, answer)
            return
        if leaves:
            self.role.follow.take_along(turn, code, answer, request.old, leaves)
        if log.size(turn.writer, log_key(code)) >= answer.checkpoint.size:
            self._cosign(turn, event.ticket, code, answer)
        else:
            self._park(turn, Parked(event.ticket, code, answer, turn.now_ms + PARK_MS))

    def _check(self, turn: Turn, code: str, request: Request) -> SignedCheckpoint | Answer:
        origin, generation = turn.roster.origin(code), turn.roster.generation(code)
        try:
            head = open_checkpoint(request.note, origin, checkpoint_key(generation, request.note))
        except VerificationError as error:
            return Answer(403, str(error).encode())
        except FormError as error:
            return Answer(400, str(error).encode())
        if generation.end is not None:
            return Answer(403, b"this log is frozen\n")
        if halted(turn.writer, code, generation.number):
            return Answer(403, b"halted by evidence against the author of this log\n")
        self.role.docket.suspect(turn, code, head)
        known = self.role.signer.cosigned(origin)
        size, root = (known[0], known[1]) if known else self._began(turn, code)
        refused = refusal(request, head.checkpoint, size, root)
        if refused is not None and refused.status == 422 and 0 < size < head.checkpoint.size:
            self.role.docket.doubt(turn.writer, code, head)
        return head if refused is None else refused

    def _foreign(self, turn: Turn, ticket: int, key: VerifierKey, request: Request) -> None:
        # Of a log outside the network nothing is held: the plain meaning of the specification.
        try:
            head = open_checkpoint(request.note, key.name, key.key, extended=True)
        except VerificationError as error:
            turn.reply(ticket, Answer(403, str(error).encode()))
            return
        except FormError as error:
            turn.reply(ticket, Answer(400, str(error).encode()))
            return
        known = self.role.signer.cosigned(key.name)
        size, root = (known[0], known[1]) if known else (0, EMPTY_ROOT)
        refused = refusal(request, head.checkpoint, size, root)
        if refused is not None:
            turn.reply(ticket, refused)
            return
        turn.writer.put(HEAD, foreign_place(key.name), head.encode())
        turn.cosign.append((ticket, head))

    def _began(self, turn: Turn, code: str) -> tuple[int, bytes]:
        # A successor's log begins with what was frozen.
        *before, generation = turn.roster.generations[code]
        return (generation.start, before[-1].root) if before else (0, EMPTY_ROOT)

    def forget(self, code: str) -> None:
        """Drop what is parked of a log that has ended."""
        self.parked = [parked for parked in self.parked if parked.code != code]

    def _park(self, turn: Turn, parked: Parked) -> None:
        # The request is a hint as good as any: go and fetch what it speaks of.
        self.role.follow.want(parked.code, parked.head)
        if len(self.parked) >= MAX_PARKED:
            turn.reply(parked.ticket, Answer(503, b"too many heads are waiting\n"))
        elif parked not in self.parked:
            self.parked.append(parked)

    def settle(self, turn: Turn) -> None:
        """Answer parked requests whose entries have arrived or whose time is over."""
        for parked in list(self.parked):
            held = log.size(turn.writer, log_key(parked.code)) >= parked.head.checkpoint.size
            late = parked.until_ms <= turn.now_ms
            if held or late:
                turn.learned.append(lambda item=parked: self._forget(item))
            if held:
                self._cosign(turn, parked.ticket, parked.code, parked.head)
            elif late:
                turn.reply(parked.ticket, Answer(503, b"the entries have not arrived yet\n"))

    def _forget(self, parked: Parked) -> None:
        if parked in self.parked:
            self.parked.remove(parked)

    def _cosign(self, turn: Turn, ticket: int, code: str, head: SignedCheckpoint) -> None:
        size, root = head.checkpoint.size, head.checkpoint.root
        if tree.root_at(turn.writer, log_key(code), size) != root:
            turn.reply(ticket, Answer(422, b"the entries held here have another root\n"))
            return
        self.role.docket.accepted(turn, code, head)
        turn.cosign.append((ticket, head))

    def latest(self, reader: Reader, digest: str) -> bytes | None:
        """Return the newest head cosigned here of the log whose origin has this SHA-256, in hex.

        With the log's signature and this witness's. None if there is no such log, or nothing of it
        has been cosigned. The signature is the one made before, made again: same time, same bytes.
        """
        known = {self.role.roster.origin(code): code for code in self.role.others}
        names = [*known, *(self.foreign.logs if self.foreign else ())]
        origin = next((n for n in names if hash_bytes(n.encode()).hex() == digest), None)
        last = None if origin is None else self.role.signer.cosigned(origin)
        if origin is None or last is None:
            return None
        if origin in known:
            note = reader.get(HEAD, log_key(known[origin]) + b"shown")
        else:
            note = reader.get(HEAD, foreign_place(origin))
        if note is None:
            return None
        text = parse_note(note).text
        point = parse_checkpoint(text, extended=True)
        if (point.size, point.root) != last[:2]:
            return None  # the journal is a turn ahead of the store, or was
        return merge_signatures(note, [self._line(origin, text, last[2])])

    def _line(self, origin: str, text: str, stamp: int) -> NoteSignature:
        if self.foreign is not None and origin in self.foreign.logs:
            return cosign(text, self.foreign.name, self.foreign.seed, stamp)
        return cosign(text, witness_name(self.role.origin), self.role.witness_seed, stamp)

    def signed(
        self, requests: list[tuple[int, SignedCheckpoint]], now_ms: int
    ) -> dict[int, Answer]:
        """Store the new state, then cosign: the answers by ticket.

        Called after the entries are durable. Of two requests for one log in one turn the smaller
        is answered with 409, as if it had come later.
        """
        answers: dict[int, Answer] = {}
        for ticket, head in sorted(requests, key=lambda item: item[1].checkpoint.size):
            point = head.checkpoint
            last = self.role.signer.cosigned(point.origin)
            stamp = max(now_ms // 1000, last[2] if last else 0)
            try:
                self.role.signer.advance([(COSIGNED, point.origin, point.size, point.root, stamp)])
            except RefusedError:
                answers[ticket] = Answer(409, b"%d\n" % (last[0] if last else 0))
                continue
            line = self._line(point.origin, head.note.text, stamp)
            answers[ticket] = Answer(200, format_signature(line).encode())
        return answers
