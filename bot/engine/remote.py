"""Any OpenAI-compatible server instead of the engine: llama-server, vLLM, Ray Serve."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import httpx
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_openai import ChatOpenAI
from openai import APIConnectionError, APIStatusError, APITimeoutError, BadRequestError
from pydantic import PrivateAttr

from bot.engine.errors import Busy, EngineError, TimedOut, TooLong, Unavailable
from bot.settings import LlmSettings

BYTES_A_TOKEN = 3  # English has about 4, French 3.5: rather too many tokens counted than too few
PROBE_SECONDS = 10
OVERLOADED = (429, 503)


class RemoteChatModel(ChatOpenAI):
    """A model behind LLM_URL, with the questions that the rest of the app asks a model."""

    context_tokens: int = 16384
    _asked: int = PrivateAttr(default=0)

    def count_tokens(self, text: str) -> int:
        """Estimate how many tokens a text takes, rather too many than too few."""
        return -(-len(text.encode()) // BYTES_A_TOKEN)

    def device(self) -> str:
        """Say what runs the layers."""
        return f"the server at {self.openai_api_base}"

    def statistics(self) -> dict[str, float]:
        """Return counts since the start."""
        return {"answers": self._asked}

    async def aclose(self) -> None:
        """Close the connections."""
        await self.root_async_client.close()

    async def _agenerate(self, *arguments: Any, **kwargs: Any) -> ChatResult:
        self._asked += 1
        try:
            return await super()._agenerate(*arguments, **kwargs)
        except (APIConnectionError, APIStatusError) as failure:
            raise without_prefix(failure, self.context_tokens) from failure

    async def _astream(self, *arguments: Any, **kwargs: Any) -> AsyncIterator[ChatGenerationChunk]:
        self._asked += 1
        try:
            async with aclosing(self._told_or_not(*arguments, **kwargs)) as chunks:  # type: ignore[type-var]
                async for chunk in chunks:
                    yield chunk
        except (APIConnectionError, APIStatusError) as failure:
            raise without_prefix(failure, self.context_tokens) from failure

    async def _told_or_not(self, *arguments: Any, **kwargs: Any) -> AsyncIterator[ChatGenerationChunk]:
        """Stream an answer; not every server tells how likely its tokens were."""
        try:
            async for chunk in super()._astream(*arguments, **kwargs):
                yield chunk
        except BadRequestError:
            if not kwargs.pop("logprobs", None):
                raise
            kwargs.pop("top_logprobs", None)
            async for chunk in super()._astream(*arguments, **kwargs):
                yield chunk


def without_prefix(failure: APIConnectionError | APIStatusError, limit: int) -> EngineError:
    """Say what went wrong in the engine's own words."""
    if isinstance(failure, APITimeoutError):
        return TimedOut("the server did not answer in time")
    if isinstance(failure, BadRequestError) and "context" in str(failure.message):
        return TooLong(limit + 1, limit)
    if isinstance(failure, APIStatusError) and failure.status_code in OVERLOADED:
        return Busy(0)
    return Unavailable(f"the model's server failed: {type(failure).__name__}")


async def open_remote(settings: LlmSettings) -> RemoteChatModel:
    """Ask the server what it serves and return a model for it; raise Unavailable."""
    key = settings.api_key.get_secret_value() or "none"  # servers of one's own want any key
    served = await _served(settings.url.rstrip("/"), key)
    named_model = settings.model if settings.model in served or not served else next(iter(served))
    return RemoteChatModel(
        model=named_model,
        base_url=settings.url,
        api_key=key,
        max_tokens=settings.answer_tokens,
        timeout=settings.timeout_seconds,
        temperature=0.7,
        stream_usage=True,
        context_tokens=min(settings.context_tokens, served.get(named_model) or settings.context_tokens),
    )


async def _served(url: str, key: str) -> dict[str, int]:
    """Return the names of the models served, each with its context length where the server tells (else 0)."""
    try:
        async with httpx.AsyncClient(timeout=PROBE_SECONDS) as client:
            response = await client.get(f"{url}/models", headers={"Authorization": f"Bearer {key}"})
            response.raise_for_status()
            models = response.json()["data"]
    except (httpx.HTTPError, ValueError, KeyError) as failure:
        raise Unavailable(f"No model server answers at {url} ({type(failure).__name__}). Is LLM_URL right?") from None
    return {model["id"]: int(model.get("max_model_len") or model.get("meta", {}).get("n_ctx") or 0) for model in models}
