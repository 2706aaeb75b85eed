"""What the entries below a position say about money, and what the legs make of it.

Every entry about money stands here once: batches with their legs, transfers, draws, shortfalls. The
books are made from this, and `mirror` says of it what no leg asks for.
"""

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import NamedTuple

from ledger.errors import UncheckableError, VerificationError
from ledger.table import Reader
from settlement import batch as batches
from settlement.cut import missing
from settlement.leg import Leg, legs_of
from settlement.lookup import confirmed_proposals, entry_at
from settlement.party import CENTRE
from settlement.payment import Payment
from settlement.record import Draw, Place, Shortfall
from settlement.roster import Roster
from settlement.transfer import Below, Said, Transfer, said, transfers_at


class Use(Enum):
    """What a leg makes of a transfer."""

    LEG = "leg"  # it pays the leg
    AFTER = "after"  # it came to the hub after its shortfall: to be passed on
    LATE = "late"  # it repays somebody who bears what was missing
    NONE = "none"  # no leg asks for it


class Purpose(NamedTuple):
    """What a transfer of clearing money is for; `debtor` is the payer of the leg."""

    use: Use
    debtor: str = ""
    drawn: bool = False  # LATE: the bearer has drawn before, so it refills


class Refill(NamedTuple):
    """What money that arrived after a draw repays: the prepayment first, then the arrears."""

    debtor: str
    refill_fen: int
    arrears_fen: int


class Month(NamedTuple):
    """A batch that is confirmed at the position, with its legs as they stand there."""

    result: batches.Result
    confirmation: Place
    at_ms: int
    legs: list[Leg]


def months_at(reader: Reader, founding: Roster, below: Below) -> Iterator[Month]:
    """Yield the batches confirmed at a position, by month.

    Raises:
        UncheckableError: One rests on logs that are not here.
        VerificationError: A confirmed result is not what the logs give.
    """
    for proposal, _, index in confirmed_proposals(reader):
        if Place(CENTRE, index) not in below:
            continue
        behind = missing(reader, proposal.cut)
        if behind:
            names = ", ".join(f"{head.code} below {head.size}" for head in behind)
            raise UncheckableError(f"{proposal.month} rests on logs that are not here: {names}")
        result = batches.result_of(reader, founding, proposal.month, proposal.revision)
        if result.hash != proposal.result_hash:
            place = f"{proposal.month}: the confirmed result"
            raise VerificationError(place, result.hash, proposal.result_hash)
        at_ms = entry_at(reader, CENTRE, index)[0].at_ms
        yield Month(result, Place(CENTRE, index), at_ms, legs_of(reader, result, below))


class Dealings:
    """What the logs of `codes` say about money at a position.

    Attributes:
        months: The confirmed batches.
        transfers: Every payment, as far as it is told of.
        draws: Every draw; `shortfalls`: every one of the centre's.
        purposes: What a leg makes of a payment, by the entry `Paid`.
        counted: The draws and shortfalls that a leg counts.
        borne: The legs of the shortfalls that count.
        refills: What arrivals repay, by the entry `Received`.
    """

    def __init__(
        self, reader: Reader, founding: Roster, codes: Sequence[str], below: Below
    ) -> None:
        self.months: Mapping[str, Month] = {
            month.result.month: month for month in months_at(reader, founding, below)
        }
        self.draws = [item for code in codes for item in said(reader, code, Draw, below)]
        self.shortfalls = list(said(reader, CENTRE, Shortfall, below))
        self.purposes: dict[Place, Purpose] = {}
        self._arrivals: dict[Place, Place | None] = {}  # of the payments that legs count
        self.counted: set[Place] = set()
        self.borne: dict[Place, Leg] = {}
        for month in self.months.values():
            for leg in month.legs:
                self._leg(leg)
        self.transfers = transfers_at(reader, codes, below)
        for transfer in self.transfers:
            self._agrees(transfer)
        self.refills = _refills(self.transfers, self.draws)

    def _leg(self, leg: Leg) -> None:
        payer = leg.due.payer
        for payment in leg.payments:
            self._counts(payment, Purpose(Use.LEG, payer))
        for payment in leg.after:
            self._counts(payment, Purpose(Use.AFTER, payer))
        if leg.shortfall is not None:
            self.counted.add(leg.shortfall)
            self.borne[leg.shortfall] = leg
        for bearer in leg.bearers:
            if bearer.draw is not None:
                self.counted.add(bearer.draw)
            for payment in bearer.late:
                came = payment.received
                drawn = bearer.draw is not None and came is not None
                after = drawn and came.index > bearer.draw.index  # type: ignore[union-attr]
                self._counts(payment, Purpose(Use.LATE, payer, after))

    def _counts(self, payment: Payment, purpose: Purpose) -> None:
        self.purposes[payment.paid] = purpose
        self._arrivals[payment.paid] = payment.received

    def _agrees(self, transfer: Transfer) -> None:
        # Both pair arrivals with payments by `payment.arrived_as`. A leg looks at fewer payments,
        # but passes over none of an amount that it would take later: what is left to pay only
        # shrinks.
        if transfer.paid is not None and transfer.paid.place in self._arrivals:
            received = None if transfer.received is None else transfer.received.place
            assert received == self._arrivals[transfer.paid.place], transfer

    def purpose(self, transfer: Transfer) -> Purpose:
        """Return what a leg makes of a transfer; of one that has not arrived so, nothing."""
        if not transfer.arrived or transfer.paid is None:
            return Purpose(Use.NONE)
        return self.purposes.get(transfer.paid.place, Purpose(Use.NONE))


def _refills(transfers: Sequence[Transfer], draws: Sequence[Said[Draw]]) -> dict[Place, Refill]:
    # As the payee's own log has it (`state`): whatever it receives for a leg after it has drawn
    # for it refills the prepayment first, in the order of that log.
    drawn = {(item.place.code, item.record.month, item.record.leg): item for item in draws}
    left = {key: item.record.drawn_fen for key, item in drawn.items()}
    came = [t.received for t in transfers if t.received and t.key.purpose == "clearing"]
    found: dict[Place, Refill] = {}
    for item in sorted(came, key=lambda item: (item.place.code, item.place.index)):
        key = item.place.code, item.record.month, item.record.number
        draw = drawn.get(key)
        if draw is not None and item.place.index > draw.place.index:
            refill = min(item.record.fen, left[key])
            left[key] -= refill
            rest = item.record.fen - refill
            found[item.place] = Refill(draw.record.debtor, refill, rest)
    return found
