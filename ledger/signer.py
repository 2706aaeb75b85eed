"""The signer's memory: what was signed must never be contradicted, whatever becomes of the data.

A journal apart from data and backups. Each record says: for this origin a head, or a cosignature,
of this size and root is about to be signed. It is on the disk before the signature is made.

    record = u16 length || payload || first 8 bytes of SHA-256(payload)
    payload = canonical [what, origin, size, root, time]

A torn last record was never signed upon and is cut off; damage anywhere else stops the node. A
missing file is damage, never a first start.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from ledger import encoding
from ledger.errors import BrokenDiskError, DamageError, FormError, RefusedError
from ledger.hashing import hash_bytes

HEAD, COSIGNED = "head", "cosigned"
MAGIC = b"gongzhang/signer/v1\n"
COMPACT_BYTES = 1 << 20

Change = tuple[str, str, int, bytes, int]
"""(HEAD or COSIGNED, origin, size, root, POSIX seconds or 0)."""


class Signer(Protocol):
    """What a role needs to know and to store about its signatures."""

    def head(self, origin: str) -> tuple[int, bytes] | None:
        """Return size and root of the newest head signed for an own log."""

    def cosigned(self, origin: str) -> tuple[int, bytes, int] | None:
        """Return size, root and time of the newest cosignature on a log."""

    def advance(self, changes: Sequence[Change]) -> None:
        """Store that these are about to be signed."""


class SignerMemory:
    """The state itself, without a disk; the simulator uses it as it is."""

    def __init__(self) -> None:
        self.state: dict[tuple[str, str], tuple[int, bytes, int]] = {}

    def head(self, origin: str) -> tuple[int, bytes] | None:
        """Return size and root of the newest head signed for an own log."""
        found = self.state.get((HEAD, origin))
        return None if found is None else found[:2]

    def cosigned(self, origin: str) -> tuple[int, bytes, int] | None:
        """Return size, root and time of the newest cosignature on a log."""
        return self.state.get((COSIGNED, origin))

    def advance(self, changes: Sequence[Change]) -> None:
        """Take over changes that keep the state monotone.

        Raises:
            RefusedError: A smaller size, the same size with another root, or an earlier time
                (BACKWARDS); nothing is taken over.
        """
        after = dict(self.state)
        for what, origin, size, root, at in changes:
            before = after.get((what, origin))
            if before is not None:
                same = size == before[0] and root == before[1]
                if (size <= before[0] and not same) or at < before[2]:
                    raise RefusedError(
                        "BACKWARDS", f"{what} of {origin}: {before[0]} was signed, not {size}"
                    )
            after[what, origin] = (size, root, at)
        self._store([c for c in changes if self.state.get(c[:2]) != c[2:]])
        self.state = after

    def _store(self, changes: Sequence[Change]) -> None:
        """Make changes durable; in memory there is nothing to do."""


class SignerState(SignerMemory):
    """The state with its journal file."""

    def __init__(self, path: Path, handle: int) -> None:
        super().__init__()
        self._path = path
        self._handle = handle
        self._bytes = 0

    @classmethod
    def create(cls, path: Path) -> "SignerState":
        """Create an empty journal; raises FormError if the file exists."""
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise FormError(str(path), "a signer state that does not exist yet") from None
        state = cls(path, handle)
        state._append(MAGIC)
        _sync_directory(path.parent)
        return state

    @classmethod
    def open(cls, path: Path) -> "SignerState":
        """Open a journal.

        Raises:
            DamageError: It is missing, or damaged anywhere but in a torn last record.
        """
        try:
            handle = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            raise DamageError(str(path), "the signer state", "no file") from None
        state = cls(path, handle)
        try:
            state._load()
        except DamageError:
            os.close(handle)
            raise
        if state._bytes > COMPACT_BYTES:
            state._compact()
        return state

    def close(self) -> None:
        """Close the file."""
        os.close(self._handle)

    def _load(self) -> None:
        data = self._path.read_bytes()
        if not data.startswith(MAGIC):
            raise DamageError(str(self._path), "a signer state", "another beginning")
        at = len(MAGIC)
        while at < len(data):
            end = at + 2 + int.from_bytes(data[at : at + 2], "big") + 8
            record = data[at + 2 : end - 8]
            whole = end <= len(data) and hash_bytes(record)[:8] == data[end - 8 : end]
            if not whole:
                if end < len(data):
                    raise DamageError(f"{self._path} byte {at}", "a whole record", "damage")
                break  # the last record was torn: its signature was never made
            self._replay(record, at)
            at = end
        os.ftruncate(self._handle, at)
        os.lseek(self._handle, at, os.SEEK_SET)
        self._bytes = at

    def _replay(self, record: bytes, at: int) -> None:
        try:
            what, origin, size, root, time = encoding.unpack(record)
        except (FormError, ValueError, TypeError):
            raise DamageError(f"{self._path} byte {at}", "a record", "another form") from None
        self.state[what, origin] = (size, root, time)

    def _store(self, changes: Sequence[Change]) -> None:
        if changes:
            self._append(b"".join(_record(change) for change in changes))

    def _append(self, data: bytes) -> None:
        try:
            written = os.write(self._handle, data)
            os.fdatasync(self._handle)
        except OSError as error:
            raise BrokenDiskError(f"{self._path}: {error}") from error
        if written != len(data):
            raise BrokenDiskError(f"{self._path}: only {written} of {len(data)} bytes were written")
        self._bytes += written

    def _compact(self) -> None:
        # Beside, synced, renamed: a crash leaves the old journal or the new one, never a part.
        beside = self._path.with_suffix(".new")
        beside.unlink(missing_ok=True)
        fresh = SignerState.create(beside)
        fresh._store([(*place, *value) for place, value in sorted(self.state.items())])
        beside.rename(self._path)
        _sync_directory(self._path.parent)
        os.close(self._handle)
        self._handle, self._bytes = fresh._handle, fresh._bytes


def _record(change: Change) -> bytes:
    payload = encoding.pack(list(change))
    return len(payload).to_bytes(2, "big") + payload + hash_bytes(payload)[:8]


def _sync_directory(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
