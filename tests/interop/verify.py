"""Verifies what Gongzhang exports with nothing of Gongzhang: the tree code of `tlog-scales`, and
OpenSSL for the signatures.

    verify.py log FOLDER VKEY WITNESS…       every entry, tile, proof and signature of a log
    verify.py proof FILE LEAF VKEY WITNESS…  a .tlog-proof file
    verify.py consistency M N R1 R2 HASH…    a consistency proof, roots and hashes in base64

WITNESS is the vkey of a cosigner; each one given must have cosigned.
"""

import hashlib
import sys
from base64 import b64decode
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from tlog_scales.backend import LocalBackend
from tlog_scales.reader import TilesReader
from tlog_scales.tlog import (
    ConsistencyProof,
    ConsistencyProofInvalid,
    InclusionProof,
    InclusionProofInvalid,
)

NOTE, COSIGNATURE = 1, 4


class RefusedError(Exception):
    """What is wrong."""


class Head(NamedTuple):
    """A checkpoint that its log and its witnesses have signed."""

    size: int
    root: bytes


def need(condition: bool, what: str) -> None:
    if not condition:
        raise RefusedError(what)


def open_checkpoint(data: bytes, log: str, witnesses: list[str]) -> Head:
    """Return size and root; the log and every witness must have signed."""
    text, gap, lines = data.partition(b"\n\n")
    need(gap != b"", "no signatures")
    text += b"\n"
    signatures = {}
    for line in lines.decode().splitlines():
        dash, name, encoded = line.split(" ")
        need(dash == "\u2014", "no signature line")
        payload = b64decode(encoded, validate=True)
        signatures[name, payload[:4]] = payload[4:]
    check_signature(text, signatures, log, NOTE)
    for witness in witnesses:
        check_signature(text, signatures, witness, COSIGNATURE)
    origin, size, root = text.decode().splitlines()
    need(origin == log.split("+")[0], f"the origin is {origin}")
    return Head(int(size), b64decode(root, validate=True))


def check_signature(
    text: bytes, signatures: dict[tuple[str, bytes], bytes], vkey: str, kind: int
) -> None:
    """Check the line of one key. Source: C2SP signed-note and tlog-cosignature."""
    name, identity, encoded = vkey.split("+", 2)
    key = b64decode(encoded, validate=True)
    digest = hashlib.sha256(name.encode() + b"\n" + key).digest()
    need(digest[:4].hex() == identity and key[0] == kind, f"{vkey} is no key of type {kind}")
    payload = signatures.get((name, digest[:4]))
    if payload is None:
        raise RefusedError(f"{name} has not signed")
    if kind == COSIGNATURE:
        time, payload = int.from_bytes(payload[:8], "big"), payload[8:]
        text = f"cosignature/v1\ntime {time}\n".encode() + text
    try:
        Ed25519PublicKey.from_public_bytes(key[1:]).verify(payload, text)
    except InvalidSignature:
        raise RefusedError(f"the signature of {name} does not hold") from None


def leaf_hash(leaf: bytes) -> bytes:
    return hashlib.sha256(b"\0" + leaf).digest()


def entries_of(folder: Path, size: int) -> list[bytes]:
    """Return the leaves in the entry bundles. Source: C2SP tlog-tiles."""
    leaves = []
    for first in range(0, size, 256):
        width, number = min(256, size - first), first // 256
        path = folder / "tile" / "entries" / f"{number:03d}"  # below 256,000 entries
        path = path if width == 256 else path.with_suffix(".p") / str(width)
        data, at = path.read_bytes(), 0
        for _ in range(width):
            end = at + 2 + int.from_bytes(data[at : at + 2], "big")
            leaves.append(data[at + 2 : end])
            at = end
        need(at == len(data), f"{path} has another length")
    return leaves


def verify_log(folder: Path, log: str, witnesses: list[str]) -> str:
    """Check signatures, root, an inclusion proof of every leaf, and every older tree."""
    head = open_checkpoint((folder / "checkpoint").read_bytes(), log, witnesses)
    tiles = TilesReader(LocalBackend(folder))
    tiles.set_size(head.size)
    need(tiles.calculate_root_hash() == head.root, "the tiles have another root")
    for index, leaf in enumerate(entries_of(folder, head.size)):
        tiles.get_inclusion_proof(index, head.size).check(leaf_hash(leaf), head.root)
    for size in range(1, head.size):
        proof = tiles.get_consistency_proof(size, head.size)
        proof.check(tiles.mth(0, size), head.root)
    return f"{head.size} entries and {len(witnesses)} cosignatures verified"


def verify_proof(file: Path, leaf: Path, log: str, witnesses: list[str]) -> str:
    """Check a proof file and the leaf it is about. Source: C2SP tlog-proof."""
    top, _, checkpoint = file.read_bytes().partition(b"\n\n")
    lines = [line for line in top.decode().splitlines() if not line.startswith("extra ")]
    need(lines[0] == "c2sp.org/tlog-proof@v1" and lines[1].startswith("index "), "no proof file")
    head = open_checkpoint(checkpoint, log, witnesses)
    path = [b64decode(line, validate=True) for line in lines[2:]]
    proof = InclusionProof(int(lines[1].removeprefix("index ")), head.size, path)
    proof.check(leaf_hash(leaf.read_bytes()), head.root)
    return f"the leaf is number {proof.leaf_index} of {head.size}"


def verify_consistency(old: int, new: int, hashes: list[str]) -> str:
    old_root, new_root, *path = [b64decode(item, validate=True) for item in hashes]
    ConsistencyProof(old, new, path).check(old_root, new_root)
    return f"the first {old} of {new} are the same"


def main(arguments: list[str]) -> str:
    match arguments:
        case ["log", folder, log, *witnesses]:
            return verify_log(Path(folder), log, witnesses)
        case ["proof", file, leaf, log, *witnesses]:
            return verify_proof(Path(file), Path(leaf), log, witnesses)
        case ["consistency", old, new, *hashes]:
            return verify_consistency(int(old), int(new), hashes)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    # binascii.Error is a ValueError; tlog-scales says RuntimeError when a tile is missing
    wrong = (RefusedError, InclusionProofInvalid, ConsistencyProofInvalid, ValueError, RuntimeError)
    try:
        print(main(sys.argv[1:]))
    except wrong as error:
        print(f"refused: {error}")
        sys.exit(1)
