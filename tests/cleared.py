"""One small cleared network that tests look at and copy."""

from pathlib import Path
from typing import Any

import pytest

from tests.commands import EXAMPLE, as_json

PARTIES = "510000,610000,630000"
MONTHS = "2017-03,2017-04"


class Cleared:
    """What a small demo left behind, and what it printed."""

    def __init__(self, home: Path, report: dict[str, Any]) -> None:
        self.home = home
        self.report = report
        self.policy = home / "auditor.policy"


@pytest.fixture(scope="session")
def cleared(tmp_path_factory: pytest.TempPathFactory) -> Cleared:
    """Return a network of three provinces that has cleared two months; nobody writes to it."""
    home = tmp_path_factory.mktemp("cleared") / "net"
    report = as_json(
        "demo", "--data", EXAMPLE, "--home", home, "--parties", PARTIES, "--months", MONTHS
    )
    return Cleared(home, report)
