"""What the vault keeps of claims: at the treatment province what was asked, at the insured province
what was answered. What a person has used of a year is the sum of the answers that stand, and
nothing else: it cannot be counted twice or forgotten."""

from collections.abc import Iterator
from typing import Annotated

import msgspec

from ledger import encoding
from ledger.encoding import Codec
from ledger.hashing import hash_bytes
from ledger.table import Reader, Writer, u64
from node.vault import CLAIM, DETERMINED, HISTORY, OPEN
from settlement.claim import Claim
from settlement.determination import Cancellation, Determined, Fund
from settlement.record import Fen, Hash, Part

# --- at the treatment province -------------------------------------------------------------------

State = Annotated[str, msgspec.Meta(pattern=r"^(asked|determined|cancelling|cancelled)\Z")]


class Held(Part, frozen=True):
    """A claim of a hospital here, and how far it is.

    asked        sent, or about to be; nobody knows yet whether the insured province has answered
    determined   answered; its settlement is in the log, or will be with the next turn
    cancelling   to be taken back; the insured province has not said so yet
    cancelled    taken back: by a reversal, or before it ever was in the log
    """

    state: State
    form: Hash  # of the JSON's meaning, as it was asked first
    claim: Claim
    determined: Determined | None = None
    cancellation: Cancellation | None = None
    refund: Determined | None = None


_HELD = Codec(Held)


def held(reader: Reader, setl_id: str) -> Held | None:
    """Return what is known of a claim here, or None."""
    value = reader.get(CLAIM, setl_id.encode())
    return None if value is None else _HELD.decode(value)


def hold(writer: Writer, item: Held) -> None:
    """Store a claim; it stays open until `close`."""
    key = item.claim.setl_id.encode()
    writer.put(CLAIM, key, _HELD.encode(item))
    writer.put(OPEN, key, b"")


def close(writer: Writer, setl_id: str) -> None:
    """Note that nothing more has to be done for a claim."""
    writer.delete(OPEN, setl_id.encode())


def forget(writer: Writer, setl_id: str) -> None:
    """Remove a claim that came to nothing."""
    writer.delete(CLAIM, setl_id.encode())
    writer.delete(OPEN, setl_id.encode())


def open_claims(reader: Reader) -> list[Held]:
    """Return the claims that have not come to an end."""
    found = [held(reader, key.decode()) for key, _ in reader.scan(OPEN, b"", b"\xff")]
    return [item for item in found if item is not None]


# --- at the insured province ---------------------------------------------------------------------


class Used(Part, frozen=True):
    """What a case uses of a person's year and account, in fen but for the admissions."""

    admissions: int = 0
    deductible: Fen = 0
    pool: Fen = 0
    account: Fen = 0
    layers: list[Fund] = []  # noqa: RUF012  a frozen part, never changed

    def plus(self, other: "Used", sign: int = 1) -> "Used":
        """Return the sum, or with `sign` -1 the difference."""
        layers = {fund.code: fund.fen for fund in self.layers}
        for fund in other.layers:
            layers[fund.code] = layers.get(fund.code, 0) + sign * fund.fen
        return Used(
            self.admissions + sign * other.admissions,
            self.deductible + sign * other.deductible,
            self.pool + sign * other.pool,
            self.account + sign * other.account,
            [Fund(code, fen) for code, fen in sorted(layers.items())],
        )


class TakenBack(Part, frozen=True):
    """A part of a case that another entry took back."""

    setl_id: str
    medfee: Fen
    used: Used


class Decision(Part, frozen=True):
    """What this node answered to a claim, or to the wish to take one back."""

    asked: Hash  # hash of the claim or the cancellation
    person: str  # the token; empty if only a cancellation has come
    year: str
    used: Used
    determined: Determined | None  # None: cancelled before it was ever asked for
    original: str = ""  # of a refund: what it takes back
    cancelled: str = ""  # the id that took back all of it
    parts: list[TakenBack] = []  # noqa: RUF012


_DECISION = Codec(Decision)


def decision(reader: Reader, treatment: str, setl_id: str) -> Decision | None:
    """Return what this node answered for a claim of `treatment`, or None."""
    value = reader.get(DETERMINED, treatment.encode() + setl_id.encode())
    return None if value is None else _DECISION.decode(value)


def decide(writer: Writer, treatment: str, setl_id: str, item: Decision) -> None:
    """Store a decision; a new one goes into the person's history."""
    key = treatment.encode() + setl_id.encode()
    if writer.get(DETERMINED, key) is None and item.determined is not None:
        prefix = token_key(item.person)
        last = writer.last(HISTORY, prefix, prefix + b"\xff" * 9)
        number = 0 if last is None else int.from_bytes(last[0][-8:], "big") + 1
        writer.put(HISTORY, prefix + u64(number), encoding.pack([treatment, setl_id]))
    writer.put(DETERMINED, key, _DECISION.encode(item))


def history(reader: Reader, token: str) -> Iterator[tuple[str, str, Decision]]:
    """Yield (treatment, setl_id, decision) of a person, oldest first."""
    prefix = token_key(token)
    for _, value in reader.scan(HISTORY, prefix, prefix + b"\xff" * 9):
        treatment, setl_id = encoding.unpack(value)
        item = decision(reader, treatment, setl_id)
        if item is not None:
            yield treatment, setl_id, item


def used(reader: Reader, token: str, year: str) -> tuple[Used, int]:
    """Return what a person's standing claims use of a year, and of the account in all years."""
    total, account = Used(), 0
    for _, _, item in history(reader, token):
        if item.original or item.cancelled:
            continue
        stands = item.used
        for part in item.parts:
            stands = stands.plus(part.used, -1)
        account += stands.account
        if item.year == year:
            total = total.plus(stands)
    return total, account


def token_key(token: str) -> bytes:
    """Return what stands for a token in the keys of tables: tokens are random, so this says
    nothing."""
    return hash_bytes(token.encode())[:16]
