"""Orders about money: legs paid, received, returned; what is overdue drawn or shared out.

An order writes what the operator's bank has done; the node checks that the batch asks for it. The
same order again gives the same entry: the bank's number and date tell payments apart.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ledger.errors import FormError, RefusedError
from ledger.table import Reader
from node import heads
from node.paystep import to_pay, to_receive
from node.todo import named, todo
from node.transfers import Transfer, check_reference
from node.turn import Turn
from settlement import batch as batches
from settlement import leg as legs
from settlement import lookup
from settlement.batch import Batch, Result
from settlement.leg import Leg
from settlement.money import format_yuan
from settlement.party import CENTRE
from settlement.record import Draw, Paid, Record, Share, Shortfall
from settlement.roster import Roster
from settlement.timeliness import due_days

if TYPE_CHECKING:
    from node.centre import Centre
    from node.province import Province
    from node.role import Role


def confirmed_legs(role: "Role", reader: Reader, month: str) -> tuple[Batch, list[Leg]]:
    """Return a batch whose confirmation has effect, and its legs.

    Raises:
        RefusedError: The month is not confirmed below a quorum-cosigned head of the centre (STATE).
    """
    found, result = confirmed_result(role, reader, month)
    return found, legs.legs_of(reader, result)


def confirmed_result(role: "Role", reader: Reader, month: str) -> tuple[Batch, Result]:
    """Return a batch whose confirmation has effect, and what this node computes for it.

    Raises:
        RefusedError: The month is not confirmed below a quorum-cosigned head of the centre (STATE).
    """
    size = heads.size_of(reader, CENTRE)
    found = batches.latest_batch(reader, role.founding, month, size)
    if found is None or found.confirmation_index is None:
        raise RefusedError("STATE", f"{month} is not confirmed below a quorum-cosigned head")
    confirmation = lookup.entry_at(reader, CENTRE, found.confirmation_index)[1]
    batches.check_confirmation(reader, role.founding, confirmation)  # type: ignore[arg-type]
    result = role.result(reader, found)
    if result.hash != found.proposal.result_hash:
        raise RefusedError("STATE", f"{month}: the confirmed result is not what this node computes")
    return found, result


def paid(
    role: "Role",
    turn: Turn,
    month: str,
    leg: int,
    reference: str,
    date: str,
    fen: int | None = None,
    payee: str | None = None,
    *,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Record that this node's side sent money of a leg: all that is left of it, or `fen`.

    Args:
        payee: Who got it, if not the leg's payee: a receiver that bears what was missing of it.

    Raises:
        RefusedError: See `leg.may_pay` and `leg.may_pay_late`; or more than is left (EXCEEDS).
    """
    _, month_legs = confirmed_legs(role, turn.writer, month)
    due = legs.numbered(month_legs, leg).due
    to = payee or due.payee
    transfer = Transfer("clearing", month, leg, to)
    same = transfer.sent(turn, check_reference(reference), date)
    if same is not None:
        return {"month": month, "leg": leg, "fen": same[1].fen, "index": same[0]}
    late = [b for b in month_legs[leg - 1].bearers if b.code == to and b.draw is not None]
    if late or to != due.payee:
        most = legs.late_fen(legs.may_pay_late(month_legs, leg, role.code, to))
    else:
        most = legs.may_pay(month_legs, leg, role.code).payable_fen
    amount = most if fen is None else fen
    if amount > most:
        left = f"{format_yuan(most)} yuan are left to pay, not {format_yuan(amount)}"
        raise RefusedError("EXCEEDS", f"leg {leg}: {left}")
    record = transfer.paying(turn, amount, reference, date)
    index = enter(turn, record, dry_run=dry_run)
    return {"month": month, "leg": leg, "fen": amount, "attempt": record.attempt, "index": index}


def received(
    role: "Role",
    turn: Turn,
    month: str,
    leg: int,
    reference: str,
    date: str,
    payer: str | None = None,
    attempt: int | None = None,
    *,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Record that the oldest payment of a leg that is under way arrived at this node's side.

    Args:
        payer: Who sent it, if not the leg's payer: the centre, passing on late money.
        attempt: Which payment arrived, if that is known.

    Raises:
        RefusedError: See `leg.may_receive`.
    """
    _, month_legs = confirmed_legs(role, turn.writer, month)
    sender = payer or legs.numbered(month_legs, leg).due.payer
    transfer = Transfer("clearing", month, leg, sender)
    known = transfer.arrived(turn, check_reference(reference), date, attempt)
    if known is not None:
        return {"month": month, "leg": leg, "fen": known[1].fen, "index": known[0]}
    found = legs.may_receive(month_legs, leg, role.code, payer, attempt)
    record = transfer.receiving(found.attempt, found.fen, reference, date)
    index = enter(turn, record, dry_run=dry_run)
    return {"month": month, "leg": leg, "fen": found.fen, "attempt": found.attempt, "index": index}


def returned(
    role: "Role",
    turn: Turn,
    month: str,
    leg: int,
    reference: str,
    date: str,
    reason: str,
    attempt: int | None = None,
    payee: str | None = None,
    *,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Record that the bank sent a payment of a leg back (the last one, or `attempt`).

    Raises:
        RefusedError: There is no such payment (STATE), or it has arrived (ORDER).
    """
    _, month_legs = confirmed_legs(role, turn.writer, month)
    to = payee or legs.numbered(month_legs, leg).due.payee
    transfer = Transfer("clearing", month, leg, to)
    number = attempt or len(transfer.known(turn, Paid))
    if not number:
        raise RefusedError("STATE", f"leg {leg}: {role.code} has recorded no payment to {to}")
    found = legs.may_return(month_legs, leg, role.code, to, number)
    record = transfer.returning(number, check_reference(reference), date, reason)
    index = enter(turn, record, dry_run=dry_run)
    return {"month": month, "leg": leg, "fen": found.fen, "attempt": number, "index": index}


def enter(turn: Turn, record: Record, *, dry_run: bool) -> int | None:
    """Add an entry and return its index; on a dry run only check it (None if it is not there)."""
    return turn.check(record) if dry_run else turn.append(record)


def draw(
    role: "Province", turn: Turn, month: str, leg: int, *, dry_run: bool = False
) -> dict[str, Any]:
    """Take what is missing of an overdue leg from its payer's prepayment; the rest is arrears.

    The leg is the one that was not paid: this node's own, or in the hub another payer's whose
    shortfall the centre has shared out.

    Raises:
        RefusedError: Nothing of that leg is missing here (NOTHING_LEFT), or it is not overdue
            (NOT_DUE).
    """
    known = lookup.find(turn.writer, role.code, Draw, lookup.month_key(month, leg))
    if known is not None:  # the same order again
        return _drawn(known, lookup.entry_at(turn.writer, role.code, known)[1])
    _, month_legs = confirmed_legs(role, turn.writer, month)
    late = legs.numbered(month_legs, leg)
    missing, debtor = missing_fen(late, role.code), late.due.payer
    if not missing:
        raise RefusedError("NOTHING_LEFT", f"leg {leg}: nothing of it is missing here")
    due, seen = _overdue(turn, role, month)
    drawn = min(missing, lookup.held_prepayment(turn.writer, role.code, debtor))
    record = Draw(month, leg, debtor, drawn, missing - drawn, due, seen, [])
    return _drawn(enter(turn, record, dry_run=dry_run), record)


def _drawn(index: int | None, record: Record) -> dict[str, Any]:
    assert isinstance(record, Draw)
    return {
        "month": record.month, "leg": record.leg, "debtor": record.debtor,
        "drawn_fen": record.drawn_fen, "arrears_fen": record.arrears_fen,
        "fen": record.drawn_fen + record.arrears_fen, "index": index,
    }  # fmt: skip


def missing_fen(leg: Leg, code: str) -> int:
    """Return what a participant may draw for a leg: what is missing of it, or its share of that."""
    if leg.shortfall is not None:
        return sum(b.fen for b in leg.bearers if b.code == code and b.draw is None)
    between = leg.due.payee == code and leg.due.payer != CENTRE
    return leg.open_fen if between and not leg.bearers else 0


def shortfall(
    role: "Centre", turn: Turn, month: str, leg: int, *, dry_run: bool = False
) -> dict[str, Any]:
    """Share out what is missing of an overdue leg to the centre among those with a claim.

    Raises:
        RefusedError: The leg does not go to the centre (ROLE), has arrived or is shared out
            (NOTHING_LEFT), is not overdue (NOT_DUE), or the centre has paid out already (ORDER).
    """
    known = lookup.find(turn.writer, CENTRE, Shortfall, lookup.month_key(month, leg))
    if known is not None:  # the same order again
        return _shared(known, lookup.entry_at(turn.writer, CENTRE, known)[1])
    _, result = confirmed_result(role, turn.writer, month)
    month_legs = legs.legs_of(turn.writer, result)
    late = legs.numbered(month_legs, leg)
    if late.due.payee != CENTRE:
        raise RefusedError("ROLE", f"leg {leg} does not go to the centre")
    if not late.open_fen:
        raise RefusedError("NOTHING_LEFT", f"leg {leg}: nothing of it is missing")
    if any(other.due.payer == CENTRE and other.payments for other in month_legs):
        raise RefusedError("ORDER", f"the centre has begun to pay the receivers of {month}")
    due, seen = _overdue(turn, role, month)
    borne = {
        other.due.number: {bearer.code: bearer.fen for bearer in other.bearers}
        for other in month_legs
        if other.shortfall is not None
    }
    payable = legs.payable_by_hub(result, borne)
    shares = legs.shares_of(result, late.due, late.open_fen, payable)
    listed = [Share(code, fen) for code, fen in sorted(shares.items())]
    record = Shortfall(month, leg, late.open_fen, listed, due, seen, [])
    return _shared(enter(turn, record, dry_run=dry_run), record)


def _shared(index: int | None, record: Record) -> dict[str, Any]:
    assert isinstance(record, Shortfall)
    shares = {share.code: share.fen for share in record.shares}
    named = {"month": record.month, "leg": record.leg, "fen": record.fen}
    return {**named, "shares": shares, "index": index}


def _overdue(turn: Turn, role: "Role", month: str) -> tuple[str, str]:
    # What people have signed was seen on the day on which it was drawn up.
    signed = turn.drafted
    today = signed.seen if isinstance(signed, Draw | Shortfall) else role.today(turn.now_ms)
    due = due_day(turn.writer, role.founding, month)
    if due is None:
        raise RefusedError("NOT_DUE", f"the rule set of {month} has no day by which legs are paid")
    if today <= due:
        raise RefusedError("NOT_DUE", f"legs of {month} are due on {due}; today is {today}")
    return due, today


def due_day(reader: Reader, founding: Roster, month: str) -> str | None:
    """Return the day by which the payers of a month pay, or None if its rule set has no such day.

    Raises:
        RefusedError: It takes a year whose holidays are not known (NO_HOLIDAYS).
    """
    days = due_days(reader, founding, month, heads.size_of(reader, CENTRE))
    return days["remit"].isoformat() if "remit" in days else None


# --- what is to be done --------------------------------------------------------------------------


def duties(
    reader: Reader, founding: Roster, code: str, today: str | None, *, statements: bool = False
) -> list[dict[str, str]]:
    """Return what a node has to do about the money of confirmed months.

    Args:
        statements: Whether it takes statements of its bank in.
    """
    found = []
    for month, _ in lookup.confirmed_months(reader):
        batch = batches.latest_batch(reader, founding, month, heads.size_of(reader, CENTRE))
        if batch is None or batch.confirmation_index is None:
            continue
        result = batches.result_of(reader, founding, month, batch.revision)
        month_legs = legs.legs_of(reader, result)
        until = _day(reader, founding, month, "distribute" if code == CENTRE else "remit")
        remit = _day(reader, founding, month, "remit")
        overdue = today is not None and bool(remit) and today > remit
        for leg in month_legs:
            found += _pay(reader, month, month_legs, leg, code, until)
            found += _receive(month, leg, code, statements=statements)
            if overdue:
                found += _late(month, leg, code)
        whole = all(leg.open_fen == 0 for leg in month_legs)
        if code == CENTRE and whole and batch.state != "FINAL":
            text = f"{month}: every leg has an end", f"{month} 全部款项已有结果"
            command, day = f"gongzhang batch final {month}", _day(reader, founding, month, "final")
            found.append(todo("final", *text, command, day))
    return found


def _pay(
    reader: Reader, month: str, month_legs: Sequence[Leg], leg: Leg, code: str, until: str
) -> list[dict[str, str]]:
    number, to = leg.due.number, leg.due.payee
    found = []
    if leg.due.payer == code and leg.payable_fen > 0 and _payable(month_legs, number, code):
        step = to_pay(reader, code, "clearing", month, number, to)
        fen = format_yuan(leg.payable_fen, grouped=True)
        en = f"{month} leg {number}: {fen} yuan to {named(to, 'en')}{step.en}"
        zh = f"{month} 第 {number} 笔：付 {named(to, 'zh')} {fen} 元{step.zh}"
        found.append(todo("pay", en, zh, step.command, until))
    passing_on = code == CENTRE and any(payment.received for payment in leg.after)
    for bearer in leg.bearers:
        drawn = bearer.draw is not None
        if drawn and legs.late_fen(bearer) > 0 and (leg.due.payer == code or passing_on):
            step = to_pay(reader, code, "clearing", month, number, bearer.code)
            fen, who = format_yuan(legs.late_fen(bearer), grouped=True), bearer.code
            en = f"{month} leg {number}: {fen} yuan not paid, borne by {named(who, 'en')}{step.en}"
            zh = f"{month} 第 {number} 笔：未付 {fen} 元由 {named(who, 'zh')} 承担，应补付{step.zh}"
            found.append(todo("pay-late", en, zh, step.command))
    return found


def _receive(month: str, leg: Leg, code: str, *, statements: bool) -> list[dict[str, str]]:
    number = leg.due.number
    known = [*leg.payments, *leg.after] if leg.due.payee == code else []
    known += [p for bearer in leg.bearers if bearer.code == code for p in bearer.late]
    under_way: dict[str, int] = {}
    for p in known:
        if p.under_way:
            under_way[p.paid.code] = under_way.get(p.paid.code, 0) + p.fen
    senders = [(code, format_yuan(n, grouped=True)) for code, n in sorted(under_way.items())]
    return [
        todo(
            "receive",
            f"{month} leg {number}: {fen} yuan from {named(sender, 'en')}",
            f"{month} 第 {number} 笔：{named(sender, 'zh')} 付来 {fen} 元",
            to_receive(
                f"gongzhang leg received {month} {number}"
                + ("" if sender == leg.due.payer else f" --payer {sender}"),
                statements=statements,
            ),
        )
        for sender, fen in senders
    ]


def _late(month: str, leg: Leg, code: str) -> list[dict[str, str]]:
    number, payer = leg.due.number, leg.due.payer
    if code == CENTRE and leg.due.payee == CENTRE and leg.shortfall is None and leg.open_fen:
        fen = format_yuan(leg.open_fen, grouped=True)
        en = f"{month} leg {number} of {named(payer, 'en')} is overdue: share out {fen} yuan"
        zh = f"{month} 第 {number} 笔（{named(payer, 'zh')}）逾期未付，应分摊缺口 {fen} 元"
        return [todo("shortfall", en, zh, f"gongzhang leg shortfall {month} {number}")]
    missing = missing_fen(leg, code)
    if not missing:
        return []
    fen, en, zh = format_yuan(missing, grouped=True), named(payer, "en"), named(payer, "zh")
    en = f"{month} leg {number} of {en} is overdue: draw {fen} yuan on its prepayment"
    zh = f"{month} 第 {number} 笔（{zh}）逾期未付，应从其预付金扣划 {fen} 元"
    return [todo("draw", en, zh, f"gongzhang leg draw {month} {number}")]


def _payable(month_legs: Sequence[Leg], number: int, code: str) -> bool:
    try:
        legs.may_pay(month_legs, number, code)
    except RefusedError:
        return False
    return True


def _day(reader: Reader, founding: Roster, month: str, event: str) -> str:
    try:
        days = due_days(reader, founding, month, heads.size_of(reader, CENTRE))
    except (FormError, RefusedError):
        return ""
    return days[event].isoformat() if event in days else ""
