"""Why an entry counts nowhere, or a claim is refused: stable codes with the text people see.

A replica refuses only what contradicts a signed root. An entry that breaks a rule of its own log is
*void*: stored, shown with its code, counted nowhere. The first code in this list wins, so that all
nodes answer alike.
"""

from typing import NamedTuple


class Text(NamedTuple):
    """One sentence in both languages."""

    en: str
    zh: str


VOID: dict[str, Text] = {
    "FORM": Text("the bytes are not an entry", "字节不是合法条目"),
    "PLACE": Text("the entry names another log or index", "条目所写的日志或序号与所在位置不符"),
    "SIGNATURE": Text("the author's signature does not hold", "作者签名无效"),
    "KIND": Text("the kind is unknown or its body has another form", "条目种类未知或内容格式不符"),
    "ROLE": Text("this author may not write this kind", "该作者无权写入此类条目"),
    "DUPLICATE": Text("the log already has an entry with this business id", "业务编号重复"),
    "PAIR": Text("the two places do not fit the author or each other", "就医地与参保地不符"),
    "SIGN": Text("an amount has the wrong sign", "金额正负号错误"),
    "ORIGINAL": Text("the original it names is not in this log", "日志中没有所指原记录"),
    "MONTH": Text("the month does not follow", "月份顺序错误"),
    "EXCEEDS": Text("more is taken back than is left of the original", "冲退金额超过原记录余额"),
    "ORDER": Text("it does not continue what this log said before", "与本日志先前内容不连续"),
    "EXCEPTION": Text(
        "no such exception or dispute is open, or there was one already",
        "没有该项未解除的例外或争议，或已提出过",
    ),
    "STATE": Text("what it changes is not in a state that allows this", "其对象的状态不允许此操作"),
    "SUM": Text("the amounts do not add up", "金额合计不符"),
    "RULESET": Text("the rule set cannot be read", "规则集无法读取"),
    "HOLIDAYS": Text("the table of holidays cannot be read", "节假日表无法读取"),
    "APPROVAL": Text("the needed signatures are missing or wrong", "缺少必要的签名或签名无效"),
    "KEY": Text("a key is not fit for use", "密钥不合规"),
}

# Why an original is contested. The first five a node finds by itself when it accepts.
EXCEPTION: dict[str, Text] = {
    "NO_FILE": Text("no case file has arrived", "未收到病例文件"),
    "COMMITMENT": Text("the case file does not open the commitment", "病例文件与承诺值不符"),
    "ROW": Text("the case file breaks an identity", "病例文件金额关系不成立"),
    "AMOUNT": Text("amounts on the log differ from the case file", "日志金额与病例文件不一致"),
    "CANCELLED": Text("it was cancelled before it was entered", "该结算在登记前已撤销"),
    "FIELDS": Text("other fields differ from the case file", "其他字段与病例文件不一致"),
    "NOT_REGISTERED": Text("the person was not registered", "未备案"),
    "NOT_OWED": Text("not owed by the rules of the insured place", "按参保地政策不应支付"),
    "DUPLICATE_VISIT": Text("the same visit was settled before", "同一就诊重复结算"),
    "PRICE": Text("price or item is not allowed", "价格或项目不合规"),
    "FEE_CHECK": Text("the fees are to be checked where they arose", "费用协查"),
    "OTHER": Text("another reason, see the evidence", "其他原因，见证据"),
}

DISPUTE: dict[str, Text] = {
    "open": Text("open: waits for the answer of the treatment province", "待就医地答复"),
    "answered": Text(
        "answered: waits for the decision of the insured province", "已答复，待参保地决定"
    ),
    "released": Text("released by the insured province: binds", "参保地已解除：应予清算"),
    "lapsed": Text(
        "lapsed: the insured province let the answer stand, so it binds",
        "视同认可：参保地逾期未处理，应予清算",
    ),
    "upheld": Text(
        "upheld: the treatment province did not answer in time, so it stays out",
        "维持争议：就医地逾期未答复，不予清算",
    ),
    "escalated": Text("escalated: waits for the ruling of the centre", "已提请裁决，待中心裁决"),
    "ruled": Text("ruled by the centre", "中心已裁决"),
}

RULED: dict[str, Text] = {
    "release": Text("all of it is owed", "全额应付"),
    "uphold": Text("none of it is owed", "全额不应付"),
    "split": Text("part of it is owed", "部分应付"),
}

LATE = Text(
    "contested after a batch had cleared it: the dispute holds nothing; what turns out wrong is "
    "taken back by a reversal in an open month",
    "提出争议时已清算：争议不影响清算，如确有差错，以未清算月份的冲正处理",
)

STATE: dict[str, Text] = {
    "cleared": Text("cleared", "已清算"),
    "not_due": Text("not yet due: its service month is not closed", "未到期：所属月份尚未清算"),
    "carried": Text("carried: not yet accepted by the insured province", "结转：参保地尚未确认"),
    "disputed": Text("disputed: contested by the insured province", "争议：参保地有异议"),
    "reversed": Text("reversed: nothing is left of it", "已冲正：无剩余金额"),
    "void": Text("void: counted nowhere", "无效：不计入任何清算"),
}

# Why a visit is not settled directly: shown at the hospital, so each says what the person can do.
CLAIM: dict[str, Text] = {
    "PERSON_UNKNOWN": Text(
        "the insured province does not know this person: check the token or the insured area; "
        "else pay, and ask for manual reimbursement at the insured place",
        "参保地查无此人：请核对凭证与参保地；否则先自费，再回参保地手工报销"),
    "INSURANCE_LOCKED": Text(
        "the insurance is locked, for example for arrears: settle this with the insured agency "
        "before discharge; else pay, and ask for manual reimbursement there",
        "参保状态已封锁（如欠费封锁）：请在出院前联系参保地经办机构处理；否则先自费，再回参保地手工报销"),
    "BARRED": Text(
        "a treatment province has suspended direct settlement for this person: pay, and ask for "
        "manual reimbursement at the insured place; objections go to its agency",
        "该参保人已被就医地中止直接结算：请先自费，再回参保地手工报销；如有异议向参保地经办机构提出"),
    "NOT_REGISTERED": Text(
        "not registered for treatment elsewhere at that time: register with the insured place "
        "before discharge; else pay, and ask for manual reimbursement there",
        "当时没有有效的异地就医备案：请在出院结算前向参保地补办备案；否则先自费，再回参保地手工报销"),
    "REGISTRATION_SUSPENDED": Text(
        "the registration is suspended: ask the insured agency to resume it before discharge; "
        "else pay, and ask for manual reimbursement there",
        "备案已暂停：请在出院前联系参保地经办机构恢复；否则先自费，再回参保地手工报销"),
    "REGISTRATION_ENDED": Text(
        "the registration has ended: register again with the insured place before discharge; "
        "else pay, and ask for manual reimbursement there",
        "备案已终止或过期：请在出院前向参保地重新备案；否则先自费，再回参保地手工报销"),
    "WRONG_PLACE": Text(
        "registered for another place: change the registration with the insured place before "
        "discharge; else pay, and ask for manual reimbursement there",
        "备案的就医地不是此地：请在出院前向参保地变更备案；否则先自费，再回参保地手工报销"),
    "WRONG_INSTITUTION": Text(
        "registered for another institution: change the registration with the insured place "
        "before discharge; else pay, and ask for manual reimbursement there",
        "备案的定点医疗机构不是本院：请在出院前向参保地变更备案；否则先自费，再回参保地手工报销"),
    "AREA_INACTIVE": Text(
        "this area takes no part in direct settlement: pay, and ask for manual reimbursement at "
        "the insured place",
        "该统筹区尚未开通直接结算：请先自费，再回参保地手工报销"),
    "INSTITUTION_UNKNOWN": Text(
        "the institution is not in its province's directory: pay, and ask for manual "
        "reimbursement at the insured place",
        "该机构不在就医地定点医疗机构目录中：请先自费，再回参保地手工报销"),
    "INSTITUTION_SUSPENDED": Text(
        "the institution is suspended from direct settlement: pay and ask for manual "
        "reimbursement at the insured place, or go to another institution of the directory",
        "该机构已暂停直接结算：请先自费再回参保地手工报销，或改到目录内其他机构就医"),
    "SERVICE_NOT_OPEN": Text(
        "the institution does not settle this service directly: pay and ask for manual "
        "reimbursement at the insured place, or go to another institution of the directory",
        "该机构未开通此类服务的直接结算：请先自费再回参保地手工报销，或改到目录内其他机构就医"),
    "NOT_YET_BORN": Text(
        "the visit begins before the person was born: correct the date or the person",
        "就医开始日期早于出生日期：请更正日期或人员"),
    "DATES": Text("the visit ends before it begins: correct the dates",
                  "就医结束日期早于开始日期：请更正日期"),
    "FUTURE": Text("the visit ends after the day of the settlement, or that day has not come: "
                   "settle at discharge",
                   "就医结束日期晚于结算日期，或结算日期未到：请在出院时结算"),
    "UNREACHABLE": Text(
        "the insured province's node does not answer: try again before discharge; else pay, and "
        "ask for manual reimbursement at the insured place",
        "参保地节点无应答：请在出院前重试；否则先自费，再回参保地手工报销"),
    "UNKNOWN_OUTCOME": Text(
        "whether this was settled is not known yet: ask again with the same id, never with a new "
        "one",
        "结算结果尚不确定：请用同一编号再次查询，不要更换编号"),
    "OTHER_BODY": Text(
        "this id stands for another content: send the same content again, or use a new id",
        "该编号已对应其他内容：请按原内容重发，或使用新编号"),
    "CANCELLED": Text("this claim was cancelled: use a new id to settle",
                      "该笔结算已撤销：如需结算请使用新编号"),
    "ALREADY_CANCELLED": Text("this claim was cancelled before: nothing more to do",
                              "该笔结算此前已撤销：无需再处理"),
    "DUPLICATE_ID": Text("this id is taken: use a new one", "该编号已被占用：请使用新编号"),
    "UNKNOWN_CLAIM": Text("no claim has this id: check the id", "没有该编号的结算：请核对编号"),
    "NOTHING_LEFT": Text("nothing is left of it to take back", "该笔结算已无可撤销的余额"),
    "INSUTYPE": Text(
        "the insured place settles nothing directly under this insurance: pay, and ask for manual "
        "reimbursement there",
        "参保地未开通该险种的直接结算：请先自费，再回参保地手工报销"),
    "NO_POLICY": Text(
        "the insured place has no benefit policy in force at its node: pay, and ask for manual "
        "reimbursement there",
        "参保地节点尚未配置待遇政策：请先自费，再回参保地手工报销"),
}  # fmt: skip
