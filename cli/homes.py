"""Reading a node's home from the command line: works whether the node runs or not."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from ledger.errors import FormError
from ledger.keyfile import load_key
from ledger.store import LmdbStore
from ledger.table import Reader
from node.config import Config, load_config
from node.home import VAULT_KEY, founding_roster
from node.run import ask_for_key
from node.sealed import SealedStore
from node.vault import TABLES as VAULT_TABLES
from node.vault import Vault
from settlement.lookup import applied_size
from settlement.membership import roster_at
from settlement.party import CENTRE
from settlement.period import check_month
from settlement.roster import Roster

Home = Annotated[Path, typer.Option("--home", help="the node's home", envvar="GONGZHANG_HOME")]
Json = Annotated[bool, typer.Option("--json", help="print one JSON object")]


def _month(text: str) -> str:
    try:
        return check_month(text)
    except FormError as error:
        raise typer.BadParameter(str(error)) from None


Month = Annotated[str, typer.Argument(help="YYYY-MM", callback=_month)]


@dataclass
class OpenHome:
    """A home opened for reading."""

    path: Path
    config: Config
    founding: Roster
    roster: Roster
    reader: Reader
    vault: Vault


@contextmanager
def open_home(path: Path) -> Iterator[OpenHome]:
    """Yield a home whose store is open for reading.

    Raises:
        FormError: No home, or one that has not joined a network.
        StoreError: The store is damaged or another node's.
    """
    config = load_config(path)
    founding = founding_roster(path)
    store = LmdbStore.open(path / "data", founding.network_id, config.code, readonly=True)
    vault = LmdbStore.open(
        path / "vault", founding.network_id, config.code, VAULT_TABLES, readonly=True
    )
    try:
        with store.read() as reader:
            roster = roster_at(reader, founding, applied_size(reader, CENTRE))
            yield OpenHome(path, config, founding, roster, reader, Vault(vault))
    finally:
        store.close()
        vault.close()


@contextmanager
def open_register(path: Path) -> Iterator[tuple[OpenHome, Reader]]:
    """Yield a home and its opened vault, for reading; the key's passphrase may be asked for.

    Raises:
        FormError, StoreError: See `open_home`.
        KeyFileError: The vault's key cannot be used.
    """
    key = path / "keys" / VAULT_KEY
    with open_home(path) as opened:
        seed = load_key(key, "vault", passphrase=ask_for_key(key))
        with SealedStore(opened.vault.store, seed).read() as vault:
            yield opened, vault
