"""Evidence files: two signed statements that cannot both be honest, as text that convicts alone.

    gongzhang-evidence v1
    kind two-heads | rewritten | two-entries
    chain <base64 leaf> <base64 proof file>   entries of the centre's log that name the keys
    exhibit <base64>                          two: checkpoints, or leaves
    root <base64>                             rewritten: what the newer head makes of the older size
    hash <base64>                             rewritten: the consistency proof from there

two-heads: one log, one size, two roots. rewritten: the newer head's tree does not begin with the
older one's. two-entries: one author signed two leaves for one index, or two statements of a kind
that may be made once. Whoever reported it need not be believed: only signatures count.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ledger import encoding
from ledger.checkpoint import SignedCheckpoint, open_checkpoint
from ledger.cosignature import Witnesses, cosigners_of
from ledger.entry import Entry, decode_entry, signature_item
from ledger.errors import FormError, VerificationError
from ledger.hashing import HASH_BYTES, hash_bytes
from ledger.note import base64_of, from_base64
from ledger.proof import verify_consistency
from ledger.signature import verify_many

FIRST = "gongzhang-evidence v1"
TWO_HEADS, REWRITTEN, TWO_ENTRIES = "two-heads", "rewritten", "two-entries"
KINDS = (TWO_HEADS, REWRITTEN, TWO_ENTRIES)
MAX_FILE = 2 * 1024 * 1024
MAX_CHAIN = 256
MAX_PATH = 63

Link = tuple[bytes, bytes]
"""A leaf of the centre's log and the proof file that it stands there."""


@dataclass(frozen=True)
class Evidence:
    """A parsed evidence file; nothing in it is judged yet."""

    kind: str
    chain: tuple[Link, ...]
    exhibits: tuple[bytes, bytes]
    root: bytes | None = None
    path: tuple[bytes, ...] = ()

    @property
    def id(self) -> bytes:
        """SHA-256 over the two exhibits, whichever comes first."""
        first, second = sorted(self.exhibits)
        return hash_bytes(b"gongzhang/evidence/v1\n" + hash_bytes(first) + hash_bytes(second))


@dataclass(frozen=True)
class Accused:
    """The log an evidence file is about, and its keys by position: rotation changes them."""

    network_id: bytes
    origin: str
    entry_key: Callable[[int], bytes]  # by the index of an entry
    checkpoint_key: Callable[[bytes], bytes]  # by a checkpoint, for the size it claims
    witnesses: Witnesses


@dataclass(frozen=True)
class Conviction:
    """What an evidence file proves. `cosigners` signed both heads: they are convicted, too."""

    kind: str
    origin: str
    text: str
    cosigners: tuple[str, ...] = ()


def format_evidence(evidence: Evidence) -> bytes:
    """Return the bytes of an evidence file."""
    lines = [FIRST, f"kind {evidence.kind}"]
    lines += [f"chain {base64_of(leaf)} {base64_of(proof)}" for leaf, proof in evidence.chain]
    lines += [f"exhibit {base64_of(item)}" for item in evidence.exhibits]
    if evidence.root is not None:
        lines.append(f"root {base64_of(evidence.root)}")
    lines += [f"hash {base64_of(item)}" for item in evidence.path]
    return "\n".join([*lines, ""]).encode("ascii")


def parse_evidence(data: bytes) -> Evidence:
    """Return the parsed file.

    Raises:
        FormError: The line and what was expected there; longer than 2 MiB; or not the one spelling.
    """
    if len(data) > MAX_FILE:
        raise FormError("evidence", f"at most {MAX_FILE} bytes", len(data))
    try:
        lines = data.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise FormError("evidence", "ASCII") from None
    if lines[0] != FIRST or lines[-1] != "" or len(lines) < 3:
        raise FormError("evidence line 1", FIRST, lines[0][:40])
    kind = lines[1].removeprefix("kind ")
    if lines[1] == kind or kind not in KINDS:
        raise FormError("evidence line 2", f"kind {' | '.join(KINDS)}", lines[1][:40])
    found: dict[str, list[str]] = {"chain": [], "exhibit": [], "root": [], "hash": []}
    for number, line in enumerate(lines[2:-1], 3):
        word, _, rest = line.partition(" ")
        if word not in found:
            raise FormError(f"evidence line {number}", " | ".join(found), line[:40])
        found[word].append(rest)
    evidence = Evidence(
        kind=kind,
        chain=tuple(_link(text) for text in found["chain"]),
        exhibits=_two([from_base64(text, "evidence: exhibit") for text in found["exhibit"]]),
        root=_hash(found["root"][0]) if found["root"] else None,
        path=tuple(_hash(text) for text in found["hash"]),
    )
    _check_parts(evidence, len(found["root"]))
    if format_evidence(evidence) != data:
        raise FormError("evidence", "its lines in the one order")
    return evidence


def _check_parts(evidence: Evidence, roots: int) -> None:
    rewritten = evidence.kind == REWRITTEN
    if roots != int(rewritten) or (evidence.path and not rewritten):
        raise FormError("evidence", "root and hashes for `rewritten` and for nothing else")
    if len(evidence.path) > MAX_PATH or not 1 <= len(evidence.chain) <= MAX_CHAIN:
        raise FormError("evidence", f"1 to {MAX_CHAIN} links and at most {MAX_PATH} hashes")


def _link(text: str) -> Link:
    leaf, separator, proof = text.partition(" ")
    if not separator:
        raise FormError("evidence: chain", "a leaf and a proof")
    return from_base64(leaf, "evidence: chain leaf"), from_base64(proof, "evidence: chain proof")


def _two(items: Sequence[bytes]) -> tuple[bytes, bytes]:
    if len(items) != 2:
        raise FormError("evidence", "two exhibits", len(items))
    return items[0], items[1]


def _hash(text: str) -> bytes:
    value = from_base64(text, "evidence: hash")
    if len(value) != HASH_BYTES:
        raise FormError("evidence: hash", f"{HASH_BYTES} bytes", len(value))
    return value


def convict(evidence: Evidence, accused: Accused, once: Mapping[int, int]) -> Conviction:
    """Return what an evidence file proves against the author of a log.

    Args:
        once: Kinds of entries that may be made once, with the number of leading fields of the
            body that say of what.

    Raises:
        FormError: An exhibit is malformed or of another log.
        VerificationError: A signature or proof does not hold, or the two do not contradict.
    """
    if evidence.kind == TWO_ENTRIES:
        return _two_entries(evidence, accused, once)
    first, second = (
        open_checkpoint(item, accused.origin, accused.checkpoint_key(item))
        for item in evidence.exhibits
    )
    if evidence.kind == TWO_HEADS:
        text = _two_heads(first, second)
    else:
        text = _rewritten(evidence, first, second)
    both = cosigners_of(first, accused.witnesses).keys() & cosigners_of(second, accused.witnesses)
    return Conviction(evidence.kind, accused.origin, text, tuple(sorted(both)))


def _two_heads(first: SignedCheckpoint, second: SignedCheckpoint) -> str:
    one, two = first.checkpoint, second.checkpoint
    if one.size != two.size or one.root == two.root:
        raise VerificationError("evidence: the two heads do not contradict each other")
    return f"two roots at size {one.size}: {one.root.hex()[:16]}, {two.root.hex()[:16]}"


def _rewritten(evidence: Evidence, first: SignedCheckpoint, second: SignedCheckpoint) -> str:
    older, newer = first.checkpoint, second.checkpoint
    if evidence.root is None or older.size >= newer.size or evidence.root == older.root:
        raise VerificationError("evidence: the two heads do not contradict each other")
    verify_consistency(older.size, evidence.root, newer.size, newer.root, evidence.path)
    return f"the log at size {newer.size} does not begin with the log signed at size {older.size}"


def _two_entries(evidence: Evidence, accused: Accused, once: Mapping[int, int]) -> Conviction:
    first, second = (decode_entry(leaf) for leaf in evidence.exhibits)
    if first.origin != accused.origin or second.origin != accused.origin:
        raise FormError("evidence: entries", f"of the log {accused.origin}", second.origin)
    items = [
        signature_item(leaf, accused.network_id, accused.entry_key(entry.index))
        for leaf, entry in zip(evidence.exhibits, (first, second), strict=True)
    ]
    if verify_many(items):
        raise VerificationError("evidence: an entry's signature does not hold")
    text = _contradict(first, second, once)
    if text is None:
        raise VerificationError("evidence: the two entries do not contradict each other")
    return Conviction(TWO_ENTRIES, accused.origin, text)


def _contradict(first: Entry, second: Entry, once: Mapping[int, int]) -> str | None:
    same_content = (first.kind, first.body) == (second.kind, second.body)
    if first.index == second.index:
        # Signing again at another millisecond says nothing new; another content does.
        return None if same_content else f"two entries at index {first.index}"
    leading = once.get(first.kind)
    if leading is None or first.kind != second.kind or same_content:
        return None
    what = [encoding.unpack(entry.body)[:leading] for entry in (first, second)]
    return f"two statements of kind {first.kind} about {what[0]}" if what[0] == what[1] else None
