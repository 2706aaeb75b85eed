"""The help texts in Chinese: the commands are written in English, this table speaks for them."""

from typing import Any

from cli.approvalzh import APPROVAL
from cli.bankzh import BANK
from cli.cityzh import CITY
from cli.prepayzh import PREPAY
from cli.registryzh import REGISTRY

ZH = {
    "Run a network of real nodes on this machine through the months of a file.":
        "在本机用真实节点组成网络，逐月清算一个文件。",
    "settlement records, CSV": "结算记录（CSV）",
    "folder for the nodes' homes": "存放各节点目录的文件夹",
    "report these, e.g. 2017-11,2017-12": "只报告这些月份，例如 2017-11,2017-12",
    "all, or codes such as 630000,510000": "all，或代码列表，例如 630000,510000",
    "remove what an earlier demo left in --home": "清除 --home 中上一次演示的内容",
    "these rules: a file, or a name that comes here": "采用此规则集：文件，或随程序提供的名称",
    "a file, or a name that comes here": "文件，或随程序提供的名称",
    "Put a rule set into force for every month proposed from now on (at the centre).":
        "使规则集对此后提出的各月批次生效（在中心执行）。",
    "a year's days off and worked days, TOML": "某年的放假与调休上班日（TOML）",
    "Record the holidays of a year: calendars use the newest table of each year (at the centre)."
    "\n\nUntil one is recorded they use the one that comes with the program, and say so.":
        "登记某年的节假日表：清算日历采用各年最新登记的表（在中心执行）。\n\n"
        "未登记时采用随程序提供的表，并予注明。",
    "YYYY-MM, or YYYY for all of it": "YYYY-MM，或以 YYYY 表示全年",
    "whose logs say what is done": "据其日志判断各事项是否完成",
    "as of this day (default: the business date)": "截至此日（默认为业务日期）",
    "only what is late; exit 1 if some of it is not done":
        "只列逾期事项；有尚未完成的逾期事项时退出码为 1",
    "Show the due dates of a month: what, who owes it, how far it is, and by which rule.\n\n"
    "Without --home the bare dates of --ruleset. A month's calendar holds what leads to its "
    "clearing,\nand the steps of the year that are due in the month in which it is cleared.":
        "显示某月的各截止日：事项、责任方、进度与依据。\n\n"
        "不带 --home 时只列 --ruleset 的日期。某月的日历包含通向该月清算的各步骤，\n"
        "以及在其清算所在月份到期的年度步骤。",
    "print one JSON object": "输出一个 JSON 对象",
    "Show what this node must do today, and how far its log is witnessed.":
        "显示本节点今日待办，以及日志已见证到哪里。",
    "the node's home": "节点目录",
    "Create a home with new keys, and the join file to hand to the centre.":
        "生成密钥并创建节点目录，同时生成提交给中心的加入文件。",
    "the participant's code, e.g. 630000": "参与方代码，例如 630000",
    "where the others reach this node": "其他节点访问本节点的地址",
    "join file (default: CODE.join beside the home)": "加入文件（默认在目录旁的 代码.join）",
    "seal the key files; asked for on the terminal": "用口令加密密钥文件（在终端输入）",
    "let the node accept and attest by itself": "由节点自动确认与签认，或全部手工",
    "`system`, or a fixed date for rehearsals": "`system`，或演练用的固定日期",
    "Check that a genesis names this node's keys, and create its store.":
        "核对创世文件中的本节点密钥，并创建存储。",
    "the network.genesis the centre handed out": "中心分发的 network.genesis",
    "the peers.toml beside it (default: same folder)": "同时分发的 peers.toml（默认同一文件夹）",
    "if admitted later: the file of `roster admit`": "后加入者：`roster admit` 生成的文件",
    "the key of that vault (default: ../keys/vault.key)":
        "该病例库的密钥（默认 ../keys/vault.key）",
    "as successor: the vault of the home before, to be copied":
        "作为后继者：原目录的病例库（vault），将被复制",
    "Copy logs and case files, also of a running node, and verify the copy.\n\n"
    "Keys and the signer's journal are not in it: keep the keys apart, and the journal where it "
    "is.":
        "复制日志与病例文件（节点运行时亦可）并核验副本。\n\n"
        "其中不含密钥与签名日志：密钥须另行保管，签名日志保持原位。",
    "a new folder": "新文件夹",
    "Verify a backup and put it into a home without a store; then run `gongzhang node recover`."
    "\n\nThe node takes back from the others what the backup does not have, before it signs "
    "anything.":
        "核验备份并放入尚无存储的目录；随后运行 `gongzhang node recover`。\n\n"
        "节点在签名之前，先从其他节点取回备份中缺少的内容。",
    "a folder made by `node backup`": "由 `node backup` 生成的文件夹",
    "Show the key under which logs outside the network are cosigned; make it if there is none.\n\n"
    "Their keys are listed in node.toml as [[witness.log]], the name of this witness as\n"
    "witness.name.":
        "显示用于见证网络之外日志的密钥；如无则生成。\n\n"
        "外部日志的密钥列于 node.toml 的 [[witness.log]]，见证名称为 witness.name。",
    "Show every key this node's log has had: which counts, since when, and what follows.":
        "显示本节点日志用过的全部密钥：现行、起始条目与后继。",
    "Make the key that follows; the node goes over to it at its next start.\n\n"
    "The old key is destroyed once nothing can ask for it any more. If a key may be in wrong hands,"
    "\nthis is not the answer: see `gongzhang roster freeze`.":
        "生成后继密钥；节点下次启动时启用。\n\n"
        "旧密钥在不再需要时销毁。如怀疑密钥外泄，请使用 `gongzhang roster freeze`。",
    "entry, checkpoint, witness or transport": "entry、checkpoint、witness 或 transport",
    "End a log at its newest quorum-cosigned head, after theft, fork or loss (at the centre).\n\n"
    "What lies above counts nowhere. The member makes a new home with new keys; `roster admit` of "
    "its\njoin file lets the log go on from there as the next generation.":
        "密钥被盗、分叉或丢失后，将日志止于最新的法定见证日志头（在中心目录执行）。\n\n"
        "其上条目一律不计。该成员以新密钥新建目录；对其加入文件执行 `roster admit` 后，"
        "日志作为下一代继续。",
    "whose log ends": "终止哪一方的日志",
    "Run the node until it is told to stop (Ctrl-C or SIGTERM).":
        "运行节点，直到收到停止信号（Ctrl-C 或 SIGTERM）。",
    "rule set a new centre puts into force": "新中心启用的规则集",
    "Gather join files into a genesis; writes governance keys, peers and the auditor's policy.":
        "汇总加入文件生成创世文件，并写出治理密钥、地址表与审计信任文件。",
    "the join files, the centre's among them": "各加入文件，包括中心的",
    "folder for the founding files": "存放创世文件的文件夹",
    "how many governance keys": "治理密钥数量",
    "how many must sign": "须有多少个签名",
    "Admit a participant by decision of the governance keys (at the centre's home).\n\n"
    "Every operator adds the new address to [peers] in node.toml; the new node joins with the "
    "genesis\nand the admission file.":
        "由治理密钥决定接纳一个参与方（在中心的目录执行）。\n\n"
        "各节点须在 node.toml 的 [peers] 中加入新地址；新节点凭创世文件和接纳文件加入。",
    "the new participant's join file": "新参与方的加入文件",
    "a governance key file; once per governor": "治理密钥文件，每人一个",
    "admission file (default: CODE.admission by the join file)":
        "接纳文件（默认在加入文件旁的 代码.admission）",
    "Show the members and how many of them must agree.": "显示成员以及法定数。",
    "Record the settlements of a file in this province's log: all of them or none.":
        "把文件中的结算记录登记到本省日志：要么全部，要么一条也不登记。",
    "CSV in the national field names": "国家标准字段的 CSV 文件",
    "leave out patients treated in other provinces": "排除在其他省就医的记录",
    "check only": "只检查，不登记",
    "Write everything one month rests on into one file, for `gongzhang audit check`.":
        "把一个月所依据的全部内容写入一个文件，供 `gongzhang audit check` 使用。",
    "the .bundle file to write": "要写入的 .bundle 文件",
    "a .tlog-proof or .bundle file, or a table or notice":
        ".tlog-proof 或 .bundle 文件，或清算表、通知书",
    "the entry's bytes (default: the .leaf beside the proof)":
        "条目字节（默认为证明文件旁的 .leaf 文件）",
    "of a table or notice: a home or exported logs": "清算表或通知书所需：节点目录或导出的日志",
    "Check a proof file, recompute the month of a bundle, or a table or notice, without a node.":
        "核验证明文件，重算月度包中的月份，或重算清算表、通知书，无需节点。",
    "Recompute a document from the logs and say whether it is true, and what was compared.":
        "由日志重算一份文书，说明是否属实以及比对了哪些内容。",
    "the document; a home or exported logs": "文书；节点目录或导出的日志",
    "the text of a QR code, instead of a file": "二维码文本，代替文件",
    "Make the tables and notices of a month as files. Before its confirmation: drafts, no notices."
    "\n\nThe same logs give the same bytes. A file that is there stays unless it is the same, or "
    "--force.":
        "生成某月的清算表与通知书文件。确认之前仅为草稿，不出具通知书。\n\n"
        "同样的日志得到逐字节相同的文件。已有的不同文件不会被覆盖，除非使用 --force。",
    "List the documents a month has, with their totals and content hashes.":
        "列出某月的各份文书及其总额与内容哈希。",
    "folder for the files": "存放文件的文件夹",
    "exported or cloned logs, instead of a home": "导出或克隆的日志，代替节点目录",
    "the trust file by which a --source is verified": "核验 --source 所用的信任文件",
    "whose documents (default: the home's own)": "哪一方的文书（默认为节点自身）",
    "everybody's documents": "所有各方的文书",
    "kinds, by comma (default: all there are)": "文书类别，逗号分隔（默认全部）",
    "json, xlsx, pdf, by comma": "json、xlsx、pdf，逗号分隔",
    "language of the print: zh or en": "文书语言：zh 或 en",
    "of the proposal (default: the newest)": "批次提议的版次（默认最新）",
    "replace files that have another content": "覆盖内容不同的已有文件",
    "show what would be made, write nothing": "只显示将生成的内容，不写入",
    "an earlier report or checkpoint: verify what is new":
        "先前的报告或中心的检查点：只核验新增部分",
    "processes (default: the cores)": "进程数（默认等于核数）",
    "write FILE.tlog-proof and FILE.leaf to hand on": "写出 FILE.tlog-proof 与 FILE.leaf 供转交",
    "Show where a case stands, who has witnessed it, in which batch, and what comes next.":
        "显示个案所处状态、所在批次和下一步。",
    "the settlement's id": "结算编号",
    "Accept what other provinces' logs say this one owes, as far as it passes the checks.\n\n"
    "A case whose file is missing or does not pass becomes an exception; a missing file that "
    "arrives\nlater lifts it again.":
        "核对其他省日志中本省应付的记录，通过的予以确认。\n\n"
        "病例文件缺失或未通过核对的列为例外；缺失的文件之后到达时自动解除。",
    "only this province's log": "只处理该省的日志",
    "Contest a settlement that this province has accepted.": "对本省已确认的结算记录提出争议。",
    "a code such as AMOUNT or FEE_CHECK": "原因代码，例如 AMOUNT 或 FEE_CHECK（费用协查）",
    "a file that stays outside; its SHA-256 is recorded": "证据文件，只登记其 SHA-256",
    "whose settlement": "谁的结算记录",
    "whose settlement, if several logs have the id": "多本日志有相同编号时，指明谁的结算记录",
    "Answer the contesting of a settlement in this province's log.":
        "答复针对本省结算记录的争议。",
    "the answer, at most 500 characters": "答复内容，最多 500 字",
    "Lift disputes and exceptions of this province: these settlements bind from here on.":
        "解除本省的争议与例外：这些结算记录自此应予清算。",
    "the settlements' ids": "结算编号，可多个",
    "Ask the centre to rule on a contested settlement (at either province).":
        "就有争议的结算记录提请中心裁决（双方均可）。",
    "Rule on a contested settlement (at the centre): all, none or part of it is owed.":
        "裁决有争议的结算记录：全额、不予或部分应付（在中心执行）。",
    "who contests it": "提出争议的一方",
    "release, uphold or split": "release 全额应付，uphold 全额不应付，split 部分应付",
    "with split: what is not owed of this fund line, yuan":
        "split 时：该基金分项不应付的金额（元）",
    "List the disputes of this node: reason, state, whose turn it is and until which close.":
        "列出本节点的争议：原因、状态、待办方与期限。",
    "only those that somebody has to act on": "只列需要处理的",
    "Show one dispute: what each side said, whose turn it is and until which close.":
        "显示一项争议：各方意见、待办方与期限。",
    "Show what this province and each treatment province have for a day, and what differs.\n\n"
    "Exit 1 if a statement differs, 3 if another province has not answered yet.":
        "显示某日本省与各就医省的数据及差异。\n\n有差异时退出码为 1，对方尚未答复时为 3。",
    "YYYY-MM-DD (default: yesterday)": "YYYY-MM-DD（默认昨日）",
    "only with this province": "只看与该省的",
    "ask the other provinces again": "重新询问对方",
    "Confirm the statements of a day (at the insured province).\n\n"
    "A confirmation holds for what stands there now: if it changes later, the day is open again.":
        "确认某日的对账结果（在参保省执行）。\n\n确认只对当前内容有效；之后如有变化，该日重新待确认。",
    "YYYY-MM-DD": "YYYY-MM-DD",
    "why a day is confirmed that does not match": "不一致仍予确认的理由",
    "the province's own export, CSV or xlsx": "本省业务系统导出文件（CSV 或 xlsx）",
    "insured or treatment: which of this province's rows":
        "insured 为参保地业务，treatment 为就医地业务",
    "write the differences, .xlsx or .csv": "写出差异明细（.xlsx 或 .csv）",
    "Compare the province's own business export with what its node holds. Exit 1 if they differ."
    "\n\nThe header has the national field names (setl_id, medfee_sumamt, fund_pay_sumamt, "
    "acct_pay ...)\nor their usual Chinese names; other columns are ignored.":
        "比对本省业务系统导出数据与节点所持数据；有差异时退出码为 1。\n\n"
        "表头可用国家标准字段名或常用中文名，其他列忽略。",
    "Compare the models for a month: payments, money moved, savings, circular debts.":
        "比较某月的各清算模型：笔数、划拨额、节省与循环债务。",
    "Suppose that somebody fails or is silent, or another model or quota; nothing is written.\n\n"
    "For a month that is proposed or confirmed its own cut counts, otherwise the one that would be"
    "\ndrawn now. Suppositions can be combined. All of it is computed from the logs held here.":
        "假设某方未付款、无新条目，或采用另一模型、另一额度；不写入任何内容。\n\n"
        "已提出或已确认的月份按其截止点计算，否则按此刻可确定的截止点计算。\n"
        "各项假设可以合用，全部依据本节点所持日志计算。",
    "pays nothing; repeatable": "该方分文未付；可重复给出",
    "the largest payer fails": "最大付款方未付款",
    "the two largest payers fail": "最大的两个付款方未付款",
    "its log ends at the last cut; repeatable": "该方日志止于上次截止点；可重复给出",
    "what prepayments would cover, cut by so much: what is held, else their quota":
        "预付金削减此百分比后可抵多少：按实际持有额，无持有时按额度",
    "gross_pair, net_pair or net_hub": "gross_pair、net_pair 或 net_hub",
    "Record that the centre has not done a step of a month by its due day (at a province).":
        "登记中心逾期未办某月的步骤（在省级节点执行）。",
    "the step, as `gongzhang calendar --json` names it": "步骤名（见 `gongzhang calendar --json`）",
    "Tie out all months of a year and sign the result: the centre first, then every province.":
        "核对全年各月并签认年度结果：先中心，后各省。",
    "show what the year comes to, sign nothing": "仅显示年度结果，不签认",
    "Show what a year came to, what is left of it, and who signed it. Exit 1 if some differ.":
        "显示年度结果、未清部分及签认情况；有不同结果时退出码为 1。",
    "YYYY": "YYYY",
    "Show what a confirmed month did not clear, by pair and service month, and how late it is.":
        "显示已确认月份未清算的结转记录（按应付应收双方和所属月份）及其迟延批次。",
    "Draw the cut and propose the batch of a month (at the centre).":
        "确定截止点并提出当月批次（在中心执行）。",
    "YYYY-MM": "YYYY-MM",
    "the home of the insured province's node": "参保省节点目录",
    "claims a second": "每秒请求数",
    "how long": "持续秒数",
    "how many insured": "参保人数量",
    "of the stream": "随机种子",
    "Send a stream of claims to running nodes: kinds and amounts as published, people made up.\n\n"
    "Registers made-up persons at the insured province and three made-up institutions at the\n"
    "treatment province: for rehearsals, never on a network whose months count.":
        "向运行中的节点发送模拟结算流：类别与金额按公布数据，人员为虚构。\n\n"
        "会在参保省登记虚构人员、在就医省登记三家虚构机构：仅供演练，切勿用于正式网络。",
    "the claim, JSON; see docs/claims.md": "结算请求（JSON），见 docs/claims.md",
    "a new id, for the reversal": "冲正所用的新编号",
    "of the cancellation, YYYY-MM-DDThh:mm:ss+08:00": "撤销时间 YYYY-MM-DDThh:mm:ss+08:00",
    "the institution's code": "医疗机构代码",
    "Ask what the funds would pay; nothing is kept.":
        "预结算：询问基金将支付多少，不产生任何记录。",
    "Settle a bill, once: the same id with the same content gives the same answer.":
        "结算：同一编号、同一内容只结算一次，重复请求得到相同答复。",
    "Take back what is left of a settlement, or a claim whose outcome is not known.":
        "撤销：冲回结算的剩余部分，或撤销结果未知的请求。",
    "Show how far a claim is and how its bill was split, step by step.":
        "显示结算请求的进度，以及费用分担的逐步依据。",
    "Make the token with which an institution's system calls this node; shown once.":
        "生成医疗机构系统调用本节点所用的令牌，仅显示一次。",
    "show what the month would come to now": "只显示按当前情况的结果",
    "Show how far a month is, who has attested, and what is owed.":
        "显示批次进度、签认情况与应付金额。",
    "Recompute the open batch and sign what came out (at a province).":
        "重算待签认批次并签名（在省级节点执行）。",
    "Confirm a batch that has its quorum (at the centre).": "确认已达法定数的批次（在中心执行）。",
    "Write the final certificate once every leg is received (at the centre).":
        "资金全部到账后出具最终证书（在中心执行）。",
    "Take an unconfirmed proposal back (at the centre).": "撤回尚未确认的提案（在中心执行）。",
    "why; kept in the log": "理由，记入日志",
    "Rule that a mismatch does not hold up the month (at the centre).":
        "裁定某一不一致不影响批次（在中心执行）。",
    "whose mismatch": "谁的不一致",
    "Record that a participant has not attested the open batch (at another province).":
        "登记某参与方未签认（在其他省执行）。",
    "who has not attested": "未签认的参与方",
    "List the legs of a month and how far each is.": "列出当月资金划拨及进度。",
    "the leg's number": "划拨序号",
    "the bank's number": "银行流水号",
    "the bank's date (default: the business date)": "银行日期（默认为业务日期）",
    "Show one leg: every payment of it, and who bears what was not paid.":
        "显示一笔资金划拨：各次付款，以及未付部分由谁承担。",
    "Record that money of a leg was sent (at the payer's node).": "登记已付款（在付款方节点）。",
    "Record that money of a leg arrived (at the payee's node).": "登记已到账（在收款方节点）。",
    "Record that the bank sent a payment back (at the payer's node); it may then be paid again.":
        "登记银行退回的付款（在付款方节点），之后可重新付款。",
    "Take what is missing of an overdue leg from the payer's prepayment; the rest is arrears.":
        "逾期未付款从付款方的预付金中扣划，不足部分挂账。",
    "Share out what a payer has not paid in (at the centre): those with a claim on it bear it.":
        "分摊付款方未缴入的缺口（在中心）：由对其有应收的各方承担。",
    "yuan, such as 1234.56 (default: all that is left)": "元，如 1234.56（默认：全部余额）",
    "a receiver that bears what was missing of the leg": "承担该笔缺口的收款方",
    "who sent it, if not the leg's payer": "实际付款方（若不是该笔的付款方）",
    "what the bank says": "银行退回原因",
    "which payment (default: the last)": "第几次付款（默认：最近一次）",
    "Show entries of a log as this node holds it.": "显示本节点所持日志的条目。",
    "whose log (default: this node's)": "谁的日志（默认本节点）",
    "first index": "起始序号",
    "Write logs as tlog-tiles folders, one per code, that any file server can host.":
        "把日志导出为 tlog-tiles 文件夹，任何文件服务器都可托管。",
    "only this log (default: all)": "只导出该日志（默认全部）",
    "Recompute the store from its entries; name every place that differs (exit 4).":
        "由条目重算整个存储，指出所有不符之处（退出码 4）。",
    "Recompute trees, signatures, nets and certificates from the entries alone.":
        "仅凭条目重算树、签名、净额与证书。",
    "a node's home or an exported folder": "节点目录或导出的文件夹",
    "the trust file": "信任文件",
    "only this month's batch": "只核验该月批次",
    "Show this node's verifier keys: for its log's checkpoints, and as a witness of others.":
        "显示本节点的验证密钥：日志检查点用的，以及见证他人用的。",
    "Print the trust file for one member's log, as this node knows the roster.":
        "按本节点所知名册，打印某成员日志的信任文件。",
    "whose log the policy is for": "信任文件针对谁的日志",
    "Write the proof that an entry stands in a log, and the entry itself.":
        "写出某条目在日志中的证明，以及条目本身。",
    "whose log": "谁的日志",
    "which entry": "哪个条目",
    "the .tlog-proof file to write": "要写出的 .tlog-proof 文件",
    "the entry's bytes, as a file": "条目的字节，写成文件",
    "Show the proof that a log at one size is the beginning of itself at another.":
        "显示日志较早大小是较新大小之前缀的证明。",
    "the older size": "较早的大小",
    "the newer size": "较新的大小",
    "a node's address, or a host of exported logs": "节点地址，或托管导出日志的网址",
    "folder for the logs; an earlier clone goes on": "存放日志的文件夹；未完成的克隆会继续",
    "Mirror all logs of a node as files, with verification.": "核验并镜像一个节点的全部日志。",
    "another one": "另一个",
    "folder for evidence files, if there is any": "如有证据文件，写入此文件夹",
    "Lay two sources side by side and find split views; exit 4 if somebody lied.":
        "对照两个来源，找出分叉；有人作假时退出码为 4。",
    "the .evidence file": ".evidence 证据文件",
    "Check an evidence file without any node; exit 4 if it convicts, 1 if it does not.":
        "不依赖任何节点核验证据文件；成立时退出码为 4，不成立为 1。",
    "folder for the .evidence files": "存放 .evidence 文件的文件夹",
    "Write the evidence this node holds as files that convict without it.":
        "把本节点持有的证据写成可独立核验的文件。",
    "whose log is halted": "谁的日志被冻结",
    "Rule that the halt of a log ends, as far as the evidence held here goes (at the centre).":
        "就所持证据裁定解除日志冻结（在中心执行）。",
    "Run a node whose store was lost or is old: the others give back its log, then it goes on.\n\n"
    "Keys, genesis and the signer's journal must be there. A damaged `data` is moved aside by "
    "hand\nfirst; nothing is ever deleted.":
        "运行存储丢失或过旧的节点：由其他节点归还其日志，然后继续。\n\n"
        "密钥、创世文件与签名日志必须齐全。损坏的 `data` 先手工移开；程序从不删除任何内容。",
    "a province's own records, CSV": "某省自己的结算记录（CSV）",
    "write what was checked to this file, JSON": "把核验内容写入此文件（JSON）",
    "Show the whole life of one case, every signature and proof checked offline.":
        "离线显示一个个案的全过程，逐一核验签名与证明。",
    "only in this log, if several have the id": "多本日志有相同编号时，只看这一本",
    "folder for proofs of the entry and its acceptance": "存放该条目及其确认之证明的文件夹",
    "Audit everything, then write entries, batches and payments as tables.":
        "先全部核验，再把条目、批次与资金划拨导出为数据表。",
    "a new folder for the tables": "存放数据表的新文件夹",
    "parquet or csv": "parquet 或 csv",
    "write in spite of findings; findings.json names them":
        "有审计发现也导出；findings.json 列出这些发现",
    "Play a seed; the same seed prints the same trace. Exit 1 if an invariant breaks.":
        "按种子推演；同一种子得到同一轨迹。不变量被破坏时退出码为 1。",
    "the history to play": "要推演的历史",
    "about, a month": "每月大约多少条",
    "default: drawn by the seed": "默认由种子决定",
    "per durable step": "每次落盘时的概率",
    "instead of --home: a home or exported logs, audited first":
        "代替 --home：节点目录或导出的日志，先行审计",
    "with --source: the trust file": "与 --source 同用：信任文件",
    "how far a log counts (default: all of it)": "某日志计到何处（默认全部）",
    "as this month was confirmed: its cut": "该月批次确认时的位置（其清算截止点）",
    "whose books (default: the home's)": "谁的账簿（默认为本节点）",
    "whose books (default: the home's; of --source: all)":
        "谁的账簿（默认为本节点；--source 时为各方），all 为各方",
    "only with this participant": "只看与该方的",
    "also accounts whose balance is zero": "也列出余额为零的科目",
    "a new file": "新文件",
    "hledger, beancount or csv": "hledger、beancount 或 csv",
    "Show the trial balance of a participant at a position of the logs.":
        "显示某方在某日志位置的试算平衡表。",
    "Show the transactions of a participant, by date, with the entries each rests on.":
        "按日期显示某方的分录及其所依据的条目。",
    "Hold books against their mirrors: what each says the other owes, and what is under way.\n\n"
    "Exit 1 if they disagree beyond that, 3 if another log has to come first.":
        "核对双方往来科目与在途款项。\n\n除在途款项外仍有不符时退出码为 1，须待对方日志时为 3。",
    "Write the books of a participant for hledger, beancount or a spreadsheet.\n\n"
    "hledger gets Chinese account names, beancount English ones with the Chinese beside each.":
        "把某方账簿写成 hledger、beancount 或表格文件。\n\n"
        "hledger 用中文科目名；beancount 用英文科目名，并附中文。",
    **PREPAY,
    **REGISTRY,
    **BANK,
    **CITY,
    **APPROVAL,
}  # fmt: skip


def translate(command: Any) -> None:
    """Put the Chinese texts into a command, its options and everything below it."""
    command.help = ZH.get(command.help, command.help)
    for parameter in command.params:
        text = getattr(parameter, "help", None)
        if text is not None:
            parameter.help = ZH.get(text, text)
    for below in getattr(command, "commands", {}).values():
        translate(below)
