"""Power loss: images rebuilt from the recorded writes of the whole node directory."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from tests.commands import ROOT
from tests.integration.homes import founded
from tests.integration.powerloss import HEAD, Disk, File, Operation

RECORDER = Path(__file__).with_name("recorder.c")
TURNS, IMAGES = 40, 300


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the recorder, compiled."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler on this machine: writes cannot be recorded")
    target = tmp_path_factory.mktemp("recorder") / "recorder.so"
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(target), str(RECORDER), "-ldl"]
    subprocess.run(command, check=True, capture_output=True)
    return target


def recorded(recorder: Path, folder: Path, turns: int) -> tuple[Path, Path]:
    """Let the writer work under the recorder; return the home as it began, and the record."""
    home, peer = founded(folder)
    before = folder / "before" / home.name
    shutil.copytree(home, before)
    record = folder / "record"
    command = [
        sys.executable, "-m", "tests.integration.writer",
        str(home), str(peer), str(home / "acks"), "0", str(turns),
    ]  # fmt: skip
    environment = {
        **os.environ,
        "LD_PRELOAD": str(recorder),
        "RECORD_DIR": str(home),
        "RECORD_LOG": str(record),
    }
    subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=120)
    # The record names the home where the writer had it: put the beginning back there.
    shutil.rmtree(home)
    shutil.copytree(before, home)
    return home, record


def judge(home: Path, record: Path, work: Path, seed: int) -> dict[str, object]:
    command = [
        sys.executable, "-m", "tests.integration.powerloss",
        str(record), str(home), str(work), str(seed), str(IMAGES),
    ]  # fmt: skip
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=400, check=False
    )
    assert done.returncode == 0, done.stderr
    value = json.loads(done.stdout)
    assert isinstance(value, dict)
    return value


def test_no_power_loss_loses_what_was_acknowledged_or_signed(
    recorder: Path, tmp_path: Path
) -> None:
    home, record = recorded(recorder, tmp_path, TURNS)
    found = judge(home, record, tmp_path / "work", 1)
    assert found["wrong"] == []
    assert int(str(found["images"])) > IMAGES


def test_the_judge_notices_a_disk_that_never_syncs(recorder: Path, tmp_path: Path) -> None:
    # Without the syncs the same record must fail: else the images prove nothing.
    home, record = recorded(recorder, tmp_path, 12)
    data, at, kept = record.read_bytes(), 0, bytearray()
    while at < len(data):
        what, name, offset, length = HEAD.unpack_from(data, at)
        stop = at + HEAD.size + name + length
        if what != b"S":
            head = HEAD.pack(b"W" if what == b"D" else what, name, offset, length)
            kept += head + data[at + HEAD.size : stop]
        at = stop
    record.write_bytes(kept)
    assert int(str(judge(home, record, tmp_path / "work", 2)["bad"])) > 10


def test_the_model_keeps_what_was_synced_and_may_lose_the_rest(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"")
    disk, name = Disk(tmp_path), str(tmp_path / "f")
    disk.take(Operation("W", name, 0, b"a" * 600))
    disk.take(Operation("S", name, 0, b""))
    disk.take(Operation("W", name, 600, b"b" * 1_000))
    seen = {disk.image(Random(n), 0.5)[name] for n in range(200)}
    assert all(content.startswith(b"a" * 600) for content in seen)
    assert disk.image(Random(0), 1.0)[name] == b"a" * 600 + b"b" * 1_000
    assert len(seen) > 4
    assert File(bytearray(b"x")).image(Random(0), 0.0) == b"x"
