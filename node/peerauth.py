"""Who is calling: peer requests are signed with the transport key of the roster.

    Gongzhang-Peer: <code> <unix ms> <base64 signature>

The signature covers the network, both codes, the path, the time and the body's hash, so a request
cannot be sent to somebody else, altered, or kept for later. Inside the window of five minutes each
is taken once: an answer may hold what only the sender is meant to read. Whoever sends two in one
millisecond moves the second on by one.
"""

from base64 import b64decode, b64encode
from collections import deque

from ledger.errors import FormError, VerificationError
from ledger.hashing import hash_bytes
from ledger.signature import sign, verify_many
from settlement.roster import Roster

HEADER = "Gongzhang-Peer"
WINDOW_MS = 300_000
SKEW_MS = 60_000
MAX_SEEN = 1_000_000


class Once:
    """Remembers the requests of the window, so that none is taken twice."""

    def __init__(self, started_ms: int) -> None:
        self._started_ms = started_ms  # what came before, nobody here remembers
        self._seen: deque[tuple[int, bytes]] = deque()
        self._known: set[bytes] = set()

    def check(self, value: str, now_ms: int) -> None:
        """Note the header of an authenticated request.

        Raises:
            VerificationError: It was taken before, or may have been taken before the last start.
        """
        _, at, signature = value.split(" ")
        if int(at) < self._started_ms - SKEW_MS:
            raise VerificationError(f"{HEADER}: older than this process; send it again")
        while self._seen and (self._seen[0][0] < now_ms or len(self._seen) >= MAX_SEEN):
            self._known.discard(self._seen.popleft()[1])
        digest = hash_bytes(signature.encode())
        if digest in self._known:
            raise VerificationError(f"{HEADER}: this request was taken before")
        self._known.add(digest)
        self._seen.append((now_ms + 2 * WINDOW_MS, digest))


def message(network_id: bytes, sender: str, to: str, path: str, at_ms: int, body: bytes) -> bytes:
    """Return the bytes a peer request signs."""
    line = f"{sender} {to} {path} {at_ms}\n".encode()
    return b"gongzhang/request/v1\n" + network_id + line + hash_bytes(body)


def header(
    roster: Roster, seed: bytes, sender: str, to: str, path: str, at_ms: int, body: bytes
) -> str:
    """Return the header value that authenticates a request."""
    signature = sign(seed, message(roster.network_id, sender, to, path, at_ms, body))
    return f"{sender} {at_ms} {b64encode(signature).decode()}"


def authenticate(
    roster: Roster, value: str | None, to: str, path: str, now_ms: int, body: bytes
) -> str:
    """Return the code of the member who signed a request.

    Raises:
        FormError: The header is missing or malformed.
        VerificationError: Not a member, outside the window of five minutes, or a wrong signature.
    """
    parts = (value or "").split(" ")
    if len(parts) != 3 or not parts[1].isdigit() or len(parts[1]) > 16:
        raise FormError(HEADER, "`code milliseconds signature`", value)
    sender, at_ms = parts[0], int(parts[1])
    if sender not in roster.members:
        raise VerificationError(f"{HEADER}: {sender[:20]} is no member")
    if abs(now_ms - at_ms) > WINDOW_MS:
        raise VerificationError(f"{HEADER}: the request is not of these five minutes")
    try:
        signature = b64decode(parts[2], validate=True)
    except ValueError:
        raise FormError(HEADER, "a base64 signature") from None
    signed = message(roster.network_id, sender, to, path, at_ms, body)
    # The key before a rotation counts, too: not everybody has heard of it yet. A frozen member's
    # keys count nowhere.
    keys = () if roster.frozen(sender) else roster.generation(sender).keys("transport")
    if len(verify_many([(key, signed, signature) for key in keys])) == len(keys):
        raise VerificationError(f"{HEADER}: the signature is not by {sender}")
    return sender
