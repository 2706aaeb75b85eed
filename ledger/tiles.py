"""A log as files (C2SP tlog-tiles): what any static file server can host and any auditor can read.

checkpoint
tile/<level>/<n>[.p/<width>]      hashes
tile/entries/<n>[.p/<width>]      leaves
"""

from collections.abc import Iterator

from ledger import log, tree
from ledger.table import Reader

WIDTH = tree.TILE_WIDTH


def tile_path(kind: str, number: int, width: int) -> str:
    """Return the path of a tile below the log's prefix.

    Example:
        >>> tile_path("0", 1234067, 256)
        'tile/0/x001/x234/067'
        >>> tile_path("entries", 3, 17)
        'tile/entries/003.p/17'
    """
    groups = []
    while True:
        number, group = divmod(number, 1000)
        groups.append(f"{group:03d}")
        if number == 0:
            break
    place = "/".join([*(f"x{group}" for group in reversed(groups[1:])), groups[0]])
    suffix = "" if width == WIDTH else f".p/{width}"
    return f"tile/{kind}/{place}{suffix}"


def widths(count: int) -> Iterator[tuple[int, int]]:
    """Yield (number, width) of the tiles that hold `count` items; the last may be partial."""
    for number in range(count // WIDTH):
        yield number, WIDTH
    if count % WIDTH:
        yield count // WIDTH, count % WIDTH


def export(reader: Reader, key: bytes, size: int) -> Iterator[tuple[str, bytes]]:
    """Yield (path, bytes) of every tile and entry bundle of the log at `size`."""
    for number, width in widths(size):
        yield tile_path("entries", number, width), log.bundle(reader, key, number, width)
    level = 0
    while size >> (8 * level):
        for number, width in widths(size >> (8 * level)):
            yield tile_path(str(level), number, width), tree.tile(reader, key, level, number, width)
        level += 1
