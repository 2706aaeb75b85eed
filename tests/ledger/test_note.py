"""Signed notes, checkpoints and cosignatures (C2SP). The vkey vector is the specification's."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.checkpoint import (
    Checkpoint,
    format_checkpoint,
    open_checkpoint,
    parse_checkpoint,
    sign_checkpoint,
)
from ledger.cosignature import (
    cosign,
    cosigners_of,
    merge_signatures,
    open_cosigned,
    verify_cosignature,
    witness_name,
)
from ledger.errors import FormError, VerificationError
from ledger.note import (
    COSIGNATURE,
    ED25519,
    MAX_SIGNATURES,
    Note,
    NoteSignature,
    format_note,
    format_vkey,
    parse_note,
    parse_vkey,
    sign_note,
    verifier_key,
    verify_note,
)
from ledger.signature import public_key

VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
SEED, OTHER = bytes(32), bytes(range(32))
ORIGIN = "gongzhang/00112233aabbccdd/630000"
POINT = Checkpoint(ORIGIN, 17, bytes(range(32)))
NOTE = sign_checkpoint(POINT, SEED)


def test_the_published_verifier_key_is_read_and_written() -> None:
    key = parse_vkey(VKEY)
    assert (key.name, key.key_id.hex(), key.type) == ("example.com/foo", "530d903a", ED25519)
    assert format_vkey(key) == VKEY


@pytest.mark.parametrize(
    "text",
    [
        VKEY.replace("530d", "530D"),
        VKEY.replace("530d903a", "530d903b"),
        VKEY.replace("example.com/foo", "example.com/fo"),
        VKEY[:-4] + "====",
        VKEY + "=",
        VKEY.replace("Aeky", "Aeks"),
        "example.com/foo+530d903a",
        "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
    ],
)
def test_any_other_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(FormError):
        parse_vkey(text)


def test_a_checkpoint_is_three_lines() -> None:
    text = format_checkpoint(POINT)
    assert text.split("\n")[:2] == [ORIGIN, "17"]
    assert parse_checkpoint(text) == POINT


@given(st.integers(0, 2**53), st.binary(min_size=32, max_size=32))
def test_checkpoints_have_one_spelling(size: int, root: bytes) -> None:
    point = Checkpoint(ORIGIN, size, root)
    text = format_checkpoint(point)
    assert parse_checkpoint(text) == point
    assert format_checkpoint(parse_checkpoint(text)) == text


ROOT = format_checkpoint(POINT).split("\n")[2]


@pytest.mark.parametrize(
    "text",
    [
        f"{ORIGIN}\n017\n{ROOT}\n",
        f"{ORIGIN}\n-1\n{ROOT}\n",
        f"{ORIGIN}\n+1\n{ROOT}\n",
        f"{ORIGIN}\n１７\n{ROOT}\n",
        f"{ORIGIN}\n17\n{ROOT[:-4]}\n",
        f"{ORIGIN}\n17\n{ROOT}\nextension\n",
        f"{ORIGIN}\n17\n{ROOT}",
        f"\n17\n{ROOT}\n",
        f"{ORIGIN}\n{2**60}\n{ROOT}\n",
    ],
)
def test_other_texts_are_no_checkpoint(text: str) -> None:
    with pytest.raises(FormError):
        parse_checkpoint(text)


def test_a_checkpoint_opens_with_its_logs_key_and_no_other() -> None:
    assert open_checkpoint(NOTE, ORIGIN, public_key(SEED)).checkpoint == POINT
    with pytest.raises(VerificationError):
        open_checkpoint(NOTE, ORIGIN, public_key(OTHER))
    with pytest.raises(FormError, match="origin"):
        open_checkpoint(NOTE, ORIGIN + "/2", public_key(SEED))


def test_a_line_of_a_known_key_must_hold_and_others_are_ignored() -> None:
    note = parse_note(NOTE)
    good = note.signatures[0]
    bad = good._replace(payload=bytes(64))
    stranger = sign_note(note.text, "stranger", OTHER)
    keys = [verifier_key(ORIGIN, ED25519, public_key(SEED))]
    assert verify_note(Note(note.text, (stranger, good)), keys) == keys
    with pytest.raises(VerificationError):
        verify_note(Note(note.text, (good, bad)), keys)
    with pytest.raises(VerificationError, match="no known key"):
        verify_note(Note(note.text, (stranger,)), keys)


@pytest.mark.parametrize(
    "data",
    [
        NOTE[:-1],
        NOTE.replace(b"\n\n", b"\n"),
        NOTE.replace(b"\xe2\x80\x94", b"-"),
        NOTE + b"\n",
        b"\x00" + NOTE,
        NOTE.replace(b"17", b"17\t"),
        NOTE[:-2] + b"A\n",
        b"\xff" + NOTE,
        b"x" * 70_000,
        NOTE + NOTE.split(b"\n\n")[1] * MAX_SIGNATURES,
    ],
)
def test_other_bytes_are_no_note(data: bytes) -> None:
    with pytest.raises((FormError, VerificationError)):
        open_checkpoint(data, ORIGIN, public_key(SEED))


names = st.text(alphabet="abc./-中", min_size=1, max_size=12)
texts = st.text(alphabet="abc \n—中", max_size=60).map(lambda t: t + "x\n")


@given(
    texts, st.lists(st.tuples(names, st.binary(min_size=5, max_size=90)), min_size=1, max_size=5)
)
def test_notes_are_read_as_they_were_written(text: str, lines: list[tuple[str, bytes]]) -> None:
    signatures = tuple(NoteSignature(name, data[:4], data[4:]) for name, data in lines)
    note = Note(text, signatures)
    assert parse_note(format_note(note)) == note


@given(st.binary(max_size=200))
def test_no_bytes_bring_the_note_reader_down(data: bytes) -> None:
    with contextlib.suppress(FormError):
        assert format_note(parse_note(data)) == data


WITNESSES = {
    code: verifier_key(f"w/{code}", COSIGNATURE, public_key(bytes([i]) * 32))
    for i, code in enumerate(("110000", "120000", "130000"))
}
COUNTED = {code: (key,) for code, key in WITNESSES.items()}


def cosigned(*codes: str, time: int = 1_500_000_000) -> bytes:
    text = parse_note(NOTE).text
    seeds = {code: bytes([i]) * 32 for i, code in enumerate(WITNESSES)}
    return merge_signatures(NOTE, [cosign(text, f"w/{c}", seeds[c], time) for c in codes])


def test_a_quorum_of_cosigners_opens_a_head() -> None:
    head = open_cosigned(cosigned("110000", "130000"), ORIGIN, public_key(SEED), COUNTED, 2)
    assert head.cosigners == {"110000": 1_500_000_000, "130000": 1_500_000_000}
    with pytest.raises(VerificationError, match="cosignatures"):
        open_cosigned(cosigned("110000"), ORIGIN, public_key(SEED), COUNTED, 2)


def test_nobody_counts_twice() -> None:
    once = cosigned("110000")
    again = format_note(
        Note(
            parse_note(once).text,
            (*parse_note(once).signatures, *parse_note(cosigned("110000", time=9)).signatures[1:]),
        )
    )
    with pytest.raises(VerificationError):
        open_cosigned(again, ORIGIN, public_key(SEED), COUNTED, 2)


def test_a_cosignature_holds_for_its_text_time_and_key_only() -> None:
    signed = open_checkpoint(cosigned("110000"), ORIGIN, public_key(SEED))
    line = signed.note.signatures[1]
    assert verify_cosignature(signed.note.text, WITNESSES["110000"], line) == 1_500_000_000
    for text, key, wrong in [
        (signed.note.text + "x\n", WITNESSES["110000"], line),
        (signed.note.text, WITNESSES["120000"], line),
        (
            signed.note.text,
            WITNESSES["110000"],
            line._replace(payload=b"\x00" * 8 + line.payload[8:]),
        ),
    ]:
        with pytest.raises(VerificationError):
            verify_cosignature(text, key, wrong)
    with pytest.raises(FormError):
        verify_cosignature(
            signed.note.text, WITNESSES["110000"], line._replace(payload=line.payload[:-1])
        )


def test_a_forged_line_of_a_known_witness_spoils_the_head() -> None:
    note = parse_note(cosigned("110000", "120000"))
    forged = note.signatures[1]._replace(payload=bytes(72))
    signed = open_checkpoint(
        format_note(Note(note.text, (note.signatures[0], forged))), ORIGIN, public_key(SEED)
    )
    with pytest.raises(VerificationError, match="w/110000"):
        cosigners_of(signed, COUNTED)


def test_merging_keeps_one_line_per_key_in_one_order() -> None:
    one = cosigned("130000", "110000")
    two = merge_signatures(cosigned("110000"), parse_note(cosigned("130000")).signatures)
    assert one == two
    assert [line.name for line in parse_note(one).signatures] == [ORIGIN, "w/110000", "w/130000"]
    assert witness_name(ORIGIN) == ORIGIN + "/witness"
