"""Cities: what the commands show and write, and what an auditor finds with files alone."""

import csv
import json
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from python_calamine import CalamineWorkbook
from typer.testing import CliRunner

from cli.audit import audit_source, load_policy
from cli.cityproof import check_city_proof, parse_city_proof
from cli.main import app
from ledger.errors import FormError, LedgerError, VerificationError
from ledger.policy import Policy
from settlement.money import parse_fen
from settlement.party import CENTRE
from settlement.record import CityStatement
from settlement.subclearing import cities_of
from tests.cleared import Cleared
from tests.network import QINGHAI, SICHUAN, TIBET, Logs, settlement
from tests.published import publish
from tests.settlement.test_subclearing import JIANGSU, JIANGSU_CITIES, by_hand, jiangsu
from tests.settlement.test_year import certified
from tests.storedhome import home_of

MARCH, APRIL = "2017-03", "2017-04"


def run(*arguments: object, zh: bool = False) -> tuple[int, str]:
    """Run a command in this process; return its exit code and what it printed."""
    language = "zh" if zh else "en"
    given = {"GONGZHANG_LANG": language, "COLUMNS": "200"}
    done = CliRunner().invoke(app, [str(item) for item in arguments], env=given)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def as_json(*arguments: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(*arguments, "--json")[1])
    return found


class Place(NamedTuple):
    """A home that holds some logs, and the auditor's policy."""

    home: Path
    policy: Path


def signed(logs: Logs, code: str, *months: str) -> Logs:
    """Let a province sign its cities of some months."""
    for month in months:
        record = cities_of(logs.store, logs.roster, month, code)[0].record()
        assert logs.add(code, record) is None
    return logs


@pytest.fixture(scope="module")
def qinghai(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Return Qinghai's home after the example worked by hand; it has signed both months."""
    logs = signed(by_hand(), QINGHAI, MARCH, APRIL)
    return Place(*home_of(logs, tmp_path_factory.mktemp("byhand"), QINGHAI))


@pytest.fixture(scope="module")
def nanjing(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Return the home of Jiangsu, which has signed nothing."""
    return Place(*home_of(jiangsu(), tmp_path_factory.mktemp("jiangsu"), JIANGSU))


# --- statements and legs -------------------------------------------------------------------------


def test_a_statement_shows_every_city_and_that_it_ties_out(qinghai: Place) -> None:
    code, text = run("city", "statement", MARCH, "--home", qinghai.home, "--lines")
    assert code == 0
    for shown in ("630000", "-9.70", "together: the province", "-20.70", "add up to the pair sums",
                  "not in this ledger", "signed, entry"):  # fmt: skip
        assert shown in text
    found = as_json("city", "statement", MARCH, "--home", qinghai.home)
    assert [row["city"] for row in found["cities"]] == ["630000", "630100", "630200"]
    assert found["signed"]["same"] is True
    assert found["cities"][1]["owes"] == {
        SICHUAN: {
            "entries": 1, "employee_fen": 1_000, "resident_fen": 0, "other_fen": 0,
            "account_fen": 50, "fen": 1_050,
        }
    }  # fmt: skip
    assert found["net_fen"] == -2_070
    code, text = run("city", "statement", MARCH, "--home", qinghai.home, zh=True)
    assert "市级清算表" in text
    assert "省内就医" in text


def test_one_city_counterpart_by_counterpart(qinghai: Place) -> None:
    code, text = run("city", "statement", MARCH, "--home", qinghai.home, "--city", "630100")
    assert code == 0
    assert "510000 Sichuan" in text
    assert "net -9.70 yuan" in text
    code, text = run("city", "statement", MARCH, "--home", qinghai.home, "--city", "630300")
    assert (code, "one of 630000, 630100, 630200" in text) == (2, True)


def test_legs_follow_the_model_in_force_unless_another_is_asked_for(qinghai: Place) -> None:
    found = as_json("city", "legs", MARCH, "--home", qinghai.home)
    assert found["model"] == found["model_in_force"] == "net_hub"
    assert [(leg["payer"], leg["payee"], leg["fen"]) for leg in found["legs"]] == [
        ("630000", "hub", 400), ("630100", "hub", 970), ("630200", "hub", 700)
    ]  # fmt: skip
    code, text = run(
        "city", "legs", MARCH, "--home", qinghai.home, "--model", "gross_pair", "--lines"
    )
    assert code == 0
    assert "gross_pair (not in force)" in text
    assert "provincial centre" in text
    code, text = run("city", "legs", MARCH, "--home", qinghai.home, "--model", "barter")
    assert (code, "gross_pair or net_pair or net_hub" in text) == (2, True)
    code, text = run("city", "legs", "2017-05", "--home", qinghai.home)
    assert (code, "2017-05 is not confirmed" in text) == (1, True)


def test_any_home_can_compute_the_cities_of_any_province(qinghai: Place) -> None:
    found = as_json("city", "statement", MARCH, "--home", qinghai.home, "--province", SICHUAN)
    assert [row["city"] for row in found["cities"]] == ["510100", "510300", "510700"]
    assert found["signed"] is None
    code, text = run("city", "statement", MARCH, "--home", qinghai.home, "--province", CENTRE)
    assert (code, "--province" in text) == (2, True)


def test_the_shipped_example_ties_out_for_both_sides(cleared: Cleared) -> None:
    for code in (QINGHAI, SICHUAN, "610000"):
        home = cleared.home / code
        for month, report in zip((MARCH, APRIL), cleared.report["months"], strict=True):
            found = as_json("city", "statement", month, "--home", home)
            assert found["ok"] is True
            assert found["net_fen"] == report["nets_fen"][code]
            assert [row["city"] for row in found["cities"]] == [f"{code[:2]}0100"]
    code, text = run("city", "statement", MARCH, "--home", cleared.home / CENTRE)
    assert (code, "has no cities" in text) == (1, True)
    code, text = run("city", "sign", MARCH, "--home", cleared.home / QINGHAI, "--dry-run")
    assert (code, "nothing signed" in text) == (0, True)
    code, text = run("city", "sign", MARCH, "--home", cleared.home / QINGHAI)
    assert (code, "no node is running" in text) == (3, True)


# --- files ---------------------------------------------------------------------------------------


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_files_for_finance_staff_hold_every_figure(nanjing: Place, tmp_path: Path) -> None:
    names = tmp_path / "names.csv"
    names.write_text("city,name\n320100,南京市\n320500,=1+1\n", encoding="utf-8")
    sheet, book = tmp_path / "c.csv", tmp_path / "c.xlsx"
    given = ["--home", nanjing.home, "--names", names]
    code, text = run("city", "statement", MARCH, *given, "--csv", sheet, "--xlsx", book)
    assert code == 0, text
    assert "320100 南京市" in text
    found = as_json("city", "statement", MARCH, *given)
    rows = rows_of(sheet)
    for direction in ("owes", "owed"):
        mine = [row for row in rows if row["direction"] == direction]
        assert sum(parse_fen(row["total_yuan"]) for row in mine) == found[f"{direction}_fen"]
    assert {row["city"] for row in rows} == set(JIANGSU_CITIES)
    assert {row["name"] for row in rows if row["city"] == "320100"} == {"南京市"}
    workbook = CalamineWorkbook.from_path(str(book))
    cities = workbook.get_sheet_by_index(0).to_python()
    assert len(cities) == 14
    assert [cities[5][0], cities[5][1]] == ["320500", "=1+1"]  # as text
    net = {row["city"]: row["net_fen"] for row in found["cities"]}
    assert all(round(float(line[4]) * 100) == net[str(line[0])] for line in cities[1:])
    detail = workbook.get_sheet_by_index(1).to_python()
    assert len(detail) == len(rows) + 1
    again = tmp_path / "again.xlsx"
    run("city", "statement", MARCH, *given, "--xlsx", again)
    assert again.read_bytes() == book.read_bytes()


def test_negative_amounts_stay_numbers_and_names_never_run_as_formulas(
    nanjing: Place, tmp_path: Path
) -> None:
    names = tmp_path / "names.csv"
    names.write_text("city,name\n320300,=cmd\n", encoding="utf-8")
    sheet = tmp_path / "c.csv"
    run("city", "statement", APRIL, "--home", nanjing.home, "--csv", sheet, "--names", names)
    row = next(row for row in rows_of(sheet) if row["city"] == "320300")
    assert (row["total_yuan"], row["name"]) == ("-4.00", "'=cmd")


def test_nothing_is_overwritten_and_an_ending_is_what_it_says(
    nanjing: Place, tmp_path: Path
) -> None:
    there = tmp_path / "there.csv"
    there.write_text("mine", encoding="utf-8")
    for option, path, shown in (
        ("--csv", there, "does not exist yet"), ("--csv", tmp_path / "a.xlsx", "ends with .csv"),
        ("--xlsx", tmp_path / "a.csv", "ends with .xlsx"),
        ("--csv", tmp_path / "no" / "a.csv", "a folder"),
    ):  # fmt: skip
        code, text = run("city", "statement", MARCH, "--home", nanjing.home, option, path)
        assert (code, shown in text.replace("\n", " ")) == (2, True), text
    assert there.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("city,name\n320102,玄武区\n", "line 2 city"),
        ("city,name\n630100,西宁市\n", "line 2 city"),
        ("city,name\n3201,南京市\n", "line 2 city"),
        ("city,name\n320100,a\n320100,b\n", "line 3 city"),
        ("city,name\n320100,\n", "line 2 name"),
        (f"city,name\n320100,{'x' * 51}\n", "line 2 name"),
        ("city\n320100\n", "line 1 name"),
        ("city,name,more\n320100,a,b\n", "line 1 more"),
        ("city,name\n320100,a", "line 2"),
        ("", "no header"),
    ],
)
def test_names_are_read_strictly(nanjing: Place, tmp_path: Path, text: str, shown: str) -> None:
    names = tmp_path / "names.csv"
    names.write_text(text, encoding="utf-8")
    code, printed = run("city", "statement", MARCH, "--home", nanjing.home, "--names", names)
    assert (code, shown in " ".join(printed.split())) == (2, True), printed


def test_the_detail_of_a_city_adds_up_to_its_rows(nanjing: Place, tmp_path: Path) -> None:
    for month in (MARCH, APRIL):
        found = as_json("city", "statement", month, "--home", nanjing.home)
        target = tmp_path / f"{month}.csv"
        assert run("city", "detail", month, "--home", nanjing.home, "--out", target)[0] == 0
        rows = rows_of(target)
        for city in found["cities"]:
            for side in ("owes", "owed"):
                mine = [r for r in rows if (r["city"], r["direction"]) == (city["city"], side)]
                fen = sum(parse_fen(row["total_yuan"]) for row in mine)
                assert fen == city[f"{side}_fen"]
    case = next(row for row in rows if row["counted"] == "case")
    assert (case["setl_id"], case["city"], case["total_yuan"]) == ("S4", "320500", "10.03")
    late = next(row for row in rows if row["setl_id"] == "L1")
    assert (late["counted"], late["service_month"], late["insured_area"]) == (
        "whole", MARCH, "320505",
    )  # fmt: skip
    one = tmp_path / "one.csv"
    given = ["--home", nanjing.home, "--out", one, "--city", "320300"]
    assert as_json("city", "detail", APRIL, *given)["rows"] == 1
    assert run("city", "detail", APRIL, *given)[0] == 2  # the file is there


# --- the audit of what was signed ----------------------------------------------------------------


def findings(logs: Logs, folder: Path, month: str | None = None) -> list[tuple[str, str, str]]:
    source, policy = publish(logs, folder)
    report = audit_source(source, load_policy(policy), month, workers=1)
    return [(found.kind, found.place, found.text) for found in report.findings]


def test_statements_that_say_what_the_logs_give_are_counted(tmp_path: Path) -> None:
    logs = signed(signed(by_hand(), QINGHAI, MARCH, APRIL), SICHUAN, APRIL)
    source, policy = publish(logs, tmp_path)
    report = audit_source(source, load_policy(policy), workers=1)
    assert report.findings == []
    assert [(item["month"], item["province"], item["cities"]) for item in report.cities] == [
        (MARCH, QINGHAI, 3), (APRIL, SICHUAN, 2), (APRIL, QINGHAI, 2),
    ]  # fmt: skip


@pytest.mark.parametrize("change", [{"city_hash": bytes(32)}, {"cities": 4}, {"revision": 2}])
def test_a_statement_that_says_something_else_is_found_and_named(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    logs = by_hand()
    record = cities_of(logs.store, logs.roster, MARCH, QINGHAI)[0].record()
    assert logs.add(QINGHAI, msgspec.structs.replace(record, **change)) is None
    place = f"{QINGHAI} #{logs.size(QINGHAI) - 1}"
    found = findings(logs, tmp_path)
    assert [(kind, where) for kind, where, _ in found] == [("false", place)]
    assert "signs cities of 2017-03 that are not what the logs give" in found[0][2]


def test_a_statement_of_an_open_month_or_by_a_stranger_to_the_batch_is_found(
    tmp_path: Path,
) -> None:
    logs = by_hand()
    logs.add(TIBET, CityStatement("2017-05", 1, 0, bytes(32), []))
    place = f"{TIBET} #{logs.size(TIBET) - 1}"
    assert findings(logs, tmp_path) == [
        ("false", place, "signs cities of a month that is not confirmed")
    ]


def test_the_exit_code_of_an_audit_says_that_a_statement_is_false(tmp_path: Path) -> None:
    logs = by_hand()
    logs.add(QINGHAI, CityStatement(MARCH, 1, 3, bytes(32), []))
    home, policy = home_of(logs, tmp_path, QINGHAI)
    code, text = run("audit", "verify", home, "--policy", policy)
    assert (code, "signs cities of 2017-03" in text) == (1, True)
    code, text = run("city", "statement", MARCH, "--home", home)
    assert (code, "ANOTHER document was signed" in text) == (1, True)
    code, text = run("audit", "city", home, "--policy", policy, "--month", MARCH)
    assert (code, "signed ANOTHER" in text) == (1, True)
    code, text = run("city", "prove", "A1", "--home", home, "--out", tmp_path / "p.json")
    assert (code, "another document was signed" in text) == (1, True)


def test_only_the_month_that_is_asked_for_is_computed_again(tmp_path: Path) -> None:
    logs = by_hand()
    logs.add(QINGHAI, CityStatement(MARCH, 1, 3, bytes(32), []))
    assert findings(logs, tmp_path / "a", APRIL) == []
    assert len(findings(logs, tmp_path / "m", MARCH)) == 1


def test_all_cities_of_a_month_are_recomputed_from_logs(qinghai: Place) -> None:
    given = [qinghai.home, "--policy", qinghai.policy, "--month", MARCH]
    found = as_json("audit", "city", *given)
    shown = [(p["province"], p["cities"], p["net_fen"], p["signed"]) for p in found["provinces"]]
    assert shown == [(SICHUAN, 3, 1_820, None), (TIBET, 1, 250, None), (QINGHAI, 3, -2_070, True)]
    code, text = run("audit", "city", *given, "--province", QINGHAI, zh=True)
    assert (code, "已签认" in text, "四川" in text) == (0, True, False)
    assert run("audit", "city", *given, "--province", "440000")[0] == 2
    assert run("audit", "city", qinghai.home, "--policy", qinghai.policy)[0] == 2
    assert run("audit", "city", *given[:3], "--month", "2017-07")[0] == 3


def test_the_table_of_an_export_adds_up_to_the_pairs(qinghai: Place, tmp_path: Path) -> None:
    target = tmp_path / "tables"
    given = ["--policy", qinghai.policy, "--format", "csv"]
    assert run("audit", "export", qinghai.home, target, *given)[0] == 0
    cities, pairs = rows_of(target / "cities.csv"), rows_of(target / "pairs.csv")
    for pair in pairs:
        for own, other, side in (("debtor", "creditor", "owes"), ("creditor", "debtor", "owed")):
            mine = [
                row for row in cities
                if (row["month"], row["province"], row["counterpart"], row["direction"])
                == (pair["month"], pair[own], pair[other], side)
            ]  # fmt: skip
            for name in ("employee_fen", "resident_fen", "other_fen", "account_fen", "entries"):
                assert sum(int(row[name]) for row in mine) == int(pair[name])
    signers = {row["province"] for row in cities if row["statement_index"]}
    assert signers == {QINGHAI}


# --- the proof of one case -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def proved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return the proof of A1 of a certified month, and the policy."""
    folder = tmp_path_factory.mktemp("proved")
    logs = Logs()
    logs.add(SICHUAN, settlement("A1"), settlement("A2", 500, insured="630200"))
    logs.add(TIBET, settlement("A1", 70, treated="540100", insured="510100"))
    logs.accept(QINGHAI, SICHUAN)
    logs.accept(SICHUAN, TIBET)
    certified(logs, MARCH)
    home, policy = home_of(signed(logs, QINGHAI, MARCH), folder, QINGHAI)
    target = folder / "A1.json"
    code, text = run("city", "prove", "A1", "--home", home, "--out", target)
    assert code == 0, text
    assert "10.00 yuan in the row of 630100" in text
    return target, policy


def test_a_proof_leads_from_the_entry_to_the_certificate(proved: tuple[Path, Path]) -> None:
    found = as_json("audit", "city", proved[0], "--policy", proved[1])
    assert found["ok"] is True
    assert (found["entry"]["log"], found["entry"]["setl_id"]) == (SICHUAN, "A1")
    assert found["row"] == {
        "city": "630100", "direction": "owes", "counterpart": SICHUAN, "entries": 1,
        "employee_fen": 1_000, "resident_fen": 0, "other_fen": 0, "account_fen": 0,
    }  # fmt: skip
    assert found["pair"]["employee_fen"] == 1_500
    assert [(leg["payer"], leg["payee"], leg["fen"]) for leg in found["legs"]] == [
        (QINGHAI, CENTRE, 1_500)
    ]
    assert found["batch"]["certificate_index"] is not None
    assert len(found["proved"]) == 6
    assert any("logs" in text["en"] for text in found["not_proved"])
    code, text = run("audit", "city", proved[0], "--policy", proved[1])
    assert (code, text.count("not proved:")) == (0, 2)


def test_a_proof_of_the_other_side_and_of_what_a_dispute_split(
    qinghai: Place, tmp_path: Path
) -> None:
    one, two = tmp_path / "c1.json", tmp_path / "a4.json"
    assert run("city", "prove", "C1", "--home", qinghai.home, "--out", one)[0] == 0
    found = as_json("audit", "city", one, "--policy", qinghai.policy)
    assert (found["row"]["direction"], found["row"]["city"]) == ("owed", "630100")
    assert found["batch"]["certificate_index"] is None
    code, text = run("city", "prove", "A4", "--home", qinghai.home, "--out", two)
    assert (code, "7.00 yuan" in text) == (0, True)
    assert as_json("audit", "city", two, "--policy", qinghai.policy)["statement"]["month"] == APRIL


@pytest.mark.parametrize(
    ("words", "code", "shown"),
    [
        (["nobody"], 1, "UNKNOWN"),
        (["B1"], 1, "concerns no city of 630000"),
        (["A1", "--log", "440000"], 2, "--log"),
        (["A1", "--log", TIBET], 1, "UNKNOWN"),
    ],
)
def test_what_cannot_be_proved_says_why(
    qinghai: Place, tmp_path: Path, words: list[str], code: int, shown: str
) -> None:
    given = ["--home", qinghai.home, "--out", tmp_path / "p.json"]
    done, text = run("city", "prove", *words, *given)
    assert (done, shown in text) == (code, True), text
    assert not (tmp_path / "p.json").exists()


def test_nothing_is_proved_before_the_cities_are_signed_or_the_case_is_cleared(
    nanjing: Place, tmp_path: Path
) -> None:
    given = ["--home", nanjing.home, "--out", tmp_path / "p.json"]
    code, text = run("city", "prove", "S1", *given)
    assert (code, "gongzhang city sign 2017-03" in text) == (1, True)
    there = tmp_path / "there.json"
    there.touch()
    assert run("city", "prove", "S1", "--home", nanjing.home, "--out", there)[0] == 2


def spoilt(data: bytes) -> dict[str, tuple[bytes, type[LedgerError]]]:
    """Return the proof with one fault each, and what it must raise."""
    whole = msgspec.json.decode(data)

    def changed(*path: str | int, value: Any) -> bytes:
        copy = msgspec.json.decode(data)
        place = copy
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value(place[path[-1]]) if callable(value) else value
        return msgspec.json.encode(copy)

    def flipped(text: str) -> str:
        return text[:-8] + ("A" if text[-8] != "A" else "B") + text[-7:]

    return {
        "format": (changed("format", value="gongzhang/city-proof/v2"), FormError),
        "a field too many": (msgspec.json.encode({**whole, "more": 1}), FormError),
        "not JSON": (data[:-10], FormError),
        "another province": (changed("province", value=SICHUAN), VerificationError),
        "the entry": (changed("entry", "leaf", value=flipped), VerificationError),
        "another entry": (
            changed("entry", value=lambda _: whole["statement"]), VerificationError
        ),
        "the entry's log": (changed("entry", "log", value="440000"), VerificationError),
        "the statement": (changed("statement", "leaf", value=flipped), VerificationError),
        "no statement": (
            changed("statement", value=lambda _: whole["entry"]), VerificationError
        ),
        "the document": (changed("document", value=whole["result"]), FormError),
        "the result": (changed("result", value=whole["document"]), VerificationError),
        "a leaf of the centre": (
            changed("centre", "leaves", 2, value=flipped), VerificationError
        ),
        "a leaf missing": (changed("centre", "leaves", value=lambda x: x[:-1]), VerificationError),
        "a leaf too many": (
            changed("centre", "leaves", value=lambda x: [*x, x[-1]]), VerificationError
        ),
    }  # fmt: skip


def refusal(data: bytes, policy: Policy) -> LedgerError | None:
    try:
        check_city_proof(parse_city_proof(data, "proof"), policy)
    except LedgerError as error:
        return error
    return None


def test_a_proof_with_one_fault_is_refused(proved: tuple[Path, Path]) -> None:
    data, trust = proved[0].read_bytes(), load_policy(proved[1])
    assert refusal(data, trust) is None
    for name, (changed, expected) in spoilt(data).items():
        assert type(refusal(changed, trust)) is expected, name


def test_a_proof_under_another_networks_policy_is_refused(
    proved: tuple[Path, Path], nanjing: Place
) -> None:
    code, text = run("audit", "city", proved[0], "--policy", nanjing.policy)
    assert (code, "trusts no log" in text) == (1, True)
    assert run("audit", "city", proved[0], "--policy", proved[1], "--month", MARCH)[0] == 2


def test_logs_that_are_not_there_are_named_before_anything_else(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere.json"
    found = CliRunner().invoke(app, ["audit", "city", str(nowhere), "--policy", str(nowhere)])
    assert found.exit_code == 2
    assert "nowhere.json: expected a file of `gongzhang city prove`, or logs" in found.stderr
