"""How errors look over HTTP: one table, problem+json with stable codes."""

from typing import Any

from aiohttp import web

from ledger.errors import (
    DamageError,
    FormError,
    LedgerError,
    RefusedError,
    StoreError,
    StoreFullError,
    UncheckableError,
    VerificationError,
)
from node.refusal import OutcomeUnknownError, StrangerError
from settlement.outcome import CLAIM

# Refusals of claims that have a status of their own; every other one is 422.
_STATUS_BY_CODE = {"UNREACHABLE": 503, "UNKNOWN_CLAIM": 404}

STATUS: tuple[tuple[type[LedgerError], int], ...] = (
    (StrangerError, 401),
    (OutcomeUnknownError, 504),
    (StoreFullError, 507),
    (DamageError, 500),
    (StoreError, 503),
    (UncheckableError, 503),
    (VerificationError, 422),
    (RefusedError, 422),
    (FormError, 400),
    (LedgerError, 500),
)


def status_of(error: LedgerError) -> int:
    """Return the HTTP status of an error."""
    if isinstance(error, RefusedError) and error.code in _STATUS_BY_CODE:
        return _STATUS_BY_CODE[error.code]
    return next(status for kind, status in STATUS if isinstance(error, kind))


def problem(status: int, code: str, detail: str, **more: Any) -> web.Response:
    """Return a problem+json response (RFC 9457)."""
    body = {"title": code, "status": status, "code": code, "detail": detail, **more}
    return web.json_response(body, status=status, content_type="application/problem+json")


def problem_of(error: LedgerError) -> web.Response:
    """Return the response for an error."""
    is_claim = isinstance(error, RefusedError | OutcomeUnknownError)
    text = CLAIM.get(error.code) if is_claim else None
    shown = {} if text is None else {"en": text.en, "zh": text.zh}
    return problem(status_of(error), error.code, str(error), **shown)
