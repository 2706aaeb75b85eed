"""Auditing the cities: every statement that a province has signed, computed again from the logs."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ledger.errors import LedgerError, RefusedError, UncheckableError
from ledger.table import Reader
from settlement.city import Cities, signed_by, statements
from settlement.cut import missing
from settlement.lookup import confirmed_proposals
from settlement.roster import Roster
from settlement.subclearing import Confirmed, Progress, compute, confirmed_batch, tie_out


class Checked(NamedTuple):
    """One statement, and what speaks against it."""

    month: str
    province: str
    place: int  # its index
    cities: Cities | None  # as the logs give them, if they do
    fault: str | LedgerError | None


def signed_months(
    reader: Reader, roster: Roster, only: str | None = None
) -> dict[str, dict[str, int]]:
    """Return month -> province -> index of its statement, of one month or all."""
    found = statements(reader, roster.participants)
    return {month: signed for month, signed in found.items() if only in (None, month)}


def check_month(
    reader: Reader,
    founding: Roster,
    month: str,
    signed: Mapping[str, int],
    progress: Progress | None = None,
) -> Iterator[Checked]:
    """Yield every statement of a month with what is wrong with it; the logs are read once.

    Raises:
        UncheckableError: The cut of the month needs logs that are not here.
        VerificationError: The confirmed result is not what the logs give.
    """
    try:
        batch = confirmed_at(reader, founding, month)
    except RefusedError:
        for code, index in signed.items():
            yield Checked(month, code, index, None, "signs cities of a month that is not confirmed")
        return
    found = compute(reader, batch, [c for c in signed if c in batch.closes[-1].sizes], progress)
    for code, index in signed.items():
        yield Checked(month, code, index, found.get(code), _fault(reader, batch, code, found))


def confirmed_at(reader: Reader, founding: Roster, month: str) -> Confirmed:
    """Return the confirmed batch of a month; raises also UncheckableError if a log is missing."""
    cut = next((p.cut for p, _, _ in confirmed_proposals(reader) if p.month == month), [])
    behind = missing(reader, cut)
    if behind:
        names = ", ".join(f"{head.code} below {head.size}" for head in behind)
        raise UncheckableError(f"the cities of {month} need logs that are not here: {names}")
    return confirmed_batch(reader, founding, month)


def _fault(
    reader: Reader, batch: Confirmed, code: str, found: Mapping[str, Cities]
) -> str | LedgerError | None:
    cities = found.get(code)
    if cities is None:
        return "signs cities of a batch in which it took no part"
    try:
        tie_out(cities, batch.result)
    except LedgerError as error:
        return error
    signed = signed_by(reader, code, cities.month)
    assert signed is not None
    if signed[1] == cities.record():
        return None
    return (
        f"signs cities of {cities.month} that are not what the logs give: "
        f"expected {cities.hash.hex()} ({len(cities.codes)} cities, r{cities.revision}), "
        f"got {signed[1].city_hash.hex()} ({signed[1].cities}, r{signed[1].revision})"
    )
