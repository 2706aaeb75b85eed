"""The bank accounts of the participants, as the treasury keeps them in a file of its own.

    code,name,account,bank,bic,cnaps
    630000,青海省省级财政专户,6300000000000001,示例银行西宁分行,,105851000012

Account numbers never go into a log. `cnaps` is the bank's 12-digit number (行号), `bic` its ISO
9362 code; one of the two is needed. UTF-8 or GB18030, every participant once.
"""

import re
import unicodedata
from typing import NamedTuple

from ledger.errors import FormError
from settlement.csvfile import read_csv
from settlement.party import party

COLUMNS = ("code", "name", "account", "bank", "bic", "cnaps")
MAX_NAME = 70
MAX_ROWS = 1_000

_ACCOUNT = re.compile(r"[A-Za-z0-9-]{5,34}")
_BIC = re.compile(r"([A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?)?")
_CNAPS = re.compile(r"([0-9]{12})?")


class Account(NamedTuple):
    """Where a participant's money is."""

    code: str
    name: str  # 户名
    account: str  # 账号
    bank: str  # 开户行
    bic: str
    cnaps: str  # 行号


def parse_accounts(data: bytes) -> dict[str, Account]:
    """Return the accounts of a file by participant.

    Raises:
        FormError: The file has a fault; line and column are named with what was expected.
    """
    sheet = read_csv(data, COLUMNS, 140, Account)
    for fault in sheet.faults:
        raise FormError(f"accounts line {fault.line} {fault.column}", fault.text.en, fault.value)
    if len(sheet.rows) > MAX_ROWS:
        raise FormError("accounts", f"at most {MAX_ROWS} rows", len(sheet.rows))
    found: dict[str, Account] = {}
    numbers: set[str] = set()
    for line, row in sheet.rows:
        _check(f"accounts line {line}", row)
        if row.code in found:
            raise FormError(f"accounts line {line} code", "every participant once", row.code)
        if row.account in numbers:
            raise FormError(f"accounts line {line} account", "every account once", row.account)
        numbers.add(row.account)
        found[row.code] = row
    return found


def account_of(accounts: dict[str, Account], code: str) -> Account:
    """Return the account of a participant; raises FormError if the file has none."""
    if code not in accounts:
        raise FormError("accounts", f"a row for {code}", "none")
    return accounts[code]


def _check(place: str, row: Account) -> None:
    party(row.code)
    for column, text in (("name", row.name), ("bank", row.bank)):
        good = 0 < len(text) <= MAX_NAME and text.isprintable()
        if not good or unicodedata.normalize("NFC", text) != text:
            raise FormError(f"{place} {column}", f"1 to {MAX_NAME} printable characters", text)
    for column, pattern, text, expected in (
        ("account", _ACCOUNT, row.account, "5 to 34 letters, digits or dashes"),
        ("bic", _BIC, row.bic, "8 or 11 capitals and digits, or nothing"),
        ("cnaps", _CNAPS, row.cnaps, "12 digits, or nothing"),
    ):
        if pattern.fullmatch(text) is None:
            raise FormError(f"{place} {column}", expected, text)
    if not (row.bic or row.cnaps):
        raise FormError(f"{place} cnaps", "the bank's BIC or its 12-digit number", "neither")
