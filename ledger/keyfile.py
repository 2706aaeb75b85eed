"""Key files: one secret seed per purpose, readable by its owner only.

Plain text, one `name value` per line:

    gongzhang-key v1
    purpose entry
    public <64 hex>
    kdf none | argon2id13 <opslimit> <memlimit> <salt hex>
    secret <hex: the seed, or nonce || secretbox of it>

With a passphrase the seed is sealed by secretbox under a key from argon2id (parameters MODERATE or
stronger; weaker ones in a file are refused). The public key is checked against the seed on loading.
"""

import os
import stat
from pathlib import Path

from nacl import pwhash, secret
from nacl.exceptions import CryptoError
from nacl.utils import random

from ledger.errors import FormError, KeyFileError
from ledger.signature import SEED_BYTES, generate_seed, public_key

PURPOSES = (
    "entry", "checkpoint", "witness", "transport", "operator", "governance", "foreign",
    "vault",
)  # fmt: skip
OPSLIMIT = pwhash.argon2id.OPSLIMIT_MODERATE
MEMLIMIT = pwhash.argon2id.MEMLIMIT_MODERATE
MAX_OPSLIMIT = 16
MAX_MEMLIMIT = 4 << 30
MAX_FILE = 2_000


def create_key(
    path: Path, purpose: str, seed: bytes | None = None, passphrase: bytes | None = None
) -> bytes:
    """Write a new key file (mode 0600) and return its public key.

    Args:
        seed: The secret, or None for a new random one.
        passphrase: Seals the secret; None leaves it plain.

    Raises:
        FormError: An unknown purpose.
        KeyFileError: The file exists, or cannot be written.
    """
    if purpose not in PURPOSES:
        raise FormError("key purpose", " ".join(PURPOSES), purpose)
    secret_seed = generate_seed() if seed is None else seed
    public = public_key(secret_seed)
    kdf, sealed = _seal(secret_seed, passphrase)
    lines = ["gongzhang-key v1", f"purpose {purpose}", f"public {public.hex()}", kdf, sealed, ""]
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise KeyFileError(f"{path}: {error.strerror}") from error
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write("\n".join(lines))
        file.flush()
        os.fsync(file.fileno())
    return public


def load_key(path: Path, purpose: str, passphrase: bytes | None = None) -> bytes:
    """Return the secret seed of a key file.

    Raises:
        KeyFileError: Missing, readable by others, for another purpose, malformed, sealed and no or
            a wrong passphrase, or a seed that is not the named public key's.
    """
    fields = _read(path)
    if fields["purpose"] != purpose:
        raise KeyFileError(f"{path}: a key for {fields['purpose']}, not for {purpose}")
    seed = _unseal(path, fields["kdf"], fields["secret"], passphrase)
    if len(seed) != SEED_BYTES or public_key(seed).hex() != fields["public"]:
        raise KeyFileError(f"{path}: the secret is not that of the public key it names")
    return seed


def read_public(path: Path) -> tuple[str, bytes]:
    """Return purpose and public key of a key file, without its secret."""
    fields = _read(path)
    return fields["purpose"], bytes.fromhex(fields["public"])


def is_sealed(path: Path) -> bool:
    """Return whether the file needs a passphrase."""
    return _read(path)["kdf"] != "none"


def _seal(seed: bytes, passphrase: bytes | None) -> tuple[str, str]:
    if passphrase is None:
        return "kdf none", f"secret {seed.hex()}"
    salt = random(pwhash.argon2id.SALTBYTES)
    key = pwhash.argon2id.kdf(
        secret.SecretBox.KEY_SIZE, passphrase, salt, opslimit=OPSLIMIT, memlimit=MEMLIMIT
    )
    sealed = secret.SecretBox(key).encrypt(seed)
    return f"kdf argon2id13 {OPSLIMIT} {MEMLIMIT} {salt.hex()}", f"secret {bytes(sealed).hex()}"


def _unseal(path: Path, kdf: str, sealed: str, passphrase: bytes | None) -> bytes:
    data = bytes.fromhex(sealed)
    if kdf == "none":
        return data
    if passphrase is None:
        raise KeyFileError(f"{path}: sealed, a passphrase is needed")
    try:
        name, ops, mem, salt = kdf.split(" ")
        opslimit, memlimit, salt_bytes = int(ops), int(mem), bytes.fromhex(salt)
    except ValueError:
        raise KeyFileError(f"{path}: kdf: expected `argon2id13 ops mem salt`") from None
    strong = OPSLIMIT <= opslimit <= MAX_OPSLIMIT and MEMLIMIT <= memlimit <= MAX_MEMLIMIT
    if name != "argon2id13" or not strong or len(salt_bytes) != pwhash.argon2id.SALTBYTES:
        raise KeyFileError(f"{path}: kdf parameters are weaker than this program makes, or too big")
    key = pwhash.argon2id.kdf(
        secret.SecretBox.KEY_SIZE, passphrase, salt_bytes, opslimit=opslimit, memlimit=memlimit
    )
    try:
        return bytes(secret.SecretBox(key).decrypt(data))
    except CryptoError:
        raise KeyFileError(f"{path}: the passphrase is wrong, or the file is damaged") from None


def _read(path: Path) -> dict[str, str]:
    try:
        info = path.stat()
        folder = path.parent.stat()
        text = path.read_text(encoding="ascii") if info.st_size <= MAX_FILE else ""
    except FileNotFoundError:
        raise KeyFileError(f"{path}: no such key file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise KeyFileError(f"{path}: {error}") from None
    if stat.S_IMODE(info.st_mode) & 0o077 or stat.S_IMODE(folder.st_mode) & 0o077:
        raise KeyFileError(f"{path}: others may read it; expected mode 0600 in a directory 0700")
    lines = text.split("\n")
    names = ["purpose", "public", "kdf", "secret"]
    if lines[0] != "gongzhang-key v1" or len(lines) != 6 or lines[5]:
        raise KeyFileError(f"{path}: not a key file of this program")
    fields = dict(line.split(" ", 1) for line in lines[1:5] if " " in line)
    if list(fields) != names or fields["purpose"] not in PURPOSES:
        raise KeyFileError(f"{path}: expected the lines {', '.join(names)}")
    for name in ("public", "secret"):
        if not fields[name] or set(fields[name]) - set("0123456789abcdef") or len(fields[name]) % 2:
            raise KeyFileError(f"{path}: {name}: expected hex digits")
    return fields
