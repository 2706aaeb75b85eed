"""The hospitals' door over real HTTP: tokens, forms, and what is said when nobody answers."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import FormError
from node.hospital import TOKENS, Tokens
from node.server import Server, listen
from settlement.record import Institution
from tests.network import SICHUAN
from tests.node.claims import HOSPITAL
from tests.node.test_server import Node
from tests.settlement.test_claim import GOOD

OTHER = "H51010000060"
CLAIM = {**GOOD, "institution": HOSPITAL}


class Counter(Node):
    """Sichuan's node with its door for hospitals; Qinghai never answers."""

    async def start(self) -> None:
        await super().start()
        role: Any = self.opened.role
        services = ["inpatient", "outpatient"]
        records = [
            Institution(code, 1, "示例医院", 3, "510100", services, "open", "")
            for code in (HOSPITAL, OTHER)
        ]
        role.orders = {**role.orders, "enter": lambda _r, turn: [turn.append(r) for r in records]}
        await self.driver.order("enter", {})
        self.tokens = Tokens(self.home / TOKENS)
        self.token = self.tokens.issue(HOSPITAL)
        server = Server(self.driver, self.opened.store, SICHUAN)
        door = await listen(server.hospitals(Tokens(self.home / TOKENS)), address=("127.0.0.1", 0))
        self.runners.append(door)
        self.door = f"http://127.0.0.1:{door.addresses[0][1]}"

    async def call(
        self, path: str, body: Any = None, token: str | None = None, method: str = "POST"
    ) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.token if token is None else token}"}
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with self.session.request(
            method, self.door + path, data=data if method == "POST" else None,
            headers=headers if token != "" else {},
        ) as response:  # fmt: skip
            return response.status, json.loads(await response.read() or b"null")


@pytest.fixture
async def counter(tmp_path: Path) -> AsyncIterator[Counter]:
    node = Counter(tmp_path)
    await node.start()
    yield node
    await node.stop()


@pytest.mark.parametrize("token", ["", "wrong", "Bearer x"])
async def test_nobody_is_let_in_without_a_token(counter: Counter, token: str) -> None:
    status, value = await counter.call("/api/v1/claims:presettle", CLAIM, token)
    assert (status, value["code"]) == (401, "TOKEN")


async def test_an_institution_speaks_for_itself_alone(counter: Counter) -> None:
    other = counter.tokens.issue(OTHER)
    status, value = await counter.call("/api/v1/claims:settle", CLAIM, other)
    assert (status, value["code"]) == (404, "UNKNOWN_CLAIM")
    assert (await counter.call("/api/v1/claims:settle", CLAIM))[0] == 504
    assert (await counter.call("/api/v1/claims/C1", method="GET"))[0] == 200
    status, value = await counter.call("/api/v1/claims/C1", token=other, method="GET")
    assert (status, value["code"]) == (404, "UNKNOWN_CLAIM")
    form = {"setl_id": "C1", "cancel_id": "C1R", "setl_time": "2017-03-06T10:00:00+08:00"}
    status, value = await counter.call("/api/v1/claims:cancel", form, other)
    assert (status, value["code"]) == (404, "UNKNOWN_CLAIM")


async def test_a_new_token_ends_the_old_one_and_no_token_is_stored(counter: Counter) -> None:
    old, counter.token = counter.token, counter.tokens.issue(HOSPITAL)
    assert (await counter.call("/api/v1/claims/C9", token=old, method="GET"))[0] == 401
    assert (await counter.call("/api/v1/claims/C9", method="GET"))[0] == 404
    stored = (counter.home / TOKENS).read_text(encoding="utf-8")
    assert counter.token not in stored
    assert HOSPITAL in stored
    with pytest.raises(FormError, match="institution"):
        counter.tokens.issue("H1")


async def test_silence_of_the_insured_province_is_said_with_the_text_to_show(
    counter: Counter,
) -> None:
    status, value = await counter.call("/api/v1/claims:settle", CLAIM)
    assert (status, value["code"]) == (504, "UNKNOWN_OUTCOME")
    assert "同一编号" in value["zh"]
    status, value = await counter.call("/api/v1/claims:settle", {**CLAIM, "setl_id": "C2"})
    assert (status, value["code"]) == (503, "UNREACHABLE")
    assert "手工报销" in value["zh"]
    status, value = await counter.call("/api/v1/claims/C1", method="GET")
    assert (status, value["state"]) == (200, "asked")
    assert (await counter.call("/api/v1/claims/C2", method="GET"))[0] == 404


@pytest.mark.parametrize(
    ("body", "status", "code", "names"),
    [
        (b"", 400, "FORM", "claim"), (b"[]", 400, "FORM", "claim"),
        ({**CLAIM, "med_type": "99"}, 400, "FORM", "med_type"),
        ({**CLAIM, "fees": [{"category": "01", "class_a": "1"}]}, 400, "FORM", "fees[0].class_a"),
        ({**CLAIM, "med_type": "41"}, 422, "SERVICE_NOT_OPEN", "service"),
        (b'{"a":"' + b"x" * 70_000 + b'"}', 400, "FORM", "65536"),
    ],
)  # fmt: skip
async def test_bad_input_is_named(
    counter: Counter, body: Any, status: int, code: str, names: str
) -> None:
    found, value = await counter.call("/api/v1/claims:presettle", body)
    assert (found, value["code"]) == (status, code)
    assert names in value["detail"]


async def test_a_body_beyond_all_measure_is_cut_off(counter: Counter) -> None:
    assert (await counter.call("/api/v1/claims:settle", b"x" * 300_000))[0] == 413


async def test_the_door_describes_itself(counter: Counter) -> None:
    status, value = await counter.call("/api/v1/openapi.json", method="GET")
    assert status == 200
    assert set(value["paths"]) == {
        "/api/v1/claims:presettle", "/api/v1/claims:settle", "/api/v1/claims:cancel",
        "/api/v1/claims/{setl_id}",
    }  # fmt: skip
    assert set(CLAIM) <= set(value["components"]["schemas"]["ClaimForm"]["properties"])
