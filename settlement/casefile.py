"""The case file: one settlement row in the national field names, and what must hold in it.

The log holds only what clearing needs and a commitment to the case file. The file itself is in the
vaults of the two provinces; whoever has it and the salt can check that it is what was committed to.
"""

import re
from typing import NamedTuple

from ledger import encoding
from ledger.errors import FormError
from ledger.hashing import hash_bytes
from settlement.money import parse_fen
from settlement.outcome import Text
from settlement.party import province_of
from settlement.period import parse_time, service_month
from settlement.record import Lines, Reversal, Settlement

SALT_BYTES = 32
MAX_FIELD = 64

FUND_COLUMNS = (
    "hifp_pay", "cvlserv_pay", "hifes_pay", "hifmi_pay", "hifob_pay", "maf_pay", "othfund_pay",
)  # fmt: skip
MONEY_COLUMNS = (
    "medfee_sumamt", "fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_amt",
    "act_pay_dedc", *FUND_COLUMNS, "fund_pay_sumamt", "psn_pay", "acct_pay", "cash_payamt",
)  # fmt: skip

EMPLOYEE_TYPES = ("310", "340", "510")  # employee, retired cadres, maternity
RESIDENT_TYPES = ("390",)
MED_TYPES = {
    "11": ("11", "12", "13", "14", "15", "51", "53"),
    "21": ("21", "22", "23", "52"),
    "41": ("41",),
}  # by clr_type: outpatient, inpatient, pharmacy


class CaseRow(NamedTuple):
    """One row, every field as text, in the order of the national export."""

    setl_id: str
    init_setl_id: str
    mdtrt_id: str
    psn_no: str
    fixmedins_code: str
    mdtrtarea_admvs: str
    insuplc_admdvs: str
    insutype: str
    med_type: str
    clr_type: str
    begndate: str
    enddate: str
    setl_time: str
    medfee_sumamt: str
    fulamt_ownpay_amt: str
    overlmt_selfpay: str
    preselfpay_amt: str
    inscp_amt: str
    act_pay_dedc: str
    hifp_pay: str
    cvlserv_pay: str
    hifes_pay: str
    hifmi_pay: str
    hifob_pay: str
    maf_pay: str
    othfund_pay: str
    fund_pay_sumamt: str
    psn_pay: str
    acct_pay: str
    cash_payamt: str
    refd_setl_flag: str

    @property
    def is_refund(self) -> bool:
        """True if the row takes back another one."""
        return self.init_setl_id != ""


COLUMNS = CaseRow._fields


class Fault(NamedTuple):
    """What is wrong in one column of a row."""

    column: str
    code: str
    text: Text
    value: str


FAULTS: dict[str, Text] = {
    "ID": Text("expected 1 to 64 letters, digits, dot, dash or underscore",
               "应为 1 至 64 位字母、数字、点、横线或下划线"),
    "AREA": Text("expected a six-digit area of a participant", "应为参与方的六位行政区划代码"),
    "SAME_PLACE": Text("insured place and treatment place are in one province",
                       "参保地与就医地属于同一省份"),
    "CODE": Text("a code that is not in the national set", "代码不在国家代码集内"),
    "DATE": Text("expected a date YYYY-MM-DD", "应为日期 YYYY-MM-DD"),
    "TIME": Text("expected a time with offset, YYYY-MM-DDThh:mm:ss+08:00",
                 "应为带时区的时间 YYYY-MM-DDThh:mm:ss+08:00"),
    "DATE_ORDER": Text("the end lies before the beginning, or the settlement before the end",
                       "结束早于开始，或结算早于结束"),
    "AMOUNT": Text("expected yuan with two decimals", "应为两位小数的元金额"),
    "SIGN": Text("a refund has no amount above zero, any other row none below",
                 "退费各项金额不得为正，其他记录不得为负"),
    "SUM_TOTAL": Text("medfee_sumamt is not fund_pay_sumamt + psn_pay",
                      "医疗费总额不等于基金支付总额与个人支付之和"),
    "SUM_PERSON": Text("psn_pay is not acct_pay + cash_payamt",
                       "个人支付不等于个人账户支付与现金支付之和"),
    "SUM_FUND": Text("fund_pay_sumamt is not the sum of the seven fund columns",
                     "基金支付总额不等于七项基金之和"),
    "REFUND": Text("refd_setl_flag 1 and init_setl_id go together",
                   "退费标志与原结算编号必须同时出现"),
}  # fmt: skip

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_DATE = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")


def encode_case(row: CaseRow) -> bytes:
    """Return the canonical bytes of a row."""
    return encoding.pack(list(row))


def decode_case(data: bytes) -> CaseRow:
    """Return the row of canonical bytes; raises FormError for anything else."""
    fields = encoding.unpack(data)
    good = isinstance(fields, list) and len(fields) == len(COLUMNS)
    if not good or not all(isinstance(f, str) and len(f) <= MAX_FIELD for f in fields):
        raise FormError("case file", f"{len(COLUMNS)} texts of at most {MAX_FIELD} characters")
    return CaseRow(*fields)


def commitment(case: bytes, salt: bytes) -> bytes:
    """Return what the log says of a case file (32 bytes); the salt makes it say nothing."""
    return hash_bytes(b"gongzhang/case/v1\n" + salt + case)


def lines_of(row: CaseRow) -> Lines:
    """Return the fund lines in fen: what the insured province owes for this row.

    The basic pool is the employee or the resident line by `insutype`; the other six fund columns
    are one line; the personal account is a line of its own, advanced by the treatment province too.
    """
    pool = parse_fen(row.hifp_pay)
    employee = row.insutype in EMPLOYEE_TYPES
    return Lines(
        employee=pool if employee else 0,
        resident=0 if employee else pool,
        other=sum(parse_fen(getattr(row, column)) for column in FUND_COLUMNS[1:]),
        account=parse_fen(row.acct_pay),
    )


def record_of(row: CaseRow, salt: bytes) -> Settlement | Reversal:
    """Return the entry body of a row that `check_row` found nothing wrong with."""
    digest = commitment(encode_case(row), salt)
    month = service_month(row.setl_time)
    places = (row.mdtrtarea_admvs, row.insuplc_admdvs, row.insutype, row.clr_type)
    if row.is_refund:
        return Reversal(row.setl_id, row.init_setl_id, month, *places, lines_of(row), digest)
    return Settlement(row.setl_id, month, *places, lines_of(row), digest)


def check_row(row: CaseRow) -> list[Fault]:
    """Return everything that is wrong in one row by itself, in column order."""
    faults = [*_check_ids(row), *_check_places(row), *_check_codes(row), *_check_times(row)]
    amounts, money_faults = _amounts(row)
    faults += money_faults
    if not money_faults:
        faults += _check_sums(row, amounts)
    if (row.refd_setl_flag == "1") != row.is_refund:
        faults.append(_fault(row, "refd_setl_flag", "REFUND"))
    return faults


def check_case(record: Settlement | Reversal, case: bytes, salt: bytes) -> str | None:
    """Return why a case file does not bear out an entry, or None if it does.

    COMMITMENT: it is not the file the entry commits to. ROW: a row that no import would take.
    AMOUNT: the fund lines differ. FIELDS: anything else differs.
    """
    if commitment(case, salt) != record.commitment:
        return "COMMITMENT"
    try:
        row = decode_case(case)
        if check_row(row):
            return "ROW"
    except FormError:
        return "ROW"
    if lines_of(row) != record.lines:
        return "AMOUNT"
    return None if record_of(row, salt) == record else "FIELDS"


def _check_ids(row: CaseRow) -> list[Fault]:
    columns = ["setl_id", "mdtrt_id", "psn_no", "fixmedins_code"]
    if row.is_refund:
        columns.append("init_setl_id")
    faults = [_fault(row, c, "ID") for c in columns if not _ID.fullmatch(getattr(row, c))]
    if row.is_refund and row.init_setl_id == row.setl_id:
        faults.append(_fault(row, "init_setl_id", "REFUND"))
    return faults


def _check_places(row: CaseRow) -> list[Fault]:
    faults, provinces = [], []
    for column in ("mdtrtarea_admvs", "insuplc_admdvs"):
        try:
            provinces.append(province_of(getattr(row, column)))
        except FormError:
            faults.append(_fault(row, column, "AREA"))
    if len(provinces) == 2 and provinces[0] == provinces[1]:
        faults.append(_fault(row, "insuplc_admdvs", "SAME_PLACE"))
    return faults


def _check_codes(row: CaseRow) -> list[Fault]:
    faults = []
    if row.insutype not in EMPLOYEE_TYPES + RESIDENT_TYPES:
        faults.append(_fault(row, "insutype", "CODE"))
    if row.clr_type not in MED_TYPES:
        faults.append(_fault(row, "clr_type", "CODE"))
    elif row.med_type not in MED_TYPES[row.clr_type]:
        faults.append(_fault(row, "med_type", "CODE"))
    if row.refd_setl_flag not in ("0", "1"):
        faults.append(_fault(row, "refd_setl_flag", "CODE"))
    return faults


def _check_times(row: CaseRow) -> list[Fault]:
    faults = [
        _fault(row, column, "DATE")
        for column in ("begndate", "enddate")
        if not _DATE.fullmatch(getattr(row, column))
    ]
    try:
        settled = parse_time(row.setl_time).strftime("%Y-%m-%d")
    except FormError:
        return [*faults, _fault(row, "setl_time", "TIME")]
    if not faults and not row.begndate <= row.enddate <= settled:
        faults.append(_fault(row, "enddate", "DATE_ORDER"))
    return faults


def _amounts(row: CaseRow) -> tuple[dict[str, int], list[Fault]]:
    amounts, faults = {}, []
    for column in MONEY_COLUMNS:
        try:
            fen = amounts[column] = parse_fen(getattr(row, column))
        except FormError:
            faults.append(_fault(row, column, "AMOUNT"))
            continue
        if (fen > 0) if row.is_refund else (fen < 0):
            faults.append(_fault(row, column, "SIGN"))
    return amounts, faults


def _check_sums(row: CaseRow, fen: dict[str, int]) -> list[Fault]:
    faults = []
    if fen["medfee_sumamt"] != fen["fund_pay_sumamt"] + fen["psn_pay"]:
        faults.append(_fault(row, "medfee_sumamt", "SUM_TOTAL"))
    if fen["psn_pay"] != fen["acct_pay"] + fen["cash_payamt"]:
        faults.append(_fault(row, "psn_pay", "SUM_PERSON"))
    if fen["fund_pay_sumamt"] != sum(fen[column] for column in FUND_COLUMNS):
        faults.append(_fault(row, "fund_pay_sumamt", "SUM_FUND"))
    return faults


def _fault(row: CaseRow, column: str, code: str) -> Fault:
    return Fault(column, code, FAULTS[code], getattr(row, column))
