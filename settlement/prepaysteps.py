"""The steps of prepayment in a month's calendar: quota, its payment, requests in the red.

The quota of a year and its payment stand in the calendars of December and January, which are
cleared when the steps are due: both name the year after December.
"""

from datetime import date

from ledger.errors import FormError, RefusedError
from ledger.table import Reader
from settlement.adjustment import adjustment, expected, prepayment_rules
from settlement.cleared import cleared_months
from settlement.demand import Row, rows
from settlement.lookup import (
    applied_size,
    confirmed_months,
    demand_for,
    entry_at,
    find,
    quota_of,
)
from settlement.membership import roster_at
from settlement.parts import Parts
from settlement.party import CENTRE
from settlement.payment import Payment
from settlement.period import next_month, shanghai_day
from settlement.prepayment import holdings
from settlement.record import Increase, Place
from settlement.roster import Roster
from settlement.usage import red_pairs, usages


def knows_prepayment(reader: Reader, size: int) -> bool:
    """Return whether the rule set in force below `size` of the centre's log asks for any."""
    try:
        prepayment_rules(reader, size)
    except (FormError, RefusedError):
        return False
    return True


def year_of(month: str) -> int:
    """Return the year that the prepayment steps of a month's calendar are about."""
    return int(next_month(month)[:4])


def quota_parts(reader: Reader, founding: Roster, month: str, size: int) -> Parts:
    """Return whether the centre has fixed the quotas of the year and demanded the difference."""
    if not knows_prepayment(reader, size):
        return Parts()
    year = year_of(month)
    demanded = demand_for(reader, f"{year}-01")
    if demanded is not None and demanded < size:
        return Parts((Place(CENTRE, demanded),))
    fixed = quota_of(reader, year)
    if fixed is not None and fixed[0] < size:
        nothing = not open_adjustment(reader, founding, year, size)
        return Parts((Place(CENTRE, fixed[0]),)) if nothing else Parts(owing=(CENTRE,))
    confirmed = [m for m, index in confirmed_months(reader) if index < size]
    if confirmed and confirmed[0] >= f"{year}-01":
        return Parts()  # begun in the year: quotas are given by hand, or not
    if not confirmed or confirmed[-1] < f"{year - 1}-12":
        return Parts(waits_for="confirm")
    return Parts(owing=(CENTRE,))


def open_adjustment(
    reader: Reader, founding: Roster, year: int, size: int
) -> dict[tuple[str, str], int]:
    """Return what the quota of a year would make each pair pay or get back, as things are now."""
    fixed = quota_of(reader, year)
    assert fixed is not None
    codes = roster_at(reader, founding, size).participants
    held = {code: holdings(reader, code) for code in codes}
    sizes = {code: applied_size(reader, code) for code in codes}
    return adjustment(fixed[1], expected(reader, held, sizes, size))


def quota_paid_parts(reader: Reader, founding: Roster, month: str, size: int) -> Parts:
    """Return who has paid and received what the yearly demand asks for."""
    year = year_of(month)
    demanded = demand_for(reader, f"{year}-01")
    if demanded is None or demanded >= size:
        asked = quota_parts(reader, founding, month, size)
        return Parts(waits_for="quota") if asked.owing or asked.waits_for else Parts()
    owing: set[str] = set()
    done: dict[str, Place] = {}
    for row in rows(reader, size):
        if row.demand.index == demanded:
            if row.payable_fen > 0:
                owing.add(row.payer)
            if any(payment.under_way for payment in row.payments):
                owing.add(row.payee)
            for code, place in _ends(row):
                if code not in done or place.index > done[code].index:
                    done[code] = place
    whole = tuple(done[code] for code in sorted(done.keys() - owing))
    return Parts(whole, tuple(sorted(owing)))


def _ends(row: Row) -> list[tuple[str, Place]]:
    def places(payment: Payment) -> list[Place]:
        return [] if payment.returned is not None else payment.places

    return [(place.code, place) for payment in row.payments for place in places(payment)]


def request_parts(reader: Reader, founding: Roster, month: str, size: int) -> Parts:
    """Return which treatment provinces have asked for more in a month with a red alert.

    It can be asked until the next month is confirmed; then the newer usage counts.

    Raises:
        UncheckableError: A log of a cut is not held here that far.
    """
    confirmed = dict(confirmed_months(reader))
    if confirmed.get(month, size) >= size:
        return Parts(waits_for="confirm")
    asked: dict[str, Place] = {}
    owing: set[str] = set()
    for debtor, creditor in red_pairs_of(reader, founding, month, size):
        index = find(reader, creditor, Increase, month.encode() + debtor.encode())
        if index is None:
            owing.add(creditor)
        elif creditor not in asked or index > asked[creditor].index:
            asked[creditor] = Place(creditor, index)
    done = tuple(asked[code] for code in sorted(asked.keys() - owing))
    following = confirmed.get(next_month(month), size)
    if following < size:
        entry = entry_at(reader, CENTRE, following)[0]
        over = date.fromisoformat(shanghai_day(entry.at_ms))
        return Parts(done, missed=tuple(sorted(owing)), over=over)
    return Parts(done, tuple(sorted(owing)))


def red_pairs_of(reader: Reader, founding: Roster, month: str, size: int) -> list[tuple[str, str]]:
    """Return the (debtor, creditor) whose increase may be asked for in a confirmed month.

    Raises:
        UncheckableError: A log of a cut is not held here that far.
    """
    months = list(cleared_months(reader, founding, size))
    codes = sorted({head.code for item in months for head in item.proposal.cut})
    held = {code: holdings(reader, code) for code in codes}
    for item, found in zip(months, usages(reader, months, held), strict=True):
        if item.month == month:
            return red_pairs(found)
    return []
