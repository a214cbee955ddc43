"""The one way to a model: OpenAI's protocol, to the engine of this machine or to the server at LLM_URL."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2  # what the SDK of OpenAI is made with
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_openai import ChatOpenAI
from openai import APIError, APIStatusError, APITimeoutError, BadRequestError
from prometheus_client.parser import text_string_to_metric_families
from pydantic import PrivateAttr, SecretStr

from bot.engine.errors import Busy, DecodeFailed, EngineDied, EngineError, TimedOut, TooLong, Unavailable
from bot.engine.supervisor import Supervisor
from bot.engine.thoughts import Thoughts
from bot.engine.vocabulary import Vocabulary
from bot.settings import LlmSettings

BYTES_A_TOKEN = 3  # English has about 4, French 3.5: rather too many tokens counted than too few
ENGINE_URL = "http://engine/v1"  # on a unix socket
NO_KEY = "none"  # servers of one's own want any key
PROBE_SECONDS = 10
RESTART_SECONDS = 120  # a request waits so long for an engine that is being started again, then the queue tries again
ANY_NUMBER = httpx2.Limits(max_connections=None, max_keepalive_connections=64)  # the engine has a line of its own
OVERLOADED = (429, 503)
OPTIONAL = (("logprobs", "top_logprobs"), ("response_format",))  # what not every server knows, in the order of worth
NAMED: dict[str, Callable[[], EngineError]] = {
    "timed_out": lambda: TimedOut("no full answer within the time allowed"),
    "engine_died": lambda: EngineDied("the engine's process ended twice during this request"),
    "decode_failed": lambda: DecodeFailed("the model could not compute a step"),
    "unavailable": lambda: Unavailable("the engine is loading or ending"),
}  # codes of our own server; see protocol


class RemoteChatModel(ChatOpenAI):
    """A model behind a server, with the questions that the rest of the app asks a model."""

    context_tokens: int = 16384
    served_device: str = ""  # what our own engine says of its device; "" for any other server
    is_on_gpu: bool = True  # what is not known to run on a CPU is taken for a card
    _answers: int = PrivateAttr(default=0)
    _supervisor: Supervisor | None = PrivateAttr(default=None)
    _count: Callable[[str], int] | None = PrivateAttr(default=None)
    _closing: AsyncExitStack = PrivateAttr(default_factory=AsyncExitStack)

    def count_tokens(self, text: str) -> int:
        """Return how many tokens a text takes; behind LLM_URL an estimate, rather too many than too few."""
        return self._count(text) if self._count else -(-len(text.encode()) // BYTES_A_TOKEN)

    def get_num_tokens(self, text: str) -> int:
        """Return the same, under LangChain's name."""
        return self.count_tokens(text)

    def device(self) -> str:
        """Say what runs the layers."""
        return self.served_device or f"the server at {self.openai_api_base}"

    async def statistics(self) -> dict[str, float]:
        """Return what our own engine counts; of another server only the number of answers."""
        if not self._supervisor:
            return {"answers": self._answers}
        async with _client(self._supervisor.socket) as client:
            metrics = await client.get(ENGINE_URL.removesuffix("v1") + "metrics")
        families = text_string_to_metric_families(metrics.raise_for_status().text)
        return {family.name.removeprefix("folio_engine_"): family.samples[0].value for family in families}

    async def is_healthy(self) -> bool:
        """Tell whether a question would be answered now."""
        if self._supervisor:
            return await self._supervisor.is_healthy()
        key = self.openai_api_key.get_secret_value() if isinstance(self.openai_api_key, SecretStr) else NO_KEY
        return bool(await served_models(str(self.openai_api_base), key))

    async def aclose(self) -> None:
        """Close the connections, and stop the engine if this process leads it."""
        await self.root_async_client.close()
        self.root_client.close()
        await self._closing.aclose()

    async def _agenerate(self, *arguments: Any, **kwargs: Any) -> ChatResult:
        await self._begin()
        while True:
            try:
                return without_thoughts(await super()._agenerate(*arguments, **kwargs))
            except APIError as failure:
                if self.openai_api_base == ENGINE_URL or not _leave_out(failure, kwargs):
                    raise engine_error(failure, self.context_tokens) from failure

    async def _astream(self, *arguments: Any, **kwargs: Any) -> AsyncIterator[ChatGenerationChunk]:
        await self._begin()
        while True:
            try:
                async with aclosing(self._whole_stream(*arguments, **kwargs)) as chunks:  # type: ignore[type-var]
                    async for chunk in chunks:
                        yield chunk
                return
            except APIError as failure:
                if self.openai_api_base == ENGINE_URL or not _leave_out(failure, kwargs):
                    raise engine_error(failure, self.context_tokens) from failure

    async def _begin(self) -> None:
        self._answers += 1
        if self._supervisor:
            await self._supervisor.wait_until_up(RESTART_SECONDS)

    async def _whole_stream(self, *arguments: Any, **kwargs: Any) -> AsyncIterator[ChatGenerationChunk]:
        """Stream an answer without what was thought before it; raise Unavailable if it stops without an end."""
        ended, thoughts = False, Thoughts()
        async with aclosing(super()._astream(*arguments, **kwargs)) as chunks:  # type: ignore[type-var]
            async for chunk in chunks:
                ended = ended or bool((chunk.generation_info or {}).get("finish_reason"))
                words = thoughts.visible(str(chunk.message.content)) + (thoughts.rest() if ended else "")
                message = chunk.message.model_copy(update={"content": words})
                yield ChatGenerationChunk(message=message, generation_info=chunk.generation_info)
        if not ended:
            raise Unavailable("the server closed the stream before the answer's end")

    def with_structured_output(self, *_: Any, **__: Any) -> Any:
        """Refuse: handlers bind `response_format` and read what came, also if it was cut short."""
        raise NotImplementedError("bind response_format and parse the answer's text")

    def _get_request_payload(self, *arguments: Any, **kwargs: Any) -> dict[str, Any]:
        """Ask for a schema beside the SDK, which would throw away an answer that was cut short."""
        payload: dict[str, Any] = super()._get_request_payload(*arguments, **kwargs)
        if isinstance(payload.get("response_format"), dict):
            form = {"response_format": payload.pop("response_format")}
            payload["extra_body"] = {**(payload.get("extra_body") or {}), **form}
        return payload

    def _convert_chunk_to_generation_chunk(
        self, chunk: dict[str, Any], *arguments: Any, **kwargs: Any
    ) -> ChatGenerationChunk | None:
        """Keep our server's extension: the place in line."""
        converted = super()._convert_chunk_to_generation_chunk(chunk, *arguments, **kwargs)
        place = chunk.get("queue") or (chunk.get("chunk") or {}).get("queue")
        if converted and place:
            converted.message.response_metadata |= {
                "queue_position": place["position"],
                "expected_wait_seconds": place["expected_wait_seconds"],
            }
        return converted


def without_thoughts(result: ChatResult) -> ChatResult:
    """Return a whole answer without what was thought before it."""
    for generation in result.generations:
        thoughts = Thoughts()
        generation.message.content = thoughts.visible(str(generation.message.content)) + thoughts.rest()
        generation.text = generation.message.content
    return result


def _leave_out(failure: APIError, options: dict[str, Any]) -> bool:
    """Take the least needed option that a server may not know out of a refused request; False if there is none."""
    if not isinstance(failure, BadRequestError) or _is_too_long(failure):
        return False
    names = next((names for names in OPTIONAL if names[0] in options), ())
    for name in names:
        options.pop(name, None)
    return bool(names)


def _is_too_long(failure: APIError) -> bool:
    names_context = isinstance(failure, BadRequestError) and "context" in str(failure.message)
    return names_context or failure.code == "context_length_exceeded"


def engine_error(failure: APIError, limit: int) -> EngineError | APIError:
    """Say what went wrong in the engine's own words; a request that is itself wrong stays what it is."""
    body = failure.body if isinstance(failure.body, dict) else {}
    if isinstance(failure, APITimeoutError):
        return TimedOut("the server did not answer in time")
    if _is_too_long(failure):
        return TooLong(body.get("n_prompt_tokens") or limit + 1, body.get("n_ctx") or limit)
    if isinstance(failure, BadRequestError):
        return failure
    if named := NAMED.get(str(failure.code)):
        return named()
    if isinstance(failure, APIStatusError) and failure.status_code in OVERLOADED:
        return Busy(0, _retry_after(failure))
    return Unavailable(f"the model's server failed: {type(failure).__name__}")


def _retry_after(failure: APIStatusError) -> float:
    seconds = str(failure.response.headers.get("Retry-After", ""))
    return float(seconds) if seconds.isdigit() else 0.0


async def open_remote(settings: LlmSettings) -> RemoteChatModel:
    """Ask the server at LLM_URL what it serves and return a model for it; raise Unavailable."""
    key = settings.api_key.get_secret_value() or NO_KEY
    try:
        served = await served_models(settings.url, key)
    except (httpx2.HTTPError, ValueError, KeyError, TypeError, AttributeError) as failure:
        raise Unavailable(
            f"No model server answers at {settings.url} ({type(failure).__name__}). Is LLM_URL right?"
        ) from None
    named_model = settings.model if settings.model in served or not served else next(iter(served))
    about = served.get(named_model, {})
    return RemoteChatModel(
        **options(settings),
        model=named_model,
        context_tokens=min(settings.context_tokens, _context(about) or settings.context_tokens),
        **_device(about),
    )


async def open_own(settings: LlmSettings, path: Path, folder: Path | None) -> RemoteChatModel:
    """Start the engine of a folder, or join it, and return a model for it; raise Unavailable."""
    async with AsyncExitStack() as stack:
        folder = folder or Path(stack.enter_context(TemporaryDirectory(prefix="folio-engine-")))
        supervisor = Supervisor(folder, settings, path)
        await supervisor.start()
        stack.push_async_callback(supervisor.stop)
        vocabulary = await asyncio.to_thread(Vocabulary, path)
        stack.callback(vocabulary.close)
        model = await connect(settings, supervisor.socket)
        model._supervisor, model._count, model._closing = supervisor, vocabulary.count, stack.pop_all()
    return model


async def connect(settings: LlmSettings, socket: Path) -> RemoteChatModel:
    """Return a model for the engine that listens on a unix socket."""
    name, served = next(iter((await served_models(ENGINE_URL, NO_KEY, socket)).items()))
    return RemoteChatModel(
        **options(settings, socket),
        model=name,
        context_tokens=_context(served),
        **_device(served),
    )


def options(settings: LlmSettings, socket: Path | None = None) -> dict[str, Any]:
    """Return the options of ChatOpenAI for the server at LLM_URL, or for the engine behind a unix socket."""
    either = {
        "max_tokens": settings.answer_tokens,
        "timeout": settings.timeout_seconds,
        "stream_chunk_timeout": None,  # a long prompt on a slow machine is silent for minutes; `timeout` holds
        "stream_usage": True,
        "extra_body": settings.extra or None,
    }
    if socket is None:
        key = settings.api_key.get_secret_value() or NO_KEY
        return {
            **either,
            "base_url": settings.url,
            "api_key": SecretStr(key),
            "temperature": 0.7,
            "http_client": httpx2.Client(),  # of one's own: LangChain shares its clients, and we close ours
            "http_async_client": httpx2.AsyncClient(limits=ANY_NUMBER),
        }
    transport = httpx2.AsyncHTTPTransport(uds=str(socket), verify=False, limits=ANY_NUMBER)
    return {
        **either,
        "base_url": ENGINE_URL,
        "api_key": SecretStr(NO_KEY),
        "max_retries": 0,  # what brings the engine down is counted, see suspects; the queue tries again
        "http_client": httpx2.Client(transport=httpx2.HTTPTransport(uds=str(socket), verify=False)),
        "http_async_client": httpx2.AsyncClient(transport=transport),
    }


async def served_models(url: str, key: str, socket: Path | None = None) -> dict[str, dict[str, Any]]:
    """Return what a server tells of each model that it serves; raise what the client or a strange answer does."""
    async with _client(socket) as client:
        response = await client.get(f"{url.rstrip('/')}/models", headers={"Authorization": f"Bearer {key}"})
    return {str(model["id"]): model for model in response.raise_for_status().json()["data"]}


def _client(socket: Path | None = None) -> httpx2.AsyncClient:
    transport = httpx2.AsyncHTTPTransport(uds=str(socket), verify=False) if socket else None
    return httpx2.AsyncClient(timeout=PROBE_SECONDS, transport=transport)


def _context(served: dict[str, Any]) -> int:
    """Return a model's context length where the server tells (vLLM, llama-server), else 0."""
    return int(served.get("max_model_len") or (served.get("meta") or {}).get("n_ctx") or 0)


def _device(served: dict[str, Any]) -> dict[str, Any]:
    """Return what our own engine tells of its device, here or behind LLM_URL; nothing of another server."""
    meta = served.get("meta") or {}
    return {"served_device": str(meta["device"]), "is_on_gpu": bool(meta["on_gpu"])} if "on_gpu" in meta else {}
