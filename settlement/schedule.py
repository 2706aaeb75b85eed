"""The due dates of a month: what a rule set asks for, counted in days and working days.

The calendar of a month holds the steps that lead to its clearing. A step of the year belongs to the
month that is cleared when the step is due: the end of January to the calendar of December. So every
step of a rule set falls into exactly one calendar.

Steps whose anchor is the notice are counted from the day of the confirmation, or, before it exists,
from the day on which it is due: then the date is only planned.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from settlement.period import next_month
from settlement.ruleset import BASES, RuleSet, Step
from settlement.workdays import DAY, Holiday, Workdays


@dataclass(frozen=True)
class Due:
    """One step with its date.

    `day` is None for daily work. `moved_from` is the date as the rule says it, if it was a day off
    and the rule set moves such dates; `holiday` is then the holiday, or None for a weekend.
    """

    step: Step
    about: str  # the month or year that the step is about
    day: date | None
    planned: bool = False
    moved_from: date | None = None
    holiday: Holiday | None = None

    def late_by(self, day: date) -> int:
        """Return how many days `day` lies after the due date; 0 if it does not."""
        return 0 if self.day is None else max(0, (day - self.day).days)


def month_schedule(
    rules: RuleSet, month: str, workdays: Workdays, notice: date | None = None
) -> list[Due]:
    """Return the steps of the calendar of `month`: daily work first, then by date.

    Args:
        notice: The day of the confirmation; None if there is none yet.

    Raises:
        RefusedError: It takes a year whose holidays are not known (NO_HOLIDAYS).
    """
    found: dict[str, Due] = {}
    for step in sorted(rules.step, key=lambda step: step.anchor in BASES):
        if step.anchor == "day":
            found[step.event] = Due(step, month, None)
            continue
        known = notice if step.anchor == "notice" else None
        day = _counted(step, known or _base(step, month, found), workdays)
        if not _yearly(step) or day.strftime("%Y-%m") == next_month(month):
            planned = step.anchor == "notice" and notice is None
            found[step.event] = _moved(rules, step, month, day, workdays, planned=planned)
    return sorted(found.values(), key=lambda due: due.day or date.min)


def _base(step: Step, month: str, found: dict[str, Due]) -> date:
    # The day from which a step is counted.
    if step.anchor in BASES:
        day = found[BASES[step.anchor]].day
        assert day is not None
        return day
    first = _first(month if step.anchor == "service_month" else next_month(month))
    return first.replace(month=1) if _yearly(step) else first


def _counted(step: Step, base: date, workdays: Workdays) -> date:
    # A first day of a month or year is itself the first day; a day on which something was done
    # is not.
    before = base if step.anchor in BASES else base - DAY
    if step.unit == "day":
        return before + timedelta(days=step.offset)
    if step.unit == "working_day":
        return workdays.add(before, step.offset)
    months = base.year * 12 + base.month - 1 + step.offset
    return date(months // 12, months % 12 + 1, 1) - DAY


def _moved(
    rules: RuleSet, step: Step, month: str, day: date, workdays: Workdays, *, planned: bool
) -> Due:
    about = month
    if _yearly(step):
        about = str(day.year if step.anchor == "year" else day.year - 1)
    stays = rules.deadlines.on_holiday == "stay" or step.unit == "working_day"
    worked = day if stays else workdays.on_or_after(day)
    if worked == day:
        return Due(step, about, day, planned)
    return Due(step, about, worked, planned, day, workdays.holiday_on(day))


def _yearly(step: Step) -> bool:
    return step.anchor in ("year", "next_year")


def _first(month: str) -> date:
    return date(int(month[:4]), int(month[5:]), 1)
