"""The demo: what its nodes came to, against sums by `csv` and whole numbers alone."""

from pathlib import Path
from typing import Any

import pytest

from tests.cleared import PARTIES, Cleared
from tests.commands import EXAMPLE, as_json, gongzhang
from tests.independent import independent


def compare(report: dict[str, Any], expected: dict[str, Any]) -> None:
    assert report["pairs_fen"] == {pair: fen for pair, fen in expected["pairs"].items() if fen}
    nets = {code: fen for code, fen in report["nets_fen"].items() if fen}
    assert nets == {code: fen for code, fen in expected["nets"].items() if fen}
    assert sum(report["nets_fen"].values()) == 0
    assert report["entries"] == expected["entries"]
    assert report["gross_fen"] == sum(expected["pairs"].values())
    assert report["left_out"] == expected["left_out"]
    assert (report["state"], report["model"], report["revision"]) == ("FINAL", "net_hub", 1)
    assert report["carried"] == 0


def test_a_few_provinces_come_to_the_independent_sums(cleared: Cleared) -> None:
    expected = independent(set(PARTIES.split(",")))
    assert [report["month"] for report in cleared.report["months"]] == ["2017-03", "2017-04"]
    for report in cleared.report["months"]:
        compare(report, expected[report["month"]])
        assert report["attestations"] == 3
    audit = cleared.report["audit"]
    assert audit["ok"] is True
    assert audit["logs"] == 4
    assert audit["signatures_verified"] > audit["entries_verified"] > 0


def test_all_32_provinces_come_to_the_independent_sums_in_every_month(tmp_path: Path) -> None:
    report = as_json("demo", "--data", EXAMPLE, "--home", tmp_path / "net")
    expected = independent()
    assert [m["month"] for m in report["months"]] == [f"2017-{n:02d}" for n in range(3, 13)]
    for month in report["months"]:
        compare(month, expected[month["month"]])
        assert month["attestations"] == 32
        assert len(month["nets_fen"]) == 32
    assert report["months"][6]["pairs_fen"]["610000>630000"] == -515_255
    assert (report["audit"]["ok"], report["audit"]["logs"]) == (True, 33)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--parties", "630000"], "at least two"),
        (["--parties", "630000,990000"], "--parties"),
        (["--months", "2018-05"], "2017-03 to 2017-12"),
        (["--months", "2017-3"], "month"),
        (["--data", "nowhere.csv"], "nowhere.csv"),
    ],
)
def test_a_demo_that_cannot_be_is_refused_before_anything_starts(
    tmp_path: Path, arguments: list[str], named: str
) -> None:
    given = ["--data", EXAMPLE, "--home", tmp_path / "net", *arguments]
    done = gongzhang("demo", *given)
    assert done.returncode == 2
    assert named in done.stderr
    assert not (tmp_path / "net").exists()


def test_a_file_with_faults_starts_nothing_and_names_them(tmp_path: Path) -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines(keepends=True)[:3]
    bad = tmp_path / "bad.csv"
    bad.write_text("".join(lines).replace("37791.73", "37791.74"), encoding="utf-8")
    done = gongzhang("demo", "--data", bad, "--home", tmp_path / "net")
    assert done.returncode == 1
    assert "SUM_TOTAL" in done.stdout
    assert "medfee_sumamt" in done.stdout


def test_a_home_in_use_is_never_overwritten(cleared: Cleared, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "letter.txt").write_text("dear", encoding="utf-8")
    for home, extra in [(mine, ["--fresh"]), (cleared.home, [])]:
        done = gongzhang("demo", "--data", EXAMPLE, "--home", home, *extra)
        assert done.returncode == 2, done.stderr
    assert (mine / "letter.txt").read_text(encoding="utf-8") == "dear"


def test_the_tables_of_a_demo_can_be_read(tmp_path: Path) -> None:
    done = gongzhang(
        "demo", "--data", EXAMPLE, "--home", tmp_path / "net", "--parties", PARTIES,
        "--months", "2017-03", GONGZHANG_LANG="zh",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for text in ("双边清算矩阵", "净额", "核验通过", "四川"):
        assert text in done.stdout


def test_a_demo_runs_under_any_rule_set(tmp_path: Path) -> None:
    home = tmp_path / "net"
    report = as_json(
        "demo", "--data", EXAMPLE, "--home", home, "--parties", "510000,610000,630000",
        "--months", "2017-03", "--ruleset", "national-2022",
    )  # fmt: skip
    month = report["months"][0]
    assert (month["model"], month["state"]) == ("gross_pair", "FINAL")
    expected = independent(set(PARTIES.split(",")))["2017-03"]["pairs"]
    paid = {f"{leg['payer']}>{leg['payee']}": leg["fen"] for leg in month["legs"]}
    assert paid == {pair: fen for pair, fen in expected.items() if fen}
    assert report["audit"]["ok"]
    assert gongzhang("demo", "--data", EXAMPLE, "--ruleset", "nobody").returncode == 2
