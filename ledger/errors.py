"""What can go wrong in a ledger, one type per meaning.

    LedgerError
    ├── FormError          bytes do not have the form they must have (place, expected, got)
    ├── VerificationError  checked and false: a signature, proof, root or quorum does not hold
    ├── UncheckableError   could not be checked: something needed is missing or out of reach
    ├── RefusedError       a rule refuses what was asked; nothing was changed
    ├── KeyFileError       a key file is missing, too open, damaged, or its passphrase is wrong
    └── StoreError         the store cannot go on
        ├── DamageError    stored bytes are not what was stored (place, expected, found)
        ├── RewoundError   the store is older than what was signed from it
        ├── ForeignError   the store belongs to another network, participant or engine
        ├── StoreFullError the disk has no room; nothing was stored
        └── BrokenDiskError the disk answered a write with an error: stop writing

The command line maps FormError to exit 2, VerificationError and RefusedError to 1,
UncheckableError to 3, StoreError to 4.
"""


class LedgerError(Exception):
    """Base of everything a caller may want to catch."""

    code = "LEDGER"


class FormError(LedgerError):
    """Bytes do not have the form they must have."""

    code = "FORM"

    def __init__(self, place: str, expected: str, got: object = None) -> None:
        self.place, self.expected, self.got = place, expected, got
        shown = "" if got is None else f", got {_short(got)}"
        super().__init__(f"{place}: expected {expected}{shown}")


class VerificationError(LedgerError):
    """Checked and false."""

    code = "FALSE"

    def __init__(self, what: str, expected: object = None, got: object = None) -> None:
        self.what, self.expected, self.got = what, expected, got
        shown = "" if expected is None else f": expected {_short(expected)}, got {_short(got)}"
        super().__init__(what + shown)


class UncheckableError(LedgerError):
    """Could not be checked; says nothing about true or false."""

    code = "UNCHECKABLE"


class RefusedError(LedgerError):
    """A rule refuses what was asked; nothing was changed.

    Attributes:
        code: Stable code of the rule, in capitals.
    """

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        super().__init__(text)


class KeyFileError(LedgerError):
    """A key file is missing, readable by others, damaged, or its passphrase is wrong."""

    code = "KEY_FILE"


class StoreError(LedgerError):
    """The store cannot go on as it is."""

    code = "STORE"


class DamageError(StoreError):
    """Stored bytes are not what was stored."""

    code = "DAMAGED"

    def __init__(self, place: str, expected: object = "intact bytes", found: object = None) -> None:
        self.place, self.expected, self.found = place, expected, found
        super().__init__(f"{place}: expected {_short(expected)}, found {_short(found)}")


class RewoundError(StoreError):
    """The store is older than what was signed from it."""

    code = "REWOUND"


class ForeignError(StoreError):
    """The store belongs to another network, participant, schema or engine."""

    code = "FOREIGN"


class StoreFullError(StoreError):
    """The disk has no room; nothing was stored."""

    code = "DISK_FULL"


class BrokenDiskError(StoreError):
    """The disk answered a write with an error; stop, and verify before the next start."""

    code = "DISK_ERROR"


def _short(value: object, limit: int = 120) -> str:
    text = value.hex() if isinstance(value, bytes) else str(value)
    return text if len(text) <= limit else text[:limit] + "…"
