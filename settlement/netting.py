"""From pair sums to nets and legs: three models that give every party the same net.

gross_pair  every pair pays in full (national, 按月全额); a negative one pays backwards
net_pair    the two debts of a pair are set off, the rest is paid
net_hub     net payers remit to the hub, the hub pays net receivers (Jiangsu, 按实际差额)

Between provinces the hub is the national centre; among the cities of a province it is the
province's own (see `subclearing`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from ledger.errors import FormError
from settlement.party import CENTRE
from settlement.record import Lines

PairSums = Mapping[tuple[str, str], Lines]
"""(debtor, creditor) -> what the debtor owes for the month, by fund line; may be negative."""

NO_LINES = Lines(0, 0, 0, 0)


class LegDue(NamedTuple):
    """One movement of money that a batch asks for; `fen` is above zero."""

    number: int
    payer: str
    payee: str
    fen: int


def total_fen(lines: Lines) -> int:
    """Return all fund lines together."""
    return lines.employee + lines.resident + lines.other + lines.account


def nets(pairs: PairSums, participants: Sequence[str]) -> dict[str, int]:
    """Return what every participant receives (negative: pays); the sum is always 0.

    Example:
        >>> nets({("630000", "510000"): Lines(900, 0, 0, 0)}, ["510000", "630000"])
        {'510000': 900, '630000': -900}
    """
    return {code: total_fen(lines) for code, lines in net_lines(pairs, participants).items()}


def net_lines(pairs: PairSums, participants: Sequence[str]) -> dict[str, Lines]:
    """Return what every participant receives of each fund line (negative: pays), by code."""
    result = dict.fromkeys(sorted(participants), NO_LINES)
    for (debtor, creditor), lines in pairs.items():
        result[debtor] = _minus(result[debtor], lines)
        result[creditor] = _plus(result[creditor], lines)
    return result


class Movement(NamedTuple):
    """A leg and the fund lines it consists of; a line may run against the leg's direction."""

    leg: LegDue
    lines: Lines


_Move = tuple[str, str, Lines]  # payer, payee, what is moved


def gross_pair(pairs: PairSums, _participants: Sequence[str], _hub: str = CENTRE) -> list[Movement]:
    """Return one leg for every pair that owes anything."""
    return _numbered(map(_forwards, ((d, c, lines) for (d, c), lines in pairs.items())))


def net_pair(pairs: PairSums, _participants: Sequence[str], _hub: str = CENTRE) -> list[Movement]:
    """Return one leg for every two participants whose debts do not set each other off."""
    sums: dict[tuple[str, str], Lines] = {}
    for (debtor, creditor), lines in pairs.items():
        pair = min(debtor, creditor), max(debtor, creditor)
        owed = lines if debtor == pair[0] else _minus(NO_LINES, lines)
        sums[pair] = _plus(sums.get(pair, NO_LINES), owed)
    return _numbered(map(_forwards, ((a, b, lines) for (a, b), lines in sums.items())))


def net_hub(pairs: PairSums, participants: Sequence[str], hub: str = CENTRE) -> list[Movement]:
    """Return the legs of the payers to the hub, then those of the hub to the receivers.

    A pair may name the hub as the other side of a debt; it has no leg with itself.
    """
    result = net_lines(pairs, [*participants, hub])
    del result[hub]
    payers = [(c, hub, _minus(NO_LINES, x)) for c, x in result.items() if total_fen(x) < 0]
    receivers = [(hub, c, x) for c, x in result.items() if total_fen(x) > 0]
    return [*_numbered(payers), *_numbered(receivers, len(payers))]


MODELS: dict[str, Callable[[PairSums, Sequence[str], str], list[Movement]]] = {
    "gross_pair": gross_pair,
    "net_pair": net_pair,
    "net_hub": net_hub,
}


def movements(
    model: str, pairs: PairSums, participants: Sequence[str], hub: str = CENTRE
) -> list[Movement]:
    """Return the legs of a model with their fund lines; raises FormError if there is no such."""
    if model not in MODELS:
        raise FormError("model", " or ".join(MODELS), model)
    return MODELS[model](pairs, participants, hub)


def legs(model: str, pairs: PairSums, participants: Sequence[str]) -> list[LegDue]:
    """Return the legs of a model; raises FormError for one that does not exist."""
    return [movement.leg for movement in movements(model, pairs, participants)]


def net_of_legs(due: Iterable[LegDue], participants: Sequence[str]) -> dict[str, int]:
    """Return what every participant receives by these legs; the centre passes on what it gets."""
    result = dict.fromkeys(sorted(participants), 0)
    for leg in due:
        if leg.payer in result:
            result[leg.payer] -= leg.fen
        if leg.payee in result:
            result[leg.payee] += leg.fen
    return result


def _forwards(move: _Move) -> _Move:
    payer, payee, lines = move
    return move if total_fen(lines) >= 0 else (payee, payer, _minus(NO_LINES, lines))


def _numbered(moves: Iterable[_Move], after: int = 0) -> list[Movement]:
    due = sorted((m for m in moves if total_fen(m[2])), key=_order)
    return [
        Movement(LegDue(number, payer, payee, total_fen(lines)), lines)
        for number, (payer, payee, lines) in enumerate(due, after + 1)
    ]


def _order(move: _Move) -> tuple[str, str, int, int, int, int]:
    payer, payee, lines = move
    return payer, payee, total_fen(lines), lines.employee, lines.resident, lines.other


def _plus(a: Lines, b: Lines) -> Lines:
    return Lines(
        a.employee + b.employee, a.resident + b.resident, a.other + b.other, a.account + b.account
    )


def _minus(a: Lines, b: Lines) -> Lines:
    return Lines(
        a.employee - b.employee, a.resident - b.resident, a.other - b.other, a.account - b.account
    )
