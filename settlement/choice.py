"""What a person says a bank line is: `2017-03/12`, an end-to-end id, or the one proposal.

`2017-03/12` is a leg. A row of a demand for prepayment has the letter of its end-to-end ids before
it: `P2017-01/2` is paid by the debtor, `R2018-01/3` given back by the creditor.
"""

import re
from collections.abc import Sequence

from ledger.errors import FormError, RefusedError
from settlement.bankstatement import Line
from settlement.endtoend import EndToEnd, parse_end_to_end
from settlement.matching import REASON, Expected, Match, Way, payment_id
from settlement.money import format_yuan

_NAME = re.compile(r"([PR]?)(20[0-9]{2}-(?:0[1-9]|1[0-2]))/([1-9][0-9]{0,6})")
_LETTER = {"clearing": "", "prepayment": "P", "prepayment_return": "R"}
_PURPOSE = {letter: purpose for purpose, letter in _LETTER.items()}


def payment_name(purpose: str, month: str, number: int) -> str:
    """Return what people call the leg or row that a payment is of.

    Example:
        >>> payment_name("clearing", "2017-03", 12), payment_name("prepayment", "2017-01", 2)
        ('2017-03/12', 'P2017-01/2')
    """
    return f"{_LETTER[purpose]}{month}/{number}"


def chosen(
    code: str, network: str, line: Line, free: Sequence[Expected], texts: Sequence[object]
) -> tuple[Expected, ...]:
    """Return the payments that a person names for a line.

    Args:
        code: Whose account it is.
        network: The network's part of the ids.
        free: The payments that have no line yet.

    Raises:
        FormError: A text is neither such a name nor an end-to-end id.
        RefusedError: It names no payment of the line's direction, or several, or one is named twice
            (PAYMENT).
    """
    found = tuple(_one(code, network, line, free, text) for text in texts)
    if len({item.id for item in found}) < len(found):
        raise RefusedError("PAYMENT", "a payment is named twice")
    return found


def _one(code: str, network: str, line: Line, free: Sequence[Expected], text: object) -> Expected:
    ways: tuple[Way, ...] = ("out",) if line.fen < 0 else ("in", "back")
    name = _NAME.fullmatch(text) if isinstance(text, str) else None
    if name is not None:
        said = _PURPOSE[name[1]], name[2], int(name[3])
        found = [i for i in free if i.way in ways and (i.purpose, i.month, i.number) == said]
    else:
        named = _named(text, network)
        other = named.payee if named.payer == code else named.payer
        of = named.purpose, named.month, named.number, other, named.attempt
        keys = {payment_id(way, *of) for way in ways}
        found = [item for item in free if item.id in keys]
    exact = [item for item in found if item.fen == abs(line.fen)]
    best = exact if len(exact) == 1 else found
    if len(best) != 1:
        several = ", ".join(f"{i.way} {i.other} attempt {i.attempt}" for i in best)
        several = several or _likely(name, free, ways)
        raise RefusedError("PAYMENT", f"{text}: {several}; expected one payment of that direction")
    return best[0]


def _likely(name: re.Match[str] | None, free: Sequence[Expected], ways: Sequence[Way]) -> str:
    # A leg and a row may have the same month and number; people forget the letter.
    meant = (name[2], int(name[3])) if name else None
    others = {
        payment_name(item.purpose, item.month, item.number)
        for item in free
        if item.way in ways and (item.month, item.number) == meant
    }
    return f"nothing (there is {', '.join(sorted(others))})" if others else "nothing"


def _named(text: object, network: str) -> EndToEnd:
    try:
        named = parse_end_to_end(text if isinstance(text, str) else "")
    except FormError:
        what = "MONTH/LEG such as 2017-03/12, PMONTH/ROW or RMONTH/ROW, or an end-to-end id"
        raise FormError("payment", what, text) from None
    if named.network != network:
        raise RefusedError("PAYMENT", f"{text} is a payment of another network")
    return named


def proposed(match: Match) -> tuple[Expected, ...]:
    """Return what is proposed for a line, if that is one thing; else RefusedError (PAYMENT)."""
    single = match.certain or len(match.payments) == 1 or match.reason == "BATCH"
    if not match.payments or not single:
        raise RefusedError("PAYMENT", f"line {match.number}: {REASON[match.reason].en}; name one")
    return match.payments


def same_choice(texts: Sequence[object], names: Sequence[str]) -> bool:
    """Return whether texts name again what a line is bound to already; see `payment_name`."""
    given = [text for text in texts if isinstance(text, str) and _NAME.fullmatch(text)]
    return not texts or (len(texts) == len(names) and set(given) <= set(names))


def amounts(number: int, line: Line, payments: Sequence[Expected]) -> list[int]:
    """Return what of a line goes to each payment; only what is still to be sent may be a part.

    Raises:
        RefusedError: The amounts do not fit (AMOUNT).
    """
    total, moved = sum(item.fen for item in payments), abs(line.fen)
    if total == moved:
        return [item.fen for item in payments]
    only = payments[0]
    if len(payments) == 1 and only.way == "out" and only.entry is None and moved < only.fen:
        return [moved]
    said = f"line {number} moves {format_yuan(moved)}, the payments {format_yuan(total)}"
    raise RefusedError("AMOUNT", said)
