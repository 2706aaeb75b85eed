"""Software nobody here wrote accepts our logs: Go's checksum database code reads what we export."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from settlement.party import CENTRE
from tests.cleared import Cleared
from tests.commands import as_json, gongzhang

SOURCE = Path(__file__).with_name("verify.go")
LIBRARY = Path("/usr/share/gocode/src/golang.org/x/mod/sumdb/tlog")
SICHUAN, QINGHAI = "510000", "630000"


@pytest.fixture(scope="module")
def verifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the verifier, compiled."""
    if shutil.which("go") is None or not LIBRARY.exists():
        pytest.skip("Go and golang-golang-x-mod-dev are not installed (see `make interop`)")
    folder = tmp_path_factory.mktemp("go")
    environment = {
        **os.environ,
        "GO111MODULE": "off",
        "GOPATH": "/usr/share/gocode",
        "GOCACHE": str(folder / "cache"),
        "GOFLAGS": "",
    }
    target = folder / "verify"
    subprocess.run(
        ["go", "build", "-o", str(target), str(SOURCE)], env=environment, check=True, timeout=300
    )
    return target


def run(verifier: Path, *arguments: object) -> tuple[int, str]:
    done = subprocess.run(
        [str(verifier), *map(str, arguments)], capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def vkey(cleared: Cleared, code: str) -> str:
    keys = as_json("key", "vkeys", "--home", cleared.home / code)["vkeys"]
    (found,) = [key["vkey"] for key in keys if key["purpose"] == "checkpoint"]
    return str(found)


@pytest.fixture
def exported(cleared: Cleared, tmp_path: Path) -> Path:
    target = tmp_path / "exported"
    assert gongzhang("log", "export", target, "--home", cleared.home / QINGHAI).returncode == 0
    return target


@pytest.mark.parametrize("code", [CENTRE, SICHUAN, QINGHAI])
def test_every_entry_tile_and_proof_of_an_exported_log(
    verifier: Path, cleared: Cleared, exported: Path, code: str
) -> None:
    status, text = run(verifier, "log", exported / code, vkey(cleared, code))
    assert status == 0, text
    assert "entries verified" in text


def test_a_changed_entry_or_another_key_is_refused(
    verifier: Path, cleared: Cleared, exported: Path
) -> None:
    assert run(verifier, "log", exported / SICHUAN, vkey(cleared, CENTRE))[0] == 1
    (bundle,) = (exported / SICHUAN / "tile" / "entries").rglob("*.p/*")
    data = bundle.read_bytes()
    bundle.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert run(verifier, "log", exported / SICHUAN, vkey(cleared, SICHUAN))[0] == 1


def test_a_proof_file_and_a_consistency_proof(
    verifier: Path, cleared: Cleared, tmp_path: Path
) -> None:
    home, proof, leaf = cleared.home / QINGHAI, tmp_path / "f.tlog-proof", tmp_path / "f.leaf"
    given = ["--home", home, "--log", SICHUAN]
    done = gongzhang("audit", "prove", *given, "--index", 5, "--out", proof, "--leaf-out", leaf)
    assert done.returncode == 0, done.stderr
    status, text = run(verifier, "proof", proof, leaf, vkey(cleared, SICHUAN))
    assert status == 0, text
    leaf.write_bytes(b"another leaf")
    assert run(verifier, "proof", proof, leaf, vkey(cleared, SICHUAN))[0] == 1
    found = as_json("audit", "consistency", *given, "--from", 3, "--to", 9)
    roots = found["from"]["root"], found["to"]["root"]
    status, text = run(verifier, "consistency", 3, 9, *roots, *found["proof"])
    assert status == 0, text
    assert run(verifier, "consistency", 3, 9, *reversed(roots), *found["proof"])[0] == 1
