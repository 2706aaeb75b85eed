"""Recording what the banks have done with the rows of a demand."""

from pathlib import Path
from typing import Annotated, Any

import typer

from cli.ask import DryRun, done
from cli.homes import Home, Json, Month
from cli.moneyoptions import Amount, Attempt, Day, Reason, Reference, bank_day, fen_of, write
from cli.output import guarded, yuan
from cli.signing import As

RowNumber = Annotated[int, typer.Argument(min=1, help="the row's number")]


def paid(
    month: Month,
    row: RowNumber,
    home: Home,
    reference: Reference,
    date: Day = None,
    amount: Amount = None,
    key: As = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Record that money of a row was sent (at its payer's node); also what is given back."""
    fen = guarded(lambda: fen_of(amount), as_json=as_json)
    given = {"reference": reference, "date": _day(home, date, as_json=as_json), "fen": fen}
    _record("prepay-paid", month, row, home, given, key, as_json=as_json, dry_run=dry_run)


def received(
    month: Month,
    row: RowNumber,
    home: Home,
    reference: Reference,
    date: Day = None,
    key: As = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Record that money of a row arrived (at its payee's node)."""
    given = {"reference": reference, "date": _day(home, date, as_json=as_json)}
    _record("prepay-received", month, row, home, given, key, as_json=as_json, dry_run=dry_run)


def returned(
    month: Month,
    row: RowNumber,
    home: Home,
    reference: Reference,
    reason: Reason,
    date: Day = None,
    attempt: Attempt = None,
    key: As = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Record that the bank sent a payment of a row back (at its payer's node)."""
    given = {
        "reference": reference, "date": _day(home, date, as_json=as_json), "reason": reason,
        "attempt": attempt,
    }  # fmt: skip
    _record("prepay-returned", month, row, home, given, key, as_json=as_json, dry_run=dry_run)


def _day(home: Path, day: str | None, *, as_json: bool) -> str:
    return str(guarded(lambda: bank_day(home, day), as_json=as_json))


_DONE = {
    "prepay-paid": ("paid", "已付款"), "prepay-received": ("received", "已到账"),
    "prepay-returned": ("returned by the bank", "银行退回"),
}  # fmt: skip


def _record(
    verb: str,
    month: str,
    row: int,
    home: Path,
    given: dict[str, Any],
    key: Path | None,
    *,
    as_json: bool,
    dry_run: bool,
) -> None:
    value = write(home, verb, key, as_json=as_json, month=month, row=row, dry_run=dry_run, **given)
    amount, what = yuan(value["fen"]), _DONE[verb]
    left = yuan(value.get("left_fen", 0))
    en, zh = f"{month} #{row}: {amount} yuan {what[0]}", f"{month} #{row}：{amount} 元{what[1]}"
    if value.get("left_fen"):
        en, zh = f"{en}; {left} yuan still to be sent", f"{zh}；尚有 {left} 元待付"
    done(value, en, zh, as_json=as_json, dry_run=dry_run)
