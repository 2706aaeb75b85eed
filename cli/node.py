"""`gongzhang node`: found, join and run a node."""

import getpass
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from cli.homes import Home, Json
from cli.joinfile import JoinFile, format_join
from cli.output import emit, guarded, name_of, say, talk
from ledger.disk import write_durably
from ledger.errors import FormError
from node.backup import backup as make_backup
from node.backup import restore as restore_backup
from node.config import (
    CENTRE_AUTOMATIC,
    PROVINCE_AUTOMATIC,
    Config,
    format_config,
    load_config,
    parse_config,
)
from node.home import init as init_home
from node.home import join as join_home
from node.run import ask_for_key, run_home
from settlement.party import CENTRE, party

app = typer.Typer(
    no_args_is_help=True, help=say("Found, join and run a node.", "创建、加入与运行节点。")
)


@app.command()
def init(
    code: Annotated[str, typer.Argument(help="the participant's code, e.g. 630000")],
    home: Home,
    url: Annotated[str, typer.Option("--url", help="where the others reach this node")],
    out: Annotated[
        Path | None, typer.Option("--out", help="join file (default: CODE.join beside the home)")
    ] = None,
    passphrase: Annotated[
        bool, typer.Option("--passphrase", help="seal the key files; asked for on the terminal")
    ] = False,
    automatic: Annotated[
        bool, typer.Option("--automatic/--by-hand", help="let the node accept and attest by itself")
    ] = True,
    business_date: Annotated[
        str, typer.Option("--business-date", help="`system`, or a fixed date for rehearsals")
    ] = "system",
    as_json: Json = False,
) -> None:
    """Create a home with new keys, and the join file to hand to the centre."""

    def act() -> Path:
        role = party(code).role
        acts = CENTRE_AUTOMATIC if role == "centre" else PROVINCE_AUTOMATIC
        config = Config(code, url.rstrip("/"), business_date, acts if automatic else frozenset())
        secret = _new_passphrase() if passphrase else None
        member = init_home(home, config, secret)
        target = out or home.parent / f"{code}.join"
        target.write_text(format_join(JoinFile(member, config.url)), encoding="ascii")
        return target

    target = guarded(act, as_json=as_json)
    if as_json:
        emit({"ok": True, "code": code, "home": str(home), "join": str(target)})
    else:
        talk().print(say(f"{name_of(code)}: hand in {target}", f"{name_of(code)}：请提交 {target}"))


def _new_passphrase() -> bytes:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n").encode()
    first = getpass.getpass(say("new passphrase: ", "新口令："))
    if getpass.getpass(say("again: ", "再次输入：")) != first or not first:
        raise FormError("passphrase", say("the same text twice, not empty", "两次一致且非空"))
    return first.encode()


@app.command()
def join(
    genesis: Annotated[Path, typer.Argument(help="the network.genesis the centre handed out")],
    home: Home,
    peers: Annotated[
        Path | None,
        typer.Option("--peers", help="the peers.toml beside it (default: same folder)"),
    ] = None,
    admission: Annotated[
        Path | None,
        typer.Option("--admission", help="if admitted later: the file of `roster admit`"),
    ] = None,
    vault: Annotated[
        Path | None,
        typer.Option("--vault", help="as successor: the vault of the home before, to be copied"),
    ] = None,
    vault_key: Annotated[
        Path | None,
        typer.Option("--vault-key", help="the key of that vault (default: ../keys/vault.key)"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check that a genesis names this node's keys, and create its store."""

    def act() -> str:
        config = load_config(home)
        table = peers or genesis.parent / "peers.toml"
        known = _peers(table)
        known.pop(config.code, None)
        decision = admission.read_bytes() if admission else None
        roster = join_home(home, genesis.read_bytes(), decision, vault, vault_key, ask_for_key)
        text = format_config(replace(config, peers=known))
        write_durably(home / "node.toml", text.encode())
        return roster.network_id.hex()

    network = guarded(act, as_json=as_json)
    if as_json:
        emit({"ok": True, "network": network})
    else:
        talk().print(say(f"joined network {network[:16]}", f"已加入网络 {network[:16]}"))


def _peers(path: Path) -> dict[str, str]:
    text = path.read_text(encoding="utf-8")
    head = f'code = "{CENTRE}"\nurl = "http://127.0.0.1:1"\n'
    return dict(parse_config(head + text).peers)


@app.command()
def run(
    home: Home,
    ruleset: Annotated[
        Path | None, typer.Option("--ruleset", help="rule set a new centre puts into force")
    ] = None,
) -> None:
    """Run the node until it is told to stop (Ctrl-C or SIGTERM)."""
    raise typer.Exit(run_home(home, ruleset))


@app.command()
def recover(home: Home) -> None:
    """Run a node whose store was lost or is old: the others give back its log, then it goes on.

    Keys, genesis and the signer's journal must be there. A damaged `data` is moved aside by hand
    first; nothing is ever deleted.
    """
    raise typer.Exit(run_home(home, recover=True))


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(help="a new folder")], home: Home, as_json: Json = False
) -> None:
    """Copy logs and case files, also of a running node, and verify the copy.

    Keys and the signer's journal are not in it: keep the keys apart, and the journal where it is.
    """
    manifest = guarded(lambda: make_backup(home, target), as_json=as_json)
    if as_json:
        emit({"ok": True, **manifest})
        return
    entries = sum(item["size"] for item in manifest["logs"].values())
    talk().print(
        say(
            f"{entries} entries of {len(manifest['logs'])} logs in {target}, verified",
            f"{target} 中有 {len(manifest['logs'])} 本日志共 {entries} 条条目，已核验",
        )
    )


@app.command()
def restore(
    source: Annotated[Path, typer.Argument(help="a folder made by `node backup`")],
    home: Home,
    as_json: Json = False,
) -> None:
    """Verify a backup and put it into a home without a store; then run `gongzhang node recover`.

    The node takes back from the others what the backup does not have, before it signs anything.
    """
    manifest = guarded(lambda: restore_backup(source, home), as_json=as_json)
    if as_json:
        emit({"ok": True, **manifest})
        return
    talk().print(
        say(
            f"{home} is as it was when the backup was made; next: "
            f"gongzhang node recover --home {home}",
            f"{home} 已恢复到备份时的状态；下一步：gongzhang node recover --home {home}",
        )
    )
