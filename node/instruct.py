"""The order that enters a payment file: its digest and its payments, each in one file only."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from ledger.errors import FormError
from node import heads
from node.money import confirmed_legs
from node.turn import Turn
from settlement import lookup
from settlement.demand import rows as demanded_rows
from settlement.instruction import check_fresh, payable, payable_rows
from settlement.party import CENTRE
from settlement.paymentfile import payment_key
from settlement.record import Instruction, Payment

if TYPE_CHECKING:
    from node.role import Role


def instruct(
    role: "Role", turn: Turn, digest: bytes, form: str, payments: Sequence[Sequence[Any]]
) -> dict[str, Any]:
    """Enter a payment file; the same file again gives the same entry.

    Args:
        digest: SHA-256 of the file.
        payments: Rows of purpose, month, number, attempt, payee and fen.

    Raises:
        RefusedError: A payment is in another file (DUPLICATE), is not asked for (STATE), the
            centre would pay out before everything is paid in (ORDER), or more would be given back
            than is held (EXCEEDS).
    """
    rows = sorted(map(_payment, payments), key=payment_key)
    record = Instruction(digest, form, rows, [])
    if lookup.find(turn.writer, turn.code, Instruction, digest) is None:
        for month in sorted({payment.month for payment in rows}):
            of_month = [payment for payment in rows if payment.month == month]
            _check_legs(role, turn, month, [p for p in of_month if p.purpose == "clearing"])
            _check_rows(role, turn, month, [p for p in of_month if p.purpose != "clearing"])
    index = turn.append(record)
    fen = sum(payment.fen for payment in rows)
    return {"index": index, "digest": digest.hex(), "payments": len(rows), "fen": fen}


def _check_legs(role: "Role", turn: Turn, month: str, payments: Sequence[Payment]) -> None:
    if not payments:
        return
    _, month_legs = confirmed_legs(role, turn.writer, month)
    numbers = {payment.number for payment in payments}
    check_fresh(payable(turn.writer, month_legs, month, role.code, numbers), payments)


def _check_rows(role: "Role", turn: Turn, month: str, payments: Sequence[Payment]) -> None:
    if not payments:
        return
    found = demanded_rows(turn.writer, heads.size_of(turn.writer, CENTRE))
    numbers = {payment.number for payment in payments}
    check_fresh(payable_rows(turn.writer, found, month, role.code, numbers), payments)


def _payment(row: Sequence[Any]) -> Payment:
    try:
        return msgspec.convert(row, Payment)
    except msgspec.ValidationError as error:
        raise FormError("payment", "purpose, month, number, attempt, payee, fen", error) from None
