"""The witness: status codes and their order; what it signs, it holds and remembers."""

from typing import Any

import pytest

from ledger import log, tree
from ledger.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from ledger.cosignature import cosigners_of, verify_cosignature
from ledger.entry import make_entry
from ledger.errors import FormError
from ledger.hashing import EMPTY_ROOT, hash_bytes
from ledger.note import parse_note, parse_signature
from ledger.table import log_key
from node.addcheckpoint import format_request, parse_request
from node.effect import Asked, Reply
from node.message import AddCheckpoint, Answer, Offer
from node.simulation.world import World
from node.witness import PARK_MS
from settlement.party import CENTRE
from tests.network import QINGHAI, SICHUAN, TIBET, Logs, settlement
from tests.node.world import quiet


@pytest.fixture
def world() -> World:
    """Return a world in which Sichuan is down, so that the test speaks for it."""
    world = quiet()
    world.faults.cut = {(a, b) for a in (SICHUAN,) for b in (CENTRE, TIBET, QINGHAI)}
    return world


class Author:
    """Whoever has Sichuan's keys: writes its log beside the world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.keys = world.nodes[SICHUAN].keys
        self.origin = world.founding.origin(SICHUAN)
        self.logs = Logs()
        self.logs.roster = world.founding

    def leaves(self, *ids: str) -> list[bytes]:
        start = self.logs.size(SICHUAN)
        network, origin = self.world.founding.network_id, self.origin
        made = [
            make_entry(self.keys.entry, network, origin, index, 10, 1, settlement(name).encode())
            for index, name in enumerate(ids, start)
        ]
        self.logs.store.transact(lambda w: log.append(w, log_key(SICHUAN), made, start))
        return made

    def note(self, size: int | None = None, root: bytes | None = None) -> bytes:
        at = self.logs.size(SICHUAN) if size is None else size
        real = root or tree.root_at(self.logs.store, log_key(SICHUAN), at)
        return sign_checkpoint(Checkpoint(self.origin, at, real), self.keys.checkpoint)

    def proof(self, old: int) -> list[bytes]:
        new = self.logs.size(SICHUAN)
        return tree.consistency_proof(self.logs.store, log_key(SICHUAN), old, new)


def ask(world: World, message: Any, code: str = QINGHAI) -> Answer | None:
    role = world.nodes[code].role
    assert role is not None
    effects = role.handle([Asked(7_000_000, SICHUAN, message)], world.now_ms)
    answers = [e.value for e in effects if isinstance(e, Reply) and e.ticket == 7_000_000]
    assert len(answers) <= 1
    world._perform(code, effects)  # what it sends to others goes its way
    return answers[0] if answers else None


def offer(
    world: World, author: Author, old: int, leaves: list[bytes], proof: Any = (), **note: Any
) -> int:
    body = format_request(old, list(proof), author.note(**note))
    answer = ask(world, Offer(body, leaves))
    assert answer is not None
    return answer.status


def test_a_head_with_its_entries_is_cosigned_and_the_line_verifies(world: World) -> None:
    author = Author(world)
    leaves = author.leaves("A1", "A2")
    answer = ask(world, Offer(format_request(0, [], author.note()), leaves))
    assert answer is not None
    assert answer.status == 200
    line = parse_signature(answer.body.decode().splitlines()[0])
    text = parse_note(author.note()).text
    verify_cosignature(text, world.founding.witness_keys(QINGHAI)[0], line)
    assert log.size(world.nodes[QINGHAI].store, log_key(SICHUAN)) == 2
    assert world.nodes[QINGHAI].signer.cosigned(author.origin)[:1] == (2,)  # type: ignore[index]


def test_the_same_head_again_is_cosigned_again(world: World) -> None:
    author = Author(world)
    leaves = author.leaves("A1")
    assert offer(world, author, 0, leaves) == 200
    assert offer(world, author, 1, []) == 200


def test_each_fault_has_its_status(world: World) -> None:
    author = Author(world)
    first = author.leaves("A1", "A2", "A3")
    assert offer(world, author, 0, first) == 200
    second = author.leaves("A4", "A5")
    good = author.proof(3)
    assert offer(world, author, 6, second) == 400  # old above the size
    assert offer(world, author, 2, second, author.proof(2)) == 409  # not the size last cosigned
    assert offer(world, author, 3, second, [bytes(32)]) == 422  # a proof that does not hold
    assert offer(world, author, 3, second, []) == 422
    assert offer(world, author, 3, second, good) == 200
    assert offer(world, author, 5, [], [], size=5, root=bytes(32)) == 422  # same size, another root


def test_a_client_learns_the_size_by_sending_zero(world: World) -> None:
    author = Author(world)
    assert offer(world, author, 0, author.leaves("A1", "A2")) == 200
    author.leaves("A3")
    answer = ask(world, AddCheckpoint(format_request(0, [], author.note())))
    assert answer == Answer(409, b"2\n")


def test_an_empty_log_has_one_root_and_no_proof(world: World) -> None:
    author = Author(world)
    assert offer(world, author, 0, [], size=0, root=EMPTY_ROOT) == 200
    assert offer(world, author, 0, [], size=0, root=bytes(32)) == 422
    author.leaves("A1")
    assert offer(world, author, 0, [], [bytes(32)]) == 422  # a proof with old 0


def test_form_comes_before_origin_and_origin_before_signature(world: World) -> None:
    author = Author(world)
    author.leaves("A1")
    note = author.note()
    unknown = note.replace(b"/510000\n", b"/990000\n")
    for body, status in [
        (b"", 400),
        (b"old 0\n\nnot a note", 400),
        (b"old 01\n\n" + note, 400),
        (format_request(0, [], unknown), 404),
        (format_request(9, [], note.replace(b"\n1\n", b"\n2\n")), 403),
        (format_request(9, [], note), 400),
    ]:
        answer = ask(world, AddCheckpoint(body))
        assert answer is not None
        assert answer.status == status, body


def test_a_node_does_not_witness_itself(world: World) -> None:
    author = Author(world)
    author.leaves("A1")
    answer = ask(world, AddCheckpoint(format_request(0, [], author.note())), SICHUAN)
    assert answer is not None
    assert answer.status == 404


def test_without_the_entries_a_head_waits_and_is_then_refused_for_now(world: World) -> None:
    author = Author(world)
    author.leaves("A1")
    assert ask(world, AddCheckpoint(format_request(0, [], author.note()))) is None
    world.now_ms += PARK_MS
    role = world.nodes[QINGHAI].role
    assert role is not None
    effects = role.handle([], world.now_ms)
    assert [e.value.status for e in effects if isinstance(e, Reply)] == [503]
    assert world.nodes[QINGHAI].signer.cosigned(author.origin) is None


def test_entries_that_do_not_lead_to_the_head_leave_nothing_behind(world: World) -> None:
    author = Author(world)
    leaves = author.leaves("A1", "A2")
    other = Author(world).leaves("B1", "B2")
    assert offer(world, author, 0, other) == 422
    assert log.size(world.nodes[QINGHAI].store, log_key(SICHUAN)) == 0
    assert offer(world, author, 0, leaves) == 200


def test_two_faces_at_one_size_get_one_cosignature(world: World) -> None:
    one, two = Author(world), Author(world)
    assert offer(world, one, 0, one.leaves("A1")) == 200
    leaves = two.leaves("A2")
    assert offer(world, two, 0, leaves) == 409
    assert offer(world, two, 1, []) == 403  # two signed faces are evidence: see test_docket


def test_the_time_of_a_cosignature_never_goes_back(world: World) -> None:
    author = Author(world)
    assert offer(world, author, 0, author.leaves("A1")) == 200
    stamp = world.nodes[QINGHAI].signer.cosigned(author.origin)[2]  # type: ignore[index]
    world.now_ms -= 3_600_000
    assert offer(world, author, 1, []) == 200
    assert world.nodes[QINGHAI].signer.cosigned(author.origin)[2] == stamp  # type: ignore[index]


def test_monitors_get_the_newest_cosigned_head_with_both_signatures(world: World) -> None:
    author = Author(world)
    role, store = world.nodes[QINGHAI].role, world.nodes[QINGHAI].store
    assert role is not None
    digest = hash_bytes(author.origin.encode()).hex()
    assert role.witness.latest(store, digest) is None
    assert offer(world, author, 0, author.leaves("A1", "A2")) == 200
    note = role.witness.latest(store, digest)
    assert note is not None
    head = open_checkpoint(note, author.origin, world.founding.members[SICHUAN].checkpoint_key)
    assert head.checkpoint.size == 2
    assert cosigners_of(head, {QINGHAI: world.founding.witness_keys(QINGHAI)}).keys() == {QINGHAI}
    assert role.witness.latest(store, digest) == note
    assert role.witness.latest(store, "00" * 32) is None
    own = hash_bytes(role.origin.encode()).hex()
    assert role.witness.latest(store, own) is None


def test_the_request_has_one_spelling() -> None:
    body = format_request(3, [bytes(32), bytes([1]) * 32], b"note")
    parsed = parse_request(body)
    assert (parsed.old, len(parsed.proof), parsed.note) == (3, 2, b"note")
    for wrong in (
        b"old 3\nnote",
        b"old -3\n\nnote",
        b"Old 3\n\nnote",
        body.replace(b"AAAA=", b"AAAB="),
        b"old 3\n" + b"A" * 43 + b"=\n" * 64 + b"\n\nnote",
        format_request(3, [bytes(32)] * 64, b"note"),
    ):
        with pytest.raises(FormError):
            parse_request(wrong)
