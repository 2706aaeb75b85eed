"""How books are shown: trial balance, journal, and mirrored accounts."""

from collections.abc import Sequence
from typing import Any

from cli.output import language, name_of, out, say, table, talk, yuan
from settlement.chart import HEADS, LINES, Account
from settlement.journal import Row, Transaction
from settlement.mirror import Item, Mirror

KINDS = {
    "transit": ("under way", "在途"),
    "awaited": ("another log has to come", "待对方日志"),
    "contradicted": ("CONTRADICTED", "不符"),
}


def balance_table(whose: str, rows: Sequence[Row], *, settled: bool) -> Any:
    """Return a trial balance; accounts without a balance only if `settled`."""
    columns = [
        (say("account", "科目"), "left"), (say("debited", "借方发生额"), "right"),
        (say("credited", "贷方发生额"), "right"), (say("debit balance", "借方余额"), "right"),
        (say("credit balance", "贷方余额"), "right"),
    ]  # fmt: skip
    shown = [row for row in rows if settled or row.balance_fen]
    lines = [
        [row.account.title(language()), yuan(row.debit_fen), yuan(row.credit_fen), *_sides(row)]
        for row in shown
    ]
    if len(shown) < len(rows):
        rest = [row for row in rows if not row.balance_fen]
        text = say(f"{len(rest)} settled accounts (--all)", f"已结平科目 {len(rest)} 个（--all）")
        lines.append([text, *_sums(rest), "", ""])
    balances = [row.balance_fen for row in rows]
    lines.append(
        [
            say("total", "合计"), *_sums(rows), yuan(sum(fen for fen in balances if fen > 0)),
            yuan(-sum(fen for fen in balances if fen < 0)),
        ]
    )  # fmt: skip
    return table(f"{say('Trial balance, yuan', '试算平衡表（元）')}, {whose}", columns, lines)


def _sides(row: Row) -> tuple[str, str]:
    fen = row.balance_fen
    return yuan(fen) if fen > 0 else "", yuan(-fen) if fen < 0 else ""


def _sums(rows: Sequence[Row]) -> tuple[str, str]:
    return yuan(sum(row.debit_fen for row in rows)), yuan(sum(row.credit_fen for row in rows))


def balance_json(rows: Sequence[Row]) -> dict[str, Any]:
    """Return a trial balance by name; amounts in fen, balances above zero are debits."""
    return {
        "accounts": [
            {
                **_account(row.account), "debit_fen": row.debit_fen, "credit_fen": row.credit_fen,
                "balance_fen": row.balance_fen,
            }
            for row in rows
        ],
        "debit_fen": sum(row.debit_fen for row in rows),
        "credit_fen": sum(row.credit_fen for row in rows),
    }  # fmt: skip


def _account(account: Account) -> dict[str, str]:
    return {
        "head": account.head, "other": account.other, "part": account.part,
        "name_en": account.title("en"), "name_zh": account.title("zh"),
    }  # fmt: skip


def journal_table(whose: str, transactions: Sequence[Transaction]) -> Any:
    """Return a journal: what happened on the first line of a transaction, its postings below."""
    columns = [
        (say("date", "日期"), "left"), (say("entry", "条目"), "left"),
        (say("what, accounts", "摘要与科目"), "left"),
        (say("debit", "借方"), "right"), (say("credit", "贷方"), "right"),
    ]  # fmt: skip
    rows = []
    for item in transactions:
        rows.append([item.date, item.source, say(*item.text), "", ""])
        for account, fen in item.postings:
            sides = [yuan(fen), ""] if fen > 0 else ["", yuan(-fen)]
            rows.append(["", "", f"  {account.title(language())}", *sides])
    return table(f"{say('Journal, yuan', '分录（元）')}, {whose}", columns, rows)


def transaction_json(item: Transaction) -> dict[str, Any]:
    """Return one transaction by name; debits above zero, in fen."""
    return {
        "date": item.date,
        "kind": item.kind,
        "text_en": item.text.en,
        "text_zh": item.text.zh,
        "month": item.month,
        "reference": item.reference,
        "entries": [[place.code, place.index] for place in item.places],
        "postings": [{**_account(account), "fen": fen} for account, fen in item.postings],
    }


def print_mirror(found: Mirror) -> None:
    """Print mirrored accounts side by side, the items, and the verdict."""
    if found.lines:
        out().print(_lines_table(found))
    if found.items:
        out().print(_items_table(found.items))
    if found.false:
        text = say("The books disagree beyond what is under way.", "双方账簿除在途款项外仍有不符。")
    elif found.waiting:
        text = say(
            "What is listed as awaited can be judged once the other log reaches that far here.",
            "标为“待对方日志”的各项，须待对方日志同步后方可判断。",
        )
    elif found.lines:
        text = say("The books agree.", "双方账簿相符。")
    else:
        text = say("The books agree: nothing is open.", "双方账簿相符，无未结款项。")
    talk().print(text)


def _lines_table(found: Mirror) -> Any:
    columns = [
        (say("account", "科目"), "left"), (say("in the books of", "本方账簿"), "left"),
        (say("yuan", "金额（元）"), "right"), (say("against", "对方账簿"), "left"),
        (say("yuan", "金额（元）"), "right"), (say("differs", "差额"), "right"),
        (say("unexplained", "未说明"), "right"),
    ]  # fmt: skip
    rows = []
    for line in found.lines:
        name = say(*HEADS[line.head].name)
        part = say(*LINES[line.part]) if line.part in LINES else line.part
        differs, unexplained = line.one_fen - line.two_fen, line.unexplained_fen
        rows.append(
            [
                f"{name}: {part}" if part else name, name_of(line.one), yuan(line.one_fen),
                name_of(line.two), yuan(line.two_fen), yuan(differs) if differs else "",
                yuan(unexplained) if unexplained else "",
            ]
        )  # fmt: skip
    return table(say("Mirrored accounts", "往来科目核对"), columns, rows)


def _items_table(items: Sequence[Item]) -> Any:
    columns = [
        (say("state", "状态"), "left"), (say("from", "付款方"), "left"),
        (say("to", "收款方"), "left"), (say("yuan", "金额（元）"), "right"),
        (say("month", "月份"), "left"), (say("entries", "条目"), "left"),
        (say("why", "说明"), "left"),
    ]  # fmt: skip
    rows = [
        [
            say(*KINDS[item.kind]), name_of(item.sender), name_of(item.receiver), yuan(item.fen),
            item.month, " ".join(f"{place.code}#{place.index}" for place in item.places),
            say(*item.text),
        ]
        for item in items
    ]  # fmt: skip
    return table(say("Items", "未达与待查事项"), columns, rows)


def mirror_json(found: Mirror) -> dict[str, Any]:
    """Return mirrored accounts and items by name, in fen."""
    return {
        "accounts": [
            {**line._asdict(), "unexplained_fen": line.unexplained_fen} for line in found.lines
        ],
        "items": [
            {
                "kind": item.kind, "from": item.sender, "to": item.receiver, "fen": item.fen,
                "month": item.month, "text_en": item.text.en, "text_zh": item.text.zh,
                "entries": [[place.code, place.index] for place in item.places],
            }
            for item in found.items
        ],
    }  # fmt: skip
