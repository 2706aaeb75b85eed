"""The secrets of one node by purpose, and which of them counts at a place.

After `gongzhang key rotate` a purpose has two: the one in use and the one that will follow it. What
is in use is never remembered; it is read from the log each time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from ledger.errors import RefusedError
from ledger.signature import public_key
from settlement.record import Member
from settlement.roster import PURPOSES


@dataclass(frozen=True)
class Keys:
    """The secret seeds of one node; `following` holds those that a rotation will bring."""

    entry: bytes = field(repr=False)
    checkpoint: bytes = field(repr=False)
    witness: bytes = field(repr=False)
    transport: bytes = field(repr=False)
    following: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    @cached_property
    def _seeds(self) -> dict[tuple[str, bytes], bytes]:
        seeds = [(purpose, getattr(self, purpose)) for purpose in PURPOSES]
        return {(p, public_key(s)): s for p, s in (*seeds, *self.following.items())}

    def seed(self, purpose: str, public: bytes) -> bytes:
        """Return the secret of a public key.

        Raises:
            RefusedError: This node does not have it (KEY).
        """
        found = self._seeds.get((purpose, public))
        if found is None:
            raise RefusedError("KEY", f"no secret here for the {purpose} key {public.hex()[:16]}")
        return found

    def fit(self, member: Member) -> bool:
        """Return whether the secrets of all of a member's keys are here."""
        return all((p, getattr(member, f"{p}_key")) in self._seeds for p in PURPOSES)
