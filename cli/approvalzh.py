"""The help texts of operators and approvals in Chinese; see `translation`."""

APPROVAL = {
    "The people who sign for a participant.": "复核人员。",
    "sign it at once, with this operator's key file": "以此复核人员密钥文件当即签名",
    "its hash, or the first eight digits": "哈希，或其前八位以上",
    "your operator key file": "本人的复核密钥文件",
    "those that have ended, too, as far as they are kept": "也列出仍保留的已了结事项",
    "why; its maker is shown it": "理由；经办人可见",
    "List what waits for signatures at this node, and by whom it is signed.":
        "列出本节点待复核签名的事项及已签人员。",
    "Show all that a draft says, its hash computed again from that.":
        "显示待签事项的全部内容，并据此重算哈希。",
    "Sign a draft; with the last signature that is needed it becomes an entry.\n\n"
    "What is signed is computed here from the content, and has to have the hash that was given.":
        "对待签事项签名；所需签名齐全后即登记为条目。\n\n"
        "所签字节由本程序据内容重算，其哈希须与所给一致。",
    "Reject a draft: nothing comes of it, and its maker sees by whom and why.":
        "否决待签事项：不产生任何条目，经办人可见否决人与理由。",
    "letters, digits, dot, dash, underscore": "字母、数字、点、短横线、下划线",
    "key file (default: HOME/operators/NAME.key)": "密钥文件（默认 目录/operators/姓名.key）",
    "a public key they have already, hex": "其已有的公钥（十六进制）",
    "seal the key file; asked for on the terminal": "用口令加密密钥文件（在终端输入）",
    "Let a named person sign for this node's log, or give them another key.\n\n"
    "From the second one on, two of them sign whatever decides or moves money. Hand the key file\n"
    "to the person and keep it off this machine. If the file is there already, its key is taken.":
        "登记有权为本节点签名的复核人员，或更换其密钥。\n\n"
        "自第二人起，凡决定或划拨资金的事项须两人签名。密钥文件交本人保管，勿留在本机。\n"
        "文件已存在时采用其中的密钥。",
    "Let an operator sign no more; the last two can only be replaced.":
        "撤销复核人员；仅剩两人时只能先增后减。",
    "List who may sign for this node's log, who may no more, and who approved that.":
        "列出有权签名者、已撤销者，以及由谁批准。",
}  # fmt: skip
