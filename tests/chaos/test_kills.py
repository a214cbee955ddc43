"""200 requests of 20 people, the assistant killed with -9 every few seconds: all answered, none twice, in order.

By hand, longer: `CHAOS_REQUESTS=2000 pytest -s tests/chaos/test_kills.py -o timeout=3600`.
"""

import asyncio
import os
import random
import re
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.bot.conftest import eventually
from tests.chaos.conftest import Slack
from tests.people import Message, Person, is_finished, visible

REQUESTS = int(os.environ.get("CHAOS_REQUESTS", "200"))
PEOPLE = 20
KILL_SECONDS = (1.0, 4.0)  # after the assistant said that it is ready
ECHO_SECONDS = "1"
ANSWER_SECONDS = 150 + REQUESTS


class Assistant:
    """The echo assistant, killed and started again."""

    def __init__(self, slack: Slack, data: Path) -> None:
        self._slack, self._data = slack, data
        self.kills = 0

    async def start(self) -> Process:
        with (self._data / "log.jsonl").open("ab") as log:
            arguments = ("-m", "tests.chaos.echo_app", self._slack.api_url, str(self._data), ECHO_SECONDS)
            app = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=PIPE, stderr=log)
        assert app.stdout
        assert await app.stdout.readline() == b"ready\n", (self._data / "log.jsonl").read_text()[-3000:]
        return app

    async def live_dangerously(self, until: asyncio.Event) -> None:
        """Be killed and come back until it is enough; then end kindly."""
        app = await self.start()
        while not until.is_set():
            try:
                async with asyncio.timeout(random.uniform(*KILL_SECONDS)):
                    await until.wait()
            except TimeoutError:
                app.kill()
                await app.wait()
                self.kills += 1
                app = await self.start()
        await asyncio.sleep(3)  # whatever would be said twice is said now
        app.terminate()
        await app.wait()


@pytest.fixture
async def data(tmp_path: Path) -> AsyncIterator[Path]:
    """Where the assistant keeps things."""
    folder = tmp_path / "data"
    folder.mkdir()
    yield folder


async def ask_in_turn(person: Person, name: str, channel: str, questions: int) -> str:
    """Ask one thing after the other in one thread, without waiting for answers."""
    thread = await person.says(channel, f"{name}-1.")
    for number in range(2, questions + 1):
        await asyncio.sleep(random.uniform(0, 1))
        await person.says(channel, f"{name}-{number}.", thread=thread)
    return thread


async def answers(person: Person, channel: str, thread: str) -> list[Message]:
    return [message for message in await person.thread(channel, thread) if message.get("bot_id")]


@pytest.mark.timeout(ANSWER_SECONDS + 120)
async def test_nothing_is_lost_and_nothing_is_said_twice(slack: Slack, data: Path) -> None:
    random.seed(7)
    people = await slack.people(PEOPLE)
    channels = [await person.dm(slack.bot) for person in people]
    assistant, enough = Assistant(slack, data), asyncio.Event()
    living = asyncio.create_task(assistant.live_dangerously(enough))
    began = time.monotonic()
    each = REQUESTS // PEOPLE
    asking = [
        ask_in_turn(p, f"p{n}", channel, each) for n, (p, channel) in enumerate(zip(people, channels, strict=True))
    ]
    threads = await asyncio.gather(*asking)

    async def all_answered() -> bool:
        for person, channel, thread in zip(people, channels, threads, strict=True):
            said = await answers(person, channel, thread)
            if sum(is_finished(m) and visible(m).rstrip().endswith("end") for m in said) < each:
                assert not living.done(), living.exception()
                await asyncio.sleep(0.5)
                return False
        return True

    await eventually(all_answered, seconds=ANSWER_SECONDS)
    seconds = time.monotonic() - began
    enough.set()
    await living
    for number, (person, channel, thread) in enumerate(zip(people, channels, threads, strict=True)):
        said = [visible(message) for message in await answers(person, channel, thread)]
        numbers = [re.findall(rf"p{number}-(\d+)\.", text.split(":")[0]) for text in said]
        assert numbers == [[str(k)] for k in range(1, each + 1)], f"thread of p{number}: {numbers}"
        assert all(re.search(r": 0 1 2 3 4 5 6 7 8 9 end$", text.split("\n")[0]) for text in said), said
    print(f"\n{each * PEOPLE} requests answered once and in order in {seconds:.0f} s, {assistant.kills} kills")
