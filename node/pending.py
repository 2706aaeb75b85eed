"""Entries that have a part in the vault: first the vault is durable, then the entry.

    pending   number   [kind, body]

The part in the vault and a note of the entry are one transaction there; the entry is committed
right after. A crash between the two leaves a note without its entry, and the next turn writes the
entry: what was durable in the vault is carried out. A note whose entry is known to be durable goes
with the next vault transaction, so an order costs no further one.
"""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any

import structlog

from ledger import encoding
from ledger.errors import RefusedError
from ledger.table import Writer, u64
from node.turn import Turn
from node.vault import PENDING
from settlement.record import Record, decode_body

if TYPE_CHECKING:
    from node.centre import Centre
    from node.province import Province

_log = structlog.get_logger("pending")


class Pending:
    """What is durable in the vault of a node and perhaps not in its log."""

    def __init__(self, role: "Province | Centre") -> None:
        self._role = role
        self._doubtful: dict[bytes, Record] = {}  # ascending: later entries rest on earlier ones
        self._done: set[bytes] = set()
        with role.vault.store.read() as vault:
            for key, value in vault.scan(PENDING, b"", b"\xff" * 9):
                kind, body = encoding.unpack(value)
                self._doubtful[key] = decode_body(kind, body)
        self._next = 1 + int.from_bytes(max(self._doubtful, default=u64(0)), "big")

    def enter(
        self, turn: Turn, records: Sequence[Record], change: Callable[[Writer], None]
    ) -> list[int]:
        """Add entries to the log after `change` is durable in the vault; return their indexes.

        Args:
            change: May be run twice and must not touch anything but its writer.

        Raises:
            RefusedError: An entry would be void; the vault is as it was.
        """
        indexes = [turn.append(record) for record in records]
        noted = {u64(self._next + place): record for place, record in enumerate(records)}
        done = set(self._done)

        def write(writer: Writer) -> None:
            for key in done:
                writer.delete(PENDING, key)
            change(writer)
            for key, record in noted.items():
                writer.put(PENDING, key, encoding.pack([record.kind, record.encode()]))

        self._role.vault.store.transact(write)
        self._next += len(noted)
        self._done -= done
        self._doubtful |= noted
        return indexes

    def settle(self, turn: Turn) -> None:
        """Write the entries that a crash has left out; those that are there stay as they are."""
        if not self._doubtful:
            return
        doubtful = dict(self._doubtful)
        for record in doubtful.values():
            try:
                turn.append(record)
            except RefusedError as error:
                # The log went on without it: a vault from an old backup. The order says the rest.
                _log.error("not entered", kind=type(record).__name__, error=str(error))
        turn.learned.append(lambda: self._settled(doubtful))

    def _settled(self, records: dict[bytes, Record]) -> None:
        self._done |= records.keys()
        for key in records:
            self._doubtful.pop(key, None)


def settled(order: Callable[..., Any]) -> Callable[..., Any]:
    """Return an order that first lets the log catch up with what the vault has.

    A turn may run again after an order of it has changed the vault.
    """

    @wraps(order)
    def run(role: "Province | Centre", turn: Turn, *args: Any, **kwargs: Any) -> Any:
        role.pending.settle(turn)
        return order(role, turn, *args, **kwargs)

    return run
