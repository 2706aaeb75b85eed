"""The id that a payment carries through the banks: one spelling, at most 35 characters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import FormError
from settlement.endtoend import (
    EndToEnd,
    end_to_ends_in,
    format_end_to_end,
    network_part,
    parse_end_to_end,
)

PAYMENT = EndToEnd("clearing", "2017-03", 12, 1, "630000", "510000", "3F9A2C")
TEXT = "C1703-12-1-630000-510000-3F9A2C"

payments = st.builds(
    EndToEnd,
    st.sampled_from(["clearing", "prepayment", "prepayment_return"]),
    st.sampled_from(["2017-03", "2000-01", "2099-12"]),
    st.integers(1, 9_999),
    st.integers(1, 999),
    st.sampled_from(["630000", "100000"]),
    st.sampled_from(["510000", "100000"]),
    st.binary(min_size=3, max_size=3).map(network_part),
)


def test_an_id_names_purpose_month_leg_attempt_payer_payee_and_network() -> None:
    assert format_end_to_end(PAYMENT) == TEXT
    assert parse_end_to_end(TEXT) == PAYMENT


@given(payments)
def test_every_id_fits_into_35_characters_and_comes_back(payment: EndToEnd) -> None:
    text = format_end_to_end(payment)
    assert len(text) <= 35
    assert parse_end_to_end(text) == payment


@given(payments, payments)
def test_no_two_payments_share_an_id(one: EndToEnd, two: EndToEnd) -> None:
    assert (format_end_to_end(one) == format_end_to_end(two)) == (one == two)


@pytest.mark.parametrize(
    "text",
    [
        "", TEXT.lower(), TEXT + " ", " " + TEXT, TEXT.replace("C17", "X17"),
        TEXT.replace("1703", "1713"), TEXT.replace("-12-", "-012-"), TEXT.replace("-1-", "-0-"),
        TEXT.replace("-12-", "-12345-"), TEXT[:-1], TEXT.replace("630000", "063000"),
        TEXT.replace("-", "–"),
    ],
)  # fmt: skip
def test_any_other_spelling_is_refused(text: str) -> None:
    with pytest.raises(FormError):
        parse_end_to_end(text)


@pytest.mark.parametrize(("number", "attempt"), [(10_000, 1), (0, 1), (1, 1_000), (1, 0)])
def test_what_does_not_fit_has_no_id(number: int, attempt: int) -> None:
    with pytest.raises(FormError, match="9999"):
        format_end_to_end(PAYMENT._replace(number=number, attempt=attempt))


def test_ids_are_found_in_a_remark_but_not_inside_another_word() -> None:
    other = TEXT.replace("-12-", "-13-")
    assert list(end_to_ends_in(f"附言 {TEXT} 清算资金/{other},{TEXT}")) == [
        PAYMENT, PAYMENT._replace(number=13)
    ]  # fmt: skip
    assert list(end_to_ends_in(f"X{TEXT} {TEXT}7 {TEXT}-")) == []
