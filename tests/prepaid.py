"""Prepayments in the networks of tests: quotas given, demands made, money moved."""

from collections.abc import Mapping

from settlement import lookup
from settlement.adjustment import given_quota
from settlement.party import CENTRE
from settlement.quota import rows_of
from settlement.record import Demand, DemandRow, Draw, Paid, Received, Returned
from tests.network import Logs

DUE = "2017-02-28"
BANK = "2017-02-20"


def give_quotas(logs: Logs, pairs: Mapping[tuple[str, str], int], year: int = 2017) -> str | None:
    """Let the centre give quotas by hand; return the void code or None."""
    record = given_quota(logs.store, year, rows_of(pairs), "a new network", logs.size(CENTRE))
    return logs.add(CENTRE, record)


def demand_of(
    logs: Logs, month: str, pairs: Mapping[tuple[str, str], int], due: str = DUE
) -> Demand:
    """Return a yearly demand with these rows."""
    first = lookup.last_row(logs.store, month) + 1
    rows = [DemandRow(n, d, c, fen) for n, ((d, c), fen) in enumerate(sorted(pairs.items()), first)]
    return Demand(month, "yearly", rows, due, logs.cut(), "", [])


def urgent(
    logs: Logs, month: str, debtor: str, creditor: str, fen: int, reason: str = ""
) -> Demand:
    """Return an urgent demand."""
    number = lookup.last_row(logs.store, month) + 1
    return Demand(month, "urgent", [DemandRow(number, debtor, creditor, fen)], DUE, [], reason, [])


def sent(purpose: str, month: str, number: int, payee: str, fen: int, attempt: int = 1) -> Paid:
    """Return the entry of whoever sent money."""
    return Paid(purpose, month, number, attempt, payee, fen, f"B{attempt}", BANK, [])


def came(purpose: str, month: str, number: int, payer: str, fen: int, attempt: int = 1) -> Received:
    """Return the entry of whoever got it."""
    return Received(purpose, month, number, attempt, payer, fen, f"B{attempt}", BANK, [])


def back(purpose: str, month: str, number: int, payee: str, attempt: int = 1) -> Returned:
    """Return the entry that the bank has returned it."""
    return Returned(purpose, month, number, attempt, payee, f"R{attempt}", BANK, "closed", [])


def drawn(month: str, leg: int, debtor: str, fen: int, arrears: int = 0) -> Draw:
    """Return the entry that an overdue leg was taken from a prepayment."""
    return Draw(month, leg, debtor, fen, arrears, "2017-04-15", "2017-04-16", [])


def prepay(logs: Logs, debtor: str, creditor: str, fen: int, month: str = "2017-01") -> None:
    """Give a quota, demand all of it, and let it be paid and arrive."""
    assert give_quotas(logs, {(debtor, creditor): fen}, int(month[:4])) is None
    assert logs.add(CENTRE, demand_of(logs, month, {(debtor, creditor): fen})) is None
    assert logs.add(debtor, sent("prepayment", month, 1, creditor, fen)) is None
    assert logs.add(creditor, came("prepayment", month, 1, debtor, fen)) is None
