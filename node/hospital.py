"""The hospitals' door: claims over HTTP, for the systems of the institutions of this province.

    POST /api/v1/claims:presettle   what would be paid; nothing is kept
    POST /api/v1/claims:settle      settle, once
    POST /api/v1/claims:cancel      {"setl_id", "cancel_id", "setl_time"}: take back what is left
    GET  /api/v1/claims/{setl_id}   how far a claim is
    GET  /api/v1/openapi.json       all of this for programs

The door on TCP asks for `Authorization: Bearer TOKEN`; each institution has its own token and sees
its own claims only. The operators' socket serves the same without one. Errors are problem+json with
a stable code and the text to show, in English and Chinese.
"""

import hmac
import re
import secrets
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from ledger.disk import write_durably
from ledger.errors import FormError
from ledger.hashing import hash_bytes
from ledger.table import Store
from node.door import body
from node.driver import Driver
from node.errors import problem
from node.openapi import CancelForm, document
from node.refusal import StrangerError
from settlement import lookup
from settlement.claim import MAX_JSON, read_claim

TOKENS = "hospitals.toml"
TOKEN_BYTES = 32
_INSTITUTION = re.compile(r"[A-Z][1-9][0-9]{10}")
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Tokens:
    """Which institution a token belongs to; only hashes are kept, in `hospitals.toml`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] = (0, 0)
        self._hashes: dict[str, bytes] = {}

    def institution(self, header: str | None) -> str | None:
        """Return the institution an Authorization header speaks for, or None."""
        scheme, _, token = (header or "").partition(" ")
        if scheme != "Bearer" or not token:
            return None
        self._load()
        digest = hash_bytes(token.encode())
        found = [code for code, known in self._hashes.items() if hmac.compare_digest(known, digest)]
        return found[0] if found else None

    def issue(self, institution: str) -> str:
        """Return a new token for an institution; an older one ends here.

        Raises:
            FormError: Not the code of an institution.
        """
        if not _INSTITUTION.fullmatch(institution):
            raise FormError("institution", "a letter and eleven digits", institution)
        self._load()
        token = secrets.token_urlsafe(TOKEN_BYTES)
        self._hashes[institution] = hash_bytes(token.encode())
        lines = [f'{code} = "{self._hashes[code].hex()}"' for code in sorted(self._hashes)]
        write_durably(self._path, ("\n".join(lines) + "\n").encode())
        return token

    def _load(self) -> None:
        try:
            info = self._path.stat()
        except FileNotFoundError:
            self._hashes = {}
            return
        if (info.st_mtime_ns, info.st_size) == self._seen:
            return
        try:
            table = tomllib.loads(self._path.read_text(encoding="utf-8"))
            hashes = {str(code): bytes.fromhex(value) for code, value in table.items()}
        except (ValueError, TypeError) as error:
            raise FormError(str(self._path), "CODE = hash of a token", str(error)) from None
        self._hashes, self._seen = hashes, (info.st_mtime_ns, info.st_size)


class Counter:
    """The handlers; `tokens` None lets everybody in (the operators' socket)."""

    def __init__(self, driver: Driver, store: Store, code: str, tokens: Tokens | None) -> None:
        self._driver = driver
        self._store = store
        self._code = code
        self._tokens = tokens

    def routes(self, app: web.Application) -> None:
        """Add the handlers to an application."""
        app.router.add_post("/api/v1/claims:presettle", self._order("presettle"))
        app.router.add_post("/api/v1/claims:settle", self._order("settle"))
        app.router.add_post("/api/v1/claims:cancel", self._cancel)
        app.router.add_get("/api/v1/claims/{setl_id}", self._show)
        app.router.add_get("/api/v1/openapi.json", self._document)

    def _order(self, verb: str) -> Callable[[web.Request], Any]:
        async def handle(request: web.Request) -> web.Response:
            who = self._who(request)
            claim = read_claim(await _json(request), self._area)
            if who is not None and claim.institution != who:
                return _stranger()
            return web.json_response(await self._driver.order(verb, {"claim": claim}))

        return handle

    async def _cancel(self, request: web.Request) -> web.Response:
        who = self._who(request)
        try:
            form = msgspec.json.decode(await _json(request), type=CancelForm)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise FormError("cancellation", "setl_id, cancel_id, setl_time", str(error)) from None
        if who is not None and not await self._owns(who, form.setl_id):
            return _stranger()
        arguments = msgspec.structs.asdict(form)
        return web.json_response(await self._driver.order("cancel", arguments))

    async def _show(self, request: web.Request) -> web.Response:
        who = self._who(request)
        setl_id = request.match_info["setl_id"]
        if not _ID.fullmatch(setl_id):
            raise FormError("setl_id", "1 to 64 letters, digits, dot, dash, underscore", setl_id)
        value = await self._driver.order("claim", {"setl_id": setl_id})
        if who is not None and value["institution"] != who:
            return _stranger()
        return web.json_response(value)

    async def _document(self, _request: web.Request) -> web.Response:
        return web.json_response(document())

    async def _owns(self, who: str, setl_id: str) -> bool:
        value = await self._driver.order("claim", {"setl_id": setl_id})
        return bool(value["institution"] == who)

    def _who(self, request: web.Request) -> str | None:
        if self._tokens is None:
            return None
        who = self._tokens.institution(request.headers.get("Authorization"))
        if who is None:
            raise StrangerError("a token of an institution is needed: Authorization: Bearer TOKEN")
        return who

    def _area(self, institution: str) -> str | None:
        with self._store.read() as reader:
            found = lookup.institution(reader, self._code, institution)
        return None if found is None else found.area


async def _json(request: web.Request) -> bytes:
    data = await body(request)
    if len(data) > MAX_JSON:
        raise FormError("body", f"at most {MAX_JSON} bytes", len(data))
    return data


def _stranger() -> web.Response:
    # The same as for an id that does not exist, so that nobody can find out whose it is.
    return problem(404, "UNKNOWN_CLAIM", "no claim of this institution has this id")
