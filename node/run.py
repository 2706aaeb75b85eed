"""Running a node: open the home, serve, and end cleanly on SIGTERM or SIGINT."""

import asyncio
import fcntl
import getpass
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from ledger.errors import (
    ForeignError,
    FormError,
    KeyFileError,
    LedgerError,
    RefusedError,
    StoreError,
)
from ledger.keyfile import is_sealed
from ledger.store import checking_command, checking_verdict
from ledger.table import TABLES
from node import logs
from node.client import Client
from node.config import split_url
from node.driver import Driver
from node.home import Opened, open_home
from node.hospital import TOKENS, Tokens
from node.server import Server, listen
from node.socket import NAME, short_path
from node.vault import TABLES as VAULT_TABLES
from settlement import shipped

EXIT_OK, EXIT_USAGE, EXIT_UNCHECKED, EXIT_DAMAGED = 0, 2, 3, 4


def ask_passphrase(home: Path) -> bytes | None:
    """Return the passphrase of a home's key files, or None if they are not sealed.

    Taken from a systemd credential named `passphrase`, else asked for on the terminal; never from
    the command line or the environment's values.
    """
    return ask_for_key(home / "keys" / "entry.key")


def ask_for_key(path: Path) -> bytes | None:
    """Return the passphrase of one key file, or None if it is not sealed."""
    if not is_sealed(path):
        return None
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if folder and (Path(folder) / "passphrase").exists():
        return (Path(folder) / "passphrase").read_bytes().rstrip(b"\n")
    return getpass.getpass(f"passphrase of {path}: ").encode()


def default_ruleset() -> bytes:
    """Return the rule set a new centre puts into force unless it is told another one."""
    return shipped.ruleset()


def run_home(home: Path, ruleset: Path | None = None, *, recover: bool = False) -> int:
    """Run the node of a home; return the exit code. `recover`: see `home.open_home`."""
    logs.configure()
    try:
        lock = _lock(home)
        text = ruleset.read_bytes() if ruleset else default_ruleset()
        opened = open_home(home, lambda: ask_passphrase(home), text, recover=recover)
    except (FormError, KeyFileError, RefusedError) as error:
        return _refuse(error, EXIT_USAGE)
    except StoreError as error:
        return _refuse(error, EXIT_DAMAGED)
    except OSError as error:
        return _refuse(FormError(str(home), "a readable home", error), EXIT_USAGE)
    try:
        return asyncio.run(_serve(home, opened))
    finally:
        opened.close()
        os.close(lock)


def _lock(home: Path) -> int:
    # Two processes with one key would fork the log; the lock goes when the process goes.
    if not home.is_dir():
        raise FormError(str(home), "a node's home (see `gongzhang node init`)")
    handle = os.open(home / "run.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise ForeignError(f"{home}: a node is already running here") from None
    return handle


async def _serve(home: Path, opened: Opened) -> int:
    role, config = opened.role, opened.config
    client = Client(role, config.peers)
    driver = Driver(role, client.send)
    server = Server(driver, opened.store, config.code)
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, driver.stop)
    socket = home / NAME
    socket.unlink(missing_ok=True)
    runners = []
    try:
        runners.append(await listen(server.public(), address=config.address))
        if config.hospitals:
            door = server.hospitals(Tokens(home / TOKENS))
            address = split_url(config.hospitals, "node.toml hospitals")
            runners.append(await listen(door, address=address))
        mask = os.umask(0o177)  # the socket is the operators' door: nobody else's
        try:
            with short_path(home) as path:
                runners.append(await listen(server.operators(), socket=path))
        finally:
            os.umask(mask)
        sys.stderr.write(f"{config.code} running at {config.url}, process {os.getpid()}\n")
        sys.stderr.flush()
        scrubbing = asyncio.create_task(_scrub(opened, driver))
        await driver.run()
        scrubbing.cancel()
        await asyncio.wait([scrubbing])
    except OSError as error:
        return _refuse(
            FormError("url", f"an address that is free: {config.url}", error), EXIT_USAGE
        )
    finally:
        for runner in runners:
            await runner.cleanup()
        await client.close()
        socket.unlink(missing_ok=True)
    return EXIT_DAMAGED if driver.fatal else EXIT_OK


async def _scrub(opened: Opened, driver: Driver) -> None:
    # Whatever is served is checked as it is read; this finds damage nobody has asked for yet.
    if not opened.had_entries:
        return
    try:
        for path, tables in ((opened.store.path, TABLES), (opened.vault_store.path, VAULT_TABLES)):
            await _check(path, tables)
    except StoreError as error:
        driver.fail(error)


async def _check(path: Path, tables: Sequence[str]) -> None:
    child = await asyncio.create_subprocess_exec(
        *checking_command(path, tables),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for the node; a killed check would look like damage
    )
    try:
        printed, _ = await child.communicate()
    except asyncio.CancelledError:  # the node stops: do not wait for the rest
        child.kill()
        await child.wait()
        raise
    checking_verdict(path, child.returncode or 0, printed)


def _refuse(error: LedgerError, code: int) -> int:
    sys.stderr.write(f"{error.code}: {error}\n")
    return code
