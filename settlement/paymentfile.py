"""Payment files for the payer's bank: an xlsx for the online bank, or ISO 20022 pain.001.001.09.

A file follows from payments, accounts and business date alone: made again it has the same bytes,
and so the same digest as the `Instruction` that was entered for it. Nothing of now is in it.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import xlsxwriter

from ledger.encoding import pack_record
from ledger.errors import FormError
from ledger.hashing import hash_bytes
from settlement import iso20022 as iso
from settlement.account import Account, account_of
from settlement.endtoend import EndToEnd, format_end_to_end, network_part
from settlement.lookup import transfer_key
from settlement.money import format_yuan
from settlement.period import check_day
from settlement.record import Payment

PAIN = "pain.001.001.09"
MAX_CELL_FEN = 10**15 - 1  # a workbook keeps fifteen digits of a number

KIND = {"clearing": "清算资金", "prepayment": "预付金", "prepayment_return": "预付金退还"}  # L19
HEADINGS = (
    "序号", "付款方户名", "付款账号", "收款方户名", "收款账号", "开户行", "行号", "金额（元）",
    "用途/附言", "资金性质",
)  # fmt: skip
_WIDTHS = (6, 26, 26, 26, 26, 26, 16, 16, 38, 14)


class Transfer(NamedTuple):
    """One payment of a file with all that the bank has to know."""

    payment: Payment
    end_to_end: str
    payee: Account


class Batch(NamedTuple):
    """All payments of a file."""

    payer: Account
    date: str  # on which they are to be carried out; a business date
    transfers: tuple[Transfer, ...]

    @property
    def total_fen(self) -> int:
        """The sum of all payments."""
        return sum(transfer.payment.fen for transfer in self.transfers)


def payment_key(payment: Payment) -> bytes:
    """Return the natural key of a payment, by which those of a file are in order."""
    return transfer_key(
        payment.purpose, payment.month, payment.number, payment.payee, payment.attempt
    )


def end_to_end_of(network_id: bytes, payer: str, payment: Payment) -> str:
    """Return the end-to-end id of a payment."""
    part = network_part(network_id)
    return format_end_to_end(
        EndToEnd(
            payment.purpose, payment.month, payment.number, payment.attempt, payer,
            payment.payee, part,
        )
    )  # fmt: skip


def make_batch(
    network_id: bytes,
    payer: str,
    payments: Sequence[Payment],
    accounts: Mapping[str, Account],
    date: str,
) -> Batch:
    """Return the payments of a file in their order; purposes may be mixed.

    Raises:
        FormError: No payments, no such day, or a participant without an account.
    """
    if not payments:
        raise FormError("payments", "at least one", 0)
    known = dict(accounts)
    transfers = tuple(
        Transfer(
            payment, end_to_end_of(network_id, payer, payment), account_of(known, payment.payee)
        )
        for payment in sorted(payments, key=payment_key)
    )
    return Batch(account_of(known, payer), check_day(date), transfers)


def make_file(form: str, batch: Batch) -> bytes:
    """Return the bytes of a payment file.

    Raises:
        FormError: No such format, or an amount that a workbook would not keep exactly.
    """
    if form not in FORMATS:
        raise FormError("--format", " or ".join(FORMATS), form)
    return FORMATS[form][1](batch)


def record_format(form: str) -> str:
    """Return how the `Instruction` names a format."""
    return FORMATS[form][0]


# --- ISO 20022 -----------------------------------------------------------------------------------


def make_pain(batch: Batch) -> bytes:
    """Return a pain.001.001.09 message: one payment information, one transaction a payment."""
    count, total = len(batch.transfers), format_yuan(batch.total_fen)
    name = _message_id(batch)
    header = iso.tree(
        "GrpHdr",
        iso.text("MsgId", name),
        iso.text("CreDtTm", f"{batch.date}T00:00:00+08:00"),
        iso.text("NbOfTxs", count),
        iso.text("CtrlSum", total),
        iso.party("InitgPty", batch.payer.name),
    )
    payer = batch.payer
    information = iso.tree(
        "PmtInf",
        iso.text("PmtInfId", name),
        iso.text("PmtMtd", "TRF"),
        iso.text("BtchBookg", "false"),
        iso.text("NbOfTxs", count),
        iso.text("CtrlSum", total),
        iso.tree("ReqdExctnDt", iso.text("Dt", batch.date)),
        iso.party("Dbtr", payer.name),
        iso.account("DbtrAcct", payer.account),
        iso.agent("DbtrAgt", payer.bic, payer.cnaps, payer.bank),
        iso.text("ChrgBr", "DEBT"),  # whatever the banks charge, the payee gets the whole amount
        *(_transaction(transfer) for transfer in batch.transfers),
    )
    return iso.document(PAIN, iso.tree("CstmrCdtTrfInitn", header, information))


def _message_id(batch: Batch) -> str:
    seed = b"".join(pack_record(transfer.payment) for transfer in batch.transfers)
    digest = hash_bytes(b"gongzhang/payment-file/v1\n" + seed).hex()[:12].upper()
    return f"GZ-{batch.payer.code}-{batch.date.replace('-', '')}-{digest}"


def _transaction(transfer: Transfer) -> iso.Tree:
    payee, name = transfer.payee, transfer.end_to_end
    return iso.tree(
        "CdtTrfTxInf",
        iso.tree("PmtId", iso.text("InstrId", name), iso.text("EndToEndId", name)),
        iso.tree("Amt", iso.amount("InstdAmt", transfer.payment.fen)),
        iso.agent("CdtrAgt", payee.bic, payee.cnaps, payee.bank),
        iso.party("Cdtr", payee.name),
        iso.account("CdtrAcct", payee.account),
        iso.tree("Purp", iso.text("Prtry", KIND[transfer.payment.purpose])),
        iso.tree("RmtInf", iso.text("Ustrd", remark(transfer))),
    )


def remark(transfer: Transfer) -> str:
    """Return what stands in the remark: the id, so that it survives a bank without the field."""
    return f"{transfer.end_to_end} {KIND[transfer.payment.purpose]}"


# --- xlsx ----------------------------------------------------------------------------------------


def make_sheet(batch: Batch) -> bytes:
    """Return a workbook with one row a payment; account numbers are text, amounts are numbers."""
    if max(transfer.payment.fen for transfer in batch.transfers) > MAX_CELL_FEN:
        raise FormError("amount", f"at most {MAX_CELL_FEN} fen in a workbook; take pain.001")
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True})
    book.set_properties({"created": datetime.fromisoformat(batch.date)})
    head = book.add_format({"bold": True, "border": 1, "bg_color": "#EEEEEE"})
    plain, yuan = book.add_format({"num_format": "@"}), book.add_format({"num_format": "0.00"})
    sheet = book.add_worksheet("付款明细")
    for column, (heading, width) in enumerate(zip(HEADINGS, _WIDTHS, strict=True)):
        sheet.set_column(column, column, width)
        sheet.write_string(0, column, heading, head)
    for row, transfer in enumerate(batch.transfers, 1):
        sheet.write_number(row, 0, row)
        sheet.write_number(row, 7, transfer.payment.fen / 100, yuan)
        for column, cell in _texts(batch, transfer):
            sheet.write_string(row, column, cell, plain)
    sheet.freeze_panes(1, 0)
    book.close()
    return target.getvalue()


def _texts(batch: Batch, transfer: Transfer) -> list[tuple[int, str]]:
    payer, payee = batch.payer, transfer.payee
    return [
        (1, payer.name), (2, payer.account), (3, payee.name), (4, payee.account),
        (5, payee.bank), (6, payee.cnaps or payee.bic), (8, remark(transfer)),
        (9, KIND[transfer.payment.purpose]),
    ]  # fmt: skip


FORMATS: dict[str, tuple[str, Callable[[Batch], bytes]]] = {
    "xlsx": ("xlsx", make_sheet),
    "pain.001": (PAIN, make_pain),
}
