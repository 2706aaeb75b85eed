"""Small quiet worlds for tests of the roles: one process, virtual time, no faults."""

from collections.abc import Callable, Sequence
from typing import Any

from node.run import default_ruleset
from node.simulation.world import World
from settlement import lookup
from settlement.batch import Batch, latest_batch
from settlement.casefile import CaseRow
from settlement.party import CENTRE
from settlement.policy import Policy
from tests.network import QINGHAI, SICHUAN, TIBET, case_row

CODES = [SICHUAN, TIBET, QINGHAI]
MONTH = "2017-03"
ALL = frozenset({"accept", "attest", "confirm", "final"})


def quiet(
    automatic: frozenset[str] = ALL,
    codes: Sequence[str] = CODES,
    seed: int = 1,
    policies: dict[str, Policy] | None = None,
    ruleset: bytes | None = None,
    **kinds: Any,
) -> World:
    """Return a world in which nothing goes wrong, started and with all heads cosigned.

    `kinds` replaces the class of a node: `centre=LyingCentre`.
    """
    world = _World(seed, list(codes), automatic, kinds, policies or {}, ruleset)
    settled(world)
    return world


class _World(World):
    def __init__(
        self,
        seed: int,
        codes: list[str],
        automatic: frozenset[str],
        kinds: dict[str, Any],
        policies: dict[str, Policy],
        ruleset: bytes | None,
    ) -> None:
        self._kinds = kinds
        super().__init__(seed, codes, ruleset or default_ruleset(), automatic, policies)

    def _role(self, node: Any) -> Any:
        role = super()._role(node)
        kind = self._kinds.get("centre") if node.code == CENTRE else None
        if kind is not None:
            role.__class__ = kind
        return role


def settled(world: World, ms: int = 20_000) -> World:
    """Let some time pass."""
    world.run(lambda: False, ms)
    return world


def until(world: World, holds: Callable[[], bool]) -> None:
    """Let time pass until something holds; fails after ten minutes of virtual time."""
    assert world.run(holds, 600_000)


def rows() -> dict[str, list[CaseRow]]:
    """Return the settlements of one month by the province that records them."""
    return {
        SICHUAN: [
            case_row(setl_id="A1"),
            case_row(setl_id="A2", insutype="390"),
            case_row(setl_id="T1", insuplc_admdvs="540100"),
        ],
        TIBET: [case_row(setl_id="B1", mdtrtarea_admvs="540100", insuplc_admdvs="510100")],
    }


def imported(world: World) -> World:
    """Let the provinces record the settlements of `rows`."""
    for code, mine in rows().items():
        world.ask(code, "import", rows=mine)
    return settled(world)


def batch(world: World, code: str = CENTRE, month: str = MONTH) -> Batch:
    """Return the newest batch of a month as a node sees it."""
    found = latest_batch(world.nodes[code].store, world.founding, month)
    assert found is not None
    return found


def kinds(world: World, code: str) -> list[str]:
    """Return the names of the kinds of entries in a node's own log."""
    store = world.nodes[code].store
    size = lookup.applied_size(store, code)
    return [type(lookup.entry_at(store, code, i)[1]).__name__ for i in range(size)]
