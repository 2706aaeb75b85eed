"""Signed requests between nodes."""

import pytest

from ledger.errors import FormError, LedgerError, VerificationError
from node import peerauth
from tests.network import QINGHAI, SICHUAN, TIBET, roster_of, seed

ROSTER = roster_of(SICHUAN, TIBET, QINGHAI)
NOW, PATH, BODY = 1_500_000_000_000, "/peer/v1/cases", b"body"
GOOD = peerauth.header(ROSTER, seed(SICHUAN, "transport"), SICHUAN, QINGHAI, PATH, NOW, BODY)


def check(value: str | None, **changes: object) -> str:
    given: dict[str, object] = {"to": QINGHAI, "path": PATH, "now_ms": NOW, "body": BODY, **changes}
    return peerauth.authenticate(ROSTER, value, **given)  # type: ignore[arg-type]


def test_a_signed_request_names_its_sender() -> None:
    assert check(GOOD) == SICHUAN


@pytest.mark.parametrize(
    "changes",
    [
        {"to": TIBET},
        {"path": "/peer/v1/head"},
        {"body": b"bodY"},
        {"now_ms": NOW + peerauth.WINDOW_MS + 1},
        {"now_ms": NOW - peerauth.WINDOW_MS - 1},
    ],
)
def test_it_holds_for_one_receiver_path_body_and_time(changes: dict[str, object]) -> None:
    with pytest.raises(VerificationError):
        check(GOOD, **changes)


@pytest.mark.parametrize(
    "value",
    [None, "", "x", "510000 1 2 3", "510000 x y", f"510000 {NOW} !!!", f"510000 {'9' * 17} AAAA"],
)
def test_a_malformed_header_is_refused(value: str | None) -> None:
    with pytest.raises(LedgerError):
        check(value)


def test_a_stranger_and_a_borrowed_name_are_refused() -> None:
    with pytest.raises(VerificationError, match="no member"):
        check(GOOD.replace(SICHUAN, "110000"))
    with pytest.raises(VerificationError):
        check(GOOD.replace(SICHUAN, TIBET))


def test_a_key_of_another_purpose_does_not_speak_for_the_node() -> None:
    other = peerauth.header(ROSTER, seed(SICHUAN, "entry"), SICHUAN, QINGHAI, PATH, NOW, BODY)
    with pytest.raises((VerificationError, FormError)):
        check(other)


def test_a_request_is_taken_once() -> None:
    once = peerauth.Once(NOW - 1_000)
    once.check(GOOD, NOW)
    with pytest.raises(VerificationError, match="taken before"):
        once.check(GOOD, NOW + 5)
    later = peerauth.header(
        ROSTER, seed(SICHUAN, "transport"), SICHUAN, QINGHAI, PATH, NOW + 1, BODY
    )
    once.check(later, NOW + 5)


def test_what_may_have_been_taken_before_the_last_start_is_not_taken_again() -> None:
    with pytest.raises(VerificationError, match="older than this process"):
        peerauth.Once(NOW + peerauth.SKEW_MS + 1).check(GOOD, NOW)


def test_what_is_outside_the_window_is_forgotten() -> None:
    once = peerauth.Once(NOW)
    for number in range(50):
        at = NOW + number * peerauth.WINDOW_MS
        once.check(f"{SICHUAN} {at} {number}", at)
    assert len(once._known) == len(once._seen) <= 4
