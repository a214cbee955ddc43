"""Events, commands and interactions on their way to the app: once, and again until it says that it has them."""

import asyncio
import uuid
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

from bot.sandbox.errors import ApiError
from bot.sandbox.faults import Faults

ACK_SECONDS = 3.0
RETRY_SECONDS = (0.0, 60.0, 300.0)  # Slack's pauses before each try that follows a missing acknowledgement

Kind = Literal["events_api", "slash_commands", "interactive"]


@dataclass(frozen=True)
class Envelope:
    """One thing that the app is told."""

    kind: Kind
    payload: dict[str, Any]
    attempt: int = 0
    reason: str = ""
    id: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass(frozen=True)
class Outcome:
    """What came of sending: an acknowledgement with what the app put into it, or the reason why there is none."""

    acknowledged: bool
    reason: str = ""
    payload: Any = None


class Way(Protocol):
    """How the app is reached: Socket Mode or HTTP."""

    @property
    def is_open(self) -> bool:
        """Tell whether there is anybody to send to."""

    async def wait_open(self) -> None:
        """Wait until there is."""

    async def send(self, envelope: Envelope, within_seconds: float) -> Outcome:
        """Send once and wait for the acknowledgement."""


class Delivery:
    """Takes what the app must know; what it does not take within Slack's three tries is lost."""

    def __init__(self, way: Callable[[], Way], faults: Callable[[], Faults]) -> None:
        self._way, self._faults = way, faults
        self._tasks: set[asyncio.Task[None]] = set()
        self.retry_seconds = RETRY_SECONDS

    def event(self, payload: dict[str, Any]) -> None:
        """Deliver an event: now, or when the app is back within minutes; again if it is not acknowledged."""
        faults = self._faults()
        duplicates, late = faults.duplicate_envelopes, faults.late_envelopes_seconds
        self._start(self._deliver(Envelope("events_api", payload), 0 if duplicates else late))
        for number in range(duplicates):
            again = Envelope("events_api", payload, attempt=number + 1, reason="timeout")
            self._start(self._deliver(again, late))

    async def ask(self, kind: Kind, payload: dict[str, Any]) -> Any:
        """Deliver what a person waits for, once; raise Refused if the app does not take it."""
        if not self._way().is_open:
            raise ApiError("dispatch_failed")
        outcome = await self._way().send(Envelope(kind, payload), ACK_SECONDS)
        if not outcome.acknowledged:
            raise ApiError("operation_timeout" if outcome.reason == "timeout" else "dispatch_failed")
        return outcome.payload

    async def stop(self) -> None:
        """Give up what is on its way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _is_there(self, within_seconds: float) -> bool:
        """Wait for an app that is away, as long as Slack tries again; then the event is lost."""
        try:
            async with asyncio.timeout(within_seconds):
                await self._way().wait_open()
        except TimeoutError:
            return self._way().is_open
        return True

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, envelope: Envelope, after_seconds: float) -> None:
        if after_seconds:
            await asyncio.sleep(after_seconds)
        pauses = list(self.retry_seconds)
        while True:
            if not await self._is_there(sum(pauses)):
                return
            outcome = await self._way().send(envelope, ACK_SECONDS)
            if outcome.acknowledged:
                return
            lost = outcome.reason == "connection_failed"
            if not lost and not pauses:
                return
            await asyncio.sleep(0.05 if lost else pauses.pop(0))  # a lost connection is no fault of the app
            envelope = replace(
                envelope,
                attempt=envelope.attempt + 1,
                reason="timeout" if lost else outcome.reason,
                id=str(uuid.uuid4()),
            )
