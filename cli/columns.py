"""What the columns of exported tables mean, in both languages: the source of `schema.json`."""

from typing import Any, NamedTuple


class Column(NamedTuple):
    """One column. `type`: text, integer or boolean; any cell may be empty unless the text says."""

    name: str
    type: str
    en: str
    zh: str


class Sheet(NamedTuple):
    """What one table holds, and its columns in order."""

    en: str
    zh: str
    columns: tuple[Column, ...]


def _text(name: str, en: str, zh: str) -> Column:
    return Column(name, "text", en, zh)


def _int(name: str, en: str, zh: str) -> Column:
    return Column(name, "integer", en, zh)


def _fen(name: str, en: str, zh: str) -> Column:
    return Column(f"{name}_fen", "integer", f"{en}, fen", f"{zh}（分）")


LINES = (
    _fen("employee", "employee fund", "职工基金"),
    _fen("resident", "resident fund", "居民基金"),
    _fen("other", "other funds", "其他基金"),
    _fen("account", "personal account", "个人账户"),
)
PLACE = (
    _text("log", "whose log the entry stands in", "条目所在日志"),
    _int("index", "its place there, from 0", "在该日志中的序号，从 0 起"),
)
AT = _int("at_ms", "when it was signed, milliseconds since 1970 UTC", "签署时间（UTC 毫秒）")
PAIR = (
    _text("debtor", "the insured province, which pays", "参保地（付款省）"),
    _text("creditor", "the treatment province, which holds it", "就医地（持有省）"),
)
VOID = _text("void", "why it counts nowhere; empty: it counts", "无效原因；空表示有效")
MONTH = _text("month", "month of the confirmed batch", "已确认批次的月份")


def _end(name: str, en: str, zh: str) -> tuple[Column, ...]:
    return (
        _int(f"{name}_index", f"entry of the {en}, in their log", f"{zh}登记条目的序号"),
        _text(f"{name}_reference", f"the bank's number given by the {en}", f"{zh}登记的银行流水号"),
        _text(f"{name}_date", f"the bank's date given by the {en}", f"{zh}登记的银行日期"),
    )


SHEETS = {
    "entries": Sheet(
        "every settlement and reversal of the verified logs; entries that cannot be read at all "
        "are not here",
        "已核验日志中的全部结算与冲正；完全无法读取的条目不在其中",
        (
            *PLACE,
            _text("kind", "settlement or reversal", "settlement 为结算，reversal 为冲正"),
            _text("setl_id", "settlement id", "结算编号"),
            _text("original_id", "what a reversal takes back", "冲正所指的原结算编号"),
            _text("month", "service month", "所属月份"),
            _text("treatment_area", "where the patient was treated", "就医地区划"),
            _text("insured_area", "where the patient is insured", "参保地区划"),
            _text("treatment_province", "the creditor", "就医省（应收方）"),
            _text("insured_province", "the debtor", "参保省（应付方）"),
            _text("insutype", "insurance type", "险种"),
            _text("clr_type", "clearing type", "清算类别"),
            *LINES,
            _fen("total", "all four together", "四项合计"),
            _text("commitment", "hash of the case file and its salt, hex", "病例文件承诺值"),
            _text("leaf_hash", "hash of the entry in the tree, hex", "条目的叶哈希"),
            AT,
            VOID,
            _text(
                "state",
                "at the last confirmed batch: cleared, reversed, disputed, not_due, carried, void",
                "截至最近一次已确认批次的状态",
            ),
            _text("batch", "month of the batch that cleared it", "清算该条目的批次月份"),
        ),
    ),
    "acceptances": Sheet(
        "every acceptance: the insured province signs for all entries of a log below a size",
        "全部确认：参保省对某日志在某大小以下的全部条目签字",
        (
            *PLACE,
            _text("accepted_log", "whose entries are accepted", "被确认的日志"),
            _int("size", "entries below this are covered", "确认到该大小以下"),
            _text("root", "root of that log at that size, as signed, hex", "所签的根哈希"),
            Column(
                "root_holds",
                "boolean",
                "whether that log has this root there; if not, it covers nothing",
                "根是否与日志相符；不符则不起确认作用",
            ),
            _int("exceptions", "how many originals are excepted", "列为例外的条数"),
            AT,
            VOID,
        ),
    ),
    "exceptions": Sheet(
        "originals that are contested: exceptions of acceptances, and disputes",
        "有争议的原记录：确认中列为例外的，以及另行提出争议的",
        (
            _text("log", "who contests it", "提出争议的省"),
            _text("accepted_log", "whose entry it is", "原记录所在日志"),
            _int("original_index", "its place there", "原记录序号"),
            _text("setl_id", "its settlement id", "原结算编号"),
            _text("code", "why: NO_FILE, AMOUNT, FEE_CHECK …", "原因代码"),
            _int("acceptance_index", "the acceptance that excepts it", "列为例外的确认的序号"),
            _int("dispute_index", "the dispute, if it was made later", "另行提出的争议条目序号"),
            _int("answer_index", "the answer, in the other log", "答复条目在对方日志中的序号"),
            _int("escalation_index", "their asking for a ruling", "提出方提请裁决的条目序号"),
            _int(
                "answerer_escalation_index",
                "the other side's asking for a ruling, in its log",
                "对方提请裁决的条目序号",
            ),
            _int("ruling_index", "the ruling, in the centre's log", "中心裁决条目的序号"),
            _text("outcome", "of the ruling: release, uphold or split", "裁决结果"),
            *(
                column._replace(
                    name=f"upheld_{column.name}",
                    en=f"not owed by the ruling: {column.en}",
                    zh=f"裁定不应付：{column.zh}",
                )
                for column in LINES
            ),
            _int(
                "release_index", "the entry that lifts it; empty: open", "解除条目序号；空为未解除"
            ),
        ),
    ),
    "pairs": Sheet(
        "what each confirmed batch clears between two participants",
        "各已确认批次中双方的清算金额",
        (
            MONTH,
            _text("debtor", "who owes", "应付方"),
            _text("creditor", "who is owed", "应收方"),
            *LINES,
            Column("fen", "integer", "all four together, fen", "四项合计（分）"),
            _int("entries", "how many entries it clears", "清算条数"),
        ),
    ),
    "nets": Sheet(
        "net position of every participant in each confirmed batch; the sum of a month is 0",
        "各已确认批次中每一方的净额；每月合计为 0",
        (
            MONTH,
            _text("code", "the participant", "参与方"),
            Column("fen", "integer", "receives; negative pays; fen", "应收，负数为应付（分）"),
        ),
    ),
    "cities": Sheet(
        "what each confirmed batch clears between a city of a province and another province; the "
        "cities of a province add up to its pairs",
        "各已确认批次中各市与他省之间的清算金额；一省各市合计等于该省双边金额",
        (
            MONTH,
            _text("province", "the province of the city", "市所属省"),
            _text("city", "city: a pooling area with its districts", "市（统筹区，含所辖区县）"),
            _text("direction", "owes or owed, from the city's side", "owes 应付，owed 应收"),
            _text("counterpart", "the other province", "对方省"),
            *LINES,
            Column("fen", "integer", "all four together, fen", "四项合计（分）"),
            _int("entries", "how many entries it clears", "清算条数"),
            _int(
                "statement_index",
                "entry by which the province signed its cities of the month, in its log",
                "该省签认当月市级清算表的条目序号",
            ),
        ),
    ),
    "legs": Sheet(
        "movements of money of the confirmed batches",
        "各已确认批次的资金划拨",
        (
            MONTH,
            _int("number", "number of the leg in its month", "当月划拨序号"),
            _text("payer", "who pays", "付款方"),
            _text("payee", "who receives", "收款方"),
            Column("fen", "integer", "amount, fen", "金额（分）"),
            _text("state", "DUE, PAID or RECEIVED", "DUE 待付，PAID 已付，RECEIVED 已到账"),
            *_end("paid", "payer", "付款方"),
            *_end("received", "payee", "收款方"),
        ),
    ),
    "quotas": Sheet(
        "what every prepayment of a year is to be",
        "各年度预付金额度",
        (
            _int("year", "the year", "年度"),
            *PAIR,
            Column("fen", "integer", "the quota, fen", "额度（分）"),
            _text(
                "basis", "batches: computed; given: by hand", "batches 由批次计算，given 人工核定"
            ),
            _int("quota_index", "its entry, in the centre's log", "中心日志中额度条目的序号"),
        ),
    ),
    "demands": Sheet(
        "prepayments to be paid or given back, row by row, and how far each is",
        "预付金收付通知各行及其进度",
        (
            _text("month", "month of the demand", "通知所属月份"),
            _int("number", "number of the row in its month", "当月行号"),
            _text("cause", "yearly or urgent", "yearly 年度调整，urgent 紧急调增"),
            *PAIR,
            Column(
                "fen",
                "integer",
                "above zero the debtor pays, below zero the creditor gives back, zero: declined; "
                "fen",
                "正数由参保地支付，负数由就医地退还，零为不予调增（分）",
            ),
            _text("due", "until when", "截止日"),
            _text(
                "state",
                "DUE, PARTIAL, PAID, RETURNED, RECEIVED or DECLINED",
                "DUE 待付，PARTIAL 部分付款，PAID 已付，RETURNED 银行退回，RECEIVED 已到账，"
                "DECLINED 不予调增",
            ),
            _fen("received", "what arrived", "已到账"),
            _int(
                "days_late", "how many days late it was paid; 0 if open", "付款迟延天数，未付为 0"
            ),
            _int("demand_index", "its entry, in the centre's log", "中心日志中通知条目的序号"),
        ),
    ),
    "prepayment": Sheet(
        "every movement of every prepayment, in the order of the creditor's log",
        "各预付金的全部变动，按就医地日志的顺序",
        (
            _text("creditor", "who holds it, and whose log it is", "持有方，即所在日志"),
            _int("index", "the entry's place there, from 0", "在该日志中的序号，从 0 起"),
            _text("debtor", "whose prepayment it is", "预付方（参保地）"),
            _text(
                "what",
                "received, given_back, came_back (by the bank), drawn, refilled",
                "received 到账，given_back 退还，came_back 银行退回，drawn 扣划，refilled 回填",
            ),
            _text("month", "of the demand, or of the batch if drawn or refilled", "所属月份"),
            _int("number", "row of the demand, or leg of the batch", "行号，或批次款项的序号"),
            _fen("change", "what it adds to what is held", "对持有额的变动"),
            _fen("held", "what is held of the debtor after it", "此后持有额"),
            _fen("arrears", "what the debtor owes beyond it", "此后欠款"),
        ),
    ),
    "logs": Sheet(
        "the verified heads of all logs",
        "全部日志的已核验日志头",
        (
            _text("code", "whose log", "日志所属方"),
            _int("size", "number of entries", "条目数"),
            _text("root", "root hash, hex", "根哈希"),
            _text("cosigners", "witnesses that were checked, by space", "已核验的见证方，空格分隔"),
        ),
    ),
}


def schema() -> dict[str, Any]:
    """Return the descriptions of all tables for `schema.json`."""
    return {
        name: {
            "en": sheet.en,
            "zh": sheet.zh,
            "columns": [column._asdict() for column in sheet.columns],
        }
        for name, sheet in SHEETS.items()
    }
