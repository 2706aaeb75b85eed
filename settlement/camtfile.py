"""Writing statements as ISO 20022 camt.053.001.08; `camt.read_camt` gives the same ones back."""

from collections.abc import Sequence

from settlement import iso20022 as iso
from settlement.bankstatement import Line, Statement
from settlement.camt import BOOKED, NO_ID, VERSION, other_side


def make_camt(statements: Sequence[Statement], name: str, owner: str) -> bytes:
    """Return statements as a message.

    Args:
        name: At most 29 characters that tell this message from others.
        owner: Whose accounts they are.
    """
    made = f"{max(statement.last for statement in statements)}T23:59:59+08:00"
    header = iso.tree("GrpHdr", iso.text("MsgId", name), iso.text("CreDtTm", made))
    items = [
        _statement_tree(statement, f"{name}-{number}", made, owner)
        for number, statement in enumerate(statements, 1)
    ]
    return iso.document(VERSION, iso.tree("BkToCstmrStmt", header, *items))


def _statement_tree(statement: Statement, name: str, made: str, owner: str) -> iso.Tree:
    sequence = iso.text("ElctrncSeqNb", statement.sequence) if statement.sequence else None
    period = iso.tree(
        "FrToDt",
        iso.text("FrDtTm", f"{statement.first}T00:00:00+08:00"),
        iso.text("ToDtTm", f"{statement.last}T23:59:59+08:00"),
    )
    account = iso.account("Acct", statement.account)
    holder = iso.tree("Ownr", iso.text("Nm", owner))
    account = iso.tree("Acct", *_parts(account), holder)
    opening = _balance_tree("OPBD", statement.opening_fen, statement.first)
    closing = _balance_tree("CLBD", statement.closing_fen, statement.last)
    entries = map(_entry_tree, statement.lines)
    return iso.tree(
        "Stmt", iso.text("Id", name), sequence, iso.text("CreDtTm", made), period, account,
        opening, closing, *entries,
    )  # fmt: skip


def _parts(tree: iso.Tree) -> tuple[iso.Tree | None, ...]:
    assert not isinstance(tree.content, str)
    return tree.content


def _balance_tree(kind: str, fen: int, day: str) -> iso.Tree:
    return iso.tree(
        "Bal",
        iso.tree("Tp", iso.tree("CdOrPrtry", iso.text("Cd", kind))),
        iso.amount("Amt", fen),
        _way(fen),
        iso.tree("Dt", iso.text("Dt", day)),
    )


def _way(fen: int) -> iso.Tree:
    return iso.text("CdtDbtInd", "CRDT" if fen >= 0 else "DBIT")


def _entry_tree(line: Line) -> iso.Tree:
    batch = iso.tree("Btch", iso.text("NbOfTxs", line.batched)) if line.batched > 1 else None
    detail = None if batch else _detail_tree(line)
    domain = ("ACMT", "MDOP", "CHRG") if line.fee else ("PMNT", "ICDT" if line.fen < 0 else "RCDT",
                                                      "DMCT")  # fmt: skip
    family = iso.tree("Fmly", iso.text("Cd", domain[1]), iso.text("SubFmlyCd", domain[2]))
    return iso.tree(
        "Ntry",
        iso.amount("Amt", line.fen),
        _way(line.fen),
        iso.tree("Sts", iso.text("Cd", BOOKED)),
        iso.tree("BookgDt", iso.text("Dt", line.booked)),
        iso.tree("ValDt", iso.text("Dt", line.valued)),
        iso.text("AcctSvcrRef", line.reference),
        iso.tree("BkTxCd", iso.tree("Domn", iso.text("Cd", domain[0]), family)),
        iso.tree("NtryDtls", batch, detail),
        iso.optional("AddtlNtryInf", line.remittance if batch else ""),
    )


def _detail_tree(line: Line) -> iso.Tree:
    side = other_side(line.fen, returned=bool(line.return_reason))
    parties = []
    if line.counterparty:
        parties.append(iso.tree(side, iso.party("Pty", line.counterparty)))
    if line.counterparty_account:
        identity = iso.tree("Othr", iso.text("Id", line.counterparty_account))
        parties.append(iso.tree(f"{side}Acct", iso.tree("Id", identity)))
    remark = [iso.text("Ustrd", part) for part in _pieces(line.remittance)]
    return iso.tree(
        "TxDtls",
        iso.tree("Refs", iso.text("EndToEndId", line.end_to_end or NO_ID)),
        iso.amount("Amt", line.fen),
        _way(line.fen),
        iso.tree("RltdPties", *parties) if parties else None,
        iso.tree("RmtInf", *remark) if remark else None,
        _returned(line.return_reason),
    )


def _pieces(text: str) -> list[str]:
    return [text[start : start + 140].strip() for start in range(0, len(text), 140)]


def _returned(reason: str) -> iso.Tree | None:
    # The code stands first; what the bank says beside it follows.
    if not reason:
        return None
    code, _, more = reason.partition(" ")
    if len(code) <= 4 and code.isascii() and code.isalnum() and code.isupper():
        rest = iso.optional("AddtlInf", more[:105])
        return iso.tree("RtrInf", iso.tree("Rsn", iso.text("Cd", code)), rest)
    return iso.tree("RtrInf", iso.tree("Rsn", iso.text("Prtry", reason[:35])))
