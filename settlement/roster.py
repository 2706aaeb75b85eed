"""Who takes part: the genesis file, the members and their keys, and how many must agree.

The genesis file is canonical MessagePack `[1, threshold, governance keys, members]`; the first
member is the centre, the others follow by code. Its SHA-256 is the network id. Entry 0 of the
centre's log contains it; admissions, key changes and freezes in the centre's log follow.

A member's log has *generations*. The first begins at index 0. A frozen one ends at the size of the
freeze, and the next begins there, with new keys and another origin: the leaves below stay what they
are, and the tree goes on from the same root. Which key counts is a matter of position in the log,
never of time.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Annotated

import msgspec

from ledger.checkpoint import Checkpoint, open_checkpoint
from ledger.cosignature import Witnesses, open_cosigned, witness_name
from ledger.encoding import Codec
from ledger.entry import origin
from ledger.errors import FormError, VerificationError
from ledger.hashing import hash_bytes
from ledger.note import COSIGNATURE, ED25519, VerifierKey, verifier_key
from ledger.quorum import quorum
from ledger.signature import check_public_key
from settlement.party import CENTRE, province_of
from settlement.record import Key, Member, Number, Part

FORMAT = 1
MAX_MEMBERS = 64
PURPOSES = ("entry", "checkpoint", "witness", "transport")


class GenesisFile(Part, frozen=True):
    """The founding document of one network."""

    format: Annotated[int, msgspec.Meta(ge=FORMAT, le=FORMAT)]
    threshold: Number
    governance: Annotated[list[Key], msgspec.Meta(min_length=1, max_length=16)]
    members: Annotated[list[Member], msgspec.Meta(min_length=3, max_length=MAX_MEMBERS)]


_CODEC = Codec(GenesisFile)


def make_genesis(threshold: int, governance: Iterable[bytes], members: Iterable[Member]) -> bytes:
    """Return the bytes of a genesis file: the centre first, the others by code.

    Raises:
        FormError: No centre, a code twice, a key twice or unfit, or a threshold out of range.
    """
    ordered = sorted(members, key=lambda m: (m.code != CENTRE, m.code))
    data = Codec.encode(GenesisFile(FORMAT, threshold, list(governance), ordered))
    parse_genesis(data)
    return data


def parse_genesis(data: bytes) -> GenesisFile:
    """Return the checked genesis file.

    Raises:
        FormError: Not canonical, wrong order, a code or key twice, or a key that is not a
            canonical point of prime order.
    """
    genesis = _CODEC.decode(data)
    codes = [member.code for member in genesis.members]
    if codes[0] != CENTRE or codes[1:] != sorted(set(codes[1:]) - {CENTRE}):
        raise FormError("genesis members", "the centre, then the others once each by code", codes)
    if not 1 <= genesis.threshold <= len(genesis.governance):
        raise FormError("genesis threshold", f"1 to {len(genesis.governance)}", genesis.threshold)
    keys = [key for member in genesis.members for key in member_keys(member)]
    keys += genesis.governance
    if len(set(keys)) != len(keys):
        raise FormError("genesis keys", "every key once", "a key that stands twice")
    for key in keys:
        check_public_key(key)
    for code in codes[1:]:
        if province_of(code) != code:
            raise FormError("genesis members", "codes of participants", code)
    return genesis


def member_keys(member: Member) -> tuple[bytes, ...]:
    """Return the keys of a member, in the order entry, checkpoint, witness, transport."""
    return member.entry_key, member.checkpoint_key, member.witness_key, member.transport_key


def with_key(member: Member, purpose: str, key: bytes) -> Member:
    """Return the member with another key for one of the PURPOSES."""
    return msgspec.structs.replace(member, **{f"{purpose}_key": key})


@dataclass(frozen=True)
class Turn:
    """A rotation: from `start` on, this key serves this purpose."""

    purpose: str
    start: int
    key: bytes


@dataclass(frozen=True)
class Generation:
    """One generation of a member's log. `end` and `root` are set by a freeze."""

    number: int
    start: int
    admitted: Member
    turns: tuple[Turn, ...] = ()
    end: int | None = None
    root: bytes = b""
    note: bytes = b""  # the checkpoint it was frozen at

    @property
    def member(self) -> Member:
        """The keys after all rotations known."""
        return self._after(self.turns)

    def at(self, index: int) -> Member:
        """Return the keys that count for the entry at `index`."""
        return self._after(turn for turn in self.turns if turn.start <= index)

    def _after(self, turns: Iterable[Turn]) -> Member:
        member = self.admitted
        for turn in turns:
            member = with_key(member, turn.purpose, turn.key)
        return member

    def keys(self, purpose: str) -> tuple[bytes, ...]:
        """Return all keys this generation ever had for a purpose, the newest first."""
        turned = [turn.key for turn in self.turns if turn.purpose == purpose]
        first: bytes = getattr(self.admitted, f"{purpose}_key")
        return (*reversed(turned), first)


@dataclass(frozen=True)
class Roster:
    """The members of a network at one position of the centre's log."""

    network_id: bytes
    genesis: bytes
    threshold: int
    governance: tuple[bytes, ...]
    generations: dict[str, tuple[Generation, ...]] = field(repr=False)

    @classmethod
    def found(cls, genesis: bytes) -> "Roster":
        """Return the roster a genesis file founds; raises FormError as `parse_genesis` does."""
        parsed = parse_genesis(genesis)
        return cls(
            network_id=hash_bytes(genesis),
            genesis=genesis,
            threshold=parsed.threshold,
            governance=tuple(parsed.governance),
            generations={m.code: (Generation(1, 0, m),) for m in parsed.members},
        )

    # --- what changes it; `membership` says when it may -----------------------------------------

    def with_member(self, member: Member) -> "Roster":
        """Return the roster with a new member, or with the successor of a frozen log."""
        before = self.generations.get(member.code, ())
        start = (before[-1].end or 0) if before else 0
        return self._with(member.code, (*before, Generation(len(before) + 1, start, member)))

    def with_turn(self, code: str, turn: Turn) -> "Roster":
        """Return the roster after a rotation in the log of `code`."""
        *before, last = self.generations[code]
        return self._with(code, (*before, replace(last, turns=(*last.turns, turn))))

    def with_freeze(self, code: str, point: Checkpoint, note: bytes) -> "Roster":
        """Return the roster after the log of `code` has ended at a head."""
        *before, last = self.generations[code]
        ended = replace(last, end=point.size, root=point.root, note=note)
        return self._with(code, (*before, ended))

    def _with(self, code: str, generations: Iterable[Generation]) -> "Roster":
        return replace(self, generations={**self.generations, code: tuple(generations)})

    # --- members --------------------------------------------------------------------------------

    @cached_property
    def founding(self) -> "Roster":
        """The roster as the genesis has it, without later members."""
        return Roster.found(self.genesis)

    @cached_property
    def members(self) -> dict[str, Member]:
        """The keys of every member as they are now."""
        return {code: found[-1].member for code, found in self.generations.items()}

    @cached_property
    def participants(self) -> tuple[str, ...]:
        """The codes that owe and are owed, ascending; the centre is none of them."""
        return tuple(sorted(code for code in self.generations if code != CENTRE))

    @cached_property
    def codes(self) -> tuple[str, ...]:
        """All codes with a log: the centre, then the participants."""
        return (CENTRE, *self.participants)

    @cached_property
    def used_keys(self) -> frozenset[bytes]:
        """Every key that anybody has or ever had."""
        return frozenset(self.governance) | {
            key
            for generations in self.generations.values()
            for generation in generations
            for purpose in PURPOSES
            for key in generation.keys(purpose)
        }

    def generation(self, code: str) -> Generation:
        """Return the newest generation of a member's log."""
        return self.generations[code][-1]

    def generation_at(self, code: str, index: int) -> Generation:
        """Return the generation that the entry at `index` of a log belongs to."""
        found = self.generations[code]
        return next(g for g in reversed(found) if g.start <= index or g.number == 1)

    def frozen(self, code: str) -> bool:
        """Return whether a log has ended and has no successor yet."""
        return self.generation(code).end is not None

    def ended_at(self, code: str) -> int | None:
        """Return where the last frozen generation of a log ended; None if none ever was."""
        ends = [g.end for g in self.generations[code] if g.end is not None]
        return ends[-1] if ends else None

    # --- logs and their keys --------------------------------------------------------------------

    def origin(self, code: str, generation: int | None = None) -> str:
        """Return the origin line of a member's log: of the newest generation, or of the given."""
        number = self.generation(code).number if generation is None else generation
        return origin(self.network_id, code, number)

    def owner(self, origin: str) -> str | None:
        """Return the code of the member whose log has this origin now, or None."""
        return self._owners.get(origin)

    @cached_property
    def _owners(self) -> dict[str, str]:
        return {self.origin(code): code for code in self.generations}

    def place(self, origin: str) -> tuple[str, Generation] | None:
        """Return member and generation of an origin, past ones too; None if there is none."""
        return self._places.get(origin)

    @cached_property
    def _places(self) -> dict[str, tuple[str, Generation]]:
        return {
            self.origin(code, generation.number): (code, generation)
            for code, generations in self.generations.items()
            for generation in generations
        }

    def log_keys(self, code: str) -> tuple[VerifierKey, ...]:
        """Return the keys that signed or sign checkpoints of a member's log, the newest first."""
        keys = self.generation(code).keys("checkpoint")
        return tuple(verifier_key(self.origin(code), ED25519, key) for key in keys)

    def open_head(self, code: str, note: bytes) -> Checkpoint:
        """Return a head of the log of `code`, with its signature and its quorum verified.

        The last head of a frozen generation needs no quorum but the freeze itself.

        Raises:
            FormError: Malformed, or of another log.
            VerificationError: The log's signature, a cosignature or the quorum does not hold.
        """
        name = note.split(b"\n", 1)[0].decode("utf-8", "replace")
        found = self.place(name)
        if found is None or found[0] != code:
            raise FormError("checkpoint origin", self.origin(code), name)
        generation = found[1]
        key, size = checkpoint_key(generation, note), claimed_size(note)
        if size == generation.end:
            point = open_checkpoint(note, name, key).checkpoint
            if point.root == generation.root:
                return point
        if size < generation.start or (generation.end is not None and size > generation.end):
            raise VerificationError(f"{name} has no head of size {size}")
        return open_cosigned(note, name, key, self.witnesses(code), self.head_quorum).checkpoint

    def witnesses(self, code: str) -> Witnesses:
        """Return the cosigner keys that count for the log of `code`: everybody else's."""
        return {other: keys for other, keys in self._witness_keys.items() if other != code}

    def witness_keys(self, code: str) -> tuple[VerifierKey, ...]:
        """Return the cosigner keys of a member, the newest first; none while it is frozen."""
        return self._witness_keys.get(code, ())

    @cached_property
    def _witness_keys(self) -> dict[str, tuple[VerifierKey, ...]]:
        return {
            code: tuple(
                verifier_key(witness_name(self.origin(code)), COSIGNATURE, key)
                for key in self.generation(code).keys("witness")
            )
            for code in self.generations
            if not self.frozen(code)
        }

    @property
    def head_quorum(self) -> int:
        """How many others must cosign a head: the formula over everybody but its log."""
        return quorum(len(self.generations) - 1)

    @property
    def batch_quorum(self) -> int:
        """How many participants must attest a match."""
        return quorum(len(self.participants))


def checkpoint_key(generation: Generation, note: bytes) -> bytes:
    """Return the key that must have signed a checkpoint, by the size it claims.

    A rotation at index i counts from the next index: heads that end with it or before are signed
    with the old key, all later ones with the new.

    Raises:
        FormError: It claims no size.
    """
    return generation.at(max(claimed_size(note) - 1, 0)).checkpoint_key


def claimed_size(note: bytes) -> int:
    """Return the size a checkpoint claims; raises FormError if it claims none."""
    line = note.split(b"\n", 2)[1:2]
    if not line or not line[0].isdigit() or len(line[0]) > 16:
        raise FormError("checkpoint size", "a number", line)
    return int(line[0])
