"""What comes with the program: rule sets and tables of holidays, in `configs/`."""

from functools import cache
from importlib import resources

from ledger.errors import FormError
from settlement.workdays import Holidays, parse_holidays

DEFAULT = "interprovince-net"


def rulesets() -> list[str]:
    """Return the names of the rule sets that come with the program."""
    return _names("rulesets")


def ruleset(name: str = DEFAULT) -> bytes:
    """Return the file of a rule set by name; raises FormError for any other name."""
    if name not in rulesets():
        raise FormError("rule set", f"one of {', '.join(rulesets())}", name)
    return resources.files("configs").joinpath(f"rulesets/{name}.toml").read_bytes()


@cache
def holidays() -> dict[int, Holidays]:
    """Return the tables of holidays that come with the program, by year."""
    folder = resources.files("configs").joinpath("holidays")
    tables = [parse_holidays(folder.joinpath(f"{n}.toml").read_bytes()) for n in _names("holidays")]
    return {table.year: table for table in tables}


def _names(folder: str) -> list[str]:
    found = resources.files("configs").joinpath(folder).iterdir()
    return sorted(item.name.removesuffix(".toml") for item in found if item.name.endswith(".toml"))
