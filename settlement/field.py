"""Single fields that come from outside: each is what it must be, or a FormError names it."""

import re
import unicodedata
from collections.abc import Iterable
from datetime import date
from typing import Any

from ledger.errors import FormError
from settlement.party import province_of
from settlement.record import MAX_FEN

NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
NAME_TEXT = "1 to 64 letters, digits, dot, dash or underscore"


def text(place: str, value: Any, pattern: re.Pattern[str], expected: str) -> str:
    """Return a text all of which matches `pattern`; raises FormError for anything else."""
    if not isinstance(value, str) or pattern.fullmatch(value) is None:
        raise FormError(place, expected, value)
    return value


def name(place: str, value: Any) -> str:
    """Return an id or a code of 1 to 64 plain characters; raises FormError otherwise."""
    return text(place, value, NAME, NAME_TEXT)


def words(place: str, value: Any, longest: int, *, empty: bool = False) -> str:
    """Return what a person wrote on one line, as NFC.

    Raises:
        FormError: No text, longer than `longest` characters, a control character in it, blank at
            an end, or nothing at all unless `empty` allows it.
    """
    expected = f"{0 if empty else 1} to {longest} characters on one line, no blank at the ends"
    if not isinstance(value, str) or (not value and not empty) or len(value) > 4 * longest:
        raise FormError(place, expected, value)
    plain = unicodedata.normalize("NFC", value)
    if len(plain) > longest or plain != plain.strip() or not plain.isprintable():
        raise FormError(place, expected, value)
    return plain


def day(place: str, value: Any, first_year: int = 2000) -> str:
    """Return a date YYYY-MM-DD that is in the calendar; raises FormError for anything else."""
    try:
        good = len(value) == 10 and first_year <= date.fromisoformat(value).year <= 2099
    except (TypeError, ValueError):
        good = False
    if not good:
        raise FormError(place, f"a date YYYY-MM-DD from {first_year} to 2099", value)
    return str(value)


def whole(place: str, value: Any, low: int = 0, high: int = MAX_FEN) -> int:
    """Return a whole number from `low` to `high`; raises FormError for anything else."""
    if type(value) is not int or not low <= value <= high:
        raise FormError(place, f"a whole number from {low} to {high}", value)
    return value


def area(place: str, value: Any) -> str:
    """Return six digits in the area of a province; raises FormError for anything else."""
    try:
        province_of(value)
    except (FormError, TypeError):
        raise FormError(place, "six digits in the area of a province", value) from None
    return str(value)


def listed(place: str, value: Any, most: int) -> list[Any]:
    """Return a list of at most `most` items; raises FormError for anything else."""
    if not isinstance(value, list | tuple) or len(value) > most:
        raise FormError(place, f"a list of at most {most}", value)
    return list(value)


def ascending(place: str, values: Iterable[str]) -> tuple[str, ...]:
    """Return texts in order; raises FormError if one stands there twice."""
    given = list(values)
    if len(set(given)) != len(given):
        raise FormError(place, "each one once", ", ".join(given))
    return tuple(sorted(given))
