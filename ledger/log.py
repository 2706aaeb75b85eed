"""One log in the tables: leaves, their tree, and the size. Everything happens in the caller's
transaction, so entries, tree and what was computed from them become visible together or not at all.

Leaves lie in *chunks*: consecutive ones in one value, under the index of the first, as many as fit
a page of the disk. Which leaves share a chunk follows from their lengths alone. The last chunk is
open: it is written anew as it grows. Nothing outside this module knows of chunks.
"""

from collections.abc import Iterator, Sequence

from ledger import encoding, tree
from ledger.errors import DamageError, FormError, RefusedError
from ledger.hashing import leaf_hash, leaf_hashes
from ledger.table import HEAD, LEAF, Reader, Writer, u64

MAX_LEAF = 65_535
# What is left of a page of 4,096 bytes after LMDB's header, the checksum and the array's own bytes.
# A longer leaf has a chunk of its own.
ROOM = 4_073
_AROUND = 3  # bytes of MessagePack before a leaf, at most


def size(reader: Reader, key: bytes) -> int:
    """Return the number of leaves."""
    value = reader.get(HEAD, key + b"size")
    return 0 if value is None else int.from_bytes(value, "big")


class Growing:
    """A log while leaves are added to it in one transaction: each can be read at once.

    Tree and size follow with `finish`; call it once, before the transaction ends.
    """

    def __init__(self, writer: Writer, key: bytes, start: int) -> None:
        """Go on with the log whose size is `start`."""
        self._writer, self._key, self._start = writer, key, start
        self._added: list[bytes] = []
        self._first, chunk = _chunk_below(writer, key, start)
        self._chunk = chunk[: start - self._first]
        if self._first + len(self._chunk) != start:
            raise _no_leaf(key, start - 1)
        self._room = ROOM - sum(len(leaf) + _AROUND for leaf in self._chunk)

    def add(self, leaf: bytes) -> None:
        """Add one leaf, readable from now on.

        Raises:
            FormError: The leaf is longer than 65,535 bytes.
        """
        self.add_all([leaf])

    def add_all(self, leaves: Sequence[bytes]) -> None:
        """Add leaves; see `add`."""
        for leaf in leaves:
            self._room -= len(leaf) + _AROUND
            if self._room < 0:
                self._close(leaf)
            self._chunk.append(leaf)
        self._write()
        self._added += leaves

    def finish(self) -> int:
        """Bring tree and size up to what was added; return the new size."""
        hashes = leaf_hashes(self._added)
        tree.append_hashes(self._writer, self._key, self._start, hashes)
        new_size = self._start + len(self._added)
        self._writer.put(HEAD, self._key + b"size", u64(new_size))
        return new_size

    def _close(self, leaf: bytes) -> None:
        """Begin a chunk with `leaf`, which the open one has no room for."""
        place = self._first + len(self._chunk)
        if len(leaf) > MAX_LEAF:
            raise FormError(f"leaf {place}", f"at most {MAX_LEAF} bytes", len(leaf))
        self._write()
        self._first, self._chunk, self._room = place, [], ROOM - len(leaf) - _AROUND

    def _write(self) -> None:
        if self._chunk:
            self._writer.put(LEAF, *pack_chunk(self._key, self._first, self._chunk))


def append(writer: Writer, key: bytes, leaves: Sequence[bytes], expected_size: int) -> int:
    """Add leaves at the end; return the new size.

    Raises:
        RefusedError: The log has another size than expected (SIZE): somebody else wrote.
        FormError: A leaf is longer than 65,535 bytes.
    """
    found = size(writer, key)
    if found != expected_size:
        raise RefusedError("SIZE", f"the log has size {found}, not {expected_size}")
    growing = Growing(writer, key, expected_size)
    growing.add_all(leaves)
    return growing.finish()


def truncate(writer: Writer, key: bytes, new_size: int) -> list[bytes]:
    """Cut a log back to `new_size` leaves; return the leaves that were cut off.

    Only a freeze does this: what lies above a frozen head counts nowhere.
    """
    found = size(writer, key)
    cut = list(leaves(writer, key, new_size, found))
    first, chunk = _chunk_below(writer, key, new_size)
    for place, _ in list(writer.scan(LEAF, key + u64(first), key + b"\xff" * 9)):
        writer.delete(LEAF, place)
    if new_size:
        writer.put(LEAF, *pack_chunk(key, first, chunk[: new_size - first]))
    tree.truncate(writer, key, found, new_size)
    writer.put(HEAD, key + b"size", u64(new_size))
    return cut


def leaf(reader: Reader, key: bytes, index: int) -> bytes:
    """Return the leaf at `index`.

    Raises:
        DamageError: It is not there.
    """
    first, chunk = _chunk_below(reader, key, index + 1)
    if index - first >= len(chunk):
        raise _no_leaf(key, index)
    return chunk[index - first]


def leaves(reader: Reader, key: bytes, start: int, stop: int) -> Iterator[bytes]:
    """Yield the leaves start <= index < stop.

    Raises:
        DamageError: One is not there.
    """
    if start >= stop:
        return  # of nothing, nothing is looked up: there may be no leaf at `start`
    at = start
    below = reader.last(LEAF, key, key + u64(start + 1))
    begin = key + u64(start) if below is None else below[0]
    for place, value in reader.scan(LEAF, begin, key + u64(stop)):
        first, chunk = _chunk(place, value)
        if first > at or start < at != first:
            raise _no_leaf(key, at)
        yield from chunk[at - first : stop - first]
        at = max(at, min(first + len(chunk), stop))
    if at < stop:
        raise _no_leaf(key, at)


def stored_end(reader: Reader, key: bytes) -> int:
    """Return the index after the last leaf that is stored, whatever the size says."""
    first, chunk = _chunk_below(reader, key, 2**64 - 1)
    return first + len(chunk)


def bundle(reader: Reader, key: bytes, number: int, width: int) -> bytes:
    """Return an entry bundle: `width` leaves from 256 × number, each after its length as u16.

    Raises:
        DamageError: A leaf's hash is not the one in the tree. Source: C2SP tlog-tiles.
    """
    start = number * tree.TILE_WIDTH
    hashes = tree.nodes_at(reader, key, 0, start, start + width)
    parts = []
    for index, (found, expected) in enumerate(
        zip(leaves(reader, key, start, start + width), hashes, strict=True), start
    ):
        if leaf_hash(found) != expected:
            raise DamageError(f"log {_name(key)} leaf {index}", expected, leaf_hash(found))
        parts += [len(found).to_bytes(2, "big"), found]
    return b"".join(parts)


def parse_bundle(data: bytes) -> list[bytes]:
    """Return the leaves of an entry bundle.

    Raises:
        FormError: It ends inside a leaf, or holds more than 256.
    """
    found: list[bytes] = []
    at = 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 2], "big")
        item = data[at + 2 : at + 2 + length]
        if len(data) < at + 2 or len(item) != length or len(found) == tree.TILE_WIDTH:
            raise FormError("entry bundle", "up to 256 whole leaves")
        found.append(item)
        at += 2 + length
    return found


def pack_chunk(key: bytes, first: int, chunk: list[bytes]) -> tuple[bytes, bytes]:
    """Return key and value under which LEAF holds leaves from the index `first` on."""
    return key + u64(first), encoding.pack_items(chunk)


def _chunk(place: bytes, value: bytes) -> tuple[int, list[bytes]]:
    first = int.from_bytes(place[8:], "big")
    try:
        return first, encoding.unpack_items(value)
    except FormError as error:
        raise DamageError(f"log {_name(place)} leaf {first}", "a chunk of leaves", error) from None


def _chunk_below(reader: Reader, key: bytes, stop: int) -> tuple[int, list[bytes]]:
    """Return the chunk that holds the leaf before `stop`, or whichever comes before it."""
    found = reader.last(LEAF, key, key + u64(stop))
    return (0, []) if found is None else _chunk(*found)


def _no_leaf(key: bytes, index: int) -> DamageError:
    return DamageError(f"log {_name(key)} leaf {index}", "a leaf", "none")


def _name(key: bytes) -> str:
    return key[:6].decode("ascii", "replace")
