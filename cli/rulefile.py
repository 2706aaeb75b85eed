"""Rule sets on the command line: a file, or the name of one that comes with the program."""

from pathlib import Path

from ledger.errors import FormError
from settlement import shipped


def read_ruleset(text: str) -> bytes:
    """Return the bytes of the rule set that `text` names.

    Raises:
        FormError: No such file, and no rule set of this name comes with the program.
    """
    if text in shipped.rulesets():
        return shipped.ruleset(text)
    try:
        return Path(text).read_bytes()
    except OSError:
        known = ", ".join(shipped.rulesets())
        raise FormError("--ruleset", f"a file, or one of {known}", text) from None
