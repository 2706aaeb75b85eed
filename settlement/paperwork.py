"""The documents of a month (L20, L21): tables for everybody, notices to whoever pays or is paid.

The titles are those of the rules; what stands in the columns is this project's choice, because
nobody has seen the official forms (certainty: memory). Every figure is the result's or follows from
the logs below its cut, so that anybody with the logs makes the same document.
"""

from collections.abc import Iterable, Iterator, Sequence

from ledger.errors import FormError, RefusedError
from settlement import netting
from settlement.batch import LINES
from settlement.carry import cleared_by_month
from settlement.deduction import declared, deductions
from settlement.document import (
    AMOUNTS,
    KINDS,
    LINE_KINDS,
    NOTICE_KINDS,
    Document,
    Head,
    Table,
    Value,
    made,
    totalled,
)
from settlement.monthbook import MonthBook
from settlement.notice import Movement, notice
from settlement.party import CENTRE
from settlement.totals import NOTHING, Amounts

DEDUCTED = ("before_fen", "added_fen", "lifted_fen", "reversed_fen", "held_fen")


def documents(book: MonthBook, kinds: Iterable[str], codes: Sequence[str]) -> Iterator[Document]:
    """Yield the documents of these kinds for these participants, in the order of `KINDS`.

    The clearing table is the centre's, whoever asks; a notice is made only for whoever has a leg.

    Args:
        codes: Participants, and the centre for its notices.

    Raises:
        FormError: A kind that does not exist.
        RefusedError: Notices of a month that is not confirmed (STATE).
    """
    wanted = set(kinds)
    if not wanted <= set(KINDS):
        raise FormError("kind", ", ".join(KINDS), ", ".join(sorted(wanted - set(KINDS))))
    for kind in KINDS:
        for code in (CENTRE,) if kind == "clearing" else sorted(codes):
            found = document(book, kind, code) if kind in wanted else None
            if found is not None:
                yield found


def document(book: MonthBook, kind: str, code: str) -> Document | None:
    """Return one document; None if this participant has none of the kind.

    Raises:
        RefusedError: A notice of a month that is not confirmed (STATE).
    """
    if kind not in KINDS:
        return None
    if kind in NOTICE_KINDS:
        return _month_notice(book, kind, code)
    if (kind == "clearing") != (code == CENTRE):
        return None
    if code != CENTRE and code not in book.participants:
        return None
    if kind == "clearing":
        return _clearing(book)
    if kind in ("payable", "receivable"):
        return _owed(book, kind, code)
    if kind in LINE_KINDS:
        return _by_line(book, kind, code)
    return _deductions(book, code)


def head_of(book: MonthBook) -> Head:
    """Return the head of the documents of a month."""
    return Head(
        book.batch.month,
        book.batch.revision,
        "confirmed" if book.confirmed else "draft",
        book.network.hex(),
        book.result.hash.hex(),
        book.result.model,
        book.basis.rules.name,
        book.result.ruleset_hash.hex(),
    )


# --- tables ---------------------------------------------------------------------------------------


def _clearing(book: MonthBook) -> Document:
    pairs = book.result.pairs
    rows = []
    for code in book.participants:
        due = _sum(a for (_, creditor), a in pairs.items() if creditor == code)
        owed = _sum(a for (debtor, _), a in pairs.items() if debtor == code)
        net = book.result.nets[code]
        rows.append((code, due.entries, due.fen, owed.entries, owed.fen, net))
    columns = (
        "participant", "receivable_entries", "receivable_fen", "payable_entries", "payable_fen",
        "net_fen",
    )  # fmt: skip
    table = totalled("participants", columns, rows)
    moved = sum(leg.fen for leg in book.result.legs)
    fields: dict[str, Value] = {"legs": len(book.result.legs), "moved_fen": moved}
    return made(head_of(book), "clearing", CENTRE, book.result.gross_fen, fields, table)


def _owed(book: MonthBook, kind: str, code: str) -> Document:
    rows = [
        (other, amounts.entries, *amounts[1:], amounts.fen)
        for other, amounts in _with(book, code, payable=kind == "payable")
    ]
    table = totalled("counterparts", ("counterpart", "entries", *AMOUNTS), rows)
    return made(head_of(book), kind, code, _last(table), {}, table)


def _with(book: MonthBook, code: str, *, payable: bool) -> list[tuple[str, Amounts]]:
    own, other = (0, 1) if payable else (1, 0)
    return [
        (pair[other], amounts)
        for pair, amounts in sorted(book.result.pairs.items())
        if pair[own] == code
    ]


def _by_line(book: MonthBook, line: str, code: str) -> Document:
    place = 1 + LINES.index(line)
    tables = []
    for name in ("payable", "receivable"):
        rows = []
        for other, _ in _with(book, code, payable=name == "payable"):
            debtor, creditor = (code, other) if name == "payable" else (other, code)
            for month, amounts in _service_months(book, debtor, creditor):
                if amounts[place]:
                    rows.append((other, month, amounts[place]))
        tables.append(totalled(name, ("counterpart", "service_month", f"{line}_fen"), rows))
    return made(head_of(book), line, code, _last(tables[0]), {}, *tables)


def _service_months(book: MonthBook, debtor: str, creditor: str) -> list[tuple[str, Amounts]]:
    """Return what the batch clears of a pair, by the month in which the patients were treated."""
    now = cleared_by_month(book.reader, book.closes, debtor, creditor)
    before = {}
    if len(book.closes) > 1:
        before = cleared_by_month(book.reader, book.closes[:-1], debtor, creditor)
    return [
        (month, now.get(month, NOTHING).minus(before.get(month, NOTHING)))
        for month in sorted(now.keys() | before.keys())
    ]


def _deductions(book: MonthBook, code: str) -> Document:
    tables, held = [], 0
    for name in ("payable", "receivable"):
        tied, why = _deducted(book, code, payable=name == "payable")
        tables += [
            totalled(
                f"{name}-tied",
                ("counterpart", "declared_fen", *DEDUCTED[1:4], "cleared_fen"),
                tied,
            ),
            totalled(f"{name}-why", ("counterpart", "reason", "status", "cases", *DEDUCTED), why),
        ]
        held += _last(tables[-1]) if name == "payable" else 0
    return made(head_of(book), "deductions", code, held, {}, *tables)


_Rows = list[tuple[Value, ...]]


def _deducted(book: MonthBook, code: str, *, payable: bool) -> tuple[_Rows, _Rows]:
    tied: _Rows = []
    why: _Rows = []
    for other in book.participants:
        if other == code:
            continue
        debtor, creditor = (code, other) if payable else (other, code)
        found = deductions(book.reader, book.closes, debtor, creditor)
        claimed = declared(book.reader, book.closes, debtor, creditor).fen
        sums = [sum(item.fens[place] for item in found) for place in (1, 2, 3)]
        cleared = book.result.pairs.get((debtor, creditor), NOTHING).fen
        assert cleared == claimed - sums[0] + sums[1] + sums[2]
        if found or claimed or cleared:
            tied.append((other, claimed, *sums, cleared))
        groups: dict[tuple[str, str], list[int]] = {}
        for item in found:
            row = groups.setdefault((item.reason, item.status), [0] * 6)
            for place, fen in enumerate((1, *item.fens)):
                row[place] += fen
        why += [(other, *key, *groups[key]) for key in sorted(groups)]
    return tied, why


# --- notices --------------------------------------------------------------------------------------


def _month_notice(book: MonthBook, kind: str, code: str) -> Document | None:
    if not book.confirmed:
        month = f"{book.batch.month} r{book.batch.revision}"
        raise RefusedError("STATE", f"{month} is not confirmed: notices come with confirmation")
    money = {pair: amounts.lines for pair, amounts in book.result.pairs.items()}
    moves = netting.movements(book.result.model, money, book.participants)
    mine = [
        Movement(*leg, lines)
        for leg, lines in moves
        if code == (leg.payer if kind == "payment-notice" else leg.payee)
    ]
    if not mine:
        return None
    due = book.due(mine[0].payer)
    until = None
    if due is not None and due.day is not None:
        until = due.day.isoformat(), due.step.event
    return notice(head_of(book), kind, code, mine, until)


# --- sums -----------------------------------------------------------------------------------------


def _sum(amounts: Iterable[Amounts]) -> Amounts:
    found = NOTHING
    for item in amounts:
        found = found.plus(item)
    return found


def _last(table: Table) -> int:
    last = table.total[-1]
    assert isinstance(last, int)
    return last
