"""The life of one case for an auditor with files: both signatures, proofs, batch and money."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from settlement.money import parse_fen
from tests.cleared import Cleared
from tests.commands import EXAMPLE, as_json, gongzhang
from tests.network import QINGHAI, SICHUAN, TIBET, Logs, settlement
from tests.published import eventful, publish

Published = tuple[Path, Path]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """Return folder and policy of a network in which everything happens once."""
    return publish(eventful(), tmp_path_factory.mktemp("eventful"))


@pytest.fixture
def exported(cleared: Cleared, tmp_path: Path) -> Path:
    target = tmp_path / "exported"
    assert gongzhang("log", "export", target, "--home", cleared.home / QINGHAI).returncode == 0
    return target


def row_of_the_example() -> dict[str, str]:
    """Return a settlement of the first cleared month that Qinghai owes Sichuan."""
    with EXAMPLE.open(encoding="utf-8", newline="") as file:
        return next(
            row
            for row in csv.DictReader(file)
            if row["mdtrtarea_admvs"][:2] == "51" and row["setl_time"] < "2017-04"
        )


def case(setl_id: str, source: Path, policy: Path, *more: object) -> dict[str, Any]:
    given = ["--policy", policy, *more, "--json"]
    done = gongzhang("audit", "case", *given, "--", setl_id, source)  # ids may begin with a dash
    assert done.stdout, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == found["exit"] if "exit" in found else 0
    return found


def test_a_cleared_case_has_both_signatures_its_batch_and_its_money(cleared: Cleared) -> None:
    row = row_of_the_example()
    found = case(row["setl_id"], cleared.home / QINGHAI, cleared.policy)
    entry, second = found["entry"], found["acceptance"]
    assert (found["ok"], found["state"], entry["log"], entry["void"]) == (
        True, "cleared", SICHUAN, None,
    )  # fmt: skip
    assert entry["fields"]["insured_area"] == row["insuplc_admdvs"]
    assert entry["total_fen"] == parse_fen(row["fund_pay_sumamt"]) + parse_fen(row["acct_pay"])
    assert parse_fen(entry["total_yuan"]) == entry["total_fen"] == sum(entry["lines_fen"].values())
    assert entry["lines_yuan"]["account"] == row["acct_pay"]
    assert entry["signature"] is True
    assert second["signature"] is True
    assert second["log"] == found["debtor"] == QINGHAI
    assert second["covers_below"] > entry["index"]
    for item in (entry, second):
        assert len(item["proof"]["cosigners"]) >= 2
        assert item["log"] not in item["proof"]["cosigners"]
    month = cleared.report["months"][0]
    assert found["batch"]["result_hash"] == month["result_hash"]
    assert (found["batch"]["month"], found["batch"]["state"]) == ("2017-03", "FINAL")
    ends = [(leg["payer"], leg["payee"]) for leg in found["legs"]]
    assert ends == [(QINGHAI, "100000"), ("100000", SICHUAN)]
    for leg in found["legs"]:
        assert leg["fen"] == month["legs"][leg["leg"] - 1]["fen"]
        assert leg["paid"]["reference"] == leg["received"]["reference"]
        assert (leg["paid"]["log"], leg["received"]["log"]) == (leg["payer"], leg["payee"])


def test_files_say_the_same_as_the_home_of_any_node(cleared: Cleared, exported: Path) -> None:
    setl_id = row_of_the_example()["setl_id"]
    files = case(setl_id, exported, cleared.policy)
    assert files == case(setl_id, cleared.home / QINGHAI, cleared.policy)
    assert files["batch"] == case(setl_id, cleared.home / SICHUAN, cleared.policy)["batch"]


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["The case", "verified", "cleared", "VERIFIED:"]),
        ("zh", ["个案", "已核验", "已清算"]),
    ],
)
def test_people_read_it_in_their_language(
    cleared: Cleared, language: str, words: list[str]
) -> None:
    row = row_of_the_example()
    done = gongzhang(
        "audit", "case", row["setl_id"], cleared.home / QINGHAI, "--policy", cleared.policy,
        GONGZHANG_LANG=language,
    )  # fmt: skip
    assert done.returncode == 0
    assert all(word in done.stdout for word in [row["setl_id"], *words]), done.stdout


def test_its_proofs_can_be_handed_on_and_are_never_replaced_by_others(
    cleared: Cleared, tmp_path: Path
) -> None:
    setl_id = row_of_the_example()["setl_id"]
    given = [setl_id, cleared.home / QINGHAI, cleared.policy, "--proof-dir", tmp_path / "proofs"]
    found = case(*given)  # type: ignore[arg-type]
    assert len(found["proofs"]) == 6
    for item in (found["entry"], found["acceptance"]):
        stem = tmp_path / "proofs" / f"{item['log']}-{item['index']}"
        policy = tmp_path / "proofs" / f"{item['log']}.policy"
        leaf = stem.with_suffix(".leaf")
        proven = as_json(
            "audit", "check", stem.with_suffix(".tlog-proof"), "--leaf", leaf, "--policy", policy
        )
        assert (proven["ok"], proven["index"]) == (True, item["index"])
        assert (proven["size"], proven["root"]) == (item["proof"]["size"], item["proof"]["root"])
    assert case(*given)["ok"] is True  # type: ignore[arg-type]
    leaf.write_bytes(b"another")
    assert case(*given)["exit"] == 2  # type: ignore[arg-type]
    assert leaf.read_bytes() == b"another"


def test_wrong_use_and_an_unknown_id(cleared: Cleared, tmp_path: Path) -> None:
    home, setl_id = cleared.home / QINGHAI, row_of_the_example()["setl_id"]
    unknown = gongzhang("audit", "case", "NOBODY", home, "--policy", cleared.policy)
    assert unknown.returncode == 3
    assert "in none of the logs" in unknown.stderr
    assert "510000, 610000, 630000" in unknown.stderr
    assert case("NOBODY", home, cleared.policy)["code"] == "UNCHECKABLE"
    assert case(setl_id, home, cleared.policy, "--log", "610000")["exit"] == 3
    assert case(setl_id, home, cleared.policy, "--log", "990000")["exit"] == 2
    assert case(setl_id, home, tmp_path / "nowhere")["exit"] == 2
    assert case(setl_id, tmp_path, cleared.policy)["exit"] == 2


def test_a_changed_a_cut_and_a_missing_file_are_told_apart(
    cleared: Cleared, exported: Path
) -> None:
    setl_id = row_of_the_example()["setl_id"]
    folder = exported / SICHUAN / "tile" / "entries"
    bundle = sorted(path for path in folder.rglob("*") if path.is_file())[-1]
    whole = bundle.read_bytes()
    at = whole.index(setl_id.encode())
    bundle.write_bytes(whole[: at + 70] + bytes([whole[at + 70] ^ 1]) + whole[at + 71 :])
    changed = case(setl_id, exported, cleared.policy)
    assert changed["exit"] == 1
    assert "entry" not in changed  # nothing of a log that does not hold is shown
    assert any(SICHUAN in finding["place"] for finding in changed["findings"])
    bundle.write_bytes(whole[:-7])
    assert case(setl_id, exported, cleared.policy)["exit"] == 4
    bundle.unlink()
    assert case(setl_id, exported, cleared.policy)["exit"] == 3


def test_findings_elsewhere_leave_the_entry_proved_and_its_state_open(
    cleared: Cleared, exported: Path
) -> None:
    shutil.rmtree(exported / "610000")
    found = case(row_of_the_example()["setl_id"], exported, cleared.policy)
    assert found["exit"] == 3
    assert found["entry"]["signature"] is True
    assert found["acceptance"]["log"] == QINGHAI
    assert (found["state"], found["batch"], found["legs"]) == (None, None, [])
    done = gongzhang(
        "audit", "case", found["setl_id"], exported, "--policy", cleared.policy,
    )  # fmt: skip
    assert "not checked" in done.stdout
    assert "NOT VERIFIED" in done.stdout


def test_a_damaged_home_is_damage(cleared: Cleared, tmp_path: Path) -> None:
    home = tmp_path / QINGHAI
    shutil.copytree(cleared.home / QINGHAI, home, ignore=shutil.ignore_patterns("*.sock"))
    file = home / "data" / "data.mdb"
    file.write_bytes(file.read_bytes()[:4_096])
    assert case(row_of_the_example()["setl_id"], home, cleared.policy)["exit"] == 4


# --- everything that can happen to a case ------------------------------------------------------


def test_an_original_and_its_reversals_are_one_case(published: Published) -> None:
    first, second = case("A1", *published), case("R1", *published)
    assert first["state"] == second["state"] == "reversed"
    assert first["original"] == second["original"]
    assert [item["setl_id"] for item in first["reversals"]] == ["R1"]
    assert second["entry"]["fields"]["original_id"] == "A1"
    later = case("R4", *published)
    assert (later["state"], later["batch"]["month"]) == ("cleared", "2017-04")
    assert later["acceptance"]["covers_below"] > later["entry"]["index"]


def test_exceptions_and_releases_are_named_with_their_entries(published: Published) -> None:
    released, held = case("A2", *published), case("-A3", *published)
    assert (released["state"], released["batch"]["month"]) == ("cleared", "2017-04")
    assert released["exception"]["code"] == "NO_FILE"
    assert released["exception"]["release"]["index"] > released["exception"]["index"]
    assert (held["state"], held["batch"], held["exception"]["release"]) == ("disputed", None, None)


def test_an_entry_nobody_has_accepted_yet(published: Published) -> None:
    found = case("A9", *published)
    assert (found["exit"], found["acceptance"], found["state"]) == (0, None, "not_due")


def test_one_id_in_several_places_is_never_taken_for_one_entry(published: Published) -> None:
    assert case("A2", *published)["also"] == [{"code": SICHUAN, "index": 5, "void": "DUPLICATE"}]
    found = case("A4", *published)
    assert found["entry"]["log"] == SICHUAN
    assert [(other["code"], other["void"]) for other in found["also"]] == [("540000", None)]
    other = case("A4", published[0], published[1], "--log", "540000")
    assert (other["entry"]["total_fen"], other["debtor"], other["also"]) == (450, SICHUAN, [])


def test_a_void_entry_is_shown_with_its_code_and_a_forged_one_is_false(
    published: Published, tmp_path: Path
) -> None:
    logs = eventful()
    assert logs.add(SICHUAN, settlement("V1", -5)) == "SIGN"
    assert logs.add_leaves(SICHUAN, [logs.leaf(TIBET, settlement("P1"))]) == ["PLACE"]
    source, policy = publish(logs, tmp_path)
    moved = case("P1", source, policy)
    assert (moved["exit"], moved["entry"]["void"], moved["entry"]["signature"]) == (
        1, "PLACE", False,
    )  # fmt: skip
    void = case("V1", source, policy)
    assert (void["exit"], void["state"], void["entry"]["void"]) == (0, "void", "SIGN")
    assert void["entry"]["signature"] is True
    forged = case("F1", *published)
    assert (forged["exit"], forged["entry"]["void"]) == (1, "SIGNATURE")
    assert forged["entry"]["signature"] is False
    done = gongzhang("audit", "case", "F1", published[0], "--policy", published[1])
    assert done.returncode == 1
    assert "NOT verified" in done.stdout


@pytest.mark.parametrize(
    ("setl_id", "english", "chinese"),
    [
        ("A2", "release", "解除"),
        ("-A3", "no case file has arrived", "未收到病例文件"),
        ("R4", "takes back", "所冲记录"),
        ("A4", "PAID", "该批次中双方的资金划拨"),
        ("A9", "none covers it", "尚无"),
        ("F1", "the author's signature does not hold", "作者签名无效"),
    ],
)
def test_the_page_of_every_kind_of_case_in_both_languages(
    published: Published, setl_id: str, english: str, chinese: str
) -> None:
    given = ["audit", "case", "--policy", published[1], "--", setl_id, published[0]]
    assert english in gongzhang(*given).stdout
    assert chinese in gongzhang(*given, GONGZHANG_LANG="zh").stdout


def test_a_leg_that_is_on_its_way_shows_one_end(published: Published) -> None:
    legs = {leg["leg"]: leg for leg in case("A4", *published)["legs"]}
    assert legs[1]["received"]["date"] == "2017-05-03"
    assert legs[2]["paid"]["reference"] == "-BANK-2"
    assert (legs[2]["received"], legs[2]["state"]) == (None, "PAID")


def test_without_the_debtors_log_nothing_is_said_about_acceptance(tmp_path: Path) -> None:
    logs = Logs()
    logs.add(SICHUAN, settlement("A1"))
    logs.accept(QINGHAI, SICHUAN)
    found = case("A1", *publish(logs, tmp_path, without=(QINGHAI,)))
    assert (found["exit"], found["acceptance"], found["state"]) == (3, None, None)
    assert found["findings"][0]["place"] == QINGHAI
