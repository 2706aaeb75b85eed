"""Keys that follow from a policy file alone: entries of the centre's log, each with its proof.

The first link is entry 0, the genesis; the others are admissions. Each is proved to stand in the
centre's log under a head that the policy trusts, so nobody who hands them on has to be believed.
"""

from collections.abc import Sequence
from contextlib import suppress

from ledger import log, tree
from ledger.entry import decode_entry, signature_item
from ledger.errors import FormError, VerificationError
from ledger.evidence import TWO_ENTRIES, Accused, Conviction, Evidence, Link, convict
from ledger.policy import Policy
from ledger.prooffile import ProofFile, check_proof_file, format_proof_file, parse_proof_file
from ledger.signature import verify_many
from ledger.table import Reader, log_key
from settlement import membership
from settlement.party import CENTRE
from settlement.record import (
    Admission,
    Attestation,
    Freeze,
    Genesis,
    KeyChange,
    Proposal,
    Rotation,
    decode_body,
)
from settlement.roster import Generation, Roster, checkpoint_key

_MEMBERSHIP = (Admission.kind, Rotation.kind, KeyChange.kind, Freeze.kind)
# Of a month and revision there is one proposal, and one attestation of each participant.
ONCE = {Proposal.kind: 2, Attestation.kind: 2}


def roster_of_chain(chain: Sequence[Link], policy: Policy) -> Roster:
    """Return the roster that the links prove.

    Raises:
        FormError: A link is malformed, or the first is not the genesis.
        UncheckableError: The policy does not know the centre's log, or too few witnesses signed.
        VerificationError: A proof or a signature does not hold, or the genesis is another one's.
    """
    roster: Roster | None = None
    last = -1
    for leaf, proof in chain:
        proven = check_proof_file(parse_proof_file(proof), leaf, policy)
        entry = decode_entry(leaf)
        if not last < entry.index == proven.index:
            raise FormError("evidence: chain", "entries of the centre's log in order", entry.index)
        last = entry.index
        record = decode_body(entry.kind, entry.body)
        if roster is None:
            if not isinstance(record, Genesis) or proven.index != 0:
                raise FormError("evidence: chain", "the genesis as its first link")
            roster = Roster.found(record.genesis)
            if roster.origin(CENTRE) != proven.checkpoint.origin:
                raise VerificationError("evidence: the genesis is another network's")
        key = roster.generation_at(CENTRE, entry.index).at(entry.index).entry_key
        if verify_many([signature_item(leaf, roster.network_id, key)]):
            raise VerificationError("evidence: a link's signature does not hold")
        with suppress(FormError, VerificationError):  # such an entry is void: it changes nothing
            membership.check(roster, record)
            roster = membership.after(roster, entry.index, record)
    if roster is None:
        raise FormError("evidence: chain", "at least the genesis")
    return roster


def chain_from(reader: Reader, note: bytes, size: int) -> list[Link]:
    """Return the links that a copy of the centre's log gives, under its checkpoint `note`."""
    key, links = log_key(CENTRE), []
    for index, leaf in enumerate(log.leaves(reader, key, 0, size)):
        if index == 0 or _changes_members(leaf):
            path = tree.inclusion_proof(reader, key, index, size)
            links.append((leaf, format_proof_file(ProofFile(index, tuple(path), note))))
    return links


def _changes_members(leaf: bytes) -> bool:
    try:
        return decode_entry(leaf).kind in _MEMBERSHIP
    except FormError:
        return False


def accused_of(roster: Roster, code: str, generation: Generation | None = None) -> Accused:
    """Return what is needed to judge evidence against a member (default: its log as it is now)."""
    log_of = generation or roster.generation(code)
    return Accused(
        roster.network_id,
        roster.origin(code, log_of.number),
        lambda index: log_of.at(index).entry_key,
        lambda note: checkpoint_key(log_of, note),
        roster.witnesses(code),
    )


def judge(evidence: Evidence, policy: Policy) -> Conviction:
    """Return what an evidence file proves to somebody who trusts nothing but a policy.

    Raises:
        FormError, UncheckableError, VerificationError: See `roster_of_chain` and `convict`.
    """
    roster = roster_of_chain(evidence.chain, policy)
    code, generation = author_of(evidence, roster)
    return convict(evidence, accused_of(roster, code, generation), ONCE)


def author_of(evidence: Evidence, roster: Roster) -> tuple[str, Generation]:
    """Return the member, and which of its logs, an evidence file claims to be about.

    Raises:
        FormError: Its first exhibit is not what its kind says.
        VerificationError: It is of no log of this network.
    """
    exhibit = evidence.exhibits[0]
    if evidence.kind == TWO_ENTRIES:
        origin = decode_entry(exhibit).origin
    else:
        origin = exhibit.split(b"\n", 1)[0].decode("utf-8", "replace")
    place = roster.place(origin)
    if place is None:
        raise VerificationError(f"evidence: {origin!r} is no log of this network")
    return place
