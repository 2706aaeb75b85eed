"""Proof files: one spelling, and what has to hold."""

from base64 import b64encode
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import log, tree
from ledger.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from ledger.cosignature import cosign, merge_signatures
from ledger.errors import FormError, LedgerError, UncheckableError, VerificationError
from ledger.memory import MemoryStore
from ledger.note import COSIGNATURE, ED25519, verifier_key
from ledger.policy import Group, Policy
from ledger.prooffile import (
    MAX_EXTRA,
    ProofFile,
    check_proof_file,
    format_proof_file,
    parse_proof_file,
)
from ledger.signature import public_key
from ledger.table import log_key
from tests.network import seed

ORIGIN, KEY = "example.test/log", log_key("630000")
LEAVES = [b"leaf %d" % n for n in range(11)]
NAMES = ["w1.test", "w2.test", "w3.test"]
WITNESSES = {
    name: verifier_key(name, COSIGNATURE, public_key(seed(name, "witness"))) for name in NAMES
}
LOG = verifier_key(ORIGIN, ED25519, public_key(seed("log", "checkpoint")))
POLICY = Policy((LOG,), WITNESSES, {"all": Group(2, tuple(NAMES))}, "all")


def made(index: int = 6, witnesses: int = 2, size: int = 11) -> ProofFile:
    store = MemoryStore()
    store.transact(lambda w: log.append(w, KEY, LEAVES[:size], 0))
    point = Checkpoint(ORIGIN, size, tree.root_at(store, KEY, size))
    note = sign_checkpoint(point, seed("log", "checkpoint"))
    text = open_checkpoint(note, ORIGIN, LOG.key).note.text
    lines = [cosign(text, name, seed(name, "witness"), 1_700_000_000) for name in NAMES[:witnesses]]
    path = tree.inclusion_proof(store, KEY, index, size)
    return ProofFile(index, tuple(path), merge_signatures(note, lines))


def test_a_proof_says_where_the_leaf_stands_and_who_has_seen_it() -> None:
    proven = check_proof_file(parse_proof_file(format_proof_file(made())), LEAVES[6], POLICY)
    assert (proven.index, proven.checkpoint.size) == (6, 11)
    assert proven.cosigners == dict.fromkeys(NAMES[:2], 1_700_000_000)


@pytest.mark.parametrize("size", range(1, 12))
def test_every_leaf_of_every_size_can_be_proved_and_no_other_leaf(size: int) -> None:
    for index in range(size):
        proof = made(index, size=size)
        check_proof_file(proof, LEAVES[index], POLICY)
        with pytest.raises(VerificationError):
            check_proof_file(proof, b"another leaf", POLICY)


def test_the_text_is_what_the_specification_says() -> None:
    proof = made()
    lines = format_proof_file(replace(proof, extra=b"hi")).split(b"\n")
    assert lines[:3] == [b"c2sp.org/tlog-proof@v1", b"extra aGk=", b"index 6"]
    assert lines[3 : 3 + len(proof.path)] == [b64encode(item) for item in proof.path]
    assert lines[3 + len(proof.path)] == b""
    assert lines[4 + len(proof.path)] == ORIGIN.encode()
    assert parse_proof_file(b"\n".join(lines)).extra == b"hi"


GOOD = format_proof_file(made())
FIRST_HASH = GOOD.split(b"\n")[2]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"tlog-proof@v1", b"tlog-proof@v2"),
        (b"index 6", b"index 06"),
        (b"index 6", b"index -6"),
        (b"index 6", b"Index 6"),
        (b"index 6\n", b""),
        (b"index 6\n", b"index 6\nextra aGk=\n"),
        (b"index 6\n", b"extra aGk\nindex 6\n"),
        (b"index 6\n", b"extra " + b64encode(bytes(MAX_EXTRA + 1)) + b"\nindex 6\n"),
        (FIRST_HASH, FIRST_HASH[:-1]),
        (FIRST_HASH, b64encode(bytes(31))),
        (FIRST_HASH, b"\n".join([FIRST_HASH] * 64)),
        (b"index 6", "index ６".encode()),
        (b"\n\n", b"\n"),
        (b"index 6\n", b"index 6\r\n"),
    ],
)
def test_one_fault_in_the_form_is_refused(old: bytes, new: bytes) -> None:
    assert old in GOOD
    with pytest.raises(FormError):
        check_proof_file(parse_proof_file(GOOD.replace(old, new)), LEAVES[6], POLICY)


@pytest.mark.parametrize("index", [0, 5, 7, 10])
def test_another_index_does_not_hold(index: int) -> None:
    with pytest.raises(VerificationError):
        check_proof_file(replace(made(), index=index), LEAVES[6], POLICY)


def test_an_index_outside_a_longer_path_and_an_older_head_do_not_hold() -> None:
    proof = made()
    older = made(6, size=8)
    for wrong in (
        replace(proof, index=11),
        replace(proof, path=(*proof.path, bytes(32))),
        replace(proof, path=proof.path[:-1]),
        replace(proof, checkpoint=older.checkpoint),
    ):
        with pytest.raises(VerificationError):
            check_proof_file(wrong, LEAVES[6], POLICY)


def test_too_few_witnesses_or_an_unknown_log_cannot_be_checked() -> None:
    with pytest.raises(UncheckableError, match="1 known"):
        check_proof_file(made(witnesses=1), LEAVES[6], POLICY)
    stranger = verifier_key("other.test/log", ED25519, LOG.key)
    with pytest.raises(UncheckableError, match="knows no log"):
        check_proof_file(made(), LEAVES[6], replace(POLICY, logs=(stranger,)))


def test_a_cosignature_that_does_not_hold_refuses_the_file() -> None:
    data = bytearray(made().checkpoint)
    data[-10] = ord("A") if data[-10] != ord("A") else ord("B")
    with pytest.raises(LedgerError):
        check_proof_file(replace(made(), checkpoint=bytes(data)), LEAVES[6], POLICY)


@given(st.binary(max_size=200), st.integers(0, len(GOOD)))
def test_no_bytes_bring_the_reader_down(noise: bytes, at: int) -> None:
    for data in (noise, GOOD[:at] + noise + GOOD[at:]):
        try:
            proof = parse_proof_file(data)
        except FormError:
            continue
        assert format_proof_file(proof) == data
