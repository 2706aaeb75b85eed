"""Finding institutions: by area, service, name and state, page by page."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import FormError
from settlement.directory import (
    COLUMNS,
    FAULTS,
    Page,
    Query,
    Row,
    check_institution,
    find,
    read_row,
    same,
    shown,
)
from settlement.record import Institution
from settlement.registration import SERVICES
from tests.network import SICHUAN, Logs
from tests.registry import institution

DIRECTORY = [
    institution(code="H51010000001", area="510104", name="成都第一医院"),
    institution(code="H51010000002", area="510104", name="Huaxi Hospital",
                services=["chronic", "inpatient"]),
    institution(code="P51010000003", area="510107", name="康华药店", level=0,
                services=["pharmacy"]),
    institution(code="H51070000004", area="510700", name="绵阳第一医院", state="suspended",
                reason="overcharging"),
    institution(code="H51070000005", area="510703", name="绵阳人民医院"),
]  # fmt: skip


@pytest.fixture(scope="module")
def logs() -> Logs:
    logs = Logs()
    assert logs.add(SICHUAN, *DIRECTORY) is None
    return logs


def codes(logs: Logs, **query: Any) -> list[str]:
    return [record.code[-1] for record in find(logs.store, Query(**query)).found]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"area": "510000"}, "12345"),
        ({"area": "510100"}, "123"),
        ({"area": "510104"}, "12"),
        ({"area": "510700"}, "45"),
        ({"area": "513200"}, ""),
        ({"area": "540000"}, ""),
        ({"area": "510000", "service": "inpatient"}, "1245"),
        ({"area": "510000", "service": "chronic"}, "2"),
        ({"area": "510000", "service": "pharmacy"}, "3"),
        ({"area": "510000", "state": "suspended"}, "4"),
        ({"area": "510700", "state": "open"}, "5"),
        ({"area": "510000", "name": "第一"}, "14"),
        ({"area": "510000", "name": "huaXI"}, "2"),
        ({"area": "510000", "name": "inpatient"}, ""),
        ({"area": "510000", "name": "overcharging"}, ""),
        ({"area": "510000", "name": "第一", "service": "inpatient", "state": "open"}, "1"),
    ],
)
def test_an_area_is_searched_with_all_that_lies_in_it(
    logs: Logs, query: dict[str, Any], found: str
) -> None:
    assert codes(logs, **query) == list(found)


def test_pages_follow_each_other_and_the_last_one_says_so(logs: Logs) -> None:
    seen, cursor = [], ""
    for _ in range(3):
        page = find(logs.store, Query("510000", cursor=cursor, limit=2))
        seen += [record.code[-1] for record in page.found]
        cursor = page.cursor
    assert (seen, cursor) == (list("12345"), "")
    assert find(logs.store, Query("510000", limit=5)) == Page(DIRECTORY, "")


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ({"area": "51"}, "area"), ({"area": "990000"}, "area"), ({"area": "100000"}, "area"),
        ({"area": "510000", "service": "dental"}, "service"),
        ({"area": "510000", "state": "closed"}, "state"),
        ({"area": "510000", "name": "x" * 101}, "name"),
        ({"area": "510000", "name": "a\x00b"}, "name"),
        ({"area": "510000", "cursor": "x"}, "cursor"),
        ({"area": "510000", "cursor": "510104x"}, "institution"),
        ({"area": "510000", "limit": 0}, "limit"), ({"area": "510000", "limit": 501}, "limit"),
    ],
)  # fmt: skip
def test_a_wrong_question_is_named(logs: Logs, query: dict[str, Any], place: str) -> None:
    with pytest.raises(FormError) as error:
        find(logs.store, Query(**query))
    assert error.value.place == place


@given(st.data())
def test_a_search_finds_what_looking_at_each_one_finds(data: st.DataObject) -> None:
    logs, newest = Logs(), dict[str, Institution]()
    for _ in range(data.draw(st.integers(0, 8))):
        code = f"H510100{data.draw(st.integers(0, 3)):05d}"
        record = institution(
            code=code,
            revision=newest[code].revision + 1 if code in newest else 1,
            name=data.draw(st.sampled_from(["甲院", "乙院", "Jia", "inpatient"])),
            area=data.draw(st.sampled_from(["510100", "510104", "510700", "513221"])),
            services=sorted(data.draw(st.sets(st.sampled_from(SERVICES)))),
            state=data.draw(st.sampled_from(["open", "suspended"])),
            reason="x",
        )
        assert logs.add(SICHUAN, record) is None
        newest[code] = record
    area = data.draw(st.sampled_from(["510000", "510100", "510104", "510700"]))
    service = data.draw(st.sampled_from(["", "inpatient", "pharmacy"]))
    name = data.draw(st.sampled_from(["", "院", "JIA", "t"]))
    prefix = {"510000": "51", "510100": "5101", "510104": "510104", "510700": "5107"}[area]
    expected = [
        record
        for record in newest.values()
        if record.area.startswith(prefix)
        and (not service or service in record.services)
        and name.lower() in record.name.lower()
    ]
    found = find(logs.store, Query(area, service, name)).found
    assert found == sorted(expected, key=lambda r: (r.area, r.code))


# --- what may stand in it ------------------------------------------------------------------------

ROW = Row("H51010000001", "成都第一医院", "3", "510104", "outpatient|inpatient", "open", "")


def test_a_row_of_a_file_is_an_institution() -> None:
    record, wrong = read_row(ROW, SICHUAN)
    assert wrong == []
    assert record == institution()
    assert read_row(ROW._replace(services=""), SICHUAN)[0] == institution(services=[])
    suspended = read_row(ROW._replace(state="suspended", reason="overcharging"), SICHUAN)[0]
    assert suspended == institution(state="suspended", reason="overcharging")


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"code": "H5101"}, ["code"]),
        ({"code": "H54010000001"}, ["code"]),
        ({"name": ""}, ["name"]),
        ({"name": "三" * 101}, ["name"]),
        ({"level": "4"}, ["level"]),
        ({"level": "03"}, ["level"]),
        ({"area": "540102"}, ["area"]),
        ({"services": "inpatient|"}, ["services"]),
        ({"services": "inpatient|inpatient"}, ["services"]),
        ({"state": ""}, ["state"]),
        ({"state": "suspended"}, ["reason"]),
        ({"reason": "x"}, ["reason"]),
        ({"code": "x", "area": "y", "level": ""}, ["code", "level", "area"]),
    ],
)
def test_every_wrong_column_of_a_row_is_named(changes: dict[str, str], wrong: list[str]) -> None:
    assert read_row(ROW._replace(**changes), SICHUAN) == (None, wrong)
    assert all(FAULTS[column].en and FAULTS[column].zh for column in wrong)


def test_what_is_put_in_by_hand_is_checked_as_files_are() -> None:
    given = institution(services=["outpatient", "inpatient"])
    assert check_institution(given, SICHUAN) == institution()
    for wrong in (
        institution(services="inpatient"), institution(level=True), institution(name=5),
        institution(reason="x"), institution(area="630100"), institution(reason=None),
    ):  # fmt: skip
        with pytest.raises(FormError):
            check_institution(wrong, SICHUAN)


def test_two_revisions_say_the_same_if_only_their_number_differs() -> None:
    assert same(institution(), institution(revision=7))
    for column, value in zip(COLUMNS, [*"HN4AS", "suspended", "x"], strict=True):
        assert not same(institution(), institution(**{column: value}))
    assert shown(institution())["revision"] == 1
