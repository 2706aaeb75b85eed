"""A province's books against the ledger."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cleared import PARTIES, Cleared
from tests.commands import EXAMPLE, as_json, gongzhang

Row = dict[str, str]


def book(path: Path, change: Callable[[list[Row]], list[Row]] = lambda rows: rows) -> Path:
    """Write the rows of the two cleared months, changed in some way, as a file."""
    with EXAMPLE.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        codes = {code[:2] for code in PARTIES.split(",")}
        rows = [
            row
            for row in reader
            if row["setl_time"] < "2017-05"
            and {row["mdtrtarea_admvs"][:2], row["insuplc_admdvs"][:2]} <= codes
        ]
        assert reader.fieldnames is not None
        with path.open("w", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, reader.fieldnames, lineterminator="\n")
            writer.writeheader()
            writer.writerows(change(rows))
    return path


def findings(cleared: Cleared, path: Path) -> list[tuple[str, str]]:
    given = ["audit", "verify", cleared.home / "630000", "--policy", cleared.policy]
    report = as_json(*given, "--against", path)
    assert report["exit"] == (1 if report["findings"] else 0)
    return [(f["place"], f["text"]) for f in report["findings"]]


def test_books_that_agree_have_no_findings(cleared: Cleared, tmp_path: Path) -> None:
    assert findings(cleared, book(tmp_path / "book.csv")) == []


def test_a_row_too_few_and_one_too_many_are_named(cleared: Cleared, tmp_path: Path) -> None:
    missing: list[str] = []

    def change(rows: list[Row]) -> list[Row]:
        missing.append(rows[3]["setl_id"])
        return [*rows[:3], *rows[4:], {**rows[5], "setl_id": "NEVER-ENTERED"}]

    found = dict(findings(cleared, book(tmp_path / "book.csv", change)))
    assert set(found) == {f"case {missing[0]}", "case NEVER-ENTERED"}
    assert "not in the book" in found[f"case {missing[0]}"]
    assert "in no log" in found["case NEVER-ENTERED"]


def test_an_amount_that_differs_is_named_with_both_values(cleared: Cleared, tmp_path: Path) -> None:
    def change(rows: list[Row]) -> list[Row]:
        rows[0]["acct_pay"], rows[0]["cash_payamt"] = rows[0]["cash_payamt"], rows[0]["acct_pay"]
        return rows

    ((place, text),) = findings(cleared, book(tmp_path / "book.csv", change))
    assert place.startswith("case A")
    assert text.startswith("account_fen: the book has ")


def test_a_book_with_faults_and_one_that_is_not_there_are_wrong_use(
    cleared: Cleared, tmp_path: Path
) -> None:
    given = ["audit", "verify", cleared.home / "630000", "--policy", cleared.policy, "--against"]
    path = tmp_path / "book.csv"
    path.write_bytes(book(path).read_bytes()[:-3])
    done = gongzhang(*given, path)
    assert done.returncode == 2
    assert "line" in done.stderr
    assert gongzhang(*given, tmp_path / "nowhere.csv").returncode == 2


@pytest.mark.parametrize("with_book", [False, True])
def test_the_report_says_what_was_checked_and_with_what(
    cleared: Cleared, tmp_path: Path, with_book: bool
) -> None:
    target = tmp_path / "report.json"
    given = ["audit", "verify", cleared.home / "630000", "--policy", cleared.policy]
    more = ["--against", book(tmp_path / "book.csv")] if with_book else []
    assert gongzhang(*given, *more, "--report", target).returncode == 0
    report = json.loads(target.read_text(encoding="utf-8"))
    assert report["program"].startswith("gongzhang ")
    assert (report["ok"], report["logs"], report["exit"]) == (True, 4, 0)
    assert (report["book_sha256"] is not None) == with_book
    first = target.read_bytes()
    assert gongzhang(*given, *more, "--report", target).returncode == 0
    assert target.read_bytes() == first  # the same facts make the same file
