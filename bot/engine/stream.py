"""What the engine tells the reader of one answer, and the way from its thread into an event loop."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from bot.engine.errors import EngineError


@dataclass(frozen=True)
class Waiting:
    """Still in line."""

    position: int  # 1 is next
    seconds: int  # expected


@dataclass(frozen=True)
class TokenPiece:
    """More of the answer."""

    text: str


@dataclass(frozen=True)
class Ended:
    """The whole answer was said."""

    reason: str  # "stop" or "length", as OpenAI's API has it
    prompt_tokens: int
    answer_tokens: int
    reused_tokens: int  # of the prompt: not computed again


Event = Waiting | TokenPiece | Ended | EngineError


class EventSink(Protocol):
    """Where events are put: in its event loop, if it has one."""

    loop: asyncio.AbstractEventLoop | None

    def put(self, event: Event) -> None:
        """Add an event."""


class AsyncStream:
    """Events for a task; the engine's thread wakes the loop once for all sinks of a step."""

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
        self._events: list[Event] = []
        self._news = asyncio.Event()

    def put(self, event: Event) -> None:
        """Add an event; called in the loop."""
        self._events.append(event)
        self._news.set()

    async def read(self) -> AsyncIterator[Event]:
        """Yield events until the answer has ended; what piled up meanwhile comes as one."""
        while True:
            await self._news.wait()
            self._news.clear()
            events, self._events = self._events, []
            for event in merged(events):
                if isinstance(event, EngineError):
                    raise event
                yield event
                if isinstance(event, Ended):
                    return


def merged(events: list[Event]) -> list[Event]:
    """Join neighbouring texts."""
    result: list[Event] = []
    for event in events:
        if isinstance(event, TokenPiece) and result and isinstance(result[-1], TokenPiece):
            result[-1] = TokenPiece(result[-1].text + event.text)
        else:
            result.append(event)
    return result
