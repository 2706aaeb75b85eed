"""Statements, lines and what they may be, as tables for a finance clerk."""

from typing import Any

from rich.cells import cell_len

from cli.output import say, table, yuan
from settlement.choice import payment_name
from settlement.matching import REASON

WAYS = {"out": ("to", "付"), "in": ("from", "收"), "back": ("back from", "退回")}
BY = {
    "HAND": ("bound by hand", "人工核对"), "SENT_BACK": ("sent back", "已退回"),
    **{code: (text.en, text.zh) for code, text in REASON.items()},
}  # fmt: skip


def statements_table(items: list[dict[str, Any]]) -> Any:
    """Return the table of statements."""
    heads = [
        (say("account", "账号"), "left"), (say("no.", "序号"), "right"),
        (say("from", "起始日期"), "left"), (say("to", "截止日期"), "left"),
        (say("opening", "期初余额"), "right"), (say("closing", "期末余额"), "right"),
        (say("lines", "笔数"), "right"), ("", "left"),
    ]  # fmt: skip
    new = {True: say("new", "新导入"), False: say("known", "已导入"), None: ""}
    rows = [
        [item["account"], str(item["sequence"] or ""), item["first"], item["last"],
         yuan(item["opening_fen"]), yuan(item["closing_fen"]), str(item["lines"]),
         new[item.get("new")]]
        for item in items
    ]  # fmt: skip
    return table(say("Statements", "银行对账单"), heads, rows)


def columns() -> list[tuple[str, str]]:
    """Return the columns that every table of lines begins with."""
    return [
        ("#", "right"), (say("booked", "记账日期"), "left"), (say("yuan", "金额（元）"), "right"),
        (say("counterparty", "对方"), "left"), (say("bank's number", "银行流水号"), "left"),
    ]  # fmt: skip


def cells(item: dict[str, Any]) -> list[str]:
    """Return what stands in them."""
    other = _cut(item["counterparty"] or item["counterparty_account"])
    return [str(item["line"]), item["booked"], yuan(item["fen"]), other, item["reference"]]


def _cut(text: str, width: int = 20) -> str:
    while cell_len(text) > width:
        text = text[:-2] + "…"
    return text


def bound_text(bound: dict[str, Any] | None) -> str:
    """Return what a line is bound to."""
    if bound is None:
        return "-"
    if bound["opposite"]:
        return f"{say(*BY['SENT_BACK'])}: # {bound['opposite']}"
    return "; ".join(payment_text(item) for item in bound["payments"])


def payment_text(item: dict[str, Any]) -> str:
    """Return a payment in one line."""
    way = say(*WAYS[item["way"]])
    name = payment_name(item["purpose"], item["month"], item["number"])
    return f"{name} {way} {item['other']} {yuan(item['fen'])}"


def matches_table(title: str, items: list[dict[str, Any]]) -> Any:
    """Return the table of what lines are or may be."""
    heads = [
        *columns(), (say("days", "天数"), "right"), (say("why", "理由"), "left"),
        (say("payments", "款项"), "left"),
    ]  # fmt: skip
    return table(title, heads, [_match_row(item) for item in items])


def _match_row(item: dict[str, Any]) -> list[str]:
    why = say(item["en"], item["zh"])
    if "refused" in item:
        why += f" ({item['refused']})"
    shown = [payment_text(payment) for payment in item["payments"][:3]]
    if len(item["payments"]) > 3:
        shown.append(f"+{len(item['payments']) - 3}")
    if item["opposite"]:
        shown.append(f"# {item['opposite']}")
    return [*cells(item), str(item["age_days"]), why, "; ".join(shown)]
