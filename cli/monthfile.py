"""Checking a month bundle: unpacked into a scratch folder and audited like any exported logs."""

import tempfile
from pathlib import Path
from typing import Any

import typer

from cli.audit import audit_source, load_policy, print_report
from cli.findings import Finding, Report
from cli.output import emit, guarded, name_of, out, say, table, yuan
from cli.unpack import Header, unpack


def check_bundle(path: Path, policy: Path, *, as_json: bool) -> None:
    """Recompute the month of a bundle; prints what was found and ends with the audit's exit code.

    Trust comes from the policy alone: the unpacked logs go the way of every audit, from the
    centre's checkpoint to the nets, so whatever is missing or was changed shows.
    """

    def act() -> tuple[str, Report]:
        trust = load_policy(policy)
        with tempfile.TemporaryDirectory(prefix="gongzhang-bundle-") as name:
            header = unpack(path, Path(name) / "logs")
            report = audit_source(Path(name) / "logs", trust, header.month, show=not as_json)
            _check_cut(header, report)
            return header.month, report

    month, report = guarded(act, as_json=as_json)
    if as_json:
        emit({"month": month, **report.as_json(), "exit": report.exit_code})
    else:
        print_report(report)
        for found in report.months:
            out().print(_nets(found))
    raise typer.Exit(report.exit_code)


def _check_cut(header: Header, report: Report) -> None:
    # What a final month rests on is listed in its certificate and confirmation. Of any other month
    # whoever made the bundle could have cut off an attestation or a payment.
    final = any(found["state"] == "FINAL" for found in report.months)
    for part in header.parts:
        if part.path and not final:
            text = "entries are cut off though the month is not final"
            report.findings.append(Finding("unchecked", part.code, text))


def _nets(month: dict[str, Any]) -> object:
    columns = [(say("participant", "参与方"), "left"), (say("net, yuan", "净额（元）"), "right")]
    rows = [[name_of(code), yuan(fen)] for code, fen in sorted(month["nets_fen"].items()) if fen]
    title = say(f"{month['month']}: recomputed nets", f"{month['month']}：重算净额")
    return table(title, columns, rows)
