"""The signer's memory: what was signed is never contradicted."""

from pathlib import Path

import pytest

from ledger import signer
from ledger.errors import DamageError, FormError, RefusedError
from ledger.signer import COSIGNED, HEAD, SignerState

A, B = b"a" * 32, b"b" * 32


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state"


def filled(path: Path) -> None:
    state = SignerState.create(path)
    state.advance([(HEAD, "log", 5, A, 0)])
    state.advance([(COSIGNED, "other", 7, B, 100), (HEAD, "log", 6, B, 0)])
    state.close()


def test_it_remembers_across_a_restart(path: Path) -> None:
    filled(path)
    state = SignerState.open(path)
    assert state.head("log") == (6, B)
    assert state.cosigned("other") == (7, B, 100)
    assert state.head("other") is None
    assert state.cosigned("log") is None


@pytest.mark.parametrize(
    "change",
    [
        (HEAD, "log", 5, A, 0),
        (HEAD, "log", 6, A, 0),
        (COSIGNED, "other", 7, A, 100),
        (COSIGNED, "other", 7, B, 99),
        (COSIGNED, "other", 6, B, 200),
    ],
)
def test_it_refuses_to_go_back_and_takes_nothing_of_such_a_batch(
    path: Path, change: signer.Change
) -> None:
    filled(path)
    state = SignerState.open(path)
    with pytest.raises(RefusedError) as refused:
        state.advance([(HEAD, "third", 1, A, 0), change])
    assert refused.value.code == "BACKWARDS"
    assert state.head("third") is None
    state.close()
    assert SignerState.open(path).head("third") is None


def test_the_same_again_is_allowed_and_costs_no_record(path: Path) -> None:
    filled(path)
    before = path.stat().st_size
    state = SignerState.open(path)
    state.advance([(HEAD, "log", 6, B, 0)])
    assert path.stat().st_size == before
    state.advance([(COSIGNED, "other", 7, B, 200)])
    assert state.cosigned("other") == (7, B, 200)


def test_a_torn_last_record_was_never_signed_upon(path: Path) -> None:
    filled(path)
    whole = path.read_bytes()
    first = len(whole)
    state = SignerState.open(path)
    state.advance([(HEAD, "log", 9, A, 0)])
    state.close()
    longer = path.read_bytes()
    for cut in range(first, len(longer)):
        path.write_bytes(longer[:cut])
        torn = SignerState.open(path)
        assert torn.head("log") == (6, B)
        torn.advance([(HEAD, "log", 10, B, 0)])
        torn.close()
        assert SignerState.open(path).head("log") == (10, B)


def test_every_flipped_bit_anywhere_stops_the_node(path: Path) -> None:
    filled(path)
    data = path.read_bytes()
    for place in range(len(data)):
        bit = 1 << (place % 8)
        path.write_bytes(data[:place] + bytes([data[place] ^ bit]) + data[place + 1 :])
        with pytest.raises(DamageError):
            SignerState.open(path)


def test_whatever_sectors_of_the_last_frame_are_lost_it_is_cut_off(path: Path) -> None:
    filled(path)
    before = path.read_bytes()
    state = SignerState.open(path)
    state.advance([(COSIGNED, f"log {n}", 3, A, 9) for n in range(30)])
    state.close()
    after = path.read_bytes()
    first = len(before) // 512
    sectors = range(first, len(after) // 512 + 1)
    assert len(sectors) > 3
    for lost in range(1, 2 ** len(sectors)):
        torn = bytearray(after)
        for bit, sector in enumerate(sectors):
            if lost >> bit & 1:
                start, stop = max(sector * 512, len(before)), min(sector * 512 + 512, len(after))
                torn[start:stop] = bytes(stop - start)
        path.write_bytes(torn)
        again = SignerState.open(path)
        assert again.cosigned("log 1") is None
        assert again.head("log") == (6, B)
        again.close()


def test_a_lost_sector_below_the_last_frame_is_damage(path: Path) -> None:
    state = SignerState.create(path)
    for size in range(1, 60):
        state.advance([(HEAD, "log", size, A, 0)])
    state.close()
    data = path.read_bytes()
    for sector in range(len(data) // 512 - 1):
        path.write_bytes(data[: sector * 512] + bytes(512) + data[sector * 512 + 512 :])
        with pytest.raises(DamageError):
            SignerState.open(path)


def test_a_missing_file_is_damage_and_an_existing_one_is_not_created_again(path: Path) -> None:
    with pytest.raises(DamageError, match="no file"):
        SignerState.open(path)
    SignerState.create(path).close()
    with pytest.raises(FormError):
        SignerState.create(path)


def test_a_long_journal_is_made_short_and_says_the_same(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = SignerState.create(path)
    for size in range(1, 200):
        state.advance([(HEAD, "log", size, A, 0), (COSIGNED, "other", size, B, size)])
    state.close()
    monkeypatch.setattr(signer, "COMPACT_BYTES", 1_000)
    before = path.stat().st_size
    again = SignerState.open(path)
    assert path.stat().st_size < before / 50
    assert again.head("log") == (199, A)
    again.advance([(HEAD, "log", 200, B, 0)])
    again.close()
    assert SignerState.open(path).head("log") == (200, B)
