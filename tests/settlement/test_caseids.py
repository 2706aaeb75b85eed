"""Case ids in groups: what is found, how they lie, and how little room they take."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import DamageError
from ledger.memory import MemoryStore
from ledger.table import DERIVED, Writer, log_key
from settlement import caseids
from settlement.caseids import CaseIds, find
from tests.network import SICHUAN, Logs, reversal, settlement

KEY = log_key(SICHUAN)
LETTERS = "ABab01._-"


def entered(ids: list[str], step: int) -> MemoryStore:
    """Return a store to which so many ids at a time have been given, in this order."""
    store = MemoryStore()
    for start in range(0, len(ids), step):

        def change(writer: Writer, start: int = start) -> None:
            cases = CaseIds(writer, KEY)
            for index, case_id in enumerate(ids[start : start + step], start):
                assert cases.find(case_id) is None
                assert cases.claim(case_id, index) is None
                assert cases.claim(case_id, index + 1) == index  # whoever comes second
            cases.write(writer)

        store.transact(change)
    return store


@given(
    st.lists(st.text(LETTERS, min_size=1, max_size=7), max_size=60, unique=True),
    st.integers(1, 60),
    st.integers(1, 5),
)
def test_every_id_is_found_and_no_other(ids: list[str], step: int, full: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(caseids, "FULL", full)
        store = entered(ids, step)
        for index, case_id in enumerate(ids):
            assert find(store, KEY, case_id) == index
            for other in (case_id + "x", "x" + case_id, case_id[:-1], case_id[1:]):
                assert find(store, KEY, other) == (ids.index(other) if other in ids else None)
        assert entered(ids, 1).snapshot() == store.snapshot()


def test_ids_that_follow_each_other_share_values_and_cost_ten_bytes() -> None:
    ids = [f"A5101001703{n:09d}" for n in range(20_000)]
    store = entered(ids, 4_096)
    stored = list(store.scan(DERIVED, KEY, KEY + b"\xff" * 80))
    assert len(stored) == 20
    assert sum(len(key) + len(value) for key, value in stored) < 10 * len(ids)


def test_no_group_grows_beyond_a_thousand_rows() -> None:
    letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    ids = [f"P{a}{b}{c}" for a in letters for b in letters for c in letters[:9]]
    assert len(ids) > 10 * caseids.FULL
    store = entered(ids, 1_000)
    longest = max(len(value) for _, value in store.scan(DERIVED, KEY, KEY + b"\xff" * 80))
    assert longest == caseids.FULL * 9
    assert [find(store, KEY, case_id) for case_id in ids] == list(range(len(ids)))


def test_more_than_memory_shall_hold_is_written_in_between() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(caseids, "HELD", 2)
        patch.setattr("settlement.totals.CHUNK", 4)
        logs = Logs()
        leaves = [logs.leaf(SICHUAN, settlement(f"{n}AAAA"), index=n) for n in range(20)]
        assert logs.add_leaves(SICHUAN, leaves) == [None] * 20
        again = logs.leaf(SICHUAN, settlement("0AAAA", 5), index=20)
        assert logs.add_leaves(SICHUAN, [again]) == ["DUPLICATE"]
    plain = Logs()
    plain.add_leaves(SICHUAN, leaves)
    for n in range(20):
        assert find(logs.store, KEY, f"{n}AAAA") == find(plain.store, KEY, f"{n}AAAA") == n


def test_a_reversal_finds_an_original_of_the_same_portion() -> None:
    logs = Logs()
    portion = [settlement("A1"), reversal("R1", "A1", -400), settlement("R1"), settlement("A2")]
    leaves = [logs.leaf(SICHUAN, record, index=n) for n, record in enumerate(portion)]
    assert logs.add_leaves(SICHUAN, leaves) == [None, None, "DUPLICATE", None]
    assert find(logs.store, KEY, "R1") == 1


@pytest.mark.parametrize("value", [b"x", b"x" * 10])
def test_a_value_that_is_no_rows_is_damage(value: bytes) -> None:
    store = MemoryStore()
    store.transact(lambda w: w.put(DERIVED, KEY + caseids.FAMILY + b"A5\x03", value))
    with pytest.raises(DamageError, match="rows of 9 bytes"):
        find(store, KEY, "A5001")
