"""The signer's memory: what was signed must never be contradicted, whatever becomes of the data.

A journal apart from data and backups. Each frame says: for these origins heads, or cosignatures, of
these sizes and roots are about to be signed. It is on the disk before the signatures are made.

    frame   = 2 bytes of mark || u32 length || 2 bytes of SHA-256(length) || payload
              || first 8 bytes of SHA-256(payload)
    payload = canonical list of [what, origin, size, root, time]

Every frame is synced before the next one is written, so a power loss can tear the last one only,
and leaves it shorter or with whole sectors of zeros. Such a frame was never signed upon and is cut
off. Anything else that does not fit is damage and stops the node, and so is a missing file: it is
never a first start.
"""

import itertools
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from ledger import encoding
from ledger.disk import sync_directory
from ledger.errors import BrokenDiskError, DamageError, FormError, RefusedError
from ledger.hashing import hash_bytes

HEAD, COSIGNED = "head", "cosigned"
MAGIC = b"gongzhang/signer/v1\n"
COMPACT_BYTES = 1 << 20
SECTOR = 512
_MARK = b"\xa7\x5f"
_HEADER, _CHECK = 8, 8

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
        sync_directory(path.parent)
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
            payload = _payload(data, at)
            if payload is None:
                if not _torn(data, at):
                    raise DamageError(f"{self._path} byte {at}", "a whole frame", "damage")
                break
            self._replay(payload, at)
            at += _HEADER + len(payload) + _CHECK
        os.ftruncate(self._handle, at)
        os.lseek(self._handle, at, os.SEEK_SET)
        self._bytes = at

    def _replay(self, payload: bytes, at: int) -> None:
        try:
            for what, origin, size, root, time in encoding.unpack(payload):
                self.state[what, origin] = (size, root, time)
        except (FormError, ValueError, TypeError):
            raise DamageError(f"{self._path} byte {at}", "changes", "another form") from None

    def _store(self, changes: Sequence[Change]) -> None:
        if changes:
            self._append(_frame(changes))

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
        sync_directory(self._path.parent)
        os.close(self._handle)
        self._handle, self._bytes = fresh._handle, fresh._bytes


def _frame(changes: Sequence[Change]) -> bytes:
    payload = encoding.pack([list(change) for change in changes])
    length = len(payload).to_bytes(4, "big")
    return _MARK + length + hash_bytes(length)[:2] + payload + hash_bytes(payload)[:_CHECK]


def _length(data: bytes, at: int) -> int | None:
    header = data[at : at + _HEADER]
    length = header[2:6]
    if len(header) < _HEADER or header[:2] != _MARK or hash_bytes(length)[:2] != header[6:]:
        return None
    return int.from_bytes(length, "big")


def _payload(data: bytes, at: int) -> bytes | None:
    length = _length(data, at)
    if length is None:
        return None
    end = at + _HEADER + length
    payload = data[at + _HEADER : end]
    return payload if data[end : end + _CHECK] == hash_bytes(payload)[:_CHECK] else None


def _torn(data: bytes, at: int) -> bool:
    """Return whether the bad frame at `at` is a last one that a power loss has torn."""
    length = _length(data, at)
    if length is not None:
        end = at + _HEADER + length + _CHECK
        return end > len(data) or (end == len(data) and _has_hole(data, at))
    if len(data) - at < _HEADER and not _has_hole(data, at):
        return (_MARK + data[at + 2 :])[: len(data) - at] == data[at:]
    later = data.find(_MARK, at + 1)
    while later >= 0:  # a whole frame above means that this one was durable once
        if _payload(data, later) is not None:
            return False
        later = data.find(_MARK, later + 1)
    return _has_hole(data, at)


def _has_hole(data: bytes, at: int) -> bool:
    borders = [at, *range((at // SECTOR + 1) * SECTOR, len(data), SECTOR), len(data)]
    pieces = itertools.pairwise(borders)
    return any(not any(data[start:stop]) for start, stop in pieces)
