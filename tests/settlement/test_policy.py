"""Benefit policies: data with sources; every key and every situation checked by name."""

import re

import pytest

from ledger.errors import FormError
from settlement.casefile import MED_TYPES
from settlement.policy import MAX_ROWS, MAX_TEXT, parse_policy
from settlement.provision import SERVICES, Situation, service_of
from tests.benefits import CLEARING, FILES, POLICIES

TEXT = FILES["zhengzhou-example"]
ROWS = FILES["qinghai-example"]
STAY = Situation("310", "inpatient", 3, "resettled")
NOBODY = frozenset[str]()


def test_every_policy_that_comes_with_the_program_has_the_name_of_its_file() -> None:
    assert set(POLICIES) >= {"zhengzhou-example", "qinghai-example", "sichuan-example"}
    for name, policy in POLICIES.items():
        assert policy.name == name


def test_no_example_claims_to_be_official_and_memory_is_named_as_such() -> None:
    for text in FILES.values():
        rows = re.findall(r'source = "([^"]*)",?\s+certainty = "(\w+)"', text.decode())
        assert len(rows) == text.count(b"certainty =") > 20
        assert {certainty for _, certainty in rows} == {"seed", "corroborated", "memory", "choice"}
        for source, certainty in rows:
            # Rows R are the seeds'; rows L were found elsewhere or remembered.
            assert certainty != "seed" or source.startswith("R"), source
            assert certainty != "corroborated" or source.startswith("L"), source


def test_the_seeds_numbers_stand_in_the_zhengzhou_example() -> None:
    policy = POLICIES["zhengzhou-example"]
    city = policy.provisions(STAY, NOBODY, 1)
    provincial = policy.provisions(STAY, frozenset({"provincial_employee"}), 2)
    resident = policy.provisions(STAY._replace(insutype="390"), NOBODY, 1)
    amounts = [rules.deductible.yuan for rules in (city, provincial, resident)]
    assert amounts == ["600.00", "900.00", "1200.00"]
    assert city.later is None
    assert provincial.later is not None
    assert (provincial.later.per_mille, provincial.later.certainty) == (500, "seed")
    assert (city.class_b.per_mille, city.ratio.age) == (800, policy.ratio[0].age)


def test_the_switches_of_registration_can_be_read() -> None:
    switches = POLICIES["sichuan-example"].registration
    assert (switches.choose_institutions.value, switches.temporary_months.value) == (0, 12)
    assert switches.chronic_without_registration.value
    assert not POLICIES["qinghai-example"].registration.pharmacy_without_registration.value
    assert POLICIES["zhengzhou-example"].registration.both_places.certainty == "seed"


def test_without_a_word_a_temporary_registration_lasts_six_months() -> None:
    silent = re.sub(rb"temporary_months.*\n", b"", TEXT)
    months = parse_policy(silent).registration.temporary_months
    assert (months.value, months.certainty) == (6, "memory")


def test_an_area_is_activated_if_it_is_named_or_none_is() -> None:
    some, every = POLICIES["sichuan-example"], POLICIES["qinghai-example"]
    assert some.is_activated("510100")
    assert not some.is_activated("510900")
    assert every.is_activated("632800")
    assert not every.is_activated("510100")
    with pytest.raises(FormError, match="area"):
        every.is_activated("6301")


def test_every_national_medical_type_is_one_service_of_its_clearing_type() -> None:
    for clr_type, med_types in MED_TYPES.items():
        for med_type in med_types:
            assert CLEARING[service_of(med_type)][1] == clr_type
    assert {service_of(t) for types in MED_TYPES.values() for t in types} == set(SERVICES)
    with pytest.raises(FormError, match="med_type"):
        service_of("16")


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        (b'name = "zheng', b'nom = "zheng', "nom"),
        (b'name = "zheng', b'name = "zheng zhou', "policy name:"),
        (b'title_zh = "', b'title_zh = "" #', "policy title_zh:"),
        (b'province = "410000"', b"", "province"),
        (b'province = "410000"', b'province = "410100"', "policy province:"),
        (b'province = "410000"', b'province = "100000"', "area: expected an area of a province"),
        (b'insutypes = ["310", "390"]', b'insutypes = ["310"]', "policy insutypes:"),
        (b'insutypes = ["310", "390"]', b'insutypes = ["310", "391"]', "policy insutypes"),
        (b'insutypes = ["310", "390"]', b'insutypes = ["310", "340", "390"]', "policy .* 340"),
        (b'"410000", "410100"', b'"410000", "510100"', "policy activated_areas:"),
        (b'"410000", "410100"', b'"410100", "410100"', "policy activated_areas:"),
        (b'"410000", "410100"', b'"41"', r"policy activated_areas\[0\]"),
        (b"layer = []", b"", "layer"),
        (b"value = 3,", b"value = 21,", "policy registration.choose_institutions.value:"),
        (b"value = 6,", b"value = 0,", "policy registration.temporary_months.value:"),
        (b"value = 6,", b"value = 6, unit = 1,", "policy registration.temporary_months:.*unit"),
        (b"both_places = { value = false", b"both_places = { value = 0", "both_places.value:"),
        (b"both_places", b"two_places", "two_places"),
        (b'service = ["inpatient"]', b'service = ["dental"]', r"policy deductible\[0\].service"),
        (b'insutype = ["310"]', b'insutype = ["340"]', r"policy deductible\[0\].insutype: .*340"),
        (b"level = [3]", b"level = [4]", r"policy deductible\[0\].level"),
        (b"level = [3]", b"level = []", r"policy deductible\[0\].level"),
        (b'flags = ["provincial', b'flags = ["Provincial', r"policy deductible\[1\].flags"),
        (b'flags = ["provincial_employee"]', b"", "policy deductible: .*310 inpatient 3 resettled"),
        (b'yuan = "600.00"', b"yuan = 600", r"policy deductible\[0\].yuan"),
        (b'yuan = "600.00"', b'yuan = "600"', r"policy deductible\[0\].yuan"),
        (b'yuan = "600.00"', b'yuan = "-600.00"', r"policy deductible\[0\].yuan"),
        (b'yuan = "600.00"', b'yuan = "1000000000.00"', r"policy deductible\[0\].yuan"),
        (b'yuan = "600.00"', b"", r"policy deductible\[0\]:.*yuan"),
        (b'yuan = "600.00"', b'yuan = "600.00"\nyearly_limit = "1"', r"\[0\].yearly_limit"),
        (b'source = "R55: city employee"', b'source = ""', r"policy deductible\[0\].source"),
        (b'source = "R55: city employee"', b"", r"policy deductible\[0\]:.*source"),
        (b'certainty = "seed"\n\n[[ded', b'certainty = ""\n\n[[ded', r"deductible\[0\].certainty"),
        (b"from_admission = 2", b"from_admission = 1", r"policy later\[0\].from_admission"),
        (b"from_admission = 3", b"from_admission = 2", "policy later, from_admission 2: .*310"),
        (b"from_admission = 2", b"from_admission = 4", "policy later, from_admission 2: .*got 0"),
        (b"from_admission = 2", b'from_admission = 2\nservice = ["chronic"]', r"\[0\].*service"),
        (b"per_mille = 500", b"per_mille = 1001", r"policy later\[0\].per_mille"),
        (b"per_mille = 800", b"per_mille = -1", r"policy class_b\[0\].per_mille"),
        (b"base_per_mille = 750", b"base_per_mille = 7.5", r"ratio\[0\].age.base_per_mille"),
        (b"year_per_mille = 2", b"year_per_mille = -2", r"ratio\[0\].age.year_per_mille"),
        (b"age = {", b"bands = [{ per_mille = 1 }]\nage = {", r"ratio\[0\].*bands.*age"),
        (b"bands = [{ per_mille = 550 }]", b"", r"ratio\[1\].*bands.*age"),
        (b"bands = [{ per_mille = 550 }]", b"bands = []", r"ratio\[1\].bands"),
        (b"{ per_mille = 550 }", b'{ up_to = "9.00", per_mille = 550 }', r"ratio\[1\].*up_to"),
        (b"{ per_mille = 550 }", b"{ per_mille = 1 }, { per_mille = 2 }", r"ratio\[1\].*up_to"),
        (b'yuan = "none"', b'yuan = "lots"', r"policy cap\[0\].yuan"),
        (b"may_pay = true", b'may_pay = "yes"', r"policy account\[0\].may_pay"),
        (b"[registration]", b"[registration", "TOML"),
        (b'name = "', b'name = "\xff', "UTF-8"),
        (b"value = 3,", b"value = " + b"9" * 5_000 + b",", "TOML"),
        (b"layer = []", b"layer = " + b"[" * 90_000, "TOML"),
    ],
)  # fmt: skip
def test_one_wrong_key_is_named(old: bytes, new: bytes, named: str) -> None:
    assert old in TEXT
    with pytest.raises(FormError, match=named):
        parse_policy(TEXT.replace(old, new, 1))


LAYER = ROWS[ROWS.index(b"[[layer]]") :]
BANDS = b'{ up_to = "10000.00", per_mille = 850 }, { up_to = "50000.00", per_mille = 900 }'


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        (b'fund = "330100"', b'fund = "33010"', r"policy layer\[0\].fund"),
        (b'fund = "330100"', b'fund = "310100"', r"policy layer\[0\]:.*fund"),
        (b'fund = "330100"', b'fund = "310200"', r"policy layer\[0\]:.*fund"),
        (b'column = "hifob_pay"', b'column = "hifp_pay"', r"policy layer\[0\].column"),
        (b'title_en = "large', b'title = "large', r"policy layer\[0\]:.*title"),
        (b'base = "over_cap"', b'base = "all"', r"policy layer\[0\].base"),
        (b'threshold = "0.00"', b'threshold = "none"', r"policy layer\[0\].threshold"),
        (b'threshold_per = "case"', b'threshold_per = "day"', r"policy layer\[0\].threshold_per"),
        (b'cap = "300000.00"', b"", r"policy layer\[0\]:.*cap"),
        (b'cap = "300000.00"', b'cap = ""', r"policy layer\[0\].cap"),
        (b'insutype = ["310"]', b'insutype = ["510"]', r"policy layer\[0\].insutype: .*510"),
        (b"bands = [{ per_mille = 900 }]", b"bands = [{ ratio = 900 }]", r"layer\[0\].bands\[0\]"),
        (b'{ up_to = "5000.00", per_mille = 700 }', b"{ per_mille = 700 }", r"layer\[2\].*up_to"),
        (b'{ up_to = "5000.00", ', b'{ up_to = "0.00", ', r"layer\[2\].*up_to"),
    ],
)
def test_one_wrong_key_of_a_layer_is_named(old: bytes, new: bytes, named: str) -> None:
    assert old in LAYER
    with pytest.raises(FormError, match=named):
        parse_policy(ROWS.removesuffix(LAYER) + LAYER.replace(old, new, 1))


def test_bands_must_rise() -> None:
    assert BANDS in ROWS
    for end in (b'"50000.00"', b'"50000.01"'):
        with pytest.raises(FormError, match=r"ratio\[0\].*up_to"):
            parse_policy(ROWS.replace(b'"10000.00"', end, 1))


def test_a_situation_without_a_row_or_with_two_is_named() -> None:
    narrow = TEXT.replace(b"[[cap]]", b'[[cap]]\nservice = ["inpatient", "chronic"]')
    with pytest.raises(FormError, match=r"policy cap: .*310 outpatient 0 resettled, got 0"):
        parse_policy(narrow)
    twice = TEXT + b'[[cap]]\nlevel = [2]\nyuan = "1.00"\nsource = "x"\ncertainty = "choice"\n'
    with pytest.raises(FormError, match=r"policy cap: .*310 inpatient 2 resettled, got 2"):
        parse_policy(twice)


def row(flags: bytes, per_mille: bytes, more: bytes = b"") -> bytes:
    return (
        b"[[class_b]]\nflags = [" + flags + b"]\nper_mille = " + per_mille + b"\n" + more
        + b'source = "x"\ncertainty = "choice"\n'
    )  # fmt: skip


def test_a_row_with_a_flag_goes_before_and_of_two_flags_the_first_in_the_file_wins() -> None:
    policy = parse_policy(TEXT + row(b'"a"', b"100") + row(b'"b", "c"', b"200"))
    chosen = [
        policy.provisions(STAY, frozenset(flags), 1).class_b.per_mille
        for flags in ("", "x", "c", "ca")
    ]
    assert chosen == [800, 800, 200, 100]


def test_two_rows_with_one_flag_may_not_meet_in_a_situation() -> None:
    with pytest.raises(FormError, match=r"policy class_b: .*310 inpatient 0 resettled, got b"):
        parse_policy(TEXT + row(b'"a", "b"', b"100") + row(b'"b"', b"200"))
    apart = row(b'"a"', b"100", b"level = [3]\n") + row(b'"a"', b"200", b"level = [0, 1, 2]\n")
    assert len(parse_policy(TEXT + apart).class_b) == 3


def test_later_admissions_of_a_flagged_person_may_have_rows_of_their_own() -> None:
    own = row(b'"a"', b"100", b"from_admission = 3\n").replace(b"class_b", b"later")
    policy = parse_policy(TEXT + own)
    parts = []
    for admission in (1, 2, 3, 4):
        later = policy.provisions(STAY, frozenset({"a"}), admission).later
        parts.append(later and later.per_mille)
    assert parts == [None, 500, 100, 100]


def test_a_policy_has_a_largest_size_and_a_table_a_largest_number_of_rows() -> None:
    with pytest.raises(FormError, match="bytes"):
        parse_policy(b"#" * (MAX_TEXT + 1))
    many = b"".join(row(b'"f%d"' % n, b"1") for n in range(MAX_ROWS))
    with pytest.raises(FormError, match="policy class_b:"):
        parse_policy(TEXT + many)
