"""What handlers see of the engine: LangChain's chat model over the real small model."""

import asyncio
from pathlib import Path

import pytest
from pydantic import BaseModel

from bot.engine import open_chat_model
from bot.engine.chat_model import EngineChatModel
from bot.engine.errors import TimedOut, TooLong, Unavailable
from bot.engine.person import PERSON
from bot.settings import LlmSettings
from tests.conftest import wait_for

pytestmark = pytest.mark.model


async def wait_until_idle(model: EngineChatModel) -> None:
    """Wait until the engine has nothing to do."""
    await asyncio.to_thread(wait_for, lambda: not (model.engine._commands or model.engine._jobs), 30)


async def test_who_leaves_early_frees_the_slot(chat_model: EngineChatModel) -> None:
    chunks = chat_model.astream("Tell me a very long story.", max_tokens=500)
    await anext(chunks)
    await chunks.aclose()  # type: ignore[attr-defined]
    await wait_until_idle(chat_model)
    chat_model.engine.check()


async def test_a_cancelled_task_frees_the_slot(chat_model: EngineChatModel) -> None:
    task = asyncio.create_task(chat_model.ainvoke("Tell me a very long story.", max_tokens=500))
    await asyncio.to_thread(wait_for, lambda: bool(chat_model.engine._jobs), 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await wait_until_idle(chat_model)


async def test_who_waits_hears_the_place_in_line(chat_model: EngineChatModel) -> None:
    async def notices() -> list[dict[str, int]]:
        stream = chat_model.astream("Count to twenty.", temperature=0, max_tokens=30)
        return [chunk.response_metadata async for chunk in stream if "queue_position" in chunk.response_metadata]

    heard = [notice for notices_ in await asyncio.gather(*(notices() for _ in range(8))) for notice in notices_]
    assert heard
    assert all(notice["queue_position"] >= 1 and notice["expected_wait_seconds"] >= 1 for notice in heard)


async def test_a_bound_option_and_a_stop_string_count(chat_model: EngineChatModel) -> None:
    bound = chat_model.bind(temperature=0, max_tokens=20)
    whole = str((await bound.ainvoke("Say hello.")).content)
    stopped = str((await bound.ainvoke("Say hello.", stop=[whole[3:5]])).content)
    assert stopped == whole[: whole.index(whole[3:5])]


async def test_the_answers_length_is_kept(chat_model: EngineChatModel) -> None:
    message = await chat_model.ainvoke("Tell me a story.", temperature=0, max_tokens=7)
    assert message.usage_metadata is not None
    assert message.usage_metadata["output_tokens"] == 7
    assert message.response_metadata["finish_reason"] == "length"


class Person(BaseModel):
    """A person."""

    name: str
    age: int


async def test_structured_output_has_the_schemas_form(chat_model: EngineChatModel) -> None:
    form = chat_model.with_structured_output(Person).with_config({})
    person = await form.ainvoke("Anna is 31 years old. Write her down as JSON with name and age.")
    assert isinstance(person, Person)


async def test_a_prompt_that_never_fits_is_refused_at_once(chat_model: EngineChatModel) -> None:
    with pytest.raises(TooLong) as refusal:
        await chat_model.ainvoke("word " * 6000)
    assert refusal.value.tokens > 6000
    assert refusal.value.limit < chat_model.context_tokens


async def test_time_out(chat_model: EngineChatModel) -> None:
    hasty = chat_model.model_copy(update={"timeout": 0.01})
    with pytest.raises(TimedOut):
        await hasty.ainvoke("Tell me a story.")


async def test_a_grammar_that_cannot_be_read_is_an_error_and_nothing_else_happens(chat_model: EngineChatModel) -> None:
    with pytest.raises(ValueError, match="grammar"):
        await chat_model.ainvoke("Hi", grammar="root ::= ((")
    await chat_model.ainvoke("Hi", max_tokens=2)


async def test_the_follow_up_reuses_what_was_said(chat_model: EngineChatModel) -> None:
    question = [("user", "Name three colours and say one sentence about each of them, please.")]
    answer = await chat_model.ainvoke(question, temperature=0, max_tokens=200)
    follow_up = [*question, ("assistant", str(answer.content)), ("user", "And a fourth?")]
    again = await chat_model.ainvoke(follow_up, temperature=0, max_tokens=2)
    assert answer.usage_metadata is not None
    assert again.usage_metadata is not None
    said = answer.usage_metadata["total_tokens"]
    assert again.usage_metadata["input_token_details"]["cache_read"] >= said - 1


async def test_the_person_is_known_to_the_engine(chat_model: EngineChatModel) -> None:
    PERSON.set("ada")
    stream = chat_model.astream("Hello", max_tokens=50)
    await anext(stream)
    assert {sequence.person for sequence in chat_model.engine.scheduler.running} <= {"ada"}
    await stream.aclose()  # type: ignore[attr-defined]


def test_threads_without_a_loop_are_answered_too(chat_model: EngineChatModel) -> None:
    assert chat_model.invoke("Hi", max_tokens=3).content is not None


async def test_a_closed_model_says_so(small_model: Path) -> None:
    model = await open_chat_model(LlmSettings(slots=1, context_tokens=512, threads=1), small_model)
    assert "CPU" in model.device() or "GPU" in model.device()
    await model.aclose()
    with pytest.raises(Unavailable):
        await model.ainvoke("Hi")


async def test_a_file_that_is_no_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "no.gguf").write_bytes(b"GGUF nonsense")
    with pytest.raises(Unavailable, match=r"no\.gguf"):
        await open_chat_model(LlmSettings(), tmp_path / "no.gguf")
