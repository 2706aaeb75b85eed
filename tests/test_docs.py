"""The documents: links lead somewhere, commands exist, both languages stay together."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer.main

from cli.main import app
from cli.translation import ZH
from tests.commands import ROOT

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")
TREE = re.compile(r"`((?:ledger|settlement|node|cli|tests|configs)/[\w./-]+)`")
COMMAND = re.compile(r"`?gongzhang ([a-z]+)(?: ([a-z]+))?")


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


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = set(LINK.findall((folder / "README.md").read_text(encoding="utf-8")))
    assert listed == {path.name for path in folder.glob("0*.md")}
