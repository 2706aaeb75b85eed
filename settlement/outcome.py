"""Why an entry counts nowhere: stable codes with the text people see.

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
    "EXCEPTION": Text("there is no such open exception", "没有该项未解除的例外"),
    "STATE": Text("the batch is not in a state that allows this", "批次状态不允许此操作"),
    "SUM": Text("the amounts do not add up", "金额合计不符"),
    "RULESET": Text("the rule set cannot be read", "规则集无法读取"),
    "HOLIDAYS": Text("the table of holidays cannot be read", "节假日表无法读取"),
    "APPROVAL": Text("the needed signatures are missing or wrong", "缺少必要的签名或签名无效"),
    "KEY": Text("a key is not fit for use", "密钥不合规"),
}

EXCEPTION: dict[str, Text] = {
    "NO_FILE": Text("no case file has arrived", "未收到病例文件"),
    "COMMITMENT": Text("the case file does not open the commitment", "病例文件与承诺值不符"),
    "ROW": Text("the case file breaks an identity", "病例文件金额关系不成立"),
    "AMOUNT": Text("amounts on the log differ from the case file", "日志金额与病例文件不一致"),
    "CANCELLED": Text("it was cancelled before it was entered", "该结算在登记前已撤销"),
    "FIELDS": Text("other fields differ from the case file", "其他字段与病例文件不一致"),
}

CLAIM: dict[str, Text] = {
    "UNREACHABLE": Text(
        "the insured province cannot be reached; the person pays and is reimbursed there later",
        "参保地系统暂时无法连接，请先自费结算，之后回参保地手工报销"),
    "UNKNOWN_OUTCOME": Text(
        "the insured province has not answered; ask again with the same id, query, or cancel",
        "参保地尚未答复，请以相同编号重试、查询或撤销"),
    "OTHER_BODY": Text("this id stands for another content", "该编号已用于不同内容"),
    "DUPLICATE_ID": Text("this id is taken", "该编号已被占用"),
    "UNKNOWN_CLAIM": Text("no claim has this id", "没有该编号的结算"),
    "CANCELLED": Text("this claim was cancelled", "该结算已撤销"),
    "ALREADY_CANCELLED": Text("another cancellation of it stands", "该结算已有另一撤销"),
    "NOTHING_LEFT": Text("nothing is left of it", "已无可撤销的余额"),
    "FUTURE": Text("the settlement lies in the future", "结算时间晚于业务日期"),
    "NO_POLICY": Text("this province has no benefit policy in force here",
                      "参保地尚未配置待遇政策"),
}  # fmt: skip

STATE: dict[str, Text] = {
    "cleared": Text("cleared", "已清算"),
    "not_due": Text("not yet due: its service month is not closed", "未到期：所属月份尚未清算"),
    "carried": Text("carried: not yet accepted by the insured province", "结转：参保地尚未确认"),
    "disputed": Text("disputed: excepted by the insured province", "争议：参保地列为例外"),
    "reversed": Text("reversed: nothing is left of it", "已冲正：无剩余金额"),
    "void": Text("void: counted nowhere", "无效：不计入任何清算"),
}
