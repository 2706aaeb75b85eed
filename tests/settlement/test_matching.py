"""Which line is which payment: cases in rows, and what holds whatever the order."""

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.account import Account
from settlement.bankstatement import Line
from settlement.matching import REASON, Expected, Match, match_lines, payment_id, subset_of

NETWORK = "3F9A2C"
QH, SC, XZ = "630000", "510000", "540000"  # the account is Qinghai's
ACCOUNTS = {
    SC: Account(SC, "四川专户", "51000", "b", "", ""),
    "330000": Account("330000", "四川专户（一）", "33000", "b", "", ""),
    XZ: Account(XZ, "西藏专户", "54000", "b", "", ""),
}


def out(number: int, fen: int, other: str = SC, attempt: int = 1, **more: object) -> Expected:
    return Expected("out", "clearing", "2017-03", number, attempt, other, fen, **more)  # type: ignore[arg-type]


def come(number: int, fen: int, other: str = SC, **more: object) -> Expected:
    return Expected("in", "clearing", "2017-03", number, 1, other, fen, **more)  # type: ignore[arg-type]


def back(number: int, fen: int, other: str = SC, **more: object) -> Expected:
    return Expected("back", "clearing", "2017-03", number, 1, other, fen, **more)  # type: ignore[arg-type]


def sent_id(number: int, attempt: int = 1, network: str = NETWORK) -> str:
    return f"C1703-{number}-{attempt}-{QH}-{SC}-{network}"


def got_id(number: int) -> str:
    return f"C1703-{number}-1-{SC}-{QH}-{NETWORK}"


def line(fen: int, **more: object) -> Line:
    given = {"booked": "2017-04-12", "valued": "2017-04-12", "reference": "B1", **more}
    return Line(fen=fen, **given)  # type: ignore[arg-type]


class Case(NamedTuple):
    what: str
    line: Line
    expected: list[Expected]
    reason: str
    numbers: list[int]  # of the legs that come into question
    bound: tuple[bytes, ...] = ()


CASES = [
    Case("the id and the amount", line(-500, end_to_end=sent_id(1)), [out(1, 500), out(2, 500)],
         "END_TO_END", [1]),
    Case("the id in the remark", line(-500, remittance=f"/{sent_id(2)}/ 清算资金"),
         [out(1, 500), out(2, 500)], "END_TO_END", [2]),
    Case("what came in under the sender's id", line(500, end_to_end=got_id(3)), [come(3, 500)],
         "END_TO_END", [3]),
    Case("an id of one's own that comes in is a return", line(500, end_to_end=sent_id(1)),
         [back(1, 500), come(3, 500)], "END_TO_END", [1]),
    Case("the bank's number that an entry names", line(-500), [out(1, 500, reference="B1", entry=4),
         out(2, 500)], "REFERENCE", [1]),
    Case("one number for a batch that the bank books at once", line(-800, batched=2),
         [out(1, 500, reference="B1", entry=4), out(2, 300, XZ, reference="B1", entry=5)],
         "REFERENCE", [1, 2]),
    Case("the number is an entry's, the amount is not", line(-499),
         [out(1, 500, reference="B1", entry=4)], "NONE", []),
    Case("the number of a Returned", line(500), [back(1, 500, reference="B1", entry=6)],
         "REFERENCE", [1]),
    Case("amount and the other side's account", line(-500, counterparty_account="51000"),
         [out(1, 500), out(2, 500, XZ)], "COUNTERPARTY", [1]),
    Case("amount and the other side's name", line(500, counterparty="西藏专户"),
         [come(1, 500), come(2, 500, XZ)], "COUNTERPARTY", [2]),
    Case("brackets of either width", line(-500, counterparty="四川专户 (一)"),
         [out(1, 500, XZ), out(2, 500, "330000")], "COUNTERPARTY", [2]),
    Case("the amount alone", line(-500), [out(1, 500), out(2, 501)], "AMOUNT", [1]),
    Case("several of that amount", line(-500), [out(1, 500), out(2, 500, XZ)], "SEVERAL", [1, 2]),
    Case("several of that amount and side", line(-500, counterparty="四川专户"),
         [out(1, 500), out(2, 500), out(3, 500, XZ)], "SEVERAL", [1, 2]),
    Case("a batch the bank has counted", line(-800, batched=2), [out(1, 500), out(2, 300, XZ),
         out(3, 400), out(4, 250), out(5, 150)], "BATCH", [1, 2]),
    Case("a batch of three, not of two", line(-800, batched=3), [out(1, 500), out(2, 300, XZ),
         out(3, 400), out(4, 250), out(5, 150)], "BATCH", [3, 4, 5]),
    Case("a sum without a count", line(800), [come(1, 500), come(2, 300, XZ)], "BATCH", [1, 2]),
    Case("both ids of a batch in the remark", line(-800, remittance=f"{sent_id(1)} {sent_id(2)}"),
         [out(1, 500), out(2, 300)], "BATCH", [1, 2]),
    Case("less than the id asks for", line(-300, end_to_end=sent_id(1)), [out(1, 500)], "PARTIAL",
         [1]),
    Case("less, from a known side", line(-300, counterparty_account="51000"),
         [out(1, 500), out(2, 400, XZ)], "PARTIAL", [1]),
    Case("more than the id asks for", line(-600, end_to_end=sent_id(1)), [out(1, 500)], "ID_AMOUNT",
         [1]),
    Case("the id fits a payment that waits", line(-500, end_to_end=sent_id(1)),
         [out(1, 500, ready=False)], "WAITING", [1]),
    Case("the sender's entry is not here yet", line(500, end_to_end=got_id(9)), [come(3, 500)],
         "WAITING", []),
    Case("the bank says why it sent it back", line(500, return_reason="AC04"),
         [back(1, 500), back(2, 500, XZ), come(3, 500)], "RETURN", [1, 2]),
    Case("the remark says that it is a return",
         line(500, remittance="退汇", counterparty="西藏专户"), [back(1, 500), back(2, 500, XZ)],
         "RETURN", [2]),
    Case("what came in without such a word is no return", line(500), [back(1, 500)], "NONE", []),
    Case("the payment has its line", line(-500, end_to_end=sent_id(1)), [out(2, 500)], "DUPLICATE",
         [], (payment_id("out", "clearing", "2017-03", 1, SC, 1),)),
    Case("a bank charge is no payment, whatever its amount", line(-500, fee=True), [out(1, 500)],
         "FEE", []),
    Case("an id of another network is no id", line(-499, end_to_end=sent_id(1, network="000000")),
         [out(1, 500)], "NONE", []),
    Case("another attempt is another payment", line(-499, end_to_end=sent_id(1, attempt=2)),
         [out(1, 500)], "WAITING", []),
    Case("nothing of that amount", line(-7), [out(1, 500)], "NONE", []),
    Case("the other direction", line(500), [out(1, 500)], "NONE", []),
]  # fmt: skip


def matched(case: Case) -> Match:
    (found,) = match_lines(QH, NETWORK, {1: case.line}, case.expected, case.bound, ACCOUNTS)
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_a_line_is_what_the_row_says(case: Case) -> None:
    found = matched(case)
    assert (found.reason, [item.number for item in found.payments]) == (case.reason, case.numbers)


def test_every_reason_occurs_and_only_two_are_certain() -> None:
    assert {case.reason for case in CASES} | {"OPPOSITE"} == set(REASON)
    certain = {case.reason for case in CASES if matched(case).certain}
    assert certain == {"END_TO_END", "REFERENCE"}


def test_the_second_line_of_one_payment_is_a_duplicate() -> None:
    lines = {
        1: line(-500, end_to_end=sent_id(1), booked="2017-04-13"),
        2: line(-500, end_to_end=sent_id(1), reference="B2"),
    }
    found = {m.number: m.reason for m in match_lines(QH, NETWORK, lines, [out(1, 500)])}
    assert found == {2: "END_TO_END", 1: "DUPLICATE"}  # the earlier booking is the payment


def test_what_comes_back_is_not_the_payment_if_it_was_paid_twice() -> None:
    # The bank paid twice and sent one of the two back: which one is for a person to say.
    lines = {
        1: line(-500, end_to_end=sent_id(1), reference="B2"),
        2: line(500, end_to_end=sent_id(1), return_reason="AC04", booked="2017-04-13"),
    }
    expected = [back(1, 500)]
    found = {m.number: m.reason for m in match_lines(QH, NETWORK, lines, expected)}
    assert found == {1: "WAITING", 2: "RETURN"}
    bound = [payment_id("out", "clearing", "2017-03", 1, SC, 1)]
    found = {m.number: m.reason for m in match_lines(QH, NETWORK, lines, expected, bound)}
    assert found == {1: "DUPLICATE", 2: "RETURN"}
    only = {2: lines[2]}
    (match,) = match_lines(QH, NETWORK, only, expected, bound)
    assert match.certain


def test_two_lines_that_move_the_same_money_back_and_forth_name_each_other() -> None:
    lines = {1: line(700), 2: line(-700, reference="B2"), 3: line(-5, reference="B3", fee=True),
             4: line(5, reference="B4")}  # fmt: skip
    found = {m.number: (m.reason, m.opposite) for m in match_lines(QH, NETWORK, lines, [])}
    assert found == {1: ("OPPOSITE", 2), 2: ("OPPOSITE", 1), 3: ("FEE", 4), 4: ("OPPOSITE", 3)}


# --- laws ----------------------------------------------------------------------------------------

expectations = st.lists(
    st.builds(
        out, st.integers(1, 6), st.integers(1, 4), st.sampled_from([SC, XZ]),
        reference=st.sampled_from(["", "B1", "B2"]), ready=st.booleans(),
    ),
    max_size=8, unique_by=lambda item: item.id,
)  # fmt: skip
some_lines = st.lists(
    st.builds(
        line, st.sampled_from([-4, -3, -2, -1, 1, 2]),
        reference=st.sampled_from(["B1", "B2", "B3"]),
        end_to_end=st.sampled_from(["", sent_id(1), sent_id(2), sent_id(3)]),
        booked=st.sampled_from(["2017-04-12", "2017-04-13"]), batched=st.sampled_from([0, 2]),
        fee=st.booleans(), counterparty=st.sampled_from(["", "四川专户"]),
    ),
    max_size=8,
)  # fmt: skip


@given(expectations, some_lines, st.randoms(use_true_random=False))
def test_whatever_the_order_no_payment_has_two_lines_and_none_gets_more_than_its_amount(
    expected: list[Expected], lines: list[Line], random: object
) -> None:
    numbered = dict(enumerate(lines, 1))
    found = match_lines(QH, NETWORK, numbered, expected, (), ACCOUNTS)
    assert sorted(match.number for match in found) == sorted(numbered)
    taken = [item.id for match in found if match.certain for item in match.payments]
    assert len(taken) == len(set(taken))
    for match in found:
        if match.certain:
            assert sum(i.fen for i in match.payments) == abs(numbered[match.number].fen)
            assert not numbered[match.number].fee
    turned = dict(reversed(numbered.items()))
    shuffled = list(expected)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert match_lines(QH, NETWORK, turned, shuffled, (), ACCOUNTS) == found


@given(st.lists(st.integers(1, 20), max_size=9), st.integers(1, 60), st.sampled_from([0, 2, 3]))
def test_a_sum_is_found_if_there_is_one(fens: list[int], fen: int, count: int) -> None:
    payments = [out(number, amount) for number, amount in enumerate(fens, 1)]
    found = subset_of(payments, fen, count)
    sums = [
        [item for place, item in enumerate(payments) if mask >> place & 1]
        for mask in range(1 << len(payments))
    ]
    fitting = [
        some
        for some in sums
        if sum(item.fen for item in some) == fen
        and (len(some) == count if count else len(some) > 1)
    ]
    assert (found is not None) == bool(fitting)
    assert found is None or found in fitting


def test_too_many_payments_are_not_searched() -> None:
    assert subset_of([out(number, 2) for number in range(1, 30)], 3) is None
    hard = [out(number, 2 * number) for number in range(1, 25)]
    assert subset_of(hard, 299) is None  # an odd sum of even amounts: given up, not for ever
