"""What an entry says, for people who are asked to sign it: in words, and by its names.

Made from the record alone, so whoever signs need not believe what a node says of it.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from ledger.hashing import hash_bytes
from settlement.money import format_yuan
from settlement.outcome import RULED, Text
from settlement.party import parties
from settlement.record import (
    Attestation,
    Confirmation,
    Demand,
    DisputeRuling,
    Draw,
    Holidays,
    Increase,
    Instruction,
    Lift,
    Operator,
    Paid,
    Proposal,
    Quota,
    Received,
    Record,
    Returned,
    RuleSet,
    Ruling,
    Shortfall,
    Withdrawal,
)

LONGEST_BYTES = 64  # longer ones are named by their length and hash


def describe(record: Record) -> Text:
    """Return what a record says in one sentence, in both languages.

    Example:
        >>> describe(Withdrawal("2017-03", 1, bytes(32), "a log was late", [])).en
        'take back the proposal of 2017-03 r1: a log was late'
    """
    words = WORDS.get(type(record))
    return _by_names(record) if words is None else words(record)


def _by_names(record: Record) -> Text:
    shown = ", ".join(f"{name} {value}" for name, value in named(record).items())
    text = f"{type(record).__name__}: {shown}"
    return Text(text, text)


def _proposal(r: Proposal) -> Text:
    moved = format_yuan(sum(net.fen for net in r.nets if net.fen > 0), grouped=True)
    heads = sum(head.size for head in r.cut)
    return Text(
        f"propose {r.month} r{r.revision}: {len(r.cut)} logs with {heads} entries, "
        f"{moved} yuan net, result {r.result_hash.hex()[:16]}",
        f"提出 {r.month} 第 {r.revision} 版批次：{len(r.cut)} 本日志共 {heads} 条条目，"
        f"净额 {moved} 元，结果 {r.result_hash.hex()[:16]}",
    )


def _confirmation(r: Confirmation) -> Text:
    return Text(
        f"confirm {r.month} r{r.revision}: {len(r.matches)} matches, {len(r.dismissed)} mismatches "
        f"dismissed, {len(r.silent)} silent, result {r.result_hash.hex()[:16]}",
        f"确认 {r.month} 第 {r.revision} 版批次：一致 {len(r.matches)}，"
        f"驳回异议 {len(r.dismissed)}，静默 {len(r.silent)}，结果 {r.result_hash.hex()[:16]}",
    )


def _withdrawal(r: Withdrawal) -> Text:
    return Text(
        f"take back the proposal of {r.month} r{r.revision}: {r.reason}",
        f"撤回 {r.month} 第 {r.revision} 版批次：{r.reason}",
    )


def _ruling(r: Ruling) -> Text:
    return Text(
        f"dismiss the mismatch of {_name(r.mismatch.code, 'en')} in {r.month} r{r.revision}: "
        f"{r.reason}",
        f"驳回 {_name(r.mismatch.code, 'zh')} 对 {r.month} 第 {r.revision} 版批次的异议："
        f"{r.reason}",
    )


def _attestation(r: Attestation) -> Text:
    if not r.cells:
        return Text(
            f"attest {r.month} r{r.revision}: match, result {r.result_hash.hex()[:16]}",
            f"签认 {r.month} 第 {r.revision} 版批次：一致，结果 {r.result_hash.hex()[:16]}",
        )
    return Text(
        f"attest {r.month} r{r.revision}: {len(r.cells)} amounts differ, "
        f"own result {r.result_hash.hex()[:16]}",
        f"签认 {r.month} 第 {r.revision} 版批次：{len(r.cells)} 项金额不一致，"
        f"本方结果 {r.result_hash.hex()[:16]}",
    )


def _dispute_ruling(r: DisputeRuling) -> Text:
    upheld = sum(getattr(r.upheld, name) for name in r.upheld.__struct_fields__)
    en = f", {format_yuan(upheld, grouped=True)} yuan is not" if upheld else ""
    zh = f"，不应付 {format_yuan(upheld, grouped=True)} 元" if upheld else ""
    place = f"{_name(r.creditor, 'en')} #{r.original}, contested by {_name(r.insured, 'en')}"
    lieu = f"{_name(r.insured, 'zh')} 对 {_name(r.creditor, 'zh')} #{r.original} 的争议"
    return Text(
        f"rule on {place}: {RULED[r.outcome].en}{en}: {r.reason}",
        f"裁决 {lieu}：{RULED[r.outcome].zh}{zh}：{r.reason}",
    )


def _lift(r: Lift) -> Text:
    return Text(
        f"end the halt of the log of {_name(r.log, 'en')}: {r.reason}",
        f"解除对 {_name(r.log, 'zh')} 日志的冻结：{r.reason}",
    )


def _ruleset(r: RuleSet) -> Text:
    digest = hash_bytes(r.text).hex()[:16]
    return Text(
        f"put the rule set {r.name} into force, SHA-256 {digest}",
        f"使规则集 {r.name} 生效，SHA-256 {digest}",
    )


def _holidays(r: Holidays) -> Text:
    digest = hash_bytes(r.text).hex()[:16]
    return Text(
        f"record the holidays of {r.year} ({r.name}), SHA-256 {digest}",
        f"登记 {r.year} 年节假日表（{r.name}），SHA-256 {digest}",
    )


_PURPOSE = {
    "clearing": Text("leg {number} of {month}", "{month} 第 {number} 笔"),
    "prepayment": Text("prepayment {number} of {month}", "{month} 第 {number} 笔预付金"),
    "prepayment_return": Text(
        "return of prepayment {number} of {month}", "{month} 第 {number} 笔预付金退还"
    ),
}


def _what(r: Paid | Received | Returned, language: str) -> str:
    words = _PURPOSE[r.purpose]
    text = words.zh if language == "zh" else words.en
    return text.format(number=r.number, month=r.month)


def _paid(r: Paid) -> Text:
    fen = format_yuan(r.fen, grouped=True)
    return Text(
        f"{_what(r, 'en')}: {fen} yuan were sent to {_name(r.payee, 'en')} on {r.date}, "
        f"{r.reference}",
        f"{_what(r, 'zh')}：{r.date} 付 {_name(r.payee, 'zh')} {fen} 元，{r.reference}",
    )


def _received(r: Received) -> Text:
    fen = format_yuan(r.fen, grouped=True)
    return Text(
        f"{_what(r, 'en')}: {fen} yuan from {_name(r.payer, 'en')} arrived on {r.date}, "
        f"{r.reference}",
        f"{_what(r, 'zh')}：{r.date} 收到 {_name(r.payer, 'zh')} {fen} 元，{r.reference}",
    )


def _returned(r: Returned) -> Text:
    return Text(
        f"{_what(r, 'en')}: payment {r.attempt} to {_name(r.payee, 'en')} came back on {r.date}, "
        f"{r.reference}: {r.reason}",
        f"{_what(r, 'zh')}：付 {_name(r.payee, 'zh')} 的第 {r.attempt} 次付款于 {r.date} 被退回，"
        f"{r.reference}：{r.reason}",
    )


def _instruction(r: Instruction) -> Text:
    fen = format_yuan(sum(payment.fen for payment in r.payments), grouped=True)
    count, digest = len(r.payments), r.digest.hex()[:16]
    return Text(
        f"payment file ({r.format}) with {count} payments, {fen} yuan, SHA-256 {digest}",
        f"付款文件（{r.format}）共 {count} 笔、{fen} 元，SHA-256 {digest}",
    )


def _draw(r: Draw) -> Text:
    drawn, arrears = (format_yuan(fen, grouped=True) for fen in (r.drawn_fen, r.arrears_fen))
    return Text(
        f"leg {r.leg} of {r.month}, due {r.due}: {drawn} yuan are drawn from the prepayment of "
        f"{_name(r.debtor, 'en')}, {arrears} yuan are arrears",
        f"{r.month} 第 {r.leg} 笔（{r.due} 到期）："
        f"从 {_name(r.debtor, 'zh')} 预付金扣划 {drawn} 元，"
        f"挂账欠款 {arrears} 元",
    )


def _shortfall(r: Shortfall) -> Text:
    fen = format_yuan(r.fen, grouped=True)
    return Text(
        f"leg {r.leg} of {r.month}, due {r.due}: {fen} yuan are missing and borne by "
        f"{len(r.shares)} receivers",
        f"{r.month} 第 {r.leg} 笔（{r.due} 到期）：缺口 {fen} 元由 {len(r.shares)} 个收款方分摊",
    )


def _quota(r: Quota) -> Text:
    fen = format_yuan(sum(row.fen for row in r.rows), grouped=True)
    en = f"from the batches of {r.months[0]} to {r.months[-1]}" if r.months else r.reason
    zh = f"依据 {r.months[0]} 至 {r.months[-1]} 批次" if r.months else r.reason
    digest = r.result_hash.hex()[:16]
    return Text(
        f"quotas of {r.year}: {len(r.rows)} pairs, {fen} yuan, {en}, document {digest}",
        f"{r.year} 年预付金额度：{len(r.rows)} 对，共 {fen} 元，{zh}，额度表 {digest}",
    )


def _demand(r: Demand) -> Text:
    pay = format_yuan(sum(row.fen for row in r.rows if row.fen > 0), grouped=True)
    back = format_yuan(-sum(row.fen for row in r.rows if row.fen < 0), grouped=True)
    first, last = r.rows[0].number, r.rows[-1].number
    why = f": {r.reason}" if r.reason else ""
    return Text(
        f"demand prepayments ({r.cause}) {r.month}, rows {first} to {last}, due {r.due}: "
        f"{pay} yuan to be paid, {back} to be given back{why}",
        f"下达预付金收付通知（{'年度调整' if r.cause == 'yearly' else '紧急调增'}）{r.month} "
        f"第 {first} 至 {last} 行，{r.due} 到期：应付 {pay} 元，应退还 {back} 元{why}",
    )


def _increase(r: Increase) -> Text:
    fen = format_yuan(r.fen, grouped=True)
    return Text(
        f"ask for {fen} yuan more prepayment of {_name(r.debtor, 'en')}, red alert of {r.month}",
        f"{r.month} 红色预警：申请向 {_name(r.debtor, 'zh')} 紧急调增预付金 {fen} 元",
    )


def _operator(r: Operator) -> Text:
    if r.status == "removed":
        return Text(f"{r.name} may sign no more", f"{r.name} 不再有权复核签名")
    key = r.key.hex()[:16]
    return Text(f"{r.name} may sign, with key {key}", f"{r.name} 有权复核签名，密钥 {key}")


WORDS: dict[type[Record], Callable[[Any], Text]] = {
    Proposal: _proposal,
    Confirmation: _confirmation,
    Withdrawal: _withdrawal,
    Ruling: _ruling,
    Attestation: _attestation,
    DisputeRuling: _dispute_ruling,
    Lift: _lift,
    RuleSet: _ruleset,
    Holidays: _holidays,
    Paid: _paid,
    Received: _received,
    Returned: _returned,
    Instruction: _instruction,
    Draw: _draw,
    Shortfall: _shortfall,
    Quota: _quota,
    Demand: _demand,
    Increase: _increase,
    Operator: _operator,
}


def _name(code: str, language: str) -> str:
    known = parties().get(code)
    return f"{code} {known.name(language)}" if known else code


def named(value: Any) -> Any:
    """Return a record as names and plain values; bytes become hex, long ones their hash."""
    if isinstance(value, bytes):
        if len(value) <= LONGEST_BYTES:
            return value.hex()
        return f"{len(value)} bytes, SHA-256 {hash_bytes(value).hex()}"
    if isinstance(value, msgspec.Struct):
        return {name: named(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, list | tuple):
        return [named(item) for item in value]
    return value
