"""The way in: HTTP for other nodes and auditors, and a Unix socket for the node's operators.

Public:  POST /witness/add-checkpoint, GET /witness/<digest>/checkpoint, POST /peer/v1/…,
         GET /log/<code>/…, GET /healthz, GET /api/v1/institutions (see `routes`)
Socket:  POST /api/v1/orders/<verb>, POST /api/v1/import, GET /api/v1/day/statement,
         POST /api/v1/day/compare, POST /api/v1/bank/import (mode 0600)
"""

import asyncio
import json
import re
from typing import Any

import structlog
from aiohttp import web

from ledger.errors import FormError, RefusedError, VerificationError
from ledger.table import Store
from node import peerauth, serve
from node.clock import wall_ms
from node.daycompare import check_side, compare_export, faults_value, span_of
from node.door import body, guard
from node.driver import Driver
from node.errors import problem
from node.hospital import Counter, Tokens
from node.intake import plan_import
from node.message import MAX_BODY, PEER_MESSAGES, AddCheckpoint, Answer, decode_message
from node.province import Province
from node.reading import read_apart, read_bank_apart
from node.routes import Routes
from settlement.claim import MAX_JSON
from settlement.csvfile import MAX_FILE

_log = structlog.get_logger("server")

SMALL_PULL = 256
BYTES = {
    "admit": "admission",
    "freeze": "freeze",
    "ruleset": "text",
    "holidays": "text",
    "cities": "document",
    "instruct": "digest",
}  # verb -> hex in JSON
MAX_PRIVATE = 2
IMMUTABLE = "public, max-age=31536000, immutable"
TILE = re.compile(
    r"(?:(entries)|([0-9]|[1-5][0-9]|6[0-3]))/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?"
)


class Server:
    """The HTTP face of one node."""

    def __init__(self, driver: Driver, store: Store, code: str) -> None:
        self._driver = driver
        self._store = store
        self._code = code
        self._once = peerauth.Once(wall_ms())
        self._routes = Routes(driver, store)
        self._private = asyncio.Semaphore(MAX_PRIVATE)

    def public(self) -> web.Application:
        """Return the application other nodes and auditors talk to."""
        app = web.Application(client_max_size=MAX_BODY, middlewares=[guard])
        app.router.add_get("/healthz", self._health)
        app.router.add_post(AddCheckpoint.path, self._witness)
        for path in PEER_MESSAGES:
            app.router.add_post(path, self._peer)
        app.router.add_get("/witness/{digest}/checkpoint", self._monitored)
        app.router.add_get("/log/{code}/checkpoint", self._checkpoint)
        app.router.add_get("/log/{code}/tile/{place:.+}", self._tile)
        self._routes.public(app)
        return app

    def operators(self) -> web.Application:
        """Return the application the command line talks to, through the socket."""
        app = web.Application(client_max_size=MAX_FILE + 1024, middlewares=[guard])
        app.router.add_get("/healthz", self._health)
        self._routes.operators(app)
        app.router.add_post("/api/v1/orders/{verb}", self._order)
        app.router.add_post("/api/v1/import", self._import)
        app.router.add_get("/api/v1/day/statement", self._statement)
        app.router.add_post("/api/v1/day/compare", self._compare)
        app.router.add_post("/api/v1/bank/import", self._bank_import)
        Counter(self._driver, self._store, self._code, None).routes(app)
        return app

    def hospitals(self, tokens: Tokens) -> web.Application:
        """Return the application that the systems of hospitals talk to."""
        app = web.Application(client_max_size=2 * MAX_JSON, middlewares=[guard])
        app.router.add_get("/healthz", self._health)
        Counter(self._driver, self._store, self._code, tokens).routes(app)
        return app

    async def _health(self, _request: web.Request) -> web.Response:
        locked = not self._driver.role.lock.open
        value = {"code": self._code, "turns": self._driver.turns, "locked": locked}
        return web.json_response(value)

    async def _witness(self, request: web.Request) -> web.Response:
        answer = await self._driver.ask(None, AddCheckpoint(await body(request)))
        kind = "text/x.tlog.size" if answer.status == 409 else "text/plain"
        return web.Response(status=answer.status, body=answer.body, content_type=kind)

    async def _peer(self, request: web.Request) -> web.Response:
        data = await body(request)
        header, now_ms = request.headers.get(peerauth.HEADER, ""), wall_ms()
        roster = self._driver.role.roster
        try:
            sender = peerauth.authenticate(roster, header, self._code, request.path, now_ms, data)
            self._once.check(header, now_ms)
        except (FormError, VerificationError) as error:
            return problem(401, "PEER", str(error))
        message = decode_message(request.path, data)
        if message.private:
            # A day may be many case files; one member must not keep every thread busy.
            async with self._private:
                role = self._driver.role
                return _response(await asyncio.to_thread(role.answer_privately, sender, message))
        if message.changes:
            return _response(await self._driver.ask(sender, message))
        if getattr(message, "stop", 0) - getattr(message, "start", 0) > SMALL_PULL:
            return _response(await asyncio.to_thread(self._serve, message))
        return _response(self._serve(message))

    def _serve(self, message: Any) -> Answer:
        with self._store.read() as reader:
            return serve.serve(reader, message)

    async def _checkpoint(self, request: web.Request) -> web.Response:
        with self._store.read() as reader:
            answer = serve.checkpoint(reader, request.match_info["code"])
        response = web.Response(
            status=answer.status, body=answer.body, content_type="text/plain", charset="utf-8"
        )
        response.headers["Cache-Control"] = "no-cache"
        return response

    async def _monitored(self, request: web.Request) -> web.Response:
        with self._store.read() as reader:
            note = self._driver.role.witness.latest(reader, request.match_info["digest"])
        if note is None:
            return problem(404, "WITNESS", "nothing of such a log has been cosigned here")
        response = web.Response(body=note, content_type="text/plain", charset="utf-8")
        response.headers["Cache-Control"] = "no-cache"
        return response

    async def _tile(self, request: web.Request) -> web.Response:
        match = TILE.fullmatch(request.match_info["place"])
        if match is None:
            return problem(404, "TILE", "no such tile")
        entries, level, place, partial = match.groups()
        number = int(place.replace("x", "").replace("/", ""))
        width = int(partial) if partial else 256
        code = request.match_info["code"]
        with self._store.read() as reader:
            if entries:
                answer = serve.bundle(reader, code, number, width)
            else:
                answer = serve.tile(reader, code, int(level), number, width)
        response = _response(answer)
        if answer.ok:
            response.headers["Cache-Control"] = IMMUTABLE
        return response

    async def _order(self, request: web.Request) -> web.Response:
        try:
            arguments = json.loads(await body(request) or b"{}")
        except ValueError as error:
            raise FormError("order", "a JSON object", str(error)) from None
        if not isinstance(arguments, dict):
            raise FormError("order", "a JSON object", type(arguments).__name__)
        verb = request.match_info["verb"]
        name = BYTES.get(verb, "")
        if name in arguments:
            arguments[name] = _unhex(name, arguments[name])
        value = await self._driver.order(verb, arguments)
        return web.json_response(value)

    async def _import(self, request: web.Request) -> web.Response:
        data = await body(request)
        plan = await asyncio.to_thread(
            plan_import, self._driver.role, data, only_mine="only_mine" in request.query
        )
        report = plan.report()
        if plan.faults or "dry_run" in request.query:
            return web.json_response(report, status=422 if plan.faults else 200)
        value = await self._driver.order("import", {"rows": plan.rows})
        return web.json_response({**report, **value})

    async def _statement(self, request: web.Request) -> web.Response:
        role, query = self._driver.role, request.query
        if not isinstance(role, Province):
            raise RefusedError("ROLE", "only a province's node has statements")
        value = await asyncio.to_thread(
            role.daybook.value, query.get("day"), query.get("with"), wall_ms()
        )
        return web.json_response(value)

    async def _compare(self, request: web.Request) -> web.Response:
        query = request.query
        span = span_of(query.get("day"), query.get("month"))
        side = check_side(query.get("side", "insured"))
        export = await read_apart(await body(request))
        if export.faults:
            return problem(422, **faults_value(export))
        value = await asyncio.to_thread(compare_export, self._driver.role, export, span, side)
        return web.json_response(value)

    async def _bank_import(self, request: web.Request) -> web.Response:
        query = request.query
        statements = await read_bank_apart(await body(request))
        arguments = {"statements": statements, "dry_run": "dry_run" in query}
        if "account" in query:
            arguments["account"] = query["account"]
        return web.json_response(await self._driver.order("bank_import", arguments))


def _unhex(name: str, value: Any) -> bytes:
    try:
        return bytes.fromhex(value)
    except (TypeError, ValueError):
        raise FormError(f"order: {name}", "hex digits", value) from None


def _response(answer: Answer) -> web.Response:
    return web.Response(
        status=answer.status or 503, body=answer.body, content_type="application/octet-stream"
    )


async def listen(
    app: web.Application, *, address: tuple[str, int] | None = None, socket: str | None = None
) -> web.AppRunner:
    """Serve an application on a TCP address or a Unix socket; returns its runner.

    Raises:
        OSError: The address is taken or not allowed.
    """
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=3)
    await runner.setup()
    site: web.BaseSite
    if socket is not None:
        site = web.UnixSite(runner, socket)
    else:
        assert address is not None
        site = web.TCPSite(runner, *address, reuse_address=True)
    await site.start()
    return runner
