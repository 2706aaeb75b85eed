"""A day's rows as this node's vault and logs have them, and what a treatment province answers.

As treatment province, only rows whose entry stands valid in the own log count. As insured province
the case files held count, delivered or determined here, also if the other log has no entry for one:
that is what a statement has to show.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ledger.errors import FormError
from ledger.table import Reader
from node.message import (
    DAY_ROWS,
    DAY_TOTALS,
    MAX_DAY,
    Answer,
    AskDay,
    AskDayDetail,
    DayCell,
    DayRow,
    DayRows,
    DayTotals,
    Message,
)
from node.vault import (
    INBOX_SIDE,
    OWN_SIDE,
    case_ids,
    own_case,
    received_case,
    waits_for_delivery,
)
from settlement.casefile import decode_case
from settlement.lookup import find_settlement
from settlement.statement import Row, row_of, totals_of

if TYPE_CHECKING:
    from node.province import Province


def held_rows(logs: Reader, vault: Reader, treatment: str, day: str, size: int) -> Iterator[Row]:
    """Yield the rows of a day that this node holds as insured province, by settlement id.

    Case files of entries at or above `size` in the log of `treatment` are left out. So are those
    whose amounts cannot be read: nobody could accept them.
    """
    for setl_id in case_ids(vault, INBOX_SIDE, treatment, day):
        index = find_settlement(logs, treatment, setl_id)
        if index is not None and index >= size:
            continue
        case = received_case(vault, treatment, setl_id)
        try:
            if case is not None:
                yield row_of(decode_case(case.case))
        except FormError:
            continue


def treated_rows(
    logs: Reader, vault: Reader, code: str, insured: str, day: str, after: str = ""
) -> Iterator[tuple[int, Row]]:
    """Yield (index in the own log, row) of a day that `insured` owes this province, by id."""
    for setl_id in case_ids(vault, OWN_SIDE, insured, day, after):
        index = find_settlement(logs, code, setl_id)
        case = own_case(vault, setl_id)
        if index is not None and case is not None:
            yield index, row_of(decode_case(case.case))


def answer_day(role: "Province", sender: str | None, message: Message) -> Answer:
    """Return the totals or rows of a day that the sender owes; nobody else's are ever read."""
    if sender is None or sender == role.code or sender not in role.roster.participants:
        return Answer(403, b"only participants ask for their days\n")
    # The logs first: what they have is in the vault already.
    with role.store.read() as logs, role.vault.store.read() as vault:
        if isinstance(message, AskDay):
            return _totals(logs, vault, role.code, sender, message)
        assert isinstance(message, AskDayDetail)
        return _rows(logs, vault, role.code, sender, message)


def _totals(logs: Reader, vault: Reader, code: str, sender: str, asked: AskDay) -> Answer:
    rows, unseen = [], 0
    for index, row in treated_rows(logs, vault, code, sender, asked.day):
        if index >= asked.size or waits_for_delivery(vault, sender, row.setl_id):
            unseen += 1
        else:
            rows.append(row)
    cells = [DayCell(*key, *cell) for key, cell in totals_of(rows).items()]
    return Answer(200, DAY_TOTALS.encode(DayTotals(cells, unseen)))


def _rows(logs: Reader, vault: Reader, code: str, sender: str, asked: AskDayDetail) -> Answer:
    rows: list[DayRow] = []
    for index, row in treated_rows(logs, vault, code, sender, asked.day, asked.after):
        if index >= asked.size or (row.insutype, row.clr_type) != (asked.insutype, asked.clr_type):
            continue
        if len(rows) == MAX_DAY:
            return Answer(200, DAY_ROWS.encode(DayRows(rows, True)))
        amounts = row.medfee_fen, row.fund_fen, row.account_fen
        rows.append(DayRow(row.setl_id, row.mdtrt_id, row.state == "refund", *amounts))
    return Answer(200, DAY_ROWS.encode(DayRows(rows, False)))
