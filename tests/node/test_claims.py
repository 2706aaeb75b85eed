"""A claim at the counter: whatever is repeated, lost or crashes, it is settled and counted once."""

from typing import Any

import msgspec
import pytest

from ledger.errors import LedgerError, RefusedError
from node.refusal import OutcomeUnknownError
from node.simulation.world import World
from settlement.casefile import MONEY_COLUMNS, CaseRow
from settlement.claim import Fee
from settlement.lookup import find_settlement
from settlement.party import CENTRE
from tests.network import QINGHAI, SICHUAN, TIBET
from tests.node.claims import (
    HOSPITAL,
    cancel,
    claim,
    counter,
    presettle,
    settle,
    standing,
    state_of,
    token_of,
    used,
)
from tests.node.world import MONTH, batch, kinds, settled, until

DONE = ["Settlement"]


def recorded(world: World, code: str = SICHUAN) -> list[str]:
    """Return the kinds of entries about cases in a log."""
    return [kind for kind in kinds(world, code) if kind in ("Settlement", "Reversal")]


def test_a_bill_is_computed_settled_and_accepted() -> None:
    world = counter()
    computed = presettle(world, claim(world))
    assert computed["state"] == "computed"
    assert used(world) == (0, 0)
    done = settle(world, claim(world))
    assert done["state"] == "settled"
    assert done["bill"] == computed["bill"]
    assert recorded(world) == DONE
    settled(world)
    assert "Acceptance" in kinds(world, QINGHAI)
    assert used(world) == (1, fen(done["bill"]["hifp_pay"]))


def fen(yuan: str) -> int:
    return int(yuan.replace(".", ""))


def test_the_same_claim_twice_at_once_is_one_settlement_and_one_answer() -> None:
    world = counter()
    answers: list[Any] = []
    for _ in range(3):
        world.order(SICHUAN, "settle", answers.append, claim=claim(world))
    settled(world)
    assert answers[0] == answers[1] == answers[2]
    assert settle(world, claim(world)) == answers[0]
    assert recorded(world) == DONE
    assert used(world)[0] == 1


def test_the_same_id_with_another_bill_is_refused() -> None:
    world = counter()
    settle(world, claim(world))
    with pytest.raises(RefusedError) as refused:
        settle(world, claim(world, fees=[Fee("09", 5, 0, 0, 0)]))
    assert refused.value.code == "OTHER_BODY"
    assert recorded(world) == DONE


def test_a_cancelled_settlement_leaves_nothing_in_the_persons_year() -> None:
    world = counter()
    settle(world, claim(world))
    done = cancel(world, "C1", "C1R")
    assert done["state"] == "cancelled"
    assert recorded(world) == ["Settlement", "Reversal"]
    assert used(world) == (0, 0)
    assert cancel(world, "C1", "C1R") == done
    with pytest.raises(RefusedError) as refused:
        cancel(world, "C1", "C1S")
    assert refused.value.code == "ALREADY_CANCELLED"
    assert settle(world, claim(world))["state"] == "cancelled"
    settled(world)
    assert kinds(world, QINGHAI).count("Acceptance") >= 1


def test_a_part_taken_back_by_a_file_is_given_back_to_the_year_once() -> None:
    world = counter()
    row = settle(world, claim(world))["row"]
    pool = used(world)[1]
    settled(world)
    part = dict.fromkeys(("medfee_sumamt", "inscp_amt", "hifp_pay", "fund_pay_sumamt"), "-1.00")
    zero = dict.fromkeys(MONEY_COLUMNS, "0.00")
    refund = CaseRow(
        **{**row, **zero, **part, "setl_id": "P1", "init_setl_id": "C1", "refd_setl_flag": "1"}
    )
    world.ask(SICHUAN, "import", rows=[refund])
    settled(world)
    assert used(world) == (1, pool - 100)
    world.crash(QINGHAI)
    settled(world, 30_000)
    assert used(world) == (1, pool - 100)
    # What is left is cancelled at the counter: all of the case is free again.
    assert cancel(world, "C1", "C1R")["state"] == "cancelled"
    assert recorded(world) == ["Settlement", "Reversal", "Reversal"]
    assert used(world) == (0, 0)


def test_the_insured_province_refuses_with_the_reason() -> None:
    world = counter()
    token = token_of(world)
    world.ask(QINGHAI, "person_change", token=token, lock="ARREARS")
    with pytest.raises(RefusedError, match="ARREARS") as refused:
        presettle(world, claim(world))
    assert refused.value.code == "INSURANCE_LOCKED"
    world.ask(QINGHAI, "person_change", token=token, lock="")
    barring = world.ask(TIBET, "bar", token=token, reason="lent the card")
    settled(world)
    with pytest.raises(RefusedError, match="lent the card") as refused:
        settle(world, claim(world))
    assert refused.value.code == "BARRED"
    world.ask(TIBET, "restore", barring_id=barring["barring_id"], reason="over")
    settled(world)
    world.ask(SICHUAN, "institution_suspend", code=HOSPITAL, reason="under audit")
    with pytest.raises(RefusedError, match="under audit") as refused:
        settle(world, claim(world))
    assert refused.value.code == "INSTITUTION_SUSPENDED"
    world.ask(SICHUAN, "institution_resume", code=HOSPITAL)
    settled(world)
    world.ask(QINGHAI, "register_suspend", registration_id="R1")
    with pytest.raises(RefusedError) as refused:
        settle(world, claim(world))
    assert refused.value.code == "REGISTRATION_SUSPENDED"
    assert recorded(world) == []
    assert used(world) == (0, 0)


def test_an_area_that_is_not_activated_and_a_province_without_policy_settle_nothing() -> None:
    world = counter()
    role = world.nodes[QINGHAI].role
    assert role is not None
    policy = world.policies[QINGHAI]
    closed = msgspec.structs.replace(policy, activated_areas=["630200"])
    role.insurer._policy = closed  # type: ignore[attr-defined]
    with pytest.raises(RefusedError) as refused:
        settle(world, claim(world))
    assert refused.value.code == "AREA_INACTIVE"
    role.insurer._policy = None  # type: ignore[attr-defined]
    with pytest.raises(RefusedError) as refused:
        settle(world, claim(world))
    assert refused.value.code == "NO_POLICY"


def test_a_cancellation_with_another_time_or_in_the_future_is_refused() -> None:
    world = counter()
    settle(world, claim(world))
    with pytest.raises(RefusedError) as refused:
        cancel(world, "C1", "C1R", "2099-01-01T10:00:00+08:00")
    assert refused.value.code == "FUTURE"
    assert state_of(world, "C1") == "settled"
    cancel(world, "C1", "C1R")
    with pytest.raises(RefusedError) as refused:
        cancel(world, "C1", "C1R", "2017-03-07T10:00:00+08:00")
    assert refused.value.code == "OTHER_BODY"


def test_a_cancellation_that_the_insured_province_refuses_leaves_everything_as_it_was() -> None:
    world = counter()
    settle(world, claim(world))
    role = world.nodes[QINGHAI].role
    assert role is not None
    role.today = lambda _at_ms: "2017-03-05"  # type: ignore[attr-defined]
    with pytest.raises(RefusedError) as refused:
        cancel(world, "C1", "C1R")  # of the 6th
    assert refused.value.code == "FUTURE"
    assert state_of(world, "C1") == "settled"
    assert used(world)[0] == 1
    role.today = lambda _at_ms: "2017-03-06"  # type: ignore[attr-defined]
    assert cancel(world, "C1", "C1R")["state"] == "cancelled"
    assert used(world) == (0, 0)


def test_a_refund_a_month_later_is_cleared_in_the_later_month() -> None:
    world = counter()
    settle(world, claim(world))
    settled(world)
    world.ask(CENTRE, "close", month=MONTH)
    until(world, lambda: batch(world).state == "CONFIRMED")
    cancel(world, "C1", "C1R", "2017-04-03T10:00:00+08:00")
    settled(world)
    world.ask(CENTRE, "close", month="2017-04")
    until(world, lambda: batch(world, month="2017-04").state == "CONFIRMED")
    first = batch(world, month=MONTH).proposal.nets
    second = batch(world, month="2017-04").proposal.nets
    assert [net.fen for net in first] == [-net.fen for net in second]


def test_the_insured_node_is_down_the_counter_says_so_and_nothing_is_kept() -> None:
    world = counter()
    world.faults.cut.add((SICHUAN, QINGHAI))
    with pytest.raises(OutcomeUnknownError):
        settle(world, claim(world, "C1"))
    with pytest.raises(RefusedError) as refused:
        settle(world, claim(world, "C2"))
    assert refused.value.code == "UNREACHABLE"
    with pytest.raises(RefusedError, match="no claim"):
        state_of(world, "C2")
    assert state_of(world, "C1") == "asked"
    world.faults.cut.clear()
    settled(world, 60_000)
    assert state_of(world, "C1") == "settled"  # what was asked for came to its end
    assert used(world)[0] == 1


def test_a_lost_answer_is_settled_at_both_ends_or_at_none() -> None:
    world = counter()
    world.faults.cut.add((QINGHAI, SICHUAN))
    with pytest.raises(OutcomeUnknownError):
        settle(world, claim(world))
    assert used(world)[0] == 1  # decided there, unknown here
    world.faults.cut.clear()
    settled(world, 60_000)
    assert state_of(world, "C1") == "settled"
    assert used(world)[0] == 1


def test_an_unknown_outcome_can_be_cancelled_and_is_gone_at_both_ends() -> None:
    world = counter()
    world.faults.cut.add((QINGHAI, SICHUAN))
    with pytest.raises(OutcomeUnknownError):
        settle(world, claim(world))
    with pytest.raises(OutcomeUnknownError):
        cancel(world, "C1", "C1R")
    world.faults.cut.clear()
    settled(world, 60_000)
    assert state_of(world, "C1") == "cancelled"
    assert recorded(world) == []
    assert used(world) == (0, 0)


def test_a_cancellation_that_overtakes_its_claim_wins() -> None:
    world = counter()
    answers: list[Any] = []
    world.order(SICHUAN, "settle", answers.append, claim=claim(world))
    world.order(
        SICHUAN, "cancel", answers.append,
        setl_id="C1", cancel_id="C1R", setl_time="2017-03-06T10:00:00+08:00",
    )  # fmt: skip
    settled(world)
    assert state_of(world, "C1") == "cancelled"
    assert recorded(world) == []
    assert used(world) == (0, 0)
    assert settle(world, claim(world))["state"] == "cancelled"


def test_the_counter_refuses_before_it_asks() -> None:
    world = counter()
    with pytest.raises(RefusedError) as refused:
        settle(world, claim(world, institution="H51010000060"))
    assert refused.value.code == "INSTITUTION_UNKNOWN"
    with pytest.raises(RefusedError) as refused:
        settle(world, claim(world, med_type="41"))
    assert refused.value.code == "SERVICE_NOT_OPEN"


@pytest.mark.parametrize("steps", range(16))
@pytest.mark.parametrize("what", ["settle", "cancel"])
def test_a_crash_after_any_durable_step_changes_nothing(steps: int, what: str) -> None:
    world = counter()
    if what == "cancel":
        settle(world, claim(world))
    world.faults.dies_after = steps
    for _ in range(8):
        try:
            if what == "settle":
                settle(world, claim(world))
            else:
                cancel(world, "C1", "C1R")
            break
        except (LedgerError, AssertionError):  # the node was down, or its answer was lost
            settled(world, 30_000)
    world.faults.dies_after = None
    settled(world, 60_000)
    if what == "settle":
        assert state_of(world, "C1") == "settled"
        assert recorded(world) == DONE
        assert used(world)[0] == 1
    else:
        assert state_of(world, "C1") == "cancelled"
        assert recorded(world) == ["Settlement", "Reversal"]
        assert used(world) == (0, 0)
    assert standing(world) == recorded(world)


@pytest.mark.parametrize("steps", range(16))
def test_after_a_crash_an_open_claim_comes_to_its_end_even_if_nobody_asks_again(
    steps: int,
) -> None:
    world = counter()
    world.faults.dies_after = steps
    world.order(SICHUAN, "settle", claim=claim(world))
    settled(world, 120_000)
    world.faults.dies_after = None
    try:
        assert state_of(world, "C1") == "settled"
    except RefusedError:  # died before it was kept: nobody has heard of it
        assert recorded(world) == []
        assert used(world) == (0, 0)
    else:
        assert recorded(world) == DONE
        assert used(world)[0] == 1


def test_two_stays_of_a_year_are_counted_in_order() -> None:
    world = counter()
    for number in range(3):
        settle(world, claim(world, f"C{number}"))
    assert used(world)[0] == 3
    assert find_settlement(world.nodes[SICHUAN].store, SICHUAN, "C2") is not None
