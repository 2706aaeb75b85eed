"""What people are shown: tables on narrow terminals, refusals in their own language."""

import io
import re
import sys

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from cli import output
from cli.log import _brief
from cli.output import Sheet, fail, table
from cli.refusalzh import REFUSED
from ledger.errors import FormError, RefusedError, VerificationError
from node.refusal import refused
from settlement.outcome import CLAIM, VOID
from tests.commands import ROOT

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


CODE = re.compile(r"""(?:RefusedError\(|refused\(|^    code =)\s*"([A-Z_]+)\"""", re.MULTILINE)


def test_every_code_that_something_is_refused_with_has_a_meaning_in_chinese() -> None:
    codes = set(VOID)
    for package in ("ledger", "settlement", "node", "cli"):
        for path in (ROOT / package).rglob("*.py"):
            codes |= set(CODE.findall(path.read_text(encoding="utf-8")))
    assert len(codes) > 60
    assert codes - REFUSED.keys() - CLAIM.keys() == set()


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (RefusedError("NOT_DUE", "legs are due on 2017-04-17"), "NOT_DUE （尚未到期）legs are due"),
        (
            FormError("month", "YYYY-MM", "2017"),
            "FORM （格式不符）month：应为 YYYY-MM，实为 2017",
        ),
        (VerificationError("root", 1, 2), "FALSE （核查不符）root：应为 1，实为 2"),
        (refused("DUPLICATE_ID", "A1"), "DUPLICATE_ID 该编号已被占用：请使用新编号: A1"),
    ],
)
def test_what_is_refused_is_said_in_the_language_of_who_asked(
    error: Exception,
    shown: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("GONGZHANG_LANG", "zh")
    with pytest.raises(typer.Exit):
        fail(error, as_json=False)
    assert shown in capsys.readouterr().err
    monkeypatch.setenv("GONGZHANG_LANG", "en")
    with pytest.raises(typer.Exit):
        fail(error, as_json=False)
    assert str(error) in capsys.readouterr().err
