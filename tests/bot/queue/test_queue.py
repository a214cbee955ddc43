"""What the queue promises: nothing is lost, nothing is done twice, a thread keeps its order, stop means stop."""

import asyncio
import json
import time
from dataclasses import replace

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot.queue import queue as queue_module
from bot.queue import worker as worker_module
from bot.queue.queue import Held, Job, Queue
from bot.queue.worker import TryAgain
from handlers.request import Request
from tests.bot.conftest import Recorder, ask, eventually, working


async def empty(queue: Queue) -> bool:
    return await queue.depth() == 0


async def test_a_request_is_worked_on_once_however_often_it_comes(queue: Queue, turn: Recorder) -> None:
    assert await queue.put(ask(1))
    assert not await queue.put(ask(1))
    async with working(queue, turn):
        await eventually(lambda: empty(queue))
        assert not await queue.put(ask(1))
        await queue.put(ask(2))
        await eventually(lambda: empty(queue))
    assert turn.done == ["T:C:1", "T:C:2"]


async def test_the_requests_of_a_thread_are_worked_on_in_their_order(queue: Queue, turn: Recorder) -> None:
    """Five threads of ten requests, two workers with eight hands."""
    async with working(queue, turn), working(queue, turn):
        for number in range(50):
            await queue.put(ask(number, thread=str(number % 5), user=f"U{number % 3}"))
        await eventually(lambda: empty(queue))
    for thread in range(5):
        numbers = [int(request.split(":")[2]) for request in turn.done]
        assert [number for number in numbers if number % 5 == thread] == list(range(thread, 50, 5))


async def test_what_was_said_first_is_done_first_though_it_comes_last(redis: Redis, url: str, turn: Recorder) -> None:
    """A gateway that comes back is told what the killed one did not acknowledge, in any order."""
    async with Queue(redis, url, settle_seconds=0.3) as queue, working(queue, turn):
        for number in (3, 10, 2, 1):
            await queue.put(ask(number))
        await eventually(lambda: len(turn.done) == 4)
        await eventually(lambda: empty(queue))
    assert turn.done == ["T:C:1", "T:C:2", "T:C:3", "T:C:10"]


async def test_what_is_begun_is_not_overtaken(queue: Queue, turn: Recorder) -> None:
    await queue.put(ask(5, text="wait"))
    async with working(queue, turn):
        await eventually(lambda: turn.begun == ["T:C:5"])
        for number in (9, 4, 7):
            await queue.put(ask(number))
        turn.open.set()
        await eventually(lambda: empty(queue))
    assert turn.done == ["T:C:5", "T:C:4", "T:C:7", "T:C:9"]
    assert turn.told == []


async def test_what_a_request_says_comes_through_unchanged(queue: Queue) -> None:
    request = ask(1, text='Congés payés ? \u2603 </s> "quoted" {x}')
    await queue.put(request)
    job = await queue.start(request.conversation, request.id, worker="w", lease_seconds=5)
    assert job is not None
    assert job.request == request
    await queue.cancel(request.id)


@pytest.mark.parametrize("text", ["caf\ud83d", "\udc00", "\0", "a\u2028b", "{" * 200])
async def test_odd_words_are_accepted_and_done(queue: Queue, turn: Recorder, text: str) -> None:
    """Half a character has no UTF-8, and Redis' Lua does not read its escape."""
    assert await queue.put(ask(1, text=text))
    async with working(queue, turn):
        await eventually(lambda: empty(queue))
    assert turn.done == ["T:C:1"]


async def test_what_can_t_be_accepted_is_not_called_seen(
    queue: Queue, turn: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slack tells it again, and then it is done."""
    with monkeypatch.context() as broken:
        broken.setattr(queue_module, "_dump", lambda _: "{no json")
        with pytest.raises(RedisError):
            await queue.put(ask(1))
    assert await queue.put(ask(1))
    async with working(queue, turn):
        await eventually(lambda: empty(queue))
    assert turn.done == ["T:C:1"]


@pytest.mark.parametrize("other", ["newer", "older"])
async def test_a_record_of_another_version_is_done(
    queue: Queue, turn: Recorder, monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    """A rolling update: a newer gateway writes fields that are not known here, an older one leaves some out."""
    stored = json.loads(queue_module._dump(ask(1)))
    needed = ("id", "action", "team", "channel", "user", "ts", "put_at")
    record = stored | {"mood": "glad"} if other == "newer" else {name: stored[name] for name in needed}
    monkeypatch.setattr(queue_module, "_dump", lambda _: json.dumps(record))
    await queue.put(ask(1))
    async with working(queue, turn):
        await eventually(lambda: empty(queue))
    assert turn.done == ["T:C:1"]


async def test_a_question_edited_at_the_very_end_is_done_again(
    queue: Queue, turn: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The edition comes between the end of the turn and the finish, while docket calls the request running."""
    finish = queue.finish

    async def edited_before(job: Job, *, worker: str) -> None:
        if job.request.text == "edition 1":
            await queue.redo(ask(1, text="edition 2"))
        await finish(job, worker=worker)

    monkeypatch.setattr(queue, "finish", edited_before)
    await queue.put(ask(1, text="edition 1"))
    async with working(queue, turn):
        await eventually(lambda: turn.done == ["edition 1", "edition 2"], seconds=5)
        await eventually(lambda: empty(queue))


async def test_a_question_edited_just_after_its_end_is_done_again(
    queue: Queue, turn: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = queue.finish

    async def edited_after(job: Job, *, worker: str) -> None:
        await finish(job, worker=worker)
        if job.request.text == "edition 1":
            await queue.redo(ask(1, text="edition 2"))

    monkeypatch.setattr(queue, "finish", edited_after)
    await queue.put(ask(1, text="edition 1"))
    async with working(queue, turn):
        await eventually(lambda: turn.done == ["edition 1", "edition 2"], seconds=5)
        await eventually(lambda: empty(queue))


async def test_a_stopped_request_is_let_go_within_a_second(queue: Queue, turn: Recorder) -> None:
    await queue.put(ask(1, text="wait"))
    await queue.put(ask(2))
    async with working(queue, turn):
        await eventually(lambda: turn.begun == ["T:C:1"])
        assert await queue.cancel("T:C:1")
        await eventually(lambda: turn.told == [("stopped", "T:C:1")], seconds=1)
        await eventually(lambda: turn.done == ["T:C:2"])
    assert not await queue.cancel("T:C:1")
    assert not await queue.cancel("never heard of")


async def test_a_request_that_waits_can_be_stopped(queue: Queue, turn: Recorder) -> None:
    for number in (1, 2, 3):
        await queue.put(ask(number, text="wait" if number == 1 else ""))
    async with working(queue, turn):
        await eventually(lambda: turn.begun == ["T:C:1"])
        assert await queue.cancel("T:C:2")
        turn.open.set()
        await eventually(lambda: empty(queue))
    assert turn.done == ["T:C:1", "T:C:3"]


async def test_stopping_a_thread_stops_all_of_it_and_nothing_else(queue: Queue, turn: Recorder) -> None:
    await queue.put(ask(1, text="wait"))
    await queue.put(ask(2))
    await queue.put(ask(3, thread="2.0", text="wait"))
    async with working(queue, turn):
        await eventually(lambda: len(turn.begun) == 2)
        assert await queue.cancel_thread("T", "C", "1.0") == 2
        await eventually(lambda: turn.told == [("stopped", "T:C:1")], seconds=1)
        turn.open.set()
        await eventually(lambda: empty(queue))
    assert turn.done == ["T:C:3"]


async def test_a_stop_that_comes_late_stops_only_what_was_asked_before_it(queue: Queue, turn: Recorder) -> None:
    """Slack tells a stop again, up to an hour later."""
    for number in (1, 2, 3):
        await queue.put(ask(number, text="wait" if number == 1 else ""))
    async with working(queue, turn):
        await eventually(lambda: turn.begun == ["T:C:1"])
        assert await queue.cancel_thread("T", "C", "1.0", before=2.5) == 2
        await eventually(lambda: empty(queue))
    assert turn.done == ["T:C:3"]


async def test_stopping_the_thread_of_a_command_stops_the_command(queue: Queue, turn: Recorder) -> None:
    command = replace(ask(1, thread="", text="wait"), ts="")
    await queue.put(command)
    async with working(queue, turn):
        await eventually(lambda: turn.begun == ["T:C:1"])
        await queue.opened(command, "7.0")
        assert await queue.cancel_thread("T", "C", "7.0", before=time.time() - 60) == 1  # a clock that is slow
        await eventually(lambda: turn.told == [("stopped", "T:C:1")], seconds=1)
    assert await queue.owns("T", "C", "7.0")


async def test_an_edited_question_is_done_again_in_its_new_words(queue: Queue, turn: Recorder) -> None:
    await queue.put(ask(1, text="wait"))
    await queue.put(ask(2))
    async with working(queue, turn):
        await eventually(lambda: turn.begun == ["T:C:1"])
        await queue.redo(ask(1, text="edition 2"))
        await eventually(lambda: empty(queue))
        await queue.redo(ask(1, text="edition 3"))
        await eventually(lambda: empty(queue))
    assert turn.done == ["edition 2", "T:C:2", "edition 3"]
    assert turn.told == []


async def test_a_failure_is_tried_again_and_the_person_is_told_once(
    queue: Queue, turn: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "PAUSE_SECONDS", (0.05,) * 7)
    turn.failures["T:C:1"] = [TryAgain("qdrant"), ValueError("odd"), TryAgain("slack 429", after_seconds=0.2)]
    await queue.put(ask(1))
    await queue.put(ask(2))
    async with working(queue, turn):
        await eventually(lambda: empty(queue))
    assert turn.begun == ["T:C:1"] * 4 + ["T:C:2"]
    assert turn.told == [("delayed", "T:C:1")]


async def test_after_the_last_try_the_person_is_told_and_the_thread_goes_on(
    queue: Queue, turn: Recorder, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "PAUSE_SECONDS", (0.01,) * 7)
    turn.failures["T:C:1"] = [TryAgain("model")] * 20
    await queue.put(ask(1, text="my salary"))
    await queue.put(ask(2))
    async with working(queue, turn):
        await eventually(lambda: empty(queue))
    assert turn.begun == ["T:C:1"] * worker_module.FAILURES + ["T:C:2"]
    assert turn.told == [("delayed", "T:C:1"), ("given up", "T:C:1")]
    note = json.loads(await redis.get("dead:T:C:1"))
    assert note["reason"] == "model"
    assert "salary" not in json.dumps(note)


async def test_who_can_t_be_told_is_answered_when_that_is_possible_again(
    queue: Queue, turn: Recorder, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slack itself is away for longer than the tries last: the request is kept, and answered in the end."""

    async def unreachable(request: Request, reason: str) -> None:
        raise ConnectionError

    monkeypatch.setattr(worker_module, "PAUSE_SECONDS", (0.01,) * 7)
    monkeypatch.setattr(turn, "given_up", unreachable)
    turn.failures["T:C:1"] = [TryAgain("slack 503")] * (worker_module.FAILURES + worker_module.STARTS + 3)
    await queue.put(ask(1))
    async with working(queue, turn):
        await eventually(lambda: empty(queue))
    assert turn.done == ["T:C:1"]
    assert turn.told == [("delayed", "T:C:1")]
    assert not await redis.exists("dead:T:C:1")


async def test_a_request_that_keeps_ending_the_process_is_given_up(queue: Queue, turn: Recorder) -> None:
    request = ask(1)
    await queue.put(request)
    for _ in range(worker_module.STARTS):
        await queue.start(request.conversation, request.id, worker="dead", lease_seconds=0.01)
        await asyncio.sleep(0.02)
    async with working(queue, turn):
        await eventually(lambda: empty(queue))
    assert turn.begun == []
    assert turn.told == [("given up", "T:C:1")]


async def test_a_person_with_many_requests_leaves_room_for_others(queue: Queue, turn: Recorder) -> None:
    for number in range(20):
        await queue.put(ask(number, thread=str(number), text="wait", user="greedy"))
    async with working(queue, turn, concurrency=4):
        await eventually(lambda: len(turn.begun) == 2)
        await queue.put(ask(99, thread="99", user="modest"))
        await eventually(lambda: turn.done == ["T:C:99"], seconds=3)
        assert len(turn.begun) == 3
        turn.open.set()
        await eventually(lambda: empty(queue))


async def test_an_upload_does_not_hold_back_a_conversation(queue: Queue, turn: Recorder) -> None:
    for number in range(8):
        await queue.put(ask(number, thread=str(number), user=f"U{number}", action="upload", text="wait"))
    async with working(queue, turn, concurrency=4):
        await queue.put(ask(50, thread="50"))
        await eventually(lambda: turn.done == ["T:C:50"], seconds=3)
        turn.open.set()
        await eventually(lambda: empty(queue))


async def test_a_question_in_the_thread_of_an_upload_waits_for_it(queue: Queue, turn: Recorder) -> None:
    await queue.put(ask(1, action="upload", text="wait"))
    await queue.put(ask(2))
    async with working(queue, turn):
        await eventually(lambda: turn.begun == ["T:C:1"])
        await asyncio.sleep(0.3)
        assert turn.begun == ["T:C:1"]
        turn.open.set()
        await eventually(lambda: empty(queue))
    assert turn.done == ["T:C:1", "T:C:2"]


async def test_what_is_running_at_the_end_is_begun_again_at_once_by_the_next(
    queue: Queue, turn: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deployment: no lease has to run out, and nobody is told anything."""
    monkeypatch.setattr(worker_module, "GRACE_SECONDS", 0.1)
    await queue.put(ask(1, text="wait"))
    async with working(queue, turn):
        await eventually(lambda: turn.begun == ["T:C:1"])
    turn.open.set()
    async with working(queue, turn):
        await eventually(lambda: turn.done == ["T:C:1"], seconds=3)
        await eventually(lambda: empty(queue))
    assert turn.told == []


async def test_a_head_without_a_token_is_found(queue: Queue, turn: Recorder) -> None:
    """The gateway died between writing the inbox and calling docket."""
    request = ask(1)
    await queue.put(request)
    await queue.lanes["chat"].cancel(request.id)
    async with working(queue, turn):
        await eventually(lambda: turn.done == [request.id])
        await eventually(lambda: empty(queue))


async def test_a_head_whose_token_was_lost_while_running_is_found(queue: Queue, turn: Recorder, redis: Redis) -> None:
    request = ask(1)
    await queue.put(request)
    docket = queue.lanes["chat"].name
    await redis.delete(f"{docket}:stream")
    await redis.hset(f"{docket}:runs:{request.id}", "state", "running")
    await redis.hdel(f"{docket}:runs:{request.id}", "known")
    suspects = await queue.mend()
    assert suspects == {request.id}
    await queue.mend(suspects)
    async with working(queue, turn):
        await eventually(lambda: turn.done == [request.id])
        await eventually(lambda: empty(queue))


async def test_two_workers_never_hold_the_same_request(queue: Queue) -> None:
    request = ask(1)
    await queue.put(request)
    job = await queue.start(request.conversation, request.id, worker="one", lease_seconds=5)
    assert job is not None
    with pytest.raises(Held):
        await queue.start(request.conversation, request.id, worker="two", lease_seconds=5)
    assert await queue.keep(job, worker="two", lease_seconds=5) == "lost"
    assert await queue.keep(job, worker="one", lease_seconds=5) == "kept"
    await queue.finish(job, worker="one")


async def test_depth_and_age_tell_what_waits(queue: Queue) -> None:
    assert (await queue.depth(), await queue.oldest_seconds()) == (0, 0.0)
    await queue.put(ask(1))
    await queue.put(ask(2))
    await queue.put(ask(3, thread="2.0"))
    await asyncio.sleep(0.05)
    assert await queue.depth() == 3
    assert 0.05 <= await queue.oldest_seconds() < 5
    for number in (1, 2, 3):
        await queue.cancel(f"T:C:{number}")


async def test_a_thread_that_the_bot_owns_is_known(queue: Queue) -> None:
    assert not await queue.owns("T", "C", "1.0")
    await queue.own("T", "C", "1.0")
    assert await queue.owns("T", "C", "1.0")
    assert not await queue.owns("T", "OTHER", "1.0")


async def test_what_an_earlier_version_accepted_is_done_after_the_update(
    redis: Redis, queue: Queue, turn: Recorder
) -> None:
    """One list held the threads of all workspaces, requests had a field less or more, and Slack's changes were some."""
    for number, (action, team) in enumerate([("ask", ""), ("upkeep", ""), ("ask", ""), ("ask", "T9")], 1):
        request = {"id": f"{number}", "action": action, "team": team, "channel": "C", "user": "U", "target": "x",
                   "text": "", "files": [], "put_at": float(number)}  # fmt: skip
        thread = f"{team}:C:{number // 3}"
        await redis.rpush(f"inbox:{thread}", json.dumps(request))
        await redis.expire(f"inbox:{thread}", 600)
        await redis.zadd("queue:threads", {thread: number})
    await redis.expire("queue:threads", 600)
    async with working(queue, turn):
        await eventually(lambda: turn.done == ["1", "3"])
    assert await redis.zrange("queue:threads", 0, -1) == ["T9:C:1"]
