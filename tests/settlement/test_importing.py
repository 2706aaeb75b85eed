"""Files of settlement records: all or nothing, every fault with line and column."""

import csv
import io
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.casefile import COLUMNS, CaseRow, encode_case, lines_of
from settlement.importing import FAULTS, KnownRecord, read_records
from tests.network import case_row, refund_of

EXAMPLE = resources.files("configs").joinpath("examples/qinghai-2017.csv").read_bytes()


FEBRUARY = {
    "begndate": "2017-02-01",
    "enddate": "2017-02-02",
    "setl_time": "2017-02-02T10:00:00+08:00",
}


def file_of(*rows: CaseRow, encoding: str = "utf-8", newline: str = "\n") -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=newline)
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    return text.getvalue().encode(encoding)


def faults(data: bytes) -> list[tuple[int, str, str]]:
    plan = read_records(data)
    assert not plan.faults or not plan.rows  # all or nothing
    return [(f.line, f.column, f.code) for f in plan.faults]


def test_the_example_of_a_year_has_no_fault() -> None:
    plan = read_records(EXAMPLE)
    assert plan.faults == []
    assert len(plan.rows) == EXAMPLE.count(b"\n") - 1


def test_a_file_with_a_byte_order_mark_is_read() -> None:
    plan = read_records(b"\xef\xbb\xbf" + file_of(case_row()))
    assert (len(plan.rows), plan.encoding) == (1, "utf-8-sig")


def test_a_file_from_excel_in_gb18030_is_read() -> None:
    # A Chinese name would be refused by `ID`; a text column outside the ids shows the decoding.
    data = file_of(case_row(fixmedins_code="华西医院"), encoding="gb18030")
    plan = read_records(data)
    assert plan.encoding == "gb18030"
    assert [(f.column, f.value) for f in plan.faults] == [("fixmedins_code", "华西医院")]
    ascii_only = read_records(file_of(case_row(), newline="\r\n", encoding="gb18030"))
    assert len(ascii_only.rows) == 1


def test_a_file_in_utf_16_or_of_noise_is_refused_as_a_whole() -> None:
    assert faults(file_of(case_row(), encoding="utf-16")) == [(1, "", "ENCODING")]
    assert faults(b"\xff\xff\xfe,\x81") == [(1, "", "ENCODING")]


def test_an_empty_file_has_no_header() -> None:
    assert faults(b"") == [(1, "", "EMPTY")]


def test_the_header_names_what_is_missing_unknown_or_twice() -> None:
    data = file_of(case_row()).replace(b"psn_no", b"name").replace(b"hifp_pay,", b"acct_pay,")
    assert sorted(faults(data)) == [
        (1, "acct_pay", "HEADER"),
        (1, "hifp_pay", "HEADER"),
        (1, "name", "HEADER"),
        (1, "psn_no", "HEADER"),
    ]


def test_columns_may_stand_in_any_order() -> None:
    rows = list(csv.reader(io.StringIO(file_of(case_row()).decode())))
    text = "\n".join(",".join(reversed(row)) for row in rows) + "\n"
    assert [n.row for n in read_records(text.encode()).rows] == [case_row()]


def test_a_truncated_file_is_refused_even_between_two_fields() -> None:
    data = file_of(case_row(), case_row(setl_id="A2"))
    assert (3, "", "TRUNCATED") in faults(data[:-1])
    found = faults(data[: len(data) - 30])
    assert (3, "", "TRUNCATED") in found
    assert (3, "", "FIELDS") in found


def test_no_prefix_of_a_file_passes_for_the_file() -> None:
    data = file_of(case_row(), case_row(setl_id="A2"))
    whole_lines = {len(data), data.rindex(b"\n", 0, -1) + 1, data.index(b"\n") + 1}
    for stop in range(len(data)):
        assert bool(faults(data[:stop])) == (stop not in whole_lines), stop


def test_a_wrong_sum_and_a_wrong_code_are_named_by_line_and_column() -> None:
    rows = [
        case_row(),
        case_row(setl_id="A2", medfee_sumamt="9.99"),
        case_row(setl_id="A3", insutype="000"),
    ]
    assert faults(file_of(*rows)) == [(3, "medfee_sumamt", "SUM_TOTAL"), (4, "insutype", "CODE")]


def test_two_lines_with_one_id_are_one_record_if_they_agree_and_an_error_if_not() -> None:
    same = read_records(file_of(case_row(), case_row()))
    assert (len(same.rows), same.known, same.faults) == (1, 1, [])
    assert faults(file_of(case_row(), case_row(psn_no="P2"))) == [(3, "setl_id", "DUPLICATE")]


def test_an_open_quotation_mark_and_an_endless_field_are_named() -> None:
    assert [f[2] for f in faults(file_of(case_row()).replace(b"V1", b'"V1'))][:1] == ["QUOTE"]
    assert faults(file_of(case_row(mdtrt_id="V" * 65))) == [(2, "mdtrt_id", "LENGTH")]


def test_refunds_may_stand_before_their_original_and_follow_it_in_the_log() -> None:
    plan = read_records(file_of(refund_of(case_row()), case_row()))
    assert [n.row.setl_id for n in plan.rows] == ["A1", "R1"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"init_setl_id": "NONE"}, "ORIGINAL"),
        ({"insuplc_admdvs": "540100"}, "ORIGINAL_PAIR"),
        ({"insutype": "390"}, "ORIGINAL_PAIR"),
        (FEBRUARY, "ORIGINAL_MONTH"),
    ],
)
def test_a_refund_must_fit_its_original(changes: dict[str, str], code: str) -> None:
    refund = refund_of(case_row(), **changes)
    assert faults(file_of(case_row(), refund)) == [(3, "init_setl_id", code)]


def test_refunds_together_never_exceed_the_original() -> None:
    original = case_row()
    assert faults(file_of(original, refund_of(original), refund_of(original, setl_id="R2"))) == [
        (4, "init_setl_id", "EXCEEDS")
    ]
    assert faults(
        file_of(original, refund_of(original), refund_of(original, setl_id="R2", init_setl_id="R1"))
    ) == [(4, "init_setl_id", "ORIGINAL_KIND")]


def test_what_the_log_already_holds_counts() -> None:
    row = case_row()

    def known(setl_id: str) -> KnownRecord | None:
        if setl_id != "A1":
            return None
        return KnownRecord(
            encode_case(row), False, row.mdtrtarea_admvs, row.insuplc_admdvs, row.insutype,
            "2017-03", lines_of(row),
        )  # fmt: skip

    again = read_records(file_of(row), known)
    assert (again.rows, again.known, again.faults) == ([], 1, [])
    other = read_records(file_of(row._replace(psn_no="P2")), known)
    assert [f.code for f in other.faults] == ["DUPLICATE"]
    refunds = read_records(file_of(refund_of(row), refund_of(row, setl_id="R2")), known)
    assert [(f.line, f.code) for f in refunds.faults] == [(3, "EXCEEDS")]


def test_a_report_of_faults_has_a_limit() -> None:
    rows = [case_row(setl_id=f"A{n}", insutype="000") for n in range(1_500)]
    assert len(read_records(file_of(*rows)).faults) == 1_000


def test_every_fault_has_both_languages() -> None:
    assert all(text.en and text.zh and text.en != text.zh for text in FAULTS.values())


@given(st.binary(max_size=300))
def test_no_bytes_bring_the_reader_down(data: bytes) -> None:
    plan = read_records(data)
    assert plan.faults


@given(st.integers(0, 2_000), st.binary(min_size=1, max_size=3))
def test_a_damaged_example_never_passes_with_other_money(at: int, noise: bytes) -> None:
    # Whatever still reads as a file adds up in every row.
    data = EXAMPLE[:4_000].rpartition(b"\n")[0] + b"\n"
    spot = at % len(data)
    plan = read_records(data[:spot] + noise + data[spot + len(noise) :])
    for numbered in plan.rows:
        lines = lines_of(numbered.row)
        assert sum((lines.employee, lines.resident, lines.other, lines.account)) >= 0
