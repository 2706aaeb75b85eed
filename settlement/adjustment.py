"""The yearly adjustment: the quota of a year, and what it makes everybody pay or give back.

    row = quota − (held + drawn and still to be refilled + demanded before and still to come)

What is still to come of an earlier demand or of late money is not demanded twice. All of it is
read at the heads that the demand names, so anybody computes every row again.
"""

from collections.abc import Mapping

from ledger.errors import FormError, RefusedError
from ledger.hashing import hash_bytes
from ledger.table import Reader
from settlement.cleared import added, cleared_months
from settlement.lookup import confirmed_months, demands, ruleset_at
from settlement.prepayment import Holdings, holdings
from settlement.quota import basis_months, pairs_of, quota_hash, quotas, rows_of
from settlement.record import Head, PairAmount, Quota
from settlement.roster import Roster
from settlement.ruleset import Prepayment, parse_ruleset

Pairs = dict[tuple[str, str], int]


def prepayment_rules(reader: Reader, size: int) -> tuple[Prepayment, bytes]:
    """Return what the rule set in force below `size` says of prepayment, and the set's hash.

    Raises:
        FormError: No rule set is in force.
        RefusedError: It knows no prepayment (RULESET).
    """
    in_force = ruleset_at(reader, size)
    if in_force is None:
        raise FormError("rule set", "one in force below a quorum-cosigned head of the centre")
    rules = parse_ruleset(in_force.text).prepayment
    if rules is None:
        raise RefusedError("RULESET", f"the rule set {in_force.name} knows no prepayment")
    return rules, hash_bytes(in_force.text)


def compute_quota(reader: Reader, founding: Roster, year: int, size: int) -> Quota:
    """Return the quota of a year as the batches confirmed below `size` of the centre's log give it.

    Raises:
        RefusedError: The rule set in force knows no prepayment (RULESET), the year before is not
            confirmed to its end (MONTH), or nothing was cleared before the year (STATE).
        UncheckableError: A log of a cut is not held here that far.
    """
    rules, digest = prepayment_rules(reader, size)
    confirmed = [month for month, index in confirmed_months(reader) if index < size]
    months = basis_months(confirmed, year, rules.quota.basis)
    if not months:
        raise RefusedError("STATE", f"nothing was cleared before {year}: give the quotas by hand")
    cleared = added(cleared_months(reader, founding, size), months)
    rows = rows_of(quotas(cleared, len(months), rules.quota.months))
    return Quota(year, months, digest, quota_hash(year, digest, months, rows), rows, "", [])


def given_quota(reader: Reader, year: int, rows: list[PairAmount], reason: str, size: int) -> Quota:
    """Return the quota of a year as somebody gives it by hand; `rows` by pair.

    Raises:
        RefusedError: The rule set in force knows no prepayment (RULESET).
    """
    _, digest = prepayment_rules(reader, size)
    return Quota(year, [], digest, quota_hash(year, digest, [], rows), rows, reason, [])


def quota_differences(
    reader: Reader, founding: Roster, index: int, claimed: Quota
) -> list[tuple[str, str, int, int]]:
    """Return where a computed quota is not what its batches give: (debtor, creditor, claimed, fen).

    Args:
        index: Of the entry in the centre's log.

    Raises:
        RefusedError, UncheckableError: See `compute_quota`.
    """
    mine = pairs_of(compute_quota(reader, founding, claimed.year, index).rows)
    theirs = pairs_of(claimed.rows)
    return [
        (*pair, theirs.get(pair, 0), mine.get(pair, 0))
        for pair in sorted(mine.keys() | theirs.keys())
        if mine.get(pair, 0) != theirs.get(pair, 0)
    ]


def expected(
    reader: Reader, holdings: Mapping[str, Holdings], sizes: Mapping[str, int], size: int
) -> Pairs:
    """Return what every pair will have prepaid when all that is owed of it has moved, in fen.

    Args:
        sizes: Of the participants' logs.
        size: Of the centre's log, below which demands count.
    """
    found: Pairs = {}
    moved = {}
    for code, limit in sizes.items():
        for debtor, account in holdings[code].accounts(limit).items():
            found[debtor, code] = account.held_fen + account.to_refill_fen
        moved[code] = holdings[code].moved(limit)
    for _, demand in demands(reader, size):
        for row in demand.rows:
            if row.creditor not in sizes:
                continue
            done = moved[row.creditor].get((row.debtor, demand.month, row.number), 0)
            left = max(0, row.fen - done) if row.fen > 0 else min(0, row.fen - done)
            pair = row.debtor, row.creditor
            found[pair] = found.get(pair, 0) + left
    return found


def adjustment(quota: Quota, prepaid: Mapping[tuple[str, str], int]) -> Pairs:
    """Return what each pair pays (above zero) or gets back (below zero) to come to its quota."""
    wanted = pairs_of(quota.rows)
    changes = {
        pair: wanted.get(pair, 0) - prepaid.get(pair, 0)
        for pair in sorted(wanted.keys() | prepaid.keys())
    }
    return {pair: fen for pair, fen in changes.items() if fen}


def adjustment_at(
    reader: Reader, fixed: Quota, cut: list[Head], size: int
) -> dict[tuple[str, str], int]:
    """Return the rows of a yearly demand as the logs have them at these heads."""
    sizes = {head.code: head.size for head in cut}
    held = {code: holdings(reader, code) for code in sizes}
    return adjustment(fixed, expected(reader, held, sizes, size))
