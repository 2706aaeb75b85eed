"""Answers that need no decision: what other nodes and auditors may read from the store.

Pure functions of one view of the store. Whatever leaves here was checked on the way out: stored
values carry checksums, tiles and bundles are compared with the level above.
"""

from ledger import log, tree
from ledger.table import HEAD, Reader, log_key
from node import heads
from node.message import (
    PULLED,
    SPLIT,
    Answer,
    AskHead,
    AskResult,
    AskSeen,
    AskSplit,
    Message,
    Pull,
    Pulled,
    Split,
)
from settlement.party import CENTRE

MAX_PULL_BYTES = 4 * 1024 * 1024
NOT_FOUND = Answer(404, b"not held here\n")


def serve(reader: Reader, message: Message) -> Answer:
    """Return the answer to a message that changes nothing.

    Raises:
        DamageError: What was asked for is stored, but not as it was stored once.
    """
    match message:
        case Pull():
            return _entries(reader, message)
        case AskHead(log=code, held=held):
            head = heads.load(reader, code)
            turn = heads.next_turn(reader, code, held)
            return Answer(200, turn or (head.note if head else b""))
        case AskSeen(log=code):
            return Answer(200, reader.get(HEAD, log_key(code) + b"shown") or b"")
        case AskSplit(log=code, old=old, size=size):
            key = log_key(code)
            if not 0 < old < size <= log.size(reader, key):
                return NOT_FOUND
            proof = tree.consistency_proof(reader, key, old, size)
            return Answer(200, SPLIT.encode(Split(tree.root_at(reader, key, old), proof)))
        case AskResult(hash=digest):
            document = reader.get(HEAD, log_key(CENTRE) + b"result" + digest)
            return NOT_FOUND if document is None else Answer(200, document)
    return NOT_FOUND


def _entries(reader: Reader, message: Pull) -> Answer:
    key = log_key(message.log)
    held = log.size(reader, key)
    if not message.start < message.stop <= message.size <= held:
        return NOT_FOUND
    leaves: list[bytes] = []
    room = MAX_PULL_BYTES
    for leaf in log.leaves(reader, key, message.start, message.stop):
        room -= len(leaf)
        if room < 0 and leaves:
            break
        leaves.append(leaf)
    stop = message.start + len(leaves)
    proof = [] if stop == message.size else tree.consistency_proof(reader, key, stop, message.size)
    return Answer(200, PULLED.encode(Pulled(leaves, proof)))


def checkpoint(reader: Reader, code: str) -> Answer:
    """Return the newest quorum-cosigned head of a log, as `/log/<code>/checkpoint` serves it."""
    head = heads.load(reader, code)
    return NOT_FOUND if head is None else Answer(200, head.note)


def tile(reader: Reader, code: str, level: int, number: int, width: int) -> Answer:
    """Return a tile of hashes (tlog-tiles), checked against the level above."""
    size = heads.size_of(reader, code)
    if not _exists(size >> (8 * level), number, width):
        return NOT_FOUND
    return Answer(200, tree.tile(reader, log_key(code), level, number, width))


def bundle(reader: Reader, code: str, number: int, width: int) -> Answer:
    """Return an entry bundle (tlog-tiles), checked against the leaf hashes."""
    if not _exists(heads.size_of(reader, code), number, width):
        return NOT_FOUND
    return Answer(200, log.bundle(reader, log_key(code), number, width))


def _exists(count: int, number: int, width: int) -> bool:
    return 1 <= width <= 256 and number * 256 + width <= count
