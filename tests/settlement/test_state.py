"""`apply`: every way an entry can be void, and that applying is a fold over one log."""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import log
from ledger.encoding import pack, unpack
from ledger.entry import decode_entry, make_entry
from ledger.hashing import leaf_hash
from ledger.memory import MemoryStore
from ledger.table import DERIVED, log_key
from node.run import default_ruleset
from settlement import lookup, membership, state, totals
from settlement.membership import approve_admission
from settlement.outcome import EXCEPTION, STATE, VOID
from settlement.party import CENTRE
from settlement.recheck import check_store
from settlement.record import (
    Acceptance,
    Admission,
    Certificate,
    Confirmation,
    Exempt,
    Genesis,
    Lines,
    Net,
    Paid,
    Place,
    Proposal,
    Release,
    RuleSet,
    Ruling,
    Withdrawal,
)
from tests.network import (
    AT_MS,
    QINGHAI,
    SICHUAN,
    TIBET,
    Logs,
    member,
    reversal,
    seed,
    settlement,
)


@pytest.fixture
def logs() -> Logs:
    return Logs()


def proposal(logs: Logs, month: str = "2017-03", revision: int = 1, **changes: Any) -> Proposal:
    nets = [Net(code, 0) for code in sorted(logs.codes)]
    values = {
        "month": month, "revision": revision, "cut": logs.cut(), "ruleset_hash": bytes(32),
        "nets": nets, "result_hash": bytes(32), "approvals": [],
    }  # fmt: skip
    return Proposal(**{**values, **changes})


def proposal_hash(logs: Logs, month: str = "2017-03", revision: int = 1) -> bytes:
    found = lookup.proposal_of(logs.store, month, revision)
    assert found is not None
    return found[1]


def confirmation(logs: Logs, month: str = "2017-03", revision: int = 1) -> Confirmation:
    digest = proposal_hash(logs, month, revision)
    return Confirmation(month, revision, digest, bytes(32), [], [], [], [])


# --- settlements and reversals -------------------------------------------------------------------


def test_a_settlement_counts_and_is_found_by_its_id(logs: Logs) -> None:
    assert logs.add(SICHUAN, settlement("A1")) is None
    assert lookup.find_settlement(logs.store, SICHUAN, "A1") == 0
    assert lookup.find_settlement(logs.store, SICHUAN, "A2") is None
    assert totals.load_running(logs.store, log_key(SICHUAN), QINGHAI) == {
        "2017-03": totals.Amounts(1, 1_000, 0, 0, 0)
    }


@pytest.mark.parametrize(
    ("record", "code"),
    [
        (settlement("A1", treated="540100"), "PAIR"),
        (settlement("A1", insured="510700"), "PAIR"),
        (settlement("A1", insured="990000"), "PAIR"),
        (settlement("A1", insured="100000"), "PAIR"),
        (settlement("A1", -1), "SIGN"),
        (reversal("R1", "A9"), "ORIGINAL"),
        (reversal("R1", "A0", 1), "SIGN"),
        (reversal("R1", "A0", insured="540100"), "PAIR"),
        (reversal("R1", "A0", month="2017-02"), "MONTH"),
        (reversal("R1", "A0", -1_001), "EXCEEDS"),
        (reversal("R2", "R0", -1), "ORIGINAL"),
        (settlement("A0"), "DUPLICATE"),
        (settlement("R0"), "DUPLICATE"),
        (reversal("A0", "A0"), "DUPLICATE"),
        (Genesis(b"x"), "ROLE"),
        (RuleSet("x", b"", []), "ROLE"),
    ],
)
def test_what_breaks_a_rule_of_its_own_log_is_void(logs: Logs, record: Any, code: str) -> None:
    logs.add(SICHUAN, settlement("A0"), reversal("R0", "A0", 0))
    before = totals.load_running(logs.store, log_key(SICHUAN), QINGHAI)
    assert logs.add(SICHUAN, record) == code
    assert lookup.void_code(logs.store, SICHUAN, 2) == code
    assert totals.load_running(logs.store, log_key(SICHUAN), QINGHAI) == before


def test_reversals_add_up_and_stop_at_the_original(logs: Logs) -> None:
    logs.add(SICHUAN, settlement("A1", 1_000))
    assert logs.add(SICHUAN, reversal("R1", "A1", -400)) is None
    assert logs.add(SICHUAN, reversal("R2", "A1", -700)) == "EXCEEDS"
    assert logs.add(SICHUAN, reversal("R3", "A1", -600)) is None
    assert logs.add(SICHUAN, reversal("R4", "A1", -1)) == "EXCEEDS"
    assert [lines.employee for _, _, lines in lookup.reversals_of(logs.store, SICHUAN, 0)] == [
        -400,
        -600,
    ]


def test_a_void_entry_does_not_take_its_id(logs: Logs) -> None:
    assert logs.add(SICHUAN, settlement("A1", -1)) == "SIGN"
    assert logs.add(SICHUAN, settlement("A1")) is None


# --- form, place, signature, kind ----------------------------------------------------------------


def test_noise_another_place_another_signer_and_an_unknown_kind_are_void(logs: Logs) -> None:
    good = logs.leaf(SICHUAN, settlement("A1"))
    elsewhere = logs.leaf(TIBET, settlement("A1"), index=0)
    network, origin = logs.roster.network_id, logs.roster.origin(SICHUAN)
    body = settlement("A1").encode()
    thief = make_entry(seed("thief", "entry"), network, origin, 0, 10, 1, body)
    unknown = make_entry(seed(SICHUAN, "entry"), network, origin, 0, 99, 1, body)
    broken = make_entry(seed(SICHUAN, "entry"), network, origin, 0, 10, 1, pack([*unpack(body), 0]))
    flipped = good[:-1] + bytes([good[-1] ^ 1])
    for leaf, code in [
        (b"", "FORM"), (b"\xff" * 40, "FORM"), (good + b"\x00", "FORM"),
        (elsewhere, "PLACE"), (thief, "SIGNATURE"), (flipped, "SIGNATURE"),
        (unknown, "KIND"), (broken, "KIND"),
    ]:  # fmt: skip
        assert Logs().add_leaves(SICHUAN, [leaf]) == [code]
    later = logs.leaf(SICHUAN, settlement("A1"), index=5)
    assert logs.add_leaves(SICHUAN, [later, good]) == ["PLACE", "PLACE"]


def test_a_signature_for_another_network_is_void(logs: Logs) -> None:
    origin = logs.roster.origin(SICHUAN)
    body = settlement("A1").encode()
    leaf = make_entry(seed(SICHUAN, "entry"), bytes(32), origin, 0, 10, 1, body)
    assert logs.add_leaves(SICHUAN, [leaf]) == ["SIGNATURE"]


# --- acceptance and release ----------------------------------------------------------------------


def acceptance(size: int, *exceptions: int, log_code: str = SICHUAN) -> Acceptance:
    return Acceptance(log_code, size, bytes(32), [Exempt(i, "NO_FILE") for i in exceptions], [])


@pytest.mark.parametrize(
    ("record", "code"),
    [
        (acceptance(5, log_code=QINGHAI), "PAIR"),
        (acceptance(5, log_code=CENTRE), "PAIR"),
        (acceptance(3), "DUPLICATE"),
        (acceptance(2), "ORDER"),
        (acceptance(9, 5, 4), "ORDER"),
        (acceptance(9, 5, 5), "ORDER"),
        (acceptance(9, 2), "ORDER"),
        (acceptance(9, 9), "ORDER"),
        (Release(SICHUAN, [], []), "ORDER"),
        (Release(SICHUAN, [1, 1], []), "ORDER"),
        (Release(SICHUAN, [0], []), "EXCEPTION"),
        (Release(SICHUAN, [2], []), "DUPLICATE"),
        (settlement("A1", treated="630100", insured="630100"), "PAIR"),
    ],
)
def test_an_acceptance_continues_and_a_release_lifts_what_is_open(
    logs: Logs, record: Any, code: str
) -> None:
    logs.add(QINGHAI, acceptance(3, 1, 2), Release(SICHUAN, [2], []))
    assert logs.add(QINGHAI, record) == code


def test_the_centre_accepts_nothing_and_provinces_propose_nothing(logs: Logs) -> None:
    assert logs.add(CENTRE, acceptance(1)) == "ROLE"
    assert logs.add(CENTRE, settlement("A1")) == "ROLE"
    assert logs.add(QINGHAI, proposal(logs)) == "ROLE"
    assert logs.add(QINGHAI, Admission(member("110000"), [])) == "ROLE"


# --- the centre's log ----------------------------------------------------------------------------


def test_proposals_follow_month_by_month_and_one_at_a_time(logs: Logs) -> None:
    assert logs.add(CENTRE, proposal(logs)) is None
    assert logs.add(CENTRE, proposal(logs, "2017-04")) == "STATE"
    assert logs.add(CENTRE, proposal(logs, revision=2)) == "STATE"
    withdrawal = Withdrawal("2017-03", 1, proposal_hash(logs), "wrong cut", [])
    assert logs.add(CENTRE, withdrawal) is None
    assert logs.add(CENTRE, confirmation(logs)) == "STATE"
    assert logs.add(CENTRE, proposal(logs, revision=2)) is None
    assert logs.add(CENTRE, confirmation(logs, revision=2)) is None
    assert (
        logs.add(CENTRE, Withdrawal("2017-03", 2, proposal_hash(logs, revision=2), "", []))
        == "STATE"
    )
    assert logs.add(CENTRE, proposal(logs, "2017-05")) == "MONTH"
    assert logs.add(CENTRE, proposal(logs, "2017-03", 3)) == "MONTH"
    assert logs.add(CENTRE, proposal(logs, "2017-04")) is None
    assert lookup.open_months(logs.store) == ["2017-04"]


def test_a_cut_names_everybody_once_in_order_and_never_shrinks(logs: Logs) -> None:
    logs.add(SICHUAN, settlement("A1"))
    cut = logs.cut()
    for wrong in (cut[::-1], [cut[0], *cut], [*cut, logs.head(CENTRE)]):
        nets = [Net(head.code, 0) for head in wrong]
        assert logs.add(CENTRE, proposal(logs, cut=wrong, nets=nets)) == "ORDER"
    logs.add(CENTRE, proposal(logs), confirmation_after(logs))
    smaller = [logs.head(c, 0) if c == SICHUAN else logs.head(c) for c in sorted(logs.codes)]
    assert logs.add(CENTRE, proposal(logs, "2017-04", cut=smaller)) == "ORDER"
    fewer = proposal(logs, "2017-04", cut=cut[1:], nets=[Net(h.code, 0) for h in cut[1:]])
    assert logs.add(CENTRE, fewer) == "ORDER"


@dataclass
class _Later:
    logs: Logs

    kind = Confirmation.kind

    def encode(self) -> bytes:
        return confirmation(self.logs).encode()


def confirmation_after(logs: Logs) -> Any:
    return _Later(logs)


def test_nets_that_are_not_zero_together_or_not_everybodys_are_void(logs: Logs) -> None:
    codes = sorted(logs.codes)
    off_by_one = [Net(codes[0], 1), Net(codes[1], 0), Net(codes[2], 0)]
    assert logs.add(CENTRE, proposal(logs, nets=off_by_one)) == "SUM"
    assert logs.add(CENTRE, proposal(logs, nets=off_by_one[1:])) == "SUM"


def test_a_confirmation_ruling_or_certificate_of_nothing_is_void(logs: Logs) -> None:
    nothing = Confirmation("2017-03", 1, bytes(32), bytes(32), [], [], [], [])
    assert logs.add(CENTRE, nothing) == "STATE"
    assert logs.add(CENTRE, Ruling("2017-03", 1, Place(QINGHAI, 0), "", [])) == "STATE"
    assert logs.add(CENTRE, Certificate("2017-03", 1, bytes(32), [], [])) == "STATE"
    logs.add(CENTRE, proposal(logs), confirmation_after(logs))
    assert logs.add(CENTRE, Certificate("2017-03", 1, bytes(32), [], [])) == "STATE"
    index = lookup.find(logs.store, CENTRE, Confirmation, lookup.month_key("2017-03"))
    assert index is not None
    digest = leaf_hash(log.leaf(logs.store, log_key(CENTRE), index))
    assert logs.add(CENTRE, Certificate("2017-03", 1, digest, [], [])) is None


def test_genesis_stands_once_and_first_and_rule_sets_must_be_readable(logs: Logs) -> None:
    assert logs.add(CENTRE, Genesis(logs.roster.genesis)) == "DUPLICATE"
    assert logs.add(CENTRE, RuleSet("other-name", default_ruleset() + b"\n", [])) == "RULESET"
    assert logs.add(CENTRE, RuleSet("x", b"[", [])) == "RULESET"
    assert logs.add(CENTRE, RuleSet("interprovince-net", default_ruleset(), [])) == "DUPLICATE"


def test_an_admission_without_the_governors_is_void(logs: Logs) -> None:
    assert logs.add(CENTRE, Admission(member("110000"), [])) == "APPROVAL"
    assert logs.add(CENTRE, Admission(member(QINGHAI), [])) == "KEY"


def test_admissions_mean_the_same_whoever_applies_them(logs: Logs) -> None:
    governors = [seed("governance", str(n)) for n in range(2)]
    network = logs.roster.network_id
    admissions = [
        Admission(
            member(code),
            [approve_admission(g, network, member(code)) for g in governors],
        )
        for code in ("110000", "120000")
    ]
    founding = logs.roster
    assert logs.add(CENTRE, admissions[0]) is None
    logs.roster = membership.roster_at(logs.store, founding, logs.size(CENTRE))
    assert logs.add(CENTRE, admissions[1]) is None
    grown = membership.roster_at(logs.store, founding, logs.size(CENTRE))
    assert grown.participants == ("110000", "120000", SICHUAN, TIBET, QINGHAI)
    late = Logs()
    late.roster = grown  # the newcomer knows itself before it has read of its admission
    assert late.add(CENTRE, *admissions) is None
    assert check_store(logs.store, founding) == []


def test_money_is_above_zero(logs: Logs) -> None:
    assert (
        logs.add(QINGHAI, Paid("clearing", "2017-03", 1, 1, SICHUAN, 0, "B1", "2017-04-15", []))
        == "SIGN"
    )
    assert (
        logs.add(QINGHAI, Paid("clearing", "2017-03", 1, 1, SICHUAN, 5, "B1", "2017-04-15", []))
        is None
    )
    assert (
        logs.add(QINGHAI, Paid("clearing", "2017-03", 1, 1, SICHUAN, 6, "B2", "2017-04-15", []))
        == "DUPLICATE"
    )


def test_every_code_has_both_languages() -> None:
    for table in (VOID, EXCEPTION, STATE):
        assert all(text.en and text.zh for text in table.values())


@given(st.integers(0, 2**32), st.integers(1, 255), st.sampled_from([0, 1, 2**32, AT_MS, 2**53]))
def test_reading_whole_entries_judges_as_reading_them_in_parts_does(
    place: int, change: int, at_ms: int
) -> None:
    logs = Logs()
    leaves = [logs.leaf(SICHUAN, settlement(f"A{n}"), index=n) for n in range(3)]
    entry = decode_entry(leaves[1])
    origin = logs.roster.origin(SICHUAN)
    odd = make_entry(
        seed(SICHUAN, "entry"), logs.roster.network_id, origin, 1, entry.kind, at_ms, entry.body
    )
    at = 64 + place % (len(odd) - 64)
    broken = odd[:at] + bytes([odd[at] ^ change]) + odd[at + 1 :]
    for second in (odd, broken, odd + b"\x00", odd[:at], leaves[2]):
        quick = Logs().add_leaves(SICHUAN, [leaves[0], second, leaves[2]])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("ledger.encoding.EntryCodec.decode", lambda *_: None)
            assert Logs().add_leaves(SICHUAN, [leaves[0], second, leaves[2]]) == quick


# --- laws ----------------------------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(st.integers(0, 12), st.booleans(), st.integers(-5, 9), st.sampled_from("34")),
    max_size=40,
)


def leaves_of(logs: Logs, steps: list[tuple[int, bool, int, str]]) -> list[bytes]:
    leaves = []
    for index, (number, back, fen, month) in enumerate(steps):
        when = f"2017-0{month}"
        insured = ("630100", "540100")[number % 2]
        record = (
            reversal(f"R{index}", f"A{number}", -abs(fen), month=when, insured=insured)
            if back
            else settlement(f"A{number}", fen, month=when, insured=insured)
        )
        leaves.append(logs.leaf(SICHUAN, record, index=index))
    return leaves


@given(STEPS, st.lists(st.integers(1, 7), max_size=40))
def test_how_entries_are_grouped_changes_nothing(steps: Any, groups: list[int]) -> None:
    whole, sliced = Logs(), Logs()
    leaves = leaves_of(whole, steps)
    outcomes = whole.add_leaves(SICHUAN, leaves)
    at, pieces = 0, []
    for width in [*groups, len(leaves)]:
        if leaves[at : at + width]:
            pieces += sliced.add_leaves(SICHUAN, leaves[at : at + width])
        at += width
    assert pieces == outcomes
    if not leaves:
        return  # nothing was applied, so nothing was noted either
    assert _tables(whole) == _tables(sliced)


@given(STEPS, st.sets(st.integers(0, 39)))
def test_runs_of_settlements_mean_what_each_one_means(steps: Any, bad: set[int]) -> None:
    runs, single = Logs(), Logs()
    leaves = leaves_of(runs, steps)
    for index in bad & set(range(len(leaves))):
        leaves[index] = bytes(64) + leaves[index][64:]
    outcomes = runs.add_leaves(SICHUAN, leaves)
    assert all(outcomes[index] is not None for index in bad & set(range(len(leaves))))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("settlement.state.Fold.settle", lambda *_: 0)
        assert single.add_leaves(SICHUAN, leaves) == outcomes
    assert _tables(single) == _tables(runs)


def _tables(logs: Logs) -> dict[bytes, bytes]:
    return dict(logs.store.scan(DERIVED, b"", b"\xff" * 80))


@given(STEPS)
def test_running_totals_are_the_sum_of_what_counts(steps: Any) -> None:
    logs = Logs()
    outcomes = logs.add_leaves(SICHUAN, leaves_of(logs, steps))
    expected: dict[tuple[str, str], list[int]] = {}
    for index, code in enumerate(outcomes):
        if code is None:
            record: Any = lookup.entry_at(logs.store, SICHUAN, index)[1]
            cell = expected.setdefault((record.insured_area[:2] + "0000", record.month), [0, 0])
            cell[0] += 1
            cell[1] += record.lines.employee
    for insured in (QINGHAI, TIBET):
        total = totals.load_running(logs.store, log_key(SICHUAN), insured)
        assert {m: [a.entries, a.fen] for m, a in total.items()} == {
            month: cell for (code, month), cell in expected.items() if code == insured
        }
        left = sum(amounts.fen for amounts in total.values())
        assert left >= 0  # no reversal takes more than is left


@given(STEPS, st.integers(0, 40))
def test_a_total_at_any_size_is_what_a_log_of_that_size_has(steps: Any, cut: int) -> None:
    logs, shorter = Logs(), Logs()
    leaves = leaves_of(logs, steps)
    size = min(cut, len(leaves))
    logs.add_leaves(SICHUAN, leaves)
    shorter.add_leaves(SICHUAN, leaves[:size])
    at = state.total_at(logs.store, SICHUAN, QINGHAI, size)
    assert at == totals.load_running(shorter.store, log_key(SICHUAN), QINGHAI)


def test_totals_hold_on_both_sides_of_a_chunk_border() -> None:
    logs = Logs()
    leaves = [
        logs.leaf(
            SICHUAN, settlement(f"A{n}", n, insured=("630100", "540100")[n % 3 == 0]), index=n
        )
        for n in range(2_100)
    ]
    for start in range(0, len(leaves), 700):
        logs.add_leaves(SICHUAN, leaves[start : start + 700])
    for size in (0, 1, 1_023, 1_024, 1_025, 2_047, 2_048, 2_049, 2_100):
        total = state.total_at(logs.store, SICHUAN, QINGHAI, size)
        expected = [n for n in range(size) if n % 3]
        fen = sum(a.fen for a in total.values())
        assert (sum(a.entries for a in total.values()), fen) == (len(expected), sum(expected))


def test_a_total_that_an_acceptance_named_ahead_is_pinned_when_the_log_gets_there() -> None:
    logs = Logs()
    leaves = [logs.leaf(SICHUAN, settlement(f"A{n}"), index=n) for n in range(30)]
    logs.add(QINGHAI, acceptance(20))
    logs.add_leaves(SICHUAN, leaves)
    start, total = totals.nearest(logs.store, log_key(SICHUAN), QINGHAI, 20)
    assert (start, total["2017-03"].entries) == (20, 20)


def test_recomputing_the_tables_finds_one_changed_balance() -> None:
    logs = Logs()
    logs.add(SICHUAN, settlement("A1"), reversal("R1", "A1", -400))
    logs.accept(QINGHAI, SICHUAN)
    assert check_store(logs.store, logs.roster) == []
    key = log_key(SICHUAN) + b"C" + QINGHAI.encode()
    value = logs.store.get(DERIVED, key)
    assert value is not None
    logs.store.transact(
        lambda w: w.put(DERIVED, key, value.replace(b"\xcd\x02\x58", b"\xcd\x02\x59"))
    )
    found = check_store(logs.store, logs.roster)
    assert [SICHUAN in f.place for f in found] == [True]


def test_a_store_without_a_log_has_applied_nothing() -> None:
    assert lookup.applied_size(MemoryStore(), SICHUAN) == 0
    assert state.total_at(MemoryStore(), SICHUAN, QINGHAI, 0) == {}
    assert Lines(0, 0, 0, 0) == totals.NOTHING.lines
