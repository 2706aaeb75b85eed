"""Logs outside the network: cosigned under another name, with the specification's meaning alone."""

import pytest

from ledger import log, tree
from ledger.checkpoint import Checkpoint, format_checkpoint, sign_checkpoint
from ledger.cosignature import verify_cosignature
from ledger.hashing import hash_bytes
from ledger.memory import MemoryStore
from ledger.note import (
    COSIGNATURE,
    ED25519,
    Note,
    format_note,
    parse_note,
    parse_signature,
    sign_note,
    verifier_key,
)
from ledger.signature import public_key
from ledger.table import log_key
from node.addcheckpoint import format_request
from node.message import AddCheckpoint, Answer
from node.simulation.world import World
from node.witness import Foreign
from tests.network import QINGHAI
from tests.node.test_witness import ask
from tests.node.world import quiet, settled

ORIGIN, NAME = "log.example.org/one", "witness.example.cn/630000"
SEED, WITNESS_SEED = bytes(range(32)), bytes(range(32, 64))
KEY = log_key("outer1")


class Outside:
    """A log that knows nothing of this network."""

    def __init__(self) -> None:
        self.store = MemoryStore()

    def grow(self, *leaves: bytes) -> None:
        size = log.size(self.store, KEY)
        self.store.transact(lambda writer: log.append(writer, KEY, list(leaves), size))

    def note(self, extension: str = "", seed: bytes = SEED) -> bytes:
        size = log.size(self.store, KEY)
        point = Checkpoint(ORIGIN, size, tree.root_at(self.store, KEY, size))
        text = format_checkpoint(point) + extension
        return format_note(Note(text, (sign_note(text, ORIGIN, seed),)))

    def proof(self, old: int) -> list[bytes]:
        return tree.consistency_proof(self.store, KEY, old, log.size(self.store, KEY))


@pytest.fixture
def world() -> World:
    """Return a world in which Qinghai witnesses a foreign log."""
    world = quiet()
    listen(world)
    return world


def listen(world: World) -> None:
    role = world.nodes[QINGHAI].role
    assert role is not None
    logs = {ORIGIN: verifier_key(ORIGIN, ED25519, public_key(SEED))}
    role.witness.foreign = Foreign(NAME, WITNESS_SEED, logs)


def add(world: World, old: int, proof: list[bytes], note: bytes) -> Answer:
    answer = ask(world, AddCheckpoint(format_request(old, proof, note)))
    assert answer is not None
    return answer


def holds(answer: Answer, note: bytes) -> int:
    key = verifier_key(NAME, COSIGNATURE, public_key(WITNESS_SEED))
    line = parse_signature(answer.body.decode("utf-8").splitlines()[0])
    return verify_cosignature(parse_note(note).text, key, line)


def test_a_foreign_head_is_cosigned_under_the_other_key(world: World) -> None:
    outside = Outside()
    outside.grow(b"one", b"two", b"three")
    answer = add(world, 0, [], outside.note())
    assert answer.status == 200
    first = holds(answer, outside.note())
    outside.grow(b"four")
    answer = add(world, 3, outside.proof(3), outside.note("an extension line\n"))
    assert answer.status == 200
    assert holds(answer, outside.note("an extension line\n")) >= first


def test_every_wrong_request_gets_the_answer_of_the_specification(world: World) -> None:
    outside, fork = Outside(), Outside()
    outside.grow(b"one", b"two", b"three")
    fork.grow(b"one", b"two", b"other", b"more")
    assert add(world, 0, [], outside.note(seed=bytes(32))).status == 403
    assert add(world, 9, [], outside.note()).status == 400
    assert add(world, 1, outside.proof(1), outside.note()) == Answer(409, b"0\n")
    assert add(world, 0, [bytes(32)], outside.note()).status == 422
    assert add(world, 0, [], outside.note()).status == 200
    assert add(world, 3, fork.proof(3), fork.note()).status == 422
    assert add(world, 0, [], fork.note()) == Answer(409, b"3\n")
    assert add(world, 3, [], outside.note("\n")).status == 400
    assert add(world, 3, [], outside.note()).status == 200  # again: the time is refreshed
    other = sign_checkpoint(Checkpoint("log.example.org/two", 1, bytes(32)), SEED)
    assert add(world, 0, [], other).status == 404


def test_the_state_survives_a_restart_and_the_newest_head_can_be_monitored(world: World) -> None:
    outside = Outside()
    outside.grow(b"one", b"two", b"three")
    assert add(world, 0, [], outside.note()).status == 200
    world.crash(QINGHAI)
    settled(world, 60_000)
    listen(world)
    outside.grow(b"four")
    assert add(world, 0, [], outside.note()) == Answer(409, b"3\n")
    role = world.nodes[QINGHAI].role
    assert role is not None
    note = role.witness.latest(world.nodes[QINGHAI].store, hash_bytes(ORIGIN.encode()).hex())
    assert note is not None
    names = [line.name for line in parse_note(note).signatures]
    assert names == [ORIGIN, NAME]
    assert role.witness.latest(world.nodes[QINGHAI].store, "0" * 64) is None
