"""Payment and receipt notices (付款通知书, 收款通知书): what somebody is to pay, or to get."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from settlement.document import AMOUNTS, Document, Head, Value, made, totalled
from settlement.record import Lines
from settlement.words import in_words

_MONEY = {"prepayment": "prepayment", "return": "prepayment_return"}


class Movement(NamedTuple):
    """One payment that a notice asks for or announces; of a prepayment without fund lines."""

    number: int
    payer: str
    payee: str
    fen: int
    lines: Lines | None


def notice(
    head: Head,
    kind: str,
    party: str,
    movements: Sequence[Movement],
    due: tuple[str, str] | None,
) -> Document:
    """Return a payment or receipt notice over some movements of money.

    Args:
        kind: Of a batch's legs `payment-notice` or `receipt-notice`, else one of `DEMAND_KINDS`;
            of all movements `party` is payer, or payee. It says what kind of money it is (L19).
        movements: At least one; all with fund lines, or none.
        due: The day until which it is to be paid, and the step of the calendar that says so.
    """
    pays = kind.endswith("payment-notice")
    rows: list[tuple[Value, ...]] = []
    for item in movements:
        assert party == (item.payer if pays else item.payee)
        other = item.payee if pays else item.payer
        lines = () if item.lines is None else _fens(item.lines)
        rows.append((item.number, other, *lines, item.fen, in_words(item.fen)))
    columns = AMOUNTS if movements[0].lines is not None else AMOUNTS[-1:]
    table = totalled("legs", ("number", "counterpart", *columns, "words"), rows)
    total = sum(item.fen for item in movements)
    fields: dict[str, Value] = {
        "money": _MONEY.get(kind.split("-")[0], "clearing"),
        "due_day": due[0] if due else None,
        "due_step": due[1] if due else None,
        "words": in_words(total),
    }
    return made(head, kind, party, total, fields, table)


def demand_notice(
    head: Head,
    kind: str,
    party: str,
    rows: Iterable[tuple[int, str, str, int]],
    due: tuple[str, str] | None,
) -> Document | None:
    """Return a notice over the rows of a demand for prepayments; None if none is the party's.

    Args:
        head: Its period is the demand's, its revision the number of the demand's first row.
        kind: One of `DEMAND_KINDS`.
        rows: Number, debtor, creditor, fen: above zero the debtor pays ahead, below zero the
            creditor gives back.
    """
    gives_back = kind.startswith("return-")
    moves = [
        Movement(number, creditor, debtor, -fen, None)
        if gives_back
        else Movement(number, debtor, creditor, fen, None)
        for number, debtor, creditor, fen in rows
        if (fen < 0 if gives_back else fen > 0)
    ]
    pays = kind.endswith("payment-notice")
    mine = [move for move in moves if party == (move.payer if pays else move.payee)]
    return notice(head, kind, party, mine, due) if mine else None


def _fens(lines: Lines) -> tuple[int, ...]:
    return lines.employee, lines.resident, lines.other, lines.account
