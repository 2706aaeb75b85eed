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
from settlement.outcome import VOID
from settlement.record import Member, Record, decode_body
from settlement.roster import Roster
from settlement.state import Fold


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
    _fold: Fold | None = None
    _growing: log.Growing | None = None

    def append(self, record: Record) -> int:
        """Add an entry to the own log; return its index.

        The same business id with the same body gives the index it has; nothing is added.

        Raises:
            FormError: A field has another form than everybody will read it in.
            RefusedError: The entry would be void (the code says why), or the business id is taken
                by an entry with another body (DUPLICATE).
        """
        decode_body(record.kind, record.encode())
        existing = self.check(record)
        if existing is not None:
            return existing
        fold = self._fold
        assert fold is not None
        index = fold.size
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
        """Return the index of the same entry if it is there; raise what `append` would raise."""
        fold = self._fold = self._fold or Fold(self.writer, self.roster, self.code)
        existing = fold.find(record)
        if existing is not None:
            if decode_entry(log.leaf(self.writer, fold.key, existing)).body == record.encode():
                return existing
            raise RefusedError("DUPLICATE", f"{VOID['DUPLICATE'].en}: entry {existing}")
        code = fold.judge(fold.size, record)
        if code is not None:
            raise RefusedError(code, f"{type(record).__name__}: {VOID[code].en}")
        return None

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
