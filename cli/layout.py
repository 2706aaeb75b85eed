"""A document as it is laid out, in one language: the same for print and workbook."""

from collections.abc import Sequence
from typing import NamedTuple

from cli import labels
from settlement.document import Document, Table, Value
from settlement.money import format_yuan
from settlement.outcome import EXCEPTION, Text
from settlement.party import parties
from settlement.tag import tag_of


class Column(NamedTuple):
    """One column. `kind`: text, count or yuan (of which the values are fen)."""

    heading: str
    kind: str
    width: int  # in half-width characters


class Grid(NamedTuple):
    """One table."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[str | int | None]]
    total: Sequence[str | int | None]


class Page(NamedTuple):
    """A document, ready to be drawn."""

    language: str
    party: str
    period: str
    content_hash: str
    title: str
    draft: str  # empty, or what marks it
    unit: str
    facts: Sequence[tuple[str, str]]
    amount: tuple[tuple[str, str], tuple[str, str]] | None  # in figures and in words, of a notice
    grids: Sequence[Grid]
    proof: Sequence[tuple[str, str]]
    tag: str
    signing: Sequence[str]
    remark: str


def page_of(document: Document, language: str) -> Page:
    """Return a document laid out in `zh`, else in English."""

    def say(en: str, zh: str) -> str:
        return zh if language == "zh" else en

    draft = document.state == "draft"
    amount = None
    if document.is_notice:
        amount = (
            (say("Amount, yuan", "金额（小写）"), f"¥{_yuan(document.total_fen)}"),
            (_of(labels.FIELDS["words"], language), str(document.fields["words"])),
        )
    return Page(
        language=language,
        party=document.party,
        period=document.period,
        content_hash=document.hash.hex(),
        title=_of(labels.TITLES[document.kind], language),
        draft=say("DRAFT: not confirmed, pays nothing", "草稿：未确认，不作付款依据")
        if draft
        else "",
        unit=say("Amounts in yuan", "金额单位：元"),
        facts=_facts(document, language),
        amount=amount,
        grids=[_grid(document, table, language) for table in document.tables],
        proof=(
            (say("Result hash", "结果哈希"), document.result_hash),
            (say("Content hash", "内容哈希"), document.hash.hex()),
            (say("Rule set hash", "规则集哈希"), document.ruleset_hash),
            (say("Network", "网络标识"), document.network),
        ),
        tag=tag_of(document).format(),
        signing=[
            say("Unit (seal)", "单位（盖章）"), say("In charge", "负责人"),
            say("Checked by", "复核"), say("Made by", "制表"), say("Date", "日期"),
        ],
        remark=say(
            "Made from signed logs. Check: gongzhang audit document FILE SOURCE --policy P",
            "由已签名日志生成。核验：gongzhang audit document 文件 日志来源 --policy 信任文件",
        ),
    )  # fmt: skip


def _facts(document: Document, language: str) -> list[tuple[str, str]]:
    def say(en: str, zh: str) -> str:
        return zh if language == "zh" else en

    rows = [(say("Unit", "单位"), party_name(document.party, language))]
    if document.kind == "clearing":
        rows = [(say("Made by", "编制单位"), party_name(document.party, language))]
    confirmed = say("confirmed", "已确认")
    state = say("DRAFT", "草稿") if document.state == "draft" else confirmed
    rows += [
        (say("Period", "清算期间"), _period(document.period, language)),
        (say("Batch", "批次"), f"{document.period} r{document.revision}"),
        (say("State", "状态"), state),
        (say("Model", "清算模式"), _known(labels.MODELS, document.model, language)),
        (say("Rule set", "规则集"), document.ruleset),
    ]
    for name in ("legs", "moved_fen", "money", "due_day"):
        if name in document.fields:
            label = _of(labels.FIELDS[name], language)
            rows.append((label, _field(name, document.fields[name], language)))
    return rows


def _field(name: str, value: Value, language: str) -> str:
    if name == "money":
        return _known(labels.MONEY, str(value), language)
    if name == "due_day" and value is None:
        return "规则集未规定" if language == "zh" else "the rule set does not say"
    return _yuan(value) if name.endswith("_fen") and isinstance(value, int) else str(value)


def _period(period: str, language: str) -> str:
    if language != "zh":
        return period
    year, _, month = period.partition("-")
    return f"{year}年{int(month)}月" if month else f"{year}年"


def party_name(code: str, language: str) -> str:
    """Return code and name of a participant."""
    known = parties().get(code)
    return f"{code} {known.name(language)}" if known else code


# --- tables ---------------------------------------------------------------------------------------


def _grid(document: Document, table: Table, language: str) -> Grid:
    title = labels.TABLES.get((document.kind, table.name))
    columns = [_column(document, table, name, language) for name in table.columns]
    rows = [
        [_cell(name, value, language) for name, value in zip(table.columns, row, strict=True)]
        for row in table.rows
    ]
    total: list[str | int | None] = list(table.total)
    total[0] = "合计" if language == "zh" else "Total"
    return Grid(_of(title, language) if title else "", columns, rows, total)


def _column(document: Document, table: Table, name: str, language: str) -> Column:
    heading = labels.COLUMNS[name]
    if name == "counterpart":
        side = table.name.split("-")[0]
        known = labels.COUNTERPARTS
        heading = known.get("-".join(document.kind.split("-")[-2:])) or known.get(side, heading)
    if name.endswith("_fen"):
        return Column(_of(heading, language), "yuan", 18)
    if name.endswith(("entries", "cases")) or name == "number":
        return Column(_of(heading, language), "count", 10)
    widths = {"service_month": 13, "words": 46, "reason": 30, "status": 24}
    return Column(_of(heading, language), "text", widths.get(name, 30))


def _cell(name: str, value: Value, language: str) -> str | int | None:
    if name in ("participant", "counterpart"):
        return party_name(str(value), language)
    if name == "reason":
        text = EXCEPTION.get(str(value))
        return f"{value} {_of(text, language)}" if text and language == "zh" else value
    if name == "status":
        return _known(labels.STATUS, str(value), language)
    return value


def _known(texts: dict[str, Text], key: str, language: str) -> str:
    return _of(texts[key], language) if key in texts else key


def _of(text: Text, language: str) -> str:
    return text.zh if language == "zh" else text.en


def _yuan(fen: int) -> str:
    return format_yuan(fen, grouped=True)
