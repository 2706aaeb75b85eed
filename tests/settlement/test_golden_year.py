"""The golden year: the example data cleared month by month under every rule set.

Everything it comes to is held against sums by `csv` and whole numbers alone (`tests.independent`).
"""

from collections import Counter, defaultdict
from functools import cache
from random import Random
from typing import Any

import pytest

from ledger import log
from ledger.hashing import hash_bytes
from ledger.memory import MemoryStore
from ledger.table import Writer, log_key
from settlement import batch as batches
from settlement import shipped, state
from settlement.casefile import record_of
from settlement.close import confirmed_closes
from settlement.importing import read_records
from settlement.lookup import confirmed_proposals, find_settlement
from settlement.netting import MODELS, legs, net_of_legs
from settlement.obligation import original_state
from settlement.party import CENTRE, province_of
from settlement.period import months_between
from settlement.record import Settlement
from settlement.report import month_report
from settlement.ruleset import parse_ruleset
from settlement.year import compute_year
from tests.commands import EXAMPLE
from tests.independent import independent
from tests.network import Logs
from tests.settlement.test_year import certified

YEAR = months_between("2017-03", "2017-12")
RULESETS = shipped.rulesets()


@cache
def records() -> dict[str, dict[str, list[Any]]]:
    """Return what every province enters in every month, and with it who takes part."""
    found: dict[str, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    plan = read_records(EXAMPLE.read_bytes())
    assert plan.faults == []
    for _, row in plan.rows:
        record = record_of(row, hash_bytes(row.setl_id.encode()))
        found[record.month][province_of(record.treatment_area)].append(record)
    return found


@cache
def parties() -> tuple[str, ...]:
    return tuple(sorted({c for month in independent().values() for c in month["nets"]}))


@cache
def year_of(ruleset: str) -> Logs:
    """Return the logs of a year that was cleared under a rule set; nobody writes to them."""
    logs = Logs(parties(), ruleset=shipped.ruleset(ruleset))
    for month in YEAR:
        owed = set()
        for code, mine in sorted(records()[month].items()):
            start = logs.size(code)
            leaves = [logs.leaf(code, r, index=i) for i, r in enumerate(mine, start)]
            assert not any(logs.add_leaves(code, leaves))
            owed |= {(province_of(r.insured_area), code) for r in mine}
        for debtor, creditor in sorted(owed):
            assert logs.accept(debtor, creditor) is None
        certified(logs, month)
    return logs


def test_all_rule_sets_and_all_models_are_here() -> None:
    models = {parse_ruleset(shipped.ruleset(name)).model for name in RULESETS}
    assert len(RULESETS) == 4
    assert models <= set(MODELS)
    assert {"gross_pair", "net_hub"} <= models
    assert list(independent()) == YEAR


@pytest.mark.parametrize("name", RULESETS)
def test_every_month_comes_to_the_independent_sums_in_every_model(name: str) -> None:
    logs, expected = year_of(name), independent()
    for month in YEAR:
        report = month_report(logs.store, logs.roster, month)
        assert report is not None
        assert (report["state"], report["carried"]) == ("FINAL", 0)
        assert report["model"] == parse_ruleset(shipped.ruleset(name)).model
        assert report["entries"] == expected[month]["entries"]
        pairs = {pair: fen for pair, fen in expected[month]["pairs"].items() if fen}
        assert report["pairs_fen"] == pairs
        nets = {code: expected[month]["nets"].get(code, 0) for code in parties()}
        assert report["nets_fen"] == nets
        result = batches.result_of(logs.store, logs.roster, month, 1)
        money = {pair: amounts.lines for pair, amounts in result.pairs.items()}
        for model in MODELS:
            assert net_of_legs(legs(model, money, parties()), parties()) == nets


@pytest.mark.parametrize("name", RULESETS)
def test_the_year_ties_out_and_nothing_is_left_open(name: str) -> None:
    logs, months = year_of(name), independent().values()
    result = compute_year(logs.store, logs.roster, 2017, logs.size(CENTRE))
    assert [closed.month for closed in result.months] == YEAR
    sums = sum((Counter(month["pairs"]) for month in months), Counter())
    assert sum(a.fen for a in result.pairs.values()) == sum(
        fen for month in months for fen in month["pairs"].values()
    )
    assert {pair for pair, a in result.pairs.items() if a.fen > 0} == {
        tuple(pair.split(">")) for pair in sums
    }
    assert result.nets == {
        code: sum(month["nets"].get(code, 0) for month in months) for code in parties()
    }
    assert sum(a.entries for a in result.pairs.values()) == sum(m["entries"] for m in months)
    assert result.open == {}


@pytest.mark.parametrize("name", RULESETS)
def test_every_original_is_cleared_or_reversed_by_the_end_of_the_year(name: str) -> None:
    logs = year_of(name)
    closes = confirmed_closes(logs.store)
    states: Counter[str] = Counter()
    for mine in records().values():
        for code, some in mine.items():
            for record in some:
                index = find_settlement(logs.store, code, record.setl_id)
                assert index is not None
                if isinstance(record, Settlement):
                    states[original_state(logs.store, closes, code, index)] += 1
    assert states.keys() == {"cleared", "reversed"}


def test_every_node_makes_the_same_documents_of_a_year_whatever_reached_it_first() -> None:
    documents = set()
    for seed, name in enumerate(RULESETS):
        logs = year_of(name)
        copy, size = replica(logs, Random(seed)), logs.size(CENTRE)
        year = compute_year(copy, logs.roster, 2017, size)
        assert year.hash == compute_year(logs.store, logs.roster, 2017, size).hash
        for closed in confirmed_proposals(logs.store)[-2:]:
            mine = batches.result_of(copy, logs.roster, closed[0].month, 1)
            assert mine.hash == closed[0].result_hash
        documents.add(year.hash)
    assert len(documents) == len(RULESETS)  # the months' certificates are part of the document


def replica(logs: Logs, chance: Random) -> MemoryStore:
    """Return a copy of all logs that grew by turns, in an order drawn by `chance`."""
    copy = MemoryStore()
    at = dict.fromkeys(logs.roster.codes, 0)
    while at:
        code = chance.choice(sorted(at))
        start, size = at[code], logs.size(code)
        stop = min(size, start + chance.randint(1, 400))
        leaves = list(log.leaves(logs.store, log_key(code), start, stop))

        def change(
            writer: Writer, code: str = code, start: int = start, leaves: list[bytes] = leaves
        ) -> None:
            log.append(writer, log_key(code), leaves, start)
            state.apply(writer, logs.roster, code, leaves)

        copy.transact(change)
        at[code] = stop
        if stop == size:
            del at[code]
    return copy
