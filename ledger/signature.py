"""Ed25519: one predicate everywhere, libsodium's, with keys checked when they are registered.

Libraries disagree about keys of small or mixed order and about spellings that are not canonical; so
a key is accepted once, by `check_public_key`, and signatures are judged by libsodium alone.

PyNaCl's binding of `crypto_sign_open` copies the message out with every answer; nobody here wants
it, and it is a tenth of what an entry costs beside its signature. So the same function is called
without a place for the copy, through the handle that PyNaCl's own bindings use. That handle is no
promise of PyNaCl's: where it is missing or answers otherwise than it should, the binding is used.
"""

import importlib
from collections.abc import Callable, Sequence

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
    return [
        position
        for position, (key, message, signature) in enumerate(items)
        if len(signature) != SIGNATURE_BYTES or not opens(signature + message, key)
    ]


def check_public_key(key: bytes) -> None:
    """Check that a key may be registered: a canonical point of prime order.

    Raises:
        FormError: Another length, not a canonical encoding, or a point of small or mixed order.
    """
    if len(key) != KEY_BYTES or not crypto_core_ed25519_is_valid_point(key):
        raise FormError("public key", "32 bytes, a canonical Ed25519 point of prime order", key)


def opens_by_binding(signed: bytes, key: bytes) -> bool:
    """Return whether `signature || message` is signed by `key`, through the public binding."""
    if len(key) != KEY_BYTES:
        return False
    try:
        crypto_sign_open(signed, key)
    except BadSignatureError:
        return False
    return True


def opens_by_handle() -> Callable[[bytes, bytes], bool] | None:
    """Return the same without the copy of the message, or None where PyNaCl does not let us."""
    try:
        sodium = importlib.import_module("nacl._sodium")
        call: Callable[..., int] = sodium.lib.crypto_sign_open
        nowhere = sodium.ffi.NULL

        def by_handle(signed: bytes, key: bytes) -> bool:
            return len(key) == KEY_BYTES and call(nowhere, nowhere, signed, len(signed), key) == 0

        seed = bytes(SEED_BYTES)
        good = sign(seed, b"gongzhang") + b"gongzhang"
        answers = [by_handle(text, public_key(seed)) for text in (good, good[:-1], good[:63])]
    except (ImportError, AttributeError, TypeError):
        return None
    return by_handle if answers == [True, False, False] else None


# Whether `signature || message` is signed by a key: the one predicate of this module.
opens: Callable[[bytes, bytes], bool] = opens_by_handle() or opens_by_binding
