"""Programs nobody here wrote check our books: hledger and beancount agree to the fen."""

import csv
import io
import shutil
import subprocess
from pathlib import Path

import pytest
from beancount import loader
from beancount.core import data

from settlement import bookfile
from settlement.books import Books, books_at
from settlement.journal import trial_balance
from settlement.money import format_yuan
from settlement.party import CENTRE
from tests import bookfiles
from tests.bookmonth import MODELS, BookMonth
from tests.network import QINGHAI, SICHUAN, TIBET

CODES = (CENTRE, SICHUAN, TIBET, QINGHAI)
EVENTS = {
    "gross_pair": (
        "Qinghai prepays Sichuan 7.00", "Sichuan holds 7.00 of Qinghai", "the month is confirmed",
        "Qinghai pays Sichuan 1.00", "Sichuan receives 1.00 from Qinghai",
        "Sichuan draws on Qinghai", "Qinghai pays Sichuan 8.00",
        "Sichuan receives 8.00 from Qinghai", "Qinghai pays Tibet 5.00",
        "the bank returns to Qinghai what went to Tibet", "Sichuan pays Tibet 2.00",
        "Sichuan gives back 3.00 to Qinghai",
    ),
    "net_pair": ("the month is confirmed", "Qinghai pays Sichuan 7.00", "Qinghai pays Tibet 5.00",
                 "Tibet receives 5.00 from Qinghai"),
    "net_hub": bookfiles.STEPS,
}  # fmt: skip


def books(model: str) -> Books:
    month = BookMonth(model)
    for step in EVENTS[model]:
        month.does(step)
    return books_at(month.logs.store, month.logs.roster)


def hledger(path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["hledger", "-f", str(path), *arguments],
        env={"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"}, capture_output=True,
        encoding="utf-8", timeout=60, check=False,
    )  # fmt: skip


@pytest.fixture
def has_hledger() -> None:
    if shutil.which("hledger", path="/usr/bin:/bin") is None:
        pytest.skip("hledger is not installed (see `make interop`)")


@pytest.mark.usefixtures("has_hledger")
@pytest.mark.parametrize("model", MODELS)
def test_hledger_checks_strictly_and_has_our_trial_balances(model: str, tmp_path: Path) -> None:
    found = books(model)
    for code in CODES:
        path = tmp_path / f"{code}.journal"
        path.write_text(bookfile.hledger(found.of(code), code), encoding="utf-8")
        strict = hledger(path, "check", "-s")
        assert strict.returncode == 0, strict.stderr
        shown = hledger(path, "balance", "--flat", "--no-total", "--empty", "-O", "csv")
        theirs = dict(list(csv.reader(io.StringIO(shown.stdout)))[1:])
        ours = {
            row.account.path(): f"{format_yuan(row.balance_fen)} CNY" if row.balance_fen else "0"
            for row in trial_balance(found.of(code))
        }
        assert theirs == ours, code


@pytest.mark.usefixtures("has_hledger")
def test_hledger_refuses_a_book_in_which_one_fen_was_moved(tmp_path: Path) -> None:
    text = bookfile.hledger(books("net_hub").of(QINGHAI), "x")
    path = tmp_path / "books.journal"
    moved = text.replace("3.00 CNY\n    资产:银行存款  -3.00", "2.99 CNY\n    资产:银行存款  -2.99")
    for changed in (moved, text.replace("  3.00 CNY", "  3.01 CNY", 1)):
        assert changed != text
        path.write_text(changed, encoding="utf-8")
        assert hledger(path, "check", "-s").returncode == 1


@pytest.mark.parametrize("model", MODELS)
def test_beancount_finds_no_error_and_has_our_trial_balances(model: str) -> None:
    found = books(model)
    for code in CODES:
        entries, errors, _ = loader.load_string(bookfile.beancount(found.of(code), code))
        assert errors == []
        theirs: dict[str, int] = {}
        for entry in entries:
            for posting in entry.postings if isinstance(entry, data.Transaction) else ():
                fen = posting.units.number.scaleb(2)
                assert fen == int(fen)
                theirs[posting.account] = theirs.get(posting.account, 0) + int(fen)
        rows = trial_balance(found.of(code))
        assert theirs == {row.account.ascii_path(): row.balance_fen for row in rows}, code
        titles = {e.account: e.meta["title"] for e in entries if isinstance(e, data.Open)}
        assert titles == {row.account.ascii_path(): row.account.path() for row in rows}


def test_beancount_refuses_a_book_in_which_one_fen_was_moved() -> None:
    text = bookfile.beancount(books("net_hub").of(QINGHAI), "x")
    moved = text.replace(
        "Assets:In-Transit:C100000  3.00 CNY\n  Assets:Bank  -3.00",
        "Assets:In-Transit:C100000  2.99 CNY\n  Assets:Bank  -2.99",
    )
    for changed in (moved, text.replace("  3.00 CNY", "  3.01 CNY", 1)):
        assert changed != text
        assert loader.load_string(changed)[1] != []


def test_empty_books_are_books(tmp_path: Path) -> None:
    month = BookMonth()
    empty = books_at(month.logs.store, month.logs.roster).of(QINGHAI)
    assert loader.load_string(bookfile.beancount(empty, "x"))[1] == []
    assert list(bookfile.rows(empty)) == [list(bookfile.COLUMNS)]
    if shutil.which("hledger", path="/usr/bin:/bin"):
        path = tmp_path / "empty.journal"
        path.write_text(bookfile.hledger(empty, "x"), encoding="utf-8")
        assert hledger(path, "check", "-s").returncode == 0


def test_the_files_are_what_they_were_to_the_byte() -> None:
    stored = {path.name: path.read_bytes() for path in bookfiles.FOLDER.iterdir()}
    assert {name: text.encode() for name, text in bookfiles.files().items()} == stored


def test_a_table_has_every_posting_once_with_debits_and_credits_that_are_equal() -> None:
    heading, *rows = bookfile.rows(books("net_hub").of(SICHUAN))
    cells = [dict(zip(heading, row, strict=True)) for row in rows]
    debits = sum(int(cell["debit_yuan"].replace(".", "") or 0) for cell in cells)
    credits_ = sum(int(cell["credit_yuan"].replace(".", "") or 0) for cell in cells)
    assert debits == credits_ > 0
    assert {cell["entry"] for cell in cells if cell["kind"] == "late"} == {"510000#6 630000#6"}
