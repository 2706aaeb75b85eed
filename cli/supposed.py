"""The tables of `gongzhang batch whatif`: the month as it is beside the month as supposed."""

from typing import Any

from cli.output import name_of, out, say, table, talk, yuan


def show(value: dict[str, Any]) -> None:
    """Print a report of `whatif.report`: what is supposed on stderr, the tables on stdout."""
    real, other = value["real"], value["whatif"]
    talk().print(_basis(value), markup=False)
    for line in _supposed(value):
        talk().print(line, markup=False)
    columns = [
        ("", "left"), (say("as it is", "实际"), "right"), (say("supposed", "假设"), "right"),
    ]  # fmt: skip
    rows = [
        [say("model", "模型"), real["model"], other["model"]],
        [say("entries", "记录数"), str(real["entries"]), str(other["entries"])],
        [say("gross, yuan", "总额（元）"), yuan(real["gross_fen"]), yuan(other["gross_fen"])],
        [say("carried", "结转"), str(real["carried"]), str(other["carried"])],
        [say("payments", "笔数"), str(len(real["legs"])), str(len(other["legs"]))],
        [
            say("not paid, yuan", "未付（元）"), yuan(0),
            yuan(sum(row["unpaid_fen"] for row in value["participants"].values())),
        ],
    ]  # fmt: skip
    out().print(table(value["month"], columns, rows))
    if real["legs"] or other["legs"]:
        _print_participants(value["participants"])
        _print_legs(real["legs"], other["legs"])
    if value["deferred"]:
        _print_deferred(value["deferred"])
    if value["short"]:
        _print_short(value["short"])
    if value["prepaid_from"] is not None:
        _print_prepaid(value)


def _basis(value: dict[str, Any]) -> str:
    month, revision = value["month"], value["revision"]
    if revision is None:
        return say(
            f"{month} is not proposed: with the cut as it would be drawn now",
            f"{month} 尚未提出批次：按此刻可确定的截止点计算",
        )
    return say(f"{month} r{revision}, at its cut", f"{month} 第 {revision} 版，按其截止点计算")


def _supposed(value: dict[str, Any]) -> list[str]:
    given, lines = value["supposed"], []
    if given["silent"]:
        names = ", ".join(map(name_of, given["silent"]))
        lines.append(say(f"silent since the last cut: {names}", f"自上次截止点起无新条目：{names}"))
    if given["model"]:
        lines.append(say(f"model {given['model']}", f"模型 {given['model']}"))
    if given["fails"]:
        names = ", ".join(map(name_of, given["fails"]))
        lines.append(say(f"paying nothing: {names}", f"分文未付：{names}"))
    if given["quota_cut_percent"] is not None:
        percent = given["quota_cut_percent"]
        held = value["prepaid_from"] == "held"
        en, zh = ("prepayments held", "所持预付金") if held else ("prepayment quota", "预付金额度")
        lines.append(say(f"{en} cut by {percent} %", f"{zh}削减 {percent}%"))
    if value["prepaid_from"] == "held":
        lines.append(
            say(
                "prepayments as the logs say they are held at the cut",
                "预付金按截止点时各日志所记实际持有额计算",
            )
        )
    elif value["prepaid_from"] == "batches":
        lines.append(
            say(
                "nothing was ever prepaid at the cut: quotas as the batches before would give them",
                "截止点前从未有预付金：按此前批次可得的额度计算",
            )
        )
    return lines


def _print_participants(participants: dict[str, dict[str, int]]) -> None:
    columns = [
        ("", "left"), (say("net", "净额"), "right"), (say("supposed", "假设"), "right"),
        (say("pays", "付出"), "right"), (say("supposed", "假设"), "right"),
        (say("receives", "收到"), "right"), (say("supposed", "假设"), "right"),
        (say("short by", "少收"), "right"),
    ]  # fmt: skip
    names = (
        "net_fen", "whatif_net_fen", "pays_fen", "whatif_pays_fen", "receives_fen",
        "whatif_receives_fen", "short_fen",
    )  # fmt: skip
    rows = [
        [name_of(code), *(yuan(row[name]) for name in names)]
        for code, row in participants.items()
        if any(row.values())
    ]
    out().print(table(say("Participants, yuan", "各参与方（元）"), columns, rows))


def _print_legs(real: list[dict[str, Any]], other: list[dict[str, Any]]) -> None:
    rows: dict[tuple[str, str], list[int]] = {}
    for legs, places in ((real, {0: "fen"}), (other, {1: "fen", 2: "moved_fen"})):
        for leg in legs:
            sums = rows.setdefault((leg["payer"], leg["payee"]), [0, 0, 0])
            for place, name in places.items():
                sums[place] += leg[name]
    columns = [
        (say("payer", "付款方"), "left"), (say("payee", "收款方"), "left"),
        (say("due as it is", "实际应付"), "right"), (say("due, supposed", "假设应付"), "right"),
        (say("moves", "假设实付"), "right"),
    ]  # fmt: skip
    out().print(
        table(
            say("Payments, yuan", "资金划拨（元）"),
            columns,
            [[name_of(a), name_of(b), *map(yuan, sums)] for (a, b), sums in sorted(rows.items())],
        )
    )


def _print_deferred(deferred: list[dict[str, Any]]) -> None:
    columns = [
        (say("debtor", "应付方"), "left"), (say("creditor", "应收方"), "left"),
        (say("entries", "记录数"), "right"), (say("yuan", "金额（元）"), "right"),
    ]  # fmt: skip
    rows = [
        [name_of(row["debtor"]), name_of(row["creditor"]), str(row["entries"]), yuan(row["fen"])]
        for row in deferred
    ]
    out().print(table(say("Left for a later batch", "留待以后批次"), columns, rows))


def _print_short(short: list[dict[str, Any]]) -> None:
    columns = [
        (say("who is short", "少收方"), "left"), (say("because of", "未付方"), "left"),
        (say("yuan", "金额（元）"), "right"),
    ]  # fmt: skip
    covered = short[0]["covered_fen"] is not None
    if covered:
        columns += [
            (say("from the prepayment", "预付金可抵"), "right"),
            (say("still short", "仍缺"), "right"),
        ]
    rows = []
    for item in short:
        row = [name_of(item["code"]), name_of(item["defaulter"]), yuan(item["fen"])]
        if covered:
            row += [yuan(item["covered_fen"]), yuan(item["fen"] - item["covered_fen"])]
        rows.append(row)
    out().print(table(say("Who is short", "少收明细"), columns, rows))


def _print_prepaid(value: dict[str, Any]) -> None:
    months, held = value["quota_from"], value["prepaid_from"] == "held"
    if not months and not held:
        talk().print(
            say(
                "no batch was confirmed before this month: there is no quota to compute",
                "此前没有已确认的批次，无法计算额度",
            )
        )
        return
    columns = [
        (say("debtor", "应付方"), "left"), (say("owes", "应付"), "right"),
        (say("held", "持有") if held else say("quota", "额度"), "right"),
        (say("after the cut", "削减后"), "right"),
        (say("covers", "可抵"), "right"), (say("not covered", "不足"), "right"),
    ]  # fmt: skip
    rows = [
        [
            name_of(code), yuan(row["owed_fen"]), yuan(row["prepaid_fen"]), yuan(row["left_fen"]),
            yuan(row["covered_fen"]), yuan(row["owed_fen"] - row["covered_fen"]),
        ]
        for code, row in value["prepaid"].items()
        if row["owed_fen"] or row["prepaid_fen"]
    ]  # fmt: skip
    title = (
        say("Prepayments, yuan; held at the cut", "预付金（元）；截止点时持有额")
        if held
        else say(
            f"Prepayments, yuan; quota from the batches {months[0]} to {months[-1]}",
            f"预付金（元）；额度依据 {months[0]} 至 {months[-1]} 各批次",
        )
    )
    out().print(table(title, columns, rows))
