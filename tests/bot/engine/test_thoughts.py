"""Nobody sees what a model thinks before it answers, however its words are cut."""

import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from bot.engine.remote import RemoteChatModel, open_remote
from bot.engine.thoughts import OPENINGS, Thoughts
from bot.settings import LlmSettings
from tests.conftest import free_port

THINKING = ("<th", "ink>27 ", "or 28? </thi", "nk>\n\n27", " days", ".")


def shown(*pieces: str) -> str:
    """Return what is shown of an answer that comes in pieces."""
    thoughts = Thoughts()
    return "".join([*map(thoughts.visible, pieces), thoughts.rest()])


@pytest.mark.parametrize("mark", OPENINGS)
def test_a_thought_at_the_beginning_is_left_out(mark: str) -> None:
    closing = f"{mark[0]}/{mark[1:]}"
    assert shown(f"{mark}27 or 28?{closing}\n\n27 days.") == "27 days."
    assert shown(f"\n{mark}\nOne.{closing}\n{mark}Two.{closing}27 days.") == "27 days."


def test_a_thought_that_never_ends_is_no_answer() -> None:
    assert shown("<think>Let me see. ", "27 or 28") == ""


def test_words_that_only_look_like_it_stay() -> None:
    assert shown("<thin> air") == "<thin> air"
    assert shown("The tag <think> opens, </think> closes.") == "The tag <think> opens, </think> closes."
    assert shown("<") == "<"
    assert shown("") == ""


@given(st.text(max_size=40), st.text(max_size=40), st.lists(st.integers(1, 9), min_size=1))
def test_it_does_not_matter_how_the_words_are_cut(thought: str, answer: str, sizes: list[int]) -> None:
    text = f"<think>{thought}</think>{answer}"
    pieces, at, turn = [], 0, 0
    while at < len(text):
        pieces.append(text[at : at + sizes[turn % len(sizes)]])
        at, turn = at + len(pieces[-1]), turn + 1
    assert shown(*pieces) == shown(text)


@given(st.text(max_size=60).filter(lambda text: not text.lstrip().startswith(("<", "["))))
def test_an_answer_without_thoughts_is_as_it_is(text: str) -> None:
    assert shown(*text) == text


async def models(_: web.Request) -> web.Response:
    """Tell what is served."""
    return web.json_response({"data": [{"id": "m", "max_model_len": 4096}]})


async def complete(request: web.Request) -> web.StreamResponse:
    """Answer as a thinking model's server does that is not told to keep its thoughts apart."""
    asked = await request.json()
    if not asked.get("stream"):
        message = {"role": "assistant", "content": "".join(THINKING)}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return web.json_response({"id": "1", "object": "chat.completion", "choices": [choice], "model": "m"})
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for words in [*THINKING, None]:
        delta = {"content": words} if words else {}
        choice = {"index": 0, "delta": delta, "finish_reason": None if words else "stop"}
        chunk = {"id": "1", "object": "chat.completion.chunk", "choices": [choice], "model": "m"}
        await response.write(f"data: {json.dumps(chunk)}\n\n".encode())
    await response.write(b"data: [DONE]\n\n")
    return response


@pytest.fixture
async def thinking_model() -> AsyncIterator[RemoteChatModel]:
    """A model behind LLM_URL that thinks aloud."""
    app = web.Application()
    app.router.add_get("/v1/models", models)
    app.router.add_post("/v1/chat/completions", complete)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    model = await open_remote(LlmSettings(url=f"http://127.0.0.1:{port}/v1", model="m"))
    yield model
    await model.aclose()
    await runner.cleanup()


async def test_a_servers_thoughts_are_not_shown_either(thinking_model: RemoteChatModel) -> None:
    assert "".join([str(chunk.text) async for chunk in thinking_model.astream("How many days?")]) == "27 days."
    assert str((await thinking_model.ainvoke("How many days?")).text) == "27 days."


async def test_closing_one_model_leaves_another_of_the_same_server_open(thinking_model: RemoteChatModel) -> None:
    other = await open_remote(LlmSettings(url=str(thinking_model.openai_api_base), model="m"))
    await other.ainvoke("How many days?")
    await other.aclose()
    assert str((await thinking_model.ainvoke("How many days?")).text) == "27 days."
