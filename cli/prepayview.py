"""Looking at prepayments: rows of demands, what is held, usage, statements."""

from datetime import date
from typing import Annotated, Any

import typer

from cli import prepaytables as tables
from cli.homes import Home, Json, OpenHome, open_home
from cli.moneyoptions import Creditor, Debtor, maybe_month, maybe_party
from cli.output import emit, guarded, name_of, say, talk
from ledger.errors import FormError, RefusedError
from node import heads
from node.clock import BusinessCalendar
from settlement.demand import rows as demanded_rows
from settlement.pairstatement import statement as pair_statement
from settlement.party import CENTRE
from settlement.prepayment import holdings
from settlement.prepayreport import (
    pair_states,
    row_report,
    statement_report,
    usage_of,
    usage_report,
)


def list_(
    home: Home,
    month: Annotated[
        str | None,
        typer.Option(
            "--month", help="only the demands of this month, YYYY-MM", callback=maybe_month
        ),
    ] = None,
    code: Annotated[
        str | None,
        typer.Option("--code", help="only rows of this participant", callback=maybe_party),
    ] = None,
    open_: Annotated[bool, typer.Option("--open", help="only what has not arrived")] = False,
    late: Annotated[
        bool, typer.Option("--late", help="only what is or was late; exit 1 if some is not paid")
    ] = False,
    as_json: Json = False,
) -> None:
    """List the rows of all demands: at a province its own, at the centre all."""

    def act() -> tuple[str | None, list[dict[str, Any]]]:
        with open_home(home) as opened:
            mine = code or (None if opened.config.code == CENTRE else opened.config.code)
            found = demanded_rows(opened.reader, heads.size_of(opened.reader, CENTRE))
            day = _today(opened)
            shown = [row_report(opened.reader, row, day) for row in found]
        return mine, [
            row
            for row in shown
            if mine in (None, row["debtor"], row["creditor"])
            and month in (None, row["month"])
            and (not open_ or row["state"] not in ("RECEIVED", "DECLINED"))
            and (not late or row["days_late"])
        ]

    mine, rows = guarded(act, as_json=as_json)
    if as_json:
        emit({"code": mine, "rows": rows})
    elif rows:
        title = say("Prepayments demanded", "预付金收付通知")
        tables.print_rows(f"{title}{', ' + name_of(mine) if mine else ''}", rows)
    else:
        talk().print(say("no such row", "没有符合条件的行"))
    raise typer.Exit(1 if late and any(row["overdue"] for row in rows) else 0)


def _today(opened: OpenHome) -> date:
    return date.fromisoformat(BusinessCalendar.parse(opened.config.business_date).today())


def show(
    home: Home,
    code: Annotated[
        str | None,
        typer.Argument(help="a participant (default: this node's)", callback=maybe_party),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what is held of each pair, and what was drawn, refilled, is owed and under way.

    At the centre without a code: what every treatment province holds.
    """

    def act() -> tuple[str, int | None, list[dict[str, Any]]]:
        with open_home(home) as opened:
            size = heads.size_of(opened.reader, CENTRE)
            year, found = pair_states(opened.reader, opened.founding, size)
            return code or opened.config.code, year, [pair.figures() for pair in found]

    mine, year, pairs = guarded(act, as_json=as_json)
    whole = mine == CENTRE
    as_debtor = [pair for pair in pairs if pair["debtor"] == mine]
    as_creditor = [pair for pair in pairs if pair["creditor"] == mine]
    if as_json:
        emit({"code": mine, "quota_year": year,
              "pairs": pairs if whole else [*as_debtor, *as_creditor]})  # fmt: skip
        return
    quotas = "" if year is None else say(f" (quotas of {year})", f"（{year} 年额度）")
    if whole:
        tables.print_totals(say("Held, yuan", "各省持有预付金（元）") + quotas, pairs)
        return
    paid_by = say("Paid ahead by", "预付方") + f" {name_of(mine)}{quotas}"
    held_by = say("Held by", "持有方") + f" {name_of(mine)}{quotas}"
    for title, other, found in ((paid_by, "creditor", as_debtor), (held_by, "debtor", as_creditor)):
        if found:
            tables.print_pairs(title, other, found)
    if not as_debtor and not as_creditor:
        talk().print(say("no prepayment", "没有预付金"))


def usage(
    home: Home,
    month: Annotated[
        str | None,
        typer.Argument(help="YYYY-MM (default: the last confirmed month)", callback=maybe_month),
    ] = None,
    code: Annotated[
        str | None,
        typer.Option("--code", help="only this participant's pairs", callback=maybe_party),
    ] = None,
    alerts: Annotated[bool, typer.Option("--alerts", help="only yellow and red")] = False,
    as_json: Json = False,
) -> None:
    """Show what a month cleared by what is held, and the alerts: yellow and red.

    At a province its own pairs; at the centre each treatment province as a whole, and all alerts.
    """

    def act() -> tuple[str, list[dict[str, Any]]]:
        with open_home(home) as opened:
            size = heads.size_of(opened.reader, CENTRE)
            found = usage_of(opened.reader, opened.founding, size)
            wanted = month or max(found, default=None)
            if wanted is None:
                raise RefusedError("STATE", "no month is confirmed yet")
            if wanted not in found:
                raise RefusedError("STATE", f"{wanted} is not confirmed")
            mine = code or opened.config.code
            rows = usage_report(found[wanted])
        return wanted, [row for row in rows if _shown(row, mine, alerts=alerts)]

    shown, rows = guarded(act, as_json=as_json)
    if as_json:
        emit({"month": shown, "usage": rows})
    elif rows:
        tables.print_usage(shown, rows)
    else:
        talk().print(say(f"{shown}: nothing to show", f"{shown}：没有可显示的内容"))


def _shown(row: dict[str, Any], mine: str, *, alerts: bool) -> bool:
    alert = row["level"] in ("yellow", "red")
    if alerts and not alert:
        return False
    if mine == CENTRE:
        return alert or row["debtor"] is None
    return mine in (row["debtor"], row["creditor"])


def statement(debtor: Debtor, creditor: Creditor, home: Home, as_json: Json = False) -> None:
    """Show every movement of a prepayment, seen from both ends. Exit 1 if they do not agree."""

    def act() -> dict[str, Any]:
        if debtor == creditor:
            raise FormError("creditor", "another province than the debtor", creditor)
        with open_home(home) as opened:
            rows = demanded_rows(opened.reader, heads.size_of(opened.reader, CENTRE))
            held = holdings(opened.reader, creditor)
            found = pair_statement(opened.reader, debtor, creditor, held, rows)
            return statement_report(found)

    value = guarded(act, as_json=as_json)
    agrees = not value["faults"] and value["difference_fen"] == 0
    if as_json:
        emit({"ok": agrees, **value})
    else:
        tables.print_statement(value)
    raise typer.Exit(0 if agrees else 1)
