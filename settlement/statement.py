"""One day between two provinces: totals, rows, and what differs (日对账).

As the nation does it: totals by insurance and clearing type first (对总账, 3201), then the rows
(对明细账, 3202), and these only where totals differ. A refund counts as minus one person-time
and its amounts are negative. What is void, or marked as taken back where it stands, counts nowhere.

Kinds of differences: see `DIFFERENCE`. SAME_VISIT is a warning: one visit with one amount under
several ids is the pattern of a case that was settled twice by mistake.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from typing import Literal, NamedTuple

from settlement.casefile import CaseRow
from settlement.money import format_yuan, parse_fen
from settlement.outcome import Text

State = Literal["settled", "refund", "reversed", "void"]


class Row(NamedTuple):
    """One settlement or refund as one side's books have it; text is empty where they do not say."""

    setl_id: str
    original_id: str  # of a refund: what it takes back
    mdtrt_id: str
    psn_no: str
    fixmedins_code: str
    begndate: str
    enddate: str
    insutype: str
    clr_type: str
    state: State  # `reversed`: taken back where it stands, without a refund row of its own
    medfee_fen: int
    fund_fen: int
    account_fen: int

    @property
    def counts(self) -> bool:
        """True if the row is part of the totals."""
        return self.state in ("settled", "refund")


class Cell(NamedTuple):
    """The totals of one insurance type and clearing type on one day."""

    settlements: int = 0
    refunds: int = 0
    medfee_fen: int = 0
    fund_fen: int = 0
    account_fen: int = 0

    @property
    def person_times(self) -> int:
        """Settlements less refunds, as 3201 counts them."""
        return self.settlements - self.refunds


CellKey = tuple[str, str]
"""insutype and clr_type"""
Totals = dict[CellKey, Cell]


class CellDifference(NamedTuple):
    """One cell in which the two sides' totals differ."""

    insutype: str
    clr_type: str
    ours: Cell
    theirs: Cell


class Difference(NamedTuple):
    """One row on which the two sides differ; `columns` are (column, ours, theirs) as text."""

    kind: str
    setl_id: str
    columns: tuple[tuple[str, str, str], ...]

    def swapped(self) -> "Difference":
        """Return what the other side would call it."""
        kind = {"ONLY_OURS": "ONLY_THEIRS", "ONLY_THEIRS": "ONLY_OURS"}.get(self.kind, self.kind)
        return Difference(kind, self.setl_id, tuple((c, b, a) for c, a, b in self.columns))


class SameVisit(NamedTuple):
    """Settlements of one visit with one amount: `standing` are those not taken back."""

    setl_ids: tuple[str, ...]
    standing: tuple[str, ...]
    medfee_fen: int

    @property
    def open(self) -> bool:
        """True if more than one of them still stands."""
        return len(self.standing) > 1


DIFFERENCE: dict[str, Text] = {
    "ONLY_OURS": Text("only here; the other side has no such row", "仅本方有，对方无此记录"),
    "ONLY_THEIRS": Text("only there; this side has no such row", "仅对方有，本方无此记录"),
    "DUPLICATE": Text("the id stands more than once on one side", "同一方内结算编号重复"),
    "STATUS": Text("settled, refund, taken back or void: the sides do not agree",
                   "结算、退费、冲正或无效状态不一致"),
    "AMOUNT": Text("an amount differs", "金额不一致"),
    "FIELDS": Text("visit, insurance, clearing type or original differs",
                   "就诊编号、险种、清算类别或原结算编号不一致"),
    "SAME_VISIT": Text("warning: one visit with one amount under several ids",
                       "提示：同一就诊、同一金额有多个结算编号"),
}  # fmt: skip

AMOUNTS = (
    ("medfee_sumamt", "medfee_fen"), ("fund_pay_sumamt", "fund_fen"), ("acct_pay", "account_fen"),
)  # fmt: skip
FIELDS = (
    ("mdtrt_id", "mdtrt_id"), ("insutype", "insutype"), ("clr_type", "clr_type"),
    ("init_setl_id", "original_id"),
)  # fmt: skip


def row_of(case: CaseRow) -> Row:
    """Return a case file's row as a statement has it.

    Raises:
        FormError: An amount cannot be read; only files that no import has checked are so.
    """
    return Row(
        setl_id=case.setl_id,
        original_id=case.init_setl_id,
        mdtrt_id=case.mdtrt_id,
        psn_no=case.psn_no,
        fixmedins_code=case.fixmedins_code,
        begndate=case.begndate,
        enddate=case.enddate,
        insutype=case.insutype,
        clr_type=case.clr_type,
        state="refund" if case.is_refund else "settled",
        medfee_fen=parse_fen(case.medfee_sumamt),
        fund_fen=parse_fen(case.fund_pay_sumamt),
        account_fen=parse_fen(case.acct_pay),
    )


def totals_of(rows: Iterable[Row]) -> Totals:
    """Return the totals of rows; a cell nothing counts in is not there.

    Example:
        >>> totals_of([])
        {}
    """
    sums: dict[CellKey, list[int]] = {}
    for row in rows:
        if not row.counts:
            continue
        cell = sums.setdefault((row.insutype, row.clr_type), [0, 0, 0, 0, 0])
        cell[row.state == "refund"] += 1
        cell[2] += row.medfee_fen
        cell[3] += row.fund_fen
        cell[4] += row.account_fen
    return {key: Cell(*sums[key]) for key in sorted(sums)}


def compare_totals(ours: Totals, theirs: Totals) -> list[CellDifference]:
    """Return the cells that differ, by insurance and clearing type; none: the day matches."""
    return [
        CellDifference(*key, ours.get(key, Cell()), theirs.get(key, Cell()))
        for key in sorted(ours.keys() | theirs.keys())
        if ours.get(key, Cell()) != theirs.get(key, Cell())
    ]


def compare_details(ours: Iterable[Row], theirs: Iterable[Row]) -> list[Difference]:
    """Return what differs between two sides' rows, by settlement id.

    Of an id that stands more than once the first row is compared. A field that one side does not
    have (empty) is not compared; amounts and state always are.
    """
    mine, my_count = _by_id(ours)
    other, other_count = _by_id(theirs)
    found: list[Difference] = []
    for setl_id in sorted(mine.keys() | other.keys()):
        counts = my_count[setl_id], other_count[setl_id]
        if max(counts) > 1:
            rows = ("rows", str(counts[0]), str(counts[1]))
            found.append(Difference("DUPLICATE", setl_id, (rows,)))
        found += _compared(setl_id, mine.get(setl_id), other.get(setl_id))
    return found


def _by_id(rows: Iterable[Row]) -> tuple[dict[str, Row], Counter[str]]:
    first: dict[str, Row] = {}
    counts: Counter[str] = Counter()
    for row in rows:
        counts[row.setl_id] += 1
        first.setdefault(row.setl_id, row)
    return first, counts


def _compared(setl_id: str, mine: Row | None, other: Row | None) -> Iterator[Difference]:
    if mine is None or other is None:
        kind = "ONLY_THEIRS" if mine is None else "ONLY_OURS"
        columns = [("state", _state(mine), _state(other))]
        columns += [(name, _yuan(mine, at), _yuan(other, at)) for name, at in AMOUNTS]
        yield Difference(kind, setl_id, tuple(columns))
        return
    if mine.state != other.state:
        yield Difference("STATUS", setl_id, (("state", mine.state, other.state),))
    amounts = [
        (name, _yuan(mine, at), _yuan(other, at))
        for name, at in AMOUNTS
        if getattr(mine, at) != getattr(other, at)
    ]
    if amounts:
        yield Difference("AMOUNT", setl_id, tuple(amounts))
    fields = [
        (name, getattr(mine, at), getattr(other, at))
        for name, at in FIELDS
        if getattr(mine, at) and getattr(other, at) and getattr(mine, at) != getattr(other, at)
    ]
    if fields:
        yield Difference("FIELDS", setl_id, tuple(fields))


def _state(row: Row | None) -> str:
    return "" if row is None else row.state


def _yuan(row: Row | None, at: str) -> str:
    return "" if row is None else format_yuan(getattr(row, at))


def taken_back(rows: Iterable[Row]) -> set[str]:
    """Return the ids of settlements whose refunds among `rows` take back all of them."""
    left: dict[str, int] = {}
    refunded: dict[str, int] = {}
    for row in rows:
        if row.state == "settled":
            left[row.setl_id] = row.medfee_fen
        elif row.state == "refund" and row.original_id:
            refunded[row.original_id] = refunded.get(row.original_id, 0) + row.medfee_fen
    return {setl_id for setl_id, fen in refunded.items() if left.get(setl_id) == -fen}


def as_marked(ours: list[Row], theirs: Iterable[Row], gone: Collection[str]) -> list[Row]:
    """Return our rows as books show them that mark a settlement instead of entering a refund.

    Where the other side has a settlement as `reversed` or `void` and ours is taken back (its id is
    in `gone`), both say the same: ours gets the other's state, and refunds of it that the other
    side does not have are left out. All other rows stay as they are.
    """
    states = {row.setl_id: row.state for row in theirs}
    same = {i for i in gone if states.get(i) in ("reversed", "void")}
    return [
        row._replace(state=states[row.setl_id]) if row.setl_id in same else row
        for row in ours
        if not (row.original_id in same and row.setl_id not in states)
    ]


def same_visits(rows: Iterable[Row]) -> list[SameVisit]:
    """Return the groups of settlements that look like one case settled several times.

    One group: the same mdtrt_id, or the same person, institution and dates; the same total; other
    ids. What was taken back since is in the group, but not `standing`. Refunds and void rows are in
    no group.
    """
    listed = list({row.setl_id: row for row in rows}.values())
    gone = taken_back(listed)
    cases = {row.setl_id: row for row in listed if row.state in ("settled", "reversed")}
    first: dict[tuple[str | int, ...], str] = {}
    leader: dict[str, str] = {}
    for setl_id, row in cases.items():
        keys = list(_visit_keys(row))
        known = {_lead(leader, first[key]) for key in keys if key in first}
        head = min(known, default=setl_id)
        leader.update(dict.fromkeys((*known, setl_id), head))
        for key in keys:
            first.setdefault(key, setl_id)
    groups: dict[str, list[str]] = {}
    for setl_id in sorted(cases):
        groups.setdefault(_lead(leader, setl_id), []).append(setl_id)
    return [
        SameVisit(
            tuple(ids),
            tuple(i for i in ids if cases[i].state == "settled" and i not in gone),
            cases[ids[0]].medfee_fen,
        )
        for ids in sorted(groups.values())
        if len(ids) > 1
    ]


def _lead(leader: dict[str, str], setl_id: str) -> str:
    while leader[setl_id] != setl_id:
        setl_id = leader[setl_id]
    return setl_id


def _visit_keys(row: Row) -> Iterator[tuple[str | int, ...]]:
    if row.mdtrt_id:
        yield ("visit", row.mdtrt_id, row.medfee_fen)
    if row.psn_no and row.fixmedins_code and row.begndate:
        stay = (row.psn_no, row.fixmedins_code, row.begndate, row.enddate)
        yield ("stay", *stay, row.medfee_fen)
