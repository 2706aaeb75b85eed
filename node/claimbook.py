"""What the vault keeps of claims: at the treatment province what was asked, at the insured province
what was answered. What a person has used of a year is the sum of the answers that stand, and
nothing else: it cannot be counted twice or forgotten."""

from collections import Counter
from typing import Annotated, Any

import msgspec

from ledger import encoding
from ledger.encoding import Codec
from ledger.table import Reader, Writer, u64
from node.vault import CLAIM, DETERMINED, HISTORY, OPEN
from settlement.bill import Bill, YearSoFar
from settlement.claim import Claim
from settlement.determination import Cancellation, Determined
from settlement.person import token_hash
from settlement.record import Fen, Hash, Name, Part

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


class Amount(Part, frozen=True):
    """One thing a case uses: admission, deductible, pool, layer, threshold or account."""

    kind: Name
    of: str  # the service or fund it is counted under
    amount: Annotated[int, msgspec.Meta(ge=0)]  # fen, but for the admission


class TakenBack(Part, frozen=True):
    """A part of a case that another entry took back."""

    setl_id: str
    medfee: Fen
    used: list[Amount]


class Decision(Part, frozen=True):
    """What this node answered to a claim, or to the wish to take one back."""

    asked: Hash  # hash of the claim or the cancellation
    person: str  # the token; empty if only a cancellation has come
    insutype: str
    year: str
    used: list[Amount]
    determined: Determined | None  # None: cancelled before it was ever asked for
    original: str = ""  # of a refund: what it takes back
    cancelled: str = ""  # the id that took back all of it
    parts: list[TakenBack] = []  # noqa: RUF012  a frozen part, never changed
    number: int | None = None  # its place in the person's history


def used_by(bill: Bill) -> list[Amount]:
    """Return what a bill uses of a person's year and account."""
    used = bill.used
    found = [Amount("admission", "", used.admissions)]
    for kind, amounts in (
        ("deductible", used.deductible_fen), ("pool", used.pool_fen), ("layer", used.layers),
        ("threshold", used.thresholds), ("account", {"": bill.columns.acct_pay}),
    ):  # fmt: skip
        found += [Amount(kind, of, fen) for of, fen in sorted(amounts.items())]
    return [item for item in found if item.amount]


_DECISION = Codec(Decision)


def decision(reader: Reader, treatment: str, setl_id: str) -> Decision | None:
    """Return what this node answered for a claim of `treatment`, or None."""
    value = reader.get(DETERMINED, treatment.encode() + setl_id.encode())
    return None if value is None else _DECISION.decode(value)


def decide(writer: Writer, treatment: str, setl_id: str, item: Decision) -> None:
    """Store a decision, and what of it counts in the person's history."""
    if item.determined is not None:
        number = item.number if item.number is not None else _next_number(writer, item.person)
        item = msgspec.structs.replace(item, number=number)
        row = [treatment, setl_id, item.insutype, item.year, _standing(item)]
        writer.put(HISTORY, token_hash(item.person) + u64(number), encoding.pack(row))
    writer.put(DETERMINED, treatment.encode() + setl_id.encode(), _DECISION.encode(item))


def withdraw(
    writer: Writer, treatment: str, setl_id: str, before: Decision, after: Decision
) -> None:
    """Replace a decision by one that says nothing of the person, and take it out of the history."""
    assert before.number is not None
    writer.delete(HISTORY, token_hash(before.person) + u64(before.number))
    writer.put(DETERMINED, treatment.encode() + setl_id.encode(), _DECISION.encode(after))


def _next_number(reader: Reader, token: str) -> int:
    prefix = token_hash(token)
    last = reader.last(HISTORY, prefix, prefix + b"\xff" * 9)
    return 0 if last is None else int.from_bytes(last[0][-8:], "big") + 1


def _standing(item: Decision) -> list[list[Any]]:
    # What a case uses, less what was taken back: nothing, if all of it was or it is a refund.
    if item.original or item.cancelled:
        return []
    stands = Counter({(a.kind, a.of): a.amount for a in item.used})
    for part in item.parts:
        stands.subtract({(a.kind, a.of): a.amount for a in part.used})
    return [[kind, of, amount] for (kind, of), amount in sorted(stands.items())]


def year_so_far(reader: Reader, token: str, insutype: str, year: str) -> tuple[YearSoFar, int]:
    """Return what a person's standing claims use of a year under one insurance, and what they use
    of the personal account in all years, in fen."""
    total: Counter[tuple[str, str]] = Counter()
    account, prefix = 0, token_hash(token)
    for _, value in reader.scan(HISTORY, prefix, prefix + b"\xff" * 9):
        _, _, under, used_in, used = encoding.unpack(value)
        account += sum(amount for kind, _, amount in used if kind == "account")
        if (used_in, under) == (year, insutype):
            for kind, name, amount in used:
                total[kind, name] += amount

    def of(kind: str) -> dict[Any, int]:
        return {name: max(n, 0) for (k, name), n in sorted(total.items()) if k == kind}

    admissions = max(total["admission", ""], 0)
    return YearSoFar(admissions, of("deductible"), of("pool"), of("layer"), of("threshold")), max(
        account, 0
    )
