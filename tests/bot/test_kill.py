"""Killed with -9 at any moment: what was accepted is done, once, in order."""

import asyncio
import os
import signal
import sys
import time
from asyncio.subprocess import Process
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bot.queue.queue import Queue
from bot.queue.worker_locks import WorkerLocks
from tests.bot.conftest import Recorder, ask, eventually, staying, working

WORKER = """
import asyncio, sys
from pathlib import Path
from bot.queue.queue import Queue
from bot.redis_server import open_redis
from bot.queue.worker import Worker

class Echo:
    def __init__(self, redis):
        self.redis = redis
    async def __call__(self, request):
        await self.redis.rpush("begun", request.id)
        await asyncio.sleep(float(request.text or 0))
        await self.redis.rpush("done", request.id)
        await self.redis.expire("begun", 600), await self.redis.expire("done", 600)
    async def change(self, change): ...
    async def delayed(self, request): ...
    async def stopped(self, request): ...
    async def given_up(self, request, reason): ...

async def main(url, folder, lease):
    redis = open_redis(url)
    async with Queue(redis, url) as queue:
        lifelines = Path(folder) if folder else None
        await Worker(queue, turn=Echo(redis), redelivery_seconds=float(lease), lifelines=lifelines).run()

asyncio.run(main(*sys.argv[1:]))
"""


async def worker_process(url: str, folder: str = "", lease: float = 30) -> Process:
    return await asyncio.create_subprocess_exec(sys.executable, "-c", WORKER, url, folder, str(lease))


async def kill(process: Process) -> None:
    process.kill()
    await process.wait()


async def count(redis: Redis, name: str) -> int:
    return int(await redis.llen(name))


async def test_a_killed_workers_request_is_taken_up_at_once_on_its_machine(
    queue: Queue, redis: Redis, url: str, tmp_path: Path
) -> None:
    lifelines = str(tmp_path / "workers")
    first = await worker_process(url, lifelines)
    await queue.put(ask(1, text="3"))
    await queue.put(ask(2))
    await eventually(lambda: begun(redis, 1))
    await kill(first)
    killed_at = time.monotonic()
    second = await worker_process(url, lifelines)
    await eventually(lambda: begun(redis, 2))
    assert time.monotonic() - killed_at < 10  # the lease is 30 s
    await eventually(lambda: is_done(redis, 2))
    assert await redis.lrange("done", 0, -1) == ["T:C:1", "T:C:2"]
    await eventually(lambda: settled(redis))
    await kill(second)


async def test_a_killed_workers_request_is_taken_up_after_its_lease_by_another_machine(
    queue: Queue, redis: Redis, url: str
) -> None:
    first = await worker_process(url, lease=2)
    await queue.put(ask(1, text="1"))
    await eventually(lambda: begun(redis, 1))
    await kill(first)
    second = await worker_process(url, lease=2)
    await eventually(lambda: is_done(redis, 1))
    assert await redis.lrange("begun", 0, -1) == ["T:C:1"] * 2
    await eventually(lambda: settled(redis))
    await kill(second)


async def test_a_worker_that_is_slow_keeps_its_request(queue: Queue, redis: Redis, url: str) -> None:
    """The lease is renewed: a turn of five seconds under a lease of one is not done twice."""
    workers = [await worker_process(url, lease=1), await worker_process(url, lease=1)]
    await queue.put(ask(1, text="5"))
    await eventually(lambda: is_done(redis, 1))
    await asyncio.sleep(1.5)
    assert await redis.lrange("begun", 0, -1) == ["T:C:1"]
    await eventually(lambda: settled(redis))
    for worker in workers:
        await kill(worker)


async def test_a_redis_that_is_killed_and_comes_back_loses_nothing(queue: Queue, redis: Redis, turn: Recorder) -> None:
    async with working(queue, turn):
        for number in range(20):
            await queue.put(ask(number, thread=str(number % 4)))
            if number == 10:
                os.kill((await redis.info("server"))["process_id"], signal.SIGKILL)
        await eventually(lambda: empty(queue))
    assert sorted(turn.done) == sorted(f"T:C:{number}" for number in range(20))


def test_a_lifeline_tells_the_dead_from_the_living(tmp_path: Path) -> None:
    one, two = WorkerLocks(tmp_path), WorkerLocks(tmp_path)
    one.hold("one")
    two.hold("two")
    assert two.dead() == []
    (tmp_path / "killed").touch()
    assert two.dead() == ["killed"]
    two.bury(["killed"])
    one.let_go("one")
    assert two.dead() == []
    two.let_go("two")


async def begun(redis: Redis, number: int) -> bool:
    return await count(redis, "begun") >= number


async def is_done(redis: Redis, number: int) -> bool:
    return await count(redis, "done") >= number


async def settled(redis: Redis) -> bool:
    """A worker that is killed now leaves nothing to another."""
    return not await staying(redis)


async def empty(queue: Queue) -> bool:
    return await queue.depth() == 0


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """The subprocesses import from the repository."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
