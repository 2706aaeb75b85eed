"""The help texts of `city` and `audit city` in Chinese; see `translation`."""

CITY = {
    "Check the proof of one case among the cities, or compute all cities of a month again.\n\n"
    "From a file only what it carries can be checked, and what it cannot show is said. From logs\n"
    "every sum is recomputed, entry by entry, and held against what the provinces have signed.":
        "核验一个个案的市级清算证明，或重算某月全部市级清算。\n\n"
        "对证明文件只核验其所含内容，并注明其不能证明的事项；对日志则逐条重算各项合计，"
        "并与各省签认的清算表核对。",
    "List the payments between the cities and their province's centre that a month asks for.":
        "列出某月各市与省级中心之间的资金划拨。",
    "Show what each city owes, is owed and nets in a confirmed month, tied out to the province.\n\n"
    "Exit 1 if the province has signed another document than the logs give.":
        "显示已确认月份中各市的应付、应收与净额，并与全省金额核对。\n\n"
        "本省签认的清算表与日志重算不符时退出码为 1。",
    "Sign the city document of a confirmed month in this province's own log, once.":
        "在本省日志中签认已确认月份的市级清算表，每月一次。",
    "Write the entries that the city sums of a confirmed month consist of, one line each.\n\n"
    "The amounts are what the batch counts. Of a case about which a dispute came or went, one "
    "line\nwith `counted` = case says what is cleared of it and its reversals now, less what was "
    "before.":
        "写出已确认月份中构成各市合计的条目，每条一行。\n\n"
        "金额为该批次计入的金额。有争议新增或了结的个案列一行（counted 为 case），"
        "金额为其连同冲正现已清算的金额减去此前已清算的金额。",
    "Write the proof from one case over its city's row to the certificate, for an auditor.\n\n"
    "The cities of the month must be signed. Check the file with `gongzhang audit city`.":
        "写出从一个个案、所属市一行直至证书的证明，供审计使用。\n\n"
        "该月市级清算表须已签认。用 `gongzhang audit city` 核验此文件。",
    "a file of `city prove`, a node's home or an exported folder":
        "`city prove` 生成的文件、节点目录或导出的日志文件夹",
    "compute and tie out, sign nothing": "只计算并核对，不签认",
    "each fund line by itself": "逐一列出基金分项",
    "gross_pair, net_pair or net_hub (default: the one in force)":
        "gross_pair、net_pair 或 net_hub（默认为现行模式）",
    "names to show, CSV with the columns city,name": "要显示的市名称，CSV，列为 city,name",
    "only this city": "只写此市",
    "only this city, counterpart by counterpart": "只显示此市，逐一列出对方省",
    "the file to write, JSON": "要写入的文件（JSON）",
    "the new CSV file to write": "要写入的新 CSV 文件",
    "whose cities (default: this node's own)": "哪个省的各市（默认为本节点所属省）",
    "with logs: only this province": "对日志：只看此省",
    "with logs: the month whose cities are computed": "对日志：要重算的月份",
    "write all figures to this new file": "把全部数据写入此新文件",
    "write all figures to this new workbook": "把全部数据写入此新工作簿",
}  # fmt: skip
