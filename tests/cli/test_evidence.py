"""A province that shows two faces, found by laying two exports side by side."""

import shutil
from pathlib import Path

import pytest

from cli.clone import _Tiles
from ledger import log
from ledger.checkpoint import Checkpoint, sign_checkpoint
from ledger.entry import decode_entry, make_entry
from ledger.hashing import leaf_hash
from ledger.merkle import root_of
from ledger.tiles import tile_path
from node.home import founding_roster, load_keys
from tests.cleared import Cleared
from tests.commands import as_json, gongzhang
from tests.network import settlement

SICHUAN, QINGHAI = "510000", "630000"


@pytest.fixture
def faces(cleared: Cleared, tmp_path: Path) -> tuple[Path, Path]:
    """Return two exports; in the second Sichuan's last entry is another one, signed by Sichuan."""
    one, two = tmp_path / "one", tmp_path / "two"
    assert gongzhang("log", "export", one, "--home", cleared.home / QINGHAI).returncode == 0
    shutil.copytree(one, two)
    home = cleared.home / SICHUAN
    keys, roster = load_keys(home, lambda: None), founding_roster(home)
    origin = roster.origin(SICHUAN)
    (bundle,) = (two / SICHUAN / "tile" / "entries").rglob("*.p/*")
    leaves = log.parse_bundle(bundle.read_bytes())
    last = decode_entry(leaves[-1])
    body = settlement("FORGED", 1).encode()
    leaves[-1] = make_entry(keys.entry, roster.network_id, origin, last.index, 10, 1, body)
    assert tile_path("entries", 0, len(leaves)) in str(bundle)
    data = b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in leaves)
    bundle.write_bytes(data)
    hashes = [leaf_hash(leaf) for leaf in leaves]
    tiles = _Tiles(two / SICHUAN)
    tiles.add(hashes)
    tiles.finish()
    note = sign_checkpoint(Checkpoint(origin, len(leaves), root_of(hashes)), keys.checkpoint)
    (two / SICHUAN / "checkpoint").write_bytes(note)
    return one, two


def test_two_faces_end_as_evidence_that_convicts_without_any_node(
    faces: tuple[Path, Path], cleared: Cleared, tmp_path: Path
) -> None:
    found = gongzhang(
        "audit", "compare", *faces, "--policy", cleared.policy, "--out", tmp_path / "ev"
    )
    assert found.returncode == 4, found.stdout + found.stderr
    assert "SPLIT" in found.stdout
    files = sorted((tmp_path / "ev").iterdir())
    assert [path.name.split("-", 1)[1].rsplit("-", 1)[0] for path in files] == [
        "two-entries", "two-heads",
    ]  # fmt: skip
    for path in files:
        done = gongzhang("audit", "evidence", path, "--policy", cleared.policy)
        assert done.returncode == 4
        assert "510000 Sichuan" in done.stdout
        verdict = as_json("audit", "evidence", path, "--policy", cleared.policy)
        assert (verdict["code"], verdict["log"]) == ("MISCONDUCT", SICHUAN)


def test_what_does_not_convict_says_so_with_another_exit_code(
    faces: tuple[Path, Path], cleared: Cleared, tmp_path: Path
) -> None:
    gongzhang("audit", "compare", *faces, "--policy", cleared.policy, "--out", tmp_path / "ev")
    path = sorted((tmp_path / "ev").iterdir())[0]
    lines = path.read_text(encoding="ascii").split("\n")
    exhibits = [n for n, line in enumerate(lines) if line.startswith("exhibit")]
    lines[exhibits[1]] = lines[exhibits[0]]
    path.write_text("\n".join(lines), encoding="ascii")
    assert gongzhang("audit", "evidence", path, "--policy", cleared.policy).returncode == 1
    path.write_text("nonsense", encoding="ascii")
    assert gongzhang("audit", "evidence", path, "--policy", cleared.policy).returncode == 2
    nowhere = tmp_path / "nowhere"
    assert gongzhang("audit", "evidence", nowhere, "--policy", cleared.policy).returncode == 2


def test_a_home_and_an_export_of_another_node_agree(
    faces: tuple[Path, Path], cleared: Cleared
) -> None:
    given = ["audit", "compare", cleared.home / SICHUAN, faces[0], "--policy", cleared.policy]
    assert gongzhang(*given).returncode == 0
    assert {d["verdict"] for d in as_json(*given)["logs"]} <= {"same", "longer"}
