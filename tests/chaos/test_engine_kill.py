"""The engine killed with -9 in the middle of eight answers: each is finished in its own Slack message, once.

By hand, longer: `ENGINE_KILLS=5 pytest -s tests/chaos/test_engine_kill.py -o timeout=900`.
"""

import asyncio
import json
import os
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from bot.models.fetch import fetch_llm
from bot.settings import Settings
from tests.bot.conftest import eventually
from tests.chaos.conftest import Slack
from tests.conftest import ROOT, clean_environ
from tests.people import Person, is_finished, visible

KILLS = int(os.environ.get("ENGINE_KILLS", "1"))
ANSWERS = 8
ACK_SECONDS = 3.0  # Slack's limit for a command
ANSWER_SECONDS = 120 + 60 * KILLS

pytestmark = pytest.mark.model


@asynccontextmanager
async def assistant(slack: Slack, data: Path) -> AsyncIterator[psutil.Process]:
    """Run the assistant with the real engine and the small model in a process of its own."""
    model = fetch_llm("preset:smollm2-135m", Settings({}).cache_dir)
    with (data / "log.jsonl").open("ab") as log:
        app = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.chaos.echo_app", slack.api_url, str(data), "0.1", str(model),
            cwd=ROOT, env=clean_environ(), stdout=PIPE, stderr=log,
        )  # fmt: skip
    assert app.stdout
    assert await app.stdout.readline() == b"ready\n", (data / "log.jsonl").read_text()[-3000:]
    try:
        yield psutil.Process(app.pid)
    finally:
        app.terminate()
        await app.wait()


def engine_of(app: psutil.Process) -> psutil.Process | None:
    return next((child for child in app.children() if "engine" in child.cmdline()), None)


async def bots_messages(person: Person, channel: str, thread: str) -> list[dict[str, object]]:
    return [message for message in await person.thread(channel, thread) if message.get("bot_id")]


async def acknowledged_while(person: Person, channel: str, done: asyncio.Event) -> list[float]:
    """Run commands until it is enough; return how long Slack waited for each acknowledgement."""
    waits = []
    while not done.is_set():
        began = time.monotonic()
        await person.commands(channel, "/docs")
        waits.append(time.monotonic() - began)
        await asyncio.sleep(0.5)
    return waits


@pytest.mark.timeout(ANSWER_SECONDS + 120)
async def test_answers_in_the_middle_of_which_the_engine_is_killed_are_finished_once(
    slack: Slack, tmp_path: Path
) -> None:
    people = await slack.people(ANSWERS)
    channels = [await person.dm(slack.bot) for person in people]
    async with assistant(slack, tmp_path) as app:
        texts = [f"Hello from number {number}" for number in range(ANSWERS)]
        asked = [person.says(*where) for person, *where in zip(people, channels, texts, strict=True)]
        threads = list(zip(people, channels, await asyncio.gather(*asked), strict=True))

        async def all_begun() -> bool:
            return all([await bots_messages(*thread) for thread in threads])

        async def all_finished() -> bool:
            await asyncio.sleep(0.2)
            said = [message for thread in threads for message in await bots_messages(*thread)]
            return sum(is_finished(message) and "end" in visible(message).split() for message in said) >= ANSWERS

        killed = []
        done = asyncio.Event()
        acks = asyncio.create_task(acknowledged_while(people[0], channels[0], done))
        for _ in range(KILLS):
            await eventually(all_begun, 60)
            await eventually(lambda: (engine := engine_of(app)) is not None and engine.pid not in killed, 30)
            engine = engine_of(app)
            assert engine
            killed.append(engine.pid)
            engine.kill()
            await asyncio.sleep(3)
        await eventually(all_finished, ANSWER_SECONDS)
        done.set()
        waits = await acks
        for (person, channel, ts), text in zip(threads, texts, strict=True):
            [message] = await bots_messages(person, channel, ts)
            words = visible(message)  # the text, and the same in blocks
            assert words.startswith(f"{text}:"), words[:200]
            assert words.count(f"{text}:") == words.split().count("end"), words[:200]
        engine = engine_of(app)
        assert engine is not None
        assert engine.pid not in killed
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines() if line.startswith("{")]
    assert any(line["event"] == "request failed" for line in lines), "no answer was in the middle"
    print(f"\n{len(waits)} commands acknowledged, the slowest after {max(waits):.2f} s")
    assert max(waits) < ACK_SECONDS
