"""One bank statement in its three forms, made by hand, and what each of them has to say."""

import io
from collections.abc import Sequence

import xlsxwriter

from settlement.bankstatement import Line, Statement

ID = "C1703-1-1-630000-100000-963D96"
BACK = "C1703-2-1-630000-510000-963D96"

STATEMENT = Statement(
    "9900630000000001", 12, "2017-04-10", "2017-04-14", 100_000_00, 83_999_70,
    [
        Line("2017-04-12", "2017-04-12", -16_000_00, "20170412-001", ID, "国家中心清算专户",
             "9900100000000001", "清算资金"),
        Line("2017-04-12", "2017-04-12", -50, "20170412-002", remittance="跨行手续费", fee=True),
        Line("2017-04-13", "2017-04-14", 20, "20170413-003", BACK, "四川专户",
             return_reason="AC04 账户已销户"),
        Line("2017-04-14", "2017-04-14", 100_00, "20170414/9", remittance="批量", batched=3),
        Line("2017-04-14", "2017-04-14", -100_00, "20170414-010", counterparty="R&D <某单位>"),
    ],
)  # fmt: skip

ENGLISH = (
    "account", "sequence", "from", "to", "opening", "closing", "booked", "valued", "amount",
    "currency", "reference", "end_to_end", "counterparty", "counterparty_account", "remittance",
    "batched", "return_reason", "kind",
)  # fmt: skip
CHINESE = (
    "账号", "对账单序号", "起始日期", "截止日期", "期初余额（元）", "期末余额（元）", "记账日期",
    "起息日", "金额（元）", "币种", "银行流水号", "端到端标识", "对方户名", "对方账号", "附言",
    "批量笔数", "退汇原因", "交易类型",
)  # fmt: skip
_HEAD = ("9900630000000001", "12", "2017-04-10", "2017-04-14", "100000.00", "83999.70")
ROWS = [
    (*_HEAD, "2017-04-12", "2017-04-12", "-16000.00", "CNY", "20170412-001", ID,
     "国家中心清算专户", "9900100000000001", "清算资金", "", "", ""),
    (*_HEAD, "2017-04-12", "", "-0.50", "", "20170412-002", "", "", "", "跨行手续费", "", "",
     "fee"),
    (*_HEAD, "2017-04-13", "2017-04-14", "0.20", "CNY", "20170413-003", BACK, "四川专户", "", "",
     "", "AC04 账户已销户", "payment"),
    (*_HEAD, "2017-04-14", "", "100.00", "人民币", "20170414/9", "", "", "", "批量", "3", "",
     "转账"),
    (*_HEAD, "2017-04-14", "", "-100.00", "CNY", "20170414-010", "", "R&D <某单位>", "", "", "",
     "", ""),
]  # fmt: skip


def csv_of(
    rows: Sequence[Sequence[str]] = ROWS, header: Sequence[str] = ENGLISH, encoding: str = "utf-8"
) -> bytes:
    """Return rows as a CSV file."""
    return "".join(",".join(row) + "\r\n" for row in (header, *rows)).encode(encoding)


def xlsx_of(
    rows: Sequence[Sequence[object]] = ROWS, header: Sequence[str] = CHINESE, formula: str = ""
) -> bytes:
    """Return rows as a workbook, amounts and counts as numbers, accounts as text."""
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate((header, *rows)):
            for column, value in enumerate(row):
                numeric = number and ENGLISH[column] in ("opening", "closing", "amount", "batched")
                if numeric and value != "":
                    sheet.write_number(number, column, float(str(value)))
                else:
                    sheet.write_string(number, column, str(value))
        if formula:
            sheet.write_formula(1, 8, formula, value=-16000)
    return target.getvalue()


def camt_of(entries: str, closing: str = "83999.70") -> bytes:
    """Return a camt.053.001.08 message around entries."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>
<GrpHdr><MsgId>M1</MsgId><CreDtTm>2017-04-15T01:00:00+08:00</CreDtTm></GrpHdr>
<Stmt><Id>S12</Id><ElctrncSeqNb>12</ElctrncSeqNb>
<FrToDt><FrDtTm>2017-04-10T00:00:00+08:00</FrDtTm><ToDtTm>2017-04-14T23:59:59+08:00</ToDtTm></FrToDt>
<Acct><Id><Othr><Id>9900630000000001</Id></Othr></Id><Ccy>CNY</Ccy></Acct>
<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">100000.00</Amt>
<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2017-04-10</Dt></Dt></Bal>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">{closing}</Amt>
<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2017-04-14</Dt></Dt></Bal>
{entries}</Stmt></BkToCstmrStmt></Document>""".encode()


def entry(
    amount: str, way: str, day: str, reference: str, details: str = "", more: str = "",
    status: str = "BOOK", code: str = "PMNT/ICDT/DMCT", valued: str = "",
) -> str:  # fmt: skip
    """Return one Ntry."""
    domain, family, below = code.split("/")
    return f"""<Ntry><Amt Ccy="CNY">{amount}</Amt><CdtDbtInd>{way}</CdtDbtInd>
<Sts><Cd>{status}</Cd></Sts><BookgDt><Dt>{day}</Dt></BookgDt><ValDt><Dt>{valued or day}</Dt></ValDt>
<AcctSvcrRef>{reference}</AcctSvcrRef><BkTxCd><Domn><Cd>{domain}</Cd><Fmly><Cd>{family}</Cd>
<SubFmlyCd>{below}</SubFmlyCd></Fmly></Domn></BkTxCd><NtryDtls>{details}</NtryDtls>{more}</Ntry>"""


ENTRIES = [
    entry(
        "16000.00", "DBIT", "2017-04-12", "20170412-001",
        f"""<TxDtls><Refs><EndToEndId>{ID}</EndToEndId></Refs><Amt Ccy="CNY">16000.00</Amt>
<CdtDbtInd>DBIT</CdtDbtInd><RltdPties><Cdtr><Pty><Nm>国家中心清算专户</Nm></Pty></Cdtr>
<CdtrAcct><Id><Othr><Id>9900100000000001</Id></Othr></Id></CdtrAcct></RltdPties>
<RmtInf><Ustrd>清算资金</Ustrd></RmtInf></TxDtls>""",
    ),
    entry("0.50", "DBIT", "2017-04-12", "20170412-002", code="ACMT/MDOP/CHRG",
          more="<AddtlNtryInf>跨行手续费</AddtlNtryInf>"),
    entry(
        "0.20", "CRDT", "2017-04-13", "20170413-003",
        f"""<TxDtls><Refs><EndToEndId>{BACK}</EndToEndId></Refs><Amt Ccy="CNY">0.20</Amt>
<CdtDbtInd>CRDT</CdtDbtInd><RltdPties><Dbtr><Pty><Nm>青海专户</Nm></Pty></Dbtr>
<Cdtr><Pty><Nm>四川专户</Nm></Pty></Cdtr></RltdPties>
<RtrInf><Rsn><Cd>AC04</Cd></Rsn><AddtlInf>账户已销户</AddtlInf></RtrInf></TxDtls>""",
        valued="2017-04-14",
    ),
    entry("77.00", "CRDT", "2017-04-14", "announced", status="PDNG"),
    entry("100.00", "CRDT", "2017-04-14", "20170414/9", "<Btch><NbOfTxs>3</NbOfTxs></Btch>",
          "<AddtlNtryInf>批量</AddtlNtryInf>"),
    entry(
        "100.00", "DBIT", "2017-04-14", "20170414-010",
        """<TxDtls><Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs><RltdPties>
<Cdtr><Pty><Nm>R&amp;D &lt;某单位&gt;</Nm></Pty></Cdtr></RltdPties></TxDtls>""",
    ),
]  # fmt: skip
