"""`gongzhang dispute`: contest a settlement, answer, release, ask the centre, rule."""

import asyncio
import hashlib
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.homes import Home, Json, open_home
from cli.output import emit, fail, guarded, name_of, out, say, table, talk, yuan
from cli.signing import As, decide
from ledger.errors import FormError, RefusedError
from ledger.table import Reader
from node.orders import order
from settlement.dispute import report, statuses
from settlement.life import explain
from settlement.lookup import entry_at
from settlement.money import parse_fen
from settlement.outcome import LATE
from settlement.party import CENTRE
from settlement.period import shanghai_day
from settlement.stage import Case

app = typer.Typer(no_args_is_help=True, help=say("Contested settlements.", "有争议的结算记录。"))

SetlId = Annotated[str, typer.Argument(help="the settlement's id")]
Log = Annotated[str, typer.Option("--log", help="whose settlement")]
LogIf = Annotated[
    str | None, typer.Option("--log", help="whose settlement, if several logs have the id")
]
Evidence = Annotated[
    Path | None,
    typer.Option("--evidence", help="a file that stays outside; its SHA-256 is recorded"),
]
Yuan = Annotated[str, typer.Option(help="with split: what is not owed of this fund line, yuan")]


@app.command("open")
def open_(
    setl_id: SetlId,
    home: Home,
    log: Log,
    reason: Annotated[str, typer.Option("--reason", help="a code such as AMOUNT or FEE_CHECK")],
    evidence: Evidence = None,
    as_json: Json = False,
) -> None:
    """Contest a settlement that this province has accepted."""
    given: dict[str, Any] = {"log": log, "setl_id": setl_id, "reason": reason}
    _order(home, "dispute", as_json=as_json, evidence=evidence, **given)


@app.command()
def answer(
    setl_id: SetlId,
    home: Home,
    text: Annotated[str, typer.Option("--text", help="the answer, at most 500 characters")],
    evidence: Evidence = None,
    as_json: Json = False,
) -> None:
    """Answer the contesting of a settlement in this province's log."""
    _order(home, "answer", as_json=as_json, evidence=evidence, setl_id=setl_id, text=text)


@app.command()
def release(
    setl_ids: Annotated[list[str], typer.Argument(help="the settlements' ids")],
    home: Home,
    log: Log,
    as_json: Json = False,
) -> None:
    """Lift disputes and exceptions of this province: these settlements bind from here on."""
    given = {"log": log, "setl_id": setl_ids}
    value = guarded(lambda: asyncio.run(order(home, "release", **given)), as_json=as_json)
    if as_json:
        emit({"ok": True, **value})
    else:
        done = say(f"{len(value['released'])} released", f"已解除 {len(value['released'])} 项")
        talk().print(f"{done}, {say('entry', '条目')} {value['index']}")


@app.command()
def escalate(
    setl_id: SetlId,
    home: Home,
    reason: Annotated[str, typer.Option("--reason", help="why; kept in the log")],
    log: LogIf = None,
    as_json: Json = False,
) -> None:
    """Ask the centre to rule on a contested settlement (at either province)."""
    given: dict[str, Any] = {"setl_id": setl_id, "reason": reason}
    if log is not None:
        given["log"] = log
    _order(home, "escalate", as_json=as_json, **given)


@app.command()
def rule(
    setl_id: SetlId,
    home: Home,
    insured: Annotated[str, typer.Option("--insured", help="who contests it")],
    outcome: Annotated[str, typer.Option("--outcome", help="release, uphold or split")],
    reason: Annotated[str, typer.Option("--reason", help="why; kept in the log")],
    log: LogIf = None,
    employee: Yuan = "0.00",
    resident: Yuan = "0.00",
    other: Yuan = "0.00",
    account: Yuan = "0.00",
    key: As = None,
    as_json: Json = False,
) -> None:
    """Rule on a contested settlement (at the centre): all, none or part of it is owed."""
    texts = {"employee": employee, "resident": resident, "other": other, "account": account}
    amounts = guarded(lambda: {n: parse_fen(text) for n, text in texts.items()}, as_json=as_json)
    upheld = {name: fen for name, fen in amounts.items() if fen}
    given: dict[str, Any] = {"insured": insured, "outcome": outcome, "reason": reason}
    if log is not None:
        given["creditor"] = log
    if upheld:
        given["upheld"] = upheld
    value = decide(home, "rule", key, as_json=as_json, setl_id=setl_id, **given)
    if value is not None:
        _told(value, as_json=as_json)


def _order(
    home: Path, verb: str, *, as_json: bool, evidence: Path | None = None, **arguments: Any
) -> None:
    def act() -> Any:
        if evidence is not None:
            arguments["evidence"] = _digest(evidence)
        return asyncio.run(order(home, verb, **arguments))

    _told(guarded(act, as_json=as_json), as_json=as_json)


def _told(value: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        emit({"ok": True, **value})
        return
    found = value["dispute"]
    state, following = explain(found["state"]), found["next"]
    talk().print(
        f"{found['setl_id']}: {say(state['en'], state['zh'])}; "
        f"{say('entry', '条目')} {value['index']}\n"
        f"{say('next', '下一步')}: {say(following['en'], following['zh'])}",
        markup=False,
    )
    if found["late"]:
        talk().print(say(LATE.en, LATE.zh))


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise FormError(str(path), "a readable file", error.strerror) from None


@app.command("list")
def list_(
    home: Home,
    only_open: Annotated[
        bool, typer.Option("--open", help="only those that somebody has to act on")
    ] = False,
    as_json: Json = False,
) -> None:
    """List the disputes of this node: reason, state, whose turn it is and until which close."""

    def act() -> list[dict[str, Any]]:
        with open_home(home) as opened:
            found = statuses(opened.reader, opened.roster.participants, opened.config.code)
            return [report(item) for item in found if item.turn is not None or not only_open]

    shown = guarded(act, as_json=as_json)
    if as_json:
        emit({"disputes": shown})
        return
    columns = [
        (say("id", "结算编号"), "left"), (say("contested by", "争议方"), "left"),
        (say("is owed", "应收方"), "left"), (say("yuan", "金额（元）"), "right"),
        (say("reason", "原因"), "left"), (say("state", "状态"), "left"),
        (say("next", "待办方"), "left"), (say("until", "截至"), "left"),
    ]  # fmt: skip
    rows = [
        [item["setl_id"], name_of(item["debtor"]), name_of(item["creditor"]), yuan(item["fen"]),
         item["reason"], _state(item), name_of(item["turn"]) if item["turn"] else "-",
         item["until"] or "-"]
        for item in shown
    ]  # fmt: skip
    out().print(table(say("Disputes", "争议"), columns, rows))


def _state(item: dict[str, Any]) -> str:
    words = item["state"] if item["ruling"] is None else f"ruled: {item['ruling']['outcome']}"
    return f"{words} ({say('late', '已清算后提出')})" if item["late"] else words


@app.command()
def show(setl_id: SetlId, home: Home, log: LogIf = None, as_json: Json = False) -> None:
    """Show one dispute: what each side said, whose turn it is and until which close."""

    def act() -> list[dict[str, Any]]:
        with open_home(home) as opened:
            codes = opened.roster.participants
            return [
                {**report(status), "said": said(opened.reader, status.case)}
                for status in statuses(opened.reader, codes, opened.config.code)
                if status.original.setl_id == setl_id and log in (None, status.case.creditor)
            ]

    found = guarded(act, as_json=as_json)
    if not found:
        text = say(f"nobody here contests {setl_id}", f"{setl_id} 无争议")
        fail(RefusedError("UNKNOWN", text), as_json=as_json)
    if len(found) > 1:
        codes = " or ".join(item["creditor"] for item in found)
        fail(FormError("--log", codes, log), as_json=as_json)
    if as_json:
        emit(found[0])
        return
    rows = _rows(found[0])
    out().print(table(say("The dispute", "争议"), [("", "left"), ("", "left")], rows))


def said(reader: Reader, case: Case) -> list[dict[str, Any]]:
    """Return what was said in a dispute, entry by entry: who, where, in which words."""
    places = [(case.debtor, case.contested.since), *case.escalations.items()]
    places += [(case.creditor, case.answer)] if case.answer is not None else []
    places += [(CENTRE, case.ruling)] if case.ruling is not None else []
    found = []
    for code, index in places:
        entry, record = entry_at(reader, code, index)
        words = getattr(record, "text", None) or getattr(record, "reason", "")
        evidence = getattr(record, "evidence", b"").hex()
        kind = type(record).__name__
        place = {"log": code, "index": index, "kind": kind, "at_ms": entry.at_ms}
        found.append({**place, "text": words, "evidence": evidence})
    return sorted(found, key=lambda item: item["at_ms"])


def _rows(item: dict[str, Any]) -> list[list[str]]:
    reason, state, following = explain(item["reason"]), explain(item["state"]), item["next"]
    rows = [
        [say("id", "结算编号"), item["setl_id"]],
        [say("contested by", "争议方"), f"{name_of(item['debtor'])} #{item['index']}"],
        [say("is owed", "应收方"), f"{name_of(item['creditor'])} #{item['original']}"],
        [say("amount, yuan", "金额（元）"), yuan(item["fen"])],
        [say("reason", "原因"), say(reason["en"], reason["zh"])],
        [say("state", "状态"), say(state["en"], state["zh"])],
    ]
    if item["late"]:
        rows.append(["", say(LATE.en, LATE.zh)])
    kinds = {
        "DisputeAnswer": say("answer", "答复"), "Escalation": say("asked for a ruling", "提请裁决"),
        "DisputeRuling": say("ruling", "裁决"), "Acceptance": say("exception", "例外"),
        "Dispute": say("dispute", "争议"),
    }  # fmt: skip
    for words in item["said"]:
        place = f"{name_of(words['log'])} #{words['index']}, {shanghai_day(words['at_ms'])}"
        rows.append([kinds[words["kind"]], f"{place} {words['text']}".rstrip()])
        if words["evidence"]:
            rows.append([say("evidence, SHA-256", "证据 SHA-256"), words["evidence"]])
    ruling = item["ruling"]
    if ruling is not None:
        outcome, upheld = explain(ruling["outcome"]), sum(ruling["upheld_fen"].values())
        rows.append([say("outcome", "裁决结果"), say(outcome["en"], outcome["zh"])])
        if upheld:
            rows.append([say("not owed, yuan", "不应付（元）"), yuan(upheld)])
    if item["release"] is not None:
        rows.append([say("release", "解除"), f"{name_of(item['debtor'])} #{item['release']}"])
    rows.append([say("next", "下一步"), say(following["en"], following["zh"])])
    return rows
