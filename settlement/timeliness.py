"""Who did what when: the steps of a month's calendar held against the entries of the logs.

A step is *done* when the entries it asks for exist, *open* while somebody can do it and has not,
*waiting* while an earlier step must come first, *none* if the month asks nothing of anybody, and
*unseen* if no entry speaks of it. The day of an entry is the Shanghai date of its own time stamp:
no rule of validity reads it, but it is signed, so lateness is on record for everybody, the centre
among them.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from ledger.errors import UncheckableError, VerificationError
from ledger.table import Reader
from settlement import batch as batches
from settlement import leg as legs
from settlement import lookup
from settlement.basis import Basis, basis_at
from settlement.city import signed_by
from settlement.cut import missing
from settlement.membership import roster_at
from settlement.parts import Parts
from settlement.party import CENTRE
from settlement.period import next_month, shanghai_day
from settlement.prepaysteps import quota_paid_parts, quota_parts, request_parts
from settlement.record import Place
from settlement.roster import Roster
from settlement.schedule import Due, month_schedule
from settlement.year import closed_by


@dataclass(frozen=True)
class Done:
    """One party's part of a step, and the entry that shows it (the last, if several do)."""

    place: Place
    day: date
    days_late: int


@dataclass(frozen=True)
class Progress:
    """One step of a month as of a business date.

    `owing` can do it and has not; `missed` can do it no more. `days_late` counts from the due date
    to the business date for what is open or waiting, and to the day on which it was over for what
    was missed; 0 if that is not later.
    """

    due: Due
    state: str  # done, open, waiting, none, unseen
    done: tuple[Done, ...] = ()
    owing: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()
    waits_for: str = ""  # an event
    days_late: int = 0


@dataclass(frozen=True)
class Lateness:
    """One party that was or is late with one step; `done` if it has done it since."""

    event: str
    code: str
    days: int
    done: bool


def month_progress(
    reader: Reader, founding: Roster, month: str, today: date, basis: Basis, size: int
) -> list[Progress]:
    """Return the calendar of a month with what the logs say of each step.

    Args:
        today: The business date.
        size: The size of the centre's log below which its entries count.

    Raises:
        RefusedError: It takes a year whose holidays are not known (NO_HOLIDAYS).
        UncheckableError: The month is confirmed, and a log of its cut is not held here that far.
    """
    seen = _Month(reader, founding, month, size)
    return [_progress(seen, due, today) for due in _schedule(seen, basis)]


def due_days(reader: Reader, founding: Roster, month: str, size: int) -> dict[str, date]:
    """Return until when each dated step of a month is due, by event.

    Raises:
        FormError: No rule set is in force.
        RefusedError: It takes a year whose holidays are not known (NO_HOLIDAYS).
    """
    basis = basis_at(reader, month, size)
    schedule = _schedule(_Month(reader, founding, month, size), basis)
    return {due.step.event: due.day for due in schedule if due.day is not None}


def _schedule(seen: "_Month", basis: Basis) -> list[Due]:
    notice = None if seen.confirmation is None else seen.day_of(Place(CENTRE, seen.confirmation))
    return month_schedule(basis.rules, seen.month, basis.workdays, notice)


def _progress(seen: "_Month", due: Due, today: date) -> Progress:
    look = _LOOKS.get(due.step.event)
    if look is None or due.day is None:
        return Progress(due, "unseen")
    if seen.before_first and due.step.anchor not in ("year", "next_year"):
        return Progress(due, "none")
    found = look(seen)
    done = tuple(
        Done(place, seen.day_of(place), due.late_by(seen.day_of(place))) for place in found.done
    )
    if found.waits_for or found.owing:
        state = "waiting" if found.waits_for else "open"
        late = due.late_by(today)
        return Progress(due, state, done, found.owing, (), found.waits_for, late)
    state = "done" if done or found.missed else "none"
    return Progress(
        due,
        state,
        done,
        (),
        found.missed,
        days_late=due.late_by(found.over) if found.missed and found.over else 0,
    )


def lateness(steps: Iterable[Progress]) -> list[Lateness]:
    """Return who was or is late, by step and party; a step that waits makes nobody late.

    Done at all or not: a step that was done late stays on record.
    """
    found = []
    for step in steps:
        event = step.due.step.event
        found += [
            Lateness(event, d.place.code, d.days_late, True) for d in step.done if d.days_late
        ]
        if step.days_late:
            open_for = (*step.owing, *step.missed)
            found += [Lateness(event, code, step.days_late, False) for code in open_for]
    return found


@dataclass(frozen=True)
class _Month:
    """A month in the logs; each fact is looked up once."""

    reader: Reader
    founding: Roster
    month: str
    size: int

    @cached_property
    def batch(self) -> batches.Batch | None:
        """The newest revision, unless it is withdrawn."""
        found = batches.latest_batch(self.reader, self.founding, self.month, self.size)
        return None if found is None or found.state == "WITHDRAWN" else found

    @property
    def confirmation(self) -> int | None:
        """The index of the confirmation."""
        return None if self.batch is None else self.batch.confirmation_index

    @cached_property
    def legs(self) -> list[legs.Leg]:
        """The legs; none before the confirmation."""
        if self.batch is None or self.confirmation is None:
            return []
        for head in missing(self.reader, self.batch.proposal.cut):
            raise UncheckableError(f"the log of {head.code} is not held here up to {head.size}")
        result = batches.result_of(self.reader, self.founding, self.month, self.batch.revision)
        return legs.legs_of(self.reader, result)

    @cached_property
    def before_first(self) -> bool:
        """Whether the network cleared later months only: this one can never be proposed."""
        confirmed = lookup.confirmed_months(self.reader)
        return bool(confirmed) and self.month < confirmed[0][0]

    def day_of(self, place: Place) -> date:
        """The Shanghai date of an entry's time stamp."""
        entry = lookup.entry_at(self.reader, place.code, place.index)[0]
        return date.fromisoformat(shanghai_day(entry.at_ms))


def _proposed(seen: _Month) -> Parts:
    if seen.batch is None:
        last = lookup.last_confirmed(seen.reader)
        early = last is not None and seen.month > next_month(last)
        return Parts(waits_for="before") if early else Parts(owing=(CENTRE,))
    return Parts((Place(CENTRE, seen.batch.proposal_index),))


def _attested(seen: _Month) -> Parts:
    if seen.batch is None:
        return Parts(waits_for="propose")
    places = {**seen.batch.matches, **seen.batch.mismatches}
    done = tuple(places[code] for code in sorted(places))
    if seen.confirmation is None:
        return Parts(done, seen.batch.missing)
    over = seen.day_of(Place(CENTRE, seen.confirmation))
    return Parts(done, missed=seen.batch.missing, over=over)


def _confirmed(seen: _Month) -> Parts:
    if seen.batch is None:
        return Parts(waits_for="propose")
    if seen.confirmation is not None:
        return Parts((Place(CENTRE, seen.confirmation),))
    try:
        batches.confirm(seen.reader, seen.founding, seen.batch)
    except VerificationError:
        return Parts(waits_for="attest")
    return Parts(owing=(CENTRE,))


def _paid(seen: _Month, mine: Iterable[legs.Leg]) -> Parts:
    # A payer of several legs has done its part with the last of them.
    done: dict[str, Place] = {}
    owing: set[str] = set()
    for leg in mine:
        payer = leg.due.payer
        if leg.payable_fen > 0 or leg.owed_late_fen > 0:
            owing.add(payer)
        elif leg.paid is not None and (payer not in done or leg.paid.index > done[payer].index):
            done[payer] = leg.paid
    whole = tuple(done[code] for code in sorted(done) if code not in owing)
    return Parts(whole, tuple(sorted(owing)))


def _remitted(seen: _Month) -> Parts:
    if seen.confirmation is None:
        return Parts(waits_for="confirm")
    return _paid(seen, [leg for leg in seen.legs if leg.due.payer != CENTRE])


def _distributed(seen: _Month) -> Parts:
    if seen.confirmation is None:
        return Parts(waits_for="confirm")
    if any(leg.due.payee == CENTRE and leg.open_fen and leg.payable_fen for leg in seen.legs):
        return Parts(waits_for="remit")
    return _paid(seen, [leg for leg in seen.legs if leg.due.payer == CENTRE])


def _certified(seen: _Month) -> Parts:
    if seen.batch is None or seen.confirmation is None:
        return Parts(waits_for="confirm")
    if seen.batch.certificate_index is not None:
        return Parts((Place(CENTRE, seen.batch.certificate_index),))
    if any(leg.payable_fen > 0 for leg in seen.legs):
        return Parts(waits_for="pay")
    if any(leg.open_fen for leg in seen.legs):
        return Parts(waits_for="receive")
    return Parts(owing=(CENTRE,))


def _cities_signed(seen: _Month) -> Parts:
    if seen.batch is None or seen.confirmation is None:
        return Parts(waits_for="confirm")
    codes = [head.code for head in seen.batch.proposal.cut]
    found = {code: signed_by(seen.reader, code, seen.month) for code in codes}
    done = tuple(Place(code, item[0]) for code, item in found.items() if item is not None)
    return Parts(done, tuple(code for code, item in found.items() if item is None))


def _year_closed(seen: _Month) -> Parts:
    # The step stands in the calendar of the month that is cleared when it is due.
    year = int(seen.month[:4]) - 1
    roster = roster_at(seen.reader, seen.founding, seen.size)
    found = {code: closed_by(seen.reader, code, year) for code in roster.codes}
    done = tuple(Place(code, item[0]) for code, item in found.items() if item is not None)
    if found[CENTRE] is None:
        cleared = any(month[:4] == str(year) for month, _ in lookup.confirmed_months(seen.reader))
        return Parts(owing=(CENTRE,)) if cleared else Parts()
    return Parts(done, tuple(code for code, item in found.items() if item is None))


def _quota(seen: _Month) -> Parts:
    return quota_parts(seen.reader, seen.founding, seen.month, seen.size)


def _quota_paid(seen: _Month) -> Parts:
    return quota_paid_parts(seen.reader, seen.founding, seen.month, seen.size)


def _requested(seen: _Month) -> Parts:
    return request_parts(seen.reader, seen.founding, seen.month, seen.size)


_LOOKS: dict[str, Callable[[_Month], Parts]] = {
    "propose": _proposed,
    "attest": _attested,
    "confirm": _confirmed,
    "remit": _remitted,
    "enter": _remitted,
    "distribute": _distributed,
    "cities": _cities_signed,
    "final": _certified,
    "year_close": _year_closed,
    "quota": _quota,
    "quota_pay": _quota_paid,
    "request": _requested,
}
