"""Working days in China: weekends, the holidays of a year, and the weekend days worked for them.

Every autumn the State Council's office says which days of the next year are off and which weekend
days are worked instead (调休). Such a notice is one TOML file per year in `configs/holidays/`:

    name = "china-2017"   year = 2017
    source = "国办发明电〔2016〕17号"   certainty = "corroborated"
    [[holiday]]
    name_zh = "国庆节"   name_en = "National Day"
    first = 2017-10-01   last = 2017-10-08   worked = [2017-09-30]

A table may come into force by an entry of the centre's log, see `record.Holidays`. What a notice
does not name is worked from Monday to Friday. A year without a table is refused, never guessed.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Annotated

import msgspec

from ledger.errors import FormError, RefusedError
from settlement.period import FIRST_YEAR, LAST_YEAR
from settlement.record import Name
from settlement.ruleset import Certainty

MAX_TEXT = 20_000
MAX_HOLIDAYS = 30
MAX_SPAN_DAYS = 40
DAY = timedelta(days=1)

ShortText = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class Holiday(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One holiday of a notice: off from `first` to `last`, and the weekend days `worked` for it."""

    name_zh: ShortText
    name_en: ShortText
    first: date
    last: date
    worked: list[date] = []

    def __post_init__(self) -> None:
        """Check the order of the days; a decoder reports a ValueError as bad form."""
        span = (self.last - self.first).days
        if not 0 <= span < MAX_SPAN_DAYS:
            raise ValueError(f"first, last: 1 to {MAX_SPAN_DAYS} days ({self.name_en})")
        if any(day.weekday() < 5 for day in self.worked):
            raise ValueError(f"worked: Saturdays and Sundays ({self.name_en})")

    @property
    def days(self) -> list[date]:
        """All days off, weekends among them."""
        return [self.first + n * DAY for n in range((self.last - self.first).days + 1)]


class Holidays(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """The holidays of one year, as a notice states them."""

    name: Name
    year: Annotated[int, msgspec.Meta(ge=FIRST_YEAR, le=LAST_YEAR)]
    source: str
    certainty: Certainty
    holiday: Annotated[list[Holiday], msgspec.Meta(max_length=MAX_HOLIDAYS)]

    def __post_init__(self) -> None:
        """Check that every day is of the year and is said once."""
        said = [day for holiday in self.holiday for day in (*holiday.days, *holiday.worked)]
        if any(day.year != self.year for day in said):
            raise ValueError(f"holiday: days of {self.year}")
        if len(set(said)) != len(said):
            twice = min(day for day in said if said.count(day) > 1)
            raise ValueError(f"holiday: every day once, not {twice}")

    @cached_property
    def off(self) -> dict[date, Holiday]:
        """Every day off that a holiday names, with the holiday."""
        return {day: holiday for holiday in self.holiday for day in holiday.days}

    @cached_property
    def worked(self) -> frozenset[date]:
        """The weekend days that are worked."""
        return frozenset(day for holiday in self.holiday for day in holiday.worked)


def parse_holidays(text: bytes) -> Holidays:
    """Return the table of a TOML file.

    Raises:
        FormError: Too long, not UTF-8, not TOML, a key is unknown, missing or out of range, a day
            lies outside the year or is said twice; the message names the key.
    """
    if len(text) > MAX_TEXT:
        raise FormError("holidays", f"at most {MAX_TEXT} bytes", len(text))
    try:
        return msgspec.convert(tomllib.loads(text.decode("utf-8")), Holidays)
    except UnicodeDecodeError:
        raise FormError("holidays", "UTF-8") from None
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise FormError("holidays", "a table of holidays in TOML", str(error)) from None


@dataclass(frozen=True)
class Workdays:
    """Counting working days over the tables of some years.

    Every method raises RefusedError (NO_HOLIDAYS) when it comes to a year without a table.
    """

    tables: Mapping[int, Holidays]

    def works(self, day: date) -> bool:
        """Return whether a day is worked.

        Example:
            >>> workdays.works(date(2017, 9, 30))  # a Saturday, worked for the National Day
            True
        """
        table = self._table(day)
        return day in table.worked or (day.weekday() < 5 and day not in table.off)

    def holiday_on(self, day: date) -> Holiday | None:
        """Return the holiday on a day off; None for a working day or a plain weekend."""
        return self._table(day).off.get(day)

    def on_or_after(self, day: date) -> date:
        """Return the day itself if it is worked, else the next working day."""
        while not self.works(day):
            day += DAY
        return day

    def add(self, day: date, count: int) -> date:
        """Return the `count`-th working day after a day; with 0, see `on_or_after`.

        Law: a larger count gives a later day, and the result is always a working day.

        Example:
            >>> workdays.add(date(2017, 9, 29), 2)  # a Friday; then comes a worked Saturday
            datetime.date(2017, 10, 9)
        """
        assert count >= 0
        found = self.on_or_after(day) if count == 0 else day
        for _ in range(count):
            found = self.on_or_after(found + DAY)
        return found

    def _table(self, day: date) -> Holidays:
        if day.year not in self.tables:
            text = f"no table of holidays of {day.year} is known; see `gongzhang roster holidays`"
            raise RefusedError("NO_HOLIDAYS", text)
        return self.tables[day.year]
