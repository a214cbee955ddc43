"""What changed in Slack waits for nobody, is followed once, and is tried again until it is done."""

import asyncio
import time

import pytest
from redis.asyncio import Redis

from bot.access.gone import Gone
from bot.metrics import REGISTRY
from bot.queue import worker as worker_module
from bot.queue.queue import Queue
from bot.queue.worker import TryAgain
from bot.slack.changes import SlackChange
from indexing.document import Share
from tests.bot.conftest import Recorder, ask, eventually, working

NOW = float(int(time.time()))


def deleted(number: int, user: str = "U1") -> SlackChange:
    """The number-th file is deleted."""
    return SlackChange(id=f"Ev{number}", kind="file_deleted", team="T", at=NOW, user=user, files=(f"F{number}",))


async def test_a_deletion_is_hidden_at_once_and_done_within_two_seconds(
    queue: Queue, turn: Recorder, redis: Redis
) -> None:
    """Two people have long documents read, in all hands there are for that, and the one who deletes is one of them."""
    for number in range(6):
        await queue.put(ask(number, thread=str(number), user=f"U{number % 2}", action="upload", text="wait"))
    for number in range(20, 30):
        await queue.put(ask(number, thread=str(number), user=f"U{number % 2}", text="wait"))
    share = Share(channel="C", file_id="F1", user="U1", ts="1.0", permalink="", name="a.pdf")
    async with working(queue, turn, concurrency=8):
        await eventually(lambda: len(turn.begun) == 2 + 8)
        began, change = time.monotonic(), deleted(1)
        await Gone(redis).note(change)
        assert await Gone(redis).among([share]) == {share}
        await queue.put_change(change)
        await eventually(lambda: turn.changes == [change])
        assert time.monotonic() - began < 2
        assert turn.done == []
        turn.open.set()
        await eventually(lambda: empty(queue))


async def test_a_person_may_change_as_much_as_he_likes_at_once(queue: Queue, turn: Recorder) -> None:
    async with working(queue, turn):
        await asyncio.gather(*(queue.put_change(deleted(number, "greedy")) for number in range(50)))
        await eventually(lambda: len(turn.changes) == 50, seconds=5)
    assert {change.files for change in turn.changes} == {(f"F{number}",) for number in range(50)}


async def test_a_change_that_slack_tells_twice_is_followed_once(queue: Queue, turn: Recorder) -> None:
    for _ in range(3):
        await queue.put_change(deleted(1))
    async with working(queue, turn):
        await eventually(lambda: turn.changes == [deleted(1)])
        await queue.put_change(deleted(2))
        await eventually(lambda: len(turn.changes) == 2)
    assert turn.changes == [deleted(1), deleted(2)]


async def test_a_change_that_fails_is_tried_again_and_counted(
    queue: Queue, turn: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "PAUSE_SECONDS", (0.05,) * 7)
    turn.failures["Ev1"] = [TryAgain("qdrant"), ValueError("odd"), TryAgain("slack 429", after_seconds=0.3)]
    before = retries("file_deleted")
    await queue.put_change(deleted(1))
    async with working(queue, turn):
        await eventually(lambda: turn.changes == [deleted(1)])
    assert retries("file_deleted") - before == 3


async def test_a_change_that_never_succeeds_is_left_to_the_night(
    queue: Queue, turn: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "PAUSE_SECONDS", (0.01,) * 7)
    monkeypatch.setattr(worker_module, "CHANGE_FAILURES", 2)
    errors: list[Exception] = [TryAgain("qdrant")] * 9
    turn.failures["Ev1"] = errors
    await queue.put_change(deleted(1))
    async with working(queue, turn):
        await eventually(lambda: len(errors) == 6)
        await queue.put_change(deleted(2))
        await eventually(lambda: turn.changes == [deleted(2)])
    assert len(errors) == 6


async def test_a_failed_request_is_counted(queue: Queue, turn: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "PAUSE_SECONDS", (0.01,) * 7)
    turn.failures["T:C:1"] = [TryAgain("model"), ValueError("odd")]
    before = retries("ask")
    await queue.put(ask(1))
    async with working(queue, turn):
        await eventually(lambda: empty(queue))
    assert retries("ask") - before == 2


async def test_two_workspaces_on_one_redis_do_not_mix(queue: Queue, redis: Redis, url: str, turn: Recorder) -> None:
    async with Queue(redis, url, team="T2", settle_seconds=0) as other, working(other, Recorder()) as _:
        await queue.put(ask(1))
        await queue.put_change(deleted(1))
        await asyncio.sleep(0.5)
        assert (await queue.depth(), await other.depth()) == (1, 0)
    async with working(queue, turn):
        await eventually(lambda: empty(queue))
        await eventually(lambda: turn.changes == [deleted(1)])
    assert turn.done == ["T:C:1"]


def retries(action: str) -> float:
    return REGISTRY.get_sample_value("folio_retries_total", {"action": action}) or 0.0


async def empty(queue: Queue) -> bool:
    return await queue.depth() == 0
