"""Evidence: whoever signed two faces is convicted, and nobody else can be."""

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.compare import chain_of, compare
from cli.trust import auditor_policy
from ledger import log
from ledger.errors import FormError, LedgerError, UncheckableError, VerificationError
from ledger.evidence import (
    REWRITTEN,
    TWO_ENTRIES,
    TWO_HEADS,
    Evidence,
    format_evidence,
    parse_evidence,
)
from ledger.policy import parse_policy
from ledger.table import Reader, log_key
from settlement.keychain import judge
from settlement.party import CENTRE
from settlement.record import Attestation, Cell
from tests.network import QINGHAI, SICHUAN, TIBET, Logs, roster_of, settlement

POLICY = parse_policy(auditor_policy(roster_of(SICHUAN, TIBET, QINGHAI).genesis).encode())


class View:
    """What somebody was shown of the logs."""

    def __init__(self, logs: Logs) -> None:
        self.logs = logs

    def codes(self) -> list[str]:
        return [code for code in self.logs.roster.codes if self.logs.size(code)]

    def checkpoint(self, code: str) -> bytes:
        return self.logs.checkpoint(code)

    def leaves(self, code: str, start: int, stop: int) -> Iterator[bytes]:
        return log.leaves(self.logs.store, log_key(code), start, stop)

    def stored(self) -> Reader | None:
        return None


def shown(*ids: str) -> View:
    """Return a view in which Sichuan has recorded these settlements."""
    logs = Logs()
    logs.add(SICHUAN, *[settlement(name) for name in ids])
    return View(logs)


def evidence(one: View, two: View, code: str = SICHUAN) -> tuple[Evidence, ...]:
    (found,) = [d for d in compare(one, two, POLICY) if d.code == code]
    assert found.verdict == "split"
    return found.evidence


def test_two_views_that_agree_or_continue_each_other_are_in_order() -> None:
    found = {d.code: d.verdict for d in compare(shown("A1"), shown("A1", "A2"), POLICY)}
    assert found == {CENTRE: "same", SICHUAN: "longer"}
    assert {d.verdict for d in compare(shown("A1"), shown("A1"), POLICY)} == {"same"}
    assert {d.verdict for d in compare(shown(), shown("A1"), POLICY)} == {"same", "one-side"}


def test_one_size_with_two_roots_convicts_the_author_and_who_cosigned_both() -> None:
    heads, entries = evidence(shown("A1", "A2"), shown("A1", "A3"))
    assert (heads.kind, entries.kind) == (TWO_HEADS, TWO_ENTRIES)
    verdict = judge(parse_evidence(format_evidence(heads)), POLICY)
    assert verdict.origin.endswith(SICHUAN)
    assert "size 2" in verdict.text
    assert verdict.cosigners == (CENTRE, TIBET, QINGHAI)
    verdict = judge(parse_evidence(format_evidence(entries)), POLICY)
    assert verdict.text == "two entries at index 1"
    assert verdict.cosigners == ()


def test_a_longer_log_that_does_not_begin_with_the_older_one_convicts() -> None:
    heads, _ = evidence(shown("A1", "A2", "A3"), shown("A1", "B2", "B3", "B4", "B5"))
    assert heads.kind == REWRITTEN
    verdict = judge(parse_evidence(format_evidence(heads)), POLICY)
    assert "size 5 does not begin with the log signed at size 3" in verdict.text


@pytest.mark.parametrize("older", range(1, 10))
def test_every_fork_of_small_logs_convicts(older: int) -> None:
    names = [f"A{n}" for n in range(older)]
    for newer in range(older, 11):
        forked = [*names[:-1], *[f"B{n}" for n in range(newer - older + 1)]]
        for item in evidence(shown(*names), shown(*forked)):
            judge(item, POLICY)


def statements(cells: list[Cell], month: str = "2017-03", kind: Any = Attestation) -> bytes:
    logs = Logs()
    record = kind(month, 1, bytes(32), bytes(32), bytes(32), cells, [])
    return logs.leaf(QINGHAI, record, index=len(cells))


def of_entries(one: bytes, two: bytes) -> Evidence:
    return Evidence(TWO_ENTRIES, tuple(chain_of(shown("A1"), POLICY)), (one, two))


def test_two_attestations_of_one_batch_convict_wherever_they_stand() -> None:
    match, mismatch = statements([]), statements([Cell(QINGHAI, SICHUAN, "employee", 1, 2)])
    verdict = judge(of_entries(match, mismatch), POLICY)
    assert verdict.text == "two statements of kind 52 about ['2017-03', 1]"
    for other in (match, statements([Cell(QINGHAI, SICHUAN, "employee", 1, 2)], "2017-04")):
        with pytest.raises(VerificationError, match="do not contradict"):
            judge(of_entries(match, other), POLICY)


def test_two_settlements_at_two_places_contradict_nothing() -> None:
    logs = Logs()
    one, two = (logs.leaf(SICHUAN, settlement(f"A{n}"), index=n) for n in (0, 1))
    with pytest.raises(VerificationError, match="do not contradict"):
        judge(of_entries(one, two), POLICY)


def test_signing_the_same_again_convicts_nobody() -> None:
    heads = evidence(shown("A1", "A2"), shown("A1", "A3"))[0]
    same = replace(heads, exhibits=(heads.exhibits[0], heads.exhibits[0]))
    with pytest.raises(VerificationError, match="do not contradict"):
        judge(same, POLICY)


def test_honest_heads_of_one_growing_log_convict_nobody_whatever_is_claimed() -> None:
    view = shown("A1", "A2", "A3", "A4", "A5")
    older, newer = (view.logs.checkpoint(SICHUAN, size) for size in (3, 5))
    path = tuple(_consistency(view, 3, 5))
    root = view.logs.head(SICHUAN, 3).root
    chain = tuple(chain_of(view, POLICY))
    for claimed in (root, bytes(32)):
        for proof in (path, path[::-1], (), (bytes(32), *path)):
            with pytest.raises(VerificationError):
                judge(Evidence(REWRITTEN, chain, (older, newer), claimed, proof), POLICY)
    with pytest.raises(VerificationError):
        judge(Evidence(TWO_HEADS, chain, (older, newer)), POLICY)


def _consistency(view: View, old: int, new: int) -> list[bytes]:
    from ledger import tree

    return tree.consistency_proof(view.logs.store, log_key(SICHUAN), old, new)


def test_a_signature_by_somebody_else_convicts_nobody() -> None:
    heads, entries = evidence(shown("A1", "A2"), shown("A1", "A3"))
    forged = (
        entries.exhibits[1][:10] + bytes([entries.exhibits[1][10] ^ 1]) + entries.exhibits[1][11:]
    )
    with pytest.raises(VerificationError, match="signature"):
        judge(replace(entries, exhibits=(entries.exhibits[0], forged)), POLICY)
    unsigned = heads.exhibits[1].replace(b"\n2\n", b"\n3\n", 1)
    with pytest.raises(LedgerError):
        judge(replace(heads, exhibits=(heads.exhibits[0], unsigned)), POLICY)


def test_without_the_chain_to_the_policy_nothing_is_proved() -> None:
    heads = evidence(shown("A1", "A2"), shown("A1", "A3"))[0]
    leaf, proof = heads.chain[0]
    for chain in (((leaf[:-1] + b"\x00", proof),), ((heads.exhibits[0], proof),)):
        with pytest.raises(LedgerError):
            judge(replace(heads, chain=chain), POLICY)
    stranger = parse_policy(auditor_policy(roster_of(TIBET, QINGHAI).genesis).encode())
    with pytest.raises(UncheckableError):
        judge(heads, stranger)


GOOD = format_evidence(evidence(shown("A1", "A2", "A3"), shown("A1", "B2", "B3", "B4"))[0])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"evidence v1", b"evidence v2"),
        (b"kind rewritten", b"kind two-heads"),
        (b"kind rewritten", b"kind gossip"),
        (b"kind rewritten\n", b""),
        (b"\nroot ", b"\nroot  "),
        (b"\nroot ", b"\nhash " + b64encode(bytes(32)) + b"\nroot "),
        (b"\nchain ", b"\nChain "),
        (b"\nexhibit ", b"\nexhibit " + b64encode(b"x") + b"\nexhibit "),
        (b"\nhash ", b"\nhash " + b64encode(bytes(31)) + b"\nhash "),
        (b"\nhash ", b"\nhash " + b"\nhash ".join([b64encode(bytes(32))] * 64) + b"\nhash "),
        (b"kind rewritten\n", b"kind rewritten\r\n"),
    ],
)  # fmt: skip
def test_an_evidence_file_has_one_form(old: bytes, new: bytes) -> None:
    assert old in GOOD
    assert format_evidence(parse_evidence(GOOD)) == GOOD
    with pytest.raises(FormError):
        parse_evidence(GOOD.replace(old, new, 1))


def test_a_file_cut_short_anywhere_convicts_nobody() -> None:
    for stop in range(0, len(GOOD), 37):
        with pytest.raises(LedgerError):
            judge(parse_evidence(GOOD[:stop]), POLICY)


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 7))
def test_a_flipped_bit_never_convicts_somebody_else(at: int, bit: int) -> None:
    data = bytearray(GOOD)
    data[at] ^= 1 << bit
    try:
        verdict = judge(parse_evidence(bytes(data)), POLICY)
    except LedgerError:
        return
    # Lines of witnesses that the policy does not need may be damaged: the verdict stays the same.
    assert verdict.origin == judge(parse_evidence(GOOD), POLICY).origin
