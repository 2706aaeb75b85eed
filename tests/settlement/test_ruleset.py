"""Rule sets: data with sources; every key checked by name; nothing surer than its source."""

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from ledger.errors import FormError
from node.run import default_ruleset
from settlement import shipped
from settlement.ruleset import MAX_TEXT, parse_ruleset, ruleset_hash
from settlement.terms import ACTOR, CERTAINTY, EVENT
from tests.goldenfiles import RULESET as FIRST

TEXT = default_ruleset()
NATIONAL = shipped.ruleset("national-2022")

ALL = pytest.mark.parametrize("name", shipped.rulesets())


def test_four_rule_sets_come_with_the_program() -> None:
    assert shipped.rulesets() == [
        "interprovince-net", "jiangsu-2017", "national-2016", "national-2022",
    ]  # fmt: skip
    with pytest.raises(FormError, match="jiangsu-2017"):
        shipped.ruleset("jiangsu")


@ALL
def test_every_rule_set_that_comes_with_the_program_can_be_read(name: str) -> None:
    rules = parse_ruleset(shipped.ruleset(name))
    assert rules.name == name
    assert all(step.event in EVENT and step.actor in ACTOR for step in rules.step)


def test_the_default_nets_through_the_centre_and_says_it_is_a_choice() -> None:
    rules = parse_ruleset(TEXT)
    assert (rules.name, rules.model, rules.certainty) == ("interprovince-net", "net_hub", "choice")


def test_the_models_are_the_ones_of_the_rules() -> None:
    models = {name: parse_ruleset(shipped.ruleset(name)).model for name in shipped.rulesets()}
    assert models == {
        "interprovince-net": "net_hub",
        "jiangsu-2017": "net_hub",
        "national-2016": "gross_pair",
        "national-2022": "gross_pair",
    }


def test_a_rule_set_of_the_first_form_is_still_one() -> None:
    rules = parse_ruleset(FIRST.read_bytes())
    assert (rules.deadlines.on_holiday, rules.quorum.formula) == ("stay", "byzantine")
    assert (rules.prepayment, rules.late) == (None, None)
    assert [step.event for step in rules.step][-1] == "distribute"


# --- every value has a source, and is not surer than it ------------------------------------------


def tables(table: dict[str, Any], place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every table of a file that has values of its own."""
    if any(not isinstance(value, dict | list) for value in table.values()):
        yield place or "the top", table
    for key, value in table.items():
        for below in value if isinstance(value, list) else [value]:
            if isinstance(below, dict):
                yield from tables(below, f"{place}.{key} {below.get('event', '')}".strip(". "))


@ALL
def test_every_value_says_where_it_is_from_and_how_sure_it_is(name: str) -> None:
    found = list(tables(tomllib.loads(shipped.ruleset(name).decode())))
    assert len(found) > 12
    for place, table in found:
        assert table.get("source"), place
        assert table.get("certainty") in CERTAINTY, place
        if table["source"].startswith(("none", "no rule")):
            assert table["certainty"] == "choice", place


def test_no_value_of_the_national_rules_looks_official() -> None:
    for name in ("national-2016", "national-2022"):
        for place, table in tables(tomllib.loads(shipped.ruleset(name).decode())):
            assert table["certainty"] != "official", place
    found = dict(tables(tomllib.loads(NATIONAL.decode())))
    assert found["step remit"]["certainty"] == "memory"
    assert found["prepayment.quota"]["certainty"] == "memory"
    assert found["prepayment.alert"]["certainty"] == "corroborated"


# --- faults --------------------------------------------------------------------------------------


def test_the_default_says_how_long_a_dispute_may_wait_and_how_sure_that_is() -> None:
    rules = parse_ruleset(TEXT).dispute
    assert (rules.answer_windows, rules.decision_windows, rules.certainty) == (2, 2, "choice")
    assert (rules.fee_check.above_fen, rules.fee_check.certainty) == (3_000_000, "corroborated")
    assert rules.source
    assert rules.fee_check.source


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('model = "net_hub"', 'model = "barter"', "model"),
        ('model = "net_hub"', "", "model"),
        ("silent_windows = 0", "silent_windows = 99", "silent_windows"),
        ("required = 0", "requires = 0", "requires"),
        ('certainty = "choice"', 'certainty = "sure"', "certainty"),
        ('formula = "byzantine"', 'formula = "majority"', "quorum.formula"),
        ('"next_working_day"', '"day_before"', "deadlines.on_holiday"),
        ("months = 2\n", "", "months"),
        ("months = 2\n", "months = 13\n", "quota.months"),
        ('basis = "past_years"', 'basis = "a guess"', "quota.basis"),
        ("yellow_percent = 70", "yellow_percent = 0", "yellow_percent"),
        ("yellow_percent = 70", "yellow_percent = 95", "yellow_percent"),
        ("yellow_off_percent = 65", "yellow_off_percent = 71", "yellow_off_percent"),
        ("red_off_percent = 85", "red_off_percent = 91", "red_off_percent"),
        ("closes = 2", "closes = 25", "late.closes"),
        ("closes = 2", "batches = 2", "batches"),
        ("offset = 2\n", "offset = -2\n", "offset"),
        ("offset = 2\n", "offset = 0\n", "offset.*propose"),
        ("offset = 2\n", "offset = 29\n", "offset.*propose"),
        ('unit = "at_once"', 'unit = "month_end"', "unit.*record"),
        ('unit = "at_once"', 'unit = "moon"', "unit"),
        ('anchor = "next_month"', 'anchor = "next_moon"', "anchor"),
        ('anchor = "day"\noffset = 0', 'anchor = "day"\noffset = 3', "offset.*record"),
        ('anchor = "next_month"\noffset = 1\n', 'anchor = "year"\noffset = 13\n', "offset.*final"),
        ('actor = "payer"', 'actor = "anybody"', "actor"),
        ('actor = "payer"', 'actor = "payer"\nlate = "forgiven"', "late"),
        ('actor = "payer"', 'actor = "payer"\nonly = "sometimes"', "only"),
        ('event = "attest"', 'event = "propose"', "event propose once"),
        ("[approvals]", "[approvals", "TOML"),
        ('name = "', 'name = "\x00', "TOML"),
        ("answer_windows = 2", "answer_windows = 13", "answer_windows"),
        ("decision_windows = 2", "decision_windows = -1", "decision_windows"),
        ("above_fen = 3_000_000", "above_fen = 30000.5", "above_fen"),
    ],
)
def test_one_wrong_key_is_named(old: str, new: str, named: str) -> None:
    text = TEXT.decode()
    assert old in text
    with pytest.raises(FormError, match=named):
        parse_ruleset(text.replace(old, new, 1).encode())


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('event = "confirm"', 'event = "agree"', "event confirm .* apply"),
        ('event = "attest"', 'event = "agree"', "event attest .* request"),
        (
            'event = "confirm"\nanchor = "next_month"',
            'event = "confirm"\nanchor = "attest"',
            "confirm with a date in the month",
        ),
    ],
)
def test_what_is_counted_from_a_step_needs_that_step(old: str, new: str, named: str) -> None:
    text = NATIONAL.decode()
    assert old in text
    with pytest.raises(FormError, match=named):
        parse_ruleset(text.replace(old, new, 1).encode())


def test_a_rule_set_has_a_largest_size_and_a_hash() -> None:
    with pytest.raises(FormError, match="bytes"):
        parse_ruleset(b"#" * (MAX_TEXT + 1))
    with pytest.raises(FormError, match="UTF-8"):
        parse_ruleset(TEXT.replace(b'name = "', b'name = "\xff', 1))
    assert ruleset_hash(TEXT) != ruleset_hash(TEXT + b"\n")
