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
from ledger.table import HASH, LEAF, Writer, log_key, u64
from ledger.tiles import export, tile_path, widths
from tests.network import forge_leaf

CODE = "510000"
KEY = log_key(CODE)


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


LENGTHS = st.lists(
    st.sampled_from([1, 90, 200, 255, 256, 2_000, 4_070, 4_071, 9_000]), min_size=1, max_size=60
)


def of_lengths(lengths: list[int]) -> list[bytes]:
    return [b"%05d" % n + bytes(length) for n, length in enumerate(lengths)]


@given(LENGTHS, st.lists(st.integers(1, 40), max_size=4), st.integers(0, 60))
def test_leaves_of_any_length_come_back_and_lie_the_same_however_they_came(
    lengths: list[int], steps: list[int], one: int
) -> None:
    leaves = of_lengths(lengths)
    together, apart = MemoryStore(), MemoryStore()
    together.transact(lambda w: log.append(w, KEY, leaves, 0))
    size = 0
    for step in [*steps, len(leaves)]:
        part = leaves[size : size + step]
        apart.transact(lambda w, p=part, s=size: log.append(w, KEY, p, s))
        size += len(part)
    assert apart.snapshot() == together.snapshot()
    assert [log.leaf(apart, KEY, index) for index in range(size)] == leaves
    start = one % (size + 1)
    assert list(log.leaves(apart, KEY, start, size)) == leaves[start:]
    assert list(log.leaves(apart, KEY, 0, start)) == leaves[:start]
    for index in (size, size + 1):
        with pytest.raises(DamageError):
            log.leaf(apart, KEY, index)


@given(LENGTHS, st.integers(0, 60))
def test_a_log_that_is_cut_back_is_the_shorter_log(lengths: list[int], keep: int) -> None:
    leaves = of_lengths(lengths)
    size = keep % (len(leaves) + 1)
    longer, shorter = MemoryStore(), MemoryStore()
    longer.transact(lambda w: log.append(w, KEY, leaves, 0))
    shorter.transact(lambda w: log.append(w, KEY, leaves[:size], 0))
    assert longer.transact(lambda w: log.truncate(w, KEY, size)) == leaves[size:]
    if size:
        assert longer.snapshot() == shorter.snapshot()
    assert list(longer.scan(LEAF, KEY + u64(size), KEY + b"\xff" * 9)) == []


def test_what_is_added_can_be_read_before_the_tree_knows_it() -> None:
    store = filled(30)

    def change(writer: Writer) -> None:
        growing = log.Growing(writer, KEY, 30)
        for index in range(30, 90):
            growing.add(b"entry %d" % index)
            assert log.leaf(writer, KEY, index) == b"entry %d" % index
        assert growing.finish() == 90

    store.transact(change)
    assert store.snapshot() == filled(90).snapshot()


def test_a_hole_between_chunks_is_damage() -> None:
    leaves = of_lengths([300] * 40)
    store = MemoryStore()
    store.transact(lambda w: log.append(w, KEY, leaves, 0))
    places = [place for place, _ in store.scan(LEAF, KEY, KEY + b"\xff" * 9)]
    assert len(places) > 2
    store.transact(lambda w: w.delete(LEAF, places[1]))
    missing = int.from_bytes(places[1][8:], "big")
    for start in (0, missing, missing + 1):
        with pytest.raises(DamageError, match=f"leaf {max(start, missing)}"):
            list(log.leaves(store, KEY, start, 40))
    with pytest.raises(DamageError, match=f"leaf {missing}"):
        log.leaf(store, KEY, missing)


def test_chunks_that_overlap_are_damage() -> None:
    store = filled(10)
    store.transact(lambda w: w.put(LEAF, *log.pack_chunk(KEY, 4, [b"x", b"y"])))
    with pytest.raises(DamageError):
        list(log.leaves(store, KEY, 0, 10))


@pytest.mark.parametrize("value", [b"", b"\x91", b"\x91\xc5\x00\x01x", b"\x91\x01", b"\xc4\x00"])
def test_a_chunk_that_is_no_array_of_leaves_is_damage(value: bytes) -> None:
    store = filled(10)
    store.transact(lambda w: w.put(LEAF, KEY + u64(0), value))
    with pytest.raises(DamageError, match="leaf 0"):
        log.leaf(store, KEY, 3)


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
    assert log.stored_end(store, KEY) == 3


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
    forge_leaf(store, CODE, 17, b"forged")
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
    forge_leaf(store, CODE, 4, None)
    with pytest.raises(DamageError, match="leaf 4"):
        list(log.leaves(store, KEY, 0, 10))
    with pytest.raises(DamageError):
        log.leaf(store, KEY, 4)
    with pytest.raises(DamageError, match="leaf 9"):
        store.transact(lambda w: log.append(w, KEY, [b"next"], 10))


def test_a_leaf_above_the_size_is_found() -> None:
    store = filled(10)
    forge_leaf(store, CODE, 10, b"smuggled")
    assert [found.place for found in check_log(store, KEY)] == ["leaf 510000 #10"]
    store.transact(lambda w: log.append(w, KEY, [b"the next one"], 10))
    assert log.leaf(store, KEY, 10) == b"the next one"
