"""OpenAI's protocol as it stands on the wire, for any client."""

import asyncio
import json
import socket as socket_module
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.engine.errors import Unavailable
from bot.engine.served_model import ServedModel
from bot.engine.server import Address, Server
from tests.conftest import free_port, wait_for

pytestmark = pytest.mark.model
HELLO = [{"role": "user", "content": "Say hello."}]


@pytest.fixture
async def http(socket: Path) -> AsyncIterator[aiohttp.ClientSession]:
    """A plain HTTP client on the engine's socket."""
    async with aiohttp.ClientSession("http://engine", connector=aiohttp.UnixConnector(str(socket))) as session:
        yield session


async def post(http: aiohttp.ClientSession, body: Any, path: str = "/v1/chat/completions") -> tuple[int, Any]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    async with http.post(path, data=data, headers={"Content-Type": "application/json"}) as answer:
        return answer.status, await answer.json()


async def events(http: aiohttp.ClientSession, **body: Any) -> list[Any]:
    async with http.post("/v1/chat/completions", json={"messages": HELLO, "stream": True, **body}) as answer:
        assert answer.content_type == "text/event-stream"
        lines = [line.decode().strip() async for line in answer.content if line.strip()]
    assert all(line.startswith("data: ") for line in lines)
    assert lines[-1] == "data: [DONE]"
    return [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]


async def test_a_whole_answer_and_a_streamed_one_are_the_same(http: aiohttp.ClientSession) -> None:
    options = {"temperature": 0, "max_tokens": 12, "logprobs": True, "top_logprobs": 2}
    status, whole = await post(http, {"messages": HELLO, **options})
    chunks = await events(http, **options, stream_options={"include_usage": True})
    choices = [chunk["choices"][0] for chunk in chunks if chunk["choices"]]
    assert status == 200
    text = "".join(choice["delta"].get("content", "") for choice in choices)
    assert text == whole["choices"][0]["message"]["content"]
    told = [token for choice in choices for token in choice.get("logprobs", {}).get("content", [])]
    assert [each["token"] for each in told] == [each["token"] for each in whole["choices"][0]["logprobs"]["content"]]
    assert choices[-1]["finish_reason"] == whole["choices"][0]["finish_reason"] == "length"
    assert chunks[-1]["usage"]["completion_tokens"] == whole["usage"]["completion_tokens"] == 12
    assert len({chunk["id"] for chunk in chunks}) == 1


async def test_usage_is_told_only_when_asked_for(http: aiohttp.ClientSession) -> None:
    chunks = await events(http, max_tokens=2)
    assert all(chunk["choices"] and "usage" not in chunk for chunk in chunks)


async def test_the_place_in_line_is_an_extension_that_others_can_ignore(http: aiohttp.ClientSession) -> None:
    answers = await asyncio.gather(*(events(http, max_tokens=30, user=str(n % 3)) for n in range(8)))
    waiting = [chunk for chunks in answers for chunk in chunks if "queue" in chunk]
    assert waiting
    assert all(chunk["queue"]["position"] >= 1 and chunk["queue"]["expected_wait_seconds"] >= 1 for chunk in waiting)
    assert all(chunk["choices"][0]["delta"]["content"] == "" for chunk in waiting)


WRONG: list[tuple[Any, str]] = [
    (b"no json", "body"),
    (b"[]", "body"),
    ({}, "messages"),
    ({"messages": []}, "messages"),
    ({"messages": ["hi"]}, "messages"),
    ({"messages": [{"content": "hi"}]}, "role"),
    ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]}, "only text"),
    ({"messages": HELLO, "max_tokens": 0}, "max_tokens"),
    ({"messages": HELLO, "temperature": "hot"}, "temperature"),
    ({"messages": HELLO, "top_logprobs": 21, "logprobs": True}, "top_logprobs"),
    ({"messages": HELLO, "n": 2}, "n"),
    ({"messages": HELLO, "tools": [{"type": "function"}]}, "tools"),
    ({"messages": HELLO, "response_format": {"type": "xml"}}, "response_format"),
    ({"messages": HELLO, "response_format": {"type": "json_schema"}}, "json_schema.schema"),
    ({"messages": HELLO, "response_format": {"type": "json_schema", "json_schema": {"schema": {"$ref": "#/no"}}}},
     "schema"),
    ({"messages": HELLO, "grammar": "root ::= (("}, "grammar"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "named"), WRONG, ids=[str(body)[:60] for body, _ in WRONG])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_wrong_request_is_refused_in_openais_form(
    http: aiohttp.ClientSession, body: Any, named: str, stream: bool
) -> None:
    status, answer = await post(http, {**body, "stream": stream} if isinstance(body, dict) else body)
    assert status == 400
    assert answer["error"]["type"] == "invalid_request_error"
    assert named in answer["error"]["message"]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_prompt_that_never_fits_says_by_how_much(http: aiohttp.ClientSession, stream: bool) -> None:
    long = [{"role": "user", "content": "word " * 6000}]
    status, answer = await post(http, {"messages": long, "stream": stream})
    assert (status, answer["error"]["code"]) == (400, "context_length_exceeded")
    assert answer["error"]["n_prompt_tokens"] > answer["error"]["n_ctx"] > 4000


@pytest.mark.parametrize("stream", [False, True])
async def test_a_full_line_says_when_to_come_back(
    http: aiohttp.ClientSession, served: ServedModel, monkeypatch: pytest.MonkeyPatch, stream: bool
) -> None:
    monkeypatch.setattr(served.engine.scheduler, "_waiting", 0)
    async with http.post("/v1/chat/completions", json={"messages": HELLO, "stream": stream}) as answer:
        assert answer.status == 429
        assert int(answer.headers["Retry-After"]) >= 1
        assert (await answer.json())["error"]["code"] == "busy"


@pytest.mark.parametrize("stream", [False, True])
async def test_who_hangs_up_is_forgotten_within_a_decode(
    http: aiohttp.ClientSession, served: ServedModel, stream: bool
) -> None:
    asked = http.post("/v1/chat/completions", json={"messages": HELLO, "ignore_eos": True, "max_tokens": 3000,
                                                    "stream": stream})  # fmt: skip
    task = asyncio.ensure_future(asked)
    await asyncio.to_thread(wait_for, lambda: bool(served.engine.scheduler.running), 30)
    before = served.engine.counts.decodes
    if stream:
        (await task).close()
    else:
        task.cancel()
    await asyncio.to_thread(wait_for, lambda: not served.engine.scheduler.running, 30)
    assert served.engine.counts.decodes < before + 500


async def test_it_tells_its_model_as_llama_server_and_vllm_do(http: aiohttp.ClientSession, served: ServedModel) -> None:
    async with http.get("/v1/models") as answer:
        [model] = (await answer.json())["data"]
    assert model["max_model_len"] == model["meta"]["n_ctx"] == served.llama.longest
    assert "thread" in model["meta"]["device"]


@pytest.mark.parametrize("name", ["content", "prompt"])
async def test_it_counts_tokens(http: aiohttp.ClientSession, served: ServedModel, name: str) -> None:
    status, answer = await post(http, {name: "Ça va ? <|im_end|>"}, "/tokenize")
    assert status == 200
    assert answer["tokens"] == served.llama.tokenize("Ça va ? <|im_end|>")
    assert answer["count"] == len(answer["tokens"])
    assert (await post(http, {}, "/tokenize"))[0] == 400
    assert (await post(http, b"[", "/tokenize"))[0] == 400


async def test_its_metrics_are_prometheus(http: aiohttp.ClientSession) -> None:
    await post(http, {"messages": HELLO, "max_tokens": 2})
    async with http.get("/metrics") as answer:
        text = await answer.text()
    assert "# TYPE folio_engine_answers_total counter" in text
    assert "# TYPE folio_engine_cells gauge" in text


async def test_while_it_loads_it_says_so_and_a_dead_thread_is_no_health(tmp_path: Path, served: ServedModel) -> None:
    loaded = asyncio.Event()
    loop = asyncio.get_running_loop()

    def load() -> ServedModel:
        asyncio.run_coroutine_threadsafe(loaded.wait(), loop).result()
        return served

    server, socket = Server(load), tmp_path / "s.sock"
    starting = asyncio.create_task(server.start(Address(socket)))
    await asyncio.to_thread(wait_for, socket.exists, 10)
    async with aiohttp.ClientSession("http://engine", connector=aiohttp.UnixConnector(str(socket))) as http:
        assert (await http.get("/health")).status == 503
        status, answer = await post(http, {"messages": HELLO})
        assert (status, answer["error"]["code"]) == (503, "unavailable")
        loaded.set()
        await starting
        assert (await http.get("/health")).status == 200
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(served.engine, "is_alive", lambda: False)
            assert (await http.get("/health")).status == 500
    assert server._runner
    await server._runner.cleanup()


async def test_on_a_port_it_asks_for_the_key(served: ServedModel) -> None:
    server, port = Server(lambda: served, api_key="secret"), free_port()
    await server.start(Address(port=port))
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http:
        assert (await http.get("/v1/models")).status == 401
        assert (await http.get("/v1/models", headers={"Authorization": "Bearer wrong"})).status == 401
        assert (await http.get("/v1/models", headers={"Authorization": "Bearer secret"})).status == 200
        assert (await http.get("/health")).status == 200
    assert server._runner
    await server._runner.cleanup()


async def test_a_taken_port_is_said_in_a_sentence(served: ServedModel) -> None:
    with socket_module.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        server, port = Server(lambda: served), taken.getsockname()[1]
        with pytest.raises(Unavailable, match=f"127.0.0.1:{port}.*Choose another --host or --port"):
            await server.start(Address(port=port))
    assert server._runner
    await server._runner.cleanup()


async def test_without_a_model_every_question_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        _ = Server(lambda: None).model  # type: ignore[arg-type, return-value]
