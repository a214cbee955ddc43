"""What was said while we were away, read from the conversations themselves: Slack keeps it for minutes only."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import structlog
from redis.asyncio import Redis
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.errors import SLACK_ERRORS, code

logger = structlog.get_logger()

BEAT_SECONDS = 15.0
AWAY_SECONDS = 120.0  # a shorter absence is made good by Slack, which tells everything again for five minutes
MARGIN_SECONDS = 60.0  # read from before we went; what was taken already is not taken twice
THREADS_SECONDS = 3 * 86400.0  # threads that began so long before we went are looked through, too
LONGEST_SECONDS = 7 * 86400.0  # nobody waits for an answer from before that, and documents are offered by channel
ALIVE_SECONDS = 30 * 86400
PAUSE_SECONDS = 1.3  # between two readings: 50 a minute are allowed
ALIVE = "gateway:alive"
READING = "gateway:catching-up"
KINDS = "public_channel,private_channel,mpim,im"

Message = Mapping[str, Any]
Take = Callable[[dict[str, Any]], Awaitable[None]]


class CatchUp:
    """Notes that we are there, and reads what was said when we were not."""

    def __init__(self, client: AsyncWebClient, redis: Redis, team: str, take: Take) -> None:
        self._client, self._team, self._take = client, team, take
        self._redis: Any = redis  # its types say bytes-or-str for what decode_responses makes str
        self.pause_seconds = PAUSE_SECONDS

    async def run(self, is_connected: Callable[[], bool]) -> None:
        """Beat while Slack reaches us, and catch up after each absence; runs until cancelled."""
        while True:
            if is_connected():
                await self.beat()
            await asyncio.sleep(BEAT_SECONDS)

    async def beat(self) -> None:
        """Note that we are there; first read what was said since the last time, if that is long ago."""
        last = float(await self._redis.get(ALIVE) or 0)
        if last and time.time() - last > AWAY_SECONDS:
            if not await self._redis.set(READING, "1", nx=True, ex=600):
                return  # another gateway is at it
            await self.read(max(last - MARGIN_SECONDS, time.time() - LONGEST_SECONDS))
            await self._redis.delete(READING)
        await self._redis.set(ALIVE, f"{time.time():.6f}", ex=ALIVE_SECONDS)

    async def read(self, since: float) -> None:
        """Take what was said since then in every conversation that we are in, oldest first."""
        count = 0
        try:
            async for channel in self._conversations():
                await self._redis.expire(READING, 600)
                for message in await self._missed(str(channel["id"]), since):
                    await self._take(self._body(message, channel))
                    count += 1
        except SLACK_ERRORS as error:
            logger.warning("not caught up", reason=code(error) or type(error).__name__)
        logger.info("caught up", away_seconds=round(time.time() - since), messages=count)

    async def _conversations(self) -> AsyncIterator[Message]:
        cursor = None
        while True:
            page = await self._client.users_conversations(types=KINDS, exclude_archived=True, limit=200, cursor=cursor)
            for channel in page["channels"]:
                yield channel
            if not (cursor := (page.get("response_metadata") or {}).get("next_cursor")):
                return

    async def _missed(self, channel: str, since: float) -> list[Message]:
        """Return a conversation's messages since then, those of its threads included."""
        try:
            there = await self._pages(
                self._client.conversations_history, channel=channel, oldest=f"{since - THREADS_SECONDS:.6f}"
            )
            missed = [message for message in there if float(message["ts"]) > since]
            for root in there:
                if float(root.get("latest_reply") or 0) > since:
                    replies = await self._pages(
                        self._client.conversations_replies, channel=channel, ts=root["ts"], oldest=f"{since:.6f}"
                    )
                    missed += [reply for reply in replies if reply["ts"] != root["ts"] and float(reply["ts"]) > since]
        except SLACK_ERRORS as error:
            logger.warning("not caught up", channel=channel, reason=code(error) or type(error).__name__)
            return []
        return sorted(missed, key=lambda message: float(message["ts"]))

    async def _pages(self, method: Callable[..., Awaitable[Any]], **arguments: Any) -> list[Message]:
        messages: list[Message] = []
        cursor = None
        while True:
            await asyncio.sleep(self.pause_seconds)
            page = await method(limit=200, cursor=cursor, **arguments)
            messages += page["messages"]
            if not (cursor := (page.get("response_metadata") or {}).get("next_cursor")):
                return messages

    def _body(self, message: Message, channel: Message) -> dict[str, Any]:
        """Return a message as the event that would have told it."""
        kind = "im" if channel.get("is_im") else "mpim" if channel.get("is_mpim") else "channel"
        event = {
            **message,
            "type": "message",
            "channel": channel["id"],
            "channel_type": kind,
            "event_ts": message["ts"],
        }
        return {
            "type": "event_callback",
            "team_id": self._team,
            "event_id": f"late:{channel['id']}:{message['ts']}",
            "authorizations": [{"team_id": self._team}],
            "event": event,
        }
