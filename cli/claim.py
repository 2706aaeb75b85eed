"""`gongzhang claim`: a bill at the counter of a treatment province, decided by the insured one."""

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from cli.homes import Home, Json
from cli.output import emit, guarded, out, say, table, talk
from ledger.errors import FormError, LedgerError
from node.config import load_config
from node.hospital import TOKENS, Tokens
from node.orders import call, check

app = typer.Typer(
    no_args_is_help=True, help=say("Bills at the counter.", "就医结算（预结算、结算、撤销）。")
)

File = Annotated[Path, typer.Argument(help="the claim, JSON; see docs/claims.md")]
SetlId = Annotated[str, typer.Argument(help="the settlement's id")]

COLUMNS = {
    "medfee_sumamt": ("total", "医疗费总额"),
    "fulamt_ownpay_amt": ("wholly self-paid", "全自费"),
    "overlmt_selfpay": ("above a limit", "超限价自费"),
    "preselfpay_amt": ("first self-pay", "先行自付"),
    "inscp_amt": ("in scope", "符合政策范围"),
    "act_pay_dedc": ("deductible", "实际支付起付线"),
    "fund_pay_sumamt": ("paid by funds", "基金支付总额"),
    "acct_pay": ("personal account", "个人账户支付"),
    "cash_payamt": ("cash", "现金支付"),
}


class BadClaimError(FormError):
    """The node says which field is not what it must be."""

    def __init__(self, text: str) -> None:
        LedgerError.__init__(self, text)


@app.command()
def presettle(file: File, home: Home, as_json: Json = False) -> None:
    """Ask what the funds would pay; nothing is kept."""
    _print(_post(home, "presettle", _read(file), as_json=as_json), as_json=as_json)


@app.command()
def settle(file: File, home: Home, as_json: Json = False) -> None:
    """Settle a bill, once: the same id with the same content gives the same answer."""
    _print(_post(home, "settle", _read(file), as_json=as_json), as_json=as_json)


@app.command()
def cancel(
    setl_id: SetlId,
    cancel_id: Annotated[str, typer.Argument(help="a new id, for the reversal")],
    time: Annotated[
        str, typer.Option("--time", help="of the cancellation, YYYY-MM-DDThh:mm:ss+08:00")
    ],
    home: Home,
    as_json: Json = False,
) -> None:
    """Take back what is left of a settlement, or a claim whose outcome is not known."""
    form = {"setl_id": setl_id, "cancel_id": cancel_id, "setl_time": time}
    _print(_post(home, "cancel", json.dumps(form).encode(), as_json=as_json), as_json=as_json)


@app.command()
def show(setl_id: SetlId, home: Home, as_json: Json = False) -> None:
    """Show how far a claim is and how its bill was split, step by step."""

    def act() -> Any:
        status, value = asyncio.run(call(home, f"/api/v1/claims/{setl_id}", method="GET"))
        check(status, value)
        return value

    _print(guarded(act, as_json=as_json), as_json=as_json)


@app.command()
def token(
    institution: Annotated[str, typer.Argument(help="the institution's code")],
    home: Home,
    as_json: Json = False,
) -> None:
    """Make the token with which an institution's system calls this node; shown once."""

    def act() -> tuple[str, str]:
        config = load_config(home)
        return Tokens(home / TOKENS).issue(institution), config.hospitals

    value, url = guarded(act, as_json=as_json)
    if as_json:
        emit({"ok": True, "institution": institution, "token": value, "url": url})
        return
    out().print(value, markup=False)
    where = url or say(
        "no `hospitals` address in node.toml yet", "node.toml 尚未配置 hospitals 地址"
    )
    talk().print(
        say(f"Authorization: Bearer … at {where}", f"以 Authorization: Bearer … 调用 {where}"),
        markup=False,
    )


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise typer.BadParameter(f"{file}: {error.strerror}") from None


def _post(home: Path, verb: str, data: bytes, *, as_json: bool) -> Any:
    def act() -> Any:
        status, value = asyncio.run(call(home, f"/api/v1/claims:{verb}", data))
        if status == 400:
            raise BadClaimError(value.get("detail", ""))
        check(status, value)
        return value

    return guarded(act, as_json=as_json)


def _print(value: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        emit({"ok": True, **value})
        return
    state = {
        "computed": say("computed; nothing is kept", "已预结算，未生效"),
        "asked": say("asked; no answer yet", "已发送，尚无答复"),
        "settled": say("settled", "已结算"),
        "cancelling": say("being cancelled", "撤销中"),
        "cancelled": say("cancelled", "已撤销"),
    }[value["state"]]
    place = "" if value.get("index") is None else f", #{value['index']}"
    talk().print(f"{value['setl_id']}: {state}{place}", markup=False)
    if value.get("cancel_index") is not None:
        talk().print(f"{value['cancel_id']}: #{value['cancel_index']}", markup=False)
    if "bill" not in value or value["state"] == "cancelled":
        return
    rows = [[say(*names), value["bill"][column]] for column, names in COLUMNS.items()]
    rows += [[fund["code"], fund["yuan"]] for fund in value["funds"]]
    title = say("The bill, yuan", "费用分担（元）")
    out().print(table(title, [("", "left"), (say("yuan", "元"), "right")], rows))
    if value["steps"]:
        out().print(_reckoning(value["steps"]))


def _reckoning(steps: list[dict[str, str]]) -> Table:
    rows = [
        [say(s["en"], s["zh"]), s["yuan"], s["parameter"], _source(s)] for s in steps
    ]  # fmt: skip
    columns = [
        (say("step", "步骤"), "left"), (say("yuan", "元"), "right"),
        (say("how", "计算"), "left"), (say("source, how sure", "依据与可靠程度"), "left"),
    ]  # fmt: skip
    shown = table(say("How it was computed", "计算依据"), columns, rows)
    shown.show_lines = True
    return shown


def _source(step: dict[str, str]) -> str:
    return f"{step['source']} ({step['certainty']})" if step["source"] else "-"
