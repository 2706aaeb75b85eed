"""Orders about prepayment: quotas, demands, requests in the red, and what the banks have done.

The centre fixes the quotas of a year and demands the difference; a treatment province asks for more
while a red alert stands, and the centre grants it, less, or nothing. Money is recorded by whoever
sent it and by whoever got it, row by row of a demand.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ledger.errors import FormError, RefusedError
from ledger.table import Reader
from node import heads
from node.money import confirmed_result, enter
from node.transfers import Transfer, check_reference
from node.turn import Turn
from settlement import demand as demanded
from settlement import lookup
from settlement.adjustment import adjustment_at, compute_quota, given_quota
from settlement.demand import Row
from settlement.money import format_yuan
from settlement.party import CENTRE
from settlement.period import check_day
from settlement.prepaysteps import red_pairs_of
from settlement.quota import rows_of
from settlement.quotafile import parse_quotas
from settlement.record import Demand, DemandRow, Increase, Paid, PairAmount, Quota
from settlement.timeliness import due_days

if TYPE_CHECKING:
    from node.centre import Centre
    from node.province import Province
    from node.role import Role


# --- the centre ----------------------------------------------------------------------------------


def quota(
    role: "Centre",
    turn: Turn,
    year: int,
    given: str | None = None,
    reason: str = "",
    *,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Fix the quotas of a year: from the batches before it, or as they are given by hand.

    Args:
        given: The file of quotas, see `quotafile`; only where nothing was cleared before the year.

    Raises:
        RefusedError: See `adjustment.compute_quota`; or the year has its quotas (DUPLICATE).
        FormError: `given` without a reason, or not such a file.
    """
    turn.flush()
    size = lookup.applied_size(turn.writer, CENTRE)
    if given is None:
        record = compute_quota(turn.writer, role.founding, year, size)
    else:
        if not reason.strip():
            raise FormError("reason", "why these quotas are given by hand", reason)
        record = _given(role, turn.writer, year, given, reason, size)
    return {**quota_report(record), "index": enter(turn, record, dry_run=dry_run)}


def _given(role: "Centre", reader: Reader, year: int, text: str, reason: str, size: int) -> Quota:
    rows = parse_quotas(text.encode(), "quotas")
    for row in rows:
        for code in (row.debtor, row.creditor):
            if code not in role.roster.participants:
                raise FormError("quotas", "codes of participants", code)
    return given_quota(reader, year, rows, reason, size)


def quota_report(record: Quota) -> dict[str, Any]:
    """Return a quota by name; amounts in fen, the debtor before the `>`."""
    return {
        "year": record.year,
        "basis": "given" if not record.months else "batches",
        "months": record.months,
        "reason": record.reason or None,
        "hash": record.result_hash.hex(),
        "ruleset_hash": record.ruleset_hash.hex(),
        "total_fen": sum(row.fen for row in record.rows),
        "rows": [_pair_row(row) for row in record.rows],
    }


def _pair_row(row: PairAmount) -> dict[str, Any]:
    return {"debtor": row.debtor, "creditor": row.creditor, "fen": row.fen}


def demand(
    role: "Centre", turn: Turn, year: int, due: str | None = None, *, dry_run: bool = False
) -> dict[str, Any]:
    """Demand what the quotas of a year ask for beyond what is held; or let it be given back.

    Args:
        due: Until when; default: the day of the step `quota_pay` of the rule set.

    Raises:
        RefusedError: The year has no quotas, or its demand is made (STATE); nothing is to be
            adjusted (NOTHING_LEFT); no day follows from the rule set (DUE); a copy is behind its
            cosigned head (BEHIND).
    """
    turn.flush()
    fixed = lookup.quota_of(turn.writer, year)
    if fixed is None:
        raise RefusedError("STATE", f"the quotas of {year} are not fixed")
    month = f"{year}-01"
    if lookup.demand_for(turn.writer, month) is not None:
        raise RefusedError("STATE", f"the demand of {year} is made")
    until = _until(role, turn, month, due)
    drawn = turn.drafted
    signed = drawn if isinstance(drawn, Demand) and drawn.month == month else None
    cut = role.cut(turn.writer) if signed is None else signed.heads  # what two people have signed
    pairs = adjustment_at(turn.writer, fixed[1], cut, lookup.applied_size(turn.writer, CENTRE))
    if not pairs:
        raise RefusedError("NOTHING_LEFT", f"{year}: every prepayment is what its quota asks for")
    first = lookup.last_row(turn.writer, month) + 1
    rows = [
        DemandRow(number, row.debtor, row.creditor, row.fen)
        for number, row in enumerate(rows_of(pairs), first)
    ]
    record = Demand(month, "yearly", rows, until, cut, "", [])
    return _demand_report(record, enter(turn, record, dry_run=dry_run))


def _until(role: "Centre", turn: Turn, month: str, due: str | None) -> str:
    if due is None:
        days = due_days(turn.writer, role.founding, month, lookup.applied_size(turn.writer, CENTRE))
        if "quota_pay" not in days:
            raise RefusedError("DUE", "the rule set names no day for it: give one")
        return days["quota_pay"].isoformat()
    today = role.today(turn.now_ms)
    if check_day(due) < today:
        raise RefusedError("DUE", f"the day lies before the business date {today}")
    return due


def demand_urgent(
    role: "Centre",
    turn: Turn,
    month: str,
    creditor: str,
    debtor: str,
    due: str,
    fen: int | None = None,
    reason: str = "",
    *,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Answer a request for an increase: demand all of it, less, or nothing (0 fen).

    Args:
        fen: What is demanded; default: what was asked for.
        reason: Why it is less; needed only then.

    Raises:
        RefusedError: No such request is below a quorum-cosigned head (STATE), it is answered
            (DUPLICATE), or more would be demanded than was asked for (EXCEEDS).
        FormError: Less than was asked for without a reason, or below zero.
    """
    asked = request_of(turn.writer, month, creditor, debtor)
    if asked is None:
        raise RefusedError("STATE", f"{creditor} has not asked for more of {debtor} for {month}")
    if lookup.demand_for(turn.writer, month, debtor, creditor) is not None:
        raise RefusedError("DUPLICATE", f"the request of {creditor} for {month} is answered")
    amount = asked.fen if fen is None else fen
    if amount > asked.fen:
        raise RefusedError("EXCEEDS", f"{format_yuan(asked.fen)} yuan were asked for")
    if amount < 0:
        raise FormError("fen", "zero or more", amount)
    if amount < asked.fen and not reason.strip():
        raise FormError("reason", "why less is demanded than was asked for", reason)
    number = lookup.last_row(turn.writer, month) + 1
    row = DemandRow(number, debtor, creditor, amount)
    until = _until(role, turn, month, due)
    record = Demand(month, "urgent", [row], until, [], reason.strip(), [])
    return _demand_report(record, enter(turn, record, dry_run=dry_run))


def request_of(reader: Reader, month: str, creditor: str, debtor: str) -> Increase | None:
    """Return a request for an increase below a quorum-cosigned head of its log, or None."""
    found = lookup.request_of(reader, month, creditor, debtor)
    seen = found is not None and found[0] < heads.size_of(reader, creditor)
    return found[1] if found is not None and seen else None


def _demand_report(record: Demand, index: int | None) -> dict[str, Any]:
    rows = [
        {"row": row.number, "debtor": row.debtor, "creditor": row.creditor, "fen": row.fen}
        for row in record.rows
    ]
    return {
        "month": record.month, "cause": record.cause, "due": record.due,
        "reason": record.reason or None, "rows": rows,
        "pay_fen": sum(row.fen for row in record.rows if row.fen > 0),
        "back_fen": -sum(row.fen for row in record.rows if row.fen < 0), "index": index,
    }  # fmt: skip


# --- provinces -----------------------------------------------------------------------------------


def increase(
    role: "Province", turn: Turn, month: str, debtor: str, fen: int, *, dry_run: bool = False
) -> dict[str, Any]:
    """Ask for more prepayment of a debtor, for the red alert of the last confirmed month.

    Raises:
        RefusedError: The month is not the last one confirmed, or no red alert stands in it (STATE);
            something else was asked for (DUPLICATE).
    """
    _, result = confirmed_result(role, turn.writer, month)
    size = heads.size_of(turn.writer, CENTRE)
    last = [m for m, index in lookup.confirmed_months(turn.writer) if index < size][-1]
    if result.month != last:
        raise RefusedError("STATE", f"{last} is confirmed: its usage counts now, not {month}'s")
    if (debtor, role.code) not in red_pairs_of(turn.writer, role.founding, month, size):
        raise RefusedError("STATE", f"no red alert stands for {debtor} in {month}")
    before = lookup.request_of(turn.writer, month, role.code, debtor)
    if before is not None and before[1].fen != fen:
        raise RefusedError("DUPLICATE", f"{format_yuan(before[1].fen)} yuan were asked for")
    record = Increase(month, debtor, fen, [])
    index = enter(turn, record, dry_run=dry_run)
    return {"month": month, "debtor": debtor, "fen": fen, "index": index}


def paid(
    role: "Role",
    turn: Turn,
    month: str,
    row: int,
    reference: str,
    date: str,
    fen: int | None = None,
    *,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Record that this node's side sent money of a row: all that is left of it, or `fen`.

    Raises:
        RefusedError: See `demand.may_pay`; more than is left, or given back more than is held
            (EXCEEDS).
    """
    found = effective_row(turn.writer, month, row)
    transfer = Transfer(found.purpose, month, row, found.payee)
    same = transfer.sent(turn, check_reference(reference), check_day(date))
    if same is not None:
        return {"month": month, "row": row, "fen": same[1].fen, "index": same[0]}
    left = demanded.may_pay(found, role.code)
    amount = left if fen is None else fen
    if amount > left:
        yuan = format_yuan(left)
        raise RefusedError("EXCEEDS", f"row {row}: {yuan} yuan are left, not {format_yuan(amount)}")
    held = lookup.held_prepayment(turn.writer, role.code, found.payee)
    if found.purpose == "prepayment_return" and amount > held:
        raise RefusedError(
            "EXCEEDS",
            f"{format_yuan(held)} yuan of {found.payee} are held, not {format_yuan(amount)}",
        )
    record = transfer.paying(turn, amount, reference, date)
    index = enter(turn, record, dry_run=dry_run)
    return _told(found, amount, record.attempt, left - amount, index)


def received(
    role: "Role",
    turn: Turn,
    month: str,
    row: int,
    reference: str,
    date: str,
    attempt: int | None = None,
    *,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Record that the oldest payment of a row that is under way arrived at this node's side.

    Args:
        attempt: Which payment arrived, if that is known.

    Raises:
        RefusedError: See `demand.may_receive`.
    """
    found = effective_row(turn.writer, month, row)
    transfer = Transfer(found.purpose, month, row, found.payer)
    known = transfer.arrived(turn, check_reference(reference), check_day(date), attempt)
    if known is not None:
        return {"month": month, "row": row, "fen": known[1].fen, "index": known[0]}
    payment = demanded.may_receive(found, role.code, attempt)
    record = transfer.receiving(payment.attempt, payment.fen, reference, date)
    index = enter(turn, record, dry_run=dry_run)
    return _told(found, payment.fen, payment.attempt, found.payable_fen, index)


def returned(
    role: "Role",
    turn: Turn,
    month: str,
    row: int,
    reference: str,
    date: str,
    reason: str,
    attempt: int | None = None,
    *,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Record that the bank sent a payment of a row back (the last one, or `attempt`).

    Raises:
        RefusedError: There is no such payment (STATE), or it has arrived (ORDER).
    """
    found = effective_row(turn.writer, month, row)
    transfer = Transfer(found.purpose, month, row, found.payee)
    number = attempt or len(transfer.known(turn, Paid))
    if not number:
        raise RefusedError("STATE", f"row {row}: {role.code} has recorded no payment of it")
    payment = demanded.may_return(found, role.code, number)
    record = transfer.returning(number, check_reference(reference), check_day(date), reason)
    index = enter(turn, record, dry_run=dry_run)
    left = found.payable_fen + (payment.fen if payment.returned is None else 0)
    return _told(found, payment.fen, number, left, index)


def effective_row(reader: Reader, month: str, number: int) -> Row:
    """Return a row of a demand below a quorum-cosigned head of the centre.

    Raises:
        RefusedError: There is none (ROW).
    """
    found = demanded.rows(reader, heads.size_of(reader, CENTRE))
    return demanded.numbered(found, month, number)


def _told(row: Row, fen: int, attempt: int, left_fen: int, index: int | None) -> dict[str, Any]:
    return {
        "month": row.month, "row": row.number, "payer": row.payer, "payee": row.payee, "fen": fen,
        "attempt": attempt, "left_fen": left_fen, "index": index,
    }  # fmt: skip


PROVINCE_PREPAY: dict[str, Callable[..., Any]] = {
    "prepay-increase": increase,
    "prepay-paid": paid,
    "prepay-received": received,
    "prepay-returned": returned,
}
CENTRE_PREPAY: dict[str, Callable[..., Any]] = {
    "prepay-quota": quota,
    "prepay-demand": demand,
    "prepay-urgent": demand_urgent,
}
