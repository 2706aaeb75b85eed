"""Looking up what the derived tables of the logs say; they are written by `state`, read here."""

import unicodedata
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ledger import encoding, log
from ledger.entry import Entry, decode_entry
from ledger.errors import ForeignError
from ledger.hashing import hash_bytes, leaf_hash
from ledger.table import DERIVED, Reader, log_key, u64
from settlement import caseids
from settlement.party import CENTRE, province_of
from settlement.record import (
    RECORDS,
    Acceptance,
    Admission,
    Attestation,
    Barring,
    Breach,
    Certificate,
    CityStatement,
    Confirmation,
    Continuation,
    Demand,
    Dispute,
    DisputeAnswer,
    DisputeRuling,
    Draw,
    Escalation,
    Freeze,
    Genesis,
    Holidays,
    Increase,
    Institution,
    Instruction,
    KeyChange,
    Lift,
    Lines,
    Operator,
    Paid,
    Proposal,
    Quota,
    Received,
    Record,
    Registration,
    Reimbursement,
    Release,
    Report,
    Restore,
    Returned,
    Reversal,
    Rotation,
    RuleSet,
    Ruling,
    Settlement,
    Shortfall,
    Silence,
    Withdrawal,
    YearClose,
    decode_body,
)

SCHEMA = 6


def applied_size(reader: Reader, code: str) -> int:
    """Return how many leaves of the log of `code` have been applied."""
    return progress(reader, code)[0]


_PROGRESS = encoding.Codec(tuple[int, int, list[str]])


def progress(reader: Reader, code: str) -> tuple[int, list[str]]:
    """Return the applied size and the counterparts changed since the last chunk boundary."""
    value = reader.get(DERIVED, log_key(code) + b"S")
    if value is None:
        return 0, []
    schema, size, changed = _PROGRESS.decode(value)
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
    if record_type in (Settlement, Reversal):
        return caseids.find(reader, log_key(code), natural.decode("ascii"))
    value = reader.get(DERIVED, log_key(code) + FAMILY[record_type] + natural)
    return None if value is None else int.from_bytes(value, "big")


def find_settlement(reader: Reader, code: str, setl_id: str) -> int | None:
    """Return the index of the valid settlement or reversal with that id in the log of `code`."""
    return caseids.find(reader, log_key(code), setl_id)


def reversals_of(reader: Reader, code: str, original: int) -> list[tuple[int, str, Lines]]:
    """Return the reversals of an original as (index, month, lines), ascending by index."""
    value = reader.get(DERIVED, log_key(code) + b"R" + u64(original))
    rows = [] if value is None else encoding.unpack(value)
    return [(row[0], row[1], Lines(*row[2:])) for row in rows]


# --- business ids ------------------------------------------------------------------------------

# Settlements and reversals share their ids, see `caseids`; every other kind has ids of its own.
FAMILY: dict[type[Record], bytes] = {
    **{kind: b"K" + bytes([number]) for number, kind in RECORDS.items()},
    Reversal: caseids.FAMILY,
}


def rotations(reader: Reader, code: str) -> list[tuple[int, Rotation]]:
    """Return the valid rotations in the log of `code` by index."""
    found = []
    for _, index in places(reader, Rotation, code):
        record = entry_at(reader, code, index)[1]
        assert isinstance(record, Rotation)
        found.append((index, record))
    return sorted(found, key=lambda item: item[0])


def month_key(month: str, number: int = 0) -> bytes:
    """Return the natural key of what exists once per month and revision, or month and leg."""
    return month.encode() + number.to_bytes(4, "big")


def revision_key(name: str, revision: int = 0) -> bytes:
    """Return the natural key of one revision of what is revised again and again."""
    return name.encode() + b"\x00" + revision.to_bytes(4, "big")


_PURPOSE = {"clearing": b"c", "prepayment": b"p", "prepayment_return": b"r"}


def transfer_key(purpose: str, month: str, number: int, other: str, attempt: int) -> bytes:
    """Return the natural key of one payment between the author of a log and another participant."""
    return (
        _PURPOSE[purpose] + month_key(month, number) + other.encode() + attempt.to_bytes(4, "big")
    )


def latest_revision(
    reader: Reader, code: str, record_type: type[Record], name: str
) -> Record | None:
    """Return the newest valid revision of a registration or an institution, or None."""
    prefix = log_key(code) + FAMILY[record_type] + name.encode() + b"\x00"
    found = reader.last(DERIVED, prefix, prefix + b"\xff" * 5)
    if found is None:
        return None
    return entry_at(reader, code, int.from_bytes(found[1], "big"))[1]


def natural_key(record: Record) -> bytes:
    """Return the business id of a record: two valid entries of a log never share one."""
    return NATURAL[type(record)](record)


NATURAL: dict[type[Record], Callable[[Any], bytes]] = {
    Settlement: lambda r: r.setl_id.encode(),
    Reversal: lambda r: r.setl_id.encode(),
    Acceptance: lambda r: r.log.encode() + u64(r.size),
    Release: lambda r: r.log.encode() + u64(r.indexes[0] if r.indexes else 0),
    Registration: lambda r: revision_key(r.registration_id, r.revision),
    Institution: lambda r: revision_key(r.code, r.revision),
    Barring: lambda r: r.barring_id.encode() + b"\x00" + r.state.encode(),
    Reimbursement: lambda r: r.reimbursement_id.encode(),
    Dispute: lambda r: r.log.encode() + u64(r.original),
    DisputeAnswer: lambda r: r.insured.encode() + u64(r.original),
    Escalation: lambda r: r.log.encode() + r.insured.encode() + u64(r.original),
    DisputeRuling: lambda r: r.creditor.encode() + r.insured.encode() + u64(r.original),
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
    Shortfall: lambda r: month_key(r.month, r.leg),
    Quota: lambda r: str(r.year).encode(),
    Demand: lambda r: month_key(r.month, r.rows[0].number),
    Increase: lambda r: r.month.encode() + r.debtor.encode(),
    Paid: lambda r: transfer_key(r.purpose, r.month, r.number, r.payee, r.attempt),
    Received: lambda r: transfer_key(r.purpose, r.month, r.number, r.payer, r.attempt),
    Returned: lambda r: transfer_key(r.purpose, r.month, r.number, r.payee, r.attempt),
    Instruction: lambda r: r.digest,
    Draw: lambda r: month_key(r.month, r.leg),
    Breach: lambda r: month_key(r.month) + r.event.encode(),
    YearClose: lambda r: str(r.year).encode(),
    CityStatement: lambda r: month_key(r.month),
    Genesis: lambda _: b"",
    Admission: lambda r: r.member.code.encode() + r.member.entry_key,
    Rotation: lambda r: r.key,
    Continuation: lambda r: u64(r.generation),
    Operator: lambda r: revision_key(r.name, r.revision),
    KeyChange: lambda r: hash_bytes(r.leaf),
    Freeze: lambda r: r.log.encode() + u64(r.generation),
    RuleSet: lambda r: hash_bytes(r.text),
    Holidays: lambda r: hash_bytes(r.text),
}


# --- money ---------------------------------------------------------------------------------------


class Owed(NamedTuple):
    """What is left of a draw: still to be refilled, and still in arrears."""

    debtor: str
    draw: int  # index of the draw
    drawn_fen: int
    arrears_fen: int


def transfers(
    reader: Reader, code: str, kind: type[Paid | Received], purpose: str, month: str,
    number: int, other: str,
) -> list[tuple[int, Any]]:  # fmt: skip
    """Return the payments of one leg or demand row between two participants: (index, record)."""
    first = transfer_key(purpose, month, number, other, 0)
    prefix = log_key(code) + FAMILY[kind] + first[:-4]
    found = [
        int.from_bytes(value, "big")
        for _, value in reader.scan(DERIVED, prefix, prefix + b"\xff" * 5)
    ]
    return [(index, entry_at(reader, code, index)[1]) for index in found]


def held_prepayment(reader: Reader, code: str, debtor: str) -> int:
    """Return the prepayment of `debtor` that the author of a log holds, in fen; never negative."""
    value = reader.get(DERIVED, log_key(code) + b"H" + debtor.encode())
    return 0 if value is None else int(encoding.unpack(value))


def owed_on(reader: Reader, code: str, month: str, leg: int) -> Owed | None:
    """Return what is left of the draw that the log of `code` made for a leg, or None."""
    value = reader.get(DERIVED, log_key(code) + b"D" + month_key(month, leg))
    return None if value is None else Owed(*encoding.unpack(value))


def instructed(reader: Reader, code: str, payment: bytes) -> int | None:
    """Return the index of the entry whose payment file holds a payment (`transfer_key`)."""
    value = reader.get(DERIVED, log_key(code) + b"P" + payment)
    return None if value is None else int.from_bytes(value, "big")


# --- prepayment ----------------------------------------------------------------------------------


def quota_of(reader: Reader, year: int) -> tuple[int, Quota] | None:
    """Return the quota of a year and its index in the centre's log, or None."""
    index = find(reader, CENTRE, Quota, str(year).encode())
    if index is None:
        return None
    record = entry_at(reader, CENTRE, index)[1]
    assert isinstance(record, Quota)
    return index, record


def demands(reader: Reader, size: int) -> list[tuple[int, Demand]]:
    """Return the demands below `size` of the centre's log with their indexes, by month and row."""
    found = [(index, entry_at(reader, CENTRE, index)[1]) for _, index in places(reader, Demand)]
    return [(index, item) for index, item in found if index < size and isinstance(item, Demand)]


def last_row(reader: Reader, month: str) -> int:
    """Return the number of the last row that was demanded in a month; 0 if there is none."""
    prefix = log_key(CENTRE) + FAMILY[Demand] + month.encode()
    found = reader.last(DERIVED, prefix, prefix + b"\xff" * 5)
    if found is None:
        return 0
    record = entry_at(reader, CENTRE, int.from_bytes(found[1], "big"))[1]
    assert isinstance(record, Demand)
    return record.rows[-1].number


def demand_key(month: str, debtor: str = "", creditor: str = "") -> bytes:
    """Return where the demand stands that answers a request, or a month's yearly one (no pair)."""
    return b"Q" + month.encode() + debtor.encode() + creditor.encode()


def demand_for(reader: Reader, month: str, debtor: str = "", creditor: str = "") -> int | None:
    """Return the index of the urgent demand of a month for a pair, or of the yearly one."""
    value = reader.get(DERIVED, log_key(CENTRE) + demand_key(month, debtor, creditor))
    return None if value is None else int.from_bytes(value, "big")


def request_of(
    reader: Reader, month: str, creditor: str, debtor: str
) -> tuple[int, Increase] | None:
    """Return the request of a treatment province for more prepayment of a debtor, or None."""
    index = find(reader, creditor, Increase, month.encode() + debtor.encode())
    if index is None:
        return None
    record = entry_at(reader, creditor, index)[1]
    assert isinstance(record, Increase)
    return index, record


# --- registrations, institutions, persons barred -------------------------------------------------


def barring(reader: Reader, code: str, barring_id: str) -> Barring | None:
    """Return the valid entry by which the log of `code` bars a person, or None."""
    index = find(reader, code, Barring, barring_id.encode() + b"\x00barred")
    if index is None:
        return None
    record = entry_at(reader, code, index)[1]
    assert isinstance(record, Barring)
    return record


def institution(reader: Reader, province: str, code: str) -> Institution | None:
    """Return an institution as the log of its province has it now, or None."""
    found = latest_revision(reader, province, Institution, code)
    assert found is None or isinstance(found, Institution)
    return found


def institutions(reader: Reader, province: str) -> list[Institution]:
    """Return all institutions of a province as its log has them now, by code."""
    newest: dict[bytes, int] = {}
    for key, index in places(reader, Institution, province):
        newest[key[:-5]] = index  # ascending, so the last revision stays
    found = [entry_at(reader, province, index)[1] for index in newest.values()]
    return [record for record in found if isinstance(record, Institution)]


def institution_place(record: Institution) -> bytes:
    """Return where the directory has an institution: by area, then by code."""
    return b"I" + record.area.encode() + record.code.encode()


def institution_row(index: int, record: Institution) -> bytes:
    """Return what the directory says of an institution: enough to pass it over by its bytes."""
    return encoding.pack([index, record.state, record.services, folded(record.name)])


def folded(name: str) -> str:
    """Return a name as names are compared: in small letters, NFC."""
    return unicodedata.normalize("NFC", name.lower())


def directory(
    reader: Reader, province: str, area: str = "", after: str = ""
) -> Iterator[tuple[str, bytes]]:
    """Yield (area and code, row) of a province's institutions as its log has them now, ascending.

    Args:
        area: Only those whose area begins so.
        after: Area and code of the last one seen.
    """
    prefix = log_key(province) + b"I"
    start = prefix + max(area, after).encode()
    for key, value in reader.scan(DERIVED, start, prefix + area.encode() + b"\xff"):
        place = key[len(prefix) :].decode()
        if place > after:
            yield place, value


def operator_of(reader: Reader, code: str, key: bytes) -> str | None:
    """Return the operator of the log of `code` that has or ever had a key, or None."""
    value = reader.get(DERIVED, log_key(code) + b"O" + key)
    return None if value is None else value.decode("ascii")


def operator(reader: Reader, code: str, name: str, start: int = 0) -> tuple[int, Operator] | None:
    """Return the newest valid revision of an operator at or above `start`, with its index.

    Args:
        start: Where the generation of the log begins: each has operators of its own.
    """
    prefix = log_key(code) + FAMILY[Operator] + name.encode() + b"\x00"
    found = reader.last(DERIVED, prefix, prefix + b"\xff" * 5)
    index = -1 if found is None else int.from_bytes(found[1], "big")
    if index < start:
        return None
    record = entry_at(reader, code, index)[1]
    assert isinstance(record, Operator)
    return index, record


def operators(reader: Reader, code: str, start: int = 0) -> dict[str, tuple[int, Operator]]:
    """Return all operators at or above `start` by name: their newest revision with its index."""
    names = sorted({key[:-5].decode("ascii") for key, _ in places(reader, Operator, code)})
    found = {name: operator(reader, code, name, start) for name in names}
    return {name: place for name, place in found.items() if place is not None}


def operators_active(reader: Reader, code: str, generation: int) -> int:
    """Return how many operators of a generation may sign in the log of `code` now."""
    value = reader.get(DERIVED, log_key(code) + b"O")
    number, active = (generation, 0) if value is None else encoding.unpack(value)
    return int(active) if number == generation else 0


# --- acceptances, batches, rules ------------------------------------------------------------------


def accepted_before(reader: Reader, code: str, target: str) -> int:
    """Return the largest size of `target` that the log of `code` has accepted; 0 if none."""
    prefix = log_key(code) + b"A" + target.encode()
    found = reader.last(DERIVED, prefix, prefix + b"\xff" * 9)
    return 0 if found is None else int.from_bytes(found[0][-8:], "big")


def accepted_sizes(reader: Reader, code: str, target: str) -> list[int]:
    """Return the sizes of `target` that the log of `code` has accepted, ascending."""
    prefix = log_key(code) + b"A" + target.encode()
    found = reader.scan(DERIVED, prefix, prefix + b"\xff" * 9)
    return [int.from_bytes(key[-8:], "big") for key, _ in found]


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


class Contested(NamedTuple):
    """An original of another log that the author of a log contests."""

    original: int
    since: int  # index of the acceptance or dispute that says so
    code: str  # why, see `outcome.EXCEPTION`
    release: int | None  # index of the entry that lifts it
    size: int | None  # the accepted size an exception came with; None: a dispute of its own

    @property
    def reach(self) -> int:
        """The size of the other log from which on it can hold anything."""
        return max(self.original + 1, self.size or 0)


def exception_at(reader: Reader, code: str, target: str, original: int) -> Contested | None:
    """Return the exception or dispute that `code` made to an original of `target`, or None."""
    value = reader.get(DERIVED, log_key(code) + b"X" + target.encode() + u64(original))
    return None if value is None else Contested(original, *encoding.unpack(value))


def exceptions(reader: Reader, code: str, target: str) -> list[Contested]:
    """Return all exceptions and disputes of `code` to originals of `target`, by original."""
    prefix = log_key(code) + b"X" + target.encode()
    return [
        Contested(int.from_bytes(key[-8:], "big"), *encoding.unpack(value))
        for key, value in reader.scan(DERIVED, prefix, prefix + b"\xff" * 9)
    ]


def original_at(reader: Reader, code: str, index: int, insured: str) -> Settlement | None:
    """Return the valid settlement at a place below the size held, if `insured` owes it; or None."""
    if void_code(reader, code, index) is not None:
        return None
    record = entry_at(reader, code, index)[1]
    owed = isinstance(record, Settlement) and province_of(record.insured_area) == insured
    return record if owed else None  # type: ignore[return-value]


def places(
    reader: Reader, record_type: type[Record], code: str = CENTRE
) -> list[tuple[bytes, int]]:
    """Return (natural key, index) of all valid entries of a kind in a log, by natural key.

    Not for settlements and reversals: there are too many of them.
    """
    prefix = log_key(code) + b"K" + bytes([record_type.kind])
    return [
        (key[len(prefix) :], int.from_bytes(value[:8], "big"))
        for key, value in reader.scan(DERIVED, prefix, prefix + b"\xff" * 80)
    ]


def proposals(reader: Reader) -> list[tuple[str, int, int]]:
    """Return all valid proposals as (month, revision, index), ascending."""
    return [
        (key[:7].decode(), int.from_bytes(key[7:], "big"), index)
        for key, index in places(reader, Proposal)
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
    return [(key[:7].decode(), index) for key, index in places(reader, Confirmation)]


def confirmed_proposals(reader: Reader) -> list[tuple[Proposal, int, int]]:
    """Return what was confirmed: (proposal, its index, index of its confirmation), by month."""
    result = []
    for month, index in confirmed_months(reader):
        record = entry_at(reader, CENTRE, index)[1]
        assert isinstance(record, Confirmation)
        found = proposal_of(reader, month, record.revision)
        assert found is not None
        result.append((found[0], found[2], index))
    return result


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
    withdrawn = {key for key, _ in places(reader, Withdrawal)}
    return [
        month
        for month, revision, _ in proposals(reader)
        if month not in confirmed and month_key(month, revision) not in withdrawn
    ]


def ruleset_at(reader: Reader, size: int) -> RuleSet | None:
    """Return the rule set in force below `size` of the centre's log, or None."""
    index = ruleset_index(reader, size)
    if index is None:
        return None
    record = entry_at(reader, CENTRE, index)[1]
    assert isinstance(record, RuleSet)
    return record


def ruleset_index(reader: Reader, size: int) -> int | None:
    """Return the index of the entry that put the rule set into force, or None."""
    return max((index for _, index in places(reader, RuleSet) if index < size), default=None)


def holidays_at(reader: Reader, size: int) -> dict[int, tuple[int, Holidays]]:
    """Return the newest table of holidays of each year below `size` of the centre's log.

    The values: the index of the entry, and its record.
    """
    newest: dict[int, tuple[int, Holidays]] = {}
    for index in sorted(index for _, index in places(reader, Holidays) if index < size):
        record = entry_at(reader, CENTRE, index)[1]
        assert isinstance(record, Holidays)
        newest[record.year] = index, record
    return newest
