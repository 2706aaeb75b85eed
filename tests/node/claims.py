"""A counter for tests: two provinces, a hospital, an insured person, and what may be asked."""

from pathlib import Path
from typing import Any

from ledger.errors import LedgerError
from node import claimbook, persons
from node.home import load_policy
from node.simulation.world import World
from settlement import lookup
from settlement.claim import Claim, Fee
from tests.network import QINGHAI, SICHUAN
from tests.node.world import quiet, settled

HOSPITAL = "H51010000059"
INSTITUTION = {
    "code": HOSPITAL, "name": "示例医院", "level": 3, "area": "510100",
    "services": ["chronic", "inpatient", "outpatient"],
}  # fmt: skip
PERSON = {
    "psn_no": "P1", "name": "张三", "birth": "1950-02-03", "insutype": "310",
    "insured_area": "630100", "account_fen": 50_000,
}  # fmt: skip


def counter(**given: Any) -> World:
    """Return a quiet world in which the hospital may settle and a person is registered for it."""
    world = quiet(policies={QINGHAI: load_policy(Path(), "qinghai-example")}, **given)
    world.ask(SICHUAN, "institution_put", **INSTITUTION)
    token = world.ask(QINGHAI, "person_add", **PERSON)["token"]
    world.ask(
        QINGHAI, "register", token=token, registration_id="R1", category="resettled",
        destination="510100", begins="2017-01-01",
    )  # fmt: skip
    return settled(world)


def token_of(world: World) -> str:
    """Return the token of the person."""
    with world.nodes[QINGHAI].vault.store.read() as reader:
        return str(persons.token_of(reader, "P1"))


def claim(world: World, setl_id: str = "C1", **changes: Any) -> Claim:
    """Return a claim of the hospital for the person."""
    return claim_of(token_of(world), setl_id, **changes)


def claim_of(token: str, setl_id: str, **changes: Any) -> Claim:
    """Return a claim of the hospital for an inpatient of Qinghai."""
    given: dict[str, Any] = {
        "setl_id": setl_id, "mdtrt_id": "V" + setl_id, "person": token,
        "institution": HOSPITAL, "treatment_area": "510100", "med_type": "21",
        "begndate": "2017-03-01", "enddate": "2017-03-05",
        "setl_time": "2017-03-05T10:00:00+08:00", "emergency": False, "use_account": True,
        "fees": [Fee("09", 1_000_000, 0, 0, 0)], **changes,
    }  # fmt: skip
    return Claim(**given)


def asked(world: World, verb: str, **arguments: Any) -> Any:
    """Return what an order that takes its time came to; raises what refused it."""
    answers: list[Any] = []
    world.order(SICHUAN, verb, answers.append, **arguments)
    world.run(lambda: bool(answers), 30_000)
    assert answers, "no answer came"
    if isinstance(answers[0], LedgerError):
        raise answers[0]
    return answers[0]


def presettle(world: World, item: Claim) -> dict[str, Any]:
    """Ask what would be paid."""
    return dict(asked(world, "presettle", claim=item))


def settle(world: World, item: Claim) -> dict[str, Any]:
    """Settle a claim."""
    return dict(asked(world, "settle", claim=item))


def cancel(
    world: World, setl_id: str, cancel_id: str, time: str = "2017-03-06T10:00:00+08:00"
) -> dict[str, Any]:
    """Take a claim back."""
    return dict(asked(world, "cancel", setl_id=setl_id, cancel_id=cancel_id, setl_time=time))


def state_of(world: World, setl_id: str) -> str:
    """Return how far a claim is at the counter."""
    return str(world.ask(SICHUAN, "claim", setl_id=setl_id)["state"])


def used(world: World, year: str = "2017") -> tuple[int, int]:
    """Return the admissions and the fen of the pool that the person has used of a year."""
    token = token_of(world)
    with world.nodes[QINGHAI].vault.store.read() as reader:
        total, _ = claimbook.year_so_far(reader, token, "310", year)
    return total.admissions, sum(total.pool_fen.values())


def standing(world: World) -> list[str]:
    """Return the kinds of the case entries of Sichuan as Qinghai's copy has them."""
    store = world.nodes[QINGHAI].store
    found = []
    for index in range(lookup.applied_size(store, SICHUAN)):
        if lookup.void_code(store, SICHUAN, index) is None:
            found.append(type(lookup.entry_at(store, SICHUAN, index)[1]).__name__)
    return [kind for kind in found if kind in ("Settlement", "Reversal")]
