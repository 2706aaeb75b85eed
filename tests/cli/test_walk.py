"""The walk of the README, as it is printed there, with real processes."""

import os
import re
import shlex
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.commands import EXAMPLE, ROOT, environment, gongzhang

PORTS = re.compile(r"127\.0\.0\.1:70(\d\d)")
PATIENCE_SECONDS = 120


def commands() -> list[str]:
    """Return the lines of all shell blocks of the walk."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    walk = text[text.index("## The same by hand") : text.index("Exit codes:")]
    return [
        line for block in re.findall(r"```sh\n(.*?)```", walk, re.S) for line in block.splitlines()
    ]


@pytest.fixture
def offset() -> str:
    """Return two digits of ports that this machine is not using (71xx to 79xx)."""
    return str(71 + os.getpid() % 9)


def test_every_command_of_the_walk_does_what_it_says(tmp_path: Path, offset: str) -> None:
    lines = commands()
    assert len(lines) > 35
    nodes: list[subprocess.Popen[bytes]] = []
    printed: dict[str, str] = {}
    try:
        for line in lines[3:]:  # after activating, DATA and mkdir
            text = PORTS.sub(rf"127.0.0.1:{offset}\1", line).replace("$DATA", str(EXAMPLE))
            words = shlex.split(text)
            assert words[0] == "gongzhang"
            if words[-1] == "&":
                home = tmp_path / words[words.index("--home") + 1]
                nodes.append(started(words[:-1], tmp_path, home))
            else:
                printed[line] = patient(words[1:], tmp_path)
    finally:
        for node in nodes:
            node.send_signal(signal.SIGTERM)
        codes = [node.wait(20) for node in nodes]
    assert codes == [0, 0, 0, 0]
    shows = [text for line, text in printed.items() if "entry show" in line]
    assert "cleared" in shows[-1]
    assert "FINAL" in gongzhang("batch", "show", "2017-03", "--home", tmp_path / "630000").stdout
    audits = [text for line, text in printed.items() if "audit verify" in line]
    assert len(audits) == 2
    assert all("VERIFIED: 4 logs" in text for text in audits)


def started(words: list[str], cwd: Path, home: Path) -> subprocess.Popen[bytes]:
    log = (home / "node.log").open("wb")
    node = subprocess.Popen(words, cwd=cwd, env=environment(), stdout=log, stderr=log)
    end = time.monotonic() + PATIENCE_SECONDS
    while not (home / "node.sock").exists():
        assert node.poll() is None, (home / "node.log").read_text(encoding="utf-8")
        assert time.monotonic() < end
        time.sleep(0.05)
    return node


def patient(words: list[str], cwd: Path) -> str:
    """Run a command; what still waits for other nodes is tried again, as a person would."""
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        time.sleep(1.0 if words[0] in ("day", "batch", "leg", "audit", "log") else 0.1)
        done = gongzhang(*words, cwd=cwd)
        waiting = "nothing new to accept" in done.stderr
        if done.returncode == 0 and not waiting:
            return done.stdout + done.stderr
        assert time.monotonic() < end, (words, done.stdout, done.stderr)
