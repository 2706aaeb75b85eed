"""Exported tables: they add up, both formats say the same, and nothing unverified gets out."""

import csv
import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from cli.sheet import cell
from tests.cleared import Cleared
from tests.commands import as_json, gongzhang
from tests.network import QINGHAI, SICHUAN
from tests.published import eventful, publish

Rows = list[dict[str, Any]]
LINES = ("employee_fen", "resident_fen", "other_fen", "account_fen")
NAMES = [
    "entries", "acceptances", "exceptions", "pairs", "nets", "cities", "legs", "quotas", "demands",
    "prepayment", "logs",
]  # fmt: skip


def read_csv(folder: Path, name: str) -> Rows:
    """Return a table's rows, typed as schema.json says, apostrophes taken off again."""
    columns = json.loads((folder / "schema.json").read_bytes())["tables"][name]["columns"]
    types = {column["name"]: column["type"] for column in columns}

    def typed(column: str, text: str) -> Any:
        if text == "":
            return None
        if types[column] == "integer":
            return int(text)
        return text == "true" if types[column] == "boolean" else text.removeprefix("'")

    with (folder / f"{name}.csv").open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        assert reader.fieldnames == list(types)
        return [{key: typed(key, text) for key, text in row.items()} for row in reader]


def export(source: Path, policy: Path, target: Path, form: str = "csv", *more: str) -> int:
    given = ["--policy", policy, "--format", form, *more]
    return gongzhang("audit", "export", source, target, *given).returncode


@pytest.fixture(scope="module")
def tables(cleared: Cleared, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the CSV tables of the cleared network."""
    target = tmp_path_factory.mktemp("tables") / "csv"
    assert export(cleared.home / QINGHAI, cleared.policy, target) == 0
    return target


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """Return CSV and Parquet folder of a network in which everything happens once, and its logs."""
    folder = tmp_path_factory.mktemp("busy")
    source, policy = publish(eventful(), folder)
    assert export(source, policy, folder / "csv") == 0
    assert export(source, policy, folder / "parquet", "parquet") == 0
    return folder / "csv", folder / "parquet", source


@pytest.fixture
def exported(cleared: Cleared, tmp_path: Path) -> Path:
    target = tmp_path / "exported"
    assert gongzhang("log", "export", target, "--home", cleared.home / QINGHAI).returncode == 0
    return target


def sums(entries: Rows) -> dict[tuple[str, str, str], list[int]]:
    """Return per batch, debtor and creditor the four lines and the number of entries."""
    found: dict[tuple[str, str, str], list[int]] = {}
    for row in entries:
        if row["batch"] is not None:
            pair = (row["batch"], row["insured_province"], row["treatment_province"])
            cells = found.setdefault(pair, [0] * 5)
            for at, name in enumerate(LINES):
                cells[at] += row[name]
            cells[4] += 1
    return found


def claimed(pairs: Rows) -> dict[tuple[str, str, str], list[int]]:
    for row in pairs:
        assert row["fen"] == sum(row[name] for name in LINES)
    return {
        (row["month"], row["debtor"], row["creditor"]): [
            *(row[name] for name in LINES),
            row["entries"],
        ]
        for row in pairs
    }


def test_the_pairs_are_the_sums_of_the_entries(
    cleared: Cleared, tables: Path, busy: tuple[Path, Path, Path]
) -> None:
    for folder in (tables, busy[0]):
        entries = read_csv(folder, "entries")
        assert all(row["total_fen"] == sum(row[name] for name in LINES) for row in entries)
        assert sums(entries) == claimed(read_csv(folder, "pairs")) != {}
    for month in cleared.report["months"]:
        batch = [r for r in read_csv(tables, "entries") if r["batch"] == month["month"]]
        assert len(batch) == month["entries"]
        assert sum(row["total_fen"] for row in batch) == month["gross_fen"]


def test_nets_and_legs_follow_from_the_pairs(cleared: Cleared, tables: Path) -> None:
    nets: Counter[tuple[str, str]] = Counter()
    for row in read_csv(tables, "pairs"):
        nets[row["month"], row["debtor"]] -= row["fen"]
        nets[row["month"], row["creditor"]] += row["fen"]
    assert {(r["month"], r["code"]): r["fen"] for r in read_csv(tables, "nets")} == dict(nets)
    legs = read_csv(tables, "legs")
    for month in cleared.report["months"]:
        mine = [row for row in legs if row["month"] == month["month"]]
        assert [row["fen"] for row in mine] == [leg["fen"] for leg in month["legs"]]
    assert all(row["paid_reference"] == row["received_reference"] for row in legs)


def test_every_entry_has_one_state_and_they_add_up(busy: tuple[Path, Path, Path]) -> None:
    entries = read_csv(busy[0], "entries")
    states = {(r["log"], r["index"]): (r["setl_id"], r["state"], r["batch"]) for r in entries}
    assert len(states) == len(entries)
    assert sorted(states.values(), key=str) == sorted(
        [
            ("A1", "reversed", "2017-03"), ("R1", "reversed", "2017-03"),
            ("A2", "cleared", "2017-04"), ("-A3", "disputed", None),
            ("A4", "cleared", "2017-03"), ("R4", "cleared", "2017-04"),
            ("A2", "void", None), ("F1", "void", None), ("A4", "cleared", "2017-03"),
            ("A9", "not_due", None),
        ],
        key=str,
    )  # fmt: skip
    assert {r["void"] for r in entries if r["state"] == "void"} == {"DUPLICATE", "SIGNATURE"}
    assert all((r["state"] in ("cleared", "reversed")) == (r["batch"] is not None) for r in entries)


def test_acceptances_exceptions_and_logs(busy: tuple[Path, Path, Path]) -> None:
    excepted = {row["setl_id"]: row for row in read_csv(busy[0], "exceptions")}
    assert excepted.keys() == {"A2", "-A3"}
    assert excepted["A2"]["release_index"] > excepted["A2"]["acceptance_index"]
    assert excepted["-A3"]["release_index"] is None
    acceptances = read_csv(busy[0], "acceptances")
    assert all(row["root_holds"] for row in acceptances)
    assert {(row["log"], row["index"]) for row in acceptances} >= {
        (QINGHAI, row["acceptance_index"]) for row in excepted.values()
    }
    sizes = {row["code"]: row["size"] for row in read_csv(busy[0], "logs")}
    assert all(row["size"] <= sizes[row["accepted_log"]] for row in acceptances)


def test_csv_and_parquet_hold_the_same_rows(busy: tuple[Path, Path, Path]) -> None:
    for name in NAMES:
        rows = pyarrow.parquet.read_table(busy[1] / f"{name}.parquet").to_pylist()
        assert rows == read_csv(busy[0], name), name
        about = json.loads((busy[1] / "schema.json").read_bytes())["tables"][name]
        assert about["rows"] == len(rows)
        assert all(column["en"] and column["zh"] for column in about["columns"])


def test_csv_is_the_same_every_time_and_opens_in_a_spreadsheet(
    cleared: Cleared, tables: Path, exported: Path, tmp_path: Path
) -> None:
    again = tmp_path / "again"
    assert export(exported, cleared.policy, again) == 0
    assert {path.name for path in again.iterdir()} == {*(f"{n}.csv" for n in NAMES), "schema.json"}
    for path in again.iterdir():
        assert path.read_bytes() == (tables / path.name).read_bytes(), path.name
    data = (tables / "entries.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbflog,index,")
    assert data.count(b"\n") == data.count(b"\r\n") == len(read_csv(tables, "entries")) + 1


def test_no_cell_is_run_as_a_formula_and_numbers_stay_numbers(
    busy: tuple[Path, Path, Path],
) -> None:
    text = (busy[0] / "entries.csv").read_text(encoding="utf-8-sig")
    assert ",'-A3," in text
    assert ",-1000,0,0,0,-1000," in text
    assert ",'-BANK-2," in (busy[0] / "legs.csv").read_text(encoding="utf-8-sig")
    for value in ("=1+1", "+1", "-1", "@SUM", "\t=1", "\r=1"):
        assert cell(value) == f"'{value}"
    assert [cell(v) for v in (-5, "A-1", "", None, True)] == [-5, "A-1", "", "", "true"]


def test_a_tampered_source_is_refused_with_the_code_of_the_audit(
    cleared: Cleared, exported: Path, tmp_path: Path
) -> None:
    bundle = sorted(p for p in (exported / SICHUAN / "tile" / "entries").rglob("*") if p.is_file())
    whole, target = bundle[-1].read_bytes(), tmp_path / "out"
    for content, code in ((whole[:100] + b"\x00" + whole[101:], 1), (whole[:-7], 4), (None, 3)):
        if content is None:
            bundle[-1].unlink()
        else:
            bundle[-1].write_bytes(content)
        audit = gongzhang("audit", "verify", exported, "--policy", cleared.policy)
        assert audit.returncode == code
        assert export(exported, cleared.policy, target) == code
        assert not target.exists()
    refused = as_json(
        "audit", "export", exported, target, "--policy", cleared.policy, "--format", "csv"
    )
    assert (refused["ok"], refused["exported"], refused["exit"]) == (False, False, 3)
    assert refused["findings"]


def test_by_force_the_folder_is_marked_and_holds_only_logs_that_hold(
    cleared: Cleared, exported: Path, tmp_path: Path
) -> None:
    shutil.rmtree(exported / "610000")
    target = tmp_path / "forced"
    assert export(exported, cleared.policy, target, "csv", "--force") == 3
    marked = json.loads((target / "findings.json").read_bytes())
    assert marked["exit"] == 3
    assert any("not here" in finding["text"] for finding in marked["findings"])
    assert {row["code"] for row in read_csv(target, "logs")} == {"100000", SICHUAN, QINGHAI}
    entries = read_csv(target, "entries")
    assert {row["log"] for row in entries} == {SICHUAN}
    assert {(row["state"], row["batch"]) for row in entries} == {(None, None)}
    assert read_csv(target, "pairs") == []
    shutil.rmtree(exported / "100000")
    assert export(exported, cleared.policy, tmp_path / "no", "csv", "--force") == 3
    assert not (tmp_path / "no").exists()


def test_wrong_use(cleared: Cleared, tables: Path, tmp_path: Path) -> None:
    home = cleared.home / QINGHAI
    assert export(home, cleared.policy, tables) == 2  # it exists
    assert export(home, cleared.policy, tmp_path / "a", "xlsx") == 2
    assert export(home, tmp_path / "nowhere", tmp_path / "a") == 2
    assert export(tmp_path, cleared.policy, tmp_path / "a") == 2
    assert not (tmp_path / "a").exists()


def test_without_pyarrow_parquet_says_what_to_install(cleared: Cleared, tmp_path: Path) -> None:
    blocked = tmp_path / "blocked" / "pyarrow"
    blocked.mkdir(parents=True)
    (blocked / "__init__.py").write_text("raise ImportError('not installed')\n", encoding="utf-8")
    given = [
        "audit", "export", cleared.home / QINGHAI, tmp_path / "out", "--policy", cleared.policy,
    ]  # fmt: skip
    done = gongzhang(*given, "--format", "parquet", PYTHONPATH=str(blocked.parent))
    assert done.returncode == 2
    assert "pip install gongzhang[parquet]" in done.stderr
    assert gongzhang(*given, "--format", "csv", PYTHONPATH=str(blocked.parent)).returncode == 0


@pytest.mark.parametrize(("language", "word"), [("en", "settlement"), ("zh", "结算")])
def test_people_read_what_was_written(
    cleared: Cleared, tmp_path: Path, language: str, word: str
) -> None:
    given = ["--policy", cleared.policy, "--format", "csv"]
    source = cleared.home / QINGHAI
    done = gongzhang(
        "audit", "export", source, tmp_path / "out", *given, GONGZHANG_LANG=language
    )  # fmt: skip
    assert done.returncode == 0
    assert "entries" in done.stdout
    assert word in done.stdout
