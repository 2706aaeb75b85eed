"""The day's commands, as a clerk gives them to running nodes."""

import asyncio
import csv
import io
from pathlib import Path

import pytest

from cli.differences import write_differences
from cli.homes import open_register
from cli.localnet import LocalNet
from node.statements import open_statements
from settlement.casefile import CaseRow
from settlement.party import province_of
from settlement.workbook import read_sheet
from tests.cleared import Cleared
from tests.cli.test_commands import SHAANXI, SICHUAN, net, run
from tests.commands import EXAMPLE, as_json, gongzhang
from tests.network import QINGHAI
from tests.settlement.test_importing import file_of

__all__ = ["net"]

ROWS = [CaseRow(**row) for row in csv.DictReader(EXAMPLE.open(encoding="utf-8"))]
MARCH = [
    row for row in ROWS
    if row.setl_time.startswith("2017-03")
    and province_of(row.mdtrtarea_admvs) in (SICHUAN, SHAANXI)
]  # fmt: skip
FIRST = next(row for row in MARCH if province_of(row.mdtrtarea_admvs) == SICHUAN)
DAY = FIRST.setl_time[:10]


# --- wrong use -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "code", "shown"),
    [
        (["statement"], 3, "no node is running"),
        (["statement", "--day", "2017-3-1"], 2, "YYYY-MM-DD"),
        (["confirm", DAY], 3, "no node is running"),
        (["confirm", "yesterday"], 2, "YYYY-MM-DD"),
        (["confirm"], 2, "Missing argument"),
        (["compare", EXAMPLE, "--day", DAY], 3, "no node is running"),
        (["compare", "nowhere.csv", "--day", DAY], 2, "nowhere.csv"),
        (["compare", EXAMPLE, "--day", DAY, "--out", "differences.pdf"], 2, ".xlsx"),
        (["compare", EXAMPLE, "--day", DAY, "--out", EXAMPLE], 2, "does not exist yet"),
    ],
)
def test_what_cannot_be_done_says_so_with_its_exit_code(
    cleared: Cleared, command: list[object], code: int, shown: str
) -> None:
    found, text = run("day", *command, "--home", cleared.home / QINGHAI)
    assert found == code, text
    assert shown in text


# --- a day, with running nodes -------------------------------------------------------------------


def matching(home: Path) -> set[str]:
    """Return the days that match and wait for a clerk; the node compares others meanwhile."""
    with open_register(home) as (_, vault):
        return {day for day, _, state in open_statements(vault) if state == "match"}


async def test_a_clerk_looks_at_a_day_and_confirms_it(net: LocalNet) -> None:
    home = net.folder / QINGHAI
    shown = ["day", "statement", "--day", DAY, "--home", home]
    code, text = run(*shown)
    assert code == 0, text
    assert "nothing with anybody" in text
    assert run("day", "confirm", DAY, "--home", home)[0] == 1  # there is nothing to confirm
    value = await asyncio.to_thread(as_json, *shown, "--again")
    (statement,) = [s for s in value["statements"] if s["with"] == SICHUAN]
    assert (value["ok"], statement["state"]) == (True, "match")
    of_day = [r for r in MARCH if r.setl_time.startswith(DAY) and r.mdtrtarea_admvs[:2] == "51"]
    assert sum(cell["person_times"] for cell in statement["ours"]) == len(of_day)
    assert statement["ours"] == statement["theirs"]
    assert DAY in matching(home)
    assert "day-match" in run("status", "--home", home)[1]
    assert run("day", "confirm", DAY, "--home", home)[0] == 0
    assert DAY not in matching(home)
    code, text = run(*shown, "--with", SICHUAN)
    assert (code, "confirmed" in text) == (0, True)
    assert run(*shown, "--with", QINGHAI)[0] == 1
    done = gongzhang(*shown, GONGZHANG_LANG="zh")
    assert "已确认" in done.stdout
    assert "四川" in done.stdout


async def test_the_provinces_own_export_is_compared_and_the_differences_are_written(
    net: LocalNet, tmp_path: Path
) -> None:
    home = net.folder / QINGHAI
    month = ["--month", "2017-03", "--home", home]
    value = as_json("day", "compare", EXAMPLE, *month)
    assert (value["match"], value["rows"]["node"]) == (True, len(MARCH))
    assert value["rows"]["left_out"] == len(ROWS) - len(MARCH)
    other = [row for row in MARCH if row is not FIRST]
    other.append(FIRST._replace(setl_id="NEW1", medfee_sumamt="-25.00"))
    other.append(other[0]._replace(acct_pay="0.01"))
    export = tmp_path / "export.csv"
    export.write_bytes(file_of(*other, encoding="gb18030"))
    for ending in ("xlsx", "csv"):
        target = tmp_path / f"differences.{ending}"
        code, text = run("day", "compare", export, *month, "--out", target)
        assert code == 1, text
        for shown in ("ONLY_OURS", "ONLY_THEIRS", "DUPLICATE", FIRST.setl_id, "NEW1"):
            assert shown in text
    written = list(
        csv.DictReader(io.StringIO((tmp_path / "differences.csv").read_text("utf-8-sig")))
    )
    (new,) = [r for r in written if r["setl_id"] == "NEW1" and r["column"] == "medfee_sumamt"]
    assert (new["kind"], new["ours"], new["theirs"]) == ("ONLY_THEIRS", "", "-25.00")
    _, *cells = [row for _, row in read_sheet((tmp_path / "differences.xlsx").read_bytes()).rows]
    assert len(cells) == len(written)
    assert [row[4] for row in cells if row[1:3] == ["NEW1", "medfee_sumamt"]] == [-25.0]
    code, text = run("day", "compare", export, *month, "--out", tmp_path / "differences.csv")
    assert code == 2  # nothing is ever overwritten
    export.write_bytes(file_of(FIRST._replace(medfee_sumamt="1.999")))
    code, text = run("day", "compare", export, *month)
    assert (code, "DECIMALS" in text, "line 2" in text) == (1, True, True)
    assert as_json("day", "compare", export, *month)["faults"][0]["column"] == "medfee_sumamt"
    for wrong in (["--side", "both", "--day", DAY], [], ["--day", DAY, "--month", "2017-03"]):
        code, text = run("day", "compare", export, "--home", home, *wrong)
        assert code == 2, text
    treatment = ["--side", "treatment", "--home", net.folder / SICHUAN, "--month", "2017-03"]
    assert as_json("day", "compare", EXAMPLE, *treatment)["match"]


def test_written_differences_hold_what_a_spreadsheet_must_not_run(tmp_path: Path) -> None:
    column = {"column": "mdtrt_id", "ours": "=1+1", "theirs": "-V1"}
    found = [{"kind": "FIELDS", "setl_id": "A1", "columns": [column], "en": "x", "zh": "y"}]
    visits = [{"setl_ids": ["A1", "A2"], "standing": ["A1", "A2"], "medfee_fen": 1, "open": True}]
    for ending in ("csv", "xlsx"):
        assert write_differences(tmp_path / f"d.{ending}", found, visits) == 2
    (line, warning) = csv.DictReader(io.StringIO((tmp_path / "d.csv").read_text("utf-8-sig")))
    assert (line["ours"], line["theirs"]) == ("'=1+1", "'-V1")
    assert (warning["kind"], warning["ours"]) == ("SAME_VISIT", "A1 A2")
    sheet = read_sheet((tmp_path / "d.xlsx").read_bytes())
    assert sheet.formulas == {}
    assert [row[3] for _, row in sheet.rows] == ["ours", "=1+1", "A1 A2"]
