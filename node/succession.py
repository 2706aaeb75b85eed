"""After a freeze: cutting a copy back to the frozen head, and going on as the successor.

What lies above a frozen head counts nowhere. The leaves that are cut off are kept aside, so that
whoever wants to know what the thief or the fork had written can still see it.
"""

from typing import TYPE_CHECKING

import structlog

from ledger import log
from ledger.signature import public_key
from ledger.table import HEAD, Writer, log_key, u64
from node import heads
from node.turn import Turn
from settlement import state
from settlement.membership import rotation
from settlement.record import Continuation
from settlement.roster import PURPOSES, Generation

if TYPE_CHECKING:
    from node.role import Role

_log = structlog.get_logger("succession")
_CLEANED, _ASIDE = b"generation", b"aside"


def cut_back(role: "Role", turn: Turn) -> None:
    """Bring copies of frozen logs back to where they ended, each once."""
    for code, generations in turn.roster.generations.items():
        ended = [generation for generation in generations if generation.end is not None]
        if ended and ended[-1].number > _cleaned(turn.writer, code):
            _cut_one(role, turn, code, ended[-1])


def _cleaned(writer: Writer, code: str) -> int:
    value = writer.get(HEAD, log_key(code) + _CLEANED)
    return 0 if value is None else int.from_bytes(value, "big")


def _cut_one(role: "Role", turn: Turn, code: str, ended: Generation) -> None:
    assert ended.end is not None
    writer, key = turn.writer, log_key(code)
    held = log.size(writer, key)
    if held > ended.end:
        prefix = key + _ASIDE + ended.number.to_bytes(2, "big")
        for index, leaf in enumerate(log.truncate(writer, key, ended.end), ended.end):
            writer.put(HEAD, prefix + u64(index), leaf)
        state.rebuild(writer, turn.roster, code)
        _log.warning("cut back", log=code, held=held, end=ended.end)
    if heads.size_of(writer, code) > ended.end:
        writer.delete(HEAD, key + b"cosigned")
        heads.save(writer, code, heads.KnownHead(ended.end, ended.root, ended.note))
    writer.delete(HEAD, key + b"shown")
    writer.put(HEAD, key + _CLEANED, u64(ended.number))
    turn.learned.append(lambda: role.follow.forget(code))
    turn.learned.append(lambda: role.witness.forget(code))


def go_on(role: "Role", turn: Turn) -> None:
    """Write what a later generation begins with, and the rotations that were prepared."""
    *before, generation = turn.roster.generations[role.code]
    if before:
        turn.append(Continuation(generation.number, before[-1].note))
    for purpose in PURPOSES:
        seed = role.keys.following.get(purpose)
        old: bytes = getattr(turn.own_keys, f"{purpose}_key")
        if seed is not None and public_key(seed) != old:
            turn.append(rotation(turn.roster, role.code, purpose, old, seed))
