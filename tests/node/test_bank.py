"""Bank statements at real nodes in a quiet world: taken in, matched, bound, entered; to the end."""

from collections import defaultdict
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import FormError, LedgerError, RefusedError
from node import bankbook
from node.duty import duties
from node.simulation.world import CrashError, World
from node.vault import BANK
from settlement import lookup
from settlement.bankstatement import Line, Statement
from settlement.batch import result_of
from settlement.endtoend import EndToEnd, format_end_to_end, network_part
from settlement.leg import Leg, legs_of
from settlement.party import CENTRE
from settlement.record import Instruction
from tests.network import QINGHAI, SICHUAN, TIBET, case_row
from tests.node.operators import ADA, BO, approve, both, drafts, register
from tests.node.world import MONTH, batch, kinds, quiet, settled

DAY = "2017-04-12"
FEN = 8_000  # of one case: Qinghai owes Sichuan two of them and Tibet one


class Banks:
    """The banks of everybody: each books what it is told, in statements without a gap."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.balance: dict[str, int] = defaultdict(int)
        self.number = count(1)
        self.sequence: dict[str, int] = defaultdict(int)

    def book(self, code: str, *lines: Line, days: tuple[str, str] = (DAY, DAY)) -> Any:
        """Take a statement with these lines in at a node."""
        self.sequence[code] += 1
        opening = self.balance[code]
        self.balance[code] += sum(line.fen for line in lines)
        number = self.sequence[code]
        first, last = (f"2017-{3 + number:02}-{day[8:]}" for day in days)
        moved = [line_at(line, first) for line in lines]
        statement = Statement(
            f"9900{code}", number, first, last, opening, self.balance[code], moved
        )  # fmt: skip
        return self.world.ask(code, "bank_import", statements=[statement])

    def line(self, fen: int, end_to_end: str = "", **more: Any) -> Line:
        """Return a booking with a number that no other one has."""
        return Line(DAY, DAY, fen, f"N{next(self.number)}", end_to_end, **more)


def line_at(line: Line, day: str) -> Line:
    return Line(day, day, *[getattr(line, name) for name in Line.__struct_fields__[2:]])


def confirmed() -> tuple[World, Banks]:
    """Return a month in which Qinghai pays the centre, which pays Sichuan and Tibet."""
    world = quiet()
    rows = {SICHUAN: ["A1", "A2"], TIBET: ["B1"]}
    for code, ids in rows.items():
        area = code[:2] + "0100"
        mine = [case_row(setl_id=i, mdtrtarea_admvs=area) for i in ids]
        world.ask(code, "import", rows=mine)
    settled(world)
    world.ask(CENTRE, "close", month=MONTH)
    settled(world)
    assert batch(world, QINGHAI).state == "CONFIRMED"
    return world, Banks(world)


def legs(world: World, code: str = CENTRE) -> list[Leg]:
    store = world.nodes[code].store
    found = batch(world, code)
    return legs_of(store, result_of(store, world.founding, MONTH, found.revision))


def states(world: World) -> list[str]:
    return [leg.state for leg in legs(world)]


def name(world: World, number: int, attempt: int = 1) -> str:
    due = legs(world)[number - 1].due
    part = network_part(world.founding.network_id)
    return format_end_to_end(
        EndToEnd("clearing", MONTH, number, attempt, due.payer, due.payee, part)
    )


def match(world: World, code: str) -> Any:
    value = world.ask(code, "bank_match")
    settled(world)
    return value


def reasons(value: Any) -> dict[int, str]:
    return {item["line"]: item["reason"] for item in value["open"]}


def paid_in(world: World, banks: Banks) -> None:
    """Let leg 1 be paid and received by its id."""
    banks.book(QINGHAI, banks.line(-3 * FEN, name(world, 1)))
    match(world, QINGHAI)
    banks.book(CENTRE, banks.line(3 * FEN, name(world, 1)))
    match(world, CENTRE)


def test_a_month_is_final_by_payment_files_and_statements_alone() -> None:
    world, banks = confirmed()
    row = ["clearing", MONTH, 1, 1, CENTRE, 3 * FEN]
    made = world.ask(QINGHAI, "instruct", digest=bytes(32), form="xlsx", payments=[row])
    assert made["fen"] == 3 * FEN
    paid_in(world, banks)
    assert states(world) == ["RECEIVED", "DUE", "DUE"]
    banks.book(
        CENTRE,
        banks.line(-2 * FEN, remittance=f"{name(world, 2)} 清算资金"),
        banks.line(-FEN, name(world, 3)),
    )
    assert len(match(world, CENTRE)["booked"]) == 2
    for number, code, fen in ((2, SICHUAN, 2 * FEN), (3, TIBET, FEN)):
        banks.book(code, banks.line(fen, name(world, number)))
        assert [item["reason"] for item in match(world, code)["booked"]] == ["END_TO_END"]
    assert batch(world).state == "FINAL"
    for code in (CENTRE, QINGHAI, SICHUAN, TIBET):
        assert match(world, code) == {"booked": [], "waiting": [], "open": []}


def test_where_operators_sign_every_certain_line_waits_for_two_of_them() -> None:
    world, banks = confirmed()
    register(world, CENTRE, QINGHAI)
    settled(world)
    banks.book(QINGHAI, banks.line(-3 * FEN, name(world, 1)))
    value = match(world, QINGHAI)
    assert (value["booked"], value["open"]) == ([], [])
    assert [item["line"] for item in value["waiting"]] == [1]
    assert match(world, QINGHAI)["waiting"][0]["pending"] == value["waiting"][0]["pending"]
    (draft,) = drafts(world, QINGHAI)
    approve(world, QINGHAI, draft, ADA)
    with world.nodes[QINGHAI].vault.store.read() as vault:
        assert bankbook.line(vault, 1).binding is None
    approve(world, QINGHAI, draft, BO)
    settled(world)
    with world.nodes[QINGHAI].vault.store.read() as vault:
        binding = bankbook.line(vault, 1).binding
    assert binding is not None
    assert states(world)[0] == "PAID"
    banks.book(CENTRE, banks.line(3 * FEN, name(world, 1)))
    match(world, CENTRE)
    both(world, CENTRE, drafts(world, CENTRE)[0])
    settled(world)
    assert states(world) == ["RECEIVED", "DUE", "DUE"]
    banks.book(CENTRE, banks.line(-2 * FEN, name(world, 2)), banks.line(-FEN, name(world, 3)))
    assert len(match(world, CENTRE)["waiting"]) == 2  # a draft for each, not one after the other
    for waiting in drafts(world, CENTRE):
        both(world, CENTRE, waiting)
    settled(world)
    assert states(world) == ["RECEIVED", "PAID", "PAID"]


def test_a_part_is_for_a_person_the_rest_is_certain_again() -> None:
    world, banks = confirmed()
    banks.book(QINGHAI, banks.line(-10_000, name(world, 1)))
    value = match(world, QINGHAI)
    assert (value["booked"], reasons(value)) == ([], {1: "PARTIAL"})
    tried = world.ask(QINGHAI, "bank_bind", line=1, payments=[f"{MONTH}/1"], dry_run=True)
    assert (tried["payments"][0]["fen"], kinds(world, QINGHAI)[-1]) == (10_000, "Attestation")
    bound = world.ask(QINGHAI, "bank_bind", line=1, payments=[f"{MONTH}/1"], note="分两笔")
    assert world.ask(QINGHAI, "bank_bind", line=1, payments=[f"{MONTH}/1"]) == bound
    settled(world)
    assert states(world)[0] == "PARTIAL"
    banks.book(QINGHAI, banks.line(10_000 - 3 * FEN, name(world, 1, 2)))
    assert len(match(world, QINGHAI)["booked"]) == 1
    assert states(world)[0] == "PAID"
    banks.book(CENTRE, banks.line(3 * FEN - 10_000, name(world, 1, 2)))  # the second came first
    banks.book(CENTRE, banks.line(10_000, name(world, 1)))
    assert len(match(world, CENTRE)["booked"]) == 2
    assert states(world)[0] == "RECEIVED"


def test_what_the_bank_returns_is_paid_again() -> None:
    world, banks = confirmed()
    banks.book(QINGHAI, banks.line(-3 * FEN, name(world, 1)))
    match(world, QINGHAI)
    banks.book(QINGHAI, banks.line(3 * FEN, name(world, 1), return_reason="AC04 账户已销户"))
    value = match(world, QINGHAI)
    assert value["booked"][0]["payments"][0]["way"] == "back"
    assert states(world)[0] == "RETURNED"
    # The statement of the payee never had it: whatever names the first attempt is no receipt.
    banks.book(CENTRE, banks.line(3 * FEN, name(world, 1)))
    assert reasons(match(world, CENTRE)) == {1: "WAITING"}
    banks.book(QINGHAI, banks.line(-3 * FEN, name(world, 1, 2)))
    match(world, QINGHAI)
    banks.book(CENTRE, banks.line(3 * FEN, name(world, 1, 2)))
    match(world, CENTRE)
    assert states(world)[0] == "RECEIVED"


def test_what_was_paid_twice_stands_in_suspense_until_it_is_sent_back() -> None:
    world, banks = confirmed()
    paid_in(world, banks)
    banks.book(QINGHAI, banks.line(-3 * FEN, name(world, 1)))
    assert reasons(match(world, QINGHAI)) == {2: "DUPLICATE"}
    with pytest.raises(RefusedError, match="nothing") as caught:
        world.ask(QINGHAI, "bank_bind", line=2, payments=[f"{MONTH}/1"])
    assert caught.value.code == "PAYMENT"
    banks.book(QINGHAI, banks.line(3 * FEN, name(world, 1), return_reason="重复付款退回"))
    assert set(reasons(match(world, QINGHAI))) == {2, 3}
    assert world.ask(QINGHAI, "bank_send_back", line=2, dry_run=True)["lines"] == [2, 3]
    assert set(reasons(match(world, QINGHAI))) == {2, 3}
    assert world.ask(QINGHAI, "bank_send_back", line=2)["lines"] == [2, 3]
    assert world.ask(QINGHAI, "bank_unbind", line=3, dry_run=True)["lines"] == [2, 3]
    assert world.ask(QINGHAI, "bank_send_back", line=2)["lines"] == [2, 3]
    assert match(world, QINGHAI) == {"booked": [], "waiting": [], "open": []}
    assert states(world) == ["RECEIVED", "DUE", "DUE"]
    assert kinds(world, QINGHAI).count("Paid") == 1


def test_one_line_may_book_a_batch_of_legs() -> None:
    world, banks = confirmed()
    paid_in(world, banks)
    banks.book(CENTRE, banks.line(-3 * FEN, remittance="批量付款", batched=2))
    value = match(world, CENTRE)
    assert reasons(value) == {2: "BATCH"}
    assert [p["number"] for p in value["open"][0]["payments"]] == [2, 3]
    with pytest.raises(RefusedError, match=r"moves 240\.00, the payments 160\.00"):
        world.ask(CENTRE, "bank_bind", line=2, payments=[f"{MONTH}/2"])
    bound = world.ask(CENTRE, "bank_bind", line=2)
    assert [p["fen"] for p in bound["payments"]] == [2 * FEN, FEN]
    settled(world)
    assert states(world) == ["RECEIVED", "PAID", "PAID"]


def test_the_number_that_a_clerk_has_entered_finds_its_line_and_nothing_is_entered_twice() -> None:
    world, banks = confirmed()
    world.ask(QINGHAI, "paid", month=MONTH, leg=1, reference="TT-9", date=DAY)
    settled(world)
    banks.book(QINGHAI, Line(DAY, DAY, -3 * FEN, "TT-9"))
    value = match(world, QINGHAI)
    assert [item["reason"] for item in value["booked"]] == ["REFERENCE"]
    assert kinds(world, QINGHAI).count("Paid") == 1
    assert world.ask(QINGHAI, "bank_unbind", line=1)["lines"] == [1]  # nothing was written for it
    assert len(match(world, QINGHAI)["booked"]) == 1
    banks.book(CENTRE, banks.line(3 * FEN, name(world, 1)))
    match(world, CENTRE)
    with pytest.raises(RefusedError) as caught:
        world.ask(CENTRE, "bank_unbind", line=1)
    assert caught.value.code == "ENTERED"


def test_a_bank_charge_is_never_bound_to_a_payment() -> None:
    world, banks = confirmed()
    banks.book(QINGHAI, banks.line(-3 * FEN, name(world, 1), fee=True))
    assert reasons(match(world, QINGHAI)) == {1: "FEE"}
    with pytest.raises(RefusedError) as caught:
        world.ask(QINGHAI, "bank_bind", line=1, payments=[f"{MONTH}/1"])
    assert caught.value.code == "FEE"
    assert states(world)[0] == "DUE"


def test_money_for_which_no_entry_has_come_yet_waits_and_is_booked_later() -> None:
    world, banks = confirmed()
    banks.book(CENTRE, banks.line(3 * FEN, name(world, 1)))
    assert reasons(match(world, CENTRE)) == {1: "WAITING"}
    banks.book(CENTRE, banks.line(-2 * FEN, name(world, 2)))
    assert reasons(match(world, CENTRE)) == {1: "WAITING", 2: "WAITING"}  # not before it is paid in
    banks.book(QINGHAI, banks.line(-3 * FEN, name(world, 1)))
    match(world, QINGHAI)
    assert len(match(world, CENTRE)["booked"]) == 2  # what was paid in lets the other go out
    assert states(world) == ["RECEIVED", "PAID", "DUE"]


def test_a_week_in_which_a_payment_was_returned_and_sent_again_is_matched_at_once() -> None:
    world, banks = confirmed()
    banks.book(
        QINGHAI,
        banks.line(-3 * FEN, name(world, 1)),
        banks.line(3 * FEN, name(world, 1), return_reason="AC04"),
        banks.line(-3 * FEN, name(world, 1, 2)),
    )
    value = match(world, QINGHAI)
    assert [item["payments"][0]["way"] for item in value["booked"]] == ["out", "back", "out"]
    assert value["open"] == []
    assert kinds(world, QINGHAI)[-3:] == ["Paid", "Returned", "Paid"]


def test_a_bank_number_that_stands_for_two_payments_never_hides_the_second() -> None:
    world, banks = confirmed()
    banks.book(QINGHAI, Line(DAY, DAY, -10_000, "FILE-1"), Line(DAY, DAY, -14_000, "FILE-1"))
    world.ask(QINGHAI, "bank_bind", line=1, payments=[f"{MONTH}/1"])
    with pytest.raises(RefusedError) as caught:
        world.ask(QINGHAI, "bank_bind", line=2, payments=[f"{MONTH}/1"])
    assert caught.value.code == "DUPLICATE"
    assert reasons(match(world, QINGHAI)) == {2: "AMOUNT"}
    assert kinds(world, QINGHAI).count("Paid") == 1


def test_a_person_may_name_a_payment_by_its_id_but_not_one_of_another_network() -> None:
    world, banks = confirmed()
    banks.book(QINGHAI, banks.line(-3 * FEN))
    other = name(world, 1)[:-6] + "000000"
    with pytest.raises(RefusedError, match="another network"):
        world.ask(QINGHAI, "bank_bind", line=1, payments=[other])
    bound = world.ask(QINGHAI, "bank_bind", line=1, payments=[name(world, 1)])
    assert world.ask(QINGHAI, "bank_bind", line=1, payments=[name(world, 1)]) == bound
    assert states(world)[0] == "DUE"
    settled(world)
    assert states(world)[0] == "PAID"


def test_late_money_is_paid_to_who_bears_what_was_missing() -> None:
    world, banks = confirmed()
    world.ask(CENTRE, "shortfall", month=MONTH, leg=1)
    settled(world)
    for code in (SICHUAN, TIBET):
        world.ask(code, "draw", month=MONTH, leg=1)
    settled(world)
    part = network_part(world.founding.network_id)
    late = format_end_to_end(EndToEnd("clearing", MONTH, 1, 1, QINGHAI, TIBET, part))
    row = ["clearing", MONTH, 1, 1, TIBET, FEN]
    world.ask(QINGHAI, "instruct", digest=bytes(32), form="xlsx", payments=[row])
    banks.book(QINGHAI, banks.line(-FEN, late))
    assert len(match(world, QINGHAI)["booked"]) == 1
    banks.book(TIBET, banks.line(FEN, late))
    assert len(match(world, TIBET)["booked"]) == 1
    bearer = next(b for b in legs(world)[0].bearers if b.code == TIBET)
    assert bearer.repaid_fen == FEN


@settings(max_examples=8, deadline=None)
@given(st.permutations(range(6)), st.lists(st.booleans(), min_size=6, max_size=6))
def test_in_whatever_order_lines_come_no_leg_gets_more_than_its_amount(
    order: list[int], cuts: list[bool]
) -> None:
    world, banks = confirmed()
    first, second = name(world, 1), name(world, 1, 2)
    pool = [
        banks.line(-3 * FEN, first), banks.line(-3 * FEN, first), banks.line(-3 * FEN, second),
        banks.line(3 * FEN, first, return_reason="AC04"), banks.line(-50, fee=True),
        banks.line(-3 * FEN, remittance=f"{first} 再付"),
    ]  # fmt: skip
    waiting: list[Line] = []
    for place, cut in zip(order, cuts, strict=True):
        waiting.append(pool[place])
        if cut:
            banks.book(QINGHAI, *waiting)
            waiting.clear()
            match(world, QINGHAI)
    banks.book(QINGHAI, *waiting)
    match(world, QINGHAI)
    (leg, *_) = legs(world)
    assert leg.sent_fen <= leg.due.fen
    assert leg.note is None
    with world.nodes[QINGHAI].vault.store.read() as reader:
        held = list(bankbook.lines(reader))
    bound = [payment for item in held if item.binding for payment in item.binding.payments]
    assert len({(p.way, p.attempt) for p in bound}) == len(bound)
    assert kinds(world, QINGHAI).count("Paid") == sum(p.way == "out" for p in bound)
    assert all(item.binding is None for item in held if item.line.fee)


# --- crashes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", range(4))
@pytest.mark.parametrize("verb", ["bank_match", "bank_bind"])
def test_a_crash_between_vault_and_log_loses_nothing_and_binds_nothing_twice(
    verb: str, steps: int
) -> None:
    world, banks = confirmed()
    banks.book(QINGHAI, banks.line(-3 * FEN, name(world, 1)))
    world.faults.dies_after = steps
    given = {"line": 1} if verb == "bank_bind" else {}
    try:
        world.ask(QINGHAI, verb, **given)
    except CrashError:
        assert world.crashes == 1
    world.faults.dies_after = None
    settled(world)
    again = world.ask(QINGHAI, verb, **given)
    settled(world)
    assert kinds(world, QINGHAI).count("Paid") == 1
    if verb == "bank_match":
        assert len(again["booked"]) + world.crashes <= 2
    else:
        assert again["payments"][0]["fen"] == 3 * FEN
    vault = world.nodes[QINGHAI].vault
    with vault.store.read() as reader:
        assert bankbook.open_places(reader) == []
        assert len(bankbook.bound(reader)) == 1
        binding = bankbook.line(reader, 1).binding
    assert binding is not None
    entry = lookup.entry_at(world.nodes[QINGHAI].store, QINGHAI, binding.payments[0].entry)[1]
    assert type(entry).__name__ == "Paid"


def test_a_restart_keeps_statements_and_bindings() -> None:
    world, banks = confirmed()
    banks.book(QINGHAI, banks.line(-3 * FEN, name(world, 1)), banks.line(7))
    match(world, QINGHAI)
    world.crash(QINGHAI)
    settled(world)
    assert reasons(match(world, QINGHAI)) == {2: "NONE"}
    banks.book(QINGHAI, banks.line(-7))
    assert reasons(match(world, QINGHAI)) == {2: "OPPOSITE", 3: "OPPOSITE"}


# --- taking in -----------------------------------------------------------------------------------


def statement(number: int, opening: int, *lines: Line, account: str = "A1234") -> Statement:
    day = f"2017-04-{9 + number:02}"
    moved = [line_at(line, day) for line in lines]
    closing = opening + sum(line.fen for line in lines)
    return Statement(account, number, day, day, opening, closing, moved)


def test_statements_follow_each_other_and_the_same_one_changes_nothing() -> None:
    world = quiet()
    one = statement(1, 0, Line(DAY, DAY, 100, "R1"))
    two = statement(2, 100, Line(DAY, DAY, -40, "R2"))

    def give(*statements: Statement, **more: Any) -> list[bool]:
        value = world.ask(QINGHAI, "bank_import", statements=list(statements), **more)
        return [item["new"] for item in value["statements"]]

    assert give(one, dry_run=True) == [True]
    assert give(one) == [True]
    assert give(one, two) == [False, True]
    assert give(one) == [False]
    for wrong, code in (
        (statement(4, 60), "GAP"), (statement(3, 61), "BALANCE"),
        (statement(2, 100, Line(DAY, DAY, -41, "R2")), "OVERLAP"), (statement(1, 0), "OVERLAP"),
    ):  # fmt: skip
        with pytest.raises(RefusedError) as caught:
            give(wrong)
        assert caught.value.code == code
    with pytest.raises(RefusedError) as caught:
        give(statement(3, 60), account="A9999")
    assert caught.value.code == "ACCOUNT"
    with pytest.raises(RefusedError) as caught:
        give(statement(3, 60), statement(5, 60))  # all of a file or nothing
    assert caught.value.code == "GAP"
    assert give(statement(3, 60)) == [True]
    assert give(statement(1, 0, account="B1234")) == [True]  # another account begins anew


def test_a_line_is_taken_once_even_if_a_bank_gives_it_in_two_statements() -> None:
    world = quiet()
    line = Line("2017-04-10", "2017-04-10", 100, "R1")
    first = Statement("A1234", 0, "2017-04-10", "2017-04-10", 0, 100, [line])
    world.ask(QINGHAI, "bank_import", statements=[first])
    again = Statement("A1234", 0, "2017-04-11", "2017-04-11", 100, 200,
                      [Line("2017-04-11", "2017-04-11", 100, "R1")])  # fmt: skip
    world.ask(QINGHAI, "bank_import", statements=[again])  # another day: another booking
    with world.nodes[QINGHAI].vault.store.read() as reader:
        assert [held.number for held in bankbook.lines(reader)] == [1, 2]


def test_numbers_of_accounts_are_sealed_and_in_no_log() -> None:
    world, banks = confirmed()
    line = banks.line(-3 * FEN, name(world, 1), counterparty_account="99001000SECRET")
    banks.book(QINGHAI, line)
    match(world, QINGHAI)
    node = world.nodes[QINGHAI]
    raw = node.vault.store._inner  # type: ignore[attr-defined]
    with raw.read() as reader:
        rows = list(reader.scan(BANK, b"", b"\xff" * 40))
    assert len(rows) >= 5
    size = lookup.applied_size(node.store, QINGHAI)
    entries = [lookup.entry_at(node.store, QINGHAI, i)[0].body for i in range(size)]
    for secret in (b"9900630000", b"SECRET"):
        assert not any(secret in key + value for key, value in rows)
        assert not any(secret in body for body in entries)


def test_what_waits_is_among_the_duties() -> None:
    world, banks = confirmed()
    banks.book(QINGHAI, banks.line(5))
    node = world.nodes[QINGHAI]

    def found(today: str) -> dict[str, str]:
        listed = duties(node.store, world.founding, QINGHAI, node.vault, today)["duties"]
        return {item["what"]: item["en"] for item in listed}

    assert "1 bank lines" in found("2017-04-13")["bank-lines"]
    assert "bank-statement" not in found("2017-04-19")
    assert "no statement after 2017-04-12" in found("2017-04-20")["bank-statement"]


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("bank_import", {"statements": [1]}), ("bank_import", {"statements": 5}),
        ("bank_match", {"accounts": 5}), ("bank_match", {"accounts": [["630000"]]}),
        ("bank_bind", {"line": "1"}), ("bank_bind", {"line": 1, "payments": [7]}),
        ("bank_bind", {"line": True}), ("bank_bind", {"line": 1, "payments": 7}),
        ("bank_bind", {"line": 1, "note": []}), ("bank_send_back", {"line": None}),
        ("bank_send_back", {"line": 1, "other": 1}), ("bank_unbind", {"line": -1}),
        ("bank_unbind", {"line": 1}), ("bank_bind", {"line": 1, "payments": ["2017-03/1"] * 2}),
        ("instruct", {"digest": b"", "form": "xlsx", "payments": []}),
        ("instruct", {"digest": bytes(32), "form": "xlsx", "payments": [["clearing"]]}),
        ("instruct", {"digest": bytes(32), "form": "x y", "payments": []}),
    ],
)  # fmt: skip
def test_an_order_with_nonsense_is_refused_and_the_node_goes_on(
    verb: str, arguments: dict[str, Any]
) -> None:
    world, _ = once()
    before = kinds(world, QINGHAI)
    with pytest.raises(LedgerError):
        world.ask(QINGHAI, verb, **arguments)
    assert kinds(world, QINGHAI) == before
    with world.nodes[QINGHAI].vault.store.read() as reader:
        assert len(bankbook.open_places(reader)) == 1


_ONCE: list[tuple[World, Banks]] = []


def once() -> tuple[World, Banks]:
    """Return one world for all orders that change nothing."""
    if not _ONCE:
        world, banks = confirmed()
        banks.book(QINGHAI, banks.line(5))
        _ONCE.append((world, banks))
    return _ONCE[0]


# --- payment files -------------------------------------------------------------------------------


def test_a_payment_is_in_one_file_only_and_the_same_file_is_the_same_entry() -> None:
    world, _ = confirmed()
    row = ["clearing", MONTH, 1, 1, CENTRE, 3 * FEN]

    def give(digest: bytes, *rows: list[Any], code: str = QINGHAI) -> Any:
        return world.ask(code, "instruct", digest=digest, form="xlsx", payments=list(rows))

    for wrong in (
        [*row[:5], 3 * FEN - 1], [*row[:5], 3 * FEN + 1], [*row[:3], 2, *row[4:]],
        [*row[:4], SICHUAN, FEN], [*row[:2], 2, 1, SICHUAN, 2 * FEN],
        ["prepayment", *row[1:]],
    ):  # fmt: skip
        with pytest.raises(RefusedError):
            give(bytes(32), wrong)
    first = give(bytes(32), row)
    assert give(bytes(32), row) == first
    with pytest.raises(RefusedError) as caught:
        give(b"\x01" * 32, row)
    assert caught.value.code == "DUPLICATE"
    with pytest.raises(RefusedError) as caught:
        give(bytes(32), ["clearing", MONTH, 2, 1, SICHUAN, 2 * FEN], code=CENTRE)
    assert caught.value.code == "ORDER"
    record = lookup.entry_at(world.nodes[QINGHAI].store, QINGHAI, first["index"])[1]
    assert isinstance(record, Instruction)
    assert [payment.fen for payment in record.payments] == [3 * FEN]
    world.ask(QINGHAI, "paid", month=MONTH, leg=1, reference="B", date=DAY)
    assert give(bytes(32), row) == first  # also after it was paid
    with pytest.raises(FormError):
        give(b"\x02" * 32, [*row[:5], "x"])
