"""What could not be answered is kept in its channel, a bounded time and number, and forgotten with it."""

import time

import pytest
from redis.asyncio import Redis

from bot import open_questions
from bot.open_questions import RedisOpenQuestions
from handlers.ports import OpenQuestion


def question(number: int, channel: str = "C1", user: str = "U1", at: float | None = None) -> OpenQuestion:
    """Make the number-th question."""
    return OpenQuestion(
        id=f"T:{channel}:{number}.0", channel=channel, thread=f"{number}.0", user=user, text=f"question {number}",
        language="en", at=time.time() - 1000 + number if at is None else at,
    )  # fmt: skip


@pytest.fixture
def kept(redis: Redis) -> RedisOpenQuestions:
    """The open questions of a workspace."""
    return RedisOpenQuestions(redis, "T")


async def texts(kept: RedisOpenQuestions) -> list[str]:
    return [one.text for one in await kept.all()]


async def test_the_newest_come_first_and_one_channel_keeps_so_many(
    kept: RedisOpenQuestions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_questions, "MOST", 3)
    for number in range(5):
        await kept.keep(question(number))
    await kept.keep(question(9, "C2"))
    assert await texts(kept) == ["question 9", "question 4", "question 3", "question 2"]


async def test_an_edited_question_takes_its_own_place(kept: RedisOpenQuestions) -> None:
    await kept.keep(question(1))
    await kept.keep(question(1))
    assert await kept.get("C1", "T:C1:1.0")
    assert await kept.drop("C1", "T:C1:1.0")
    assert not await kept.drop("C1", "T:C1:1.0")
    assert await kept.get("C1", "T:C1:1.0") is None


async def test_they_are_forgotten_with_their_person_thread_and_channel(kept: RedisOpenQuestions) -> None:
    for one in (question(1), question(2, user="U2"), question(3), question(4, "C2")):
        await kept.keep(one)
    assert [one.text for one in await kept.of_person("U2")] == ["question 2"]
    assert await kept.forget_person("U2") == 1
    assert await kept.forget_thread("C1", "3.0") == 1
    await kept.move_channel("C1", "C7")
    moved = await kept.get("C7", "T:C7:1.0")
    assert moved and moved.channel == "C7"
    await kept.forget_channel("C2")
    assert await texts(kept) == ["question 1"]


async def test_what_is_old_is_not_asked_again(kept: RedisOpenQuestions) -> None:
    """Its channel's newer questions keep the key alive."""
    await kept.keep(question(1, at=time.time() - 31 * 86400))
    assert await texts(kept) == []
