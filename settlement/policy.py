"""Benefit policies: what an insured province pays and whom it registers, as data with its sources.

A policy is a TOML file in `configs/policies/`; `settlement.provision` describes its rows. In every
table but `layer` each situation (insurance, service, level, category) must have exactly one row
without `flags`. Rows with `flags` go before it for a person who has one of them, the first in the
file winning. All layers that hold for a person pay, in the order of the file.
"""

import tomllib
from collections.abc import Sequence
from itertools import product
from typing import Annotated, Generic, NamedTuple, TypeVar

import msgspec

from ledger.errors import FormError, RefusedError
from settlement.party import province_of
from settlement.provision import (
    CATEGORIES,
    LEVELS,
    SERVICES,
    Account,
    Cap,
    ClassB,
    Deductible,
    Given,
    Insutype,
    Later,
    Layer,
    Provision,
    Ratio,
    Reduction,
    Situation,
    Table,
    Title,
)
from settlement.record import Code, Name

MAX_TEXT = 200_000
MAX_ROWS = 200  # in one table
REQUIRED: frozenset[Insutype] = frozenset({"310", "390"})

T = TypeVar("T")
P = TypeVar("P", bound=Provision)
Rows = Annotated[list[T], msgspec.Meta(max_length=MAX_ROWS)]


class Value(Given, Generic[T], frozen=True, kw_only=True):
    """One value by itself."""

    value: T


class Registration(Table, frozen=True, kw_only=True):
    """How the province registers its insured who are treated elsewhere (R17 to R34)."""

    choose_institutions: Value[Annotated[int, msgspec.Meta(ge=0, le=20)]]  # 0: any in the area
    in_province_without_registration: Value[bool]
    outpatient_without_registration: Value[bool]
    chronic_without_registration: Value[bool]
    pharmacy_without_registration: Value[bool]
    emergency_deemed_registered: Value[bool]
    late_registration_before_discharge: Value[bool]
    both_places: Value[bool]  # long-term persons may settle at home too
    temporary_months: Value[Annotated[int, msgspec.Meta(ge=1, le=60)]] = Value(
        value=6, source="L13: at least six months", certainty="memory"
    )


class Provisions(NamedTuple):
    """The rows that hold for one person in one situation."""

    deductible: Deductible
    later: Later | None  # None but for the second and later admissions of the year
    class_b: ClassB
    ratio: Ratio
    reduction: Reduction
    cap: Cap
    account: Account
    layers: list[Layer]


class Policy(Given, frozen=True, kw_only=True):
    """A parsed policy; its own source speaks of the name and the activated areas."""

    name: Name
    title_zh: Title
    title_en: Title
    province: Code
    insutypes: frozenset[Insutype]
    activated_areas: Annotated[list[Code], msgspec.Meta(max_length=500)]  # empty: all
    registration: Registration
    deductible: Rows[Deductible]
    later: Rows[Later]
    class_b: Rows[ClassB]
    ratio: Rows[Ratio]
    reduction: Rows[Reduction]
    cap: Rows[Cap]
    account: Rows[Account]
    layer: Rows[Layer]

    def is_activated(self, area: str) -> bool:
        """True if persons insured in this pooling area may settle directly (R6).

        Raises:
            FormError: Not six digits in a participant's area.
        """
        return province_of(area) == self.province and area in (self.activated_areas or [area])

    def provisions(self, situation: Situation, flags: frozenset[str], admission: int) -> Provisions:
        """Return the rows that hold.

        Args:
            situation: The visit.
            flags: What is known of the person.
            admission: Which admission of the year this is or would be, from 1.

        Raises:
            RefusedError: INSUTYPE, the policy does not speak of this insurance.
        """
        if situation.insutype not in self.insutypes:
            raise RefusedError(
                "INSUTYPE", f"policy {self.name} does not speak of insurance {situation.insutype}"
            )
        later = [row for row in self.later if row.from_admission <= admission]
        is_later = situation.service == "inpatient" and admission > 1
        return Provisions(
            deductible=_choose(self.deductible, situation, flags)[0],
            later=_newest(_choose(later, situation, flags)) if is_later else None,
            class_b=_choose(self.class_b, situation, flags)[0],
            ratio=_choose(self.ratio, situation, flags)[0],
            reduction=_choose(self.reduction, situation, flags)[0],
            cap=_choose(self.cap, situation, flags)[0],
            account=_choose(self.account, situation, flags)[0],
            layers=[row for row in self.layer if row.covers(situation) and row.suits(flags)],
        )


def parse_policy(text: bytes) -> Policy:
    """Return the policy of a TOML file.

    Raises:
        FormError: Too long, not UTF-8, not TOML; a key is unknown, missing or out of range; a
            situation has no row or more than one. The message names the key or the table.
    """
    if len(text) > MAX_TEXT:
        raise FormError("policy", f"at most {MAX_TEXT} bytes", len(text))
    try:
        policy = msgspec.convert(tomllib.loads(text.decode("utf-8")), Policy)
    except UnicodeDecodeError:
        raise FormError("policy", "UTF-8") from None
    except msgspec.ValidationError as error:
        raise form_error("policy", error) from None
    except (ValueError, RecursionError) as error:  # also numbers and nesting beyond all measure
        raise FormError("policy", "a benefit policy in TOML", str(error)) from None
    _check_places(policy)
    _check_rows(policy)
    return policy


def form_error(what: str, error: msgspec.ValidationError) -> FormError:
    """Return the FormError of what msgspec found, with the key as its place."""
    text, _, path = str(error).partition(" - at ")
    place = path.replace("`", "").replace("$.", "").replace("$", "")
    return FormError(f"{what} {place}".strip(), "every key once, in its form and range", text)


def _choose(rows: Sequence[P], situation: Situation, flags: frozenset[str]) -> list[P]:
    """Return what holds for this person: rows with a flag of theirs, else those for everybody."""
    suited = [row for row in rows if row.covers(situation) and row.suits(flags)]
    return [row for row in suited if row.flags is not None] or suited


def _newest(rows: list[Later]) -> Later:
    return max(rows, key=lambda row: row.from_admission)  # the first in the file of several


def _check_places(policy: Policy) -> None:
    if province_of(policy.province) != policy.province:
        raise FormError("policy province", "the code of a province", policy.province)
    for area in policy.activated_areas:
        if province_of(area) != policy.province:
            raise FormError("policy activated_areas", f"areas of {policy.province}", area)
    if len(set(policy.activated_areas)) < len(policy.activated_areas):
        raise FormError("policy activated_areas", "each area once")
    if not policy.insutypes >= REQUIRED:
        raise FormError("policy insutypes", "310 and 390 at least", sorted(policy.insutypes))


def _check_rows(policy: Policy) -> None:
    every = [
        Situation(*parts)
        for parts in product(sorted(policy.insutypes), SERVICES, LEVELS, CATEGORIES)
    ]
    tables: dict[str, Sequence[Provision]] = {
        "deductible": policy.deductible,
        "class_b": policy.class_b,
        "ratio": policy.ratio,
        "reduction": policy.reduction,
        "cap": policy.cap,
        "account": policy.account,
    }
    for table, rows in (*tables.items(), ("later", policy.later), ("layer", policy.layer)):
        _check_insutypes(policy, table, rows)
    for table, rows in tables.items():
        _check_each(table, rows, every, least=1)
    stays = [situation for situation in every if situation.service == "inpatient"]
    for number in sorted({2, *(row.from_admission for row in policy.later)}):
        rows = [row for row in policy.later if row.from_admission == number]
        _check_each(f"later, from_admission {number}", rows, stays, least=int(number == 2))


def _check_insutypes(policy: Policy, table: str, rows: Sequence[Provision]) -> None:
    for number, row in enumerate(rows):
        if row.insutype is not None and not row.insutype <= policy.insutypes:
            raise FormError(
                f"policy {table}[{number}].insutype",
                "what the key insutypes of the policy names",
                ", ".join(sorted(row.insutype - policy.insutypes)),
            )


def _check_each(
    table: str, rows: Sequence[Provision], situations: Sequence[Situation], *, least: int
) -> None:
    """Check that in every situation one row holds for everybody, and one at most for a flag."""
    for situation in situations:
        where = " ".join(str(part) for part in situation)
        holding = [row for row in rows if row.covers(situation)]
        general = sum(row.flags is None for row in holding)
        if not least <= general <= 1:
            raise FormError(f"policy {table}", f"one row without flags for {where}", general)
        flags = [flag for row in holding for flag in row.flags or ()]
        twice = [flag for flag in flags if flags.count(flag) > 1]
        if twice:
            raise FormError(f"policy {table}", f"each flag once for {where}", twice[0])
