"""`gongzhang prepay`: quotas, demands, usage and money of prepayments between provinces."""

from pathlib import Path
from typing import Annotated, Any

import typer

from cli import prepaytables as tables
from cli.ask import DryRun, done
from cli.homes import Home, Json, Month, OpenHome, open_home
from cli.instruct import instruct_rows
from cli.moneyoptions import Creditor, Debtor, fen_of, maybe_party, write
from cli.output import emit, fail, guarded, name_of, say, talk, yuan
from cli.prepaymoney import paid, received, returned
from cli.prepayview import list_, show, statement, usage
from cli.signing import As
from ledger.errors import FormError
from node import heads
from node.config import load_config
from node.prepay import quota_report
from settlement import lookup
from settlement.adjustment import compute_quota, quota_differences
from settlement.money import format_yuan
from settlement.party import CENTRE
from settlement.period import check_day
from settlement.quotafile import COLUMNS, parse_quotas
from settlement.record import Quota

app = typer.Typer(no_args_is_help=True, help=say("Prepayments.", "预付金。"))

Year = Annotated[int, typer.Argument(min=2000, max=2099, help="YYYY")]


# --- quotas and demands --------------------------------------------------------------------------


@app.command()
def quota(
    year: Year,
    home: Home,
    given: Annotated[
        Path | None,
        typer.Option("--given", help="quotas by hand, CSV: debtor, creditor, amount in yuan"),
    ] = None,
    reason: Annotated[str, typer.Option("--reason", help="why they are given by hand")] = "",
    code: Annotated[
        str | None,
        typer.Option("--code", help="show this participant's alone", callback=maybe_party),
    ] = None,
    key: As = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Fix the quotas of a year from the batches before it (at the centre); show them elsewhere.

    Elsewhere they are computed again: exit 1 if they differ. A network that has cleared nothing
    before the year has its quotas given by hand.
    """
    if given is not None and not reason.strip():
        fail(FormError("--reason", "why the quotas are given by hand", reason), as_json=as_json)
    at_centre = guarded(lambda: load_config(home), as_json=as_json).code == CENTRE
    if given is None and (not at_centre or dry_run):
        value = guarded(lambda: _quota_shown(home, year), as_json=as_json)
    else:
        text = None
        if given is not None:
            path = given
            text = guarded(lambda: _given(path), as_json=as_json)
        value = write(
            home,
            "prepay-quota",
            key,
            as_json=as_json,
            year=year,
            given=text,
            reason=reason,
            dry_run=dry_run,
        )
    differs = value.get("differs", [])
    if as_json:
        emit({"ok": not differs, "dry_run": dry_run, **value})
    else:
        tables.print_quota(value, code)
        for row in differs:
            pair = f"{name_of(row['debtor'])} → {name_of(row['creditor'])}"
            fixed, mine = yuan(row["fen"]), yuan(row["computed_fen"])
            talk().print(
                say(
                    f"NOT what the batches give: {pair} {fixed}, computed {mine}",
                    f"与批次重算不符：{pair} 核定 {fixed}，重算 {mine}",
                ),
                markup=False,
            )
        if value["index"] is None:
            talk().print(say("not written into the log", "未写入日志"))
    raise typer.Exit(1 if differs else 0)


def _given(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FormError(str(path), "a readable file", error.strerror) from None
    rows = parse_quotas(data, path.name)  # names the file and the line; the node reads it again
    lines = [f"{row.debtor},{row.creditor},{format_yuan(row.fen)}\n" for row in rows]
    return ",".join(COLUMNS) + "\n" + "".join(lines)


def _quota_shown(home: Path, year: int) -> dict[str, Any]:
    with open_home(home) as opened:
        size = heads.size_of(opened.reader, CENTRE)
        fixed = lookup.quota_of(opened.reader, year)
        if fixed is not None and fixed[0] < size:
            found = {**quota_report(fixed[1]), "index": fixed[0]}
            return {**found, "differs": _differences(opened, *fixed)}
        record = compute_quota(opened.reader, opened.founding, year, size)
    return {**quota_report(record), "index": None}


def _differences(opened: OpenHome, index: int, record: Quota) -> list[dict[str, Any]]:
    # What this node computes; nothing can be computed for what was given by hand.
    if not record.months:
        return []
    found = quota_differences(opened.reader, opened.founding, index, record)
    return [
        {"debtor": debtor, "creditor": creditor, "fen": claimed, "computed_fen": fen}
        for debtor, creditor, claimed, fen in found
    ]


@app.command()
def demand(
    year: Year,
    home: Home,
    due: Annotated[
        str | None, typer.Option("--due", help="until when (default: as the rule set says)")
    ] = None,
    key: As = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Demand what the year's quotas ask for beyond what is held, or let it be given back.

    At the centre.
    """
    until = guarded(lambda: None if due is None else check_day(due), as_json=as_json)
    value = write(
        home, "prepay-demand", key, as_json=as_json, year=year, due=until, dry_run=dry_run
    )
    _demanded(value, as_json=as_json, dry_run=dry_run)


@app.command()
def urgent(
    month: Month,
    creditor: Creditor,
    debtor: Debtor,
    home: Home,
    due: Annotated[str, typer.Option("--due", help="until when it is to be paid")],
    amount: Annotated[
        str | None, typer.Option("--amount", help="yuan (default: what was asked for)")
    ] = None,
    decline: Annotated[bool, typer.Option("--decline", help="demand nothing")] = False,
    reason: Annotated[str, typer.Option("--reason", help="why less, or nothing")] = "",
    key: As = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Answer a treatment province's request for an increase (at the centre)."""

    def fen() -> int | None:
        if decline and amount is not None:
            raise FormError("--decline", "no --amount beside it", amount)
        return 0 if decline else fen_of(amount)

    asked = guarded(fen, as_json=as_json)
    until = guarded(lambda: check_day(due), as_json=as_json)
    value = write(
        home,
        "prepay-urgent",
        key,
        as_json=as_json,
        month=month,
        creditor=creditor,
        debtor=debtor,
        due=until,
        fen=asked,
        reason=reason,
        dry_run=dry_run,
    )
    _demanded(value, as_json=as_json, dry_run=dry_run)


def _demanded(value: dict[str, Any], *, as_json: bool, dry_run: bool) -> None:
    if not as_json:
        tables.print_demand(value)
    pay, back, count = yuan(value["pay_fen"]), yuan(value["back_fen"]), len(value["rows"])
    done(
        value,
        f"{count} row{'' if count == 1 else 's'}: {pay} yuan to pay, {back} to be given back",
        f"{count} 行：应付 {pay} 元，应退还 {back} 元",
        as_json=as_json,
        dry_run=dry_run,
    )


@app.command()
def increase(
    month: Month,
    debtor: Debtor,
    home: Home,
    amount: Annotated[str, typer.Option("--amount", help="yuan, such as 1234.56")],
    key: As = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Ask for more prepayment of a debtor while its red alert stands (at a treatment province)."""
    fen = guarded(lambda: fen_of(amount), as_json=as_json)
    value = write(
        home,
        "prepay-increase",
        key,
        as_json=as_json,
        month=month,
        debtor=debtor,
        fen=fen,
        dry_run=dry_run,
    )
    done(
        value,
        f"{month}: {yuan(value['fen'])} yuan more of {name_of(debtor)} asked for",
        f"{month}：已申请向 {name_of(debtor)} 紧急调增 {yuan(value['fen'])} 元",
        as_json=as_json,
        dry_run=dry_run,
    )


app.command("list")(list_)
app.command("instruct")(instruct_rows)
for part in (show, usage, statement, paid, received, returned):
    app.command()(part)
