"""A determination: the insured province's signed word on what its funds pay for one claim.

    "gongzhang/determination/v1\\n" || network id || canonical
        [treatment, insured, setl_id, claim hash, case hash, index]

`claim hash` is what was asked (a claim, or its cancellation), `case hash` the row that answers it,
`index` the place in the author's log at which the signing key counted. A determination does not
bind: it obliges its author to accept the entry that carries this row, and proves in a ruling that
the row is what it said.
"""

from collections.abc import Iterable
from typing import Annotated

import msgspec

from ledger import encoding
from ledger.encoding import Codec
from ledger.errors import VerificationError
from ledger.hashing import hash_bytes
from ledger.signature import sign, verify_many
from settlement.casefile import commitment
from settlement.record import Code, Fen, Hash, Index, Name, Part, Signature

Words = Annotated[str, msgspec.Meta(max_length=300)]


class Step(Part, frozen=True):
    """One step of the computation (依据), so that a clerk can explain it."""

    step: Name
    fen: Fen
    en: Words
    zh: Words
    parameter: Words
    source: Words
    certainty: Words  # empty: the step only adds up
    fund: Words  # of what a fund pays, else empty


class Fund(Part, frozen=True):
    """What one fund pays, by its national code."""

    code: Name
    fen: Fen


class Determined(Part, frozen=True):
    """A determination with everything it speaks of; what the treatment province is answered."""

    case: Annotated[bytes, msgspec.Meta(max_length=16_384)]
    salt: Hash
    claim_hash: Hash
    index: Index
    signature: Signature
    funds: Annotated[list[Fund], msgspec.Meta(max_length=32)]
    steps: Annotated[list[Step], msgspec.Meta(max_length=64)]

    @property
    def commitment(self) -> bytes:
        """What the entry in the log says of the case file."""
        return commitment(self.case, self.salt)


class Cancellation(Part, frozen=True):
    """The wish to take back what is left of a settlement."""

    setl_id: Name
    cancel_id: Name
    setl_time: Annotated[str, msgspec.Meta(max_length=25)]
    entered: bool  # whether the settlement stands in the treatment province's log

    @property
    def hash(self) -> bytes:
        """What the determination of this cancellation names."""
        return hash_bytes(b"gongzhang/cancellation/v1\n" + CANCELLATION.encode(self))


CANCELLATION = Codec(Cancellation)


def message(
    network_id: bytes,
    treatment: Code,
    insured: Code,
    setl_id: str,
    claim_hash: bytes,
    case: bytes,
    index: int,
) -> bytes:
    """Return the bytes a determination signs."""
    content = [treatment, insured, setl_id, claim_hash, hash_bytes(case), index]
    return b"gongzhang/determination/v1\n" + network_id + encoding.pack(content)


def determine(
    seed: bytes,
    network_id: bytes,
    treatment: Code,
    insured: Code,
    setl_id: str,
    claim_hash: bytes,
    case: bytes,
    index: int,
) -> bytes:
    """Return the signature of a determination."""
    return sign(seed, message(network_id, treatment, insured, setl_id, claim_hash, case, index))


def check(
    found: Determined,
    network_id: bytes,
    treatment: Code,
    insured: Code,
    setl_id: str,
    keys: Iterable[bytes],
) -> None:
    """Check that one of the insured province's `keys` signed a determination.

    Raises:
        VerificationError: None did.
    """
    signed = message(
        network_id, treatment, insured, setl_id, found.claim_hash, found.case, found.index
    )
    items = [(key, signed, found.signature) for key in keys]
    if len(verify_many(items)) == len(items):
        raise VerificationError(f"determination of {setl_id}: the signature is not by {insured}")
