"""What lies in the vault cannot be read, moved or changed without its key."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import DamageError, KeyFileError
from ledger.memory import MemoryStore
from node.home import open_home
from node.message import Case
from node.sealed import SealedStore, reseal
from node.vault import INBOX, OWN, TABLES, Vault
from tests.integration.homes import founded
from tests.network import QINGHAI

SEED, OTHER = bytes(32), bytes([1]) * 32
CASE = Case("A1", b"Zhang San, born 1950", bytes(32))


@given(st.binary(max_size=40), st.binary(max_size=300))
def test_what_is_sealed_comes_back_and_is_not_to_be_seen(key: bytes, value: bytes) -> None:
    inner = MemoryStore()
    store = SealedStore(inner, SEED)
    store.transact(lambda writer: writer.put(OWN, key, value))
    with store.read() as reader:
        assert reader.get(OWN, key) == value
        assert list(reader.scan(OWN, b"", b"\xff" * 41)) == [(key, value)]
    with inner.read() as raw:
        stored = raw.get(OWN, key)
    assert stored is not None
    assert len(value) < 8 or value not in stored


@pytest.mark.parametrize("spoil", ["table", "key", "byte", "other key", "short"])
def test_a_value_that_was_touched_is_damage_and_names_its_place(spoil: str) -> None:
    inner = MemoryStore()
    SealedStore(inner, SEED).transact(lambda writer: writer.put(OWN, b"A1", b"secret"))
    with inner.read() as raw:
        value = raw.get(OWN, b"A1")
    assert value is not None
    table, key = (INBOX if spoil == "table" else OWN), (b"A2" if spoil == "key" else b"A1")
    if spoil == "byte":
        value = value[:-1] + bytes([value[-1] ^ 1])
    if spoil == "short":
        value = value[:10]
    inner.transact(lambda writer: writer.put(table, key, value))
    store = SealedStore(inner, OTHER if spoil == "other key" else SEED)
    with store.read() as reader, pytest.raises(DamageError, match=f"vault {table}"):
        reader.get(table, key)


def test_resealed_values_open_under_the_new_key_only() -> None:
    inner = MemoryStore()
    Vault(SealedStore(inner, SEED)).keep([(QINGHAI, CASE)])
    reseal(inner, TABLES, SEED, OTHER)
    assert Vault(SealedStore(inner, OTHER)).own("A1") == CASE
    with pytest.raises(DamageError):
        Vault(SealedStore(inner, SEED)).own("A1")


def test_the_vault_of_a_home_holds_no_readable_person_and_needs_its_key(tmp_path: Path) -> None:
    home, _ = founded(tmp_path)
    opened = open_home(home, lambda: None)
    opened.role.vault.keep([(QINGHAI, CASE)])  # type: ignore[attr-defined]
    opened.close()
    assert b"Zhang" not in (home / "vault" / "data.mdb").read_bytes()
    (home / "keys" / "vault.key").unlink()
    with pytest.raises(KeyFileError, match="no such key file"):
        open_home(home, lambda: None)
