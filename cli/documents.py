"""`gongzhang document`: tables and notices of a month as files for finance staff."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.audit import audited, load_policy
from cli.holding import holding_of
from cli.homes import Json, Month, open_home
from cli.layout import page_of, party_name
from cli.output import emit, guarded, language, out, say, table, talk, yuan
from cli.render import LANGUAGES, Job, check_formats, render_all
from ledger.disk import write_durably
from ledger.errors import FormError, UncheckableError
from node import heads
from settlement.document import KINDS, TABLE_KINDS, Document
from settlement.lookup import applied_size
from settlement.monthbook import MonthBook, open_month
from settlement.paperwork import documents
from settlement.party import CENTRE

app = typer.Typer(no_args_is_help=True, help=say("Tables and notices.", "清算表与通知书。"))

HomeOrNone = Annotated[
    Path | None, typer.Option("--home", help="the node's home", envvar="GONGZHANG_HOME")
]
Source = Annotated[
    Path | None, typer.Option("--source", help="exported or cloned logs, instead of a home")
]
Policy = Annotated[
    Path | None, typer.Option("--policy", help="the trust file by which a --source is verified")
]
Party = Annotated[
    list[str] | None, typer.Option("--party", help="whose documents (default: the home's own)")
]
All = Annotated[bool, typer.Option("--all", help="everybody's documents")]
Kind = Annotated[
    str | None, typer.Option("--kind", help="kinds, by comma (default: all there are)")
]
Revision = Annotated[
    int | None, typer.Option("--revision", min=1, help="of the proposal (default: the newest)")
]


@app.command()
def make(
    month: Month,
    out_folder: Annotated[Path, typer.Option("--out", help="folder for the files")],
    home: HomeOrNone = None,
    source: Source = None,
    policy: Policy = None,
    party: Party = None,
    everybody: All = False,
    kind: Kind = None,
    form: Annotated[
        str, typer.Option("--format", help="json, xlsx, pdf, by comma")
    ] = "json,xlsx,pdf",
    lang: Annotated[str, typer.Option("--lang", help="language of the print: zh or en")] = "zh",
    revision: Revision = None,
    force: Annotated[
        bool, typer.Option("--force", help="replace files that have another content")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="show what would be made, write nothing")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make the tables and notices of a month as files. Before its confirmation: drafts, no notices.

    The same logs give the same bytes. A file that is there stays unless it is the same, or --force.
    """

    def act() -> dict[str, Any]:
        forms = _words(form)
        check_formats(forms)
        if lang not in LANGUAGES:
            raise FormError("--lang", " or ".join(LANGUAGES), lang)
        with _book(month, home, source, policy, revision) as (book, own):
            found = list(_chosen(book, own, party, everybody, kind))
        jobs = [Job(document, each, lang) for document in found for each in forms]
        made = {} if dry_run else _write(jobs, out_folder, force=force)
        return {
            **_about(book),
            "documents": [_entry(document) for document in found],
            "files": [
                {"file": job.name, "written": made.get(job.name)} for job in jobs
            ],
        }  # fmt: skip

    value = guarded(act, as_json=as_json)
    if as_json:
        emit({"ok": True, "dry_run": dry_run, **value})
    else:
        _print_made(value, out_folder, dry_run=dry_run)


@app.command("list")
def list_(
    month: Month,
    home: HomeOrNone = None,
    source: Source = None,
    policy: Policy = None,
    party: Party = None,
    everybody: All = False,
    kind: Kind = None,
    revision: Revision = None,
    as_json: Json = False,
) -> None:
    """List the documents a month has, with their totals and content hashes."""

    def act() -> dict[str, Any]:
        with _book(month, home, source, policy, revision) as (book, own):
            found = list(_chosen(book, own, party, everybody, kind))
            return {**_about(book), "documents": [_entry(document) for document in found]}

    value = guarded(act, as_json=as_json)
    if as_json:
        emit(value)
    else:
        out().print(_table(value))
        _draft_note(value)


# --- where from -----------------------------------------------------------------------------------


@contextmanager
def _book(
    month: str, home: Path | None, source: Path | None, policy: Path | None, revision: int | None
) -> Iterator[tuple[MonthBook, str | None]]:
    """Yield the month, and whose home it is from.

    Raises:
        FormError: Neither a home, nor a source with its policy.
        UncheckableError: A source does not hold under the policy.
    """
    if source is not None:
        if policy is None:
            raise FormError("--policy", "the trust file beside --source")
        with audited(source, load_policy(policy), month) as audit:
            if audit.report.findings:
                first = audit.report.findings[0]
                raise UncheckableError(f"{source}: {first.place}: {first.text}")
            holding = holding_of(audit)
            size = applied_size(holding.reader, CENTRE)
            yield open_month(holding.reader, holding.founding, month, size, revision), None
        return
    if home is None or policy is not None:
        raise FormError("--home", "a node's home, or --source with --policy")
    with open_home(home) as opened:
        size = heads.size_of(opened.reader, CENTRE)
        book = open_month(opened.reader, opened.founding, month, size, revision)
        yield book, opened.config.code


def _chosen(
    book: MonthBook, own: str | None, party: list[str] | None, everybody: bool, kind: str | None
) -> Iterator[Document]:
    known = (CENTRE, *book.participants)
    codes: Sequence[str] = (
        known if everybody or (own is None and not party) else party or [own or ""]
    )
    for code in codes:
        if code not in known:
            raise FormError("--party", f"one of {', '.join(known)}", code)
    kinds = _words(kind) if kind else list(KINDS if book.confirmed else TABLE_KINDS)
    return documents(book, kinds, codes)


def _words(text: str) -> list[str]:
    return list(dict.fromkeys(word.strip() for word in text.split(",")))


# --- files ----------------------------------------------------------------------------------------


def _write(jobs: Sequence[Job], folder: Path, *, force: bool) -> dict[str, bool]:
    """Write the files; return by name whether each is new.

    Raises:
        FormError: A file is there with another content; then nothing is written.
    """
    new: dict[str, bytes] = {}
    for job, data in render_all(jobs):
        path = folder / job.name
        if not path.exists():
            new[job.name] = data
        elif path.read_bytes() != data:
            if not force:
                raise FormError(str(path), "no file, or the same; see --force", "other content")
            new[job.name] = data
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in new.items():
        write_durably(folder / name, data)
    return {job.name: job.name in new for job in jobs}


# --- what is said ---------------------------------------------------------------------------------


def _about(book: MonthBook) -> dict[str, Any]:
    return {
        "month": book.batch.month,
        "revision": book.batch.revision,
        "state": "confirmed" if book.confirmed else "draft",
        "result_hash": book.result.hash.hex(),
    }


def _entry(document: Document) -> dict[str, Any]:
    return {
        "name": document.name,
        "kind": document.kind,
        "party": document.party,
        "title": page_of(document, language()).title,
        "total_fen": document.total_fen,
        "content_hash": document.hash.hex(),
    }


def _table(value: dict[str, Any]) -> Any:
    columns = [
        (say("kind", "类别"), "left"), (say("title", "名称"), "left"),
        (say("participant", "参与方"), "left"), (say("yuan", "金额（元）"), "right"),
        (say("content hash", "内容哈希"), "left"),
    ]  # fmt: skip
    rows = [
        [row["kind"], row["title"], party_name(row["party"], language()), yuan(row["total_fen"]),
         row["content_hash"][:16]]
        for row in value["documents"]
    ]  # fmt: skip
    draft = say(" (draft)", "（草稿）") if value["state"] == "draft" else ""
    title = f"{say('Documents', '清算文书')}, {value['month']} r{value['revision']}{draft}"
    return table(title, columns, rows)


def _print_made(value: dict[str, Any], folder: Path, *, dry_run: bool) -> None:
    files = value["files"]
    if dry_run:
        out().print(_table(value))
        for row in files:
            talk().print(f"{folder / row['file']}", markup=False)
    else:
        new = sum(row["written"] for row in files)
        text = say(
            f"{len(value['documents'])} documents, {len(files)} files in {folder}: "
            f"{new} written, {len(files) - new} were there and are the same",
            f"{folder} 中有 {len(value['documents'])} 份文书、{len(files)} 个文件："
            f"写入 {new} 个，{len(files) - new} 个已存在且内容相同",
        )
        talk().print(text, markup=False)
    _draft_note(value)


def _draft_note(value: dict[str, Any]) -> None:
    if value["state"] == "draft":
        talk().print(
            say(
                f"{value['month']} is not confirmed: drafts, and no notices",
                f"{value['month']} 尚未确认：仅为草稿，不出具通知书",
            )
        )
