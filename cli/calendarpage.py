"""The table of a calendar, as `gongzhang calendar` prints it."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from cli.output import language, out, say, table, talk
from settlement.outcome import Text
from settlement.party import parties
from settlement.terms import ACTOR, CERTAINTY, WEEKDAY, event_text

NAMES = 2  # how many parties a cell names before it counts the rest

Row = dict[str, Any]


def print_calendar(period: str, day: str | None, used: Row, rows: Sequence[Row]) -> None:
    """Print rows as a table, and below it by what they were computed.

    Args:
        day: As of when the rows say what is done; None if they do not.
        used: The rule sets and tables of holidays.
    """
    columns = [
        (say("due", "截止日"), "left"), (say("what", "事项"), "left"),
        (say("who", "责任方"), "left"),
        *([] if day is None else [(say("state", "状态"), "left")]),
        (say("source", "依据"), "left"), (say("certainty", "可靠程度"), "left"),
    ]  # fmt: skip
    cells = [
        [
            _when(row), _what(row, period), _who(row), *([] if day is None else [_state(row)]),
            _source(row["source"]), _text(CERTAINTY[row["certainty"]]),
        ]
        for row in rows
        if row["due"] is not None or row["month"] == rows[0]["month"]  # daily work: once
    ]  # fmt: skip
    names = ", ".join(f"{rules['name']}{_entry(rules)}" for rules in used["rulesets"])
    title = say("Calendar", "清算日历") + f" {period}, {names}"
    title += "" if day is None else say(f", as of {day}", f"，截至 {day}")
    out().print(table(title, columns, cells))
    for line in _notes(used):
        talk().print(line, markup=False)


def _notes(used: Row) -> Iterator[str]:
    for rules in used["rulesets"]:
        late, deadlines = rules["late_entries"], rules["deadlines"]
        if deadlines["on_holiday"] != "stay":
            how = _text(CERTAINTY[deadlines["certainty"]])
            yield say(
                f"{rules['name']}: a date on a day off moves to the next working day ({how})",
                f"{rules['name']}：截止日逢假日顺延至下一工作日（{how}）",
            )
        if late:
            how = _text(CERTAINTY[late["certainty"]])
            yield say(
                f"{rules['name']}: an entry may come {late['closes']} batches late ({how})",
                f"{rules['name']}：记录最多可延后 {late['closes']} 个批次清算（{how}）",
            )
    for item in used["holidays"]:
        where = _entry(item) or say(" (comes with the program)", "（随程序提供）")
        how = _text(CERTAINTY[item["certainty"]])
        yield f"{say('holidays', '节假日')} {item['name']}{where}: {item['source']} ({how})"


def _entry(item: Row) -> str:
    index = item["entry"]
    return "" if index is None else say(f" (entry {index})", f"（条目 {index}）")


def _text(text: Text) -> str:
    return say(text.en, text.zh)


def _when(row: Row) -> str:
    if row["due"] is None:
        offset = row["rule"]["offset"]
        return (
            say(f"daily, +{offset} d", f"每日，{offset} 天内") if offset else say("at once", "即时")
        )
    text = _with_weekday(row["due"])
    if row["planned"]:
        text += say(" (planned)", "（预计）")
    if row["moved_from"]:
        before = row["moved_from"][5:]
        text += say(f" (for {before})", f"（原 {before}）")
    return text


def _with_weekday(day: str) -> str:
    return f"{day} {_text(WEEKDAY[date.fromisoformat(day).weekday()])}"


def _what(row: Row, period: str) -> str:
    text = _text(event_text(row["event"]))
    return text if row["about"] == period else f"{text} ({row['about']})"


def _who(row: Row) -> str:
    if row.get("owing"):
        return _some([_name(code) for code in row["owing"]], NAMES)
    text = _text(ACTOR[row["actor"]])
    return text if row["only"] == "always" else text + say(", if red", "（红色预警）")


def _state(row: Row) -> str:
    late = say(f", late {row['days_late']} d", f"，迟 {row['days_late']} 天")
    overdue = late if row["days_late"] else ""
    match row["state"]:
        case "done":
            text = say("done ", "已完成 ") + max((d["date"] for d in row["done"]), default="")
            tardy = [
                _name(item["code"]) + say(f" {item['days']} d", f" {item['days']} 天")
                for item in sorted(row["late"], key=lambda item: -item["days"])
            ]
            text += say(", late: ", "，迟：") + _some(tardy, 1) if tardy else ""
            missed = [_name(code) for code in row["missed"]]
            return text + (say(", not by ", "，未办：") + _some(missed, 1) if missed else "")
        case "open":
            return say("open", "未完成") + overdue
        case "waiting":
            first = _text(event_text(row["waits_for"]))
            return say(f"waits for: {first}", f"等待：{first}") + overdue
        case "none":
            return say("nothing to do", "无需办理")
    return say("not in the logs", "日志中无对应条目")


def _name(code: str) -> str:
    known = parties().get(code)
    return known.name(language()) if known else code


def _some(names: Sequence[str], count: int) -> str:
    rest = f" +{len(names) - count}" if len(names) > count else ""
    return ", ".join(names[:count]) + rest


def _source(text: str) -> str:
    return say("none", "无") if text == "none" else text.split(":")[0]
