"""The centre's node: draws the cut, proposes the batch, counts, confirms, pays out, certifies.

It computes with the same functions as everybody. What it does by itself, where its configuration
says so: `confirm` a batch as soon as it has what it needs, `final` once every leg is received.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

import structlog

from ledger import log
from ledger.errors import RefusedError, VerificationError
from ledger.signer import Signer
from ledger.table import HEAD, Reader, Store, log_key
from node import heads
from node.bank import BANK_ORDERS
from node.command import CENTRE_ORDERS, Order
from node.keyring import Keys
from node.money import confirmed_legs
from node.pending import Pending
from node.role import Role
from node.turn import Turn
from node.vault import Vault
from settlement import batch as batches
from settlement import leg as legs
from settlement import lookup
from settlement.party import CENTRE
from settlement.period import shanghai_day
from settlement.record import Certificate, Genesis, Head, KeyChange, Net, Proposal, RuleSet
from settlement.roster import Roster
from settlement.ruleset import parse_ruleset

_log = structlog.get_logger("centre")


class Centre(Role):
    """See the module's text."""

    orders: ClassVar[Mapping[str, Order]] = {**CENTRE_ORDERS, **BANK_ORDERS}

    def __init__(
        self,
        founding: Roster,
        keys: Keys,
        store: Store,
        signer: Signer,
        vault: Vault,
        automatic: frozenset[str] = frozenset(),
        ruleset: bytes | None = None,
        *,
        today: Callable[[int], str] = shanghai_day,
        recover: bool = False,
    ) -> None:
        super().__init__(CENTRE, founding, keys, store, signer, today=today, recover=recover)
        self.vault = vault
        self.pending = Pending(self)
        self.automatic = automatic
        self.ruleset = ruleset

    def _found(self, turn: Turn) -> None:
        # Entry 0 and the first rule set, when the log is new and everybody says so.
        if log.size(turn.writer, log_key(CENTRE)) == 0:
            turn.append(Genesis(self.founding.genesis))
            if self.ruleset is not None:
                turn.append(RuleSet(parse_ruleset(self.ruleset).name, self.ruleset, []))

    def _repeat_rotations(self, turn: Turn) -> None:
        # So that the roster follows from this log alone.
        for code in self.roster.participants:
            generation = self.roster.generation(code)
            known = {(t.purpose, t.start) for t in generation.turns}
            for index, record in lookup.rotations(turn.writer, code):
                covered = generation.start <= index < heads.size_of(turn.writer, code)
                if covered and (record.purpose, index + 1) not in known:
                    leaf = log.leaf(turn.writer, log_key(code), index)
                    self._try(turn, partial(turn.append, KeyChange(leaf)))

    # --- the batch -------------------------------------------------------------------------------

    def cut(self, reader: Reader) -> list[Head]:
        """Return the newest quorum-cosigned head of every participant's log; never below the last.

        Raises:
            RefusedError: A log is not held that far (BEHIND).
        """
        return heads.cut_now(reader, self.roster.participants)

    def compute(self, reader: Reader, month: str) -> tuple[list[Head], batches.Result]:
        """Return the cut as it would be drawn now and what the month would come to."""
        return self._compute(reader, month, self.cut(reader))

    def _compute(
        self, reader: Reader, month: str, cut: list[Head]
    ) -> tuple[list[Head], batches.Result]:
        size = lookup.applied_size(reader, CENTRE)
        return cut, batches.compute(reader, self.founding, month, cut, size)

    def _compute_again(self, reader: Reader, drawn: Proposal) -> tuple[list[Head], batches.Result]:
        now = {head.code: head.size for head in self.cut(reader)}
        if sorted(now) != [h.code for h in drawn.cut] or any(
            now[h.code] < h.size for h in drawn.cut
        ):
            raise RefusedError("STATE", "the cut that was drawn is none of these logs any more")
        return self._compute(reader, drawn.month, drawn.cut)

    def propose(self, turn: Turn, month: str) -> int:
        """Draw the cut and propose the batch of `month`; return the entry's index.

        What people have signed keeps its cut; it must come to the same by now.
        """
        turn.flush()
        drawn = turn.drafted
        if isinstance(drawn, Proposal):
            cut, result = self._compute_again(turn.writer, drawn)
        else:
            cut, result = self.compute(turn.writer, month)
        proposal = Proposal(
            month=month,
            revision=batches.next_revision(turn.writer, month),
            cut=cut,
            ruleset_hash=result.ruleset_hash,
            nets=[Net(code, fen) for code, fen in sorted(result.nets.items())],
            result_hash=result.hash,
            approvals=[],
        )
        index = turn.append(proposal)
        key = log_key(CENTRE) + b"result" + result.hash
        turn.writer.put(HEAD, key, result.encode())
        return index

    def act(self, turn: Turn) -> None:
        """Found the log if it is new; confirm and certify as far as the configuration lets it."""
        self._found(turn)
        self.pending.settle(turn)
        self._repeat_rotations(turn)
        if "confirm" in self.automatic:
            for month in lookup.open_months(turn.writer):
                found = batches.latest_batch(turn.writer, self.founding, month)
                if found and found.state == "ATTESTED":
                    act = partial(self.confirm, turn, found)
                    given = {"month": month}
                    self._try(turn, partial(self.by_itself, turn, "confirm", given, act))
            turn.flush()
        if "final" in self.automatic:
            for month, _ in lookup.confirmed_months(turn.writer):
                if lookup.find(turn.writer, CENTRE, Certificate, lookup.month_key(month)) is None:
                    self._try(turn, partial(self.certify, turn, month))

    def _try(self, turn: Turn, act: Any) -> None:
        try:
            act()
        except (RefusedError, VerificationError) as error:
            _log.info("not yet", error=str(error))

    def confirm(self, turn: Turn, found: batches.Batch) -> int:
        """Confirm a batch that has what it needs; return the entry's index.

        Raises:
            VerificationError: It has not; see `batch.confirm`.
        """
        return turn.append(batches.confirm(turn.writer, self.founding, found))

    def certify(self, turn: Turn, month: str) -> int:
        """Write the final certificate of a month whose legs are all received.

        Raises:
            RefusedError: A leg is open (OPEN), or the month is not confirmed under a
                quorum-cosigned head (STATE).
        """
        found, month_legs = confirmed_legs(self, turn.writer, month)
        assert found.confirmation_index is not None
        return turn.append(
            legs.certificate(
                turn.writer, month, found.revision, found.confirmation_index, month_legs
            )
        )
