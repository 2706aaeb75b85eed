"""The documents: links lead somewhere, commands exist, both languages stay together."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer.main

from cli.main import app
from cli.translation import ZH
from settlement import shipped
from tests import ruletables
from tests.commands import ROOT
from tests.settlement.test_ruleset import tables

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")
TREE = re.compile(r"`((?:ledger|settlement|node|cli|tests|configs)/[\w./-]+)`")
COMMAND = re.compile(r"`?gongzhang ([a-z]+)(?: ([a-z]+(?:-[a-z]+)*))?")


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_every_link_leads_to_a_file(path: Path) -> None:
    for target in LINK.findall(path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_every_command_that_is_named_exists(path: Path) -> None:
    nouns = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for noun, verb in COMMAND.findall(path.read_text(encoding="utf-8")):
        assert noun in nouns, f"gongzhang {noun}"
        verbs = getattr(nouns[noun], "commands", None)
        if verb and verbs is not None:
            assert verb in verbs, f"gongzhang {noun} {verb}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_every_file_of_the_tree_that_is_named_exists(path: Path) -> None:
    named = re.findall(
        r"`((?:ledger|settlement|node|cli|tests|configs)/[\w./-]+)`",
        path.read_text(encoding="utf-8"),
    )
    for target in named:
        assert (ROOT / target).exists(), target


def test_both_readmes_name_the_same_documents() -> None:
    english, chinese = (
        (ROOT / f"README{x}.md").read_text(encoding="utf-8") for x in ("", ".zh-CN")
    )
    docs = {target for target in LINK.findall(english) if target.startswith("docs/")}
    assert docs == {target for target in LINK.findall(chinese) if target.startswith("docs/")}


def test_every_help_text_has_a_translation_and_no_translation_is_left_over() -> None:
    texts = set()

    def gather(command: Any) -> None:
        texts.add(command.help)
        texts.update(getattr(p, "help", None) for p in command.params)
        for below in getattr(command, "commands", {}).values():
            gather(below)

    root = typer.main.get_command(app)
    gather(root)
    groups = {root.help, *(c.help for c in root.commands.values() if hasattr(c, "commands"))}  # type: ignore[attr-defined]
    assert {text for text in texts if text} - groups == set(ZH)


def test_the_tables_of_rules_say_what_the_rule_sets_say() -> None:
    text = ruletables.PAGE.read_text(encoding="utf-8")
    written = text.split(ruletables.BEGIN)[1].split(ruletables.END)[0]
    assert written == ruletables.render(), "run python -m tests.ruletables"


@pytest.mark.parametrize("name", shipped.rulesets())
def test_no_value_is_surer_than_the_rows_it_names(name: str) -> None:
    text = ruletables.PAGE.read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| ([RLC]\d+) \|.*\| (\w+) \|$", text, re.MULTILINE))
    surest = ["official", "seed", "corroborated", "memory", "choice"]
    for place, table in tables(tomllib.loads(shipped.ruleset(name).decode())):
        named = re.findall(r"\b[RLC]\d+\b", table["source"])
        assert set(named) <= rows.keys(), place
        if table["certainty"] != "choice":
            assert named, place
            weakest = max(surest.index(rows[row]) for row in named)
            assert surest.index(table["certainty"]) >= weakest, place


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = set(LINK.findall((folder / "README.md").read_text(encoding="utf-8")))
    assert listed == {path.name for path in folder.glob("0*.md")}


@pytest.mark.parametrize("package", ["ledger", "settlement", "node"])
def test_the_map_of_a_package_names_every_module_and_no_other(package: str) -> None:
    text = (ROOT / package / "__init__.py").read_text(encoding="utf-8")
    there = {p.stem for p in (ROOT / package).glob("*.py")} - {"__init__", "__main__"}
    there |= {p.parent.name for p in (ROOT / package).glob("*/__init__.py")}
    named = set(re.findall(r"`([a-z][a-z0-9]*)`", text))
    assert there - named == set()
    assert named - there <= {"apply", "at_cut"}


@pytest.mark.parametrize("document", ["architecture", "glossary", "testing", "threat-model"])
def test_no_row_of_a_table_stands_twice(document: str) -> None:
    table: set[str] = set()
    for line in (ROOT / "docs" / f"{document}.md").read_text(encoding="utf-8").splitlines():
        if not line.startswith("|"):
            table = set()
            continue
        first = line.split(" | ")[0]
        assert first not in table, line
        table.add(first)
