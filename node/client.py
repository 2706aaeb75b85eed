"""The way out: messages to other nodes over HTTP."""

import aiohttp

from node import peerauth
from node.clock import wall_ms
from node.message import MAX_BODY, NO_ANSWER, AddCheckpoint, Answer, Message
from node.role import Role


class Client:
    """Connections to the other members; one per node."""

    def __init__(self, role: Role, peers: dict[str, str]) -> None:
        self._role = role  # whose transport key may change
        self._peers = peers
        self._session: aiohttp.ClientSession | None = None
        self._last_ms = 0

    async def send(self, to: str, message: Message) -> Answer:
        """Return what `to` answers; NO_ANSWER if it cannot be reached or says too much."""
        url = self._peers.get(to)
        if url is None:
            return NO_ANSWER
        body = message.encode()
        headers = {"Content-Type": "application/octet-stream"}
        if not isinstance(message, AddCheckpoint):
            headers[peerauth.HEADER] = peerauth.header(
                self._role.roster,
                self._role.transport_seed,
                self._role.code,
                to,
                message.path,
                self._next_ms(),
                body,
            )
        try:
            return await self._post(url.rstrip("/") + message.path, body, headers, message.seconds)
        except (TimeoutError, aiohttp.ClientError, OSError):
            return NO_ANSWER

    async def _post(self, url: str, body: bytes, headers: dict[str, str], seconds: int) -> Answer:
        session = self._open()
        timeout = aiohttp.ClientTimeout(total=seconds, connect=5)
        async with session.post(
            url, data=body, headers=headers, allow_redirects=False, timeout=timeout
        ) as response:
            answer = bytearray()
            async for chunk in response.content.iter_chunked(65_536):
                answer += chunk
                if len(answer) > MAX_BODY:
                    return NO_ANSWER
            return Answer(response.status, bytes(answer))

    def _next_ms(self) -> int:
        # The same request twice in one millisecond would be one that was seen before.
        self._last_ms = max(wall_ms(), self._last_ms + 1)
        return self._last_ms

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=128, limit_per_host=4),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
            )
        return self._session

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
