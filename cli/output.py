"""How the command line speaks: data on stdout, talk on stderr, Chinese or English by locale."""

import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, Literal, NoReturn

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ledger.errors import (
    FormError,
    KeyFileError,
    LedgerError,
    RefusedError,
    StoreError,
    UncheckableError,
    VerificationError,
)
from settlement.money import format_yuan
from settlement.party import parties

EXIT: tuple[tuple[type[Exception], int], ...] = (
    (StoreError, 4),
    (VerificationError, 1),
    (RefusedError, 1),
    (UncheckableError, 3),
    (FormError, 2),
    (KeyFileError, 2),
    (LedgerError, 1),
    (OSError, 2),
)

PIPE_COLUMNS = 1000
WORD_COLUMNS = 16


def language() -> str:
    """Return `zh` or `en`: GONGZHANG_LANG, else the locale."""
    for name in ("GONGZHANG_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name)
        if value:
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"


def say(en: str, zh: str) -> str:
    """Return one of two texts by language."""
    return zh if language() == "zh" else en


def name_of(code: str) -> str:
    """Return a participant's code with its name."""
    known = parties().get(code)
    return f"{code} {known.name(language())}" if known else code


def out() -> Console:
    """Return the console for data."""
    return Console(file=sys.stdout, highlight=False, width=_width(sys.stdout))


def talk() -> Console:
    """Return the console for talk."""
    return Console(file=sys.stderr, highlight=False, width=_width(sys.stderr))


def _width(stream: Any) -> int | None:
    # A pipe has no width; wrapping or cutting cells there would break what reads it.
    return None if stream.isatty() else PIPE_COLUMNS


def emit(value: Any) -> None:
    """Print one JSON object on stdout."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def table(title: str, columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[str]]) -> Table:
    """Return a table; a column is (heading, `left` or `right`).

    On a narrow terminal text goes on in the next line of its cell; amounts stay whole. Nothing is
    ever left out of a cell, nor a column out of a table.
    """
    # A title is never broken into lines because the table below it is narrow.
    result = Table(title=title, title_justify="left", min_width=cell_len(title))
    limit = out().width
    widths = _widths(columns, rows, limit)
    if sum(width or 0 for width in widths) + 3 * len(columns) + 1 > limit:
        result.padding = (0, 0)  # the last that can be spared
    for (heading, side), width in zip(columns, widths, strict=True):
        justify: Literal["left", "right"] = "right" if side == "right" else "left"
        result.add_column(heading, justify=justify, width=width, overflow="fold")
    for row in rows:
        result.add_row(*map(Text, row))  # cells may hold what strangers wrote: no markup in them
    return result


def _widths(
    columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[str]], limit: int
) -> list[int | None]:
    # The widest text gives way first, down to a word; of amounts only the heading is broken.
    texts = [[heading, *(row[i] for row in rows)] for i, (heading, _) in enumerate(columns)]
    widths = [max(map(_lines_len, column)) for column in texts]
    frame = 3 * len(columns) + 1
    if sum(widths) + frame <= limit:
        return [None] * len(columns)
    floors = [
        max(map(_lines_len, column[1:]), default=0)
        if side == "right"
        else min(WORD_COLUMNS, max(map(_word_len, column)))
        for column, (_, side) in zip(texts, columns, strict=True)
    ]
    least = [max(floor, 1, min(4, width)) for floor, width in zip(floors, widths, strict=True)]
    if sum(least) + frame > limit:
        frame = len(columns) + 1
    while sum(widths) + frame > limit:
        loose = [i for i, width in enumerate(widths) if width > least[i]]
        if not loose:
            break
        widths[max(loose, key=lambda i: widths[i])] -= 1
    return list(widths)


def _lines_len(text: str) -> int:
    return max(map(cell_len, text.split("\n")))


def _word_len(text: str) -> int:
    return max(map(cell_len, text.split()), default=0)


def yuan(fen: int) -> str:
    """Return an amount for a table."""
    return format_yuan(fen, grouped=True)


def fail(error: Exception, *, as_json: bool, code: int | None = None) -> NoReturn:
    """Report an error and end the program with its exit code."""
    status = code if code is not None else exit_code(error)
    name = getattr(error, "code", type(error).__name__)
    if as_json:
        emit({"ok": False, "code": name, "error": str(error), "exit": status})
    else:
        talk().print(f"[red]{name}[/red] ", end="")
        talk().print(str(error), markup=False)
    raise typer.Exit(status)


def exit_code(error: Exception) -> int:
    """Return the exit code of an error: 1 false or refused, 2 usage, 3 unchecked, 4 damage."""
    return next((code for kind, code in EXIT if isinstance(error, kind)), 1)


def guarded(act: Callable[[], Any], *, as_json: bool) -> Any:
    """Return what `act` returns; report its errors and end the program."""
    try:
        return act()
    except (LedgerError, OSError) as error:
        fail(error, as_json=as_json)
