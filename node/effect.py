"""What goes into a role and what comes out of it.

Events in: `Started`, `Woken`, `Asked`, `Answered`, `Ordered`. Effects out: `Send`, `Reply`,
`WakeAt`. A role's `handle` takes all events that wait and answers with effects that may be carried
out only after it returned: by then everything they rest on is durable.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from node.message import Answer, Message

Slot = tuple[str, str]
"""A conversation: its kind and the other side. At most one message of a slot is under way."""


@dataclass(frozen=True)
class Started:
    """The node has opened its store."""


@dataclass(frozen=True)
class Woken:
    """The time a role asked for has come."""


@dataclass(frozen=True)
class Asked:
    """Another node wants something that the role decides."""

    ticket: int
    sender: str | None  # None: not authenticated
    message: Message


@dataclass(frozen=True)
class Answered:
    """What came back for a `Send`."""

    slot: Slot
    message: Message
    answer: Answer


@dataclass(frozen=True)
class Ordered:
    """An operator's order: a verb of `command` and its arguments."""

    ticket: int
    verb: str
    arguments: dict[str, Any] = field(default_factory=dict)


Event = Started | Woken | Asked | Answered | Ordered


@dataclass(frozen=True)
class Send:
    """Send a message; report what came back as `Answered`."""

    slot: Slot
    to: str
    message: Message


@dataclass(frozen=True)
class Reply:
    """Answer an `Asked` (an Answer) or an `Ordered` (a value, or the exception that refused it)."""

    ticket: int
    value: Any


@dataclass(frozen=True)
class WakeAt:
    """Send `Woken` at this time, unless something else happens before."""

    at_ms: int


Effect = Send | Reply | WakeAt
Perform = Callable[[list[Effect]], None]
