"""Giving orders to a running node through the socket in its home."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from ledger.errors import LedgerError, RefusedError, UncheckableError
from node.socket import NAME, short_path

TIMEOUT = aiohttp.ClientTimeout(total=300)


class NodeDownError(UncheckableError):
    """No node runs in this home."""

    code = "NODE_DOWN"


async def call(
    home: Path, path: str, data: bytes = b"", query: str = "", method: str = "POST"
) -> tuple[int, Any]:
    """Return the status and JSON of a call to the node of a home.

    Raises:
        NodeDownError: No node is running there.
        UncheckableError: It did not answer in JSON.
    """
    if not (home / NAME).exists():
        raise NodeDownError(f"no node is running in {home}; start it with `gongzhang node run`")
    try:
        with short_path(home) as socket:
            connector = aiohttp.UnixConnector(path=socket)
            async with aiohttp.ClientSession(connector=connector, timeout=TIMEOUT) as session:
                url = f"http://node{path}" + (f"?{query}" if query else "")
                async with session.request(method, url, data=data) as response:
                    return response.status, json.loads(await response.read())
    except (aiohttp.ClientConnectionError, OSError) as error:
        raise NodeDownError(f"the node in {home} does not answer: {error}") from None
    except (TimeoutError, ValueError) as error:
        raise UncheckableError(f"the node in {home} answered nonsense: {error}") from None


@asynccontextmanager
async def session(home: Path) -> AsyncIterator[aiohttp.ClientSession]:
    """Yield a session with the node of a home, for many calls; the host in URLs is `node`.

    Raises:
        NodeDownError: No node is running there.
    """
    if not (home / NAME).exists():
        raise NodeDownError(f"no node is running in {home}; start it with `gongzhang node run`")
    with short_path(home) as path:
        connector = aiohttp.UnixConnector(path=path, limit=64)
        async with aiohttp.ClientSession(connector=connector, timeout=TIMEOUT) as opened:
            yield opened


async def order(home: Path, verb: str, **arguments: Any) -> Any:
    """Return what an order came to.

    Raises:
        RefusedError: The node refused it; `code` says why.
        UncheckableError: The node is not running, too busy, or stopping.
    """
    status, value = await call(home, f"/api/v1/orders/{verb}", json.dumps(arguments).encode())
    check(status, value)
    return value


def check(status: int, value: Any) -> None:
    """Raise what a problem answer means."""
    if status == 200:
        return
    detail = value.get("detail", "") if isinstance(value, dict) else str(value)
    code = value.get("code", "REFUSED") if isinstance(value, dict) else "REFUSED"
    if status in (503, 504, 408):
        raise UncheckableError(f"{code}: {detail}")
    if status in (400, 404, 422):
        raise RefusedError(code, detail)
    raise LedgerError(f"{code}: {detail}")
