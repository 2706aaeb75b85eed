"""`gongzhang day`: the daily work of the insured province."""

import asyncio
from typing import Annotated

import typer

from cli import daily, dispute
from cli.homes import Home, Json
from cli.output import emit, guarded, name_of, out, say, table, talk
from node.orders import order

app = typer.Typer(no_args_is_help=True, help=say("The daily work.", "日常对账。"))


@app.command()
def accept(
    home: Home,
    log: Annotated[str | None, typer.Option("--log", help="only this province's log")] = None,
    as_json: Json = False,
) -> None:
    """Accept what other provinces' logs say this one owes, as far as it passes the checks.

    A case whose file is missing or does not pass becomes an exception; a missing file that arrives
    later lifts it again.
    """
    arguments = {} if log is None else {"log": log}
    value = guarded(lambda: asyncio.run(order(home, "accept", **arguments)), as_json=as_json)
    if as_json:
        emit({"ok": True, **value})
        return
    if not value["accepted"]:
        talk().print(say("nothing new to accept", "没有待确认的新记录"))
        return
    columns = [
        (say("log", "日志"), "left"), (say("up to", "截至"), "right"),
        (say("entries", "记录数"), "right"), (say("exceptions", "例外"), "left"),
    ]  # fmt: skip
    rows = [
        [name_of(a["log"]), str(a["size"]), str(a["entries"]),
         ", ".join(f"#{e['index']} {e['code']}" for e in a["exceptions"]) or "-"]
        for a in value["accepted"]
    ]  # fmt: skip
    out().print(table(say("Accepted", "已确认"), columns, rows))


app.command()(daily.statement)
app.command()(daily.compare)
app.command()(daily.confirm)
app.command("dispute")(dispute.open_)
