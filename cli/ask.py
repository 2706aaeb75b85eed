"""Giving an order to the running node of a home, and the options that such commands share."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.output import emit, guarded, language, say, talk
from node.orders import order
from settlement.party import parties, province_of

DryRun = Annotated[bool, typer.Option("--dry-run", help="check only")]
Token = Annotated[str, typer.Argument(help="the person's token")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=500, help="how many at most")]


def ask(home: Path, verb: str, *, as_json: bool, **arguments: Any) -> Any:
    """Return what an order came to; report its refusal and end the program."""
    given = {name: value for name, value in arguments.items() if value is not None}
    return guarded(lambda: asyncio.run(order(home, verb, **given)), as_json=as_json)


def done(value: dict[str, Any], en: str, zh: str, *, as_json: bool, dry_run: bool = False) -> None:
    """Say what was done, or would be: one line for people, the whole value for programs."""
    if as_json:
        emit({"ok": True, "dry_run": dry_run, **value})
    else:
        trial = say("nothing changed; would be: ", "未作更改；将为：") if dry_run else ""
        talk().print(trial + say(en, zh), markup=False)


def place(area: str) -> str:
    """Return an area with the name of the province it lies in."""
    return f"{area} {parties()[province_of(area)].name(language())}"
