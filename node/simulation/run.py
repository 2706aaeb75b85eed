"""Playing a seed: a short year of a small network under faults, checked by the oracle."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from node.simulation.agents import Clerk, Operators, Quarrel, Ward, saboteur
from node.simulation.oracle import Oracle
from node.simulation.prepayer import FIRST_MONTH as FIRST_PREPAID
from node.simulation.prepayer import Prepayer
from node.simulation.treasurer import Treasurer
from node.simulation.world import Faults, World
from settlement.batch import confirmed, latest_batch, result_of
from settlement.dispute import statuses
from settlement.leg import legs_of
from settlement.netting import LegDue
from settlement.party import CENTRE
from settlement.period import next_month
from settlement.prepayment import holdings
from settlement.roster import PURPOSES

PROVINCES = ["110000", "310000", "510000", "630000", "650000", "660000", "440000"]
FIRST_MONTH = "2017-01"
PATIENCE_MS = 3_600_000


@dataclass(frozen=True)
class Scenario:
    """What a seed plays."""

    seed: int
    months: int = 3
    provinces: int = 3
    entries: int = 8
    loss: float | None = None  # None: drawn from the seed
    crash: float | None = None
    cuts: bool | None = None
    rotations: float | None = None  # chance that a node changes keys before a month
    operators: bool | None = None  # whether two people sign at every node
    disputes: float | None = None  # chance that a settlement is contested, and that one is answered
    trouble: float | None = None  # chance that the money of a leg does not move as it should
    prepayment: bool | None = None  # whether prepayments are demanded, paid, drawn


@dataclass
class Outcome:
    """How a seed ended."""

    seed: int
    trace: str
    months: int
    steps: int
    crashes: int
    checks: int
    virtual_ms: int  # how long it took
    results: dict[str, str] = field(default_factory=dict)
    disputes: dict[str, int] = field(default_factory=dict)  # how many ended where
    money: dict[str, int] = field(default_factory=dict)  # how many legs ended how
    prepaid: dict[str, int] = field(default_factory=dict)  # how many movements of which kind
    signed_by_two: int = 0  # entries that needed it


class StuckError(AssertionError):
    """The faults have stopped and still a month does not reach its end."""


def play(scenario: Scenario, ruleset: bytes) -> Outcome:
    """Play a scenario; return its outcome.

    Raises:
        InvariantError: An invariant does not hold.
        StuckError: A month did not become FINAL within an hour of virtual time.
    """
    codes = sorted(PROVINCES[: scenario.provinces])
    world = World(scenario.seed, codes, ruleset)
    oracle = Oracle()
    world.after_step = oracle.check
    world.faults = _faults(scenario, world.random)
    cuts = scenario.cuts if scenario.cuts is not None else world.random.random() < 0.5
    saboteur(world, codes, cuts)
    ward, clerk = Ward(world.random, codes), Clerk(world, oracle)
    quarrel, treasurer = Quarrel(world, clerk, ward), Treasurer(world, clerk)
    signing = _operators(scenario, world, clerk, codes)
    prepayer = _prepayer(scenario, world, clerk, codes)
    began_ms = world.now_ms
    month = FIRST_MONTH if prepayer is None else FIRST_PREPAID
    rotations = world.random.choice([0.0, 0.0, 0.3])
    drawn = world.random.choice([0.0, 0.0, 0.3])
    disputes = drawn if scenario.disputes is None else scenario.disputes
    mishaps = world.random.choice([0.0, 0.3])
    trouble = mishaps if scenario.trouble is None else scenario.trouble
    for _ in range(scenario.months):
        _rotate(world, rotations if scenario.rotations is None else scenario.rotations)
        if signing is not None:
            signing.month()
        if prepayer is not None:
            prepayer.month(month)
        _month(world, ward, clerk, month, scenario.entries, lambda: quarrel.month(disputes))
        treasurer.month(month, _legs(world, month), trouble)
        if prepayer is not None:
            prepayer.more(month)
        _until(
            world,
            f"{month} final",
            lambda name=month: _state(world, name) == "FINAL" and clerk.open == 0,
        )
        month = next_month(month)
    oracle.finish(world)
    return Outcome(
        scenario.seed,
        world.trace,
        scenario.months,
        world.steps,
        world.crashes,
        oracle.checks,
        world.now_ms - began_ms,
        {name: digest.hex() for name, digest in sorted(oracle.results.items())},
        _disputes(world, codes),
        _money(world, sorted(oracle.results)),
        _prepaid(world, codes),
        oracle.signed,
    )


def _operators(
    scenario: Scenario, world: World, clerk: Clerk, codes: list[str]
) -> Operators | None:
    # Drawn apart, so that a seed without operators is the history that it is without them.
    random = Random(f"operators {scenario.seed}")
    drawn = random.random() < 0.1
    if not (drawn if scenario.operators is None else scenario.operators):
        return None
    operators = Operators(world, clerk, [CENTRE, *codes], random)
    operators.start()
    return operators


def _prepayer(scenario: Scenario, world: World, clerk: Clerk, codes: list[str]) -> Prepayer | None:
    # Drawn apart, too.
    random = Random(f"prepayment {scenario.seed}")
    drawn = random.random() < 0.05
    if not (drawn if scenario.prepayment is None else scenario.prepayment):
        return None
    return Prepayer(world, clerk, codes, random)


def _disputes(world: World, codes: list[str]) -> dict[str, int]:
    found = statuses(world.nodes[CENTRE].store, codes, CENTRE)
    return dict(sorted(Counter("late" if s.late else s.stage.state for s in found).items()))


def _money(world: World, months: list[str]) -> dict[str, int]:
    store = world.nodes[CENTRE].store
    found: Counter[str] = Counter()
    for month in months:
        batch = latest_batch(store, world.founding, month)
        assert batch is not None
        result = result_of(store, world.founding, month, batch.revision)
        found.update(leg.state for leg in legs_of(store, result))
    return dict(sorted(found.items()))


def _prepaid(world: World, codes: list[str]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for code in codes:
        moved = holdings(world.nodes[code].store, code).movements
        found.update(item.what for item in moved if item.fen)
    return dict(sorted(found.items()))


def _faults(scenario: Scenario, random: Random) -> Faults:
    # Each seed draws its own mix; some have no faults at all, and must be quick.
    loss = random.choice([0.0, 0.0, 0.02, 0.1]) if scenario.loss is None else scenario.loss
    crash = random.choice([0.0, 0.0, 0.005, 0.02]) if scenario.crash is None else scenario.crash
    duplicate = random.choice([0.0, 0.05])
    return Faults(loss, duplicate, random.choice([5, 50, 500]), crash)


def _rotate(world: World, chance: float) -> None:
    for code in sorted(world.nodes):
        if world.random.random() < chance:
            world.rotate(code, [p for p in PURPOSES if world.random.random() < 0.5])


def _month(
    world: World,
    ward: Ward,
    clerk: Clerk,
    month: str,
    entries: int,
    quarrel: Callable[[], None],
) -> None:
    count = world.random.randint(0, entries * 2)
    for code, rows in sorted(ward.month(month, count).items()):
        clerk.insist(code, "import", rows=rows)
    # The centre does not wait for everything: what is late is carried.
    quarrel()
    world.run(lambda: False, world.random.choice([500, 5_000, 60_000]))
    # While a draft of it waits for signatures, another cut is refused as DUPLICATE: insist.
    clerk.insist(CENTRE, "close", give_up=("STATE", "MONTH"), month=month)
    _until(world, f"{month} confirmed", lambda: _confirmed_everywhere(world, month))


def _until(world: World, what: str, holds: Any) -> None:
    if not world.run(holds, PATIENCE_MS):
        raise StuckError(f"waited in vain for {what}")


def _confirmed_everywhere(world: World, month: str) -> bool:
    return all(any(m == month for m, _ in confirmed(node.store)) for node in world.nodes.values())


def _state(world: World, month: str) -> str | None:
    batch = latest_batch(world.nodes[CENTRE].store, world.founding, month)
    return None if batch is None else batch.state


def _legs(world: World, month: str) -> list[LegDue]:
    store = world.nodes[CENTRE].store
    batch = latest_batch(store, world.founding, month)
    assert batch is not None
    return result_of(store, world.founding, month, batch.revision).legs
