"""Provisions: the rows of a benefit policy, each saying for whom it holds and what it says.

    [[deductible]]
    insutype = ["310"]
    service = ["inpatient"]
    level = [3]
    flags = ["provincial_employee"]
    yuan = "900.00"
    source = "R55"
    certainty = "seed"

`insutype`, `service`, `level` and `category` left out mean all, `flags` left out means everybody.
Money is yuan with two decimals, or "none" for a limit that is not there; ratios are per mille.

A yearly limit counts together the services its row names: a row for inpatient and chronic care is
one limit for both.
"""

from typing import Annotated, Literal, NamedTuple, get_args

import msgspec

from ledger.errors import FormError
from settlement.money import parse_fen
from settlement.ruleset import Certainty

MAX_BANDS = 20

Insutype = Literal["310", "340", "390", "510"]
Service = Literal["inpatient", "outpatient", "chronic", "pharmacy"]
Level = Literal[0, 1, 2, 3]  # 1 primary, 2 secondary, 3 tertiary; 0 has none
Category = Literal[
    "resettled", "resident_elsewhere", "stationed", "referral", "emergency", "other_temporary"
]
LayerColumn = Literal[
    "cvlserv_pay", "hifes_pay", "hifmi_pay", "hifob_pay", "maf_pay", "othfund_pay"
]  # of the case row; the basic pool is hifp_pay
SERVICES: tuple[Service, ...] = get_args(Service)
LEVELS: tuple[Level, ...] = get_args(Level)
CATEGORIES: tuple[Category, ...] = get_args(Category)
POOL_FUNDS: dict[Insutype, str] = {
    "310": "310100", "340": "340100", "390": "390100", "510": "510100",
}  # fmt: skip
ACCOUNT_FUND = "310200"

_MED_TYPES: dict[str, Service] = {
    **dict.fromkeys(("11", "12", "13", "15", "51", "53"), "outpatient"),
    "14": "chronic",
    **dict.fromkeys(("21", "22", "23", "52"), "inpatient"),
    "41": "pharmacy",
}

Flag = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,31}\Z")]
FundCode = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{6}\Z")]
Yuan = Annotated[str, msgspec.Meta(pattern=r"^(0|[1-9][0-9]{0,8})\.[0-9]{2}\Z")]
Limit = Annotated[str, msgspec.Meta(pattern=r"^(none|(0|[1-9][0-9]{0,8})\.[0-9]{2})\Z")]
PerMille = Annotated[int, msgspec.Meta(ge=0, le=1000)]
Title = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Source = Annotated[str, msgspec.Meta(min_length=1, max_length=300)]


class Situation(NamedTuple):
    """Everything about a visit that chooses provisions."""

    insutype: Insutype
    service: Service
    level: Level
    category: Category


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of everything in a policy: immutable, no unknown key."""


class Given(Table, frozen=True, kw_only=True):
    """Something that was found or chosen, and how sure it is."""

    source: Source
    certainty: Certainty


class Provision(Given, frozen=True, kw_only=True):
    """Base of the rows: for whom it holds."""

    insutype: Annotated[frozenset[Insutype], msgspec.Meta(min_length=1)] | None = None
    service: Annotated[frozenset[Service], msgspec.Meta(min_length=1)] | None = None
    level: Annotated[frozenset[Level], msgspec.Meta(min_length=1)] | None = None
    category: Annotated[frozenset[Category], msgspec.Meta(min_length=1)] | None = None
    flags: Annotated[frozenset[Flag], msgspec.Meta(min_length=1, max_length=20)] | None = None

    def covers(self, situation: Situation) -> bool:
        """True if the row holds in a situation, for persons with its flags."""
        chosen = (self.insutype, self.service, self.level, self.category)
        return all(some is None or one in some for some, one in zip(chosen, situation, strict=True))

    def suits(self, flags: frozenset[str]) -> bool:
        """True if the row holds for a person with these flags."""
        return self.flags is None or not self.flags.isdisjoint(flags)

    @property
    def services(self) -> frozenset[Service]:
        """What a yearly limit of this row counts together."""
        return self.service if self.service is not None else frozenset(SERVICES)


class Deductible(Provision, frozen=True, kw_only=True):
    """What the person pays of a case before the pool pays, and at most in a year."""

    yuan: Yuan
    yearly_limit: Limit = "none"


class Later(Provision, frozen=True, kw_only=True):
    """From this admission of the year on, the part of the deductible that is asked for."""

    from_admission: Annotated[int, msgspec.Meta(ge=2, le=100)]
    per_mille: PerMille

    def __post_init__(self) -> None:
        """Check that no service is named; msgspec reports a ValueError with its place."""
        if self.service is not None:
            raise ValueError("Object contains unknown field `service`: only stays are counted")


class ClassB(Provision, frozen=True, kw_only=True):
    """The part of class B fees that enters the base; the rest is first self-pay (先行自付)."""

    per_mille: PerMille


class Band(Table, frozen=True, kw_only=True):
    """A ratio for what lies between the end of the band before and its own; the last has none."""

    per_mille: PerMille
    up_to: Yuan | None = None


class AgeFormula(Table, frozen=True, kw_only=True):
    """A ratio that grows with every year of age, never above the whole."""

    base_per_mille: PerMille
    year_per_mille: Annotated[int, msgspec.Meta(ge=0, le=100)]


Bands = Annotated[list[Band], msgspec.Meta(min_length=1, max_length=MAX_BANDS)]


class Ratio(Provision, frozen=True, kw_only=True):
    """What the pool pays above the deductible: bands or an age formula."""

    bands: Bands | None = None
    age: AgeFormula | None = None

    def __post_init__(self) -> None:
        """Check that it is one of the two; msgspec reports a ValueError with its place."""
        if (self.bands is None) == (self.age is None):
            raise ValueError("Object needs one of the fields `bands` and `age`")
        if self.bands is not None:
            _check_bands(self.bands)


class Reduction(Provision, frozen=True, kw_only=True):
    """What is taken off every ratio of the pool; 100 per mille are ten percentage points."""

    per_mille: PerMille


class Cap(Provision, frozen=True, kw_only=True):
    """What the pool pays at most in a year."""

    yuan: Limit


class Account(Provision, frozen=True, kw_only=True):
    """Whether the personal account may pay the person's part."""

    may_pay: bool


class Layer(Provision, frozen=True, kw_only=True):
    """A fund that pays after the pool and after the layers above it in the file.

    Its base is what is `left` in scope for the person, or what went `over_cap` of the pool.
    """

    fund: FundCode
    column: LayerColumn
    title_en: Title
    title_zh: Title
    base: Literal["left", "over_cap"]
    threshold: Yuan
    threshold_per: Literal["case", "year"]
    bands: Bands
    cap: Limit  # in a year

    def __post_init__(self) -> None:
        """Check fund and bands; msgspec reports a ValueError with its place."""
        if self.fund in (*POOL_FUNDS.values(), ACCOUNT_FUND):
            raise ValueError("Field `fund` names a basic pool or the personal account")
        _check_bands(self.bands)


def service_of(med_type: str) -> Service:
    """Return the service of a national medical type.

    Raises:
        FormError: A code that is not in the national set.

    Example:
        >>> service_of("14")
        'chronic'
    """
    if med_type not in _MED_TYPES:
        raise FormError("med_type", "one of " + ", ".join(sorted(_MED_TYPES)), med_type)
    return _MED_TYPES[med_type]


def limit_fen(limit: str) -> int | None:
    """Return a limit in fen, or None if there is none."""
    return None if limit == "none" else parse_fen(limit)


def _check_bands(bands: list[Band]) -> None:
    ends = [parse_fen(band.up_to) for band in bands[:-1] if band.up_to is not None]
    if len(ends) < len(bands) - 1 or bands[-1].up_to is not None:
        raise ValueError("Field `up_to` must be in every band but the last")
    if ends != sorted(set(ends)) or 0 in ends:
        raise ValueError("Field `up_to` must rise from band to band")
