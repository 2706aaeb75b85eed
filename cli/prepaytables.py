"""The tables of `gongzhang prepay`: quotas, demands, pairs, usage, statements."""

from collections.abc import Sequence
from typing import Any

from cli.output import name_of, out, say, table, talk, yuan
from settlement.outcome import Text

Row = dict[str, Any]

STATE: dict[str, Text] = {
    "DUE": Text("due", "应付"), "PARTIAL": Text("partly paid", "部分付款"),
    "PAID": Text("paid", "已付款"), "RETURNED": Text("returned by the bank", "银行退回"),
    "RECEIVED": Text("received", "已到账"), "DECLINED": Text("declined", "未予调增"),
    "SENT": Text("under way", "在途"),
}  # fmt: skip
CAUSE = {"yearly": Text("yearly", "年度调整"), "urgent": Text("urgent", "紧急调增")}
LEVEL = {
    "green": Text("green", "正常"), "yellow": Text("YELLOW", "黄色预警"),
    "red": Text("RED", "红色预警"), "none": Text("no prepayment", "无预付金"),
}  # fmt: skip
WHAT = {
    "sent": Text("debtor sent", "参保地付款"), "returned": Text("bank returned it", "银行退回"),
    "received": Text("creditor received", "就医地到账"),
    "given_back": Text("creditor gave back", "就医地退还"),
    "came_back": Text("bank returned it", "银行退回"),
    "got_back": Text("debtor got back", "参保地收到退还"),
    "drawn": Text("drawn for a leg", "扣划抵付清算款"),
    "refilled": Text("refilled by late money", "补付回填"),
}  # fmt: skip


def word(text: Text) -> str:
    """Return one of two texts by language."""
    return say(text.en, text.zh)


def _money(*headings: tuple[str, str]) -> list[tuple[str, str]]:
    return [(say(en, zh), "right") for en, zh in headings]


DEBTOR, CREDITOR = ("debtor", "付款省（参保地）"), ("creditor", "收款省（就医地）")


def _left(*headings: tuple[str, str]) -> list[tuple[str, str]]:
    return [(say(en, zh), "left") for en, zh in headings]


def print_quota(value: Row, only: str | None) -> None:
    """Print a quota: of one participant, or what every creditor is to hold."""
    rows, codes = value["rows"], None
    if only is None:
        sums: dict[str, list[int]] = {}
        for row in rows:
            sums.setdefault(row["debtor"], [0, 0])[0] += row["fen"]
            sums.setdefault(row["creditor"], [0, 0])[1] += row["fen"]
        codes = [[name_of(c), yuan(pay), yuan(hold)] for c, (pay, hold) in sorted(sums.items())]
        columns = [*_left(("", "")), *_money(("prepays", "应预付"), ("holds", "应持有"))]
    else:
        mine = [row for row in rows if only in (row["debtor"], row["creditor"])]
        codes = [[name_of(r["debtor"]), name_of(r["creditor"]), yuan(r["fen"])] for r in mine]
        columns = [*_left(DEBTOR, CREDITOR), *_money(("yuan", "金额（元）"))]
    title = say(
        f"Quotas {value['year']}, {yuan(value['total_fen'])} yuan in all",
        f"{value['year']} 年预付金额度，合计 {yuan(value['total_fen'])} 元",
    )
    out().print(table(title, columns, codes))
    talk().print(_basis(value), markup=False)


def _basis(value: Row) -> str:
    if value["basis"] == "given":
        return say(
            f"given by hand, not to be computed from batches: {value['reason']}",
            f"人工核定，无法由批次重算：{value['reason']}",
        )
    first, last = value["months"][0], value["months"][-1]
    return say(
        f"from the batches of {first} to {last}; document {value['hash']}",
        f"依据 {first} 至 {last} 批次；额度表哈希 {value['hash']}",
    )


def print_rows(title: str, rows: Sequence[Row]) -> None:
    """Print rows of demands with a total of what is still to be paid."""
    columns = [
        *_left(("row", "行")), *_left(("cause", "事由"), ("pays", "付款方"), ("gets", "收款方")),
        *_money(("yuan", "金额（元）"), ("still to pay", "未付")),
        *_left(("until", "截止日"), ("state", "状态")),
    ]  # fmt: skip
    cells = [
        [
            f"{row['month']} {row['row']}", word(CAUSE[row["cause"]]), name_of(row["payer"]),
            name_of(row["payee"]), yuan(abs(row["fen"])), yuan(row["to_pay_fen"]), row["due"],
            _state(row),
        ]
        for row in rows
    ]  # fmt: skip
    total, left = sum(abs(r["fen"]) for r in rows), sum(r["to_pay_fen"] for r in rows)
    cells.append([say("total", "合计"), "", "", "", yuan(total), yuan(left), "", ""])
    out().print(table(title, columns, cells))


def _state(row: Row) -> str:
    text = word(STATE[row["state"]])
    if row["days_late"]:
        late = say(f", {row['days_late']} days late", f"，迟 {row['days_late']} 天")
        text += (say(", OVERDUE", "，逾期") if row["overdue"] else "") + late
    if row["note"] or row["reason"]:
        text += f" ({row['note'] or row['reason']})"
    return text


def print_demand(value: Row) -> None:
    """Print a demand that was made or would be."""
    columns = [
        *_left(("row", "行"), DEBTOR, CREDITOR),
        *_money(("to pay, yuan", "应付（元）"), ("to be given back", "应退还")),
    ]
    rows = [
        [
            str(r["row"]), name_of(r["debtor"]), name_of(r["creditor"]),
            yuan(r["fen"]) if r["fen"] > 0 else "", yuan(-r["fen"]) if r["fen"] < 0 else "",
        ]
        for r in value["rows"]
    ]  # fmt: skip
    rows.append([say("total", "合计"), "", "", yuan(value["pay_fen"]), yuan(value["back_fen"])])
    title = say(
        f"Demand {value['month']}, until {value['due']}",
        f"{value['month']} 预付金通知，截止 {value['due']}",
    )
    out().print(table(title, columns, rows))


_FIGURES = ("quota_fen", "held_fen", "drawn_fen", "refilled_fen", "arrears_fen", "to_pay_fen",
            "transit_fen")  # fmt: skip


def _figure_columns() -> list[tuple[str, str]]:
    return _money(
        ("quota", "额度"), ("held", "持有"), ("drawn", "已扣划"), ("refilled", "已回填"),
        ("arrears", "欠款"), ("to pay", "待付"), ("under way", "在途"),
    )  # fmt: skip


def print_pairs(title: str, other: str, pairs: Sequence[Row]) -> None:
    """Print the prepayments of one participant: `other` is the key of the other side."""
    heading = CREDITOR if other == "creditor" else DEBTOR
    rows = [[name_of(p[other]), *(yuan(p[name]) for name in _FIGURES)] for p in pairs]
    totals = [yuan(sum(p[name] for p in pairs)) for name in _FIGURES]
    rows.append([say("total", "合计"), *totals])
    out().print(table(title, [*_left(heading), *_figure_columns()], rows))


def print_totals(title: str, pairs: Sequence[Row]) -> None:
    """Print for every creditor all prepayments that it holds, as one pool."""
    sums: dict[str, list[int]] = {}
    for pair in pairs:
        mine = sums.setdefault(pair["creditor"], [0] * len(_FIGURES))
        for place, name in enumerate(_FIGURES):
            mine[place] += pair[name]
    rows = [[name_of(code), *map(yuan, mine)] for code, mine in sorted(sums.items())]
    rows.append([say("total", "合计"), *(yuan(sum(p[n] for p in pairs)) for n in _FIGURES)])
    out().print(table(title, [*_left(CREDITOR), *_figure_columns()], rows))


def print_usage(month: str, rows: Sequence[Row]) -> None:
    """Print usages of a month, the pools by name."""
    columns = [
        *_left(CREDITOR, DEBTOR),
        *_money(("cleared, yuan", "当月清算（元）"), ("held", "预付金"), ("usage", "使用率")),
        *_left(("alert", "预警")),
    ]
    cells = [
        [
            name_of(row["creditor"]),
            name_of(row["debtor"]) if row["debtor"] else say("all together", "合并"),
            yuan(row["cleared_fen"]), yuan(row["held_fen"]),
            percent(row["usage_hundredths_percent"]), word(LEVEL[row["level"]]),
        ]
        for row in rows
    ]  # fmt: skip
    out().print(table(f"{say('Usage of prepayment', '预付金使用率')} {month}", columns, cells))


def percent(hundredths: int | None) -> str:
    """Return a usage as people read it; a dash where nothing is held.

    Example:
        >>> percent(7_005), percent(-5), percent(None)
        ('70.05 %', '-0.05 %', '-')
    """
    if hundredths is None:
        return "-"
    sign = "-" if hundredths < 0 else ""
    return f"{sign}{abs(hundredths) // 100}.{abs(hundredths) % 100:02d} %"


def print_statement(value: Row) -> None:
    """Print every movement of a pair with both balances, what is under way, and what is wrong."""
    columns = [
        *_left(("date", "日期"), ("entry", "条目"), ("what", "事项"), ("for", "所属")),
        *_money(
            ("yuan", "金额（元）"), ("debtor's view", "参保地余额"),
            ("creditor's view", "就医地余额"),
        ),
    ]  # fmt: skip
    rows = [
        [
            line["date"], f"{line['log']} #{line['index']}", word(WHAT[line["what"]]),
            f"{line['month']} {_number(line)}", yuan(line["fen"]),
            yuan(line["debtor_balance_fen"]), yuan(line["creditor_balance_fen"]),
        ]
        for line in value["lines"]
    ]  # fmt: skip
    title = say(
        f"Prepayment of {name_of(value['debtor'])}, held by {name_of(value['creditor'])}",
        f"{name_of(value['debtor'])} 预付 {name_of(value['creditor'])} 对账单",
    )
    out().print(table(title, columns, rows))
    for item in value["transit"]:
        entry, amount = f"{item['log']} #{item['index']}", yuan(item["fen"])
        to = "参保地" if item["to"] == "debtor" else "就医地"
        out().print(
            say(
                f"under way to the {item['to']}: {amount} yuan, {entry}",
                f"在途（付往{to}）：{amount} 元，{entry}",
            )
        )
    for text in value["faults"]:
        talk().print(f"{say('does not agree', '两端不符')}: {text}", markup=False)
    difference = yuan(value["difference_fen"])
    out().print(
        say(
            f"debtor {yuan(value['debtor_view_fen'])} − under way {yuan(value['transit_fen'])} − "
            f"creditor {yuan(value['creditor_view_fen'])} = {difference}",
            f"参保地 {yuan(value['debtor_view_fen'])} − 在途 {yuan(value['transit_fen'])} − "
            f"就医地 {yuan(value['creditor_view_fen'])} = {difference}",
        )
    )


def _number(line: Row) -> str:
    if line["what"] in ("drawn", "refilled"):
        return say(f"leg {line['number']}", f"第 {line['number']} 笔")
    return say(f"row {line['number']}", f"第 {line['number']} 行")
