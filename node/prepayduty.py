"""What prepayment asks of a node today: quotas, demands, requests, money that is due or late."""

from datetime import date

from ledger.errors import FormError, RefusedError, UncheckableError
from ledger.table import Reader
from node import heads
from node.paystep import to_pay, to_receive
from node.prepay import request_of
from node.todo import named, todo
from settlement import lookup
from settlement.adjustment import quota_differences
from settlement.demand import Row, days_late, rows
from settlement.membership import roster_at
from settlement.money import format_yuan
from settlement.party import CENTRE
from settlement.prepaysteps import knows_prepayment, open_adjustment, red_pairs_of
from settlement.record import Increase, Quota
from settlement.roster import Roster
from settlement.timeliness import due_days

Duties = list[dict[str, str]]


def duties(
    reader: Reader, founding: Roster, code: str, today: str | None, *, statements: bool = False
) -> Duties:
    """Return what a node has to do about prepayments.

    Args:
        today: The business date; without it nothing is called late.
        statements: Whether the node takes statements of its bank in.
    """
    size = heads.size_of(reader, CENTRE)
    day = None if today is None else date.fromisoformat(today)
    found: Duties = []
    if code == CENTRE:
        found += _yearly(reader, founding, size)
        found += _requests(reader, founding, size)
    else:
        found += _alerts(reader, founding, code, size)
        found += _differing(reader, founding, size)
    for row in rows(reader, size):
        late = days_late(reader, row, day) if row.payable_fen > 0 else 0
        found += _money(reader, row, code, late, statements=statements)
    return found


def _yearly(reader: Reader, founding: Roster, size: int) -> Duties:
    confirmed = [month for month, index in lookup.confirmed_months(reader) if index < size]
    if not confirmed or not knows_prepayment(reader, size):
        return []
    year = int(confirmed[-1][:4]) + (confirmed[-1][5:] == "12")
    fixed = lookup.quota_of(reader, year)
    if fixed is None:
        if confirmed[-1][5:] != "12":
            return []  # begun in the year: quotas are given by hand, or not
        en, zh = f"{year}: the quotas are not fixed", f"{year} 年预付金额度尚未核定"
        due = _due(reader, founding, f"{year - 1}-12", "quota", size)
        return [todo("quota", en, zh, f"gongzhang prepay quota {year}", due)]
    if lookup.demand_for(reader, f"{year}-01") is not None:
        return []
    if not open_adjustment(reader, founding, year, size):
        return []
    en = f"{year}: what the quotas ask for is not demanded"
    zh = f"{year} 年预付金调整通知尚未下达"
    due = _due(reader, founding, f"{year - 1}-12", "quota", size)
    return [todo("demand", en, zh, f"gongzhang prepay demand {year}", due)]


def _requests(reader: Reader, founding: Roster, size: int) -> Duties:
    found = []
    for creditor in roster_at(reader, founding, size).participants:
        for key, _ in lookup.places(reader, Increase, creditor):
            month, debtor = key[:7].decode(), key[7:].decode()
            asked = request_of(reader, month, creditor, debtor)
            answered = lookup.demand_for(reader, month, debtor, creditor) is not None
            if asked is None or answered:
                continue
            yuan = format_yuan(asked.fen, grouped=True)
            en = f"{month}: {creditor} asks for {yuan} yuan more of {debtor}"
            zh = f"{month}：{creditor} 申请向 {debtor} 紧急调增 {yuan} 元"
            command = f"gongzhang prepay urgent {month} {creditor} {debtor} --due DAY"
            found.append(todo("urgent", en, zh, command))
    return found


def _alerts(reader: Reader, founding: Roster, code: str, size: int) -> Duties:
    confirmed = [month for month, index in lookup.confirmed_months(reader) if index < size]
    if not confirmed:
        return []
    month = confirmed[-1]
    try:
        red = red_pairs_of(reader, founding, month, size)
    except UncheckableError:
        return []
    due = _due(reader, founding, month, "request", size)
    found = []
    for debtor, creditor in red:
        if creditor == code and lookup.request_of(reader, month, code, debtor) is None:
            en = f"{month}: red alert, more prepayment of {debtor} may be asked for"
            zh = f"{month}：红色预警，可向 {debtor} 申请紧急调增"
            command = f"gongzhang prepay increase {month} {debtor} --amount YUAN"
            found.append(todo("increase", en, zh, command, due))
    return found


def _differing(reader: Reader, founding: Roster, size: int) -> Duties:
    # Of the newest quotas alone: those before have been demanded and paid.
    years = [int(key) for key, index in lookup.places(reader, Quota) if index < size]
    fixed = lookup.quota_of(reader, max(years)) if years else None
    if fixed is None or not fixed[1].months:
        return []
    try:
        differences = quota_differences(reader, founding, *fixed)
    except UncheckableError:
        return []
    if not differences:
        return []
    year, count = fixed[1].year, len(differences)
    en = f"the quotas of {year} are not what this node computes: {count} pairs differ"
    zh = f"{year} 年预付金额度与本节点重算不符：{count} 对不同"
    return [todo("quota-differs", en, zh, f"gongzhang prepay quota {year}")]


def _money(reader: Reader, row: Row, code: str, late: int, *, statements: bool) -> Duties:
    place, yuan = f"{row.month} {row.number}", format_yuan(row.payable_fen, grouped=True)
    found: Duties = []
    if row.payable_fen > 0 and code == row.payer:
        en = f"prepayment {place}: {yuan} yuan to {named(row.payee, 'en')}" + (
            f", {late} days late" if late else ""
        )
        zh = f"预付金 {place}：付 {named(row.payee, 'zh')} {yuan} 元" + (
            f"，逾期 {late} 天" if late else ""
        )
        step = to_pay(reader, code, row.purpose, row.month, row.number, row.payee)
        found.append(todo("prepay", en + step.en, zh + step.zh, step.command, row.due))
    elif late and code in (row.payee, CENTRE):
        owes, gets = named(row.payer, "en"), named(row.payee, "en")
        en = f"prepayment {place}: {owes} owes {gets} {yuan} yuan, {late} days late"
        owes, gets = named(row.payer, "zh"), named(row.payee, "zh")
        zh = f"预付金 {place}：{owes} 应付 {gets} {yuan} 元，逾期 {late} 天"
        found.append(todo("prepay-late", en, zh, "gongzhang prepay list --late", row.due))
    if code == row.payee and any(payment.under_way for payment in row.payments):
        en = f"prepayment {place} from {named(row.payer, 'en')}"
        zh = f"预付金 {place}，来自 {named(row.payer, 'zh')}"
        command = to_receive(f"gongzhang prepay received {place}", statements=statements)
        found.append(todo("prepay-receive", en, zh, command))
    return found


def _due(reader: Reader, founding: Roster, month: str, event: str, size: int) -> str:
    try:
        days = due_days(reader, founding, month, size)
    except (FormError, RefusedError):
        return ""
    return days[event].isoformat() if event in days else ""
