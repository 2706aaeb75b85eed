"""The directory over real HTTP, for everybody and for operators; erasing through the socket."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from ledger.errors import FormError
from node.directory import SLICE
from node.message import Case, DeliverNotices
from node.routes import query_of
from settlement.casefile import encode_case
from settlement.directory import Query
from tests.network import QINGHAI, case_row
from tests.node.test_server import Node
from tests.registry import HOSPITAL, wanted

HEADER = "code,name,level,area,services,state,reason"


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    made = Node(tmp_path)
    await made.start()
    yield made
    await made.stop()


def directory_file(count: int, *more: str) -> bytes:
    rows = [
        f"H510104{n:05d},第{n}医院,{n % 4},51010{n % 10},inpatient|outpatient,open,"
        for n in range(1, count + 1)
    ]
    return ("\n".join([HEADER, *rows, *more]) + "\n").encode()


async def asked(node: Node, **query: Any) -> tuple[int, Any]:
    url = f"{node.public}/api/v1/institutions?{urlencode(query)}"
    async with node.session.get(url) as response:
        return response.status, json.loads(await response.read())


async def test_a_file_of_several_slices_is_entered_once_and_found_by_everybody(
    node: Node,
) -> None:
    count = 2 * SLICE + 7
    data = directory_file(count, f"{HOSPITAL},华西医院,3,510104,chronic,suspended,超标收费")
    dry = await node.order("/api/v1/institutions?dry_run", data)
    assert (dry[0], dry[1]["new"]) == (200, count + 1)
    for entered in (count + 1, 0):
        status, value = await node.order("/api/v1/institutions", data)
        assert (status, value["entered"]) == (200, entered)
    status, page = await asked(node, area="510104", limit=3)
    assert status == 200
    assert [row["code"] for row in page["institutions"]] == [
        HOSPITAL, "H51010400004", "H51010400014",
    ]  # fmt: skip
    status, after = await asked(node, area="510104", limit=3, cursor=page["cursor"])
    assert after["institutions"][0]["code"] == "H51010400024"
    _, found = await asked(node, area="510000", name="华西", service="chronic", state="suspended")
    assert found == {
        "institutions": [
            {"code": HOSPITAL, "name": "华西医院", "level": 3, "area": "510104",
             "services": ["chronic"], "state": "suspended", "reason": "超标收费", "revision": 1}
        ],
        "cursor": "",
    }  # fmt: skip
    assert (await asked(node, area="540000"))[1] == {"institutions": [], "cursor": ""}


async def test_a_file_with_one_fault_enters_nothing(node: Node) -> None:
    data = directory_file(3, "H51010400009,院,7,510104,inpatient,open,")
    status, value = await node.order("/api/v1/institutions", data)
    assert status == 422
    assert [(f["line"], f["column"], f["code"]) for f in value["faults"]] == [(5, "level", "LEVEL")]
    assert (await asked(node, area="510000"))[1]["institutions"] == []


@pytest.mark.parametrize(
    "query",
    [
        {}, {"area": "51"}, {"area": "510000", "service": "dental"}, {"area": "510000", "limit": 0},
        {"area": "510000", "limit": "x"}, {"area": "510000", "limit": "10000"},
        {"area": "510000", "sort": "name"}, {"area": "510000", "cursor": "../x"},
        {"area": "510000", "name": "x" * 101},
    ],
)  # fmt: skip
async def test_a_wrong_question_is_a_problem_that_names_what_is_wrong(
    node: Node, query: dict[str, Any]
) -> None:
    url = f"{node.public}/api/v1/institutions?{urlencode(query)}"
    async with node.session.get(url) as response:
        assert response.status == 400
        assert response.content_type == "application/problem+json"
        assert json.loads(await response.read())["code"] == "FORM"


async def test_more_questions_than_are_answered_at_a_time_are_told_to_come_back(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.routes.MAX_SEARCHES", 0)
    status, value = await asked(node, area="510000")
    assert (status, value["code"]) == (503, "BUSY")


def test_a_parameter_stands_there_once() -> None:
    assert query_of({"area": "510000"}) == Query("510000")
    with pytest.raises(FormError):
        query_of({"area": "510000"}, twice=True)


async def test_the_public_side_takes_no_files_and_erases_nobody(node: Node) -> None:
    for path in ("/api/v1/institutions", "/api/v1/orders/erase", "/api/v1/orders/person_add"):
        status, _ = await node.post(path, b"{}")
        assert status in (404, 405)


async def test_notices_come_from_members_that_sign_them(node: Node) -> None:
    body, path = DeliverNotices([], [], []).encode(), DeliverNotices.path
    assert (await node.post(path, body))[0] == 401
    assert (await node.post(path, body, headers=node.signed(path, body)))[0] == 200


async def test_a_person_is_taken_in_and_erased_through_the_socket(node: Node) -> None:
    given = wanted(insured_area="510100")
    status, value = await node.order("/api/v1/orders/person_add", json.dumps(given).encode())
    assert status == 200
    token = {"token": value["token"]}
    status, value = await node.order("/api/v1/orders/erase", json.dumps(token).encode())
    assert (status, value["cases"], value["told"]) == (200, 0, [])
    status, value = await node.order("/api/v1/orders/erase", json.dumps(token).encode())
    assert (status, value["code"]) == (422, "PERSON_UNKNOWN")
    for body in (b"", b"[]", b"{}", b'{"token": 5}'):
        assert (await node.order("/api/v1/orders/erase", body))[0] == 400
        assert (await node.order("/api/v1/orders/erase_again", body))[0] == 400
    again = json.dumps({"province": QINGHAI}).encode()
    status, value = await node.order("/api/v1/orders/erase_again", again)
    assert (status, value["cases"]) == (200, 0)


async def test_case_files_of_a_person_are_found_before_the_order_is_given(node: Node) -> None:
    given = wanted(insured_area="510100")
    _, value = await node.order("/api/v1/orders/person_add", json.dumps(given).encode())
    role: Any = node.opened.role
    row = case_row(setl_id="Q1", mdtrtarea_admvs="630100", insuplc_admdvs="510100")
    role.vault.receive(QINGHAI, [Case("Q1", encode_case(row), bytes(32))])
    body = json.dumps({"token": value["token"]}).encode()
    status, value = await node.order("/api/v1/orders/erase", body)
    assert (status, value["code"]) == (422, "OPEN")  # Qinghai's log has not come with its entry
