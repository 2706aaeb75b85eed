"""The vault keeps case files and the outbox; slots keep one message per conversation."""

from ledger.memory import MemoryStore
from node.message import Case
from node.slots import FIRST_WAIT_MS, LONGEST_WAIT_MS, Slots
from node.vault import Vault
from tests.network import QINGHAI, SICHUAN, TIBET

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
