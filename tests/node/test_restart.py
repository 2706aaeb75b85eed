"""A month in which a process dies right after a durable step: whichever step, whoever takes it."""

from collections import Counter

import pytest

from node.simulation.oracle import Oracle
from node.simulation.world import World
from settlement.party import CENTRE
from settlement.report import month_report
from tests.network import QINGHAI, SICHUAN, case_row
from tests.node.months import came, confirmed, due, insist, move, nets
from tests.node.world import MONTH, batch, kinds, quiet, settled

FEN = 8_000
CODES = [SICHUAN, QINGHAI]


class Counted:
    """Counts the durable steps of a world by never letting the last one come."""

    MANY = 10**6

    def __init__(self, world: World) -> None:
        self._world = world
        world.faults.dies_after = self.MANY

    @property
    def steps(self) -> int:
        """How many there were so far."""
        assert self._world.faults.dies_after is not None
        return self.MANY - self._world.faults.dies_after


def month(world: World) -> None:
    """Everything people do in a month, each of it insisted on."""
    insist(world, SICHUAN, "import", rows=[case_row(setl_id="A1"), case_row(setl_id="A2")])
    settled(world, 60_000)
    confirmed(world)
    for leg in due(world):
        move(world, leg)
    came(world, lambda: batch(world).state == "FINAL")


STEPS = 132  # a few more than there are, so that the last ones are reached whatever crashes add


def test_a_month_has_no_more_durable_steps_than_are_tried() -> None:
    world = quiet(codes=CODES)
    counted = Counted(world)
    month(world)
    assert 100 < counted.steps <= STEPS


@pytest.mark.parametrize("step", range(STEPS))
def test_a_process_that_dies_after_a_durable_step_changes_nothing_of_the_month(step: int) -> None:
    world, oracle = quiet(codes=CODES), Oracle()
    world.after_step = oracle.check
    world.faults.dies_after = step
    month(world)
    world.faults.dies_after = None
    settled(world, 60_000)
    assert nets(world) == {SICHUAN: 2 * FEN, QINGHAI: -2 * FEN}
    written = {code: Counter(kinds(world, code)) for code in (CENTRE, *CODES)}
    assert written[SICHUAN] == {"Settlement": 2, "Attestation": 1, "Received": 1}
    assert written[QINGHAI] == {"Acceptance": 1, "Attestation": 1, "Paid": 1}
    assert written[CENTRE] == dict.fromkeys(
        ("Genesis", "RuleSet", "Proposal", "Confirmation", "Received", "Paid", "Certificate"), 1
    )
    reports = [month_report(node.store, world.founding, MONTH) for node in world.nodes.values()]
    assert all(report == reports[0] for report in reports)
    oracle.finish(world)
