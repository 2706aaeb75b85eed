"""From pair sums to nets and legs: three models that give every party the same net.

gross_pair  every pair pays in full (national, 按月全额); a negative one pays backwards
net_pair    the two debts of a pair are set off, the rest is paid
net_hub     net payers remit to the centre, the centre pays net receivers (Jiangsu, 按实际差额)
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from ledger.errors import FormError
from settlement.party import CENTRE
from settlement.record import Lines

PairSums = Mapping[tuple[str, str], Lines]
"""(debtor, creditor) -> what the debtor owes for the month, by fund line; may be negative."""


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
    result = dict.fromkeys(sorted(participants), 0)
    for (debtor, creditor), lines in pairs.items():
        fen = total_fen(lines)
        result[debtor] -= fen
        result[creditor] += fen
    return result


def gross_pair(pairs: PairSums, _participants: Sequence[str]) -> list[LegDue]:
    """Return one leg for every pair that owes anything."""
    return _numbered(_directed(d, c, total_fen(lines)) for (d, c), lines in pairs.items())


def net_pair(pairs: PairSums, _participants: Sequence[str]) -> list[LegDue]:
    """Return one leg for every two participants whose debts do not set each other off."""
    sums: dict[tuple[str, str], int] = {}
    for (debtor, creditor), lines in pairs.items():
        first, second = min(debtor, creditor), max(debtor, creditor)
        fen = total_fen(lines) if debtor == first else -total_fen(lines)
        sums[first, second] = sums.get((first, second), 0) + fen
    return _numbered(_directed(a, b, fen) for (a, b), fen in sums.items())


def net_hub(pairs: PairSums, participants: Sequence[str]) -> list[LegDue]:
    """Return the legs of the payers to the centre, then those of the centre to the receivers."""
    result = nets(pairs, participants)
    payers = [(code, CENTRE, -fen) for code, fen in result.items() if fen < 0]
    receivers = [(CENTRE, code, fen) for code, fen in result.items() if fen > 0]
    ordered = sorted(payers) + sorted(receivers)
    return [LegDue(number, *leg) for number, leg in enumerate(ordered, 1)]


MODELS: dict[str, Callable[[PairSums, Sequence[str]], list[LegDue]]] = {
    "gross_pair": gross_pair,
    "net_pair": net_pair,
    "net_hub": net_hub,
}


def legs(model: str, pairs: PairSums, participants: Sequence[str]) -> list[LegDue]:
    """Return the legs of a model; raises FormError for one that does not exist."""
    if model not in MODELS:
        raise FormError("model", " or ".join(MODELS), model)
    return MODELS[model](pairs, participants)


def net_of_legs(due: Iterable[LegDue], participants: Sequence[str]) -> dict[str, int]:
    """Return what every participant receives by these legs; the centre passes on what it gets."""
    result = dict.fromkeys(sorted(participants), 0)
    for leg in due:
        if leg.payer in result:
            result[leg.payer] -= leg.fen
        if leg.payee in result:
            result[leg.payee] += leg.fen
    return result


def _directed(debtor: str, creditor: str, fen: int) -> tuple[str, str, int]:
    return (debtor, creditor, fen) if fen >= 0 else (creditor, debtor, -fen)


def _numbered(movements: Iterable[tuple[str, str, int]]) -> list[LegDue]:
    due = sorted(movement for movement in movements if movement[2])
    return [LegDue(number, *movement) for number, movement in enumerate(due, 1)]
