"""What tests of the register share: giving orders, looking into vaults, dying once."""

from typing import Any

from node import guests, persons
from node.duty import duties
from node.effect import Asked
from node.message import (
    Answer,
    BarringNotice,
    DeliverNotices,
    ErasureNotice,
    GuestNotice,
)
from node.province import Province
from node.simulation.world import World
from node.vault import TABLES
from settlement import lookup
from settlement.record import Registration
from settlement.registration import Filed, encode_content
from tests.network import QINGHAI, SICHUAN
from tests.registry import content, institution, wanted


def role_of(world: World, code: str) -> Province:
    """Return the role of a node that is up."""
    role = world.nodes[code].role
    assert isinstance(role, Province)
    return role


def added(world: World, **changes: Any) -> str:
    """Take a person in at Qinghai; return the token."""
    return str(world.ask(QINGHAI, "person_add", **wanted(**changes))["token"])


def filed(world: World, token: str, **changes: Any) -> dict[str, Any]:
    """File a registration for Chengdu at Qinghai; return what the order came to."""
    wish = {"category": "resettled", "destination": "510100", **changes}
    return dict(world.ask(QINGHAI, "register", token=token, **wish))


def guest(world: World, registration_id: str, code: str = SICHUAN) -> guests.Guest | None:
    """Return what a province has of a registration of Qinghai."""
    with world.nodes[code].vault.store.read() as vault:
        return guests.guest(vault, QINGHAI, registration_id)


def entry(world: World, registration_id: str, code: str = SICHUAN) -> Registration | None:
    """Return the newest entry of a registration of Qinghai in a node's copy of its log."""
    store = world.nodes[code].store
    found = lookup.latest_revision(store, QINGHAI, Registration, registration_id)
    assert found is None or isinstance(found, Registration)
    return found


def said(world: World, sender: str | None, to: str, message: DeliverNotices) -> Answer:
    """Return what a node answers to a message that another one is known to have sent."""
    role = role_of(world, to)
    effects = role.handle([Asked(1, sender, message)], world.now_ms)
    return next(e.value for e in effects if getattr(e, "ticket", None) == 1)  # type: ignore[union-attr]


def told(
    guests: list[GuestNotice] | None = None,
    barrings: list[BarringNotice] | None = None,
    erasures: list[ErasureNotice] | None = None,
) -> DeliverNotices:
    """Return a message of these notices."""
    return DeliverNotices(guests or [], barrings or [], erasures or [])


def vault_of(world: World, code: str) -> dict[str, dict[bytes, bytes]]:
    """Return everything a node's vault holds, opened."""
    with world.nodes[code].vault.store.read() as vault:
        return {table: dict(vault.scan(table, b"", b"\xff" * 80)) for table in TABLES}


def persons_state(world: World, here: guests.Guest, code: str = SICHUAN) -> str:
    """Return how a guest stands to a node's copy of the log."""
    return guests.guest_state(world.nodes[code].store, here)


class Once:
    """A process that dies at its n-th durable step from now on."""

    def __init__(self, world: World, step: int) -> None:
        self.left = step
        world._dies = self.dies  # type: ignore[method-assign]
        for node in world.nodes.values():
            node.store._dies = self.dies
            node.vault.store._inner._dies = self.dies  # type: ignore[attr-defined]

    def dies(self) -> bool:
        self.left -= 1
        return self.left == 0


GOOD = content()
SALT = bytes(32)


def guest_notice(revision: int = 1, status: str = "active", **changes: Any) -> GuestNotice:
    """Return the notice of a registration."""
    made = content(**changes)
    return GuestNotice(made.registration_id, revision, status, encode_content(made), SALT)


def barred(world: World, token: str, code: str = QINGHAI) -> list[tuple[str, str, str]]:
    """Return who bars a person, as a node's vault has it."""
    with world.nodes[code].vault.store.read() as vault:
        return persons.barred(vault, token)


def put(world: World, **changes: Any) -> dict[str, Any]:
    """Put an institution into the directory of Sichuan."""
    record = institution(**changes)
    return dict(
        world.ask(
            SICHUAN, "institution_put", code=record.code, name=record.name, level=record.level,
            area=record.area, services=record.services, state=record.state, reason=record.reason,
        )
    )  # fmt: skip


def paid(token: str, **changes: Any) -> dict[str, Any]:
    """Return what `reimburse` is given."""
    return {
        "token": token, "reimbursement_id": "M1", "treatment_area": "510104", "clr_type": "21",
        "bill_fen": 5_000, "lines": {"employee": 1_000}, **changes,
    }  # fmt: skip


def logged(world: World, token: str) -> list[Filed]:
    """Return the registrations that a claim at Qinghai would rest on."""
    node = world.nodes[QINGHAI]
    with node.vault.store.read() as vault:
        return persons.registrations_logged(node.store, vault, QINGHAI, token)


def duties_of(world: World, code: str) -> list[str]:
    """Return what a node has to do."""
    node = world.nodes[code]
    found = duties(node.store, world.founding, code, node.vault)["duties"]
    return [duty["what"] for duty in found]
