"""Orders about the insured of a province: taking them in, changes, and what they were paid by hand.

Whatever says who somebody is goes into the vault. Only a reimbursement has an entry: a commitment
with month, areas and amounts. An order that was not answered can be given again.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from ledger import encoding
from ledger.errors import FormError, RefusedError
from ledger.hashing import hash_bytes
from ledger.table import Writer
from node import persons
from node.turn import Turn
from node.vault import REFUNDED
from settlement import field
from settlement.party import province_of
from settlement.person import (
    Person,
    check_flags,
    check_lock,
    check_person,
    check_token,
    encode_person,
    make_token,
    token_hash,
)
from settlement.record import MAX_FEN
from settlement.registration import SALT_BYTES
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
    token = make_token(insured_area, role.draw(16))
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
    new_secret = None if secret else role.draw(SALT_BYTES)

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
    held, salt = encoding.unpack(value) if value else (b"", role.draw(SALT_BYTES))
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


INSURED_ORDERS: dict[str, Callable[..., Any]] = {
    "person_add": person_add,
    "person_change": person_change,
    "reimburse": reimburse,
}
