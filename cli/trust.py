"""The auditor's trust file for a network: the centre's log, its witnesses, and their quorum."""

from ledger.policy import Group, Policy, format_policy
from settlement.party import CENTRE
from settlement.roster import Roster


def auditor_policy(genesis: bytes) -> str:
    """Return the policy file of a network.

    It trusts the centre's log under the quorum of the participants; every other key follows from
    entry 0 of that log.
    """
    roster = Roster.found(genesis)
    witnesses = {code: roster.witness_key(code) for code in roster.participants}
    group = Group(roster.head_quorum, tuple(witnesses))
    policy = Policy((roster.log_key(CENTRE),), witnesses, {"participants": group}, "participants")
    return format_policy(policy)
