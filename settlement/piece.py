"""Pieces: an amount cut where a fund's ratio changes."""

from collections.abc import Sequence
from typing import NamedTuple

from settlement.money import parse_fen, round_thousandths
from settlement.provision import Band
from settlement.steps import percent, yuan


class Piece(NamedTuple):
    """A part of an amount, above zero, and the ratio for it."""

    fen: int
    per_mille: int


def cut(fen: int, bands: Sequence[Band]) -> list[Piece]:
    """Return an amount cut at the ends of the bands, in their order; nothing of nothing.

    Example:
        >>> cut(1500, [Band(per_mille=850, up_to="10.00"), Band(per_mille=900)])
        [Piece(fen=1000, per_mille=850), Piece(fen=500, per_mille=900)]
    """
    pieces, floor = [], 0
    for band in bands:
        end = fen if band.up_to is None else min(fen, parse_fen(band.up_to))
        if end > floor:
            pieces.append(Piece(end - floor, band.per_mille))
            floor = end
    return pieces


def share(pieces: Sequence[Piece]) -> int:
    """Return what a fund pays of pieces, in fen, rounded once.

    Example:
        >>> share([Piece(1000, 850), Piece(500, 901)])
        1301
    """
    return round_thousandths(sum(piece.fen * piece.per_mille for piece in pieces))


def product(pieces: Sequence[Piece]) -> str:
    """Return pieces as a step shows them.

    Example:
        >>> product([Piece(1000, 850), Piece(500, 900)])
        '10.00 x 85.0 % + 5.00 x 90.0 %'
    """
    return " + ".join(f"{yuan(piece.fen)} x {percent(piece.per_mille)}" for piece in pieces)
