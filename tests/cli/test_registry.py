"""`gongzhang person`, `registration` and `institution`: with a running network and without one."""

import asyncio
import csv
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cli.localnet import LocalNet
from cli.person import _opening
from ledger.errors import FormError
from settlement.party import CENTRE
from settlement.person import TOKEN
from tests.cleared import Cleared
from tests.commands import EXAMPLE, as_json, gongzhang
from tests.network import QINGHAI
from tests.registry import HOSPITAL

SICHUAN, SHAANXI = "510000", "610000"
NOBODY = "630100-" + "A" * 26
ZHANG = ["--name", "张三", "--birth", "1950-02-03", "--area", "630100", "--insutype", "310"]


def run(*arguments: object, **changes: str) -> tuple[int, str]:
    done = gongzhang(*arguments, **changes)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout + done.stderr


# --- without a running node ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "code", "shown"),
    [
        (["institution", "find", "--area", "510100"], 0, "none found"),
        (["institution", "find", "--area", "51"], 2, "six digits"),
        (["institution", "find", "--area", "510100", "--inpatient", "--chronic"], 2, "one of them"),
        (["institution", "find", "--area", "510100", "--state", "shut"], 2, "open, suspended"),
        (["institution", "find", "--area", "510100", "--limit", "0"], 2, "limit"),
        (["institution", "show", HOSPITAL], 1, "INSTITUTION_UNKNOWN"),
        (["institution", "show", "H1"], 2, "a letter"),
        (["institution", "suspend", HOSPITAL, "--reason", "x"], 3, "no node is running"),
        (["institution", "import", EXAMPLE], 3, "no node is running"),
        (["registration", "list"], 0, "Registrations"),
        (["registration", "guests"], 0, "Guests"),
        (["registration", "guests", "--from", "990000"], 2, "six digits"),
        (["registration", "show", "R1"], 1, "REGISTRATION_UNKNOWN"),
        (["registration", "file", NOBODY, "resettled", "510100"], 3, "no node is running"),
        (["person", "show", NOBODY], 1, "PERSON_UNKNOWN"),
        (["person", "show", "--psn-no", "P1"], 1, "PERSON_UNKNOWN"),
        (["person", "show"], 2, "a token or --psn-no"),
        (["person", "show", "Zhang"], 2, "26 characters"),
        (["person", "add", "P1", *ZHANG, "--account", "5"], 2, "two decimals"),
        (["person", "lock", NOBODY], 3, "no node is running"),
        (["person", "erase", NOBODY, "--json"], 2, "--yes"),
        (["person", "erase", NOBODY, "--yes"], 3, "no node is running"),
    ],
)
def test_reading_works_without_a_node_and_writing_says_that_none_runs(
    cleared: Cleared, command: list[object], code: int, shown: str
) -> None:
    found, text = run(*command, "--home", cleared.home / QINGHAI)
    assert found == code, text
    assert shown in text


def test_who_is_registered_is_not_to_be_read_without_the_vaults_key(
    cleared: Cleared, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(cleared.home / QINGHAI, home, ignore=shutil.ignore_patterns("*.sock"))
    (home / "keys" / "vault.key").unlink()
    for command in (["registration", "list"], ["person", "show", NOBODY]):
        code, text = run(*command, "--home", home)
        assert code == 2
        assert "vault.key" in text
    assert run("institution", "find", "--area", "510000", "--home", home)[0] == 0


def test_what_was_used_before_is_given_by_year() -> None:
    assert _opening("2017:2:900.00:4000.50") == [2017, 2, 90_000, 400_050]
    for wrong in ("2017", "2017:2:900:1", "2017:-1:0.00:0.00", "2017:1:0.00:0.00:0"):
        with pytest.raises(FormError):
            _opening(wrong)


# --- with running nodes --------------------------------------------------------------------------


@pytest.fixture
async def net(cleared: Cleared, tmp_path: Path) -> AsyncIterator[LocalNet]:
    """Return the cleared network, copied and started again."""
    folder = tmp_path / "net"
    shutil.copytree(cleared.home, folder, ignore=shutil.ignore_patterns("*.sock", "node.log"))
    net = LocalNet(folder)
    codes = [CENTRE, SICHUAN, SHAANXI, QINGHAI]
    await net.start(codes)
    await net.unlocked(codes)
    yield net
    await net.stop()


async def until(command: list[object], shown: str) -> str:
    for _ in range(60):
        _, text = await asyncio.to_thread(run, *command)
        if shown in text:
            return text
        await asyncio.sleep(0.5)
    raise AssertionError(f"{command} never showed {shown!r}: {text}")


async def test_from_a_person_to_a_guest_and_back(net: LocalNet) -> None:
    home, there = ["--home", net.folder / QINGHAI], ["--home", net.folder / SICHUAN]
    code, text = run("person", "add", "P1", *ZHANG, "--account", "500.00", *home)
    assert code == 0, text
    token = as_json("person", "add", "P1", *ZHANG, "--account", "500.00", *home)["token"]
    assert TOKEN.fullmatch(token)
    assert f"┃ {token} ┃" in text
    assert run("person", "add", "P1", *ZHANG, *home)[0] == 1  # with another account
    size = as_json("log", "show", *home)["size"]
    trial = run("registration", "file", token, "resettled", "510100", *home, "--dry-run")
    assert trial[0] == 0
    assert "nothing changed" in trial[1]
    assert as_json("log", "show", *home)["size"] == size
    code, text = run(
        "registration", "file", token, "referral", "510100", "--institution", HOSPITAL, *home
    )
    assert code == 0, text
    assert f"not open in the directory as held here: {HOSPITAL}" in text
    (mine,) = as_json("registration", "list", "--token", token, *home)["registrations"]
    name = mine["registration_id"]
    guests = ["registration", "guests", *there]
    assert name in await until(guests, "confirmed")
    assert as_json(*guests)["guests"][0]["state"] == "confirmed"
    assert as_json(*guests, "--from", SHAANXI)["guests"] == []
    assert run("registration", "suspend", name, *home)[0] == 0
    assert name in await until(guests, "suspended")
    assert run("registration", "resume", name, *home)[0] == 0
    changed = as_json("registration", "change", name, "--ends", "2030-01-01", *home)
    assert (changed["revision"], changed["ends"]) == (4, "2030-01-01")
    assert run("registration", "terminate", name, *home)[0] == 0
    code, text = run("registration", "resume", name, *home)
    assert (code, "STATE" in text) == (1, True)
    shown = as_json("registration", "show", name, *home)
    assert [r["status"] for r in shown["revisions"]] == [
        "active", "suspended", "active", "active", "terminated",
    ]  # fmt: skip
    code, text = run("registration", "show", name, *home, GONGZHANG_LANG="zh")
    assert "终止" in text
    assert "异地转诊人员" in text
    assert "ended" in await until(guests, "ended")

    for command, shown_text in [
        (["lock", token], "locked (ARREARS)"), (["unlock", token], "not locked"),
        (["credit", token, "12.50", "--reference", "M"], "account 512.50 yuan"),
        (["credit", token, "12.50", "--reference", "M"], "account 512.50 yuan"),
        (["reimburse", token, "M1", "--area", "510104", "--bill", "9.00", "--employee", "5.00"],
         "5.00 yuan"),
    ]:  # fmt: skip
        code, text = run("person", *command, *home)
        assert code == 0, text
        assert shown_text in text
    barred = as_json("person", "bar", token, "--reason", "lent the card", *there)
    person = ["person", "show", token, *home]
    assert barred["barring_id"] in await until(person, "lent the card")
    assert run("person", "restore", barred["barring_id"], "--reason", "over", *there)[0] == 0
    await until([*person, "--json"], '"barred": []')
    assert as_json("person", "show", "--psn-no", "P1", *home)["account_fen"] == 51_250


async def test_a_directory_comes_from_a_file_and_everybody_finds_in_it(
    net: LocalNet, tmp_path: Path
) -> None:
    home, there = ["--home", net.folder / SICHUAN], ["--home", net.folder / QINGHAI]
    path = tmp_path / "directory.csv"
    header = "code,name,level,area,services,state,reason\n"
    row = f"{HOSPITAL},华西医院,3,510104,inpatient|outpatient,open,\n"
    path.write_text(header + row + row.replace("0001,", "0002,").replace(",3,", ",9,"), "utf-8")
    code, text = run("institution", "import", path, *home)
    assert code == 1, text
    assert "LEVEL" in text
    path.write_bytes((header + row + row.replace("0001,", "0002,")).encode("gb18030"))
    assert as_json("institution", "import", path, *home, "--dry-run")["new"] == 2
    assert as_json("institution", "import", path, *home)["entered"] == 2
    assert as_json("institution", "import", path, *home)["known"] == 2
    find = ["institution", "find", "--area", "510100", "--name", "华西", "--inpatient", *there]
    await until(find, HOSPITAL)
    page = as_json(*find, "--limit", "1")
    assert [i["code"] for i in page["institutions"]] == [HOSPITAL]
    rest = as_json(*find, "--after", page["cursor"])
    assert [i["code"] for i in rest["institutions"]] == ["H51010000002"]
    assert run("institution", "suspend", HOSPITAL, "--reason", "overcharging", *home)[0] == 0
    await until(["institution", "find", "--area", "510100", *there], "suspended: overcharging")
    assert run("institution", "resume", HOSPITAL, *home)[0] == 0
    added = [
        "institution", "add", HOSPITAL, "--name", "华西医院", "--area", "510104", "--level", "3",
        "--chronic", *home,
    ]  # fmt: skip
    assert as_json(*added)["revision"] == 4
    shown = as_json("institution", "show", HOSPITAL, *home)
    assert [r["state"] for r in shown["revisions"]] == ["open", "suspended", "open", "open"]
    assert run("institution", "show", HOSPITAL, *home, GONGZHANG_LANG="zh")[1].count("三级") == 4


async def test_erasing_a_person_leaves_logs_that_verify(net: LocalNet) -> None:
    home, there = ["--home", net.folder / QINGHAI], ["--home", net.folder / SICHUAN]
    with EXAMPLE.open(encoding="utf-8") as file:
        rows = [
            r for r in csv.DictReader(file)
            if r["mdtrtarea_admvs"][:2] == "51" and r["insuplc_admdvs"][:2] == "63"
            and r["setl_time"] < "2017-05"
        ]  # fmt: skip
    number = rows[0]["psn_no"]
    mine = {r["setl_id"] for r in rows if r["psn_no"] == number}
    token = as_json("person", "add", number, *ZHANG, *home)["token"]
    name = as_json("registration", "file", token, "resettled", "510100", *home)["registration_id"]
    await until(["registration", "guests", *there], name)
    erase = ["person", "erase", token, "--yes", *home]
    assert as_json(*erase, "--dry-run")["cases"] >= len(mine)
    value = as_json(*erase)
    assert value["cases"] >= len(mine)
    assert SICHUAN in value["told"]
    assert run("person", "show", token, *home)[0] == 1
    for _ in range(60):
        if as_json("registration", "guests", *there)["guests"] == []:
            break
        await asyncio.sleep(0.5)
    assert as_json("registration", "guests", *there)["guests"] == []
    await net.stop()
    for code in (QINGHAI, SICHUAN):
        assert run("log", "fsck", "--home", net.folder / code)[0] == 0
    policy = net.folder / "auditor.policy"
    code, text = run("audit", "verify", net.folder / QINGHAI, "--policy", policy)
    assert code == 0, text
