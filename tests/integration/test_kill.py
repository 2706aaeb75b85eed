"""kill -9 of a writing process, again and again: nothing acknowledged is lost."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.commands import ROOT
from tests.integration.check import check_home
from tests.integration.homes import founded
from tests.integration.writer import GROUP

KILLS = 60


def test_sixty_kills_lose_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    home, peer = founded(tmp_path)
    acks = tmp_path / "acks"
    acks.touch()
    chance = random.Random(1)
    size = 0
    for number in range(KILLS):
        command = [
            sys.executable, "-m", "tests.integration.writer",
            str(home), str(peer), str(acks), str(size // GROUP), "100000",
        ]  # fmt: skip
        before = acks.stat().st_size
        with (tmp_path / "errors").open("wb") as errors:
            child = subprocess.Popen(command, cwd=ROOT, stderr=errors)
            while acks.stat().st_size == before:
                assert child.poll() is None, (tmp_path / "errors").read_text(encoding="utf-8")
                time.sleep(0.002)
            time.sleep(chance.random() * 0.05)
            child.send_signal(signal.SIGKILL)
            ended = child.wait()
        assert ended == -signal.SIGKILL, (tmp_path / "errors").read_text(encoding="utf-8")
        lines = acks.read_bytes().decode().splitlines()
        last = number == KILLS - 1
        size = check_home(home, lines[-6:] if not last else lines, deep=last)
        assert size % GROUP == 0  # a group is there as a whole or not at all
    assert size > KILLS * GROUP
