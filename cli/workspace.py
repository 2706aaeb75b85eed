"""What an audit works on: its own tables, and the leaves where they are.

Tables grow with the logs, so beyond a size they lie in a scratch store on disk and the memory an
audit needs does not depend on how much it checks. Leaves are not copied: they are read from the
source again when needed, and every one is held against the hash it had when it was checked, so
a source that changes under the audit is found out.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cli.source import Source
from ledger import log, tree
from ledger.errors import DamageError
from ledger.hashing import leaf_hash
from ledger.memory import MemoryStore
from ledger.store import LmdbStore
from ledger.table import LEAF, Reader, Store, T, Writer, u64

LARGE = 30_000  # entries from which on the tables lie on disk
FIRST_MAP = 256 << 20


class _Overlay:
    """One view of the tables, with the source behind the leaves."""

    def __init__(self, tables: Writer | Reader, source: Source) -> None:
        self._tables = tables
        self._source = source
        self.get, self.scan_other, self.last_other = tables.get, tables.scan, tables.last

    def scan(self, table: str, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield (key, value) for start <= key < stop, ascending; leaves come from the source."""
        if table != LEAF:
            yield from self.scan_other(table, start, stop)
            return
        first, last = (int.from_bytes(place[8:], "big") for place in (start, stop))
        for index, leaf in enumerate(self._leaves(start[:8], first, last), first):
            yield log.pack_chunk(start[:8], index, [leaf])

    def last(self, table: str, start: bytes, stop: bytes) -> tuple[bytes, bytes] | None:
        """Return the pair with the greatest key in start <= key < stop, or None."""
        if table != LEAF:
            return self.last_other(table, start, stop)
        index = int.from_bytes(stop[8:], "big")
        return next(self.scan(LEAF, start[:8] + u64(max(index - 1, 0)), stop), None)

    def _leaves(self, log: bytes, start: int, stop: int) -> Iterator[bytes]:
        code = log[:6].decode("ascii")
        for index, leaf in enumerate(self._source.leaves(code, start, stop), start):
            expected = tree.node_at(self._tables, log, 0, index)
            if leaf_hash(leaf) != expected:
                raise DamageError(f"leaf {code} #{index}", "what it was a moment ago", "another")
            yield leaf

    def put(self, table: str, key: bytes, value: bytes) -> None:
        """Store `value` under `key`; a leaf stays where it is."""
        if table != LEAF:
            self._tables.put(table, key, value)  # type: ignore[union-attr]

    def delete(self, table: str, key: bytes) -> None:
        """Remove `key`."""
        self._tables.delete(table, key)  # type: ignore[union-attr]


class Workspace:
    """A `table.Store` for one audit; `view` reads what was committed, for as long as it lives."""

    def __init__(self, tables: Store, source: Source) -> None:
        self._tables = tables
        self._source = source

    def transact(self, change: Callable[[Writer], T]) -> T:
        """Run `change` in one transaction."""
        return self._tables.transact(lambda writer: change(_Overlay(writer, self._source)))

    @contextmanager
    def read(self) -> Iterator[Reader]:
        """Return a view of the committed state."""
        with self._tables.read() as reader:
            yield _Overlay(reader, self._source)


@contextmanager
def workspace(source: Source, entries: int) -> Iterator[Workspace]:
    """Yield tables for an audit of this many entries: in memory, beyond LARGE in a scratch store.

    The scratch store lies in the temporary folder (TMPDIR) and is gone afterwards.
    """
    if entries <= LARGE:
        yield Workspace(MemoryStore(), source)
        return
    with tempfile.TemporaryDirectory(prefix="gongzhang-audit-") as folder:
        store = LmdbStore.create(
            Path(folder) / "tables", bytes(32), "audit", map_size=FIRST_MAP, durable=False
        )
        try:
            yield Workspace(store, source)
        finally:
            store.close()
