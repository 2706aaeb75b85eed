"""`gongzhang key operator`: the people who sign for a participant."""

import getpass
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.homes import Home, Json, open_home
from cli.output import emit, guarded, out, say, table, talk
from cli.signing import As, decide, generation_of
from ledger.errors import FormError
from ledger.keyfile import create_key, read_public
from node.approvals import operators_value

app = typer.Typer(no_args_is_help=True, help="The people who sign for a participant.")

FOLDER = "operators"
Name = Annotated[str, typer.Argument(metavar="NAME", help="letters, digits, dot, dash, underscore")]


@app.command()
def add(
    name: Name,
    home: Home,
    out_file: Annotated[
        Path | None, typer.Option("--out", help="key file (default: HOME/operators/NAME.key)")
    ] = None,
    public: Annotated[
        str | None, typer.Option("--public", help="a public key they have already, hex")
    ] = None,
    passphrase: Annotated[
        bool, typer.Option("--passphrase", help="seal the key file; asked for on the terminal")
    ] = False,
    key: As = None,
    as_json: Json = False,
) -> None:
    """Let a named person sign for this node's log, or give them another key.

    From the second one on, two of them sign whatever decides or moves money. Hand the key file
    to the person and keep it off this machine. If the file is there already, its key is taken.
    """
    path = None if public else (out_file or home / FOLDER / f"{name}.key")

    def make() -> str:
        if public and (out_file or passphrase):
            raise FormError("--public", "no --out and no --passphrase beside it")
        if path is None:
            return str(public)
        with open_home(home):
            pass  # no key for a home that is none
        if path.exists():  # an earlier attempt may have got so far
            purpose, known = read_public(path)
            if purpose != "operator":
                raise FormError(str(path), "an operator's key file, or none", purpose)
            return known.hex()
        path.parent.mkdir(mode=0o700, exist_ok=True)
        return create_key(path, "operator", passphrase=_passphrase() if passphrase else None).hex()

    made = guarded(make, as_json=as_json)
    value = decide(home, "operator", key, as_json=as_json, name=name, public=made)
    if value is None:
        return
    if as_json:
        emit({"ok": True, **value, "file": None if path is None else str(path)})
        return
    where = f": {path}" if path is not None else ""
    talk().print(
        say(
            f"{name} may sign by entry {value['index']}{where}",
            f"{name} 自条目 {value['index']} 起有权复核签名{where}",
        ),
        markup=False,
    )


def _passphrase() -> bytes:
    first = getpass.getpass(say("new passphrase: ", "新口令："))
    if not first or first != getpass.getpass(say("again: ", "再输一次：")):
        raise FormError("passphrase", say("the same text twice, not empty", "两次一致且非空"))
    return first.encode()


@app.command()
def remove(name: Name, home: Home, key: As = None, as_json: Json = False) -> None:
    """Let an operator sign no more; the last two can only be replaced."""
    value = decide(home, "operator", key, as_json=as_json, name=name, status="removed")
    if value is None:
        return
    if as_json:
        emit({"ok": True, **value})
    else:
        talk().print(
            say(
                f"{name} may sign no more by entry {value['index']}",
                f"{name} 自条目 {value['index']} 起不再有权签名",
            )
        )


@app.command("list")
def list_(home: Home, as_json: Json = False) -> None:
    """List who may sign for this node's log, who may no more, and who approved that."""

    def act() -> list[dict[str, Any]]:
        with open_home(home) as opened:
            start = generation_of(opened).start
            return operators_value(opened.reader, opened.config.code, start)

    found = guarded(act, as_json=as_json)
    if as_json:
        emit({"operators": found})
        return
    states = {"active": say("active", "有效"), "removed": say("removed", "已撤销")}
    columns = [
        (say("name", "姓名"), "left"), (say("state", "状态"), "left"),
        (say("by entry", "条目"), "right"), (say("approved by", "复核人员"), "left"),
        (say("key", "公钥"), "left"),
    ]  # fmt: skip
    rows = [
        [o["name"], states[o["status"]], str(o["index"]), ", ".join(o["approved_by"]) or "-",
         o["key"]]
        for o in found
    ]  # fmt: skip
    out().print(table(say("Operators", "复核人员"), columns, rows))
