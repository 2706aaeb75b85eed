"""What netting saves: the three models side by side, the fewest payments, debts that go in a ring.

Reports about the pair sums of a month. Nothing here decides anything: the model in force does.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from settlement.netting import MODELS, LegDue, PairSums, legs, movements


class Figures(NamedTuple):
    """One model for one month: how many payments, how much moves, the largest, and the saving.

    `saved_basis_points` compares the money moved with `gross_pair`: 10,000 would be all of it. A
    hub moves money twice, in and out; what reaches the receivers is `arrives_fen`.
    """

    model: str
    legs: int
    moved_fen: int
    arrives_fen: int
    largest_fen: int
    saved_fen: int
    saved_basis_points: int


def compare(pairs: PairSums, participants: Sequence[str]) -> list[Figures]:
    """Return all models for the same pair sums, `gross_pair` first.

    `saved_fen` counts what participants need not pay out themselves: gross less what they pay.
    """
    found = []
    gross = _paid_in(legs("gross_pair", pairs, participants), participants)
    for model in MODELS:
        due = [movement.leg for movement in movements(model, pairs, participants)]
        paid = _paid_in(due, participants)
        found.append(
            Figures(
                model=model,
                legs=len(due),
                moved_fen=sum(leg.fen for leg in due),
                arrives_fen=sum(leg.fen for leg in due if leg.payee in participants),
                largest_fen=max((leg.fen for leg in due), default=0),
                saved_fen=gross - paid,
                saved_basis_points=(gross - paid) * 10_000 // gross if gross else 0,
            )
        )
    return found


def _paid_in(due: Sequence[LegDue], participants: Sequence[str]) -> int:
    return sum(leg.fen for leg in due if leg.payer in participants)


def fewest_payments(nets: Mapping[str, int]) -> list[LegDue]:
    """Return payments between participants that settle all nets, at most one fewer than parties.

    Largest first: the largest payer pays the largest receiver as much as both allow, and again;
    of equals the smaller code comes first. The nets must add up to 0.

    Example:
        >>> fewest_payments({"510000": 700, "540000": 300, "630000": -1000})
        [LegDue(number=1, payer='630000', payee='510000', fen=700),
         LegDue(number=2, payer='630000', payee='540000', fen=300)]
    """
    payers = [(fen, code) for code, fen in nets.items() if fen < 0]
    receivers = [(-fen, code) for code, fen in nets.items() if fen > 0]
    heapify(payers)
    heapify(receivers)
    found: list[LegDue] = []
    while payers and receivers:
        (owes, payer), (gets, payee) = heappop(payers), heappop(receivers)
        fen = min(-owes, -gets)
        found.append(LegDue(len(found) + 1, payer, payee, fen))
        if owes + fen:
            heappush(payers, (owes + fen, payer))
        if gets + fen:
            heappush(receivers, (gets + fen, payee))
    return found


class Ring(NamedTuple):
    """A debt that goes in a circle: each owes the next at least `fen`, the last owes the first."""

    codes: tuple[str, ...]
    fen: int


def rings(pairs: PairSums, participants: Sequence[str]) -> list[Ring]:
    """Return the circular debts that are left after each pair has set off its own two.

    Taking them all away would change nobody's net. Participant by participant in order of code,
    the shortest ring through it first, and each ring is taken away before the next is sought, so
    the amounts can be added up. Deterministic.
    """
    owed: dict[str, dict[str, int]] = {code: {} for code in sorted(participants)}
    for leg in legs("net_pair", pairs, participants):
        owed[leg.payer][leg.payee] = leg.fen
    found = []
    for code in sorted(owed):
        while (codes := _shortest_ring(owed, code)) is not None:
            steps = list(zip(codes, (*codes[1:], code), strict=True))
            fen = min(owed[a][b] for a, b in steps)
            for a, b in steps:
                owed[a][b] -= fen
                if not owed[a][b]:
                    del owed[a][b]
            found.append(Ring(codes, fen))
        del owed[code]
        for others in owed.values():
            others.pop(code, None)
    return found


def _shortest_ring(owed: Mapping[str, Mapping[str, int]], start: str) -> tuple[str, ...] | None:
    # Breadth first from `start`, in order of code, until somebody owes it back.
    came_from = {start: ""}
    waiting = deque([start])
    while waiting:
        code = waiting.popleft()
        for other in sorted(owed[code]):
            if other == start:
                path = [code]
                while came_from[path[-1]]:
                    path.append(came_from[path[-1]])
                return tuple(reversed(path))
            if other not in came_from:
                came_from[other] = code
                waiting.append(other)
    return None
