"""Statements in the vault: what was stored comes back, and what is open is read from keys alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import encoding
from ledger.errors import DamageError
from ledger.memory import MemoryStore
from node import statements
from node.sealed import SealedStore
from node.statements import Last, Statement
from node.vault import STATEMENT
from settlement.statement import Cell, Difference, SameVisit
from tests.network import SICHUAN, TIBET

DAY = "2017-07-14"
KEYS = st.tuples(st.sampled_from(["310", "390"]), st.sampled_from(["11", "21"]))
TOTALS = st.dictionaries(KEYS, st.builds(Cell, *[st.integers(-9, 9)] * 5), max_size=3)
TEXT = st.text("AB=é参", max_size=3)
STATEMENTS = st.builds(
    Statement,
    day=st.just(DAY),
    code=st.sampled_from([SICHUAN, TIBET]),
    state=st.sampled_from(statements.STATES),
    reason=st.sampled_from(sorted(statements.REASONS)),
    built_ms=st.integers(0, 2**50),
    ours=TOTALS,
    theirs=TOTALS,
    differences=st.lists(
        st.builds(
            Difference,
            st.sampled_from(["AMOUNT", "STATUS"]),
            TEXT,
            st.lists(st.tuples(TEXT, TEXT, TEXT), max_size=2).map(tuple),
        ),
        max_size=2,
    ).map(tuple),
    left_out=st.integers(0, 5),
    visits=st.lists(
        st.builds(
            SameVisit,
            st.just(("A1", "A2")),
            st.sampled_from([(), ("A1",)]),
            st.integers(0, 9),
        ),
        max_size=2,
    ).map(tuple),
)


def kept(statement: Statement) -> tuple[MemoryStore, SealedStore]:
    inner = MemoryStore()
    store = SealedStore(inner, bytes(32))
    store.transact(lambda writer: statements.save(writer, statement))
    return inner, store


@given(STATEMENTS, st.booleans())
def test_a_statement_comes_back_as_it_was(statement: Statement, confirm: bool) -> None:
    if confirm:
        statement = statement.confirm(5, "e\u0301 by telephone")  # stored as one letter
    inner, store = kept(statement)
    with store.read() as reader:
        assert statements.load(reader, statement.code, DAY) == statement
        assert statements.of_day(reader, DAY, (SICHUAN, TIBET)) == [statement]
        assert statements.load(reader, statement.code, "2017-07-15") is None
    value = statements.statement_value(statement)
    assert (value["state"], value["with"]) == (statement.shown_state, statement.code)
    # Who has no key sees which days are open, and nothing else.
    opened = [] if confirm else [(DAY, statement.code, statement.state)]
    assert list(statements.open_statements(inner)) == opened
    store.transact(lambda writer: statements.remove(writer, statement.code, DAY))
    assert list(inner.scan(STATEMENT, b"", b"\xff")) == []


@given(STATEMENTS, STATEMENTS)
def test_a_confirmation_holds_for_what_stood_there_and_nothing_else(
    one: Statement, two: Statement
) -> None:
    confirmed = one.confirm(5, "")
    assert confirmed.stands_confirmed
    other = Statement(**{**vars(two), "code": one.code, "confirmed": confirmed.confirmed})
    same = {**vars(two), "built_ms": 0, "reason": ""} == {
        **vars(one), "code": two.code, "built_ms": 0, "reason": "",
    }  # fmt: skip
    assert other.stands_confirmed == same


def test_a_later_state_replaces_the_one_before() -> None:
    inner, store = kept(Statement(DAY, SICHUAN))
    for state in ("differs", "match", "waiting"):
        statement = Statement(DAY, SICHUAN, state=state)
        store.transact(lambda writer, s=statement: statements.save(writer, s))  # type: ignore[misc]
        assert list(statements.open_statements(inner)) == [(DAY, SICHUAN, state)]


def test_how_far_the_mornings_have_come_is_kept() -> None:
    _, store = kept(Statement(DAY, SICHUAN))
    with store.read() as reader:
        assert statements.load_last(reader) is None
    last = Last(DAY, {TIBET: 5, SICHUAN: 0})
    store.transact(lambda writer: statements.save_last(writer, last))
    with store.read() as reader:
        assert statements.load_last(reader) == last


@pytest.mark.parametrize("value", [[9] + [0] * 9, [1, 2], 5, [1, "match", "", 0, 5, 5, 5, 5, 5, 5]])
def test_a_value_that_is_no_statement_is_damage(value: object) -> None:
    _, store = kept(Statement(DAY, SICHUAN))
    key = (SICHUAN + DAY).encode()
    store.transact(lambda writer: writer.put(STATEMENT, key, encoding.pack(value)))
    with store.read() as reader, pytest.raises(DamageError, match=DAY):
        statements.load(reader, SICHUAN, DAY)
