"""What a month would come to if something went otherwise: supposed, never recorded.

A supposition changes at most four things, in this order: how far some logs count (`silent`), how
debts become payments (`model`), who pays nothing of what he is to pay (`fails`, `largest`), and how
much of a prepayment there is to draw on (`quota_cut`): of what is held at the cut, or, where
nothing was ever prepaid, of what the quotas would be. Each is computed by the functions that
compute the real month, from the same entries; debts are never netted again because somebody fails.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from ledger import tree
from ledger.errors import FormError, RefusedError, UncheckableError
from ledger.table import Reader, log_key
from settlement import batch as batches
from settlement import cut as cuts
from settlement import netting, obligation
from settlement.batch import Result
from settlement.close import closes_to, confirmed_closes
from settlement.leg import payable_by_hub, shares_of
from settlement.lookup import applied_size, last_confirmed, ruleset_at
from settlement.membership import roster_at
from settlement.netting import LegDue
from settlement.party import CENTRE
from settlement.period import next_month
from settlement.prepayment import holdings
from settlement.record import Head
from settlement.roster import Roster
from settlement.ruleset import parse_ruleset
from settlement.totals import NOTHING, Amounts

# How many of the batches confirmed before say what a month's funds are, by the basis of the quota.
_BATCHES = {"past_years": 12, "last_quarter": 3}


class Supposition(NamedTuple):
    """What is supposed; the default supposes nothing."""

    silent: tuple[str, ...] = ()  # whose logs end at the last cut
    model: str | None = None  # another one than that in force
    fails: tuple[str, ...] = ()  # who pays nothing
    largest: int = 0  # so many of the largest payers fail, too
    quota_cut: int | None = None  # percent taken off the prepayments


class Basis(NamedTuple):
    """The month that is supposed about: how far every log counts for it."""

    month: str
    revision: int | None  # None: not proposed, the cut as it would be drawn now
    cut: Sequence[Head]
    size: int  # of the centre's log


class Flow(NamedTuple):
    """A leg and what would really be paid of it."""

    leg: LegDue
    moved_fen: int


class Short(NamedTuple):
    """Somebody does not get what a defaulter owes; `covered_fen`: out of the prepayment."""

    code: str
    defaulter: str
    fen: int
    covered_fen: int | None = None  # None: nothing was prepaid, nobody asked for quotas


class Prepaid(NamedTuple):
    """What a debtor owes for the month, and what its prepayments hold against it."""

    owed_fen: int
    prepaid_fen: int  # held at the cut; where nothing was ever prepaid, the quota
    left_fen: int  # of it, after what is cut off
    covered_fen: int


@dataclass(frozen=True)
class Outcome:
    """The month as it is and as it would be."""

    basis: Basis
    real: Result
    real_carried: int
    supposed: Result
    supposed_carried: int
    deferred: dict[tuple[str, str], Amounts]  # what the real month clears and the other does not
    fails: tuple[str, ...]
    flows: list[Flow]
    short: list[Short]
    prepaid_from: str  # HELD, BATCHES; empty: nothing was prepaid, nobody asked for quotas
    quota_from: tuple[str, ...]  # the months the quotas are the mean of
    prepaid: dict[str, Prepaid]


def basis_of(reader: Reader, founding: Roster, month: str, now: Sequence[Head]) -> Basis:
    """Return the cut of a month's newest proposal, or `now` if none stands.

    Raises:
        RefusedError: The month is not proposed and does not follow the last confirmed one (MONTH).
        UncheckableError: A log is not held here as far as it counts.
    """
    found = batches.latest_batch(reader, founding, month)
    if found is not None and found.state != "WITHDRAWN":
        basis = Basis(month, found.revision, found.proposal.cut, found.proposal_index)
    else:
        last = last_confirmed(reader)
        if last is not None and month != next_month(last):
            raise RefusedError("MONTH", f"{month} is not proposed and does not follow {last}")
        basis = Basis(month, None, now, applied_size(reader, CENTRE))
    behind = [head.code for head in cuts.missing(reader, basis.cut)]
    if behind:
        raise UncheckableError(f"the copies of {', '.join(behind)} end below the cut of {month}")
    return basis


def suppose(reader: Reader, founding: Roster, basis: Basis, what: Supposition) -> Outcome:
    """Return what the month comes to, and what it would come to under a supposition.

    Raises:
        FormError: A code is no participant's, or there is no such model.
        RefusedError: Quotas are asked for, nothing was prepaid, and the rule set knows no
            prepayment (RULESET).
    """
    roster = roster_at(reader, founding, basis.size)
    for code in (*what.silent, *what.fails):
        if code not in roster.participants:
            raise FormError("code", "a participant of the month", code)
    real, real_carried = _computed(reader, founding, basis, basis.cut)
    cut = cut_without(reader, basis, what.silent)
    other, other_carried = (
        _computed(reader, founding, basis, cut) if what.silent else (real, real_carried)
    )
    if what.model is not None:
        other = under_model(other, what.model)
    fails = failing(other, what)
    flows, short = defaults(other, fails)
    quota_from: tuple[str, ...] = ()
    prepaid: dict[str, Prepaid] = {}
    asked = what.quota_cut is not None
    whole = held_at(reader, cut) if asked or fails else {}
    prepaid_from = "HELD" if whole else "BATCHES" if asked else ""
    if asked and not whole:
        quota_from, whole = quotas_before(reader, founding, basis)
    if prepaid_from:
        left = {pair: fen * (100 - (what.quota_cut or 0)) // 100 for pair, fen in whole.items()}
        short = _covered(short, left)
        prepaid = _prepaid(other, whole, left, fails)
    return Outcome(
        basis, real, real_carried, other, other_carried,
        batches.difference(real.pairs, other.pairs), fails, flows, short, prepaid_from,
        quota_from, prepaid,
    )  # fmt: skip


def _computed(
    reader: Reader, founding: Roster, basis: Basis, cut: Sequence[Head]
) -> tuple[Result, int]:
    """Return the result at a cut, and how many entries of the real cut it does not clear."""
    month, size = basis.month, basis.size
    result = batches.compute(reader, founding, month, cut, size)
    roster = roster_at(reader, founding, size)
    position = obligation.at_cut(reader, roster, closes_to(reader, month, cut, size))
    return result, obligation.carried(reader, roster, basis.cut, month, position)


def cut_without(reader: Reader, basis: Basis, silent: Sequence[str]) -> list[Head]:
    """Return the cut with the logs of `silent` where the last confirmed close left them."""
    before = [c for c in confirmed_closes(reader, basis.size) if c.month < basis.month]
    sizes = before[-1].sizes if before else {}
    return [
        _head(reader, head.code, sizes.get(head.code, 0)) if head.code in silent else head
        for head in basis.cut
    ]


def _head(reader: Reader, code: str, size: int) -> Head:
    return Head(code, size, tree.root_at(reader, log_key(code), size))


def under_model(result: Result, model: str) -> Result:
    """Return the same debts with the legs of another model; raises FormError if there is none."""
    money = {pair: amounts.lines for pair, amounts in result.pairs.items()}
    return replace(result, model=model, legs=netting.legs(model, money, sorted(result.nets)))


# --- who fails, and who is short -----------------------------------------------------------------


def largest_payers(legs: Sequence[LegDue]) -> list[str]:
    """Return everybody who has to pay, who pays most first; of equals the smaller code.

    The centre is not among them: it passes on what it gets.

    Example:
        >>> largest_payers([LegDue(1, "540000", "000000", 5), LegDue(2, "630000", "000000", 9)])
        ['630000', '540000']
    """
    pays: dict[str, int] = {}
    for leg in legs:
        if leg.payer != CENTRE:
            pays[leg.payer] = pays.get(leg.payer, 0) + leg.fen
    return sorted(pays, key=lambda code: (-pays[code], code))


def failing(result: Result, what: Supposition) -> tuple[str, ...]:
    """Return who fails: those named and the largest payers of the legs in question."""
    return tuple(sorted({*what.fails, *largest_payers(result.legs)[: what.largest]}))


def defaults(result: Result, fails: Sequence[str]) -> tuple[list[Flow], list[Short]]:
    """Return what moves if `fails` pay nothing at all, and who is short by how much.

    Between two participants the payee of a leg bears all of it. In `net_hub` the centre lacks what
    a defaulter does not pay in, defaulter by defaulter in order of code; see `shortfall.shares`.
    """
    lost = {leg.number: leg.fen for leg in result.legs if leg.payer in fails}
    out = {leg.payee: leg.number for leg in result.legs if leg.payer == CENTRE}
    borne: dict[int, dict[str, int]] = {}
    short: list[Short] = []
    for leg in result.legs:
        if leg.payer not in fails:
            continue
        if leg.payee != CENTRE:
            short.append(Short(leg.payee, leg.payer, leg.fen))
            continue
        borne[leg.number] = shares_of(result, leg, leg.fen, payable_by_hub(result, borne))
        for code, fen in borne[leg.number].items():
            lost[out[code]] = lost.get(out[code], 0) + fen
            short.append(Short(code, leg.payer, fen))
    flows = [Flow(leg, leg.fen - lost.get(leg.number, 0)) for leg in result.legs]
    return flows, sorted(short)


# --- prepayments ---------------------------------------------------------------------------------


def held_at(reader: Reader, cut: Sequence[Head]) -> dict[tuple[str, str], int]:
    """Return what is held of every (debtor, creditor) at a cut, as the creditors' logs say.

    A pair whose prepayment was drawn or given back to the last fen has 0. Empty only if nothing was
    ever prepaid: then there are only quotas to look at.
    """
    return {
        (debtor, head.code): fen
        for head in cut
        for debtor, fen in holdings(reader, head.code).at(head.size).items()
    }


def quotas_before(
    reader: Reader, founding: Roster, basis: Basis
) -> tuple[tuple[str, ...], dict[tuple[str, str], int]]:
    """Return the quota of every pair, and the months of the batches it was computed from.

    So many months as the rule set says of the mean over the last twelve batches confirmed before,
    or three where it counts the last quarter. A pair that owed nothing has no quota. It shows what
    prepayments of that size would do where nothing has been prepaid.

    Raises:
        RefusedError: The rule set in force knows no prepayment (RULESET).
    """
    in_force = ruleset_at(reader, basis.size)
    rules = parse_ruleset(in_force.text).prepayment if in_force else None
    if rules is None:
        raise RefusedError("RULESET", "the rule set in force knows no prepayment")
    closed = [p for m, p in batches.confirmed(reader) if m < basis.month]
    closed = closed[-_BATCHES[rules.quota.basis] :]
    sums: dict[tuple[str, str], int] = {}
    for proposal in closed:
        found = batches.result_of(reader, founding, proposal.month, proposal.revision)
        for pair, amounts in found.pairs.items():
            sums[pair] = sums.get(pair, 0) + amounts.fen
    months = rules.quota.months
    quotas = {p: fen * months // len(closed) for p, fen in sorted(sums.items()) if fen > 0}
    return tuple(proposal.month for proposal in closed), quotas


def _covered(short: Sequence[Short], left: Mapping[tuple[str, str], int]) -> list[Short]:
    """Return who is short, with what a prepayment covers of it; it is drawn on once."""
    room, found = dict(left), []
    for item in short:
        pair = item.defaulter, item.code
        fen = min(item.fen, room.get(pair, 0))
        room[pair] = room.get(pair, 0) - fen
        found.append(item._replace(covered_fen=fen))
    return found


def _prepaid(
    result: Result,
    whole: Mapping[tuple[str, str], int],
    left: Mapping[tuple[str, str], int],
    only: Sequence[str],
) -> dict[str, Prepaid]:
    found = {}
    for debtor in only or sorted(result.nets):
        pairs = [(debtor, creditor) for creditor in sorted(result.nets)]
        owed = {pair: max(result.pairs.get(pair, NOTHING).fen, 0) for pair in pairs}
        found[debtor] = Prepaid(
            owed_fen=sum(owed.values()),
            prepaid_fen=sum(whole.get(pair, 0) for pair in pairs),
            left_fen=sum(left.get(pair, 0) for pair in pairs),
            covered_fen=sum(min(owed[pair], left.get(pair, 0)) for pair in pairs),
        )
    return found
