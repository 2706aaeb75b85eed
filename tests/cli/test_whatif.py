"""`gongzhang batch whatif` on a home whose node is down: what it prints and what it refuses."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from cli.supposed import show
from cli.whatif import report
from settlement.whatif import Supposition, basis_of, suppose
from tests.cleared import Cleared
from tests.network import QINGHAI, SICHUAN
from tests.settlement.test_whatif import held, made

SHAANXI = "610000"


def run(home: Path, month: str, *options: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["batch", "whatif", month, "--home", str(home), *options])
    return done.exit_code, done.stdout, done.stderr


def as_json(home: Path, month: str, *options: str) -> Any:
    code, text, _ = run(home, month, *options, "--json")
    assert code == 0, text
    return json.loads(text)


def test_the_real_month_stands_beside_the_supposed_one(cleared: Cleared) -> None:
    home = cleared.home / QINGHAI
    found = as_json(home, "2017-04", "--largest-fails", "--quota", "50")
    month = cleared.report["months"][1]
    assert (found["month"], found["revision"]) == ("2017-04", 1)
    assert found["real"]["nets_fen"] == month["nets_fen"] == found["whatif"]["nets_fen"]
    assert found["supposed"]["fails"] == [QINGHAI]
    assert {item["code"]: item["fen"] for item in found["short"]} == {
        SICHUAN: month["nets_fen"][SICHUAN], SHAANXI: month["nets_fen"][SHAANXI],
    }  # fmt: skip
    assert found["quota_from"] == ["2017-03"]
    mine = found["participants"][QINGHAI]
    assert (mine["pays_fen"], mine["whatif_pays_fen"]) == (-month["nets_fen"][QINGHAI], 0)


def test_a_silent_node_takes_its_pairs_out_of_the_month(cleared: Cleared) -> None:
    found = as_json(cleared.home / QINGHAI, "2017-04", "--silent", SICHUAN)
    pair = cleared.report["months"][1]["pairs_fen"][f"{QINGHAI}>{SICHUAN}"]
    assert [(row["debtor"], row["creditor"], row["fen"]) for row in found["deferred"]] == [
        (QINGHAI, SICHUAN, pair)
    ]
    assert found["whatif"]["carried"] == found["deferred"][0]["entries"]


def test_a_month_that_is_not_proposed_has_the_cut_of_now(cleared: Cleared) -> None:
    code, text, said = run(cleared.home / QINGHAI, "2017-05", "--model", "gross_pair")
    assert code == 0
    assert "as it would be drawn now" in said
    assert "gross_pair" in text


def test_it_speaks_chinese(cleared: Cleared, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GONGZHANG_LANG", "zh")
    code, text, said = run(
        cleared.home / QINGHAI,
        "2017-04",
        "--two-largest-fail",
        "--quota",
        "25",
        "--silent",
        SICHUAN,
    )
    assert code == 0
    for shown in ("各参与方", "资金划拨", "留待以后批次", "少收明细", "预付金（元）"):
        assert shown in text
    assert "分文未付：630000 青海省" in said


@pytest.mark.parametrize("language", ["en", "zh"])
def test_it_says_whether_prepayments_are_those_held_or_supposed(
    language: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GONGZHANG_LANG", language)
    what = Supposition(fails=(QINGHAI,), quota_cut=50)
    for logs, chosen in ((held(800), "held"), (made(), "batches")):
        basis = basis_of(logs.store, logs.roster, "2017-04", logs.cut())
        value = report(suppose(logs.store, logs.roster, basis, what), what)
        assert value["prepaid_from"] == chosen
        show(value)
        printed = capsys.readouterr()
        said, other = {
            "en": ("held at the cut", "nothing was ever prepaid"),
            "zh": ("截止点时持有额", "截止点前从未有预付金"),
        }[language]
        assert (said in printed.out) == (chosen == "held")
        assert (other in printed.err) == (chosen == "batches")


@pytest.mark.parametrize(
    ("month", "options", "code", "shown"),
    [
        ("2017-04", [], 2, "something to suppose"),
        ("2017-04", ["--fails", "990000"], 2, "990000"),
        ("2017-04", ["--model", "net_star"], 2, "net_star"),
        ("2017-04", ["--quota", "101"], 2, "less than or equal to 100"),
        ("2017-4", ["--largest-fails"], 2, "YYYY-MM"),
        ("2018-01", ["--largest-fails"], 1, "does not follow 2017-04"),
    ],
)
def test_what_cannot_be_supposed_says_so_with_its_exit_code(
    cleared: Cleared, month: str, options: list[str], code: int, shown: str
) -> None:
    found, text, said = run(cleared.home / QINGHAI, month, *options)
    assert found == code
    assert shown in text + said
