"""SHA-256 as RFC 6962 uses it: leaves and inner nodes are hashed under different first bytes."""

from collections.abc import Iterable
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()


def hash_bytes(data: bytes) -> bytes:
    """Return the plain SHA-256 of `data` (32 bytes)."""
    return sha256(data).digest()


def leaf_hash(leaf: bytes) -> bytes:
    """Return SHA-256(0x00 || leaf), the hash of one log entry. Source: RFC 6962 section 2.1."""
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return SHA-256(0x01 || left || right), the hash of an inner node. Source: RFC 6962 2.1."""
    return sha256(b"\x01" + left + right).digest()


def leaf_hashes(leaves: Iterable[bytes]) -> list[bytes]:
    """Return `leaf_hash` of each."""
    return [sha256(b"\x00" + leaf).digest() for leaf in leaves]


def parents(nodes: Iterable[bytes]) -> list[bytes]:
    """Return `node_hash` of each two neighbours; one that is left over has no parent yet."""
    pairs = iter(nodes)
    return [sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs)]  # noqa: B905 (drops it)
