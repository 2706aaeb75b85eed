"""Amounts in capital Chinese numerals (大写), as a bank and a finance department read them.

Digits that cannot be turned into others by a stroke: 零壹贰叁肆伍陆柒捌玖, with 拾佰仟 inside each
group of four and 万, 亿 between the groups.

- An amount that ends with the yuan is closed by 整; after 角 or 分 nothing is added.
- Zeros between two other digits of a group, however many, are one 零; so is a group that begins
  with zeros. A group that ends with zeros and is followed by a full group gets none.
- A yuan digit of zero before a 角, and a 角 of zero before a 分, are written 零.

The rules on filling in bills and settlement vouchers allow more than one spelling where a zero
stands in the place of 万 or of the yuan; of these the one with the fewest 零 before 元 and one
after it is made here, as in their examples (certainty: memory).
"""

from ledger.errors import FormError
from settlement.record import MAX_FEN

DIGITS = "零壹贰叁肆伍陆柒捌玖"
PLACES = ("仟", "佰", "拾", "")


def in_words(fen: int) -> str:
    """Return an amount in capital numerals.

    Raises:
        FormError: Below zero, or more than 2**53 - 1 fen: no notice is ever over that.

    Example:
        >>> in_words(640_000_714), in_words(16_409_02)
        ('陆佰肆拾万零柒元壹角肆分', '壹万陆仟肆佰零玖元零贰分')
    """
    if not 0 <= fen <= MAX_FEN:
        raise FormError("amount in words", "0 to 2**53 - 1 fen", fen)
    yuan, cents = divmod(fen, 100)
    jiao, rest = divmod(cents, 10)
    if not cents:
        return f"{_whole(yuan) or '零'}元整"
    text = f"{_whole(yuan)}元" if yuan else ""
    if jiao:
        text += ("零" if yuan and yuan % 10 == 0 else "") + f"{DIGITS[jiao]}角"
    elif yuan:
        text += "零"
    return text + (f"{DIGITS[rest]}分" if rest else "")


def _whole(number: int) -> str:
    """Return a whole number, its highest digit first; 0 gives nothing."""
    for unit, size in (("亿", 10**8), ("万", 10**4)):
        if number >= size:
            high, low = divmod(number, size)
            return _whole(high) + unit + ("零" if 0 < low < size // 10 else "") + _whole(low)
    text, zeros = "", False
    for place, digit in zip(PLACES, map(int, f"{number:04d}"), strict=True):
        if digit:
            text += ("零" if zeros and text else "") + DIGITS[digit] + place
        zeros = not digit
    return text
