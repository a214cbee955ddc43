"""What Slack takes away is gone at once, and only that."""

import time
from dataclasses import replace
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot.access.gone import GONE_SECONDS, KEY, Gone
from bot.slack.changes import SlackChange
from indexing.document import Share

NOW = float(int(time.time()))


def share(file_id: str = "F1", channel: str = "C1", *, at: float = NOW - 60) -> Share:
    """One appearance of a file, a minute ago."""
    return Share(channel=channel, file_id=file_id, user="U1", ts=f"{at:.6f}", permalink="", name="a.pdf")


def change(kind: str, *files: str, at: float = NOW, **fields: Any) -> SlackChange:
    """Something that changed now."""
    return SlackChange(id="Ev1", kind=kind, team="T1", at=at, files=files, **fields)


HERE, ELSEWHERE, OTHER_FILE = share(), share(channel="C2", at=NOW - 30), share("F2")
ALL = (HERE, ELSEWHERE, OTHER_FILE)


@pytest.mark.parametrize(
    ("what", "hidden"),
    [
        (change("file_deleted", "F1"), {HERE, ELSEWHERE}),
        (change("channel_left", channel="C1"), {HERE, OTHER_FILE}),
        (change("channel_archived", channel="C1"), {HERE, OTHER_FILE}),
        (change("channel_deleted", channel="C1"), {HERE, OTHER_FILE}),
        (change("file_unshared", "F1", channel="C1"), {HERE}),
        (change("file_unshared", "F1", channel="C1", ts=HERE.ts), {HERE}),
        (change("file_unshared", "F1", channel="C1", ts="1.0"), set()),
        (change("file_unshared", "F1"), set()),
        (change("message_deleted", channel="C1", ts=HERE.ts), {HERE, OTHER_FILE}),
        (change("message_deleted", channel="C2", ts=HERE.ts), set()),
        (change("member_left", channel="C1", user="U1"), set()),
        (change("user_changed", user="U1"), set()),
    ],
)
async def test_what_went_is_told_from_what_stays(redis: Redis, what: SlackChange, hidden: set[Share]) -> None:
    gone = Gone(redis)
    await gone.note(what)
    assert await gone.among(ALL) == hidden
    assert await gone.among([]) == frozenset()
    await gone.clear(what)
    assert await gone.among(ALL) == frozenset()


async def test_what_is_shared_again_later_is_there_again(redis: Redis) -> None:
    """The events come late and in any order: the older one takes nothing away that came after it."""
    gone = Gone(redis)
    for at in (NOW, NOW - 500):
        await gone.note(change("channel_left", channel="C1", at=at))
        await gone.note(change("file_unshared", "F9", channel="C2", at=at))
    before, again = share("F9", "C2"), [share(at=NOW + 1), share("F9", "C2", at=NOW + 1)]
    assert await gone.among([HERE, before, *again]) == {HERE, before}


@pytest.mark.parametrize("kind", ["channel_joined", "channel_unarchived"])
async def test_a_channel_that_is_back_is_read_again(redis: Redis, kind: str) -> None:
    gone = Gone(redis)
    await gone.note(change("channel_left", channel="C1"))
    await gone.note(change(kind, channel="C1"))
    assert await gone.among(ALL) == frozenset()


async def test_a_deleted_file_does_not_come_back(redis: Redis) -> None:
    """It was being read when it went: the share that is written afterwards is gone as well."""
    gone = Gone(redis)
    await gone.note(change("file_deleted", "F1"))
    assert await gone.among([share(at=NOW + 100)])


async def test_the_note_lasts_a_week(redis: Redis) -> None:
    gone = Gone(redis)
    await gone.note(change("file_deleted", "F1", at=NOW - GONE_SECONDS - 60))
    await gone.note(change("file_deleted", "F2"))
    assert await redis.zrange(KEY, 0, -1) == ["file:F2"]
    assert 0 < await redis.ttl(KEY) <= GONE_SECONDS


async def test_without_redis_nothing_is_called_there() -> None:
    with pytest.raises(RedisError):
        await Gone(Redis(unix_socket_path="/nowhere")).among([HERE])


async def test_who_said_forget_me_is_forgotten_as_of_then(redis: Redis) -> None:
    gone = Gone(redis)
    await gone.forget_person("U1")
    later, of_others = share(at=time.time() + 60), replace(HERE, user="U2")  # NOW is when the tests were collected
    assert await gone.among([HERE, later, of_others]) == {HERE}
