"""`gongzhang batch carried`: what was entered and a month did not clear, and how late it is."""

from typing import Any

from cli.homes import Home, Json, Month, open_home
from cli.output import emit, guarded, name_of, out, say, table, talk, yuan
from ledger.errors import RefusedError
from settlement.carry import carried_at, closes_late
from settlement.close import confirmed_closes
from settlement.lookup import ruleset_at
from settlement.ruleset import Late, parse_ruleset


def carried(month: Month, home: Home, as_json: Json = False) -> None:
    """Show what a confirmed month did not clear, by pair and service month, and how late it is."""

    def act() -> dict[str, Any]:
        with open_home(home) as opened:
            closes = [c for c in confirmed_closes(opened.reader) if c.month <= month]
            if not closes or closes[-1].month != month:
                raise RefusedError("STATE", say(f"{month} is not confirmed", f"{month} 尚未确认"))
            in_force = ruleset_at(opened.reader, closes[-1].centre)
            late = parse_ruleset(in_force.text).late if in_force else None
            rows = [
                {
                    "debtor": debtor, "creditor": creditor, "service_month": service,
                    "entries": amounts.entries, "fen": amounts.fen,
                    "closes_late": closes_late(service, month),
                    "beyond": late is not None and closes_late(service, month) >= late.closes,
                }
                for (debtor, creditor), total in sorted(carried_at(opened.reader, closes).items())
                for service, amounts in total.items()
            ]  # fmt: skip
            return {"month": month, "late_entries": _limit(late), "carried": rows}

    value = guarded(act, as_json=as_json)
    if as_json:
        emit(value)
    else:
        _print(value)


def _limit(late: Late | None) -> dict[str, Any] | None:
    if late is None:
        return None
    return {"closes": late.closes, "source": late.source, "certainty": late.certainty}


def _print(value: dict[str, Any]) -> None:
    columns = [
        (say("debtor", "应付方"), "left"), (say("creditor", "应收方"), "left"),
        (say("service month", "所属月份"), "left"), (say("entries", "记录数"), "right"),
        (say("yuan", "金额（元）"), "right"), (say("batches late", "已迟批次"), "right"),
        ("", "left"),
    ]  # fmt: skip
    rows = [
        [
            name_of(row["debtor"]), name_of(row["creditor"]), row["service_month"],
            str(row["entries"]), yuan(row["fen"]), str(row["closes_late"]),
            say("beyond the limit next time", "下次清算将超过期限") if row["beyond"] else "",
        ]
        for row in value["carried"]
    ]  # fmt: skip
    if not rows:
        talk().print(say("nothing was carried", "无结转"))
        return
    out().print(table(say("Not cleared by ", "未清算结转，") + value["month"], columns, rows))
    limit = value["late_entries"]
    if limit:
        talk().print(
            say(
                f"limit: {limit['closes']} batches ({limit['source']}, {limit['certainty']}); "
                "what is later is cleared all the same once it is accepted",
                f"期限：{limit['closes']} 个批次（{limit['source']}，{limit['certainty']}）；"
                "逾期记录一经确认仍予清算",
            ),
            markup=False,
        )
