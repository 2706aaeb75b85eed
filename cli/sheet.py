"""Tables as files: CSV for spreadsheets, Parquet for DuckDB. Some thousand rows in memory at once.

CSV is RFC 4180 in UTF-8 with a byte order mark, without which Excel reads Chinese wrongly. Text
that a spreadsheet would run as a formula gets an apostrophe in front; numbers never do.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from cli.columns import Column
from ledger.errors import FormError

SLICE = 8192
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
PARQUET_TYPES = {"text": "string", "integer": "int64", "boolean": "bool_"}


def check_format(name: str) -> None:
    """Check that files of a format can be written here.

    Raises:
        FormError: No such format, or its library is not installed.
    """
    if name not in WRITERS:
        raise FormError("--format", " or ".join(sorted(WRITERS)), name)
    if name == "parquet" and not _has_pyarrow():
        raise FormError(
            "--format parquet", "the library pyarrow: pip install gongzhang[parquet]", "none"
        )


def _has_pyarrow() -> bool:
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        return False
    return True


def write_csv(path: Path, columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> int:
    """Write a table as CSV; return how many rows. The same rows always make the same bytes."""
    count = 0
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow([column.name for column in columns])
        for row in rows:
            writer.writerow([cell(value) for value in row])
            count += 1
    return count


def cell(value: str | int | bool | None) -> str | int:
    """Return a value as it stands in CSV.

    Example:
        >>> cell("=1+1"), cell(-5), cell(True), cell(None)
        ("'=1+1", -5, 'true', '')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return value


def write_parquet(path: Path, columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> int:
    """Write a table as Parquet; return how many rows."""
    # Only whoever asks for Parquet needs the library, and waits for it.
    import pyarrow
    from pyarrow.parquet import ParquetWriter

    kinds = [(c.name, getattr(pyarrow, PARQUET_TYPES[c.type])()) for c in columns]
    shape = pyarrow.schema(kinds)
    count = 0
    with ParquetWriter(path, shape, compression="zstd") as writer:
        for part in _parts(rows):
            held = [
                pyarrow.array(values, kind)
                for values, (_, kind) in zip(zip(*part, strict=True), kinds, strict=True)
            ]
            writer.write_batch(pyarrow.record_batch(held, schema=shape))
            count += len(part)
    return count


def _parts(rows: Iterable[Sequence[Any]]) -> Iterator[list[Sequence[Any]]]:
    left = iter(rows)
    while part := list(islice(left, SLICE)):
        yield part


WRITERS = {"csv": write_csv, "parquet": write_parquet}
