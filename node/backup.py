"""Backups of a home: logs and case files, verified when made and again before they come back.

    backup.json   network, participant, program, size and root of every log, SHA-256 of both files
    data/         the logs          (LMDB, compacted)
    vault/        the case files    (LMDB, compacted)

Keys and the signer's journal are never part of it: an old journal would let a node contradict what
it has signed since. A restored node starts behind what the others have seen of it; it stays locked,
takes the missing entries back from them and goes on (see `lock`).
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from ledger import log, tree
from ledger.disk import sync_directory, write_durably
from ledger.errors import DamageError, ForeignError, FormError, VerificationError
from ledger.store import LmdbStore, check_in_child, copy_store
from ledger.table import TABLES, Reader, log_key
from node.config import load_config
from node.home import founding_roster
from node.vault import TABLES as VAULT_TABLES
from settlement.lookup import applied_size
from settlement.membership import roster_at
from settlement.party import CENTRE
from settlement.recheck import check_store
from settlement.roster import Roster

FORMAT = "gongzhang-backup v1"
MANIFEST = "backup.json"
MAX_MANIFEST = 256 * 1024
_STORES = (("data", TABLES), ("vault", VAULT_TABLES))


def backup(home: Path, target: Path) -> dict[str, Any]:
    """Copy the stores of a home, also of a running node, and verify the copy; return its manifest.

    Raises:
        FormError: `target` exists, or `home` has not joined a network.
        StoreError: The store, or what came of copying it, is damaged; the copy is left to look at.
    """
    if target.exists():
        raise FormError(str(target), "a folder that does not exist yet")
    founding, code = founding_roster(home), load_config(home).code
    target.mkdir(mode=0o700, parents=True)
    for name, tables in _STORES:
        copy_store(home / name, target / name, founding.network_id, code, tables)
    manifest = {
        "format": FORMAT,
        "network": founding.network_id.hex(),
        "code": code,
        "logs": _verified(target, founding, code),
        "sha256": {name: _digest(target / name / "data.mdb") for name, _ in _STORES},
    }
    write_durably(target / MANIFEST, json.dumps(manifest, indent=2).encode() + b"\n")
    sync_directory(target)
    return manifest


def restore(source: Path, home: Path) -> dict[str, Any]:
    """Verify a backup and put its stores into a home that has none; return its manifest.

    Raises:
        FormError: The home has a store already (move it aside by hand), or no signer's journal; or
            the backup has no manifest.
        ForeignError: The backup is of another network or participant.
        VerificationError: Its files are not those of its manifest.
        StoreError: It is damaged.
    """
    founding, code = founding_roster(home), load_config(home).code
    for name, _ in _STORES:
        if (home / name).exists():
            raise FormError(str(home / name), "no store there: move it aside, nothing is deleted")
    if not (home / "signer" / "state").exists():
        raise FormError(str(home / "signer"), "the signer's journal: it is in no backup")
    manifest = read_manifest(source)
    if (manifest["network"], manifest["code"]) != (founding.network_id.hex(), code):
        raise ForeignError(f"{source}: a backup of {manifest['code']} in another network or of it")
    for name, _ in _STORES:
        if _digest(source / name / "data.mdb") != manifest["sha256"].get(name):
            raise VerificationError(f"{source / name}: not the file that was backed up")
    if _verified(source, founding, code) != manifest["logs"]:
        raise VerificationError(f"{source}: the logs are not those of its manifest")
    for name, tables in reversed(_STORES):
        copy_store(source / name, home / name, founding.network_id, code, tables)
    return manifest


def read_manifest(source: Path) -> dict[str, Any]:
    """Return the manifest of a backup; raises FormError if there is none that can be read."""
    path = source / MANIFEST
    try:
        data = path.read_bytes()
        value = json.loads(data) if len(data) <= MAX_MANIFEST else None
    except (OSError, ValueError):
        value = None
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise FormError(str(path), f"the manifest of a backup ({FORMAT})")
    missing = {"network", "code", "logs", "sha256"} - value.keys()
    if missing or not isinstance(value["sha256"], dict):
        raise FormError(str(path), "network, code, logs and sha256", sorted(missing))
    return value


def _verified(folder: Path, founding: Roster, code: str) -> dict[str, dict[str, Any]]:
    # A doubtful file is first read in a process of its own; then everything is computed again.
    for name, tables in _STORES:
        check_in_child(folder / name, tables)
    store = LmdbStore.open(folder / "data", founding.network_id, code, readonly=True)
    try:
        with store.read() as reader:
            found = check_store(reader, founding)
            if found:
                raise DamageError(f"{folder}: {found[0].place}", found[0].expected, found[0].found)
            return _heads(reader, founding)
    finally:
        store.close()


def _heads(reader: Reader, founding: Roster) -> dict[str, dict[str, Any]]:
    roster = roster_at(reader, founding, applied_size(reader, CENTRE))
    heads = {}
    for code in roster.codes:
        key = log_key(code)
        size = log.size(reader, key)
        heads[code] = {"size": size, "root": tree.root_at(reader, key, size).hex()}
    return heads


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise FormError(str(path), "a readable file", error.strerror) from None
