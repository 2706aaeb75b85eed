"""The command `gongzhang NOUN VERB`. Exit codes: 0 ok, 1 checked and false or refused, 2 usage or
configuration, 3 could not be checked, 4 damaged store."""

import typer

from cli import (
    approval,
    audit,
    bank,
    batch,
    books,
    bundle,
    city,
    citycheck,
    citydetail,
    cityprove,
    claim,
    day,
    dispute,
    documents,
    dossier,
    entry,
    export,
    institution,
    key,
    leg,
    log,
    node,
    papercheck,
    person,
    prepay,
    prove,
    registration,
    roster,
    sim,
    simulate,
    year,
)
from cli.calendar import calendar
from cli.carried import carried
from cli.demo import demo
from cli.instruct import instruct
from cli.models import models
from cli.output import language, say
from cli.status import status
from cli.translation import translate
from cli.whatif import whatif

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
app.command("status")(status)
app.command("calendar")(calendar)
for name, part in (
    ("node", node.app),
    ("roster", roster.app),
    ("claim", claim.app),
    ("entry", entry.app),
    ("day", day.app),
    ("person", person.app),
    ("registration", registration.app),
    ("institution", institution.app),
    ("dispute", dispute.app),
    ("batch", batch.app),
    ("leg", leg.app),
    ("bank", bank.app),
    ("books", books.app),
    ("prepay", prepay.app),
    ("year", year.app),
    ("document", documents.app),
    ("city", city.app),
    ("approval", approval.app),
    ("log", log.app),
    ("key", key.app),
    ("audit", audit.app),
    ("sim", sim.app),
):
    app.add_typer(part, name=name)
leg.app.command()(instruct)
batch.app.command()(models)
batch.app.command()(carried)
city.app.command()(citydetail.detail)
city.app.command()(cityprove.prove)
batch.app.command()(whatif)
claim.app.command()(simulate.simulate)
audit.app.command()(prove.prove)
audit.app.command()(prove.check)
audit.app.command()(prove.consistency)
audit.app.command()(bundle.bundle)
audit.app.command()(dossier.case)
audit.app.command()(citycheck.city)
audit.app.command()(export.export)
audit.app.command()(papercheck.document)


def main() -> None:
    """Run the command line."""
    command = typer.main.get_command(app)
    if language() == "zh":
        translate(command)
    command()
