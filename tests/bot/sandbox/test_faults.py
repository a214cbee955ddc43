"""Faults are switched on by POST /faults and off by {}; HTTP mode is switched on by POST /endpoint."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from tests.bot.sandbox.conftest import Listener, channel_named, wait_until


async def post(sandbox: Sandbox, path: str, body: dict[str, Any]) -> int:
    """Post to one of the doors for tests."""
    async with aiohttp.ClientSession() as session, session.post(sandbox.url + path, json=body) as response:
        return response.status


async def test_a_method_is_rate_limited_for_a_while(sandbox: Sandbox, alice: AsyncWebClient, general: str) -> None:
    await post(sandbox, "/faults", {"rate_limited": {"chat.postMessage": 1}})
    with pytest.raises(SlackApiError) as caught:
        await alice.chat_postMessage(channel=general, text="x")
    assert caught.value.response.headers["Retry-After"] == "1"
    await asyncio.sleep(1)
    await alice.chat_postMessage(channel=general, text="x")


async def test_slacks_tiers_hold_for_each_app_by_itself(
    sandbox: Sandbox, alice: AsyncWebClient, folio: AsyncWebClient
) -> None:
    await post(sandbox, "/faults", {"rate_limits": True})
    for _ in range(20):
        await alice.users_list()
    with pytest.raises(SlackApiError) as caught:
        await alice.users_list()
    assert caught.value.response.status_code == 429
    assert 1 <= int(caught.value.response.headers["Retry-After"]) <= 60
    await folio.users_list()


async def test_what_is_posted_is_limited_in_each_conversation(sandbox: Sandbox, alice: AsyncWebClient) -> None:
    general, team = await channel_named(alice, "general"), await channel_named(alice, "team")
    await post(sandbox, "/faults", {"rate_limits": True})
    for n in range(60):
        await alice.chat_postMessage(channel=general, text=str(n))
    with pytest.raises(SlackApiError) as caught:
        await alice.chat_postMessage(channel=general, text="one too many")
    assert caught.value.response["error"] == "ratelimited"
    await alice.chat_postMessage(channel=team, text="elsewhere")


async def test_errors_come_so_many_times(sandbox: Sandbox, alice: AsyncWebClient, general: str) -> None:
    await post(sandbox, "/faults", {"errors": {"chat.postMessage": {"status": 503, "times": 2}}})
    for _ in range(2):
        with pytest.raises(SlackApiError):
            await alice.chat_postMessage(channel=general, text="x")
    await alice.chat_postMessage(channel=general, text="x")
    async with aiohttp.ClientSession() as session, session.get(f"{sandbox.url}/calls") as response:
        assert (await response.json())["chat.postMessage"] == 3


async def test_an_unknown_fault_is_no_fault(sandbox: Sandbox) -> None:
    assert await post(sandbox, "/faults", {"rain": True}) == 400
    assert await post(sandbox, "/faults", {}) == 200


@pytest.mark.parametrize("fault", ["drop_sockets", "refresh_sockets"])
async def test_bolt_comes_back_and_nothing_is_lost(
    sandbox: Sandbox, listener: Listener, alice: AsyncWebClient, general: str, fault: str
) -> None:
    await post(sandbox, "/faults", {fault: True})
    for n in range(5):
        await alice.chat_postMessage(channel=general, text=str(n))
    await wait_until(lambda: sandbox.workspace.sockets.is_open and len(listener.events("message")) >= 5)
    assert {event["text"] for event in listener.events("message")} == {"0", "1", "2", "3", "4"}


async def test_envelopes_come_twice_and_late(
    sandbox: Sandbox, listener: Listener, alice: AsyncWebClient, general: str
) -> None:
    await post(sandbox, "/faults", {"duplicate_envelopes": 1, "late_envelopes_seconds": 0.3})
    await alice.chat_postMessage(channel=general, text="x")
    await wait_until(lambda: len(listener.heard) == 1)
    await wait_until(lambda: len(listener.heard) == 2)
    assert len({body["event_id"] for body in listener.heard}) == 1


class Endpoint:
    """An app's request URL."""

    def __init__(self) -> None:
        self.bodies: list[Any] = []
        self.headers: list[Any] = []
        self.status = 200

    async def take(self, request: web.Request) -> web.Response:
        """Check the signature and note the body."""
        body = await request.text()
        assert SignatureVerifier("shh").is_valid_request(body, dict(request.headers))
        self.headers.append(request.headers)
        is_event = request.content_type == "application/json"
        self.bodies.append(json.loads(body) if is_event else dict(await request.post()))
        status, self.status = self.status, 200
        return web.json_response({"text": "taken"}, status=status)


@pytest.fixture
async def endpoint(sandbox: Sandbox) -> AsyncIterator[Endpoint]:
    """An app that listens by HTTP."""
    made = Endpoint()
    site = web.Application()
    site.router.add_post("/slack/events", made.take)
    runner = web.AppRunner(site)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    await post(sandbox, "/endpoint", {"url": url, "signing_secret": "shh"})
    yield made
    await runner.cleanup()


async def test_http_mode_is_signed_and_tries_again(endpoint: Endpoint, alice: AsyncWebClient, general: str) -> None:
    endpoint.status = 500
    await alice.chat_postMessage(channel=general, text="x")
    await wait_until(lambda: len(endpoint.bodies) == 2)
    assert endpoint.bodies[0]["event_id"] == endpoint.bodies[1]["event_id"]
    assert endpoint.headers[1]["X-Slack-Retry-Num"] == "1"
    await alice.api_call("chat.command", json={"channel": general, "command": "/ask", "text": "y"})
    assert endpoint.bodies[2]["command"] == "/ask"
    seen = (await alice.api_call("chat.ephemerals", json={"channel": general}))["messages"]
    assert seen[0]["text"] == "taken"
