"""Keys that follow from a policy file alone: entries of the centre's log, each with its proof.

The first link is entry 0, the genesis; the others are admissions. Each is proved to stand in the
centre's log under a head that the policy trusts, so nobody who hands them on has to be believed.
"""

from collections.abc import Sequence

from ledger import log, tree
from ledger.entry import decode_entry, signature_item
from ledger.errors import FormError, VerificationError
from ledger.evidence import TWO_ENTRIES, Accused, Conviction, Evidence, Link, convict
from ledger.policy import Policy
from ledger.prooffile import ProofFile, check_proof_file, format_proof_file, parse_proof_file
from ledger.signature import verify_many
from ledger.table import Reader, log_key
from settlement.party import CENTRE
from settlement.record import Admission, Attestation, Genesis, Proposal, decode_body
from settlement.roster import Roster

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
    for leaf, proof in chain:
        proven = check_proof_file(parse_proof_file(proof), leaf, policy)
        entry = decode_entry(leaf)
        record = decode_body(entry.kind, entry.body)
        if roster is None:
            if not isinstance(record, Genesis) or proven.index != 0:
                raise FormError("evidence: chain", "the genesis as its first link")
            roster = Roster.found(record.genesis)
            if roster.origin(CENTRE) != proven.checkpoint.origin:
                raise VerificationError("evidence: the genesis is another network's")
        elif isinstance(record, Admission):
            roster = roster.admit(record)
        else:
            raise FormError("evidence: chain", "admissions after the genesis", entry.kind)
        key = roster.members[CENTRE].entry_key
        if verify_many([signature_item(leaf, roster.network_id, key)]):
            raise VerificationError("evidence: a link's signature does not hold")
    if roster is None:
        raise FormError("evidence: chain", "at least the genesis")
    return roster


def chain_from(reader: Reader, note: bytes, size: int) -> list[Link]:
    """Return the links that a copy of the centre's log gives, under its checkpoint `note`."""
    key, links = log_key(CENTRE), []
    for index, leaf in enumerate(log.leaves(reader, key, 0, size)):
        if index == 0 or _is_admission(leaf):
            path = tree.inclusion_proof(reader, key, index, size)
            links.append((leaf, format_proof_file(ProofFile(index, tuple(path), note))))
    return links


def _is_admission(leaf: bytes) -> bool:
    try:
        return decode_entry(leaf).kind == Admission.kind
    except FormError:
        return False


def accused_of(roster: Roster, code: str) -> Accused:
    """Return what is needed to judge evidence against a member."""
    member = roster.members[code]
    return Accused(
        roster.network_id,
        roster.origin(code),
        member.entry_key,
        member.checkpoint_key,
        roster.witnesses(code),
    )


def judge(evidence: Evidence, policy: Policy) -> Conviction:
    """Return what an evidence file proves to somebody who trusts nothing but a policy.

    Raises:
        FormError, UncheckableError, VerificationError: See `roster_of_chain` and `convict`.
    """
    roster = roster_of_chain(evidence.chain, policy)
    return convict(evidence, accused_of(roster, author_of(evidence, roster)), ONCE)


def author_of(evidence: Evidence, roster: Roster) -> str:
    """Return the code of the member whose log an evidence file claims to be about.

    Raises:
        FormError: Its first exhibit is not what its kind says.
        VerificationError: It is of no log of this network.
    """
    exhibit = evidence.exhibits[0]
    if evidence.kind == TWO_ENTRIES:
        origin = decode_entry(exhibit).origin
    else:
        origin = exhibit.split(b"\n", 1)[0].decode("utf-8", "replace")
    code = roster.owner(origin)
    if code is None:
        raise VerificationError(f"evidence: {origin!r} is no log of this network")
    return code
