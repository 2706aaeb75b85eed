"""Logs in tables: chunks, tiles, bundles, and what damage looks like."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import log, tree
from ledger.errors import DamageError, FormError, RefusedError
from ledger.fsck import check_log
from ledger.hashing import leaf_hash, node_hash
from ledger.memory import MemoryStore
from ledger.merkle import Frontier, inclusion_path
from ledger.table import HASH, LEAF, log_key, u64
from ledger.tiles import export, tile_path, widths

KEY = log_key("510000")


def filled(count: int, step: int = 97) -> MemoryStore:
    store = MemoryStore()
    leaves = [b"entry %d" % i for i in range(count)]
    for start in range(0, count, step):
        part = leaves[start : start + step]
        store.transact(lambda w, p=part, s=start: log.append(w, KEY, p, s))
    return store


@given(st.lists(st.integers(1, 300), min_size=1, max_size=5))
def test_it_does_not_matter_in_which_portions_a_log_grew(steps: list[int]) -> None:
    store, frontier, size = MemoryStore(), Frontier(), 0
    for step in steps:
        leaves = [b"%d" % i for i in range(size, size + step)]
        store.transact(lambda w, p=leaves, s=size: log.append(w, KEY, p, s))
        size += step
        for leaf in leaves:
            frontier.append(leaf_hash(leaf))
    assert tree.root_at(store, KEY, size) == frontier.root()
    assert list(check_log(store, KEY)) == []


def test_proofs_hold_around_the_borders_of_chunks_and_tiles() -> None:
    store = filled(600)
    hashes = [leaf_hash(b"entry %d" % i) for i in range(600)]
    for size in (119, 120, 121, 240, 255, 256, 257, 512, 599, 600):
        for index in (0, 118, 119, 120, 254, 255, 256, 511, size - 1):
            if index < size:
                expected = inclusion_path(hashes[:size], index)
                assert tree.inclusion_proof(store, KEY, index, size) == expected


def test_a_log_of_another_size_than_expected_is_not_written() -> None:
    store = filled(5)
    with pytest.raises(RefusedError) as refused:
        store.transact(lambda w: log.append(w, KEY, [b"x"], 4))
    assert refused.value.code == "SIZE"
    assert log.size(store, KEY) == 5


def test_a_leaf_that_is_too_long_leaves_nothing_behind() -> None:
    store = filled(3)
    with pytest.raises(FormError, match="65535"):
        store.transact(lambda w: log.append(w, KEY, [b"ok", b"x" * 65_536], 3))
    assert log.size(store, KEY) == 3
    assert list(store.scan(LEAF, KEY + u64(3), KEY + b"\xff" * 9)) == []


def test_tiles_hold_the_hashes_the_specification_says() -> None:
    store = filled(256 + 70)
    full = tree.tile(store, KEY, 0, 0, 256)
    assert full == b"".join(leaf_hash(b"entry %d" % i) for i in range(256))
    level = [full[i : i + 32] for i in range(0, len(full), 32)]
    while len(level) > 1:
        level = [node_hash(a, b) for a, b in zip(level[::2], level[1::2], strict=True)]
    assert tree.tile(store, KEY, 1, 0, 1) == level[0]
    assert len(tree.tile(store, KEY, 0, 1, 70)) == 70 * 32


def test_the_widths_of_70000_leaves_are_those_of_the_specification() -> None:
    assert list(widths(70_000))[-1] == (273, 112)
    assert list(widths(70_000 >> 8)) == [(0, 256), (1, 17)]
    assert list(widths(70_000 >> 16)) == [(0, 1)]
    assert list(widths(256)) == [(0, 256)]
    assert tile_path("0", 1_234_067, 256) == "tile/0/x001/x234/067"
    assert tile_path("1", 1, 17) == "tile/1/001.p/17"


def test_bundles_are_read_back_and_refused_when_cut() -> None:
    store = filled(300)
    data = log.bundle(store, KEY, 1, 44)
    assert log.parse_bundle(data) == [b"entry %d" % i for i in range(256, 300)]
    for wrong in (data[:-1], data + b"\x00", data + b"\x00\x05ab"):
        with pytest.raises(FormError):
            log.parse_bundle(wrong)


def test_an_export_holds_every_tile_and_bundle_of_the_size() -> None:
    paths = [path for path, _ in export(filled(600), KEY, 600)]
    assert paths == [
        "tile/entries/000", "tile/entries/001", "tile/entries/002.p/88",
        "tile/0/000", "tile/0/001", "tile/0/002.p/88", "tile/1/000.p/2",
    ]  # fmt: skip


def test_a_changed_leaf_is_named_by_bundle_and_fsck() -> None:
    store = filled(300)
    store.transact(lambda w: w.put(LEAF, KEY + u64(17), b"forged"))
    with pytest.raises(DamageError, match=r"#17|leaf 17"):
        log.bundle(store, KEY, 0, 256)
    places = [found.place for found in check_log(store, KEY)]
    assert places == ["tree 510000 level 0 node 17"]


def test_a_changed_hash_is_named_by_tile_and_fsck() -> None:
    store = filled(300)
    place = KEY + bytes([0]) + u64(1)
    chunk = bytearray(store.get(HASH, place) or b"")
    chunk[5 * 32] ^= 1
    store.transact(lambda w: w.put(HASH, place, bytes(chunk)))
    with pytest.raises(DamageError, match="node 124"):
        tree.tile(store, KEY, 0, 0, 256)
    assert "tree 510000 level 0 node 125" in [found.place for found in check_log(store, KEY)]


def test_a_missing_leaf_is_damage() -> None:
    store = filled(10)
    store.transact(lambda w: w.delete(LEAF, KEY + u64(4)))
    with pytest.raises(DamageError, match="leaf 4"):
        list(log.leaves(store, KEY, 0, 10))
    with pytest.raises(DamageError):
        log.leaf(store, KEY, 4)


def test_a_leaf_above_the_size_is_found() -> None:
    store = filled(10)
    store.transact(lambda w: w.put(LEAF, KEY + u64(10), b"smuggled"))
    assert [found.place for found in check_log(store, KEY)] == ["leaf 510000 #10"]
