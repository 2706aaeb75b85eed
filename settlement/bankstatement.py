"""Statements of a bank account, whatever file they came in, and what has to be true of them.

A statement ties out by itself (opening + lines = closing) and to the one before it (same balance,
no day or number left out, none twice). Who takes a statement in checks both; nothing is guessed.
"""

import re
import unicodedata
from typing import Annotated

import msgspec

from ledger.encoding import Codec
from ledger.errors import FormError, RefusedError
from ledger.hashing import hash_bytes
from settlement.money import format_yuan
from settlement.period import shift_day
from settlement.record import Day, Fen, Part

MAX_LINES = 100_000
MAX_STATEMENTS = 1_000
MAX_TEXT = 500

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")

Short = Annotated[str, msgspec.Meta(max_length=140)]
Long = Annotated[str, msgspec.Meta(max_length=MAX_TEXT)]
Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]


class Line(Part, frozen=True):
    """One booking; money that came in is above zero, money that went out below."""

    booked: Day
    valued: Day
    fen: Fen
    reference: Short  # the bank's number (银行流水号); never empty
    end_to_end: Short = ""
    counterparty: Short = ""  # 对方户名
    counterparty_account: Short = ""
    remittance: Long = ""  # 附言
    batched: Count = 0  # how many payments it books together; 0 or 1: one
    return_reason: Short = ""  # why the bank sent it back; empty: it is no return
    fee: bool = False  # the bank's own charge

    @property
    def key(self) -> bytes:
        """What no two lines of an account share: the bank's number, day, amount, and the id.

        Some banks give all payments of a file one number; their ids tell them apart.
        """
        return Codec.encode(_Key(self.reference, self.booked, self.fen, self.end_to_end))


class _Key(Part, frozen=True):
    reference: str
    booked: str
    fen: int
    end_to_end: str


class Statement(Part, frozen=True):
    """What a bank says of one account for some days."""

    account: Short
    sequence: Count  # the bank's number of the statement; 0: it gives none
    first: Day
    last: Day
    opening_fen: Fen
    closing_fen: Fen
    lines: Annotated[list[Line], msgspec.Meta(max_length=MAX_LINES)]

    @property
    def digest(self) -> bytes:
        """The hash of everything it says."""
        return hash_bytes(Codec.encode(self))

    @property
    def name(self) -> str:
        """What to call it in messages: its days, and its number if it has one."""
        days = self.first if self.first == self.last else f"{self.first} to {self.last}"
        return f"{days} no. {self.sequence}" if self.sequence else days


class Before(Part, frozen=True):
    """What has to be known of the last statement of an account to take the next one."""

    sequence: Count
    last: Day
    closing_fen: Fen


def check_statement(statement: Statement) -> Statement:
    """Return a statement that ties out by itself.

    Raises:
        FormError: The days are in no order, a booking lies outside them or moves nothing, two are
            the same, or opening + lines is not closing; the place is named.
    """
    name = f"statement {statement.name}"
    if statement.first > statement.last:
        raise FormError(f"{name} first day", f"not after {statement.last}", statement.first)
    if not statement.account:
        raise FormError(f"{name} account", "the account's number", "")
    seen: dict[bytes, int] = {}
    for number, line in enumerate(statement.lines, 1):
        place = f"{name} line {number}"
        if not statement.first <= line.booked <= statement.last:
            raise FormError(f"{place} booked", "a day of the statement", line.booked)
        if line.fen == 0:
            raise FormError(f"{place} amount", "an amount other than zero", "0.00")
        if not line.reference:
            raise FormError(f"{place} reference", "the bank's number", "")
        if line.key in seen:
            twice = f"another number, day, amount or id than line {seen[line.key]}"
            raise FormError(f"{place} reference", twice, line.reference)
        seen[line.key] = number
    computed = statement.opening_fen + sum(line.fen for line in statement.lines)
    if computed != statement.closing_fen:
        raise FormError(
            f"{name} closing balance",
            f"{format_yuan(computed)} (opening {format_yuan(statement.opening_fen)} and "
            f"{len(statement.lines)} lines)",
            format_yuan(statement.closing_fen),
        )
    return statement


def check_follows(before: Before | None, statement: Statement) -> None:
    """Check that a statement continues the one before it.

    Where both have the bank's numbers, these say whether one is missing: banks make no statement
    for days without a booking. Where they have none, no day may be missing.

    Raises:
        RefusedError: Days or a number are missing (GAP), are there already (OVERLAP), or the
            opening balance is not the last closing one (BALANCE).
    """
    if before is None:
        return
    name = f"statement {statement.name}"
    if statement.first <= before.last:
        raise RefusedError(
            "OVERLAP", f"{name} begins at {statement.first}; taken in up to {before.last}"
        )
    if statement.sequence and before.sequence:
        _check_numbers(before, statement)
    elif statement.first != shift_day(before.last, 1):
        missing = f"{shift_day(before.last, 1)} to {shift_day(statement.first, -1)}"
        raise RefusedError("GAP", f"{name}: the statement of {missing} is missing")
    if statement.opening_fen != before.closing_fen:
        raise RefusedError(
            "BALANCE",
            f"{name} opens with {format_yuan(statement.opening_fen)}; "
            f"the one before closed with {format_yuan(before.closing_fen)}",
        )


def _check_numbers(before: Before, statement: Statement) -> None:
    expected = {before.sequence + 1}
    if statement.first[:4] != before.last[:4]:
        expected.add(1)  # many banks begin again each year
    if statement.sequence in expected:
        return
    shown = " or ".join(str(number) for number in sorted(expected, reverse=True))
    code = "GAP" if statement.sequence > before.sequence else "OVERLAP"
    raise RefusedError(
        code, f"statement {statement.name}: expected no. {shown} after no. {before.sequence}"
    )


def entry_reference(reference: str) -> str:
    """Return how an entry names a bank's number: as it is, or by its hash.

    Entries take 1 to 64 letters, digits, dots, dashes and underscores; a few banks write more.

    Example:
        >>> entry_reference("20170415-0012")
        '20170415-0012'
    """
    if _NAME.fullmatch(reference):
        return reference
    return "sha256-" + hash_bytes(reference.encode()).hex()[:32]


def account_number(text: str) -> str:
    """Return an account's number without the spaces by which people group its digits."""
    return "".join(text.split())


def clean(text: str) -> str:
    """Return a text of a bank as it is kept: one line, single spaces, NFC; nothing unprintable."""
    flat = " ".join(unicodedata.normalize("NFC", text).split())
    return "".join(character for character in flat if character.isprintable())
