"""The page's line: nothing that happens falls between a list that was asked for and the news that follow."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, Route, WebSocket, expect
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from tests.bot.sandbox.conftest import channel_named

DRAWN = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


class Held:
    """Answers of the Web API that the page gets only when the test lets it."""

    def __init__(self) -> None:
        self.made, self.go = asyncio.Event(), asyncio.Event()

    async def __call__(self, route: Route) -> None:
        answer = await route.fetch()
        self.made.set()
        await self.go.wait()
        await route.fulfill(response=answer)

    async def let_go(self, page: Page) -> None:
        """Give the answer, and wait until the page has drawn what it says."""
        await page.evaluate(DRAWN)
        async with page.expect_request_finished():
            self.go.set()
        await page.evaluate(DRAWN)


@pytest.fixture
def bob(sandbox: Sandbox) -> AsyncWebClient:
    """Bob, who is not before the page."""
    return AsyncWebClient("xoxp-bob", base_url=sandbox.api_url)


@pytest.fixture
async def line(page: Page) -> AsyncIterator[WebSocket]:
    """The line of a page that has just been opened."""
    async with page.expect_websocket() as opened:
        await page.reload()
    await expect(page.locator("#log .empty")).to_be_visible()
    yield await opened.value


async def test_what_is_said_while_a_channel_opens_is_shown(page: Page, line: WebSocket, bob: AsyncWebClient) -> None:
    held, team = Held(), await channel_named(bob, "team")
    await page.route("**/api/conversations.history", held)
    await page.locator("#places").get_by_role("button", name="team").click()
    await held.made.wait()
    async with line.expect_event("framereceived", lambda frame: "just now" in str(frame)):
        await bob.chat_postMessage(channel=team, text="just now")
    await held.let_go(page)
    await expect(page.locator("#log .message")).to_contain_text("just now")


async def test_what_is_said_while_a_thread_opens_is_shown(page: Page, line: WebSocket, bob: AsyncWebClient) -> None:
    held, general = Held(), await channel_named(bob, "general")
    root = (await bob.chat_postMessage(channel=general, text="a root"))["ts"]
    await page.route("**/api/conversations.replies", held)
    await page.locator("#log .message").hover()
    await page.get_by_role("button", name="Reply in thread").click()
    await held.made.wait()
    async with line.expect_event("framereceived", lambda frame: "a reply" in str(frame)):
        await bob.chat_postMessage(channel=general, text="a reply", thread_ts=root)
    await held.let_go(page)
    await expect(page.locator("#replies .message")).to_have_count(2)


async def test_what_is_said_while_the_line_is_broken_is_shown_afterwards(
    page: Page, line: WebSocket, sandbox: Sandbox, bob: AsyncWebClient
) -> None:
    general = await channel_named(bob, "general")
    await sandbox.workspace.live.close()
    await expect(page.locator("body.offline")).to_be_attached()
    await bob.chat_postMessage(channel=general, text="meanwhile")
    await expect(page.locator("#log .message")).to_contain_text("meanwhile")
    await expect(page.locator("body.offline")).not_to_be_attached()
