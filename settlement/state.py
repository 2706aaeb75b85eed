"""`apply`: the one transition that turns the entries of a log into what they mean.

Nodes, auditors and the simulator all use it. Each log is folded by itself: whether an entry is
valid depends on nothing but the entries below it in its own log. What several logs say together is
computed from these tables by `obligation` and `batch`.

Derived tables of one log (keys after the log key):

    S                       schema, applied size, counterparts changed since the last chunk boundary
    V + index               the code that makes the entry void
    K + kind + natural key  index of the entry with that business id; cases: see `caseids`
    R + original index      reversals of that original: [index, month, lines]
    A + log + size          acceptance of that prefix: [index, root]
    I + area + code         an institution as it is now: [index, state, services, name in small]
    X + log + original      contested original: [index of the acceptance or dispute that says so,
                            code, index of the release or nil, accepted size or nil for a dispute]
    H + debtor              prepayment of that debtor held by the author, in fen
    Q + month [+ pair]      the demand of a year, or the one that answers a request of the pair
    D + month + leg         what is left of a draw: [debtor, index, drawn, arrears]
    P + payment             index of the payment file that holds it
    E                       generation and keys that count for the next entry
    O                       generation and how many operators are active in it
    O + key                 name of the operator who has or ever had that key, see `approval`
    C, T, N                 running totals, see `totals`
"""

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ledger import encoding, log
from ledger.encoding import EntryCodec
from ledger.entry import FORMAT, decode_entry, verify_leaves
from ledger.errors import FormError
from ledger.signature import SIGNATURE_BYTES
from ledger.table import DERIVED, Reader, Writer, log_key, u64
from settlement import approval, totals
from settlement.caseids import CaseIds
from settlement.lookup import (
    FAMILY,
    NATURAL,
    SCHEMA,
    Contested,
    Owed,
    accepted_sizes,
    applied_size,
    demand_key,
    entry_at,
    exception_at,
    find,
    held_prepayment,
    institution_place,
    institution_row,
    month_key,
    owed_on,
    progress,
    reversals_of,
    revision_key,
    transfer_key,
    void_code,
)
from settlement.party import CENTRE, province_of
from settlement.record import (
    Acceptance,
    Continuation,
    Demand,
    Dispute,
    Draw,
    Institution,
    Instruction,
    Member,
    Operator,
    Paid,
    Received,
    Record,
    Release,
    Returned,
    Reversal,
    Rotation,
    Settlement,
    decode_body,
)
from settlement.roster import Generation, Roster, member_keys, with_key
from settlement.rule import CENTRE_ONLY, PROVINCE_ONLY, RULES

CASES = (Settlement, Reversal)
SETTLEMENTS = EntryCodec(FORMAT, Settlement.kind, Settlement)


@dataclass
class Fold:
    """One log while entries are applied to it inside one transaction.

    Running totals stay in memory until `finish`, so a chunk of entries costs one write per
    counterpart that it touches.
    """

    writer: Writer
    roster: Roster
    code: str
    _running: dict[str, totals.Total] = field(default_factory=dict)
    # By insured area and month, since the last _add_up.
    _sums: dict[tuple[str, str], list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.key = log_key(self.code)
        self.size, changed = progress(self.writer, self.code)
        self._changed = set(changed)  # counterparts with entries above the last chunk boundary
        self.cases = CaseIds(self.writer, self.key)
        self._others = PROVINCE_ONLY if self.code == CENTRE else CENTRE_ONLY
        self._begin(self.roster.generation_at(self.code, self.size))
        stored = self.writer.get(DERIVED, self.key + b"E")
        if stored is not None:
            number, continued, *keys = encoding.unpack(stored)
            if number == self.generation.number:
                self.keys, self.continued = Member(self.code, *keys), continued

    def _begin(self, generation: Generation) -> None:
        self.generation = generation
        self.origin = self.roster.origin(self.code, generation.number)
        self.keys = generation.admitted  # as the rotations in this log make them
        self.continued = generation.number == 1
        self._end = next(
            (g.start for g in self.roster.generations[self.code] if g.number > generation.number),
            None,
        )

    def settle(self, leaves: Sequence[bytes], at: int, bad: Set[int]) -> int:
        """Apply the settlements from position `at` on while nothing speaks against them.

        Nearly all entries are such; what this saves is calls. Whatever it stops at is for `apply`:
        another kind, an entry that is void, one that completes a chunk. Returns how many it took.
        """
        if self.code == CENTRE or not self.continued:
            return 0
        decode, rule, claim = SETTLEMENTS.decode, RULES[Settlement], self.cases.claim
        index, origin = self.size, self.origin
        border = self.size - self.size % totals.CHUNK + totals.CHUNK - 1
        if self._end is not None:
            border = min(border, self._end - 1)
        for position in range(at, min(len(leaves), at + border - index)):
            entry = decode(leaves[position][SIGNATURE_BYTES:])
            if entry is None or entry.index != index or entry.origin != origin or position in bad:
                break
            record = entry.body
            if rule(self, index, record) or claim(record.setl_id, index) is not None:
                break
            self._count(record)
            index += 1
        taken, self.size = index - self.size, index
        return taken

    def apply(self, leaf: bytes, signature_ok: bool) -> str | None:
        """Apply the leaf at the current size; return the code that makes it void, or None."""
        index = self.size
        code, record = self._read(leaf, index, signature_ok)
        if code is None and record is not None:
            code = self.judge(index, record)
        if code is None and record is not None:
            self.enter(index, record)
        else:
            self.writer.put(DERIVED, self.key + b"V" + u64(index), str(code).encode())
            self._advance()
        return code

    def _read(
        self, leaf: bytes, index: int, signature_ok: bool
    ) -> tuple[str | None, Record | None]:
        try:
            entry = decode_entry(leaf)
        except FormError:
            return "FORM", None
        if entry.origin != self.origin or entry.index != index:
            return "PLACE", None
        if not signature_ok:
            return "SIGNATURE", None
        try:
            return None, decode_body(entry.kind, entry.body)
        except FormError:
            return "KIND", None

    def judge(self, index: int, record: Record, *, signed: bool = True) -> str | None:
        """Return the first code that speaks against `record` at `index`, or None.

        Reads this log's tables only and changes nothing.

        Args:
            signed: False leaves out whether it has the approvals it needs: of a draft.
        """
        if type(record) in self._others:
            return "ROLE"
        if self.find(record) is not None:
            return "DUPLICATE"
        if not self.continued and not isinstance(record, Continuation):
            return "ORDER"
        kind = type(record)
        rule = RULES.get(kind)
        code = rule(self, index, record) if rule else None
        if code is None and signed and kind in approval.APPROVED:
            code = approval.approvals_rule(self, record)
        return code

    def enter(self, index: int, record: Record) -> None:
        """Enter a record that `judge` let pass."""
        kind = type(record)
        if isinstance(record, CASES):
            self.cases.claim(record.setl_id, index)
            self._count(record)
        else:
            self.writer.put(DERIVED, self.key + FAMILY[kind] + NATURAL[kind](record), u64(index))
        effect = _EFFECTS.get(kind)
        if effect:
            effect(self, index, record)
        self._advance()

    def finish(self) -> None:
        """Write what is still in memory; call once, before the transaction ends."""
        self._add_up()
        self.cases.write(self.writer)
        for insured in sorted(self._running):
            totals.save_running(self.writer, self.key, insured, self._running[insured])
        applied = encoding.pack_plain([SCHEMA, self.size, sorted(self._changed)])
        self.writer.put(DERIVED, self.key + b"S", applied)
        if self.keys is not self.generation.admitted or self.generation.number > 1:
            keys = encoding.pack([self.generation.number, self.continued, *member_keys(self.keys)])
            self.writer.put(DERIVED, self.key + b"E", keys)
        for size, insured in totals.asked_for(self.writer, self.key, self.size):
            total = total_at(self.writer, self.code, insured, size)
            totals.save_at(self.writer, self.key, insured, size, total)
            totals.answered(self.writer, self.key, insured, size)

    def find(self, record: Record) -> int | None:
        """Return the index of a valid entry with the same business id, or None."""
        if isinstance(record, CASES):
            return self.cases.find(record.setl_id)
        kind = type(record)
        value = self.writer.get(DERIVED, self.key + FAMILY[kind] + NATURAL[kind](record))
        return None if value is None else int.from_bytes(value, "big")

    def _count(self, record: Settlement | Reversal) -> None:
        place = record.insured_area, record.month
        sums = self._sums.get(place)
        if sums is None:
            sums = self._sums[place] = [0] * len(totals.NOTHING)
        lines = record.lines
        sums[0] += 1
        sums[1] += lines.employee
        sums[2] += lines.resident
        sums[3] += lines.other
        sums[4] += lines.account

    def _add_up(self) -> None:
        for (area, month), sums in self._sums.items():
            insured = province_of(area)
            total = self._total(insured)
            total[month] = total.get(month, totals.NOTHING).plus(totals.Amounts(*sums))
            self._changed.add(insured)
        self._sums.clear()

    def _total(self, insured: str) -> totals.Total:
        if insured not in self._running:
            self._running[insured] = totals.load_running(self.writer, self.key, insured)
        return self._running[insured]

    def _advance(self) -> None:
        self.size += 1
        if self.size % totals.CHUNK == 0:
            if self.cases.many:
                self.cases.write(self.writer)
            self._add_up()
            for insured in sorted(self._changed):
                totals.save_at(self.writer, self.key, insured, self.size, self._total(insured))
            self._changed.clear()
        if self.size == self._end:
            self._begin(self.roster.generation_at(self.code, self.size))

    def room(self) -> int | None:
        """Return how many entries may follow before another generation's keys count."""
        return None if self._end is None else self._end - self.size


@dataclass(frozen=True)
class Verdicts:
    """What somebody found who has verified the signatures of a chunk before.

    They hold for one key, or (None) for whichever key counts.
    """

    key: bytes | None
    bad: frozenset[int]  # positions in the chunk


def apply(
    writer: Writer,
    roster: Roster,
    code: str,
    leaves: Sequence[bytes],
    verdicts: Verdicts | None = None,
) -> list[str | None]:
    """Apply the next leaves of the log of `code`; return the void code of each, or None.

    The leaves must be the ones at the applied size and above. Signatures are verified here, whole
    chunks at a time, with the entry key that counts at each place, unless `verdicts` say it.
    """
    fold = Fold(writer, roster, code)
    outcomes: list[str | None] = []
    while len(outcomes) < len(leaves):
        outcomes += _apply_under_one_key(fold, leaves, len(outcomes), verdicts)
    fold.finish()
    return outcomes


def _apply_under_one_key(
    fold: Fold, leaves: Sequence[bytes], done: int, verdicts: Verdicts | None
) -> list[str | None]:
    room, key = fold.room(), fold.keys.entry_key
    some = leaves[done:] if room is None else leaves[done : done + room]
    if verdicts is not None and verdicts.key in (None, key):
        bad = {position - done for position in verdicts.bad}
    else:
        bad = set(verify_leaves(some, fold.roster.network_id, key))
    outcomes: list[str | None] = []
    while len(outcomes) < len(some) and fold.keys.entry_key == key:
        outcomes += [None] * fold.settle(some, len(outcomes), bad)
        if len(outcomes) < len(some):
            position = len(outcomes)
            outcomes.append(fold.apply(some[position], position not in bad))
    return outcomes  # what follows a rotation is signed with the next key


def total_at(reader: Reader, code: str, insured: str, size: int) -> totals.Total:
    """Return what `insured` owes the author of the log below `size`, per service month."""
    return totals_at(reader, code, [insured], size)[insured]


def totals_at(
    reader: Reader, code: str, debtors: Sequence[str], size: int
) -> dict[str, totals.Total]:
    """Return what each of `debtors` owes the author of the log below `size`, per service month.

    Reads each entry above the last chunk boundary once, however many debtors there are.
    """
    key = log_key(code)
    known = {insured: totals.nearest(reader, key, insured, size) for insured in debtors}
    start = min((at for at, _ in known.values()), default=size)
    if start == size:  # as a rule: kept for every size that an acceptance names
        return {insured: total for insured, (_, total) in known.items()}
    for index, leaf in enumerate(log.leaves(reader, key, start, size), start):
        record = None if void_code(reader, code, index) else case_of(leaf)
        if record is None:
            continue
        at, total = known.get(province_of(record.insured_area), (size, {}))
        if index >= at:
            before = total.get(record.month, totals.NOTHING)
            total[record.month] = before.plus(totals.of_lines(record.lines))
    return {insured: total for insured, (_, total) in known.items()}


def case_of(leaf: bytes) -> Settlement | Reversal | None:
    """Return the settlement or reversal of a leaf that is not void, or None for everything else."""
    entry = decode_entry(leaf)
    if entry.kind not in (Settlement.kind, Reversal.kind):
        return None
    record = decode_body(entry.kind, entry.body)
    assert isinstance(record, Settlement | Reversal)
    return record


# --- effects: what a valid entry changes beside its place in the index -------------------------


def _enter_reversal(fold: Fold, index: int, record: Reversal) -> None:
    original = fold.cases.find(record.original_id)
    assert original is not None
    rows = [
        [i, month, *msgspec.structs.astuple(lines)]
        for i, month, lines in reversals_of(fold.writer, fold.code, original)
    ]
    rows.append([index, record.month, *msgspec.structs.astuple(record.lines)])
    fold.writer.put(DERIVED, fold.key + b"R" + u64(original), encoding.pack(rows))


def _enter_acceptance(fold: Fold, index: int, record: Acceptance) -> None:
    place = fold.key + b"A" + record.log.encode() + u64(record.size)
    fold.writer.put(DERIVED, place, encoding.pack([index, record.root]))
    for item in record.exceptions:
        _contest(fold, Contested(item.index, index, item.code, None, record.size), record.log)
    _want_total(fold.writer, fold.roster, record.log, fold.code, record.size)


def _contest(fold: Fold, row: Contested, target: str) -> None:
    place = fold.key + b"X" + target.encode() + u64(row.original)
    fold.writer.put(DERIVED, place, encoding.pack(row[1:]))


def _want_total(writer: Writer, roster: Roster, code: str, insured: str, size: int) -> None:
    # A close asks for the total at every size that an acceptance names: it shall not have to scan.
    applied, key = applied_size(writer, code), log_key(code)
    if applied < size:
        totals.ask_for(writer, key, insured, size)
    elif applied == size:  # as a rule an acceptance names all there is
        totals.save_at(writer, key, insured, size, totals.load_running(writer, key, insured))
    else:
        total = total_at(writer, code, insured, size)
        totals.save_at(writer, key, insured, size, total)


def _enter_release(fold: Fold, index: int, record: Release) -> None:
    for original in record.indexes:
        row = exception_at(fold.writer, fold.code, record.log, original)
        assert row is not None
        _contest(fold, row._replace(release=index), record.log)


def _enter_dispute(fold: Fold, index: int, record: Dispute) -> None:
    _contest(fold, Contested(record.original, index, record.reason, None, None), record.log)


def _enter_institution(fold: Fold, index: int, record: Institution) -> None:
    before = find(
        fold.writer, fold.code, Institution, revision_key(record.code, record.revision - 1)
    )
    if before is not None:
        last = entry_at(fold.writer, fold.code, before)[1]
        assert isinstance(last, Institution)
        fold.writer.delete(DERIVED, fold.key + institution_place(last))  # its area may have changed
    place = fold.key + institution_place(record)
    fold.writer.put(DERIVED, place, institution_row(index, record))


def _enter_rotation(fold: Fold, _index: int, record: Rotation) -> None:
    fold.keys = with_key(fold.keys, record.purpose, record.key)


def _enter_continuation(fold: Fold, _index: int, _record: Continuation) -> None:
    fold.continued = True


# --- money -------------------------------------------------------------------------------------


def _hold(fold: Fold, debtor: str, change_fen: int) -> None:
    held = held_prepayment(fold.writer, fold.code, debtor) + change_fen
    assert held >= 0
    fold.writer.put(DERIVED, fold.key + b"H" + debtor.encode(), encoding.pack(held))


def _owe(fold: Fold, month: str, leg: int, owed: Owed) -> None:
    fold.writer.put(DERIVED, fold.key + b"D" + month_key(month, leg), encoding.pack([*owed]))


def _enter_paid(fold: Fold, _index: int, record: Paid) -> None:
    if record.purpose == "prepayment_return":
        _hold(fold, record.payee, -record.fen)


def _enter_returned(fold: Fold, _index: int, record: Returned) -> None:
    if record.purpose == "prepayment_return":
        key = transfer_key(
            record.purpose, record.month, record.number, record.payee, record.attempt
        )
        sent = find(fold.writer, fold.code, Paid, key)
        assert sent is not None
        _hold(fold, record.payee, entry_at(fold.writer, fold.code, sent)[1].fen)  # type: ignore[attr-defined]


def _enter_received(fold: Fold, _index: int, record: Received) -> None:
    if record.purpose == "prepayment":
        _hold(fold, record.payer, record.fen)
    owed = owed_on(fold.writer, fold.code, record.month, record.number)
    if record.purpose == "clearing" and owed is not None:  # late: it refills first
        refill = min(record.fen, owed.drawn_fen)
        _hold(fold, owed.debtor, refill)
        left = owed._replace(
            drawn_fen=owed.drawn_fen - refill,
            arrears_fen=owed.arrears_fen - (record.fen - refill),
        )
        _owe(fold, record.month, record.number, left)


def _enter_draw(fold: Fold, index: int, record: Draw) -> None:
    _hold(fold, record.debtor, -record.drawn_fen)
    owed = Owed(record.debtor, index, record.drawn_fen, record.arrears_fen)
    _owe(fold, record.month, record.leg, owed)


def _enter_instruction(fold: Fold, index: int, record: Instruction) -> None:
    for item in record.payments:
        key = transfer_key(item.purpose, item.month, item.number, item.payee, item.attempt)
        fold.writer.put(DERIVED, fold.key + b"P" + key, u64(index))


def _enter_demand(fold: Fold, index: int, record: Demand) -> None:
    pair = (record.rows[0].debtor, record.rows[0].creditor) if record.cause == "urgent" else ()
    fold.writer.put(DERIVED, fold.key + demand_key(record.month, *pair), u64(index))


_EFFECTS: dict[type[Record], Callable[[Fold, int, Any], None]] = {
    Reversal: _enter_reversal,
    Acceptance: _enter_acceptance,
    Release: _enter_release,
    Institution: _enter_institution,
    Dispute: _enter_dispute,
    Paid: _enter_paid,
    Received: _enter_received,
    Returned: _enter_returned,
    Instruction: _enter_instruction,
    Draw: _enter_draw,
    Demand: _enter_demand,
    Rotation: _enter_rotation,
    Continuation: _enter_continuation,
    Operator: approval.enter_operator,
}


def next_entry_key(reader: Reader, roster: Roster, code: str) -> bytes:
    """Return the key that must sign the next entry of the log of `code`."""
    generation = roster.generation_at(code, applied_size(reader, code))
    stored = reader.get(DERIVED, log_key(code) + b"E")
    if stored is not None:
        number, _, entry_key, *_ = encoding.unpack(stored)
        if number == generation.number:
            return bytes(entry_key)
    return generation.admitted.entry_key


def rebuild(writer: Writer, roster: Roster, code: str) -> None:
    """Compute the derived tables of a log again from its entries alone."""
    key = log_key(code)
    for place, _ in list(writer.scan(DERIVED, key, key + b"\xff" * 80)):
        writer.delete(DERIVED, place)
    size = log.size(writer, key)
    for start in range(0, size, totals.CHUNK):
        stop = min(start + totals.CHUNK, size)
        apply(writer, roster, code, list(log.leaves(writer, key, start, stop)))
    for insured in roster.participants:
        for accepted in accepted_sizes(writer, insured, code):
            _want_total(writer, roster, code, insured, accepted)
