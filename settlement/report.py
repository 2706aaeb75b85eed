"""A month in figures, for people and programs: what the batch comes to and how far it is."""

from typing import Any

from ledger.table import Reader
from settlement import batch as batches
from settlement import leg as legs
from settlement import obligation
from settlement.batch import Batch, Result
from settlement.close import closes_to
from settlement.membership import roster_at
from settlement.payment import Payment
from settlement.roster import Roster


def month_report(
    reader: Reader, founding: Roster, month: str, size: int | None = None
) -> dict[str, Any] | None:
    """Return the figures of a month's newest revision, or None if it has not been proposed.

    `pairs_fen` has the debtor before the `>`, only pairs that are not zero; `nets_fen` has every
    participant, positive receives; `carried` counts entries that were due and not cleared.

    Args:
        size: The size of the centre's log to look at; all of it if None.
    """
    batch = batches.latest_batch(reader, founding, month, size)
    if batch is None:
        return None
    result = batches.result_of(reader, founding, month, batch.revision)
    month_legs = legs.legs_of(reader, result)
    roster = roster_at(reader, founding, batch.proposal_index)
    closes = closes_to(reader, month, batch.proposal.cut, batch.proposal_index)
    position = obligation.at_cut(reader, roster, closes)
    return {
        "month": month,
        "revision": batch.revision,
        "state": state_of(batch, month_legs),
        **figures(result),
        "carried": obligation.carried(reader, roster, batch.proposal.cut, month, position),
        "result_hash": result.hash.hex(),
        "proposed_hash": batch.proposal.result_hash.hex(),
        "attestations": len(batch.matches) + len(batch.mismatches),
        "matches": sorted(batch.matches),
        "mismatches": sorted(batch.mismatches),
        "missing": list(batch.missing),
        "quorum": roster.batch_quorum,
        "legs": [leg_report(leg) for leg in month_legs],
    }


def state_of(batch: Batch, month_legs: list[legs.Leg]) -> str:
    """Return the state with the legs: a confirmed batch whose legs all have an end is SETTLED."""
    done = all(leg.open_fen == 0 for leg in month_legs)
    return "SETTLED" if batch.state == "CONFIRMED" and done else batch.state


def figures(result: Result) -> dict[str, Any]:
    """Return the amounts of a result by name."""
    return {
        "model": result.model,
        "entries": result.entries,
        "gross_fen": result.gross_fen,
        "pairs_fen": {f"{d}>{c}": a.fen for (d, c), a in sorted(result.pairs.items()) if a.fen},
        "nets_fen": dict(sorted(result.nets.items())),
    }


def leg_report(leg: legs.Leg) -> dict[str, Any]:
    """Return one leg by name; `payments` and `bearers` only of legs that have any."""
    found: dict[str, Any] = {
        "leg": leg.due.number,
        "payer": leg.due.payer,
        "payee": leg.due.payee,
        "fen": leg.due.fen,
        "state": leg.state,
        "received_fen": leg.received_fen,
        "open_fen": leg.open_fen,
        "note": leg.note,
    }
    if leg.payments or leg.after:
        found["payments"] = [_payment(item) for item in (*leg.payments, *leg.after)]
    if leg.bearers:
        found["bearers"] = [
            {
                "code": bearer.code,
                "fen": bearer.fen,
                "drawn_fen": bearer.drawn_fen,
                "arrears_fen": bearer.arrears_fen,
                "repaid_fen": bearer.repaid_fen,
                "late": [_payment(item) for item in bearer.late],
            }
            for bearer in leg.bearers
        ]
    if leg.less:
        found["less_fen"] = sum(bearer.fen for bearer in leg.less)
    return found


def _payment(item: Payment) -> dict[str, Any]:
    return {
        "from": item.paid.code,
        "attempt": item.attempt,
        "fen": item.fen,
        "state": item.state,
        "entry": item.paid.index,
    }
