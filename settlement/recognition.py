"""A confirmed batch in the books: what is owed by fund line, and what of it is to be remitted.

The sums of every pair are recognised by both, line by line. Then, by the model in force, they turn
into remittances: pair by pair, both directions of a pair against each other, or, through the hub,
all that a province owes and is owed into one position with the centre (a novation: the centre owes
and is owed the same). A line that runs against its remittance is set off in it.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from settlement.batch import Result
from settlement.booking import Sides, credit, debit
from settlement.chart import LINES
from settlement.journal import Posting
from settlement.party import CENTRE
from settlement.totals import Amounts


class Booked(NamedTuple):
    """One booking of a batch: what it is, whom it concerns, and what is posted."""

    kind: str
    debtor: str  # empty: the whole batch of one participant
    creditor: str
    sides: Sides


def recognised(result: Result) -> Iterator[Booked]:
    """Yield, for every pair of a batch, what the debtor owes and the creditor is owed, by line."""
    for (debtor, creditor), amounts in sorted(result.pairs.items()):
        owes, owed = [], []
        for line, fen in _by_line(amounts):
            owes += [debit(fen, "expense", part=line), credit(fen, "payable", creditor, line)]
            owed += [debit(fen, "receivable", debtor, line), credit(fen, "advance", part=line)]
        yield Booked("owed", debtor, creditor, {debtor: owes, creditor: owed})


def remittances(result: Result) -> Iterator[Booked]:
    """Yield how the sums of a batch turn into what is to be remitted, by the model in force."""
    if result.model == "net_hub":
        yield from _through_the_hub(result)
        return
    for (debtor, creditor), amounts in sorted(result.pairs.items()):
        if result.model == "gross_pair":
            yield _between(result.month, debtor, creditor, {(debtor, creditor): amounts})
        elif debtor < creditor or (creditor, debtor) not in result.pairs:
            both = ((debtor, creditor), (creditor, debtor))
            pairs = {pair: result.pairs[pair] for pair in both if pair in result.pairs}
            yield _between(result.month, debtor, creditor, pairs)


def _between(
    month: str, debtor: str, creditor: str, pairs: Mapping[tuple[str, str], Amounts]
) -> Booked:
    sides: Sides = {debtor: [], creditor: []}
    owes = 0
    for (one, two), amounts in pairs.items():
        sides[one] += _closed("payable", two, amounts)
        sides[two] += _closed("receivable", one, amounts)
        owes += amounts.fen if one == debtor else -amounts.fen
    return Booked("remit", debtor, creditor, {
        debtor: [*sides[debtor], _position(-owes, creditor, month)],
        creditor: [*sides[creditor], _position(owes, debtor, month)],
    })  # fmt: skip


def _through_the_hub(result: Result) -> Iterator[Booked]:
    centre: list[Posting] = []
    for code in sorted(result.nets):
        postings: list[Posting] = []
        for (debtor, creditor), amounts in sorted(result.pairs.items()):
            if code == debtor:
                postings += _closed("payable", creditor, amounts)
            elif code == creditor:
                postings += _closed("receivable", debtor, amounts)
        net = result.nets[code]
        yield Booked(
            "novation", code, "", {code: [*postings, _position(net, CENTRE, result.month)]}
        )
        centre.append(_position(-net, code, result.month))
    yield Booked("novation", CENTRE, "", {CENTRE: centre})


def _closed(head: str, other: str, amounts: Amounts) -> list[Posting]:
    sign = 1 if head == "payable" else -1
    return [debit(sign * fen, head, other, line) for line, fen in _by_line(amounts)]


def _position(fen: int, other: str, month: str) -> Posting:
    return debit(fen, "due_from" if fen > 0 else "due_to", other, month)


def _by_line(amounts: Amounts) -> list[tuple[str, int]]:
    return [(line, getattr(amounts, line)) for line in LINES if getattr(amounts, line)]
