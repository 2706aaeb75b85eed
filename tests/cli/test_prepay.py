"""`gongzhang prepay` with real nodes of a new network: right and wrong input, both languages."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio
import typer.main
from click.testing import CliRunner

from cli.localnet import LocalNet, found
from cli.main import app
from settlement import shipped
from settlement.party import CENTRE
from settlement.record import PairAmount
from settlement.workbook import read_sheet
from tests.bankfiles import csv_of
from tests.commands import ROOT
from tests.network import QINGHAI, SICHUAN, TIBET, Logs
from tests.prepaid import came, demand_of, give_quotas, sent
from tests.published import publish
from tests.settlement.test_quota import claimed, year_of_example

CODES = [SICHUAN, TIBET, QINGHAI]
QUOTAS = "debtor,creditor,amount\n630000,510000,1000.00\n540000,510000,5.00\n"


def run(*words: object, **changes: str) -> tuple[int, str]:
    """Run a command within this process: a new one for each takes a second."""
    given = {"COLUMNS": "200", "GONGZHANG_LANG": "en", **changes}
    done = CliRunner().invoke(typer.main.get_command(app), [*map(str, words)], env=given)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def ran(*words: object, **changes: str) -> tuple[int, str]:
    return run("prepay", *words, **changes)


def as_json(*words: object) -> Any:
    return json.loads(run(*words, "--json")[1])


async def shown(words: list[object], text: str, *, code: int = 0, **changes: str) -> str:
    """Run a command until it shows a text (others have to hear first); return what it printed."""
    for _ in range(40):
        found = await asyncio.to_thread(ran, *words, **changes)
        if found[0] == code and text in found[1]:
            return found[1]
        await asyncio.sleep(0.3)
    raise AssertionError((words, found))


@pytest_asyncio.fixture(loop_scope="function")
async def net(tmp_path: Path) -> AsyncIterator[LocalNet]:
    folder = tmp_path / "net"
    folder.mkdir()
    found(folder, CODES, business_date="2017-02-10")
    rules = tmp_path / "rules.toml"
    rules.write_bytes(shipped.ruleset("national-2022"))
    running = LocalNet(folder, ruleset=rules)
    await running.start([CENTRE, *CODES])
    await running.unlocked([CENTRE, *CODES])
    yield running
    await running.stop()


async def test_a_new_network_from_quota_to_statement(net: LocalNet, tmp_path: Path) -> None:
    centre, debtor = net.folder / CENTRE, net.folder / QINGHAI
    file, bad = tmp_path / "quotas.csv", tmp_path / "bad.csv"
    file.write_text(QUOTAS, encoding="utf-8")
    bad.write_text(QUOTAS.replace("1000.00", "1,000"), encoding="utf-8")
    give: list[object] = ["quota", "2017", "--home", centre, "--given"]
    for words, code, text in (
        (["quota", "2017", "--home", centre], 1, "by hand"),
        ([*give, bad, "--reason", "new"], 2, "bad.csv, line 2"),
        ([*give, file], 2, "--reason"),
        ([*give, tmp_path / "none.csv", "--reason", "new"], 2, "none.csv"),
        (["demand", "2017", "--home", centre], 1, "not fixed"),
        (["demand", "2017", "--due", "2017-02-30", "--home", centre], 2, "YYYY-MM-DD"),
    ):
        found_code, printed = await asyncio.to_thread(ran, *words)
        assert (found_code, text in printed) == (code, True), printed
    await shown([*give, file, "--reason", "new", "--dry-run"], "not written into the log")
    await shown([*give, file, "--reason", "new"], "1,005.00")
    await shown(["demand", "2017", "--home", centre], "until 2017-02-28")
    chinese = await shown(["list", "--home", debtor], "2017-01 2", GONGZHANG_LANG="zh")
    assert all(word in chinese for word in ("青海省", "四川省", "1,000.00", "应付", "年度调整"))
    pay: list[object] = ["paid", "2017-01", "2", "--home", debtor, "--reference", "B1"]
    for words, code, text in (
        ([*pay, "--amount", "0.00"], 2, "above zero"),
        ([*pay, "--amount", "1000.01"], 1, "EXCEEDS"),
        (["paid", "2017-01", "3", "--home", debtor, "--reference", "B1"], 1, "rows 1 to 2"),
    ):
        found_code, printed = await asyncio.to_thread(ran, *words)
        assert (found_code, text in printed) == (code, True), printed
    await shown([*pay, "--amount", "400.00"], "600.00 yuan still to be sent")
    await shown(["statement", QINGHAI, SICHUAN, "--home", net.folder / TIBET], "under way 400.00")
    got: list[object] = ["received", "2017-01", "2", "--home", net.folder / SICHUAN]
    await shown([*got, "--reference", "B1"], "400.00 yuan received")
    pairs = await asyncio.to_thread(
        as_json, "prepay", "show", QINGHAI, "--home", net.folder / TIBET
    )
    assert [(p["creditor"], p["held_fen"], p["to_pay_fen"]) for p in pairs["pairs"]] == [
        (SICHUAN, 40_000, 60_000)
    ]
    await asyncio.to_thread(_by_file, net, tmp_path)


def _by_file(net: LocalNet, tmp_path: Path) -> None:
    """Let the rest of the row, 600.00, be paid by a file and both banks' statements."""
    debtor, file = net.folder / QINGHAI, tmp_path / "pay.xlsx"
    accounts = ["--accounts", ROOT / "configs/examples/accounts.csv"]
    words: list[object] = ["instruct", "2017-01", "--home", debtor, "--out", file, *accounts]
    code, printed = ran(*words, "--dry-run", GONGZHANG_LANG="zh")
    assert (code, file.exists()) == (0, False), printed
    assert all(word in printed for word in ("付款文件", "资金性质", "预付金", "600.00"))
    for given, expected, said in (
        ([*words, 1], 1, "paid by 540000"), ([*words, 3], 1, "rows 1 to 2"),
        (["instruct", "2017-02", *words[2:]], 1, "no demand"),
        ([*words, "--format", "x"], 2, "xlsx or pain.001"),
        (["instruct", "2017-01", "--home", debtor, "--out", file], 2, "accounts file"),
        (["instruct", "2017-01", "--home", net.folder / SICHUAN, *words[4:]], 1, "nothing is left"),
    ):  # fmt: skip
        code, printed = ran(*given)
        assert (code, said in " ".join(printed.split())) == (expected, True), printed
    made = as_json("prepay", *words)
    assert [(p["row"], p["purpose"], p["attempt"], p["fen"]) for p in made["payments"]] == [
        (2, "prepayment", 2, 60_000)
    ]
    name = made["payments"][0]["end_to_end"]
    cells = [values for _, values in read_sheet(file.read_bytes()).rows][1]
    assert cells[7:] == [600.0, f"{name} 预付金", "预付金"]
    again = as_json("prepay", *words[:5], tmp_path / "again.xlsx", *accounts)
    assert (again["again"], again["index"]) == (True, made["index"])
    assert (tmp_path / "again.xlsx").read_bytes() == file.read_bytes()
    code, printed = ran(*words[:5], tmp_path / "x.xml", *accounts, "--format", "pain.001")
    assert (code, "DUPLICATE" in printed) == (1, True), printed
    code, printed = run("status", "--home", debtor)
    assert "in the file of entry" in printed
    assert "gongzhang bank import FILE" in printed
    for code_, amount, closing in ((QINGHAI, "-600.00", "400.00"), (SICHUAN, "600.00", "1600.00")):
        head = [f"9900{code_}000001", "1", "2017-02-14", "2017-02-14", "1000.00", closing]
        row = [*head, "2017-02-14", "", amount, "", "B9", "", "", "", name, "", "", ""]
        (tmp_path / "s.csv").write_bytes(csv_of([row]))
        home = net.folder / code_
        assert run("bank", "import", tmp_path / "s.csv", "--home", home)[0] == 0
        for _ in range(40):  # the payee has to hear of the payment first
            found = as_json("bank", "match", "--home", home)
            if found["booked"]:
                break
            time.sleep(0.2)
        assert [p["purpose"] for p in found["booked"][0]["payments"]] == ["prepayment"]
    code, printed = run("bank", "lines", "--home", debtor, GONGZHANG_LANG="zh")
    assert "P2017-01/2 付 510000 600.00" in printed
    code, printed = ran("list", "--home", net.folder / SICHUAN)
    assert "received" in printed


def test_an_audit_finds_a_quota_altered_by_one_fen(tmp_path: Path) -> None:
    logs = year_of_example("national-2022")
    rows = claimed(logs).rows
    rows[1] = PairAmount(rows[1].debtor, rows[1].creditor, rows[1].fen + 1)
    assert logs.add(CENTRE, claimed(logs, rows=rows)) is None
    source, policy = publish(logs, tmp_path)
    report = as_json("audit", "verify", source, "--policy", policy)
    assert report["exit"] == 1
    assert report["findings"] == [
        {
            "kind": "false",
            "place": "quota 2018",
            "text": "630000 to 510000: 2424324.09 yuan where the batches of 2017-10 to 2017-12 "
            "give 2424324.08",
        }
    ]


def test_prepayments_are_exported_and_given_quotas_named_as_such(tmp_path: Path) -> None:
    logs = Logs()
    give_quotas(logs, {(QINGHAI, SICHUAN): 900, (TIBET, SICHUAN): 50})
    logs.add(CENTRE, demand_of(logs, "2017-01", {(QINGHAI, SICHUAN): 900, (TIBET, SICHUAN): 50}))
    logs.add(QINGHAI, sent("prepayment", "2017-01", 2, SICHUAN, 900))
    logs.add(SICHUAN, came("prepayment", "2017-01", 2, QINGHAI, 900))
    source, policy = publish(logs, tmp_path)
    code, printed = run("audit", "verify", source, "--policy", policy)
    assert code == 0, printed
    assert "2017 given by hand, not to be recomputed" in printed
    assert "9.00 yuan held" in printed
    tables = tmp_path / "tables"
    export = ["audit", "export", source, tables, "--policy", policy, "--format", "csv"]
    assert run(*export)[0] == 0
    assert {
        name: (tables / f"{name}.csv").read_text(encoding="utf-8-sig").splitlines()[1:]
        for name in ("quotas", "demands", "prepayment")
    } == {
        "quotas": [f"2017,{TIBET},{SICHUAN},50,given,2", f"2017,{QINGHAI},{SICHUAN},900,given,2"],
        "demands": [
            f"2017-01,1,yearly,{TIBET},{SICHUAN},50,2017-02-28,DUE,0,0,3",
            f"2017-01,2,yearly,{QINGHAI},{SICHUAN},900,2017-02-28,RECEIVED,900,136,3",
        ],
        "prepayment": [f"{SICHUAN},0,{QINGHAI},received,2017-01,2,900,900,0"],
    }
