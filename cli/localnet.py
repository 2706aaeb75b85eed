"""A whole network on this machine: homes founded in one folder, one process per node."""

import asyncio
import os
import signal
import socket
import sys
from dataclasses import dataclass, field
from pathlib import Path

from cli.trust import auditor_policy
from ledger.errors import UncheckableError
from ledger.keyfile import create_key
from node.config import CENTRE_AUTOMATIC, PROVINCE_AUTOMATIC, Config, load_config
from node.home import init, join
from node.orders import call
from node.socket import NAME
from settlement.party import CENTRE
from settlement.roster import make_genesis

READY_SECONDS = 120


def free_ports(count: int) -> list[int]:
    """Return ports on loopback that nobody listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for item in sockets:
            item.bind(("127.0.0.1", 0))
        return [int(item.getsockname()[1]) for item in sockets]
    finally:
        for item in sockets:
            item.close()


def found(
    folder: Path, codes: list[str], *, business_date: str = "system", automatic: bool = True
) -> None:
    """Found a network of the centre and `codes` in `folder`; writes the auditor's policy, too."""
    members = [CENTRE, *codes]
    ports = free_ports(len(members))
    urls = {c: f"http://127.0.0.1:{p}" for c, p in zip(members, ports, strict=True)}
    joining = []
    for code in members:
        acts = CENTRE_AUTOMATIC if code == CENTRE else PROVINCE_AUTOMATIC
        peers = {other: url for other, url in urls.items() if other != code}
        config = Config(code, urls[code], business_date, acts if automatic else frozenset(), peers)
        joining.append(init(folder / code, config))
    offline = folder / "governance"
    offline.mkdir(mode=0o700)
    keys = [create_key(offline / f"{n}.key", "governance") for n in (1, 2, 3)]
    genesis = make_genesis(2, keys, joining)
    (folder / "network.genesis").write_bytes(genesis)
    for code in members:
        join(folder / code, genesis)
    (folder / "auditor.policy").write_text(auditor_policy(genesis), encoding="utf-8")


@dataclass
class LocalNet:
    """The running processes of a founded network."""

    folder: Path
    ruleset: Path | None = None  # what a new centre puts into force; None: the default
    processes: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)

    def ports(self) -> dict[str, int]:
        """Return the port that each home is configured for."""
        homes = [path.parent for path in self.folder.glob("*/node.toml")]
        return {home.name: load_config(home).address[1] for home in homes}

    async def start(self, codes: list[str], *, recover: bool = False) -> None:
        """Start the nodes of `codes` and wait until each answers.

        Args:
            recover: Start them as `gongzhang node recover` does.

        Raises:
            UncheckableError: One ended, or did not answer in two minutes; its log is named.
        """
        for code in codes:
            await self._spawn(code, recover=recover)
        for code in codes:
            await self._ready(code)

    async def unlocked(self, codes: list[str]) -> None:
        """Wait until the nodes of `codes` may sign; enough of the others must run.

        Raises:
            UncheckableError: One did not come so far in two minutes.
        """
        for code in codes:
            for _ in range(READY_SECONDS * 20):
                status, value = await call(self.folder / code, "/healthz", method="GET")
                if status == 200 and not value["locked"]:
                    break
                await asyncio.sleep(0.05)
            else:
                raise UncheckableError(f"the node of {code} has not heard from enough others")

    async def stop(self) -> None:
        """Ask every node to end and wait until it has."""
        for process in self.processes.values():
            if process.returncode is None:
                process.terminate()
        for process in self.processes.values():
            await process.wait()
        self.processes.clear()

    def kill(self, code: str) -> None:
        """Kill one node without a word."""
        self.processes[code].send_signal(signal.SIGKILL)

    async def _spawn(self, code: str, *, recover: bool) -> None:
        home = self.folder / code
        (home / NAME).unlink(missing_ok=True)
        with (home / "node.log").open("ab") as log:
            self.processes[code] = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "node", str(home), *(["--recover"] if recover else []),
                *(["--ruleset", str(self.ruleset)] if self.ruleset else []),
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )  # fmt: skip

    async def _ready(self, code: str) -> None:
        path = self.folder / code / NAME
        for _ in range(READY_SECONDS * 20):
            if path.exists():
                return
            process = self.processes[code]
            if process.returncode is not None:
                ended = f"the node of {code} ended with {process.returncode}"
                raise UncheckableError(f"{ended}; see {path.parent}/node.log")
            await asyncio.sleep(0.05)
        raise UncheckableError(f"the node of {code} does not answer; see {path.parent}/node.log")
