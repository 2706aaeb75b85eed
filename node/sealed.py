"""A store whose values are sealed: XChaCha20-Poly1305 under a key that is kept apart from the data.

The table and the key a value stands under are authenticated with it, so values cannot be exchanged.
Keys of the tables stay readable, because they are scanned in order: they name only what the logs
name, or hashes of random tokens.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from nacl.exceptions import CryptoError
from nacl.secret import Aead

from ledger.errors import DamageError
from ledger.hashing import hash_bytes
from ledger.table import Reader, Store, T, Writer


@dataclass(frozen=True)
class _View:
    """A view of the inner store that opens what it reads and seals what it writes."""

    inner: Writer
    box: Aead

    def get(self, table: str, key: bytes) -> bytes | None:
        value = self.inner.get(table, key)
        return None if value is None else self._open(table, key, value)

    def scan(self, table: str, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]:
        for key, value in self.inner.scan(table, start, stop):
            yield key, self._open(table, key, value)

    def last(self, table: str, start: bytes, stop: bytes) -> tuple[bytes, bytes] | None:
        found = self.inner.last(table, start, stop)
        return None if found is None else (found[0], self._open(table, *found))

    def put(self, table: str, key: bytes, value: bytes) -> None:
        self.inner.put(table, key, bytes(self.box.encrypt(value, _place(table, key))))

    def delete(self, table: str, key: bytes) -> None:
        self.inner.delete(table, key)

    def _open(self, table: str, key: bytes, value: bytes) -> bytes:
        try:
            return self.box.decrypt(value, _place(table, key))
        except (CryptoError, ValueError):
            raise DamageError(
                f"vault {table} {key.hex()}", "a value sealed under the vault's key", "another"
            ) from None


class SealedStore:
    """A `table.Store` over another one; see the module's text."""

    def __init__(self, inner: Store, seed: bytes) -> None:
        self._inner = inner
        self._box = _box(seed)

    @contextmanager
    def read(self) -> Iterator[Reader]:
        """Return a view of the last committed state.

        Raises:
            DamageError: While reading: a value was not sealed under this key at this place.
        """
        with self._inner.read() as reader:
            yield _View(reader, self._box)  # type: ignore[arg-type]

    def transact(self, change: Callable[[Writer], T]) -> T:
        """Run `change` in one transaction; see `table.Store`."""
        return self._inner.transact(lambda writer: change(_View(writer, self._box)))


def reseal(store: Store, tables: tuple[str, ...], old: bytes, new: bytes) -> None:
    """Seal every value of a store under another key, in one transaction.

    Raises:
        DamageError: A value was not sealed under the old key; nothing is changed.
    """

    def change(writer: Writer) -> None:
        source, target = _View(writer, _box(old)), _View(writer, _box(new))
        for table in tables:
            for key, value in list(source.scan(table, b"", b"\xff" * 80)):
                target.put(table, key, value)

    store.transact(change)


def _box(seed: bytes) -> Aead:
    return Aead(hash_bytes(b"gongzhang/vault/v1\n" + seed))


def _place(table: str, key: bytes) -> bytes:
    return table.encode() + b"\x00" + key
