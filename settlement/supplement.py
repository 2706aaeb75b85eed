"""Supplementary funds: who pays after the basic pool, in the order of the policy's layers.

A layer takes its base, leaves the threshold to the person, pays its ratios of the rest up to what
its limit of the year still allows, and passes on what it did not pay.
"""

from settlement.bill import YearSoFar
from settlement.money import parse_fen
from settlement.piece import cut, product, share
from settlement.provision import Layer, limit_fen
from settlement.steps import Reckoning, yuan


class Supplements:
    """What the supplementary funds of one bill have paid so far.

    Attributes:
        paid: Fen by fund code, in the order in which they paid.
        columns: Fen by column of the case row; several funds may share one.
        thresholds: Fen the person bore towards thresholds of the year, by fund code.
    """

    def __init__(self, left: int, over_cap: int, year: YearSoFar) -> None:
        """Begin after the pool.

        Args:
            left: What is in scope and still with the person, in fen.
            over_cap: The part of that the pool did not pay because of its limit.
            year: What the year used up before.
        """
        assert 0 <= over_cap <= left
        self._left, self._over_cap, self._year = left, over_cap, year
        self.paid: dict[str, int] = {}
        self.columns: dict[str, int] = {}
        self.thresholds: dict[str, int] = {}

    def pay(self, layer: Layer, reckoning: Reckoning) -> None:
        """Let one layer pay and note how."""
        base = self._base(layer, reckoning)
        pieces = cut(base - self._threshold(layer, base, reckoning), layer.bands)
        fen = reckoning.add("LAYER_SHARE", share(pieces), product(pieces), layer)
        limit = limit_fen(layer.cap)
        if limit is not None:
            before = self._year.layers.get(layer.fund, 0) + self.paid.get(layer.fund, 0)
            room = max(0, limit - before)
            reckoning.add("LAYER_LEFT", room, f"{yuan(limit)} - {yuan(before)}", layer)
            fen = min(fen, room)
        reckoning.add("LAYER", fen, given=layer)
        self._left -= fen
        if layer.base == "over_cap":
            self._over_cap -= fen
        _count(self.paid, layer.fund, fen)
        _count(self.columns, layer.column, fen)

    def _base(self, layer: Layer, reckoning: Reckoning) -> int:
        if layer.base == "left":
            return reckoning.add("LAYER_BASE_LEFT", self._left, given=layer)
        # A layer before this one may have paid a part of what went over the cap.
        return reckoning.add("LAYER_BASE_OVER_CAP", min(self._left, self._over_cap), given=layer)

    def _threshold(self, layer: Layer, base: int, reckoning: Reckoning) -> int:
        threshold = parse_fen(layer.threshold)
        if threshold == 0:
            return 0
        if layer.threshold_per == "case":
            return reckoning.add("LAYER_THRESHOLD", min(threshold, base), layer.threshold, layer)
        before = self._year.thresholds.get(layer.fund, 0) + self.thresholds.get(layer.fund, 0)
        borne = min(max(0, threshold - before), base)
        _count(self.thresholds, layer.fund, borne)
        return reckoning.add("LAYER_THRESHOLD", borne, f"{layer.threshold} - {yuan(before)}", layer)


def _count(amounts: dict[str, int], key: str, fen: int) -> None:
    if fen:
        amounts[key] = amounts.get(key, 0) + fen
