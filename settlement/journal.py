"""A participant's journal: transactions that balance, and the trial balance that follows from them.

Amounts are fen, debits above zero, credits below. A negative pair sum (refunds above cases) is
booked on the same accounts with the other sign. Nothing is ever closed: balances run on from year
to year, and a year's expense is what was posted to it in the year, so no closing entries are made.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from settlement.chart import Account
from settlement.outcome import Text
from settlement.record import Place


class Posting(NamedTuple):
    """One line of a transaction: `fen` above zero is a debit, below zero a credit."""

    account: Account
    fen: int


@dataclass(frozen=True)
class Transaction:
    """What one event means in one participant's books.

    Attributes:
        date: The bank's date, or the day the entry states, else the Shanghai day of the entry.
        places: The entries it rests on; the first one is the event.
        month: Of the batch, or of the demand for prepayment.
        reference: The bank's number, or empty.
        alone: The event is in the author's books only, because nothing in the other participant's
            log bears it out: what mirrored accounts differ by on its account is explained.
    """

    date: str
    at_ms: int  # of the event: orders what happened on one day
    kind: str
    text: Text
    places: tuple[Place, ...]
    month: str
    postings: tuple[Posting, ...]
    reference: str = ""
    alone: bool = False

    def __post_init__(self) -> None:
        assert self.postings
        assert sum(posting.fen for posting in self.postings) == 0, self

    @property
    def source(self) -> str:
        """The event's entry, as people name it."""
        return f"{self.places[0].code}#{self.places[0].index}"

    @property
    def order(self) -> tuple[object, ...]:
        """The place in the journal: by date, then as the entries say they came."""
        first = self.places[0]
        return self.date, self.at_ms, _RANK.get(self.kind, 3), first.code, first.index


_RANK = {"owed": 0, "remit": 1, "novation": 1, "sent": 2}  # of one moment, what rests on what


class Row(NamedTuple):
    """One account of a trial balance: what was debited and credited in all, in fen."""

    account: Account
    debit_fen: int
    credit_fen: int

    @property
    def balance_fen(self) -> int:
        """Debits less credits: above zero a debit balance."""
        return self.debit_fen - self.credit_fen


@dataclass(frozen=True)
class Journal:
    """All transactions of one participant, in order; see `books.books_at`."""

    code: str
    transactions: tuple[Transaction, ...]

    @cached_property
    def balances(self) -> Mapping[Account, int]:
        """The balance of every account that was ever posted to, in fen."""
        return {row.account: row.balance_fen for row in trial_balance(self)}


def combined(postings: Iterable[Posting]) -> tuple[Posting, ...]:
    """Return the postings with one line per account and none of zero: debits first, by account."""
    sums: dict[Account, int] = {}
    for account, fen in postings:
        sums[account] = sums.get(account, 0) + fen
    accounts = sorted(sums, key=lambda account: (sums[account] < 0, account.order))
    return tuple(Posting(account, sums[account]) for account in accounts if sums[account])


def trial_balance(journal: Journal) -> list[Row]:
    """Return every account that was posted to, in the order of the chart.

    Debits equal credits, over all rows, whatever the position.
    """
    debits: dict[Account, int] = {}
    credits_: dict[Account, int] = {}
    for transaction in journal.transactions:
        for account, fen in transaction.postings:
            side = debits if fen > 0 else credits_
            side[account] = side.get(account, 0) + abs(fen)
    accounts = sorted(debits.keys() | credits_.keys(), key=lambda account: account.order)
    rows = [Row(a, debits.get(a, 0), credits_.get(a, 0)) for a in accounts]
    assert sum(row.debit_fen for row in rows) == sum(row.credit_fen for row in rows)
    return rows


def ordered(code: str, transactions: Iterable[Transaction]) -> Journal:
    """Return a journal of these transactions: the same one, in whatever order they come."""
    return Journal(code, tuple(sorted(transactions, key=_place)))


def _place(transaction: Transaction) -> tuple[object, ...]:
    lines = [(posting.account.order, posting.fen) for posting in transaction.postings]
    return *transaction.order, transaction.kind, lines
