"""Who is an admin, and what a thread is told of somebody's doing."""

from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.team import SlackTeam
from tests.bot.slack.wire import Wire


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, False), ({"is_admin": True}, True), ({"is_owner": True}, True), ({"is_primary_owner": True}, True),
        ({"is_admin": True, "deleted": True}, False),
    ],
)  # fmt: skip
async def test_an_admin_is_whom_slack_or_the_settings_name(
    client: AsyncWebClient, wire: Wire, facts: dict[str, Any], expected: bool
) -> None:
    wire.answers["users.info"] = {"user": {"id": "U1", **facts}}
    assert await SlackTeam(client).is_admin("U1") is expected
    assert await SlackTeam(client, ["U1"]).is_admin("U1")


async def test_a_thread_is_told_and_a_name_in_it_is_not_live(client: AsyncWebClient, wire: Wire) -> None:
    await SlackTeam(client).tell("C1", "7.0", "UBOB", "removed <!channel> [x](https://evil.example).txt")
    [message] = wire.said("C1", "7.0")
    assert message["text"].startswith("<@UBOB> removed ")
    for shown in (message["text"], message["blocks"][0]["text"]["text"]):
        assert "<!channel>" not in shown
        assert "](https://" not in shown


async def test_where_the_thread_is_gone_nobody_is_told(client: AsyncWebClient, wire: Wire) -> None:
    wire.faults["chat.postMessage"] = ["thread_not_found"]
    await SlackTeam(client).tell("C1", "7.0", "UBOB", "removed it")
    assert wire.said("C1") == []


async def test_a_member_is_who_is_in_the_channel_on_whatever_page(client: AsyncWebClient, wire: Wire) -> None:
    pages = {"": ("C1", "next"), "next": ("C2", "")}

    def listed(asked: dict[str, Any]) -> dict[str, Any]:
        channel, cursor = pages[asked.get("cursor") or ""]
        return {"channels": [{"id": channel}], "response_metadata": {"next_cursor": cursor}}

    wire.answers["users.conversations"] = listed
    assert await SlackTeam(client).is_member("C2", "UBOB")
    assert not await SlackTeam(client).is_member("C3", "UBOB")
