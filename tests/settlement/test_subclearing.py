"""Two levels: what the cities of a province owe and are owed is what the province is and does."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.encoding import pack, unpack
from ledger.errors import FormError, RefusedError, VerificationError
from settlement import batch as batches
from settlement import lookup, netting
from settlement.city import Cities, read_document, signed_by, statements
from settlement.party import CENTRE, city_of
from settlement.record import (
    CityStatement,
    DisputeRuling,
    Escalation,
    Lines,
    Release,
    Reversal,
    Settlement,
)
from settlement.share import Share, shares
from settlement.subclearing import HUB, cities_of, city_legs, compute, confirmed_batch, tie_out
from settlement.totals import CHUNK, Amounts, add_all
from tests.network import QINGHAI, SICHUAN, TIBET, Logs, reversal, settlement
from tests.published import close
from tests.settlement.test_obligation import DEEDS, argue

JIANGSU = "320000"
JIANGSU_CITIES = [f"32{number:02d}00" for number in range(1, 14)]


def case(setl_id: str, lines: Lines, insutype: str = "310", **places: str) -> Settlement:
    base = settlement(setl_id, **places)
    return Settlement(
        setl_id, base.month, base.treatment_area, base.insured_area, insutype, "21", lines,
        bytes(32),
    )  # fmt: skip


def cities(logs: Logs, month: str, province: str) -> Cities:
    """Return the cities of a province, tied out."""
    return cities_of(logs.store, logs.roster, month, province)[0]


def money(sums: dict[tuple[str, str], Amounts]) -> dict[tuple[str, str], int]:
    return {place: amounts.fen for place, amounts in sums.items()}


# --- areas ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("area", "city"),
    [
        ("320100", "320100"), ("320102", "320100"), ("321281", "321200"), ("630000", "630000"),
        ("429004", "429004"), ("429005", "429005"), ("639900", "639900"), ("110101", "110100"),
        ("630001", "630000"),
    ],
)  # fmt: skip
def test_a_district_belongs_to_its_city_and_a_county_without_one_stands_alone(
    area: str, city: str
) -> None:
    assert city_of(area) == city


# --- worked by hand ------------------------------------------------------------------------------


def by_hand() -> Logs:
    """Return two closed months of three provinces, small enough to add up on paper.

    March. Sichuan's log, treated in Chengdu (5101) and Zigong (5103), owed by Qinghai:
        A1 Xining district 630102   employee 1,000 account 50      at Chengdu
        A2 Haidong 630200           resident   700                 at Zigong
        A3 whole province 630000    resident   400                 at Chengdu
        A4 Xining 630100            employee   900                 at Zigong     excepted
    Tibet's log: B1 Chengdu 510100  employee   250  at Lhasa 540100, owed by Sichuan
    Qinghai's log: C1 Mianyang 510700 employee 80   at Xining 630100, owed by Sichuan
    April. R1 takes 300 of A1 back; the centre splits A4: 200 are not owed, 700 are.
        A5 Haidong, service month March, entered late: employee 60 at Chengdu
    """
    logs = Logs()
    logs.add(
        SICHUAN,
        case("A1", Lines(1_000, 0, 0, 50), treated="510100", insured="630102"),
        case("A2", Lines(0, 700, 0, 0), "390", treated="510300", insured="630200"),
        case("A3", Lines(0, 400, 0, 0), "390", treated="510104", insured="630000"),
        case("A4", Lines(900, 0, 0, 0), treated="510300", insured="630100"),
    )
    logs.add(TIBET, settlement("B1", 250, treated="540100", insured="510100"))
    logs.add(QINGHAI, settlement("C1", 80, treated="630100", insured="510700"))
    logs.accept(QINGHAI, SICHUAN, 3)
    logs.accept(SICHUAN, TIBET)
    logs.accept(SICHUAN, QINGHAI)
    close(logs, "2017-03")
    taken = reversal("R1", "A1", -300, month="2017-04", treated="510100", insured="630102")
    logs.add(SICHUAN, taken, case("A5", Lines(60, 0, 0, 0), treated="510100", insured="630200"))
    logs.accept(QINGHAI, SICHUAN)
    logs.add(QINGHAI, Escalation(SICHUAN, QINGHAI, 3, ""))
    logs.add(
        CENTRE, DisputeRuling(SICHUAN, QINGHAI, 3, "split", Lines(200, 0, 0, 0), "half of it", [])
    )
    close(logs, "2017-04")
    return logs


def test_the_example_that_was_worked_by_hand() -> None:
    logs = by_hand()
    march = cities(logs, "2017-03", QINGHAI)
    assert march.owes == {
        ("630000", SICHUAN): Amounts(1, 0, 400, 0, 0),
        ("630100", SICHUAN): Amounts(1, 1_000, 0, 0, 50),
        ("630200", SICHUAN): Amounts(1, 0, 700, 0, 0),
    }
    assert march.owed == {("630100", SICHUAN): Amounts(1, 80, 0, 0, 0)}
    assert march.nets == {"630000": -400, "630100": -970, "630200": -700}
    april = cities(logs, "2017-04", QINGHAI)
    assert april.owes == {
        ("630100", SICHUAN): Amounts(2, -300 + 700, 0, 0, 0),
        ("630200", SICHUAN): Amounts(1, 60, 0, 0, 0),
    }
    assert april.owed == {}


def test_the_other_side_of_the_same_example() -> None:
    logs = by_hand()
    march = cities(logs, "2017-03", SICHUAN)
    assert money(march.owed) == {("510100", QINGHAI): 1_450, ("510300", QINGHAI): 700}
    assert money(march.owes) == {("510100", TIBET): 250, ("510700", QINGHAI): 80}
    assert march.nets == {"510100": 1_200, "510300": 700, "510700": -80}
    april = cities(logs, "2017-04", SICHUAN)
    assert money(april.owed) == {("510100", QINGHAI): -240, ("510300", QINGHAI): 700}


def test_the_document_is_the_bytes_that_the_protocol_describes() -> None:
    logs = by_hand()
    april = cities(logs, "2017-04", QINGHAI)
    result = batches.result_of(logs.store, logs.roster, "2017-04", 1)
    assert unpack(april.document) == [
        1, QINGHAI, "2017-04", 1, result.hash,
        [["630100", SICHUAN, 2, [400, 0, 0, 0]], ["630200", SICHUAN, 1, [60, 0, 0, 0]]],
        [],
        [["630100", -400], ["630200", -60]],
    ]  # fmt: skip
    assert read_document(april.document) == april


def test_city_legs_in_the_three_models() -> None:
    march = cities(by_hand(), "2017-03", QINGHAI)

    def legs(model: str) -> list[tuple[Any, ...]]:
        return [(*leg.due, leg.counterpart) for leg in city_legs(march, model)]

    assert legs("gross_pair") == [
        (1, "630000", HUB, 400, SICHUAN), (2, "630100", HUB, 1_050, SICHUAN),
        (3, "630200", HUB, 700, SICHUAN), (4, HUB, "630100", 80, SICHUAN),
    ]  # fmt: skip
    assert legs("net_pair") == [
        (1, "630000", HUB, 400, SICHUAN), (2, "630100", HUB, 970, SICHUAN),
        (3, "630200", HUB, 700, SICHUAN),
    ]  # fmt: skip
    assert legs("net_hub") == [
        (1, "630000", HUB, 400, None), (2, "630100", HUB, 970, None), (3, "630200", HUB, 700, None)
    ]  # fmt: skip
    with pytest.raises(FormError, match="gross_pair or net_pair or net_hub"):
        city_legs(march, "barter")


def test_in_a_hub_paying_cities_remit_first_and_then_receivers_are_paid() -> None:
    march = cities(by_hand(), "2017-03", SICHUAN)
    assert [tuple(leg.due) for leg in city_legs(march, "net_hub")] == [
        (1, "510700", HUB, 80), (2, HUB, "510100", 1_200), (3, HUB, "510300", 700)
    ]  # fmt: skip


def test_the_hub_of_a_province_is_neither_the_centre_nor_the_area_of_the_whole_province() -> None:
    march = cities(by_hand(), "2017-03", QINGHAI)
    ends = {code for leg in city_legs(march, "net_hub") for code in leg.due[1:3]}
    assert CENTRE not in ends
    assert ends == {HUB, "630000", "630100", "630200"}


# --- Jiangsu: thirteen cities --------------------------------------------------------------------


def jiangsu() -> Logs:
    """Return two closed months of Jiangsu with Sichuan and Qinghai, in both directions.

    A refund in the second month, a split dispute, late entries, districts and one void entry.
    """
    logs = Logs(codes=(JIANGSU, SICHUAN, QINGHAI))
    for number, city in enumerate(JIANGSU_CITIES):
        away = {"treated": "510100", "insured": city}
        home = {"treated": city[:4] + "02", "insured": "630100"}
        lines = Lines(1_000 + number, 10 * number, 3, number % 2)
        logs.add(SICHUAN, case(f"S{number}", lines, **away))
        logs.add(JIANGSU, case(f"J{number}", Lines(500 - number, 0, 0, number), **home))
    assert logs.add(SICHUAN, case("S1", Lines(9, 9, 9, 9))) == "DUPLICATE"
    logs.accept(JIANGSU, SICHUAN, 4)
    logs.accept(QINGHAI, JIANGSU)
    close(logs, "2017-03")
    logs.add(
        SICHUAN,
        reversal("R2", "S2", -400, month="2017-04", treated="510100", insured="320300"),
        case("L1", Lines(77, 0, 0, 0), insured="320505"),  # of March, entered late
        case("N1", Lines(88, 0, 0, 0), insured="320500", month="2017-05"),  # not due
    )
    logs.accept(JIANGSU, SICHUAN)
    logs.add(JIANGSU, Escalation(SICHUAN, JIANGSU, 4, ""))
    logs.add(CENTRE, DisputeRuling(SICHUAN, JIANGSU, 4, "split", Lines(4, 41, 0, 0), "", []))
    close(logs, "2017-04")
    close(logs, "2017-05")
    return logs


def test_a_province_with_thirteen_cities_ties_out_month_after_month() -> None:
    logs = jiangsu()
    march, april, may = (cities(logs, f"2017-0{n}", JIANGSU) for n in (3, 4, 5))
    assert march.codes == JIANGSU_CITIES
    assert ("320500", SICHUAN) not in march.owes  # its only case is contested
    assert money(april.owes) == {
        ("320300", SICHUAN): -400, ("320500", SICHUAN): 77 + (1_004 + 40 + 3) - (4 + 40),
    }  # fmt: skip
    assert money(may.owes) == {("320500", SICHUAN): 88}
    for month in (march, april, may):
        result = batches.result_of(logs.store, logs.roster, month.month, 1)
        assert sum(month.nets.values()) == result.nets[JIANGSU]


def test_a_city_sum_that_is_a_fen_short_names_counterpart_line_and_both_figures() -> None:
    logs = jiangsu()
    batch = confirmed_batch(logs.store, logs.roster, "2017-03")
    found = compute(logs.store, batch, [JIANGSU])[JIANGSU]
    place = ("320100", SICHUAN)
    found.owes[place] = found.owes[place].minus(Amounts(0, 0, 0, 1, 0))
    with pytest.raises(VerificationError) as caught:
        tie_out(found, batch.result)
    assert str(caught.value) == (
        "cities of 320000 owe 510000 in 2017-03: other, fen: expected 36, got 35"
    )
    found.owes[place] = found.owes[place].plus(Amounts(1, 0, 0, 1, 0))
    with pytest.raises(VerificationError, match="entries: expected 12, got 13"):
        tie_out(found, batch.result)


def test_a_counterpart_that_takes_no_part_is_named() -> None:
    logs = jiangsu()
    batch = confirmed_batch(logs.store, logs.roster, "2017-03")
    found = compute(logs.store, batch, [JIANGSU])[JIANGSU]
    found.owed["320100", TIBET] = Amounts(1, 5, 0, 0, 0)
    with pytest.raises(VerificationError, match=r"\['540000'\] took no part"):
        tie_out(found, batch.result)


def test_the_cities_of_another_batch_do_not_tie_out() -> None:
    logs = jiangsu()
    march = cities(logs, "2017-03", JIANGSU)
    with pytest.raises(VerificationError, match="another batch"):
        tie_out(march, batches.result_of(logs.store, logs.roster, "2017-04", 1))


def test_a_month_that_is_not_confirmed_and_a_stranger_are_refused() -> None:
    logs = jiangsu()
    with pytest.raises(RefusedError, match="2017-06 is not confirmed"):
        cities(logs, "2017-06", JIANGSU)
    with pytest.raises(RefusedError, match="took no part"):
        cities(logs, "2017-03", TIBET)


def test_a_province_without_an_entry_has_a_document_without_cities() -> None:
    logs = Logs()
    logs.add(SICHUAN, settlement("A1"))
    logs.accept(QINGHAI, SICHUAN)
    close(logs, "2017-03")
    found = cities(logs, "2017-03", TIBET)
    assert (found.codes, found.nets, found.record().cities) == ([], {}, 0)
    assert read_document(found.document) == found
    assert city_legs(found, "net_hub") == []


# --- what is read of a log -----------------------------------------------------------------------


def test_entries_of_an_earlier_stretch_that_come_due_later_are_found_again() -> None:
    # Over several chunks: what waits for its month lies far below what was accepted since.
    logs = Logs()
    first = [
        settlement(f"A{n}", 1, month="2017-04" if n == 700 else "2017-03", insured="630200")
        for n in range(CHUNK + 40)
    ]
    logs.add_leaves(SICHUAN, [logs.leaf(SICHUAN, r, index=n) for n, r in enumerate(first)])
    logs.accept(QINGHAI, SICHUAN)
    close(logs, "2017-03")
    logs.add(SICHUAN, settlement("B1", 5, month="2017-04"), settlement("B2", 7, insured="540100"))
    logs.accept(QINGHAI, SICHUAN)
    close(logs, "2017-04")
    closes = confirmed_batch(logs.store, logs.roster, "2017-04").closes
    found = list(shares(logs.store, closes, SICHUAN, [QINGHAI]))
    assert [(share.place, share.amounts.fen) for share in found] == [(700, 1), (CHUNK + 41, 5)]
    assert cities(logs, "2017-03", QINGHAI).owes["630200", SICHUAN].entries == CHUNK + 39


def test_debtors_who_have_accepted_different_sizes_are_read_together() -> None:
    logs = Logs()
    for n in range(10):
        logs.add(SICHUAN, settlement(f"A{n}", 1, insured="540100" if n % 2 else "630100"))
        if n in (2, 5):
            logs.accept(TIBET, SICHUAN)
    logs.accept(QINGHAI, SICHUAN)
    close(logs, "2017-03")
    found = cities(logs, "2017-03", SICHUAN)
    assert money(found.owed) == {("510100", QINGHAI): 5, ("510100", TIBET): 3}


def test_an_entry_nobody_can_read_is_passed_over() -> None:
    logs = Logs()
    forged = bytearray(logs.leaf(SICHUAN, settlement("F1", 5)))
    forged[3] ^= 1
    assert logs.add_leaves(SICHUAN, [bytes(forged)]) == ["SIGNATURE"]
    assert logs.add_leaves(SICHUAN, [b"nothing of the kind"]) == ["FORM"]
    logs.add(SICHUAN, settlement("A1"), settlement("A2", 2))
    logs.accept(QINGHAI, SICHUAN)
    close(logs, "2017-03")
    assert money(cities(logs, "2017-03", QINGHAI).owes) == {("630100", SICHUAN): 1_002}


# --- the document --------------------------------------------------------------------------------


def first_city(code: str) -> Callable[[Any], Any]:
    return lambda rows: [[code, *rows[0][1:]], *rows[1:]]


DOCUMENTS: list[tuple[str, int, Any]] = [
    ("version", 0, 2), ("another province's", 1, SICHUAN), ("month", 2, "2017-13"),
    ("order", 5, lambda rows: rows[::-1]), ("twice", 5, lambda rows: [rows[0], *rows]),
    ("no city", 5, first_city("630102")), ("in no province", 5, first_city("990100")),
    ("no province", 6, [["630100", "510100", 1, [80, 0, 0, 0]]]),
    ("itself", 6, [["630100", QINGHAI, 1, [80, 0, 0, 0]]]),
    ("zero", 6, lambda rows: [["630000", SICHUAN, 0, [0, 0, 0, 0]], *rows]),
    ("negative count", 6, [["630100", SICHUAN, -1, [80, 0, 0, 0]]]),
    ("nets", 7, lambda rows: [["630000", -399], *rows[1:]]), ("nets missing", 7, []),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "place", "value"), DOCUMENTS)
def test_a_document_with_one_fault_is_refused(fault: str, place: int, value: Any) -> None:
    fields = unpack(cities(by_hand(), "2017-03", QINGHAI).document)
    fields[place] = value(fields[place]) if callable(value) else value
    with pytest.raises(FormError):
        read_document(pack(fields))


def test_a_document_is_spelt_in_one_way_and_has_a_limit() -> None:
    good = cities(by_hand(), "2017-03", QINGHAI).document
    for data in (good + b"\x00", b"", bytes(9 * 1024 * 1024)):
        with pytest.raises(FormError):
            read_document(data)


# --- statements ----------------------------------------------------------------------------------


def test_a_province_signs_the_cities_of_a_month_once_in_its_own_log() -> None:
    logs = by_hand()
    record = cities(logs, "2017-03", QINGHAI).record()
    assert record.cities == 3
    assert signed_by(logs.store, QINGHAI, "2017-03") is None
    assert logs.add(QINGHAI, record) is None
    index = logs.size(QINGHAI) - 1
    assert signed_by(logs.store, QINGHAI, "2017-03") == (index, record)
    assert statements(logs.store, logs.codes) == {"2017-03": {QINGHAI: index}}
    other = CityStatement("2017-03", 1, 2, bytes(32), [])
    assert logs.add(QINGHAI, other) == "DUPLICATE"
    assert logs.add(CENTRE, record) == "ROLE"


# --- laws ----------------------------------------------------------------------------------------

CODES = (SICHUAN, TIBET, QINGHAI)
PAIRS = [(t, i) for t in CODES for i in CODES if t != i]
AREAS = ("0000", "0100", "0102", "0200", "9004")


def play(logs: Logs, deeds: Any, start: int = 0) -> None:
    """Do what the deeds say, as in `test_obligation`, in several cities of each province."""
    for number, (deed, pair, which, fen, month) in enumerate(deeds, start):
        treated, insured = PAIRS[pair]
        size = logs.size(treated)
        places = {
            "treated": treated[:2] + AREAS[fen % 5], "insured": insured[:2] + AREAS[which % 5],
            "month": month,
        }  # fmt: skip
        if deed == "settle":
            lines = Lines(*(fen if n == number % 4 else which for n in range(4)))
            logs.add(treated, case(f"A{number}", lines, **places))
        elif deed == "reverse":
            take_back(logs, treated, which % max(size, 1), f"R{number}", fen, month)
        elif deed == "accept":
            logs.accept(insured, treated, size=min(size, which))
        elif deed == "except":
            before = lookup.accepted_before(logs.store, insured, treated)
            if before < size:
                logs.accept(insured, treated, before + which % (size - before))
        elif deed == "release":
            logs.add(insured, Release(treated, [which % max(size, 1)], []))
        else:
            argue(logs, deed, treated, insured, which % max(size, 1), fen)


def take_back(logs: Logs, code: str, index: int, setl_id: str, fen: int, month: str) -> None:
    """Take back part of the settlement at an index, if there is one."""
    if index >= logs.size(code) or lookup.void_code(logs.store, code, index) is not None:
        return
    record = lookup.entry_at(logs.store, code, index)[1]
    if isinstance(record, Settlement):
        logs.add(
            code,
            Reversal(
                setl_id, record.setl_id, max(month, record.month), record.treatment_area,
                record.insured_area, "310", "21", Lines(-(fen % 9), 0, -1, 0), bytes(32),
            ),
        )  # fmt: skip


@settings(max_examples=60)
@given(DEEDS, DEEDS, DEEDS, st.sampled_from(sorted(netting.MODELS)))
def test_city_sums_are_pair_sums_and_city_legs_are_the_provinces_legs(
    a: Any, b: Any, c: Any, model: str
) -> None:
    logs = Logs()
    for number, (deeds, month) in enumerate(
        zip((a, b, c, []), ("2017-03", "2017-04", "2017-05", "2017-06"), strict=True)
    ):
        play(logs, deeds, number * 100)
        close(logs, month)
        batch = confirmed_batch(logs.store, logs.roster, month)
        together = compute(logs.store, batch, CODES)
        for province in CODES:
            alone = compute(logs.store, batch, [province])[province]
            assert alone == together[province]
            tie_out(alone, batch.result)
            assert read_document(alone.document) == alone
            assert all(amounts.entries >= 0 for amounts in (*alone.owes.values(),))
            check_legs(alone, batch.result, model)


def check_legs(found: Cities, result: batches.Result, model: str) -> None:
    legs = city_legs(found, model)
    assert [leg.due.number for leg in legs] == list(range(1, len(legs) + 1))
    assert all(leg.due.fen > 0 and HUB in leg.due for leg in legs)
    assert netting.net_of_legs([leg.due for leg in legs], found.codes) == found.nets
    assert sum(found.nets.values()) == result.nets[found.province]
    # Counterpart by counterpart and line by line, what the cities pay in less what they get is
    # what the province pays less what it gets; in a hub all counterparts together.
    money = {pair: amounts.lines for pair, amounts in result.pairs.items()}
    parties = sorted(result.nets)
    mine: dict[Any, list[int]] = {}
    for due, lines in netting.movements(model, money, parties):
        if found.province in (due.payer, due.payee):
            other = due.payee if due.payer == found.province else due.payer
            _count(mine, None if other == CENTRE else other, lines, due.payer == found.province)
    theirs: dict[Any, list[int]] = {}
    for leg in legs:
        _count(theirs, leg.counterpart, leg.lines, leg.due.payee == HUB)
    zero = [0, 0, 0, 0]
    for key in mine.keys() | theirs.keys():
        ours, cities = mine.get(key, zero), theirs.get(key, zero)
        # A leg that comes to nothing is not there; its lines may run against each other.
        assert ours == cities or (sum(ours) == sum(cities) == 0)


def _count(sums: dict[Any, list[int]], key: Any, lines: Lines, pays: bool) -> None:
    values = (lines.employee, lines.resident, lines.other, lines.account)
    before = sums.get(key, [0, 0, 0, 0])
    sums[key] = [x + (y if pays else -y) for x, y in zip(before, values, strict=True)]


@settings(max_examples=40)
@given(DEEDS, DEEDS)
def test_the_shares_of_a_pair_are_what_the_batch_clears_and_every_entry_has_one_at_most(
    a: Any, b: Any
) -> None:
    logs = Logs()
    seen: dict[str, set[int]] = {code: set() for code in CODES}
    for deeds, month, start in ((a, "2017-03", 0), (b, "2017-04", 100)):
        play(logs, deeds, start)
        close(logs, month)
        batch = confirmed_batch(logs.store, logs.roster, month)
        for creditor in CODES:
            others = [code for code in CODES if code != creditor]
            found: list[Share] = list(shares(logs.store, batch.closes, creditor, others))
            places = [share.place for share in found]
            assert len(set(places)) == len(places)
            whole = {share.place for share in found if share.amounts.entries == 1}
            assert not whole & seen[creditor] or any(
                lookup.exceptions(logs.store, debtor, creditor) for debtor in others
            )
            seen[creditor] |= whole
            for debtor in others:
                mine = add_all(share.amounts for share in found if share.debtor == debtor)
                assert mine == batch.result.pairs.get((debtor, creditor), batches.NOTHING)
