"""The day's statements as the insured province keeps them, in the vault.

    code + day                   what both sides had, what differs, whether it is confirmed
    `open` + day + code + state  for each one that is not confirmed; `status` reads these keys only
    `last`                       the last day asked for, and what was owed then

A statement is `waiting` until the other side has answered, then `match` or `differs`. A clerk's
confirmation holds for what stood there then: if a later answer is another, it is open again.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from ledger import encoding
from ledger.errors import DamageError
from ledger.hashing import hash_bytes
from ledger.table import Reader, Writer
from node.vault import STATEMENT
from settlement.outcome import Text
from settlement.statement import (
    DIFFERENCE,
    Cell,
    CellDifference,
    Difference,
    SameVisit,
    Totals,
    compare_totals,
)

MAX_DIFFERENCES = 1_000
VERSION = 1
STATES = ("waiting", "match", "differs")
REASONS: dict[str, Text] = {
    "ASKED": Text("asked, no answer yet", "已询问，尚无答复"),
    "NO_ANSWER": Text("the other side does not answer", "对方没有答复"),
    "UNSEEN": Text("rows of the other side are still on their way", "对方部分记录尚在传送途中"),
    "FORM": Text("the other side's answer is not in order", "对方的答复不合规"),
}
_OPEN = b"open"
_LAST = b"last"


class Confirmed(NamedTuple):
    """That a clerk has confirmed a statement as it stood."""

    at_ms: int
    note: str
    digest: bytes


@dataclass(frozen=True)
class Statement:
    """A day with one treatment province."""

    day: str
    code: str
    state: str = "waiting"
    reason: str = "ASKED"  # why it waits
    built_ms: int = 0
    ours: Totals = field(default_factory=dict)
    theirs: Totals = field(default_factory=dict)
    differences: tuple[Difference, ...] = ()
    left_out: int = 0  # differences above the limit
    visits: tuple[SameVisit, ...] = ()
    confirmed: Confirmed | None = None

    @property
    def cells(self) -> list[CellDifference]:
        """The totals that differ; none while it waits."""
        return compare_totals(self.ours, self.theirs) if self.state != "waiting" else []

    @property
    def digest(self) -> bytes:
        """What a confirmation holds for."""
        return hash_bytes(encoding.pack([self.day, self.code, self.state, *_content(self)]))

    @property
    def stands_confirmed(self) -> bool:
        """True if it was confirmed and has not changed since."""
        return self.confirmed is not None and self.confirmed.digest == self.digest

    @property
    def shown_state(self) -> str:
        """The state for people: `confirmed`, or the state."""
        return "confirmed" if self.stands_confirmed else self.state

    def confirm(self, at_ms: int, note: str) -> "Statement":
        """Return it confirmed as it stands."""
        text = unicodedata.normalize("NFC", note)
        return replace(self, confirmed=Confirmed(at_ms, text, self.digest))


class Last(NamedTuple):
    """The last day asked for, and how many entries each log had that this province owes."""

    day: str
    owed: dict[str, int]


def load(reader: Reader, code: str, day: str) -> Statement | None:
    """Return the statement of a day with `code`, or None."""
    value = reader.get(STATEMENT, code.encode() + day.encode())
    return None if value is None else _decode(day, code, value)


def save(writer: Writer, statement: Statement) -> None:
    """Store a statement in place of the one before."""
    remove(writer, statement.code, statement.day)
    key = statement.code.encode() + statement.day.encode()
    content = [VERSION, statement.state, statement.reason, statement.built_ms, *_content(statement)]
    confirmed = None if statement.confirmed is None else list(statement.confirmed)
    writer.put(STATEMENT, key, encoding.pack([*content, confirmed]))
    if not statement.stands_confirmed:
        writer.put(STATEMENT, _open_key(statement.day, statement.code, statement.state), b"")


def remove(writer: Writer, code: str, day: str) -> None:
    """Remove a statement: there was nothing on that day."""
    writer.delete(STATEMENT, code.encode() + day.encode())
    for state in STATES:
        writer.delete(STATEMENT, _open_key(day, code, state))


def of_day(reader: Reader, day: str, codes: tuple[str, ...]) -> list[Statement]:
    """Return the statements of a day with any of `codes`."""
    found = (load(reader, code, day) for code in codes)
    return [statement for statement in found if statement is not None]


def open_statements(reader: Reader) -> Iterator[tuple[str, str, str]]:
    """Yield (day, code, state) of what is not confirmed, by day; reads nothing that is sealed."""
    for key, _ in reader.scan(STATEMENT, _OPEN, _OPEN + b"\xff"):
        text = key[len(_OPEN) :].decode()
        yield text[:10], text[10:16], text[16:]


def load_last(reader: Reader) -> Last | None:
    """Return up to where statements have been asked for, or None before the first morning."""
    value = reader.get(STATEMENT, _LAST)
    if value is None:
        return None
    day, owed = encoding.unpack(value)
    return Last(day, dict(owed))


def save_last(writer: Writer, last: Last) -> None:
    """Store up to where statements have been asked for."""
    owed = [[code, count] for code, count in sorted(last.owed.items())]
    writer.put(STATEMENT, _LAST, encoding.pack([last.day, owed]))


def statement_value(statement: Statement) -> dict[str, Any]:
    """Return a statement for people and programs."""
    confirmed = statement.confirmed
    return {
        "day": statement.day,
        "with": statement.code,
        "state": statement.shown_state,
        "reason": _reason(statement),
        "built_ms": statement.built_ms,
        "ours": [_cell_value(key, cell) for key, cell in statement.ours.items()],
        "theirs": [_cell_value(key, cell) for key, cell in statement.theirs.items()],
        "cells": [[d.insutype, d.clr_type] for d in statement.cells],
        "differences": [difference_value(d) for d in statement.differences],
        "left_out": statement.left_out,
        "same_visits": [visit_value(visit) for visit in statement.visits],
        "confirmed": confirmed and {"at_ms": confirmed.at_ms, "note": confirmed.note},
    }


def difference_value(found: Difference) -> dict[str, Any]:
    """Return a difference for people and programs."""
    text = DIFFERENCE[found.kind]
    columns = [{"column": c, "ours": a, "theirs": b} for c, a, b in found.columns]
    return {
        "kind": found.kind,
        "setl_id": found.setl_id,
        "columns": columns,
        "en": text.en,
        "zh": text.zh,
    }


def visit_value(visit: SameVisit) -> dict[str, Any]:
    """Return a SAME_VISIT warning for people and programs."""
    return {
        "setl_ids": list(visit.setl_ids),
        "standing": list(visit.standing),
        "medfee_fen": visit.medfee_fen,
        "open": visit.open,
    }


def _reason(statement: Statement) -> dict[str, str] | None:
    if statement.state != "waiting" or statement.stands_confirmed:
        return None
    text = REASONS[statement.reason]
    return {"code": statement.reason, "en": text.en, "zh": text.zh}


def _cell_value(key: tuple[str, str], cell: Cell) -> dict[str, Any]:
    times = {"person_times": cell.person_times}
    return {"insutype": key[0], "clr_type": key[1], **cell._asdict(), **times}


def _open_key(day: str, code: str, state: str) -> bytes:
    return _OPEN + f"{day}{code}{state}".encode()


def _content(statement: Statement) -> list[Any]:
    return [
        [[*key, *cell] for key, cell in sorted(statement.ours.items())],
        [[*key, *cell] for key, cell in sorted(statement.theirs.items())],
        [list(difference) for difference in statement.differences],
        statement.left_out,
        [list(visit) for visit in statement.visits],
    ]


def _decode(day: str, code: str, value: bytes) -> Statement:
    try:
        version, state, reason, built_ms, ours, theirs, found, left_out, visits, confirmed = (
            encoding.unpack(value)
        )
        if version != VERSION:
            raise DamageError(f"statement {day} {code}", f"version {VERSION}", version)
        return Statement(
            day=day,
            code=code,
            state=state,
            reason=reason,
            built_ms=built_ms,
            ours={(row[0], row[1]): Cell(*row[2:]) for row in ours},
            theirs={(row[0], row[1]): Cell(*row[2:]) for row in theirs},
            differences=tuple(
                Difference(kind, setl_id, tuple((c[0], c[1], c[2]) for c in columns))
                for kind, setl_id, columns in found
            ),
            left_out=left_out,
            visits=tuple(SameVisit(tuple(ids), tuple(on), fen) for ids, on, fen in visits),
            confirmed=None if confirmed is None else Confirmed(*confirmed),
        )
    except (TypeError, ValueError) as error:
        raise DamageError(f"statement {day} {code}", "a statement", error) from None
