"""What stands on documents: titles, columns and fields in both languages.

The titles are those of the rules (L20, L21, from memory); everything else is this project's choice.
"""

from settlement.outcome import Text

TITLES: dict[str, Text] = {
    "clearing": Text("National clearing table of cross-province costs",
                     "全国跨省异地就医费用清算表"),
    "payable": Text("Clearing table of medical costs payable", "应付医疗费用清算表"),
    "receivable": Text("Clearing table of medical costs receivable", "应收医疗费用清算表"),
    "employee": Text("Detail: employee pooled fund", "职工基本医疗保险统筹基金清算明细表"),
    "resident": Text("Detail: resident fund", "城乡居民基本医疗保险基金清算明细表"),
    "other": Text("Detail: other funds", "其他基金清算明细表"),
    "account": Text("Detail: personal accounts of employees", "职工医保个人账户清算明细表"),
    "deductions": Text("Audit deductions", "审核扣款表"),
    "payment-notice": Text("Payment notice, cross-province medical costs",
                           "跨省异地就医费用付款通知书"),
    "receipt-notice": Text("Receipt notice, cross-province medical costs",
                           "跨省异地就医费用收款通知书"),
    "prepayment-payment-notice": Text("Payment notice, prepayment",
                                      "跨省异地就医预付金付款通知书"),
    "prepayment-receipt-notice": Text("Receipt notice, prepayment",
                                      "跨省异地就医预付金收款通知书"),
    "return-payment-notice": Text("Payment notice, return of a prepayment",
                                  "跨省异地就医预付金退还付款通知书"),
    "return-receipt-notice": Text("Receipt notice, return of a prepayment",
                                  "跨省异地就医预付金退还收款通知书"),
}  # fmt: skip

# Of tables that stand with another one on a document.
TABLES: dict[tuple[str, str], Text] = {
    **{
        (kind, name): text
        for kind in ("employee", "resident", "other", "account")
        for name, text in (
            ("payable", Text("Payable, by service month", "一、应付（按所属月份）")),
            ("receivable", Text("Receivable, by service month", "二、应收（按所属月份）")),
        )
    },
    ("deductions", "payable-tied"): Text(
        "Payable: from what was declared to what is cleared", "一、应付：由申报金额到清算金额"),
    ("deductions", "payable-why"): Text(
        "Payable: held and lifted, by reason", "二、应付：扣款与解除（按原因）"),
    ("deductions", "receivable-tied"): Text(
        "Receivable: from what was declared to what is cleared", "三、应收：由申报金额到清算金额"),
    ("deductions", "receivable-why"): Text(
        "Receivable: held and lifted, by reason", "四、应收：扣款与解除（按原因）"),
}  # fmt: skip

COLUMNS: dict[str, Text] = {
    "participant": Text("Participant", "参与方"),
    "counterpart": Text("Counterpart", "对方"),
    "number": Text("Leg", "划拨序号"),
    "service_month": Text("Service month", "所属月份"),
    "reason": Text("Reason", "原因"),
    "status": Text("Status at this cut", "截止时状态"),
    "entries": Text("Entries", "记录数"),
    "cases": Text("Cases", "件数"),
    "receivable_entries": Text("Entries receivable", "应收记录数"),
    "payable_entries": Text("Entries payable", "应付记录数"),
    "receivable_fen": Text("Receivable", "应收金额"),
    "payable_fen": Text("Payable", "应付金额"),
    "net_fen": Text("Net (negative pays)", "净额（负数为应付）"),
    "employee_fen": Text("Employee pool", "职工统筹基金"),
    "resident_fen": Text("Resident fund", "居民基金"),
    "other_fen": Text("Other funds", "其他基金"),
    "account_fen": Text("Personal account", "个人账户"),
    "total_fen": Text("Total", "合计"),
    "declared_fen": Text("Declared", "本期申报"),
    "before_fen": Text("Held before", "期初暂扣"),
    "added_fen": Text("Newly held", "本期扣款"),
    "lifted_fen": Text("Lifted into it", "解除转入"),
    "reversed_fen": Text("Reversed while held", "扣款期间冲正"),
    "held_fen": Text("Held at this cut", "期末暂扣"),
    "cleared_fen": Text("Cleared", "本期清算"),
    "words": Text("In words", "大写"),
}

# Who the counterpart is, by the kind of document or the name of the table.
COUNTERPARTS: dict[str, Text] = {
    "payable": Text("Treatment province", "就医地（应收方）"),
    "receivable": Text("Insured province", "参保地（应付方）"),
    "payment-notice": Text("Payee", "收款方"),
    "receipt-notice": Text("Payer", "付款方"),
}

FIELDS: dict[str, Text] = {
    "legs": Text("Legs", "划拨笔数"),
    "moved_fen": Text("Moved by them, yuan", "划拨总额（元）"),
    "money": Text("Kind of money", "款项类别"),
    "due_day": Text("Due", "付款期限"),
    "words": Text("Amount in words", "人民币（大写）"),
}

MONEY: dict[str, Text] = {
    "clearing": Text("clearing money", "清算资金"),
    "prepayment": Text("prepayment", "预付金"),
    "prepayment_return": Text("return of a prepayment", "预付金退还"),
}

MODELS: dict[str, Text] = {
    "gross_pair": Text("every pair in full (gross_pair)", "按月全额清算（gross_pair）"),
    "net_pair": Text("pairs set off (net_pair)", "双边轧差清算（net_pair）"),
    "net_hub": Text("nets through the centre (net_hub)", "按实际差额经中心清算（net_hub）"),
}

STATUS: dict[str, Text] = {
    "open": Text("open", "待答复"),
    "answered": Text("answered", "已答复"),
    "escalated": Text("before the centre", "待裁决"),
    "upheld": Text("stays out (no answer)", "未答复，不予支付"),
    "released": Text("released", "参保地解除"),
    "lapsed": Text("binds (not decided)", "逾期视同认可"),
    "ruled-release": Text("ruled: owed", "裁定全额支付"),
    "ruled-uphold": Text("ruled: not owed", "裁定不予支付"),
    "ruled-split": Text("ruled: owed in part", "裁定部分支付"),
}

# Parts of a place at which a document differs, as `settlement.document` and `cli.subject` name it.
PLACES: dict[str, str] = {
    "total": "合计行", "rows": "行数", "tables": "表", "participants": "参与方表",
    "counterparts": "往来表", "payable": "应付表", "receivable": "应收表", "legs": "划拨表",
    "payable-tied": "应付调节表", "payable-why": "应付扣款表", "receivable-tied": "应收调节表",
    "receivable-why": "应收扣款表", "kind": "类别", "party": "参与方", "period": "清算期间",
    "revision": "版次", "state": "状态", "network": "网络标识", "result_hash": "结果哈希",
    "content_hash": "内容哈希", "model": "清算模式", "ruleset": "规则集",
    "ruleset_hash": "规则集哈希", "total_fen": "总额", "format": "格式", "due_day": "付款期限",
    "due_step": "付款步骤", "money": "款项类别", "metadata": "元数据", "pages": "页数",
    "sheets": "工作表数", "document": "文书", "moved_fen": "划拨总额",
    "property Gongzhang": "文件属性 Gongzhang",
}  # fmt: skip
