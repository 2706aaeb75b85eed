"""Rule sets: data with sources; every key checked by name."""

from importlib import resources

import pytest

from ledger.errors import FormError
from node.run import default_ruleset
from settlement.ruleset import MAX_TEXT, parse_ruleset, ruleset_hash

TEXT = default_ruleset()


def test_every_rule_set_that_comes_with_the_program_can_be_read() -> None:
    for path in resources.files("configs").joinpath("rulesets").iterdir():
        if path.name.endswith(".toml"):
            assert parse_ruleset(path.read_bytes()).name + ".toml" == path.name


def test_the_default_nets_through_the_centre_and_says_it_is_a_choice() -> None:
    rules = parse_ruleset(TEXT)
    assert (rules.model, rules.certainty) == ("net_hub", "choice")
    assert all(step.source and step.certainty for step in rules.step)


def test_the_default_says_how_long_a_dispute_may_wait_and_how_sure_that_is() -> None:
    rules = parse_ruleset(TEXT).dispute
    assert (rules.answer_windows, rules.decision_windows, rules.certainty) == (2, 2, "choice")
    assert (rules.fee_check_fen, rules.fee_check_certainty) == (3_000_000, "corroborated")
    assert rules.source
    assert rules.fee_check_source


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        (b'model = "net_hub"', b'model = "barter"', "model"),
        (b'model = "net_hub"', b"", "model"),
        (b"silent_windows = 0", b"silent_windows = 99", "silent_windows"),
        (b"required = 0", b"requires = 0", "requires"),
        (b'certainty = "choice"', b'certainty = "sure"', "certainty"),
        (b"offset = 2", b"offset = -2", "offset"),
        (b"answer_windows = 2", b"answer_windows = 13", "answer_windows"),
        (b"decision_windows = 2", b"decision_windows = -1", "decision_windows"),
        (b"fee_check_fen = 3_000_000", b"fee_check_fen = 30000.5", "fee_check_fen"),
        (b'_certainty = "corroborated"', b'_certainty = "sure"', "fee_check_certainty"),
        (b"[approvals]", b"[approvals", "TOML"),
        (b'name = "', b'name = "\xff', "UTF-8"),
    ],
)
def test_one_wrong_key_is_named(old: bytes, new: bytes, named: str) -> None:
    assert old in TEXT
    with pytest.raises(FormError, match=named):
        parse_ruleset(TEXT.replace(old, new, 1))


def test_a_rule_set_has_a_largest_size_and_a_hash() -> None:
    with pytest.raises(FormError, match="bytes"):
        parse_ruleset(b"#" * (MAX_TEXT + 1))
    assert ruleset_hash(TEXT) != ruleset_hash(TEXT + b"\n")
