"""Two people sign: by the commands that they type, at a node that runs."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from cli.audit import audit_source
from cli.localnet import LocalNet
from cli.log import entry_view
from ledger.policy import parse_policy
from ledger.store import LmdbStore
from ledger.table import DRAFT
from settlement import approval
from settlement.approval import approve
from settlement.party import CENTRE
from tests.cleared import Cleared
from tests.commands import as_json, gongzhang
from tests.network import QINGHAI
from tests.published import publish
from tests.settlement.test_approval import attestation, secret, signed, with_operators

SICHUAN, SHAANXI = "510000", "610000"


@pytest_asyncio.fixture
async def centre(cleared: Cleared, tmp_path: Path) -> AsyncIterator[Path]:
    """Return the home of the centre of the cleared network, copied and started again."""
    folder = tmp_path / "net"
    shutil.copytree(cleared.home, folder, ignore=shutil.ignore_patterns("*.sock", "node.log"))
    net = LocalNet(folder)
    codes = [CENTRE, SICHUAN, SHAANXI, QINGHAI]
    await net.start(codes)
    await net.unlocked(codes)
    yield folder / CENTRE
    await net.stop()


def run(*arguments: object, **changes: str) -> tuple[int, str]:
    done = gongzhang(*arguments, **changes)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout + done.stderr


def key(home: Path, name: str) -> Path:
    return home / "operators" / f"{name}.key"


async def test_maker_and_checker_by_hand(centre: Path, tmp_path: Path) -> None:
    home = ("--home", centre)
    maker, checker = key(centre, "maker"), key(centre, "checker")
    made = as_json("batch", "close", "2017-05", *home, "--as", maker)
    assert (made["ok"], made["signed"], made["needed"]) == (True, ["maker"], 2)
    digest = made["pending"]

    # The same person, a stranger's key, another purpose.
    assert_refused(("approval", "sign", digest, *home, "--as", maker), 1, "somebody else")
    stranger = key(centre.parent / QINGHAI, "maker")
    assert_refused(("approval", "sign", digest, *home, "--as", stranger), 1, "no active operator")
    entry = centre / "keys" / "entry.key"
    assert_refused(("approval", "sign", digest, *home, "--as", entry), 2, "not for operator")

    assert "propose 2017-05 r1" in run("status", *home)[1]
    assert "提出 2017-05 第 1 版批次" in run("approval", "list", *home, GONGZHANG_LANG="zh")[1]

    code, text = run("approval", "sign", digest[:12], *home, "--as", checker)
    assert code == 0, text
    assert "approved by" in text
    entries = as_json("log", "show", *home)["entries"]
    assert (entries[-1]["kind"], sorted(entries[-1]["approved_by"])) == (
        "Proposal", ["checker", "maker"],
    )  # fmt: skip

    # Somebody new, who has a key already, takes the place of one who leaves.
    new = as_json("key", "operator", "add", "ada", *home, "--as", maker)
    ada = key(centre, "ada")
    assert ada.stat().st_mode & 0o777 == 0o600
    signed = as_json("approval", "sign", new["pending"], *home, "--as", checker)
    assert signed["approved_by"] == ["maker", "checker"]
    gone = as_json("key", "operator", "remove", "maker", *home, "--as", ada)
    assert "index" in as_json("approval", "sign", gone["pending"], *home, "--as", checker)
    rows = {o["name"]: o["status"] for o in as_json("key", "operator", "list", *home)["operators"]}
    assert rows == {"ada": "active", "checker": "active", "maker": "removed"}
    assert_refused(("key", "operator", "remove", "ada", *home), 1, "STATE")

    # What is rejected is told to whoever asks.
    rules = tmp_path / "rules.toml"
    rules.write_bytes((centre.parent / "ruleset.toml").read_bytes() + b"\n# another\n")
    asked = as_json("roster", "ruleset", rules, *home, "--as", ada)
    reason = ("--reason", "no notice was published")
    code, text = run("approval", "reject", asked["pending"], *home, "--as", checker, *reason)
    assert code == 0, text
    told = run("approval", "show", asked["pending"], *home)[1]
    assert "rejected (checker): no notice was published" in told


def assert_refused(command: tuple[object, ...], status: int, shown: str) -> None:
    code, text = run(*command)
    assert (code, shown in text) == (status, True), text


def test_nobody_signs_what_the_node_only_claims(cleared: Cleared, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(cleared.home / CENTRE, home, ignore=shutil.ignore_patterns("*.sock"))
    found = as_json("approval", "list", "--all", "--home", home)["drafts"]
    assert {draft["state"] for draft in found} == {"entered"}
    digest = found[0]["hash"]
    store = LmdbStore.open(home / "data")

    def swap(writer: Any) -> None:  # another content under that hash, waiting to be signed
        rows = dict(writer.scan(DRAFT, b"", b"\xff" * 42))
        other = next(v for k, v in rows.items() if k[-32:].hex() == found[1]["hash"])
        writer.put(DRAFT, b"w" + bytes.fromhex(digest), other)
        for place in rows:
            writer.delete(DRAFT, place)

    store.transact(swap)
    store.close()
    sign = ("approval", "sign", digest, "--home", home, "--as", key(home, "checker"))
    assert_refused(sign, 1, "the hash of its content")
    assert_refused(("approval", "show", "xyz", "--home", home), 2, "8 hex digits")


def test_an_operator_is_registered_only_at_a_node_that_runs(
    cleared: Cleared, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(cleared.home / QINGHAI, home, ignore=shutil.ignore_patterns("*.sock"))
    add = ("key", "operator", "add", "ada", "--home", home)
    assert_refused(add, 3, "no node is running")
    assert_refused((*add, "--public", "00", "--passphrase"), 2, "--public")
    assert_refused((*add, "--out", home / "keys" / "entry.key"), 2, "an operator's key file")
    assert_refused(("key", "operator", "add", "ada", "--home", tmp_path / "no"), 2, "no")
    assert not (tmp_path / "no").exists()


def test_an_auditor_names_what_nobody_or_one_alone_has_signed(tmp_path: Path) -> None:
    logs = with_operators("ada", "bo")
    record = attestation()
    forged = [approve(secret(name), bytes(32), "", record) for name in ("ada", "bo")]
    for wrong in (record, approval.with_approvals(record, forged), signed(logs, record, "ada"),
                  signed(logs, record, "ada", "ada")):  # fmt: skip
        assert logs.add(QINGHAI, wrong) == "APPROVAL"
    assert logs.add(QINGHAI, signed(logs, record, "bo", "ada")) is None
    folder, policy = publish(logs, tmp_path)
    report = audit_source(folder, parse_policy(policy.read_bytes()))
    void = {item.code: item.void for item in report.logs}
    assert void[QINGHAI] == [(index, "APPROVAL") for index in (2, 3, 4, 5)]
    done = gongzhang("audit", "verify", folder, "--policy", policy)
    assert "the needed signatures are missing or wrong" in done.stdout
    view = entry_view(logs.store, QINGHAI, 6)
    assert (view["void"], view["approved_by"]) == (None, ["bo", "ada"])
    assert "approved_by" not in entry_view(logs.store, QINGHAI, 4)
