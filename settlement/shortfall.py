"""What becomes of money that a payer does not pay in: who bears it, and how late money is shared.

Only the model `net_hub` asks: the centre holds no money of its own, so what one payer leaves out is
missing from what the receivers get. It falls to those with a claim on the defaulter, in proportion
to their claims; nothing is netted again, and everybody else is paid in full.
"""

from collections.abc import Mapping


def proportional(fen: int, weights: Mapping[str, int]) -> dict[str, int]:
    """Return `fen` divided by weight to the fen: largest remainder first, ties by code.

    The parts add up to `fen`; weights of zero get nothing.

    Example:
        >>> proportional(100, {"510000": 1, "540000": 1, "610000": 1})
        {'510000': 34, '540000': 33, '610000': 33}
    """
    whole = sum(weights.values())
    assert fen >= 0
    assert whole > 0
    assert min(weights.values()) >= 0
    parts = {code: fen * weights[code] // whole for code in sorted(weights)}
    rest = {code: fen * weights[code] % whole for code in parts}
    for code in sorted(rest, key=lambda c: (-rest[c], c))[: fen - sum(parts.values())]:
        parts[code] += 1
    return parts


def shares(
    shortfall_fen: int, claims: Mapping[str, int], payable: Mapping[str, int]
) -> dict[str, int]:
    """Return what each receiver bears of a shortfall, by code; they add up to all of it.

    In proportion to the claims on the defaulter, and nobody more than the hub still has to pay him;
    what goes beyond that falls to the others with a claim, and when they are exhausted to the
    remaining receivers in proportion to what they are to get: the hub has no other money.

    Args:
        claims: What the defaulter owes each receiver for the month (its pair sums), in fen;
            negative or zero: no claim.
        payable: What the hub still has to pay each receiver, in fen, at least the shortfall in all.

    Example:
        >>> shares(90, {"510000": 200, "610000": 100}, {"510000": 500, "540000": 80, "610000": 20})
        {'510000': 70, '610000': 20}
    """
    assert 0 < shortfall_fen <= sum(payable.values())
    left = dict(payable)
    borne = _spread(shortfall_fen, {c: f for c, f in claims.items() if f > 0}, left)
    rest = shortfall_fen - sum(borne.values())
    for code, fen in _spread(rest, dict(left), left).items():
        borne[code] = borne.get(code, 0) + fen
    return {code: borne[code] for code in sorted(borne) if borne[code]}


def _spread(fen: int, weights: Mapping[str, int], left: dict[str, int]) -> dict[str, int]:
    # Takes from `left`. Every round somebody is exhausted, or everything has found its bearer.
    borne: dict[str, int] = {}
    while fen:
        asked = {code: weight for code, weight in weights.items() if weight and left.get(code, 0)}
        if not asked:
            break
        parts = proportional(fen, asked)
        for code, part in parts.items():
            taken = min(part, left[code])
            borne[code] = borne.get(code, 0) + taken
            left[code] -= taken
            fen -= taken
    return borne
