"""Slack's messages for the actions that read what people wrote."""

from collections.abc import Mapping
from html import unescape
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.posted import thread_messages
from handlers.request import ThreadMessage

MOST_MESSAGES = 1_000


class SlackMessages:
    """Threads as people wrote them."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
        self._bot = ""

    async def thread(self, channel: str, thread: str) -> list[ThreadMessage]:
        """Return a thread's messages, oldest first, at most 1,000."""
        if not self._bot:
            self._bot = str((await self._client.auth_test())["user_id"])
        messages = await thread_messages(self._client, channel, thread)
        return [
            ThreadMessage(
                user=""
                if message.get("user") == self._bot
                else str(message.get("user") or message.get("bot_id") or "?"),
                text=unescape(str(message.get("text") or "")),
                ts=str(message["ts"]),
                tables=tables_of(message),
            )
            for message in messages[:MOST_MESSAGES]
        ]


def tables_of(message: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the ids of the CSV files that a person shares in a message."""
    files = [] if message.get("bot_id") else message.get("files") or []
    return tuple(str(file["id"]) for file in files if str(file.get("name")).casefold().endswith((".csv", ".tsv")))
