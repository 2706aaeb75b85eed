"""An insured person as the insured province's node knows them. This stays in its vault.

A *token* stands for the person between provinces: the insured area and 128 random bits. It says
nothing about anybody, and whoever has it can show that a salted commitment is about this person.
"""

import base64
import re
from typing import Annotated, Any

import msgspec

from ledger.encoding import Codec
from ledger.errors import FormError
from ledger.hashing import hash_bytes
from settlement import field
from settlement.casefile import EMPLOYEE_TYPES, RESIDENT_TYPES
from settlement.party import province_of
from settlement.record import MAX_FEN, Code, Name, Part

MAX_PERSON = 8_192
MAX_FLAGS, MAX_YEARS = 20, 20
TOKEN = re.compile(r"[1-9][0-9]{5}-[A-Z2-7]{26}")
_TOKEN_TEXT = "an insured area, a dash and 26 characters A-Z 2-7"  # noqa: S105 (no password)
_LOCK = re.compile(r"|[A-Z][A-Z0-9_]{0,31}")
_FLAG = re.compile(r"[a-z][a-z0-9_]{0,31}")

Token = Annotated[str, msgspec.Meta(pattern=r"^[1-9][0-9]{5}-[A-Z2-7]{26}\Z")]
Amount = Annotated[int, msgspec.Meta(ge=0, le=MAX_FEN)]
LongDay = Annotated[
    str, msgspec.Meta(pattern=r"^(19|20)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])\Z")
]


class Opening(Part, frozen=True):
    """What a person had used up in a year before this system took over."""

    year: Annotated[int, msgspec.Meta(ge=2000, le=2099)]
    admissions: Annotated[int, msgspec.Meta(ge=0, le=1_000)]
    deductible_fen: Amount
    pool_fen: Amount


class Person(Part, frozen=True):
    """An insured person."""

    token: Token
    psn_no: Name
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=50)]
    birth: LongDay
    insutype: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{2,6}\Z")]
    insured_area: Code
    flags: Annotated[tuple[Name, ...], msgspec.Meta(max_length=MAX_FLAGS)]  # such as civil_servant
    account_fen: Amount  # what is left on the personal account
    # "" or why nothing may be settled, such as ARREARS (欠费封锁)
    lock: Annotated[str, msgspec.Meta(pattern=r"^([A-Z][A-Z0-9_]{0,31})?\Z")]
    opening: Annotated[tuple[Opening, ...], msgspec.Meta(max_length=MAX_YEARS)]  # by year


_PERSON = Codec(Person)


def encode_person(person: Person) -> bytes:
    """Return the canonical bytes of a person."""
    return Codec.encode(person)


def decode_person(data: bytes) -> Person:
    """Return the person of canonical bytes; raises FormError for anything else."""
    return _PERSON.decode(data)


def check_person(person: Person) -> Person:
    """Return the person, flags and years in order, if every field is what it must be.

    Raises:
        FormError: The field that is not, and what was expected of it.
    """
    check_token(person.token)
    field.name("psn_no", person.psn_no)
    field.day("birth", person.birth, 1900)
    check_insutype(person.insutype)
    field.area("insured_area", person.insured_area)
    field.whole("account_fen", person.account_fen)
    return msgspec.structs.replace(
        person,
        name=field.words("name", person.name, 50),
        flags=check_flags(person.flags),
        lock=check_lock(person.lock),
        opening=_openings(person.opening),
    )


def check_token(token: Any) -> str:
    """Return a token; raises FormError for anything else, also one of nobody's area."""
    field.text("token", token, TOKEN, _TOKEN_TEXT)
    field.area("token", token[:6])
    return str(token)


def check_insutype(insutype: Any) -> str:
    """Return an insurance type of the national set; raises FormError otherwise."""
    known = EMPLOYEE_TYPES + RESIDENT_TYPES
    return field.text("insutype", insutype, re.compile("|".join(known)), ", ".join(known))


def check_lock(lock: Any) -> str:
    """Return the code of a lock or ""; raises FormError otherwise."""
    return field.text("lock", lock, _LOCK, "a code in capitals, such as ARREARS, or nothing")


def check_flags(flags: Any) -> tuple[str, ...]:
    """Return flags in order, each once; raises FormError otherwise."""
    expected = "words in small letters, such as civil_servant"
    given = [field.text("flags", f, _FLAG, expected) for f in field.listed("flags", flags, 20)]
    return field.ascending("flags", given)


def _openings(given: Any) -> tuple[Opening, ...]:
    openings = []
    for number, row in enumerate(field.listed("opening", given, MAX_YEARS), 1):
        values = msgspec.structs.astuple(row) if isinstance(row, Opening) else row
        if not isinstance(values, list | tuple) or len(values) != 4:
            expected = "[year, admissions, deductible_fen, pool_fen]"
            raise FormError(f"opening {number}", expected, values)
        openings.append(
            Opening(
                field.whole(f"opening {number}: year", values[0], 2000, 2099),
                field.whole(f"opening {number}: admissions", values[1], 0, 1_000),
                field.whole(f"opening {number}: deductible_fen", values[2]),
                field.whole(f"opening {number}: pool_fen", values[3]),
            )
        )
    field.ascending("opening: years", [str(o.year) for o in openings])
    return tuple(sorted(openings, key=lambda o: o.year))


def make_token(insured_area: str, random: bytes) -> str:
    """Return a new token from 16 random bytes.

    Example:
        >>> make_token("630100", bytes(16))
        '630100-AAAAAAAAAAAAAAAAAAAAAAAAAA'
    """
    assert len(random) == 16
    return f"{insured_area}-{base64.b32encode(random).decode().rstrip('=')}"


def make_id(letter: str, random: bytes) -> str:
    """Return a new id that says nothing, from 10 random bytes.

    Example:
        >>> make_id("R", bytes(10))
        'R-AAAAAAAAAAAAAAAA'
    """
    assert len(random) == 10
    return f"{letter}-{base64.b32encode(random).decode()}"


def insured_province(token: str) -> str:
    """Return the code of the province whose node made a token."""
    return province_of(check_token(token)[:6])


def token_hash(token: str) -> bytes:
    """Return the 16 bytes under which a vault keeps what belongs to a token."""
    return hash_bytes(token.encode())[:16]


def token_commitment(token: str, salt: bytes) -> bytes:
    """Return what a log says of a person it bars (32 bytes); the salt makes it say nothing."""
    return hash_bytes(b"gongzhang/barring/v1\n" + salt + token.encode())
