"""The benefit computation: what holds for every policy, bill, patient and year.

Raising a ratio, a limit or the fees in scope never lowers what all funds pay together; raising a
deductible or a reduction never raises it. A single fund follows no such law: see the end of
`test_benefit.py`.
"""

import random
from itertools import pairwise
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from settlement.benefit import split_bill
from settlement.bill import Columns, Fee, Patient, Visit, YearSoFar
from settlement.money import format_yuan
from settlement.policy import Policy
from settlement.provision import (
    CATEGORIES,
    LEVELS,
    SERVICES,
    Account,
    Band,
    Cap,
    ClassB,
    Deductible,
    Later,
    Layer,
    Ratio,
    Reduction,
    limit_fen,
)
from tests.benefits import POLICIES, check_bill, fee

amounts = st.one_of(st.integers(0, 300), st.integers(0, 20_000_00), st.integers(0, 500_000_00))
ratios = st.one_of(st.sampled_from([0, 500, 1000]), st.integers(0, 1000))
limits = st.one_of(st.just("none"), amounts.map(format_yuan))
fees_lists = st.lists(
    st.builds(Fee, st.sampled_from(["01", "09", "14"]), *[amounts] * 4), max_size=4
)
patients = st.builds(
    Patient, st.integers(0, 130), st.just(frozenset[str]()), amounts, st.booleans()
)
visits = st.builds(
    Visit,
    st.just("310"),
    st.sampled_from(SERVICES),
    st.sampled_from(LEVELS),
    st.sampled_from(CATEGORIES),
    fees_lists,
)
uses = st.dictionaries(st.sampled_from(SERVICES), amounts)
fund_uses = st.dictionaries(st.sampled_from(["330100", "320100"]), amounts)
years = st.builds(YearSoFar, st.integers(0, 5), uses, uses, fund_uses, fund_uses)
GIVEN: dict[str, Any] = {"source": "a test", "certainty": "choice"}


@st.composite
def band_lists(draw: st.DrawFn) -> list[Band]:
    ends = sorted(draw(st.sets(st.integers(1, 300_000_00), max_size=3)))
    banded = [Band(per_mille=draw(ratios), up_to=format_yuan(end)) for end in ends]
    return [*banded, Band(per_mille=draw(ratios))]


layers = st.builds(
    Layer,
    fund=st.sampled_from(["330100", "320100"]),
    column=st.sampled_from(["hifob_pay", "cvlserv_pay"]),
    title_en=st.just("a fund"),
    title_zh=st.just("基金"),
    base=st.sampled_from(["left", "over_cap"]),
    threshold=amounts.map(format_yuan),
    threshold_per=st.sampled_from(["case", "year"]),
    bands=band_lists(),
    cap=limits,
    **{key: st.just(value) for key, value in GIVEN.items()},
)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Return any policy in which employees are all alike, two services sharing their limits."""
    pairs = (frozenset({"inpatient", "chronic"}), frozenset({"outpatient", "pharmacy"}))
    yuan = amounts.map(format_yuan)
    return msgspec.structs.replace(
        POLICIES["qinghai-example"],
        deductible=[
            Deductible(service=p, yuan=draw(yuan), yearly_limit=draw(limits), **GIVEN)
            for p in pairs
        ],
        later=[Later(from_admission=n, per_mille=draw(ratios), **GIVEN) for n in (2, 3)],
        class_b=[ClassB(per_mille=draw(ratios), **GIVEN)],
        ratio=[Ratio(bands=draw(band_lists()), **GIVEN)],
        reduction=[Reduction(per_mille=draw(ratios), **GIVEN)],
        cap=[Cap(service=pair, yuan=draw(limits), **GIVEN) for pair in pairs],
        account=[Account(may_pay=draw(st.booleans()), **GIVEN)],
        layer=draw(st.lists(layers, max_size=4)),
    )


@given(policies(), visits, patients, years)
def test_the_split_adds_up_and_nothing_is_negative(
    policy: Policy, what: Visit, who: Patient, year: YearSoFar
) -> None:
    check_bill(split_bill(policy, what, who, year), what)


@given(policies(), visits, patients, years, st.randoms(use_true_random=False))
def test_the_order_of_fee_lines_and_how_they_are_grouped_change_nothing(
    policy: Policy, what: Visit, who: Patient, year: YearSoFar, chance: random.Random
) -> None:
    bill = split_bill(policy, what, who, year)
    pieces = [
        Fee(line.category, *(share if n == place else 0 for n, share in enumerate(shares)))
        for line in what.fees
        for shares in [msgspec.structs.astuple(line)[1:]]
        for place in range(4)
    ]
    chance.shuffle(pieces)
    assert split_bill(policy, msgspec.structs.replace(what, fees=pieces), who, year) == bill


@given(policies(), visits, patients, years)
def test_two_computations_are_equal_to_the_last_step(
    policy: Policy, what: Visit, who: Patient, year: YearSoFar
) -> None:
    again = msgspec.convert(msgspec.to_builtins(policy), Policy)
    assert split_bill(again, what, who, year) == split_bill(policy, what, who, year)


def funds_paid(policy: Policy, *rest: Any) -> int:
    return split_bill(policy, *rest).columns.fund_pay_sumamt


@given(policies(), visits, patients, years, st.data())
def test_raising_any_ratio_never_lowers_what_the_funds_pay(
    policy: Policy, what: Visit, who: Patient, year: YearSoFar, data: st.DataObject
) -> None:
    def raised(bands: list[Band]) -> list[Band]:
        place = data.draw(st.integers(0, len(bands) - 1))
        more = data.draw(st.integers(bands[place].per_mille, 1000))
        better = msgspec.structs.replace(bands[place], per_mille=more)
        return [*bands[:place], better, *bands[place + 1 :]]

    which = data.draw(st.integers(-2, len(policy.layer) - 1))
    if which == -2:
        rate = data.draw(st.integers(policy.class_b[0].per_mille, 1000))
        changed: dict[str, Any] = {"class_b": [ClassB(per_mille=rate, **GIVEN)]}
    elif which == -1:
        changed = {"ratio": [Ratio(bands=raised(policy.ratio[0].bands or []), **GIVEN)]}
    else:
        layer = policy.layer[which]
        better = msgspec.structs.replace(layer, bands=raised(layer.bands))
        changed = {"layer": [*policy.layer[:which], better, *policy.layer[which + 1 :]]}
    generous = msgspec.structs.replace(policy, **changed)
    assert funds_paid(generous, what, who, year) >= funds_paid(policy, what, who, year)


@given(policies(), visits, patients, years, amounts)
def test_a_higher_deductible_reduction_or_limit_works_one_way_only(
    policy: Policy, what: Visit, who: Patient, year: YearSoFar, more: int
) -> None:
    before = funds_paid(policy, what, who, year)
    harder = [
        msgspec.structs.replace(row, yuan=format_yuan((limit_fen(row.yuan) or 0) + more))
        for row in policy.deductible
    ]
    assert funds_paid(msgspec.structs.replace(policy, deductible=harder), what, who, year) <= before
    cut = min(1000, policy.reduction[0].per_mille + more % 1000)
    reduced = msgspec.structs.replace(policy, reduction=[Reduction(per_mille=cut, **GIVEN)])
    assert funds_paid(reduced, what, who, year) <= before
    wider = [
        row if row.yuan == "none"
        else msgspec.structs.replace(row, yuan=format_yuan((limit_fen(row.yuan) or 0) + more))
        for row in policy.cap
    ]  # fmt: skip
    assert funds_paid(msgspec.structs.replace(policy, cap=wider), what, who, year) >= before


@given(policies(), visits, patients, years, amounts)
def test_more_fees_never_lower_what_the_funds_or_the_person_pay(
    policy: Policy, what: Visit, who: Patient, year: YearSoFar, more: int
) -> None:
    def with_more(line: Fee) -> Columns:
        visit_then = msgspec.structs.replace(what, fees=[*what.fees, line])
        return split_bill(policy, visit_then, who, year).columns

    before = split_bill(policy, what, who, year).columns
    for line in (fee(class_a=more), fee(class_b=more)):
        after = with_more(line)
        assert after.fund_pay_sumamt >= before.fund_pay_sumamt
        assert after.psn_pay >= before.psn_pay
        assert after.cash_payamt >= before.cash_payamt
    for line in (fee(self_paid=more), fee(over_limit=more)):
        after = with_more(line)
        assert after.fund_pay_sumamt == before.fund_pay_sumamt
        assert after.psn_pay == before.psn_pay + more


@given(policies(), visits, patients, years)
def test_a_later_admission_is_never_worse_where_the_policy_lowers_the_deductible(
    policy: Policy, what: Visit, who: Patient, year: YearSoFar
) -> None:
    falling = sorted((row.per_mille for row in policy.later), reverse=True)
    later = [
        Later(from_admission=n, per_mille=part, **GIVEN)
        for n, part in zip((2, 3), falling, strict=True)
    ]
    policy = msgspec.structs.replace(policy, later=later)
    paid = [
        funds_paid(policy, what, who, msgspec.structs.replace(year, admissions=n)) for n in range(4)
    ]
    assert all(a <= b for a, b in pairwise(paid))
    assert paid[2] == paid[3]


@given(policies(), st.lists(visits, max_size=8), patients)
def test_no_limit_of_the_year_is_exceeded_by_any_sequence_of_bills(
    policy: Policy, sequence: list[Visit], who: Patient
) -> None:
    year = YearSoFar()
    for what in sequence:
        year = year.plus(split_bill(policy, what, who, year).used)
    for cap in policy.cap:
        paid = sum(year.pool_fen.get(service, 0) for service in cap.services)
        assert cap.yuan == "none" or paid <= (limit_fen(cap.yuan) or 0)
    for row in policy.deductible:
        borne = sum(year.deductible_fen.get(service, 0) for service in row.services)
        assert row.yearly_limit == "none" or borne <= (limit_fen(row.yearly_limit) or 0)
    for fund in {layer.fund for layer in policy.layer}:
        rows = [layer for layer in policy.layer if layer.fund == fund]
        if all(row.cap != "none" for row in rows):
            assert year.layers.get(fund, 0) <= max(limit_fen(row.cap) or 0 for row in rows)
        assert year.thresholds.get(fund, 0) <= max(limit_fen(row.threshold) or 0 for row in rows)
    assert year.admissions == sum(what.service == "inpatient" for what in sequence)


@given(years, years)
def test_a_year_does_not_depend_on_the_order_of_its_bills(one: YearSoFar, other: YearSoFar) -> None:
    assert one.plus(other) == other.plus(one)
    assert one.plus(YearSoFar()) == YearSoFar().plus(one)
