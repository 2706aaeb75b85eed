"""Two views of the same logs side by side: where they differ, and who must have lied.

Both sources are read with the keys that the policy leads to. A log that is longer in one source
than in the other is in order if it continues it; anything else is a contradiction, and if both
heads are signed it becomes evidence.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from cli.source import Source
from ledger import log, tree
from ledger.checkpoint import SignedCheckpoint, open_checkpoint
from ledger.errors import FormError, LedgerError, UncheckableError, VerificationError
from ledger.evidence import REWRITTEN, TWO_ENTRIES, TWO_HEADS, Accused, Evidence, Link, convict
from ledger.memory import MemoryStore
from ledger.policy import Policy
from ledger.table import log_key
from settlement.keychain import ONCE, accused_of, chain_from, roster_of_chain
from settlement.party import CENTRE
from settlement.roster import Roster, checkpoint_key


@dataclass(frozen=True)
class Difference:
    """One log in two sources. `evidence` holds whatever convicts its author."""

    code: str
    sizes: tuple[int, int]
    verdict: str  # same, longer, split, one-side
    evidence: tuple[Evidence, ...] = ()


class _View:
    """One source, with its tree in memory."""

    def __init__(self, source: Source, code: str, origin: str, keys: Sequence[bytes]) -> None:
        self.code = code
        self.generation = 1
        self.note = source.checkpoint(code)
        self.head: SignedCheckpoint = open_checkpoint(self.note, origin, *keys)
        self.size = self.head.checkpoint.size
        self.leaves = list(source.leaves(code, 0, self.size))
        self.store = MemoryStore()
        self.store.transact(lambda w: log.append(w, log_key(code), self.leaves, 0))
        if self.root(self.size) != self.head.checkpoint.root:
            raise VerificationError(f"log of {code} at {self.size}: the entries have another root")

    def root(self, size: int) -> bytes:
        return tree.root_at(self.store, log_key(self.code), size)


def compare(one: Source, two: Source, policy: Policy) -> Iterator[Difference]:
    """Yield what two sources say of every log that either holds.

    Raises:
        UncheckableError: A source has no head of the centre that the policy trusts.
        VerificationError: What a source holds does not lead to its own heads.
    """
    chain = chain_of(max((one, two), key=lambda source: _size(source, CENTRE)), policy)
    roster = roster_of_chain(chain, policy)
    held = [set(source.codes()) for source in (one, two)]
    for code in roster.codes:
        if code in held[0] and code in held[1]:
            yield _compare(one, two, code, roster, chain)
        elif code in held[0] or code in held[1]:
            sizes = [_size(source, code) if code in h else 0
                     for source, h in zip((one, two), held, strict=True)]  # fmt: skip
            yield Difference(code, (sizes[0], sizes[1]), "one-side")


def _size(source: Source, code: str) -> int:
    return int(source.checkpoint(code).split(b"\n", 2)[1])


def chain_of(source: Source, policy: Policy) -> list[Link]:
    """Return the links from the policy to the keys of every member, as the source has them."""
    note = source.checkpoint(CENTRE)
    origin = note.split(b"\n", 1)[0].decode("utf-8", "replace")
    keys = policy.log_keys(origin)
    if not keys:
        raise UncheckableError(f"the policy knows no log {origin!r}")
    view = _View(source, CENTRE, origin, keys)
    return chain_from(view.store, note, view.size)


def _compare(
    one: Source, two: Source, code: str, roster: Roster, chain: Sequence[Link]
) -> Difference:
    older, newer = sorted(
        (_view(source, code, roster) for source in (one, two)),
        key=lambda view: (view.generation, view.size),
    )
    sizes = (_size(one, code), _size(two, code))
    if older.size <= newer.size and newer.root(older.size) == older.head.checkpoint.root:
        return Difference(code, sizes, "same" if older.size == newer.size else "longer")
    if older.generation != newer.generation:  # what governance has cut off convicts nobody
        end = roster.generations[code][older.generation - 1].end or 0
        same = older.root(min(end, older.size)) == newer.root(min(end, older.size))
        return Difference(code, sizes, "longer" if same else "split")
    accused = accused_of(roster, code, roster.generations[code][newer.generation - 1])
    heads = _of_heads(older, newer, chain)
    convict(heads, accused, ONCE)  # never hand out what does not convict
    found = (heads, *_of_entries(older, newer, chain, accused))
    return Difference(code, sizes, "split", found)


def _view(source: Source, code: str, roster: Roster) -> _View:
    note = source.checkpoint(code)
    origin = note.split(b"\n", 1)[0].decode("utf-8", "replace")
    place = roster.place(origin)
    if place is None or place[0] != code:
        raise FormError(f"checkpoint of {code}", f"the origin {roster.origin(code)}", origin)
    view = _View(source, code, origin, [checkpoint_key(place[1], note)])
    view.generation = place[1].number
    return view


def _of_heads(older: _View, newer: _View, chain: Sequence[Link]) -> Evidence:
    exhibits = (older.note, newer.note)
    if older.size == newer.size:
        return Evidence(TWO_HEADS, tuple(chain), exhibits)
    path = tree.consistency_proof(newer.store, log_key(newer.code), older.size, newer.size)
    root = newer.root(older.size)
    return Evidence(REWRITTEN, tuple(chain), exhibits, root, tuple(path))


def _of_entries(
    older: _View, newer: _View, chain: Sequence[Link], accused: Accused
) -> Iterator[Evidence]:
    """Yield the first entry that differs as evidence, if the author signed both."""
    for one, two in zip(older.leaves, newer.leaves, strict=False):
        if one != two:
            evidence = Evidence(TWO_ENTRIES, tuple(chain), (one, two))
            with suppress(LedgerError):  # an entry that is void convicts nobody; the heads do
                convict(evidence, accused, ONCE)
                yield evidence
            return
