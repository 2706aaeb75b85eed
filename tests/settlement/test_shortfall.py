"""What is missing in the hub is shared among those with a claim, to the fen."""

from hypothesis import given
from hypothesis import strategies as st

from settlement.shortfall import proportional, shares

CODES = ["110000", "120000", "510000", "540000", "610000"]
amounts = st.dictionaries(st.sampled_from(CODES), st.integers(0, 10**6), min_size=1)


def test_parts_follow_the_weights_and_the_largest_remainder_gets_the_odd_fen() -> None:
    # 100 × 5/9 = 55.5…, 100 × 3/9 = 33.3…, 100 × 1/9 = 11.1…: the odd fen goes to the first.
    assert proportional(100, {"110000": 5, "120000": 3, "510000": 1}) == {
        "110000": 56, "120000": 33, "510000": 11,
    }  # fmt: skip


def test_of_equal_remainders_the_smaller_code_comes_first() -> None:
    assert proportional(2, {"540000": 7, "110000": 7, "510000": 7}) == {
        "110000": 1, "510000": 1, "540000": 0,
    }  # fmt: skip


def test_those_without_a_claim_bear_nothing_while_the_others_can() -> None:
    payable = {"110000": 40, "120000": 40, "510000": 999}
    assert shares(60, {"110000": 10, "120000": 20}, payable) == {"110000": 20, "120000": 40}


def test_a_negative_claim_is_none() -> None:
    assert shares(5, {"110000": -9, "120000": 1}, {"110000": 50, "120000": 50}) == {"120000": 5}


def test_nobody_bears_more_than_the_hub_was_to_pay_him() -> None:
    assert shares(90, {"110000": 1, "120000": 99}, {"110000": 80, "120000": 30}) == {
        "110000": 60, "120000": 30,
    }  # fmt: skip


def test_what_those_with_a_claim_cannot_bear_falls_to_all_the_others_in_proportion() -> None:
    # The one claimant is to get 10; the other 30 are missing from what two others are to get.
    assert shares(40, {"110000": 5}, {"110000": 10, "120000": 20, "510000": 40}) == {
        "110000": 10, "120000": 10, "510000": 20,
    }  # fmt: skip


@given(st.integers(0, 10**9), amounts.filter(lambda w: any(w.values())))
def test_parts_add_up_and_lie_within_one_fen_of_the_exact_share(
    fen: int, weights: dict[str, int]
) -> None:
    parts = proportional(fen, weights)
    assert sum(parts.values()) == fen
    whole = sum(weights.values())
    for code, part in parts.items():
        assert abs(part * whole - fen * weights[code]) < whole
        assert part >= 0


@given(amounts, amounts.filter(lambda p: any(p.values())), st.data())
def test_every_fen_of_a_shortfall_finds_a_bearer_within_what_he_was_to_get(
    claims: dict[str, int], payable: dict[str, int], data: st.DataObject
) -> None:
    missing = data.draw(st.integers(1, sum(payable.values())))
    borne = shares(missing, claims, payable)
    assert sum(borne.values()) == missing
    assert list(borne) == sorted(borne)
    for code, fen in borne.items():
        assert 0 < fen <= payable[code]
    # Who has no claim bears something only when every claimant bears all he was to get.
    innocent = [code for code in borne if claims.get(code, 0) <= 0]
    if innocent:
        for code, claim in claims.items():
            assert claim <= 0 or borne.get(code, 0) == payable.get(code, 0)
