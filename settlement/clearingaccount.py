"""A participant's clearing account as its log has it: a statement for whoever reads camt.053.

What was sent is below zero, what arrived and what came back above. The statement ties out to the
log as a bank's does to the account: laid side by side they show what is entered and not booked.
"""

from datetime import date

from ledger.errors import FormError
from ledger.table import Reader
from settlement.bankstatement import Line, Statement, check_statement
from settlement.endtoend import EndToEnd, format_end_to_end, network_part
from settlement.expectation import entered
from settlement.lookup import entry_at
from settlement.matching import Expected
from settlement.party import party
from settlement.paymentfile import KIND
from settlement.record import Paid, Received, Returned


def account_name(network_id: bytes, code: str) -> str:
    """Return what the account is called; no bank has such a number."""
    return f"GONGZHANG-{network_part(network_id)}-{code}"


def clearing_statement(
    reader: Reader, network_id: bytes, code: str, first: str, last: str
) -> Statement:
    """Return the statement of some days; before its first entry the account has nothing.

    Raises:
        FormError: The days are none, or in no order.
    """
    try:
        good = date.fromisoformat(first) <= date.fromisoformat(last)
    except ValueError:
        good = False
    if not good:
        raise FormError("days", "YYYY-MM-DD, the first not after the last", f"{first}, {last}")
    lines = sorted(
        (_line(reader, network_id, code, item) for item in entered(reader, code)),
        key=lambda line: (line.booked, _index(line)),
    )
    opening = sum(line.fen for line in lines if line.booked < first)
    within = [line for line in lines if first <= line.booked <= last]
    closing = opening + sum(line.fen for line in within)
    name = account_name(network_id, code)
    return check_statement(Statement(name, 0, first, last, opening, closing, within))


def _index(line: Line) -> int:
    return int(line.reference.rpartition("-")[2])


def _line(reader: Reader, network_id: bytes, code: str, item: Expected) -> Line:
    assert item.entry is not None
    record = entry_at(reader, code, item.entry)[1]
    assert isinstance(record, Paid | Received | Returned)
    payer, payee = (item.other, code) if item.way == "in" else (code, item.other)
    name = EndToEnd(
        item.purpose, item.month, item.number, item.attempt, payer, payee,
        network_part(network_id),
    )  # fmt: skip
    returned = record.reason or "-" if isinstance(record, Returned) else ""
    return Line(
        booked=record.date,
        valued=record.date,
        fen=-item.fen if item.way == "out" else item.fen,
        reference=f"{code}-{item.entry}",  # the entry: the same bank number may stand for several
        end_to_end=format_end_to_end(name),
        counterparty=party(item.other).name_zh,
        remittance=f"{record.reference} {KIND[item.purpose]}",
        return_reason=returned[:35],
    )
