"""`gongzhang key`: a node's keys, as other tools read them, and their rotation."""

import getpass
from typing import Annotated, Any

import typer

from cli import operator
from cli.homes import Home, Json, open_home
from cli.output import emit, guarded, out, say, table, talk
from ledger.cosignature import witness_name
from ledger.errors import FormError
from ledger.keyfile import create_key, is_sealed, load_key, read_public
from ledger.note import COSIGNATURE, ED25519, format_vkey, verifier_key
from node.config import load_config
from node.home import FOREIGN, NEXT, founding_roster, prepare_rotation, public_member
from settlement.roster import PURPOSES

app = typer.Typer(no_args_is_help=True, help=say("Keys.", "密钥。"))
app.add_typer(operator.app, name="operator")


@app.command()
def vkeys(home: Home, as_json: Json = False) -> None:
    """Show this node's verifier keys: for its log's checkpoints, and as a witness of others."""

    def act() -> list[dict[str, str]]:
        with open_home(home) as opened:
            roster, code = opened.roster, opened.config.code
        if code in roster.members:
            member, origin = roster.members[code], roster.origin(code)
        else:  # admitted, but the centre's log has not arrived yet
            member = public_member(home)
            origin = founding_roster(home).origin(code)
        found = [
            ("checkpoint", verifier_key(origin, ED25519, member.checkpoint_key)),
            ("witness", verifier_key(witness_name(origin), COSIGNATURE, member.witness_key)),
        ]
        return [
            {"origin": origin, "purpose": purpose, "vkey": format_vkey(key)}
            for purpose, key in found
        ]

    keys = guarded(act, as_json=as_json)
    if as_json:
        emit({"vkeys": keys})
        return
    columns = [(say("purpose", "用途"), "left"), ("vkey", "left")]
    out().print(table(keys[0]["origin"], columns, [[k["purpose"], k["vkey"]] for k in keys]))


@app.command()
def show(home: Home, as_json: Json = False) -> None:
    """Show every key this node's log has had: which counts, since when, and what follows."""

    def act() -> list[dict[str, Any]]:
        with open_home(home) as opened:
            roster, code = opened.roster, opened.config.code
        rows: list[dict[str, Any]] = []
        for generation in roster.generations.get(code, ()):
            first = {p: getattr(generation.admitted, f"{p}_key") for p in PURPOSES}
            turns = [(p, generation.start, key) for p, key in first.items()]
            turns += [(turn.purpose, turn.start, turn.key) for turn in generation.turns]
            for purpose, start, key in sorted(turns):
                counts = generation is roster.generation(code) and generation.end is None
                current = counts and getattr(generation.member, f"{purpose}_key") == key
                rows.append(_row(generation.number, purpose, key, start, current=current))
        named = {row["key"] for row in rows}
        for purpose in PURPOSES:
            path = home / "keys" / f"{purpose}{NEXT}"
            public = read_public(path)[1].hex() if path.exists() else None
            if public is not None and public not in named:
                rows.append(
                    {"generation": 0, "purpose": purpose, "key": public, "since": None,
                     "state": "next"}
                )  # fmt: skip
        return rows

    rows = guarded(act, as_json=as_json)
    if as_json:
        emit({"keys": rows})
        return
    states = {
        "counts": say("counts", "有效"),
        "past": say("past", "已停用"),
        "next": say("follows after the next start", "下次启动后生效"),
    }
    columns = [
        (say("purpose", "用途"), "left"), (say("generation", "代"), "right"),
        (say("since entry", "自条目"), "right"), (say("state", "状态"), "left"),
        (say("key", "公钥"), "left"),
    ]  # fmt: skip
    shown = [
        [r["purpose"], str(r["generation"] or ""), "" if r["since"] is None else str(r["since"]),
         states[r["state"]], r["key"]]
        for r in rows
    ]  # fmt: skip
    out().print(table(say("Keys", "密钥"), columns, shown))


def _row(generation: int, purpose: str, key: bytes, start: int, *, current: bool) -> dict[str, Any]:
    state = "counts" if current else "past"
    return {"generation": generation, "purpose": purpose, "key": key.hex(), "since": start,
            "state": state}  # fmt: skip


@app.command()
def foreign(home: Home, as_json: Json = False) -> None:
    """Show the key under which logs outside the network are cosigned; make it if there is none.

    Their keys are listed in node.toml as [[witness.log]], the name of this witness as
    witness.name.
    """

    def act() -> str:
        name = load_config(home).witness_name
        if not name:
            raise FormError(str(home / "node.toml"), 'a [witness] table with `name = "..."`')
        path = home / "keys" / FOREIGN
        if path.exists():
            public = read_public(path)[1]
        else:
            public = create_key(path, "foreign", passphrase=_passphrase(home))
        return format_vkey(verifier_key(name, COSIGNATURE, public))

    vkey = guarded(act, as_json=as_json)
    if as_json:
        emit({"ok": True, "vkey": vkey})
    else:
        typer.echo(vkey)


@app.command()
def rotate(
    home: Home,
    purpose: Annotated[
        str, typer.Option("--purpose", help="entry, checkpoint, witness or transport")
    ],
    as_json: Json = False,
) -> None:
    """Make the key that follows; the node goes over to it at its next start.

    The old key is destroyed once nothing can ask for it any more. If a key may be in wrong hands,
    this is not the answer: see `gongzhang roster freeze`.
    """

    def act() -> bytes:
        return prepare_rotation(home, purpose, _passphrase(home))

    key = guarded(act, as_json=as_json)
    if as_json:
        emit({"ok": True, "purpose": purpose, "key": key.hex()})
    else:
        talk().print(
            say(
                f"the next {purpose} key is {key.hex()}; restart the node to go over to it",
                f"下一个 {purpose} 密钥为 {key.hex()}；重启节点后启用",
            )
        )


def _passphrase(home: Any) -> bytes | None:
    # The new file is sealed as the others are; a wrong passphrase would lock the node out.
    path = home / "keys" / "entry.key"
    if not is_sealed(path):
        return None
    secret = getpass.getpass(say("passphrase: ", "口令：")).encode()
    load_key(path, "entry", passphrase=secret)
    return secret
