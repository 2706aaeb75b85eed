"""Trees and proofs: every size to 64 with every leaf and every older tree.

The known roots are those of the RFC 6962 test leaves used by certificate-transparency-go
(Apache-2.0): the empty leaf, 00, 10, 2021, 3031, 40414243, 5051525354555657, 60…6f.
"""

import pytest

from ledger import log, tree
from ledger.errors import FormError, VerificationError
from ledger.hashing import EMPTY_ROOT, leaf_hash
from ledger.memory import MemoryStore
from ledger.merkle import Frontier, consistency_path, inclusion_path, root_of
from ledger.proof import verify_consistency, verify_inclusion
from ledger.table import log_key

LARGEST = 64
LEAVES = [b"leaf %d" % i for i in range(LARGEST)]
HASHES = [leaf_hash(leaf) for leaf in LEAVES]
ROOTS = [root_of(HASHES[:size]) for size in range(LARGEST + 1)]
KEY = log_key("630000")

KNOWN_LEAVES = [
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]  # fmt: skip
KNOWN_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


@pytest.fixture(scope="module")
def store() -> MemoryStore:
    result = MemoryStore()
    for index, leaf in enumerate(LEAVES):  # one by one: the hardest way to grow
        result.transact(lambda w, i=index, x=leaf: log.append(w, KEY, [x], i))
    return result


def test_the_published_roots_come_out() -> None:
    hashes = [leaf_hash(bytes.fromhex(leaf)) for leaf in KNOWN_LEAVES]
    assert [root_of(hashes[: n + 1]).hex() for n in range(8)] == KNOWN_ROOTS
    assert root_of([]) == EMPTY_ROOT


def test_the_frontier_has_the_same_roots() -> None:
    frontier = Frontier()
    for size in range(LARGEST):
        assert frontier.root() == ROOTS[size]
        frontier.append(HASHES[size])


def test_every_leaf_of_every_tree_has_a_proof(store: MemoryStore) -> None:
    for size in range(1, LARGEST + 1):
        for index in range(size):
            path = tree.inclusion_proof(store, KEY, index, size)
            assert path == inclusion_path(HASHES[:size], index)
            verify_inclusion(HASHES[index], index, size, path, ROOTS[size])


def test_every_older_tree_has_a_proof(store: MemoryStore) -> None:
    for size in range(1, LARGEST + 1):
        assert tree.root_at(store, KEY, size) == ROOTS[size]
        for old in range(1, size + 1):
            path = tree.consistency_proof(store, KEY, old, size)
            assert path == consistency_path(HASHES[:size], old)
            verify_consistency(old, ROOTS[old], size, ROOTS[size], path)


def spoiled(path: list[bytes]) -> list[list[bytes]]:
    """Return a path with each fault it can have."""
    longer = [[*path, bytes(32)], [bytes(32), *path]]
    shorter = [path[1:], path[:-1]] if path else []
    flipped = [
        [*path[:i], bytes([path[i][0] ^ 1]) + path[i][1:], *path[i + 1 :]] for i in range(len(path))
    ]
    return longer + shorter + flipped


def test_no_spoiled_inclusion_proof_is_accepted() -> None:
    for size in range(1, 18):
        for index in range(size):
            path = inclusion_path(HASHES[:size], index)
            for wrong in spoiled(path):
                with pytest.raises(VerificationError):
                    verify_inclusion(HASHES[index], index, size, wrong, ROOTS[size])
            with pytest.raises(VerificationError):
                verify_inclusion(HASHES[(index + 1) % LARGEST], index, size, path, ROOTS[size])


def test_no_spoiled_consistency_proof_is_accepted() -> None:
    for size in range(2, 18):
        for old in range(1, size):
            path = consistency_path(HASHES[:size], old)
            for wrong in spoiled(path):
                with pytest.raises(VerificationError):
                    verify_consistency(old, ROOTS[old], size, ROOTS[size], wrong)
            with pytest.raises(VerificationError):
                verify_consistency(old, ROOTS[old - 1], size, ROOTS[size], path)
            with pytest.raises(VerificationError):
                verify_consistency(old, ROOTS[old], size, ROOTS[size - 1], path)


def test_one_size_has_one_root_and_no_proof() -> None:
    verify_consistency(5, ROOTS[5], 5, ROOTS[5], [])
    with pytest.raises(VerificationError, match="two roots"):
        verify_consistency(5, ROOTS[5], 5, ROOTS[6], [])
    with pytest.raises(VerificationError, match="not empty"):
        verify_consistency(5, ROOTS[5], 5, ROOTS[5], [bytes(32)])


def test_places_outside_the_tree_are_refused() -> None:
    with pytest.raises(FormError):
        verify_inclusion(HASHES[0], 3, 3, [], ROOTS[3])
    with pytest.raises(FormError):
        verify_consistency(0, EMPTY_ROOT, 3, ROOTS[3], [])
    with pytest.raises(FormError):
        verify_inclusion(HASHES[0], 0, 2, [b"short"], ROOTS[2])
