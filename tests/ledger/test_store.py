"""The door to the disk: real LMDB in a folder of the test's own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import lmdb
import pytest

from ledger import log
from ledger.errors import (
    BrokenDiskError,
    DamageError,
    ForeignError,
    FormError,
    StoreFullError,
)
from ledger.memory import MemoryStore
from ledger.store import LmdbStore, check_in_child
from ledger.table import DERIVED, LEAF, Store, log_key, u64

KEY = log_key("630000")
NETWORK = b"n" * 32


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data"


def made(path: Path, map_size: int = 1 << 20) -> LmdbStore:
    return LmdbStore.create(path, NETWORK, "630000", map_size=map_size)


@pytest.fixture(params=["memory", "lmdb"])
def store(request: pytest.FixtureRequest, path: Path) -> Iterator[Store]:
    if request.param == "memory":
        yield MemoryStore()
        return
    lmdb_store = made(path)
    yield lmdb_store
    lmdb_store.close()


def test_both_kinds_of_store_sort_scan_and_find_the_last(store: Store) -> None:
    def fill(writer) -> None:  # type: ignore[no-untyped-def]
        for key in (b"c", b"a", b"e", b"b"):
            writer.put(DERIVED, key, key * 2)
        writer.delete(DERIVED, b"b")
        writer.delete(DERIVED, b"never there")

    store.transact(fill)
    with store.read() as reader:
        assert reader.get(DERIVED, b"a") == b"aa"
        assert reader.get(DERIVED, b"b") is None
        assert [key for key, _ in reader.scan(DERIVED, b"a", b"e")] == [b"a", b"c"]
        assert reader.last(DERIVED, b"a", b"e") == (b"c", b"cc")
        assert reader.last(DERIVED, b"a", b"z") == (b"e", b"ee")
        assert reader.last(DERIVED, b"d", b"e") is None


def test_an_exception_leaves_nothing_of_a_transaction(store: Store) -> None:
    store.transact(lambda w: w.put(DERIVED, b"k", b"old"))

    def fail(writer) -> None:  # type: ignore[no-untyped-def]
        writer.put(DERIVED, b"k", b"new")
        writer.put(DERIVED, b"other", b"new")
        raise ValueError

    with pytest.raises(ValueError):
        store.transact(fail)
    with store.read() as reader:
        assert reader.get(DERIVED, b"k") == b"old"
        assert reader.get(DERIVED, b"other") is None


def test_a_reader_keeps_the_state_it_began_with(path: Path) -> None:
    store = made(path)
    store.transact(lambda w: w.put(DERIVED, b"k", b"1"))
    with store.read() as reader:
        store.transact(lambda w: w.put(DERIVED, b"k", b"2"))
        assert reader.get(DERIVED, b"k") == b"1"
    with store.read() as reader:
        assert reader.get(DERIVED, b"k") == b"2"
    store.close()


def test_the_map_grows_by_itself(path: Path) -> None:
    store = made(path, map_size=1 << 17)
    before = store.map_size()
    for start in range(0, 3_000, 500):
        leaves = [b"x" * 300] * 500
        store.transact(lambda w, s=start, x=leaves: log.append(w, KEY, x, s))
    assert store.map_size() > before
    store.close()
    again = LmdbStore.open(path, NETWORK, "630000")
    with again.read() as reader:
        assert log.size(reader, KEY) == 3_000
    again.close()


READER = """
import sys
from pathlib import Path
from ledger import log
from ledger.store import LmdbStore
from ledger.table import log_key
store = LmdbStore.open(Path(sys.argv[1]), readonly=True, map_size=1 << 17)
print("open", flush=True)
sys.stdin.readline()
with store.read() as reader:
    print(log.size(reader, log_key("630000")), flush=True)
"""


def test_another_process_sees_what_was_committed_after_it_opened(path: Path) -> None:
    store = made(path, map_size=1 << 17)
    arguments = [sys.executable, "-c", READER, str(path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(arguments, text=True, **pipes) as child:  # type: ignore[call-overload]
        assert child.stdout.readline() == "open\n"
        store.transact(lambda w: log.append(w, KEY, [b"y" * 400] * 2_000, 0))
        assert child.communicate("go\n")[0] == "2000\n"
    store.close()


def test_creating_never_overwrites_and_opening_never_creates(path: Path) -> None:
    with pytest.raises(DamageError, match="no file"):
        LmdbStore.open(path)
    made(path).close()
    with pytest.raises(FormError, match="does not exist yet"):
        made(path)


def test_a_creation_that_was_cut_short_can_be_repeated(path: Path) -> None:
    beside = path.with_name("data.new")
    beside.mkdir()
    (beside / "data.mdb").write_bytes(b"half")
    made(path).close()
    assert not beside.exists()


def test_a_store_of_another_network_or_participant_is_refused(path: Path) -> None:
    made(path).close()
    with pytest.raises(ForeignError, match="network"):
        LmdbStore.open(path, b"m" * 32, "630000")
    with pytest.raises(ForeignError, match="510000"):
        LmdbStore.open(path, NETWORK, "510000")
    LmdbStore.open(path, NETWORK, "630000").close()


@pytest.mark.parametrize("keep", [0, 100, 4096, 8192, 20_000])
def test_an_empty_or_cut_file_is_refused_and_stays_as_it_is(path: Path, keep: int) -> None:
    store = made(path)
    store.transact(lambda w: log.append(w, KEY, [b"z" * 500] * 300, 0))
    store.close()
    file = path / "data.mdb"
    os.truncate(file, keep)
    with pytest.raises(DamageError):
        LmdbStore.open(path, NETWORK, "630000")
    with pytest.raises(DamageError):
        check_in_child(path)
    assert file.stat().st_size == keep


def test_a_flipped_byte_is_found_and_its_place_named(path: Path) -> None:
    store = made(path)
    leaves = [b"entry %05d" % i + b"-" * 200 for i in range(400)]
    store.transact(lambda w: log.append(w, KEY, leaves, 0))
    store.close()
    file = path / "data.mdb"
    data = bytearray(file.read_bytes())
    at = data.index(b"entry 00123")
    data[at + 50] ^= 0x10
    file.write_bytes(data)
    again = LmdbStore.open(path, NETWORK, "630000")
    with again.read() as reader:
        with pytest.raises(DamageError, match="leaves 630000 from #114"):
            log.leaf(reader, KEY, 123)
        assert log.leaf(reader, KEY, 113) == leaves[113]
        assert log.leaf(reader, KEY, 133) == leaves[133]
    again.close()
    with pytest.raises(DamageError, match="leaves 630000 from #114"):
        check_in_child(path)


def test_a_killed_reader_is_reported_as_damage(path: Path) -> None:
    made(path).close()
    with pytest.MonkeyPatch.context() as patch:
        real = subprocess.run

        def killed(arguments, **options):  # type: ignore[no-untyped-def]
            program = "import os, signal; os.kill(os.getpid(), signal.SIGBUS)"
            return real([sys.executable, "-c", program], **options)

        patch.setattr(subprocess, "run", killed)
        with pytest.raises(DamageError, match="ended with -7"):
            check_in_child(path)


def test_a_full_disk_refuses_and_the_store_goes_on(path: Path) -> None:
    store = made(path)

    def full(_writer) -> None:  # type: ignore[no-untyped-def]
        raise lmdb.DiskError("mdb_txn_commit: No space left on device")

    with pytest.raises(StoreFullError):
        store.transact(full)
    store.transact(lambda w: w.put(DERIVED, b"k", b"after"))
    store.close()


@pytest.mark.parametrize("error", [lmdb.DiskError("Input/output error"), lmdb.PanicError("panic")])
def test_any_other_error_of_the_disk_ends_all_writing(path: Path, error: lmdb.Error) -> None:
    store = made(path)

    def broken(_writer) -> None:  # type: ignore[no-untyped-def]
        raise error

    with pytest.raises(BrokenDiskError):
        store.transact(broken)
    with pytest.raises(BrokenDiskError):
        store.transact(lambda w: w.put(DERIVED, b"k", b"after"))
    store.close()


def test_a_store_does_not_cross_a_fork(path: Path) -> None:
    store = made(path)
    child = os.fork()
    if child == 0:
        try:
            store.transact(lambda w: w.put(LEAF, KEY + u64(0), b"child"))
        except AssertionError:
            os._exit(7)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    store.close()
