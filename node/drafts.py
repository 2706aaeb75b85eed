"""Drafts: what was ordered and waits until operators have signed it; also how it ended.

    w + hash            [version, kind, body, verb, arguments, by the node?, least, at_ms,
                         signatures, end]
    e + time + hash     the same, of one that has ended

The hash is the one people sign (`approval.digest`). With the order itself is kept, so that it can
be carried out again once the signatures are there: whether it may be is judged then. Of drafts that
have ended the last MAX_ENDED are kept, so that a maker learns what became of them.
"""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from ledger import encoding
from ledger.errors import DamageError, FormError, RefusedError
from ledger.table import DRAFT, Reader, Writer, u64
from settlement import approval, lookup
from settlement.record import Approval, Record, decode_body
from settlement.roster import Roster
from settlement.wording import describe, named

VERSION = 2
MAX_WAITING = 100
MAX_ENDED = 100
MAX_BODY = 64_000  # an entry with its signatures has at most 65,535
STATES = ("entered", "rejected", "refused", "replaced")
_WAITS, _ENDED = b"w", b"e"


class Signed(NamedTuple):
    """One operator's signature."""

    name: str
    key: bytes
    signature: bytes


class End(NamedTuple):
    """What became of a draft."""

    state: str  # one of STATES
    at_ms: int
    entry: int  # its index; -1 if there is none
    by: str  # who rejected it; else empty
    code: str  # why it was refused; else empty
    reason: str


@dataclass(frozen=True)
class Draft:
    """One entry that is to be, without approvals, and the order it comes from."""

    hash: bytes
    record: Record
    verb: str
    arguments: dict[str, Any]
    by_node: bool
    least: int
    at_ms: int
    signed: tuple[Signed, ...] = ()
    end: End | None = None

    def ended(self, end: End) -> "Draft":
        """Return it as it ended."""
        return replace(self, end=end)


def load(reader: Reader, digest: bytes) -> Draft | None:
    """Return the draft with this hash, waiting or ended, or None."""
    value = reader.get(DRAFT, _WAITS + digest)
    key = None if value is not None else _end_of(reader, digest)
    if key is not None:
        value = reader.get(DRAFT, key)
    return None if value is None else _decode(digest, value)


def save(writer: Writer, draft: Draft) -> None:
    """Store a draft in place of the one before; forget the oldest of those that have ended.

    Raises:
        RefusedError: Too many wait (LIMIT).
        FormError: It is too large for an entry.
    """
    body = draft.record.encode()
    if len(body) > MAX_BODY:
        raise FormError("draft", f"at most {MAX_BODY} bytes", len(body))
    content = [
        VERSION, draft.record.kind, body, draft.verb, _plain(draft.arguments), draft.by_node,
        draft.least, draft.at_ms, [list(s) for s in draft.signed], draft.end and list(draft.end),
    ]  # fmt: skip
    place = _WAITS + draft.hash
    if draft.end is None and writer.get(DRAFT, place) is None:
        if len(_keys(writer, _WAITS)) >= MAX_WAITING:
            raise RefusedError("LIMIT", f"{MAX_WAITING} drafts wait for signatures already")
        _remove(writer, _end_of(writer, draft.hash))
    if draft.end is not None:
        _remove(writer, place)
        for key in _keys(writer, _ENDED)[: -(MAX_ENDED - 1)]:
            _remove(writer, key)
        place = _ENDED + u64(draft.end.at_ms) + draft.hash
    writer.put(DRAFT, place, encoding.pack(content))


def _keys(reader: Reader, prefix: bytes) -> list[bytes]:
    return [key for key, _ in reader.scan(DRAFT, prefix, prefix + b"\xff" * 41)]


def _end_of(reader: Reader, digest: bytes) -> bytes | None:
    return next((key for key in _keys(reader, _ENDED) if key.endswith(digest)), None)


def _remove(writer: Writer, key: bytes | None) -> None:
    if key is not None:
        writer.delete(DRAFT, key)


def waiting(reader: Reader) -> list[Draft]:
    """Return the drafts that wait for signatures, the oldest first."""
    return _read(reader, _WAITS)


def ended(reader: Reader) -> list[Draft]:
    """Return the drafts that have ended, as far as they are kept, the oldest first."""
    return _read(reader, _ENDED)


def _read(reader: Reader, prefix: bytes) -> list[Draft]:
    rows = reader.scan(DRAFT, prefix, prefix + b"\xff" * 41)
    found = [_decode(key[-32:], value) for key, value in rows]
    return sorted(found, key=lambda draft: (draft.at_ms, draft.hash))


def in_its_way(reader: Reader, record: Record) -> Draft | None:
    """Return a waiting draft of another content under the same business id, or None."""
    natural, bare = lookup.natural_key(record), approval.bare(record)
    for draft in waiting(reader):
        same = type(draft.record) is type(record) and lookup.natural_key(draft.record) == natural
        if same and draft.record != bare:
            return draft
    return None


def valid(reader: Reader, code: str, start: int, draft: Draft) -> list[Signed]:
    """Return the signatures of a draft by those who may sign now; others have lost theirs."""
    return [s for s in draft.signed if approval.signer(reader, code, start, s.key) == s.name]


def approvals_of(signed: list[Signed]) -> list[Approval]:
    """Return signatures as an entry carries them, by key."""
    return sorted((Approval(s.key, s.signature) for s in signed), key=lambda a: a.key)


def draft_value(reader: Reader, roster: Roster, code: str, draft: Draft) -> dict[str, Any]:
    """Return a draft for people and programs."""
    start = roster.generation(code).start
    words = describe(draft.record)
    # What has ended stays as it was signed, whoever may sign now.
    signed = valid(reader, code, start, draft) if draft.end is None else list(draft.signed)
    message = approval.message(roster.network_id, roster.origin(code), draft.record)
    return {
        "hash": draft.hash.hex(),
        "kind": type(draft.record).__name__,
        "en": words.en,
        "zh": words.zh,
        "content": named(approval.bare(draft.record)),
        "order": draft.verb,
        "by_node": draft.by_node,
        "at_ms": draft.at_ms,
        "signed": [s.name for s in signed],
        "lost": sorted({s.name for s in draft.signed} - {s.name for s in signed}),
        "message": message.hex(),
        "state": "waiting" if draft.end is None else draft.end.state,
        "end": draft.end and draft.end._asdict(),
    }


def _plain(value: Any) -> Any:
    # Maps have no canonical spelling in an entry; here they stand as pairs. A level of the value
    # is one level here: the payments of a file and the rows of an accounts file have to fit.
    if isinstance(value, dict):
        return ["map", *([str(name), _plain(item)] for name, item in sorted(value.items()))]
    if isinstance(value, list | tuple):
        return ["list", *map(_plain, value)]
    return value


def _unplain(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    what, *content = value
    if what == "map":
        return {name: _unplain(item) for name, item in content}
    return [_unplain(item) for item in content]


def _decode(digest: bytes, value: bytes) -> Draft:
    try:
        version, kind, body, verb, arguments, by_node, least, at_ms, signed, end = encoding.unpack(
            value
        )
        if version != VERSION:
            raise DamageError(f"draft {digest.hex()}", f"version {VERSION}", version)
        return Draft(
            hash=digest,
            record=decode_body(kind, body),
            verb=verb,
            arguments=_unplain(arguments),
            by_node=by_node,
            least=least,
            at_ms=at_ms,
            signed=tuple(Signed(*row) for row in signed),
            end=None if end is None else End(*end),
        )
    except (TypeError, ValueError, FormError) as error:
        raise DamageError(f"draft {digest.hex()}", "a draft", error) from None
