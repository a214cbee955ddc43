"""The model's stream as pieces: its words, and while it waits in line, how long that takes."""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage

from handlers.request import Progress, Text
from handlers.text.messages import say


async def stream_reply(
    model: BaseChatModel, messages: Sequence[BaseMessage], language: str,
    heard: dict[str, Any] | None = None, **options: Any,
) -> AsyncIterator[Text | Progress]:  # fmt: skip
    """Yield what the model says as it comes; closing this generator stops the model.

    `heard` takes what the model tells about its answer: LangChain's response_metadata.
    """
    async with aclosing(model.astream(list(messages), **options)) as chunks:  # type: ignore[type-var]
        async for chunk in chunks:
            if heard is not None:
                heard |= chunk.response_metadata
            if words := str(chunk.text):
                yield Text(words)
            elif position := chunk.response_metadata.get("queue_position"):
                yield waiting(int(position), chunk.response_metadata.get("expected_wait_seconds"), language)


def waiting(position: int, seconds: float | None, language: str) -> Progress:
    """Return the sign that a request waits for the model."""
    if not seconds:
        return Progress(say("general.in_line", language, position=position))
    return Progress(say("general.waiting", language, position=position, seconds=max(1, round(seconds))))
