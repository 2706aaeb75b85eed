"""The benefit computation (待遇计算): who pays what of a bill, by the insured province's policy.

    total                                              medfee_sumamt
      - wholly self-paid, over a limit                 fulamt_ownpay_amt, overlmt_selfpay
      - first self-pay of class B                      preselfpay_amt
    = in scope                                         inscp_amt
      - deductible, less at later admissions           act_pay_dedc
    = base of the basic pool
      x ratios, less the reduction, within the year's limit     hifp_pay
    then every layer on what is left in scope, or on what went over that limit

The person bears what no fund pays, from the personal account first where that may be used: so
every split adds up. Fen are whole: `money.round_thousandths` is the only rounding, used once for
the first self-pay of all class B fees, once for the deductible of a later admission, and once for
each payment of a fund. Half up is a choice: no source says how to round.

Source: R50 to R56 (the formula and its worked examples); all numbers are the policy's.
"""

from typing import NamedTuple

from settlement.bill import Bill, Columns, FundShare, Patient, Visit, YearSoFar, check_inputs
from settlement.money import parse_fen, round_thousandths
from settlement.piece import Piece, cut, product, share
from settlement.policy import Policy, Provisions
from settlement.provision import POOL_FUNDS, Account, ClassB, Situation, limit_fen
from settlement.steps import Reckoning, part, percent, yuan
from settlement.supplement import Supplements


class _Scope(NamedTuple):
    """The total and what of it no insurance pays, in fen."""

    total: int
    self_paid: int
    over_limit: int
    first_self_pay: int

    @property
    def fen(self) -> int:
        return self.total - self.self_paid - self.over_limit - self.first_self_pay


def split_bill(policy: Policy, visit: Visit, patient: Patient, year: YearSoFar) -> Bill:
    """Return who pays what of a visit, and every step that led there.

    The result depends on the arguments alone; the order of the fee lines changes nothing.

    Args:
        policy: Of the insured province.
        visit: The fees, and what chooses the policy's rows.
        patient: The person on the day of the settlement.
        year: What the same calendar year used up before, under the same insurance.

    Raises:
        FormError: A value is out of its range; the place names it.
        RefusedError: INSUTYPE, the policy does not speak of this insurance.

    Example:
        24,000.00 in all, 2,000.00 self-paid, 500.00 over a limit, deductible 900.00, age 65 and
        (75 + 65 x 0.2) %: the pool pays 20,600.00 x 88 % = 18,128.00, the person 5,872.00.

    Source: R54, R55, R56.
    """
    check_inputs(visit, patient, year)
    situation = Situation(visit.insutype, visit.service, visit.level, visit.category)
    rules = policy.provisions(situation, patient.flags, year.admissions + 1)
    reckoning = Reckoning()
    scope = _scope(visit, rules.class_b, reckoning)
    deductible = _deductible(scope.fen, rules, year, reckoning)
    base = scope.fen - deductible
    reckoning.add("BASE", base, f"{yuan(scope.fen)} - {yuan(deductible)}")
    uncapped = _pool_share(base, rules, patient.age, reckoning)
    pool_fund = POOL_FUNDS[visit.insutype]
    pool = _pool(uncapped, rules, year, pool_fund, reckoning)
    supplements = Supplements(left=scope.fen - pool, over_cap=uncapped - pool, year=year)
    for layer in rules.layers:
        supplements.pay(layer, reckoning)
    paid = {pool_fund: pool, **supplements.paid}
    used = YearSoFar(
        admissions=int(visit.service == "inpatient"),
        deductible_fen={visit.service: deductible} if deductible else {},
        pool_fen={visit.service: pool} if pool else {},
        layers=supplements.paid,
        thresholds=supplements.thresholds,
    )
    return Bill(
        _columns(scope, deductible, paid, supplements.columns, patient, rules.account, reckoning),
        [FundShare(fund, fen) for fund, fen in paid.items() if fen],
        used,
        reckoning.steps,
    )


def _scope(visit: Visit, class_b: ClassB, reckoning: Reckoning) -> _Scope:
    b_fen = sum(fee.class_b for fee in visit.fees)
    first = round_thousandths(b_fen * (1000 - class_b.per_mille))
    scope = _Scope(
        total=sum(fee.class_a + fee.self_paid + fee.over_limit for fee in visit.fees) + b_fen,
        self_paid=sum(fee.self_paid for fee in visit.fees),
        over_limit=sum(fee.over_limit for fee in visit.fees),
        first_self_pay=first,
    )
    reckoning.add("TOTAL", scope.total)
    reckoning.add("SELF_PAID", scope.self_paid)
    reckoning.add("OVER_LIMIT", scope.over_limit)
    reckoning.add("CLASS_B", first, f"{yuan(b_fen)} x {percent(1000 - class_b.per_mille)}", class_b)
    reckoning.add("IN_SCOPE", scope.fen, " - ".join(yuan(fen) for fen in scope))
    return scope


def _deductible(scope: int, rules: Provisions, year: YearSoFar, reckoning: Reckoning) -> int:
    standard, later = rules.deductible, rules.later
    fen = reckoning.add("DEDUCTIBLE_STANDARD", parse_fen(standard.yuan), standard.yuan, standard)
    if later is not None:
        parameter = f"{yuan(fen)} x {part(later.per_mille)}"
        fen = round_thousandths(fen * later.per_mille)
        reckoning.add("DEDUCTIBLE_LATER", fen, parameter, later)
    limit = limit_fen(standard.yearly_limit)
    if limit is not None:
        before = sum(year.deductible_fen.get(service, 0) for service in standard.services)
        room = max(0, limit - before)
        reckoning.add("DEDUCTIBLE_YEAR", room, f"{yuan(limit)} - {yuan(before)}", standard)
        fen = min(fen, room)
    return reckoning.add("DEDUCTIBLE", min(fen, scope), f"min({yuan(fen)}, {yuan(scope)})")


def _pool_share(base: int, rules: Provisions, age: int, reckoning: Reckoning) -> int:
    """Return what the pool would pay if the year had no limit."""
    ratio, taken_off = rules.ratio, rules.reduction.per_mille
    if ratio.age is not None:
        first, step = ratio.age.base_per_mille, ratio.age.year_per_mille
        per_mille = min(1000, first + age * step)
        formula = f"min({percent(first)} + {age} x {percent(step)}, {percent(1000)})"
        reckoning.add("AGE_RATIO", base, f"{formula} = {percent(per_mille)}", ratio)
        pieces = [Piece(base, per_mille)] if base else []
    else:
        pieces = cut(base, ratio.bands or [])
        for piece in pieces:
            reckoning.add("BAND", piece.fen, percent(piece.per_mille), ratio)
    reckoning.add("REDUCTION", base, percent(taken_off), rules.reduction)
    pieces = [Piece(fen, max(0, per_mille - taken_off)) for fen, per_mille in pieces]
    return reckoning.add("POOL_SHARE", share(pieces), product(pieces))


def _pool(
    uncapped: int, rules: Provisions, year: YearSoFar, fund: str, reckoning: Reckoning
) -> int:
    limit = limit_fen(rules.cap.yuan)
    if limit is None:
        return reckoning.add("POOL", uncapped, "none", rules.cap, fund)
    before = sum(year.pool_fen.get(service, 0) for service in rules.cap.services)
    room = max(0, limit - before)
    reckoning.add("POOL_LEFT", room, f"{yuan(limit)} - {yuan(before)}", rules.cap, fund)
    return reckoning.add(
        "POOL", min(uncapped, room), f"min({yuan(uncapped)}, {yuan(room)})", fund=fund
    )


def _columns(
    scope: _Scope,
    deductible: int,
    paid: dict[str, int],
    layers: dict[str, int],
    patient: Patient,
    account: Account,
    reckoning: Reckoning,
) -> Columns:
    """Return the columns of the case row, the person's part divided."""
    funds = reckoning.add(
        "FUNDS", sum(paid.values()), " + ".join(yuan(fen) for fen in paid.values())
    )
    person = reckoning.add("PERSON", scope.total - funds, f"{yuan(scope.total)} - {yuan(funds)}")
    usable = patient.account_fen if account.may_pay and patient.use_account else 0
    from_account = min(usable, person)
    reckoning.add("ACCOUNT", from_account, f"min({yuan(usable)}, {yuan(person)})", account)
    cash = reckoning.add("CASH", person - from_account, f"{yuan(person)} - {yuan(from_account)}")
    return Columns(
        medfee_sumamt=scope.total,
        fulamt_ownpay_amt=scope.self_paid,
        overlmt_selfpay=scope.over_limit,
        preselfpay_amt=scope.first_self_pay,
        inscp_amt=scope.fen,
        act_pay_dedc=deductible,
        hifp_pay=funds - sum(layers.values()),
        cvlserv_pay=layers.get("cvlserv_pay", 0),
        hifes_pay=layers.get("hifes_pay", 0),
        hifmi_pay=layers.get("hifmi_pay", 0),
        hifob_pay=layers.get("hifob_pay", 0),
        maf_pay=layers.get("maf_pay", 0),
        othfund_pay=layers.get("othfund_pay", 0),
        fund_pay_sumamt=funds,
        psn_pay=person,
        acct_pay=from_account,
        cash_payamt=cash,
    )
