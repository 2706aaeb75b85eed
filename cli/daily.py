"""The daily reconciliation: statements with every treatment province, the own export, the clerk."""

import asyncio
from datetime import date
from pathlib import Path
from time import monotonic
from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from cli.differences import check_target, differences_table, visits_table, write_differences
from cli.homes import Home, Json
from cli.output import emit, guarded, name_of, out, say, table, talk, yuan
from ledger.errors import FormError
from node.orders import call, check, order

PATIENCE_SECONDS = 20
STATES = {
    "waiting": ("waiting", "等待对方"), "match": ("match", "一致"),
    "differs": ("differs", "不一致"), "confirmed": ("confirmed", "已确认"),
}  # fmt: skip

With = Annotated[str | None, typer.Option("--with", help="only with this province")]


def _day(text: str | None) -> str | None:
    try:
        if text is None or date.fromisoformat(text).isoformat() == text:
            return text
    except ValueError:
        pass
    raise typer.BadParameter(say("expected YYYY-MM-DD", "应为 YYYY-MM-DD"))


def statement(
    home: Home,
    day: Annotated[
        str | None, typer.Option("--day", help="YYYY-MM-DD (default: yesterday)", callback=_day)
    ] = None,
    code: With = None,
    again: Annotated[bool, typer.Option("--again", help="ask the other provinces again")] = False,
    as_json: Json = False,
) -> None:
    """Show what this province and each treatment province have for a day, and what differs.

    Exit 1 if a statement differs, 3 if another province has not answered yet.
    """
    value = guarded(lambda: asyncio.run(_statement(home, day, code, again=again)), as_json=as_json)
    states = {item["state"] for item in value["statements"]}
    if as_json:
        emit({"ok": "differs" not in states and "waiting" not in states, **value})
    else:
        _show(value)
    raise typer.Exit(1 if "differs" in states else 3 if "waiting" in states else 0)


async def _statement(
    home: Path, day: str | None, code: str | None, *, again: bool
) -> dict[str, Any]:
    value = await _load(home, day, code)
    if again:
        arguments = {"day": value["day"], **({"code": code} if code else {})}
        await order(home, "statement", **arguments)
        end = monotonic() + PATIENCE_SECONDS
        value = await _load(home, value["day"], code)
        while any(s["state"] == "waiting" for s in value["statements"]) and monotonic() < end:
            await asyncio.sleep(0.2)
            value = await _load(home, value["day"], code)
    return value


async def _load(home: Path, day: str | None, code: str | None) -> dict[str, Any]:
    query = urlencode({k: v for k, v in (("day", day), ("with", code)) if v is not None})
    status, value = await call(home, "/api/v1/day/statement", query=query, method="GET")
    check(status, value)
    assert isinstance(value, dict)
    return value


def _show(value: dict[str, Any]) -> None:
    console = out()
    columns = [
        (say("with", "对方"), "left"), (say("state", "状态"), "left"),
        (say("person-times, ours", "本方人次"), "right"), (say("theirs", "对方人次"), "right"),
        (say("total, ours", "本方医疗费"), "right"), (say("theirs", "对方医疗费"), "right"),
        (say("funds, ours", "本方基金"), "right"), (say("theirs", "对方基金"), "right"),
        (say("remark", "备注"), "left"),
    ]  # fmt: skip
    rows = [_row(item) for item in value["statements"]]
    if not rows:
        talk().print(
            say(f"{value['day']}: nothing with anybody", f"{value['day']}：无任何往来记录")
        )
        return
    console.print(table(f"{name_of(value['code'])}, {value['day']}", columns, rows))
    for item in value["statements"]:
        if item["differences"]:
            talk().print(name_of(item["with"]))
            ours, theirs = say("ours", "本方"), say("theirs", "对方")
            console.print(differences_table(item["differences"], ours, theirs))
            if item["left_out"]:
                talk().print(say(f"and {item['left_out']} more", f"另有 {item['left_out']} 项"))
        if any(visit["open"] for visit in item["same_visits"]):
            console.print(visits_table(item["same_visits"]))


def _row(item: dict[str, Any]) -> list[str]:
    ours, theirs = _sums(item["ours"]), _sums(item["theirs"])
    waits = item["state"] == "waiting"
    reason, confirmed = item["reason"], item["confirmed"]
    remark = say(reason["en"], reason["zh"]) if reason else ""
    if confirmed and item["state"] != "confirmed":
        remark = say("changed since it was confirmed", "确认后有变化")
    elif confirmed:
        remark = confirmed["note"]
    return [
        name_of(item["with"]), say(*STATES[item["state"]]), _or_dash(str(ours[0]), waits),
        _or_dash(str(theirs[0]), waits), _or_dash(yuan(ours[1]), waits),
        _or_dash(yuan(theirs[1]), waits), _or_dash(yuan(ours[2]), waits),
        _or_dash(yuan(theirs[2]), waits), remark,
    ]  # fmt: skip


def _or_dash(text: str, waits: bool) -> str:
    return "-" if waits else text


def _sums(cells: list[dict[str, Any]]) -> tuple[int, int, int]:
    names = ("person_times", "medfee_fen", "fund_fen")
    times, medfee, fund = (sum(cell[name] for cell in cells) for name in names)
    return times, medfee, fund


def confirm(
    day: Annotated[str, typer.Argument(help="YYYY-MM-DD", callback=_day)],
    home: Home,
    code: With = None,
    note: Annotated[
        str, typer.Option("--note", help="why a day is confirmed that does not match")
    ] = "",
    as_json: Json = False,
) -> None:
    """Confirm the statements of a day (at the insured province).

    A confirmation holds for what stands there now: if it changes later, the day is open again.
    """
    arguments = {"day": day, "note": note, **({"code": code} if code else {})}
    value = guarded(lambda: asyncio.run(order(home, "confirm-day", **arguments)), as_json=as_json)
    if as_json:
        emit({"ok": True, **value})
        return
    names = ", ".join(map(name_of, value["confirmed"]))
    talk().print(f"{day}: " + say(f"confirmed {names or '-'}", f"已确认 {names or '-'}"))


def compare(
    file: Annotated[Path, typer.Argument(help="the province's own export, CSV or xlsx")],
    home: Home,
    day: Annotated[str | None, typer.Option("--day", help="YYYY-MM-DD", callback=_day)] = None,
    month: Annotated[str | None, typer.Option("--month", help="YYYY-MM")] = None,
    side: Annotated[
        str, typer.Option("--side", help="insured or treatment: which of this province's rows")
    ] = "insured",
    target: Annotated[
        Path | None, typer.Option("--out", help="write the differences, .xlsx or .csv")
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare the province's own business export with what its node holds. Exit 1 if they differ.

    The header has the national field names (setl_id, medfee_sumamt, fund_pay_sumamt, acct_pay ...)
    or their usual Chinese names; other columns are ignored.
    """

    def act() -> tuple[int, Any]:
        check_target(target)
        try:
            data = file.read_bytes()
        except OSError as error:
            raise FormError(str(file), "a readable file", error.strerror) from None
        asked = {"day": day, "month": month, "side": side}
        query = urlencode({name: value for name, value in asked.items() if value is not None})
        return asyncio.run(call(home, "/api/v1/day/compare", data, query))

    status, value = guarded(act, as_json=as_json)
    if status == 422 and "faults" in value:
        _print_faults(value["faults"], as_json=as_json)
        raise typer.Exit(1)
    guarded(lambda: _check(status, value), as_json=as_json)
    if target is not None:
        guarded(
            lambda: write_differences(target, value["differences"], value["same_visits"]),
            as_json=as_json,
        )
    if as_json:
        emit({"ok": value["match"], **value})
    else:
        _show_comparison(value, target)
    raise typer.Exit(0 if value["match"] else 1)


def _check(status: int, value: Any) -> None:
    if status == 400:  # wrong use, not a false statement
        raise FormError("day compare", "see --help", value.get("detail"))
    check(status, value)


def _show_comparison(value: dict[str, Any], target: Path | None) -> None:
    rows = value["rows"]
    talk().print(
        say(
            f"the node has {rows['node']} rows, the file {rows['file']}; {rows['left_out']} rows "
            "of the file are of other days or provinces",
            f"节点 {rows['node']} 条，文件 {rows['file']} 条；"
            f"文件中另有 {rows['left_out']} 条属于其他日期或省份",
        )
    )
    if target is not None:
        talk().print(say(f"written: {target}", f"已写出：{target}"))
    if any(visit["open"] for visit in value["same_visits"]):
        out().print(visits_table(value["same_visits"]))
    if value["match"]:
        talk().print(say("no difference", "无差异"))
        return
    counts = [[kind, str(count)] for kind, count in sorted(value["counts"].items())]
    columns = [(say("what", "差异"), "left"), (say("rows", "条数"), "right")]
    out().print(table(say("How they differ", "差异汇总"), columns, counts))
    ours, theirs = say("node", "节点"), say("file", "文件")
    out().print(differences_table(value["differences"], ours, theirs))


def _print_faults(faults: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        emit({"ok": False, "code": "FAULTS", "faults": faults})
        return
    columns = [
        (say("place", "位置"), "left"), (say("column", "列"), "left"),
        (say("code", "代码"), "left"), (say("what is wrong", "问题"), "left"),
        (say("value", "值"), "left"),
    ]  # fmt: skip
    rows = [
        [
            f["cell"] or say(f"line {f['line']}", f"第 {f['line']} 行"), f["column"], f["code"],
            say(f["en"], f["zh"]), f["value"][:60],
        ]
        for f in faults[:50]
    ]  # fmt: skip
    out().print(table(say("Nothing was compared", "未比对任何记录"), columns, rows))
    if len(faults) > 50:
        talk().print(say(f"and {len(faults) - 50} more", f"另有 {len(faults) - 50} 项"))
