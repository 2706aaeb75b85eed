"""Legs: the movements of money that a confirmed batch asks for.

    DUE ──► PAID ──► RECEIVED

A leg's number, payer, payee and amount follow from the result of the batch; the payer's entry
`Paid` and the payee's entry `Received` say how far it is. No leg is due before its batch is
confirmed under a quorum-cosigned head of the centre, and in the model `net_hub` the centre pays
out only what every payer has paid in.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ledger import log
from ledger.errors import RefusedError
from ledger.hashing import leaf_hash
from ledger.table import Reader, log_key
from settlement.lookup import entry_at, find, month_key
from settlement.netting import LegDue
from settlement.party import CENTRE
from settlement.record import Certificate, LegEnd, Paid, Place, Received


@dataclass(frozen=True)
class Leg:
    """One leg and how far it has come; the places are None until the entries exist."""

    due: LegDue
    paid: Place | None
    received: Place | None
    note: str | None = None

    @property
    def state(self) -> str:
        """DUE, PAID or RECEIVED."""
        if self.received is not None:
            return "RECEIVED"
        return "DUE" if self.paid is None else "PAID"


def legs_of(reader: Reader, month: str, due: Sequence[LegDue]) -> list[Leg]:
    """Return all legs of a month with the entries that speak of them.

    An entry whose amount or counterpart is not the leg's moves nothing: it is named in `note`.
    """
    return [_leg(reader, month, item) for item in due]


def _leg(reader: Reader, month: str, due: LegDue) -> Leg:
    paid, wrong_paid = _place(reader, due.payer, Paid, month, due)
    received, wrong_received = _place(reader, due.payee, Received, month, due)
    if paid is None and received is not None:
        received = None  # nobody can have received what was not sent
        wrong_received = "received before it was paid"
    return Leg(due, paid, received, wrong_paid or wrong_received)


def _place(
    reader: Reader, code: str, kind: type[Paid | Received], month: str, due: LegDue
) -> tuple[Place | None, str | None]:
    index = find(reader, code, kind, month_key(month, due.number))
    if index is None:
        return None, None
    record = entry_at(reader, code, index)[1]
    other = record.payee if isinstance(record, Paid) else record.payer  # type: ignore[attr-defined]
    expected = due.payee if isinstance(record, Paid) else due.payer
    if record.fen != due.fen or other != expected:  # type: ignore[attr-defined]
        return None, f"{code} #{index} names another amount or counterpart"
    return Place(code, index), None


def may_pay(legs: Sequence[Leg], number: int, payer: str) -> Leg:
    """Return the leg that `payer` may record as paid.

    Raises:
        RefusedError: No such leg (LEG), not the payer's (ROLE), or the centre would pay out before
            everything was paid in (ORDER).
    """
    leg = _numbered(legs, number)
    if leg.due.payer != payer:
        raise RefusedError("ROLE", f"leg {number} is paid by {leg.due.payer}, not by {payer}")
    open_in = [o.due.number for o in legs if o.due.payee == CENTRE and o.state != "RECEIVED"]
    if payer == CENTRE and open_in:
        raise RefusedError("ORDER", f"the centre pays out after legs {open_in} are received")
    return leg


def may_receive(legs: Sequence[Leg], number: int, payee: str) -> Leg:
    """Return the leg that `payee` may record as received.

    Raises:
        RefusedError: No such leg (LEG), not the payee's (ROLE), or not paid yet (ORDER).
    """
    leg = _numbered(legs, number)
    if leg.due.payee != payee:
        raise RefusedError("ROLE", f"leg {number} is received by {leg.due.payee}, not by {payee}")
    if leg.paid is None:
        raise RefusedError("ORDER", f"leg {number} is not recorded as paid by {leg.due.payer}")
    return leg


def _numbered(legs: Sequence[Leg], number: int) -> Leg:
    if not 1 <= number <= len(legs):
        raise RefusedError("LEG", f"the month has legs 1 to {len(legs)}, not {number}")
    return legs[number - 1]


def certificate(
    reader: Reader, month: str, revision: int, confirmation_index: int, legs: Sequence[Leg]
) -> Certificate:
    """Return the final certificate of a month whose every leg is received.

    Raises:
        RefusedError: A leg is still open (OPEN).
    """
    still_open = [leg.due.number for leg in legs if leg.paid is None or leg.received is None]
    if still_open:
        raise RefusedError("OPEN", f"legs {still_open} are not received yet")
    ends = [
        LegEnd(leg.due.number, leg.paid, leg.received)
        for leg in legs
        if leg.paid is not None and leg.received is not None
    ]
    digest = leaf_hash(log.leaf(reader, log_key(CENTRE), confirmation_index))
    return Certificate(month, revision, digest, ends, [])
