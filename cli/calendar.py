"""`gongzhang calendar`: what is due when, by which rule, and who has done it or owes it."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from cli.calendarpage import Row, print_calendar
from cli.homes import Json, open_home
from cli.output import emit, guarded
from cli.rulefile import read_ruleset
from ledger.errors import FormError
from node import heads
from node.clock import BusinessCalendar
from settlement.basis import Basis, basis_at
from settlement.party import CENTRE
from settlement.period import check_month
from settlement.ruleset import parse_ruleset
from settlement.schedule import Due, month_schedule
from settlement.timeliness import Progress, lateness, month_progress

Month = tuple[str, Basis, list[Progress] | list[Due]]


def calendar(
    period: Annotated[str, typer.Argument(metavar="MONTH", help="YYYY-MM, or YYYY for all of it")],
    home: Annotated[
        Path | None,
        typer.Option("--home", help="whose logs say what is done", envvar="GONGZHANG_HOME"),
    ] = None,
    ruleset: Annotated[
        str | None, typer.Option("--ruleset", help="these rules: a file, or a name that comes here")
    ] = None,
    today: Annotated[
        str | None, typer.Option("--date", help="as of this day (default: the business date)")
    ] = None,
    late: Annotated[
        bool, typer.Option("--late", help="only what is late; exit 1 if some of it is not done")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show the due dates of a month: what, who owes it, how far it is, and by which rule.

    Without --home the bare dates of --ruleset. A month's calendar holds what leads to its clearing,
    and the steps of the year that are due in the month in which it is cleared.
    """

    def act() -> tuple[list[Month], str | None]:
        if home is not None:
            return _at_home(home, _months(period), ruleset, today)
        if ruleset is None or late or today is not None:
            raise FormError("--home", "a node's home, or --ruleset without --late and --date")
        return _bare(_months(period), ruleset), None

    months, day = guarded(act, as_json=as_json)
    rows = [row for month in months for row in _rows(month)]
    open_late = [row for row in rows if row.get("days_late") and row["state"] != "done"]
    shown = [row for row in rows if _is_late(row)] if late else rows
    if as_json:
        emit({"period": period, "date": day, **_sources(months), "steps": shown})
    else:
        print_calendar(period, day, _sources(months), shown)
    raise typer.Exit(1 if late and open_late else 0)


def _months(period: str) -> list[str]:
    if len(period) == 4:
        return [check_month(f"{period}-{n:02d}") for n in range(1, 13)]
    return [check_month(period)]


def _bare(months: Sequence[str], ruleset: str) -> list[Month]:
    basis = Basis(parse_ruleset(read_ruleset(ruleset)))
    return [(month, basis, month_schedule(basis.rules, month, basis.workdays)) for month in months]


def _at_home(
    home: Path, months: Sequence[str], ruleset: str | None, today: str | None
) -> tuple[list[Month], str]:
    rules = None if ruleset is None else parse_ruleset(read_ruleset(ruleset))
    with open_home(home) as opened:
        day = BusinessCalendar.parse(today or opened.config.business_date).today()
        on = _date(day)
        size = heads.size_of(opened.reader, CENTRE)
        found: list[Month] = []
        for month in months:
            basis = basis_at(opened.reader, month, size, rules)
            steps = month_progress(opened.reader, opened.founding, month, on, basis, size)
            found.append((month, basis, steps))
    return found, day


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise FormError("business date", "a day that exists", text) from None


# --- rows, as --json prints them ----------------------------------------------------------------


def _rows(month: Month) -> list[Row]:
    name, _, steps = month
    rows = [_due(step) if isinstance(step, Due) else _progress(step) for step in steps]
    return [{"month": name, **row} for row in rows]


def _due(due: Due) -> Row:
    step = due.step
    return {
        "event": step.event,
        "about": due.about,
        "actor": step.actor,
        "only": step.only,
        "due": _iso(due.day),
        "planned": due.planned,
        "moved_from": _iso(due.moved_from),
        "holiday": (
            {"zh": due.holiday.name_zh, "en": due.holiday.name_en} if due.holiday else None
        ),
        "rule": {"anchor": step.anchor, "offset": step.offset, "unit": step.unit},
        "if_late": step.late,
        "source": step.source,
        "certainty": step.certainty,
    }


def _progress(step: Progress) -> Row:
    return {
        **_due(step.due),
        "state": step.state,
        "days_late": step.days_late,
        "waits_for": step.waits_for or None,
        "owing": list(step.owing),
        "missed": list(step.missed),
        "done": [
            {"code": d.place.code, "index": d.place.index, "date": _iso(d.day),
             "days_late": d.days_late}
            for d in step.done
        ],
        "late": [
            {"code": item.code, "days": item.days, "done": item.done} for item in lateness([step])
        ],
    }  # fmt: skip


def _is_late(row: Row) -> bool:
    return bool(row["late"] or row["days_late"])


def _sources(months: Sequence[Month]) -> Row:
    """Return the rule sets and tables of holidays that were used, and where each is from."""
    rulesets: dict[str, Row] = {}
    tables: dict[int, Row] = {}
    for _, basis, steps in months:
        rules = basis.rules
        late = rules.late and {
            "closes": rules.late.closes, "source": rules.late.source,
            "certainty": rules.late.certainty,
        }  # fmt: skip
        rulesets[rules.name] = {
            "name": rules.name, "entry": basis.rules_index, "late_entries": late,
            "deadlines": {
                "on_holiday": rules.deadlines.on_holiday, "source": rules.deadlines.source,
                "certainty": rules.deadlines.certainty,
            },
        }  # fmt: skip
        dues = [step if isinstance(step, Due) else step.due for step in steps]
        years = {day.year for due in dues for day in (due.day, due.moved_from) if day}
        for year in years & basis.tables.keys():
            found, index = basis.tables[year], basis.recorded.get(year, (None, None))[0]
            tables[year] = {
                "year": year, "name": found.name, "source": found.source,
                "certainty": found.certainty, "entry": index,
            }  # fmt: skip
    return {"rulesets": list(rulesets.values()), "holidays": [tables[y] for y in sorted(tables)]}


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
