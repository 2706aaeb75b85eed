"""Where an auditor reads from: a node's home, or a folder of exported logs. Neither is trusted."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from ledger import encoding, log
from ledger.errors import DamageError, FormError, UncheckableError
from ledger.note import from_base64
from ledger.store import LmdbStore, check_in_child
from ledger.table import HEAD, Reader, log_key
from ledger.tiles import WIDTH, tile_path

MAX_CHECKPOINT = 65_536


class Source(Protocol):
    """Logs to be audited: their heads and leaves, as somebody says they are."""

    def codes(self) -> list[str]:
        """Return the codes of the logs that are here."""

    def checkpoint(self, code: str) -> bytes:
        """Return the cosigned checkpoint of a log; raises UncheckableError if there is none."""

    def leaves(self, code: str, start: int, stop: int) -> Iterator[bytes]:
        """Yield leaves; raises DamageError where one is missing."""

    def prefix(self, code: str) -> tuple[int, list[bytes]] | None:
        """Return how many entries are here, if not all below the checkpoint are, and the proof.

        The proof shows that they are the beginning of the checkpoint's log.
        """

    def stored(self) -> Reader | None:
        """Return the node's own tables, if there are any, to be compared."""


class HomeSource:
    """The store of a node's home, opened after a child process has read all of it."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def codes(self) -> list[str]:
        """Return the codes of the logs that have leaves."""
        keys = self._reader.scan(HEAD, b"", b"\xff" * 20)
        return [key[:6].decode() for key, _ in keys if key[8:] == b"size"]

    def checkpoint(self, code: str) -> bytes:
        """Return the newest quorum-cosigned head the node knows."""
        value = self._reader.get(HEAD, log_key(code) + b"cosigned")
        if value is None:
            raise UncheckableError(f"{code}: no quorum-cosigned head is stored here")
        return bytes(encoding.unpack(value)[2])

    def leaves(self, code: str, start: int, stop: int) -> Iterator[bytes]:
        """Yield leaves of the node's copy."""
        return log.leaves(self._reader, log_key(code), start, stop)

    def prefix(self, code: str) -> None:
        """Return None: a home holds all of every log."""

    def stored(self) -> Reader | None:
        """Return the node's tables."""
        return self._reader


class FolderSource:
    """Exported logs: one tlog-tiles directory per code."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._last: tuple[Path | None, list[bytes]] = None, []

    def codes(self) -> list[str]:
        """Return the names of the folders that hold a checkpoint."""
        found = [path.parent.name for path in self._folder.glob("*/checkpoint")]
        return sorted(code for code in found if len(code) == 6 and code.isdigit())

    def checkpoint(self, code: str) -> bytes:
        """Return the exported checkpoint."""
        return self._read(self._folder / code / "checkpoint", MAX_CHECKPOINT)

    def leaves(self, code: str, start: int, stop: int) -> Iterator[bytes]:
        """Yield leaves from the entry bundles of the exported checkpoint's size."""
        part = self.prefix(code)
        size = part[0] if part else _claimed_size(self.checkpoint(code))
        if stop > size:
            raise DamageError(f"{code} checkpoint", f"at least {stop} entries", size)
        for number in range(start // WIDTH, (stop + WIDTH - 1) // WIDTH):
            first = number * WIDTH
            width = min(WIDTH, size - first)
            found = self._bundle(self._folder / code / tile_path("entries", number, width), width)
            yield from found[max(start - first, 0) : min(width, stop - first)]

    def _bundle(self, path: Path, width: int) -> list[bytes]:
        if self._last[0] != path:  # neighbours are asked for one after the other
            try:
                found = log.parse_bundle(self._read(path, WIDTH * 65_537))
            except FormError as error:
                raise DamageError(str(path), "an entry bundle", error) from None
            if len(found) < width:
                raise DamageError(str(path), f"{width} leaves", len(found))
            self._last = path, found
        return self._last[1]

    def prefix(self, code: str) -> tuple[int, list[bytes]] | None:
        """Return what the file `prefix` beside the checkpoint says: see `unpack`."""
        path = self._folder / code / "prefix"
        if not path.exists():
            return None
        count, *hashes = self._read(path, MAX_CHECKPOINT).decode("ascii", "replace").split(" ")
        if not count.isdigit() or len(count) > 16:
            raise FormError(str(path), "a number of entries and hashes", count[:20])
        return int(count), [from_base64(item, str(path)) for item in hashes]

    def stored(self) -> Reader | None:
        """Exported folders hold no tables."""
        return None

    def _read(self, path: Path, limit: int) -> bytes:
        try:
            if path.is_symlink() or path.stat().st_size > limit:
                raise DamageError(str(path), f"a file of at most {limit} bytes")
            return path.read_bytes()
        except FileNotFoundError:
            raise UncheckableError(f"{path}: missing") from None


def _claimed_size(note: bytes) -> int:
    # Only tells which files to look for; whether the claim is true is the audit's business.
    line = note.split(b"\n", 2)[1:2]
    if not line or not line[0].isdigit() or len(line[0]) > 16:
        raise FormError("checkpoint size", "a number", line)
    return int(line[0])


@contextmanager
def open_source(path: Path, *, checked: bool = False) -> Iterator[Source]:
    """Yield the source a path leads to.

    Args:
        checked: The store has been read as a whole already, in a process of its own.

    Raises:
        FormError: Neither a home nor a folder of exported logs.
        DamageError: The store is damaged (found in a process of its own, so this one survives).
    """
    if (path / "data").is_dir():
        if not checked:
            check_in_child(path / "data")
        store = LmdbStore.open(path / "data", readonly=True)
        try:
            with store.read() as reader:
                yield HomeSource(reader)
        finally:
            store.close()
    elif any(path.glob("*/checkpoint")):
        yield FolderSource(path)
    else:
        raise FormError(str(path), "a node's home, or a folder made by `gongzhang log export`")
