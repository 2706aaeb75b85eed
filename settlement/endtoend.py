"""The end-to-end id of a payment: what banks carry from the order to the payee's statement.

    C1703-12-1-630000-510000-3F9A2C
    │└ month │ │ payer  payee  network: the first six hex digits of its id
    │        │ └ attempt
    │        └ leg of the batch, or row of the demand
    └ C clearing money (清算资金), P prepayment (预付金), R prepayment given back (预付金退还)

It follows from the payment alone, so payer, payee and auditor form the same one. At most 35
characters of digits, capitals and dashes: ISO 20022's Max35Text, and what online banks accept as a
remark. Where a bank drops the field, the id is found in the remark.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from ledger.errors import FormError

MAX_LENGTH = 35
MAX_NUMBER = 9_999
MAX_ATTEMPT = 999

_LETTER = {"clearing": "C", "prepayment": "P", "prepayment_return": "R"}
_PURPOSE = {letter: purpose for purpose, letter in _LETTER.items()}
_FORM = (
    r"([CPR])([0-9]{2})(0[1-9]|1[0-2])-([1-9][0-9]{0,3})-([1-9][0-9]{0,2})"
    r"-([1-9][0-9]{5})-([1-9][0-9]{5})-([0-9A-F]{6})"
)
_WHOLE = re.compile(_FORM)
_WITHIN = re.compile(rf"(?<![A-Za-z0-9-]){_FORM}(?![A-Za-z0-9-])")


class EndToEnd(NamedTuple):
    """One payment, as its id names it."""

    purpose: str
    month: str
    number: int
    attempt: int
    payer: str
    payee: str
    network: str  # six hex digits, capitals


def network_part(network_id: bytes) -> str:
    """Return what of a network's id stands in the ids of its payments."""
    return network_id[:3].hex().upper()


def format_end_to_end(payment: EndToEnd) -> str:
    """Return the id of a payment.

    Raises:
        FormError: The number is above 9,999 or the attempt above 999: it would not fit.

    Example:
        >>> format_end_to_end(EndToEnd("clearing", "2017-03", 12, 1, "630000", "510000", "3F9A2C"))
        'C1703-12-1-630000-510000-3F9A2C'
    """
    if not (1 <= payment.number <= MAX_NUMBER and 1 <= payment.attempt <= MAX_ATTEMPT):
        expected = f"number 1 to {MAX_NUMBER}, attempt 1 to {MAX_ATTEMPT}"
        raise FormError("end-to-end id", expected, f"{payment.number}, {payment.attempt}")
    head = f"{_LETTER[payment.purpose]}{payment.month[2:4]}{payment.month[5:]}"
    text = (
        f"{head}-{payment.number}-{payment.attempt}"
        f"-{payment.payer}-{payment.payee}-{payment.network}"
    )
    assert len(text) <= MAX_LENGTH
    assert parse_end_to_end(text) == payment
    return text


def parse_end_to_end(text: str) -> EndToEnd:
    """Return the payment that an id names; `format_end_to_end` gives the same text back.

    Raises:
        FormError: Any other spelling.
    """
    match = _WHOLE.fullmatch(text)
    if match is None:
        raise FormError("end-to-end id", "such as C1703-12-1-630000-510000-3F9A2C", text)
    return _of(match)


def end_to_ends_in(text: str) -> Iterator[EndToEnd]:
    """Yield the payments whose ids stand in a text, each once, in order."""
    seen = set()
    for match in _WITHIN.finditer(text):
        if match[0] not in seen:
            seen.add(match[0])
            yield _of(match)


def _of(match: re.Match[str]) -> EndToEnd:
    letter, year, month, number, attempt, payer, payee, network = match.groups()
    return EndToEnd(
        _PURPOSE[letter], f"20{year}-{month}", int(number), int(attempt), payer, payee, network
    )
