"""`gongzhang city detail`: the entries behind the city sums, for a city to check its own books."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from cli.city import Province, computed
from cli.cityfile import check_target
from cli.homes import Home, Json, Month
from cli.output import emit, guarded, say, talk
from cli.sheet import cell
from ledger.errors import FormError
from ledger.table import Reader
from settlement.money import format_yuan
from settlement.party import city_of
from settlement.record import Reversal
from settlement.share import Share, shares
from settlement.subclearing import Confirmed

HEADER = (
    "month", "province", "city", "direction", "counterpart", "log", "index", "kind", "setl_id",
    "service_month", "insured_area", "treatment_area", "counted", "employee_yuan", "resident_yuan",
    "other_yuan", "account_yuan", "total_yuan",
)  # fmt: skip
Row = list[str | int]


def detail(
    month: Month,
    home: Home,
    out_file: Annotated[Path, typer.Option("--out", help="the new CSV file to write")],
    city: Annotated[str | None, typer.Option("--city", help="only this city")] = None,
    province: Province = None,
    as_json: Json = False,
) -> None:
    """Write the entries that the city sums of a confirmed month consist of, one line each.

    The amounts are what the batch counts. Of a case about which a dispute came or went, one line
    with `counted` = case says what is cleared of it and its reversals now, less what was before.
    """

    def act() -> int:
        check_target(out_file, ".csv", "--out")
        with computed(home, month, province, show=not as_json) as (opened, found, batch):
            if city is not None and city not in found.codes:
                raise FormError("--city", f"one of {', '.join(found.codes) or '-'}", city)
            rows = _rows(opened.reader, batch, found.province, city)
            return _write(out_file, ([month, found.province, *row] for row in rows))

    count = guarded(act, as_json=as_json)
    if as_json:
        emit({"ok": True, "month": month, "city": city, "rows": count, "file": str(out_file)})
    else:
        talk().print(say(f"{count} lines: {out_file}", f"{count} 行：{out_file}"), markup=False)


def _rows(reader: Reader, batch: Confirmed, province: str, only: str | None) -> Iterator[Row]:
    for creditor in sorted(batch.closes[-1].sizes):
        mine = creditor == province
        debtors = [c for c in batch.closes[-1].sizes if c != creditor] if mine else [province]
        for share in shares(reader, batch.closes, creditor, debtors):
            record = share.record
            city = city_of(record.treatment_area if mine else record.insured_area)
            if only in (None, city):
                ends = ("owed", share.debtor) if mine else ("owes", creditor)
                yield [city, *ends, *_case(creditor, share)]


def _case(creditor: str, share: Share) -> Row:
    record, amounts = share.record, share.amounts
    yuan = [format_yuan(fen) for fen in (*amounts[1:], amounts.fen)]
    whole = amounts.lines == record.lines
    return [
        creditor, share.place, "reversal" if isinstance(record, Reversal) else "settlement",
        record.setl_id, record.month, record.insured_area, record.treatment_area,
        "whole" if whole else "case", *yuan,
    ]  # fmt: skip


def _write(path: Path, rows: Iterator[Row]) -> int:
    # A few at a time: a month of a large province is millions of lines.
    count, texts = 0, HEADER.index("counted") + 1
    try:
        with path.open("x", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file, lineterminator="\r\n")
            writer.writerow(HEADER)
            for row in rows:
                writer.writerow([*map(cell, row[:texts]), *row[texts:]])
                count += 1
    except BaseException:
        path.unlink(missing_ok=True)  # half a file looks like a whole one
        raise
    return count
