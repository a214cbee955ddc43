"""A workspace in this process, and in it people and an app with the real slack_sdk and Bolt."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox

Body = dict[str, Any]
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """slack_sdk ignores NO_PROXY."""
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    """An empty workspace."""
    running = await Sandbox.start(0, tmp_path / "workspace")
    yield running
    await running.stop()


@pytest.fixture
async def enter(sandbox: Sandbox) -> AsyncIterator[Callable[[str], AsyncWebClient]]:
    """Come in with a token."""
    async with aiohttp.ClientSession() as session:
        yield lambda token: AsyncWebClient(token, base_url=sandbox.api_url, session=session, retry_handlers=[])


@pytest.fixture
def alice(enter: Callable[[str], AsyncWebClient]) -> AsyncWebClient:
    """Alice's client."""
    return enter("xoxp-alice")


@pytest.fixture
def folio(enter: Callable[[str], AsyncWebClient]) -> AsyncWebClient:
    """The app's client."""
    return enter("xoxb-sandbox")


@dataclass
class Listener:
    """An app of Bolt that writes down what it is told."""

    app: AsyncApp
    heard: list[Body] = field(default_factory=list)
    handler: AsyncSocketModeHandler | None = None

    async def connect(self) -> None:
        """Open a socket."""
        self.handler = AsyncSocketModeHandler(self.app, "xapp-sandbox")
        await self.handler.connect_async()

    async def close(self) -> None:
        """Close it."""
        if self.handler:
            await self.handler.close_async()
            self.handler = None

    def events(self, kind: str) -> list[Body]:
        """Return the events of a type, or of a message's subtype."""
        events = [body["event"] for body in self.heard if "event" in body]
        return [event for event in events if kind in {event["type"], event.get("subtype")}]


@pytest.fixture
async def listener(folio: AsyncWebClient) -> AsyncIterator[Listener]:
    """A connected app."""
    made = Listener(AsyncApp(client=folio))

    @made.app.middleware
    async def hear(body: Body, next: Any) -> None:  # noqa: A002 - Bolt's name
        made.heard.append(body)
        await next()

    for register in (made.app.action, made.app.shortcut):

        @register(re.compile(".*"))
        async def acknowledge(ack: Any) -> None:
            await ack()

    @made.app.command("/ask")
    async def ask(ack: Any, respond: Any, body: Body) -> None:
        await ack()
        await respond(f"answer to {body['text']}")

    @made.app.event(re.compile(".*"))
    async def nothing() -> None:
        """Bolt acknowledges."""

    await made.connect()
    yield made
    await made.close()


@pytest.fixture
async def general(alice: AsyncWebClient) -> str:
    """The id of #general."""
    return await channel_named(alice, "general")


async def channel_named(client: AsyncWebClient, name: str) -> str:
    """Return a channel's id."""
    listed = await client.conversations_list(types="public_channel,private_channel")
    return next(str(channel["id"]) for channel in listed["channels"] if channel["name"] == name)


async def wait_until(true: Callable[[], object]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(8):
        while not true():  # noqa: ASYNC110 - it may hold for many reasons
            await asyncio.sleep(0.01)
