"""Audits of much, and of what is new: processes, tables on disk, earlier reports."""

import json
import shutil
from pathlib import Path

import pytest

from cli.audit import audit_source, load_policy
from cli.clone import _Tiles
from cli.since import parse_since
from cli.source import FolderSource
from cli.verifiers import Verifiers, verifiers
from cli.workspace import workspace
from ledger import log
from ledger.errors import DamageError, FormError
from ledger.hashing import leaf_hash
from ledger.table import log_key
from settlement.party import CENTRE
from tests.cleared import Cleared
from tests.commands import as_json, gongzhang

SICHUAN, QINGHAI = "510000", "630000"


@pytest.fixture
def folder(cleared: Cleared, tmp_path: Path) -> Path:
    """Return an export of all logs."""
    assert (
        gongzhang("log", "export", tmp_path / "x", "--home", cleared.home / QINGHAI).returncode == 0
    )
    return tmp_path / "x"


def flipped(folder: Path, code: str, index: int) -> None:
    """Break one entry's signature and make tiles and nothing else follow."""
    (path,) = (folder / code / "tile" / "entries").rglob("*.p/*")
    leaves = log.parse_bundle(path.read_bytes())
    leaves[index] = bytes([leaves[index][0] ^ 1]) + leaves[index][1:]
    path.write_bytes(b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in leaves))
    tiles = _Tiles(folder / code)
    tiles.add(leaf_hash(leaf) for leaf in leaves)
    tiles.finish()


@pytest.mark.parametrize("large", [0, 1_000_000])
def test_processes_and_tables_on_disk_change_nothing_of_the_report(
    large: int, folder: Path, cleared: Cleared, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = load_policy(cleared.policy)
    alone = audit_source(folder, policy, workers=1)
    monkeypatch.setattr("cli.workspace.LARGE", large)
    monkeypatch.setattr("cli.verifiers.SLICE", 7)
    monkeypatch.setattr("cli.verify.SLICE", 7)
    for path in (folder, cleared.home / SICHUAN):
        many = audit_source(path, policy, workers=2)
        assert many.exit_code == 0, many.findings
        if path == folder:
            assert many.as_json() == alone.as_json()


def test_workers_find_the_signature_that_does_not_hold(folder: Path, cleared: Cleared) -> None:
    flipped(folder, SICHUAN, 2)
    reports = [audit_source(folder, load_policy(cleared.policy), workers=n) for n in (1, 2)]
    assert reports[0].as_json() == reports[1].as_json()
    assert reports[0].exit_code == 1


def test_a_key_that_changes_ends_what_was_verified_ahead(folder: Path, cleared: Cleared) -> None:
    source = FolderSource(folder)
    size = int(source.checkpoint(SICHUAN).split(b"\n", 2)[1])
    with verifiers(folder, 0, workers=2) as ahead:
        ahead.network_id = bytes(32)
        first = ahead.verdicts(SICHUAN, 0, size, bytes(32))
        assert first is not None
        assert len(first.bad) == size  # nothing holds under such a key
        again = ahead.verdicts(SICHUAN, 0, size, bytes([1]) + bytes(31))
        assert again is not None
        assert again.key == bytes([1]) + bytes(31)
    assert Verifiers(None).verdicts(SICHUAN, 0, size, bytes(32)) is None


@pytest.mark.parametrize("large", [0, 1_000_000])
def test_a_source_that_changes_under_the_audit_is_found_out(
    large: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.workspace.LARGE", large)
    source = FolderSource(folder)
    size = int(source.checkpoint(SICHUAN).split(b"\n", 2)[1])
    key = log_key(SICHUAN)
    with workspace(source, 1) as space:
        leaves = list(source.leaves(SICHUAN, 0, size))
        space.transact(lambda writer: log.append(writer, key, leaves, 0))
        with space.read() as reader:
            assert log.leaf(reader, key, 1) == leaves[1]
            assert list(log.leaves(reader, key, 0, size)) == leaves
        flipped(folder, SICHUAN, 1)
        source._last = None, []
        with space.read() as reader, pytest.raises(DamageError, match="a moment ago"):
            log.leaf(reader, key, 1)


# --- what is new ----------------------------------------------------------------------------------


@pytest.fixture
def report(folder: Path, cleared: Cleared, tmp_path: Path) -> Path:
    """Return the report file of a full audit."""
    path = tmp_path / "report.json"
    done = gongzhang("audit", "verify", folder, "--policy", cleared.policy, "--report", path)
    assert done.returncode == 0
    return path


def test_after_a_report_nothing_is_left_to_verify(
    folder: Path, cleared: Cleared, report: Path
) -> None:
    full = json.loads(report.read_text(encoding="utf-8"))
    found = as_json("audit", "verify", folder, "--policy", cleared.policy, "--since", report)
    assert (found["ok"], found["entries_verified"]) == (True, 0)
    assert found["entries_known"] == full["entries_verified"]
    assert found["months"] == full["months"]
    assert found["heads"] == full["heads"]


def test_after_a_checkpoint_of_the_centre_only_what_no_confirmed_cut_covers_is_verified(
    folder: Path, cleared: Cleared
) -> None:
    note = folder / CENTRE / "checkpoint"
    found = as_json("audit", "verify", folder, "--policy", cleared.policy, "--since", note)
    assert found["ok"]
    assert found["entries_known"] > 0
    assert found["entries_verified"] > 0  # what was written after the last cut
    shown = gongzhang("audit", "verify", folder, "--policy", cleared.policy, "--since", note)
    assert "known before" in shown.stdout


def test_a_log_that_does_not_continue_what_was_verified_is_false(
    folder: Path, cleared: Cleared, report: Path
) -> None:
    value = json.loads(report.read_text(encoding="utf-8"))
    value["heads"][SICHUAN]["root"] = "00" * 32
    report.write_text(json.dumps(value), encoding="utf-8")
    found = as_json("audit", "verify", folder, "--policy", cleared.policy, "--since", report)
    assert found["exit"] == 1
    assert any("does not continue" in finding["text"] for finding in found["findings"])
    value["heads"][SICHUAN]["size"] = 10**6
    report.write_text(json.dumps(value), encoding="utf-8")
    found = as_json("audit", "verify", folder, "--policy", cleared.policy, "--since", report)
    assert found["exit"] == 1


def test_a_changed_old_entry_is_found_though_its_signature_is_not_looked_at(
    folder: Path, cleared: Cleared, report: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    flipped(copy, SICHUAN, 1)
    found = as_json("audit", "verify", copy, "--policy", cleared.policy, "--since", report)
    assert found["exit"] == 1


def test_files_that_are_neither_are_refused(folder: Path, cleared: Cleared, report: Path) -> None:
    value = json.loads(report.read_text(encoding="utf-8"))
    for text in (b"", b"{}", b"nonsense", b"[1]", json.dumps({**value, "ok": False}).encode()):
        with pytest.raises(FormError, match=r"since\.json"):
            parse_since(text, "since.json")
    report.write_text(json.dumps({**value, "network": "00" * 32}), encoding="utf-8")
    given = ("audit", "verify", folder, "--policy", cleared.policy, "--since")
    assert gongzhang(*given, report).returncode == 3
    assert gongzhang(*given, folder / "nowhere").returncode == 2
    assert gongzhang(*given, cleared.policy).returncode == 2
    assert gongzhang(*given, folder / SICHUAN / "checkpoint").returncode == 3
