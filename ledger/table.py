"""Sorted tables of bytes with transactions: the one shape in which anything is stored.

`ledger.store` keeps them in LMDB, `ledger.memory` in a dictionary (simulator, tests, audits of
small logs). Code above this module never knows which. Keys sort as bytes; a scan is ascending.

    LEAF     log key + u64 index            leaves (signature and canonical entry) from that index
                                            on, as many as fit a page: see `log`
    HASH     log key + u8 level + u64 chunk up to 120 hashes of complete subtrees of 2**level leaves
    HEAD     log key + name                 signed notes and sizes of one log
    DERIVED  log key + ...                  what `apply` computed from the entries; can be rebuilt
    DRAFT    state + hash                    an entry that waits for signatures: `node.drafts`
    META     name                           identity, engine and schema of the whole store
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

LEAF = "leaf"
HASH = "hash"
HEAD = "head"
DERIVED = "derived"
DRAFT = "draft"
META = "meta"
TABLES = (LEAF, HASH, HEAD, DERIVED, DRAFT, META)

T = TypeVar("T")


class Reader(Protocol):
    """One consistent view of all tables."""

    def get(self, table: str, key: bytes) -> bytes | None:
        """Return the value stored under `key`, or None."""

    def scan(self, table: str, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield (key, value) for start <= key < stop, ascending."""

    def last(self, table: str, start: bytes, stop: bytes) -> tuple[bytes, bytes] | None:
        """Return the pair with the greatest key in start <= key < stop, or None."""


class Writer(Reader, Protocol):
    """A view that can be changed; nothing is visible to others before the commit."""

    def put(self, table: str, key: bytes, value: bytes) -> None:
        """Store `value` under `key`, replacing what was there."""

    def delete(self, table: str, key: bytes) -> None:
        """Remove `key`; removing what is not there changes nothing."""


class Store(Protocol):
    """Tables with one writer and any number of readers."""

    def read(self) -> AbstractContextManager[Reader]:
        """Return a view of the last committed state, for the length of one `with` block."""

    def transact(self, change: Callable[[Writer], T]) -> T:
        """Run `change` in one transaction, make it durable, return its result.

        An exception in `change` leaves everything as it was. `change` may be run twice (when the
        map had to grow), so it must not touch anything but its writer.
        """


def log_key(code: str, generation: int = 1) -> bytes:
    """Return the 8 bytes under which all of one log is stored.

    Example:
        >>> log_key("630000")
        b'630000\\x00\\x01'
    """
    return code.encode("ascii").ljust(6, b"\x00")[:6] + generation.to_bytes(2, "big")


def u64(number: int) -> bytes:
    """Return `number` as 8 big-endian bytes, so that keys sort as numbers do."""
    return number.to_bytes(8, "big")
