"""Time and randomness: the only place in `node` that asks the machine for either."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from ledger.errors import FormError
from settlement.period import shanghai_day


def wall_ms() -> int:
    """Return POSIX milliseconds; informative only, no rule of validity reads them."""
    return time.time_ns() // 1_000_000


def random_bytes(count: int) -> bytes:
    """Return random bytes from the operating system, for salts and nonces."""
    return os.urandom(count)


@dataclass(frozen=True)
class BusinessCalendar:
    """The business date: Asia/Shanghai now, or a fixed one for rehearsals."""

    fixed: str | None = None
    now_ms: Callable[[], int] = wall_ms

    @classmethod
    def parse(cls, value: str) -> "BusinessCalendar":
        """Return the calendar for `system` or a date such as `2018-01-05`."""
        if value == "system":
            return cls()
        parts = value.split("-")
        if (
            len(value) != 10
            or [len(p) for p in parts] != [4, 2, 2]
            or not value.replace("-", "").isdigit()
        ):
            raise FormError("business_date", "`system` or YYYY-MM-DD", value)
        return cls(value)

    def on(self, at_ms: int) -> str:
        """Return the business date at a time in POSIX milliseconds."""
        return self.fixed or shanghai_day(at_ms)

    def today(self) -> str:
        """Return the business date, YYYY-MM-DD."""
        return self.fixed or shanghai_day(self.now_ms())
