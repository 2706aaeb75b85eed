"""The participants: 31 provinces, the Corps, and the national centre.

Codes are GB/T 2260; 660000 for the Corps and 100000 for the centre are practice, not the standard.
"""

import csv
from functools import cache, lru_cache
from importlib import resources
from typing import NamedTuple

from ledger.errors import FormError

CENTRE = "100000"


class Party(NamedTuple):
    """One participant or the centre."""

    code: str
    name_zh: str
    name_en: str
    role: str  # "province" or "centre"

    def name(self, language: str) -> str:
        """Return the name in `zh`, else in English."""
        return self.name_zh if language == "zh" else self.name_en


@cache
def parties() -> dict[str, Party]:
    """Return everybody by code, as `configs/participants.csv` lists them."""
    text = resources.files("configs").joinpath("participants.csv").read_text(encoding="utf-8")
    return {row["code"]: Party(**row) for row in csv.DictReader(text.splitlines())}


def party(code: str) -> Party:
    """Return the participant with this code; raises FormError for any other."""
    found = parties().get(code)
    if found is None:
        raise FormError("participant", "a code of configs/participants.csv", code)
    return found


@cache
def province_of(area: str) -> str:
    """Return the code of the participant a six-digit area belongs to.

    Raises:
        FormError: Not six digits, or in nobody's area.

    Example:
        >>> province_of("630100")
        '630000'
    """
    code = area[:2] + "0000"
    if len(area) != 6 or not area.isascii() or not area.isdigit() or code not in parties():
        raise FormError("area", "six digits in a participant's area", area)
    if code == CENTRE:
        raise FormError("area", "an area of a province", area)
    return code


@lru_cache(4096)
def city_of(area: str) -> str:
    """Return the city (统筹区) that a six-digit area is counted to.

    A district belongs to its city. Counties directly under a province (third and fourth digit 90)
    have no city above them; the area of the whole province is one of its own (R11).

    Example:
        >>> city_of("320102"), city_of("320100"), city_of("429004"), city_of("630000")
        ('320100', '320100', '429004', '630000')
    """
    return area if area[2:4] == _DIRECT else area[:4] + "00"


_DIRECT = "90"  # GB/T 2260
