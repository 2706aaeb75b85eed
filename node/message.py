"""What nodes say to each other: every message is a method, a path and bytes; so is its answer.

The HTTP client and server and the simulated network carry the same bytes. `AddCheckpoint` is the
C2SP witness call, unauthenticated but for the log's signature; all `/peer/` calls are signed with
the sender's transport key.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import msgspec

from ledger.encoding import Codec
from ledger.evidence import MAX_FILE as MAX_EVIDENCE
from settlement.claim import Claim
from settlement.determination import Cancellation, Determined
from settlement.person import Token
from settlement.record import Code, Day, Fen, Hash, Name, Number, Part, Size, Text
from settlement.registration import MAX_CONTENT

MAX_PULL = 4096
MAX_CASES = 500
MAX_CLAIMS = 64
MAX_NOTICES = 500
MAX_IDS = 500
MAX_DAY = 500
MAX_DAY_ROWS = 200_000
MAX_OFFER = 512
MAX_OFFER_BYTES = 512 * 1024
MAX_BODY = 8 * 1024 * 1024


@dataclass(frozen=True)
class Answer:
    """The answer to a message: an HTTP status and a body. Status 0: no answer came."""

    status: int
    body: bytes = b""

    @property
    def ok(self) -> bool:
        """True for status 200."""
        return self.status == 200


NO_ANSWER = Answer(0)


class Case(Part, frozen=True):
    """A case file and the salt that opens its commitment."""

    setl_id: Name
    case: Annotated[bytes, msgspec.Meta(max_length=16_384)]
    salt: Hash


class Message(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """Base of all messages."""

    path: ClassVar[str]
    seconds: ClassVar[int] = 20  # how long to wait for the answer
    changes: ClassVar[bool]  # True: the role decides; False: answered from what is stored
    private: ClassVar[bool] = False  # True: stored in the vault, and the answer is the sender's own

    def encode(self) -> bytes:
        """Return the body."""
        return Codec.encode(self)


class AddCheckpoint(Message, frozen=True):
    """Please cosign this head: the body of the C2SP call, as it is."""

    path = "/witness/add-checkpoint"
    changes = True
    body: Annotated[bytes, msgspec.Meta(max_length=65_536)]

    def encode(self) -> bytes:
        """Return the body; its form is the specification's, not ours."""
        return self.body


class Offer(Message, frozen=True):
    """`AddCheckpoint` with the entries that lead to the head, so that nothing has to be fetched."""

    path = "/peer/v1/offer"
    changes = True
    body: Annotated[bytes, msgspec.Meta(max_length=65_536)]
    leaves: Annotated[list[bytes], msgspec.Meta(max_length=MAX_OFFER)]


class TellHead(Message, frozen=True):
    """My newest quorum-cosigned head."""

    path = "/peer/v1/head"
    changes = True
    note: Annotated[bytes, msgspec.Meta(max_length=65_536)]


class DeliverCases(Message, frozen=True):
    """Case files of settlements in my log that you owe."""

    path = "/peer/v1/cases"
    changes = True
    cases: Annotated[list[Case], msgspec.Meta(max_length=MAX_CASES)]


class ClaimAsked(Part, frozen=True):
    """One claim: to be settled, or only to be computed."""

    settle: bool
    claim: Claim


class AskClaims(Message, frozen=True):
    """Please decide on these claims of your insured, and take back those."""

    path = "/peer/v1/claims"
    seconds = 5  # a patient stands at the counter
    changes = True
    claims: Annotated[list[ClaimAsked], msgspec.Meta(max_length=MAX_CLAIMS)]
    cancellations: Annotated[list[Cancellation], msgspec.Meta(max_length=MAX_CLAIMS)]


class Verdict(Part, frozen=True):
    """What came of one claim: a determination, or the code that refuses it and what to add."""

    code: str
    detail: Annotated[str, msgspec.Meta(max_length=500)]
    determined: Determined | None


class Verdicts(Part, frozen=True):
    """The answer to `AskClaims`, in the order of what was asked."""

    claims: Annotated[list[Verdict], msgspec.Meta(max_length=MAX_CLAIMS)]
    cancellations: Annotated[list[Verdict], msgspec.Meta(max_length=MAX_CLAIMS)]


class GuestNotice(Part, frozen=True):
    """A registration for your province: filed, changed, suspended, resumed, ended, or gone.

    Gone means that it names your province no more: content and salt are empty.
    """

    registration_id: Name
    revision: Number
    status: Annotated[str, msgspec.Meta(pattern=r"^(active|suspended|terminated|gone)\Z")]
    content: Annotated[bytes, msgspec.Meta(max_length=MAX_CONTENT)]
    salt: Annotated[bytes, msgspec.Meta(max_length=32)]


class BarringNotice(Part, frozen=True):
    """A person of yours may not settle directly in my province, or may again."""

    barring_id: Name
    state: Annotated[str, msgspec.Meta(pattern=r"^(barred|restored)\Z")]
    token: Token
    salt: Hash
    reason: Text


class ErasureNotice(Part, frozen=True):
    """A person of mine is erased: drop what you keep under these ids."""

    registration_ids: Annotated[list[Name], msgspec.Meta(max_length=MAX_IDS)]
    setl_ids: Annotated[list[Name], msgspec.Meta(max_length=MAX_IDS)]
    barring_ids: Annotated[list[Name], msgspec.Meta(max_length=MAX_IDS)]


class DeliverNotices(Message, frozen=True):
    """What you have to know about registrations and persons; at most 500 notices together."""

    path = "/peer/v1/notices"
    changes = True
    guests: Annotated[list[GuestNotice], msgspec.Meta(max_length=MAX_NOTICES)]
    barrings: Annotated[list[BarringNotice], msgspec.Meta(max_length=MAX_NOTICES)]
    erasures: Annotated[list[ErasureNotice], msgspec.Meta(max_length=MAX_NOTICES)]


class Pull(Message, frozen=True):
    """Entries of a log, and the proof that they lead to the head at `size`."""

    path = "/peer/v1/pull"
    changes = False
    log: Code
    start: Size
    stop: Size
    size: Size


class Pulled(Part, frozen=True):
    """The answer to `Pull`."""

    leaves: Annotated[list[bytes], msgspec.Meta(max_length=MAX_PULL)]
    proof: Annotated[list[Hash], msgspec.Meta(max_length=64)]


class AskHead(Message, frozen=True):
    """The newest head of a log that you can vouch for; answered as `text/plain`."""

    path = "/peer/v1/ask-head"
    changes = False
    log: Code
    held: Size  # what the asker holds: below a rotation it needs the head that ends with it


class AskSeen(Message, frozen=True):
    """The newest head of a log that you have cosigned; an empty answer: none."""

    path = "/peer/v1/ask-seen"
    changes = False
    log: Code


class AskSplit(Message, frozen=True):
    """What a log of `size` makes of its beginning at `old`, as you hold it."""

    path = "/peer/v1/ask-split"
    changes = False
    log: Code
    old: Size
    size: Size


class Split(Part, frozen=True):
    """The answer to `AskSplit`: the root at `old` and the proof that the larger log has it."""

    root: Hash
    proof: Annotated[list[Hash], msgspec.Meta(max_length=64)]


class AskResult(Message, frozen=True):
    """The result document with this hash."""

    path = "/peer/v1/result"
    changes = False
    hash: Hash


class TellEvidence(Message, frozen=True):
    """Evidence that convicts the author of a log."""

    path = "/peer/v1/evidence"
    changes = True
    file: Annotated[bytes, msgspec.Meta(max_length=MAX_EVIDENCE)]


Type = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{2,6}\Z")]
Count = Annotated[int, msgspec.Meta(ge=0, le=MAX_DAY_ROWS)]


class AskDay(Message, frozen=True):
    """What your log below `size`, which I hold, says I owe for a day: the totals."""

    path = "/peer/v1/day"
    changes = False
    private = True
    day: Day
    size: Size


class DayCell(Part, frozen=True):
    """The totals of one insurance type and clearing type."""

    insutype: Type
    clr_type: Type
    settlements: Count
    refunds: Count
    medfee_fen: Fen
    fund_fen: Fen
    account_fen: Fen


class DayTotals(Part, frozen=True):
    """The answer to `AskDay`; `unseen`: rows above `size`, or whose file is on its way to you."""

    cells: Annotated[list[DayCell], msgspec.Meta(max_length=64)]
    unseen: Count


class AskDayDetail(Message, frozen=True):
    """The rows of one cell of a day's totals above the settlement id `after`, by id."""

    path = "/peer/v1/day-detail"
    changes = False
    private = True
    day: Day
    size: Size
    insutype: Type
    clr_type: Type
    after: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._-]{0,64}\Z")]


class DayRow(Part, frozen=True):
    """One row as 3202 has it."""

    setl_id: Name
    mdtrt_id: Name
    refund: bool
    medfee_fen: Fen
    fund_fen: Fen
    account_fen: Fen


class DayRows(Part, frozen=True):
    """The answer to `AskDayDetail`."""

    rows: Annotated[list[DayRow], msgspec.Meta(max_length=MAX_DAY)]
    more: bool


PEER_MESSAGES: dict[str, type[Message]] = {
    cls.path: cls
    for cls in (
        Offer,
        TellHead,
        DeliverCases,
        AskClaims,
        DeliverNotices,
        TellEvidence,
        Pull,
        AskHead,
        AskSeen,
        AskSplit,
        AskResult,
        AskDay,
        AskDayDetail,
    )
}
_CODECS = {path: Codec(cls) for path, cls in PEER_MESSAGES.items()}
PULLED = Codec(Pulled)
SPLIT = Codec(Split)
VERDICTS = Codec(Verdicts)
DAY_TOTALS = Codec(DayTotals)
DAY_ROWS = Codec(DayRows)


def decode_message(path: str, body: bytes) -> Message:
    """Return the message sent to `path`.

    Raises:
        FormError: The body is not a canonical message of that path.
        KeyError: No such path.
    """
    if path == AddCheckpoint.path:
        return AddCheckpoint(body)
    return _CODECS[path].decode(body)
