"""A network through its lifetime, by the commands its operators type: rotation, backup, theft."""

import asyncio
import csv
import io
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from cli.localnet import LocalNet, found
from ledger import log
from ledger.store import LmdbStore
from ledger.table import log_key
from settlement.party import CENTRE
from tests.commands import as_json, gongzhang
from tests.network import QINGHAI, SICHUAN, TIBET, case_row

CODES = [SICHUAN, TIBET, QINGHAI]
ALL = [CENTRE, *CODES]
PATIENCE_SECONDS = 60


class Network:
    """Real nodes and the folder they live in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.net = LocalNet(folder)

    def home(self, code: str) -> Path:
        return self.folder / code

    async def run(self, *words: object) -> Any:
        """Run a command that must succeed."""
        done = await asyncio.to_thread(gongzhang, *words)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done

    async def record(self, *ids: str) -> None:
        """Let Sichuan record cases by the file an operator would import."""
        path = self.folder / f"{ids[0]}.csv"
        rows = [case_row(setl_id=name)._asdict() for name in ids]
        text = io.StringIO()
        writer = csv.DictWriter(text, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
        path.write_text(text.getvalue(), encoding="utf-8")
        await self.run("entry", "import", path, "--home", self.home(SICHUAN))

    async def restart(self, code: str) -> None:
        process = self.net.processes[code]
        process.terminate()
        assert await process.wait() == 0
        await self.net.start([code])
        await self.net.unlocked([code])

    def size(self, at: str, code: str = SICHUAN) -> int:
        store = LmdbStore.open(self.home(at) / "data", readonly=True)
        try:
            with store.read() as reader:
                return log.size(reader, log_key(code))
        finally:
            store.close()

    async def agreed(self, size: int | None = None) -> None:
        """Wait until everybody holds Sichuan's log as Sichuan does, and it is cosigned."""
        for _ in range(PATIENCE_SECONDS * 5):
            want = self.size(SICHUAN) if size is None else size
            shown = await asyncio.to_thread(
                as_json, "log", "show", "--home", self.home(QINGHAI), "--log", SICHUAN
            )
            if shown["cosigned"] == want and {self.size(at) for at in ALL} == {want}:
                return
            await asyncio.sleep(0.2)
        raise AssertionError(f"not everybody holds {want} entries")

    async def verified(self, policy: Path | None = None) -> dict[str, Any]:
        """Audit every home; all must be verified."""
        found = {}
        for code in ALL:
            found = await asyncio.to_thread(
                as_json, "audit", "verify", self.home(code),
                "--policy", policy or self.folder / "auditor.policy",
            )  # fmt: skip
            assert found["ok"], (code, found["findings"])
        return found


@pytest_asyncio.fixture
async def network(tmp_path: Path) -> AsyncIterator[Network]:
    found(tmp_path / "net", CODES)
    network = Network(tmp_path / "net")
    try:
        await network.net.start(ALL)
        await network.net.unlocked(ALL)
        yield network
    finally:
        await network.net.stop()


async def test_keys_are_rotated_one_after_the_other_while_the_network_goes_on(
    network: Network,
) -> None:
    await network.record("A1")
    home = network.home(SICHUAN)
    before = as_json("key", "show", "--home", home)["keys"]
    for purpose in ("entry", "checkpoint", "witness", "transport"):
        await network.run("key", "rotate", "--purpose", purpose, "--home", home)
    again = gongzhang("key", "rotate", "--purpose", "entry", "--home", home)
    assert again.returncode == 2  # one at a time
    assert {k["state"] for k in as_json("key", "show", "--home", home)["keys"]} == {
        "counts",
        "next",
    }
    await network.restart(SICHUAN)
    await network.record("A2")
    await network.agreed()
    after = as_json("key", "show", "--home", home)["keys"]
    assert sorted(k["state"] for k in after) == ["counts"] * 4 + ["past"] * 4
    assert {k["key"] for k in before} == {k["key"] for k in after if k["state"] == "past"}
    await network.restart(SICHUAN)  # retires the old files
    assert sorted(p.name for p in (home / "keys").iterdir()) == [
        "checkpoint.key", "entry.key", "transport.key", "vault.key", "witness.key",
    ]  # fmt: skip
    await network.record("A3")
    await network.agreed()
    # The policy of the founding knows Sichuan's first witness key: it may be one short by now.
    first = gongzhang("audit", "verify", home, "--policy", network.folder / "auditor.policy")
    assert first.returncode in (0, 3), first.stdout
    renewed = network.folder / "renewed.policy"
    printed = await network.run("roster", "policy", "--home", network.home(QINGHAI))
    renewed.write_text(printed.stdout, encoding="utf-8")
    await network.verified(renewed)


async def test_last_weeks_backup_on_a_live_network_forks_nothing(network: Network) -> None:
    await network.record("A1", "A2")
    await network.agreed()
    home, copy = network.home(SICHUAN), network.folder / "backup"
    made = await asyncio.to_thread(as_json, "node", "backup", copy, "--home", home)
    assert made["logs"][SICHUAN]["size"] == network.size(SICHUAN)
    await network.record("B1", "B2", "B3")
    await network.agreed()
    size = network.size(SICHUAN)
    network.net.kill(SICHUAN)
    await network.net.processes[SICHUAN].wait()
    refused = gongzhang("node", "restore", copy, "--home", home)
    assert refused.returncode == 2  # nothing is overwritten
    for name in ("data", "vault"):
        shutil.move(home / name, network.folder / f"damaged-{name}")
    await network.run("node", "restore", copy, "--home", home)
    assert network.size(SICHUAN) == made["logs"][SICHUAN]["size"]
    stopped = await asyncio.to_thread(gongzhang, "node", "run", "--home", home)
    assert stopped.returncode == 4  # the journal is ahead: that is for `recover`
    assert "REWOUND" in stopped.stderr
    await network.net.start([SICHUAN], recover=True)
    await network.net.unlocked([SICHUAN])
    await network.agreed(size + 1)  # all of it is back, and a Restore entry says so
    await network.record("C1")
    await network.agreed()
    await network.verified()


async def test_a_backup_that_was_touched_is_not_restored(network: Network) -> None:
    await network.record("A1")
    home, copy = network.home(SICHUAN), network.folder / "backup"
    await network.run("node", "backup", copy, "--home", home)
    await network.net.stop()
    for name in ("data", "vault"):
        shutil.move(home / name, network.folder / f"away-{name}")
    file = copy / "data" / "data.mdb"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    assert gongzhang("node", "restore", copy, "--home", home).returncode in (1, 4)
    assert not (home / "data").exists()
    other = gongzhang("node", "restore", copy, "--home", network.home(TIBET))
    assert other.returncode == 2
    shutil.move(network.home(TIBET) / "data", network.folder / "away-tibet")
    shutil.move(network.home(TIBET) / "vault", network.folder / "away-tibet-vault")
    assert gongzhang("node", "restore", copy, "--home", network.home(TIBET)).returncode == 4
    assert gongzhang("node", "restore", home, "--home", home).returncode == 2


async def test_stolen_keys_end_in_a_freeze_and_a_second_generation(network: Network) -> None:
    await network.record("A1", "A2")
    await network.agreed()
    folder, old = network.folder, network.home(SICHUAN)
    policy = folder / "auditor.policy"
    before, report = folder / "before", folder / "report.json"
    await network.run("log", "export", before, "--home", network.home(QINGHAI))
    await network.run("audit", "verify", before, "--policy", policy, "--report", report)
    governors = [word for n in (1, 2) for word in ("--key", folder / "governance" / f"{n}.key")]
    one = gongzhang(
        "roster", "freeze", SICHUAN, "--home", network.home(CENTRE), *governors[:2], "--reason", "x"
    )
    assert one.returncode == 1  # two of three must sign
    await network.run(
        "roster", "freeze", SICHUAN, "--home", network.home(CENTRE), *governors,
        "--reason", "the keys were copied from a stolen disk",
    )  # fmt: skip
    size = network.size(QINGHAI)
    for _ in range(100):
        status = as_json("status", "--home", network.home(QINGHAI))
        if any(d["what"] == "frozen" for d in status["duties"]):
            break
        await asyncio.sleep(0.1)
    else:
        raise AssertionError("the freeze has not arrived")
    network.net.kill(SICHUAN)
    await network.net.processes[SICHUAN].wait()
    url = f"http://127.0.0.1:{network.net.ports()[SICHUAN]}"
    shutil.move(old, folder / "stolen")
    join = folder / "new.join"
    await network.run("node", "init", SICHUAN, "--home", old, "--url", url, "--out", join)
    await network.run(
        "roster", "admit", join, "--home", network.home(CENTRE), *governors,
        "--out", folder / "new.admission",
    )  # fmt: skip
    peers = folder / "peers.toml"
    text = (folder / "stolen" / "node.toml").read_text(encoding="utf-8")
    peers.write_text(text[text.index("[peers]") :], encoding="utf-8")
    await network.run(
        "node", "join", folder / "network.genesis", "--home", old, "--peers", peers,
        "--admission", folder / "new.admission", "--vault", folder / "stolen" / "vault",
    )  # fmt: skip
    await network.net.start([SICHUAN])
    await network.net.unlocked([SICHUAN])
    await network.record("B1")
    await network.agreed(size + 2)  # what was there, the continuation, and B1
    shown = as_json("log", "show", "--home", old)
    assert [e["kind"] for e in shown["entries"]][size:] == ["Continuation", "Settlement"]
    found = await network.verified()
    assert found["heads"][SICHUAN]["size"] == size + 2
    assert gongzhang("log", "fsck", "--home", network.home(QINGHAI)).returncode == 0
    # What auditors had before still fits what they see now.
    await network.run("audit", "compare", before, network.home(QINGHAI), "--policy", policy)
    await network.run("audit", "compare", network.home(QINGHAI), before, "--policy", policy)
    known = await asyncio.to_thread(
        as_json, "audit", "verify", network.home(QINGHAI), "--policy", policy, "--since", report
    )
    assert known["ok"], known["findings"]
    assert known["entries_known"] > 0
    url = f"http://127.0.0.1:{network.net.ports()[QINGHAI]}"
    await network.run("audit", "clone", url, before, "--policy", policy)
    await network.run("audit", "verify", before, "--policy", policy)
