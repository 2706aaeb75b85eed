"""`gongzhang batch`: close a month, look at it, attest it, confirm it, certify it."""

import asyncio
from typing import Annotated, Any

import typer

from cli.homes import Home, Json, Month, open_home
from cli.labels import MODELS
from cli.leg import legs_table
from cli.output import emit, guarded, name_of, out, say, table, talk, yuan
from cli.signing import As, decide
from ledger.errors import RefusedError
from node import heads
from node.orders import order
from settlement import batch as batches
from settlement import obligation
from settlement.close import closes_to
from settlement.lookup import applied_size
from settlement.party import CENTRE
from settlement.report import figures, month_report

app = typer.Typer(no_args_is_help=True, help=say("The monthly batch.", "月度清算批次。"))

Reason = Annotated[str, typer.Option("--reason", help="why; kept in the log")]


@app.command()
def close(
    month: Month,
    home: Home,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="show what the month would come to now")
    ] = False,
    key: As = None,
    as_json: Json = False,
) -> None:
    """Draw the cut and propose the batch of a month (at the centre)."""
    if not dry_run:
        _decide(home, "close", key, as_json=as_json, month=month)
        return

    def act() -> dict[str, Any]:
        with open_home(home) as opened:
            cut = heads.cut_now(opened.reader, opened.roster.participants)
            size = applied_size(opened.reader, CENTRE)
            result = batches.compute(opened.reader, opened.founding, month, cut, size)
            closes = closes_to(opened.reader, month, cut, size)
            position = obligation.at_cut(opened.reader, opened.roster, closes)
            carried = obligation.carried(opened.reader, opened.roster, cut, month, position)
            return {"month": month, **figures(result), "carried": carried}

    value = guarded(act, as_json=as_json)
    if as_json:
        emit(value)
    else:
        talk().print(
            say(
                f"{month} would clear {value['entries']} entries, {yuan(value['gross_fen'])} yuan; "
                f"{value['carried']} would be carried",
                f"{month} 将清算 {value['entries']} 条记录，共 {yuan(value['gross_fen'])} 元；"
                f"结转 {value['carried']} 条",
            )
        )


@app.command()
def show(month: Month, home: Home, as_json: Json = False) -> None:
    """Show how far a month is, who has attested, and what is owed."""

    def act() -> dict[str, Any]:
        with open_home(home) as opened:
            report = month_report(opened.reader, opened.founding, month)
        if report is None:
            raise RefusedError(
                "STATE", say(f"{month} has not been proposed", f"{month} 尚未提出批次")
            )
        return report

    report = guarded(act, as_json=as_json)
    if as_json:
        emit(report)
        return
    console = out()
    rows = [
        [say("state", "状态"), _state(report)],
        [say("model", "模型"), say(MODELS[report["model"]].en, MODELS[report["model"]].zh)],
        [say("entries", "记录数"), str(report["entries"])],
        [say("gross, yuan", "总额（元）"), yuan(report["gross_fen"])],
        [say("carried", "结转"), str(report["carried"])],
        [
            say("matches", "一致签认"),
            f"{len(report['matches'])} ({say('quorum', '法定数')} {report['quorum']})",
        ],
        [say("mismatches", "不一致"), ", ".join(map(name_of, report["mismatches"])) or "-"],
        [say("missing", "未签认"), ", ".join(map(name_of, report["missing"])) or "-"],
        [say("result", "结果哈希"), report["result_hash"]],
    ]
    if report["result_hash"] != report["proposed_hash"]:
        rows.append([say("the centre claims", "中心所称结果"), report["proposed_hash"]])
    console.print(table(month, [("", "left"), ("", "left")], rows))
    pairs = [
        [name_of(pair[:6]), name_of(pair[7:]), yuan(fen)]
        for pair, fen in report["pairs_fen"].items()
    ]
    columns = [
        (say("debtor", "应付方"), "left"), (say("creditor", "应收方"), "left"),
        (say("yuan", "金额（元）"), "right"),
    ]  # fmt: skip
    if len(pairs) > 1:
        total = sum(report["pairs_fen"].values())
        pairs.append([say("total", "合计"), "", yuan(total)])
    console.print(table(say("Pair sums", "双边金额"), columns, pairs))
    console.print(legs_table(month, report["legs"]))


_STATE = {
    "PROPOSED": "已提出", "ATTESTED": "已签认", "CONTESTED": "有不一致", "CONFIRMED": "已确认",
    "SETTLED": "资金已结清", "FINAL": "已出具最终证书", "WITHDRAWN": "已撤回",
}  # fmt: skip


def _state(report: dict[str, Any]) -> str:
    # The documents name the state by its code, which therefore stands there in both languages.
    state, revision = report["state"], report["revision"]
    return say(f"{state} (r{revision})", f"{_STATE[state]} {state}（第 {revision} 版）")


@app.command()
def attest(home: Home, key: As = None, as_json: Json = False) -> None:
    """Recompute the open batch and sign what came out (at a province)."""
    value = decide(home, "attest", key, as_json=as_json)
    if value is None:
        return
    if as_json:
        emit({"ok": value["match"], **value})
    elif value["match"]:
        talk().print(say(f"{value['month']}: match", f"{value['month']}：结果一致"))
    else:
        columns = [
            (say("debtor", "应付方"), "left"), (say("creditor", "应收方"), "left"),
            (say("line", "基金"), "left"), (say("proposed", "所提"), "right"),
            (say("computed", "重算"), "right"),
        ]  # fmt: skip
        rows = [
            [name_of(d), name_of(c), line, yuan(a), yuan(b)] for d, c, line, a, b in value["cells"]
        ]
        out().print(table(say("Mismatch, yuan", "不一致（元）"), columns, rows))
    raise typer.Exit(0 if value["match"] else 1)


@app.command()
def confirm(month: Month, home: Home, key: As = None, as_json: Json = False) -> None:
    """Confirm a batch that has its quorum (at the centre)."""
    _decide(home, "confirm", key, as_json=as_json, month=month)


@app.command()
def final(month: Month, home: Home, as_json: Json = False) -> None:
    """Write the final certificate once every leg is received (at the centre)."""
    _order(home, "final", as_json=as_json, month=month)


@app.command()
def withdraw(
    month: Month, home: Home, reason: Reason, key: As = None, as_json: Json = False
) -> None:
    """Take an unconfirmed proposal back (at the centre)."""
    _decide(home, "withdraw", key, as_json=as_json, month=month, reason=reason)


@app.command()
def dismiss(
    month: Month,
    code: Annotated[str, typer.Argument(help="whose mismatch")],
    home: Home,
    reason: Reason,
    key: As = None,
    as_json: Json = False,
) -> None:
    """Rule that a mismatch does not hold up the month (at the centre)."""
    _decide(home, "dismiss", key, as_json=as_json, month=month, code=code, reason=reason)


@app.command()
def breach(
    month: Month,
    event: Annotated[str, typer.Argument(help="the step, as `gongzhang calendar --json` names it")],
    home: Home,
    as_json: Json = False,
) -> None:
    """Record that the centre has not done a step of a month by its due day (at a province)."""
    _order(home, "breach", as_json=as_json, month=month, event=event)


@app.command()
def silence(
    code: Annotated[str, typer.Argument(help="who has not attested")],
    home: Home,
    as_json: Json = False,
) -> None:
    """Record that a participant has not attested the open batch (at another province)."""
    _order(home, "silence", as_json=as_json, code=code)


def _order(home: Any, verb: str, *, as_json: bool, **arguments: Any) -> None:
    _done(
        guarded(lambda: asyncio.run(order(home, verb, **arguments)), as_json=as_json),
        verb,
        as_json=as_json,
    )


def _decide(home: Any, verb: str, key: Any, *, as_json: bool, **arguments: Any) -> None:
    value = decide(home, verb, key, as_json=as_json, **arguments)
    if value is not None:
        _done(value, verb, as_json=as_json)


def _done(value: dict[str, Any], verb: str, *, as_json: bool) -> None:
    if as_json:
        emit({"ok": True, **value})
    else:
        talk().print(f"{value['month']}: {verb}, {say('entry', '条目')} {value['index']}")
