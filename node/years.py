"""Orders about time: close a year, and record that the centre is late."""

from datetime import date
from typing import TYPE_CHECKING, Any

from ledger.errors import FormError, RefusedError, UncheckableError, VerificationError
from ledger.table import Reader
from node import heads
from node.todo import todo
from node.turn import Turn
from settlement import lookup
from settlement.basis import basis_at
from settlement.party import CENTRE
from settlement.period import next_month
from settlement.record import Breach, Certificate
from settlement.roster import Roster
from settlement.terms import EVENT, event_text
from settlement.timeliness import Progress, month_progress
from settlement.year import YearResult, closed_by, compute_year

if TYPE_CHECKING:
    from node.province import Province
    from node.role import Role


def close_year(role: "Role", turn: Turn, year: int) -> dict[str, Any]:
    """Close a year: the centre first, then every province signs what it computes itself.

    Raises:
        RefusedError: A month of the year is not certified (OPEN), the centre has not closed the
            year below a quorum-cosigned head (STATE), or it is closed (DUPLICATE).
        VerificationError: The centre closed the year with another result than this node computes.
    """
    size = heads.size_of(turn.writer, CENTRE)
    result = _result_of(turn.writer, role.founding, role.code, year, size)
    index = turn.append(result.record())
    return {"year": year, "hash": result.hash.hex(), "index": index}


def _result_of(reader: Reader, founding: Roster, code: str, year: int, size: int) -> YearResult:
    if closed_by(reader, code, year) is not None:
        raise RefusedError("DUPLICATE", f"{code} has closed {year}")
    if code == CENTRE:
        return compute_year(reader, founding, year, size)
    found = closed_by(reader, CENTRE, year)
    if found is None or found[0] >= size:
        raise RefusedError("STATE", f"the centre has not closed {year} yet")
    result = compute_year(reader, founding, year, found[0])
    if found[1] != result.record():
        raise VerificationError(f"{year}: the year document", result.hash, found[1].result_hash)
    return result


def breach(role: "Province", turn: Turn, month: str, event: str) -> dict[str, Any]:
    """Record that the centre has not done a step of a month by its due day.

    Raises:
        FormError: No calendar has a step of this name.
        RefusedError: The centre owes no such step, or is not late with it (STATE); it is recorded
            already (DUPLICATE).
    """
    if event not in EVENT:
        raise FormError("event", f"one of {', '.join(EVENT)}", event)
    today = role.today(turn.now_ms)
    for step in late_steps(turn.writer, role.founding, month, date.fromisoformat(today)):
        if step.due.step.event == event:
            assert step.due.day is not None
            record = Breach(month, event, step.due.day.isoformat(), today)
            return {
                "month": month, "event": event, "due": record.due, "days": step.days_late,
                "index": turn.append(record),
            }  # fmt: skip
    raise RefusedError("STATE", f"the centre is not late with {event} of {month}")


def late_steps(reader: Reader, founding: Roster, month: str, today: date) -> list[Progress]:
    """Return the steps of a month that the centre could do, has not done, and should have.

    Empty where a year's holidays or a log are not known here.
    """
    size = heads.size_of(reader, CENTRE)
    try:
        steps = month_progress(reader, founding, month, today, basis_at(reader, month, size), size)
    except (RefusedError, UncheckableError):
        return []
    return [step for step in steps if step.days_late and CENTRE in step.owing]


def duties(reader: Reader, founding: Roster, code: str, today: str | None) -> list[dict[str, str]]:
    """Return what a node has to do about years, and about a centre that is late."""
    found = _years(reader, founding, code)
    if today is not None and code != CENTRE:
        found += _breaches(reader, founding, code, date.fromisoformat(today))
    return found


def _years(reader: Reader, founding: Roster, code: str) -> list[dict[str, str]]:
    size = heads.size_of(reader, CENTRE)
    december = [m for m, index in lookup.confirmed_months(reader) if m[5:] == "12" and index < size]
    found = []
    for year in (int(month[:4]) for month in december):
        if closed_by(reader, code, year) is not None:
            continue
        try:
            _result_of(reader, founding, code, year, size)
        except RefusedError:
            continue  # not everything is certified, or it is the centre's turn
        except VerificationError as error:
            en, zh = f"{year}: {error}", f"{year} 年度结果与本节点重算不符：{error}"
            found.append(todo("year-differs", en, zh, f"gongzhang year show {year}"))
            continue
        en, zh = f"{year}: every month is certified", f"{year} 年各月均已出具最终证书"
        found.append(todo("year", en, zh, f"gongzhang year close {year}"))
    return found


def _breaches(reader: Reader, founding: Roster, code: str, today: date) -> list[dict[str, str]]:
    confirmed = [month for month, _ in lookup.confirmed_months(reader)]
    certified = {key[:7].decode() for key, _ in lookup.places(reader, Certificate)}
    months = [month for month in confirmed if month not in certified]
    months += [next_month(confirmed[-1])] if confirmed else lookup.open_months(reader)
    found = []
    for month in months:
        for step in late_steps(reader, founding, month, today):
            event, days = step.due.step.event, step.days_late
            if not recorded(reader, code, month, event):
                text = event_text(event)
                found.append(
                    todo(
                        "breach",
                        f"the centre is {days} days late: {text.en}, {month}",
                        f"中心逾期 {days} 天：{month} {text.zh}",
                        f"gongzhang batch breach {month} {event}",
                        step.due.day.isoformat() if step.due.day else "",
                    )
                )
    return found


def recorded(reader: Reader, code: str, month: str, event: str) -> bool:
    """Return whether the log of `code` has recorded that the centre was late with a step."""
    natural = lookup.month_key(month) + event.encode()
    return lookup.find(reader, code, Breach, natural) is not None
