"""What a clerk does next about one payment: make its file, or take the bank's statement in.

By hand everything can be recorded, too (`leg paid`, `prepay received`, …); where a node takes
statements in, these say it, and nothing is typed twice.
"""

from typing import NamedTuple

from ledger.table import Reader
from settlement.lookup import instructed, transfer_key, transfers
from settlement.record import Paid


class Step(NamedTuple):
    """The command of a duty, and what its two texts end with."""

    command: str
    en: str = ""
    zh: str = ""


def to_pay(reader: Reader, code: str, purpose: str, month: str, number: int, payee: str) -> Step:
    """Return what `code` does to pay what has this number: its file, or else its statement."""
    attempt = len(transfers(reader, code, Paid, purpose, month, number, payee)) + 1
    index = instructed(reader, code, transfer_key(purpose, month, number, payee, attempt))
    if index is not None:
        en, zh = f"; in the file of entry {index}", f"；已在条目 {index} 的付款文件中"
        return Step("gongzhang bank import FILE", en, zh)
    group = "leg" if purpose == "clearing" else "prepay"
    return Step(f"gongzhang {group} instruct {month} --out FILE")


def to_receive(by_hand: str, *, statements: bool) -> str:
    """Return the command for money that is under way to this node.

    Args:
        by_hand: The command that records it by hand.
        statements: Whether this node takes statements of its bank in.
    """
    return "gongzhang bank import FILE" if statements else by_hand
