"""Ed25519 as this program uses it. Vectors: RFC 8032 section 7.1 (public)."""

import sys

import pytest

from ledger.errors import FormError, VerificationError
from ledger.signature import (
    check_public_key,
    generate_seed,
    opens,
    opens_by_binding,
    opens_by_handle,
    public_key,
    sign,
    verify,
    verify_many,
)

RFC_8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
]

SMALL_ORDER = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
]
NOT_CANONICAL = "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"


@pytest.mark.parametrize(("seed", "key", "message", "signature"), RFC_8032)
def test_the_published_vectors_hold(seed: str, key: str, message: str, signature: str) -> None:
    secret = bytes.fromhex(seed)
    assert public_key(secret).hex() == key
    assert sign(secret, bytes.fromhex(message)).hex() == signature
    verify(bytes.fromhex(key), bytes.fromhex(message), bytes.fromhex(signature))


def test_another_message_key_or_signature_is_refused() -> None:
    secret = generate_seed()
    key, signature = public_key(secret), sign(secret, b"yes")
    for wrong in [
        (key, b"no", signature),
        (public_key(generate_seed()), b"yes", signature),
        (key, b"yes", bytes(64)),
        (key, b"yes", signature[:-1]),
        (key[:-1], b"yes", signature),
    ]:
        with pytest.raises(VerificationError):
            verify(*wrong)


def test_a_signature_with_a_second_spelling_of_s_is_refused() -> None:
    secret = generate_seed()
    signature = sign(secret, b"yes")
    order = 2**252 + 27742317777372353535851937790883648493
    s = int.from_bytes(signature[32:], "little") + order
    with pytest.raises(VerificationError):
        verify(public_key(secret), b"yes", signature[:32] + s.to_bytes(32, "little"))


def test_many_are_judged_at_once_and_the_bad_ones_named() -> None:
    secret = generate_seed()
    key = public_key(secret)
    items = [(key, b"%d" % i, sign(secret, b"%d" % i)) for i in range(20)]
    items[3] = (key, b"other", items[3][2])
    items[11] = (key, items[11][1], bytes(64))
    assert verify_many(items) == [3, 11]


def test_a_text_opens_with_its_key_alone_by_either_way() -> None:
    secret = generate_seed()
    key, text = public_key(secret), sign(secret, b"yes") + b"yes"
    for way in (opens, opens_by_binding, opens_by_handle()):
        assert way is not None
        assert way(text, key)
        for wrong in (b"", text[:63], text[:64], text[:-1], text + b"!", bytes(64) + b"yes"):
            assert not way(wrong, key)
        assert not way(text, key[:-1])
        assert not way(text, key + b"\x00")
        assert not way(text, public_key(generate_seed()))


class Handle:
    """What PyNaCl's handle might be one day; `lib` and `ffi` in one."""

    NULL = None

    def __init__(self, answer: int) -> None:
        self.answer = answer

    @property
    def lib(self) -> "Handle":
        return self

    ffi = lib

    def crypto_sign_open(self, *_: object) -> int:
        return self.answer


@pytest.mark.parametrize("handle", [Handle(0), Handle(-1), object()])
def test_a_handle_that_is_not_what_it_was_is_not_used(
    handle: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert opens_by_handle() is not None
    monkeypatch.setitem(sys.modules, "nacl._sodium", handle)
    assert opens_by_handle() is None


def test_without_the_handle_there_is_the_binding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nacl._sodium", None)
    assert opens_by_handle() is None


@pytest.mark.parametrize("key", [*SMALL_ORDER, NOT_CANONICAL])
def test_keys_of_small_order_or_another_spelling_are_refused(key: str) -> None:
    with pytest.raises(FormError):
        check_public_key(bytes.fromhex(key))


def test_a_key_of_mixed_order_is_refused() -> None:
    from nacl.bindings import crypto_core_ed25519_add

    good = public_key(generate_seed())
    mixed = crypto_core_ed25519_add(good, bytes.fromhex(SMALL_ORDER[3]))
    check_public_key(good)
    with pytest.raises(FormError):
        check_public_key(mixed)
