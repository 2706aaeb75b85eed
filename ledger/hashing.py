"""SHA-256 as RFC 6962 uses it: leaves and inner nodes are hashed under different first bytes."""

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
