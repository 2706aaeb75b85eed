"""Logs that grow by any deeds in any order, held against what a book kept by hand says.

Invariants of the design: 3 nets sum to nothing in every model, 4 every original has one state and
is cleared once, 5 a month has one confirmed result, 8 order of arrival does not matter, 9 applying
again changes nothing, 10 a reversal never exceeds what is left, 11 the cities of a province add up
to it. What the batches come to is computed a second time entry by entry (`node.simulation.naive`),
from the definition.
"""

from random import Random
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ledger import log
from ledger.entry import decode_entry, encode_entry
from ledger.memory import MemoryStore
from ledger.table import Writer, log_key
from node.simulation.naive import Drawn, naive_cleared
from settlement import batch as batches
from settlement import lookup, netting, obligation, state
from settlement.close import confirmed_closes
from settlement.party import CENTRE
from settlement.period import next_month
from settlement.recheck import check_store
from settlement.record import (
    Acceptance,
    Dispute,
    DisputeAnswer,
    DisputeRuling,
    Escalation,
    Exempt,
    Lines,
    Record,
    Release,
    Withdrawal,
)
from settlement.subclearing import cities_of, city_legs
from settlement.totals import NOTHING, add_all
from tests.network import QINGHAI, SICHUAN, TIBET, Logs, reversal, settlement
from tests.published import attest, propose

CODES = (SICHUAN, TIBET, QINGHAI)
FIRST = "2017-03"
STATES = {"cleared", "not_due", "carried", "disputed", "reversed", "void"}
# What an original may be after it was something: what binds once binds for good.
AFTER = {
    "cleared": {"cleared", "reversed"}, "reversed": {"reversed"},
    "carried": STATES - {"not_due", "void"}, "disputed": STATES - {"not_due", "void", "carried"},
    "not_due": STATES - {"void"}, "void": {"void"},
}  # fmt: skip
PAIRS = st.sampled_from([(d, c) for d in CODES for c in CODES if d != c])
FEN = st.sampled_from([750, 500, 250, 0])
SHORT = st.sampled_from([0, 0, 0, 1])  # entries at the end of a log that an acceptance leaves out


class Clearing(RuleBasedStateMachine):
    """Three provinces and the centre; a deed is an entry or a handful of them."""

    def __init__(self) -> None:
        super().__init__()
        self.logs = Logs(CODES)
        self.month = FIRST  # the one that is not confirmed yet
        self.count = 0
        # (creditor, index) -> debtor, month, what is left of it
        self.originals: dict[tuple[str, int], tuple[str, str, int]] = {}
        self.accepted: dict[tuple[str, str], int] = {}
        self.drawn: list[Drawn] = []
        self.results: dict[str, bytes] = {}
        self.cleared: dict[tuple[str, str], tuple[int, ...]] = {}
        self.states: dict[tuple[str, int], str] = {}
        self.void: set[tuple[str, int]] = set()

    @property
    def later(self) -> str:
        """The month after the open one."""
        return next_month(self.month)

    def some(self, pick: int) -> tuple[str, int] | None:
        """Return one of the originals, of the accepted ones if there are any."""
        places = sorted(self.originals)
        taken = [p for p in places if p[1] < self.accepted.get((self.originals[p][0], p[0]), 0)]
        among = taken or places
        return among[pick % len(among)] if among else None

    def add(self, code: str, record: Record) -> str | None:
        """Enter a record; keep in mind where one counts nowhere."""
        place = code, self.logs.size(code)
        said = self.logs.add(code, record)
        if said is not None:
            self.void.add(place)
        return said

    # --- cases -----------------------------------------------------------------------------------

    @rule(pair=PAIRS, fen=FEN, ahead=st.booleans())
    def settle(self, pair: tuple[str, str], fen: int, ahead: bool) -> None:
        """A case of this month or of the next one."""
        debtor, creditor = pair
        self.count += 1
        month = self.later if ahead else self.month
        record = settlement(
            f"S{self.count}", fen, month=month, treated=area(creditor, self.count),
            insured=area(debtor, self.count // 2),
        )  # fmt: skip
        place = creditor, self.logs.size(creditor)
        assert self.add(creditor, record) is None
        self.originals[place] = debtor, month, fen

    @rule(pick=st.integers(0, 99), fen=FEN, ahead=st.booleans())
    def take_back(self, pick: int, fen: int, ahead: bool) -> None:
        """A refund, perhaps of more than is left or earlier than its original."""
        place = self.some(pick)
        if place is None:
            return
        creditor, index = place
        debtor, born, left = self.originals[place]
        original: Any = lookup.entry_at(self.logs.store, creditor, index)[1]
        self.count += 1
        month = self.later if ahead else self.month
        record = reversal(
            f"R{self.count}", original.setl_id, -fen, month=month,
            treated=original.treatment_area, insured=original.insured_area,
        )  # fmt: skip
        said = self.add(creditor, record)
        expected = "MONTH" if month < born else "EXCEEDS" if fen > left else None
        assert said == expected
        if said is None:
            self.originals[place] = debtor, born, left - fen

    @rule(pick=st.integers(0, 99))
    def settle_twice(self, pick: int) -> None:
        """The same id again counts nowhere."""
        place = self.some(pick)
        if place is not None:
            record = lookup.entry_at(self.logs.store, *place)[1]
            assert self.add(place[0], record) == "DUPLICATE"

    # --- acceptance and disputes -----------------------------------------------------------------

    @rule(pair=PAIRS, short=SHORT, but=st.sets(st.integers(0, 3), max_size=2))
    def accept(self, pair: tuple[str, str], short: int, but: set[int]) -> None:
        """A prefix, all of it or nearly, with exceptions."""
        debtor, creditor = pair
        before, size = self.accepted.get(pair, 0), max(self.logs.size(creditor) - short, 1)
        if size > self.logs.size(creditor):
            return
        mine = [
            index
            for (code, index), (owes, _, _) in sorted(self.originals.items())
            if code == creditor and owes == debtor and before <= index < size
        ]
        named = [index for number, index in enumerate(mine) if number in but]
        head = self.logs.head(creditor, size)
        excepted = [Exempt(index, "NO_FILE") for index in named]
        said = self.add(debtor, Acceptance(creditor, head.size, head.root, excepted, []))
        if size > before:
            assert said is None
            self.accepted[pair] = size
        else:
            assert said in ("ORDER", "DUPLICATE")

    @rule(pick=st.integers(0, 99), what=st.sampled_from(["rule", "dispute", "answer", "release"]))
    def quarrel(self, pick: int, what: str) -> None:
        """Whoever may say something of an original says it; void or not, all agree what it does."""
        place = self.some(pick)
        if place is None:
            return
        creditor, index = place
        debtor = self.originals[place][0]
        match what:
            case "dispute":
                self.add(debtor, Dispute(creditor, index, "PRICE", b"", []))
            case "answer":
                self.add(creditor, DisputeAnswer(debtor, index, b"", "it is right", []))
            case "release":
                self.add(debtor, Release(creditor, [index], []))
            case _:
                self.add(debtor, Dispute(creditor, index, "PRICE", b"", []))
                self.add(debtor, Escalation(creditor, debtor, index, "hear us"))
                outcome = ("release", "split", "uphold", "split")[pick % 4]
                part = Lines(100 if outcome == "split" else 0, 0, 0, 0)
                ruling = DisputeRuling(creditor, debtor, index, outcome, part, "heard", [])
                self.add(CENTRE, ruling)

    @rule(pair=PAIRS, pick=st.integers(0, 99), what=st.sampled_from(["rule", "dispute", "answer"]))
    def quarrel_and_close(self, pair: tuple[str, str], pick: int, what: str) -> None:
        """A case is entered and excepted, somebody says something, and the month ends.

        Left to chance alone this would hardly ever happen in a row.
        """
        self.settle(pair, 750, ahead=False)
        self.accept(pair, 0, {0})
        self.quarrel(pick, what)
        self.close(again=False)

    # --- the month -------------------------------------------------------------------------------

    @rule(again=st.booleans())
    def close(self, again: bool) -> None:
        """Propose, perhaps withdraw and propose again; attest; confirm."""
        logs = self.logs
        for _ in range(2 if again else 1):
            found = batches.latest_batch(logs.store, logs.roster, self.month)
            if found is not None:
                digest = found.proposal_hash
                withdrawal = Withdrawal(self.month, found.revision, digest, "again", [])
                assert logs.add(CENTRE, withdrawal) is None
            cut = logs.cut()
            size = logs.size(CENTRE)
            result = batches.compute(logs.store, logs.roster, self.month, cut, size)
            propose(logs, self.month, cut, result)
        attest(logs, self.month)
        self.confirmed(cut, size, result)
        self.month = self.later

    def confirmed(self, cut: Any, size: int, result: batches.Result) -> None:
        """Hold a month that has just been confirmed against the book."""
        self.results[self.month] = result.hash
        assert sum(result.nets.values()) == 0
        money = {pair: amounts.lines for pair, amounts in result.pairs.items()}
        for model in netting.MODELS:
            legs = netting.legs(model, money, CODES)
            assert netting.net_of_legs(legs, CODES) == result.nets
        self.drawn.append(Drawn(self.month, cut, size))
        for pair, amounts in result.pairs.items():
            before = self.cleared.get(pair, (0, 0, 0, 0))
            self.cleared[pair] = tuple(a + b for a, b in zip(before, amounts[1:], strict=True))
        together = {pair: sums for pair, sums in self.cleared.items() if any(sums)}
        assert together == naive_cleared(self.logs.store, self.drawn, self.void)
        self.one_state_each()
        self.cities_add_up(result)

    def cities_add_up(self, result: batches.Result) -> None:
        """What the cities of each province owe and are owed is what the province is and does."""
        for code in CODES:
            cities, _ = cities_of(self.logs.store, self.logs.roster, self.month, code)
            assert sum(cities.nets.values()) == result.nets[code]
            for other in CODES:
                pair = result.pairs.get((code, other), NOTHING)
                owed = [a for (_, o), a in cities.owes.items() if o == other]
                assert add_all(owed) == pair
            for model in netting.MODELS:
                due = [leg.due for leg in city_legs(cities, model)]
                assert netting.net_of_legs(due, cities.codes) == cities.nets

    def one_state_each(self) -> None:
        """Every original has one state, and none comes back from where it was cleared."""
        closes = confirmed_closes(self.logs.store)
        sums: dict[tuple[str, str], int] = {}
        for place in self.originals:
            found = obligation.original_state(self.logs.store, closes, *place)
            assert found in AFTER[self.states.get(place, "not_due")]
            self.states[place] = found
            if found in ("cleared", "reversed"):
                pair = self.originals[place][0], place[0]
                sums[pair] = sums.get(pair, 0) + 1
        assert all(self.accepted[pair] > 0 for pair in sums)

    @precondition(lambda self: self.results)
    @rule()
    def confirm_again(self) -> None:
        """A month that is confirmed is neither proposed nor confirmed once more."""
        month = max(self.results)
        index = lookup.find(self.logs.store, CENTRE, batches.Confirmation, lookup.month_key(month))
        assert index is not None
        record = lookup.entry_at(self.logs.store, CENTRE, index)[1]
        assert self.add(CENTRE, record) == "DUPLICATE"
        proposal = lookup.proposal_of(self.logs.store, month, 1)
        assert proposal is not None
        assert self.add(CENTRE, proposal[0]) == "DUPLICATE"

    @invariant()
    def confirmed_results_stay(self) -> None:
        """Whatever is written later, the last confirmed month comes to what it came to."""
        if self.results:
            month = max(self.results)
            revision = batches.latest_batch(self.logs.store, self.logs.roster, month)
            assert revision is not None
            assert revision.state == "CONFIRMED"
            assert revision.proposal.result_hash == self.results[month]

    def teardown(self) -> None:
        """The same entries in another order mean the same, and nothing is left over."""
        copy = shuffled(self.logs, Random(self.count))
        for month, digest in self.results.items():
            found = batches.latest_batch(copy, self.logs.roster, month)
            assert found is not None
            again = batches.result_of(copy, self.logs.roster, month, found.revision)
            assert again.hash == digest
        assert check_store(copy, self.logs.roster) == []
        for code in self.logs.roster.codes:
            for leaf in log.leaves(copy, log_key(code), 0, log.size(copy, log_key(code))):
                assert encode_entry(decode_entry(leaf)) == leaf


def area(code: str, number: int) -> str:
    """Return one of two cities of a province, or the province itself."""
    return (f"{code[:2]}0100", f"{code[:2]}0200", code)[number % 3]


def shuffled(logs: Logs, chance: Random) -> MemoryStore:
    """Return a copy that got the entries one by one, from a log drawn by chance each time."""
    copy, at = MemoryStore(), dict.fromkeys(logs.roster.codes, 0)
    while waiting := [code for code in sorted(at) if at[code] < logs.size(code)]:
        code = chance.choice(waiting)
        leaf = log.leaf(logs.store, log_key(code), at[code])

        def change(writer: Writer, code: str = code, leaf: bytes = leaf) -> None:
            log.append(writer, log_key(code), [leaf], at[code])
            state.apply(writer, logs.roster, code, [leaf])

        copy.transact(change)
        at[code] += 1
    return copy


TestClearing = Clearing.TestCase
TestClearing.settings = settings(max_examples=20, stateful_step_count=25)
