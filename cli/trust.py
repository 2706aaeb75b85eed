"""The auditor's trust file for a network: the centre's log, its witnesses, and their quorum."""

from ledger.policy import Group, Policy, format_policy
from settlement.party import CENTRE
from settlement.roster import Roster


def auditor_policy(genesis: bytes) -> str:
    """Return the policy file of a network.

    It trusts the centre's log under the quorum of the participants; every other key follows from
    entry 0 of that log.
    """
    return log_policy(Roster.found(genesis), CENTRE)


def log_policy(roster: Roster, code: str) -> str:
    """Return the policy under which the heads of one member's log are trusted: everybody else's."""
    witnesses = roster.witnesses(code)
    group = Group(roster.head_quorum, tuple(witnesses))
    newest = {name: keys[0] for name, keys in witnesses.items()}
    policy = Policy(roster.log_keys(code), newest, {"others": group}, "others")
    return format_policy(policy)
