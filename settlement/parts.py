"""Who has done its part of a step of a calendar, as the entries of the logs say it."""

from dataclasses import dataclass
from datetime import date

from settlement.record import Place


@dataclass(frozen=True)
class Parts:
    """The parts of one step; empty where the step asks nothing of anybody."""

    done: tuple[Place, ...] = ()
    owing: tuple[str, ...] = ()  # can do it and have not
    missed: tuple[str, ...] = ()  # can do it no more
    waits_for: str = ""  # an event that must come first
    over: date | None = None  # since when it can be done no more
