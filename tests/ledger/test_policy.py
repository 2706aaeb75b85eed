"""Policy files and the quorum behind them."""

import pytest

from ledger.errors import FormError
from ledger.note import COSIGNATURE, ED25519, format_vkey, verifier_key
from ledger.policy import Policy, format_policy, parse_policy
from ledger.quorum import faults, quorum, withstood
from ledger.signature import public_key

LOG = format_vkey(verifier_key("log.example/a", ED25519, public_key(b"\x01" * 32)))
W = [
    format_vkey(verifier_key(f"w{i}.example", COSIGNATURE, public_key(bytes([i + 2]) * 32)))
    for i in range(4)
]
GOOD = f"""# whom we trust
log {LOG} https://log.example/a
witness north {W[0]}
witness\tsouth {W[1]} https://w1.example   # with an address
witness east {W[2]}
witness west {W[3]}
group pair all east west
group most 2 north south pair
quorum most
"""


def test_a_policy_counts_witnesses_and_groups() -> None:
    policy = parse_policy(GOOD.encode())
    assert policy.satisfied_by(["north", "south"])
    assert policy.satisfied_by(["north", "east", "west"])
    assert not policy.satisfied_by(["north", "east"])
    assert not policy.satisfied_by(["east", "west", "unknown"])


def test_a_policy_is_written_and_read_back() -> None:
    policy = parse_policy(GOOD.encode())
    assert parse_policy(format_policy(policy).encode()) == policy
    assert len(policy.fingerprint.split()) == 8


def test_without_a_quorum_everything_is_enough() -> None:
    assert parse_policy(f"log {LOG}\nquorum none\n".encode()).satisfied_by([])


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (GOOD.replace("quorum most", ""), "quorum"),
        (GOOD + "quorum most\n", "quorum"),
        (GOOD.replace("quorum most", "quorum nobody"), "line 9"),
        (GOOD.replace("all east", "3 east"), "line 7"),
        (GOOD.replace("all east", "0 east"), "line 7"),
        (GOOD.replace("pair all east west", "pair all east east"), "line 7"),
        (GOOD.replace("2 north south pair", "2 north south east"), "line 8"),
        (GOOD.replace("2 north south pair", "2 north later pair"), "line 8"),
        (GOOD.replace("witness west", "witness east"), "line 6"),
        (GOOD.replace(W[3], W[2]), "line 6"),
        (GOOD.replace(W[3], LOG), "line 6"),
        (GOOD.replace("log ", "logs "), "line 2"),
        (GOOD.replace("north", "no\x01rth"), "policy"),
        (GOOD.replace("# whom", "x" * 70_000), "policy"),
        (f"witness a {W[0]}\nquorum a\n", "at least one log"),
    ],
)
def test_other_policies_are_refused_with_the_place(text: str, place: str) -> None:
    with pytest.raises(FormError, match=place):
        parse_policy(text.encode())


def test_a_quorum_that_two_halves_could_make_is_refused() -> None:
    flat = f"log {LOG}\n" + "".join(f"witness w{i} {k}\n" for i, k in enumerate(W))
    assert parse_policy((flat + "group g 3 w0 w1 w2 w3\nquorum g\n").encode()).withstood == 1
    with pytest.raises(FormError, match="more than half"):
        parse_policy((flat + "group g 2 w0 w1 w2 w3\nquorum g\n").encode())


def test_nested_groups_withstand_as_many_as_two_quorums_must_share() -> None:
    flat = f"log {LOG}\n" + "".join(f"witness w{i} {k}\n" for i, k in enumerate(W))
    nested = flat + "group a all w0 w1\ngroup b all w2 w3\n"
    assert parse_policy((nested + "group g all a b\nquorum g\n").encode()).withstood == 3
    assert parse_policy((nested + "quorum a\n").encode()).withstood == 1
    assert parse_policy((flat + "quorum w0\n").encode()).withstood == 0
    assert parse_policy((flat + "quorum none\n").encode()).withstood is None
    with pytest.raises(FormError, match="more than half"):  # a here, b there: nobody lied
        parse_policy((nested + "group g any a b\nquorum g\n").encode())


@pytest.mark.parametrize(
    ("n", "k"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 4), (7, 5), (31, 21), (32, 22)]
)
def test_the_quorum_is_the_designs(n: int, k: int) -> None:
    assert quorum(n) == k


def test_two_quorums_share_an_honest_party_whatever_the_size() -> None:
    for n in range(1, 200):
        k, f = quorum(n), faults(n)
        assert 2 * k - n > f
        assert k <= n - f or n < 4
        assert withstood(n, k) >= f


def test_an_empty_policy_object_has_nothing_to_withstand() -> None:
    assert Policy((), {}).withstood is None
