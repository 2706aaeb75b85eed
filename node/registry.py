"""Orders about persons and registrations: the insured province's register, and who is barred.

Whatever says who somebody is goes into the vault; the log gets an entry with a commitment. An order
that was answered is durable; one that was not can be given again, and comes to the same.
"""

import base64
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from ledger import encoding
from ledger.errors import FormError, RefusedError
from ledger.hashing import hash_bytes
from ledger.table import Reader, Writer
from node import notices, persons
from node.message import BarringNotice, GuestNotice
from node.turn import Turn
from node.vault import REFUNDED
from settlement import field, lookup
from settlement.party import province_of
from settlement.person import (
    Person,
    check_flags,
    check_lock,
    check_person,
    check_token,
    encode_person,
    insured_province,
    make_token,
    token_commitment,
    token_hash,
)
from settlement.record import MAX_FEN, Barring
from settlement.registration import (
    SALT_BYTES,
    Content,
    Filed,
    check_choice,
    check_content,
    encode_content,
    last_day,
)
from settlement.reimbursement import (
    Refunded,
    check_refunded,
    decode_refunded,
    encode_refunded,
    lines_of,
    record_of,
)

if TYPE_CHECKING:
    from node.province import Province

Order = Callable[..., Any]
_KEYS = ("category", "destination", "institutions", "begins", "ends")


# --- persons -------------------------------------------------------------------------------------


def person_add(
    role: "Province",
    turn: Turn,
    psn_no: str,
    name: str,
    birth: str,
    insutype: str,
    insured_area: str,
    flags: Sequence[str] = (),
    account_fen: int = 0,
    opening: Sequence[Any] = (),
    *,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Take a person of this province into the register; return the token that stands for them.

    Raises:
        FormError: A field is not what it must be.
        RefusedError: Insured in another province (PAIR), or the personal number is known with
            other content (DUPLICATE).
    """
    if province_of(field.area("insured_area", insured_area)) != role.code:
        raise RefusedError("PAIR", f"{insured_area} is no area of this province")
    token = make_token(insured_area, _random(role, 16))
    given = (psn_no, name, birth, insutype, insured_area, flags, account_fen, "", opening)
    person = check_person(Person(token, *given))  # type: ignore[arg-type]
    digest = hash_bytes(encode_person(msgspec.structs.replace(person, token="")))
    with role.vault.store.read() as vault:
        secret = persons.secret(vault)
        before = persons.token_of(vault, psn_no)
        held = persons.load(vault, before) if before else None
    if held is not None:
        if held.given != digest:
            raise RefusedError("DUPLICATE", f"{psn_no} is in the register with other content")
        return {"token": held.person.token, "new": False}
    new_secret = None if secret else _random(role, SALT_BYTES)

    def change(writer: Writer) -> None:
        if new_secret is not None:
            persons.put_secret(writer, new_secret)
        persons.put(writer, persons.Known(person, digest, ()))
        persons.put_number(writer, person)

    if dry_run:
        return {"token": "", "new": True}
    role.vault.store.transact(change)
    return {"token": token, "new": True}


def person_change(
    role: "Province",
    turn: Turn,
    token: str,
    lock: str | None = None,
    flags: Sequence[str] | None = None,
    credit_fen: int | None = None,
    reference: str | None = None,
    *,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Lock or unlock ("") a person, set flags, or credit the personal account once per reference.

    Raises:
        FormError: A field is not what it must be, or there is nothing to change.
        RefusedError: Nobody has this token (PERSON_UNKNOWN), the reference stands for another
            amount (DUPLICATE), or the account would fall below zero (SIGN).
    """
    with role.vault.store.read() as vault:
        row = persons.known(vault, check_token(token))
        person, changes = row.person, dict[str, Any]()
        booked = None
        if lock is not None:
            changes["lock"] = check_lock(lock)
        if flags is not None:
            changes["flags"] = check_flags(flags)
        if credit_fen is not None:
            fen = field.whole("credit_fen", credit_fen, -MAX_FEN)
            booked = persons.credit(vault, token, field.name("reference", reference))
            if booked not in (None, fen):
                raise RefusedError("DUPLICATE", f"{reference} was booked with another amount")
            if booked is None:
                changes["account_fen"] = _balance(person, fen)
    if not changes and booked is None:
        raise FormError("change", "a lock, flags or a credit")
    changed = msgspec.structs.replace(person, **changes)

    def change(writer: Writer) -> None:
        persons.change_person(writer, token, **changes)
        if credit_fen is not None and reference is not None:
            persons.put_credit(writer, token, reference, credit_fen)

    if not dry_run and changes:
        role.vault.store.transact(change)
    return {
        "token": token,
        "lock": changed.lock,
        "flags": list(changed.flags),
        "account_fen": changed.account_fen,
        "changed": changed != person,
    }


def _balance(person: Person, fen: int) -> int:
    balance = person.account_fen + fen
    if not 0 <= balance <= MAX_FEN:
        raise RefusedError("SIGN", f"the account holds {person.account_fen} fen")
    return balance


# --- registrations -------------------------------------------------------------------------------


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
    name = _new_id(role, "R") if registration_id is None else registration_id
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
    new = Filed(content, _random(role, SALT_BYTES), 1, "active")
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
    after = Filed(content, _random(role, SALT_BYTES), before.revision + 1, "active")
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
        gone = GuestNotice(name, revision, persons.GONE, b"", b"")
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


# --- who may not settle here ---------------------------------------------------------------------


def bar(
    role: "Province",
    turn: Turn,
    token: str,
    reason: str,
    barring_id: str | None = None,
    *,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Let a person of another province settle directly no more (R79); that province is told.

    The reason stands in the log for everybody: it names no person.

    Raises:
        RefusedError: A person of this province, who is locked instead (PAIR).
    """
    insured = insured_province(token)
    if insured == role.code:
        raise RefusedError("PAIR", "a person of this province is locked, not barred")
    why = field.words("reason", reason, 500)
    with role.vault.store.read() as vault:
        held = [b for b in persons.barrings(vault, token) if b.treatment == role.code]
    now = next((b for b in held if b.state == "barred"), None)
    if now is not None and barring_id in (None, now.barring_id):
        return _bar(role, turn, insured, now, dry_run=dry_run)
    name = field.name("barring_id", barring_id or _new_id(role, "B"))
    salt = _random(role, SALT_BYTES)
    row = persons.Barred(role.code, name, "barred", token, salt, why)
    return _bar(role, turn, insured, row, dry_run=dry_run)


def restore(
    role: "Province", turn: Turn, barring_id: str, reason: str, *, dry_run: bool = False
) -> dict[str, Any]:
    """Let a person settle directly again; the insured province is told.

    Raises:
        RefusedError: This province has barred nobody under this id (BARRING_UNKNOWN).
    """
    why = field.words("reason", reason, 500)
    with role.vault.store.read() as vault:
        row = persons.barring_by_id(vault, role.code, field.name("barring_id", barring_id))
    if row is None:
        raise RefusedError("BARRING_UNKNOWN", f"nobody is barred here under {barring_id}")
    if row.state == "barred":
        row = row._replace(state="restored", reason=why)
    return _bar(role, turn, insured_province(row.token), row, dry_run=dry_run)


def _bar(
    role: "Province", turn: Turn, insured: str, row: persons.Barred, *, dry_run: bool
) -> dict[str, Any]:
    digest = token_commitment(row.token, row.salt)
    record = Barring(row.barring_id, insured, row.state, row.reason, digest)
    notice = BarringNotice(row.barring_id, row.state, row.token, row.salt, row.reason)

    def change(writer: Writer) -> None:
        persons.put_barring(writer, role.code, notice)
        notices.put(writer, insured, notice)

    index = turn.check(record)
    if index is None and not dry_run:
        (index,) = role.pending.enter(turn, [record], change)
        role.notices.outgoing.add(insured)
    return {
        "barring_id": row.barring_id,
        "state": row.state,
        "insured": insured,
        "reason": row.reason,
        "index": index,
    }


# --- manual reimbursement ------------------------------------------------------------------------


def reimburse(
    role: "Province",
    turn: Turn,
    token: str,
    reimbursement_id: str,
    treatment_area: str,
    clr_type: str,
    bill_fen: int,
    lines: dict[str, int],
    paid_on: str | None = None,
    *,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Record what this province paid a person by hand (R77): fen by fund line. Clears nothing.

    Raises:
        FormError: A field is not what it must be, or the funds paid more than the bill.
        RefusedError: Nobody has this token (PERSON_UNKNOWN), or the id is taken (DUPLICATE).
    """
    key = token_hash(check_token(token)) + field.name("reimbursement_id", reimbursement_id).encode()
    with role.vault.store.read() as vault:
        person = persons.known(vault, token).person
        value = vault.get(REFUNDED, key)
    held, salt = encoding.unpack(value) if value else (b"", _random(role, SALT_BYTES))
    if paid_on is None:
        paid_on = decode_refunded(held).paid_on if held else role.today(turn.now_ms)
    refunded = check_refunded(
        Refunded(
            reimbursement_id,
            token,
            person.psn_no,
            person.insutype,
            person.insured_area,
            treatment_area,
            clr_type,
            paid_on,
            bill_fen,
            lines_of(lines),
        )
    )
    content = encode_refunded(refunded)
    if held not in (b"", content):
        raise RefusedError("DUPLICATE", f"{reimbursement_id} stands for another reimbursement")
    record = record_of(refunded, salt)
    index = turn.check(record)
    if index is None and not dry_run:
        row = encoding.pack([content, salt])
        (index,) = role.pending.enter(turn, [record], lambda w: w.put(REFUNDED, key, row))
    paid = sum(msgspec.structs.astuple(refunded.lines))
    return {
        "reimbursement_id": reimbursement_id,
        "month": record.month,
        "paid_fen": paid,
        "index": index,
    }


def _random(role: "Province", count: int) -> bytes:
    assert role.random is not None
    return role.random(count)


def _new_id(role: "Province", letter: str) -> str:
    return f"{letter}-{base64.b32encode(_random(role, 10)).decode()}"


REGISTRY_ORDERS: dict[str, Order] = {
    "person_add": person_add,
    "person_change": person_change,
    "register": register,
    "register_change": register_change,
    "register_suspend": register_suspend,
    "register_resume": register_resume,
    "register_terminate": register_terminate,
    "bar": bar,
    "restore": restore,
    "reimburse": reimburse,
}
