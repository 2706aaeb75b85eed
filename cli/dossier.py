"""`gongzhang audit case`: everything an auditor can say about one settlement, from files alone."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.audit import audited, load_policy, print_report
from cli.case import Case, case_at
from cli.casepage import show_case
from cli.findings import Finding
from cli.holding import Holding, Spot, Witnessed, holding_of, spots
from cli.output import emit, fail, guarded, say, talk
from cli.verify import Audit
from ledger.errors import FormError, UncheckableError
from ledger.prooffile import format_proof_file
from settlement.life import explain


def case(
    setl_id: Annotated[str, typer.Argument(help="the settlement's id")],
    source: Annotated[Path, typer.Argument(help="a node's home or an exported folder")],
    policy: Annotated[Path, typer.Option("--policy", help="the trust file")],
    log: Annotated[
        str | None, typer.Option("--log", help="only in this log, if several have the id")
    ] = None,
    proof_dir: Annotated[
        Path | None,
        typer.Option("--proof-dir", help="folder for proofs of the entry and its acceptance"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> None:
    """Show the whole life of one case, every signature and proof checked offline."""

    def act() -> tuple[Audit, Case | None, list[Spot], list[str]]:
        trust = load_policy(policy)
        with audited(source, trust, show=not as_json) as audit:
            found, also = _look(audit, setl_id, log)
            written = _write(audit, found, proof_dir) if found and proof_dir else []
        return audit, found, also, written

    audit, found, also, written = guarded(act, as_json=as_json)
    report = audit.report
    if found is None and not report.findings:
        codes = [log] if log else [item.code for item in report.logs]
        fail(UncheckableError(_unknown(setl_id, codes)), as_json=as_json)
    life = found.found if found else {}
    if as_json:
        emit(_json(audit, setl_id, life, also, written))
    else:
        show_case(setl_id, life, also)
        print_report(report, brief=True)
        for path in written:
            talk().print(path)
    raise typer.Exit(report.exit_code)


def _look(audit: Audit, setl_id: str, log: str | None) -> tuple[Case | None, list[Spot]]:
    """Return the case and other entries under its id; what does not hold becomes a finding."""
    if audit.roster is None:
        return None, []  # the finding says why
    holding = holding_of(audit)
    if log is not None and log not in holding.roster.members:
        raise FormError("--log", f"one of {', '.join(holding.roster.codes)}", log)
    places = spots(holding, setl_id, log)
    if not places:
        return None, []
    found = case_at(holding, places[0])
    holding.report.findings += _findings(holding, places[0], found)
    return found, places[1:]


def _findings(holding: Holding, spot: Spot, found: Case) -> list[Finding]:
    """Return what the audit of the whole does not mind, and a question for this case does."""
    if spot.void is not None and not found.found["entry"]["signature"]:
        return [Finding("false", f"{spot.code} #{spot.index}", explain(spot.void)["en"])]
    debtor = found.found.get("debtor")
    if debtor is not None and debtor not in holding.sizes:
        text = "its log is not here, so nothing is known of acceptance and state"
        return [Finding("unchecked", debtor, text)]
    return []


def _unknown(setl_id: str, codes: Sequence[str]) -> str:
    return say(
        f"{setl_id} is in none of the logs looked at here, so nothing about it can be checked "
        f"({', '.join(codes)})",
        f"所查日志中没有 {setl_id}，无法核验（{', '.join(codes)}）",
    )


# --- proofs to hand on -------------------------------------------------------------------------


def _write(audit: Audit, found: Case, folder: Path) -> list[str]:
    """Write proof, leaf and trust file of every proof; files that are there must be the same."""
    holding = holding_of(audit)
    files = {
        folder / name: data for item in found.proofs for name, data in _files(holding, item).items()
    }
    for path, data in files.items():
        if path.exists() and path.read_bytes() != data:
            raise FormError(str(path), "a file that does not exist yet")
    folder.mkdir(parents=True, exist_ok=True)
    for path, data in files.items():
        path.write_bytes(data)
    return [str(path) for path in files]


def _files(holding: Holding, item: Witnessed) -> dict[str, bytes]:
    name = f"{item.code}-{item.index}"
    return {
        f"{name}.tlog-proof": format_proof_file(item.proof),
        f"{name}.leaf": item.leaf,
        # An auditor's policy knows the centre's log alone; whoever checks needs this log's keys.
        f"{item.code}.policy": holding.policy_text(item.code).encode(),
    }


def _json(
    audit: Audit, setl_id: str, life: dict[str, Any], also: list[Spot], written: list[str]
) -> dict[str, Any]:
    report = audit.report
    return {
        "ok": not report.findings,
        "setl_id": setl_id,
        "network": report.network,
        "policy": report.policy,
        **life,
        "also": [vars(spot) for spot in also],
        "proofs": written,
        "findings": [vars(finding) for finding in report.findings],
        "exit": report.exit_code,
    }
