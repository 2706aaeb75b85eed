"""`gongzhang prepay` with real nodes of a new network: right and wrong input, both languages."""

import asyncio
import json
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
