"""Why a node does not do what it was asked, where `ledger.errors` has no word for it."""

from ledger.errors import LedgerError, RefusedError, UncheckableError
from settlement.outcome import CLAIM


class StrangerError(LedgerError):
    """Nobody who may ask this here."""

    code = "TOKEN"


class OutcomeUnknownError(UncheckableError):
    """Another node was asked and has not answered; asking again with the same id tells."""

    code = "UNKNOWN_OUTCOME"


def refused(code: str, detail: str) -> RefusedError:
    """Return the refusal of a claim: a code of `outcome.CLAIM`, and what it is about."""
    text = CLAIM.get(code)
    return RefusedError(code, f"{text.en}: {detail}" if text else detail)
