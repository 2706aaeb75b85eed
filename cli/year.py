"""`gongzhang year`: all months of a year tied out and signed."""

import asyncio
from typing import Annotated, Any

import typer

from cli.homes import Home, Json, open_home
from cli.output import emit, guarded, name_of, out, say, table, talk, yuan
from node import heads
from node.orders import order
from settlement.lookup import entry_at
from settlement.party import CENTRE
from settlement.totals import add_all
from settlement.year import YearResult, compute_year, signatures

app = typer.Typer(no_args_is_help=True, help=say("The year.", "年度清算。"))

Year = Annotated[int, typer.Argument(min=2000, max=2099, help="YYYY")]


@app.command()
def close(
    year: Year,
    home: Home,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="show what the year comes to, sign nothing")
    ] = False,
    as_json: Json = False,
) -> None:
    """Tie out all months of a year and sign the result: the centre first, then every province."""
    if dry_run:
        show(year, home, as_json)
        return
    value = guarded(lambda: asyncio.run(order(home, "year", year=year)), as_json=as_json)
    if as_json:
        emit({"ok": True, **value})
    else:
        signed = say("signed, entry", "已签认，条目")
        talk().print(f"{year}: {signed} {value['index']}, {value['hash']}")


@app.command()
def show(year: Year, home: Home, as_json: Json = False) -> None:
    """Show what a year came to, what is left of it, and who signed it. Exit 1 if some differ."""

    def act() -> dict[str, Any]:
        with open_home(home) as opened:
            result, same, other = signatures(opened.reader, opened.founding, year)
            if result is None:
                size = heads.size_of(opened.reader, CENTRE)
                result = compute_year(opened.reader, opened.founding, year, size)
            codes = opened.roster.codes
            told = {c: entry_at(opened.reader, c, p.index)[0].at_ms for c, p in same.items()}
            return {
                **year_report(result),
                "signed": sorted(same),
                "differ": sorted(other),
                "missing": [c for c in codes if c not in same and c not in other],
                "signed_at_ms": told,
            }

    value = guarded(act, as_json=as_json)
    if as_json:
        emit({"ok": not value["differ"], **value})
    else:
        _print(value)
    raise typer.Exit(1 if value["differ"] else 0)


def year_report(result: YearResult) -> dict[str, Any]:
    """Return the figures of a year by name; amounts in fen."""
    codes = sorted(result.nets)
    return {
        "year": result.year,
        "through": result.through,
        "months": [closed.month for closed in result.months],
        "hash": result.hash.hex(),
        "entries": add_all(result.pairs.values()).entries,
        "gross_fen": add_all(result.pairs.values()).fen,
        "participants": {
            code: {
                "receivable_fen": sum(a.fen for (_, c), a in result.pairs.items() if c == code),
                "payable_fen": sum(a.fen for (d, _), a in result.pairs.items() if d == code),
                "net_fen": result.nets[code],
                "open_receivable_fen": sum(a.fen for (_, c), a in result.open.items() if c == code),
                "open_payable_fen": sum(a.fen for (d, _), a in result.open.items() if d == code),
            }
            for code in codes
        },
    }


def _print(value: dict[str, Any]) -> None:
    console, year = out(), value["year"]
    columns = [
        ("", "left"), (say("receivable, yuan", "应收（元）"), "right"),
        (say("payable", "应付"), "right"), (say("net", "净额"), "right"),
        (say("still open to it", "未清应收"), "right"),
        (say("still open of it", "未清应付"), "right"),
    ]  # fmt: skip
    names = ("receivable_fen", "payable_fen", "net_fen", "open_receivable_fen", "open_payable_fen")
    rows = [
        [name_of(code), *(yuan(row[name]) for name in names)]
        for code, row in value["participants"].items()
    ]
    first, last = value["months"][0], value["months"][-1]
    title = say(
        f"Year {year}: {first} to {last}, {value['entries']} entries, "
        f"{yuan(value['gross_fen'])} yuan; open as of {value['through']}",
        f"{year} 年度：{first} 至 {last}，{value['entries']} 条记录，"
        f"{yuan(value['gross_fen'])} 元；未清截至 {value['through']}",
    )
    console.print(table(title, columns, rows))
    console.print(f"{say('year document', '年度结果哈希')} {value['hash']}")
    for key, text in (
        ("signed", say("signed", "已签认")), ("missing", say("not signed yet", "未签认")),
        ("differ", say("signed ANOTHER result", "签认了不同结果")),
    ):  # fmt: skip
        if value[key]:
            console.print(f"{text}: {', '.join(map(name_of, value[key]))}")
