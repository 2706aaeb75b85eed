"""Checkpoints (C2SP tlog-checkpoint): a log's signed head.

    <origin>
    <size>
    <base64 of the root>

Trust shows in the type: a `Checkpoint` is three values, a `SignedCheckpoint` was verified with the
log's key, a `CosignedCheckpoint` also carries a quorum of cosignatures.
"""

from dataclasses import dataclass

from ledger.errors import FormError
from ledger.note import (
    ED25519,
    Note,
    base64_of,
    format_note,
    from_base64,
    parse_note,
    sign_note,
    verifier_key,
    verify_note,
)

MAX_SIZE = 2**53


@dataclass(frozen=True)
class Checkpoint:
    """Origin, number of leaves, and root hash (32 bytes)."""

    origin: str
    size: int
    root: bytes


@dataclass(frozen=True)
class SignedCheckpoint:
    """A checkpoint whose log signature holds."""

    checkpoint: Checkpoint
    note: Note

    def encode(self) -> bytes:
        """Return the note's bytes."""
        return format_note(self.note)


@dataclass(frozen=True)
class CosignedCheckpoint:
    """A signed checkpoint that a quorum has cosigned; `cosigners` maps code to POSIX seconds."""

    checkpoint: Checkpoint
    note: Note
    cosigners: dict[str, int]


def format_checkpoint(point: Checkpoint) -> str:
    """Return the text of a checkpoint, as it is signed."""
    return f"{point.origin}\n{point.size}\n{base64_of(point.root)}\n"


def parse_checkpoint(text: str, *, extended: bool = False) -> Checkpoint:
    """Return the checkpoint of a text.

    Args:
        extended: Accept extension lines and ignore them, as a witness of foreign logs must. Own
            logs have none: no monitor checks them.

    Raises:
        FormError: Other than three lines, an empty extension line, a
            size that is not the one spelling of a number, or a root of another length.
    """
    lines = text.split("\n")
    extra = lines[3:-1] if extended else []
    if len(lines) != 4 + len(extra) or lines[-1] or not lines[0] or not all(extra):
        raise FormError("checkpoint", "origin, size and root, each on a line", text)
    if not lines[1].isascii() or not lines[1].isdigit() or str(int(lines[1][:20])) != lines[1]:
        raise FormError("checkpoint size", "a decimal number without leading zeros", lines[1])
    size = int(lines[1])
    root = from_base64(lines[2], "checkpoint root")
    if len(root) != 32 or size > MAX_SIZE:
        raise FormError("checkpoint", "a root of 32 bytes and a size up to 2**53", text)
    return Checkpoint(lines[0], size, root)


def sign_checkpoint(point: Checkpoint, seed: bytes) -> bytes:
    """Return the signed note of a checkpoint; the key's name is the origin."""
    text = format_checkpoint(point)
    return format_note(Note(text, (sign_note(text, point.origin, seed),)))


def open_checkpoint(
    data: bytes, origin: str, *keys: bytes, extended: bool = False
) -> SignedCheckpoint:
    """Return the checkpoint of a signed note, verified with the log's key, or one of several.

    Raises:
        FormError: Malformed, or of another origin.
        VerificationError: The log's key has not signed it.
    """
    note = parse_note(data)
    point = parse_checkpoint(note.text, extended=extended)
    if point.origin != origin:
        raise FormError("checkpoint origin", origin, point.origin)
    verify_note(note, [verifier_key(origin, ED25519, key) for key in keys])
    return SignedCheckpoint(point, note)
