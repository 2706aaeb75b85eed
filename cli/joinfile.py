"""The join file: what a participant hands in to be named in the genesis, as text.

gongzhang-join v1
code 630000
url http://10.1.2.3:7063
entry <64 hex>
checkpoint <64 hex>
witness <64 hex>
transport <64 hex>
"""

from typing import NamedTuple

from ledger.errors import FormError
from node.config import split_url
from settlement.party import party
from settlement.record import Member

FIRST = "gongzhang-join v1"
NAMES = ("code", "url", "entry", "checkpoint", "witness", "transport")


class JoinFile(NamedTuple):
    """A participant's public keys and where it can be reached."""

    member: Member
    url: str


def format_join(join: JoinFile) -> str:
    """Return the text of a join file."""
    member = join.member
    keys = (member.entry_key, member.checkpoint_key, member.witness_key, member.transport_key)
    values = (member.code, join.url, *(key.hex() for key in keys))
    rows = [f"{name} {value}" for name, value in zip(NAMES, values, strict=True)]
    return "\n".join([FIRST, *rows, ""])


def parse_join(text: str, place: str) -> JoinFile:
    """Return the join file of a text.

    Raises:
        FormError: The place, and what was expected there.
    """
    lines = text.split("\n")
    if lines[0] != FIRST or len(lines) != len(NAMES) + 2 or lines[-1]:
        raise FormError(place, f"a join file beginning with `{FIRST}`")
    values = []
    for name, line in zip(NAMES, lines[1:], strict=False):
        if not line.startswith(name + " "):
            raise FormError(place, f"a line `{name} …`", line)
        values.append(line[len(name) + 1 :])
    code, url, *keys = values
    party(code)
    split_url(url, f"{place}: url")
    for name, key in zip(NAMES[2:], keys, strict=True):
        if len(key) != 64 or set(key) - set("0123456789abcdef"):
            raise FormError(f"{place}: {name}", "64 hex digits", key)
    return JoinFile(Member(code, *(bytes.fromhex(key) for key in keys)), url)
