"""The driver: the only part of a node that waits.

Events gather in a bounded queue. One thread takes all that wait, hands them to the role and comes
back with effects; while it is at the disk the next events gather, so the fsync is the batching
window and there are no timers. Signatures are verified in that thread, outside the event loop.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog

from ledger.errors import RefusedError, StoreError, StoreFullError
from node.clock import wall_ms
from node.effect import Answered, Asked, Effect, Event, Ordered, Reply, Send, Started, WakeAt, Woken
from node.message import Answer, Message
from node.role import Role

_log = structlog.get_logger("driver")

MAX_WAITING = 4_096
MAX_TURN = 256
Sender = Callable[[str, Message], Awaitable[Answer]]


class OverloadedError(Exception):
    """Too much waits already; the caller should come back later."""


class Driver:
    """Runs one role on an event loop."""

    def __init__(self, role: Role, send: Sender) -> None:
        self.role = role
        self.stopped = asyncio.Event()
        self.fatal: StoreError | None = None
        self.turns = 0
        self._send_message = send
        self._events: deque[Event] = deque()
        self._more = asyncio.Event()
        self._tickets: dict[int, asyncio.Future[Any]] = {}
        self._last_ticket = 0
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="role")
        self._sending: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._closing = False

    async def ask(self, sender: str | None, message: Message) -> Answer:
        """Return the role's answer to another node's message.

        Raises:
            OverloadedError: The queue is full.
            StoreError: The node has stopped.
        """
        answer = await self._ticket(lambda ticket: Asked(ticket, sender, message))
        assert isinstance(answer, Answer)
        return answer

    async def order(self, verb: str, arguments: dict[str, Any]) -> Any:
        """Return what an operator's order came to.

        Raises:
            LedgerError: The order was refused.
            OverloadedError: The queue is full.
        """
        value = await self._ticket(lambda ticket: Ordered(ticket, verb, arguments))
        if isinstance(value, Exception):
            raise value
        return value

    async def run(self) -> None:
        """Run until `stop`, or until the store cannot go on (`fatal` says why)."""
        self._put(Started())
        loop = asyncio.get_running_loop()
        while True:
            await self._more.wait()
            events = [self._events.popleft() for _ in range(min(len(self._events), MAX_TURN))]
            if not events:
                if self._closing:
                    break
                self._more.clear()
                continue
            try:
                effects = await loop.run_in_executor(
                    self._thread, self.role.handle, events, wall_ms()
                )
            except StoreFullError as error:
                self._fail(events, error)
            except StoreError as error:
                self._stop_for(error)
                break
            else:
                self.turns += 1
                self._perform(effects)
        await self._finish()

    def stop(self) -> None:
        """Finish what waits, then end `run`."""
        self._closing = True
        self._more.set()

    def fail(self, error: StoreError) -> None:
        """End `run` because the store cannot be trusted any more; `fatal` says why."""
        self._stop_for(error)
        self._more.set()

    async def _finish(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)
        gone = self.fatal or RefusedError("STOPPING", "the node is stopping")
        for future in self._tickets.values():
            if not future.done():
                future.set_exception(gone)
        self._thread.shutdown(wait=True)
        self.stopped.set()

    def _stop_for(self, error: StoreError) -> None:
        self.fatal = error
        self._closing = True
        _log.critical("the store cannot go on", code=error.code, error=str(error))

    def _fail(self, events: list[Event], error: StoreFullError) -> None:
        _log.error("disk full", error=str(error))
        for event in events:
            if isinstance(event, Asked | Ordered):
                self._reply(event.ticket, error)

    async def _ticket(self, event: Callable[[int], Event]) -> Any:
        if self._closing or len(self._events) >= MAX_WAITING:
            raise OverloadedError
        self._last_ticket += 1
        ticket = self._last_ticket
        future = self._tickets[ticket] = asyncio.get_running_loop().create_future()
        self._put(event(ticket))
        try:
            # A caller that hangs up must not undo what the role has already begun.
            value = await asyncio.shield(future)
        finally:
            self._tickets.pop(ticket, None)
        if isinstance(value, StoreError):
            raise value
        return value

    def _put(self, event: Event) -> None:
        self._events.append(event)
        self._more.set()

    def _perform(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send():
                    task = asyncio.create_task(self._send(effect))
                    self._sending.add(task)
                    task.add_done_callback(self._sending.discard)
                case Reply(ticket, value):
                    self._reply(ticket, value)
                case WakeAt(at_ms):
                    self._wake_at(at_ms)

    async def _send(self, effect: Send) -> None:
        answer = await self._send_message(effect.to, effect.message)
        self._put(Answered(effect.slot, effect.message, answer))

    def _reply(self, ticket: int, value: Any) -> None:
        future = self._tickets.get(ticket)
        if future is not None and not future.done():
            future.set_result(value)

    def _wake_at(self, at_ms: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        delay = max(at_ms - wall_ms(), 1) / 1000
        self._timer = asyncio.get_running_loop().call_later(delay, self._put, Woken())
