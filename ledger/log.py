"""One log in the tables: leaves, their tree, and the size. Everything happens in the caller's
transaction, so entries, tree and what was computed from them become visible together or not at all.
"""

from collections.abc import Iterator, Sequence

from ledger import tree
from ledger.errors import DamageError, FormError, RefusedError
from ledger.hashing import leaf_hash
from ledger.table import HEAD, LEAF, Reader, Writer, u64

MAX_LEAF = 65_535


def size(reader: Reader, key: bytes) -> int:
    """Return the number of leaves."""
    value = reader.get(HEAD, key + b"size")
    return 0 if value is None else int.from_bytes(value, "big")


def append(writer: Writer, key: bytes, leaves: Sequence[bytes], expected_size: int) -> int:
    """Add leaves at the end; return the new size.

    Raises:
        RefusedError: The log has another size than expected (SIZE): somebody else wrote.
        FormError: A leaf is longer than 65,535 bytes.
    """
    found = size(writer, key)
    if found != expected_size:
        raise RefusedError("SIZE", f"the log has size {found}, not {expected_size}")
    for index, leaf in enumerate(leaves, expected_size):
        if len(leaf) > MAX_LEAF:
            raise FormError(f"leaf {index}", f"at most {MAX_LEAF} bytes", len(leaf))
        writer.put(LEAF, key + u64(index), leaf)
    tree.append_hashes(writer, key, expected_size, [leaf_hash(leaf) for leaf in leaves])
    new_size = expected_size + len(leaves)
    writer.put(HEAD, key + b"size", u64(new_size))
    return new_size


def truncate(writer: Writer, key: bytes, new_size: int) -> list[bytes]:
    """Cut a log back to `new_size` leaves; return the leaves that were cut off.

    Only a freeze does this: what lies above a frozen head counts nowhere.
    """
    found = size(writer, key)
    cut = list(leaves(writer, key, new_size, found))
    for index in range(new_size, found):
        writer.delete(LEAF, key + u64(index))
    tree.truncate(writer, key, found, new_size)
    writer.put(HEAD, key + b"size", u64(new_size))
    return cut


def leaf(reader: Reader, key: bytes, index: int) -> bytes:
    """Return the leaf at `index`.

    Raises:
        DamageError: It is not there.
    """
    found = reader.get(LEAF, key + u64(index))
    if found is None:
        raise DamageError(
            f"log {key[:6].decode('ascii', 'replace')} leaf {index}", "a leaf", "none"
        )
    return found


def leaves(reader: Reader, key: bytes, start: int, stop: int) -> Iterator[bytes]:
    """Yield the leaves start <= index < stop.

    Raises:
        DamageError: One is not there.
    """
    expected = start
    for place, found in reader.scan(LEAF, key + u64(start), key + u64(stop)):
        if int.from_bytes(place[8:], "big") != expected:
            break
        expected += 1
        yield found
    if expected < stop:
        name = key[:6].decode("ascii", "replace")
        raise DamageError(f"log {name} leaf {expected}", "a leaf", "none")


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
            name = key[:6].decode("ascii", "replace")
            raise DamageError(f"log {name} leaf {index}", expected, leaf_hash(found))
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
