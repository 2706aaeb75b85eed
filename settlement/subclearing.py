"""Two levels: what a month comes to among the cities of one province (省、市两级清算, R67, R71).

    entry ──► share ──► sum of a city with a counterpart ──► pair sum of the province ──► its legs

A batch clears between provinces. Each entry names two areas: where the person is insured and where
the person was treated; so each amount belongs to a city of the debtor and to a city of the
creditor. The city sums are made of the shares of exactly the entries that the batch clears, and for
each counterpart and fund line they must add up to the pair sums of the batch (`tie_out`).

The city legs move money between the cities and the provincial centre, the hub, under any of the
three models; in each of them they add up to the province's own legs. What a person insured in the
province costs in the province is in no log here: cases inside a province are not in this ledger.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import NamedTuple

from ledger.errors import RefusedError, VerificationError
from ledger.table import Reader
from settlement import batch as batches
from settlement import netting
from settlement.batch import LINES, Result
from settlement.city import Cities, Sums
from settlement.close import Close, closes_to
from settlement.lookup import confirmed_proposals
from settlement.netting import LegDue
from settlement.party import city_of
from settlement.record import Lines
from settlement.roster import Roster
from settlement.share import shares
from settlement.totals import NOTHING, Amounts, add_all

HUB = "hub"
"""The provincial centre in city legs. No code: the area of the whole province has the province's
own code and is a city, and the national centre is somebody else."""

Progress = Callable[[str], None]
"""Called with the code of each log that has been read."""


class Confirmed(NamedTuple):
    """A confirmed batch, recomputed, and the closes that it follows from."""

    revision: int
    closes: list[Close]
    result: Result


def confirmed_batch(
    reader: Reader, founding: Roster, month: str, size: int | None = None
) -> Confirmed:
    """Return the confirmed batch of a month.

    Args:
        size: Of the centre's log: only what is confirmed below it counts; default: all of it.

    Raises:
        RefusedError: The month is not confirmed (STATE).
        VerificationError: The confirmed result is not what this replica computes.
    """
    for proposal, index, confirmation in confirmed_proposals(reader):
        if proposal.month == month and (size is None or confirmation < size):
            result = batches.result_of(reader, founding, month, proposal.revision)
            if result.hash != proposal.result_hash:
                place = f"{month}: the confirmed result"
                raise VerificationError(place, result.hash, proposal.result_hash)
            closes = closes_to(reader, month, proposal.cut, index)
            return Confirmed(proposal.revision, closes, result)
    raise RefusedError("STATE", f"{month} is not confirmed")


def compute(
    reader: Reader, batch: Confirmed, provinces: Collection[str], progress: Progress | None = None
) -> dict[str, Cities]:
    """Return the cities of each of `provinces`, not tied out yet.

    Every log is read once at most, and of it what newly binds; memory holds the sums alone.
    """
    result, told = batch.result, progress or (lambda _code: None)
    head = result.month, batch.revision, result.hash
    found = {code: Cities(code, *head) for code in sorted(provinces)}
    members = sorted(batch.closes[-1].sizes)
    for creditor in members:
        others = [code for code in members if code != creditor]
        debtors = others if creditor in found else [code for code in others if code in found]
        for share in shares(reader, batch.closes, creditor, debtors):
            if share.debtor in found:
                place = city_of(share.record.insured_area), creditor
                _add(found[share.debtor].owes, place, share.amounts)
            if creditor in found:
                place = city_of(share.record.treatment_area), share.debtor
                _add(found[creditor].owed, place, share.amounts)
        told(creditor)
    for cities in found.values():
        for sums in (cities.owes, cities.owed):
            for place in [place for place, amounts in sums.items() if amounts == NOTHING]:
                del sums[place]
    return found


def _add(sums: Sums, place: tuple[str, str], amounts: Amounts) -> None:
    sums[place] = sums.get(place, NOTHING).plus(amounts)


def cities_of(
    reader: Reader,
    founding: Roster,
    month: str,
    province: str,
    *,
    size: int | None = None,
    progress: Progress | None = None,
) -> tuple[Cities, Confirmed]:
    """Return what a confirmed month comes to among the cities of a province, tied out.

    Raises:
        RefusedError: The month is not confirmed (STATE), or the province took no part in it (ROLE).
        VerificationError: See `confirmed_batch` and `tie_out`.
    """
    batch = confirmed_batch(reader, founding, month, size)
    if province not in batch.closes[-1].sizes:
        raise RefusedError("ROLE", f"{province} took no part in the batch of {month}")
    cities = compute(reader, batch, [province], progress)[province]
    tie_out(cities, batch.result)
    return cities, batch


def tie_out(cities: Cities, result: Result, *, counted: bool = True) -> None:
    """Check that the city sums are the province's pair sums, line by line, to the fen.

    Args:
        counted: The result knows how many entries it clears; one read from a document does not.

    Raises:
        VerificationError: Names the counterpart, the direction, the line and both figures.
    """
    code = cities.province
    if (cities.month, cities.result_hash) != (result.month, result.hash):
        raise VerificationError(f"cities of {code}: another batch", result.hash, cities.result_hash)
    for counterpart in sorted(result.nets.keys() - {code}):
        owes = result.pairs.get((code, counterpart), NOTHING)
        owed = result.pairs.get((counterpart, code), NOTHING)
        lines = ("entries", *LINES) if counted else LINES
        _tie(cities, cities.owes, counterpart, owes, f"owe {counterpart}", lines)
        _tie(cities, cities.owed, counterpart, owed, f"are owed by {counterpart}", lines)
    strangers = {c for _, c in (*cities.owes, *cities.owed)} - result.nets.keys()
    if strangers:
        raise VerificationError(f"cities of {code}: {sorted(strangers)} took no part in the batch")
    net = sum(cities.nets.values())
    if net != result.nets.get(code, 0):
        raise VerificationError(f"cities of {code}: their nets, fen", result.nets.get(code, 0), net)


def _tie(
    cities: Cities, sums: Sums, counterpart: str, pair: Amounts, what: str, lines: Sequence[str]
) -> None:
    together = add_all(amounts for (_, other), amounts in sums.items() if other == counterpart)
    for line in lines:
        expected, got = getattr(pair, line), getattr(together, line)
        if expected != got:
            unit = "" if line == "entries" else ", fen"
            place = f"cities of {cities.province} {what} in {cities.month}: {line}{unit}"
            raise VerificationError(place, expected, got)


# --- legs -----------------------------------------------------------------------------------------


class CityLeg(NamedTuple):
    """One movement between a city and the hub; for which counterpart, unless all are netted."""

    due: LegDue  # payer or payee is HUB
    lines: Lines
    counterpart: str | None


def city_legs(cities: Cities, model: str) -> list[CityLeg]:
    """Return the movements of money between the cities and the provincial centre.

    `gross_pair` and `net_pair`: for every counterpart by itself, as the province pays there.
    `net_hub`: the paying cities remit their net to the hub, then the hub pays the receiving ones.
    In each model they add up to the province's own legs, per counterpart and fund line.

    Raises:
        FormError: There is no such model.
    """
    found: list[CityLeg] = []
    for counterpart, pairs in _pairs(cities, model):
        for due, lines in netting.movements(model, pairs, cities.codes, HUB):
            numbered = due._replace(number=len(found) + 1)
            found.append(CityLeg(numbered, lines, counterpart))
    return found


def _pairs(cities: Cities, model: str) -> Iterator[tuple[str | None, netting.PairSums]]:
    if model == "net_hub":
        whole = {(c, HUB): cities.of(cities.owes, c).lines for c in cities.codes}
        whole |= {(HUB, c): cities.of(cities.owed, c).lines for c in cities.codes}
        yield None, whole
        return
    for counterpart in sorted({other for _, other in (*cities.owes, *cities.owed)}):
        pairs = {(c, HUB): a.lines for (c, o), a in cities.owes.items() if o == counterpart}
        pairs |= {(HUB, c): a.lines for (c, o), a in cities.owed.items() if o == counterpart}
        yield counterpart, pairs
