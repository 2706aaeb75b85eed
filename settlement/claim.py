"""A claim: what a hospital asks to be settled, before anybody has computed what the funds pay.

The treatment province says what was done and which shares of it the catalogues cover; who the
person is, a token says that only the insured province can read. Money is yuan with two decimals in
JSON, fen everywhere else. (domain.md R50 to R53)
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

import msgspec

from ledger.encoding import Codec
from ledger.errors import FormError
from ledger.hashing import hash_bytes
from settlement.casefile import MED_TYPES, MONEY_COLUMNS, CaseRow
from settlement.money import format_yuan, parse_fen
from settlement.party import province_of
from settlement.period import parse_time
from settlement.person import Token
from settlement.provision import Service, service_of
from settlement.record import Code, Day, InstitutionCode, Name, Part

MAX_JSON = 64 * 1024
MAX_FEE = 10**11  # a thousand million yuan: a typing error, not a bill

CATEGORIES: dict[str, tuple[str, str]] = {
    "01": ("bed", "床位费"), "02": ("consultation", "诊察费"), "03": ("examination", "检查费"),
    "04": ("laboratory", "化验费"), "05": ("treatment", "治疗费"), "06": ("surgery", "手术费"),
    "07": ("nursing", "护理费"), "08": ("materials", "卫生材料费"),
    "09": ("western medicine", "西药费"), "10": ("herbal pieces", "中药饮片费"),
    "11": ("patent Chinese medicine", "中成药费"), "12": ("general clinic", "一般诊疗费"),
    "13": ("registration", "挂号费"), "14": ("other", "其他费"),
}  # fmt: skip
"""The 14 national fee categories (domain.md 5.4)."""

CLR_TYPES = {med: clr for clr, meds in MED_TYPES.items() for med in meds}
Category = Annotated[str, msgspec.Meta(pattern=r"^(0[1-9]|1[0-4])\Z")]
Amount = Annotated[int, msgspec.Meta(ge=0, le=MAX_FEE)]
MedType = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{2}\Z")]
Moment = Annotated[str, msgspec.Meta(max_length=25)]


class Fee(Part, frozen=True):
    """What one fee category comes to, in fen, by what the catalogues of the treatment place say."""

    category: Category
    class_a: Amount
    class_b: Amount
    self_paid: Amount  # class C: the person's own, wholly
    over_limit: Amount  # above a payment standard: the person's own


class Claim(Part, frozen=True):
    """A bill to be split; between provinces it travels in this form."""

    setl_id: Name
    mdtrt_id: Name
    person: Token
    institution: InstitutionCode
    treatment_area: Code  # the institution's
    med_type: MedType
    begndate: Day
    enddate: Day
    setl_time: Moment
    emergency: bool
    use_account: bool  # whether the personal account may pay the person's part
    fees: Annotated[list[Fee], msgspec.Meta(min_length=1, max_length=len(CATEGORIES))]

    @property
    def insured_area(self) -> str:
        """The area that the person's token begins with."""
        return self.person[:6]

    @property
    def insured(self) -> str:
        """The province that decides on the claim; raises FormError if the area is nobody's."""
        return province_of(self.insured_area)

    @property
    def service(self) -> Service:
        """inpatient, outpatient, chronic or pharmacy."""
        return service_of(self.med_type)

    @property
    def hash(self) -> bytes:
        """What a determination of this claim names."""
        return hash_bytes(b"gongzhang/claim/v1\n" + CLAIM.encode(self))


CLAIM = Codec(Claim)


class _FeeForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    category: Category
    class_a: str = "0.00"
    class_b: str = "0.00"
    self_paid: str = "0.00"
    over_limit: str = "0.00"


class ClaimForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The JSON a hospital sends; `Claim` has the meaning of the fields."""

    setl_id: Name
    mdtrt_id: Name
    person: Token
    institution: InstitutionCode
    med_type: MedType
    begndate: Day
    enddate: Day
    setl_time: Moment
    fees: Annotated[list[_FeeForm], msgspec.Meta(min_length=1, max_length=len(CATEGORIES))]
    emergency: bool = False
    use_account: bool = True


def read_claim(data: bytes, area_of: Callable[[str], str | None] = lambda _: None) -> Claim:
    """Return the claim in a hospital's JSON.

    Args:
        area_of: The area of an institution; None: the area in its code.

    Raises:
        FormError: Not JSON, a field unknown, missing or of another form, an amount that is not yuan
            with two decimals, a category twice, dates out of order; the field is named.

    Example:
        `{"setl_id": "A1", "mdtrt_id": "V1", "person": "630100-…", "institution": "H51010000059",
        "med_type": "21", "begndate": "2017-03-01", "enddate": "2017-03-05",
        "setl_time": "2017-03-05T10:00:00+08:00", "fees": [{"category": "09", "class_a": "12.50"}]}`
    """
    if len(data) > MAX_JSON:
        raise FormError("claim", f"at most {MAX_JSON} bytes", len(data))
    try:
        form = msgspec.json.decode(data, type=ClaimForm)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise FormError("claim", "a claim in JSON", str(error)) from None
    area = area_of(form.institution) or form.institution[1:7]
    claim = Claim(
        form.setl_id, form.mdtrt_id, form.person, form.institution, area, form.med_type,
        form.begndate, form.enddate, form.setl_time, form.emergency, form.use_account,
        [_fee(number, fee) for number, fee in enumerate(form.fees)],
    )  # fmt: skip
    check_claim(claim)
    return claim


def _fee(number: int, form: _FeeForm) -> Fee:
    amounts = []
    for name in ("class_a", "class_b", "self_paid", "over_limit"):
        text = getattr(form, name)
        try:
            fen = parse_fen(text)
        except FormError:
            fen = -1
        if not 0 <= fen <= MAX_FEE:
            raise FormError(
                f"claim $.fees[{number}].{name}", "yuan such as 12.50, not below 0", text
            )
        amounts.append(fen)
    return Fee(form.category, *amounts)


def check_claim(claim: Claim) -> None:
    """Check what the types do not say; also of a claim that another province sent.

    Raises:
        FormError: The field is named.
    """
    if claim.med_type not in CLR_TYPES:
        raise FormError("claim $.med_type", f"one of {sorted(CLR_TYPES)}", claim.med_type)
    insured, treatment = claim.insured, province_of(claim.treatment_area)
    if insured == treatment:
        raise FormError(
            "claim $.person", "a person insured in another province", claim.insured_area
        )
    settled = parse_time(claim.setl_time).strftime("%Y-%m-%d")
    if not claim.begndate <= claim.enddate <= settled:
        raise FormError("claim $.enddate", "begndate <= enddate <= day of setl_time", claim.enddate)
    categories = [fee.category for fee in claim.fees]
    if len(set(categories)) != len(categories):
        raise FormError("claim $.fees", "every category once", categories)
    if not sum(map(total_of, claim.fees)):
        raise FormError("claim $.fees", "an amount above zero")


def total_of(fee: Fee) -> int:
    """Return what one category comes to, in fen."""
    return fee.class_a + fee.class_b + fee.self_paid + fee.over_limit


# --- rows: what a decided claim looks like in a case file ----------------------------------------


def row_of(claim: Claim, psn_no: str, insutype: str, fen: Mapping[str, int]) -> CaseRow:
    """Return the row of a claim whose bill was split; `fen` has every money column."""
    money = {column: format_yuan(fen[column]) for column in MONEY_COLUMNS}
    return CaseRow(
        setl_id=claim.setl_id, init_setl_id="", mdtrt_id=claim.mdtrt_id, psn_no=psn_no,
        fixmedins_code=claim.institution, mdtrtarea_admvs=claim.treatment_area,
        insuplc_admdvs=claim.insured_area, insutype=insutype, med_type=claim.med_type,
        clr_type=CLR_TYPES[claim.med_type], begndate=claim.begndate, enddate=claim.enddate,
        setl_time=claim.setl_time, refd_setl_flag="0", **money,
    )  # fmt: skip


def refund_of(rows: Sequence[CaseRow], setl_id: str, setl_time: str) -> CaseRow:
    """Return the row that takes back what is left of an original.

    Args:
        rows: The original and whatever took back a part of it before.
    """
    original = rows[0]
    left = {c: sum(parse_fen(getattr(row, c)) for row in rows) for c in MONEY_COLUMNS}
    return original._replace(
        setl_id=setl_id,
        init_setl_id=original.setl_id,
        setl_time=setl_time,
        refd_setl_flag="1",
        **{column: format_yuan(-fen) for column, fen in left.items()},
    )


def bears_out(claim: Claim, row: CaseRow) -> bool:
    """Return whether a row is about that claim and about all of it."""
    told = row_of(claim, row.psn_no, row.insutype, dict.fromkeys(MONEY_COLUMNS, 0))
    same = all(
        getattr(told, column) == getattr(row, column)
        for column in CaseRow._fields
        if column not in MONEY_COLUMNS
    )
    return same and row.medfee_sumamt == format_yuan(sum(map(total_of, claim.fees)))
