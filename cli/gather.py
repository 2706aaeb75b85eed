"""Which documents were asked for, and the logs they are from: a home's, or a verified source."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from cli.audit import audited, load_policy
from cli.holding import holding_of
from cli.homes import open_home
from ledger.errors import FormError, RefusedError, UncheckableError
from ledger.table import Reader
from node import heads
from settlement.demandpaper import demand_documents
from settlement.document import DEMAND_KINDS, EVERY_KIND, KINDS, TABLE_KINDS, Document
from settlement.lookup import applied_size
from settlement.membership import roster_at
from settlement.monthbook import MonthBook, open_month
from settlement.paperwork import documents
from settlement.party import CENTRE
from settlement.roster import Roster


class _Logs(NamedTuple):
    reader: Reader
    founding: Roster
    size: int  # of the centre's log, as far as it has effect
    own: str | None  # whose home it is


class Found(NamedTuple):
    """What is said of the month, and its documents that were asked for."""

    about: dict[str, Any]
    documents: list[Document]


@contextmanager
def _logs(
    month: str | None, home: Path | None, source: Path | None, policy: Path | None
) -> Iterator[_Logs]:
    """Yield verified logs.

    Args:
        month: Of a source, recompute the batch of this month alone.

    Raises:
        FormError: Neither a home, nor a source with its policy.
        UncheckableError: A source does not hold under the policy.
    """
    if source is not None:
        if policy is None:
            raise FormError("--policy", "the trust file beside --source")
        with audited(source, load_policy(policy), month) as audit:
            if audit.report.findings:
                first = audit.report.findings[0]
                raise UncheckableError(f"{source}: {first.place}: {first.text}")
            held = holding_of(audit)
            yield _Logs(held.reader, held.founding, applied_size(held.reader, CENTRE), None)
        return
    if home is None or policy is not None:
        raise FormError("--home", "a node's home, or --source with --policy")
    with open_home(home) as opened:
        size = heads.size_of(opened.reader, CENTRE)
        yield _Logs(opened.reader, opened.founding, size, opened.config.code)


def gather(
    month: str,
    home: Path | None,
    source: Path | None,
    policy: Path | None,
    party: list[str] | None,
    everybody: bool,
    kind: str | None,
    revision: int | None,
) -> Found:
    """Return the documents that were asked for: of the month's batch, and over its demands."""
    kinds = words(kind) if kind else None
    for name in kinds or ():
        if name not in EVERY_KIND:
            raise FormError("--kind", ", ".join(EVERY_KIND), name)
    of_batch = kinds is None or any(name in KINDS for name in kinds)
    of_demand = kinds is None or any(name in DEMAND_KINDS for name in kinds)
    with _logs(None if of_demand else month, home, source, policy) as logs:
        codes = _codes(logs, party, everybody)
        asked: list[Document] = []
        if of_demand:
            asked = list(demand_documents(*logs[:2], month, logs.size, kinds or EVERY_KIND, codes))
        try:
            book = open_month(*logs[:2], month, logs.size, revision) if of_batch else None
        except RefusedError:
            if kinds is not None or not asked:
                raise
            book = None  # a month with a demand needs no batch
        if book is None:
            return Found({"month": month, "revision": None, "state": "confirmed"}, asked)
        wanted = kinds or (KINDS if book.confirmed else TABLE_KINDS)
        found = documents(book, [name for name in wanted if name in KINDS], codes)
        return Found(_about(book), [*found, *asked])


def _codes(logs: _Logs, party: list[str] | None, everybody: bool) -> Sequence[str]:
    known = (CENTRE, *roster_at(logs.reader, logs.founding, logs.size).participants)
    if everybody or (logs.own is None and not party):
        return known
    codes = party or [logs.own or ""]
    for code in codes:
        if code not in known:
            raise FormError("--party", f"one of {', '.join(known)}", code)
    return codes


def words(text: str) -> list[str]:
    """Return the words of a list by commas, each once."""
    return list(dict.fromkeys(word.strip() for word in text.split(",")))


def _about(book: MonthBook) -> dict[str, Any]:
    return {
        "month": book.batch.month,
        "revision": book.batch.revision,
        "state": "confirmed" if book.confirmed else "draft",
        "result_hash": book.result.hash.hex(),
    }
