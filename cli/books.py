"""`gongzhang books`: double-entry books of a participant, from a home or from audited logs."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from cli import bookpage
from cli.audit import audited, load_policy
from cli.holding import holding_of
from cli.homes import Json, open_home
from cli.output import emit, fail, guarded, out, say, talk
from cli.sheet import cell
from ledger.disk import write_durably
from ledger.errors import FormError, RefusedError
from ledger.table import Reader
from node import heads
from settlement import bookfile
from settlement.books import Books, all_here, at_confirmation, books_at
from settlement.chart import named
from settlement.journal import trial_balance
from settlement.mirror import mirror as mirrored
from settlement.party import CENTRE
from settlement.period import check_month
from settlement.roster import Roster

app = typer.Typer(
    no_args_is_help=True, help=say("Double-entry books of the clearing.", "清算复式账簿。")
)

Home = Annotated[
    Path | None, typer.Option("--home", help="the node's home", envvar="GONGZHANG_HOME")
]
Source = Annotated[
    Path | None,
    typer.Option("--source", help="instead of --home: a home or exported logs, audited first"),
]
Policy = Annotated[Path | None, typer.Option("--policy", help="with --source: the trust file")]
At = Annotated[
    list[str] | None,
    typer.Option("--at", metavar="CODE=SIZE", help="how far a log counts (default: all of it)"),
]
AtMonth = Annotated[
    str | None, typer.Option("--month", help="as this month was confirmed: its cut")
]
Party = Annotated[str | None, typer.Option("--party", help="whose books (default: the home's)")]
With = Annotated[str | None, typer.Option("--with", help="only with this participant")]


@dataclass(frozen=True)
class Opened:
    """The books that were asked for, and whose they are."""

    books: Books
    party: str | None  # None: everybody's
    network: str


@app.command()
def balance(
    home: Home = None,
    party: Party = None,
    at: At = None,
    month: AtMonth = None,
    settled: Annotated[
        bool, typer.Option("--all", help="also accounts whose balance is zero")
    ] = False,
    source: Source = None,
    policy: Policy = None,
    as_json: Json = False,
) -> None:
    """Show the trial balance of a participant at a position of the logs."""
    opened = _opened(home, source, policy, party, at, month, as_json=as_json)
    rows = trial_balance(opened.books.of(_one(opened, as_json=as_json)))
    if as_json:
        emit({**_about(opened), **bookpage.balance_json(rows)})
        return
    out().print(bookpage.balance_table(_title(opened), rows, settled=settled))
    _say_position(opened.books.sizes)


@app.command()
def journal(
    home: Home = None,
    party: Party = None,
    other: With = None,
    at: At = None,
    month: AtMonth = None,
    source: Source = None,
    policy: Policy = None,
    as_json: Json = False,
) -> None:
    """Show the transactions of a participant, by date, with the entries each rests on."""
    opened = _opened(home, source, policy, party, at, month, as_json=as_json)
    _known(opened.books, other, as_json=as_json)
    transactions = [
        item
        for item in opened.books.of(_one(opened, as_json=as_json)).transactions
        if other is None or any(posting.account.other == other for posting in item.postings)
    ]
    if as_json:
        listed = [bookpage.transaction_json(item) for item in transactions]
        emit({**_about(opened), "transactions": listed})
        return
    out().print(bookpage.journal_table(_title(opened), transactions))
    _say_position(opened.books.sizes)


@app.command()
def mirror(
    home: Home = None,
    party: Annotated[
        str | None,
        typer.Option("--party", help="whose books (default: the home's; of --source: all)"),
    ] = None,
    other: With = None,
    at: At = None,
    month: AtMonth = None,
    source: Source = None,
    policy: Policy = None,
    as_json: Json = False,
) -> None:
    """Hold books against their mirrors: what each says the other owes, and what is under way.

    Exit 1 if they disagree beyond that, 3 if another log has to come first.
    """
    opened = _opened(home, source, policy, party, at, month, as_json=as_json)
    _known(opened.books, other, as_json=as_json)
    found = mirrored(opened.books).between(opened.party, other)
    code = 1 if found.false else 3 if found.waiting else 0
    if as_json:
        emit({**_about(opened), "ok": code == 0, **bookpage.mirror_json(found), "exit": code})
    else:
        bookpage.print_mirror(found)
        _say_position(opened.books.sizes)
    raise typer.Exit(code)


@app.command()
def export(
    target: Annotated[Path, typer.Argument(metavar="OUT", help="a new file")],
    form: Annotated[str, typer.Option("--format", help="hledger, beancount or csv")],
    home: Home = None,
    party: Party = None,
    at: At = None,
    month: AtMonth = None,
    source: Source = None,
    policy: Policy = None,
    as_json: Json = False,
) -> None:
    """Write the books of a participant for hledger, beancount or a spreadsheet.

    hledger gets Chinese account names, beancount English ones with the Chinese beside each.
    """

    def check() -> None:
        if form != "csv" and form not in bookfile.WRITERS:
            raise FormError("--format", "hledger, beancount or csv", form)
        if target.exists():
            raise FormError(str(target), "a file that does not exist yet")

    guarded(check, as_json=as_json)
    opened = _opened(home, source, policy, party, at, month, as_json=as_json)
    code = _one(opened, as_json=as_json)
    written = opened.books.of(code)
    if form == "csv":
        data = _csv(bookfile.rows(written))
    else:
        sizes = " ".join(f"{c}={size}" for c, size in opened.books.sizes.items())
        about = f"Gongzhang {opened.network[:16]}, {named(code, 'zh')}, {sizes}"
        data = bookfile.WRITERS[form](written, about).encode()
    guarded(lambda: write_durably(target, data), as_json=as_json)
    count = len(written.transactions)
    if as_json:
        emit({**_about(opened), "ok": True, "format": form, "transactions": count})
    else:
        text = say(f"{count} transactions of {named(code, 'en')} in {target}",
                   f"{named(code, 'zh')} {count} 笔分录已写入 {target}")  # fmt: skip
        talk().print(text, markup=False)


def _csv(rows: Iterator[list[str]]) -> bytes:
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\r\n").writerows(
        [cell(value) for value in row] for row in rows
    )
    return file.getvalue().encode("utf-8-sig")  # without a mark Excel reads Chinese wrongly


# --- what is asked for ---------------------------------------------------------------------------


def _opened(
    home: Path | None,
    source: Path | None,
    policy: Path | None,
    party: str | None,
    at: Sequence[str] | None,
    month: str | None,
    *,
    as_json: bool,
) -> Opened:
    def act() -> Opened:
        with _logs(home, source, policy, as_json=as_json) as (reader, founding, sizes, own):
            books = books_at(reader, founding, _position(reader, sizes, at, month))
            whose = own if party is None else None if party == "all" else party
            if whose is not None:
                books.of(whose)
            return Opened(books, whose, founding.network_id.hex())

    found: Opened = guarded(act, as_json=as_json)
    return found


@contextmanager
def _logs(
    home: Path | None, source: Path | None, policy: Path | None, *, as_json: bool
) -> Iterator[tuple[Reader, Roster, dict[str, int], str | None]]:
    """Yield logs, the founding roster, how far each log counts, and whose home it is."""
    if source is None:
        if home is None:
            raise FormError("--home", "a node's home, or --source with --policy", "neither")
        with open_home(home) as opened:
            # Nothing of the centre's has effect before a quorum has cosigned it.
            known = heads.size_of(opened.reader, CENTRE)
            sizes = {**all_here(opened.reader, opened.founding), CENTRE: known}
            yield opened.reader, opened.founding, sizes, opened.config.code
        return
    if policy is None:
        raise FormError("--policy", "the trust file under which --source is audited", "none")
    with audited(source, load_policy(policy), show=not as_json) as audit:
        report = audit.report
        if audit.roster is None or report.findings:
            first = report.findings[0]
            error = RefusedError("FINDINGS", f"{len(report.findings)}: {first.place}: {first.text}")
            fail(error, as_json=as_json, code=report.exit_code)
        holding = holding_of(audit)
        yield holding.reader, holding.founding, holding.sizes, None


def _position(
    reader: Reader, sizes: dict[str, int], at: Sequence[str] | None, month: str | None
) -> dict[str, int]:
    if month is not None:
        if at:
            raise FormError("--month", "either --month or --at", "both")
        return at_confirmation(reader, sizes, check_month(month))
    found = dict(sizes)
    for item in at or ():
        code, _, size = item.partition("=")
        most = sizes.get(code)
        if most is None:
            raise FormError("--at", f"CODE=SIZE of one of {', '.join(sizes)}", item)
        if not (size.isascii() and size.isdigit() and len(size) < 17 and int(size) <= most):
            raise FormError("--at", f"{code}=0 to {code}={most}", item)
        found[code] = int(size)
    return found


def _one(opened: Opened, *, as_json: bool) -> str:
    if opened.party is None:
        codes = " ".join(opened.books.journals)
        fail(FormError("--party", f"one of {codes}", "none"), as_json=as_json)
    return opened.party


def _known(books: Books, other: str | None, *, as_json: bool) -> None:
    if other is not None:
        guarded(lambda: books.of(other), as_json=as_json)


def _about(opened: Opened) -> dict[str, Any]:
    return {"party": opened.party, "sizes": dict(opened.books.sizes)}


def _title(opened: Opened) -> str:
    return named(opened.party or "", say("en", "zh"))


def _say_position(sizes: Mapping[str, int]) -> None:
    listed = " ".join(f"--at {code}={size}" for code, size in sizes.items())
    talk().print(f"{say('position', '日志位置')}: {listed}", soft_wrap=True)
