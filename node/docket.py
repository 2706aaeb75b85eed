"""The docket: evidence this node has seen or been handed, and the halt that follows from it.

A head whose log signed another root for what this node holds becomes an evidence file on the spot,
and so do two statements of which only one may be made. A larger head that does not continue what is
held here is a doubt: whoever holds that other log is asked what it makes of its beginning, and the
answer makes the evidence, or shows that there is none.

Evidence is stored, told to everybody and noted in this node's own log; from then on the node
cosigns and copies nothing more of that log, until the centre's ruling on that very evidence stands
below a quorum-cosigned head. The halt is read from the stored files: forgetting memory changes
nothing.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from ledger import log, tree
from ledger.checkpoint import SignedCheckpoint, parse_checkpoint
from ledger.entry import decode_entry
from ledger.errors import FormError, VerificationError
from ledger.evidence import (
    REWRITTEN,
    TWO_ENTRIES,
    TWO_HEADS,
    Evidence,
    convict,
    format_evidence,
    parse_evidence,
)
from ledger.note import parse_note
from ledger.proof import verify_consistency
from ledger.table import HEAD, Reader, log_key
from node import heads
from node.effect import Answered, Effect, Send
from node.message import SPLIT, Answer, AskSplit, Split, TellEvidence
from node.turn import Turn
from settlement.keychain import ONCE, accused_of, author_of, chain_from
from settlement.lookup import find, natural_key
from settlement.party import CENTRE
from settlement.record import Lift, Report, decode_body
from settlement.roster import Generation, claimed_size

if TYPE_CHECKING:
    from node.role import Role

_log = structlog.get_logger("docket")
_FILE, _SHOWN = b"evidence", b"shown"
MAX_FILES = 16  # of one log; more would say nothing new


def stored(reader: Reader, code: str, generation: int = 1) -> list[Evidence]:
    """Return the evidence against the author of a generation of a log, by id."""
    prefix = log_key(code, generation) + _FILE
    return [parse_evidence(value) for _, value in reader.scan(HEAD, prefix, prefix + b"\xff" * 33)]


def halted(reader: Reader, code: str, generation: int = 1) -> bool:
    """Return whether evidence against the author of a log stands that no ruling has lifted."""
    covered = heads.size_of(reader, CENTRE)
    for evidence in stored(reader, code, generation):
        lift = find(reader, CENTRE, Lift, code.encode() + evidence.id)
        if lift is None or lift >= covered:
            return True
    return False


@dataclass(frozen=True)
class Doubt:
    """A larger head that does not seem to continue the one this node went along with."""

    shown: bytes
    head: SignedCheckpoint
    asked: frozenset[str] = frozenset()  # who could not tell


class Docket:
    """What this node still has to tell of the evidence it holds."""

    def __init__(self, role: "Role") -> None:
        self.role = role
        self.told: set[tuple[str, bytes]] = set()  # member, evidence id
        self.doubts: dict[str, Doubt] = {}
        self._files: list[tuple[str, Evidence]] | None = None  # None: to be read again

    def accepted(self, turn: Turn, code: str, head: SignedCheckpoint) -> None:
        """Keep the newest head of a log that this node went along with, to hold against others."""
        turn.writer.put(HEAD, log_key(code) + _SHOWN, head.encode())

    def suspect(self, turn: Turn, code: str, head: SignedCheckpoint) -> bool:
        """Hold a signed head against what is held here; return whether its log is halted.

        A head beyond the copy held here says nothing yet.
        """
        key, point = log_key(code), head.checkpoint
        if 0 < point.size <= log.size(turn.writer, key):
            root = tree.root_at(turn.writer, key, point.size)
            if root != point.root:
                self._found(turn, code, head, root)
        return halted(turn.writer, code, turn.roster.generation(code).number)

    def doubt(self, reader: Reader, code: str, head: SignedCheckpoint) -> None:
        """Note that a head does not seem to continue what is held here; somebody will know."""
        shown = reader.get(HEAD, log_key(code) + _SHOWN)
        if shown is not None and claimed_size(shown) < head.checkpoint.size:
            self.doubts.setdefault(code, Doubt(shown, head))

    def told_of_split(self, turn: Turn, event: Answered) -> None:
        """Take in what another node's copy makes of the beginning of a doubtful head."""
        message, member = event.message, event.slot[1]
        assert isinstance(message, AskSplit)
        doubt = self.doubts.get(message.log)
        if doubt is None or doubt.head.checkpoint.size != message.size:
            return
        if event.answer.ok:
            found = SPLIT.decode(event.answer.body)
            exhibits = (doubt.shown, doubt.head.encode())
            chain = self._chain(turn.writer)
            evidence = Evidence(REWRITTEN, chain, exhibits, found.root, tuple(found.proof))
            if self._settles(turn, message, found, doubt):
                turn.learned.append(lambda: self.doubts.pop(message.log, None))
                if found.root != self._shown_root(doubt) and chain:
                    self._take(turn, message.log, evidence, report=True)
                return
        asked = Doubt(doubt.shown, doubt.head, doubt.asked | {member})
        turn.learned.append(lambda: self._asked(message.log, asked))

    def _settles(self, turn: Turn, message: AskSplit, found: Split, doubt: Doubt) -> bool:
        # Whoever answers need not be believed: the proof leads to the signed head, or it does not.
        point = doubt.head.checkpoint
        try:
            verify_consistency(message.old, found.root, point.size, point.root, found.proof)
        except (FormError, VerificationError):
            return False
        return True

    def _shown_root(self, doubt: Doubt) -> bytes:
        return parse_checkpoint(parse_note(doubt.shown).text).root

    def _asked(self, code: str, doubt: Doubt) -> None:
        self.doubts[code] = doubt
        if doubt.asked >= set(self.role.others):
            del self.doubts[code]  # nobody has such a log: nothing but a wrong proof

    def twice(self, turn: Turn, code: str, index: int) -> None:
        """Look at an entry that repeats a business id: some statements may be made only once."""
        leaf = log.leaf(turn.writer, log_key(code), index)
        entry = decode_entry(leaf)
        chain = self._chain(turn.writer)
        if entry.kind not in ONCE or not chain:
            return
        record = decode_body(entry.kind, entry.body)
        first = find(turn.writer, code, type(record), natural_key(record))
        if first is None:
            return
        other = log.leaf(turn.writer, log_key(code), first)
        if decode_entry(other).body != entry.body:
            self._take(turn, code, Evidence(TWO_ENTRIES, chain, (other, leaf)), report=True)

    def _found(self, turn: Turn, code: str, head: SignedCheckpoint, root: bytes) -> None:
        shown = turn.writer.get(HEAD, log_key(code) + _SHOWN)
        if shown is None:
            return
        known = heads.load(turn.writer, code)
        if known is not None and known.size == claimed_size(shown):
            shown = known.note  # the same head, with those who have cosigned it
        size, offered = claimed_size(shown), head.checkpoint.size
        chain = self._chain(turn.writer)
        if size < offered or not chain:
            return
        if size == offered:
            evidence = Evidence(TWO_HEADS, chain, (shown, head.encode()))
        else:
            path = tree.consistency_proof(turn.writer, log_key(code), offered, size)
            evidence = Evidence(REWRITTEN, chain, (head.encode(), shown), root, tuple(path))
        self._take(turn, code, evidence, report=True)

    def _chain(self, reader: Reader) -> tuple[tuple[bytes, bytes], ...]:
        known = heads.load(reader, CENTRE)
        if known is None or log.size(reader, log_key(CENTRE)) < known.size:
            return ()
        return tuple(chain_from(reader, known.note, known.size))

    def handed(self, turn: Turn, file: bytes) -> Answer:
        """Take in evidence from another member; it is judged here, whoever sent it.

        Raises:
            FormError, VerificationError: It does not convict.
        """
        evidence = parse_evidence(file)
        code, generation = author_of(evidence, turn.roster)
        self._take(turn, code, evidence, report=False, generation=generation)
        return Answer(200)

    def _take(
        self,
        turn: Turn,
        code: str,
        evidence: Evidence,
        *,
        report: bool,
        generation: Generation | None = None,
    ) -> None:
        # Soundness before anything else.
        convict(evidence, accused_of(turn.roster, code, generation), ONCE)
        number = (generation or turn.roster.generation(code)).number
        place = log_key(code, number) + _FILE + evidence.id
        known = stored(turn.writer, code, number)
        if any(item.id == evidence.id for item in known) or len(known) >= MAX_FILES:
            return
        turn.writer.put(HEAD, place, format_evidence(evidence))
        turn.learned.append(self._read_again)
        _log.critical("evidence", log=code, kind=evidence.kind, id=evidence.id.hex())
        if report and code != self.role.code:
            turn.append(Report(code, evidence.id))

    def _read_again(self) -> None:
        self._files = None

    def answered(self, event: Answered) -> None:
        """Note who has the evidence now; who refuses it will not be asked again."""
        assert isinstance(event.message, TellEvidence)
        if event.answer.status in (200, 400, 422):
            self.told.add((event.slot[1], parse_evidence(event.message.file).id))

    def sends(self, reader: Reader, now_ms: int) -> list[Effect]:
        """Return the evidence to hand on now, one file to a member at a time."""
        if self._files is None:
            self._files = [
                (code, item)
                for code, generations in sorted(self.role.roster.generations.items())
                for generation in generations
                for item in stored(reader, code, generation.number)
            ]
        effects: list[Effect] = self._questions(now_ms)
        for code, evidence in self._files:
            for member in self.role.others:
                slot = ("evidence", member)
                known = (member, evidence.id) in self.told
                if member != code and not known and self.role.slots.take(slot, now_ms):
                    message = TellEvidence(format_evidence(evidence))
                    effects.append(Send(slot, member, message))
        return effects

    def _questions(self, now_ms: int) -> list[Effect]:
        effects: list[Effect] = []
        for code, doubt in sorted(self.doubts.items()):
            old, size = claimed_size(doubt.shown), doubt.head.checkpoint.size
            for member in self.role.others:
                slot = ("split", member)
                if member not in doubt.asked and self.role.slots.take(slot, now_ms):
                    effects.append(Send(slot, member, AskSplit(code, old, size)))
        return effects
