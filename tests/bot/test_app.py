"""The order in which the assistant's parts end."""

from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from redis.asyncio import Redis
from slack_sdk.web.async_client import AsyncWebClient

from bot import app as app_module
from bot.access.memberships import Memberships
from bot.app import App
from bot.queue.queue import Queue
from bot.settings import Settings
from tests.handlers.fakes import no_services


async def test_the_worker_ends_before_the_model_goes(
    queue: Queue, redis: Redis, client: AsyncWebClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model went first: whoever was being answered at a restart was told that something did not answer."""
    slack = cast(Any, SimpleNamespace(client=client, team_id="T1"))
    settings = Settings({"DATA_DIR": str(tmp_path)})
    app = App(settings, redis, queue, slack, Memberships(client, redis, "T1"))
    running_when_the_model_went: list[int] = []

    async def open_services(*given: object) -> tuple[Any, Any, Any]:
        stack = cast(AsyncExitStack, given[-1])
        stack.callback(lambda: running_when_the_model_went.append(sum(not task.done() for task in app._tasks)))
        library = cast(Any, SimpleNamespace(statistics=None))
        return replace(no_services(), library=library), {}, {}

    monkeypatch.setattr("bot.services.open_services", open_services)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(app.end)
        await app_module._work(app, stack)
        assert app._tasks
    assert running_when_the_model_went == [0]
