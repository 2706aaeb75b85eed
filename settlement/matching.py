"""Which booking of a bank statement is which payment.

Certain, and may be booked by the node itself:

    END_TO_END    the payment's own id stands on the line, and the amount is the payment's
    REFERENCE     an entry names the bank's number that the line has, and the amount is the same

Everything else is a proposal with its reason, for a person to bind:

    COUNTERPARTY  amount and counterparty fit one payment
    AMOUNT        the amount alone fits one payment
    SEVERAL       it fits several: which one is for a person to say
    BATCH         several payments together come to the amount
    PARTIAL       id or counterparty fit; the amount is less than is asked for
    ID_AMOUNT     the id fits, the amount is more than is asked for
    WAITING       the id fits a payment that may not be entered yet
    RETURN        looks like a payment that came back
    DUPLICATE     the payment it names is bound to another line
    OPPOSITE      another open line moves the same amount the other way: money sent back
    FEE           the bank's charge: not from the fund (L11), so no payment at all
    NONE          nothing fits

Lines are taken in the order of their dates, so what comes out depends neither on the order of files
nor on that of rows. A payment takes one line, a line is taken once.
"""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from settlement.account import Account
from settlement.bankstatement import Line, entry_reference
from settlement.endtoend import EndToEnd, end_to_ends_in
from settlement.lookup import transfer_key
from settlement.outcome import Text

MAX_BATCH_OF = 24  # payments among which a sum is looked for
MAX_BATCH_STEPS = 200_000

Way = Literal["out", "in", "back"]  # sent, arrived, came back to its sender
CERTAIN = ("END_TO_END", "REFERENCE")
_RETURN_WORDS = ("退汇", "退回", "退票", "return")

REASON: dict[str, Text] = {
    "END_TO_END": Text("the payment's id and its amount", "端到端标识与金额相符"),
    "REFERENCE": Text("the bank's number that an entry names", "与登记的银行流水号相符"),
    "COUNTERPARTY": Text("amount and counterparty fit", "金额与对方相符"),
    "AMOUNT": Text("the amount alone fits", "仅金额相符"),
    "SEVERAL": Text("several payments fit", "有多笔款项相符"),
    "BATCH": Text("several payments add up to it", "为多笔款项合计"),
    "PARTIAL": Text("less than is asked for", "金额不足，疑为部分付款"),
    "ID_AMOUNT": Text("the id fits, the amount is too high", "标识相符，但金额超出"),
    "WAITING": Text("the id fits; it cannot be entered yet", "标识相符，但尚不能登记"),
    "RETURN": Text("looks like a payment that came back", "疑为退汇"),
    "DUPLICATE": Text("its payment has another line already", "疑为重复，该款项已有对应流水"),
    "OPPOSITE": Text("another open line moves it back", "与另一待查流水金额相反"),
    "FEE": Text("a bank charge, not from the fund", "银行费用，不得在基金中列支"),
    "NONE": Text("nothing fits", "无相符款项"),
}


class Expected(NamedTuple):
    """A payment that a line may be: asked for, under way, or entered without its line."""

    way: Way
    purpose: str
    month: str
    number: int
    attempt: int
    other: str  # the participant on the other side
    fen: int  # the amount; of what is still to be sent, the most
    reference: str = ""  # as an entry names the bank's number; empty: no entry yet
    entry: int | None = None  # its index in the own log
    ready: bool = True  # whether it may be entered now

    @property
    def id(self) -> bytes:
        """What makes it this payment and no other."""
        return payment_id(self.way, self.purpose, self.month, self.number, self.other, self.attempt)


def payment_id(way: Way, purpose: str, month: str, number: int, other: str, attempt: int) -> bytes:
    """Return what makes a payment this one and no other: its way and the key of its entry."""
    return way[0].encode() + transfer_key(purpose, month, number, other, attempt)


class Match(NamedTuple):
    """What a line is, or may be."""

    number: int  # of the line
    reason: str  # see the module's text
    payments: tuple[Expected, ...]  # what it is, or what comes into question
    opposite: int = 0  # an open line that it may send back, or be sent back by

    @property
    def certain(self) -> bool:
        """Whether it may be booked without a person."""
        return self.reason in CERTAIN


def match_lines(
    code: str,
    network: str,
    lines: Mapping[int, Line],
    expected: Iterable[Expected],
    bound: Iterable[bytes] = (),
    accounts: Mapping[str, Account] | None = None,
) -> list[Match]:
    """Return what each line is, in the order of their dates.

    Args:
        code: Whose account it is.
        network: The network's part of the ids; others are somebody else's.
        lines: The lines that are not bound, by number.
        bound: `Expected.id` of payments that have their line.
        accounts: To recognise the other side by name or number.
    """
    matching = _Matching(code, network, list(expected), frozenset(bound), accounts or {})
    order = sorted(lines, key=lambda n: (lines[n].booked, lines[n].reference, lines[n].fen, n))
    # What went out first: what comes back under the same id may be the second of two payments.
    certain: dict[int, _Found] = {}
    for number in sorted(order, key=lambda n: lines[n].fen > 0):
        found = matching.certain(lines[number])
        if found is not None:
            certain[number] = found
        elif lines[number].fen < 0:
            matching.twice.update(matching.ids_of(lines[number]))
    matches = {
        number: Match(number, *(certain.get(number) or matching.proposal(lines[number])))
        for number in order
    }
    _pair_opposites(lines, matches)
    return [matches[number] for number in order]


def _pair_opposites(lines: Mapping[int, Line], found: dict[int, Match]) -> None:
    """Name to each line that fits nothing the one open line that takes it back."""
    lone = [number for number, match in found.items() if match.reason in ("NONE", "FEE")]
    for number in lone:
        others = [n for n in lone if lines[n].fen == -lines[number].fen]
        if len(others) == 1:
            reason = "FEE" if lines[number].fee else "OPPOSITE"
            found[number] = Match(number, reason, (), others[0])


_Found = tuple[str, tuple[Expected, ...]]


class _Matching:
    def __init__(
        self,
        code: str,
        network: str,
        expected: list[Expected],
        bound: frozenset[bytes],
        accounts: Mapping[str, Account],
    ) -> None:
        self.code, self.network, self.bound = code, network, bound
        self.accounts = accounts
        self.open = sorted(expected, key=lambda item: item.id)
        self.ids = {item.id: item for item in self.open}
        self.twice: set[EndToEnd] = set()  # on lines that went out and are no open payment

    # --- certain ---------------------------------------------------------------------------------

    def certain(self, line: Line) -> _Found | None:
        """Return what a line is, and take it; None if that is not certain."""
        if line.fee:
            return None
        named = self._named(line)
        if named:
            good = [item for item in named if item.ready and item.fen == abs(line.fen)]
            if good and good[0].way == "back" and self.twice.intersection(self.ids_of(line)):
                good = []
            found = ("END_TO_END", tuple(good)) if len(good) == 1 and line.batched < 2 else None
        else:
            found = self._by_reference(line)
        for item in found[1] if found else ():
            self.open.remove(item)
        return found

    def _by_reference(self, line: Line) -> _Found | None:
        """Return the entries that name the bank's number, if they come to the line's amount."""
        ways = ("out",) if line.fen < 0 else ("in", "back")
        name = entry_reference(line.reference)
        found = [i for i in self.open if i.way in ways and i.reference == name]
        # A bank that books a batch as one line gives all its payments one number.
        whole = found and sum(item.fen for item in found) == abs(line.fen)
        return ("REFERENCE", tuple(found)) if whole else None

    def ids_of(self, line: Line) -> list[EndToEnd]:
        """Return the payments of this network whose ids stand on a line."""
        texts = f"{line.end_to_end} {line.remittance} {line.return_reason}"
        return [i for i in end_to_ends_in(texts) if i.network == self.network]

    def _named(self, line: Line) -> list[Expected]:
        """Return the open payments whose ids stand on a line."""
        keys = {key for found in self.ids_of(line) if (key := self._key(line, found)) is not None}
        return [item for item in self.open if item.id in keys]

    def _key(self, line: Line, found: EndToEnd) -> bytes | None:
        way: Way
        if found.payer == self.code:
            # Only what came back can come in under the id of a payment of one's own.
            way, other = "out" if line.fen < 0 else "back", found.payee
        elif found.payee == self.code and line.fen > 0:
            way, other = "in", found.payer
        else:
            return None
        return payment_id(way, found.purpose, found.month, found.number, other, found.attempt)

    def _fitting(self, line: Line) -> list[Expected]:
        """Return the open payments of a line's direction and amount."""
        ways = ("out",) if line.fen < 0 else ("in", "back")
        return [i for i in self.open if i.way in ways and i.fen == abs(line.fen)]

    # --- proposals -------------------------------------------------------------------------------

    def proposal(self, line: Line) -> _Found:
        """Return what a line may be, for a person; nothing is taken by it."""
        if line.fee:
            return "FEE", ()
        for rule in (self._by_id, self._as_return, self._by_amount, self._as_batch, self._as_part):
            found = rule(line)
            if found is not None:
                return found
        return "NONE", ()

    def _by_id(self, line: Line) -> _Found | None:
        if line.fen > 0 and self.twice.intersection(self.ids_of(line)):
            named = [item for item in self._named(line) if item.way == "back"]
            return ("RETURN", tuple(named)) if named else None
        keys = [key for i in self.ids_of(line) if (key := self._key(line, i)) is not None]
        named = self._named(line)
        if not named:
            taken = any(key in self.bound or key in self.ids for key in keys)
            waits = bool(keys) and not taken
            return ("DUPLICATE", ()) if taken else ("WAITING", ()) if waits else None
        total, amount = sum(item.fen for item in named), abs(line.fen)
        if any(not item.ready for item in named):
            return "WAITING", tuple(named)
        if len(named) > 1:
            return ("BATCH" if total == amount else "SEVERAL"), tuple(named)
        return ("PARTIAL" if amount < total else "ID_AMOUNT"), tuple(named)

    def _as_return(self, line: Line) -> _Found | None:
        text = f"{line.return_reason} {line.remittance}".casefold()
        told = bool(line.return_reason) or any(word in text for word in _RETURN_WORDS)
        if line.fen < 0 or not told:
            return None
        back = [item for item in self._fitting(line) if item.way == "back"]
        known = [item for item in back if self._is_from(line, item.other)]
        return ("RETURN", tuple(known or back)) if back else None

    def _by_amount(self, line: Line) -> _Found | None:
        fitting = [i for i in self._fitting(line) if i.way != "back" and i.ready]
        known = [item for item in fitting if self._is_from(line, item.other)]
        if line.batched > 1:
            return None
        if len(known) == 1:
            return "COUNTERPARTY", tuple(known)
        if len(fitting) == 1:
            return "AMOUNT", tuple(fitting)
        return ("SEVERAL", tuple(known or fitting)) if fitting else None

    def _as_batch(self, line: Line) -> _Found | None:
        way = "out" if line.fen < 0 else "in"
        some = [item for item in self.open if item.way == way and item.ready]
        known = [item for item in some if self._is_from(line, item.other)]
        for among in (known, some):
            found = subset_of(among, abs(line.fen), line.batched)
            if found is not None:
                return "BATCH", tuple(found)
        return None

    def _as_part(self, line: Line) -> _Found | None:
        way = "out" if line.fen < 0 else "in"
        larger = [
            item
            for item in self.open
            if item.way == way and item.fen > abs(line.fen) and self._is_from(line, item.other)
        ]
        return ("PARTIAL", tuple(larger)) if larger else None

    def _is_from(self, line: Line, other: str) -> bool:
        account = self.accounts.get(other)
        if account is None:
            return False
        same_number = line.counterparty_account == account.account
        return same_number or (bool(line.counterparty) and _same(line.counterparty, account.name))


def _same(one: str, two: str) -> bool:
    # Banks write brackets in either width, and spaces as they like.
    plain = ["".join(unicodedata.normalize("NFKC", name).split()) for name in (one, two)]
    return plain[0] == plain[1]


def subset_of(payments: Sequence[Expected], fen: int, count: int = 0) -> list[Expected] | None:
    """Return two or more payments that come to an amount: the first such set in order, or None.

    Args:
        count: How many they must be; 0 or 1: not known.

    Only so many payments are tried, in so many steps: what a person can judge is small anyway.

    Example:
        >>> def leg(n):
        ...     return Expected("out", "clearing", "2017-03", n, 1, "630000", n * 100)
        >>> some = [leg(1), leg(2), leg(4)]
        >>> [item.number for item in subset_of(some, 500) or []]
        [1, 4]
    """
    some = [item for item in payments if item.fen <= fen]
    if len(some) > MAX_BATCH_OF:
        return None
    steps = 0

    def search(at: int, left: int, taken: list[Expected]) -> list[Expected] | None:
        nonlocal steps
        steps += 1
        if left == 0:
            good = len(taken) == count if count > 1 else len(taken) > 1
            return taken if good else None
        if left < 0 or at == len(some) or steps > MAX_BATCH_STEPS:
            return None
        item = some[at]
        return search(at + 1, left - item.fen, [*taken, item]) or search(at + 1, left, taken)

    return search(0, fen, [])
