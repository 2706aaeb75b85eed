"""What every HTTP door of a node has in common: bodies with an end, errors as problem+json."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from ledger.errors import DamageError, LedgerError
from node.driver import OverloadedError
from node.errors import problem, problem_of

_log = structlog.get_logger("door")

BODY_SECONDS = 20
_HTTP = {404: "PATH", 405: "METHOD", 413: "TOO_LARGE"}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def body(request: web.Request) -> bytes:
    """Return the body of a request; raises TimeoutError if it does not come."""
    # A body that was promised and never comes must not hold a connection for ever.
    async with asyncio.timeout(BODY_SECONDS):
        return await request.read()


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer errors as problem+json; say nothing about what runs here."""
    if request.headers.get("Content-Encoding"):
        return problem(415, "ENCODING", "compressed bodies are not accepted")
    try:
        response = await handler(request)
    except TimeoutError:
        return problem(408, "TIMEOUT", "the request's body did not come")
    except OverloadedError:
        busy = problem(503, "BUSY", "too many requests are waiting; try again")
        busy.headers["Retry-After"] = "1"
        return busy
    except web.HTTPException as error:  # no such path, another method, a body beyond the limit
        return problem(error.status, _HTTP.get(error.status, "HTTP"), error.reason)
    except DamageError as error:
        _log.critical("damage", place=error.place, expected=str(error.expected))
        return problem_of(error)
    except LedgerError as error:
        return problem_of(error)
    response.headers["Server"] = "gongzhang"  # not which versions of what run here
    return response
