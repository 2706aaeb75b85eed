"""`gongzhang leg`: the movements of money of a batch, and what becomes of those overdue."""

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.ask import DryRun, done
from cli.homes import Home, Json, Month, OpenHome, open_home
from cli.moneyoptions import (
    Amount,
    Attempt,
    Day,
    Reason,
    Reference,
    bank_day,
    fen_of,
    maybe_party,
    write,
)
from cli.output import emit, guarded, name_of, out, say, table, talk, yuan
from cli.signing import As
from ledger.errors import FormError, RefusedError
from node import heads
from node.clock import BusinessCalendar
from node.config import load_config
from settlement.instruction import files_of
from settlement.lookup import entry_at
from settlement.party import CENTRE
from settlement.record import Paid
from settlement.report import month_report
from settlement.timeliness import due_days

app = typer.Typer(no_args_is_help=True, help=say("Payments of a batch.", "批次资金划拨。"))

Leg = Annotated[int, typer.Argument(help="the leg's number")]
Payee = Annotated[
    str | None,
    typer.Option(
        "--payee",
        help="a receiver that bears what was missing of the leg",
        callback=maybe_party,
    ),
]
Payer = Annotated[
    str | None,
    typer.Option("--payer", help="who sent it, if not the leg's payer", callback=maybe_party),
]

STATE = {
    "DUE": "应付", "PARTIAL": "部分付款", "PAID": "已付款", "RETURNED": "银行退回",
    "RECEIVED": "已到账", "DRAWN": "预付金已扣划", "ARREARS": "挂账欠款", "REFILLED": "已补足",
    "OVERDUE": "逾期", "SENT": "在途",
}  # fmt: skip


@app.command("list")
def list_(month: Month, home: Home, as_json: Json = False) -> None:
    """List the legs of a month and how far each is."""
    legs = guarded(lambda: _legs(home, month), as_json=as_json)
    if as_json:
        emit({"month": month, "legs": legs})
    else:
        out().print(legs_table(month, legs))


@app.command()
def show(month: Month, leg: Leg, home: Home, as_json: Json = False) -> None:
    """Show one leg: every payment of it, and who bears what was not paid."""

    def act() -> dict[str, Any]:
        legs = _legs(home, month)
        if not 1 <= leg <= len(legs):
            raise RefusedError("LEG", f"{month} has legs 1 to {len(legs)}, not {leg}")
        with open_home(home) as opened:
            _banked(opened, legs[leg - 1])
            files = files_of(opened.reader, legs[leg - 1]["payer"], month, leg)
        return {**legs[leg - 1], **({"files": files} if files else {})}

    value = guarded(act, as_json=as_json)
    if as_json:
        emit({"month": month, **value})
        return
    out().print(legs_table(month, [value]))
    payments = value.get("payments", [])
    payments = [*payments, *(p for b in value.get("bearers", []) for p in b["late"])]
    if payments:
        out().print(_payments_table(payments))
    if value.get("bearers"):
        out().print(_bearers_table(value["bearers"]))
    for file in value.get("files", []):
        en = f"in the {file['format']} file of entry {file['index']}, SHA-256 {file['digest']}"
        zh = f"在条目 {file['index']} 的 {file['format']} 付款文件中，SHA-256 {file['digest']}"
        talk().print(say(en, zh))


def _legs(home: Any, month: str) -> list[dict[str, Any]]:
    with open_home(home) as opened:
        legs = legs_of(opened, month)
        days = _days(opened, month)
        today = BusinessCalendar.parse(load_config(home).business_date).today()
    for leg in legs:
        due = days.get("distribute" if leg["payer"] == CENTRE else "remit")
        leg["due"] = due and due.isoformat()
        leg["overdue"] = due is not None and today > due.isoformat() and leg["open_fen"] > 0
    return legs


def _days(opened: OpenHome, month: str) -> dict[str, datetime.date]:
    try:
        size = heads.size_of(opened.reader, CENTRE)
        return due_days(opened.reader, opened.founding, month, size)
    except (FormError, RefusedError):
        return {}


def _banked(opened: OpenHome, leg: dict[str, Any]) -> None:
    # The bank's number and date of each payment, as whoever sent it has entered them.
    late = [payment for bearer in leg.get("bearers", []) for payment in bearer["late"]]
    for payment in [*leg.get("payments", []), *late]:
        record = entry_at(opened.reader, payment["from"], payment["entry"])[1]
        assert isinstance(record, Paid)
        payment |= {"to": record.payee, "reference": record.reference, "date": record.date}


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
        (say("yuan", "金额（元）"), "right"), (say("open", "未结"), "right"),
        (say("until", "截止日"), "left"), (say("state", "状态"), "left"),
    ]  # fmt: skip
    rows = [
        [str(leg["leg"]), name_of(leg["payer"]), name_of(leg["payee"]), yuan(leg["fen"]),
         yuan(leg["open_fen"]), leg.get("due") or "", _state(leg)]
        for leg in legs
    ]  # fmt: skip
    if len(legs) > 1:
        moved, left = sum(leg["fen"] for leg in legs), sum(leg["open_fen"] for leg in legs)
        rows.append(["", say("total", "合计"), "", yuan(moved), yuan(left), "", ""])
    return table(f"{say('Legs', '资金划拨')}, {month}", columns, rows)


def _state(leg: dict[str, Any]) -> str:
    words = [leg["state"]] + (["OVERDUE"] if leg.get("overdue") else [])
    shown = ", ".join(say(word, STATE[word]) for word in words)
    return shown + (f" ({leg['note']})" if leg["note"] else "")


def _payments_table(payments: list[dict[str, Any]]) -> Any:
    columns = [
        (say("attempt", "次序"), "right"), (say("from", "付款方"), "left"),
        (say("to", "收款方"), "left"),
        (say("bank's date", "银行日期"), "left"), (say("bank's number", "银行流水号"), "left"),
        (say("yuan", "金额（元）"), "right"), (say("state", "状态"), "left"),
    ]  # fmt: skip
    rows = [
        [
            str(p["attempt"]), name_of(p["from"]), name_of(p["to"]), p["date"], p["reference"],
            yuan(p["fen"]), say(p["state"], STATE[p["state"]]),
        ]
        for p in payments
    ]  # fmt: skip
    return table(say("Payments", "付款"), columns, rows)


def _bearers_table(bearers: list[dict[str, Any]]) -> Any:
    columns = [
        (say("bears what is missing", "承担方"), "left"), (say("yuan", "金额（元）"), "right"),
        (say("of it drawn", "预付金扣划"), "right"), (say("arrears", "欠款"), "right"),
        (say("repaid", "已补付"), "right"),
    ]  # fmt: skip
    rows = [
        [name_of(b["code"]), yuan(b["fen"]), yuan(b["drawn_fen"]), yuan(b["arrears_fen"]),
         yuan(b["repaid_fen"])]
        for b in bearers
    ]  # fmt: skip
    return table(say("Who bears it", "缺口承担"), columns, rows)


@app.command()
def paid(
    month: Month,
    leg: Leg,
    home: Home,
    reference: Reference,
    date: Day = None,
    amount: Amount = None,
    payee: Payee = None,
    key: As = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Record that money of a leg was sent (at the payer's node)."""

    def given() -> dict[str, Any]:
        return {
            "reference": reference, "date": bank_day(home, date), "fen": fen_of(amount),
            "payee": payee,
        }  # fmt: skip

    _record("paid", month, leg, home, given, key, as_json=as_json, dry_run=dry_run)


@app.command()
def received(
    month: Month,
    leg: Leg,
    home: Home,
    reference: Reference,
    date: Day = None,
    payer: Payer = None,
    key: As = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Record that money of a leg arrived (at the payee's node)."""

    def given() -> dict[str, Any]:
        return {"reference": reference, "date": bank_day(home, date), "payer": payer}

    _record("received", month, leg, home, given, key, as_json=as_json, dry_run=dry_run)


@app.command()
def returned(
    month: Month,
    leg: Leg,
    home: Home,
    reference: Reference,
    reason: Reason,
    date: Day = None,
    attempt: Attempt = None,
    payee: Payee = None,
    key: As = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Record that the bank sent a payment back (at the payer's node); it may then be paid again."""

    def given() -> dict[str, Any]:
        return {
            "reference": reference, "date": bank_day(home, date), "reason": reason,
            "attempt": attempt, "payee": payee,
        }  # fmt: skip

    _record("returned", month, leg, home, given, key, as_json=as_json, dry_run=dry_run)


@app.command()
def draw(
    month: Month,
    leg: Leg,
    home: Home,
    key: As = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Take what is missing of an overdue leg from the payer's prepayment; the rest is arrears."""
    _record("draw", month, leg, home, dict, key, as_json=as_json, dry_run=dry_run)


@app.command()
def shortfall(
    month: Month,
    leg: Leg,
    home: Home,
    key: As = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Share out what a payer has not paid in (at the centre): those with a claim on it bear it."""
    _record("shortfall", month, leg, home, dict, key, as_json=as_json, dry_run=dry_run)


_DONE = {
    "paid": ("paid", "已付款"), "received": ("received", "已到账"),
    "returned": ("returned by the bank", "银行退回"),
    "draw": ("drawn or entered as arrears", "已扣划预付金或挂账"),
    "shortfall": ("shared out", "缺口已分摊"),
}  # fmt: skip


def _record(
    verb: str,
    month: str,
    leg: int,
    home: Path,
    given: Callable[[], dict[str, Any]],
    key: Path | None,
    *,
    as_json: bool,
    dry_run: bool,
) -> None:
    arguments = {"month": month, "leg": leg, **guarded(given, as_json=as_json)}
    value = write(home, verb, key, as_json=as_json, dry_run=dry_run, **arguments)
    amount, what = yuan(value["fen"]), _DONE[verb]
    en, zh = f"{month} #{leg}: {amount} yuan {what[0]}", f"{month} #{leg}：{amount} 元{what[1]}"
    done(value, en, zh, as_json=as_json, dry_run=dry_run)
    if as_json:
        return
    if verb == "draw":
        drawn, left = yuan(value["drawn_fen"]), yuan(value["arrears_fen"])
        talk().print(say(f"prepayment {drawn}, arrears {left}", f"预付金 {drawn}，欠款 {left}"))
    for code, fen in value.get("shares", {}).items():
        talk().print(f"  {name_of(code)} {yuan(fen)}")
