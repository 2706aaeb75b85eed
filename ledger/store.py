"""Tables in LMDB: the ledger's door to the disk.

Chosen once for all: engine 0.9, default sync, no WRITEMAP. What that does and does not protect from
is in `docs/decisions/0003-storage.md`. On top of it:

- every value carries a checksum over table, key and value, checked on each read, because LMDB
  notices damaged structure but not damaged content;
- creating is another function than opening, and a store is built beside and renamed, because LMDB
  re-initialises an empty file without a word;
- the file is never shorter than its last page says, because reading past the end kills the process;
- any error of a commit but a full map or a full disk ends all writing.
"""

import errno
import os
import shutil
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lmdb

from ledger import encoding
from ledger.disk import sync_directory
from ledger.errors import (
    BrokenDiskError,
    DamageError,
    ForeignError,
    FormError,
    StoreFullError,
)
from ledger.table import META, TABLES, Reader, T, Writer

SCHEMA = 2
ENGINE = "lmdb-0.9"
FIRST_MAP = 64 << 20
LARGEST_MAP = 1 << 44
MAX_TABLES = 24
CHECKSUM_BYTES = 4
_IDENTITY = b"identity"
_UNREADABLE = (lmdb.CorruptedError, lmdb.PageNotFoundError, lmdb.InvalidError)


class _View:
    """One transaction over all tables."""

    def __init__(self, store: "LmdbStore", txn: lmdb.Transaction) -> None:
        self._store = store
        self._txn: Any = txn
        self._databases = store._databases
        self._seeds = store._seeds

    def get(self, table: str, key: bytes) -> bytes | None:
        try:
            value = self._txn.get(key, db=self._databases[table])
        except _UNREADABLE as error:
            raise _unreadable(table, key, error) from error
        return None if value is None else self._open(table, key, value)

    def scan(self, table: str, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]:
        try:
            with self._txn.cursor(self._databases[table]) as cursor:
                if not cursor.set_range(start):
                    return
                for key, stored in cursor.iternext():
                    if key >= stop:
                        return
                    yield key, self._open(table, key, stored)
        except _UNREADABLE as error:
            raise _unreadable(table, start, error) from error

    def last(self, table: str, start: bytes, stop: bytes) -> tuple[bytes, bytes] | None:
        try:
            with self._txn.cursor(self._databases[table]) as cursor:
                found = cursor.prev() if cursor.set_range(stop) else cursor.last()
                key, stored = cursor.item()
        except _UNREADABLE as error:
            raise _unreadable(table, start, error) from error
        return (key, self._open(table, key, stored)) if found and key >= start else None

    def put(self, table: str, key: bytes, value: bytes) -> None:
        checksum = zlib.crc32(value, zlib.crc32(key, self._seeds[table]))
        self._txn.put(key, value + checksum.to_bytes(4, "big"), db=self._databases[table])

    def delete(self, table: str, key: bytes) -> None:
        self._txn.delete(key, db=self._databases[table])

    def _open(self, table: str, key: bytes, stored: bytes) -> bytes:
        value, checksum = stored[:-CHECKSUM_BYTES], stored[-CHECKSUM_BYTES:]
        found = zlib.crc32(value, zlib.crc32(key, self._seeds[table]))
        if found != int.from_bytes(checksum, "big"):
            raise DamageError(place_of(table, key), checksum, found.to_bytes(4, "big"))
        return value


class LmdbStore:
    """A `table.Store` in a directory."""

    def __init__(self, path: Path, env: lmdb.Environment, tables: Sequence[str]) -> None:
        self.path = path
        self._env = env
        self._tables = tables
        self._pid = os.getpid()
        self._broken: str | None = None
        self._readers = 0
        self._gate = threading.Condition()  # its lock is re-entrant: _begin may resize inside it
        self._databases: dict[str, Any] = {}
        self._seeds = {table: zlib.crc32(table.encode()) for table in tables}

    @classmethod
    def create(
        cls,
        path: Path,
        network_id: bytes,
        code: str,
        tables: Sequence[str] = TABLES,
        map_size: int = FIRST_MAP,
        durable: bool = True,
    ) -> "LmdbStore":
        """Create a store for one participant of one network, and open it.

        Args:
            durable: False for scratch data: nothing is synced.

        Raises:
            FormError: Something exists at `path`.
        """
        if path.exists():
            raise FormError(str(path), "a store that does not exist yet")
        beside = path.with_name(path.name + ".new")
        if beside.exists():
            for leftover in beside.iterdir():  # a creation that a crash cut short
                leftover.unlink()
            beside.rmdir()
        beside.mkdir(mode=0o700)
        store = cls(beside, _environment(beside, map_size, create=True), _with_meta(tables))
        store._open_tables(create=True)
        identity = encoding.pack([SCHEMA, ENGINE, network_id, code])
        store.transact(lambda writer: writer.put(META, _IDENTITY, identity))
        store.close()
        sync_directory(beside)
        beside.rename(path)
        sync_directory(path.parent)
        return cls.open(path, network_id, code, tables, map_size, durable=durable)

    @classmethod
    def open(
        cls,
        path: Path,
        network_id: bytes | None = None,
        code: str | None = None,
        tables: Sequence[str] = TABLES,
        map_size: int = FIRST_MAP,
        readonly: bool = False,
        durable: bool = True,
    ) -> "LmdbStore":
        """Open an existing store.

        Args:
            network_id: The network it must belong to; None accepts any (audits).
            code: The participant it must belong to; None accepts any.

        Raises:
            DamageError: Missing, empty, truncated or without its identity.
            ForeignError: Of another network, participant, schema or engine.
        """
        file = path / "data.mdb"
        try:
            found = file.stat().st_size
        except FileNotFoundError:
            raise DamageError(str(file), "a store", "no file") from None
        if found < 8192:
            raise DamageError(str(file), "a store of at least two pages", f"{found} bytes")
        try:
            env = _environment(
                path, max(map_size, found * 2), create=False, readonly=readonly, durable=durable
            )
        except lmdb.Error as error:
            raise DamageError(str(file), "an LMDB 0.9 store", error) from None
        store = cls(path, env, _with_meta(tables))
        try:
            store._check_length(found)
            store._open_tables(create=False)
            store._check_identity(network_id, code)
        except BaseException:
            env.close()
            raise
        return store

    def close(self) -> None:
        """Close the store; using it afterwards is a bug."""
        self._env.close()

    @property
    def identity(self) -> tuple[bytes, str]:
        """Return network id and participant code the store was created for."""
        with self.read() as reader:
            return self._identity(reader)

    @contextmanager
    def read(self) -> Iterator[Reader]:
        """Return a view of the last committed state, for the length of one `with` block."""
        assert os.getpid() == self._pid, "a store does not cross a fork"
        with self._gate:
            txn = self._begin(write=False)  # may have to resize: this reader does not count yet
            self._readers += 1
        try:
            with txn:
                yield _View(self, txn)
        finally:
            with self._gate:
                self._readers -= 1
                self._gate.notify_all()

    def transact(self, change: Callable[[Writer], T]) -> T:
        """Run `change` in one transaction and make it durable; see `table.Store`.

        Raises:
            StoreFullError: The disk has no room; nothing was stored, reading goes on.
            BrokenDiskError: The disk refused a write; the store takes no further ones.
        """
        assert os.getpid() == self._pid, "a store does not cross a fork"
        if self._broken is not None:
            raise BrokenDiskError(f"{self.path}: {self._broken}")
        while True:
            try:
                with self._begin(write=True) as txn:
                    return change(_View(self, txn))
            except lmdb.MapFullError:
                self._grow()
            except lmdb.MapResizedError:
                self._resize(0)
            except lmdb.DiskError as error:
                self._disk_error(error)
            except lmdb.Error as error:
                self._broken = str(error)
                raise BrokenDiskError(f"{self.path}: {error}") from error

    def map_size(self) -> int:
        """Return the size of the map in bytes: how far the store may grow before it grows."""
        return int(self._env.info()["map_size"])

    def _begin(self, *, write: bool) -> lmdb.Transaction:
        try:
            return self._env.begin(write=write)
        except lmdb.MapResizedError:
            self._resize(0)
            return self._env.begin(write=write)

    def _grow(self) -> None:
        size = self.map_size() * 2
        if size > LARGEST_MAP:
            raise StoreFullError(f"{self.path}: the map cannot grow beyond {LARGEST_MAP} bytes")
        self._resize(size)

    def _resize(self, size: int) -> None:
        # The map may move: no reader of this process may be inside it.
        with self._gate:
            self._gate.wait_for(lambda: self._readers == 0)
            self._env.set_mapsize(size)

    def _disk_error(self, error: lmdb.DiskError) -> None:
        if os.strerror(errno.ENOSPC) in str(error):
            raise StoreFullError(f"{self.path}: {os.strerror(errno.ENOSPC)}") from error
        self._broken = str(error)
        raise BrokenDiskError(f"{self.path}: {error}") from error

    def _check_length(self, found: int) -> None:
        info, page = self._env.info(), self._env.stat()["psize"]
        expected = (info["last_pgno"] + 1) * page
        if found < expected:
            raise DamageError(str(self.path / "data.mdb"), f"{expected} bytes", f"{found} bytes")

    def _open_tables(self, *, create: bool) -> None:
        try:
            for table in self._tables:
                self._databases[table] = self._env.open_db(table.encode(), create=create)
        except lmdb.NotFoundError as error:
            raise DamageError(str(self.path), f"table {table}", "none") from error
        except lmdb.Error as error:
            raise DamageError(str(self.path), f"table {table}", error) from error

    def _check_identity(self, network_id: bytes | None, code: str | None) -> None:
        with self.read() as reader:
            network, owner = self._identity(reader)
        if network_id is not None and network != network_id:
            raise ForeignError(f"{self.path}: of network {network.hex()[:16]}, not this one")
        if code is not None and owner != code:
            raise ForeignError(f"{self.path}: the store of {owner}, not of {code}")

    def _identity(self, reader: Reader) -> tuple[bytes, str]:
        value = reader.get(META, _IDENTITY)
        if value is None:
            raise DamageError(str(self.path), "an identity", "none")
        schema, engine, network, owner = encoding.unpack(value)
        if (schema, engine) != (SCHEMA, ENGINE):
            raise ForeignError(f"{self.path}: schema {schema} on {engine}, this program has others")
        return network, owner


def copy_store(
    source: Path, target: Path, network_id: bytes, code: str, tables: Sequence[str] = TABLES
) -> None:
    """Copy a store, also one in use, to a new folder: compacted, synced, complete or not there.

    Raises:
        FormError: Something exists at `target`.
        DamageError, ForeignError: See `LmdbStore.open`; also for the copy.
    """
    if target.exists():
        raise FormError(str(target), "a folder that does not exist yet")
    beside = target.with_name(target.name + ".new")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(mode=0o700)
    store = LmdbStore.open(source, network_id, code, tables, readonly=True)
    try:
        store._env.copy(str(beside), compact=True)
    except lmdb.Error as error:
        raise DamageError(str(source), "a store that can be copied", error) from error
    finally:
        store.close()
    with (beside / "data.mdb").open("rb+") as file:
        os.fsync(file.fileno())
    LmdbStore.open(beside, network_id, code, tables, readonly=True).close()
    sync_directory(beside)
    beside.rename(target)
    sync_directory(target.parent)


def place_of(table: str, key: bytes) -> str:
    """Return a place in words, such as `leaves 630000 from #17`."""
    code, rest = key[:6].decode("ascii", "replace"), key[8:]
    if table == "leaf":
        return f"leaves {code} from #{int.from_bytes(rest, 'big')}"
    if table == "hash" and rest:
        return f"tree {code} level {rest[0]} chunk {int.from_bytes(rest[1:], 'big')}"
    return f"{table} {code} {rest!r}"


def check_in_child(path: Path, tables: Sequence[str] = TABLES) -> None:
    """Read every value of a store in a process of its own.

    A damaged file can kill whoever maps it, so doubtful and foreign stores are first opened here.

    Raises:
        DamageError: A value is damaged, or the child was killed by a signal.
        ForeignError: Not a store of this program.
    """
    command = checking_command(path, tables)
    child = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 (no shell)
    checking_verdict(path, child.returncode, child.stdout)


def checking_command(path: Path, tables: Sequence[str] = TABLES) -> list[str]:
    """Return the command whose end `checking_verdict` understands; it reads a whole store."""
    program = "import sys; from ledger.store import walk; walk(sys.argv[1], sys.argv[2:])"
    return [sys.executable, "-c", program, str(path), *tables]


def checking_verdict(path: Path, returncode: int, stdout: bytes) -> None:
    """Raise what `check_in_child` raises for a checking process that has ended."""
    if returncode == 0:
        return
    lines = stdout.decode("utf-8", "replace").splitlines()
    if returncode == EXIT_FOREIGN and lines:
        raise ForeignError(lines[0])
    if returncode == EXIT_DAMAGED and len(lines) == 3:
        raise DamageError(*lines)
    raise DamageError(str(path), "a readable store", f"reading it ended with {returncode}")


EXIT_DAMAGED, EXIT_FOREIGN = 40, 41


def walk(path: str, tables: Sequence[str]) -> None:
    """Read every value of a store and end the process: the child of `check_in_child`."""
    try:
        store = LmdbStore.open(Path(path), tables=tables, readonly=True)
        with store.read() as reader:
            for table in _with_meta(tables):
                for _ in reader.scan(table, b"", b"\xff" * 64):
                    pass
        store.close()
    except DamageError as error:
        for line in (error.place, error.expected, error.found):
            sys.stdout.write(f"{line}\n")
        sys.exit(EXIT_DAMAGED)
    except ForeignError as error:
        sys.stdout.write(f"{error}\n")
        sys.exit(EXIT_FOREIGN)


def _unreadable(table: str, key: bytes, error: lmdb.Error) -> DamageError:
    return DamageError(place_of(table, key), "a readable page", error)


def _environment(
    path: Path, map_size: int, *, create: bool, readonly: bool = False, durable: bool = True
) -> lmdb.Environment:
    return lmdb.open(
        str(path),
        map_size=map_size,
        max_dbs=MAX_TABLES,
        create=create,
        readonly=readonly,
        sync=durable,
        lock=True,
        lib_version=0,
        mode=0o600,
    )


def _with_meta(tables: Sequence[str]) -> tuple[str, ...]:
    return tuple(tables) if META in tables else (*tables, META)
