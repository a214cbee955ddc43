"""What was shown because of which shares: messages and files by document, so that they are taken back with them."""

import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

from redis.asyncio import Redis
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.errors import code
from bot.slack.post import GONE
from handlers.request import Request
from handlers.text.messages import say

QUOTES_SECONDS = 400 * 86400  # longer than threads are remembered
OUT_OF_REACH = GONE | {"channel_not_found", "not_in_channel", "is_archived"}
FILE_GONE = frozenset({"file_not_found", "file_deleted", "cant_delete_file"})
DOCUMENTS = "shown-documents"  # a sorted set: what is shown somewhere, by the time at which that is forgotten

Shares = Mapping[str, Collection[str]]  # of each document, the conversations that its readers may see it in
SharesOf = Callable[[Collection[str], Request], Awaitable[Mapping[str, frozenset[str]]]]


async def in_its_own_conversation(documents: Collection[str], request: Request) -> Mapping[str, frozenset[str]]:
    """Say that documents are shared where they are asked for: for what answers without a library."""
    return dict.fromkeys(documents, frozenset({request.channel}))


class Quotes:
    """The ledger: what shows something of a document, and the conversations whose shares allowed it."""

    def __init__(self, client: AsyncWebClient, redis: Redis) -> None:
        self._client = client
        self._redis: Any = redis  # its types say bytes-or-str for what decode_responses makes str

    async def record(self, shares: Shares, channel: str, ts: str, language: str = "en") -> None:
        """Note that a message shows something of these documents."""
        await self._record(shares, f"message {channel} {ts} {language}")

    async def record_file(self, shares: Shares, file_id: str) -> None:
        """Note that a file that was handed over holds something of these documents."""
        await self._record(shares, f"file {file_id}")

    async def withdraw(self, document_id: str, visible: Collection[str] = ()) -> int:
        """Take back what shows a document that is seen in these conversations only; return how much.

        A message says from then on that it was taken back, a file is deleted.
        """
        withdrawn = 0
        for entry, channels in sorted((await self._redis.hgetall(_key(document_id))).items()):
            if frozenset(channels.split()).isdisjoint(visible):
                withdrawn += await self._take_back(*entry.split(" "))
                await self._redis.hdel(_key(document_id), entry)
        if not await self._redis.exists(_key(document_id)):
            await self._redis.zrem(DOCUMENTS, document_id)
        return withdrawn

    async def allowed(self, document_id: str) -> frozenset[str]:
        """Return the conversations whose shares allowed what is shown of a document."""
        return frozenset(channel for some in await self._redis.hvals(_key(document_id)) for channel in some.split())

    async def move_channel(self, old: str, new: str) -> None:
        """Follow a channel to its new id."""
        for document_id in await self.documents():
            for entry, channels in (await self._redis.hgetall(_key(document_id))).items():
                words = [[new if word == old else word for word in text.split(" ")] for text in (entry, channels)]
                moved_entry, moved_channels = (" ".join(some) for some in words)
                await self._redis.hdel(_key(document_id), entry)
                await self._redis.hset(_key(document_id), moved_entry, moved_channels)

    async def documents(self) -> list[str]:
        """Return the documents of which something is shown."""
        return list(await self._redis.zrange(DOCUMENTS, 0, -1))

    async def _record(self, shares: Shares, entry: str) -> None:
        if not shares:
            return
        now = time.time()
        async with self._redis.pipeline() as pipeline:
            for document_id, channels in shares.items():
                pipeline.hset(_key(document_id), entry, " ".join(sorted(channels)))
                pipeline.expire(_key(document_id), QUOTES_SECONDS)
            pipeline.zadd(DOCUMENTS, dict.fromkeys(shares, now + QUOTES_SECONDS))
            pipeline.zremrangebyscore(DOCUMENTS, "-inf", now)
            await pipeline.expire(DOCUMENTS, QUOTES_SECONDS).execute()

    async def _take_back(self, kind: str, *where: str) -> bool:
        try:
            await (self._delete(*where) if kind == "file" else self._replace(*where))
        except SlackApiError as error:
            if code(error) in OUT_OF_REACH | FILE_GONE:
                return False
            raise
        return True

    async def _replace(self, channel: str, ts: str, language: str) -> None:
        sentence = say("slack.withdrawn", language)
        block = {"type": "section", "text": {"type": "plain_text", "text": sentence}}
        await self._client.chat_update(channel=channel, ts=ts, text=sentence, blocks=[block])

    async def _delete(self, file_id: str) -> None:
        await self._client.files_delete(file=file_id)


def _key(document_id: str) -> str:
    return f"shown:{document_id}"
