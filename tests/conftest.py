"""Profiles and fixtures that all tests share."""

import os

import pytest
from hypothesis import HealthCheck, settings

from node import logs
from tests.cleared import cleared

__all__ = ["cleared"]

# `quick` is what `make test` runs; `deep` is for a night: HYPOTHESIS_PROFILE=deep make test
settings.register_profile(
    "quick",
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("deep", max_examples=3_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


@pytest.fixture(autouse=True, scope="session")
def _quiet_logs() -> None:
    logs.configure("critical")


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GONGZHANG_LANG", "en")
