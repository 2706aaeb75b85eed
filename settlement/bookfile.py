"""A participant's books as files of other programs: hledger, beancount, and rows for a spreadsheet.

hledger gets the Chinese account names. beancount asks that every component of an account begins
with a capital or a digit, which no Chinese character is, so it gets English ones, and the Chinese
name stands with each account. Both files end with the balance of every account as an assertion:
whoever opens one has the program check our trial balance to the fen.
"""

from collections.abc import Callable, Iterator, Mapping

from settlement.chart import ROOTS, Account
from settlement.journal import Journal, Transaction, trial_balance
from settlement.money import format_yuan
from settlement.period import shift_day

CURRENCY = "CNY"
TYPES = {"asset": "A", "liability": "L", "expense": "X"}


def hledger(journal: Journal, about: str) -> str:
    """Return a journal for hledger; `hledger check -s` accepts it.

    Args:
        about: One line that says what this is and at which position; becomes a comment.
    """
    used = _accounts(journal)
    lines = [f"; {about}", "", "decimal-mark .", f"commodity 1000.00 {CURRENCY}", ""]
    lines += [f"account {ROOTS[root].zh}  ; type: {letter}" for root, letter in TYPES.items()]
    declared = {ROOTS[root].zh for root in TYPES}
    for account in used:  # a name with parts below it is declared, too
        parts = account.path().split(":")
        for depth in range(2, len(parts) + 1):
            name = ":".join(parts[:depth])
            if name not in declared:
                declared.add(name)
                lines.append(f"account {name}")
    for transaction in journal.transactions:
        tags = [f"月份:{transaction.month}"]
        tags += [f"流水号:{transaction.reference}"] if transaction.reference else []
        tags += [f"条目:{place.code}#{place.index}" for place in transaction.places[1:]]
        head = f"{transaction.date} * ({transaction.source}) {transaction.text.zh}"
        lines += ["", f"{head}  ; {', '.join(tags)}"]
        for account, fen in transaction.postings:
            lines.append(f"    {account.path()}  {format_yuan(fen)} {CURRENCY}")
    if journal.transactions:
        lines += ["", f"{_last_day(journal)} * 余额核对"]
        for account in used:
            balance = f"{format_yuan(journal.balances[account])} {CURRENCY}"
            lines.append(f"    {account.path()}  0.00 {CURRENCY} = {balance}")
    return "\n".join(lines) + "\n"


def beancount(journal: Journal, about: str) -> str:
    """Return a ledger for beancount; `bean-check` accepts it. `about`: see `hledger`."""
    first = min((t.date for t in journal.transactions), default="1970-01-01")
    lines = [f"; {about}", "", f'option "operating_currency" "{CURRENCY}"', ""]
    lines += [f"{first} commodity {CURRENCY}", ""]
    for account in _accounts(journal):
        lines.append(f"{first} open {account.ascii_path()} {CURRENCY}")
        lines.append(f'  title: "{account.path()}"')
    for transaction in journal.transactions:
        lines += ["", f'{transaction.date} * "{transaction.text.zh}"']
        lines.append(f'  en: "{transaction.text.en}"')
        lines.append(f'  entry: "{_entries(transaction)}"')
        lines.append(f'  month: "{transaction.month}"')
        lines += [f'  reference: "{transaction.reference}"'] if transaction.reference else []
        for account, fen in transaction.postings:
            lines.append(f"  {account.ascii_path()}  {format_yuan(fen)} {CURRENCY}")
    if journal.transactions:
        lines.append("")
        after = shift_day(_last_day(journal), 1)  # an assertion holds at the beginning of its day
        for account, fen in journal.balances.items():
            amount = f"{format_yuan(fen)} ~ 0.00 {CURRENCY}"  # else it lets a fen pass
            lines.append(f"{after} balance {account.ascii_path()}  {amount}")
    return "\n".join(lines) + "\n"


COLUMNS = (
    "date", "entry", "kind", "text", "text_zh", "month", "reference", "account", "account_zh",
    "counterpart", "debit_yuan", "credit_yuan",
)  # fmt: skip


def rows(journal: Journal) -> Iterator[list[str]]:
    """Yield the postings as rows of a table, its heading first; amounts in yuan."""
    yield list(COLUMNS)
    for transaction in journal.transactions:
        for account, fen in transaction.postings:
            yield [
                transaction.date, _entries(transaction), transaction.kind, transaction.text.en,
                transaction.text.zh, transaction.month, transaction.reference,
                account.title("en"), account.title("zh"), account.other,
                format_yuan(fen) if fen > 0 else "", format_yuan(-fen) if fen < 0 else "",
            ]  # fmt: skip


WRITERS: Mapping[str, Callable[[Journal, str], str]] = {"hledger": hledger, "beancount": beancount}


def _entries(transaction: Transaction) -> str:
    return " ".join(f"{place.code}#{place.index}" for place in transaction.places)


def _accounts(journal: Journal) -> list[Account]:
    return [row.account for row in trial_balance(journal)]


def _last_day(journal: Journal) -> str:
    return journal.transactions[-1].date
