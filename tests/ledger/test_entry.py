"""Entries: what a leaf is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.encoding import pack
from ledger.entry import (
    MAX_LEAF,
    decode_entry,
    encode_entry,
    make_entry,
    origin,
    signature_item,
)
from ledger.errors import FormError
from ledger.signature import public_key, verify_many

SEED, NETWORK = bytes(range(32)), b"n" * 32
NAME = origin(NETWORK, "630000")


def leaf_of(body: bytes = pack([1, "x"]), index: int = 7) -> bytes:
    return make_entry(SEED, NETWORK, NAME, index, 10, 1_489_000_000_000, body)


def test_an_entry_says_where_it_stands_and_who_signed_it() -> None:
    entry = decode_entry(leaf_of())
    assert (entry.origin, entry.index, entry.kind) == (NAME, 7, 10)
    assert entry.body == pack([1, "x"])
    assert encode_entry(entry) == leaf_of()
    assert verify_many([signature_item(leaf_of(), NETWORK, public_key(SEED))]) == []


def test_the_signature_means_nothing_in_another_network() -> None:
    assert verify_many([signature_item(leaf_of(), b"m" * 32, public_key(SEED))]) == [0]


def test_origins_name_network_code_and_later_generations() -> None:
    assert NAME == "gongzhang/" + "6e" * 8 + "/630000"
    assert origin(NETWORK, "630000", 2).endswith("/630000/2")


@pytest.mark.parametrize(
    "content",
    [
        pack([2, NAME, 7, 10, 1, [1]]),  # another format
        pack([1, NAME, 7, 10, 1]),  # a field too few
        pack([1, NAME, 7, 10, 1, [1], 0]),  # a field too many
        pack([1, NAME, -1, 10, 1, [1]]),
        pack([1, NAME, 7, 300, 1, [1]]),
        pack([1, "a b", 7, 10, 1, [1]]),
        pack([1, NAME, 7, 10, 1, 5]),  # a body that is no array
        bytes.fromhex("96cc01") + pack([NAME, 7, 10, 1, [1]])[1:],  # 1 in two bytes
        pack([1, NAME, 7, 10, 1, [1]]) + b"\x00",
        b"",
    ],
)
def test_other_forms_are_refused(content: bytes) -> None:
    with pytest.raises(FormError):
        decode_entry(bytes(64) + content)


def test_a_leaf_has_at_most_65535_bytes() -> None:
    with pytest.raises(FormError, match="65535"):
        leaf_of(pack([b"x" * MAX_LEAF]))


@given(st.integers(0, 400), st.integers(1, 255))
def test_any_altered_byte_is_noticed(position: int, change: int) -> None:
    leaf = bytearray(leaf_of())
    leaf[position % len(leaf)] ^= change
    try:
        decode_entry(bytes(leaf))
    except FormError:
        return
    assert verify_many([signature_item(bytes(leaf), NETWORK, public_key(SEED))]) == [0]
