"""A bill before and after it is split: the visit, the patient, the year so far, the result.

All money is fen, none below zero. A *share* is one of the four parts a fee line is delivered in.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NamedTuple, TypeVar

import msgspec

from ledger.errors import FormError
from settlement.policy import form_error
from settlement.provision import Category, Flag, FundCode, Insutype, Level, Service
from settlement.record import MAX_FEN
from settlement.steps import Step

MAX_FEES = 1_000

Fen = Annotated[int, msgspec.Meta(ge=0, le=MAX_FEN)]
Count = Annotated[int, msgspec.Meta(ge=0, le=1_000)]
FeeCategory = Annotated[str, msgspec.Meta(pattern=r"^(0[1-9]|1[0-4])\Z")]  # national 大类
S = TypeVar("S", bound=msgspec.Struct)
K = TypeVar("K", bound=str)


class _Input(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Fee(_Input, frozen=True):
    """The fees of one national category; the four shares are its whole."""

    category: FeeCategory
    class_a: Fen
    class_b: Fen
    self_paid: Fen  # class C, wholly self-paid
    over_limit: Fen  # above a price limit


class Visit(_Input, frozen=True):
    """What is to be settled. A pharmacy, or a clinic without one, has level 0."""

    insutype: Insutype
    service: Service
    level: Level
    category: Category
    fees: Annotated[Sequence[Fee], msgspec.Meta(max_length=MAX_FEES)]


class Patient(_Input, frozen=True):
    """What the insured province knows of the person."""

    age: Annotated[int, msgspec.Meta(ge=0, le=130)]
    flags: Annotated[frozenset[Flag], msgspec.Meta(max_length=50)]
    account_fen: Fen
    use_account: bool


class YearSoFar(_Input, frozen=True):
    """What a year used up under one insurance; of a bill, what it adds to that."""

    admissions: Count = 0
    deductible_fen: Mapping[Service, Fen] = {}
    pool_fen: Mapping[Service, Fen] = {}
    layers: Mapping[FundCode, Fen] = {}
    thresholds: Mapping[FundCode, Fen] = {}  # borne by the person towards yearly thresholds

    def plus(self, more: "YearSoFar") -> "YearSoFar":
        """Return the year after a bill; the order of bills changes nothing."""
        return YearSoFar(
            self.admissions + more.admissions,
            _sum(self.deductible_fen, more.deductible_fen),
            _sum(self.pool_fen, more.pool_fen),
            _sum(self.layers, more.layers),
            _sum(self.thresholds, more.thresholds),
        )


class Columns(NamedTuple):
    """The money of a case row, in fen, in the order of `casefile.MONEY_COLUMNS`."""

    medfee_sumamt: int
    fulamt_ownpay_amt: int
    overlmt_selfpay: int
    preselfpay_amt: int
    inscp_amt: int
    act_pay_dedc: int
    hifp_pay: int
    cvlserv_pay: int
    hifes_pay: int
    hifmi_pay: int
    hifob_pay: int
    maf_pay: int
    othfund_pay: int
    fund_pay_sumamt: int
    psn_pay: int
    acct_pay: int
    cash_payamt: int


class FundShare(NamedTuple):
    """What one fund pays of a bill; above zero."""

    fund: str
    fen: int


class Bill(NamedTuple):
    """A split bill: total = funds + personal account + cash, always."""

    columns: Columns
    funds: list[FundShare]  # in the order in which they paid
    used: YearSoFar  # what it adds to the year
    steps: list[Step]  # how it came about (依据)


def check_inputs(visit: Visit, patient: Patient, year: YearSoFar) -> None:
    """Check forms and ranges of everything that came from outside.

    Raises:
        FormError: A value has another type, form or range, or the fees come to more than 2**53 - 1
            fen; the place names the value.
    """
    _check("visit", visit, Visit)
    _check("patient", patient, Patient)
    _check("year", year, YearSoFar)
    total = sum(fee.class_a + fee.class_b + fee.self_paid + fee.over_limit for fee in visit.fees)
    if total > MAX_FEN:
        raise FormError("visit fees", "at most 2**53 - 1 fen together", total)


def _check(what: str, value: S, kind: type[S]) -> None:
    plain: Any = msgspec.to_builtins(value)
    try:
        msgspec.convert(plain, kind)
    except msgspec.ValidationError as error:
        raise form_error(what, error) from None


def _sum(some: Mapping[K, int], more: Mapping[K, int]) -> dict[K, int]:
    return {key: some.get(key, 0) + more.get(key, 0) for key in sorted({*some, *more})}
