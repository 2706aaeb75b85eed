"""Where a dispute is now, whose turn it is and until which close: for people and programs.

What it does to clearing: see `stage`. Here everything that is held counts as said, and silence as
far as the confirmed closes have counted it.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from ledger.table import Reader
from settlement.close import Close, close_of, confirmed_closes, disputes_at
from settlement.lookup import (
    Contested,
    applied_size,
    exceptions,
    open_months,
    proposal_of,
    proposals,
)
from settlement.netting import total_fen
from settlement.outcome import Text
from settlement.party import CENTRE
from settlement.period import next_month
from settlement.record import Settlement
from settlement.ruleset import Disputes
from settlement.stage import Case, Stage, after, case_of, course, late, original_of


class Status(NamedTuple):
    """Where a dispute is now, whose turn it is and for how long."""

    case: Case
    original: Settlement
    stage: Stage
    late: bool
    turn: str | None  # who has to act
    closes_left: int | None  # cuts still to be drawn until silence counts; None: it never will
    until: str | None  # the month of that close; None also before any month was proposed

    @property
    def holds(self) -> bool:
        """Whether anything of the original is kept out of the next batch."""
        return not self.late and not self.stage.binds


class View(NamedTuple):
    """Everything a node knows now."""

    closes: list[Close]  # the confirmed ones
    proposed: Close | None  # of a proposal that stands open: its cut is drawn
    known: Close  # all that is held here; at this close nobody's silence counts
    rules: Disputes


def view_of(reader: Reader, codes: Iterable[str]) -> View:
    """Return what is known now; `codes` are the participants whose disputes will be asked for."""
    proposed = None
    for month in open_months(reader)[-1:]:
        revision = max(number for name, number, _ in proposals(reader) if name == month)
        found = proposal_of(reader, month, revision)
        assert found is not None
        proposed = close_of(reader, month, found[0].cut, found[2])
    size = applied_size(reader, CENTRE)
    known = Close("", {code: applied_size(reader, code) for code in codes}, size, Disputes())
    return View(confirmed_closes(reader), proposed, known, disputes_at(reader, size))


def status_of(
    reader: Reader, view: View, debtor: str, creditor: str, contested: Contested
) -> Status | None:
    """Return where a dispute is now; None if it is about nothing that is held here."""
    if contested.reach > view.known.sizes.get(creditor, 0):
        return None
    original = original_of(reader, debtor, creditor, contested)
    if original is None:
        return None
    case = case_of(reader, debtor, creditor, contested)
    closed = None
    for stage in course(case, view.closes):
        closed = stage
    now = after(closed, case, view.known)
    assert now is not None
    left, until = _deadline(view, case, closed, now)
    turns = {"open": creditor, "answered": debtor, "escalated": CENTRE}
    return Status(
        case=case,
        original=original,
        stage=now,
        late=late(reader, view.closes, debtor, creditor, contested, original),
        turn=turns.get(now.state),
        closes_left=left,
        until=until,
    )


def _deadline(
    view: View, case: Case, closed: Stage | None, now: Stage
) -> tuple[int | None, str | None]:
    """Return how many cuts are still to be drawn until silence counts, and the last one's month."""
    windows = {"open": view.rules.answer_windows, "answered": view.rules.decision_windows}
    if not windows.get(now.state):
        return None, None
    month = view.closes[-1].month if view.closes else None
    if view.proposed is not None:
        closed, month = after(closed, case, view.proposed), view.proposed.month
        if closed is not None and closed.state in ("upheld", "lapsed"):
            return 0, month
    done = 0 if closed is None else closed.opened if now.state == "open" else closed.answered
    left = max(windows[now.state] - done, 1)
    for _ in range(left):
        month = None if month is None else next_month(month)
    return left, month


def statuses(reader: Reader, codes: Sequence[str], code: str) -> Iterator[Status]:
    """Yield where the disputes are that `code` has a part in (the centre: all), by pair.

    Args:
        codes: All participants.
    """
    view = view_of(reader, codes)
    for debtor in codes:
        for creditor in codes:
            if debtor != creditor and code in (debtor, creditor, CENTRE):
                for contested in exceptions(reader, debtor, creditor):
                    found = status_of(reader, view, debtor, creditor, contested)
                    if found is not None:
                        yield found


def report(status: Status) -> dict[str, Any]:
    """Return a dispute by name, as programs are told of it."""
    case, stage = status.case, status.stage
    ruling = None
    if case.ruled is not None:
        ruling = {
            "index": case.ruling,
            "outcome": case.ruled.outcome,
            "upheld_fen": msgspec.structs.asdict(case.ruled.upheld),
            "reason": case.ruled.reason,
        }
    return {
        "setl_id": status.original.setl_id,
        "debtor": case.debtor,
        "creditor": case.creditor,
        "original": case.contested.original,
        "fen": total_fen(status.original.lines),
        "kind": "dispute" if case.contested.size is None else "exception",
        "index": case.contested.since,
        "reason": case.contested.code,
        "state": stage.state,
        "late": status.late,
        "holds": status.holds,
        "answer": case.answer,
        "escalations": dict(sorted(case.escalations.items())),
        "ruling": ruling,
        "release": case.contested.release,
        "turn": status.turn,
        "closes_left": status.closes_left,
        "until": status.until,
        "next": whose_turn(status),
    }


def whose_turn(status: Status) -> dict[str, str]:
    """Say who has to act on a dispute and until when, in both languages."""
    case, until = status.case, _until(status)
    if status.stage.state == "open":
        text = Text(f"{case.creditor} answers", f"由 {case.creditor} 答复")
    elif status.stage.state == "answered":
        text = Text(
            f"{case.debtor} releases it or asks {CENTRE}",
            f"由 {case.debtor} 解除或提请 {CENTRE} 裁决",
        )
    elif status.stage.state == "escalated":
        text = Text(f"{CENTRE} rules", f"由 {CENTRE} 裁决")
    elif status.stage.binds:
        text = Text("nothing: it binds", "无需处理：应予清算")
    else:
        text = Text(
            f"nothing, unless {case.debtor} releases it", f"无需处理，除非 {case.debtor} 解除争议"
        )
    return {"en": text.en + until.en, "zh": text.zh + until.zh}


def _until(status: Status) -> Text:
    left, month = status.closes_left, status.until
    if left is None:
        return Text("", "")
    if month is None:
        return Text(f" until close {left} from now", f"，截至其后第 {left} 次清算")
    if left == 0:
        return Text(f" (the cut of {month} is drawn)", f"（{month} 截止点已定）")
    return Text(f" until the cut of {month}", f"，截至 {month} 清算截止点")
