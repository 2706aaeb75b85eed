"""What one treatment province says about one day, taken in answer by answer and never believed."""

from dataclasses import dataclass, field

from ledger.errors import FormError
from node.message import (
    DAY_ROWS,
    DAY_TOTALS,
    MAX_DAY_ROWS,
    AskDayDetail,
    DayCell,
    DayRow,
)
from settlement.statement import Cell, CellKey, Row, Totals, totals_of


@dataclass
class Talk:
    """What one treatment province has said about one day so far."""

    day: str
    size: int  # of its log: what the answers are about
    theirs: Totals
    wanted: list[CellKey]  # cells whose rows are still to come
    read: set[CellKey] = field(default_factory=set)
    rows: list[Row] = field(default_factory=list)
    cell: list[Row] = field(default_factory=list)  # the rows of the cell that is being read

    def question(self) -> AskDayDetail:
        """Return what is asked next."""
        after = self.cell[-1].setl_id if self.cell else ""
        return AskDayDetail(self.day, self.size, *self.wanted[0], after)

    def take(self, body: bytes) -> None:
        """Take in an answer.

        Raises:
            FormError: Not in order, not ascending, or not what its totals said.
        """
        key = self.wanted[0]
        answer = DAY_ROWS.decode(body)
        ids = [self.cell[-1].setl_id] if self.cell else []
        ids += [row.setl_id for row in answer.rows]
        told = self.theirs[key]
        if ids != sorted(set(ids)) or len(self.cell) + len(answer.rows) > told[0] + told[1]:
            raise FormError("a day's rows", "ids ascending, no more than the totals say")
        self.cell += [_row(row, key) for row in answer.rows]
        if answer.more and answer.rows:
            return
        if totals_of(self.cell) != {key: told}:
            raise FormError("a day's rows", "what the totals say", key)
        self.rows += self.cell
        self.cell = []
        self.read.add(key)
        del self.wanted[0]


def totals_told(body: bytes) -> tuple[Totals, int]:
    """Return the totals of an answer, and how many rows the asker cannot have yet.

    Raises:
        FormError: Not in order: a cell stands twice or counts nothing, or more rows than anybody
            has on a day, all of which might have to be read.
    """
    answer = DAY_TOTALS.decode(body)
    found = {(c.insutype, c.clr_type): Cell(*_counts(c)) for c in answer.cells}
    counts = [cell.settlements + cell.refunds for cell in found.values()]
    if len(found) != len(answer.cells) or 0 in counts:
        raise FormError("a day's totals", "every cell once, with rows in it")
    if sum(counts) > MAX_DAY_ROWS:
        raise FormError("a day's totals", f"at most {MAX_DAY_ROWS} rows", sum(counts))
    return found, answer.unseen


def _counts(cell: DayCell) -> tuple[int, int, int, int, int]:
    return (
        cell.settlements, cell.refunds, cell.medfee_fen, cell.fund_fen, cell.account_fen,
    )  # fmt: skip


def _row(row: DayRow, key: CellKey) -> Row:
    return Row(
        setl_id=row.setl_id,
        original_id="",
        mdtrt_id=row.mdtrt_id,
        psn_no="",
        fixmedins_code="",
        begndate="",
        enddate="",
        insutype=key[0],
        clr_type=key[1],
        state="refund" if row.refund else "settled",
        medfee_fen=row.medfee_fen,
        fund_fen=row.fund_fen,
        account_fen=row.account_fen,
    )
