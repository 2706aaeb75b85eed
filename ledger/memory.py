"""Tables in memory: for the simulator, for tests and for audits of small logs.

A transaction that raises leaves nothing behind. `snapshot` and `restore` let the simulator take a
store back to what was durable.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ledger.table import Reader, T, Writer

Snapshot = dict[str, dict[bytes, bytes]]


class _Table:
    def __init__(self) -> None:
        self.values: dict[bytes, bytes] = {}
        self._keys: list[bytes] = []
        self._sorted = True

    def put(self, key: bytes, value: bytes) -> None:
        if key not in self.values:
            self._keys.append(key)
            self._sorted = False
        self.values[key] = value

    def delete(self, key: bytes) -> None:
        if self.values.pop(key, None) is not None:
            del self._keys[bisect_left(self.keys, key)]

    @property
    def keys(self) -> list[bytes]:
        """All keys in order; they are sorted when somebody asks, not with every new one."""
        if not self._sorted:
            self._keys.sort()
            self._sorted = True
        return self._keys


class MemoryStore:
    """A `table.Store` that lives as long as the object."""

    def __init__(self) -> None:
        self._tables: dict[str, _Table] = {}
        self._undo: list[tuple[str, bytes, bytes | None]] | None = None

    @contextmanager
    def read(self) -> Iterator[Reader]:
        """Return a view of the committed state."""
        assert self._undo is None, "reading inside a transaction goes through its writer"
        yield self

    def transact(self, change: Callable[[Writer], T]) -> T:
        """Run `change`; an exception undoes everything it did."""
        assert self._undo is None, "one writer at a time"
        self._undo = []
        try:
            return change(self)
        except BaseException:
            for table, key, before in reversed(self._undo):
                if before is None:
                    self._table(table).delete(key)
                else:
                    self._table(table).put(key, before)
            raise
        finally:
            self._undo = None

    def get(self, table: str, key: bytes) -> bytes | None:
        """Return the value stored under `key`, or None."""
        found = self._tables.get(table)
        return None if found is None else found.values.get(key)

    def scan(self, table: str, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield (key, value) for start <= key < stop, ascending."""
        found = self._table(table)
        keys = found.keys[bisect_left(found.keys, start) : bisect_left(found.keys, stop)]
        return iter([(key, found.values[key]) for key in keys])

    def last(self, table: str, start: bytes, stop: bytes) -> tuple[bytes, bytes] | None:
        """Return the pair with the greatest key in start <= key < stop, or None."""
        found = self._table(table)
        at = bisect_left(found.keys, stop) - 1
        if at < 0 or found.keys[at] < start:
            return None
        return found.keys[at], found.values[found.keys[at]]

    def put(self, table: str, key: bytes, value: bytes) -> None:
        """Store `value` under `key`."""
        found = self._tables.get(table) or self._table(table)
        assert self._undo is not None, "writing needs a transaction"
        self._undo.append((table, key, found.values.get(key)))
        found.put(key, value)

    def delete(self, table: str, key: bytes) -> None:
        """Remove `key`."""
        assert self._undo is not None, "writing needs a transaction"
        self._undo.append((table, key, self.get(table, key)))
        self._table(table).delete(key)

    def snapshot(self) -> Snapshot:
        """Return a copy of everything stored."""
        return {name: dict(table.values) for name, table in self._tables.items()}

    @classmethod
    def restore(cls, snapshot: Snapshot) -> "MemoryStore":
        """Return a store with the content of a snapshot."""
        store = cls()
        for name, values in snapshot.items():
            table = store._table(name)
            for key, value in values.items():
                table.put(key, value)
        return store

    def _table(self, name: str) -> _Table:
        found = self._tables.get(name)
        if found is None:
            found = self._tables[name] = _Table()
        return found
