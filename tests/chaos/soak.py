"""Mixed load with faults for a long time, by hand: does memory, do open files, do Redis keys grow?

    python -m tests.chaos.soak --minutes 30

Prints a line every half minute and, at the end, what grew after the warm-up (the first third).
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import psutil
from redis.asyncio import Redis

from bot.redis_server import open_redis
from tests.chaos.conftest import Slack, answers
from tests.conftest import ROOT, clean_environ, free_port
from tests.people import Person

PER_REQUEST = ("seen:", "answer:", "charged:", "root:", "owned:", "opened:", "dead:")  # go by their TTL
FAULTS: tuple[dict[str, Any], ...] = (
    {},
    {"delay_seconds": 0.5},
    {"rate_limited": {"chat.appendStream": 1}},
    {"errors": {"chat.startStream": {"status": 500, "times": 3}}},
    {"drop_sockets": True},
    {"duplicate_envelopes": 2},
    {"late_envelopes_seconds": 4},
    {"expire_streams_seconds": 1},
)


@dataclass(frozen=True)
class Sample:
    """What is measured at one time."""

    seconds: float
    asked: int
    rss_mb: float
    files: int
    tasks_in_queue: int
    keys: int  # that do not belong to one request
    request_keys: int


async def sample(app: Process, redis: Redis, began: float, asked: int) -> Sample:
    process = psutil.Process(app.pid)
    names = [str(key) async for key in redis.scan_iter(count=1000)]
    of_requests = sum(name.startswith(PER_REQUEST) or ":runs:" in name for name in names)
    waiting = sum([int(await redis.llen(name)) for name in names if name.startswith("inbox:")])
    return Sample(
        round(time.monotonic() - began), asked, round(process.memory_info().rss / 2**20, 1), process.num_fds(),
        waiting, len(names) - of_requests, of_requests,
    )  # fmt: skip


async def load(slack: Slack, state: dict[str, int], per_second: float) -> None:
    """Ask at a steady pace, in new threads and old ones, sometimes stopping or editing."""
    people = await slack.people(20)
    dms = [await person.dm(slack.bot) for person in people]
    threads: list[tuple[int, str]] = []
    while True:
        await asyncio.sleep(random.expovariate(per_second))
        number = state["asked"] = state["asked"] + 1
        if threads and random.random() < 0.6:
            who, thread = random.choice(threads[-40:])
            await people[who].says(dms[who], f"more {number}.", thread=thread)
        else:
            who = random.randrange(len(people))
            threads.append((who, await people[who].says(dms[who], f"new {number}.")))
        if random.random() < 0.05:
            who, thread = threads[-1]
            await people[who].says(dms[who], "stop", thread=thread)


async def break_things(slack: Slack) -> None:
    while True:
        await slack.faults(**random.choice(FAULTS))
        await asyncio.sleep(10)


async def soak(minutes: float, per_second: float, folder: Path) -> list[Sample]:
    port = free_port()
    workspace = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "sandbox", "--port", str(port), "--data", str(folder / "workspace"),
        cwd=ROOT, env=clean_environ(), stdout=DEVNULL, stderr=DEVNULL,
    )  # fmt: skip
    slack = Slack(f"http://127.0.0.1:{port}/api/")
    while not await answers(slack.api_url):  # noqa: ASYNC110 - another process
        await asyncio.sleep(0.1)
    slack.bot = (await Person.named_by_token("xoxb-sandbox", slack.api_url)).id
    with (folder / "log.jsonl").open("wb") as log:
        app = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.chaos.echo_app", slack.api_url, str(folder), "0.5",
            cwd=ROOT, env=clean_environ(), stdout=PIPE, stderr=log,
        )  # fmt: skip
    assert app.stdout
    assert await app.stdout.readline() == b"ready\n"
    redis, state, samples = open_redis(f"unix://{folder}/redis/redis.sock"), {"asked": 0}, []
    work = [asyncio.create_task(load(slack, state, per_second)), asyncio.create_task(break_things(slack))]
    began = time.monotonic()
    while time.monotonic() - began < minutes * 60:
        await asyncio.sleep(min(30, minutes * 6))
        samples.append(await sample(app, redis, began, state["asked"]))
        print(samples[-1], flush=True)
        for task in work:
            assert not task.done(), task.exception()
    for task in work:
        task.cancel()
    await slack.faults()
    async with asyncio.timeout(120):
        while await redis.zcard("queue:threads"):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.5)
    samples.append(await sample(app, redis, began, state["asked"]))
    print(samples[-1])
    await redis.aclose()
    for process in (app, workspace):
        process.terminate()
        await process.wait()
    return samples


def main() -> None:
    """Read the command line, run, and say what grew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--per-second", type=float, default=3)
    arguments = parser.parse_args()
    samples = asyncio.run(soak(arguments.minutes, arguments.per_second, Path(tempfile.mkdtemp(prefix="soak-"))))
    warm, last = samples[len(samples) // 3], samples[-1]
    for field in fields(Sample):
        print(f"{field.name}: {getattr(warm, field.name)} -> {getattr(last, field.name)}")


if __name__ == "__main__":
    main()
