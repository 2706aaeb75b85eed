"""Orders of a treatment province about who may not settle directly here (中止直接结算)."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ledger.errors import RefusedError
from ledger.table import Writer
from node import notices, persons
from node.message import BarringNotice
from node.turn import Turn
from settlement import field
from settlement.person import insured_province, make_id, token_commitment
from settlement.record import Barring
from settlement.registration import SALT_BYTES

if TYPE_CHECKING:
    from node.province import Province


def bar(
    role: "Province",
    turn: Turn,
    token: str,
    reason: str,
    barring_id: str | None = None,
    *,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Let a person of another province settle directly no more (R79); that province is told.

    The reason stands in the log for everybody: it names no person.

    Raises:
        RefusedError: A person of this province, who is locked instead (PAIR).
    """
    insured = insured_province(token)
    if insured == role.code:
        raise RefusedError("PAIR", "a person of this province is locked, not barred")
    why = field.words("reason", reason, 500)
    with role.vault.store.read() as vault:
        held = [b for b in persons.barrings(vault, token) if b.treatment == role.code]
    now = next((b for b in held if b.state == "barred"), None)
    if now is not None and barring_id in (None, now.barring_id):
        return _bar(role, turn, insured, now, dry_run=dry_run)
    name = field.name("barring_id", barring_id or make_id("B", role.draw(10)))
    salt = role.draw(SALT_BYTES)
    row = persons.Barred(role.code, name, "barred", token, salt, why)
    return _bar(role, turn, insured, row, dry_run=dry_run)


def restore(
    role: "Province", turn: Turn, barring_id: str, reason: str, *, dry_run: bool = False
) -> dict[str, Any]:
    """Let a person settle directly again; the insured province is told.

    Raises:
        RefusedError: This province has barred nobody under this id (BARRING_UNKNOWN).
    """
    why = field.words("reason", reason, 500)
    with role.vault.store.read() as vault:
        row = persons.barring_by_id(vault, role.code, field.name("barring_id", barring_id))
    if row is None:
        raise RefusedError("BARRING_UNKNOWN", f"nobody is barred here under {barring_id}")
    if row.state == "barred":
        row = row._replace(state="restored", reason=why)
    return _bar(role, turn, insured_province(row.token), row, dry_run=dry_run)


def _bar(
    role: "Province", turn: Turn, insured: str, row: persons.Barred, *, dry_run: bool
) -> dict[str, Any]:
    digest = token_commitment(row.token, row.salt)
    record = Barring(row.barring_id, insured, row.state, row.reason, digest)
    notice = BarringNotice(row.barring_id, row.state, row.token, row.salt, row.reason)

    def change(writer: Writer) -> None:
        persons.put_barring(writer, role.code, notice)
        notices.put(writer, insured, notice)

    index = turn.check(record)
    if index is None and not dry_run:
        (index,) = role.pending.enter(turn, [record], change)
        role.notices.outgoing.add(insured)
    return {
        "barring_id": row.barring_id,
        "state": row.state,
        "insured": insured,
        "reason": row.reason,
        "index": index,
    }


BARRING_ORDERS: dict[str, Callable[..., Any]] = {"bar": bar, "restore": restore}
