"""What if: examples on four small logs, then the laws every supposition obeys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import FormError, RefusedError, UncheckableError
from node.run import default_ruleset
from settlement import batch as batches
from settlement import netting
from settlement.batch import Result
from settlement.netting import MODELS
from settlement.party import CENTRE
from settlement.record import Head, Withdrawal
from settlement.totals import Amounts
from settlement.whatif import (
    Outcome,
    Short,
    Supposition,
    basis_of,
    cut_without,
    defaults,
    largest_payers,
    suppose,
    under_model,
)
from tests.network import QINGHAI, SICHUAN, TIBET, Logs, settlement
from tests.prepaid import came, demand_of, drawn, give_quotas, sent
from tests.published import attest, close, propose

SHAANXI = "610000"
CODES = (SICHUAN, TIBET, SHAANXI, QINGHAI)
MARCH, APRIL = "2017-03", "2017-04"


def entered(logs: Logs, month: str, number: int) -> None:
    """Qinghai owes Sichuan 1,000 and Shaanxi 500; Tibet owes Sichuan 300, Sichuan Tibet 100."""
    logs.add(
        SICHUAN, settlement(f"A{number}", 1_000, month=month),
        settlement(f"T{number}", 300, month=month, insured="540100"),
    )  # fmt: skip
    logs.add(SHAANXI, settlement(f"X{number}", 500, month=month, treated="610100"))
    logs.add(TIBET, settlement(f"B{number}", 100, month=month, treated="540100", insured="510100"))
    for debtor, creditor in (
        (QINGHAI, SICHUAN), (TIBET, SICHUAN), (QINGHAI, SHAANXI), (SICHUAN, TIBET),
    ):  # fmt: skip
        assert logs.accept(debtor, creditor) is None


def made() -> Logs:
    """One month confirmed, one entered."""
    logs = Logs(CODES)
    entered(logs, MARCH, 1)
    close(logs, MARCH)
    entered(logs, APRIL, 2)
    return logs


def what_if(logs: Logs, month: str = APRIL, **supposed: object) -> Outcome:
    basis = basis_of(logs.store, logs.roster, month, logs.cut())
    what = Supposition(**supposed)  # type: ignore[arg-type]
    return suppose(logs.store, logs.roster, basis, what)


def short(found: Outcome) -> dict[tuple[str, str], int]:
    return {(item.code, item.defaulter): item.fen for item in found.short}


def test_nothing_supposed_is_the_real_month() -> None:
    found = what_if(made())
    assert found.supposed == found.real
    assert found.real.nets == {SICHUAN: 1_200, TIBET: -200, SHAANXI: 500, QINGHAI: -1_500}
    assert (found.short, found.deferred, found.real_carried) == ([], {}, 0)
    assert all(flow.moved_fen == flow.leg.fen for flow in found.flows)


def test_a_hub_lacks_what_the_largest_payer_owes_and_those_with_a_claim_bear_it() -> None:
    found = what_if(made(), largest=1)
    assert found.fails == (QINGHAI,)
    assert short(found) == {(SICHUAN, QINGHAI): 1_000, (SHAANXI, QINGHAI): 500}
    assert found.supposed.nets == found.real.nets  # never netted again
    assert [(f.leg.payer, f.leg.payee, f.moved_fen) for f in found.flows] == [
        (TIBET, CENTRE, 200), (QINGHAI, CENTRE, 0), (CENTRE, SICHUAN, 200), (CENTRE, SHAANXI, 0),
    ]  # fmt: skip


def test_the_two_largest_payers_leave_nothing_where_nobody_else_pays() -> None:
    found = what_if(made(), largest=2)
    assert found.fails == (TIBET, QINGHAI)
    assert short(found) == {
        (SICHUAN, TIBET): 200, (SICHUAN, QINGHAI): 1_000, (SHAANXI, QINGHAI): 500,
    }  # fmt: skip
    assert sum(flow.moved_fen for flow in found.flows) == 0


@pytest.mark.parametrize(
    ("model", "largest", "expected"),
    [
        ("gross_pair", 1, {(SICHUAN, QINGHAI): 1_000, (SHAANXI, QINGHAI): 500}),
        ("gross_pair", 2, {
            (SICHUAN, QINGHAI): 1_000, (SHAANXI, QINGHAI): 500, (SICHUAN, TIBET): 300,
        }),
        ("net_pair", 2, {
            (SICHUAN, QINGHAI): 1_000, (SHAANXI, QINGHAI): 500, (SICHUAN, TIBET): 200,
        }),
    ],
)  # fmt: skip
def test_between_two_the_payee_bears_what_its_payer_does_not_pay(
    model: str, largest: int, expected: dict[tuple[str, str], int]
) -> None:
    assert short(what_if(made(), model=model, largest=largest)) == expected


def test_who_has_to_pay_nothing_leaves_nobody_short() -> None:
    assert what_if(made(), fails=(SICHUAN,)).short == []


def test_a_silent_node_waits_with_its_entries_and_its_acceptances() -> None:
    logs = made()
    found = what_if(logs, silent=(SICHUAN,))
    assert found.supposed.nets == {SICHUAN: 0, TIBET: 0, SHAANXI: 500, QINGHAI: -500}
    assert {pair: (a.entries, a.fen) for pair, a in found.deferred.items()} == {
        (QINGHAI, SICHUAN): (1, 1_000), (TIBET, SICHUAN): (1, 300), (SICHUAN, TIBET): (1, 100),
    }  # fmt: skip
    assert (found.real_carried, found.supposed_carried) == (0, 3)


def test_what_a_silent_node_leaves_for_later_is_cleared_by_the_next_batch() -> None:
    logs = made()
    found = what_if(logs, silent=(SICHUAN,))
    cut = cut_without(logs.store, found.basis, (SICHUAN,))
    assert [head.size for head in cut if head.code == SICHUAN] == [3]
    propose(logs, APRIL, cut, found.supposed)
    attest(logs, APRIL)
    may = what_if(logs, "2017-05").real
    assert may.pairs == found.deferred


def test_a_node_that_was_always_silent_has_an_empty_log() -> None:
    logs = Logs(CODES)
    entered(logs, MARCH, 1)
    assert what_if(logs, MARCH, silent=CODES).supposed.nets == dict.fromkeys(CODES, 0)


def test_a_confirmed_month_is_supposed_about_at_its_own_cut() -> None:
    logs = made()
    found = what_if(logs, MARCH, largest=1)
    assert (found.basis.revision, found.real.entries) == (1, 4)
    assert found.real.hash == batches.result_of(logs.store, logs.roster, MARCH, 1).hash


def test_a_withdrawn_month_has_the_cut_it_would_have_now() -> None:
    logs = made()
    propose(logs, APRIL, logs.cut(), what_if(logs).real)
    logs.add(SICHUAN, settlement("A3", 7, month=APRIL))
    logs.accept(QINGHAI, SICHUAN)
    found = what_if(logs)
    assert (found.basis.revision, found.real.gross_fen) == (1, 1_900)
    standing = batches.latest_batch(logs.store, logs.roster, APRIL)
    assert standing is not None
    logs.add(CENTRE, Withdrawal(APRIL, 1, standing.proposal_hash, "again", []))
    found = what_if(logs)
    assert (found.basis.revision, found.real.gross_fen) == (None, 1_907)


def test_what_cannot_be_supposed_is_refused_by_name() -> None:
    logs = made()
    with pytest.raises(RefusedError, match="does not follow 2017-03"):
        what_if(logs, "2017-02")
    with pytest.raises(RefusedError, match="does not follow 2017-03"):
        what_if(logs, "2017-05")
    with pytest.raises(FormError, match="990000"):
        what_if(logs, fails=("990000",))
    with pytest.raises(FormError, match="net_star"):
        what_if(logs, model="net_star")
    ahead = [Head(h.code, h.size + 1, h.root) if h.code == TIBET else h for h in logs.cut()]
    with pytest.raises(UncheckableError, match=TIBET):
        basis_of(logs.store, logs.roster, APRIL, ahead)


def test_supposing_writes_nothing() -> None:
    logs = made()
    before = {code: logs.head(code) for code in (CENTRE, *CODES)}
    what_if(logs, silent=(TIBET,), model="gross_pair", largest=2, quota_cut=50)
    assert {code: logs.head(code) for code in (CENTRE, *CODES)} == before


# --- prepayments ---


def test_two_months_of_funds_cover_the_month_and_half_of_them_just_do() -> None:
    logs = made()
    assert what_if(logs, quota_cut=0).prepaid[QINGHAI] == (1_500, 3_000, 3_000, 1_500)
    assert what_if(logs, quota_cut=50).prepaid[QINGHAI] == (1_500, 3_000, 1_500, 1_500)
    assert what_if(logs, quota_cut=75).prepaid[QINGHAI] == (1_500, 3_000, 750, 750)
    assert what_if(logs, quota_cut=100).prepaid[QINGHAI] == (1_500, 3_000, 0, 0)


def test_a_prepayment_covers_the_shortfall_of_its_own_pair_only() -> None:
    found = what_if(made(), fails=(QINGHAI,), quota_cut=75)
    assert (found.prepaid_from, found.quota_from) == ("BATCHES", (MARCH,))
    assert found.short == [
        Short(SICHUAN, QINGHAI, 1_000, 500), Short(SHAANXI, QINGHAI, 500, 250),
    ]  # fmt: skip
    assert list(found.prepaid) == [QINGHAI]


def test_before_the_first_confirmed_month_there_is_no_quota() -> None:
    logs = Logs(CODES)
    entered(logs, MARCH, 1)
    found = what_if(logs, MARCH, quota_cut=0)
    assert found.quota_from == ()
    assert found.prepaid[QINGHAI] == (1_500, 0, 0, 0)


def test_a_rule_set_without_prepayments_has_no_quota_to_cut() -> None:
    text = default_ruleset().decode()
    begin, end = text.index("[prepayment.quota]"), text.index("[late]")
    logs = Logs(CODES, ruleset=(text[:begin] + text[end:]).encode())
    with pytest.raises(RefusedError, match="no prepayment"):
        what_if(logs, MARCH, quota_cut=10)


def held(qinghai: int = 800, tibet: int = 0) -> Logs:
    """Return two months before which Sichuan was prepaid by Qinghai, and by Tibet."""
    logs = Logs(CODES)
    pairs = {(QINGHAI, SICHUAN): qinghai} | ({(TIBET, SICHUAN): tibet} if tibet else {})
    assert give_quotas(logs, pairs) is None
    assert logs.add(CENTRE, demand_of(logs, "2017-01", pairs)) is None
    for number, ((debtor, creditor), fen) in enumerate(sorted(pairs.items()), 1):
        assert logs.add(debtor, sent("prepayment", "2017-01", number, creditor, fen)) is None
        assert logs.add(creditor, came("prepayment", "2017-01", number, debtor, fen)) is None
    entered(logs, MARCH, 1)
    close(logs, MARCH)
    entered(logs, APRIL, 2)
    return logs


def test_what_is_held_covers_a_shortfall_and_no_quota_is_supposed_beside_it() -> None:
    logs = held()
    found = what_if(logs, largest=1)  # also where no cut is asked for
    assert (found.prepaid_from, found.quota_from) == ("HELD", ())
    assert found.short == [Short(SICHUAN, QINGHAI, 1_000, 800), Short(SHAANXI, QINGHAI, 500, 0)]
    assert found.prepaid == {QINGHAI: (1_500, 800, 800, 800)}
    cut = what_if(logs, largest=1, quota_cut=25)
    assert cut.short == [Short(SICHUAN, QINGHAI, 1_000, 600), Short(SHAANXI, QINGHAI, 500, 0)]
    assert what_if(logs, quota_cut=25).prepaid[QINGHAI] == (1_500, 800, 600, 600)
    assert what_if(logs, silent=(TIBET,)).prepaid_from == ""  # nobody fails, nothing is drawn on


def test_what_is_held_is_that_of_the_cut_less_what_was_drawn() -> None:
    logs = held()
    assert logs.add(SICHUAN, drawn(MARCH, 2, QINGHAI, 700)) is None
    assert what_if(logs, largest=1).prepaid[QINGHAI] == (1_500, 100, 100, 100)
    assert what_if(logs, MARCH, largest=1).prepaid[QINGHAI] == (1_500, 800, 800, 800)
    silent = what_if(logs, largest=1, silent=(SICHUAN,))  # its log ends before the draw
    assert silent.prepaid[QINGHAI] == (500, 800, 800, 0)


def test_where_everything_held_was_drawn_nothing_covers_and_no_quota_takes_its_place() -> None:
    logs = held()
    assert logs.add(SICHUAN, drawn(MARCH, 2, QINGHAI, 800)) is None
    for found in (what_if(logs, largest=1), what_if(logs, quota_cut=0, fails=(QINGHAI,))):
        assert (found.prepaid_from, found.quota_from) == ("HELD", ())
        assert found.prepaid == {QINGHAI: (1_500, 0, 0, 0)}
        assert [item.covered_fen for item in found.short] == [0, 0]


# --- laws ---

PAIRS = [(d, c) for d in CODES for c in CODES if d != c]
SUMS = st.dictionaries(
    st.sampled_from(PAIRS), st.builds(Amounts, st.just(1), st.integers(-50, 500)), max_size=12
)


def result_of(pairs: dict[tuple[str, str], Amounts], model: str) -> Result:
    money = {pair: amounts.lines for pair, amounts in pairs.items()}
    legs = netting.legs(model, money, CODES)
    return Result(MARCH, model, bytes(32), pairs, netting.nets(money, CODES), legs)


@given(SUMS, st.sampled_from(sorted(MODELS)), st.sets(st.sampled_from(CODES)))
def test_what_does_not_move_is_exactly_what_somebody_is_short_of(
    pairs: dict[tuple[str, str], Amounts], model: str, fails: set[str]
) -> None:
    result = result_of(pairs, model)
    flows, missing = defaults(result, sorted(fails))
    unpaid = sum(f.leg.fen for f in flows if f.leg.payer in fails)
    assert sum(item.fen for item in missing) == unpaid
    for code in CODES:
        due = sum(f.leg.fen - f.moved_fen for f in flows if f.leg.payee == code)
        assert due == sum(item.fen for item in missing if item.code == code)
    assert all(0 <= flow.moved_fen <= flow.leg.fen for flow in flows)
    assert all(f.moved_fen == f.leg.fen for f in flows if f.leg.payer not in (*fails, CENTRE))
    into = sum(f.moved_fen for f in flows if f.leg.payee == CENTRE)
    assert into == sum(f.moved_fen for f in flows if f.leg.payer == CENTRE)


@given(SUMS, st.sampled_from(sorted(MODELS)))
def test_another_model_changes_who_pays_whom_and_nobodys_net(
    pairs: dict[tuple[str, str], Amounts], model: str
) -> None:
    other = under_model(result_of(pairs, "net_hub"), model)
    assert netting.net_of_legs(other.legs, CODES) == other.nets
    payers = largest_payers(other.legs)
    paid = [sum(leg.fen for leg in other.legs if leg.payer == code) for code in payers]
    assert paid == sorted(paid, reverse=True)
