"""`gongzhang approval`: what waits for the signatures of two people."""

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.homes import Home, Json, open_home
from cli.output import emit, guarded, out, say, table, talk
from cli.signing import checked_draft, generation_of, hand_of, sign_draft, state_text, tell_pending
from ledger.signature import sign as make_signature
from node import drafts
from node.approvals import listed
from node.orders import order
from settlement import approval
from settlement.wording import describe

app = typer.Typer(
    no_args_is_help=True, help=say("What waits for signatures.", "双人复核：待签事项。")
)

Hash = Annotated[str, typer.Argument(metavar="HASH", help="its hash, or the first eight digits")]
Key = Annotated[Path, typer.Option("--as", help="your operator key file")]


@app.command("list")
def list_(
    home: Home,
    ended: Annotated[
        bool, typer.Option("--all", help="those that have ended, too, as far as they are kept")
    ] = False,
    as_json: Json = False,
) -> None:
    """List what waits for signatures at this node, and by whom it is signed."""

    def act() -> dict[str, Any]:
        with open_home(home) as opened:
            code = opened.config.code
            generation_of(opened)
            value = listed(opened.reader, opened.roster, code, ended=ended)
            known = {d.hash.hex(): d for d in drafts.ended(opened.reader)}
            return {**value, "states": {h: state_text(d) for h, d in known.items()}}

    value = guarded(act, as_json=as_json)
    states = value.pop("states")
    if as_json:
        emit(value)
        return
    columns = [
        (say("hash", "哈希"), "left"), (say("what", "事项"), "left"),
        (say("signed by", "已签"), "left"), (say("state", "状态"), "left"),
    ]  # fmt: skip
    rows = [
        [d["hash"][:12], say(d["en"], d["zh"]), _signers(d),
         states.get(d["hash"], say("waits", "待签"))]
        for d in value["drafts"]
    ]  # fmt: skip
    eyes = say("four eyes", "双人复核")
    on = say("on", "已启用") if value["four_eyes"] else say("off", "未启用")
    out().print(table(f"{say('Approvals', '待签事项')} ({eyes}: {on})", columns, rows))


def _signers(draft: dict[str, Any]) -> str:
    lost = [f"{name} ({say('lost', '已失效')})" for name in draft["lost"]]
    return ", ".join([*draft["signed"], *lost]) or "-"


@app.command()
def show(digest: Hash, home: Home, as_json: Json = False) -> None:
    """Show all that a draft says, its hash computed again from that."""

    def act() -> dict[str, Any]:
        with open_home(home) as opened:
            draft = checked_draft(opened, digest, any_state=True)
            value = drafts.draft_value(opened.reader, opened.roster, opened.config.code, draft)
            return {**value, "state_text": state_text(draft)}

    value = guarded(act, as_json=as_json)
    state = value.pop("state_text")
    if as_json:
        emit(value)
        return
    given = say("by the node itself", "节点自动") if value["by_node"] else say("by hand", "人工")
    rows = [
        [say("what", "事项"), say(value["en"], value["zh"])],
        [say("kind", "类型"), value["kind"]],
        [say("hash", "哈希"), value["hash"]],
        [say("ordered", "来源"), f"{value['order']}, {given}"],
        [say("signed by", "已签"), _signers(value)],
        [say("state", "状态"), state],
    ]
    out().print(table(say("Draft", "待签事项"), [("", "left"), ("", "left")], rows))
    content = {name: item for name, item in value["content"].items() if name != "approvals"}
    out().print(json.dumps(content, ensure_ascii=False, indent=2), markup=False)


@app.command()
def sign(digest: Hash, home: Home, key: Key, as_json: Json = False) -> None:
    """Sign a draft; with the last signature that is needed it becomes an entry.

    What is signed is computed here from the content, and has to have the hash that was given.
    """

    def act() -> dict[str, Any]:
        return sign_draft(home, digest, hand_of(home, key))

    value = guarded(act, as_json=as_json)
    if as_json:
        emit({"ok": True, **value})
    elif "pending" in value:
        tell_pending(value)
    else:
        names = ", ".join(value["approved_by"])
        talk().print(
            say(
                f"entry {value['index']}, approved by {names}",
                f"已登记为条目 {value['index']}，复核人员：{names}",
            )
        )


@app.command()
def reject(
    digest: Hash,
    home: Home,
    key: Key,
    reason: Annotated[str, typer.Option("--reason", help="why; its maker is shown it")],
    as_json: Json = False,
) -> None:
    """Reject a draft: nothing comes of it, and its maker sees by whom and why."""

    def act() -> Any:
        hand = hand_of(home, key)
        with open_home(home) as opened:
            draft = checked_draft(opened, digest)
            origin = opened.roster.origin(opened.config.code)
            message = approval.rejection_message(
                opened.founding.network_id, origin, draft.hash, reason
            )
        talk().print(say(describe(draft.record).en, describe(draft.record).zh), markup=False)
        signature = make_signature(hand.seed, message).hex()
        return asyncio.run(
            order(home, "reject", hash=draft.hash.hex(), operator=hand.name, reason=reason,
                  signature=signature)
        )  # fmt: skip

    value = guarded(act, as_json=as_json)
    if as_json:
        emit({"ok": True, **value})
    else:
        talk().print(say("rejected", "已否决"))
