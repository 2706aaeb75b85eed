"""The stored tree: the hashes of complete subtrees, every second level, in chunks of 120.

Level l holds the roots of the complete subtrees of 2**l leaves, from left to right. Even levels are
stored; a node of an odd one is one hash over two neighbours of the same chunk, which costs less
than reading it would. Appending n leaves writes O(n) hashes; a root or a proof at any past size
reads O(log n). A value of 120 hashes just fits one overflow page. Tiles of tlog-tiles are cut from
the levels 0, 8, 16 …
"""

from collections.abc import Sequence

from ledger.errors import DamageError, FormError
from ledger.hashing import EMPTY_ROOT, HASH_BYTES, node_hash, parents
from ledger.merkle import split
from ledger.table import HASH, Reader, Writer, u64

CHUNK = 120
STRIDE = 2
TILE_LEVELS = 8
TILE_WIDTH = 256


def append_hashes(writer: Writer, key: bytes, size: int, hashes: Sequence[bytes]) -> None:
    """Add leaf hashes to the tree that has `size` leaves."""
    level, start, nodes = 0, size, list(hashes)
    while nodes:
        before = _write(writer, key, level, start, nodes)
        behind = start % 4  # of those below one node of the next stored level; in the same chunk
        if behind:
            nodes = _split(before[-behind * HASH_BYTES :]) + nodes
        nodes = parents(parents(nodes))
        level, start = level + STRIDE, start >> STRIDE


def truncate(writer: Writer, key: bytes, size: int, new_size: int) -> None:
    """Cut the tree that has `size` leaves back to `new_size`."""
    level = 0
    while size >> level:
        keep, last = new_size >> level, ((size >> level) - 1) // CHUNK
        for number in range(keep // CHUNK, last + 1):
            place = _place(key, level, number)
            left = (writer.get(HASH, place) or b"")[: max(keep - number * CHUNK, 0) * HASH_BYTES]
            if left:
                writer.put(HASH, place, left)
            else:
                writer.delete(HASH, place)
        level += STRIDE


def node_at(reader: Reader, key: bytes, level: int, index: int) -> bytes:
    """Return the root of the complete subtree `index` of 2**level leaves.

    Raises:
        DamageError: It should be stored and is not.
    """
    odd = level % STRIDE
    first, length = index << odd, HASH_BYTES << odd
    chunk = reader.get(HASH, _place(key, level - odd, first // CHUNK)) or b""
    at = first % CHUNK * HASH_BYTES
    found = chunk[at : at + length]
    if len(found) != length:
        raise DamageError(f"tree {_name(key)} level {level} node {index}", "a hash", "nothing")
    return node_hash(found[:HASH_BYTES], found[HASH_BYTES:]) if odd else found


def nodes_at(reader: Reader, key: bytes, level: int, start: int, stop: int) -> list[bytes]:
    """Return the roots of the complete subtrees start <= index < stop of a level."""
    if level % STRIDE:
        return parents(nodes_at(reader, key, level - 1, 2 * start, 2 * stop))
    parts = []
    for number in range(start // CHUNK, (stop + CHUNK - 1) // CHUNK):
        chunk = reader.get(HASH, _place(key, level, number)) or b""
        low = max(start - number * CHUNK, 0) * HASH_BYTES
        high = min(stop - number * CHUNK, CHUNK) * HASH_BYTES
        parts.append(chunk[low:high])
    data = b"".join(parts)
    if len(data) != (stop - start) * HASH_BYTES:
        raise DamageError(f"tree {_name(key)} level {level} nodes {start}..{stop}", "all hashes")
    return _split(data)


def root_at(reader: Reader, key: bytes, size: int) -> bytes:
    """Return the root of the first `size` leaves; the stored tree has at least as many."""
    return _subtree(reader, key, 0, size) if size else EMPTY_ROOT


def inclusion_proof(reader: Reader, key: bytes, index: int, size: int) -> list[bytes]:
    """Return the path of the leaf at `index` in the tree of `size`. Source: RFC 6962 2.1.1."""
    if not 0 <= index < size:
        raise FormError("inclusion proof index", f"0 to {size - 1}", index)
    start, stop, path = 0, size, []
    while stop - start > 1:
        middle = start + split(stop - start)
        if index < middle:
            path.append(_subtree(reader, key, middle, stop))
            stop = middle
        else:
            path.append(_subtree(reader, key, start, middle))
            start = middle
    return path[::-1]


def consistency_proof(reader: Reader, key: bytes, old: int, size: int) -> list[bytes]:
    """Return the proof that `old` leaves are a prefix of `size`. Source: RFC 6962 2.1.2."""
    if not 0 < old <= size:
        raise FormError("consistency proof sizes", "0 < old <= size", (old, size))
    start, stop, path, complete = 0, size, [], True
    while old != stop:
        middle = start + split(stop - start)
        if old <= middle:
            path.append(_subtree(reader, key, middle, stop))
            stop = middle
        else:
            path.append(_subtree(reader, key, start, middle))
            start, complete = middle, False
    if not complete:
        path.append(_subtree(reader, key, start, stop))
    return path[::-1]


def tile(reader: Reader, key: bytes, level: int, number: int, width: int) -> bytes:
    """Return a tile: `width` hashes of tile level `level`, checked against the next stored level.

    The caller knows that they exist at the size it serves. Source: C2SP tlog-tiles.

    Raises:
        DamageError: Four of its hashes do not give the one above them.
    """
    base = level * TILE_LEVELS
    start = number * TILE_WIDTH
    hashes = nodes_at(reader, key, base, start, start + width)
    stored = nodes_at(reader, key, base + STRIDE, start // 4, (start + width) // 4)
    for i, (parent, computed) in enumerate(zip(stored, parents(parents(hashes)), strict=True)):
        if computed != parent:
            place = f"tree {_name(key)} level {base} node {start + 4 * i}"
            raise DamageError(place, parent, computed)
    return b"".join(hashes)


def _subtree(reader: Reader, key: bytes, start: int, stop: int) -> bytes:
    count = stop - start
    if count & (count - 1) == 0:
        level = count.bit_length() - 1
        return node_at(reader, key, level, start >> level)
    middle = start + split(count)
    return node_hash(_subtree(reader, key, start, middle), _subtree(reader, key, middle, stop))


def _write(writer: Writer, key: bytes, level: int, start: int, nodes: Sequence[bytes]) -> bytes:
    """Add nodes to a level; return those before them in the chunk they begin in."""
    number, offset = divmod(start, CHUNK)
    before = writer.get(HASH, _place(key, level, number)) or b"" if offset else b""
    if len(before) < offset * HASH_BYTES:
        raise DamageError(f"tree {_name(key)} level {level} chunk {number}", "its last hashes")
    before = before[: offset * HASH_BYTES]
    data = before + b"".join(nodes)
    for at in range(0, len(data), CHUNK * HASH_BYTES):
        writer.put(HASH, _place(key, level, number), data[at : at + CHUNK * HASH_BYTES])
        number += 1
    return before


def _split(data: bytes) -> list[bytes]:
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]


def _place(key: bytes, level: int, chunk: int) -> bytes:
    return key + bytes([level]) + u64(chunk)


def _name(key: bytes) -> str:
    return key[:6].decode("ascii", "replace")
