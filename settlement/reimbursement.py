"""Manual reimbursement (手工报销): the insured province paid a person by hand. Outside clearing.

The log holds the month, the areas and the fund lines; the content behind the commitment stays in
the insured province's vault. Nobody owes anybody anything for it.
"""

from typing import Annotated, Any

import msgspec

from ledger.encoding import Codec
from ledger.errors import FormError
from ledger.hashing import hash_bytes
from settlement import field
from settlement.casefile import MED_TYPES
from settlement.party import province_of
from settlement.person import Amount, Token, check_insutype, check_token
from settlement.record import Code, Day, Lines, Name, Part, Reimbursement

LINES = ("employee", "resident", "other", "account")


class Refunded(Part, frozen=True):
    """What was paid to a person by hand."""

    reimbursement_id: Name
    token: Token
    psn_no: Name
    insutype: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{2,6}\Z")]
    insured_area: Code
    treatment_area: Code
    clr_type: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{2,6}\Z")]
    paid_on: Day
    bill_fen: Amount  # the whole bill
    lines: Lines  # what each fund paid of it


_REFUNDED = Codec(Refunded)


def encode_refunded(refunded: Refunded) -> bytes:
    """Return the canonical bytes."""
    return Codec.encode(refunded)


def decode_refunded(data: bytes) -> Refunded:
    """Return the content of canonical bytes; raises FormError for anything else."""
    return _REFUNDED.decode(data)


def commitment(content: bytes, salt: bytes) -> bytes:
    """Return what the log says of the content (32 bytes); the salt makes it say nothing."""
    return hash_bytes(b"gongzhang/reimbursement/v1\n" + salt + content)


def check_refunded(refunded: Refunded) -> Refunded:
    """Return it if every field is what it must be.

    Raises:
        FormError: The field that is not; also if the funds paid nothing, or more than the bill.
    """
    field.name("reimbursement_id", refunded.reimbursement_id)
    check_token(refunded.token)
    field.name("psn_no", refunded.psn_no)
    check_insutype(refunded.insutype)
    field.area("insured_area", refunded.insured_area)
    field.area("treatment_area", refunded.treatment_area)
    if province_of(refunded.treatment_area) == province_of(refunded.insured_area):
        expected = "an area of another province than the insured"
        raise FormError("treatment_area", expected, refunded.treatment_area)
    if refunded.clr_type not in MED_TYPES:
        raise FormError("clr_type", ", ".join(MED_TYPES), refunded.clr_type)
    field.day("paid_on", refunded.paid_on)
    field.whole("bill_fen", refunded.bill_fen)
    paid = sum(field.whole(name, getattr(refunded.lines, name)) for name in LINES)
    if not 0 < paid <= refunded.bill_fen:
        raise FormError("lines", f"together 1 to {refunded.bill_fen} fen, the bill", paid)
    return refunded


def lines_of(given: Any) -> Lines:
    """Return fund lines from a dictionary in fen; a line that is not named is 0."""
    if not isinstance(given, dict) or not set(given) <= set(LINES):
        raise FormError("lines", f"fen by {', '.join(LINES)}", given)
    return Lines(*(given.get(name, 0) for name in LINES))


def record_of(refunded: Refunded, salt: bytes) -> Reimbursement:
    """Return the entry body of a reimbursement that `check_refunded` let pass."""
    return Reimbursement(
        refunded.reimbursement_id,
        refunded.paid_on[:7],
        refunded.treatment_area,
        refunded.insured_area,
        refunded.insutype,
        refunded.clr_type,
        refunded.lines,
        commitment(encode_refunded(refunded), salt),
    )
