"""Cosignatures (C2SP cosignature/v1): a witness says when it saw which head.

Signed message: `cosignature/v1` LF, `time <seconds>` LF, then the whole checkpoint text. The line's
payload is the time as u64 followed by the Ed25519 signature.
"""

from collections.abc import Iterable, Mapping, Sequence

from ledger.checkpoint import (
    CosignedCheckpoint,
    SignedCheckpoint,
    open_checkpoint,
)
from ledger.errors import FormError, VerificationError
from ledger.note import (
    COSIGNATURE,
    Note,
    NoteSignature,
    VerifierKey,
    format_note,
    key_id,
    parse_note,
)
from ledger.signature import public_key, sign, verify

Witnesses = Mapping[str, Sequence[VerifierKey]]
"""Who counts as a witness, by any name, and the keys each may have signed with."""

MAX_TIME = 2**63 - 1
PAYLOAD_BYTES = 72


def witness_name(origin: str) -> str:
    """Return the name of the cosigner key of the member whose log has this origin."""
    return f"{origin}/witness"


def cosigned_message(text: str, timestamp: int) -> bytes:
    """Return the bytes a cosignature covers."""
    return f"cosignature/v1\ntime {timestamp}\n{text}".encode()


def cosign(text: str, name: str, seed: bytes, timestamp: int) -> NoteSignature:
    """Return a cosignature line over a checkpoint's text at POSIX seconds."""
    if not 0 <= timestamp <= MAX_TIME:
        raise FormError("cosignature time", "0 to 2**63 - 1", timestamp)
    signature = sign(seed, cosigned_message(text, timestamp))
    identity = key_id(name, COSIGNATURE, public_key(seed))
    return NoteSignature(name, identity, timestamp.to_bytes(8, "big") + signature)


def verify_cosignature(text: str, key: VerifierKey, line: NoteSignature) -> int:
    """Return the time (POSIX seconds) of a cosignature that holds.

    Raises:
        FormError: Another length or time range.
        VerificationError: Of another key, or it does not hold.
    """
    if (line.name, line.key_id) != (key.name, key.key_id) or key.type != COSIGNATURE:
        raise VerificationError("cosignature: key", key.name, line.name)
    if len(line.payload) != PAYLOAD_BYTES:
        raise FormError("cosignature", f"{PAYLOAD_BYTES} bytes", len(line.payload))
    timestamp = int.from_bytes(line.payload[:8], "big")
    if timestamp > MAX_TIME:
        raise FormError("cosignature time", "at most 2**63 - 1", timestamp)
    try:
        verify(key.key, cosigned_message(text, timestamp), line.payload[8:])
    except VerificationError:
        raise VerificationError(f"the cosignature of {line.name} does not hold") from None
    return timestamp


def open_cosigned(
    data: bytes, origin: str, key: bytes, witnesses: Witnesses, quorum: int
) -> CosignedCheckpoint:
    """Return a checkpoint that its log signed and at least `quorum` of `witnesses` cosigned.

    Cosignatures above the quorum are not looked at: a head does not get better by them.

    Raises:
        FormError: Malformed or of another origin.
        VerificationError: The log's signature or a looked-at cosignature does not hold, or there
            are too few.
    """
    signed = open_checkpoint(data, origin, key)
    cosigners = cosigners_of(signed, witnesses, limit=quorum)
    if len(cosigners) < quorum:
        raise VerificationError(f"cosignatures on {origin}", quorum, len(cosigners))
    return CosignedCheckpoint(signed.checkpoint, signed.note, cosigners)


def cosigners_of(
    signed: SignedCheckpoint, witnesses: Witnesses, limit: int | None = None
) -> dict[str, int]:
    """Return who of `witnesses` cosigned, and when; stops after `limit` if one is given.

    Raises:
        VerificationError: The line of a known witness does not hold.
    """
    known = {(w.name, w.key_id): (code, w) for code, keys in witnesses.items() for w in keys}
    found: dict[str, int] = {}
    for line in signed.note.signatures:
        if limit is not None and len(found) >= limit:
            break
        match = known.get((line.name, line.key_id))
        if match is not None and match[0] not in found:
            found[match[0]] = verify_cosignature(signed.note.text, match[1], line)
    return found


def merge_signatures(data: bytes, lines: Iterable[NoteSignature]) -> bytes:
    """Return the note with cosignature lines added: one per key, the log's first, then by name."""
    note = parse_note(data)
    own = {(line.name, line.key_id) for line in note.signatures}
    new = {(line.name, line.key_id): line for line in lines if (line.name, line.key_id) not in own}
    added = tuple(new[place] for place in sorted(new))
    return format_note(Note(note.text, note.signatures + added))
