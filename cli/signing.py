"""Signing drafts as an operator: what `--as` does, and what is said of a draft that waits."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.homes import OpenHome, open_home
from cli.output import emit, guarded, say, talk
from ledger.errors import FormError, RefusedError, VerificationError
from ledger.hashing import hash_bytes
from ledger.keyfile import load_key
from ledger.signature import public_key, sign
from node import drafts
from node.drafts import Draft
from node.orders import order
from node.run import ask_for_key
from settlement import approval
from settlement.outcome import Text
from settlement.roster import Generation
from settlement.wording import describe

LEAST_DIGITS = 8

As = Annotated[
    Path | None, typer.Option("--as", help="sign it at once, with this operator's key file")
]


@dataclass(frozen=True)
class Hand:
    """An operator with the secret to sign with."""

    name: str
    seed: bytes


def decide(
    home: Path, verb: str, key: Path | None, *, as_json: bool, **arguments: Any
) -> dict[str, Any] | None:
    """Return what an order came to; None if it waits for signatures, which has been said then.

    Args:
        key: The key file of the operator who signs it at once, or None.
    """

    def act() -> dict[str, Any]:
        hand = None if key is None else hand_of(home, key)
        given = {**arguments, "sign": True} if hand else arguments
        value: dict[str, Any] = asyncio.run(order(home, verb, **given))
        if hand is not None and "pending" in value and hand.name not in value["signed"]:
            return sign_draft(home, value["pending"], hand)
        return value

    value = guarded(act, as_json=as_json)
    if "pending" not in value:
        return dict(value)
    if as_json:
        emit({"ok": True, **value})
    else:
        tell_pending(value)
    return None


def tell_pending(value: dict[str, Any]) -> None:
    """Say that a draft waits, for how many, and how it is signed."""
    left = value["needed"] - len(value["signed"])
    short = value["pending"][:12]
    names = ", ".join(value["signed"])
    by = say(f" (signed by {names})", f"（已签：{names}）") if names else ""
    talk().print(
        say(
            f"waits for {left} more signature(s){by}: {value['en']}\n"
            f"an operator signs it with: gongzhang approval sign {short} --as FILE.key",
            f"尚待 {left} 人复核签名{by}：{value['zh']}\n"
            f"复核人员执行：gongzhang approval sign {short} --as 密钥文件",
        ),
        markup=False,
    )


def hand_of(home: Path, key: Path) -> Hand:
    """Return the operator whose key file this is.

    Raises:
        KeyFileError: The file cannot be used.
        RefusedError: It is the key of no active operator of this node's log (APPROVAL).
    """
    seed = load_key(key, "operator", passphrase=ask_for_key(key))
    with open_home(home) as opened:
        code, start = opened.config.code, generation_of(opened).start
        name = approval.signer(opened.reader, code, start, public_key(seed))
    if name is None:
        raise RefusedError(
            "APPROVAL",
            say(
                f"{key} is the key of no active operator of {code}",
                f"{key} 不是 {code} 现任复核人员的密钥",
            ),
        )
    return Hand(name, seed)


def sign_draft(home: Path, digest: str, hand: Hand) -> dict[str, Any]:
    """Sign a draft of the node's and hand the signature to it; return what came of that.

    Raises:
        VerificationError: The hash is not that of the content which the node holds under it.
    """
    with open_home(home) as opened:
        draft = checked_draft(opened, digest)
        message = message_of(opened, draft)
    talk().print(say(describe(draft.record).en, describe(draft.record).zh), markup=False)
    signature = sign(hand.seed, message).hex()
    value = order(home, "approve", hash=draft.hash.hex(), operator=hand.name, signature=signature)
    return dict(asyncio.run(value))


def checked_draft(opened: OpenHome, digest: str, *, any_state: bool = False) -> Draft:
    """Return the draft with this hash, or with one that begins so; the hash is computed again.

    Raises:
        FormError: Fewer than eight digits, or no hex digits.
        RefusedError: None has it, or several begin so (UNKNOWN), or it has ended (STATE).
        VerificationError: The hash is not that of the content.
    """
    digits = digest.lower()
    if len(digits) < LEAST_DIGITS or set(digits) - set("0123456789abcdef"):
        raise FormError("HASH", say("at least 8 hex digits", "至少 8 位十六进制数字"), digest)
    known = [*drafts.waiting(opened.reader), *drafts.ended(opened.reader)]
    found = [draft for draft in known if draft.hash.hex().startswith(digits)]
    if len(found) != 1:
        number = len(found) or say("no", "没有")
        text = say(
            f"{number} drafts here begin with {digest}", f"{number} 份待签事项以 {digest} 开头"
        )
        raise RefusedError("UNKNOWN", text)
    draft = found[0]
    computed = hash_bytes(message_of(opened, draft))
    if computed != draft.hash:
        raise VerificationError("draft: the hash of its content", draft.hash, computed)
    if draft.end is not None and not any_state:
        raise RefusedError("STATE", state_text(draft))
    return draft


def generation_of(opened: OpenHome) -> Generation:
    """Return the generation of the home's log as it is known there.

    Raises:
        RefusedError: The centre's log has not arrived here: it is not known yet (ROLE).
    """
    code = opened.config.code
    if code not in opened.roster.generations:
        raise RefusedError("ROLE", f"{code} is no member as far as is known here")
    return opened.roster.generation(code)


def message_of(opened: OpenHome, draft: Draft) -> bytes:
    """Return the bytes that approve a draft."""
    generation_of(opened)
    origin = opened.roster.origin(opened.config.code)
    return approval.message(opened.founding.network_id, origin, draft.record)


ENDED: dict[str, Text] = {
    "waiting": Text("waits for signatures", "待签名"),
    "entered": Text("entered", "已登记"),
    "rejected": Text("rejected", "已否决"),
    "refused": Text("refused when it was entered", "登记时被拒绝"),
    "replaced": Text("replaced by another content", "已由其他内容取代"),
}


def state_text(draft: Draft) -> str:
    """Return how far a draft is, with who ended it and why."""
    end = draft.end
    words = ENDED["waiting" if end is None else end.state]
    text = say(words.en, words.zh)
    if end is None:
        return text
    if end.entry >= 0:
        return f"{text} #{end.entry}"
    by = f" ({end.by})" if end.by else ""
    reason = ": ".join(part for part in (end.code, end.reason) if part)
    return f"{text}{by}: {reason}"
