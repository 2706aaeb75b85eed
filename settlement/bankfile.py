"""A bank's file, whichever of the three forms it has: camt.053, CSV or xlsx."""

from dataclasses import dataclass, field

from ledger.errors import FormError
from settlement.bankstatement import Statement
from settlement.banktable import read_table
from settlement.camt import read_camt


@dataclass
class Reading:
    """What a file says, or the one thing that is wrong with it: place, expected, got."""

    statements: list[Statement] = field(default_factory=list)
    fault: tuple[str, str, str] | None = None


def read_statements(data: bytes) -> Reading:
    """Return the statements in a file; a file made for it can end the process: `node.reading`."""
    # XML begins with a bracket, perhaps after a byte order mark; no table does.
    is_xml = data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<"
    try:
        return Reading(read_camt(data) if is_xml else read_table(data))
    except FormError as error:
        return Reading(
            fault=(error.place, error.expected, "" if error.got is None else f"{error.got}")
        )
