"""`gongzhang audit`: check everything offline, trusting one policy file and no node."""

import json
import platform
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn

from cli.clone import run_clone
from cli.compare import Difference
from cli.compare import compare as compare_sources
from cli.findings import LogAudit, Report
from cli.output import emit, guarded, name_of, out, say, table, talk, yuan
from cli.since import Since, parse_since
from cli.source import open_source
from cli.verify import Audit, void_text
from ledger.disk import write_durably
from ledger.errors import FormError
from ledger.evidence import Conviction, format_evidence, parse_evidence
from ledger.hashing import hash_bytes
from ledger.policy import Policy, parse_policy
from settlement.importing import ImportPlan, read_records
from settlement.keychain import judge

app = typer.Typer(no_args_is_help=True, help=say("Offline audits.", "离线审计。"))


@app.command()
def verify(
    source: Annotated[Path, typer.Argument(help="a node's home or an exported folder")],
    policy: Annotated[Path, typer.Option("--policy", help="the trust file")],
    month: Annotated[str | None, typer.Option("--month", help="only this month's batch")] = None,
    book: Annotated[
        Path | None, typer.Option("--against", help="a province's own records, CSV")
    ] = None,
    since: Annotated[
        Path | None,
        typer.Option("--since", help="an earlier report or checkpoint: verify what is new"),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", min=1, max=64, help="processes (default: the cores)")
    ] = None,
    report_file: Annotated[
        Path | None, typer.Option("--report", help="write what was checked to this file, JSON")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> None:
    """Recompute trees, signatures, nets and certificates from the entries alone."""

    def act() -> Report:
        trust, data = load_policy(policy), _book(book)
        plan = read_book_file(book, data) if book and data is not None else None
        before = None if since is None else parse_since(_file(since), str(since))
        found = audit_source(
            source, trust, month, show=not as_json, plan=plan, since=before, workers=jobs
        )
        if report_file is not None:
            write_durably(report_file, _report_json(found, source, data))
        return found

    report = guarded(act, as_json=as_json)
    if as_json:
        emit({**report.as_json(), "exit": report.exit_code})
    else:
        print_report(report)
    raise typer.Exit(report.exit_code)


@app.command()
def clone(
    url: Annotated[str, typer.Argument(help="a node's address, or a host of exported logs")],
    target: Annotated[Path, typer.Argument(help="folder for the logs; an earlier clone goes on")],
    policy: Annotated[Path, typer.Option("--policy", help="the trust file")],
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> None:
    """Mirror all logs of a node as files, with verification."""
    trust = guarded(lambda: load_policy(policy), as_json=as_json)
    columns = (TextColumn("{task.description}"), BarColumn())
    visible = not as_json and talk().is_terminal
    with Progress(*columns, console=talk(), disable=not visible) as bar:
        task = bar.add_task("", total=None)

        def progress(code: str, done: int, size: int) -> None:
            bar.update(task, description=name_of(code), completed=done, total=size)

        found = guarded(lambda: run_clone(url, target, trust, progress), as_json=as_json)
    if as_json:
        emit({"ok": True, "sizes": found.sizes, "fetched": found.fetched})
    else:
        talk().print(
            say(
                f"{len(found.sizes)} logs, {sum(found.sizes.values())} entries in {target}; "
                f"{found.fetched} fetched. Next: gongzhang audit verify {target} --policy {policy}",
                f"{target} 中有 {len(found.sizes)} 本日志、{sum(found.sizes.values())} 条条目；"
                f"本次取得 {found.fetched} 条。下一步：gongzhang audit verify {target} "
                f"--policy {policy}",
            )
        )


@app.command()
def compare(
    one: Annotated[Path, typer.Argument(help="a node's home or an exported folder")],
    two: Annotated[Path, typer.Argument(help="another one")],
    policy: Annotated[Path, typer.Option("--policy", help="the trust file")],
    out_folder: Annotated[
        Path | None, typer.Option("--out", help="folder for evidence files, if there is any")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> None:
    """Lay two sources side by side and find split views; exit 4 if somebody lied."""

    def act() -> list[Difference]:
        trust = load_policy(policy)
        with open_source(one) as first, open_source(two) as second:
            return list(compare_sources(first, second, trust))

    found = guarded(act, as_json=as_json)
    written = guarded(lambda: _write_evidence(found, out_folder), as_json=as_json)
    split = [difference.code for difference in found if difference.verdict == "split"]
    if as_json:
        logs = [{"log": d.code, "sizes": d.sizes, "verdict": d.verdict} for d in found]
        emit({"ok": not split, "logs": logs, "evidence": written})
    else:
        verdicts = {
            "same": say("the same", "相同"),
            "longer": say("one continues the other", "一方是另一方的延续"),
            "one-side": say("in one source only", "仅一方持有"),
            "split": say("SPLIT: its author signed both", "分叉：作者签署了两个版本"),
        }
        columns = [
            (say("log", "日志"), "left"), ("1", "right"), ("2", "right"),
            (say("verdict", "结论"), "left"),
        ]  # fmt: skip
        rows = [
            [name_of(d.code), str(d.sizes[0]), str(d.sizes[1]), verdicts[d.verdict]] for d in found
        ]
        out().print(table(say("Side by side", "对照"), columns, rows))
        for path in written:
            talk().print(path)
    raise typer.Exit(4 if split else 0)


def _write_evidence(found: Sequence[Difference], folder: Path | None) -> list[str]:
    if folder is None:
        return []
    written = []
    for difference in found:
        for evidence in difference.evidence:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{difference.code}-{evidence.kind}-{evidence.id.hex()[:8]}.evidence"
            path.write_bytes(format_evidence(evidence))
            written.append(str(path))
    return written


@app.command()
def evidence(
    file: Annotated[Path, typer.Argument(help="the .evidence file")],
    policy: Annotated[Path, typer.Option("--policy", help="the trust file")],
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> None:
    """Check an evidence file without any node; exit 4 if it convicts, 1 if it does not."""

    def act() -> Conviction:
        trust = load_policy(policy)
        try:
            found = parse_evidence(file.read_bytes())
        except OSError as error:
            raise FormError(str(file), "a readable file", error.strerror) from None
        return judge(found, trust)

    verdict = guarded(act, as_json=as_json)
    code = verdict.origin.rsplit("/", 1)[-1]
    if as_json:
        emit({"ok": False, "code": "MISCONDUCT", "log": code, **vars(verdict), "exit": 4})
    else:
        rows = [
            [say("author", "作者"), name_of(code)],
            [say("kind", "类别"), verdict.kind],
            [say("proved", "证明"), verdict.text],
            [say("witnesses of both", "两者皆见证的"), ", ".join(verdict.cosigners) or "-"],
        ]
        title = say("Proof of misconduct", "不当行为证据成立")
        out().print(table(title, [("", "left"), ("", "left")], rows))
    raise typer.Exit(4)


def load_policy(path: Path) -> Policy:
    """Return the policy of a file; raises FormError if it cannot be read or used."""
    try:
        return parse_policy(path.read_bytes())
    except OSError as error:
        raise FormError(str(path), "a readable policy file", error.strerror) from None


def _book(path: Path | None) -> bytes | None:
    return None if path is None else _file(path)


def _file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise FormError(str(path), "a readable file", error.strerror) from None


def read_book_file(path: Path, data: bytes) -> ImportPlan:
    """Return the records of a province's book; raises FormError naming its first fault."""
    plan = read_records(data)
    if plan.faults:
        first = plan.faults[0]
        place = f"{path} line {first.line} {first.column}".rstrip()
        raise FormError(place, first.text.en, first.value)
    return plan


def _report_json(report: Report, source: Path, book: bytes | None) -> bytes:
    """Return what was checked with which program, as a file that can be compared later."""
    value = {
        "program": f"gongzhang {version('gongzhang')}",
        "python": platform.python_version(),
        "source": source.name,
        "book_sha256": None if book is None else hash_bytes(book).hex(),
        **report.as_json(),
        "exit": report.exit_code,
    }
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True).encode() + b"\n"


def audit_source(
    path: Path,
    policy: Policy,
    month: str | None = None,
    *,
    show: bool = False,
    plan: ImportPlan | None = None,
    since: Since | None = None,
    workers: int | None = None,
) -> Report:
    """Return the report on a home or an exported folder.

    Args:
        plan: A province's own records, to be held against the logs.
        since: What was verified before.
        workers: How many processes verify signatures; default: the cores, if it is worth it.

    Raises:
        FormError: The path leads to neither.
        DamageError: The store cannot be read.
    """
    with audited(path, policy, month, show=show, since=since, workers=workers) as audit:
        if plan is not None:
            audit.against(plan)
        return audit.report


@contextmanager
def audited(
    path: Path,
    policy: Policy,
    month: str | None = None,
    *,
    show: bool = False,
    since: Since | None = None,
    workers: int | None = None,
) -> Iterator[Audit]:
    """Yield an audit that has run, while its source is still open; raises as `audit_source`."""
    columns = (TextColumn("{task.description}"), BarColumn())
    visible = show and talk().is_terminal
    with open_source(path) as source, ExitStack() as stack:
        with Progress(*columns, console=talk(), disable=not visible) as bar:
            task = bar.add_task("", total=None)

            def progress(code: str, done: int, size: int) -> None:
                bar.update(task, description=name_of(code), completed=done, total=size)

            audit = stack.enter_context(
                Audit(source, policy, progress, path=path, since=since, workers=workers)
            )
            audit.run(month)
        yield audit


def print_report(report: Report, *, brief: bool = False) -> None:
    """Print what was verified, and everything that is not as it must be."""
    console = out()
    if not brief:
        console.print(_logs_table(report))
        console.print(_months_table(report))
    void = [(item.code, index, code) for item in report.logs for index, code in item.void]
    if void:
        columns = [(say("log", "日志"), "left"), ("#", "right"), (say("void", "无效"), "left")]
        rows = [[name_of(c), str(i), void_text(v, say("en", "zh"))] for c, i, v in void]
        console.print(table(say("Void entries", "无效条目"), columns, rows))
    if report.findings:
        columns = [
            (say("kind", "类别"), "left"),
            (say("place", "位置"), "left"),
            (say("finding", "发现"), "left"),
        ]
        rows = [[_kind(f.kind), f.place, f.text] for f in report.findings]
        console.print(table(say("Findings", "审计发现"), columns, rows))
    verdict = (
        say("VERIFIED", "核验通过") if not report.findings else say("NOT VERIFIED", "未通过核验")
    )
    console.print(
        say(
            f"{verdict}: {len(report.logs)} logs, {report.entries_verified} entries, "
            + (f"{report.entries_known} known before, " if report.entries_known else "")
            + f"{report.signatures_verified} signatures, {len(report.months)} batches recomputed",
            f"{verdict}：{len(report.logs)} 本日志，{report.entries_verified} 条记录，"
            + (f"此前已核验 {report.entries_known} 条，" if report.entries_known else "")
            + f"{report.signatures_verified} 个签名，重算 {len(report.months)} 个批次",
        )
    )
    if report.prepayment:
        console.print(_prepayment(report.prepayment))
    console.print(say("policy fingerprint ", "信任文件指纹 ") + report.policy)
    if report.withstands is not None:
        console.print(
            say(
                f"its quorum withstands {report.withstands} dishonest witnesses",
                f"其法定人数可承受 {report.withstands} 个不诚实的见证者",
            )
        )


def _prepayment(found: dict[str, Any]) -> str:
    basis = {
        "batches": say("recomputed", "已重算"),
        "given": say("given by hand, not to be recomputed", "人工核定，无法重算"),
    }
    quotas = ", ".join(f"{year} {basis[how]}" for year, how in found["quotas"].items())
    return say(
        f"prepayments of {found['pairs']} pairs: {yuan(found['held_fen'])} yuan held, "
        f"{yuan(found['transit_fen'])} under way; quotas: {quotas or '-'}",
        f"{found['pairs']} 对预付金：持有 {yuan(found['held_fen'])} 元，"
        f"在途 {yuan(found['transit_fen'])} 元；额度：{quotas or '-'}",
    )


def _logs_table(report: Report) -> object:
    columns = [
        (say("log", "日志"), "left"), (say("entries", "条目"), "right"),
        (say("void", "无效"), "right"), (say("witnesses", "见证"), "right"),
        (say("root", "根"), "left"),
    ]  # fmt: skip
    rows = [
        [name_of(a.code), str(a.size), str(len(a.void)), _signed(a, report), a.root[:16]]
        for a in report.logs
    ]
    return table(say("Logs", "日志"), columns, rows)


def _signed(log: LogAudit, report: Report) -> str:
    count, signed = str(len(log.witnesses)), set(log.witnesses)
    everybody = {item.code for item in report.logs} - {log.code}
    if not signed < everybody:  # all of them, or names that a policy has chosen
        return count
    missing = sorted(everybody - signed)
    shown = " ".join(missing[:4]) + (" …" if len(missing) > 4 else "")
    return count + say(f", not {shown}", f"，缺 {shown}")


def _months_table(report: Report) -> object:
    columns = [
        (say("batch", "批次"), "left"), (say("state", "状态"), "left"),
        (say("entries", "记录数"), "right"), (say("gross, yuan", "总额（元）"), "right"),
        (say("attested", "签认"), "right"), (say("result", "结果哈希"), "left"),
    ]  # fmt: skip
    rows = [
        [f"{m['month']} r{m['revision']}", m["state"], str(m["entries"]), yuan(m["gross_fen"]),
         str(m["attestations"]), m["result_hash"][:16]]
        for m in report.months
    ]  # fmt: skip
    return table(say("Batches, recomputed", "重算的批次"), columns, rows)


def _kind(kind: str) -> str:
    zh = {"false": "不符", "unchecked": "无法核验", "damaged": "损坏"}
    return say(kind, zh[kind])
