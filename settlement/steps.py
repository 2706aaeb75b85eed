"""The reckoning of a bill (依据): every step of its computation, in words a clerk can read out.

A step has a stable code, the amount it arrives at, the rule in both languages, the numbers it used
and, where a number came from the policy, its source and how sure that is.
"""

from typing import NamedTuple

from settlement.money import format_yuan
from settlement.outcome import Text
from settlement.provision import Given, Layer
from settlement.ruleset import Certainty

STEPS: dict[str, Text] = {
    "TOTAL": Text("all fees of the visit", "本次医疗费总额"),
    "SELF_PAID": Text("class C fees, wholly self-paid", "丙类费用，全自费"),
    "OVER_LIMIT": Text("fees above a price limit, self-paid", "超限价部分，个人自付"),
    "CLASS_B": Text("part of the class B fees that the person pays first",
                    "乙类费用中个人先行自付部分"),
    "IN_SCOPE": Text("fees in the scope of the insurance: the total without these three",
                     "符合政策范围金额：总额扣除以上三项"),
    "DEDUCTIBLE_STANDARD": Text("deductible of this insurance, service and level",
                                "该险种、服务类别和医院级别的起付标准"),
    "DEDUCTIBLE_LATER": Text("deductible of a later admission of the year",
                             "年内再次住院的起付标准"),
    "DEDUCTIBLE_YEAR": Text("what is left of the deductibles of the year", "年度起付线剩余额度"),
    "DEDUCTIBLE": Text("deductible the person actually pays, never more than is in scope",
                       "实际支付起付线，不超过政策范围金额"),
    "BASE": Text("amount the pool's ratios apply to", "统筹基金计算基数"),
    "AGE_RATIO": Text("the amount to which the ratio by age applies", "按年龄计算比例的金额"),
    "BAND": Text("the part of the amount that lies in this band", "落在该分段内的金额"),
    "REDUCTION": Text("the amount whose ratios are reduced for this kind of registration",
                      "按备案类别降低支付比例的金额"),
    "POOL_SHARE": Text("amounts times their reduced ratios, rounded to the fen",
                       "各分段金额乘以降低后的比例，四舍五入到分"),
    "POOL_LEFT": Text("what is left of the pool's limit of the year", "统筹基金年度限额剩余额度"),
    "POOL": Text("paid by the basic pool", "基本统筹基金支付"),
    "LAYER_BASE_LEFT": Text("in scope and still with the person", "政策范围内个人负担余额"),
    "LAYER_BASE_OVER_CAP": Text("over the pool's limit of the year", "超过统筹基金年度限额的金额"),
    "LAYER_THRESHOLD": Text("the person bears up to the threshold", "起付线以内由个人负担"),
    "LAYER_SHARE": Text("amounts times their ratios, rounded to the fen",
                        "各分段金额乘以比例，四舍五入到分"),
    "LAYER_LEFT": Text("what is left of the fund's limit of the year", "该基金年度限额剩余额度"),
    "LAYER": Text("paid by this fund", "该基金支付"),
    "FUNDS": Text("paid by all funds", "基金支付总额"),
    "PERSON": Text("the person's part: the total without the funds", "个人负担：总额扣除基金支付"),
    "ACCOUNT": Text("paid from the personal account", "个人账户支付"),
    "CASH": Text("paid in cash", "个人现金支付"),
}  # fmt: skip


class Step(NamedTuple):
    """One step; a step that only adds up has no source and no certainty."""

    code: str
    fen: int
    text: Text
    parameter: str
    source: str
    certainty: Certainty | None
    fund: str  # of a pool or layer step, else empty


class Reckoning:
    """The steps of one bill, gathered while it is computed."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def add(
        self, code: str, fen: int, parameter: str = "", given: Given | None = None, fund: str = ""
    ) -> int:
        """Note a step and return its amount; a step of a layer bears the layer's name."""
        text = STEPS[code]
        if isinstance(given, Layer):
            text = Text(f"{given.title_en}: {text.en}", f"{given.title_zh}：{text.zh}")
            fund = given.fund
        source, certainty = (given.source, given.certainty) if given else ("", None)
        self.steps.append(Step(code, fen, text, parameter, source, certainty, fund))
        return fen


def yuan(fen: int) -> str:
    """Return an amount as steps show it."""
    return format_yuan(fen)


def percent(per_mille: int) -> str:
    """Return a ratio as steps show it.

    Example:
        >>> percent(885)
        '88.5 %'
    """
    return f"{per_mille // 10}.{per_mille % 10} %"


def part(per_mille: int) -> str:
    """Return a factor as steps show it: a half as 1/2, others as a ratio."""
    return "1/2" if per_mille == 500 else percent(per_mille)
