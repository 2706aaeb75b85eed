"""Invariant 12: no order of registering, drafting, signing, rejecting and restarting lets an entry
that decides stand with fewer than two valid signatures of different people, once four eyes are on.

The oracle of the simulation counts again by code of its own after every step.
"""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ledger.errors import RefusedError
from ledger.signature import public_key, sign
from node.simulation.oracle import SIGNED_BY_TWO, Oracle
from settlement import approval, lookup
from settlement.approval import rejection_message
from settlement.party import CENTRE
from tests.network import QINGHAI, SICHUAN, seed
from tests.node.world import quiet, settled

NAMES = ("ada", "bo", "cui", "dan")
people = st.sampled_from(NAMES)
numbers = st.integers(0, 3)


class MakerAndChecker(RuleBasedStateMachine):
    """What people may do at the centre's node, in any order; and what must come of it."""

    def __init__(self) -> None:
        super().__init__()
        self.world = quiet(codes=[SICHUAN, QINGHAI])
        self.oracle = Oracle()
        self.world.after_step = self.oracle.check
        self.keys: dict[str, bytes] = {}  # the newest secret of each person, active or not
        self.active: set[str] = set()
        # What waits, by hash: who has signed with which secret, and the change of operators in it.
        self.signed: dict[str, dict[str, bytes]] = {}
        self.drafts: dict[str, dict[str, Any]] = {}
        self.entered = 0

    def order(self, verb: str, **arguments: Any) -> dict[str, Any] | str:
        """Give an order; return what came of it, or the code that it was refused with."""
        try:
            value: dict[str, Any] = self.world.ask(CENTRE, verb, **arguments)
        except RefusedError as error:
            return error.code
        if "pending" in value and value["hash"] not in self.drafts:
            self.drafts[value["hash"]] = value
            self.signed[value["hash"]] = {}
        return value

    @initialize(count=st.integers(0, 3))
    def begin(self, count: int) -> None:
        for name in NAMES[: min(count, 2)]:
            self.register(name, 0)
        if count == 3:
            self.register("cui", 0)
            self.sign_by_two(0, 0)

    # --- what people do ------------------------------------------------------------------------

    @rule(name=people, number=numbers)
    def register(self, name: str, number: int) -> None:
        secret = seed(CENTRE, f"{name} {number}")
        before = len(self.active)
        value = self.order("operator", name=name, public=public_key(secret).hex())
        if isinstance(value, dict) and "pending" not in value:
            known = name in self.active and self.keys[name] == secret
            assert before < 2 or known  # with four eyes on, nothing new comes at once
            self.active.add(name)
            self.keys[name] = secret

    @rule(name=people)
    def remove(self, name: str) -> None:
        before = len(self.active)
        value = self.order("operator", name=name, status="removed")
        if isinstance(value, dict) and "pending" not in value:
            assert before < 2
            self.active.discard(name)
        elif value == "STATE":
            assert name not in self.active or before == 2

    @rule(number=st.integers(0, 5))
    def decide(self, number: int) -> None:
        text = self.world.ruleset + f"\n# {number}\n".encode()
        value = self.order("ruleset", text=text)
        if isinstance(value, dict) and "pending" in value:
            assert len(self.active) >= 2

    @precondition(lambda self: self.drafts)
    @rule(name=people, number=numbers, place=st.integers(0, 20))
    def sign(self, name: str, number: int, place: int) -> None:
        digest = sorted(self.drafts)[place % len(self.drafts)]
        draft, secret = self.drafts[digest], seed(CENTRE, f"{name} {number}")
        signature = sign(secret, bytes.fromhex(draft["message"])).hex()
        may = name in self.active and self.keys[name] == secret
        already = self.signed[digest].get(name) == secret
        value = self.order("approve", hash=digest, operator=name, signature=signature)
        if not may or already:
            assert value == "APPROVAL"
            return
        others = {n for n, s in self.signed[digest].items() if self._holds(n, s)} - {name}
        if isinstance(value, dict) and "pending" in value:
            assert not others
            self.signed[digest][name] = secret
        elif isinstance(value, dict):
            assert others
            self.entered += 1
            self._done(digest)
            self._took_effect(draft)
        else:
            assert others  # enough have signed, but it does not fit the log any more
            self._done(digest)

    @precondition(lambda self: self.drafts and self.active)
    @rule(person=st.integers(0, 3), place=st.integers(0, 20))
    def sign_duly(self, person: int, place: int) -> None:
        name = sorted(self.active)[person % len(self.active)]
        number = next(n for n in range(4) if self.keys[name] == seed(CENTRE, f"{name} {n}"))
        self.sign(name, number, place)

    @precondition(lambda self: self.drafts and len(self.active) >= 2)
    @rule(person=st.integers(0, 3), place=st.integers(0, 20))
    def sign_by_two(self, person: int, place: int) -> None:
        digest = sorted(self.drafts)[place % len(self.drafts)]
        for step in (0, 1):
            if digest in self.drafts:
                self.sign_duly(person + step, sorted(self.drafts).index(digest))

    @precondition(lambda self: self.drafts)
    @rule(name=people, number=numbers, place=st.integers(0, 20))
    def reject(self, name: str, number: int, place: int) -> None:
        digest = sorted(self.drafts)[place % len(self.drafts)]
        roster, secret = self.world.founding, seed(CENTRE, f"{name} {number}")
        message = rejection_message(
            roster.network_id, roster.origin(CENTRE), bytes.fromhex(digest), "no"
        )
        signature = sign(secret, message).hex()
        given = {"hash": digest, "operator": name, "reason": "no", "signature": signature}
        value = self.order("reject", **given)
        may = name in self.active and self.keys[name] == secret
        assert isinstance(value, dict) == may
        if may:
            self._done(digest)

    @rule()
    def restart(self) -> None:
        self.world.crash(CENTRE)
        settled(self.world)

    # --- the model -----------------------------------------------------------------------------

    def _holds(self, name: str, secret: bytes) -> bool:
        return name in self.active and self.keys[name] == secret

    def _done(self, digest: str) -> None:
        del self.drafts[digest], self.signed[digest]

    def _took_effect(self, draft: dict[str, Any]) -> None:
        content = draft["content"]
        if draft["kind"] != "Operator":
            return
        if content["status"] == "removed":
            self.active.discard(content["name"])
            return
        self.active.add(content["name"])
        for number in range(4):
            secret = seed(CENTRE, f"{content['name']} {number}")
            if public_key(secret).hex() == content["key"]:
                self.keys[content["name"]] = secret

    # --- what always holds -----------------------------------------------------------------------

    @invariant()
    def the_log_has_the_operators_of_the_model(self) -> None:
        found = lookup.operators(self.world.nodes[CENTRE].store, CENTRE)
        active = {name for name, (_, record) in found.items() if record.status == "active"}
        assert active == self.active
        count = lookup.operators_active(self.world.nodes[CENTRE].store, CENTRE, 1)
        assert count == len(self.active)

    @invariant()
    def what_waits_is_what_nobody_has_ended(self) -> None:
        listed = self.order("approvals", ended=True)
        assert isinstance(listed, dict)
        state = {draft["hash"]: draft["state"] for draft in listed["drafts"]}
        shown = {
            d["hash"]: sorted(d["signed"]) for d in listed["drafts"] if d["state"] == "waiting"
        }
        for digest in set(self.drafts) - set(shown):
            assert state[digest] == "replaced"  # it could come to nothing any more
            self._done(digest)
        expected = {
            digest: sorted(n for n, s in signed.items() if self._holds(n, s))
            for digest, signed in self.signed.items()
        }
        assert shown == expected

    @invariant()
    def what_two_have_signed_stands(self) -> None:
        assert self.oracle.signed >= self.entered


MakerAndChecker.TestCase.settings = settings(
    max_examples=40, stateful_step_count=25, deadline=None, derandomize=True
)
TestMakerAndChecker = MakerAndChecker.TestCase


def test_the_oracle_counts_the_kinds_that_decide() -> None:
    assert {kind.kind for kind in approval.DECIDING} == SIGNED_BY_TWO
