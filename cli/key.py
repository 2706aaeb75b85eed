"""`gongzhang key`: public keys in the form other tools read."""

import typer

from cli.homes import Home, Json
from cli.output import emit, guarded, out, say, table
from ledger.cosignature import witness_name
from ledger.note import COSIGNATURE, ED25519, format_vkey, verifier_key
from node.home import founding_roster, public_member

app = typer.Typer(no_args_is_help=True, help=say("Keys.", "密钥。"))


@app.command()
def vkeys(home: Home, as_json: Json = False) -> None:
    """Show this node's verifier keys: for its log's checkpoints, and as a witness of others."""

    def act() -> list[dict[str, str]]:
        member = public_member(home)
        origin = founding_roster(home).origin(member.code)
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
