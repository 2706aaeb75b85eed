"""Files of other programs are read in a process of their own, and that process may die."""

import asyncio
import io
import zipfile
from typing import Any

import pytest

from ledger.errors import FormError
from node import reading
from node.reading import read_apart, read_bank_apart
from settlement.business import read_export
from tests import bankfiles
from tests.settlement.test_business import EXAMPLE, LINE, csv_of, edited, xlsx_of


@pytest.mark.parametrize(
    "data", [csv_of(LINE), xlsx_of(LINE), EXAMPLE, csv_of(["", "x", "1.999", "1"]), b""]
)
async def test_apart_is_read_what_is_read_here(data: bytes) -> None:
    assert await read_apart(data) == read_export(data)


def parts(data: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.namelist()


@pytest.mark.parametrize(
    ("part", "old", "new"),
    [
        # Each of these ends the process of whoever reads the workbook with the library alone.
        ("xl/worksheets/sheet1.xml", b'r="A2"', b'r="ZZZZZZZ2"'),
        ("xl/sharedStrings.xml", b'uniqueCount="', b'uniqueCount="99999999999'),
    ],
)
async def test_a_file_that_ends_its_reader_is_a_fault_and_nothing_more(
    part: str, old: bytes, new: bytes
) -> None:
    data = xlsx_of(LINE)
    assert part in parts(data)
    export = await read_apart(edited(data, old, new, part))
    assert [f.code for f in export.faults] == ["WORKBOOK"]
    assert "memory" in export.faults[0].value


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> list[asyncio.subprocess.Process]:
    """Return the processes that are started; they sleep instead of reading."""
    started = []
    start = asyncio.create_subprocess_exec

    async def starting(*command: str, **options: Any) -> asyncio.subprocess.Process:
        process = await start(*command, **options)
        started.append(process)
        return process

    monkeypatch.setattr(reading, "_PROGRAM", "import time; time.sleep(300)")
    monkeypatch.setattr(asyncio, "create_subprocess_exec", starting)
    return started


async def test_a_file_that_takes_too_long_is_given_up(
    monkeypatch: pytest.MonkeyPatch, processes: list[asyncio.subprocess.Process]
) -> None:
    monkeypatch.setattr(reading, "MAX_SECONDS", 0.05)
    export = await read_apart(csv_of(LINE))
    assert [f.code for f in export.faults] == ["WORKBOOK"]
    assert "seconds" in export.faults[0].value
    assert [process.returncode for process in processes] == [-9]


async def test_a_caller_that_goes_away_takes_the_process_along(
    processes: list[asyncio.subprocess.Process],
) -> None:
    task = asyncio.create_task(read_apart(csv_of(LINE)))
    while not processes:  # noqa: ASYNC110 (the process is started by somebody else)
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [process.returncode for process in processes] == [-9]


async def test_a_bank_file_is_read_apart_as_it_is_read_here() -> None:
    for data in (bankfiles.csv_of(), bankfiles.xlsx_of()):
        assert await read_bank_apart(data) == [bankfiles.STATEMENT]
    with pytest.raises(FormError, match="no document type"):
        await read_bank_apart(b'<!DOCTYPE x [<!ENTITY a "a">]><x>&a;</x>')
