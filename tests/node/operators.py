"""Operators for tests of the roles: secrets from fixed seeds, and what they do at a node."""

from typing import Any

from ledger.signature import public_key, sign
from node.simulation.world import World
from settlement.approval import rejection_message
from tests.network import seed

ADA, BO, CUI = "ada", "bo", "cui"


def secret(code: str, name: str) -> bytes:
    """Return the secret of an operator."""
    return seed(code, f"operator {name}")


def key_of(code: str, name: str) -> str:
    """Return the public key of an operator, hex."""
    return public_key(secret(code, name)).hex()


def register(world: World, *codes: str, names: tuple[str, ...] = (ADA, BO)) -> None:
    """Register operators, signed by the first two of them where that is needed."""
    for code in codes:
        for name in names:
            value = world.ask(code, "operator", name=name, public=key_of(code, name))
            if "pending" in value:
                both(world, code, value)


def approve(world: World, code: str, draft: dict[str, Any], name: str, key: str = "") -> Any:
    """Let an operator sign a draft; `key` names another one whose secret is used."""
    message = bytes.fromhex(draft["message"])
    signature = sign(secret(code, key or name), message).hex()
    return world.ask(code, "approve", hash=draft["hash"], operator=name, signature=signature)


def both(world: World, code: str, draft: dict[str, Any]) -> Any:
    """Let the first two operators sign a draft; return what the second is told."""
    approve(world, code, draft, ADA)
    return approve(world, code, draft, BO)


def reject(world: World, code: str, draft: dict[str, Any], name: str, reason: str = "no") -> Any:
    """Let an operator reject a draft."""
    roster, digest = world.founding, bytes.fromhex(draft["hash"])
    message = rejection_message(roster.network_id, roster.origin(code), digest, reason)
    signature = sign(secret(code, name), message).hex()
    return world.ask(
        code, "reject", hash=draft["hash"], operator=name, reason=reason, signature=signature
    )


def drafts(world: World, code: str, *, ended: bool = False) -> list[dict[str, Any]]:
    """Return what waits for signatures at a node, and with `ended` what has ended, too."""
    found: list[dict[str, Any]] = world.ask(code, "approvals", ended=ended)["drafts"]
    return found
