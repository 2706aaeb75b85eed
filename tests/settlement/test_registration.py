"""Who may be treated where: every category, every switch, every refusal, and what always holds."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from ledger.encoding import Codec, pack, unpack
from ledger.errors import FormError, RefusedError
from settlement.outcome import CLAIM
from settlement.person import (
    Opening,
    Person,
    check_person,
    decode_person,
    encode_person,
    insured_province,
    make_token,
    token_commitment,
    token_hash,
)
from settlement.registration import (
    CATEGORIES,
    LONG_TERM,
    SERVICES,
    TEMPORARY,
    Content,
    Entitled,
    Filed,
    Switches,
    Visit,
    allowed,
    check_choice,
    check_content,
    commitment,
    covers,
    decode_content,
    encode_content,
    entitlement,
    last_day,
)
from tests.network import QINGHAI
from tests.registry import (
    HOSPITAL,
    OTHER_HOSPITAL,
    OTHER_TOKEN,
    TOKEN,
    content,
    filed,
    institution,
    person,
    visit,
)

STRICT = Switches(emergency_deemed_registered=False, late_registration_before_discharge=False)


def answer(
    registrations: list[Filed], switches: Switches = STRICT, who: Person | None = None, **of: Any
) -> Entitled | str:
    """Return the entitlement of a visit, or the code that refuses it."""
    try:
        return entitlement(who or person(), registrations, switches, visit(**of))
    except RefusedError as error:
        return error.code


def one(category: str, **changes: Any) -> Filed:
    """Return a registration of a category that fits the visit."""
    given: dict[str, Any] = {"category": category}
    if category in TEMPORARY:
        given["ends"] = "2017-07-01"
    if category == "referral":
        given["institutions"] = (HOSPITAL,)
    return filed(**{**given, **changes})


# --- categories ----------------------------------------------------------------------------------


@pytest.mark.parametrize("category", CATEGORIES)
def test_a_registration_of_each_category_entitles_a_stay_in_its_place(category: str) -> None:
    assert answer([one(category)]) == Entitled(category, "R1")
    assert answer([one(category)], area="510700") == "WRONG_PLACE"
    assert answer([one(category, destination="510000")], area="510700") == Entitled(category, "R1")


def test_a_referral_is_for_its_one_institution() -> None:
    assert answer([one("referral")], institution=OTHER_HOSPITAL) == "WRONG_INSTITUTION"


def test_a_person_who_chose_hospitals_settles_in_these_only() -> None:
    chosen = one("resettled", institutions=(HOSPITAL, OTHER_HOSPITAL))
    assert answer([chosen], institution=OTHER_HOSPITAL) == Entitled("resettled", "R1")
    assert answer([chosen], institution="H51010000003") == "WRONG_INSTITUTION"


def test_of_several_that_fit_the_most_favourable_counts() -> None:
    several = [
        one("other_temporary", registration_id="R1"),
        one("stationed", registration_id="R3"),
        one("stationed", registration_id="R2"),
        one("referral", registration_id="R4"),
    ]
    assert answer(several) == Entitled("stationed", "R2")
    assert answer(several[::-1]) == Entitled("stationed", "R2")


def test_a_registration_holds_from_its_first_day_to_its_last() -> None:
    short = one("emergency", begins="2017-03-01", ends="2017-03-01")
    assert answer([short]) == Entitled("emergency", "R1")  # the day of admission counts
    before = {"begndate": "2017-02-28", "enddate": "2017-02-28"}
    assert answer([short], **before) == "NOT_REGISTERED"
    assert answer([short], begndate="2017-03-02") == "REGISTRATION_ENDED"


# --- switches ------------------------------------------------------------------------------------


def test_at_home_nobody_registers() -> None:
    assert answer([], area="630102") == Entitled("home", "")
    province_pool = person(insured_area="630000")
    assert answer([], who=province_pool, area="632801") == Entitled("home", "")


def test_whoever_settles_elsewhere_may_settle_at_home_too_unless_it_is_ruled_otherwise() -> None:
    one_place = structs.replace(STRICT, both_places=False)
    for category in CATEGORIES:
        found = answer([one(category)], one_place, area="630102")
        assert found == ("WRONG_PLACE" if category in LONG_TERM else Entitled("home", ""))
        assert answer([one(category)], area="630102") == Entitled("home", "")
    ended = one("resettled", status="terminated")
    assert answer([ended], one_place, area="630102") == Entitled("home", "")
    later = one("resettled", begins="2017-04-01")
    assert answer([later], one_place, area="630102") == Entitled("home", "")


def test_within_the_province_a_switch_decides() -> None:
    switch = structs.replace(STRICT, in_province_without_registration=True)
    assert answer([], area="632801") == "NOT_REGISTERED"
    assert answer([], switch, area="632801") == Entitled("in_province", "")
    assert answer([], switch) == "NOT_REGISTERED"


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("switched", ["outpatient", "chronic", "pharmacy"])
def test_each_service_has_its_own_switch(service: str, switched: str) -> None:
    switch = structs.replace(STRICT, **{f"{switched}_without_registration": True})
    expected = Entitled("unregistered", "") if service == switched else "NOT_REGISTERED"
    assert answer([], switch, service=service) == expected


def test_who_need_not_register_is_no_worse_off_with_a_temporary_registration() -> None:
    switch = structs.replace(STRICT, outpatient_without_registration=True)
    temporary, settled = one("other_temporary"), one("resettled", registration_id="R2")
    assert answer([temporary], switch, service="outpatient") == Entitled("unregistered", "")
    assert answer([temporary, settled], switch, service="outpatient").registration_id == "R2"  # type: ignore[union-attr]


def test_an_emergency_is_deemed_registered() -> None:
    switch = structs.replace(STRICT, emergency_deemed_registered=True)
    assert answer([], switch, emergency=True) == Entitled("emergency", "")
    assert answer([], switch) == "NOT_REGISTERED"
    assert answer([], emergency=True) == "NOT_REGISTERED"
    elsewhere = one("referral", institutions=(OTHER_HOSPITAL,))
    assert answer([elsewhere], switch, emergency=True) == Entitled("emergency", "")


def test_who_registers_before_discharge_is_registered_in_time() -> None:
    switch = structs.replace(STRICT, late_registration_before_discharge=True)
    for begins, late, in_time in [
        ("2017-03-01", Entitled("resettled", "R1"), Entitled("resettled", "R1")),
        ("2017-03-05", Entitled("resettled", "R1"), "NOT_REGISTERED"),
        ("2017-03-06", "NOT_REGISTERED", "NOT_REGISTERED"),
    ]:
        assert answer([one("resettled", begins=begins)], switch) == late
        assert answer([one("resettled", begins=begins)]) == in_time


def test_the_switch_of_the_number_of_hospitals_limits_what_is_filed() -> None:
    two = content(institutions=(HOSPITAL, OTHER_HOSPITAL))
    check_choice(two, Switches())
    check_choice(two, Switches(choose_institutions=2))
    with pytest.raises(FormError, match="at most 1"):
        check_choice(two, Switches(choose_institutions=1))


@pytest.mark.parametrize(
    ("category", "begins", "months", "last"),
    [
        ("resettled", "2017-01-31", 6, ""),
        ("referral", "2017-01-15", 6, "2017-07-15"),
        ("referral", "2017-08-31", 6, "2018-02-28"),
        ("emergency", "2019-08-31", 6, "2020-02-29"),
        ("other_temporary", "2017-11-30", 3, "2018-02-28"),
    ],
)
def test_a_temporary_registration_ends_after_its_months(
    category: str, begins: str, months: int, last: str
) -> None:
    assert last_day(category, begins, Switches(temporary_months=months)) == last


# --- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("registrations", "who", "of", "code"),
    [
        ([], person(lock="ARREARS"), {}, "INSURANCE_LOCKED"),
        ([], None, {"area": "990100"}, "AREA_INACTIVE"),
        ([], None, {"area": "100000"}, "AREA_INACTIVE"),
        ([], None, {}, "NOT_REGISTERED"),
        ([one("resettled", token=OTHER_TOKEN)], None, {}, "NOT_REGISTERED"),
        ([one("resettled", status="suspended")], None, {}, "REGISTRATION_SUSPENDED"),
        ([one("resettled", status="terminated")], None, {}, "REGISTRATION_ENDED"),
        ([one("resettled", ends="2017-02-28")], None, {}, "REGISTRATION_ENDED"),
        ([one("resettled", destination="540100")], None, {}, "WRONG_PLACE"),
        ([one("referral")], None, {"institution": OTHER_HOSPITAL}, "WRONG_INSTITUTION"),
        ([], person(birth="2017-03-02"), {}, "NOT_YET_BORN"),
        ([], None, {"enddate": "2017-02-28"}, "DATES"),
        ([], None, {"settled": "2017-03-04"}, "FUTURE"),
    ],
)
def test_every_refusal_has_its_code(
    registrations: list[Filed], who: Person | None, of: dict[str, Any], code: str
) -> None:
    assert answer(registrations, who=who, **of) == code


def test_nobody_and_barred_persons_settle_nowhere_not_even_at_home() -> None:
    with pytest.raises(RefusedError) as unknown:
        entitlement(None, [one("resettled")], Switches(), visit())
    assert unknown.value.code == "PERSON_UNKNOWN"
    for area in ("510104", "630102"):
        with pytest.raises(RefusedError) as barred:
            entitlement(
                person(), [one("resettled")], Switches(), visit(area=area), [("510000", "B1", "x")]
            )
        assert barred.value.code == "BARRED"


def test_of_several_that_do_not_fit_the_nearest_is_told() -> None:
    away = one("resettled", destination="540100")
    ended = one("resettled", status="terminated")
    suspended = one("resettled", status="suspended")
    elsewhere = one("referral", institutions=(OTHER_HOSPITAL,))
    later = one("resettled", begins="2018-01-01")
    for together, code in [
        ([away, later], "NOT_REGISTERED"), ([away, later, ended], "REGISTRATION_ENDED"),
        ([away, ended, elsewhere], "WRONG_INSTITUTION"),
        ([elsewhere, suspended, ended], "REGISTRATION_SUSPENDED"),
    ]:  # fmt: skip
        assert answer(together) == answer(together[::-1]) == code


@pytest.mark.parametrize(
    ("changes", "service", "code"),
    [
        ({"state": "suspended", "reason": "x"}, "inpatient", "INSTITUTION_SUSPENDED"),
        ({}, "chronic", "SERVICE_NOT_OPEN"),
        ({"services": []}, "inpatient", "SERVICE_NOT_OPEN"),
    ],
)
def test_an_institution_settles_what_it_is_open_for(
    changes: dict[str, Any], service: str, code: str
) -> None:
    allowed(institution(), "inpatient")
    with pytest.raises(RefusedError) as error:
        allowed(institution(**changes), service)
    assert error.value.code == code


def test_an_institution_that_is_not_in_the_directory_settles_nothing() -> None:
    with pytest.raises(RefusedError) as error:
        allowed(None, "inpatient")
    assert error.value.code == "INSTITUTION_UNKNOWN"


def test_a_visit_of_no_known_kind_is_wrong_use() -> None:
    for changes in ({"service": "dental"}, {"begndate": "2017-02-30"}, {"settled": ""}):
        with pytest.raises(FormError):
            entitlement(person(), [], Switches(), visit(**changes))


def test_every_refusal_is_told_in_both_languages_and_refusing_payment_says_what_to_do() -> None:
    for code, text in CLAIM.items():
        assert text.en, code
        assert text.zh, code
    by_hand = [
        "INSURANCE_LOCKED",
        "BARRED",
        "NOT_REGISTERED",
        "WRONG_PLACE",
        "INSTITUTION_SUSPENDED",
    ]
    assert all("手工报销" in CLAIM[code].zh for code in by_hand)
    assert all("manual reimbursement" in CLAIM[code].en for code in by_hand)


# --- forms ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"registration_id": "R 1"}, "registration_id"),
        ({"token": "630100-short"}, "token"),
        ({"token": make_token("990100", bytes(16))}, "token"),
        ({"psn_no": ""}, "psn_no"),
        ({"insutype": "999"}, "insutype"),
        ({"insured_area": "990100"}, "insured_area"),
        ({"category": "tourist"}, "category"),
        ({"destination": "510104"}, "destination"),
        ({"destination": "990000"}, "destination"),
        ({"destination": "630100"}, "destination"),
        ({"destination": 510100}, "destination"),
        ({"begins": "2017-02-29"}, "begins"),
        ({"begins": "1999-12-31"}, "begins"),
        ({"begins": None}, "begins"),
        ({"ends": "2016-12-31"}, "ends"),
        ({"ends": None, "category": "referral", "institutions": (HOSPITAL,)}, "ends"),
        ({"category": "referral", "institutions": (HOSPITAL,)}, "ends"),
        ({"category": "referral", "ends": "2017-12-31"}, "institutions"),
        ({"institutions": (HOSPITAL, HOSPITAL)}, "institutions"),
        ({"institutions": ("H54010000001",)}, "institutions"),
        ({"institutions": ("51010000001",)}, "institution"),
        ({"institutions": HOSPITAL}, "institutions"),
        ({"institutions": tuple(f"H510100{n:05d}" for n in range(51))}, "institutions"),
    ],
)
def test_a_wrong_field_of_a_registration_is_named(changes: dict[str, Any], place: str) -> None:
    with pytest.raises(FormError) as error:
        check_content(content(**changes))
    assert error.value.place == place


def test_institutions_are_brought_into_order_and_other_orders_are_not_read() -> None:
    given = content(institutions=[OTHER_HOSPITAL, HOSPITAL])
    checked = check_content(given)
    assert checked.institutions == (HOSPITAL, OTHER_HOSPITAL)
    assert decode_content(encode_content(checked)) == checked
    with pytest.raises(FormError):
        decode_content(Codec.encode(given))


def test_what_is_no_registration_is_not_read() -> None:
    good = encode_content(content())
    fields = unpack(good)
    for data in (
        b"", good + b"\x00", pack(fields[:-1]), pack([*fields, 0]), good * 100, pack("x" * 9_000),
        pack([*fields[:6], "510104", *fields[7:]]),
    ):  # fmt: skip
        with pytest.raises(FormError):
            decode_content(data)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"psn_no": 5}, "psn_no"),
        ({"name": ""}, "name"),
        ({"name": " 张三"}, "name"),
        ({"name": "张\n三"}, "name"),
        ({"name": "三" * 51}, "name"),
        ({"birth": "1899-12-31"}, "birth"),
        ({"birth": "1950-2-3"}, "birth"),
        ({"insutype": "000"}, "insutype"),
        ({"insured_area": "63010"}, "insured_area"),
        ({"flags": ("Civil",)}, "flags"),
        ({"flags": "civil"}, "flags"),
        ({"flags": ("a", "a")}, "flags"),
        ({"account_fen": -1}, "account_fen"),
        ({"account_fen": True}, "account_fen"),
        ({"lock": "arrears"}, "lock"),
        ({"opening": ((2017, 1, 2),)}, "opening 1"),
        ({"opening": ((2017, 1, 2, -1),)}, "opening 1: pool_fen"),
        ({"opening": ((2017, 0, 0, 0), (2017, 0, 0, 0))}, "opening: years"),
        ({"opening": 5}, "opening"),
    ],
)
def test_a_wrong_field_of_a_person_is_named(changes: dict[str, Any], place: str) -> None:
    with pytest.raises(FormError) as error:
        check_person(person(**changes))
    assert error.value.place == place


def test_a_person_survives_its_bytes_and_stands_in_one_order() -> None:
    given = person(
        name="e\u0301",
        flags=["veteran", "civil_servant"],
        opening=[[2018, 0, 0, 0], [2017, 1, 2, 3]],
    )
    checked = check_person(given)
    assert checked.flags == ("civil_servant", "veteran")
    assert checked.opening == (Opening(2017, 1, 2, 3), Opening(2018, 0, 0, 0))
    assert checked.name == "é"  # NFC
    assert decode_person(encode_person(checked)) == checked


def test_a_token_names_the_insured_province_and_nothing_else() -> None:
    assert insured_province(TOKEN) == QINGHAI
    assert len(TOKEN) == 6 + 1 + 26
    assert token_hash(TOKEN) != token_hash(OTHER_TOKEN)


# --- laws ----------------------------------------------------------------------------------------

DAYS = st.dates(
    min_value=date(2017, 1, 1),
    max_value=date(2017, 12, 31),
).map(lambda d: d.isoformat())
SWITCHES = st.builds(
    Switches,
    in_province_without_registration=st.booleans(),
    outpatient_without_registration=st.booleans(),
    chronic_without_registration=st.booleans(),
    pharmacy_without_registration=st.booleans(),
    emergency_deemed_registered=st.booleans(),
    late_registration_before_discharge=st.booleans(),
    both_places=st.booleans(),
)


@st.composite
def registrations(draw: st.DrawFn) -> list[Filed]:
    found = []
    for number in range(draw(st.integers(0, 4))):
        begins, ends = sorted([draw(DAYS), draw(DAYS)])
        found.append(
            filed(
                registration_id=f"R{number}",
                status=draw(st.sampled_from(["active", "suspended", "terminated"])),
                category=draw(st.sampled_from(CATEGORIES)),
                destination=draw(st.sampled_from(["510100", "510000", "540000", "632800"])),
                institutions=draw(st.sampled_from([(), (HOSPITAL,), (OTHER_HOSPITAL,)])),
                begins=begins,
                ends=draw(st.sampled_from([ends, ""])),
            )
        )
    return found


@st.composite
def visits(draw: st.DrawFn) -> Visit:
    days = sorted([draw(DAYS), draw(DAYS), draw(DAYS)])
    return visit(
        service=draw(st.sampled_from(SERVICES)),
        area=draw(st.sampled_from(["510104", "510700", "540102", "630102", "632801"])),
        institution=draw(st.sampled_from([HOSPITAL, OTHER_HOSPITAL])),
        begndate=days[0],
        enddate=days[1],
        settled=days[2],
        emergency=draw(st.booleans()),
    )


def ask(found: list[Filed], switches: Switches, wanted: Visit) -> Entitled | str:
    try:
        return entitlement(person(), found, switches, wanted)
    except RefusedError as error:
        code = error.code
    assert code in CLAIM
    return code


@given(registrations(), SWITCHES, visits())
def test_only_an_active_registration_of_that_place_and_time_ever_entitles(
    found: list[Filed], switches: Switches, wanted: Visit
) -> None:
    entitled = ask(found, switches, wanted)
    if isinstance(entitled, str) or not entitled.registration_id:
        return
    (named,) = [f for f in found if f.content.registration_id == entitled.registration_id]
    assert named.status == "active"
    assert named.content.category == entitled.category
    assert covers(named.content.destination, wanted.area)
    assert named.content.begins <= wanted.settled
    assert named.content.ends == "" or named.content.ends >= wanted.begndate
    assert not named.content.institutions or wanted.institution in named.content.institutions


@given(registrations(), SWITCHES, visits(), st.randoms())
def test_the_order_of_registrations_changes_nothing(
    found: list[Filed], switches: Switches, wanted: Visit, random: Any
) -> None:
    shuffled = list(found)
    random.shuffle(shuffled)
    assert ask(shuffled, switches, wanted) == ask(found, switches, wanted)


@given(registrations(), SWITCHES, visits())
def test_suspending_everything_leaves_what_needs_no_registration(
    found: list[Filed], switches: Switches, wanted: Visit
) -> None:
    suspended = [f._replace(status="suspended") for f in found]
    entitled = ask(suspended, switches, wanted)
    assert entitled == ask([], switches, wanted) or (
        isinstance(entitled, str) and isinstance(ask([], switches, wanted), str)
    )


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_a_commitment_opens_with_its_content_and_salt_alone(salt: bytes, other: bytes) -> None:
    data = encode_content(content())
    digest = commitment(data, salt)
    assert digest == commitment(data, salt)
    assert digest != commitment(encode_content(content(ends="2018-01-01")), salt)
    assert (digest == commitment(data, other)) == (salt == other)
    assert token_commitment(TOKEN, salt) != token_commitment(OTHER_TOKEN, salt)
    assert token_commitment(TOKEN, salt) != digest


@given(st.sampled_from(["510000", "510100", "510104"]), st.integers(0, 999_999))
def test_an_area_covers_itself_and_what_lies_in_it(place: str, number: int) -> None:
    area = f"{number:06d}"
    assert covers(place, place)
    assert covers(place, area) == area.startswith(
        {"510000": "51", "510100": "5101", "510104": "510104"}[place]
    )


def test_a_content_is_a_record_of_ten_fields() -> None:
    assert len(unpack(encode_content(content()))) == len(Content.__struct_fields__) == 10
