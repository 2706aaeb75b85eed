"""The help texts of `bank` and of payment files in Chinese; see `translation`."""

BANK = {
    "the accounts file (default: accounts.csv in the home)":
        "账户文件（默认为节点目录中的 accounts.csv）",
    # leg instruct
    "Make the payment file of a month and enter its digest (at the payer's node).\n\n"
    "A payment is in one file only. The same command on the same date gives the same file again.":
        "生成当月付款文件并登记其摘要（在付款方节点执行）。\n\n"
        "每笔款项只进入一个文件；同一日期重复执行得到相同文件。",
    "the payment file to write": "要写出的付款文件",
    "only these legs (default: all that are asked for)": "只含这些划拨（默认全部应付）",
    "xlsx for the online bank, or pain.001": "xlsx（网银批量付款）或 pain.001",
    "when the bank is to pay (default: the business date)": "付款日期（默认为业务日期）",
    "enter and write nothing": "不登记、不写出文件",
    # bank
    "the line's number, see `bank lines`": "流水序号，见 `bank lines`",
    "check and show only": "仅检查并显示",
    "a remark, kept with the line": "备注，与流水一同保存",
    "camt.053.001.08, CSV or xlsx": "camt.053.001.08、CSV 或 xlsx",
    "Take statements of the bank in: all of a file, or nothing.\n\n"
    "The same statement again changes nothing. A gap, an overlap or another opening balance than "
    "the\nlast closing one is refused.":
        "导入银行对账单：整个文件全部导入或全部不导入。\n\n"
        "同一对账单重复导入无变化；有缺漏、重叠或期初余额与上期期末不符的予以拒绝。",
    "List the statements that were taken in.": "列出已导入的对账单。",
    "only those bound to nothing": "只看待查流水",
    "List the lines of all statements and what each is bound to.":
        "列出全部银行流水及其核对结果。",
    "Bind the lines that are certain and enter what the bank has done; propose the others.\n\n"
    "Certain is the end-to-end id, or the bank's number that an entry names, with the right "
    "amount.":
        "自动核对确定相符的流水并登记收付款，其余提出建议供人工核对。\n\n"
        "确定相符指端到端标识或已登记的银行流水号相符，且金额一致。",
    "Show the suspense account: lines bound to nothing, their age, and what they may be.":
        "显示待查款项：未核对的流水、天数及可能对应的款项。",
    "MONTH/LEG, PMONTH/ROW or RMONTH/ROW, or an end-to-end id (default: the proposal)":
        "月份/笔号，预付金为 P月份/行号（退回为 R），或端到端标识（默认采用唯一建议）",
    "Bind a line to one or several payments and enter what the bank has done.\n\n"
    "Less than a leg or row asks for is a part of it. Several payments must come to the line's\n"
    "amount.":
        "将流水核对到一笔或多笔款项并登记收付款。\n\n"
        "金额小于应付的视为部分付款；多笔款项合计须等于流水金额。",
    "Open a line again that was bound without writing an entry.":
        "恢复未写入日志的核对结果为待查。",
    "the camt.053.001.08 file to write": "要写出的 camt.053.001.08 文件",
    "first day, YYYY-MM-DD": "首日，YYYY-MM-DD",
    "last day, YYYY-MM-DD": "末日，YYYY-MM-DD",
    "Write the clearing account as this node's log has it, as a camt.053 statement.":
        "将本节点日志所记清算账户写为 camt.053 对账单。",
    "the line that moved it back (default: the only one)": "退回该款的流水（默认唯一的一笔）",
    "Bind money that fitted nothing to the line by which it was sent back.":
        "将待查款项与其退回流水互相核对。",
}  # fmt: skip
