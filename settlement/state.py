"""`apply`: the one transition that turns the entries of a log into what they mean.

Nodes, auditors and the simulator all use it. Each log is folded by itself: whether an entry is
valid depends on nothing but the entries below it in its own log. What several logs say together is
computed from these tables by `obligation` and `batch`.

Derived tables of one log (keys after the log key):

    S                       schema, applied size, counterparts changed since the last chunk boundary
    V + index               the code that makes the entry void
    K + kind + natural key  index of the entry with that business id
    R + original index      reversals of that original: [index, month, lines]
    A + log + size          acceptance of that prefix: [index, root]
    X + log + original      exception: [size of its acceptance, code, index of the release or nil]
    C, T, N                 running totals, see `totals`
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ledger import encoding, log
from ledger.entry import Entry, decode_entry, signature_item
from ledger.errors import ForeignError, FormError, VerificationError
from ledger.hashing import hash_bytes, leaf_hash
from ledger.signature import verify_many
from ledger.table import DERIVED, Reader, Writer, log_key, u64
from settlement import totals
from settlement.party import CENTRE, province_of
from settlement.period import next_month
from settlement.record import (
    MAX_FEN,
    RECORDS,
    Acceptance,
    Admission,
    Attestation,
    Certificate,
    Confirmation,
    Genesis,
    Lift,
    Lines,
    Paid,
    Proposal,
    Received,
    Record,
    Release,
    Report,
    Restore,
    Reversal,
    RuleSet,
    Ruling,
    Settlement,
    Silence,
    Withdrawal,
    decode_body,
)
from settlement.roster import Roster
from settlement.ruleset import parse_ruleset

SCHEMA = 1

CENTRE_ONLY = frozenset(
    (Proposal, Withdrawal, Ruling, Confirmation, Certificate, Lift, Genesis, Admission, RuleSet)
)
PROVINCE_ONLY = frozenset((Settlement, Reversal, Acceptance, Release, Attestation, Silence))


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

    def __post_init__(self) -> None:
        self.key = log_key(self.code)
        self.size, changed = _progress(self.writer, self.code)
        self._changed = set(changed)  # counterparts with entries above the last chunk boundary
        self._origin = self.roster.origin(self.code)
        self._placed: tuple[Record | None, bytes] = None, b""

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
        if entry.origin != self._origin or entry.index != index:
            return "PLACE", None
        if not signature_ok:
            return "SIGNATURE", None
        try:
            return None, decode_body(entry.kind, entry.body)
        except FormError:
            return "KIND", None

    def judge(self, index: int, record: Record) -> str | None:
        """Return the first code that speaks against `record` at `index`, or None.

        Reads this log's tables only and changes nothing.
        """
        if type(record) in (PROVINCE_ONLY if self.code == CENTRE else CENTRE_ONLY):
            return "ROLE"
        if self.find(record) is not None:
            return "DUPLICATE"
        rule = _RULES.get(type(record))
        return rule(self, index, record) if rule else None

    def enter(self, index: int, record: Record) -> None:
        """Enter a record that `judge` let pass."""
        self.writer.put(DERIVED, self._place(record), u64(index))
        effect = _EFFECTS.get(type(record))
        if effect:
            effect(self, index, record)
        self._advance()

    def finish(self) -> None:
        """Write what is still in memory; call once, before the transaction ends."""
        for insured in sorted(self._running):
            totals.save_running(self.writer, self.key, insured, self._running[insured])
        progress = encoding.pack([SCHEMA, self.size, sorted(self._changed)])
        self.writer.put(DERIVED, self.key + b"S", progress)
        for size, insured in totals.asked_for(self.writer, self.key, self.size):
            total = total_at(self.writer, self.roster, self.code, insured, size)
            totals.save_at(self.writer, self.key, insured, size, total)
            totals.answered(self.writer, self.key, insured, size)

    def find(self, record: Record) -> int | None:
        """Return the index of a valid entry with the same business id, or None."""
        value = self.writer.get(DERIVED, self._place(record))
        return None if value is None else int.from_bytes(value, "big")

    def _place(self, record: Record) -> bytes:
        if self._placed[0] is not record:  # asked for by `judge` and again by `enter`
            kind = type(record)
            self._placed = record, self.key + _FAMILY[kind] + _NATURAL[kind](record)
        return self._placed[1]

    def add(self, insured: str, month: str, lines: Lines) -> None:
        """Add one counted entry to the running totals."""
        total = self._total(insured)
        before = total.get(month, totals.NOTHING)
        total[month] = totals.Amounts(
            before.entries + 1,
            before.employee + lines.employee,
            before.resident + lines.resident,
            before.other + lines.other,
            before.account + lines.account,
        )
        self._changed.add(insured)

    def _total(self, insured: str) -> totals.Total:
        if insured not in self._running:
            self._running[insured] = totals.load_running(self.writer, self.key, insured)
        return self._running[insured]

    def _advance(self) -> None:
        self.size += 1
        if self.size % totals.CHUNK == 0:
            for insured in sorted(self._changed):
                totals.save_at(self.writer, self.key, insured, self.size, self._total(insured))
            self._changed.clear()


def apply(writer: Writer, roster: Roster, code: str, leaves: Sequence[bytes]) -> list[str | None]:
    """Apply the next leaves of the log of `code`; return the void code of each, or None.

    The leaves must be the ones at the applied size and above; signatures are verified here, as
    one chunk, with the entry key the author was admitted with.
    """
    key = roster.members[code].entry_key
    items = [signature_item(leaf, roster.network_id, key) for leaf in leaves]
    bad = set(verify_many(items))
    fold = Fold(writer, roster, code)
    outcomes = [fold.apply(leaf, i not in bad) for i, leaf in enumerate(leaves)]
    fold.finish()
    return outcomes


def applied_size(reader: Reader, code: str) -> int:
    """Return how many leaves of the log of `code` have been applied."""
    return _progress(reader, code)[0]


def _progress(reader: Reader, code: str) -> tuple[int, list[str]]:
    value = reader.get(DERIVED, log_key(code) + b"S")
    if value is None:
        return 0, []
    schema, size, changed = encoding.unpack(value)
    if schema != SCHEMA:
        raise ForeignError(
            f"derived tables of {code}: schema {schema}, this program knows {SCHEMA}"
        )
    return size, changed


def void_code(reader: Reader, code: str, index: int) -> str | None:
    """Return the code that makes the entry void, or None if it counts."""
    value = reader.get(DERIVED, log_key(code) + b"V" + u64(index))
    return None if value is None else value.decode("ascii")


def entry_at(reader: Reader, code: str, index: int) -> tuple[Entry, Record]:
    """Return a valid entry and its record; the caller knows that it is not void."""
    entry = decode_entry(log.leaf(reader, log_key(code), index))
    return entry, decode_body(entry.kind, entry.body)


def find(reader: Reader, code: str, record_type: type[Record], natural: bytes) -> int | None:
    """Return the index of the valid entry of that kind with that natural key, or None."""
    value = reader.get(DERIVED, log_key(code) + _FAMILY[record_type] + natural)
    return None if value is None else int.from_bytes(value, "big")


def find_settlement(reader: Reader, code: str, setl_id: str) -> int | None:
    """Return the index of the valid settlement or reversal with that id in the log of `code`."""
    return find(reader, code, Settlement, setl_id.encode())


def reversals_of(reader: Reader, code: str, original: int) -> list[tuple[int, str, Lines]]:
    """Return the reversals of an original as (index, month, lines), ascending by index."""
    value = reader.get(DERIVED, log_key(code) + b"R" + u64(original))
    rows = [] if value is None else encoding.unpack(value)
    return [(row[0], row[1], Lines(*row[2:])) for row in rows]


def total_at(reader: Reader, roster: Roster, code: str, insured: str, size: int) -> totals.Total:
    """Return what `insured` owes the author of the log below `size`, per service month."""
    key = log_key(code)
    start, total = totals.nearest(reader, key, insured, size)
    for index, leaf in enumerate(log.leaves(reader, key, start, size), start):
        entry = decode_valid(leaf, roster.origin(code))
        if entry is None or void_code(reader, code, index) is not None:
            continue
        record = decode_body(entry.kind, entry.body)
        assert isinstance(record, Settlement | Reversal)
        if province_of(record.insured_area) == insured:
            before = total.get(record.month, totals.NOTHING)
            total[record.month] = before.plus(totals.of_lines(record.lines))
    return total


def decode_valid(leaf: bytes, origin: str) -> Entry | None:
    """Return a settlement or reversal entry, or None for everything else."""
    try:
        entry = decode_entry(leaf)
    except FormError:
        return None
    if entry.kind not in (Settlement.kind, Reversal.kind) or entry.origin != origin:
        return None
    return entry


# --- business ids ------------------------------------------------------------------------------

# Settlements and reversals share their ids; every other kind has ids of its own.
_FAMILY: dict[type[Record], bytes] = {
    **{kind: b"K" + bytes([number]) for number, kind in RECORDS.items()},
    Reversal: b"K" + bytes([Settlement.kind]),
}


def month_key(month: str, number: int = 0) -> bytes:
    """Return the natural key of what exists once per month and revision, or month and leg."""
    return month.encode() + number.to_bytes(4, "big")


def natural_key(record: Record) -> bytes:
    """Return the business id of a record: two valid entries of a log never share one."""
    return _NATURAL[type(record)](record)


_NATURAL: dict[type[Record], Callable[[Any], bytes]] = {
    Settlement: lambda r: r.setl_id.encode(),
    Reversal: lambda r: r.setl_id.encode(),
    Acceptance: lambda r: r.log.encode() + u64(r.size),
    Release: lambda r: r.log.encode() + u64(r.indexes[0] if r.indexes else 0),
    Proposal: lambda r: month_key(r.month, r.revision),
    Withdrawal: lambda r: month_key(r.month, r.revision),
    Attestation: lambda r: month_key(r.month, r.revision),
    Silence: lambda r: month_key(r.month, r.revision) + r.code.encode(),
    Ruling: lambda r: month_key(r.month, r.revision) + r.mismatch.code.encode(),
    Confirmation: lambda r: month_key(r.month),
    Certificate: lambda r: month_key(r.month),
    Restore: lambda r: u64(r.held) + u64(r.size),
    Report: lambda r: r.log.encode() + r.evidence,
    Lift: lambda r: r.log.encode() + r.evidence,
    Paid: lambda r: month_key(r.month, r.leg),
    Received: lambda r: month_key(r.month, r.leg),
    Genesis: lambda _: b"",
    Admission: lambda r: r.member.code.encode(),
    RuleSet: lambda r: hash_bytes(r.text),
}


# --- rules: each returns the code that speaks against the record, or None ----------------------


def _settlement_rule(fold: Fold, _index: int, record: Settlement) -> str | None:
    if not _fits_pair(fold, record):
        return "PAIR"
    lines = record.lines
    negative = lines.employee < 0 or lines.resident < 0 or lines.other < 0 or lines.account < 0
    return "SIGN" if negative else None


def _fits_pair(fold: Fold, record: Settlement | Reversal) -> bool:
    try:
        treatment = province_of(record.treatment_area)
        insured = province_of(record.insured_area)
    except FormError:
        return False
    return treatment == fold.code and insured != treatment and insured != CENTRE


def _reversal_rule(fold: Fold, _index: int, record: Reversal) -> str | None:
    if not _fits_pair(fold, record):
        return "PAIR"
    if max(_amounts(record.lines)) > 0:
        return "SIGN"
    index = find_settlement(fold.writer, fold.code, record.original_id)
    if index is None:
        return "ORIGINAL"
    original = entry_at(fold.writer, fold.code, index)[1]
    if not isinstance(original, Settlement):
        return "ORIGINAL"
    if _pair(original) != _pair(record):
        return "PAIR"
    if record.month < original.month:
        return "MONTH"
    left = list(_amounts(original.lines))
    for _, _, lines in reversals_of(fold.writer, fold.code, index):
        left = [a + b for a, b in zip(left, _amounts(lines), strict=True)]
    after = [a + b for a, b in zip(left, _amounts(record.lines), strict=True)]
    return "EXCEEDS" if min(after) < 0 else None


def _acceptance_rule(fold: Fold, _index: int, record: Acceptance) -> str | None:
    if record.log in (fold.code, CENTRE):
        return "PAIR"
    before = accepted_before(fold.writer, fold.code, record.log)
    if record.size <= before:
        return "ORDER"
    indexes = [item.index for item in record.exceptions]
    if indexes != sorted(set(indexes)):
        return "ORDER"
    if indexes and not before <= indexes[0] <= indexes[-1] < record.size:
        return "ORDER"
    return None


def _release_rule(fold: Fold, _index: int, record: Release) -> str | None:
    if not record.indexes or record.indexes != sorted(set(record.indexes)):
        return "ORDER"
    for original in record.indexes:
        row = exception_at(fold.writer, fold.code, record.log, original)
        if row is None or row[2] is not None:
            return "EXCEPTION"
    return None


def _proposal_rule(fold: Fold, _index: int, record: Proposal) -> str | None:
    last = last_confirmed(fold.writer)
    if last is not None and record.month != next_month(last):
        return "MONTH"
    if record.revision > 1:
        earlier = month_key(record.month, record.revision - 1)
        if find(fold.writer, CENTRE, Withdrawal, earlier) is None:
            return "STATE"
    if any(open_month != record.month for open_month in open_months(fold.writer)):
        return "STATE"
    codes = [head.code for head in record.cut]
    if codes != sorted(set(codes)) or CENTRE in codes:
        return "ORDER"
    before = {head.code: head.size for head in last_cut(fold.writer)}
    if not before.keys() <= set(codes):
        return "ORDER"
    if any(head.size < before.get(head.code, 0) for head in record.cut):
        return "ORDER"
    net_codes = [net.code for net in record.nets]
    if net_codes != codes or sum(net.fen for net in record.nets) != 0:
        return "SUM"
    return None


def _revision_rule(fold: Fold, _index: int, record: Withdrawal | Confirmation) -> str | None:
    found = proposal_of(fold.writer, record.month, record.revision)
    if found is None or found[1] != record.proposal_hash:
        return "STATE"
    if find(fold.writer, CENTRE, Confirmation, month_key(record.month)) is not None:
        return "STATE"
    key = month_key(record.month, record.revision)
    if find(fold.writer, CENTRE, Withdrawal, key) is not None:
        return "STATE"
    return None


def _ruling_rule(fold: Fold, _index: int, record: Ruling) -> str | None:
    return None if proposal_of(fold.writer, record.month, record.revision) else "STATE"


def _certificate_rule(fold: Fold, _index: int, record: Certificate) -> str | None:
    index = find(fold.writer, CENTRE, Confirmation, month_key(record.month))
    if index is None:
        return "STATE"
    leaf = log.leaf(fold.writer, log_key(CENTRE), index)
    return None if leaf_hash(leaf) == record.confirmation_hash else "STATE"


def _money_rule(_fold: Fold, _index: int, record: Paid | Received) -> str | None:
    return None if 0 < record.fen <= MAX_FEN else "SIGN"


def _genesis_rule(fold: Fold, index: int, record: Genesis) -> str | None:
    return None if index == 0 and record.genesis == fold.roster.genesis else "STATE"


def _admission_rule(fold: Fold, _index: int, record: Admission) -> str | None:
    try:
        # Counted from the genesis: whoever applies this may know more members by now.
        roster_at(fold.writer, fold.roster.founding, fold.size).check_admission(record)
    except FormError:
        return "KEY"
    except VerificationError:
        return "APPROVAL"
    return None


def _ruleset_rule(_fold: Fold, _index: int, record: RuleSet) -> str | None:
    try:
        return None if parse_ruleset(record.text).name == record.name else "RULESET"
    except FormError:
        return "RULESET"


_RULES: dict[type[Record], Callable[[Fold, int, Any], str | None]] = {
    Settlement: _settlement_rule,
    Reversal: _reversal_rule,
    Acceptance: _acceptance_rule,
    Release: _release_rule,
    Proposal: _proposal_rule,
    Withdrawal: _revision_rule,
    Confirmation: _revision_rule,
    Ruling: _ruling_rule,
    Certificate: _certificate_rule,
    Paid: _money_rule,
    Received: _money_rule,
    Genesis: _genesis_rule,
    Admission: _admission_rule,
    RuleSet: _ruleset_rule,
}


def _pair(record: Settlement | Reversal) -> tuple[str, str]:
    return record.treatment_area, record.insured_area


def _amounts(lines: Lines) -> tuple[int, int, int, int]:
    return lines.employee, lines.resident, lines.other, lines.account


# --- effects: what a valid entry changes beside its place in the index -------------------------


def _enter_settlement(fold: Fold, _index: int, record: Settlement) -> None:
    fold.add(province_of(record.insured_area), record.month, record.lines)


def _enter_reversal(fold: Fold, index: int, record: Reversal) -> None:
    fold.add(province_of(record.insured_area), record.month, record.lines)
    original = find_settlement(fold.writer, fold.code, record.original_id)
    assert original is not None
    rows = [
        [i, month, *_amounts(lines)]
        for i, month, lines in reversals_of(fold.writer, fold.code, original)
    ]
    rows.append([index, record.month, *_amounts(record.lines)])
    fold.writer.put(DERIVED, fold.key + b"R" + u64(original), encoding.pack(rows))


def _enter_acceptance(fold: Fold, index: int, record: Acceptance) -> None:
    target = record.log.encode()
    place = fold.key + b"A" + target + u64(record.size)
    fold.writer.put(DERIVED, place, encoding.pack([index, record.root]))
    for item in record.exceptions:
        row = encoding.pack([record.size, item.code, None])
        fold.writer.put(DERIVED, fold.key + b"X" + target + u64(item.index), row)
    key = log_key(record.log)
    if applied_size(fold.writer, record.log) >= record.size:
        total = total_at(fold.writer, fold.roster, record.log, fold.code, record.size)
        totals.save_at(fold.writer, key, fold.code, record.size, total)
    else:
        totals.ask_for(fold.writer, key, fold.code, record.size)


def _enter_release(fold: Fold, index: int, record: Release) -> None:
    for original in record.indexes:
        row = exception_at(fold.writer, fold.code, record.log, original)
        assert row is not None
        place = fold.key + b"X" + record.log.encode() + u64(original)
        fold.writer.put(DERIVED, place, encoding.pack([row[0], row[1], index]))


_EFFECTS: dict[type[Record], Callable[[Fold, int, Any], None]] = {
    Settlement: _enter_settlement,
    Reversal: _enter_reversal,
    Acceptance: _enter_acceptance,
    Release: _enter_release,
}


# --- what the tables say -----------------------------------------------------------------------


def accepted_before(reader: Reader, code: str, target: str) -> int:
    """Return the largest size of `target` that the log of `code` has accepted; 0 if none."""
    prefix = log_key(code) + b"A" + target.encode()
    found = reader.last(DERIVED, prefix, prefix + b"\xff" * 9)
    return 0 if found is None else int.from_bytes(found[0][-8:], "big")


def acceptance_below(
    reader: Reader, code: str, target: str, size: int
) -> tuple[int, int, bytes] | None:
    """Return the largest acceptance of `target` by `code` below `size`: (size, index, root)."""
    prefix = log_key(code) + b"A" + target.encode()
    found = reader.last(DERIVED, prefix, prefix + u64(size))
    if found is None:
        return None
    index, root = encoding.unpack(found[1])
    return int.from_bytes(found[0][-8:], "big"), index, root


def exception_at(
    reader: Reader, code: str, target: str, original: int
) -> tuple[int, str, int | None] | None:
    """Return the exception that `code` made to an original of `target`, or None.

    The three values: the accepted size it came with, its code, the index of its release.
    """
    value = reader.get(DERIVED, log_key(code) + b"X" + target.encode() + u64(original))
    return None if value is None else tuple(encoding.unpack(value))


def exceptions(reader: Reader, code: str, target: str) -> list[tuple[int, int, str, int | None]]:
    """Return all exceptions of `code` to `target`: (original, accepted size, code, release)."""
    prefix = log_key(code) + b"X" + target.encode()
    return [
        (int.from_bytes(key[-8:], "big"), *encoding.unpack(value))
        for key, value in reader.scan(DERIVED, prefix, prefix + b"\xff" * 9)
    ]


def _places(reader: Reader, record_type: type[Record]) -> list[tuple[bytes, int]]:
    prefix = log_key(CENTRE) + b"K" + bytes([record_type.kind])
    return [
        (key[len(prefix) :], int.from_bytes(value[:8], "big"))
        for key, value in reader.scan(DERIVED, prefix, prefix + b"\xff" * 80)
    ]


def proposals(reader: Reader) -> list[tuple[str, int, int]]:
    """Return all valid proposals as (month, revision, index), ascending."""
    return [
        (key[:7].decode(), int.from_bytes(key[7:], "big"), index)
        for key, index in _places(reader, Proposal)
    ]


def proposal_of(reader: Reader, month: str, revision: int) -> tuple[Proposal, bytes, int] | None:
    """Return a proposal, its leaf hash and its index, or None."""
    index = find(reader, CENTRE, Proposal, month_key(month, revision))
    if index is None:
        return None
    leaf = log.leaf(reader, log_key(CENTRE), index)
    record = entry_at(reader, CENTRE, index)[1]
    assert isinstance(record, Proposal)
    return record, leaf_hash(leaf), index


def confirmed_months(reader: Reader) -> list[tuple[str, int]]:
    """Return (month, index of the confirmation), ascending."""
    return [(key[:7].decode(), index) for key, index in _places(reader, Confirmation)]


def last_confirmed(reader: Reader) -> str | None:
    """Return the last confirmed month, or None."""
    months = confirmed_months(reader)
    return months[-1][0] if months else None


def last_cut(reader: Reader) -> list[Any]:
    """Return the cut of the last confirmed month; empty before the first."""
    months = confirmed_months(reader)
    if not months:
        return []
    confirmation = entry_at(reader, CENTRE, months[-1][1])[1]
    assert isinstance(confirmation, Confirmation)
    found = proposal_of(reader, confirmation.month, confirmation.revision)
    assert found is not None
    return found[0].cut


def open_months(reader: Reader) -> list[str]:
    """Return the months with a proposal that is neither withdrawn nor confirmed."""
    confirmed = {month for month, _ in confirmed_months(reader)}
    withdrawn = {key for key, _ in _places(reader, Withdrawal)}
    return [
        month
        for month, revision, _ in proposals(reader)
        if month not in confirmed and month_key(month, revision) not in withdrawn
    ]


def roster_at(reader: Reader, founding: Roster, size: int) -> Roster:
    """Return the roster as the centre's log below `size` makes it."""
    roster = founding
    for _, index in sorted(_places(reader, Admission), key=lambda place: place[1]):
        if index < size:
            record = entry_at(reader, CENTRE, index)[1]
            assert isinstance(record, Admission)
            roster = roster.admit(record)
    return roster


def ruleset_at(reader: Reader, size: int) -> RuleSet | None:
    """Return the rule set in force below `size` of the centre's log, or None."""
    in_force = [index for _, index in _places(reader, RuleSet) if index < size]
    if not in_force:
        return None
    record = entry_at(reader, CENTRE, max(in_force))[1]
    assert isinstance(record, RuleSet)
    return record
