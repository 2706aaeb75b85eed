"""The genesis and what admits later members."""

import pytest

from ledger.encoding import Codec, pack, unpack
from ledger.errors import FormError, VerificationError
from settlement.membership import after, approve_admission, check
from settlement.party import CENTRE
from settlement.record import Admission, Member
from settlement.roster import Roster, make_genesis, parse_genesis
from tests.network import QINGHAI, SICHUAN, TIBET, member, roster_of, seed

ROSTER = roster_of(SICHUAN, QINGHAI)
GOVERNORS = [seed("governance", str(n)) for n in range(3)]


def approvals(new: Member, *governors: bytes, network: bytes = ROSTER.network_id) -> Admission:
    signed = [approve_admission(g, network, new) for g in governors]
    return Admission(new, signed)


def test_the_centre_stands_first_and_the_participants_by_code() -> None:
    assert ROSTER.codes == (CENTRE, SICHUAN, QINGHAI)
    assert ROSTER.participants == (SICHUAN, QINGHAI)
    assert Roster.found(ROSTER.genesis).network_id == ROSTER.network_id


def test_any_change_to_the_genesis_is_another_network() -> None:
    other = make_genesis(1, ROSTER.governance, list(ROSTER.members.values()))
    assert Roster.found(other).network_id != ROSTER.network_id


@pytest.mark.parametrize(
    ("members", "named"),
    [
        ([SICHUAN, QINGHAI, TIBET], "the centre"),
        ([CENTRE, SICHUAN, SICHUAN], "once"),
        ([CENTRE, SICHUAN], "at least|>= 3|length"),
        ([CENTRE, SICHUAN, "990000"], "area"),
        ([CENTRE, SICHUAN, "630100"], "participants"),
    ],
)
def test_a_genesis_with_one_fault_is_refused(members: list[str], named: str) -> None:
    with pytest.raises(FormError, match=named):
        make_genesis(2, ROSTER.governance, [member(code) for code in members])


def test_a_threshold_nobody_can_reach_and_a_key_used_twice_are_refused() -> None:
    members = [member(code) for code in (CENTRE, SICHUAN, QINGHAI)]
    with pytest.raises(FormError, match="threshold"):
        make_genesis(4, ROSTER.governance, members)
    with pytest.raises(FormError, match="twice"):
        make_genesis(1, [member(CENTRE).entry_key], members)


def test_a_key_of_small_order_is_refused() -> None:
    purposes = ("checkpoint", "witness", "transport")
    keys = [bytes([1]) + bytes(31), *(getattr(member(TIBET), f"{p}_key") for p in purposes)]
    with pytest.raises(FormError):
        make_genesis(2, ROSTER.governance, [member(CENTRE), member(SICHUAN), Member(TIBET, *keys)])


def test_members_out_of_order_are_another_spelling_and_refused() -> None:
    fields = unpack(ROSTER.genesis)
    fields[3] = [fields[3][0], *reversed(fields[3][1:])]
    with pytest.raises(FormError, match="by code"):
        parse_genesis(pack(fields))


def test_two_of_three_governors_admit_a_member() -> None:
    admission = approvals(member(TIBET), *GOVERNORS[:2])
    check(ROSTER, admission)
    grown = after(ROSTER, 2, admission)
    assert grown.participants == (SICHUAN, TIBET, QINGHAI)
    assert grown.network_id == ROSTER.network_id


def test_one_governor_a_stranger_or_another_network_do_not() -> None:
    new = member(TIBET)
    for wrong in (
        approvals(new, GOVERNORS[0]),
        approvals(new, GOVERNORS[0], GOVERNORS[0]),
        approvals(new, GOVERNORS[0], seed("stranger", "x")),
        approvals(new, *GOVERNORS[:2], network=bytes(32)),
    ):
        with pytest.raises(VerificationError):
            check(ROSTER, wrong)


def test_nobody_joins_twice_or_with_somebody_elses_key() -> None:
    with pytest.raises(FormError, match="no member"):
        check(ROSTER, approvals(member(QINGHAI), *GOVERNORS[:2]))
    keys = [getattr(member(TIBET), f"{p}_key") for p in ("entry", "checkpoint", "witness")]
    thief = Member(TIBET, *keys, member(QINGHAI).transport_key)
    with pytest.raises(FormError, match="nobody uses"):
        check(ROSTER, approvals(thief, *GOVERNORS[:2]))


def test_quorums_follow_the_one_formula() -> None:
    codes = [f"{n}0000" for n in (11, 12, 13, 14, 15, 21, 22)]
    roster = roster_of(*codes)
    assert (roster.head_quorum, roster.batch_quorum) == (5, 5)
    assert set(roster.witnesses(codes[0])) == {CENTRE, *codes[1:]}


def test_the_genesis_is_canonical() -> None:
    assert Codec.encode(parse_genesis(ROSTER.genesis)) == ROSTER.genesis
