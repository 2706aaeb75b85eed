"""Every kind of entry, one typed record each: the bodies that are signed into the logs.

A body is a positional array on the wire; names live here, in the documents and in JSON. A changed
body is a new kind. `approvals` is present from the start in every body that decides or moves money;
which of them two people must sign, and from when on, says `approval`.

    kind  record          in the log of         says
     1    Report          whoever saw it        evidence convicts the author of a log
     2    Restore         whoever was behind    entries were copied back from the others
     3    Rotation        everybody             from the next entry on, this key of mine
     4    Continuation    successor             this log goes on where the frozen one ended
     5    Operator        everybody             a named person may sign for this log, or no more
    10    Settlement      treatment province    a patient's bill was split at discharge
    11    Reversal        treatment province    all or part of a settlement is taken back
    12    Acceptance      insured province      my debts below this size are right, but for these
    13    Release         insured province      these exceptions and disputes of mine are lifted
    14    Dispute         insured province      I contest one original that I accepted before
    15    DisputeAnswer   treatment province    what I say to the contesting of one original
    16    Escalation      either province       the centre shall rule on one original
    30    Registration    insured province      a person may be treated elsewhere; who, is sealed
    31    Institution     treatment province    what a hospital or pharmacy may settle
    32    Barring         treatment province    a person may not settle directly, or may again
    33    Reimbursement   insured province      paid by hand; outside clearing
    50    Proposal        centre                the cut of a month and what follows from it
    51    Withdrawal      centre                a proposal is taken back
    52    Attestation     province              what I computed for a proposal
    53    Silence         province              I have seen no attestation of that province
    54    Ruling          centre                a mismatch is dismissed, with the reason
    55    Confirmation    centre                a proposal has its quorum
    56    Certificate     centre                every leg of a month has an end
    57    Lift            centre                the halt that follows from evidence ends
    58    DisputeRuling   centre                what is owed of a contested original
    59    Shortfall       centre                a payer's leg lacks this much; who bears it
    60    Quota           centre                what every prepayment of a year is to be
    61    Demand          centre                prepayments to be paid or given back
    62    Increase        treatment province    a red alert stands: more prepayment is asked for
    63    YearClose       everybody             what a year came to, and what is left of it
    64    CityStatement   province              what a month came to among the author's cities
    65    Breach          province              the centre has not done a step when it was due
    70    Paid            payer                 money of a leg or a prepayment was sent
    71    Received        payee                 that money arrived
    72    Returned        payer                 it came back from the bank
    73    Instruction     payer                 a payment file was made; its digest and payments
    74    Draw            payee                 what is overdue: drawn from a prepayment, or arrears
    90    Genesis         centre, entry 0       the genesis file
    91    Admission       centre                a participant joins
    92    RuleSet         centre                a rule set comes into force
    93    KeyChange       centre                a member's rotation, as it stands in that log
    94    Freeze          centre                a log ends here, by decision of governance
    95    Holidays        centre                the holidays of a year, as a notice states them
"""

import re
from typing import Annotated, ClassVar

import msgspec

from ledger.encoding import Codec
from ledger.errors import FormError

MAX_FEN = 2**53 - 1

Fen = Annotated[int, msgspec.Meta(ge=-MAX_FEN, le=MAX_FEN)]
Code = Annotated[str, msgspec.Meta(pattern=r"^[1-9][0-9]{5}\Z")]
Month = Annotated[str, msgspec.Meta(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])\Z")]
Day = Annotated[
    str, msgspec.Meta(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])\Z")
]
Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._-]{1,64}\Z")]
# In the records of which there are millions one pattern over all texts does what six would do.
_Checked = Annotated[str, msgspec.Meta(max_length=64, extra={"checked": True})]
_TEXTS = re.compile(
    r"[A-Za-z0-9._-]{1,64} 20[0-9]{2}-(?:0[1-9]|1[0-2])"
    r" [1-9][0-9]{5} [1-9][0-9]{5} [0-9]{2,6} [0-9]{2,6}"
)
InstitutionCode = Annotated[str, msgspec.Meta(pattern=r"^[A-Z][1-9][0-9]{10}\Z")]
Service = Annotated[str, msgspec.Meta(pattern=r"^(inpatient|outpatient|chronic|pharmacy)\Z")]
Text = Annotated[str, msgspec.Meta(min_length=0, max_length=500)]
Index = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Size = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Number = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
Hash = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
Key = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
Signature = Annotated[bytes, msgspec.Meta(min_length=64, max_length=64)]
Evidence = Annotated[bytes, msgspec.Meta(max_length=32)]  # a hash, or empty: none
Outcome = Annotated[str, msgspec.Meta(pattern=r"^(release|uphold|split)\Z")]


class Record(msgspec.Struct, array_like=True, frozen=True, gc=False, forbid_unknown_fields=True):
    """Base of all bodies: positional, immutable, no field too many."""

    kind: ClassVar[int]

    def encode(self) -> bytes:
        """Return the canonical bytes of this body."""
        return Codec.encode(self)


class Part(msgspec.Struct, array_like=True, frozen=True, gc=False, forbid_unknown_fields=True):
    """Base of the smaller arrays inside a body."""


class Approval(Part, frozen=True):
    """One operator's or governor's signature over the content of a body."""

    key: Key
    signature: Signature


class Lines(Part, frozen=True):
    """Fund lines in fen: what each fund owes for a record. Negative in a reversal."""

    employee: Fen
    resident: Fen
    other: Fen
    account: Fen


class Settlement(Record, frozen=True):
    """A patient's bill was split at discharge; the insured province owes `lines`."""

    kind = 10
    setl_id: _Checked  # Name
    month: _Checked  # Month: the Shanghai date of the settlement
    treatment_area: _Checked  # Code
    insured_area: _Checked  # Code
    insutype: _Checked  # two to six digits
    clr_type: _Checked  # two to six digits
    lines: Lines  # none below zero
    commitment: Hash  # opened by the case file in the two vaults

    def __post_init__(self) -> None:
        """Check the texts; a decoder reports a ValueError as bad form."""
        _check_case_texts(self)


class Reversal(Record, frozen=True):
    """All or part of a settlement of the same log is taken back."""

    kind = 11
    setl_id: _Checked
    original_id: Name
    month: _Checked  # its own service month, never before the original's
    treatment_area: _Checked
    insured_area: _Checked
    insutype: _Checked
    clr_type: _Checked
    lines: Lines  # none above zero, never more than what is left of the original
    commitment: Hash

    def __post_init__(self) -> None:
        """Check the texts; a decoder reports a ValueError as bad form."""
        _check_case_texts(self)


def _check_case_texts(case: Settlement | Reversal) -> None:
    texts = (
        f"{case.setl_id} {case.month} {case.treatment_area} {case.insured_area}"
        f" {case.insutype} {case.clr_type}"
    )
    if _TEXTS.fullmatch(texts) is None:
        raise ValueError(f"id, month, areas, insurance and clearing type; got {texts}")


class Exempt(Part, frozen=True):
    """One original that an acceptance does not cover."""

    index: Index
    code: Name  # NO_FILE, COMMITMENT, ROW, AMOUNT, FIELDS


class Acceptance(Record, frozen=True):
    """All debts of this log's author in `log` below `size` are right, but for `exceptions`."""

    kind = 12
    log: Code
    size: Size
    root: Hash
    exceptions: list[Exempt]  # ascending, within the newly covered range
    approvals: list[Approval]


class Release(Record, frozen=True):
    """Exceptions and disputes of this log's author are lifted: these originals bind from here."""

    kind = 13
    log: Code
    indexes: list[Index]  # ascending
    approvals: list[Approval]


class Dispute(Record, frozen=True):
    """The author contests an original that it has accepted before; once for every original.

    What an acceptance does not cover is contested from the start, by the acceptance itself.
    """

    kind = 14
    log: Code
    original: Index  # below the accepted size
    reason: Name  # see `outcome.EXCEPTION`
    evidence: Evidence  # of a file kept outside
    approvals: list[Approval]

    def __post_init__(self) -> None:
        """Check the evidence; a decoder reports a ValueError as bad form."""
        _check_evidence(self.evidence)


class DisputeAnswer(Record, frozen=True):
    """What the treatment province says to the contesting of one original of its own log."""

    kind = 15
    insured: Code
    original: Index
    evidence: Evidence
    text: Text
    approvals: list[Approval]

    def __post_init__(self) -> None:
        """Check the evidence; a decoder reports a ValueError as bad form."""
        _check_evidence(self.evidence)


def _check_evidence(evidence: bytes) -> None:
    if len(evidence) not in (0, 32):
        raise ValueError(f"evidence is a SHA-256 or empty; got {len(evidence)} bytes")


class Escalation(Record, frozen=True):
    """One side asks the centre to rule on an original of `log` that `insured` contests."""

    kind = 16
    log: Code
    insured: Code
    original: Index
    reason: Text


class Registration(Record, frozen=True):
    """A person is registered for treatment elsewhere, or that changes; the vaults know who."""

    kind = 30
    registration_id: Name
    revision: Number  # 1, 2, 3 … without a gap
    status: Annotated[str, msgspec.Meta(pattern=r"^(active|suspended|terminated)\Z")]
    commitment: Hash  # opened by the registration in the vaults


class Institution(Record, frozen=True):
    """What a hospital or pharmacy of the author's province may settle for others' insured."""

    kind = 31
    code: InstitutionCode
    revision: Number
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    level: Annotated[int, msgspec.Meta(ge=0, le=3)]  # 1 primary, 3 tertiary; 0 has none
    area: Code
    services: list[Service]  # ascending
    state: Annotated[str, msgspec.Meta(pattern=r"^(open|suspended)\Z")]
    reason: Text  # of a suspension


class Barring(Record, frozen=True):
    """The author's province lets a person of `insured` settle directly no more, or again."""

    kind = 32
    barring_id: Name
    insured: Code
    state: Annotated[str, msgspec.Meta(pattern=r"^(barred|restored)\Z")]
    reason: Text
    commitment: Hash  # of the person's token; opened at the insured province only


class Reimbursement(Record, frozen=True):
    """The insured province paid a person by hand for treatment elsewhere: information only."""

    kind = 33
    reimbursement_id: Name
    month: Month
    treatment_area: Code
    insured_area: Code
    insutype: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{2,6}\Z")]
    clr_type: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{2,6}\Z")]
    lines: Lines  # none below zero
    commitment: Hash


class Head(Part, frozen=True):
    """A log as it stands at the cut."""

    code: Code
    size: Size
    root: Hash


class Net(Part, frozen=True):
    """What a participant receives for the month; negative if it pays."""

    code: Code
    fen: Fen


class Proposal(Record, frozen=True):
    """The cut of a month and what follows from it."""

    kind = 50
    month: Month
    revision: Number
    cut: list[Head]  # every participant's log, by code
    ruleset_hash: Hash
    nets: list[Net]  # every participant, by code; sum 0
    result_hash: Hash
    approvals: list[Approval]


class Withdrawal(Record, frozen=True):
    """A proposal that is not confirmed is taken back; the next revision may follow."""

    kind = 51
    month: Month
    revision: Number
    proposal_hash: Hash
    reason: Text
    approvals: list[Approval]


class Cell(Part, frozen=True):
    """One pair sum on which two computations differ."""

    debtor: Code
    creditor: Code
    line: Name  # employee, resident, other, account; or net (then debtor == creditor)
    proposed_fen: Fen
    computed_fen: Fen


class Attestation(Record, frozen=True):
    """What this log's author computed for a proposal: a match if `cells` is empty."""

    kind = 52
    month: Month
    revision: Number
    proposal_hash: Hash  # leaf hash of the proposal
    cut_hash: Hash
    result_hash: Hash  # of the author's own computation
    cells: list[Cell]
    approvals: list[Approval]


class Silence(Record, frozen=True):
    """This log's author has seen no attestation of `code` for a proposal."""

    kind = 53
    month: Month
    revision: Number
    proposal_hash: Hash
    code: Code
    approvals: list[Approval]


class Place(Part, frozen=True):
    """One entry of one log."""

    code: Code
    index: Index


class Ruling(Record, frozen=True):
    """The centre dismisses a mismatch and says why."""

    kind = 54
    month: Month
    revision: Number
    mismatch: Place
    reason: Text
    approvals: list[Approval]


class Dismissed(Part, frozen=True):
    """A mismatch that does not hold up the month, and the ruling that says so."""

    mismatch: Place
    ruling_index: Index


class Silent(Part, frozen=True):
    """A participant without an attestation, and the records of others that say so."""

    code: Code
    records: list[Place]


class Confirmation(Record, frozen=True):
    """A proposal has its quorum; lists what it counts, so that anyone can count again."""

    kind = 55
    month: Month
    revision: Number
    proposal_hash: Hash
    result_hash: Hash
    matches: list[Place]
    dismissed: list[Dismissed]
    silent: list[Silent]
    approvals: list[Approval]


class LegEnd(Part, frozen=True):
    """How one leg of a month ended: what of it arrived, and who covers the rest.

    `shared_fen`: what the centre took off the receivers' legs because the payer did not pay in.
    """

    number: Number
    received_fen: Fen
    drawn_fen: Fen
    arrears_fen: Fen
    shared_fen: Fen
    entries: list[Place]  # everything that says so, by log and index


class Certificate(Record, frozen=True):
    """Every leg of a month has an end."""

    kind = 56
    month: Month
    revision: Number
    confirmation_hash: Hash
    legs: list[LegEnd]
    approvals: list[Approval]


class Share(Part, frozen=True):
    """What one receiver bears of a shortfall."""

    code: Code
    fen: Fen  # above zero


class Shortfall(Record, frozen=True):
    """The hub lacks `fen` of a payer's leg after its due day; the receivers named bear it.

    See `shortfall.shares`: what another share than that names counts nowhere.
    """

    kind = 59
    month: Month
    leg: Number  # of the payer to the centre
    fen: Fen  # above zero: the sum of the shares
    shares: list[Share]  # by code
    due: Day
    seen: Day  # after `due`
    approvals: list[Approval]


class PairAmount(Part, frozen=True):
    """An amount between the insured province and the treatment province."""

    debtor: Code
    creditor: Code
    fen: Fen


class Quota(Record, frozen=True):
    """What every prepayment of a year is to be: so many months of what was cleared before.

    Anybody computes it again from the batches of the months it names, see `settlement.quota`. It
    names none when nothing was cleared before the year: then it was given by hand, for a reason.
    """

    kind = 60
    year: Annotated[int, msgspec.Meta(ge=2000, le=2099)]
    months: Annotated[list[Month], msgspec.Meta(max_length=1_200)]
    ruleset_hash: Hash  # of the rule set in force, which says the basis
    result_hash: Hash  # of the quota document
    rows: Annotated[list[PairAmount], msgspec.Meta(max_length=1_000)]  # above zero, by pair
    reason: Text  # only of what was given by hand
    approvals: list[Approval]

    def __post_init__(self) -> None:
        """Check the reason; a decoder reports a ValueError as bad form."""
        if bool(self.months) == bool(self.reason.strip()):
            raise ValueError("reason: of a quota that rests on no batches, and of no other")


class DemandRow(Part, frozen=True):
    """One row of a demand: above zero the debtor pays, below zero the creditor gives back.

    Zero declines a request for an increase.
    """

    number: Number  # goes on from the month's last demand
    debtor: Code
    creditor: Code
    fen: Fen


class Demand(Record, frozen=True):
    """Prepayments are to be paid or given back until a day.

    `yearly`: the quotas of the year less what is held at `heads`. `urgent`: the answer to one
    request for an increase in the red; `reason` says why it is less than was asked for.
    """

    kind = 61
    month: Month  # of a yearly one January; of an urgent one the month with the red alert
    cause: Annotated[str, msgspec.Meta(pattern=r"^(yearly|urgent)\Z")]
    rows: Annotated[list[DemandRow], msgspec.Meta(min_length=1, max_length=1_000)]  # by pair
    due: Day
    heads: list[Head]  # of a yearly one: the logs as they were looked at, by code
    reason: Text
    approvals: list[Approval]

    def __post_init__(self) -> None:
        """Check the reason; a decoder reports a ValueError as bad form."""
        if not self.rows[0].fen and not self.reason.strip():
            raise ValueError("reason: why nothing is demanded")


class Increase(Record, frozen=True):
    """The author asks for more prepayment of a debtor: its red alert of a month stands."""

    kind = 62
    month: Month
    debtor: Code
    fen: Fen  # above zero
    approvals: list[Approval]


Purpose = Annotated[str, msgspec.Meta(pattern=r"^(clearing|prepayment|prepayment_return)\Z")]
"""What money is for (L19): a leg, a prepayment, or the giving back of a prepayment."""


class Paid(Record, frozen=True):
    """The author sent money: a leg of a batch, or a row of a demand for prepayment.

    A leg may be paid in parts, and again after the bank has returned a payment: each is an attempt.
    """

    kind = 70
    purpose: Purpose
    month: Month  # of the batch, or of the demand
    number: Number  # of the leg, or of the row of the demand
    attempt: Number  # 1, 2, 3 … without a gap, to the same payee
    payee: Code
    fen: Fen  # above zero
    reference: Name  # the bank's number
    date: Day
    approvals: list[Approval]


class Received(Record, frozen=True):
    """Money arrived at the author: the same purpose, number and attempt as its sender names."""

    kind = 71
    purpose: Purpose
    month: Month
    number: Number
    attempt: Number
    payer: Code
    fen: Fen  # above zero
    reference: Name
    date: Day
    approvals: list[Approval]


class Returned(Record, frozen=True):
    """Money the author sent came back: that attempt moved nothing."""

    kind = 72
    purpose: Purpose
    month: Month
    number: Number
    attempt: Number
    payee: Code
    reference: Name
    date: Day
    reason: Text
    approvals: list[Approval]


class Payment(Part, frozen=True):
    """One payment of a payment file."""

    purpose: Purpose
    month: Month
    number: Number
    attempt: Number
    payee: Code
    fen: Fen  # above zero


class Instruction(Record, frozen=True):
    """A payment file was made for the author's bank; no payment is ever in two of them."""

    kind = 73
    digest: Hash  # SHA-256 of the file
    format: Name
    payments: Annotated[list[Payment], msgspec.Meta(min_length=1, max_length=1_000)]
    approvals: list[Approval]


class Draw(Record, frozen=True):
    """What is missing of an overdue leg is taken from the debtor's prepayment, the rest is arrears.

    Written by whoever is owed the money: the payee of the leg, or a receiver that bears a share of
    a shortfall. What arrives afterwards refills the prepayment first.
    """

    kind = 74
    month: Month
    leg: Number  # the one that was not paid
    debtor: Code
    drawn_fen: Fen
    arrears_fen: Fen  # above zero only when nothing is left of the prepayment
    due: Day
    seen: Day  # after `due`
    approvals: list[Approval]


class Report(Record, frozen=True):
    """This log's author has seen evidence that convicts the author of `log`."""

    kind = 1
    log: Code
    evidence: Hash  # the id of the evidence file


class Restore(Record, frozen=True):
    """This log had been cut back to `held`; the others gave back what lay below `size`."""

    kind = 2
    held: Size
    size: Size


class Rotation(Record, frozen=True):
    """From the next index on, the author's key for one purpose is `key`; it has signed, too."""

    kind = 3
    purpose: Name  # entry, checkpoint, witness, transport
    key: Key
    signature: Signature  # by the new key, see `membership.rotation_message`


class Continuation(Record, frozen=True):
    """The first entry of a later generation: where the frozen log ended."""

    kind = 4
    generation: Number
    checkpoint: Annotated[bytes, msgspec.Meta(max_length=32_768)]  # as the freeze names it


class Operator(Record, frozen=True):
    """A named person may sign for this log's author from the next index on, or no more.

    Another key in a revision takes the place of the one before. See `approval`.
    """

    kind = 5
    name: Name
    revision: Number  # 1, 2, 3 … without a gap
    key: Key
    status: Annotated[str, msgspec.Meta(pattern=r"^(active|removed)\Z")]
    approvals: list[Approval]


class Lift(Record, frozen=True):
    """The centre rules that the halt of a log ends, as far as this evidence goes."""

    kind = 57
    log: Code
    evidence: Hash
    reason: Text
    approvals: list[Approval]


class DisputeRuling(Record, frozen=True):
    """What the centre decides about an original of `creditor` that `insured` contests.

    `release`: all of it is owed. `uphold`: none of it. `split`: all but `upheld`, line by line.
    """

    kind = 58
    creditor: Code
    insured: Code
    original: Index
    outcome: Outcome
    upheld: Lines  # the part that is not owed; all zero unless the outcome is `split`
    reason: Text
    approvals: list[Approval]


class MonthClosed(Part, frozen=True):
    """A month of a year: its confirmation and its certificate."""

    month: Month
    confirmation_hash: Hash  # leaf hashes
    certificate_hash: Hash


class YearClose(Record, frozen=True):
    """What the batches of a year came to, as the author computed it; by the centre first.

    See `settlement.year`. A province signs only what it computes, too.
    """

    kind = 63
    year: Annotated[int, msgspec.Meta(ge=2000, le=2099)]
    through: Month  # the last confirmed month when it was closed; it says what is still open
    months: list[MonthClosed]
    result_hash: Hash  # of the year document
    approvals: list[Approval]


class CityStatement(Record, frozen=True):
    """What a confirmed month came to among the cities of the author's province.

    Whoever has the logs computes the document again: see `settlement.subclearing`.
    """

    kind = 64
    month: Month
    revision: Number  # of the batch that was confirmed
    cities: Annotated[int, msgspec.Meta(ge=0, le=10_000)]  # how many the document names
    city_hash: Hash  # SHA-256 of the city document
    approvals: list[Approval]


class Breach(Record, frozen=True):
    """The author saw that the centre had not done a step of a month by its due day.

    It decides nothing. It is kept so that lateness of a centre that writes nothing is on record.
    """

    kind = 65
    month: Month
    event: Name  # of a step of the rule set in force
    due: Day
    seen: Day  # the author's business date, after `due`


class Genesis(Record, frozen=True):
    """Entry 0 of the centre's log: the bytes of the genesis file."""

    kind = 90
    genesis: bytes


class Member(Part, frozen=True):
    """A participant's code and raw public keys by purpose."""

    code: Code
    entry_key: Key
    checkpoint_key: Key
    witness_key: Key
    transport_key: Key


class Admission(Record, frozen=True):
    """A participant joins, by decision of the governance keys."""

    kind = 91
    member: Member
    approvals: list[Approval]


class KeyChange(Record, frozen=True):
    """A rotation in a member's log, so that whoever knows the centre's log knows the key."""

    kind = 93
    leaf: Annotated[bytes, msgspec.Meta(max_length=4_096)]  # the whole entry


class Freeze(Record, frozen=True):
    """The log of a member ends at this head: what lies above it counts nowhere."""

    kind = 94
    log: Code
    generation: Number
    checkpoint: Annotated[bytes, msgspec.Meta(max_length=32_768)]  # with its quorum
    reason: Text
    approvals: list[Approval]  # of governance


class RuleSet(Record, frozen=True):
    """A rule set comes into force for every cut below which this entry lies."""

    kind = 92
    name: Name
    text: Annotated[bytes, msgspec.Meta(max_length=60_000)]  # the TOML file as it is
    approvals: list[Approval]


class Holidays(Record, frozen=True):
    """The holidays of a year, for every calendar below which this entry lies."""

    kind = 95
    name: Name
    year: Annotated[int, msgspec.Meta(ge=2000, le=2099)]
    text: Annotated[bytes, msgspec.Meta(max_length=20_000)]  # the TOML file as it is
    approvals: list[Approval]


RECORDS: dict[int, type[Record]] = {cls.kind: cls for cls in Record.__subclasses__()}
_CODECS: dict[int, Codec[Record]] = {kind: Codec(cls) for kind, cls in RECORDS.items()}


def decode_body(kind: int, body: bytes) -> Record:
    """Return the typed record of an entry's body.

    Raises:
        FormError: The kind is unknown, or the body is not a canonical record of that kind.
    """
    codec = _CODECS.get(kind)
    if codec is None:
        raise FormError("kind", "a known kind of entry", kind)
    return codec.decode(body)
