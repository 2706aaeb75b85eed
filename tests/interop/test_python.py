"""Software nobody here wrote accepts our logs: Python's `tlog-scales`, with OpenSSL's Ed25519."""

import ast
import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path

import pytest

from settlement.party import CENTRE
from tests.cleared import Cleared
from tests.commands import as_json, gongzhang

PROGRAM = Path(__file__).with_name("verify.py")
SICHUAN, SHAANXI, QINGHAI = "510000", "610000", "630000"

Trusted = Callable[[str, Path], list[str]]


def run(*arguments: object) -> tuple[int, str]:
    """Run the verifier where it cannot import anything of ours."""
    done = subprocess.run(
        [sys.executable, "-P", str(PROGRAM), *map(str, arguments)], capture_output=True, text=True,
        timeout=120, check=False, cwd=PROGRAM.parent,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def refused(*arguments: object) -> bool:
    status, text = run(*arguments)
    return status == 1 and text.startswith("refused: ")


def flip(path: Path, at: int = -1) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def flip_in_base64(path: Path, number: int) -> None:
    """Flip a bit of what the last word of a line stands for, so that it stays well formed."""
    lines = path.read_text("utf-8").split("\n")
    *before, word = lines[number].split(" ")
    raw = b64decode(word)
    lines[number] = " ".join([*before, b64encode(raw[:-1] + bytes([raw[-1] ^ 1])).decode()])
    path.write_text("\n".join(lines), "utf-8")


@pytest.fixture(scope="module")
def vkeys(cleared: Cleared) -> dict[tuple[str, str], str]:
    """Return the vkeys by code and purpose."""
    found = {}
    for code in (CENTRE, SICHUAN, SHAANXI, QINGHAI):
        for key in as_json("key", "vkeys", "--home", cleared.home / code)["vkeys"]:
            found[code, key["purpose"]] = key["vkey"]
    return found


@pytest.fixture
def trusted(vkeys: dict[tuple[str, str], str]) -> Trusted:
    """Return what gives the vkeys for a file: its log's, and those of all who cosigned it."""

    def keys_for(code: str, file: Path) -> list[str]:
        text = file.read_text("utf-8")
        witnesses = [key for (_, purpose), key in vkeys.items() if purpose == "witness"]
        cosigners = [key for key in witnesses if f"\u2014 {key.split('+')[0]} " in text]
        assert len(cosigners) >= 2  # the quorum of four parties
        return [vkeys[code, "checkpoint"], *cosigners]

    return keys_for


@pytest.fixture
def exported(cleared: Cleared, tmp_path: Path) -> Path:
    target = tmp_path / "exported"
    assert gongzhang("log", "export", target, "--home", cleared.home / QINGHAI).returncode == 0
    return target


@pytest.fixture
def proof(cleared: Cleared, tmp_path: Path) -> tuple[Path, Path]:
    """Return a proof file and its leaf."""
    file, leaf = tmp_path / "f.tlog-proof", tmp_path / "f.leaf"
    given = ["--home", cleared.home / QINGHAI, "--log", SICHUAN, "--index", 5]
    done = gongzhang("audit", "prove", *given, "--out", file, "--leaf-out", leaf)
    assert done.returncode == 0, done.stderr
    return file, leaf


def test_the_verifier_imports_nothing_of_ours() -> None:
    nodes = list(ast.walk(ast.parse(PROGRAM.read_text("utf-8"))))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    foreign = {name.split(".")[0] for name in names} - set(sys.stdlib_module_names)
    assert foreign == {"cryptography", "tlog_scales"}


@pytest.mark.parametrize("code", [CENTRE, SICHUAN, SHAANXI, QINGHAI])
def test_an_exported_log_is_accepted(exported: Path, trusted: Trusted, code: str) -> None:
    folder = exported / code
    status, text = run("log", folder, *trusted(code, folder / "checkpoint"))
    assert (status, "cosignatures verified" in text) == (0, True), text


@pytest.mark.parametrize("pattern", ["tile/0/*.p/*", "tile/entries/*.p/*"])
def test_a_flipped_bit_in_a_tile_or_bundle_is_refused(
    exported: Path, trusted: Trusted, pattern: str
) -> None:
    (file,) = (exported / SICHUAN).glob(pattern)
    flip(file)
    keys = trusted(SICHUAN, exported / SICHUAN / "checkpoint")
    assert refused("log", exported / SICHUAN, *keys)


ROOT, SIGNED, COSIGNED, ALSO_COSIGNED = 2, 4, 5, 6  # lines of a checkpoint


@pytest.mark.parametrize("line", [ROOT, SIGNED, COSIGNED, ALSO_COSIGNED])
def test_a_flipped_bit_in_a_checkpoint_is_refused(
    exported: Path, trusted: Trusted, line: int
) -> None:
    checkpoint = exported / SICHUAN / "checkpoint"
    keys = trusted(SICHUAN, checkpoint)
    flip_in_base64(checkpoint, line)
    assert refused("log", exported / SICHUAN, *keys)


def test_another_log_key_and_a_witness_that_has_not_signed_are_refused(
    exported: Path, trusted: Trusted, vkeys: dict[tuple[str, str], str]
) -> None:
    folder = exported / SICHUAN
    own, *cosigners = trusted(SICHUAN, folder / "checkpoint")
    assert refused("log", folder, vkeys[CENTRE, "checkpoint"], *cosigners)
    assert refused("log", folder, own, vkeys[SICHUAN, "witness"])  # nobody cosigns his own log


def test_a_proof_file_is_accepted_and_another_leaf_is_not(
    proof: tuple[Path, Path], trusted: Trusted
) -> None:
    file, leaf = proof
    keys = trusted(SICHUAN, file)
    status, text = run("proof", file, leaf, *keys)
    assert (status, text.startswith("the leaf is number 5 of ")) == (0, True), text
    flip(leaf)
    assert refused("proof", file, leaf, *keys)


@pytest.mark.parametrize("line", ["hash", ROOT, SIGNED, COSIGNED, ALSO_COSIGNED])
def test_a_flipped_bit_in_a_proof_file_is_refused(
    proof: tuple[Path, Path], trusted: Trusted, line: int | str
) -> None:
    file, leaf = proof
    keys = trusted(SICHUAN, file)
    start = file.read_text("utf-8").split("\n").index("") + 1  # of the checkpoint
    flip_in_base64(file, 2 if line == "hash" else start + int(line))
    assert refused("proof", file, leaf, *keys)


def test_a_consistency_proof_is_accepted_and_a_flipped_bit_in_it_is_not(cleared: Cleared) -> None:
    given = ["--home", cleared.home / QINGHAI, "--log", SICHUAN, "--from", 3, "--to", 9]
    found = as_json("audit", "consistency", *given)
    hashes = [found["from"]["root"], found["to"]["root"], *found["proof"]]
    assert run("consistency", 3, 9, *hashes)[0] == 0
    for i in range(len(hashes)):
        raw = b64decode(hashes[i])
        wrong = b64encode(raw[:-1] + bytes([raw[-1] ^ 1])).decode()
        assert refused("consistency", 3, 9, *hashes[:i], wrong, *hashes[i + 1 :])
