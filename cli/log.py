"""`gongzhang log`: look into logs, export them as files, check the store."""

from pathlib import Path
from typing import Annotated, Any

import typer

from cli.homes import Home, Json, open_home
from cli.output import emit, guarded, name_of, out, say, table, talk
from ledger import log as logs
from ledger.entry import decode_entry
from ledger.errors import DamageError, FormError, UncheckableError
from ledger.evidence import format_evidence
from ledger.fsck import Finding
from ledger.hashing import leaf_hash
from ledger.store import check_in_child
from ledger.table import Reader, log_key
from ledger.tiles import export as export_tiles
from node import docket, heads
from settlement import approval, lookup
from settlement.recheck import check_store
from settlement.record import decode_body
from settlement.wording import named

app = typer.Typer(no_args_is_help=True, help=say("Logs.", "日志。"))


@app.command()
def show(
    home: Home,
    log: Annotated[
        str | None, typer.Option("--log", help="whose log (default: this node's)")
    ] = None,
    start: Annotated[int, typer.Option("--from", min=0, help="first index")] = 0,
    count: Annotated[int, typer.Option("--count", min=1, max=10_000)] = 50,
    as_json: Json = False,
) -> None:
    """Show entries of a log as this node holds it."""

    def act() -> dict[str, Any]:
        with open_home(home) as opened:
            code = log or opened.config.code
            if code not in opened.roster.members:
                raise FormError("--log", f"one of {', '.join(opened.roster.codes)}", code)
            size = logs.size(opened.reader, log_key(code))
            cosigned = heads.size_of(opened.reader, code)
            stop = min(start + count, size)
            entries = [entry_view(opened.reader, code, i) for i in range(start, stop)]
            return {"log": code, "size": size, "cosigned": cosigned, "entries": entries}

    value = guarded(act, as_json=as_json)
    if as_json:
        emit(value)
        return
    columns = [
        ("#", "right"), (say("kind", "类型"), "left"), (say("void", "无效"), "left"),
        (say("approved by", "复核人员"), "left"), (say("content", "内容"), "left"),
    ]  # fmt: skip
    rows = [
        [str(e["index"]), e["kind"], e["void"] or "", ", ".join(e.get("approved_by", [])),
         _brief(e["body"])]
        for e in value["entries"]
    ]  # fmt: skip
    title = (
        f"{name_of(value['log'])}: {value['size']}, {say('cosigned', '已见证')} {value['cosigned']}"
    )
    out().print(table(title, columns, rows))


def entry_view(reader: Reader, code: str, index: int) -> dict[str, Any]:
    """Return one entry by names, whatever it is."""
    leaf = logs.leaf(reader, log_key(code), index)
    view: dict[str, Any] = {
        "index": index,
        "hash": leaf_hash(leaf).hex(),
        "void": lookup.void_code(reader, code, index),
        "kind": "?",
        "body": {},
    }
    try:
        entry = decode_entry(leaf)
        view |= {"kind": str(entry.kind), "at_ms": entry.at_ms, "origin": entry.origin}
        record = decode_body(entry.kind, entry.body)
    except FormError as error:
        return {**view, "error": str(error)}
    view |= {"kind": type(record).__name__, "body": named(record)}
    if view["void"] is None:
        view["approved_by"] = approval.approvers(reader, code, record)
    return view


def _brief(body: dict[str, Any]) -> str:
    shown = []
    for name, value in body.items():
        if name in ("approvals", "commitment", "cut", "nets", "matches"):
            continue
        if isinstance(value, dict):
            value = "/".join(str(v) for v in value.values())
        if isinstance(value, str) and len(value) > 24:
            value = value[:24] + "…"  # hashes and keys; `--json` has all of them
        shown.append(f"{name}={value}")
    return " ".join(shown)


@app.command()
def export(
    target: Annotated[Path, typer.Argument(help="a new folder")],
    home: Home,
    log: Annotated[str | None, typer.Option("--log", help="only this log (default: all)")] = None,
    as_json: Json = False,
) -> None:
    """Write logs as tlog-tiles folders, one per code, that any file server can host."""

    def act() -> dict[str, int]:
        if target.exists() and any(target.iterdir()):
            raise FormError(str(target), "a folder that does not exist or is empty")
        sizes: dict[str, int] = {}
        with open_home(home) as opened:
            if log and log not in opened.roster.members:
                raise FormError("--log", f"one of {', '.join(opened.roster.codes)}", log)
            for code in [log] if log else opened.roster.codes:
                head = heads.load(opened.reader, code)
                if head is None:
                    if log:
                        raise UncheckableError(f"{code}: no quorum-cosigned head is known here")
                    continue
                _export(opened.reader, code, head, target / code)
                sizes[code] = head.size
        return sizes

    sizes = guarded(act, as_json=as_json)
    if as_json:
        emit({"ok": True, "sizes": sizes})
    else:
        talk().print(
            say(f"{len(sizes)} logs in {target}", f"已导出 {len(sizes)} 本日志到 {target}")
        )


@app.command()
def evidence(
    target: Annotated[Path, typer.Argument(help="folder for the .evidence files")],
    home: Home,
    log: Annotated[str | None, typer.Option("--log", help="only this log (default: all)")] = None,
    as_json: Json = False,
) -> None:
    """Write the evidence this node holds as files that convict without it."""

    def act() -> list[str]:
        written = []
        with open_home(home) as opened:
            for code in [log] if log else opened.roster.codes:
                for item in docket.stored(opened.reader, code):
                    target.mkdir(parents=True, exist_ok=True)
                    path = target / f"{code}-{item.kind}-{item.id.hex()[:8]}.evidence"
                    path.write_bytes(format_evidence(item))
                    written.append(str(path))
        return written

    written = guarded(act, as_json=as_json)
    if as_json:
        emit({"ok": True, "evidence": written})
        return
    for path in written:
        out().print(path)
    if not written:
        talk().print(say("no evidence is held here", "本节点没有证据文件"))


def _export(reader: Reader, code: str, head: heads.KnownHead, folder: Path) -> None:
    for place, data in export_tiles(reader, log_key(code), head.size):
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    # Last, so that a folder with a checkpoint is complete.
    (folder / "checkpoint").write_bytes(head.note)


@app.command()
def fsck(home: Home, as_json: Json = False) -> None:
    """Recompute the store from its entries; name every place that differs (exit 4)."""

    def act() -> list[Finding]:
        try:
            check_in_child(home / "data")
            with open_home(home) as opened:
                return check_store(opened.reader, opened.founding)
        except DamageError as error:
            return [Finding(error.place, str(error.expected), str(error.found))]

    found = guarded(act, as_json=as_json)
    if as_json:
        emit({"ok": not found, "findings": [f._asdict() for f in found]})
    elif found:
        columns = [
            (say("place", "位置"), "left"),
            (say("expected", "应为"), "left"),
            (say("found", "实为"), "left"),
        ]
        out().print(table(say("Damage", "损坏"), columns, [list(f) for f in found[:100]]))
    else:
        talk().print(say("everything agrees with the entries", "存储与条目完全一致"))
    raise typer.Exit(4 if found else 0)
