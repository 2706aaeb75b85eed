"""Checking proofs with nothing but hashes: RFC 9162 sections 2.1.3.2 and 2.1.4.2."""

from collections.abc import Sequence

from ledger.errors import FormError, VerificationError
from ledger.hashing import HASH_BYTES, node_hash


def verify_inclusion(
    leaf_hash: bytes, index: int, size: int, path: Sequence[bytes], root: bytes
) -> None:
    """Check that the leaf with `leaf_hash` stands at `index` of the tree with this size and root.

    Raises:
        FormError: The index is not below the size, or a hash has not 32 bytes.
        VerificationError: The path has another length than index and size ask for, or leads to
            another root.
    """
    _check_hashes([leaf_hash, root, *path])
    if not 0 <= index < size:
        raise FormError("inclusion proof index", f"0 to {size - 1}", index)
    position, last, computed = index, size - 1, leaf_hash
    for sibling in path:
        if last == 0:
            raise VerificationError("inclusion proof is too long")
        if position & 1 or position == last:
            computed = node_hash(sibling, computed)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            computed = node_hash(computed, sibling)
        position >>= 1
        last >>= 1
    if last != 0:
        raise VerificationError("inclusion proof is too short")
    if computed != root:
        raise VerificationError("inclusion proof leads to another root", root, computed)


def verify_consistency(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, path: Sequence[bytes]
) -> None:
    """Check that the tree of `old_size` is a prefix of the tree of `new_size`.

    Raises:
        FormError: The old size is 0 (every tree begins with the empty one; there is nothing to
            prove) or above the new one, or a hash has not 32 bytes.
        VerificationError: The path has another length than the sizes ask for, or leads to another
            old or new root.
    """
    _check_hashes([old_root, new_root, *path])
    if not 0 < old_size <= new_size:
        raise FormError("consistency proof sizes", "0 < old <= new", (old_size, new_size))
    if old_size == new_size:
        if path:
            raise VerificationError("consistency proof of equal sizes is not empty")
        if old_root != new_root:
            raise VerificationError("one size, two roots", old_root, new_root)
        return
    hashes = list(path)
    if old_size & (old_size - 1) == 0:
        hashes.insert(0, old_root)
    if not hashes:
        raise VerificationError("consistency proof is empty")
    position, last = old_size - 1, new_size - 1
    while position & 1:
        position >>= 1
        last >>= 1
    old = new = hashes[0]
    for item in hashes[1:]:
        if last == 0:
            raise VerificationError("consistency proof is too long")
        if position & 1 or position == last:
            old, new = node_hash(item, old), node_hash(item, new)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            new = node_hash(new, item)
        position >>= 1
        last >>= 1
    if last != 0:
        raise VerificationError("consistency proof is too short")
    if old != old_root:
        raise VerificationError("consistency proof leads to another old root", old_root, old)
    if new != new_root:
        raise VerificationError("consistency proof leads to another new root", new_root, new)


def _check_hashes(hashes: Sequence[bytes]) -> None:
    if any(len(item) != HASH_BYTES for item in hashes):
        raise FormError("proof", f"hashes of {HASH_BYTES} bytes")
