"""Which messages quote which document, so that a forgotten document's quotes are taken back."""

from collections.abc import Iterable
from typing import Any

from redis.asyncio import Redis
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.errors import code
from bot.slack.post import GONE
from handlers.text.messages import say

QUOTES_SECONDS = 400 * 86400  # longer than threads are remembered
OUT_OF_REACH = GONE | {"channel_not_found", "not_in_channel", "is_archived"}


class Quotes:
    """The messages that quote, by document."""

    def __init__(self, client: AsyncWebClient, redis: Redis) -> None:
        self._client = client
        self._redis: Any = redis  # its types say bytes-or-str for what decode_responses makes str

    async def record(self, document_ids: Iterable[str], channel: str, ts: str, language: str = "en") -> None:
        """Note that a message quotes these documents."""
        for document_id in document_ids:
            await self._redis.sadd(_key(document_id), f"{channel} {ts} {language}")
            await self._redis.expire(_key(document_id), QUOTES_SECONDS)

    async def withdraw(self, document_id: str, channel: str = "") -> int:
        """Replace each message that quotes the document by a sentence that says so; return how many.

        With a channel, only those in it: the document stays shared elsewhere.
        """
        withdrawn = 0
        for entry in sorted(await self._redis.smembers(_key(document_id))):
            where, ts, language = entry.split(" ")
            if channel and where != channel:
                continue
            withdrawn += await self._take_back(where, ts, language)
            await self._redis.srem(_key(document_id), entry)
        return withdrawn

    async def documents(self) -> list[str]:
        """Return the documents that are quoted somewhere."""
        return [key.removeprefix(_key("")) async for key in self._redis.scan_iter(match=_key("*"), count=500)]

    async def _take_back(self, channel: str, ts: str, language: str) -> bool:
        sentence = say("slack.withdrawn", language)
        block = {"type": "section", "text": {"type": "plain_text", "text": sentence}}
        try:
            await self._client.chat_update(channel=channel, ts=ts, text=sentence, blocks=[block])
        except SlackApiError as error:
            if code(error) in OUT_OF_REACH:
                return False
            raise
        return True


def _key(document_id: str) -> str:
    return f"quotes:{document_id}"
