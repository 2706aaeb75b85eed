"""How the command line speaks: data on stdout, talk on stderr, Chinese or English by locale."""

import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import typer
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from cli.refusalzh import REFUSED
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
from settlement.outcome import CLAIM
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


_PIPE = 10_000  # cells; no line of a table is longer
_WORD = 12  # cells that a column of words keeps


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


class _Uncut(Console):
    """A console that leaves lines longer than the terminal to the terminal: nothing is cut off."""

    def print(self, *objects: Any, **how: Any) -> None:
        super().print(*objects, **{"crop": False, **how})


def out() -> Console:
    """Return the console for data."""
    return _Uncut(file=sys.stdout, highlight=False, width=_width(sys.stdout))


def talk() -> Console:
    """Return the console for talk."""
    return _Uncut(file=sys.stderr, highlight=False, width=_width(sys.stderr))


def _width(stream: Any) -> int | None:
    # A pipe has no width; wrapping cells there would break what reads it.
    return None if stream.isatty() else _PIPE


def emit(value: Any) -> None:
    """Print one JSON object on stdout."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


class Sheet(Table):
    """A table of which no cell is ever cut off, however narrow the terminal is.

    Words fold into more lines; amounts stay in one. What then still is too wide runs over the
    edge: a clerk may widen the window, but must not read half an amount.
    """

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        widths = [cell_len(str(column.header)) for column in self.columns]
        floors = [_longest_word(str(column.header)) for column in self.columns]
        for place, column in enumerate(self.columns):
            for cell in map(str, column.cells):
                widths[place] = max(widths[place], cell_len(cell))
                whole = column.justify == "right"
                floors[place] = max(floors[place], cell_len(cell) if whole else _longest_word(cell))
        room = options.max_width - 3 * len(widths) - 1
        while sum(widths) > room and (loose := [i for i, w in enumerate(widths) if w > floors[i]]):
            widths[max(loose, key=lambda i: (widths[i], -i))] -= 1
        for column, width in zip(self.columns, widths, strict=True):
            column.width = width
        total = sum(widths) + 3 * len(widths) + 1
        # A title is never broken into lines because the table below it is narrow.
        self.min_width = min(cell_len(str(self.title)), options.max_width)
        yield from super().__rich_console__(
            console, options.update(width=max(total, options.max_width))
        )


def _longest_word(text: str) -> int:
    # A longer one (a hash, Chinese without blanks) folds inside.
    return min(_WORD, max((cell_len(word) for word in text.split()), default=0))


def table(title: str, columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[str]]) -> Table:
    """Return a table; a column is (heading, `left` or `right`)."""
    result = Sheet(title=title, title_justify="left")
    for heading, side in columns:
        right = side == "right"
        result.add_column(heading, justify="right" if right else "left", overflow="fold")
    for row in rows:
        result.add_row(*map(Text, row))  # cells may hold what strangers wrote: no markup in them
    return result


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
        talk().print(say(str(error), _in_chinese(name, error)), markup=False)
    raise typer.Exit(status)


def _in_chinese(name: str, error: Exception) -> str:
    # The detail comes from wherever the error was made; what its code means is said in Chinese.
    text = str(error)
    if name in CLAIM and text.startswith(CLAIM[name].en):
        return CLAIM[name].zh + text.removeprefix(CLAIM[name].en)
    meaning = REFUSED.get(name, "")
    if isinstance(error, FormError | VerificationError):
        text = text.replace(": expected ", "：应为 ", 1).replace(", got ", "，实为 ", 1)
    return f"（{meaning}）{text}" if meaning else text


def exit_code(error: Exception) -> int:
    """Return the exit code of an error: 1 false or refused, 2 usage, 3 unchecked, 4 damage."""
    return next((code for kind, code in EXIT if isinstance(error, kind)), 1)


def guarded(act: Callable[[], Any], *, as_json: bool) -> Any:
    """Return what `act` returns; report its errors and end the program."""
    try:
        return act()
    except (LedgerError, OSError) as error:
        fail(error, as_json=as_json)
