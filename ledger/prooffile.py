"""Proof files (C2SP tlog-proof): one leaf stands in a log that witnesses have seen.

    c2sp.org/tlog-proof@v1
    extra <base64>             optional, nobody vouches for it
    index <decimal>
    <base64 hash>              any number, from the leaf upwards
                               an empty line, then the checkpoint as it is

The leaf itself is not in the file: whoever checks brings it.
"""

from dataclasses import dataclass

from ledger.checkpoint import Checkpoint, open_checkpoint
from ledger.cosignature import cosigners_of
from ledger.errors import FormError, UncheckableError, VerificationError
from ledger.hashing import HASH_BYTES, leaf_hash
from ledger.note import base64_of, from_base64
from ledger.policy import Policy
from ledger.proof import verify_inclusion

FIRST = "c2sp.org/tlog-proof@v1"
MAX_FILE = 256 * 1024
MAX_EXTRA = 36_000  # bytes; readers that go line by line stop at 64 KiB
MAX_PATH = 63


@dataclass(frozen=True)
class ProofFile:
    """A parsed proof file. `checkpoint` is the note with its signatures, not judged yet."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None


@dataclass(frozen=True)
class Proven:
    """What a checked proof file shows."""

    checkpoint: Checkpoint
    index: int
    cosigners: dict[str, int]  # witness name in the policy -> POSIX seconds


def format_proof_file(proof: ProofFile) -> bytes:
    """Return the bytes of a proof file."""
    lines = [FIRST]
    if proof.extra is not None:
        lines.append(f"extra {base64_of(proof.extra)}")
    lines += [f"index {proof.index}", *map(base64_of, proof.path), "", ""]
    return "\n".join(lines).encode("ascii") + proof.checkpoint


def parse_proof_file(data: bytes) -> ProofFile:
    """Return the parsed file; the checkpoint in it is not judged here.

    Raises:
        FormError: The line and what was expected there; longer than 256 KiB; or not the one
            spelling of these values.
    """
    if len(data) > MAX_FILE:
        raise FormError("proof file", f"at most {MAX_FILE} bytes", len(data))
    head, separator, checkpoint = data.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise FormError("proof file", "ASCII before the empty line") from None
    if not separator or lines[0] != FIRST:
        raise FormError("proof file line 1", FIRST, lines[0][:40])
    extra = None
    if len(lines) > 1 and lines[1].startswith("extra "):
        extra = from_base64(lines.pop(1)[6:], "proof file: extra")
        if len(extra) > MAX_EXTRA:
            raise FormError("proof file: extra", f"at most {MAX_EXTRA} bytes", len(extra))
    index = _index(lines[1] if len(lines) > 1 else "")
    path = tuple(from_base64(line, "proof file: hash") for line in lines[2:])
    if len(path) > MAX_PATH or any(len(item) != HASH_BYTES for item in path):
        raise FormError("proof file", f"at most {MAX_PATH} hashes of {HASH_BYTES} bytes")
    return ProofFile(index, path, checkpoint, extra)


def _index(line: str) -> int:
    digits = line.removeprefix("index ")
    good = line != digits and digits.isascii() and digits.isdigit() and len(digits) <= 16
    if not good or (digits != "0" and digits.startswith("0")):
        raise FormError("proof file: index", "`index <decimal>`", line[:40])
    return int(digits)


def check_proof_file(proof: ProofFile, leaf: bytes, policy: Policy) -> Proven:
    """Check that `leaf` stands at the proof's index of a log the policy trusts.

    Raises:
        FormError: The checkpoint is malformed.
        UncheckableError: The policy does not know the log, or too few of its witnesses signed.
        VerificationError: A signature or the path does not hold.
    """
    origin = proof.checkpoint.split(b"\n", 1)[0].decode("utf-8", "replace")
    keys = policy.log_keys(origin)
    if not keys:
        raise UncheckableError(f"the policy knows no log {origin!r}")
    signed = open_checkpoint(proof.checkpoint, origin, *keys)
    cosigners = cosigners_of(signed, policy.cosigners)
    if not policy.satisfied_by(cosigners):
        raise UncheckableError(f"{len(cosigners)} known witnesses signed; the policy asks for more")
    point = signed.checkpoint
    if proof.index >= point.size:
        raise VerificationError(f"index {proof.index} lies outside a log of {point.size}")
    verify_inclusion(leaf_hash(leaf), proof.index, point.size, proof.path, point.root)
    return Proven(point, proof.index, cosigners)
