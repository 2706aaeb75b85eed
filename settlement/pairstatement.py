"""The statement of a prepayment (预付金对账单): every movement of a pair, seen from both ends.

    debtor's view      sent − returned by its bank − drawn + refilled − what came back to it
    creditor's view    received + refilled − drawn − what it gave back

Draws and refills stand in the creditor's log and count for both. So the two views differ by what is
under way and by nothing else; what differs beyond that is an error, and is named.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ledger.table import Reader
from settlement.demand import Row
from settlement.lookup import applied_size, entry_at
from settlement.period import shanghai_day
from settlement.prepayment import Holdings
from settlement.record import Paid, Place, Received, Returned
from settlement.transfer import Below, Said, Transfer, transfers_at


class Line(NamedTuple):
    """One entry of either log; what it adds to each view, and both views after it, in fen."""

    place: Place
    day: str  # the Shanghai date of the entry
    what: str  # sent, returned, received, given_back, came_back, got_back, drawn, refilled
    month: str
    number: int
    attempt: int
    fen: int  # of the payment or the draw
    debtor_fen: int
    creditor_fen: int
    debtor_balance_fen: int
    creditor_balance_fen: int


class Transit(NamedTuple):
    """A payment that one side has sent and the other has not recorded."""

    place: Place
    month: str
    number: int
    attempt: int
    fen: int
    back: bool  # on its way to the debtor


@dataclass(frozen=True)
class PairStatement:
    """The prepayment of a pair over time; the logs agree if the last two are empty."""

    debtor: str
    creditor: str
    lines: tuple[Line, ...]
    transit: tuple[Transit, ...]
    faults: tuple[str, ...]  # what the two logs do not agree on
    unsent: tuple[str, ...]  # what arrived, and its sender has not entered as far as is known here

    @property
    def debtor_fen(self) -> int:
        """What the debtor has prepaid by its own account."""
        return self.lines[-1].debtor_balance_fen if self.lines else 0

    @property
    def creditor_fen(self) -> int:
        """What the creditor holds by its own account."""
        return self.lines[-1].creditor_balance_fen if self.lines else 0

    @property
    def transit_fen(self) -> int:
        """What is under way in either direction: the debtor counts it, the creditor does not."""
        return sum(item.fen for item in self.transit)

    @property
    def difference_fen(self) -> int:
        """What nothing explains; 0 if the views mirror each other."""
        return self.debtor_fen - self.creditor_fen - self.transit_fen


class _Move(NamedTuple):
    place: Place
    at_ms: int
    what: str
    month: str
    number: int
    attempt: int
    fen: int
    debtor_fen: int
    creditor_fen: int


def statement(
    reader: Reader,
    debtor: str,
    creditor: str,
    held: Holdings,
    rows: list[Row],
    transfers: Sequence[Transfer] | None = None,
) -> PairStatement:
    """Return the statement of a pair.

    Args:
        held: What the creditor's log says of prepayments.
        rows: All demanded rows, see `demand.rows`.
        transfers: Of this pair, see `transfers_of`, if somebody has them; else they are read.
    """
    if transfers is None:
        transfers = transfers_of(reader, sorted((debtor, creditor))).get((debtor, creditor), [])
    own = list(_of_debtor(transfers))
    other = list(_of_creditor(reader, held, debtor))
    lines = tuple(_lines(own, other))
    transit, faults, unsent = _matched(transfers)
    mine = [row for row in rows if (row.debtor, row.creditor) == (debtor, creditor)]
    faults += _undemanded(own, other, mine)
    faults += [
        f"{row.month} row {row.number}: {row.note}"
        for row in mine
        if row.note and "more than" in row.note  # the others were seen above
    ]
    return PairStatement(debtor, creditor, lines, tuple(transit), tuple(faults), tuple(unsent))


def transfers_of(reader: Reader, codes: Sequence[str]) -> dict[tuple[str, str], list[Transfer]]:
    """Return all transfers of prepayments that some logs tell of, by (debtor, creditor)."""
    found: dict[tuple[str, str], list[Transfer]] = {}
    below = Below({code: applied_size(reader, code) for code in codes})
    for transfer in transfers_at(reader, codes, below):
        key = transfer.key
        if key.purpose == "prepayment":
            found.setdefault((key.sender, key.receiver), []).append(transfer)
        elif key.purpose == "prepayment_return":
            found.setdefault((key.receiver, key.sender), []).append(transfer)
    return found


def _of_debtor(transfers: Sequence[Transfer]) -> Iterator[_Move]:
    for transfer in transfers:
        paid, came = transfer.paid, transfer.received
        if _back(transfer):
            if came is not None:
                yield _move(transfer, came, "got_back", came.record.fen, -1)
        elif paid is not None:
            yield _move(transfer, paid, "sent", paid.record.fen, 1)
            if transfer.returned is not None:
                yield _move(transfer, transfer.returned, "returned", paid.record.fen, -1)


def _move(
    transfer: Transfer, item: Said[Paid] | Said[Received] | Said[Returned], what: str, fen: int,
    sign: int,
) -> _Move:  # fmt: skip
    key, attempt = transfer.key, item.record.attempt
    return _Move(
        item.place, item.at_ms, what, key.month, key.number, attempt, fen, sign * fen, 0
    )  # fmt: skip


def _back(transfer: Transfer) -> bool:
    return transfer.key.purpose == "prepayment_return"


def _of_creditor(reader: Reader, held: Holdings, debtor: str) -> Iterator[_Move]:
    for item in held.movements:
        if item.debtor == debtor:
            entry = entry_at(reader, held.code, item.place.index)[0]
            shared = item.fen if item.what in ("drawn", "refilled") else 0
            yield _Move(
                item.place, entry.at_ms, item.what, item.month, item.number, item.attempt,
                abs(item.fen), shared, item.fen,
            )  # fmt: skip


def _lines(own: list[_Move], other: list[_Move]) -> Iterator[Line]:
    debtor = creditor = 0
    for move in _merged(own, other):
        debtor += move.debtor_fen
        creditor += move.creditor_fen
        yield Line(
            move.place, shanghai_day(move.at_ms), move.what, move.month, move.number, move.attempt,
            move.fen, move.debtor_fen, move.creditor_fen, debtor, creditor,
        )  # fmt: skip


def _merged(own: list[_Move], other: list[_Move]) -> Iterator[_Move]:
    # Two logs have no common order: each in its own, what arrived behind what was sent, and
    # otherwise by the entries' own times.
    left, right = (sorted(moves, key=lambda m: m.place.index) for moves in (own, other))
    while left and right:
        if _waits(left[0], right) != _waits(right[0], left):
            first = right if _waits(left[0], right) else left
        else:
            first = left if left[0].at_ms <= right[0].at_ms else right
        yield first.pop(0)
    yield from (*left, *right)


_SENDING = {"received": "sent", "got_back": "given_back"}


def _waits(move: _Move, others: list[_Move]) -> bool:
    # Whether a payment that arrived is still among what the other side has to say.
    sending = _SENDING.get(move.what)
    key = move.month, move.number, move.attempt
    return any(m.what == sending and (m.month, m.number, m.attempt) == key for m in others)


def _matched(transfers: Sequence[Transfer]) -> tuple[list[Transit], list[str], list[str]]:
    # What was sent, to either side, against what arrived.
    sent = {t.key: t for t in transfers if t.paid is not None}
    refuted, faults, unsent = set(), [], []
    for transfer in transfers:
        came, named = transfer.received, sent.get(transfer.key)
        if transfer.paid is not None or came is None:
            continue
        if named is None or named.paid is None:
            unsent.append(f"{_at(came.place)}: nothing was sent")
        else:
            faults.append(_refuted(came, named.paid, returned=named.returned is not None))
            refuted.add(transfer.key)  # it is not under way, whatever came of it
    transit = [
        Transit(t.paid.place, *t.key[3:], t.paid.record.fen, _back(t))
        for t in transfers
        if t.under_way and t.paid is not None and t.key not in refuted
    ]
    return sorted(transit, key=lambda t: (t.month, t.number, t.back, t.attempt)), faults, unsent


def _refuted(came: Said[Received], sent: Said[Paid], *, returned: bool) -> str:
    if returned:
        return f"{_at(came.place)} says that it arrived, {_at(sent.place)} was returned"
    if came.record.fen != sent.record.fen:
        return f"{_at(came.place)} names another amount than {_at(sent.place)}"
    return f"{_at(came.place)}: {_at(sent.place)} had arrived before"


def _undemanded(own: list[_Move], other: list[_Move], rows: list[Row]) -> list[str]:
    known = {(row.month, row.number, row.fen < 0) for row in rows}
    return [
        f"{_at(move.place)}: no demand has row {move.number} of {move.month} for this pair"
        for move in (*own, *other)
        if move.what in ("sent", "given_back")
        and (move.month, move.number, move.what == "given_back") not in known
    ]


def _at(place: Place) -> str:
    return f"{place.code} #{place.index}"
