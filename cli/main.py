"""The command `gongzhang NOUN VERB`. Exit codes: 0 ok, 1 checked and false or refused, 2 usage or
configuration, 3 could not be checked, 4 damaged store."""

import typer

from cli import audit, entry
from cli.demo import demo
from cli.output import say

app = typer.Typer(
    name="gongzhang",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help=say(
        "Gongzhang: clearing of medical-insurance costs between provinces.",
        "共账：跨省异地就医费用清算。",
    ),
)
app.command("demo")(demo)
app.add_typer(entry.app, name="entry")
app.add_typer(audit.app, name="audit")


def main() -> None:
    """Run the command line."""
    app()
