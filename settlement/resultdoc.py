"""The result document of a batch read back: what whoever holds no logs knows of a month.

It says the money and nothing else (see `batch.Result.encode`): no counts of entries, and no model,
which the rule set says whose hash it names.
"""

from typing import Annotated

import msgspec

from ledger.encoding import Codec
from ledger.errors import FormError
from settlement.batch import VERSION, Result
from settlement.netting import LegDue
from settlement.record import Code, Fen, Hash, Month, Net, Number, Part
from settlement.totals import Amounts

MAX_RESULT = 1024 * 1024


class _PairRow(Part, frozen=True):
    debtor: Code
    creditor: Code
    employee: Fen
    resident: Fen
    other: Fen
    account: Fen


class _LegRow(Part, frozen=True):
    number: Number
    payer: Code
    payee: Code
    fen: Annotated[int, msgspec.Meta(ge=1, le=2**53)]


class _Document(Part, frozen=True):
    version: Annotated[int, msgspec.Meta(ge=VERSION, le=VERSION)]
    month: Month
    ruleset_hash: Hash
    pairs: list[_PairRow]
    nets: list[Net]
    legs: list[_LegRow]


_CODEC = Codec(_Document)


def read_result(data: bytes, model: str) -> Result:
    """Return the result that a result document says; the counts of entries in it are all 0.

    Args:
        model: Of the rule set it names; the document does not say.

    Raises:
        FormError: Too long, not canonical, or a row twice or out of order.
    """
    if len(data) > MAX_RESULT:
        raise FormError("result document", f"at most {MAX_RESULT} bytes", len(data))
    found = _CODEC.decode(data)
    result = Result(
        month=found.month,
        model=model,
        ruleset_hash=found.ruleset_hash,
        pairs={(row.debtor, row.creditor): _amounts(row) for row in found.pairs},
        nets={net.code: net.fen for net in found.nets},
        legs=[LegDue(leg.number, leg.payer, leg.payee, leg.fen) for leg in found.legs],
    )
    if result.encode() != data:
        raise FormError("result document", "each pair and net once, in order, none of zero")
    return result


def _amounts(row: _PairRow) -> Amounts:
    return Amounts(0, row.employee, row.resident, row.other, row.account)
