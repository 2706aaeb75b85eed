"""A network in memory for tests: keys from fixed seeds, logs written entry by entry."""

from dataclasses import dataclass, field

from ledger import log, tree
from ledger.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from ledger.cosignature import cosign, merge_signatures, witness_name
from ledger.entry import make_entry
from ledger.hashing import hash_bytes
from ledger.memory import MemoryStore
from ledger.signature import public_key
from ledger.table import LEAF, Store, Writer, log_key
from node.run import default_ruleset
from settlement import state
from settlement.casefile import CaseRow
from settlement.close import Close, closes_to
from settlement.party import CENTRE
from settlement.record import (
    Acceptance,
    Exempt,
    Genesis,
    Head,
    Lines,
    Member,
    Record,
    Reversal,
    RuleSet,
    Settlement,
)
from settlement.roster import Roster, make_genesis
from settlement.ruleset import parse_ruleset

AT_MS = 1_500_000_000_000
PURPOSES = ("entry", "checkpoint", "witness", "transport")
QINGHAI, SICHUAN, TIBET = "630000", "510000", "540000"


def seed(code: str, purpose: str) -> bytes:
    """Return the fixed secret of a participant."""
    return hash_bytes(f"test {code} {purpose}".encode())


def member(code: str) -> Member:
    """Return the public keys of a participant."""
    return Member(code, *(public_key(seed(code, purpose)) for purpose in PURPOSES))


def roster_of(*codes: str, threshold: int = 2) -> Roster:
    """Return the roster of the centre and `codes`, under three governance keys."""
    governance = [public_key(seed("governance", str(n))) for n in range(3)]
    genesis = make_genesis(threshold, governance, [member(c) for c in (CENTRE, *codes)])
    return Roster.found(genesis)


@dataclass
class Logs:
    """Signed logs in one store, applied as they grow."""

    codes: tuple[str, ...] = (SICHUAN, TIBET, QINGHAI)
    roster: Roster = field(init=False)
    store: MemoryStore = field(default_factory=MemoryStore)
    ruleset: bytes = default_ruleset()
    at_ms: int = AT_MS  # of the entries that are added from here on

    def __post_init__(self) -> None:
        self.roster = roster_of(*self.codes)
        self.add(CENTRE, Genesis(self.roster.genesis))
        self.add(CENTRE, RuleSet(parse_ruleset(self.ruleset).name, self.ruleset, []))

    def size(self, code: str) -> int:
        """Return the size of a log."""
        return log.size(self.store, log_key(code))

    def leaf(self, code: str, record: Record, *, index: int | None = None) -> bytes:
        """Return a record as the next signed leaf of a log."""
        place = self.size(code) if index is None else index
        origin = self.roster.origin(code)
        body = record.encode()
        return make_entry(
            seed(code, "entry"),
            self.roster.network_id,
            origin,
            place,
            record.kind,
            self.at_ms,
            body,
        )

    def add(self, code: str, *records: Record) -> str | None:
        """Add records one by one; return the void code of the last, or None."""
        outcome = None
        for record in records:
            outcome = self.add_leaves(code, [self.leaf(code, record)])[0]
        return outcome

    def add_leaves(self, code: str, leaves: list[bytes]) -> list[str | None]:
        """Add leaves in one transaction; return their void codes."""

        def change(writer: object) -> list[str | None]:
            log.append(writer, log_key(code), leaves, self.size(code))  # type: ignore[arg-type]
            return state.apply(writer, self.roster, code, leaves)  # type: ignore[arg-type]

        return self.store.transact(change)

    def head(self, code: str, size: int | None = None) -> Head:
        """Return a log's head."""
        at = self.size(code) if size is None else size
        return Head(code, at, tree.root_at(self.store, log_key(code), at))

    def cut(self) -> list[Head]:
        """Return the heads of all participants as they are."""
        return [self.head(code) for code in sorted(self.codes)]

    def closes(self, month: str, cut: list[Head] | None = None) -> list[Close]:
        """Return the confirmed closes before a month, and one at the cut (default: now)."""
        return closes_to(self.store, month, cut or self.cut(), self.size(CENTRE))

    def checkpoint(self, code: str, size: int | None = None) -> bytes:
        """Return a log's checkpoint, cosigned by all others."""
        head, origin = self.head(code, size), self.roster.origin(code)
        note = sign_checkpoint(Checkpoint(origin, head.size, head.root), seed(code, "checkpoint"))
        signed = open_checkpoint(note, origin, self.roster.members[code].checkpoint_key)
        lines = [
            cosign(signed.note.text, witness_name(self.roster.origin(c)), seed(c, "witness"), 1)
            for c in self.roster.codes
            if c != code
        ]
        return merge_signatures(note, lines)

    def accept(
        self, debtor: str, creditor: str, *exceptions: int, size: int | None = None
    ) -> str | None:
        """Let a debtor accept a creditor's log but for some originals."""
        head = self.head(creditor, size)
        named = [Exempt(index, "NO_FILE") for index in sorted(exceptions)]
        return self.add(debtor, Acceptance(creditor, head.size, head.root, named, []))


def forge_leaf(store: Store, code: str, index: int, leaf: bytes | None) -> None:
    """Put another leaf in the place of one, or take it and all after it away; no tree follows."""
    key = log_key(code)

    def change(writer: Writer) -> None:
        size = log.stored_end(writer, key)
        leaves = list(log.leaves(writer, key, 0, size))
        for place, _ in list(writer.scan(LEAF, key, key + b"\xff" * 9)):
            writer.delete(LEAF, place)
        changed = leaves[:index] if leaf is None else [*leaves[:index], leaf, *leaves[index + 1 :]]
        log.Growing(writer, key, 0).add_all(changed)

    store.transact(change)


def settlement(
    setl_id: str,
    fen: int = 1_000,
    *,
    month: str = "2017-03",
    treated: str = "510100",
    insured: str = "630100",
) -> Settlement:
    """Return a settlement over one fund line."""
    lines = Lines(fen, 0, 0, 0)
    return Settlement(setl_id, month, treated, insured, "310", "21", lines, bytes(32))


def reversal(
    setl_id: str,
    original_id: str,
    fen: int = -1_000,
    *,
    month: str = "2017-03",
    treated: str = "510100",
    insured: str = "630100",
) -> Reversal:
    """Return a reversal over one fund line."""
    lines = Lines(fen, 0, 0, 0)
    return Reversal(setl_id, original_id, month, treated, insured, "310", "21", lines, bytes(32))


def case_row(**changes: str) -> CaseRow:
    """Return a row in which everything adds up, with some columns changed."""
    row = CaseRow(
        setl_id="A1", init_setl_id="", mdtrt_id="V1", psn_no="P1", fixmedins_code="H51010000001",
        mdtrtarea_admvs="510100", insuplc_admdvs="630100", insutype="310", med_type="21",
        clr_type="21", begndate="2017-03-01", enddate="2017-03-05",
        setl_time="2017-03-05T10:00:00+08:00", medfee_sumamt="100.00", fulamt_ownpay_amt="1.00",
        overlmt_selfpay="2.00", preselfpay_amt="3.00", inscp_amt="94.00", act_pay_dedc="4.00",
        hifp_pay="50.00", cvlserv_pay="1.00", hifes_pay="2.00", hifmi_pay="3.00",
        hifob_pay="4.00", maf_pay="5.00", othfund_pay="6.00", fund_pay_sumamt="71.00",
        psn_pay="29.00", acct_pay="9.00", cash_payamt="20.00", refd_setl_flag="0",
    )  # fmt: skip
    return row._replace(**changes)


def refund_of(row: CaseRow, **changes: str) -> CaseRow:
    """Return a row that takes all of another one back."""
    negated = {
        name: f"-{value}"
        for name, value in row._asdict().items()
        if "." in value and value != "0.00" and value.replace(".", "").isdigit()
    }
    given = {"setl_id": "R1", "init_setl_id": row.setl_id, "refd_setl_flag": "1"}
    return row._replace(**{**negated, **given, **changes})
