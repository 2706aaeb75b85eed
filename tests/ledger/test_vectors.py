"""Vectors that others published, through our own functions. Origins: tests/vectors/README.md."""

import hashlib
import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from nacl.bindings import crypto_core_ed25519_add, crypto_scalarmult_ed25519_base_noclamp

from ledger.checkpoint import Checkpoint, format_checkpoint, parse_checkpoint
from ledger.errors import FormError, VerificationError
from ledger.hashing import EMPTY_ROOT, leaf_hash
from ledger.merkle import consistency_path, inclusion_path
from ledger.note import (
    format_signature,
    format_vkey,
    parse_note,
    parse_vkey,
    sign_note,
    verify_note,
)
from ledger.proof import verify_consistency, verify_inclusion
from ledger.signature import (
    check_public_key,
    opens_by_binding,
    opens_by_handle,
    public_key,
    sign,
    verify,
    verify_many,
)
from tests.ledger.test_merkle import KNOWN_LEAVES, KNOWN_ROOTS

Case = dict[str, Any]
VECTORS = Path(__file__).resolve().parent.parent / "vectors"


def load(name: str) -> Any:
    return json.loads((VECTORS / name).read_text("utf-8"))


def by_id(cases: list[Case]) -> pytest.MarkDecorator:
    assert cases  # an empty list would be a test that cannot fail
    return pytest.mark.parametrize("case", cases, ids=[str(case["id"]) for case in cases])


# Ed25519: Wycheproof

WYCHEPROOF: list[Case] = load("ed25519-wycheproof.json")
SMALL = [case for case in WYCHEPROOF if "SmallOrderPublicKey" in case["flags"]]
MIXED = [case for case in WYCHEPROOF if "MixedOrderPublicKey" in case["flags"]]
VALID = [case for case in WYCHEPROOF if case["result"] == "valid"]
DISPUTED = [case for case in WYCHEPROOF if case["result"] == "acceptable"]


def triple(case: Case) -> tuple[bytes, bytes, bytes]:
    return bytes.fromhex(case["key"]), bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"])


def holds(key: bytes, message: bytes, signature: bytes) -> bool:
    return verify_many([(key, message, signature)]) == []


@by_id([case for case in WYCHEPROOF if case["result"] != "acceptable"])
def test_a_signature_is_judged_as_the_authors_of_the_vector_say(case: Case) -> None:
    assert holds(*triple(case)) == (case["result"] == "valid")


def test_all_vectors_at_once_are_judged_as_each_alone() -> None:
    items = [triple(case) for case in WYCHEPROOF]
    assert verify_many(items) == [i for i, item in enumerate(items) if not holds(*item)]
    assert len(items) == 210


def test_the_binding_and_the_function_below_it_judge_every_vector_alike() -> None:
    opens = opens_by_handle()
    assert opens is not None
    for key, message, signature in map(triple, WYCHEPROOF):
        for text in (signature + message, signature + message + b"x", (signature + message)[1:]):
            assert opens(text, key) == opens_by_binding(text, key)


@by_id(DISPUTED)
def test_where_libraries_disagree_libsodium_refuses_small_and_takes_mixed_order(case: Case) -> None:
    assert holds(*triple(case)) == (case in MIXED)


@by_id(SMALL + MIXED)
def test_a_key_of_small_or_mixed_order_is_never_registered(case: Case) -> None:
    with pytest.raises(FormError):
        check_public_key(bytes.fromhex(case["key"]))


@by_id(list({case["key"]: case for case in VALID}.values()))
def test_the_key_of_a_valid_vector_may_be_registered(case: Case) -> None:
    check_public_key(bytes.fromhex(case["key"]))


# Ed25519: what the published sets leave out, made here

P, ORDER = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
SIGN = 1 << 255  # the bit that says which x
TORSION = {case["id"]: bytes.fromhex(case["key"]) for case in SMALL[1:]}  # orders 2, 4 and 8


def number(value: int) -> bytes:
    return value.to_bytes(32, "little")


NOT_CANONICAL = [number(y + sign) for y in range(P, 2**255) for sign in (0, SIGN)]
NOT_CANONICAL += [number(1 + SIGN), number(P - 1 + SIGN)]  # x is 0, so it has no sign
IDENTITIES = [number(1), number(1 + SIGN), number(P + 1), number(P + 1 + SIGN)]


@pytest.mark.parametrize("key", NOT_CANONICAL, ids=bytes.hex)
def test_no_second_spelling_of_a_point_is_ever_registered(key: bytes) -> None:
    with pytest.raises(FormError):
        check_public_key(key)


@pytest.mark.parametrize("key", IDENTITIES, ids=bytes.hex)
def test_nothing_is_signed_by_the_identity_however_it_is_spelled(key: bytes) -> None:
    scalar = number(7)
    assert not holds(key, b"any", crypto_scalarmult_ed25519_base_noclamp(scalar) + scalar)


def signature_with(point: bytes, r: int) -> tuple[bytes, bytes, bytes]:
    """Return a triple that would hold, were `point` the multiple `r` of the base."""
    wide = hashlib.sha512(bytes(32)).digest()
    a = (int.from_bytes(wide[:32], "little") & (2**254 - 8)) | 2**254
    key = public_key(bytes(32))
    k = int.from_bytes(hashlib.sha512(point + key + b"any").digest(), "little")
    return key, b"any", point + number((r + k * a) % ORDER)


def test_a_signature_made_by_hand_holds() -> None:
    assert holds(*signature_with(crypto_scalarmult_ed25519_base_noclamp(number(7)), 7))


@pytest.mark.parametrize("torsion", TORSION.values(), ids=[str(name) for name in TORSION])
def test_a_point_r_off_by_a_torsion_point_is_refused(torsion: bytes) -> None:
    r = crypto_scalarmult_ed25519_base_noclamp(number(7))
    assert not holds(*signature_with(crypto_core_ed25519_add(r, torsion), 7))


@pytest.mark.parametrize("point", [*IDENTITIES, *TORSION.values()], ids=bytes.hex)
def test_a_point_r_of_small_order_is_refused(point: bytes) -> None:
    assert not holds(*signature_with(point, 0))  # OpenSSL takes the first: the equation holds


# Ed25519: signing


@by_id(load("ed25519-sign.json"))
def test_a_seed_gives_the_published_key_and_signature(case: Case) -> None:
    seed = bytes.fromhex(case["seed"])
    key, message, signature = triple(case)
    assert (public_key(seed), sign(seed, message)) == (key, signature)
    verify(key, message, signature)


# RFC 6962 trees

PROOFS = load("rfc6962-proofs.json")
HASHES = [leaf_hash(bytes.fromhex(leaf)) for leaf in KNOWN_LEAVES]
ROOTS = [EMPTY_ROOT, *map(bytes.fromhex, KNOWN_ROOTS)]


def path_of(case: Case) -> list[bytes]:
    return [bytes.fromhex(item) for item in case["path"]]


def wrong_paths(path: list[bytes], root: bytes) -> list[list[bytes]]:
    """Return the faults that the authors of the vectors try."""
    replaced = [[*path[:i], EMPTY_ROOT, *path[i + 1 :]] for i in range(len(path))]
    added = [[*path, b""], [*path, root], [b"", *path], [root, *path]]
    return [*replaced, *added, *([path[:-1], []] if path else [])]


@pytest.mark.parametrize("case", PROOFS["inclusion"], ids=lambda c: f"{c['leaf']} of {c['size']}")
def test_a_published_inclusion_proof_holds_and_with_a_fault_it_does_not(case: Case) -> None:
    leaf, size, path = case["leaf"], case["size"], path_of(case)
    right = (HASHES[leaf], leaf, size, path, ROOTS[size])
    assert inclusion_path(HASHES[:size], leaf) == path
    verify_inclusion(*right)
    places = [(leaf - 1, size), (leaf + 1, size), (leaf ^ 2, size), (leaf, size * 2)]
    wrong = [(HASHES[leaf], *place, path, ROOTS[size]) for place in [*places, (leaf, size // 2)]]
    wrong += [(*right[:3], other, right[4]) for other in wrong_paths(path, ROOTS[size])]
    wrong += [(leaf_hash(b"WrongLeaf"), *right[1:]), (*right[:4], EMPTY_ROOT)]
    for item in wrong:
        with pytest.raises((FormError, VerificationError)):
            verify_inclusion(*item)


@pytest.mark.parametrize("case", PROOFS["consistency"], ids=lambda c: f"{c['old']} to {c['new']}")
def test_a_published_consistency_proof_holds_and_with_a_fault_it_does_not(case: Case) -> None:
    old, new, path = case["old"], case["new"], path_of(case)
    right = (old, ROOTS[old], new, ROOTS[new], path)
    assert consistency_path(HASHES[:new], old) == path
    verify_consistency(*right)
    wrong = [(*right[:4], other) for other in wrong_paths(path, ROOTS[old])]
    wrong += [(old, EMPTY_ROOT, *right[2:]), (*right[:3], EMPTY_ROOT, path)]
    if path:  # one tree of any size is consistent with itself
        wrong += [(size, *right[1:]) for size in (old - 1, old + 1, old ^ 2)]
        wrong += [(*right[:2], size, *right[3:]) for size in (new * 2, new // 2)]
    for item in wrong:
        with pytest.raises((FormError, VerificationError)):
            verify_consistency(*item)


# Signed notes and checkpoints

NOTE = load("signed-note.json")
PETER, ENOCH = map(parse_vkey, NOTE["keys"])


def data_of(note: str) -> bytes:
    return note.encode("utf-8", "surrogateescape")  # one vector has a byte that is not UTF-8


def test_the_published_seed_signs_the_published_line() -> None:
    _, _, name, identity, encoded = NOTE["signer"].split("+", 4)
    line = sign_note(NOTE["text"], name, b64decode(encoded)[1:])
    assert (format_signature(line), line.key_id.hex()) == (NOTE["lines"][0], identity)
    assert [format_vkey(PETER), format_vkey(ENOCH)] == NOTE["keys"]


@pytest.mark.parametrize("name", NOTE["opened"])
def test_a_published_note_opens_for_each_key_that_signed_it(name: str) -> None:
    note = parse_note(data_of(NOTE["opened"][name]))
    assert (note.text, verify_note(note, [PETER])) == (NOTE["text"], [PETER])


def test_both_signers_of_a_note_are_named_and_without_a_known_one_it_is_refused() -> None:
    note = parse_note(data_of(NOTE["opened"]["a second signature"]))
    assert verify_note(note, [ENOCH, PETER]) == [PETER, ENOCH]
    with pytest.raises(VerificationError):
        verify_note(note, [])
    with pytest.raises(VerificationError):
        verify_note(parse_note(data_of(NOTE["does_not_hold"])), [PETER])


@pytest.mark.parametrize("name", NOTE["malformed"])
def test_a_published_malformed_note_is_refused(name: str) -> None:
    with pytest.raises(FormError):
        parse_note(data_of(NOTE["malformed"][name]))


def test_no_part_of_a_verifier_key_and_no_altered_one_is_a_verifier_key() -> None:
    text = NOTE["keys"][0]
    parts = {text[i:j] for i in range(len(text)) for j in range(i, len(text) + 1)} - {text}
    altered = {text[:i] + chr(ord(text[i]) + 1) + text[i + 1 :] for i in range(len(text))}
    for wrong in parts | altered | set(NOTE["refused_keys"].values()):
        with pytest.raises(FormError):
            parse_vkey(wrong)


def test_the_published_checkpoint_is_read_and_written_and_altered_ones_are_refused() -> None:
    given = NOTE["checkpoint"]
    point = Checkpoint("go.sum database tree", 123456789012, leaf_hash(given["leaf"].encode()))
    assert (parse_checkpoint(given["text"]), format_checkpoint(point)) == (point, given["text"])
    for wrong in given["refused"].values():
        with pytest.raises(FormError):
            parse_checkpoint(wrong)
