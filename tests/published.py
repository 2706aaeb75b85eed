"""Logs of a network in memory, closed month by month and written as the files an auditor gets."""

from pathlib import Path

from cli.trust import auditor_policy
from ledger import log
from ledger.table import log_key
from ledger.tiles import export
from settlement import batch as batches
from settlement.batch import Result
from settlement.netting import LegDue
from settlement.party import CENTRE
from settlement.record import Head, Net, Paid, Proposal, Received, Release
from tests.network import QINGHAI, SICHUAN, TIBET, Logs, reversal, settlement


def close(logs: Logs, month: str) -> None:
    """Propose, attest and confirm a month at the logs as they are."""
    result = batches.compute(logs.store, logs.roster, month, logs.cut(), logs.size(CENTRE))
    propose(logs, month, logs.cut(), result)
    attest(logs, month)


def propose(logs: Logs, month: str, cut: list[Head], result: Result) -> None:
    """Propose a result of a month at a cut."""
    nets = [Net(code, fen) for code, fen in sorted(result.nets.items())]
    revision = batches.next_revision(logs.store, month)
    proposal = Proposal(month, revision, cut, result.ruleset_hash, nets, result.hash, [])
    assert logs.add(CENTRE, proposal) is None


def attest(logs: Logs, month: str) -> None:
    """Let everybody attest the newest proposal of a month, and the centre confirm it."""
    reader, roster = logs.store, logs.roster
    batch = batches.latest_batch(reader, roster, month)
    assert batch is not None
    result = batches.result_of(reader, roster, month, batch.revision)
    leaf = log.leaf(reader, log_key(CENTRE), batch.proposal_index)
    for code in roster.participants:
        assert logs.add(code, batches.attest(batch.proposal, leaf, result, None)) is None
    batch = batches.latest_batch(reader, roster, month)
    assert batch is not None
    assert logs.add(CENTRE, batches.confirm(reader, roster, batch)) is None


def pay(
    logs: Logs,
    month: str,
    number: int,
    reference: str,
    *,
    arrives: bool = True,
    due: LegDue | None = None,
) -> None:
    """Record that the money of a leg was sent, and that it arrived; `due` spares computing it."""
    if due is None:
        due = batches.result_of(logs.store, logs.roster, month, 1).legs[number - 1]
    sent = Paid("clearing", month, number, 1, due.payee, due.fen, reference, "2017-05-02", [])
    assert logs.add(due.payer, sent) is None
    if arrives:
        came = Received(
            "clearing", month, number, 1, due.payer, due.fen, reference, "2017-05-03", []
        )
        assert logs.add(due.payee, came) is None


def publish(logs: Logs, folder: Path, *, without: tuple[str, ...] = ()) -> tuple[Path, Path]:
    """Write all logs as an exported folder, and the trust file; return both paths."""
    for code in logs.roster.codes:
        if code in without:
            continue
        place = folder / "logs" / code
        place.mkdir(parents=True)
        for name, data in export(logs.store, log_key(code), logs.size(code)):
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes(data)
        (place / "checkpoint").write_bytes(logs.checkpoint(code))
    policy = folder / "auditor.policy"
    policy.write_text(auditor_policy(logs.roster.genesis), encoding="utf-8")
    return folder / "logs", policy


def eventful() -> Logs:
    """Return two closed months in which everything happens once that can happen to a case.

    Sichuan's log: A1 reversed at once, A2 excepted and released, -A3 excepted for good, A4 in part
    taken back a month later, an id twice, somebody else's name, an entry after the last cut.
    """
    logs = Logs()
    logs.add(
        SICHUAN, settlement("A1"), reversal("R1", "A1"), settlement("A2", 500),
        settlement("-A3", 700), settlement("A4", 900),
    )  # fmt: skip
    assert logs.add(SICHUAN, settlement("A2", 123)) == "DUPLICATE"
    forged = bytearray(logs.leaf(SICHUAN, settlement("F1")))
    forged[0] ^= 1
    assert logs.add_leaves(SICHUAN, [bytes(forged)]) == ["SIGNATURE"]
    logs.add(TIBET, settlement("A4", 450, treated="540100", insured="510100"))
    logs.accept(QINGHAI, SICHUAN, 2, 3)
    logs.accept(SICHUAN, TIBET)
    close(logs, "2017-03")
    logs.add(QINGHAI, Release(SICHUAN, [2], []))
    logs.add(SICHUAN, reversal("R4", "A4", -400, month="2017-04"))
    logs.accept(QINGHAI, SICHUAN)
    close(logs, "2017-04")
    pay(logs, "2017-03", 1, "BANK-1")
    pay(logs, "2017-03", 2, "-BANK-2", arrives=False)
    logs.add(SICHUAN, settlement("A9", 50, month="2017-05"))
    return logs
