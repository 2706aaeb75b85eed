"""`gongzhang calendar`: bare dates of a rule set, and a month that real nodes have cleared."""

import pytest

from tests.cleared import Cleared
from tests.commands import as_json, gongzhang
from tests.network import QINGHAI


def run(*arguments: object, **changes: str) -> tuple[int, str]:
    done = gongzhang("calendar", *arguments, **changes)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout + done.stderr


def test_the_bare_dates_of_a_rule_set_with_source_and_certainty() -> None:
    code, text = run("2017-12", "--ruleset", "jiangsu-2017")
    assert code == 0
    for part in (
        "jiangsu-2017", "at once", "daily, +1 d", "2018-01-05 Fri", "recompute and attest",
        "2018-01-22 Mon (for 01-20)", "R70", "source material",
        "moves to the next working day (this project's choice)",
        "china-2018 (comes with the program): 国办发明电〔2017〕12号",
    ):  # fmt: skip
        assert part in text, part
    assert "state" not in text


def test_what_is_from_memory_says_so_in_both_languages() -> None:
    english = run("2017-12", "--ruleset", "national-2022")[1]
    chinese = run("2017-12", "--ruleset", "national-2022", GONGZHANG_LANG="zh")[1]
    row = next(line for line in english.splitlines() if "2018-02-26" in line)
    assert "unverified" in row
    assert "planned" in row
    assert "official text" not in "".join(english.split("holidays")[0])
    assert "2018-02-26 周一（预计）" in chinese
    assert "未核实" in chinese
    assert "截止日逢假日顺延至下一工作日" in chinese


def test_a_year_has_twelve_months_and_the_daily_work_once() -> None:
    found = as_json("calendar", "2017", "--ruleset", "national-2016")
    assert {step["month"] for step in found["steps"]} == {f"2017-{n:02d}" for n in range(1, 13)}
    assert [item["year"] for item in found["holidays"]] == [2017, 2018]
    assert sum(step["event"] == "year_close" for step in found["steps"]) == 1
    assert run("2017", "--ruleset", "national-2016")[1].count("daily") == 1


def test_a_cleared_month_shows_who_did_what_and_how_late(cleared: Cleared) -> None:
    home = cleared.home / QINGHAI
    found = as_json("calendar", "2017-03", "--home", home)
    assert [(rules["name"], rules["entry"]) for rules in found["rulesets"]] == [
        ("interprovince-net", 1)
    ]
    steps = {step["event"]: step for step in found["steps"]}
    assert steps["propose"]["state"] == "done"
    assert steps["propose"]["done"][0]["code"] == "100000"
    assert steps["propose"]["done"][0]["days_late"] > 0  # 2017 was cleared on the day of the test
    assert {item["code"] for item in steps["attest"]["done"]} == {"510000", "610000", "630000"}
    assert steps["final"]["state"] == "done"
    assert steps["remit"]["owing"] == []
    code, text = run("2017-03", "--home", home)
    assert code == 0
    assert "late: National Centre" in text


def test_late_and_not_done_is_exit_1_and_late_but_done_is_not(cleared: Cleared) -> None:
    home = cleared.home / QINGHAI
    code, text = run("2017-03", "--home", home, "--late")
    assert code == 0
    assert "propose the batch" in text
    assert "not in the logs" not in text
    code, text = run("2017-05", "--home", home, "--late", "--date", "2017-06-04")
    assert code == 1
    assert "National Centre" in text
    assert "open, late 2 d" in text
    assert run("2017-05", "--home", home, "--date", "2017-06-04")[0] == 0
    code, text = run("2017-05", "--home", home, "--late", "--date", "2017-06-02")
    assert code == 0
    done = as_json("calendar", "2017-05", "--home", home, "--late", "--date", "2017-06-04")
    assert [step["event"] for step in done["steps"]] == ["propose"]
    assert done["steps"][0]["late"] == [{"code": "100000", "days": 2, "done": False}]


def test_other_rules_can_be_held_against_the_same_logs(cleared: Cleared) -> None:
    home = cleared.home / QINGHAI
    found = as_json("calendar", "2017-05", "--home", home, "--ruleset", "national-2016")
    assert [(rules["name"], rules["entry"]) for rules in found["rulesets"]] == [
        ("national-2016", None)
    ]
    assert found["steps"][-1]["planned"]


@pytest.mark.parametrize(
    ("arguments", "status", "shown"),
    [
        (["2017-12"], 2, "--home"),
        (["2017-12", "--ruleset", "jiangsu"], 2, "jiangsu-2017"),
        (["2017-12", "--ruleset", "jiangsu-2017", "--late"], 2, "--home"),
        (["2017-13", "--ruleset", "jiangsu-2017"], 2, "month"),
        (["twelve", "--ruleset", "jiangsu-2017"], 2, "month"),
        (["2031-03", "--ruleset", "jiangsu-2017"], 1, "NO_HOLIDAYS"),
        (["2017-12", "--home", "nowhere"], 2, "nowhere"),
    ],
)
def test_what_cannot_be_computed_is_refused(arguments: list[str], status: int, shown: str) -> None:
    code, text = run(*arguments)
    assert (code, shown in text) == (status, True), text


def test_a_day_that_does_not_exist_is_refused(cleared: Cleared) -> None:
    code, text = run("2017-05", "--home", cleared.home / QINGHAI, "--date", "2017-02-30")
    assert (code, "2017-02-30" in text) == (2, True)
