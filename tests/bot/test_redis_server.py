"""The embedded Redis: it comes, it stays, it is found again."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bot.redis_server import RedisFailed, RedisServer, find_binary, open_redis
from tests.bot.conftest import eventually
from tests.bot.processes import all_end

STARTER = """
import asyncio, sys
from pathlib import Path
from bot.redis_server import RedisServer, open_redis
async def main():
    server = RedisServer(Path(sys.argv[1]))
    redis = open_redis(await server.start())
    await redis.set("kept", "yes", ex=600)
    print((await redis.info("server"))["process_id"], flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""


async def pid_of(redis: Redis) -> int:
    return int((await redis.info("server"))["process_id"])


async def test_it_is_restarted_when_it_dies_and_keeps_what_it_had(server: RedisServer, redis: Redis) -> None:
    await redis.set("kept", "yes", ex=600)
    first = await pid_of(redis)
    os.kill(first, signal.SIGKILL)
    assert await redis.get("kept") == "yes"  # the client waits for it
    assert await pid_of(redis) != first


async def test_it_ends_with_the_app_that_was_killed_and_keeps_everything(tmp_path: Path) -> None:
    app = subprocess.Popen(  # noqa: ASYNC220 - a blocking start of 0.1 s harms nobody here
        [sys.executable, "-c", STARTER, str(tmp_path)], stdout=subprocess.PIPE
    )
    assert app.stdout
    await asyncio.to_thread(app.stdout.readline)
    app.kill()
    app.wait()
    app.stdout.close()
    assert await asyncio.to_thread(all_end, tmp_path)
    server = RedisServer(tmp_path)
    redis = open_redis(await server.start())
    assert await redis.get("kept") == "yes"
    await redis.aclose()
    await server.stop()


async def started_app(folder: Path) -> asyncio.subprocess.Process:
    """Return a process that has started a server in the folder."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", STARTER, str(folder), stdout=asyncio.subprocess.PIPE
    )


async def first_line(app: asyncio.subprocess.Process) -> int:
    """Return the number of the server's process."""
    assert app.stdout
    return int(await app.stdout.readline())


async def test_a_start_right_after_a_kill_has_a_server_that_stays(tmp_path: Path) -> None:
    """The one of the killed app is adopted, or is ended before the next begins; never both."""
    for number in range(5):
        app = await started_app(tmp_path)
        await first_line(app)
        app.kill()
        await app.wait()
        await asyncio.sleep(number / 50)
        server = RedisServer(tmp_path)
        redis = open_redis(await server.start())
        assert await redis.get("kept") == "yes"
        await asyncio.sleep(0.3)
        assert await redis.get("kept") == "yes"
        await redis.aclose()
        await server.stop()
    assert await asyncio.to_thread(all_end, tmp_path)


async def test_one_that_another_process_still_uses_stays_and_is_watched_over(tmp_path: Path) -> None:
    app = await started_app(tmp_path)
    first = await first_line(app)
    server = RedisServer(tmp_path)
    redis = open_redis(await server.start())
    app.kill()
    await app.wait()
    await asyncio.sleep(0.5)
    assert await pid_of(redis) == first
    os.kill(first, signal.SIGKILL)
    assert await redis.get("kept") == "yes"
    assert await pid_of(redis) != first
    await redis.aclose()
    await server.stop()
    assert await asyncio.to_thread(all_end, tmp_path)


async def test_two_processes_share_it_and_the_last_one_stops_it(tmp_path: Path) -> None:
    one, two = RedisServer(tmp_path), RedisServer(tmp_path)
    assert len(set(await asyncio.gather(one.start(), two.start()))) == 1
    redis = open_redis(one.url)
    pid = await pid_of(redis)
    await one.stop()
    assert await pid_of(redis) == pid
    await redis.aclose()
    await two.stop()
    for server in (one, two):
        for process in (server._process, server._keeper):
            if process:  # the one that started it did not wait for its end
                await process.wait()
    await eventually(lambda: not Path(f"/proc/{pid}").exists() or not Path(f"/proc/{pid}/cmdline").read_bytes())


async def test_a_long_path_is_no_trouble(tmp_path: Path) -> None:
    server = RedisServer(tmp_path / ("a" * 60) / ("b" * 60))
    redis = open_redis(await server.start())
    assert len(server.url) < 110
    assert await redis.ping()
    await redis.aclose()
    await server.stop()


async def test_a_server_that_can_not_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "redis").mkdir()
    (tmp_path / "redis" / "appendonly.aof").write_bytes(b"this is not an append-only file")
    server = RedisServer(tmp_path, find_binary())
    with pytest.raises(RedisFailed, match="redis-server ended at its start"):
        await server.start()
    await server.stop()


async def test_a_cancellation_is_never_lost_in_a_command(redis: Redis) -> None:
    """At whatever moment it comes: a stopped request must stop, also while it talks to Redis."""
    await redis.set("count", 0, ex=600)

    async def work() -> None:
        for _ in range(50):
            await redis.incr("count")
        await asyncio.sleep(60)

    for number in range(100):
        task = asyncio.create_task(work())
        await asyncio.sleep(number / 10_000)
        task.cancel()
        await asyncio.wait([task], timeout=5)
        assert task.cancelled()
