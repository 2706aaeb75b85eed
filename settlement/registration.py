"""Registrations (备案): where a person may be treated, and what follows for one visit.

The log of the insured province says that a registration exists, its revisions and its state, and
commits to its content. The content is in the vaults of that province and of the destination.

How a visit is judged, the first that speaks against it wins: the person is known, not locked and
not barred; the days are possible; the place takes part. At home no registration is needed. Away, a
visit is entitled by the most favourable of: a registration that fits, a switch that asks for none,
an emergency that is deemed registered.
"""

import calendar
import re
from collections.abc import Collection, Sequence
from datetime import date
from typing import Annotated, Any, NamedTuple

import msgspec

from ledger.encoding import Codec
from ledger.errors import FormError, RefusedError
from ledger.hashing import hash_bytes
from settlement import field
from settlement.outcome import CLAIM
from settlement.party import province_of
from settlement.person import Opening as Opening
from settlement.person import Person as Person
from settlement.person import Token, check_insutype, check_token
from settlement.record import Code, Day, Institution, InstitutionCode, Name, Part

SALT_BYTES = 32
MAX_CONTENT = 4_096
MAX_INSTITUTIONS = 50

LONG_TERM = ("resettled", "resident_elsewhere", "stationed")
TEMPORARY = ("referral", "emergency", "other_temporary")
CATEGORIES = LONG_TERM + TEMPORARY
HOME, IN_PROVINCE, UNREGISTERED = "home", "in_province", "unregistered"
# What a visit may be entitled as, the most favourable first: a ratio is cut for a referral or an
# emergency less than for another temporary stay (L15), not at all without need to register (R32).
_RANK = (HOME, *LONG_TERM, IN_PROVINCE, UNREGISTERED, *TEMPORARY)
SERVICES = ("inpatient", "outpatient", "chronic", "pharmacy")

_CATEGORY = re.compile("|".join(CATEGORIES))
_INSTITUTION = re.compile(r"[A-Z][1-9][0-9]{10}")
_DESTINATION = re.compile(r"[1-9][0-9]{3}00")
_OPEN_DAY = r"^(20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01]))?\Z"


class Switches(msgspec.Struct, frozen=True, kw_only=True):
    """What insured provinces rule differently (X4); each has its source and how sure it is."""

    choose_institutions: int = 0  # how many a person may name; 0: any number (R30)
    in_province_without_registration: bool = False  # R33
    outpatient_without_registration: bool = False  # R32
    chronic_without_registration: bool = False  # R32
    pharmacy_without_registration: bool = False
    emergency_deemed_registered: bool = True  # L5 [C]
    late_registration_before_discharge: bool = True  # L6 [C]
    both_places: bool = True  # L14 [M-high]: long-term registered persons settle at home, too
    temporary_months: int = 6  # L13 [M-high]


class Content(Part, frozen=True):
    """What a registration says."""

    registration_id: Name
    token: Token
    psn_no: Name
    insutype: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{2,6}\Z")]
    insured_area: Code
    category: Annotated[str, msgspec.Meta(pattern=rf"^({'|'.join(CATEGORIES)})\Z")]
    destination: Code  # a city, or NN0000 for a whole province
    institutions: Annotated[
        tuple[InstitutionCode, ...], msgspec.Meta(max_length=MAX_INSTITUTIONS)
    ]  # ascending; none: all of the destination
    begins: Day
    ends: Annotated[str, msgspec.Meta(pattern=_OPEN_DAY)]  # the last day; "": until it is changed


class Filed(NamedTuple):
    """A registration as a vault keeps it: its content and how it stands in the log."""

    content: Content
    salt: bytes
    revision: int
    status: str  # active, suspended, terminated


class Visit(NamedTuple):
    """What somebody wants to settle."""

    service: str  # inpatient, outpatient, chronic, pharmacy
    area: str  # where the institution is
    institution: str
    begndate: str
    enddate: str
    settled: str  # the date of the settlement
    emergency: bool = False


class Entitled(NamedTuple):
    """That a visit may be settled directly, and as what."""

    category: str  # one of CATEGORIES, or home, in_province, unregistered
    registration_id: str  # "" if no registration is needed


_CONTENT = Codec(Content)


def encode_content(content: Content) -> bytes:
    """Return the canonical bytes of a registration."""
    return Codec.encode(content)


def decode_content(data: bytes) -> Content:
    """Return the registration of canonical bytes.

    Raises:
        FormError: Too long, another spelling, or a field that no registration has.
    """
    if len(data) > MAX_CONTENT:
        raise FormError("registration", f"at most {MAX_CONTENT} bytes", len(data))
    content = _CONTENT.decode(data)
    if check_content(content) != content:
        raise FormError("registration", "institutions in order")
    return content


def commitment(content: bytes, salt: bytes) -> bytes:
    """Return what the log says of a registration (32 bytes); the salt makes it say nothing."""
    return hash_bytes(b"gongzhang/registration/v1\n" + salt + content)


def check_content(content: Content) -> Content:
    """Return the registration, institutions in order, if every field is what it must be.

    Raises:
        FormError: The field that is not, and what was expected of it.
    """
    field.name("registration_id", content.registration_id)
    check_token(content.token)
    field.name("psn_no", content.psn_no)
    check_insutype(content.insutype)
    field.area("insured_area", content.insured_area)
    field.text("category", content.category, _CATEGORY, ", ".join(CATEGORIES))
    field.area("destination", content.destination)
    place = "a city or a whole province: six digits ending in 00"
    field.text("destination", content.destination, _DESTINATION, place)
    if covers(content.insured_area, content.destination):
        raise FormError("destination", "a place outside the insured area", content.destination)
    field.day("begins", content.begins)
    if content.ends and field.day("ends", content.ends) < content.begins:
        raise FormError("ends", f"a day not before {content.begins}", content.ends)
    if content.category in TEMPORARY and not content.ends:
        raise FormError("ends", "a last day: the registration is temporary", content.ends)
    institutions = _institutions(content)
    return msgspec.structs.replace(content, institutions=institutions)


def _institutions(content: Content) -> tuple[str, ...]:
    given = field.listed("institutions", content.institutions, MAX_INSTITUTIONS)
    for code in given:
        check_institution_code(code)
        if province_of(code[1:7]) != province_of(content.destination):
            raise FormError("institutions", f"codes of the province of {content.destination}", code)
    if content.category == "referral" and len(given) != 1:  # R29
        raise FormError("institutions", "exactly one for a referral", len(given))
    return field.ascending("institutions", given)


def check_institution_code(code: Any) -> str:
    """Return a letter, six digits of an area and five digits; raises FormError otherwise."""
    expected = "a letter, six digits of an area and five digits"
    field.text("institution", code, _INSTITUTION, expected)
    field.area("institution", code[1:7])
    return str(code)


def check_choice(content: Content, switches: Switches) -> None:
    """Raise FormError if more institutions are named than the insured place allows (R30)."""
    most = switches.choose_institutions
    if most and len(content.institutions) > most:
        raise FormError("institutions", f"at most {most} here", len(content.institutions))


def last_day(category: str, begins: str, switches: Switches) -> str:
    """Return the last day of a registration that names none (L13): "" for the long-term ones.

    Example:
        >>> last_day("referral", "2024-08-31", Switches())
        '2025-02-28'
    """
    if category in LONG_TERM:
        return ""
    first = date.fromisoformat(begins)
    count = first.year * 12 + first.month - 1 + switches.temporary_months
    year, month = count // 12, count % 12 + 1
    days = calendar.monthrange(year, month)[1]
    return date(year, month, min(first.day, days)).isoformat()


def covers(destination: str, area: str) -> bool:
    """Return whether an area lies in another: a whole province, a city, or the same district.

    Example:
        >>> covers("510000", "510104"), covers("510100", "510104"), covers("510100", "510700")
        (True, True, False)
    """
    if destination.endswith("0000"):
        return area[:2] == destination[:2]
    return area[:4] == destination[:4] if destination.endswith("00") else area == destination


def entitlement(
    person: Person | None,
    registrations: Sequence[Filed],
    switches: Switches,
    visit: Visit,
    barred: Collection[tuple[str, str, str]] = (),
) -> Entitled:
    """Return as what a person may settle a visit directly.

    Args:
        person: As the insured province knows them; None if it does not.
        registrations: All of this person's; others are passed over.
        barred: What provinces have said against this person; anything blocks.

    Raises:
        RefusedError: May not; the code is one of `outcome.CLAIM`, which says what can be done.
        FormError: The visit is of no kind that is settled.
    """
    if person is None:
        raise refused("PERSON_UNKNOWN")
    if person.lock:  # R63
        raise refused("INSURANCE_LOCKED", person.lock)
    if barred:  # R79
        raise refused("BARRED", "; ".join(sorted({str(row[-1]) for row in barred})))
    _check_visit(person, visit)
    mine = [f for f in registrations if f.content.token == person.token]
    if covers(person.insured_area, visit.area):
        return _at_home(mine, switches, visit)
    found = [
        Entitled(f.content.category, f.content.registration_id)
        for f in mine
        if _fault(f, switches, visit) is None
    ]
    if switches.in_province_without_registration and _same_province(person, visit):
        found.append(Entitled(IN_PROVINCE, ""))
    if _needs_none(switches, visit.service):
        found.append(Entitled(UNREGISTERED, ""))
    if visit.emergency and switches.emergency_deemed_registered:
        found.append(Entitled("emergency", ""))
    if not found:
        raise refused(_why(mine, switches, visit))
    return min(found, key=lambda e: (_RANK.index(e.category), e.registration_id))


def _check_visit(person: Person, visit: Visit) -> None:
    field.text("service", visit.service, re.compile("|".join(SERVICES)), ", ".join(SERVICES))
    for place in ("begndate", "enddate", "settled"):
        field.day(place, getattr(visit, place))
    if visit.begndate < person.birth:
        raise refused("NOT_YET_BORN")
    if visit.enddate < visit.begndate:
        raise refused("DATES")
    if visit.enddate > visit.settled:
        raise refused("FUTURE")
    try:
        province_of(visit.area)
    except FormError:
        raise refused("AREA_INACTIVE") from None


def _same_province(person: Person, visit: Visit) -> bool:
    return province_of(person.insured_area) == province_of(visit.area)


def _needs_none(switches: Switches, service: str) -> bool:
    return {
        "inpatient": False,
        "outpatient": switches.outpatient_without_registration,
        "chronic": switches.chronic_without_registration,
        "pharmacy": switches.pharmacy_without_registration,
    }[service]


def _at_home(mine: Sequence[Filed], switches: Switches, visit: Visit) -> Entitled:
    # Where registering means leaving (R31), who has settled elsewhere may not settle at home.
    away = any(
        f.status == "active"
        and f.content.category in LONG_TERM
        and f.content.begins <= visit.begndate
        and not _over(f.content, visit)
        for f in mine
    )
    if away and not switches.both_places:
        raise refused("WRONG_PLACE")
    return Entitled(HOME, "")


def _over(content: Content, visit: Visit) -> bool:
    return content.ends != "" and content.ends < visit.begndate


# What speaks against a registration; where none fits, the first of these is the answer.
_FAULTS = (
    "REGISTRATION_SUSPENDED", "WRONG_INSTITUTION", "REGISTRATION_ENDED", "NOT_REGISTERED",
    "WRONG_PLACE",
)  # fmt: skip


def _why(mine: Sequence[Filed], switches: Switches, visit: Visit) -> str:
    faults = {_fault(filed, switches, visit) for filed in mine}
    return next((fault for fault in _FAULTS if fault in faults), "NOT_REGISTERED")


def _fault(filed: Filed, switches: Switches, visit: Visit) -> str | None:
    content = filed.content
    if not covers(content.destination, visit.area):
        return "WRONG_PLACE"
    if filed.status == "terminated" or _over(content, visit):
        return "REGISTRATION_ENDED"
    if filed.status != "active":
        return "REGISTRATION_SUSPENDED"
    # L6: who is admitted first and registered before the settlement is registered in time.
    latest = visit.settled if switches.late_registration_before_discharge else visit.begndate
    if content.begins > latest:
        return "NOT_REGISTERED"
    if content.institutions and visit.institution not in content.institutions:
        return "WRONG_INSTITUTION"
    return None


def allowed(institution: Institution | None, service: str) -> None:
    """Check that an institution may settle a service, as its province's log has it now.

    Raises:
        RefusedError: INSTITUTION_UNKNOWN, INSTITUTION_SUSPENDED or SERVICE_NOT_OPEN.
    """
    if institution is None:
        raise refused("INSTITUTION_UNKNOWN")
    if institution.state != "open":
        raise refused("INSTITUTION_SUSPENDED", institution.reason)
    if service not in institution.services:
        raise refused("SERVICE_NOT_OPEN")


def refused(code: str, why: str = "") -> RefusedError:
    """Return the refusal of a claim by its code, with the reason that was given for it."""
    return RefusedError(code, f"{CLAIM[code].en} ({why})" if why else CLAIM[code].en)
