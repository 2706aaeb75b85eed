"""The oracle: the design's invariants, checked after every step by code of its own.

It looks only at what nodes have stored and signed. What clearing has to come to is computed entry
by entry from decoded leaves (`naive`), without the running totals or indexes the nodes use.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import permutations
from typing import Any

from ledger import encoding, log, tree
from ledger.entry import Entry, decode_entry, encode_entry
from ledger.errors import VerificationError
from ledger.signature import verify
from ledger.table import Reader, log_key
from node import heads
from node.simulation import purse, till
from node.simulation.naive import Drawn, Pair, amounts, naive_cleared, record_at
from node.simulation.world import SimNode, World
from settlement import netting, subclearing
from settlement.batch import check_confirmation, compute
from settlement.books import Books, books_at
from settlement.chart import Account
from settlement.lookup import proposal_of, void_code
from settlement.mirror import mirror
from settlement.party import CENTRE
from settlement.recheck import check_store
from settlement.record import (
    Confirmation,
    Demand,
    Draw,
    Lines,
    Operator,
    Paid,
    Proposal,
    Reversal,
    Settlement,
    decode_body,
)
from settlement.roster import Roster

# What two people must sign, by kind: money, and what decides. Of attestations, a mismatch.
SIGNED_BY_TWO = frozenset((5, 50, 51, 54, 55, 57, 58, 59, 60, 61, 62, 70, 71, 72, 73, 74, 92, 95))
ATTESTATION, CELLS = 52, 5


class InvariantError(AssertionError):
    """An invariant of the design does not hold; the number says which."""

    def __init__(self, number: int, text: str) -> None:
        self.number = number
        super().__init__(f"invariant {number}: {text}")


@dataclass
class Oracle:
    """Everything seen so far that must never be contradicted."""

    roots: dict[tuple[str, int], bytes] = field(default_factory=dict)
    acknowledged: dict[str, int] = field(default_factory=dict)
    results: dict[str, bytes] = field(default_factory=dict)
    cleared: dict[str, dict[Pair, Lines]] = field(default_factory=dict)
    checks: int = 0
    _drawn: list[Drawn] = field(default_factory=list)
    _seen: dict[tuple[str, str], int] = field(default_factory=dict)
    _judged: dict[str, int] = field(default_factory=dict)  # how far approvals were checked
    _operators: dict[str, dict[str, bytes]] = field(default_factory=dict)  # active, by log
    signed: int = 0  # entries that two people had to sign

    def acknowledge(self, world: World, code: str) -> None:
        """Note that a node has told somebody that its entries so far are recorded."""
        node = world.nodes[code]
        self.acknowledged[code] = log.size(node.store, log_key(code))

    def check(self, world: World, code: str) -> None:
        """Check the node that has just acted; raises InvariantError."""
        self.checks += 1
        node = world.nodes[code]
        self._not_lost(world, node)
        for other in world.nodes:
            self._grows(world, node, other)
        self._signed(world, node)

    # --- 1, 2: nothing lost, every observer sees one growing log -------------------------------

    def _not_lost(self, world: World, node: SimNode) -> None:
        size = log.size(node.store, log_key(node.code))
        if size < self.acknowledged.get(node.code, 0):
            raise InvariantError(1, f"{node.code} had {self.acknowledged[node.code]}, now {size}")

    def _grows(self, world: World, node: SimNode, other: str) -> None:
        key = log_key(other)
        size, before = log.size(node.store, key), self._seen.get((node.code, other), 0)
        if size < before:
            raise InvariantError(2, f"{other} at {node.code} shrank from {before} to {size}")
        if size == before:
            return
        root = tree.root_at(node.store, key, size)
        if self.roots.setdefault((other, size), root) != root:
            raise InvariantError(2, f"{other} has two roots at size {size}")
        for index in range(before, size):
            self._entry(world, node, other, index)
        self._seen[node.code, other] = size

    def _signed(self, world: World, node: SimNode) -> None:
        head = node.signer.head(world.founding.origin(node.code))
        if head is not None and self.roots.setdefault((node.code, head[0]), head[1]) != head[1]:
            raise InvariantError(2, f"{node.code} signed two roots at size {head[0]}")

    # --- 9: decoding and encoding again gives the same bytes -----------------------------------

    def _entry(self, world: World, node: SimNode, other: str, index: int) -> None:
        leaf = log.leaf(node.store, log_key(other), index)
        entry = decode_entry(leaf)
        if encode_entry(entry) != leaf:
            raise InvariantError(9, f"{other} #{index} has another spelling")
        record = decode_body(entry.kind, entry.body)
        if record.encode() != entry.body:
            raise InvariantError(9, f"{other} #{index}: the body has another spelling")
        if void_code(node.store, other, index) is not None:
            raise InvariantError(1, f"an honest entry is void: {other} #{index}")
        self._two_people(world, other, entry)
        if other == node.code and isinstance(record, Paid | Draw):
            _check_held(node, record)
        if other == node.code and isinstance(record, Paid):
            self._money(world, node, record)
        if other == CENTRE and isinstance(record, Confirmation):
            self._confirmed(world, node, record, index)

    # --- 12: maker and checker are two people with valid keys ----------------------------------

    def _two_people(self, world: World, code: str, entry: Entry) -> None:
        if entry.index < self._judged.get(code, 0):
            return  # judged when its author, or somebody else, had it
        self._judged[code] = entry.index + 1
        active, body = self._operators.setdefault(code, {}), encoding.unpack(entry.body)
        mismatch = entry.kind == ATTESTATION and body[CELLS]
        if len(active) >= 2 and (entry.kind in SIGNED_BY_TWO or mismatch):
            self.signed += 1
            signers = set(_signers(world.founding.network_id, entry, body, active))
            if len(signers) < 2:
                raise InvariantError(12, f"{code} #{entry.index} is signed by {sorted(signers)}")
        if entry.kind == Operator.kind:
            name, _, key, status, _ = body
            active.pop(name, None)
            if status == "active":
                active[name] = key

    # --- 6: no money without a confirmation, no prepayment without a demand --------------------

    def _money(self, world: World, node: SimNode, record: Paid) -> None:
        covered = heads.size_of(node.store, CENTRE)
        for index in range(covered):
            found = record_at(node.store, CENTRE, index)
            if record.purpose != "clearing":
                if isinstance(found, Demand) and _demanded(found, node.code, record):
                    return
            elif isinstance(found, Confirmation) and found.month == record.month:
                check_confirmation(node.store, world.founding, found)
                return
        what = f"{record.purpose} {record.number} of {record.month}"
        raise InvariantError(6, f"{node.code} paid {what} too early")

    # --- 3, 4, 5, 8: one result, zero sum, every original once ---------------------------------

    def _confirmed(self, world: World, node: SimNode, record: Confirmation, index: int) -> None:
        month = record.month
        if self.results.setdefault(month, record.result_hash) != record.result_hash:
            raise InvariantError(5, f"{month} has two confirmed results")
        found = proposal_of(node.store, month, record.revision)
        if found is None:
            raise InvariantError(5, f"{month}: a confirmation without a proposal")
        proposal, _, place = found
        if any(log.size(node.store, log_key(h.code)) < h.size for h in proposal.cut):
            return  # this copy is behind; another node's is checked
        mine = compute(node.store, world.founding, month, proposal.cut, place)
        if mine.hash != record.result_hash:
            raise InvariantError(8, f"{node.code} computes another result for {month}")
        self._sums(proposal, mine.pairs, world)
        if month not in self.cleared:
            self.cleared[month] = {pair: amounts.lines for pair, amounts in mine.pairs.items()}
            self._complete(node.store, proposal, month, place)
            self._cities(world, node, month)

    # --- 11: city sums are the pair sums of their province --------------------------------------

    def _cities(self, world: World, node: SimNode, month: str) -> None:
        batch = subclearing.confirmed_batch(node.store, world.founding, month)
        members = sorted(batch.closes[-1].sizes)
        for cities in subclearing.compute(node.store, batch, members).values():
            try:
                subclearing.tie_out(cities, batch.result)
            except VerificationError as error:
                raise InvariantError(11, str(error)) from None

    def _sums(self, proposal: Proposal, pairs: Any, world: World) -> None:
        if sum(net.fen for net in proposal.nets) != 0:
            raise InvariantError(3, f"{proposal.month}: the nets do not sum to 0")
        codes = world.founding.participants
        lines = {pair: amounts.lines for pair, amounts in pairs.items()}
        expected = {net.code: net.fen for net in proposal.nets}
        for model in netting.MODELS:
            if netting.net_of_legs(netting.legs(model, lines, codes), codes) != expected:
                raise InvariantError(3, f"{proposal.month}: {model} gives other nets")

    def _complete(self, reader: Reader, proposal: Proposal, month: str, place: int) -> None:
        self._drawn.append(Drawn(month, proposal.cut, place))
        expected = naive_cleared(reader, self._drawn)
        total: dict[Pair, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        for done in self.cleared.values():
            for pair, lines in done.items():
                total[pair] = [a + b for a, b in zip(total[pair], amounts(lines), strict=True)]
        found = {pair: tuple(sums) for pair, sums in total.items() if any(sums)}
        if found != expected:
            raise InvariantError(4, f"{month}: all batches together are not what binds")

    # --- 9, 10 at the end: applying again changes nothing, no reversal exceeds -----------------

    def finish(self, world: World) -> None:
        """Check what only shows over whole logs; raises InvariantError."""
        for node in world.nodes.values():
            differs = check_store(node.store, world.founding)
            if differs:
                raise InvariantError(9, f"{node.code}: {differs[0]}")
        for code in world.founding.participants:
            _check_reversals(world.nodes[code].store, code)
        for node in world.nodes.values():
            _check_books(node, world.founding)
        # Each log as its author has it: the last payments may not have gone round yet.
        found = till.entries({code: node.store for code, node in world.nodes.items()})
        for month in till.certified(found):
            self._moved(found, month, world.founding.participants)
        wrong = purse.faults(found)
        if wrong:
            raise InvariantError(7, wrong[0])

    # --- 6, 7 at the end: all money of a month is where it belongs, or somebody owes it ----------

    def _moved(self, found: list[Any], month: str, codes: Sequence[str]) -> None:
        nets = dict.fromkeys(codes, 0)
        for (debtor, creditor), lines in self.cleared[month].items():
            fen = sum(amounts(lines))
            nets[debtor] -= fen
            nets[creditor] += fen
        wrong = till.faults(found, month, nets)
        if wrong:
            raise InvariantError(7, f"{month}: {wrong[0]}")


def _check_books(node: SimNode, founding: Roster) -> None:
    # 7 by the books themselves: they agree but for what is under way, or not yet here.
    books = books_at(node.store, founding)
    found = mirror(books)
    wrong = [line for line in found.lines if line.unexplained_fen]
    if wrong:
        raise InvariantError(7, f"books at {node.code}: {wrong[0]}")
    told = [item for item in found.items if item.kind == "contradicted"]
    if told:
        raise InvariantError(7, f"books at {node.code}: {told[0].text.en}: {told[0].places}")
    for code, journal in books.journals.items():
        if sum(journal.balances.values()) != 0:
            raise InvariantError(7, f"books at {node.code}: those of {code} do not balance")
    _check_prepaid(node, books)


def _check_prepaid(node: SimNode, books: Books) -> None:
    # What the books say is held and prepaid is what single entries come to.
    if not any(t.key.purpose in purse.PURPOSES for t in books.dealings.transfers):
        return
    codes = [code for code in books.journals if code != CENTRE]
    entries = till.entries_at(node.store, codes)
    held, prepaid = purse.held(entries), purse.prepaid(entries)
    for debtor, creditor in permutations(codes, 2):
        pair = debtor, creditor
        booked = -books.of(creditor).balances.get(Account("held", debtor), 0)
        if booked != held.get(pair, 0):
            raise InvariantError(7, f"books at {node.code}: {pair}: {booked} fen held, not {held}")
        booked = books.of(debtor).balances.get(Account("prepaid", creditor), 0)
        if prepaid is not None and booked != prepaid.get(pair, 0):
            text = f"{pair}: {booked} fen prepaid, not {prepaid}"
            raise InvariantError(7, f"books at {node.code}: {text}")


def _check_held(node: SimNode, record: Paid | Draw) -> None:
    # 7: nothing is drawn or given back beyond what is held.
    if isinstance(record, Draw):
        takes = record.drawn_fen > 0
    else:
        takes = record.purpose == "prepayment_return"
    if takes:
        wrong = purse.overdrawn(till.entries_at(node.store, [node.code]), node.code)
        if wrong:
            raise InvariantError(7, wrong[0])


def _demanded(found: Demand, payer: str, record: Paid) -> bool:
    ends = (payer, record.payee)
    back = record.purpose == "prepayment_return"
    return found.month == record.month and any(
        row.number == record.number
        and ((row.creditor, row.debtor) if back else (row.debtor, row.creditor)) == ends
        and record.fen <= (-row.fen if back else row.fen)
        for row in found.rows
    )


def _check_reversals(reader: Reader, code: str) -> None:
    left: dict[str, list[int]] = {}
    for index in range(log.size(reader, log_key(code))):
        record = record_at(reader, code, index)
        if isinstance(record, Settlement):
            left[record.setl_id] = list(amounts(record.lines))
        elif isinstance(record, Reversal):
            before = left[record.original_id]
            after = [a + b for a, b in zip(before, amounts(record.lines), strict=True)]
            if min(after) < 0:
                raise InvariantError(10, f"{code} #{index} takes back more than is left")
            left[record.original_id] = after


def _signers(
    network_id: bytes, entry: Entry, body: list[Any], active: dict[str, bytes]
) -> Iterator[str]:
    digest = sha256(encoding.pack([*body[:-1], []])).digest()
    content = encoding.pack([entry.origin, entry.kind, digest])
    for key, signature in body[-1]:
        for name in [name for name, known in active.items() if known == key]:
            with suppress(VerificationError):
                verify(key, b"gongzhang/approval/v1\n" + network_id + content, signature)
                yield name
