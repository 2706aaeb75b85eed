"""The commands one by one: what they print, what they refuse, and their exit codes."""

import asyncio
import io
import json
import shutil
import stat
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from rich.console import Console

from cli import output
from cli.joinfile import JoinFile, format_join, parse_join
from cli.localnet import LocalNet, free_ports
from ledger.errors import FormError
from settlement.party import CENTRE
from tests.cleared import Cleared
from tests.commands import EXAMPLE, ROOT, as_json, environment, gongzhang, signed
from tests.network import QINGHAI, case_row, member
from tests.settlement.test_importing import file_of

SICHUAN, SHAANXI = "510000", "610000"
CASE = "A5101001703030000017"


def run(*arguments: object) -> tuple[int, str]:
    done = gongzhang(*arguments)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("columns", [60, 80, 100])
def test_a_narrow_terminal_breaks_texts_and_neither_cuts_amounts_nor_loses_columns(
    columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = Console(width=columns, file=io.StringIO(), record=True)
    monkeypatch.setattr(output, "out", lambda: screen)
    amounts = ["304,644.01", "9,999,999.99"]
    heads = [("duty", "left"), ("how it is done", "left"), ("yuan, by all of them", "right")]
    heads += [("open", "right"), ("state", "left")]
    text = "leg 1 of 2017-05 is overdue: share out what is missing among all who have a claim"
    screen.print(output.table("Legs", heads, [["shortfall", text, *amounts, "OVERDUE"]]))
    shown = screen.export_text()
    assert all(amount in shown for amount in amounts)
    assert all(word in shown for word in [*text.split(), "shortfall", "OVERDUE", "state", "duty"])
    assert "…" not in shown
    assert max(map(len, shown.splitlines())) <= columns


# --- reading a home whose node is down -----------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (["status"], "matches and is not confirmed"),
        (["roster", "show"], "a batch 2 matches"),
        (["log", "show", "--log", CENTRE], "Proposal"),
        (["batch", "show", "2017-04"], "FINAL"),
        (["batch", "models", "2017-04"], "(net_hub) (in force)"),
        (["leg", "list", "2017-04"], "RECEIVED"),
        (["entry", "show", CASE], "cleared"),
        (["log", "fsck"], ""),
    ],
)
def test_reading_works_without_a_running_node(
    cleared: Cleared, command: list[str], shown: str
) -> None:
    code, text = run(*command, "--home", cleared.home / QINGHAI)
    assert code == 0, text
    assert shown in text


def test_every_command_speaks_json(cleared: Cleared) -> None:
    home = cleared.home / QINGHAI
    assert {duty["what"] for duty in as_json("status", "--home", home)["duties"]} == {"day-match"}
    assert as_json("roster", "show", "--home", home)["batch_quorum"] == 2
    assert as_json("log", "show", "--home", home)["entries"][0]["kind"] == "Acceptance"
    assert as_json("batch", "show", "2017-03", "--home", home)["state"] == "FINAL"
    assert as_json("entry", "show", CASE, "--home", home)["batch"] == "2017-03"
    assert as_json("entry", "show", "nobody", "--home", home)["exit"] == 1


def test_chinese_is_spoken_where_it_is_asked_for(cleared: Cleared) -> None:
    home = cleared.home / QINGHAI
    for command, shown in [(["status"], "青海"), (["batch", "show", "2017-03"], "双边金额")]:
        done = gongzhang(*command, "--home", home, GONGZHANG_LANG="zh")
        assert shown in done.stdout


@pytest.mark.parametrize(
    ("command", "code", "shown"),
    [
        (["day", "accept"], 3, "not running|no node is running"),
        (["batch", "close", "2017-05"], 3, "no node is running"),
        (["entry", "import", EXAMPLE], 3, "no node is running"),
        (["leg", "paid", "2017-03", "1", "--reference", "B"], 3, "no node is running"),
        (["entry", "show", "nobody"], 1, "UNKNOWN"),
        (["batch", "show", "2019-01"], 1, "not been proposed"),
        (["batch", "show", "2019-1"], 2, "YYYY-MM"),
        (["log", "show", "--log", "990000"], 2, "990000"),
        (["log", "show", "--count", "0"], 2, "count"),
        (["nonsense"], 2, "nonsense"),
    ],
)
def test_what_cannot_be_done_says_so_with_its_exit_code(
    cleared: Cleared, command: list[object], code: int, shown: str
) -> None:
    found, text = run(*command, "--home", cleared.home / QINGHAI)
    assert found == code, text
    assert any(part in text for part in shown.split("|")), text


def test_a_folder_that_is_no_home_is_wrong_use(tmp_path: Path) -> None:
    for command in (["status"], ["log", "show"], ["node", "run"], ["entry", "show", "A"]):
        code, text = run(*command, "--home", tmp_path)
        assert code == 2, text


def test_an_export_into_a_folder_in_use_is_refused(cleared: Cleared, tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("dear", encoding="utf-8")
    assert run("log", "export", tmp_path, "--home", cleared.home / QINGHAI)[0] == 2
    assert [path.name for path in tmp_path.iterdir()] == ["letter"]


# --- founding ------------------------------------------------------------------------------------


def test_keys_are_for_their_owner_alone_and_sealed_if_asked(tmp_path: Path) -> None:
    home = tmp_path / "home"
    done = subprocess.run(
        ["gongzhang", "node", "init", QINGHAI, "--home", str(home), "--url", "http://127.0.0.1:1",
         "--passphrase"],
        input="correct horse\n", text=True, env=environment(), capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for path in (home / "keys").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert b"horse" not in path.read_bytes()
    code, text = run("node", "init", QINGHAI, "--home", home, "--url", "http://127.0.0.1:1")
    assert code == 2
    assert "empty" in text


def test_a_sealed_node_starts_with_its_passphrase_and_not_with_another(tmp_path: Path) -> None:
    for code in (CENTRE, SICHUAN, QINGHAI):
        command = ["gongzhang", "node", "init", code, "--home", str(tmp_path / code),
                   "--url", f"http://127.0.0.1:{free_ports(1)[0]}"]  # fmt: skip
        if code == QINGHAI:
            command.append("--passphrase")
        subprocess.run(command, input="horse\n", text=True, env=environment(), check=True,
                       capture_output=True)  # fmt: skip
    joins = [tmp_path / f"{code}.join" for code in (CENTRE, SICHUAN, QINGHAI)]
    assert run("roster", "genesis", *joins, "--out", tmp_path / "network")[0] == 0
    home = tmp_path / QINGHAI
    assert run("node", "join", tmp_path / "network" / "network.genesis", "--home", home)[0] == 0
    secrets = tmp_path / "credentials"
    secrets.mkdir()
    (secrets / "passphrase").write_text("mule\n", encoding="utf-8")
    wrong = gongzhang("node", "run", "--home", home, CREDENTIALS_DIRECTORY=str(secrets))
    assert wrong.returncode == 2
    (secrets / "passphrase").write_text("horse\n", encoding="utf-8")
    node = subprocess.Popen(
        ["gongzhang", "node", "run", "--home", str(home)], stderr=subprocess.PIPE,
        env=environment(CREDENTIALS_DIRECTORY=str(secrets)),
    )  # fmt: skip
    try:
        assert node.stderr is not None
        assert b"running" in node.stderr.readline()
    finally:
        node.terminate()
        assert node.wait(20) == 0


def test_a_genesis_without_this_node_or_with_other_keys_is_not_joined(tmp_path: Path) -> None:
    for code in (CENTRE, SICHUAN, SHAANXI, QINGHAI):
        given = ["--home", tmp_path / code, "--url", "http://127.0.0.1:1"]
        assert run("node", "init", code, *given)[0] == 0
    joins = [tmp_path / f"{code}.join" for code in (CENTRE, SICHUAN, SHAANXI)]
    assert run("roster", "genesis", *joins, "--out", tmp_path / "network")[0] == 0
    genesis = tmp_path / "network" / "network.genesis"
    code, text = run("node", "join", genesis, "--home", tmp_path / QINGHAI)
    assert code == 2
    assert QINGHAI in text
    shutil.rmtree(tmp_path / SICHUAN)
    run("node", "init", SICHUAN, "--home", tmp_path / SICHUAN, "--url", "http://127.0.0.1:1")
    code, text = run("node", "join", genesis, "--home", tmp_path / SICHUAN)
    assert code == 2
    assert "keys" in text
    assert run("node", "join", genesis, "--home", tmp_path / SHAANXI)[0] == 0
    assert run("node", "join", genesis, "--home", tmp_path / SHAANXI)[0] == 2  # only once
    assert run("roster", "genesis", *joins, "--out", tmp_path / "network")[0] == 2
    assert run("roster", "genesis", *joins[1:], "--out", tmp_path / "other")[0] == 2


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("gongzhang-join v1", "gongzhang-join v2"), ("code 630000", "code 990000"),
        ("url http", "url ftp"), ("entry ", "entry 0"), ("witness", "witless"), ("\n", "\r\n"),
    ],
)  # fmt: skip
def test_a_join_file_has_one_form(old: str, new: str) -> None:
    text = format_join(JoinFile(member(QINGHAI), "http://127.0.0.1:7063"))
    assert parse_join(text, "here").member == member(QINGHAI)
    with pytest.raises(FormError):
        parse_join(text.replace(old, new), "here")


# --- with running nodes --------------------------------------------------------------------------


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


async def until(command: list[object], shown: str, seconds: int = 30) -> str:
    for _ in range(seconds * 2):
        _, text = await asyncio.to_thread(run, *command)
        if shown in text:
            return text
        await asyncio.sleep(0.5)
    raise AssertionError(f"{command} never showed {shown!r}: {text}")


async def test_files_with_faults_change_nothing_and_name_the_place(
    net: LocalNet, tmp_path: Path
) -> None:
    home = net.folder / SICHUAN
    before = as_json("log", "show", "--home", home)["size"]
    good = case_row(setl_id="X1")
    for name, data, shown in [
        ("sum", file_of(good, case_row(setl_id="X2", medfee_sumamt="9.00")), "SUM_TOTAL"),
        ("twice", file_of(good, case_row(setl_id="X1", psn_no="P9")), "DUPLICATE"),
        ("code", file_of(case_row(setl_id="X1", insutype="999")), "CODE"),
        ("cut", file_of(good)[:-9], "TRUNCATED"),
        ("mine", file_of(case_row(setl_id="X1", mdtrtarea_admvs="540100")), "NOT_MINE"),
    ]:
        path = tmp_path / f"{name}.csv"
        path.write_bytes(data)
        code, text = run("entry", "import", path, "--home", home)
        assert code == 1, text
        assert shown in text
    assert as_json("log", "show", "--home", home)["size"] == before
    path.write_bytes(b"\xef\xbb\xbf" + file_of(good))
    assert as_json("entry", "import", path, "--home", home)["entered"] == 1
    path.write_bytes(file_of(good, case_row(setl_id="X2"), newline="\r\n", encoding="gb18030"))
    assert as_json("entry", "import", path, "--home", home)["entered"] == 1
    assert run("entry", "import", tmp_path / "nowhere.csv", "--home", home)[0] == 2


async def test_a_second_node_in_one_home_is_refused(net: LocalNet) -> None:
    code, text = run("node", "run", "--home", net.folder / QINGHAI)
    assert code == 4
    assert "already running" in text


async def test_orders_out_of_turn_are_refused(net: LocalNet) -> None:
    centre, home = net.folder / CENTRE, net.folder / QINGHAI
    for command, shown in [
        (["batch", "close", "2017-07", "--home", centre], "MONTH"),
        (["batch", "close", "2017-05", "--home", home], "VERB"),
        (["batch", "attest", "--home", home], "STATE"),
        (["batch", "confirm", "2017-04", "--home", centre], "STATE"),
        (
            ["leg", "paid", "2017-04", "1", "--home", home, "--reference", "B", "--payee", "9"],
            "--payee",
        ),
        (
            ["leg", "paid", "2017-04", "1", "--home", home, "--reference", "B", "--date", "2"],
            "FORM",
        ),
        (["leg", "draw", "2017-04", "1", "--home", home, "--dry-run"], "NOTHING_LEFT"),
        (["leg", "paid", "2017-04", "99", "--home", home, "--reference", "B"], "LEG"),
        (["leg", "paid", "2017-04", "1", "--home", home, "--reference", "B 1"], "FORM|reference"),
    ]:
        code, text = run(*command)
        assert code in (1, 2), text
        assert any(part in text for part in shown.split("|")), text


async def test_a_participant_joins_later_and_takes_part(net: LocalNet, tmp_path: Path) -> None:
    folder, new = net.folder, "540000"
    url = f"http://127.0.0.1:{free_ports(1)[0]}"
    assert run("node", "init", new, "--home", folder / new, "--url", url)[0] == 0
    join = folder / f"{new}.join"
    keys = [folder / "governance" / f"{n}.key" for n in (1, 2)]
    one_key = ["roster", "admit", join, "--home", folder / CENTRE, "--key", keys[0]]
    assert run(*one_key)[0] == 1  # one of three governors is not enough
    code, text = run(*one_key, "--key", keys[1])
    assert code == 0, text
    peers = folder / "peers.toml"
    known = {c: _url(folder / c) for c in (CENTRE, SICHUAN, SHAANXI, QINGHAI)}
    peers.write_text("[peers]\n" + "".join(f'{c} = "{u}"\n' for c, u in known.items()), "utf-8")
    genesis = folder / "network.genesis"
    assert run("node", "join", genesis, "--home", folder / new)[0] == 2  # without its admission
    admission = folder / f"{new}.admission"
    code, text = run("node", "join", genesis, "--home", folder / new, "--admission", admission)
    assert code == 0, text
    await net.stop()
    for code_ in known:
        with (folder / code_ / "node.toml").open("a", encoding="utf-8") as file:
            file.write(f'{new} = "{url}"\n')
    await net.start([*known, new])
    await net.unlocked([*known, new])
    rows = tmp_path / "rows.csv"
    may = {"begndate": "2017-05-01", "enddate": "2017-05-05"}
    at = "2017-05-05T10:00:00+08:00"
    row = case_row(setl_id="T1", mdtrtarea_admvs="540100", setl_time=at, **may)
    rows.write_bytes(file_of(row))
    assert as_json("entry", "import", rows, "--home", folder / new)["entered"] == 1
    centre = folder / CENTRE
    await until(["batch", "close", "2017-05", "--home", centre, "--dry-run"], "would clear 1 ")
    assert "entered" in signed(centre, "batch", "close", "2017-05")
    await until(["approval", "list", "--home", centre], "confirm 2017-05")
    assert "entered" in signed(centre, "batch", "confirm", "2017-05")
    await until(["batch", "show", "2017-05", "--home", folder / new], "CONFIRMED")
    report = as_json("batch", "show", "2017-05", "--home", folder / new)
    assert report["pairs_fen"] == {"630000>540000": 8_000}
    assert report["matches"] == [SICHUAN, new, SHAANXI, QINGHAI]
    await asyncio.sleep(2)
    policy = folder / "auditor.policy"
    for code_ in (new, QINGHAI):
        found, text = run("audit", "verify", folder / code_, "--policy", policy)
        assert found == 0, text


def _url(home: Path) -> str:
    text = (home / "node.toml").read_text(encoding="utf-8")
    (line,) = [line for line in text.splitlines() if line.startswith("url = ")]
    return str(json.loads(line.removeprefix("url = ")))


async def test_a_node_whose_store_was_lost_gets_its_log_back(net: LocalNet) -> None:
    home = net.folder / SICHUAN
    size = as_json("log", "show", "--home", home)["size"]
    await net.stop()
    (home / "data").rename(home / "data.lost")
    assert run("node", "run", "--home", home)[0] == 4
    await net.start([CENTRE, SHAANXI, QINGHAI])
    with (home / "node.log").open("wb") as log:
        node = await asyncio.create_subprocess_exec(
            "gongzhang", "node", "recover", "--home", str(home), env=environment(),
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        await until(["log", "show", "--home", home, "--from", size, "--json"], '"Restore"')
        policy = net.folder / "auditor.policy"
        await until(["audit", "verify", home, "--policy", policy], "VERIFIED: 4 logs")
        code, text = run("log", "fsck", "--home", home)
        assert code == 0, text
    finally:
        node.terminate()
        assert await asyncio.wait_for(node.wait(), 20) == 0


async def test_rules_and_holidays_come_into_force_by_an_order(
    net: LocalNet, tmp_path: Path
) -> None:
    centre, home = net.folder / CENTRE, net.folder / QINGHAI
    size = as_json("log", "show", "--home", centre)["size"]
    done = await asyncio.to_thread(signed, centre, "roster", "ruleset", "national-2016")
    assert (done["name"], done["index"]) == ("national-2016", size)
    holidays = tmp_path / "2017.toml"
    text = (ROOT / "configs" / "holidays" / "2017.toml").read_text(encoding="utf-8")
    holidays.write_text(text.replace("china-2017", "mine-2017"), encoding="utf-8")
    done = await asyncio.to_thread(signed, centre, "roster", "holidays", holidays)
    assert (done["name"], done["index"]) == ("mine-2017", size + 1)
    # A month that was proposed before keeps its rules; the next one has the new ones.
    shown = await until(["calendar", "2017-05", "--home", home], f"mine-2017 (entry {size + 1})")
    assert f"national-2016 (entry {size})" in shown
    before = as_json("calendar", "2017-04", "--home", home)["rulesets"]
    assert [(rules["name"], rules["entry"]) for rules in before] == [("interprovince-net", 1)]
    holidays.write_text("year = 2017\n", encoding="utf-8")
    for command, shown in [
        (["roster", "holidays", holidays, "--home", centre], "holidays"),
        (["roster", "holidays", tmp_path / "nowhere.toml", "--home", centre], "nowhere"),
        (["roster", "ruleset", "national-2017", "--home", centre], "national-2016"),
        (["roster", "ruleset", holidays, "--home", centre], "rule set"),
    ]:
        code, text = run(*command)
        assert (code, shown in text) == (2, True), text
    assert run("roster", "ruleset", "jiangsu-2017", "--home", home)[0] == 1


async def test_a_node_signs_the_cities_of_a_month_and_an_auditor_follows_one_case(
    net: LocalNet, cleared: Cleared, tmp_path: Path
) -> None:
    home, target = net.folder / QINGHAI, tmp_path / "case.json"
    done = await asyncio.to_thread(as_json, "city", "sign", "2017-03", "--home", home)
    assert (done["ok"], done["cities"]) == (True, 1)
    assert as_json("city", "sign", "2017-03", "--home", home)["index"] == done["index"]
    await until(["status", "--home", home], "gongzhang city sign 2017-04")
    await until(["city", "prove", CASE, "--home", home, "--out", target], "is counted with")
    found = as_json("audit", "city", target, "--policy", cleared.policy)
    assert found["statement"]["document_hash"] == done["hash"]
    assert found["batch"]["certificate_index"] is not None
    assert [leg["payer"] for leg in found["legs"]] == [QINGHAI]
