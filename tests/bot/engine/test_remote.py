"""LLM_URL: the same questions to any OpenAI-compatible server, here one on localhost that speaks its wire format."""

import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.engine import open_chat_model
from bot.engine.errors import Busy, EngineError, TooLong, Unavailable
from bot.engine.remote import RemoteChatModel
from bot.settings import LlmSettings
from tests.conftest import free_port


class FakeServer:
    """Says what it is told to say, in OpenAI's words."""

    def __init__(self) -> None:
        self.status, self.problem = 200, ""
        self.asked: list[dict[str, object]] = []
        self.tells = True  # how likely its tokens were
        self.knows_schemas = True
        self.ends = True  # its streams, with a reason

    async def models(self, _: web.Request) -> web.Response:
        return web.json_response({"data": [{"id": "big-model", "max_model_len": 2048}]})

    async def chat(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(await request.json())
        if self.status != 200:
            return web.json_response({"error": {"message": self.problem}}, status=self.status)
        if self.asked[-1].get("logprobs") and not self.tells:
            return web.json_response({"error": {"message": "logprobs: unknown parameter"}}, status=400)
        if self.asked[-1].get("response_format") and not self.knows_schemas:
            return web.json_response({"error": {"message": "response_format: unknown"}}, status=400)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for content in ("Bon", "jour"):
            piece = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "big-model",
                     "choices": [{"index": 0, "delta": {"role": "assistant", "content": content}}]}  # fmt: skip
            if self.asked[-1].get("logprobs"):
                told = {"token": content, "logprob": -0.5, "bytes": None}
                piece["choices"][0]["logprobs"] = {"content": [{**told, "top_logprobs": [told]}]}  # type: ignore[index]
            if content == "jour" and self.ends:
                piece["choices"][0]["finish_reason"] = "stop"  # type: ignore[index]
            await response.write(f"data: {json.dumps(piece)}\n\n".encode())
        await response.write(b"data: [DONE]\n\n")
        return response


@pytest.fixture
async def server() -> AsyncIterator[tuple[FakeServer, str]]:
    fake, app, port = FakeServer(), web.Application(), free_port()
    app.router.add_get("/v1/models", fake.models)
    app.router.add_post("/v1/chat/completions", fake.chat)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield fake, f"http://127.0.0.1:{port}/v1"
    await runner.cleanup()


async def opened(url: str) -> RemoteChatModel:
    model = await open_chat_model(LlmSettings(url=url, model="preset:qwen2.5-coder-1.5b"), None)
    assert isinstance(model, RemoteChatModel)
    model.max_retries = 0
    model.async_client._client.max_retries = 0
    return model


async def test_it_streams_from_the_model_that_the_server_serves(server: tuple[FakeServer, str]) -> None:
    fake, url = server
    model = await opened(url)
    text = "".join([str(chunk.content) async for chunk in model.astream("Hello")])
    await model.aclose()
    assert text == "Bonjour"
    assert fake.asked[0]["model"] == "big-model"
    assert model.context_tokens == 2048
    assert model.count_tokens("abcdef") == 2
    assert model.is_on_gpu  # as far as anybody knows


@pytest.mark.parametrize("on_gpu", [True, False])
async def test_an_engine_of_another_machine_says_what_runs_it(on_gpu: bool) -> None:
    async def models(_: web.Request) -> web.Response:
        meta = {"n_ctx": 2048, "device": "the device", "on_gpu": on_gpu}
        return web.json_response({"data": [{"id": "big-model", "meta": meta}]})

    app = web.Application()
    app.router.add_get("/v1/models", models)
    async with TestServer(app) as server:
        model = await open_chat_model(LlmSettings(url=str(server.make_url("/v1")), model="big-model"), None)
        await model.aclose()
    assert (model.device(), model.is_on_gpu) == ("the device", on_gpu)


@pytest.mark.parametrize("tells", [True, False])
async def test_how_likely_tokens_were_is_told_where_the_server_does(
    server: tuple[FakeServer, str], tells: bool
) -> None:
    fake, url = server
    fake.tells = tells
    model = await opened(url)
    chunks = [chunk async for chunk in model.astream("Hello", logprobs=True, top_logprobs=20)]
    await model.aclose()
    assert "".join(str(chunk.content) for chunk in chunks) == "Bonjour"
    told = [chunk.response_metadata["logprobs"] for chunk in chunks if chunk.response_metadata.get("logprobs")]
    assert [entry["content"][0]["top_logprobs"][0]["token"] for entry in told] == (["Bon", "jour"] if tells else [])
    assert await model.statistics() == {"answers": 1}


@pytest.mark.parametrize(
    ("status", "problem", "error"),
    [
        (400, "maximum context length exceeded", TooLong),
        (429, "slow down", Busy),
        (503, "loading", Busy),
        (500, "oh", Unavailable),
    ],
)
async def test_a_servers_troubles_have_the_engines_names(
    server: tuple[FakeServer, str], status: int, problem: str, error: type[EngineError]
) -> None:
    fake, url = server
    model = await opened(url)
    fake.status, fake.problem = status, problem
    with pytest.raises(error):
        await model.ainvoke("Hello")
    await model.aclose()


async def test_a_server_that_knows_no_schema_is_asked_without(server: tuple[FakeServer, str]) -> None:
    fake, url = server
    fake.knows_schemas = fake.tells = False
    model = await opened(url)
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}
    chunks = [chunk async for chunk in model.astream("Hello", response_format=form, logprobs=True)]
    await model.aclose()
    assert "".join(str(chunk.content) for chunk in chunks) == "Bonjour"
    assert ["response_format" in asked for asked in fake.asked] == [True, True, False]


async def test_a_stream_that_breaks_off_is_no_answer(server: tuple[FakeServer, str]) -> None:
    """It used to be shown as if it were whole."""
    fake, url = server
    fake.ends = False
    model = await opened(url)
    with pytest.raises(Unavailable, match="before the answer's end"):
        [chunk async for chunk in model.astream("Hello")]
    await model.aclose()


async def test_what_the_settings_add_is_in_every_request(server: tuple[FakeServer, str]) -> None:
    """LLM_EXTRA: template flags, priorities, whatever a server knows that OpenAI does not."""
    fake, url = server
    extra = {"chat_template_kwargs": {"enable_thinking": False}}
    model = await open_chat_model(LlmSettings(url=url, extra=extra), None)
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}
    async for _ in model.astream("Hello", response_format=form):
        pass
    async for _ in model.bind(user="ada").astream("Hello"):
        pass
    await model.aclose()
    assert [asked["chat_template_kwargs"] for asked in fake.asked] == list(extra.values()) * 2
    assert fake.asked[0]["response_format"] == form
    assert fake.asked[1]["user"] == "ada"


@pytest.mark.parametrize("body", ["<html>Welcome</html>", "{}", '{"data": "no"}', '{"data": [1]}'])
async def test_a_server_that_is_none_is_said_in_a_sentence(body: str) -> None:
    app, port = web.Application(), free_port()

    async def page(_: web.Request) -> web.Response:
        return web.Response(text=body, content_type="text/html")

    app.router.add_get("/v1/models", page)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    with pytest.raises(Unavailable, match="Is LLM_URL right"):
        await open_chat_model(LlmSettings(url=f"http://127.0.0.1:{port}/v1"), None)
    await runner.cleanup()


async def test_no_server_is_said_in_a_sentence() -> None:
    with pytest.raises(Unavailable, match="Is LLM_URL right"):
        await open_chat_model(LlmSettings(url=f"http://127.0.0.1:{free_port()}/v1"), None)
