"""Writing ISO 20022 messages: elements in order, text escaped, same content same bytes."""

from typing import NamedTuple
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from settlement.money import format_yuan

CURRENCY = "CNY"
CLEARING_SYSTEM = "CNAPS"  # ISO's external code for the Chinese system of bank numbers
URN = "urn:iso:std:iso:20022:tech:xsd:"


class Tree(NamedTuple):
    """An element of a message: its name, its text or what it holds, its attributes."""

    name: str
    content: "str | tuple[Tree | None, ...]"
    attributes: tuple[tuple[str, str], ...] = ()


def tree(name: str, *content: "Tree | None") -> Tree:
    """Return an element that holds others; None stands for one that is left out."""
    return Tree(name, content)


def text(name: str, value: str | int) -> Tree:
    """Return an element with a text."""
    return Tree(name, str(value))


def optional(name: str, value: str) -> Tree | None:
    """Return an element with a text, or None if there is no text."""
    return Tree(name, value) if value else None


def amount(name: str, fen: int) -> Tree:
    """Return an amount in yuan with its currency; the sign stands elsewhere in these messages."""
    return Tree(name, format_yuan(abs(fen)), (("Ccy", CURRENCY),))


def party(name: str, called: str) -> Tree:
    """Return a party by its name."""
    return tree(name, text("Nm", called))


def account(name: str, number: str) -> Tree:
    """Return an account by the number that its bank gave it."""
    return tree(name, tree("Id", tree("Othr", text("Id", number))), text("Ccy", CURRENCY))


def agent(name: str, bic: str, number: str, bank: str) -> Tree:
    """Return a bank by BIC, by its 12-digit number (行号), or both."""
    member = None
    if number:
        system = tree("ClrSysId", text("Cd", CLEARING_SYSTEM))
        member = tree("ClrSysMmbId", system, text("MmbId", number))
    return tree(name, tree("FinInstnId", optional("BICFI", bic), member, optional("Nm", bank)))


def document(message: str, root: Tree) -> bytes:
    """Return the bytes of a message, such as `pain.001.001.09`."""
    top = Element("Document", {"xmlns": URN + message})
    _put(top, root)
    indent(top, " ")
    written: bytes = tostring(top, "utf-8", xml_declaration=True)
    return written + b"\n"


def _put(parent: Element, item: Tree) -> None:
    element = SubElement(parent, item.name, dict(item.attributes))
    if isinstance(item.content, str):
        element.text = item.content
        return
    for below in item.content:
        if below is not None:
            _put(element, below)
