"""The workspace on localhost for the chaos tests, a process of its own, with as many people as are wanted."""

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from tests.conftest import ROOT, clean_environ, free_port
from tests.people import Person


@dataclass
class Slack:
    """A running workspace."""

    api_url: str
    bot: str = ""

    async def people(self, count: int) -> list[Person]:
        """Return so many pairs of hands; the workspace has three full members, so some share an account."""
        members = [await Person.named(name, self.api_url) for name in ("alice", "bob", "carol")]
        return [members[number % len(members)] for number in range(count)]

    async def faults(self, **faults: object) -> None:
        """Switch faults on; none means all off."""
        url = self.api_url.removesuffix("/api/") + "/faults"
        async with aiohttp.ClientSession() as session, session.post(url, json=faults) as answer:
            assert answer.status == 200


@pytest.fixture
async def slack(tmp_path: Path) -> AsyncIterator[Slack]:
    """A workspace of this test only."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "sandbox", "--port", str(port), "--data", str(tmp_path / "workspace"),
        cwd=ROOT, env=clean_environ(), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    running = Slack(f"http://127.0.0.1:{port}/api/")
    async with asyncio.timeout(60):
        while not await answers(running.api_url):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.1)
    running.bot = (await Person.named_by_token("xoxb-sandbox", running.api_url)).id
    yield running
    process.terminate()
    await process.wait()


async def answers(api_url: str) -> bool:
    """Tell whether the workspace listens."""
    try:
        async with aiohttp.ClientSession() as session, session.get(api_url + "api.test") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False
