"""Commands, buttons, shortcuts, Stop, the Home; and the answers by response_url."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from bot.sandbox.people import BOT_USER, COMMANDS
from tests.bot.sandbox.conftest import Listener, wait_until
from tests.bot.sandbox.test_web_api import refused

Enter = Callable[[str], AsyncWebClient]
ROOT = Path(__file__).parents[3]

BUTTON = {"type": "button", "text": {"type": "plain_text", "text": "Go"}, "action_id": "do:ask:1", "value": "{}"}
FEEDBACK = {
    "type": "feedback_buttons",
    "action_id": "feedback",
    "positive_button": {"text": {"type": "plain_text", "text": "Good"}, "value": "good:1"},
    "negative_button": {"text": {"type": "plain_text", "text": "Bad"}, "value": "bad:1"},
}
BLOCKS = [
    {"type": "actions", "elements": [BUTTON]},
    {"type": "context_actions", "elements": [FEEDBACK]},
]


async def run(person: AsyncWebClient, channel: str, text: str = "", command: str = "/ask") -> Any:
    """Run a slash command."""
    return await person.api_call("chat.command", json={"channel": channel, "command": command, "text": text})


async def test_a_command_is_answered_to_one_person(
    listener: Listener, alice: AsyncWebClient, enter: Enter, general: str
) -> None:
    await run(alice, general, "what is R&D, @bob?")
    body = listener.heard[0]
    assert body["text"] == "what is R&amp;D, <@U0BOB00000|bob>?"
    assert body["response_url"].startswith("http://127.0.0.1")
    await wait_until(lambda: body)
    seen = (await alice.api_call("chat.ephemerals", json={"channel": general}))["messages"]
    assert seen[0]["text"].startswith("answer to what is")
    assert not (await enter("xoxp-bob").api_call("chat.ephemerals", json={"channel": general}))["messages"]
    assert not (await alice.conversations_history(channel=general))["messages"]


async def test_a_command_fails_honestly_when_nobody_takes_it(
    listener: Listener, alice: AsyncWebClient, enter: Enter, general: str
) -> None:
    assert await refused(run(alice, general, command="/docs")) == "operation_timeout"
    await listener.close()
    await wait_until(lambda: not listener.handler)
    assert await refused(run(alice, general)) == "dispatch_failed"
    assert await refused(run(enter("xoxp-guest"), general)) == "channel_not_found"


async def test_only_commands_of_the_apps_manifest_are_taken(
    listener: Listener, alice: AsyncWebClient, general: str
) -> None:
    for wrong in ("/sumarize", "ask", "/"):
        assert await refused(run(alice, general, command=wrong)) == "invalid_command"
    assert not listener.heard
    manifest = (ROOT / "deploy" / "manifest.yaml").read_text()
    assert set(re.findall(r"command: (/[\w-]+)", manifest)) == COMMANDS
    suggested = (ROOT / "bot" / "sandbox" / "web" / "words.js").read_text()
    assert set(re.findall(r'\["(/[\w-]+)", \{', suggested)) == COMMANDS


async def test_a_response_url_is_used_five_times(
    sandbox: Sandbox, listener: Listener, alice: AsyncWebClient, general: str
) -> None:
    await run(alice, general, "x")
    url = listener.heard[0]["response_url"]
    async with aiohttp.ClientSession() as session:
        bad = await session.post(url, json={"blocks": [{"type": "sing"}]})
        assert bad.status == 400
        said = {"response_type": "in_channel", "text": "for all"}
        statuses = [(await session.post(url, json=said)).status for _ in range(5)]
    assert statuses == [200] * 4 + [404]  # the first was used by the app
    assert (await alice.conversations_history(channel=general))["messages"][0]["text"] == "for all"


async def test_a_button_tells_who_pressed_what(
    listener: Listener, folio: AsyncWebClient, enter: Enter, general: str
) -> None:
    ts = (await folio.chat_postMessage(channel=general, text="x", blocks=BLOCKS))["ts"]
    bob = enter("xoxp-bob")
    await bob.api_call("chat.press", json={"channel": general, "ts": ts, "action_id": "do:ask:1"})
    press = {"channel": general, "ts": ts, "action_id": "feedback", "value": "bad:1"}
    await bob.api_call("chat.press", json=press)
    first, second = [body for body in listener.heard if body.get("type") == "block_actions"]
    assert (first["user"]["username"], first["message"]["ts"]) == ("bob", ts)
    assert first["actions"][0]["value"] == "{}"
    assert second["actions"][0]["value"] == "bad:1"
    missing = bob.api_call("chat.press", json={"channel": general, "ts": ts, "action_id": "none"})
    assert await refused(missing) == "action_not_found"


async def test_a_button_of_a_private_answer_names_no_message(
    listener: Listener, folio: AsyncWebClient, alice: AsyncWebClient, general: str
) -> None:
    user = (await alice.auth_test())["user_id"]
    ts = (await folio.chat_postEphemeral(channel=general, user=user, text="x", blocks=BLOCKS))["message_ts"]
    await alice.api_call("chat.press", json={"channel": general, "ts": ts, "action_id": "do:ask:1"})
    body = next(body for body in listener.heard if body.get("type") == "block_actions")
    assert body["container"]["is_ephemeral"] is True
    assert "message" not in body


async def test_a_shortcut_carries_the_message(listener: Listener, alice: AsyncWebClient, general: str) -> None:
    ts = (await alice.chat_postMessage(channel=general, text="a lovely day"))["ts"]
    await alice.api_call("chat.shortcut", json={"channel": general, "ts": ts, "callback_id": "sentiment"})
    body = next(body for body in listener.heard if body.get("type") == "message_action")
    assert (body["callback_id"], body["message"]["text"]) == ("sentiment", "a lovely day")


async def test_stop_ends_the_stream_and_is_told(
    listener: Listener, folio: AsyncWebClient, alice: AsyncWebClient, general: str
) -> None:
    root = (await alice.chat_postMessage(channel=general, text="go"))["ts"]
    stream = await folio.chat_startStream(
        channel=general,
        thread_ts=root,
        recipient_user_id=(await alice.auth_test())["user_id"],
        recipient_team_id="T0SANDBOX1",
        markdown_text="one",
    )
    await alice.api_call("chat.stop", json={"channel": general, "thread_ts": root})
    await wait_until(lambda: listener.events("agent_session_stopped"))
    assert listener.events("agent_session_stopped")[0]["streaming_message_ts"] == [stream["ts"]]
    more = folio.chat_appendStream(channel=general, ts=stream["ts"], markdown_text="two")
    assert await refused(more) == "stopped_by_user"
    await folio.chat_update(channel=general, ts=stream["ts"], text="stopped")


async def test_opening_the_home_is_told_and_shows_what_is_published(
    listener: Listener, folio: AsyncWebClient, alice: AsyncWebClient
) -> None:
    await alice.api_call("chat.home", json={"tab": "home"})
    await wait_until(lambda: listener.events("app_home_opened"))
    user = listener.events("app_home_opened")[0]["user"]
    block = {"type": "section", "text": {"type": "mrkdwn", "text": "welcome"}}
    await folio.views_publish(user_id=user, view={"type": "home", "blocks": [block]})
    assert (await alice.api_call("views.home"))["view"]["blocks"][0]["text"]["text"] == "welcome"


async def test_a_modal_needs_a_fresh_trigger(listener: Listener, folio: AsyncWebClient, general: str) -> None:
    view = {"type": "modal", "title": {"type": "plain_text", "text": "Hello"}, "blocks": []}
    alice = AsyncWebClient("xoxp-alice", base_url=folio.base_url)
    await run(alice, general, "x")
    trigger = listener.heard[0]["trigger_id"]
    opened = await folio.views_open(trigger_id=trigger, view=view)
    await folio.views_update(view_id=opened["view"]["id"], view=view)
    assert await refused(folio.views_open(trigger_id=trigger, view=view)) == "invalid_trigger_id"


@pytest.mark.parametrize("end", ["empty", "session"])
async def test_the_status_line_stays_until_the_app_takes_it_away(
    sandbox: Sandbox, folio: AsyncWebClient, alice: AsyncWebClient, general: str, end: str
) -> None:
    root = (await alice.chat_postMessage(channel=general, text=f"<@{BOT_USER}> hi"))["ts"]
    await folio.assistant_threads_setStatus(channel_id=general, thread_ts=root, status="is thinking…")
    await folio.chat_postMessage(channel=general, thread_ts=root, text="hello")
    shown = (await alice.api_call("assistant.statuses", json={"channel": general}))["statuses"]
    assert shown[0]["status"] == "is thinking…"
    if end == "empty":
        await folio.assistant_threads_setStatus(channel_id=general, thread_ts=root, status="")
    else:
        await folio.agents_sessions_setStatus(channel_id=general, thread_ts=root, status="active")
    assert not (await alice.api_call("assistant.statuses", json={"channel": general}))["statuses"]
