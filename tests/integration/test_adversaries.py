"""Real nodes against somebody who cheats with real keys: it always ends in evidence that convicts.

The cheat's own node is stopped; the test speaks for it over HTTP, with its secrets.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest_asyncio
from msgspec.structs import replace

from ledger import log, tree
from ledger.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from ledger.cosignature import cosign, merge_signatures, witness_name
from ledger.entry import make_entry
from ledger.memory import MemoryStore
from ledger.note import NoteSignature, parse_signature
from ledger.store import LmdbStore
from ledger.table import log_key
from node import peerauth
from node.addcheckpoint import format_request
from node.clock import wall_ms
from node.config import load_config
from node.home import founding_roster, load_keys
from node.message import Message, Offer, TellHead
from settlement import state
from settlement.lookup import entry_at
from settlement.party import CENTRE
from settlement.record import Proposal, Record
from tests.commands import as_json, gongzhang
from tests.integration.test_lifetime import Network
from tests.network import QINGHAI, SICHUAN, TIBET, settlement

PATIENCE_SECONDS = 60


@pytest_asyncio.fixture
async def network(tmp_path: Path) -> AsyncIterator[Network]:
    from cli.localnet import found

    found(tmp_path / "net", [SICHUAN, TIBET, QINGHAI])
    network = Network(tmp_path / "net")
    try:
        await network.net.start([CENTRE, SICHUAN, TIBET, QINGHAI])
        await network.net.unlocked([CENTRE, SICHUAN, TIBET, QINGHAI])
        yield network
    finally:
        await network.net.stop()


class Cheat:
    """Whoever has a province's secrets, and one of the logs it tells of."""

    def __init__(self, network: Network, code: str = SICHUAN) -> None:
        self.network, self.code = network, code
        home = network.home(code)
        self.keys, self.roster = load_keys(home, lambda: None), founding_roster(home)
        self.origin = self.roster.origin(code)
        self.store = MemoryStore()
        opened = LmdbStore.open(home / "data", readonly=True)
        with opened.read() as reader:
            size = log.size(reader, log_key(code))
            self.add(*log.leaves(reader, log_key(code), 0, size))
        opened.close()

    @property
    def size(self) -> int:
        return log.size(self.store, log_key(self.code))

    def add(self, *leaves: bytes) -> list[bytes]:
        self.store.transact(lambda w: log.append(w, log_key(self.code), list(leaves), self.size))
        return list(leaves)

    def say(self, *records: Record) -> list[bytes]:
        """Add signed entries to this face of the log."""
        network = self.roster.network_id
        return self.add(
            *(
                make_entry(
                    self.keys.entry, network, self.origin, index, record.kind, 1, record.encode()
                )
                for index, record in enumerate(records, self.size)
            )
        )

    def note(self) -> bytes:
        root = tree.root_at(self.store, log_key(self.code), self.size)
        return sign_checkpoint(Checkpoint(self.origin, self.size, root), self.keys.checkpoint)

    async def send(self, to: str, message: Message) -> tuple[int, bytes]:
        url = load_config(self.network.home(to)).url + message.path
        body = message.encode()
        header = peerauth.header(
            self.roster, self.keys.transport, self.code, to, message.path, wall_ms(), body
        )
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, data=body, headers={peerauth.HEADER: header}) as response,
        ):
            return response.status, await response.read()

    async def offer(self, to: str, old: int, leaves: list[bytes]) -> tuple[int, bytes]:
        """Offer this face to a witness that has cosigned `old`."""
        proof = tree.consistency_proof(self.store, log_key(self.code), old, self.size)
        return await self.send(to, Offer(format_request(old, proof, self.note()), leaves))


async def stopped(network: Network, *codes: str) -> None:
    for code in codes:
        network.net.processes[code].terminate()
        await network.net.processes[code].wait()


async def evidence(network: Network, at: str, against: str) -> list[Path]:
    """Wait until a node holds evidence; return the files it writes."""
    folder = network.folder / f"evidence-{at}"
    for _ in range(PATIENCE_SECONDS):
        done = await asyncio.to_thread(
            as_json, "log", "evidence", folder, "--home", network.home(at), "--log", against
        )
        if done["evidence"]:
            return [Path(path) for path in done["evidence"]]
        await asyncio.sleep(0.2)
    raise AssertionError(f"{at} has no evidence against {against}")


async def convicted(network: Network, against: str, *at: str) -> dict[str, Any]:
    """Check that nodes hold evidence and the halt, and that it convicts with a policy alone."""
    verdict: dict[str, Any] = {}
    for code in at:
        for path in await evidence(network, code, against):
            given = ("audit", "evidence", path, "--policy", network.folder / "auditor.policy")
            assert (await asyncio.to_thread(gongzhang, *given)).returncode == 4
            verdict = await asyncio.to_thread(as_json, *given)
            assert verdict["log"] == against
        status = await asyncio.to_thread(as_json, "status", "--home", network.home(code))
        assert "evidence" in {duty["what"] for duty in status["duties"]}
    return verdict


async def test_a_forked_province_is_convicted_at_every_node(network: Network) -> None:
    await network.record("A1")
    await network.agreed()
    await stopped(network, SICHUAN)
    one, two = Cheat(network), Cheat(network)
    old = one.size
    assert (await one.offer(QINGHAI, old, one.say(settlement("X1", 5))))[0] == 200
    assert (await two.offer(TIBET, old, two.say(settlement("X2", 7))))[0] == 200
    # Tibet's copy meets the other face: the forked log itself tells everybody.
    status, _ = await two.offer(QINGHAI, old + 1, [])
    assert status in (403, 422)
    verdict = await convicted(network, SICHUAN, CENTRE, TIBET, QINGHAI)
    assert verdict["kind"] == "two-heads"


async def test_a_fork_that_shows_larger_heads_only_is_convicted(network: Network) -> None:
    await network.record("A1")
    await network.agreed()
    await stopped(network, SICHUAN)
    one, two = Cheat(network), Cheat(network)
    old = one.size
    assert (await one.offer(QINGHAI, old, one.say(settlement("X1", 5))))[0] == 200
    longer = two.say(*(settlement(f"Y{n}", 7) for n in range(5)))
    assert (await two.offer(TIBET, old, longer))[0] == 200
    status, _ = await two.offer(QINGHAI, old + 1, [])
    assert status == 422
    verdict = await convicted(network, SICHUAN, CENTRE, TIBET, QINGHAI)
    assert verdict["kind"] == "rewritten"


async def test_a_centre_that_proposes_twice_is_convicted(network: Network) -> None:
    await network.record("A1")
    await network.agreed()
    await network.run("batch", "close", "2017-03", "--home", network.home(CENTRE))
    await stopped(network, CENTRE)
    home = network.home(CENTRE)
    keys, roster = load_keys(home, lambda: None), founding_roster(home)
    store = LmdbStore.open(home / "data", roster.network_id, CENTRE)

    def twice(writer: Any) -> None:
        size = log.size(writer, log_key(CENTRE))
        records = [entry_at(writer, CENTRE, index)[1] for index in range(size)]
        first = next(record for record in records if isinstance(record, Proposal))
        other = replace(first, result_hash=bytes(32))
        leaf = make_entry(
            keys.entry, roster.network_id, roster.origin(CENTRE), size, 50, 1, other.encode()
        )
        log.append(writer, log_key(CENTRE), [leaf], size)
        assert state.apply(writer, roster, CENTRE, [leaf]) == ["DUPLICATE"]

    store.transact(twice)
    store.close()
    await network.net.start([CENTRE])
    verdict = await convicted(network, CENTRE, SICHUAN, TIBET, QINGHAI)
    assert verdict["kind"] == "two-entries"


async def test_a_lying_witness_is_named_by_the_evidence(network: Network) -> None:
    await network.record("A1")
    await network.agreed()
    await stopped(network, SICHUAN, TIBET)
    one, two, liar = Cheat(network), Cheat(network), Cheat(network, TIBET)
    old = one.size
    for face, fen, honest in ((one, 5, QINGHAI), (two, 7, CENTRE)):
        status, line = await face.offer(honest, old, face.say(settlement("X1", fen)))
        assert status == 200
        note = merge_signatures(face.note(), [_line(line), _cosigned(face, liar)])
        assert (await face.send(honest, TellHead(note)))[0] == 200
    # Both faces have their quorum now. The month brings them together.
    await network.net.start([TIBET])
    await network.net.unlocked([TIBET])
    await network.run("batch", "close", "2017-03", "--home", network.home(CENTRE))
    verdict = await convicted(network, SICHUAN, QINGHAI, CENTRE)
    assert verdict["kind"] == "two-heads"
    assert verdict["cosigners"] == [TIBET]
    out = network.folder / "compared"
    given = [network.home(QINGHAI), network.home(CENTRE), "--policy"]
    found = gongzhang("audit", "compare", *given, network.folder / "auditor.policy", "--out", out)
    assert found.returncode == 4


def _line(body: bytes) -> NoteSignature:
    return parse_signature(body.decode("utf-8").splitlines()[0])


def _cosigned(face: Cheat, liar: Cheat) -> NoteSignature:
    key = face.roster.members[SICHUAN].checkpoint_key
    text = open_checkpoint(face.note(), face.origin, key).note.text
    return cosign(text, witness_name(liar.origin), liar.keys.witness, 1)
