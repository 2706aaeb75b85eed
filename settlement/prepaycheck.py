"""What an auditor checks of prepayments: quotas and demands computed again, both ends compared."""

from collections.abc import Iterator
from typing import NamedTuple

from ledger import log, tree
from ledger.errors import RefusedError, UncheckableError
from ledger.table import Reader, log_key
from settlement.adjustment import adjustment_at, quota_differences
from settlement.demand import Row, rows
from settlement.lookup import (
    applied_size,
    confirmed_months,
    demands,
    entry_at,
    held_prepayment,
    places,
    quota_of,
    request_of,
)
from settlement.membership import roster_at
from settlement.money import format_yuan
from settlement.pairstatement import statement, transfers_of
from settlement.party import CENTRE
from settlement.prepayment import Holdings, holdings
from settlement.prepaysteps import red_pairs_of
from settlement.record import Demand, Increase, Quota
from settlement.roster import Roster
from settlement.transfer import Transfer


class Fault(NamedTuple):
    """What does not hold. `kind`: false, or unchecked where a log is not here that far."""

    kind: str
    place: str
    text: str


def check_prepayments(reader: Reader, founding: Roster) -> Iterator[Fault]:
    """Yield what is wrong with the prepayments of a network, as far as its logs are here."""
    for key, index in places(reader, Quota):
        yield from _quota(reader, founding, int(key), index)
    for index, demand in demands(reader, applied_size(reader, CENTRE)):
        check = _yearly if demand.cause == "yearly" else _urgent
        yield from check(reader, founding, index, demand)
    codes = roster_at(reader, founding, applied_size(reader, CENTRE)).participants
    for code in codes:
        yield from _requests(reader, founding, code)
    yield from _balances(reader, codes)


def _quota(reader: Reader, founding: Roster, year: int, index: int) -> Iterator[Fault]:
    record = entry_at(reader, CENTRE, index)[1]
    assert isinstance(record, Quota)
    place = f"quota {year}"
    if not record.months:
        return  # given by hand: no batch says what it should be
    try:
        found = quota_differences(reader, founding, index, record)
    except UncheckableError as error:
        yield Fault("unchecked", place, str(error))
        return
    for debtor, creditor, claimed, fen in found:
        yield Fault(
            "false", place,
            f"{debtor} to {creditor}: {format_yuan(claimed)} yuan where the batches of "
            f"{record.months[0]} to {record.months[-1]} give {format_yuan(fen)}",
        )  # fmt: skip


def _yearly(reader: Reader, _founding: Roster, index: int, demand: Demand) -> Iterator[Fault]:
    place = f"demand {demand.month}"
    for head in demand.heads:
        key = log_key(head.code)
        if log.size(reader, key) < head.size:
            yield Fault("unchecked", place, f"the log of {head.code} is not here up to {head.size}")
            return
        if tree.root_at(reader, key, head.size) != head.root:
            yield Fault("false", place, f"names another root of the log of {head.code}")
            return
    fixed = quota_of(reader, int(demand.month[:4]))
    assert fixed is not None  # else the demand is void
    mine = adjustment_at(reader, fixed[1], demand.heads, index)
    theirs = {(row.debtor, row.creditor): row.fen for row in demand.rows}
    for pair in sorted(mine.keys() | theirs.keys()):
        asked, fen = theirs.get(pair, 0), mine.get(pair, 0)
        if asked != fen:
            yield Fault(
                "false", place,
                f"{pair[0]} to {pair[1]}: {format_yuan(asked)} yuan where quota and holdings give "
                f"{format_yuan(fen)}",
            )  # fmt: skip


def _urgent(reader: Reader, _founding: Roster, _index: int, demand: Demand) -> Iterator[Fault]:
    row = demand.rows[0]
    place = f"demand {demand.month} row {row.number}"
    asked = request_of(reader, demand.month, row.creditor, row.debtor)
    if asked is None:
        yield Fault("unchecked", place, f"no request of {row.creditor} is in its log as held here")
    elif row.fen > asked[1].fen:
        yield Fault("false", place, f"more than {row.creditor} asked for")


def _requests(reader: Reader, founding: Roster, code: str) -> Iterator[Fault]:
    confirmed = {month for month, _ in confirmed_months(reader)}
    size = applied_size(reader, CENTRE)
    for key, index in places(reader, Increase, code):
        month, debtor = key[:7].decode(), key[7:].decode()
        place = f"{code} #{index}"
        if month not in confirmed:
            yield Fault("unchecked", place, f"asks for more for {month}, which is not confirmed")
            continue
        try:
            red = red_pairs_of(reader, founding, month, size)
        except (UncheckableError, RefusedError) as error:
            yield Fault("unchecked", place, str(error))
            continue
        if (debtor, code) not in red:
            yield Fault("false", place, f"no red alert stood for {debtor} in {month}")


def _balances(reader: Reader, codes: tuple[str, ...]) -> Iterator[Fault]:
    held = {code: holdings(reader, code) for code in codes}
    demanded = rows(reader, applied_size(reader, CENTRE))
    pairs = {(row.debtor, row.creditor) for row in demanded}
    pairs |= {(item.debtor, code) for code in codes for item in held[code].movements}
    transfers = transfers_of(reader, codes)
    for debtor, creditor in sorted(pairs):
        moved = transfers.get((debtor, creditor), [])
        yield from _pair(reader, debtor, creditor, held[creditor], demanded, moved)


def _pair(
    reader: Reader,
    debtor: str,
    creditor: str,
    held: Holdings,
    demanded: list[Row],
    transfers: list[Transfer],
) -> Iterator[Fault]:
    place = f"prepayment {debtor} to {creditor}"
    kept = held_prepayment(reader, creditor, debtor)
    if held.at().get(debtor, 0) != kept:
        yield Fault("false", place, f"the entries give {held.at().get(debtor, 0)} fen, not {kept}")
    found = statement(reader, debtor, creditor, held, demanded, transfers)
    for text in found.faults:
        yield Fault("false", place, text)
    for text in found.unsent:  # its sender's log may be here from an earlier time
        yield Fault("unchecked", place, text)
    if found.difference_fen and not (found.faults or found.unsent):
        yield Fault("false", place, f"the two ends differ by {found.difference_fen} fen")
