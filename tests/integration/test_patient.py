"""A patient from registration to the certificate of the month: real nodes, HTTP and files."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from cli.localnet import LocalNet, found, free_ports
from cli.rehearsal import Rehearsal
from node.config import format_config, load_config
from node.orders import order
from settlement.party import CENTRE
from tests.commands import as_json, gongzhang
from tests.network import QINGHAI, SICHUAN

HOSPITAL, OTHER = "H51010000059", "H51010000060"
CODES = [SICHUAN, QINGHAI]
MONTH = "2017-03"


class Town:
    """Two provinces, the centre, a hospital with its token, and a person who falls ill."""

    def __init__(self, folder: Path) -> None:
        found(folder, CODES, business_date="2017-03-05")
        self.folder = folder
        self.door = f"http://127.0.0.1:{free_ports(1)[0]}"
        self.set_up(SICHUAN, hospitals=self.door)
        self.set_up(QINGHAI, policy="qinghai-example")
        self.net = LocalNet(folder)

    def set_up(self, code: str, **changes: Any) -> None:
        config = replace(load_config(self.home(code)), **changes)
        (self.home(code) / "node.toml").write_text(format_config(config), encoding="utf-8")

    def home(self, code: str) -> Path:
        return self.folder / code

    async def run(self, *words: object) -> Any:
        """Run a command that prints JSON, beside the nodes."""
        return await asyncio.to_thread(as_json, *words)

    async def post(self, verb: str, body: Any, token: str) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {token}"}
        async with (
            aiohttp.ClientSession() as session,
            session.post(
                f"{self.door}/api/v1/claims:{verb}", json=body, headers=headers
            ) as response,
        ):
            return response.status, json.loads(await response.read())

    async def insist(self, verb: str, body: Any, token: str) -> Any:
        """Post until the directory has reached the other province and the node is reachable."""
        for _ in range(200):
            status, value = await self.post(verb, body, token)
            if value.get("code") not in ("INSTITUTION_UNKNOWN", "UNREACHABLE", "UNKNOWN_OUTCOME"):
                return {"status": status, **value}
            await asyncio.sleep(0.1)
        raise AssertionError(value)


def claim(setl_id: str, person: str, **changes: Any) -> dict[str, Any]:
    return {
        "setl_id": setl_id, "mdtrt_id": "V" + setl_id, "person": person, "institution": HOSPITAL,
        "med_type": "21", "begndate": "2017-03-01", "enddate": "2017-03-04",
        "setl_time": "2017-03-04T10:00:00+08:00",
        "fees": [
            {"category": "09", "class_a": "12000.00", "class_b": "3000.00"},
            {"category": "01", "class_a": "600.00", "self_paid": "300.00"},
        ],
        **changes,
    }  # fmt: skip


async def walk(town: Town) -> None:
    insured, treatment = town.home(QINGHAI), town.home(SICHUAN)
    await town.net.start([CENTRE, *CODES])
    await town.net.unlocked([CENTRE, *CODES])
    token = (await town.run("claim", "token", HOSPITAL, "--home", treatment, "--json"))["token"]
    for code in (HOSPITAL, OTHER):
        await order(
            treatment, "institution_put", code=code, name="华西示例医院", level=3, area="510100",
            services=["inpatient", "outpatient"],
        )  # fmt: skip
    person = (
        await order(
            insured, "person_add", psn_no="P1", name="张三", birth="1950-02-03", insutype="310",
            insured_area="630100", account_fen=100_000,
        )
    )["token"]  # fmt: skip

    # Not registered: refused with the text to show, and nothing is kept.
    refused = await town.insist("settle", claim("C0", person), token)
    assert (refused["status"], refused["code"]) == (422, "NOT_REGISTERED")
    assert "备案" in refused["zh"]

    # Registered for one institution only, as a referral is.
    made = await order(
        insured, "register", token=person, category="referral", destination="510100",
        institutions=[OTHER], begins="2017-02-01",
    )  # fmt: skip
    refused = await town.insist("settle", claim("C0", person), token)
    assert refused["code"] == "WRONG_INSTITUTION"
    await order(
        insured, "register_change", registration_id=made["registration_id"],
        institutions=[HOSPITAL],
    )  # fmt: skip

    computed = await town.insist("presettle", claim("C1", person), token)
    assert (computed["status"], computed["state"]) == (200, "computed")

    # Suspended between pre-settlement and settlement: blocked at once, at both nodes.
    await order(treatment, "institution_suspend", code=HOSPITAL, reason="audit")
    refused = await town.insist("settle", claim("C1", person), token)
    assert refused["code"] == "INSTITUTION_SUSPENDED"
    await order(treatment, "institution_resume", code=HOSPITAL)

    done = await settle_again_after_a_kill(town, claim("C1", person), token)
    assert done["bill"] == computed["bill"]
    bill = {name: int(yuan.replace(".", "")) for name, yuan in done["bill"].items()}
    assert bill["medfee_sumamt"] == 1_590_000
    assert bill["fund_pay_sumamt"] + bill["acct_pay"] + bill["cash_payamt"] == 1_590_000
    assert done["steps"][0]["step"] == "TOTAL"

    # A second stay is settled and taken back.
    await town.insist("settle", claim("C2", person), token)
    wish = {"setl_id": "C2", "cancel_id": "C2R", "setl_time": "2017-03-05T12:00:00+08:00"}
    assert (await town.insist("cancel", wish, token))["state"] == "cancelled"

    await accepted(town, "C2R")
    owed = bill["fund_pay_sumamt"] + bill["acct_pay"]
    month = Rehearsal(town.net, CODES, lambda _month, _what: None)
    report = await month.month(MONTH, [])
    assert report["state"] == "FINAL"
    assert report["nets_fen"] == {SICHUAN: owed, QINGHAI: -owed}
    assert report["entries"] == 3

    life = await town.run("entry", "show", "C1", "--home", treatment, "--json")
    assert (life["state"], life["batch"]) == ("cleared", MONTH)
    shown = await town.run("claim", "show", "C1", "--home", treatment, "--json")
    assert shown["state"] == "settled"
    await compared(town, "2017-03-04")
    policy = town.folder / "auditor.policy"
    for code in (CENTRE, *CODES):
        audited = await asyncio.to_thread(
            gongzhang, "audit", "verify", town.home(code), "--policy", policy
        )
        assert audited.returncode == 0, audited.stdout + audited.stderr

    # The person is erased at both provinces; the logs still verify.
    erased = await order(insured, "erase", token=person)
    assert erased["cases"] == 3
    await gone(town, "C1")
    fsck = await asyncio.to_thread(gongzhang, "log", "fsck", "--home", treatment)
    assert fsck.returncode == 0, fsck.stdout + fsck.stderr


async def settle_again_after_a_kill(town: Town, body: Any, token: str) -> Any:
    """Settle while the insured node is killed under it; ask again with the same id."""
    asked = asyncio.create_task(town.post("settle", body, token))
    await asyncio.sleep(0.005)
    town.net.kill(QINGHAI)
    await town.net.processes[QINGHAI].wait()
    status, value = await asked
    assert (status, value.get("state")) == (200, "settled") or status in (503, 504), value
    await town.net.start([QINGHAI])
    await town.net.unlocked([QINGHAI])
    done = await town.insist("settle", body, token)
    assert (done["status"], done["state"]) == (200, "settled")
    assert await town.insist("settle", body, token) == done
    return done


async def accepted(town: Town, setl_id: str) -> None:
    for _ in range(200):
        life = await town.run("entry", "show", setl_id, "--home", town.home(QINGHAI), "--json")
        if life["accepted"]:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"{setl_id} was not accepted")


async def compared(town: Town, day: str) -> None:
    """Wait until both provinces have the same of a day, as the morning finds by itself."""
    for _ in range(100):
        shown = await asyncio.to_thread(
            gongzhang, "day", "statement", "--day", day, "--home", town.home(QINGHAI)
        )
        if shown.returncode == 0 and "15,900.00" in shown.stdout:
            return
        await asyncio.sleep(0.2)
    raise AssertionError(shown.stdout + shown.stderr)


async def gone(town: Town, setl_id: str) -> None:
    for _ in range(100):
        found = await asyncio.to_thread(
            gongzhang, "claim", "show", setl_id, "--home", town.home(SICHUAN), "--json"
        )
        if json.loads(found.stdout).get("code") == "UNKNOWN_CLAIM":
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"{setl_id} is still known: {found.stdout}")


def test_a_patient_is_registered_treated_settled_and_cleared(tmp_path: Path) -> None:
    async def play() -> None:
        town = Town(tmp_path / "net")
        try:
            await walk(town)
        finally:
            await town.net.stop()

    asyncio.run(play())


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_bill_is_shown_step_by_step_and_nothing_is_cut_off(tmp_path: Path, language: str) -> None:
    async def play() -> str:
        town = Town(tmp_path / "net")
        try:
            await town.net.start([CENTRE, *CODES])
            await town.net.unlocked([CENTRE, *CODES])
            load = ["claim", "simulate", "--home", town.home(SICHUAN), "--insured-home",
                    town.home(QINGHAI), "--seconds", 1, "--people", 2]  # fmt: skip
            ran = await asyncio.to_thread(gongzhang, *load, "--json")
            assert ran.returncode == 0, ran.stdout + ran.stderr
            kinds = json.loads(ran.stdout)["kinds"]
            assert sum(kind["claims"] for kind in kinds.values()) == 10
            file = tmp_path / "claim.json"
            token = (await order(
                town.home(QINGHAI), "person_add", psn_no="P1", name="张三", birth="1950-02-03",
                insutype="310", insured_area="630100",
            ))["token"]  # fmt: skip
            await order(
                town.home(QINGHAI), "register", token=token, category="resettled",
                destination="510100", begins="2017-01-01",
            )  # fmt: skip
            body = claim("Z1", token, institution="H51010000001")
            file.write_text(json.dumps(body), encoding="utf-8")
            ran = await asyncio.to_thread(
                gongzhang,
                "claim",
                "presettle",
                file,
                "--home",
                town.home(SICHUAN),
                GONGZHANG_LANG=language,
            )
            assert ran.returncode == 0, ran.stdout + ran.stderr
            body["fees"][0]["class_a"] = "1"
            file.write_text(json.dumps(body), encoding="utf-8")
            wrong = await asyncio.to_thread(
                gongzhang, "claim", "settle", file, "--home", town.home(SICHUAN)
            )
            assert wrong.returncode == 2
            assert "$.fees[0].class_a" in wrong.stderr
            return str(ran.stdout)
        finally:
            await town.net.stop()

    shown = asyncio.run(play())
    assert "…" not in shown
    assert "15900.00" in shown
    assert ("全自费" if language == "zh" else "wholly self-paid") in shown
