"""Amounts in capital Chinese numerals."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import FormError
from settlement.money import parse_fen
from settlement.record import MAX_FEN
from settlement.words import DIGITS, in_words

TABLE = """
0.00                零元整
0.01                壹分
0.10                壹角
0.11                壹角壹分
1.00                壹元整
1.01                壹元零壹分
1.10                壹元壹角
10.00               壹拾元整
10.50               壹拾元零伍角
11.00               壹拾壹元整
100.00              壹佰元整
101.00              壹佰零壹元整
110.00              壹佰壹拾元整
325.04              叁佰贰拾伍元零肆分
1000.00             壹仟元整
1001.00             壹仟零壹元整
1010.00             壹仟零壹拾元整
1409.50             壹仟肆佰零玖元伍角
1680.32             壹仟陆佰捌拾元零叁角贰分
6007.14             陆仟零柒元壹角肆分
10000.00            壹万元整
10001.00            壹万零壹元整
16409.02            壹万陆仟肆佰零玖元零贰分
20300.00            贰万零叁佰元整
107000.53           壹拾万柒仟元零伍角叁分
1000000.00          壹佰万元整
12345678.90         壹仟贰佰叁拾肆万伍仟陆佰柒拾捌元玖角
100000000.00        壹亿元整
100000001.00        壹亿零壹元整
100010000.00        壹亿零壹万元整
100100000.00        壹亿零壹拾万元整
101000000.00        壹亿零壹佰万元整
110000000.00        壹亿壹仟万元整
17300000000.00      壹佰柒拾叁亿元整
1000000000000.00    壹万亿元整
1000000010000.01    壹万亿零壹万元零壹分
90071992547409.91   玖拾万零柒佰壹拾玖亿玖仟贰佰伍拾肆万柒仟肆佰零玖元玖角壹分
"""
ROWS = [line.split() for line in TABLE.strip().splitlines()]

UNITS = {"拾": 10, "佰": 100, "仟": 1000}


@pytest.mark.parametrize(("yuan", "words"), ROWS)
def test_an_amount_reads_as_a_clerk_writes_it(yuan: str, words: str) -> None:
    assert in_words(parse_fen(yuan)) == words


@pytest.mark.parametrize("fen", [-1, MAX_FEN + 1])
def test_no_notice_is_over_such_an_amount(fen: int) -> None:
    with pytest.raises(FormError, match="amount in words"):
        in_words(fen)


def read_group(text: str) -> int:
    """Return the value of a text below ten thousand."""
    total, digit = 0, 0
    for letter in text:
        if letter in UNITS:
            total, digit = total + digit * UNITS[letter], 0
        else:
            digit = DIGITS.index(letter)
    return total + digit


def read(text: str) -> int:
    """Return the fen that words stand for: an independent reading, by the units alone."""
    whole, _, rest = text.rpartition("元")
    yuan, body = 0, whole
    while "亿" in body:
        high, _, body = body.partition("亿")
        yuan = read_wan(high) * 10**8
    cents = re.fullmatch(r"零?(?:(.)角)?零?(?:(.)分)?整?", rest)
    assert cents is not None, rest
    jiao, fen = (DIGITS.index(found) if found else 0 for found in cents.groups())
    return (yuan + read_wan(body)) * 100 + jiao * 10 + fen


def read_wan(text: str) -> int:
    high, found, low = text.rpartition("万")
    return read_group(high) * 10_000 + read_group(low) if found else read_group(text)


@given(st.integers(0, MAX_FEN) | st.integers(0, 10**7) | st.integers(0, 13).map(lambda n: 10**n))
def test_words_can_be_read_back_and_are_never_longer_than_they_must(fen: int) -> None:
    words = in_words(fen)
    assert read(words) == fen
    assert "零零" not in words
    assert words.endswith("整") == (fen % 100 == 0)
    assert not re.search("零[拾佰仟万亿]|零元(?!整)", words)


def test_different_amounts_never_read_the_same() -> None:
    amounts = [*range(12_000), *range(99_990_000, 100_011_000)]
    assert len({in_words(fen) for fen in amounts}) == len(amounts)
