"""Running `gongzhang` as its users do: as a process, by its exit code and what it prints."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "configs" / "examples" / "qinghai-2017.csv"


def environment(**changes: str) -> dict[str, str]:
    """Return the environment of a user who has activated this one."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "GONGZHANG_LANG": "en", "COLUMNS": "200", **changes}


def gongzhang(
    *arguments: object, cwd: Path | None = None, **changes: str
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end and return what it did."""
    command = ["gongzhang", *map(str, arguments)]
    return subprocess.run(
        command, cwd=cwd, env=environment(**changes), capture_output=True, text=True, timeout=540,
        check=False,
    )  # fmt: skip


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
