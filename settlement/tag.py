"""The line of a document's QR code, for scanners and for `gongzhang audit document`.

    GZ1 <network 16> <KIND> <party> <period> R<revision> <result hash> <content hash> <total fen>

in capitals, so that a QR code takes it as alphanumeric text; `D` instead of `R` marks a draft.
"""

import re
from typing import NamedTuple

from ledger.errors import FormError
from settlement.document import EVERY_KIND, Document

_TAG = re.compile(
    r"GZ1 ([0-9A-F]{16}) ([A-Z-]{1,30}) ([1-9][0-9]{5}) (20[0-9]{2}(?:-[0-9]{2})?)"
    r" (R|D)([1-9][0-9]{0,6}) ([0-9A-F]{64}) ([0-9A-F]{64}) (-?(?:0|[1-9][0-9]{0,15}))"
)


class Tag(NamedTuple):
    """What a QR code says of its document; `D` before the revision marks a draft."""

    network: str  # the first 16 digits
    kind: str
    party: str
    period: str
    state: str
    revision: int
    result_hash: str
    content_hash: str
    total_fen: int

    def format(self) -> str:
        """Return the line."""
        mark = "D" if self.state == "draft" else "R"
        text = (
            f"GZ1 {self.network} {self.kind} {self.party} {self.period} {mark}{self.revision}"
            f" {self.result_hash} {self.content_hash} {self.total_fen}"
        )
        return text.upper()


def tag_of(document: Document) -> Tag:
    """Return what the QR code of a document says."""
    return Tag(
        document.network[:16],
        document.kind,
        document.party,
        document.period,
        document.state,
        document.revision,
        document.result_hash,
        document.hash.hex(),
        document.total_fen,
    )


def parse_tag(text: str) -> Tag:
    """Return what the line of a QR code says.

    Raises:
        FormError: Another form.
    """
    match = _TAG.fullmatch(text)
    if match is None or match[2].lower() not in EVERY_KIND:
        raise FormError("QR text", "GZ1 network KIND party period Rn hash hash fen", text[:250])
    network, kind, party, period, mark, revision, result, content, total = match.groups()
    state = "draft" if mark == "D" else "confirmed"
    return Tag(
        network.lower(), kind.lower(), party, period, state, int(revision),
        result.lower(), content.lower(), int(total),
    )  # fmt: skip


def find_tag(text: str) -> Tag | None:
    """Return the first line of a QR code that a text holds, or None."""
    match = _TAG.search(text)
    try:
        return None if match is None else parse_tag(match[0])
    except FormError:
        return None
