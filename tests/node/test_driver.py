"""The driver: bounded queue, one thread, loud ends."""

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from ledger.errors import BrokenDiskError, RefusedError, StoreFullError
from node.driver import MAX_TURN, MAX_WAITING, Driver, OverloadedError
from node.effect import Asked, Effect, Event, Ordered, Reply, Send, Started
from node.message import NO_ANSWER, Answer, AskHead, TellHead


class FakeRole:
    """Answers everything with 200; can be held up and can break."""

    def __init__(self) -> None:
        self.turns: list[list[Event]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.error: Exception | None = None

    def handle(self, events: Sequence[Event], _now_ms: int) -> list[Effect]:
        self.gate.wait(20)
        self.turns.append(list(events))
        if self.error is not None and any(not isinstance(e, Started) for e in events):
            error, self.error = self.error, None
            raise error
        effects: list[Effect] = []
        for event in events:
            if isinstance(event, Asked):
                effects.append(Reply(event.ticket, Answer(200)))
            elif isinstance(event, Ordered) and event.verb == "refuse":
                effects.append(Reply(event.ticket, RefusedError("STATE", "no")))
            elif isinstance(event, Ordered):
                effects.append(Reply(event.ticket, event.verb))
                effects.append(Send(("ask", "630000"), "630000", AskHead("630000", 0)))
        return effects


class Running:
    """A driver that runs in the background of a test."""

    def __init__(self) -> None:
        self.role = FakeRole()
        self.sent: list[Any] = []
        self.driver = Driver(self.role, self._send)  # type: ignore[arg-type]

    async def _send(self, to: str, message: Any) -> Answer:
        self.sent.append((to, message))
        return NO_ANSWER

    async def __aenter__(self) -> "Running":
        self.task = asyncio.create_task(self.driver.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.role.gate.set()
        self.driver.stop()
        await asyncio.wait_for(self.task, 10)


async def test_questions_and_orders_are_answered() -> None:
    async with Running() as running:
        assert await running.driver.ask("630000", TellHead(b"x")) == Answer(200)
        assert await running.driver.order("close", {}) == "close"
        with pytest.raises(RefusedError, match="no"):
            await running.driver.order("refuse", {})
    assert running.sent == [("630000", AskHead("630000", 0))]


async def test_what_comes_while_the_disk_is_busy_makes_one_turn() -> None:
    async with Running() as running:
        await running.driver.order("a", {})
        running.role.gate.clear()
        tasks = [asyncio.create_task(running.driver.order("b", {})) for _ in range(50)]
        await asyncio.sleep(0.05)
        running.role.gate.set()
        await asyncio.gather(*tasks)
        assert max(len(turn) for turn in running.role.turns) >= 49
        assert all(len(turn) <= MAX_TURN for turn in running.role.turns)


async def test_a_full_queue_refuses_and_recovers() -> None:
    async with Running() as running:
        await running.driver.order("a", {})
        running.role.gate.clear()
        tasks = [
            asyncio.create_task(running.driver.order("b", {})) for _ in range(MAX_WAITING + 600)
        ]
        await asyncio.sleep(0.2)
        running.role.gate.set()
        values = await asyncio.gather(*tasks, return_exceptions=True)
        refused = [v for v in values if isinstance(v, OverloadedError)]
        assert 0 < len(refused) < 700
        assert values.count("b") == len(values) - len(refused)
        assert await running.driver.order("c", {}) == "c"


async def test_a_full_disk_refuses_the_turn_and_the_node_goes_on() -> None:
    async with Running() as running:
        running.role.error = StoreFullError("no space left")
        with pytest.raises(StoreFullError):
            await running.driver.order("a", {})
        assert await running.driver.order("b", {}) == "b"


async def test_a_broken_disk_ends_the_node_and_says_so() -> None:
    async with Running() as running:
        running.role.error = BrokenDiskError("I/O error")
        with pytest.raises(BrokenDiskError):
            await running.driver.order("a", {})
        await asyncio.wait_for(running.task, 10)
        assert isinstance(running.driver.fatal, BrokenDiskError)
        with pytest.raises(OverloadedError):
            await running.driver.order("b", {})


async def test_stopping_finishes_what_waits() -> None:
    async with Running() as running:
        running.role.gate.clear()
        waiting = asyncio.create_task(running.driver.order("a", {}))
        await asyncio.sleep(0.05)
        running.driver.stop()
        running.role.gate.set()
        assert await waiting == "a"
