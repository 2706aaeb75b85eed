"""Orders about registrations: filing, changing, suspending, resuming, ending (备案).

Content and salt go into the vault, a commitment into the log, a notice to the destination. An order
that was answered is durable; one that was not can be given again, and comes to the same.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ledger.errors import FormError, RefusedError
from ledger.table import Reader, Writer
from node import guests, notices, persons
from node.barring import BARRING_ORDERS
from node.insured import INSURED_ORDERS
from node.message import GuestNotice
from node.turn import Turn
from settlement import field, lookup
from settlement.party import province_of
from settlement.person import Person, check_token, make_id
from settlement.registration import (
    SALT_BYTES,
    Content,
    Filed,
    check_choice,
    check_content,
    encode_content,
    last_day,
)

if TYPE_CHECKING:
    from node.province import Province

_KEYS = ("category", "destination", "institutions", "begins", "ends")


def register(
    role: "Province",
    turn: Turn,
    token: str,
    category: str,
    destination: str,
    institutions: Sequence[str] = (),
    begins: str | None = None,
    ends: str | None = None,
    registration_id: str | None = None,
    *,
    dry_run: bool = False,
) -> dict[str, Any]:
    """File a registration; it begins today unless a day is given.

    The same person with the same wish has one registration, however often it is filed.

    Raises:
        FormError: A field is not what it must be.
        RefusedError: Nobody has this token (PERSON_UNKNOWN), or the id stands for another
            registration (DUPLICATE).
    """
    wish = {"category": category, "destination": destination, "institutions": institutions,
            "begins": begins, "ends": ends}  # fmt: skip
    name = make_id("R", role.draw(10)) if registration_id is None else registration_id
    with role.vault.store.read() as vault:
        person = persons.known(vault, check_token(token)).person
        filed = persons.registrations_of(vault, token)
        taken = persons.registration(vault, field.name("registration_id", name))
    content = _content(role, turn, person, name, wish)
    same = [f for f in filed if _same_wish(f, content, wish)]
    if taken is not None:
        if taken not in same:
            raise RefusedError("DUPLICATE", f"{name} stands for another registration")
        same = [taken]
    if same and (taken is not None or registration_id is None):
        return _file(role, turn, same[0], (), dry_run=dry_run)
    new = Filed(content, role.draw(SALT_BYTES), 1, "active")
    return _file(role, turn, new, _told(None, new), dry_run=dry_run)


def _content(
    role: "Province", turn: Turn, person: Person, registration_id: str, wish: dict[str, Any]
) -> Content:
    begins, ends = wish["begins"], wish["ends"]
    begins = role.today(turn.now_ms) if begins is None else field.day("begins", begins)
    ends = last_day(wish["category"], begins, role.switches) if ends is None else ends
    content = Content(
        registration_id,
        person.token,
        person.psn_no,
        person.insutype,
        person.insured_area,
        wish["category"],
        wish["destination"],
        wish["institutions"],
        begins,
        ends,
    )
    checked = check_content(content)
    check_choice(checked, role.switches)
    return checked


def _same_wish(filed: Filed, content: Content, wish: dict[str, Any]) -> bool:
    # A day that was not asked for is the day it was filed: on the next day it is still the same.
    asked = [key for key in _KEYS if wish[key] is not None]
    same = all(getattr(filed.content, key) == getattr(content, key) for key in asked)
    over = filed.status == "terminated" or (filed.content.ends or "9") < content.begins
    return same and not over


def register_change(
    role: "Province", turn: Turn, registration_id: str, *, dry_run: bool = False, **changes: Any
) -> dict[str, Any]:
    """Change a registration that is in force: category, destination, institutions, begins, ends.

    Raises:
        FormError: A field is not what it must be, or no registration has it.
        RefusedError: No such registration (REGISTRATION_UNKNOWN), or it is suspended or ended
            (STATE).
    """
    unknown = sorted(set(changes) - set(_KEYS))
    if unknown or not changes:
        raise FormError("change", ", ".join(_KEYS), ", ".join(unknown))
    with role.vault.store.read() as vault:
        before = _filed(vault, registration_id)
        person = persons.known(vault, before.content.token).person
    before = _now(turn, before)
    wish = {key: changes.get(key, getattr(before.content, key)) for key in _KEYS}
    if "category" in changes and "ends" not in changes:
        wish["ends"] = None  # each category has a last day of its own
    content = _content(role, turn, person, registration_id, wish)
    if content == before.content:
        return _file(role, turn, before, (), dry_run=dry_run)
    if before.status != "active":
        raise RefusedError("STATE", f"{registration_id} is {before.status}")
    after = Filed(content, role.draw(SALT_BYTES), before.revision + 1, "active")
    return _file(role, turn, after, _told(before, after), dry_run=dry_run)


def register_suspend(
    role: "Province", turn: Turn, registration_id: str, *, dry_run: bool = False
) -> dict[str, Any]:
    """Suspend a registration: until it is resumed it entitles to nothing."""
    return _into(role, turn, registration_id, "suspended", ("active",), dry_run=dry_run)


def register_resume(
    role: "Province", turn: Turn, registration_id: str, *, dry_run: bool = False
) -> dict[str, Any]:
    """Let a suspended registration count again."""
    return _into(role, turn, registration_id, "active", ("suspended",), dry_run=dry_run)


def register_terminate(
    role: "Province", turn: Turn, registration_id: str, *, dry_run: bool = False
) -> dict[str, Any]:
    """End a registration for good."""
    states = ("active", "suspended")
    return _into(role, turn, registration_id, "terminated", states, dry_run=dry_run)


def _into(
    role: "Province", turn: Turn, registration_id: str, status: str, states: tuple[str, ...],
    *, dry_run: bool,
) -> dict[str, Any]:  # fmt: skip
    with role.vault.store.read() as vault:
        before = _now(turn, _filed(vault, registration_id))
    if before.status == status:
        return _file(role, turn, before, (), dry_run=dry_run)
    if before.status not in states:
        raise RefusedError("STATE", f"{registration_id} is {before.status}")
    after = before._replace(revision=before.revision + 1, status=status)
    return _file(role, turn, after, _told(before, after), dry_run=dry_run)


def _filed(vault: Reader, registration_id: str) -> Filed:
    found = persons.registration(vault, field.name("registration_id", registration_id))
    if found is None:
        raise RefusedError("REGISTRATION_UNKNOWN", f"no registration {registration_id} here")
    return found


def _now(turn: Turn, filed: Filed) -> Filed:
    return persons.as_logged(turn.writer, turn.code, filed)


Told = Sequence[tuple[str, GuestNotice]]


def _told(before: Filed | None, after: Filed) -> Told:
    """Return who has to be told what: the destination, and the one before that it is none now."""
    content = encode_content(after.content)
    name, revision = after.content.registration_id, after.revision
    to = province_of(after.content.destination)
    told = [(to, GuestNotice(name, revision, after.status, content, after.salt))]
    if before is not None and province_of(before.content.destination) != to:
        gone = GuestNotice(name, revision, guests.GONE, b"", b"")
        told.append((province_of(before.content.destination), gone))
    return told


def _file(
    role: "Province", turn: Turn, filed: Filed, told: Told, *, dry_run: bool
) -> dict[str, Any]:
    record = persons.entry_of(filed)
    with role.vault.store.read() as vault:
        held = persons.registration(vault, filed.content.registration_id)
    told = [(to, notice) for to, notice in told if to != role.code]

    def change(writer: Writer) -> None:
        persons.put_registration(writer, filed)
        for to, notice in told:
            notices.put(writer, to, notice)

    index = turn.check(record)
    if not dry_run and (index is None or held != filed):
        (index,) = role.pending.enter(turn, [record], change)
        role.notices.outgoing |= {to for to, _ in told}
    content = filed.content
    return {
        "registration_id": content.registration_id,
        "revision": filed.revision,
        "status": filed.status,
        "token": content.token,
        **{key: getattr(content, key) for key in _KEYS},
        "unlisted": _unlisted(turn, content),
        "index": index,
    }


def _unlisted(turn: Turn, content: Content) -> list[str]:
    """Return the institutions that are not open in the copy of their province's log here."""
    province = province_of(content.destination)
    found = {c: lookup.institution(turn.writer, province, c) for c in content.institutions}
    return [code for code, record in found.items() if record is None or record.state != "open"]


REGISTRY_ORDERS: dict[str, Callable[..., Any]] = {
    "register": register,
    "register_change": register_change,
    "register_suspend": register_suspend,
    "register_resume": register_resume,
    "register_terminate": register_terminate,
    **INSURED_ORDERS,
    **BARRING_ORDERS,
}
