"""What netting saves: examples, small worlds, laws."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from settlement.netting import legs, movements, net_lines, net_of_legs, nets, total_fen
from settlement.party import CENTRE
from settlement.record import Lines
from settlement.savings import compare, fewest_payments, rings

A, B, C, D = "510000", "540000", "630000", "640000"
CODES = [A, B, C, D]
PAIRS = [(d, c) for d in CODES for c in CODES if d != c]
SUMS = st.dictionaries(
    st.sampled_from(PAIRS), st.builds(Lines, *[st.integers(-(10**9), 10**12)] * 4)
)


def owed(fen: int) -> Lines:
    return Lines(fen, 0, 0, 0)


def test_two_provinces_that_owe_each_other_pay_once_and_the_difference() -> None:
    gross, pair, hub = compare({(A, B): owed(1_000), (B, A): owed(400)}, CODES)
    assert (gross.legs, gross.moved_fen, gross.saved_fen) == (2, 1_400, 0)
    assert (pair.legs, pair.moved_fen, pair.saved_fen, pair.saved_basis_points) == (
        1, 600, 800, 5_714,
    )  # fmt: skip
    assert (hub.legs, hub.moved_fen, hub.arrives_fen, hub.largest_fen) == (2, 1_200, 600, 600)
    assert hub.saved_fen == 800


def test_an_empty_month_saves_nothing_and_moves_nothing() -> None:
    assert all(row[1:] == (0, 0, 0, 0, 0, 0) for row in compare({}, CODES))
    assert fewest_payments(dict.fromkeys(CODES, 0)) == []
    assert rings({}, CODES) == []


def test_the_largest_payer_pays_the_largest_receiver_first() -> None:
    payments = fewest_payments({A: 700, B: 300, C: -400, D: -600})
    assert [(p.payer, p.payee, p.fen) for p in payments] == [
        (D, A, 600), (C, B, 300), (C, A, 100),
    ]  # fmt: skip


def test_of_equals_the_smaller_code_comes_first() -> None:
    payments = fewest_payments({A: 5, B: 5, C: -5, D: -5})
    assert [(p.payer, p.payee) for p in payments] == [(C, A), (D, B)]


def test_a_ring_is_named_once_with_what_goes_round() -> None:
    ring = {(A, B): owed(5), (B, C): owed(7), (C, A): owed(6)}
    assert rings(ring, CODES) == [((A, B, C), 5)]


def test_two_debts_of_one_pair_are_no_ring() -> None:
    assert rings({(A, B): owed(5), (B, A): owed(7)}, CODES) == []


@given(SUMS)
def test_rings_taken_away_change_no_net_and_leave_no_ring(pairs: dict) -> None:  # type: ignore[type-arg]
    rest = {(leg.payer, leg.payee): owed(leg.fen) for leg in legs("net_pair", pairs, CODES)}
    for ring in rings(pairs, CODES):
        for step in zip(ring.codes, (*ring.codes[1:], ring.codes[0]), strict=True):
            rest[step] = owed(rest[step].employee - ring.fen)
            assert rest[step].employee >= 0
    assert nets(rest, CODES) == nets(pairs, CODES)
    assert rings(rest, CODES) == []


@given(SUMS)
def test_the_fewest_payments_settle_every_net(pairs: dict) -> None:  # type: ignore[type-arg]
    wanted = nets(pairs, CODES)
    payments = fewest_payments(wanted)
    assert net_of_legs(payments, CODES) == wanted
    assert len(payments) <= max(0, len(CODES) - 1)
    assert all(payment.fen > 0 for payment in payments)


def test_in_every_small_world_nobody_pays_out_more_by_netting() -> None:
    for amounts in product((-1, 0, 2), repeat=6):
        few = [(d, c) for d in CODES[:3] for c in CODES[:3] if d != c]
        pairs = {pair: owed(fen) for pair, fen in zip(few, amounts, strict=True)}
        gross, pair, hub = compare(pairs, CODES)
        assert gross.saved_fen == 0 <= pair.saved_fen <= hub.saved_fen


@given(SUMS, st.sampled_from(["gross_pair", "net_pair", "net_hub"]))
def test_fund_lines_of_the_legs_add_up_to_each_leg_and_to_everybodys_net(
    pairs: dict,  # type: ignore[type-arg]
    model: str,
) -> None:
    got = {code: [0, 0, 0, 0] for code in (*CODES, CENTRE)}
    for leg, lines in movements(model, pairs, CODES):
        assert total_fen(lines) == leg.fen > 0
        for at, fen in enumerate((lines.employee, lines.resident, lines.other, lines.account)):
            got[leg.payer][at] -= fen
            got[leg.payee][at] += fen
    for code, lines in net_lines(pairs, CODES).items():
        assert sum(got[code]) == total_fen(lines)
    assert sum(got[CENTRE]) == 0
