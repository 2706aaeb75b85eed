"""A year: its months added up, tied out, and what is left of it.

    the year's batches     every month from the first that was cleared in it to December, certified
    pair sums and nets     of these batches together; the same as cumulative December less the
                           cumulative position before
    open                   service months of the year, entered and not cleared by the last confirmed
                           month when the year was closed

The centre closes the year first (`YearClose` in its log); every province computes the same document
from what it holds and signs its hash in its own log. R66 to R71 know no closing of a year; L22 says
until when a year is to be cleared and is unverified. So nothing is refused because it is late.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ledger import encoding, log
from ledger.errors import RefusedError, VerificationError
from ledger.hashing import hash_bytes, leaf_hash
from ledger.table import Reader, log_key
from settlement import batch as batches
from settlement import netting, obligation
from settlement.batch import difference
from settlement.carry import carried_at
from settlement.close import Close, confirmed_closes
from settlement.lookup import confirmed_proposals, entry_at, find, month_key
from settlement.membership import roster_at
from settlement.party import CENTRE
from settlement.period import months_between
from settlement.record import Certificate, MonthClosed, Place, YearClose
from settlement.roster import Roster
from settlement.totals import NOTHING, Amounts, add_all

VERSION = 1
Pairs = dict[tuple[str, str], Amounts]


@dataclass(frozen=True)
class YearResult:
    """What a year comes to: money only, the same on every node."""

    year: int
    through: str  # the last confirmed month
    months: list[MonthClosed]
    pairs: Pairs  # the year's batches together
    nets: dict[str, int]
    open: Pairs  # of the year's service months, not cleared

    def encode(self) -> bytes:
        """Return the canonical year document."""
        months = [[m.month, m.confirmation_hash, m.certificate_hash] for m in self.months]
        nets = [[code, fen] for code, fen in sorted(self.nets.items())]
        return encoding.pack(
            [VERSION, self.year, self.through, months, _rows(self.pairs), nets, _rows(self.open)]
        )

    @property
    def hash(self) -> bytes:
        """SHA-256 of the year document."""
        return hash_bytes(self.encode())

    def record(self) -> YearClose:
        """Return the record that signs this result."""
        return YearClose(self.year, self.through, self.months, self.hash, [])


def _rows(pairs: Pairs) -> list[list[object]]:
    return [[d, c, *amounts] for (d, c), amounts in sorted(pairs.items())]


def compute_year(reader: Reader, founding: Roster, year: int, size: int) -> YearResult:
    """Return the result of a year as the centre's log below `size` gives it.

    Raises:
        RefusedError: No month of the year was cleared, or one is not certified yet (OPEN).
        VerificationError: A confirmed result is not what this replica computes, or the months do
            not add up to the year.
    """
    months = _months(reader, year, size)
    pairs: Pairs = {}
    for cleared in _batches(reader, founding, months):
        for pair, amounts in cleared.items():
            pairs[pair] = pairs.get(pair, NOTHING).plus(amounts)
    pairs = {pair: amounts for pair, amounts in sorted(pairs.items()) if amounts != NOTHING}
    _tie_out(reader, founding, months, pairs)
    closes = confirmed_closes(reader, size)
    roster = roster_at(reader, founding, size)
    money = {pair: amounts.lines for pair, amounts in pairs.items()}
    return YearResult(
        year=year,
        through=closes[-1].month,
        months=months,
        pairs=pairs,
        nets=netting.nets(money, roster.participants),
        open={
            pair: left
            for pair, total in sorted(carried_at(reader, closes, later=True).items())
            if (left := add_all(a for month, a in total.items() if _within(month, year))) != NOTHING
        },
    )


def _within(month: str, year: int) -> bool:
    return month[:4] == str(year)


def _months(reader: Reader, year: int, size: int) -> list[MonthClosed]:
    confirmed = {
        proposal.month: index
        for proposal, _, index in confirmed_proposals(reader)
        if index < size and _within(proposal.month, year)
    }
    if not confirmed:
        raise RefusedError("OPEN", f"no month of {year} is confirmed")
    found, missing = [], []
    for month in months_between(min(confirmed), f"{year}-12"):
        certificate = find(reader, CENTRE, Certificate, month_key(month))
        if month not in confirmed or certificate is None or certificate >= size:
            missing.append(month)
        else:
            found.append(
                MonthClosed(month, _leaf(reader, confirmed[month]), _leaf(reader, certificate))
            )
    if missing:
        raise RefusedError("OPEN", f"not certified yet: {', '.join(missing)}")
    return found


def _leaf(reader: Reader, index: int) -> bytes:
    return leaf_hash(log.leaf(reader, log_key(CENTRE), index))


def _batches(reader: Reader, founding: Roster, months: Sequence[MonthClosed]) -> Iterator[Pairs]:
    wanted = {closed.month for closed in months}
    for month, proposal in batches.confirmed(reader):
        if month in wanted:
            result = batches.result_of(reader, founding, month, proposal.revision)
            if result.hash != proposal.result_hash:
                place = f"{month}: the confirmed result"
                raise VerificationError(place, result.hash, proposal.result_hash)
            yield result.pairs


def _tie_out(reader: Reader, founding: Roster, months: Sequence[MonthClosed], pairs: Pairs) -> None:
    # The other way to the same figures: what was cleared in all by the end less by the beginning.
    closes = confirmed_closes(reader)
    before = [close for close in closes if close.month < months[0].month]
    to = [close for close in closes if close.month <= months[-1].month]
    first = _position(reader, founding, before)
    if difference(_position(reader, founding, to), first) != pairs:
        raise VerificationError(f"{months[0].month} to {months[-1].month} do not add up")


def _position(reader: Reader, founding: Roster, closes: Sequence[Close]) -> Pairs:
    if not closes:
        return {}
    return obligation.at_cut(reader, roster_at(reader, founding, closes[-1].centre), closes)


def closed_by(reader: Reader, code: str, year: int) -> tuple[int, YearClose] | None:
    """Return the index and the record by which the log of `code` closes a year, or None."""
    index = find(reader, code, YearClose, str(year).encode())
    if index is None:
        return None
    record = entry_at(reader, code, index)[1]
    assert isinstance(record, YearClose)
    return index, record


def signatures(
    reader: Reader, founding: Roster, year: int
) -> tuple[YearResult | None, dict[str, Place], dict[str, Place]]:
    """Return the result as of the centre's closing of a year, who signed it, who another one.

    The result is None if the centre has not closed the year.

    Raises:
        RefusedError, VerificationError: See `compute_year`; the centre closed it all the same.
    """
    found = closed_by(reader, CENTRE, year)
    if found is None:
        return None, {}, {}
    result = compute_year(reader, founding, year, found[0])
    same: dict[str, Place] = {}
    other: dict[str, Place] = {}
    for code in roster_at(reader, founding, found[0]).codes:
        signed = closed_by(reader, code, year)
        if signed is not None:
            agrees = signed[1] == result.record()
            (same if agrees else other)[code] = Place(code, signed[0])
    return result, same, other
