"""The help texts of `gongzhang prepay` in Chinese."""

PREPAY = {
    "Fix the quotas of a year from the batches before it (at the centre); show them elsewhere.\n\n"
    "Elsewhere they are computed again: exit 1 if they differ. A network that has cleared nothing\n"
    "before the year has its quotas given by hand.":
        "依据此前各批次核定某年预付金额度（在中心执行）；在其他节点为查看。\n\n"
        "其他节点同时重算，不符时退出码为 1。该年之前尚无批次的网络，其额度由人工核定。",
    "quotas by hand, CSV: debtor, creditor, amount in yuan":
        "人工核定的额度，CSV：debtor、creditor、amount（元）",
    "why they are given by hand": "人工核定的理由",
    "show this participant's alone": "只显示该参与方",
    "Demand what the year's quotas ask for beyond what is held, or let it be given back.\n\n"
    "At the centre.":
        "按年度额度与已持有预付金的差额下达收付通知（多退少补）。\n\n在中心执行。",
    "until when (default: as the rule set says)": "截止日（默认按规则集）",
    "Answer a treatment province's request for an increase (at the centre).":
        "答复就医地的紧急调增申请（在中心执行）。",
    "until when it is to be paid": "付款截止日",
    "yuan (default: what was asked for)": "金额（元，默认为所申请金额）",
    "demand nothing": "不予调增",
    "why less, or nothing": "少于申请或不予调增的理由",
    "Ask for more prepayment of a debtor while its red alert stands (at a treatment province).":
        "红色预警期间向参保地申请紧急调增预付金（在就医地执行）。",
    "yuan, such as 1234.56": "金额（元），例如 1234.56",
    "the insured province": "参保地（付款省）",
    "the treatment province": "就医地（收款省）",
    "List the rows of all demands: at a province its own, at the centre all.":
        "列出预付金收付通知的各行：省级节点列本省，中心列全部。",
    "only the demands of this month, YYYY-MM": "只列此月的通知，YYYY-MM",
    "only rows of this participant": "只列该参与方的行",
    "only what has not arrived": "只列尚未到账的",
    "only what is or was late; exit 1 if some is not paid":
        "只列逾期的；有尚未付款的逾期行时退出码为 1",
    "Show what is held of each pair, and what was drawn, refilled, is owed and under way.\n\n"
    "At the centre without a code: what every treatment province holds.":
        "显示各对省份的预付金：持有、已扣划、已回填、欠款与在途。\n\n"
        "在中心且不带代码时：各就医地持有的合计。",
    "a participant (default: this node's)": "参与方（默认为本节点）",
    "Show what a month cleared by what is held, and the alerts: yellow and red.\n\n"
    "At a province its own pairs; at the centre each treatment province as a whole, and all "
    "alerts.":
        "显示某月预付金使用率及黄色、红色预警。\n\n"
        "省级节点显示与本省有关的各对；中心显示各就医地合并使用率及全部预警。",
    "YYYY-MM (default: the last confirmed month)": "YYYY-MM（默认为最近一个已确认月份）",
    "only this participant's pairs": "只显示与该参与方有关的",
    "only yellow and red": "只显示黄色与红色预警",
    "Show every movement of a prepayment, seen from both ends. Exit 1 if they do not agree.":
        "显示一对省份预付金的全部变动，两端对照。两端不符时退出码为 1。",
    "Record that money of a row was sent (at its payer's node); also what is given back.":
        "登记某行款项已付出（在付款方节点执行），包括退还。",
    "Record that money of a row arrived (at its payee's node).":
        "登记某行款项已到账（在收款方节点执行）。",
    "Record that the bank sent a payment of a row back (at its payer's node).":
        "登记银行退回某行的付款（在付款方节点执行）。",
    "the row's number": "行号",
    "Make the payment file of rows demanded in a month and enter its digest (at their payer's).\n\n"
    "What is given back is paid by the treatment province. A payment is in one file only. The "
    "same\ncommand on the same date gives the same file again.":
        "生成某月预付金收付通知各行的付款文件并登记其摘要（在付款方节点执行）。\n\n"
        "退还由就医地付款。每笔款项只进入一个文件；同一日期重复执行得到相同文件。",
    "only these rows (default: all that are asked for)": "只含这些行（默认全部应付）",
}  # fmt: skip
