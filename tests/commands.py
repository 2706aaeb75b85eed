"""Running `gongzhang` as its users do: as a process, by its exit code and what it prints."""

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TIMEOUT_SECONDS = 540
Done = subprocess.CompletedProcess[str]
EXAMPLE = ROOT / "configs" / "examples" / "qinghai-2017.csv"


def environment(**changes: str) -> dict[str, str]:
    """Return the environment of a user who has activated this one."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "GONGZHANG_LANG": "en", "COLUMNS": "200", **changes}


class CommandServer:
    """A process that has the program imported and runs commands, one at a time."""

    def __init__(self, language: str) -> None:
        mine, its = socket.socketpair()
        with its:
            command = [sys.executable, "-m", "tests.commandserver", str(its.fileno())]
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=environment(GONGZHANG_LANG=language),
                pass_fds=[its.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            )  # fmt: skip
        self._channel = mine
        self._answers = mine.makefile("rb")

    def run(self, arguments: list[str], cwd: Path, env: dict[str, str]) -> Done:
        """Run a command to its end in a process of its own; return what it did."""
        with tempfile.TemporaryDirectory(prefix="gongzhang-command-") as name:
            out, err = Path(name) / "out", Path(name) / "err"
            asked = {
                "arguments": arguments, "cwd": str(cwd), "env": env,
                "out": str(out), "err": str(err),
            }  # fmt: skip
            self._channel.sendall(json.dumps(asked).encode() + b"\n")
            child = int(self._answers.readline())
            self._channel.settimeout(TIMEOUT_SECONDS)
            try:
                code = int(self._answers.readline())
            except TimeoutError:
                os.kill(child, signal.SIGKILL)
                self.process.kill()
                raise subprocess.TimeoutExpired(arguments, TIMEOUT_SECONDS) from None
            self._channel.settimeout(None)
            return Done(arguments, code, out.read_text("utf-8"), err.read_text("utf-8"))

    def end(self) -> None:
        """End the process."""
        self._answers.close()
        self._channel.close()
        self.process.wait()


_idle: dict[str, list[CommandServer]] = {}  # by language: the help texts follow it at the import


@atexit.register
def _end() -> None:
    for servers in _idle.values():
        while servers:
            servers.pop().end()


def gongzhang(*arguments: object, cwd: Path | None = None, **changes: str) -> Done:
    """Run a command to its end and return what it did.

    Every command is a process of its own; most of what it imports is there already, see
    `commandserver`. Whoever changes more of the environment than the language gets a fresh one.
    """
    given = list(map(str, arguments))
    if changes.keys() - {"GONGZHANG_LANG"}:
        return subprocess.run(
            ["gongzhang", *given], cwd=cwd, env=environment(**changes), capture_output=True,
            text=True, timeout=TIMEOUT_SECONDS, check=False,
        )  # fmt: skip
    language = changes.get("GONGZHANG_LANG", "en")
    servers = _idle.setdefault(language, [])
    server = servers.pop() if servers else CommandServer(language)
    done = server.run(given, cwd or Path.cwd(), environment(**changes))
    servers.append(server)
    return done


def as_json(*arguments: object) -> Any:
    """Run a command with `--json`; return its object."""
    done = gongzhang(*arguments, "--json")
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def signed(home: Path, *arguments: object) -> Any:
    """Give an order at a node of a demo and let its two operators sign; return what came of it."""
    maker, checker = (home / "operators" / f"{name}.key" for name in ("maker", "checker"))
    made = as_json(*arguments, "--home", home, "--as", maker)
    if "pending" not in made:
        return made
    return as_json("approval", "sign", made["pending"], "--home", home, "--as", checker)
