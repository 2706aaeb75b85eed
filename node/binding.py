"""Binding bank lines to payments: by the node where it is certain, else by a person.

What went out is entered as Paid, what came in as Received, what came back as Returned, through the
orders of `money` for legs and of `prepay` for rows of demands. A line and its entries are one act:
the vault is durable with a note of the entries first, see `pending`. A crash between the two loses
nothing, and nothing is bound twice.
"""

from collections.abc import Callable, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from ledger.errors import FormError, RefusedError
from ledger.table import Reader, Writer
from node import approvals, bankbook, heads, money, prepay
from node.bankbook import HAND, Binding, Held, line_value, payment_of
from node.turn import Given, Turn, UnsignedError
from settlement import lookup
from settlement.account import Account
from settlement.bankstatement import MAX_TEXT, Line, clean, entry_reference
from settlement.choice import amounts, chosen, payment_name, proposed, same_choice
from settlement.endtoend import network_part
from settlement.expectation import expected
from settlement.matching import REASON, Expected, Match, match_lines
from settlement.party import CENTRE
from settlement.record import Paid, Received, Record, Returned

if TYPE_CHECKING:
    from node.centre import Centre
    from node.province import Province

    Keeper: TypeAlias = Province | Centre

# --- what the lines are --------------------------------------------------------------------------


def matches_of(
    role: "Keeper", reader: Reader, vault: Reader, accounts: Sequence[Sequence[str]] = ()
) -> tuple[list[Match], dict[int, Held]]:
    """Return what the open lines are, and the lines."""
    held = bankbook.open_lines(vault)
    size = heads.size_of(reader, CENTRE)
    found = expected(reader, role.founding, role.code, size, role.result)
    network = role.founding.network_id
    return match_open(role.code, network, held, found, bankbook.bound(vault), accounts), held


def match_open(
    code: str,
    network_id: bytes,
    held: dict[int, Held],
    found: Sequence[Expected],
    bound: frozenset[bytes],
    accounts: Sequence[Sequence[str]] = (),
) -> list[Match]:
    """Return what open lines are; `accounts` as rows of the accounts file."""
    free = [item for item in found if item.id not in bound]
    known = {row[0]: Account(*row) for row in accounts}
    lines = {number: item.line for number, item in held.items()}
    return match_lines(code, network_part(network_id), lines, free, bound, known)


def match(
    role: "Keeper",
    turn: Turn,
    accounts: Sequence[Sequence[str]] = (),
    *,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Bind the lines that are certain; say of the others what they may be.

    What is entered may be what another line waits for (a return, the next attempt), so the lines
    are looked at until nothing more is certain. A line whose entry is refused stays open, with the
    code of the refusal. Where operators must sign, each certain line leaves a draft of its binding.
    """
    _check_rows(accounts)
    booked: list[dict[str, Any]] = []
    while True:
        acts, certain, waiting, left = _look(role, turn, accounts, dry_run=dry_run)
        booked += certain
        if not acts:  # else what was just entered may be what another line was waiting for
            found = {"booked": booked, "waiting": waiting, "open": left}
            return {**found, **({"dry_run": True} if dry_run else {})}
        _carry_out(role, turn, acts)


def _look(
    role: "Keeper", turn: Turn, accounts: Sequence[Sequence[str]], *, dry_run: bool
) -> tuple[list["_Act"], list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    """Return what can be bound now, how that is shown, what waits for signatures, what is left."""
    with role.vault.store.read() as vault:
        matches, held = matches_of(role, turn.writer, vault, accounts)
        numbers = bankbook.accounts(vault)
    acts, certain, waiting, left = list[_Act](), [], [], []
    for found in matches:
        value = match_value(found, held[found.number], numbers, role.today(turn.now_ms))
        if not found.certain:
            left.append(value)
            continue
        if not dry_run:
            try:
                acts.append(_plan(role, turn, held[found.number], found.payments, found.reason))
            except RefusedError as error:
                left.append({**value, "refused": error.code, "why": str(error)})
                continue
            except UnsignedError as unsigned:
                least = turn.order.least if turn.order else 0
                given = Given("bank_bind", {"line": found.number, "payments": []}, least=least)
                draft = approvals.make(role, turn, given, unsigned)
                waiting.append({**value, "pending": draft["pending"], "signed": draft["signed"]})
                continue
        certain.append(value)
    return acts, certain, waiting, left


def match_value(found: Match, held: Held, numbers: Sequence[str], today: str) -> dict[str, Any]:
    """Return what a line is by name, with its age in days."""
    text = REASON[found.reason]
    age = (date.fromisoformat(today) - date.fromisoformat(held.line.booked)).days
    return {
        **line_value(held, numbers),
        "age_days": max(age, 0),
        "reason": found.reason,
        "en": text.en,
        "zh": text.zh,
        "opposite": found.opposite or None,
        "payments": [item._asdict() for item in found.payments],
    }


# --- binding -------------------------------------------------------------------------------------


class _Act(NamedTuple):
    """A line and the entries that it writes."""

    number: int
    binding: Binding
    records: list[Record]


def bind(
    role: "Keeper",
    turn: Turn,
    line: int,
    payments: Sequence[str] = (),
    accounts: Sequence[Sequence[str]] = (),
    note: str = "",
    *,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Bind a line to payments, as a person decided, and enter what the bank has done.

    Args:
        payments: Each `2017-03/12` (month and leg), `P2017-01/2` (row of a demand; `R` if it is
            given back) or an end-to-end id; none: what is proposed, if that is one thing.

    Raises:
        RefusedError: The line is bound (BOUND) or a bank charge (FEE); a payment is not expected
            (PAYMENT); amounts do not fit (AMOUNT); what `money` and `prepay` refuse.
    """
    _check_rows(accounts)
    remark = check_note(note)
    with role.vault.store.read() as vault:
        held = bankbook.line(vault, line)
        if held.binding is not None:
            return _again(held, payments)
        matches, _ = matches_of(role, turn.writer, vault, accounts)
        bound = bankbook.bound(vault)
    if held.line.fee:
        raise RefusedError("FEE", f"line {line}: {REASON['FEE'].en}")
    if payments:
        size = heads.size_of(turn.writer, CENTRE)
        known = expected(turn.writer, role.founding, role.code, size, role.result)
        free = [item for item in known if item.id not in bound]
        network = network_part(role.founding.network_id)
        picked = chosen(role.code, network, held.line, free, payments)
    else:
        picked = proposed(next(found for found in matches if found.number == line))
    if dry_run:
        parts = zip(picked, amounts(line, held.line, picked), strict=True)
        tried = [payment_of(item, fen, item.entry or 0) for item, fen in parts]
        return {**_bound_value(held, tried), "dry_run": True}
    act = _plan(role, turn, held, picked, HAND, remark)
    _carry_out(role, turn, [act])
    return _bound_value(held, act.binding.payments)


def _bound_value(held: Held, payments: Sequence[bankbook.Payment]) -> dict[str, Any]:
    shown = [
        {"way": p.way, "purpose": p.purpose, "month": p.month, "number": p.number,
         "attempt": p.attempt, "other": p.other, "fen": p.fen, "index": p.entry}
        for p in payments
    ]  # fmt: skip
    return {"line": held.number, "fen": held.line.fen, "payments": shown}


def _again(held: Held, payments: Sequence[str]) -> dict[str, Any]:
    # The same order again, after a crash or a lost answer, comes to the same.
    assert held.binding is not None
    bound = held.binding.payments
    named = [payment_name(p.purpose, p.month, p.number) for p in bound]
    if held.binding.by != HAND or not same_choice(payments, named):
        raise RefusedError("BOUND", f"line {held.number} is bound already")
    return _bound_value(held, bound)


def _plan(
    role: "Keeper",
    turn: Turn,
    held: Held,
    payments: Sequence[Expected],
    by: str,
    note: str = "",
) -> _Act:
    """Enter a line's payments in the turn; return what has to be kept of it."""
    bound, records, wrote = [], list[Record](), False
    for item, fen in zip(payments, amounts(held.number, held.line, payments), strict=True):
        index = item.entry
        if index is None:
            index = _enter(role, turn, held.line, item, fen)
            wrote = True
        record = lookup.entry_at(turn.writer, role.code, index)[1]
        _check_entry(held, item, fen, record)
        records.append(record)
        bound.append(payment_of(item, fen, index))
    ids = [item.id for item in payments]
    today = role.today(turn.now_ms)
    return _Act(held.number, Binding(by, bound, ids, 0, wrote, today, note), records)


def _check_entry(held: Held, item: Expected, fen: int, record: Record) -> None:
    # The bank's number tells payments apart; one that a bank uses twice would find the first again.
    assert isinstance(record, Paid | Received | Returned)
    amount = fen if isinstance(record, Returned) else record.fen
    if (record.attempt, amount) != (item.attempt, fen):
        said = f"{held.line.reference} of line {held.number} is entered for another payment"
        raise RefusedError("DUPLICATE", said)


def _enter(role: "Keeper", turn: Turn, line: Line, item: Expected, fen: int) -> int:
    enter = ENTER.get((item.purpose, item.way))
    if enter is None:
        raise RefusedError("PURPOSE", f"nothing here enters {item.purpose}")
    reference = entry_reference(line.reference)
    return int(enter(role, turn, line, item, fen, reference)["index"])


def _sent(
    role: "Keeper", turn: Turn, line: Line, item: Expected, fen: int, reference: str
) -> dict[str, Any]:
    return money.paid(role, turn, item.month, item.number, reference, line.booked, fen, item.other)


def _arrived(
    role: "Keeper", turn: Turn, line: Line, item: Expected, _fen: int, reference: str
) -> dict[str, Any]:
    return money.received(
        role, turn, item.month, item.number, reference, line.booked, item.other, item.attempt
    )


def _came_back(
    role: "Keeper", turn: Turn, line: Line, item: Expected, _fen: int, reference: str
) -> dict[str, Any]:
    return money.returned(
        role, turn, item.month, item.number, reference, line.booked, _reason(line), item.attempt,
        item.other,
    )  # fmt: skip


def _reason(line: Line) -> str:
    return (line.return_reason or line.remittance or "-")[:MAX_TEXT]


def _row_sent(
    role: "Keeper", turn: Turn, line: Line, item: Expected, fen: int, reference: str
) -> dict[str, Any]:
    return prepay.paid(role, turn, item.month, item.number, reference, line.booked, fen)


def _row_arrived(
    role: "Keeper", turn: Turn, line: Line, item: Expected, _fen: int, reference: str
) -> dict[str, Any]:
    return prepay.received(
        role, turn, item.month, item.number, reference, line.booked, item.attempt
    )


def _row_came_back(
    role: "Keeper", turn: Turn, line: Line, item: Expected, _fen: int, reference: str
) -> dict[str, Any]:
    return prepay.returned(
        role, turn, item.month, item.number, reference, line.booked, _reason(line), item.attempt
    )


ENTER: dict[tuple[str, str], Callable[..., dict[str, Any]]] = {
    ("clearing", "out"): _sent,
    ("clearing", "in"): _arrived,
    ("clearing", "back"): _came_back,
    ("prepayment", "out"): _row_sent,
    ("prepayment", "in"): _row_arrived,
    ("prepayment", "back"): _row_came_back,
    ("prepayment_return", "out"): _row_sent,
    ("prepayment_return", "in"): _row_arrived,
    ("prepayment_return", "back"): _row_came_back,
}


def _carry_out(role: "Keeper", turn: Turn, acts: Sequence[_Act]) -> None:
    def change(writer: Writer) -> None:
        for act in acts:
            bankbook.bind(writer, act.number, act.binding)

    role.pending.enter(turn, [record for act in acts for record in act.records], change)


def check_note(note: object) -> str:
    """Return a remark in one line; raises FormError for anything but a short text."""
    if not isinstance(note, str) or len(note) > MAX_TEXT:
        raise FormError("note", f"a text of at most {MAX_TEXT} characters", note)
    return clean(note)


def _check_rows(accounts: object) -> None:
    # Orders come as JSON: anything may stand where rows of texts should.
    width = len(Account._fields)
    if not isinstance(accounts, list | tuple):
        raise FormError("accounts", f"rows of {width} texts", accounts)
    for row in accounts:
        texts = isinstance(row, list | tuple) and all(isinstance(text, str) for text in row)
        if not texts or len(row) != width:
            raise FormError("accounts", f"rows of {width} texts", row)
