"""Money: whole fen from end to end; yuan only where people read or write."""

import re

from ledger.errors import FormError
from settlement.record import MAX_FEN

_YUAN = re.compile(r"(-?)(0|[1-9][0-9]{0,13})\.([0-9]{2})")


def parse_fen(text: str) -> int:
    """Return the fen of an amount in yuan with exactly two decimals.

    Raises:
        FormError: Another form (no decimals, separators, leading zeros, plus, minus zero) or more
            than 2**53 - 1 fen.

    Example:
        >>> parse_fen("-123.45")
        -12345
    """
    match = _YUAN.fullmatch(text)
    if match is None:
        raise FormError("amount", "yuan with two decimals, such as 123.45", text)
    sign, yuan, fen = match.groups()
    value = int(yuan) * 100 + int(fen)
    if value > MAX_FEN or (sign and value == 0):
        raise FormError("amount", "at most 2**53 - 1 fen, and no minus zero", text)
    return -value if sign else value


def format_yuan(fen: int, *, grouped: bool = False) -> str:
    """Return an amount in yuan with two decimals.

    Example:
        >>> format_yuan(-1234567, grouped=True)
        '-12,345.67'
    """
    yuan, cents = divmod(abs(fen), 100)
    whole = f"{yuan:,}" if grouped else str(yuan)
    return f"{'-' if fen < 0 else ''}{whole}.{cents:02d}"


def round_thousandths(thousandths: int) -> int:
    """Return fen from thousandths of a fen, rounded half up: the only rounding in a bill.

    Fractions of a fen arise where a ratio per mille meets an amount: the first self-pay of all
    class B fees together, the deductible of a later admission, and what each fund pays. Each of
    these is rounded once; what is left of an amount is a difference and never rounded.

    Example:
        >>> round_thousandths(101 * 500)
        51
    """
    assert thousandths >= 0
    return (thousandths + 500) // 1000
