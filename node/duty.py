"""What a node must do today: read from the logs alone, so it is right after any restart."""

from collections import Counter
from typing import Any

from ledger import log
from ledger.errors import FormError, RefusedError
from ledger.table import Reader, log_key
from node import approvals, bank, bankbook, cities, docket, heads, money, notices, prepayduty, years
from node.statements import open_statements
from node.todo import todo
from node.vault import Vault
from settlement import batch as batches
from settlement import dispute, lookup, membership, state, totals
from settlement.party import CENTRE
from settlement.roster import Roster
from settlement.timeliness import due_days


def duties(
    reader: Reader, founding: Roster, code: str, vault: Vault, today: str | None = None
) -> dict[str, Any]:
    """Return the duties of a node, each with a stable word, two texts, command and due date.

    The date is empty for what has none, and where it takes holidays that are not known here.

    Args:
        today: The business date; without it nothing is asked for because it is late.
    """
    roster = membership.roster_at(reader, founding, lookup.applied_size(reader, CENTRE))
    size, cosigned = log.size(reader, log_key(code)), heads.size_of(reader, code)
    found: list[dict[str, str]] = []
    if cosigned < size:
        found.append(
            todo(
                "witness",
                f"{size - cosigned} entries wait for {roster.head_quorum} cosignatures",
                f"{size - cosigned} 条条目等待 {roster.head_quorum} 个见证签名",
                "",
            )
        )
    for other in roster.codes:
        if roster.frozen(other):
            found.append(
                todo(
                    "frozen",
                    f"the log of {other} is frozen and has no successor yet",
                    f"{other} 的日志已冻结，尚无后继",
                    f"gongzhang roster admit {other}.join" if code == CENTRE else "",
                )
            )
        elif docket.halted(reader, other, roster.generation(other).number):
            found.append(
                todo(
                    "evidence",
                    f"evidence stands against {other}: its log is halted",
                    f"{other} 有不当行为证据，其日志已被冻结",
                    f"gongzhang log evidence DIR --log {other}",
                )
            )
    if code == CENTRE:
        found += _centre(reader, founding, roster)
    else:
        found += _province(reader, founding, roster, code, vault)
    found += approvals.duties(reader, roster, code)
    found += _disputes(reader, roster, code)
    with vault.store.read() as held:
        statements = bool(bankbook.last_days(held))
        waiting = bank.duties(held, today)
    found += money.duties(reader, founding, code, today, statements=statements)
    found += waiting
    found += prepayduty.duties(reader, founding, code, today, statements=statements)
    found += years.duties(reader, founding, code, today)
    found += cities.duties(reader, founding, code)
    return {"size": size, "cosigned": cosigned, "duties": found}


def _province(
    reader: Reader, founding: Roster, roster: Roster, code: str, vault: Vault
) -> list[dict[str, str]]:
    found = []
    for other in roster.participants:
        waiting = owed_above(reader, roster, code, other) if other != code else 0
        if waiting:
            found.append(
                todo(
                    "accept",
                    f"{other}: {waiting} entries to accept",
                    f"{other}：{waiting} 条记录待确认",
                    "gongzhang day accept",
                )
            )
    for other in sorted(vault.waiting()):
        found.append(
            todo(
                "deliver",
                f"{other} has not taken over all case files",
                f"{other} 尚未接收全部病例文件",
                "",
            )
        )
    with vault.store.read() as held:
        untold = notices.waiting(held)
    for other in sorted(untold):
        found.append(
            todo(
                "notify",
                f"{other} has not been told of all registrations, barrings and erasures",
                f"{other} 尚未接收全部备案、中止与删除通知",
                "",
            )
        )
    found += _days(vault)
    for month in lookup.open_months(reader):
        batch = batches.latest_batch(reader, founding, month)
        if batch is not None and code in batch.missing:
            found.append(
                todo(
                    "attest",
                    f"{month} r{batch.revision} waits for the attestation",
                    f"{month} 第 {batch.revision} 版待签认",
                    "gongzhang batch attest",
                    _due(reader, founding, month, "attest"),
                )
            )
    return found


def _days(vault: Vault) -> list[dict[str, str]]:
    """Return what the daily reconciliation asks for: one duty per province that differs or waits,
    one for all days that match and are not confirmed."""
    days: dict[tuple[str, str], list[str]] = {}
    with vault.store.read() as reader:
        for day, other, state in open_statements(reader):
            days.setdefault((state, other if state != "match" else ""), []).append(day)
    found = []
    for (state, other), open_days in sorted(days.items()):
        day, more = open_days[-1], len(set(open_days)) - 1
        en, zh, command = _DAYS[state]
        found.append(
            todo(
                f"day-{state}",
                en.format(day=day, other=other) + (f" (and {more} other days)" if more else ""),
                zh.format(day=day, other=other) + (f"（另有 {more} 天）" if more else ""),
                command.format(day=day, other=other),
            )
        )
    return found


_DAYS = {
    "differs": (
        "the statement of {day} with {other} differs",
        "{day} 与 {other} 的日对账不一致",
        "gongzhang day statement --day {day} --with {other}",
    ),
    "match": (
        "{day} matches and is not confirmed",
        "{day} 对账一致，尚未确认",
        "gongzhang day confirm {day}",
    ),
    "waiting": (
        "{other} has not said what it has for {day}",
        "{other} 尚未答复 {day} 的日对账",
        "gongzhang day statement --day {day} --with {other}",
    ),
}


def owed_above(reader: Reader, roster: Roster, code: str, other: str) -> int:
    """Return how many entries of the log of `other` that `code` owes are not accepted yet."""
    size = lookup.accepted_before(reader, code, other)
    now = totals.load_running(reader, log_key(other), code)
    if size > lookup.applied_size(reader, other):
        return 0
    before = state.total_at(reader, other, code, size) if size else {}
    return totals.add_all(now.values()).entries - totals.add_all(before.values()).entries


def _centre(reader: Reader, founding: Roster, roster: Roster) -> list[dict[str, str]]:
    found = []
    for month in lookup.open_months(reader):
        batch = batches.latest_batch(reader, founding, month)
        if batch is None:
            continue
        if batch.state == "CONTESTED":
            who = ", ".join(sorted(batch.mismatches))
            found.append(
                todo(
                    "contested",
                    f"{month}: {who} computed another result",
                    f"{month}：{who} 的重算结果不同",
                    f"gongzhang batch show {month}",
                    _due(reader, founding, month, "confirm"),
                )
            )
        elif batch.missing:
            found.append(
                todo(
                    "wait",
                    f"{month}: {len(batch.missing)} attestations are missing",
                    f"{month}：尚缺 {len(batch.missing)} 份签认",
                    f"gongzhang batch show {month}",
                    _due(reader, founding, month, "attest"),
                )
            )
        else:
            found.append(
                todo(
                    "confirm",
                    f"{month} has every attestation",
                    f"{month} 已全部签认",
                    f"gongzhang batch confirm {month}",
                    _due(reader, founding, month, "confirm"),
                )
            )
    silent = [c for c in roster.participants if heads.size_of(reader, c) == 0]
    if silent:
        found.append(
            todo(
                "unheard",
                f"no cosigned head yet from {len(silent)} participants",
                f"{len(silent)} 个参与方尚无已见证的日志头",
                "",
            )
        )
    return found


def _disputes(reader: Reader, roster: Roster, code: str) -> list[dict[str, str]]:
    # Thousands may wait for the same: one duty for all with one counterpart and one deadline.
    waiting: Counter[tuple[str, str, str]] = Counter()
    for status in dispute.statuses(reader, roster.participants, code):
        if status.turn == code:
            case, state = status.case, status.stage.state
            other = case.creditor if state == "answered" else case.debtor
            waiting[other, state, status.until or ""] += 1
    return [_dispute(*place, count) for place, count in sorted(waiting.items())]


def _dispute(other: str, state: str, until: str, count: int) -> dict[str, str]:
    en = f" until the cut of {until}" if until else ""
    zh = f"，截至 {until} 清算截止点" if until else ""
    command = "gongzhang dispute list --open"
    if state == "open":
        text = f"{other} contests {count} entries: answer{en}"
        return todo("answer", text, f"{other} 对 {count} 条记录有异议，待答复{zh}", command)
    if state == "answered":
        text = f"{other} has answered {count} disputes: decide{en}"
        return todo("decide", text, f"{other} 已答复 {count} 项争议，待决定{zh}", command)
    text = f"{count} disputes of {other}: rule"
    return todo("rule", text, f"{other} 有 {count} 项争议待裁决", command)


def _due(reader: Reader, founding: Roster, month: str, event: str) -> str:
    try:
        days = due_days(reader, founding, month, heads.size_of(reader, CENTRE))
    except (FormError, RefusedError):
        return ""
    return days[event].isoformat() if event in days else ""
