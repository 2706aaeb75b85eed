"""Where the money of a month is, counted from single entries: for the oracle, slow on purpose.

Whoever is to receive a net has it in money or is still owed it by somebody, and whoever is to pay
has paid or still owes: what a participant got less what it sent is its net, less what is still
outstanding to it, plus what it still owes. Nothing is shared with `settlement.leg`.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from ledger import log
from ledger.table import Reader, log_key
from node.simulation.naive import record_at
from settlement.party import CENTRE
from settlement.record import Certificate, Draw, Paid, Received, Record, Returned


def entries(stores: Mapping[str, Reader]) -> list[tuple[str, int, Record]]:
    """Return every entry of the authors' own logs as (author, index, record)."""
    return [item for code, store in sorted(stores.items()) for item in entries_at(store, [code])]


def entries_at(reader: Reader, codes: Sequence[str]) -> list[tuple[str, int, Record]]:
    """Return every entry of some logs as one store has them, as (author, index, record)."""
    return [
        (code, index, record_at(reader, code, index))
        for code in codes
        for index in range(log.size(reader, log_key(code)))
    ]


def certified(found: list[tuple[str, int, Record]]) -> list[str]:
    """Return the months whose every leg has an end, as the centre says."""
    return [record.month for _, _, record in found if isinstance(record, Certificate)]


def moved(found: list[tuple[str, int, Record]], month: str) -> dict[str, int]:
    """Return what each participant has received less what it has sent for a month, in fen."""
    back = {
        (code, r.number, r.payee, r.attempt)
        for code, _, r in found
        if isinstance(r, Returned) and (r.purpose, r.month) == ("clearing", month)
    }
    result: dict[str, int] = defaultdict(int)
    for code, _, record in found:
        if not isinstance(record, Paid | Received):
            continue
        if (record.purpose, record.month) != ("clearing", month):
            continue
        if isinstance(record, Paid):
            if (code, record.number, record.payee, record.attempt) not in back:
                result[code] -= record.fen
        else:
            result[code] += record.fen
    return dict(result)


def outstanding(found: list[tuple[str, int, Record]], month: str) -> dict[tuple[str, str], int]:
    """Return what is still owed of what was drawn or entered as arrears, by (debtor, bearer)."""
    result: dict[tuple[str, str], int] = {}
    for code, index, record in found:
        if isinstance(record, Draw) and record.month == month:
            came = sum(
                other.fen
                for author, place, other in found
                if author == code and place > index and isinstance(other, Received)
                and (other.purpose, other.month, other.number) == ("clearing", month, record.leg)
            )  # fmt: skip
            left = record.drawn_fen + record.arrears_fen - came
            place = record.debtor, code
            result[place] = result.get(place, 0) + left
    return result


def faults(found: list[tuple[str, int, Record]], month: str, nets: dict[str, int]) -> list[str]:
    """Return what does not fit in the money of a month whose every leg has an end."""
    money, left = moved(found, month), outstanding(found, month)
    wrong = [f"{b} has {-fen} fen too many of {d}" for (d, b), fen in left.items() if fen < 0]
    if money.get(CENTRE, 0) != 0:
        wrong.append(f"the centre is left with {money[CENTRE]} fen")
    for code, net in sorted(nets.items()):
        owed_to = sum(fen for (_, bearer), fen in left.items() if bearer == code)
        owed_by = sum(fen for (debtor, _), fen in left.items() if debtor == code)
        expected = net - owed_to + owed_by
        if money.get(code, 0) != expected:
            wrong.append(f"{code} moved {money.get(code, 0)} fen, expected {expected}")
    return wrong
