"""An entry: what one author says at one place of their log, signed.

    leaf = signature (64 bytes) || canonical MessagePack of [1, origin, index, kind, at_ms, body]

The leading 1 is format and suite (SHA-256, Ed25519). The signature covers a line of its own, the
network id and the MessagePack, so it means nothing in another network or another kind of object.
The body stays bytes here: what it says is the business of `settlement.record`.
"""

from collections.abc import Sequence

import msgspec

from ledger.encoding import decode_header, encode_header
from ledger.errors import FormError
from ledger.signature import SIGNATURE_BYTES, opens, sign

FORMAT = 1
MAX_LEAF = 65_535
DOMAIN = b"gongzhang/entry/v1\n"
PREFIX = "gongzhang/"


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A decoded leaf. `body` is the canonical MessagePack array as it was signed."""

    signature: bytes
    origin: str
    index: int
    kind: int
    at_ms: int
    body: bytes


def origin(network_id: bytes, code: str, generation: int = 1) -> str:
    """Return the origin line of a log.

    Example:
        >>> origin(bytes(32), "630000")
        'gongzhang/0000000000000000/630000'
    """
    line = f"{PREFIX}{network_id.hex()[:16]}/{code}"
    return line if generation == 1 else f"{line}/{generation}"


def signed_message(network_id: bytes, content: bytes) -> bytes:
    """Return the bytes an entry's signature covers."""
    return DOMAIN + network_id + content


def make_entry(
    seed: bytes, network_id: bytes, origin: str, index: int, kind: int, at_ms: int, body: bytes
) -> bytes:
    """Return a signed leaf.

    Raises:
        FormError: The leaf would be longer than 65,535 bytes.
    """
    content = encode_header(FORMAT, origin, index, kind, at_ms) + body
    if SIGNATURE_BYTES + len(content) > MAX_LEAF:
        raise FormError("entry", f"at most {MAX_LEAF} bytes", len(content) + SIGNATURE_BYTES)
    return sign(seed, signed_message(network_id, content)) + content


def decode_entry(leaf: bytes) -> Entry:
    """Return the entry of a leaf; its signature and body are not judged here.

    Raises:
        FormError: Too long or short, another format, or a header that is not canonical.
    """
    if not SIGNATURE_BYTES < len(leaf) <= MAX_LEAF:
        raise FormError("entry", f"{SIGNATURE_BYTES + 1} to {MAX_LEAF} bytes", len(leaf))
    version, name, index, kind, at_ms, body = decode_header(leaf[SIGNATURE_BYTES:])
    if version != FORMAT:
        raise FormError("entry format", str(FORMAT), version)
    return Entry(leaf[:SIGNATURE_BYTES], name, index, kind, at_ms, body)


def encode_entry(entry: Entry) -> bytes:
    """Return the leaf of an entry: the inverse of `decode_entry`."""
    header = encode_header(FORMAT, entry.origin, entry.index, entry.kind, entry.at_ms)
    return entry.signature + header + entry.body


def verify_leaves(leaves: Sequence[bytes], network_id: bytes, key: bytes) -> list[int]:
    """Return the positions of the leaves whose signature is not by `key`, ascending."""
    prefix = DOMAIN + network_id
    return [
        position
        for position, leaf in enumerate(leaves)
        if not opens(leaf[:SIGNATURE_BYTES] + prefix + leaf[SIGNATURE_BYTES:], key)
    ]


def signature_item(leaf: bytes, network_id: bytes, key: bytes) -> tuple[bytes, bytes, bytes]:
    """Return (key, message, signature) of a leaf, as `verify_many` takes them."""
    return key, DOMAIN + network_id + leaf[SIGNATURE_BYTES:], leaf[:SIGNATURE_BYTES]
