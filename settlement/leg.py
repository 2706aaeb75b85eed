"""Legs: the movements of money that a confirmed batch asks for.

    DUE ──► PARTIAL ──► PAID ──► RECEIVED
     ▲────── RETURNED ◄──┘
    overdue ──► DRAWN (prepayment) or ARREARS ──► REFILLED

A leg's number, payer, payee and amount follow from the result of the batch. The payer's entries
`Paid` and `Returned` and the payee's `Received` say how far it is; it may take several payments.
No leg is due before its batch is confirmed under a quorum-cosigned head of the centre, and in the
model `net_hub` the centre pays out only what every payer has paid in.

Nothing is netted again when a payer fails. Between two provinces the payee takes what is missing
from the payer's prepayment and enters the rest as arrears (`Draw`). In the hub the centre shares
the missing money out among the receivers with a claim on the defaulter (`Shortfall`), takes their
shares off their legs, and each of them draws for its own share. What arrives later is *late*: it
repays who bears the loss, the prepayment first. Whether something came before or after is read from
the one log that says both, so all nodes see the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ledger import log
from ledger.errors import RefusedError
from ledger.hashing import leaf_hash
from ledger.table import Reader, log_key
from settlement.batch import Result
from settlement.lookup import entry_at, find, month_key, places
from settlement.netting import LegDue
from settlement.party import CENTRE
from settlement.payment import Among, Payment, Payments, received_fen, sent_fen
from settlement.record import Certificate, Draw, LegEnd, Place, Shortfall
from settlement.shortfall import shares


class Bearer(NamedTuple):
    """Who bears what is missing of a leg, and how much of it has come back since."""

    code: str
    leg: int  # the leg that was not paid
    fen: int
    draw: Place | None  # None: the centre has shared it out, and the bearer has not drawn yet
    drawn_fen: int
    arrears_fen: int
    late: tuple[Payment, ...]

    @property
    def repaid_fen(self) -> int:
        """What has arrived since."""
        return received_fen(self.late)


@dataclass(frozen=True)
class Leg:
    """One leg and how far it has come."""

    due: LegDue
    payments: tuple[Payment, ...] = ()
    shortfall: Place | None = None  # of a leg to the centre: it has shared out what is missing
    bearers: tuple[Bearer, ...] = ()  # of what this leg's payer has left out
    less: tuple[Bearer, ...] = ()  # of a leg of the centre: what its payee bears of other legs
    after: tuple[Payment, ...] = ()  # what came to the centre after that, to be passed on
    note: str | None = None

    @property
    def sent_fen(self) -> int:
        """What the payer has sent and the bank has not returned."""
        return sent_fen(self.payments)

    @property
    def received_fen(self) -> int:
        """What arrived before anything was drawn or shared out."""
        return received_fen(self.payments)

    @property
    def shared_fen(self) -> int:
        """What the centre has shared out among the receivers."""
        return sum(bearer.fen for bearer in self.bearers) if self.shortfall is not None else 0

    @property
    def own(self) -> tuple[Bearer, ...]:
        """Who draws to close this leg: its payee, for itself or for shares of other legs."""
        return self.less if self.shortfall is None and self.less else self.bearers

    @property
    def drawn_fen(self) -> int:
        """What prepayments have covered."""
        return sum(bearer.drawn_fen for bearer in self.own)

    @property
    def arrears_fen(self) -> int:
        """What nothing has covered."""
        return sum(bearer.arrears_fen for bearer in self.own)

    @property
    def repaid_fen(self) -> int:
        """What has arrived of the drawn and the arrears since."""
        return sum(bearer.repaid_fen for bearer in self.own)

    @property
    def payable_fen(self) -> int:
        """What the payer may still send: the amount less what was sent, shared, drawn, entered."""
        borne = sum(bearer.fen for bearer in (*self.bearers, *self.less))
        return self.due.fen - borne - self.sent_fen

    @property
    def open_fen(self) -> int:
        """What is neither received nor covered."""
        covered = self.shared_fen or self.drawn_fen + self.arrears_fen
        return self.due.fen - self.received_fen - covered

    @property
    def state(self) -> str:
        """DUE, PARTIAL, PAID, RETURNED, RECEIVED, DRAWN, ARREARS or REFILLED."""
        if self.open_fen == 0:
            return self._covered()
        if self.sent_fen == 0:
            return "RETURNED" if self.payments else "DUE"
        return "PAID" if self.payable_fen == 0 else "PARTIAL"

    def _covered(self) -> str:
        borne = sum(bearer.fen for bearer in self.own)
        if borne == 0:
            return "RECEIVED"
        if self.repaid_fen == borne:
            return "REFILLED"
        return "DRAWN" if self.drawn_fen == borne else "ARREARS"

    @property
    def owed_late_fen(self) -> int:
        """What the payer has still to send to those who bear what he left out."""
        return sum(late_fen(bearer) for bearer in self.bearers)

    @property
    def paid(self) -> Place | None:
        """The last entry that says that money was sent; None while some has still to be."""
        sent = [payment.paid for payment in self.payments if payment.returned is None]
        return sent[-1] if sent and self.payable_fen <= 0 else None

    @property
    def received(self) -> Place | None:
        """The last entry that says that money arrived; None while some has still to."""
        came = [payment.received for payment in self.payments if payment.received is not None]
        return came[-1] if came and self.open_fen == 0 else None

    @property
    def entries(self) -> list[Place]:
        """Every entry that says how this leg ended, without what came late."""
        found = [place for payment in self.payments for place in payment.places]
        found += [] if self.shortfall is None else [self.shortfall]
        found += [bearer.draw for bearer in self.own if bearer.draw is not None]
        return sorted(set(found), key=_order)

    def end(self) -> LegEnd:
        """Return how a leg that is closed ended."""
        assert self.open_fen == 0
        if self.shortfall is not None:
            return LegEnd(self.due.number, self.received_fen, 0, 0, self.shared_fen, self.entries)
        return LegEnd(
            self.due.number,
            self.received_fen,
            self.drawn_fen,
            self.arrears_fen,
            0,
            self.entries,
        )


def _order(place: Place) -> tuple[str, int]:
    return place.code, place.index


# --- how far the legs of a month are -------------------------------------------------------------


def legs_of(reader: Reader, result: Result, among: Among = None) -> list[Leg]:
    """Return all legs of a month with the entries that speak of them.

    An entry whose amount or counterpart is not the leg's moves nothing: it is named in `note`.

    Args:
        among: Look at these entries alone.
    """
    looking = _Looking(reader, result, among)
    return [looking.leg(due) for due in result.legs]


class _Looking:
    def __init__(self, reader: Reader, result: Result, among: Among) -> None:
        self.reader, self.result, self.month = reader, result, result.month
        self.payments = Payments(reader, "clearing", self.month, among)
        self.wrong: dict[int, str] = {}  # leg -> why its shortfall counts nowhere
        self.shortfalls = self._shortfalls()

    def leg(self, due: LegDue) -> Leg:
        shared = self.shortfalls.get(due.number)
        payments, note = self._payments(due.payer, due.payee, due, due.fen)
        if shared is not None:
            place, borne = shared
            bearers = tuple(self._bearer(due, code, fen) for code, fen in borne.items())
            early = _before(payments, place.index)
            after = tuple(p for p in payments if p not in early)
            return Leg(due, early, place, bearers, (), after, note)
        if due.payer == CENTRE:
            less = tuple(
                self._bearer(self.result.legs[number - 1], due.payee, borne[due.payee])
                for number, (_, borne) in sorted(self.shortfalls.items())
                if due.payee in borne
            )
            return Leg(due, payments, less=less, note=note)
        drawn = None if due.payee == CENTRE else self._draw(due.payee, due.number, due.payer)
        if drawn is None:
            return Leg(due, payments, note=note or self.wrong.get(due.number))
        index, draw = drawn
        early = _before(payments, index)
        open_fen = due.fen - received_fen(early)
        if draw.drawn_fen + draw.arrears_fen != open_fen:
            return Leg(due, payments, note=f"{due.payee} #{index} draws another amount")
        late = tuple(p for p in payments if p not in early)
        bearer = Bearer(
            due.payee, due.number, open_fen, Place(due.payee, index),
            draw.drawn_fen, draw.arrears_fen, late,
        )  # fmt: skip
        return Leg(due, early, bearers=(bearer,), note=note)

    def _bearer(self, due: LegDue, code: str, fen: int) -> Bearer:
        # Late money comes from the defaulter himself, or from the centre that passes it on.
        late: list[Payment] = []
        for payer in (due.payer, CENTRE):
            late += self._payments(payer, code, due, fen)[0]
        drawn = self._draw(code, due.number, due.payer)
        if drawn is None or drawn[1].drawn_fen + drawn[1].arrears_fen != fen:
            return Bearer(code, due.number, fen, None, 0, 0, tuple(late))
        index, draw = drawn
        place = Place(code, index)
        return Bearer(code, due.number, fen, place, draw.drawn_fen, draw.arrears_fen, tuple(late))

    def _payments(
        self, payer: str, payee: str, due: LegDue, most_fen: int
    ) -> tuple[tuple[Payment, ...], str | None]:
        return self.payments.between(payer, payee, due.number, most_fen, "leg")

    def _draw(self, code: str, number: int, debtor: str) -> tuple[int, Draw] | None:
        index = find(self.reader, code, Draw, month_key(self.month, number))
        if index is None or not self.payments.counts(code, index):
            return None
        draw = entry_at(self.reader, code, index)[1]
        assert isinstance(draw, Draw)
        return (index, draw) if draw.debtor == debtor else None

    def _shortfalls(self) -> dict[int, tuple[Place, dict[str, int]]]:
        # In the order of the centre's log: each rests on what those before have left to pay.
        found: dict[int, tuple[Place, dict[str, int]]] = {}
        payable = payable_by_hub(self.result, {})
        key = self.month.encode()
        listed = [i for k, i in places(self.reader, Shortfall) if k.startswith(key)]
        for index in sorted(i for i in listed if self.payments.counts(CENTRE, i)):
            record = entry_at(self.reader, CENTRE, index)[1]
            assert isinstance(record, Shortfall)
            due = next((leg for leg in self.result.legs if leg.number == record.leg), None)
            if due is None or due.payee != CENTRE:
                continue
            early = _before(self._payments(due.payer, CENTRE, due, due.fen)[0], index)
            missing = due.fen - received_fen(early)
            borne = {share.code: share.fen for share in record.shares}
            expected = shares_of(self.result, due, missing, payable) if missing > 0 else {}
            if borne != expected:
                self.wrong[due.number] = f"{CENTRE} #{index} shares out another amount"
                continue
            found[due.number] = Place(CENTRE, index), borne
            payable = payable_by_hub(self.result, {n: b for n, (_, b) in found.items()})
        return found


def _before(payments: Sequence[Payment], index: int) -> tuple[Payment, ...]:
    # What the payee had received, or the bank had returned, when it wrote its entry at `index`.
    return tuple(
        p
        for p in payments
        if p.returned is not None or (p.received is not None and p.received.index < index)
    )


def payable_by_hub(result: Result, borne: Mapping[int, Mapping[str, int]]) -> dict[str, int]:
    """Return what the centre has to pay each receiver when shortfalls are taken off, in fen."""
    payable = {leg.payee: leg.fen for leg in result.legs if leg.payer == CENTRE}
    for parts in borne.values():
        for code, fen in parts.items():
            payable[code] -= fen
    return payable


def shares_of(
    result: Result, due: LegDue, missing_fen: int, payable: Mapping[str, int]
) -> dict[str, int]:
    """Return who bears what is missing of a payer's leg to the centre; see `shortfall.shares`."""
    claims = {
        creditor: amounts.fen
        for (debtor, creditor), amounts in result.pairs.items()
        if debtor == due.payer
    }
    return shares(missing_fen, claims, payable)


# --- what may be recorded ------------------------------------------------------------------------


def may_pay(legs: Sequence[Leg], number: int, payer: str) -> Leg:
    """Return the leg that `payer` may record as paid, all or in part.

    Raises:
        RefusedError: No such leg (LEG), not the payer's (ROLE), nothing is left to pay
            (NOTHING_LEFT), or the centre would pay out before everything was paid in or shared out
            (ORDER).
    """
    leg = numbered(legs, number)
    if leg.due.payer != payer:
        raise RefusedError("ROLE", f"leg {number} is paid by {leg.due.payer}, not by {payer}")
    open_in = [o.due.number for o in legs if o.due.payee == CENTRE and o.open_fen]
    if payer == CENTRE and open_in:
        raise RefusedError("ORDER", f"the centre pays out after legs {open_in} are received")
    if leg.payable_fen <= 0:
        raise RefusedError("NOTHING_LEFT", f"leg {number}: nothing is left to pay")
    return leg


def may_pay_late(legs: Sequence[Leg], number: int, payer: str, payee: str) -> Bearer:
    """Return who bears the missing money of a leg and may be paid late by `payer`.

    Raises:
        RefusedError: No such leg (LEG), neither its payer nor the centre (ROLE), the payee has not
            drawn (ORDER), bears nothing of it or has it back (NOTHING_LEFT).
    """
    leg = numbered(legs, number)
    if payer not in (leg.due.payer, CENTRE):
        raise RefusedError("ROLE", f"leg {number} is paid by {leg.due.payer}, not by {payer}")
    for bearer in leg.bearers:
        if bearer.code == payee and late_fen(bearer) > 0:
            if bearer.draw is None:
                raise RefusedError("ORDER", f"leg {number}: {payee} has not drawn for it yet")
            return bearer
    raise RefusedError("NOTHING_LEFT", f"leg {number}: {payee} is owed nothing of it")


def late_fen(bearer: Bearer) -> int:
    """Return what may still be sent to somebody who bears what is missing of a leg."""
    return bearer.fen - sent_fen(bearer.late)


def may_receive(
    legs: Sequence[Leg],
    number: int,
    payee: str,
    payer: str | None = None,
    attempt: int | None = None,
) -> Payment:
    """Return the oldest payment that `payee` may record as received.

    Args:
        payer: Who sent it, if that is not the leg's payer: the centre passing on late money.
        attempt: Only this payment of the sender.

    Raises:
        RefusedError: No such leg (LEG), not the payee's (ROLE), or nothing is under way (ORDER).
    """
    leg = numbered(legs, number)
    late = [bearer for bearer in leg.bearers if bearer.code == payee]
    if leg.due.payee != payee and not late:
        raise RefusedError("ROLE", f"leg {number} is received by {leg.due.payee}, not by {payee}")
    sender = payer or leg.due.payer
    known = [] if leg.due.payee != payee else [*leg.payments, *leg.after]
    known += [payment for bearer in late for payment in bearer.late]
    for payment in known:
        wanted = attempt in (None, payment.attempt)
        if payment.under_way and payment.paid.code == sender and wanted:
            return payment
    raise RefusedError("ORDER", f"leg {number}: nothing of {sender} is on its way to {payee}")


def may_return(legs: Sequence[Leg], number: int, payer: str, payee: str, attempt: int) -> Payment:
    """Return the payment that `payer` may record as returned by the bank.

    Raises:
        RefusedError: No such leg (LEG) or payment (STATE), or it has arrived (ORDER).
    """
    leg = numbered(legs, number)
    known = [*leg.payments, *leg.after] if leg.due.payee == payee else []
    known += [p for bearer in leg.bearers if bearer.code == payee for p in bearer.late]
    for payment in known:
        if (payment.paid.code, payment.attempt) == (payer, attempt):
            if payment.received is not None:
                raise RefusedError("ORDER", f"leg {number}: {payee} has received attempt {attempt}")
            return payment
    raise RefusedError("STATE", f"leg {number}: {payer} has sent no attempt {attempt} to {payee}")


def numbered(legs: Sequence[Leg], number: int) -> Leg:
    """Return a leg by its number; raises RefusedError (LEG) if there is none."""
    if not 1 <= number <= len(legs):
        raise RefusedError("LEG", f"the month has legs 1 to {len(legs)}, not {number}")
    return legs[number - 1]


def certificate(
    reader: Reader, month: str, revision: int, confirmation_index: int, legs: Sequence[Leg]
) -> Certificate:
    """Return the final certificate of a month whose every leg has an end.

    Raises:
        RefusedError: A leg is still open (OPEN).
    """
    still_open = [leg.due.number for leg in legs if leg.open_fen]
    if still_open:
        raise RefusedError("OPEN", f"legs {still_open} are not received yet")
    digest = leaf_hash(log.leaf(reader, log_key(CENTRE), confirmation_index))
    return Certificate(month, revision, digest, [leg.end() for leg in legs], [])
