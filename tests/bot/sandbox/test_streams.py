"""Streams grow, end, and break as Slack's do."""

from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from tests.bot.sandbox.conftest import wait_until
from tests.bot.sandbox.test_web_api import refused

RECIPIENT = {"recipient_user_id": "U0ALICE000", "recipient_team_id": "T0SANDBOX1"}


@pytest.fixture
async def root(alice: AsyncWebClient, general: str) -> str:
    """A message to answer."""
    return str((await alice.chat_postMessage(channel=general, text="question"))["ts"])


async def last(client: AsyncWebClient, channel: str, root: str) -> Any:
    """Return the last message of a thread."""
    return (await client.conversations_replies(channel=channel, ts=root))["messages"][-1]


async def test_the_sdks_helper_streams(folio: AsyncWebClient, alice: AsyncWebClient, general: str, root: str) -> None:
    stream = await folio.chat_stream(channel=general, thread_ts=root, buffer_size=1, **RECIPIENT)
    await stream.append(markdown_text="**one** ")
    await stream.append(chunks=[{"type": "task_update", "id": "1", "title": "Reading", "status": "in_progress"}])
    assert (await last(alice, general, root))["streaming_state"] == "in_progress"
    mark = {"event_type": "t", "event_payload": {"a": 1}}
    await stream.stop(markdown_text="two", blocks=[{"type": "divider"}], metadata=mark)
    message = await last(alice, general, root)
    assert message["text"] == "**one** two"
    assert [block["type"] for block in message["blocks"]] == ["task_card", "markdown", "divider"]
    assert message["metadata"] == mark
    assert "streaming_state" not in message


async def test_a_channel_needs_a_recipient(folio: AsyncWebClient, general: str, root: str) -> None:
    start = folio.chat_startStream(channel=general, thread_ts=root, markdown_text="x")
    assert await refused(start) == "missing_recipient_user_id"


async def test_what_does_not_fit_is_refused_and_nothing_is_lost(
    folio: AsyncWebClient, alice: AsyncWebClient, general: str, root: str
) -> None:
    ts = (await folio.chat_startStream(channel=general, thread_ts=root, markdown_text="a" * 9000, **RECIPIENT))["ts"]
    more = folio.chat_appendStream(channel=general, ts=ts, markdown_text="b" * 3001)
    assert await refused(more) == "msg_too_long"
    assert await refused(folio.chat_update(channel=general, ts=ts, text="x")) == "streaming_state_conflict"
    empty = folio.chat_appendStream(channel=general, ts=ts, chunks=[])
    assert await refused(empty) == "no_text"
    wrong = folio.chat_appendStream(channel=general, ts=ts, chunks=[{"type": "song"}])
    assert await refused(wrong) == "invalid_chunks"
    assert (await last(alice, general, root))["text"] == "a" * 9000


async def test_a_stream_that_has_expired_can_only_be_rewritten(
    sandbox: Sandbox, folio: AsyncWebClient, alice: AsyncWebClient, general: str, root: str
) -> None:
    ts = (await folio.chat_startStream(channel=general, thread_ts=root, markdown_text="x", **RECIPIENT))["ts"]
    sandbox.workspace.faults.expire_streams_seconds = 0
    more = folio.chat_appendStream(channel=general, ts=ts, markdown_text="y")
    assert await refused(more) == "message_not_in_streaming_state"
    assert await refused(folio.chat_stopStream(channel=general, ts=ts)) == "message_not_in_streaming_state"
    await folio.chat_update(channel=general, ts=ts, text="all of it")
    assert (await last(alice, general, root))["text"] == "all of it"


async def test_a_stream_that_nobody_continues_expires_by_itself(
    sandbox: Sandbox, folio: AsyncWebClient, general: str, root: str
) -> None:
    await folio.chat_startStream(channel=general, thread_ts=root, markdown_text="x", **RECIPIENT)
    sandbox.workspace.faults.expire_streams_seconds = 0
    await wait_until(lambda: not sandbox.workspace.streaming)
    assert "streaming_state" not in await last(folio, general, root)
