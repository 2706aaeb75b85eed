"""`gongzhang audit document`: whether a table or notice is what the logs give, without any node."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from cli import labels
from cli.audit import audited, load_policy
from cli.findings import Finding
from cli.holding import Holding, holding_of
from cli.layout import page_of, party_name
from cli.output import emit, guarded, language, out, say, table, yuan
from cli.subject import Subject, Verdict, compare, read_qr, read_subject
from ledger.errors import FormError, RefusedError, UncheckableError
from settlement.demandpaper import demand_documents
from settlement.document import DEMAND_KINDS, Difference, Document
from settlement.lookup import applied_size
from settlement.monthbook import MonthBook, open_month
from settlement.outcome import Text
from settlement.paperwork import document as make_document
from settlement.party import CENTRE
from settlement.tag import Tag, tag_of

SHOWN = 20


@dataclass
class Check:
    """What came out: `exit` 0 true, 1 false, 3 could not be checked, 4 damaged logs."""

    subject: Subject
    exit: int = 0
    verdict: Verdict | None = None
    expected: Document | None = None
    notes: list[Text] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def document(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="[FILE] SOURCE", help="the document; a home or exported logs"),
    ],
    policy: Annotated[Path, typer.Option("--policy", help="the trust file")],
    qr: Annotated[
        str | None, typer.Option("--qr", help="the text of a QR code, instead of a file")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> None:
    """Recompute a document from the logs and say whether it is true, and what was compared."""

    def act() -> Check:
        wanted = 2 if qr is None else 1
        if len(paths) != wanted:
            raise FormError("FILE, SOURCE", "a document and the logs, or --qr and the logs")
        subject = read_subject(paths[0]) if qr is None else read_qr(qr)
        return check_document(subject, paths[-1], policy, show=not as_json)

    finish(guarded(act, as_json=as_json), as_json=as_json)


def finish(check: Check, *, as_json: bool) -> None:
    """Print what came out and end the program with its exit code."""
    if as_json:
        emit(_json(check))
    else:
        _print(check)
    raise typer.Exit(check.exit)


def check_document(subject: Subject, source: Path, policy: Path, *, show: bool = False) -> Check:
    """Return whether a document is what the logs of a source give.

    Raises:
        FormError: The source or the policy cannot be used.
        UncheckableError: A PDF cannot be read.
    """
    check, tag = Check(subject), subject.tag
    of_demand = tag.kind in DEMAND_KINDS  # then it rests on no batch of its period
    month = None if of_demand else tag.period
    with audited(source, load_policy(policy), month, show=show) as audit:
        check.findings = audit.report.findings
        if check.findings:
            # Whatever they say of the document, the logs themselves do not hold.
            check.exit = 4 if audit.report.exit_code == 4 else 3
            return check
        holding = holding_of(audit)
        if tag.network != holding.founding.network_id.hex()[:16]:
            network = holding.founding.network_id.hex()[:16]
            check.verdict = Verdict(
                Text("the network", "网络标识"), [Difference("network", tag.network, network)]
            )
            check.exit = 1
            return check
        try:
            _recompute(check, holding)
        except RefusedError as error:
            check.exit = 1 if error.code == "WITHDRAWN" else 3
            check.notes.append(Text(str(error), str(error)))
        return check


def _recompute(check: Check, holding: Holding) -> None:
    tag = check.subject.tag
    size = applied_size(holding.reader, CENTRE)
    if tag.kind in DEMAND_KINDS:
        check.expected = _demanded(holding, tag, size)
        check.verdict = compare(check.subject, check.expected)
        check.exit = 1 if check.verdict.differences else 0
        return
    book = open_month(holding.reader, holding.founding, tag.period, size, tag.revision)
    if tag.state == "draft":
        check.notes.append(_of_draft(book))
        book = book.as_draft()
    elif not book.confirmed:
        raise UncheckableError(
            f"{tag.period} r{tag.revision} is not confirmed in these logs: they may be older than "
            "the document"
        )
    check.expected = make_document(book, tag.kind, tag.party)
    if check.expected is None:
        check.verdict = Verdict(
            Text("whether there is one", "是否存在该文书"),
            [Difference("document", f"{tag.kind} {tag.party}", "none")],
        )
    else:
        check.verdict = compare(check.subject, check.expected)
    check.exit = 1 if check.verdict.differences else 0


def _demanded(holding: Holding, tag: Tag, size: int) -> Document:
    logs = holding.reader, holding.founding
    for made in demand_documents(*logs, tag.period, size, [tag.kind], [tag.party]):
        if made.revision == tag.revision:
            return made
    raise UncheckableError(
        f"no demand of {tag.period} with the row {tag.revision} asks {tag.party} in these logs: "
        "they may be older than the document"
    )


def _of_draft(book: MonthBook) -> Text:
    if book.confirmed:
        return Text("a draft; this revision has been confirmed since", "草稿；该批次此后已确认")
    return Text("a draft: not confirmed, pays nothing", "草稿：未确认，不作付款依据")


# --- what is said ---------------------------------------------------------------------------------


def _json(check: Check) -> dict[str, Any]:
    tag, verdict = check.subject.tag, check.verdict
    return {
        "ok": check.exit == 0,
        "form": check.subject.form,
        "document": tag._asdict(),
        "content_hash": None if check.expected is None else tag_of(check.expected).content_hash,
        "compared": None if verdict is None else verdict.compared.en,
        "differences": [] if verdict is None else [d._asdict() for d in verdict.differences],
        "notes": [note.en for note in check.notes],
        "findings": [vars(finding) for finding in check.findings],
        "exit": check.exit,
    }


def _print(check: Check) -> None:
    tag, verdict = check.subject.tag, check.verdict
    title = tag.kind if check.expected is None else page_of(check.expected, language()).title
    words = {
        0: say("TRUE: the logs give this document", "属实：与日志重算结果一致"),
        1: say("FALSE: the logs give another document", "不符：与日志重算结果不一致"),
        3: say("NOT CHECKED: these logs cannot say", "无法核验：所给日志不足以判断"),
        4: say("DAMAGED: the logs do not hold", "日志损坏"),
    }
    rows = [
        [say("document", "文书"), title],
        [say("participant", "参与方"), party_name(tag.party, language())],
        [say("batch", "批次"), f"{tag.period} r{tag.revision}"],
        [say("total, yuan", "总额（元）"), yuan(tag.total_fen)],
        [say("content hash", "内容哈希"), tag.content_hash],
    ]
    if verdict is not None:
        rows.append([say("compared", "比对范围"), say(verdict.compared.en, verdict.compared.zh)])
    rows += [[say("note", "说明"), say(note.en, note.zh)] for note in check.notes]
    console = out()
    console.print(table(words[check.exit], [("", "left"), ("", "left")], rows))
    if verdict is not None and verdict.differences:
        columns = [
            (say("place", "位置"), "left"), (say("in the document", "文书所载"), "left"),
            (say("by the logs", "日志重算"), "left"),
        ]  # fmt: skip
        found = [
            [_place(d.place), _value(d.place, d.found), _value(d.place, d.expected)]
            for d in verdict.differences[:SHOWN]
        ]
        count = len(verdict.differences)
        console.print(table(say(f"Differences: {count}", f"差异 {count} 处"), columns, found))
    for finding in check.findings[:SHOWN]:
        console.print(f"{finding.kind} {finding.place}: {finding.text}", markup=False)


_NUMBERED = (
    (re.compile(r"row (\d+) \((.*)\)"), r"第 \1 行（\2）"),
    (re.compile(r"cell (\w+)"), r"单元格 \1"),
    (re.compile(r"page (\d+)"), r"第 \1 页"),
    (re.compile(r"line (\d+)"), r"第 \1 行"),
)


def _place(place: str) -> str:
    if language() != "zh":
        return place
    parts = [part.removeprefix("QR ") for part in place.split(", ")]
    known = {**{name: text.zh for name, text in labels.COLUMNS.items()}, **labels.PLACES}
    parts = [known.get(part, part) for part in parts]
    for pattern, text in _NUMBERED:
        parts = [pattern.sub(text, part) for part in parts]
    return ("二维码：" if place.startswith("QR ") else "") + "，".join(parts)


def _value(place: str, value: str | int | None) -> str:
    if isinstance(value, int) and place.endswith("_fen"):
        return yuan(value)
    return "-" if value is None else str(value)
