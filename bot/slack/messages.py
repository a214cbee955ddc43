"""Slack's messages for the actions that read what people wrote: names instead of ids, forwarded words, files."""

import re
import time
from collections.abc import Mapping
from html import unescape
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.access.rule import conversation_kind
from bot.slack.errors import SLACK_ERRORS
from bot.slack.forwarded import forwarded_words
from bot.slack.payload import file_ids
from bot.slack.posted import thread_messages
from handlers.request import ChannelTalk, Place, ThreadMessage

MOST_MESSAGES = 1_000
MOST_THREADS = 40  # of a channel's talk, one call each
PAGE = 200
SPOKEN = frozenset({"", "file_share", "thread_broadcast"})  # subtypes of messages that people write
NAME_SECONDS, PLACE_SECONDS = 3_600, 300
MENTION = re.compile(r"<@([UWB][A-Z0-9]+)(?:\|[^>]*)?>")


class SlackMessages:
    """Threads as people wrote them."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
        self._bot = ""
        self._places: dict[str, tuple[Place | None, float]] = {}
        self._people: dict[str, tuple[str, int, float]] = {}  # name, clock's offset, and the time of the look-up

    async def thread(self, channel: str, thread: str) -> list[ThreadMessage]:
        """Return a thread's messages, oldest first, at most 1,000."""
        await self._know_ourselves()
        messages = (await thread_messages(self._client, channel, thread))[:MOST_MESSAGES]
        return [await self._message(message) for message in messages]

    async def _know_ourselves(self) -> None:
        if not self._bot:
            self._bot = str((await self._client.auth_test())["user_id"])

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

    async def since(self, channel: str, oldest: float, most: int) -> ChannelTalk:
        """Return what people said in a channel since a moment, the newest: its threads that began since then, too."""
        await self._know_ourselves()
        info = (await self._client.conversations_info(channel=channel))["channel"]
        said = await self._history(channel, oldest, most + 1)
        threads = [one for one in said if float(one.get("latest_reply") or 0) >= oldest][:MOST_THREADS]
        for root in threads:
            replies = await thread_messages(self._client, channel, str(root["ts"]))
            said += [reply for reply in replies if reply["ts"] != root["ts"]]
        spoken = [one for one in said if str(one.get("subtype") or "") in SPOKEN and one.get("user") != self._bot]
        newest = sorted({str(one["ts"]): one for one in spoken}.values(), key=lambda one: float(one["ts"]))
        messages = [await self._message(one) for one in newest[-most:]]
        return ChannelTalk(str(info.get("name") or channel), messages, is_all=len(newest) <= most)

    async def _history(self, channel: str, oldest: float, most: int) -> list[Mapping[str, Any]]:
        messages: list[Mapping[str, Any]] = []
        cursor = None
        while len(messages) < most:
            page = await self._client.conversations_history(
                channel=channel, oldest=f"{oldest:.6f}", inclusive=True, limit=PAGE, cursor=cursor
            )
            messages += page["messages"]
            if not (cursor := (page.get("response_metadata") or {}).get("next_cursor")):
                break
        return messages[:most]

    async def place(self, channel: str) -> Place:
        """Return what a conversation is called and who sees it, as it was within the last minutes."""
        place, at = self._places.get(channel, (None, 0.0))
        if place and time.monotonic() - at < PLACE_SECONDS:
            return place
        found = (await self._client.conversations_info(channel=channel, include_num_members=True))["channel"]
        count = max(0, int(found.get("num_members") or 0) - 1)  # without us
        place = Place(str(found.get("name") or ""), conversation_kind(found), count)
        self._places[channel] = (place, time.monotonic())
        return place

    async def permalink(self, channel: str, ts: str) -> str:
        """Return a message's address; "" where Slack does not tell."""
        try:
            return str((await self._client.chat_getPermalink(channel=channel, message_ts=ts))["permalink"])
        except SLACK_ERRORS:
            return ""

    async def name(self, user: str) -> str:
        """Return what a person is called, or the id where Slack does not tell."""
        return (await self._person(user))[0]

    async def utc_offset_seconds(self, user: str) -> int:
        """Return how much a person's clock is ahead of UTC; 0 where Slack does not tell."""
        return (await self._person(user))[1]

    async def _person(self, user: str) -> tuple[str, int]:
        name, offset, at = self._people.get(user, ("", 0, 0.0))
        if name and time.monotonic() - at < NAME_SECONDS:
            return name, offset
        try:
            person = (await self._client.users_info(user=user)).get("user") or {}
            profile = person.get("profile") or {}
            name = str(profile.get("real_name") or person.get("real_name") or person.get("name") or user)
            offset = int(person.get("tz_offset") or 0)
        except SLACK_ERRORS:
            name = name or user
        self._people[user] = (name, offset, time.monotonic())
        return name, offset

    async def _with_names(self, text: str) -> str:
        """Return a text in which people are called by their names."""
        for user in dict.fromkeys(MENTION.findall(text)):
            text = re.sub(rf"<@{user}(?:\|[^>]*)?>", (await self.name(user)).replace("\\", ""), text)
        return text


def tables_of(message: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the ids of the CSV files that a person shares in a message."""
    files = [] if message.get("bot_id") else message.get("files") or []
    return tuple(str(file["id"]) for file in files if str(file.get("name")).casefold().endswith((".csv", ".tsv")))
