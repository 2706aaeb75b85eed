"""`gongzhang leg instruct`, `gongzhang prepay instruct`: payment files for the payer's bank."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, NamedTuple

import typer

from cli.accounts import Accounts, load_accounts
from cli.homes import Home, Json, Month, OpenHome, open_home
from cli.labels import MONEY
from cli.output import emit, guarded, name_of, out, say, table, talk, yuan
from ledger.disk import write_durably
from ledger.errors import FormError, RefusedError
from ledger.hashing import hash_bytes
from node import heads
from node.clock import BusinessCalendar
from node.orders import order
from settlement import batch as batches
from settlement import leg as legs
from settlement.demand import Row
from settlement.demand import numbered as numbered_row
from settlement.demand import rows as demanded_rows
from settlement.instruction import ROW_PURPOSES, Payable, instructions, payable, payable_rows
from settlement.party import CENTRE
from settlement.paymentfile import FORMATS, Batch, make_batch, make_file, record_format
from settlement.period import check_day
from settlement.record import Payment

Target = Annotated[Path, typer.Option("--out", help="the payment file to write")]
Form = Annotated[str, typer.Option("--format", help="xlsx for the online bank, or pain.001")]
PayDay = Annotated[
    str | None,
    typer.Option("--date", help="when the bank is to pay (default: the business date)"),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="enter and write nothing")]


def instruct(
    month: Month,
    home: Home,
    target: Target,
    numbers: Annotated[
        list[int] | None, typer.Argument(help="only these legs (default: all that are asked for)")
    ] = None,
    form: Form = "xlsx",
    date: PayDay = None,
    accounts: Accounts = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Make the payment file of a month and enter its digest (at the payer's node).

    A payment is in one file only. The same command on the same date gives the same file again.
    """
    wanted = _Wanted(month, frozenset(numbers or ()), form, date)
    _make(_Legs, wanted, home, target, accounts, dry_run=dry_run, as_json=as_json)


def instruct_rows(
    month: Month,
    home: Home,
    target: Target,
    numbers: Annotated[
        list[int] | None, typer.Argument(help="only these rows (default: all that are asked for)")
    ] = None,
    form: Form = "xlsx",
    date: PayDay = None,
    accounts: Accounts = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Make the payment file of rows demanded in a month and enter its digest (at their payer's).

    What is given back is paid by the treatment province. A payment is in one file only. The same
    command on the same date gives the same file again.
    """
    wanted = _Wanted(month, frozenset(numbers or ()), form, date)
    _make(_Rows, wanted, home, target, accounts, dry_run=dry_run, as_json=as_json)


class _Wanted(NamedTuple):
    """What is to be in a file, and how."""

    month: str
    numbers: frozenset[int]  # none: all that are asked for
    form: str
    date: str | None  # None: the business date


def _make(
    kind: "type[_Plan]",
    wanted: _Wanted,
    home: Path,
    target: Path,
    accounts: Path | None,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    def act() -> dict[str, Any]:
        if wanted.form not in FORMATS:
            raise FormError("--format", " or ".join(FORMATS), wanted.form)
        with open_home(home) as opened:
            day = check_day(wanted.date) if wanted.date else _today(opened)
            plan = kind(opened, wanted, day)
            value = plan.make(load_accounts(home, accounts, needed=True))
        data = plan.data
        if target.exists() and target.read_bytes() != data:
            raise FormError(str(target), "a file that does not exist yet")
        if dry_run:
            return {**value, "dry_run": True}
        rows = [_row(transfer.payment) for transfer in plan.batch.transfers]
        done = asyncio.run(
            order(
                home,
                "instruct",
                digest=value["digest"],
                form=record_format(wanted.form),
                payments=rows,
            )
        )
        if "pending" in done:  # no file before two people have signed what is in it
            short = done["pending"][:12]
            raise RefusedError(
                "APPROVAL",
                say(
                    f"waits for signatures: gongzhang approval sign {short} --as FILE.key; "
                    "then give this command again",
                    f"待复核签名：gongzhang approval sign {short} --as 密钥文件；"
                    "签齐后再执行本命令",
                ),
            )
        # The entry is durable first: a file without one must not reach a bank.
        if not target.exists():
            write_durably(target, data)
        return {**value, "index": done["index"], "out": str(target)}

    value = guarded(act, as_json=as_json)
    if as_json:
        emit({"ok": True, **value})
        return
    _show(kind, wanted.month, value)


def _row(payment: Payment) -> list[Any]:
    return [
        payment.purpose, payment.month, payment.number, payment.attempt, payment.payee, payment.fen
    ]  # fmt: skip


def _today(opened: OpenHome) -> str:
    return BusinessCalendar.parse(opened.config.business_date).today()


class _Plan(ABC):
    """The file of a month: what is asked for and in no file yet, or else the file it is in."""

    word: ClassVar[str]  # what a number counts
    purposes: ClassVar[tuple[str, ...]]

    def __init__(self, opened: OpenHome, wanted: _Wanted, day: str) -> None:
        self.opened, self.month, self.numbers = opened, wanted.month, wanted.numbers
        self.form, self.day = wanted.form, day
        self.batch: Batch
        self.data = b""

    def make(self, accounts: dict[str, Any]) -> dict[str, Any]:
        found = self.found()
        again = not found.fresh
        if again:
            self._again(accounts)
        else:
            self._take(found.fresh, accounts)
        return {
            "month": self.month, "format": self.form, "date": self.day,
            "digest": hash_bytes(self.data).hex(), "fen": self.batch.total_fen, "again": again,
            "in_other_files": [[p.number, index] for p, index in found.filed if not again],
            "payments": [
                {self.word: t.payment.number, "purpose": t.payment.purpose,
                 "payee": t.payment.payee, "fen": t.payment.fen,
                 "attempt": t.payment.attempt, "end_to_end": t.end_to_end}
                for t in self.batch.transfers
            ],
        }  # fmt: skip

    @abstractmethod
    def found(self) -> Payable:
        """Return what may be in the file."""

    def _take(self, payments: Sequence[Payment], accounts: dict[str, Any]) -> None:
        network, code = self.opened.founding.network_id, self.opened.config.code
        self.batch = make_batch(network, code, payments, accounts, self.day)
        self.data = make_file(self.form, self.batch)

    def _again(self, accounts: dict[str, Any]) -> None:
        """Make the file that holds the payments already; only the same bytes will do."""
        holding = []
        for index, record in instructions(self.opened.reader, self.opened.config.code):
            inside = {
                p.number
                for p in record.payments
                if p.month == self.month and p.purpose in self.purposes
            }
            if not inside or not self.numbers <= inside:
                continue
            holding.append(index)
            if record.format == record_format(self.form):
                self._take(record.payments, accounts)
                if hash_bytes(self.data) == record.digest:
                    return
        if not holding:
            raise RefusedError("NOTHING_LEFT", f"{self.month}: nothing is left to pay here")
        raise RefusedError(
            "DUPLICATE",
            f"the payments are in the file of entry {', '.join(map(str, holding))}; with its "
            "format, its --date and the same accounts it can be made again",
        )


class _Legs(_Plan):
    """The file of a confirmed month."""

    word = "leg"
    purposes = ("clearing",)

    def found(self) -> Payable:
        """Return what the legs of the month ask for."""
        reader, month_legs = self.opened.reader, self._legs()
        for number in sorted(self.numbers):
            legs.numbered(month_legs, number)
        return payable(reader, month_legs, self.month, self.opened.config.code, self.numbers)

    def _legs(self) -> list[legs.Leg]:
        opened = self.opened
        size = heads.size_of(opened.reader, CENTRE)
        found = batches.latest_batch(opened.reader, opened.founding, self.month, size)
        if found is None or found.confirmation_index is None:
            raise RefusedError("STATE", f"{self.month} is not confirmed below a cosigned head")
        result = batches.result_of(opened.reader, opened.founding, self.month, found.revision)
        return legs.legs_of(opened.reader, result)


class _Rows(_Plan):
    """The file of the rows demanded in a month, whichever side of them pays."""

    word = "row"
    purposes = ROW_PURPOSES

    def found(self) -> Payable:
        """Return what the rows of the month ask for."""
        reader, code = self.opened.reader, self.opened.config.code
        demanded = demanded_rows(reader, heads.size_of(reader, CENTRE))
        for number in sorted(self.numbers):
            self._check_mine(numbered_row(demanded, self.month, number), code)
        if not any(row.month == self.month for row in demanded):
            raise RefusedError("STATE", f"{self.month} has no demand below a cosigned head")
        return payable_rows(reader, demanded, self.month, code, self.numbers)

    @staticmethod
    def _check_mine(row: Row, code: str) -> None:
        if row.payer != code:
            raise RefusedError("ROLE", f"row {row.number} is paid by {row.payer}, not by {code}")


def _show(kind: type[_Plan], month: str, value: dict[str, Any]) -> None:
    columns = [
        ("#", "right"), (say("kind", "资金性质"), "left"), (say("to", "收款方"), "left"),
        (say("yuan", "金额（元）"), "right"),
        (say("end-to-end id", "端到端标识"), "left"),
    ]  # fmt: skip
    rows = [
        [
            str(p[kind.word]),
            say(MONEY[p["purpose"]].en, MONEY[p["purpose"]].zh),
            name_of(p["payee"]),
            yuan(p["fen"]),
            p["end_to_end"],
        ]
        for p in value["payments"]
    ]
    out().print(
        table(f"{say('Payment file', '付款文件')}, {month}, {value['date']}", columns, rows)
    )
    for number, index in value["in_other_files"]:
        en, zh = (
            f"{kind.word} {number} is in the file of entry {index}",
            f"第 {number} {'笔' if kind is _Legs else '行'}已在条目 {index} 的文件中",
        )
        talk().print(say(en, zh))
    total = f"{yuan(value['fen'])} {say('yuan', '元')}, SHA-256 {value['digest']}"
    talk().print(total)
    if value.get("dry_run"):
        talk().print(say("nothing was entered or written", "未登记，未写出文件"))
        return
    again = (
        say("the same file again", "与原文件相同") if value["again"] else say("entered", "已登记")
    )
    talk().print(f"{again}: {say('entry', '条目')} {value['index']}, {value['out']}")
