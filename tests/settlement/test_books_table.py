"""Months worked out by hand, line by line: tests/tables/books.csv."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from settlement.books import Books, books_at
from settlement.mirror import mirror
from settlement.money import format_yuan
from settlement.party import party
from tests.bookmonth import BookMonth

TABLE = Path(__file__).resolve().parent.parent / "tables" / "books.csv"
CONFIRMED = "the month is confirmed"
Line = tuple[str, str, str, str]  # book, account, debit, credit


def cases() -> dict[str, tuple[str, list[tuple[str, list[Line]]]]]:
    """Return the cases by name: the model, and each step with the lines it makes."""
    found: dict[str, tuple[str, list[tuple[str, list[Line]]]]] = {}
    steps: list[tuple[str, list[Line]]] = []
    with TABLE.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            if row["case"]:
                assert row["case"] not in found, row["case"]
                steps = []
                found[row["case"]] = row["model"], steps
            if row["step"]:
                steps.append((row["step"], []))
            if row["book"]:
                steps[-1][1].append((row["book"], row["account"], row["debit"], row["credit"]))
    return found


def confirmed(model: str) -> list[Line]:
    """Return the lines of the confirmation, as the first case of a model lists them."""
    found = [steps for name, steps in cases().values() if name == model]
    return next(listed for steps in found for step, listed in steps if step == CONFIRMED and listed)


def lines(books: Books) -> list[Line]:
    return [line for code in books.journals for line in _of(books, code)]


def _of(books: Books, code: str) -> Iterator[Line]:
    for transaction in books.of(code).transactions:
        for account, fen in transaction.postings:
            debit, credit = format_yuan(max(fen, 0)), format_yuan(max(-fen, 0))
            sides = (debit, "") if fen > 0 else ("", credit)
            yield party(code).name_zh, account.title("zh"), *sides


@pytest.mark.parametrize("case", cases())
def test_every_step_makes_the_lines_of_the_table(case: str) -> None:
    model, steps = cases()[case]
    month = BookMonth(model)
    before: list[Line] = []
    for step, listed in steps:
        month.does(step)
        expected = listed or confirmed(model) if step == CONFIRMED else listed
        books = books_at(month.logs.store, month.logs.roster)
        after = lines(books)
        new = list(after)
        for line in before:  # what was posted stays
            new.remove(line)
        assert sorted(new) == sorted(expected), step
        before = after
        found = mirror(books)
        assert not found.false, step
        assert not found.waiting, step


def test_each_part_of_the_table_balances_by_itself() -> None:
    for model, steps in cases().values():
        assert model in ("gross_pair", "net_pair", "net_hub")
        for step, expected in steps:
            for book in {line[0] for line in expected}:
                debits = sum(_fen(line[2]) for line in expected if line[0] == book)
                assert debits == sum(_fen(line[3]) for line in expected if line[0] == book), step


def _fen(yuan: str) -> int:
    return int(yuan.replace(".", "")) if yuan else 0
