"""The three models: small worlds exhaustively, then laws."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import FormError
from settlement.netting import MODELS, LegDue, legs, net_of_legs, nets, total_fen
from settlement.party import CENTRE
from settlement.record import Lines

A, B, C = "510000", "540000", "630000"
CODES = [A, B, C]
PAIRS = [(d, c) for d in CODES for c in CODES if d != c]


def owed(fen: int) -> Lines:
    return Lines(fen, 0, 0, 0)


def test_one_debt_moves_once_and_through_the_hub_twice() -> None:
    pairs = {(C, A): owed(900)}
    assert legs("gross_pair", pairs, CODES) == [LegDue(1, C, A, 900)]
    assert legs("net_pair", pairs, CODES) == [LegDue(1, C, A, 900)]
    assert legs("net_hub", pairs, CODES) == [LegDue(1, C, CENTRE, 900), LegDue(2, CENTRE, A, 900)]


def test_two_debts_of_a_pair_set_each_other_off() -> None:
    pairs = {(C, A): owed(900), (A, C): owed(1_000)}
    assert legs("gross_pair", pairs, CODES) == [LegDue(1, A, C, 1_000), LegDue(2, C, A, 900)]
    assert legs("net_pair", pairs, CODES) == [LegDue(1, A, C, 100)]


def test_a_negative_pair_pays_backwards() -> None:
    assert legs("gross_pair", {(A, C): owed(-515_255)}, CODES) == [LegDue(1, C, A, 515_255)]


def test_a_ring_of_equal_debts_moves_nothing_through_the_hub() -> None:
    ring = {(A, B): owed(5), (B, C): owed(5), (C, A): owed(5)}
    assert legs("net_hub", ring, CODES) == []
    assert len(legs("net_pair", ring, CODES)) == 3


def test_an_unknown_model_is_refused_by_name() -> None:
    with pytest.raises(FormError, match="net_star"):
        legs("net_star", {}, CODES)


@pytest.mark.parametrize("model", sorted(MODELS))
def test_in_every_world_of_three_parties_each_model_gives_everyone_the_same(model: str) -> None:
    for amounts in product((-1, 0, 2), repeat=len(PAIRS)):
        pairs = {pair: owed(fen) for pair, fen in zip(PAIRS, amounts, strict=True)}
        due = legs(model, pairs, CODES)
        assert net_of_legs(due, CODES) == nets(pairs, CODES)
        assert all(leg.fen > 0 and leg.payer != leg.payee for leg in due)
        assert [leg.number for leg in due] == list(range(1, len(due) + 1))


LINES = st.builds(Lines, *[st.integers(-(10**9), 10**12)] * 4)
SUMS = st.dictionaries(st.sampled_from(PAIRS), LINES)


@given(SUMS)
def test_nets_are_sums_over_counterparts_and_add_up_to_nothing(pairs: dict) -> None:  # type: ignore[type-arg]
    result = nets(pairs, CODES)
    assert sum(result.values()) == 0
    for code in CODES:
        got = sum(total_fen(x) for (_, c), x in pairs.items() if c == code)
        paid = sum(total_fen(x) for (d, _), x in pairs.items() if d == code)
        assert result[code] == got - paid


@given(SUMS, st.permutations(CODES), st.sampled_from(sorted(MODELS)))
def test_names_and_order_do_not_matter(pairs: dict, order: list[str], model: str) -> None:  # type: ignore[type-arg]
    shuffled = dict(sorted(pairs.items(), key=lambda item: order.index(item[0][0])))
    assert legs(model, shuffled, order) == legs(model, pairs, CODES)


@given(SUMS)
def test_no_model_moves_more_often_than_the_one_before(pairs: dict) -> None:  # type: ignore[type-arg]
    gross, net = legs("gross_pair", pairs, CODES), legs("net_pair", pairs, CODES)
    assert len(net) <= len(gross)
    assert sum(leg.fen for leg in net) <= sum(leg.fen for leg in gross)
    assert len(legs("net_hub", pairs, CODES)) <= len(CODES)
