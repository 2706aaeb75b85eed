"""Documents of a month: worked by hand, and tied to the result to the fen."""

import json
from typing import Any

import pytest
from hypothesis import given, settings

from ledger.errors import FormError, RefusedError
from settlement import batch as batches
from settlement import shipped
from settlement.document import (
    DEMAND_KINDS,
    KINDS,
    LINE_KINDS,
    TABLE_KINDS,
    Document,
    Value,
    differences,
    parse_document,
)
from settlement.monthbook import open_month
from settlement.notice import demand_notice
from settlement.paperwork import document, documents, head_of
from settlement.party import CENTRE
from settlement.record import Withdrawal
from settlement.tag import Tag, find_tag, parse_tag, tag_of
from settlement.totals import NOTHING
from settlement.words import in_words
from tests.goldenfiles import FOLDER
from tests.network import QINGHAI, SICHUAN, TIBET, Logs, settlement
from tests.papers import APRIL, MARCH, april, book, everything, march, paper, with_cell
from tests.published import close
from tests.settlement.test_batch import made as three
from tests.settlement.test_batch import propose
from tests.settlement.test_obligation import DEEDS, MONTHS, play


def rows(made: Document, table: int = 0) -> list[tuple[Value, ...]]:
    return list(made.tables[table].rows)


# --- worked by hand -------------------------------------------------------------------------------


def test_the_clearing_table_has_every_participant_and_ties_out() -> None:
    made = paper(march(), MARCH, "clearing", CENTRE)
    assert rows(made) == [
        (SICHUAN, 2, 1_834, 1, 55, 1_779),  # 1,234 of Qinghai and 600 of Tibet
        (TIBET, 1, 55, 1, 600, -545),
        (QINGHAI, 0, 0, 1, 1_234, -1_234),
    ]
    assert made.tables[0].total == (None, 3, 1_889, 3, 1_889, 0)
    assert (made.total_fen, made.fields) == (1_889, {"legs": 3, "moved_fen": 3_558})


def test_the_payable_and_receivable_tables_name_every_fund_line() -> None:
    logs = march()
    owed = paper(logs, MARCH, "payable", QINGHAI)
    assert rows(owed) == [(SICHUAN, 1, 1_000, 200, 30, 4, 1_234)]
    due = paper(logs, MARCH, "receivable", SICHUAN)
    assert rows(due) == [(TIBET, 1, 0, 600, 0, 0, 600), (QINGHAI, 1, 1_000, 200, 30, 4, 1_234)]
    assert due.tables[0].total == (None, 2, 1_000, 800, 30, 4, 1_834)
    assert rows(paper(logs, MARCH, "receivable", QINGHAI)) == []


def test_the_detail_of_a_fund_line_goes_by_the_month_of_treatment() -> None:
    made = paper(april(), APRIL, "employee", QINGHAI)
    # Of S3, of March, 9.00 less the 3.00 that are not owed; of April 0.70 less 1.00 taken back.
    assert rows(made) == [(SICHUAN, MARCH, 600), (SICHUAN, APRIL, -30)]
    assert made.total_fen == 570
    other = paper(march(), MARCH, "other", SICHUAN)
    assert (rows(other, 0), rows(other, 1)) == ([(TIBET, MARCH, 5)], [(QINGHAI, MARCH, 30)])


def test_what_is_contested_is_deducted_with_its_reason() -> None:
    made = paper(march(), MARCH, "deductions", QINGHAI)
    assert rows(made, 0) == [(SICHUAN, 2_734, 1_500, 0, 0, 1_234)]
    assert rows(made, 1) == [
        (SICHUAN, "AMOUNT", "open", 1, 0, 1_000, 0, 0, 1_000),
        (SICHUAN, "NO_FILE", "open", 1, 0, 500, 0, 0, 500),
    ]
    assert made.total_fen == 1_500
    theirs = paper(march(), MARCH, "deductions", SICHUAN)
    assert rows(theirs, 3) == [(QINGHAI, *row[1:]) for row in rows(made, 1)]


def test_what_is_lifted_comes_into_the_batch_and_what_is_not_upheld_stays_out() -> None:
    made = paper(april(), APRIL, "deductions", QINGHAI)
    assert rows(made, 0) == [(SICHUAN, -30, 0, 1_100, 0, 1_070)]
    assert rows(made, 1) == [
        (SICHUAN, "AMOUNT", "ruled-split", 1, 1_000, 0, 600, 0, 400),
        (SICHUAN, "NO_FILE", "released", 1, 500, 0, 500, 0, 0),
    ]
    assert rows(paper(april(), APRIL, "payable", QINGHAI)) == [(SICHUAN, 4, 570, 500, 0, 0, 1_070)]


def test_a_notice_says_how_much_until_when_and_of_which_funds() -> None:
    made = paper(march(), MARCH, "payment-notice", QINGHAI)
    assert rows(made) == [(2, CENTRE, 1_000, 200, 30, 4, 1_234, "壹拾贰元叁角肆分")]
    assert made.fields == {
        "money": "clearing", "due_day": "2017-04-15", "due_step": "remit",
        "words": "壹拾贰元叁角肆分",
    }  # fmt: skip
    received = paper(march(), MARCH, "receipt-notice", SICHUAN)
    # What Sichuan owes Tibet was set off: 0.50 of the employee pool and 0.05 of other funds.
    assert rows(received) == [(3, CENTRE, 950, 800, 25, 4, 1_779, "壹拾柒元柒角玖分")]
    assert received.fields["due_day"] == "2017-04-20"
    collected = paper(march(), MARCH, "receipt-notice", CENTRE)
    assert [row[:2] for row in rows(collected)] == [(1, TIBET), (2, QINGHAI)]


def test_who_has_no_leg_gets_no_notice() -> None:
    found = book(march(), MARCH)
    assert document(found, "payment-notice", SICHUAN) is None
    assert document(found, "receipt-notice", QINGHAI) is None
    kinds = [
        (made.kind, made.party) for made in documents(found, KINDS, (CENTRE, *found.participants))
    ]
    assert len(kinds) == 1 + 3 * 7 + 3 + 2


def test_the_bytes_of_a_notice_are_fixed_for_good() -> None:
    made = paper(march(), MARCH, "payment-notice", QINGHAI)
    assert made.encode() == (FOLDER / "payment-notice.json").read_bytes()
    assert parse_document(made.encode()) == made


def test_the_rows_of_a_demand_make_notices_of_their_own() -> None:
    head = head_of(book(march(), MARCH))._replace(period="2018-01", revision=7)
    asked = [
        (7, QINGHAI, SICHUAN, 5_000_000), (8, QINGHAI, TIBET, 100), (9, TIBET, QINGHAI, -30),
        (10, SICHUAN, TIBET, 0),
    ]  # fmt: skip
    found = {
        (kind, code): made
        for kind in DEMAND_KINDS
        for code in (SICHUAN, TIBET, QINGHAI)
        if (made := demand_notice(head, kind, code, asked, ("2018-02-28", "quota_pay")))
    }
    assert [(*key, made.total_fen) for key, made in found.items()] == [
        ("prepayment-payment-notice", QINGHAI, 5_000_100),
        ("prepayment-receipt-notice", SICHUAN, 5_000_000),
        ("prepayment-receipt-notice", TIBET, 100),
        ("return-payment-notice", QINGHAI, 30),
        ("return-receipt-notice", TIBET, 30),
    ]
    made = found["prepayment-payment-notice", QINGHAI]
    assert rows(made)[0] == (7, SICHUAN, 5_000_000, "伍万元整")
    assert made.tables[0].total == (None, None, 5_000_100, None)
    assert (made.fields["money"], made.fields["due_day"]) == ("prepayment", "2018-02-28")
    assert found["return-payment-notice", QINGHAI].fields["money"] == "prepayment_return"
    for made in found.values():
        assert parse_document(made.encode()) == made
        assert parse_tag(tag_of(made).format()) == tag_of(made)


@pytest.mark.parametrize("name", ["national-2016", "national-2022", "jiangsu-2017"])
def test_every_rule_set_dates_its_notices_by_its_own_calendar(name: str) -> None:
    logs = Logs(ruleset=shipped.ruleset(name))
    logs.at_ms = 1_491_800_000_000
    logs.add(SICHUAN, settlement("A1"))
    logs.accept(QINGHAI, SICHUAN)
    close(logs, MARCH)
    made = paper(logs, MARCH, "payment-notice", QINGHAI)
    # Fifteen working days after 10 April: 1 May is a holiday.
    expected = {"jiangsu-2017": "2017-04-17"}.get(name, "2017-05-02")
    assert (made.fields["due_day"], made.model) == (expected, book(logs, MARCH).result.model)


def test_without_the_holidays_of_its_year_a_notice_has_no_day() -> None:
    logs = Logs(ruleset=shipped.ruleset("national-2022"))
    logs.add(SICHUAN, settlement("A1", month="2098-03"))
    logs.accept(QINGHAI, SICHUAN)
    close(logs, "2098-03")
    made = paper(logs, "2098-03", "payment-notice", QINGHAI)
    assert (made.fields["due_day"], made.fields["due_step"]) == (None, None)


# --- drafts ---------------------------------------------------------------------------------------


def test_before_the_confirmation_there_are_drafts_and_no_notices() -> None:
    logs = three()
    propose(logs)
    found = book(logs, MARCH)
    drafts = list(documents(found, TABLE_KINDS, logs.codes))
    assert {made.state for made in drafts} == {"draft"}
    assert tag_of(drafts[0]).format().split()[5] == "D1"
    with pytest.raises(RefusedError, match="not confirmed"):
        list(documents(found, ["payment-notice"], logs.codes))


def test_what_is_confirmed_can_still_be_shown_as_its_draft() -> None:
    logs = march()
    assert document(book(logs, MARCH).as_draft(), "payable", QINGHAI) != paper(
        logs, MARCH, "payable", QINGHAI
    )


def test_a_month_that_was_not_proposed_or_was_withdrawn_has_no_documents() -> None:
    logs = three()
    with pytest.raises(RefusedError, match="has not been proposed"):
        book(logs, MARCH)
    propose(logs)
    found = batches.latest_batch(logs.store, logs.roster, MARCH)
    assert found is not None
    logs.add(CENTRE, Withdrawal(MARCH, 1, found.proposal_hash, "late", []))
    with pytest.raises(RefusedError, match="withdrawn"):
        open_month(logs.store, logs.roster, MARCH, logs.size(CENTRE), 1)


def test_a_confirmation_above_the_cosigned_head_confirms_nothing() -> None:
    logs = march()
    found = open_month(logs.store, logs.roster, MARCH, logs.size(CENTRE) - 1)
    assert not found.confirmed


def test_a_kind_that_does_not_exist_is_named() -> None:
    with pytest.raises(FormError, match="clearing, payable"):
        list(documents(book(march(), MARCH), ["invoice"], (QINGHAI,)))


# --- content, hash and QR text --------------------------------------------------------------------


def test_every_document_can_be_read_back_and_its_qr_text_too() -> None:
    for made in everything(april(), APRIL):
        assert parse_document(made.encode()) == made
        tag = tag_of(made)
        assert parse_tag(tag.format()) == tag
        assert find_tag(f"before {tag.format()} after") == tag
        assert set(tag.format()) <= set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:")


def test_a_changed_cell_is_named_and_changes_the_hash() -> None:
    true = paper(march(), MARCH, "payable", QINGHAI)
    false = with_cell(true, 0, 0, 2, 1_001)
    assert [tuple(d) for d in differences(false, true)] == [
        ("counterparts, row 1 (510000), employee_fen", 1_001, 1_000)
    ]
    assert false.hash != true.hash
    assert [d.place for d in differences(paper(march(), MARCH, "payable", TIBET), true)] == [
        "party", "total_fen", "counterparts, row 1 (510000), employee_fen",
        "counterparts, row 1 (510000), resident_fen", "counterparts, row 1 (510000), other_fen",
        "counterparts, row 1 (510000), account_fen", "counterparts, row 1 (510000), total_fen",
        "counterparts, total, employee_fen", "counterparts, total, resident_fen",
        "counterparts, total, other_fen", "counterparts, total, account_fen",
        "counterparts, total, total_fen",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "invoice"}, "kind"),
        ({"party": "63"}, "party"),
        ({"period": "2017-13"}, "period"),
        ({"state": "final"}, "state"),
        ({"total_fen": 2**53}, "total_fen"),
        ({"result_hash": "00"}, "result_hash"),
        (
            {"tables": [{"name": "t", "columns": ["a"], "rows": [["1", 2]], "total": [1]}]},
            "width|wide",
        ),
        ({"more": 1}, "more"),
    ],
)
def test_another_form_is_no_document(change: dict[str, Any], said: str) -> None:
    value = json.loads(paper(march(), MARCH, "payable", QINGHAI).encode())
    with pytest.raises(FormError, match=said):
        parse_document(json.dumps({**value, **change}).encode())


@pytest.mark.parametrize(
    "change",
    [
        ("GZ1", "GZ2"),
        ("PAYABLE", "INVOICE"),
        (" R1 ", " R0 "),
        (" R1 ", " r1 "),
        (" 1234", " 01234"),
    ],
)
def test_another_form_is_no_qr_text(change: tuple[str, str]) -> None:
    text = tag_of(paper(march(), MARCH, "payable", QINGHAI)).format()
    assert isinstance(parse_tag(text), Tag)
    with pytest.raises(FormError, match="QR text"):
        parse_tag(text.replace(*change))


# --- laws -----------------------------------------------------------------------------------------


@settings(max_examples=25)
@given(DEEDS, DEEDS, DEEDS)
def test_all_tables_and_notices_of_any_month_tie_to_its_result(a: Any, b: Any, c: Any) -> None:
    logs = Logs()
    for number, (deeds, month) in enumerate(zip((a, b, c), MONTHS[:3], strict=True)):
        play(logs, deeds, number * 100)
        close(logs, month)
        check_month(logs, month)


def check_month(logs: Logs, month: str) -> None:
    found = book(logs, month)
    result = found.result
    made = {(item.kind, item.party): item for item in everything(logs, month)}
    (clearing,) = made["clearing", CENTRE].tables
    assert clearing.total[2] == clearing.total[4] == result.gross_fen
    assert clearing.total[5] == 0
    assert {row[0]: row[5] for row in clearing.rows} == result.nets
    held: dict[tuple[str, str], list[int]] = {}
    for code in logs.codes:
        owed, due = made["payable", code].tables[0], made["receivable", code].tables[0]
        assert (due.total[6] or 0) - (owed.total[6] or 0) == result.nets[code]  # type: ignore[operator]
        for place, line in enumerate(LINE_KINDS, 2):
            detail = made[line, code]
            assert [table.total[2] for table in detail.tables] == [
                owed.total[place],
                due.total[place],
            ]
        tied, why, _, theirs = made["deductions", code].tables
        assert {row[0]: row[5] for row in tied.rows if row[5]} == {
            row[0]: row[6] for row in owed.rows if row[6]
        }
        assert tied.total[2] == why.total[5]  # newly held
        for _, _, _, _, before, added, lifted, reversed_, left in (*why.rows, *theirs.rows):
            assert before + added - lifted - reversed_ == left >= 0  # type: ignore[operator]
        held[code, "own"] = list(why.total[3:])  # type: ignore[arg-type]
        held[code, "theirs"] = list(theirs.total[3:])  # type: ignore[arg-type]
    own, theirs_ = (
        [sum(column) for column in zip(*(held[c, side] for c in logs.codes), strict=True)]
        for side in ("own", "theirs")
    )
    assert own == theirs_
    for kind, side in (("payment-notice", "payer"), ("receipt-notice", "payee")):
        legs = sorted(
            (row[0], row[6]) for (k, _), item in made.items() if k == kind for row in rows(item)
        )
        assert legs == [(leg.number, leg.fen) for leg in result.legs]
        for (k, code), item in made.items():
            if k == kind:
                assert item.total_fen == sum(x.fen for x in result.legs if getattr(x, side) == code)
                assert item.fields["words"] == in_words(item.total_fen)


def test_a_pair_without_anything_is_on_no_table() -> None:
    found = book(march(), MARCH)
    assert found.result.pairs.get((TIBET, QINGHAI), NOTHING) == NOTHING
    assert all(row[0] != QINGHAI for row in rows(paper(march(), MARCH, "payable", TIBET)))
