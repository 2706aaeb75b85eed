"""`gongzhang books`: what a bookkeeper sees, from a home and from audited logs; exit codes."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from settlement.party import CENTRE
from settlement.record import Paid, Received
from tests.bookmonth import MONTH, BookMonth
from tests.cleared import Cleared
from tests.commands import as_json
from tests.network import QINGHAI, SICHUAN, TIBET
from tests.published import publish

SHAANXI = "610000"


def run(*arguments: object) -> tuple[int, str]:
    """Run a command in this process; return its exit code and what it printed."""
    done = CliRunner().invoke(app, [str(item) for item in ("books", *arguments)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def object_of(*arguments: object) -> Any:
    _, text = run(*arguments, "--json")
    return json.loads(text)


# --- from a home ---------------------------------------------------------------------------------


def test_the_trial_balance_of_a_cleared_network_is_what_the_months_came_to(
    cleared: Cleared,
) -> None:
    months = cleared.report["months"]
    owed = sum(
        fen
        for month in months
        for pair, fen in month["pairs_fen"].items()
        if pair.startswith(QINGHAI)
    )
    net = sum(month["nets_fen"][QINGHAI] for month in months)
    found = object_of("balance", "--home", cleared.home / QINGHAI)
    by_head: dict[str, int] = {}
    for row in found["accounts"]:
        by_head[row["head"]] = by_head.get(row["head"], 0) + row["balance_fen"]
    assert by_head["expense"] == owed > 0
    assert by_head["bank"] == net  # every leg is paid
    assert by_head["due_to"] + by_head["transit"] == by_head["payable"] == 0
    assert found["debit_fen"] == found["credit_fen"]
    assert found["party"] == QINGHAI


def test_the_centre_is_left_with_nothing(cleared: Cleared) -> None:
    rows = object_of("balance", "--home", cleared.home / CENTRE)["accounts"]
    assert {row["head"] for row in rows} == {"hub", "transit", "due_from", "due_to"}
    assert [row["balance_fen"] for row in rows if row["balance_fen"]] == []


def test_a_month_is_shown_as_it_was_confirmed_and_a_position_as_it_was(cleared: Cleared) -> None:
    home = cleared.home / QINGHAI
    first = object_of("balance", "--home", home, "--month", "2017-03")
    assert {row["part"] for row in first["accounts"] if row["head"] == "due_to"} == {"2017-03"}
    assert not [row for row in first["accounts"] if row["head"] == "bank"]
    named = [f"--at={code}={size}" for code, size in first["sizes"].items()]
    assert object_of("balance", "--home", home, *named) == first
    nothing = object_of("balance", "--home", home, "--at", f"{CENTRE}=0", "--at", f"{QINGHAI}=0")
    assert nothing["accounts"] == []


def test_a_journal_names_the_entries_and_may_be_asked_about_one_counterpart(
    cleared: Cleared,
) -> None:
    home = cleared.home / QINGHAI
    code, text = run("journal", "--home", home, "--with", SHAANXI)
    assert code == 0
    assert "Qinghai owes Shaanxi for 2017-03" in text
    assert "Qinghai owes Sichuan" not in text
    every = object_of("journal", "--home", home)["transactions"]
    assert {t["kind"] for t in every} == {"owed", "novation", "sent", "received"}
    for transaction in every:
        assert sum(posting["fen"] for posting in transaction["postings"]) == 0
        assert transaction["entries"]


def test_accounts_have_their_names_in_the_language_of_the_reader(
    cleared: Cleared, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = ["balance", "--home", cleared.home / QINGHAI, "--all"]
    english = run(*given)[1]
    monkeypatch.setenv("GONGZHANG_LANG", "zh")
    chinese = run(*given)[1]
    assert "remittance due to: 100000 National Centre: 2017-03" in english
    assert "应付清算划拨款: 100000 国家中心: 2017-03" in chinese
    assert "试算平衡表" in chinese


def test_mirrors_of_a_finished_network_agree(cleared: Cleared) -> None:
    code, text = run("mirror", "--home", cleared.home / CENTRE, "--party", "all")
    assert code == 0
    assert "agree" in text


@pytest.mark.parametrize("form", ["hledger", "beancount", "csv"])
def test_books_are_written_once_the_same_for_everybody(
    cleared: Cleared, tmp_path: Path, form: str
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    given = ["--format", form, "--party", SICHUAN, "--month", "2017-04"]
    assert run("export", one, "--home", cleared.home / SICHUAN, *given)[0] == 0
    assert run("export", one, "--home", cleared.home / SICHUAN, *given)[0] == 2  # it is there
    audited = ["--source", cleared.home / QINGHAI, "--policy", cleared.policy]
    assert run("export", two, *audited, *given)[0] == 0
    assert one.read_bytes() == two.read_bytes()
    if form == "csv":
        with one.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        assert {row["account_zh"] for row in rows} >= {"银行存款"}
    else:
        assert f"{SICHUAN} 四川省" in one.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("given", "code", "shown"),
    [
        (["balance", "--at", "630000=99999"], 2, "630000=0 to 630000="),
        (["balance", "--at", "990000=1"], 2, "CODE=SIZE"),
        (["balance", "--at", "630000=-1"], 2, "--at"),
        (["balance", "--at", "630000=1", "--month", "2017-03"], 2, "both"),
        (["balance", "--month", "2017-3"], 2, "YYYY-MM"),
        (["balance", "--month", "2019-01"], 1, "not confirmed"),
        (["balance", "--party", "999999"], 2, "999999"),
        (["balance", "--party", "all"], 2, "--party"),
        (["journal", "--with", "999999"], 2, "999999"),
        (["mirror", "--with", "999999"], 2, "999999"),
        (["export", "/nowhere/x", "--format", "xml"], 2, "hledger, beancount or csv"),
        (["export", "/nowhere/x", "--format", "csv"], 2, "nowhere"),
    ],
)
def test_what_cannot_be_shown_says_so(
    cleared: Cleared, given: list[str], code: int, shown: str
) -> None:
    found, text = run(*given, "--home", cleared.home / QINGHAI)
    assert found == code, text
    assert shown in text


def test_books_need_a_home_or_a_source_with_its_policy(
    cleared: Cleared, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GONGZHANG_HOME", raising=False)
    assert run("balance")[0] == 2
    assert run("balance", "--source", cleared.home / QINGHAI)[0] == 2
    audited = ["--source", cleared.home / QINGHAI, "--policy", cleared.policy]
    assert run("balance", *audited)[0] == 2  # whose?
    assert run("balance", *audited, "--party", QINGHAI)[0] == 0


# --- from logs that somebody hands over ----------------------------------------------------------


def published(tmp_path: Path, *steps: str, last: BookMonth | None = None) -> list[object]:
    month = last or BookMonth("gross_pair")
    for step in steps:
        month.does(step)
    folder, policy = publish(month.logs, tmp_path)
    return ["mirror", "--source", folder, "--policy", policy]


def test_what_is_under_way_is_listed_and_does_no_harm(tmp_path: Path) -> None:
    given = published(tmp_path, "the month is confirmed", "Qinghai pays Sichuan 10.00")
    code, text = run(*given)
    assert code == 0, text
    assert "under way" in text
    found = object_of(*given, "--party", QINGHAI, "--with", SICHUAN)
    assert [item["kind"] for item in found["items"]] == ["transit"]
    assert [item["from"] for item in found["items"]] == [QINGHAI]
    assert object_of(*given, "--party", TIBET)["items"] == []


def test_books_that_disagree_beyond_that_end_with_one(tmp_path: Path) -> None:
    month = BookMonth("gross_pair")
    for step in ("the month is confirmed", "Qinghai pays Sichuan 10.00"):
        month.does(step)
    number = month.leg(QINGHAI, SICHUAN)
    other = Received("clearing", MONTH, number, 1, QINGHAI, 990, "R", "2017-04-13", [])
    month.add(SICHUAN, other)
    given = published(tmp_path, last=month)
    code, text = run(*given)
    assert code == 1, text
    assert "sent 10.00 yuan, received 9.90" in text
    assert object_of(*given)["exit"] == 1
    assert run(*given, "--party", TIBET)[0] == 0


def test_a_receipt_whose_payment_is_not_here_yet_cannot_be_judged(tmp_path: Path) -> None:
    month = BookMonth("gross_pair")
    month.does("the month is confirmed")
    number = month.leg(QINGHAI, SICHUAN)
    came = Received("clearing", MONTH, number, 1, QINGHAI, 5, "R", "2017-04-13", [])
    month.add(SICHUAN, came)
    given = published(tmp_path, last=month)
    code, text = run(*given)
    assert code == 3, text
    paid = Paid("clearing", MONTH, number, 1, SICHUAN, 5, "P", "2017-04-12", [])
    month.add(QINGHAI, paid)
    assert run(*published(tmp_path / "later", last=month))[0] == 0


def test_of_logs_that_do_not_verify_no_books_are_made(tmp_path: Path) -> None:
    given = published(tmp_path, "the month is confirmed")
    (bundle,) = (tmp_path / "logs" / QINGHAI / "tile" / "entries").rglob("*.p/*")
    data = bundle.read_bytes()
    bundle.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    code, text = run(*given)
    assert code == 1, text
    assert "FINDINGS" in text


def test_the_command_ends_with_the_code_it_shows(cleared: Cleared) -> None:
    found = as_json("books", "mirror", "--home", cleared.home / SICHUAN)
    assert (found["ok"], found["exit"]) == (True, 0)
