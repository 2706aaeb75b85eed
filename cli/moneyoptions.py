"""Arguments and options that the commands about money share."""

from pathlib import Path
from typing import Annotated, Any

import typer

from cli.ask import ask
from cli.signing import decide
from ledger.errors import FormError
from node.clock import BusinessCalendar
from node.config import load_config
from settlement.money import parse_fen
from settlement.party import party
from settlement.period import check_day, check_month


def _party(text: str) -> str:
    try:
        return party(text).code
    except FormError as error:
        raise typer.BadParameter(str(error)) from None


def maybe_party(text: str | None) -> str | None:
    """Return a code that was given, if it is a participant's."""
    return None if text is None else _party(text)


def maybe_month(text: str | None) -> str | None:
    """Return a month that was given, if it is one."""
    try:
        return None if text is None else check_month(text)
    except FormError as error:
        raise typer.BadParameter(str(error)) from None


Reference = Annotated[str, typer.Option("--reference", help="the bank's number")]
Day = Annotated[
    str | None, typer.Option("--date", help="the bank's date (default: the business date)")
]
Amount = Annotated[
    str | None, typer.Option("--amount", help="yuan, such as 1234.56 (default: all that is left)")
]
Reason = Annotated[str, typer.Option("--reason", help="what the bank says")]
Attempt = Annotated[
    int | None, typer.Option("--attempt", min=1, help="which payment (default: the last)")
]
Debtor = Annotated[str, typer.Argument(help="the insured province", callback=_party)]
Creditor = Annotated[str, typer.Argument(help="the treatment province", callback=_party)]


def fen_of(amount: str | None) -> int | None:
    """Return the fen of --amount; raises FormError unless it is above zero."""
    if amount is None:
        return None
    fen = parse_fen(amount)
    if fen <= 0:
        raise FormError("--amount", "yuan above zero", amount)
    return fen


def bank_day(home: Path, day: str | None) -> str:
    """Return the day of --date, or the node's business date; raises FormError for another form."""
    if day is None:
        return BusinessCalendar.parse(load_config(home).business_date).today()
    return check_day(day)


def write(
    home: Path, verb: str, key: Path | None, *, as_json: bool, dry_run: bool, **arguments: Any
) -> dict[str, Any]:
    """Return what an order came to, or would; end the program where it waits for signatures."""
    if dry_run:
        return dict(ask(home, verb, as_json=as_json, dry_run=True, **arguments))
    given = {name: value for name, value in arguments.items() if value is not None}
    value = decide(home, verb, key, as_json=as_json, **given)
    if value is None:
        raise typer.Exit(0)
    return value
