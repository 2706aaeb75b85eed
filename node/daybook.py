"""The daily reconciliation, from the side that owes (日对账).

Each morning the node asks every treatment province of which it holds case files of the day before,
or whose log has grown by entries it owes: the totals first, the rows only of cells that differ. The
questions stand in the vault as `waiting` statements, so a restart goes on with them; a day is asked
for once, and days on which the node was down are caught up. A case file that comes late asks again
for its day.

A question names the size up to which this node holds the other log. The other side answers for what
lies below, and says how much does not yet; as long as there is such, the statement waits.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import structlog

from ledger.errors import FormError, RefusedError
from ledger.table import Reader, Writer, log_key
from node import statements
from node.dayrows import held_rows
from node.daytalk import Talk, totals_told
from node.effect import Answered, Send
from node.message import AskDay, AskDayDetail
from node.statements import MAX_DIFFERENCES, Last, Statement
from node.turn import Turn
from node.vault import INBOX_SIDE, days_with
from settlement import lookup, totals
from settlement.period import check_day, days_between, shanghai_midnight, shift_day
from settlement.statement import (
    Row,
    compare_details,
    compare_totals,
    same_visits,
    totals_of,
)

if TYPE_CHECKING:
    from node.province import Province

_log = structlog.get_logger("day")

MAX_CATCH_UP = 60
MAX_NOTE = 500
SLOT = "day"


class Daybook:
    """The statements of one province's node, and the conversations they come from."""

    def __init__(self, role: "Province") -> None:
        self._role = role
        self._morning: str | None = None  # the business date whose morning is over
        self._talks: dict[str, Talk] = {}
        self._tries: dict[str, int] = {}  # answers in a row that did not help
        self._pending: dict[str, set[str]] = {}
        with role.vault.store.read() as reader:
            for day, code, state in statements.open_statements(reader):
                if state == "waiting":
                    self._pending.setdefault(code, set()).add(day)

    # --- which days are asked for ----------------------------------------------------------------

    def act(self, turn: Turn) -> None:
        """Ask for the days that are over since the last morning."""
        today = self._role.today(turn.now_ms)
        if today == self._morning:
            return
        yesterday = shift_day(today, -1)
        owed = {code: self._owed(turn.writer, code) for code in self._creditors()}
        with self._role.vault.store.read() as reader:
            last = statements.load_last(reader) or Last(shift_day(yesterday, -1), {})
            days = days_between(shift_day(last.day, 1), yesterday)[-MAX_CATCH_UP:]
            asked = [
                Statement(day, code)
                for day in days
                for code in self._creditors()
                if owed[code] != last.owed.get(code, 0)
                or days_with(reader, INBOX_SIDE, code, day, day)
            ]
        if last.day != yesterday:
            self._ask(asked, again=False, last=Last(yesterday, owed))
        self._morning = today

    def arrived(self, code: str, days: Iterable[str], now_ms: int) -> None:
        """Ask again for days whose case files came after their morning."""
        yesterday = shift_day(self._role.today(now_ms), -1)
        first = shift_day(yesterday, 1 - MAX_CATCH_UP)
        with self._role.vault.store.read() as reader:
            last = statements.load_last(reader)
        done = "" if last is None else min(last.day, yesterday)
        late = sorted(day for day in days if first <= day <= done)
        self._ask([Statement(day, code) for day in late])

    def ask(self, day: str, codes: Iterable[str]) -> list[str]:
        """Ask again for a day; return who is asked."""
        asked = [Statement(day, code) for code in codes]
        self._ask(asked)
        return [statement.code for statement in asked]

    def with_traffic(self, reader: Reader, vault: Reader, day: str) -> list[str]:
        """Return the treatment provinces that may have something on a day."""
        return [
            code
            for code in self._creditors()
            if self._owed(reader, code)
            or statements.load(vault, code, day)
            or days_with(vault, INBOX_SIDE, code, day, day)
        ]

    def value(self, day: str | None, code: str | None, now_ms: int) -> dict[str, Any]:
        """Return the statements of a day (default: yesterday) for people and programs.

        Raises:
            FormError: No date.
            RefusedError: `code` is no other participant (WITH).
        """
        role = self._role
        day = check_day(day or shift_day(role.today(now_ms), -1))
        if code is not None:
            _check_other(role, code)
        codes = (code,) if code else role.roster.participants
        with role.vault.store.read() as reader:
            found = statements.of_day(reader, day, codes)
        shown = [statements.statement_value(statement) for statement in found]
        return {"code": role.code, "day": day, "statements": shown}

    def _creditors(self) -> list[str]:
        return [code for code in self._role.roster.participants if code != self._role.code]

    def _owed(self, reader: Reader, code: str) -> int:
        running = totals.load_running(reader, log_key(code), self._role.code)
        return totals.add_all(running.values()).entries

    def _ask(self, asked: list[Statement], *, again: bool = True, last: Last | None = None) -> None:
        """Store questions; without `again` days that have a statement keep it."""

        def change(writer: Writer) -> list[Statement]:
            stored = []
            for statement in asked:
                before = statements.load(writer, statement.code, statement.day)
                if before is None or again:
                    waits = before and _waiting(before, "ASKED")
                    statements.save(writer, waits or statement)
                    stored.append(statement)
            if last is not None:
                statements.save_last(writer, last)
            return stored

        if not asked and last is None:
            return
        for statement in self._role.vault.store.transact(change):
            self._pending.setdefault(statement.code, set()).add(statement.day)
            talk = self._talks.get(statement.code)
            if talk is not None and talk.day == statement.day:
                del self._talks[statement.code]

    # --- conversations ---------------------------------------------------------------------------

    def sends(self, reader: Reader, now_ms: int) -> list[Send]:
        """Return the questions that may be asked now, and have the node woken at midnight."""
        role = self._role
        midnight = shanghai_midnight(now_ms)
        if role.today(midnight) != role.today(now_ms):
            role.slots.want(midnight)
        found = []
        for code in sorted(self._pending):
            slot = (SLOT, code)
            if code in role.roster.members and role.slots.take(slot, now_ms):
                found.append(Send(slot, code, self._question(reader, code)))
        return found

    def _question(self, reader: Reader, code: str) -> AskDay | AskDayDetail:
        talk = self._talks.get(code)
        if talk is not None:
            return talk.question()
        return AskDay(min(self._pending[code]), lookup.applied_size(reader, code))

    def answered(self, turn: Turn, event: Answered) -> None:
        """Take in what a treatment province answered."""
        code, message = event.slot[1], event.message
        assert isinstance(message, AskDay | AskDayDetail)
        if message.day not in self._pending.get(code, ()):
            return
        if not event.answer.ok:
            self._later(turn, event, message.day, "NO_ANSWER")
            return
        try:
            reason = self._take(turn, code, message, event.answer.body)
        except FormError as error:
            _log.warning("a day's answer", log=code, day=message.day, error=str(error))
            self._talks.pop(code, None)
            reason = "FORM"
        if reason is not None:
            self._later(turn, event, message.day, reason)

    def _take(
        self, turn: Turn, code: str, message: AskDay | AskDayDetail, body: bytes
    ) -> str | None:
        talk = self._talks.get(code)
        if isinstance(message, AskDay):
            theirs, unseen = totals_told(body)
            if unseen:
                return "UNSEEN"
            talk = Talk(message.day, message.size, theirs, [])
            ours = totals_of(self._held(turn.writer, code, talk))
            # Where they have nothing there are no rows to ask for.
            differing = [(d.insutype, d.clr_type) for d in compare_totals(ours, theirs)]
            talk.wanted = [key for key in differing if key in theirs]
            self._talks[code] = talk
        elif talk is None or message != talk.question():
            return None  # of a conversation that is over
        else:
            talk.take(body)
        if not talk.wanted:
            self._finish(turn, code, talk)
        return None

    def _held(self, logs: Reader, code: str, talk: Talk) -> list[Row]:
        with self._role.vault.store.read() as vault:
            return list(held_rows(logs, vault, code, talk.day, talk.size))

    def _finish(self, turn: Turn, code: str, talk: Talk) -> None:
        held = self._held(turn.writer, code, talk)
        ours = totals_of(held)
        differing = {(d.insutype, d.clr_type) for d in compare_totals(ours, talk.theirs)}
        # A case file may have come since the totals were compared.
        talk.wanted = sorted((differing & talk.theirs.keys()) - talk.read)
        if talk.wanted:
            return
        mine = [row for row in held if (row.insutype, row.clr_type) in differing]
        found = compare_details(mine, talk.rows)

        def change(writer: Writer) -> None:
            before = statements.load(writer, code, talk.day)
            confirmed = before.confirmed if before else None
            if not held and not talk.theirs and confirmed is None:
                statements.remove(writer, code, talk.day)
                return
            statement = Statement(
                day=talk.day,
                code=code,
                state="differs" if differing else "match",
                reason="",
                built_ms=turn.now_ms,
                ours=ours,
                theirs=talk.theirs,
                differences=tuple(found[:MAX_DIFFERENCES]),
                left_out=max(len(found) - MAX_DIFFERENCES, 0),
                visits=tuple(same_visits(held)[:MAX_DIFFERENCES]),
                confirmed=confirmed,
            )
            statements.save(writer, statement)

        self._role.vault.store.transact(change)
        self._talks.pop(code, None)
        self._tries.pop(code, None)
        self._pending[code].discard(talk.day)
        if not self._pending[code]:
            del self._pending[code]

    def _later(self, turn: Turn, event: Answered, day: str, reason: str) -> None:
        """Say why the statement waits, and ask again with patience."""
        code = event.slot[1]
        tries = self._tries[code] = self._tries.get(code, 0) + 1
        # An answer ends a slot's patience; one that does not help must not be asked for at once.
        self._role.slots.put_off(event.slot, tries, turn.now_ms)
        with self._role.vault.store.read() as reader:
            before = statements.load(reader, code, day)
        if before is not None and before.state == "waiting" and before.reason != reason:
            waits = _waiting(before, reason)
            self._role.vault.store.transact(lambda writer: statements.save(writer, waits))


def _waiting(before: Statement, reason: str) -> Statement:
    return Statement(before.day, before.code, reason=reason, confirmed=before.confirmed)


# --- orders --------------------------------------------------------------------------------------


def build(role: "Province", turn: Turn, day: str, code: str | None = None) -> dict[str, Any]:
    """Ask again for a day: one treatment province, or all that may have something on it.

    Raises:
        RefusedError: The day is not over (DAY), or `code` is no other participant (WITH).
    """
    _check_texts(day=day, code=code or "")
    _check_over(role, turn, day)
    if code is not None:
        _check_other(role, code)
        return {"day": day, "with": role.daybook.ask(day, [code])}
    with role.vault.store.read() as vault:
        codes = role.daybook.with_traffic(turn.writer, vault, day)
    return {"day": day, "with": role.daybook.ask(day, codes)}


def confirm(
    role: "Province", turn: Turn, day: str, code: str | None = None, note: str = ""
) -> dict[str, Any]:
    """Confirm the statements of a day as they stand; with a note also such as do not match.

    Raises:
        RefusedError: No statement of that day (STATE), or one does not match and no note says why
            it is confirmed all the same (OPEN); nothing is confirmed then.
    """
    _check_texts(day=day, code=code or "", note=note)
    _check_over(role, turn, day)
    if code is not None:
        _check_other(role, code)
    codes = (code,) if code else role.roster.participants

    def change(writer: Writer) -> list[str]:
        found = statements.of_day(writer, day, tuple(codes))
        if not found:
            raise RefusedError("STATE", f"there is no statement of {day}")
        doubtful = [s for s in found if s.state != "match" and not s.stands_confirmed]
        if doubtful and not note.strip():
            named = ", ".join(f"{s.code} {s.state}" for s in doubtful)
            raise RefusedError("OPEN", f"{day}: {named}; a note must say why it is confirmed")
        fresh = [s for s in found if not s.stands_confirmed]
        for statement in fresh:
            statements.save(writer, statement.confirm(turn.now_ms, note.strip()))
        return [s.code for s in fresh]

    return {"day": day, "confirmed": role.vault.store.transact(change)}


def _check_texts(**texts: object) -> None:
    # Orders come as JSON: anything may stand where a text should.
    for name, text in texts.items():
        if not isinstance(text, str) or len(text) > MAX_NOTE or not text.isprintable():
            raise FormError(name, f"a text of at most {MAX_NOTE} characters in one line", text)


def _check_over(role: "Province", turn: Turn, day: str) -> None:
    if check_day(day) >= role.today(turn.now_ms):
        raise RefusedError("DAY", f"{day} is not over")


def _check_other(role: "Province", code: str) -> None:
    if code == role.code or code not in role.roster.participants:
        raise RefusedError("WITH", f"{code} is no other participant")


DAY_ORDERS = {"statement": build, "confirm-day": confirm}
