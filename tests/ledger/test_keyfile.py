"""Key files."""

import stat
from pathlib import Path

import pytest
from nacl import pwhash

from ledger import keyfile
from ledger.errors import FormError, KeyFileError
from ledger.keyfile import create_key, is_sealed, load_key, read_public
from ledger.signature import public_key


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "keys"
    path.mkdir(mode=0o700)
    return path


def test_a_key_file_is_for_its_owner_only_and_read_back(folder: Path) -> None:
    path = folder / "entry.key"
    public = create_key(path, "entry")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert public_key(load_key(path, "entry")) == public
    assert read_public(path) == ("entry", public)
    assert not is_sealed(path)


def test_a_passphrase_seals_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "entry.key"
    create_key(path, "entry", seed=b"s" * 32, passphrase=b"correct horse")
    assert is_sealed(path)
    assert b"s" * 32 not in path.read_bytes()
    assert (b"s" * 32).hex() not in path.read_text()
    assert load_key(path, "entry", b"correct horse") == b"s" * 32
    for wrong in (None, b"", b"correct horse "):
        with pytest.raises(KeyFileError):
            load_key(path, "entry", wrong)


def test_weaker_parameters_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "entry.key"
    with monkeypatch.context() as patch:
        patch.setattr(keyfile, "OPSLIMIT", pwhash.argon2id.OPSLIMIT_MIN)
        patch.setattr(keyfile, "MEMLIMIT", pwhash.argon2id.MEMLIMIT_MIN)
        create_key(path, "entry", passphrase=b"x")
    with pytest.raises(KeyFileError, match="weaker"):
        load_key(path, "entry", b"x")


def test_nothing_is_overwritten_and_purposes_are_kept_apart(folder: Path) -> None:
    path = folder / "entry.key"
    create_key(path, "entry")
    with pytest.raises(KeyFileError, match="exists"):
        create_key(path, "entry")
    with pytest.raises(KeyFileError, match="not for witness"):
        load_key(path, "witness")
    with pytest.raises(FormError):
        create_key(folder / "x.key", "everything")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_file_that_others_may_read_is_refused(folder: Path, mode: int) -> None:
    path = folder / "entry.key"
    create_key(path, "entry")
    path.chmod(mode)
    with pytest.raises(KeyFileError, match="0600"):
        load_key(path, "entry")


def test_a_folder_that_others_may_enter_is_refused(folder: Path) -> None:
    create_key(folder / "entry.key", "entry")
    folder.chmod(0o755)
    with pytest.raises(KeyFileError, match="0700"):
        load_key(folder / "entry.key", "entry")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("gongzhang-key v1", "gongzhang-key v2"),
        ("purpose entry", "purpose thing"),
        ("secret ", "secret zz"),
        ("secret ", "secret 00"),
        ("kdf none", "kdf argon2id13 1"),
        ("public ", "public ff"),
        ("\nkdf", "\n\nkdf"),
    ],
)
def test_other_contents_are_refused(folder: Path, old: str, new: str) -> None:
    path = folder / "entry.key"
    create_key(path, "entry")
    path.write_text(path.read_text().replace(old, new))
    path.chmod(0o600)
    with pytest.raises(KeyFileError):
        load_key(path, "entry", b"passphrase")


def test_a_missing_file_is_said_to_be_missing(folder: Path) -> None:
    with pytest.raises(KeyFileError, match="no such"):
        load_key(folder / "none.key", "entry")
