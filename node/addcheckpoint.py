"""The witness call of C2SP tlog-witness: the request, and the checks every witness makes.

The order of checks is the specification's: form, origin, the log's signature, old above size, old
not the last cosigned size, proof.
"""

from base64 import b64decode, b64encode
from dataclasses import dataclass

from ledger.checkpoint import Checkpoint
from ledger.errors import FormError, VerificationError
from ledger.hashing import EMPTY_ROOT
from ledger.proof import verify_consistency
from node.message import Answer


@dataclass(frozen=True)
class Request:
    """A parsed add-checkpoint request."""

    old: int
    proof: list[bytes]
    note: bytes


def format_request(old: int, proof: list[bytes], note: bytes) -> bytes:
    """Return the body of an add-checkpoint request. Source: C2SP tlog-witness."""
    lines = [f"old {old}", *(b64encode(item).decode() for item in proof), "", ""]
    return "\n".join(lines).encode() + note


def parse_request(body: bytes) -> Request:
    """Return the parsed body of an add-checkpoint request.

    Raises:
        FormError: Not of that form, more than 63 proof lines, or not the one spelling.
    """
    head, separator, note = body.partition(b"\n\n")
    first, *lines = head.split(b"\n")
    old = first.removeprefix(b"old ")
    if not separator or first == old or not old.isdigit() or (old[:1] == b"0" and old != b"0"):
        raise FormError("add-checkpoint", "`old <size>`, proof lines, an empty line, a checkpoint")
    if len(lines) > 63:
        raise FormError("add-checkpoint", "at most 63 proof lines", len(lines))
    proof = [_hash_line(line) for line in lines]
    return Request(int(old), proof, note)


def _hash_line(line: bytes) -> bytes:
    try:
        value = b64decode(line, validate=True)
    except ValueError:
        value = b""
    if len(value) != 32 or b64encode(value) != line:
        raise FormError("add-checkpoint proof", "32 bytes in base64", line)
    return value


def refusal(request: Request, point: Checkpoint, size: int, root: bytes) -> Answer | None:
    """Return why a signed head is not cosigned after one of `size` and `root`, or None.

    400 for an old size above the head's; 409 with the size if `old` is not that of the last
    cosigned head; 422 if the proof does not hold.
    """
    if request.old > point.size:
        return Answer(400, b"old is above the checkpoint's size\n")
    if request.old != size:
        return Answer(409, b"%d\n" % size)
    if point.size in (0, size):
        if point.root != (EMPTY_ROOT if point.size == 0 else root) or request.proof:
            return Answer(422, b"same size, another root\n")
        return None
    if size == 0:
        return Answer(422, b"a proof with old 0\n") if request.proof else None
    try:
        verify_consistency(size, root, point.size, point.root, request.proof)
    except (VerificationError, FormError) as error:
        return Answer(422, str(error).encode())
    return None
