"""`gongzhang leg`: the movements of money of a confirmed batch."""

import asyncio
from typing import Annotated, Any

import typer

from cli.homes import Home, Json, Month, OpenHome, open_home
from cli.output import emit, guarded, name_of, out, say, table, talk, yuan
from ledger.errors import RefusedError
from node.clock import BusinessCalendar
from node.config import load_config
from node.orders import order
from settlement.report import month_report

app = typer.Typer(no_args_is_help=True, help=say("Payments of a batch.", "批次资金划拨。"))

Leg = Annotated[int, typer.Argument(help="the leg's number")]
Reference = Annotated[str, typer.Option("--reference", help="the bank's number")]
Date = Annotated[
    str | None, typer.Option("--date", help="the bank's date (default: the business date)")
]


@app.command("list")
def list_(month: Month, home: Home, as_json: Json = False) -> None:
    """List the legs of a month and how far each is."""

    def act() -> list[dict[str, Any]]:
        with open_home(home) as opened:
            return legs_of(opened, month)

    legs = guarded(act, as_json=as_json)
    if as_json:
        emit({"month": month, "legs": legs})
    else:
        out().print(legs_table(month, legs))


def legs_of(opened: OpenHome, month: str) -> list[dict[str, Any]]:
    """Return the legs of a month; raises RefusedError if it has not been proposed."""
    report = month_report(opened.reader, opened.founding, month)
    if report is None:
        raise RefusedError("STATE", f"{month} has not been proposed")
    return list(report["legs"])


def legs_table(month: str, legs: list[dict[str, Any]]) -> Any:
    """Return the table of legs."""
    columns = [
        ("#", "right"), (say("payer", "付款方"), "left"), (say("payee", "收款方"), "left"),
        (say("yuan", "金额（元）"), "right"), (say("state", "状态"), "left"),
    ]  # fmt: skip
    rows = [
        [str(leg["leg"]), name_of(leg["payer"]), name_of(leg["payee"]), yuan(leg["fen"]),
         leg["state"] + (f" ({leg['note']})" if leg["note"] else "")]
        for leg in legs
    ]  # fmt: skip
    return table(f"{say('Legs', '资金划拨')}, {month}", columns, rows)


@app.command()
def paid(
    month: Month,
    leg: Leg,
    home: Home,
    reference: Reference,
    date: Date = None,
    as_json: Json = False,
) -> None:
    """Record that the money of a leg was sent (at the payer's node)."""
    _record("paid", month, leg, home, reference, date, as_json=as_json)


@app.command()
def received(
    month: Month,
    leg: Leg,
    home: Home,
    reference: Reference,
    date: Date = None,
    as_json: Json = False,
) -> None:
    """Record that the money of a leg arrived (at the payee's node)."""
    _record("received", month, leg, home, reference, date, as_json=as_json)


def _record(
    verb: str, month: str, leg: int, home: Any, reference: str, date: str | None, *, as_json: bool
) -> None:
    def act() -> Any:
        day = date or BusinessCalendar.parse(load_config(home).business_date).today()
        return asyncio.run(order(home, verb, month=month, leg=leg, reference=reference, date=day))

    value = guarded(act, as_json=as_json)
    if as_json:
        emit({"ok": True, **value})
    else:
        done = {"paid": say("paid", "已付款"), "received": say("received", "已到账")}[verb]
        talk().print(f"{month} #{leg}: {yuan(value['fen'])} {say('yuan', '元')} {done}")
