"""Months and business days: Asia/Shanghai, which has been UTC+08:00 without change since 1992."""

from datetime import UTC, date, datetime, timedelta, timezone

from ledger.errors import FormError

SHANGHAI = timezone(timedelta(hours=8))
FIRST_YEAR, LAST_YEAR = 2000, 2099
_LAST_MS = int(datetime(LAST_YEAR + 1, 1, 1, tzinfo=SHANGHAI).timestamp()) * 1000 - 1


def parse_time(text: str) -> datetime:
    """Return a moment given as ISO 8601 to the second with an offset.

    Raises:
        FormError: Another form, no offset, or outside the years 2000 to 2099.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or len(text) not in (20, 25) or text[10] != "T":
        raise FormError("time", "YYYY-MM-DDThh:mm:ss+08:00", text)
    try:
        local = moment.astimezone(SHANGHAI)
    except OverflowError:  # before the year 1 or after 9999
        local = moment
    if not FIRST_YEAR <= local.year <= LAST_YEAR:
        raise FormError("time", f"a year from {FIRST_YEAR} to {LAST_YEAR}", text)
    return local


def service_month(text: str) -> str:
    """Return the month of the Shanghai date of a settlement time.

    Example:
        >>> service_month("2017-03-31T16:30:00+00:00")
        '2017-04'
    """
    return parse_time(text).strftime("%Y-%m")


def shanghai_day(at_ms: int) -> str:
    """Return the Shanghai date of POSIX milliseconds, YYYY-MM-DD.

    Whatever lies beyond 2099 (an entry may claim any time) counts as its last day.
    """
    moment = datetime.fromtimestamp(min(at_ms, _LAST_MS) / 1000, UTC)
    return moment.astimezone(SHANGHAI).strftime("%Y-%m-%d")


def shanghai_midnight(at_ms: int) -> int:
    """Return the POSIX milliseconds at which the Shanghai date changes next.

    Example:
        >>> shanghai_midnight(0), shanghai_midnight(57_600_000)
        (57600000, 144000000)
    """
    offset, day = 8 * 3_600_000, 24 * 3_600_000
    return (at_ms + offset) // day * day + day - offset


def check_day(text: str) -> str:
    """Return `text` if it is a date YYYY-MM-DD; raises FormError otherwise."""
    try:
        good = date.fromisoformat(text).isoformat() == text
    except ValueError:
        good = False
    if not good or not FIRST_YEAR <= int(text[:4]) <= LAST_YEAR:
        raise FormError("day", "YYYY-MM-DD", text)
    return text


def shift_day(day: str, days: int) -> str:
    """Return the date so many days later, or earlier if below zero.

    Example:
        >>> shift_day("2017-03-01", -1)
        '2017-02-28'
    """
    return (date.fromisoformat(day) + timedelta(days)).isoformat()


def days_between(first: str, last: str) -> list[str]:
    """Return all days from `first` to `last`, both included; empty if `last` is earlier."""
    count = (date.fromisoformat(last) - date.fromisoformat(first)).days + 1
    return [shift_day(first, number) for number in range(count)]


def check_month(text: str) -> str:
    """Return `text` if it is a month YYYY-MM; raises FormError otherwise."""
    digits = text[:4] + text[5:]
    good = len(text) == 7 and text[4] == "-" and digits.isascii() and digits.isdigit()
    if not good or not FIRST_YEAR <= int(text[:4]) <= LAST_YEAR or not 1 <= int(text[5:]) <= 12:
        raise FormError("month", "YYYY-MM", text)
    return text


def next_month(month: str) -> str:
    """Return the month after.

    Example:
        >>> next_month("2017-12")
        '2018-01'
    """
    return _shift(month, 1)


def previous_month(month: str) -> str:
    """Return the month before."""
    return _shift(month, -1)


def months_between(first: str, last: str) -> list[str]:
    """Return all months from `first` to `last`, both included; empty if `last` is earlier."""
    months = []
    while first <= last:
        months.append(first)
        first = next_month(first)
    return months


def _shift(month: str, by: int) -> str:
    count = int(month[:4]) * 12 + int(month[5:]) - 1 + by
    return f"{count // 12:04d}-{count % 12 + 1:02d}"
