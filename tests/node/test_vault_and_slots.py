"""The vault keeps case files and the outbox; slots keep one message per conversation."""

from ledger.memory import MemoryStore
from node.message import Case
from node.slots import FIRST_WAIT_MS, LONGEST_WAIT_MS, Slots
from node.vault import (
    DAY,
    INBOX_SIDE,
    OWN_SIDE,
    Vault,
    case_ids,
    days_with,
    erase_own,
    remove_received,
)
from settlement.casefile import CaseRow, encode_case
from tests.network import QINGHAI, SICHUAN, TIBET, case_row

CASE = Case("A1", b"case", bytes(32))


def test_a_kept_case_waits_until_the_other_side_has_it() -> None:
    vault = Vault(MemoryStore())
    vault.keep([(QINGHAI, CASE), (TIBET, Case("T1", b"x", bytes(32)))])
    assert vault.waiting() == {QINGHAI, TIBET}
    assert vault.outgoing(QINGHAI, 10) == [CASE]
    vault.delivered(QINGHAI, ["A1"])
    assert vault.waiting() == {TIBET}
    assert vault.own("A1") == CASE


def test_a_received_case_is_kept_by_who_sent_it() -> None:
    vault = Vault(MemoryStore())
    vault.receive(SICHUAN, [CASE])
    assert vault.received(SICHUAN, "A1") == CASE
    assert vault.received(TIBET, "A1") is None
    assert vault.own("A1") is None


def test_deliveries_come_in_slices() -> None:
    vault = Vault(MemoryStore())
    vault.keep([(QINGHAI, Case(f"A{n}", b"x", bytes(32))) for n in range(7)])
    assert len(vault.outgoing(QINGHAI, 3)) == 3


def file_of(row: CaseRow, setl_id: str | None = None) -> Case:
    return Case(setl_id or row.setl_id, encode_case(row), bytes(32))


def test_case_files_are_found_by_day_and_province() -> None:
    store = MemoryStore()
    vault = Vault(store)
    later = case_row(setl_id="A3", setl_time="2017-03-05T16:30:00+00:00")  # past midnight there
    vault.keep([(QINGHAI, file_of(case_row(setl_id=i))) for i in ("A2", "A1")])
    vault.keep([(QINGHAI, file_of(later))])
    vault.keep([(TIBET, file_of(case_row(setl_id="T1", insuplc_admdvs="540100")))])
    assert vault.receive(SICHUAN, [file_of(case_row(setl_id="B1"))]) == {"2017-03-05"}
    assert vault.receive(SICHUAN, [file_of(case_row(setl_id="B1"))]) == set()  # nothing new
    assert list(case_ids(store, OWN_SIDE, QINGHAI, "2017-03-05")) == ["A1", "A2"]
    assert list(case_ids(store, OWN_SIDE, QINGHAI, "2017-03-05", "A1")) == ["A2"]
    assert list(case_ids(store, OWN_SIDE, TIBET, "2017-03-05")) == ["T1"]
    assert list(case_ids(store, INBOX_SIDE, SICHUAN, "2017-03-05")) == ["B1"]
    days = ["2017-03-05", "2017-03-06"]
    assert days_with(store, OWN_SIDE, QINGHAI, "2017-03-01", "2017-03-31") == days
    assert days_with(store, OWN_SIDE, QINGHAI, "2017-03-06", "2017-03-31") == days[1:]
    assert days_with(store, INBOX_SIDE, QINGHAI, "2017-03-01", "2017-03-31") == []


def test_a_case_file_that_is_replaced_or_erased_leaves_no_trace_in_its_day() -> None:
    store = MemoryStore()
    vault = Vault(store)
    moved = case_row(setl_time="2017-03-07T10:00:00+08:00")
    vault.keep([(QINGHAI, file_of(case_row()))])
    vault.keep([(QINGHAI, file_of(moved))])
    vault.receive(SICHUAN, [file_of(case_row(setl_id="B1"))])
    assert vault.receive(SICHUAN, [file_of(moved._replace(setl_id="B1"))]) == {"2017-03-07"}
    assert days_with(store, OWN_SIDE, QINGHAI, "2017-03-01", "2017-03-31") == ["2017-03-07"]
    assert days_with(store, INBOX_SIDE, SICHUAN, "2017-03-01", "2017-03-31") == ["2017-03-07"]
    store.transact(lambda writer: erase_own(writer, QINGHAI, "A1"))
    store.transact(lambda writer: remove_received(writer, SICHUAN, "B1"))
    store.transact(lambda writer: erase_own(writer, QINGHAI, "A1"))  # again: nothing happens
    assert (vault.own("A1"), vault.received(SICHUAN, "B1"), vault.waiting()) == (None, None, set())
    assert list(store.scan(DAY, b"", b"\xff")) == []


def test_a_file_that_says_something_else_than_it_is_filed_under_belongs_to_no_day() -> None:
    store = MemoryStore()
    vault = Vault(store)
    strange = [
        Case("X0", b"\xff", bytes(32)),
        file_of(case_row(), "X1"),
        file_of(case_row(setl_id="X2", mdtrtarea_admvs="540100")),
        file_of(case_row(setl_id="X3", setl_time="yesterday")),
        file_of(case_row(setl_id="X4", insuplc_admdvs="990000")),
        file_of(case_row(setl_id="X5", setl_time="0001-01-01T00:00:00+23:59")),
    ]
    assert vault.receive(SICHUAN, strange) == set()
    assert all(vault.received(SICHUAN, case.setl_id) == case for case in strange)
    assert list(store.scan(DAY, b"", b"\xff")) == []


def test_one_message_of_a_conversation_is_under_way() -> None:
    slots = Slots()
    assert slots.take(("feed", QINGHAI), 0)
    assert not slots.take(("feed", QINGHAI), 0)
    assert slots.take(("feed", TIBET), 0)
    slots.done(("feed", QINGHAI), True, 0)
    assert slots.take(("feed", QINGHAI), 0)


def test_after_failures_patience_doubles_up_to_a_limit_and_a_success_ends_it() -> None:
    slots, slot, now = Slots(), ("feed", QINGHAI), 0
    waits = []
    for _ in range(12):
        assert slots.take(slot, now)
        slots.done(slot, False, now)
        waits.append(slots.not_before[slot] - now)
        assert not slots.take(slot, now)
        now = slots.not_before[slot]
    assert waits[:3] == [FIRST_WAIT_MS, 2 * FIRST_WAIT_MS, 4 * FIRST_WAIT_MS]
    assert waits[-1] == LONGEST_WAIT_MS
    assert slots.take(slot, now)
    slots.done(slot, True, now)
    assert slots.take(slot, now)


def test_a_slot_can_be_put_off_although_its_answer_came() -> None:
    slots, slot = Slots(), ("day", SICHUAN)
    waits = []
    for tries in range(1, 4):
        assert slots.take(slot, 0)
        slots.done(slot, True, 0)
        slots.put_off(slot, tries, 0)
        assert not slots.take(slot, 0)
        waits.append(slots.not_before.pop(slot))
    assert waits == [FIRST_WAIT_MS, 2 * FIRST_WAIT_MS, 4 * FIRST_WAIT_MS]
    slots.wanted_ms = None
    slots.want(9)
    slots.want(5)
    slots.want(7)
    assert slots.wanted_ms == 5
