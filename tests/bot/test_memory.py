"""A thread's memory: in order, once, bound to its conversation, and forgotten when it must be."""

import asyncio

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from redis.asyncio import Redis

from bot.memory import LONGEST, ThreadMemory

HERE, ELSEWHERE = "T:C1:1.0", "T:C2:1.0"


@pytest.fixture
def memory(redis: Redis) -> ThreadMemory:
    """An empty memory."""
    return ThreadMemory(redis, days=90)


def turn(number: int, user: str = "U1", documents: tuple[str, ...] = (), words: str = "") -> list[BaseMessage]:
    """Make the two messages of a turn."""
    about = {"user": user, "documents": list(documents), "shared_in": {one: ["C1", "C2"] for one in documents}}
    question = HumanMessage(words or f"question {number}", id=f"T:C:{number}:q", additional_kwargs={"user": user})
    return [question, AIMessage(f"answer {number}", id=f"T:C:{number}:a", additional_kwargs=about)]


async def said(memory: ThreadMemory, conversation: str = HERE) -> list[str]:
    return [str(message.content) for message in await memory.recall(conversation)]


async def test_a_thread_is_recalled_as_it_was_said(memory: ThreadMemory) -> None:
    messages = turn(1, documents=("D1",), words="Où sont les congés ? \u2603")
    await memory.add(HERE, messages)
    await memory.add(HERE, turn(2))
    recalled = await memory.recall(HERE)
    assert recalled == messages + turn(2)
    assert await memory.recall(ELSEWHERE) == []


async def test_a_turn_that_is_done_again_is_not_remembered_twice(memory: ThreadMemory) -> None:
    await memory.add(HERE, turn(1))
    await memory.add(HERE, turn(2))
    await memory.add(HERE, turn(1, words="edited"))
    assert await said(memory) == ["edited", "answer 1", "question 2", "answer 2"]


async def test_pairs_stay_together_when_many_write(memory: ThreadMemory) -> None:
    await asyncio.gather(*(memory.add(HERE, turn(number)) for number in range(40)))
    words = await said(memory)
    assert len(words) == 80
    assert all(a.replace("question", "answer") == b for a, b in zip(words[::2], words[1::2], strict=True))


async def test_a_very_long_thread_keeps_its_end(memory: ThreadMemory, redis: Redis) -> None:
    for number in range(0, 220, 10):
        await memory.add(HERE, [message for n in range(number, number + 10) for message in turn(n)])
    words = await said(memory)
    assert (len(words), words[-1]) == (LONGEST, "answer 219")
    assert await redis.hlen(f"memory:{HERE}:said") == LONGEST


async def test_forgetting_a_thread_forgets_only_it(memory: ThreadMemory) -> None:
    await memory.add(HERE, turn(1))
    await memory.add(ELSEWHERE, turn(2))
    assert await memory.forget(HERE) == 2
    assert await memory.forget(HERE) == 0
    assert await said(memory) == []
    assert len(await said(memory, ELSEWHERE)) == 2


async def test_forgetting_a_person_takes_the_answers_along(memory: ThreadMemory) -> None:
    await memory.add(HERE, [*turn(1, "U1"), *turn(2, "U2")])
    await memory.add(ELSEWHERE, turn(3, "U1"))
    assert await memory.forget_person("U1") == 4
    assert await said(memory) == ["question 2", "answer 2"]
    assert await said(memory, ELSEWHERE) == []


async def test_forgetting_a_document_takes_what_no_share_allows(memory: ThreadMemory) -> None:
    await memory.add(HERE, [*turn(1, documents=("D1", "D2")), *turn(2)])
    await memory.add(ELSEWHERE, turn(3, documents=("D1",)))
    assert await memory.documents() == {"D1", "D2"}
    assert await memory.allowed("D1") == {"C1", "C2"}
    assert await memory.forget_document("D1", {"C2", "C3"}) == 0
    assert await memory.forget_document("D1", {"C3"}) == 4
    assert await said(memory) == ["question 2", "answer 2"]
    assert "D1" not in await memory.documents()


async def test_what_is_remembered_of_an_unknown_share_is_forgotten_with_the_first(memory: ThreadMemory) -> None:
    """A version of before did not note which shares allowed a turn."""
    about = {"user": "U1", "documents": ["D1"]}
    await memory.add(HERE, [AIMessage("27", id="T:C:1:a", additional_kwargs=about)])
    assert await memory.forget_document("D1", {"C1"}) == 1


async def test_forgetting_a_turn_and_a_channel(memory: ThreadMemory) -> None:
    await memory.add(HERE, [*turn(1), *turn(12)])
    await memory.add(ELSEWHERE, turn(2))
    assert await memory.forget_turn(HERE, "T:C:1") == 2
    assert await said(memory) == ["question 12", "answer 12"]
    assert await memory.forget_channel("C2") == 2
    assert await said(memory, ELSEWHERE) == []


async def test_people_channels_and_documents_are_listed_without_a_look_at_all_keys(
    memory: ThreadMemory, redis: Redis
) -> None:
    """A week of a busy workspace is a million keys; the night must not walk through them."""
    await memory.add("T:C1:1.0", [*turn(1, "U1"), *turn(2, "U2")])
    await memory.documents()
    before = (await redis.info("commandstats")).get("cmdstat_scan")
    assert (await memory.people(), await memory.channels()) == ({"U1", "U2"}, {"C1"})
    await memory.forget_person("U1")
    assert await memory.people() == {"U2"}
    await memory.forget_channel("C1")
    assert await memory.channels() == set()
    assert (await redis.info("commandstats")).get("cmdstat_scan") == before


async def test_what_an_earlier_version_remembered_is_listed_once(memory: ThreadMemory, redis: Redis) -> None:
    await memory.add("T:C1:1.0", turn(1, "U1"))
    await redis.delete(*await redis.keys("memory-list*"))
    assert (await memory.people(), await memory.channels()) == ({"U1"}, {"C1"})
    assert await memory.people() == {"U1"}
