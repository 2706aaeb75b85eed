"""Notices over demands for prepayment: made from the logs, checked against them."""

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from cli.main import app
from settlement.demandpaper import demand_documents
from settlement.document import DEMAND_KINDS, Document
from settlement.party import CENTRE
from settlement.tag import tag_of
from tests.network import QINGHAI, SICHUAN, TIBET, Logs
from tests.prepaid import DUE, demand_of, give_quotas
from tests.published import publish

MONTH = "2017-01"


def asked() -> Logs:
    """Return a network that was asked for its first prepayments."""
    logs = Logs()
    quotas = {(QINGHAI, SICHUAN): 5_000_000, (TIBET, SICHUAN): 1_234}
    assert give_quotas(logs, quotas) is None
    assert logs.add(CENTRE, demand_of(logs, MONTH, quotas)) is None
    return logs


def notices(logs: Logs, size: int | None = None) -> dict[tuple[str, str], Document]:
    below = logs.size(CENTRE) if size is None else size
    found = demand_documents(logs.store, logs.roster, MONTH, below, DEMAND_KINDS, logs.codes)
    return {(made.kind, made.party): made for made in found}


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_demand_makes_a_notice_for_whoever_pays_and_whoever_gets_it() -> None:
    logs = asked()
    found = notices(logs)
    assert {key: made.total_fen for key, made in found.items()} == {
        ("prepayment-payment-notice", TIBET): 1_234,
        ("prepayment-payment-notice", QINGHAI): 5_000_000,
        ("prepayment-receipt-notice", SICHUAN): 5_001_234,
    }
    made = found["prepayment-receipt-notice", SICHUAN]
    assert [row[:2] for row in made.tables[0].rows] == [(1, TIBET), (2, QINGHAI)]
    assert (made.fields["due_day"], made.fields["words"]) == (DUE, "伍万零壹拾贰元叁角肆分")
    assert notices(logs, logs.size(CENTRE) - 1) == {}


def test_its_notices_are_made_without_any_batch_and_checked(tmp_path: Path) -> None:
    folder, policy = publish(asked(), tmp_path)
    source = ("--source", folder, "--policy", policy)
    made = run("document", "make", MONTH, *source, "--out", tmp_path / "x", "--json")
    assert made.exit_code == 0, made.stderr
    files = {row["file"] for row in json.loads(made.stdout)["files"]}
    assert f"{MONTH}-r1-{SICHUAN}-prepayment-receipt-notice.pdf" in files
    assert len(files) == 3 * 3
    for form in ("json", "xlsx", "pdf"):
        path = tmp_path / "x" / f"{MONTH}-r1-{QINGHAI}-prepayment-payment-notice.{form}"
        done = run("audit", "document", path, folder, "--policy", policy)
        assert (done.exit_code, "TRUE" in done.stdout) == (0, True)
    listed = run("document", "list", MONTH, *source, "--kind", "prepayment-payment-notice")
    assert "50,000.00" in listed.stdout


def test_another_amount_or_demand_is_not_vouched_for(tmp_path: Path) -> None:
    logs = asked()
    folder, policy = publish(logs, tmp_path)
    true = tag_of(notices(logs)["prepayment-payment-notice", QINGHAI])
    qr = ("audit", "document", folder, "--policy", policy, "--qr")
    assert run(*qr, true.format()).exit_code == 0
    assert run(*qr, true._replace(total_fen=5_000_001).format()).exit_code == 1
    assert run(*qr, true._replace(revision=2).format()).exit_code == 3
    assert run(*qr, true._replace(period="2018-01").format()).exit_code == 3
    assert run(*qr, true._replace(party=SICHUAN).format()).exit_code == 3
