"""What Slack takes away is gone at once, and only that."""

import time
from collections.abc import Mapping
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot.access.gone import GONE_SECONDS, KEY, Gone
from indexing.document import Share

NOW = float(int(time.time()))


def share(file_id: str = "F1", channel: str = "C1", *, at: float = NOW - 60) -> Share:
    """One appearance of a file, a minute ago."""
    return Share(channel=channel, file_id=file_id, user="U1", ts=f"{at:.6f}", permalink="", name="a.pdf")


HERE, ELSEWHERE, OTHER_FILE = share(), share(channel="C2", at=NOW - 30), share("F2", at=NOW - 10)
ALL = (HERE, ELSEWHERE, OTHER_FILE)


@pytest.mark.parametrize(
    ("what", "hidden"),
    [
        ({"files": ["F1"]}, {HERE, ELSEWHERE}),
        ({"channels": ["C1"]}, {HERE, OTHER_FILE}),
        ({"unshared": [("F1", "C1")]}, {HERE}),
        ({"messages": [("C1", HERE.ts)]}, {HERE}),
        ({"messages": [("C2", HERE.ts)]}, set()),
        ({}, set()),
    ],
)
async def test_what_went_is_told_from_what_stays(redis: Redis, what: Mapping[str, Any], hidden: set[Share]) -> None:
    gone = Gone(redis)
    await gone.note(at=NOW, **what)
    assert await gone.among(ALL) == hidden
    assert await gone.among([]) == frozenset()


async def test_what_is_shared_again_later_is_there_again(redis: Redis) -> None:
    """The events come late and in any order: the older one takes nothing away that came after it."""
    gone = Gone(redis)
    await gone.note(at=NOW, channels=["C1"], unshared=[("F9", "C2")])
    await gone.note(at=NOW - 500, channels=["C1"], unshared=[("F9", "C2")])
    again = [share(at=NOW + 1), share("F9", "C2", at=NOW + 1)]
    assert await gone.among([HERE, share("F9", "C2"), *again]) == {HERE, share("F9", "C2")}


async def test_a_deleted_file_does_not_come_back(redis: Redis) -> None:
    """It was being read when it went: the share that is written afterwards is gone as well."""
    gone = Gone(redis)
    await gone.note(at=NOW, files=["F1"])
    assert await gone.among([share(at=NOW + 100)])


async def test_the_note_lasts_a_week(redis: Redis) -> None:
    gone = Gone(redis)
    await gone.note(at=NOW - GONE_SECONDS - 60, files=["F1"])
    await gone.note(at=NOW, files=["F2"])
    assert await redis.zrange(KEY, 0, -1) == ["file:F2"]
    assert 0 < await redis.ttl(KEY) <= GONE_SECONDS


async def test_without_redis_nothing_is_called_there() -> None:
    with pytest.raises(RedisError):
        await Gone(Redis(unix_socket_path="/nowhere")).among([HERE])
