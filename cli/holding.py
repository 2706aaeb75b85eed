"""What an audit leaves behind: verified logs that can be asked about single entries."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from cli.findings import Report
from cli.source import Source
from cli.trust import log_policy
from cli.verify import Audit
from ledger import log, tree
from ledger.entry import decode_entry
from ledger.errors import FormError, UncheckableError
from ledger.hashing import leaf_hash
from ledger.policy import parse_policy
from ledger.prooffile import ProofFile, Proven, check_proof_file
from ledger.table import Reader, log_key
from settlement.batch import confirmed
from settlement.lookup import find_settlement, void_code
from settlement.record import Proposal, Reversal, Settlement, decode_body
from settlement.roster import Roster

SLICE = 4096


@dataclass(frozen=True)
class Spot:
    """One entry under an id; `void` is its code if it counts nowhere."""

    code: str
    index: int
    void: str | None


@dataclass(frozen=True)
class Witnessed:
    """One entry, and the checked proof that it stands under a head that a quorum has cosigned."""

    code: str
    index: int
    leaf: bytes
    proof: ProofFile
    proven: Proven

    @property
    def leaf_hash(self) -> bytes:
        """The hash under which the entry stands in the tree."""
        return leaf_hash(self.leaf)


@dataclass(frozen=True)
class Holding:
    """The logs of one source whose heads, trees and signatures an audit has verified."""

    reader: Reader
    source: Source
    founding: Roster
    roster: Roster
    report: Report

    @cached_property
    def sizes(self) -> dict[str, int]:
        """The verified logs with their sizes, the centre first."""
        found = {item.code: item.size for item in self.report.logs}
        return {code: found[code] for code in self.roster.codes if code in found}

    @cached_property
    def months(self) -> list[tuple[str, Proposal]]:
        """The confirmed months with their proposals, as far as the audit could recompute them."""
        done = {(item["month"], item["revision"]) for item in self.report.months}
        return [(m, p) for m, p in confirmed(self.reader) if (m, p.revision) in done]

    @cached_property
    def complete(self) -> bool:
        """Whether every confirmed month could be recomputed: without that no state is certain."""
        return len(self.months) == len(confirmed(self.reader))

    def policy_text(self, code: str) -> str:
        """Return the trust file for one log: it follows from the policy the audit ran under."""
        return log_policy(self.roster, code)

    def witnessed(self, code: str, index: int) -> Witnessed:
        """Return an entry with its proof.

        Raises:
            VerificationError: The proof does not hold: the source changed while it was read.
            UncheckableError: The source has lost the log's head since, or cosigners of it.
        """
        key = log_key(code)
        leaf = log.leaf(self.reader, key, index)
        path = tree.inclusion_proof(self.reader, key, index, self.sizes[code])
        proof = ProofFile(index, tuple(path), self.source.checkpoint(code))
        policy = parse_policy(self.policy_text(code).encode())
        return Witnessed(code, index, leaf, proof, check_proof_file(proof, leaf, policy))

    def leaves(self, code: str) -> Iterator[tuple[int, bytes]]:
        """Yield (index, leaf) of a verified log, some thousand in memory at a time."""
        size = self.sizes[code]
        for start in range(0, size, SLICE):
            stop = min(start + SLICE, size)
            yield from enumerate(log.leaves(self.reader, log_key(code), start, stop), start)

    def void(self, code: str, index: int) -> str | None:
        """Return the code that makes an entry void, or None."""
        return void_code(self.reader, code, index)


def holding_of(audit: Audit) -> Holding:
    """Return what an audit that has run leaves behind.

    Raises:
        UncheckableError: The centre's log did not hold, so that no key is known.
    """
    if audit.roster is None:
        raise UncheckableError("without the centre's log nothing here can be checked")
    return Holding(audit.reader, audit.source, audit.founding, audit.roster, audit.report)


def case_record(leaf: bytes) -> tuple[int, Settlement | Reversal] | None:
    """Return time and record of a leaf that reads as a settlement or reversal, void or not."""
    try:
        entry = decode_entry(leaf)
        if entry.kind not in (Settlement.kind, Reversal.kind):
            return None
        record = decode_body(entry.kind, entry.body)
    except FormError:
        return None
    assert isinstance(record, Settlement | Reversal)
    return entry.at_ms, record


def spots(holding: Holding, setl_id: str, only: str | None = None) -> list[Spot]:
    """Return all entries under an id, those that count first."""
    codes = [code for code in holding.sizes if only in (None, code)]
    valid = [
        Spot(code, index, None)
        for code in codes
        if (index := find_settlement(holding.reader, code, setl_id)) is not None
    ]
    return valid + [
        Spot(item.code, index, void)
        for item in holding.report.logs
        for index, void in item.void
        if item.code in codes and _named(holding, item.code, index, setl_id)
    ]


def _named(holding: Holding, code: str, index: int, setl_id: str) -> bool:
    read = case_record(log.leaf(holding.reader, log_key(code), index))
    return read is not None and read[1].setl_id == setl_id
