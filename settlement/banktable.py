"""Bank statements as tables: CSV or xlsx, one row a booking, English or Chinese headings.

    account,sequence,from,to,opening,closing,booked,valued,amount,reference,end_to_end,…
    账号,对账单序号,起始日期,截止日期,期初余额,期末余额,记账日期,起息日,金额,银行流水号,端到端标识,…

The first six columns are the statement's and repeat in each of its rows; a statement without
bookings is one row with nothing in the others. A file may hold several statements, of several
accounts. Amounts are yuan; what went out is below zero. Every fault is named by line or cell.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from ledger.errors import FormError
from settlement.bankstatement import (
    MAX_LINES,
    MAX_STATEMENTS,
    MAX_TEXT,
    Line,
    Statement,
    account_number,
    check_statement,
    clean,
)
from settlement.exportvalue import ValueFaultError, amount_of, day_of, text_of
from settlement.grid import Grid, read_grid
from settlement.iso20022 import CURRENCY
from settlement.workbook import Value

COLUMNS: dict[str, tuple[str, ...]] = {
    "account": ("账号", "本方账号"),
    "sequence": ("对账单序号", "对账单编号"),
    "from": ("起始日期", "开始日期"),
    "to": ("截止日期", "结束日期"),
    "opening": ("期初余额",),
    "closing": ("期末余额",),
    "booked": ("记账日期", "交易日期"),
    "valued": ("起息日", "起息日期"),
    "amount": ("金额", "交易金额", "发生额"),
    "debit": ("借方金额", "借方发生额", "支出金额"),
    "credit": ("贷方金额", "贷方发生额", "收入金额"),
    "currency": ("币种",),
    "reference": ("银行流水号", "交易流水号", "流水号"),
    "end_to_end": ("端到端标识", "业务编号"),
    "counterparty": ("对方户名", "对方名称"),
    "counterparty_account": ("对方账号",),
    "remittance": ("附言", "摘要", "用途"),
    "batched": ("批量笔数", "笔数"),
    "return_reason": ("退汇原因", "退回原因"),
    "kind": ("交易类型", "业务类型"),
}
REQUIRED = ("account", "from", "to", "opening", "closing", "booked", "reference")
OF_STATEMENT = ("account", "sequence", "from", "to", "opening", "closing")
FEES = frozenset({"fee", "手续费", "工本费", "账户管理费"})
KINDS = FEES | {"", "payment", "转账", "汇款"}
CURRENCIES = frozenset({"", CURRENCY, "RMB", "人民币"})

_NAMES = {alias.casefold(): name for name, aliases in COLUMNS.items() for alias in (name, *aliases)}


class _Row(NamedTuple):
    line: int
    head: tuple[Any, ...]  # of the statement
    booking: Line | None


def read_table(data: bytes) -> list[Statement]:
    """Return the statements of a CSV or xlsx file, in their order.

    Raises:
        FormError: Something is not what it must be; the line or cell is named, and what was
            expected.
    """
    grid = read_grid(data)
    rows, at, width = iter(grid.rows), None, 0
    found: list[_Row] = []
    for line, values in rows:
        if not any(value not in ("", None) for value in values):
            continue
        if at is None:
            at, width = _header(grid, line, values), len(values)
            continue
        if grid.form == "csv" and len(values) != width:
            raise FormError(f"line {line}", f"{width} fields as the header has", len(values))
        if len(found) == MAX_LINES:
            raise FormError(f"line {line}", f"at most {MAX_LINES} rows", "more")
        found.append(_row(grid, at, line, values))
    if not found:
        raise FormError("file", "a header and a row", "none")
    return _statements(found)


def _header(grid: Grid, line: int, values: Sequence[Value]) -> dict[str, int]:
    at: dict[str, int] = {}
    for column, value in enumerate(values):
        name = _NAMES.get(_plain(str(value)))
        if name is None:
            raise FormError(grid.place(line, column), "a known heading", value)
        if name in at:
            raise FormError(grid.place(line, column), f"{name} once", value)
        at[name] = column
        formula = grid.formulas.get(grid.first_column + column)
        if formula is not None:
            raise FormError(
                grid.place(formula.row, column), "values, not computed cells", formula.cells
            )
    missing = [name for name in REQUIRED if name not in at]
    if ("amount" in at) == ("debit" in at) or ("debit" in at) != ("credit" in at):
        raise FormError(f"line {line}", "amount, or debit and credit", "another choice of them")
    if missing:
        raise FormError(f"line {line}", f"headings {', '.join(REQUIRED)}", f"no {missing[0]}")
    return at


def _plain(heading: str) -> str:
    text = heading.strip().casefold()
    for unit in ("（元）", "(元)"):
        text = text.removesuffix(unit)
    return text.strip()


class _Cells:
    """The values of one row by name; a value that is wrong names its place."""

    def __init__(self, grid: Grid, at: dict[str, int], line: int, values: Sequence[Value]) -> None:
        self._grid, self._at, self._line, self._values = grid, at, line, values

    def value(self, name: str) -> Value:
        column = self._at.get(name)
        return "" if column is None or column >= len(self._values) else self._values[column]

    def has(self, name: str) -> bool:
        return name in self._at

    def read(self, name: str, read: Callable[[Value], Any], expected: str) -> Any:
        try:
            return read(self.value(name))
        except ValueFaultError as error:
            place = f"{self._grid.place(self._line, self._at[name])} {name}"
            raise FormError(place, expected, f"{self.value(name)!s:.80} ({error.code})") from None

    def text(self, name: str, longest: int = 140) -> str:
        value = self.value(name)  # a number is its digits: account numbers are often typed so
        text = clean(value if isinstance(value, str) else self.read(name, text_of, "a text"))
        if len(text) > longest:
            self.refuse(name, f"at most {longest} characters", f"{text[:20]}…")
        return text

    def day(self, name: str) -> str:
        return str(self.read(name, day_of, "a date such as 2017-04-15"))

    def fen(self, name: str) -> int:
        return int(self.read(name, amount_of, "yuan such as -1234.56"))

    def count(self, name: str) -> int:
        text = self.text(name)
        if not text:
            return 0
        if not (text.isascii() and text.isdigit() and 0 < int(text[:8]) <= 1_000_000):
            self.refuse(name, "a number from 1 to 1000000", text)
        return int(text)

    def one_of(self, name: str, known: Iterable[str]) -> str:
        text = self.text(name)
        if text not in known:
            self.refuse(name, " or ".join(sorted(filter(None, known))), text)
        return text

    def refuse(self, name: str, expected: str, got: object) -> None:
        column = self._at.get(name, 0)
        raise FormError(f"{self._grid.place(self._line, column)} {name}", expected, got)


def _row(grid: Grid, at: dict[str, int], line: int, values: Sequence[Value]) -> _Row:
    cells = _Cells(grid, at, line, values)
    first, last = cells.day("from"), cells.day("to")
    if not first or not last:
        cells.refuse("from" if not first else "to", "a date such as 2017-04-15", "")
    head = (
        account_number(cells.text("account")), cells.count("sequence"), first, last,
        cells.fen("opening"), cells.fen("closing"),
    )  # fmt: skip
    if not head[0]:
        cells.refuse("account", "the account's number", "")
    empty = all(cells.value(name) in ("", None) for name in COLUMNS if name not in OF_STATEMENT)
    return _Row(line, head, None if empty else _booking(cells))


def _booking(cells: _Cells) -> Line:
    booked = cells.day("booked")
    if not booked:
        cells.refuse("booked", "a date such as 2017-04-15", "")
    cells.one_of("currency", CURRENCIES)
    reference = cells.text("reference")
    if not reference:
        cells.refuse("reference", "the bank's number", "")
    return Line(
        booked=booked,
        valued=cells.day("valued") or booked,
        fen=_moved_fen(cells),
        reference=reference,
        end_to_end=cells.text("end_to_end"),
        counterparty=cells.text("counterparty"),
        counterparty_account=account_number(cells.text("counterparty_account")),
        remittance=cells.text("remittance", MAX_TEXT),
        batched=cells.count("batched"),
        return_reason=cells.text("return_reason"),
        fee=cells.one_of("kind", KINDS) in FEES,
    )


def _moved_fen(cells: _Cells) -> int:
    """Return an amount with its sign, or what came in less what went out (借贷分列)."""
    if cells.has("amount"):
        return cells.fen("amount")
    parts = [cells.fen(name) if cells.text(name) else 0 for name in ("credit", "debit")]
    if min(parts) < 0 or 0 not in parts:
        cells.refuse("debit", "one of debit and credit, without a sign", cells.value("debit"))
    return parts[0] - parts[1]


def _statements(rows: Sequence[_Row]) -> list[Statement]:
    groups: list[tuple[tuple[Any, ...], list[_Row]]] = []
    for row in rows:
        if not groups or groups[-1][0] != row.head:
            groups.append((row.head, []))
        groups[-1][1].append(row)
    if len(groups) > MAX_STATEMENTS:
        raise FormError("file", f"at most {MAX_STATEMENTS} statements", len(groups))
    begun: dict[tuple[Any, ...], int] = {}
    for head, group in groups:
        name = head[:4]  # account, number and days: whose balances have to be the same throughout
        if name in begun:
            expected = f"the balances of line {begun[name]}, and its rows together"
            raise FormError(f"line {group[0].line}", expected, "others")
        begun[name] = group[0].line
    found = []
    for head, group in groups:
        lines = [row.booking for row in group if row.booking is not None]
        if len(lines) < len(group) > 1:
            raise FormError(f"line {group[0].line}", "a booking in every row of a statement", "")
        account, sequence, first, last, opening, closing = head
        statement = Statement(account, sequence, first, last, opening, closing, lines)
        found.append(check_statement(statement))
    return found
