"""The audit: what it verifies, and that it finds every single damage and says where."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger import log
from ledger.errors import StoreError
from ledger.store import LmdbStore, check_in_child
from ledger.table import DERIVED, HASH, HEAD, LEAF, Reader, log_key, u64
from tests.cleared import Cleared
from tests.commands import as_json, environment, gongzhang

CREDITOR, DEBTOR = "510000", "630000"


@pytest.fixture
def home(cleared: Cleared, tmp_path: Path) -> Path:
    """Return a copy of a node's home that a test may damage."""
    target = tmp_path / DEBTOR
    shutil.copytree(cleared.home / DEBTOR, target, ignore=shutil.ignore_patterns("*.sock"))
    return target


def verify(path: Path, cleared: Cleared) -> tuple[int, list[str]]:
    done = gongzhang("audit", "verify", path, "--policy", cleared.policy, "--json")
    assert done.stdout, done.stderr
    report = json.loads(done.stdout)
    if "findings" not in report:
        return done.returncode, [report["error"]]
    return done.returncode, [f"{f['place']}: {f['text']}" for f in report["findings"]]


def test_a_home_of_any_node_is_verified(cleared: Cleared) -> None:
    for code in ("100000", CREDITOR, DEBTOR):
        done = gongzhang("audit", "verify", cleared.home / code, "--policy", cleared.policy)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "VERIFIED: 4 logs" in done.stdout
        assert "2 batches recomputed" in done.stdout


def test_exported_logs_are_verified_without_any_node(cleared: Cleared, tmp_path: Path) -> None:
    target = tmp_path / "exported"
    assert gongzhang("log", "export", target, "--home", cleared.home / CREDITOR).returncode == 0
    home = as_json("audit", "verify", cleared.home / CREDITOR, "--policy", cleared.policy)
    files = as_json("audit", "verify", target, "--policy", cleared.policy)
    assert files["ok"] is True
    assert files["months"] == home["months"]
    assert files["heads"] == home["heads"]


def test_the_audit_recomputes_what_the_demo_reported(cleared: Cleared) -> None:
    audited = as_json("audit", "verify", cleared.home / DEBTOR, "--policy", cleared.policy)
    for mine, theirs in zip(audited["months"], cleared.report["months"], strict=True):
        for name in ("month", "pairs_fen", "nets_fen", "result_hash", "entries"):
            assert mine[name] == theirs[name]


# --- damage ------------------------------------------------------------------------------------


def entry_value(reader: Reader) -> bytes:
    return log.leaf(reader, log_key(CREDITOR), 3)


def tile_value(reader: Reader) -> bytes:
    (_, value), *_ = reader.scan(HASH, log_key(CREDITOR), log_key(CREDITOR) + b"\xff" * 20)
    return value


def balance_value(reader: Reader) -> bytes:
    value = reader.get(DERIVED, log_key(CREDITOR) + b"C" + DEBTOR.encode())
    assert value is not None
    return value


def head_value(reader: Reader) -> bytes:
    value = reader.get(HEAD, log_key(CREDITOR) + b"cosigned")
    assert value is not None
    return value


def flip(home: Path, value: Callable[[Reader], bytes]) -> None:
    """Flip one bit in the middle of the place where a value is stored and read."""
    store = LmdbStore.open(home / "data", readonly=True)
    with store.read() as reader:
        content = value(reader)
    store.close()
    file = home / "data" / "data.mdb"
    data = bytearray(file.read_bytes())
    at = data.find(content)
    assert at >= 0
    while at >= 0:  # older copies of the page lie about; the one that is read is among them
        data[at + len(content) // 2] ^= 0x10
        at = data.find(content, at + 1)
    file.write_bytes(data)


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (entry_value, f"leaves {CREDITOR} from #0"),
        (tile_value, f"tree {CREDITOR} level"),
        (balance_value, f"derived {CREDITOR}"),
        (head_value, f"head {CREDITOR}"),
    ],
)
def test_one_flipped_bit_is_found_and_its_place_named(
    cleared: Cleared, home: Path, value: Callable[[Reader], bytes], place: str
) -> None:
    flip(home, value)
    code, findings = verify(home, cleared)
    assert code == 4
    assert any(place in finding for finding in findings), findings
    fsck = gongzhang("log", "fsck", "--home", home)
    assert fsck.returncode == 4
    assert place in fsck.stdout + fsck.stderr
    node = subprocess.run(
        ["gongzhang", "node", "run", "--home", str(home)], env=environment(),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert node.returncode == 4
    assert place in node.stderr


def test_tables_beyond_the_cosigned_head_are_compared_too(cleared: Cleared, home: Path) -> None:
    store = LmdbStore.open(home / "data")
    key = log_key(CREDITOR)
    with store.read() as reader:
        size = log.size(reader, key)
        total = bytearray(reader.get(DERIVED, key + b"C" + DEBTOR.encode()) or b"")
    # As if the node had heard of no head yet: all of the copy lies beyond what is known.
    store.transact(lambda w: w.delete(HEAD, key + b"cosigned"))
    store.close()
    assert size > 0
    code, findings = verify(home, cleared)
    assert code == 3, findings  # a head is missing, nothing is damaged
    store = LmdbStore.open(home / "data")
    total[len(total) // 2] ^= 1
    store.transact(lambda w: w.put(DERIVED, key + b"C" + DEBTOR.encode(), bytes(total)))
    store.close()
    code, findings = verify(home, cleared)
    assert code == 4
    assert any(CREDITOR in finding for finding in findings), findings


def test_a_value_whose_checksum_was_made_to_fit_is_found_by_recomputing(
    cleared: Cleared, home: Path
) -> None:
    # Whoever can write the file can write checksums too: trees, signatures and sums still tell.
    for table, key, change in [
        (LEAF, log_key(CREDITOR) + u64(0), b"\x01"),
        (DERIVED, log_key(CREDITOR) + b"C" + DEBTOR.encode(), b"\x01"),
    ]:
        copy = home.with_name(f"copy-{table}")
        shutil.copytree(home, copy)
        store = LmdbStore.open(copy / "data")
        with store.read() as reader:
            value = bytearray(reader.get(table, key) or b"")
        value[len(value) // 2] ^= change[0]
        store.transact(lambda w, t=table, k=key, v=bytes(value): w.put(t, k, v))
        store.close()
        code, findings = verify(copy, cleared)
        assert code in (1, 4)
        assert any(CREDITOR in finding for finding in findings), findings
        assert gongzhang("log", "fsck", "--home", copy).returncode == 4


def test_random_flips_never_pass_as_another_truth(cleared: Cleared, tmp_path: Path) -> None:
    # A flip is either found, or lies where nothing is read: then everything is as it was.
    good = as_json("audit", "verify", cleared.home / DEBTOR, "--policy", cleared.policy)
    source = (cleared.home / DEBTOR / "data" / "data.mdb").read_bytes()
    found = 0
    for number in range(40):
        folder = tmp_path / str(number) / "data"
        folder.mkdir(parents=True)
        data = bytearray(source)
        at = (number * 7_919 * 4_099 + number) % len(data)
        data[at] ^= 1 << (number % 8)
        (folder / "data.mdb").write_bytes(data)
        try:
            check_in_child(folder)
        except StoreError:
            found += 1
            continue
        if number % 8 == 0:
            again = as_json("audit", "verify", folder.parent, "--policy", cleared.policy)
            assert again == good
    assert found > 0


@pytest.mark.parametrize("keep", [0, 100, 4_096, 8_192, 65_536])
def test_a_truncated_store_is_damage_not_a_crash(cleared: Cleared, home: Path, keep: int) -> None:
    file = home / "data" / "data.mdb"
    file.write_bytes(file.read_bytes()[:keep])
    code, findings = verify(home, cleared)
    assert code == 4, findings
    for command in (["log", "fsck"], ["status"], ["log", "show"], ["node", "run"]):
        done = gongzhang(*command, "--home", home)
        assert done.returncode == 4, (command, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr


def test_a_missing_store_or_signer_state_is_damage_and_never_a_new_beginning(home: Path) -> None:
    (home / "signer" / "state").rename(home / "signer" / "away")
    assert gongzhang("node", "run", "--home", home).returncode == 4
    (home / "signer" / "away").rename(home / "signer" / "state")
    (home / "data" / "data.mdb").unlink()
    done = gongzhang("node", "run", "--home", home)
    assert done.returncode == 4
    assert not (home / "data" / "data.mdb").exists()


def test_a_node_with_an_older_store_than_it_signed_from_does_not_start(
    cleared: Cleared, home: Path
) -> None:
    # Another participant's fresh store would be foreign; an own but empty one is rewound.
    store = LmdbStore.open(home / "data", readonly=True)
    network, code = store.identity
    store.close()
    shutil.rmtree(home / "data")
    LmdbStore.create(home / "data", network, code).close()
    done = gongzhang("node", "run", "--home", home)
    assert done.returncode == 4
    assert "was signed" in done.stderr
    shutil.rmtree(home / "data")
    shutil.copytree(cleared.home / CREDITOR / "data", home / "data")
    done = gongzhang("node", "run", "--home", home)
    assert done.returncode == 4
    assert "not of" in done.stderr


# --- exported files ----------------------------------------------------------------------------


@pytest.fixture
def exported(cleared: Cleared, tmp_path: Path) -> Path:
    target = tmp_path / "exported"
    assert gongzhang("log", "export", target, "--home", cleared.home / DEBTOR).returncode == 0
    return target


def test_a_changed_bundle_a_missing_one_and_a_missing_log(cleared: Cleared, exported: Path) -> None:
    folder = exported / CREDITOR / "tile" / "entries"
    bundle = sorted(path for path in folder.rglob("*") if path.is_file())[-1]
    whole = bundle.read_bytes()
    middle = len(whole) // 2
    bundle.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
    code, findings = verify(exported, cleared)
    assert code in (1, 4)
    assert any(CREDITOR in finding for finding in findings)
    bundle.write_bytes(whole[:-7])
    assert verify(exported, cleared)[0] == 4
    bundle.unlink()
    code, findings = verify(exported, cleared)
    assert code == 3
    assert any("missing" in finding for finding in findings)
    shutil.rmtree(exported / CREDITOR)
    code, findings = verify(exported, cleared)
    assert code == 3
    assert any("not here" in finding for finding in findings)


def test_a_head_without_its_cosignatures_or_of_another_key(
    cleared: Cleared, exported: Path
) -> None:
    checkpoint = exported / CREDITOR / "checkpoint"
    text = checkpoint.read_text(encoding="utf-8")
    head, _, lines = text.partition("\n\n")
    checkpoint.write_text(f"{head}\n\n{lines.splitlines()[0]}\n", encoding="utf-8")
    code, _ = verify(exported, cleared)
    assert code in (1, 3)
    origin, size, root = head.split("\n")
    checkpoint.write_text(f"{origin}\n{int(size) - 1}\n{root}\n\n{lines}", encoding="utf-8")
    assert verify(exported, cleared)[0] == 1
    checkpoint.write_bytes(b"x" * 100_000)
    assert verify(exported, cleared)[0] in (1, 4)


def test_a_policy_of_another_network_verifies_nothing(cleared: Cleared, tmp_path: Path) -> None:
    text = cleared.policy.read_text(encoding="utf-8")
    name = next(
        line.split()[1].split("+")[0] for line in text.splitlines() if line.startswith("log")
    )
    other = tmp_path / "other.policy"
    for content, codes in [
        (text.replace(name, name.replace("100000", "100001")), (1, 2)),
        ("", (2,)),
        (text + "quorum none\n", (2,)),
    ]:
        other.write_text(content, encoding="utf-8")
        done = gongzhang("audit", "verify", cleared.home / DEBTOR, "--policy", other)
        assert done.returncode in codes, done.stdout + done.stderr
    done = gongzhang("audit", "verify", cleared.home / DEBTOR, "--policy", tmp_path / "nowhere")
    assert done.returncode == 2


def test_a_folder_with_nothing_in_it_is_wrong_use(cleared: Cleared, tmp_path: Path) -> None:
    assert gongzhang("audit", "verify", tmp_path, "--policy", cleared.policy).returncode == 2
    nowhere = tmp_path / "nowhere"
    assert gongzhang("audit", "verify", nowhere, "--policy", cleared.policy).returncode == 2


def test_one_month_alone_can_be_asked_for(cleared: Cleared) -> None:
    given = ["audit", "verify", cleared.home / DEBTOR, "--policy", cleared.policy, "--month"]
    assert [m["month"] for m in as_json(*given, "2017-04")["months"]] == ["2017-04"]
    assert gongzhang(*given, "2019-01").returncode == 3
