"""The statement of a prepayment (预付金对账单): every movement of a pair, seen from both ends.

    debtor's view      sent − returned by its bank − drawn + refilled − what came back to it
    creditor's view    received + refilled − drawn − what it gave back

Draws and refills stand in the creditor's log and count for both. So the two views differ by what is
under way and by nothing else; what differs beyond that is an error, and is named.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from ledger.table import Reader
from settlement.demand import Row
from settlement.lookup import entry_at, places
from settlement.payment import Payment, arrived_as
from settlement.period import shanghai_day
from settlement.prepayment import Holdings
from settlement.record import Paid, Place, Received, Record, Returned


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
    reader: Reader, debtor: str, creditor: str, held: Holdings, rows: list[Row]
) -> PairStatement:
    """Return the statement of a pair.

    Args:
        held: What the creditor's log says of prepayments.
        rows: All demanded rows, see `demand.rows`.
    """
    own = list(_of_debtor(reader, debtor, creditor))
    other = list(_of_creditor(reader, held, debtor))
    lines = tuple(_lines(own, other))
    transit, faults, unsent = _matched(own, other)
    mine = [row for row in rows if (row.debtor, row.creditor) == (debtor, creditor)]
    faults += _undemanded(own, other, mine)
    faults += [
        f"{row.month} row {row.number}: {row.note}"
        for row in mine
        if row.note and "more than" in row.note  # the others were seen above
    ]
    return PairStatement(debtor, creditor, lines, tuple(transit), tuple(faults), tuple(unsent))


def _of_debtor(reader: Reader, debtor: str, creditor: str) -> Iterator[_Move]:
    for kind, purpose, what in (
        (Paid, b"p", "sent"), (Returned, b"p", "returned"), (Received, b"r", "got_back"),
    ):  # fmt: skip
        for key, index in _with(reader, kind, debtor, purpose, creditor):
            entry, record = entry_at(reader, debtor, index)
            assert isinstance(record, Paid | Returned | Received)
            if isinstance(record, Returned):
                sent = next(i for k, i in places(reader, Paid, debtor) if k == key)
                fen: int = entry_at(reader, debtor, sent)[1].fen  # type: ignore[attr-defined]
            else:
                fen = record.fen
            change = fen if what == "sent" else -fen
            yield _Move(
                Place(debtor, index), entry.at_ms, what, record.month, record.number,
                record.attempt, fen, change, 0,
            )  # fmt: skip


def _with(
    reader: Reader, kind: type[Record], code: str, purpose: bytes, other: str
) -> list[tuple[bytes, int]]:
    # The natural key of a payment: purpose, month, number, the other, attempt.
    found = places(reader, kind, code)
    return [(k, i) for k, i in found if k[:1] == purpose and k[12:18] == other.encode()]


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


_Key = tuple[str, int, bool]


def _matched(own: list[_Move], other: list[_Move]) -> tuple[list[Transit], list[str], list[str]]:
    # What was sent, to either side, against what arrived: by row, attempt and direction.
    sent: dict[_Key, dict[int, _Move]] = {}
    came: dict[_Key, list[_Move]] = {}
    returned: dict[tuple[_Key, int], Place] = {}
    for move in (*own, *other):
        key = move.month, move.number, move.what in ("given_back", "came_back", "got_back")
        if move.what in ("sent", "given_back"):
            sent.setdefault(key, {})[move.attempt] = move
        elif move.what in ("received", "got_back"):
            came.setdefault(key, []).append(move)
        elif move.what in ("returned", "came_back"):
            returned[key, move.attempt] = move.place
    transit, faults, unsent = [], [], []
    for key in sorted(sent.keys() | came.keys()):
        known = dict(sorted(sent.get(key, {}).items()))
        payments = [
            Payment(attempt, move.fen, move.place, returned.get((key, attempt)), None)
            for attempt, move in known.items()
        ]
        for move in came.get(key, ()):
            position = arrived_as(payments, move.attempt, move.fen)
            if position is not None:
                payments[position] = payments[position]._replace(received=move.place)
            elif move.attempt not in known:
                unsent.append(f"{_at(move.place)}: nothing was sent")
            else:
                back = (key, move.attempt) in returned
                faults.append(_refuted(move, known[move.attempt], returned=back))
                named = [*known].index(move.attempt)
                if payments[named].under_way:  # it is not, whatever came of it
                    payments[named] = payments[named]._replace(received=move.place)
        transit += [
            Transit(item.paid, *key[:2], item.attempt, item.fen, key[2])
            for item in payments
            if item.under_way
        ]
    return transit, faults, unsent


def _refuted(came: _Move, sent: _Move, *, returned: bool) -> str:
    if returned:
        return f"{_at(came.place)} says that it arrived, {_at(sent.place)} was returned"
    if came.fen != sent.fen:
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
