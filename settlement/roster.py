"""Who takes part: the genesis file, the members and their keys, and how many must agree.

The genesis file is canonical MessagePack `[1, threshold, governance keys, members]`; the first
member is the centre, the others follow by code. Its SHA-256 is the network id. Entry 0 of the
centre's log contains it, later members are admissions in the centre's log.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Annotated

import msgspec

from ledger.cosignature import witness_name
from ledger.encoding import Codec
from ledger.entry import origin
from ledger.errors import FormError, VerificationError
from ledger.hashing import hash_bytes
from ledger.note import COSIGNATURE, ED25519, VerifierKey, verifier_key
from ledger.quorum import quorum
from ledger.signature import check_public_key, sign, verify
from settlement.party import CENTRE, province_of
from settlement.record import Admission, Approval, Key, Member, Number, Part

FORMAT = 1
MAX_MEMBERS = 64


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


@dataclass(frozen=True)
class Roster:
    """The members of a network at one position of the centre's log."""

    network_id: bytes
    genesis: bytes
    threshold: int
    governance: tuple[bytes, ...]
    members: dict[str, Member] = field(repr=False)

    @classmethod
    def found(cls, genesis: bytes) -> "Roster":
        """Return the roster a genesis file founds; raises FormError as `parse_genesis` does."""
        parsed = parse_genesis(genesis)
        return cls(
            network_id=hash_bytes(genesis),
            genesis=genesis,
            threshold=parsed.threshold,
            governance=tuple(parsed.governance),
            members={member.code: member for member in parsed.members},
        )

    def admit(self, admission: Admission) -> "Roster":
        """Return the roster with one more member; see `check_admission` for what must hold."""
        self.check_admission(admission)
        member = admission.member
        return replace(self, members={**self.members, member.code: member})

    def check_admission(self, admission: Admission) -> None:
        """Check the new member's keys and the approvals of the governance keys.

        Raises:
            FormError: The code is a member already or no participant's, or a key is unfit or used.
            VerificationError: Fewer than `threshold` governance keys signed it.
        """
        member = admission.member
        if member.code in self.members or province_of(member.code) != member.code:
            raise FormError("admission", "the code of a participant who is no member", member.code)
        used = {key for other in self.members.values() for key in member_keys(other)}
        new = member_keys(member)
        if len(set(new)) != len(new) or used & set(new) or set(new) & set(self.governance):
            raise FormError("admission", "four keys that nobody uses", member.code)
        for key in new:
            check_public_key(key)
        message = admission_message(self.network_id, member)
        signers = {approval.key for approval in admission.approvals}
        if not signers <= set(self.governance) or len(signers) != len(admission.approvals):
            raise VerificationError("admission: an approval is not by a governance key")
        for approval in admission.approvals:
            verify(approval.key, message, approval.signature)
        if len(signers) < self.threshold:
            raise VerificationError("admission: governance approvals", self.threshold, len(signers))

    @cached_property
    def founding(self) -> "Roster":
        """The roster as the genesis has it, without later members."""
        return Roster.found(self.genesis)

    @cached_property
    def participants(self) -> tuple[str, ...]:
        """The codes that owe and are owed, ascending; the centre is none of them."""
        return tuple(sorted(code for code in self.members if code != CENTRE))

    @cached_property
    def codes(self) -> tuple[str, ...]:
        """All codes with a log: the centre, then the participants."""
        return (CENTRE, *self.participants)

    def origin(self, code: str) -> str:
        """Return the origin line of a member's log."""
        return origin(self.network_id, code)

    def witnesses(self, code: str) -> dict[str, VerifierKey]:
        """Return the cosigner keys that count for the log of `code`: everybody else's."""
        return {other: key for other, key in self._witness_keys.items() if other != code}

    def witness_key(self, code: str) -> VerifierKey:
        """Return the cosigner key of a member."""
        return self._witness_keys[code]

    @cached_property
    def _witness_keys(self) -> dict[str, VerifierKey]:
        return {
            code: verifier_key(witness_name(self.origin(code)), COSIGNATURE, member.witness_key)
            for code, member in self.members.items()
        }

    def owner(self, origin: str) -> str | None:
        """Return the code of the member whose log has this origin, or None."""
        return self._owners.get(origin)

    @cached_property
    def _owners(self) -> dict[str, str]:
        return {self.origin(code): code for code in self.members}

    def log_key(self, code: str) -> VerifierKey:
        """Return the key that signs the checkpoints of a member's log."""
        return verifier_key(self.origin(code), ED25519, self.members[code].checkpoint_key)

    @property
    def head_quorum(self) -> int:
        """How many others must cosign a head: the formula over everybody but its log."""
        return quorum(len(self.members) - 1)

    @property
    def batch_quorum(self) -> int:
        """How many participants must attest a match."""
        return quorum(len(self.participants))


def admission_message(network_id: bytes, member: Member) -> bytes:
    """Return the bytes that governance keys sign to admit a member."""
    return b"gongzhang/admission/v1\n" + network_id + Codec.encode(member)


def approve_admission(seed: bytes, key: bytes, network_id: bytes, member: Member) -> Approval:
    """Return one governor's approval of an admission."""
    return Approval(key, sign(seed, admission_message(network_id, member)))
