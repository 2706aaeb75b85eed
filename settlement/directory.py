"""The directory of institutions (定点医疗机构): what may be in it, and finding in it.

Everybody has the copies of all logs, so everybody can answer. A search goes through the rows of one
area and decodes only those in whose bytes everything that is looked for occurs.
"""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from ledger import encoding
from ledger.errors import FormError
from ledger.table import Reader
from settlement import field
from settlement.lookup import directory, entry_at, folded
from settlement.outcome import Text
from settlement.party import province_of
from settlement.record import Institution
from settlement.registration import SERVICES, check_institution_code

MAX_PAGE, PAGE = 500, 50
STATES = ("open", "suspended")
_STATE = re.compile("|".join(STATES))
_SERVICE = re.compile("|".join(SERVICES))


class Row(NamedTuple):
    """One line of a file, every field as text; services stand between vertical bars."""

    code: str
    name: str
    level: str
    area: str
    services: str
    state: str
    reason: str


COLUMNS = Row._fields
FAULTS: dict[str, Text] = {
    "code": Text("expected a letter, six digits of an area of this province and five digits",
                 "应为一位字母、本省六位行政区划代码与五位数字"),
    "name": Text("expected a name of 1 to 100 characters on one line",
                 "应为一行以内 1 至 100 字的名称"),
    "level": Text("expected 0 (none), 1 (primary), 2 or 3 (tertiary)",
                  "应为 0（无等级）、1（一级）、2（二级）或 3（三级）"),
    "area": Text("expected six digits of an area of this province", "应为本省六位行政区划代码"),
    "services": Text("expected inpatient, outpatient, chronic, pharmacy, each once, | between",
                     "应为 inpatient、outpatient、chronic、pharmacy，以 | 分隔且各不重复"),
    "state": Text("expected open or suspended", "应为 open 或 suspended"),
    "reason": Text("expected the reason of a suspension, and nothing while it is open",
                   "暂停须写明原因，开通时应为空"),
    "twice": Text("this code stands in the file before with other content",
                  "文件中同一机构代码对应不同内容"),
}  # fmt: skip


class Query(NamedTuple):
    """What is looked for; empty fields are not."""

    area: str
    service: str = ""
    name: str = ""  # a part of the name, whatever the case of its letters
    state: str = ""
    cursor: str = ""  # area and code of the last one seen
    limit: int = PAGE


class Page(NamedTuple):
    """Some of what was found, by area and code, and where to go on: "" if that is all."""

    found: list[Institution]
    cursor: str


def check_query(query: Query) -> Query:
    """Return the query if every field is what it must be; raises FormError for the first not."""
    field.area("area", query.area)
    if query.service:
        field.text("service", query.service, _SERVICE, ", ".join(SERVICES))
    if query.state:
        field.text("state", query.state, _STATE, ", ".join(STATES))
    if query.cursor:
        field.area("cursor", query.cursor[:6])
        check_institution_code(query.cursor[6:])
    field.whole("limit", query.limit, 1, MAX_PAGE)
    return query._replace(name=field.words("name", query.name, 100, empty=True))


def find(reader: Reader, query: Query) -> Page:
    """Return the institutions of an area as the log of its province has them here now.

    An area is a whole province (NN0000), a city with its districts (NNMM00), or one district.

    Raises:
        FormError: A field of the query is not what it must be.
    """
    query = check_query(query)
    province, parts = province_of(query.area), _parts(query)
    area = re.sub(r"(00){1,2}\Z", "", query.area[2:])  # what all areas below it begin with
    found: list[tuple[str, Institution]] = []
    for place, row in directory(reader, province, query.area[:2] + area, query.cursor):
        if not all(part in row for part in parts):
            continue
        record = entry_at(reader, province, encoding.unpack(row)[0])[1]
        assert isinstance(record, Institution)
        if _fits(record, query):
            found.append((place, record))
        if len(found) > query.limit:
            return Page([record for _, record in found[:-1]], found[-2][0])
    return Page([record for _, record in found], "")


def _parts(query: Query) -> list[bytes]:
    wanted = (query.service, query.state, folded(query.name))
    return [part.encode() for part in wanted if part]


def _fits(record: Institution, query: Query) -> bool:
    return (
        (not query.service or query.service in record.services)
        and (not query.state or query.state == record.state)
        and folded(query.name) in folded(record.name)
    )


def check_institution(record: Institution, province: str) -> Institution:
    """Return the record, services in order, if every field is what it must be.

    Raises:
        FormError: The first field that is not, and what was expected of it.
    """
    values = {column: check(getattr(record, column), province) for column, check in _CHECKS.items()}
    _check_reason(values["state"], values["reason"])
    return msgspec.structs.replace(record, **values)


def read_row(row: Row, province: str) -> tuple[Institution | None, list[str]]:
    """Return a row of a file as an institution, or None and the columns that are wrong."""
    given = row._asdict()
    given["level"] = int(row.level) if row.level in ("0", "1", "2", "3") else None
    given["services"] = row.services.split("|") if row.services else []
    wrong, values = [], dict[str, Any]()
    for column, check in _CHECKS.items():
        try:
            values[column] = check(given[column], province)
        except FormError:
            wrong.append(column)
    try:
        if not wrong:
            _check_reason(values["state"], values["reason"])
    except FormError:
        wrong.append("reason")
    return (None, wrong) if wrong else (Institution(revision=1, **values), [])


def _here(place: str, area: str, province: str) -> None:
    if province_of(area) != province:
        raise FormError(place, f"an area of {province}", area)


def _code(value: Any, province: str) -> str:
    code = check_institution_code(value)
    _here("code", code[1:7], province)
    return code


def _area(value: Any, province: str) -> str:
    area = field.area("area", value)
    _here("area", area, province)
    return area


def _services(value: Any, _province: str) -> list[str]:
    expected = ", ".join(SERVICES)
    given = field.listed("services", value, len(SERVICES))
    return list(
        field.ascending("services", [field.text("services", s, _SERVICE, expected) for s in given])
    )


def _check_reason(state: str, reason: str) -> None:
    if (state == "suspended") != bool(reason):
        raise FormError("reason", "why it is suspended, and nothing while it is open", reason)


_CHECKS: dict[str, Callable[[Any, str], Any]] = {
    "code": _code,
    "name": lambda value, _: field.words("name", value, 100),
    "level": lambda value, _: field.whole("level", value, 0, 3),
    "area": _area,
    "services": _services,
    "state": lambda value, _: field.text("state", value, _STATE, ", ".join(STATES)),
    "reason": lambda value, _: field.words("reason", value, 500, empty=True),
}


def same(a: Institution, b: Institution) -> bool:
    """Return whether two revisions say the same."""
    return all(getattr(a, column) == getattr(b, column) for column in COLUMNS)


def shown(record: Institution) -> dict[str, Any]:
    """Return an institution for people and programs."""
    return {column: getattr(record, column) for column in (*COLUMNS, "revision")}
