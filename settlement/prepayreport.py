"""Prepayments in figures, for people and programs; amounts in fen, codes as they are."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from ledger.table import Reader
from settlement.cleared import cleared_months
from settlement.demand import Row, days_late, rows
from settlement.lookup import applied_size, entry_at, places, quota_of
from settlement.membership import roster_at
from settlement.pairstatement import PairStatement
from settlement.party import CENTRE
from settlement.prepayment import Account, Holdings, holdings
from settlement.quota import pairs_of
from settlement.record import Quota
from settlement.roster import Roster
from settlement.usage import Usage, usages


class PairState(NamedTuple):
    """What a pair's prepayment has come to."""

    debtor: str
    creditor: str
    quota_fen: int
    account: Account
    to_pay_fen: int  # demanded and not sent
    transit_fen: int  # sent and not arrived, either way

    def figures(self) -> dict[str, Any]:
        """Return it by name."""
        return {
            "debtor": self.debtor,
            "creditor": self.creditor,
            "quota_fen": self.quota_fen,
            "held_fen": self.account.held_fen,
            "received_fen": self.account.received_fen,
            "given_back_fen": self.account.given_back_fen,
            "drawn_fen": self.account.drawn_fen,
            "refilled_fen": self.account.refilled_fen,
            "arrears_fen": self.account.arrears_fen,
            "to_pay_fen": self.to_pay_fen,
            "transit_fen": self.transit_fen,
        }


def pair_states(reader: Reader, founding: Roster, size: int) -> tuple[int | None, list[PairState]]:
    """Return the year of the newest quota, if any, and every pair that is not all zero.

    Args:
        size: Of the centre's log, below which quotas and demands count.
    """
    years = [int(key) for key, index in places(reader, Quota) if index < size]
    fixed = quota_of(reader, max(years)) if years else None
    quotas = {} if fixed is None else pairs_of(fixed[1].rows)
    accounts = {
        (debtor, code): account
        for code in roster_at(reader, founding, size).participants
        for debtor, account in holdings(reader, code).accounts().items()
    }
    to_pay: dict[tuple[str, str], int] = {}
    transit: dict[tuple[str, str], int] = {}
    for row in rows(reader, size):
        pair = row.debtor, row.creditor
        to_pay[pair] = to_pay.get(pair, 0) + max(0, row.payable_fen)
        moving = sum(payment.fen for payment in row.payments if payment.under_way)
        transit[pair] = transit.get(pair, 0) + moving
    pairs = sorted(quotas.keys() | accounts.keys() | to_pay.keys())
    return max(years, default=None), [
        PairState(
            *pair, quotas.get(pair, 0), accounts.get(pair, Account()), to_pay.get(pair, 0),
            transit.get(pair, 0),
        )
        for pair in pairs
    ]  # fmt: skip


def row_report(reader: Reader, row: Row, today: date | None) -> dict[str, Any]:
    """Return one row of a demand by name; `days_late` of what is open counts to `today`."""
    late = days_late(reader, row, today)
    return {
        "month": row.month, "row": row.number, "cause": row.cause,
        "debtor": row.debtor, "creditor": row.creditor, "payer": row.payer, "payee": row.payee,
        "fen": row.fen, "due": row.due, "state": row.state,
        "received_fen": row.received_fen, "to_pay_fen": max(0, row.payable_fen),
        "overdue": bool(late and row.payable_fen > 0), "days_late": late,
        "reason": row.reason or None, "note": row.note,
        "payments": [
            {"attempt": p.attempt, "from": p.paid.code, "fen": p.fen, "state": p.state}
            for p in row.payments
        ],
    }  # fmt: skip


def usage_of(reader: Reader, founding: Roster, size: int) -> dict[str, list[Usage]]:
    """Return the usages of every confirmed month below `size` of the centre's log, ascending.

    Raises:
        UncheckableError: A log of a cut is not held here that far.
    """
    months = list(cleared_months(reader, founding, size))
    codes = sorted({head.code for month in months for head in month.proposal.cut})
    held: Mapping[str, Holdings] = {code: holdings(reader, code) for code in codes}
    found = usages(reader, months, held)
    return {month.month: items for month, items in zip(months, found, strict=True)}


def usage_report(items: Sequence[Usage]) -> list[dict[str, Any]]:
    """Return the usages of a month by name; a pool has no debtor."""
    return [
        {
            "debtor": item.debtor or None, "creditor": item.creditor,
            "cleared_fen": item.cleared_fen, "held_fen": item.held_fen,
            "usage_hundredths_percent": item.hundredths, "level": item.level,
        }
        for item in items
    ]  # fmt: skip


def statement_report(found: PairStatement) -> dict[str, Any]:
    """Return a statement by name."""
    return {
        "debtor": found.debtor,
        "creditor": found.creditor,
        "debtor_view_fen": found.debtor_fen,
        "creditor_view_fen": found.creditor_fen,
        "transit_fen": found.transit_fen,
        "difference_fen": found.difference_fen,
        "faults": [*found.faults, *found.unsent],
        "lines": [
            {
                "log": line.place.code, "index": line.place.index, "date": line.day,
                "what": line.what, "month": line.month, "number": line.number,
                "attempt": line.attempt or None, "fen": line.fen,
                "debtor_balance_fen": line.debtor_balance_fen,
                "creditor_balance_fen": line.creditor_balance_fen,
            }
            for line in found.lines
        ],
        "transit": [
            {
                "log": item.place.code, "index": item.place.index, "month": item.month,
                "row": item.number, "attempt": item.attempt, "fen": item.fen,
                "to": "debtor" if item.back else "creditor",
            }
            for item in found.transit
        ],
    }  # fmt: skip


def summary(reader: Reader, founding: Roster) -> dict[str, Any]:
    """Return what an audit says it has recomputed of prepayments; empty if there are none."""
    size = applied_size(reader, CENTRE)
    _, pairs = pair_states(reader, founding, size)
    quotas = {int(key): entry_at(reader, CENTRE, index)[1] for key, index in places(reader, Quota)}
    if not pairs and not quotas:
        return {}
    return {
        "quotas": {
            str(year): "batches" if isinstance(record, Quota) and record.months else "given"
            for year, record in sorted(quotas.items())
        },
        "rows": len(rows(reader, size)),
        "pairs": len(pairs),
        "held_fen": sum(pair.account.held_fen for pair in pairs),
        "transit_fen": sum(pair.transit_fen for pair in pairs),
    }
