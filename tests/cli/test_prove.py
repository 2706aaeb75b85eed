"""Proofs handed from a node to somebody who has nothing but files."""

from pathlib import Path

import pytest

from settlement.party import CENTRE
from tests.cleared import Cleared
from tests.commands import as_json, gongzhang

SICHUAN, QINGHAI = "510000", "630000"


@pytest.fixture
def files(cleared: Cleared, tmp_path: Path) -> tuple[Path, Path, Path]:
    """Return proof, leaf and policy for one entry of Sichuan's log, as Qinghai's node holds it."""
    home = cleared.home / QINGHAI
    proof, leaf, policy = (tmp_path / name for name in ("f.tlog-proof", "f.leaf", "f.policy"))
    done = gongzhang(
        "audit", "prove", "--home", home, "--log", SICHUAN, "--index", 4, "--out", proof,
        "--leaf-out", leaf,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    printed = gongzhang("roster", "policy", "--home", home, "--log", SICHUAN)
    policy.write_text(printed.stdout, encoding="utf-8")
    return proof, leaf, policy


def check(proof: Path, leaf: Path, policy: Path) -> int:
    return gongzhang("audit", "check", proof, "--leaf", leaf, "--policy", policy).returncode


def test_a_proof_is_checked_without_any_node(files: tuple[Path, Path, Path]) -> None:
    proof, leaf, policy = files
    found = as_json("audit", "check", proof, "--leaf", leaf, "--policy", policy)
    assert (found["ok"], found["index"]) == (True, 4)
    assert len(found["cosigners"]) >= 2
    assert found["withstands"] == 0  # three witnesses, two must agree
    assert check(proof, leaf, policy) == 0


def test_the_leaf_beside_a_proof_need_not_be_named(files: tuple[Path, Path, Path]) -> None:
    proof, leaf, policy = files
    assert gongzhang("audit", "check", proof, "--policy", policy).returncode == 0
    leaf.unlink()
    missing = gongzhang("audit", "check", proof, "--policy", policy)
    assert missing.returncode == 2
    assert "--leaf" in missing.stderr


def test_another_entry_another_policy_and_a_changed_file_are_told_apart(
    files: tuple[Path, Path, Path], cleared: Cleared
) -> None:
    proof, leaf, policy = files
    whole = leaf.read_bytes()
    leaf.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert check(proof, leaf, policy) == 1
    leaf.write_bytes(whole)
    assert check(proof, leaf, cleared.policy) == 3  # it knows the centre's log only
    proof.write_bytes(proof.read_bytes().replace(b"index 4", b"index 5"))
    assert check(proof, leaf, policy) == 1
    proof.write_bytes(b"nonsense")
    assert check(proof, leaf, policy) == 2
    assert check(proof, leaf.with_name("nowhere"), policy) == 2


def test_nothing_is_overwritten_and_nothing_outside_the_log_is_proved(
    files: tuple[Path, Path, Path], cleared: Cleared, tmp_path: Path
) -> None:
    proof, leaf, _ = files
    given = ["audit", "prove", "--home", cleared.home / QINGHAI, "--log"]
    new = ["--out", tmp_path / "n.tlog-proof", "--leaf-out", tmp_path / "n.leaf"]
    old = ["--out", proof, "--leaf-out", leaf]
    assert gongzhang(*given, SICHUAN, "--index", 0, *old).returncode == 2
    assert gongzhang(*given, SICHUAN, "--index", 99_999, *new).returncode == 2
    assert gongzhang(*given, "990000", "--index", 0, *new).returncode == 2
    assert not (tmp_path / "n.leaf").exists()


def test_a_log_is_the_beginning_of_itself(cleared: Cleared) -> None:
    given = ["audit", "consistency", "--home", cleared.home / QINGHAI, "--log", CENTRE]
    found = as_json(*given, "--from", 3, "--to", 7)
    assert found["ok"] is True
    assert found["proof"]
    assert gongzhang(*given, "--from", 7, "--to", 3).returncode == 2
    assert gongzhang(*given, "--from", 1, "--to", 999).returncode == 2
    assert "base64" in gongzhang(*given, "--from", 3, "--to", 7).stdout


def test_the_verifier_keys_are_those_of_the_policy(cleared: Cleared) -> None:
    keys = as_json("key", "vkeys", "--home", cleared.home / CENTRE)["vkeys"]
    assert [key["purpose"] for key in keys] == ["checkpoint", "witness"]
    policy = cleared.policy.read_text(encoding="utf-8")
    assert keys[0]["vkey"] in policy
    witness = as_json("key", "vkeys", "--home", cleared.home / QINGHAI)["vkeys"][1]["vkey"]
    assert witness in policy
    printed = gongzhang("roster", "policy", "--home", cleared.home / QINGHAI)
    assert printed.stdout == policy
