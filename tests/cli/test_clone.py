"""An auditor mirrors a node over HTTP and verifies what came, without believing the node."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from cli.localnet import LocalNet, free_ports
from tests.cleared import Cleared
from tests.cli.test_commands import _url
from tests.commands import as_json, gongzhang

SICHUAN, QINGHAI = "510000", "630000"


class Host:
    """A plain file server, as anybody could run one; it can be told to lie."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lies: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.url = f"http://127.0.0.1:{free_ports(1)[0]}"

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/log/{path:.+}", self._serve)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        port = int(self.url.rsplit(":", 1)[1])
        await web.TCPSite(self._runner, "127.0.0.1", port).start()

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _serve(self, request: web.Request) -> web.Response:
        place = request.match_info["path"]
        self.asked.append(place)
        if place in self.lies:
            return web.Response(body=self.lies[place])
        path = self.folder / place
        if not path.is_file():
            return web.Response(status=404)
        return web.Response(body=path.read_bytes())


@pytest.fixture
async def host(cleared: Cleared, tmp_path: Path) -> AsyncIterator[Host]:
    folder = tmp_path / "hosted"
    done = gongzhang("log", "export", folder, "--home", cleared.home / QINGHAI)
    assert done.returncode == 0, done.stderr
    host = Host(folder)
    await host.start()
    yield host
    await host.stop()


async def clone(host: Host | str, target: Path, policy: Path) -> tuple[int, Any]:
    url = host if isinstance(host, str) else host.url
    command = ["audit", "clone", url, target, "--policy", policy, "--json"]
    done = await asyncio.to_thread(gongzhang, *command)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout + done.stderr


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


async def test_a_clone_is_the_export_byte_for_byte_and_can_be_audited(
    host: Host, cleared: Cleared, tmp_path: Path
) -> None:
    target = tmp_path / "clone"
    code, text = await clone(host, target, cleared.policy)
    assert code == 0, text
    assert files(target) == files(host.folder)
    report = as_json("audit", "verify", target, "--policy", cleared.policy)
    assert (report["ok"], report["logs"]) == (True, 4)


async def test_a_running_node_can_be_cloned_and_a_second_time_little_is_fetched(
    cleared: Cleared, tmp_path: Path
) -> None:
    folder, target = tmp_path / "net", tmp_path / "clone"
    shutil.copytree(cleared.home, folder, ignore=shutil.ignore_patterns("*.sock", "node.log"))
    net = LocalNet(folder)
    await net.start([QINGHAI])
    try:
        url = _url(folder / QINGHAI)
        code, text = await clone(url, target, cleared.policy)
        assert code == 0, text
        before = files(target)
        code, text = await clone(url, target, cleared.policy)
        assert code == 0, text
        assert files(target) == before
    finally:
        await net.stop()


async def test_a_clone_that_broke_off_goes_on(host: Host, cleared: Cleared, tmp_path: Path) -> None:
    target = tmp_path / "clone"
    bundle = sorted(p for p in files(host.folder) if p.startswith(f"{SICHUAN}/tile/entries"))[-1]
    (host.folder / bundle).rename(tmp_path / "away")
    code, text = await clone(host, target, cleared.policy)
    assert code == 3, text
    assert not (target / SICHUAN / "checkpoint").exists()  # never complete in appearance only
    (tmp_path / "away").rename(host.folder / bundle)
    code, text = await clone(host, target, cleared.policy)
    assert code == 0, text
    assert files(target) == files(host.folder)


async def test_a_host_that_lies_is_found_out(host: Host, cleared: Cleared, tmp_path: Path) -> None:
    bundles = [p for p in files(host.folder) if p.startswith(f"{SICHUAN}/tile/entries")]
    whole = (host.folder / bundles[0]).read_bytes()
    checkpoint = (host.folder / SICHUAN / "checkpoint").read_bytes()
    for number, (place, lie, expected) in enumerate(
        [
            (bundles[0], whole[:-1] + bytes([whole[-1] ^ 1]), 1),
            (bundles[0], whole[:-5], 1),
            (bundles[0], b"", 1),
            (f"{SICHUAN}/checkpoint", checkpoint.replace(b"\n\n", b"\nmore\n\n", 1), 1),
            (f"{SICHUAN}/checkpoint", checkpoint.split(b"\n\n")[0] + b"\n\n", 1),
            (f"{SICHUAN}/checkpoint", b"x" * 100_000, 3),
        ]
    ):
        host.lies = {place: lie}
        code, text = await clone(host, tmp_path / str(number), cleared.policy)
        assert code == expected, (number, text)
        assert not (tmp_path / str(number) / SICHUAN / "checkpoint").exists()


async def test_what_was_mirrored_before_is_not_taken_back(
    host: Host, cleared: Cleared, tmp_path: Path
) -> None:
    target = tmp_path / "clone"
    await clone(host, target, cleared.policy)
    checkpoint = target / SICHUAN / "checkpoint"
    origin, size, rest = checkpoint.read_bytes().split(b"\n", 2)
    checkpoint.write_bytes(b"\n".join([origin, b"%d" % (int(size) + 9), rest]))
    code, text = await clone(host, target, cleared.policy)
    assert code == 1
    assert "before" in text


async def test_nobody_there_and_a_wrong_address(cleared: Cleared, tmp_path: Path) -> None:
    nobody = f"http://127.0.0.1:{free_ports(1)[0]}"
    assert (await clone(nobody, tmp_path / "a", cleared.policy))[0] == 3
    assert (await clone("ftp://x", tmp_path / "b", cleared.policy))[0] == 2
