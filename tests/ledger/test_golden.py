"""Files that were made once: they still verify, are made again to the byte, and bear no fault."""

from collections.abc import Callable
from typing import Any

import pytest

from cli.unpack import parse_header
from ledger.checkpoint import open_checkpoint
from ledger.entry import decode_entry, verify_leaves
from ledger.errors import FormError, LedgerError, UncheckableError, VerificationError
from ledger.evidence import parse_evidence
from ledger.policy import parse_policy
from ledger.prooffile import check_proof_file, parse_proof_file
from settlement.document import parse_document
from settlement.keychain import judge
from settlement.record import Rotation, Settlement, decode_body
from settlement.roster import Roster
from tests.goldenfiles import FOLDER, files
from tests.network import SICHUAN

STORED = {path.name: path.read_bytes() for path in sorted(FOLDER.iterdir()) if path.is_file()}
ROSTER = Roster.found(STORED["network.genesis"])


def test_every_file_is_made_again_to_the_byte() -> None:
    assert files() == STORED


def leaf(data: bytes, kind: type) -> None:
    assert verify_leaves([data], ROSTER.network_id, ROSTER.members[SICHUAN].entry_key) == []
    entry = decode_entry(data)
    assert isinstance(decode_body(entry.kind, entry.body), kind)


def proof(data: bytes) -> None:
    policy = parse_policy(STORED["sichuan.policy"])
    check_proof_file(parse_proof_file(data), STORED["settlement.leaf"], policy)


READERS: dict[str, Callable[[bytes], Any]] = {
    "network.genesis": lambda data: Roster.found(data).network_id == ROSTER.network_id or fail(),
    "settlement.leaf": lambda data: leaf(data, Settlement),
    "rotation.leaf": lambda data: leaf(data, Rotation),
    "checkpoint": lambda data: open_checkpoint(
        data, ROSTER.origin(SICHUAN), ROSTER.members[SICHUAN].checkpoint_key
    ),
    "auditor.policy": lambda data: same_policy("auditor.policy", data),
    "sichuan.policy": lambda data: same_policy("sichuan.policy", data),
    "settlement.tlog-proof": proof,
    "two-heads.evidence": lambda data: judge(
        parse_evidence(data), parse_policy(STORED["auditor.policy"])
    ),
    "bundle.header": parse_header,
    "payment-notice.json": lambda data: parse_document(data).encode() == data or fail(),
}


def fail() -> None:
    raise VerificationError("another file than the golden one")


def same_policy(name: str, data: bytes) -> None:
    if parse_policy(data).fingerprint != parse_policy(STORED[name]).fingerprint:
        fail()


@pytest.mark.parametrize("name", sorted(STORED))
def test_every_file_is_read_and_holds(name: str) -> None:
    READERS[name](STORED[name])


@pytest.mark.parametrize("name", sorted(STORED))
def test_a_file_with_one_byte_less_more_or_twice_is_refused(name: str) -> None:
    data = STORED[name]
    end = 2 if name.endswith(".policy") else 1  # its last line need not end
    for wrong in (b"", data[:-end], data[1:], data + b"\x00", data + data):
        with pytest.raises((LedgerError, AssertionError)):
            READERS[name](wrong)


ONE_FAULT: list[tuple[str, bytes, bytes, type[LedgerError]]] = [
    ("checkpoint", b"\n4\n", b"\n04\n", FormError),
    ("checkpoint", b"\n4\n", b"\n5\n", VerificationError),
    ("checkpoint", b"510000\n", b"540000\n", FormError),
    ("checkpoint", "— ".encode(), b"- ", FormError),
    ("auditor.policy", b"quorum others", b"quorum other", FormError),
    ("auditor.policy", b"group others 2", b"group others 1", FormError),
    ("auditor.policy", b"group others 2", b"group others 4", FormError),
    ("auditor.policy", b"witness 510000", b"witness 630000", FormError),
    ("auditor.policy", b"log ", b"logs ", FormError),
    ("sichuan.policy", b"+", b"-", FormError),
    ("settlement.tlog-proof", b"tlog-proof@v1", b"tlog-proof@v2", FormError),
    ("settlement.tlog-proof", b"index 1", b"index 01", FormError),
    ("settlement.tlog-proof", b"index 1", b"index 2", VerificationError),
    ("settlement.tlog-proof", b"index 1", b"index 4", VerificationError),
    ("settlement.tlog-proof", b"\n\ngongzhang", b"\ngongzhang", FormError),
    ("settlement.tlog-proof", b"/510000\n4\n", b"/540000\n4\n", UncheckableError),
    ("two-heads.evidence", b"kind two-heads", b"kind rewritten", FormError),
    ("two-heads.evidence", b"kind two-heads", b"kind two-entries", LedgerError),
    ("two-heads.evidence", b"kind two-heads", b"kind other", FormError),
    ("two-heads.evidence", b"evidence v1", b"evidence v2", FormError),
    ("two-heads.evidence", b"\nexhibit ", b"\nexhibit  ", FormError),
    ("two-heads.evidence", b"\nchain ", b"\nroot ", FormError),
    ("bundle.header", b"bundle v1", b"bundle v2", FormError),
    ("bundle.header", b"month 2017-03", b"month 2017-13", FormError),
    ("bundle.header", b"log 510000 4", b"log 510000 04", FormError),
    ("bundle.header", b"log 510000", b"log 100000", FormError),
    ("bundle.header", b"log 100000", b"log 110000", FormError),
]


@pytest.mark.parametrize(("name", "old", "new", "error"), ONE_FAULT)
def test_one_fault_is_refused(name: str, old: bytes, new: bytes, error: type[LedgerError]) -> None:
    assert old in STORED[name]
    with pytest.raises(error):
        READERS[name](STORED[name].replace(old, new, 1))


@pytest.mark.parametrize("name", ["network.genesis", "settlement.leaf", "rotation.leaf"])
def test_every_flipped_bit_of_a_binary_file_is_refused(name: str) -> None:
    data = STORED[name]
    for bit in range(len(data) * 8):
        wrong = bytearray(data)
        wrong[bit // 8] ^= 1 << bit % 8
        with pytest.raises((LedgerError, AssertionError)):
            READERS[name](bytes(wrong))
