"""Records: what is signed; one form, no field too many, no value out of range."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.encoding import pack, unpack
from ledger.errors import FormError
from settlement.record import MAX_FEN, RECORDS, Settlement, decode_body
from tests.network import settlement

BODY = settlement("A1").encode()


def changed(place: int, value: object) -> bytes:
    fields = unpack(BODY)
    fields[place] = value
    return pack(fields)


def test_a_record_is_a_positional_array_and_comes_back() -> None:
    assert unpack(BODY)[:2] == ["A1", "2017-03"]
    assert decode_body(Settlement.kind, BODY) == settlement("A1")


def test_every_kind_has_one_number() -> None:
    assert sorted(RECORDS) == [
        1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15, 16, 30, 31, 32, 33, 50, 51, 52, 53, 54, 55, 56, 57,
        58, 59, 60, 61, 62, 63, 64, 65, 70, 71, 72, 73, 74, 90, 91, 92, 93, 94, 95,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (0, ""), (0, "x" * 65), (0, "A 1"), (0, "A1\n"), (0, 5), (1, "2017-13"), (1, "2017-3"),
        (2, "51010"), (2, "051010"), (4, "x"), (6, [1, 2, 3]), (6, [MAX_FEN + 1, 0, 0, 0]),
        (6, [1.0, 0, 0, 0]), (6, [True, 0, 0, 0]), (7, bytes(31)), (7, "00" * 16), (7, None),
    ],
)  # fmt: skip
def test_one_fault_in_one_place_is_refused(place: int, value: object) -> None:
    with pytest.raises(FormError):
        decode_body(Settlement.kind, changed(place, value))


def test_a_field_too_many_or_too_few_is_refused() -> None:
    fields = unpack(BODY)
    for body in (pack([*fields, 0]), pack(fields[:-1]), b"\x80", pack(None), BODY + b"\x00"):
        with pytest.raises(FormError):
            decode_body(Settlement.kind, body)


def test_an_unknown_kind_is_refused_by_number() -> None:
    with pytest.raises(FormError, match="99"):
        decode_body(99, BODY)


@given(st.sampled_from(sorted(RECORDS)), st.binary(max_size=200))
def test_whatever_is_read_was_spelt_in_the_one_way(kind: int, body: bytes) -> None:
    try:
        record = decode_body(kind, body)
    except FormError:
        return
    assert record.encode() == body


@given(st.data())
def test_records_of_several_kinds_survive_their_bytes(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from([10, 12, 51, 53, 70]))
    month = data.draw(st.sampled_from(["2017-03", "2099-12"]))
    texts = st.text("金额不符, or 2 words.", max_size=50)
    fen = data.draw(st.integers(-MAX_FEN, MAX_FEN))
    made = {
        10: lambda: settlement("A1", fen, month=month),
        12: lambda: RECORDS[12]("630000", abs(fen), bytes(32), [], []),
        51: lambda: RECORDS[51](month, 1, bytes(32), data.draw(texts), []),
        53: lambda: RECORDS[53](month, 1, bytes(32), "630000", []),
        70: lambda: RECORDS[70]("clearing", month, 1, 2, "630000", fen, "ref", f"{month}-28", []),
    }[kind]()
    assert decode_body(kind, made.encode()) == made
