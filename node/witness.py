"""Cosigning: what this node answers when a log asks it to witness a head.

The order of checks is the specification's: form, origin, the log's signature, old above size, old
not the last cosigned size, proof. For a log of the roster one more thing must hold: the node has
the entries. Until they have arrived the request is parked, for a while, and then refused with 503.

A crash between storing the signer state and sending the answer leaves a cosignature that nobody
has: the log asks again, gets it for the same size and root.
"""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger import log, tree
from ledger.checkpoint import SignedCheckpoint, open_checkpoint
from ledger.cosignature import cosign, merge_signatures, witness_name
from ledger.errors import FormError, RefusedError, VerificationError
from ledger.hashing import EMPTY_ROOT, hash_bytes
from ledger.note import format_signature, parse_note
from ledger.proof import verify_consistency
from ledger.signer import COSIGNED
from ledger.table import HEAD, Reader, log_key
from node.docket import halted
from node.effect import Asked
from node.message import Answer
from node.turn import Turn
from settlement.roster import checkpoint_key

if TYPE_CHECKING:
    from node.role import Role

PARK_MS = 5_000
MAX_PARKED = 512


@dataclass(frozen=True)
class Request:
    """A parsed add-checkpoint request."""

    old: int
    proof: list[bytes]
    note: bytes


@dataclass(frozen=True)
class Parked:
    """A request whose entries are still on their way."""

    ticket: int
    code: str
    head: SignedCheckpoint
    until_ms: int


def format_request(old: int, proof: list[bytes], note: bytes) -> bytes:
    """Return the body of an add-checkpoint request. Source: C2SP tlog-witness."""
    lines = [f"old {old}", *(b64encode(item).decode() for item in proof), "", ""]
    return "\n".join(lines).encode() + note


def parse_request(body: bytes) -> Request:
    """Return the parsed body of an add-checkpoint request.

    Raises:
        FormError: Not of that form, more than 63 proof lines, or not the one spelling.
    """
    head, separator, note = body.partition(b"\n\n")
    first, *lines = head.split(b"\n")
    old = first.removeprefix(b"old ")
    if not separator or first == old or not old.isdigit() or (old[:1] == b"0" and old != b"0"):
        raise FormError("add-checkpoint", "`old <size>`, proof lines, an empty line, a checkpoint")
    if len(lines) > 63:
        raise FormError("add-checkpoint", "at most 63 proof lines", len(lines))
    proof = [_hash_line(line) for line in lines]
    return Request(int(old), proof, note)


def _hash_line(line: bytes) -> bytes:
    try:
        value = b64decode(line, validate=True)
    except ValueError:
        value = b""
    if len(value) != 32 or b64encode(value) != line:
        raise FormError("add-checkpoint proof", "32 bytes in base64", line)
    return value


class Witness:
    """The witness of one node."""

    def __init__(self, role: "Role") -> None:
        self.role = role
        self.parked: list[Parked] = []

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
        code = turn.roster.owner(request.note.split(b"\n", 1)[0].decode("utf-8", "replace"))
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
        size, root = head.checkpoint.size, head.checkpoint.root
        if request.old > size:
            return Answer(400, b"old is above the checkpoint's size\n")
        known = self.role.signer.cosigned(origin)
        known_size, known_root = (known[0], known[1]) if known else self._began(turn, code)
        if request.old != known_size:
            return Answer(409, b"%d\n" % known_size)
        if size == 0 or known_size == size:
            if root != (EMPTY_ROOT if size == 0 else known_root) or request.proof:
                return Answer(422, b"same size, another root\n")
            return head
        try:
            if known_size == 0:
                if request.proof:
                    raise VerificationError("a proof with old 0")
            else:
                verify_consistency(known_size, known_root, size, root, request.proof)
        except (VerificationError, FormError) as error:
            if known_size:
                self.role.docket.doubt(turn.writer, code, head)
            return Answer(422, str(error).encode())
        return head

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
        role = self.role
        origins = {hash_bytes(role.roster.origin(c).encode()).hex(): c for c in role.others}
        code = origins.get(digest)
        if code is None:
            return None
        known = role.signer.cosigned(role.roster.origin(code))
        note = reader.get(HEAD, log_key(code) + b"shown")
        if known is None or note is None:
            return None
        key = checkpoint_key(role.roster.generation(code), note)
        head = open_checkpoint(note, role.roster.origin(code), key)
        if (head.checkpoint.size, head.checkpoint.root) != known[:2]:
            return None  # the journal is a turn ahead of the store, or was
        line = cosign(head.note.text, witness_name(role.origin), role.witness_seed, known[2])
        return merge_signatures(note, [line])

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
            name = witness_name(self.role.origin)
            line = cosign(head.note.text, name, self.role.witness_seed, stamp)
            answers[ticket] = Answer(200, format_signature(line).encode())
        return answers
