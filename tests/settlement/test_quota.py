"""Quotas: worked out by hand from the example months, and held against what the centre claims."""

import csv
from collections import defaultdict
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import FormError, RefusedError
from ledger.hashing import hash_bytes
from settlement import lookup, shipped
from settlement.adjustment import (
    adjustment,
    adjustment_at,
    compute_quota,
    given_quota,
    quota_differences,
)
from settlement.party import CENTRE
from settlement.period import months_between
from settlement.quota import basis_months, pairs_of, quota_fen, quota_hash, quotas, rows_of
from settlement.quotafile import parse_quotas
from settlement.record import PairAmount, Quota
from settlement.state import Fold
from tests.commands import EXAMPLE
from tests.network import QINGHAI, SICHUAN, TIBET, Logs, settlement
from tests.prepaid import came, demand_of, drawn, give_quotas, prepay, sent
from tests.published import close

SHAANXI = "610000"
MONTHS = months_between("2017-03", "2017-12")

# What the file of the example clears, in fen, March to December 2017: added up from its rows.
CLEARED = {
    (QINGHAI, SICHUAN): [
        15651648, 11024525, 22425366, 41589014, 97122353,
        86210848, 107399616, 125795254, 120460181, 117393177,
    ],
    (QINGHAI, SHAANXI): [
        1779181, 8233565, 8039035, 13507952, 22844137,
        29690342, 32926045, 34413931, 29822507, 34089577,
    ],
    (SICHUAN, QINGHAI): [0, 0, 0, 0, 0, 0, 711610, 0, 1148478, 434897],
}  # fmt: skip

# Two months of the mean of October to December: 2/3 of 3,636,486.12, 983,260.15 and 15,833.75 yuan.
BY_QUARTER = {
    (QINGHAI, SHAANXI): 65550677,  # 65,550,676.67 fen
    (QINGHAI, SICHUAN): 242432408,
    (SICHUAN, QINGHAI): 1055583,  # 1,055,583.33 fen
}
# Two months of the mean of all ten: 1/5 of 7,450,719.82, 2,153,462.72 and 22,949.85 yuan.
BY_YEARS = {
    (QINGHAI, SHAANXI): 43069254,  # .4
    (QINGHAI, SICHUAN): 149014396,  # .4
    (SICHUAN, QINGHAI): 458997,
}


def test_the_example_clears_what_the_table_above_says() -> None:
    sums: dict[tuple[str, str, str], int] = defaultdict(int)
    with EXAMPLE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            debtor, creditor = (row[c][:2] + "0000" for c in ("insuplc_admdvs", "mdtrtarea_admvs"))
            fen = (Decimal(row["fund_pay_sumamt"]) + Decimal(row["acct_pay"])) * 100
            sums[debtor, creditor, row["setl_time"][:7]] += int(fen)
    for pair, months in CLEARED.items():
        assert [sums[(*pair, month)] for month in MONTHS] == months


def year_of_example(rules: str) -> Logs:
    """Return three provinces that have cleared March to December 2017."""
    logs = Logs((SICHUAN, SHAANXI, QINGHAI), ruleset=shipped.ruleset(rules))
    for place, month in enumerate(MONTHS):
        for (debtor, creditor), fens in CLEARED.items():
            treated, insured = f"{creditor[:2]}0100", f"{debtor[:2]}0100"
            item = settlement(
                f"{debtor}-{month}", fens[place], month=month, treated=treated, insured=insured
            )
            if fens[place]:
                assert logs.add(creditor, item) is None
                assert logs.accept(debtor, creditor) is None
        close(logs, month)
    return logs


@pytest.fixture(scope="module")
def quarter() -> Logs:
    return year_of_example("national-2022")


@pytest.mark.parametrize(
    ("rules", "months", "expected"),
    [("national-2022", MONTHS[-3:], BY_QUARTER), ("national-2016", MONTHS, BY_YEARS)],
)
def test_the_quotas_of_2018_from_the_example_months(
    rules: str, months: list[str], expected: dict[tuple[str, str], int]
) -> None:
    logs = year_of_example(rules)
    record = compute_quota(logs.store, logs.roster, 2018, logs.size(CENTRE))
    assert record.months == months
    assert pairs_of(record.rows) == expected
    assert logs.add(CENTRE, record) is None
    assert logs.add(CENTRE, record) == "DUPLICATE"


def claimed(logs: Logs, **changes: Any) -> Quota:
    record = compute_quota(logs.store, logs.roster, 2018, logs.size(CENTRE))
    values: dict[str, Any] = {
        "year": record.year, "months": record.months, "ruleset_hash": record.ruleset_hash,
        "rows": record.rows, "reason": "", **changes,
    }  # fmt: skip
    digest = quota_hash(values["year"], values["ruleset_hash"], values["months"], values["rows"])
    return Quota(**{"result_hash": digest, "approvals": [], **values})


def judged(logs: Logs, record: Quota) -> str | None:
    """Return the code that would make a record of the centre void, without entering it."""
    return logs.store.transact(
        lambda writer: Fold(writer, logs.roster, CENTRE).judge(logs.size(CENTRE), record)
    )


def test_what_the_log_itself_says_about_a_quota(quarter: Logs) -> None:
    rows = compute_quota(quarter.store, quarter.roster, 2018, quarter.size(CENTRE)).rows
    table: list[tuple[dict[str, Any], str | None]] = [
        ({}, None),
        ({"rows": []}, None),  # nothing to prepay: a matter of the amounts, which others compute
        ({"months": MONTHS[-2:]}, "MONTH"),
        ({"months": MONTHS}, "MONTH"),  # the other basis
        ({"months": [], "reason": "by hand"}, "MONTH"),  # there are batches to compute from
        ({"year": 2019}, "MONTH"),  # 2018 is not cleared
        ({"year": 2017}, "MONTH"),
        ({"ruleset_hash": bytes(32)}, "RULESET"),
        ({"rows": rows[::-1]}, "ORDER"),
        ({"rows": [rows[0], rows[0]]}, "ORDER"),
        ({"rows": [PairAmount(QINGHAI, QINGHAI, 1)]}, "PAIR"),
        ({"rows": [PairAmount(CENTRE, QINGHAI, 1)]}, "PAIR"),
        ({"rows": [PairAmount(QINGHAI, SICHUAN, 0)]}, "SIGN"),
        ({"rows": [PairAmount(QINGHAI, SICHUAN, -1)]}, "SIGN"),
        ({"result_hash": bytes(32)}, "SUM"),
    ]
    for changes, code in table:
        assert judged(quarter, claimed(quarter, **changes)) == code, changes


def test_a_quota_altered_by_one_fen_is_found_and_names_the_pair(quarter: Logs) -> None:
    rows = compute_quota(quarter.store, quarter.roster, 2018, quarter.size(CENTRE)).rows
    one = [*rows[:1], PairAmount(rows[1].debtor, rows[1].creditor, rows[1].fen + 1), *rows[2:]]
    record = claimed(quarter, rows=one)
    assert judged(quarter, record) is None  # no rule of the centre's own log can see it
    found = quota_differences(quarter.store, quarter.roster, quarter.size(CENTRE), record)
    assert found == [(QINGHAI, SICHUAN, 242432409, 242432408)]


def test_what_a_quota_rests_on() -> None:
    year = months_between("2017-01", "2017-12")
    assert basis_months(year, 2018, "last_quarter") == ["2017-10", "2017-11", "2017-12"]
    assert basis_months(year, 2018, "past_years") == year
    assert basis_months(["2017-11", "2017-12", "2018-01"], 2018, "last_quarter") == [
        "2017-11", "2017-12",
    ]  # fmt: skip
    assert basis_months([], 2018, "past_years") == []
    assert basis_months(["2018-02"], 2018, "past_years") == []
    with pytest.raises(RefusedError, match="2017-11, 2017-12"):
        basis_months(year[:10], 2018, "last_quarter")


@given(st.integers(-(10**12), 10**12), st.integers(1, 60), st.integers(1, 12))
def test_a_quota_is_the_nearest_fen_and_never_below_zero(
    fen: int, batches: int, months: int
) -> None:
    found = quota_fen(fen, batches, months)
    exact = Decimal(fen) * months / batches
    assert found >= 0
    if fen > 0:
        assert abs(found - exact) <= Decimal("0.5")
    else:
        assert found == 0


def test_a_pair_that_got_money_back_has_no_quota() -> None:
    assert quotas({(QINGHAI, SICHUAN): -600, (TIBET, SICHUAN): 1, (QINGHAI, TIBET): 600}, 3, 2) == {
        (QINGHAI, TIBET): 400, (TIBET, SICHUAN): 1,  # 0.67
    }  # fmt: skip


# --- given by hand -------------------------------------------------------------------------------


def test_a_new_network_has_its_quotas_given_with_a_reason() -> None:
    logs = Logs()
    with pytest.raises(RefusedError, match="by hand"):
        compute_quota(logs.store, logs.roster, 2017, logs.size(CENTRE))
    assert give_quotas(logs, {}) == "ORDER"
    assert give_quotas(logs, {(QINGHAI, SICHUAN): 5_000}) is None
    found = lookup.quota_of(logs.store, 2017)
    assert found is not None
    assert (found[1].months, found[1].reason) == ([], "a new network")
    with pytest.raises(ValueError, match="reason"):
        given_quota(logs.store, 2018, [PairAmount(QINGHAI, SICHUAN, 1)], " ", logs.size(CENTRE))


def test_rules_without_prepayment_have_no_quota() -> None:
    logs = Logs(ruleset=shipped.ruleset("jiangsu-2017"))
    rows = [PairAmount(QINGHAI, SICHUAN, 1)]
    with pytest.raises(RefusedError, match="jiangsu-2017 knows no prepayment"):
        given_quota(logs.store, 2017, rows, "why not", logs.size(CENTRE))
    in_force = lookup.ruleset_at(logs.store, logs.size(CENTRE))
    assert in_force is not None
    digest = hash_bytes(in_force.text)
    hashed = quota_hash(2017, digest, [], rows)
    assert logs.add(CENTRE, Quota(2017, [], digest, hashed, rows, "why not", [])) == "RULESET"


GOOD = b"debtor,creditor,amount\n630000,510000,1234.56\n540000,510000,1.00\n"


def test_a_file_of_quotas_is_read_strictly() -> None:
    assert rows_of(pairs_of(parse_quotas(GOOD, "q.csv"))) == [
        PairAmount("540000", "510000", 100), PairAmount("630000", "510000", 123456),
    ]  # fmt: skip
    assert parse_quotas(b"\xef\xbb\xbf" + GOOD, "q.csv") == parse_quotas(GOOD, "q.csv")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b"debtor,creditor,amount", b"debtor,creditor", "q.csv, line 1, amount"),
        (b"amount", b"yuan", "q.csv, line 1, amount"),
        (b"1234.56", b"1234.5", "q.csv, line 2, amount: expected yuan above zero"),
        (b"1234.56", b"0.00", "line 2, amount"),
        (b"1234.56", b"-1.00", "line 2, amount"),
        (b"1234.56", b"1,234.56", "line 2"),
        (b"630000", b"630100", "line 2, debtor"),
        (b"630000", b"100000", "line 2, debtor"),
        (b"630000", b"510000", "line 2, creditor"),
        (b"540000", b"630000", "line 3: expected every pair once"),
        (b"630000,510000,1234.56\n540000,510000,1.00\n", b"", "1 to 1000 rows"),
        (b"1.00\n", b"1.00", "line 3"),
        (GOOD, b"", "q.csv"),
        (GOOD, b"PK\x03\x04\x00\x00", "q.csv, line 1"),
    ],
)
def test_a_fault_in_a_file_of_quotas_names_its_place(old: bytes, new: bytes, said: str) -> None:
    assert old in GOOD
    with pytest.raises(FormError) as refused:
        parse_quotas(GOOD.replace(old, new, 1), "q.csv")
    assert said in str(refused.value)


# --- the yearly adjustment -----------------------------------------------------------------------


def adjusted(logs: Logs, pairs: dict[tuple[str, str], int]) -> dict[tuple[str, str], int]:
    """Return what quotas of these amounts would demand now."""
    quota = Quota(2018, [], bytes(32), bytes(32), rows_of(pairs), "x", [])
    return adjustment_at(logs.store, quota, logs.cut(), logs.size(CENTRE))


def test_a_quota_is_demanded_as_far_as_it_is_not_held_and_the_rest_is_given_back() -> None:
    logs = Logs()
    prepay(logs, QINGHAI, SICHUAN, 5_000)
    pair = QINGHAI, SICHUAN
    assert adjusted(logs, {pair: 7_000}) == {pair: 2_000}
    assert adjusted(logs, {pair: 5_000}) == {}
    assert adjusted(logs, {pair: 3_000}) == {pair: -2_000}
    assert adjusted(logs, {(TIBET, SICHUAN): 10}) == {pair: -5_000, (TIBET, SICHUAN): 10}
    assert adjusted(logs, {(SICHUAN, QINGHAI): 10}) == {pair: -5_000, (SICHUAN, QINGHAI): 10}


def test_what_is_still_to_come_is_not_demanded_twice() -> None:
    logs = Logs()
    pair = QINGHAI, SICHUAN
    give_quotas(logs, {pair: 5_000})
    logs.add(CENTRE, demand_of(logs, "2017-01", {pair: 5_000}))
    assert adjusted(logs, {pair: 7_000}) == {pair: 2_000}  # demanded, nothing paid
    logs.add(QINGHAI, sent("prepayment", "2017-01", 1, SICHUAN, 4_000))
    logs.add(SICHUAN, came("prepayment", "2017-01", 1, QINGHAI, 4_000))
    assert adjusted(logs, {pair: 7_000}) == {pair: 2_000}  # the last thousand is still due
    logs.add(SICHUAN, drawn("2017-03", 1, QINGHAI, 3_000))
    assert adjusted(logs, {pair: 7_000}) == {pair: 2_000}  # late money will refill it
    logs.add(SICHUAN, came("clearing", "2017-03", 1, QINGHAI, 3_000))
    assert adjusted(logs, {pair: 7_000}) == {pair: 2_000}


def test_the_adjustment_of_the_example_is_its_whole_quota(quarter: Logs) -> None:
    record = compute_quota(quarter.store, quarter.roster, 2018, quarter.size(CENTRE))
    assert adjustment(record, {}) == BY_QUARTER
