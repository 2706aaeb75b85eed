"""HTTP routes of the directory of institutions and of erasing.

Public:  GET /api/v1/institutions?area=510100&service=…&name=…&state=…&cursor=…&limit=…
Socket:  the same, POST /api/v1/institutions (a CSV file), POST /api/v1/orders/erase, erase_again
"""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from ledger.errors import FormError, RefusedError
from ledger.table import Store
from node.directory import SLICE, DirectoryPlan, plan_directory
from node.driver import Driver, OverloadedError
from node.erasure import cases_of, erased_ids
from node.province import Province
from settlement import field
from settlement.directory import PAGE, Page, Query, find, shown
from settlement.person import check_token

ASKED = {"area", "service", "name", "state", "cursor", "limit"}
BODY_SECONDS = 20
MAX_SEARCHES = 4  # at a time: anybody may ask, and the node has other things to do


class Routes:
    """The routes of one node."""

    def __init__(self, driver: Driver, store: Store) -> None:
        self._driver = driver
        self._store = store
        self._searching = 0

    def public(self, app: web.Application) -> None:
        """Add what everybody may ask."""
        app.router.add_get("/api/v1/institutions", self._find)

    def operators(self, app: web.Application) -> None:
        """Add what operators may do; before the route for all orders."""
        app.router.add_get("/api/v1/institutions", self._find)
        app.router.add_post("/api/v1/institutions", self._import)
        app.router.add_post("/api/v1/orders/erase", self._erase)
        app.router.add_post("/api/v1/orders/erase_again", self._erase_again)

    async def _find(self, request: web.Request) -> web.Response:
        query = query_of(dict(request.query), twice=len(request.query) != len(set(request.query)))
        if self._searching >= MAX_SEARCHES:
            raise OverloadedError
        self._searching += 1
        try:
            page = await asyncio.to_thread(self._page, query)
        finally:
            self._searching -= 1
        found = [shown(record) for record in page.found]
        return web.json_response({"institutions": found, "cursor": page.cursor})

    def _page(self, query: Query) -> Page:
        with self._store.read() as reader:
            return find(reader, query)

    async def _import(self, request: web.Request) -> web.Response:
        role = self._province()
        async with asyncio.timeout(BODY_SECONDS):
            data = await request.read()
        plan = await asyncio.to_thread(self._plan, role.code, data)
        report = plan.report()
        if plan.faults or "dry_run" in request.query:
            return web.json_response(report, status=422 if plan.faults else 200)
        # In slices, so that the node goes on answering; a file cut short by a crash is sent again.
        entered = 0
        for start in range(0, len(plan.rows), SLICE):
            rows = plan.rows[start : start + SLICE]
            value = await self._driver.order("institutions_put", {"rows": rows})
            entered += value["entered"]
        return web.json_response({**report, "entered": entered})

    def _plan(self, code: str, data: bytes) -> DirectoryPlan:
        with self._store.read() as reader:
            return plan_directory(reader, code, data)

    async def _erase(self, request: web.Request) -> web.Response:
        role = self._province()
        arguments = await _arguments(request, "token")
        token = check_token(arguments["token"])
        # All case files are read for this, outside the turn in which the node does nothing else.
        arguments["cases"] = await asyncio.to_thread(_cases, role, token)
        return web.json_response(await self._driver.order("erase", arguments))

    async def _erase_again(self, request: web.Request) -> web.Response:
        role = self._province()
        arguments = await _arguments(request, "province")
        province = field.area("province", arguments["province"])
        arguments["ids"] = await asyncio.to_thread(self._erased, role, province)
        return web.json_response(await self._driver.order("erase_again", arguments))

    def _erased(self, role: Province, province: str) -> Sequence[list[str]]:
        with self._store.read() as reader, role.vault.store.read() as vault:
            return erased_ids(reader, vault, role.code, province)

    def _province(self) -> Province:
        role = self._driver.role
        if not isinstance(role, Province):
            raise RefusedError("ROLE", "only a province's node keeps a register")
        return role


async def _arguments(request: web.Request, needed: str) -> dict[str, Any]:
    try:
        async with asyncio.timeout(BODY_SECONDS):
            arguments = json.loads(await request.read())
    except ValueError as error:
        raise FormError("order", "a JSON object", str(error)) from None
    if not isinstance(arguments, dict) or needed not in arguments:
        raise FormError("order", f"a JSON object with {needed}", arguments)
    return arguments


def _cases(role: Province, token: str) -> list[tuple[str, str]]:
    with role.vault.store.read() as vault:
        return cases_of(vault, token)


def query_of(given: dict[str, Any], *, twice: bool = False) -> Query:
    """Return the query of a request's parameters.

    Raises:
        FormError: A parameter that is not known, given twice, or not what it must be.
    """
    unknown = sorted(given.keys() - ASKED)
    if unknown or twice or "area" not in given:
        expected = f"area, each of {', '.join(sorted(ASKED))} at most once"
        raise FormError("query", expected, ", ".join(unknown or given))
    limit = given.get("limit", str(PAGE))
    if not (limit.isascii() and limit.isdigit() and len(limit) < 5):
        raise FormError("limit", "a whole number", limit)
    return Query(**{**given, "limit": int(limit)})
