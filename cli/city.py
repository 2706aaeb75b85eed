"""`gongzhang city`: two levels, what a month comes to among the cities of one province."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn

from cli.cityfile import check_target, read_names, write_cities
from cli.citypage import legs_report, print_city, print_legs, print_statement, statement_report
from cli.homes import Home, Json, Month, OpenHome, open_home
from cli.output import emit, guarded, name_of, say, talk
from ledger.errors import FormError, RefusedError
from node import heads
from node.orders import order
from settlement.city import Cities, signed_by
from settlement.party import CENTRE
from settlement.subclearing import Confirmed, cities_of, city_legs
from settlement.subclearing import Progress as Told

app = typer.Typer(no_args_is_help=True, help=say("Cities of a province.", "市级清算。"))

Province = Annotated[
    str | None, typer.Option("--province", help="whose cities (default: this node's own)")
]
Names = Annotated[
    Path | None, typer.Option("--names", help="names to show, CSV with the columns city,name")
]


@app.command()
def statement(
    month: Month,
    home: Home,
    province: Province = None,
    lines: Annotated[bool, typer.Option("--lines", help="each fund line by itself")] = False,
    city: Annotated[
        str | None, typer.Option("--city", help="only this city, counterpart by counterpart")
    ] = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", help="write all figures to this new file")
    ] = None,
    xlsx: Annotated[
        Path | None, typer.Option("--xlsx", help="write all figures to this new workbook")
    ] = None,
    names: Names = None,
    as_json: Json = False,
) -> None:
    """Show what each city owes, is owed and nets in a confirmed month, tied out to the province.

    Exit 1 if the province has signed another document than the logs give.
    """

    def act() -> dict[str, Any]:
        targets = [path for path in (csv, xlsx) if path is not None]
        for path in targets:
            kind = "csv" if path is csv else "xlsx"
            check_target(path, f".{kind}", f"--{kind}")
        with computed(home, month, province, show=not as_json) as (opened, found, _):
            known = read_names(names, found.province) if names else {}
            if city is not None and city not in found.codes:
                raise FormError("--city", f"one of {', '.join(found.codes) or '-'}", city)
            for path in targets:
                write_cities(path, found, known)
            signed = signed_by(opened.reader, found.province, month)
            return statement_report(found, signed, known)

    value = guarded(act, as_json=as_json)
    differs = value["signed"] is not None and not value["signed"]["same"]
    if as_json:
        emit({"ok": not differs, **value})
    elif city is not None:
        print_city(value, city)
    else:
        print_statement(value, lines=lines)
    for path in (csv, xlsx):
        if path is not None and not as_json:
            talk().print(str(path), markup=False)
    raise typer.Exit(1 if differs else 0)


@app.command()
def legs(
    month: Month,
    home: Home,
    province: Province = None,
    model: Annotated[
        str | None,
        typer.Option("--model", help="gross_pair, net_pair or net_hub (default: the one in force)"),
    ] = None,
    lines: Annotated[bool, typer.Option("--lines", help="each fund line by itself")] = False,
    names: Names = None,
    as_json: Json = False,
) -> None:
    """List the payments between the cities and their province's centre that a month asks for."""

    def act() -> dict[str, Any]:
        with computed(home, month, province, show=not as_json) as (_, found, batch):
            known = read_names(names, found.province) if names else {}
            chosen = model or batch.result.model
            return legs_report(found, chosen, batch.result.model, city_legs(found, chosen), known)

    value = guarded(act, as_json=as_json)
    if as_json:
        emit({"ok": True, **value})
    else:
        print_legs(value, lines=lines)


@app.command()
def sign(
    month: Month,
    home: Home,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="compute and tie out, sign nothing")
    ] = False,
    as_json: Json = False,
) -> None:
    """Sign the city document of a confirmed month in this province's own log, once."""

    def act() -> dict[str, Any]:
        with computed(home, month, None, show=not as_json) as (_, found, _batch):
            document = found.document
        value = {
            "month": month, "revision": found.revision, "cities": len(found.codes),
            "hash": found.hash.hex(),
        }  # fmt: skip
        if dry_run:
            return {**value, "index": None}
        return dict(asyncio.run(order(home, "cities", document=document.hex())))

    value = guarded(act, as_json=as_json)
    if as_json:
        emit({"ok": True, **value})
        return
    index = value["index"]
    done = (
        say("ties out, nothing signed", "核对相符，未签认")
        if index is None
        else say(f"signed, entry {index}", f"已签认，条目 {index}")
    )
    count = say(f"cities: {value['cities']}", f"{value['cities']} 个市")
    talk().print(f"{month}, {count}, {done}, {value['hash']}")


@contextmanager
def computed(
    home: Path, month: str, province: str | None, *, show: bool
) -> Iterator[tuple[OpenHome, Cities, Confirmed]]:
    """Yield an open home with the cities of a month, tied out; says which log is being read.

    Raises:
        FormError: No participant has this code.
        RefusedError, VerificationError: See `subclearing.cities_of`.
    """
    with open_home(home) as opened:
        code = province or opened.config.code
        if code not in opened.roster.participants:
            if province is None:
                raise RefusedError("ROLE", f"{name_of(CENTRE)} has no cities; give --province")
            raise FormError("--province", f"one of {', '.join(opened.roster.participants)}", code)
        size = heads.size_of(opened.reader, CENTRE)
        with _progress(len(opened.roster.participants), show=show) as told:
            found, batch = cities_of(
                opened.reader, opened.founding, month, code, size=size, progress=told
            )
        yield opened, found, batch


@contextmanager
def _progress(logs: int, *, show: bool) -> Iterator[Told]:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}"))
    visible = show and talk().is_terminal
    with Progress(*columns, console=talk(), disable=not visible, transient=True) as bar:
        task = bar.add_task(say("reading the logs", "读取日志"), total=logs)

        def told(code: str) -> None:
            bar.update(task, description=name_of(code), advance=1)

        yield told
