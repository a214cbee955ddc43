"""OpenAI's chat protocol as values: what a request asks for, and an answer in chunks or as a whole."""

import time
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.engine.errors import Busy, DecodeFailed, EngineDied, EngineError, TimedOut, TooLong, Unavailable
from bot.engine.stream import Ended, Waiting

Json = dict[str, Any]

MOST_LIKELY_TOKENS = 20  # told beside each token, as in OpenAI's API
FIRST_OF_KIND = ((TooLong, 400, "context_length_exceeded"), (Busy, 429, "busy"), (TimedOut, 504, "timed_out"),
                 (EngineDied, 500, "engine_died"), (DecodeFailed, 500, "decode_failed"),
                 (Unavailable, 503, "unavailable"))  # fmt: skip


class BadRequest(ValueError):
    """A request that this server can't follow; the text says why."""


class StreamOptions(BaseModel):
    """What a stream tells beside the text."""

    include_usage: bool = False


class ChatRequest(BaseModel):
    """The body of POST /v1/chat/completions; the sampling options that OpenAI lacks have llama-server's names."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    messages: list[Json] = Field(min_length=1)
    stream: bool = False
    stream_options: StreamOptions | None = None
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    temperature: float | None = Field(None, ge=0, le=5)
    top_p: float | None = Field(None, gt=0, le=1)
    top_k: int | None = Field(None, ge=0)
    min_p: float | None = Field(None, ge=0, le=1)
    repeat_penalty: float | None = Field(None, gt=0)
    seed: int | None = None
    stop: str | list[str] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = Field(None, ge=0, le=MOST_LIKELY_TOKENS)
    response_format: Json | None = None
    grammar: str | None = None
    ignore_eos: bool = False
    user: str | None = None
    n: int | None = Field(None, ge=1, le=1)
    tools: list[Any] | None = Field(None, max_length=0)

    @property
    def stops(self) -> tuple[str, ...]:
        """Return the texts before which the answer ends."""
        return (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())

    @property
    def answer_tokens(self) -> int | None:
        """Return how long the answer may be, if the request says so."""
        return self.max_completion_tokens or self.max_tokens

    @property
    def wants_usage(self) -> bool:
        """Tell whether a stream ends with a chunk that counts tokens."""
        return self.stream_options is not None and self.stream_options.include_usage


def read_request(body: bytes) -> ChatRequest:
    """Read a request's JSON; raise BadRequest with the fields that are wrong, never with what they hold."""
    try:
        return ChatRequest.model_validate_json(body)
    except ValidationError as failure:
        problems = [f"{'.'.join(map(str, problem['loc'])) or 'body'}: {problem['msg']}" for problem in failure.errors()]
        raise BadRequest("; ".join(problems)) from None


class AnswerFormat:
    """One answer's part of the wire: the same id, model and time in every chunk."""

    def __init__(self, request_id: str, model: str) -> None:
        self._head: Json = {"id": f"chatcmpl-{request_id}", "created": int(time.time()), "model": model}

    def chunk(self, text: str, logprobs: list[Json] | None = None) -> Json:
        """Return more of the answer."""
        return self._chunk({"role": "assistant", "content": text}, logprobs=logprobs)

    def waiting(self, notice: Waiting) -> Json:
        """Return a chunk without text, with the place in line: an extension that other clients ignore."""
        place = {"position": notice.position, "expected_wait_seconds": notice.seconds}
        return {**self._chunk({"role": "assistant", "content": ""}), "queue": place}

    def last(self, ended: Ended, logprobs: list[Json] | None = None) -> Json:
        """Return the chunk that says why the answer ended."""
        return self._chunk({}, finish_reason=ended.reason, logprobs=logprobs)

    def usage(self, ended: Ended) -> Json:
        """Return the chunk that counts tokens."""
        return {**self._head, "object": "chat.completion.chunk", "choices": [], "usage": usage_of(ended)}

    def whole(self, text: str, ended: Ended, logprobs: list[Json] | None) -> Json:
        """Return the answer that was not streamed."""
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": text},
            "finish_reason": ended.reason,
            "logprobs": None if logprobs is None else {"content": logprobs},
        }
        return {**self._head, "object": "chat.completion", "choices": [choice], "usage": usage_of(ended)}

    def _chunk(self, delta: Json, *, finish_reason: str | None = None, logprobs: list[Json] | None = None) -> Json:
        choice: Json = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        if logprobs:
            choice["logprobs"] = {"content": logprobs}
        return {**self._head, "object": "chat.completion.chunk", "choices": [choice]}


def usage_of(ended: Ended) -> Json:
    """Return OpenAI's count of tokens."""
    return {
        "prompt_tokens": ended.prompt_tokens,
        "completion_tokens": ended.answer_tokens,
        "total_tokens": ended.prompt_tokens + ended.answer_tokens,
        "prompt_tokens_details": {"cached_tokens": ended.reused_tokens},
    }


def error_of(failure: EngineError | ValueError) -> tuple[int, Json]:
    """Return the HTTP status of an error and its JSON, in OpenAI's form with llama-server's two numbers."""
    kind = next(((status, code) for error, status, code in FIRST_OF_KIND if isinstance(failure, error)), None)
    status, code = kind or (400, "invalid_value")
    error: Json = {
        "message": str(failure),
        "type": "invalid_request_error" if status == 400 else "server_error",
        "param": None,
        "code": code,
    }
    if isinstance(failure, TooLong):
        error |= {"n_prompt_tokens": failure.tokens, "n_ctx": failure.limit}
    return status, {"error": error}
