"""The engine's process: OpenAI's protocol over HTTP, on a unix socket or a port; `python -m bot engine`."""

import asyncio
import hmac
import json
import secrets
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import structlog
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bot.engine.errors import Busy, EngineError, Unavailable
from bot.engine.protocol import AnswerFormat, BadRequest, ChatRequest, Json, error_of, read_request
from bot.engine.served_model import Completion, ServedModel
from bot.engine.stream import Ended, TokenPiece, Waiting
from bot.engine.suspects import Suspects
from bot.tcp_ports import holder, is_loopback

logger = structlog.get_logger()

MOST_BODY_BYTES = 64 * 2**20
GAUGES = frozenset({"running", "waiting", "cells", "cells_used", "parked_bytes"})  # the rest only grows
OPEN_TO_ALL = frozenset({"/health"})

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Address:
    """Where the engine listens: a unix socket, or a host and a port."""

    socket: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8080

    @property
    def is_private(self) -> bool:
        """Tell whether only processes of this machine reach it."""
        return self.socket is not None or is_loopback(self.host)


class Server:
    """Listens at once, answers 503 until the model is loaded, and ends with it."""

    def __init__(self, load: Callable[[], ServedModel], *, api_key: str = "") -> None:
        self._load = load
        self._api_key = api_key
        self._model: ServedModel | None = None
        self._runner: web.AppRunner | None = None

    async def start(self, address: Address) -> None:
        """Listen, then load the model; raise Unavailable or StartFailed."""
        app = web.Application(client_max_size=MOST_BODY_BYTES, middlewares=[self._guard])
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_get("/v1/models", self._models)
        app.router.add_post("/tokenize", self._tokenize)
        app.router.add_get("/health", self._health)
        app.router.add_get("/metrics", self._metrics)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True)
        await self._runner.setup()
        await _listen(self._runner, address)
        self._model = await asyncio.to_thread(self._load)

    async def stop(self) -> None:
        """End all answers, stop listening, free the model."""
        if self._runner:
            await self._runner.cleanup()
        if self._model:
            await asyncio.to_thread(self._model.close)

    @property
    def model(self) -> ServedModel:
        """Return the model; raise Unavailable while it is being loaded."""
        if self._model is None:
            raise Unavailable("the model is being loaded")
        return self._model

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Ask for the key where there is one, and say every error in OpenAI's form."""
        try:
            if not self._may(request):
                return _error_response(401, {"error": {"message": "wrong API key", "type": "invalid_request_error",
                                                       "param": None, "code": "invalid_api_key"}})  # fmt: skip
            return await handler(request)
        except (EngineError, ValueError) as failure:
            headers = {"Retry-After": f"{failure.after_seconds:.0f}"} if isinstance(failure, Busy) else {}
            return _error_response(*error_of(failure), headers)

    def _may(self, request: web.Request) -> bool:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        open_to_all = not self._api_key or request.path in OPEN_TO_ALL
        return open_to_all or hmac.compare_digest(given.encode(), self._api_key.encode())

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        model, body = self.model, await request.read()
        asked = read_request(body)
        key = Suspects.key(request.headers.get("X-Request-ID") or body)
        prepare = asyncio.get_running_loop().run_in_executor(model.tokenizing, model.prepare, asked, key)
        completion = await prepare
        answer = AnswerFormat(secrets.token_hex(12), model.name)
        if not asked.stream:
            return web.json_response(await _whole(model, completion, answer))
        return await _streamed(request, _chunks(model, completion, answer, asked))

    async def _models(self, _: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [self.model.about()]})

    async def _tokenize(self, request: web.Request) -> web.Response:
        """Answer the tokens of `content` (llama-server) or `prompt` (vLLM)."""
        try:
            body = await request.json()
            text = body.get("content", body.get("prompt"))
        except (AttributeError, json.JSONDecodeError):
            raise BadRequest("the body must be a JSON object") from None
        if not isinstance(text, str):
            raise BadRequest("content: a text is missing")
        model = self.model
        tokens = await asyncio.get_running_loop().run_in_executor(model.tokenizing, model.llama.tokenize, text)
        return web.json_response({"tokens": tokens, "count": len(tokens), "max_model_len": model.llama.longest})

    async def _health(self, _: web.Request) -> web.Response:
        """Answer 200 if the model is loaded and its thread lives, 503 while it is loading, 500 for good."""
        if self._model is None:
            return web.json_response({"status": "loading"}, status=503)
        if not self._model.engine.is_alive():
            return web.json_response({"status": "failed"}, status=500)
        return web.json_response({"status": "ok"})

    async def _metrics(self, _: web.Request) -> web.Response:
        registry = CollectorRegistry()
        registry.register(_Counts(self.model.engine.statistics()))
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


class _Counts(Collector):
    """What the engine counts, for Prometheus."""

    def __init__(self, counts: dict[str, float]) -> None:
        self._counts = counts

    def collect(self) -> Iterable[Metric]:
        for name, value in self._counts.items():
            family = GaugeMetricFamily if name in GAUGES else CounterMetricFamily
            yield family(f"folio_engine_{name}", name.replace("_", " "), value=value)


async def _whole(model: ServedModel, completion: Completion, answer: AnswerFormat) -> Json:
    async with aclosing(model.events(completion)) as events:  # type: ignore[type-var]
        async for event in events:
            if isinstance(event, Ended):
                return answer.whole("".join(completion.text), event, model.tell(completion.news()))
    raise Unavailable("the answer has no end")


async def _chunks(
    model: ServedModel, completion: Completion, answer: AnswerFormat, asked: ChatRequest
) -> AsyncIterator[Json]:
    async with aclosing(model.events(completion)) as events:  # type: ignore[type-var]
        async for event in events:
            match event:
                case Waiting():
                    yield answer.waiting(event)
                case TokenPiece(text):
                    yield answer.chunk(text, model.tell(completion.news()))
                case Ended():
                    yield answer.last(event, model.tell(completion.news()))
                    if asked.wants_usage:
                        yield answer.usage(event)


async def _streamed(request: web.Request, chunks: AsyncIterator[Json]) -> web.StreamResponse:
    """Send chunks as events; what fails before the first one still gets its status."""
    async with aclosing(chunks) as stream:  # type: ignore[type-var]
        first = await anext(stream)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
        await response.prepare(request)
        await response.write(_event(first))
        try:
            async for chunk in stream:
                await response.write(_event(chunk))
        except EngineError as failure:
            await response.write(_event(error_of(failure)[1]))
        await response.write(b"data: [DONE]\n\n")
    return response


def _event(chunk: Json) -> bytes:
    return b"data: " + json.dumps(chunk, separators=(",", ":")).encode() + b"\n\n"


def _error_response(status: int, body: Json, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response(body, status=status, headers=headers)


async def _listen(runner: web.AppRunner, address: Address) -> None:
    if address.socket is None:
        try:
            await web.TCPSite(runner, address.host, address.port).start()
        except OSError as error:
            raise Unavailable(
                f"The engine can't listen on {address.host}:{address.port}: {error.strerror}{holder(address.port)}. "
                "Choose another --host or --port, or stop what holds it."
            ) from error
        return
    address.socket.unlink(missing_ok=True)
    await web.UnixSite(runner, str(address.socket)).start()
    address.socket.chmod(0o600)


async def serve(server: Server, address: Address, ready: Callable[[], None]) -> None:
    """Run a server until SIGTERM or Ctrl-C; `ready` is called when the model is loaded."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    try:
        await server.start(address)
        for sign in (signal.SIGINT, signal.SIGTERM):  # before, they end the process: loading can't be interrupted
            loop.add_signal_handler(sign, ended.set)
        ready()
        logger.info("engine ready", model=server.model.name, device=server.model.llama.device())
        await ended.wait()
    finally:
        await server.stop()
