"""Persons, registrations and institutions that tests are about."""

from typing import Any

from settlement.person import Opening, Person, make_token
from settlement.record import Institution
from settlement.registration import Content, Filed, Visit

TOKEN = make_token("630100", bytes(16))
OTHER_TOKEN = make_token("630100", bytes([1]) * 16)
HOSPITAL, OTHER_HOSPITAL = "H51010000001", "H51010000002"


def person(**changes: Any) -> Person:
    """Return an employee of Xining, with some fields changed."""
    values = {
        "token": TOKEN, "psn_no": "P1", "name": "张三", "birth": "1950-02-03", "insutype": "310",
        "insured_area": "630100", "flags": (), "account_fen": 50_000, "lock": "",
        "opening": (Opening(2017, 1, 90_000, 400_000),),
    }  # fmt: skip
    return Person(**{**values, **changes})


def content(**changes: Any) -> Content:
    """Return a registration of a person who has settled in Chengdu."""
    values = {
        "registration_id": "R1", "token": TOKEN, "psn_no": "P1", "insutype": "310",
        "insured_area": "630100", "category": "resettled", "destination": "510100",
        "institutions": (), "begins": "2017-01-01", "ends": "",
    }  # fmt: skip
    return Content(**{**values, **changes})


def filed(status: str = "active", revision: int = 1, **changes: Any) -> Filed:
    """Return a registration as a vault keeps it."""
    return Filed(content(**changes), bytes(32), revision, status)


def visit(**changes: Any) -> Visit:
    """Return a stay in a hospital of Chengdu."""
    values = {
        "service": "inpatient", "area": "510104", "institution": HOSPITAL,
        "begndate": "2017-03-01", "enddate": "2017-03-05", "settled": "2017-03-05",
    }  # fmt: skip
    return Visit(**{**values, **changes})


def institution(**changes: Any) -> Institution:
    """Return a hospital of Chengdu."""
    values = {
        "code": HOSPITAL, "revision": 1, "name": "成都第一医院", "level": 3, "area": "510104",
        "services": ["inpatient", "outpatient"], "state": "open", "reason": "",
    }  # fmt: skip
    return Institution(**{**values, **changes})


def wanted(**changes: Any) -> dict[str, Any]:
    """Return what `person_add` is given for the person of `person`."""
    values = {
        "psn_no": "P1", "name": "张三", "birth": "1950-02-03", "insutype": "310",
        "insured_area": "630100", "flags": [], "account_fen": 50_000,
        "opening": [[2017, 1, 90_000, 400_000]],
    }  # fmt: skip
    return {**values, **changes}
