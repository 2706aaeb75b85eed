"""`gongzhang document`: tables and notices of a month as files for finance staff."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.gather import gather, words
from cli.homes import Json, Month
from cli.layout import page_of, party_name
from cli.output import emit, guarded, language, out, say, table, talk, yuan
from cli.render import LANGUAGES, Job, check_formats, render_all
from ledger.disk import write_durably
from ledger.errors import FormError
from settlement.document import Document

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
        forms = words(form)
        check_formats(forms)
        if lang not in LANGUAGES:
            raise FormError("--lang", " or ".join(LANGUAGES), lang)
        found = gather(month, home, source, policy, party, everybody, kind, revision)
        jobs = [Job(document, each, lang) for document in found.documents for each in forms]
        made = {} if dry_run else _write(jobs, out_folder, force=force)
        return {
            **found.about,
            "documents": [_entry(document) for document in found.documents],
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
        found = gather(month, home, source, policy, party, everybody, kind, revision)
        return {**found.about, "documents": [_entry(item) for item in found.documents]}

    value = guarded(act, as_json=as_json)
    if as_json:
        emit(value)
    else:
        out().print(_table(value))
        _draft_note(value)


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
    batch = f" r{value['revision']}" if value["revision"] else ""
    title = f"{say('Documents', '清算文书')}, {value['month']}{batch}{draft}"
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
