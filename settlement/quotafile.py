"""Quotas as somebody gives them by hand: CSV with the columns debtor, creditor, amount (yuan)."""

from typing import NamedTuple

from ledger.errors import FormError
from settlement.csvfile import Sheet, read_csv
from settlement.money import parse_fen
from settlement.party import CENTRE, parties
from settlement.quota import rows_of
from settlement.record import PairAmount

COLUMNS = ("debtor", "creditor", "amount")
MAX_BYTES = 1_000_000
MAX_ROWS = 1_000


class _Line(NamedTuple):
    debtor: str
    creditor: str
    amount: str


def parse_quotas(data: bytes, name: str) -> list[PairAmount]:
    """Return the quotas of a file, by pair.

    Args:
        name: Of the file, for what is said about it.

    Raises:
        FormError: Not such a file; the message names line and column. No row, a row twice, a code
            that is no participant's, the same on both sides, or an amount not above zero.
    """
    if len(data) > MAX_BYTES:
        raise FormError(name, f"at most {MAX_BYTES} bytes", len(data))
    sheet: Sheet[_Line] = read_csv(data, COLUMNS, 40, _Line)
    for fault in sheet.faults:
        place = f"{name}, line {fault.line}" + (f", {fault.column}" if fault.column else "")
        raise FormError(place, fault.text.en, fault.value)
    if not 1 <= len(sheet.rows) <= MAX_ROWS:
        raise FormError(name, f"1 to {MAX_ROWS} rows below the header", len(sheet.rows))
    found: dict[tuple[str, str], int] = {}
    for number, line in sheet.rows:
        pair, fen = _row(line, f"{name}, line {number}")
        if pair in found:
            raise FormError(f"{name}, line {number}", "every pair once", " to ".join(pair))
        found[pair] = fen
    return rows_of(found)


def _row(line: _Line, place: str) -> tuple[tuple[str, str], int]:
    for column in ("debtor", "creditor"):
        code = getattr(line, column)
        if code not in parties() or code == CENTRE:
            raise FormError(f"{place}, {column}", "the code of a province", code)
    if line.debtor == line.creditor:
        raise FormError(f"{place}, creditor", "another province than the debtor", line.creditor)
    try:
        fen = parse_fen(line.amount)
    except FormError:
        fen = 0
    if fen <= 0:
        raise FormError(f"{place}, amount", "yuan above zero, such as 1234.56", line.amount)
    return (line.debtor, line.creditor), fen
