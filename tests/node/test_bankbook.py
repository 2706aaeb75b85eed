"""What the vault keeps of statements: a line is bound once, a payment has one line, always."""

from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import RefusedError
from ledger.memory import MemoryStore
from node import bankbook
from node.bankbook import HAND, SENT_BACK, Binding
from settlement.bankstatement import Line, Statement

DAY = "2017-04-12"
FENS = [5, -5, 7, -7, 5, 9]

steps = st.lists(
    st.one_of(
        st.tuples(st.just("bind"), st.integers(0, 7), st.lists(st.integers(1, 4), max_size=2)),
        st.tuples(st.just("pair"), st.integers(1, 6), st.integers(1, 6)),
        st.tuples(st.just("open"), st.integers(0, 7), st.just(0)),
    ),
    max_size=12,
)


def book() -> MemoryStore:
    store = MemoryStore()
    lines = [Line(DAY, DAY, fen, f"R{place}") for place, fen in enumerate(FENS)]
    statement = Statement("A1234", 1, DAY, DAY, 0, sum(FENS), lines)
    store.transact(lambda writer: bankbook.take(writer, statement))
    return store


@given(steps, st.booleans())
def test_whatever_is_bound_and_opened_no_line_and_no_payment_is_bound_twice(
    made: list[tuple[str, int, object]], wrote: bool
) -> None:
    store = book()
    for what, one, two in made:
        try:
            if what == "bind":
                assert isinstance(two, list)
                ids = [b"o" + bytes([name]) for name in two]
                binding = Binding(HAND, [], ids, 0, wrote, DAY)
                store.transact(lambda w, n=one, b=binding: bankbook.bind(w, n, b))  # type: ignore[misc]
            elif what == "pair":
                assert isinstance(two, int)
                pair = [(one, two), (two, one)]

                def both(writer: object, pair: list[tuple[int, int]] = pair) -> None:
                    for number, other in pair:
                        bankbook.bind(writer, number, Binding(SENT_BACK, [], [], other, False, DAY))  # type: ignore[arg-type]

                store.transact(both)
            else:
                store.transact(lambda w, n=one: bankbook.unbind(w, n))  # type: ignore[misc]
        except RefusedError:
            continue  # nothing of it stays
    held = {item.number: item for item in bankbook.lines(store)}
    bound = [name for item in held.values() if item.binding for name in item.binding.ids]
    assert len(bound) == len(set(bound))
    assert bankbook.bound(store) == frozenset(bound)
    free = [number for number, item in held.items() if item.binding is None]
    assert [number for _, number in bankbook.open_places(store)] == free
    for number, item in held.items():
        if item.binding is not None and item.binding.opposite:
            other = held[item.binding.opposite].binding
            assert other is not None
            assert other.opposite == number
