"""How membership changes: admissions, key rotations, freezes and the generations that follow.

A rotation stands in the author's own log and is signed by the old key and the new one; the centre's
`KeyChange` repeats it, so that the roster follows from the centre's log alone. Theft, fork and loss
have one answer: governance freezes the log at a head that a quorum has cosigned, and admits a
successor with new keys. Its log goes on from that head under another origin, beginning with a
`Continuation`.
"""

from typing import TYPE_CHECKING

from ledger import encoding
from ledger.checkpoint import Checkpoint, parse_checkpoint
from ledger.entry import Entry, decode_entry, signature_item
from ledger.errors import FormError, LedgerError, VerificationError
from ledger.note import parse_note
from ledger.signature import check_public_key, public_key, sign, verify, verify_many
from ledger.table import Reader
from settlement import lookup
from settlement.party import CENTRE, province_of
from settlement.record import (
    Admission,
    Approval,
    Certificate,
    Confirmation,
    Continuation,
    Freeze,
    KeyChange,
    Member,
    Record,
    Rotation,
    decode_body,
)
from settlement.roster import PURPOSES, Roster, Turn, member_keys

if TYPE_CHECKING:
    from settlement.state import Fold


def roster_at(reader: Reader, founding: Roster, size: int) -> Roster:
    """Return the roster as the centre's log below `size` makes it."""
    kinds = (Admission, Rotation, KeyChange, Freeze)
    indexes = sorted(index for kind in kinds for _, index in lookup.places(reader, kind))
    roster = founding
    for index in indexes:
        if index < size:
            roster = after(roster, index, lookup.entry_at(reader, CENTRE, index)[1])
    return roster


def after(roster: Roster, index: int, record: Record) -> Roster:
    """Return the roster after a valid entry of the centre's log."""
    match record:
        case Admission(member=member):
            return roster.with_member(member)
        case Rotation(purpose=purpose, key=key):
            return roster.with_turn(CENTRE, Turn(purpose, index + 1, key))
        case KeyChange(leaf=leaf):
            code, entry, rotation = read_key_change(roster, leaf)
            return roster.with_turn(code, Turn(rotation.purpose, entry.index + 1, rotation.key))
        case Freeze(log=code, checkpoint=note):
            return roster.with_freeze(code, claimed(note), note)
    return roster


def check(roster: Roster, record: Record) -> None:
    """Check a change of membership as whoever holds nothing but the centre's log can.

    Raises:
        FormError: A key is unfit or used, or the record does not fit the roster.
        VerificationError: A signature or an approval does not hold.
    """
    match record:
        case Admission():
            check_admission(roster, record)
        case Rotation():
            check_rotation(roster.network_id, roster.origin(CENTRE), roster.members[CENTRE], record)
            _check_unused(roster, [record.key])
        case KeyChange():
            check_key_change(roster, record)
        case Freeze():
            check_freeze(roster, record)
        case _:
            raise FormError("membership", "a change of it", f"kind {record.kind}")


# --- admission ---------------------------------------------------------------------------------


def admission_message(network_id: bytes, member: Member) -> bytes:
    """Return the bytes that governance keys sign to admit a member."""
    return b"gongzhang/admission/v1\n" + network_id + encoding.Codec.encode(member)


def approve_admission(seed: bytes, network_id: bytes, member: Member) -> Approval:
    """Return one governor's approval of an admission."""
    return Approval(public_key(seed), sign(seed, admission_message(network_id, member)))


def check_admission(roster: Roster, admission: Admission) -> None:
    """Check a new member's keys and the approvals of the governance keys.

    Raises:
        FormError: The code is no participant's, or a member's whose log is not frozen, or a key is
            unfit or was ever used.
        VerificationError: Fewer than `threshold` governance keys signed it.
    """
    member = admission.member
    known = member.code in roster.generations
    if (known and not roster.frozen(member.code)) or province_of(member.code) != member.code:
        raise FormError(
            "admission", "the code of a participant who is no member or is frozen", member.code
        )
    new = member_keys(member)
    if len(set(new)) != len(new):
        raise FormError("admission", "four different keys", member.code)
    _check_unused(roster, new)
    message = admission_message(roster.network_id, member)
    check_approvals(roster, message, admission.approvals, "admission")


def check_approvals(roster: Roster, message: bytes, approvals: list[Approval], what: str) -> None:
    """Check that enough governance keys have signed a message, each once.

    Raises:
        VerificationError: Too few, one twice, one that is no governance key, or one does not hold.
    """
    signers = {approval.key for approval in approvals}
    if not signers <= set(roster.governance) or len(signers) != len(approvals):
        raise VerificationError(f"{what}: an approval is not by a governance key")
    for approval in approvals:
        verify(approval.key, message, approval.signature)
    if len(signers) < roster.threshold:
        raise VerificationError(f"{what}: governance approvals", roster.threshold, len(signers))


def _check_unused(roster: Roster, keys: tuple[bytes, ...] | list[bytes]) -> None:
    for key in keys:
        check_public_key(key)
    if roster.used_keys & set(keys):
        raise FormError("keys", "keys that nobody uses or ever used")


# --- rotation ----------------------------------------------------------------------------------


def rotation_message(network_id: bytes, origin: str, purpose: str, old: bytes, new: bytes) -> bytes:
    """Return the bytes that the new key signs."""
    content = encoding.pack([origin, purpose, old, new])
    return b"gongzhang/rotation/v1\n" + network_id + content


def rotation(roster: Roster, code: str, purpose: str, old: bytes, new_seed: bytes) -> Rotation:
    """Return the rotation of a member's key, countersigned by the new one."""
    new = public_key(new_seed)
    message = rotation_message(roster.network_id, roster.origin(code), purpose, old, new)
    return Rotation(purpose, new, sign(new_seed, message))


def check_rotation(network_id: bytes, origin: str, keys: Member, record: Rotation) -> None:
    """Check a rotation against the keys that count where it stands.

    Raises:
        FormError: No such purpose, or the key is unfit or the old one.
        VerificationError: The new key has not signed.
    """
    if record.purpose not in PURPOSES:
        raise FormError("rotation purpose", " | ".join(PURPOSES), record.purpose)
    check_public_key(record.key)
    if record.key in member_keys(keys):
        raise FormError("rotation", "a key that this member does not use", record.key)
    old: bytes = getattr(keys, f"{record.purpose}_key")
    message = rotation_message(network_id, origin, record.purpose, old, record.key)
    verify(record.key, message, record.signature)


def read_key_change(roster: Roster, leaf: bytes) -> tuple[str, Entry, Rotation]:
    """Return whose rotation a leaf is, its entry and its record.

    Raises:
        FormError: It is no rotation in the log of a member other than the centre.
    """
    entry = decode_entry(leaf)
    code = roster.owner(entry.origin)
    record = decode_body(entry.kind, entry.body)
    if code is None or code == CENTRE or not isinstance(record, Rotation):
        raise FormError("key change", "a rotation in the log of a participant", entry.origin)
    return code, entry, record


def check_key_change(roster: Roster, change: KeyChange) -> None:
    """Check that a member's own keys have signed the rotation that the centre repeats.

    Raises:
        FormError: No rotation, out of order, or of a log that is frozen; or the key is used.
        VerificationError: The old or the new key has not signed.
    """
    code, entry, record = read_key_change(roster, change.leaf)
    generation = roster.generation(code)
    last = max((turn.start for turn in generation.turns), default=generation.start)
    if generation.end is not None or entry.index < last:
        raise FormError("key change", f"index {last} or above in an open log", entry.index)
    item = signature_item(change.leaf, roster.network_id, generation.member.entry_key)
    if verify_many([item]):
        raise VerificationError("key change: the entry's signature does not hold")
    check_rotation(roster.network_id, roster.origin(code), generation.member, record)
    _check_unused(roster, [record.key])


# --- freeze ------------------------------------------------------------------------------------


def freeze_message(network_id: bytes, freeze: Freeze) -> bytes:
    """Return the bytes that governance keys sign to freeze a log."""
    content = encoding.pack([freeze.log, freeze.generation, freeze.checkpoint, freeze.reason])
    return b"gongzhang/freeze/v1\n" + network_id + content


def approve_freeze(seed: bytes, network_id: bytes, freeze: Freeze) -> Approval:
    """Return one governor's approval of a freeze (its own approvals are not signed)."""
    return Approval(public_key(seed), sign(seed, freeze_message(network_id, freeze)))


def claimed(note: bytes) -> Checkpoint:
    """Return the three values of a checkpoint note; its signatures are not judged."""
    return parse_checkpoint(parse_note(note).text)


def check_freeze(roster: Roster, freeze: Freeze) -> None:
    """Check the head a log is frozen at and the approvals of the governance keys.

    Raises:
        FormError: Not the newest generation of a participant's open log, or no head of it.
        VerificationError: The head has no quorum, or fewer than `threshold` governance keys signed.
    """
    code = freeze.log
    if code == CENTRE or code not in roster.generations or roster.frozen(code):
        raise FormError("freeze", "the open log of a participant", code)
    if freeze.generation != roster.generation(code).number:
        raise FormError("freeze", f"generation {roster.generation(code).number}", freeze.generation)
    roster.open_head(code, freeze.checkpoint)
    message = freeze_message(roster.network_id, freeze)
    check_approvals(roster, message, freeze.approvals, "freeze")


def counted_below(reader: Reader, code: str) -> int:
    """Return the size of the log of `code` below which the centre has counted on it.

    That is its last confirmed cut, and every entry that a confirmation or certificate names.
    """
    sizes = [head.size for head in lookup.last_cut(reader) if head.code == code]
    for _, index in lookup.places(reader, Confirmation):
        record = lookup.entry_at(reader, CENTRE, index)[1]
        assert isinstance(record, Confirmation)
        named = [*record.matches, *(item.mismatch for item in record.dismissed)]
        named += [place for silent in record.silent for place in silent.records]
        sizes += [place.index + 1 for place in named if place.code == code]
    for _, index in lookup.places(reader, Certificate):
        record = lookup.entry_at(reader, CENTRE, index)[1]
        assert isinstance(record, Certificate)
        ends = [place for leg in record.legs for place in leg.entries]
        sizes += [place.index + 1 for place in ends if place.code == code]
    return max(sizes, default=0)


# --- the rules of these kinds, see `rule` ------------------------------------------------------


def admission_rule(fold: "Fold", _index: int, record: Admission) -> str | None:
    """Judge an admission in the centre's log."""
    return _verdict(fold, record)


def key_change_rule(fold: "Fold", _index: int, record: KeyChange) -> str | None:
    """Judge a key change in the centre's log."""
    return _verdict(fold, record)


def freeze_rule(fold: "Fold", _index: int, record: Freeze) -> str | None:
    """Judge a freeze in the centre's log: it takes back nothing that was counted."""
    code = _verdict(fold, record)
    if code is None and claimed(record.checkpoint).size < counted_below(fold.writer, record.log):
        return "ORDER"
    return code


def _verdict(fold: "Fold", record: Record) -> str | None:
    # Counted from the genesis: whoever applies this may know more members by now.
    roster = roster_at(fold.writer, fold.roster.founding, fold.size)
    try:
        check(roster, record)
    except VerificationError:
        return "APPROVAL"
    except LedgerError:
        return "KEY"
    return None


def rotation_rule(fold: "Fold", _index: int, record: Rotation) -> str | None:
    """Judge a rotation in anybody's log by the keys of that log."""
    try:
        check_rotation(fold.roster.network_id, fold.origin, fold.keys, record)
        if lookup.operator_of(fold.writer, fold.code, record.key) is not None:
            return "KEY"
        if fold.code == CENTRE:
            _check_unused(roster_at(fold.writer, fold.roster.founding, fold.size), [record.key])
    except LedgerError:
        return "KEY"
    return None


def continuation_rule(fold: "Fold", index: int, record: Continuation) -> str | None:
    """Judge the first entry of a later generation."""
    generation = fold.generation
    before = fold.roster.generations[fold.code][: generation.number - 1]
    if index < generation.start or not record.generation == generation.number > 1:
        return "ORDER"
    return None if record.checkpoint == before[-1].note else "ORDER"
