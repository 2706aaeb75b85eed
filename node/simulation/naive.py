"""What binds, entry by entry from the definition: for the oracle, and slow on purpose.

Nothing is shared with what nodes compute with but the entries and their decoding: no running
totals, no indexes, and disputes not walked close by close but asked about backwards.
"""

from collections import defaultdict
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from ledger import log
from ledger.entry import decode_entry
from ledger.table import Reader, log_key
from settlement.party import CENTRE, province_of
from settlement.record import (
    Acceptance,
    Dispute,
    DisputeAnswer,
    DisputeRuling,
    Escalation,
    Head,
    Lines,
    Record,
    Release,
    Reversal,
    RuleSet,
    Settlement,
    decode_body,
)
from settlement.ruleset import parse_ruleset

Pair = tuple[str, str]
Place = tuple[str, str, int]  # debtor, creditor, original

NEVER = 10**6


class Drawn(NamedTuple):
    """A confirmed month: its cut and the index of its proposal."""

    month: str
    cut: Sequence[Head]
    proposal: int


def record_at(reader: Reader, code: str, index: int) -> Record:
    """Return the record of an entry that counts."""
    entry = decode_entry(log.leaf(reader, log_key(code), index))
    return decode_body(entry.kind, entry.body)


def amounts(lines: Lines) -> tuple[int, int, int, int]:
    """Return the four fund lines."""
    return lines.employee, lines.resident, lines.other, lines.account


def naive_cleared(
    reader: Reader, drawn: Sequence[Drawn], void: Set[tuple[str, int]] = frozenset()
) -> dict[Pair, tuple[int, ...]]:
    """Return what all batches up to the last of `drawn` clear together.

    Args:
        void: Places (log, index) of entries that count nowhere; honest nodes write none.
    """
    return Book(reader, drawn, void).cleared()


@dataclass
class Book:
    """Everything that was said below the last cut, by whom and since which close (from 1)."""

    reader: Reader
    drawn: Sequence[Drawn]
    void: Set[tuple[str, int]] = frozenset()
    originals: dict[Place, Settlement] = field(default_factory=dict)
    reversals: dict[Place, list[tuple[int, Reversal]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    accepted: dict[Pair, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    contested: dict[Place, int] = field(default_factory=dict)
    excepted: set[Place] = field(default_factory=set)
    answered: dict[Place, int] = field(default_factory=dict)
    escalated: dict[Place, int] = field(default_factory=dict)
    released: dict[Place, int] = field(default_factory=dict)
    ruled: dict[Place, tuple[int, DisputeRuling]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for code in [CENTRE, *self.sizes[-1]]:
            ids: dict[str, Place] = {}
            for index in range(self.sizes[-1][code] if code != CENTRE else self.drawn[-1].proposal):
                if (code, index) not in self.void:
                    self._note(code, index, record_at(self.reader, code, index), ids)

    @cached_property
    def sizes(self) -> list[dict[str, int]]:
        """The sizes of the logs at each close."""
        return [{head.code: head.size for head in drawn.cut} for drawn in self.drawn]

    @cached_property
    def windows(self) -> list[tuple[int, int]]:
        """How many closes answer and decision have, by each close's own rule set."""
        found = []
        for drawn in self.drawn:
            records = [record_at(self.reader, CENTRE, i) for i in range(drawn.proposal)]
            text = [record.text for record in records if isinstance(record, RuleSet)][-1]
            rules = parse_ruleset(text).dispute
            found.append((rules.answer_windows or NEVER, rules.decision_windows or NEVER))
        return found

    def _since(self, code: str, index: int) -> int:
        for number, sizes in enumerate(self.sizes, 1):
            size = self.drawn[number - 1].proposal if code == CENTRE else sizes.get(code, 0)
            if index < size:
                return number
        return NEVER

    def _note(self, code: str, index: int, record: Record, ids: dict[str, Place]) -> None:
        since = self._since(code, index)
        match record:
            case Settlement():
                ids[record.setl_id] = (province_of(record.insured_area), code, index)
                self.originals[ids[record.setl_id]] = record
            case Reversal():
                self.reversals[ids[record.original_id]].append((index, record))
            case Acceptance(log=creditor, size=size, exceptions=exceptions):
                self.accepted[code, creditor].append((since, size))
                for item in exceptions:
                    self.contested[code, creditor, item.index] = since
                    self.excepted.add((code, creditor, item.index))
            case Dispute(log=creditor, original=original):
                self.contested[code, creditor, original] = since
            case DisputeAnswer(insured=insured, original=original):
                self.answered[insured, code, original] = since
            case Escalation(log=creditor, insured=insured, original=original):
                place = (insured, creditor, original)
                self.escalated[place] = min(since, self.escalated.get(place, NEVER))
            case Release(log=creditor, indexes=indexes):
                self.released.update({(code, creditor, i): since for i in indexes})
            case DisputeRuling(insured=insured, creditor=creditor, original=original):
                self.ruled[insured, creditor, original] = (since, record)

    def accepted_at(self, at: int, debtor: str, creditor: str) -> int:
        """Return how far a debtor had accepted a creditor's log at a close."""
        below = self.sizes[at - 1].get(creditor, 0)
        said = self.accepted[debtor, creditor]
        return max((size for since, size in said if since <= at and size <= below), default=0)

    def held(self, place: Place, at: int) -> Lines | bool:
        """Return whether an original is held at a close, in part or not at all (False)."""
        start = self.contested.get(place, NEVER)
        if start > at or self._late(place, start):
            return False
        if any(self.held(place, before) is False for before in range(start, at)):
            return False  # what binds once binds for good
        if self.released.get(place, NEVER) <= at:
            return False
        ruled_at, ruling = self.ruled.get(place, (NEVER, None))
        if ruling is not None and ruled_at <= at:
            whole = {"release": False, "uphold": True}
            return whole.get(ruling.outcome, ruling.upheld)
        if self.escalated.get(place, NEVER) <= at:
            return True
        return self._silent(place, start, at)

    def _silent(self, place: Place, start: int, at: int) -> bool:
        answer = self.answered.get(place, NEVER)
        for number in range(start, at + 1):
            to_answer, to_decide = self.windows[number - 1]
            if answer > number:
                if number - start + 1 >= to_answer:
                    return True  # nobody answered in time
            elif number - max(start, answer) + 1 >= to_decide:
                return False  # nobody minded the answer
        return True

    def _late(self, place: Place, start: int) -> bool:
        if place in self.excepted or start == 1:
            return False
        due = self.originals[place].month <= self.drawn[start - 2].month
        return due and place[2] < self.accepted_at(start - 1, place[0], place[1])

    def cleared(self) -> dict[Pair, tuple[int, ...]]:
        """Return what binds at the last close, by debtor and creditor."""
        at, month = len(self.drawn), self.drawn[-1].month
        result: dict[Pair, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        for place, original in self.originals.items():
            pair, accepted = place[:2], self.accepted_at(at, *place[:2])
            held = self.held(place, at) if place[2] < accepted else True
            if held is True or original.month > month:
                continue
            left = list(amounts(original.lines))
            for index, reversal in self.reversals[place]:
                if index < accepted and reversal.month <= month:
                    left = [a + b for a, b in zip(left, amounts(reversal.lines), strict=True)]
            part = amounts(held) if isinstance(held, Lines) else (0, 0, 0, 0)
            owed = [a - min(a, b) for a, b in zip(left, part, strict=True)]
            result[pair] = [a + b for a, b in zip(result[pair], owed, strict=True)]
        return {pair: tuple(sums) for pair, sums in result.items() if any(sums)}
