"""A node's home made from logs in memory: for commands that only read and need no network."""

from pathlib import Path

from cli.trust import auditor_policy
from ledger.hashing import hash_bytes
from ledger.store import LmdbStore
from ledger.table import Writer
from node import heads
from node.config import Config, format_config
from node.vault import TABLES as VAULT_TABLES
from tests.network import Logs


def home_of(logs: Logs, folder: Path, code: str) -> tuple[Path, Path]:
    """Write the home of a node that holds these logs, all heads cosigned; return it and a policy.

    Without keys: nothing can be signed with it.
    """
    home = folder / code
    home.mkdir(parents=True)
    (home / "node.toml").write_text(
        format_config(Config(code, "http://127.0.0.1:1")), encoding="utf-8"
    )
    (home / "network.genesis").write_bytes(logs.roster.genesis)
    network = hash_bytes(logs.roster.genesis)
    LmdbStore.create(home / "vault", network, code, VAULT_TABLES).close()
    store = LmdbStore.create(home / "data", network, code)

    def fill(writer: Writer) -> None:
        for table, values in logs.store.snapshot().items():
            for key, value in values.items():
                writer.put(table, key, value)
        for member in logs.roster.codes:
            if logs.size(member):
                head = logs.head(member)
                known = heads.KnownHead(head.size, head.root, logs.checkpoint(member))
                heads.save(writer, member, known)

    store.transact(fill)
    store.close()
    policy = folder / "auditor.policy"
    policy.write_text(auditor_policy(logs.roster.genesis), encoding="utf-8")
    return home, policy
