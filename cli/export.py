"""`gongzhang audit export`: verified logs as tables for DuckDB or a spreadsheet."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.audit import audited, load_policy, print_report
from cli.columns import SHEETS, schema
from cli.findings import Report
from cli.holding import Holding, holding_of
from cli.output import emit, guarded, out, say, table, talk
from cli.sheet import WRITERS, check_format
from cli.tabulate import TABLES
from ledger.disk import sync_directory, write_durably
from ledger.errors import FormError


def export(
    source: Annotated[Path, typer.Argument(help="a node's home or an exported folder")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="a new folder for the tables")],
    policy: Annotated[Path, typer.Option("--policy", help="the trust file")],
    form: Annotated[str, typer.Option("--format", help="parquet or csv")],
    force: Annotated[
        bool, typer.Option("--force", help="write in spite of findings; findings.json names them")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> None:
    """Audit everything, then write entries, batches and payments as tables."""

    def act() -> tuple[Report, dict[str, int] | None]:
        check_format(form)
        if target.exists():
            raise FormError(str(target), "a folder that does not exist yet")
        with audited(source, load_policy(policy), show=not as_json) as audit:
            report = audit.report
            if audit.roster is None or (report.findings and not force):
                return report, None
            return report, _write(holding_of(audit), target, form)

    report, counts = guarded(act, as_json=as_json)
    if as_json:
        emit(_json(report, counts))
    else:
        _show(report, counts, target)
    raise typer.Exit(report.exit_code)


def _write(holding: Holding, target: Path, form: str) -> dict[str, int]:
    """Write all tables; a folder with a `schema.json` is complete, any other is removed."""
    target.mkdir(parents=True)
    try:
        write: Callable[..., int] = WRITERS[form]
        counts = {
            name: write(target / f"{name}.{form}", SHEETS[name].columns, rows(holding))
            for name, rows in TABLES
        }
        report = holding.report
        if report.findings:
            found = {"findings": [vars(f) for f in report.findings], "exit": report.exit_code}
            write_durably(target / "findings.json", _file(found))
        about = {"network": report.network, "policy": report.policy, "format": form}
        write_durably(target / "schema.json", _file({**about, "tables": _tables(counts)}))
        sync_directory(target)
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise
    return counts


def _tables(counts: dict[str, int]) -> dict[str, Any]:
    return {name: {"rows": counts[name], **about} for name, about in schema().items()}


def _file(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=2).encode() + b"\n"


def _json(report: Report, counts: dict[str, int] | None) -> dict[str, Any]:
    return {
        "ok": not report.findings,
        "exported": counts is not None,
        "network": report.network,
        "policy": report.policy,
        "rows": counts or {},
        "findings": [vars(finding) for finding in report.findings],
        "exit": report.exit_code,
    }


def _show(report: Report, counts: dict[str, int] | None, target: Path) -> None:
    print_report(report, brief=True)
    if counts is None:
        talk().print(
            say(
                "Nothing was exported: not everything could be verified.",
                "未能全部核验，未导出任何内容。",
            )
        )
        return
    columns = [
        (say("table", "表"), "left"), (say("rows", "行数"), "right"),
        (say("what it holds", "内容"), "left"),
    ]  # fmt: skip
    rows = [
        [name, str(count), say(SHEETS[name].en, SHEETS[name].zh)] for name, count in counts.items()
    ]
    out().print(table(str(target), columns, rows))
    if report.findings:
        talk().print(
            say(
                f"Exported in spite of findings: see {target / 'findings.json'}.",
                f"存在审计发现仍然导出，见 {target / 'findings.json'}。",
            )
        )
