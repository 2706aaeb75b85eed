"""What the words of a rule set mean to people: events, actors, certainty, weekdays."""

from settlement.outcome import Text

EVENT: dict[str, Text] = {
    "register": Text("upload registrations", "上传备案与状态变更"),
    "download": Text("download registrations", "下载备案人员与定点机构"),
    "record": Text("record settlements", "登记每笔结算"),
    "upload": Text("upload bill items", "上传费用明细"),
    "day_file": Text("make the day's data", "生成日对账数据"),
    "accept": Text("check and accept", "日对账确认"),
    "accept_month": Text("finish month's checks", "完成当月对账"),
    "reconcile": Text("reconcile with the institutions", "与定点机构对账"),
    "declare": Text("declare the month's fees", "申报当月费用"),
    "before": Text("the month before", "上一月份"),
    "propose": Text("propose the batch", "提出清算批次"),
    "attest": Text("recompute and attest", "重算并签认"),
    "request": Text("ask for an increase", "申请紧急调增"),
    "confirm": Text("confirm, give notice", "确认批次并下发通知"),
    "apply": Text("apply for the money", "向财政部门申请用款"),
    "remit": Text("pay", "付款"),
    "enter": Text("enter bank details", "登记划款信息"),
    "pay": Text("pay all legs", "全部付款"),
    "receive": Text("record what arrived", "登记到账"),
    "distribute": Text("pay the receivers", "向应收方拨付"),
    "cities": Text("sign the cities of the month", "签认市级清算表"),
    "final": Text("certify the month", "出具最终证书"),
    "quota": Text("fix the year's prepayments", "下达年度预付金额度"),
    "quota_pay": Text("adjust the prepayments", "完成预付金调整收付"),
    "year_close": Text("have cleared the whole year", "完成全年费用清算"),
}

ACTOR: dict[str, Text] = {
    "centre": Text("centre", "中心"),
    "insured": Text("insured provinces", "参保地"),
    "treatment": Text("treatment provinces", "就医地"),
    "payer": Text("payers", "付款方"),
    "payee": Text("payees", "收款方"),
    "finance": Text("payers' finance", "付款方财政部门"),
    "all": Text("all participants", "各参与方"),
}

CERTAINTY: dict[str, Text] = {
    "seed": Text("source material", "原始材料"),
    "official": Text("official text", "官方文件"),
    "corroborated": Text("secondary sources", "旁证"),
    "memory": Text("unverified", "未核实"),
    "choice": Text("this project's choice", "本项目自定"),
}

WEEKDAY: tuple[Text, ...] = (
    Text("Mon", "周一"), Text("Tue", "周二"), Text("Wed", "周三"), Text("Thu", "周四"),
    Text("Fri", "周五"), Text("Sat", "周六"), Text("Sun", "周日"),
)  # fmt: skip


def event_text(event: str) -> Text:
    """Return what an event is; an event of somebody's own rule set speaks for itself."""
    return EVENT.get(event, Text(event, event))
