"""Who is calling: peer requests are signed with the transport key of the roster.

    Gongzhang-Peer: <code> <unix ms> <base64 signature>

The signature covers the network, both codes, the path, the time and the body's hash, so a request
cannot be sent to somebody else, altered, or kept for later. All peer calls are idempotent, so one
repeated inside the window changes nothing.
"""

from base64 import b64decode, b64encode

from ledger.errors import FormError, VerificationError
from ledger.hashing import hash_bytes
from ledger.signature import sign, verify_many
from settlement.roster import Roster

HEADER = "Gongzhang-Peer"
WINDOW_MS = 300_000


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
