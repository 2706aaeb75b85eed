"""The quota of a year: how large every prepayment is to be, from batches that anybody can add up.

    last_quarter   months × monthly mean of the last quarter of the year before        (2022: L16)
    past_years     months × monthly mean of all batches of the years before            (2016: R66)

The amount of a pair is what its batches cleared in all fund lines; no source says whether personal
accounts count, so what is cleared together is paid ahead together. The mean is over the batches
that are there: a network that began in November has two of the last quarter. Rounded half up to the
fen, once, at the end; what is not above zero gives nothing.

A network without any batch before the year has no basis: its first quotas are given by hand with a
reason, and say so by naming no months.
"""

from collections.abc import Iterable, Mapping, Sequence

from ledger import encoding
from ledger.errors import RefusedError
from ledger.hashing import hash_bytes
from settlement.period import months_between
from settlement.record import PairAmount

VERSION = 1
Pairs = Mapping[tuple[str, str], int]
"""(debtor, creditor) -> fen."""


def basis_months(confirmed: Sequence[str], year: int, basis: str) -> list[str]:
    """Return the confirmed months that a quota of `year` rests on; empty: nothing was cleared yet.

    Args:
        confirmed: All confirmed months, ascending, without a gap.
        basis: `last_quarter` or `past_years`.

    Raises:
        RefusedError: The year before is not confirmed to its end (MONTH).

    Example:
        >>> basis_months(["2017-09", "2017-10", "2017-11", "2017-12"], 2018, "last_quarter")
        ['2017-10', '2017-11', '2017-12']
    """
    before = [month for month in confirmed if month < f"{year}-01"]
    if not before:
        return []
    if before[-1] != f"{year - 1}-12":
        missing = months_between(before[-1], f"{year - 1}-12")[1:]
        raise RefusedError("MONTH", f"not confirmed yet: {', '.join(missing)}")
    if basis == "last_quarter":
        return [month for month in before if month >= f"{year - 1}-10"]
    return before


def quota_fen(cleared_fen: int, batches: int, months: int) -> int:
    """Return `months` times the monthly mean of what `batches` batches cleared, in fen.

    Example:
        >>> quota_fen(1_000, 3, 2), quota_fen(-5, 3, 2)
        (667, 0)
    """
    assert batches > 0
    return max(0, (2 * months * cleared_fen + batches) // (2 * batches))


def quotas(cleared: Pairs, batches: int, months: int) -> dict[tuple[str, str], int]:
    """Return the quota of every pair that has one, from what all batches of the basis cleared."""
    found = {pair: quota_fen(fen, batches, months) for pair, fen in sorted(cleared.items())}
    return {pair: fen for pair, fen in found.items() if fen}


def rows_of(pairs: Pairs) -> list[PairAmount]:
    """Return amounts by pair as the rows of a record."""
    return [PairAmount(debtor, creditor, fen) for (debtor, creditor), fen in sorted(pairs.items())]


def pairs_of(rows: Iterable[PairAmount]) -> dict[tuple[str, str], int]:
    """Return the rows of a record as amounts by pair."""
    return {(row.debtor, row.creditor): row.fen for row in rows}


def quota_hash(
    year: int, ruleset_hash: bytes, months: Sequence[str], rows: Iterable[PairAmount]
) -> bytes:
    """Return the SHA-256 of the canonical quota document."""
    listed = [[row.debtor, row.creditor, row.fen] for row in rows]
    return hash_bytes(encoding.pack([VERSION, year, ruleset_hash, list(months), listed]))
