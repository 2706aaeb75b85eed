"""One file of each format, from fixed secrets: `python -m tests.goldenfiles` writes tests/golden/.

What stands there was made once and is never made again for a change of the code: if a test finds
other bytes, a format has changed, and files that people keep would no longer be read.
"""

from pathlib import Path

from cli.trust import log_policy
from cli.unpack import Header, Part, format_header
from ledger import log, tree
from ledger.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from ledger.evidence import TWO_HEADS, Evidence, format_evidence
from ledger.prooffile import ProofFile, format_proof_file
from ledger.signature import public_key
from ledger.table import log_key
from settlement.keychain import chain_from
from settlement.membership import rotation
from settlement.party import CENTRE
from tests.network import QINGHAI, SICHUAN, Logs, reversal, seed, settlement
from tests.papers import MARCH, march, paper

FOLDER = Path(__file__).resolve().parent / "golden"
RULESET = Path(__file__).resolve().parent / "rulesets" / "first.toml"  # the default of that time


def world() -> Logs:
    """Return the small network all files are from."""
    logs = Logs(ruleset=RULESET.read_bytes())
    assert logs.add(SICHUAN, settlement("A1"), settlement("A2", 5), reversal("R1", "A1")) is None
    old, new = seed(SICHUAN, "entry"), seed(SICHUAN, "entry two")
    change = rotation(logs.roster, SICHUAN, "entry", public_key(old), new)
    assert logs.add(SICHUAN, change) is None
    return logs


def files() -> dict[str, bytes]:
    """Return the files by name."""
    logs = world()
    key, note = log_key(SICHUAN), logs.checkpoint(SICHUAN)
    path = tree.inclusion_proof(logs.store, key, 1, logs.size(SICHUAN))
    centre = logs.checkpoint(CENTRE)
    chain = tuple(chain_from(logs.store, centre, logs.size(CENTRE)))
    parts = tuple(Part(code, logs.size(code), logs.checkpoint(code)) for code in (CENTRE, SICHUAN))
    return {
        "network.genesis": logs.roster.genesis,
        "settlement.leaf": log.leaf(logs.store, key, 1),
        "rotation.leaf": log.leaf(logs.store, key, 3),
        "checkpoint": note,
        "auditor.policy": log_policy(logs.roster, CENTRE).encode(),
        "sichuan.policy": log_policy(logs.roster, SICHUAN).encode(),
        "settlement.tlog-proof": format_proof_file(ProofFile(1, tuple(path), note)),
        "two-heads.evidence": format_evidence(
            Evidence(TWO_HEADS, chain, (note, _other_head(logs)))
        ),
        "bundle.header": format_header(Header("2017-03", parts)),
        "payment-notice.json": paper(march(), MARCH, "payment-notice", QINGHAI).encode(),
    }


def _other_head(logs: Logs) -> bytes:
    origin = logs.roster.origin(SICHUAN)
    point = Checkpoint(origin, logs.size(SICHUAN), bytes(32))
    note = sign_checkpoint(point, seed(SICHUAN, "checkpoint"))
    open_checkpoint(note, origin, logs.roster.members[SICHUAN].checkpoint_key)
    return note


def main() -> None:
    """Write the files that are not there yet; nothing is ever overwritten."""
    FOLDER.mkdir(exist_ok=True)
    for name, data in files().items():
        if not (FOLDER / name).exists():
            (FOLDER / name).write_bytes(data)


if __name__ == "__main__":
    main()
