"""Tables on narrow terminals: words fold, amounts stay whole."""

import io
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from cli import output
from cli.log import _brief
from cli.output import Sheet, table

AMOUNTS = ("224,253.66", "-1,304,644,010.01")


def drawn(shown: Sheet, width: int, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return what a terminal of so many cells is sent."""
    target = io.StringIO()
    monkeypatch.setattr(sys, "stdout", target)
    monkeypatch.setattr(output, "_width", lambda stream: width)
    output.out().print(shown)
    return target.getvalue()


def example(width: int) -> Sheet:
    shown = table(
        "Participants, yuan",
        [
            ("who it is", "left"),
            ("as it is", "right"),
            ("supposed, yuan", "right"),
            ("状态", "left"),
        ],
        [
            ["510000 Sichuan", *AMOUNTS, "已到账，无须处理，请勿重复登记该笔款项"],
            ["100000 National Centre", "0.00", "0.00", "a" * 64],
        ],
    )
    assert isinstance(shown, Sheet)
    return shown


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 200])
def test_no_amount_and_no_word_is_ever_cut_off(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    text = drawn(example(width), width, monkeypatch)
    assert "…" not in text
    for amount in AMOUNTS:
        assert amount in text, text
    for word in ("510000", "Sichuan", "National", "Centre", "supposed,"):
        assert word in text, text
    assert text.count("a") >= 64


def test_a_table_that_can_fold_fits_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    text = drawn(example(80), 80, monkeypatch)
    widths = {Console().measure(line).maximum for line in text.splitlines()}
    assert max(widths) <= 80, text


def test_a_pipe_gets_every_row_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    output.out().print(example(0))
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("│")]
    assert len(rows) == 2
    assert "a" * 64 in rows[1]


@given(st.integers(1, 200), st.integers(-(2**53), 2**53))
def test_every_amount_is_whole_at_every_width(width: int, fen: int) -> None:
    target = io.StringIO()
    amount = output.yuan(fen)
    shown = table("x", [("who", "left"), ("yuan", "right")], [["630000 Qinghai", amount]])
    Console(file=target, width=width).print(shown, crop=False)
    assert amount in target.getvalue()


def test_a_log_shows_amounts_and_dates_whole() -> None:
    body = {"month": "2017-03", "key": "a" * 64, "fen": 9_007_199_254_740_991, "date": "2017-04-17"}
    shown = _brief(body | {"reference": "B17", "purpose": "clearing", "payee": "100000"})
    assert f"key={'a' * 24}…" in shown
    assert "fen=9007199254740991 date=2017-04-17" in shown
    assert shown.endswith("payee=100000")
