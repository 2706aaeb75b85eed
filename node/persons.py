"""What the vault knows of persons: the insured, their registrations, and who is barred.

    person        token hash (16 bytes)     [person, hash of what was given, registration ids]
                  N + number hash           the token of a personal number
                  C + token hash + id       a credit of the personal account, fen
                  secret                    what personal numbers are hashed with: keys are readable
    registration  registration id           [content, salt, revision, status, token]
    barred        token hash + treatment + barring id  [state, token, salt, reason]

Every function takes a reader or writer of the vault, so that several changes share one transaction.
A vault change of an order is durable before its entry is; see `registry`.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from ledger import encoding
from ledger.hashing import hash_bytes
from ledger.table import Reader, Writer
from node.message import BarringNotice
from node.vault import BARRED, PERSON, REFUNDED, REGISTRATION
from settlement.lookup import latest_revision
from settlement.person import Person, decode_person, encode_person, token_hash
from settlement.record import Registration
from settlement.registration import (
    Filed,
    commitment,
    decode_content,
    encode_content,
    refused,
)

_SECRET = b"secret"


class Known(NamedTuple):
    """An insured person as the vault has them."""

    person: Person
    given: bytes  # hash of what `person_add` was given: the same again is no other person
    registrations: tuple[str, ...]  # their ids, in the order they were filed


class Barred(NamedTuple):
    """That a province lets somebody settle directly no more, or again."""

    treatment: str
    barring_id: str
    state: str  # barred, restored
    token: str
    salt: bytes
    reason: str


# --- the insured ---------------------------------------------------------------------------------


def load(reader: Reader, token: str) -> Known | None:
    """Return what is kept under a token, or None."""
    value = reader.get(PERSON, token_hash(token))
    if value is None:
        return None
    data, given, ids = encoding.unpack(value)
    return Known(decode_person(data), given, tuple(ids))


def known(reader: Reader, token: str) -> Known:
    """Return what is kept under a token; raises RefusedError (PERSON_UNKNOWN) if nothing is."""
    found = load(reader, token)
    if found is None:
        raise refused("PERSON_UNKNOWN")
    return found


def person(reader: Reader, token: str) -> Person | None:
    """Return the insured person with a token, or None."""
    found = load(reader, token)
    return None if found is None else found.person


def put(writer: Writer, row: Known) -> None:
    """Store a person as it is now."""
    value = [encode_person(row.person), row.given, list(row.registrations)]
    writer.put(PERSON, token_hash(row.person.token), encoding.pack(value))


def change_person(writer: Writer, token: str, **changes: Any) -> Person:
    """Change fields of a person in one transaction with whatever else it does; return it.

    Raises:
        RefusedError: Nobody has this token (PERSON_UNKNOWN).
    """
    row = known(writer, token)
    changed = msgspec.structs.replace(row.person, **changes)
    put(writer, row._replace(person=changed))
    return changed


def secret(reader: Reader) -> bytes | None:
    """Return what personal numbers are hashed with, or None in a vault that has no person yet."""
    return reader.get(PERSON, _SECRET)


def put_secret(writer: Writer, value: bytes) -> None:
    """Store what personal numbers are hashed with."""
    writer.put(PERSON, _SECRET, value)


def token_of(reader: Reader, psn_no: str) -> str | None:
    """Return the token of a personal number, or None."""
    key = _number_key(reader, psn_no)
    value = None if key is None else reader.get(PERSON, key)
    return None if value is None else value.decode("ascii")


def put_number(writer: Writer, row: Person) -> None:
    """Store which token a personal number has."""
    key = _number_key(writer, row.psn_no)
    assert key is not None, "the secret is stored with the first person"
    writer.put(PERSON, key, row.token.encode())


def _number_key(reader: Reader, psn_no: str) -> bytes | None:
    # Personal numbers can be guessed and keys of tables are not sealed: hence the secret.
    salt = secret(reader)
    return None if salt is None else b"N" + hash_bytes(salt + psn_no.encode())[:16]


def credit(reader: Reader, token: str, reference: str) -> int | None:
    """Return the fen of a credit that was booked under a reference, or None."""
    value = reader.get(PERSON, b"C" + token_hash(token) + reference.encode())
    return None if value is None else int(encoding.unpack(value))


def put_credit(writer: Writer, token: str, reference: str, fen: int) -> None:
    """Note a credit, so that its reference is booked once."""
    writer.put(PERSON, b"C" + token_hash(token) + reference.encode(), encoding.pack(fen))


# --- registrations -------------------------------------------------------------------------------


def registration(reader: Reader, registration_id: str) -> Filed | None:
    """Return a registration of this province, or None."""
    value = reader.get(REGISTRATION, registration_id.encode())
    if value is None:
        return None
    content, salt, revision, status, _ = encoding.unpack(value)
    return Filed(decode_content(content), salt, revision, status)


def registrations_of(reader: Reader, token: str) -> list[Filed]:
    """Return all registrations of a person, in the order they were filed."""
    row = load(reader, token)
    found = [registration(reader, i) for i in row.registrations] if row else []
    return [filed for filed in found if filed is not None]


def entry_of(filed: Filed) -> Registration:
    """Return the entry body of a registration."""
    digest = commitment(encode_content(filed.content), filed.salt)
    return Registration(filed.content.registration_id, filed.revision, filed.status, digest)


def as_logged(log: Reader, code: str, filed: Filed) -> Filed:
    """Return a registration with the revision and status that the log of `code` knows last.

    The log is right: a vault from an old backup is behind it.
    """
    last = latest_revision(log, code, Registration, filed.content.registration_id)
    if not isinstance(last, Registration) or last.revision <= filed.revision:
        return filed
    return filed._replace(revision=last.revision, status=last.status)


def registrations_logged(log: Reader, vault: Reader, code: str, token: str) -> list[Filed]:
    """Return the registrations of a person that the log of `code` bears out, as it has them now.

    What a claim rests on: a registration whose entry is missing, or whose content in the vault is
    not what its newest entry commits to, is not among them.
    """
    found = []
    for filed in registrations_of(vault, token):
        now = as_logged(log, code, filed)
        last = latest_revision(log, code, Registration, filed.content.registration_id)
        if last == entry_of(now):
            found.append(now)
    return found


def registrations(reader: Reader, after: str = "") -> Iterator[Filed]:
    """Yield the registrations of this province by id, those above `after`."""
    start = after.encode() + b"\x00" if after else b""
    for _, value in reader.scan(REGISTRATION, start, b"\xff"):
        content, salt, revision, status, _token = encoding.unpack(value)
        yield Filed(decode_content(content), salt, revision, status)


def put_registration(writer: Writer, filed: Filed) -> None:
    """Store a registration, and among the person's own if it is new."""
    token, key = filed.content.token, filed.content.registration_id
    content = encode_content(filed.content)
    value = [content, filed.salt, filed.revision, filed.status, token]
    writer.put(REGISTRATION, key.encode(), encoding.pack(value))
    row = known(writer, token)
    if key not in row.registrations:
        put(writer, row._replace(registrations=(*row.registrations, key)))


# --- who is barred -------------------------------------------------------------------------------


def barred(reader: Reader, token: str) -> list[tuple[str, str, str]]:
    """Return who bars a person now, under which id and why: (treatment, barring id, reason)."""
    found = barrings(reader, token)
    return [(b.treatment, b.barring_id, b.reason) for b in found if b.state == "barred"]


def barrings(reader: Reader, token: str) -> list[Barred]:
    """Return everything provinces have said against a person, also what is taken back."""
    prefix = token_hash(token)
    return [_barred(*row) for row in reader.scan(BARRED, prefix, prefix + b"\xff")]


def barring_by_id(reader: Reader, treatment: str, barring_id: str) -> Barred | None:
    """Return what `treatment` said under an id, or None. Reads all of the few there are."""
    end = treatment.encode() + barring_id.encode()
    rows = reader.scan(BARRED, b"", b"\xff" * 17)
    return next((_barred(*row) for row in rows if row[0][16:] == end), None)


def put_barring(writer: Writer, treatment: str, notice: BarringNotice) -> None:
    """Store what a province says against a person. What was taken back stays taken back."""
    key = token_hash(notice.token) + treatment.encode() + notice.barring_id.encode()
    before = writer.get(BARRED, key)
    if before is None or _barred(key, before).state == "barred":
        value = [notice.state, notice.token, notice.salt, notice.reason]
        writer.put(BARRED, key, encoding.pack(value))


def drop_barring(writer: Writer, row: Barred) -> None:
    """Erase what was said against a person."""
    key = token_hash(row.token) + row.treatment.encode() + row.barring_id.encode()
    writer.delete(BARRED, key)


def _barred(key: bytes, value: bytes) -> Barred:
    return Barred(key[16:22].decode(), key[22:].decode(), *encoding.unpack(value))


# --- erasing -------------------------------------------------------------------------------------


def drop_person(writer: Writer, row: Known) -> None:
    """Erase a person with their registrations, credits, barrings and reimbursements."""
    key = token_hash(row.person.token)
    number = _number_key(writer, row.person.psn_no)
    writer.delete(PERSON, key)
    if number is not None:
        writer.delete(PERSON, number)
    for registration_id in row.registrations:
        writer.delete(REGISTRATION, registration_id.encode())
    for table, prefix in ((PERSON, b"C" + key), (BARRED, key), (REFUNDED, key)):
        for found, _ in list(writer.scan(table, prefix, prefix + b"\xff" * 80)):
            writer.delete(table, found)
