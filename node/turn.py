"""One turn of a role: everything that happened while it was busy, in one transaction.

A turn may be run again from its beginning (the map had to grow, or one of its events was refused
after it had written something), so it keeps all it learns to itself; the role takes it over after
the commit.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ledger import log
from ledger.entry import decode_entry, make_entry
from ledger.errors import RefusedError
from ledger.table import Writer
from node.effect import Effect, Reply
from node.keyring import Keys
from settlement import approval, lookup
from settlement.outcome import VOID
from settlement.party import CENTRE
from settlement.record import Approval, Member, Operator, Record, decode_body
from settlement.roster import Roster
from settlement.state import Fold


class UnsignedError(Exception):
    """An entry needs the signatures of operators before it may be added; nothing was."""

    def __init__(self, record: Record) -> None:
        self.record = record
        super().__init__(f"{type(record).__name__} needs signatures")


@dataclass
class Given:
    """The order that is being carried out: by whom, and what has been signed of it."""

    verb: str
    arguments: dict[str, Any]
    by_node: bool = False  # nobody gave it: the node does it by itself
    least: int = 0  # how many signatures whoever gave it wants at least
    drafted: Record | None = None  # the draft that is being entered, and who approved it
    approvals: list[Approval] = field(default_factory=list)
    entered: int | None = None  # the index at which that was done


@dataclass
class Turn:
    """The own log while entries are added to it, and the effects that follow."""

    writer: Writer
    roster: Roster
    code: str
    keys: Keys
    now_ms: int
    effects: list[Effect] = field(default_factory=list)
    learned: list[Any] = field(default_factory=list)
    cosign: list[Any] = field(default_factory=list)
    grown: set[str] = field(default_factory=set)  # logs that have new entries
    heads: set[str] = field(default_factory=set)  # logs with a newer cosigned head
    book: list[Callable[[Writer], None]] = field(default_factory=list)  # one vault transaction
    ticket: int = 0  # of the order that is being carried out
    order: Given | None = None
    _fold: Fold | None = None
    _growing: log.Growing | None = None

    def append(self, record: Record) -> int:
        """Add an entry to the own log; return its index.

        The same business id with the same body gives the index it has; nothing is added.

        Raises:
            FormError: A field has another form than everybody will read it in.
            RefusedError: The entry would be void (the code says why), the business id is taken by
                an entry with another body (DUPLICATE), or more operators must sign than there are
                (APPROVAL).
            UnsignedError: Operators must sign it first.
        """
        decode_body(record.kind, record.encode())
        existing = self.check(record)
        if existing is not None:
            return existing
        fold = self._fold
        assert fold is not None
        index = fold.size
        if type(record) in approval.APPROVED:
            record = self._approved(fold, record)
        leaf = make_entry(
            self.keys.seed("entry", fold.keys.entry_key),
            self.roster.network_id,
            fold.origin,
            index,
            record.kind,
            self.now_ms,
            record.encode(),
        )
        if self._growing is None:
            self._growing = log.Growing(self.writer, fold.key, index)
        self._growing.add(leaf)
        fold.enter(index, record)
        fold.cases.write(self.writer)  # whoever reads within this turn finds entry and id
        return index

    def check(self, record: Record) -> int | None:
        """Return the index of the same entry if it is there; raise what `append` would raise.

        Whether it is signed by operators is left out, on both sides.
        """
        fold = self._fold = self._fold or Fold(self.writer, self.roster, self.code)
        existing = fold.find(record)
        if existing is not None:
            if _same(decode_entry(log.leaf(self.writer, fold.key, existing)).body, record):
                return existing
            raise RefusedError("DUPLICATE", f"{VOID['DUPLICATE'].en}: entry {existing}")
        _refuse(fold.judge(fold.size, record, signed=False), record)
        return None

    def _approved(self, fold: Fold, record: Record) -> Record:
        given = self.order
        if not record.approvals and self.needed(record):  # type: ignore[attr-defined]
            if given is None:
                raise RefusedError("APPROVAL", f"{type(record).__name__}: operators must sign it")
            if given.drafted is None or approval.bare(record) != given.drafted:
                raise UnsignedError(record)
            record = approval.with_approvals(record, given.approvals)
            given.entered = fold.size
        _refuse(approval.approvals_rule(fold, record), record)
        return record

    def needed(self, record: Record) -> int:
        """Return how many operators must sign a record before it may be added.

        Raises:
            RefusedError: More than there are (APPROVAL).
        """
        given = self.order
        by_hand = given is not None and not given.by_node
        if not (approval.by_hand(record) if by_hand else approval.decides(record)):
            return 0
        fold = self._fold = self._fold or Fold(self.writer, self.roster, self.code)
        active = lookup.operators_active(self.writer, self.code, fold.generation.number)
        needed = approval.FOUR_EYES if active >= approval.FOUR_EYES else 0
        if not isinstance(record, Operator):  # it must be possible to become enough
            size = lookup.applied_size(self.writer, CENTRE)
            needed = max(needed, approval.required(self.writer, size))
        needed = max(needed, given.least if given else 0)
        if needed > active:
            raise RefusedError(
                "APPROVAL",
                f"{needed} operators must sign, this log has {active}: gongzhang key operator add",
            )
        return needed

    @property
    def drafted(self) -> Record | None:
        """What was signed and is being entered, or None: a date or cut in it stays as it was."""
        return self.order.drafted if self.order else None

    @property
    def own_keys(self) -> Member:
        """The keys of the own log as its rotations have made them so far."""
        self._fold = self._fold or Fold(self.writer, self.roster, self.code)
        return self._fold.keys

    def flush(self) -> None:
        """Bring tree, totals and indexes up to what was appended."""
        if self._fold is not None and self._growing is not None:
            self._growing.finish()
            self._fold.finish()
            self.grown.add(self.code)
        self._fold, self._growing = None, None

    def reply(self, ticket: int, value: Any) -> None:
        """Answer a request once the turn is durable."""
        self.effects.append(Reply(ticket, value))


def _same(body: bytes, record: Record) -> bool:
    if type(record) not in approval.APPROVED:
        return body == record.encode()
    return approval.bare(decode_body(record.kind, body)) == approval.bare(record)


def _refuse(code: str | None, record: Record) -> None:
    if code is not None:
        raise RefusedError(code, f"{type(record).__name__}: {VOID[code].en}")
