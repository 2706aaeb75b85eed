"""What has been prepaid, counted from single entries: for the oracle, slow on purpose.

A creditor's own log says what it holds: received, plus what late money fills up again, less what
was drawn and what was given back. A debtor has prepaid as much, and what is on its way back to it
besides. Nothing is shared with `settlement.prepayment` or the books.
"""

from collections import Counter
from collections.abc import Iterator

from node.simulation.naive import Pair
from settlement.record import Draw, Paid, Received, Record, Returned

Entries = list[tuple[str, int, Record]]
"""Author, index, record, in the order of each log; see `till.entries`."""

PURPOSES = ("prepayment", "prepayment_return")


def changes(found: Entries, creditor: str) -> Iterator[tuple[int, str, int]]:
    """Yield (index, debtor, fen) of every entry of a log that changes what its author holds."""
    given: dict[tuple[str, str, int, int], int] = {}
    drawn: dict[tuple[str, int], tuple[str, int]] = {}  # leg -> debtor, what is to be filled up
    for code, index, record in found:
        if code != creditor:
            continue
        if isinstance(record, Received) and record.purpose == "prepayment":
            yield index, record.payer, record.fen
        elif isinstance(record, Paid) and record.purpose == "prepayment_return":
            given[record.payee, record.month, record.number, record.attempt] = record.fen
            yield index, record.payee, -record.fen
        elif isinstance(record, Returned) and record.purpose == "prepayment_return":
            name = record.payee, record.month, record.number, record.attempt
            yield index, record.payee, given.pop(name)
        elif isinstance(record, Draw):
            drawn[record.month, record.leg] = record.debtor, record.drawn_fen
            yield index, record.debtor, -record.drawn_fen
        elif isinstance(record, Received) and (record.month, record.number) in drawn:
            debtor, left = drawn[record.month, record.number]
            if record.purpose == "clearing" and left:
                fen = min(left, record.fen)
                drawn[record.month, record.number] = debtor, left - fen
                yield index, debtor, fen


def held(found: Entries) -> dict[Pair, int]:
    """Return what every creditor holds, in fen, by (debtor, creditor)."""
    result: dict[Pair, int] = {}
    for creditor in sorted({code for code, _, _ in found}):
        for _, debtor, fen in changes(found, creditor):
            result[debtor, creditor] = result.get((debtor, creditor), 0) + fen
    return result


def overdrawn(found: Entries, creditor: str) -> list[str]:
    """Return the entries of a log after which less than nothing is held."""
    balances: Counter[str] = Counter()
    wrong = []
    for index, debtor, fen in changes(found, creditor):
        balances[debtor] += fen
        if balances[debtor] < 0:
            wrong.append(f"{creditor} #{index}: {balances[debtor]} fen are held of {debtor}")
    return wrong


Payments = Counter[tuple[str, str, str, str, int, int]]
"""How often so much was paid: purpose, payer, payee, month, row, fen."""


def sent_and_came(found: Entries) -> tuple[Payments, Payments]:
    """Return what was sent for prepayments and not returned by the bank, and what arrived."""
    sent: dict[tuple[str, str, str, str, int, int], int] = {}
    came: Payments = Counter()
    for code, _, record in found:
        if isinstance(record, Paid) and record.purpose in PURPOSES:
            sent[_sending(code, record)] = record.fen
        elif isinstance(record, Returned) and record.purpose in PURPOSES:
            del sent[_sending(code, record)]
        elif isinstance(record, Received) and record.purpose in PURPOSES:
            came[record.purpose, record.payer, code, record.month, record.number, record.fen] += 1
    return Counter((*name[:5], fen) for name, fen in sent.items()), came


def _sending(code: str, record: Paid | Returned) -> tuple[str, str, str, str, int, int]:
    return record.purpose, code, record.payee, record.month, record.number, record.attempt


def faults(found: Entries) -> list[str]:
    """Return what does not fit in the prepayments of logs that are complete."""
    wrong = []
    for creditor in sorted({code for code, _, _ in found}):
        wrong += overdrawn(found, creditor)
    sent, came = sent_and_came(found)
    for purpose, payer, payee, month, row, fen in sorted(came - sent):
        wrong.append(f"{payee} got {fen} fen of {payer}, never sent: {purpose} {month}/{row}")
    return wrong


def prepaid(found: Entries) -> dict[Pair, int] | None:
    """Return what every debtor has prepaid, in fen, by (debtor, creditor).

    None: an arrival is here whose sending is not, so that the debtors' ends cannot be known.
    """
    sent, came = sent_and_came(found)
    if came - sent:
        return None
    result = held(found)
    for (purpose, payer, payee, _, _, fen), times in (sent - came).items():
        if purpose == "prepayment_return":
            result[payee, payer] = result.get((payee, payer), 0) + fen * times
    return result
