"""Ed25519: one predicate everywhere, libsodium's, with keys checked when they are registered.

Libraries disagree about keys of small or mixed order and about spellings that are not canonical; so
a key is accepted once, by `check_public_key`, and signatures are judged by libsodium alone.
"""

from collections.abc import Iterable, Sequence

from nacl.bindings import (
    crypto_core_ed25519_is_valid_point,
    crypto_sign,
    crypto_sign_open,
    crypto_sign_seed_keypair,
)
from nacl.exceptions import BadSignatureError
from nacl.utils import random as _random

from ledger.errors import FormError, VerificationError

KEY_BYTES = 32
SEED_BYTES = 32
SIGNATURE_BYTES = 64


def generate_seed() -> bytes:
    """Return a new secret seed (32 bytes) from the operating system."""
    return bytes(_random(SEED_BYTES))


def public_key(seed: bytes) -> bytes:
    """Return the public key (32 bytes) of a seed. Source: RFC 8032 section 5.1.5."""
    return bytes(crypto_sign_seed_keypair(seed)[0])


def sign(seed: bytes, message: bytes) -> bytes:
    """Return the signature (64 bytes); the same every time. Source: RFC 8032 section 5.1.6."""
    secret = crypto_sign_seed_keypair(seed)[1]
    return bytes(crypto_sign(message, secret)[:SIGNATURE_BYTES])


def verify(key: bytes, message: bytes, signature: bytes) -> None:
    """Check one signature.

    Raises:
        VerificationError: It does not hold, or key or signature have another length.
    """
    if verify_many([(key, message, signature)]):
        raise VerificationError("the signature does not hold")


def verify_many(items: Sequence[tuple[bytes, bytes, bytes]]) -> list[int]:
    """Return the positions of the (key, message, signature) triples that do not hold, ascending.

    Callers hand over whole chunks, so a faster batch verifier can stand here one day and nothing
    else changes.
    """
    bad = []
    for position, (key, message, signature) in enumerate(items):
        if len(key) != KEY_BYTES or len(signature) != SIGNATURE_BYTES:
            bad.append(position)
            continue
        try:
            crypto_sign_open(signature + message, key)
        except BadSignatureError:
            bad.append(position)
    return bad


def open_many(key: bytes, signed: Iterable[bytes]) -> list[int]:
    """Return the positions of the texts `signature || message` not signed by `key`, ascending.

    The same predicate as `verify_many`, for chunks under one key: nothing is put together twice.
    """
    bad = []
    for position, text in enumerate(signed):
        try:
            crypto_sign_open(text, key)
        except BadSignatureError:
            bad.append(position)
    return bad


def check_public_key(key: bytes) -> None:
    """Check that a key may be registered: a canonical point of prime order.

    Raises:
        FormError: Another length, not a canonical encoding, or a point of small or mixed order.
    """
    if len(key) != KEY_BYTES or not crypto_core_ed25519_is_valid_point(key):
        raise FormError("public key", "32 bytes, a canonical Ed25519 point of prime order", key)
