"""Documents as files: the same bytes twice, readable, and checked against the logs alone."""

import hashlib
import io
import json
import re
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import pypdfium2
import pytest
from rich.cells import cell_len
from typer.testing import CliRunner

from cli import papercheck, subject
from cli.font import font_path
from cli.layout import page_of
from cli.main import app
from cli.paper import _widths, draw_xlsx, render_xlsx
from cli.papercheck import Check, check_document
from cli.pdf import draw_pdf, render_pdf
from cli.render import FORMATS, Job, check_formats, render, render_all
from cli.subject import read_qr, read_subject
from ledger.errors import FormError, UncheckableError
from settlement.document import KINDS, LINE_KINDS, Document
from settlement.paperwork import document
from settlement.party import CENTRE
from settlement.record import Withdrawal
from settlement.tag import tag_of
from tests.cleared import Cleared
from tests.commands import as_json, gongzhang
from tests.network import QINGHAI, SICHUAN, Logs
from tests.papers import APRIL, MARCH, april, book, everything, march, paper, with_cell
from tests.published import publish
from tests.settlement.test_batch import batch, propose
from tests.settlement.test_batch import made as three


class Published(NamedTuple):
    """Exported logs, their trust file, and the logs they are from."""

    folder: Path
    policy: Path
    logs: Logs


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    logs = april()
    return Published(*publish(logs, tmp_path_factory.mktemp("april")), logs)


@pytest.fixture(scope="module")
def printed(published: Published) -> bytes:
    """Return a payment notice as PDF, in Chinese."""
    return render_pdf(notice(published.logs), "zh")


def check(published: Published, path: Path) -> Check:
    return check_document(read_subject(path), published.folder, published.policy)


def places(found: Check) -> list[tuple[str, Any, Any]]:
    assert found.verdict is not None
    return [tuple(difference) for difference in found.verdict.differences]


def text_of(data: bytes) -> str:
    """Return the text of a PDF without any spaces."""
    return "".join(pages_of(data))


def pages_of(data: bytes) -> list[str]:
    """Return the text of each page of a PDF without any spaces."""
    opened = pypdfium2.PdfDocument(data)
    try:
        texts = [page.get_textpage().get_text_range() for page in opened]
    finally:
        opened.close()
    return [re.sub(r"\s", "", text) for text in texts]


def notice(logs: Logs) -> Document:
    return paper(logs, MARCH, "payment-notice", QINGHAI)


# --- the same bytes -------------------------------------------------------------------------------


def test_the_same_logs_give_the_same_bytes_in_every_process(
    published: Published, tmp_path: Path
) -> None:
    made = []
    for number, seed in enumerate(("1", "77")):
        target = tmp_path / str(number)
        done = gongzhang(
            "document", "make", APRIL, "--source", published.folder, "--policy", published.policy,
            "--out", target, "--party", QINGHAI, "--kind", "payment-notice",
            PYTHONHASHSEED=seed, TZ=("UTC", "Asia/Shanghai")[number],
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        made.append({path.name: path.read_bytes() for path in target.iterdir()})
    assert made[0] == made[1]
    assert len(made[0]) == 3
    found = paper(published.logs, APRIL, "payment-notice", QINGHAI)
    assert made[0][f"{found.name}.pdf"] == render_pdf(found, "zh")
    content = hashlib.sha256(made[0][f"{found.name}.json"]).digest()
    assert content == found.hash


def test_several_processes_make_the_same_files_in_the_same_order(
    published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = everything(published.logs, APRIL)[:2]
    jobs = [Job(made, form, "zh") for made in found for form in FORMATS]
    alone = [(job, render(job)) for job in jobs]
    monkeypatch.setattr("cli.render.WORTH_IT", 1)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    assert list(render_all(jobs)) == alone


def test_nothing_is_compressed_because_compressors_differ(
    published: Published, printed: bytes
) -> None:
    assert b"/Filter" not in printed
    assert b"/FontFile3" in printed
    with zipfile.ZipFile(io.BytesIO(render_xlsx(notice(published.logs), "zh"))) as parts:
        kinds = {(part.compress_type, part.date_time) for part in parts.infolist()}
    assert kinds == {(zipfile.ZIP_STORED, (1980, 1, 1, 0, 0, 0))}


# --- what is on paper -----------------------------------------------------------------------------


def test_the_text_of_a_notice_has_title_amount_words_day_and_hashes(
    published: Published, printed: bytes
) -> None:
    made = notice(published.logs)
    text = text_of(printed)
    for wanted in (
        "跨省异地就医费用付款通知书", "¥12.34", "壹拾贰元叁角肆分", "2017-04-15", "清算资金",
        "630000青海省", "100000国家中心", made.result_hash, made.hash.hex(),
        tag_of(made).format().replace(" ", ""), "单位（盖章）",
    ):  # fmt: skip
        assert wanted in text
    english = text_of(render_pdf(made, "en"))
    assert "Paymentnotice" in english
    assert "壹拾贰元叁角肆分" in english


@pytest.mark.skipif(
    shutil.which("pdftotext") is None, reason="pdftotext is not installed (see `make interop`)"
)
def test_another_program_reads_the_same_text(printed: bytes, tmp_path: Path) -> None:
    path = tmp_path / "notice.pdf"
    path.write_bytes(printed)
    done = subprocess.run(["pdftotext", str(path), "-"], capture_output=True, check=True, text=True)
    assert "人民币（大写）" in done.stdout
    assert "壹拾贰元叁角肆分" in done.stdout


@pytest.mark.parametrize(("kind", "language"), [*((k, "zh") for k in KINDS), ("deductions", "en")])
def test_every_kind_shows_each_of_its_amounts(
    published: Published, kind: str, language: str
) -> None:
    code = CENTRE if kind in ("clearing", "receipt-notice") else QINGHAI
    made = paper(published.logs, APRIL, kind, code)
    text = text_of(render_pdf(made, language))
    for table in made.tables:
        for row in (*table.rows, table.total):
            for name, value in zip(table.columns, row, strict=True):
                if name.endswith("_fen") and isinstance(value, int):
                    assert f"{value / 100:,.2f}" in text


def test_a_draft_says_so_on_paper_and_in_the_workbook() -> None:
    logs = three()
    propose(logs)
    draft = document(book(logs, MARCH), "payable", QINGHAI)
    assert draft is not None
    assert "草稿：未确认，不作付款依据" in text_of(render_pdf(draft, "zh"))
    assert "DRAFT" in text_of(render_pdf(draft, "en"))
    assert "草稿：未确认，不作付款依据" in subject._cells(render_xlsx(draft, "zh")).values()
    assert draft.name.endswith("-draft")


def test_a_workbook_is_set_up_for_paper_and_has_values_only(published: Published) -> None:
    made = paper(published.logs, APRIL, "payable", QINGHAI)
    with zipfile.ZipFile(io.BytesIO(render_xlsx(made, "zh"))) as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml").decode()
        book_xml = parts.read("xl/workbook.xml").decode()
        styles = parts.read("xl/styles.xml").decode()
    assert '<pageSetup paperSize="9"' in sheet
    assert 'orientation="landscape"' in sheet
    assert 'fitToHeight="0"' in sheet
    assert "&amp;P / &amp;N" in sheet
    assert "<f>" not in sheet
    assert "_xlnm.Print_Titles" in book_xml
    assert 'formatCode="#,##0.00"' in styles
    assert 'formatCode="#,##0"' in styles
    cells = subject._cells(render_xlsx(made, "zh"))
    assert [cells[name] for name in ("A13", "B13", "C13", "G13")] == [
        "510000 四川省", "4", "5.7", "10.7",
    ]  # fmt: skip


def test_an_amount_that_a_spreadsheet_would_round_is_written_as_text(published: Published) -> None:
    made = paper(published.logs, APRIL, "payable", QINGHAI)
    large = with_cell(made, 0, 0, 2, 2**53 - 1)
    cells = subject._cells(render_xlsx(large, "zh"))
    assert cells["C13"] == "90,071,992,547,409.91"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_labels_of_a_notices_amount_fit_their_column(language: str) -> None:
    page = page_of(paper(march(), MARCH, "payment-notice", QINGHAI), language)
    assert page.amount is not None
    for label, _ in page.amount:  # 13 points in a column that is counted in characters of 10
        assert cell_len(label) * 13 / 10 < _widths(page)[0], label


def test_a_table_of_many_pages_repeats_its_headings(published: Published) -> None:
    made = paper(published.logs, APRIL, "payable", QINGHAI)
    page = page_of(made, "zh")
    grid = page.grids[0]
    long = page._replace(grids=[grid._replace(rows=list(grid.rows) * 60)])
    texts = pages_of(draw_pdf(long))
    assert len(texts) > 1
    assert all("职工统筹基金" in text for text in texts[:2])
    assert f"2/{len(texts)}" in texts[1]
    assert all(page.tag.replace(" ", "") in text for text in texts)


def test_without_the_font_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.font.find_spec", lambda _name: None)
    font_path.cache_clear()
    with pytest.raises(FormError, match="pip install pylopdf-fonts-zh-cn"):
        check_formats(["json", "pdf"])
    check_formats(["json", "xlsx"])
    font_path.cache_clear()


# --- checked against the logs ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "language"),
    [("json", "zh"), ("xlsx", "zh"), ("xlsx", "en"), ("pdf", "zh"), ("pdf", "en")],
)
def test_what_was_made_is_true(
    published: Published, tmp_path: Path, form: str, language: str
) -> None:
    path = tmp_path / f"notice.{form}"
    path.write_bytes(render(Job(notice(published.logs), form, language)))
    found = check(published, path)
    assert (found.exit, places(found)) == (0, [])
    assert found.verdict is not None
    assert "byte for byte" in found.verdict.compared.en


def test_a_workbook_saved_again_is_compared_cell_by_cell(
    published: Published, tmp_path: Path
) -> None:
    made = render_xlsx(paper(published.logs, MARCH, "payable", QINGHAI), "en")
    path = tmp_path / "again.xlsx"
    path.write_bytes(repacked(made))
    found = check(published, path)
    assert found.exit == 0
    assert found.verdict is not None
    assert "every cell" in found.verdict.compared.en


def repacked(data: bytes, old: bytes = b"", new: bytes = b"") -> bytes:
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as parts, zipfile.ZipFile(result, "w") as made:
        for name in parts.namelist():
            part = parts.read(name)
            made.writestr(name, part.replace(old, new) if old else part, zipfile.ZIP_DEFLATED)
    return result.getvalue()


def test_a_changed_cell_of_a_workbook_is_named(published: Published, tmp_path: Path) -> None:
    made = render_xlsx(paper(published.logs, APRIL, "payable", QINGHAI), "zh")
    path = tmp_path / "false.xlsx"
    path.write_bytes(repacked(made, b"<v>10.70</v>", b"<v>10.71</v>"))
    found = check(published, path)
    assert found.exit == 1
    assert places(found) == [("cell G13", "10.71", "10.7"), ("cell G14", "10.71", "10.7")]


def test_a_formula_or_another_property_in_a_workbook_is_false(
    published: Published, tmp_path: Path
) -> None:
    made = render_xlsx(paper(published.logs, APRIL, "payable", QINGHAI), "zh")
    path = tmp_path / "false.xlsx"
    path.write_bytes(repacked(made, b"<v>10.70</v>", b"<f>1+1</f><v>10.70</v>"))
    assert ("cell G13", "a formula", "a value") in places(check(published, path))
    tag = tag_of(paper(published.logs, APRIL, "payable", QINGHAI)).format()
    with zipfile.ZipFile(io.BytesIO(made)) as parts:
        custom = parts.read("docProps/custom.xml")
    path.write_bytes(repacked(made, custom, custom.replace(b" 1070<", b" 1071<")))
    assert places(check(published, path)) == [("property Gongzhang", tag[:-4] + "1071", tag)]


def test_a_second_sheet_is_false(published: Published, tmp_path: Path) -> None:
    made = render_xlsx(paper(published.logs, APRIL, "payable", QINGHAI), "zh")
    with zipfile.ZipFile(io.BytesIO(made)) as parts:
        workbook = parts.read("xl/workbook.xml")
    second = workbook.replace(b"</sheets>", b'<sheet name="2" sheetId="2" r:id="rId1"/></sheets>')
    path = tmp_path / "false.xlsx"
    path.write_bytes(repacked(made, workbook, second))
    assert ("sheets", "2", "1") in places(check(published, path))


def test_a_print_with_another_amount_under_the_true_hashes_is_found_out(
    published: Published, tmp_path: Path
) -> None:
    page = page_of(notice(published.logs), "zh")
    assert page.amount is not None
    forged = page._replace(amount=((page.amount[0][0], "¥92.34"), page.amount[1]))
    for name, data in (("a.pdf", draw_pdf(forged)), ("a.xlsx", draw_xlsx(forged))):
        path = tmp_path / name
        path.write_bytes(data)
        found = check(published, path)
        assert found.exit == 1
        assert len(places(found)) == 1
        assert "92.34" in places(found)[0][1]
        assert "12.34" in places(found)[0][2]


def test_a_pdf_with_other_metadata_is_false(
    published: Published, printed: bytes, tmp_path: Path
) -> None:
    tag = tag_of(notice(published.logs)).format().encode()
    path = tmp_path / "false.pdf"
    path.write_bytes(printed.replace(b"/Subject (" + tag, b"/Subject (" + tag[:-1] + b"5"))
    found = check(published, path)
    assert found.exit == 1
    assert {place for place, _, _ in places(found)} >= {"metadata", "QR total_fen"}


def test_a_broken_or_empty_file_cannot_be_checked(
    published: Published, printed: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "broken.pdf"
    for data in (printed[:400], b"%PDF-1.7\n", b"%PDF-1.7\n" + b"1 0 obj\n" * 50):
        path.write_bytes(data)
        with pytest.raises(UncheckableError):
            check(published, path)
    path = tmp_path / "empty.xlsx"
    path.write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(FormError):
        check(published, path)
    path.write_bytes(b"a letter")
    with pytest.raises(FormError, match="JSON, xlsx or PDF"):
        check(published, path)
    with pytest.raises(FormError, match="readable"):
        check(published, tmp_path / "none.pdf")


def test_a_changed_json_file_names_the_cell(published: Published, tmp_path: Path) -> None:
    path = tmp_path / "false.json"
    true = paper(published.logs, APRIL, "employee", QINGHAI)
    path.write_bytes(with_cell(true, 0, 1, 2, -29).encode())
    found = check(published, path)
    assert places(found) == [("payable, row 2 (510000), employee_fen", -29, -30)]
    path.write_text(json.dumps(json.loads(true.encode())), encoding="utf-8")
    assert check(published, path).exit == 0


def test_the_text_of_a_qr_code_is_enough_for_hashes_and_total(published: Published) -> None:
    true = tag_of(notice(published.logs))

    def exit_of(**changes: Any) -> tuple[int, list[str]]:
        asked = read_qr(true._replace(**changes).format())
        found = check_document(asked, published.folder, published.policy)
        return found.exit, [place for place, _, _ in places(found)] if found.verdict else []

    assert exit_of() == (0, [])
    assert exit_of(total_fen=1_235) == (1, ["QR total_fen"])
    assert exit_of(content_hash="0" * 64) == (1, ["QR content_hash"])
    assert exit_of(party=SICHUAN) == (1, ["document"])  # it has no leg to pay
    assert exit_of(network="0" * 16) == (1, ["network"])
    assert exit_of(period=APRIL)[0] == 1
    assert exit_of(period="2017-09") == (3, [])
    assert exit_of(revision=2) == (3, [])


def test_logs_older_than_the_confirmation_cannot_say(tmp_path: Path) -> None:
    later, logs = march(), three()
    propose(logs)
    folder, policy = publish(logs, tmp_path)
    tag = tag_of(notice(later))._replace(network=logs.roster.network_id.hex()[:16])
    with pytest.raises(UncheckableError, match="not confirmed in these logs"):
        check_document(read_qr(tag.format()), folder, policy)


def test_a_draft_is_true_as_a_draft_until_it_is_withdrawn(tmp_path: Path) -> None:
    logs = three()
    propose(logs)
    draft = document(book(logs, MARCH), "payable", QINGHAI)
    assert draft is not None
    asked = read_qr(tag_of(draft).format())
    folder, policy = publish(logs, tmp_path / "open")
    found = check_document(asked, folder, policy)
    assert (found.exit, [note.en for note in found.notes]) == (
        0, ["a draft: not confirmed, pays nothing"],
    )  # fmt: skip
    logs.add(CENTRE, Withdrawal(MARCH, 1, batch(logs).proposal_hash, "late", []))
    folder, policy = publish(logs, tmp_path / "withdrawn")
    assert check_document(asked, folder, policy).exit == 1


def test_a_draft_that_was_confirmed_since_is_still_true_and_says_so(
    published: Published,
) -> None:
    draft = document(book(published.logs, MARCH).as_draft(), "payable", QINGHAI)
    assert draft is not None
    found = check_document(read_qr(tag_of(draft).format()), published.folder, published.policy)
    assert found.exit == 0
    assert "confirmed since" in found.notes[0].en


def test_logs_that_do_not_hold_vouch_for_no_document(published: Published, tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    shutil.copytree(published.folder, folder)
    bundle = next((folder / SICHUAN / "tile" / "entries").rglob("*.p/*"))
    data = bytearray(bundle.read_bytes())
    data[80] ^= 1
    bundle.write_bytes(bytes(data))
    asked = read_qr(tag_of(notice(published.logs)).format())
    found = check_document(asked, folder, published.policy)
    assert found.exit in (3, 4)
    assert found.findings


# --- commands -------------------------------------------------------------------------------------


def run(*arguments: object) -> Any:
    """Run a command in this process."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_province_makes_its_documents_at_home_and_anybody_checks_them(
    cleared: Cleared, tmp_path: Path
) -> None:
    home = ("--home", cleared.home / QINGHAI)
    listed = json.loads(run("document", "list", MARCH, *home, "--json").stdout)
    assert [entry["kind"] for entry in listed["documents"]] == [
        "clearing", "payable", "receivable", *LINE_KINDS, "deductions", "payment-notice",
    ]  # fmt: skip
    make = ("document", "make", MARCH, *home, "--out", tmp_path, "--kind", "payment-notice")
    assert run(*make, "--dry-run").exit_code == 0
    assert not list(tmp_path.iterdir())
    made = as_json(*make)
    assert [row["written"] for row in made["files"]] == [True] * 3
    again = json.loads(run(*make, "--json").stdout)
    assert [row["written"] for row in again["files"]] == [False] * 3
    path = tmp_path / f"{MARCH}-r1-{QINGHAI}-payment-notice.pdf"
    policy = ("--policy", cleared.policy)
    asked = run("audit", "document", path, cleared.home / SICHUAN, *policy, "--json")
    checked = json.loads(asked.stdout)
    assert (checked["ok"], checked["exit"], checked["differences"]) == (True, 0, [])
    path.write_bytes(b"another")
    refused = run(*make)
    assert (refused.exit_code, "--force" in refused.stderr) == (2, True)
    assert path.read_bytes() == b"another"
    assert run(*make, "--force").exit_code == 0
    assert path.read_bytes().startswith(b"%PDF")


def test_check_takes_documents_too(published: Published, tmp_path: Path) -> None:
    path = tmp_path / "notice.json"
    path.write_bytes(notice(published.logs).encode())
    policy = ("--policy", published.policy)
    done = run("audit", "check", path, *policy, "--source", published.folder)
    assert (done.exit_code, "TRUE" in done.stdout) == (0, True)
    missing = run("audit", "check", path, *policy)
    assert (missing.exit_code, "--source" in missing.stderr) == (2, True)
    leaf = run("audit", "check", path, *policy, "--source", published.folder, "--leaf", path)
    assert (leaf.exit_code, "--leaf" in leaf.stderr) == (2, True)


def test_a_false_document_ends_with_one_and_says_where(
    published: Published, tmp_path: Path
) -> None:
    path = tmp_path / "false.json"
    path.write_bytes(with_cell(notice(published.logs), 0, 0, 6, 9_234).encode())
    done = run("audit", "document", path, published.folder, "--policy", published.policy)
    assert done.exit_code == 1
    assert "92.34" in done.stdout
    assert "12.34" in done.stdout


def test_every_place_of_a_difference_has_a_chinese_name(
    published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GONGZHANG_LANG", "zh")
    for made in everything(published.logs, APRIL):
        for table in made.tables:
            assert papercheck._place(table.name) != table.name
            assert all(papercheck._place(name) != name for name in table.columns)
        assert all(papercheck._place(name) != name for name in made.fields)
    assert papercheck._place("legs, row 2 (3), total_fen") == "划拨表，第 2 行（3），总额"
    assert papercheck._place("QR content_hash") == "二维码：内容哈希"
    assert papercheck._place("page 1, line 12") == "第 1 页，第 12 行"
    assert papercheck._place("cell C13") == "单元格 C13"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("document", "make", "2017-09"), 1, "has not been proposed"),
        (("document", "make", "2017-09", "--kind", "payable"), 3, "no batch of 2017-09"),
        (("document", "make", MARCH, "--kind", "invoice"), 2, "clearing, payable"),
        (("document", "make", MARCH, "--party", "999999"), 2, "--party"),
        (("document", "make", MARCH, "--format", "doc"), 2, "json, xlsx, pdf"),
        (("document", "make", MARCH, "--lang", "fr"), 2, "zh or en"),
        (("document", "make", MARCH, "--revision", "2"), 1, "r2 has not been proposed"),
    ],
)
def test_wrong_input_is_named(
    published: Published, tmp_path: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    source = ("--source", published.folder, "--policy", published.policy)
    done = run(*arguments, "--out", tmp_path / "x", *source)
    assert done.exit_code == code
    assert said in done.stderr
    assert not (tmp_path / "x").exists()


def test_a_source_needs_its_policy_and_a_check_its_logs(
    published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GONGZHANG_HOME", raising=False)
    out = ("--out", tmp_path / "x")
    lone = run("document", "make", MARCH, "--source", published.folder, *out)
    assert (lone.exit_code, "--policy" in lone.stderr) == (2, True)
    nowhere = run("document", "make", MARCH, *out)
    assert (nowhere.exit_code, "--home" in nowhere.stderr) == (2, True)
    alone = run("audit", "document", published.folder, "--policy", published.policy)
    assert (alone.exit_code, "--qr" in alone.stderr) == (2, True)
