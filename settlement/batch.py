"""The batch of a month: what follows from a cut, and how far it has come.

    PROPOSED ──► ATTESTED ──► CONFIRMED ──► SETTLED ──► FINAL
        │  └───► CONTESTED (a mismatch stands)
        └──────► WITHDRAWN

Theory of operation. The centre's entry `Proposal` names the cut and claims a result. Every node
computes the result itself from the entries below the cut and writes an `Attestation`: a match, or
the cells that differ. The centre's `Confirmation` lists what it counts. Nothing of the centre's
has effect before a quorum has cosigned the centre's log above it, so every question here is asked
*as of* a size of the centre's log. Money moves only between CONFIRMED and SETTLED.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ledger import encoding
from ledger.errors import FormError, UncheckableError, VerificationError
from ledger.hashing import hash_bytes, leaf_hash
from ledger.table import Reader
from settlement import netting, obligation
from settlement.close import Close, closes_to
from settlement.cut import cut_hash
from settlement.lookup import (
    applied_size,
    confirmed_proposals,
    entry_at,
    find,
    month_key,
    proposal_of,
    proposals,
    ruleset_at,
    void_code,
)
from settlement.membership import roster_at
from settlement.netting import LegDue
from settlement.obligation import Position
from settlement.party import CENTRE
from settlement.record import (
    Attestation,
    Cell,
    Certificate,
    Confirmation,
    Dismissed,
    Head,
    Place,
    Proposal,
    Record,
    Ruling,
    Silence,
    Silent,
    Withdrawal,
)
from settlement.roster import Roster
from settlement.ruleset import parse_ruleset
from settlement.totals import NOTHING, Amounts

VERSION = 1
SILENCE_RECORDS = 3
LINES = ("employee", "resident", "other", "account")


@dataclass(frozen=True)
class Result:
    """What a month comes to: money only, the same on every node."""

    month: str
    model: str
    ruleset_hash: bytes
    pairs: dict[tuple[str, str], Amounts]
    nets: dict[str, int]
    legs: list[LegDue]

    def encode(self) -> bytes:
        """Return the canonical result document."""
        pairs = [[d, c, *a[1:]] for (d, c), a in sorted(self.pairs.items()) if any(a[1:])]
        nets = [[code, fen] for code, fen in sorted(self.nets.items())]
        legs = [[leg.number, leg.payer, leg.payee, leg.fen] for leg in self.legs]
        return encoding.pack([VERSION, self.month, self.ruleset_hash, pairs, nets, legs])

    @property
    def hash(self) -> bytes:
        """SHA-256 of the result document."""
        return hash_bytes(self.encode())

    @property
    def entries(self) -> int:
        """How many entries the batch clears."""
        return sum(amounts.entries for amounts in self.pairs.values())

    @property
    def gross_fen(self) -> int:
        """The sum of all pair sums."""
        return sum(amounts.fen for amounts in self.pairs.values())


def compute(reader: Reader, founding: Roster, month: str, cut: Sequence[Head], size: int) -> Result:
    """Return the result of `month` at `cut`.

    Args:
        size: The size of the centre's log below which roster and rule set are read (the index of
            the proposal).

    Raises:
        FormError: No rule set is in force.
    """
    roster = roster_at(reader, founding, size)
    in_force = ruleset_at(reader, size)
    if in_force is None:
        raise FormError("rule set", "one in force before the first proposal")
    rules = parse_ruleset(in_force.text)
    closes = closes_to(reader, month, cut, size)
    now = obligation.at_cut(reader, roster, closes)
    pairs = difference(now, _position_before(reader, founding, closes[:-1]))
    money = {pair: amounts.lines for pair, amounts in pairs.items()}
    return Result(
        month=month,
        model=rules.model,
        ruleset_hash=hash_bytes(in_force.text),
        pairs=pairs,
        nets=netting.nets(money, roster.participants),
        legs=netting.legs(rules.model, money, roster.participants),
    )


def difference(now: Position, before: Position) -> dict[tuple[str, str], Amounts]:
    """Return the month's amounts per pair: cumulative now less cumulative before."""
    pairs = sorted(now.keys() | before.keys())
    cells = {pair: now.get(pair, NOTHING).minus(before.get(pair, NOTHING)) for pair in pairs}
    return {pair: amounts for pair, amounts in cells.items() if amounts != NOTHING}


def _position_before(reader: Reader, founding: Roster, closes: Sequence[Close]) -> Position:
    if not closes:
        return {}
    return obligation.at_cut(reader, roster_at(reader, founding, closes[-1].centre), closes)


def confirmed(reader: Reader) -> list[tuple[str, Proposal]]:
    """Return the confirmed months with the proposal that was confirmed, ascending."""
    return [(proposal.month, proposal) for proposal, _, _ in confirmed_proposals(reader)]


def result_of(reader: Reader, founding: Roster, month: str, revision: int) -> Result:
    """Return what this replica computes for a proposal it holds with all logs of its cut.

    Raises:
        FormError: There is no such proposal.
    """
    found = proposal_of(reader, month, revision)
    if found is None:
        raise FormError("batch", "a proposal of this month and revision", f"{month} r{revision}")
    return compute(reader, founding, month, found[0].cut, found[2])


# --- attestation ---------------------------------------------------------------------------------


def attest(proposal: Proposal, leaf: bytes, mine: Result, document: bytes | None) -> Attestation:
    """Return the attestation of a node that computed `mine` for `proposal`.

    Args:
        leaf: The proposal's leaf, whose hash is named.
        document: The result document behind the proposal's hash, if it could be had: it shows
            which pair differs. Without it only the nets can be compared.
    """
    matches = mine.hash == proposal.result_hash and nets_of(proposal) == mine.nets
    return Attestation(
        month=proposal.month,
        revision=proposal.revision,
        proposal_hash=leaf_hash(leaf),
        cut_hash=cut_hash(proposal.cut),
        result_hash=mine.hash,
        cells=[] if matches else differing_cells(proposal, mine, document),
        approvals=[],
    )


def nets_of(proposal: Proposal) -> dict[str, int]:
    """Return the net vector a proposal claims."""
    return {net.code: net.fen for net in proposal.nets}


MAX_CELLS = 400


def differing_cells(proposal: Proposal, mine: Result, document: bytes | None) -> list[Cell]:
    """Return where the proposal and `mine` differ: pair sums first, then nets; at most 400.

    Never empty for a mismatch: if no amount differs, a cell of the centre with zeros says that
    something else of the document does.
    """
    claimed = claimed_pairs(proposal, document)
    cells = []
    for debtor, creditor in sorted(claimed.keys() | mine.pairs.keys() if claimed else ()):
        theirs = claimed.get((debtor, creditor), NOTHING)
        ours = mine.pairs.get((debtor, creditor), NOTHING)
        for line, a, b in zip(LINES, theirs[1:], ours[1:], strict=True):
            if a != b:
                cells.append(Cell(debtor, creditor, line, a, b))
    nets = nets_of(proposal)
    for code in sorted(nets.keys() | mine.nets.keys()):
        if nets.get(code, 0) != mine.nets.get(code, 0):
            cells.append(Cell(code, code, "net", nets.get(code, 0), mine.nets.get(code, 0)))
    return cells[:MAX_CELLS] or [Cell(CENTRE, CENTRE, "net", 0, 0)]


def claimed_pairs(proposal: Proposal, document: bytes | None) -> dict[tuple[str, str], Amounts]:
    """Return the pair sums of the document behind a proposal; empty if it is not that document."""
    if document is None or hash_bytes(document) != proposal.result_hash:
        return {}
    try:
        _, _, _, pairs, _, _ = encoding.unpack(document)
        return {(d, c): Amounts(0, *map(int, lines)) for d, c, *lines in pairs}
    except (FormError, TypeError, ValueError):
        return {}


# --- how far a batch has come --------------------------------------------------------------------


@dataclass(frozen=True)
class Batch:
    """One revision of a month, as of a size of the centre's log."""

    month: str
    revision: int
    state: str
    proposal: Proposal
    proposal_hash: bytes
    proposal_index: int
    matches: dict[str, Place]
    mismatches: dict[str, Place]
    missing: tuple[str, ...]
    confirmation_index: int | None = None
    certificate_index: int | None = None


def batch_of(
    reader: Reader, founding: Roster, month: str, revision: int, size: int | None = None
) -> Batch | None:
    """Return the batch as the centre's log below `size` (default: all of it) and the others say.

    The states SETTLED and FINAL need the legs: see `leg.settled`; here a confirmed batch is
    CONFIRMED, or FINAL if its certificate lies below `size`.
    """
    limit = applied_size(reader, CENTRE) if size is None else size
    found = proposal_of(reader, month, revision)
    if found is None or found[2] >= limit:
        return None
    proposal, digest, index = found
    roster = roster_at(reader, founding, index)
    matches, mismatches = attestations(reader, roster, month, revision, digest)
    missing = tuple(c for c in roster.participants if c not in matches and c not in mismatches)
    confirmation = _below(reader, Confirmation, month_key(month), limit)
    if confirmation is not None:
        record = entry_at(reader, CENTRE, confirmation)[1]
        assert isinstance(record, Confirmation)
        confirmation = confirmation if record.revision == revision else None
    certificate = _below(reader, Certificate, month_key(month), limit)
    withdrawn = _below(reader, Withdrawal, month_key(month, revision), limit)
    if withdrawn is not None:
        state = "WITHDRAWN"
    elif confirmation is not None:
        state = "FINAL" if certificate is not None else "CONFIRMED"
    elif mismatches:
        state = "CONTESTED"
    elif len(matches) >= roster.batch_quorum:
        state = "ATTESTED"
    else:
        state = "PROPOSED"
    return Batch(
        month, revision, state, proposal, digest, index, matches, mismatches, missing,
        confirmation, certificate if confirmation is not None else None,
    )  # fmt: skip


def latest_batch(
    reader: Reader, founding: Roster, month: str, size: int | None = None
) -> Batch | None:
    """Return the newest revision of a month, or None if it has not been proposed."""
    limit = applied_size(reader, CENTRE) if size is None else size
    revisions = [r for m, r, index in proposals(reader) if m == month and index < limit]
    return batch_of(reader, founding, month, revisions[-1], limit) if revisions else None


def attestations(
    reader: Reader, roster: Roster, month: str, revision: int, proposal_hash: bytes
) -> tuple[dict[str, Place], dict[str, Place]]:
    """Return the places of the matches and of the mismatches for a proposal, by participant."""
    matches: dict[str, Place] = {}
    mismatches: dict[str, Place] = {}
    for code in roster.participants:
        index = find(reader, code, Attestation, month_key(month, revision))
        if index is None:
            continue
        record = entry_at(reader, code, index)[1]
        assert isinstance(record, Attestation)
        if record.proposal_hash == proposal_hash:
            (mismatches if record.cells else matches)[code] = Place(code, index)
    return matches, mismatches


def _below(reader: Reader, kind: type[Record], key: bytes, size: int) -> int | None:
    index = find(reader, CENTRE, kind, key)
    return index if index is not None and index < size else None


def next_revision(reader: Reader, month: str) -> int:
    """Return the revision that a new proposal of `month` would have."""
    return 1 + sum(1 for m, _, _ in proposals(reader) if m == month)


# --- confirmation --------------------------------------------------------------------------------


def confirm(reader: Reader, founding: Roster, batch: Batch) -> Confirmation:
    """Return the confirmation of a batch that has what it needs.

    Raises:
        VerificationError: Fewer matches than the quorum, or a participant whose mismatch no ruling
            dismisses, or one without an attestation whose silence fewer than three others recorded.
    """
    dismissed = [
        Dismissed(place, ruling)
        for code, place in sorted(batch.mismatches.items())
        if (ruling := _ruling_on(reader, batch, code, place)) is not None
    ]
    silent = [
        Silent(code, records[:SILENCE_RECORDS])
        for code in batch.missing
        if len(records := silences(reader, founding, batch, code)) >= SILENCE_RECORDS
    ]
    confirmation = Confirmation(
        month=batch.month,
        revision=batch.revision,
        proposal_hash=batch.proposal_hash,
        result_hash=batch.proposal.result_hash,
        matches=[batch.matches[code] for code in sorted(batch.matches)],
        dismissed=dismissed,
        silent=silent,
        approvals=[],
    )
    check_confirmation(reader, founding, confirmation)
    return confirmation


def check_confirmation(reader: Reader, founding: Roster, confirmation: Confirmation) -> None:
    """Count again what a confirmation lists.

    Raises:
        VerificationError: It lists something that does not say what it must, or too little.
    """
    found = proposal_of(reader, confirmation.month, confirmation.revision)
    if found is None or found[1] != confirmation.proposal_hash:
        raise VerificationError("confirmation: names no proposal of this month and revision")
    proposal, digest, index = found
    if proposal.result_hash != confirmation.result_hash:
        raise VerificationError(
            "confirmation: result", proposal.result_hash, confirmation.result_hash
        )
    roster = roster_at(reader, founding, index)
    matched = [_check_match(reader, place, proposal, digest) for place in confirmation.matches]
    excused = [_check_dismissed(reader, item, digest) for item in confirmation.dismissed]
    excused += [_check_silent(reader, roster, item, digest) for item in confirmation.silent]
    if sorted(matched + excused) != list(roster.participants):
        absent = sorted(set(roster.participants) - set(matched + excused))
        raise VerificationError(f"confirmation: every participant once; not accounted: {absent}")
    if len(matched) < roster.batch_quorum:
        raise VerificationError("confirmation: matches", roster.batch_quorum, len(matched))


def _check_match(reader: Reader, place: Place, proposal: Proposal, digest: bytes) -> str:
    record = _record_at(reader, place, Attestation)
    good = (
        isinstance(record, Attestation)
        and record.proposal_hash == digest
        and not record.cells
        and record.result_hash == proposal.result_hash
        and record.cut_hash == cut_hash(proposal.cut)
    )
    if not good:
        raise VerificationError(f"confirmation: {place.code} #{place.index} is no match")
    return place.code


def _check_dismissed(reader: Reader, item: Dismissed, digest: bytes) -> str:
    record = _record_at(reader, item.mismatch, Attestation)
    ruling = _record_at(reader, Place(CENTRE, item.ruling_index), Ruling)
    good = (
        isinstance(record, Attestation)
        and record.proposal_hash == digest
        and isinstance(ruling, Ruling)
        and ruling.mismatch == item.mismatch
    )
    if not good:
        raise VerificationError(f"confirmation: no ruling dismisses {item.mismatch.code}")
    return item.mismatch.code


def _check_silent(reader: Reader, roster: Roster, item: Silent, digest: bytes) -> str:
    speakers = set()
    for place in item.records:
        record = _record_at(reader, place, Silence)
        if (
            isinstance(record, Silence)
            and record.code == item.code
            and record.proposal_hash == digest
            and place.code in roster.participants
            and place.code != item.code
        ):
            speakers.add(place.code)
    if len(speakers) < SILENCE_RECORDS:
        raise VerificationError(
            f"confirmation: silence of {item.code}, records of others",
            SILENCE_RECORDS,
            len(speakers),
        )
    return item.code


def _record_at(reader: Reader, place: Place, kind: type) -> object:
    if place.index >= applied_size(reader, place.code):
        raise UncheckableError(f"entry {place.index} of {place.code} is not held here yet")
    if void_code(reader, place.code, place.index) is not None:
        return None
    record = entry_at(reader, place.code, place.index)[1]
    return record if isinstance(record, kind) else None


def silences(reader: Reader, founding: Roster, batch: Batch, code: str) -> list[Place]:
    """Return who recorded that `code` is silent about a batch, by code."""
    roster = roster_at(reader, founding, batch.proposal_index)
    natural = month_key(batch.month, batch.revision) + code.encode()
    places = []
    for other in roster.participants:
        index = find(reader, other, Silence, natural)
        if other != code and index is not None:
            record = entry_at(reader, other, index)[1]
            if isinstance(record, Silence) and record.proposal_hash == batch.proposal_hash:
                places.append(Place(other, index))
    return places


def _ruling_on(reader: Reader, batch: Batch, code: str, place: Place) -> int | None:
    natural = month_key(batch.month, batch.revision) + code.encode()
    index = find(reader, CENTRE, Ruling, natural)
    if index is None:
        return None
    record = entry_at(reader, CENTRE, index)[1]
    return index if isinstance(record, Ruling) and record.mismatch == place else None
