"""The tables in docs/rules.md, made from the rule sets: `python -m tests.ruletables`."""

import tomllib
from collections.abc import Iterator
from typing import Any

from settlement import shipped
from settlement.terms import ACTOR, event_text
from tests.commands import ROOT

PAGE = ROOT / "docs" / "rules.md"
BEGIN, END = "<!-- made by tests/ruletables.py: begin -->\n", "<!-- end -->\n"
UNIT = {"day": "day", "working_day": "working day", "month_end": "end of month"}
MONTHS = "January February March April May June July August September October November December"
ANCHOR = {
    "service_month": "of the month",
    "next_month": "of the next month",
    "attest": "after the day by which `attest` is due",
    "notice": "after the notice",
    "year": "of the year",
    "next_year": "of the next year",
}


def render() -> str:
    """Return the tables of all rule sets and of the holidays."""
    parts = [_ruleset(tomllib.loads(shipped.ruleset(n).decode())) for n in shipped.rulesets()]
    rows = [
        f"| {year} | {table.source} | {table.certainty} |"
        for year, table in shipped.holidays().items()
    ]
    holidays = ["### Holidays · 节假日", "", "| year | source | certainty |", "| --- | --- | --- |"]
    return "\n".join(["", *parts, *holidays, *rows, ""])


def _ruleset(rules: dict[str, Any]) -> str:
    lines = [
        f"### {rules['name']} · {rules['title_zh']}",
        "",
        "| value | | source | certainty |",
        "| --- | --- | --- | --- |",
        f"| model | {rules['model']} | {rules['source']} | {rules['certainty']} |",
    ]
    for name, table in _tables(rules):
        for key, value in table.items():
            if key not in ("source", "certainty"):
                lines.append(
                    f"| {name}.{key} | {value} | {table['source']} | {table['certainty']} |"
                )
    lines += [
        "",
        "| step | | when | who | if late | source | certainty |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [_step(step) for step in rules["step"]]
    return "\n".join([*lines, ""])


def _tables(rules: dict[str, Any], place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for key, value in rules.items():
        if isinstance(value, dict):
            name = f"{place}.{key}".lstrip(".")
            if "certainty" in value:
                yield name, {k: v for k, v in value.items() if not isinstance(v, dict)}
            yield from _tables(value, name)


def _step(step: dict[str, Any]) -> str:
    offset, unit = step["offset"], step["unit"]
    if step["anchor"] == "day":
        when = "at once" if offset == 0 else f"every day, within {offset}"
    else:
        when = f"{UNIT[unit]} {offset} {ANCHOR[step['anchor']]}"
    if unit == "month_end" and step["anchor"].endswith("year"):
        when = f"end of {MONTHS.split()[offset - 1]} {ANCHOR[step['anchor']]}"
    elif unit == "month_end" and offset == 1:
        when = f"end {ANCHOR[step['anchor']]}"
    if step.get("only") == "red_alert":
        when += ", on red alert"
    text, who = event_text(step["event"]), ACTOR[step["actor"]].en
    late = step.get("late", "recorded")
    return (
        f"| `{step['event']}` | {text.en} · {text.zh} | {when} | {who} | {late} "
        f"| {step['source']} | {step['certainty']} |"
    )


def main() -> None:
    """Write the tables into the page."""
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    PAGE.write_text(before + BEGIN + render() + END + rest.split(END)[1], encoding="utf-8")


if __name__ == "__main__":
    main()
