"""Mirrored accounts: what one participant's books say another owes is what the other's books say.

    remittance due from B, in A's books      =  remittance due to A, in B's books (and so arrears)
    prepayment paid to B, in A's books       =  held from A and being returned to A, in B's books
    paid late to the hub, in A's books       =  to be passed on, in the centre's books
    in transit to B, in A's books            =  the payments that are under way, one by one

Books may differ only by what stands in one log and is borne out by nothing in the other's: a
receipt of what nobody says was sent, of another amount, or of what the bank has returned. Each such
entry is listed; what remains after them has no explanation and is an error.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from settlement.books import Books
from settlement.chart import Account
from settlement.dealings import Dealings, Purpose, Use
from settlement.money import format_yuan
from settlement.outcome import Text
from settlement.party import CENTRE
from settlement.record import Draw, Place
from settlement.transfer import Said, Transfer

# The head in the books of who is owed -> the heads in the books of who owes.
MIRRORED = {
    "receivable": ("payable",),
    "due_from": ("due_to",),
    "arrears_from": ("arrears_to",),
    "prepaid": ("held", "returning"),
    "with_hub": ("pass_on",),
    "suspense_out": ("suspense_in",),
}
_OWING = {head: owed for owed, heads in MIRRORED.items() for head in heads}


class Line(NamedTuple):
    """One account of `one` against its mirror in the books of `two`, in fen."""

    head: str
    part: str
    one: str
    two: str
    one_fen: int  # debit balance in the books of `one`
    two_fen: int  # credit balance in the books of `two`; of `transit`: what is listed
    explained_fen: int  # by entries that stand in one log alone

    @property
    def unexplained_fen(self) -> int:
        """What the two differ by and no entry explains: never anything but zero."""
        return self.one_fen - self.two_fen - self.explained_fen


class Item(NamedTuple):
    """One entry, or a payment, that is under way, waits for another log, or contradicts it.

    `kind`: `transit` (sent, not yet received: as it should be), `awaited` (the log that has the
    other half does not reach that far here), `contradicted` (the logs contradict each other, or no
    leg asks for it).
    """

    kind: str
    sender: str
    receiver: str
    fen: int
    month: str
    places: tuple[Place, ...]
    text: Text


@dataclass(frozen=True)
class Mirror:
    """All mirrored accounts that have a balance, and the items."""

    lines: Sequence[Line]
    items: Sequence[Item]

    def between(self, party: str | None, other: str | None = None) -> "Mirror":
        """Return what concerns one participant, or two."""
        wanted = {code for code in (party, other) if code is not None}
        return Mirror(
            [line for line in self.lines if wanted <= {line.one, line.two}],
            [item for item in self.items if wanted <= {item.sender, item.receiver}],
        )

    @property
    def false(self) -> bool:
        """Whether something disagrees beyond what is under way or still to come."""
        return any(line.unexplained_fen for line in self.lines) or self._has("contradicted")

    @property
    def waiting(self) -> bool:
        """Whether something cannot be judged with what is here."""
        return self._has("awaited")

    def _has(self, kind: str) -> bool:
        return any(item.kind == kind for item in self.items)


def mirror(books: Books) -> Mirror:
    """Return all mirrored accounts against each other, and everything they may differ by."""
    return Mirror(_lines(books), sorted(_items(books.dealings), key=_order))


def _order(item: Item) -> tuple[str, str, str, str, list[tuple[str, int]]]:
    places = [(place.code, place.index) for place in item.places]
    return item.sender, item.receiver, item.kind, item.month, places


# --- accounts ------------------------------------------------------------------------------------

_Cell = tuple[str, str, str, str]  # as the first four of a Line


def _lines(books: Books) -> list[Line]:
    ones: dict[_Cell, int] = {}
    twos: dict[_Cell, int] = {}
    explained: dict[_Cell, int] = {}
    for code, journal in books.journals.items():
        for account, fen in journal.balances.items():
            cell, owed = _cell(code, account)
            if cell is not None:
                side = ones if owed else twos
                side[cell] = side.get(cell, 0) + (fen if owed else -fen)
        for transaction in journal.transactions:
            for account, fen in transaction.postings if transaction.alone else ():
                cell, _ = _cell(code, account)
                if cell is not None:
                    explained[cell] = explained.get(cell, 0) + fen
    for transfer in books.dealings.transfers:
        if transfer.under_way and transfer.paid is not None:
            cell = "transit", "", transfer.key.sender, transfer.key.receiver
            twos[cell] = twos.get(cell, 0) + transfer.paid.record.fen
    found = [
        Line(*cell, ones.get(cell, 0), twos.get(cell, 0), explained.get(cell, 0))
        for cell in sorted(ones.keys() | twos.keys())
    ]
    return [line for line in found if line.one_fen or line.two_fen]


def _cell(code: str, account: Account) -> tuple[_Cell | None, bool]:
    if account.head == "with_hub":
        return ("with_hub", account.part, code, CENTRE), True
    if account.head in MIRRORED or account.head == "transit":
        return (account.head, account.part, code, account.other), True
    if account.head in _OWING:
        return (_OWING[account.head], account.part, account.other, code), False
    return None, False


# --- items ---------------------------------------------------------------------------------------

UNDER_WAY = Text("sent, not received yet", "已付出，对方尚未登记到账")
NOT_SENT = Text(
    "received; that it was sent is not in the logs here", "已到账，此处日志尚无付款登记"
)
RETURNED = Text(
    "received, though the payer's bank returned it", "已登记到账，但付款方登记为银行退回"
)
NO_BATCH = Text(
    "its month is not confirmed as far as the logs here go", "所属月份在此处日志中尚未确认"
)
NO_LEG = Text("no leg asks for this payment", "没有对应的资金划拨")
NO_SHORTFALL = Text("its shortfall is not in the logs here", "此处日志尚无该缺口分摊")
OTHER_DRAW = Text("draws another amount than is missing", "扣划金额与未付金额不符")
OTHER_SHARES = Text("shares out another amount than is missing", "分摊金额与未付金额不符")


def _items(dealings: Dealings) -> Iterator[Item]:
    sent = {t.key: t for t in dealings.transfers if t.paid is not None}
    strays = [t.key for t in dealings.transfers if t.paid is None and t.key not in sent]
    behind = {(key.month, key.number) for key in strays}
    for transfer in dealings.transfers:
        yield from _of_transfer(dealings, transfer, sent.get(transfer.key))
    for item in dealings.draws:
        if item.place not in dealings.counted:
            draw, late = item.record, (item.record.month, item.record.leg) in behind
            kind, text = _draw_fault(dealings, item, late=late)
            fen = draw.drawn_fen + draw.arrears_fen
            yield Item(kind, draw.debtor, item.place.code, fen, draw.month, (item.place,), text)
    for shared in dealings.shortfalls:
        if shared.place not in dealings.counted:
            record = shared.record
            late = any(month == record.month for month, _ in behind)
            yield Item(
                "awaited" if late else "contradicted", CENTRE, CENTRE, record.fen, record.month,
                (shared.place,), OTHER_SHARES,
            )  # fmt: skip


def _draw_fault(dealings: Dealings, item: Said[Draw], *, late: bool) -> tuple[str, Text]:
    month = dealings.months.get(item.record.month)
    if month is None:
        return "awaited", NO_BATCH
    legs = [leg for leg in month.legs if leg.due.number == item.record.leg]
    if legs and legs[0].due.payee == CENTRE and legs[0].shortfall is None:
        return "awaited", NO_SHORTFALL
    return ("awaited" if late else "contradicted"), OTHER_DRAW


def _of_transfer(dealings: Dealings, transfer: Transfer, sent: Transfer | None) -> Iterator[Item]:
    key, paid, came = transfer.key, transfer.paid, transfer.received
    said = paid or came
    assert said is not None

    def item(kind: str, text: Text) -> Item:
        places = transfer.places
        return Item(
            kind, key.sender, key.receiver, said.record.fen, key.month, places, text
        )  # fmt: skip

    if transfer.under_way:
        yield item("transit", UNDER_WAY)
    if paid is None and came is not None:
        if sent is None or sent.paid is None:
            yield item("awaited", NOT_SENT)
        elif sent.returned is not None:
            yield item("contradicted", RETURNED)
        else:
            a, b = format_yuan(sent.paid.record.fen), format_yuan(came.record.fen)
            text = Text(f"sent {a} yuan, received {b}", f"付出 {a} 元，到账 {b} 元")
            yield item("contradicted", text)
    unasked = (
        paid is not None and dealings.purposes.get(paid.place, Purpose(Use.NONE)).use is Use.NONE
    )
    if key.purpose == "clearing" and unasked and transfer.returned is None:
        known = key.month in dealings.months
        yield item("contradicted" if known else "awaited", NO_LEG if known else NO_BATCH)
