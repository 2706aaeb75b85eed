"""The help texts of `person`, `registration` and `institution` in Chinese; see `translation`."""

REGISTRY = {
    "the person's token": "参保人凭证",
    "how many at most": "最多显示多少条",
    "go on after this place": "从该位置之后继续",
    # person
    "Take an insured person into the register; prints the token that stands for them.\n\n"
    "The same person again gives the same token.":
        "登记参保人，并显示代表该人的凭证。\n\n同一人再次登记得到同一凭证。",
    "the national personal number": "国家统一人员编号",
    "the person's name": "姓名",
    "day of birth, YYYY-MM-DD": "出生日期，YYYY-MM-DD",
    "the insured area, six digits": "参保地，六位行政区划代码",
    "310 employee, 390 resident, …": "310 职工，390 居民……",
    "such as civil_servant; may be given again": "如 civil_servant；可重复给出",
    "what is on the personal account, yuan": "个人账户余额（元）",
    "YEAR:ADMISSIONS:DEDUCTIBLE:POOL, used before this system; yuan":
        "年度:住院次数:起付线:统筹支付，本系统启用前已用（元）",
    "Lock a person: nothing of theirs is settled directly until they are unlocked.":
        "封锁参保人：解除之前不予直接结算。",
    "a code in capitals, such as ARREARS": "大写代码，如 ARREARS（欠费）",
    "Unlock a person.": "解除封锁。",
    "Credit a person's personal account.": "划入个人账户。",
    "yuan; after -- below zero: a correction": "金额（元）；负数为更正，写在 -- 之后",
    "what is booked; the same again is not": "入账依据编号；同一编号只入账一次",
    "Show a person insured here; needs the vault's key, not a running node.":
        "显示本省参保人；需要病例库密钥，无需运行节点。",
    "the personal number, if there is no token": "没有凭证时，用人员编号",
    "Let a person of another province settle directly here no more; that province is told.":
        "中止外省参保人在本省的直接结算；将告知其参保省。",
    "why; everybody can read it, so it names nobody": "理由；人人可见，不得写明个人",
    "Let a barred person settle directly again; the insured province is told.":
        "恢复直接结算；将告知其参保省。",
    "the id that `person bar` gave": "`person bar` 给出的编号",
    "Record what this province paid a person by hand for treatment elsewhere; clears nothing.":
        "登记本省对异地就医的手工报销；不参与清算。",
    "the reimbursement's id": "报销编号",
    "where the person was treated, six digits": "就医地，六位行政区划代码",
    "the whole bill, yuan": "医疗费总额（元）",
    "paid by the employee pool, yuan": "职工统筹基金支付（元）",
    "paid by the resident pool, yuan": "居民统筹基金支付（元）",
    "paid by other funds, yuan": "其他基金支付（元）",
    "paid from the personal account, yuan": "个人账户支付（元）",
    "11 outpatient, 21 inpatient, 41 pharmacy": "11 门诊，21 住院，41 药店",
    "the day (default: the business date)": "日期（默认为业务日期）",
    "Erase a person from the vaults of this province and of where they were treated.\n\n"
    "Refused while anything of theirs is not cleared. The logs still verify. This cannot be undone;"
    "\nbackups made before still have the person.":
        "从本省及各就医省的病例库中删除参保人。\n\n"
        "尚有未清算事项时拒绝。日志仍可核验。不可撤销；此前的备份中仍有该人数据。",
    "do not ask again": "不再询问",
    "Tell a province again what was erased here, after it has restored an old backup.":
        "某省恢复旧备份后，再次告知其本省已删除的内容。",
    "which province, e.g. 510000": "哪个省，如 510000",
    # registration
    "File a registration of a person insured here; the province of the destination is told.":
        "为本省参保人办理备案；将告知就医省。",
    "resettled, resident_elsewhere, stationed, referral, emergency or other_temporary":
        "resettled 异地安置、resident_elsewhere 长期居住、stationed 常驻、referral 转诊、"
        "emergency 急诊或 other_temporary 其他临时",
    "where: a city NNMM00 or a whole province NN0000": "就医地：城市 NNMM00 或全省 NN0000",
    "an institution's code; may be given again": "定点医疗机构代码；可重复给出",
    "the first day (default: the business date)": "起始日期（默认为业务日期）",
    "the last day; empty: open": "终止日期；空为长期有效",
    "an id of your own (default: a new one)": "自定编号（默认新编）",
    "Change a registration that is in force; institutions that are given replace the others.":
        "变更有效备案；给出的机构替换原有机构。",
    "the registration's id": "备案编号",
    "another category": "新的类别",
    "another city or province": "新的就医地",
    "another first day": "新的起始日期",
    "Suspend a registration: it entitles to nothing until it is resumed.":
        "暂停备案：恢复之前不予直接结算。",
    "Let a suspended registration count again.": "恢复已暂停的备案。",
    "End a registration for good.": "终止备案，不可恢复。",
    "List the registrations filed here; needs the vault's key, not a running node.":
        "列出本省办理的备案；需要病例库密钥，无需运行节点。",
    "only of this person": "只看该参保人",
    "only active, suspended or terminated": "只看 active、suspended 或 terminated",
    "Show one registration filed here, and its revisions in the log.":
        "显示一项备案及其在日志中的各个版本。",
    "List whom other provinces have registered for this one; needs the vault's key.":
        "列出外省备案到本省的人员；需要病例库密钥。",
    "only of this insured province": "只看该参保省",
    # institution
    "Put an institution of this province into the directory, or change what is there.":
        "登记或变更本省定点医疗机构。",
    "the institution's code: letter, area, five digits": "机构代码：字母、区划、五位数字",
    "the institution's name": "机构名称",
    "six digits: the district it lies in": "所在区划，六位代码",
    "1 primary, 2, 3 tertiary; 0 none": "1 一级，2 二级，3 三级；0 无等级",
    "open for inpatients": "开通住院",
    "open for ordinary outpatients": "开通普通门诊",
    "open for chronic outpatients": "开通门诊慢特病",
    "open for buying drugs": "开通购药",
    "Put the institutions of a file into the directory: all of them or none.\n\n"
    "Services stand with | between. Institutions that the file does not name stay as they are.":
        "登记文件中的定点医疗机构：要么全部，要么一条也不登记。\n\n"
        "服务以 | 分隔。文件未列出的机构保持不变。",
    "CSV: code,name,level,area,services,state,reason":
        "CSV 文件：code,name,level,area,services,state,reason",
    "Suspend an institution: it settles nothing directly until it is resumed.":
        "暂停定点医疗机构：恢复之前不予直接结算。",
    "why; everybody can read it": "理由；人人可见",
    "Open a suspended institution again.": "恢复已暂停的机构。",
    "Find institutions of an area, in the copies of the logs that this home holds.":
        "按地区查找定点医疗机构（依据本节点所持日志）。",
    "six digits: NN0000 province, NNMM00 city": "六位代码：NN0000 全省，NNMM00 城市",
    "a part of the name": "名称的一部分",
    "only `open` or only `suspended`": "只看 `open` 开通或 `suspended` 暂停",
    "Show an institution and all its revisions.": "显示定点医疗机构及其全部版本。",
}  # fmt: skip
