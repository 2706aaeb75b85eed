"""Signed notes (C2SP signed-note v1.0.0): a text, an empty line, and signature lines.

    gongzhang/91ab…/630000
    17
    Yh3…=
                                  (the last empty line ends the text)
    — gongzhang/91ab…/630000 9d8c…=

Every signature line is U+2014, space, key name, space, base64(key id || signature). The key id is
the first four bytes of SHA-256(name || LF || type || public key).
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable
from typing import NamedTuple

from ledger.errors import FormError, VerificationError
from ledger.hashing import hash_bytes
from ledger.signature import KEY_BYTES, public_key, sign, verify

ED25519 = 0x01
COSIGNATURE = 0x04  # timestamped Ed25519

MAX_NOTE = 65_536
MAX_SIGNATURES = 100
MAX_NAME = 255
DASH = "\u2014"
_NOT_IN_NAME = re.compile(r"[\s+\x00-\x1f\u0085\u00a0]")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


class VerifierKey(NamedTuple):
    """A public key with the name and purpose it is known by."""

    name: str
    key_id: bytes
    type: int
    key: bytes


class NoteSignature(NamedTuple):
    """One signature line; `payload` is what follows the key id."""

    name: str
    key_id: bytes
    payload: bytes


class Note(NamedTuple):
    """A text (ends with LF) and its signature lines, none of them verified yet."""

    text: str
    signatures: tuple[NoteSignature, ...]


def key_id(name: str, key_type: int, key: bytes) -> bytes:
    """Return the four bytes by which a signature line names its key."""
    return hash_bytes(name.encode() + b"\n" + bytes([key_type]) + key)[:4]


def verifier_key(name: str, key_type: int, key: bytes) -> VerifierKey:
    """Return a verifier key; raises FormError for a name that is not allowed."""
    check_name(name)
    if key_type not in (ED25519, COSIGNATURE) or len(key) != KEY_BYTES:
        raise FormError("verifier key", "type 1 or 4 with 32 bytes", (key_type, len(key)))
    return VerifierKey(name, key_id(name, key_type, key), key_type, key)


def format_vkey(key: VerifierKey) -> str:
    """Return `name+<8 hex of the key id>+<base64 of type and key>`."""
    return f"{key.name}+{key.key_id.hex()}+{base64_of(bytes([key.type]) + key.key)}"


def parse_vkey(text: str) -> VerifierKey:
    """Return the verifier key a text names.

    Raises:
        FormError: Another form, an unknown type, or a key id that is not this key's.
    """
    parts = text.split("+", 2)
    if len(parts) != 3:
        raise FormError("vkey", "name+id+key", text)
    name, identity, encoded = parts
    data = from_base64(encoded, "vkey key")
    if len(identity) != 8 or identity != identity.lower():
        raise FormError("vkey id", "8 lowercase hex digits", identity)
    if not data:
        raise FormError("vkey key", "a type byte and a key", encoded)
    key = verifier_key(name, data[0], data[1:])
    if key.key_id.hex() != identity:
        raise FormError("vkey id", key.key_id.hex(), identity)
    return key


def check_name(name: str) -> None:
    """Raise FormError unless `name` may name a key: not empty, no space, no plus."""
    if not 0 < len(name) <= MAX_NAME or _NOT_IN_NAME.search(name):
        raise FormError("key name", "1 to 255 characters, no space, plus or control", name)


def format_note(note: Note) -> bytes:
    """Return the bytes of a note."""
    return (note.text + "\n" + "".join(map(format_signature, note.signatures))).encode()


def format_signature(line: NoteSignature) -> str:
    """Return one signature line with its LF."""
    return f"{DASH} {line.name} {base64_of(line.key_id + line.payload)}\n"


def parse_signature(line: str) -> NoteSignature:
    """Return a signature line given without its LF.

    Raises:
        FormError: Another form, or not the one spelling of its value.
    """
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != DASH:
        raise FormError("signature line", f"`{DASH} name base64`", line)
    check_name(parts[1])
    data = from_base64(parts[2], "signature line")
    if len(data) < 5:
        raise FormError("signature line", "a key id and a signature", line)
    return NoteSignature(parts[1], data[:4], data[4:])


def parse_note(data: bytes) -> Note:
    """Return the parts of a note; nothing is verified.

    Raises:
        FormError: Too long, not UTF-8, a control character, no empty line, no or too many
            signatures, or a malformed signature line.
    """
    if len(data) > MAX_NOTE:
        raise FormError("note", f"at most {MAX_NOTE} bytes", len(data))
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError:
        raise FormError("note", "UTF-8") from None
    if _CONTROL.search(whole):
        raise FormError("note", "no control characters but LF")
    text, separator, lines = whole.rpartition("\n\n")
    if not separator or not text or not lines.endswith("\n"):
        raise FormError("note", "a text, an empty line, and signature lines")
    rows = lines[:-1].split("\n")
    if len(rows) > MAX_SIGNATURES:
        raise FormError("note", f"at most {MAX_SIGNATURES} signatures", len(rows))
    return Note(text + "\n", tuple(map(parse_signature, rows)))


def sign_note(text: str, name: str, seed: bytes) -> NoteSignature:
    """Return an Ed25519 signature line over `text` (type 0x01)."""
    return NoteSignature(name, key_id(name, ED25519, public_key(seed)), sign(seed, text.encode()))


def verify_note(note: Note, keys: Iterable[VerifierKey]) -> list[VerifierKey]:
    """Return the Ed25519 keys that signed the note, each once.

    Lines of unknown keys are ignored; a line of a known key must hold.

    Raises:
        VerificationError: A line of a known key does not hold, or no known key signed.
    """
    known = {(key.name, key.key_id): key for key in keys}
    signers: list[VerifierKey] = []
    for line in note.signatures:
        key = known.get((line.name, line.key_id))
        if key is None or key.type != ED25519:
            continue
        try:
            verify(key.key, note.text.encode(), line.payload)
        except VerificationError:
            raise VerificationError(f"the signature line of {line.name} does not hold") from None
        if key not in signers:
            signers.append(key)
    if not signers:
        raise VerificationError("no known key signed the note")
    return signers


def base64_of(data: bytes) -> str:
    """Return standard base64 with padding."""
    return b64encode(data).decode("ascii")


def from_base64(text: str, place: str) -> bytes:
    """Return the bytes of the one base64 spelling; raises FormError for any other."""
    try:
        data = b64decode(text, validate=True)
    except ValueError:
        raise FormError(place, "standard base64 with padding", text) from None
    if base64_of(data) != text:
        raise FormError(place, "the one base64 spelling of its bytes", text)
    return data
