"""Disks as a power loss may leave them, rebuilt from a record of all writes.

    python -m tests.integration.powerloss RECORD HOME WORK SEED LIMIT

The model. What a completed sync covers is on the disk. Of what was written since, any subset of
512-byte sectors may be; a file may be as long as any of them, or as the size says. Names (creation,
renaming, removal) become durable in order, with the sync of their directory at the latest. An
acknowledgement is a write to the file `acks`: what it says must hold in every later image.

Prints one JSON object: how many images there were and what was wrong with which.
"""

import json
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from shutil import rmtree
from typing import NamedTuple

from ledger.errors import LedgerError
from node import logs
from tests.integration.check import check_home

SECTOR = 512
HEAD = struct.Struct("=cHQI")


class Operation(NamedTuple):
    """One recorded call; see recorder.c."""

    what: str
    path: str
    at: int
    data: bytes


def read_record(path: Path) -> Iterator[Operation]:
    """Yield the recorded calls in order."""
    data, at = path.read_bytes(), 0
    while at < len(data):
        what, name, offset, length = HEAD.unpack_from(data, at)
        at += HEAD.size
        yield Operation(
            what.decode(),
            data[at : at + name].decode(),
            offset,
            data[at + name : at + name + length],
        )
        at += name + length


@dataclass
class File:
    """What is surely on the disk of one file, and what may be."""

    durable: bytearray = field(default_factory=bytearray)
    pending: list[Operation] = field(default_factory=list)

    def sync(self) -> None:
        """Everything written so far is on the disk now."""
        for operation in self.pending:
            apply(self.durable, operation)
        self.pending.clear()

    def image(self, chance: Random, keep: float) -> bytes:
        """Return the content after a power loss; each pending sector is there with `keep`."""
        content = bytearray(self.durable)
        for operation in self.pending:
            if operation.what == "T":
                if chance.random() < keep:
                    apply(content, operation)
                continue
            for piece in sectors(operation):
                if chance.random() < keep:
                    apply(content, piece)
                elif chance.random() < 0.3 and len(content) < piece.at + len(piece.data):
                    content.extend(bytes(piece.at + len(piece.data) - len(content)))  # size alone
        return bytes(content)


def apply(content: bytearray, operation: Operation) -> None:
    """Carry out a write or a truncation."""
    if operation.what == "T":
        del content[operation.at :]
        content.extend(bytes(operation.at - len(content)))
        return
    end = operation.at + len(operation.data)
    if len(content) < end:
        content.extend(bytes(end - len(content)))
    content[operation.at : end] = operation.data


def sectors(operation: Operation) -> Iterator[Operation]:
    """Yield a write cut at the borders of sectors."""
    at, data = operation.at, operation.data
    while data:
        width = min(SECTOR - at % SECTOR, len(data))
        yield Operation("W", operation.path, at, data[:width])
        at, data = at + width, data[width:]


class Disk:
    """All files of a folder: by name, and the renamings that may still be lost."""

    def __init__(self, folder: Path) -> None:
        self.files = {
            str(path): File(bytearray(path.read_bytes()))
            for path in sorted(folder.rglob("*"))
            if path.is_file() and not path.is_symlink()
        }
        self.renamed: list[tuple[str, dict[str, File]]] = []  # directory, names before

    def take(self, operation: Operation) -> None:
        """Carry out a recorded call."""
        what, path = operation.what, operation.path
        if what == "S":
            if path in self.files:
                self.files[path].sync()
            else:  # a directory: its names are durable now
                self.renamed = [item for item in self.renamed if item[0] != path]
        elif what == "C":
            self._names(path)
            self.files[path] = File()
        elif what == "R":
            self._names(path)
            self.files[operation.data.decode()] = self.files.pop(path)
        elif what == "U":
            self._names(path)
            self.files.pop(path, None)
        elif what == "D":
            apply(self.files[path].durable, operation)  # goes past what is pending
            self.files[path].pending.append(operation._replace(what="W"))
        else:
            self.files[path].pending.append(operation)

    def _names(self, path: str) -> None:
        self.renamed.append((str(Path(path).parent), dict(self.files)))

    def image(self, chance: Random, keep: float) -> dict[str, bytes]:
        """Return all files after a power loss."""
        files = self.files
        if self.renamed and chance.random() < 0.5:
            files = chance.choice(self.renamed)[1]
        return {name: file.image(chance, keep) for name, file in files.items()}


def main(record: Path, home: Path, work: Path, seed: int, limit: int) -> None:
    """Check images of a record; `home` is the folder as it was when the recording began."""
    chance, disk, acks = Random(seed), Disk(home), list[str]()
    operations = list(read_record(record))
    syncs = [i for i, operation in enumerate(operations) if operation.what in "SDRUC"]
    wanted = {max(i + chance.choice((-1, 0, 0, 1)), 0) for i in chance.choices(syncs, k=limit)}
    wanted |= set(chance.choices(range(len(operations)), k=limit // 2))
    images, wrong = 0, []
    for number, operation in enumerate(operations):
        if Path(operation.path).name == "acks":
            acks += operation.data.decode().splitlines()
        else:
            disk.take(operation)
        if number not in wanted:
            continue
        for keep in (0.0, 1.0, 0.5):
            images += 1
            fault = verdict(disk.image(chance, keep), home, work, acks)
            if fault:
                wrong.append(f"after call {number}, keeping {keep}: {fault}")
    print(
        json.dumps(
            {"calls": len(operations), "images": images, "wrong": wrong[:5], "bad": len(wrong)}
        )
    )


def verdict(image: dict[str, bytes], home: Path, work: Path, acks: list[str]) -> str | None:
    """Return what is wrong with an image, or None."""
    target = work / home.name
    rmtree(target, ignore_errors=True)
    for name, content in image.items():
        path = target / Path(name).relative_to(home)
        if path.name in ("lock.mdb", "run.lock"):
            continue
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o600)
    try:
        check_home(target, acks[-9:])
    except (LedgerError, AssertionError) as error:
        return f"{type(error).__name__}: {error}"
    return None


if __name__ == "__main__":
    logs.configure("critical")
    main(*(Path(name) for name in sys.argv[1:4]), int(sys.argv[4]), int(sys.argv[5]))
