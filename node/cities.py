"""Signing the cities of a month: what a province's own centre has to do below the batch.

The document is computed by whoever gives the order, beside the node: it takes a scan of all logs,
and a node that counts for minutes would neither accept nor cosign. The node holds every sum of it
against the pair sums that it computes itself, which costs no scan, and signs its own hash of it.
Whether each entry stands with its own city is computed again by every audit.
"""

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ledger.errors import FormError, RefusedError
from ledger.table import Reader
from node import heads
from node.todo import todo
from node.turn import Turn
from settlement import batch as batches
from settlement.city import read_document, signed_by
from settlement.lookup import confirmed_proposals, entry_at, places, ruleset_at
from settlement.party import CENTRE
from settlement.record import CityStatement, Confirmation
from settlement.roster import Roster
from settlement.ruleset import parse_ruleset
from settlement.subclearing import confirmed_batch, tie_out
from settlement.timeliness import due_days

if TYPE_CHECKING:
    from node.province import Province

EVENT = "cities"
_parsed = lru_cache(16)(parse_ruleset)  # every month of years has one of a few


def sign_cities(role: "Province", turn: Turn, document: bytes) -> dict[str, Any]:
    """Sign the city document of a confirmed month.

    Raises:
        FormError: It is no canonical city document.
        RefusedError: It is another province's (ROLE), the month is not confirmed below a
            quorum-cosigned head or it names another revision (STATE), or another document was
            signed for the month (DUPLICATE).
        VerificationError: It does not tie out to the province's pair sums; names where.
    """
    cities = read_document(document)
    if cities.province != role.code:
        raise RefusedError("ROLE", f"the document is about cities of {cities.province}")
    size = heads.size_of(turn.writer, CENTRE)
    batch = confirmed_batch(turn.writer, role.founding, cities.month, size)
    _check_quorum(role, turn, cities.month)
    if cities.revision != batch.revision:
        text = f"{cities.month}: revision {batch.revision} is confirmed, not {cities.revision}"
        raise RefusedError("STATE", text)
    tie_out(cities, batch.result)
    index = turn.append(cities.record())
    return {
        "month": cities.month, "revision": cities.revision, "cities": len(cities.codes),
        "hash": cities.hash.hex(), "index": index,
    }  # fmt: skip


def _check_quorum(role: "Province", turn: Turn, month: str) -> None:
    index = next(c for p, _, c in confirmed_proposals(turn.writer) if p.month == month)
    confirmation = entry_at(turn.writer, CENTRE, index)[1]
    assert isinstance(confirmation, Confirmation)
    batches.check_confirmation(turn.writer, role.founding, confirmation)


def duties(reader: Reader, founding: Roster, code: str) -> list[dict[str, str]]:
    """Return the confirmed months whose cities a province has not signed.

    Only where it is asked for: the rule set of the month has a step for it, or this log has signed
    an earlier month.
    """
    if code == CENTRE:
        return []
    size = heads.size_of(reader, CENTRE)
    signed = [key[:7].decode() for key, _ in places(reader, CityStatement, code)]
    found = []
    for proposal, index, confirmation in confirmed_proposals(reader):
        month = proposal.month
        if confirmation >= size or code not in {head.code for head in proposal.cut}:
            continue
        used = bool(signed) and min(signed) < month
        if signed_by(reader, code, month) is None and (used or _is_step(reader, index)):
            en, zh = f"{month}: the cities are not signed", f"{month} 市级清算表尚未签认"
            due = _due(reader, founding, month, size)
            found.append(todo("cities", en, zh, f"gongzhang city sign {month}", due))
    return found


def _is_step(reader: Reader, size: int) -> bool:
    in_force = ruleset_at(reader, size)
    return in_force is not None and _parsed(in_force.text).find(EVENT) is not None


def _due(reader: Reader, founding: Roster, month: str, size: int) -> str:
    try:
        days = due_days(reader, founding, month, size)
    except (FormError, RefusedError):
        return ""
    return days[EVENT].isoformat() if EVENT in days else ""
