"""Orders about the bank's statements: taken in, matched, bound, sent back; see `binding`."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, TypeAlias

from ledger.errors import FormError, RefusedError
from ledger.table import Reader, Writer
from node import bankbook
from node.bankbook import SENT_BACK, Binding, Held
from node.binding import bind, check_note, match
from node.pending import settled
from node.todo import todo
from node.turn import Turn
from settlement.bankstatement import Statement, check_statement

if TYPE_CHECKING:
    from node.centre import Centre
    from node.province import Province

    Keeper: TypeAlias = Province | Centre

MAX_STATEMENT_AGE_DAYS = 7  # after so many days without a newer statement somebody is told

# --- taking in -----------------------------------------------------------------------------------


def take_in(
    role: "Keeper",
    turn: Turn,
    statements: Sequence[Statement],
    account: str | None = None,
    *,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Take statements in, all or none; one that is there already changes nothing.

    Args:
        account: The only account that this node's statements may be of; any if None.

    Raises:
        FormError: A statement does not tie out.
        RefusedError: It is of another account (ACCOUNT), or does not follow the one before it (GAP,
            OVERLAP, BALANCE).
    """
    for statement in statements:
        if not isinstance(statement, Statement):
            raise FormError("statements", "statements that were read from a file", statement)
        check_statement(statement)
        if account not in (None, statement.account):
            raise RefusedError(
                "ACCOUNT", f"the statement is of {statement.account}, this node's is {account}"
            )

    def change(writer: Writer) -> list[dict[str, Any]]:
        found = []
        for statement in statements:
            taken, new = bankbook.take(writer, statement)
            found.append({**bankbook.statement_value(taken), "new": new})
        return found

    return _changed(role, "statements", change, dry_run=dry_run)


class _DryRunError(Exception):
    """Undoes what was tried."""

    def __init__(self, found: list[Any]) -> None:
        self.found = found
        super().__init__("dry run")


def _changed(
    role: "Keeper", name: str, change: Callable[[Writer], list[Any]], *, dry_run: bool
) -> dict[str, Any]:
    """Return what a change of the vault came to; undone if it was only to be tried."""

    def run(writer: Writer) -> list[Any]:
        found = change(writer)
        if dry_run:
            raise _DryRunError(found)
        return found

    try:
        return {name: role.vault.store.transact(run)}
    except _DryRunError as done:
        return {name: done.found, "dry_run": True}


def send_back(
    role: "Keeper",
    turn: Turn,
    line: int,
    other: int | None = None,
    note: str = "",
    *,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Bind two open lines that move the same amount in opposite directions to each other.

    Money that fits nothing and was sent back, or a bank charge that the bank has refunded.

    Args:
        other: The other line; if not given, the only one that it can be.

    Raises:
        RefusedError: One is bound (BOUND), or there is no such other line, or several (OPPOSITE).
    """
    remark, today = check_note(note), role.today(turn.now_ms)

    def change(writer: Writer) -> list[int]:
        held = bankbook.line(writer, line)
        known = held.binding
        if known and known.by == SENT_BACK and other in (None, known.opposite):
            return [line, known.opposite]
        number = other if other is not None else _opposite(writer, held)
        against = bankbook.line(writer, number)
        if held.line.fen + against.line.fen != 0:
            raise RefusedError("OPPOSITE", f"lines {line} and {number} do not take each other back")
        for one, two in ((line, number), (number, line)):
            bankbook.bind(writer, one, Binding(SENT_BACK, [], [], two, False, today, remark))
        return [line, number]

    return _changed(role, "lines", change, dry_run=dry_run)


def _opposite(reader: Reader, held: Held) -> int:
    found = [
        number
        for number, item in sorted(bankbook.open_lines(reader).items())
        if item.line.fen == -held.line.fen and item.account == held.account
    ]
    if len(found) != 1:
        shown = ", ".join(map(str, found)) or "none"
        raise RefusedError("OPPOSITE", f"line {held.number}: lines of the opposite amount: {shown}")
    return found[0]


def unbind(role: "Keeper", turn: Turn, line: int, *, dry_run: bool = False) -> dict[str, Any]:
    """Open a line again that was bound without writing an entry.

    Raises:
        RefusedError: It is not bound (STATE), or entries were written for it (ENTERED).
    """
    return _changed(role, "lines", lambda w: bankbook.unbind(w, line), dry_run=dry_run)


BANK_ORDERS: dict[str, Callable[..., Any]] = {
    "bank_import": settled(take_in),
    "bank_match": settled(match),
    "bank_bind": settled(bind),
    "bank_unbind": settled(unbind),
    "bank_send_back": settled(send_back),
}


# --- what is to be done --------------------------------------------------------------------------


def duties(vault: Reader, today: str | None) -> list[dict[str, str]]:
    """Return what has to be done about statements; read from keys alone."""
    found = []
    waiting = bankbook.open_places(vault)
    if waiting:
        day, count = waiting[0][0], len(waiting)
        found.append(
            todo(
                "bank-lines",
                f"{count} bank lines are bound to nothing, the oldest of {day}",
                f"{count} 笔银行流水待查，最早为 {day}",
                "gongzhang bank suspense",
            )
        )
    for account, last in sorted(bankbook.last_days(vault).items()):
        age = (date.fromisoformat(today) - date.fromisoformat(last)).days if today else 0
        if age > MAX_STATEMENT_AGE_DAYS:
            found.append(
                todo(
                    "bank-statement",
                    f"account {account + 1}: no statement after {last}, {age} days ago",
                    f"账户 {account + 1}：{last} 之后无对账单，已 {age} 天",
                    "gongzhang bank import FILE",
                )
            )
    return found
