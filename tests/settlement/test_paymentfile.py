"""Payment files: the published schema takes them, and the same payments give the same bytes."""

from functools import cache
from importlib import metadata, resources
from pathlib import Path

import pytest
import xmlschema
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import FormError
from settlement.account import COLUMNS, Account, parse_accounts
from settlement.paymentfile import HEADINGS, Batch, make_batch, make_file
from settlement.record import Payment
from settlement.workbook import read_sheet
from tests.commands import ROOT

NETWORK = bytes(range(32))
ACCOUNTS = {
    "630000": Account("630000", "示例青海专户", "9900630000000001", "示例银行", "", "999630000000"),
    "510000": Account("510000", "R&D <四川> \"A\"", "9900510000000001", "示例银行", "ABCDCNBJ", ""),
    "540000": Account("540000", "示例西藏专户", "9900540000000001", "银行", "ABCDCNBJ", "9" * 12),
}  # fmt: skip
PAYMENTS = [
    Payment("clearing", "2017-03", 2, 1, "540000", 1),
    Payment("clearing", "2017-03", 1, 2, "510000", 16_000_000_01),
    Payment("prepayment", "2018-01", 7, 1, "510000", 500),
]


def batch(date: str = "2017-04-14") -> Batch:
    return make_batch(NETWORK, "630000", PAYMENTS, ACCOUNTS, date)


@cache
def schema() -> xmlschema.XMLSchema:
    assert metadata.version("sepaxml") == "2.7.0"
    return xmlschema.XMLSchema(str(resources.files("sepaxml") / "schemas/pain.001.001.09.xsd"))


def test_a_pain_file_is_valid_by_the_published_schema() -> None:
    data = make_file("pain.001", batch())
    schema().validate(data.decode())
    text = data.decode()
    assert "<CtrlSum>16000005.02</CtrlSum>" in text
    assert "<NbOfTxs>3</NbOfTxs>" in text
    assert "<EndToEndId>C1703-1-2-630000-510000-000102</EndToEndId>" in text
    assert '<InstdAmt Ccy="CNY">0.01</InstdAmt>' in text
    assert "<Prtry>预付金</Prtry>" in text


def test_names_with_markup_are_escaped() -> None:
    text = make_file("pain.001", batch()).decode()
    assert "R&amp;D &lt;四川&gt;" in text
    assert "<四川>" not in text


@pytest.mark.parametrize("form", ["xlsx", "pain.001"])
def test_the_same_payments_on_the_same_date_give_the_same_bytes(form: str) -> None:
    assert make_file(form, batch()) == make_file(form, batch())
    assert make_file(form, batch()) != make_file(form, batch("2017-04-15"))


def test_the_order_in_which_payments_are_given_does_not_matter() -> None:
    turned = make_batch(NETWORK, "630000", PAYMENTS[::-1], ACCOUNTS, "2017-04-14")
    assert turned == batch()


def test_a_workbook_has_one_row_a_payment_with_accounts_as_text() -> None:
    rows = [values for _, values in read_sheet(make_file("xlsx", batch())).rows]
    assert tuple(rows[0]) == HEADINGS
    assert rows[1] == [
        1, "示例青海专户", "9900630000000001", 'R&D <四川> "A"', "9900510000000001", "示例银行",
        "ABCDCNBJ", 16_000_000.01, "C1703-1-2-630000-510000-000102 清算资金", "清算资金",
    ]  # fmt: skip
    assert [row[9] for row in rows[1:]] == ["清算资金", "清算资金", "预付金"]


@given(st.integers(1, 10**15 - 1))
def test_a_workbook_keeps_every_amount_exactly(fen: int) -> None:
    payment = [Payment("clearing", "2017-03", 1, 1, "510000", fen)]
    data = make_file("xlsx", make_batch(NETWORK, "630000", payment, ACCOUNTS, "2017-04-14"))
    (_, _), (_, row) = read_sheet(data).rows
    assert round(float(str(row[7])) * 100) == fen


def test_what_a_file_cannot_say_is_refused() -> None:
    huge = [Payment("clearing", "2017-03", 1, 1, "510000", 10**15)]
    with pytest.raises(FormError, match=r"pain\.001"):
        make_file("xlsx", make_batch(NETWORK, "630000", huge, ACCOUNTS, "2017-04-14"))
    with pytest.raises(FormError, match="a row for 110000"):
        make_batch(NETWORK, "630000", [Payment("clearing", "2017-03", 1, 1, "110000", 1)],
                   ACCOUNTS, "2017-04-14")  # fmt: skip
    with pytest.raises(FormError, match="at least one"):
        make_batch(NETWORK, "630000", [], ACCOUNTS, "2017-04-14")
    with pytest.raises(FormError, match="YYYY-MM-DD"):
        batch("2017-4-14")
    with pytest.raises(FormError, match=r"xlsx or pain\.001"):
        make_file("csv", batch())


# --- accounts ------------------------------------------------------------------------------------

HEADER = ",".join(COLUMNS)
ROW = "630000,青海专户,9900630000000001,示例银行,,999630000000"


def test_the_example_names_an_account_for_everybody() -> None:
    data = (ROOT / "configs/examples/accounts.csv").read_bytes()
    assert len(parse_accounts(data)) == 33


@pytest.mark.parametrize(
    ("row", "place"),
    [
        (ROW.replace("630000,", "999999,", 1), "participant"), (ROW + "\n" + ROW, "line 3 code"),
        (ROW + "\n" + ROW.replace("630000,", "510000,", 1), "line 3 account"),
        (ROW.replace("青海专户", ""), "line 2 name"), (ROW.replace("青海专户", "青" * 71), "name"),
        (ROW.replace("9900630000000001", "99 0063"), "line 2 account"),
        (ROW.replace(",,", ",abcdcnbj,"), "line 2 bic"), (ROW[:-1], "line 2 cnaps"),
        (ROW.replace("999630000000", ""), "line 2 cnaps"), (ROW + ",x", "line 2"),
        (ROW.replace("示例银行", "示\u200b例"), "line 2 bank"),
    ],
)  # fmt: skip
def test_a_fault_in_the_accounts_names_its_place(row: str, place: str) -> None:
    with pytest.raises(FormError, match=place):
        parse_accounts(f"{HEADER}\n{row}\n".encode())


def test_accounts_of_another_shape_are_refused(tmp_path: Path) -> None:
    for text in ("", HEADER[5:] + "\n" + ROW, f"{HEADER}\n{ROW}"):
        with pytest.raises(FormError):
            parse_accounts(text.encode())
