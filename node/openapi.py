"""What the hospitals' door understands, as OpenAPI 3.1: made from the types that read it."""

from collections.abc import Iterator
from typing import Any

import msgspec

from settlement.claim import CATEGORIES, ClaimForm
from settlement.outcome import CLAIM
from settlement.record import Name

VERSION = "1"
BASE = "/api/v1/claims"
INTRODUCTION = "Bills at the counter of a treatment province. Money is yuan with two decimals."


class CancelForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The JSON that takes a settlement back."""

    setl_id: Name
    cancel_id: Name  # a new id, for the reversal
    setl_time: str


class FundView(msgspec.Struct, frozen=True):
    """What one fund pays."""

    code: str
    yuan: str


class StepView(msgspec.Struct, frozen=True):
    """One step of the computation (依据)."""

    step: str
    yuan: str
    en: str
    zh: str
    parameter: str
    source: str
    certainty: str
    fund: str


class DeterminationView(msgspec.Struct, frozen=True):
    """The insured province's signature over claim and row, in hex."""

    claim_hash: str
    index: int
    signature: str
    commitment: str


class ClaimView(msgspec.Struct, frozen=True):
    """A claim as hospitals are shown it."""

    setl_id: str
    institution: str
    state: str  # computed, asked, settled, cancelling, cancelled
    index: int | None  # in this province's log
    bill: dict[str, str] | None = None  # the national money columns, yuan
    funds: list[FundView] = []
    steps: list[StepView] = []
    row: dict[str, str] | None = None  # the settlement in the national field names
    determination: DeterminationView | None = None
    cancel_id: str | None = None
    cancel_index: int | None = None


class Problem(msgspec.Struct, frozen=True):
    """RFC 9457, with a stable code and the text to show."""

    title: str
    status: int
    code: str
    detail: str
    en: str = ""
    zh: str = ""


_ERRORS = {
    "400": "the body has another form; the field is named",
    "401": "no token of an institution",
    "404": "no claim of this institution has this id (UNKNOWN_CLAIM)",
    "422": "refused; the code says why",
    "503": "the insured province cannot be reached (UNREACHABLE), or this node is busy or locked",
    "504": "the insured province has not answered (UNKNOWN_OUTCOME): the same request again tells",
}


def document(url: str = "") -> dict[str, Any]:
    """Return the OpenAPI document of the hospitals' door."""
    types = (ClaimForm, CancelForm, ClaimView, Problem)
    _, components = msgspec.json.schema_components(
        types, ref_template="#/components/schemas/{name}"
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Gongzhang claims",
            "version": VERSION,
            "description": " ".join((INTRODUCTION, *_listed())),
        },
        "servers": [{"url": url}] if url else [],
        "security": [{"institution": []}],
        "paths": {
            f"{BASE}:presettle": _post("presettle", "compute; nothing is kept", "ClaimForm"),
            f"{BASE}:settle": _post("settle", "settle a bill, once", "ClaimForm"),
            f"{BASE}:cancel": _post("cancel", "take back what is left", "CancelForm"),
            f"{BASE}/{{setl_id}}": {
                "get": {
                    "operationId": "claim",
                    "summary": "how far a claim is",
                    "parameters": [
                        {"name": "setl_id", "in": "path", "required": True,
                         "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"}},
                    ],
                    "responses": _responses(),
                }
            },
        },
        "components": {
            "schemas": components,
            "securitySchemes": {"institution": {"type": "http", "scheme": "bearer"}},
        },
    }  # fmt: skip


def _listed() -> Iterator[str]:
    yield "Fee categories: " + ", ".join(f"{c} {en} {zh}" for c, (en, zh) in CATEGORIES.items())
    yield "Codes: " + "; ".join(f"{c}: {t.en} / {t.zh}" for c, t in sorted(CLAIM.items()))


def _post(name: str, summary: str, form: str) -> dict[str, Any]:
    return {
        "post": {
            "operationId": name,
            "summary": summary,
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": _ref(form)}},
            },
            "responses": _responses(),
        }
    }


def _responses() -> dict[str, Any]:
    good = {
        "description": "the claim",
        "content": {"application/json": {"schema": _ref("ClaimView")}},
    }
    problem = {"application/problem+json": {"schema": _ref("Problem")}}
    errors = {code: {"description": text, "content": problem} for code, text in _ERRORS.items()}
    return {"200": good, **errors}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
