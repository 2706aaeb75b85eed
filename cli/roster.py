"""`gongzhang roster`: found a network, admit later members, show who takes part."""

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.homes import Home, Json, open_home
from cli.joinfile import JoinFile, parse_join
from cli.output import emit, guarded, name_of, out, say, table, talk
from cli.rulefile import read_ruleset
from cli.signing import As, decide
from cli.trust import auditor_policy, log_policy
from ledger.errors import FormError, UncheckableError
from ledger.keyfile import create_key, load_key
from node import heads
from node.home import founding_roster
from node.orders import order
from settlement.membership import approve_admission, approve_freeze
from settlement.party import CENTRE
from settlement.record import Admission, Freeze
from settlement.roster import Roster, make_genesis
from settlement.ruleset import parse_ruleset
from settlement.workdays import parse_holidays

app = typer.Typer(no_args_is_help=True, help=say("Who takes part.", "参与方名册。"))


@app.command()
def genesis(
    joins: Annotated[list[Path], typer.Argument(help="the join files, the centre's among them")],
    out_folder: Annotated[Path, typer.Option("--out", help="folder for the founding files")],
    governance: Annotated[int, typer.Option("--governance", help="how many governance keys")] = 3,
    threshold: Annotated[int, typer.Option("--threshold", help="how many must sign")] = 2,
    as_json: Json = False,
) -> None:
    """Gather join files into a genesis; writes governance keys, peers and the auditor's policy."""

    def act() -> str:
        if out_folder.exists() and any(out_folder.iterdir()):
            raise FormError(str(out_folder), "an empty folder: nothing is overwritten")
        found = [_read_join(path) for path in joins]
        out_folder.mkdir(parents=True, exist_ok=True)
        offline = out_folder / "governance"
        offline.mkdir(mode=0o700)
        keys = [create_key(offline / f"{n}.key", "governance") for n in range(1, governance + 1)]
        data = make_genesis(threshold, keys, [join.member for join in found])
        (out_folder / "network.genesis").write_bytes(data)
        (out_folder / "peers.toml").write_text(_peers(found), encoding="utf-8")
        (out_folder / "auditor.policy").write_text(auditor_policy(data), encoding="utf-8")
        return Roster.found(data).network_id.hex()

    network = guarded(act, as_json=as_json)
    if as_json:
        emit({"ok": True, "network": network, "folder": str(out_folder)})
        return
    talk().print(
        say(
            f"network {network[:16]}: hand out network.genesis, peers.toml and auditor.policy from "
            f"{out_folder}; keep governance/ offline",
            f"网络 {network[:16]}：请分发 {out_folder} 中的 network.genesis、peers.toml 与 "
            "auditor.policy；governance/ 须离线保管",
        )
    )


def _read_join(path: Path) -> JoinFile:
    return parse_join(path.read_text(encoding="ascii"), str(path))


def _peers(joins: list[JoinFile]) -> str:
    rows = [f"{j.member.code} = {json.dumps(j.url)}" for j in joins]
    return "\n".join(["[peers]", *sorted(rows), ""])


@app.command()
def admit(
    join: Annotated[Path, typer.Argument(help="the new participant's join file")],
    home: Home,
    keys: Annotated[
        list[Path], typer.Option("--key", help="a governance key file; once per governor")
    ],
    out_file: Annotated[
        Path | None,
        typer.Option("--out", help="admission file (default: CODE.admission by the join file)"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Admit a participant by decision of the governance keys (at the centre's home).

    Every operator adds the new address to [peers] in node.toml; the new node joins with the genesis
    and the admission file.
    """

    def act() -> Any:
        member = _read_join(join).member
        network = founding_roster(home).network_id
        seeds = [load_key(path, "governance") for path in keys]
        approvals = [approve_admission(seed, network, member) for seed in seeds]
        record = Admission(member, approvals)
        value = asyncio.run(order(home, "admit", admission=record.encode().hex()))
        target = out_file or join.with_suffix(".admission")
        target.write_bytes(record.encode())
        return {**value, "admission": str(target)}

    value = guarded(act, as_json=as_json)
    if as_json:
        emit({"ok": True, **value})
    else:
        talk().print(
            say(
                f"{name_of(value['code'])} admitted by entry {value['index']}; "
                f"hand out {value['admission']}",
                f"{name_of(value['code'])} 已加入（条目 {value['index']}）；"
                f"请分发 {value['admission']}",
            )
        )


@app.command()
def freeze(
    code: Annotated[str, typer.Argument(help="whose log ends")],
    home: Home,
    keys: Annotated[
        list[Path], typer.Option("--key", help="a governance key file; once per governor")
    ],
    reason: Annotated[str, typer.Option("--reason", help="why; kept in the log")],
    as_json: Json = False,
) -> None:
    """End a log at its newest quorum-cosigned head, after theft, fork or loss (at the centre).

    What lies above counts nowhere. The member makes a new home with new keys; `roster admit` of its
    join file lets the log go on from there as the next generation.
    """

    def act() -> Any:
        with open_home(home) as opened:
            roster = opened.roster
            if code not in roster.participants:
                raise FormError("code", f"one of {', '.join(roster.participants)}", code)
            head = heads.load(opened.reader, code)
        if head is None:
            raise UncheckableError(f"{code}: no quorum-cosigned head is known here")
        record = Freeze(code, roster.generation(code).number, head.note, reason, [])
        seeds = [load_key(path, "governance") for path in keys]
        approvals = [approve_freeze(seed, roster.network_id, record) for seed in seeds]
        signed = Freeze(code, record.generation, record.checkpoint, reason, approvals)
        return asyncio.run(order(home, "freeze", freeze=signed.encode().hex()))

    value = guarded(act, as_json=as_json)
    if as_json:
        emit({"ok": True, **value})
    else:
        talk().print(
            say(
                f"{name_of(code)}: the log ends at {value['size']} by entry {value['index']}",
                f"{name_of(code)}：日志止于 {value['size']}（条目 {value['index']}）",
            )
        )


@app.command()
def lift(
    code: Annotated[str, typer.Argument(help="whose log is halted")],
    home: Home,
    reason: Annotated[str, typer.Option("--reason", help="why; kept in the log")],
    key: As = None,
    as_json: Json = False,
) -> None:
    """Rule that the halt of a log ends, as far as the evidence held here goes (at the centre)."""
    value = decide(home, "lift", key, as_json=as_json, code=code, reason=reason)
    if value is None:
        return
    if as_json:
        emit({"ok": True, **value})
    else:
        talk().print(
            say(
                f"{name_of(code)}: halt lifted by entry {value['index']}",
                f"{name_of(code)}：已由条目 {value['index']} 解除冻结",
            )
        )


@app.command()
def ruleset(
    file: Annotated[str, typer.Argument(metavar="FILE", help="a file, or a name that comes here")],
    home: Home,
    key: As = None,
    as_json: Json = False,
) -> None:
    """Put a rule set into force for every month proposed from now on (at the centre)."""

    def read() -> str:
        text = read_ruleset(file)
        parse_ruleset(text)
        return text.hex()

    value = decide(home, "ruleset", key, as_json=as_json, text=guarded(read, as_json=as_json))
    if value is None:
        return
    if as_json:
        emit({"ok": True, **value})
    else:
        talk().print(
            say(
                f"rule set {value['name']} in force by entry {value['index']}",
                f"规则集 {value['name']} 自条目 {value['index']} 起生效",
            )
        )


@app.command()
def holidays(
    file: Annotated[Path, typer.Argument(help="a year's days off and worked days, TOML")],
    home: Home,
    key: As = None,
    as_json: Json = False,
) -> None:
    """Record the holidays of a year: calendars use the newest table of each year (at the centre).

    Until one is recorded they use the one that comes with the program, and say so.
    """

    def read() -> str:
        text = file.read_bytes()
        parse_holidays(text)
        return text.hex()

    value = decide(home, "holidays", key, as_json=as_json, text=guarded(read, as_json=as_json))
    if value is None:
        return
    if as_json:
        emit({"ok": True, **value})
    else:
        talk().print(
            say(
                f"holidays of {value['year']} ({value['name']}) recorded by entry {value['index']}",
                f"{value['year']} 年节假日（{value['name']}）已由条目 {value['index']} 登记",
            )
        )


@app.command()
def policy(
    home: Home,
    log: Annotated[str, typer.Option("--log", help="whose log the policy is for")] = CENTRE,
) -> None:
    """Print the trust file for one member's log, as this node knows the roster."""

    def act() -> str:
        with open_home(home) as opened:
            if log not in opened.roster.members:
                raise FormError("--log", f"one of {', '.join(opened.roster.codes)}", log)
            return log_policy(opened.roster, log)

    typer.echo(guarded(act, as_json=False), nl=False)


@app.command()
def show(home: Home, as_json: Json = False) -> None:
    """Show the members and how many of them must agree."""

    def act() -> Roster:
        with open_home(home) as opened:
            return opened.roster

    roster = guarded(act, as_json=as_json)
    if as_json:
        emit(
            {
                "network": roster.network_id.hex(),
                "members": list(roster.codes),
                "head_quorum": roster.head_quorum,
                "batch_quorum": roster.batch_quorum,
            }
        )
        return
    columns = [(say("member", "成员"), "left"), (say("entry key", "条目密钥"), "left")]
    rows = [[name_of(c), roster.members[c].entry_key.hex()[:16] + "…"] for c in roster.codes]
    out().print(table(say("Members", "成员"), columns, rows))
    out().print(
        say(
            f"a head needs {roster.head_quorum} cosignatures, "
            f"a batch {roster.batch_quorum} matches",
            f"日志头需 {roster.head_quorum} 个见证签名，批次需 {roster.batch_quorum} 个一致签认",
        )
    )
