"""Prepayments: what a creditor holds of a debtor, and by which entries it came to that.

    held = received + refilled − drawn − given back        never below zero

All of it stands in the creditor's own log, so what is held at any size of that log is one number
for everybody. A prepayment belongs to an ordered pair: the insured province pays it, the treatment
province holds it; the other direction is another prepayment.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from ledger.table import Reader
from settlement.lookup import entry_at, month_key, places, transfer_key
from settlement.record import Draw, Paid, Place, Received, Record, Returned

_KINDS: tuple[type[Record], ...] = (Received, Paid, Returned, Draw)


@dataclass(frozen=True)
class Account:
    """What a creditor holds of one debtor and how it came to that; amounts in fen."""

    received_fen: int = 0
    given_back_fen: int = 0
    drawn_fen: int = 0
    refilled_fen: int = 0
    arrears_fen: int = 0  # what draws have left open and nothing has paid since

    @property
    def held_fen(self) -> int:
        """What is held now."""
        return self.received_fen + self.refilled_fen - self.drawn_fen - self.given_back_fen

    @property
    def to_refill_fen(self) -> int:
        """What was drawn and late money has not refilled yet."""
        return self.drawn_fen - self.refilled_fen


class Movement(NamedTuple):
    """One entry of a creditor's log that changes what it holds of a debtor, or its arrears."""

    place: Place
    debtor: str
    what: str  # received, given_back, came_back, drawn, refilled
    month: str
    number: int  # of the row of a demand; of the leg, if it was drawn or refilled
    attempt: int  # 0 of a draw
    fen: int  # what it adds to what is held
    after: Account


@dataclass
class Holdings:
    """All movements of one creditor's log, by index."""

    code: str
    movements: list[Movement] = field(default_factory=list)

    def at(self, size: int | None = None) -> dict[str, int]:
        """Return what is held of each debtor below a size of the log (default: all of it)."""
        accounts = self.accounts(size)
        return {debtor: account.held_fen for debtor, account in accounts.items()}

    def accounts(self, size: int | None = None) -> dict[str, Account]:
        """Return the account of each debtor below a size of the log (default: all of it)."""
        return {movement.debtor: movement.after for movement in self.below(size)}

    def below(self, size: int | None = None) -> list[Movement]:
        """Return the movements below a size of the log (default: all of it)."""
        if size is None:
            return self.movements
        return self.movements[: bisect_left(self.movements, size, key=lambda m: m.place.index)]

    def moved(self, size: int | None = None) -> dict[tuple[str, str, int], int]:
        """Return what arrived, or left if below zero, by (debtor, month, row)."""
        found: dict[tuple[str, str, int], int] = {}
        for item in self.below(size):
            if item.what in ("received", "given_back", "came_back"):
                key = item.debtor, item.month, item.number
                found[key] = found.get(key, 0) + item.fen
        return found


def holdings(reader: Reader, code: str) -> Holdings:
    """Return what the log of `code` says of the prepayments it holds."""
    fold = _Fold(reader, code)
    for index in sorted(_relevant(reader, code)):
        fold.take(index, entry_at(reader, code, index)[1])
    return Holdings(code, fold.movements)


def _relevant(reader: Reader, code: str) -> Iterator[int]:
    # Of the payments of legs only those matter that came after a draw.
    drawn = {key for key, _ in places(reader, Draw, code)}
    for kind in _KINDS:
        for key, index in places(reader, kind, code):
            late = kind is Received and key[:1] == b"c" and key[1:12] in drawn
            wanted = {Received: b"p", Paid: b"r", Returned: b"r"}.get(kind)
            if kind is Draw or late or key[:1] == wanted:
                yield index


class _Fold:
    """The same arithmetic as `state` does entry by entry, with every step kept."""

    def __init__(self, reader: Reader, code: str) -> None:
        self.reader, self.code = reader, code
        self.movements: list[Movement] = []
        self._accounts: dict[str, Account] = {}
        self._draws: dict[bytes, tuple[str, int, int]] = {}  # leg -> debtor, to refill, arrears
        self._given: dict[bytes, int] = {}

    def take(self, index: int, record: Record) -> None:
        """Take in a valid entry that may move something."""
        match record:
            case Received(purpose="prepayment"):
                self._move(index, record.payer, "received", record, record.fen)
            case Received(purpose="clearing"):
                self._late(index, record)
            case Paid(purpose="prepayment_return"):
                self._given[_key(record)] = record.fen
                self._move(index, record.payee, "given_back", record, -record.fen)
            case Returned(purpose="prepayment_return"):
                fen = self._given[_key(record)]
                self._move(index, record.payee, "came_back", record, fen)
            case Draw():
                self._draw(index, record)

    def _move(
        self, index: int, debtor: str, what: str, record: Received | Paid | Returned, fen: int
    ) -> None:
        before = self._accounts.get(debtor, Account())
        if what == "received":
            after = replace(before, received_fen=before.received_fen + fen)
        else:
            after = replace(before, given_back_fen=before.given_back_fen - fen)
        row = record.month, record.number, record.attempt
        self._keep(Movement(Place(self.code, index), debtor, what, *row, fen, after))

    def _draw(self, index: int, record: Draw) -> None:
        before = self._accounts.get(record.debtor, Account())
        leg = month_key(record.month, record.leg)
        self._draws[leg] = record.debtor, record.drawn_fen, record.arrears_fen
        after = replace(
            before,
            drawn_fen=before.drawn_fen + record.drawn_fen,
            arrears_fen=before.arrears_fen + record.arrears_fen,
        )
        row = record.month, record.leg, 0
        place = Place(self.code, index)
        self._keep(Movement(place, record.debtor, "drawn", *row, -record.drawn_fen, after))

    def _late(self, index: int, record: Received) -> None:
        leg = month_key(record.month, record.number)
        if leg not in self._draws:
            return  # it came in time
        debtor, drawn, arrears = self._draws[leg]
        refill = min(record.fen, drawn)
        paid = record.fen - refill
        self._draws[leg] = debtor, drawn - refill, arrears - paid
        before = self._accounts[debtor]
        after = replace(
            before,
            refilled_fen=before.refilled_fen + refill,
            arrears_fen=before.arrears_fen - paid,
        )
        row = record.month, record.number, record.attempt
        self._keep(Movement(Place(self.code, index), debtor, "refilled", *row, refill, after))

    def _keep(self, movement: Movement) -> None:
        self._accounts[movement.debtor] = movement.after
        self.movements.append(movement)


def _key(record: Paid | Returned) -> bytes:
    return transfer_key(record.purpose, record.month, record.number, record.payee, record.attempt)
