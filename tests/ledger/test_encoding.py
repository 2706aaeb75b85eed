"""One spelling per value."""

import contextlib

import msgpack
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.encoding import Codec, pack, pack_plain, unpack
from ledger.errors import FormError

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.binary(max_size=40)
    | st.text(alphabet="abcäöü中文é", max_size=20),
    lambda inner: st.lists(inner, max_size=5),
    max_leaves=12,
)


class Point(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    x: int
    name: str


def test_a_value_has_the_bytes_everybody_expects() -> None:
    assert pack([1, "a", b"\x00", None, True, -1]).hex() == "9601a161c40100c0c3ff"


@given(values)
def test_what_was_packed_is_read_back(value: object) -> None:
    data = pack(value)
    assert unpack(data) == value
    assert pack(unpack(data)) == data


plain = st.recursive(
    st.integers(-(2**63), 2**64 - 1)
    | st.text(alphabet=st.characters(max_codepoint=127), max_size=40),
    lambda inner: st.lists(inner, max_size=20) | st.lists(inner, max_size=20).map(tuple),
)


@given(plain)
def test_plain_values_have_the_same_bytes_without_the_checks(value: object) -> None:
    assert pack_plain(value) == pack(value)


@pytest.mark.parametrize("value", [2**64, -(2**63) - 1])
def test_an_integer_that_has_no_spelling_is_refused(value: int) -> None:
    for write in (pack, pack_plain):
        with pytest.raises(FormError):
            write([value])


@pytest.mark.parametrize(
    "data",
    [
        bytes.fromhex("cc01"),  # 1 in two bytes
        bytes.fromhex("cd0001"),
        bytes.fromhex("d90161"),  # "a" with a length byte too many
        bytes.fromhex("c5000100"),  # bin 16 for one byte
        bytes.fromhex("dc000101"),  # array 16 for one item
        bytes.fromhex("0101"),  # something after the end
        bytes.fromhex("cb3ff0000000000000"),  # a float
        bytes.fromhex("8101a161"),  # a map
        bytes.fromhex("d40100"),  # an extension
        bytes.fromhex("92"),  # an array without its items
        b"",
        msgpack.packb("e\u0301"),  # é that is not NFC
        bytes.fromhex("91" * 20 + "01"),  # deeper than eight levels
    ],
)
def test_every_other_spelling_is_refused(data: bytes) -> None:
    with pytest.raises(FormError):
        unpack(data)


@pytest.mark.parametrize(
    "value", [1.5, {"a": 1}, {1}, 2**64, -(2**63) - 1, "e\u0301", "\ud800", object()]
)
def test_what_has_no_spelling_is_not_packed(value: object) -> None:
    with pytest.raises(FormError):
        pack([value])


def test_a_record_is_read_by_type_and_refused_with_a_field_too_few_or_many() -> None:
    codec = Codec(Point)
    assert codec.decode(pack([2, "a"])) == Point(2, "a")
    for wrong in ([2], [2, "a", None], ["2", "a"], [2, b"a"], [2, "e\u0301"]):
        data = msgpack.packb(wrong, use_bin_type=True)
        with pytest.raises(FormError):
            codec.decode(data)


@given(st.binary(max_size=60))
def test_no_bytes_bring_the_reader_down(data: bytes) -> None:
    with contextlib.suppress(FormError):
        assert pack(unpack(data)) == data


BORDERS = [
    sign * 2**bits + step
    for bits in (0, 5, 7, 8, 15, 16, 31, 32)
    for sign in (1, -1)
    for step in (-1, 0, 1)
]


@given(
    st.integers(-(2**63), 2**64 - 1)
    | st.sampled_from(BORDERS)
    | st.binary(max_size=70)
    | st.text(max_size=300)
    | st.lists(st.none() | st.booleans(), max_size=20)
)
def test_both_codecs_spell_alike(value: object) -> None:
    # Whatever one makes the other makes again: readers rely on it to refuse other spellings.
    assert msgspec.msgpack.encode(value) == msgpack.packb(value, use_bin_type=True)
