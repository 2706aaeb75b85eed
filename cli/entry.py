"""`gongzhang entry`: settlements into the log, and the life of one case."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.homes import Home, Json, OpenHome, open_home
from cli.output import emit, fail, guarded, name_of, out, say, table, talk, yuan
from cli.prove import write_proof
from ledger.checkpoint import SignedCheckpoint
from ledger.cosignature import cosigners_of
from ledger.errors import FormError, RefusedError
from ledger.note import parse_note
from node import heads
from node.orders import call, check
from settlement.csvfile import LineFault
from settlement.life import case_life, explain
from settlement.outcome import Text

app = typer.Typer(no_args_is_help=True, help=say("Settlements and cases.", "结算记录与个案。"))


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV in the national field names")],
    home: Home,
    only_mine: Annotated[
        bool, typer.Option("--only-mine", help="leave out patients treated in other provinces")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="check only")] = False,
    as_json: Json = False,
) -> None:
    """Record the settlements of a file in this province's log: all of them or none."""
    query = "&".join(n for n, on in (("only_mine", only_mine), ("dry_run", dry_run)) if on)

    def act() -> tuple[int, Any]:
        try:
            data = file.read_bytes()
        except OSError as error:
            raise FormError(str(file), "a readable file", error.strerror) from None
        return asyncio.run(call(home, "/api/v1/import", data, query))

    status, value = guarded(act, as_json=as_json)
    if status == 422 and "faults" in value:
        faults = [
            LineFault(f["line"], f["column"], f["code"], _text(f), f["value"])
            for f in value["faults"]
        ]
        print_faults(faults, as_json=as_json)
        raise typer.Exit(1)
    guarded(lambda: check(status, value), as_json=as_json)
    if as_json:
        emit({"ok": True, **value})
        return
    entered = value.get("entered", value["new"])
    verb = say("would enter", "将登记") if dry_run else say("entered", "已登记")
    talk().print(
        f"{verb} {entered}; "
        + say(
            f"already here {value['known']}, left out {value['left_out']}",
            f"已存在 {value['known']}，排除 {value['left_out']}",
        )
    )


def _text(fault: dict[str, Any]) -> Any:
    return Text(fault["en"], fault["zh"])


def print_faults(faults: Sequence[LineFault], *, as_json: bool) -> None:
    """Print the faults of a file: one row per line and column."""
    if as_json:
        listed = [
            {"line": f.line, "column": f.column, "code": f.code, "en": f.text.en, "zh": f.text.zh,
             "value": f.value}
            for f in faults
        ]  # fmt: skip
        emit({"ok": False, "code": "FAULTS", "faults": listed})
        return
    columns = [
        (say("line", "行"), "right"), (say("column", "列"), "left"), (say("code", "代码"), "left"),
        (say("what is wrong", "问题"), "left"), (say("value", "值"), "left"),
    ]  # fmt: skip
    rows = [
        [str(f.line), f.column, f.code, say(f.text.en, f.text.zh), f.value[:40]]
        for f in faults[:50]
    ]
    out().print(table(say("Nothing was recorded", "未登记任何记录"), columns, rows))
    if len(faults) > 50:
        talk().print(say(f"and {len(faults) - 50} more", f"另有 {len(faults) - 50} 项"))


@app.command()
def show(
    setl_id: Annotated[str, typer.Argument(help="the settlement's id")],
    home: Home,
    receipt: Annotated[
        Path | None,
        typer.Option("--receipt", help="write FILE.tlog-proof and FILE.leaf to hand on"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show where a case stands, who has witnessed it, in which batch, and what comes next."""

    def act() -> dict[str, Any] | None:
        with open_home(home) as opened:
            life = case_life(opened.reader, opened.roster, setl_id)
            if life is None:
                return None
            if receipt is not None:
                names = [receipt.with_name(receipt.name + end) for end in (".tlog-proof", ".leaf")]
                write_proof(opened, life["log"], life["index"], names[0], names[1])
            return {**life, "witnesses": _witnesses(opened, life["log"], life["index"])}

    life = guarded(act, as_json=as_json)
    if life is None:
        text = say(f"no log here has {setl_id}", f"本节点没有 {setl_id} 的记录")
        fail(RefusedError("UNKNOWN", text), as_json=as_json)
    if as_json:
        emit(life)
        return
    state = explain(life["state"])
    reason = explain(life["reason"]) if life["reason"] else None
    lines = life["lines_fen"]
    rows = [
        [say("id", "结算编号"), setl_id],
        [say("kind", "类型"), life["kind"]],
        [say("place", "位置"), f"{name_of(life['log'])} #{life['index']}"],
        [say("witnesses", "见证"), _shown(life["witnesses"])],
        [say("owes", "应付方"), name_of(life["debtor"])],
        [say("is owed", "应收方"), name_of(life["creditor"])],
        [say("service month", "所属月份"), life["month"]],
        [say("amount, yuan", "金额（元）"), yuan(sum(lines.values()))],
        [say("state", "状态"), say(state["en"], state["zh"])],
        [say("batch", "清算批次"), life["batch"] or "-"],
        [say("reason", "原因"), say(reason["en"], reason["zh"]) if reason else "-"],
        *_dispute_rows(life),
        [say("next", "下一步"), say(life["next"]["en"], life["next"]["zh"])],
    ]
    out().print(table(say("The case", "个案"), [("", "left"), ("", "left")], rows))


def _dispute_rows(life: dict[str, Any]) -> list[list[str]]:
    if life["dispute"] is None:
        return []
    state, note = explain(life["dispute"]["state"]), life["note"]
    rows = [[say("dispute", "争议"), say(state["en"], state["zh"])]]
    return rows + ([["", say(note["en"], note["zh"])]] if note else [])


def _witnesses(opened: OpenHome, code: str, index: int) -> list[str]:
    """Return who cosigned the newest head known here, if it covers the entry."""
    head = heads.load(opened.reader, code)
    if head is None or head.size <= index:
        return []
    point = opened.roster.open_head(code, head.note)
    signed = SignedCheckpoint(point, parse_note(head.note))
    return sorted(cosigners_of(signed, opened.roster.witnesses(code)))


def _shown(witnesses: list[str]) -> str:
    if not witnesses:
        return say("none yet: no quorum has cosigned it", "尚无：未达法定见证")
    names = ", ".join(witnesses[:6]) + (" …" if len(witnesses) > 6 else "")
    return f"{len(witnesses)}: {names}"
