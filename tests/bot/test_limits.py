"""A person who asks too fast is told when to come back; others are not touched."""

from dataclasses import replace

import pytest
from redis.asyncio import Redis

from bot.limits import DailyReading, Limits
from handlers.pieces import UserError
from tests.bot.conftest import ask


async def test_the_friendly_sentence_comes_after_the_limit(redis: Redis) -> None:
    limits = Limits(redis, per_minute=3, workspace_per_minute=100)
    for number in range(3):
        await limits.charge(ask(number))
    with pytest.raises(UserError, match=r"try again in (19|20) seconds"):
        await limits.charge(ask(3))
    with pytest.raises(UserError, match="Réessayez dans"):
        await limits.charge(replace(ask(4), language="fr"))
    await limits.charge(ask(5, user="U2"))


async def test_a_request_that_is_tried_again_is_counted_once(redis: Redis) -> None:
    limits = Limits(redis, per_minute=2, workspace_per_minute=100)
    for _ in range(5):
        await limits.charge(ask(1))
    await limits.charge(ask(2))


async def test_editing_a_question_over_and_over_counts(redis: Redis) -> None:
    limits = Limits(redis, per_minute=2, workspace_per_minute=100)
    for text in ("one", "two", "two"):
        await limits.charge(ask(1, text=text))
    with pytest.raises(UserError):
        await limits.charge(ask(1, text="three"))


async def test_what_was_refused_costs_nothing(redis: Redis) -> None:
    limits = Limits(redis, per_minute=1, workspace_per_minute=2)
    await limits.charge(ask(1))
    for number in range(2, 9):
        with pytest.raises(UserError):
            await limits.charge(ask(number))
    await limits.charge(ask(9, user="U2"))
    with pytest.raises(UserError):
        await limits.charge(ask(10, user="U3"))


async def test_help_and_tidying_up_are_never_refused(redis: Redis) -> None:
    limits = Limits(redis, per_minute=1, workspace_per_minute=1)
    await limits.charge(ask(1))
    for action in ("help", "forget", "forget_me", "stop"):
        await limits.charge(ask(2, action=action))


async def test_each_file_of_a_message_counts(redis: Redis) -> None:
    limits = Limits(redis, per_minute=5, workspace_per_minute=100)
    await limits.charge(replace(ask(1), files=("F1", "F2", "F3", "F4")))
    await limits.charge(ask(2))
    with pytest.raises(UserError):
        await limits.charge(ask(3))


async def test_a_message_with_more_files_than_the_limit_is_taken_once_a_minute(redis: Redis) -> None:
    limits = Limits(redis, per_minute=5, workspace_per_minute=100)
    many = tuple(f"F{number}" for number in range(10))
    await limits.charge(replace(ask(1), files=many))
    with pytest.raises(UserError):
        await limits.charge(replace(ask(2), files=many))


async def test_the_seconds_of_a_persons_files_add_up_for_a_day(redis: Redis) -> None:
    quota = DailyReading(redis, 10)
    for _ in range(3):
        assert not await quota.is_spent("U1")
        await quota.spend("U1", 3.5)
    assert await quota.is_spent("U1")
    assert not await quota.is_spent("U2")
