"""Homes for crash tests: Sichuan's, whose node writes, and Qinghai's, whose keys are borrowed."""

from pathlib import Path

from ledger.signature import public_key
from node.config import Config
from node.home import init, join
from settlement.party import CENTRE
from settlement.roster import make_genesis
from tests.network import QINGHAI, SICHUAN, TIBET, seed


def founded(folder: Path) -> tuple[Path, Path]:
    """Return Sichuan's home and Qinghai's, founded in `folder`."""
    codes = (CENTRE, SICHUAN, TIBET, QINGHAI)
    members = [init(folder / code, Config(code, "http://127.0.0.1:1")) for code in codes]
    genesis = make_genesis(1, [public_key(seed("governance", "1"))], members)
    join(folder / SICHUAN, genesis)
    return folder / SICHUAN, folder / QINGHAI
