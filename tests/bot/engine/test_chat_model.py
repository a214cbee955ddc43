"""What handlers see of the engine: LangChain's chat model, over the real server, over the real small model."""

import asyncio
import json

import pytest
from langchain_core.messages import convert_to_messages
from openai import BadRequestError
from pydantic import BaseModel

from bot.engine.errors import TimedOut, TooLong
from bot.engine.protocol import ChatRequest
from bot.engine.remote import RemoteChatModel
from bot.engine.served_model import ServedModel, sampling_of
from bot.settings import LlmSettings
from tests.conftest import wait_for

pytestmark = pytest.mark.model


async def wait_until_idle(served: ServedModel) -> None:
    """Wait until the engine has nothing to do."""
    await asyncio.to_thread(wait_for, lambda: not (served.engine._commands or served.engine._jobs), 30)


async def test_who_leaves_early_frees_the_slot(chat_model: RemoteChatModel, served: ServedModel) -> None:
    chunks = chat_model.astream("Tell me a very long story.", max_tokens=500)
    await anext(chunks)
    await chunks.aclose()  # type: ignore[attr-defined]
    await wait_until_idle(served)
    served.engine.check()


async def test_a_cancelled_task_frees_the_slot(chat_model: RemoteChatModel, served: ServedModel) -> None:
    task = asyncio.create_task(chat_model.ainvoke("Tell me a very long story.", max_tokens=500))
    await asyncio.to_thread(wait_for, lambda: bool(served.engine._jobs), 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await wait_until_idle(served)


async def test_who_waits_hears_the_place_in_line(chat_model: RemoteChatModel) -> None:
    async def notices() -> list[dict[str, int]]:
        stream = chat_model.astream("Count to twenty.", temperature=0, max_tokens=30)
        return [chunk.response_metadata async for chunk in stream if "queue_position" in chunk.response_metadata]

    heard = [notice for notices_ in await asyncio.gather(*(notices() for _ in range(8))) for notice in notices_]
    assert heard
    assert all(notice["queue_position"] >= 1 and notice["expected_wait_seconds"] >= 1 for notice in heard)


async def test_a_bound_option_and_a_stop_string_count(chat_model: RemoteChatModel) -> None:
    bound = chat_model.bind(temperature=0, max_tokens=20)
    whole = str((await bound.ainvoke("Say hello.")).content)
    stopped = str((await bound.ainvoke("Say hello.", stop=[whole[3:5]])).content)
    assert stopped == whole[: whole.index(whole[3:5])]


async def test_the_answers_length_is_kept(chat_model: RemoteChatModel) -> None:
    message = await chat_model.ainvoke("Tell me a story.", temperature=0, max_tokens=7)
    assert message.usage_metadata is not None
    assert message.usage_metadata["output_tokens"] == 7
    assert message.response_metadata["finish_reason"] == "length"


class Person(BaseModel):
    """A person."""

    name: str
    age: int


PERSON = {"type": "json_schema", "json_schema": {"name": "person", "schema": Person.model_json_schema()}}


async def test_structured_output_has_the_schemas_form(chat_model: RemoteChatModel) -> None:
    message = await chat_model.bind(response_format=PERSON).ainvoke("Anna is 31 years old. Write her down as JSON.")
    Person.model_validate_json(str(message.content))


@pytest.mark.parametrize("seed", range(6))
async def test_structured_output_is_whole_however_few_tokens_there_are(chat_model: RemoteChatModel, seed: int) -> None:
    """A small model that samples wildly used to run on in a string until the limit cut the JSON off."""
    options = {"temperature": 2.0, "extra_body": {"min_p": 0}, "seed": seed, "max_tokens": 10 + 3 * seed}
    wild = chat_model.bind(response_format=PERSON, **options)
    message = await wild.ainvoke("Write somebody down as JSON with name and age.")
    Person.model_validate_json(str(message.content))


async def test_an_answer_that_had_to_be_ended_says_so(chat_model: RemoteChatModel) -> None:
    schema = {"type": "array", "items": {"type": "integer"}, "minItems": 20}
    form = {"type": "json_schema", "json_schema": {"name": "numbers", "schema": schema}}
    message = await chat_model.ainvoke("Count as far as you can.", response_format=form, max_tokens=60)
    assert message.response_metadata["finish_reason"] == "length"
    assert len(json.loads(str(message.content))) >= 20


async def test_a_form_that_max_tokens_cannot_hold_is_refused(chat_model: RemoteChatModel) -> None:
    with pytest.raises(BadRequestError, match="max_tokens allows 3"):
        await chat_model.bind(response_format=PERSON, max_tokens=3).ainvoke("Anna, 31")


def test_structured_output_is_greedy_unless_a_temperature_is_asked_for() -> None:
    hello = [{"role": "user", "content": "Hi"}]
    assert sampling_of(ChatRequest(messages=hello), 'root ::= "a"').temperature == 0
    assert sampling_of(ChatRequest(messages=hello), "").temperature > 0
    assert sampling_of(ChatRequest(messages=hello, temperature=0.5), 'root ::= "a"').temperature == 0.5


async def test_a_prompt_that_never_fits_is_refused_at_once(chat_model: RemoteChatModel) -> None:
    with pytest.raises(TooLong) as refusal:
        await chat_model.ainvoke("word " * 6000)
    assert refusal.value.tokens > 6000
    assert refusal.value.limit < chat_model.context_tokens


async def test_time_out(chat_model: RemoteChatModel, served: ServedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "settings", LlmSettings(timeout_seconds=0.01))
    with pytest.raises(TimedOut):
        await chat_model.ainvoke("Tell me a story.")


async def test_a_grammar_that_cannot_be_read_is_an_error_and_nothing_else_happens(chat_model: RemoteChatModel) -> None:
    with pytest.raises(BadRequestError, match="grammar"):
        await chat_model.ainvoke("Hi", extra_body={"grammar": "root ::= (("})
    await chat_model.ainvoke("Hi", max_tokens=2)


async def test_the_follow_up_reuses_what_was_said(chat_model: RemoteChatModel) -> None:
    question = [("user", "Name three colours and say one sentence about each of them, please.")]
    answer = await chat_model.ainvoke(question, temperature=0, max_tokens=200)
    follow_up = [*question, ("assistant", str(answer.content)), ("user", "And a fourth?")]
    again = await chat_model.ainvoke(follow_up, temperature=0, max_tokens=2)
    assert answer.usage_metadata is not None
    assert again.usage_metadata is not None
    said = answer.usage_metadata["total_tokens"]
    assert again.usage_metadata["input_token_details"]["cache_read"] >= said - 1


async def test_what_a_stop_string_cut_off_is_not_read_in_the_follow_up(
    chat_model: RemoteChatModel, served: ServedModel
) -> None:
    question = [("user", "Count from one to ten.")]
    whole = str((await chat_model.ainvoke(question, temperature=0, max_tokens=20)).content)
    answer = await chat_model.ainvoke(question, temperature=0, max_tokens=20, stop=[whole[5:8]])
    thread = [*question, ("assistant", str(answer.content)), ("user", "Go on.")]
    prompt = served.template.render(convert_to_messages(thread))
    said = b"".join(served.llama.piece(token) for token in served.tokenizer.encode(prompt))
    assert whole[5:8].encode() not in said.split(b"assistant")[-2]


async def test_the_person_is_known_to_the_engine(chat_model: RemoteChatModel, served: ServedModel) -> None:
    stream = chat_model.bind(user="ada").astream("Hello", max_tokens=50)
    await anext(stream)
    assert [sequence.person for sequence in served.engine.scheduler.running] == ["ada"]
    await stream.aclose()  # type: ignore[attr-defined]


def test_threads_without_a_loop_are_answered_too(chat_model: RemoteChatModel) -> None:
    assert chat_model.invoke("Hi", max_tokens=3).content is not None
