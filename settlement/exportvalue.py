"""One value of a business export: text, or a typed cell of a workbook."""

import re
from datetime import date, datetime
from decimal import Decimal

from settlement.casefile import MAX_FIELD
from settlement.period import SHANGHAI
from settlement.record import MAX_FEN
from settlement.workbook import Value

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_YUAN = re.compile(r"(-?)(0|[1-9][0-9]{0,13})(?:\.([0-9]{1,2}))?")
_DECIMALS = re.compile(r"-?[0-9]{1,14}\.[0-9]{3,40}")
_DATE = re.compile(
    r"(20[0-9]{2})([-/])([0-9]{1,2})\2([0-9]{1,2})"
    r"(?:[ T][0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?)?"
)
_COMPACT = re.compile(r"(20[0-9]{2})([0-9]{2})([0-9]{2})(?:[0-9]{6})?")


class ValueFaultError(Exception):
    """A value is not what its column must hold; `code` is one of `business.FAULTS`."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


def amount_of(value: Value) -> int:
    """Return the fen of an amount: text, or the number of a workbook's cell.

    A number is taken as the shortest decimal that means it, so 171239.2 is 17,123,920 fen and
    0.1 + 0.2 has too many decimals.

    Raises:
        ValueFaultError: DECIMALS, or AMOUNT for anything else.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = format(Decimal(repr(value)), "f") if abs(value) < 1e15 else ""
    text = value.strip() if isinstance(value, str) else ""
    match = _YUAN.fullmatch(text)
    if match is None:
        raise ValueFaultError("DECIMALS" if _DECIMALS.fullmatch(text) else "AMOUNT")
    fen = int(match[2]) * 100 + int((match[3] or "").ljust(2, "0"))
    if fen > MAX_FEN:
        raise ValueFaultError("AMOUNT")
    return -fen if match[1] else fen


def text_of(value: Value) -> str:
    """Return a text; raises ValueFaultError for what is too long or no text (LENGTH, ID, DIGITS).

    A whole number is its digits: columns of codes are often typed as numbers. Beyond fifteen digits
    a workbook no longer has the number that was typed.
    """
    if isinstance(value, str):
        text = value.strip()
    elif isinstance(value, int | float) and not isinstance(value, bool):
        if not abs(value) < 10**15:
            raise ValueFaultError("DIGITS")
        text = str(int(value)) if value == int(value) else repr(value)
    else:
        raise ValueFaultError("ID")
    if len(text) > MAX_FIELD:
        raise ValueFaultError("LENGTH")
    return text


def id_of(value: Value) -> str:
    """Return an id; raises ValueFaultError (ID, or as `text_of`)."""
    text = text_of(value)
    if not _ID.fullmatch(text):
        raise ValueFaultError("ID")
    return text


def optional_id_of(value: Value) -> str:
    """Return an id or nothing; raises as `id_of`."""
    return id_of(value) if text_of(value) else ""


def flag_of(value: Value) -> str:
    """Return 0, 1 or nothing; raises ValueFaultError (FLAG, or as `text_of`)."""
    text = str(int(value)) if isinstance(value, bool) else text_of(value)
    if text not in ("", "0", "1"):
        raise ValueFaultError("FLAG")
    return text


def area_of(value: Value) -> str:
    """Return a six-digit area or nothing; raises ValueFaultError (AREA, or as `text_of`)."""
    text = text_of(value)
    if text and not (len(text) == 6 and text.isascii() and text.isdigit()):
        raise ValueFaultError("AREA")
    return text


def day_of(value: Value) -> str:
    """Return the Shanghai date, YYYY-MM-DD, of a date or time, or nothing.

    A time without an offset is Shanghai time.

    Raises:
        ValueFaultError: DATE, or as `text_of`.
    """
    if isinstance(value, datetime | date):
        day = value.strftime("%Y-%m-%d")
    else:
        text = text_of(value)
        if not text:
            return ""
        day = _moment(text) or _written(text)
    if not day.startswith("20"):
        raise ValueFaultError("DATE")
    return day


def _moment(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(SHANGHAI).strftime("%Y-%m-%d") if moment.tzinfo else ""
    except (ValueError, OverflowError):
        return ""


def _written(text: str) -> str:
    match = _DATE.fullmatch(text) or _COMPACT.fullmatch(text)
    try:
        numbers = [int(part) for part in match.groups() if part.isdigit()] if match else []
        return date(*numbers).isoformat() if numbers else ""
    except ValueError:
        return ""
