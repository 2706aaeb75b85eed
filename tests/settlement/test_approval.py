"""Maker and checker: which entries of a log count, by what two people have signed below them."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import log
from ledger.entry import make_entry
from ledger.errors import FormError, VerificationError
from ledger.signature import public_key, sign
from ledger.table import DERIVED, log_key
from settlement import approval, lookup, membership, state, wording
from settlement.approval import DECIDING, FREE, GOVERNED, approve, digest, message
from settlement.party import CENTRE
from settlement.record import (
    RECORDS,
    Approval,
    Attestation,
    Cell,
    Continuation,
    Member,
    Operator,
    Record,
    RuleSet,
    Withdrawal,
    decode_body,
)
from settlement.state import Fold
from settlement.wording import describe, named
from tests.network import PURPOSES, QINGHAI, SICHUAN, Logs, seed, settlement

NAMES = ("ada", "bo", "cui")


def secret(name: str) -> bytes:
    return seed(QINGHAI, f"operator {name}")


def operator(name: str, revision: int = 1, status: str = "active", key: str = "") -> Operator:
    return Operator(name, revision, public_key(secret(key or name)), status, [])


def attestation(revision: int = 1, *, match: bool = False, month: str = "2017-03") -> Attestation:
    cells = [] if match else [Cell(QINGHAI, SICHUAN, "employee", 1, 2)]
    return Attestation(month, revision, bytes(32), bytes(32), bytes(32), cells, [])


def signed(logs: Logs, record: Record, *names: str, code: str = QINGHAI) -> Record:
    network, origin = logs.roster.network_id, logs.roster.origin(code)
    given = [approve(secret(name), network, origin, record) for name in names]
    return approval.with_approvals(record, given)


def judged(logs: Logs, *records: Record, code: str = QINGHAI) -> list[str | None]:
    return logs.store.transact(
        lambda writer: [
            Fold(writer, logs.roster, code).judge(logs.size(code), record) for record in records
        ]
    )


def with_operators(*names: str) -> Logs:
    logs = Logs()
    for place, name in enumerate(names):
        signers = names[:2] if place >= 2 else ()
        assert logs.add(QINGHAI, signed(logs, operator(name), *signers)) is None
    return logs


# --- examples ------------------------------------------------------------------------------------


def test_four_eyes_are_on_from_the_second_operator_on() -> None:
    logs = with_operators("ada")
    assert judged(logs, attestation()) == [None]
    assert logs.add(QINGHAI, operator("bo")) is None
    mismatch = attestation()
    one, two = signed(logs, mismatch, "ada"), signed(logs, mismatch, "ada", "bo")
    assert judged(logs, mismatch, one, two) == ["APPROVAL", "APPROVAL", None]
    assert logs.add(QINGHAI, two) is None


def test_a_match_may_stand_without_but_a_forged_approval_makes_it_void() -> None:
    logs = with_operators("ada", "bo")
    match = attestation(match=True)
    forged = approval.with_approvals(
        match, [Approval(public_key(secret("ada")), sign(secret("ada"), b"something else"))]
    )
    assert judged(logs, match, signed(logs, match, "bo"), forged) == [None, None, "APPROVAL"]


def test_a_signature_is_for_one_log_one_kind_and_one_content() -> None:
    logs = with_operators("ada", "bo")
    network, origin = logs.roster.network_id, logs.roster.origin(QINGHAI)
    record = attestation()
    other_log = approve(secret("ada"), network, logs.roster.origin(SICHUAN), record)
    other_network = approve(secret("ada"), bytes(32), origin, record)
    other_content = approve(secret("ada"), network, origin, attestation(2))
    good = approve(secret("bo"), network, origin, record)
    for wrong in (other_log, other_network, other_content):
        assert judged(logs, approval.with_approvals(record, [wrong, good])) == ["APPROVAL"]
    hashes = {digest(network, origin, r) for r in (record, attestation(2), signed(logs, record))}
    assert len(hashes) == 2  # who has signed it is no part of what they sign
    assert message(network, origin, record) == message(network, origin, signed(logs, record, "ada"))


def test_a_removed_operator_signs_no_more_and_may_come_back() -> None:
    logs = with_operators("ada", "bo", "cui")
    removal = signed(logs, operator("cui", 2, "removed"), "ada", "cui")
    assert logs.add(QINGHAI, removal) is None  # signing one's own removal is signing
    record = attestation()
    assert judged(logs, signed(logs, record, "ada", "cui")) == ["APPROVAL"]
    assert logs.add(QINGHAI, signed(logs, operator("cui", 3), "ada", "bo")) is None
    assert judged(logs, signed(logs, record, "ada", "cui")) == [None]


def test_the_last_two_can_only_be_replaced() -> None:
    logs = with_operators("ada", "bo")
    assert judged(logs, signed(logs, operator("bo", 2, "removed"), "ada", "bo")) == ["STATE"]
    assert logs.add(QINGHAI, signed(logs, operator("cui"), "ada", "bo")) is None
    assert logs.add(QINGHAI, signed(logs, operator("bo", 2, "removed"), "ada", "cui")) is None
    assert lookup.operators_active(logs.store, QINGHAI, 1) == 2
    assert logs.add(QINGHAI, signed(logs, attestation(), "ada", "bo")) == "APPROVAL"
    assert logs.add(QINGHAI, signed(logs, attestation(), "ada", "cui")) is None


def test_one_operator_alone_may_be_removed_and_changes_need_nobody() -> None:
    logs = with_operators("ada")
    assert logs.add(QINGHAI, operator("ada", 2, "removed")) is None
    assert lookup.operators_active(logs.store, QINGHAI, 1) == 0
    assert judged(logs, attestation()) == [None]


def test_another_key_takes_the_place_of_the_one_before() -> None:
    logs = with_operators("ada", "bo")
    change = operator("bo", 2, key="bo's next")
    assert judged(logs, change, signed(logs, change, "ada")) == ["APPROVAL", "APPROVAL"]
    assert logs.add(QINGHAI, signed(logs, change, "ada", "bo")) is None
    record = attestation()
    assert judged(logs, signed(logs, record, "ada", "bo")) == ["APPROVAL"]
    assert judged(logs, signed(logs, record, "ada", "bo's next")) == [None]
    back = signed(logs, operator("bo", 3), "ada", "bo's next")
    assert judged(logs, back) == ["KEY"]  # a key that was given up does not come back


@pytest.mark.parametrize(
    ("record", "code"),
    [
        (operator("cui", 2), "ORDER"),
        (operator("ada", 1), "DUPLICATE"),
        (operator("ada", 3), "ORDER"),
        (operator("cui", 1, "removed"), "STATE"),
        (operator("cui", key="ada"), "KEY"),
        (operator("ada", 2, "removed", key="bo"), "STATE"),
        (Operator("cui", 1, public_key(seed(QINGHAI, "entry")), "active", []), "KEY"),
        (Operator("cui", 1, public_key(seed(QINGHAI, "transport")), "active", []), "KEY"),
        (Operator("cui", 1, bytes(32), "active", []), "KEY"),
        (Operator("cui", 1, b"\x01" + bytes(31), "active", []), "KEY"),
    ],
)
def test_a_change_of_operators_that_does_not_fit_is_void(record: Operator, code: str) -> None:
    logs = with_operators("ada", "bo")
    assert judged(logs, signed(logs, record, "ada", "bo")) == [code]


def test_the_key_of_an_operator_is_no_key_of_the_log() -> None:
    logs = with_operators("ada")
    member = logs.roster.members[QINGHAI]
    turn = membership.rotation(
        logs.roster, QINGHAI, "transport", member.transport_key, secret("ada")
    )
    assert judged(logs, turn) == ["KEY"]
    fresh = membership.rotation(logs.roster, QINGHAI, "transport", member.transport_key, bytes(32))
    assert logs.add(QINGHAI, fresh) is None
    used = Operator("bo", 1, public_key(bytes(32)), "active", [])
    assert judged(logs, used) == ["KEY"]


def test_the_centre_is_held_to_it_as_everybody_is() -> None:
    logs = Logs()
    for name in NAMES[:2]:
        assert logs.add(CENTRE, operator(name)) is None
    text = logs.ruleset + b"\n# another\n"
    rules = RuleSet("interprovince-net", text, [])
    both = signed(logs, rules, "ada", "bo", code=CENTRE)
    assert judged(logs, rules, both, code=CENTRE) == ["APPROVAL", None]


def test_a_void_entry_is_named_in_the_tables_and_its_operator_is_none() -> None:
    logs = with_operators("ada", "bo")
    assert logs.add(QINGHAI, operator("cui")) == "APPROVAL"
    assert lookup.void_code(logs.store, QINGHAI, 2) == "APPROVAL"
    assert sorted(lookup.operators(logs.store, QINGHAI)) == ["ada", "bo"]
    assert lookup.operator_of(logs.store, QINGHAI, public_key(secret("cui"))) is None


def test_a_later_generation_begins_without_operators() -> None:
    logs = with_operators("ada", "bo", "cui")
    size = logs.size(QINGHAI)
    head = logs.checkpoint(QINGHAI)
    keys = (public_key(seed(QINGHAI, f"second {purpose}")) for purpose in PURPOSES)
    roster = logs.roster.with_freeze(QINGHAI, membership.claimed(head), head)
    roster = roster.with_member(Member(QINGHAI, *keys))

    def leaf(record: Record) -> bytes:
        return make_entry(
            seed(QINGHAI, "second entry"), roster.network_id, roster.origin(QINGHAI),
            logs.size(QINGHAI), record.kind, logs.at_ms, record.encode(),
        )  # fmt: skip

    def add(record: Record) -> str | None:
        data = leaf(record)

        def change(writer: object) -> list[str | None]:
            log.append(writer, log_key(QINGHAI), [data], logs.size(QINGHAI))  # type: ignore[arg-type]
            return state.apply(writer, roster, QINGHAI, [data])  # type: ignore[arg-type]

        return logs.store.transact(change)[0]

    assert add(Continuation(2, head)) is None
    assert lookup.operators_active(logs.store, QINGHAI, 2) == 0
    assert add(attestation()) is None  # nobody has to sign it yet
    assert add(operator("ada", 2, "removed")) == "STATE"
    assert add(operator("ada", 1)) == "DUPLICATE"
    assert add(operator("ada", 2)) is None  # the person kept the key; the node's was stolen
    assert add(operator("bo", 2)) is None
    assert add(attestation(2)) == "APPROVAL"
    assert sorted(lookup.operators(logs.store, QINGHAI, size)) == ["ada", "bo"]


# --- the small world completely ------------------------------------------------------------------

SIGNERS = ("ada", "bo", "cui", "gone", "stranger", "forged")


def _approvals(logs: Logs, record: Record, chosen: tuple[str, ...]) -> Record:
    network, origin = logs.roster.network_id, logs.roster.origin(QINGHAI)
    made = [
        Approval(public_key(secret("ada")), bytes(64))
        if who == "forged"
        else approve(secret(who), network, origin, record)
        for who in chosen
    ]
    return approval.with_approvals(record, made)


@pytest.mark.parametrize("active", [0, 1, 2, 3])
@pytest.mark.parametrize("match", [False, True])
def test_every_choice_of_signers_is_judged_as_the_rule_says(active: int, match: bool) -> None:
    logs = with_operators(*NAMES[:active])
    if active in (1, 3):  # who left before
        by = ("ada", "bo") if active == 3 else ()
        if active == 1:
            assert logs.add(QINGHAI, operator("ada", 2, "removed")) is None
        assert logs.add(QINGHAI, signed(logs, operator("gone"), *by)) is None
        assert logs.add(QINGHAI, signed(logs, operator("gone", 2, "removed"), *by)) is None
        if active == 1:
            assert logs.add(QINGHAI, operator("ada", 3)) is None
    record = attestation(match=match)
    choices = [c for length in range(4) for c in product(SIGNERS, repeat=length)]
    outcomes = judged(logs, *(_approvals(logs, record, chosen) for chosen in choices))
    known = set(NAMES[:active])
    for chosen, outcome in zip(choices, outcomes, strict=True):
        holds = set(chosen) <= known and len(set(chosen)) == len(chosen)
        enough = match or active < 2 or len(chosen) >= 2
        assert (outcome is None) == (holds and enough), (chosen, outcome)
        assert outcome in (None, "APPROVAL")


def test_every_kind_with_approvals_is_of_one_sort() -> None:
    kinds = {kind for kind in RECORDS.values() if "approvals" in kind.__struct_fields__}
    assert kinds == DECIDING | FREE | GOVERNED
    assert len(kinds) == len(DECIDING) + len(FREE) + len(GOVERNED)
    assert all(kind.__struct_fields__[-1] == "approvals" for kind in kinds)


# --- laws ----------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.sampled_from(NAMES), st.booleans()), max_size=8))
def test_the_count_of_operators_is_that_of_their_newest_revisions(
    changes: list[tuple[str, bool]],
) -> None:
    logs, revisions = Logs(), dict.fromkeys(NAMES, 0)
    active: set[str] = set()
    for name, on in changes:
        record = operator(name, revisions[name] + 1, "active" if on else "removed")
        signers = sorted(active)[:2] if len(active) >= 2 else []
        fits = on or (name in active and len(active) != 2)
        outcome = logs.add(QINGHAI, signed(logs, record, *signers))
        assert outcome == (None if fits else "STATE")
        if fits:
            revisions[name] += 1
            (active.add if on else active.discard)(name)
        assert lookup.operators_active(logs.store, QINGHAI, 1) == len(active)
    stored = dict(logs.store.scan(DERIVED, log_key(QINGHAI), log_key(QINGHAI) + b"\xff" * 80))
    logs.store.transact(lambda writer: state.rebuild(writer, logs.roster, QINGHAI))
    again = dict(logs.store.scan(DERIVED, log_key(QINGHAI), log_key(QINGHAI) + b"\xff" * 80))
    assert stored == again


def test_check_says_who_signed_and_who_did_not() -> None:
    logs = with_operators("ada", "bo")
    network, origin, place = logs.roster.network_id, logs.roster.origin(QINGHAI), (QINGHAI, 0)
    record = signed(logs, attestation(), "bo", "ada")
    assert approval.check(logs.store, network, origin, place, record) == ["bo", "ada"]
    assert approval.approvers(logs.store, QINGHAI, record) == ["bo", "ada"]
    twice = signed(logs, attestation(), "bo", "bo")
    with pytest.raises(VerificationError, match="two of them by bo"):
        approval.check(logs.store, network, origin, place, twice)
    with pytest.raises(VerificationError, match="not by an active operator"):
        approval.check(logs.store, network, origin, (QINGHAI, 2), record)


# --- what people read ----------------------------------------------------------------------------


def test_what_is_signed_is_said_in_words_and_by_names() -> None:
    record = Withdrawal("2017-03", 2, bytes(32), "日志迟到", [])
    assert describe(record).en == "take back the proposal of 2017-03 r2: 日志迟到"
    assert describe(record).zh == "撤回 2017-03 第 2 版批次：日志迟到"
    shown = named(RuleSet("x", b"y" * 70, []))
    assert shown["text"].startswith("70 bytes, SHA-256 ")
    assert describe(settlement("A1")).en.startswith("Settlement: setl_id A1")


@pytest.mark.parametrize("kind", sorted(DECIDING, key=lambda k: k.kind), ids=lambda k: k.__name__)
def test_every_deciding_kind_has_words_of_its_own(kind: type[Record]) -> None:
    assert kind in wording.WORDS


@pytest.mark.parametrize("name", ["", "x" * 65, "张三", "a b"])
def test_an_operator_has_a_name_that_can_be_typed(name: str) -> None:
    record = Operator(name, 1, bytes(32), "active", [])
    with pytest.raises(FormError):
        decode_body(record.kind, record.encode())
