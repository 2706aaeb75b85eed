"""Differences between two sides' rows: as a table on the screen, or as a file to hand on."""

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import xlsxwriter
from rich.table import Table

from cli.output import say, table, yuan
from cli.sheet import cell
from ledger.errors import FormError
from settlement.statement import AMOUNTS, DIFFERENCE

HEADER = ("kind", "setl_id", "column", "ours", "theirs", "en", "zh")
ENDINGS = (".xlsx", ".csv")
MAX_SHOWN = 50
MAX_XLSX = 1_000_000

AMOUNT = re.compile(r"-?[0-9]{1,14}\.[0-9]{2}")

Found = dict[str, Any]
_AMOUNTS = {name for name, _ in AMOUNTS}


def check_target(path: Path | None) -> None:
    """Check that a file of differences can be written.

    Raises:
        FormError: Another ending than .xlsx or .csv, or the file exists.
    """
    if path is None:
        return
    if path.suffix.lower() not in ENDINGS:
        raise FormError("--out", "a file name that ends with .xlsx or .csv", path.name)
    if path.exists():
        raise FormError(str(path), "a file that does not exist yet")


def differences_table(found: Sequence[Found], ours: str, theirs: str) -> Table:
    """Return the first differences as a table."""
    columns = [
        (say("what", "差异"), "left"), (say("settlement", "结算编号"), "left"),
        (say("column", "字段"), "left"), (ours, "right"), (theirs, "right"),
        (say("meaning", "说明"), "left"),
    ]  # fmt: skip
    rows = [
        [*line[:5], say(line[5], line[6])]
        for line in _lines(found[:MAX_SHOWN])
        if line[0] not in ("ONLY_OURS", "ONLY_THEIRS") or line[2] == "medfee_sumamt"
    ]
    return table(say(f"Differences: {len(found)}", f"差异：{len(found)} 项"), columns, rows)


def visits_table(visits: Sequence[Found]) -> Table:
    """Return the SAME_VISIT warnings that are still open as a table."""
    columns = [
        (say("settlements", "结算编号"), "left"),
        (say("yuan each", "每笔金额（元）"), "right"),
    ]
    shown = [v for v in visits if v["open"]]
    rows = [[", ".join(v["standing"]), yuan(v["medfee_fen"])] for v in shown[:MAX_SHOWN]]
    title = say(
        f"Warning, one visit with one amount under several ids: {len(shown)}",
        f"提示：同一就诊、同一金额有多个结算编号：{len(shown)} 组",
    )
    return table(title, columns, rows)


def write_differences(path: Path, found: Sequence[Found], visits: Sequence[Found]) -> int:
    """Write differences and warnings, one line a column that differs; return how many lines."""
    lines = [*_lines(found), *_warnings(visits)]
    if path.suffix.lower() == ".csv":
        with path.open("x", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file, lineterminator="\r\n")
            writer.writerow(HEADER)
            for line in lines:
                writer.writerow([v if _is_amount(line, v) else cell(v) for v in line])
        return len(lines)
    if len(lines) > MAX_XLSX:
        raise FormError("--out", f"a .csv file for more than {MAX_XLSX} lines", len(lines))
    # All but amounts is written as text: ids keep their digits and nothing is a formula.
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        sheet = book.add_worksheet("differences")
        shown = book.add_format({"num_format": "0.00"})
        for row, line in enumerate([HEADER, *lines]):
            for column, value in enumerate(line):
                if _is_amount(line, value):
                    sheet.write_number(row, column, float(value), shown)
                else:
                    sheet.write_string(row, column, value)
    return len(lines)


def _is_amount(line: Sequence[str], value: str) -> bool:
    return line[2] in _AMOUNTS and AMOUNT.fullmatch(value) is not None


def _lines(found: Sequence[Found]) -> Iterator[tuple[str, ...]]:
    for item in found:
        for column in item["columns"]:
            yield (
                item["kind"], item["setl_id"], column["column"], column["ours"], column["theirs"],
                item["en"], item["zh"],
            )  # fmt: skip


def _warnings(visits: Sequence[Found]) -> Iterator[tuple[str, ...]]:
    for visit in visits:
        if visit["open"]:
            ids = " ".join(visit["standing"])
            yield (
                "SAME_VISIT",
                visit["standing"][0],
                "setl_id",
                ids,
                "",
                *DIFFERENCE["SAME_VISIT"],
            )
