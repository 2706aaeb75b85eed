"""`gongzhang bank`: statements of the bank, what their lines are, and the suspense account."""

import asyncio
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from cli.accounts import Accounts, load_accounts
from cli.banktables import (
    bound_text,
    cells,
    columns,
    matches_table,
    payment_text,
    statements_table,
)
from cli.homes import Home, Json, open_home, open_register
from cli.output import emit, guarded, out, say, table, talk, yuan
from cli.signing import As, decide, hand_of, sign_draft
from ledger.errors import FormError
from node import bankbook, heads
from node.binding import match_open, match_value
from node.clock import BusinessCalendar
from node.config import load_config
from node.orders import call, check, order
from settlement import batch as batches
from settlement.camtfile import make_camt
from settlement.clearingaccount import clearing_statement
from settlement.expectation import expected
from settlement.party import CENTRE, party

app = typer.Typer(
    no_args_is_help=True, help=say("Bank statements and payments.", "银行对账单与收付款核对。")
)

Line = Annotated[int, typer.Argument(help="the line's number, see `bank lines`", min=1)]
DryRun = Annotated[bool, typer.Option("--dry-run", help="check and show only")]
Note = Annotated[str, typer.Option("--note", help="a remark, kept with the line")]


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="camt.053.001.08, CSV or xlsx")],
    home: Home,
    accounts: Accounts = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Take statements of the bank in: all of a file, or nothing.

    The same statement again changes nothing. A gap, an overlap or another opening balance than the
    last closing one is refused.
    """

    def act() -> dict[str, Any]:
        own = load_accounts(home, accounts).get(load_config(home).code)
        try:
            data = file.read_bytes()
        except OSError as error:
            raise FormError(str(file), "a readable file", error.strerror) from None
        asked = {"dry_run": "1"} if dry_run else {}
        if own is not None:
            asked["account"] = own.account
        status, value = asyncio.run(call(home, "/api/v1/bank/import", data, urlencode(asked)))
        check(status, value)
        assert isinstance(value, dict)
        return value

    value = guarded(act, as_json=as_json)
    if as_json:
        emit({"ok": True, **value})
        return
    out().print(statements_table(value["statements"]))
    if dry_run:
        talk().print(say("nothing was taken in", "仅检查，未导入"))
    elif not any(item["new"] for item in value["statements"]):
        talk().print(say("taken in before, nothing changed", "此前已导入，无变化"))
    else:
        talk().print(say("next: gongzhang bank match", "下一步：gongzhang bank match"))


@app.command()
def statements(home: Home, as_json: Json = False) -> None:
    """List the statements that were taken in."""

    def act() -> list[dict[str, Any]]:
        with open_register(home) as (_, vault):
            return [bankbook.statement_value(item) for item in bankbook.statements(vault)]

    value = guarded(act, as_json=as_json)
    if as_json:
        emit({"statements": value})
    else:
        out().print(statements_table(value))


@app.command()
def lines(
    home: Home,
    only_open: Annotated[bool, typer.Option("--open", help="only those bound to nothing")] = False,
    as_json: Json = False,
) -> None:
    """List the lines of all statements and what each is bound to."""

    def act() -> list[dict[str, Any]]:
        with open_register(home) as (_, vault):
            numbers = bankbook.accounts(vault)
            found = [bankbook.line_value(held, numbers) for held in bankbook.lines(vault)]
        return [item for item in found if not (only_open and item["bound"])]

    value = guarded(act, as_json=as_json)
    if as_json:
        emit({"lines": value})
        return
    title = say("Lines bound to nothing", "待查流水") if only_open else say("Lines", "银行流水")
    rows = [[*cells(item), bound_text(item["bound"])] for item in value]
    out().print(table(title, [*columns(), (say("what it is", "核对结果"), "left")], rows))


@app.command()
def match(
    home: Home,
    accounts: Accounts = None,
    dry_run: DryRun = False,
    key: As = None,
    as_json: Json = False,
) -> None:
    """Bind the lines that are certain and enter what the bank has done; propose the others.

    Certain is the end-to-end id, or the bank's number that an entry names, with the right amount.
    """

    def act() -> Any:
        rows = [list(row) for row in load_accounts(home, accounts).values()]
        hand = None if key is None else hand_of(home, key)
        given = {"accounts": rows, "dry_run": dry_run, **({"sign": True} if hand else {})}
        found = asyncio.run(order(home, "bank_match", **given))
        if hand is not None:
            for item in found["waiting"]:
                if hand.name not in item["signed"]:
                    sign_draft(home, item["pending"], hand)
        return found

    value = guarded(act, as_json=as_json)
    if as_json:
        emit({"ok": True, **value})
        return
    if value["booked"]:
        title = say("Certain", "确定相符") if dry_run else say("Bound and entered", "已核对并登记")
        out().print(matches_table(title, value["booked"]))
    if value["open"]:
        out().print(matches_table(say("For a person to decide", "待人工核对"), value["open"]))
        talk().print(
            say(
                "bind with: gongzhang bank bind # PAYMENT, as in the last column: 2017-03/12",
                "核对：gongzhang bank bind # 款项（如末列所示：2017-03/12）",
            )
        )
    if value["waiting"]:
        title = say("Wait for two signatures", "待双人复核")
        out().print(matches_table(title, value["waiting"]))
        talk().print(
            say(
                "sign with: gongzhang approval list, gongzhang approval sign",
                "复核：gongzhang approval list，gongzhang approval sign",
            )
        )
    if not value["booked"] and not value["open"] and not value["waiting"]:
        talk().print(say("no open lines", "无待核对流水"))


@app.command()
def suspense(home: Home, accounts: Accounts = None, as_json: Json = False) -> None:
    """Show the suspense account: lines bound to nothing, their age, and what they may be."""

    def act() -> list[dict[str, Any]]:
        rows = [list(row) for row in load_accounts(home, accounts).values()]
        with open_register(home) as (opened, vault):
            size = heads.size_of(opened.reader, CENTRE)
            founding = opened.founding
            found = expected(
                opened.reader, founding, opened.config.code, size,
                lambda reader, b: batches.result_of(reader, founding, b.month, b.revision),
            )  # fmt: skip
            held, numbers = bankbook.open_lines(vault), bankbook.accounts(vault)
            code, network = opened.config.code, founding.network_id
            matches = match_open(code, network, held, found, bankbook.bound(vault), rows)
            today = BusinessCalendar.parse(opened.config.business_date).today()
            return [match_value(item, held[item.number], numbers, today) for item in matches]

    value = guarded(act, as_json=as_json)
    if as_json:
        emit({"lines": value, "fen": sum(item["fen"] for item in value)})
        return
    total = yuan(sum(item["fen"] for item in value))
    title = say(f"Suspense, balance {total}", f"待查款项，余额 {total}")
    out().print(matches_table(title, value))


@app.command()
def bind(
    line: Line,
    home: Home,
    payments: Annotated[
        list[str] | None,
        typer.Argument(
            help="MONTH/LEG, PMONTH/ROW or RMONTH/ROW, or an end-to-end id (default: the proposal)"
        ),
    ] = None,
    note: Note = "",
    accounts: Accounts = None,
    dry_run: DryRun = False,
    key: As = None,
    as_json: Json = False,
) -> None:
    """Bind a line to one or several payments and enter what the bank has done.

    Less than a leg or row asks for is a part of it. Several payments must come to the line's
    amount.
    """

    def known() -> list[list[str]]:
        return [list(row) for row in load_accounts(home, accounts).values()]

    rows = guarded(known, as_json=as_json)
    value = decide(
        home, "bank_bind", key, as_json=as_json, line=line, payments=payments or [],
        accounts=rows, note=note, dry_run=dry_run,
    )  # fmt: skip
    if value is None:
        return
    if as_json:
        emit({"ok": True, **value})
        return
    for item in value["payments"]:
        end = "" if dry_run else f", {say('entry', '条目')} {item['index']}"
        talk().print(f"# {line}: " + payment_text(item) + end)
    if dry_run:
        talk().print(say("nothing was entered", "仅检查，未登记"))


@app.command()
def unbind(line: Line, home: Home, dry_run: DryRun = False, as_json: Json = False) -> None:
    """Open a line again that was bound without writing an entry."""

    def act() -> Any:
        return asyncio.run(order(home, "bank_unbind", line=line, dry_run=dry_run))

    _done(guarded(act, as_json=as_json), say("open again", "已恢复为待查"), as_json=as_json)


@app.command("send-back")
def send_back(
    line: Line,
    home: Home,
    other: Annotated[
        int | None,
        typer.Option("--with", help="the line that moved it back (default: the only one)"),
    ] = None,
    note: Note = "",
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Bind money that fitted nothing to the line by which it was sent back."""

    def act() -> Any:
        given = {"line": line, "other": other, "note": note, "dry_run": dry_run}
        return asyncio.run(order(home, "bank_send_back", **given))

    value = guarded(act, as_json=as_json)
    _done(value, say("take each other back", "互为收退"), as_json=as_json)


def _done(value: dict[str, Any], text: str, *, as_json: bool) -> None:
    if as_json:
        emit({"ok": True, **value})
    else:
        talk().print(", ".join(f"# {number}" for number in value["lines"]) + f": {text}")
        if value.get("dry_run"):
            talk().print(say("checked only, nothing was changed", "仅检查，未变更"))


@app.command()
def export(
    home: Home,
    target: Annotated[Path, typer.Option("--out", help="the camt.053.001.08 file to write")],
    first: Annotated[str, typer.Option("--from", help="first day, YYYY-MM-DD")],
    last: Annotated[str, typer.Option("--to", help="last day, YYYY-MM-DD")],
    as_json: Json = False,
) -> None:
    """Write the clearing account as this node's log has it, as a camt.053 statement."""

    def act() -> dict[str, Any]:
        with open_home(home) as opened:
            code, network = opened.config.code, opened.founding.network_id
            statement = clearing_statement(opened.reader, network, code, first, last)
        name = f"GZ-{code}-{first}-{last}".replace("-", "")
        data = make_camt([statement], name, party(code).name_zh)
        with target.open("xb") as file:
            file.write(data)
        return {
            "account": statement.account, "first": first, "last": last, "out": str(target),
            "opening_fen": statement.opening_fen, "closing_fen": statement.closing_fen,
            "lines": len(statement.lines), "sequence": None,
        }  # fmt: skip

    value = guarded(act, as_json=as_json)
    if as_json:
        emit({"ok": True, **value})
        return
    out().print(statements_table([value]))
    talk().print(say(f"written: {target}", f"已写出：{target}"))
