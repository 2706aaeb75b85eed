"""What an auditor has verified before: up to where the logs need not be verified again.

Either the report file of an earlier audit (`audit verify --report`), or a checkpoint of the
centre's log. The report names every log's head and its void entries. A checkpoint stands for the
last month that was confirmed below it: the heads of its cut. Whatever is named must be the
beginning of what is audited now; the trees are computed again from the first leaf in any case.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from ledger.checkpoint import parse_checkpoint
from ledger.errors import FormError
from ledger.note import parse_note

MAX_FILE = 64 * 1024 * 1024


@dataclass(frozen=True)
class Known:
    """One log as it was verified: nobody has to verify the signatures below `size` again."""

    size: int
    root: bytes
    bad: frozenset[int] = frozenset()  # entries whose signature does not hold


@dataclass(frozen=True)
class Since:
    """Everything an earlier audit has verified; `note` if it is a checkpoint of the centre."""

    network: str = ""
    logs: dict[str, Known] = field(default_factory=dict)
    note: bytes | None = None


def parse_since(data: bytes, place: str) -> Since:
    """Return what a report file or a checkpoint says.

    Raises:
        FormError: Neither, or a report of an audit that found something.
    """
    if len(data) > MAX_FILE:
        raise FormError(place, f"at most {MAX_FILE} bytes", len(data))
    if not data.lstrip().startswith(b"{"):
        try:
            parse_checkpoint(parse_note(data).text)
        except FormError as error:
            expected = "a report of `audit verify --report`, or a checkpoint of the centre's log"
            raise FormError(place, expected, str(error)) from None
        return Since(note=data)
    try:
        value = json.loads(data)
        return _of_report(value, place)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FormError(place, "a report of `audit verify --report`", repr(error)) from None


def _of_report(value: dict[str, Any], place: str) -> Since:
    if value["ok"] is not True:
        raise FormError(place, "the report of an audit that found nothing wrong")
    bad: dict[str, set[int]] = {}
    for item in value["void"]:
        if item["code"] == "SIGNATURE":
            bad.setdefault(item["log"], set()).add(int(item["index"]))
    logs = {
        code: Known(int(head["size"]), bytes.fromhex(head["root"]), frozenset(bad.get(code, ())))
        for code, head in value["heads"].items()
    }
    return Since(str(value["network"]), logs)
