"""Claims as they come to a counter: kinds and amounts as published, people and bills made up.

Shares and amounts per case are those of the first quarter of 2025 (domain facts 6.2); how amounts
scatter, how often somebody takes a claim back and who registers as what are assumptions.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from settlement.money import format_yuan


@dataclass(frozen=True)
class Kind:
    """One kind of case: its share in per mille and what it comes to in all, in fen."""

    name: str
    med_type: str
    per_mille: int
    total_fen: int
    categories: tuple[str, ...]


# The funds pay 10,038, 125, 906 and 108 yuan a case, about 58 % of the total (6.1, 6.2).
KINDS = (
    Kind("inpatient", "21", 51, 1_730_700, ("01", "03", "04", "05", "06", "08", "09", "11")),
    Kind("outpatient", "11", 639, 21_600, ("02", "03", "04", "09", "11")),
    Kind("chronic", "14", 44, 156_200, ("04", "05", "09")),
    Kind("pharmacy", "41", 266, 18_600, ("09", "11")),
)
SCATTER = 0.8  # of the logarithm of the total
REFUND_PER_MILLE = 15
REGISTERED_AS = ("resettled", "resident_elsewhere", "stationed", "other_temporary")


class CounterLoad:
    """A stream of people, institutions and claims; the same seed gives the same stream."""

    def __init__(self, seed: int, treatment_area: str, insured_area: str) -> None:
        self._random = Random(seed)  # noqa: S311  a stream to look at, no secret
        self._run = f"{seed:06d}{self._random.randrange(10**6):06d}"
        self._treatment_area = treatment_area
        self._insured_area = insured_area
        self._count = 0
        self._tokens: list[str] = []

    def institutions(self) -> list[dict[str, Any]]:
        """Return the institutions of the treatment place: two hospitals and a pharmacy."""
        area = self._treatment_area
        return [
            {
                "code": f"H{area}00001", "name": "示例医院一", "level": 3, "area": area,
                "services": ["chronic", "inpatient", "outpatient"],
            },
            {
                "code": f"H{area}00002", "name": "示例医院二", "level": 2, "area": area,
                "services": ["chronic", "inpatient", "outpatient"],
            },
            {
                "code": f"P{area}00001", "name": "示例药店", "level": 0, "area": area,
                "services": ["pharmacy"],
            },
        ]  # fmt: skip

    def people(self, count: int) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Yield insured persons, each with the registration they ask for (without the token)."""
        for number in range(count):
            insutype = "310" if self._random.random() < 0.6 else "390"
            year = self._random.randint(1935, 2005)
            yield (
                {
                    "psn_no": f"S{self._run}{number:05d}", "name": f"模拟{number:05d}",
                    "birth": f"{year}-0{self._random.randint(1, 9)}-15", "insutype": insutype,
                    "insured_area": self._insured_area,
                    "account_fen": self._random.randint(0, 300_000) if insutype == "310" else 0,
                },
                {
                    "category": self._random.choice(REGISTERED_AS),
                    "destination": self._treatment_area[:4] + "00",
                },
            )  # fmt: skip

    def registered(self, token: str) -> None:
        """Note a person who may come to the counter."""
        self._tokens.append(token)

    def claim(self, time: str) -> tuple[Kind, dict[str, Any]]:
        """Return the next claim, as JSON for `claims:settle`.

        Args:
            time: Of the settlement, with offset.
        """
        self._count += 1
        number = self._random.randrange(sum(kind.per_mille for kind in KINDS))
        for kind in KINDS:
            number -= kind.per_mille
            if number < 0:
                break
        institution = self._random.choice(
            [i["code"] for i in self.institutions() if kind.name in i["services"]]
        )
        return kind, {
            "setl_id": f"S{self._run}C{self._count:07d}",
            "mdtrt_id": f"V{self._run}C{self._count:07d}",
            "person": self._random.choice(self._tokens),
            "institution": institution,
            "med_type": kind.med_type,
            "begndate": time[:10],
            "enddate": time[:10],
            "setl_time": time,
            "fees": self._fees(kind),
        }

    def takes_back(self) -> bool:
        """Return whether the claim just settled is taken back."""
        return self._random.randrange(1_000) < REFUND_PER_MILLE

    def _fees(self, kind: Kind) -> list[dict[str, str]]:
        median = kind.total_fen * math.exp(-SCATTER * SCATTER / 2)
        total = max(round(median * math.exp(self._random.gauss(0, SCATTER))), 100)
        fees = []
        for place, category in enumerate(kind.categories, 1):
            last = place == len(kind.categories)
            fen = total if last else self._random.randint(0, total)
            total -= fen
            if fen:
                fees.append(self._fee(category, fen))
        return fees

    def _fee(self, category: str, fen: int) -> dict[str, str]:
        class_b = fen * self._random.randint(0, 30) // 100
        self_paid = fen * self._random.randint(0, 10) // 100
        return {
            "category": category,
            "class_a": format_yuan(fen - class_b - self_paid),
            "class_b": format_yuan(class_b),
            "self_paid": format_yuan(self_paid),
        }
