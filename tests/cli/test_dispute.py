"""Disputes on the command line: at running nodes, at a home alone, and for auditors with files."""

import asyncio
import csv
import hashlib
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cli.localnet import LocalNet
from settlement.party import CENTRE
from settlement.record import (
    Dispute,
    DisputeAnswer,
    DisputeRuling,
    Escalation,
    Lines,
    Release,
)
from tests.cleared import Cleared
from tests.cli.test_commands import CASE, SHAANXI, SICHUAN, run, until
from tests.commands import as_json, gongzhang, signed
from tests.network import QINGHAI, Logs, case_row, settlement
from tests.published import close, publish
from tests.settlement.test_importing import file_of

Published = tuple[Path, Path]


# --- for auditors --------------------------------------------------------------------------------


def quarrelsome() -> Logs:
    """Return two closed months: A1 split by a ruling, A2 contested too late, A3 unanswered."""
    logs = Logs()
    logs.add(SICHUAN, settlement("A1"), settlement("A2", 500), settlement("A3", 70))
    logs.accept(QINGHAI, SICHUAN, 2)
    evidence = hashlib.sha256(b"letter").digest()
    assert logs.add(QINGHAI, Dispute(SICHUAN, 0, "PRICE", evidence, [])) is None
    close(logs, "2017-03")
    logs.add(SICHUAN, DisputeAnswer(QINGHAI, 0, b"", "as the contract says", []))
    logs.add(QINGHAI, Escalation(SICHUAN, QINGHAI, 0, "we read it otherwise"))
    assert logs.add(QINGHAI, Dispute(SICHUAN, 1, "FEE_CHECK", b"", [])) is None
    part = Lines(300, 0, 0, 0)
    logs.add(CENTRE, DisputeRuling(SICHUAN, QINGHAI, 0, "split", part, "half is half", []))
    close(logs, "2017-04")
    return logs


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """Return folder and policy of `quarrelsome`."""
    return publish(quarrelsome(), tmp_path_factory.mktemp("quarrel"))


def case(setl_id: str, published: Published) -> dict[str, Any]:
    done = gongzhang("audit", "case", setl_id, published[0], "--policy", published[1], "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_an_audit_computes_months_with_disputes_again(published: Published) -> None:
    report = as_json("audit", "verify", published[0], "--policy", published[1])
    assert report["ok"] is True
    months = {month["month"]: month["pairs_fen"] for month in report["months"]}
    pair = f"{QINGHAI}>{SICHUAN}"
    assert months == {"2017-03": {pair: 500}, "2017-04": {pair: 700}}


def test_the_life_of_a_case_has_what_each_side_and_the_centre_said(published: Published) -> None:
    found = case("A1", published)
    said = found["exception"]
    assert (said["kind"], said["code"], said["log"]) == ("dispute", "PRICE", QINGHAI)
    assert said["evidence"] == hashlib.sha256(b"letter").hexdigest()
    assert (said["answer"]["log"], said["answer"]["text"]) == (SICHUAN, "as the contract says")
    assert [asked["log"] for asked in said["escalations"]] == [QINGHAI]
    assert (said["ruling"]["outcome"], said["ruling"]["upheld_fen"]["employee"]) == ("split", 300)
    assert (found["dispute"]["state"], found["state"]) == ("ruled", "cleared")
    assert found["batch"]["month"] == "2017-04"
    late, silent = case("A2", published), case("A3", published)
    assert (late["dispute"]["late"], late["batch"]["month"]) == (True, "2017-03")
    assert (silent["dispute"]["state"], silent["state"]) == ("upheld", "disputed")


@pytest.mark.parametrize(
    ("setl_id", "english", "chinese"),
    [
        ("A1", "as the contract says", "裁决"),
        ("A1", "part of it is owed", "部分应付"),
        ("A1", "asked for a ruling", "提请裁决"),
        ("A2", "the dispute holds nothing", "提出争议时已清算"),
        ("A3", "did not answer in time", "逾期未答复"),
    ],
)
def test_the_page_of_a_contested_case_in_both_languages(
    published: Published, setl_id: str, english: str, chinese: str
) -> None:
    given = ["audit", "case", setl_id, published[0], "--policy", published[1]]
    assert english in gongzhang(*given).stdout
    assert chinese in gongzhang(*given, GONGZHANG_LANG="zh").stdout


def test_exported_tables_name_disputes_and_what_was_ruled(
    published: Published, tmp_path: Path
) -> None:
    given = ["--policy", published[1], "--format", "csv"]
    assert gongzhang("audit", "export", published[0], tmp_path / "out", *given).returncode == 0
    text = (tmp_path / "out" / "exceptions.csv").read_text(encoding="utf-8-sig")
    rows = {row["setl_id"]: row for row in csv.DictReader(text.splitlines())}
    split, late, silent = rows["A1"], rows["A2"], rows["A3"]
    assert (split["code"], split["acceptance_index"], split["dispute_index"]) == ("PRICE", "", "1")
    assert (split["outcome"], split["upheld_employee_fen"]) == ("split", "300")
    assert int(split["ruling_index"]) > 0
    assert (split["answer_index"] != "", split["escalation_index"] != "") == (True, True)
    assert (late["dispute_index"] != "", late["ruling_index"]) == (True, "")
    assert (silent["acceptance_index"], silent["dispute_index"]) == ("0", "")


def test_a_log_with_a_void_dispute_says_why(tmp_path: Path) -> None:
    logs = quarrelsome()
    logs.add(QINGHAI, Release(SICHUAN, [2], []))
    assert logs.add(QINGHAI, Escalation(SICHUAN, QINGHAI, 2, "")) == "EXCEPTION"
    source, policy = publish(logs, tmp_path)
    done = gongzhang("audit", "verify", source, "--policy", policy)
    assert (done.returncode, "no such exception or dispute is open" in done.stdout) == (0, True)


# --- at a home whose node is down ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "code", "shown"),
    [
        (["list"], 0, "Disputes"),
        (["list", "--open"], 0, "Disputes"),
        (["show", CASE], 1, "UNKNOWN"),
        (["open", CASE, "--log", SICHUAN, "--reason", "PRICE"], 3, "no node is running"),
        (["answer", CASE, "--text", "x"], 3, "no node is running"),
        (["release", CASE, "--log", SICHUAN], 3, "no node is running"),
        (["escalate", CASE, "--reason", "x"], 3, "no node is running"),
        (["rule", CASE, "--insured", QINGHAI, "--outcome", "uphold", "--reason", "x"], 3,
         "no node is running"),
        (["rule", CASE, "--insured", QINGHAI, "--outcome", "split", "--reason", "x",
          "--employee", "1"], 2, "two decimals"),
        (["answer", CASE, "--text", "x", "--evidence", "nowhere.pdf"], 2, "nowhere.pdf"),
        (["open", CASE, "--log", SICHUAN], 2, "--reason"),
    ],
)  # fmt: skip
def test_at_a_home_alone(cleared: Cleared, command: list[str], code: int, shown: str) -> None:
    found, text = run("dispute", *command, "--home", cleared.home / QINGHAI)
    assert found == code, text
    assert shown in text
    assert as_json("dispute", "list", "--home", cleared.home / CENTRE)["disputes"] == []


# --- at running nodes ----------------------------------------------------------------------------


@pytest.fixture
async def net(cleared: Cleared, tmp_path: Path) -> AsyncIterator[LocalNet]:
    """Return the cleared network, copied and started again."""
    folder = tmp_path / "net"
    shutil.copytree(cleared.home, folder, ignore=shutil.ignore_patterns("*.sock", "node.log"))
    net = LocalNet(folder)
    await net.start([CENTRE, SICHUAN, SHAANXI, QINGHAI])
    await net.unlocked([CENTRE, SICHUAN, SHAANXI, QINGHAI])
    yield net
    await net.stop()


async def test_a_dispute_from_the_first_word_to_the_batch(net: LocalNet, tmp_path: Path) -> None:
    centre, theirs, mine = (net.folder / code for code in (CENTRE, SICHUAN, QINGHAI))
    may = {"begndate": "2017-05-01", "enddate": "2017-05-05"}
    at = "2017-05-05T10:00:00+08:00"
    rows, letter = tmp_path / "rows.csv", tmp_path / "letter.txt"
    letter.write_text("dear all", encoding="utf-8")
    rows.write_bytes(file_of(case_row(setl_id="X1", setl_time=at, **may)))
    assert as_json("entry", "import", rows, "--home", theirs)["entered"] == 1
    opened: list[object] = ["dispute", "open", "X1", "--log", SICHUAN, "--reason", "PRICE",
                            "--evidence", letter, "--home", mine]  # fmt: skip
    await until(opened, f"{SICHUAN} answers until the cut of 2017-06")
    await until(["status", "--home", theirs], "answer until the cut of 2017-06")
    late = as_json("dispute", "open", CASE, "--log", SICHUAN, "--reason", "OTHER", "--home", mine)
    assert (late["dispute"]["late"], late["dispute"]["holds"]) == (True, False)
    code, text = run("dispute", "answer", "X1", "--text", "按合同", "--home", theirs)
    assert (code, "releases it or asks" in text) == (0, True)
    await until(["dispute", "list", "--home", mine], "answered")
    asked = ["dispute", "escalate", "X1", "--reason", "no", "--home", mine]
    assert "rules" in run(*asked)[1]
    ruled: list[object] = ["dispute", "rule", "X1", "--insured", QINGHAI, "--outcome", "split",
                           "--reason", "half", "--employee", "30.00"]  # fmt: skip
    await until([*ruled, "--home", centre], "waits for 2 more")
    assert signed(centre, *ruled)["dispute"]["state"] == "ruled"
    shown = await until(["dispute", "show", "X1", "--home", mine], "part of it is owed")
    for words in ("按合同", hashlib.sha256(b"dear all").hexdigest(), "30.00", "half"):
        assert words in shown
    assert "ruled by the centre" in run("entry", "show", "X1", "--home", theirs)[1]
    assert "the dispute holds nothing" in run("entry", "show", CASE, "--home", mine)[1]
    chinese = gongzhang("dispute", "list", "--home", mine, GONGZHANG_LANG="zh")
    assert "待办方" in chinese.stdout
    listed = as_json("dispute", "list", "--open", "--home", mine)["disputes"]
    assert [item["setl_id"] for item in listed] == [CASE]
    await until(["batch", "close", "2017-05", "--home", centre, "--dry-run"], "would clear 1 ")
    assert "entered" in signed(centre, "batch", "close", "2017-05")
    await until(["approval", "list", "--home", centre], "confirm 2017-05")
    assert "entered" in signed(centre, "batch", "confirm", "2017-05")
    await until(["batch", "show", "2017-05", "--home", mine], "CONFIRMED")
    report = as_json("batch", "show", "2017-05", "--home", mine)
    assert report["pairs_fen"] == {f"{QINGHAI}>{SICHUAN}": 8_000 - 3_000}
    assert run("dispute", "release", "X1", "--log", SICHUAN, "--home", mine)[0] == 0
    await asyncio.sleep(2)
    code, text = run("audit", "verify", mine, "--policy", net.folder / "auditor.policy")
    assert code == 0, text


def test_a_dispute_is_opened_from_the_work_of_the_day_too(tmp_path: Path) -> None:
    words = ["A1", "--log", SICHUAN, "--reason", "PRICE", "--home", tmp_path]
    by_day, by_name = gongzhang("day", "dispute", *words), gongzhang("dispute", "open", *words)
    assert "no node is running" in by_day.stderr
    assert (by_day.returncode, by_day.stderr) == (by_name.returncode, by_name.stderr)
