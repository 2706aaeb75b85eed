"""Policy files (C2SP tlog-policy): whom an auditor trusts, and how many witnesses must agree.

    log <vkey> [<url>]
    witness <name> <vkey> [<url>]
    group <name> all|any|<k> <member>...
    quorum <name>|none

`#` begins a comment; only space and tab separate; a member is defined above the group that names
it; no key and no member stands twice; exactly one quorum line.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ledger.cosignature import Witnesses
from ledger.errors import FormError
from ledger.hashing import hash_bytes
from ledger.note import COSIGNATURE, ED25519, VerifierKey, format_vkey, parse_vkey

MAX_POLICY = 65_536
MAX_LINES = 64  # of each kind; the specification asks for at least 32
ALLOWED = {0x09, 0x0A, *range(0x20, 0x7F), *range(0x80, 0x100)}


class Group(NamedTuple):
    """`threshold` of `members` (names of witnesses or groups) must agree."""

    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True)
class Policy:
    """A parsed policy. `quorum` is a witness or group name, or None for none."""

    logs: tuple[VerifierKey, ...]
    witnesses: dict[str, VerifierKey]
    groups: dict[str, Group] = field(default_factory=dict)
    quorum: str | None = None

    @property
    def cosigners(self) -> Witnesses:
        """The witnesses as `cosigners_of` takes them."""
        return {name: (key,) for name, key in self.witnesses.items()}

    def log_keys(self, origin: str) -> list[bytes]:
        """Return the keys that may sign checkpoints of a log; none if it is not trusted."""
        return [key.key for key in self.logs if key.name == origin]

    def satisfied_by(self, cosigners: Iterable[str]) -> bool:
        """Return whether these witnesses, by name, make the quorum."""
        return self.quorum is None or self._agrees(self.quorum, set(cosigners))

    def _agrees(self, name: str, cosigners: set[str]) -> bool:
        if name in self.witnesses:
            return name in cosigners
        group = self.groups[name]
        agreeing = sum(self._agrees(member, cosigners) for member in group.members)
        return agreeing >= group.threshold

    @property
    def withstood(self) -> int | None:
        """How many dishonest witnesses the quorum withstands: f = 2k − n − 1 for one flat group.

        In general the fewest witnesses that two quorums must share, less one. None: no quorum.
        """
        return None if self.quorum is None else self._shared(self.quorum) - 1

    def _shared(self, name: str) -> int:
        # Two choices of k among n members have 2k − n in common; the cheapest ones, at worst.
        group = self.groups.get(name)
        if group is None:
            return 1
        common = max(2 * group.threshold - len(group.members), 0)
        return sum(sorted(self._shared(member) for member in group.members)[:common])

    @property
    def fingerprint(self) -> str:
        """Eight groups of four hex digits that two people can compare by telephone."""
        text = hash_bytes(format_policy(self).encode()).hex()[:32]
        return " ".join(text[i : i + 4] for i in range(0, 32, 4))


def parse_policy(data: bytes) -> Policy:
    """Return the policy of a file.

    Raises:
        FormError: The line and what was expected there; also a quorum that a minority of dishonest
            witnesses could make twice.
    """
    if len(data) > MAX_POLICY or not set(data) <= ALLOWED:
        raise FormError("policy", f"text of at most {MAX_POLICY} bytes without control characters")
    builder = _Builder()
    for number, line in enumerate(data.decode("utf-8", "replace").split("\n"), 1):
        words = line.split("#", 1)[0].replace("\t", " ").split(" ")
        words = [word for word in words if word]
        if words:
            builder.take(f"policy line {number}", words)
    return builder.finish()


class _Builder:
    def __init__(self) -> None:
        self.logs: list[VerifierKey] = []
        self.witnesses: dict[str, VerifierKey] = {}
        self.groups: dict[str, Group] = {}
        self.quorum: list[str] = []
        self._keys: set[bytes] = set()
        self._members: set[str] = set()

    def take(self, place: str, words: Sequence[str]) -> None:
        kind, *rest = words
        if kind == "log" and len(rest) in (1, 2):
            self.logs.append(self._key(place, rest[0], ED25519))
        elif kind == "witness" and len(rest) in (2, 3):
            self._new_name(place, rest[0])
            self.witnesses[rest[0]] = self._key(place, rest[1], COSIGNATURE)
        elif kind == "group" and len(rest) >= 3:
            self._new_name(place, rest[0])
            self.groups[rest[0]] = self._group(place, rest[1], rest[2:])
        elif kind == "quorum" and len(rest) == 1:
            self._quorum(place, rest[0])
        else:
            raise FormError(place, "log, witness, group or quorum with its words", " ".join(words))
        if max(len(self.logs), len(self.witnesses), len(self.groups)) > MAX_LINES:
            raise FormError(place, f"at most {MAX_LINES} lines of a kind")

    def finish(self) -> Policy:
        if len(self.quorum) != 1 or not self.logs:
            raise FormError("policy", "at least one log and exactly one quorum line")
        name = self.quorum[0]
        quorum = None if name == "none" else name
        policy = Policy(tuple(self.logs), self.witnesses, self.groups, quorum)
        if policy.withstood is not None and policy.withstood < 0:
            raise FormError("policy quorum", "more than half of the group", name)
        return policy

    def _key(self, place: str, text: str, kind: int) -> VerifierKey:
        key = parse_vkey(text)
        if key.type != kind:
            raise FormError(place, f"a key of type {kind}", key.type)
        if key.key in self._keys:
            raise FormError(place, "a key that no other line has", key.name)
        self._keys.add(key.key)
        return key

    def _new_name(self, place: str, name: str) -> None:
        if name == "none" or name in self.witnesses or name in self.groups:
            raise FormError(place, "a new name", name)

    def _group(self, place: str, word: str, members: Sequence[str]) -> Group:
        for member in members:
            if member not in self.witnesses and member not in self.groups:
                raise FormError(place, "members defined above", member)
            if member in self._members:
                raise FormError(place, "a member of no other group, named once", member)
            self._members.add(member)
        named = {"all": len(members), "any": 1}
        threshold = named.get(word) or (int(word) if word.isascii() and word.isdigit() else 0)
        if not 1 <= threshold <= len(members):
            raise FormError(place, f"all, any or 1 to {len(members)}", word)
        return Group(threshold, tuple(members))

    def _quorum(self, place: str, name: str) -> None:
        if name != "none" and name not in self.witnesses and name not in self.groups:
            raise FormError(place, "a witness or group defined above, or none", name)
        self.quorum.append(name)


def format_policy(policy: Policy) -> str:
    """Return the text of a policy; parsing it gives the same policy."""
    lines = [f"log {format_vkey(key)}" for key in policy.logs]
    lines += [f"witness {name} {format_vkey(key)}" for name, key in policy.witnesses.items()]
    for name, group in policy.groups.items():
        lines.append(f"group {name} {group.threshold} {' '.join(group.members)}")
    lines.append(f"quorum {policy.quorum or 'none'}")
    return "\n".join(lines) + "\n"
