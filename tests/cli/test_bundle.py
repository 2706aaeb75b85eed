"""A month in one file: what a node writes, anybody recomputes; what was touched never checks."""

import hashlib
import random
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.unpack import DIGEST, Header, Part, format_header, parse_header, unpack
from ledger.entry import decode_entry
from ledger.errors import FormError
from ledger.hashing import leaf_hash
from ledger.merkle import consistency_path
from settlement.party import CENTRE
from settlement.record import Confirmation
from tests.cleared import Cleared
from tests.commands import as_json, gongzhang

SICHUAN, QINGHAI, SHAANXI = "510000", "630000", "610000"
MONTH = "2017-03"


@pytest.fixture(scope="module")
def bundle(cleared: Cleared, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the bundle of a month, as Qinghai's node writes it."""
    path = tmp_path_factory.mktemp("bundle") / "march.bundle"
    done = gongzhang(
        "audit", "bundle", "--home", cleared.home / QINGHAI, "--month", MONTH, "--out", path
    )
    assert done.returncode == 0, done.stderr
    return path


def taken(path: Path) -> tuple[Header, list[bytes]]:
    """Return header and entries of a bundle."""
    data = path.read_bytes()[:-DIGEST]
    at = data.index(b"\n\n") + 2
    packed, leaves, place = zlib.decompress(data[at:]), [], 0
    while place < len(packed):
        length = int.from_bytes(packed[place : place + 2], "big")
        leaves.append(packed[place + 2 : place + 2 + length])
        place += 2 + length
    return parse_header(data[:at]), leaves


def made(path: Path, header: Header, leaves: list[bytes]) -> Path:
    """Write a bundle that is whole in itself, whatever it says."""
    body = b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in leaves)
    data = format_header(header) + zlib.compress(body)
    path.write_bytes(data + hashlib.sha256(data).digest())
    return path


def check(path: Path, cleared: Cleared) -> int:
    done = gongzhang("audit", "check", path, "--policy", cleared.policy)
    assert "Traceback" not in done.stderr
    return done.returncode


@pytest.mark.parametrize("month", ["2017-03", "2017-04"])
def test_a_bundle_gives_the_nets_of_the_audit(month: str, cleared: Cleared, tmp_path: Path) -> None:
    path = tmp_path / "x.bundle"
    given = ("--home", cleared.home / SICHUAN, "--month", month, "--out", path)
    assert as_json("audit", "bundle", *given)["ok"]
    found = as_json("audit", "check", path, "--policy", cleared.policy)
    whole = as_json("audit", "verify", cleared.home / SICHUAN, "--policy", cleared.policy)
    assert found["ok"], found["findings"]
    assert found["months"] == [item for item in whole["months"] if item["month"] == month]
    shown = gongzhang("audit", "check", path, "--policy", cleared.policy)
    assert "recomputed nets" in shown.stdout


def test_the_same_logs_give_the_same_bytes_and_other_nodes_the_same_entries(
    bundle: Path, cleared: Cleared, tmp_path: Path
) -> None:
    for code in (QINGHAI, SICHUAN):
        given = ("--home", cleared.home / code, "--month", MONTH, "--out", tmp_path / code)
        assert gongzhang("audit", "bundle", *given).returncode == 0
    assert (tmp_path / QINGHAI).read_bytes() == bundle.read_bytes()
    one, two = taken(bundle), taken(tmp_path / SICHUAN)
    assert one[1] == two[1]
    assert [part[:2] for part in one[0].parts] == [part[:2] for part in two[0].parts]


def test_an_earlier_month_holds_only_what_it_needs(bundle: Path, cleared: Cleared) -> None:
    header, _ = taken(bundle)
    whole = as_json("audit", "verify", cleared.home / QINGHAI, "--policy", cleared.policy)["heads"]
    shorter = [part for part in header.parts if part.entries < whole[part.code]["size"]]
    assert shorter
    assert all(part.path for part in shorter)


def places(header: Header) -> dict[str, int]:
    """Return where each log's entries begin."""
    found, at = {}, 0
    for part in header.parts:
        found[part.code] = at
        at += part.entries
    return found


@pytest.mark.parametrize("code", [CENTRE, SICHUAN, QINGHAI, SHAANXI])
def test_an_entry_that_is_missing_added_or_moved_never_checks(
    code: str, bundle: Path, cleared: Cleared, tmp_path: Path
) -> None:
    header, leaves = taken(bundle)
    at = places(header)[code]
    number = [part.code for part in header.parts].index(code)
    for fault in ("first", "last", "added", "swapped"):
        parts, changed = list(header.parts), list(leaves)
        part = parts[number]
        if fault in ("first", "last"):
            del changed[at if fault == "first" else at + part.entries - 1]
            parts[number] = part._replace(entries=part.entries - 1)
        elif fault == "added":
            changed.insert(at + part.entries, leaves[at])
            parts[number] = part._replace(entries=part.entries + 1)
        else:
            changed[at], changed[at + 1] = changed[at + 1], changed[at]
        path = made(tmp_path / "x", Header(header.month, tuple(parts)), changed)
        assert check(path, cleared) in (1, 3), fault


@pytest.mark.parametrize("code", [SICHUAN, QINGHAI])
def test_a_log_left_out_or_a_proof_left_out_is_noticed(
    code: str, bundle: Path, cleared: Cleared, tmp_path: Path
) -> None:
    header, leaves = taken(bundle)
    at = places(header)[code]
    part = next(part for part in header.parts if part.code == code)
    rest = tuple(other for other in header.parts if other.code != code)
    without = leaves[:at] + leaves[at + part.entries :]
    assert check(made(tmp_path / "x", Header(header.month, rest), without), cleared) == 3
    bare = tuple(p._replace(path=()) if p.code == code else p for p in header.parts)
    if part.path:
        assert check(made(tmp_path / "y", Header(header.month, bare), leaves), cleared) == 3


def test_another_month_another_policy_and_a_plain_file_are_told_apart(
    bundle: Path, cleared: Cleared, tmp_path: Path
) -> None:
    header, leaves = taken(bundle)
    assert check(made(tmp_path / "x", header._replace(month="2019-01"), leaves), cleared) == 3
    other = tmp_path / "other.policy"
    text = cleared.policy.read_text(encoding="utf-8")
    other.write_text(text.replace("gongzhang/", "another/"), encoding="utf-8")
    assert gongzhang("audit", "check", bundle, "--policy", other).returncode in (1, 2, 3)
    given = ("audit", "check", bundle, "--policy", cleared.policy, "--leaf", cleared.policy)
    assert gongzhang(*given).returncode == 2
    assert check(cleared.policy, cleared) == 2
    assert check(tmp_path / "nowhere", cleared) == 2
    home = cleared.home / QINGHAI
    for month, code in (("2019-01", 3), ("2017-13", 2)):
        given = ("audit", "bundle", "--home", home, "--month", month, "--out", tmp_path / "z")
        assert gongzhang(*given).returncode == code
    given = ("audit", "bundle", "--home", home, "--month", MONTH, "--out", bundle)
    assert gongzhang(*given).returncode == 2  # nothing is overwritten


def test_a_flipped_byte_anywhere_or_a_file_cut_short_is_no_bundle(
    bundle: Path, tmp_path: Path
) -> None:
    data, chance = bundle.read_bytes(), random.Random(7)
    path = tmp_path / "x"
    for number in range(200):
        at = chance.randrange(len(data))
        path.write_bytes(data[:at] + bytes([data[at] ^ 1 << number % 8]) + data[at + 1 :])
        with pytest.raises(FormError):
            unpack(path, tmp_path / f"flipped-{number}")
    for cut in (0, 1, DIGEST, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:cut])
        with pytest.raises(FormError):
            unpack(path, tmp_path / f"cut-{cut}")


def test_entries_that_shrink_too_well_and_whatever_follows_them_are_refused(
    bundle: Path, tmp_path: Path
) -> None:
    header, leaves = taken(bundle)
    part = header.parts[0]._replace(entries=5_000)
    bomb = made(tmp_path / "b", Header(MONTH, (part,)), [bytes(65_535)] * 5_000)
    with pytest.raises(FormError, match="shrink"):
        unpack(bomb, tmp_path / "bomb")
    head = format_header(header)
    body = zlib.compress(b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in leaves))
    for number, tail in enumerate((body + b"x", body[:-1], b"", b"nonsense", body[:40])):
        path = tmp_path / "t"
        path.write_bytes(head + tail + hashlib.sha256(head + tail).digest())
        with pytest.raises(FormError):
            unpack(path, tmp_path / f"tail-{number}")


HASHES = st.lists(st.binary(min_size=32, max_size=32), max_size=5).map(tuple)
CODES = st.sampled_from(["110000", "510000", "630000", "650000"])
PARTS = st.builds(Part, CODES, st.integers(0, 2**40), st.binary(min_size=1, max_size=80), HASHES)


@given(st.lists(PARTS, max_size=4, unique_by=lambda part: part.code), st.binary(min_size=1))
def test_a_header_survives_its_text_and_has_one_spelling(parts: list[Part], note: bytes) -> None:
    header = Header("2017-12", (Part(CENTRE, 3, note), *sorted(parts)))
    text = format_header(header)
    assert parse_header(text) == header
    for wrong in (text[:-1], text + b"\n", text.replace(b"log ", b"log  ", 1), b"x" + text):
        with pytest.raises(FormError):
            parse_header(wrong)


def test_a_month_that_is_not_final_may_not_be_cut_off(
    bundle: Path, cleared: Cleared, tmp_path: Path
) -> None:
    header, leaves = taken(bundle)
    at = places(header)[CENTRE]
    centre = header.parts[0]
    kinds = [decode_entry(leaf).kind for leaf in leaves[at : at + centre.entries]]
    stop = kinds.index(Confirmation.kind) + 1  # before the certificate
    hashes = [leaf_hash(leaf) for leaf in leaves[: centre.entries]]
    path = tuple(consistency_path(hashes, stop))
    parts = (centre._replace(entries=stop, path=path), *header.parts[1:])
    cut = made(
        tmp_path / "x", Header(header.month, parts), leaves[:stop] + leaves[centre.entries :]
    )
    assert check(cut, cleared) in (1, 3)
