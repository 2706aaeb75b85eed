"""The month bundle as a file, read: everything one month rests on, for somebody who has no node.

    gongzhang-bundle v1
    month 2017-12
    log <code> <entries> <base64 checkpoint> [<base64 hash> ...]    the centre, then by code
                                                                    an empty line, then
    zlib of all entries, log by log, each after its length as u16
    SHA-256 over all of the above (32 bytes)

A log's entries are complete from the first one on, as far as the month needs them: cut,
attestations and payments. The hashes prove that they are the beginning of what the checkpoint's
quorum has signed, so nothing can be left out. Unpacked, a bundle is a folder of exported logs.
"""

import hashlib
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ledger.errors import FormError
from ledger.note import base64_of, from_base64
from ledger.tiles import WIDTH, tile_path
from settlement.party import CENTRE
from settlement.period import check_month

FIRST = "gongzhang-bundle v1"
MAX_HEADER = 4 << 20
MAX_LOGS = 64
MAX_ENTRIES = 2**40
RATIO = 64  # entries are half signatures and hashes: nothing honest shrinks further
CHUNK = 1 << 20
DIGEST = 32


class Part(NamedTuple):
    """One log in a bundle. `path` proves that its entries begin the checkpoint's log."""

    code: str
    entries: int
    note: bytes
    path: tuple[bytes, ...] = ()


class Header(NamedTuple):
    """What stands before the entries."""

    month: str
    parts: tuple[Part, ...]


def format_header(header: Header) -> bytes:
    """Return the bytes of a header, with the empty line that ends it."""
    lines = [FIRST, f"month {header.month}"]
    for part in header.parts:
        words = [base64_of(part.note), *map(base64_of, part.path)]
        lines.append(f"log {part.code} {part.entries} {' '.join(words)}")
    return "\n".join([*lines, "", ""]).encode("ascii")


def parse_header(data: bytes) -> Header:
    """Return the header of a bundle; nothing in it is judged yet.

    Raises:
        FormError: The line and what was expected there, or not the one spelling.
    """
    try:
        lines = data.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise FormError("bundle", "ASCII before the empty line") from None
    if lines[0] != FIRST or len(lines) < 4 or not lines[1].startswith("month "):
        raise FormError("bundle line 1", FIRST, lines[0][:40])
    month = check_month(lines[1][6:])
    parts = tuple(_part(number, line) for number, line in enumerate(lines[2:-2], 3))
    codes = [part.code for part in parts]
    if not 1 <= len(parts) <= MAX_LOGS or codes != [CENTRE, *sorted(set(codes) - {CENTRE})]:
        raise FormError("bundle", "the centre's log, then the others once each by code", codes[:8])
    header = Header(month, parts)
    if format_header(header) != data:
        raise FormError("bundle", "its lines in the one spelling")
    return header


def _part(number: int, line: str) -> Part:
    place = f"bundle line {number}"
    words = line.split(" ")
    if len(words) < 4 or words[0] != "log" or len(words) > 70:
        raise FormError(place, "log, a code, how many entries, a checkpoint, hashes", line[:40])
    code, count = words[1], words[2]
    if len(code) != 6 or not code.isdigit() or not count.isdigit() or int(count) > MAX_ENTRIES:
        raise FormError(place, "a code of six digits and a number of entries", line[:40])
    path = tuple(from_base64(word, place) for word in words[4:])
    return Part(code, int(count), from_base64(words[3], place), path)


def is_bundle(path: Path) -> bool:
    """Return whether a file begins as a bundle does."""
    with path.open("rb") as file:
        return file.read(len(FIRST) + 1) == FIRST.encode() + b"\n"


def read_header(file: BinaryIO) -> Header:
    """Return the header and leave the file where the entries begin; raises as `parse_header`."""
    data = bytearray()
    while not data.endswith(b"\n\n"):
        line = file.readline(MAX_HEADER)
        data += line
        if not line or len(data) > MAX_HEADER:
            raise FormError("bundle", f"a header of at most {MAX_HEADER} bytes")
    return parse_header(bytes(data))


def unpack(path: Path, folder: Path) -> Header:
    """Write the logs of a bundle as a folder of exported logs; return its header.

    Raises:
        FormError: Cut short, changed on its way, or something else than a bundle.
    """
    check_digest(path)
    with path.open("rb") as file:
        header = read_header(file)
        leaves = _leaves(file, path.stat().st_size - DIGEST)
        for part in header.parts:
            _write(folder / part.code, part, leaves)
        if next(leaves, None) is not None:
            raise FormError("bundle", "no entries beyond those it names")
    return header


def check_digest(path: Path) -> None:
    """Check the hash at a bundle's end; raises FormError if it is another file's."""
    digest, left = hashlib.sha256(), path.stat().st_size - DIGEST
    with path.open("rb") as file:
        while left > 0:
            chunk = file.read(min(left, CHUNK))
            digest.update(chunk)
            left -= len(chunk)
        if left < 0 or file.read() != digest.digest():
            raise FormError(str(path), "a whole bundle: its last 32 bytes are not its hash")


def _leaves(file: BinaryIO, end: int) -> Iterator[bytes]:
    data, at = bytearray(), 0
    for chunk in _inflated(file, end):
        del data[:at]
        at = 0
        data += chunk
        while len(data) >= at + 2:
            length = int.from_bytes(data[at : at + 2], "big")
            if len(data) < at + 2 + length:
                break
            yield bytes(data[at + 2 : at + 2 + length])
            at += 2 + length
    if at != len(data):
        raise FormError("bundle", "whole entries")


def _inflated(file: BinaryIO, end: int) -> Iterator[bytes]:
    begin = file.tell()
    room = (end - begin) * RATIO + CHUNK
    inflate = zlib.decompressobj()
    while not inflate.eof:
        packed = inflate.unconsumed_tail or file.read(min(CHUNK, end - file.tell()))
        if not packed:
            raise FormError("bundle", "a whole stream of entries")
        try:
            chunk = inflate.decompress(packed, CHUNK)
        except zlib.error as error:
            raise FormError("bundle", "entries in zlib", error) from None
        room -= len(chunk)
        if room < 0:
            raise FormError("bundle", f"entries that shrink to no less than 1/{RATIO}")
        yield chunk
    if inflate.unused_data or file.tell() != end:
        raise FormError("bundle", "nothing after the entries but the hash")


def _write(folder: Path, part: Part, leaves: Iterator[bytes]) -> None:
    folder.mkdir(parents=True)
    for start in range(0, part.entries, WIDTH):
        width = min(WIDTH, part.entries - start)
        bundle = bytearray()
        for _ in range(width):
            leaf = next(leaves, None)
            if leaf is None:
                raise FormError(f"bundle: log {part.code}", f"{part.entries} entries", "fewer")
            bundle += len(leaf).to_bytes(2, "big") + leaf
        path = folder / tile_path("entries", start // WIDTH, width)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bundle)
    if part.path:
        words = [str(part.entries), *map(base64_of, part.path)]
        (folder / "prefix").write_text(" ".join(words), encoding="ascii")
    (folder / "checkpoint").write_bytes(part.note)
