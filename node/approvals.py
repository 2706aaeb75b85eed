"""Orders of maker and checker: sign a draft, reject it, list them; and who the operators are.

An order that decides something, given where four eyes are on, adds nothing: it leaves a draft and
answers with its hash. Each operator signs that hash with their own key, wherever that is kept. With
the last signature that is needed the order is carried out again, as the log is by then; it must
come to the same entry. If it does not, or is refused, the draft has ended.

The same orders serve every way in: the command line, and pages that come later.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ledger.errors import FormError, LedgerError, RefusedError, UncheckableError, VerificationError
from ledger.signature import verify
from ledger.table import Reader
from node import drafts
from node.drafts import Draft, End, Signed
from node.todo import todo
from node.turn import Given, Turn, UnsignedError
from settlement import approval, lookup
from settlement.party import CENTRE
from settlement.record import Operator
from settlement.roster import Roster
from settlement.wording import describe

if TYPE_CHECKING:
    from node.role import Role

MAX_REASON = 500
_NOT_YET = ("BEHIND",)  # refused for now only: the draft stays


class DraftEndedError(RefusedError):
    """What was signed cannot be entered: the draft ends, once nothing else of the turn is left."""

    def __init__(self, digest: bytes, error: LedgerError) -> None:
        self.hash, self.reason = digest, str(error)
        super().__init__(error.code, f"{error}; the draft is dropped")


# --- making a draft ------------------------------------------------------------------------------


def make(role: "Role", turn: Turn, given: Given, unsigned: UnsignedError) -> dict[str, Any]:
    """Keep what an order came to as a draft; return what the one who gave it is told.

    The same content again is the same draft.

    Raises:
        RefusedError: Another content waits under the same business id (DUPLICATE), or too many
            drafts do (LIMIT).
    """
    record = approval.bare(unsigned.record)
    digest = approval.digest(role.roster.network_id, role.origin, record)
    found = drafts.load(turn.writer, digest)
    if found is None or (found.end is not None and not given.by_node):
        _clear_the_way(turn, given, record)
        found = Draft(
            digest, record, given.verb, given.arguments, given.by_node, given.least, turn.now_ms
        )
        drafts.save(turn.writer, found)
    return _pending(role, turn, found)


def _clear_the_way(turn: Turn, given: Given, record: Any) -> None:
    other = drafts.in_its_way(turn.writer, record)
    if other is None:
        return
    try:
        turn.check(other.record)
        stale = None
    except LedgerError as error:
        stale = error
    if stale is None and not (given.by_node and other.by_node):
        raise RefusedError(
            "DUPLICATE",
            f"another content waits for signatures: reject it first, {other.hash.hex()}",
        )
    code, why = (stale.code, str(stale)) if stale else ("", "the node came to another content")
    drafts.save(turn.writer, other.ended(End("replaced", turn.now_ms, -1, "", code, why)))


def _pending(role: "Role", turn: Turn, draft: Draft) -> dict[str, Any]:
    value = drafts.draft_value(turn.writer, role.roster, role.code, draft)
    return {"pending": draft.hash.hex(), "needed": _needed(turn, draft), **value}


def _needed(turn: Turn, draft: Draft) -> int:
    before, turn.order = turn.order, _given(draft)
    try:
        return turn.needed(draft.record)
    finally:
        turn.order = before


def _given(draft: Draft) -> Given:
    return Given(draft.verb, draft.arguments, draft.by_node, draft.least, draft.record)


# --- the orders ----------------------------------------------------------------------------------


def approve(
    role: "Role",
    turn: Turn,
    hash: str,  # noqa: A002 - as it is called in the JSON of an order
    operator: str,
    signature: str,
) -> dict[str, Any]:
    """Sign a draft as an operator; with the last signature needed, carry its order out.

    Raises:
        RefusedError: No such draft waits (UNKNOWN, STATE); not an active operator, a signature that
            does not hold, or one who has signed already (APPROVAL); or what the order is refused
            with by now: then the draft has ended.
    """
    draft = _waiting(role, turn.writer, hash)
    key = _active(role, turn.writer, operator).key
    signed = drafts.valid(turn.writer, role.code, _start(role), draft)
    if operator in {s.name for s in signed}:
        raise RefusedError(
            "APPROVAL", f"{operator} has signed this already: the checker must be somebody else"
        )
    made = _hex("signature", signature, 64)
    message = approval.message(role.roster.network_id, role.origin, draft.record)
    _verify(key, message, made, operator)
    signed.append(Signed(operator, key, made))
    lost = [s for s in draft.signed if s.name not in {t.name for t in signed}]
    draft = replace(draft, signed=(*lost, *signed))
    drafts.save(turn.writer, draft)
    if len(signed) < _needed(turn, draft):
        return _pending(role, turn, draft)
    return _enter(role, turn, draft, signed)


def _enter(role: "Role", turn: Turn, draft: Draft, signed: list[Signed]) -> dict[str, Any]:
    given, order = _given(draft), role.orders[draft.verb]
    given.approvals = drafts.approvals_of(signed)
    before, turn.order = turn.order, given
    try:
        value = order(role, turn, **draft.arguments)
    except UnsignedError as unsigned:
        if given.entered is None:
            changed = RefusedError("CHANGED", "by now the order comes to another content")
            raise DraftEndedError(draft.hash, changed) from None
        value = make(role, turn, _given(draft), unsigned)  # the next entry of the same order
    except (RefusedError, FormError, VerificationError) as error:
        if error.code in _NOT_YET or isinstance(error, UncheckableError):
            raise
        raise DraftEndedError(draft.hash, error) from error
    finally:
        turn.order = before
    index = value.get("index", -1) if given.entered is None else given.entered
    names = [s.name for s in signed]
    end = End("entered", turn.now_ms, index, "", "", "")
    drafts.save(turn.writer, draft.ended(end))
    return {**value, "entered": draft.hash.hex(), "index": index, "approved_by": names}


def reject(
    role: "Role",
    turn: Turn,
    hash: str,  # noqa: A002 - as it is called in the JSON of an order
    operator: str,
    reason: str,
    signature: str,
) -> dict[str, Any]:
    """Reject a draft as an operator, with the reason; nothing comes of it.

    Raises:
        RefusedError: No such draft waits (UNKNOWN, STATE); not an active operator, or a signature
            that does not hold (APPROVAL).
    """
    draft = _waiting(role, turn.writer, hash)
    key = _active(role, turn.writer, operator).key
    if not isinstance(reason, str) or not 1 <= len(reason) <= MAX_REASON:
        raise FormError("reason", f"1 to {MAX_REASON} characters", reason)
    message = approval.rejection_message(role.roster.network_id, role.origin, draft.hash, reason)
    _verify(key, message, _hex("signature", signature, 64), operator)
    draft = draft.ended(End("rejected", turn.now_ms, -1, operator, "", reason))
    drafts.save(turn.writer, draft)
    return drafts.draft_value(turn.writer, role.roster, role.code, draft)


def approvals(role: "Role", turn: Turn, ended: bool = False) -> dict[str, Any]:
    """List the drafts that wait, and with `ended` what became of the last others."""
    return listed(turn.writer, role.roster, role.code, ended=ended)


def listed(reader: Reader, roster: Roster, code: str, *, ended: bool) -> dict[str, Any]:
    """Return operators and drafts of a node for people and programs."""
    generation = roster.generation(code)
    found = [*(drafts.ended(reader) if ended else []), *drafts.waiting(reader)]
    active = lookup.operators_active(reader, code, generation.number)
    return {
        "four_eyes": active >= approval.FOUR_EYES,
        "required": approval.required(reader, lookup.applied_size(reader, CENTRE)),
        "operators": operators_value(reader, code, generation.start),
        "drafts": [drafts.draft_value(reader, roster, code, draft) for draft in found],
    }


def operators_value(reader: Reader, code: str, start: int) -> list[dict[str, Any]]:
    """Return the operators of a log by name, those who may sign no more among them."""
    return [
        {"name": name, "key": r.key.hex(), "status": r.status, "revision": r.revision,
         "index": index, "approved_by": approval.approvers(reader, code, r)}
        for name, (index, r) in sorted(lookup.operators(reader, code, start).items())
    ]  # fmt: skip


def operator(
    role: "Role", turn: Turn, name: str, status: str = "active", public: str | None = None
) -> dict[str, Any]:
    """Let a named person sign for this log, with another key than before, or no more.

    Raises:
        RefusedError: The key is unfit or somebody's (KEY); who shall be removed is no active
            operator, or one of the last two where four eyes are on (STATE).
    """
    if not isinstance(name, str) or not name.isascii():
        raise FormError("name", "1 to 64 letters, digits, dot, dash or underscore", name)
    last = lookup.operator(turn.writer, role.code, name)
    now = last if last is not None and last[0] >= _start(role) else None
    if status == "removed":
        if now is None or now[1].status != "active":
            raise RefusedError("STATE", f"{name} is no active operator of {role.code}")
        key = now[1].key
    else:
        key = _hex("public", public, 32)
        if now is not None and (now[1].status, now[1].key) == (status, key):
            return {"name": name, "status": status, "key": key.hex(), "index": now[0]}
    record = Operator(name, (last[1].revision if last else 0) + 1, key, status, [])
    index = turn.append(record)
    return {"name": name, "status": status, "key": key.hex(), "index": index}


OPERATOR_ORDERS: dict[str, Callable[..., Any]] = {
    "operator": operator,
    "approve": approve,
    "reject": reject,
    "approvals": approvals,
}


# --- what the node does by itself ----------------------------------------------------------------


def drop_ended(turn: Turn, ended: dict[bytes, DraftEndedError]) -> None:
    """End the drafts whose entry was refused, now that nothing of that is left."""
    for digest, error in sorted(ended.items()):
        draft = drafts.load(turn.writer, digest)
        if draft is not None and draft.end is None:
            end = End("refused", turn.now_ms, -1, "", error.code, error.reason)
            drafts.save(turn.writer, draft.ended(end))


def duties(reader: Reader, roster: Roster, code: str) -> list[dict[str, str]]:
    """Return what waits for a signature, and whether more operators are asked for."""
    if code not in roster.generations:
        return []
    found = []
    number, start = roster.generation(code).number, roster.generation(code).start
    active = lookup.operators_active(reader, code, number)
    needed = approval.required(reader, lookup.applied_size(reader, CENTRE))
    if active < needed:
        en = f"the rule set asks for {needed} operators, this log has {active}"
        zh = f"规则集要求 {needed} 名复核人员，本日志现有 {active} 名"
        found.append(todo("operators", en, zh, "gongzhang key operator add NAME"))
    for draft in drafts.waiting(reader):
        words = describe(draft.record)
        names = ", ".join(s.name for s in drafts.valid(reader, code, start, draft))
        en = f"signed by {names}" if names else "nobody has signed"
        zh = f"已签：{names}" if names else "尚无人签名"
        command = f"gongzhang approval sign {draft.hash.hex()[:12]}"
        found.append(todo("sign", f"{words.en} ({en})", f"{words.zh}（{zh}）", command))
    return found


# --- what the orders share -----------------------------------------------------------------------


def _waiting(role: "Role", reader: Reader, digest: str) -> Draft:
    draft = drafts.load(reader, _hex("hash", digest, 32))
    if draft is None:
        raise RefusedError("UNKNOWN", f"no draft here has the hash {digest}")
    if draft.end is not None:
        place = f" as entry {draft.end.entry}" if draft.end.entry >= 0 else ""
        raise RefusedError("STATE", f"this draft was {draft.end.state}{place}")
    if approval.digest(role.roster.network_id, role.origin, draft.record) != draft.hash:
        raise RefusedError("STATE", "this draft was made for an earlier generation of the log")
    return draft


def _active(role: "Role", reader: Reader, name: str) -> Operator:
    known = isinstance(name, str) and name.isascii()
    found = lookup.operator(reader, role.code, name, _start(role)) if known else None
    if found is None or found[1].status != "active":
        raise RefusedError("APPROVAL", f"{name} is no active operator of {role.code}")
    return found[1]


def _start(role: "Role") -> int:
    return role.roster.generation(role.code).start


def _verify(key: bytes, message: bytes, signature: bytes, name: str) -> None:
    try:
        verify(key, message, signature)
    except VerificationError:
        raise RefusedError("APPROVAL", f"the signature is not by the key of {name}") from None


def _hex(place: str, text: Any, count: int) -> bytes:
    try:
        value = bytes.fromhex(text)
    except (TypeError, ValueError):
        value = b""
    if len(value) != count:
        raise FormError(place, f"{2 * count} hex digits", text)
    return value
