"""A headless Chromium before the workspace's page, and an app that answers in it."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from bot.sandbox.people import TEAM

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ANSWER = (Path(__file__).parent / "answer.md").read_text()
EVIL = '<img src=x onerror="window.hurt=1"><script>window.hurt=1</script>'
BUTTON = {
    "type": "button",
    "text": {"type": "plain_text", "text": "Remove"},
    "action_id": "do:docs:1",
    "value": "handbook",
    "style": "danger",
    "confirm": {
        "title": {"type": "plain_text", "text": "Sure?"},
        "text": {"type": "plain_text", "text": "handbook.pdf is no longer used."},
        "confirm": {"type": "plain_text", "text": "Yes"},
        "deny": {"type": "plain_text", "text": "No"},
    },
}
FEEDBACK = {
    "type": "feedback_buttons",
    "action_id": "feedback",
    "positive_button": {"text": {"type": "plain_text", "text": "Good"}, "value": "good:1"},
    "negative_button": {"text": {"type": "plain_text", "text": "Bad"}, "value": "bad:1"},
}
QUOTE = "“Full-time employees get 27 days of paid leave each year.”"
BELOW: list[dict[str, Any]] = [
    {
        "type": "context",
        "elements": [{"type": "mrkdwn", "text": f"<https://example.com|[1] handbook.pdf, p. 2>  {QUOTE}"}],
    },
    {"type": "context_actions", "elements": [FEEDBACK]},
]


class App:
    """An app that streams a fixed answer to a mention and shows documents for a command."""

    def __init__(self, client: AsyncWebClient) -> None:
        self.bolt = AsyncApp(client=client)
        self.pressed: list[dict[str, Any]] = []
        self.chosen: list[dict[str, str]] = []
        self.go_on = asyncio.Event()  # the test lets the answer be thought, and then be finished
        self.bolt.event("app_mention")(self.answer)
        self.bolt.event(re.compile(".*"))(self.nothing)
        self.bolt.action(re.compile(".*"))(self.note)
        self.bolt.view(re.compile(".*"))(self.take)
        self.bolt.command(re.compile(".*"))(self.documents)

    async def answer(self, event: dict[str, Any], client: AsyncWebClient) -> None:
        """Think, stream, finish."""
        place = {"channel": event["channel"], "thread_ts": event["ts"]}
        await client.assistant_threads_setStatus(
            channel_id=event["channel"], thread_ts=event["ts"], status="is thinking…"
        )
        await self._wait()
        stream = await client.chat_stream(
            **place, recipient_user_id=event["user"], recipient_team_id=TEAM, buffer_size=1
        )
        await stream.append(markdown_text=ANSWER[:40])
        await self._wait()
        await stream.append(markdown_text=ANSWER[40:])
        await stream.stop(blocks=BELOW)
        await client.assistant_threads_setStatus(channel_id=event["channel"], thread_ts=event["ts"], status="")

    async def _wait(self) -> None:
        await self.go_on.wait()
        self.go_on.clear()

    async def nothing(self) -> None:
        """Let Bolt acknowledge."""

    async def note(self, ack: Any, body: dict[str, Any]) -> None:
        """Write down what was pressed."""
        await ack()
        self.pressed.append(body["actions"][0])

    async def take(self, ack: Any, view: dict[str, Any]) -> None:
        """Write down what was chosen in a modal."""
        await ack()
        values = view["state"]["values"]
        self.chosen.append({name: values[name][name]["selected_option"]["value"] for name in values})

    async def documents(self, ack: Any, respond: Any, command: dict[str, Any]) -> None:
        """Answer one person."""
        await ack()
        section = {"type": "section", "text": {"type": "mrkdwn", "text": f"*handbook.pdf* {command['text']}"}}
        await respond(text="documents", blocks=[section | {"accessory": BUTTON}])


@pytest.fixture
async def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sandbox]:
    """An empty workspace."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    running = await Sandbox.start(0, tmp_path / "workspace")
    yield running
    await running.stop()


@pytest.fixture
async def app(sandbox: Sandbox) -> AsyncIterator[App]:
    """The app, connected."""
    made = App(AsyncWebClient("xoxb-sandbox", base_url=sandbox.api_url))
    handler = AsyncSocketModeHandler(made.bolt, "xapp-sandbox")
    await handler.connect_async()
    yield made
    await handler.close_async()


@pytest.fixture
async def page(sandbox: Sandbox, app: App) -> AsyncIterator[Page]:
    """The page, seen by alice in #general; an error of its script fails the test."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: install chromium to test the page")
    errors: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        opened = await browser.new_page(viewport={"width": 1360, "height": 860}, locale="en-US")
        opened.on("pageerror", lambda error: errors.append(str(error)))
        await opened.goto(sandbox.url)
        await opened.get_by_role("heading", name="general").wait_for()
        yield opened
        await browser.close()
    assert not errors
