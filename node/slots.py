"""Who may be spoken to now: one message per conversation, and patience after failures."""

from dataclasses import dataclass, field

from node.effect import Slot

FIRST_WAIT_MS = 200
LONGEST_WAIT_MS = 30_000


@dataclass
class Slots:
    """Conversations under way and the earliest time of the next try in each."""

    busy: set[Slot] = field(default_factory=set)
    failures: dict[Slot, int] = field(default_factory=dict)
    not_before: dict[Slot, int] = field(default_factory=dict)
    wanted_ms: int | None = None  # the earliest time something that was held back may be sent

    def take(self, slot: Slot, now_ms: int) -> bool:
        """Return True, and mark the slot busy, if a message may be sent in it now."""
        if slot in self.busy:
            return False
        at = self.not_before.get(slot, 0)
        if at > now_ms:
            self.want(at)
            return False
        self.busy.add(slot)
        return True

    def want(self, at_ms: int) -> None:
        """Ask to be woken at a time, unless an earlier one is wanted."""
        self.wanted_ms = at_ms if self.wanted_ms is None else min(at_ms, self.wanted_ms)

    def done(self, slot: Slot, ok: bool, now_ms: int) -> None:
        """Note the end of a message; after a failure the slot waits, each time twice as long."""
        self.busy.discard(slot)
        if ok:
            self.failures.pop(slot, None)
            self.not_before.pop(slot, None)
            return
        self.put_off(slot, self.failures.get(slot, 0) + 1, now_ms)

    def put_off(self, slot: Slot, failures: int, now_ms: int) -> None:
        """Let a slot wait as it does after so many failures in a row."""
        self.failures[slot] = failures
        wait = min(FIRST_WAIT_MS << min(failures - 1, 12), LONGEST_WAIT_MS)
        self.not_before[slot] = now_ms + wait
