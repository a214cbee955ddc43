"""Slack's messages for the actions that read what people wrote: names instead of ids, forwarded words, files."""

import re
import time
from collections.abc import Mapping
from html import unescape
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.errors import SLACK_ERRORS
from bot.slack.forwarded import forwarded_words
from bot.slack.payload import file_ids
from bot.slack.posted import thread_messages
from handlers.request import ThreadMessage

MOST_MESSAGES = 1_000
NAME_SECONDS = 3_600
MENTION = re.compile(r"<@([UWB][A-Z0-9]+)(?:\|[^>]*)?>")


class SlackMessages:
    """Threads as people wrote them."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
        self._bot = ""
        self._names: dict[str, tuple[str, float]] = {}  # by user, with the time of the look-up

    async def thread(self, channel: str, thread: str) -> list[ThreadMessage]:
        """Return a thread's messages, oldest first, at most 1,000."""
        if not self._bot:
            self._bot = str((await self._client.auth_test())["user_id"])
        messages = (await thread_messages(self._client, channel, thread))[:MOST_MESSAGES]
        return [await self._message(message) for message in messages]

    async def _message(self, message: Mapping[str, Any]) -> ThreadMessage:
        is_ours = message.get("user") == self._bot
        user = "" if is_ours else str(message.get("user") or message.get("bot_id") or "?")
        shared = [] if is_ours else message.get("files") or []
        return ThreadMessage(
            user=user,
            text=unescape(await self._with_names(str(message.get("text") or ""))),
            ts=str(message["ts"]),
            tables=tables_of(message),
            name=await self.name(user) if user else "",
            forwarded=forwarded_words(message),
            files=file_ids(shared),
            file_names=tuple(str(file.get("name") or "") for file in shared),
        )

    async def name(self, user: str) -> str:
        """Return what a person is called, or the id where Slack does not tell."""
        name, at = self._names.get(user, ("", 0.0))
        if name and time.monotonic() - at < NAME_SECONDS:
            return name
        try:
            person = (await self._client.users_info(user=user)).get("user") or {}
            profile = person.get("profile") or {}
            name = str(profile.get("real_name") or person.get("real_name") or person.get("name") or user)
        except SLACK_ERRORS:
            name = name or user
        self._names[user] = (name, time.monotonic())
        return name

    async def _with_names(self, text: str) -> str:
        """Return a text in which people are called by their names."""
        for user in dict.fromkeys(MENTION.findall(text)):
            text = re.sub(rf"<@{user}(?:\|[^>]*)?>", (await self.name(user)).replace("\\", ""), text)
        return text


def tables_of(message: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the ids of the CSV files that a person shares in a message."""
    files = [] if message.get("bot_id") else message.get("files") or []
    return tuple(str(file["id"]) for file in files if str(file.get("name")).casefold().endswith((".csv", ".tsv")))
