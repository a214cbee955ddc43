"""The model's reply as it comes; while it waits in line, how long that takes is reported."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from langchain_core.messages import AIMessageChunk, BaseMessage

from handlers.pieces import Progress
from handlers.request import Services
from handlers.text.messages import say


async def stream_reply(
    services: Services, messages: Sequence[BaseMessage], language: str, **options: Any
) -> AsyncGenerator[str, None]:
    """Yield the model's words as they come; closing this generator stops the model."""
    async with aclosing(_chunks(services, messages, language, options)) as chunks:
        async for chunk in chunks:
            if words := str(chunk.text):
                yield words


async def reply_metadata(
    services: Services, messages: Sequence[BaseMessage], language: str, **options: Any
) -> Mapping[str, Any]:
    """Return what the model tells about its reply, e.g. log-probabilities: LangChain's response_metadata."""
    metadata: dict[str, Any] = {}
    async with aclosing(_chunks(services, messages, language, options)) as chunks:
        async for chunk in chunks:
            metadata |= chunk.response_metadata
    return metadata


async def _chunks(
    services: Services, messages: Sequence[BaseMessage], language: str, options: Mapping[str, Any]
) -> AsyncGenerator[AIMessageChunk, None]:
    stream = services.model.astream(list(messages), **options)
    async with aclosing(stream) as chunks:  # type: ignore[type-var]  # LangChain types its generator as an iterator
        async for chunk in chunks:
            if position := chunk.response_metadata.get("queue_position"):
                seconds = chunk.response_metadata.get("expected_wait_seconds")
                services.report(waiting(int(position), seconds, language))
            yield chunk


def waiting(position: int, seconds: float | None, language: str) -> Progress:
    """Return the sign that a request waits for the model."""
    if not seconds:
        return Progress(say("general.in_line", language, position=position))
    return Progress(say("general.waiting", language, position=position, seconds=max(1, round(seconds))))
