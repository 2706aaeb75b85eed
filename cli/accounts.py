"""The accounts file of a treasury: `accounts.csv` in the node's home, or one that is named."""

from pathlib import Path
from typing import Annotated

import typer

from ledger.errors import FormError
from settlement.account import Account, parse_accounts

NAME = "accounts.csv"

Accounts = Annotated[
    Path | None,
    typer.Option("--accounts", help="the accounts file (default: accounts.csv in the home)"),
]  # fmt: skip


def load_accounts(home: Path, path: Path | None, *, needed: bool = False) -> dict[str, Account]:
    """Return the accounts by participant; none if there is no file and none is needed.

    Raises:
        FormError: The file that is named or needed is not there, or has a fault.
    """
    chosen = path or home / NAME
    if path is None and not needed and not chosen.exists():
        return {}
    try:
        return parse_accounts(chosen.read_bytes())
    except OSError as error:
        raise FormError(
            str(chosen), "an accounts file (code,name,account,bank,bic,cnaps)", error.strerror
        ) from None
