"""Payment and receipt notices (付款通知书, 收款通知书): what somebody is to pay, or to get."""

from collections.abc import Sequence
from typing import NamedTuple

from settlement.document import AMOUNTS, Document, Head, Value, made, totalled
from settlement.record import Lines
from settlement.words import in_words


class Movement(NamedTuple):
    """One payment that a notice asks for or announces; without fund lines if it has none."""

    number: int
    payer: str
    payee: str
    fen: int
    lines: Lines | None


def notice(
    head: Head,
    kind: str,
    party: str,
    money: str,
    movements: Sequence[Movement],
    due: tuple[str, str] | None,
) -> Document:
    """Return a payment or receipt notice (付款通知书, 收款通知书) over some movements of money.

    Args:
        kind: `payment-notice` or `receipt-notice`; of all movements `party` is payer, or payee.
        money: What kind it is (L19): `clearing` or `prepayment`.
        due: The day until which it is to be paid, and the step of the calendar that says so.
    """
    rows: list[tuple[Value, ...]] = []
    for item in movements:
        assert party == (item.payer if kind == "payment-notice" else item.payee)
        other = item.payee if kind == "payment-notice" else item.payer
        lines = (None,) * 4 if item.lines is None else _fens(item.lines)
        rows.append((item.number, other, *lines, item.fen, in_words(item.fen)))
    table = totalled("legs", ("number", "counterpart", *AMOUNTS, "words"), rows)
    total = sum(item.fen for item in movements)
    fields: dict[str, Value] = {
        "money": money,
        "due_day": due[0] if due else None,
        "due_step": due[1] if due else None,
        "words": in_words(total),
    }
    return made(head, kind, party, total, fields, table)


def _fens(lines: Lines) -> tuple[int, int, int, int]:
    return lines.employee, lines.resident, lines.other, lines.account
