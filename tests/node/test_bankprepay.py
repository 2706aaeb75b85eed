"""Demands for prepayment through payment files and bank statements, beside the legs of a month."""

import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import FormError, RefusedError
from node import bankbook
from settlement import lookup
from settlement.account import Account
from settlement.bankstatement import Line
from settlement.batch import result_of
from settlement.demand import Row, rows
from settlement.endtoend import EndToEnd, format_end_to_end, network_part
from settlement.leg import Leg, legs_of
from settlement.party import CENTRE
from settlement.payment import sent_fen
from tests.network import QINGHAI, SICHUAN, TIBET
from tests.node.operators import both, drafts, register
from tests.node.test_bank import Banks, reasons
from tests.node.test_prepay import CASE_FEN, MARCH, Rehearsal, table
from tests.node.world import batch, kinds, settled

FEN = 80_000  # of the row that Qinghai pays Sichuan
YEAR = "2017-01"
KNOWN = [list(Account(SICHUAN, "四川省", "9900510000000001", "某银行", "", "1" * 12))]


class Desk(Rehearsal):
    """A network with a yearly demand, whose clerks only make files and take statements in."""

    def __init__(self, *quotas: list[Any]) -> None:
        super().__init__()
        self.banks = Banks(self.world)
        given = table(*(quotas or ([QINGHAI, SICHUAN, FEN],)))
        self.ask(CENTRE, "prepay-quota", year=2017, given=given, reason="new")
        self.ask(CENTRE, "prepay-demand", year=2017)

    def name(
        self, number: int = 1, attempt: int = 1, *, month: str = YEAR, purpose: str = "prepayment",
        payer: str = QINGHAI, payee: str = SICHUAN,
    ) -> str:  # fmt: skip
        part = network_part(self.world.founding.network_id)
        return format_end_to_end(EndToEnd(purpose, month, number, attempt, payer, payee, part))

    def file(self, code: str, *payments: list[Any], digest: bytes = bytes(32)) -> Any:
        return self.ask(code, "instruct", digest=digest, form="xlsx", payments=list(payments))

    def booked(self, code: str, *lines: Line, **more: Any) -> Any:
        """Take lines in at a node and match them."""
        self.banks.book(code, *lines)
        return self.ask(code, "bank_match", **more)

    def row(self, month: str = YEAR, number: int = 1) -> Row:
        store = self.world.nodes[TIBET].store
        found = rows(store, lookup.applied_size(store, CENTRE))
        return next(row for row in found if (row.month, row.number) == (month, number))

    def sent_and_came(
        self, fen: int, name: str, payer: str = QINGHAI, payee: str = SICHUAN
    ) -> None:
        for code, moved in ((payer, -fen), (payee, fen)):
            value = self.booked(code, self.banks.line(moved, name))
            assert [item["reason"] for item in value["booked"]] == ["END_TO_END"]
            assert value["open"] == []


def test_a_yearly_demand_is_paid_and_received_by_files_and_statements_alone() -> None:
    desk = Desk()
    [duty] = desk.duties(QINGHAI, "prepay")
    assert duty[1] == "gongzhang prepay instruct 2017-01 --out FILE"
    asked = ["prepayment", YEAR, 1, 1, SICHUAN, FEN]
    for wrong, code in (
        ([*asked[:5], FEN - 1], "STATE"), ([*asked[:3], 2, *asked[4:]], "STATE"),
        ([*asked[:4], TIBET, FEN], "STATE"), (["prepayment_return", *asked[1:]], "STATE"),
        (["clearing", *asked[1:]], "STATE"), ([*asked[:2], 2, *asked[3:]], "STATE"),
    ):  # fmt: skip
        assert desk.refused(QINGHAI, "instruct", digest=bytes(32), form="x", payments=[wrong]) == (
            code
        )
    assert desk.refused(SICHUAN, "instruct", digest=bytes(32), form="x", payments=[asked])
    made = desk.file(QINGHAI, asked)
    assert (made["fen"], made["payments"]) == (FEN, 1)
    assert desk.file(QINGHAI, asked) == made
    again = {"digest": b"\x01" * 32, "form": "xlsx", "payments": [asked]}
    assert desk.refused(QINGHAI, "instruct", **again) == "DUPLICATE"
    [duty] = desk.duties(QINGHAI, "prepay")
    assert duty[1] == "gongzhang bank import FILE"
    desk.banks.book(SICHUAN)
    value = desk.booked(QINGHAI, desk.banks.line(-FEN, desk.name()))
    assert [(p["way"], p["purpose"]) for p in value["booked"][0]["payments"]] == [
        ("out", "prepayment")
    ]
    assert desk.row().state == "PAID"
    assert desk.duties(SICHUAN, "prepay-receive")[0][1] == "gongzhang bank import FILE"
    # The bank of the payee has dropped the field: the id stands in the remark.
    value = desk.booked(SICHUAN, desk.banks.line(FEN, remittance=f"{desk.name()} 预付金"))
    assert len(value["booked"]) == 1
    assert (desk.row().state, desk.held()) == ("RECEIVED", FEN)
    assert kinds(desk.world, SICHUAN)[-1] == "Received"
    assert desk.duties(QINGHAI, "prepay") == desk.duties(SICHUAN, "prepay-receive") == []


def test_a_part_is_for_a_person_and_what_the_bank_returns_is_paid_again() -> None:
    desk = Desk()
    value = desk.booked(QINGHAI, desk.banks.line(-30_000, desk.name()))
    assert (value["booked"], reasons(value)) == ([], {1: "PARTIAL"})
    for wrong in (f"{YEAR}/1", f"R{YEAR}/1", f"P{YEAR}/2"):  # a leg, the other way, another row
        assert desk.refused(QINGHAI, "bank_bind", line=1, payments=[wrong]) == "PAYMENT"
    with pytest.raises(RefusedError, match=f"there is P{YEAR}/1"):
        desk.world.ask(QINGHAI, "bank_bind", line=1, payments=[f"{YEAR}/1"])
    with pytest.raises(FormError, match="PMONTH/ROW"):
        desk.world.ask(QINGHAI, "bank_bind", line=1, payments=[f"C{YEAR}/1"])
    bound = desk.ask(QINGHAI, "bank_bind", line=1, payments=[f"P{YEAR}/1"])
    assert desk.ask(QINGHAI, "bank_bind", line=1, payments=[f"P{YEAR}/1"]) == bound
    assert desk.refused(QINGHAI, "bank_bind", line=1, payments=[f"{YEAR}/1"]) == "BOUND"
    assert (desk.row().state, desk.row().payable_fen) == ("PARTIAL", 50_000)
    second, third = desk.name(attempt=2), desk.name(attempt=3)
    value = desk.booked(
        QINGHAI,
        desk.banks.line(-50_000, second),
        desk.banks.line(50_000, second, return_reason="AC04 账户已销户"),
    )
    assert [item["payments"][0]["way"] for item in value["booked"]] == ["out", "back"]
    assert kinds(desk.world, QINGHAI)[-3:] == ["Paid", "Paid", "Returned"]
    value = desk.booked(SICHUAN, desk.banks.line(50_000, second))
    assert reasons(value) == {1: "WAITING"}  # it came back: this cannot be it
    desk.file(QINGHAI, ["prepayment", YEAR, 1, 3, SICHUAN, 50_000])
    desk.booked(QINGHAI, desk.banks.line(-50_000, third))
    value = desk.booked(  # the last one first
        SICHUAN, desk.banks.line(50_000, third), desk.banks.line(30_000, desk.name())
    )
    assert [p["attempt"] for item in value["booked"] for p in item["payments"]] == [3, 1]
    assert (desk.row().state, desk.held()) == ("RECEIVED", FEN)
    assert desk.row().note is None


def test_what_the_creditor_gives_back_goes_the_same_way_and_never_beyond_what_it_holds() -> None:
    desk = Desk()
    desk.sent_and_came(FEN, desk.name())
    desk.day = "2018-01-20"
    for number in range(3, 13):
        desk.cleared(f"2017-{number:02d}", 2 if number >= 10 else 0)
    desk.ask(CENTRE, "prepay-quota", year=2018)
    desk.ask(CENTRE, "prepay-demand", year=2018)
    fen, money = 6 * CASE_FEN, {"digest": bytes(32), "form": "xlsx"}
    giving = ["prepayment_return", "2018-01", 1, 1, QINGHAI, fen]
    as_paid = ["prepayment", *giving[1:]]
    assert desk.refused(SICHUAN, "instruct", payments=[as_paid], **money) == "STATE"
    assert desk.duties(SICHUAN, "prepay")[0][1] == "gongzhang prepay instruct 2018-01 --out FILE"
    # The legs of three months are overdue and drawn: less is held than the row gives back.
    desk.day = "2018-06-20"
    for month in ("2017-10", "2017-11", "2017-12"):
        desk.ask(SICHUAN, "draw", month=month, leg=1)
    assert desk.held() == 4 * CASE_FEN
    assert desk.refused(SICHUAN, "instruct", payments=[giving], **money) == "EXCEEDS"
    way = {"month": "2018-01", "purpose": "prepayment_return", "payer": SICHUAN, "payee": QINGHAI}
    first, second = desk.name(**way), desk.name(attempt=2, **way)
    value = desk.booked(SICHUAN, desk.banks.line(-4 * CASE_FEN, first))
    assert reasons(value) == {2: "WAITING"}
    desk.ask(SICHUAN, "bank_bind", line=2, payments=["R2018-01/1"])
    assert (desk.held(), desk.row("2018-01").state) == (0, "PARTIAL")
    # Late money of a leg fills the prepayment again; the rest of the row is given back by file.
    desk.sent_and_came(2 * CASE_FEN, desk.name(month="2017-10", purpose="clearing"))
    assert desk.held() == 2 * CASE_FEN
    desk.file(SICHUAN, [*giving[:3], 2, QINGHAI, 2 * CASE_FEN])
    desk.sent_and_came(2 * CASE_FEN, second, SICHUAN, QINGHAI)
    value = desk.booked(QINGHAI, desk.banks.line(4 * CASE_FEN, first))
    assert [item["payments"][0]["purpose"] for item in value["booked"]] == ["prepayment_return"]
    assert (desk.held(), desk.row("2018-01").state) == (0, "RECEIVED")


def test_where_operators_sign_a_line_of_a_row_waits_for_two_of_them() -> None:
    desk = Desk()
    register(desk.world, QINGHAI)
    settled(desk.world)
    asked = ["prepayment", YEAR, 1, 1, SICHUAN, FEN]
    assert "pending" in desk.file(QINGHAI, asked)
    both(desk.world, QINGHAI, drafts(desk.world, QINGHAI)[0])
    settled(desk.world)
    desk.banks.book(QINGHAI, desk.banks.line(-FEN, desk.name()))
    bound = desk.ask(QINGHAI, "bank_bind", line=1, payments=[f"P{YEAR}/1"], accounts=KNOWN)
    value = desk.ask(QINGHAI, "bank_match")  # the same entry, so the same draft
    assert (value["booked"], [item["line"] for item in value["waiting"]]) == ([], [1])
    assert value["waiting"][0]["pending"] == bound["pending"]
    assert desk.row().state == "DUE"
    [draft] = drafts(desk.world, QINGHAI)
    assert "prepayment 1 of 2017-01: 800.00 yuan were sent" in draft["en"]
    both(desk.world, QINGHAI, draft)
    settled(desk.world)
    assert desk.row().state == "PAID"
    with desk.world.nodes[QINGHAI].vault.store.read() as vault:
        assert bankbook.line(vault, 1).binding is not None


# --- a leg beside it -----------------------------------------------------------------------------


def alike() -> Desk:
    """Return a network in which Qinghai owes Sichuan the same for a row and for a leg."""
    desk = Desk([QINGHAI, SICHUAN, 2 * CASE_FEN])
    desk.cleared(MARCH, 2)
    return desk


SAME = 2 * CASE_FEN


def test_a_line_that_fits_a_leg_and_a_row_alike_is_a_proposal_that_names_both() -> None:
    desk = alike()
    names = desk.name(), desk.name(month=MARCH, purpose="clearing")
    desk.banks.book(
        QINGHAI,
        desk.banks.line(-SAME, counterparty="四川省"),
        desk.banks.line(-SAME, names[0], remittance=names[1]),
    )
    for accounts in ([], KNOWN):
        value = desk.ask(QINGHAI, "bank_match", accounts=accounts)
        assert (value["booked"], reasons(value)) == ([], {1: "SEVERAL", 2: "SEVERAL"})
        for item in value["open"]:
            assert [(p["purpose"], p["month"]) for p in item["payments"]] == [
                ("clearing", MARCH), ("prepayment", YEAR)
            ]  # fmt: skip
    assert desk.refused(QINGHAI, "bank_bind", line=1) == "PAYMENT"
    desk.ask(QINGHAI, "bank_bind", line=1, payments=[f"P{YEAR}/1"])
    value = desk.ask(QINGHAI, "bank_match")  # of the two ids one is left, with its amount
    assert [p["purpose"] for item in value["booked"] for p in item["payments"]] == ["clearing"]
    value = desk.booked(SICHUAN, desk.banks.line(SAME))
    assert reasons(value) == {1: "SEVERAL"}


def test_one_number_of_the_bank_for_a_leg_and_a_row_is_certain_only_for_both_together() -> None:
    desk = alike()
    money = {"reference": "TT-9", "date": "2017-04-12"}
    desk.ask(QINGHAI, "prepay-paid", month=YEAR, row=1, **money)
    desk.ask(QINGHAI, "paid", month=MARCH, leg=1, **money)
    day = "2017-04-12"
    value = desk.booked(QINGHAI, Line(day, day, -SAME, "TT-9"))
    assert (value["booked"], reasons(value)) == ([], {1: "SEVERAL"})
    desk.ask(QINGHAI, "bank_bind", line=1, payments=[f"{MARCH}/1"])
    value = desk.booked(QINGHAI, Line(day, day, -SAME, "TT-9"))
    assert [p["purpose"] for item in value["booked"] for p in item["payments"]] == ["prepayment"]
    assert kinds(desk.world, QINGHAI).count("Paid") == 2


@settings(max_examples=12, deadline=None)
@given(st.permutations(range(7)), st.lists(st.booleans(), min_size=7, max_size=7))
def test_in_whatever_order_lines_come_neither_leg_nor_row_gets_more_than_its_amount(
    order: list[int], cuts: list[bool]
) -> None:
    desk = alike()
    row, leg = desk.name(), desk.name(month=MARCH, purpose="clearing")
    line = desk.banks.line
    pool = [
        line(-SAME, row), line(-SAME, leg), line(-SAME, row), line(-SAME, desk.name(attempt=2)),
        line(SAME, row, return_reason="AC04"), line(-SAME), line(-SAME, leg, remittance=row),
    ]  # fmt: skip
    waiting: list[Line] = []
    for place, cut in zip(order, cuts, strict=True):
        waiting.append(pool[place])
        if cut:
            desk.booked(QINGHAI, *waiting)
            waiting.clear()
    value = desk.booked(QINGHAI, *waiting)
    for item in value["open"]:  # a clerk tries everything that is still proposed
        for payment in item["payments"]:
            name = f"{'P' if payment['purpose'] == 'prepayment' else ''}{payment['month']}/1"
            with contextlib.suppress(RefusedError):
                desk.world.ask(QINGHAI, "bank_bind", line=item["line"], payments=[name])
    settled(desk.world)
    found = desk.row()
    assert sent_fen(found.payments) <= SAME
    assert found.note is None
    [due] = legs_at(desk)
    assert due.sent_fen <= due.due.fen == SAME
    assert due.note is None
    with desk.world.nodes[QINGHAI].vault.store.read() as reader:
        held = list(bankbook.lines(reader))
    bound = [p for item in held if item.binding for p in item.binding.payments]
    assert len({(p.way, p.purpose, p.attempt) for p in bound}) == len(bound)
    assert kinds(desk.world, QINGHAI).count("Paid") == sum(p.way == "out" for p in bound)
    assert all(abs(item.line.fen) == sum(p.fen for p in item.binding.payments)
               for item in held if item.binding)  # fmt: skip


def legs_at(desk: Desk) -> list[Leg]:
    store = desk.world.nodes[TIBET].store
    found = batch(desk.world, TIBET, MARCH)
    return legs_of(store, result_of(store, desk.world.founding, MARCH, found.revision))
