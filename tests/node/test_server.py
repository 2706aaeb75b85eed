"""One node over real HTTP, with a real store in a real home."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from ledger.checkpoint import Checkpoint, sign_checkpoint
from ledger.cosignature import verify_cosignature
from ledger.hashing import hash_bytes, leaf_hash
from ledger.note import (
    ED25519,
    format_vkey,
    parse_note,
    parse_signature,
    parse_vkey,
    verifier_key,
)
from ledger.signature import public_key
from node import peerauth
from node.addcheckpoint import format_request
from node.clock import wall_ms
from node.config import PROVINCE_AUTOMATIC, Config
from node.driver import Driver
from node.home import Opened, init, join, open_home
from node.message import (
    DAY_ROWS,
    DAY_TOTALS,
    NO_ANSWER,
    Answer,
    AskDay,
    AskDayDetail,
    AskHead,
    AskSeen,
    DeliverCases,
    TellHead,
)
from node.server import Server, listen
from settlement.casefile import COLUMNS, CaseRow
from settlement.party import CENTRE
from settlement.roster import make_genesis
from tests.commands import as_json, gongzhang
from tests.network import QINGHAI, SICHUAN, TIBET, case_row, seed
from tests.settlement.test_business import edited, xlsx_of
from tests.settlement.test_importing import file_of


class Node:
    """Sichuan's node; the others exist only as keys."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / SICHUAN
        members = [
            init(folder / code, Config(code, "http://127.0.0.1:1", automatic=acts))
            for code, acts in [
                (CENTRE, frozenset()), (SICHUAN, PROVINCE_AUTOMATIC), (TIBET, PROVINCE_AUTOMATIC),
                (QINGHAI, PROVINCE_AUTOMATIC),
            ]
        ]  # fmt: skip
        genesis = make_genesis(1, [public_key(seed("governance", "1"))], members)
        join(self.home, genesis)
        join(folder / QINGHAI, genesis)
        self.folder = folder

    async def start(self) -> None:
        self.opened: Opened = open_home(self.home, lambda: None)
        self.driver = Driver(self.opened.role, self._send)
        server = Server(self.driver, self.opened.store, SICHUAN)
        self.runners = [
            await listen(server.public(), address=("127.0.0.1", 0)),
            await listen(server.operators(), address=("127.0.0.1", 0)),
        ]
        self.public, self.private = (
            f"http://127.0.0.1:{runner.addresses[0][1]}" for runner in self.runners
        )
        self.task = asyncio.create_task(self.driver.run())
        self.session = aiohttp.ClientSession()
        for _ in range(1_000):
            if self.opened.role.lock.open:
                break
            await asyncio.sleep(0.01)

    async def _send(self, _to: str, message: Any) -> Answer:
        return Answer(200) if isinstance(message, AskSeen) else NO_ANSWER

    async def stop(self) -> None:
        await self.session.close()
        self.driver.stop()
        await self.task
        for runner in self.runners:
            await runner.cleanup()
        self.opened.close()

    def signed(self, path: str, body: bytes, sender: str = QINGHAI) -> dict[str, str]:
        other = open_home(self.folder / sender, lambda: None)
        try:
            roster, key = other.role.founding, other.role.keys.transport
        finally:
            other.close()
        value = peerauth.header(roster, key, sender, SICHUAN, path, wall_ms(), body)
        return {peerauth.HEADER: value}

    async def post(self, path: str, body: bytes, **options: Any) -> tuple[int, bytes]:
        async with self.session.post(self.public + path, data=body, **options) as response:
            return response.status, await response.read()

    async def get(self, path: str) -> aiohttp.ClientResponse:
        async with self.session.get(self.public + path) as response:
            await response.read()
            return response

    async def order(self, path: str, body: bytes) -> tuple[int, Any]:
        async with self.session.post(self.private + path, data=body) as response:
            return response.status, json.loads(await response.read())


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    made = Node(tmp_path)
    await made.start()
    yield made
    await made.stop()


async def test_a_file_is_imported_once_and_its_report_counts(node: Node) -> None:
    data = file_of(case_row(setl_id="A1"), case_row(setl_id="A2"))
    status, value = await node.order("/api/v1/import", data)
    assert (status, value["entered"], value["known"]) == (200, 2, 0)
    status, value = await node.order("/api/v1/import", data)
    assert (status, value["entered"], value["known"]) == (200, 0, 2)


async def test_a_dry_run_enters_nothing(node: Node) -> None:
    data = file_of(case_row(setl_id="A1"))
    status, value = await node.order("/api/v1/import?dry_run", data)
    assert (status, value["new"]) == (200, 1)
    assert (await node.order("/api/v1/import", data))[1]["entered"] == 1


async def test_rows_of_other_provinces_are_faults_unless_left_out(node: Node) -> None:
    other = case_row(setl_id="B1", mdtrtarea_admvs="540100")
    data = file_of(case_row(setl_id="A1"), other)
    status, value = await node.order("/api/v1/import", data)
    assert status == 422
    assert [(f["line"], f["code"]) for f in value["faults"]] == [(3, "NOT_MINE")]
    status, value = await node.order("/api/v1/import?only_mine", data)
    assert (status, value["entered"], value["left_out"]) == (200, 1, 1)


async def test_orders_with_wrong_arguments_are_refused_and_the_node_lives(node: Node) -> None:
    for path, body, status in [
        ("/api/v1/orders/accept", b"[", 400),
        ("/api/v1/orders/accept", b"[]", 400),
        ("/api/v1/orders/accept", b'{"log": 5, "x": 1}', 422),
        ("/api/v1/orders/nonsense", b"", 422),
        ("/api/v1/orders/admit", b'{"admission": "zz"}', 400),
        ("/api/v1/orders/paid", b'{"month": 5, "leg": [], "reference": {}, "date": null}', 422),
    ]:
        found, value = await node.order(path, body)
        assert found == status, (path, value)
        assert value["code"]
    assert (await node.order("/api/v1/orders/accept", b""))[0] == 200


async def test_a_peer_must_sign_its_requests(node: Node) -> None:
    body = AskHead(SICHUAN, 0).encode()
    assert (await node.post(AskHead.path, body))[0] == 401
    good = node.signed(AskHead.path, body)
    assert (await node.post(AskHead.path, body, headers=good))[0] == 200
    assert (await node.post(AskHead.path, body + b"\x00", headers=good))[0] == 401
    assert (await node.post(TellHead.path, body, headers=good))[0] == 401


async def test_a_signed_peer_that_sends_nonsense_gets_a_clear_answer(node: Node) -> None:
    for path, body, status in [
        (AskHead.path, b"\xff", 400),
        (TellHead.path, TellHead(b"nonsense").encode(), 422),
        (DeliverCases.path, DeliverCases([]).encode(), 200),
    ]:
        headers = node.signed(path, body)
        found, text = await node.post(path, body, headers=headers)
        assert found == status, text


async def test_bodies_have_limits_and_no_compression(node: Node) -> None:
    assert (await node.post("/peer/v1/cases", b"x" * (9 << 20)))[0] == 413
    packed = {"Content-Encoding": "gzip"}
    assert (await node.post("/peer/v1/cases", b"x", headers=packed, skip_auto_headers=()))[0] == 415
    assert (await node.post("/witness/add-checkpoint", b"nonsense"))[0] == 400


async def test_what_is_not_there_is_404_and_never_an_error(node: Node) -> None:
    for path in [
        f"/log/{SICHUAN}/checkpoint", "/log/990000/checkpoint", "/log/x/tile/0/000",
        f"/log/{SICHUAN}/tile/0/000", f"/log/{SICHUAN}/tile/64/000", f"/log/{SICHUAN}/tile/0/0",
        f"/log/{SICHUAN}/tile/entries/000.p/257", f"/log/{SICHUAN}/tile/../../node.toml", "/",
        f"/witness/{'0' * 64}/checkpoint", "/witness/x/checkpoint",
    ]:  # fmt: skip
        assert (await node.get(path)).status == 404, path


async def test_the_health_of_a_node_is_public_and_names_it(node: Node) -> None:
    response = await node.get("/healthz")
    assert response.status == 200
    assert response.headers["Server"] == "gongzhang"


async def test_the_operators_door_is_not_on_the_public_address(node: Node) -> None:
    assert (await node.post("/api/v1/orders/accept", b""))[0] == 404
    assert (await node.post("/api/v1/import", b""))[0] == 404


async def test_a_node_with_a_full_queue_says_503_and_when_to_come_again(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.driver.MAX_WAITING", 0)
    async with node.session.post(node.public + "/witness/add-checkpoint", data=b"x") as response:
        assert response.status == 503
        assert response.headers["Retry-After"] == "1"
    monkeypatch.undo()
    assert (await node.post("/witness/add-checkpoint", b"x"))[0] == 400


async def test_a_restart_goes_on_where_it_stopped(node: Node) -> None:
    data = file_of(case_row(setl_id="A1"))
    await node.order("/api/v1/import", data)
    await node.stop()
    await node.start()
    assert (await node.order("/api/v1/import", data))[1]["known"] == 1


async def test_a_member_is_told_its_own_day_and_nobody_elses(node: Node) -> None:
    at = "2017-03-05"
    other = case_row(setl_id="T1", insuplc_admdvs="540100")
    await node.order("/api/v1/import", file_of(case_row(setl_id="A1"), other))
    # Nobody is there to take the case files over: they are on their way for ever.
    for code in (QINGHAI, TIBET):
        node.opened.role.vault.delivered(code, ["A1", "T1"])  # type: ignore[attr-defined]
    body = AskDay(at, 2).encode()
    assert (await node.post(AskDay.path, body))[0] == 401
    status, answer = await node.post(AskDay.path, body, headers=node.signed(AskDay.path, body))
    (cell,) = DAY_TOTALS.decode(answer).cells
    assert (status, cell.settlements, cell.medfee_fen) == (200, 1, 10_000)
    body = AskDayDetail(at, 2, "310", "21", "").encode()
    headers = node.signed(AskDayDetail.path, body)
    rows = DAY_ROWS.decode((await node.post(AskDayDetail.path, body, headers=headers))[1]).rows
    assert [row.setl_id for row in rows] == ["A1"]
    for path, text in [(AskDay.path, b"\xff"), (AskDayDetail.path, AskDay(at, 2).encode())]:
        assert (await node.post(path, text, headers=node.signed(path, text)))[0] == 400


async def test_the_statements_of_a_day_are_for_the_operator(node: Node) -> None:
    async with node.session.get(node.private + "/api/v1/day/statement") as response:
        value = await response.json()
        assert (response.status, value["code"], value["statements"]) == (200, SICHUAN, [])
    for query, status, code in [
        ("day=2017-3-1", 400, "FORM"), ("with=990000", 422, "WITH"), ("with=510000", 422, "WITH"),
    ]:  # fmt: skip
        async with node.session.get(f"{node.private}/api/v1/day/statement?{query}") as response:
            assert (response.status, (await response.json())["code"]) == (status, code)
    assert (await node.get("/api/v1/day/statement")).status == 404
    assert (await node.post("/api/v1/day/compare?day=2017-03-05", b""))[0] == 404


async def test_an_export_is_compared_with_what_the_node_holds(node: Node) -> None:
    rows = [case_row(setl_id="A1"), case_row(setl_id="A2", mdtrt_id="V2", psn_no="P2")]
    await node.order("/api/v1/import", file_of(*rows))
    path = "/api/v1/day/compare?day=2017-03-05&side=treatment"
    status, value = await node.order(path, file_of(*rows))
    assert (status, value["match"], value["rows"]["node"]) == (200, True, 2)
    other = [rows[0]._replace(medfee_sumamt="161.00"), case_row(setl_id="A3", mdtrt_id="V3")]
    found = await node.order(path, xlsx_of_cases(other))
    assert {d["setl_id"]: d["kind"] for d in found[1]["differences"]} == {
        "A1": "AMOUNT", "A2": "ONLY_OURS", "A3": "ONLY_THEIRS",
    }  # fmt: skip
    assert found[1]["counts"] == {"AMOUNT": 1, "ONLY_OURS": 1, "ONLY_THEIRS": 1}
    # Nothing is owed to others here, so on the other side the file is all there is.
    status, value = await node.order("/api/v1/day/compare?month=2017-03", file_of(*rows))
    assert (value["rows"]["node"], value["rows"]["left_out"]) == (0, 2)


async def test_a_file_that_cannot_be_compared_is_refused_and_the_node_lives(node: Node) -> None:
    path = "/api/v1/day/compare?day=2017-03-05"
    bad = file_of(case_row(medfee_sumamt="1.999"))
    status, value = await node.order(path, bad)
    assert (status, value["faults"][0]["code"], value["faults"][0]["line"]) == (422, "DECIMALS", 2)
    data = xlsx_of_cases([case_row()])
    killer = edited(data, b'uniqueCount="', b'uniqueCount="99999999999', "xl/sharedStrings.xml")
    status, value = await node.order(path, killer)
    assert (status, value["faults"][0]["code"]) == (422, "WORKBOOK")
    for query in ("", "day=2017-03-05&month=2017-03", "day=x", "month=2017-13", "day="):
        assert (await node.order(f"/api/v1/day/compare?{query}", b""))[0] in (400, 422)
    status, value = await node.order(f"{path}&side=both", file_of(case_row()))
    assert (status, value["code"]) == (400, "FORM")
    assert (await node.order(path, file_of(case_row())))[0] == 200


def xlsx_of_cases(rows: list[CaseRow]) -> bytes:
    return xlsx_of(*rows, header=COLUMNS)


async def test_a_log_outside_the_network_is_witnessed_over_http_as_configured(node: Node) -> None:
    name, origin, secret = "witness.example.cn/510000", "log.example.org/one", bytes(range(32))
    vkey = format_vkey(verifier_key(origin, ED25519, public_key(secret)))
    await node.stop()
    with (node.home / "node.toml").open("a", encoding="utf-8") as file:
        file.write(f'[witness]\nname = "{name}"\n[[witness.log]]\nvkey = "{vkey}"\n')
    refused = gongzhang("node", "run", "--home", node.home)
    assert refused.returncode == 2  # the key for it is missing, and the message names the file
    assert "foreign.key" in refused.stderr
    printed = as_json("key", "foreign", "--home", node.home)["vkey"]
    assert as_json("key", "foreign", "--home", node.home)["vkey"] == printed
    await node.start()
    note = sign_checkpoint(Checkpoint(origin, 1, leaf_hash(b"one")), secret)
    body = format_request(0, [], note)
    status, line = await node.post("/witness/add-checkpoint", body)
    assert status == 200, line
    verify_cosignature(
        parse_note(note).text, parse_vkey(printed), parse_signature(line.decode().splitlines()[0])
    )
    async with node.session.post(node.public + "/witness/add-checkpoint", data=body) as again:
        assert again.status == 409
        assert (await again.read(), again.content_type) == (b"1\n", "text/x.tlog.size")
    digest = hash_bytes(origin.encode()).hex()
    async with node.session.get(f"{node.public}/witness/{digest}/checkpoint") as monitored:
        names = [item.name for item in parse_note(await monitored.read()).signatures]
    assert names == [origin, name]
