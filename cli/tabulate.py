"""Verified logs as tables for analysis: every row computed here, written elsewhere.

A value is text, a whole number, true or false, or None where there is none. Amounts are fen. Rows
come in the order of logs and indexes, or of months, so the same logs always give the same tables.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import msgspec

from cli.holding import Holding, case_record
from ledger import log, tree
from ledger.entry import decode_entry
from ledger.errors import FormError
from ledger.hashing import leaf_hash
from ledger.table import log_key
from settlement import batch as batches
from settlement import leg as legs
from settlement.city import signed_by
from settlement.close import confirmed_closes
from settlement.demand import days_late, rows
from settlement.lookup import Contested, entry_at, exceptions, places
from settlement.party import CENTRE, province_of
from settlement.prepayment import holdings
from settlement.record import (
    Acceptance,
    Paid,
    Place,
    Quota,
    Received,
    Reversal,
    Settlement,
    decode_body,
)
from settlement.stage import case_of
from settlement.standing import Standing
from settlement.subclearing import compute, confirmed_batch

Value = str | int | bool | None
Row = tuple[Value, ...]


class Table(NamedTuple):
    """One table: its name, and what makes its rows. What the columns mean: see `columns`."""

    name: str
    rows: Callable[[Holding], Iterator[Row]]


def entries(holding: Holding) -> Iterator[Row]:
    """Yield every settlement and reversal, void ones too."""
    standing = (
        Standing(holding.reader, confirmed_closes(holding.reader)) if holding.complete else None
    )
    for code in holding.sizes:
        for index, leaf in holding.leaves(code):
            read = case_record(leaf)
            if read is None:
                continue
            void = holding.void(code, index)
            stand = _stand(holding, standing, code, index, void, read[1])
            yield (code, index, *_case(read[1]), leaf_hash(leaf).hex(), read[0], void, *stand)


def _case(record: Settlement | Reversal) -> Row:
    lines = record.lines
    return (
        type(record).__name__.lower(),
        record.setl_id,
        record.original_id if isinstance(record, Reversal) else None,
        record.month,
        record.treatment_area,
        record.insured_area,
        _province(record.treatment_area),
        _province(record.insured_area),
        record.insutype,
        record.clr_type,
        lines.employee,
        lines.resident,
        lines.other,
        lines.account,
        lines.employee + lines.resident + lines.other + lines.account,
        record.commitment.hex(),
    )


def _province(area: str) -> str | None:
    try:
        return province_of(area)
    except FormError:
        return None  # in a void entry anything may stand


def _stand(
    holding: Holding,
    standing: Standing | None,
    code: str,
    index: int,
    void: str | None,
    record: Settlement | Reversal,
) -> tuple[str | None, str | None]:
    if void is not None:
        return "void", None
    if standing is None or not {code, province_of(record.insured_area)} <= holding.sizes.keys():
        return None, None
    return standing.of(code, index, record)


def acceptances(holding: Holding) -> Iterator[Row]:
    """Yield every acceptance, void ones too."""
    for code in holding.sizes:
        for index, leaf in holding.leaves(code):
            read = _acceptance(leaf)
            if read is not None:
                at_ms, record = read
                void = holding.void(code, index)
                yield (
                    code, index, record.log, record.size, record.root.hex(),
                    _root_holds(holding, record), len(record.exceptions), at_ms, void,
                )  # fmt: skip


def _acceptance(leaf: bytes) -> tuple[int, Acceptance] | None:
    try:
        entry = decode_entry(leaf)
        record = decode_body(entry.kind, entry.body) if entry.kind == Acceptance.kind else None
    except FormError:
        return None
    return (entry.at_ms, record) if isinstance(record, Acceptance) else None


def _root_holds(holding: Holding, record: Acceptance) -> bool | None:
    if holding.sizes.get(record.log, -1) < record.size:
        return None  # nobody can tell from what is here
    return tree.root_at(holding.reader, log_key(record.log), record.size) == record.root


def exception_rows(holding: Holding) -> Iterator[Row]:
    """Yield every exception and dispute of a valid entry, with what was said to it."""
    for code in holding.sizes:
        for target in holding.roster.participants:
            for found in exceptions(holding.reader, code, target):
                yield _contested(holding, code, target, found)


def _contested(holding: Holding, code: str, target: str, found: Contested) -> Row:
    case = case_of(holding.reader, code, target, found)
    if target not in holding.sizes:  # what is in a log that was not verified is not told
        case = case._replace(
            answer=None, escalations={who: i for who, i in case.escalations.items() if who == code}
        )
    own = found.size is None
    ruled: Row = (None,) * 5
    if case.ruled is not None:
        ruled = (case.ruled.outcome, *msgspec.structs.astuple(case.ruled.upheld))
    return (
        code, target, found.original, _id_at(holding, target, found.original), found.code,
        None if own else found.since, found.since if own else None, case.answer,
        case.escalations.get(code), case.escalations.get(target), case.ruling, *ruled,
        found.release,
    )  # fmt: skip


def _id_at(holding: Holding, code: str, index: int) -> str | None:
    if index >= holding.sizes.get(code, 0):
        return None
    read = case_record(log.leaf(holding.reader, log_key(code), index))
    return None if read is None else read[1].setl_id


def _results(holding: Holding) -> Iterator[tuple[str, batches.Result]]:
    for month, proposal in holding.months:
        revision = proposal.revision
        yield month, batches.result_of(holding.reader, holding.founding, month, revision)


def pairs(holding: Holding) -> Iterator[Row]:
    """Yield what each confirmed batch clears between two participants."""
    for month, result in _results(holding):
        for (debtor, creditor), cell in sorted(result.pairs.items()):
            yield month, debtor, creditor, *cell[1:], cell.fen, cell.entries


def nets(holding: Holding) -> Iterator[Row]:
    """Yield what each participant receives (negative: pays) in each confirmed batch."""
    for month, result in _results(holding):
        for code, fen in sorted(result.nets.items()):
            yield month, code, fen


def city_rows(holding: Holding) -> Iterator[Row]:
    """Yield what each confirmed batch clears between a city and a counterpart province."""
    for month, _ in holding.months:
        batch = confirmed_batch(holding.reader, holding.founding, month)
        members = sorted(batch.closes[-1].sizes)
        for province, cities in compute(holding.reader, batch, members).items():
            signed = signed_by(holding.reader, province, month)
            index = signed[0] if signed and province in holding.sizes else None
            for direction, sums in (("owes", cities.owes), ("owed", cities.owed)):
                for (city, other), cell in sorted(sums.items()):
                    yield (
                        month, province, city, direction, other, *cell[1:], cell.fen, cell.entries,
                        index,
                    )  # fmt: skip


def leg_rows(holding: Holding) -> Iterator[Row]:
    """Yield the legs of the confirmed batches with the bank's numbers and dates."""
    for month, result in _results(holding):
        for leg in legs.legs_of(holding.reader, result):
            due = leg.due
            ends = (*_end(holding, leg.paid), *_end(holding, leg.received))
            yield month, due.number, due.payer, due.payee, due.fen, leg.state, *ends


def _end(holding: Holding, place: Place | None) -> tuple[int | None, str | None, str | None]:
    if place is None:
        return None, None, None
    record = entry_at(holding.reader, place.code, place.index)[1]
    assert isinstance(record, Paid | Received)
    return place.index, record.reference, record.date


def quota_rows(holding: Holding) -> Iterator[Row]:
    """Yield the quotas of every year, pair by pair."""
    for _, index in places(holding.reader, Quota):
        record = entry_at(holding.reader, CENTRE, index)[1]
        assert isinstance(record, Quota)
        basis = "batches" if record.months else "given"
        for row in record.rows:
            yield record.year, row.debtor, row.creditor, row.fen, basis, index


def demand_rows(holding: Holding) -> Iterator[Row]:
    """Yield every row of every demand for prepayment, and how far it is."""
    for row in rows(holding.reader, holding.sizes[CENTRE]):
        yield (
            row.month, row.number, row.cause, row.debtor, row.creditor, row.fen, row.due,
            row.state, row.received_fen, days_late(holding.reader, row, None), row.demand.index,
        )  # fmt: skip


def prepayment_rows(holding: Holding) -> Iterator[Row]:
    """Yield every movement of every prepayment, with what is held after it."""
    for code in holding.roster.participants:
        if code in holding.sizes:
            for item in holdings(holding.reader, code).movements:
                yield (
                    code, item.place.index, item.debtor, item.what, item.month, item.number,
                    item.fen, item.after.held_fen, item.after.arrears_fen,
                )  # fmt: skip


def logs(holding: Holding) -> Iterator[Row]:
    """Yield the verified logs with the heads that everything else here rests on."""
    for item in sorted(holding.report.logs, key=lambda found: found.code):
        yield item.code, item.size, item.root, " ".join(item.witnesses)


TABLES = (
    Table("entries", entries),
    Table("acceptances", acceptances),
    Table("exceptions", exception_rows),
    Table("pairs", pairs),
    Table("nets", nets),
    Table("cities", city_rows),
    Table("legs", leg_rows),
    Table("quotas", quota_rows),
    Table("demands", demand_rows),
    Table("prepayment", prepayment_rows),
    Table("logs", logs),
)
