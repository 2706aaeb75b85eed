"""Reading bank statements in ISO 20022 camt.053.001.08.

No document type, no entities, limits on size and count; another version or currency is an
error that names the element. Entries that are only announced (PDNG, INFO) are no bookings. An entry
that lists its payments with amounts becomes one line for each; one that only counts them is a
batch-booked line. `camtfile` writes the same elements.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from ledger.errors import FormError
from settlement import iso20022 as iso
from settlement.bankstatement import (
    MAX_LINES,
    MAX_STATEMENTS,
    MAX_TEXT,
    Line,
    Statement,
    account_number,
    check_statement,
    clean,
)
from settlement.exportvalue import ValueFaultError, amount_of, day_of

VERSION = "camt.053.001.08"
MAX_FILE = 64 * 1024 * 1024

_SPACE = f"{{{iso.URN}{VERSION}}}"
_SIGN = {"CRDT": 1, "DBIT": -1}
_OPENING, _CLOSING = ("OPBD", "PRCD"), ("CLBD",)
BOOKED, _ANNOUNCED = "BOOK", ("PDNG", "INFO", "FUTR")
_FEES = ("CHRG", "FEES")
NO_ID = "NOTPROVIDED"  # what the standard puts where nothing was given

Element = Any


def read_camt(data: bytes) -> list[Statement]:
    """Return the statements of a camt.053 message, in its order.

    Raises:
        FormError: Not such a message, one with a document type or entities, too large, or a
            statement that does not tie out; the element is named, and what was expected.
    """
    if len(data) > MAX_FILE:
        raise FormError("camt.053", f"at most {MAX_FILE} bytes", len(data))
    try:
        root = ElementTree.fromstring(data, forbid_dtd=True)
    except DefusedXmlException as error:
        raise FormError("camt.053", "no document type and no entities", str(error)) from None
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise FormError("camt.053", "well-formed XML", str(error)) from None
    if root.tag != f"{_SPACE}Document":
        raise FormError("camt.053", f"{iso.URN}{VERSION}", root.tag)
    message = _one(root, "BkToCstmrStmt", "Document")
    found = message.findall(f"{_SPACE}Stmt")
    if not 1 <= len(found) <= MAX_STATEMENTS:
        raise FormError("BkToCstmrStmt", f"1 to {MAX_STATEMENTS} Stmt", len(found))
    return [_statement(element, f"Stmt {number}") for number, element in enumerate(found, 1)]


def _statement(element: Element, place: str) -> Statement:
    opening, opened = _balance(element, _OPENING, place)
    closing, closed = _balance(element, _CLOSING, place)
    lines: list[Line] = []
    for number, entry in enumerate(element.findall(f"{_SPACE}Ntry"), 1):
        lines += _lines(entry, f"{place}/Ntry {number}")
        if len(lines) > MAX_LINES:
            raise FormError(place, f"at most {MAX_LINES} bookings", "more")
    period = element.find(f"{_SPACE}FrToDt")
    first = _day(period, "FrDtTm", place) if period is not None else opened
    last = _day(period, "ToDtTm", place) if period is not None else closed
    account = _account(_one(element, "Acct", place), f"{place}/Acct")
    currency = _text(_one(element, "Acct", place), "Ccy")
    if currency not in ("", iso.CURRENCY):
        raise FormError(f"{place}/Acct/Ccy", iso.CURRENCY, currency)
    number_text = _text(element, "ElctrncSeqNb") or _text(element, "LglSeqNb")
    sequence = _count(number_text, f"{place}/ElctrncSeqNb")
    return check_statement(Statement(account, sequence, first, last, opening, closing, lines))


def _balance(element: Element, kinds: Sequence[str], place: str) -> tuple[int, str]:
    """Return the first balance of the first of these kinds that there is: (fen, day)."""
    for kind in kinds:
        for balance in element.findall(f"{_SPACE}Bal"):
            if _text(balance, "Tp/CdOrPrtry/Cd") == kind:
                at = f"{place}/Bal {kind}"
                return _signed(balance, at), _date(balance, "Dt", at)
    raise FormError(f"{place}/Bal", " or ".join(kinds), "none")


def _lines(entry: Element, place: str) -> Iterator[Line]:
    status = _text(entry, "Sts/Cd") or _text(entry, "Sts")
    if status in _ANNOUNCED:
        return
    if status != BOOKED:
        raise FormError(f"{place}/Sts", BOOKED, status)
    whole = _signed(entry, place)
    details = entry.findall(f"{_SPACE}NtryDtls/{_SPACE}TxDtls")
    amounts = [_detail_fen(detail, whole, place) for detail in details]
    if len(details) > 1 and None not in amounts:
        parts = [fen for fen in amounts if fen is not None]
        if sum(parts) != whole:
            raise FormError(f"{place}/NtryDtls", "amounts that add up to the entry's", sum(parts))
        for number, (detail, fen) in enumerate(zip(details, parts, strict=True), 1):
            yield _line(entry, detail, fen, 0, f"{place}/TxDtls {number}", number)
        return
    counted = _count(_text(entry, "NtryDtls/Btch/NbOfTxs"), f"{place}/Btch/NbOfTxs")
    batched = max(counted, len(details) if len(details) > 1 else 0)
    yield _line(entry, details[0] if len(details) == 1 else None, whole, batched, place)


def _detail_fen(detail: Element, whole: int, place: str) -> int | None:
    if detail.find(f"{_SPACE}Amt") is None:
        return None
    way = _text(detail, "CdtDbtInd")
    fen = _fen(detail, f"{place}/TxDtls")
    return fen * _SIGN.get(way, 1 if whole > 0 else -1)


def _line(
    entry: Element, detail: Element | None, fen: int, batched: int, place: str, number: int = 0
) -> Line:
    booked = _date(entry, "BookgDt", place)
    remark = " ".join(e.text or "" for e in _all(detail, "RmtInf/Ustrd"))
    reason = _text(detail, "RtrInf/Rsn/Cd") or _text(detail, "RtrInf/Rsn/Prtry")
    told = " ".join(filter(None, [reason, *(e.text for e in _all(detail, "RtrInf/AddtlInf"))]))
    side = other_side(fen, returned=bool(told))
    end_to_end = _text(detail, "Refs/EndToEndId")
    return Line(
        booked=booked,
        valued=_date(entry, "ValDt", place) if entry.find(f"{_SPACE}ValDt") is not None else booked,
        fen=fen,
        reference=_reference(entry, detail, place, number),
        end_to_end="" if end_to_end == NO_ID else end_to_end[:140],
        counterparty=_text(detail, f"RltdPties/{side}/Pty/Nm")[:140],
        counterparty_account=_number(detail, f"RltdPties/{side}Acct/Id")[:140],
        remittance=clean(f"{remark} {_text(entry, 'AddtlNtryInf')}")[:MAX_TEXT],
        batched=batched,
        return_reason=clean(told)[:140],
        fee=_is_fee(entry),
    )


def other_side(fen: int, *, returned: bool) -> str:
    """Return which party is not the account's owner; a return names those of the first payment."""
    return "Dbtr" if (fen > 0) is not returned else "Cdtr"


def _reference(entry: Element, detail: Element | None, place: str, number: int) -> str:
    own = _text(detail, "Refs/AcctSvcrRef")
    of_entry = _text(entry, "AcctSvcrRef") or _text(entry, "NtryRef")
    found = own or (f"{of_entry}-{number}" if of_entry and number else of_entry)
    if not found:
        raise FormError(f"{place}/AcctSvcrRef", "the bank's number", "none")
    return found


def _is_fee(entry: Element) -> bool:
    codes = [_text(entry, f"BkTxCd/Domn/Fmly/{name}") for name in ("Cd", "SubFmlyCd")]
    return any(code in _FEES for code in codes) or "手续费" in _text(entry, "BkTxCd/Prtry/Cd")


# --- elements ------------------------------------------------------------------------------------


def _path(path: str) -> str:
    return "/".join(f"{_SPACE}{part}" for part in path.split("/"))


def _all(element: Element | None, path: str) -> list[Element]:
    return [] if element is None else list(element.findall(_path(path)))


def _one(element: Element, name: str, place: str) -> Element:
    found = element.findall(f"{_SPACE}{name}")
    if len(found) != 1:
        raise FormError(f"{place}/{name}", "one", len(found))
    return found[0]


def _text(element: Element | None, path: str) -> str:
    found = None if element is None else element.find(_path(path))
    return "" if found is None else clean(found.text or "")


def _number(element: Element | None, path: str) -> str:
    found = _text(element, f"{path}/IBAN") or _text(element, f"{path}/Othr/Id")
    return account_number(found)


def _account(element: Element, place: str) -> str:
    found = _number(element, "Id")
    if not found:
        raise FormError(f"{place}/Id", "IBAN or Othr/Id", "none")
    return found


def _signed(element: Element, place: str) -> int:
    way = _text(element, "CdtDbtInd")
    if way not in _SIGN:
        raise FormError(f"{place}/CdtDbtInd", "CRDT or DBIT", way)
    return _SIGN[way] * _fen(element, place)


def _fen(element: Element, place: str) -> int:
    found = _one(element, "Amt", place)
    currency = found.get("Ccy", "")
    if currency != iso.CURRENCY:
        raise FormError(f"{place}/Amt", iso.CURRENCY, currency)
    try:
        fen = amount_of(clean(found.text or ""))
    except ValueFaultError as error:
        raise FormError(f"{place}/Amt", "yuan such as 1234.56", f"{found.text} ({error})") from None
    if fen < 0:
        raise FormError(f"{place}/Amt", "an amount without a sign", found.text)
    return fen


def _date(element: Element, name: str, place: str) -> str:
    holder = element.find(f"{_SPACE}{name}")
    which = "Dt" if _text(holder, "Dt") else "DtTm"
    return _day(holder, which, f"{place}/{name}")


def _day(element: Element | None, name: str, place: str) -> str:
    text = _text(element, name)
    try:
        day = day_of(text)
    except ValueFaultError:
        day = ""
    if not day:
        raise FormError(f"{place}/{name}", "an ISO 8601 date", text)
    return day


def _count(text: str, place: str) -> int:
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and int(text[:8]) <= 1_000_000):
        raise FormError(place, "a number up to 1000000", text)
    return int(text)
