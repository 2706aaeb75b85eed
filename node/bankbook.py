"""What the vault keeps of bank statements: account numbers and counterparties never go into a log.

    bank   a + account            the account's number; accounts are numbered as they come
           s + account + last day + sequence   a statement without its lines
           l + number             a line, and what it is bound to
           k + hash               number of the line with that account, reference, day and amount
           o + booked + number    lines that are bound to nothing (待查)
           p + payment            number of the line that a payment is bound to, see `payment_id`
           n                      the next line's number

Lines are numbered from 1 as they are taken in, and keep their numbers. Keys hold days and numbers
only, so what has to be done can be listed without the vault's key.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from ledger.encoding import Codec
from ledger.errors import RefusedError
from ledger.hashing import hash_bytes
from ledger.table import Reader, Writer, u64
from node.vault import BANK
from settlement.bankstatement import Before, Count, Line, Long, Short, Statement, check_follows
from settlement.matching import Expected
from settlement.record import Day, Fen, Hash, Index, Name, Part

HAND, SENT_BACK = "HAND", "SENT_BACK"


class Payment(Part, frozen=True):
    """A payment that a line is bound to."""

    way: Name  # out, in, back
    purpose: Name
    month: Name
    number: Count
    attempt: Count
    other: Name
    fen: Fen  # of it, what the line moved
    entry: Index  # in the own log


class Binding(Part, frozen=True):
    """What a line is: payments, or the other half of money sent back."""

    by: Name  # END_TO_END, REFERENCE, HAND, SENT_BACK
    payments: list[Payment]
    ids: list[bytes]  # `payment_id` of each
    opposite: Count  # the line that it takes back, or 0
    wrote: bool  # whether entries were written for it: then it stays
    day: Day  # the business date on which it was bound
    note: Long = ""


class Held(Part, frozen=True):
    """A line that was taken in."""

    number: Count
    account: Count
    line: Line
    binding: Binding | None = None


class Taken(Part, frozen=True):
    """A statement that was taken in, without its lines: these are `count` from `first_line` on."""

    account: Count
    number: Short  # of the account
    sequence: Count
    first: Day
    last: Day
    opening_fen: Fen
    closing_fen: Fen
    digest: Hash
    first_line: Count
    count: Count


_HELD, _TAKEN = Codec(Held), Codec(Taken)


# --- statements ----------------------------------------------------------------------------------


def take(writer: Writer, statement: Statement) -> tuple[Taken, bool]:
    """Take a statement in; return it, and whether it is new.

    Raises:
        RefusedError: It does not follow the one before (GAP, OVERLAP, BALANCE), or a line of it was
            taken in before (DUPLICATE).
    """
    account = _account(writer, statement.account)
    known = writer.get(BANK, _statement_key(account, statement.last, statement.sequence))
    if known is not None:
        taken = _TAKEN.decode(known)
        if taken.digest == statement.digest:
            return taken, False
    check_follows(_before(writer, account), statement)
    first = _next_number(writer)
    for number, line in enumerate(statement.lines, first):
        _take_line(writer, Held(number, account, line), statement.account)
    writer.put(BANK, b"n", u64(first + len(statement.lines)))
    taken = Taken(
        account, statement.account, statement.sequence, statement.first, statement.last,
        statement.opening_fen, statement.closing_fen, statement.digest, first,
        len(statement.lines),
    )  # fmt: skip
    key = _statement_key(account, statement.last, statement.sequence)
    writer.put(BANK, key, _TAKEN.encode(taken))
    return taken, True


def _take_line(writer: Writer, held: Held, account: str) -> None:
    key = b"k" + hash_bytes(account.encode() + b"\x00" + held.line.key)[:16]
    known = writer.get(BANK, key)
    if known is not None:
        number = int.from_bytes(known, "big")
        raise RefusedError("DUPLICATE", f"{held.line.reference} was taken in as line {number}")
    writer.put(BANK, key, u64(held.number))
    writer.put(BANK, _line_key(held.number), _HELD.encode(held))
    writer.put(BANK, _open_key(held), b"")


def _account(writer: Writer, number: str) -> int:
    known = accounts(writer)
    if number in known:
        return known.index(number)
    writer.put(BANK, b"a" + len(known).to_bytes(2, "big"), number.encode())
    return len(known)


def accounts(reader: Reader) -> list[str]:
    """Return the numbers of the accounts in the order in which they came."""
    return [value.decode() for _, value in reader.scan(BANK, b"a", b"b")]


def _before(reader: Reader, account: int) -> Before | None:
    prefix = b"s" + account.to_bytes(2, "big")
    found = reader.last(BANK, prefix, prefix + b"\xff" * 16)
    if found is None:
        return None
    taken = _TAKEN.decode(found[1])
    return Before(taken.sequence, taken.last, taken.closing_fen)


def statements(reader: Reader) -> list[Taken]:
    """Return all statements by account and day."""
    return [_TAKEN.decode(value) for _, value in reader.scan(BANK, b"s", b"t")]


def last_days(reader: Reader) -> dict[int, str]:
    """Return the last day of each account's statements; needs no key."""
    found: dict[int, str] = {}
    for key, _ in reader.scan(BANK, b"s", b"t"):
        found[int.from_bytes(key[1:3], "big")] = key[3:13].decode()
    return found


def _next_number(reader: Reader) -> int:
    value = reader.get(BANK, b"n")
    return 1 if value is None else int.from_bytes(value, "big")


def _statement_key(account: int, last: str, sequence: int) -> bytes:
    return b"s" + account.to_bytes(2, "big") + last.encode() + sequence.to_bytes(4, "big")


def _line_key(number: int) -> bytes:
    return b"l" + u64(number)


def _open_key(held: Held) -> bytes:
    return b"o" + held.line.booked.encode() + u64(held.number)


# --- lines ---------------------------------------------------------------------------------------


def line(reader: Reader, number: int) -> Held:
    """Return a line; raises RefusedError (LINE) if there is none of that number."""
    good = isinstance(number, int) and not isinstance(number, bool) and 0 < number < 2**53
    value = reader.get(BANK, _line_key(number)) if good else None
    if value is None:
        raise RefusedError("LINE", f"no line {number} was taken in")
    return _HELD.decode(value)


def lines(reader: Reader) -> Iterator[Held]:
    """Yield all lines by number."""
    return (_HELD.decode(value) for _, value in reader.scan(BANK, b"l", b"m"))


def open_places(reader: Reader) -> list[tuple[str, int]]:
    """Return (day, number) of the lines bound to nothing, by day; needs no key."""
    return [
        (key[1:11].decode(), int.from_bytes(key[11:], "big"))
        for key, _ in reader.scan(BANK, b"o", b"p")
    ]


def open_lines(reader: Reader) -> dict[int, Held]:
    """Return the lines bound to nothing, by number."""
    return {number: line(reader, number) for _, number in open_places(reader)}


def bound(reader: Reader) -> frozenset[bytes]:
    """Return the ids of the payments that have their line."""
    return frozenset(key[1:] for key, _ in reader.scan(BANK, b"p", b"q"))


def bind(writer: Writer, number: int, binding: Binding) -> None:
    """Bind a line; a payment takes one line, a line is bound once.

    Raises:
        RefusedError: The line is bound already (BOUND), or a payment has a line (TAKEN).
    """
    held = line(writer, number)
    if held.binding is not None:
        raise RefusedError("BOUND", f"line {number} is bound already")
    for name in binding.ids:
        known = writer.get(BANK, b"p" + name)
        if known is not None:
            raise RefusedError("TAKEN", f"the payment has line {int.from_bytes(known, 'big')}")
        writer.put(BANK, b"p" + name, u64(number))
    writer.put(BANK, _line_key(number), _HELD.encode(_with(held, binding)))
    writer.delete(BANK, _open_key(held))


def unbind(writer: Writer, number: int) -> list[int]:
    """Open a line again, and the other half of what it took back; return their numbers.

    Raises:
        RefusedError: It is not bound (STATE), or entries were written for it (ENTERED).
    """
    held = line(writer, number)
    if held.binding is None:
        raise RefusedError("STATE", f"line {number} is bound to nothing")
    if held.binding.wrote:
        raise RefusedError("ENTERED", f"line {number}: entries were written for it")
    numbers = [number] + ([held.binding.opposite] if held.binding.opposite else [])
    for other in numbers:
        item = line(writer, other)
        assert item.binding is not None
        for name in item.binding.ids:
            writer.delete(BANK, b"p" + name)
        writer.put(BANK, _line_key(other), _HELD.encode(_with(item, None)))
        writer.put(BANK, _open_key(item), b"")
    return sorted(numbers)


def _with(held: Held, binding: Binding | None) -> Held:
    return msgspec.structs.replace(held, binding=binding)


def payment_of(item: Expected, fen: int, entry: int) -> Payment:
    """Return what a binding says of a payment."""
    return Payment(
        item.way, item.purpose, item.month, item.number, item.attempt, item.other, fen, entry
    )


# --- for people and programs ---------------------------------------------------------------------


def statement_value(taken: Taken) -> dict[str, Any]:
    """Return a statement by name."""
    return {
        "account": taken.number, "sequence": taken.sequence or None, "first": taken.first,
        "last": taken.last, "opening_fen": taken.opening_fen, "closing_fen": taken.closing_fen,
        "lines": taken.count, "first_line": taken.first_line, "digest": taken.digest.hex(),
    }  # fmt: skip


def line_value(held: Held, numbers: Sequence[str]) -> dict[str, Any]:
    """Return a line by name; `numbers` are the accounts."""
    value = {"line": held.number, "account": numbers[held.account]}
    value |= msgspec.structs.asdict(held.line)
    binding = held.binding
    value["bound"] = None
    if binding is not None:
        value["bound"] = {
            "by": binding.by,
            "payments": [msgspec.structs.asdict(payment) for payment in binding.payments],
            "opposite": binding.opposite or None,
            "day": binding.day,
            "note": binding.note,
        }
    return value
